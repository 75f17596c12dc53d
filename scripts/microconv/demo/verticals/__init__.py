"""The kinds of business that the demo simulates beside the shop."""

from __future__ import annotations

from microconv.demo.vertical import SimulatedVertical
from microconv.demo.verticals import content_media, lead_generation, mobile_app, saas

VERTICALS: dict[str, SimulatedVertical] = {
    "saas": saas.VERTICAL,
    "lead_generation": lead_generation.VERTICAL,
    "content_media": content_media.VERTICAL,
    "mobile_app": mobile_app.VERTICAL,
}
"""By the word that the catalog has for them."""
