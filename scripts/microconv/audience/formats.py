"""An audience as CSV for mailing tools, and as requests of GA4's Measurement Protocol."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from microconv.audience.members import Changes, Member, Reason, Visitor
from microconv.output import json_text, print_csv

CSV_COLUMNS = (
    *("change", "reason", "moment", "user_pseudo_id", "visitor_id", "platform", "stalled_at"),
    *("days_stalled", "lead_score", "score_decile", "funnel_stage", "last_conversion_name"),
    "last_activity_at",
)
# Whose consent no longer stands is not sent on, not even to say that they left.
SILENT = (Reason.UNKNOWN, Reason.WITHDRAWN)
# The Measurement Protocol takes no longer names of user properties.
_LONGEST_PROPERTY = 24
_APPS = ("IOS", "ANDROID")


def hashed(identifier: str | None) -> str | None:
    """SHA-256 of an identifier's UTF-8 bytes, without salt, in lower-case hexadecimal digits."""
    return None if identifier is None else hashlib.sha256(identifier.encode()).hexdigest()


def csv_text(moment: str, changes: Changes, has_all: bool, is_hashed: bool) -> str:
    """The audience as CSV: who left, then who joined, with `has_all` among those there before.

    In this order who left and joined anew ends as joined.
    """
    rows = [_left_row(moment, one, reason) for one, reason in changes.left]
    rows += [_visitor_row(moment, change, one) for change, one in _told(changes, has_all, "joined")]
    for row in rows if is_hashed else ():
        row |= {name: hashed(row[name]) for name in ("user_pseudo_id", "visitor_id")}
    file = io.StringIO()
    print_csv(CSV_COLUMNS, rows, file)
    return file.getvalue()


def ga4_text(moment: str, changes: Changes, has_all: bool, is_hashed: bool) -> str:
    """The audience as lines of JSON, each the body of a request of the Measurement Protocol."""
    bodies = [*_bodies(moment, changes, has_all, is_hashed)]
    return "".join(json_text(body) + "\n" for body in bodies)


def property_name(moment: str) -> str:
    """The user property of a moment, such as `in_cart_left`; a long one ends in its hash."""
    name = f"in_{moment}"
    if len(name) <= _LONGEST_PROPERTY:
        return name
    ending = hashlib.sha256(moment.encode()).hexdigest()[:6]
    return f"{name[: _LONGEST_PROPERTY - 7]}_{ending}"


def _visitor_row(moment: str, change: str, visitor: Visitor) -> dict[str, Any]:
    return {
        "change": change,
        "moment": moment,
        "user_pseudo_id": visitor.user_pseudo_id,
        "visitor_id": visitor.visitor_id,
        "platform": visitor.platform,
        "stalled_at": _time(visitor.stalled_timestamp),
        "days_stalled": round(visitor.days_stalled, 2),
        "lead_score": _rounded(visitor.lead_score),
        "score_decile": visitor.score_decile,
        "funnel_stage": visitor.funnel_stage,
        "last_conversion_name": visitor.last_conversion_name,
        "last_activity_at": f"{visitor.last_activity_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _left_row(moment: str, member: Member, reason: Reason) -> dict[str, Any]:
    return {
        "change": "left",
        "reason": str(reason),
        "moment": moment,
        "user_pseudo_id": member.user_pseudo_id,
        "visitor_id": member.visitor_id,
        "platform": member.platform,
        "stalled_at": _time(member.stalled_timestamp),
    }


def _bodies(
    moment: str, changes: Changes, has_all: bool, is_hashed: bool
) -> Iterator[dict[str, Any]]:
    for member, reason in changes.left:
        if reason not in SILENT:
            yield _body(member, moment, "audience_left", {"reason": str(reason)}, is_hashed)
    for event, one in _told(changes, has_all, "audience_joined"):
        said = {
            "days_stalled": round(one.days_stalled, 2),
            "lead_score": _rounded(one.lead_score),
            "last_action": one.last_conversion_name,
        }
        yield _body(one, moment, event, said, is_hashed)


def _told(changes: Changes, has_all: bool, joined: str) -> list[tuple[str, Visitor]]:
    """Whom to tell of, the newest first, and in which word."""
    member = joined.replace("joined", "member")
    told = [(joined, one) for one in changes.joined]
    told += [(member, one) for one in changes.stayed if has_all]
    return sorted(told, key=lambda each: (-each[1].stalled_timestamp, each[1].visitor_id))


def _body(
    who: Visitor | Member, moment: str, event: str, said: dict[str, Any], is_hashed: bool
) -> dict[str, Any]:
    identifier = hashed(who.user_pseudo_id) if is_hashed else who.user_pseudo_id
    ads = "GRANTED" if who.has_ads_consent else "DENIED"
    is_in = "no" if event == "audience_left" else "yes"
    known = {name: value for name, value in said.items() if value is not None}
    return {
        "app_instance_id" if who.platform in _APPS else "client_id": identifier,
        "consent": {"ad_user_data": ads, "ad_personalization": ads},
        "user_properties": {property_name(moment): {"value": is_in}},
        "events": [{"name": event, "params": {"moment": moment, **known}}],
    }


def _time(micros: int) -> str:
    return f"{datetime.fromtimestamp(micros // 1_000_000, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
