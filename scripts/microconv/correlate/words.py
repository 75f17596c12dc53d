"""Sentences about a conversion from the label its owner gave it."""

from __future__ import annotations

from collections.abc import Mapping

from microconv.aggregates.types import Basis, Conversion
from microconv.evidence.wording import Wording

# First words of labels that are a past tense already, beside those in -ed.
_PAST = (
    *("began", "bought", "came", "chose", "did", "found", "gave", "got", "left", "made", "paid"),
    *("put", "ran", "read", "said", "saw", "sent", "set", "spent", "started", "took", "went"),
    *("won", "wrote"),
)


def wording_of(micro_name: str, basis: Basis, conversions: Mapping[str, Conversion]) -> Wording:
    """The words for a micro-conversion of the macro of `basis`."""
    macro = basis.macro_name
    micro_label, macro_label = label_of(micro_name, conversions), label_of(macro, conversions)
    return wording_from(micro_label, macro_label, macro, basis.horizon_days)


def wording_from(
    micro_label: str, macro_label: str, macro_name: str, horizon_days: float
) -> Wording:
    """The same from labels alone."""
    converted, macro = _macro(macro_name, macro_label)
    return Wording(
        did=_did(micro_label),
        converted=converted,
        macro=macro,
        horizon_days=round(horizon_days),
    )


def label_of(name: str, conversions: Mapping[str, Conversion]) -> str:
    """What people read; the name where the catalog no longer has it."""
    return conversions[name].label if name in conversions else name


def _macro(name: str, label: str) -> tuple[str, str]:
    if name == "purchase":
        return "bought", "the purchase"
    return f"reached “{label}”", f"“{label}”"


def _did(label: str) -> str:
    """`opened the size guide` of “Opened the size guide”; a label that is a noun stays a name."""
    first = label.split(" ", 1)[0].lower()
    if first in _PAST or (first.endswith("ed") and first.isalpha()):
        return first + label[len(first) :]
    return f"did “{label}”"
