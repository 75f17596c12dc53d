"""Rung 4: Google's analyzer over every statement that the adapter sent."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bigquery.compile_offline import Compiled
from bigquery.engine import EngineTrapError, SqlError
from bigquery.googlesql import Catalog, Column
from bigquery.project import new_catalog, relation, seed_columns
from bigquery.script import analyze_script

_SENDER = re.compile(r'"node_id": *"([^"]+)"')


def refused(compiled: Compiled, export: list[Column], statements: Iterable[str]) -> dict[str, str]:
    """What the analyzer says against statements, by their text; seeds exist beforehand."""
    catalog: Catalog = new_catalog(compiled, export)
    for seed in compiled.nodes("seed"):
        catalog.add(relation(seed), seed_columns(seed))
    messages = {}
    for sent in dict.fromkeys(statements):
        try:
            analyze_script(catalog, without_comment(sent))
        except (SqlError, EngineTrapError, ValueError) as error:
            messages[sent] = str(error)
    return messages


def without_comment(sent: str) -> str:
    return re.sub(r"^\s*/\*.*?\*/\s*", "", sent, flags=re.DOTALL)


def sender(sent: str) -> str:
    """Name of the node that sent a statement; empty for what dbt asks for itself."""
    found = _SENDER.search(sent)
    return found[1].split(".")[2] if found else ""
