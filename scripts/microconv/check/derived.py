"""The rules of derived conversions: what may be made of what, in which window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from microconv.check.problems import allowed_words, nearest, quoted
from microconv.check.schema import ANCHORS, DISTINCT_COLUMNS, PREVIOUS_CONVERSION
from microconv.check.table import Row, Table

# All rows of a conversion look at the same window.
_OF_THE_WINDOW = ("within", "anchor")
# What a derived conversion may be worth: it has no revenue or value of its own.
_VALUE_RULES = ("none", "fixed:")


def check_requirements(table: Table) -> None:
    """Note what is wrong in the list of requirements by itself."""
    for row in table.rows:
        _check_quality(table, row)
    for rows in _by_conversion(table).values():
        _check_repeats(table, rows)
        _check_window(table, rows)
        _check_roles(table, rows)


def check_derived_conversions(
    derived: Table, catalog: Table, rules: Table, max_derivation_levels: int
) -> None:
    """Note what does not fit the other lists: anchors, second definitions, cycles, chains.

    Args:
        derived: The requirements.
        catalog: The conversions.
        rules: The rules of the conversions that are not derived.
        max_derivation_levels: The longest chain that the models build.
    """
    rows_of = _by_conversion(derived)
    _check_anchors(derived, catalog)
    _refuse_two_definitions(derived, rules, rows_of)
    _check_values(derived, catalog, rows_of)
    for row in derived.rows:
        column = row.get("distinct_by")
        if row.get("requires") in rows_of and column and column not in DISTINCT_COLUMNS:
            derived.refuse(
                f"{quoted(row.get('requires'))} is derived itself, and {quoted(column)} belongs "
                "to an event.",
                f"Allowed: {', '.join(DISTINCT_COLUMNS)}.",
                row,
                "distinct_by",
            )
    _check_depth(derived, rows_of, max_derivation_levels)


def _by_conversion(table: Table) -> dict[str, list[Row]]:
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        if row.get("conversion_name"):
            rows_of[row.get("conversion_name")].append(row)
    return dict(rows_of)


# ---- a conversion by itself ----------------------------------------------------------------------


def _check_quality(table: Table, row: Row) -> None:
    """A condition on the quality needs field, operator and value, or none of them."""
    names = [name for name in ("field", "operator", "value") if name in table.columns]
    given = [name for name in names if row.get(name)]
    for name in names:
        if given and name not in given:
            table.refuse(
                f"The condition has no {name}.",
                "Fill in field, operator and value, or leave all three empty.",
                row,
                name,
            )


def _check_repeats(table: Table, rows: Sequence[Row]) -> None:
    first: dict[tuple[tuple[str, str], ...], int] = {}
    for row in rows:
        line = first.setdefault(tuple(row.cells.items()), row.line)
        if line != row.line:
            table.refuse(f"The row repeats row {line}.", "Delete it.", row)


def _check_window(table: Table, rows: Sequence[Row]) -> None:
    first = rows[0]
    for row in rows[1:]:
        for name in _OF_THE_WINDOW:
            if row.get(name) != first.get(name):
                table.refuse(
                    f"Row {first.line} of {quoted(first.get('conversion_name'))} has "
                    f"{quoted(first.get(name))} here; all rows of a conversion look at one window.",
                    "Make them the same, or derive a conversion of its own and require that.",
                    row,
                    name,
                )
    within, anchor = first.get("within"), first.get("anchor")
    if not set(_OF_THE_WINDOW) <= set(table.columns):
        return
    if within not in ("", "session") and not anchor:
        table.refuse(
            f"{quoted(within)} has no beginning.",
            f"Name what it is counted from: {', '.join(ANCHORS)} or a conversion.",
            first,
            "anchor",
        )
    if within == "session" and anchor in ANCHORS:
        table.refuse(
            f"A session does not begin with {quoted(anchor)}.",
            "Leave it empty for the whole session, or name a conversion of it.",
            first,
            "anchor",
        )
    if not within and anchor == PREVIOUS_CONVERSION:
        table.refuse(
            "Without an end every required conversion lies within reach of the others.",
            "Say within how long, or leave the anchor empty.",
            first,
            "within",
        )


def _check_roles(table: Table, rows: Sequence[Row]) -> None:
    roles = {row.get("role") for row in rows}
    if "role" not in table.columns or "not_done" not in roles:
        return
    if "done" not in roles:
        table.refuse(
            f"Nothing must be done for {quoted(rows[0].get('conversion_name'))}, so nothing would "
            "begin it.",
            "Add a row with the role 'done'.",
            rows[0],
            "role",
        )
    if "within" in table.columns and not rows[0].get("within"):
        undone = next(row for row in rows if row.get("role") == "not_done")
        table.refuse(
            "What has not been done yet may still be done: without an end nobody can know.",
            "Say within how long, such as 'session' or '7 days'.",
            undone,
            "within",
        )


# ---- a conversion among others -------------------------------------------------------------------


def _check_anchors(derived: Table, catalog: Table) -> None:
    known = set(catalog.values("conversion_name"))
    for row in derived.rows:
        anchor = row.get("anchor")
        if anchor in ANCHORS and anchor in known:
            derived.refuse(
                f"{quoted(anchor)} is a conversion of {catalog.file} and a word of this list.",
                "Give the conversion another name.",
                row,
                "anchor",
            )
        elif anchor and anchor not in known and anchor not in ANCHORS and catalog.is_complete:
            choices = (*ANCHORS, *sorted(known))
            slip = nearest(anchor, choices)
            derived.refuse(
                f"{quoted(anchor)} is neither {ANCHORS[0]}, {ANCHORS[1]} nor a conversion of "
                f"{catalog.file}.",
                f"Did you mean '{slip}'?" if slip else allowed_words(anchor, choices),
                row,
                "anchor",
            )


def _refuse_two_definitions(
    derived: Table, rules: Table, rows_of: Mapping[str, Sequence[Row]]
) -> None:
    ruled = {row.get("conversion_name"): row.line for row in reversed(rules.rows)}
    for name, rows in rows_of.items():
        if name in ruled:
            derived.refuse(
                f"{quoted(name)} has a rule too, in row {ruled[name]} of {rules.file}.",
                "Define it in one of the two lists.",
                rows[0],
                "conversion_name",
            )


def _check_values(derived: Table, catalog: Table, rows_of: Mapping[str, Sequence[Row]]) -> None:
    for row in catalog.rows:
        rule = row.get("value_rule")
        if row.get("conversion_name") in rows_of and not rule.startswith(_VALUE_RULES):
            catalog.refuse(
                f"{quoted(row.get('conversion_name'))} is derived ({derived.file}) and has no "
                f"{rule} of its own.",
                "Allowed: none, fixed:<US dollars, such as fixed:4.50>.",
                row,
                "value_rule",
            )


def _check_depth(
    derived: Table, rows_of: Mapping[str, Sequence[Row]], max_derivation_levels: int
) -> None:
    """Note each cycle once, with its path, and each conversion at the end of too long a chain."""
    needs = {
        name: [row.get(column) for row in rows for column in ("requires", "anchor")]
        for name, rows in rows_of.items()
    }
    derived_needs = {
        name: [need for need in dict.fromkeys(all_) if need in rows_of]
        for name, all_ in needs.items()
    }
    cyclic: set[str] = set()
    for name, rows in rows_of.items():
        path = [] if name in cyclic else _way(name, name, derived_needs)
        if path:
            cyclic.update(path)
            row, column = next(
                (row, column)
                for row in rows
                for column in ("requires", "anchor")
                if row.get(column) == path[1]
            )
            derived.refuse(
                f"{quoted(name)} is made of itself: {' -> '.join(path)}.",
                "Let one of them require something else.",
                row,
                column,
            )
    for name, rows in rows_of.items():
        if any(name == one or _way(name, one, derived_needs) for one in cyclic):
            continue
        chain = _longest_chain(name, derived_needs)
        if len(chain) == max_derivation_levels + 1:  # what is made of it is then right or refused
            derived.refuse(
                f"{quoted(name)} is derived over {len(chain)} levels: {' -> '.join(chain)}.",
                f"Allowed: up to {max_derivation_levels} (max_derivation_levels in "
                "dbt_project.yml).",
                rows[0],
                "conversion_name",
            )


def _way(begin: str, end: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The shortest way from one conversion to another or back to itself, empty without one."""
    ways, seen = [[begin]], set[str]()
    while ways:
        way = ways.pop(0)
        for need in needs[way[-1]]:
            if need == end:
                return [*way, end]
            if need not in seen:
                seen.add(need)
                ways.append([*way, need])
    return []


def _longest_chain(name: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The longest chain of derived conversions that a conversion ends, itself first."""
    return [name, *max((_longest_chain(one, needs) for one in needs[name]), key=len, default=[])]
