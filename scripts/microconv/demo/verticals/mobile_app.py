"""An app: first opening, tutorial, account; an offer, a purchase in the app."""

from __future__ import annotations

from microconv.demo import settings, world
from microconv.demo.site import Choice, Page, Product, Site
from microconv.demo.vertical import (
    Action,
    Browsed,
    Journey,
    PlantedShare,
    SimulatedVertical,
    Step,
)

HOME, LESSON, PROGRESS, FIND, SETTINGS, TUTORIAL, ACCOUNT, PAYWALL = range(8)

_OFFER = ("view_promotion", "select_promotion")

SITE = Site(
    name="Lingo Example",
    event_names=(
        *world.APP,
        "tutorial_begin",
        "tutorial_complete",
        "sign_up",
        "login",
        "search",
        "share",
        "join_group",
        "level_up",
        "unlock_achievement",
        "notification_opt_in",
        "notification_open",
        *_OFFER,
        "begin_checkout",
        "in_app_purchase",
    ),
    pages=(
        Page("Home", "HomeActivity", HOME),
        Page("Lesson", "LessonActivity", LESSON),
        Page("Review", "LessonActivity", LESSON),
        Page("Progress", "ProgressActivity", PROGRESS),
        Page("Search", "SearchActivity", FIND),
        Page("Settings", "SettingsActivity", SETTINGS),
        Page("Tutorial", "TutorialActivity", TUTORIAL),
        Page("Account", "AccountActivity", ACCOUNT),
        Page("Offer", "OfferActivity", PAYWALL),
    ),
    hosts=("app.lingo.example", "lingo.example"),
    devices=world.APP_DEVICES,
    bot_device=2,
    places=world.PLACES,
    campaigns=world.APP_CAMPAIGNS,
    direct=world.DIRECT,
    reminder=world.APP_REMINDER,
    extra=world.DIRECT,
    products=(
        Product("Plus, one month", "Lingo", "plus", "monthly", "plus", 7.99),
        Product("Plus, one year", "Lingo", "plus", "yearly", "plus", 59.99),
    ),
    choices=(
        Choice("achievement_id", ("unlock_achievement",), ("first_week", "hundred_words")),
        Choice("method", ("login", "sign_up"), ("password", "google", "apple")),
        Choice("method", ("share",), ("system",)),
        Choice("group_id", ("join_group",), ("evening_class", "travellers")),
        Choice("search_term", ("search",), ("food", "travel", "verbs")),
        Choice("promotion_name", _OFFER, ("plus",)),
        Choice("product_id", ("in_app_purchase",), ("plus_month", "plus_year")),
        Choice("message_name", ("notification_open",), ("weekly_reminder",)),
    ),
    valued=("begin_checkout", "in_app_purchase"),
    key_events=("in_app_purchase", "first_open"),
    secret_queries=world.SECRET_QUERIES,
    stream_id="7700112237",
    tier_property="level",
    tiers=("beginner", "intermediate", "advanced"),
    is_app=True,
)

ONBOARDING = Journey(
    "onboarding",
    (
        Step("install", ()),
        Step("begin_tutorial", ("tutorial_begin",), 0.70, TUTORIAL),
        Step("complete_tutorial", ("tutorial_complete",), 0.60, TUTORIAL),
        Step("registration", ("sign_up",), 0.50, ACCOUNT),
    ),
    entry_rate=None,
)

FEATURES = Journey(
    "features",
    (
        Step("arrival", ()),
        Step("first_feature", ("search",), 0.40, FIND),
        Step("second_feature", ("share",), 0.70, PROGRESS),
        Step("three_features_first_week", ("join_group",), 0.60, HOME),
    ),
    entry_rate=None,
)
LATER = Journey(
    "features_on_return",
    (Step("second_visit", ()), Step("later_feature", ("search",), 0.50, FIND)),
    entry_rate=None,
    visit=2,
)


def _activated_within(days: int) -> float:
    """The share who finish the tutorial and use a feature, at once or as they come back."""
    comes_back = settings.RETURN_SHARE * world.gap_within(days)
    at_once = FEATURES.rate("arrival", "first_feature")
    later = LATER.rate("second_visit", "later_feature") * comes_back
    tutorial = ONBOARDING.rate("install", "complete_tutorial")
    return tutorial * (1 - (1 - at_once) * (1 - later))


VERTICAL = SimulatedVertical(
    site=SITE,
    browsed=(
        Browsed(HOME, 0.70, 0.20),
        Browsed(LESSON, 0.24, 0.55),
        Browsed(PROGRESS, 0.04, 0.15),
        Browsed(FIND, 0.01, 0.05),
        Browsed(SETTINGS, 0.01, 0.05),
    ),
    actions=(
        Action("unlock_achievement", 0.08, kind=LESSON, raises="purchase", rate_ratio=3.0),
        Action("level_up", 0.02, kind=LESSON),
        Action("notification_opt_in", 0.05, kind=SETTINGS, is_once=True),
        Action("notification_open", 0.03, kind=HOME),
    ),
    journeys=(
        ONBOARDING,
        FEATURES,
        LATER,
        Journey(
            "purchase",
            (
                Step("view_paywall", ("view_promotion",), kind=PAYWALL),
                Step("begin_checkout", ("select_promotion", "begin_checkout"), 0.35, PAYWALL),
                Step("app_purchase", ("in_app_purchase",), 0.60, PAYWALL, is_sale=True),
            ),
            entry_rate=0.05,
        ),
    ),
    funnels={
        "app_purchase_by_visitor": ("view_paywall", "begin_checkout", "app_purchase"),
        "onboarding_by_visitor": (
            "install",
            "begin_tutorial",
            "complete_tutorial",
            "registration",
        ),
    },
    main_funnel="onboarding_by_visitor",
    shares=(
        PlantedShare(
            "features_activated",
            FEATURES.rate("arrival", "three_features_first_week"),
            "three features on the first visit; later there is only one of them",
        ),
        PlantedShare(
            "activation_rate",
            _activated_within(7),
            "the tutorial on the first visit, a feature there or on the second, if it is in time",
        ),
        PlantedShare(
            "activation_in_a_day_rate",
            _activated_within(1),
            "the same within 24 hours of the first opening",
        ),
    ),
)
