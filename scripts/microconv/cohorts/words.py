"""The words of cohorts: they say who did what later, never what made them do it."""

from __future__ import annotations

from collections.abc import Mapping

from microconv.aggregates.types import Basis, Conversion
from microconv.cohorts.compare import WEEK_DAYS, Compared, MacroCohorts, Outcome, Standing
from microconv.correlate.words import label_of, wording_of
from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.evidence.wording import multiple
from microconv.output import count, percentage
from microconv.watching.cohorts import BehaviourComparison
from microconv.watching.wording import signed

TEMPLATES = {
    "headline": "{with_rate} of visitors who {did} within {landmark} of their first page "
    "{outcome}, {without_rate} of those who {did_not} ({with_count} and {without_count} visitors "
    "of {weeks}).",
    "like_for_like": "Among visitors of the same first week, device and channel: {lift}.",
    "part": "Only {overlap} of them have somebody alike on the other side: this is of a part.",
    Standing.HIGHER: "Clear of chance, also among {family} comparisons (q = {q}).",
    Standing.LOWER: "Clear of chance, and lower, also among {family} comparisons (q = {q}).",
    Standing.NOT_CLEAR: "Not clear of chance among {family} comparisons{q}.",
    "revenue": "Per visitor {value} USD [{low}, {high}] more than visitors alike.",
    "early": "{early_with} and {early_without} visitors had had {macro} by then and are not in it.",
    "converted": "{converted} in the {days} days after that",
    "returned": "were seen again in days {first} to {days} after that",
    "by_week": "Before: had it by the landmark, counted apart. Week 1, 2, …: share seen again in "
    "that week after the landmark; intervals are in mart_cohorts. Money needs {orders} orders a "
    "week.",
    "no_week": "No first week was followed for {days} days yet.",
}

LIMITS = (
    "Observational: whoever does more early on may have come for more. The same first week, device "
    "and channel do not make visitors alike in what they want; `microconv correlate` compares "
    "visitors at the same point of the visit.",
    "New visitors only: whoever was here before the first loaded day has no known first week.",
    "Visitors who had the macro-conversion by the landmark are counted apart.",
    "A visitor is a cookie or a log-in: whoever comes back on another device, or after the cookie "
    "is gone, counts as somebody else, which makes returns look rarer.",
)

_BEHAVIOURS = {
    "(activated)": ("Activated", "were activated", "were not"),
    "(3 or more)": (
        "3 or more of them, against 1",
        "did 3 or more different micro-conversions",
        "did exactly one",
    ),
}


def behaviour_label(name: str, conversions: Mapping[str, Conversion]) -> str:
    """What people read for a behaviour."""
    return _BEHAVIOURS[name][0] if name in _BEHAVIOURS else label_of(name, conversions)


def sentences_of(
    one: Compared, found: MacroCohorts, conversions: Mapping[str, Conversion]
) -> tuple[str, ...]:
    """One comparison in words, its base first."""
    if isinstance(one.result, Refusal):
        return one.result.reasons
    basis = found.basis
    wording = wording_of(one.behaviour, basis, conversions)
    _, did, did_not = _BEHAVIOURS.get(one.behaviour, ("", wording.did, "did not"))
    said = [
        TEMPLATES["headline"].format(
            with_rate=percentage(one.result.with_rate.value),
            without_rate=percentage(one.result.without_rate.value),
            did=did,
            did_not=did_not,
            landmark=landmark_of(basis),
            outcome=_outcome(one, basis, wording.converted),
            with_count=count(one.with_it.visitors),
            without_count=count(one.without_it.visitors),
            weeks=_weeks(one.weeks),
        ),
        *_like_for_like(one, one.result, found.family(one.outcome)),
    ]
    early = TEMPLATES["early"].format(
        early_with=count(one.with_it.early),
        early_without=count(one.without_it.early),
        macro=wording.macro,
    )
    return (*said, early)


def _like_for_like(one: Compared, result: BehaviourComparison, family: int) -> list[str]:
    said = [TEMPLATES["like_for_like"].format(lift=multiple(result.standardised.lift))]
    if one.is_of_a_part:
        said.append(TEMPLATES["part"].format(overlap=percentage(result.standardised.overlap)))
    q = f"{one.q_value:.2g}" if one.q_value == one.q_value else ""
    if one.standing is Standing.NOT_CLEAR:
        q = f" (q = {q})" if q else ""
    said.append(TEMPLATES[one.standing].format(family=family, q=q))
    gained = result.standardised_revenue.incremental
    if one.has_revenue and gained.has_interval:
        said.append(
            TEMPLATES["revenue"].format(
                value=f"{gained.value:,.2f}", low=f"{gained.low:,.2f}", high=f"{gained.high:,.2f}"
            )
        )
    return said


def landmark_of(basis: Basis) -> str:
    """Up to when behaviour is looked at, such as `24 hours`."""
    return "24 hours" if basis.landmark_days == 1 else f"{basis.landmark_days:g} days"


def difference(estimate: Estimate) -> str:
    """A difference of rates in percentage points, such as `+2.1 pp [+0.9, +3.3]`."""
    if not estimate.has_interval:
        return "–"
    low, high = (signed(limit).removesuffix(" %") for limit in (estimate.low, estimate.high))
    return f"{signed(estimate.value).removesuffix(' %')} pp [{low}, {high}]"


def _outcome(one: Compared, basis: Basis, converted: str) -> str:
    days = round(basis.horizon_days)
    if one.outcome is Outcome.CONVERSION:
        return TEMPLATES["converted"].format(converted=converted, days=days)
    return TEMPLATES["returned"].format(first=max(days - WEEK_DAYS, 0) + 1, days=days)


def _weeks(weeks: int) -> str:
    return "one first week" if weeks == 1 else f"{weeks} first weeks"
