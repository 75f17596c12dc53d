"""`microconv cost`: BigQuery's byte arithmetic with worked numbers, and what the command prints."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from microconv.cli import app
from microconv.cost.estimate import MIB, Scenario, TableSize, bytes_read, costs, money, total
from microconv.cost.logical_bytes import size_sql
from microconv.cost.reads import EXPORT, Statement, TableRead, columns_read, load_statements
from microconv.cost.sizes import demo_sizes, measure_build, measure_export
from microconv.cost.sources import bigquery_sizes
from typer.testing import CliRunner, Result

PROJECT = Path(__file__).resolve().parents[2]
SITE = Scenario(events_per_day=1_000_000, history_days=100, open_days=4)


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        ("'abc'", "", 5),  # 2 + 3
        ("'ü€'", "", 7),  # 2 + 2 + 3 bytes of UTF-8
        ("''", "", 2),
        ("cast(7 as bigint)", "", 8),
        ("cast(0.5 as double)", "", 8),
        ("timestamp '2026-01-01'", "", 8),
        ("date '2026-01-01'", "", 8),
        ("true", "", 1),
        ("cast(null as varchar)", "", 0),
        ("{'x': 'abc', 'y': cast(1 as bigint)}", "", 13),
        ("{'x': 'abc', 'y': cast(1 as bigint)}", "y", 8),
        ("{'x': {'z': 'a'}}", "x.z", 3),
        ("{'x': 'abc'}", "nothing", 0),
        ("['a', 'bc', null]", "", 7),  # 3 + 4 + 0
        ("[{'key': 'k', 'value': {'n': cast(1 as bigint)}}]", "value.n", 8),
        ("[{'key': 'ab', 'inner': ['x', 'yz']}, {'key': 'c', 'inner': null}]", "", 14),
        ("cast([] as varchar[])", "", 0),
    ],
)
def test_a_value_has_bigquerys_logical_bytes(value: str, path: str, expected: int) -> None:
    relation = duckdb.sql(f"select {value} as v")
    sql = size_sql('"v"', relation.types[0], path.split(".") if path else [])
    assert duckdb.sql(f"select {sql} from (select {value} as v)").fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("table", "size", "is_limited", "expected"),
    [
        # 1,000,000 events × 4 days × 50 bytes = 200,000,000 bytes = 190.7 MiB
        ("base", TableSize("events", 1.0, {"a": 20, "b": 30, "c": 99}), True, 191),
        # … × 100 days = 4,768.4 MiB
        ("base", TableSize("events", 1.0, {"a": 20, "b": 30}), False, 4769),
        # A tenth of a row per event: 476.8 MiB
        ("fct", TableSize("events", 0.1, {"a": 20, "b": 30}), False, 477),
        # 50,000,000 bytes a day = 47.7 MiB, rounded up for each day's table: 4 × 48
        (EXPORT, TableSize("events", 1.0, {"a": 20, "b": 30}), True, 192),
        # 1,000 rows a day × 100 days × 50 bytes = 4.8 MiB: the minimum
        ("mart", TableSize("days", 1000.0, {"a": 20, "b": 30}), False, 10),
        ("seed", TableSize("fixed", 14.0, {"a": 20, "b": 30}), False, 10),
        # What a run lists grows with what it reads: 200,000 rows × 50 bytes
        ("changed", TableSize("run", 0.05, {"a": 20, "b": 30}), False, 10),
    ],
)
def test_bytes_are_rows_times_widths(
    table: str, size: TableSize, is_limited: bool, expected: int
) -> None:
    read = TableRead(table, ("a", "b"), is_limited)
    assert bytes_read(read, size, SITE, is_full=False) == expected * MIB


def test_a_full_run_opens_all_days() -> None:
    size = TableSize("events", 1.0, {"a": 50})
    read = TableRead("base", ("a",), is_limited=True)
    assert bytes_read(read, size, SITE, is_full=True) == 4769 * MIB


def test_a_statement_counts_each_table_and_what_grows_with_history() -> None:
    sizes = {"base": TableSize("events", 1.0, {"a": 50}), "seed": TableSize("fixed", 1.0, {"a": 1})}
    reads = (TableRead("base", ("a",), False), TableRead("seed", ("a",), False))
    (one,) = costs([Statement("daily", "test", "t", 3, reads)], sizes, SITE)
    assert one.billed_bytes == 3 * (4769 + 10) * MIB
    assert one.growing_bytes == 3 * 4769 * MIB


def test_an_unknown_table_makes_a_statement_unknown_and_the_total_incomplete() -> None:
    statement = Statement("daily", "model", "m", 1, (TableRead("nowhere", ("a",), False),))
    found = costs([statement], {}, SITE)
    assert found[0].billed_bytes is None
    assert total(found, "daily") == (0, 0, False)


def test_a_tebibyte_costs_the_price() -> None:
    assert money(2**40, 6.25) == 6.25
    assert money(2**39, 6.25) == 3.125


def test_every_table_that_is_read_has_a_size() -> None:
    """A model that is new needs a build of the demo measured: see CONTRIBUTING.md."""
    assert set(columns_read(load_statements())) - set(demo_sizes()) == set()


def test_what_was_built_is_measured_per_event_and_day(tmp_path: Path) -> None:
    path = tmp_path / "small.duckdb"
    with duckdb.connect(str(path)) as built:
        built.execute("""
            create table stg_ga4__export_days as
            select date '2026-01-01' + cast(i as integer) as event_date, 50 as raw_row_count
            from range(4) as days(i);
            create table fct_sessions as select 'abc' as session_id, 1 as n from range(20);
        """)
    sizes = measure_build(str(path), "main", {"fct_sessions": ["session_id"], "gone": ["a"]})
    assert sizes == {"fct_sessions": TableSize("events", 0.1, {"session_id": 5.0})}


class FakeBigQuery:
    """Answers as BigQuery's list of tables would."""

    class config:  # noqa: N801 - the shape of dbt's object
        class credentials:  # noqa: N801
            type, database, schema = "bigquery", "shop", "micro_conversions"

    def run_query(self, sql: str) -> list[dict[str, Any]]:
        if "events_" in sql:
            return [{"day_count": 10, "row_count": 1000, "size_bytes": 2_000_000}]
        return [{"table_id": "fct_sessions", "row_count": 80, "size_bytes": 16_000}]


def test_bigquerys_metadata_gives_sizes_and_the_demo_the_shares_of_columns() -> None:
    warehouse: Any = FakeBigQuery()
    sizes, days, rows, sentences = bigquery_sizes(warehouse, {}, demo_sizes())
    assert (days, rows) == (10, 1000)
    assert sizes[EXPORT].width(["*"]) == pytest.approx(2000)
    assert sizes["fct_sessions"].rows == 0.08
    assert sizes["fct_sessions"].width(["*"]) == pytest.approx(200)
    assert "as in the demo shop" in sentences[0]


# ---- the command ---------------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["cost", *arguments])


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("cost_export")
    arguments = ["demo", "--out", str(folder), "--days", "3", "--visitors-per-day", "10"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    return f"{folder}/events_*.parquet"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our project before any build."""
    for name in ("DBT_TARGET", "DBT_TARGET_PATH", "GA4_EXPORT_FILES"):
        monkeypatch.delenv(name, raising=False)
    profile = (PROJECT / "profiles.example.yml").read_text(encoding="utf-8")
    (tmp_path / "profiles.yml").write_text(profile, encoding="utf-8")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    monkeypatch.setenv("DBT_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("DUCKDB_PATH", str(tmp_path / "none.duckdb"))


def test_the_export_is_measured_before_any_build(project: None, export: str) -> None:
    done = run("--export", export, "--format", "json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    measured = measure_export(export, PROJECT, ["event_name"])
    assert found["is_estimate"] and found["is_complete"]
    assert found["history_days"] == 3
    assert found["events_per_day"] == pytest.approx(measured.row_count / 3)
    lines = {(one["run"], one["name"]): one for one in found["lines"]}
    # Three small days, each a table that counts as 10 MiB.
    assert lines["full", "base_ga4__events"]["billed_bytes"] == 30 * MIB
    assert lines["daily", "total"]["cost"] == pytest.approx(found["daily_cost"])
    assert found["monthly_cost"] == pytest.approx(30 * found["daily_cost"])
    assert any("not built yet" in sentence for sentence in found["basis"])


def test_more_events_cost_more_and_say_so(project: None) -> None:
    done = run("--events-per-day", "20000000", "--history-days", "90", "--price-per-tib", "5")
    text = " ".join(done.stdout.split())
    assert done.exit_code == 0, done.stderr
    assert "Estimated cost at 5 per TiB" in text
    assert "20,000,000 events a day (as given), 90 days of history (as given)" in text
    assert "Export: no files" in text or "Export: raw columns measured" in text
    assert "An estimate by BigQuery's rules" in text


def test_the_estimate_is_a_csv_table(project: None, export: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("--export", export, "--format", "csv").stdout)))
    assert {row["run"] for row in rows} == {"full", "daily"}
    assert [row["name"] for row in rows].count("total") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--price-per-tib", "-1"], "microconv: The price is -1.0, which is no price."),
        (["--price-per-tib", "nan"], "microconv: The price is nan, which is no price."),
        (["--events-per-day", "0"], "microconv: --events-per-day is 0."),
        (["--history-days", "-3"], "microconv: --history-days is -3."),
    ],
)
def test_a_wrong_number_is_a_plain_error(project: None, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0] == message


def test_nothing_to_estimate_from_is_a_plain_error(project: None) -> None:
    done = run("--export", "/nowhere/events_*.parquet")
    assert done.exit_code == 1
    assert "No export files match '/nowhere/events_*.parquet'." in done.stderr


def test_the_page_on_cost_at_scale_is_what_the_estimate_says() -> None:
    sys.path.append(str(PROJECT / "scripts"))
    import cost_at_scale

    written = cost_at_scale.PAGE.read_text(encoding="utf-8")
    assert written == cost_at_scale.page(), "run `python scripts/cost_at_scale.py`"
    assert written.count("| 200,000,000 |") == len(cost_at_scale.HISTORIES)
