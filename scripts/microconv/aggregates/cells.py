"""From rows of mart_decision_points to decision points: what is not done yet is what is left.

The mart holds every decision point of a macro once, and per micro-conversion only those at which it
was done; cell by cell the difference is not done yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from microconv.aggregates.types import (
    ALL,
    FACTORS,
    NOT_YET,
    STATES,
    DecisionPoints,
    Labels,
    Strata,
)
from microconv.evidence.quantities import Floats, Ints, sums_by

_COUNTS = (
    "step_count",
    "next_step_converted_count",
    "followed_count",
    "followed_converted_count",
    "followed_revenue_usd",
)


@dataclass(frozen=True)
class Cells:
    """All decision points of a macro, a row per cell.

    Args:
        points: The cells; their state is "not yet", since no micro-conversion is looked at.
        names: Per factor of `FACTORS` what its codes mean.
        keys: Number of each cell, ascending.
        buckets: How many hash buckets there are.
    """

    points: DecisionPoints
    names: dict[str, tuple[str, ...]]
    keys: Ints
    buckets: int

    @classmethod
    def of(cls, batches: list[Any]) -> Cells:
        """Cells of the rows that stand for all decision points."""
        frame = columns_of(batches)
        names = {name: frame[name].names for name in FACTORS}
        buckets = int(frame["bucket"].max()) + 1
        keys = _keys(frame, names, buckets)
        order = np.argsort(keys, kind="stable")
        stratum_keys, stratum = np.unique(keys[order] // (4 * buckets), return_inverse=True)
        strata = _strata(stratum_keys, names)
        points = DecisionPoints(
            ALL,
            strata,
            stratum.astype(np.int64),
            np.full(len(keys), STATES.index(NOT_YET)),
            frame["is_bot"].astype(bool)[order],
            frame["is_last_third"].astype(bool)[order],
            frame["bucket"].astype(np.int64)[order],
            *(counts[order] for counts in _counts(frame)),
        )
        return cls(points, names, keys[order], buckets)

    def of_micro(self, name: str, batches: list[Any]) -> DecisionPoints:
        """The decision points by how they stand to one micro-conversion.

        Args:
            batches: The rows at which it was or had been done.
        """
        frame = columns_of(batches)
        keys, state = _keys(frame, self.names, self.buckets), _state_codes(frame["exposure_state"])
        order = np.lexsort((state, keys))
        keys, state = keys[order], state[order]
        place = np.searchsorted(self.keys, keys)
        if (self.keys[np.minimum(place, len(self.keys) - 1)] != keys).any():
            raise ValueError(f"'{name}' has decision points that are not among all.")
        base, done = self.points, [counts[order] for counts in _counts(frame)]
        left = [
            all_ - sums_by(place, counts, len(self.keys))
            for all_, counts in zip(_counts_of(base), done, strict=True)
        ]
        # Sums of whole millionths of a dollar: what is left of none is none.
        left[-1] = np.where(np.abs(left[-1]) < 1e-6, 0.0, left[-1])
        joined = DecisionPoints(
            name,
            base.strata,
            np.concatenate([base.stratum, base.stratum[place]]),
            np.concatenate([base.state, state]),
            np.concatenate([base.is_bot, base.is_bot[place]]),
            np.concatenate([base.is_last_third, base.is_last_third[place]]),
            np.concatenate([base.bucket, base.bucket[place]]),
            *(np.concatenate(pair) for pair in zip(left, done, strict=True)),
        )
        return joined.where(joined.steps > 0)


def by_micro(batches: Iterator[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Slices of ordered batches that belong to one micro-conversion each."""
    held: list[Any] = []
    name = ""
    for batch in batches:
        if not batch.num_rows:
            continue
        names = batch.column("micro_name").to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
        for start, end in pairwise(edges):
            if held and names[start] != name:
                yield name, held
                held = []
            name = names[start]
            held.append(batch.slice(start, end - start))
    if held:
        yield name, held


def columns_of(batches: Iterable[Any]) -> dict[str, Any]:
    """Columns of Arrow batches: numbers as numpy arrays, text as `Labels`; none without rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    held = [batch for batch in batches if batch.num_rows]
    if not held:
        return {}
    table = pa.Table.from_batches(held)
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            encoded = pc.dictionary_encode(pc.fill_null(column, "(unknown)"))
            encoded = encoded.unify_dictionaries().combine_chunks()
            if isinstance(encoded, pa.ChunkedArray):
                encoded = encoded.chunk(0)
            columns[name] = _labels(encoded)
        elif pa.types.is_decimal(column.type):
            columns[name] = pc.cast(column, pa.float64()).to_numpy()
        else:
            columns[name] = column.to_numpy()
    return columns


def _labels(encoded: Any) -> Labels:
    """Codes in the order of the text: no last digit may depend on the order of rows."""
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda code: str(names[code]))
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Labels(place[codes], tuple(names[code] for code in order))


def _keys(frame: dict[str, Any], names: dict[str, tuple[str, ...]], buckets: int) -> Ints:
    """A number per row: factors, robot or not, last third or not, bucket."""
    key = np.zeros(len(frame["bucket"]), dtype=np.int64)
    for factor in FACTORS:
        column, known = frame[factor], {name: code for code, name in enumerate(names[factor])}
        # A value that no decision point has gives a key that no cell has.
        codes = np.array([known.get(name, len(known)) for name in column.names], dtype=np.int64)
        key = key * (len(known) + 1) + codes[column.codes]
    key = key * 2 + frame["is_bot"].astype(np.int64)
    key = key * 2 + frame["is_last_third"].astype(np.int64)
    return key * buckets + frame["bucket"].astype(np.int64)


def _strata(keys: Ints, names: dict[str, tuple[str, ...]]) -> Strata:
    """Factors of stratum numbers; a factor that is one value throughout tells nothing apart."""
    codes = {}
    for factor in reversed(FACTORS):
        keys, codes[factor] = np.divmod(keys, len(names[factor]) + 1)
    kept = [factor for factor in FACTORS if len(names[factor]) > 1]
    matrix = np.column_stack([np.zeros((len(keys), 0), dtype=np.int64), *(codes[f] for f in kept)])
    return Strata({factor: names[factor] for factor in kept}, matrix)


def _counts(frame: dict[str, Any]) -> list[Floats]:
    return [np.nan_to_num(frame[name].astype(np.float64)) for name in _COUNTS]


def _counts_of(points: DecisionPoints) -> list[Floats]:
    return [
        points.steps,
        points.next_converted,
        points.followed,
        points.followed_converted,
        points.followed_revenue,
    ]


def _state_codes(state: Labels) -> Ints:
    codes = np.array([STATES.index(name) for name in state.names], dtype=np.int64)
    return codes[state.codes]
