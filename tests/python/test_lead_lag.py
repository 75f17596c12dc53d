"""`microconv lead-lag` over planted daily rates: what leads is found, what only rhymes is not."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from causal_words import FORBIDDEN
from evidence_warehouse import (
    catalog_of,
    copy_to_work_in,
    longest_line,
    make_project_of,
    plain_basis,
    rows,
    run,
)
from lead_lag_case import FIRST, Held, Planted, as_of, with_unseen_days
from microconv.aggregates.types import Basis, Conversion, row_of
from microconv.demo import generate_demo
from microconv.demo.swings import Scenario
from microconv.evidence.quantities import Floats
from microconv.evidence.refusal import Refusal
from microconv.lead_lag.family import Pair, judge_macro
from microconv.lead_lag.read import Delay, read_rates
from microconv.lead_lag.words import delay_sentence, span
from microconv.watching.lead_lag import LagVerdict
from planted import plant_lists
from project_run import PROJECT, Warehouse, shared_folder, shared_warehouse
from report_case import use
from watching_data import pair

TABLE = "evidence_lead_lag"
DAYS = 150
SILENT = ("none", "walk", "memory", "weekday", "trend")


def basis_of(days: int) -> Basis:
    return row_of(Basis, plain_basis(as_of(days)))


def micro_of(name: str) -> Conversion:
    return Conversion(name, name, "micro", 2, 0.0)


# ---- false alarms and power, through what the command reads and judges ---------------------------


def judged(kind: str, days: int, runs: int, seed: int = 20_261_123) -> list[Pair]:
    """One pair per run: its own macro, planted, read from the table and judged."""
    random = np.random.default_rng(seed)
    logs: dict[str, Floats] = {}
    for place in range(runs):
        x, y = pair(random, kind, days)
        logs |= {f"x{place}": with_unseen_days(3 * x), f"y{place}": with_unseen_days(3 * y)}
    macros = frozenset(name for name in logs if name.startswith("y"))
    held: Any = Held(Planted(logs, macros).batches(seed))
    daily = read_rates(held, as_of(days))
    found = []
    for place in range(runs):
        fields = plain_basis(as_of(days)) | {"macro_name": f"y{place}"}
        micro = micro_of(f"x{place}")
        judgement = judge_macro(row_of(Basis, fields), {micro.conversion_name: micro}, daily, {})
        found.append(judgement.pairs[0])
    return found


def leading(found: list[Pair]) -> float:
    return float(np.mean([one.verdict == LagVerdict.LEADS for one in found]))


def within_a_day(found: list[Pair], lag: int) -> float:
    hits = [
        one.verdict == LagVerdict.LEADS
        and not isinstance(one.found, Refusal)
        and abs((one.found.best_lag or 0) - lag) <= 1
        for one in found
    ]
    return float(np.mean(hits))


@pytest.mark.parametrize("kind", [*SILENT, "coincident"])
def test_no_lead_is_seen_where_none_is(kind: str) -> None:
    found = judged(kind, 120, 100)
    assert not any(isinstance(one.found, Refusal) for one in found)
    assert leading(found) <= 0.11  # exact 0.5 % limit of 100 runs for 5 %


def test_a_lead_of_three_days_is_found_within_a_day() -> None:
    assert within_a_day(judged("lead", 120, 100), 3) >= 0.85


@pytest.mark.long
@pytest.mark.parametrize("days", [60, 90, 120, 180, 365])
def test_the_table_of_false_alarms_and_power(days: int) -> None:
    """The design's table: at most 3.2 % false leads; .39, .76, .93, 1 and 1 of true ones found."""
    for kind in (*SILENT, "coincident"):
        assert leading(judged(kind, days, 1000)) <= 0.05, kind
    found = judged("lead", days, 1000)
    power = {60: 0.35, 90: 0.70, 120: 0.85, 180: 0.97, 365: 0.99}
    assert within_a_day(found, 3) >= power[days]
    assert all(
        not isinstance(one.found, Refusal) and one.found.is_low_power == (days < 90)
        for one in found
    )


def test_a_wandering_mix_of_traffic_is_seen_by_crude_rates_only() -> None:
    """The same conversions without regard to device and channel rise and fall with the mix."""
    random = np.random.default_rng(4)
    x, y = pair(random, "none", DAYS)
    table = Planted({"x": 0.2 * x, "purchase": 0.2 * y}).batches(9)
    held: Any = Held(table)
    daily = read_rates(held, as_of(DAYS))
    micros = {"x": micro_of("x")}
    [kept] = judge_macro(basis_of(DAYS), micros, daily, {}).pairs
    held.connection.register("parts", table)
    crude: Any = Held(
        held.connection.execute(
            "select * replace ('all' as device_category, 'all' as channel_group,"
            " sum(converting_session_count) as converting_session_count,"
            " sum(session_count) as session_count) from parts group by all"
        ).to_arrow_table()
    )
    [mixed] = judge_macro(basis_of(DAYS), micros, read_rates(crude, as_of(DAYS)), {}).pairs
    assert kept.verdict == LagVerdict.NO_EVIDENCE
    assert mixed.verdict == LagVerdict.COINCIDENT


# ---- what is read --------------------------------------------------------------------------------


def planted_daily(logs: Mapping[str, Floats], change: str = "") -> Any:
    held: Any = Held(Planted(logs).batches(3))
    if change:
        held.connection.execute("create table changed as select * from mart_daily_rates")
        held.connection.execute(change)
        held.connection.unregister("mart_daily_rates")
        held.connection.execute("alter table changed rename to mart_daily_rates")
    return held


def test_days_that_say_nothing_are_unknown_and_the_newest_left_out() -> None:
    logs = {"x": np.zeros(100), "purchase": np.zeros(100)}
    early = FIRST + timedelta(days=9)
    change = (
        f"update changed set is_usable = false where conversion_name = 'x' and"
        f" (conversion_date < date '{early}' or conversion_date = date '2026-04-20')"
    )
    daily = read_rates(planted_daily(logs, change), FIRST + timedelta(days=99))
    x, y = daily.rates["x"], daily.rates["purchase"]
    assert (y.first_day, y.last_day) == (FIRST, FIRST + timedelta(days=96))
    assert x.first_day == early and x.last_day == y.last_day
    assert x.trials[x.place(date(2026, 4, 20))] == 0 and (x.trials > 0).sum() == len(x) - 1
    held = planted_daily(logs, "update changed set is_usable = false")
    assert read_rates(held, FIRST + timedelta(days=99)).rates == {}


def test_holidays_are_read() -> None:
    change = "update changed set is_holiday = true where conversion_date = date '2026-04-06'"
    held = planted_daily({"x": np.zeros(60), "purchase": np.zeros(60)}, change)
    assert read_rates(held, as_of(57)).holidays == {date(2026, 4, 6)}


def test_what_was_never_recorded_beside_the_macro_is_refused() -> None:
    daily = read_rates(planted_daily({"purchase": np.zeros(100)}), as_of(97))
    [found] = judge_macro(basis_of(97), {"x": micro_of("x")}, daily, {}).pairs
    assert found.verdict == "refused" and math.isnan(found.p_value)


def test_some_pair_of_many_looks_clear_by_chance() -> None:
    """Each alone would be called a lead once in a while; together hardly ever."""
    random, logs = np.random.default_rng(8), {}
    logs["purchase"] = with_unseen_days(3 * pair(random, "none", DAYS)[1])
    for place in range(400):
        logs[f"x{place:03}"] = with_unseen_days(3 * pair(random, "none", DAYS)[0])
    daily = read_rates(planted_daily(logs), as_of(DAYS))
    micros = {name: micro_of(name) for name in logs if name != "purchase"}
    found = judge_macro(basis_of(DAYS), micros, daily, {})
    withheld = [one for one in found.pairs if one.is_withheld]
    assert len(withheld) >= 4 and found.family == 400
    assert [one for one in found.pairs if one.verdict != LagVerdict.NO_EVIDENCE] == []


# ---- the command ---------------------------------------------------------------------------------

MICROS = ["banner", "chat", "order_status", "push", "rare_event", "view_size_guide", "watch_video"]


def shop_logs() -> dict[str, Floats]:
    """The guide leads by 3 days, the video is coincident; the rest shares rhythms at most."""
    random = np.random.default_rng(21)
    time = np.arange(DAYS)
    weekend = 0.5 * np.isin(time % 7, (5, 6))
    driver = random.normal(0, 0.3, DAYS + 3)

    def noise() -> Floats:
        return random.normal(0, 0.15, DAYS)

    logs = {
        "purchase": driver[:DAYS] + weekend + 0.05 * noise().cumsum(),
        "view_size_guide": driver[3:] + noise(),
        "watch_video": driver[:DAYS] + noise(),
        "chat": noise().cumsum() / 2,
        "banner": weekend + noise(),
        "order_status": np.r_[np.zeros(2), driver[: DAYS - 2]] + noise(),
        "push": noise()[:40],
    }
    return {name: with_unseen_days(values) for name, values in logs.items()}


VELOCITY = [
    {
        "funnel_name": funnel,
        "period_grain": grain,
        "segment_dimension": "all",
        "from_conversion_name": "view_size_guide",
        "to_conversion_name": "purchase",
        "reached_count": reached,
        "median_seconds_given_reached": seconds,
    }
    for funnel, grain, reached, seconds in (
        ("small", "all", 10, 60.0),
        ("large", "all", 1200, 198_720.0),
        ("large", "week", 5000, 5.0),
    )
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def fill(folder: Path) -> None:
        make_project_of(
            folder,
            {
                "dim_conversions": catalog_of(MICROS),
                "mart_evidence_checks": [plain_basis(as_of(DAYS))],
                "mart_daily_rates": Planted(shop_logs()).batches().to_pylist(),
                "mart_funnel_velocity": VELOCITY,
            },
        )

    return shared_folder(tmp_path_factory, "lead_lag_shop", fill)


@pytest.fixture
def project(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copy_to_work_in(shop, tmp_path / "shop", monkeypatch)


def found_rows(*arguments: str) -> dict[str, dict[str, Any]]:
    done = run("lead-lag", "--format", "json", *arguments)
    assert done.exit_code == 0, done.output
    return {row["micro_name"]: row for row in json.loads(done.stdout)[TABLE]}


def test_planted_columns_are_those_of_the_mart() -> None:
    import yaml

    text = (PROJECT / "models" / "marts" / "mart_daily_rates.yml").read_text()
    [model] = yaml.safe_load(text)["models"]
    columns = Planted({"x": np.zeros(2)}).batches().column_names
    assert sorted(column["name"] for column in model["columns"]) == sorted(columns)


def test_every_planted_series_gets_its_verdict(project: Path) -> None:
    found = found_rows()
    guide = found["view_size_guide"]
    assert (guide["verdict"], guide["lag"], guide["lag_unit"]) == ("leads", 3, "day")
    assert (guide["lag_low"], guide["lag_high"]) == (2, 4)
    assert "3" in guide["lags_above_limit"].split(", ") and guide["period_count"] == DAYS
    assert guide["is_forecast_better"] is True and guide["granger_p_value"] < 0.05
    assert guide["z_limit"] == pytest.approx(3.13, abs=5e-3) and guide["q_value"] < 0.001
    assert found["watch_video"]["verdict"] == "coincident" and found["watch_video"]["lag"] == 0
    assert (found["order_status"]["verdict"], found["order_status"]["lag"]) == ("lags", -2)
    for name in ("chat", "banner"):
        assert found[name]["verdict"] == "no evidence" and found[name]["lag"] is None
        assert found[name]["clark_west_t"] is None
    assert "share 43 days" in found["push"]["sentence"]
    assert "no complete day" in found["rare_event"]["sentence"]
    for name in ("push", "rare_event"):
        assert found[name]["verdict"] == found[name]["verdict_alone"] == "refused"
        assert found[name]["correlation"] is None and found[name]["period_count"] is None


def test_what_is_shown_for_people(project: Path) -> None:
    done = run("lead-lag")
    assert done.exit_code == 0, done.output
    text = plain(done.stdout)
    assert longest_line(done.stdout) <= 120
    assert "Opened the size guide leads by 3 days (±1): it moves before Purchase" in text
    assert "Started a product video is coincident" in text
    assert "No evidence that one of these moves before Purchase:" in text
    assert "half of the 1,200 who got from the one to the other did so within 2.3 days" in text
    assert "both follow a third thing" in text
    assert not FORBIDDEN.search(text) and not re.search(r"\b(nan|inf)\b", text)
    assert text.index("leads by 3 days") < text.index("is coincident")


def test_a_short_history_is_labelled_and_a_shorter_one_refused(project: Path) -> None:
    def history(days: int) -> str:
        with duckdb.connect(str(project / "shop.duckdb")) as connection:
            connection.execute(
                "update marts.mart_evidence_checks set as_of_date = ?", [as_of(days)]
            )
        return plain(run("lead-lag").stdout)

    assert "low power" in history(80) and "take it as a question until there are 90" in history(80)
    short = history(50)
    assert "The two rates share 50 days; nothing is said below 56." in short
    assert "leads" not in short.split("Limits")[0]
    assert all(row["verdict"] == "refused" for row in rows(project, TABLE))


def test_an_earlier_day_is_looked_at_as_if_no_other_had_followed(project: Path) -> None:
    """Days after it are spoiled here, and nothing that is said changes."""
    day = as_of(80)
    found = found_rows("--as-of", day.isoformat())
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_daily_rates set converting_session_count = session_count // 2"
            " where conversion_date > ?",
            [day],
        )
    assert found_rows("--as-of", day.isoformat()) == found
    assert found["view_size_guide"]["period_count"] == 80
    assert found["view_size_guide"]["as_of_date"] == day.isoformat()
    assert found["view_size_guide"]["median_delay_seconds"] is None
    assert {row["as_of_date"] for row in rows(project, TABLE)} == {day}
    late = run("lead-lag", "--as-of", "2030-01-01")
    assert late.exit_code != 0 and "is not loaded yet" in late.output
    assert "is no day" in run("lead-lag", "--as-of", "yesterday").output


def test_low_volume_is_refused(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_daily_rates set session_count = session_count // 1000,"
            " converting_session_count = converting_session_count // 1000"
        )
    text = plain(run("lead-lag").stdout)
    assert "Days hold fewer than 100 sessions, and for weeks the history is short" in text


def test_one_micro_is_shown_but_the_family_stays_whole(project: Path) -> None:
    whole = found_rows()
    one = found_rows("--micro", "chat")
    assert one == {"chat": whole["chat"]}
    assert len(rows(project, TABLE)) == len(MICROS)
    assert "No evidence that Chat moves before Purchase" in plain(
        run("lead-lag", "--micro", "chat").stdout
    )
    wrong = run("lead-lag", "--micro", "dance")
    assert wrong.exit_code != 0 and "There is no micro-conversion “dance”" in wrong.output


def test_writing_twice_leaves_the_same_rows(project: Path) -> None:
    assert run("lead-lag", "--no-write").exit_code == 0
    with pytest.raises(duckdb.CatalogException):
        rows(project, TABLE)
    assert run("lead-lag").exit_code == 0
    first = rows(project, TABLE)
    assert run("lead-lag").exit_code == 0
    assert rows(project, TABLE) == first and len(first) == len(MICROS)


def test_csv_holds_every_column(project: Path) -> None:
    read = list(csv.DictReader(io.StringIO(run("lead-lag", "--format", "csv").stdout)))
    assert [row["micro_name"] for row in read][:2] == ["view_size_guide", "watch_video"]
    assert next(row for row in read if row["micro_name"] == "banner")["micro_label"].startswith(
        "'="
    )


def test_what_correlate_found_is_said_where_no_funnel_tells(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "create table marts.evidence_micro_conversions as select 'purchase' as macro_name,"
            " 'chat' as micro_name, 3.0 as effect_onset_days"
        )
    found = found_rows()
    assert "it tells from day 3 on (microconv correlate)" in found["chat"]["sentence"]
    assert found["chat"]["onset_days"] == 3 and found["chat"]["median_delay_seconds"] is None
    assert found["view_size_guide"]["median_delay_seconds"] == 198_720


def test_times_in_words() -> None:
    said = [span(one) for one in (14, 66, 3600, 90_000, 86_400, 198_720, None, math.nan)]
    wanted = ["14 seconds", "1.1 minutes", "1 hour", "1 day", "1 day", "2.3 days", "–", "–"]
    assert said == wanted
    assert "the first day" in delay_sentence(Delay(onset_days=0.0), "Purchase")


@pytest.mark.long
def test_a_lead_is_found_from_the_export_to_the_command(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scenario of the demo shop: 600,000 events over 18 weeks, ten purchases a day."""

    def build(new: Warehouse) -> None:
        generate_demo(
            new.export,
            days=126,
            visitors_per_day=250,
            seed=20_261_108,
            until=date(2026, 11, 8),
            scenario=Scenario.LEADING,
        )
        new.is_as_shipped = True
        new.seeds = new.root / "seeds"
        shutil.copytree(PROJECT / "seeds", new.seeds)
        plant_lists(new.seeds)
        marts = ("daily_rates", "evidence_checks", "funnel_velocity")
        new.build("-s", *(f"+mart_{mart}" for mart in marts))

    use(shared_warehouse(tmp_path_factory, "lead_lag_export", build), monkeypatch)
    found = found_rows("--macro", "purchase", "--no-write")
    assert found["read_reviews"]["verdict"] == "leads" and 2 <= found["read_reviews"]["lag"] <= 4
    assert found["banner_impression"]["verdict"] == "coincident"
    assert found["add_payment_info"]["verdict"] == "coincident"
    for name in ("start_chat", "file_download"):
        assert found[name]["verdict"] == "no evidence"
    assert [name for name, row in found.items() if row["verdict"] == "leads"] == ["read_reviews"]


def plain(text: str) -> str:
    return " ".join(text.split())
