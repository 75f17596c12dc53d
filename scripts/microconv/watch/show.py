"""Prints what `watch` found for people, and as a message for Slack."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Any

from microconv import output
from microconv.watch import words
from microconv.watch.report import LIMITS, Outcome, headline, rate_of
from microconv.watch.rows import stories
from microconv.watching.alerts import LARGEST_DETECTABLE_DROP
from microconv.watching.scores import BASELINE_WEEKS, HISTORY_DAYS, WEEK
from microconv.watching.units import SHARE, amount, amounts
from microconv.watching.wording import signed

_MOST_BLOCKS = 45
_MOST_CHARACTERS = 2_900
"""Slack takes 50 blocks of 3,000 characters."""

_MOST_NAMES = 8
_FORMATS = re.compile(r"(?<!\w)_|_(?!\w)|[*~`]")
_BELOW = " !"

_STANDINGS = {
    "tracking_suspect": "Tracking is suspect, so that nothing is said of visitors",
    "too_little_data": f"Too few to watch, since not even a drop of {LARGEST_DETECTABLE_DROP:.0%} "
    "in a week would show",
    "learning": f"Fewer than {HISTORY_DAYS} days of history, so that no rule is tested yet",
    "too_little_history": f"Fewer than {BASELINE_WEEKS * WEEK} days of history, so that nothing is "
    "usual yet",
    "no_data_on_the_day": "Nothing was counted on the day",
    "not_a_rate": "More successes than trials on a day or a sum below 0, so no rate",
    "no_complete_day": "No day is complete yet",
}


def show(found: Outcome, place: str) -> None:
    """Print tracking first: what it concerns says nothing about visitors."""
    output.say_sentence(headline(found))
    output.say()
    if found.problems:
        output.say("Tracking (no behaviour)")
        for problem, noted in found.problems:
            output.say_sentence(f"- {words.problem_sentence(problem).removeprefix('Tracking: ')}")
            output.say_sentence(f"  Next: {words.problem_next_look(problem.suspicion)}")
            _say_if(words.annotation_sentence(noted))
        output.say()
    if found.alerts:
        output.say("Alerts")
        for one, others in stories(found.alerts):
            output.say_sentence(f"- {one.sentence}")
            output.say_sentence(f"  {words.evidence_sentence(one.alert, found.minimum)}")
            output.say_sentence(f"  {one.diagnosis}")
            _say_if(words.others_sentence(others))
            output.say_sentence(f"  Next: {one.next_look}")
            _say_if(words.annotation_sentence(one.annotations))
        output.say()
    _rates(found)
    output.say("What this cannot say")
    for limit in LIMITS:
        output.say_sentence(f"- {limit}")
    output.say()
    output.say(f"Tables: mart_alerts, mart_alert_parts and mart_watch_runs, {place}.")


def slack_message(found: Outcome) -> dict[str, Any]:
    """A message for an incoming webhook of Slack; names cannot mention or link anybody."""
    told = headline(found)
    lines = [
        f"*Tracking* {_escaped(words.problem_sentence(problem).removeprefix('Tracking: '))}\n"
        f"_Next:_ {_escaped(words.problem_next_look(problem.suspicion))}"
        for problem, _ in found.problems
    ]
    for one, others in stories(found.alerts):
        parts = [
            f"*{one.alert.direction.value.capitalize()}* {_escaped(one.sentence)}",
            _escaped(words.evidence_sentence(one.alert, found.minimum)),
            _escaped(one.diagnosis),
            _escaped(words.others_sentence(others)),
            f"_Next:_ {_escaped(one.next_look)}",
            _escaped(words.annotation_sentence(one.annotations)),
        ]
        lines.append("\n".join(part for part in parts if part))
    left_out = len(lines) - _MOST_BLOCKS
    if left_out > 0:
        lines = [*lines[:_MOST_BLOCKS], f"{left_out} more in mart_alerts."]
    blocks = [_section(_escaped(told)), *map(_section, lines)]
    return {"text": _escaped(told), "blocks": blocks}


def _rates(found: Outcome) -> None:
    """The plain number beside each rate: it is printed always, and tells nobody by itself."""
    table = []
    silent: dict[str, list[str]] = defaultdict(list)
    for judged in found.judged:
        one = rate_of(judged, found.minimum)
        if one["standing"] != "watched":
            silent[one["standing"]].append(judged.series.short)
        if one["day"] is None:
            continue
        mark = _BELOW if one["is_below_previous_week"] else ""
        table.append(
            [
                judged.series.short,
                f"{one['day']:%m-%d}",
                _base(one),
                amounts(one["rate"], one["rate_low"], one["rate_high"], one["value_unit"]),
                amount(one["baseline_rate"], one["value_unit"]),
                signed(one["change_vs_previous_week"]) + mark,
                f"{_drop(one['smallest_daily_drop'])} / {_drop(one['smallest_weekly_drop'])}",
            ]
        )
    if table:
        headings = ["Rate", "Day", "Base", "Rate, 95 % interval", "Usual", "Week before", "Visible"]
        output.print_table("Rates on their last complete day", headings, table)
        output.say_sentence(
            "Week before: against the seven days before; ! is 20 % below, often by chance, and "
            "tells nobody. Visible: the smallest drop that a day / a week would show every second "
            "time."
        )
    for standing, names in silent.items():
        named = ", ".join(names[:_MOST_NAMES])
        more = len(names) - _MOST_NAMES
        output.say_sentence(
            f"- {_STANDINGS[standing]}: {named}{f' and {more} more' if more > 0 else ''}."
        )
    output.say()


def _base(one: dict[str, Any]) -> str:
    """How many did it of how many; of a mean of how many it is."""
    trials = output.count(one["trial_count"])
    if one["value_unit"] != SHARE:
        return f"of {trials}"
    return f"{output.count(one['success_count'])} of {trials}"


def _drop(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.0f} %" if share <= 1 else "> 100 %"


def _say_if(sentence: str) -> None:
    if sentence:
        output.say_sentence(f"  {sentence}")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_MOST_CHARACTERS]}}


def _escaped(text: str) -> str:
    """Text in which Slack finds no link, mention, command or format; on one line."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        plain = plain.replace(character, entity)
    # A zero-width space keeps what would switch a format on from doing so; an underscore inside a
    # word does not.
    return _FORMATS.sub("\u200b\\g<0>\u200b", plain)
