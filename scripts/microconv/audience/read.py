"""What the warehouse knows of a moment: who stalled at it, and who was exported before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microconv.aggregates.literals import literal
from microconv.audience.members import Consent, Member, Span, Visitor
from microconv.errors import MicroconvError
from microconv.writing import Table, beside, replace_rows

if TYPE_CHECKING:
    from datetime import date

    from microconv.profile import Warehouse

TABLE = "audience_members"
COLUMNS = {
    TABLE: {
        "audience": "text",
        "moment": "text",
        "consent": "text",
        "export_format": "text",
        "visitor_id": "text",
        "user_pseudo_id": "text",
        "platform": "text",
        "stalled_timestamp": "integer",
        "exported_as_of_date": "date",
    }
}


@dataclass(frozen=True)
class Moment:
    """A moment of dim_audience_moments, and how many stand there."""

    name: str
    label: str
    is_listed: bool
    span: Span
    as_of_date: date
    stalled_count: int
    analytics_count: int
    ads_count: int

    def allowed_count(self, consent: Consent) -> int:
        """How many of them may be exported."""
        return self.ads_count if consent is Consent.ADS else self.analytics_count


@dataclass(frozen=True)
class Audience:
    """What one export is of. Every format remembers by itself whom it was told."""

    moment: Moment
    consent: Consent
    export_format: str

    @property
    def name(self) -> str:
        """How the table of members calls it."""
        return f"{self.moment.name}/{self.consent}/{self.export_format}"


def read_moments(warehouse: Warehouse) -> list[Moment]:
    """Every moment that somebody can stall at, those of the list first."""
    rows = warehouse.run_query(f"""
        select moments.moment, moments.label, moments.is_listed, moments.stall_micros,
            moments.expire_micros, as_of.as_of_timestamp, as_of.as_of_date,
            count(stalled.visitor_id) as stalled_count,
            coalesce(sum(case when {_allowed(Consent.ANALYTICS)} then 1 else 0 end), 0)
                as analytics_count,
            coalesce(sum(case when {_allowed(Consent.ADS)} then 1 else 0 end), 0) as ads_count
        from (
            select distinct moment, label, is_listed, stall_micros, expire_micros
            from {warehouse.relation("dim_audience_moments")}
        ) as moments
        cross join {warehouse.relation("int_export_as_of")} as as_of
        left join {warehouse.relation("mart_stalled_visitors")} as stalled
            on moments.moment = stalled.moment
        group by moments.moment, moments.label, moments.is_listed, moments.stall_micros,
            moments.expire_micros, as_of.as_of_timestamp, as_of.as_of_date
        order by moments.is_listed desc, moments.moment
    """)
    return [_moment(row) for row in rows]


def find_moment(moments: list[Moment], name: str) -> Moment:
    """The moment of a name.

    Raises:
        MicroconvError: There is none.
    """
    for one in moments:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in moments) or "none"
    raise MicroconvError(
        f"There is no moment '{name}'.", f"Moments of audience_moments and the catalog: {known}."
    )


def read_visitors(warehouse: Warehouse, audience: Audience) -> list[Visitor]:
    """Everybody who has stalled at the moment, consenting or not."""
    rows = _rows(
        warehouse,
        f"""
        select stalled.visitor_id, stalled.user_pseudo_id, stalled.platform,
            standings.last_started_timestamp as stalled_timestamp,
            standings.last_finished_timestamp as finished_timestamp,
            stalled.days_stalled, stalled.lead_score, stalled.score_decile, stalled.funnel_stage,
            stalled.last_conversion_name, stalled.last_activity_at,
            {_allowed(audience.consent)} as is_allowed, stalled.has_ads_consent
        {_stalled(warehouse, audience)}
        """,
    )
    return [Visitor(**row) for row in rows]


def read_members(warehouse: Warehouse, audience: Audience) -> list[Member]:
    """Everybody in the last export of this audience; nobody before the first."""
    members = beside(warehouse, TABLE)
    if not warehouse.has(members):
        return []
    consent = "visitors.has_consent"
    if audience.consent is Consent.ADS:
        consent += " and visitors.has_ads_consent"
    rows = _rows(
        warehouse,
        f"""
        select members.visitor_id, members.user_pseudo_id, members.platform,
            members.stalled_timestamp, standings.last_started_timestamp,
            standings.last_finished_timestamp,
            coalesce(standings.is_finished_for_good, false) as is_finished_for_good,
            coalesce({consent}, false) as has_consent,
            coalesce(visitors.has_ads_consent, false) as has_ads_consent
        from {members} as members
        left join {warehouse.relation("int_visitor_moments_gathered")} as standings
            on members.visitor_id = standings.visitor_id
            and members.moment = standings.moment
        left join {warehouse.relation("dim_visitors")} as visitors
            on members.visitor_id = visitors.visitor_id
        where members.audience = {literal(audience.name, warehouse.is_duckdb)}
        """,
    )
    return [Member(**row) for row in rows]


def remember(warehouse: Warehouse, audience: Audience, stayed: list[Visitor] | None) -> None:
    """Keep in mind who was exported, in place of who was before, in one transaction.

    Args:
        warehouse: Open for writing.
        audience: What was exported.
        stayed: Only these, a few; None for everybody who may be exported now.
    """
    query, rows = "", tuple(_member_row(audience, one) for one in stayed or ())
    if stayed is None:
        said = _member_row(audience, None)
        cells = {name: literal(value, warehouse.is_duckdb) for name, value in said.items()}
        cells |= {name: f"stalled.{name}" for name in ("visitor_id", "user_pseudo_id", "platform")}
        cells["stalled_timestamp"] = "standings.last_started_timestamp"
        listed = ", ".join(cells[name] for name in COLUMNS[TABLE])
        query = f"select {listed}{_stalled(warehouse, audience)} and {_allowed(audience.consent)}"
    table = Table(TABLE, rows, query)
    replace_rows(warehouse, [table], COLUMNS, [audience.name], "audience")


def _member_row(audience: Audience, visitor: Visitor | None) -> dict[str, Any]:
    return {
        "audience": audience.name,
        "moment": audience.moment.name,
        "consent": str(audience.consent),
        "export_format": audience.export_format,
        "visitor_id": visitor and visitor.visitor_id,
        "user_pseudo_id": visitor and visitor.user_pseudo_id,
        "platform": visitor and visitor.platform,
        "stalled_timestamp": visitor and visitor.stalled_timestamp,
        "exported_as_of_date": audience.moment.as_of_date,
    }


def _stalled(warehouse: Warehouse, audience: Audience) -> str:
    return f"""
        from {warehouse.relation("mart_stalled_visitors")} as stalled
        inner join {warehouse.relation("int_visitor_moments_gathered")} as standings
            on stalled.visitor_id = standings.visitor_id
            and stalled.moment = standings.moment
        where stalled.moment = {literal(audience.moment.name, warehouse.is_duckdb)}"""


def _allowed(consent: Consent) -> str:
    """Whether somebody may be exported; who is known by hits outside sessions has no device."""
    ads = " and stalled.has_ads_consent" if consent is Consent.ADS else ""
    return f"(stalled.has_consent{ads} and stalled.user_pseudo_id is not null)"


def _moment(row: dict[str, Any]) -> Moment:
    span = Span(*(int(row[name]) for name in ("as_of_timestamp", "stall_micros", "expire_micros")))
    counts = (int(row[name]) for name in ("stalled_count", "analytics_count", "ads_count"))
    return Moment(
        row["moment"], row["label"], bool(row["is_listed"]), span, row["as_of_date"], *counts
    )


def _rows(warehouse: Warehouse, sql: str) -> Iterator[dict[str, Any]]:
    for batch in warehouse.run_batches(sql):
        yield from batch.to_pylist()
