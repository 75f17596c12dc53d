"""A spreadsheet opens the exported CSV: LibreOffice Calc, where it is installed."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest
from evidence_warehouse import run
from export_rows import change_tables, copy_tables
from project_run import Warehouse
from report_case import built_report, use

PROGRAM = shutil.which("soffice")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="there is no LibreOffice"),
]
TABLES = ("bi_key_figures", "bi_funnels", "bi_days", "bi_segments")
# Comma, double quote, UTF-8, from line 1, columns as they are, American English, quoted fields are
# no texts by that, dates are found. Writing: the values of cells instead of what they show.
READ = "CSV:44,34,76,1,,1033,false,true"
WRITE = "csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,false,false"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of the export, and that of what Calc made of it."""
    folder = tmp_path_factory.mktemp("calc")
    database = folder / "changed.duckdb"
    built = Warehouse(built_report(tmp_path_factory).root)
    copy_tables(built.path, database)
    change_tables(database, "update bi_key_figures set advice = '=1+1' where status = 'below'")
    asked = [part for table in TABLES for part in ("--table", table)]
    with pytest.MonkeyPatch.context() as patch:
        use(built, patch, database)
        done = run("export", "--to", str(folder / "files"), "--format", "csv", *asked)
    assert done.exit_code == 0, done.output
    subprocess.run(
        [
            *(str(PROGRAM), f"-env:UserInstallation=file://{folder}/profile", "--headless"),
            *(f"--infilter={READ}", "--convert-to", WRITE, "--outdir", str(folder / "seen")),
            *(str(folder / "files" / f"{table}.csv") for table in TABLES),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return folder / "files", folder / "seen"


def rows_of(folder: Path, table: str) -> list[list[str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def is_same(written: str, seen: str) -> bool:
    """The same text, or the same number; Calc writes tiny ones with three digits."""
    try:
        close = 5e-3 if "E-" in seen else 1e-14
        return float(written) == pytest.approx(float(seen), rel=close)
    except ValueError:
        return written == seen or (written.lower() in ("true", "false") and written.upper() == seen)


@pytest.mark.parametrize("table", TABLES)
def test_calc_sees_every_cell_as_it_was_written(opened: tuple[Path, Path], table: str) -> None:
    files, seen = opened
    written, read = rows_of(files, table), rows_of(seen, table)
    assert len(written) == len(read) > 1
    wrong = [
        (heading, before, after)
        for row, other in zip(written, read, strict=True)
        for heading, before, after in zip(written[0], row, other, strict=True)
        if not is_same(before, after)
    ]
    assert wrong == []


def test_a_formula_is_not_run(opened: tuple[Path, Path]) -> None:
    cells = {cell for row in rows_of(opened[1], "bi_key_figures") for cell in row}
    assert "'=1+1" in cells
