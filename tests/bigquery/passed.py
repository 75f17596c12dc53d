"""Which model passed which rung: the table that ends a run."""

from __future__ import annotations

from collections.abc import Iterable

RUNGS = (
    *("1 analysed", "1 on 2020", "1 later run", "2 executed", "2 later run"),
    *("3 first run", "3 day 1", "3 day 2", "3 day 3", "3 late day", "3 redelivered", "4 sent"),
    "5 rules",
)
_results: dict[str, dict[str, str]] = {}


def record(
    rung: str, models: Iterable[str], failed: Iterable[str] = (), skipped: Iterable[str] = ()
) -> None:
    """Note a rung's result for every model; `skipped` could not be looked at."""
    failed, skipped = set(failed), set(skipped)
    for model in models:
        result = "FAILED" if model in failed else "-" if model in skipped else "passed"
        _results.setdefault(model, {})[rung] = result


def results() -> dict[str, dict[str, str]]:
    """What was noted in this process."""
    return _results


def add(noted: dict[str, dict[str, str]]) -> None:
    """Add what was noted in another process."""
    for model, by_rung in noted.items():
        _results.setdefault(model, {}).update(by_rung)


def lines() -> list[str]:
    """The table, one line a model and one column for each rung that ran; empty where none has."""
    if not _results:
        return []
    width = max(map(len, _results))
    ran = {rung for results in _results.values() for rung in results}
    rungs = [rung for rung in RUNGS if rung in ran]
    table = ["", " ".join([f"{'model':{width}}", *(f"{rung:13}" for rung in rungs)]).rstrip()]
    for model, results in sorted(_results.items()):
        cells = (f"{results.get(rung, ''):13}" for rung in rungs)
        table.append(" ".join([f"{model:{width}}", *cells]).rstrip())
    return table
