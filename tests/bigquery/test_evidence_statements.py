"""What the evidence commands send to BigQuery, before Google's analyzer; literals are executed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from microconv.aggregates.literals import literal
from microconv.aggregates.read import MARTS, Aggregates
from microconv.aggregates.types import Basis, row_of
from microconv.audience import read as audience_read
from microconv.audience.members import Consent, Span
from microconv.cohorts import read as cohorts_read
from microconv.cohorts import rows as cohort_rows
from microconv.correlate.columns import TABLES
from microconv.discover.read import read_staged
from microconv.experiments import rows as experiment_rows
from microconv.experiments.read import read_rejections, read_trials
from microconv.lead_lag import read as lead_lag_read
from microconv.lead_lag import rows as lead_lag_rows
from microconv.proxy import rows as proxy_rows
from microconv.proxy.read import read_basis
from microconv.score import rows as score_rows
from microconv.value.rows import COLUMNS as VALUES
from microconv.writing import Table, create_statement, transaction

from .googlesql import Catalog, Column

PROJECT = Path(__file__).resolve().parents[2]
WRITTEN = {
    **TABLES,
    **score_rows.TABLES,
    **experiment_rows.TABLES,
    proxy_rows.TABLE: proxy_rows.COLUMNS,
    "evidence_conversion_values": VALUES,
    cohort_rows.TABLE: cohort_rows.COLUMNS,
    lead_lag_rows.TABLE: lead_lag_rows.COLUMNS,
}
EXPERIMENT_MARTS = ("mart_experiments", "mart_experiment_rejections", "mart_planning_rates")
AWKWARD = (
    "it's",
    'say "hello"',
    "back\\slash\\",
    "line\nbreak\ttab\rreturn",
    "`tick` -- no comment # nor this /* nor this",
    "'); drop table x; --",
    "Größe 尺码 😀 \x7f \x01",
    "",
)


class Sent:
    """A warehouse that keeps what is sent to it and answers nothing."""

    is_duckdb = False

    def __init__(self) -> None:
        self.statements: list[str] = []

    def relation(self, model: str) -> str:
        return f"`{model}`"

    def beside(self, model: str, table: str) -> str:
        return f"`{table}`"

    def has(self, relation: str) -> bool:
        return True

    def run_query(self, sql: str) -> list[Any]:
        self.statements.append(sql)
        return []

    def run_batches(self, sql: str) -> Iterator[Any]:
        self.statements.append(sql)
        return iter(())


def kind_of(name: str) -> str:
    """Types that the marts' own columns have; their .yml and the analyzed models agree on names."""
    if name.endswith(("_date", "_week")):
        return "DATE"
    if name.startswith("is_") or name.startswith("has_"):
        return "BOOL"
    if name.endswith(("_count", "_days", "_mask", "bucket", "_bit", "_number", "manual_score")):
        return "INT64"
    if name.endswith(("_usd", "_usd_squared", "_points", "_rate", "_value", "_reached")):
        return "FLOAT64"
    return "STRING"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    found = Catalog()
    marts = [*MARTS, "mart_daily_rates", "mart_funnel_velocity"]
    folders = {
        **{name: "intermediate" if name.startswith("int_") else "marts" for name in marts},
        **dict.fromkeys(EXPERIMENT_MARTS, "marts"),
        "dim_conversions": "core",
        "dim_funnel_steps": "core",
    }
    for model, folder in folders.items():
        path = PROJECT / "models" / folder / f"{model}.yml"
        [node] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        found.add(model, [Column(one["name"], kind_of(one["name"])) for one in node["columns"]])
    kinds = {"text": "STRING", "number": "FLOAT64", "integer": "INT64", "truth": "BOOL"}
    for table, columns in WRITTEN.items():
        found.add(table, [Column(name, kinds.get(kind, "DATE")) for name, kind in columns.items()])
    return found


def test_every_read_is_accepted(catalog: Catalog) -> None:
    warehouse = Sent()
    aggregates = Aggregates(warehouse, {})  # type: ignore[arg-type]
    aggregates.conversions()
    aggregates.main_macro()
    aggregates.bases()
    aggregates.reach("it's")
    list(aggregates.decision_points("purchase"))
    aggregates.patterns("purchase", [0, 3], has_factors=True)
    aggregates.patterns("purchase", [1], has_factors=False)
    aggregates.landmarks("purchase", [0, 3])
    aggregates.weekly_cuts("purchase")
    basis = row_of(Basis, {"macro_name": "it's", "horizon_days": 14})
    cohorts_read.read_cells(aggregates, basis)
    list(cohorts_read.read_behaviours(aggregates, basis))
    lead_lag_read.read_rates(warehouse, dt.date(2026, 11, 8))  # type: ignore[arg-type]
    lead_lag_read.read_delays(warehouse, "it's")  # type: ignore[arg-type]
    assert len(warehouse.statements) >= 14
    for statement in warehouse.statements:
        catalog.analyze(statement)


def test_a_select_in_place_of_a_mart_is_accepted(catalog: Catalog) -> None:
    warehouse = Sent()
    selects = {
        mart: f"with {mart} as (select * from `{mart}`) select * from {mart}" for mart in MARTS
    }
    aggregates = Aggregates(warehouse, selects)  # type: ignore[arg-type]
    aggregates.bases()
    list(aggregates.decision_points("purchase"))
    aggregates.patterns("purchase", [0], has_factors=True)
    for statement in warehouse.statements:
        catalog.analyze(statement)


def test_what_experiments_and_proxy_read_is_accepted(catalog: Catalog) -> None:
    warehouse: Any = AudienceSent()
    read_trials(warehouse)
    read_rejections(warehouse)
    read_basis(warehouse)
    assert len(warehouse.statements) == 5
    for statement in warehouse.statements:
        catalog.analyze(statement)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_accepted(catalog: Catalog, name: str) -> None:
    columns = WRITTEN[name]
    cells: dict[str, Any] = {"text": AWKWARD[5], "number": 0.5, "integer": 3, "truth": True}
    row = {column: cells.get(kind, dt.date(2026, 11, 8)) for column, kind in columns.items()}
    empty = dict.fromkeys(columns)
    warehouse: Any = Sent()
    script = transaction(
        warehouse, [Table(name, (row, empty))], {name: columns}, ["purchase", "it's"]
    )
    catalog.parse_script(script)
    begin, *changes, commit = script.split(";\n")
    assert (begin, commit) == ("begin transaction", "commit transaction")
    assert [change.split()[0] for change in changes] == ["delete", "insert"]
    for change in changes:
        catalog.analyze(change)
    catalog.analyze(create_statement(warehouse, name, columns))


@pytest.mark.parametrize("consent", Consent)
def test_what_an_audience_reads_and_writes_is_accepted(consent: Consent) -> None:
    """Of tables with the types that the first compiled run gives them (test_rung1_analyze)."""
    found = Catalog()
    numbers = ("timestamp", "micros", "decile")
    for layer, model in (
        ("core", "dim_audience_moments"),
        ("core", "dim_visitors"),
        ("intermediate", "int_export_as_of"),
        ("intermediate", "int_visitor_moments_gathered"),
        ("marts", "mart_stalled_visitors"),
    ):
        text = (PROJECT / "models" / layer / f"{model}.yml").read_text(encoding="utf-8")
        [node] = yaml.safe_load(text)["models"]
        names = [one["name"] for one in node["columns"]]
        kinds = ["INT64" if name.endswith(numbers) else kind_of(name) for name in names]
        found.add(model, [Column(*each) for each in zip(names, kinds, strict=True)])
    columns = audience_read.COLUMNS[audience_read.TABLE]
    kinds_of_columns = {"text": "STRING", "integer": "INT64", "date": "DATE"}
    found.add(
        audience_read.TABLE,
        [Column(name, kinds_of_columns[kind]) for name, kind in columns.items()],
    )
    warehouse: Any = AudienceSent()
    day = dt.date(2026, 11, 8)
    moment = audience_read.Moment(AWKWARD[5], "", True, Span(3, 1, 2), day, 1, 1, 1)
    audience = audience_read.Audience(moment, consent, "csv")
    audience_read.read_moments(warehouse)
    audience_read.read_visitors(warehouse, audience)
    audience_read.read_members(warehouse, audience)
    audience_read.remember(warehouse, audience, None)
    audience_read.remember(warehouse, audience, [])
    *statements, script, _, _, short = warehouse.statements
    for statement in statements:
        found.analyze(statement)
    for text in (script, short):
        found.parse_script(text)
        begin, *changes, commit = text.split(";\n")
        assert (begin, commit) == ("begin transaction", "commit transaction")
        for change in changes:
            found.analyze(change)
    assert [len(text.split(";\n")) for text in (script, short)] == [4, 3]


class AudienceSent(Sent):
    """A warehouse with every table, an example row and no rows to read."""

    def execute(self, sql: str) -> None:
        self.statements.append(sql)

    def run_query(self, sql: str) -> list[Any]:
        self.statements.append(sql)
        columns = audience_read.COLUMNS[audience_read.TABLE]
        return [dict.fromkeys(columns)] if "as example" in sql else []


def test_text_comes_back_as_it_was() -> None:
    listed = ", ".join(
        f"{literal(text, is_duckdb=False)} as text_{place}" for place, text in enumerate(AWKWARD)
    )
    [row] = Catalog().evaluate(f"select {listed}").rows
    assert list(row.values()) == list(AWKWARD)


def test_other_values_come_back_as_they_were() -> None:
    values = (0.1, -1e-300, 12345678901234567, True, None, dt.date(2026, 11, 8))
    listed = ", ".join(
        f"{literal(value, is_duckdb=False)} as value_{place}" for place, value in enumerate(values)
    )
    [row] = Catalog().evaluate(f"select {listed}").rows
    assert list(row.values()) == list(values)


def test_what_discover_reads_of_staged_events_is_accepted() -> None:
    value = (
        "STRUCT<string_value STRING, int_value INT64, float_value FLOAT64, double_value FLOAT64>"
    )
    catalog = Catalog()
    catalog.add("stg_ga4__export_days", [Column("event_date", "DATE")])
    catalog.add(
        "stg_ga4__events",
        [
            Column("event_date", "DATE"),
            Column("event_name", "STRING"),
            Column("user_pseudo_id", "STRING"),
            Column("event_params", f"ARRAY<STRUCT<key STRING, value {value}>>"),
        ],
    )
    warehouse: Any = Discovered()
    read_staged(warehouse, 28)
    assert len(warehouse.statements) == 3
    for statement in warehouse.statements:
        catalog.analyze(statement)


class Discovered(Sent):
    """A warehouse that has a last day and no event."""

    place = "nowhere"

    def run_query(self, sql: str) -> list[Any]:
        self.statements.append(sql)
        return [{"last_date": dt.date(2026, 11, 8)}] if len(self.statements) == 1 else []
