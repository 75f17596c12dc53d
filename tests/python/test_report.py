"""`microconv report`: its numbers are the marts', nothing of an export becomes markup, and options
say what they do.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from evidence_warehouse import run
from markupsafe import escape
from microconv.errors import MicroconvError
from microconv.profile import Record
from microconv.report.numbers import Numbers
from microconv.report.read import Line
from microconv.report.text import Datum, Name, fill, text
from project_run import Warehouse
from report_case import HOSTILE, SEEN, built_report, hostile_changes, report_writer, use
from report_page import PageText, cell, read_page, says, wrong_numbers

SECTIONS = ("happened", "leaks", "predicts", "call", "changed", "next", "trust")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_report(tmp_path_factory)


@pytest.fixture
def report(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Writes a report, of the build or of a copy that statements have changed."""

    return report_writer(warehouse, monkeypatch, tmp_path)


@pytest.fixture
def page(warehouse: Warehouse) -> PageText:
    return read_page(warehouse.root / "report.html")


# ---- the page ---------------------------------------------------------------------------------


def test_every_number_is_the_marts(page: PageText, warehouse: Warehouse) -> None:
    assert wrong_numbers(page, warehouse.path) == []
    marts = {shown.mart for shown in page.numbers}
    assert len(page.numbers) > 1_500
    assert marts >= {
        *("mart_kpis", "mart_funnel_steps", "mart_funnel_drop_offs", "mart_funnel_velocity"),
        *("mart_segment_gaps", "mart_segment_conversions", "mart_lead_scores"),
        *("mart_stalled_visitors", "mart_visitor_stages", "mart_evidence_checks"),
        *("stg_ga4__export_days", "evidence_micro_conversions", "evidence_conversion_values"),
        *("mart_alerts", "mart_alert_parts", "mart_tracked_rates", "mart_conversion_paths"),
        *("mart_sales_cycles", "mart_return_visits", "mart_feedback", "mart_cohorts"),
        *("evidence_cohorts", "evidence_experiments", "evidence_proxy_metrics"),
        *("mart_planning_rates", "mart_visit_contents", "mart_visitor_segments"),
        *("evidence_score_models", "evidence_score_bands"),
    }


def test_a_wrong_number_is_found(page: PageText, warehouse: Warehouse) -> None:
    page.numbers = page.numbers[:1]
    page.numbers[0].value = "0.123"
    assert len(wrong_numbers(page, warehouse.path)) == 1
    assert says("4.20%", 0.042) and not says("4.20%", 0.0421)
    assert says("1,234", 1234.0) and not says("1,235", 1234.0)
    assert says("-$0.30", -0.2996) and not says("$0.30", -0.2996)
    assert says("1.5 hours", 5400.0) and not says("1.5 hours", 6000.0)


def test_sections_stand_in_the_order_of_the_questions(warehouse: Warehouse) -> None:
    html = (warehouse.root / "report.html").read_text(encoding="utf-8")
    assert tuple(re.findall(r'<section id="([^"]+)"', html)) == SECTIONS
    assert tuple(re.findall(r'<li><a href="#([^"]+)"', html)) == SECTIONS
    # Every KPI of the catalog has a card.
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        kpis = connection.execute("select kpi_name from kpi_definitions").fetchall()
    assert [f'id="kpi-{name.replace("_", "-")}"' in html for (name,) in kpis] == [True] * len(kpis)


def test_a_headline_has_no_number_from_nowhere(warehouse: Warehouse) -> None:
    html = (warehouse.root / "report.html").read_text(encoding="utf-8")
    headlines = re.findall(r'<p class="headline">(.*?)</p>', html)
    assert len(headlines) > 15
    for headline in headlines:
        rest = re.sub(r"<data .*?</data>|<bdi>.*?</bdi>|<[^>]+>", "", headline)
        assert not re.search(r"\d", rest), headline


def test_the_file_is_its_owners_and_whole(report: Callable[..., Path]) -> None:
    out = report()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    html = out.read_text(encoding="utf-8")
    assert html.rstrip().endswith("</html>")
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", html), "something is loaded"
    assert "default-src 'none'" in html


def test_a_file_that_cannot_be_written_is_a_plain_error(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(warehouse, monkeypatch)
    (tmp_path / "taken").write_text("a file")
    done = run("report", "--out", str(tmp_path / "taken" / "report.html"))
    assert done.exit_code == 2 and "cannot be written" in done.stderr


def test_two_reports_of_the_same_build_are_the_same(
    report: Callable[..., Path], warehouse: Warehouse
) -> None:
    assert report().read_bytes() == (warehouse.root / "report.html").read_bytes()


# ---- what an export may hold --------------------------------------------------------------------


def test_what_others_wrote_is_text(report: Callable[..., Path]) -> None:
    out = report(changes=hostile_changes())
    html = out.read_text(encoding="utf-8")
    found = read_page(out)
    assert found.tags.count("script") == found.tags.count("img") == 0
    assert "<script" not in html and "onerror" not in re.sub(r"&lt;img.*?&gt;", "", html)
    assert "49" not in HOSTILE and "{{7*7}}" in found.text
    assert found.text.count(" ".join(SEEN.split())) > 50
    assert "\x07" not in html and html.count("</style>") == 1
    # Whoever turns text around does so inside its own place.
    outside = re.sub(r'<bdi>[^<]*</bdi>|="[^"]*"', "", html)
    assert "\u202e" in html and "\u202e" not in outside


@pytest.mark.parametrize("part", [Name(HOSTILE), Datum(HOSTILE, HOSTILE, "m", {"k": HOSTILE}, "c")])
def test_every_part_escapes_itself(part: Name | Datum) -> None:
    shown = str(escape(text(part, HOSTILE)))
    assert "<script" not in shown and "<img" not in shown and "\"'>" not in shown
    assert str(escape(fill("{a}", a=part))) in shown


def test_half_a_character_can_be_written() -> None:
    str(escape(Name("a\ud800b"))).encode("utf-8")


def test_small_groups_say_so(report: Callable[..., Path]) -> None:
    nothing = ", ".join(f"value{end} = null" for end in ("", "_low", "_high"))
    rates = ", ".join(
        f"{rate}{end} = null"
        for rate in ("step_conversion_rate", "funnel_conversion_rate")
        for end in ("", "_low", "_high")
    )
    velocity = ", ".join(
        f"reached_within_{time}{end} = null"
        for time in ("1h", "1d", "3d", "7d", "window")
        for end in ("", "_low", "_high")
    )
    out = report(
        changes=(
            f"update mart_kpis set {nothing}, status = 'too few'",
            f"update mart_funnel_steps set {rates}",
            f"update mart_funnel_velocity set {velocity}, median_seconds_given_reached = null",
            "update mart_segment_gaps set session_conversion_rate = null",
            "update mart_funnel_drop_offs set share = null",
            "delete from mart_stalled_visitors",
            "delete from mart_lead_scores",
        )
    )
    said = read_page(out).text
    assert "Too few for a value. It takes 30 or more." in said
    assert "Too few visitors for rates: it takes 30." in said
    assert "Too few got there to say how long it takes." in said
    assert "too few for a share" in said and "Nobody with consent has a score." in said
    assert not re.search(r"\b(None(?! of| is)|nan|NaN|inf)\b", said)


def test_a_year_is_under_five_megabytes(report: Callable[..., Path]) -> None:
    columns = (
        "kpis.* replace (kpis.period_start_date - cast(7 * i as integer) as period_start_date)"
    )
    out = report(
        changes=(
            "update int_export_as_of set first_date = date '2025-11-09'",
            f"""
            insert into mart_kpis
            select {columns} from mart_kpis as kpis, range(5, 53) as weeks(i)
            where period_grain = 'week' and period_start_date = date '2026-11-02'
            """,
        )
    )
    weeks = {
        shown.key["period_start_date"]
        for shown in read_page(out).numbers
        if shown.key.get("period_grain") == "week"
    }
    assert 50 <= len(weeks) <= 53
    assert out.stat().st_size < 5_000_000


def test_without_evidence_it_says_how_to_get_it(report: Callable[..., Path]) -> None:
    drops = (
        f"drop table evidence_{name}"
        for name in (
            *("micro_conversions", "segments", "checks", "joint", "conversion_values"),
            *("cohorts", "lead_lag", "experiments", "proxy_validations", "proxy_metrics"),
            *("score_models", "score_bands"),
        )
    )
    said = read_page(report(changes=tuple(drops))).text
    for command in ("correlate", "value", "score", "cohorts", "lead-lag", "proxy"):
        assert f"`microconv {command}` looks into it" in said
    assert "Of 2 experiments on record none is judged" in said
    assert "`microconv value` looks into it" in said


def test_old_evidence_and_silent_days_are_named(
    report: Callable[..., Path], page: PageText
) -> None:
    old, all_days = "not of the tables as they are now", "was counted on all days"
    assert old not in page.text and all_days in page.text
    out = report(
        changes=(
            "update mart_evidence_checks set definitions_version = 'another'",
            "insert into mart_conversion_outages values ('purchase', '2026-11-01', 50, 0, 30.0)",
        )
    )
    said = read_page(out).text
    assert old in said and all_days not in said
    assert "Hardly counted though visitors were there, on 1 day: Purchase." in said


def test_before_a_build_it_is_a_plain_error(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(warehouse, monkeypatch, tmp_path / "none.duckdb")
    done = run("report", "--out", str(tmp_path / "report.html"))
    assert done.exit_code == 1 and "make build" in done.stderr
    assert not (tmp_path / "report.html").exists()


# ---- options ------------------------------------------------------------------------------------


def test_another_goal(report: Callable[..., Path], warehouse: Warehouse) -> None:
    found = read_page(report("--macro", "sign_up"))
    assert wrong_numbers(found, warehouse.path) == []
    names = {shown.key["macro_name"] for shown in found.numbers if "macro_name" in shown.key}
    assert names == {"sign_up"}
    gaps = {
        shown.key["conversion_name"] for shown in found.numbers if shown.mart == "mart_segment_gaps"
    }
    assert gaps <= {"sign_up"}
    assert "No funnel has the goal Account created as a step" in found.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--macro", "nothing"), "There is no macro-conversion “nothing”; there are"),
        (("--segment", "mobile"), "“mobile” is no segment."),
        (("--segment", "device=mobile"), "There are no segments by “device”"),
        (("--segment", "device_category=toaster"), "it has mobile, desktop"),
        (("--since", "yesterday"), "'yesterday' is no day"),
        (("--since", "2027-01-01"), "lies after the last loaded day, 2026-11-08"),
        (("--locale", "klingon"), "There is no locale “klingon”."),
    ],
)
def test_wrong_options_are_plain_errors(
    options: tuple[str, str],
    said: str,
    warehouse: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(warehouse, monkeypatch)
    done = run("report", "--out", str(tmp_path / "report.html"), *options)
    assert done.exit_code == 2 and said in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_numbers_are_written_as_the_locale_writes_them(report: Callable[..., Path]) -> None:
    page = read_page(report("--locale", "de"))
    shown = {(one.mart, one.column, str(one.key)): one for one in page.numbers}
    # What a command has written in words stays as it is, and the card says so.
    assert "Numbers in these sentences are written as in English." in page.text
    change = next(one.text for one in page.numbers if one.column == "relative_change")
    assert change.replace("\u00a0", " ") == "-25,0 %"
    rate = next(
        one for one in shown.values() if one.mart == "mart_kpis" and one.text.endswith("\u00a0%")
    )
    assert says(rate.text.replace("\u00a0", "").replace(",", "."), float(rate.value))
    raw = next(one for one in shown.values() if one.column == "sum(raw_row_count)")
    assert re.fullmatch(r"\d{1,3}(\.\d{3})+", raw.text)


@pytest.mark.parametrize(
    ("locale", "count", "share", "times", "money"),
    [
        ("en", "1,234", "4.21%", "1.44×", "$2.50"),
        ("de", "1.234", "4,21\u00a0%", "1,44×", "2,50\u00a0$"),
        ("fr", "1\u202f234", "4,21\u00a0%", "1,44×", "2,50\u00a0$US"),
        ("de_CH", "1’234", "4.21%", "1.44×", "$\u00a02.50"),
    ],
)
def test_locales(locale: str, count: str, share: str, times: str, money: str) -> None:
    numbers = Numbers(locale)
    assert numbers.count(1234) == count
    assert numbers.share(0.0421) == share
    assert numbers.times(1.4449) == times
    assert numbers.money(2.5) == money


@pytest.mark.parametrize("value", [None, float("nan")])
def test_no_number_is_a_dash(value: float | None) -> None:
    numbers = Numbers("en")
    assert numbers.count(value) == numbers.share(value) == numbers.times(value) == "–"
    assert numbers.money(value) == numbers.span(value) == "–"
    assert numbers.times(float("inf")) == "∞×"


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (1.5, 2.5, "2.00× [1.50×, 2.50×]"),
        (1.5, math.inf, "2.00× [1.50×, ∞×]"),
        (None, None, "2.00× (no interval)"),
        (math.nan, 2.5, "2.00× (no interval)"),
    ],
)
def test_no_number_goes_without_its_interval(
    low: float | None, high: float | None, shown: str
) -> None:
    record: Record = {"lift": 2.0, "lift_low": low, "lift_high": high}
    line = Line("mart", {}, record, Numbers("en"))
    assert line.interval("lift", "times").plain == shown


def test_an_unknown_locale_is_an_error_of_the_user() -> None:
    with pytest.raises(MicroconvError, match="no locale"):
        Numbers("../etc")


def test_a_cell_is_one_row(warehouse: Warehouse, page: PageText) -> None:
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        shown = page.numbers[0]
        shown.key = {}
        with pytest.raises(AssertionError):
            cell(connection, shown)
