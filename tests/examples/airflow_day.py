"""Run by the environment of examples/airflow: one run of a DAG for a day.

Arguments: the DAG's name, the day, and tasks that are to be run if not all are.
"""

import importlib
import json
import os
import re
import sys

sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
name, day, *only = sys.argv[1:]
dag = importlib.import_module(name).dag

others = f"(?!({'|'.join(map(re.escape, only))})$)" if only else None
run = dag.test(run_conf={"day": day}, mark_success_pattern=others)
states = {task.task_id: str(task.state) for task in run.get_task_instances()}
print(json.dumps({"run": str(run.state), "tasks": states}))
