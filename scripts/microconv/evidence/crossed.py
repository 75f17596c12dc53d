"""Rows of strata by patterns, so that a fit works on what repeats instead of on each row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microconv.evidence.logistic import GroupedRows
from microconv.evidence.patterns import PatternTable
from microconv.evidence.quantities import Floats, Ints, sums_by


@dataclass(frozen=True)
class CrossedRows(GroupedRows):
    """Rows whose design is the dummies of a stratum beside the bits of a pattern.

    Strata and patterns are few, rows are up to their product, and there are more dummies than
    bits: sums over rows are taken by stratum and by pattern first. The same numbers as
    `GroupedRows` to rounding.

    Args:
        dummies: Stratum × column.
        stratum: Stratum per row.
        patterns: Pattern × bit.
        pattern: Pattern per row.
        bits: Row × bit.
    """

    dummies: Floats
    stratum: Ints
    patterns: Floats
    pattern: Ints
    bits: Floats

    @classmethod
    def from_table(cls, table: PatternTable) -> CrossedRows:
        """The rows of a table of patterns."""
        _, first, stratum = np.unique(table.stratum, return_index=True, return_inverse=True)
        _, one, pattern = np.unique(table.pattern, return_index=True, return_inverse=True)
        return cls(
            np.hstack([table.dummies, table.bits]),
            table.n,
            table.converted,
            table.dummies[first],
            stratum.reshape(-1),
            table.bits[one],
            pattern.reshape(-1),
            table.bits,
        )

    def log_odds(self, coefficients: Floats) -> Floats:
        """See `GroupedRows`."""
        of_stratum, of_pattern = self._parts(coefficients)
        found: Floats = (self.dummies @ of_stratum)[self.stratum]
        return found + (self.patterns @ of_pattern)[self.pattern]

    def score(self, residual: Floats) -> Floats:
        """See `GroupedRows`."""
        by_stratum, by_pattern = self._sums(residual)
        return np.concatenate([self.dummies.T @ by_stratum, self.patterns.T @ by_pattern])

    def information(self, weight: Floats) -> Floats:
        """See `GroupedRows`."""
        by_stratum, by_pattern = self._sums(weight)
        bits_by_stratum = np.column_stack(
            [sums_by(self.stratum, weight * bit, len(self.dummies)) for bit in self.bits.T]
        )
        across = self.dummies.T @ bits_by_stratum
        return np.block(
            [
                [self.dummies.T @ (self.dummies * by_stratum[:, None]), across],
                [across.T, self.patterns.T @ (self.patterns * by_pattern[:, None])],
            ]
        )

    def leverage(self, weight: Floats, inverse: Floats) -> Floats:
        """See `GroupedRows`."""
        width = self.dummies.shape[1]
        of_stratum = np.einsum("ij,ij->i", self.dummies @ inverse[:width, :width], self.dummies)
        of_pattern = np.einsum("ij,ij->i", self.patterns @ inverse[width:, width:], self.patterns)
        across = (self.dummies @ inverse[:width, width:])[self.stratum]
        found = of_stratum[self.stratum] + of_pattern[self.pattern]
        found += 2 * np.einsum("ij,ij->i", across, self.bits)
        return weight * found

    def _parts(self, coefficients: Floats) -> tuple[Floats, Floats]:
        width = self.dummies.shape[1]
        return coefficients[:width], coefficients[width:]

    def _sums(self, values: Floats) -> tuple[Floats, Floats]:
        """Sums over the rows of each stratum, and of each pattern."""
        return (
            sums_by(self.stratum, values, len(self.dummies)),
            sums_by(self.pattern, values, len(self.patterns)),
        )
