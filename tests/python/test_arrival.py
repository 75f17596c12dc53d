"""Waiting for a day's export: bounded, by the property's own date, and only for what is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from microconv.arrival.places import Files, Shard, Tables, datasets_of
from microconv.arrival.wait import Awaited, Look, look, wait_for
from microconv.cli import app
from microconv.clock import Clock, seconds_of, yesterday
from microconv.errors import MicroconvError
from project_run import PROJECT
from typer import BadParameter
from typer.testing import CliRunner, Result

DAY = date(2026, 11, 22)


@dataclass
class TestClock(Clock):
    """Time that passes by sleeping only; at some seconds something happens."""

    __test__ = False
    at: datetime = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    passed: float = 0.0
    happenings: dict[float, Callable[[], object]] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.passed)

    def seconds(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.passed += seconds
        for moment in [one for one in self.happenings if one <= self.passed]:
            self.happenings.pop(moment)()


def write_day(folder: Path, name: str, rows: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    duckdb.sql(f"copy (select range as n from range({rows})) to '{path}' (format parquet)")
    return path


def files(folder: Path) -> Files:
    return Files(str(folder / "**" / "events_*.parquet"), PROJECT)


# ---- which day -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time_zone", "day"),
    [
        ("UTC", date(2026, 11, 22)),
        ("America/New_York", date(2026, 11, 21)),  # where it is still the 22nd
        ("Pacific/Auckland", date(2026, 11, 22)),
    ],
)
def test_yesterday_is_the_day_that_is_over_where_the_property_is(time_zone: str, day: date) -> None:
    assert yesterday(time_zone, TestClock()) == day


def test_yesterday_after_a_day_of_25_hours_is_that_day() -> None:
    """Clocks went back on 1 November 2026 in New York: its midnight is 05:00 UTC, not 04:00."""
    just_before = TestClock(at=datetime(2026, 11, 2, 4, 59, tzinfo=UTC))
    assert yesterday("America/New_York", just_before) == date(2026, 10, 31)
    just_before.passed = 60
    assert yesterday("America/New_York", just_before) == date(2026, 11, 1)


def test_a_wrong_time_zone_is_refused_in_a_sentence() -> None:
    with pytest.raises(MicroconvError, match="There is no time zone 'Mars/Olympus'"):
        yesterday("Mars/Olympus", TestClock())


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90s", 90), ("6h", 21600), ("7d", 604800)]
)
def test_times_are_read(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "-1h", "8d", "1.5h", "h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="is no time"):
        seconds_of(text)


# ---- one look ------------------------------------------------------------------------------------


def missing(found: Look) -> str:
    return " ".join(found.missing)


def test_a_daily_file_with_rows_is_the_days_export(tmp_path: Path) -> None:
    write_day(tmp_path, "events_20261122.parquet")
    assert look(files(tmp_path), Awaited(DAY)).is_here


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "is not there."),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is not whole"),
        (lambda path: path.write_bytes(b""), "is not whole"),
        (lambda path: write_day(path.parent, path.name, rows=0), "has no rows"),
        (lambda path: path.rename(path.with_name("events_20261121.parquet")), "is not there."),
        (lambda path: path.rename(path.with_name("events_20269922.parquet")), "is not there."),
    ],
)
def test_what_is_not_a_whole_day_is_not_its_export(
    tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(write_day(tmp_path, "events_20261122.parquet"))
    assert said in missing(look(files(tmp_path), Awaited(DAY)))


def test_an_intraday_file_is_not_final_and_will_do_only_if_asked_for(tmp_path: Path) -> None:
    write_day(tmp_path, "events_intraday_20261122.parquet")
    assert "not final yet: there is only its intraday table" in missing(
        look(files(tmp_path), Awaited(DAY))
    )
    assert look(files(tmp_path), Awaited(DAY, takes_any=True)).is_here


def test_every_property_must_have_the_day_unless_it_ended_long_ago(tmp_path: Path) -> None:
    write_day(tmp_path / "analytics_1", "events_20261122.parquet")
    write_day(tmp_path / "analytics_2", "events_20261121.parquet")
    write_day(tmp_path / "analytics_3", "events_20260101.parquet")
    found = look(files(tmp_path), Awaited(DAY))
    assert found.missing == ("The export of 2026-11-22 of property 2 is not there.",)
    assert found.newest == DAY


# ---- waiting -------------------------------------------------------------------------------------


def test_waiting_ends_when_the_file_is_whole_not_when_it_is_begun(tmp_path: Path) -> None:
    whole = write_day(tmp_path / "elsewhere", "events_20261122.parquet").read_bytes()
    arriving = tmp_path / "export" / "events_20261122.parquet"
    arriving.parent.mkdir()
    clock = TestClock(
        happenings={
            3000: lambda: arriving.write_bytes(whole[:100]),
            5000: lambda: arriving.write_bytes(whole),
        }
    )
    said: list[str] = []
    found = wait_for(files(arriving.parent), Awaited(DAY), 21600, 600, clock, said.append)
    assert found.is_here
    assert clock.passed == 5400  # the first look after it was whole
    assert len(said) == 2, "a sentence whenever what is missing changes"


def test_waiting_is_bounded_and_looks_once_more_at_its_end(tmp_path: Path) -> None:
    clock = TestClock()
    found = wait_for(files(tmp_path), Awaited(DAY), 1500, 600, clock, lambda sentence: None)
    assert not found.is_here
    assert clock.passed == 1500


def test_no_patience_looks_once(tmp_path: Path) -> None:
    clock = TestClock()
    assert not wait_for(files(tmp_path), Awaited(DAY), 0, 600, clock, print).is_here
    assert clock.passed == 0


@dataclass
class ShakyPlace:
    """A warehouse that is out of reach for some looks."""

    failing: int
    properties: list[str] = field(default_factory=lambda: ["1"])

    def shards(self, day: date | None = None) -> list[Shard]:
        self.failing -= 1
        if self.failing >= 0:
            raise MicroconvError("The warehouse is out of reach.")
        return [Shard("1", DAY, "daily")]


def test_a_look_that_fails_counts_as_not_yet() -> None:
    assert wait_for(ShakyPlace(2), Awaited(DAY), 3600, 600, TestClock(), lambda _: None).is_here
    with pytest.raises(MicroconvError, match="out of reach"):
        wait_for(ShakyPlace(99), Awaited(DAY), 3600, 600, TestClock(), lambda _: None)


# ---- BigQuery ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "datasets"),
    [
        ({"ga4_dataset": "shop.analytics_1"}, {"1": "shop.analytics_1"}),
        ({"ga4_dataset": "analytics_1", "ga4_project": "shop"}, {"1": "shop.analytics_1"}),
        ({"ga4_dataset": "analytics_1"}, {"1": "target.analytics_1"}),
        ({"ga4_dataset": "other"}, {"property": "target.other"}),
        (
            {"ga4_properties": [{"dataset": "a.analytics_1"}, {"dataset": "b", "property_id": 2}]},
            {"1": "a.analytics_1", "2": "target.b"},
        ),
    ],
)
def test_datasets_are_those_that_a_build_reads(
    variables: dict[str, object], datasets: dict[str, str]
) -> None:
    assert datasets_of(variables, "target") == datasets


def test_a_dataset_that_could_end_the_statement_is_refused() -> None:
    with pytest.raises(MicroconvError, match="is no dataset of BigQuery"):
        Tables({"1": "shop.a` where true --"}, PROJECT).query()


def test_tables_are_known_by_name_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answering:
        def run_query(self, sql: str) -> list[dict[str, object]]:
            names = {"events_20261122": 0, "events_20261121": 5, "events_intraday_20261122": 7}
            return [
                {"property_id": "1", "table_id": name, "row_count": rows}
                for name, rows in names.items()
            ]

    @contextmanager
    def opened(*_: object) -> Iterator[Answering]:
        yield Answering()

    monkeypatch.setattr("microconv.profile.open_warehouse", opened)
    place = Tables({"1": "shop.analytics_1", "2": "shop.analytics_2"}, PROJECT)
    assert look(place, Awaited(DAY)).missing == (
        "The export of 2026-11-22 of property 1 has no rows.",
        "The export of 2026-11-22 of property 2 is not there.",
    )
    assert [one.kind for one in place.shards(DAY)] == ["daily", "daily", "intraday"]


# ---- the command ---------------------------------------------------------------------------------


@pytest.fixture
def in_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DBT_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(PROJECT))
    monkeypatch.setenv("GA4_EXPORT_FILES", str(tmp_path / "events_*.parquet"))
    monkeypatch.delenv("DBT_TARGET", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_wait_exits_with_3_until_the_day_is_there(in_project: Path) -> None:
    write_day(in_project, "events_20261121.parquet")
    late = run("wait", "--day", "2026-11-22")
    assert late.exit_code == 3
    assert late.stderr.splitlines() == [
        "microconv: The export of 2026-11-22 is not there.",
        "The newest day there is 2026-11-21.",
    ]
    write_day(in_project, "events_20261122.parquet")
    assert run("wait", "--day", "2026-11-22").exit_code == 0


def test_a_wrong_call_is_2(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("wait", "--day", "yesterday").exit_code == 2
    assert run("wait", "--for", "long").exit_code == 2
    monkeypatch.setenv("GA4_EXPORT_FILES", "gs://bucket/events_*.parquet")
    refused = run("wait")
    assert refused.exit_code == 2
    assert "Files behind an address" in refused.stderr
