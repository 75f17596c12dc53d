"""Recovers the demo's planted truth through the whole pipeline, seed by seed: `make truth`.

Each seed is an export, a dbt build and `correlate`. Seeds are 1, 2, 3, … and never chosen. What is
done is kept in `target/truth`, so that a run that was stopped, or ran out of minutes, goes on where
it was. The result is a table against the exact binomial limits for so many seeds: a calibrated
interval passes each of them 99.5 times of 100.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / "tests" / "python"), str(PROJECT / "tests")]

import planted  # noqa: E402
from scipy.stats import binom  # noqa: E402

RESULTS = PROJECT / "target" / "truth"
TABLE = PROJECT / "docs" / "planted_truth.md"
_TAIL = 0.005
_RULES = {
    "coverage": ("95 % interval holds the planted value", 0.95),
    "type_one": ("95 % interval holds 1, which was planted", 0.95),
    "type_one_value": ("95 % interval holds 0, which was planted", 0.95),
    "pooled": ("95 % interval holds the mean of all seeds", 0.95),
    "detects": ("seen", 0.95),
    "label": ("right", 1.0),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=200)
    arguments.add_argument("--minutes", type=float, default=55.0, help="Stop beginning seeds after")
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--visitors-per-day", type=int, default=planted.Shop.visitors_per_day)
    arguments.add_argument(
        "--intent-sd", type=float, default=0.0, help="Spread of a hidden intent to buy (log odds)"
    )
    arguments.add_argument("--no-table", action="store_true", help="Leave the docs page alone")
    given = arguments.parse_args()
    shop = planted.Shop(visitors_per_day=given.visitors_per_day, intent_sd=given.intent_sd)
    kept = _kept(shop)
    found = _read(kept)
    missing = [seed for seed in range(1, given.seeds + 1) if seed not in found]
    if missing:
        found |= _run(missing, shop, kept, given.minutes, given.workers)
    lines = table({seed: found[seed] for seed in sorted(found) if seed <= given.seeds})
    print("\n".join(lines))
    if not given.no_table:
        lines = page(given.visitors_per_day)
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(any("**no**" in line for line in lines))


def _kept(shop: planted.Shop) -> Path:
    hidden = f"_intent_{shop.intent_sd:g}" if shop.intent_sd else ""
    return RESULTS / f"{shop.days}_days_{shop.visitors_per_day}_a_day{hidden}.jsonl"


def _read(kept: Path) -> dict[int, list[dict[str, Any]]]:
    if not kept.exists():
        return {}
    rows = (json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines())
    return {row["seed"]: row["seen"] for row in rows}


def _run(
    seeds: list[int], shop: planted.Shop, kept: Path, minutes: float, workers: int
) -> dict[int, list[dict[str, Any]]]:
    """Run seeds until they are done or the minutes are over; each is kept as it ends."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    found: dict[int, list[dict[str, Any]]] = {}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        project = planted.copy_project(Path(tempfile.mkdtemp(dir=scratch)))
        manifest = planted.parse(project)

        def one(seed: int) -> list[dict[str, Any]] | None:
            if time.monotonic() - started > 60 * minutes:
                return None
            folder = Path(scratch) / f"seed_{seed}"
            folder.mkdir()
            try:
                answer = planted.in_fork(
                    lambda: planted.run_seed(project, manifest, seed, shop, folder)
                )
                seen = planted.judge_seed(answer, has_hidden_intent=shop.intent_sd > 0)
                return [asdict(one) for one in seen]
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        with ThreadPoolExecutor(workers) as pool, kept.open("a", encoding="utf-8") as file:
            jobs = {pool.submit(one, seed): seed for seed in seeds}
            for done in as_completed(jobs):
                seen = done.result()
                if seen is None:
                    continue
                seed = jobs[done]
                found[seed] = seen
                file.write(json.dumps({"seed": seed, "seen": seen}) + "\n")
                file.flush()
                spent = time.monotonic() - started
                left = spent / len(found) * (len(seeds) - len(found))
                print(
                    f"seed {seed}: {len(found)} of {len(seeds)}, {spent / 60:.0f} min, about "
                    f"{left / 60:.0f} left",
                    file=sys.stderr,
                    flush=True,
                )
    return found


def page(visitors_per_day: int) -> list[str]:
    """The docs page: what is kept of the shop, without a hidden intent and with one."""
    plain = planted.Shop(visitors_per_day=visitors_per_day)
    hidden = planted.Shop(visitors_per_day=visitors_per_day, intent_sd=1.0)
    found, eager = _read(_kept(plain)), _read(_kept(hidden))
    lines = [
        "# Planted truth, found again",
        "",
        f"`make truth`: seeds are 1, 2, 3, … and never chosen; each is an export of {plain.days} "
        f"days with {plain.visitors_per_day} new visitors a day, built by dbt and read",
        "by `microconv correlate`. A seed counts where there is an interval, also where the",
        "verdict prints none for want of conversions: those printed are those that had luck.",
        "Money counts where fifty orders follow, as `microconv value` says none below that.",
        "The limit is the exact binomial one that a calibrated method passes 99.5 times of 100.",
        "",
        f"## Everything that moves a visitor can be seen ({len(found)} seeds)",
        "",
        *table(found),
        "",
        "The generator also switches the tracking of begin_checkout off for a day, so that about",
        "97 % of purchases have it before them. A gate is told by days on which it was tracked.",
        "",
        "Robots are part of the traffic, and left out of all numbers: with those that were planted",
        "left out, and nobody else, a lift is that of a shop without them. One that would differ",
        "by more than 10 % with them in it is flagged, and its verdict capped: with rare",
        "conversions a few robots are enough for that. Nothing that they move may be believed.",
        "",
        "What was planted for the newsletter acts from three days after the sign-up on. A shop of",
        "this size leads one to expect under five conversions in most lags, of which no number is",
        "said; `make test-long` reads the lags of a larger one.",
    ]
    if not eager:
        return lines
    return [
        *lines,
        "",
        f"## A hidden intent to buy ({len(eager)} seeds)",
        "",
        f"`make truth TRUTH_ARGS='--intent-sd 1 --seeds {len(eager)}'`: visitors differ in how",
        "eager they are (log odds, standard deviation 1), which no export shows. Who is eager",
        "wishes more and buys more, so the wish list seems to do something, and nothing that can",
        "be seen clears it: the E-value beside it says how strong such a hidden difference would",
        "have to be. What was planted to do nothing must still be seen to do nothing.",
        "",
        *table(eager),
    ]


def table(found: dict[int, list[dict[str, Any]]]) -> list[str]:
    """The result as Markdown: a row per planted thing, with its limit for so many seeds."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for seed in sorted(found):
        for one in found[seed]:
            by_name[one["name"]].append(one)
    return [
        "| planted | must be | seeds that count | share | limit | median | passes |",
        "|---|---|---|---|---|---|---|",
        *(_row(name, _settled(seen)) for name, seen in by_name.items()),
    ]


def _settled(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What only all seeds together tell: whether intervals hold the mean over their visitors."""
    if seen[0]["rule"] != "pooled":
        return seen
    visitors = sum(one["weight"] for one in seen)
    truth = sum(one["value"] * one["weight"] for one in seen if one["weight"]) / visitors
    return [
        one | {"is_right": None if one["low"] is None else one["low"] <= truth <= one["high"]}
        for one in seen
    ]


def _row(name: str, seen: list[dict[str, Any]]) -> str:
    words, nominal = _RULES[seen[0]["rule"]]
    known = [one for one in seen if one["is_right"] is not None]
    values = [one["value"] for one in seen if one["value"] and math.isfinite(one["value"])]
    median = f"{statistics.median(values):.2f}" if values else ""
    if not known:
        return f"| {name} | {words} | 0 | – | – | {median} | – |"
    share = sum(one["is_right"] for one in known) / len(known)
    limit = 1.0 if nominal == 1 else float(binom.ppf(_TAIL, len(known), nominal)) / len(known)
    passes = "yes" if share >= limit else "**no**"
    return f"| {name} | {words} | {len(known)} | {share:.3f} | {limit:.3f} | {median} | {passes} |"


if __name__ == "__main__":
    main()
