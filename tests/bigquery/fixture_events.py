"""The rows that rung 2 runs on: a few hundred, with every pitfall that the export is known for.

Numbers in the descriptions of the groups are those of the pitfalls in models/overview.md.
"""

from __future__ import annotations

from itertools import chain

from . import fixture_content, fixture_identity, fixture_visits
from .bq_types import Row

GROUPS = (
    fixture_visits.shoppers,
    fixture_visits.readers,
    fixture_visits.survey_answers,
    fixture_visits.experiment_exposures,
    fixture_visits.an_outage,
    fixture_visits.bots_and_internal,
    fixture_identity.repeated_keys_and_mixed_types,
    fixture_identity.denied_consent,
    fixture_identity.session_cookies,
    fixture_identity.duplicates,
    fixture_identity.same_moment,
    fixture_identity.sessions_without_start,
    fixture_identity.across_midnight,
    fixture_content.sources,
    fixture_content.placeholders,
    fixture_content.odd_purchases,
    fixture_content.refunds,
    fixture_content.time_zone_edges,
    fixture_content.measurement_protocol,
    fixture_content.personal_data,
    fixture_content.unreadable,
)


def fixture_events() -> list[Row]:
    """All rows, each with the `_TABLE_SUFFIX` of its shard, in the columns of 2026."""
    return list(chain.from_iterable(group() for group in GROUPS))
