"""A publisher: articles, an offer, an account, a subscription."""

from __future__ import annotations

from microconv.demo import settings, world
from microconv.demo.site import Choice, Page, Product, Site
from microconv.demo.vertical import (
    Action,
    Browsed,
    Journey,
    MailReaders,
    PlantedShare,
    SimulatedVertical,
    Step,
)

FRONT, ARTICLE, TOPIC, SEARCH, OFFER, ACCOUNT, PAY = range(7)

_BRAND = "Daily Example"
_EMAIL = world.REMINDER
"""The campaign of the newsletter, by which only its readers come."""
_VIDEO = ("video_start", "video_progress", "video_complete")
_OFFER = ("view_promotion", "select_promotion")
_ARTICLES = (
    "harbour-opens", "night-trains", "school-lunch", "river-levels", "new-stadium",
    "rent-index", "old-orchards", "bridge-repairs",
)  # fmt: skip

SITE = Site(
    name=_BRAND,
    event_names=(
        *world.WEB,
        *_VIDEO,
        "share",
        "join_group",
        "view_search_results",
        "form_submit",
        *_OFFER,
        "sign_up",
        "login",
        "begin_checkout",
        "purchase",
    ),
    pages=(
        Page("/", f"Front page | {_BRAND}", FRONT),
        *(
            Page(f"/story/{slug}", f"{slug.replace('-', ' ').capitalize()} | {_BRAND}", ARTICLE)
            for slug in _ARTICLES
        ),
        Page("/topic/city", f"City | {_BRAND}", TOPIC),
        Page("/topic/climate", f"Climate | {_BRAND}", TOPIC),
        Page("/search", f"Search | {_BRAND}", SEARCH),
        Page("/subscribe", f"Read everything | {_BRAND}", OFFER),
        Page("/account/register", f"Your account | {_BRAND}", ACCOUNT),
        Page("/subscribe/pay", f"Payment | {_BRAND}", PAY),
    ),
    hosts=("www.daily.example", "daily.example"),
    devices=world.DEVICES,
    bot_device=world.BOT_DEVICE,
    places=world.PLACES,
    campaigns=world.without(_EMAIL),
    direct=world.DIRECT,
    reminder=world.DIRECT,
    extra=world.DIRECT,
    products=(
        Product("Digital, monthly", "Daily", "subscriptions", "monthly", "digital", 9.9),
        Product("Digital, yearly", "Daily", "subscriptions", "yearly", "digital", 89.0),
    ),
    choices=(
        Choice("video_title", _VIDEO, ("The day in ninety seconds",)),
        Choice("video_provider", _VIDEO, ("youtube",)),
        Choice("method", ("share",), ("copy_link", "whatsapp", "email")),
        Choice("method", ("login", "sign_up"), ("password", "google")),
        Choice("group_id", ("join_group",), ("city", "climate")),
        Choice("form_id", ("form_submit",), ("newsletter_form",)),
        Choice("promotion_name", _OFFER, ("first_month_free", "yearly")),
        Choice("search_term", ("view_search_results",), ("harbour", "trains", "rent")),
    ),
    valued=("begin_checkout", "purchase"),
    key_events=("purchase", "sign_up"),
    order_events=("begin_checkout", "purchase"),
    search_kind=SEARCH,
    search_terms=("harbour", "trains", "rent"),
    secret_queries=world.SECRET_QUERIES,
    stream_id="7700112236",
    tier_property="reader_type",
    tiers=("registered", "trial", "subscriber"),
)

VERTICAL = SimulatedVertical(
    site=SITE,
    browsed=(
        Browsed(FRONT, 0.32, 0.14),
        Browsed(ARTICLE, 0.62, 0.70),
        Browsed(TOPIC, 0.05, 0.13),
        Browsed(SEARCH, 0.01, 0.03),
    ),
    actions=(
        Action("form_submit", 0.05, is_once=True, raises="subscription", rate_ratio=3.0),
        Action("share", 0.02, kind=ARTICLE),
        Action("join_group", 0.02, kind=TOPIC),
        Action(
            "video_start",
            0.05,
            kind=ARTICLE,
            then=((0.7, "video_progress"), (0.5, "video_complete")),
        ),
    ),
    journeys=(
        Journey(
            "subscription",
            (
                Step("view_offer", ("view_promotion",), kind=ARTICLE),
                Step("select_offer", ("select_promotion",), 0.40, OFFER),
                Step("registration", ("sign_up",), 0.60, ACCOUNT),
                Step("begin_checkout", ("begin_checkout",), 0.70, PAY),
                Step("subscription", ("purchase",), 0.75, PAY, is_sale=True),
            ),
            entry_rate=0.06,
            mobile_ratio=0.8,
        ),
    ),
    funnels={
        "subscription_by_visitor": ("view_offer", "select_offer", "registration", "subscription"),
    },
    main_funnel="subscription_by_visitor",
    mail_readers=MailReaders(_EMAIL, 0.5),
    shares=(
        PlantedShare(
            "three_email_clicks_rate",
            settings.RETURN_SHARE**2 * world.gap_within(14, gaps=2),
            "who follows a mail follows all of them: two more visits, as everybody makes them",
        ),
    ),
    shows=(("view_search_results", SEARCH),),
)
