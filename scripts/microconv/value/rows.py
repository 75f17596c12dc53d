"""Values as rows and as sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from microconv.aggregates.types import Basis, Conversion
from microconv.correlate.columns import ORIGIN, estimates, of_kind
from microconv.correlate.rows import estimate_columns, origin_of
from microconv.correlate.words import label_of, wording_of
from microconv.evidence.quantities import UNDEFINED
from microconv.evidence.templates import VALUES, VERDICTS
from microconv.evidence.value import LEAST_ORDERS
from microconv.evidence.wording import gross, money
from microconv.output import count, percentage
from microconv.value.worth import NOT_COMPARABLE, Worth
from microconv.writing import Row

CURRENCY = "USD"

COLUMNS = {
    **of_kind("text", "macro_name", "micro_name", "micro_label"),
    "value_rank": "integer",
    "verdict": "text",
    **of_kind("integer", "visitor_count", "order_count"),
    **estimates("conversion_rate"),
    "average_order_value_usd": "number",
    **estimates("gross_value_usd"),
    "is_sufficient": "truth",
    "top_hundredth_share": "number",
    "is_top_heavy": "truth",
    "gross_value_without_top_usd": "number",
    **estimates("incremental_value_usd"),
    **of_kind("number", "key_event_value_usd", "cautious_key_event_value_usd"),
    "monthly_count": "integer",
    **estimates("monthly_opportunity_usd"),
    "sentence": "text",
    **ORIGIN,
}


def value_rows(
    worths: Sequence[Worth], basis: Basis, conversions: Mapping[str, Conversion], run: str
) -> list[Row]:
    """A row per micro-conversion, the largest opportunity first."""
    return [
        {
            "macro_name": basis.macro_name,
            "micro_name": one.finding.micro_name,
            "micro_label": label_of(one.finding.micro_name, conversions),
            "value_rank": place,
            "verdict": str(one.finding.judgement.verdict),
            **_numbers(one),
            "sentence": " ".join(sentences_of(one, basis, conversions)),
            **origin_of(basis, run),
        }
        for place, one in enumerate(worths, start=1)
    ]


def _numbers(one: Worth) -> Row:
    is_sufficient = one.gross.is_sufficient
    known = one.gross.value if is_sufficient else UNDEFINED
    rate = one.finding.measures.precision if is_sufficient else UNDEFINED
    return {
        "visitor_count": round(one.visitors),
        "order_count": round(one.orders),
        **estimate_columns("conversion_rate", rate),
        "average_order_value_usd": one.gross.average_order_value if is_sufficient else None,
        **estimate_columns("gross_value_usd", known),
        "is_sufficient": is_sufficient,
        "top_hundredth_share": one.top_share if is_sufficient else None,
        "is_top_heavy": one.gross.is_top_heavy if is_sufficient else None,
        "gross_value_without_top_usd": one.trimmed if is_sufficient else None,
        **estimate_columns("incremental_value_usd", one.incremental),
        "key_event_value_usd": one.key_event[0],
        "cautious_key_event_value_usd": one.key_event[1],
        "monthly_count": round(one.monthly),
        **estimate_columns("monthly_opportunity_usd", one.opportunity),
    }


def sentences_of(
    one: Worth, basis: Basis, conversions: Mapping[str, Conversion]
) -> tuple[str, ...]:
    """The values of one micro-conversion in words, the inputs of the formula first."""
    if not one.gross.is_sufficient:
        return (VALUES["few_orders"].format(orders=count(one.orders), least_orders=LEAST_ORDERS),)
    wording = wording_of(one.finding.micro_name, basis, conversions)
    said = [gross(one.gross, wording, CURRENCY)]
    if one.gross.is_top_heavy:
        said.append(
            VALUES["top_heavy"].format(
                top_share=percentage(one.top_share), trimmed=money(one.trimmed, CURRENCY)
            )
        )
    if math.isnan(one.incremental.value):
        return (*said, VALUES["not_comparable"].format(why=_why(one, wording.macro)))
    for key, estimate in (("incremental", one.incremental), ("opportunity", one.opportunity)):
        said.append(
            VALUES[key].format(
                value=money(estimate.value, CURRENCY),
                low=money(estimate.low, CURRENCY),
                high=money(estimate.high, CURRENCY),
            )
        )
    return tuple(said)


def _why(one: Worth, macro: str) -> str:
    verdict = one.finding.judgement.verdict
    if verdict in NOT_COMPARABLE:
        said = VERDICTS[verdict].format(macro=macro, verb="do it")
        return said[0].lower() + said[1:]
    return VALUES["off_session"]
