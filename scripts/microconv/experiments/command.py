"""The `experiments` command: each randomised test, and what all past ones say together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.correlate.command import MacroOption, NoWriteOption
from microconv.errors import refuse_unknown
from microconv.output import FormatOption, OutputFormat
from microconv.shares import LooksOption, MdeOption, share_option

if TYPE_CHECKING:
    from microconv.aggregates.types import Conversion
    from microconv.experiments.judge import Judged, Unreadable
    from microconv.experiments.past import Past
    from microconv.experiments.read import Rejection, Trial
    from microconv.writing import Row

_SHOWN = 10
"""So many experiments are printed when none is named; the tables hold all."""

_EXPERIMENTS, _VALIDATIONS = "evidence_experiments", "evidence_proxy_validations"


def experiments(
    experiment: Annotated[
        str | None, typer.Option("--experiment", help="Only this one.", show_default="all")
    ] = None,
    macro: MacroOption = None,
    mde: MdeOption = "10%",  # type: ignore[assignment]
    looks: LooksOption = 1,
    largest_drop: Annotated[
        float,
        share_option(
            "--largest-drop",
            "The relative drop of the macro that must be excluded before anything is shipped.",
            "5%",
        ),
    ] = "5%",  # type: ignore[assignment]
    next_per_arm: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Visitors per variant of the next experiment.",
            show_default="the mean of past ones",
        ),
    ] = None,
    output_format: FormatOption = OutputFormat.TABLE,
    no_write: NoWriteOption = False,
) -> None:
    """Say what each experiment showed, and whether lifts of micro-conversions foretold the macro's.

    Writes evidence_experiments and evidence_proxy_validations.

    Example: microconv experiments --mde 5% --no-write
    """
    from microconv.aggregates.read import Aggregates
    from microconv.experiments.judge import Asked, judge
    from microconv.experiments.past import past_experiments
    from microconv.experiments.read import read_rejections, read_trials
    from microconv.experiments.rows import TABLES, experiment_rows, validation_rows
    from microconv.profile import open_warehouse
    from microconv.writing import Table, write_tables

    with open_warehouse() as warehouse:
        conversions = Aggregates(warehouse, {}).conversions()
        trials, rejections = read_trials(warehouse), read_rejections(warehouse)
        place = warehouse.place
    macros = sorted(name for name, one in conversions.items() if one.conversion_type == "macro")
    refuse_unknown("macro-conversion", macro, macros, most=20)
    refuse_unknown("experiment", experiment, [one.name for one in trials], most=20)

    judged: list[Judged | Unreadable] = []
    for trial in trials:
        found = judge(trial, Asked(mde, looks, largest_drop))
        judged += found if isinstance(found, tuple) else [found]
    past, size = past_experiments(trials, next_per_arm)
    run = _run_id(trials, (mde, looks, largest_drop, size))
    rows = experiment_rows(judged, conversions, run)
    validations = validation_rows(past, trials[0], conversions, run) if trials else []

    shown = _of(rows, macro, experiment)
    refusals = [] if trials else [_nothing(rejections)]
    output.print_as(
        output_format,
        lambda: _print(judged, past, rejections, conversions, (macro, experiment), place),
        list(TABLES[_EXPERIMENTS]),
        shown,
        {
            "refusals": refusals,
            "rejected_exposures": [vars(one) for one in rejections],
            _EXPERIMENTS: shown,
            _VALIDATIONS: _of(validations, macro, None),
        },
        refusals,
    )
    if not no_write:
        tables = [Table(_EXPERIMENTS, tuple(rows)), Table(_VALIDATIONS, tuple(validations))]
        write_tables(tables, TABLES, macros)


def _of(rows: Sequence[Row], macro: str | None, experiment: str | None) -> list[Row]:
    return [
        row
        for row in rows
        if macro in (None, row["macro_name"]) and experiment in (None, row.get("experiment_name"))
    ]


def _run_id(trials: Sequence[Trial], asked: tuple[Any, ...]) -> str:
    """The same whenever the same is asked of the same counts."""
    return hashlib.sha256(repr((list(trials), asked)).encode()).hexdigest()[:12]


def _print(
    judged: Sequence[Judged | Unreadable],
    past: Sequence[Past],
    rejections: Sequence[Rejection],
    conversions: Mapping[str, Conversion],
    wanted: tuple[str | None, str | None],
    place: str,
) -> None:
    from microconv.experiments.show import show_past, show_trial
    from microconv.experiments.words import MULTIPLE, RANDOMISED

    macro, experiment = wanted
    if not judged:
        output.say_paragraphs([_nothing(rejections)])
        return
    names = list(dict.fromkeys(one.trial.name for one in judged))
    chosen = [experiment] if experiment else names[:_SHOWN]
    for one in judged:
        if one.trial.name in chosen:
            show_trial(one, conversions, macro)
    if len(chosen) < len(names) and not experiment:
        output.say(f"{len(names) - len(chosen)} older experiments: see --experiment or the tables.")
    output.say_paragraphs([f"{RANDOMISED} {MULTIPLE}"])
    if not experiment:
        show_past([one for one in past if macro in (None, one.macro)], conversions)
    if rejections:
        output.say_paragraphs([_rejected(rejections)])
    output.say(f"Tables: {place}.")


def _nothing(rejections: Sequence[Rejection]) -> str:
    from microconv.experiments.words import NOTHING

    return " ".join([NOTHING, *([_rejected(rejections)] if rejections else [])])


def _rejected(rejections: Sequence[Rejection]) -> str:
    """What could not be read: nobody must look for an experiment in vain."""
    from microconv.experiments.words import REJECTIONS

    said = ", ".join(
        f"{output.count(one.events)} {one.event_name} {REJECTIONS.get(one.reason, one.reason)}"
        for one in rejections
    )
    return f"Exposures that name no experiment: {said}."
