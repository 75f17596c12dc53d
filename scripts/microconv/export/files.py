"""Tables as Parquet or CSV files: types by contract, all files or none, for their owner only."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microconv.errors import BUSY, MicroconvError
from microconv.files import OWNER_ONLY, OWNER_ONLY_FOLDER
from microconv.output import csv_cell, json_text

if TYPE_CHECKING:
    import pyarrow as pa

    from microconv.export.tables import Table

MANIFEST = "manifest.json"


class FileFormat(StrEnum):
    """How tables are written."""

    PARQUET = "parquet"
    CSV = "csv"


@dataclass(frozen=True)
class Written:
    """A file that was written, before it has its name."""

    table: Table
    name: str
    row_count: int
    byte_count: int
    sha256: str


class Folder:
    """A folder of files that appear together.

    Until `finish` everything has a temporary name; what fails leaves the files of the last export.
    One export at a time: the operating system's lock of the folder goes with whoever holds it.
    """

    def __init__(self, path: Path, file_format: FileFormat) -> None:
        """Take a folder, which is made for its owner only where there is none.

        Raises:
            MicroconvError: It cannot be written, or another export writes there.
        """
        self._path, self._format = path, file_format
        self._fresh: dict[str, Path] = {}
        if path.exists() and not path.is_dir():
            raise MicroconvError(f"{path} is a file.", "Name a folder with --to.")
        with _plain_errors(path):
            path.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            self._lock: int | None = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._release()
            raise MicroconvError(
                f"Another export writes to {path}.", "Let it end, or name another folder.", BUSY
            ) from error
        self._remove_abandoned()

    def write(self, table: Table, batches: Iterable[pa.RecordBatch]) -> Written:
        """Write a table, batch by batch."""
        name = f"{table.name}.{self._format}"
        with _plain_errors(self._path / name):
            fresh = self._create(name)
            write = _write_csv if self._format is FileFormat.CSV else _write_parquet
            count = write(fresh, table, _typed(table, batches))
            with fresh.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Written(table, name, count, fresh.stat().st_size, digest)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Give all files their names, the manifest last; what only an earlier export wrote goes."""
        with _plain_errors(self._path / MANIFEST):
            fresh = self._create(MANIFEST)
            fresh.write_text(json_text(manifest, indent=2) + "\n", "utf-8")
        earlier = self._earlier()
        with _plain_errors(self._path, "Files of two exports may lie beside each other now."):
            for name in [*(one for one in self._fresh if one != MANIFEST), MANIFEST]:
                self._fresh[name].replace(self._path / name)
            for name in earlier - self._fresh.keys():
                (self._path / name).unlink(missing_ok=True)
            self._fresh.clear()
        self._release()

    def clean(self) -> None:
        """Remove what has no name yet, and let others write."""
        for fresh in self._fresh.values():
            fresh.unlink(missing_ok=True)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _remove_abandoned(self) -> None:
        """Remove what a killed export left without a name."""
        for ending in (*FileFormat, "json"):
            for path in self._path.glob(f".*.{ending}.fresh"):
                path.unlink(missing_ok=True)

    def _create(self, name: str) -> Path:
        fresh = self._path / f".{name}.fresh"
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        self._fresh[name] = fresh
        return fresh

    def _earlier(self) -> set[str]:
        """Files of this folder that the last export wrote."""
        try:
            tables = json.loads((self._path / MANIFEST).read_text("utf-8"))["tables"]
            names = {str(one["file"]) for one in tables}
        except (OSError, ValueError, KeyError, TypeError):
            return set()
        endings = tuple(f".{one}" for one in FileFormat)
        return {name for name in names if Path(name).name == name and name.endswith(endings)}


def schema_of(table: Table) -> pa.Schema:
    """The columns of a file as Arrow types, the same from both warehouses."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([(column.name, types[column.kind]) for column in table.columns])


def _typed(table: Table, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = schema_of(table)
    for batch in batches:
        columns = []
        for field in schema:
            column = batch.column(field.name)
            # DuckDB's times have no zone; they are UTC all the same.
            if pa.types.is_timestamp(field.type) and column.type.tz is None:
                column = pc.assume_timezone(pc.cast(column, pa.timestamp("us")), "UTC")
            columns.append(pc.cast(column, field.type, safe=not pa.types.is_floating(field.type)))
        yield pa.Table.from_arrays(columns, schema=schema)


def _write_parquet(path: Path, table: Table, parts: Iterator[pa.Table]) -> int:
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(path, schema_of(table), compression="zstd") as writer:
        for part in parts:
            writer.write_table(part)
            count += part.num_rows
    return count


def _write_csv(path: Path, table: Table, parts: Iterator[pa.Table]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in table.columns])
        for part in parts:
            columns = [column.to_pylist() for column in part.columns]
            writer.writerows(
                [csv_cell(value) for value in row] for row in zip(*columns, strict=True)
            )
            count += part.num_rows
    return count


@contextmanager
def _plain_errors(
    path: Path, state: str = "The files of the last export are as they were."
) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MicroconvError(
            f"{path} cannot be written: {error.strerror}. {state}",
            "Look at its folder and the space that is left, then export again.",
        ) from error
