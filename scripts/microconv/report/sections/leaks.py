"""Where it leaks: funnels, what people did instead and said, segments, and how long it takes."""

from __future__ import annotations

from microconv.report.cards import Card, Section
from microconv.report.read import Reader
from microconv.report.sections.contents import content_card
from microconv.report.sections.drop_offs import drop_off_cards
from microconv.report.sections.feedback import feedback_cards
from microconv.report.sections.funnels import Funnel, funnel_card, read_funnels
from microconv.report.sections.paths import path_cards
from microconv.report.sections.segments import segment_cards
from microconv.report.sections.stages import flow_card
from microconv.report.sections.velocity import velocity_card
from microconv.report.sections.visits import cycle_card
from microconv.report.text import text


def leaks(reader: Reader) -> Section:
    """The funnels of the goal first; what follows is about the first of them."""
    funnels = read_funnels(reader)
    cards = [funnel_card(reader, funnel) for funnel in funnels]
    if funnels:
        cards += drop_off_cards(reader, funnels[0])
        cards += velocity_card(reader, funnels[0])
    else:
        cards.append(_no_funnel(reader))
    cards += segment_cards(reader)
    if reader.scope.macro_name:
        cards += [*path_cards(reader), *cycle_card(reader), *content_card(reader)]
    cards += flow_card(reader)
    cards += feedback_cards(reader)
    return Section("leaks", "Where it leaks", _lead(funnels), tuple(cards), cards[0].answer)


def _lead(funnels: list[Funnel]) -> str:
    if not funnels:
        return ""
    return (
        "Each funnel by its own rules. Only entries whose time is over are counted, so that "
        "nobody passes for lost who may still come."
    )


def _no_funnel(reader: Reader) -> Card:
    goal = reader.scope.goal
    return Card(
        key="no-funnel",
        question="Where do they leave?",
        answer=text(
            "No funnel has the goal ", goal, " as a step; funnels.csv and funnel_steps.csv add one."
        )
        if reader.scope.is_everybody
        else "No funnel has entries of this segment.",
        scope=reader.told(since="everybody is counted once over all of them"),
        is_wide=True,
    )
