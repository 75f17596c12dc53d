"""Whether a score means what it says: visitors of an earlier day, and what they did later."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.sections.origin import known, missing_card
from microconv.report.text import Part, Text, text

_MODELS, _BANDS = "evidence_score_models", "evidence_score_bands"
_ENDS = ("", "_low", "_high")
_MODEL_COLUMNS = (
    *("is_learned_better", "test_cut_date", "test_subject_count", "test_converted_count"),
    "horizon_days",
    *(
        f"{name}{end}"
        for name in ("present_auc", "learned_auc", "auc_difference", "calibration_slope")
        for end in _ENDS
    ),
)
_RATE = tuple(f"conversion_rate{end}" for end in _ENDS)
_BAND_KEYS = ("macro_name", "score_kind", "band_number")
_BAND_COLUMNS = (
    *("score_from", "score_to", "subject_count", "converted_count", *_RATE),
    "mean_predicted_rate",
)
_CHANCE = 0.5


def calibration_card(reader: Reader) -> list[Card]:
    """How often each band of the score was followed by the goal."""
    if not reader.scope.macro_name:
        return []
    old = known(reader, _MODELS, "score")
    if old is None:
        return [missing_card(reader, "score", "Did higher scores go with the goal?")]
    goal = {"macro_name": reader.scope.macro_name}
    [model] = reader.lines(_MODELS, ("macro_name", "micro_name"), _MODEL_COLUMNS, goal, most=1)
    bands = reader.lines(_BANDS, _BAND_KEYS, _BAND_COLUMNS, goal, "score_from")
    of_kind = {
        kind: [one for one in bands if one.words("score_kind") == kind]
        for kind in ("present", "learned")
    }
    return [
        Card(
            key="calibration",
            question=text("Did higher scores go with ", reader.scope.goal, "?"),
            answer=_answer(model),
            headline=_area(model, "present_auc") if model.has("present_auc") else "",
            base=text(
                "Base: ",
                model.count("test_subject_count"),
                " visitors as they were on ",
                reader.numbers.day(model.day("test_cut_date")),
                ", of whom ",
                model.count("test_converted_count"),
                " got there within ",
                model.count("horizon_days"),
                " days",
            ),
            scope=reader.told(
                segment="scores are tested over everybody",
                since="a test takes all the history there is",
            ),
            charts=_chart(reader, of_kind["present"]),
            points=_learned(model),
            tables=(
                *_table("By score", of_kind["present"], is_predicted=False),
                *_table("By learned score", of_kind["learned"], is_predicted=True),
            ),
            caveats=(
                *old,
                "Points were tested on an earlier day of the same site; they say who did it more "
                "often, not why.",
            ),
            rule="Share of pairs, one of whom got there, in which that one had more points: "
            "50 % is chance.",
        )
    ]


def _area(model: Line, column: str) -> Text:
    return text(model.interval(column), " of pairs in the right order")


def _answer(model: Line) -> Text:
    low, high = (model.value(f"present_auc_{end}") for end in ("low", "high"))
    if low is None or high is None:
        return text("Too few got there to tell.")
    if low > _CHANCE:
        return text("Yes: who got there later had more points, more often than chance.")
    if high < _CHANCE:
        return text("No: who got there later had fewer points, more often than chance.")
    return text("That cannot be told: the order may be chance.")


def _learned(model: Line) -> tuple[Part, ...]:
    """What learned points would be worth, and whether their probabilities are calibrated."""
    if not model.has("learned_auc", "auc_difference"):
        return ()
    verdict = "better" if model.record["is_learned_better"] else "not clearly better"
    said: list[Part] = [
        text(
            f"Learned points are {verdict}: ",
            _area(model, "learned_auc"),
            ", a difference of ",
            model.interval("auc_difference", "change"),
            ".",
        )
    ]
    if model.has("calibration_slope"):
        said.append(
            text(
                "Calibration slope of their probabilities: ",
                model.interval("calibration_slope", "plain"),
                "; 1 is perfect, below 1 is too sure of itself.",
            )
        )
    return tuple(said)


def _chart(reader: Reader, bands: Sequence[Line]) -> tuple[Chart, ...]:
    rows = [
        row_of(line, f"Score {_span(line).plain}", "conversion_rate", "share")
        for line in bands
        if line.has(*_RATE)
    ]
    if not rows:
        return ()
    said = "Share that got there later: " + "; ".join(f"{row.label} {row.number}" for row in rows)
    return (forest(rows, "share", reader.numbers, f"{said}."),)


def _span(line: Line) -> Text:
    low, high = (line.shown(f"score_{end}", "plain") for end in ("from", "to"))
    return text(low, " to ", high)


def _table(caption: str, bands: Sequence[Line], is_predicted: bool) -> tuple[Table, ...]:
    if not bands:
        return ()
    rows = tuple(
        (
            _span(line),
            line.count("subject_count"),
            line.count("converted_count"),
            line.interval("conversion_rate") if line.has(*_RATE) else "too few",
            *([line.shown("mean_predicted_rate", "share")] if is_predicted else []),
        )
        for line in bands
    )
    predicted = ("Predicted",) if is_predicted else ()
    headings = ("Score", "Visitors", "Got there later", "Share [95 %]", *predicted)
    return (Table(caption, headings, rows, is_folded=True),)
