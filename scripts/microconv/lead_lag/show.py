"""Prints leads and lags for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from microconv import output
from microconv.aggregates.types import Conversion
from microconv.correlate.words import label_of
from microconv.evidence.refusal import Refusal
from microconv.lead_lag.family import MacroLags, Pair
from microconv.lead_lag.words import LIMITS, TEMPLATES, sentences_of, span
from microconv.watching.lead_lag import LagVerdict


def show(found: MacroLags, conversions: Mapping[str, Conversion], wanted: Sequence[str]) -> None:
    """Print one macro: a table, then a sentence per pair; refusals once per reason."""
    macro = found.basis.macro_name
    pairs = [pair for pair in found.pairs if pair.micro_name in wanted]
    judged = [pair for pair in pairs if not isinstance(pair.found, Refusal)]
    if judged:
        title = f"Which daily rate moves before that of {label_of(macro, conversions)}"
        headings = ["Micro-conversion", "Verdict", "r", "n", "q", "By visitor"]
        rows = [_row(pair, conversions) for pair in judged]
        output.print_table(title, headings, rows, left_columns=2)
    silent = [pair for pair in judged if pair.verdict == LagVerdict.NO_EVIDENCE]
    silent = [pair for pair in silent if not pair.is_withheld and len(pairs) > 1]
    for pair in judged:
        if pair not in silent:
            said = " ".join(sentences_of(pair, macro, conversions, found.family))
            output.say_sentence(said)
            output.say()
    if silent:
        names = ", ".join(label_of(pair.micro_name, conversions) for pair in silent)
        label = label_of(macro, conversions)
        output.say_sentence(TEMPLATES["silent"].format(macro=label, names=names))
        output.say()
    _refusals(pairs, macro, conversions)


def show_limits() -> None:
    """Print what no lead can say."""
    output.say("Limits")
    for limit in LIMITS:
        output.say_sentence(f"- {limit}")
    output.say()


def _refusals(pairs: Sequence[Pair], macro: str, conversions: Mapping[str, Conversion]) -> None:
    by_reason: dict[str, list[str]] = {}
    for pair in pairs:
        if isinstance(pair.found, Refusal):
            label = label_of(pair.micro_name, conversions)
            by_reason.setdefault(" ".join(pair.found.reasons), []).append(label)
    for reason, labels in by_reason.items():
        named = ", ".join(labels)
        output.say_sentence(f"Refused for {label_of(macro, conversions)} with {named}: {reason}")
        output.say()


def _row(pair: Pair, conversions: Mapping[str, Conversion]) -> list[str]:
    assert not isinstance(pair.found, Refusal)
    is_said = pair.verdict != LagVerdict.NO_EVIDENCE
    verdict = pair.found.phrase if is_said else pair.verdict
    return [
        label_of(pair.micro_name, conversions),
        verdict + (", low power" if pair.found.is_low_power else ""),
        f"{pair.found.r:.2f}" if is_said else "–",
        f"{pair.found.periods} {pair.found.unit}s",
        f"{pair.q_value:.2g}",
        span(pair.delay.median_seconds),
    ]
