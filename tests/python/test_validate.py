"""`microconv validate`: a healthy export keeps its contract, and every rule of it can be broken."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import socket
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from microconv.check.settings import contract_problems
from microconv.cli import app
from microconv.clock import Clock
from microconv.errors import MicroconvError
from microconv.validate import page, words
from microconv.validate.contract import RULES, SEVERITIES, contract
from microconv.validate.expect import Finding, Judged
from microconv.validate.measures import Measures, Row, divergence, measure
from microconv.validate.outcome import Outcome, run
from microconv.validate.read import Profile, Table
from project_run import shared_folder
from scipy.stats import entropy
from typer.testing import CliRunner, Result
from validate_case import LAST, NAMES, ROWS, Day, link_days, some, write_day, write_days

PROJECT = Path(__file__).resolve().parents[2]
REAL_EXPORT = os.environ.get("GA4_REAL_EXPORT_FILES", "")
KEY = "property"


# ---- measures, without Great Expectations --------------------------------------------------------


def profile(counts: dict[date, dict[str, int]], judged: date, **changed: Any) -> Profile:
    """A property whose days hold these events."""
    keys = [(KEY, day) for day in counts]
    made = Profile(
        place="export files",
        tables=tuple(Table(KEY, day, "daily", f"{day:%Y%m%d}") for day in counts),
        days=(),
        mix={(KEY, day): mix for day, mix in counts.items()},
        lacking=dict.fromkeys(keys, ()),
        kinds=dict.fromkeys(keys, "daily"),
        judged=((KEY, judged),),
    )
    return replace(made, **changed)


def weeks(today: dict[str, int], usual: dict[str, int] | None = None) -> dict[date, dict[str, int]]:
    """Four weeks in which a week-end has half of the rows, then a day."""
    usual = usual or {"page_view": 900, "purchase": 100}
    days = {}
    for back in range(28, 0, -1):
        day = LAST - timedelta(days=back)
        half = 2 if day.weekday() >= 5 else 1
        days[day] = {name: count // half for name, count in usual.items()}
    return days | {LAST: today}


def measured(counts: dict[date, dict[str, int]], **changed: Any) -> Measures:
    return measure(profile(counts, LAST, **changed), {}, None)


def test_a_day_is_compared_with_its_own_weekday() -> None:
    assert LAST.weekday() == 6
    [day] = measured(weeks({"page_view": 450, "purchase": 50})).days
    assert (day["expected_row_count"], day["volume_ratio"], day["volume_z"]) == (500, 1, 0)
    [day] = measured(weeks({"page_view": 900, "purchase": 100})).days
    assert day["volume_z"] == pytest.approx(math.log(2) / 0.1)


def test_one_odd_day_before_does_not_hide_the_next() -> None:
    counts = weeks({"page_view": 100})
    counts[LAST - timedelta(days=3)] = {"page_view": 1}
    [day] = measured(counts).days
    assert day["volume_z"] == pytest.approx(math.log(100 / 500) / 0.1)


def test_days_that_differ_much_allow_more() -> None:
    generator = np.random.default_rng(5)
    counts = {
        day: {"page_view": int(1000 * math.exp(generator.normal(0, 0.5)))}
        for day in (LAST - timedelta(days=back) for back in range(28, 0, -1))
    }
    [day] = measured(counts | {LAST: {"page_view": 300}}).days
    assert isinstance(day["volume_z"], float) and -4 < day["volume_z"] < -1


def test_fewer_than_seven_days_before_tell_nothing() -> None:
    counts = dict(list(weeks({"page_view": 1}).items())[-7:])
    found = measured(counts)
    assert found.untold == [(KEY, LAST)] and found.events == []
    assert [found.days[0][name] for name in ("volume_z", "volume_ratio", "mix_divergence")] == [
        None
    ] * 3
    assert "We cannot tell whether 2026-11-08 is as usual" in words.untold(found)


def test_divergence_is_that_of_kullback_and_leibler() -> None:
    day, before = {"a": 7_000_000, "b": 3_000_000}, {"a": 5_000_000, "b": 5_000_000}
    assert divergence(day, before) == pytest.approx(entropy([0.7, 0.3], [0.5, 0.5]), rel=1e-5)
    assert divergence(before, before) == 0


def test_divergence_of_chance_alone_is_about_nothing() -> None:
    generator = np.random.default_rng(1)
    shares = [0.5, 0.3, 0.15, 0.05]
    before = dict(zip("abcd", generator.multinomial(100_000, shares).tolist(), strict=True))
    found = [
        divergence(
            dict(zip("abcd", generator.multinomial(200, shares).tolist(), strict=True)), before
        )
        for _ in range(500)
    ]
    assert np.mean(found) < 0.006 and max(found) < 0.15


def test_a_name_that_is_new_does_not_make_it_infinite() -> None:
    assert 0.2 < divergence({"a": 90, "new": 10}, {"a": 10_000}) < 1


def test_a_field_is_lost_only_against_tables_of_its_kind() -> None:
    counts = weeks({"page_view": 1})
    keys = [(KEY, day) for day in counts]
    lacking: dict[Any, tuple[str, ...]] = dict.fromkeys(keys, ())
    lacking[KEY, LAST] = ("traffic_source.name",)
    assert measured(counts, lacking=lacking).days[0]["lost_fields"] == "traffic_source.name"
    kinds = dict.fromkeys(keys, "daily") | {(KEY, LAST): "intraday"}
    assert measured(counts, lacking=lacking, kinds=kinds).days[0]["lost_field_count"] == 0


def test_what_an_old_export_always_lacked_is_not_lost() -> None:
    counts = weeks({"page_view": 1})
    lacking = {(KEY, day): ("batch_page_id",) for day in counts}
    assert measured(counts, lacking=lacking).days[0]["lost_field_count"] == 0


def test_a_conversion_occurs_by_any_of_its_events() -> None:
    made = profile(weeks({"page_view": 1}), LAST)
    found = measure(made, {"buy": {"purchase", "sale"}, "lead": {"form"}}, None).catalog
    assert [(row["conversion_name"], bool(row["row_count"])) for row in found] == [
        ("buy", True),
        ("lead", False),
    ]


# ---- the contract -------------------------------------------------------------------------------


def test_rules_have_names_of_their_own_and_limits() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(any(rule.limit(one) is not None for one in SEVERITIES) for rule in RULES)


def test_a_project_changes_limits_or_switches_them_off() -> None:
    rules = {rule.name: rule for rule in contract({"session_ids": {"warning": 0.2}})}
    assert (rules["session_ids"].warning, rules["session_ids"].critical) == (0.2, 0.5)
    rules = {rule.name: rule for rule in contract({"no_gaps": {"warning": None}})}
    assert words.limits(rules["no_gaps"]) == "switched off"


@pytest.mark.parametrize(
    ("given", "words_said"),
    [
        ({"sesion_ids": {"warning": 1}}, "Did you mean 'session_ids'?"),
        ({"session_ids": {"warn": 1}}, "says no limits"),
        ({"session_ids": 0.5}, "says no limits"),
        ({"session_ids": {"warning": "much"}}, "is no limit"),
        ({"session_ids": {"warning": True}}, "is no limit"),
        ({"session_ids": {"warning": -1}}, "is no limit"),
        (["session_ids"], "is no mapping"),
    ],
)
def test_a_wrong_limit_is_refused(given: Any, words_said: str) -> None:
    [problem] = contract_problems({"export_contract": given})
    assert words_said in f"{problem.message} {problem.remedy}"
    assert problem.file == "dbt_project.yml" and problem.column == "export_contract"


def test_right_limits_are_taken() -> None:
    changed = {"session_ids": {"warning": 0.2, "critical": None}, "volume": {"warning": 6}}
    assert list(contract_problems({"export_contract": changed})) == []


def hostile_outcome() -> Outcome:
    rule = next(rule for rule in RULES if rule.name == "usual_events")
    name = "<script>alert('x')</script>"
    row: Row = {
        "property_id": KEY,
        "event_date": LAST,
        "event_name": name,
        "row_count": 1,
        "expected_row_count": 80.0,
    }
    made = profile(weeks({name: 1}), LAST)
    judged = [Judged(rule, 1, (Finding(rule, "warning", row, 0.0125),))]
    return Outcome(made, measure(made, {}, None), judged, False, 30)


def test_the_page_shows_names_as_text_and_asks_no_network() -> None:
    html = page.render(hostile_outcome(), is_warn_only=False)
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "default-src 'none'" in html
    assert not any(word in html for word in ("http:", "https:", "src=", "url(", "@import"))


# ---- on files -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_folder(tmp_path_factory, "validate_healthy", write_days)


@pytest.fixture
def export(healthy: Path, tmp_path: Path) -> Path:
    """A copy of the healthy export, for changing its newest day."""
    link_days(healthy, tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The project as it is shipped, on DuckDB."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "profiles.yml").write_text((PROJECT / "profiles.example.yml").read_text())
    monkeypatch.setenv("DBT_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(profiles))
    monkeypatch.delenv("DBT_TARGET", raising=False)


def judged(folder: Path, expected: date | None = None, pattern: str = "events_*") -> dict[str, str]:
    """Verdict by rule; rules that hold are left out."""
    found = run(PROJECT, str(folder / f"{pattern}.parquet"), None, expected, False)
    return {one.rule.name: one.verdict for one in found.judged if one.verdict != "ok"}


def replace_last(folder: Path, day: Day) -> None:
    (folder / f"events_{LAST:%Y%m%d}.parquet").unlink()
    write_day(folder, LAST, day)


def named(name: str, other: str) -> str:
    """The events with another name in place of one."""
    listed = ", ".join(f"'{other if one == name else one}'" for one in NAMES)
    return f"[{listed}][1 + cast(i % {len(NAMES)} as integer)]"


def params(session: str = "ga_session_id", page_key: str = "page_location") -> str:
    return (
        f"[{{'key': '{session}', 'value': {{'string_value': null::varchar, 'int_value': 1}}}}, "
        f"{{'key': '{page_key}', 'value': {{'string_value': 'x', 'int_value': null}}}}]"
    )


@pytest.mark.slow
def test_a_healthy_export_keeps_every_rule(healthy: Path) -> None:
    assert judged(healthy, LAST) == {}


EPOCH = "epoch_us(timestamp '2026-11-08 15:00:00')"
BROKEN: dict[str, tuple[Day, dict[str, str]]] = {
    "rows": (Day(0), {"rows": "critical"}),
    "a column that makes no event": (
        Day(columns={"user_pseudo_id": "i"}),
        {"fields": "critical", "lost_fields": "warning"},
    ),
    "a column": (Day(columns={"device": None}), {"lost_fields": "warning"}),
    "many rows": (Day(3 * ROWS), {"volume": "warning"}),
    "few rows": (Day(ROWS // 2), {"volume": "warning"}),
    "hardly any row": (Day(35), {"volume": "warning", "volume_floor": "critical"}),
    "some dates": (
        Day(columns={"event_date": some(0.02, "'20261107'", "event_date")}),
        {"event_dates": "warning"},
    ),
    "all dates": (Day(columns={"event_date": "'20261107'"}), {"event_dates": "critical"}),
    "some times": (
        Day(columns={"event_timestamp": some(0.02, "1", "event_timestamp")}),
        {"timestamps": "warning"},
    ),
    "seconds for microseconds": (
        Day(columns={"event_timestamp": f"{EPOCH} // 1000000 + i"}),
        {"timestamps": "critical"},
    ),
    "some names": (
        Day(columns={"event_name": some(0.02, "' '", "event_name")}),
        {"event_names": "warning"},
    ),
    "another time zone": (
        Day(columns={"event_timestamp": f"{EPOCH} + i * 1000000 + 50400000000"}),
        {"time_zone": "warning"},
    ),
    "visitors": (
        Day(columns={"user_pseudo_id": some(0.6, "'(not set)'", "user_pseudo_id")}),
        {"visitor_ids": "warning"},
    ),
    "sessions": (
        Day(columns={"event_params": some(0.1, params("ga_session"), "event_params")}),
        {"session_ids": "warning"},
    ),
    "all sessions": (
        Day(columns={"event_params": params("ga_session")}),
        {"session_ids": "critical"},
    ),
    "pages": (
        Day(columns={"event_params": some(0.1, params(page_key="page"), "event_params")}),
        {"pages": "warning"},
    ),
    "orders": (
        Day(
            columns={
                "ecommerce": "{'transaction_id': '(not set)', 'purchase_revenue_in_usd': 1::double}"
            }
        ),
        {"order_ids": "warning"},
    ),
    "revenue": (
        Day(
            columns={
                "ecommerce": "{'transaction_id': 't' || i, 'purchase_revenue_in_usd': 0::double}"
            }
        ),
        {"revenue": "warning"},
    ),
    "the mix": (
        Day(columns={"event_name": named("page_view", "view_item")}),
        {"event_mix": "warning", "usual_events": "warning"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_day_breaks_its_rule_and_no_other(export: Path, name: str) -> None:
    day, expected = BROKEN[name]
    replace_last(export, day)
    assert judged(export) == expected


@pytest.mark.slow
def test_an_event_that_falls_silent_is_named(export: Path) -> None:
    replace_last(export, Day(columns={"event_name": named("user_engagement", "scroll")}))
    found = run(PROJECT, str(export / "events_*.parquet"), None, None, False)
    [sentence] = words.sentences(found.judged, "warning")
    assert sentence.startswith(
        "usual_events (2026-11-08): 'user_engagement' is there 0 times where "
    )
    assert not found.is_broken


@pytest.mark.slow
def test_missing_days_second_tables_and_late_days_are_found(healthy: Path, tmp_path: Path) -> None:
    gap = tmp_path / "gap"
    link_days(healthy, gap, without=[LAST - timedelta(days=2)])
    assert judged(gap) == {"no_gaps": "warning"}
    twice = tmp_path / "twice"
    link_days(healthy, twice)
    write_day(twice / "copy", LAST, Day())
    assert judged(twice, pattern="**/events_*") == {"one_table": "critical"}
    assert judged(healthy, LAST + timedelta(days=1)) == {"freshness": "critical"}


@pytest.mark.slow
def test_a_conversion_whose_events_never_occur_is_named(tmp_path: Path) -> None:
    without = named("view_size_guide", "scroll")
    write_days(tmp_path, lambda day: Day(columns={"event_name": without}))
    assert judged(tmp_path) == {"catalogued_events": "warning"}


@pytest.mark.slow
def test_a_young_export_is_not_compared_but_judged(healthy: Path, tmp_path: Path) -> None:
    link_days(healthy, tmp_path, without=[LAST - timedelta(days=back) for back in range(5, 30)])
    found = judged(tmp_path)
    assert found == dict.fromkeys(
        ("volume", "volume_floor", "event_mix", "usual_events"), "cannot tell"
    )


# ---- the command --------------------------------------------------------------------------------


def call(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(
        app, ["validate", "--export", str(folder / "events_*.parquet"), *options]
    )


@pytest.mark.slow
def test_exit_codes_say_whether_a_build_may_go_on(export: Path) -> None:
    done = call(export)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "Validated the export: 19 of 19 rules hold."
    replace_last(export, Day(columns={"device": None}))
    assert (call(export).exit_code, call(export, "--strict").exit_code) == (0, 1)
    replace_last(export, Day(columns={"event_date": "'20261107'"}))
    broken = call(export)
    assert broken.exit_code == 1
    assert "critical – event_dates (2026-11-08): 100.0 % of 600 rows" in broken.stdout
    assert call(export, "--warn-only").exit_code == 0


@pytest.mark.slow
def test_what_cannot_be_judged_is_exit_code_2(export: Path, tmp_path: Path) -> None:
    nothing = call(tmp_path / "nothing")
    assert nothing.exit_code == 2 and "No GA4 export files match" in nothing.stderr
    assert call(export, "--warn-only", "--expect", "tomorrow").exit_code == 2
    assert "is no day" in call(export, "--expect", "2026-13-01").stderr
    (export / "events_20261107.parquet").unlink()
    write_day(export, date(2026, 11, 7), Day(columns={"event_name": None}))
    other = call(export, "--warn-only")
    assert other.exit_code == 2 and "is no day of a GA4 export" in other.stderr


def test_without_the_extra_a_sentence_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from microconv.validate import expect

    monkeypatch.setitem(sys.modules, "great_expectations", None)
    with pytest.raises(MicroconvError, match="make setup-validate"):
        expect.judge(Measures([], [], [], [], [], []), RULES, 30)


@pytest.mark.slow
def test_results_are_json_csv_and_a_page_and_nothing_is_sent(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    replace_last(export, Day(columns={"event_date": "'20261107'"}))
    out = tmp_path / "pages" / "validation.html"
    found = json.loads(call(export, "--format", "json", "--out", str(out)).stdout)
    assert found["ok"] is False and len(found["rules"]) == len(RULES) - 1
    assert [(one["rule"], one["severity"]) for one in found["findings"]] == [
        ("event_dates", "critical")
    ]
    assert out.stat().st_mode & 0o777 == 0o600 and "What breaks the contract" in out.read_text()
    rows = list(csv.DictReader(io.StringIO(call(export, "--format", "csv").stdout)))
    assert {row["rule"]: row["verdict"] for row in rows}["event_dates"] == "critical"


@pytest.mark.slow
def test_yesterday_is_the_propertys_own(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two hours past midnight in UTC is the evening before in America/New_York.
    moment = datetime.combine(LAST + timedelta(days=2), time(2), UTC)
    monkeypatch.setattr(Clock, "now", lambda _: moment)
    on_time = call(export, "--expect", "yesterday")
    assert on_time.exit_code == 0, on_time.stdout
    monkeypatch.setattr(Clock, "now", lambda _: moment + timedelta(hours=4))
    late = call(export, "--expect", "yesterday")
    assert late.exit_code == 1 and "freshness" in late.stdout


@pytest.mark.slow
@pytest.mark.skipif(not REAL_EXPORT, reason="GA4_REAL_EXPORT_FILES names no real export days")
def test_known_faults_of_the_real_days_are_named() -> None:
    found = run(PROJECT, REAL_EXPORT, 60, None, False)
    assert not found.is_broken
    said = {one.rule.name: one for one in found.judged if one.verdict != "ok"}
    assert set(said) == {
        *("no_gaps", "time_zone", "order_ids", "usual_events", "catalogued_events"),
    }
    silent = {
        (one.row["event_name"], one.row["event_date"]) for one in said["usual_events"].findings
    }
    assert silent == {("add_to_cart", date(2020, 11, day)) for day in (21, 22, 23)}
