"""How large tables are: measured in export files and in what a build left, else as in the demo."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microconv.check.engine import engine, sql_text
from microconv.check.exports import check_export
from microconv.cost.estimate import TableSize
from microconv.cost.logical_bytes import size_sql
from microconv.cost.reads import WHOLE
from microconv.errors import FINDINGS, MicroconvError

DEMO_FILE = Path(__file__).with_name("demo_sizes.csv")
DEMO_FIELDS = ("table", "growth", "rows", "column", "bytes")
# So many rows tell the average width of a column well enough, and are read in a second.
SAMPLE_ROWS = 200_000

_BY_DAY = {
    "stg_ga4__export_days",
    "int_export_days_counted",
    "int_export_days_processed",
    "int_event_names_counted",
    "int_funnel_units_counted",
    "int_tracking_counted",
    "int_browser_conversions_counted",
    "mart_daily_conversions",
    "mart_tracked_rates",
    "mart_tracked_means",
    "mart_funnel_steps",
    "mart_funnel_velocity",
    "mart_segment_conversions",
    "mart_tracked_counts",
}
_BY_RUN = {"int_visitors_changed"}
_BY_EVENT = ("base_", "stg_", "int_", "fct_")
_FIXED = {
    "int_experiment_variants",
    "int_export_as_of",
    "int_requirements_leveled",
    "mart_conversion_paths",
    "mart_funnel_drop_offs",
}


@dataclass(frozen=True)
class Export:
    """An export: days, raw rows of all of them, and how its files were looked at, in words."""

    day_count: int
    row_count: int
    size: TableSize
    basis: str


def growth_of(table: str) -> str:
    """What the rows of a table grow with: 'events', 'days', 'run' or 'fixed'."""
    if table in _BY_DAY:
        return "days"
    if table in _BY_RUN:
        return "run"
    is_by_event = table.startswith(_BY_EVENT) or table in ("dim_visitors", "mart_lead_scores")
    return "events" if is_by_event and table not in _FIXED else "fixed"


def demo_sizes(file: Path = DEMO_FILE) -> dict[str, TableSize]:
    """Sizes of the tables of the demo shop, as they were when the file was written."""
    sizes: dict[str, TableSize] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            empty = TableSize(row["growth"], float(row["rows"]), {})
            size = sizes.get(row["table"], empty)
            widths = {**size.widths, row["column"]: float(row["bytes"])}
            sizes[row["table"]] = TableSize(size.growth, size.rows, widths)
    return sizes


def write_demo_sizes(sizes: Mapping[str, TableSize], file: Path = DEMO_FILE) -> None:
    """The inverse of `demo_sizes`; four significant digits are more than an estimate has."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(DEMO_FIELDS)
        for table, size in sorted(sizes.items()):
            for column, width in sorted(size.widths.items()):
                row = (table, size.growth, f"{size.rows:.4g}", column, f"{width:.4g}")
                writer.writerow(row)


def measure_export(pattern: str, project_dir: Path, columns: Iterable[str]) -> Export:
    """The rows of export files by their footers, and the widths of columns in the newest ones.

    Args:
        pattern: As in GA4_EXPORT_FILES.
        project_dir: Where a relative pattern starts.
        columns: Dotted paths of the fields to measure.

    Raises:
        MicroconvError: No file, or none that can be read or has rows.
    """
    files = _one_file_a_day(check_export(pattern, project_dir, None).files)
    if not files:
        raise MicroconvError(
            f"No export files match '{pattern}'.",
            "Run `make demo`, point GA4_EXPORT_FILES at daily files, or give --events-per-day.",
            FINDINGS,
        )
    names = ", ".join(sql_text(str(file)) for file in files)
    counts = {
        Path(name).name: int(count)
        for name, count in engine()
        .execute(f"select file_name, num_rows from parquet_file_metadata([{names}])")
        .fetchall()
    }
    sample, sampled = [], 0
    for file in reversed(files):
        sample.append(file)
        sampled += counts[file.name]
        if sampled >= SAMPLE_ROWS:
            break
    listed = ", ".join(sql_text(str(file)) for file in sample)
    source = f"read_parquet([{listed}], union_by_name = true)"
    rows, widths = _measure(source, columns)
    if not rows:
        raise MicroconvError("The export files have no rows.", "", FINDINGS)
    widths[WHOLE] = sum(_measure(source, [WHOLE])[1].values())
    total = sum(counts.values())
    basis = (
        f"raw columns measured on {rows:,} rows of the newest {_days(len(sample))}, "
        f"rows counted in the footers of {_days(len(files))}"
    )
    return Export(len(files), total, TableSize("events", 1.0, widths), basis)


def measure_build(
    path: str, schema: str, columns: Mapping[str, Iterable[str]]
) -> dict[str, TableSize]:
    """Sizes of the tables in a DuckDB file, per raw event or per day of what it holds.

    Tables that are missing are left out; so is everything where no day is loaded.
    """
    connection = engine()
    connection.execute(f"attach {sql_text(path)} as built (read_only)")
    try:
        there = {
            row[0]
            for row in connection.execute(
                "select table_name from duckdb_tables() "
                f"where database_name = 'built' and schema_name = {sql_text(schema)}"
            ).fetchall()
        }
        if "stg_ga4__export_days" not in there:
            return {}
        days, events = connection.execute(
            "select count(distinct event_date), coalesce(sum(raw_row_count), 0) "
            f'from built."{schema}".stg_ga4__export_days'
        ).fetchall()[0]
        units = {"events": events, "run": events, "days": days, "fixed": 1}
        sizes = {}
        for table in sorted(there & set(columns)):
            rows, widths = _measure(f'built."{schema}"."{table}"', columns[table])
            growth = growth_of(table)
            if units[growth]:
                sizes[table] = TableSize(growth, rows / units[growth], widths)
        return sizes
    finally:
        connection.execute("detach built")


def _measure(source: str, columns: Iterable[str]) -> tuple[int, dict[str, float]]:
    """Rows of a table, and the average logical bytes of its columns in a sample of them."""
    relation = engine().sql(f"from {source}")
    types = dict(zip(relation.columns, relation.types, strict=True))
    wanted = sorted(_expanded(columns, types))
    (count,) = engine().execute(f"select count(*) from {source}").fetchall()[0]
    sums = ", ".join(f"avg({_path_sql(path, types)})" for path in wanted)
    if not count or not wanted:
        return count, dict.fromkeys(wanted, 0.0)
    # The rows at hand, not a random sample: neighbours differ as much as any others here.
    row = engine().execute(f"select {sums} from (from {source} limit {SAMPLE_ROWS})").fetchall()[0]
    return count, {path: float(value or 0) for path, value in zip(wanted, row, strict=True)}


def _expanded(columns: Iterable[str], types: Mapping[str, Any]) -> set[str]:
    """The columns, `*` being all of them."""
    wanted = set(columns)
    return (wanted - {WHOLE}) | (set(types) if WHOLE in wanted else set())


def _path_sql(path: str, types: Mapping[str, Any]) -> str:
    column, *fields = path.split(".")
    return size_sql(f'"{column}"', types[column], fields) if column in types else "0"


def _one_file_a_day(files: Iterable[Path]) -> list[Path]:
    """A daily file stands before a fresh or an intraday one, as for a build; oldest day first."""
    best: dict[str, Path] = {}
    for file in sorted(files, key=lambda one: len(one.name)):
        best.setdefault(file.stem[-8:], file)
    return [best[day] for day in sorted(best)]


def _days(count: int) -> str:
    return f"{count:,} day" if count == 1 else f"{count:,} days"


def scaled(size: TableSize, bytes_per_row: float) -> TableSize:
    """The same columns in the same proportions, wider or narrower as a whole."""
    own = size.width([WHOLE])
    factor = bytes_per_row / own if own else 0.0
    return TableSize(
        size.growth, size.rows, {name: width * factor for name, width in size.widths.items()}
    )
