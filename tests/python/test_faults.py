"""A run that dies or meets bad input leaves the last good tables, and the next one mends it."""

from __future__ import annotations

import contextlib
import re
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from project_run import Warehouse
from small_export import day_path
from warehouse_states import (
    LATE,
    NO_TESTS,
    SEED,
    Night,
    assert_equal_tables,
    assert_mended,
    copy_of,
    eventful_night_at_once,
    first_differences,
    first_warehouse,
    new_export,
)

PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse built from good files. Tests copy it."""
    return first_warehouse(tmp_path_factory)


@pytest.fixture(scope="module")
def night(good: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Late hits and a day delivered again, on top of the good warehouse."""
    return Night(good, eventful_night_at_once(tmp_path_factory))


# ---- a process that is killed --------------------------------------------------------------------


def started_build(warehouse: Warehouse, moment: str) -> tuple[Any, Path]:
    """Starts a build and waits until its log holds `moment`; returns the process and the log."""
    (warehouse.root / "dbt.log").unlink(missing_ok=True)  # the log of the run before
    process, log = warehouse.start("build", *NO_TESTS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (log.exists() and re.search(moment, log.read_text(errors="replace"))):
        assert process.is_alive(), f"the build ended before {moment!r}"
        assert time.monotonic() < deadline, f"no {moment!r} in {PATIENCE_SECONDS} s"
        time.sleep(0.005)
    return process, log


def killed_build(warehouse: Warehouse, moment: str, delay_seconds: float) -> None:
    """Starts a build and kills it, without warning, some time after its log holds `moment`."""
    process, _ = started_build(warehouse, moment)
    time.sleep(delay_seconds)
    process.kill()
    process.join()
    assert process.exitcode == -9, "the build ended before it was killed"


def started(model: str) -> str:
    return rf"START sql \w+ model main\.{model} "


# A moment is what the log must hold, and the seconds from then on until the process is killed.
FIRST_BUILD_MOMENTS = [
    (started("base_ga4__events"), 0.3),
    (started("fct_sessions"), 0.02),
    (started("mart_segment_conversions"), 0.1),
]
LATER_BUILD_MOMENTS = [
    (started("base_ga4__events"), 0.2),
    (started("int_visitor_device_days"), 0.1),
    (started("int_conversions_counted"), 0.15),
    (started("fct_sessions"), 0.1),
    (started("int_export_days_processed"), 0),
]
ONE_MOMENT = pytest.param(slice(1, 2), id="at one moment", marks=pytest.mark.slow)
TWO_MOMENTS = pytest.param(slice(1, 5, 3), id="at two", marks=pytest.mark.slow)
# Every moment, which takes minutes, is for `make test-long`.
ALL_MOMENTS = pytest.param(slice(None), id="at every moment", marks=pytest.mark.long)


@pytest.mark.parametrize("chosen", [ONE_MOMENT, ALL_MOMENTS])
def test_killed_first_builds_leave_whole_tables_and_the_next_build_all(
    good: Warehouse, tmp_path: Path, chosen: slice
) -> None:
    warehouse = Warehouse(tmp_path, pattern=good.environment["GA4_EXPORT_FILES"])
    for moment, delay in FIRST_BUILD_MOMENTS[chosen]:
        killed_build(warehouse, moment, delay)
        partial = first_differences(warehouse, good, left_may_lack_tables=True)
        assert not partial, "\n".join([f"killed after {moment}:", *partial])
    warehouse.build()
    assert_mended(warehouse, good)


@pytest.mark.parametrize("chosen", [TWO_MOMENTS, ALL_MOMENTS])
def test_killed_incremental_builds_show_old_or_new_tables_and_the_next_build_all_new(
    night: Night, tmp_path: Path, chosen: slice
) -> None:
    warehouse = night.begin(tmp_path)
    for moment, delay in LATER_BUILD_MOMENTS[chosen]:
        killed_build(warehouse, moment, delay)
        night.assert_each_table_is_old_or_new(warehouse, f"killed after {moment}")
    assert_a_second_run_is_refused_while_one_runs(warehouse)
    assert_mended(warehouse, night.new)


@dataclass
class SecondRun(Warehouse):
    """Another run on the DuckDB file of a warehouse, with logs of its own."""

    taken_path: Path = Path()

    @property
    def path(self) -> Path:
        return self.taken_path


def assert_a_second_run_is_refused_while_one_runs(warehouse: Warehouse) -> None:
    """Two builds at once: the later one says that the file is taken, the earlier one succeeds."""
    process, log = started_build(warehouse, "START")
    second = SecondRun(
        warehouse.root / "second",
        pattern=warehouse.environment["GA4_EXPORT_FILES"],
        taken_path=warehouse.path,
    )
    refused = second.dbt("build", *NO_TESTS)
    process.join()
    assert process.exitcode == 0, log.read_text()[-3000:]
    assert refused.exit_code != 0
    assert "Could not set lock on file" in refused.output
    assert warehouse.path.name in refused.output


# ---- bad input -----------------------------------------------------------------------------------


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def truncated_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4000])


def damaged_file(path: Path) -> None:
    """Right at its ends, noise in between, so that only reading the rows finds out."""
    content = path.read_bytes()
    path.write_bytes(content[:2000] + b"\xff" * 1000 + content[3000:])


def text_file(path: Path) -> None:
    path.write_text("event_date,event_name\n20251104,page_view\n" * 20)


def table_of_something_else(path: Path) -> None:
    duckdb.sql(f"copy (select 1 as order_id, 'x' as customer) to '{path}' (format parquet)")


def parameters_as_text(path: Path) -> None:
    duckdb.sql(
        "copy (select '20251104' as event_date, 1762268400000000 as event_timestamp,"
        " 'page_view' as event_name, '1.1' as user_pseudo_id, 'a=1' as event_params)"
        f" to '{path}' (format parquet)"
    )


BAD_FILES = [
    (empty_file, "too small to be a Parquet file"),
    (truncated_file, "No magic bytes found"),
    (damaged_file, "Failed to read file"),
    (text_file, "No magic bytes found"),
    (table_of_something_else, "is no day of a GA4 export"),
    (parameters_as_text, 'failed to cast column "event_params"'),
]


@pytest.mark.parametrize(
    ("spoil", "message"), BAD_FILES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_bad_file_fails_by_name_and_leaves_the_last_good_tables(
    good: Warehouse, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    export = new_export(SEED)
    warehouse = copy_of(good, tmp_path)
    bad = day_path(warehouse.export, export.dates[LATE])
    spoil(bad)
    outcome = warehouse.dbt("run")
    assert outcome.exit_code != 0
    assert message in outcome.output
    assert bad.name in outcome.output
    assert outcome.output.count("Failure in model") == 1, "one clear message"
    assert_equal_tables(warehouse, good)


def test_no_files_at_all_says_what_was_looked_for_and_leaves_the_last_good_tables(
    good: Warehouse, tmp_path: Path
) -> None:
    warehouse = copy_of(good, tmp_path)
    warehouse.pattern = str(tmp_path / "nowhere" / "events_*.parquet")
    outcome = warehouse.dbt("run")
    assert outcome.exit_code != 0
    assert f"No GA4 export files match GA4_EXPORT_FILES = '{warehouse.pattern}'" in outcome.output
    assert "make demo" in outcome.output
    assert outcome.output.count("Failure in model") == 1, "one clear message"
    assert_equal_tables(warehouse, good)


# ---- a disk that fills ---------------------------------------------------------------------------


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Lets no process started within write a file beyond `size` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
def test_a_full_disk_says_so_and_leaves_the_last_good_tables(night: Night, tmp_path: Path) -> None:
    warehouse = night.begin(tmp_path)
    largest = max(file.stat().st_size for file in warehouse.root.glob("micro_conversions.duckdb*"))
    with files_no_larger_than(largest + 900_000):
        outcome = warehouse.dbt("build", *NO_TESTS)
    assert outcome.exit_code != 0
    assert re.search("File too large|No space left on device", outcome.output), outcome.output
    night.assert_each_table_is_old_or_new(warehouse, "on a full disk")
    warehouse.build()
    assert_mended(warehouse, night.new)
