"""The rows of one model on two warehouses: keys exactly, floating numbers to 1e-9 relative."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain, combinations
from typing import Any

from .bq_types import Row
from .compile_offline import Compiled, Node
from .googlesql import Result

TOLERANCE = 1e-9  # floating sums are added up in another order
SHOWN = 5  # differences shown of one model


def differences(
    model: str,
    key: Sequence[str],
    duckdb: Result,
    bigquery: Result,
    ignored: Iterable[str] = (),
) -> list[str]:
    """Where two results differ; each message names the model, the key and the column."""
    names = [column.name for column in bigquery.columns]
    other = {column.name for column in duckdb.columns}
    if set(names) != other:
        odd = ", ".join(sorted(set(names) ^ other))
        return [f"{model}: columns that only one warehouse has: {odd}"]
    left, right = _by_key(duckdb.rows, key), _by_key(bigquery.rows, key)
    messages = []
    for one in sorted(left.keys() | right.keys()):
        place = f"{model}: ({', '.join(key)}) = {one}"
        if len(left[one]) != len(right[one]):
            messages.append(f"{place}: rows: DuckDB {len(left[one])}, BigQuery {len(right[one])}")
            continue
        for ours, theirs in zip(left[one], right[one], strict=True):
            messages += [
                f"{place}: {name}: DuckDB {ours[name]!r}, BigQuery {theirs[name]!r}"
                for name in names
                if name not in ignored and not is_equal(ours[name], theirs[name])
            ]
    hidden = len(messages) - SHOWN
    return messages[:SHOWN] + ([f"{model}: … and {hidden} more"] if hidden > 0 else [])


def key_of(compiled: Compiled, node: Node, result: Result) -> list[str]:
    """Columns that identify a row: those that the model's uniqueness test names.

    Without such a test the first one or two columns that do in these rows; failing those, every
    column that is no floating number.
    """
    names = [column.name for column in result.columns]
    for test in compiled.nodes("test"):
        metadata = test.get("test_metadata") or {}
        if test.get("attached_node") == node["unique_id"] and "unique" in metadata.get("name", ""):
            arguments = {k: v for k, v in metadata["kwargs"].items() if k != "model"}
            words = set(re.findall(r"\w+", str(list(arguments.values()))))
            if words & set(names):
                return [name for name in names if name in words]
    exact = [column.name for column in result.columns if "FLOAT64" not in column.type]
    for key in chain(combinations(exact, 1), combinations(exact, 2)):
        if len({tuple(_text(row[name]) for name in key) for row in result.rows}) == len(
            result.rows
        ):
            return list(key)
    return exact


def is_equal(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same; a NULL array is an empty one, as BigQuery stores it."""
    ours, theirs = _plain(ours), _plain(theirs)
    if isinstance(ours, list) or isinstance(theirs, list):
        pair = (ours or [], theirs or [])
        return len(pair[0]) == len(pair[1]) and all(map(is_equal, *pair))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(is_equal(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, float) or isinstance(theirs, float):
        return _is_close(ours, theirs)
    return isinstance(ours, bool) == isinstance(theirs, bool) and bool(ours == theirs)


def _is_close(ours: Any, theirs: Any) -> bool:
    if not all(isinstance(one, int | float | Decimal) for one in (ours, theirs)):
        return False
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    return math.isclose(float(ours), float(theirs), rel_tol=TOLERANCE, abs_tol=1e-12)


def _plain(value: Any) -> Any:
    """A timestamp without a zone is one in UTC: DuckDB's TIMESTAMP has none."""
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=dt.UTC)
    return value


def _by_key(rows: Iterable[Row], key: Sequence[str]) -> defaultdict[str, list[Row]]:
    """Rows by the text of their key; rows of one key in an order that both warehouses share."""
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[", ".join(_text(row[name]) for name in key)].append(row)
    for same in grouped.values():
        same.sort(key=lambda row: [_text(value) for _, value in sorted(row.items())])
    return grouped


def _text(value: Any) -> str:
    """Equal values have equal texts; floating numbers are rounded, for sorting only."""
    value = _plain(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(map(_text, value.values()))}}}"
    return str(value)
