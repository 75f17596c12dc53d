"""The one module that formats: tables for people, CSV and JSON for programs, rates."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, TextIO

import typer

# Where no terminal says how wide it is (a log, a pipe), tables are drawn this wide.
_LOG_WIDTH = 120
_SENTENCE_WIDTH = 100
# A spreadsheet takes a cell that begins with one of these for a formula and runs it; East Asian
# ones take the wide signs too.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# What drives a terminal, and what turns the direction of the text behind it; tabs and ends of lines
# do neither.
_DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Verbosity(StrEnum):
    """How much stands beside a result, on standard error."""

    QUIET = "quiet"
    USUAL = "usual"
    VERBOSE = "verbose"


_VERBOSITY = [Verbosity.USUAL]


def set_verbosity(verbosity: Verbosity) -> None:
    """Say how much is told beside results, for the life of the process."""
    _VERBOSITY[0] = verbosity


def is_verbose() -> bool:
    """Whether statements and tracebacks are told."""
    return _VERBOSITY[0] is Verbosity.VERBOSE


class OutputFormat(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


FormatOption = Annotated[OutputFormat, typer.Option("--format", help="How to print.")]


class ListingFormat(StrEnum):
    """How a list of findings is printed."""

    TABLE = "table"
    JSON = "json"


def say(text: str = "") -> None:
    """Print one line of the result."""
    print(printable(text))


def say_at_once() -> None:
    """From now on every line leaves as it is said, also into a file that a scheduler shows."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


class _PatientFile(io.FileIO):
    """A pipe whose reader may leave early."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            return len(data)


def outlive_readers() -> None:
    """Go on when whoever reads what is said has gone, as `head` does: tables are still written."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            number = stream.fileno()
        except (OSError, AttributeError):
            continue  # a test's own
        if isinstance(stream, io.TextIOWrapper) and number in (1, 2):
            stream.flush()
            patient = io.BufferedWriter(_PatientFile(number, "w", closefd=False))
            kept = io.TextIOWrapper(
                patient,
                encoding=stream.encoding,
                errors=stream.errors,
                line_buffering=stream.line_buffering or name == "stderr",
            )
            setattr(sys, name, kept)


def say_sentence(text: str) -> None:
    """Print a longer sentence of the result, broken into lines as wide as a table may be."""
    for line in textwrap.wrap(printable(text), _SENTENCE_WIDTH, break_long_words=False):
        print(line)


def say_paragraphs(sentences: Iterable[str]) -> None:
    """Print sentences of the result, an empty line after each."""
    for sentence in sentences:
        say_sentence(sentence)
        say()


def warn(text: str) -> None:
    """Print one line beside the result, on standard error, so that a pipe gets the result only."""
    print(printable(text), file=sys.stderr)


def note(text: str) -> None:
    """Print one line beside the result that nobody needs: `--quiet` leaves it out."""
    if _VERBOSITY[0] is not Verbosity.QUIET:
        warn(text)


def tell(text: str) -> None:
    """Print one line for whoever looks for a fault, with `--verbose` alone."""
    if is_verbose():
        warn(text)


def print_as(
    output_format: OutputFormat,
    show: Callable[[], None],
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    whole: Mapping[str, Any],
    refusals: Iterable[str],
) -> None:
    """Print what was found in the format that was asked for.

    Args:
        output_format: Which one.
        show: Prints it for people, refusals too.
        columns: Of the rows.
        rows: What CSV holds.
        whole: What JSON holds, refusals too.
        refusals: Of what nothing can be said. CSV has no place for them: they go beside it.
    """
    if output_format is OutputFormat.TABLE:
        show()
    elif output_format is OutputFormat.CSV:
        print_csv(columns, rows)
        for sentence in refusals:
            warn(sentence)
    else:
        print_json(whole)


def print_json(value: Any) -> None:
    """Print a value as JSON; dates as ISO text, NaN and infinity as null."""
    print(json_text(json_ready(value), indent=2))


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON in which whatever cannot be printed is escaped; it means the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "".join(
        one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text
    )


def print_csv(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], file: TextIO | None = None
) -> None:
    """Print rows as CSV; text that a spreadsheet would run is made harmless."""
    writer = csv.writer(file or sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([csv_cell(row.get(column)) for column in columns])


def print_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], left_columns: int = 1
) -> None:
    """Print ready-made cells as a table: first `left_columns` of text, then numbers."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=_LOG_WIDTH)
    table = Table(
        title=Text(printable(title)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for position, heading in enumerate(headings):
        is_text = position < left_columns
        table.add_column(
            Text(printable(heading)), justify="left" if is_text else "right", overflow="fold"
        )
    for row in rows:
        # Text, not str: a cell such as [1 %, 2 %] would be taken for markup.
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)


def csv_cell(value: Any) -> Any:
    """A value as it goes into CSV: a leading apostrophe before text that looks like a formula, and
    blanks for what would drive the terminal that shows it.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str):
        plain = _DRIVES.sub(" ", value)
        return f"'{plain}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else plain
    return value.isoformat() if isinstance(value, date | datetime) else value


def count(value: float | None) -> str:
    """A count with thousands separators; a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.0f}"


def percentage(rate: float | None) -> str:
    """A rate of 0..1 in per cent with three significant digits; a dash where there is none."""
    if rate is None or not math.isfinite(rate):
        return "–"
    percent = 100 * rate
    decimals = 1 if percent >= 10 or percent == 0 else 2
    return f"{percent:.{decimals}f} %"


def interval(rate: float | None, low: float | None, high: float | None) -> str:
    """A rate with its interval, such as `4.20 % [3.95 %, 4.46 %]`; a dash without a rate."""
    if rate is None or low is None or high is None or math.isnan(rate):
        return percentage(rate)
    return f"{percentage(rate)} [{percentage(low)}, {percentage(high)}]"


def times(ratio: float | None, low: float | None = None, high: float | None = None) -> str:
    """A ratio, such as `1.44× [1.20, 1.72]`; without limits only itself, a dash without a ratio."""
    if ratio is None or math.isnan(ratio):
        return "–"
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return f"{_three_digits(ratio)}×"
    return f"{_three_digits(ratio)}× [{_three_digits(low)}, {_three_digits(high)}]"


def _three_digits(ratio: float) -> str:
    if math.isinf(ratio):
        return "∞"
    decimals = 2 if ratio < 10 else 1 if ratio < 100 else 0
    return f"{ratio:,.{decimals}f}"


def printable(text: str) -> str:
    """Text without control characters: a label from a file must not drive the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def json_ready(value: Any) -> Any:
    """A value as JSON can say it: dates as ISO text, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date | datetime) else value
