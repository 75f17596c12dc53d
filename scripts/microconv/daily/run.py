"""Runs the stages of a day one after the other and says how each ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microconv import errors
from microconv.clock import Clock, in_words
from microconv.daily.process import Ended, Runner, StoppedError
from microconv.daily.run_log import (
    DONE,
    FAILED,
    LATE,
    LEFT_OUT,
    STOPPED,
    TIMED_OUT,
    WENT_ON,
    RunLog,
)
from microconv.daily.stages import Stage
from microconv.output import say, warn

# Lines of a failed command that are shown.
_SHOWN_LINES = 30
_GOES_ON = (DONE, WENT_ON)


@dataclass
class StageResult:
    """How a stage ended: its outcome, the exit code of its last command, and how long it took."""

    stage: str
    outcome: str
    exit_code: int | None = None
    seconds: float = 0.0
    tries: int = 0


@dataclass
class DailyRun:
    """One run.

    Args:
        stages: What to do.
        runner: Starts commands.
        log: Takes what happened.
        outputs: The folder for what the commands print, a file per stage.
        clock: Whose time.
        already_done: Stages that an earlier run did, for this one to go on.
        commands_done: How many commands of a stage an earlier run did.
    """

    stages: Sequence[Stage]
    runner: Runner
    log: RunLog
    outputs: Path
    clock: Clock
    already_done: Collection[str] = ()
    commands_done: Mapping[str, int] = field(default_factory=dict)
    results: list[StageResult] = field(default_factory=list)

    def run(self, **said: Any) -> int:
        """Do the stages.

        Args:
            said: What the log's first line holds besides.

        Returns:
            The exit code of the run.
        """
        names = [stage.name for stage in self.stages]
        done = {"already_done": sorted(self.already_done), "commands_done": self.commands_done}
        self.log.add("run_started", **said, stages=names, **done)
        started = self.clock.seconds()
        try:
            for stage in self.stages:
                if stage.name not in self.already_done:
                    self.results.append(self._stage(stage))
            self._say_left_out()
            code = self._exit_code()
        except StoppedError as error:
            warn(f"The run was {error}.")
            code = error.exit_code
        seconds = round(self.clock.seconds() - started, 3)
        not_done = {one.stage: one.outcome for one in self.results if one.outcome not in _GOES_ON}
        self.log.add("run_ended", exit_code=code, seconds=seconds, not_done=not_done)
        return code

    def _stage(self, stage: Stage) -> StageResult:
        missing = [
            one.stage for one in self.results if not _went_on(one) and one.stage in stage.needs
        ]
        if missing:
            self.log.add("stage_ended", stage=stage.name, outcome=LEFT_OUT, needed=missing)
            return StageResult(stage.name, LEFT_OUT)
        self.log.add("stage_started", stage=stage.name)
        result = StageResult(stage.name, STOPPED)
        try:
            self._commands(stage, result)
        finally:
            self.log.add(
                "stage_ended",
                stage=stage.name,
                outcome=result.outcome,
                exit_code=result.exit_code,
                seconds=round(result.seconds, 3),
                tries=result.tries,
            )
        say(_line(result))
        if not _went_on(result):
            self._show_why(stage)
        return result

    def _commands(self, stage: Stage, result: StageResult) -> None:
        """Run the commands of a stage as long as they succeed."""
        result.outcome = DONE
        for number, arguments in enumerate(stage.commands, start=1):
            if number <= self.commands_done.get(stage.name, 0):
                continue
            result.outcome = STOPPED
            ended, tries = self._tried(stage, number, arguments)
            result.exit_code = ended.exit_code
            result.seconds += ended.seconds
            result.tries = max(result.tries, tries)
            result.outcome = _outcome(stage, ended)
            if result.outcome != DONE:
                return

    def _tried(self, stage: Stage, number: int, arguments: Sequence[str]) -> tuple[Ended, int]:
        """A command, tried again when what stopped it passes by itself."""
        pause = stage.pause
        for attempt in range(1, stage.tries + 1):
            ended = self.runner.run(arguments, stage.limit, self.output_of(stage))
            self.log.add(
                "command_ended",
                stage=stage.name,
                number=number,
                command=" ".join(arguments),
                attempt=attempt,
                outcome=_outcome(stage, ended),
                exit_code=ended.exit_code,
                seconds=round(ended.seconds, 3),
            )
            if not ended.passes or attempt == stage.tries:
                break
            say(f"{stage.name:10} did not get through; trying again in {in_words(pause)}")
            self.clock.sleep(pause)
            pause *= 2
        return ended, attempt

    def output_of(self, stage: Stage) -> Path:
        """The file of what a stage printed."""
        return self.outputs / f"{stage.name}.log"

    def _show_why(self, stage: Stage) -> None:
        path = self.output_of(stage)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if not self.runner.is_echoed:
            for line in lines[-_SHOWN_LINES:]:
                warn(f"  {line}")
        warn(f"  All it said: {path}")

    def _say_left_out(self) -> None:
        names = [one.stage for one in self.results if one.outcome == LEFT_OUT]
        if names:
            say(f"Left out, since they need what was not done: {', '.join(names)}.")

    def _exit_code(self) -> int:
        outcomes = {one.outcome for one in self.results}
        if LATE in outcomes:
            return errors.LATE
        if outcomes - set(_GOES_ON) == set():
            return errors.OK
        # A wrong call or profile stops everything behind it; it is not the data that is wrong.
        failed = [one for one in self.results if one.outcome in (FAILED, TIMED_OUT)]
        is_usage = all(one.exit_code == errors.USAGE for one in failed)
        return errors.USAGE if is_usage else errors.FINDINGS


def _went_on(result: StageResult) -> bool:
    return result.outcome in _GOES_ON


def _outcome(stage: Stage, ended: Ended) -> str:
    if ended.exit_code == errors.OK:
        return DONE
    if ended.exit_code is None:
        return TIMED_OUT
    if ended.exit_code == errors.LATE and stage.name == "wait":
        return WENT_ON if stage.is_late_allowed else LATE
    return FAILED


def _line(result: StageResult) -> str:
    said = {
        DONE: "done",
        WENT_ON: "not there yet; going on with what there is",
        LATE: "not there yet",
        FAILED: f"failed with exit code {result.exit_code}",
        TIMED_OUT: "stopped, since its time was over",
    }
    tries = f", {result.tries} tries" if result.tries > 1 else ""
    return f"{result.stage:10} {said[result.outcome]} ({in_words(result.seconds)}{tries})"
