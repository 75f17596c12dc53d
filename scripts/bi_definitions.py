"""Writes the definitions for BI tools in bi/ from the models, their descriptions and bi/names.csv.

Superset: an import bundle (`--zip FILE` also packs it). Power BI: a query per table over the files
of `microconv export`. LookML: a view per table. `--check` only says what differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
BI = ROOT / "bi"
_DOC = re.compile(r"\{% docs (\w+) %\}\n(.*?)\n\{% enddocs %\}", re.DOTALL)
_NAMESPACE = uuid.UUID("6a4b7f2e-6f0d-5d5e-9a53-2f7f3c1f0b11")
_DATABASE = "micro_conversions"
_TIME = ("date", "timestamp")


@dataclass(frozen=True)
class Column:
    """A column as a BI tool shows it."""

    name: str
    label: str
    kind: str
    description: str


@dataclass(frozen=True)
class Page:
    """A table for one page of a dashboard, and the chart that opens it."""

    name: str
    description: str
    columns: tuple[Column, ...]


# Per table: title, columns of its opening table or line, condition, what it is ordered by.
CHARTS: dict[str, dict[str, Any]] = {
    "bi_days": {
        "title": "Sessions that convert, by day (%)",
        "line": "session_conversion_rate",
        "by": "conversion_label",
        "over": "calendar_date",
        "where": "is_usable and conversion_type = 'macro'",
    },
    "bi_key_figures": {
        "title": "Key figures",
        "columns": "kpi_label value value_low value_high base_count benchmark_low benchmark_high"
        " status rule",
        "where": "",
        "is_distinct": True,
    },
    "bi_funnels": {
        "title": "Where the funnel leaks",
        "columns": "funnel_label step_number step_label reached_count drop_off_count immature_count"
        " step_conversion_rate step_conversion_rate_low step_conversion_rate_high",
        "where": "period_grain = 'all' and segment_dimension = 'all'",
        "order": (("funnel_label", True), ("step_number", True)),
    },
    "bi_segments": {
        "title": "Segments that differ beyond chance",
        "columns": "conversion_label segment_dimension segment_value session_count"
        " session_conversion_rate session_conversion_rate_low session_conversion_rate_high"
        " rest_conversion_rate q_value verdict",
        "where": "verdict in ('lower', 'higher')",
        "order": (("conversion_label", True), ("q_value", True)),
    },
    "bi_leads": {
        "title": "Who is worth a call",
        "columns": "visitor_id lead_score top_reasons visitor_stage stalled_label last_activity_at",
        "where": "score_decile = 10 and macro_conversion_count = 0",
        "order": (("lead_score", False),),
    },
}


def pages() -> list[Page]:
    """The tables of models/bi, in the order of the dashboard."""
    text = (ROOT / "models" / "columns.md").read_text(encoding="utf-8")
    docs = {name: " ".join(said.split()) for name, said in _DOC.findall(text)}
    with (BI / "names.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["column"]: row["name"] for row in csv.DictReader(file)}
    found = []
    for name in CHARTS:
        path = ROOT / "models" / "bi" / f"{name}.yml"
        [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        columns = tuple(
            Column(
                one["name"],
                labels[one["name"]],
                "float64" if "float64" in one["data_type"] else one["data_type"],
                _described(one["description"], docs),
            )
            for one in model["columns"]
        )
        found.append(Page(name, " ".join(model["description"].split()), columns))
    return found


def _described(text: str, docs: dict[str, str]) -> str:
    named = re.fullmatch(r"\{\{ doc\('(\w+)'\) \}\}", text.strip())
    return docs[named[1]] if named else " ".join(text.split())


def definitions() -> dict[str, str]:
    """Every file of bi/ that is written here, by its path."""
    found = pages()
    return {**superset(found), **power_bi(found), **lookml(found)}


# ---- Superset ------------------------------------------------------------------------------------


def superset(found: list[Page]) -> dict[str, str]:
    """The files of Superset's import bundle."""
    files: dict[str, Any] = {
        "metadata.yaml": {
            "version": "1.0.0",
            "type": "Dashboard",
            "timestamp": "2026-11-08T00:00:00",
        },
        f"databases/{_DATABASE}.yaml": {
            "database_name": _DATABASE,
            # For BigQuery: bigquery://your-project/micro_conversions
            "sqlalchemy_uri": "duckdb:////path/to/copy_of/micro_conversions.duckdb?access_mode=READ_ONLY",
            "extra": {},
            "uuid": _uuid("database"),
            "version": "1.0.0",
        },
    }
    for page in found:
        files[f"datasets/{_DATABASE}/{page.name}.yaml"] = _superset_dataset(page)
        files[f"charts/{page.name}.yaml"] = _superset_chart(page)
    files[f"dashboards/{_DATABASE}.yaml"] = _superset_dashboard(found)
    return {
        f"superset/{path}": yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
        for path, content in files.items()
    }


def _superset_dataset(page: Page) -> dict[str, Any]:
    times = [column.name for column in page.columns if column.kind in _TIME]
    return {
        "table_name": page.name,
        "description": page.description,
        "main_dttm_col": times[0] if times else None,
        "schema": None,
        "sql": None,
        "uuid": _uuid("dataset", page.name),
        "database_uuid": _uuid("database"),
        "version": "1.0.0",
        "metrics": [
            {
                "metric_name": "rows",
                "verbose_name": "Rows",
                "expression": "count(*)",
                "metric_type": "count",
            }
        ],
        "columns": [
            {
                "column_name": column.name,
                "verbose_name": column.label,
                "description": column.description,
                "type": _SUPERSET_TYPES[column.kind],
                "is_dttm": column.kind in _TIME,
                "is_active": True,
                "groupby": True,
                "filterable": True,
            }
            for column in page.columns
        ],
    }


_SUPERSET_TYPES = {
    **{"bool": "BOOLEAN", "date": "DATE", "float64": "DOUBLE", "int64": "BIGINT"},
    **{"string": "VARCHAR", "timestamp": "TIMESTAMP"},
}


def _superset_chart(page: Page) -> dict[str, Any]:
    chart = CHARTS[page.name]
    params: dict[str, Any] = {"adhoc_filters": [], "row_limit": 1000}
    if chart["where"]:
        condition = {"clause": "WHERE", "expressionType": "SQL", "sqlExpression": chart["where"]}
        params["adhoc_filters"].append(condition)
    if "line" in chart:
        kind = "echarts_timeseries_line"
        # One row a day and line, so that the maximum is the value itself.
        metric = {
            "expressionType": "SQL",
            "sqlExpression": f"max({chart['line']})",
            "label": "Rate",
        }
        params |= {
            "x_axis": chart["over"],
            "time_grain_sqla": "P1D",
            "metrics": [metric],
            "groupby": [chart["by"]],
            "y_axis_format": ".1%",
        }
    else:
        kind = "table"
        columns = chart["columns"].split()
        # Grouping by all columns leaves each row once.
        shown = {"query_mode": "aggregate", "groupby": columns, "metrics": []}
        if not chart.get("is_distinct"):
            shown = {"query_mode": "raw", "all_columns": columns}
        formats = {one: {"d3NumberFormat": form} for one in columns if (form := _format(one))}
        params |= shown | {
            "column_config": formats,
            "show_cell_bars": False,
            "order_by_cols": [json.dumps(each) for each in chart.get("order", ())],
        }
    return {
        "slice_name": chart["title"],
        "description": page.description,
        "viz_type": kind,
        "params": params | {"viz_type": kind},
        "uuid": _uuid("chart", page.name),
        "dataset_uuid": _uuid("dataset", page.name),
        "version": "1.0.0",
    }


def _format(column: str) -> str:
    """How a column's numbers are written; whole ones as they are."""
    if column.endswith(("_rate", "_rate_low", "_rate_high")):
        return ".2%"
    if column == "q_value" or column.startswith(("value", "benchmark")):
        return ".3~g"
    return ".1f" if column == "lead_score" else ""


def _superset_dashboard(found: list[Page]) -> dict[str, Any]:
    rows = [f"ROW-{page.name}" for page in found]
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": rows, "parents": ["ROOT_ID"]},
    }
    for number, (row, page) in enumerate(zip(rows, found, strict=True), start=1):
        chart = f"CHART-{page.name}"
        above = ["ROOT_ID", "GRID_ID"]
        position[row] = {
            "type": "ROW",
            "id": row,
            "children": [chart],
            "parents": above,
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        position[chart] = {
            "type": "CHART",
            "id": chart,
            "children": [],
            "parents": [*above, row],
            # Superset asks for a number and gives another one on import.
            "meta": {
                "chartId": number,
                "uuid": _uuid("chart", page.name),
                "sliceName": CHARTS[page.name]["title"],
                "width": 12,
                "height": 50,
            },
        }
    return {
        "dashboard_title": "Micro-conversions",
        "description": "What happened, where it leaks, who differs, and who is worth a call.",
        "slug": "micro-conversions",
        "uuid": _uuid("dashboard"),
        "position": position,
        "metadata": {},
        "version": "1.0.0",
    }


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


# ---- Power BI ------------------------------------------------------------------------------------


def power_bi(found: list[Page]) -> dict[str, str]:
    """A Power Query per table: the Parquet file of an export, with friendly names."""
    return {f"power_bi/{page.name}.pq": _power_query(page) for page in found}


def _power_query(page: Page) -> str:
    renames = ",\n".join(
        f"        {{{_m_text(column.name)}, {_m_text(column.label)}}}" for column in page.columns
    )
    return (
        f"// {page.description}\n"
        "// Folder is a text parameter: where `microconv export --format parquet` wrote.\n"
        "let\n"
        f'    Source = Parquet.Document(File.Contents(Folder & "/{page.name}.parquet")),\n'
        f"    Named = Table.RenameColumns(Source, {{\n{renames}\n    }})\n"
        "in\n"
        "    Named\n"
    )


def _m_text(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


# ---- LookML --------------------------------------------------------------------------------------


def lookml(found: list[Page]) -> dict[str, str]:
    """A LookML view per table; measures are left out where adding up would be wrong."""
    return {f"lookml/{page.name}.view.lkml": _lookml_view(page) for page in found}


_LOOKML_TYPES = {"bool": "yesno", "float64": "number", "int64": "number", "string": "string"}


def _lookml_view(page: Page) -> str:
    lines = [
        f"# {page.description}",
        f"view: {page.name} {{",
        f"  sql_table_name: micro_conversions.{page.name} ;;",
    ]
    for column in page.columns:
        if column.kind in _TIME:
            frames = "raw, date" if column.kind == "date" else "raw, time, date"
            name = re.sub(r"_(date|at)$", "", column.name)
            head = f"  dimension_group: {name} {{\n    type: time\n    timeframes: [{frames}]\n"
            head += "    convert_tz: no\n"
            head += f"    datatype: {column.kind}\n"
        else:
            head = f"  dimension: {column.name} {{\n    type: {_LOOKML_TYPES[column.kind]}\n"
        if column.name.endswith(("_rate", "_rate_low", "_rate_high")):
            head += '    value_format: "0.0%"\n'
        lines.append(
            f'\n{head}    label: "{column.label}"\n'
            f"    description: {json.dumps(column.description, ensure_ascii=False)}\n"
            f"    sql: ${{TABLE}}.{column.name} ;;\n  }}"
        )
    return "\n".join([*lines, "}", ""])


# ---- writing -------------------------------------------------------------------------------------


def differing(files: dict[str, str]) -> list[str]:
    """Files of bi/ that are not as they would be written, or that nothing writes any more."""
    written = {
        str(path.relative_to(BI))
        for one in ("superset", "power_bi", "lookml")
        for path in (BI / one).rglob("*")
        if path.is_file()
    }
    wrong = [
        name
        for name, text in files.items()
        if name not in written or (BI / name).read_text(encoding="utf-8") != text
    ]
    return sorted([*wrong, *(written - files.keys())])


def pack(files: dict[str, str], path: Path, uri: str = "") -> None:
    """The Superset bundle as the ZIP that its import takes, for a database by its URI."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in files.items():
            if not name.startswith("superset/"):
                continue
            if uri and "/databases/" in name:
                content = yaml.safe_load(text) | {"sqlalchemy_uri": uri}
                text = yaml.safe_dump(content, sort_keys=False)
            bundle.writestr(name.replace("superset/", "micro_conversions/", 1), text)


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    parser.add_argument("--zip", type=Path, help="pack Superset's bundle into this file")
    parser.add_argument("--uri", default="", help="SQLAlchemy URI of the database in the bundle")
    asked = parser.parse_args()
    files = definitions()
    if asked.check:
        wrong = differing(files)
        print("\n".join(wrong))
        sys.exit(bool(wrong))
    for name in differing(files):
        path = BI / name
        if name not in files:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name], encoding="utf-8")
        print(path.relative_to(ROOT))
    if asked.zip:
        pack(files, asked.zip, asked.uri)


if __name__ == "__main__":
    main()
