"""The rules of experiment_events and experiment_variants: where an exposure lies, and its plan."""

from __future__ import annotations

from collections import defaultdict

from microconv.check.problems import quoted
from microconv.check.table import Row, Table, refuse_repeats

_APART = ("experiment_field", "variant_field")
_TOGETHER = "combined_field"


def check_experiment_events(table: Table) -> None:
    """Note what is wrong in the list of exposure events by itself."""
    refuse_repeats(table, ["source_name"], "kind of exposure")
    for row in table.rows:
        if row.get("event_name") == "*":
            table.refuse(
                "Without a name every event would be an exposure.",
                "Name the event that says which variant was seen.",
                row,
                "event_name",
            )
        if {*_APART, _TOGETHER} <= set(table.columns):
            _check_fields(table, row)


def _check_fields(table: Table, row: Row) -> None:
    named = [name for name in _APART if row.get(name)]
    if row.get(_TOGETHER) and named:
        table.refuse(
            "Experiment and variant stand both together and apart.",
            f"Leave {_TOGETHER} empty, or the other two fields.",
            row,
            _TOGETHER,
        )
    elif not row.get(_TOGETHER) and len(named) < len(_APART):
        lacking = next(name for name in _APART if name not in named)
        table.refuse(
            f"{quoted(row.get('source_name'))} does not say where the "
            f"{lacking.removesuffix('_field')} stands.",
            "Name a field such as 'param:experiment_id', or the combined_field that holds both.",
            row,
            lacking,
        )


def check_experiment_variants(table: Table) -> None:
    """Note what is wrong in the plans: exactly one control, and something to compare it with."""
    refuse_repeats(table, ["experiment_name", "variant_name"], "variant")
    if not {"experiment_name", "role"} <= set(table.columns):
        return
    plans: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        plans[row.get("experiment_name") or ""].append(row)
    for name, rows in plans.items():
        controls = [row for row in rows if row.get("role") == "control"]
        if len(controls) != 1:
            table.refuse(
                f"{quoted(name)} has {len(controls) or 'no'} control"
                f"{'s' if len(controls) > 1 else ''}.",
                "Let exactly one of its variants be the control.",
                (controls or rows)[-1],
                "role",
            )
        elif len(rows) < 2:
            table.refuse(
                f"{quoted(name)} has one variant only.",
                "List every variant: the planned parts are read beside each other.",
                rows[0],
                "variant_name",
            )
