"""kill -9 at random moments: whoever looks sees old or new, and the next run ends as undisturbed.

A hundred moments in all, of builds, of what commands write to the warehouse, of reports and of
exports. The processes and the signals are real; which moments they are, the seeds say.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest
from export_rows import change_tables
from killing import (
    Killer,
    contents,
    kill_command,
    run_command,
    stamps,
    watched,
    written_rows,
)
from project_run import Warehouse
from report_case import built_report
from warehouse_states import (
    NO_TESTS,
    Night,
    assert_mended,
    eventful_night_at_once,
    first_differences,
    first_warehouse,
)

# What ended before it was killed is tried again, but not for ever.
MOST_TRIES = 4
OLD = ("update dim_conversions set label = label || ' (old)'",)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return Night(first_warehouse(tmp_path_factory), eventful_night_at_once(tmp_path_factory))


# ---- builds --------------------------------------------------------------------------------------


def killed_builds(warehouse: Warehouse, killer: Killer, count: int) -> None:
    """Kill so many builds, one after the other, on what the one before left."""
    for _ in range(count * MOST_TRIES):
        if len(killer.moments) == count:
            return
        process, log = warehouse.start("build", *NO_TESTS)
        was_running = killer.kill(process, process.kill)
        process.join()
        assert process.exitcode == (-9 if was_running else 0), log.read_text()[-3000:]
    raise AssertionError(f"only {len(killer.moments)} of {count} builds could be killed")


def seconds_of_build(warehouse: Warehouse) -> float:
    began = time.monotonic()
    warehouse.build()
    return time.monotonic() - began


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_full_builds_killed_five_times(night: Night, seed: int, tmp_path: Path) -> None:
    pattern = night.old.environment["GA4_EXPORT_FILES"]
    seconds = seconds_of_build(Warehouse(tmp_path / "measured", pattern=pattern))
    warehouse = Warehouse(tmp_path / "killed", pattern=pattern)
    killer = Killer(random.Random(seed), seconds)
    for number in range(1, 6):
        killed_builds(warehouse, killer, number)
        if warehouse.path.exists():
            partial = first_differences(warehouse, night.old, left_may_lack_tables=True)
            assert not partial, "\n".join([str(killer.moments), *partial])
    print(killer.moments)
    warehouse.build()
    assert_mended(warehouse, night.old)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_incremental_builds_killed_five_times(night: Night, seed: int, tmp_path: Path) -> None:
    seconds = seconds_of_build(night.begin(tmp_path / "measured"))
    warehouse = night.begin(tmp_path / "killed")
    killer = Killer(random.Random(seed), seconds)
    for number in range(1, 6):
        killed_builds(warehouse, killer, number)
        night.assert_each_table_is_old_or_new(warehouse, str(killer.moments))
    print(killer.moments)
    warehouse.build()
    assert_mended(warehouse, night.new)


# ---- what commands write -------------------------------------------------------------------------

# `score` writes as they do; a demo so small teaches it nothing.
WRITERS = [
    *("correlate", "value", "cohorts", "lead-lag", "experiments", "proxy", "watch"),
    "audience --moment pricing_seen --format csv --minimum 1 --out members.csv",
]
# As many as make fifty of all commands, reports and exports.
FEW, MANY = 3, 12


def of(command: str, folder: Path) -> list[str]:
    """Its arguments, files in this folder."""
    return [str(folder / one) if "." in one else one for one in command.split()]


def copy_to_write(built: Warehouse, root: Path, *changes: str) -> Warehouse:
    """A copy of the build whose tables may be written."""
    root.mkdir()
    for file in built.root.glob(f"{built.path.name}*"):
        shutil.copy2(file, root)
    (root / "target").mkdir()
    shutil.copy2(built.root / "target" / "manifest.json", root / "target")
    warehouse = Warehouse(root, pattern=built.environment["GA4_EXPORT_FILES"])
    change_tables(warehouse.path, *changes)
    return warehouse


def without_evidence(built: Warehouse) -> tuple[str, ...]:
    """Statements that take away what Python wrote."""
    return tuple(f"delete from {table}" for table in written_rows(built.path))


@pytest.mark.parametrize(
    ("command", "count"),
    [
        pytest.param("value", 1, marks=pytest.mark.slow),
        *(pytest.param(one, FEW, marks=pytest.mark.long) for one in WRITERS),
    ],
)
def test_killed_writes_leave_all_rows_or_none(
    command: str, count: int, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    built = built_report(tmp_path_factory)
    empty = without_evidence(built)
    undisturbed = copy_to_write(built, tmp_path / "undisturbed", *empty)
    seconds = run_command(undisturbed, *of(command, tmp_path))
    old: dict[str, list[str]] = {}
    new = written_rows(undisturbed.path)
    assert new, "nothing is written, so that nothing is shown"
    warehouse = copy_to_write(built, tmp_path / "killed", *empty)
    log = warehouse.path.with_name(f"{warehouse.path.name}.wal")
    killer = Killer(random.Random(command), seconds, lambda: stamps(warehouse.path, log))
    for _ in range(count * MOST_TRIES):
        if len(killer.moments) == count:
            break
        kill_command(killer, warehouse, *of(command, tmp_path))
        assert written_rows(warehouse.path) in (old, new), killer.moments
        change_tables(warehouse.path, *(without_evidence(warehouse)))
    print(killer.moments)
    assert len(killer.moments) == count
    run_command(warehouse, *of(command, tmp_path))
    assert written_rows(warehouse.path) == new


# ---- files ---------------------------------------------------------------------------------------

FILES = {"report": "--out", "export": "--to"}


@pytest.mark.parametrize(
    ("command", "count"),
    [
        pytest.param("report", 1, marks=pytest.mark.slow),
        pytest.param("export", 1, marks=pytest.mark.slow),
        pytest.param("report", MANY - 1, marks=pytest.mark.long),
        pytest.param("export", MANY - 1, marks=pytest.mark.long),
    ],
)
def test_killed_files_are_old_or_new_to_whoever_reads_them(
    command: str, count: int, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    built = built_report(tmp_path_factory)
    before = copy_to_write(built, tmp_path / "before", *OLD)
    warehouse = copy_to_write(built, tmp_path / "after")

    def arguments(folder: Path) -> tuple[str, ...]:
        out = folder / "report.html" if command == "report" else folder
        return command, FILES[command], str(out)

    old, new, seen = tmp_path / "old", tmp_path / "new", tmp_path / "seen"
    run_command(before, *arguments(old))
    seconds = run_command(warehouse, *arguments(new))
    assert contents(old) != contents(new) and contents(old).keys() == contents(new).keys()
    allowed = {name: {digest, contents(new)[name]} for name, digest in contents(old).items()}
    shutil.copytree(old, seen)
    killer = Killer(random.Random(command), seconds, lambda: stamps(seen))
    with watched(seen, allowed) as wrong:
        for _ in range(count * MOST_TRIES):
            if len(killer.moments) == count:
                break
            kill_command(killer, warehouse, *arguments(seen))
            assert contents(seen).keys() == allowed.keys(), killer.moments
    print(killer.moments)
    assert len(killer.moments) == count
    assert wrong == []
    run_command(warehouse, *arguments(seen))
    assert contents(seen) == contents(new)
    left = {path.name for path in seen.iterdir()} - allowed.keys()
    assert not left, "something of a killed run is left"
