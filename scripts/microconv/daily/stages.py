"""What a daily run does: its stages, in order, with their time-outs, tries and what they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from microconv.errors import MicroconvError, refuse_unknown

MINUTE, HOUR = 60, 3600
# What is inferred from a build, and whose conclusions of the day each reads beside it.
EVIDENCE: dict[str, tuple[str, ...]] = {
    "correlate": (),
    "value": (),
    "score": (),
    "cohorts": (),
    "lead-lag": ("correlate",),
    "experiments": (),
    "proxy": ("correlate", "experiments"),
}
# `wait` has its own bound; this much is left to it for its last look.
_GRACE = 10 * MINUTE


@dataclass(frozen=True)
class Stage:
    """One command of a run.

    Args:
        name: As in the log and in --from-stage.
        commands: Arguments of `microconv` (or `dbt`), one command after the other.
        limit: Seconds after which a command is stopped.
        tries: How often a command is tried when what stopped it passes by itself.
        pause: Seconds before the second try; twice as many before each further one.
        needs: Stages that must have succeeded, where they are part of the run.
        is_late_allowed: Whether the run goes on when it says that an export has not come.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    limit: int
    tries: int = 1
    pause: int = MINUTE
    needs: tuple[str, ...] = ()
    is_late_allowed: bool = False


@dataclass(frozen=True)
class Chunk:
    """Days that a backfill reads at once, first and last."""

    first: date
    last: date


@dataclass(frozen=True)
class Plan:
    """What somebody asked for.

    Args:
        day: The day whose export is waited for; None does not wait.
        patience: Seconds to wait for it.
        takes_any: Whether an intraday or fresh table of it will do.
        is_late_allowed: Whether to go on with what there is when it does not come.
        warn_only: Whether what `validate` finds stops nothing.
        report: The file of the report.
        bi: The folder of the tables that BI tools read.
        chunks: A backfill's days; none for an ordinary run.
    """

    day: date | None
    patience: int = 0
    takes_any: bool = False
    is_late_allowed: bool = False
    warn_only: bool = False
    report: Path = Path("target/report.html")
    bi: Path = Path("target/bi")
    chunks: tuple[Chunk, ...] = ()

    @property
    def scope(self) -> str:
        """Which days it is about: a run that resumes another must be about the same."""
        if self.chunks:
            return f"{self.chunks[0].first}..{self.chunks[-1].last}"
        return self.day.isoformat() if self.day else "whatever there is"


@dataclass(frozen=True)
class Choice:
    """Which stages of a plan to run; all unless one is named.

    Args:
        first: Begin with this one.
        only: Nothing but this one.
        limits: Seconds by stage, where they are not the usual ones.
    """

    first: str | None = None
    only: str | None = None
    limits: dict[str, int] = field(default_factory=dict)


def stages_of(plan: Plan) -> list[Stage]:
    """All stages of a run, in order."""
    report, export = ("report", "--out", str(plan.report)), ("export", "--to", str(plan.bi))
    stages = [] if plan.day is None else [_wait(plan, plan.day)]
    stages.append(Stage("check", (("check",),), 30 * MINUTE, needs=("wait",)))
    stages.append(Stage("validate", (_validate(plan),), HOUR, tries=3, needs=("check",)))
    builds, before = _builds(plan.chunks), ("wait", "check", "validate")
    stages.append(Stage("build", builds, 4 * HOUR, tries=3, pause=5 * MINUTE, needs=before))
    for name, reads in (EVIDENCE | {"watch": ()}).items():
        stages.append(Stage(name, ((name,),), HOUR, tries=3, needs=("build", *reads)))
    # A page or a file of today's funnels beside yesterday's evidence would be read as one thing.
    evidence = ("build", *EVIDENCE)
    stages.append(Stage("report", (report,), HOUR, tries=3, needs=evidence))
    stages.append(Stage("export", (export,), HOUR, tries=3, needs=evidence))
    return stages


def chosen(stages: Sequence[Stage], choice: Choice) -> list[Stage]:
    """The stages that are run.

    Raises:
        MicroconvError: A stage is named that is not there.
    """
    names = [stage.name for stage in stages]
    for named in (choice.first, choice.only, *choice.limits):
        refuse_unknown("stage", named, names)
    if choice.first and choice.only:
        raise MicroconvError("--from-stage and --only do not go together.", "Name one of them.")
    kept = [stage for stage in stages if choice.only in (None, stage.name)]
    if choice.first:
        kept = kept[names.index(choice.first) :]
    return [replace(stage, limit=choice.limits.get(stage.name, stage.limit)) for stage in kept]


def _wait(plan: Plan, day: date) -> Stage:
    arguments = ["wait", "--day", day.isoformat(), "--for", f"{plan.patience}s"]
    arguments += ["--any-table"] if plan.takes_any else []
    limit = plan.patience + _GRACE
    return Stage("wait", (tuple(arguments),), limit, is_late_allowed=plan.is_late_allowed)


def _validate(plan: Plan) -> tuple[str, ...]:
    expected = plan.day is not None and not plan.is_late_allowed
    return (
        "validate",
        *(("--expect", str(plan.day)) if expected else ()),
        *(("--warn-only",) if plan.warn_only else ()),
    )


def _builds(chunks: Sequence[Chunk]) -> tuple[tuple[str, ...], ...]:
    """One `dbt build`, or one per chunk, which sees the days of the chunk only."""
    build = ("dbt", "--no-use-colors", "build")
    if not chunks:
        return (build,)
    return tuple((*build, "--vars", _vars(chunk)) for chunk in chunks)


def _vars(chunk: Chunk) -> str:
    said = {"reread_start_date": chunk.first, "reread_end_date": chunk.last}
    said |= {"export_start_date": chunk.first, "export_end_date": chunk.last}
    return "{" + ", ".join(f"{name}: '{day.isoformat()}'" for name, day in said.items()) + "}"
