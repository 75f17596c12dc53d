"""Rung 3: the real adapter builds on an emulator, day after day, what DuckDB builds; then rung 4.

What this shows: dbt-bigquery can do what the project asks of it (DDL, seeds, incremental runs, data
tests, documentation), and ends in the rows of DuckDB. What it cannot show stands in
CONTRIBUTING.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from bigquery import passed
from bigquery.export_schema import EXPORT_2026
from bigquery.googlesql import FOR_COLUMNS

from . import server
from .deliveries import STEPS, Step
from .runs import TwoWarehouses
from .sent import refused, sender

pytestmark = pytest.mark.skipif(
    not server.PYTHON.exists(), reason="make test-emulator installs the emulator"
)
TESTED = STEPS[-1]  # data tests take as long as a build


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoWarehouses]:
    root = tmp_path_factory.mktemp("emulator")
    with server.running(root / "server") as address:
        yield TwoWarehouses(root, address)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_both_warehouses_have_the_same_rows(both: TwoWarehouses, step: Step) -> None:
    outcome = both.take(step, is_tested=step == TESTED)
    models = [node["name"] for node in both.manifest.nodes("model")]
    passed.record(f"3 {step.name}", models, outcome.problems, outcome.skipped)
    if outcome.problems:
        lines = [line for found in outcome.problems.values() for line in found]
        lines += [f"not built for that reason: {name}" for name in outcome.skipped]
        pytest.fail("\n".join(lines), pytrace=False)


def test_documentation_finds_every_column(both: TwoWarehouses) -> None:
    found = both.document()
    described = {node["unique_id"]: node["columns"] for node in both.manifest.nodes("model")}
    missing = {
        key: sorted(set(columns) - set(found.get(key, ()))) for key, columns in described.items()
    }
    assert {key: names for key, names in missing.items() if names} == {}


def test_the_adapter_asks_for_the_columns_of_every_model_with_a_contract(
    both: TwoWarehouses,
) -> None:
    """dbt compares them with the contract before it builds; a build that ended had equal ones."""
    nodes = both.manifest.nodes("model")
    promised = {node["name"] for node in nodes if node["config"]["contract"]["enforced"]}
    asked = {sender(sent) for sent in both.statements() if FOR_COLUMNS in sent}
    assert promised, "no model has a contract"
    assert promised - asked == set()


def test_every_statement_that_was_sent_resolves(both: TwoWarehouses) -> None:
    statements = both.statements()
    models = [node["name"] for node in both.manifest.nodes("model")]
    by_sender = Counter(sender(sent) for sent in statements)
    assert {name: by_sender[name] for name in models if by_sender[name] < len(STEPS)} == {}
    messages = refused(both.manifest, EXPORT_2026, statements)
    passed.record("4 sent", models, {sender(sent) for sent in messages})
    if messages:
        shown = [f"{sender(sent)}: {said}\n{sent[:1000]}" for sent, said in messages.items()]
        pytest.fail("\n\n".join(shown), pytrace=False)
