"""The `score` command: learns points, tests them, proposes a change of the seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.correlate.command import AsOfOption, NoWriteOption, progress_of
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from microconv.aggregates.run import Run
    from microconv.aggregates.types import Basis
    from microconv.score.learn import Trial
    from microconv.score.proposal import Proposal


@dataclass(frozen=True)
class Outcome:
    """What became of learning: a trial with its proposal, or a sentence that says why not."""

    basis: Basis | None
    trial: Trial | None
    proposal: Proposal | None
    present: Mapping[str, float]
    refusal: str


def score(
    macro: Annotated[
        str | None,
        typer.Option("--macro", help="Points towards this.", show_default="the main macro"),
    ] = None,
    as_of: AsOfOption = None,
    output_format: FormatOption = OutputFormat.TABLE,
    write: Annotated[
        bool, typer.Option("--write", help="Change the seeds, if the learned points are better.")
    ] = False,
    no_write: NoWriteOption = False,
) -> None:
    """Learn lead-score points from what visitors did later, and test them against the present ones.

    Writes evidence_score_models and evidence_score_bands; with --write also the seeds
    lead_score_weights.csv and lead_score_bands.csv.

    Example: microconv score --macro purchase
    """
    from microconv.aggregates.run import open_run
    from microconv.correlate.rows import run_id
    from microconv.profile import find_project_dir, find_seeds_dir
    from microconv.score import rows
    from microconv.score.show import show
    from microconv.writing import Table, write_tables

    seeds = find_seeds_dir(find_project_dir())
    with open_run(macro, as_of) as run, progress_of() as tell:
        found = _learn(run, macro, seeds, tell)
    models: list[Any] = []
    bands: list[Any] = []
    if found.trial is not None and found.basis is not None:
        name = run_id([found.basis])
        models = rows.model_rows(found.trial, found.basis, run.conversions, found.present, name)
        bands = rows.band_rows(found.trial, found.basis, name)
    output.print_as(
        output_format,
        lambda: show(found, run.conversions),
        list(rows.MODELS),
        models,
        _as_json(found, models, bands),
        [found.refusal] if found.refusal else [],
    )
    if not no_write and found.basis is not None:
        tables = [
            Table("evidence_score_models", tuple(models)),
            Table("evidence_score_bands", tuple(bands)),
        ]
        write_tables(tables, rows.TABLES, [found.basis.macro_name])
    if write:
        _write_seeds(found, seeds)


def _learn(run: Run, macro: str | None, seeds: Path, tell: Any) -> Outcome:
    from microconv.correlate.words import label_of
    from microconv.evidence.score import Refusal
    from microconv.evidence.templates import SCORES
    from microconv.score.learn import try_score
    from microconv.score.proposal import propose

    name = macro or run.aggregates.main_macro()
    basis = next((one for one in run.bases if one.macro_name == name), None)
    if basis is None or name in run.refusals or "" in run.refusals:
        reason = run.refusals.get(name or "") or " ".join(run.refusals.values())
        return Outcome(basis, None, None, {}, reason)
    tell(basis.macro_name)("weekly cuts")
    present = {one.conversion_name: one.lead_points for one in run.conversions.values()}
    trial = try_score(run.aggregates.weekly_cuts(basis.macro_name), basis)
    if isinstance(trial, Refusal):
        label = f"“{label_of(basis.macro_name, run.conversions)}”"
        reason = SCORES["refused"].format(macro=label, reason=" ".join(trial.reasons))
        return Outcome(basis, None, None, present, reason)
    proposal = propose(
        seeds,
        list(run.conversions),
        trial.learned,
        trial.result.bands,
        basis.macro_name,
        basis.horizon_days,
        basis.as_of_date,
    )
    return Outcome(basis, trial, proposal, present, "")


def _write_seeds(found: Outcome, seeds: Path) -> None:
    from microconv.evidence.templates import SCORES
    from microconv.score.proposal import BANDS, WEIGHTS, write
    from microconv.score.show import comparison

    if found.proposal is None or found.trial is None:
        output.warn(SCORES["not_written"].format(reason=found.refusal))
    elif not found.trial.result.is_learned_better:
        output.warn(SCORES["not_written"].format(reason=comparison(found.trial)))
    else:
        write(found.proposal, seeds)
        names = {"weights": f"seeds/{WEIGHTS}", "bands": f"seeds/{BANDS}"}
        output.note(SCORES["written"].format(**names))


def _as_json(found: Outcome, models: list[Any], bands: list[Any]) -> dict[str, Any]:
    from microconv.evidence.templates import LIMITS

    return {
        "refusal": found.refusal,
        "evidence_score_models": models,
        "evidence_score_bands": bands,
        "proposal": list(found.proposal.difference) if found.proposal else [],
        "limits": list(LIMITS),
    }
