"""What every command of the evidence begins with: open, look what is there, refuse plainly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from microconv.aggregates.as_of import compiled_marts
from microconv.aggregates.read import Aggregates
from microconv.aggregates.types import Basis, Conversion
from microconv.errors import MicroconvError
from microconv.evidence.templates import REFUSALS


@dataclass(frozen=True)
class Run:
    """An open run.

    Args:
        aggregates: Where numbers come from; closed after the run.
        conversions: The catalog.
        bases: What there is, per macro that was asked for.
        refusals: A sentence per macro of which nothing can be said; under an empty name if that is
            so of everything.
        place: Where the tables are, in words.
    """

    aggregates: Aggregates
    conversions: Mapping[str, Conversion]
    bases: tuple[Basis, ...]
    refusals: Mapping[str, str]
    place: str

    @property
    def macros(self) -> list[str]:
        """Names of the macros that were asked for."""
        return [basis.macro_name for basis in self.bases]


@contextmanager
def open_run(macro: str | None, as_of: date | None) -> Iterator[Run]:
    """Open the warehouse and find out of which macros something can be said.

    Args:
        macro: Only this one; None for all.
        as_of: None for the last loaded day.

    Raises:
        MicroconvError: There is no such macro, or the tables were not built.
    """
    from microconv.profile import open_warehouse

    selects = compiled_marts(as_of) if as_of else {}
    with open_warehouse() as warehouse:
        aggregates = Aggregates(warehouse, selects)
        conversions = aggregates.conversions()
        bases = aggregates.bases()
        macros = [name for name, one in conversions.items() if one.conversion_type == "macro"]
        if macro is not None and macro not in macros:
            known = ", ".join(sorted(macros)) or "none"
            raise MicroconvError(REFUSALS["unknown_macro"].format(macro=macro, known=known))
        wanted = tuple(one for one in bases if macro in (None, one.macro_name))
        yield Run(aggregates, conversions, wanted, _refusals(wanted, conversions), warehouse.place)


def _refusals(bases: tuple[Basis, ...], conversions: Mapping[str, Conversion]) -> dict[str, str]:
    if not any(basis.decision_count > 0 for basis in bases):
        return dict.fromkeys([basis.macro_name for basis in bases] or [""], REFUSALS["empty"])
    found = {}
    for basis in bases:
        label = conversions[basis.macro_name].label if basis.macro_name in conversions else ""
        fields = {
            "macro": f"“{label}”",
            "as_of": basis.as_of_date,
            "days": f"{basis.horizon_days:g}",
            "covered": _days((basis.as_of_date - basis.window_start_date).days + 1),
        }
        if not any(one.conversion_type == "micro" for one in conversions.values()):
            found[basis.macro_name] = REFUSALS["no_micro"].format(**fields)
        elif not basis.first_macro_count > 0:
            found[basis.macro_name] = REFUSALS["no_macro"].format(**fields)
        elif not basis.followed_decision_count > 0:
            found[basis.macro_name] = REFUSALS["no_follow_up"].format(**fields)
    return found


def _days(count: int) -> str:
    return "one day" if count == 1 else f"{count:,} days"
