"""Suggests what an event could be in a catalog, by rules that are stated beside each suggestion."""

from __future__ import annotations

import re
from dataclasses import dataclass

STEP, ASIDE = "process_milestone", "secondary_action"


@dataclass(frozen=True)
class Suggestion:
    """A row that a catalog could have; all empty where the event belongs into none."""

    conversion_type: str | None
    milestone_type: str | None
    funnel_stage: str | None
    rule: str


MACRO = ("macro", STEP, "conversion")

# GA4's own names (automatically collected, enhanced measurement, recommended) by what they are.
_OWN_NAMES: dict[tuple[str, str, str], tuple[str, ...]] = {
    MACRO: (
        "purchase",
        "ecommerce_purchase",
        "in_app_purchase",
        "app_store_subscription_convert",
        "app_store_subscription_renew",
        "sign_up",
        "generate_lead",
        "qualify_lead",
        "close_convert_lead",
    ),
    ("micro", STEP, "intent"): (
        "add_to_cart",
        "begin_checkout",
        "add_shipping_info",
        "add_payment_info",
        "form_start",
        "form_submit",
        "select_promotion",
        "working_lead",
    ),
    ("micro", ASIDE, "intent"): ("view_cart",),
    ("micro", STEP, "consideration"): ("view_item", "tutorial_complete"),
    ("micro", ASIDE, "consideration"): (
        "add_to_wishlist",
        "join_group",
        "level_up",
        "post_score",
        "share",
        "unlock_achievement",
        "video_complete",
        "view_promotion",
    ),
    ("micro", STEP, "interest"): ("tutorial_begin", "view_item_list", "select_item"),
    ("micro", ASIDE, "interest"): (
        "click",
        "earn_virtual_currency",
        "file_download",
        "level_end",
        "level_start",
        "login",
        "notification_open",
        "search",
        "select_content",
        "spend_virtual_currency",
        "video_progress",
        "video_start",
        "view_search_results",
    ),
    ("micro", ASIDE, "awareness"): ("scroll", "ad_click", "ad_reward", "dynamic_link_open"),
}
_OF_OWN_NAME = {name: kind for kind, names in _OWN_NAMES.items() for name in names}

# What undoes or merely reports something.
_NO_CONVERSION = (
    "ad_exposure", "ad_impression", "ad_query", "adunit_exposure", "app_clear_data",
    "app_exception", "app_remove", "app_store_refund", "app_store_subscription_cancel",
    "app_update", "close_unconvert_lead", "disqualify_lead", "error", "exception",
    "firebase_campaign", "firebase_in_app_message_dismiss", "notification_dismiss",
    "notification_foreground", "notification_receive", "os_update", "refund", "remove_from_cart",
)  # fmt: skip

# Words in names of a site's own, the first that fits.
_WORDS: tuple[tuple[str, tuple[str, str, str] | None], ...] = (
    ("error|exception|debug|consent|cookie|refund|remove|cancel|unsubscribe", None),
    ("newsletter|whitepaper|webinar|download", ("micro", ASIDE, "interest")),
    ("purchase|order_placed|order_complete|transaction|paid|subscri", MACRO),
    ("sign_?up|regist|lead|enquir|inquir", MACRO),
    (
        "checkout|cart|payment|shipping|trial|form|quote|book|demo|contact|call",
        ("micro", STEP, "intent"),
    ),
    (
        "pricing|plan|compare|wish|favou?rite|save|calculat|configur|activat|invite|project|opt_?in",
        ("micro", ASIDE, "consideration"),
    ),
    (
        "video|audio|play|search|chat|share|follow|review|comment|survey|login|open",
        ("micro", ASIDE, "interest"),
    ),
    ("scroll|impression|banner|view|read|visit", ("micro", ASIDE, "awareness")),
)


def suggest(event_name: str, is_key_event: bool, is_automatic: bool) -> Suggestion:
    """What an event could be.

    Args:
        event_name: As exported.
        is_key_event: Whether GA4 marks (some of) its events as key events.
        is_automatic: Whether the seed automatic_events has it.
    """
    if is_automatic:
        return Suggestion(None, None, None, "automatic: GA4 sends it with every visit")
    if is_key_event:
        return Suggestion(*MACRO, "key event: the property counts it as a goal")
    if event_name in _OF_OWN_NAME:
        return Suggestion(*_OF_OWN_NAME[event_name], "name: GA4 gives it this meaning")
    if event_name in _NO_CONVERSION:
        return Suggestion(None, None, None, "name: GA4's own, and no step towards a goal")
    for words, kind in _WORDS:
        found = re.search(words, event_name.lower())
        if found:
            rule = f"word: “{found.group()}” in its name"
            return Suggestion(*kind, rule) if kind else Suggestion(None, None, None, rule)
    return Suggestion("micro", ASIDE, "interest", "none of the rules: look at it yourself")
