"""Several properties are read into one set of tables, each from its own dataset."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .analysis import analyze_project
from .compile_offline import EXPORT_DATASET, PROJECT, Compiled, compile_project
from .conftest import ROOT, VARIABLES, warehouse
from .dbt_process import DbtError
from .export_schema import EXPORTS
from .project import export_wildcards, new_catalog

pytestmark = pytest.mark.slow

OTHER_DATASET = "analytics_654321"
DATASETS = (EXPORT_DATASET, OTHER_DATASET)


@pytest.fixture(scope="module")
def compiled(work: Path) -> Compiled:
    properties = [{"dataset": dataset} for dataset in DATASETS]
    variables = {"ga4_project": PROJECT, "ga4_properties": properties}
    return compile_project(ROOT, work, warehouse(EXPORTS["2026"], datasets=DATASETS), variables)


def test_each_property_is_read_from_its_own_tables_by_constant_suffixes(
    compiled: Compiled,
) -> None:
    (base,) = (node for node in compiled.nodes("model") if node["name"] == "base_ga4__events")
    sql = re.sub(r"\s+", " ", base["compiled_code"])
    for dataset in DATASETS:
        for prefix in ("2", "fresh_", "intraday_"):
            wildcard = f"`{PROJECT}`.`{dataset}`.`events_{prefix}*`"
            assert sql.count(f"from {wildcard} as export") == 1, wildcard
        assert f"as path, '{dataset[10:]}' as property_id" in sql, dataset
    assert sql.count("where export._table_suffix in ('") == 3 * len(DATASETS)
    catalog = new_catalog(compiled, EXPORTS["2026"])
    other = f"{PROJECT}.{OTHER_DATASET}.events_*"
    for name, columns in export_wildcards(other, EXPORTS["2026"]).items():
        catalog.add(name, columns)
    assert len(catalog.output_columns(base["compiled_code"])) > 50


def test_a_property_named_twice_is_refused(work: Path) -> None:
    variables = {"ga4_project": PROJECT, "ga4_properties": [{"dataset": EXPORT_DATASET}] * 2}
    with pytest.raises(DbtError, match="names a property twice: 123456, 123456"):
        compile_project(ROOT, work, warehouse(EXPORTS["2026"]), variables)


def test_an_export_without_tables_is_nothing_to_read(work: Path) -> None:
    """BigQuery refuses a wildcard that matches no table, so none is named."""
    compiled = compile_project(ROOT, work, variables=VARIABLES)
    (base,) = (node for node in compiled.nodes("model") if node["name"] == "base_ga4__events")
    assert "`events_" not in re.sub(r"--.*", "", base["compiled_code"])
    assert analyze_project(compiled, EXPORTS["2026"]).problems() == []
