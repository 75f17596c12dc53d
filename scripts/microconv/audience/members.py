"""Who is in an audience, who joined since the last export, and who left it, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Consent(StrEnum):
    """What the latest session must have allowed."""

    ADS = "ads"
    ANALYTICS = "analytics"


class Reason(StrEnum):
    """Why somebody is no longer in an audience; the first that holds, in this order."""

    UNKNOWN = "no longer known"
    WITHDRAWN = "consent withdrawn"
    CONVERTED = "converted"
    ACTIVE = "active again"
    EXPIRED = "expired"
    EXCLUDED = "excluded"


@dataclass(frozen=True)
class Visitor:
    """A visitor who has stalled at the moment that is asked for.

    Args:
        stalled_timestamp: The last beginning of the moment, in microseconds since 1970 UTC.
        finished_timestamp: Its last end, before that; None where there was none.
        is_allowed: Whether the consent that is asked for was given, for a device that is known.
        has_ads_consent: Whether advertising was allowed.
    """

    visitor_id: str
    user_pseudo_id: str | None
    platform: str | None
    stalled_timestamp: int
    finished_timestamp: int | None
    days_stalled: float
    lead_score: float | None
    score_decile: int | None
    funnel_stage: str
    last_conversion_name: str | None
    last_activity_at: datetime
    is_allowed: bool
    has_ads_consent: bool


@dataclass(frozen=True)
class Member:
    """Somebody who was exported before, and what is known of them now.

    Args:
        stalled_timestamp: The beginning of the moment that was exported.
        last_started_timestamp: Its last beginning now; None for who is no longer known.
        has_consent: Whether the consent that is asked for still holds.
    """

    visitor_id: str
    user_pseudo_id: str
    platform: str
    stalled_timestamp: int
    last_started_timestamp: int | None
    last_finished_timestamp: int | None
    is_finished_for_good: bool
    has_consent: bool
    has_ads_consent: bool


@dataclass(frozen=True)
class Span:
    """From when to when a moment lasts, and now: all in microseconds."""

    as_of_timestamp: int
    stall_micros: int
    expire_micros: int


@dataclass(frozen=True)
class Changes:
    """An audience beside the one that was exported before, the newest first."""

    joined: tuple[Visitor, ...]
    stayed: tuple[Visitor, ...]
    left: tuple[tuple[Member, Reason], ...]

    def reasons(self) -> Mapping[Reason, int]:
        """How many left for each reason."""
        found = [reason for _, reason in self.left]
        return {reason: found.count(reason) for reason in Reason if reason in found}


def changes_of(allowed: Sequence[Visitor], members: Sequence[Member], span: Span) -> Changes:
    """Compare those who may be exported now with those who were exported before.

    Whoever finished in between and began again has left as converted and joined anew.
    """
    now = {one.visitor_id for one in allowed}
    left = [one for one in members if one.visitor_id not in now or _has_finished(one)]
    staying = {one.visitor_id for one in members} - {one.visitor_id for one in left}
    gone = sorted(left, key=lambda one: (-one.stalled_timestamp, one.visitor_id))
    newest = sorted(allowed, key=lambda one: (-one.stalled_timestamp, one.visitor_id))
    return Changes(
        joined=tuple(one for one in newest if one.visitor_id not in staying),
        stayed=tuple(one for one in newest if one.visitor_id in staying),
        left=tuple((one, reason_of(one, span)) for one in gone),
    )


def reason_of(member: Member, span: Span) -> Reason:
    """Why somebody who was exported before is not to be reminded any more."""
    if member.last_started_timestamp is None:
        return Reason.UNKNOWN
    if not member.has_consent:
        return Reason.WITHDRAWN
    if _has_finished(member):
        return Reason.CONVERTED
    since = span.as_of_timestamp - member.last_started_timestamp
    if since < span.stall_micros:
        return Reason.ACTIVE
    return Reason.EXPIRED if since > span.expire_micros else Reason.EXCLUDED


def _has_finished(member: Member) -> bool:
    finished = member.last_finished_timestamp
    return member.is_finished_for_good or (
        finished is not None and finished >= member.stalled_timestamp
    )
