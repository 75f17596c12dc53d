"""The `export` command: the tables that BI tools read, as files that nobody holds open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.errors import MicroconvError, refuse_unknown
from microconv.export.files import FileFormat, Folder, Written
from microconv.output import ListingFormat

if TYPE_CHECKING:
    from microconv.export.tables import Table
    from microconv.profile import Warehouse

# Raised when a reader of the manifest must know; column changes are in the manifest itself.
_LAYOUT = 1


def export(
    to: Annotated[Path, typer.Option("--to", help="A folder; made where there is none.")],
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="How the tables are written.")
    ] = FileFormat.PARQUET,
    names: Annotated[
        list[str] | None,
        typer.Option("--table", help="Only this table; may be repeated.", show_default="all"),
    ] = None,
    has_visitors: Annotated[
        bool,
        typer.Option(
            "--with-visitors", help="Also rows of single visitors who consented, ids hashed."
        ),
    ] = False,
    listing: Annotated[
        ListingFormat, typer.Option("--print", help="How to say what was written.")
    ] = ListingFormat.TABLE,
) -> None:
    """Write the marts, dimensions and evidence as files for BI tools, with a manifest.

    Tables with a row per visitor only with --with-visitors. Example: microconv export --to
    target/bi --format csv
    """
    from microconv.export.tables import tables_of_persons, tables_to_export
    from microconv.profile import open_warehouse

    with open_warehouse() as warehouse:
        tables = tables_to_export(warehouse, has_visitors)
        kept_back = [] if has_visitors else tables_of_persons(warehouse)
        for name in names or ():
            if name in kept_back:
                raise MicroconvError(
                    f"{name} has rows of single visitors.",
                    "--with-visitors exports those who consented.",
                )
            refuse_unknown("table", name, [table.name for table in tables])
        wanted = [table for table in tables if not names or table.name in names]
        folder = Folder(to, file_format)
        try:
            written = [
                folder.write(one, warehouse.run_batches(one.query(warehouse.is_duckdb)))
                for one in wanted
            ]
            manifest = _manifest(warehouse, file_format, written, kept_back)
            folder.finish(manifest)
        finally:
            folder.clean()
    if listing is ListingFormat.JSON:
        output.print_json(manifest)
    else:
        _print(manifest, to)


def _manifest(
    warehouse: Warehouse, file_format: FileFormat, written: list[Written], kept_back: list[str]
) -> dict[str, Any]:
    [as_of] = warehouse.run_query(
        f"select as_of_date from {warehouse.relation('int_export_as_of')}"
    ) or [{"as_of_date": None}]
    return {
        "layout": _LAYOUT,
        "as_of_date": output.json_ready(as_of["as_of_date"]),
        "warehouse": "duckdb" if warehouse.is_duckdb else "bigquery",
        "format": str(file_format),
        "tables": [_described(warehouse, one) for one in written],
        "left_out": kept_back,
    }


def _described(warehouse: Warehouse, written: Written) -> dict[str, Any]:
    table = written.table
    described: dict[str, Any] = {
        "name": table.name,
        "file": written.name,
        "description": table.description,
        "row_count": written.row_count,
        "byte_count": written.byte_count,
        "sha256": written.sha256,
        "columns": [
            {"name": one.name, "type": one.kind, "description": one.description}
            for one in table.columns
        ],
    }
    if table.consent:
        described["consent"] = table.consent
        described["rows_without_consent"] = _all_rows(warehouse, table) - written.row_count
    return described


def _all_rows(warehouse: Warehouse, table: Table) -> int:
    [row] = warehouse.run_query(table.count_query())
    return int(str(row["row_count"]))


def _print(manifest: dict[str, Any], to: Path) -> None:
    tables = manifest["tables"]
    rows = [
        [
            one["name"],
            output.count(one["row_count"]),
            output.count(one["byte_count"] / 1024),
            output.count(one.get("rows_without_consent", 0)) if "consent" in one else "–",
        ]
        for one in tables
    ]
    headings = ["Table", "Rows", "KiB", "Left out for lack of consent"]
    title = f"{len(tables)} tables as of the end of {manifest['as_of_date']}, in {to}"
    output.print_table(title, headings, rows)
    if manifest["left_out"]:
        output.say_sentence(
            f"Not exported, since their rows are of single visitors: "
            f"{', '.join(manifest['left_out'])}. --with-visitors exports those who consented."
        )
    output.say_sentence(f"{to / 'manifest.json'} describes every column.")
