"""The words of watching: what moved, by how much, against what, and how sure that is.

They say where numbers moved, never what made them move.
"""

from __future__ import annotations

import math

from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.output import count
from microconv.watching.alerts import Direction, Finding, Rule, Standing, Watch
from microconv.watching.diagnosis import Diagnosis, Part, Step
from microconv.watching.guards import GuardPair, GuardVerdict
from microconv.watching.lead_lag import LagVerdict, LeadLag
from microconv.watching.outages import Kind, Suspicion
from microconv.watching.scores import HISTORY_DAYS
from microconv.watching.units import amount

_FELL = {Direction.DROP: "fell", Direction.RISE: "rose"}

_RULES = {
    Rule.SUDDEN: "{label} {fell}: {rate} on {day}, {change} against the same weekday of the four "
    "weeks before ({baseline}).",
    Rule.SUSTAINED: "{label} has been {lower} for days: the last seven are {change} against their "
    "usual weekdays.",
    Rule.WEEKLY: "{label} {fell} over the week: the last seven days are {change} against the four "
    "weeks before.",
}

_STANDINGS = {
    Standing.TRACKING_SUSPECT: "{label} on {day}: tracking is suspect, so the number says nothing "
    "about visitors.",
    Standing.TOO_LITTLE_DATA: "{label}: too few visitors to watch; only a drop of {drop} or more "
    "in a week would show.",
    Standing.LEARNING: "{label}: still learning what is usual ({history} of {needed} days).",
    Standing.TOO_LITTLE_HISTORY: "{label}: {history} days of history; four weeks are the least.",
    Standing.NO_DATA: "{label}: nothing was counted on {day}.",
    Standing.NOT_A_RATE: "{label}: more successes than trials on a day, or a sum below 0, so this "
    "is no rate.",
}

_KINDS = {
    Kind.EVENT_GONE: "{name} is no longer counted",
    Kind.VALUE_SILENT: "{name} is no longer counted where {dimension} is {value}",
    Kind.VALUE_REPLACED: "{value} of {dimension} faded out or was replaced, which is no fault,",
    Kind.PARAMETER_EMPTY: "{name} is empty",
    Kind.REVENUE_MISSING: "{name} comes without revenue",
    Kind.FLAG_TURNED: "{name} seems to mean something else",
}

_GUARDS = {
    GuardVerdict.NO_RISE: "{micro} did not clearly rise, so there is nothing to guard.",
    GuardVerdict.FOLLOWS: "{micro} rose ({up}) and {guard} rose with it ({other}).",
    GuardVerdict.FLAT: "{micro} rose ({up}) but {guard} did not follow ({other}).",
    GuardVerdict.DOWN: "{micro} rose ({up}) but {guard} fell ({other}).",
    GuardVerdict.UNCLEAR: "{micro} rose ({up}); too little was seen of {guard} to say whether it "
    "followed ({other}).",
}


def alert_sentences(watch: Watch, label: str) -> tuple[str, ...]:
    """One sentence per finding; without any, why nobody can be told, or that nothing stands out."""
    if watch.findings:
        return tuple(_finding(watch, one, label) for one in watch.findings)
    fields = {
        "label": label,
        "day": f"{watch.day:%Y-%m-%d}",
        "drop": _share(watch.smallest_weekly_drop),
        "history": count(watch.history_days),
        "needed": count(HISTORY_DAYS),
    }
    if watch.standing is Standing.TOO_LITTLE_DATA and math.isnan(watch.smallest_weekly_drop):
        return (f"{label}: too little was counted in the last weeks to watch it.",)
    if watch.standing is not Standing.WATCHED:
        return (_STANDINGS[watch.standing].format(**fields),)
    return (f"{label} moved no further than chance does; a drop of {fields['drop']} would show.",)


def outage_sentence(found: Suspicion) -> str:
    """What fell silent, since when, and how much is missing."""
    tracked = found.tracked
    what = _KINDS[found.kind].format(
        name=tracked.name, dimension=tracked.dimension, value=tracked.value
    )
    span = f"since {found.days[0]:%Y-%m-%d}"
    if not found.is_ongoing:
        span = f"from {found.days[0]:%Y-%m-%d} to {found.days[-1]:%Y-%m-%d}"
    return f"{what} {span}: {count(found.counted)} counted, {count(found.expected)} expected."


def diagnosis_sentence(found: Diagnosis | Refusal, steps: tuple[Step, ...] = ()) -> str:
    """What a change mostly is, such as "-18 %: 71 % from add to cart; mostly mix of channel"."""
    if isinstance(found, Refusal):
        return " ".join(found.reasons)
    said = [f"{signed(found.relative_change)}"]
    if steps:
        step = max(steps, key=lambda one: one.share if one.share == one.share else -math.inf)
        said.append(f"{_share(step.share)} of it from {step.name}")
    dimension, segment = found.dimension, found.segment
    if found.part is Part.MIX and dimension and segment:
        said.append(
            f"{_share(dimension.parts.mix_share)} of it a different mix of {dimension.dimension}, "
            f"foremost {segment.value}"
        )
        if found.shift and found.shift is not segment:
            shift = found.shift
            said.append(
                f"of all segments the one where {shift.dimension} is {shift.value} changed its "
                f"part of the visits most, from {_share(shift.part_before)} to "
                f"{_share(shift.part_after)}"
            )
    elif found.part is Part.RATE_OF_SEGMENT and dimension and segment:
        said.append(
            f"{_share(segment.rate / found.change)} of it where {dimension.dimension} is "
            f"{segment.value}: {amount(segment.rate_before, found.unit)} before, "
            f"{amount(segment.rate_after, found.unit)} now"
        )
    elif found.part is Part.RATE_EVERYWHERE:
        said.append("about alike in all segments")
    else:
        said.append("no segment explains it")
    return "; ".join(said) + "."


def guard_sentence(found: GuardPair, micro: str, guard: str) -> str:
    """A rise beside what should follow it."""
    return _GUARDS[found.verdict].format(
        micro=micro, guard=guard, up=_interval(found.micro), other=_interval(found.guard)
    )


def lead_sentence(found: LeadLag | Refusal, x: str, y: str) -> str:
    """Whether x moves before y, and what stands behind it."""
    if isinstance(found, Refusal):
        return " ".join(found.reasons)
    base = f"{found.periods} {found.unit}s"
    if found.verdict is LagVerdict.NO_EVIDENCE:
        short = " The history is short, so a lead may be missed." if found.is_low_power else ""
        return f"No evidence that {x} moves before {y} ({base}).{short}"
    way = "opposite" if found.r < 0 else "same"
    at = "on" if found.unit == "day" else "in"
    when = _WHEN[found.verdict].format(at=at, unit=found.unit)
    said = (
        f"{x} {found.phrase}: it moves {when} {y}, in the {way} direction "
        f"(r {found.r:.2f}, {base})."
    )
    if found.forecast is not None and not found.forecast.is_better:
        said += " It moves earlier, but does not (yet) make the forecast better."
    return said


_WHEN = {
    LagVerdict.LEADS: "before",
    LagVerdict.LAGS: "after",
    LagVerdict.COINCIDENT: "{at} the same {unit} as",
}


def signed(change: float) -> str:
    """A relative change, such as `-18.3 %`; a dash without one."""
    return "–" if not math.isfinite(change) else f"{100 * change:+z.1f} %"


def _finding(watch: Watch, finding: Finding, label: str) -> str:
    return _RULES[finding.rule].format(
        label=label,
        fell=_FELL[finding.direction],
        lower="lower" if finding.direction is Direction.DROP else "higher",
        rate=amount(watch.rate, watch.unit),
        baseline=amount(watch.baseline, watch.unit),
        day=f"{watch.day:%Y-%m-%d}",
        change=signed(finding.change),
    )


def _share(share: float) -> str:
    return "–" if not math.isfinite(share) else f"{100 * share:.0f} %"


def _interval(change: Estimate) -> str:
    if not change.has_interval:
        return signed(change.value)
    return f"{signed(change.value)} [{signed(change.low)}, {signed(change.high)}]"
