"""A small demo export that arrives in steps, as files for DuckDB and as tables of the emulator."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from bigquery.compile_offline import EXPORT_DATASET, PROJECT
from google.cloud import bigquery
from microconv.demo import generate_demo

UNTIL = dt.date(2026, 11, 8)
FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH = (
    f"{UNTIL - dt.timedelta(days=back):%Y%m%d}" for back in range(5, -1, -1)
)


@dataclass(frozen=True)
class Step:
    """What happens to the export before a build: tables that come, change or go."""

    name: str
    comes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()


# SECOND is missing at first and comes when newer days are long processed; of FOURTH there is the
# intraday table before the daily one, and for a while both.
STEPS = (
    Step("first run", comes=(f"events_{FIRST}", f"events_{THIRD}")),
    Step("day 1", comes=(f"events_intraday_{FOURTH}",)),
    Step("day 2", comes=(f"events_{FOURTH}", f"events_{FIFTH}")),
    Step("day 3", comes=(f"events_{SIXTH}",), goes=(f"events_intraday_{FOURTH}",)),
    Step("late day", comes=(f"events_{SECOND}",)),
    Step("redelivered", changes=(f"events_{FIRST}",)),
)


class Deliveries:
    """The export as it stands: files in `folder`, tables in the emulator of `client`."""

    def __init__(self, root: Path, client: bigquery.Client, visitors_per_day: int = 40) -> None:
        self._all = root / "all"
        self.folder = root / "analytics_123456"
        self.folder.mkdir(parents=True)
        self._client = client
        client.create_dataset(EXPORT_DATASET)
        generate_demo(
            self._all,
            days=6,
            visitors_per_day=visitors_per_day,
            seed=5,
            until=UNTIL,
            last_day_intraday=False,
        )

    @property
    def pattern(self) -> str:
        """The files, as GA4_EXPORT_FILES names them."""
        return str(self.folder / "events_*.parquet")

    def deliver(self, step: Step) -> None:
        for table in step.comes:
            self._put(table, shutil.copyfile)
        for table in step.changes:
            self._put(table, with_fewer_rows)
        for table in step.goes:
            self._file(table).unlink()
            self._client.delete_table(f"{PROJECT}.{EXPORT_DATASET}.{table}")

    def _file(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def _put(self, table: str, write: Callable[[Path, Path], object]) -> None:
        file = self._file(table)
        write(self._all / file.name, file)
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        )
        with file.open("rb") as content:
            name = f"{PROJECT}.{EXPORT_DATASET}.{table}"
            self._client.load_table_from_file(content, name, job_config=config).result()


def with_fewer_rows(source: Path, target: Path) -> None:
    """Every fifth event is gone, and with some of them all that a visitor did that day."""
    rows = pq.read_table(source)
    pq.write_table(rows.take([place for place in range(rows.num_rows) if place % 5]), target)
