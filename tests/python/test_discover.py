"""`microconv discover` counts what is in the files, knows the catalog, and shows no value."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from microconv.cli import app
from microconv.demo import generate_demo
from microconv.discover.read import read_files, read_staged
from microconv.discover.suggest import suggest
from typer.testing import CliRunner, Result

PROJECT = Path(__file__).resolve().parents[2]
UNTIL = date(2026, 11, 8)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days of a SaaS site; the third has a daily and an intraday table."""
    folder = tmp_path_factory.mktemp("discover")
    generate_demo(folder, days=4, visitors_per_day=60, seed=4, until=UNTIL, vertical="saas")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the seeds of a fresh clone."""
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    (tmp_path / "dbt_project.yml").write_text("name: p\n")
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    for name in ("SEEDS_PATH", "GA4_EXPORT_FILES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def discover(export: Path, *arguments: str) -> Result:
    pattern = f"{export}/events_*.parquet"
    return CliRunner().invoke(app, ["discover", "--export", pattern, *arguments])


def rows_of(export: Path) -> list[dict[str, Any]]:
    """Every row of each day's first-choice table."""
    paths = [path for path in export.glob("events_*.parquet") if "20261106" not in path.name]
    paths.append(export / "events_20261106.parquet")
    columns = ["event_name", "user_pseudo_id", "event_params"]
    return [row for path in paths for row in pq.read_table(path, columns=columns).to_pylist()]


def found_in(export: Path) -> dict[str, dict[str, Any]]:
    events = json.loads(discover(export, "--format", "json").stdout)["events"]
    return {event["name"]: event for event in events}


def test_counts_are_those_of_a_walk_through_the_rows(project: Path, export: Path) -> None:
    rows = [row for row in rows_of(export) if (row["event_name"] or "").strip()]
    events = Counter(row["event_name"] for row in rows)
    visitors = {name: set() for name in events}  # type: ignore[var-annotated]
    parameters: Counter[tuple[str, str]] = Counter()
    types: dict[tuple[str, str], set[str]] = {}
    marked: Counter[str] = Counter()
    for row in rows:
        name = row["event_name"]
        if row["user_pseudo_id"] is not None:
            visitors[name].add(row["user_pseudo_id"])
        for pair in row["event_params"]:
            key = (name, pair["key"])
            parameters[key] += 1
            types.setdefault(key, set()).update(
                kind.removesuffix("_value")
                for kind, value in pair["value"].items()
                if value is not None
            )
            marked[name] += pair["key"] == "firebase_conversion"
    found = found_in(export)
    assert {name: one["event_count"] for name, one in found.items()} == events
    assert {name: one["visitor_count"] for name, one in found.items()} == {
        name: len(seen) for name, seen in visitors.items()
    }
    assert {name: one["key_event_count"] for name, one in found.items()} == {
        name: marked[name] for name in events
    }
    assert {n: c for n, c in marked.items() if c}.keys() <= {"purchase", "sign_up"}
    listed = {
        (name, parameter["name"]): (parameter["event_count"], set(parameter["types"]))
        for name, one in found.items()
        for parameter in one["parameters"]
    }
    assert listed == {key: (count, types[key]) for key, count in parameters.items()}


def test_the_most_frequent_event_comes_first(project: Path, export: Path) -> None:
    counts = [one["event_count"] for one in found_in(export).values()]
    assert counts == sorted(counts, reverse=True) and len(counts) > 15


def test_what_the_catalog_knows_and_what_it_could_learn(project: Path, export: Path) -> None:
    found = found_in(export)
    assert found["purchase"]["catalogued_as"] == ["purchase"]
    assert found["purchase"]["suggestion"] is None
    assert found["page_view"]["catalogued_as"] == ["sign_up"]
    assert found["page_view"]["is_catalogued_on_conditions"] is True
    assert found["purchase"]["is_catalogued_on_conditions"] is False
    assert found["session_start"]["suggestion"]["conversion_type"] is None
    assert found["tutorial_complete"]["suggestion"] == {
        "conversion_type": "micro",
        "milestone_type": "process_milestone",
        "funnel_stage": "consideration",
        "rule": "name: GA4 gives it this meaning",
    }
    assert found["invite_member"]["suggestion"]["rule"] == "word: “invite” in its name"


def test_the_starter_of_the_export_knows_its_events(
    project: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left are GA4's automatic events and those that lead on to a catalogued one."""
    CliRunner().invoke(app, ["init", "--vertical", "saas", "--to", str(project / "mine")])
    monkeypatch.setenv("SEEDS_PATH", "mine")
    left = {
        name
        for name, one in found_in(export).items()
        if one["suggestion"] and one["suggestion"]["conversion_type"]
    }
    assert left == {
        "form_submit",
        "share",
        "tutorial_begin",
        "tutorial_complete",
        "video_complete",
        "video_progress",
    }


@pytest.mark.parametrize(
    ("name", "is_key", "expected"),
    [
        ("request_callback", True, ("macro", "conversion", "key event")),
        ("scroll", False, ("micro", "awareness", "name")),
        ("download_brochure", False, ("micro", "interest", "word")),
        ("open_quote_form", False, ("micro", "intent", "word")),
        ("js_error", False, (None, None, "word")),
        ("refund", False, (None, None, "name")),
        ("xyz", False, ("micro", "interest", "none of the rules")),
    ],
)
def test_suggestions_follow_stated_rules(
    name: str, is_key: bool, expected: tuple[str | None, str | None, str]
) -> None:
    found = suggest(name, is_key, is_automatic=False)
    assert (found.conversion_type, found.funnel_stage) == expected[:2]
    assert found.rule.startswith(expected[2])


def test_automatic_events_are_no_conversions_even_as_key_events() -> None:
    assert suggest("first_open", True, is_automatic=True).conversion_type is None


@pytest.mark.parametrize("output_format", ["table", "csv", "json"])
def test_no_value_of_a_parameter_is_shown(project: Path, export: Path, output_format: str) -> None:
    text = discover(export, "--format", output_format).stdout
    assert "page_location" in text
    values = {
        pair["value"]["string_value"] for row in rows_of(export) for pair in row["event_params"]
    }
    # A single word, such as the source `newsletter`, may be part of a name in the catalog.
    telling = {value for value in values if value and not value.replace("_", "").isalnum()}
    assert len(telling) > 50
    assert [value for value in telling if len(value) > 3 and value in text] == []


def test_csv_has_a_row_per_event_and_parameter(project: Path, export: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(discover(export, "--format", "csv").stdout)))
    events = [row for row in rows if not row["parameter_name"]]
    found = found_in(export)
    assert {row["event_name"] for row in events} == found.keys()
    assert len(rows) - len(events) == sum(len(one["parameters"]) for one in found.values())


def test_it_writes_nothing(project: Path, export: Path) -> None:
    def state() -> dict[str, bytes]:
        folders = (project, export)
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in files}

    before = state()
    assert discover(export).exit_code == 0
    assert state() == before


def test_the_newest_days_alone(project: Path, export: Path) -> None:
    found = json.loads(discover(export, "--days", "2", "--format", "json").stdout)
    assert (found["first_date"], found["last_date"]) == ("2026-11-07", "2026-11-08")
    assert found["day_count"] == 2 and found["place"] == "2 export files"
    assert discover(export, "--days", "0").exit_code == 2


def test_no_files_is_a_plain_error(project: Path) -> None:
    done = CliRunner().invoke(app, ["discover", "--export", "/nowhere/*.parquet"])
    assert done.exit_code == 1 and done.stdout == ""
    assert "No export files match" in done.stderr and "Traceback" not in done.stderr


class Staged:
    """A warehouse whose staged events are the rows of the files."""

    is_duckdb = True
    place = "here"

    def __init__(self, export: Path) -> None:
        self.duck = duckdb.connect()
        files = f"{export}/events_2*.parquet"
        self.duck.execute(f"""
            create table events as select
                event_name, user_pseudo_id, event_params,
                cast(strptime(regexp_extract(filename, '([0-9]{{8}})', 1), '%Y%m%d') as date)
                    as event_date
            from read_parquet('{files}', union_by_name = true, filename = true)
            where event_name is not null
        """)

    def relation(self, model: str) -> str:
        assert model in ("stg_ga4__events", "stg_ga4__export_days")
        return "events"

    def run_query(self, sql: str) -> list[dict[str, Any]]:
        cursor = self.duck.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_staged_events_are_counted_like_files(export: Path) -> None:
    warehouse: Any = Staged(export)
    staged = read_staged(warehouse, 2)
    files = read_files(f"{export}/events_2*.parquet", PROJECT, 2)
    assert (staged.first_date, staged.last_date) == (files.first_date, files.last_date)
    assert staged.events == files.events
