"""What `microconv wait` asks of BigQuery, before Google's analyzer."""

from __future__ import annotations

from pathlib import Path

from microconv.arrival.places import Tables

from .googlesql import Catalog
from .metadata import METADATA


def test_the_list_of_tables_is_accepted() -> None:
    catalog = Catalog()
    datasets = {"1": "shop.analytics_1", "it's": "shop-2.analytics_2"}
    for dataset in datasets.values():
        catalog.add(f"{dataset}.__TABLES__", METADATA["__TABLES__"])
    catalog.analyze(Tables(datasets, Path()).query())
