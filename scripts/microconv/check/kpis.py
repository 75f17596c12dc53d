"""The rules of kpi_definitions: what each measure can be of, and ranges that are ranges."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.check.cells import integer_of, number_of
from microconv.check.problems import allowed_words, quoted
from microconv.check.schema import INGREDIENT
from microconv.check.table import Row, Table, refuse_repeats

ALL, NEW_VISITORS, RETURN, ENGAGED = "all", "new_visitors", "return", "engaged"
# Not how far a page was scrolled: GA4 says so from 90 % on, and a mean of that is always 90.
QUALITIES = ("engaged_seconds_on_page", "page_depth", "value_usd")
# The measures that each unit has; all of a unit can be counted for the first ones only.
MEASURES = {
    "session": ("share", "mean", "distinct", "times"),
    "visitor": ("share", "mean", "distinct", "mean_days"),
    "occurrence": ("mean",),
}
RANGES = ("benchmark_low", "benchmark_high", "act_below")


def check_kpis(kpis: Table, catalog: Table) -> None:
    """Note KPIs that nothing could be counted for."""
    refuse_repeats(kpis, ["kpi_name"], "KPI")
    counted = [row for row in catalog.rows if row.get("conversion_type") != INGREDIENT]
    names = [row.get("conversion_name") for row in counted]
    conversions = names if catalog.is_complete else None
    for row in kpis.rows:
        unit, measure = row.get("unit"), row.get("measure")
        if unit in MEASURES and measure and measure not in MEASURES[unit]:
            kpis.refuse(
                f"There is no {quoted(measure)} of {unit}s.",
                f"Allowed: {', '.join(MEASURES[unit])}.",
                row,
                "measure",
            )
        elif unit in MEASURES and conversions is not None:
            _check_names(kpis, row, conversions)
            _check_days(kpis, row)
        _check_range(kpis, row)


def _check_names(kpis: Table, row: Row, conversions: list[str]) -> None:
    unit, measure = row.get("unit"), row.get("measure")
    numerator, denominator = row.get("numerator"), row.get("denominator")
    has_all_visitors = (unit, denominator) == ("visitor", ALL)
    if unit == "occurrence":
        _refuse_unknown(kpis, row, "numerator", [numerator], QUALITIES)
        _refuse_unknown(kpis, row, "denominator", [denominator], conversions)
        return
    names = numerator.split("|")
    own: dict[str, tuple[str, ...]] = {
        "numerator": (ENGAGED, "pages:<n>") if unit == "session" else (RETURN,),
        "denominator": (
            (*(() if measure == "times" else (ALL,)), ENGAGED, "pages:<n>")
            if unit == "session"
            else (ALL, NEW_VISITORS, "return:<days>")
        ),
    }
    if has_all_visitors:
        own["numerator"] = ()
    _refuse_unknown(kpis, row, "numerator", names, (*conversions, *own["numerator"]))
    _refuse_unknown(kpis, row, "denominator", [denominator], (*conversions, *own["denominator"]))
    if len(names) > 1 and any(name in (RETURN, ENGAGED) or ":" in name for name in names):
        kpis.refuse(
            f"{quoted(numerator)} joins a conversion with what is none.",
            "Several names can be conversions only.",
            row,
            "numerator",
        )
    if denominator in names:
        kpis.refuse(
            f"{quoted(denominator)} is both counted and what it is counted among.",
            "Name two different things.",
            row,
            "denominator",
        )
    if has_all_visitors and (measure != "share" or len(names) > 1):
        kpis.refuse(
            "Of all visitors of a period only the share with one conversion is counted.",
            "Write new_visitors or a conversion and within_days, or count sessions.",
            row,
            "denominator",
        )


def _refuse_unknown(
    kpis: Table, row: Row, column: str, names: list[str], allowed: Sequence[str]
) -> None:
    for name in names:
        prefix, colon, number = name.partition(":")
        counted = next((one for one in allowed if one.startswith(f"{prefix}:<")), None)
        known = (integer_of(number) or 0) >= 1 if colon and counted else name in allowed
        if name and not known:
            kpis.refuse(
                f"{quoted(name)} cannot be a {column} here.",
                allowed_words(name, tuple(allowed)),
                row,
                column,
            )


def _check_days(kpis: Table, row: Row) -> None:
    needs = row.get("unit") == "visitor" and row.get("denominator") != ALL
    if needs and not row.get("within_days"):
        kpis.refuse(
            "A value is missing.",
            "Say within how many days of the denominator a visitor's numerator counts.",
            row,
            "within_days",
        )
    elif row.get("within_days") and not needs:
        what = "A session" if row.get("unit") == "session" else "The denominator"
        kpis.refuse(f"{what} has no days to wait for.", "Leave it empty.", row, "within_days")


def _check_range(kpis: Table, row: Row) -> None:
    low, high, act = (number_of(row.get(name)) for name in RANGES)
    if low is not None and high is not None and low > high:
        kpis.refuse(
            f"The range begins at {low} and ends at {high}.",
            "Write the smaller number into benchmark_low.",
            row,
            "benchmark_low",
        )
    upper = low if low is not None else high
    if act is not None and upper is not None and act > upper:
        kpis.refuse(
            f"Below {act} it would need work, though {upper} is called healthy.",
            "Let act_below be at most the lower end of the range.",
            row,
            "act_below",
        )
    for name in RANGES:
        number = number_of(row.get(name))
        if row.get("measure") == "share" and number is not None and number > 1:
            kpis.refuse(
                f"A share of {number} is more than all.",
                "Write per cent as a fraction, such as 0.05 for 5 %.",
                row,
                name,
            )
    if any(row.get(name) for name in RANGES) and not row.get("source"):
        kpis.refuse(
            "A range without its source is an opinion.",
            "Say where it comes from, such as 'practitioner benchmark'.",
            row,
            "source",
        )
