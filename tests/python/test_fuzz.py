"""Damaged export days: refused with a sentence, or built with every row accounted for.

Each day of an export is damaged in its own way. What `microconv check` refuses is left out, as a
user would move it away; whatever it lets pass must build, each raw row must be accepted, rejected
or a duplicate, and no rate may leave 0 to 1.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from pathlib import Path

import fuzzing
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from microconv.check.exports import check_export
from project_run import Warehouse
from small_export import SmallExport, day_path

DAYS = 50
FIRST_DAY = dt.date(2025, 9, 20)
# The quick share of it is one batch; `make test-long` adds up to 2,000 damaged days and more.
ONE_BATCH = [pytest.param(1, id="seed 1", marks=pytest.mark.slow)]
MORE = [pytest.param(seed, id=f"seed {seed}", marks=pytest.mark.long) for seed in range(2, 44)]


@dataclass
class Batch:
    """What was done to each day, how many rows its file has, and what was refused."""

    seed: int
    warehouse: Warehouse
    done: dict[dt.date, list[str]] = field(default_factory=dict)
    rows: dict[dt.date, int] = field(default_factory=dict)
    refused: dict[dt.date, str] = field(default_factory=dict)

    def said(self, days: list[dt.date]) -> str:
        return "\n".join(f"{day}: {', '.join(self.done[day])}" for day in days[:10])


def damaged(seed: int, root: Path) -> Batch:
    """An export of damaged days without those that the check refuses."""
    batch = Batch(seed, Warehouse(root))
    pick = random.Random(seed)
    export = SmallExport(
        seed=seed, first_date=FIRST_DAY, day_count=DAYS, visitor_count=pick.choice([60, 120])
    )
    for day in export.dates:
        rows, shape, done = fuzzing.damage(pick, export.days[day])
        path = day_path(batch.warehouse.export, day)
        pq.write_table(fuzzing.table_of(pick, rows, shape), path)
        batch.done[day] = done
        found = check_export(str(path), root, None)
        errors = [one for one in found.problems if one.severity == "error"]
        if errors:
            [error] = errors
            assert path.name in error.file and error.message and error.remedy, error
            batch.refused[day] = error.message
            path.unlink()
        else:
            batch.rows[day] = len(rows)
    return batch


def assert_accounted_for(batch: Batch) -> None:
    """Raw rows of a day = accepted + rejected + duplicates, and staging holds the accepted ones."""
    found = {
        day: counts
        for day, *counts in batch.warehouse.rows(
            """
            select
                event_date, raw_row_count, accepted_count, rejected_count, duplicate_count,
                (select count(*) from stg_ga4__events as e where e.event_date = days.event_date),
                (select count(*) from stg_ga4__rejected_events as r
                    where r.event_date = days.event_date)
            from stg_ga4__export_days as days
            """
        )
    }
    wrong = [
        day
        for day, rows in batch.rows.items()
        if rows
        and not (
            day in found
            and found[day][0] == rows == sum(found[day][1:4])
            and found[day][1] == found[day][4]
            and found[day][2] == found[day][5]
        )
    ]
    assert not wrong, f"seed {batch.seed}\n{batch.said(wrong)}\n{[found.get(day) for day in wrong]}"


def odd_numbers(warehouse: Warehouse) -> list[str]:
    """Columns of facts and marts with a number that is none, or a rate outside of 0 to 1."""
    columns = warehouse.rows(
        """
        select table_name, column_name
        from information_schema.columns
        where regexp_matches(table_name, '^(mart|fct|dim|stg)_') and data_type = 'DOUBLE'
        """
    )
    found = []
    for table, column in columns:
        is_odd = f"not isfinite({column})"
        if is_rate(column):
            is_odd += f" or {column} < -1e-9 or {column} > 1 + 1e-9"
        if count := warehouse.value(f"select count(*) from {table} where {is_odd}"):
            found.append(f"{table}.{column}: {count} rows")
    return found


def is_rate(column: str) -> bool:
    """Rates and shares with their limits; differences and lifts of rates may be anything."""
    if any(word in column for word in ("lift", "difference", "change", "per_", "gap")):
        return False
    stem = column.removesuffix("_low").removesuffix("_high")
    return stem.endswith(("_rate", "_share")) or stem in ("rate", "share")


def build_and_look(batch: Batch, *selection: str) -> None:
    outcome = batch.warehouse.dbt(
        "build", "--exclude-resource-type", "test", "unit_test", *selection
    )
    assert outcome.exit_code == 0, (
        f"seed {batch.seed}: a build of what the check lets pass fails\n"
        f"{batch.said(sorted(batch.rows))}\n{outcome.output[-3000:]}"
    )
    assert_accounted_for(batch)
    odd = odd_numbers(batch.warehouse)
    assert not odd, f"seed {batch.seed}: {odd}"


@pytest.mark.parametrize("seed", [*ONE_BATCH, *MORE])
def test_damaged_days_are_refused_or_built(seed: int, tmp_path: Path) -> None:
    batch = damaged(seed, tmp_path)
    assert len(batch.rows) > 25
    assert batch.refused or seed != 1
    # Every tenth batch goes through all models, the others through those that read the export.
    staged = ("+stg_ga4__export_days", "+stg_ga4__events", "+stg_ga4__rejected_events")
    selection = () if seed % 10 == 1 else ("--select", *staged)
    build_and_look(batch, *selection)


@pytest.mark.slow
def test_text_that_is_no_utf8_stops_the_build_and_says_where(tmp_path: Path) -> None:
    """Its event cannot be kept aside: no reader of the file gets as far as a row."""
    warehouse = Warehouse(tmp_path)
    export = SmallExport(seed=1, day_count=2, visitor_count=8)
    export.write(warehouse.export)
    day = export.dates[1]
    table = fuzzing.table_of(random.Random(1), export.days[day], fuzzing.Shape())
    latin = pa.array([b"caf\xe9"] * table.num_rows, pa.binary())
    text = pa.Array.from_buffers(pa.string(), table.num_rows, latin.buffers())
    place = table.schema.get_field_index("platform")
    pq.write_table(table.set_column(place, "platform", text), day_path(warehouse.export, day))
    outcome = warehouse.dbt("run", "--select", "base_ga4__events")
    assert outcome.exit_code == 1
    assert day_path(warehouse.export, day).name in outcome.output
    assert "not valid UTF8" in outcome.output
    assert warehouse.rows("select 1 from information_schema.tables") == []
