"""The report of each vertical's demo: every number is the marts'."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from evidence_warehouse import run
from microconv.demo import generate_demo
from microconv.starters.lists import Vertical
from project_run import Warehouse
from report_case import COMMANDS, use
from report_page import read_page, wrong_numbers
from test_verticals import with_starter

OTHERS = [vertical for vertical in Vertical if vertical is not Vertical.ECOMMERCE]


def check_report(warehouse: Warehouse, folder: Path) -> None:
    """Every command that the report rests on runs, and every number of it is read back."""
    with pytest.MonkeyPatch.context() as patch:
        use(warehouse, patch)
        for command in COMMANDS:
            done = run(command)
            assert done.exit_code == 0, (command, done.output)
        out = folder / "report.html"
        done = run("report", "--out", str(out))
        assert done.exit_code == 0, done.output
    page = read_page(out)
    assert wrong_numbers(page, warehouse.path) == []
    assert len(page.numbers) > 1_000
    assert out.stat().st_size < 5_000_000
    assert {"happened", "leaks", "predicts", "call", "changed", "next", "trust"} <= set(page.ids)


@pytest.mark.slow
@pytest.mark.parametrize("vertical", OTHERS)
def test_every_number_of_a_vertical_is_the_marts(tmp_path: Path, vertical: Vertical) -> None:
    warehouse = with_starter(tmp_path, vertical)
    warehouse.is_as_shipped = True
    generate_demo(
        warehouse.export,
        days=35,
        visitors_per_day=60,
        seed=11,
        until=date(2026, 11, 8),
        vertical=vertical,
    )
    warehouse.build()
    check_report(warehouse, tmp_path)
