"""Each plant of the demo through the whole pipeline: found, and named rightly."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from evidence_warehouse import run
from microconv.demo import generate_demo
from microconv.demo.settings import Plant
from project_run import Warehouse
from report_case import use
from test_watch_tables import MODELS, WATCHED

UNTIL = date(2026, 11, 8)

pytestmark = pytest.mark.long


def found_after(
    plant: Plant, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch
) -> dict[str, Any]:
    new = Warehouse(tmp_path_factory.mktemp(plant.value), is_as_shipped=True)
    generate_demo(new.export, days=77, visitors_per_day=900, seed=8, until=UNTIL, plants=[plant])
    new.build("--select", *MODELS, *WATCHED)
    use(new, patch)
    result = run("watch", "--format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("plant", Plant)
def test_a_plant_is_found_and_named(
    plant: Plant, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    must_be_named(plant, found_after(plant, tmp_path_factory, monkeypatch))


def must_be_named(plant: Plant, found: dict[str, Any]) -> None:
    """What `watch` says is what was planted, and nothing else where nothing was."""
    problems = {(one["kind"], one["name"]) for one in found["tracking"]}
    alerts = {one["metric_name"]: one for one in found["alerts"] if one["is_ongoing"]}
    main = {
        name: {
            (part["part_kind"], part["part_dimension"], part["part_value"])
            for part in alert["parts"]
            if part["is_main"]
        }
        for name, alert in alerts.items()
    }
    means = {one["metric_name"] for one in found["rates"] if one["value_unit"] == "usd"}
    assert means == {"revenue_per_visit", "revenue_per_sale"}
    if plant is Plant.NOTHING:
        assert problems == set() and alerts == {}
    elif plant is Plant.OUTAGE:
        assert problems == {("event gone", "begin_checkout")}
        assert "begin_checkout" not in alerts
    elif plant is Plant.LOST_REVENUE:
        assert ("revenue missing", "purchase") in problems and alerts == {}
    elif plant is Plant.MOBILE_DROP:
        assert ("segment_rate", "device_category", "mobile") in main["add_to_cart"]
    else:
        # The campaign runs on mobile: devices explain the rates, the channel says whence they came.
        told = [parts for parts in main.values() if any(part[0] == "mix" for part in parts)]
        assert told and all(("mix", "channel_group", "Paid Social") in parts for parts in told)
        assert problems == set()
