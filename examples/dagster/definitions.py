"""The daily run in Dagster: a sensor that waits for the export, dbt's models, then the evidence.

    pip install --require-hashes --no-deps -r examples/dagster/requirements.txt
    pip install --no-deps -e .
    DAGSTER_HOME=… dagster dev -f examples/dagster/definitions.py

Where the export and the tables are is said by the same variables as on the command line
(GA4_EXPORT_FILES, DUCKDB_PATH, DBT_TARGET).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets
from microconv.arrival.command import default_day
from microconv.clock import Clock

PROJECT = Path(__file__).resolve().parents[2]
os.environ.setdefault("DBT_PROJECT_DIR", str(PROJECT))
os.environ.setdefault("DBT_PROFILES_DIR", str(PROJECT))
# dbt lies beside this Python, whose environment may not be the active one.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
# The export did not come yet: an exit code of `microconv wait`.
LATE = 3
# The stages of `microconv daily` around the build, which Dagster's own integration runs.
CHECKS = ("check", "validate")
# With those whose conclusions each reads.
EVIDENCE = {
    "correlate": (),
    "value": (),
    "score": (),
    "cohorts": (),
    "lead-lag": ("correlate",),
    "experiments": (),
    "proxy": ("correlate", "experiments"),
}
FOR_PEOPLE = ("report", "export")

dbt_project = DbtProject(
    project_dir=PROJECT,
    target_path=Path(os.environ.get("DBT_TARGET_PATH", "target")),
    profiles_dir=os.environ["DBT_PROFILES_DIR"],
    target=os.environ.get("DBT_TARGET"),
)
if not dbt_project.manifest_path.exists():
    dbt_project.preparer.prepare(dbt_project)


def microconv(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project; what it says goes to the log of the step."""
    return subprocess.run(
        [sys.executable, "-m", "microconv", *arguments], cwd=PROJECT, text=True, check=False
    )


def must_succeed(name: str) -> None:
    """Run one stage of `microconv daily`, with its own time-out and tries."""
    done = microconv("daily", "--no-wait", "--queue", "30m", "--only", name)
    if done.returncode:
        raise dg.Failure(f"{name} ended with exit code {done.returncode}; see logs/daily.jsonl")


def stage(name: str, after: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """A stage of `microconv daily` as an asset that comes after others."""

    @dg.asset(key=["microconv", name], deps=after, group_name="microconv")
    def run_stage() -> None:
        must_succeed(name)

    return run_stage


@dbt_assets(manifest=dbt_project.manifest_path, project=dbt_project)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator:
    """Seeds, models and their tests, after the checks; nothing is built on a wrong list."""
    for name in CHECKS:
        must_succeed(name)
    yield from dbt.cli(["build"], context=context).stream()


built = list(models.keys)
evidence = [
    stage(name, [*built, *(dg.AssetKey(["microconv", one]) for one in reads)])
    for name, reads in EVIDENCE.items()
]
watched = stage("watch", built)
proven = [key for one in evidence for key in one.keys]
for_people = [stage(name, proven) for name in FOR_PEOPLE]

daily_job = dg.define_asset_job("daily", selection=dg.AssetSelection.all())


@dg.sensor(job=daily_job, minimum_interval_seconds=600)
def export_came(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run per day, as soon as its export is there and whole."""
    day: date = default_day(Clock())
    if context.cursor == str(day):
        return dg.SkipReason(f"{day} was run.")
    looked = microconv("wait", "--day", str(day))
    if looked.returncode == LATE:
        return dg.SkipReason(f"The export of {day} is not there yet.")
    looked.check_returncode()
    context.update_cursor(str(day))
    return dg.RunRequest(run_key=str(day))


defs = dg.Definitions(
    assets=[models, *evidence, watched, *for_people],
    jobs=[daily_job],
    sensors=[export_came],
    resources={"dbt": DbtCliResource(project_dir=dbt_project)},
)
