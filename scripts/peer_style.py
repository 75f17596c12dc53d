"""The same questions in the style that most GA4 projects ask them, beside ours.

- A correlated subquery per parameter, against this project's macros as dbt compiles them.
- A funnel of self-joins, one more for each step, against one pass in the order of events.

Each pair is timed on the same rows in the same process, so that only the ratio means anything.
`python scripts/peer_style.py` prints it; tests hold that the answers are equal and ours cheaper.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

PROJECT = Path(__file__).resolve().parents[1]
DEFAULT_EXPORT = "target/demo_export/events_2*.parquet"
PARAMETERS = {
    "ga_session_id": "int_value",
    "ga_session_number": "int_value",
    "engagement_time_msec": "int_value",
    "page_location": "string_value",
    "page_referrer": "string_value",
    "page_title": "string_value",
    "percent_scrolled": "int_value",
    "search_term": "string_value",
    "value": "double_value",
    "currency": "string_value",
    "transaction_id": "string_value",
    "source": "string_value",
}
FUNNEL = ("view_item", "add_to_cart", "begin_checkout", "add_payment_info", "purchase")
WINDOW_MICROS = 7 * 86_400_000_000


@dataclass(frozen=True)
class Pair:
    """One question asked twice: seconds of the peers' way and of ours, and both answers."""

    question: str
    peer_seconds: float
    our_seconds: float
    peer_answer: Sequence[tuple[object, ...]]
    our_answer: Sequence[tuple[object, ...]]

    @property
    def ratio(self) -> float:
        """How many times as long the peers' way takes."""
        return self.peer_seconds / self.our_seconds


def parameters_by_subquery() -> str:
    """A subquery per parameter, each of which unnests all parameters of the event again."""
    columns = ",\n".join(
        f"(select entry.value.{field} from unnest(events.event_params) as listed (entry)"
        f" where entry.key = '{key}' limit 1) as {key}"
        for key, field in PARAMETERS.items()
    )
    return f"select {columns} from events"


def parameters_by_macros() -> str:
    """The project's own macros, compiled by dbt."""
    columns = ",\n".join(
        f"({{{{ param_value('event_params', '{key}') }}}}).{field} as {key}"
        for key, field in PARAMETERS.items()
    )
    inline = (
        f"select {columns} from (select event_params, {{{{ param_keys() }}}} as param_keys"
        " from events) as events"
    )
    command = [str(Path(sys.executable).parent / "dbt"), "--quiet", "compile", "--no-introspect"]
    command += ["--output", "json", "--inline", inline]
    folders = {"DBT_PROJECT_DIR": str(PROJECT), "DBT_PROFILES_DIR": str(PROJECT)}
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | folders, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    return str(found["compiled"])


def summed(query: str) -> str:
    """One row that says whether two extractions agree, and that reads every column."""
    sums = ", ".join(f"count({key}), sum(hash({key}) % 1000003)" for key in PARAMETERS)
    return f"select {sums} from ({query})"


def funnel_by_self_joins() -> str:
    """Every step joined to every event of the step before: squares for who does a thing often."""
    joins, counts = [], ["count(distinct s0.visitor) as reached_0"]
    for step in range(1, len(FUNNEL)):
        joins.append(
            f"left join steps as s{step} on s{step}.visitor = s0.visitor and s{step}.step = {step}"
            f" and s{step}.moment > s{step - 1}.moment"
            f" and s{step}.moment <= s0.moment + {WINDOW_MICROS}"
        )
        counts.append(f"count(distinct s{step}.visitor) as reached_{step}")
    return f"select {', '.join(counts)} from steps as s0 {' '.join(joins)} where s0.step = 0"


def funnel_in_one_pass() -> str:
    """Per step the newest start that still reaches it: a running maximum per step, no join."""
    parts = [
        "select visitor, moment, step, case when step = 0 then moment end as start_0 from steps"
    ]
    for step in range(1, len(FUNNEL)):
        parts.append(
            f"select * exclude (newest), case when step = {step} and moment - newest <="
            f" {WINDOW_MICROS} then newest end as start_{step} from (select *,"
            f" max(start_{step - 1}) over (partition by visitor order by moment"
            " range between unbounded preceding and 1 preceding) as newest"
            f" from p{step - 1})"
        )
    kept = ", ".join(f"max(start_{step}) is not null as has_{step}" for step in range(len(FUNNEL)))
    names = ",\n".join(f"p{step} as ({part})" for step, part in enumerate(parts))
    counts = ", ".join(f"count_if(has_{step})" for step in range(len(FUNNEL)))
    last = len(FUNNEL) - 1
    return f"with {names} select {counts} from (select {kept} from p{last} group by visitor)"


def compare(files: str, busy_events: int = 0, limit: int | None = None) -> list[Pair]:
    """Ask both questions both ways.

    Args:
        files: Glob of export files.
        busy_events: Events of one visitor more who looks and puts into the cart over and over.
        limit: Read so many events at most.
    """
    with duckdb.connect(config={"threads": 2}) as connection:
        limited = f"limit {limit}" if limit else ""
        names = ", ".join(f"'{name}'" for name in FUNNEL)
        connection.execute(
            "create table events as select event_params, user_pseudo_id as visitor, event_name,"
            f" event_timestamp from read_parquet('{files}', union_by_name = true) {limited}"
        )
        connection.execute(
            f"create table steps as select visitor, event_timestamp as moment,"
            f" list_position([{names}], event_name) - 1 as step from events"
            f" where event_name in ({names}) and visitor is not null"
            " union all select 'busy', epoch_us(timestamp '2026-11-01') + range * 1000,"
            f" range % 3 from range({busy_events})"
        )
        pairs = (
            ("parameters", summed(parameters_by_subquery()), summed(parameters_by_macros())),
            ("funnel", funnel_by_self_joins(), funnel_in_one_pass()),
        )
        return [_timed(connection, *pair) for pair in pairs]


def _timed(connection: duckdb.DuckDBPyConnection, question: str, peer: str, our: str) -> Pair:
    answers, seconds = [], []
    for query in (peer, our):
        started = time.process_time()
        answers.append(connection.execute(query).fetchall())
        seconds.append(time.process_time() - started)
    return Pair(question, seconds[0], seconds[1], answers[0], answers[1])


def main() -> None:
    """Print both questions for an export."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--export", default=DEFAULT_EXPORT)
    arguments.add_argument("--busy-events", type=int, default=3000)
    given = arguments.parse_args()
    if not list(Path().glob(given.export)) and not Path(given.export).is_absolute():
        raise SystemExit(f"No files match {given.export}; run `make demo` first.")
    print("| question | the peers' CPU s | ours | ratio |\n|---|--:|--:|--:|")
    for one in compare(given.export, given.busy_events):
        same = "" if one.peer_answer == one.our_answer else " (answers differ)"
        print(
            f"| {one.question}{same} | {one.peer_seconds:.2f} | {one.our_seconds:.2f}"
            f" | {one.ratio:.1f}× |"
        )


if __name__ == "__main__":
    main()
