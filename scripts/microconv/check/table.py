"""Reads a seed the way an editor shows it: cells as text, every row with its line number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from microconv.check.problems import Problem, allowed_words, quoted


@dataclass(frozen=True)
class Row:
    """One record of a seed: the line it starts on and its cells by column name."""

    line: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        """The cell, empty when the file has no such column."""
        return self.cells.get(column, "")


@dataclass
class Table:
    """A seed as read. `columns` holds only the expected columns that the file really has."""

    name: str
    file: str
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # A row that could not be read may have held the name that another list refers to.
    is_complete: bool = True

    def refuse(
        self,
        message: str,
        remedy: str = "",
        row: Row | int | None = None,
        column: str | None = None,
    ) -> None:
        """Note a problem at a row and column of this seed."""
        value = row.get(column) if isinstance(row, Row) and column else None
        line = row.line if isinstance(row, Row) else row
        self.problems.append(Problem(self.file, message, remedy, line, column, value))

    def values(self, column: str) -> list[str]:
        """All non-empty cells of a column, in file order."""
        return [row.get(column) for row in self.rows if row.get(column)]


def read_table(folder: Path, name: str, expected: Sequence[str]) -> Table:
    """Read `<folder>/<name>.csv` and note what is wrong with its form.

    Args:
        folder: The seeds folder.
        name: Seed name without ending.
        expected: The columns the seed must have, in any order.

    Returns:
        The table with the rows that could be read; problems of form are in `problems`, never
        raised.
    """
    path = folder / f"{name}.csv"
    table = Table(name, f"{folder.name}/{path.name}")
    text = _read_text(path, table)
    if text is None:
        table.is_complete = False
        return table
    records = list(_records(text, table))
    if not records:
        table.refuse("The file is empty.", f"Its first row must be: {','.join(expected)}.")
        table.is_complete = False
        return table
    header = _read_header(records[0], expected, table)
    for line, cells in records[1:]:
        _read_record(line, cells, header, table)
    return table


def _read_text(path: Path, table: Table) -> str | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        table.refuse("The file does not exist.", "Restore it, for example with `git checkout`.")
        return None
    except OSError as error:
        table.refuse(f"The file cannot be read: {error.strerror}.", "Look at its permissions.")
        return None
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        table.refuse("The file is not UTF-8 text.", "Save it as 'CSV UTF-8'.", line)
        return None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        table.refuse("The file holds a NUL character.", "Save it as 'CSV UTF-8'.", line)
        return None
    return text


def _records(text: str, table: Table) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it starts on; a record may span lines when a quoted cell does."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        table.is_complete = False
        table.refuse(
            f"The row cannot be read as CSV: {error}.",
            'Close every double quote, and double it ("") where it is part of the value.',
            start,
        )


def _read_header(record: tuple[int, list[str]], expected: Sequence[str], table: Table) -> list[str]:
    line, header = record
    table.columns = tuple(name for name in expected if name in header)
    if len(header) == 1 and ";" in header[0]:
        table.is_complete = False
        table.refuse("The columns are separated by semicolons.", "Save the file with commas.", line)
        return header
    for name in expected:
        if name not in header:
            table.is_complete = False
            table.refuse(
                f"The column '{name}' is missing.",
                f"The header must be: {','.join(expected)}.",
                line,
            )
    for position, name in enumerate(header):
        if name not in expected:
            table.refuse(
                f"{quoted(name)} is not a column of this list.", allowed_words(name, expected), line
            )
        elif name in header[:position]:
            table.refuse(
                f"The column '{name}' stands twice in the header.", "Delete one of them.", line
            )
    return header


def _read_record(line: int, cells: list[str], header: list[str], table: Table) -> None:
    if not cells:
        # dbt loads an empty line of a list with one column as an empty value.
        if len(header) == 1:
            table.refuse("The row is empty.", "Delete the empty line.", line)
        return
    if len(cells) != len(header):
        table.is_complete = False
        table.refuse(
            f"The row has {len(cells)} values, the header has {len(header)}.",
            "Put a value that holds a comma into double quotes, and keep an empty value "
            "between commas.",
            line,
        )
        return
    table.rows.append(Row(line, dict(zip(header, cells, strict=True))))


def refuse_repeats(
    table: Table, columns: Sequence[str], noun: str, may_be_empty: Sequence[str] = ()
) -> None:
    """Note rows that repeat the key of an earlier row; incomplete keys are noted elsewhere."""
    first: dict[tuple[str, ...], int] = {}
    for row in table.rows:
        key = tuple(row.get(column) for column in columns)
        filled = [row.get(column) for column in columns if column not in may_be_empty]
        if not all(filled) or not set(columns) <= set(table.columns):
            continue
        if key in first:
            named = " ".join(quoted(part) for part in key if part)
            table.refuse(
                f"The {noun} {named} already stands in row {first[key]}.",
                "Delete or rename one of the two.",
                row,
                columns[-1],
            )
        first.setdefault(key, row.line)
