"""What those did instead who went no further."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Bar, Card
from microconv.report.read import Line, Reader
from microconv.report.sections.funnels import Funnel
from microconv.report.text import Name, Part, text

_KEYS = ("funnel_name", "step_number", "action_kind", "action_name")
_COLUMNS = ("step_label", "drop_count", "drop_off_count", "share", "share_low", "share_high")
_QUESTIONS = {
    "next_conversion_in_window": ("What did they do instead?", "did nothing else"),
    "next_page_in_session": ("Which page came next?", "saw no other page in the visit"),
    "exit_page": ("On which page did the visit end?", "left no page"),
}
_MOST = 6
_OTHER, _NONE = "(other)", "(none)"


def drop_off_cards(reader: Reader, funnel: Funnel) -> list[Card]:
    """Three cards about the step of the funnel after which most are lost."""
    step = _before(funnel)
    if step is None:
        return []
    found = []
    for kind, (question, nothing) in _QUESTIONS.items():
        lines = reader.lines(
            "mart_funnel_drop_offs",
            _KEYS,
            _COLUMNS,
            {"funnel_name": funnel.name, "step_number": step, "action_kind": kind},
            order="drop_count desc",
            most=_MOST * 2,
        )
        if lines:
            found.append(_card(reader, funnel, kind, question, nothing, lines))
    return found


def _before(funnel: Funnel) -> int | None:
    """The number of the step that must happen before the one where most are lost."""
    worst = funnel.worst
    if worst is None:
        return None
    at = funnel.steps.index(worst)
    earlier = [step for step in funnel.steps[:at] if step.words("role") != "optional"]
    return int(earlier[-1].value("step_number") or 0) if earlier else None


def _card(
    reader: Reader,
    funnel: Funnel,
    kind: str,
    question: str,
    nothing: str,
    lines: Sequence[Line],
) -> Card:
    first = lines[0]
    named = [line for line in lines if line.words("action_name") != _OTHER][:_MOST]
    top = named[0] if named else first
    action = _action(reader, kind, top)
    did: Part = text(nothing) if top.words("action_name") == _NONE else action
    answer = text("Most often: ", did, ", ", top.count("drop_count"), " times.")
    return Card(
        key=f"instead-{kind.replace('_', '-')}",
        question=question,
        answer=answer,
        base=text(
            "Base: ",
            first.count("drop_off_count"),
            f" {funnel.unit} who reached ",
            first.name("step_label"),
            " and went no further (",
            Name(funnel.rules.label),
            ")",
        ),
        scope=reader.told(
            segment="what came next is not divided by segments",
            since="everybody is counted once over all of them",
        ),
        bars=tuple(
            Bar(
                _action(reader, kind, line),
                line.value("share") or 0.0,
                line.count("drop_count"),
                line.interval("share") if line.has("share") else "too few for a share",
            )
            for line in named
        ),
    )


def _action(reader: Reader, kind: str, line: Line) -> Part:
    name = line.words("action_name")
    if name == _NONE:
        return "Nothing"
    if kind.startswith("next_conversion"):
        return reader.label(name)
    return Name(name)
