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
from pathlib import Path
from typing import Any

import project_run
from microconv.demo import generate_demo
from microconv.demo.settings import (
    NEWSLETTER_ODDS_RATIO,
    SIZE_GUIDE_ODDS_RATIO,
    VIDEO_ODDS_RATIO,
)

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
PLACEBOS = ("placebo_1pct", "placebo_5pct", "placebo_15pct")
UNTIL = date(2026, 11, 8)
MARTS = (
    "mart_decision_points",
    "mart_conversion_patterns",
    "mart_conversion_landmarks",
    "mart_conversion_reach",
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
        rule: coverage, type_one, detects or label: how seeds are added up.
        is_right: Whether this seed says what was planted; None where it says nothing.
        value: The number, where there is one.
    """

    name: str
    rule: str
    is_right: bool | None
    value: float | None = None


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
    with (folder / "seeds" / "conversion_catalog.csv").open("a", encoding="utf-8") as catalog:
        catalog.writelines(
            f"{name},{label},micro,secondary_action,interest,purchase,ecommerce,every_event,none,0,"
            "Planted by the generator.\n"
            for name, label in PLANTED.items()
        )
    with (folder / "seeds" / "conversion_rules.csv").open("a", encoding="utf-8") as rules:
        rules.writelines(f"{name},1,{name},,,\n" for name in PLANTED)
    return folder


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
    return correlate("purchase")


def correlate(macro: str) -> dict[str, Any]:
    """The rows of one macro, the joint model left out: no planted truth is about it."""
    from microconv.aggregates.run import open_run
    from microconv.correlate.family import read_macro
    from microconv.correlate.rows import check_rows, micro_rows

    with open_run(macro, None) as run:
        [basis] = run.bases
        found = read_macro(run.aggregates, basis, run.conversions, has_joint=False)
    placebos = [
        {
            "micro_name": one.reach.micro_name,
            "matched_lift": asdict(one.headline),
            "step_odds_ratio": asdict(one.step.odds_ratio),
        }
        for one in found.placebos
    ]
    return {
        "micros": {str(row["micro_name"]): row for row in micro_rows(found, run.conversions)},
        "checks": check_rows(found, run.conversions),
        "placebos": placebos,
        "crude": {one.micro_name: _crude(one) for one in found.findings},
    }


def _crude(finding: Any) -> float:
    profiles = list(finding.measures.profiles.values())
    return float(profiles[0].crude.value) if profiles else math.nan


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


def judge_seed(found: dict[str, Any]) -> list[Seen]:
    """What one seed says of everything that was planted."""
    micros = found["micros"]
    seen = [
        _covers(
            "size guide, next-step odds ratio", micros["view_size_guide"], SIZE_GUIDE_ODDS_RATIO
        ),
        _covers("video, next-step odds ratio", micros["watch_video"], VIDEO_ODDS_RATIO),
        _crude_is_below(micros["watch_video"], found["crude"]["watch_video"]),
        *_lags(micros["newsletter_signup"]),
        _null("wish list, next-step odds ratio", micros["add_to_wishlist"], "step_odds_ratio"),
        _null("wish list, matched lift", micros["add_to_wishlist"], "matched_lift"),
        _null(
            "message off the page, next-step odds ratio", micros["push_received"], "step_odds_ratio"
        ),
        _label(
            "message off the page is not matched", micros["push_received"]["matched_lift"] is None
        ),
    ]
    for name in NULL_ON_PAGE:
        label = PLANTED[name].lower()
        seen.append(_null(f"{label}, next-step odds ratio", micros[name], "step_odds_ratio"))
        seen.append(_null(f"{label}, matched lift", micros[name], "matched_lift"))
    for one in found["placebos"]:
        for method, words in (
            ("step_odds_ratio", "next-step odds ratio"),
            ("matched_lift", "matched lift"),
        ):
            seen.append(_holds_one(f"{one['micro_name']}, {words}", one[method]))
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
        is_right = micros[name]["verdict"] == verdict and micros[name]["matched_lift"] is None
        seen.append(_label(f"{name} is {verdict}", is_right))
    seen.append(_label("never causal", all(one["verdict"] != "causal" for one in micros.values())))
    moved = [
        one["micro_name"]
        for one in micros.values()
        if one["with_bots_ratio"] is not None and one["is_bot_sensitive"]
    ]
    seen.append(_label("robots move no lift", not moved))
    return seen


def _estimate(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        part: row[f"{name}{end}"]
        for part, end in (("value", ""), ("low", "_low"), ("high", "_high"))
    }


def _inside(estimate: dict[str, Any], truth: float) -> bool | None:
    low, high = estimate["low"], estimate["high"]
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return bool(low <= truth <= high)


def _covers(name: str, row: dict[str, Any], truth: float) -> Seen:
    estimate = _estimate(row, "step_odds_ratio")
    return Seen(name, "coverage", _inside(estimate, truth), estimate["value"])


def _null(name: str, row: dict[str, Any], method: str) -> Seen:
    return _holds_one(name, _estimate(row, method))


def _holds_one(name: str, estimate: dict[str, Any]) -> Seen:
    return Seen(name, "type_one", _inside(estimate, 1.0), estimate["value"])


def _label(name: str, is_right: bool) -> Seen:
    return Seen(name, "label", is_right)


def _crude_is_below(row: dict[str, Any], crude: float) -> Seen:
    adjusted = row["step_odds_ratio"]
    is_right = None if adjusted is None or math.isnan(crude) else crude < adjusted
    return Seen("video, crude below adjusted (Simpson)", "detects", is_right, crude)


def _lags(row: dict[str, Any]) -> list[Seen]:
    """Planted: nothing before three days, then an odds ratio."""
    seen = []
    for lag, words in (("under_1d", "under 1 day"), ("1_3d", "1 to 3 days")):
        estimate = _estimate(row, f"lag_{lag}_odds_ratio")
        seen.append(_holds_one(f"newsletter, {words}", estimate))
    for lag, words in (("3_7d", "3 to 7 days"), ("over_7d", "over 7 days")):
        estimate = _estimate(row, f"lag_{lag}_odds_ratio")
        inside = _inside(estimate, NEWSLETTER_ODDS_RATIO)
        seen.append(Seen(f"newsletter, {words}", "coverage", inside, estimate["value"]))
    return seen
