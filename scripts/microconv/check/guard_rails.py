"""Advice about lists that are right but unwise; it stops a run with `--strict` only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from microconv.check.cells import number_of
from microconv.check.problems import Problem
from microconv.check.schema import INGREDIENT, STAGES
from microconv.check.table import Row, Table

# The literature on micro-conversions says five to seven; whoever tracks thirty watches none.
MOST_MICROS_PER_MACRO = 7
_CONDITION = ("event_name", "field", "operator", "value")


def guard_rail_warnings(tables: Mapping[str, Table]) -> list[Problem]:
    """Warnings about the catalog and the weights."""
    catalog = tables["conversion_catalog"]
    if not catalog.is_complete:
        return []
    return [
        *_too_many_micros(catalog),
        *_empty_stages(catalog),
        *_unused_ingredients(catalog, tables["derived_conversions"]),
        *_drifted_points(catalog, tables["lead_score_weights"]),
        *_repeated_milestones(catalog, tables["conversion_rules"]),
        *_thinned_qualities(catalog, tables["derived_conversions"]),
    ]


def _too_many_micros(catalog: Table) -> list[Problem]:
    counts = Counter(
        row.get("supports") for row in catalog.rows if row.get("conversion_type") == "micro"
    )
    return [
        Problem(
            catalog.file,
            f"{count} micro-conversions support '{macro}'; more than {MOST_MICROS_PER_MACRO} "
            "dilute attention.",
            "Keep the five to seven that predict it best.",
            severity="warning",
        )
        for macro, count in sorted(counts.items())
        if macro and count > MOST_MICROS_PER_MACRO
    ]


def _empty_stages(catalog: Table) -> list[Problem]:
    used = {row.get("funnel_stage") for row in catalog.rows if not _is_ingredient(row)}
    return [
        Problem(
            catalog.file,
            f"No conversion belongs to the stage '{stage}', so the way to the goal has a "
            "blind spot there.",
            "Add a conversion for it.",
            severity="warning",
        )
        for stage in STAGES
        if stage not in used
    ]


def _is_ingredient(row: Row) -> bool:
    return row.get("conversion_type") == INGREDIENT


def _unused_ingredients(catalog: Table, derived: Table) -> list[Problem]:
    used = {row.get(column) for row in derived.rows for column in ("requires", "anchor")}
    return [
        Problem(
            catalog.file,
            f"'{row.get('conversion_name')}' is an ingredient of nothing: no row of {derived.file} "
            "requires it.",
            "Delete it here and its rules, or require it there.",
            row.line,
            "conversion_type",
            INGREDIENT,
            "warning",
        )
        for row in catalog.rows
        if _is_ingredient(row) and row.get("conversion_name") not in used
    ]


def _repeated_milestones(catalog: Table, rules: Table) -> list[Problem]:
    """The same rule twice: a step that happens with another one shows no drop-off."""
    milestones = {
        row.get("conversion_name")
        for row in catalog.rows
        if row.get("milestone_type") == "process_milestone"
    }
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rules.rows:
        if row.get("conversion_name") in milestones:
            groups[row.get("conversion_name"), row.get("rule_group")].append(row)
    first: dict[frozenset[tuple[str, ...]], Row] = {}
    problems = []
    for rows in groups.values():
        said = frozenset(tuple(row.get(name) for name in _CONDITION) for row in rows)
        other = first.setdefault(said, rows[0])
        if other.get("conversion_name") != rows[0].get("conversion_name"):
            name = rows[0].get("conversion_name")
            problems.append(
                Problem(
                    rules.file,
                    f"Every event of this rule is the milestone '{other.get('conversion_name')}' "
                    f"too (row {other.line}).",
                    f"Add a condition that tells '{name}' from it.",
                    rows[0].line,
                    "event_name",
                    rows[0].get("event_name"),
                    "warning",
                )
            )
    return problems


def _drifted_points(catalog: Table, weights: Table) -> list[Problem]:
    """Points set by hand stand in two lists; say so when they part."""
    catalogued = {row.get("conversion_name"): row.get("lead_points") for row in catalog.rows}
    problems = []
    for row in weights.rows:
        mine, theirs = (
            number_of(row.get("points")),
            number_of(catalogued.get(row.get("conversion_name"), "")),
        )
        if (
            row.get("origin") == "manual"
            and mine is not None
            and theirs is not None
            and mine != theirs
        ):
            problems.append(
                Problem(
                    weights.file,
                    f"'{row.get('conversion_name')}' has {mine} points here and {theirs} in "
                    f"{catalog.file}.",
                    "Make both the same.",
                    row.line,
                    "points",
                    row.get("points"),
                    "warning",
                )
            )
    return problems


def _thinned_qualities(catalog: Table, derived: Table) -> list[Problem]:
    """A condition on quality sees what counts: of a session the first, however short it was."""
    counting = {row.get("conversion_name"): row.get("counting") for row in catalog.rows}
    return [
        Problem(
            derived.file,
            f"'{row.get('requires')}' counts {counting[row.get('requires')]}, so only its first "
            f"occurrence is asked for {row.get('field')}.",
            f"Count it every_event in {catalog.file}, and the derived one as you like.",
            row.line,
            "field",
            row.get("field"),
            "warning",
        )
        for row in derived.rows
        if row.get("field")
        and counting.get(row.get("requires")) in ("once_per_session", "once_per_visitor")
    ]
