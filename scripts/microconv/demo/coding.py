"""Columns from codes: strings are looked up in small vocabularies, never built row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from microconv.demo.arrays import Bools, Ints
from microconv.demo.schema import dictionary_encoded


class Lookup:
    """A fixed list of strings (or None) that codes 0, 1, … point into."""

    def __init__(self, values: Sequence[str | None]) -> None:
        unique = sorted({value for value in values if value is not None})
        place = {value: index for index, value in enumerate(unique)}
        self._vocabulary = pa.array(unique, pa.string())
        # The last element answers code -1.
        index = [-1 if value is None else place[value] for value in values]
        self._index = np.array([*index, -1], dtype=np.int32)

    def column(self, codes: npt.NDArray[np.integer]) -> pa.Array:
        """The strings of `codes`; a code of -1 is NULL."""
        return coded(self._index[codes], self._vocabulary)


def coded(index: npt.NDArray[np.integer], vocabulary: pa.Array) -> pa.Array:
    """Dictionary array of `vocabulary`'s strings by `index`; negative is NULL."""
    absent = index < 0
    # A masked array needs one more pass, so it is built only where something is missing.
    mask = absent if absent.any() else None
    indices = pa.array(index.astype(np.int32, copy=False), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, vocabulary, safe=False)


def constant(value: str, count: int) -> pa.Array:
    """The same string `count` times."""
    return coded(np.zeros(count, dtype=np.int32), pa.array([value], pa.string()))


def integers(values: Ints, present: Bools | None = None) -> pa.Array:
    """INT64 column; NULL where `present` is False."""
    return pa.array(values.astype(np.int64, copy=False), mask=None if present is None else ~present)


def dollars(cents: Ints, present: Bools | None = None) -> pa.Array:
    """FLOAT64 column of `cents` / 100; NULL where `present` is False."""
    return pa.array(cents / 100.0, mask=None if present is None else ~present)


def struct(
    data_type: pa.DataType,
    count: int,
    filled: Mapping[str, pa.Array],
    present: Bools | None = None,
) -> pa.Array:
    """Struct column of `data_type` (plain strings) with the named fields, all others NULL.

    Raises KeyError for a name that the type does not have: a misspelt field must not vanish.
    """
    encoded = dictionary_encoded(data_type)
    names = {field.name for field in encoded}
    if unknown := set(filled) - names:
        raise KeyError(f"no such field: {sorted(unknown)}")
    arrays = [
        filled[field.name] if field.name in filled else pa.nulls(count, field.type)
        for field in encoded
    ]
    mask = None if present is None else pa.array(~present)
    return pa.StructArray.from_arrays(arrays, fields=list(encoded), mask=mask)


def array_of(data_type: pa.DataType, counts: Ints, elements: pa.Array) -> pa.Array:
    """Array column of `data_type` whose rows take `counts` elements each, in order."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), elements, type=dictionary_encoded(data_type))


def empty_arrays(data_type: pa.DataType, count: int) -> pa.Array:
    """Array column of `count` empty arrays; BigQuery knows no NULL arrays."""
    elements = pa.nulls(0, dictionary_encoded(data_type).value_type)
    return array_of(data_type, np.zeros(count, dtype=np.int64), elements)
