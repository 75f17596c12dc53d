"""The `value` command: money per micro-conversion, never added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from microconv import output
from microconv.correlate.command import AsOfOption, MacroOption, NoWriteOption, read_all
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from microconv.aggregates.run import Run
    from microconv.aggregates.types import Basis
    from microconv.evidence.quantities import Estimate
    from microconv.value.worth import Worth
    from microconv.writing import Row

_TABLE = "evidence_conversion_values"


def value(
    macro: MacroOption = None,
    as_of: AsOfOption = None,
    output_format: FormatOption = OutputFormat.TABLE,
    no_write: NoWriteOption = False,
) -> None:
    """Say what each micro-conversion is worth: gross, and more than comparable visitors spent.

    Writes evidence_conversion_values.

    Example: microconv value --macro purchase
    """
    from microconv.aggregates.run import open_run
    from microconv.correlate.rows import run_id
    from microconv.evidence.templates import LIMITS, VALUES
    from microconv.value.rows import COLUMNS, value_rows
    from microconv.value.worth import ranked
    from microconv.writing import Table, write_tables

    with open_run(macro, as_of) as run:
        evidence = read_all(run, has_joint=False)
    found = {one.basis.macro_name: ranked(one.findings) for one in evidence}
    refusals = {**run.refusals, **_without_money(run, found)}
    kept = {name: worths for name, worths in found.items() if name not in refusals}
    run_name = run_id(run.bases)
    rows: list[Row] = []
    for basis in run.bases:
        if basis.macro_name in kept:
            rows += value_rows(kept[basis.macro_name], basis, run.conversions, run_name)
    said = {"refusals": refusals, _TABLE: rows, "no_sum": VALUES["no_sum"], "limits": list(LIMITS)}
    output.print_as(
        output_format,
        lambda: _print(run, kept, refusals),
        list(COLUMNS),
        rows,
        said,
        refusals.values(),
    )
    if not no_write and run.macros:
        write_tables([Table(_TABLE, tuple(rows))], {_TABLE: COLUMNS}, run.macros)


def _without_money(run: Run, found: Mapping[str, Sequence[Worth]]) -> dict[str, str]:
    from microconv.correlate.words import label_of
    from microconv.evidence.templates import VALUES

    return {
        name: VALUES["no_money"].format(macro=f"“{label_of(name, run.conversions)}”")
        for name, worths in found.items()
        if not any(one.finding.measures.reach.first_micro_revenue_usd > 0 for one in worths)
    }


def _print(run: Run, found: Mapping[str, Sequence[Worth]], refusals: Mapping[str, str]) -> None:
    from microconv.correlate.show import show_limits
    from microconv.evidence.templates import VALUES

    output.say_paragraphs(refusals.values())
    for basis in run.bases:
        if basis.macro_name in found:
            _print_macro(run, basis, found[basis.macro_name])
    if found:
        output.say_sentence(VALUES["no_sum"])
        output.say()
        show_limits()
        output.say(f"Tables: {run.place}.")


def _print_macro(run: Run, basis: Basis, worths: Sequence[Worth]) -> None:
    from microconv.correlate.words import label_of
    from microconv.evidence.templates import HEADINGS
    from microconv.value.rows import sentences_of

    rows = [_cells(one, label_of(one.finding.micro_name, run.conversions)) for one in worths]
    headings = ["Micro-conversion", "Orders", "Rate", "Per order", "Gross value"]
    title = HEADINGS["value"].format(
        macro=label_of(basis.macro_name, run.conversions), days=f"{basis.horizon_days:g}"
    )
    output.print_table(title, [*headings, "Incremental", "A month at +10 %"], rows)
    for one in worths:
        label = label_of(one.finding.micro_name, run.conversions)
        said = " ".join(sentences_of(one, basis, run.conversions))
        output.say_sentence(f"{label}: {said}")
    output.say()


def _cells(one: Worth, label: str) -> list[str]:
    if not one.gross.is_sufficient:
        return [label, output.count(one.orders), *["–"] * 5]
    return [
        label,
        output.count(one.orders),
        output.percentage(one.gross.conversion_rate),
        f"{one.gross.average_order_value:,.2f}",
        _money(one.gross.value) + (" !" if one.gross.is_top_heavy else ""),
        _money(one.incremental),
        _money(one.opportunity, 0),
    ]


def _money(estimate: Estimate, decimals: int = 2) -> str:
    import math

    def amount(value: Any) -> str:
        return f"{value:,.{decimals}f}"

    if math.isnan(estimate.value):
        return "–"
    return f"{amount(estimate.value)} [{amount(estimate.low)}, {amount(estimate.high)}]"
