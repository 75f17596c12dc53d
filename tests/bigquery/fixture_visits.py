"""Visits of shoppers, readers, bots: what the marts count, on days with and without gaps."""

from __future__ import annotations

from .bq_types import Row
from .fixture import Value, device, event, item, micros, purchase_of

# The first days of the export: a visitor a day.
QUIET_DAYS = ("20260223", "20260224", "20260225", "20260226")
DAYS = ("20260227", "20260228", "20260301", "20260302")
SHOP = (
    "session_start",
    "page_view",
    "view_item_list",
    "view_item",
    "add_to_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
)


def shoppers() -> list[Row]:
    """Thirty visitors who get as far as they get, some on two days, some on a phone."""
    rows = []
    for number in range(30):
        day = DAYS[number % 4]
        reached = SHOP[: 2 + number % 8]
        for step, name in enumerate(reached):
            rows.append(_shop_event(number, day, step, name, session=1000 + number))
        if number % 5 == 0:  # comes back on the last day and buys
            for step, name in enumerate(SHOP):
                rows.append(_shop_event(number, "20260307", step, name, session=5000 + number))
    return rows


def _shop_event(number: int, day: str, step: int, name: str, session: int) -> Row:
    clock = _clock(number, step)
    price = 9.99 + number
    params: dict[str, Value] = {
        "ga_session_number": 2 if session >= 5000 else 1,
        "session_engaged": "1" if step else 0,
        "engagement_time_msec": 1500 * step,
        "page_title": f"Step {step}",
    }
    columns: Row = {"device": device("mobile" if number % 3 else "desktop")}
    if number % 2 == 0:  # Google saw it first on the first page: a beginner, with a first week
        columns["user_first_touch_timestamp"] = micros(DAYS[number % 4], _clock(number, 1))
    if step >= 2:
        columns["items"] = [item(f"sku{number % 4}", price), item("gift", 0.1, None)]
    if name == "purchase":
        params |= {"currency": "USD", "value": price}
        columns["ecommerce"] = purchase_of(f"T{session}", price)
    return event(
        day, clock, name, f"shopper.{number}", session, params, f"/p/{number % 4}", **columns
    )


def _clock(number: int, step: int) -> str:
    return f"{8 + number % 12:02}:{step * 3:02}:{number:02}.{step:06}"


def readers() -> list[Row]:
    """Visitors who search, scroll, read, watch, wish, sign up: the other micro-conversions."""
    rows = []
    for number in range(12):
        day, visitor, session = DAYS[number % 4], f"reader.{number}", 7000 + number

        def add(
            minute: int,
            name: str,
            page: str = "/blog",
            *,
            day: str = day,
            visitor: str = visitor,
            session: int = session,
            **params: Value,
        ) -> None:
            seen: dict[str, Value] = {"ga_session_number": 1} | params
            rows.append(event(day, f"20:{minute:02}:00", name, visitor, session, seen, page))

        add(0, "page_view")
        add(1, "scroll", percent_scrolled=90 if number % 2 else 50)
        add(2, "user_engagement", engagement_time_msec=31_000 if number % 3 else 29_999)
        add(3, "view_search_results", "/search?q=socks", search_term="Socks ")
        if number % 2:
            add(4, "video_start", video_title="How it is made")
            add(4, "video_start", video_title="How it is made")
        if number % 3 == 0:
            add(5, "generate_lead", form_id="newsletter")
            add(6, "add_to_wishlist", "/p/1")
        if number % 4 == 0:
            add(7, "page_view", "/register/success")
            add(7, "sign_up", "/register/success", method="e-mail")
            add(8, "view_size_guide", "/p/2")
    return rows


def survey_answers() -> list[Row]:
    """Thirty shoppers and some without consent say why they leave, some of them twice."""
    answers = (
        "Too dear",
        "Just looking",
        "\u00a0call 030 / 123-45 67\t",
        "a@b.example",
        "Too dear",
    )
    ratings: tuple[Value, ...] = (1, 4.5, "5 ", 2) * 9 + ("NaN", 6, None, 3) * 3
    rows = []
    for number in range(45):
        shopper = number % 36
        visitor = f"shopper.{shopper}" if shopper < 30 else None
        session = 1000 + shopper if shopper < 30 else None
        params: dict[str, Value] = {
            "survey_question": "Why?" if number < 40 else None,
            "survey_answer": answers[number % 5],
            "survey_rating": ratings[number],
            "survey_trigger": "exit" if number % 3 else None,
        }
        given: dict[str, Value] = {key: value for key, value in params.items() if value is not None}
        day, clock = DAYS[shopper % 4], f"21:{number:02}:00"
        columns: Row = {} if visitor else {"privacy_info": {"analytics_storage": "No"}}
        rows.append(
            event(day, clock, "survey_response", visitor, session, given, "/cart", **columns)
        )
    return rows


def experiment_exposures() -> list[Row]:
    """Shoppers and readers see variants, some two; some do without consent, some unreadably."""
    unreadable = ("VWO-12", "(not set)", " ", "VWO- -1", "a\tb-1-1", "VWO-c@d.com-1", 7)
    people = [*(f"shopper.{number}" for number in range(30)), *(f"reader.{n}" for n in range(12))]
    rows = []
    for number, visitor in enumerate([*people, None, None]):
        place = number if number < 30 else number - 30
        day, session = DAYS[place % 4], (1000 if number < 30 else 7000) + place
        columns: Row = {} if visitor else {"privacy_info": {"analytics_storage": "No"}}
        texts: list[Value] = [f"VWO-12-{number % 3}", *unreadable[number : number + 1]]
        if number % 7 == 0:
            texts.append(f"VWO-12-{(number + 1) % 3}")
        for minute, text in enumerate(texts):
            said, clock = {"exp_variant_string": text}, f"07:{minute:02}:{number:02}"
            name = "experience_impression"
            given = session if visitor else None
            rows.append(event(day, clock, name, visitor, given, said, "/", **columns))
        if visitor and number % 2:
            variant: Value = "control" if number % 4 == 1 else 2
            apart: dict[str, Value] = {"experiment_id": "b\u00f6x-1", "variation_id": variant}
            rows.append(event(day, "07:30:00", "experiment_viewed", visitor, session, apart, "/"))
    return rows


def an_outage() -> list[Row]:
    """Four days of one visitor each who looks at a dozen products, and one day without a look."""
    collectors = [
        event(day, f"10:{look:02}:00", "view_item", f"collector.{day}", 1, {}, f"/p/{look}")
        for day in QUIET_DAYS
        for look in range(12)
    ]
    silent = [
        event("20260303", f"10:{page:02}:00", "page_view", f"collector.{visitor}", 2, {}, "/p/0")
        for visitor in QUIET_DAYS[:2]
        for page in range(3)
    ]
    return [*collectors, *silent]


def bots_and_internal() -> list[Row]:
    """18: internal traffic, somebody else's host, and a visitor faster than any reader."""
    bot = [
        event("20260227", f"03:00:{number:02}", "page_view", "bot.1", 191, {}, f"/p/{number}")
        for number in range(40)
    ]
    return [
        *bot,
        event("20260302", "17:00:00", "page_view", "inside.1", 192, {"traffic_type": "internal"}),
        event(
            "20260302",
            "17:01:00",
            "page_view",
            "copy.1",
            193,
            {},
            "https://copy.example.net/",
            device=device("desktop", "copy.example.net"),
        ),
    ]
