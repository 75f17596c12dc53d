"""BigQuery's logical bytes, by which it bills, as SQL over the same values in DuckDB.

A string counts 2 bytes and its UTF-8 bytes; integers, floats, dates and timestamps 8; a boolean 1;
a record what its fields do; an array what its elements do; NULL and an empty array nothing.
Source: BigQuery's documentation of data sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_FIXED = {"boolean": 1, "decimal": 16, "interval": 16}
_OTHERS = 8


def size_sql(expression: str, kind: Any, path: Sequence[str] = (), depth: int = 0) -> str:
    """SQL for the logical bytes of a value, or of one field inside it.

    Args:
        expression: SQL of the value.
        kind: Its DuckDB type, as of `DuckDBPyRelation.types`.
        path: Names of record fields; arrays on the way have none. Empty for the whole value.
        depth: How many arrays the value is inside of: each needs a name of its own.

    Returns:
        An expression that is never NULL; '0' where the type has no such field.
    """
    if kind.id in ("list", "array"):
        element = f"v{depth}"
        inner = size_sql(element, kind.children[0][1], path, depth + 1)
        return f"coalesce(list_sum(list_transform({expression}, lambda {element}: {inner})), 0)"
    if kind.id == "struct":
        fields = [one for one in kind.children if not path or one[0] == path[0]]
        parts = [
            size_sql(f'{expression}."{name}"', child, path[1:], depth) for name, child in fields
        ]
        return f"({' + '.join(parts)})" if parts else "0"
    if path:
        return "0"
    if kind.id in ("varchar", "blob"):
        return f"coalesce(2 + strlen({expression}), 0)"
    return f"case when {expression} is null then 0 else {_FIXED.get(kind.id, _OTHERS)} end"
