"""What BI reads on BigQuery, before Google's analyzer: ready SQL, exports and the metrics layer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from metric_queries import MetricsLayer, Question
from microconv.export.tables import EVIDENCE, tables_to_export
from microconv.profile import Column as Described

from .analysis import Analysis
from .compile_offline import DATASET, PROJECT, Compiled
from .conftest import ROOT
from .googlesql import Catalog, Column
from .project import relation

_NAMED = re.compile(rf"\b{DATASET}\.(\w+)")
_KINDS = {"text": "STRING", "number": "FLOAT64", "integer": "INT64", "truth": "BOOL"}
# What a metric is asked by, where it can be.
_BY = ("metric_time", "metric_time__week", "session__device_category", "visitor__funnel_stage")


class Built:
    """A built project on BigQuery, as `microconv export` asks for it; it has no rows."""

    is_duckdb = False

    def __init__(self, compiled: Compiled) -> None:
        self._nodes = {node["name"]: node for node in compiled.nodes("model")}

    def models(self) -> list[str]:
        return sorted(self._nodes)

    def columns(self, model: str) -> dict[str, Described]:
        found = self._nodes[model]["columns"]
        return {name: Described(one["data_type"] or "", "") for name, one in found.items()}

    def description(self, model: str) -> str:
        return str(self._nodes[model]["description"])

    def relation(self, model: str) -> str:
        return f"`{relation(self._nodes[model])}`"

    def beside(self, model: str, table: str) -> str:
        return f"`{PROJECT}.{DATASET}.{table}`"

    def has(self, relation: str) -> bool:
        return True


@pytest.fixture(scope="module")
def catalog(full: Compiled, analyzed: Analysis) -> Catalog:
    """All tables after a run, and those that Python writes."""
    found = Catalog()
    for name, columns in analyzed.tables(full).items():
        found.add(name, columns)
    for table, kinds in EVIDENCE.items():
        found.add(
            f"{PROJECT}.{DATASET}.{table}",
            [Column(name, _KINDS.get(kind, "DATE")) for name, kind in kinds.items()],
        )
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "bi" / "sql").glob("*.sql")), ids=lambda p: p.stem)
def test_a_ready_query_is_accepted(path: Path, catalog: Catalog) -> None:
    catalog.analyze(_NAMED.sub(rf"`{PROJECT}.{DATASET}.\1`", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("has_visitors", [False, True])
def test_every_statement_of_an_export_is_accepted(
    full: Compiled, catalog: Catalog, has_visitors: bool
) -> None:
    warehouse: Any = Built(full)
    tables = tables_to_export(warehouse, has_visitors)
    assert {"bi_days", "mart_kpis"} < {one.name for one in tables}
    assert ("fct_sessions" in {one.name for one in tables}) == has_visitors
    for table in tables:
        assert len(catalog.output_columns(table.query(is_duckdb=False))) == len(table.columns)
        catalog.analyze(table.count_query())


@pytest.mark.slow
def test_the_sql_of_every_metric_is_accepted(full: Compiled, work: Path, catalog: Catalog) -> None:
    text = (work / "target" / "semantic_manifest.json").read_text(encoding="utf-8")
    assert f"`{PROJECT}`.`{DATASET}`.`fct_sessions`" in text
    layer = MetricsLayer(text, "bigquery")
    statements = [layer.saved_sql(name) for name in layer.saved_queries()]
    for metric in layer.metrics():
        for by in _BY:
            if by.startswith("session__") and "macro_after_micro" in metric:
                continue
            names = (by,) if by.startswith("metric_time") else (by, "metric_time")
            statements.append(layer.sql(Question((metric,), names)))
    assert len(statements) > 80
    for statement in statements:
        catalog.analyze(statement)
