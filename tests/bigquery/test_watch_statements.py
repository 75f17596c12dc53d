"""What `watch` sends to BigQuery, before Google's analyzer, over tables of the declared types."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from microconv.watch.columns import TABLES
from microconv.watch.read import WatchReader
from microconv.writing import Table, create_statement, transaction

from .googlesql import Catalog, Column
from .test_evidence_statements import AWKWARD, Sent

PROJECT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 11, 8)
MODELS = {
    "dim_conversions": "core",
    "dim_funnel_steps": "core",
    "mart_tracked_rates": "marts",
    "mart_tracked_means": "marts",
    "mart_tracked_counts": "marts",
    "fct_macro_conversions": "core",
    "mart_conversion_outages": "marts",
    **dict.fromkeys(TABLES, "marts"),
}
SEEDS = ("conversion_rules", "derived_conversions", "kpi_definitions", "annotations")


class WatchSent(Sent):
    """Answers with the last loaded day where that is asked for."""

    def run_query(self, sql: str) -> list[Any]:
        super().run_query(sql)
        return [{"as_of_date": DAY}] if "as_of_date from" in sql else []


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    found = Catalog()
    for model, folder in MODELS.items():
        text = (PROJECT / "models" / folder / f"{model}.yml").read_text(encoding="utf-8")
        [node] = yaml.safe_load(re.sub(r"&float64 .*", '&float64 "float64"', text))["models"]
        found.add(model, [Column(one["name"], one["data_type"].upper()) for one in node["columns"]])
    for seed in SEEDS:
        text = (PROJECT / "seeds" / f"{seed}.yml").read_text(encoding="utf-8")
        [node] = yaml.safe_load(text)["seeds"]
        types = node["config"]["column_types"]
        found.add(seed, [Column(name, kind.upper()) for name, kind in types.items()])
    # As the first compiled run gives it (test_rung1_analyze).
    found.add("int_export_as_of", [Column("as_of_date", "DATE")])
    return found


def test_every_read_is_accepted(catalog: Catalog) -> None:
    warehouse = WatchSent()
    reader = WatchReader(warehouse)  # type: ignore[arg-type]
    assert reader.as_of() == DAY
    foundations = reader.foundations()
    reader.series(foundations.funnels, ["country"])
    for text in AWKWARD:
        reader.segments([f"micro/{text}/0"], DAY, DAY)
        reader.mean_segments([f"kpi/{text}/0"], DAY, DAY)
        reader.written([DAY], DAY, [text])
    reader.silent_days()
    reader.tracked()
    reader.annotations()
    assert len(warehouse.statements) > 20
    for statement in warehouse.statements:
        catalog.analyze(statement)


@pytest.mark.parametrize("name", TABLES)
def test_what_is_written_is_accepted(catalog: Catalog, name: str) -> None:
    columns = TABLES[name]
    cells: dict[str, Any] = {"text": AWKWARD[5], "number": 0.5, "integer": 3, "truth": True}
    row = {column: cells.get(kind, DAY) for column, kind in columns.items()}
    warehouse: Any = Sent()
    tables = [Table(name, (row, dict.fromkeys(columns)))]
    script = transaction(warehouse, tables, {name: columns}, list(AWKWARD), "watch_id")
    catalog.parse_script(script)
    for change in script.split(";\n")[1:-1]:
        catalog.analyze(change)
    catalog.analyze(create_statement(warehouse, name, columns))
