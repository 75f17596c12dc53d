"""`microconv wait` looks at tables of BigQuery through the real adapter."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from bigquery.compile_offline import EXPORT_DATASET, PROJECT, bigquery_output, write_profile
from bigquery.conftest import ROOT
from microconv.arrival.places import DAILY, INTRADAY, Tables
from microconv.arrival.wait import Awaited, look

from . import server
from .deliveries import FIRST, FOURTH, SECOND, STEPS, Deliveries

pytestmark = pytest.mark.skipif(
    not server.PYTHON.exists(), reason="make test-emulator installs the emulator"
)


def day_of(digits: str) -> dt.date:
    return dt.datetime.strptime(digits, "%Y%m%d").date()


def test_days_are_there_when_their_tables_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.running(tmp_path / "server") as address:
        deliveries = Deliveries(tmp_path, server.client(address), visitors_per_day=5)
        for step in STEPS[:2]:
            deliveries.deliver(step)
        write_profile(ROOT, tmp_path / "profiles", bigquery_output(address))
        monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path / "profiles"))
        monkeypatch.delenv("DBT_TARGET", raising=False)
        place = Tables({"1": f"{PROJECT}.{EXPORT_DATASET}"}, ROOT)
        kinds = {(one.day, one.kind) for one in place.shards(day_of(FIRST))}
        assert kinds >= {(day_of(FIRST), DAILY), (day_of(FOURTH), INTRADAY)}
        assert look(place, Awaited(day_of(FIRST))).is_here
        assert "is not there" in look(place, Awaited(day_of(SECOND))).missing[0]
        assert "not final yet" in look(place, Awaited(day_of(FOURTH))).missing[0]
        assert look(place, Awaited(day_of(FOURTH), takes_any=True)).is_here
