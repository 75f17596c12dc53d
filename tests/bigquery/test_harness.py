"""The harness sees what it is there for: each mistake, planted in the toy project, turns it red.

A function that only DuckDB has, `* exclude`, a field that no struct has, a float compared with a
text (rung 1); a shard predicate that is no constant, a second reader of the export (rung 5); rows
that differ between the warehouses, a day emptied because its shard is missing (rung 2).
"""

from __future__ import annotations

import copy
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .analysis import Analysis, analyze_project
from .bq_types import Row, parse_type, type_name
from .compare import differences, is_equal, key_of
from .compile_offline import Compiled, build_on_duckdb
from .engine import SqlError
from .engine_rules import broken_rules, layout_problems
from .execute import ExecutionError, execute_project, read_duckdb
from .export_schema import EXPORT_2020, EXPORT_2026, EXPORTS
from .fixture import write_parquet
from .fixture_events import fixture_events
from .fixture_visits import QUIET_DAYS
from .googlesql import Catalog, Column, Result
from .reference_run import ReferenceWarehouse

DAILY = ("20260227", "20260228", "20260301", "20260302")  # the toy picks no kind of table


def planted(compiled: Compiled, model: str, old: str, new: str) -> Compiled:
    """A copy of a compiled project with a piece of one model's statement replaced."""
    manifest = copy.deepcopy(compiled.manifest)
    (node,) = [one for one in manifest["nodes"].values() if one["name"] == model]
    assert old in node["compiled_code"], f"{old!r} is not in the statement of {model}"
    node["compiled_code"] = node["compiled_code"].replace(old, new)
    return Compiled(manifest, compiled.queries)


@pytest.mark.parametrize("year", EXPORTS)
def test_the_toy_project_is_accepted(compiled_toy: Compiled, year: str) -> None:
    assert analyze_project(compiled_toy, EXPORTS[year]).problems() == []


@pytest.mark.parametrize(
    ("model", "old", "new", "message"),
    [
        (
            "stg_toy",
            "e.event_name,",
            "list_filter([1], x -> x > 0),",
            "Function not found: list_filter",
        ),
        ("stg_toy", "e.event_name,", "e.event_name::varchar,", 'but got ":"'),
        ("stg_toy", "div(e.event_timestamp, 1000000)", "e.event_timestamp // 7", 'Unexpected "/"'),
        ("stg_toy", "e.device.category", "e.device.kategory", "Field name kategory does not exist"),
        ("stg_toy", "e.event_name,", "strftime(current_date, '%Y'),", "Function not found"),
        (
            "toy_visitors",
            "select * from visitors",
            "select * exclude (third) from visitors",
            "EXCLUDE",
        ),
        ("toy_visitors", "count(*) / 3 as third", "0.5 = 'a' as third", "FLOAT64, STRING|STRING"),
        ("toy_total", "mean_third", "mean_third, cast(1 as varchar)", "Type not found: varchar"),
        ("toy_total", "toy_visitors.third", "toy_visitors.fourth", "fourth not found"),
    ],
)
def test_a_statement_that_bigquery_lacks_is_refused_with_its_file(
    compiled_toy: Compiled, model: str, old: str, new: str, message: str
) -> None:
    (problem, *_) = analyze_project(planted(compiled_toy, model, old, new), EXPORT_2026).problems()
    assert problem.startswith(f"models/{model}.sql: ")
    assert any(part in problem for part in message.split("|")), problem


def test_what_depends_on_a_refused_model_is_named_and_not_blamed(compiled_toy: Compiled) -> None:
    broken = planted(compiled_toy, "stg_toy", "e.event_name", "e.event_nam")
    analysis = analyze_project(broken, EXPORT_2026)
    assert len(analysis.failures) == 1
    assert {"toy_visitors", "toy_total", "how_many"} <= set(analysis.waiting)


def test_a_column_that_only_newer_exports_have_is_refused_for_the_older(
    compiled_toy: Compiled,
) -> None:
    newer = planted(compiled_toy, "stg_toy", "e.device.category", "e.device.browser")
    # The toy's source names columns, so the newer field is inside a struct that both have.
    assert analyze_project(newer, EXPORT_2026).problems() == []
    assert "browser does not exist" in analyze_project(newer, EXPORT_2020).problems()[0]


def test_a_declared_type_or_column_that_is_not_put_out_is_a_failure(compiled_toy: Compiled) -> None:
    retyped = planted(compiled_toy, "stg_toy", "div(e.event_timestamp, 1000000)", "1.5")
    (problem, *_) = analyze_project(retyped, EXPORT_2026).problems()
    assert problem == "models/stg_toy.sql: event_seconds is declared bigint and is FLOAT64"
    renamed = planted(compiled_toy, "stg_toy", "as event_seconds", "as seconds")
    assert "event_seconds is described but not put out" in _all(renamed)


def test_a_query_sent_while_compiling_is_analysed_too(compiled_toy: Compiled) -> None:
    assert len(compiled_toy.queries) == 1
    wrong = compiled_toy.queries[0].replace("table_name", "tabel_name")
    problems = analyze_project(Compiled(compiled_toy.manifest, (wrong,)), EXPORT_2026).problems()
    assert "sent while compiling: Unrecognized name: tabel_name" in problems[0]


def test_the_stub_answers_a_query_with_the_shards_that_exist(compiled_toy: Compiled) -> None:
    (staging,) = [node for node in compiled_toy.nodes("model") if node["name"] == "stg_toy"]
    assert f"between '{QUIET_DAYS[0]}' and" in staging["compiled_code"]


def test_the_engine_survives_a_crash() -> None:
    catalog = Catalog()
    catalog.add("p.d.t", [Column("a", "INT64")])
    before = catalog.engine.generation
    catalog.engine._instantiate()  # what `call` does after a trap
    assert catalog.output_columns("select a from `p`.`d`.`t`") == [Column("a", "INT64")]
    assert catalog.engine.generation == before + 1


def test_a_deep_expression_is_no_problem() -> None:
    nested = "lower(" * 150 + "'a'" + ")" * 150
    assert Catalog().output_columns(f"select {nested} as a") == [Column("a", "STRING")]


def test_a_wildcard_has_its_suffix_and_only_there() -> None:
    catalog = Catalog()
    catalog.add("p.d.events_*", [Column("a", "INT64")])
    catalog.add("p.d.events_20201101", [Column("a", "INT64")])
    (star,) = catalog.output_columns("select * from `p.d.events_*` where _table_suffix = '1'")
    assert star == Column("a", "INT64")
    with pytest.raises(SqlError, match="_table_suffix"):
        catalog.analyze("select _table_suffix from `p`.`d`.`events_20201101`")


@pytest.mark.parametrize("column", EXPORT_2020 + EXPORT_2026)
def test_types_are_read_and_written_alike(column: Column) -> None:
    assert type_name(parse_type(column.type)) == column.type


@pytest.mark.parametrize("text", ["varchar", "double", "ARRAY<INT64", "STRUCT<a>", "INT64 INT64"])
def test_what_is_no_bigquery_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"type|expected"):
        parse_type(text)


def _all(compiled: Compiled) -> str:
    analysis: Analysis = analyze_project(compiled, EXPORT_2026)
    return "\n".join(analysis.problems())


@pytest.mark.parametrize(
    ("model", "old", "new", "message"),
    [
        ("stg_toy", "e._table_suffix between", "e.event_name between", "without a condition"),
        (
            "stg_toy",
            "and '20991231'",
            "and format_date('%Y%m%d', current_date)",
            "no constant condition",
        ),
        (
            "stg_toy",
            f"e._table_suffix between '{QUIET_DAYS[0]}' and '20991231'",
            "e._table_suffix = (select max(e2._table_suffix) from `p`.`d`.`t` as e2)",
            "no constant condition",
        ),
        ("stg_toy", "e._table_suffix between", "substr(e._table_suffix, 1) between", "no constant"),
        (
            "toy_total",
            "`offline-project`.`micro_conversions`.`toy_visitors`",
            "`offline-project`.`analytics_123456`.`events_*`",
            "exactly one node reads",
        ),
        (
            "toy_total",
            "avg(toy_visitors.third)",
            "percentile_cont(toy_visitors.third, 0.5)",
            "without OVER",
        ),
    ],
)
def test_an_engine_rule_that_is_broken_is_named(
    compiled_toy: Compiled, model: str, old: str, new: str, message: str
) -> None:
    columns = analyze_project(compiled_toy, EXPORT_2026).columns
    assert broken_rules(compiled_toy, columns) == []
    problems = broken_rules(planted(compiled_toy, model, old, new), columns)
    assert any(message in problem for problem in problems), problems


def test_a_layout_that_bigquery_refuses_is_named() -> None:
    columns = [Column("day", "DATE"), Column("rate", "FLOAT64"), Column("a", "STRING")]
    config = {"partition_by": {"field": "rate"}, "cluster_by": ["a", "day", "a", "day", "a"]}
    assert layout_problems({"config": config}, columns) == [
        "partitioned by rate, which is FLOAT64",
        "clustered by 5 columns, 4 are allowed",
    ]
    config = {"partition_by": {"field": "day", "data_type": "date"}, "cluster_by": "rate"}
    assert layout_problems({"config": config}, columns) == ["clustered by rate, which is FLOAT64"]


@pytest.fixture(scope="module")
def daily() -> list[Row]:
    """The events that the toy project reads."""
    return [event for event in fixture_events() if event["_TABLE_SUFFIX"] in DAILY]


@pytest.fixture(scope="module")
def built_toy(
    toy: Path, daily: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Result]:
    """The toy project as DuckDB builds it."""
    work = tmp_path_factory.mktemp("toy_on_duckdb")
    build_on_duckdb(toy, work, write_parquet(daily, EXPORT_2026, work / "export"), {})
    return read_duckdb(work)


def differing(compiled: Compiled, daily: list[Row], duckdb: dict[str, Result]) -> dict[str, str]:
    """The first difference of each model whose rows are not DuckDB's."""
    bigquery = execute_project(compiled, EXPORT_2026, daily)
    found = {}
    for node in compiled.nodes("seed", "model"):
        one = node["unique_id"]
        key = key_of(compiled, node, bigquery[one])
        for message in differences(node["name"], key, duckdb[one], bigquery[one])[:1]:
            found[node["name"]] = message
    return found


def test_the_toy_project_has_the_same_rows_on_both_warehouses(
    compiled_toy: Compiled, daily: list[Row], built_toy: dict[str, Result]
) -> None:
    assert len(built_toy["model.toy.toy_visitors"].rows) > 50
    assert differing(compiled_toy, daily, built_toy) == {}


@pytest.mark.parametrize(
    ("model", "old", "new", "message"),
    [
        ("toy_total", "avg(", "max(", r"\(event_count\) = \d+: mean_third: DuckDB .*, BigQuery"),
        (
            "stg_toy",
            "div(e.event_timestamp, 1000000)",
            "cast(e.event_timestamp / 1000000 as int64)",  # rounds, and DuckDB's // does not
            "event_seconds",
        ),
        ("stg_toy", "ep.key = 'medium'", "ep.key = 'Medium'", "medium"),
        ("toy_visitors", "is not null", "is null", "= None: rows: DuckDB 0, BigQuery 1"),
    ],
)
def test_rows_that_differ_between_the_warehouses_are_named(
    compiled_toy: Compiled,
    daily: list[Row],
    built_toy: dict[str, Result],
    model: str,
    old: str,
    new: str,
    message: str,
) -> None:
    found = differing(planted(compiled_toy, model, old, new), daily, built_toy)
    assert re.search(message, found[model]), found


REPLACE_DAYS = """
declare replaced_dates array<date>;
create or replace table `p`.`d`.`new_rows` as
select event_date, event_name from `p`.`d`.`arrived`;
set replaced_dates = (select array_agg(distinct event_date) from `p`.`d`.`new_rows`);
begin transaction;
delete from `p`.`d`.`events` as replaced where event_date in unnest(replaced_dates);
insert into `p`.`d`.`events` (`event_date`, `event_name`)
select event_date, event_name from `p`.`d`.`new_rows`;
commit transaction;
drop table if exists `p`.`d`.`new_rows`;
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (REPLACE_DAYS, []),
        # The days that are open, whether or not they have arrived.
        (
            REPLACE_DAYS.replace(
                "unnest(replaced_dates)", "(date '2026-03-01', date '2026-03-02')"
            ),
            ["events: (event_date) = 2026-03-01: rows: DuckDB 1, BigQuery 0"],
        ),
        (
            REPLACE_DAYS.replace("where event_date in unnest(replaced_dates)", "where true"),
            ["events: (event_date) = 2026-03-01: rows: DuckDB 1, BigQuery 0"],
        ),
    ],
    ids=["right", "open days", "all days"],
)
def test_a_day_emptied_because_its_shard_is_missing_is_named(
    script: str, expected: list[str]
) -> None:
    columns = [Column("event_date", "DATE"), Column("event_name", "STRING")]
    first, second = (
        {"event_date": dt.date(2026, 3, day), "event_name": name}
        for day, name in ((1, "page_view"), (2, "page_view"))
    )
    again = second | {"event_name": "purchase"}
    warehouse = ReferenceWarehouse()
    warehouse.build("p.d.events", Result(columns, [first, second]))
    warehouse.give("p.d.arrived", Result(columns, [again]))
    warehouse.run("job", script)
    right = Result(columns, [first, again])
    found = differences("events", ["event_date"], right, warehouse.content("p.d.events"))
    assert found == expected
    assert "p.d.new_rows" not in warehouse.tables


def test_a_model_that_the_executor_refuses_is_named(compiled_toy: Compiled) -> None:
    broken = planted(compiled_toy, "toy_total", "sum(toy_visitors.event_count)", "1 / 0")
    with pytest.raises(ExecutionError, match=r"models/toy_total.sql: division by zero"):
        execute_project(broken, EXPORT_2026, [])


def test_rows_that_differ_are_named_by_model_key_and_column() -> None:
    columns = [Column("id", "STRING"), Column("rate", "FLOAT64")]
    left = Result(columns, [{"id": "a", "rate": 0.1 + 0.2}, {"id": "b", "rate": 1.0}])
    right = Result(columns, [{"id": "a", "rate": 0.3}, {"id": "b", "rate": 1.0 + 1e-6}])
    assert differences("m", ["id"], left, left) == []
    assert differences("m", ["id"], left, right) == [
        "m: (id) = b: rate: DuckDB 1.0, BigQuery 1.000001"
    ]
    assert differences("m", ["id"], left, Result(columns, right.rows[:1])) == [
        "m: (id) = b: rows: DuckDB 1, BigQuery 0"
    ]
    assert "columns that only one" in differences("m", ["id"], left, Result(columns[:1], []))[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        (None, [], True),
        ([1, None], [1, None], True),
        ({"a": [1.0]}, {"a": [1.0 + 1e-12]}, True),
        (float("nan"), float("nan"), True),
        (float("nan"), None, False),
        (Decimal("1.50"), Decimal("1.5"), True),
        (1, True, False),
        (1, "1", False),
        (None, "", False),
        (None, 0, False),
        (dt.datetime(2026, 3, 1), dt.datetime(2026, 3, 1, tzinfo=dt.UTC), True),
        (dt.datetime(2026, 3, 1), dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC), False),
    ],
)
def test_values_are_equal_when_they_mean_the_same(ours: Any, theirs: Any, equal: bool) -> None:
    assert is_equal(ours, theirs) is equal
