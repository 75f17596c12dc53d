"""Random damage to days of a GA4 export: in values, in nesting, in keys, and in the file's schema.

A mutation of rows changes some rows of a day in place; a mutation of the schema changes how its
file is written. What is drawn depends on the seed alone.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from export_rows import export_schema

Row = dict[str, Any]

TEXTS = (
    "",
    " ",
    "(not set)",
    "null",
    "NaN",
    "'; drop table base_ga4__events; --",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x")',
    "\x00",
    "a\nb\tc\r",
    "%",
    "%zz%E0%A4%A",
    "http://[::1",
    "https://user:pass@shop.example/?email=a@b.example&x=%00#?&=",
    "//",
    "\u202egnirts\u202c",
    "👩‍👩‍👧 naïve ＿ ﷽",
    "\ud7ff\ue000\ufffd",
    "２０２５１１０１",
    "x" * 200_000,
    "é" * 3000 + "?" + "&a=b" * 3000,
    "{{ var('x') }}",
    "$1 \\1 \\",
    "-0",
    "1e400",
    "9" * 400,
)
WHOLE = (0, -1, 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63), 253402300800000000)
DECIMAL = (0.0, -0.0, -1.5, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf, 0.1 + 0.2)


def leaves(kind: pa.DataType, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Paths of all leaves with their types; a list is `*` in a path."""
    if pa.types.is_list(kind):
        yield from leaves(kind.value_type, (*path, "*"))
    elif pa.types.is_struct(kind):
        for one in kind:
            yield from leaves(one.type, (*path, one.name))
    else:
        yield path, kind


SCHEMA = export_schema()
LEAVES = tuple(leaves(pa.struct(list(SCHEMA))))


def odd_value(pick: random.Random, kind: pa.DataType) -> Any:
    """Something that nobody expects, of this type."""
    if pick.random() < 0.15:
        return None
    if pa.types.is_string(kind):
        return pick.choice(TEXTS)
    if pa.types.is_boolean(kind):
        return pick.choice([True, False])
    return pick.choice(WHOLE if pa.types.is_integer(kind) else DECIMAL)


def put(pick: random.Random, row: Row, path: tuple[str, ...], value: Any) -> None:
    """Set a leaf; what is missing on the way is made."""
    here: Any = row
    for name, following in zip(path, (*path[1:], None), strict=True):
        if name == "*":
            if not here:
                here.append({})
            place = pick.randrange(len(here))
            if here[place] is None:
                here[place] = {}
            here = here[place]
        elif following is None:
            here[name] = value
        else:
            if here.get(name) is None:
                here[name] = [] if following == "*" else {}
            here = here[name]


def some_leaf(pick: random.Random, rows: list[Row]) -> None:
    """The same leaf of some rows."""
    path, kind = pick.choice(LEAVES)
    for row in pick.sample(rows, min(len(rows), pick.choice([1, 3, 1000]))):
        put(pick, row, path, odd_value(pick, kind))


def many_leaves(pick: random.Random, rows: list[Row]) -> None:
    """Many leaves of one row."""
    row = pick.choice(rows)
    for path, kind in pick.sample(LEAVES, 40):
        put(pick, row, path, odd_value(pick, kind))


def no_column(pick: random.Random, rows: list[Row]) -> None:
    """A whole column, struct or list is NULL."""
    name = pick.choice(SCHEMA.names)
    for row in rows:
        if pick.random() < 0.7:
            row[name] = None


def nothing_at_all(pick: random.Random, rows: list[Row]) -> None:
    """Rows of which every column is NULL."""
    rows += [dict.fromkeys(SCHEMA.names) for _ in range(pick.randint(1, 3))]


def odd_params(pick: random.Random, rows: list[Row]) -> None:
    """Keys that are NULL or double, values of every type at once, or none."""
    row = pick.choice(rows)
    known = ["ga_session_id", "page_location", "engagement_time_msec", "value", "transaction_id"]
    for _ in range(pick.choice([1, 5, 50])):
        value: Any = {
            name: odd_value(pick, kind)
            for (*_, name), kind in LEAVES
            if name in ("string_value", "int_value", "float_value", "double_value")
            and pick.random() < 0.5
        }
        key = pick.choice([*known, *TEXTS[:6], None])
        entry = pick.choice([{"key": key, "value": value}, {"key": key, "value": None}, {}, None])
        entries = row["event_params"] = row["event_params"] or []
        entries.insert(pick.randint(0, len(entries)), entry)


def many_params(pick: random.Random, rows: list[Row]) -> None:
    """Ten thousand parameters of one event."""
    row = pick.choice(rows)
    row["event_params"] = [
        {"key": f"key_{number % 7000}", "value": {"string_value": str(number)}}
        for number in range(10_000)
    ] + (row["event_params"] or [])


def odd_items(pick: random.Random, rows: list[Row]) -> None:
    """Lists of items that are long, empty or hold nothing."""
    for row in pick.sample(rows, min(len(rows), 5)):
        row["items"] = pick.choice(
            [
                [],
                None,
                [None, None],
                [{}],
                [{"item_id": str(number), "quantity": -number} for number in range(1000)],
                [{"price_in_usd": value, "item_revenue_in_usd": value} for value in DECIMAL],
            ]
        )


def odd_money(pick: random.Random, rows: list[Row]) -> None:
    """Orders and refunds of amounts that are none."""
    for row in pick.sample(rows, min(len(rows), 6)):
        row["event_name"] = pick.choice(["purchase", "purchase", "refund"])
        row["ecommerce"] = {
            "transaction_id": pick.choice(["T-1", "T-1", *TEXTS[:8]]),
            "purchase_revenue_in_usd": pick.choice(DECIMAL),
            "refund_value_in_usd": pick.choice(DECIMAL),
        }


def odd_time(pick: random.Random, rows: list[Row]) -> None:
    """Moments of other days, years and ages, and days that are none."""
    for row in pick.sample(rows, min(len(rows), 4)):
        moment = row["event_timestamp"] or 0
        shift = pick.choice([-8, -4, -1, 1, 3, 8, 4000]) * 86_400_000_000
        row["event_timestamp"] = pick.choice([moment + shift, moment, *WHOLE])
        if pick.random() < 0.4:
            days = ["20251301", "20250229", "2025-11-01", " 20251101", "00000000", *TEXTS[:3]]
            row["event_date"] = pick.choice(days)


def odd_sessions(pick: random.Random, rows: list[Row]) -> None:
    """Sessions and visitors that share ids, or have ids that are none."""
    device = pick.choice(["", " ", "0", "same", "x" * 5000, None, "a|b", "(not set)"])
    session = pick.choice([{"int_value": pick.choice(WHOLE)}, {"string_value": pick.choice(TEXTS)}])
    for row in pick.sample(rows, min(len(rows), 10)):
        row["user_pseudo_id"] = device
        row["event_params"] = [
            {"key": "ga_session_id", "value": session},
            *(row["event_params"] or []),
        ]


def repeated(pick: random.Random, rows: list[Row]) -> None:
    """Rows several times, whole or but for what does not tell events apart."""
    for row in pick.sample(rows, min(len(rows), 5)):
        for _ in range(pick.choice([1, 3, 40])):
            again = copy.deepcopy(row)
            if pick.random() < 0.5:
                again["event_server_timestamp_offset"] = pick.choice(WHOLE)
            rows.insert(pick.randint(0, len(rows)), again)


def busy_visitor(pick: random.Random, rows: list[Row]) -> None:
    """A visitor with thousands of events in one day."""
    row = pick.choice(rows)
    start = row["event_timestamp"] or 0
    for number in range(2000):
        again = copy.copy(row)
        again["event_timestamp"] = start + number * pick.choice([0, 1, 1000])
        again["event_bundle_sequence_id"] = number
        rows.append(again)


def odd_names(pick: random.Random, rows: list[Row]) -> None:
    """Events without a proper name."""
    for row in pick.sample(rows, min(len(rows), 5)):
        row["event_name"] = pick.choice(TEXTS)


OF_ROWS: tuple[Callable[[random.Random, list[Row]], None], ...] = (
    some_leaf,
    some_leaf,
    some_leaf,
    many_leaves,
    no_column,
    nothing_at_all,
    odd_params,
    odd_params,
    many_params,
    odd_items,
    odd_money,
    odd_time,
    odd_sessions,
    repeated,
    busy_visitor,
    odd_names,
)


# ---- how the file is written ---------------------------------------------------------------------


@dataclass
class Shape:
    """How a day's file differs from the export's schema.

    Args:
        without: Dotted paths that it lacks.
        retyped: Dotted paths of leaves that have another type; what cannot be cast is NULL.
        instead: Columns of which the file holds something else altogether.
        added: Columns that no export has.
        encoding: The bytes of what is no UTF-8, by column.
    """

    without: set[str] = field(default_factory=set)
    retyped: dict[str, pa.DataType] = field(default_factory=dict)
    instead: dict[str, pa.DataType] = field(default_factory=dict)
    added: dict[str, pa.DataType] = field(default_factory=dict)
    is_shuffled: bool = False
    is_empty: bool = False


def dotted(path: tuple[str, ...]) -> str:
    return ".".join(name for name in path if name != "*")


def dropped(pick: random.Random, shape: Shape) -> None:
    for _ in range(pick.choice([1, 3, 10])):
        path, _kind = pick.choice(LEAVES)
        shape.without.add(dotted(path[: pick.randint(1, len(path))]))


def retyped(pick: random.Random, shape: Shape) -> None:
    others = [pa.string(), pa.int64(), pa.float64(), pa.int32(), pa.bool_(), pa.large_string()]
    for _ in range(pick.choice([1, 3])):
        path, _kind = pick.choice(LEAVES)
        shape.retyped[dotted(path)] = pick.choice(others)


def time_as_time(pick: random.Random, shape: Shape) -> None:
    kinds = [pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.float64(), pa.uint64(), pa.string()]
    shape.retyped["event_timestamp"] = pick.choice(kinds)


def something_else(pick: random.Random, shape: Shape) -> None:
    name = pick.choice(["device", "geo", "items", "event_params", "ecommerce", "privacy_info"])
    shape.instead[name] = pick.choice([pa.string(), pa.int64(), pa.list_(pa.string())])


def new_columns(pick: random.Random, shape: Shape) -> None:
    name = pick.choice(["new_in_2027", "select", "Event_Params_2", "a b", "filename", "shard_date"])
    shape.added[name] = pick.choice([pa.string(), pa.struct([("a", pa.list_(pa.int64()))])])


def shuffled(pick: random.Random, shape: Shape) -> None:
    shape.is_shuffled = True


def empty(pick: random.Random, shape: Shape) -> None:
    shape.is_empty = True


OF_SCHEMA: tuple[Callable[[random.Random, Shape], None], ...] = (
    dropped,
    dropped,
    retyped,
    retyped,
    time_as_time,
    something_else,
    new_columns,
    shuffled,
    empty,
)


def damage(pick: random.Random, rows: list[Row]) -> tuple[list[Row], Shape, list[str]]:
    """A day's rows and the shape of its file, damaged, and what was done to them."""
    rows, shape, done = copy.deepcopy(rows), Shape(), []
    for _ in range(pick.choice([1, 1, 2, 3])):
        if pick.random() < 0.75:
            of_rows = pick.choice(OF_ROWS)
            of_rows(pick, rows)
            done.append(of_rows.__name__)
        else:
            of_schema = pick.choice(OF_SCHEMA)
            of_schema(pick, shape)
            done.append(f"{of_schema.__name__} {described(shape)}")
    return ([] if shape.is_empty else rows), shape, done


def described(shape: Shape) -> str:
    parts: list[str] = [f"-{path}" for path in sorted(shape.without)]
    for mapping in (shape.retyped, shape.instead, shape.added):
        parts += [f"{path}:{kind}" for path, kind in mapping.items()]
    return " ".join(parts)


def table_of(pick: random.Random, rows: list[Row], shape: Shape) -> pa.Table:
    """The day's table as its file holds it."""
    arrays, fields = [], []
    for one in SCHEMA:
        kind = shape.instead.get(one.name) or reshaped(one.name, one.type, shape)
        if kind is None:
            continue
        values = [row.get(one.name) for row in rows]
        if one.name in shape.instead:
            values = [None if pick.random() < 0.5 else odd_instead(kind) for _ in values]
        arrays.append(pa.array([cast(value, kind) for value in values], kind))
        fields.append(pa.field(one.name, kind))
    for name, kind in shape.added.items():
        arrays.append(pa.nulls(len(rows), kind))
        fields.append(pa.field(name, kind))
    order = list(range(len(fields)))
    if shape.is_shuffled:
        pick.shuffle(order)
    return pa.Table.from_arrays(
        [arrays[place] for place in order], schema=pa.schema([fields[place] for place in order])
    )


def odd_instead(kind: pa.DataType) -> Any:
    return "{}" if pa.types.is_string(kind) else 7 if pa.types.is_integer(kind) else ["a"]


def reshaped(path: str, kind: pa.DataType, shape: Shape) -> pa.DataType | None:
    if path in shape.without:
        return None
    if path in shape.retyped:
        return shape.retyped[path]
    if pa.types.is_list(kind):
        element = reshaped(path, kind.value_type, shape)
        return None if element is None else pa.list_(element)
    if pa.types.is_struct(kind):
        kept = [
            (one.name, inner)
            for one in kind
            if (inner := reshaped(f"{path}.{one.name}", one.type, shape)) is not None
        ]
        return pa.struct(kept) if kept else None
    return kind


def cast(value: Any, kind: pa.DataType) -> Any:
    """A value as another type can hold it; None where it cannot."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [cast(one, kind.value_type) for one in value] if isinstance(value, list) else None
    if pa.types.is_struct(kind):
        if not isinstance(value, Mapping):
            return None
        return {one.name: cast(value.get(one.name), one.type) for one in kind}
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return str(value)
        if pa.types.is_boolean(kind):
            return bool(value)
        if pa.types.is_floating(kind):
            return float(value)
        if pa.types.is_timestamp(kind):
            return value if 0 <= value < 4_000_000_000_000_000 else None
        whole = int(value)
        low, high = (0, 2**64) if pa.types.is_unsigned_integer(kind) else (-(2**63), 2**63)
        if pa.types.is_int32(kind):
            low, high = -(2**31), 2**31
        return whole if low <= whole < high else None
    except (TypeError, ValueError, OverflowError):
        return None
