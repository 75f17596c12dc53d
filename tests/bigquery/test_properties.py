"""Several properties are read into one set of tables, each from its own dataset."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .compile_offline import EXPORT_DATASET, PROJECT, Compiled, compile_project
from .conftest import ROOT, warehouse
from .dbt_process import DbtError
from .export_schema import EXPORTS
from .project import new_catalog

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
        assert sql.count(f"from `{PROJECT}`.`{dataset}`.`events_*` as export") == 1, dataset
        assert f"as path, '{dataset[10:]}' as property_id" in sql, dataset
    assert sql.count("where export._table_suffix in ('") == len(DATASETS)
    catalog = new_catalog(compiled, EXPORTS["2026"])
    catalog.add(f"{PROJECT}.{OTHER_DATASET}.events_*", EXPORTS["2026"])
    assert len(catalog.output_columns(base["compiled_code"])) > 50


def test_a_property_named_twice_is_refused(work: Path) -> None:
    variables = {"ga4_project": PROJECT, "ga4_properties": [{"dataset": EXPORT_DATASET}] * 2}
    with pytest.raises(DbtError, match="names a property twice: 123456, 123456"):
        compile_project(ROOT, work, warehouse(EXPORTS["2026"]), variables)
