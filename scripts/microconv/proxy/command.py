"""The `proxy` command: by which metric the next A/B test may be decided."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from microconv import output
from microconv.correlate.command import MacroOption, NoWriteOption
from microconv.errors import MicroconvError, refuse_unknown
from microconv.output import FormatOption, OutputFormat
from microconv.shares import MdeOption

if TYPE_CHECKING:
    from microconv.aggregates.types import Conversion
    from microconv.deciding import Plan
    from microconv.proxy.plan import Planned
    from microconv.proxy.read import Basis
    from microconv.writing import Row


def proxy(
    mde: MdeOption = "10%",  # type: ignore[assignment]
    max_weeks: Annotated[float, typer.Option(help="How long an experiment may run.")] = 4.0,
    macro: MacroOption = None,
    output_format: FormatOption = OutputFormat.TABLE,
    no_write: NoWriteOption = False,
) -> None:
    """Say by which metric an A/B test may be decided: how long it takes and what must be believed.

    Reads what `correlate` and `experiments` concluded; writes evidence_proxy_metrics.

    Example: microconv proxy --mde 10% --max-weeks 6
    """
    from microconv.aggregates.read import Aggregates
    from microconv.evidence.refusal import Refusal
    from microconv.profile import open_warehouse
    from microconv.proxy.plan import plans_of
    from microconv.proxy.read import read_basis
    from microconv.proxy.rows import COLUMNS, TABLE, proxy_rows
    from microconv.writing import Table, write_tables

    if not 0 < max_weeks < math.inf:
        raise MicroconvError("--max-weeks must be a number of weeks above 0.")
    with open_warehouse() as warehouse:
        conversions = Aggregates(warehouse, {}).conversions()
        basis, place = read_basis(warehouse), warehouse.place
    macros = sorted(name for name, one in conversions.items() if one.conversion_type == "macro")
    refuse_unknown("macro-conversion", macro, macros)
    chosen = [name for name in macros if macro in (None, name)]
    planned = plans_of(basis, conversions, chosen, mde, max_weeks)
    run = hashlib.sha256(repr((basis, mde, max_weeks)).encode()).hexdigest()[:12]
    rows: list[Row] = (
        proxy_rows(planned, basis.window, conversions, (mde, max_weeks), run)
        if basis.window
        else []
    )
    refusals = {
        one.macro: " ".join(one.found.reasons) for one in planned if isinstance(one.found, Refusal)
    }
    output.print_as(
        output_format,
        lambda: _print(planned, basis, conversions, mde, place),
        list(COLUMNS),
        rows,
        {"refusals": refusals, "missing": basis.missing, TABLE: rows},
        [*refusals.values(), *basis.missing],
    )
    if not no_write and chosen:
        write_tables([Table(TABLE, tuple(rows))], {TABLE: COLUMNS}, chosen)


def _print(
    planned: Sequence[Planned],
    basis: Basis,
    conversions: Mapping[str, Conversion],
    mde: float,
    place: str,
) -> None:
    from microconv.correlate.words import label_of
    from microconv.evidence.refusal import Refusal
    from microconv.proxy.words import (
        CAVEATS,
        LEGEND,
        advice,
        cells,
        pass_through_sentence,
        window_sentence,
    )

    output.say_paragraphs(basis.missing)
    if basis.window and basis.window.subjects > 0:
        output.say_paragraphs([window_sentence(basis.window)])
    for one in planned:
        label = label_of(one.macro, conversions)
        if isinstance(one.found, Refusal):
            output.say_paragraphs([f"“{label}”: {' '.join(one.found.reasons)}"])
            continue
        found = one.found
        headings = ["Metric", "Rate", f"Weeks for {mde:.0%}", "Share", "Needed", "Weeks for that"]
        plans = (found.macro, *found.plans)
        output.print_table(
            f"Deciding a test on “{label}”",
            [*headings, "Must correlate"],
            [cells(found, plan, label_of(plan.name, conversions)) for plan in plans],
        )
        if found.choice is not None or found.pareto:
            output.say_sentence(LEGEND)
        for sentence in advice(one, conversions, mde):
            output.say_sentence(sentence)
        if found.choice is not None and found.choice != found.macro:
            name = label_of(found.choice.name, conversions)
            output.say_sentence(pass_through_sentence(found.choice, name))
        _print_excluded(found.plans, conversions)
        output.say()
    output.say_paragraphs(CAVEATS)
    output.say(f"Tables: {place}.")


def _print_excluded(plans: Sequence[Plan], conversions: Mapping[str, Conversion]) -> None:
    """No candidates, by the reason that several share."""
    from microconv.correlate.words import label_of

    reasons: dict[str, list[str]] = {}
    for plan in plans:
        if plan.excluded:
            reasons.setdefault(plan.excluded, []).append(label_of(plan.name, conversions))
    for reason, labels in reasons.items():
        output.say_sentence(f"No candidates, since {reason}: {', '.join(labels)}.")
