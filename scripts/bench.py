"""Measures builds against the floor: one statement that reads the export and extracts the columns.

Every number of a table is taken in one run on one machine, so that the ratios can be compared and
the seconds cannot. Each build runs in a process of its own; its largest resident set is the peak.

    python scripts/bench.py --events 1000000 --events 10000000 [--export GLOB]
"""

from __future__ import annotations

import argparse
import glob
import itertools
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# A demo visitor of a day brings about so many events; only used to size an export.
EVENTS_PER_VISITOR = 19.0

FLOOR = """
create table floor as
with export as (
    select
        event_date, event_timestamp, event_name, user_id, user_pseudo_id, event_bundle_sequence_id,
        device.category as device_category, device.operating_system as operating_system,
        device.web_info.browser as browser, geo.country as country, geo.region as region,
        geo.city as city, platform, stream_id, traffic_source, ecommerce, items, event_params,
        list_transform(event_params, lambda ep: ep.key) as keys
    from read_parquet({files}, union_by_name = true)
)
select
    * exclude (keys),
    {parameters}
from export
"""
PARAMETERS = [
    "ga_session_id",
    "ga_session_number",
    "session_engaged",
    "engagement_time_msec",
    "page_location",
    "page_referrer",
    "page_title",
    "search_term",
    "link_url",
    "file_name",
    "form_id",
    "percent_scrolled",
    "value",
    "currency",
    "transaction_id",
    "traffic_type",
    "source",
    "medium",
    "campaign",
]


# Parts of a build by the names of their models, the first that fits.
PARTS = {
    "staging": r"^(base|stg)_",
    "funnels": r"funnel|conversion_paths",
    "evidence": r"clock|evidence|first_conversions|decision_points|patterns|landmarks|reach"
    r"|snapshots|conversion_values",
    "watching": r"tracked|tracking|alert|cohort|daily_rates",
    "everything else": "",
}
# The commands of a day after the build, in their order; the report shows what the others wrote.
COMMANDS = ("correlate", "value", "score", "cohorts", "lead-lag", "watch", "report")


@dataclass(frozen=True)
class Measurement:
    """One step: wall and CPU seconds, peak memory and size of the DuckDB file after it in MiB.

    Of a part of a step only its share of the seconds is known.
    """

    step: str
    seconds: float
    cpu_seconds: float = math.nan
    peak_mib: float = math.nan
    file_mib: float = math.nan


def run(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Runs a command to its end: its wall and CPU seconds and the peak of its memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{output[-4000:]}")
    seconds = time.perf_counter() - started
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(step: str, command: list[str], root: Path, files: str) -> Measurement:
    database = root / "bench.duckdb"
    environment = {
        "DUCKDB_PATH": str(database),
        "GA4_EXPORT_FILES": files,
        "DBT_TARGET_PATH": str(root / "target"),
        "DBT_LOG_PATH": str(root / "logs"),
        "DBT_PROFILES_DIR": str(PROJECT),
    }
    seconds, cpu_seconds, peak = run(command, environment)
    size = database.stat().st_size / 2**20 if database.exists() else 0.0
    result = Measurement(step, seconds, cpu_seconds, peak, size)
    print(f"  {step:<34} {seconds:8.1f} s  {cpu_seconds:8.1f} CPU s  {peak:8.0f} MiB", flush=True)
    return result


def floor_command(files: str) -> list[str]:
    """The floor as a process of its own, on two threads like the builds."""
    parameters = ",\n    ".join(
        f"list_extract(event_params, list_position(keys, '{key}')).value as param_{key}"
        for key in PARAMETERS
    )
    statement = FLOOR.format(files=f"'{files}'", parameters=parameters)
    code = (
        "import duckdb, os, sys; path = os.environ['DUCKDB_PATH'] + '.floor';"
        "connection = duckdb.connect(path, config={'threads': 2});"
        "connection.execute('set preserve_insertion_order = false');"
        "connection.execute(sys.argv[1]); connection.close(); os.remove(path)"
    )
    return [sys.executable, "-c", code, statement]


def build_command(*arguments: str) -> list[str]:
    dbt = [str(BIN / "dbt"), "--no-use-colors", "build"]
    return [*dbt, "--exclude-resource-type", "test", *arguments]


def seconds_of_parts(root: Path) -> dict[str, float]:
    """Seconds of the last build that each part took: where models ran side by side, in shares."""
    spans = []
    for name, result in models_of_last_build(root).items():
        part = next(one for one, pattern in PARTS.items() if re.search(pattern, name))
        start = min(datetime.fromisoformat(one["started_at"]) for one in result["timing"])
        end = max(datetime.fromisoformat(one["completed_at"]) for one in result["timing"])
        spans.append((part, start, end))
    return shared_seconds(spans)


def models_of_last_build(root: Path) -> dict[str, dict[str, Any]]:
    """What dbt noted of each model that it built last, by name."""
    run_results = json.loads((root / "target" / "run_results.json").read_text(encoding="utf-8"))
    split = ((result["unique_id"].split("."), result) for result in run_results["results"])
    return {parts[2]: result for parts, result in split if parts[0] == "model"}


def shared_seconds(spans: list[tuple[str, datetime, datetime]]) -> dict[str, float]:
    """Seconds by part; a moment belongs in equal shares to all that run in it."""
    parts = dict.fromkeys(PARTS, 0.0)
    moments = sorted({moment for _, *span in spans for moment in span})
    for since, until in itertools.pairwise(moments):
        running = [part for part, start, end in spans if start <= since and until <= end]
        for part in running:
            parts[part] += (until - since).total_seconds() / len(running)
    return parts


def print_slowest(root: Path, count: int = 12) -> None:
    """Print the models of the last build that took longest, with their seconds."""
    seconds = {
        name: float(result["execution_time"]) for name, result in models_of_last_build(root).items()
    }
    for model in sorted(seconds, key=lambda name: -seconds[name])[:count]:
        print(f"      {model:<30} {seconds[model]:8.1f} s", flush=True)


def bench_export(
    name: str, files: list[Path], root: Path, histories: Sequence[int]
) -> list[Measurement]:
    """Floor and full build of all days but the newest, then that day; the same with less history.

    `histories` are numbers of days before the newest; those that the export does not have are
    left out.
    """
    print(f"{name}: {len(files)} files", flush=True)
    pattern = str(root / "days" / "events_*.parquet")
    offer(files[:-1], root)
    results = [measure("floor", floor_command(pattern), root, pattern)]
    offer(files[:-1], root)
    results.append(measure("full build", build_command(), root, pattern))
    for part, seconds in seconds_of_parts(root).items():
        print(f"    {part:<32} {seconds:8.1f} s", flush=True)
        results.append(Measurement(f"… {part}", seconds))
    print_slowest(root)
    for verb in COMMANDS:
        to = ["--out", str(root / "report.html")] if verb == "report" else ["--format", "json"]
        command = [str(BIN / "microconv"), verb, *to]
        results.append(measure(f"microconv {verb}", command, root, pattern))
    results.append(bench_newest_day(files, root))
    results.append(measure("the same days again", build_command(), root, pattern))
    (root / "bench.duckdb").unlink()
    for history in sorted({days for days in histories if days < len(files) - 1}):
        newest = files[-history - 1 :]
        offer(newest[:-1], root)
        results.append(measure(f"load {history} days", build_command(), root, pattern))
        results.append(bench_newest_day(newest, root))
        (root / "bench.duckdb").unlink()
    return results


def bench_newest_day(files: list[Path], root: Path) -> Measurement:
    """The newest of these days on a warehouse that has the others, whatever the history."""
    offer(files, root)
    pattern = str(root / "days" / "events_*.parquet")
    result = measure(f"one day after {len(files) - 1}", build_command(), root, pattern)
    print_slowest(root)
    return result


def offer(files: list[Path], root: Path) -> None:
    """Makes these files, and no others, the export; links that stay keep their age."""
    days = root / "days"
    days.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in files}
    for link in days.iterdir():
        if link.name not in names:
            link.unlink()
    for path in files:
        if not (days / path.name).exists():
            (days / path.name).symlink_to(path.resolve())


def demo_files(events: int, days: int, root: Path) -> list[Path]:
    """A demo export of about so many events; generated once and kept for the next run."""
    out = root / f"demo_{events}_{days}"
    if not (out / "planted_truth.json").exists():
        visitors = max(1, round(events / days / EVENTS_PER_VISITOR))
        until = date(2026, 10, 31)
        print(f"generating {events:,} events over {days} days until {until} …", flush=True)
        run(
            [
                str(BIN / "microconv"),
                "demo",
                "--out",
                str(out),
                "--days",
                str(days),
                "--visitors-per-day",
                str(visitors),
                "--until",
                until.isoformat(),
            ],
            {},
        )
    return sorted(path for path in out.glob("events_2*.parquet"))


def event_count(files: list[Path]) -> int:
    import pyarrow.parquet as parquet

    return sum(parquet.ParquetFile(path).metadata.num_rows for path in files)


def table(name: str, count: int, results: list[Measurement]) -> str:
    floor = next(result for result in results if result.step == "floor")
    lines = [
        f"### {name} ({count:,} events)",
        "",
        "| step | seconds | of the floor | CPU | of the floor's | peak memory | DuckDB file |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        cells = [
            result.step,
            f"{result.seconds:.1f}",
            f"{result.seconds / floor.seconds:.2f}×",
            f"{result.cpu_seconds:.1f}",
            f"{result.cpu_seconds / floor.cpu_seconds:.2f}×",
            f"{result.peak_mib:,.0f} MiB",
            f"{result.file_mib:,.0f} MiB",
        ]
        shown = ("" if cell.startswith("nan") else cell for cell in cells)
        lines.append(f"| {' | '.join(shown)} |")
    after = [result for result in results if result.step.startswith("one day after")]
    lines += [""] if len(after) > 1 else []
    for shorter in after[1:]:
        wall, cpu = (
            getattr(after[0], name) / getattr(shorter, name) for name in ("seconds", "cpu_seconds")
        )
        lines.append(
            f"{after[0].step.capitalize()} days costs {wall:.2f}× the time ({cpu:.2f}× the CPU "
            f"time) of {shorter.step}."
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--events", type=int, action="append", help="size of a demo export (repeatable)"
    )
    parser.add_argument("--days", type=int, default=91, help="days that a demo export spans")
    parser.add_argument(
        "--history",
        type=int,
        action="append",
        help="days before the newest with which a daily run is compared (repeatable; 9)",
    )
    parser.add_argument("--export", help="glob of real export files to measure too")
    parser.add_argument("--root", type=Path, default=PROJECT / "target" / "bench")
    options = parser.parse_args()
    options.root.mkdir(parents=True, exist_ok=True)
    histories = options.history or [9]
    sections = []
    if options.export:
        files = sorted(Path(path) for path in glob.glob(options.export))  # noqa: PTH207 an absolute glob is allowed
        results = bench_export("Real days", files, options.root, histories)
        sections.append(table("Real days", event_count(files), results))
    for events in options.events or ([] if options.export else [10_000_000]):
        files = demo_files(events, options.days, options.root)
        count = event_count(files)
        results = bench_export(f"Demo of {count:,} events", files, options.root, histories)
        sections.append(table("Demo export", count, results))
    report = options.root / "bench.md"
    report.write_text("\n".join(sections), encoding="utf-8")
    print("\n" + "\n".join(sections) + f"\nWritten to {report}")


if __name__ == "__main__":
    main()
