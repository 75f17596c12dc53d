"""What was planted, in words and parameters: the content of `planted_truth.json`."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import Any

from microconv.demo import settings, shop
from microconv.demo.folder import GENERATOR_NAME
from microconv.demo.local_time import PROPERTY_TIME_ZONE
from microconv.demo.settings import Calendar, DemoOptions
from microconv.demo.tally import Tally
from microconv.demo.vertical import Action, SimulatedVertical


def planted_truth(options: DemoOptions, calendar: Calendar, tally: Tally) -> dict[str, Any]:
    """The truth as JSON-ready data: options, effects, shares, planted days and exact counts."""
    return {
        "generator": GENERATOR_NAME,
        "generator_version": settings.GENERATOR_VERSION,
        "source": "statistics.md, section 14",
        "property_time_zone": PROPERTY_TIME_ZONE,
        "warm_up_days": settings.WARM_UP_DAYS,
        "options": {**_dated(asdict(options)), "first_day": options.first_day.isoformat()},
        "planted_days": _days_of(calendar),
        "purchase_model": _purchase_model(options),
        "effects": [*_action_effects(), *_day_effects(calendar)],
        "shares": _shares(),
        "counts": tally.as_json(),
    }


def journey_truth(
    name: str, vertical: SimulatedVertical, options: DemoOptions, calendar: Calendar, tally: Tally
) -> dict[str, Any]:
    """The truth of a vertical other than the shop: the rates of its funnels, effects, counts."""
    return {
        "generator": GENERATOR_NAME,
        "generator_version": settings.GENERATOR_VERSION,
        "vertical": name,
        "property_time_zone": PROPERTY_TIME_ZONE,
        "warm_up_days": settings.WARM_UP_DAYS,
        "options": {**_dated(asdict(options)), "first_day": options.first_day.isoformat()},
        "planted_days": _days_of(calendar),
        "main_funnel": vertical.main_funnel,
        "funnels": {
            funnel: _planted_steps(vertical, conversions)
            for funnel, conversions in vertical.funnels.items()
        },
        "journeys": {
            journey.name: {
                "entered": f"by everybody, as visit {journey.visit} begins"
                if journey.entry_rate is None
                else "once, with this chance per browsed page",
                "entry_rate": journey.entry_rate,
                "entry_rate_ratio_on_mobile": journey.mobile_ratio,
            }
            for journey in vertical.journeys
        },
        "kpis": [one._asdict() | {"rate": round(one.rate, 6)} for one in vertical.shares],
        "long_reads": _planted_reads(vertical),
        "effects": [_journey_effect(vertical, action) for action in vertical.actions],
        "shares": _row_shares(),
        "counts": tally.as_json(),
    }


def _planted_reads(vertical: SimulatedVertical) -> dict[str, Any] | None:
    """Pages that are read for long: the rate by page view, of visitors that are known."""
    reads = vertical.long_reads
    if reads is None:
        return None
    return {
        "pages": [page.path for page in vertical.site.pages if page.kind == reads.kind],
        "engaged_seconds": reads.seconds,
        "rate": round(reads.share * settings.STAYING_SHARE, 6),
    }


def _planted_steps(
    vertical: SimulatedVertical, conversions: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Each step with its rate from the step before; by visitor, since nobody enters twice."""
    journey = vertical.journey_of(conversions[0])
    steps: list[dict[str, Any]] = [{"conversion_name": conversions[0], "step_rate": None}]
    for before, name in pairwise(conversions):
        steps.append({"conversion_name": name, "step_rate": round(journey.rate(before, name), 6)})
    return steps


def _journey_effect(vertical: SimulatedVertical, action: Action) -> dict[str, Any]:
    """What a small action does; a rate ratio of 1 means nothing at all."""
    raised = [journey for journey in vertical.journeys if journey.name == action.raises]
    mechanism = "at random on page views"
    if raised:
        goal = raised[0].steps[-1].conversion
        mechanism = f"multiplies the chance of entering the way to {goal} on every later page"
    return {
        "name": action.event,
        "mechanism": mechanism,
        "rate_ratio": action.rate_ratio if raised else 1.0,
        "rate_per_page": action.rate,
        "journey": action.raises or None,
    }


def _days_of(calendar: Calendar) -> dict[str, Any]:
    """What is planted by day; what only an asked for demo has is left out of the others."""
    asked = ("outage_to", "revenue_lost_from")
    return _dated(
        {
            name: day
            for name, day in asdict(calendar).items()
            if day is not None or name not in asked
        }
    )


def _dated(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
    }


def _purchase_model(options: DemoOptions) -> dict[str, Any]:
    """Log odds that a page view leads to a purchase before the next page view."""
    return {
        "clock": "page views; cart and checkout open over the page and load none of their own",
        "base_log_odds": settings.BASE_LOG_ODDS,
        "intent_sd": options.intent_sd,
        "mobile_log_odds": settings.MOBILE_LOG_ODDS,
        "channel_log_odds": {
            f"{campaign.source} / {campaign.medium} / {campaign.name}": campaign.log_odds
            for campaign in shop.CAMPAIGNS
        },
        "order_value": {
            "distribution": "lognormal",
            "median_usd": settings.ORDER_MEDIAN_USD,
            "sigma": settings.ORDER_SIGMA,
        },
        "abandoned_cart_rate_per_page": settings.ABANDONED_CART_RATE,
        "abandoned_cart_continues": dict(
            zip(
                ("view_cart", "begin_checkout", "add_shipping_info", "add_payment_info"),
                settings.ABANDON_CONTINUE,
                strict=True,
            )
        ),
    }


def _effect(name: str, mechanism: str, odds_ratio: float | None, **more: Any) -> dict[str, Any]:
    return {"name": name, "mechanism": mechanism, "odds_ratio": odds_ratio, **more}


_GATES = ("add_to_cart", "begin_checkout")
_NULL_ACTIONS = ("read_reviews", "start_chat", "share", "file_download")


def _action_effects() -> list[dict[str, Any]]:
    """What each small action does to the purchase; an odds ratio of 1 means nothing at all."""
    after = "multiplies the odds of buying on every later browsed page"
    return [
        _effect("view_size_guide", after, settings.SIZE_GUIDE_ODDS_RATIO),
        _effect(
            "video_start",
            f"{after}; commoner on mobile, which buys less (Simpson)",
            settings.VIDEO_ODDS_RATIO,
            mobile_rate_ratio=settings.VIDEO_MOBILE_RATIO,
        ),
        _effect(
            "newsletter_signup",
            f"{after}, but only from some days after the sign-up",
            settings.NEWSLETTER_ODDS_RATIO,
            delay_days=settings.NEWSLETTER_DELAY_DAYS,
        ),
        _effect(
            "add_to_wishlist",
            "symptom of the hidden intent, without effect of its own",
            1.0,
            rate_log_slope_on_intent=settings.WISHLIST_INTENT_SLOPE,
        ),
        _effect(
            "banner_impression",
            "at random on page views, also of robots",
            1.0,
            rate_per_page=settings.BANNER_RATE,
        ),
        _effect(
            "push_received",
            "exponential clock time after the first visit, off-session",
            1.0,
            mean_days=settings.PUSH_MEAN_DAYS,
        ),
        *(_effect(name, "at random on page views", 1.0) for name in _NULL_ACTIONS),
        _effect("view_order_status", "only after a purchase", None),
        *(_effect(name, "gate: every purchase passes it", None) for name in _GATES),
        _effect("gift_registry_view", "rare", 1.0, expected_users=settings.RARE_EVENT_USERS),
    ]


def _day_effects(calendar: Calendar) -> list[dict[str, Any]]:
    """Changes in time; left out where the demo is too short for them, or asked for others."""
    effects, days = [], _dated(asdict(calendar))
    if calendar.mobile_drop_from is not None:
        drop = _effect(
            "mobile_add_to_cart_drop",
            "from this day to the end, carts started on mobile are kept with this share",
            None,
            start=days["mobile_drop_from"],
            keeps=settings.MOBILE_DROP_KEEP,
        )
        effects.append(drop)
    if calendar.mix_shift_from is not None:
        shift = _effect(
            "traffic_mix_shift",
            "extra new visitors from one paid-social campaign, mostly mobile; no rate changes",
            None,
            start=days["mix_shift_from"],
            end=days["mix_shift_to"],
            campaign=shop.CAMPAIGNS[shop.MIX_SHIFT].name,
            extra_share=settings.MIX_SHIFT_EXTRA_SHARE,
        )
        effects.append(shift)
    if calendar.outage_on is not None:
        until = {} if calendar.outage_to is None else {"until": days["outage_to"]}
        outage = _effect(
            "tracking_outage",
            f"no {settings.OUTAGE_EVENT} arrives on this day; behaviour is unchanged",
            None,
            event_name=settings.OUTAGE_EVENT,
            day=days["outage_on"],
            **until,
        )
        effects.append(outage)
    if calendar.revenue_lost_from is not None:
        start = days["revenue_lost_from"]
        lost = "from this day to the end, purchases arrive without their value"
        effects.append(_effect("lost_revenue", lost, None, start=start))
    return effects


def _shares() -> dict[str, float]:
    """Shares of visitors or rows that are unusual, as asked for; `counts` says what came out."""
    return {
        **_row_shares(),
        "repeated_of_purchases": settings.REPEATED_PURCHASE_SHARE,
        "no_transaction_id_of_purchases": settings.NO_TRANSACTION_ID_SHARE,
        "refunded_of_purchases": settings.REFUND_SHARE,
    }


def _row_shares() -> dict[str, float]:
    """Those that every vertical has."""
    return {
        "bots_of_visitors": settings.BOT_SHARE,
        "consent_denied_of_visitors": settings.CONSENT_DENIED_SHARE,
        "internal_of_visitors": settings.INTERNAL_SHARE,
        "server_side_of_visitors": settings.SERVER_SIDE_SHARE,
        "logging_in_of_visitors": settings.LOGIN_SHARE,
        "two_devices_of_logging_in": settings.TWO_DEVICE_SHARE,
        "email_as_user_id_of_logging_in": settings.EMAIL_USER_ID_SHARE,
        "duplicates_of_events": settings.DUPLICATE_PER_MILLION / 1_000_000,
        "late_of_events": settings.LATE_PER_MILLION / 1_000_000,
        "repeated_keys_of_events": settings.REPEATED_KEY_PER_MILLION / 1_000_000,
        "secret_urls_of_pages": settings.SECRET_URL_PER_MILLION / 1_000_000,
    }
