"""The same day with a task per model (Cosmos), for BigQuery: what failed is seen and run by itself.

On DuckDB, where models wait for each other, every task would pay dbt's start for nothing: there
micro_conversions_daily.py is the better one. Switch on one of the two.

Cosmos reads target/manifest.json, which `dbt parse` writes anew when models change.
"""

import os
from pathlib import Path

from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import InvocationMode, LoadMode, TestBehavior
from micro_conversions_stages import (
    EVERY_DAY,
    HOME,
    STAGES,
    connect,
    run_stage,
    wait_for_export,
)

TARGET_PATH = Path(HOME, os.environ.get("DBT_TARGET_PATH", "target"))


def run_models() -> DbtTaskGroup:
    """A model is built with its tests, and nothing behind it before they passed."""
    return DbtTaskGroup(
        group_id="build",
        project_config=ProjectConfig(
            dbt_project_path=HOME, manifest_path=TARGET_PATH / "manifest.json"
        ),
        profile_config=ProfileConfig(
            profile_name="micro_conversions",
            target_name=os.environ.get("DBT_TARGET", "duckdb"),
            profiles_yml_filepath=Path(os.environ.get("DBT_PROFILES_DIR", HOME), "profiles.yml"),
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            test_behavior=TestBehavior.BUILD,
            exclude=["resource_type:exposure"],
        ),
        execution_config=ExecutionConfig(
            dbt_executable_path=Path(HOME, ".venv", "bin", "dbt"),
            invocation_mode=InvocationMode.SUBPROCESS,
        ),
    )


with DAG("micro_conversions_models", **EVERY_DAY) as dag:
    wait = wait_for_export()
    connect(wait, {name: run_models() if name == "build" else run_stage(name) for name in STAGES})
