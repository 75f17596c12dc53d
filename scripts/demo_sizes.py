"""Writes scripts/microconv/cost/demo_sizes.csv from an export and the DuckDB file built from it.

    python scripts/demo_sizes.py 'target/demo_export/*.parquet' target/micro_conversions.duckdb

`microconv cost` falls back on these sizes where a site has nothing built yet.
"""

from __future__ import annotations

import sys
from pathlib import Path

from microconv.cost.reads import EXPORT, WHOLE, columns_read, load_statements
from microconv.cost.sizes import measure_build, measure_export, write_demo_sizes

PROJECT = Path(__file__).resolve().parents[1]


def main(pattern: str, database: str) -> None:
    """Measure every table that a statement reads, in all its columns."""
    columns = columns_read(load_statements())
    export = measure_export(pattern, PROJECT, columns[EXPORT])
    tables = {table: {*read, WHOLE} for table, read in columns.items() if table != EXPORT}
    built = measure_build(database, "main", tables)
    if missing := sorted(set(tables) - set(built)):
        raise SystemExit(f"{database} lacks {', '.join(missing)}: build it anew.")
    write_demo_sizes({EXPORT: export.size, **built})


if __name__ == "__main__":
    main(*sys.argv[1:])
