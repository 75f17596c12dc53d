"""Checks the export files that a run would read, by their names and footers only."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from microconv.check.engine import engine, sql_text
from microconv.check.export_schema import schema_faults
from microconv.check.problems import Problem

# The same as in macros/export/export_shards.sql: what a run reads when nothing is said.
DEFAULT_PATTERN = "target/demo_export/events_*.parquet"
FILE_NAME = re.compile(r"events_(intraday_|fresh_)?([0-9]{8})\.parquet")
_NAMES = "events_YYYYMMDD.parquet, events_intraday_YYYYMMDD.parquet, events_fresh_YYYYMMDD.parquet"
_MAGIC = b"PAR1"
_EXPORT_AGAIN = (
    "Export the day again (bq extract --destination_format PARQUET), or move the file away."
)
# Staged events, their facts and the room a rebuild needs while old and new tables exist side by
# side.
DISK_FACTOR = 3


@dataclass
class ExportFiles:
    """The readable files of an export and what is wrong with the others."""

    files: list[Path] = field(default_factory=list)
    days: set[str] = field(default_factory=set)
    byte_count: int = 0
    problems: list[Problem] = field(default_factory=list)

    def note(self, path: Path | str, message: str, remedy: str, warning: bool = False) -> None:
        """Note a problem of one file."""
        self.problems.append(
            Problem(str(path), message, remedy, severity="warning" if warning else "error")
        )


def check_export(pattern: str, project_dir: Path, database: Path | None) -> ExportFiles:
    """Check the files that a glob names.

    Args:
        pattern: As in GA4_EXPORT_FILES; a relative one starts at the project, as it does for dbt.
        project_dir: The folder of dbt_project.yml.
        database: The DuckDB file a build writes, to look at the free space around it; None to
            skip that.

    Returns:
        Readable files and days, and all problems; nothing is raised for a bad file.
    """
    found = ExportFiles()
    if "://" in pattern:
        found.note(pattern, "Files behind an address are not checked.", "", warning=True)
        return found
    paths = matching_files(pattern, project_dir)
    dated = [path for path in paths if _is_dated(path, found)]
    if not dated:
        found.note(
            pattern, _nothing_found(len(paths)), _where_files_come_from(pattern, project_dir)
        )
        return found
    for path in dated:
        _check_file(path, found)
    _check_row_counts(found)
    if database is not None:
        _check_disk(database, found)
    return found


def matching_files(pattern: str, project_dir: Path) -> list[Path]:
    """The files DuckDB itself would match, so that both agree on what `*` and `**` mean."""
    absolute = str(project_dir / Path(pattern).expanduser())
    rows = engine().execute(f"select file from glob({sql_text(absolute)}) order by file").fetchall()
    return [Path(row[0]) for row in rows]


def _nothing_found(matched: int) -> str:
    if matched:
        return f"None of the {matched} matching files is a day of a GA4 export."
    return "No export files match."


def _where_files_come_from(pattern: str, project_dir: Path) -> str:
    if pattern == DEFAULT_PATTERN:
        return "Run `make demo` to generate one, or point GA4_EXPORT_FILES at your own daily files."
    if (project_dir / pattern).is_dir():
        return f"This is a folder; write '{pattern.rstrip('/')}/events_*.parquet'."
    return f"Point GA4_EXPORT_FILES (or --export) at daily files named {_NAMES}."


def _is_dated(path: Path, found: ExportFiles) -> bool:
    """Whether the name is that of an export day; the build ignores others too."""
    named = FILE_NAME.fullmatch(path.name)
    if not named:
        found.note(
            path,
            "The file is ignored: its name is not that of an export day.",
            f"Allowed: {_NAMES}.",
            True,
        )
        return False
    digits = named.group(2)
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        found.note(
            path,
            f"The file is ignored: {digits} is not a date.",
            "Name it by its day, YYYYMMDD.",
            True,
        )
        return False
    return True


def _check_file(path: Path, found: ExportFiles) -> None:
    import duckdb

    try:
        fault = damage_of(path)
        size = path.stat().st_size
    except OSError as error:
        found.note(path, f"The file cannot be read: {error.strerror}.", "Look at its permissions.")
        return
    if fault:
        found.note(path, fault, _EXPORT_AGAIN)
        return
    try:
        relation = engine().sql(f"from read_parquet({sql_text(str(path))})")
        columns = dict(zip(relation.columns, relation.types, strict=True))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        found.note(path, f"The file is damaged: {reason}", _EXPORT_AGAIN)
        return
    faults = schema_faults(columns)
    if faults:
        message = f"The file is not a GA4 export: {'; '.join(faults)}."
        found.note(
            path,
            message,
            "Export the table as Google wrote it, with all its columns, or move the file away.",
        )
        return
    found.files.append(path)
    found.byte_count += size
    found.days.add(path.name[-len("YYYYMMDD.parquet") : -len(".parquet")])


def damage_of(path: Path) -> str | None:
    """What the first and last bytes say: a Parquet file begins and ends with the same four."""
    size = path.stat().st_size
    if size == 0:
        return "The file is empty (0 bytes)."
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(size - 4, 0))
        tail = file.read(4)
    if head != _MAGIC:
        return f"The file is not Parquet{_what_it_looks_like(head)}."
    if tail != _MAGIC or size < 12:
        return "The file is truncated: its end is missing."
    return None


def _what_it_looks_like(head: bytes) -> str:
    if head[:1] in (b"{", b"["):
        return "; it looks like JSON"
    if head[:2] == b"\x1f\x8b":
        return "; it looks like a gzip archive"
    if head == b"Obj\x01":
        return "; it looks like Avro"
    return ""


def _check_row_counts(found: ExportFiles) -> None:
    if not found.files:
        return
    names = ", ".join(sql_text(str(path)) for path in found.files)
    rows = engine().execute(f"""
        select file_name from parquet_file_metadata([{names}]) where num_rows = 0 order by 1
    """)
    for (name,) in rows.fetchall():
        found.note(
            name,
            "The file has the right columns but no rows.",
            "Export the day again if it had traffic.",
            True,
        )


def _check_disk(database: Path, found: ExportFiles) -> None:
    folder = database.parent
    while not folder.exists():
        folder = folder.parent
    free, needed = shutil.disk_usage(folder).free, DISK_FACTOR * found.byte_count
    if free < needed:
        found.note(
            database,
            f"The disk has {_gigabytes(free)} free; a full build of this export may need "
            f"{_gigabytes(needed)}.",
            "Free some space, or set DUCKDB_PATH to a file on a larger disk.",
            True,
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
