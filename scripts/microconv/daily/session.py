"""A run with what is around it: the lock, the log, what an earlier run did, and its output."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from microconv.clock import Clock, in_words
from microconv.daily.lock import run_lock
from microconv.daily.process import Runner, StoppedError, stopping_signals
from microconv.daily.run import DailyRun
from microconv.daily.run_log import LastRun, RunLog, last_run
from microconv.daily.stages import Stage
from microconv.errors import OK
from microconv.output import say, warn

_LOCK_FILE = "daily.lock"
# So many runs keep what their stages printed; the log keeps all.
_KEPT_OUTPUTS = 30


@dataclass(frozen=True)
class Begun:
    """What an earlier run did of this one."""

    done: Collection[str] = ()
    commands_done: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """Where and how runs take place.

    Args:
        folder: That of dbt_project.yml.
        log: The file of the log. What stages print goes to a folder of the same name beside it.
        clock: Whose time.
        queue: Seconds to wait for another run to end.
        is_verbose: Whether to show all that stages print.
    """

    folder: Path
    log: Path
    clock: Clock
    queue: int = 0
    is_verbose: bool = False

    def run(self, stages: Sequence[Stage], scope: str, is_resumed: bool = False) -> int:
        """Run stages; the exit code.

        Args:
            stages: Which.
            scope: The days they are about.
            is_resumed: Leave out what the last run about the same did.

        Raises:
            MicroconvError: Another run is going, or the log cannot be written.
        """
        run_id = f"{self.clock.now():%Y%m%dT%H%M%SZ}-{os.getpid()}"
        try:
            with (
                stopping_signals(),
                run_lock(self._lock_file(), run_id, self.queue, self.clock) as descriptor,
            ):
                # Read while nobody else writes.
                begun = _begun(last_run(self.log), stages, scope) if is_resumed else Begun()
                if {stage.name for stage in stages} <= set(begun.done):
                    say(f"An earlier run did all of it ({scope}).")
                    return OK
                with _owner_only():
                    return self._run(stages, scope, run_id, descriptor, begun)
        except StoppedError as error:
            warn(f"The run was {error}.")
            return error.exit_code

    def _run(
        self,
        stages: Sequence[Stage],
        scope: str,
        run_id: str,
        descriptor: int,
        begun: Begun,
    ) -> int:
        outputs = self.log.with_suffix("")
        _forget_oldest(outputs)
        run = DailyRun(
            stages=stages,
            runner=Runner(
                self.folder, self._environment(), (descriptor,), self.clock, self.is_verbose
            ),
            log=RunLog(self.log, run_id, self.clock),
            outputs=outputs / run_id,
            clock=self.clock,
            already_done=begun.done,
            commands_done=begun.commands_done,
        )
        say(f"Daily run {run_id} ({scope}).")
        if begun.done:
            say(f"Done by an earlier run: {', '.join(begun.done)}.")
        started = self.clock.seconds()
        code = run.run(scope=scope, pid=os.getpid(), target=os.environ.get("DBT_TARGET"))
        say(f"Exit code {code} after {in_words(self.clock.seconds() - started)}. Log: {self.log}")
        return code

    def _environment(self) -> dict[str, str]:
        from microconv.profile import find_profiles_dir

        return {
            **os.environ,
            "DBT_PROJECT_DIR": str(self.folder),
            "DBT_PROFILES_DIR": str(find_profiles_dir(self.folder)),
        }

    def _lock_file(self) -> Path:
        """Beside what dbt compiles, which two builds at once would write over each other."""
        return self.folder / (os.environ.get("DBT_TARGET_PATH") or "target") / _LOCK_FILE


@contextmanager
def _owner_only() -> Iterator[None]:
    """What a run and its stages make anew, such as the DuckDB file and logs, nobody else reads."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _begun(last: LastRun | None, stages: Sequence[Stage], scope: str) -> Begun:
    """What of these stages the last run did; nothing if it was about something else."""
    names = [stage.name for stage in stages]
    if last is None or last.scope != scope or last.stages != names:
        if last is not None:
            say(f"The last run was another one ({last.scope}), so that this one does all.")
        return Begun()
    done: list[str] = []
    for stage in stages:
        # What a stage made is only as good as what it was made of.
        if stage.name in last.done and all(one in done for one in stage.needs if one in names):
            done.append(stage.name)
    undone = {stage.name: stage for stage in stages if stage.name not in done}
    commands_done = {
        name: last.commands_done[name]
        for name, stage in undone.items()
        if name in last.commands_done and not set(stage.needs) & undone.keys()
    }
    return Begun(done, commands_done)


def _forget_oldest(outputs: Path) -> None:
    """Remove what stages of old runs printed; names sort by time."""
    folders = sorted(path for path in outputs.glob("*Z-*") if path.is_dir())
    for path in folders[: -(_KEPT_OUTPUTS - 1)]:
        shutil.rmtree(path, ignore_errors=True)
