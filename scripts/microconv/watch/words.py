"""What `watch` says: evidence, diagnosis and the next thing to look at, in plain words.

It names where numbers moved, never what made them move.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol

from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import UNDEFINED, Estimate, student_quantile
from microconv.evidence.refusal import Refusal
from microconv.output import count
from microconv.watch import money
from microconv.watch.explain import Explanation
from microconv.watch.judge import Alert
from microconv.watch.read import Annotation
from microconv.watch.tracking import Problem
from microconv.watching import (
    Kind,
    Part,
    Watch,
    alert_sentences,
    diagnosis_sentence,
    guard_sentence,
)
from microconv.watching.outages import Suspicion
from microconv.watching.units import SHARE, amount, amounts
from microconv.watching.wording import outage_sentence, signed


class HasAlert(Protocol):
    """Something that is said of an alert."""

    @property
    def alert(self) -> Alert:
        """Which."""


GROUPS = 20
"""Of visitors, as mart_tracked_means sums them."""

NEAR_DAYS = 3
"""A change is near an alert whose days begin so many days after it, or one before it fires."""

DIMENSIONS = {
    "device_category": "device",
    "channel_group": "channel",
    "landing_page_path": "landing page",
    "visitor_type": "new or returning",
    "country": "country",
    "browser": "browser",
}

_NEXT_TRACKING = {
    Kind.EVENT_GONE: "Look whether the tag or the release of {day} still sends it; if it was taken "
    "away on purpose, take it out of the catalog.",
    Kind.VALUE_SILENT: "Open the site there and watch whether it is sent; look at the release and "
    "the consent banner of {day}.",
    Kind.PARAMETER_EMPTY: "Look at the tag and the data layer that fill it, as they were released "
    "on {day}.",
    Kind.REVENUE_MISSING: "Look at the value that the order page hands to the tag since {day}; "
    "revenue is too low until it is back.",
    Kind.FLAG_TURNED: "Ask who changed its definition on {day}; numbers from before and after it "
    "cannot be compared.",
}

_NEXT_SEGMENT = {
    "device_category": "Go through it once on {value} and compare with what was released since "
    "{day}.",
    "channel_group": "Look at what ran in {value} since {day}: campaigns, audiences, pages.",
    "landing_page_path": "Open {value} and compare it with how it was before {day}.",
    "visitor_type": "Look at what {value} visitors are shown since {day}.",
    "country": "Look at prices, delivery and language for {value} since {day}.",
    "browser": "Go through it once in {value} and compare with what was released since {day}.",
}


def alert_sentence(alert: Alert) -> str:
    """What moved, by which rules."""
    shown = replace(alert.watch, findings=alert.findings)
    return " ".join(alert_sentences(shown, alert.judged.series.label))


def evidence_sentence(alert: Alert, minimum: int) -> str:
    """The base, the interval, and the rules with what they ask for."""
    seen = alert.watch
    rate = rate_on(seen, minimum)
    base = f"{count(seen.trials)} on {seen.day:%Y-%m-%d}"
    if seen.unit == SHARE:
        base = f"{count(seen.successes)} of {base}"
    rules = "; ".join(
        f"{one.rule}: {signed(one.change)}, {abs(one.statistic):.1f} of {one.limit:.2f} standard "
        "deviations"
        for one in alert.findings
    )
    state = "still so" if alert.is_ongoing else f"last on {alert.watch.day:%Y-%m-%d}"
    return (
        f"{base}, {amounts(rate.value, rate.low, rate.high, seen.unit)}, "
        f"usual {amount(seen.baseline, seen.unit)}. "
        f"Rules: {rules}. Since {alert.since:%Y-%m-%d}, {state}."
    )


def rate_on(seen: Watch, minimum: int) -> Estimate:
    """The rate or mean of the judged day with its interval; undefined of too few to be said.

    Of a mean the interval is that of its logarithm, from twenty groups of visitors.
    """
    if not seen.trials >= minimum:
        return UNDEFINED
    if seen.unit == SHARE:
        return wilson(seen.successes, seen.trials)
    if not (seen.successes > 0 and seen.variance > 0):
        return Estimate(seen.rate, math.nan, math.nan)
    reach = student_quantile(GROUPS - 1) * math.sqrt(seen.variance) / seen.successes
    return Estimate(seen.rate, seen.rate * math.exp(-reach), seen.rate * math.exp(reach))


def simple_change(seen: Watch, minimum: int) -> float:
    """The plain change against the week before; undefined of fewer than may be said."""
    return seen.change_vs_previous_week if seen.trials >= minimum else math.nan


def diagnosis_paragraph(found: Explanation) -> str:
    """Volume or rate, the step, mix or rate by segment, the guard."""
    said = [_volume(found)]
    if found.step is not None:
        step = found.step
        unit = money.UNITS.get(step.name, SHARE)
        before, after = (amount(one, unit) for one in (step.rate_before, step.rate_after))
        said.append(
            f"{100 * step.share:.0f} % of the change of the {found.measure} lies in the step "
            f"“{step.name}” ({before} before, {after} now)."
        )
    if isinstance(found.diagnosis, Refusal):
        said.append(f"Not taken apart further: {diagnosis_sentence(found.diagnosis)}")
    else:
        whose = "That step" if found.step is not None else f"The {found.measure}"
        said.append(f"{whose}: {_plain(diagnosis_sentence(found.diagnosis))}")
    said += [guard_sentence(guard.pair, "It", guard.label) for guard in found.guards]
    return " ".join(one for one in said if one)


def others_sentence(others: Sequence[HasAlert]) -> str:
    """Rates that moved the same way in the same segment: most likely one story."""
    if not others:
        return ""
    named = ", ".join(
        f"{one.alert.judged.series.label} ({signed(one.alert.findings[-1].change)})"
        for one in others
    )
    return f"The same segment also stands out in: {named}."


def next_look(alert: Alert, found: Explanation) -> str:
    """One thing to look at, by what the change mostly is."""
    day = f"{alert.looked_at_since:%Y-%m-%d}"
    if found.step is not None and found.step.name == money.PAID_STEP:
        return problem_look(Kind.REVENUE_MISSING, day)
    read, metric = found.diagnosis, alert.judged.series.metric
    if metric.dimension in _NEXT_SEGMENT:
        return _NEXT_SEGMENT[metric.dimension].format(value=metric.value, day=day)
    if isinstance(read, Refusal) or read.part is Part.UNCLEAR:
        return "Too little is clear yet: look again when a week is complete."
    if read.part is Part.RATE_EVERYWHERE or read.dimension is None or read.segment is None:
        return f"Look at what changed for everybody on {day}: releases, prices, stock, banners."
    if read.part is Part.MIX:
        segment = read.shift or read.segment
        way = "larger" if segment.part_after > segment.part_before else "smaller"
        return (
            f"Look at why a {way} part of the visits has {DIMENSIONS[segment.dimension]} "
            f"{segment.value} since {day}; the rates of the segments themselves hold."
        )
    return _NEXT_SEGMENT[read.dimension.dimension].format(value=read.segment.value, day=day)


def problem_sentence(problem: Problem) -> str:
    """What broke, since when, and how much is missing; never a word about behaviour."""
    return f"Tracking: {outage_sentence(problem.suspicion)}"


def problem_next_look(suspicion: Suspicion) -> str:
    """One thing to look at."""
    said = problem_look(suspicion.kind, f"{suspicion.days[0]:%Y-%m-%d}")
    if suspicion.tracked.is_occasional:
        said += (
            " Most of these events never had it: if a campaign or an offer ended, nothing broke."
        )
    return said


def problem_look(kind: Kind, day: str) -> str:
    """What to look at where something of a kind broke on a day."""
    return _NEXT_TRACKING[kind].format(day=day)


def near(
    annotations: Iterable[Annotation], day: date, until: date | None = None
) -> list[Annotation]:
    """Changes that people noted near the first day of something, which may be any up to `until`."""
    first, last = day - timedelta(days=NEAR_DAYS), (until or day) + timedelta(days=1)
    return [one for one in annotations if first <= one.day <= last]


def annotation_sentence(found: Sequence[Annotation]) -> str:
    """What people noted; that it is near says nothing about whether it has to do with it."""
    if not found:
        return ""
    noted = "; ".join(
        f"{one.day:%Y-%m-%d} {one.what}" + (f" ({one.where})" if one.where else "") for one in found
    )
    return f"Noted near that day: {noted}."


def _volume(found: Explanation) -> str:
    if isinstance(found.volume, Refusal):
        return " ".join(found.volume.reasons)
    volume = found.volume
    days = len(found.periods.after)
    return (
        f"In {days} day{'' if days == 1 else 's'} {_signed(volume.change)}"
        f"{' USD' if found.unit == 'usd' else ''} against the same weekdays of the four weeks "
        f"before: {_signed(volume.volume)} with the number of {found.counted}, "
        f"{_signed(volume.rate)} with the {found.measure}."
    )


def _signed(number: float) -> str:
    rounded = round(number)
    return f"{'+' if rounded > 0 else ''}{rounded:,}"


def _plain(sentence: str) -> str:
    for name, words in DIMENSIONS.items():
        sentence = sentence.replace(f"mix of {name}", f"mix of {words}").replace(
            f"where {name} is", f"where {words} is"
        )
    return sentence
