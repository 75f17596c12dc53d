"""The words of leading indicators: which rate moves first, never that one moves the other."""

from __future__ import annotations

import math
from collections.abc import Mapping

from microconv.aggregates.types import Conversion
from microconv.correlate.words import label_of
from microconv.evidence.refusal import Refusal
from microconv.lead_lag.family import Pair
from microconv.lead_lag.read import Delay
from microconv.output import count
from microconv.watching.lead_lag_series import ENOUGH_DAYS
from microconv.watching.wording import lead_sentence

TEMPLATES = {
    "withheld": "Taken alone, {micro} {phrase} (r {r:.2f}); among {family} micro-conversions one "
    "such may be chance (q = {q:.2g}), so nothing is concluded.",
    "low_power": "The history is short: take it as a question until there are {enough} days.",
    "silent": "No evidence that one of these moves before {macro}: {names}. That is not evidence "
    "that none does.",
    "velocity": "Visitor by visitor: half of the {reached} who got from the one to the other did "
    "so within {median}.",
    "onset": "Visitor by visitor it tells from {onset} on (microconv correlate).",
    "no_delay": "Visitor by visitor nothing was measured: no funnel ends in {macro} from there.",
}

LIMITS = (
    "Two rates that move one after the other may both follow a third thing, such as a campaign: "
    "moving earlier does not say that more of it would bring more.",
    "No evidence is not evidence of no lead: rates that wander hide a lead for a year.",
    "Weekdays and a straight trend are taken out, holidays only where `holidays` names them.",
    "Rates are of sessions, at an unchanging mix of device and channel; the newest days, days that "
    "are missing, and days on which something was not recorded are left out.",
)


def sentences_of(
    pair: Pair, macro: str, conversions: Mapping[str, Conversion], family: int
) -> tuple[str, ...]:
    """One pair in words: daily rates first, visitors after."""
    micro_label, macro_label = label_of(pair.micro_name, conversions), label_of(macro, conversions)
    said = [lead_sentence(pair.found, micro_label, macro_label)]
    if not isinstance(pair.found, Refusal):
        if pair.is_withheld:
            said = [
                TEMPLATES["withheld"].format(
                    micro=micro_label,
                    phrase=pair.found.phrase,
                    r=pair.found.r,
                    family=family,
                    q=pair.q_value,
                )
            ]
        if pair.found.is_low_power and "history is short" not in said[0]:
            said.append(TEMPLATES["low_power"].format(enough=ENOUGH_DAYS))
    return (*said, delay_sentence(pair.delay, macro_label))


def delay_sentence(delay: Delay, macro: str) -> str:
    """How long single visitors take, from where it was measured."""
    if delay.median_seconds is not None:
        return TEMPLATES["velocity"].format(
            reached=count(delay.reached), median=span(delay.median_seconds)
        )
    if delay.onset_days is not None:
        days = f"day {delay.onset_days:g}" if delay.onset_days else "the first day"
        return TEMPLATES["onset"].format(onset=days)
    return TEMPLATES["no_delay"].format(macro=macro)


def span(seconds: float | None) -> str:
    """A time in the largest unit that fits, such as `2.3 days`; a dash without one."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            shown = f"{seconds / size:.1f}".removesuffix(".0")
            return f"{shown} {unit}{'' if shown == '1' else 's'}"
    return f"{seconds:.0f} seconds"
