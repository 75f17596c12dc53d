"""Daily rates with planted leads, as rows of mart_daily_rates: two devices and two channels whose
shares wander from day to day, so that only rates at an unchanging mix show what was planted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from microconv.evidence.quantities import Floats

FIRST = date(2026, 3, 2)
LEFT_OUT_DAYS = 3  # the newest, which Google still changes
SESSIONS = 40_000
# Device, channel, its share of sessions, and how often its visitors do whatever there is to do.
CELLS = (
    ("desktop", "Direct", 0.4, 1.6),
    ("desktop", "Email", 0.1, 1.2),
    ("mobile", "Direct", 0.3, 0.8),
    ("mobile", "Paid Search", 0.2, 0.3),
)


@dataclass(frozen=True)
class Planted:
    """Log rates by day of conversions around a base rate, and in which cells they happen."""

    logs: Mapping[str, Floats]
    macros: frozenset[str] = frozenset({"purchase"})
    sessions: float = SESSIONS
    has_waves: bool = True

    def batches(self, seed: int = 1) -> pa.Table:
        """Rows of mart_daily_rates."""
        random = np.random.default_rng(seed)
        days = max(len(values) for values in self.logs.values())
        shares = np.array([cell[2] for cell in CELLS])
        waves = random.normal(0.0, 0.35 * self.has_waves, (days, len(CELLS))).cumsum(axis=0) * 0.4
        mix = shares * np.exp(waves)
        mix /= mix.sum(axis=1, keepdims=True)
        sessions = np.round(self.sessions * mix).astype(np.int64)
        parts = [self._table(name, values, sessions, random) for name, values in self.logs.items()]
        return pa.concat_tables(parts)

    def _table(
        self, name: str, logs: Floats, sessions: Any, random: np.random.Generator
    ) -> pa.Table:
        base = 0.01 if name in self.macros else 0.05
        rates = base * np.exp(logs)[:, None] * np.array([cell[3] for cell in CELLS])
        known = sessions[: len(logs)]
        converting = random.binomial(known, np.minimum(rates, 0.9))
        n = known.size
        days = [FIRST + timedelta(days=day) for day in range(len(logs))]
        return pa.table(
            {
                "conversion_date": pa.array([day for day in days for _ in CELLS], pa.date32()),
                "conversion_name": [name] * n,
                "conversion_type": ["macro" if name in self.macros else "micro"] * n,
                "device_category": [cell[0] for cell in CELLS] * len(logs),
                "channel_group": [cell[1] for cell in CELLS] * len(logs),
                "converting_session_count": converting.reshape(-1),
                "session_count": known.reshape(-1),
                "is_usable": [True] * n,
                "is_holiday": [False] * n,
            }
        )


class Held:
    """A warehouse whose only table is mart_daily_rates."""

    is_duckdb = True

    def __init__(self, table: pa.Table) -> None:
        self.connection = duckdb.connect()
        self.connection.register("mart_daily_rates", table)

    def relation(self, model: str) -> str:
        assert model == "mart_daily_rates"
        return model

    def run_batches(self, sql: str) -> Iterator[Any]:
        yield from self.connection.execute(sql).to_arrow_reader()


def as_of(days: int) -> date:
    """The last loaded day of a history of so many days that may be looked at."""
    return FIRST + timedelta(days=days - 1 + LEFT_OUT_DAYS)


def with_unseen_days(logs: Floats) -> Floats:
    """The same with days at the end that must not be looked at: they would spoil everything."""
    return np.concatenate([logs, [3.0, -3.0, 3.0]])
