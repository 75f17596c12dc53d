"""What the examples of schedulers are tested with: an environment of their own and a small shop."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
from microconv.demo import generate_demo

PROJECT = Path(__file__).resolve().parents[2]
FIRST_DAY, SECOND_DAY = date(2026, 11, 6), date(2026, 11, 7)
TABLES = ("fct_sessions", "mart_funnel_steps", "evidence_micro_conversions", "mart_alerts")


def python_of(example: str) -> Path:
    """The Python of an example's environment; the test is skipped where it could not be made."""
    environment = PROJECT / f".venv-examples-{example}"
    if not (environment / ".ready").exists():
        pytest.skip(f"There is no environment of examples/{example} (make setup-examples).")
    return environment / "bin" / "python"


@dataclass(frozen=True)
class Shop:
    """An export of which the newest whole day is still to come, and what is made of it."""

    root: Path

    def __post_init__(self) -> None:
        generate_demo(
            self.root / "export", days=21, visitors_per_day=40, seed=5, until=date(2026, 11, 8)
        )
        (self._file.parent / "later").mkdir()
        self._file.rename(self._file.parent / "later" / self._file.name)
        (self.root / "profiles").mkdir()
        shutil.copy(PROJECT / "profiles.example.yml", self.root / "profiles" / "profiles.yml")

    @property
    def _file(self) -> Path:
        return self.root / "export" / f"events_{SECOND_DAY:%Y%m%d}.parquet"

    def second_day_comes(self) -> None:
        (self._file.parent / "later" / self._file.name).rename(self._file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name != "DBT_TARGET"},
            "DBT_PROJECT_DIR": str(PROJECT),
            "DBT_PROFILES_DIR": str(self.root / "profiles"),
            "DBT_TARGET_PATH": str(self.root / "target"),
            "DUCKDB_PATH": str(self.root / "shop.duckdb"),
            "GA4_EXPORT_FILES": str(self.root / "export" / "events_*.parquet"),
            "MICROCONV_LOG": str(self.root / "logs" / "daily.jsonl"),
            "MICROCONV_REPORT": str(self.root / "report.html"),
        }

    def run(self, *command: str, also: Mapping[str, str] | None = None) -> str:
        """What a command that must succeed printed, without what it said beside that."""
        done = subprocess.run(
            command,
            env={**self.environment, **(also or {})},
            cwd=PROJECT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout

    def newest_whole_day(self) -> date:
        with duckdb.connect(str(self.root / "shop.duckdb"), read_only=True) as connection:
            rows = connection.execute(
                "select max(event_date) from int_export_days_processed"
                " join stg_ga4__export_days using (property_id, event_date) where is_final"
            ).fetchall()
        newest: date = rows[0][0]
        return newest

    def is_whole(self) -> bool:
        """Whether everything was written that a day ends with."""
        with duckdb.connect(str(self.root / "shop.duckdb"), read_only=True) as connection:
            for table in TABLES:
                connection.execute(f"select 1 from {table} limit 1")
            [(counted,)] = connection.execute("select count(*) from fct_sessions").fetchall()
        report = self.root / "report.html"
        return counted > 0 and report.read_text().rstrip().endswith("</html>")
