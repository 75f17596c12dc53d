"""The rules between seeds: every name exists and nothing lacks its other half."""

from __future__ import annotations

from collections.abc import Mapping

from microconv.check.bands import check_bands
from microconv.check.derived import check_derived_conversions
from microconv.check.funnels import check_funnel_shapes
from microconv.check.kpis import check_kpis
from microconv.check.problems import nearest, quoted
from microconv.check.schema import INGREDIENT
from microconv.check.table import Table

_NO_GOALS = {"micro": "a micro-conversion", INGREDIENT: "an ingredient"}


def check_references(
    tables: Mapping[str, Table], max_funnel_steps: int, max_derivation_levels: int
) -> None:
    """Note names that point nowhere and conversions or funnels that lack their other half.

    Args:
        tables: All seeds by name.
        max_funnel_steps: The longest funnel that the models build.
        max_derivation_levels: The longest chain of derived conversions that the models build.
    """
    catalog = tables["conversion_catalog"]
    _check_supports(catalog)
    derived = tables["derived_conversions"]
    for name in (
        *("conversion_rules", "derived_conversions", "funnel_steps"),
        *("lead_score_weights", "lead_score_bands", "audience_moments"),
    ):
        _refuse_unknown(tables[name], "conversion_name", catalog, "conversion_name", "conversion")
    for name in ("funnel_steps", "lead_score_weights", "lead_score_bands", "audience_moments"):
        _refuse_ingredients(tables[name], catalog)
    _refuse_unknown(derived, "requires", catalog, "conversion_name", "conversion")
    _refuse_unknown(
        tables["funnel_steps"], "funnel_name", tables["funnels"], "funnel_name", "funnel"
    )
    _check_rules_exist(catalog, tables["conversion_rules"], derived)
    check_derived_conversions(derived, catalog, tables["conversion_rules"], max_derivation_levels)
    check_kpis(tables["kpi_definitions"], catalog)
    check_bands(tables["lead_score_bands"], tables["lead_score_weights"], catalog)
    check_funnel_shapes(tables["funnels"], tables["funnel_steps"], max_funnel_steps)


def _refuse_unknown(table: Table, column: str, target: Table, key: str, noun: str) -> None:
    """Note names that the target lacks; silent when it could not be read whole."""
    if not target.is_complete:
        return
    known = set(target.values(key))
    for row in table.rows:
        name = row.get(column)
        if name and name not in known:
            table.refuse(
                f"{quoted(name)} is not a {noun} of {target.file}.",
                _add_or_rename(name, known),
                row,
                column,
            )


def _refuse_ingredients(table: Table, catalog: Table) -> None:
    ingredients = {
        row.get("conversion_name")
        for row in catalog.rows
        if row.get("conversion_type") == INGREDIENT
    }
    for row in table.rows:
        name = row.get("conversion_name")
        if name in ingredients:
            table.refuse(
                f"{quoted(name)} is an ingredient of derived conversions and counted by itself "
                "nowhere.",
                f"Name the derived conversion, or make it a micro-conversion in {catalog.file}.",
                row,
                "conversion_name",
            )


def _add_or_rename(name: str, known: set[str]) -> str:
    slip = nearest(name, sorted(known))
    return f"Did you mean '{slip}'?" if slip else "Add it there, or correct the name here."


def _check_supports(catalog: Table) -> None:
    kinds = {row.get("conversion_name"): row.get("conversion_type") for row in catalog.rows}
    macros = [name for name, kind in kinds.items() if kind == "macro"]
    if catalog.is_complete and not macros:
        catalog.refuse(
            "There is no macro-conversion.",
            "Add at least one row with conversion_type 'macro': the goal.",
        )
        return
    for row in catalog.rows:
        supported = row.get("supports")
        if row.get("conversion_type") != "micro" or not supported or supported in macros:
            continue
        what = _NO_GOALS.get(kinds.get(supported, ""), "")
        if what or catalog.is_complete:
            what = what or "no conversion of this list"
            catalog.refuse(
                f"{quoted(supported)} is {what}, but only a macro-conversion can be supported.",
                f"Allowed: {', '.join(macros)}.",
                row,
                "supports",
            )


def _check_rules_exist(catalog: Table, rules: Table, derived: Table) -> None:
    if not (rules.is_complete and derived.is_complete):
        return
    defined = {*rules.values("conversion_name"), *derived.values("conversion_name")}
    for row in catalog.rows:
        name = row.get("conversion_name")
        if name and name not in defined:
            catalog.refuse(
                f"{quoted(name)} has no row in {rules.file} or {derived.file}, so it could never "
                "occur.",
                "Add a rule or a requirement for it there, or delete it here.",
                row,
                "conversion_name",
            )
