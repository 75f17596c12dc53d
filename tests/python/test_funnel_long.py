"""Twenty thousand random visitors in funnels of every mode: what `test_funnel` checks, on more."""

from __future__ import annotations

import pytest
import test_funnel
from funnel_case import FUNNELS, WIDER, FunnelCase, funnel_case

pytestmark = pytest.mark.long

VISITORS = 20_000


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> FunnelCase:
    return funnel_case(tmp_path_factory, VISITORS, seed=2026)


@pytest.mark.parametrize("name", FUNNELS)
def test_attempts_and_their_steps_equal_the_reference(case: FunnelCase, name: str) -> None:
    test_funnel.test_attempts_equal_the_reference(case.warehouse, case.expected, name)
    test_funnel.test_steps_are_reached_when_the_reference_reaches_them(
        case.warehouse, case.expected, name
    )


@pytest.mark.parametrize("name", FUNNELS)
def test_marts_equal_the_reference(case: FunnelCase, name: str) -> None:
    test_funnel.test_marts_count_units_as_the_reference_does(
        case.warehouse, case.expected, case.histories, name
    )


@pytest.mark.parametrize(("fewer", "more"), WIDER)
def test_a_wider_funnel_never_loses_a_unit(case: FunnelCase, fewer: str, more: str) -> None:
    test_funnel.test_a_wider_funnel_never_loses_a_unit(case.warehouse, fewer, more)
