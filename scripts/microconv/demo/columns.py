"""The columns of an export table other than `event_params`, `ecommerce` and `items`."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from microconv.demo import records as rec
from microconv.demo import rows as row_flaws
from microconv.demo.arrays import Bools, Ints, choice, mixed
from microconv.demo.coding import (
    Lookup,
    array_of,
    coded,
    constant,
    integers,
    struct,
)
from microconv.demo.context import ContextEncoder
from microconv.demo.event_parameters import ParameterEncoder
from microconv.demo.local_time import MICROSECONDS
from microconv.demo.records import has
from microconv.demo.rows import Rows
from microconv.demo.sales import CommerceEncoder
from microconv.demo.schema import EXPORT_SCHEMA, dictionary_encoded
from microconv.demo.site import Site

_GARBAGE_DATES = Lookup(("2026-13-45", "(data deleted)", "00000000", ""))
_YES_NO = Lookup(("No", "Yes"))


class TableEncoder:
    """Turns rows of a site into tables of the export's schema."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._event_name = Lookup([name.partition("/")[0] for name in site.event_names])
        self._tier = Lookup(site.tiers)
        self._context = ContextEncoder(site)
        self._parameters = ParameterEncoder(site)
        self._commerce = CommerceEncoder(site)

    def table(self, rows: Rows, day: date, has_revenue: bool = True) -> pa.Table:
        """The rows of local day `day` in the export's schema, strings dictionary encoded."""
        columns: dict[str, pa.Array] = {
            "event_params": self._parameters.column(rows, has_revenue),
            **self._moments(rows, day),
            **self._identity(rows),
            **self._context.columns(rows),
            **self._commerce.columns(rows, has_revenue),
        }
        n = len(rows)
        arrays, names = [], []
        for field in EXPORT_SCHEMA:
            encoded = dictionary_encoded(field.type)
            arrays.append(
                columns.pop(field.name) if field.name in columns else pa.nulls(n, encoded)
            )
            names.append(field.name)
        if columns:
            raise KeyError(f"no such columns: {sorted(columns)}")
        return pa.Table.from_arrays(arrays, names=names)

    def _moments(self, rows: Rows, day: date) -> dict[str, pa.Array]:
        """Date, timestamp and name; the malformed rows are spoilt here."""
        garbage = rows.flaw == row_flaws.GARBAGE_DATE
        spoilt = np.where(garbage, choice(rows.word, 41, 4), -1)
        event_date = constant(day.strftime("%Y%m%d"), len(rows))
        if garbage.any():
            event_date = pc.if_else(
                pa.array(garbage),
                _GARBAGE_DATES.column(spoilt).cast(pa.string()),
                event_date.cast(pa.string()),
            ).dictionary_encode()
        name = np.where(
            rows.flaw == row_flaws.NULL_NAME, -1, rows.records["event"].astype(np.int64)
        )
        return {
            "event_date": event_date,
            "event_timestamp": integers(
                rows.records["timestamp"], rows.flaw != row_flaws.NULL_TIMESTAMP
            ),
            "event_name": self._event_name.column(name),
        }

    def _identity(self, rows: Rows) -> dict[str, pa.Array]:
        """Ids, consent, first touch and user properties. Without consent there is no visitor."""
        records = rows.records
        denied = has(records, rec.NO_CONSENT)
        cookie = np.where(denied, -1, records["cookie"])
        logged_in = has(records, rec.LOGGED_IN)
        storage = _YES_NO.column((~denied).astype(np.int64))
        privacy = {
            "analytics_storage": storage,
            "ads_storage": storage,
            "uses_transient_token": constant("No", len(rows)),
        }
        privacy_type = EXPORT_SCHEMA.field("privacy_info").type
        return {
            "user_id": _user_ids(records, logged_in),
            "user_pseudo_id": _cookie_ids(cookie, records["first_touch"], self._site.is_app),
            "privacy_info": struct(privacy_type, len(rows), privacy),
            "user_properties": self._user_properties(records, logged_in),
            "user_first_touch_timestamp": integers(records["first_touch"], ~denied),
            "is_active_user": pa.array(~has(records, rec.BOT) & ~has(records, rec.OFF_SESSION)),
        }

    def _user_properties(self, records: rec.Fields, logged_in: Bools) -> pa.Array:
        """The tier of logged-in people."""
        index = np.flatnonzero(logged_in)
        n = len(index)
        data_type = EXPORT_SCHEMA.field("user_properties").type
        pair = data_type.value_type
        tier = choice((records["cookie"][index] // 2).astype(np.uint64), 44, 3)
        value = struct(
            pair.field("value").type,
            n,
            {
                "string_value": self._tier.column(tier),
                "set_timestamp_micros": integers(records["first_touch"][index]),
            },
        )
        pairs = struct(pair, n, {"key": constant(self._site.tier_property, n), "value": value})
        return array_of(data_type, logged_in.astype(np.int64), pairs)


def _cookie_ids(cookie: Ints, first_touch: Ints, is_app: bool) -> pa.Array:
    """`user_pseudo_id`s such as `1837465920.1788230012`; NULL for cookie -1.

    An app's instance ids are 32 hexadecimal digits.
    """
    unique, first, inverse = np.unique(cookie, return_index=True, return_inverse=True)
    if is_app:
        halves = zip(mixed(unique, 46).tolist(), mixed(unique, 47).tolist(), strict=True)
        instances = pa.array([f"{high:016X}{low:016X}" for high, low in halves], pa.string())
        return coded(np.where(cookie < 0, -1, inverse), instances)
    number = mixed(unique, 43) % np.uint64(2_000_000_000) + np.uint64(100_000_000)
    ids = pc.binary_join_element_wise(
        pc.cast(pa.array(number.astype(np.int64)), pa.string()),
        pc.cast(pa.array(first_touch[first] // MICROSECONDS), pa.string()),
        ".",
    )
    # Two cookies can share number and second; the dictionary must then hold the id once.
    distinct = ids.dictionary_encode()
    index = distinct.indices.to_numpy()[inverse]
    return coded(np.where(cookie < 0, -1, index), distinct.dictionary)


def _user_ids(records: rec.Fields, logged_in: Bools) -> pa.Array:
    """Ids of logged-in people; a few shops' accounts are e-mail addresses."""
    person = records["cookie"] // 2
    unique, first, inverse = np.unique(
        np.where(logged_in, person, -1), return_index=True, return_inverse=True
    )
    number = pc.cast(pa.array(unique), pa.string())
    ids = pc.if_else(
        pa.array(has(records.take(first), rec.EMAIL_ID)),
        pc.binary_join_element_wise("customer", number, "@example.com", ""),
        pc.binary_join_element_wise("U-", number, ""),
    )
    return coded(np.where(logged_in, inverse, -1), ids)
