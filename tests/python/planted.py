"""The demo's planted truth through the whole pipeline: export, dbt build, correlate.

What the generator plants and the shipped catalog does not hold gets rows in a copy of the project,
so that the shipped seeds stay a shop's.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import project_run
from microconv.correlate.measures import Measures
from microconv.demo import generate_demo
from microconv.demo.settings import (
    NEWSLETTER_ODDS_RATIO,
    SIZE_GUIDE_ODDS_RATIO,
    VIDEO_ODDS_RATIO,
)
from microconv.evidence.value import LEAST_ORDERS

PLANTED = {
    "banner_impression": "Saw a banner",
    "file_download": "Downloaded a file",
    "gift_registry_view": "Looked at a gift registry",
    "push_received": "Was sent a message",
    "read_reviews": "Read reviews",
    "share": "Shared a page",
    "start_chat": "Started a chat",
    "view_order_status": "Looked up an order",
}
NULL_ON_PAGE = ("banner_impression", "file_download", "read_reviews", "share", "start_chat")
STEP = "step_odds_ratio"
HARD_VERDICTS = ("causal", "reversed")
# Often enough for fifty orders after them in a shop of this size.
VALUED = {
    "view_item": "viewed a product",
    "deep_scroll": "scrolled to the end",
    "long_read": "read for long",
    "add_to_cart": "added to cart",
}
PLACEBOS = ("placebo_1pct", "placebo_5pct", "placebo_15pct")
UNTIL = date(2026, 11, 8)
MARTS = (
    "mart_decision_points",
    "mart_conversion_patterns",
    "mart_conversion_landmarks",
    "mart_conversion_reach",
    "mart_daily_conversions",
    "mart_evidence_checks",
)


@dataclass(frozen=True)
class Shop:
    """What is generated per seed."""

    days: int = 63
    visitors_per_day: int = 160
    intent_sd: float = 0.0


@dataclass(frozen=True)
class Seen:
    """One planted thing in one seed.

    Args:
        name: What was planted and which method looked.
        rule: coverage, type_one, type_one_value, detects, label or pooled: how seeds are added up.
        is_right: Whether this seed says what was planted; None where it says nothing, and where
            only all seeds together tell (pooled).
        value: The number, where there is one.
        low, high: Its interval, where all seeds together are the truth.
        weight: How many visitors it is of, there.
    """

    name: str
    rule: str
    is_right: bool | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    weight: float | None = None


def copy_project(folder: Path) -> Path:
    """The project with a catalog that holds everything planted."""
    for name in ("dbt_project.yml", "models", "macros", "seeds", "analyses"):
        source = project_run.PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    (folder / "tests").mkdir()
    shutil.copytree(project_run.PROJECT / "tests" / "generic", folder / "tests" / "generic")
    shutil.copy(project_run.PROJECT / "profiles.example.yml", folder / "profiles.yml")
    plant_lists(folder / "seeds")
    return folder


def plant_lists(seeds: Path) -> None:
    """Add what is planted and not in the shop's lists to them."""
    with (seeds / "conversion_catalog.csv").open("a", encoding="utf-8") as catalog:
        catalog.writelines(
            f"{name},{label},micro,secondary_action,interest,purchase,ecommerce,every_event,none,0,"
            "Planted by the generator.\n"
            for name, label in PLANTED.items()
        )
    with (seeds / "conversion_rules.csv").open("a", encoding="utf-8") as rules:
        rules.writelines(f"{name},1,{name},,,\n" for name in PLANTED)


def parse(project: Path) -> Any:
    """The manifest of a project; its artifacts lie in `target`."""
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(["parse", *_options(project, project / "target"), "--quiet"])
    assert result.success, result.exception
    manifest: Any = result.result
    for node in manifest.nodes.values():
        node.config.persist_docs = {}
    return manifest


def _options(project: Path, target: Path) -> list[str]:
    return [
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(target), "--log-path", str(target)),
        *("--log-level-file", "none", "--no-use-colors"),
    ]


def run_seed(project: Path, manifest: Any, seed: int, shop: Shop, scratch: Path) -> dict[str, Any]:
    """What `correlate` says of one seed's export, as its JSON.

    Everything happens in this process, which must be a fork of one that holds the manifest: dbt
    keeps state.
    """
    from dbt.cli.main import dbtRunner

    export = scratch / "export"
    generate_demo(
        export,
        days=shop.days,
        visitors_per_day=shop.visitors_per_day,
        seed=seed,
        until=UNTIL,
        intent_sd=shop.intent_sd,
        last_day_intraday=False,
    )
    os.environ |= {
        # The manifest holds the name of the file that it was parsed with.
        "DUCKDB_PATH": str(scratch / "micro_conversions.duckdb"),
        "GA4_EXPORT_FILES": str(export / "events_*.parquet"),
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
        "DBT_TARGET_PATH": str(project / "target"),
    }
    select = ["--select", *(f"+{mart}" for mart in MARTS)]
    built = dbtRunner(manifest=manifest).invoke(
        [
            *("build", "--exclude-resource-type", "test", "unit_test", *select, "--quiet"),
            *_options(project, scratch / "target"),
            *("--no-write-json", "--no-partial-parse"),
        ]
    )
    assert built.success, built.exception or "the build failed"
    return correlate("purchase") | {"robots": robots(export)}


def robots(export: Path) -> dict[str, list[str]]:
    """Devices that were planted as robots, known by their hundreds of pages, and those flagged."""
    from microconv.profile import open_warehouse

    planted = duckdb.execute(
        "select user_pseudo_id from read_parquet(?, union_by_name = true)"
        " where event_name = 'page_view' and user_pseudo_id is not null"
        " group by all having count(distinct event_timestamp) > ? order by all",
        [f"{export}/events_*.parquet", 200],
    ).fetchall()
    with open_warehouse() as warehouse:
        held = warehouse.run_query(
            f"""select distinct sessions.user_pseudo_id
            from {warehouse.relation("int_evidence_subjects")} as subjects
            inner join {warehouse.relation("int_sessions_attributed")} as sessions
                on subjects.visitor_id = sessions.visitor_id
            where subjects.is_suspected_bot
            order by 1"""
        )
    return {
        "planted": [str(one) for (one,) in planted],
        "held": [str(row["user_pseudo_id"]) for row in held],
    }


def correlate(macro: str) -> dict[str, Any]:
    """The rows of one macro, the joint model left out: no planted truth is about it."""
    from microconv.aggregates.run import open_run
    from microconv.correlate.family import read_macro
    from microconv.correlate.rows import check_rows, micro_rows
    from microconv.value.worth import worth_of

    with open_run(macro, None) as run:
        [basis] = run.bases
        found = read_macro(run.aggregates, basis, run.conversions, has_joint=False)
    measures = [*(one.measures for one in found.findings), *found.placebos]
    worths = {one.micro_name: worth_of(one) for one in found.findings}
    return {
        "micros": {str(row["micro_name"]): row for row in micro_rows(found, run.conversions)},
        "checks": check_rows(found, run.conversions),
        "measured": {one.reach.micro_name: _measured(one) for one in measures},
        "gross": {
            name: asdict(one.gross.value) | {"visitors": one.visitors, "orders": one.orders}
            for name, one in worths.items()
        },
    }


def _measured(measures: Measures) -> dict[str, Any]:
    """Ratios as measured, also where the verdict prints none.

    Few conversions after a micro-conversion silence it, so that those that speak had luck.
    """
    profiles, lags = list(measures.profiles.values()), measures.lags
    return {
        "matched_lift": asdict(measures.matched.lift) if measures.matched else None,
        "step_odds_ratio": asdict(measures.step.odds_ratio),
        "incremental": asdict(measures.value.incremental) if measures.value else None,
        "orders": measures.reach.first_micro_converted_count,
        "crude": profiles[0].crude.value if profiles else math.nan,
        "lags": {str(lag.from_days): asdict(lag.odds_ratio) for lag in lags.lags} if lags else {},
    }


def in_fork(work: Callable[[], Any]) -> Any:
    """What `work` returns (as JSON), done in a fork that ends afterwards."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read)
            answer = json.dumps(work(), default=str)
            with os.fdopen(write, "w") as pipe:
                pipe.write(answer)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError("A seed could not be run; its error stands above.")
    return json.loads(answer)


def judge_seed(found: dict[str, Any], has_hidden_intent: bool = False) -> list[Seen]:
    """What one seed says of everything that was planted.

    A hidden intent moves odds ratios that hold for visitors of one intent, so that only what was
    planted as nothing can be looked for; the wish list then shows who is eager.
    """
    micros, measured = found["micros"], found["measured"]
    guide, video = measured["view_size_guide"], measured["watch_video"]
    words = {"step_odds_ratio": "next-step odds ratio", "matched_lift": "matched lift"}
    nulls = {one: PLANTED[one].lower() for one in NULL_ON_PAGE} | {one: one for one in PLACEBOS}
    if has_hidden_intent:
        seen = _eager_wishes(micros["add_to_wishlist"], measured["add_to_wishlist"])
    else:
        nulls = {"add_to_wishlist": "wish list"} | nulls
        seen = [
            _covers(f"size guide, {words[STEP]}", guide[STEP], SIZE_GUIDE_ODDS_RATIO),
            _covers(f"video, {words[STEP]}", video[STEP], VIDEO_ODDS_RATIO),
            *_lags(measured["newsletter_signup"]["lags"]),
        ]
    seen.append(
        Seen(
            "video, crude below adjusted (Simpson)",
            "detects",
            video["crude"] < video[STEP]["value"],
            video["crude"],
        )
    )
    seen += [
        _holds_one(f"message off the page, {words[STEP]}", measured["push_received"][STEP]),
        _label(
            "message off the page is not matched", _is_none(micros["push_received"]["matched_lift"])
        ),
    ]
    for name, label in nulls.items():
        seen += [
            _holds_one(f"{label}, {said}", measured[name][method]) for method, said in words.items()
        ]
        if measured[name]["orders"] >= LEAST_ORDERS:
            worth = measured[name]["incremental"]
            seen.append(Seen(f"{label}, incremental value", "type_one_value", _inside(worth, 0.0)))
    seen += [_gross(label, found["gross"][name]) for name, label in VALUED.items()]
    banner = micros["banner_impression"]
    seen.append(
        Seen(
            "banner, usual comparison misleads",
            "detects",
            banner["naive_lift"] is not None and banner["naive_lift_low"] > 1,
            banner["naive_lift"],
        )
    )
    for name, verdict in (
        ("view_order_status", "post_macro_only"),
        ("add_to_cart", "gate"),
        ("begin_checkout", "gate"),
        ("gift_registry_view", "insufficient"),
    ):
        is_right = micros[name]["verdict"] == verdict and _is_none(micros[name]["matched_lift"])
        seen.append(_label(f"{name} is {verdict}", is_right))
    seen.append(
        _label(
            "no verdict reserved for experiments",
            all(one["verdict"] != "causal" for one in micros.values()),
        )
    )
    moved = {
        name
        for name, one in micros.items()
        if one["with_bots_ratio"] is not None and one["is_bot_sensitive"]
    }
    known = found["robots"]
    seen.append(
        _label("robots are left out, and nobody else", known["planted"] == known["held"] != [])
    )
    believed = {name for name in moved if micros[name]["verdict"].startswith("predictive")}
    seen.append(_label("what robots move is not believed", not believed))
    return seen


def _is_none(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _eager_wishes(row: dict[str, Any], measured: dict[str, Any]) -> list[Seen]:
    """Who is eager wishes more and buys more: no method can tell, so it must be doubted aloud."""
    lift, naive = measured["matched_lift"]["value"], row["naive_lift"]
    is_said = row["verdict"].startswith("predictive")
    return [
        Seen(
            "wish list, usual above like for like above 1",
            "detects",
            None if naive is None else naive > lift > 1,
            lift,
        ),
        Seen(
            "wish list, predictive has an E-value beside it",
            "label",
            row["e_value"] > 1 if is_said else None,
        ),
        _label(
            "wish list gets no verdict that it has not earned", row["verdict"] not in HARD_VERDICTS
        ),
    ]


def _gross(label: str, gross: dict[str, Any]) -> Seen:
    """Money per micro-conversion: only all seeds together tell what it is on average."""
    is_said = gross["orders"] >= LEAST_ORDERS
    return Seen(
        f"{label}, gross value",
        "pooled",
        None,
        gross["value"],
        gross["low"] if is_said else None,
        gross["high"] if is_said else None,
        gross["visitors"],
    )


def _inside(estimate: dict[str, Any] | None, truth: float) -> bool | None:
    """Whether the interval holds a value; None where there is no interval."""
    if estimate is None or math.isnan(estimate["low"]) or math.isnan(estimate["high"]):
        return None
    return bool(estimate["low"] <= truth <= estimate["high"])


def _covers(name: str, estimate: dict[str, Any] | None, truth: float) -> Seen:
    value = None if estimate is None else estimate["value"]
    return Seen(name, "coverage", _inside(estimate, truth), value)


def _holds_one(name: str, estimate: dict[str, Any] | None) -> Seen:
    value = None if estimate is None else estimate["value"]
    return Seen(name, "type_one", _inside(estimate, 1.0), value)


def _label(name: str, is_right: bool) -> Seen:
    return Seen(name, "label", is_right)


def _lags(lags: dict[str, dict[str, Any]]) -> list[Seen]:
    """Planted: nothing before three days, then an odds ratio."""
    return [
        _holds_one("newsletter, under 1 day", lags.get("0.0")),
        _holds_one("newsletter, 1 to 3 days", lags.get("1.0")),
        _covers("newsletter, 3 to 7 days", lags.get("3.0"), NEWSLETTER_ODDS_RATIO),
        _covers("newsletter, over 7 days", lags.get("7.0"), NEWSLETTER_ODDS_RATIO),
    ]


def main(folder: Path, visitors_per_day: int, seeds: list[int]) -> None:
    """Run seeds one after the other and leave what was found in `found.json`."""
    shop = Shop(visitors_per_day=visitors_per_day)
    project = folder / "project"
    project.mkdir()
    manifest = parse(copy_project(project))
    found = {}
    for seed in seeds:
        scratch = folder / f"seed_{seed}"
        scratch.mkdir()
        found[seed] = in_fork(partial(run_seed, project, manifest, seed, shop, scratch))
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(seed) for seed in sys.argv[3:]])
