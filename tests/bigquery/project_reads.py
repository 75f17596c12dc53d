"""What every statement of a compiled project reads, with views looked through."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .compile_offline import Compiled
from .googlesql import Column
from .project import EXPORT_TABLE, export_prefix, in_order, is_export, new_catalog, relation
from .reads import Days, Read, reads

RAW = "base_ga4__events"  # the one model that may read the export


def project_reads(
    compiled: Compiled,
    export: list[Column],
    existing: Mapping[str, list[Column]],
    only: Collection[str] | None = None,
) -> dict[str, list[Read]]:
    """Reads of each model and data test that runs a query, by unique id, models in DAG order.

    `existing` are the columns of every table of the project, by full name; `only` are the names of
    the nodes to look at.
    """
    catalog = new_catalog(compiled, export)
    for name, columns in existing.items():
        catalog.add(name, columns)
    views: dict[str, Any] = {}
    partitions = {
        relation(node): node["config"]["partition_by"]["field"]
        for node in compiled.nodes("model")
        if node["config"].get("partition_by")
    }
    found: dict[str, list[Read]] = {}
    for node in [*in_order(compiled, "model"), *compiled.nodes("test")]:
        is_view = node["config"]["materialized"] == "view"
        if only is not None and node["name"] not in only and not is_view:
            continue
        resolved = catalog.analyze(node["compiled_code"])
        if is_view:
            views[relation(node)] = resolved  # costs when it is read, not when it is made
        else:
            found[node["unique_id"]] = _as_one_export(reads(resolved, views, partitions))
    return found


def _as_one_export(found: list[Read]) -> list[Read]:
    """Reads of raw tables as one of `EXPORT_TABLE`, its days being the suffixes after `events_`."""
    raw = [one for one in found if is_export(one.table)]
    if not raw:
        return found
    days: set[str] | None = set()
    for one in raw:
        named = one.days if one.table.endswith("*") else {""}
        days = (
            None
            if days is None or named is None
            else days | {export_prefix(one.table) + day for day in named}
        )
    columns = frozenset[str]().union(*(one.columns for one in raw))
    merged = Read(EXPORT_TABLE, columns, None if days is None else frozenset(days))
    return sorted([*(one for one in found if one not in raw), merged], key=lambda one: one.table)


def short(table: str) -> str:
    """A table's own name."""
    return table.rpartition(".")[2]


def model_of(unique_id: str) -> str:
    """The name of a model in its unique id."""
    return unique_id.split(".")[2]


def wasteful_reads(
    found: Mapping[str, list[Read]],
    contract: frozenset[str],
    shards: Days,
    dates: Days,
    whole_reads: Mapping[str, str],
) -> list[str]:
    """What the models of a daily run read that they need not.

    Args:
        found: Reads by unique id, as from `project_reads`.
        contract: Dotted paths of the fields that the export is read for.
        shards: Suffixes of the shards that have to be read.
        dates: The dates that are open.
        whole_reads: The tables that may be read without a limit to these dates, with the reason.
    """
    problems = []
    models = {model_of(one): tables for one, tables in found.items() if one.startswith("model.")}
    raw_readers = sorted(
        name for name, tables in models.items() if any(x.table == EXPORT_TABLE for x in tables)
    )
    if raw_readers != [RAW]:
        problems.append(f"only {RAW} may read the raw export, not: {', '.join(raw_readers)}")
    for name, tables in models.items():
        for read in tables:
            if read.table == EXPORT_TABLE:
                problems += [f"{name}: {one}" for one in _raw_problems(read, contract, shards)]
            elif short(read.table) not in whole_reads:
                problems += _day_problems(name, read, dates)
    return problems


def _raw_problems(read: Read, contract: frozenset[str], shards: Days) -> list[str]:
    problems = []
    if read.columns - contract:
        extra = ", ".join(sorted(read.columns - contract))
        problems.append(f"reads raw columns outside ga4_export_columns(): {extra}")
    if contract - read.columns:
        unread = ", ".join(sorted(contract - read.columns))
        problems.append(f"ga4_export_columns() names what nothing reads: {unread}")
    if read.days is None:
        problems.append("reads all shards of the raw export")
    elif read.days != shards:
        named = ", ".join(sorted(read.days ^ shards))
        problems.append(f"reads other shards than those of the open days: {named}")
    return problems


def _day_problems(model: str, read: Read, dates: Days) -> list[str]:
    if read.days is None:
        return [f"{model}: reads all days of {short(read.table)}"]
    if read.days - dates:
        return [f"{model}: reads more days of {short(read.table)} than are open"]
    return []
