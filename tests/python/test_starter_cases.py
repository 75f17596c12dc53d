"""The derived conversions that each starter ships, each with a visitor on either side of its rule.

From raw rows to counted conversions, with the starter's own lists: `in` is the visitor who did it,
`out` the one who just missed.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from export_rows import Row, hit, write_export
from microconv.starters.lists import STARTERS, Vertical
from project_run import Warehouse, shared_folder
from test_verticals import OTHERS, with_starter

DAY = date(2025, 5, 12)
LAST = DAY + timedelta(days=20)
NOON, ONE_DAY, WEEK = 12 * 3600, 86400, 7 * 86400


@dataclasses.dataclass(frozen=True)
class Case:
    """A vertical's derived conversion, and the hits of either visitor."""

    vertical: Vertical
    name: str
    did: Sequence[Row]
    did_not: Sequence[Row]


def at(seconds: float, name: str, session: int = 1, **more: Any) -> Row:
    """A hit so long after noon of the first day."""
    days, rest = divmod(NOON + seconds, ONE_DAY)
    return hit(DAY + timedelta(days=days), rest, name, session=session, **more)


def page(seconds: float, path: str = "/", session: int = 1, **more: Any) -> Row:
    return at(seconds, "page_view", session, page=path, **more)


def mail(session: int, medium: str = "email") -> Row:
    return page(session * 7200, session=session, params={"source": "news", "medium": medium})


def on_case_study(**params: object) -> list[Row]:
    path = "/case-studies/bakery"
    return [page(0, path), at(9, "user_engagement", page=path, params=params)]


def back_after(seconds: float) -> list[Row]:
    return [page(0), page(1, "/a"), page(seconds, session=2)]


def form(*events: str) -> list[Row]:
    contact = {"form_id": "contact_form"}
    return [at(10 * nth, name, params=contact) for nth, name in enumerate(events)]


def events(*dated: tuple[float, str]) -> list[Row]:
    """Events of one session each, so long after the first page."""
    later = [at(seconds, name, session) for session, (seconds, name) in enumerate(dated, start=2)]
    return [page(0), *later]


SAAS, LEADS, MEDIA, APP = OTHERS
SIGN_UP, PROJECT_MADE, INVITED = (0, "sign_up"), (60, "create_project"), (90, "invite_member")
OPENED, SHOWN, SEARCHED = (0, "first_open"), (60, "tutorial_complete"), (90, "search")
CASES = (
    Case(SAAS, "activation", events(INVITED, (WEEK, "create_project")), events(INVITED, INVITED)),
    Case(
        SAAS,
        "activation_in_a_day",
        events(SIGN_UP, PROJECT_MADE, (ONE_DAY, "invite_member")),
        events(SIGN_UP, PROJECT_MADE, (ONE_DAY + 1, "invite_member")),
    ),
    Case(
        SAAS,
        "three_features_first_week",
        events(SIGN_UP, PROJECT_MADE, INVITED, (WEEK, "connect_integration")),
        events(SIGN_UP, PROJECT_MADE, INVITED, (WEEK + 1, "connect_integration")),
    ),
    Case(
        SAAS,
        "pricing_left",
        [page(0, "/pricing"), at(WEEK + 1, "sign_up", 2)],
        [page(0, "/pricing"), at(WEEK, "sign_up", 2)],
    ),
    Case(
        LEADS,
        "three_pages",
        [page(0), page(1, "/a"), page(2)],
        [page(0), page(1, "/a"), page(2, session=2)],
    ),
    Case(LEADS, "return_visit", back_after(WEEK), back_after(WEEK + 1)),
    Case(LEADS, "form_left", form("form_start"), form("form_start", "form_submit")),
    Case(
        LEADS,
        "scroll_case_study",
        on_case_study(percent_scrolled=75),
        on_case_study(percent_scrolled=74),
    ),
    Case(
        LEADS,
        "study_case_study",
        on_case_study(engagement_time_msec=180_000),
        on_case_study(engagement_time_msec=179_999),
    ),
    Case(
        MEDIA,
        "three_pages",
        [page(0, "/a"), page(1, "/b"), page(2, "/c")],
        [page(0, "/a"), page(1, "/b"), page(2, "/a")],
    ),
    Case(MEDIA, "return_visit", back_after(WEEK), back_after(WEEK + 1)),
    Case(
        MEDIA,
        "three_email_clicks",
        [mail(1), mail(2), mail(3)],
        [mail(1), mail(2), mail(3, "social")],
    ),
    Case(APP, "activation", events(SEARCHED, SHOWN), events(SHOWN, (90, "unlock_achievement"))),
    Case(
        APP,
        "activation_in_a_day",
        events(OPENED, SHOWN, (ONE_DAY, "search")),
        events(OPENED, SHOWN, (ONE_DAY + 1, "search")),
    ),
    Case(
        APP,
        "three_features_first_week",
        events(SEARCHED, (99, "share"), (WEEK, "join_group")),
        events(SEARCHED, (99, "share"), (100, "search"), (WEEK + 1, "join_group")),
    ),
)


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> dict[Vertical, Warehouse]:
    """The hits of all cases of a vertical in one export, built with its lists."""

    def build(vertical: Vertical) -> Warehouse:
        def fill(root: Any) -> None:
            new = with_starter(root, vertical)
            rows = [page(0, visitor="somebody"), hit(LAST, NOON, "page_view", visitor="somebody")]
            for case in CASES:
                if case.vertical is vertical:
                    for side, hits in (("in", case.did), ("out", case.did_not)):
                        rows += [one | {"user_pseudo_id": f"{side} {case.name}"} for one in hits]
            write_export(new.export, rows)
            new.build("-s", "+int_conversions_counted")

        return with_starter(shared_folder(tmp_path_factory, f"cases_{vertical}", fill), vertical)

    return {vertical: build(vertical) for vertical in OTHERS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.vertical}-{case.name}")
def test_whoever_did_it_has_it_and_whoever_just_missed_has_not(
    warehouses: dict[Vertical, Warehouse], case: Case
) -> None:
    having = warehouses[case.vertical].rows(
        "select visitor_id, count(*) from int_conversions_counted"
        f" where conversion_name = '{case.name}' and is_counted"
        f" and visitor_id in ('in {case.name}', 'out {case.name}') group by visitor_id"
    )
    assert having == [(f"in {case.name}", 1)]


def test_every_derived_conversion_that_ships_has_a_case() -> None:
    shipped = set()
    for vertical in OTHERS:
        text = (STARTERS / vertical / "derived_conversions.csv").read_text(encoding="utf-8")
        shipped |= {(vertical, row["conversion_name"]) for row in csv.DictReader(text.splitlines())}
    assert shipped == {(case.vertical, case.name) for case in CASES}
