"""Days of 23 and 25 hours: visits are of their own day, and every day is followed long enough.

One property in Berlin, one in Santiago, where summer time begins at midnight, so that a day begins
at one o'clock. Somebody comes every half an hour of the days around each change.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from export_rows import Row, hit, write_export
from project_run import Warehouse, shared_warehouse

SECOND = 1_000_000
HALF_HOUR = 1800 * SECOND
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Property:
    """A property and its days that are not of 24 hours."""

    zone: str
    short: dt.date
    long: dt.date

    @property
    def days(self) -> list[dt.date]:
        """The days around both, in order."""
        changes = sorted([self.short, self.long])
        return [day + number * DAY for day in changes for number in (-1, 0, 1)]

    def begin(self, day: dt.date) -> int:
        """The first microsecond of a day."""
        midnight = dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone))
        return int(midnight.timestamp()) * SECOND

    def day_of(self, micros: int) -> dt.date:
        return dt.datetime.fromtimestamp(micros / SECOND, ZoneInfo(self.zone)).date()


PROPERTIES = [
    # The newest day comes right after the short one, then after the long one.
    Property("Europe/Berlin", short=dt.date(2026, 3, 29), long=dt.date(2026, 10, 25)),
    Property("America/Santiago", short=dt.date(2026, 9, 6), long=dt.date(2026, 4, 4)),
]


def visits_of(one: Property) -> Iterator[Row]:
    """A visit each half an hour; each leaves after forty minutes, so that some meet a change."""
    for day in one.days:
        for number, begin in enumerate(range(one.begin(day), one.begin(day + DAY), HALF_HOUR)):
            visitor = f"{day:%m%d}-{number}"
            for name, micros in (("page_view", begin), ("view_item", begin + 2400 * SECOND)):
                date = one.day_of(micros)
                if date in one.days:
                    columns: dict[str, Any] = {
                        "event_timestamp": micros,
                        "event_date": f"{date:%Y%m%d}",
                    }
                    yield hit(date, 0, name, visitor=visitor, session=1, **columns)


@pytest.fixture(scope="module", params=PROPERTIES, ids=lambda one: one.zone)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Property, Warehouse]:
    one: Property = request.param

    def build(new: Warehouse) -> None:
        write_export(new.export, visits_of(one))
        new.build("--vars", json.dumps({"property_time_zone": one.zone}))

    name = f"clock_{one.zone.replace('/', '_')}"
    return one, shared_warehouse(tmp_path_factory, name, build)


pytestmark = pytest.mark.slow


def test_every_visit_is_of_its_own_day(built: tuple[Property, Warehouse]) -> None:
    one, warehouse = built
    found = dict(
        warehouse.rows("select session_date, count(*) from fct_sessions group by session_date")
    )
    hours = {day: (one.begin(day + DAY) - one.begin(day)) // HALF_HOUR / 2 for day in one.days}
    assert (hours[one.short], hours[one.long]) == (23, 25)
    assert sum(hours.values()) == 6 * 24
    assert found == {day: 2 * hours[day] for day in one.days}
    daily = warehouse.rows(
        """
        select conversion_date, session_count from mart_daily_conversions
        where conversion_name = 'view_item' and segment_dimension = 'all' and session_count > 0
        """
    )
    assert dict(daily) == found


def test_conversions_are_of_the_day_they_happened_on(built: tuple[Property, Warehouse]) -> None:
    one, warehouse = built
    items = Counter(row["event_date"] for row in visits_of(one) if row["event_name"] == "view_item")
    daily = warehouse.rows(
        """
        select conversion_date, conversion_count from mart_daily_conversions
        where conversion_name = 'view_item' and segment_dimension = 'all' and conversion_count > 0
        """
    )
    assert {f"{day:%Y%m%d}": count for day, count in daily} == dict(items)


def test_time_passes_as_on_any_day(built: tuple[Property, Warehouse]) -> None:
    """Forty minutes are forty, also where the clock shows the same hour twice or skips one."""
    _, warehouse = built
    lengths = warehouse.rows(
        """
        select cast(epoch(max(event_at) - min(event_at)) as integer), count(*)
        from stg_ga4__events where session_id is not null
        group by session_id
        """
    )
    seconds = {length for length, _ in lengths}
    assert seconds == {0, 2400}, "0 where the second hit is of a day that is not there"
    whole = warehouse.value("select count(*) from fct_sessions where event_count = 2")
    assert whole == sum(length == 2400 for length, _ in lengths)


def test_now_is_the_end_of_the_last_loaded_day(built: tuple[Property, Warehouse]) -> None:
    one, warehouse = built
    last = max(one.days)
    assert warehouse.rows("select as_of_date, as_of_timestamp from int_export_as_of") == [
        (last, one.begin(last + DAY))
    ]


def test_a_day_is_mature_when_its_last_moment_was_followed(
    built: tuple[Property, Warehouse],
) -> None:
    one, warehouse = built
    as_of = one.begin(max(one.days) + DAY)
    rows = warehouse.rows(
        """
        select distinct unit_date, within_micros, is_mature
        from int_kpi_visitors_measured
        inner join (
            select kpi_name, within_days * 86400000000 as within_micros from kpi_definitions
        ) as definitions using (kpi_name)
        where within_micros is not null and unit_date is not null
        """
    )
    assert {is_mature for _, _, is_mature in rows} == {True, False}
    for day, within, is_mature in rows:
        assert is_mature == (one.begin(day + DAY) + within <= as_of), (day, within)
