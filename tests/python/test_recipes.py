"""Recipes for schedulers, and docs/daily.md: what they call is there, as far as files can tell."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml
from microconv import errors
from microconv.cli import app
from microconv.daily.run_log import DONE, FAILED, LATE, LEFT_OUT, STOPPED, TIMED_OUT, WENT_ON
from microconv.daily.stages import Plan, stages_of
from project_run import PROJECT

EXAMPLES = PROJECT / "examples"
DOCS = PROJECT / "docs" / "daily.md"
OURS = ("BIGQUERY_", "DBT_", "DUCKDB_", "GA4_", "MICROCONV_", "SEEDS_")
# Read by dbt itself.
OF_DBT = {"DBT_PROFILES_DIR", "DBT_PROJECT_DIR", "DBT_TARGET", "DBT_TARGET_PATH"}


def tracked(*folders: Path) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in ([folder] if folder.is_file() else folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc" and path.name != "requirements.txt"
    )


FILES = tracked(EXAMPLES, DOCS)
# What recipes fill in when they run.
CALL = r"(?:^|/|\{)(?:microconv|MICROCONV\}) ((?:daily|wait)[^#|`\"']*)"
EXAMPLE_VALUES = {"$ARGUMENTS": "--wait 5h", "{DAY}": "2026-11-07", "{name}": "build"}


# ---- commands ------------------------------------------------------------------------------------


def microconv_calls() -> Iterator[tuple[str, str]]:
    """Every `microconv …` with its arguments, by the file it stands in."""
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if path == DOCS and not line.startswith("microconv "):
                continue
            found = re.search(CALL, line)
            if found:
                call = found.group(1).split(" > ")[0].strip()
                for name, example in EXAMPLE_VALUES.items():
                    call = call.replace(name, example)
                yield path.name, call


@pytest.mark.parametrize(("where", "call"), list(microconv_calls()))
def test_every_command_of_a_recipe_is_one(where: str, call: str) -> None:
    name, *arguments = shlex.split(call)
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    with click.Context(command) as context:
        command.parse_args(context, arguments)  # raises what a wrong option raises


def test_recipes_call_the_command() -> None:
    assert {where for where, _ in microconv_calls()} >= {
        "crontab",
        "daily.yml",
        "micro-conversions.service",
        "micro_conversions_daily.py",
        "daily.md",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_make_targets_and_variables_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|run: )make ([a-z][a-z-]+)", text)) <= targets
    words = re.findall(r"(?<!\.)\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", text)
    named = {name for name in words if name.startswith(OURS) and not name.endswith("_")}
    sources = [PROJECT / "profiles.example.yml", *(PROJECT / "scripts" / "microconv").rglob("*.py")]
    read = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    assert {name for name in named - OF_DBT if name not in read} == set()


# ---- stages --------------------------------------------------------------------------------------


def test_the_documented_stages_are_those_of_a_run() -> None:
    stages = stages_of(Plan(date(2026, 11, 7)))
    row = r"^\| (`.+?) \| .* \| (\d) \|(.*)\|$"
    rows = re.findall(row, DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {
        name: (int(tries), set(re.findall("`([a-z-]+)`", needs)))
        for names, tries, needs in rows
        for name in re.findall("`([a-z-]+)`", names)
    }
    assert documented == {one.name: (one.tries, set(one.needs)) for one in stages}


def constant(path: Path, name: str) -> Any:
    """The value that a module gives a name, without importing it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id == name for one in node.targets
        ):
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} gives no {name}")


def test_airflow_has_every_stage_with_what_it_needs() -> None:
    tasks = constant(EXAMPLES / "airflow" / "dags" / "micro_conversions_daily.py", "STAGES")
    stages = stages_of(Plan(date(2026, 11, 7)))
    assert list(tasks) == [one.name for one in stages if one.name != "wait"]
    for one in stages:
        # What is needed through another is not drawn again.
        needed = set(one.needs) & tasks.keys()
        assert set(tasks.get(one.name, [])) <= needed
        assert needed <= upstream(tasks, one.name)


def upstream(tasks: dict[str, list[str]], name: str) -> set[str]:
    direct = set(tasks.get(name, []))
    return direct.union(*(upstream(tasks, one) for one in direct))


def test_dagster_has_every_stage() -> None:
    path = EXAMPLES / "dagster" / "definitions.py"
    named = [one for name in ("CHECKS", "EVIDENCE", "FOR_PEOPLE") for one in constant(path, name)]
    stages = [one.name for one in stages_of(Plan(date(2026, 11, 7)))]
    assert {*named, "wait", "build", "watch"} == set(stages)


@pytest.mark.parametrize("example", ["airflow/dags/micro_conversions_daily", "dagster/definitions"])
def test_examples_know_the_exit_code_of_a_late_day(example: str) -> None:
    text = (EXAMPLES / f"{example}.py").read_text()
    assert re.search(rf"(LATE =|retry_exit_code=) ?{errors.LATE}\b", text)


def test_exit_codes_and_outcomes_are_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for code in (errors.OK, errors.FINDINGS, errors.USAGE, errors.LATE, errors.BUSY):
        assert re.search(rf"^\| {code} \|", text, re.MULTILINE)
    for outcome in (DONE, WENT_ON, LATE, FAILED, TIMED_OUT, STOPPED, LEFT_OUT):
        assert f"`{outcome}`" in text


# ---- files of services ---------------------------------------------------------------------------


def test_the_workflow_runs_one_day_at_a_time_and_takes_no_command_from_outside() -> None:
    text = (EXAMPLES / "github_actions" / "daily.yml").read_text()
    flow = yaml.safe_load(text)
    assert flow[True].keys() == {"schedule", "workflow_dispatch"}  # YAML reads `on` as true
    assert flow["concurrency"] == {"group": "micro-conversions-daily", "cancel-in-progress": False}
    assert flow["permissions"] == {"contents": "read", "id-token": "write"}
    [job] = flow["jobs"].values()
    assert job["timeout-minutes"] < 360
    for step in job["steps"]:
        assert "${{" not in step.get("run", ""), "an expression would be put into the script"
    uploaded = [step["with"]["path"] for step in job["steps"] if "upload" in step.get("uses", "")]
    assert uploaded == ["logs/"], "the report names visitors"


def test_the_cloud_run_job_runs_once_at_a_time_as_its_own_account() -> None:
    job = yaml.safe_load((EXAMPLES / "cloud_run" / "job.yaml").read_text())
    spec = job["spec"]["template"]["spec"]
    task = spec["template"]["spec"]
    assert (spec["taskCount"], spec["parallelism"], task["maxRetries"]) == (1, 1, 0)
    assert 10 * 3600 < task["timeoutSeconds"] < 86400
    [container] = task["containers"]
    command = typer.main.get_command(app).commands["daily"]  # type: ignore[attr-defined]
    with click.Context(command) as context:
        command.parse_args(context, container["args"])
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in task["volumes"]}
    named = {variable["name"] for variable in container["env"]}
    assert {"BIGQUERY_PROJECT", "BIGQUERY_DATASET", "BIGQUERY_LOCATION"} <= named
    # The account of the job is the one that gets the rights.
    rights = (EXAMPLES / "cloud_run" / "rights.sql").read_text()
    assert rights.count(task["serviceAccountName"]) == 2
    assert set(re.findall(r"roles/\w+\.(\w+)`", rights)) == {"dataViewer", "dataEditor"}
    assert job["metadata"]["name"] in (EXAMPLES / "cloud_run" / "set_up.sh").read_text()


def test_the_image_holds_what_a_build_reads() -> None:
    lines = (EXAMPLES / "cloud_run" / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY")]
    paths = {path for group in copied for path in group}
    assert all((PROJECT / path).exists() for path in paths)
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    assert {*project["model-paths"], *project["macro-paths"], "seeds", "tests/data"} <= paths
    sql = {path.relative_to(PROJECT).parts[:2] for path in (PROJECT / "tests").rglob("*.sql")}
    assert {"/".join(parts) for parts in sql} <= paths, "data tests that the image lacks"
    assert 'ENTRYPOINT ["microconv", "daily"]' in lines
    assert any(line.startswith("USER ") for line in lines), "not as root"


def test_the_timer_starts_the_service() -> None:
    folder = EXAMPLES / "systemd"
    units = {}
    for path in folder.iterdir():
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(path)
        units[path.name] = unit
    assert units.keys() == {"micro-conversions.service", "micro-conversions.timer"}
    assert units["micro-conversions.service"]["Service"]["Type"] == "oneshot"
    assert "OnCalendar" in units["micro-conversions.timer"]["Timer"]


@pytest.mark.parametrize(("code", "is_told"), [(0, 0), (1, 1), (2, 1), (3, 0), (4, 0)])
def test_cron_is_silent_about_what_passes_by_itself(
    tmp_path: Path, code: int, is_told: bool
) -> None:
    [line] = [
        line
        for line in (EXAMPLES / "cron" / "crontab").read_text().splitlines()
        if re.match(r"\d", line)
    ]
    fake = tmp_path / ".venv" / "bin" / "microconv"
    fake.parent.mkdir(parents=True)
    (tmp_path / "logs").mkdir()
    fake.write_text(f"#!/bin/sh\necho said\nexit {code}\n")
    fake.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", line.split(" ", 5)[5]],
        env={"DBT_PROJECT_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert bool(done.stdout) == is_told


def test_shell_scripts_are_well_formed() -> None:
    for path in EXAMPLES.rglob("*.sh"):
        subprocess.run(["bash", "-n", str(path)], check=True)
