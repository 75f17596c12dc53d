"""To come."""

from __future__ import annotations

from microconv.report.cards import Section
from microconv.report.read import Reader


def call(reader: Reader) -> Section:
    """Nothing yet."""
    return Section("call", "call", "")
