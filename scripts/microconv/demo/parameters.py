"""A sheet in which event parameters are entered key by key and that comes out row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from microconv.demo.arrays import Bools, Floats, Ints
from microconv.demo.coding import array_of, coded
from microconv.demo.schema import EXPORT_SCHEMA, dictionary_encoded

PARAMETERS_TYPE: pa.DataType = EXPORT_SCHEMA.field("event_params").type


class Texts:
    """All strings that parameters can hold and that are known beforehand, each with a code."""

    def __init__(self) -> None:
        self._values: list[str] = []
        self._code: dict[str, int] = {}

    def codes(self, values: Sequence[str | None]) -> Ints:
        """Codes of `values`, registering new ones; None becomes -1."""
        return np.array([-1 if value is None else self._of(value) for value in values], np.int64)

    def _of(self, value: str) -> int:
        if value not in self._code:
            self._code[value] = len(self._values)
            self._values.append(value)
        return self._code[value]

    @property
    def values(self) -> list[str]:
        """The strings in order of their codes."""
        return self._values


class ParameterSheet:
    """Parameters of `rows` events. A key entered later stands later in the event's array."""

    def __init__(self, rows: int, texts: Texts) -> None:
        self._rows = rows
        self._texts = texts
        self._keys: dict[str, int] = {}
        self._filled = np.zeros(rows, dtype=np.int64)
        self._where: list[tuple[int, Ints, Ints]] = []
        self._text: dict[int, Ints] = {}
        self._fresh: list[tuple[int, pa.Array]] = []
        self._integer: dict[int, Ints] = {}
        self._double: dict[int, Floats] = {}

    def _enter(self, key: str, rows: Ints) -> int:
        code = self._keys.setdefault(key, len(self._keys))
        self._where.append((code, rows, self._filled[rows]))
        self._filled[rows] += 1
        return len(self._where) - 1

    def text(self, key: str, rows: Ints, codes: Ints) -> None:
        """A string parameter with codes of `Texts`; rows whose code is -1 get none."""
        known = codes >= 0
        self._text[self._enter(key, rows[known])] = codes[known]

    def fresh_text(self, key: str, rows: Ints, values: pa.Array) -> None:
        """A string parameter whose strings are not known beforehand (one per row)."""
        self._fresh.append((self._enter(key, rows), values))

    def integer(self, key: str, rows: Ints, values: Ints | int) -> None:
        """An integer parameter."""
        self._integer[self._enter(key, rows)] = np.broadcast_to(np.asarray(values), rows.shape)

    def money(self, key: str, rows: Ints, cents: Ints) -> None:
        """An amount: whole dollars arrive as integer and others as double, as from JavaScript."""
        whole = cents % 100 == 0
        self.integer(key, rows[whole], cents[whole] // 100)
        self._double[self._enter(key, rows[~whole])] = cents[~whole] / 100.0

    def column(self) -> pa.Array:
        """The finished `event_params` column with one array per row."""
        offsets = np.zeros(self._rows + 1, dtype=np.int64)
        np.cumsum(self._filled, out=offsets[1:])
        total = int(offsets[-1])
        key: Ints = np.zeros(total, dtype=np.int64)
        text: Ints = np.full(total, -1, dtype=np.int64)
        integer, double = np.zeros(total, dtype=np.int64), np.zeros(total)
        has_integer, has_double = np.zeros(total, dtype=bool), np.zeros(total, dtype=bool)
        fresh_codes, vocabulary = self._fresh_vocabulary()
        for entry, (code, rows, place) in enumerate(self._where):
            at = offsets[rows] + place
            key[at] = code
            if entry in self._text:
                text[at] = self._text[entry]
            elif entry in fresh_codes:
                text[at] = fresh_codes[entry]
            elif entry in self._integer:
                integer[at], has_integer[at] = self._integer[entry], True
            else:
                double[at], has_double[at] = self._double[entry], True
        value = self._values(text, vocabulary, (integer, has_integer), (double, has_double))
        names = coded(key, pa.array(list(self._keys), pa.string()))
        element = dictionary_encoded(PARAMETERS_TYPE).value_type
        pairs = pa.StructArray.from_arrays([names, value], fields=list(element))
        return array_of(PARAMETERS_TYPE, self._filled, pairs)

    @staticmethod
    def _values(
        text: Ints, vocabulary: pa.Array, integer: tuple[Ints, Bools], double: tuple[Floats, Bools]
    ) -> pa.Array:
        """The four value fields; only strings that occur stay in the dictionary."""
        used = np.zeros(len(vocabulary) + 1, dtype=bool)
        used[text] = True
        used[-1] = False
        renumbered = np.append(np.cumsum(used[:-1]) - 1, -1)
        occurring = vocabulary.take(pa.array(np.flatnonzero(used[:-1])))
        fields = [
            coded(renumbered[text], occurring),
            pa.array(integer[0], mask=~integer[1]),
            pa.nulls(len(text), pa.float64()),
            pa.array(double[0], mask=~double[1]),
        ]
        value = dictionary_encoded(PARAMETERS_TYPE).value_type.field("value").type
        return pa.StructArray.from_arrays(fields, fields=list(value))

    def _fresh_vocabulary(self) -> tuple[dict[int, Ints], pa.Array]:
        """Codes of the fresh strings by entry, behind the known ones, and all strings."""
        known = pa.array(self._texts.values, pa.string())
        if not self._fresh:
            return {}, known
        values = pa.concat_arrays([values for _, values in self._fresh]).dictionary_encode()
        codes = values.indices.to_numpy() + len(known)
        lengths = np.cumsum([len(values) for _, values in self._fresh])[:-1]
        parts = np.split(codes.astype(np.int64), lengths)
        by_entry = {entry: part for (entry, _), part in zip(self._fresh, parts, strict=True)}
        return by_entry, pa.concat_arrays([known, values.dictionary])
