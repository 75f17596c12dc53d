"""What `microconv cost` is told about the project: scripts/microconv/cost/reads.csv."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping

from microconv.cost.reads import EXPORT, FIELDS, WHOLE
from microconv.validate.read import BASELINE_DAYS

from .compile_offline import Compiled, Node
from .project import EXPORT_TABLE
from .project_reads import model_of, short
from .reads import Read

Row = tuple[str, ...]

# What `microconv validate` sends, by name; test_validate_statements.py sees it sent.
VALIDATION: list[Row] = [
    (
        *("daily", "validate", "days", "1", EXPORT),
        "ecommerce.purchase_revenue ecommerce.purchase_revenue_in_usd ecommerce.transaction_id"
        " event_date event_name event_params.key event_timestamp user_pseudo_id",
        "open",
    ),
    ("daily", "validate", "names", "1", EXPORT, "event_name", f"open+{BASELINE_DAYS}"),
    ("daily", "validate", "metadata", "5", "", "", ""),
]


def reads_csv(
    full: Mapping[str, list[Read]], daily: Mapping[str, list[Read]], incremental: Compiled
) -> str:
    """The file's text: one row per statement and table; tests that read alike share one."""
    rows: list[Row] = []
    for run, found in (("full", full), ("daily", daily)):
        models = {one: tables for one, tables in found.items() if one.startswith("model.")}
        for unique_id, tables in models.items():
            rows += _rows(run, "model", model_of(unique_id), 1, tables)
        rows += _test_rows(run, [found[one] for one in found if one not in models], found)
        if run == "daily":
            rows += _replace_rows(incremental)
            rows.append((run, "question", "questions", str(len(incremental.queries)), "", "", ""))
            rows += VALIDATION
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(rows)
    return text.getvalue()


def _rows(run: str, kind: str, name: str, count: int, tables: list[Read]) -> list[Row]:
    return [
        (
            run,
            kind,
            name,
            str(count),
            EXPORT if one.table == EXPORT_TABLE else short(one.table),
            " ".join(sorted(one.columns)),
            "all" if one.days is None else "open",
        )
        for one in tables
    ]


def _test_rows(run: str, tests: list[list[Read]], found: Mapping[str, list[Read]]) -> list[Row]:
    names = {tuple(tables): model_of(one) for one, tables in reversed(list(found.items()))}
    alike = Counter(tuple(tables) for tables in tests if tables)
    ordered = sorted(alike.items(), key=lambda item: names[item[0]])
    return [
        row
        for tables, count in ordered
        for row in _rows(run, "test", names[tables], count, list(tables))
    ]


def _replace_rows(incremental: Compiled) -> list[Row]:
    """Rows give way to new ones: by partition where a table is cut into days, else by a scan.

    BigQuery bills a statement that deletes or merges for all columns of what it may change.
    """
    rows: list[Row] = []
    for node in incremental.nodes("model"):
        if node["config"]["materialized"] == "incremental":
            days = "open" if _is_by_day(node) else "all"
            rows.append(("daily", "replace", node["name"], "1", node["name"], WHOLE, days))
    return sorted(rows)


def _is_by_day(node: Node) -> bool:
    replaces = node["config"].get("meta", {}).get("replaces")
    return bool(node["config"].get("partition_by")) and replaces in ("days", "open_dates")
