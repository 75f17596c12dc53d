"""Small exports that keep the contract, and ways to break one rule of it in the newest day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

LAST = date(2026, 11, 8)
DAY_COUNT = 20
ROWS = 600
# Of every event that the shipped conversion rules name, so that each of them occurs.
NAMES = (
    *("page_view",) * 12,
    *("session_start", "scroll", "user_engagement", "view_item") * 2,
    *("add_to_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase"),
    *("add_to_wishlist", "newsletter_signup", "view_search_results", "video_start"),
    *("view_size_guide", "select_item", "login"),
)


@dataclass(frozen=True)
class Day:
    """One day's file: rows, and SQL expressions that replace its columns."""

    rows: int = ROWS
    columns: dict[str, str | None] = field(default_factory=dict)


def _columns(day: date) -> dict[str, str]:
    """Hits from ten in the morning on, New York time, well inside their day."""
    names = ", ".join(f"'{name}'" for name in NAMES)
    start = f"epoch_us(timestamp '{day} 15:00:00')"
    return {
        "event_date": f"'{day:%Y%m%d}'",
        "event_timestamp": f"{start} + i * 1000000",
        "event_name": f"[{names}][1 + cast(i % {len(NAMES)} as integer)]",
        "event_params": """[
            {'key': 'ga_session_id', 'value': {'string_value': null::varchar, 'int_value': i // 7}},
            {'key': 'page_location', 'value': {'string_value': 'x', 'int_value': null}}
        ]""",
        "user_pseudo_id": "'v' || (i // 7)",
        "stream_id": "'1'",
        "device": "{'category': 'mobile', 'operating_system': 'iOS'}",
        "ecommerce": "{'transaction_id': 't' || i, 'purchase_revenue_in_usd': 9.5::double}",
    }


def write_day(folder: Path, day: date, given: Day) -> Path:
    """Write a day; a column given as None is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events_{day:%Y%m%d}.parquet"
    columns = {name: sql for name, sql in (_columns(day) | given.columns).items() if sql}
    selected = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    duckdb.sql(
        f"copy (select {selected} from range({given.rows}) t(i)) to '{path}' (format parquet)"
    )
    return path


def write_days(folder: Path, given: Callable[[date], Day | None] = lambda day: Day()) -> None:
    """Write days up to the last; None writes none."""
    for number in range(DAY_COUNT):
        day = LAST - timedelta(days=number)
        # Days differ a little, as they do.
        if (made := given(day)) is not None:
            write_day(folder, day, Day(made.rows + number % 3 if made.rows else 0, made.columns))


def link_days(source: Path, folder: Path, without: Iterable[date] = ()) -> None:
    """The same files in another folder, which may then be replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    left_out = {f"events_{day:%Y%m%d}.parquet" for day in without}
    for path in source.glob("events_*.parquet"):
        if path.name not in left_out:
            (folder / path.name).hardlink_to(path)


def some(share: float, broken: str, column: str) -> str:
    """A column that is broken in a share of the rows."""
    return f"case when i < {share * ROWS} then {broken} else {_columns(LAST)[column]} end"
