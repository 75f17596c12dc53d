"""Run by the environment of examples/dagster: what its sensor says of today, and its job."""

import json
import sys
from pathlib import Path

import dagster as dg

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "examples" / "dagster"))

import definitions  # noqa: E402

dg.Definitions.validate_loadable(definitions.defs)
said = definitions.export_came(dg.build_sensor_context())
job = definitions.defs.resolve_job_def("daily")
with dg.DagsterInstance.get() as instance:
    queue = instance.get_concurrency_config().run_queue_config
    result = job.execute_in_process(instance=instance, raise_on_error=True)
materialized = {
    event.asset_key.to_user_string()
    for event in result.get_asset_materialization_events()
    if event.asset_key
}
found = {"sensor": type(said).__name__, "materialized": sorted(materialized)}
print(json.dumps({**found, "runs_at_once": queue.max_concurrent_runs if queue else None}))
