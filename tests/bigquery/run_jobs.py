"""How many jobs dbt-bigquery sends in a run, and how many of them may run side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from .compile_offline import Compiled, Node

# Jobs of one model. An incremental one selects its new rows and replaces old ones in one script.
JOBS = {"table": 1, "view": 1, "incremental": 1, "seed": 1, "test": 1, "ephemeral": 0}
_ASKED_BY = re.compile(r'"node_id": "([^"]+)"')


def jobs_of_a_run(compiled: Compiled) -> dict[str, int]:
    """Jobs of `dbt build` by what they are for: seeds, models, tests, contracts, questions."""
    counts = {
        f"{kind}s": sum(_jobs_of(node) for node in compiled.nodes(kind))
        for kind in ("seed", "model", "test")
    }
    # dbt asks for the columns of a model with a contract first, by a query that reads no row.
    contracts = sum(node["config"]["contract"]["enforced"] for node in compiled.nodes("model"))
    return counts | {"contracts": contracts, "questions": sum(questions(compiled).values())}


def _jobs_of(node: Node) -> int:
    """Where columns are compared before rows are replaced, the new rows are a job of their own."""
    config = node["config"]
    is_compared = config["materialized"] == "incremental" and config["on_schema_change"] != "ignore"
    return JOBS[config["materialized"]] + is_compared


def questions(compiled: Compiled) -> Counter[str]:
    """How often each question was asked of the warehouse by models and tests while compiling.

    dbt's comment, which names who asks, is left out; analyses are not compiled in a run.
    """
    asked = [sql for sql in compiled.queries if not asker(sql).startswith("analysis.")]
    return Counter(re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL).strip() for sql in asked)


def asker(sql: str) -> str:
    """The unique id of the node that sent a query."""
    found = _ASKED_BY.search(sql)
    return found[1] if found else ""


def levels(compiled: Compiled) -> list[list[str]]:
    """Models by level: those of a level wait for the level before and not for each other.

    Views wait too, though they take no time; seeds are level 0 and left out.
    """
    nodes: Mapping[str, Node] = {node["unique_id"]: node for node in compiled.nodes("model")}
    depth: dict[str, int] = {}

    def depth_of(unique_id: str) -> int:
        if unique_id not in depth:
            parents = nodes[unique_id]["depends_on"].get("nodes", ())
            depth[unique_id] = 1 + max(
                (depth_of(one) for one in parents if one in nodes), default=0
            )
        return depth[unique_id]

    for unique_id in nodes:
        depth_of(unique_id)
    return [
        sorted(nodes[one]["name"] for one, at in depth.items() if at == level)
        for level in range(1, max(depth.values()) + 1)
    ]
