"""Visitors with and without an early behaviour: crude, like for like, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from microconv.aggregates.read import Aggregates
from microconv.aggregates.types import Basis
from microconv.cohorts.read import WITH, WITHOUT, Cell, read_behaviours, read_cells, total
from microconv.evidence.jackknife import two_sided_p_of_ratio
from microconv.evidence.matched import LEAST_OVERLAP
from microconv.evidence.multiplicity import benjamini_hochberg
from microconv.evidence.refusal import Refusal
from microconv.evidence.value import LEAST_ORDERS
from microconv.evidence.verdict import LEAST_Q
from microconv.watching.cohorts import BehaviourComparison, Outcomes, compare_behaviours

WEEK_DAYS = 7


class Outcome(StrEnum):
    """What is compared after the landmark."""

    CONVERSION = "conversion"
    RETURN = "return"


class Standing(StrEnum):
    """What may be said of the difference between two sides, like for like."""

    HIGHER = "higher"
    LOWER = "lower"
    NOT_CLEAR = "not clear"
    REFUSED = "refused"


@dataclass(frozen=True)
class Compared:
    """One behaviour and one outcome, over all weeks that are complete.

    Args:
        behaviour: Its name.
        kind: Micro-conversion, activation or number.
        outcome: Conversion within the horizon, or return in its last week.
        weeks: Complete weeks.
        with_it: Visitors with the behaviour.
        without_it: Those without it.
        result: The comparison, or why there is none.
        buckets: Groups of visitors that its intervals were taken over.
        q_value: Of "no difference like for like", among all behaviours of the macro.
    """

    behaviour: str
    kind: str
    outcome: Outcome
    weeks: int
    with_it: Outcomes
    without_it: Outcomes
    result: BehaviourComparison | Refusal
    buckets: int
    q_value: float = math.nan

    @property
    def p_value(self) -> float:
        """Of "no difference like for like"; NaN without an interval."""
        if isinstance(self.result, Refusal):
            return math.nan
        return two_sided_p_of_ratio(self.result.standardised.lift, self.buckets)

    @property
    def standing(self) -> Standing:
        """Clear only where the interval excludes 1 and so many comparisons are allowed for."""
        if isinstance(self.result, Refusal):
            return Standing.REFUSED
        lift = self.result.standardised.lift
        if not (self.q_value < LEAST_Q and lift.excludes(1.0)):
            return Standing.NOT_CLEAR
        return Standing.HIGHER if lift.value > 1 else Standing.LOWER

    @property
    def has_revenue(self) -> bool:
        """Whether there are orders enough on both sides for an interval of revenue."""
        sides = (self.with_it, self.without_it)
        return (
            self.outcome is Outcome.CONVERSION
            and self.with_it.revenue + self.without_it.revenue > 0
            and all(side.converted >= LEAST_ORDERS for side in sides)
        )

    @property
    def is_of_a_part(self) -> bool:
        """Whether too few with the behaviour have somebody alike without it."""
        if isinstance(self.result, Refusal):
            return False
        return self.result.standardised.overlap < LEAST_OVERLAP


@dataclass(frozen=True)
class MacroCohorts:
    """Everything about one macro.

    Args:
        basis: What it rests on.
        cells: Everybody by week and age.
        compared: Behaviours, each with its outcomes.
    """

    basis: Basis
    cells: tuple[Cell, ...]
    compared: tuple[Compared, ...]

    def family(self, outcome: Outcome) -> int:
        """How many behaviours could be compared by an outcome."""
        return sum(
            one.outcome is outcome and one.standing is not Standing.REFUSED for one in self.compared
        )


def read_macro_cohorts(aggregates: Aggregates, basis: Basis) -> MacroCohorts:
    """Read and compare; every behaviour belongs to the family, whatever is shown of it."""
    cells = read_cells(aggregates, basis)
    sides: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if cell.is_complete and cell.group in (WITH, WITHOUT):
            sides.setdefault((cell.behaviour, cell.group), []).append(cell)
    found = []
    for behaviour in read_behaviours(aggregates, basis):
        with_it, without_it = (sides.get((behaviour.name, side), []) for side in (WITH, WITHOUT))
        weeks = len({cell.week for cell in [*with_it, *without_it]})
        kind = next(cell.kind for cell in [*with_it, *without_it])
        for outcome, trials, did, pair in (
            (
                Outcome.CONVERSION,
                behaviour.converted,
                "converted",
                (total(with_it), total(without_it)),
            ),
            (
                Outcome.RETURN,
                behaviour.returned,
                "came back",
                (_returned(with_it), _returned(without_it)),
            ),
        ):
            result = compare_behaviours(*pair, trials, did)
            buckets = len(set(trials.bucket.tolist()))
            found.append(
                Compared(behaviour.name, kind, outcome, weeks, *pair, result, max(buckets, 2))
            )
    everybody = tuple(cell for cell in cells if cell.kind == "all")
    return MacroCohorts(basis, everybody, tuple(_with_q(found)))


def _with_q(found: Sequence[Compared]) -> list[Compared]:
    q_values: dict[tuple[str, Outcome], float] = {}
    for outcome in Outcome:
        family = [one for one in found if one.outcome is outcome]
        for one, q in zip(family, benjamini_hochberg([one.p_value for one in family]), strict=True):
            q_values[one.behaviour, outcome] = float(q)
    return [replace(one, q_value=q_values[one.behaviour, one.outcome]) for one in found]


def _returned(cells: Sequence[Cell]) -> Outcomes:
    summed = total(cells)
    return Outcomes(summed.visitors, sum(one.retained for one in cells), early=summed.early)
