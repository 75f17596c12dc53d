"""Who comes, when, from where and on which device: visitors and their sessions.

A visitor is a person; a person with two devices has two `user_pseudo_id`s and is one visitor only
through the login. Arrays of `Visitors` have one element per person, of `Sessions` one per session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from microconv.demo import settings
from microconv.demo.arrays import Bools, Floats, Ints, group_starts, last_flagged, mixed, positions
from microconv.demo.local_time import MICROSECONDS, SECONDS_PER_DAY, local_to_utc_seconds
from microconv.demo.site import Site
from microconv.demo.vertical import MailReaders

WEEKDAY_WEIGHTS = (1.06, 1.08, 1.07, 1.04, 0.94, 0.86, 0.95)
"""New visitors by weekday, Monday first; mean 1."""
_HOUR_WEIGHTS = (
    14, 9, 6, 4, 4, 7, 14, 24, 34, 42, 47, 50, 53, 51, 49, 48, 49, 52, 57, 64, 70, 66, 48, 28
)  # fmt: skip


@dataclass(frozen=True)
class Visitors:
    """People of one chunk. `intent` is the hidden u; `devices` has shape (people, 2)."""

    person: Ints
    intent: Floats
    devices: Ints
    place: Ints
    campaign: Ints
    is_bot: Bools
    has_no_consent: Bools
    is_internal: Bools
    is_server_side: Bools
    logs_in: Bools
    has_two_devices: Bools


@dataclass(frozen=True)
class Sessions:
    """Sessions in order of person and time.

    `slot` is the device (0 or 1) of the person, `number` counts from 1 per slot, `collected` and
    `last_click` are campaign codes, `day_offset` whole days since the first visit, `start` UTC
    seconds (filled by `with_starts`).
    """

    visitor: Ints
    first_index: Ints
    slot: Ints
    number: Ints
    collected: Ints
    last_click: Ints
    device: Ints
    day_offset: Ints
    time_of_day: Ints
    start: Ints


def draw_visitors(
    rng: np.random.Generator, person: Ints, intent_sd: float, shifted_from: int, site: Site
) -> Visitors:
    """Draw the traits of `person` (global numbers).

    People at index `shifted_from` and later belong to the mix shift: one paid-social campaign,
    mostly mobile. Their behaviour follows the same rates as everybody's.
    """
    n = len(person)
    is_bot = rng.random(n) < settings.BOT_SHARE
    weights = np.array([device.weight for device in site.devices])
    devices = rng.choice(len(weights), size=(n, 2), p=weights / weights.sum())
    campaign_weights = np.array([campaign.weight for campaign in site.campaigns])
    campaign = rng.choice(len(campaign_weights), size=n, p=campaign_weights)
    shifted = np.arange(n) >= shifted_from
    phone = np.flatnonzero([device.is_mobile for device in site.devices])
    on_phone = shifted & (rng.random(n) < settings.MIX_SHIFT_MOBILE_SHARE)
    devices[:, 0] = np.where(on_phone, phone[rng.integers(0, len(phone), n)], devices[:, 0])
    devices[is_bot] = site.bot_device
    place_weights = np.array([place.weight for place in site.places])
    has_no_consent = (rng.random(n) < settings.CONSENT_DENIED_SHARE) & ~is_bot
    logs_in = (rng.random(n) < settings.LOGIN_SHARE) & ~is_bot & ~has_no_consent
    return Visitors(
        person=person,
        intent=rng.normal(0.0, 1.0, n) * intent_sd,
        devices=devices,
        place=rng.choice(len(place_weights), size=n, p=place_weights / place_weights.sum()),
        campaign=np.where(is_bot, site.direct, np.where(shifted, site.extra, campaign)),
        is_bot=is_bot,
        has_no_consent=has_no_consent,
        is_internal=(rng.random(n) < settings.INTERNAL_SHARE) & ~is_bot,
        is_server_side=(rng.random(n) < settings.SERVER_SIDE_SHARE) & ~is_bot,
        logs_in=logs_in,
        has_two_devices=logs_in & (rng.random(n) < settings.TWO_DEVICE_SHARE),
    )


def draw_sessions(rng: np.random.Generator, visitors: Visitors, site: Site) -> Sessions:
    """Draw how often each person comes back, on which device and from which campaign."""
    counts = np.minimum(
        rng.geometric(1 - settings.RETURN_SHARE, len(visitors.person)), settings.MAX_SESSIONS
    )
    counts = np.where(visitors.has_two_devices, np.maximum(counts, 2), counts)
    counts = np.where(visitors.is_bot, 1, counts).astype(np.int64)
    day_offset, counts = _return_days(rng, counts)
    visitor = np.repeat(np.arange(len(counts)), counts)
    position = positions(counts)
    n = len(visitor)
    second = visitors.has_two_devices[visitor] & ((rng.random(n) < 0.45) | (position == 1))
    slot = np.where(position > 0, second, False).astype(np.int64)
    kind = rng.random(n)
    again = np.where(kind < 0.55, site.direct, visitors.campaign[visitor])
    again = np.where(kind > 0.85, site.reminder, again)
    collected = np.where(position == 0, visitors.campaign[visitor], again)
    number, last_click = _per_device(visitor, slot, collected, site.direct)
    hours = np.array(_HOUR_WEIGHTS) / sum(_HOUR_WEIGHTS)
    return Sessions(
        visitor=visitor,
        first_index=np.repeat(group_starts(counts), counts),
        slot=slot,
        number=number,
        collected=collected,
        last_click=last_click,
        device=visitors.devices[visitor, slot],
        day_offset=day_offset,
        time_of_day=rng.choice(24, size=n, p=hours) * 3600 + rng.integers(0, 3600, n),
        start=np.zeros(n, dtype=np.int64),
    )


def come_by_mail(
    rng: np.random.Generator, visitors: Visitors, sessions: Sessions, mail: MailReaders, site: Site
) -> Sessions:
    """The same sessions, where each later one of a mail reader comes from the mails' campaign."""
    reads = (rng.random(len(visitors.person)) < mail.share) & ~visitors.has_two_devices
    is_later = np.arange(len(sessions.visitor)) > sessions.first_index
    by_mail = is_later & reads[sessions.visitor]
    collected = np.where(by_mail, mail.campaign, sessions.collected)
    _, last_click = _per_device(sessions.visitor, sessions.slot, collected, site.direct)
    return replace(sessions, collected=collected, last_click=last_click)


def _return_days(rng: np.random.Generator, counts: Ints) -> tuple[Ints, Ints]:
    """Days since the first visit of each session, and the counts left within `MAX_LIFE_DAYS`."""
    position = positions(counts)
    gaps = np.floor(rng.exponential(settings.RETURN_MEAN_DAYS, len(position))).astype(np.int64)
    gaps[position == 0] = 0
    total = np.cumsum(gaps)
    offset = total - np.repeat(total[group_starts(counts)], counts)
    kept = offset < settings.MAX_LIFE_DAYS - 1
    group = np.repeat(np.arange(len(counts)), counts)
    return offset[kept], np.bincount(group[kept], minlength=len(counts)).astype(np.int64)


def _per_device(visitor: Ints, slot: Ints, collected: Ints, direct: int) -> tuple[Ints, Ints]:
    """Session number and last non-direct campaign, counted per cookie as GA4 does."""
    order = np.argsort(visitor * 2 + slot, kind="stable")
    cookie = (visitor * 2 + slot)[order]
    first = np.searchsorted(cookie, cookie, side="left")
    number = np.empty_like(visitor)
    number[order] = np.arange(len(cookie)) - first + 1
    newest = last_flagged(collected[order] != direct, first)
    last_click = np.empty_like(visitor)
    last_click[order] = np.where(newest >= 0, collected[order][newest], direct)
    return number, last_click


def session_starts(
    rng: np.random.Generator, sessions: Sessions, cohort_day: int, duration_seconds: Ints
) -> Ints:
    """UTC second at which each session starts, never within two hours of the previous one's end.

    `cohort_day` is the local day number of the first visits. The two hours leave room for a change
    of the clock and for checkout pages that are added later, and still exceed GA4's 30 minutes.
    """
    start = (cohort_day + sessions.day_offset) * SECONDS_PER_DAY + sessions.time_of_day
    position = np.arange(len(start)) - sessions.first_index
    pause = rng.integers(0, 3 * 3600, len(start))
    for nth in range(1, settings.MAX_SESSIONS):
        index = np.flatnonzero(position == nth)
        earliest = start[index - 1] + duration_seconds[index - 1] + settings.SAME_SITTING_SECONDS
        late = earliest + pause[index]
        start[index] = np.where(start[index] < earliest, late, start[index])
    return local_to_utc_seconds(start)


def of_first_session(sessions: Sessions, values: Ints) -> Ints:
    """For each session, the value that the same cookie's first session has."""
    cookie = sessions.visitor * 2 + sessions.slot
    first: Ints = np.zeros(int(cookie.max()) + 1 if len(cookie) else 0, dtype=np.int64)
    opening = sessions.number == 1
    first[cookie[opening]] = values[opening]
    return first[cookie]


def start_microseconds(sessions: Sessions) -> Ints:
    """UTC microseconds of each session's first event; the fraction is a hash, so it is stable."""
    fraction = mixed(sessions.start, 2) % np.uint64(MICROSECONDS)
    return sessions.start * MICROSECONDS + fraction.astype(np.int64)
