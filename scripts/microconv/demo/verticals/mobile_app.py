"""An app: first opening, tutorial, account; an offer, a purchase in the app."""

from __future__ import annotations

from microconv.demo import world
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
        Step("first_feature", ("search",), 0.45, FIND, (1.0, 4.0)),
        Step("second_feature", ("share",), 0.70, PROGRESS),
        Step("three_features_first_week", ("join_group",), 0.60, HOME),
    ),
    entry_rate=None,
)

_TUTORIAL_RATE = ONBOARDING.rate("install", "complete_tutorial")

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
            "three features on a visit within four days of the first",
        ),
        PlantedShare(
            "activation_rate",
            _TUTORIAL_RATE * FEATURES.rate("arrival", "first_feature"),
            "the tutorial on the first visit and, whatever came of it, a feature on a later one",
        ),
        PlantedShare(
            "activation_in_a_day_rate",
            _TUTORIAL_RATE * FEATURES.rate_within("arrival", "first_feature", 24),
            "of these, later visits within 24 hours of the first opening",
        ),
    ),
)
