"""The demo export: its schema, its truth file and its planted effects, counted by plain DuckDB."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from microconv.demo import DemoError, DemoSummary, DemoWriteError, generate_demo
from microconv.demo.command import demo
from microconv.demo.local_time import local_day_numbers, local_to_utc_seconds, utc_offset_seconds
from microconv.demo.schema import EXPORT_SCHEMA, INTRADAY_MISSING
from microconv.demo.settings import DemoOptions
from microconv.demo.swings import (
    COINCIDENT,
    LEAD_DAYS,
    LEADING,
    PURCHASE,
    WEEKDAY_ONLY,
    Scenario,
    leading_swings,
)
from microconv.demo.tally import Distinct
from typer.testing import CliRunner

UNTIL = date(2026, 11, 8)
NEW_YORK = ZoneInfo("America/New_York")
CHILD_ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    # A child whose files are limited must never leave a truncated .pyc in the environment.
    "PYTHONDONTWRITEBYTECODE": "1",
}


def small_demo(out_dir: Path, **changes: Any) -> DemoSummary:
    """A demo of five days and a few thousand events, unless told otherwise."""
    options: dict[str, Any] = {"days": 5, "visitors_per_day": 40, "seed": 7, "until": UNTIL}
    return generate_demo(out_dir, **{**options, **changes})


@dataclass
class Export:
    """A generated demo with a DuckDB connection on it.

    View `raw` has the rows of all tables; `sound` has each date's first-choice table without exact
    duplicates and malformed rows.
    """

    summary: DemoSummary
    duck: duckdb.DuckDBPyConnection

    @property
    def counts(self) -> dict[str, Any]:
        result: dict[str, Any] = self.summary.truth["counts"]
        return result

    def row(self, sql: str) -> tuple[Any, ...]:
        """The first row of a query."""
        row = self.duck.sql(sql).fetchone()
        assert row is not None
        return row

    def one(self, sql: str) -> Any:
        """The single value of a query."""
        return self.row(sql)[0]


FLAT_ROWS = """
create view flat as select
    file, event_date, event_timestamp, event_name, user_id, user_pseudo_id,
    batch_page_id, batch_ordering_id, batch_event_index,
    privacy_info.analytics_storage as storage,
    device.category as device,
    device.operating_system as system,
    session_traffic_source_last_click.cross_channel_campaign.campaign_name as campaign,
    ecommerce.transaction_id as transaction_id,
    ecommerce.purchase_revenue_in_usd as revenue,
    ecommerce.refund_value_in_usd as refund,
    list_sum(list_transform(items, lambda i: i.item_revenue * i.quantity)) as item_revenue,
    coalesce(param(event_params, 'ga_session_id').int_value, regexp_extract(
        param(event_params, 'ga_session_id').string_value, '^(?:GS2\\.1\\.)?s(\\d+)', 1)::bigint
    ) as session,
    param(event_params, 'ga_session_id').string_value as session_cookie,
    param(event_params, 'ga_session_number').int_value as session_number,
    param(event_params, 'engagement_time_msec').int_value as engagement,
    param(event_params, 'value') as value,
    param(event_params, 'session_engaged') as engaged,
    param(event_params, 'traffic_type').string_value as traffic_type,
    param(event_params, 'page_location').string_value as page_location,
    len(list_filter(event_params, lambda p: p.key = 'page_location')) as location_count
from raw
"""


PAGE_CLOCK = """
create table page_clock as
with clock as (
    select
        user_pseudo_id as visitor, event_timestamp as seen_at, device,
        lead(event_timestamp) over visitor_time as next_at,
        row_number() over visitor_time as depth
    from sound where event_name = 'page_view' and user_pseudo_id is not null
    window visitor_time as (partition by user_pseudo_id order by event_timestamp)
), first_times as (
    select
        user_pseudo_id as visitor,
        min(event_timestamp) filter (event_name = 'purchase') as bought_at,
        min(event_timestamp) filter (event_name = 'view_size_guide') as guide_at,
        min(event_timestamp) filter (event_name = 'banner_impression') as banner_at,
        count(*) filter (event_name = 'page_view') as page_count
    from sound where user_pseudo_id is not null group by all
)
select
    *, bought_at is not null and bought_at < coalesce(next_at, 2e18) as buys,
    least(depth, 12) as depth_bin
from clock join first_times using (visitor)
where page_count < 200 and (bought_at is null or bought_at >= seen_at)
"""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Four weeks with enough visitors to see every planted thing."""
    summary = generate_demo(
        tmp_path_factory.mktemp("demo"), days=28, visitors_per_day=500, seed=3, until=UNTIL
    )
    duck = duckdb.connect()
    duck.sql("set threads = 2")
    both = summary.truth["planted_days"]["both_tables_on"].replace("-", "")
    duck.sql(
        f"""create view raw as select * from read_parquet(
            '{summary.out_dir}/events_*.parquet', union_by_name = true, filename = 'file')"""
    )
    duck.sql(
        """create macro param(params, name) as
        list_filter(params, lambda p: p.key = name)[1].value"""
    )
    duck.sql(FLAT_ROWS)
    duck.sql(
        f"""create table sound as
        select distinct * from flat
        where file not like '%events_intraday_{both}%' and event_name is not null
            and event_timestamp is not null and try_strptime(event_date, '%Y%m%d') is not null"""
    )
    duck.sql(PAGE_CLOCK)
    return Export(summary, duck)


def test_every_daily_table_has_the_31_columns_of_the_export(export: Export) -> None:
    assert len(EXPORT_SCHEMA) == 31
    daily = [path for path in export.summary.files if "intraday" not in path.name]
    assert len(daily) == 27
    assert all(pq.read_schema(path) == EXPORT_SCHEMA for path in daily)


def test_intraday_tables_lack_the_columns_google_leaves_out(export: Export) -> None:
    names = {path.name for path in export.summary.files if "intraday" in path.name}
    assert names == {"events_intraday_20261106.parquet", "events_intraday_20261108.parquet"}
    assert "events_20261106.parquet" in {path.name for path in export.summary.files}
    assert "events_20261108.parquet" not in {path.name for path in export.summary.files}
    schema = pq.read_schema(export.summary.out_dir / "events_intraday_20261108.parquet")
    assert set(EXPORT_SCHEMA.names) - set(schema.names) == set(INTRADAY_MISSING)


def test_arrow_finds_nothing_wrong_inside_the_nested_columns(export: Export) -> None:
    pq.read_table(export.summary.files[0]).validate(full=True)


def fingerprints(summary: DemoSummary) -> dict[str, str]:
    """Hash of every file of a demo."""
    paths = sorted(summary.out_dir.iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_same_options_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = fingerprints(small_demo(tmp_path / "a"))
    assert first == fingerprints(small_demo(tmp_path / "b"))
    other = fingerprints(small_demo(tmp_path / "c", seed=8))
    assert set(first) == set(other)
    assert all(first[name] != other[name] for name in first)


def test_cutting_the_work_into_slices_changes_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = small_demo(tmp_path / "a")
    monkeypatch.setattr("microconv.demo.settings.SLICE_EVENTS", 250)
    sliced = small_demo(tmp_path / "b")
    for one, other in zip(whole.files, sliced.files, strict=True):
        left, right = pq.read_table(one), pq.read_table(other)
        assert left.equals(right)
        assert pq.read_metadata(other).num_row_groups > pq.read_metadata(one).num_row_groups


def test_every_row_of_every_table_is_accounted_for(export: Export) -> None:
    written = {
        Path(name).name: rows
        for name, rows in export.duck.sql("select file, count(*) from raw group by all").fetchall()
    }
    assert written == {table["file"]: table["rows"] for table in export.counts["tables"]}
    for table in export.counts["tables"]:
        malformed = sum(table["malformed"].values())
        assert table["rows"] == table["sound"] + table["duplicates"] + malformed


def test_duplicates_malformed_and_consentless_rows_are_as_counted(export: Export) -> None:
    tables = export.counts["tables"]
    null_names, null_times, garbage_dates = export.row(
        """select count(*) filter (event_name is null), count(*) filter (event_timestamp is null),
        count(*) filter (try_strptime(event_date, '%Y%m%d') is null) from raw"""
    )
    assert null_names == sum(t["malformed"]["null_event_name"] for t in tables) > 0
    assert null_times == sum(t["malformed"]["null_event_timestamp"] for t in tables) > 0
    assert garbage_dates == sum(t["malformed"]["garbage_event_date"] for t in tables) > 0
    assert export.one("select count(*) from sound") == export.counts["sound_events"]
    duplicates = sum(t["duplicates"] for t in tables)
    assert 0.003 < duplicates / export.summary.row_count < 0.007
    consentless = export.one(
        """select count(*) from raw where user_pseudo_id is null and event_name is not null
        and event_timestamp is not null and try_strptime(event_date, '%Y%m%d') is not null"""
    )
    doubled = consentless - sum(t["consentless"] for t in tables)
    assert 0 <= doubled < 0.02 * consentless
    assert 0.015 < consentless / export.summary.row_count < 0.045


def test_consentless_rows_belong_to_nobody(export: Export) -> None:
    assert (
        export.one(
            """select count(*) from sound where (user_pseudo_id is null) <>
        (storage = 'No')"""
        )
        == 0
    )
    assert (
        export.one(
            """select count(*) from sound where user_pseudo_id is null and (user_id is not null
        or session is not null)"""
        )
        == 0
    )


def test_visitors_and_events_by_name_are_as_counted(export: Export) -> None:
    counts = export.counts
    ids = export.row("select count(distinct user_pseudo_id), count(distinct user_id) from sound")
    assert ids == (counts["distinct_user_pseudo_ids"], counts["distinct_user_ids"])
    stitched = export.one(
        """select count(distinct coalesce(person, visitor)) from (
            select user_pseudo_id as visitor, max(user_id) as person
            from sound where user_pseudo_id is not null group by all)"""
    )
    assert stitched == counts["visitors_after_stitching"] < counts["distinct_user_pseudo_ids"]
    by_name = dict(export.duck.sql("select event_name, count(*) from sound group by 1").fetchall())
    assert by_name == {k: v for k, v in counts["sound_events_by_name"].items() if v > 0}
    assert len(by_name) == 32


def test_sessions_are_as_counted_even_with_session_cookies(export: Export) -> None:
    sessions, from_cookies = export.row(
        """select count(distinct (user_pseudo_id, session)) filter (session is not null),
        count(session_cookie) from sound"""
    )
    assert sessions == export.counts["distinct_sessions"]
    assert from_cookies > 0


def test_purchases_and_refunds_are_as_counted(export: Export) -> None:
    purchases = export.counts["purchases"]
    rows, named, unnamed, unnamed_usd = export.row(
        """select count(*), count(distinct nullif(transaction_id, '(not set)')),
        count(*) filter (transaction_id = '(not set)'),
        sum(revenue) filter (transaction_id = '(not set)')
        from sound where event_name = 'purchase'"""
    )
    assert rows == purchases["sound_rows"]
    assert named == purchases["unique_transaction_ids"]
    assert unnamed == purchases["rows_without_transaction_id"] > 0
    assert rows - named - unnamed == purchases["repeated_transaction_rows"] > 0
    assert unnamed_usd == pytest.approx(purchases["revenue_usd_without_id"])
    revenue = export.one(
        """select sum(usd) from (
            select any_value(revenue) as usd from sound
            where event_name = 'purchase' and transaction_id <> '(not set)'
            group by transaction_id)"""
    )
    assert revenue == pytest.approx(purchases["revenue_usd_of_unique_ids"])
    refunds = export.row(
        """select count(*), sum(refund), count(device)
        from sound where event_name = 'refund'"""
    )
    assert refunds[0] == export.counts["refunds"]["rows"] > 0
    assert refunds[1] == pytest.approx(export.counts["refunds"]["refunded_usd"])
    assert refunds[2] == 0


def test_items_add_up_to_the_order(export: Export) -> None:
    assert (
        export.one(
            """select max(abs(item_revenue - revenue)) from sound where event_name = 'purchase'"""
        )
        < 0.005
    )


def test_order_values_are_lognormal(export: Export) -> None:
    median, sigma, n = export.row(
        """select median(revenue), stddev(ln(revenue)),
        count(*) from sound where event_name = 'purchase'"""
    )
    assert abs(math.log(median / 62.0)) < 4 * 1.25 * 0.6 / math.sqrt(n)
    assert abs(sigma - 0.6) < 4 * 0.6 / math.sqrt(2 * n)


def test_local_date_and_utc_timestamp_agree_through_the_change_of_the_clock(
    export: Export,
) -> None:
    assert (
        export.one(
            """select count(*) from sound where event_date <> strftime(
            make_timestamptz(event_timestamp) at time zone 'America/New_York', '%Y%m%d')"""
        )
        == 0
    )
    assert export.one("select count(distinct event_date) from sound") == 28


def test_offsets_equal_the_time_zone_database() -> None:
    seconds = np.arange(1_199_145_600, 4_070_908_800, 86_400 * 3 + 1_799, dtype=np.int64)
    edges = [
        int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) + shift
        for year in range(2008, 2038)
        for month in (3, 11)
        for day in range(1, 15)
        for hour in (6, 7)
        for shift in (-1, 0)
    ]
    # zoneinfo's own rule ends in 2037; beyond, it repeats the same rule as we do.
    seconds = np.concatenate([seconds, np.array(edges, dtype=np.int64)])
    moments = [datetime.fromtimestamp(int(s), NEW_YORK).utcoffset() for s in seconds]
    expected = [moment.total_seconds() for moment in moments if moment is not None]
    assert utc_offset_seconds(seconds).tolist() == expected


def test_local_time_and_back_is_the_same_instant() -> None:
    utc = np.arange(1_772_000_000, 1_804_000_000, 3_607, dtype=np.int64)
    local = utc + utc_offset_seconds(utc)
    there = local_to_utc_seconds(local)
    # Only the hour that happens twice in November has two answers.
    assert set((there - utc).tolist()) <= {0, 3600, -3600}
    assert (there != utc).sum() <= 2
    day = (local // 86_400).tolist()
    assert local_day_numbers(utc * 1_000_000).tolist() == day


def test_some_sessions_cross_midnight(export: Export) -> None:
    assert (
        export.one(
            """select count(*) from (
            select 1 from sound where session is not null
            group by user_pseudo_id, session
            having count(distinct event_date) = 2)"""
        )
        > 10
    )


def test_sessions_of_a_visitor_do_not_overlap(export: Export) -> None:
    assert (
        export.one(
            """with sessions as (
            select user_pseudo_id as visitor,
                session_number as number,
                min(event_timestamp) as started, max(event_timestamp) as ended
            from sound where user_pseudo_id is not null group by all having number is not null)
        select count(*) from sessions as a join sessions as b
            on a.visitor = b.visitor and b.number = a.number + 1
        where b.started - a.ended < 1800 * 1000000"""
        )
        == 0
    )


def test_a_few_visitors_have_two_devices_and_some_user_ids_are_addresses(export: Export) -> None:
    assert (
        export.one(
            """select count(*) from (select user_id from sound where user_id is not null
        group by 1 having count(distinct user_pseudo_id) = 2)"""
        )
        > 50
    )
    assert export.one("select count(distinct user_id) from sound where user_id like '%@%'") > 5


def test_values_arrive_in_every_type_that_google_sends(export: Export) -> None:
    kinds = export.row(
        """select
        count(*) filter (value.int_value is not null),
        count(*) filter (value.double_value is not null),
        count(*) filter (engaged.int_value is not null),
        count(*) filter (engaged.string_value is not null),
        count(*) filter (location_count = 2),
        count(*) filter (regexp_matches(page_location,
            'email=|token=')),
        count(*) filter (traffic_type = 'internal')
        from sound"""
    )
    assert min(kinds) > 50


def test_events_of_one_request_share_their_timestamp_in_order(export: Export) -> None:
    together, doubled = export.row(
        """select count(*) filter (n > 1), count(*) filter (n > 1 and places < n) from (
            select count(*) as n, count(distinct batch_event_index) as places from sound
            where batch_page_id is not null and user_pseudo_id is not null
            group by user_pseudo_id, batch_page_id, batch_ordering_id)"""
    )
    assert together > 10_000
    # Two small actions on one page may share a request number, but then not the same moment.
    assert doubled < 0.02 * together
    assert (
        export.one(
            """select count(*) from (select 1 from sound where event_name in ('session_start',
            'page_view', 'view_item') and batch_ordering_id = 1 and user_pseudo_id is not null
        group by user_pseudo_id, batch_page_id having count(distinct event_timestamp) > 1)"""
        )
        == 0
    )


def test_bots_see_hundreds_of_pages_and_show_no_engagement(export: Export) -> None:
    bots, engaged, purchases, slowest = export.row(
        """with visitors as (
            select user_pseudo_id, count(*) filter (event_name = 'page_view') as pages,
                sum(engagement)
                    filter (event_name <> 'banner_impression') as engaged,
                count(*) filter (event_name = 'purchase') as purchases,
                (max(event_timestamp) - min(event_timestamp)) / 60e6 as minutes
            from sound where user_pseudo_id is not null group by all)
        select count(*), sum(engaged), sum(purchases), max(minutes) from visitors
        where pages >= 250"""
    )
    assert abs(bots - export.counts["bots"]) <= 2  # one may begin before the first day
    assert engaged is None
    assert purchases == 0
    assert slowest < 10


def test_the_funnel_looks_like_a_shop(export: Export) -> None:
    carts, checkouts, purchases, mobile, desktop = export.row(
        """with sessions as (
            select bool_or(event_name = 'add_to_cart') as has_cart,
                bool_or(event_name = 'begin_checkout') as has_checkout,
                bool_or(event_name = 'purchase') as has_purchase,
                any_value(device) as device, count(*) as events
            from sound where session is not null
            group by user_pseudo_id, session)
        select avg(has_cart::int), avg(has_checkout::int), avg(has_purchase::int),
            avg(has_purchase::int) filter (device = 'mobile'),
            avg(has_purchase::int) filter (device = 'desktop')
        from sessions where events < 400"""
    )
    assert 0.05 < carts < 0.09
    assert 0.3 < checkouts / carts < 0.5
    assert 0.015 < purchases < 0.03
    assert desktop > 2 * mobile


def stratified_odds_ratio(export: Export, exposure: str) -> tuple[float, float]:
    """Mantel-Haenszel odds ratio of buying on a later page over depth and device, and log SE."""
    cells = export.duck.sql(
        f"""select
            count(*) filter (x and buys) as a, count(*) filter (x and not buys) as b,
            count(*) filter (not x and buys) as c, count(*) filter (not x and not buys) as d
        from (select *, coalesce({exposure} < seen_at, false) as x from page_clock)
        group by depth_bin, device"""
    ).fetchnumpy()
    a, b, c, d = (np.asarray(cells[name], dtype=float) for name in "abcd")
    n = a + b + c + d
    p, q, r, s = (a + d) / n, (b + c) / n, a * d / n, b * c / n
    # Robins, Breslow and Greenland (1986).
    variance = (
        (p * r).sum() / (2 * r.sum() ** 2)
        + (p * s + q * r).sum() / (2 * r.sum() * s.sum())
        + (q * s).sum() / (2 * s.sum() ** 2)
    )
    return float(r.sum() / s.sum()), float(np.sqrt(variance))


def test_size_guide_doubles_the_odds_and_the_banner_does_nothing(export: Export) -> None:
    guide, error = stratified_odds_ratio(export, "guide_at")
    assert abs(math.log(guide / 2.0)) < 3.5 * error
    assert guide > math.exp(2 * error)
    banner, error = stratified_odds_ratio(export, "banner_at")
    assert abs(math.log(banner)) < 3.5 * error


def test_videos_are_commoner_on_mobile_which_buys_less(export: Export) -> None:
    ratio = export.one(
        """with rates as (
            select device,
                count(*) filter (event_name = 'video_start')
                    / count(*) filter (event_name = 'page_view') as rate
            from sound where user_pseudo_id not in (select visitor from (
                select user_pseudo_id as visitor, count(*) as n from sound
                where user_pseudo_id is not null group by all) where n > 400)
            group by all)
        select max(rate) filter (device = 'mobile') / max(rate) filter (device = 'desktop')
        from rates"""
    )
    assert 3.9 < ratio < 5.6


def test_orders_are_looked_up_only_after_a_purchase(export: Export) -> None:
    seen, too_early = export.row(
        """with moments as (
            select user_pseudo_id,
                min(event_timestamp) filter (event_name = 'view_order_status') as looked_at,
                min(event_timestamp) filter (event_name = 'purchase') as bought_at
            from sound where user_pseudo_id is not null group by all)
        select count(*), count(*) filter (bought_at is null or looked_at <= bought_at)
        from moments where looked_at is not null"""
    )
    assert seen > 50
    assert too_early == 0


def test_every_purchase_passes_the_gates(export: Export) -> None:
    outage = export.summary.truth["planted_days"]["outage_on"].replace("-", "")
    assert (
        export.one(
            f"""select count(*) from sound as p
        where event_name = 'purchase' and user_pseudo_id is not null
            and event_date <> '{outage}' and event_date = strftime(
                make_timestamptz(batch_page_id * 1000) at time zone 'America/New_York', '%Y%m%d')
            and not exists (
            select 1 from sound as g where g.user_pseudo_id = p.user_pseudo_id
                and g.event_name = 'begin_checkout' and g.batch_page_id = p.batch_page_id)"""
        )
        == 0
    )


def test_the_outage_day_has_steps_but_no_begun_checkout(export: Export) -> None:
    outage = export.summary.truth["planted_days"]["outage_on"].replace("-", "")
    begun, shipping = export.row(
        f"""select count(*) filter (event_name = 'begin_checkout'),
        count(*) filter (event_name = 'add_shipping_info')
        from sound where event_date = '{outage}'"""
    )
    assert begun == 0
    assert shipping > 5


def test_mobile_carts_drop_and_the_traffic_mix_shifts(export: Export) -> None:
    days = export.summary.truth["planted_days"]
    before, after, elsewhere = export.row(
        f"""with rates as (
            select device = 'mobile' as mobile,
                event_date >= '{days["mobile_drop_from"].replace("-", "")}' as late,
                count(*) filter (event_name = 'add_to_cart')
                    / count(*) filter (event_name = 'page_view') as rate
            from sound where system <> 'Linux' group by all)
        select max(rate) filter (mobile and not late), max(rate) filter (mobile and late),
            max(rate) filter (not mobile and late) / max(rate) filter (not mobile and not late)
        from rates"""
    )
    assert 0.5 < after / before < 0.88
    assert 0.8 < elsewhere < 1.25
    inside, outside = export.row(
        f"""select count(*) filter (inside), count(*) filter (not inside) from (
            select event_date between '{days["mix_shift_from"].replace("-", "")}'
                and '{days["mix_shift_to"].replace("-", "")}' as inside
            from sound where event_name = 'page_view'
            and campaign
                = 'autumn_haul')"""
    )
    assert inside > 3 * outside


def test_the_rare_event_is_rare(export: Export) -> None:
    users = export.one(
        "select count(distinct user_pseudo_id) from sound where event_name = 'gift_registry_view'"
    )
    assert 20 <= users <= 65


def test_early_delivery_lacks_late_events_and_later_days(tmp_path: Path) -> None:
    options: dict[str, Any] = {"days": 8, "visitors_per_day": 200, "last_day_intraday": False}
    final = small_demo(tmp_path / "final", **options)
    early = small_demo(tmp_path / "early", delivered_through=UNTIL - timedelta(days=1), **options)
    assert "events_20261108.parquet" in {path.name for path in final.files}
    assert "events_20261108.parquet" not in {path.name for path in early.files}
    final_hash, early_hash = fingerprints(final), fingerprints(early)
    assert final_hash["events_20261104.parquet"] == early_hash["events_20261104.parquet"]
    held_back = [
        t["held_back_late"] for t in early.truth["counts"]["tables"] if t["kind"] == "daily"
    ]
    assert held_back[:4] == [0, 0, 0, 0]
    for day in ("20261105", "20261106", "20261107"):
        missing, extra, offered = duckdb.sql(
            f"""with f as (select event_timestamp, event_name, user_pseudo_id, count(*) as n
                from '{final.out_dir}/events_{day}.parquet' group by all),
            e as (select event_timestamp, event_name, user_pseudo_id, count(*) as n
                from '{early.out_dir}/events_{day}.parquet'
                where event_timestamp is not null and event_name is not null group by all)
            select (select count(*) from f anti join e using (event_timestamp, event_name)),
                (select count(*) from e anti join f using (event_timestamp, event_name)),
                (select count(*) from f)"""
        ).fetchall()[0]
        assert 0.005 < missing / offered < 0.04
        assert extra == 0


def test_tiny_demos_work(tmp_path: Path) -> None:
    summary = small_demo(tmp_path, days=1, visitors_per_day=1)
    assert [path.name for path in summary.files] == ["events_20261108.parquet"]
    assert pq.read_schema(summary.files[0]) == EXPORT_SCHEMA


def test_distinct_counts_across_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microconv.demo.tally._KEEP_UNSORTED", 10)
    distinct = Distinct()
    for start in range(0, 100, 7):
        distinct.add(np.arange(start, start + 20))
    assert distinct.count() == 118


def test_a_second_demo_replaces_the_first_and_nothing_else(tmp_path: Path) -> None:
    small_demo(tmp_path, days=5)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "events_20200101.parquet").write_text("mine too")
    small_demo(tmp_path, days=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "events_20200101.parquet",
        "events_20261107.parquet",
        "events_intraday_20261108.parquet",
        "notes.txt",
        "planted_truth.json",
    ]


def test_foreign_directories_stay_untouched(tmp_path: Path) -> None:
    (tmp_path / "events_20200101.parquet").write_text("mine")
    with pytest.raises(DemoError, match="not empty") as caught:
        small_demo(tmp_path)
    assert caught.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["events_20200101.parquet"]


def test_a_failure_in_the_middle_leaves_the_last_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprints(small_demo(tmp_path))

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.close", broken)
    with pytest.raises(DemoWriteError, match="No space left on device") as caught:
        small_demo(tmp_path, seed=99)
    assert caught.value.exit_code == 1
    monkeypatch.undo()
    assert fingerprints(DemoSummary(tmp_path, (), 0, {})) == before


def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    code = (
        "import resource, typer; from microconv.demo.command import demo; app = typer.Typer();"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000));"
        "app.command()(demo); app()"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, "--out", str(out), "--days", "3", "--visitors-per-day", "200"],
        capture_output=True,
        text=True,
        env=CHILD_ENVIRONMENT,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert f"Error: Cannot write the demo to {out}" in result.stderr
    assert list(out.iterdir()) == []


def run_command(*arguments: str) -> tuple[int, str]:
    """Exit code and all output of `demo` with `arguments`."""
    app = typer.Typer()
    app.command()(demo)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_the_command_says_how_much_where_and_what_was_planted(tmp_path: Path) -> None:
    code, output = run_command(
        "--out", str(tmp_path), "--days", "3", "--visitors-per-day", "30", "--seed", "1"
    )
    truth = json.loads((tmp_path / "planted_truth.json").read_text())
    rows = sum(table["rows"] for table in truth["counts"]["tables"])
    assert code == 0
    assert f"{rows:,} events" in output
    assert str(tmp_path) in output
    assert "view_size_guide" in output and "odds ratio 2" in output
    assert truth["options"]["until"] == "2026-11-08"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--days", "0"), "--days must lie between 1 and 3660 (got 0)."),
        (("--visitors-per-day", "-3"), "--visitors-per-day must lie between 1 and 5000000"),
        (("--seed", "-1"), "--seed must be 0 or larger"),
        (("--until", "1999-01-01"), "--until must lie between"),
    ],
)
def test_bad_options_are_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, output = run_command("--out", str(tmp_path / "x"), *arguments)
    assert code == 2
    assert sentence in output
    assert not (tmp_path / "x").exists()


def test_the_command_refuses_foreign_directories(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    code, output = run_command("--out", str(tmp_path))
    assert code == 2
    assert "not empty" in output.replace("\n", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_memory_does_not_grow_with_the_number_of_days(tmp_path: Path) -> None:
    code = """if True:
        import resource, sys
        from datetime import date
        from pathlib import Path
        from microconv.demo import generate_demo
        for days in (3, 18):
            generate_demo(Path(sys.argv[1]) / str(days), days=days, visitors_per_day=250, seed=1,
                until=date(2026, 11, 8))
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env=CHILD_ENVIRONMENT,
        check=True,
    )
    short, long = (int(peak) for peak in result.stdout.split())
    assert long < short + 40_000  # kB; the longer demo has six times the events


def test_another_vertical_is_written_on_demand(tmp_path: Path) -> None:
    code, output = run_command(
        "--vertical", "saas", "--out", str(tmp_path), "--days", "3", "--visitors-per-day", "30"
    )
    truth = json.loads((tmp_path / "planted_truth.json").read_text())
    assert code == 0 and truth["vertical"] == "saas"
    assert "Funnel plan_by_visitor: view_pricing → sign_up 42.0%" in output
    assert "video_start" in output and "rate ratio 3" in output
    assert run_command("--vertical", "bakery", "--out", str(tmp_path / "b"))[0] == 2
    with pytest.raises(DemoError, match="no demo of bakery"):
        small_demo(tmp_path / "b", vertical="bakery")


def test_an_app_has_screens_in_place_of_pages(tmp_path: Path) -> None:
    summary = small_demo(tmp_path, vertical="mobile_app")
    names, platforms, hosts, stores, screens, addresses, visitors = duckdb.sql(
        f"""select list(distinct event_name), list(distinct platform),
            count(device.web_info.hostname), count(app_info.install_store),
            sum(len(list_filter(event_params, lambda p: p.key = 'firebase_screen'))),
            sum(len(list_filter(event_params, lambda p: p.key = 'page_location'))),
            min(length(user_pseudo_id))
        from read_parquet('{summary.out_dir}/events_2*.parquet')"""
    ).fetchall()[0]
    assert {"first_open", "screen_view"} <= set(names)
    assert not {"first_visit", "page_view", "scroll"} & set(names)
    assert set(platforms) == {"ANDROID", "IOS"}
    assert (hosts, addresses, visitors) == (0, 0, 32)
    assert stores > 0 and screens > 0


def test_the_shop_stays_as_it_is(tmp_path: Path) -> None:
    """Documents and other tests quote the shop; whoever changes it on purpose changes this too."""
    small_demo(tmp_path)
    digest = hashlib.sha256((tmp_path / "planted_truth.json").read_bytes()).hexdigest()
    assert digest[:16] == "6c0572053ecd084f"


def test_swings_lead_coincide_or_know_the_weekday_only() -> None:
    swings = leading_swings(DemoOptions(300, 10, 7, UNTIL))
    own, lead, same, weekday = (
        swings.logs[name] for name in (PURCHASE, LEADING, COINCIDENT, WEEKDAY_ONLY)
    )

    def correlations(x: np.ndarray, y: np.ndarray) -> list[float]:
        return [float(np.corrcoef(x[: -lag or None], y[lag:])[0, 1]) for lag in range(6)]

    assert int(np.argmax(correlations(lead, own))) == LEAD_DAYS
    assert max(correlations(lead, own)) > 0.4
    assert int(np.argmax(correlations(same, own))) == 0
    assert len(np.unique(weekday)) == 2
    assert swings.at("share", np.array([20_000])) == 0
    # Whoever comes back after the last day does what was usual on it.
    assert swings.at(LEADING, np.array([10**6]))[0] == lead[-1]  # type: ignore[index]


def test_the_scenario_plants_daily_rates_and_nothing_else(tmp_path: Path) -> None:
    usual = small_demo(tmp_path / "usual", scenario=Scenario.USUAL)
    assert "daily_rates" not in usual.truth
    options: dict[str, Any] = {"days": 28, "visitors_per_day": 250}
    leading = small_demo(tmp_path / "one", scenario=Scenario.LEADING, **options)
    assert "3 days before" in leading.truth["daily_rates"][LEADING]
    assert leading.truth["planted_days"]["outage_on"] is None
    again = small_demo(tmp_path / "two", scenario=Scenario.LEADING, **options)
    assert fingerprints(again) == fingerprints(leading)
    swings = leading_swings(DemoOptions(28, 250, 7, UNTIL))
    rows = duckdb.sql(
        f"""select event_date, count(*) filter (event_name = '{LEADING}')
            / count(*) filter (event_name = 'page_view')
        from read_parquet('{leading.out_dir}/events_2*.parquet')
        where event_date between '20261012' and '20261107'
        group by all order by all"""
    ).fetchall()
    planted = swings.logs[LEADING][-28:-1]  # the last day is intraday
    assert np.corrcoef(planted, [math.log(row[1]) for row in rows])[0, 1] > 0.85
    with pytest.raises(DemoError, match="one of the shop"):
        small_demo(tmp_path / "app", vertical="mobile_app", scenario=Scenario.LEADING)
