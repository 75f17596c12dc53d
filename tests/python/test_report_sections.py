"""What the report says of changes and tests, and what its options narrow."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from causal_words import FORBIDDEN
from evidence_warehouse import run, work_in
from project_run import Warehouse
from report_case import DAYS, built_report, report_writer
from report_page import PageText, read_page, wrong_numbers
from watch_case import MOBILE_DROP, make_watched_project


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


def scopes(out: Path) -> dict[str, str]:
    """What each card says of whom and which days it is about."""
    html = out.read_text(encoding="utf-8")
    cards = re.findall(r'<article class="card[^"]*" id="([^"]+)"(.*?)</article>', html, re.DOTALL)
    found = {}
    for card, inside in cards:
        said = re.search(r'<p class="scope">(.*?)</p>', inside, re.DOTALL)
        found[card] = re.sub(r"<[^>]+>", "", said.group(1)) if said else ""
    return found


def sql(warehouse: Warehouse, statement: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        return connection.execute(statement).fetchall()


# ---- what changed, and what to test next ---------------------------------------------------------


def test_the_words_of_watch_stand_on_the_page(page: PageText, warehouse: Warehouse) -> None:
    told = sql(
        warehouse,
        "select sentence, next_look from mart_alerts where metric_name <> 'view_item'",
    )
    assert len(told) >= 5
    for sentence, next_look in told:
        assert sentence in page.text and f"Next: {next_look}" in page.text
    assert "It lies in mobile." in page.text and "Noted near that day: a banner." in page.text


def test_alerts_of_one_segment_are_one_story_and_the_clearest_tells_it(page: PageText) -> None:
    cards = {one.card for one in page.numbers if one.card.startswith("alert-")}
    assert cards == {"alert-1", "alert-2", "alert-3"}
    assert page.text.count("The same segment also stands out in: ") == 1
    first = [one for one in page.numbers if one.card == "alert-1"]
    # Both rules stand in the card, and the clearer one gives the number of the other rate.
    assert {one.key["rule"] for one in first if one.mart == "mart_alerts"} == {"weekly", "sudden"}
    assert next(one.text for one in first if one.column == "relative_change") == "-25.0%"


def test_what_an_earlier_run_found_is_another_story_and_comes_later(
    report: Callable[..., Path],
) -> None:
    earlier = "replace ('earlier' as watch_id, date '2026-10-14' as alert_date"
    out = report(
        changes=(
            f"""
            insert into mart_alerts
            select * {earlier}, date '2026-10-17' as as_of_date, 'It was so before.' as sentence)
            from mart_alerts where metric_name = 'view_item'
            """,
            f"insert into mart_alert_parts select * {earlier})"
            " from mart_alert_parts where metric_name = 'view_item'",
        )
    )
    html = out.read_text(encoding="utf-8")
    told = [html.index(said) for said in ("fell.", "Searches rose on mobile.", "It was so before.")]
    assert told == sorted(told)
    assert {f"alert-{place}" for place in (1, 2, 3, 4)} <= set(scopes(out))


def test_what_watch_finds_stands_there_as_it_says_it(
    report: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_watched_project(tmp_path / "shop", [MOBILE_DROP])
    with pytest.MonkeyPatch.context() as patch:
        work_in(shop, patch)
        printed = run("watch", "--since", "7d").stdout
        found = json.loads(run("watch", "--format", "json").stdout)
    tables = ("mart_alerts", "mart_alert_parts", "mart_tracked_rates")
    out = report(
        changes=(
            f"attach '{shop / 'shop.duckdb'}' as watched (read_only)",
            *(
                statement
                for table in tables
                for statement in (
                    f"delete from {table}",
                    f"insert into {table} by name select * from watched.marts.{table}",
                )
            ),
        )
    )
    page, cards = read_page(out), [card for card in scopes(out) if card.startswith("alert-")]
    assert len(found["alerts"]) > 1 and found["tracking"] == []
    # As many stories as it tells, with its words; others are named in the story of their segment.
    stories = printed.partition("\nAlerts\n")[2].partition("\n\n")[0]
    assert len(cards) == len(re.findall("^- ", stories, re.MULTILINE)) > 0
    told = [one for one in found["alerts"] if one["sentence"] in page.text]
    assert len(told) == len(cards)
    assert all(" ".join(one["diagnosis"].split()) in page.text for one in told)
    assert all(one["next_look"] in page.text for one in told)
    assert "How they convert: device category mobile" in page.text
    for one in found["alerts"]:
        assert one["label"] in page.text


def test_many_alerts_end_in_a_table_and_many_notes_in_a_card(report: Callable[..., Path]) -> None:
    out = report(
        changes=(
            """
            insert into annotations
            select date '2026-10-09' + cast(i as integer), 'Change ' || i, null
            from range(30) as days(i)
            """,
            """
            insert into mart_alerts
            select alerts.* replace (alerts.watch_id || '/' || i as watch_id,
                'Searches moved, ' || i || '.' as sentence)
            from mart_alerts as alerts, range(9) as copies(i)
            where alerts.sentence = 'Searches rose on desktop.'
            """,
        )
    )
    found = read_page(out)
    assert len([card for card in scopes(out) if re.fullmatch(r"alert-\d+", card)]) == 6
    assert "What moved before that? 6 more." in found.text
    assert all(f"Searches moved, {i}." in found.text for i in range(9))
    assert "33 changes noted" in found.text
    assert "Noted: 22 to 33, which “What did people note?” names." in found.text
    # Named once, but for a drawing of few days.
    assert all(1 <= found.text.count(f"Change {i} ") <= 2 for i in range(29))


def test_nothing_on_record_is_said_plainly(report: Callable[..., Path]) -> None:
    tables = (
        *("mart_alerts", "mart_alert_parts", "annotations", "mart_feedback", "mart_experiments"),
        *("mart_sales_cycles", "mart_return_visits", "mart_conversion_paths"),
        *("mart_visit_contents", "mart_visitor_segments"),
        *("evidence_experiments", "mart_cohorts"),
    )
    said = read_page(report(changes=tuple(f"delete from {table}" for table in tables))).text
    for sentence in (
        "Whether a rate moved is not known: none of ",
        "watched until Nov 5, 2026, as of Nov 8, 2026: ",
        "No problem of tracking is on record for what was asked.",
        "Nothing is noted of these days.",
        "No answer to a survey is on record",
        "No exposure to an experiment was found.",
        "No new visitor is known.",
        "No new visitor was followed",
        "Too few got there in a later visit",
        "It takes a whole week",
        "No way to Purchase is on record.",
        "No first week was followed long enough yet.",
    ):
        assert sentence in said, sentence


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            "update mart_watch_runs"
            " set rates_watched_count = 40, alert_count = 0, tracking_problem_count = 0",
            (
                r"What changed Nothing broke in tracking in the last 7 complete days\. "
                r"None of \d+ rates moved more than chance in the last 7 complete days\."
            ),
        ),
        (
            "update mart_watch_runs"
            " set rates_watched_count = 40, alert_count = 2, tracking_problem_count = 1",
            (
                r"No problem of tracking is on record for what was asked\. "
                r"No alert is on record for what was asked\."
            ),
        ),
        (
            "update mart_watch_runs set rates_watched_count = 0",
            r"Whether a rate moved is not known: none of \d+ could be tested yet\.",
        ),
        (
            "delete from mart_watch_runs",
            r"What changed Whether tracking broke is not known: nobody looked\. No alert is on",
        ),
    ],
)
def test_nothing_found_is_told_from_nothing_looked_at(
    report: Callable[..., Path], run: str, said: str
) -> None:
    """The answer of the whole section, too, claims no more than was looked at."""
    emptied = ("delete from mart_alerts", "delete from mart_alert_parts", run)
    found = read_page(report(changes=emptied)).text
    part = found[found.index("What changed") :][:400]
    assert re.search(said, found), part


def test_what_was_noted_marks_the_lines(page: PageText, warehouse: Warehouse) -> None:
    html = (warehouse.root / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption>(Noted: .*?)</figcaption>", html)
    assert len(captions) > 10
    plain = [re.sub(r"<[^>]+>", "", one) for one in captions]
    noted = "1: Oct 14, 2026 New prices, 2: Oct 29, 2026 New checkout (mobile)"
    assert f"Noted: {noted}, 3: Oct 29, 2026 A banner (/)" in plain
    # Before the first loaded day nothing is marked.
    assert "Before all days" not in html
    assert html.count(">2,3</text>") == len(captions)


def test_an_experiment_with_wrong_sizes_has_no_number(report: Callable[..., Path]) -> None:
    numbers = ("lift", "conversion_rate", "control_conversion_rate", "guardrail_ratio")
    nothing = ", ".join(f"{name}{end} = null" for name in numbers for end in ("", "_low", "_high"))
    out = report(
        changes=(
            f"""
            update evidence_experiments set {nothing}, outcome = 'not readable',
                sentence = 'It is not read: sizes.', sample_ratio_p_value = 0.00002
            where experiment_name like '%guide%'
            """,
        )
    )
    page = read_page(out)
    shown = [one for one in page.numbers if one.mart == "evidence_experiments"]
    of_it = [one for one in shown if "guide" in one.key["experiment_name"]]
    assert "It is not read: sizes." in page.text
    assert {one.column for one in of_it} <= {
        *("followed_count", "control_followed_count", "horizon_days", "sample_ratio_p_value"),
        *("immature_count", "switched_count"),
    }
    assert "<0.001" in {one.text for one in of_it}
    assert "lift" in {one.column for one in shown}


def test_no_sentence_says_that_one_thing_brings_about_another(page: PageText) -> None:
    said = [page.text[one.start() - 60 : one.end() + 40] for one in FORBIDDEN.finditer(page.text)]
    assert said == []


def test_a_lead_is_said_with_its_history(report: Callable[..., Path], page: PageText) -> None:
    assert "The history is too short or too thin to compare daily rates." in page.text
    found = read_page(
        report(
            changes=(
                """
                update evidence_lead_lag set verdict = 'leads', sentence = 'It moves first.',
                    lag_unit = 'day', period_count = 90, q_value = 0.01
                where macro_name = 'purchase' and micro_name = 'add_to_cart'
                """,
            )
        )
    )
    assert (
        "Something was found of: Added to cart." in found.text and "It moves first." in found.text
    )
    shown = {one.column: one.text for one in found.numbers if one.card == "lags"}
    assert shown == {"period_count": "90", "q_value": "0.01"}


# ---- what options narrow ----------------------------------------------------------------------


OF_SEGMENTS = ("mart_kpis", "mart_funnel_steps", "mart_funnel_velocity", "mart_feedback")
OF_FIRST_VISITS = ("mart_sales_cycles", "mart_return_visits")
OF_VISITORS = ("mart_lead_scores", "mart_stalled_visitors", "mart_visitor_stages")


def test_a_segment_is_of_cards_that_know_it_and_others_say_so(
    report: Callable[..., Path], warehouse: Warehouse
) -> None:
    out = report("--segment", "device_category=mobile")
    found, told = read_page(out), scopes(out)
    assert wrong_numbers(found, warehouse.path) == []
    assert all(
        said.startswith(("Only Device: mobile.", "All visitors: ")) for said in told.values()
    )
    narrowed = {card for card, said in told.items() if said.startswith("Only")}
    assert narrowed >= {"funnel-shop-by-visitor", "cycle", "returns", "scores", "stalled"}
    for mart in (*OF_SEGMENTS, *OF_FIRST_VISITS, *OF_VISITORS):
        shown = [one for one in found.numbers if one.mart == mart and one.card in narrowed]
        assert shown or mart == "mart_feedback", mart
        for one in shown:
            of_segment = one.key.get("segment_value"), one.among.get("device_category")
            is_answer = one.key.get("segment_dimension") in ("answer_text", "furthest_step")
            assert "mobile" in of_segment or "visitor_id" in one.key or is_answer, one
    # A card that is about everybody has no number of the segment alone, but for what compares them.
    compares = ("segments-device-category", "alert-", "evidence-segments")
    for one in found.numbers:
        if one.card and one.card not in narrowed and not one.card.startswith(compares):
            assert one.key.get("segment_value") != "mobile" and not one.among, one
    # Alerts of other segments are left out.
    assert "Searches rose on mobile." in found.text
    assert "Searches rose on desktop." not in found.text


def test_visitors_of_another_segment_are_not_listed(
    report: Callable[..., Path], page: PageText, warehouse: Warehouse
) -> None:
    [(mobile,)] = sql(
        warehouse,
        """
        select count(*) from mart_lead_scores inner join int_visitors_segmented
            using (visitor_id)
        where macro_conversion_count = 0 and device_category = 'mobile'
        """,
    )
    [(everybody,)] = sql(
        warehouse, "select count(*) from mart_lead_scores where macro_conversion_count = 0"
    )
    counts = [
        {one.value for one in found.numbers if one.card == "scores" and one.column == "count(*)"}
        for found in (page, read_page(report("--segment", "device_category=mobile")))
    ]
    assert 0 < mobile < everybody
    assert str(everybody) in counts[0] and str(mobile) in counts[1]
    assert str(everybody) not in counts[1]


def test_a_segment_that_first_visits_do_not_have(report: Callable[..., Path]) -> None:
    told = scopes(report("--segment", "country=Germany"))
    assert told["cycle"] == told["scores"]
    assert told["cycle"] == "All visitors: first visits are not divided that way."
    assert told["kpi-purchase-rate"] == "Only Country: Germany."


def test_since_is_of_what_is_dated_and_other_cards_say_why_not(
    report: Callable[..., Path], page: PageText
) -> None:
    def weeks(found: PageText) -> set[str]:
        return {
            shown.key["period_start_date"]
            for shown in found.numbers
            if shown.key.get("period_grain") == "week"
        }

    out = report("--since", "2026-10-26")
    since, told = read_page(out), scopes(out)
    assert weeks(since) == {"2026-10-26", "2026-11-02"}
    assert "Since Oct 26, 2026; a card that takes all loaded days says so" in since.text
    known = ("Since Oct 26, 2026.", "All loaded days: ")
    assert [card for card, said in told.items() if not said.startswith(known)] == []
    begin = {card for card, said in told.items() if said.startswith("Since")}
    assert begin >= {"alert-1", "tracking", "noted", "outages", "cohort-weeks"}
    assert "1: Oct 29, 2026" in since.text and "New prices" not in since.text
    # Experiments ended before.
    assert "demo-" in page.text and "demo-" not in since.text
    assert min(one.key["cohort_week"] for one in since.numbers if "cohort_week" in one.key) >= (
        "2026-10-26"
    )
    # Without it, whole weeks only: the first days of the export are the end of a week or its begin.
    assert len(weeks(page)) == DAYS // 7
    later = read_page(report("--since", "2026-11-07")).text
    assert "Whether a rate moved is not known: none of " in later and "fell." not in later


def test_all_options_together_narrow_or_say_why_not(
    report: Callable[..., Path], warehouse: Warehouse
) -> None:
    options = ("--segment", "channel_group=Direct", "--since", "2026-10-26", "--macro", "sign_up")
    out = report(*options)
    assert wrong_numbers(read_page(out), warehouse.path) == []
    for card, said in scopes(out).items():
        assert said.startswith(("Only Channel: Direct. ", "All visitors: ")), card
        assert "Since Oct 26, 2026." in said or "All loaded days: " in said, card
    of_goals = {shown.key.get("macro_name", "sign_up") for shown in read_page(out).numbers}
    assert of_goals == {"sign_up"}
    any_goal = {card for card, said in scopes(out).items() if "Any goal: " in said}
    assert any_goal >= {"scores", "stalled", "alert-1", "noted", "findings", "rows"}
    assert "funnel-shop-by-visitor" not in any_goal


# ---- visits, stages and the test of scores -------------------------------------------------------


def test_an_action_is_named_where_its_intervals_do_not_touch(report: Callable[..., Path]) -> None:
    first = "where macro_name = 'purchase' and visit_index = 1"
    rate = ", ".join(
        f"micro_rate{end} = case visit_role when 'before' then {before} else {without} end"
        for end, before, without in (("", 0.5, 0.4), ("_low", 0.45, 0.3), ("_high", 0.6, 0.44))
    )
    alike = "micro_rate = 0.4, micro_rate_low = 0.3, micro_rate_high = 0.5"
    said = read_page(
        report(
            changes=(
                f"update mart_visit_contents set {alike} {first}",
                f"update mart_visit_contents set {rate} {first} and micro_name = 'search'",
            )
        )
    ).text
    named = re.search("More often in first visits of those who got there later: (.*?)\\.", said)
    assert named and named[1] == "Searched the shop"
    assert "Less often in first visits" not in said
    alone = report(changes=(f"update mart_visit_contents set {alike} {first}",))
    assert "No action clearly sets these first visits apart." in read_page(alone).text


def test_moves_are_those_of_the_newest_week_with_all_its_history(
    report: Callable[..., Path], page: PageText
) -> None:
    weeks = {one.key["week_end_date"] for one in page.numbers if one.card == "stage-flows"}
    assert weeks == {"2026-11-08"}
    out = report(changes=("update mart_visitor_segments set is_history_loaded = false",))
    assert "It takes a whole week, with the days before it" in read_page(out).text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.51, 0.6, "Yes: who got there later had more points"),
        (0.4, 0.49, "No: who got there later had fewer points"),
        (0.45, 0.55, "That cannot be told: the order may be chance."),
    ],
)
def test_scores_are_judged_by_their_interval(
    report: Callable[..., Path], low: float, high: float, said: str
) -> None:
    ends = f"present_auc_low = {low}, present_auc_high = {high}"
    assert said in read_page(report(changes=(f"update evidence_score_models set {ends}",))).text
