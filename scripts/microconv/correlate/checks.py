"""What every run checks of the data it rests on, on the user's own data; a failed check caps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from microconv.aggregates.types import Basis
from microconv.correlate.measures import LARGEST_SAME_STEP_SHARE, Measures
from microconv.evidence.jackknife import two_sided_p_of_ratio
from microconv.evidence.matched import LEAST_OVERLAP, is_bot_sensitive
from microconv.evidence.multiplicity import benjamini_hochberg
from microconv.evidence.outage import LARGEST_MISSING_SHARE
from microconv.evidence.quantities import ratio
from microconv.evidence.templates import CHECKS
from microconv.evidence.verdict import LEAST_GATE_RECALL, LEAST_Q
from microconv.evidence.wording import placebo
from microconv.output import count, percentage

LARGEST_BOT_SHARE = 0.1
LARGEST_SAFARI_SHARE = 0.2
LARGEST_CONSENTLESS_SHARE = 0.2
SAFARI_COOKIE_DAYS = 7
"""Safari forgets a script's cookie after so many days, and takes who returns for somebody else."""


class Status(StrEnum):
    """What a check found."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        name: Such as `placebo_5pct`.
        status: A note is for reading; a failed check caps verdicts at `predictive?`.
        value: The number that was looked at.
        limit: Beyond which it is no longer fine.
        sentence: Both in words.
        micros: The micro-conversions that it is about; empty for all.
    """

    name: str
    status: Status
    value: float
    limit: float
    sentence: str
    micros: tuple[str, ...] = ()


def checks_of(
    basis: Basis, micros: Sequence[Measures], placebos: Sequence[Measures]
) -> tuple[Check, ...]:
    """All checks of one macro, those that cap verdicts first."""
    return (
        *_placebos(placebos),
        _same_step(micros),
        _overlap(micros),
        _outages(micros),
        _bots(basis, micros),
        _safari(basis),
        _consent(basis),
        _lookback(basis),
    )


def failed_for(checks: Sequence[Check], one: Measures) -> tuple[str, ...]:
    """Names of failed checks that cap the verdict of one micro-conversion."""
    name = one.reach.micro_name
    failed = (check for check in checks if check.status is Status.FAILED)
    return tuple(check.name for check in failed if not check.micros or name in check.micros)


def placebo_q_values(placebos: Sequence[Measures]) -> list[float]:
    """The smaller q of the two methods per placebo, all tests of all placebos being one family."""
    p = [one.step.p_value for one in placebos]
    p += [two_sided_p_of_ratio(one.headline) for one in placebos]
    q = benjamini_hochberg(p).tolist()
    pairs = zip(q[: len(placebos)], q[len(placebos) :], strict=True)
    return [min((one for one in pair if not math.isnan(one)), default=math.nan) for pair in pairs]


def _placebos(placebos: Sequence[Measures]) -> list[Check]:
    checks = []
    for one, q in zip(placebos, placebo_q_values(placebos), strict=True):
        status = Status.FAILED if q < LEAST_Q else Status.OK
        key = "placebo_unknown" if math.isnan(q) else f"placebo_{status}"
        sentence = CHECKS[key].format(
            said=placebo(one.naive.lift, one.headline), q="–" if math.isnan(q) else f"{q:.2g}"
        )
        status = Status.NOTE if math.isnan(q) else status
        checks.append(Check(one.reach.micro_name, status, q, LEAST_Q, sentence))
    return checks


def _same_step(micros: Sequence[Measures]) -> Check:
    """A gate is done on the step of the macro by its nature, and gets no lift anyway."""
    shares = {
        one.reach.micro_name: one.same_step_share
        for one in micros
        if not one.recall.low >= LEAST_GATE_RECALL
    }
    names = tuple(name for name, share in shares.items() if share > LARGEST_SAME_STEP_SHARE)
    worst = _largest(shares.values())
    key = "same_step_failed" if names else "same_step_ok"
    sentence = CHECKS[key].format(
        share=percentage(worst), limit=percentage(LARGEST_SAME_STEP_SHARE), names=", ".join(names)
    )
    status = Status.FAILED if names else Status.OK
    return Check("same_step", status, worst, LARGEST_SAME_STEP_SHARE, sentence, names)


def _overlap(micros: Sequence[Measures]) -> Check:
    overlaps = {
        one.reach.micro_name: one.matched.overlap
        for one in micros
        if one.matched is not None and not math.isnan(one.matched.overlap)
    }
    names = tuple(name for name, overlap in overlaps.items() if overlap < LEAST_OVERLAP)
    worst = min(overlaps.values(), default=math.nan)
    sentence = CHECKS["overlap_note" if names else "overlap_ok"].format(
        share=percentage(worst), limit=percentage(LEAST_OVERLAP), names=", ".join(names)
    )
    status = Status.NOTE if names else Status.OK
    return Check("overlap", status, worst, LEAST_OVERLAP, sentence, names)


def _outages(micros: Sequence[Measures]) -> Check:
    """Those that miss much are not judged at all; the rest is for reading."""
    names = tuple(one.reach.micro_name for one in micros if one.outage.silent_days)
    worst = _largest([one.outage.missing_share for one in micros])
    sentence = CHECKS["outage_note" if names else "outage_ok"].format(names=", ".join(names))
    status = Status.NOTE if names else Status.OK
    return Check("outage", status, worst, LARGEST_MISSING_SHARE, sentence, names)


def _bots(basis: Basis, micros: Sequence[Measures]) -> Check:
    share = ratio(basis.bot_subject_count, basis.subject_count)
    names = tuple(
        one.reach.micro_name
        for one in micros
        if is_bot_sensitive(one.headline, one.headline_with_bots)
    )
    is_noted = bool(names) or share > LARGEST_BOT_SHARE
    sentence = CHECKS["bots"].format(
        bots=count(basis.bot_subject_count), subject=basis.subject, share=percentage(share)
    )
    if names:
        sentence += " " + CHECKS["bots_sensitive"].format(names=", ".join(names))
    status = Status.NOTE if is_noted else Status.OK
    return Check("bots", status, share, LARGEST_BOT_SHARE, sentence, names)


def _safari(basis: Basis) -> Check:
    share = ratio(basis.safari_subject_count, basis.subject_count)
    is_noted = share > LARGEST_SAFARI_SHARE and basis.horizon_days > SAFARI_COOKIE_DAYS
    sentence = CHECKS["safari_note" if is_noted else "safari_ok"].format(
        share=percentage(share), days=SAFARI_COOKIE_DAYS
    )
    status = Status.NOTE if is_noted else Status.OK
    return Check("safari", status, share, LARGEST_SAFARI_SHARE, sentence)


def _consent(basis: Basis) -> Check:
    share = ratio(basis.consentless_event_count, basis.event_count)
    is_noted = share > LARGEST_CONSENTLESS_SHARE
    sentence = CHECKS["consent_note" if is_noted else "consent_ok"].format(share=percentage(share))
    status = Status.NOTE if is_noted else Status.OK
    return Check("consent", status, share, LARGEST_CONSENTLESS_SHARE, sentence)


def _lookback(basis: Basis) -> Check:
    missing = basis.missing_lookback_days
    is_noted = missing > 0
    sentence = CHECKS["lookback_note" if is_noted else "lookback_ok"].format(
        missing=count(missing), days=count(basis.lookback_days)
    )
    status = Status.NOTE if is_noted else Status.OK
    return Check("lookback", status, missing, 0.0, sentence)


def _largest(values: Iterable[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)
