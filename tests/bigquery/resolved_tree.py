"""Nodes of the trees that Google's analyzer resolves statements to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .googlesql import inherited, leaf


def child_nodes(node: Any) -> Iterator[tuple[str, Any]]:
    """Named child nodes of a node and of the classes it derives from, not types."""
    for field, value in node.ListFields():
        if field.message_type is None:
            continue
        if field.name == "parent":
            yield from child_nodes(value)
            continue
        for child in value if field.is_repeated else [value]:
            name = leaf(child).DESCRIPTOR.name
            if name.startswith("Resolved") and name != "ResolvedColumnProto":
                yield field.name, child


def column_ids(scan: Any) -> list[int]:
    """Ids of the columns that a scan puts out."""
    return [column.column_id for column in inherited(leaf(scan), "column_list")]


def plain_column(any_node: Any) -> tuple[int, tuple[str, ...]] | None:
    """The column and field that an expression is, where it is nothing more than that."""
    node = leaf(any_node)
    if node.DESCRIPTOR.name == "ResolvedColumnRefProto":
        return node.column.column_id, ()
    if node.DESCRIPTOR.name != "ResolvedGetStructFieldProto":
        return None
    inner = plain_column(node.expr)
    if inner is None:
        return None
    fields = _type_of(leaf(node.expr)).struct_type.field
    return inner[0], (*inner[1], fields[node.field_idx].field_name)


def _type_of(node: Any) -> Any:
    while "type" not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return node.type
