"""Experiments for people: a table each, sentences below it, and all past ones together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from microconv import output
from microconv.aggregates.types import Conversion
from microconv.correlate.words import label_of
from microconv.deciding import Validation, Validity, validation_sentence
from microconv.evidence.refusal import Refusal
from microconv.experiments.explained import explained_by
from microconv.experiments.judge import Judged, Outcome, Unreadable
from microconv.experiments.past import Past
from microconv.experiments.words import (
    SAME_VISITORS,
    cells,
    explained_sentence,
    fault_sentence,
    goal_sentences,
    outcome_sentence,
    people_sentence,
)


def show_trial(
    found: Judged | Unreadable, conversions: Mapping[str, Conversion], macro: str | None
) -> None:
    """One variant beside its control, for every macro-conversion or one of them."""
    if isinstance(found, Unreadable):
        output.say_paragraphs([fault_sentence(found)])
        return
    for goal in found.goals:
        if macro not in (None, goal):
            continue
        compared = [one for one in found.comparisons if one.macro == goal]
        output.print_table(
            f"{found.trial.name}: {found.variant.name} against {found.control.name}",
            ["Conversion", found.control.name, found.variant.name, "Ratio", "q", "Outcome"],
            [cells(one, label_of(one.measure, conversions)) for one in compared],
        )
        label = label_of(goal, conversions)
        output.say_sentence(people_sentence(found))
        for one in compared:
            if one.is_macro or one.outcome in (Outcome.HIGHER, Outcome.LOWER):
                name = label_of(one.measure, conversions)
                output.say_sentence(outcome_sentence(one, name, found.variant.name))
            if sentence := explained_sentence(explained_by(found, one), one, conversions):
                output.say_sentence(sentence)
        for sentence in goal_sentences(found, goal, label):
            output.say_sentence(sentence)
        output.say()


def show_past(found: Sequence[Past], conversions: Mapping[str, Conversion]) -> None:
    """Did lifts of micro-conversions become lifts of the macro?"""
    for macro in dict.fromkeys(one.macro for one in found):
        family = [one for one in found if one.macro == macro]
        read = [one for one in family if isinstance(one.found, Validation)]
        label = label_of(macro, conversions)
        if not read:
            reasons = dict.fromkeys(validation_sentence(one.found) for one in family)
            output.say_paragraphs([f"“{label}”: {' '.join(list(reasons)[:1])}"])
            continue
        output.print_table(
            f"Did lifts of micro-conversions become lifts of “{label}”?",
            ["Micro-conversion", "Experiments", "Same direction", "True correlation", "Verdict"],
            [_past_cells(one, label_of(one.micro, conversions)) for one in family],
        )
        for one in read:
            if one.found.validity is not Validity.TOO_FEW:  # type: ignore[union-attr]
                name = label_of(one.micro, conversions)
                output.say_sentence(f"{name}: {validation_sentence(one.found)}")
        output.say_paragraphs([SAME_VISITORS])


def _past_cells(one: Past, label: str) -> list[str]:
    found = one.found
    if isinstance(found, Refusal):
        return [label, "–", "–", "–", "too few experiments"]
    same, true = found.same_sign, found.correlation
    shown = f"{true.value:.2f} [{true.low:.2f}, {true.high:.2f}]" if true.has_interval else "–"
    return [
        label,
        output.count(len(found.lifts)),
        output.interval(same.value, same.low, same.high),
        shown,
        str(found.validity),
    ]
