"""Answers, where people stood when they gave them, and what followed, on random histories."""

from __future__ import annotations

import functools
import math
import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from export_rows import hit, write_export
from moments_case import (
    AS_OF,
    CONVERSION_OF_EVENT,
    HORIZON,
    LAST_DAY,
    MACROS,
    ONCE_PER_VISITOR,
    VARS,
    Event,
    Visitor,
    conversions_of,
    is_excluded,
    listed_moments,
    moments_warehouse,
    random_visitors,
    stands_at,
    write_lists,
)
from project_run import Warehouse
from test_marts_reference import close, wilson

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return moments_warehouse(tmp_path_factory)


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    """Every answer as it should be staged, excluded ones too."""
    found = []
    for visitor in random_visitors():
        for event in visitor.events:
            if event.name in ("survey_response", "star_rating"):
                answer = answer_of(visitor, event)
                if answer:
                    found.append(answer)
    return found


def answer_of(visitor: Visitor, event: Event) -> Answer | None:
    said = dict(event.said)
    stars = event.name == "star_rating"
    raw_rating = said.get("value" if stars else "survey_rating")
    if raw_rating is None and said.get("survey_answer") is None:
        return None
    scale = (0, 10) if stars else (1, 5)
    digits = str(raw_rating)
    rating = float(digits) if digits.replace(".", "").isdigit() else None
    return {
        "visitor": visitor,
        "event": event,
        "feedback_name": "stars" if stars else "survey",
        "question": "stars" if stars else said.get("survey_question", "survey"),
        "answer_text": said.get("survey_answer"),
        "rating": rating if rating is not None and scale[0] <= rating <= scale[1] else None,
        "trigger_moment": "/p" if stars else said.get("survey_trigger"),
        "visitor_id": visitor.visitor_id,
        "micros": event.micros,
        "is_excluded": is_excluded(visitor, event),
    }


# ---- the answers ---------------------------------------------------------------------------------

COLUMNS = ("feedback_name", "question", "answer_text", "rating", "trigger_moment", "visitor_id")


def test_every_answer_is_a_fact(warehouse: Warehouse, answers: list[Answer]) -> None:
    rows = warehouse.records(
        "select *, epoch_us(occurred_at) as micros, exclusion_reason is not null as is_excluded"
        " from fct_feedback"
    )
    names = (*COLUMNS, "micros", "is_excluded")
    found = Counter(tuple(row[name] for name in names) for row in rows)
    assert found == Counter(tuple(one[name] for name in names) for one in answers)
    assert len(answers) > 500
    assert {one["rating"] for one in answers} >= {None, 1.0, 4.5, 5.0, 0.0, 10.0}


# ---- the marts -----------------------------------------------------------------------------------


def journey_state(one: Answer) -> str:
    visitor: Visitor = one["visitor"]
    if visitor.visitor_id is None:
        return "(unknown)"
    begun = [
        (moment, start)
        for moment in listed_moments()
        if (start := stands_at(visitor, moment, one["micros"])) is not None
    ]
    if any(one["micros"] - start >= moment.stall for moment, start in begun):
        return "stalled"
    if begun:
        return "under_way"
    return "converted" if any(m <= one["micros"] for m in macros_of(visitor)) else "not_begun"


def macros_of(visitor: Visitor) -> list[int]:
    """When the visitor converted: counted, in sessions that count."""
    found, seen = [], set()
    for event in conversions_of(visitor):
        name = CONVERSION_OF_EVENT[event.name]
        if name not in MACROS or name in seen:
            continue
        if name in ONCE_PER_VISITOR:
            seen.add(name)
        if not is_excluded(visitor, event):
            found.append(event.micros)
    return found


def bounded(values: Counter[str], most: int) -> set[str]:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return {name for name, _ in ordered[:most]}


def named(answers: list[Answer]) -> list[Answer]:
    """The answers that count, with the names that the mart shows."""
    shown = [one for one in answers if not one["is_excluded"]]
    found = []
    for one in shown:
        kind = [each for each in shown if each["feedback_name"] == one["feedback_name"]]
        questions = bounded(Counter(each["question"] for each in kind), VARS["largest_segments"])
        triggers = bounded(
            Counter(each["trigger_moment"] for each in kind if each["trigger_moment"]),
            VARS["largest_segments"],
        )
        people: dict[str, set[str]] = defaultdict(set)
        for each in kind:
            if each["question"] == one["question"] and each["answer_text"]:
                people[each["answer_text"]] |= {each["visitor_id"]} - {None}
        counts = Counter({text: len(ids) for text, ids in people.items()})
        texts = {
            text
            for text in bounded(counts, VARS["feedback_answers_shown"])
            if counts[text] >= VARS["feedback_minimum_people"]
        }
        answer, trigger = one["answer_text"], one["trigger_moment"]
        found.append(
            one
            | {
                "question": one["question"] if one["question"] in questions else "(other)",
                "trigger": "(unknown)"
                if trigger is None
                else trigger
                if trigger in triggers
                else "(other)",
                "text": "(no words)"
                if answer is None
                else answer
                if answer in texts
                else "(other)",
            }
        )
    return found


def cells_of(warehouse: Warehouse, answers: list[Answer]) -> dict[tuple[Any, ...], list[Answer]]:
    """Answers by row of the mart; of sessions and funnels the project's own tables are asked."""
    ids = {
        (row["feedback_name"], row["micros"], row["visitor_id"], row["answer_text"], row["rating"]):
            row
        for row in warehouse.records(
            """
            select feedback.*, epoch_us(occurred_at) as micros, sessions.device_category,
                sessions.channel_group, sessions.is_new_visitor
            from fct_feedback as feedback
            left join fct_sessions as sessions using (session_id)
            """
        )
    }  # fmt: skip
    attempts = defaultdict(list)
    for row in warehouse.records("select * from int_funnel_attempts_reached"):
        attempts[row["visitor_id"]].append(row)
    labels = {
        (funnel, number): label
        for funnel, number, label in warehouse.rows(
            "select funnel_name, step_number, step_label from dim_funnel_steps"
        )
    }
    cells: dict[tuple[Any, ...], list[Answer]] = defaultdict(list)
    for one in named(answers):
        row = ids[
            tuple(
                one[name]
                for name in ("feedback_name", "micros", "visitor_id", "answer_text", "rating")
            )
        ]
        is_new = {True: "new", False: "returning", None: "(unknown)"}[row["is_new_visitor"]]
        places: list[tuple[str, str, str | None]] = [
            ("all", "all", None),
            ("trigger_moment", one["trigger"], None),
            ("journey_state", journey_state(one), None),
            ("device_category", row["device_category"] or "(unknown)", None),
            ("channel_group", row["channel_group"] or "(unknown)", None),
            ("visitor_type", is_new, None),
            ("answer_text", one["text"], None),
        ]
        for funnel in {name for name, _ in labels}:
            mine = [each for each in attempts[one["visitor_id"]] if each["funnel_name"] == funnel]
            number = furthest_step(mine, one["micros"])
            value = f"{number}. {labels[funnel, number]}" if number else "(not entered)"
            if one["visitor_id"] is None:
                value = "(unknown)"
            places.append(("furthest_step", value, funnel))
        for place in places:
            cells[one["feedback_name"], one["question"], *place].append(one)
    return cells


def furthest_step(steps: list[dict[str, Any]], now: int) -> int:
    entered = [one for one in steps if one["entered_timestamp"] <= now]
    if not entered:
        return 0
    newest = max((o["entered_timestamp"], o["unit_id"], o["entry_position"]) for o in entered)
    return max(
        one["step_number"]
        for one in entered
        if (one["entered_timestamp"], one["unit_id"], one["entry_position"]) == newest
        and one["reached_timestamp"] <= now
    )


@functools.cache
def student_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, by bisection of its distribution function."""

    def density(x: float) -> float:
        scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
        return math.exp(scale) / math.sqrt(freedom * math.pi) * (
            1 + x * x / freedom
        ) ** (-(freedom + 1) / 2)  # fmt: skip

    def probability(end: float) -> float:
        step = end / 400
        inner = sum((4 if n % 2 else 2) * density(n * step) for n in range(1, 400))
        return 0.5 + step / 3 * (density(0) + inner + density(end))

    low, high = 1.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle) < 0.975 else (low, middle)
    return low


def mean_interval(ratings: list[float], scale: tuple[float, float]) -> tuple[float, float]:
    """Student's interval of the ratings and one more at either end, within scale and about mean."""
    more = [*ratings, *scale]
    centre = sum(more) / len(more)
    variance = sum((one - centre) ** 2 for one in more) / (len(more) - 1)
    half = student_quantile(len(more) - 1) * math.sqrt(variance / len(more))
    mean = sum(ratings) / len(ratings)
    return (
        max(scale[0], min(mean, centre - half)),
        min(scale[1], max(mean, centre + half)),
    )


def test_the_mart_equals_the_reference(warehouse: Warehouse, answers: list[Answer]) -> None:
    rows = warehouse.records("select * from mart_feedback")
    key = ("feedback_name", "question", "segment_dimension", "segment_value", "funnel_name")
    found = {tuple(row[name] for name in key): row for row in rows}
    cells = cells_of(warehouse, answers)
    assert len(found) == len(rows)
    assert found.keys() == cells.keys()
    shown: Counter[str] = Counter()
    for place, members in cells.items():
        row = found[place]
        last: dict[str, Answer] = {}
        rated: dict[str, Answer] = {}
        for one in sorted(members, key=lambda each: each["micros"]):
            if one["visitor_id"] is None:
                continue
            last[one["visitor_id"]] = one
            if one["rating"] is not None:
                rated[one["visitor_id"]] = one
        mature = [one for one in last.values() if one["micros"] + HORIZON <= AS_OF]
        converted = [
            one
            for one in mature
            if any(
                one["micros"] < when <= one["micros"] + HORIZON
                for when in macros_of(one["visitor"])
            )
        ]
        assert row["answer_count"] == len(members)
        assert row["respondent_count"] == len(last)
        assert row["rating_count"] == len(rated)
        assert row["mature_respondent_count"] == len(mature)
        assert row["converted_respondent_count"] == len(converted), place
        least = VARS["minimum_group_size"]
        ratings = [one["rating"] for one in rated.values()]
        if len(ratings) >= least:
            shown["mean"] += 1
            scale = (0.0, 10.0) if place[0] == "stars" else (1.0, 5.0)
            low, high = mean_interval(ratings, scale)
            assert close(row["rating_mean"], sum(ratings) / len(ratings))
            assert close(row["rating_mean_low"], low, 1e-3)
            assert close(row["rating_mean_high"], high, 1e-3)
        else:
            assert row["rating_mean"] is row["rating_mean_low"] is row["rating_mean_high"] is None
        if len(mature) >= least:
            shown["rate"] += 1
            low, high = wilson(len(converted), len(mature))
            assert close(row["conversion_rate"], len(converted) / len(mature))
            assert close(row["conversion_rate_low"], low)
            assert close(row["conversion_rate_high"], high)
        else:
            assert row["conversion_rate"] is row["conversion_rate_low"] is None
    assert min(shown["mean"], shown["rate"]) > 30, shown


def test_the_histories_hold_what_they_are_meant_to_hold(
    warehouse: Warehouse, answers: list[Answer]
) -> None:
    kinds = cells_of(warehouse, answers)
    seen = Counter((place[2], place[3]) for place in kinds)
    for state in ("stalled", "under_way", "converted", "not_begun", "(unknown)"):
        assert seen["journey_state", state]
    for dimension, value in (
        ("answer_text", "(other)"),
        ("answer_text", "(no words)"),
        ("answer_text", "Too dear"),
        ("trigger_moment", "(other)"),
        ("trigger_moment", "(unknown)"),
        ("furthest_step", "(not entered)"),
        ("furthest_step", "(unknown)"),
    ):
        assert seen[dimension, value], (dimension, value)
    assert any(value.startswith("3. ") for dimension, value in seen if dimension == "furthest_step")
    texts = warehouse.rows("select segment_value from mart_feedback")
    assert not any("Ann" in text for (text,) in texts), "somebody's own words are shown"
    per_person = Counter(one["visitor_id"] for one in answers if one["visitor_id"])
    assert max(per_person.values()) > 1
    edges = Counter(
        when - one["micros"] - HORIZON
        for one in answers
        for when in macros_of(one["visitor"])
        if abs(when - one["micros"] - HORIZON) <= 1
    )
    assert min(edges[off] for off in (-1, 0, 1)) > 0, edges


def test_intervals_of_a_mean_hold_the_truth() -> None:
    """Also where nearly everybody gives the best rating, and ratings of few are all equal."""
    pick = random.Random(3)
    for weights in ((1, 1, 1, 1, 1), (1, 2, 3, 5, 9), (1, 0, 0, 0, 19), (1, 1, 1, 3, 60)):
        truth = sum(n * w for n, w in enumerate(weights, start=1)) / sum(weights)
        held = 0
        for _ in range(400):
            ratings = pick.choices((1.0, 2.0, 3.0, 4.0, 5.0), weights, k=30)
            low, high = mean_interval(ratings, (1.0, 5.0))
            held += low <= truth <= high
        assert held >= 0.93 * 400, (weights, held)


# ---- redaction -----------------------------------------------------------------------------------

REDACTED = {
    "Write to ann.bee+x@example.com please": "Write to (redacted) please",
    "ann (at) example.com": "(redacted)",
    "ann [at] example . com": "(redacted) . com",
    "ann @ example.com": "(redacted)",
    "ann%40example.com": "(redacted)",
    "ann\uff20example.com": "(redacted)",
    "Call +49 (30) 123-45 67!": "Call (redacted)!",
    "Call 030/1234567": "Call (redacted)",
    "1234567": "(redacted)",
    "12 34 56 7": "(redacted)",
    "1-2-3-4-5-6-7": "(redacted)",
    "No. 1.234.567,89": "No. (redacted)",
    "\u0661\u0662\u0663\u0664\u0665\u0666\u0667": "(redacted)",
    "12\u00a034\u200b567": "(redacted)",
    "card 4111 1111 1111 1111 expired": "card (redacted) expired",
    "see https://x.example/a?token=abc&b=c now": "see https://x.example/a(redacted) now",
    "Only 123456 of them": "Only 123456 of them",
    "10 out of 10, since 2019": "10 out of 10, since 2019",
    "  fine \t": "fine",
    "it's \"so\" 'so' \\ <b>": "it's \"so\" 'so' \\ <b>",
    "(not set)": None,
    "=1+1": "=1+1",
    "x" * 600: "x" * 500,
}


def test_answers_are_redacted(tmp_path_factory: pytest.TempPathFactory) -> None:
    warehouse = Warehouse(tmp_path_factory.mktemp("redacted"))
    rows = [
        hit(
            LAST_DAY,
            number,
            "survey_response",
            params={
                "survey_answer": text,
                "survey_question": text,
                "survey_trigger": text,
                "survey_rating": 3,
            },
        )
        for number, text in enumerate(REDACTED)
    ]
    write_export(warehouse.export, rows, days=[LAST_DAY])
    warehouse.build("-s", "+fct_feedback")
    found = warehouse.rows(
        "select question, answer_text, trigger_moment from fct_feedback order by occurred_at"
    )
    for text, row in zip(REDACTED, found, strict=True):
        wanted = REDACTED[text]
        assert row == (wanted or "survey", wanted, wanted), text


def test_an_empty_list_and_strange_fields_give_no_answers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    warehouse = Warehouse(tmp_path_factory.mktemp("no_feedback"))
    rows = [hit(LAST_DAY, 1, "survey_response", params={"survey_answer": "x"})]
    write_export(warehouse.export, rows, days=[LAST_DAY])
    write_lists(warehouse, lambda name, text: text.splitlines(keepends=True)[0])
    warehouse.build("-s", "+mart_feedback", "+mart_stalled_visitors")
    for table in ("fct_feedback", "mart_feedback", "mart_stalled_visitors"):
        assert warehouse.value(f"select count(*) from {table}") == 0
    assert warehouse.value("select count(*) from dim_audience_moments where is_listed") == 0
