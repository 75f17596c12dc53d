"""A software company: pricing, trial, set-up, paid plan."""

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

HOME, FEATURES, BLOG, HELP, GUIDES, PRICING, SIGN_UP, PRODUCT, BILLING = range(9)

_BRAND = "Planboard Example"
_VIDEO = ("video_start", "video_progress", "video_complete")

SITE = Site(
    name=_BRAND,
    event_names=(
        *world.WEB,
        *_VIDEO,
        "file_download",
        "share",
        "form_start",
        "form_submit",
        "generate_lead",
        "sign_up",
        "login",
        "tutorial_begin",
        "tutorial_complete",
        "create_project",
        "invite_member",
        "connect_integration",
        "begin_checkout",
        "purchase",
    ),
    pages=(
        Page("/", f"Plan work together | {_BRAND}", HOME),
        Page("/features/boards", f"Boards | {_BRAND}", FEATURES),
        Page("/features/timelines", f"Timelines | {_BRAND}", FEATURES),
        Page("/features/integrations", f"Integrations | {_BRAND}", FEATURES),
        Page("/features/security", f"Security | {_BRAND}", FEATURES),
        Page("/blog/meetings-that-end", f"Meetings that end | {_BRAND}", BLOG),
        Page("/blog/estimates", f"Why estimates fail | {_BRAND}", BLOG),
        Page("/blog/remote-teams", f"Remote teams | {_BRAND}", BLOG),
        Page("/help/getting-started", f"Getting started | {_BRAND}", HELP),
        Page("/help/import", f"Importing tasks | {_BRAND}", HELP),
        Page("/guides", f"Guides | {_BRAND}", GUIDES),
        Page("/pricing", f"Pricing | {_BRAND}", PRICING),
        Page("/signup", f"Start your trial | {_BRAND}", SIGN_UP),
        Page("/app/board", f"Your board | {_BRAND}", PRODUCT),
        Page("/app/billing", f"Billing | {_BRAND}", BILLING),
    ),
    hosts=("www.planboard.example", "planboard.example"),
    devices=world.DEVICES,
    bot_device=world.BOT_DEVICE,
    places=world.PLACES,
    campaigns=world.CAMPAIGNS,
    direct=world.DIRECT,
    reminder=world.REMINDER,
    extra=world.DIRECT,
    products=(
        Product("Team plan", "Planboard", "plans", "monthly", "team", 49.0),
        Product("Business plan", "Planboard", "plans", "monthly", "business", 119.0),
        Product("Team plan, yearly", "Planboard", "plans", "yearly", "team", 490.0),
    ),
    choices=(
        Choice("video_title", _VIDEO, ("Planboard in two minutes",)),
        Choice("video_provider", _VIDEO, ("youtube",)),
        Choice("file_name", ("file_download",), ("/files/rollout-guide.pdf",)),
        Choice("file_extension", ("file_download",), ("pdf",)),
        Choice("form_id", ("form_start", "form_submit"), ("signup_form",)),
        Choice("method", ("login", "sign_up"), ("password", "google")),
        Choice("method", ("share",), ("copy_link", "email")),
    ),
    valued=("begin_checkout", "purchase"),
    key_events=("purchase", "sign_up"),
    order_events=("begin_checkout", "purchase"),
    secret_queries=world.SECRET_QUERIES,
    stream_id="7700112234",
    tier_property="account_role",
    tiers=("member", "admin", "owner"),
)

TRIAL = Journey(
    "trial",
    (
        Step("view_pricing", (), kind=PRICING),
        Step("start_sign_up", ("form_start",), 0.60, SIGN_UP),
        Step("sign_up", ("form_submit", "sign_up"), 0.70, SIGN_UP),
        Step("begin_set_up", ("tutorial_begin",), 0.80, PRODUCT, (1.0, 4.0)),
        Step("create_project", ("create_project",), 0.85, PRODUCT),
        Step("activation", ("invite_member", "tutorial_complete"), 0.80, PRODUCT),
        Step("three_features_first_week", ("connect_integration",), 0.75, PRODUCT),
        Step("begin_checkout", ("begin_checkout",), 0.65, BILLING, (2.0, 6.0)),
        Step("paid_plan", ("purchase",), 0.80, BILLING, is_sale=True),
    ),
    entry_rate=0.05,
    mobile_ratio=0.6,
)

VERTICAL = SimulatedVertical(
    site=SITE,
    browsed=(
        Browsed(HOME, 0.42, 0.16),
        Browsed(FEATURES, 0.20, 0.42),
        Browsed(BLOG, 0.28, 0.20),
        Browsed(HELP, 0.08, 0.16),
        Browsed(GUIDES, 0.02, 0.06),
    ),
    actions=(
        Action(
            "video_start",
            0.08,
            kind=FEATURES,
            raises="trial",
            rate_ratio=3.0,
            then=((0.7, "video_progress"), (0.6, "video_complete")),
        ),
        Action("file_download", 0.03, kind=GUIDES),
        Action("share", 0.01),
        Action("generate_lead", 0.004, is_once=True),
    ),
    journeys=(TRIAL,),
    funnels={
        "plan_by_visitor": ("view_pricing", "sign_up", "activation", "paid_plan"),
        "sign_up_by_session": ("view_pricing", "start_sign_up", "sign_up"),
    },
    main_funnel="plan_by_visitor",
    shares=(
        PlantedShare(
            "activation_rate",
            TRIAL.rate("sign_up", "activation"),
            "a project and an invitation on the visit after the sign-up",
        ),
        PlantedShare(
            "activation_in_a_day_rate",
            TRIAL.rate_within("sign_up", "activation", 24),
            "of these, visits within 24 hours of the sign-up",
        ),
        PlantedShare(
            "three_features_rate",
            TRIAL.rate("sign_up", "three_features_first_week"),
            "a project, an invitation and an integration on that visit",
        ),
        PlantedShare(
            "pricing_left_rate",
            1 - TRIAL.rate("view_pricing", "sign_up"),
            "nobody signs up later; the few who ask for a demo in between are neglected",
        ),
    ),
)
