"""BigQuery type names and Python values to and from GoogleSQL's protobuf messages.

A row is a dict of column name to value: str, int, float, bool, Decimal, date, datetime (aware),
list (ARRAY), dict (STRUCT) or None.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

Row = dict[str, Any]

_KINDS = {
    "INT64": type_pb2.TYPE_INT64,
    "STRING": type_pb2.TYPE_STRING,
    "BYTES": type_pb2.TYPE_BYTES,
    "FLOAT64": type_pb2.TYPE_DOUBLE,
    "BOOL": type_pb2.TYPE_BOOL,
    "DATE": type_pb2.TYPE_DATE,
    "DATETIME": type_pb2.TYPE_DATETIME,
    "TIME": type_pb2.TYPE_TIME,
    "TIMESTAMP": type_pb2.TYPE_TIMESTAMP,
    "NUMERIC": type_pb2.TYPE_NUMERIC,
    "BIGNUMERIC": type_pb2.TYPE_BIGNUMERIC,
    "JSON": type_pb2.TYPE_JSON,
    "INTERVAL": type_pb2.TYPE_INTERVAL,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
# The spellings that BigQuery's DDL and REST interface accept besides the canonical ones.
_ALIASES = {
    "INTEGER": "INT64",
    "INT": "INT64",
    "BIGINT": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DECIMAL": "NUMERIC",
}
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|`[^`]+`|[<>,]")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def parse_type(text: str) -> Any:
    """TypeProto of a BigQuery type such as 'ARRAY<STRUCT<key STRING, value INT64>>'.

    Raises ValueError where the text is no BigQuery type: 'varchar' and 'double' among them.
    """
    tokens = _TOKEN.findall(re.sub(r"\([^)]*\)", "", text))  # NUMERIC(38, 9) → NUMERIC
    try:
        parsed = _parse(tokens)
    except IndexError:
        raise ValueError(f"unfinished type {text!r}") from None
    if tokens:
        raise ValueError(f"{tokens[0]!r} follows a complete type in {text!r}")
    return parsed


def _parse(tokens: list[str]) -> Any:
    """Consume the tokens of one type."""
    name = tokens.pop(0).upper()
    message = type_pb2.TypeProto()
    if name == "ARRAY":
        _expect(tokens, "<")
        message.type_kind = type_pb2.TYPE_ARRAY
        message.array_type.element_type.CopyFrom(_parse(tokens))
        _expect(tokens, ">")
    elif name in ("STRUCT", "RECORD"):
        message.type_kind = type_pb2.TYPE_STRUCT
        message.struct_type.SetInParent()
        _expect(tokens, "<")
        separator = ","
        while separator == ",":
            field = message.struct_type.field.add()
            is_named = tokens[1] not in (",", "<", ">")
            field.field_name = tokens.pop(0).strip("`") if is_named else ""
            field.field_type.CopyFrom(_parse(tokens))
            separator = tokens.pop(0)
    else:
        message.type_kind = _KINDS[_scalar(name)]
    return message


def _scalar(name: str) -> str:
    canonical = _ALIASES.get(name, name)
    if canonical not in _KINDS:
        raise ValueError(f"BigQuery has no type {name!r}")
    return canonical


def _expect(tokens: list[str], token: str) -> None:
    found = tokens.pop(0)
    if found != token:
        raise ValueError(f"expected {token!r}, found {found!r}")


def type_name(message: Any) -> str:
    """Inverse of parse_type, in BigQuery's canonical spelling."""
    if message.type_kind == type_pb2.TYPE_ARRAY:
        return f"ARRAY<{type_name(message.array_type.element_type)}>"
    if message.type_kind == type_pb2.TYPE_STRUCT:
        fields = message.struct_type.field
        inner = (f"{field.field_name} {type_name(field.field_type)}".strip() for field in fields)
        return f"STRUCT<{', '.join(inner)}>"
    return _NAMES.get(message.type_kind) or type_pb2.TypeKind.Name(message.type_kind)


def _micros(value: dt.datetime) -> int:
    """Microseconds since 1970, exactly (floats would lose the last digits); naive means UTC."""
    value = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return (value - _EPOCH) // dt.timedelta(microseconds=1)


# TypeKind → how a Python value is written into the message. ValueProto is a oneof: one field each.
_WRITERS: dict[int, Callable[[Any, Any], None]] = {
    type_pb2.TYPE_INT64: lambda message, value: setattr(message, "int64_value", int(value)),
    type_pb2.TYPE_STRING: lambda message, value: setattr(message, "string_value", str(value)),
    type_pb2.TYPE_BYTES: lambda message, value: setattr(message, "bytes_value", value),
    type_pb2.TYPE_DOUBLE: lambda message, value: setattr(message, "double_value", float(value)),
    type_pb2.TYPE_BOOL: lambda message, value: setattr(message, "bool_value", bool(value)),
    type_pb2.TYPE_DATE: lambda message, value: setattr(
        message, "date_value", (value - _EPOCH.date()).days
    ),
}


def to_value(value: Any, column_type: Any) -> Any:
    """ValueProto of a Python value; an array that is None stays NULL."""
    message = value_pb2.ValueProto()
    if value is None:
        return message
    kind = column_type.type_kind
    if kind in _WRITERS:
        _WRITERS[kind](message, value)
    elif kind == type_pb2.TYPE_TIMESTAMP:
        seconds, micros = divmod(_micros(value), 1_000_000)
        message.timestamp_value.seconds = seconds
        message.timestamp_value.nanos = micros * 1000
    elif kind == type_pb2.TYPE_NUMERIC:
        _write_numeric(message, Decimal(value))
    elif kind == type_pb2.TYPE_ARRAY:
        message.array_value.SetInParent()
        element_type = column_type.array_type.element_type
        message.array_value.element.extend(to_value(item, element_type) for item in value)
    elif kind == type_pb2.TYPE_STRUCT:
        message.struct_value.SetInParent()
        message.struct_value.field.extend(
            to_value(value.get(field.field_name), field.field_type)
            for field in column_type.struct_type.field
        )
    else:
        raise NotImplementedError(f"no fixture value of type {type_name(column_type)}")
    return message


def _write_numeric(message: Any, value: Decimal) -> None:
    """NUMERIC travels as a little-endian two's complement integer of billionths."""
    scaled = int(value.scaleb(9))
    length = scaled.bit_length() // 8 + 1
    message.numeric_value = scaled.to_bytes(length, "little", signed=True)


def from_value(message: Any, column_type: Any) -> Any:
    """Python value of a ValueProto."""
    field = message.WhichOneof("value")
    if field is None:
        return None
    kind = column_type.type_kind
    if kind == type_pb2.TYPE_ARRAY:
        element_type = column_type.array_type.element_type
        return [from_value(element, element_type) for element in message.array_value.element]
    if kind == type_pb2.TYPE_STRUCT:
        pairs = zip(message.struct_value.field, column_type.struct_type.field, strict=True)
        return {spec.field_name: from_value(item, spec.field_type) for item, spec in pairs}
    if kind == type_pb2.TYPE_DATE:
        return _EPOCH.date() + dt.timedelta(days=message.date_value)
    if kind == type_pb2.TYPE_TIMESTAMP:
        stamp = message.timestamp_value
        return _EPOCH + dt.timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    if kind == type_pb2.TYPE_NUMERIC:
        return Decimal(int.from_bytes(message.numeric_value, "little", signed=True)).scaleb(-9)
    return getattr(message, field)
