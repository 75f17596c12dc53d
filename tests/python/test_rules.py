"""Rules match what an obvious reading of them matches, for every operator and kind of field.

Random events are built once; random rules then take the place of the shipped list, and the model
that applies rules runs again. The reference knows the events as they were meant, not as stored.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from export_rows import SHOP, Row, change_tables, hit, local_micros, param_list, write_export
from project_run import Warehouse, shared_warehouse

DAY = date(2025, 5, 12)
EVENT_COUNT = 400
RULE_COUNT = 400

TEXT_OPERATORS = (
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "in",
    "matches",
)
NUMBER_OPERATORS = ("at_least", "at_most", "greater_than", "less_than")
PRESENCE_OPERATORS = ("is_set", "is_not_set")
OPERATORS = (*TEXT_OPERATORS, *NUMBER_OPERATORS, *PRESENCE_OPERATORS)

EVENT_NAMES = ("page_view", "view_item", "generate_lead")
TEXTS = ("red", "red shoe", "shoe", "blue", "Blue", "10", "9.5", "-3", "NaN", "inf", "a|b", None)
NUMBERS = (0, 3, 7.5, 10, 100.25, -2, None)
PATTERNS = ("^red", "shoe$", "[0-9]+", "re.", "red|blue", "^$", "(?i)BLUE", "^(10|-3)$", "a[|]b")
LISTS = ("red|blue", "10|9.5", "shoe", "a|b|c", "red shoe|Blue")
PAGES = ("/red", "/red/shoe", "/blue", "/10")

# Staged columns and the parameter that each is read from.
TEXT_COLUMNS = {
    "page_title": "page_title",
    "search_term": "search_term",
    "link_url": "link_url",
    "file_name": "file_name",
    "form_id": "form_id",
    "currency": "currency",
    "event_source": "source",
    "event_medium": "medium",
    "event_campaign": "campaign",
    "transaction_id": "transaction_id",
    "page_referrer": "page_referrer",
}
NUMBER_COLUMNS = {"event_value": "value"}
WHOLE_COLUMNS = {"percent_scrolled": "percent_scrolled", "session_number": "ga_session_number"}
PLACES = ("device_category", "country")
ITEM_TEXTS = ("item_id", "item_brand", "item_category", "coupon")


@dataclass(frozen=True)
class Event:
    """An event as it was meant: what each single-valued field says, and the items."""

    timestamp: int
    name: str
    values: dict[str, Any]
    items: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Condition:
    group: int
    event_name: str
    field: str | None
    operator: str | None
    value: str | None


# ---- the reference -------------------------------------------------------------------------------


def text_of(value: Any) -> str:
    """A field's value as rules compare it: absent is empty, whole numbers have no fraction."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number_of(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def holds(text: str, operator: str, value: str) -> bool:
    """Whether one text satisfies an operator."""
    if operator in NUMBER_OPERATORS:
        number = number_of(text)
        limit = float(value)
        return (
            number is not None
            and {
                "at_least": number >= limit,
                "at_most": number <= limit,
                "greater_than": number > limit,
                "less_than": number < limit,
            }[operator]
        )
    return {
        "equals": text == value,
        "not_equals": text != value,
        "contains": value in text,
        "not_contains": value not in text,
        "starts_with": text.startswith(value),
        "ends_with": text.endswith(value),
        "in": text in value.split("|"),
        "matches": operator == "matches" and re.search(value, text) is not None,
        "is_set": text != "",
        "is_not_set": text == "",
    }[operator]


def condition_met(event: Event, condition: Condition) -> bool:
    """A condition on an item's field holds when it holds for any item."""
    if condition.event_name not in ("*", event.name):
        return False
    if condition.field is None or condition.operator is None:
        return True
    value = condition.value or ""
    if condition.field.startswith("item:"):
        name = condition.field.removeprefix("item:")
        texts = [text_of(item.get(name)) for item in event.items]
    else:
        texts = [text_of(event.values.get(condition.field))]
    return any(holds(text, condition.operator, value) for text in texts)


def expected_matches(
    events: list[Event], rules: dict[str, list[Condition]]
) -> set[tuple[int, str]]:
    """All conditions of any group."""
    return {
        (event.timestamp, name)
        for event in events
        for name, conditions in rules.items()
        if any(
            all(condition_met(event, other) for other in conditions if other.group == group)
            for group in {condition.group for condition in conditions}
        )
    }


# ---- random events and rules ---------------------------------------------------------------------


def random_event(chance: random.Random, number: int) -> tuple[Event, Row]:
    """An event and the raw row that carries it."""
    values: dict[str, Any] = {}
    params: dict[str, Any] = {}
    for column, key in TEXT_COLUMNS.items():
        values[column] = params[key] = chance.choice(TEXTS)
    for column, key in NUMBER_COLUMNS.items():
        values[column] = params[key] = chance.choice(NUMBERS)
    for column, key in WHOLE_COLUMNS.items():
        values[column] = params[key] = chance.choice((1, 3, 50, 90, None))
    if values["event_source"] is None:
        values["event_medium"] = None
    engaged = chance.choice((0, 250, 12_345, 30_000, 90_000, None))
    params["engagement_time_msec"] = engaged
    values["engagement_seconds"] = None if engaged is None else engaged / 1000
    for key in ("plan", "size"):
        values[f"param:{key}"] = params[key] = chance.choice((*TEXTS, *NUMBERS))
    properties = {key: chance.choice((*TEXTS, *NUMBERS)) for key in ("tier", "score")}
    values |= {f"user_property:{key}": value for key, value in properties.items()}
    page = values["page_path"] = chance.choice(PAGES)
    values["page_location"] = SHOP + page
    values["hostname"] = SHOP.removeprefix("https://")
    values["platform"] = "WEB"
    places = {name: chance.choice(TEXTS) for name in PLACES}
    items = [random_item(chance) for _ in range(chance.choice((0, 1, 1, 3)))]
    name = chance.choice(EVENT_NAMES)
    row = hit(
        DAY,
        number,
        name,
        page=page,
        items=items,
        params=[(key, value) for key, value in params.items() if value is not None],
        user_properties=param_list({key: v for key, v in properties.items() if v is not None}),
        device={"category": places["device_category"]},
        geo={"country": places["country"]},
    )
    return Event(local_micros(DAY, number), name, values | places, items), row


def random_item(chance: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {name: chance.choice(TEXTS) for name in ITEM_TEXTS}
    item["price"] = chance.choice((0.0, 7.5, 10.0, 99.99, None))
    item["quantity"] = chance.choice((1, 3, 10, None))
    return item


def random_condition(chance: random.Random, group: int, event_name: str) -> Condition:
    columns = [*TEXT_COLUMNS, *NUMBER_COLUMNS, *WHOLE_COLUMNS, *PLACES, "engagement_seconds"]
    columns += ["page_path", "page_location", "hostname", "platform"]
    columns += ["param:plan", "param:size", "param:never_sent"]
    columns += ["user_property:tier", "user_property:score"]
    columns += [f"item:{name}" for name in (*ITEM_TEXTS, "price", "quantity")]
    operator = chance.choice(OPERATORS)
    if operator in PRESENCE_OPERATORS:
        value = None
    elif operator in NUMBER_OPERATORS:
        value = chance.choice(("0", "3", "7.5", "10", "30", "-2.5", "1e2"))
    elif operator == "matches":
        value = chance.choice(PATTERNS)
    elif operator == "in":
        value = chance.choice(LISTS)
    else:
        value = chance.choice([text for text in TEXTS if text] + ["/red", "3", "12.345", "sh"])
    return Condition(group, event_name, chance.choice(columns), operator, value)


def absent_condition(operator: str) -> Condition:
    """A condition on a parameter that no event has."""
    value = "0" if operator in NUMBER_OPERATORS else "red"
    return Condition(1, "*", "param:never_sent", operator, value)


def random_rule(chance: random.Random) -> list[Condition]:
    conditions = []
    for group in range(1, chance.choice((2, 2, 3))):
        event_name = chance.choice((*EVENT_NAMES, "*"))
        if event_name != "*" and chance.random() < 0.05:
            conditions.append(Condition(group, event_name, None, None, None))
            continue
        for _ in range(chance.choice((1, 1, 2, 3))):
            conditions.append(random_condition(chance, group, event_name))
    return conditions


# ---- the model -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Applied:
    """Random events and rules, and the matches that the model found."""

    events: list[Event]
    rules: dict[str, list[Condition]]
    matches: set[tuple[int, str]]


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Applied:
    chance = random.Random(20250512)
    pairs = [random_event(chance, number) for number in range(EVENT_COUNT)]
    rules = {f"rule_{number:03d}": random_rule(chance) for number in range(RULE_COUNT)}
    rules |= {f"absent_{operator}": [absent_condition(operator)] for operator in OPERATORS}

    def build(new: Warehouse) -> None:
        write_export(new.export, [row for _, row in pairs])
        new.build("-s", "+int_conversion_events_matched")
        change_tables(new.path, "delete from conversion_rules", *insertions(rules))
        new.dbt("run", "-s", "int_conversion_events_matched", "--full-refresh").must_succeed()

    warehouse = shared_warehouse(tmp_path_factory, "rules", build)
    found = warehouse.rows(
        "select event_timestamp, conversion_name from int_conversion_events_matched"
    )
    assert len(found) == len(set(found)), "an event matches a conversion more than once"
    return Applied([event for event, _ in pairs], rules, set(found))


def insertions(rules: dict[str, list[Condition]]) -> list[str]:
    """Statements that fill conversion_rules, with an empty cell as NULL, as a seed is loaded."""
    statements = []
    for name, conditions in rules.items():
        for condition in conditions:
            cells = (condition.event_name, condition.field, condition.operator, condition.value)
            texts = ", ".join(
                "null" if cell is None else "'" + cell.replace("'", "''") + "'" for cell in cells
            )
            statements.append(
                "insert into conversion_rules"
                " (conversion_name, rule_group, event_name, field, operator, value)"
                f" values ('{name}', {condition.group}, {texts})"
            )
    return statements


def explained(applied: Applied, differing: set[tuple[int, str]]) -> list[str]:
    """The first few differences with their rules, to read in a failure."""
    by_time = {event.timestamp: event for event in applied.events}
    return [
        f"{name} {applied.rules[name]} on {by_time[timestamp]}"
        for timestamp, name in sorted(differing)[:3]
    ]


def test_rules_match_what_the_reference_matches(applied: Applied) -> None:
    expected = expected_matches(applied.events, applied.rules)
    assert explained(applied, applied.matches ^ expected) == []
    assert len(expected) > 5_000


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_decides_about_every_kind_of_field(applied: Applied, operator: str) -> None:
    """Rules of a single condition, so that a wrong operator is named and none tested in vain."""
    single = {
        name: conditions
        for name, conditions in applied.rules.items()
        if len(conditions) == 1 and conditions[0].operator == operator
    }
    kinds = {str(conditions[0].field).partition(":")[0] for conditions in single.values()}
    assert {"param", "user_property", "item"} & kinds
    assert len(kinds) >= 3
    expected = expected_matches(applied.events, single)
    found = {match for match in applied.matches if match[1] in single}
    assert explained(applied, found ^ expected) == []
    possible = len(applied.events) * len(single)
    assert 0 < len(expected) < possible


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_field_that_is_never_sent_meets_only_conditions_of_absence(
    applied: Applied, operator: str
) -> None:
    found = {timestamp for timestamp, name in applied.matches if name == f"absent_{operator}"}
    everywhere = {event.timestamp for event in applied.events}
    is_met = operator in ("not_equals", "not_contains", "is_not_set")
    assert found == (everywhere if is_met else set())
