"""The pattern table: decision points by which micro-conversions were done before (M7, M9)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import Bools, Floats, Ints, sums_by
from microconv.evidence.stratified import Tables

MOST_JOINT = 12
"""Micro-conversions that enter the joint model; the hard cap of patterns is 20."""

LARGEST_PHI = 0.9
"""Two micro-conversions that go together more than this are one; the weaker is left out."""


@dataclass(frozen=True)
class PatternTable:
    """Counts per stratum and pattern.

    Args:
        names: The micro-conversions; bit k of a pattern is `names[k]`.
        pattern: Done-before bits per row.
        stratum: Code of the stratum per row, from 0.
        dummies: Row × column: intercept and main effects of the stratum's factors.
        n: Decision points per row.
        converted: Those on which the macro follows before the next step.
    """

    names: tuple[str, ...]
    pattern: Ints
    stratum: Ints
    dummies: Floats
    n: Floats
    converted: Floats

    @classmethod
    def from_columns(
        cls,
        names: tuple[str, ...],
        pattern: npt.ArrayLike,
        factors: npt.ArrayLike,
        n: npt.ArrayLike,
        converted: npt.ArrayLike,
    ) -> PatternTable:
        """A table of any columns.

        Args:
            factors: Row × factor codes (depth bin, day bin, device, …); may have no column.
        """
        size, hits = np.asarray(n, dtype=np.float64), np.asarray(converted, dtype=np.float64)
        kept = size > 0
        bits = np.asarray(pattern, dtype=np.int64)[kept]
        codes = np.asarray(factors, dtype=np.int64).reshape(len(size), -1)[kept]
        return cls(
            names,
            bits,
            stratum_codes(codes),
            factor_dummies(codes, size[kept]),
            size[kept],
            hits[kept],
        )

    @cached_property
    def bits(self) -> Floats:
        """Row × micro matrix of 0 and 1."""
        places = np.arange(len(self.names))
        bits: Floats = ((self.pattern[:, None] >> places) & 1).astype(np.float64)
        return bits

    def tables(self, micro: int) -> Tables:
        """Next-step 2 × 2 tables of one micro-conversion, a stratum each (method M2)."""
        return Tables.from_rows(self.stratum, self.bits[:, micro] == 1, self.n, self.converted)

    def only(self, micros: tuple[int, ...]) -> PatternTable:
        """The table of some of the micro-conversions, rows added up over the others."""
        pattern = np.zeros(len(self.n), dtype=np.int64)
        for place, micro in enumerate(micros):
            pattern |= ((self.pattern >> micro) & 1) << place
        key = self.stratum << len(micros) | pattern
        _, first, place_of = np.unique(key, return_index=True, return_inverse=True)
        return PatternTable(
            tuple(self.names[micro] for micro in micros),
            pattern[first],
            self.stratum[first],
            self.dummies[first],
            sums_by(place_of, self.n, len(first)),
            sums_by(place_of, self.converted, len(first)),
        )


def stratum_codes(factors: Ints) -> Ints:
    """A code per row, the same for rows that agree in all factors (columns)."""
    if factors.shape[1] == 0:
        return np.zeros(len(factors), dtype=np.int64)
    _, codes = np.unique(factors, axis=0, return_inverse=True)
    return codes.reshape(-1).astype(np.int64)


def factor_dummies(factors: Ints, n: Floats) -> Floats:
    """An intercept and 0/1 columns per level but the commonest of each factor.

    Levels that another factor already determines are left out, so that the design has full rank.

    Args:
        factors: Row × factor codes.
        n: Units per row, which say what is common.
    """
    columns = [np.ones(len(n))]
    for factor in factors.T:
        levels, place = np.unique(factor, return_inverse=True)
        commonest = int(np.argmax(np.bincount(place, n)))
        columns += [
            (place == level).astype(np.float64)
            for level in range(len(levels))
            if level != commonest
        ]
    return _independent(np.column_stack(columns))


def _independent(design: Floats) -> Floats:
    """The columns that add something to those before them (Gram-Schmidt)."""
    kept: list[int] = []
    basis: list[Floats] = []
    for place in range(design.shape[1]):
        rest = design[:, place].copy()
        for _ in range(2):
            for vector in basis:
                rest -= (vector @ rest) * vector
        length = float(np.linalg.norm(rest))
        if length > 1e-8 * max(float(np.linalg.norm(design[:, place])), 1e-300):
            kept.append(place)
            basis.append(rest / length)
    return design[:, kept]


def phi_matrix(table: PatternTable) -> Floats:
    """Correlations of the bits over decision points; 0 with a bit that never varies."""
    weights = table.n / table.n.sum()
    centred = table.bits - weights @ table.bits
    covariance = centred.T @ (centred * weights[:, None])
    spread = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation: Floats = covariance / np.outer(spread, spread)
    return np.nan_to_num(correlation, nan=0.0)


def varies(table: PatternTable) -> Bools:
    """Which micro-conversions are done before some decision points but not before all."""
    done = table.n @ table.bits
    varying: Bools = (done > 0) & (done < table.n.sum())
    return varying


def choose_joint_set(
    table: PatternTable, z: npt.ArrayLike, most: int = MOST_JOINT
) -> tuple[tuple[int, ...], dict[int, str]]:
    """Which micro-conversions enter the joint model, and why the others do not.

    Args:
        table: All of them.
        z: Of each one's Mantel-Haenszel odds ratio; the largest sizes go in first.

    Returns:
        Places of the chosen ones in ascending order, and a reason per place left out.
    """
    sizes = np.nan_to_num(np.abs(np.asarray(z, dtype=np.float64)), nan=-1.0)
    varying, correlation = varies(table), np.abs(phi_matrix(table))
    chosen: list[int] = []
    left_out: dict[int, str] = {}
    for micro in np.argsort(-sizes, kind="stable").tolist():
        twin = next((one for one in chosen if correlation[micro, one] > LARGEST_PHI), None)
        if not varying[micro]:
            left_out[micro] = "never done before a decision point, or before all of them"
        elif twin is not None:
            left_out[micro] = f"almost always done together with {table.names[twin]}"
        elif len(chosen) >= most:
            left_out[micro] = f"not among the {most} with the clearest odds ratio"
        else:
            chosen.append(micro)
    return tuple(sorted(chosen)), left_out
