"""The shape an export column must have to be read; types inside a shape may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

Shape = Literal["text", "number", "struct", "list of structs"]

# Without these an event has no day, no time, no name or no sender. `user_pseudo_id` may be NULL,
# but not absent.
ESSENTIAL: dict[str, Shape] = {
    "event_date": "text",
    "event_timestamp": "number",
    "event_name": "text",
    "event_params": "list of structs",
    "user_pseudo_id": "text",
}
# Columns that some years of the export lack. Staging replaces a missing one, but cannot read
# another shape.
OPTIONAL: dict[str, Shape] = {
    "privacy_info": "struct",
    "user_properties": "list of structs",
    "device": "struct",
    "geo": "struct",
    "app_info": "struct",
    "traffic_source": "struct",
    "ecommerce": "struct",
    "items": "list of structs",
    "collected_traffic_source": "struct",
    "session_traffic_source_last_click": "struct",
}
_PARAM_VALUES = {"string_value", "int_value", "float_value", "double_value"}
_WHOLE_OR_DECIMAL = ("int", "double", "float", "decimal")


def shape_of(kind: DuckDBPyType) -> str:
    """The shape of a DuckDB type, or the type in DuckDB's words when it is no `Shape`."""
    if kind.id == "list":
        inner = children_of(kind)["child"]
        return "list of structs" if inner.id == "struct" else f"list of {inner}"
    if kind.id == "struct":
        return "struct"
    if kind.id == "varchar":
        return "text"
    if any(word in kind.id for word in _WHOLE_OR_DECIMAL):
        return "number"
    return str(kind).lower()


def children_of(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    """The fields of a struct by name, or the element of a list as `child`."""
    return cast("dict[str, DuckDBPyType]", dict(kind.children))


def schema_faults(columns: dict[str, DuckDBPyType]) -> list[str]:
    """What keeps a file with these columns from being a GA4 export, one phrase each."""
    missing = [name for name in ESSENTIAL if name not in columns]
    if missing:
        return [f"it has no column {', '.join(missing)}"]
    faults = []
    for name, shape in {**ESSENTIAL, **OPTIONAL}.items():
        if name in columns and shape_of(columns[name]) != shape:
            faults.append(f"its column {name} is a {shape_of(columns[name])}, not a {shape}")
    return faults or _parameter_faults(columns["event_params"])


def _parameter_faults(kind: DuckDBPyType) -> list[str]:
    """event_params holds `key` and a `value` with at least one of GA4's typed values."""
    fields = children_of(children_of(kind)["child"])
    if not {"key", "value"} <= fields.keys():
        return ["its column event_params has no key and value"]
    value = fields["value"]
    if value.id != "struct" or not _PARAM_VALUES & children_of(value).keys():
        return [
            "the value in its column event_params is not a struct of string_value, int_value, …"
        ]
    return []
