"""What `microconv wait` and the recipes send to BigQuery, before Google's analyzer."""

from __future__ import annotations

from pathlib import Path

from microconv.arrival.places import Tables

from .googlesql import Catalog
from .metadata import METADATA

PROJECT = Path(__file__).resolve().parents[2]


def test_the_list_of_tables_is_accepted() -> None:
    catalog = Catalog()
    datasets = {"1": "shop.analytics_1", "it's": "shop-2.analytics_2"}
    for dataset in datasets.values():
        catalog.add(f"{dataset}.__TABLES__", METADATA["__TABLES__"])
    catalog.analyze(Tables(datasets, Path()).query())


def test_the_rights_of_the_recipe_are_accepted() -> None:
    text = (PROJECT / "examples" / "cloud_run" / "rights.sql").read_text(encoding="utf-8")
    statements = [one for one in text.split(";") if one.strip()]
    assert len(statements) == 2
    for statement in statements:
        Catalog().analyze(statement)
