"""A small built project whose daily counts are drawn, with one thing planted in the last days."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from built_project import node
from microconv.watch.columns import TABLES

LAST = date(2026, 11, 8)
DAYS = 91
PLANTED_DAYS = 7
DEVICES = {"desktop": 0.35, "mobile": 0.6, "tablet": 0.05}
CHANNELS = {"Direct": 0.3, "Organic Search": 0.5, "Paid Social": 0.2}
VISITORS = {"new": 0.7, "returning": 0.3}
DIMENSIONS = ("device_category", "channel_group", "visitor_type")
STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")
LABELS = ("Viewed a product", "Added to cart", "Began checkout", "Purchase")
# Of those at the step before.
RATES = (0.5, 0.2, 0.5, 0.6)
EVENTS = ("page_view", *STEPS)

(
    NOTHING,
    MOBILE_DROP,
    SLOW_DROP,
    MIX_SHIFT,
    OUTAGE,
    LOST_REVENUE,
    RISE,
    FLAG,
    SMALL_ORDERS,
    PAID_LESS,
) = [
    "nothing",
    "mobile_drop",
    "slow_drop",
    "mix_shift",
    "outage",
    "lost_revenue",
    "rise",
    "flag",
    "small_orders",
    "paid_less",
]
GROUPS = 20  # of visitors
ORDER_USD, ORDER_SPREAD = 60.0, 0.6


@dataclass(frozen=True)
class World:
    """Sessions by cell and day, and how many of each take each step.

    `cells` are device, channel and visitor type; `sessions` is day × cell, `reached` step × day ×
    cell.
    """

    cells: list[tuple[str, str, str]]
    sessions: np.ndarray
    reached: np.ndarray
    # Day × cell × group of visitors: visits, sales, those with revenue, and revenue.
    money: np.ndarray

    @property
    def days(self) -> list[date]:
        """Every loaded day."""
        return [LAST - timedelta(days=DAYS - 1 - place) for place in range(DAYS)]


def planted_from() -> date:
    """The first day of what is planted: it lies so that all judged days after it are complete."""
    return LAST - timedelta(days=3 + PLANTED_DAYS - 1)


def draw(plants: Collection[str], seed: int = 1, sessions: float = 5000.0) -> World:
    """Counts of a shop; `plants` is what changes on the last days."""
    random = np.random.default_rng(seed)
    cells = list(itertools.product(DEVICES, CHANNELS, VISITORS))
    share = np.array([DEVICES[d] * CHANNELS[c] * VISITORS[v] for d, c, v in cells])
    is_late = np.arange(DAYS) >= DAYS - 3 - PLANTED_DAYS
    weekday = 1 + 0.2 * np.sin(np.arange(DAYS) % 7)
    size = sessions * weekday[:, None] * share[None, :]
    social = np.array([c == "Paid Social" for _, c, _ in cells])
    mobile = np.array([d == "mobile" for d, _, _ in cells])
    if MIX_SHIFT in plants:
        size = np.where(is_late[:, None] & social[None, :], 5 * size, size)
    counted = random.poisson(size)
    reached = np.zeros((len(STEPS), *counted.shape), dtype=np.int64)
    before = counted
    for place, rate in enumerate(RATES):
        chance = np.full(counted.shape, rate)
        if place == 1:
            chance[:, social] *= 0.4
            chance[:, mobile] *= 0.8
            if MOBILE_DROP in plants:
                chance[np.ix_(is_late, mobile)] *= 0.7
            if SLOW_DROP in plants:
                chance[np.ix_(is_late, mobile)] *= 0.78
            if RISE in plants:
                chance[is_late] *= 1.5
        if place == 2 and RISE in plants:
            chance[is_late] /= 1.5
        reached[place] = random.binomial(before, chance)
        before = reached[place]
    return World(
        cells, counted, reached, _money(random, counted, reached[-1], is_late, mobile, plants)
    )


def _money(
    random: np.random.Generator,
    sessions: np.ndarray,
    sales: np.ndarray,
    is_late: np.ndarray,
    mobile: np.ndarray,
    plants: Collection[str],
) -> np.ndarray:
    """Visits, sales, sales with revenue and revenue, by day, cell and group of visitors."""
    found = np.zeros((4, *sessions.shape, GROUPS))
    found[0] = random.multinomial(sessions, np.full(GROUPS, 1 / GROUPS))
    found[1] = random.multinomial(sales, np.full(GROUPS, 1 / GROUPS))
    paid = found[1].astype(int)
    if PAID_LESS in plants:
        paid = np.where(is_late[:, None, None], random.binomial(paid, 0.5), paid)
    if LOST_REVENUE in plants:
        paid = np.where(is_late[:, None, None], 0, paid)
    found[2] = paid
    values = random.lognormal(np.log(ORDER_USD) - ORDER_SPREAD**2 / 2, ORDER_SPREAD, paid.sum())
    sums = np.bincount(np.repeat(np.arange(paid.size), paid.reshape(-1)), values, paid.size)
    found[3] = sums.reshape(paid.shape)
    if SMALL_ORDERS in plants:
        found[3][np.ix_(is_late, mobile)] *= 0.5
    return found


def make_watched_project(folder: Path, plants: Collection[str] = (), seed: int = 1) -> Path:
    """Write the project with its marts, as a build leaves them before the first `watch`."""
    folder.mkdir(parents=True, exist_ok=True)
    world = draw(plants, seed)
    tables = {
        **lists(),
        "mart_tracked_rates": _rates(world, plants),
        "mart_tracked_means": _means(world),
        "mart_tracked_counts": _tracked(world, plants),
    }
    write_project(folder, tables)
    return folder


def write_project(folder: Path, tables: dict[str, pa.Table]) -> None:
    """A project of these tables, and of empty ones for what `watch` writes."""
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\nmodel-paths: [models]\n")
    (folder / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      schema: marts\n"
        "      path: shop.duckdb\n"
    )
    kinds = {"text": "varchar", "number": "double", "integer": "bigint", "truth": "boolean"}
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("create schema marts")
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"create table marts.{name} as select * from given")
        for name, columns in TABLES.items():
            listed = ", ".join(f"{one} {kinds.get(kind, kind)}" for one, kind in columns.items())
            connection.execute(f"create table marts.{name} ({listed})")
    names = [*tables, *TABLES, "mart_evidence_checks"]
    (folder / "target").mkdir()
    nodes = {f"model.shop.{name}": node(name) for name in names}
    (folder / "target" / "manifest.json").write_text(json.dumps({"nodes": nodes}))


def annotate(folder: Path, day: date, what: str, where: str) -> None:
    """Add a row to the change log."""
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("insert into marts.annotations values (?, ?, ?)", [day, what, where])


def lists() -> dict[str, pa.Table]:
    """The catalog and the other lists."""
    steps = [
        {
            "funnel_name": "shop",
            "funnel_label": "The shop",
            "step_order": "ordered",
            "step_number": place,
            "conversion_name": name,
            "step_label": label,
            "role": "step",
        }
        for place, (name, label) in enumerate(zip(STEPS, LABELS, strict=True), start=1)
    ]
    catalog = [
        {
            "conversion_name": name,
            "label": label,
            "conversion_type": "macro" if name == "purchase" else "micro",
            "supports": None if name == "purchase" else "purchase",
        }
        for name, label in zip(STEPS, LABELS, strict=True)
    ]
    rules = [{"conversion_name": name, "event_name": name, "field": None} for name in STEPS]
    kpis = [{"kpi_name": "cart_rate", "numerator": "add_to_cart", "denominator": "all"}]
    no_day, no_text = pa.array([], pa.date32()), pa.array([], pa.string())
    return {
        "int_export_as_of": pa.table({"as_of_date": [LAST]}),
        "dim_conversions": pa.Table.from_pylist(catalog),
        "dim_funnel_steps": pa.Table.from_pylist(steps),
        "conversion_rules": pa.Table.from_pylist(
            rules, pa.schema([(name, pa.string()) for name in rules[0]])
        ),
        "derived_conversions": pa.table({"conversion_name": no_text, "requires": no_text}),
        "kpi_definitions": pa.Table.from_pylist(kpis),
        "fct_macro_conversions": pa.table(
            {"conversion_name": ["purchase"], "revenue_usd": [ORDER_USD]}
        ),
        "mart_conversion_outages": pa.table({"conversion_name": no_text, "outage_date": no_day}),
        "annotations": pa.table(
            {"annotation_date": no_day, "what_changed": no_text, "where_changed": no_text}
        ),
    }


def _segments(world: World) -> list[tuple[str, str, np.ndarray]]:
    """Dimension, value and the cells in it."""
    found = [("all", "all", np.ones(len(world.cells), dtype=bool))]
    for place, (name, values) in enumerate(
        zip(DIMENSIONS, (DEVICES, CHANNELS, VISITORS), strict=True)
    ):
        for value in values:
            found.append((name, value, np.array([cell[place] == value for cell in world.cells])))
    return found


def _rates(world: World, plants: Collection[str]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    reached = world.reached.copy()
    if OUTAGE in plants:
        late = [place for place, day in enumerate(world.days) if day >= planted_from()]
        reached[2][late] = 0
    for dimension, value, cells in _segments(world):
        sessions = world.sessions[:, cells].sum(axis=1)
        counts = reached[:, :, cells].sum(axis=2)
        for place, name in enumerate(STEPS):
            kind = "macro" if name == "purchase" else "micro"
            series = [(kind, name, 0, LABELS[place], counts[place], sessions)]
            if place and OUTAGE not in plants:
                series += [
                    (
                        "funnel_step",
                        "shop",
                        place + 1,
                        LABELS[place],
                        counts[place],
                        counts[place - 1],
                    ),
                    ("funnel", "shop", place + 1, LABELS[place], counts[place], counts[0]),
                ]
            if name == "add_to_cart":
                series.append(("kpi", "cart_rate", 0, "Carts", counts[place], sessions))
            for metric_kind, metric, step, label, successes, trials in series:
                for day, x, n in zip(world.days, successes, trials, strict=True):
                    is_mature = metric_kind not in ("funnel", "funnel_step") or day < LAST
                    rows.append(
                        {
                            "rate_date": day,
                            "metric_kind": metric_kind,
                            "metric_name": metric,
                            "step_number": step,
                            "metric_label": label,
                            "segment_dimension": dimension,
                            "segment_value": value,
                            "success_count": int(x),
                            "trial_count": int(n),
                            "is_mature": is_mature,
                            "is_ramp_up": False,
                        }
                    )
    return pa.Table.from_pylist(rows)


MEANS = (
    ("revenue_per_visit", "Revenue per visit", "usd", 0, 3),
    ("paid_sale_share", "Sales that come with revenue", "share", 1, 2),
    ("revenue_per_sale", "Revenue per sale", "usd", 2, 3),
)


def _means(world: World) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for dimension, value, cells in _segments(world):
        money = world.money[:, :, cells].sum(axis=2)
        for name, label, unit, size, measured in MEANS:
            n, x = money[size], money[measured]
            expected = n * (x.sum(axis=1) / np.maximum(n.sum(axis=1), 1))[:, None]
            variance = ((x - expected) ** 2).sum(axis=1) * GROUPS / (GROUPS - 1)
            for place, day in enumerate(world.days):
                if n[place].sum() > 0 or dimension == "all":
                    rows.append(
                        {
                            "mean_date": day,
                            "metric_kind": "revenue",
                            "metric_name": name,
                            "metric_label": label,
                            "value_unit": unit,
                            "segment_dimension": dimension,
                            "segment_value": value,
                            "unit_count": int(n[place].sum()),
                            "value_sum": float(x[place].sum()),
                            "sum_variance": float(variance[place]),
                            "bucket_count": GROUPS,
                            "is_mature": True,
                        }
                    )
    return pa.Table.from_pylist(rows)


def no_means() -> pa.Table:
    """The columns of mart_tracked_means without a row."""
    return _means(draw([NOTHING], sessions=1.0)).slice(0, 0)


def steady_counts(days: list[date]) -> pa.Table:
    """mart_tracked_counts of one event that every day has."""
    columns = {"event_count": 4000, "true_count": 0, "false_count": 0, "all_count": 4000}
    return pa.table(
        {
            "event_date": pa.array(days, pa.date32()),
            "event_name": ["page_view"] * len(days),
            "part": ["event"] * len(days),
            "part_value": [""] * len(days),
            **{name: [count] * len(days) for name, count in columns.items()},
            "session_count": [1000] * len(days),
        }
    )


def _tracked(world: World, plants: Collection[str]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    sessions = world.sessions.sum(axis=1)
    counts = {"page_view": 4 * sessions, **dict(zip(STEPS, world.reached.sum(axis=2), strict=True))}
    late = np.array([day >= planted_from() for day in world.days])
    if OUTAGE in plants:
        counts["begin_checkout"] = np.where(late, 0, counts["begin_checkout"])
    for event, counted in counts.items():
        parts = [("event", "", counted, 0 * counted, 0 * counted)]
        for browser, share in (("Chrome", 0.7), ("Safari", 0.3)):
            parts.append(
                ("browser", browser, (counted * share).astype(int), 0 * counted, 0 * counted)
            )
        engaged = np.where(late & (FLAG in plants), counted // 50, counted * 3 // 5)
        parts.append(("field", "is_session_engaged", counted, engaged, counted - engaged))
        if event == "purchase":
            paid = np.where(late & (LOST_REVENUE in plants), 0, counted)
            parts.append(("field", "revenue", paid, 0 * counted, 0 * counted))
        for part, value, found, yes, no in parts:
            for place, day in enumerate(world.days):
                rows.append(
                    {
                        "event_date": day,
                        "event_name": event,
                        "part": part,
                        "part_value": value,
                        "event_count": int(found[place]),
                        "true_count": int(yes[place]),
                        "false_count": int(no[place]),
                        "all_count": int(counted[place]),
                        "session_count": int(sessions[place]),
                    }
                )
    return pa.Table.from_pylist(rows)
