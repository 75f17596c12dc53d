"""Run by the environment of examples/airflow: one run of the DAG for the day that is named."""

import importlib
import json
import os
import sys

sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
dag = importlib.import_module("micro_conversions_daily").dag

run = dag.test(run_conf={"day": sys.argv[1]})
states = {task.task_id: str(task.state) for task in run.get_task_instances()}
print(json.dumps({"run": str(run.state), "tasks": states}))
