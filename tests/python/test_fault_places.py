"""Places that cannot be written, are full, vanish or are in use, and clocks that are set back."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from killing import contents, start_command, written_rows
from microconv.clock import Clock, Deadline
from microconv.daily import process
from microconv.daily.run_log import RunLog, last_run
from microconv.daily.session import Session
from microconv.daily.stages import Stage
from microconv.errors import BUSY, MicroconvError
from microconv.export.files import FileFormat, Folder
from microconv.files import replace_file, write_file
from microconv.profile import explained
from project_run import Warehouse
from report_case import built_report
from small_export import day_path
from test_arrival import TestClock
from test_kills import copy_to_write
from warehouse_states import LATE, SEED, assert_equal_tables, copy_of, first_warehouse, new_export

# Root may write everywhere; what it starts this way may not.
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override")
AS_ANYBODY = WITHOUT_OVERRIDE if os.geteuid() == 0 else ()
needs_permissions = pytest.mark.skipif(
    bool(AS_ANYBODY) and shutil.which("setpriv") is None, reason="root may write everywhere"
)


@pytest.fixture
def built(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Warehouse:
    return copy_to_write(built_report(tmp_path_factory), tmp_path / "built")


def ended(warehouse: Warehouse, *arguments: str, prefix: tuple[str, ...] = ()) -> tuple[int, str]:
    """Runs a command to its end: its exit code and what it said."""
    process = start_command(warehouse, *arguments, prefix=prefix, output=subprocess.PIPE)
    said, _ = process.communicate(timeout=300)
    return process.returncode, said.decode()


# ---- two at once ---------------------------------------------------------------------------------


def test_two_exports_to_one_folder_do_not_mix(tmp_path: Path) -> None:
    folder = tmp_path / "bi"
    first = Folder(folder, FileFormat.CSV)
    with pytest.raises(MicroconvError, match="Another export writes to") as refused:
        Folder(folder, FileFormat.CSV)
    assert refused.value.exit_code == BUSY
    first.clean()
    Folder(folder, FileFormat.CSV).clean()


def test_what_a_killed_export_left_goes_and_other_files_stay(tmp_path: Path) -> None:
    for name in (".mart_kpis.csv.fresh", ".manifest.json.fresh", "mine.csv", ".mine"):
        (tmp_path / name).write_text("half")
    Folder(tmp_path, FileFormat.PARQUET).clean()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine", "mine.csv"]


def test_many_writers_of_one_file_leave_a_whole_one(tmp_path: Path) -> None:
    out, texts = tmp_path / "page.html", [letter * 300_000 for letter in "abcdef"]
    write_file(texts[0], out)
    written: list[str] = []

    def write(text: str) -> None:
        for _ in range(15):
            write_file(text, out)
            written.append(text[0])

    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert out.read_text() in texts
    assert out.read_text() in texts
    assert list(tmp_path.iterdir()) == [out] and len(written) == 15 * len(texts)


@pytest.mark.slow
def test_a_command_beside_somebody_who_writes_is_refused_in_a_sentence(built: Warehouse) -> None:
    before = written_rows(built.path)
    with duckdb.connect(str(built.path)):
        for command in ("value", "report --out x.html", "export --to x"):
            code, said = ended(built, *command.split())
            assert code == 1
            assert "The DuckDB file is in use by" in said and "wait for the build" in said
            assert f"PID {os.getpid()}" in said
    assert written_rows(built.path) == before


# ---- places that cannot be written ---------------------------------------------------------------


def test_a_device_is_no_file_to_write(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (Path(os.devnull), pipe, tmp_path):
        with pytest.raises(MicroconvError, match="it is no file"):
            write_file("x", place)
    assert pipe.is_fifo() and Path(os.devnull).is_char_device()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('Cannot open file "/x.duckdb": Permission denied', "cannot be written"),
        ('Cannot open file "/x.duckdb.wal": Read-only file system', "cannot be written"),
        ("Could not write file: No space left on device", "There is no space left"),
        ('Could not write to file "/x": File too large', "There is no space left"),
    ],
)
def test_what_the_system_refuses_is_said_with_what_to_do(said: str, sentence: str) -> None:
    error = explained(f"IO Error: {said}")
    assert sentence in error.message and error.remedy and "dbt debug" not in error.remedy


@needs_permissions
@pytest.mark.slow
@pytest.mark.parametrize("what", ["file", "folder"])
def test_tables_that_may_not_be_written_stay_as_they_were(built: Warehouse, what: str) -> None:
    before = written_rows(built.path)
    closed = {built.path: 0o444} if what == "file" else {built.root: 0o555}
    for path, mode in closed.items():
        path.chmod(mode)
    try:
        code, said = ended(built, "value", prefix=AS_ANYBODY)
        seen = ended(built, "summary", prefix=AS_ANYBODY)
    finally:
        built.root.chmod(0o755)
        built.path.chmod(0o644)
    assert code == 1 and "cannot be written" in said and "Traceback" not in said, said
    assert seen[0] == 0, "reading needs no permission to write"
    assert written_rows(built.path) == before


@needs_permissions
@pytest.mark.slow
def test_folders_that_may_not_be_written_are_named(built: Warehouse) -> None:
    closed = built.root / "closed"
    closed.mkdir()
    (closed / "report.html").write_text("old")
    closed.chmod(0o555)
    for command in (f"report --out {closed}/report.html", f"export --to {closed}"):
        code, said = ended(built, *command.split(), prefix=AS_ANYBODY)
        assert code == 2 and "cannot be written: Permission denied" in said, said
        assert "Traceback" not in said
    assert [path.name for path in closed.iterdir()] == ["report.html"]
    assert (closed / "report.html").read_text() == "old"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "size"), [("report --out {}/report.html", 60_000), ("export --to {}", 5_000)]
)
def test_a_full_disk_leaves_the_last_files(built: Warehouse, command: str, size: int) -> None:
    folder = built.root / "out"
    arguments = command.format(folder).split()
    assert ended(built, *arguments)[0] == 0
    before = contents(folder)
    # No file may grow beyond it, as on a full disk.
    code, said = ended(built, *arguments, prefix=("prlimit", f"--fsize={size}"))
    assert code == 2 and "File too large" in said and "Traceback" not in said, said
    assert contents(folder) == before == {path.name: before[path.name] for path in folder.iterdir()}


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_rows(built: Warehouse) -> None:
    before = written_rows(built.path)
    code, said = ended(built, "value", prefix=("prlimit", "--fsize=1000"))
    assert code == 1 and "There is no space left" in said and "Traceback" not in said, said
    assert written_rows(built.path) == before
    assert ended(built, "value")[0] == 0


# ---- files that vanish ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_file_that_vanishes_while_it_is_read_fails_by_name_and_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there when the files are listed, and gone when its rows are read."""
    from dbt.adapters.sql import SQLConnectionManager  # not when tests are collected

    good = first_warehouse(tmp_path_factory)
    warehouse = copy_of(good, tmp_path / "vanishing")
    gone = day_path(warehouse.export, new_export(SEED).dates[LATE])
    send = SQLConnectionManager.add_query

    def vanishing(manager: Any, sql: str, *arguments: Any, **named: Any) -> Any:
        if gone.name in sql and "create" in sql.lower():
            gone.unlink(missing_ok=True)
        return send(manager, sql, *arguments, **named)

    monkeypatch.setattr(SQLConnectionManager, "add_query", vanishing)
    outcome = warehouse.dbt("run")
    assert not gone.exists() and outcome.exit_code != 0
    assert gone.name in outcome.output
    assert_equal_tables(warehouse, good)
    # Gone for good, its day stays as it was loaded.
    warehouse.build()
    assert_equal_tables(warehouse, good)


# ---- clocks that are set back --------------------------------------------------------------------


@pytest.mark.slow
def test_a_clock_that_was_set_back_hides_no_new_file_and_no_new_load(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """The file came "before" the one it replaces, and the build began "before" the last one."""
    good = first_warehouse(tmp_path_factory)
    warehouse = copy_of(good, tmp_path / "clock")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("update stg_ga4__export_days set loaded_at = timestamp '2099-01-01'")
    export = new_export(SEED)
    day = export.dates[LATE]
    export.write(warehouse.export, day)
    long_ago = dt.datetime(2001, 1, 1).timestamp()
    os.utime(day_path(warehouse.export, day), (long_ago, long_ago))
    before = loads(warehouse)
    warehouse.build()
    after = loads(warehouse)
    assert after[day] > before[day], "the day was not read again, or counts as an older load"
    assert {loaded for loaded in after.values() if loaded > before[day]} == {after[day]}
    assert warehouse.rows("select max(event_date) from stg_ga4__export_days") == good.rows(
        "select max(event_date) from stg_ga4__export_days"
    )


def test_the_last_run_is_the_last_in_the_log_whatever_its_time(tmp_path: Path) -> None:
    log, clock = tmp_path / "daily.jsonl", TestClock()
    for run_id, back in (("later", 0), ("earlier", -86_400)):
        clock.passed = back
        RunLog(log, run_id, clock).add("run_started", scope="2026-11-22", stages=["build"])
    found = last_run(log)
    assert found is not None and found.run_id == "earlier"


def test_time_that_is_set_back_ends_no_wait_and_prolongs_none() -> None:
    class SetBack(TestClock):
        def now(self) -> dt.datetime:
            return self.at - dt.timedelta(days=self.passed)

    deadline = Deadline(clock := SetBack(), 10)
    clock.sleep(4)
    assert deadline.left() == 6
    clock.sleep(7)
    assert deadline.left() == 0


def loads(warehouse: Warehouse) -> dict[dt.date, dt.datetime]:
    return dict(warehouse.rows("select event_date, loaded_at from stg_ga4__export_days"))


# ---- permissions ---------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_list_keeps_its_permissions_and_a_new_one_gets_the_usual(tmp_path: Path) -> None:
    shared, fresh = tmp_path / "shared.csv", tmp_path / "fresh.csv"
    shared.write_text("old")
    shared.chmod(0o664)
    before = os.umask(0o027)
    try:
        replace_file(b"new", shared)
        replace_file(b"new", fresh)
    finally:
        os.umask(before)
    assert (mode(shared), mode(fresh)) == (0o664, 0o640)


def test_what_a_daily_run_makes_is_its_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touching(arguments: list[str]) -> list[str]:
        return [sys.executable, "-c", f"open({str(tmp_path / 'warehouse')!r}, 'w')"]

    monkeypatch.setattr(process, "command_line", touching)
    for name in ("dbt_project.yml", "profiles.yml"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    monkeypatch.delenv("DBT_TARGET_PATH", raising=False)
    before = os.umask(0o022)
    try:
        stage = Stage("build", (("dbt", "build"),), limit=60)
        assert Session(tmp_path, tmp_path / "logs" / "daily.jsonl", Clock()).run([stage], "x") == 0
        assert os.umask(0o022) == 0o022, "the caller's umask is as it was"
    finally:
        os.umask(before)
    made = [tmp_path / "warehouse", *(tmp_path / "logs").rglob("*")]
    assert len(made) >= 4
    assert {mode(path) for path in made if path.is_file()} == {0o600}
    assert {mode(path) for path in made if path.is_dir()} == {0o700}
