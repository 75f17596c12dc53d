"""A consultancy that lives on enquiries: call to action, case study, form; qualified in the CRM."""

from __future__ import annotations

from microconv.demo import settings, world
from microconv.demo.site import Choice, Page, Product, Site
from microconv.demo.vertical import (
    Action,
    Browsed,
    Journey,
    LongReads,
    PlantedShare,
    SimulatedVertical,
    Step,
)

HOME, SERVICES, BLOG, CASES, PRICING, TOOLS, CONTACT = range(7)

_BRAND = "Northgate Example"
_VIDEO = ("video_start", "video_progress", "video_complete")
_FORM = ("form_start", "form_submit")

SITE = Site(
    name=_BRAND,
    event_names=(
        *world.WEB,
        *_VIDEO,
        "file_download",
        "click",
        "view_search_results",
        "select_content",
        *_FORM,
        "generate_lead",
        "qualify_lead",
        "close_convert_lead",
        "use_calculator",
    ),
    pages=(
        Page("/", f"Energy consulting | {_BRAND}", HOME),
        Page("/services/audits", f"Audits | {_BRAND}", SERVICES),
        Page("/services/solar", f"Solar for industry | {_BRAND}", SERVICES),
        Page("/services/heat", f"Waste heat | {_BRAND}", SERVICES),
        Page("/insights/grid-fees", f"Grid fees explained | {_BRAND}", BLOG),
        Page("/insights/subsidies", f"Subsidies this year | {_BRAND}", BLOG),
        Page("/insights/load-curves", f"Reading load curves | {_BRAND}", BLOG),
        Page("/case-studies/bakery", f"A bakery saves a third | {_BRAND}", CASES),
        Page("/case-studies/foundry", f"Heat from a foundry | {_BRAND}", CASES),
        Page("/case-studies/dairy", f"Cooling a dairy | {_BRAND}", CASES),
        Page("/pricing", f"What it costs | {_BRAND}", PRICING),
        Page("/tools/savings-calculator", f"Savings calculator | {_BRAND}", TOOLS),
        Page("/contact", f"Talk to us | {_BRAND}", CONTACT),
    ),
    hosts=("www.northgate.example", "northgate.example"),
    devices=world.DEVICES,
    bot_device=world.BOT_DEVICE,
    places=world.PLACES,
    campaigns=world.CAMPAIGNS,
    direct=world.DIRECT,
    reminder=world.REMINDER,
    extra=world.DIRECT,
    products=(
        Product("Audit", "Northgate", "services", "audit", "standard", 1800.0),
        Product("Concept", "Northgate", "services", "concept", "standard", 6400.0),
    ),
    choices=(
        Choice("content_type", ("select_content",), ("call_to_action",), (SERVICES,)),
        Choice("content_type", ("select_content",), ("case_study",), (CASES,)),
        Choice("content_id", ("select_content",), ("talk_to_an_engineer", "see_your_savings")),
        Choice("form_id", _FORM, ("contact_form",), (CONTACT,)),
        Choice(
            "form_id", _FORM, ("newsletter_form",), (HOME, SERVICES, BLOG, CASES, PRICING, TOOLS)
        ),
        Choice("file_name", ("file_download",), ("/files/subsidies.pdf", "/files/load-curves.pdf")),
        Choice("file_extension", ("file_download",), ("pdf",)),
        Choice("link_url", ("click",), ("https://association.example/",)),
        Choice("video_title", _VIDEO, ("Webinar: waste heat",)),
        Choice("video_provider", _VIDEO, ("youtube",)),
        Choice("search_term", ("view_search_results",), ("solar", "subsidy", "heat pump")),
    ),
    valued=("generate_lead", "qualify_lead", "close_convert_lead"),
    key_events=("generate_lead", "qualify_lead", "close_convert_lead"),
    secret_queries=world.SECRET_QUERIES,
    stream_id="7700112235",
)

COMMITMENT = Journey(
    "commitment",
    (
        # Case study and form open over the page: pages that only people on this way see
        # would make every other action look harmful at the same depth.
        Step("click_call_to_action", ("select_content",), kind=SERVICES),
        Step("read_case_study", ("select_content",), 0.60, CASES),
        Step("start_form", ("form_start",), 0.55, CONTACT),
        Step("lead", ("form_submit", "generate_lead"), 0.65, CONTACT),
        Step("qualified_lead", ("qualify_lead",), 0.55, None, (2.0, 5.0), True),
        Step("won_customer", ("close_convert_lead",), 0.40, None, (5.0, 12.0), True),
    ),
    entry_rate=0.045,
    mobile_ratio=0.7,
)

VERTICAL = SimulatedVertical(
    site=SITE,
    browsed=(
        Browsed(HOME, 0.36, 0.16),
        Browsed(SERVICES, 0.24, 0.40),
        Browsed(BLOG, 0.34, 0.26),
        Browsed(CASES, 0.03, 0.08),
        Browsed(PRICING, 0.02, 0.06),
        Browsed(TOOLS, 0.01, 0.04),
    ),
    actions=(
        Action("file_download", 0.08, kind=BLOG, raises="commitment", rate_ratio=3.0),
        Action("form_submit", 0.01, kind=BLOG, is_once=True),
        Action("use_calculator", 0.02, kind=TOOLS),
        Action(
            "video_start",
            0.02,
            kind=SERVICES,
            then=((0.6, "video_progress"), (0.5, "video_complete")),
        ),
        Action("view_search_results", 0.01),
        Action("click", 0.03),
    ),
    journeys=(COMMITMENT,),
    funnels={
        "commitment_by_visitor": (
            "click_call_to_action",
            "read_case_study",
            "start_form",
            "lead",
        ),
        "commitment_by_session": (
            "click_call_to_action",
            "read_case_study",
            "start_form",
            "lead",
        ),
        "lead_to_customer": ("lead", "qualified_lead", "won_customer"),
    },
    main_funnel="commitment_by_visitor",
    shares=(
        PlantedShare(
            "three_pages_rate",
            settings.MORE_PAGES_SHARE**2,
            "after each page of a visit the same share goes on",
        ),
        PlantedShare(
            "return_rate",
            settings.RETURN_SHARE * world.gap_within(7),
            "a second visit, its gap in whole days exponential and its hour like the first one's",
        ),
        PlantedShare(
            "form_left_rate",
            1 - COMMITMENT.rate("start_form", "lead"),
            "a form that is not sent on the visit on which it is begun is never sent",
        ),
    ),
    long_reads=LongReads(CASES, 0.25, 180.0),
)
