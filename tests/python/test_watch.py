"""`microconv watch` over planted counts: what moved, what broke, who is told, what is written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
import yaml
from causal_words import FORBIDDEN
from evidence_warehouse import run, work_in
from microconv.watch.columns import TABLES
from microconv.watch.metrics import Foundations, Metric
from microconv.watch.tracking import Problem, Subject, suspect_days
from microconv.watching import DailyRate, Kind, Suspicion, Tracked
from project_run import PROJECT, shared_folder
from typer.testing import Result
from watch_case import (
    FLAG,
    LAST,
    LOST_REVENUE,
    MIX_SHIFT,
    MOBILE_DROP,
    NOTHING,
    OUTAGE,
    PAID_LESS,
    RISE,
    SLOW_DROP,
    SMALL_ORDERS,
    annotate,
    make_watched_project,
    planted_from,
)

Shop = Callable[..., Path]
SCHEMA = json.loads((PROJECT / "docs" / "watch.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def shop(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """A copy of the project with something planted, which commands find."""

    def find(*plants: str) -> Path:
        name = "_".join(plants)
        planted = shared_folder(
            tmp_path_factory, f"watch_{name}", lambda folder: _fill(folder, plants)
        )
        copy = tmp_path / name
        shutil.copytree(planted, copy)
        work_in(copy, monkeypatch)
        monkeypatch.delenv("MICROCONV_WEBHOOK", raising=False)
        return copy

    return find


def _fill(folder: Path, plants: tuple[str, ...]) -> None:
    make_watched_project(folder, plants)


def watched(*arguments: str) -> dict[str, Any]:
    """What `watch --format json` prints; it must fit the documented schema."""
    result = run("watch", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(found, SCHEMA)
    return found


def alert_of(found: dict[str, Any], metric: str, kind: str) -> dict[str, Any]:
    [alert] = [
        one for one in found["alerts"] if (one["metric_name"], one["metric_kind"]) == (metric, kind)
    ]
    return alert


def rows(project: Path, table: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        cursor = connection.execute(f"select * from marts.{table} order by all")
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# ---- what is planted is found and named ----------------------------------------------------------


def test_a_quiet_shop_stays_silent(shop: Shop) -> None:
    shop(NOTHING)
    found = watched("--since", "1d")
    assert found["alerts"] == [] and found["tracking"] == []
    assert {one["standing"] for one in found["rates"]} == {"watched"}
    assert run("watch", "--since", "1d", "--fail-on-findings").exit_code == 0
    assert run("watch", "--since", "1d").stdout.startswith("Nothing to tell: ")


def test_a_drop_on_mobile_is_found_in_the_cart_step_and_on_mobile(shop: Shop) -> None:
    shop(MOBILE_DROP)
    found = watched()
    alert = alert_of(found, "add_to_cart", "micro")
    assert alert["direction"] == "drop" and alert["is_ongoing"] and found["tracking"] == []
    main = {one["part_kind"]: one for one in alert["parts"] if one["is_main"]}
    assert main["segment_rate"]["part_value"] == "mobile"
    assert main["segment_rate"]["share"] >= 0.8
    assert main["step"]["part_value"] == "Added to cart" and main["step"]["share"] >= 0.8
    assert "mobile" in alert["next_look"] and "device is mobile" in alert["diagnosis"]
    # What comes later in the funnel is traced back to the same step and segment.
    purchase = alert_of(found, "purchase", "macro")
    assert "“Added to cart”" in purchase["diagnosis"] and "mobile" in purchase["diagnosis"]


def test_a_drop_that_shows_in_a_week_is_taken_apart_over_that_week(shop: Shop) -> None:
    """No day by itself says enough: the rule fires late, and speaks of the days before too."""
    shop(SLOW_DROP)
    alert = alert_of(watched(), "add_to_cart", "micro")
    [rule] = alert["rules"]
    assert rule["rule"] == "sustained" and rule["since"] > planted_from().isoformat()
    assert alert["looked_at_since"] == planted_from().isoformat()
    [segment] = [
        one for one in alert["parts"] if one["is_main"] and one["part_kind"] == "segment_rate"
    ]
    assert segment["part_value"] == "mobile" and segment["share"] >= 0.8
    days = (LAST - timedelta(days=3) - planted_from()).days + 1
    assert f"In {days} days " in alert["diagnosis"]
    assert planted_from().isoformat() in alert["next_look"]


def test_a_drop_in_one_browser_is_found_there(shop: Shop) -> None:
    project = shop(MOBILE_DROP)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("""
            update marts.mart_tracked_rates
            set segment_dimension = 'browser',
                segment_value = case when segment_value = 'mobile' then 'Safari' else 'Chrome' end
                    || case when segment_value = 'tablet' then ' OS' else '' end
            where segment_dimension = 'device_category'
        """)
    alert = alert_of(watched(), "add_to_cart", "micro")
    [segment] = [
        one for one in alert["parts"] if one["is_main"] and one["part_kind"] == "segment_rate"
    ]
    assert (segment["part_dimension"], segment["part_value"]) == ("browser", "Safari")
    assert "in Safari" in alert["next_look"] and "browser is Safari" in alert["diagnosis"]
    assert {one["segment_dimension"] for one in watched("--by", "browser")["rates"]} == {
        "all",
        "browser",
    }


def test_other_traffic_with_the_same_rates_is_named_as_mix(shop: Shop) -> None:
    shop(MIX_SHIFT)
    alert = alert_of(watched(), "add_to_cart", "micro")
    main = {one["part_kind"]: one for one in alert["parts"] if one["is_main"]}
    assert main["mix_of_dimension"]["part_dimension"] == "channel_group"
    assert main["mix_of_dimension"]["share"] >= 0.8 and main["mix"]["part_value"] == "Paid Social"
    assert "a larger part of the visits has channel Paid Social" in alert["next_look"]


def test_parts_of_a_kind_sum_to_the_change(shop: Shop) -> None:
    shop(MIX_SHIFT)
    alert = alert_of(watched(), "purchase", "macro")
    for kinds in (("volume", "rate"), ("step",)):
        shares = [one["share"] for one in alert["parts"] if one["part_kind"] in kinds]
        assert len(shares) > 1 and sum(shares) == pytest.approx(1)
    for dimension in ("device_category", "channel_group", "visitor_type"):
        shares = [
            one["share"]
            for one in alert["parts"]
            if one["part_dimension"] == dimension and one["part_kind"] in ("mix", "segment_rate")
        ]
        assert sum(shares) == pytest.approx(1)


def test_an_event_that_is_gone_is_tracking_and_no_behaviour(shop: Shop) -> None:
    project = shop(OUTAGE)
    found = watched()
    [problem] = found["tracking"]
    assert (problem["kind"], problem["name"]) == ("event gone", "begin_checkout")
    assert problem["since"] == planted_from().isoformat() and problem["is_ongoing"]
    assert "begin_checkout" not in {one["metric_name"] for one in found["alerts"]}
    standings = {one["metric_name"]: one["standing"] for one in found["rates"]}
    assert standings["begin_checkout"] == "tracking_suspect"
    [row] = [one for one in rows(project, "mart_alerts") if one["metric_kind"] == "tracking"]
    assert row["rule"] == "event gone" and row["diagnosis"] == "" and row["notifies"]


def test_revenue_that_is_lost_is_tracking(shop: Shop) -> None:
    shop(LOST_REVENUE)
    [problem] = watched()["tracking"]
    assert (problem["kind"], problem["name"]) == ("revenue missing", "purchase")
    assert problem["counted"] == 0 and problem["expected"] > 500


def test_a_flag_that_turns_in_all_events_is_one_problem(shop: Shop) -> None:
    shop(FLAG)
    [problem] = watched()["tracking"]
    assert problem["kind"] == "flag turned"
    assert (
        problem["name"] == "is_session_engaged of add_to_cart, begin_checkout, page_view and 2 more"
    )


def test_a_rise_that_the_next_step_does_not_follow_is_guarded(shop: Shop) -> None:
    shop(RISE)
    alert = alert_of(watched(), "add_to_cart", "micro")
    assert alert["direction"] == "rise"
    assert "“Began checkout” per visit did not follow" in alert["diagnosis"]
    guard, _ = [one for one in alert["parts"] if one["part_kind"] == "guard"]
    assert guard["is_main"]


# ---- money ---------------------------------------------------------------------------------------


def test_smaller_orders_are_found_where_they_are(shop: Shop) -> None:
    project = shop(SMALL_ORDERS)
    found = watched()
    alert = alert_of(found, "revenue_per_visit", "revenue")
    assert alert["direction"] == "drop" and alert["value_unit"] == "usd"
    assert alert["success_count"] is None and alert["rate_low"] < alert["rate"] < alert["rate_high"]
    main = {one["part_kind"]: one for one in alert["parts"] if one["is_main"]}
    assert main["step"]["part_value"] == "Revenue per sale" and main["step"]["share"] >= 0.7
    assert main["step"]["rate_before"] == pytest.approx(60, abs=5)
    assert main["segment_rate"]["part_value"] == "mobile" and main["segment_rate"]["share"] >= 0.8
    steps = [one["share"] for one in alert["parts"] if one["part_kind"] == "step"]
    assert len(steps) == 3 and sum(steps) == pytest.approx(1)
    assert "USD" in alert["evidence"] and "mobile" in alert["next_look"]
    # What is sold did not change, and no share is an amount of money.
    ongoing = {one["metric_name"] for one in found["alerts"] if one["is_ongoing"]}
    assert ongoing == {"revenue_per_visit", "revenue_per_sale"}
    for row in rows(project, "mart_alerts"):
        is_money = row["metric_kind"] == "revenue"
        assert (row["rate"] is None) == is_money == (row["value_unit"] == "usd")
        assert (row["mean"] is None) != is_money


def test_sales_that_lose_their_revenue_are_no_smaller_orders(shop: Shop) -> None:
    shop(PAID_LESS)
    alert = alert_of(watched(), "revenue_per_visit", "revenue")
    main = {one["part_kind"]: one for one in alert["parts"] if one["is_main"]}
    assert main["step"]["part_value"] == "Sales that come with revenue"
    assert main["step"]["share"] >= 0.8
    assert "the tag" in alert["next_look"]


def test_lost_revenue_is_no_drop_of_revenue(shop: Shop) -> None:
    shop(LOST_REVENUE)
    found = watched()
    assert "revenue" not in {one["metric_kind"] for one in found["alerts"]}
    standings = {one["metric_name"]: one["standing"] for one in found["rates"]}
    assert standings["revenue_per_visit"] == "tracking_suspect"
    assert standings["revenue_per_sale"] == "tracking_suspect"


def test_a_rise_is_held_against_revenue(shop: Shop) -> None:
    shop(RISE)
    alert = alert_of(watched(), "add_to_cart", "micro")
    guards = {one["part_value"]: one for one in alert["parts"] if one["part_kind"] == "guard"}
    assert set(guards) == {"“Began checkout” per visit", "revenue per visit"}
    assert "revenue per visit" in alert["diagnosis"]
    assert abs(guards["revenue per visit"]["contribution"]) < 0.15
    shop(RISE, LOST_REVENUE)
    alert = alert_of(watched(), "add_to_cart", "micro")
    assert "revenue per visit" not in alert["diagnosis"]


# ---- what is said, and to whom -------------------------------------------------------------------


def test_the_plain_number_is_printed_and_tells_nobody(shop: Shop) -> None:
    """A rate 20 % under the week before is marked; without a tested rule there is no alert."""
    project = shop(NOTHING)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        # A rate of few visitors swings so far by chance.
        connection.execute(
            "update marts.mart_tracked_rates set trial_count = greatest(trial_count // 60, 1),"
            " success_count = success_count // 60 where metric_name = 'purchase'"
        )
        connection.execute(
            "update marts.mart_tracked_rates set success_count = success_count // 2"
            " where metric_name = 'purchase' and rate_date = date '2026-11-05'"
        )
    found = watched("--since", "1d")
    [rate] = [one for one in found["rates"] if one["metric_name"] == "purchase"]
    assert rate["is_below_previous_week"] and rate["change_vs_previous_week"] < -0.2
    assert found["alerts"] == []
    assert rate["smallest_daily_drop"] > 0.5
    assert " !" in run("watch", "--since", "1d").stdout


def test_no_rate_is_said_of_fewer_than_thirty(shop: Shop) -> None:
    project = shop(NOTHING)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_tracked_rates set trial_count = 29, success_count = 9"
            " where metric_name = 'purchase' and rate_date = date '2026-11-05'"
        )
    [rate] = [one for one in watched()["rates"] if one["metric_name"] == "purchase"]
    assert rate["trial_count"] == 29
    assert rate["rate"] is None and rate["change_vs_previous_week"] is None


def test_words_claim_nothing(shop: Shop) -> None:
    shop(MOBILE_DROP)
    texts = [run("watch").stdout]
    shop(OUTAGE, LOST_REVENUE, FLAG)
    texts.append(run("watch").stdout)
    page = (PROJECT / "docs" / "watching.md").read_text(encoding="utf-8")
    for text in [*texts, page]:
        assert not FORBIDDEN.search(text), FORBIDDEN.search(text)


def test_one_story_is_told_once(shop: Shop) -> None:
    shop(MOBILE_DROP)
    text = " ".join(run("watch").stdout.split())
    assert text.count("The same segment also stands out in:") == 1
    assert text.count("Go through it once on mobile") == 1


def test_what_people_noted_stands_beside_it(shop: Shop) -> None:
    project = shop(OUTAGE)
    annotate(project, planted_from() - timedelta(days=1), "New checkout", "mobile")
    annotate(project, planted_from() - timedelta(days=40), "Long ago", "")
    [problem] = watched()["tracking"]
    noted = {"day": "2026-10-29", "what": "New checkout", "where": "mobile"}
    assert problem["annotations"] == [noted]
    text = " ".join(run("watch").stdout.split())
    assert "Noted near that day: 2026-10-29 New checkout (mobile)." in text
    assert "Long ago" not in text


def test_a_short_history_is_said(shop: Shop) -> None:
    project = shop(MOBILE_DROP)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        for name, column in (("rates", "rate_date"), ("means", "mean_date")):
            connection.execute(
                f"delete from marts.mart_tracked_{name} where {column} < ?",
                [LAST - timedelta(days=25)],
            )
    found = watched()
    assert found["alerts"] == []
    assert {one["standing"] for one in found["rates"]} == {"too_little_history"}
    assert "Fewer than 28 days of history" in run("watch").stdout


def test_slack_gets_no_mention_no_link_and_no_format_from_a_name(shop: Shop) -> None:
    project = shop(MOBILE_DROP)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_tracked_rates set metric_label = ?"
            " where metric_name = 'add_to_cart'",
            ["<!channel> *x* <https://evil.example|here> & `code`\n_y_"],
        )
    result = run("watch", "--format", "slack")
    message = json.loads(result.stdout)
    texts = [message["text"], *(block["text"]["text"] for block in message["blocks"])]
    joined = "\n".join(texts)
    assert "&lt;!channel&gt;" in joined and "<" not in joined and ">" not in joined
    assert "\u200b*\u200bx\u200b*\u200b" in joined and "\u200b`\u200b" in joined
    assert len(message["blocks"]) <= 50 and max(map(len, texts)) <= 3000


# ---- what is written -----------------------------------------------------------------------------


def test_rows_are_those_of_the_run_and_running_again_changes_nothing(shop: Shop) -> None:
    project = shop(MOBILE_DROP, LOST_REVENUE)
    found = watched()
    first = [rows(project, name) for name in TABLES]
    alerts, parts, runs = first
    assert len(runs) == 1
    told = {
        (one["metric_kind"], one["metric_name"], day, rule["rule"])
        for one in found["alerts"]
        for day in one["days"][-1:]
        for rule in one["rules"]
    }
    written = {
        (one["metric_kind"], one["metric_name"], one["alert_date"].isoformat(), one["rule"])
        for one in alerts
        if one["sentence"]
    }
    assert told | {("tracking", "revenue missing/purchase//", "2026-11-08", "revenue missing")} == (
        written
    )
    keys = [(one["watch_id"], one["metric_name"], one["rule"], one["direction"]) for one in alerts]
    assert len(set(keys)) == len(keys)
    parts_key = ("watch_id", "direction", "part_kind", "part_dimension", "part_value")
    assert len({tuple(one[name] for name in parts_key) for one in parts}) == len(parts) > 0
    run("watch")
    assert [rows(project, name) for name in TABLES] == first


def test_what_is_no_longer_so_is_taken_back(shop: Shop) -> None:
    project = shop(MOBILE_DROP)
    run("watch")
    assert rows(project, "mart_alerts")
    let_nothing_swing(project)
    run("watch")
    assert rows(project, "mart_alerts") == [] and rows(project, "mart_alert_parts") == []


def test_one_rate_leaves_the_rows_of_the_others(shop: Shop) -> None:
    project = shop(MOBILE_DROP, LOST_REVENUE)
    run("watch")
    before = rows(project, "mart_alerts")
    found = watched("--metric", "add_to_cart")
    assert {one["metric_name"] for one in found["rates"]} == {"add_to_cart"}
    assert found["tracking"] == []
    assert rows(project, "mart_alerts") == before


def test_nothing_is_written_when_asked_not_to(shop: Shop) -> None:
    project = shop(MOBILE_DROP)
    assert watched("--no-write")["alerts"]
    assert [rows(project, name) for name in TABLES] == [[], [], []]


def let_nothing_swing(project: Path) -> None:
    """Chance moves a rate now and then where nothing is planted; not here."""
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("update marts.mart_tracked_rates set success_count = trial_count // 5")
        connection.execute("update marts.mart_tracked_means set value_sum = unit_count")


@pytest.mark.parametrize("is_quiet", [True, False])
def test_a_run_is_on_record_also_if_it_finds_nothing(shop: Shop, is_quiet: bool) -> None:
    project = shop(MOBILE_DROP)
    if is_quiet:
        let_nothing_swing(project)
    watched("--metric", "purchase")
    assert rows(project, "mart_watch_runs") == []  # it did not look at everything
    found = watched("--by", "device_category")
    assert bool(found["alerts"]) != is_quiet and not found["tracking"]
    [by_device] = rows(project, "mart_watch_runs")
    assert by_device["segment_dimensions"] == "device_category"
    found = watched()
    [row] = rows(project, "mart_watch_runs")
    assert row.pop("summary") in " ".join(run("watch", "--no-write").stdout.split())
    judged = LAST - timedelta(days=3)
    assert row == {
        "watch_id": f"{LAST.isoformat()}/run",
        "as_of_date": LAST,
        "since_days": 7,
        "first_judged_date": judged - timedelta(days=6),
        "watched_until_date": judged,
        "rates_watched_count": found["summary"]["rates_watched"],
        "rates_not_watched_count": found["summary"]["rates_not_watched"],
        "alert_count": len(found["alerts"]),
        "tracking_problem_count": 0,
        "segment_dimensions": "",
    }
    assert found["watched_until"] == judged.isoformat()
    assert by_device["rates_watched_count"] > row["rates_watched_count"] > 0


def test_marts_have_the_columns_that_are_written() -> None:
    kinds = {"text": "string", "integer": "int64", "truth": "bool", "date": "date"}
    for name, columns in TABLES.items():
        text = (PROJECT / "models" / "marts" / f"{name}.yml").read_text(encoding="utf-8")
        [model] = yaml.safe_load(re.sub(r"&float64 .*", '&float64 "float64"', text))["models"]
        described = {one["name"]: one["data_type"] for one in model["columns"]}
        assert described == {one: kinds.get(kind, "float64") for one, kind in columns.items()}


# ---- segments, exit codes, wrong calls -----------------------------------------------------------


def test_segments_are_watched_when_asked(shop: Shop) -> None:
    shop(MOBILE_DROP)
    found = watched("--by", "device_category")
    told = {
        (one["metric_name"], one["segment_value"]): one["direction"]
        for one in found["alerts"]
        if one["metric_kind"] == "micro"
    }
    assert told["add_to_cart", "mobile"] == "drop"
    assert ("add_to_cart", "desktop") not in told
    [alert] = [
        one
        for one in found["alerts"]
        if (one["metric_name"], one["segment_value"]) == ("add_to_cart", "mobile")
        and one["metric_kind"] == "micro"
    ]
    # Its own counts, not those of all devices; it is not taken apart once more.
    [volume, rate] = [one for one in alert["parts"] if one["part_kind"] in ("volume", "rate")]
    assert abs(volume["share"]) < 0.3 < rate["share"]
    step = next(one for one in alert["parts"] if one["part_value"] == "Added to cart")
    assert step["rate_after"] / step["rate_before"] == pytest.approx(0.7, abs=0.06)
    assert "It is one segment already." in alert["diagnosis"]
    assert alert["next_look"].startswith("Go through it once on mobile")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "0d"], "is no time span"),
        (["--since", "week"], "is no time span"),
        (["--metric", "nothing_such"], "There is no watched rate 'nothing_such'"),
        (["--webhook", "file:///etc/passwd"], "no http or https address"),
        (["--format", "xml"], "Invalid value"),
        (["--by", "colour"], "Invalid value"),
    ],
)
def test_a_wrong_call_exits_with_2(shop: Shop, arguments: list[str], words: str) -> None:
    shop(NOTHING)
    result: Result = run("watch", *arguments)
    assert result.exit_code == 2 and words in " ".join(result.output.split())


def test_exit_codes_tell_findings_from_errors(shop: Shop) -> None:
    project = shop(OUTAGE)
    assert run("watch").exit_code == 0
    assert run("watch", "--fail-on-findings").exit_code == 1
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("drop table marts.mart_tracked_rates")
    result = run("watch", "--fail-on-findings")
    assert result.exit_code == 2 and "mart_tracked_rates" in result.output


def test_days_without_an_export_are_not_judged(shop: Shop) -> None:
    project = shop(NOTHING)
    gap = [LAST - timedelta(days=3), LAST - timedelta(days=4)]
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        for table, column in (
            ("mart_tracked_rates", "rate_date"),
            ("mart_tracked_counts", "event_date"),
        ):
            connection.execute(f"delete from marts.{table} where list_contains(?, {column})", [gap])
    days = {one["day"] for one in watched()["rates"] if one["metric_kind"] == "micro"}
    assert days == {date(2026, 11, 3).isoformat()}


@pytest.mark.parametrize(("browser", "is_suspect"), [("Safari", True), ("Opera", False)])
def test_a_browser_that_falls_silent_counts_if_much_is_missing(
    shop: Shop, browser: str, is_suspect: bool
) -> None:
    """Safari has three of ten events, Opera one of forty: that says enough without it."""
    project = shop(NOTHING)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "insert into marts.mart_tracked_counts select event_date, event_name, part, 'Opera',"
            " all_count // 40, 0, 0, all_count, session_count from marts.mart_tracked_counts"
            " where part_value = 'Safari' and event_name = 'view_item'"
        )
        connection.execute(
            "update marts.mart_tracked_counts set event_count = 0 where event_date >= ?"
            " and event_name = 'view_item' and part_value = ?",
            [planted_from(), browser],
        )
    found = watched()
    [problem] = found["tracking"]
    assert (problem["kind"], problem["dimension"]) == ("value silent", "browser")
    assert problem["value"] == browser
    standings = {one["metric_name"]: one["standing"] for one in found["rates"]}
    assert (standings["view_item"] == "tracking_suspect") is is_suspect


def _lose(project: Path, condition: str) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            f"update marts.mart_tracked_counts set event_count = 0 where event_date >= ?"
            f" and ({condition})",
            [planted_from()],
        )


def _add(project: Path, event: str, part: str, value: str, count: str) -> None:
    """A row a day, counted as a share of an event's."""
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            f"insert into marts.mart_tracked_counts select event_date, '{event}', '{part}',"
            f" '{value}', {count}, 0, 0, all_count, session_count from marts.mart_tracked_counts"
            f" where event_name = 'page_view' and part = 'event'"
        )


def test_a_parameter_that_all_events_lost_is_one_problem(shop: Shop) -> None:
    project = shop(NOTHING)
    for event in ("view_item", "add_to_cart", "begin_checkout", "page_view"):
        for name in ("page_location", "page_title"):
            _add(project, event, "parameter", name, "all_count")
    _add(project, "page_view", "parameter", "campaign", "all_count // 5")
    _lose(project, "part = 'parameter'")
    everywhere, one = sorted(watched()["tracking"], key=lambda problem: len(problem["next_look"]))
    assert everywhere["name"] == (
        "page_location, page_title of add_to_cart, begin_checkout, page_view and 1 more"
    )
    assert "campaign" not in everywhere["next_look"]
    # Four of five never had it: that it is gone is said, and that it may be no fault.
    assert (one["name"], one["kind"]) == ("campaign of page_view", "parameter empty")
    assert "if a campaign or an offer ended, nothing broke" in one["next_look"]


def test_browsers_that_nobody_knows_any_more_are_one_problem(shop: Shop) -> None:
    project = shop(NOTHING)
    for browser, share in (("Chrome", 7), ("Safari", 3), ("(none)", 0)):
        _add(project, "*", "browser", browser, f"all_count * {share} // 10")
    _lose(project, "part = 'browser'")
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_tracked_counts set event_count = all_count"
            " where part_value = '(none)' and event_date >= ?",
            [planted_from()],
        )
    found = watched()
    [problem] = found["tracking"]
    assert (problem["kind"], problem["name"]) == ("parameter empty", "browser of all events")
    # What was done is counted all the same.
    standings = {one["metric_name"]: one["standing"] for one in found["rates"]}
    assert standings["view_item"] == "watched"


def test_a_rate_rests_on_its_conversions_their_events_and_their_fields() -> None:
    foundations = Foundations(
        events={
            "thanks": frozenset({("page_view", "page_path")}),
            "quote": frozenset({("form", "param:form_kind")}),
        },
        requires={"both": frozenset({"thanks", "quote"})},
        kpis={"both_rate": frozenset({"both"}), "engaged_rate": frozenset({"engaged"})},
    )
    counts = DailyRate.from_rows([LAST], [0.0], [1.0])

    def suspect(metric: Metric, kind: Kind, subject: Subject) -> bool:
        suspicion = Suspicion(Tracked(kind, "x", counts), kind, (LAST,), True, 0, 30)
        return bool(suspect_days(metric, [Problem(suspicion, (subject,), 1.0)], foundations, {}))

    page = Subject("page_view", "parameter", "page_location")
    both = Metric("kpi", "both_rate")
    assert suspect(both, Kind.PARAMETER_EMPTY, page)
    assert suspect(both, Kind.PARAMETER_EMPTY, Subject("form", "parameter", "form_kind"))
    assert not suspect(both, Kind.PARAMETER_EMPTY, Subject("form", "parameter", "other"))
    assert not suspect(Metric("micro", "quote"), Kind.PARAMETER_EMPTY, page)
    assert suspect(Metric("micro", "both"), Kind.EVENT_GONE, Subject("form", "event", ""))
    assert suspect(Metric("micro", "both"), Kind.EVENT_GONE, Subject(conversion="thanks"))
    flag = Subject("*", "field", "is_session_engaged")
    assert suspect(Metric("kpi", "engaged_rate"), Kind.FLAG_TURNED, flag)
    assert not suspect(both, Kind.FLAG_TURNED, flag)
