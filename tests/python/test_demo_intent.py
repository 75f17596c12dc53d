"""What only the generator knows: with the hidden intent in hand, the wish list does nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from microconv.demo import shop
from microconv.demo.arrays import Ints, any_before
from microconv.demo.browsing import PURCHASED, Browsing, Rates, browse, draw_page_counts, durations
from microconv.demo.visitors import Sessions, Visitors, draw_sessions, draw_visitors, session_starts
from microconv.evidence.stratified import Tables, mantel_haenszel

VISITORS = 400_000
INTENT_BINS = 60
DEEPEST = 30


@pytest.fixture(scope="module")
def world() -> tuple[Visitors, Sessions, Browsing]:
    """Everybody's pages, before they become events."""
    rng = np.random.default_rng(3)
    visitors = draw_visitors(rng, np.arange(VISITORS), 1.0, VISITORS, shop.SITE)
    planned = draw_sessions(rng, visitors, shop.SITE)
    pages, dwell = draw_page_counts(rng, visitors, planned)
    start = session_starts(rng, planned, 20_000, durations(pages, dwell))
    sessions = replace(planned, start=start)
    browsing = browse(rng, visitors, sessions, pages, dwell, Rates(0.001, None))
    return visitors, sessions, browsing


def odds_ratio_of(action: str, browsing: Browsing, *strata: Ints) -> float:
    """That the next page buys, by whether the action was done before, within the strata."""
    code = np.zeros(len(browsing.session), dtype=np.int64)
    for column in strata:
        code = code * (int(column.max()) + 1) + column
    human = browsing.is_human
    did = any_before(browsing.did[action], browsing.visitor_first)[human]
    bought = (browsing.outcome == PURCHASED)[human]
    within = np.unique(code[human], return_inverse=True)[1]
    tables = Tables.from_rows(within, did, np.ones(len(within)), bought)
    return mantel_haenszel(tables).odds_ratio.value


def test_only_who_knows_the_intent_sees_that_the_wish_list_does_nothing(
    world: tuple[Visitors, Sessions, Browsing],
) -> None:
    visitors, sessions, browsing = world
    place = np.arange(len(browsing.session)) - browsing.visitor_first
    seen = (
        np.minimum(place, DEEPEST),
        browsing.is_mobile.astype(np.int64),
        sessions.last_click[browsing.session].astype(np.int64),
    )
    intent = visitors.intent[browsing.visitor]
    limits = np.quantile(intent, np.linspace(0, 1, INTENT_BINS + 1)[1:-1])
    known = (*seen, np.digitize(intent, limits))
    assert odds_ratio_of("add_to_wishlist", browsing, *seen) > 2
    assert 0.9 < odds_ratio_of("add_to_wishlist", browsing, *known) < 1.1
    # And what was planted to double the odds of whoever did it does so.
    assert 1.85 < odds_ratio_of("view_size_guide", browsing, *known) < 2.15
