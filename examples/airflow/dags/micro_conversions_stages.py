"""What both DAGs are made of; no DAG itself. `microconv daily --plan` prints the stages."""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.sensors.bash import BashSensor
from airflow.sdk import CronTriggerTimetable

HOME = os.environ.get("MICRO_CONVERSIONS_HOME", "/opt/micro_conversions")
MICROCONV = f"cd '{HOME}' && .venv/bin/microconv"
# As property_time_zone in dbt_project.yml.
TIME_ZONE = "America/New_York"
# The day before the run's, unless the run is triggered with {"day": "2026-11-07"}.
DAY = "{{ params.day or macros.ds_add(dag_run.run_after | ds, -1) }}"
# Stage to the stages it needs.
STAGES = {
    "check": [],
    "build": ["check"],
    "correlate": ["build"],
    "value": ["build"],
    "score": ["build"],
    "watch": ["build"],
    "report": ["correlate", "value", "score"],
}
EVERY_DAY = {
    # GA4 writes a day's table at no set hour, mostly by the next afternoon.
    "schedule": CronTriggerTimetable("0 14 * * *", timezone=TIME_ZONE),
    "start_date": datetime(2026, 1, 1),
    # A later run reads every day that is not loaded yet: there is nothing to catch up.
    "catchup": False,
    "max_active_runs": 1,
    "params": {"day": ""},
    "default_args": {"retries": 1, "retry_delay": timedelta(minutes=10)},
}


def wait_for_export() -> BashSensor:
    """Looks every ten minutes and takes no worker in between."""
    return BashSensor(
        task_id="wait",
        bash_command=f"{MICROCONV} wait --day {DAY}",
        # It did not come yet.
        retry_exit_code=3,
        mode="reschedule",
        poke_interval=timedelta(minutes=10),
        timeout=timedelta(hours=9),
    )


def run_stage(name: str) -> BashOperator:
    """One stage, with the time-outs, the lock and the log of `microconv daily`."""
    command = f"{MICROCONV} daily --no-wait --queue 30m --only {name}"
    return BashOperator(task_id=name, bash_command=command)


def connect(wait: BashSensor, tasks: dict[str, Any]) -> None:
    """Every stage after those it needs, the first ones after the export."""
    for name, needs in STAGES.items():
        for before in [tasks[one] for one in needs] or [wait]:
            before >> tasks[name]
