"""The shipped channel groups sort sessions as GA4's default channel group does."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "group"),
    [
        ("(direct)", "(none)", None, "Direct"),
        ("(direct)", "(not set)", None, "Direct"),
        ("google", "cpc", "x cross-network y", "Cross-network"),
        ("google", "cpc", "summer-shopping", "Paid Shopping"),
        ("google", "cpc", "workshop", "Paid Search"),
        ("facebook", "paid_social", None, "Paid Social"),
        ("youtube.com", "cpv-cpm", None, "Paid Video"),
        ("dv360", "cpm", None, "Display"),
        ("adnet", "cpc", None, "Paid Other"),
        ("chatgpt.com", "referral", None, "AI Assistant"),
        ("gemini.google.com", "referral", None, "AI Assistant"),
        ("amazon.com", "referral", None, "Organic Shopping"),
        ("m.facebook.com", "referral", None, "Organic Social"),
        ("t.co", "referral", None, "Organic Social"),
        ("youtube.com", "referral", None, "Organic Video"),
        ("newsletter", "email", None, "Email"),
        ("google", "organic", None, "Organic Search"),
        ("partner", "affiliate", None, "Affiliates"),
        ("sms", None, None, "SMS"),
        ("spotify", "audio", None, "Audio"),
        ("app", "web push", None, "Mobile Push Notifications"),
        ("shop.googlemerchandisestore.com", "referral", None, "Referral"),
        ("thankyou.com", "referral", None, "Referral"),
        ("<other>", "<other>", None, "Unassigned"),
        (None, None, None, "Unassigned"),
    ],
)
def test_shipped_channel_groups_sort_as_ga4_does(
    source: str | None, medium: str | None, campaign: str | None, group: str
) -> None:
    rules = PROJECT / "seeds" / "channel_groups.csv"
    given = {"source": source, "medium": medium, "campaign": campaign}
    holds = " and ".join(
        f"coalesce(regexp_full_match({_sql(value)}, {name}_pattern), {name}_pattern is null)"
        for name, value in given.items()
    )
    found = duckdb.sql(f"""
        select channel_group
        from read_csv('{rules}', header = true, all_varchar = true)
        where {holds}
        order by cast(priority as integer)
        limit 1
    """).fetchone()
    assert found == (group,)


def _sql(value: str | None) -> str:
    return "null::varchar" if value is None else f"'{value}'"
