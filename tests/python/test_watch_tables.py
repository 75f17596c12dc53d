"""From GA4 rows to the command: counts by day against slow counting, and what is found."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest
from evidence_warehouse import run
from microconv.demo import generate_demo
from microconv.demo.settings import Plant
from project_run import Warehouse, shared_warehouse
from report_case import use

UNTIL = date(2026, 11, 8)
START = UNTIL - timedelta(days=9)
DAYS, VISITORS = 21, 90
MODELS = (
    *("+mart_tracked_rates", "+mart_tracked_means", "+mart_tracked_counts"),
    "+mart_conversion_outages",
)
WATCHED = ("mart_alerts", "mart_alert_parts", "annotations", "derived_conversions")
NO_VALUE = {"", "(not set)", "null", "undefined", "nan"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A shop whose begin_checkout and whose revenue are lost in the last ten days."""

    def build(new: Warehouse) -> None:
        new.is_as_shipped = True
        generate_demo(
            new.export,
            days=DAYS,
            visitors_per_day=VISITORS,
            seed=6,
            until=UNTIL,
            plants=[Plant.OUTAGE, Plant.LOST_REVENUE],
        )
        new.build("--select", *MODELS, *WATCHED)
        with duckdb.connect(str(new.path)) as connection:
            connection.execute("checkpoint")  # else every reader replays the whole build

    return shared_warehouse(tmp_path_factory, "watch_tables", build)


def found_in(warehouse: Warehouse, patch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    use(warehouse, patch)
    result = run("watch", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_what_is_lost_is_found_and_named(shop: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    found = found_in(shop, monkeypatch, "--no-write")
    problems = {(one["kind"], one["name"]): one for one in found["tracking"]}
    assert set(problems) == {
        ("event gone", "begin_checkout"),
        ("parameter empty", "value of purchase"),
        ("revenue missing", "purchase"),
    }
    for problem in problems.values():
        assert problem["counted"] == 0 and problem["is_ongoing"]
        # So few a day are only missed over several days together.
        assert date.fromisoformat(problem["since"]) >= START
    assert found["alerts"] == []
    standings = {one["metric_name"]: one["standing"] for one in found["rates"]}
    assert standings["add_to_cart"] == "too_little_history"


def test_every_rate_is_that_of_the_mart_that_shows_it(shop: Warehouse) -> None:
    pairs = {
        "micro', 'macro": """
            select period_start_date, conversion_type, conversion_name, 0, segment_dimension,
                segment_value, converting_session_count, session_count
            from mart_segment_conversions where period_grain = 'day'
            union all
            select visits.session_date, conversion_type, conversion_name, 0, 'browser', browser,
                count(*) filter (session_id in (
                    select session_id from fct_micro_conversions as done
                    where done.conversion_name = dim_conversions.conversion_name
                    union
                    select session_id from fct_macro_conversions as done
                    where done.conversion_name = dim_conversions.conversion_name
                )), count(*)
            from fct_sessions as visits cross join dim_conversions
            where exclusion_reason is null group by all
        """,
        "kpi": """
            select period_start_date, 'kpi', kpi_name, 0, segment_dimension, segment_value,
                numerator, denominator
            from mart_kpis where period_grain = 'day' and measure = 'share'
        """,
        "funnel_step": """
            select period_start_date, 'funnel_step', funnel_name, step_number, segment_dimension,
                segment_value, continued_count, previous_step_count
            from mart_funnel_steps
            where period_grain = 'day' and role = 'step' and step_number > 1
        """,
        "funnel": """
            select period_start_date, 'funnel', funnel_name, step_number, segment_dimension,
                segment_value, reached_count, entered_count
            from mart_funnel_steps
            where period_grain = 'day' and role = 'step' and step_number > 1
        """,
    }
    for kinds, expected in pairs.items():
        rates = f"""
            select rate_date, metric_kind, metric_name, step_number, segment_dimension,
                segment_value, success_count, trial_count
            from mart_tracked_rates where metric_kind in ('{kinds}')
        """
        assert shop.value(f"select count(*) from ({rates})") > 500, kinds
        assert shop.value(f"select count(*) from ({expected})") == (
            shop.value(f"select count(*) from ({rates})")
        )
        assert shop.rows(f"({rates}) except ({expected})") == [], kinds


def test_a_rate_is_a_share_and_its_segments_sum_to_it(shop: Warehouse) -> None:
    assert shop.rows("select * from mart_tracked_rates where success_count > trial_count") == []
    sums = """
        select rate_date, metric_kind, metric_name, step_number, sum(success_count) as x,
            sum(trial_count) as n
        from mart_tracked_rates where segment_dimension = '{}' and metric_kind in ('micro', 'macro')
        group by all
    """
    for name in ("device_category", "channel_group", "visitor_type", "country", "browser"):
        other = sums.format(name)
        assert shop.rows(f"({sums.format('all')}) except ({other})") == [], name


def test_money_is_counted_as_slowly(shop: Warehouse) -> None:
    """Visits, sales, sales with revenue and revenue, by visitor group, from the facts."""
    visits = {
        row["session_id"]: row
        for row in shop.records(
            "select session_id, session_date,"
            " coalesce(fct_sessions.browser, '(unknown)') as browser,"
            " coalesce(fct_sessions.device_category, '(unknown)') as device_category,"
            " coalesce(fct_sessions.country, '(unknown)') as country, bucket_number"
            " from fct_sessions join int_sessions_watched using (session_id, session_date)"
            " where exclusion_reason is null"
        )
    }
    done = shop.records("select * from fct_macro_conversions")
    # A subscription that never came with money is no sale.
    selling = {row["conversion_name"] for row in done if (row["revenue_usd"] or 0) > 0}
    sold = [row for row in done if row["conversion_name"] in selling]
    assert len(sold) < len(done)
    revenue: dict[str, list[float]] = {name: [] for name in visits}
    for one in {row["event_id"]: row for row in sold}.values():
        if one["session_id"] in visits:
            revenue[one["session_id"]].append(float(one["revenue_usd"] or 0))
    cells: dict[tuple[Any, ...], np.ndarray] = defaultdict(lambda: np.zeros((4, 20)))
    for name, visit in visits.items():
        paid = [usd for usd in revenue[name] if usd > 0]
        for dimension in ("all", "browser", "device_category", "country"):
            key = (visit["session_date"], dimension, visit.get(dimension, "all"))
            cells[key][:, visit["bucket_number"]] += (1, len(revenue[name]), len(paid), sum(paid))
    expected = {}
    for (day, dimension, value), money in cells.items():
        for metric, size, measured in (
            ("revenue_per_visit", 0, 3),
            ("paid_sale_share", 1, 2),
            ("revenue_per_sale", 2, 3),
        ):
            n, x = money[size], money[measured]
            if n.sum() > 0 or dimension == "all":
                groups = int((n > 0).sum())
                squares = ((x - n * x.sum() / max(n.sum(), 1)) ** 2).sum()
                variance = squares * groups / (groups - 1) if groups > 1 else None
                expected[metric, day, dimension, value] = (n.sum(), x.sum(), variance)
    found = {
        tuple(row[:4]): row[4:]
        for row in shop.rows(
            "select metric_name, mean_date, segment_dimension, segment_value, unit_count,"
            " value_sum, sum_variance from mart_tracked_means where metric_kind = 'revenue' and"
            " segment_dimension in ('all', 'browser', 'device_category', 'country')"
        )
    }
    assert sorted(found.keys() ^ expected.keys()) == []
    assert len(found) > 300
    for cell, (units, total, variance) in expected.items():
        assert found[cell] == (
            units,
            pytest.approx(total),
            variance if variance is None else pytest.approx(variance, abs=1e-6),
        ), cell
    assert sum(one[1] for name, one in found.items() if name[0] == "revenue_per_sale") > 1000


def test_means_are_those_of_key_figures(shop: Warehouse) -> None:
    """The mean itself, and the margin that mart_kpis gives it, from the same groups."""
    rows = shop.rows("""
        select means.value_sum / means.unit_count, sqrt(means.sum_variance) / means.unit_count,
            value, value_high - value, bucket_count
        from mart_tracked_means as means
        join mart_kpis as kpis on metric_name = kpi_name and mean_date = period_start_date
            and kpis.segment_dimension = means.segment_dimension
            and kpis.segment_value = means.segment_value
        where metric_kind = 'kpi' and period_grain = 'day' and value > 0
    """)
    assert len(rows) >= DAYS
    for mean, error, value, margin, groups in rows:
        assert mean == pytest.approx(value)
        assert margin == pytest.approx(error * (2.093 if groups == 20 else 2.262))


def test_open_days_of_a_funnel_are_not_mature(shop: Warehouse) -> None:
    newest = dict(
        shop.rows(
            "select metric_name, max(rate_date) from mart_tracked_rates"
            " where metric_kind = 'funnel' and is_mature group by all"
        )
    )
    assert newest["shop_by_visitor"] == UNTIL - timedelta(days=7)
    assert newest["shop_by_session"] > newest["shop_by_visitor"]


def said(value: dict[str, Any]) -> str:
    """What a parameter says: the rule of the table, written down once more."""
    if value["int_value"] is not None:
        return {1: "true", 0: "false"}.get(value["int_value"], "filled")
    if value["float_value"] is not None or value["double_value"] is not None:
        return "filled"
    word = (value["string_value"] or "").strip().lower()
    if word in NO_VALUE:
        return "empty"
    return {"1": "true", "true": "true", "yes": "true"}.get(
        word, "false" if word in ("0", "false", "no") else "filled"
    )


def test_events_and_their_parts_are_counted_as_slowly(shop: Warehouse) -> None:
    counts: Counter[tuple[date, str, str, str]] = Counter()
    yes: Counter[tuple[date, str, str, str]] = Counter()
    no: Counter[tuple[date, str, str, str]] = Counter()
    for row in shop.records(
        "select event_date, event_name, browser, app_version, stream_id, transaction_id,"
        " has_ecommerce_transaction_id, revenue_usd, items, session_id, user_id_hash,"
        " is_key_event, is_session_engaged, has_analytics_consent, event_params"
        " from stg_ga4__events"
    ):
        own = (row["event_date"], row["event_name"])
        counts[*own, "event", ""] += 1
        for name in ("browser", "app_version", "stream_id"):
            counts[*own, name, row[name] or "(none)"] += 1
        fields = {
            "transaction_id": row["transaction_id"] is not None,
            "ecommerce.transaction_id": bool(row["has_ecommerce_transaction_id"]),
            "revenue": (row["revenue_usd"] or 0) > 0,
            "items": bool(row["items"]),
            "session_id": row["session_id"] is not None,
            "user_id": row["user_id_hash"] is not None,
        }
        for name, is_filled in fields.items():
            counts[*own, "field", name] += is_filled
        flags = {
            "is_key_event": bool(row["is_key_event"]),
            "is_session_engaged": row["is_session_engaged"],
            "has_analytics_consent": row["has_analytics_consent"],
        }
        for name, flag in flags.items():
            counts[*own, "field", name] += flag is not None
            yes[*own, "field", name] += flag is True
            no[*own, "field", name] += flag is False
        for parameter in row["event_params"] or ():
            key = (*own, "parameter", parameter["key"])
            word = said(parameter["value"])
            counts[key] += word != "empty"
            yes[key] += word == "true"
            no[key] += word == "false"
    found = {
        tuple(row[:4]): row[4:]
        for row in shop.rows(
            "select event_date, event_name, part, part_value, event_count, true_count, false_count"
            " from int_tracking_counted"
        )
    }
    assert found == {key: (count, yes[key], no[key]) for key, count in counts.items()}
    assert {key[2] for key, (_, true, false) in found.items() if true and false} == {
        "field",
        "parameter",
    }


def test_what_is_looked_at_by_day_has_every_day_and_all_together(shop: Warehouse) -> None:
    days = shop.value("select count(distinct event_date) from int_tracking_counted")
    assert days == DAYS
    assert (
        shop.rows(
            "select event_name, part, part_value, count(*) from mart_tracked_counts"
            f" group by all having count(*) <> {days}"
        )
        == []
    )
    for part in ("browser", "field", "parameter"):
        assert (
            shop.rows(f"""
            (
                select event_date, part_value, event_count, true_count, false_count
                from mart_tracked_counts where event_name = '*' and part = '{part}'
                    and event_count > 0
            )
            except all
            (
                select event_date, part_value, cast(sum(event_count) as bigint),
                    cast(sum(true_count) as bigint), cast(sum(false_count) as bigint)
                from int_tracking_counted where part = '{part}' group by all
            )
        """)
            == []
        )
    assert (
        shop.rows("""
        select * from mart_tracked_counts as kept
        left join int_tracking_counted as counted
            using (event_date, event_name, part, part_value)
        where event_name <> '*' and kept.event_count <> coalesce(counted.event_count, 0)
    """)
        == []
    )
    assert (
        shop.rows("""
        (select distinct event_date, session_count from mart_tracked_counts)
        except
        (
            select session_date, count(*) from fct_sessions
            where exclusion_reason is null group by all
        )
    """)
        == []
    )


def test_a_build_keeps_what_watch_wrote(
    shop: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    copy = Warehouse(tmp_path / "copy")
    for name in ("micro_conversions.duckdb", "target", "profiles"):
        source, place = shop.root / name, copy.root / name
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        else:
            shutil.copy(source, place)
    found_in(copy, monkeypatch)
    written = copy.rows("select * from mart_alerts order by all")
    assert len(written) == 3
    copy.build("--select", "mart_alerts", "mart_alert_parts", "--full-refresh")
    assert copy.rows("select * from mart_alerts order by all") == written
