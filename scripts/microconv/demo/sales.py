"""Commerce columns: `ecommerce`, `items`, `event_value_in_usd` and `user_ltv`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from microconv.demo import records as rec
from microconv.demo.arrays import Bools, Ints, choice, positions
from microconv.demo.coding import (
    Lookup,
    array_of,
    coded,
    constant,
    dollars,
    empty_arrays,
    integers,
    struct,
)
from microconv.demo.event_parameters import transaction_ids
from microconv.demo.records import has
from microconv.demo.rows import Rows
from microconv.demo.schema import EXPORT_SCHEMA
from microconv.demo.site import Product, Site

_LIST_ITEMS = 4
_SPLIT = np.array([[100, 0, 0], [100, 0, 0], [60, 40, 0], [50, 30, 20]], dtype=np.int64)
"""Percent of the order value on each order line, by number of lines."""

_PLACE = Lookup([str(place) for place in range(1, _LIST_ITEMS + 1)])
_STOCK = Lookup(("in stock", "low stock"))
_ITEMS_TYPE = EXPORT_SCHEMA.field("items").type


class CommerceEncoder:
    """The columns about orders and articles, for one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        products = site.products or (Product("", "", "", "", "", 0.0),)
        self._product = {
            "item_id": Lookup([f"SKU-{1000 + code}" for code in range(len(products))]),
            "item_name": Lookup([product.name for product in products]),
            "item_brand": Lookup([product.brand for product in products]),
            "item_variant": Lookup([product.variant for product in products]),
            "item_category": Lookup([product.category for product in products]),
            "item_category2": Lookup([product.category2 for product in products]),
        }

    def columns(self, rows: Rows, has_revenue: bool = True) -> dict[str, pa.Array]:
        """All columns of this module by name. Amounts are USD; a site has one currency.

        Without revenue purchases come without their value, as when its parameter was lost.
        """
        records, n = rows.records, len(rows)
        event = records["event"]
        is_purchase, is_refund = (
            event == self._site.code("purchase"),
            event == self._site.code("refund"),
        )
        lifetime = {
            "revenue": dollars(records["lifetime"], ~has(records, rec.NO_CONSENT)),
            "currency": constant("USD", n),
        }
        return {
            "event_value_in_usd": dollars(
                records["value"],
                (is_purchase & has_revenue) | (event == self._site.code("in_app_purchase")),
            ),
            "user_ltv": struct(EXPORT_SCHEMA.field("user_ltv").type, n, lifetime),
            "ecommerce": self._ecommerce(rows, is_purchase, is_refund, has_revenue),
            "items": self._items(rows),
        }

    def _ecommerce(
        self, rows: Rows, is_purchase: Bools, is_refund: Bools, has_revenue: bool
    ) -> pa.Array:
        """Totals of purchases and refunds; other commerce events carry only `(not set)` as id."""
        records, n = rows.records, len(rows)
        revenue = dollars(records["value"], is_purchase & has_revenue)
        refund = dollars(records["value"], is_refund)
        shipping_cents = np.where(choice(records["order"].astype(np.uint64), 51, 3) == 0, 0, 495)
        shipping = dollars(shipping_cents, is_purchase & ("add_shipping_info" in self._site.events))
        tax = dollars(np.round(records["value"] * 0.08), is_purchase)
        lines = integers(records["items"], is_purchase)
        fields = {
            "total_item_quantity": lines,
            "purchase_revenue_in_usd": revenue,
            "purchase_revenue": revenue,
            "refund_value_in_usd": refund,
            "refund_value": refund,
            "shipping_value_in_usd": shipping,
            "shipping_value": shipping,
            "tax_value_in_usd": tax,
            "tax_value": tax,
            "unique_items": lines,
            "transaction_id": self._transaction_column(rows, is_purchase | is_refund),
        }
        return struct(EXPORT_SCHEMA.field("ecommerce").type, n, fields)

    def _transaction_column(self, rows: Rows, is_order: Bools) -> pa.Array:
        records = rows.records
        known = is_order & ~has(records, rec.NO_ORDER_ID)
        order, inverse = np.unique(records["order"][known], return_inverse=True)
        vocabulary = pa.concat_arrays(
            [pa.array(["(not set)"], pa.string()), transaction_ids(order)]
        )
        is_commerce = np.isin(
            records["event"], self._site.codes(self._site.order_events + self._site.single_events)
        )
        index = np.where(is_commerce, 0, -1)
        index[known] = inverse + 1
        return coded(index, vocabulary)

    def _items(self, rows: Rows) -> pa.Array:
        """Order lines, the one article shown, or the four articles of a list."""
        event = rows.records["event"]
        is_order, is_list = (
            np.isin(event, self._site.codes(self._site.order_events)),
            event == self._site.code("view_item_list"),
        )
        counts: Ints = np.zeros(len(rows), dtype=np.int64)
        counts[is_order] = rows.records["items"][is_order]
        counts[np.isin(event, self._site.codes(self._site.single_events))] = 1
        counts[is_list] = _LIST_ITEMS
        return array_of(_ITEMS_TYPE, counts, self._item_structs(rows, counts, is_order, is_list))

    def _item_structs(self, rows: Rows, counts: Ints, is_order: Bools, is_list: Bools) -> pa.Array:
        owner = np.repeat(np.arange(len(rows)), counts)
        line = positions(counts)
        records = rows.records.take(owner)
        n = len(owner)
        product = (records["product"].astype(np.int64) + line * 7) % len(self._site.product_cents)
        split = _line_cents(records, line)
        cents = np.where(is_order[owner], split, self._site.product_cents[product])
        bought = records["event"] == self._site.code("purchase")
        refunded = records["event"] == self._site.code("refund")
        listed = is_list[owner] | (records["event"] == self._site.code("select_item"))
        price = dollars(cents)
        revenue, refund = dollars(cents, bought), dollars(cents, refunded)
        list_code = np.where(listed, 0, -1)
        fields = {
            **{name: lookup.column(product) for name, lookup in self._product.items()},
            "price_in_usd": price,
            "price": price,
            "quantity": integers(np.ones(n, dtype=np.int64), ~listed),
            "item_revenue_in_usd": revenue,
            "item_revenue": revenue,
            "item_refund_in_usd": refund,
            "item_refund": refund,
            "item_list_id": coded(list_code, pa.array(["category_list"])),
            "item_list_name": coded(list_code, pa.array(["Category list"])),
            "item_list_index": _PLACE.column(np.where(listed, line, -1)),
            "item_params": self._item_parameters(records, product),
        }
        return struct(_ITEMS_TYPE.value_type, n, fields)

    def _item_parameters(self, records: rec.Fields, product: Ints) -> pa.Array:
        """One custom parameter on articles that are viewed; empty elsewhere."""
        data_type = _ITEMS_TYPE.value_type.field("item_params").type
        viewed = records["event"] == self._site.code("view_item")
        n = int(viewed.sum())
        if n == 0:
            return empty_arrays(data_type, len(records))
        pair = data_type.value_type
        stock = _STOCK.column((product[viewed] % 5 == 0).astype(np.int64))
        value = struct(pair.field("value").type, n, {"string_value": stock})
        pairs = struct(pair, n, {"key": constant("stock_status", n), "value": value})
        return array_of(data_type, viewed.astype(np.int64), pairs)


def _line_cents(records: rec.Fields, line: Ints) -> Ints:
    """Cents of an order line; the first line takes what rounding leaves."""
    lines = np.minimum(records["items"].astype(np.int64), 3)
    value = records["value"].astype(np.int64)
    split = value[:, None] * _SPLIT[lines] // 100
    split[:, 0] = value - split[:, 1:].sum(axis=1)
    result: Ints = split[np.arange(len(line)), np.minimum(line, 2)]
    return result
