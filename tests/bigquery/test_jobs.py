"""A daily run is short: few jobs, few questions while compiling, models side by side.

The numbers are bounds, to be raised knowingly: each job takes BigQuery about a second to schedule
and is billed for at least 10 MiB.
"""

from __future__ import annotations

from .compile_offline import Compiled
from .run_jobs import asker, jobs_of_a_run, levels, questions

MOST_JOBS = {"seeds": 17, "models": 118, "tests": 334, "contracts": 57, "questions": 38}
# Each model or test that names open or newest days asks for them: dbt renders one by one.
MOST_TIMES_ASKED = 17
MOST_LEVELS = 16
THREADS = 20  # of the BigQuery profile that the project ships


def test_a_daily_run_sends_few_jobs(incremental: Compiled) -> None:
    jobs = jobs_of_a_run(incremental)
    print(jobs)
    assert {kind: count for kind, count in jobs.items() if count > MOST_JOBS[kind]} == {}


def test_no_model_asks_the_same_question_twice(incremental: Compiled) -> None:
    assert max(questions(incremental).values()) <= MOST_TIMES_ASKED
    assert len(set(incremental.queries)) == len(incremental.queries), [
        asker(sql) for sql in incremental.queries if incremental.queries.count(sql) > 1
    ]


def test_models_run_side_by_side(incremental: Compiled) -> None:
    found = levels(incremental)
    for number, names in enumerate(found, start=1):
        print(number, ", ".join(names))
    assert len(found) <= MOST_LEVELS
    assert max(map(len, found)) <= THREADS  # no model waits for a thread
