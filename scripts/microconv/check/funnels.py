"""The rules of funnels: which steps may follow one another, and which modes go together."""

from __future__ import annotations

from collections import defaultdict

from microconv.check.cells import integer_of
from microconv.check.problems import quoted
from microconv.check.table import Row, Table, refuse_repeats

SMALLEST_FUNNEL = 2


def check_funnels(table: Table) -> None:
    """Note what is wrong in the list of funnels by itself."""
    refuse_repeats(table, ["funnel_name"], "funnel")
    for row in table.rows:
        in_any_order = row.get("step_order") == "any"
        if in_any_order and row.get("step_window_hours"):
            table.refuse(
                "A window from step to step needs an order of the steps.",
                "Leave it empty, or let step_order be ordered or strict.",
                row,
                "step_window_hours",
            )
        modes = (row.get("entry"), row.get("counting"))
        if in_any_order and modes == ("open", "attempts"):
            table.refuse(
                "In any order and entered anywhere, every event would be an attempt of its own.",
                "Count each unit once, or let the entry be closed.",
                row,
                "counting",
            )


def check_funnel_steps(table: Table) -> None:
    """Note what is wrong in the list of steps by itself."""
    refuse_repeats(table, ["funnel_name", "step_number"], "step")
    for funnel, steps in _numbered_steps(table).items():
        numbers = [number for number, _ in steps]
        for number, row in steps:
            if number > 1 and number - 1 not in numbers:
                table.refuse(
                    f"Funnel '{funnel}' has a step {number} but no step {number - 1}.",
                    "Number the steps 1, 2, 3 and so on without a gap.",
                    row,
                    "step_number",
                )
        if "role" in table.columns:
            _check_roles(table, [row for _, row in steps])


def _numbered_steps(table: Table) -> dict[str, list[tuple[int, Row]]]:
    funnels: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for row in table.rows:
        number = integer_of(row.get("step_number"))
        if row.get("funnel_name") and number is not None:
            funnels[row.get("funnel_name")].append((number, row))
    return {name: sorted(steps, key=lambda step: step[0]) for name, steps in funnels.items()}


def _check_roles(table: Table, rows: list[Row]) -> None:
    roles = [row.get("role") for row in rows]
    if roles[0] in ("optional", "exclusion"):
        table.refuse(
            f"The first step of a funnel is {quoted(roles[0])}, so nobody could enter it.",
            "Let the first row be a step.",
            rows[0],
            "role",
        )
    last = max((place for place, role in enumerate(roles) if role == "step"), default=len(roles))
    for place, row in enumerate(rows):
        if roles[place] != "exclusion":
            continue
        if place > last:
            table.refuse(
                "An exclusion after the last step that must happen ends nothing.",
                "Put it between two steps, or delete it.",
                row,
                "role",
            )
            continue
        before = max((one for one in range(place) if roles[one] == "step"), default=0)
        after = min(one for one in range(place, len(rows)) if roles[one] == "step")
        steps_here = [rows[one] for one in range(before, after + 1) if roles[one] != "exclusion"]
        names = {step.get("conversion_name") for step in steps_here}
        if row.get("conversion_name") in names:
            table.refuse(
                f"{quoted(row.get('conversion_name'))} is both a step and an exclusion here.",
                f"Exclude something else than {', '.join(sorted(names))}.",
                row,
                "conversion_name",
            )


def check_funnel_shapes(funnels: Table, steps: Table, max_funnel_steps: int) -> None:
    """Note funnels that are too short or too long, or whose steps do not suit their order."""
    if not steps.is_complete:
        return
    of_funnel: dict[str, list[Row]] = defaultdict(list)
    for step in steps.rows:
        of_funnel[step.get("funnel_name")].append(step)
    for row in funnels.rows:
        name = row.get("funnel_name")
        if name:
            _check_length(funnels, row, of_funnel[name], steps.file, max_funnel_steps)
        for step in of_funnel[name] if row.get("step_order") == "any" else []:
            if step.get("role") == "optional":
                steps.refuse(
                    f"Funnel '{name}' takes its steps in any order, where an optional one "
                    "changes nothing.",
                    "Leave it out, or let step_order be ordered or strict.",
                    step,
                    "role",
                )


def _check_length(
    funnels: Table, row: Row, steps: list[Row], file: str, max_funnel_steps: int
) -> None:
    required = sum(step.get("role") == "step" for step in steps)
    what = {0: "no step", 1: "1 step"}.get(required, f"{required} steps")
    if required < SMALLEST_FUNNEL:
        remedy = f"Give it at least {SMALLEST_FUNNEL} rows in {file} that must happen."
    elif len(steps) > max_funnel_steps:
        what = f"{len(steps)} steps"
        remedy = f"Allowed: up to {max_funnel_steps} (max_funnel_steps in dbt_project.yml)."
    else:
        return
    funnels.refuse(f"Funnel '{row.get('funnel_name')}' has {what}.", remedy, row, "funnel_name")
