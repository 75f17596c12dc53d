"""Alerts of the mart as stories: by all their rules, with others that name the same segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from microconv.aggregates.literals import literal
from microconv.report.read import Line, Reader

ALERTS, _PARTS, _RUNS = "mart_alerts", "mart_alert_parts", "mart_watch_runs"
KEYS = ("watch_id", "metric_name", "rule", "direction")
METRIC = ("metric_kind", "step_number", "segment_dimension", "segment_value")
COLUMNS = (
    *("metric_label", *METRIC, "as_of_date", "alert_date", "since_date", "is_ongoing"),
    *("relative_change", "statistic", "limit_value", "success_count", "trial_count"),
    *("rate", "rate_low", "rate_high", "baseline_rate", "counted_count", "expected_count"),
    *("sentence", "diagnosis", "next_look", "annotations"),
)
_RUN_COLUMNS = (
    *("as_of_date", "since_days", "watched_until_date"),
    *("rates_watched_count", "rates_not_watched_count", "alert_count", "tracking_problem_count"),
)
_PART_KEYS = ("watch_id", "direction", "part_kind", "part_dimension", "part_value")
_PART_COLUMNS = ("contribution", "share", "rate_before", "rate_after", "q_value", "is_main")
_OF_SEGMENTS = ("mix", "segment_rate")
MOST = 200


@dataclass(frozen=True)
class Story:
    """An alert by all its rules, and others that stand out in the same segment.

    Args:
        lines: A row of the mart per rule, the clearest first; all say the same words.
        parts: What the diagnosis consists of.
        others: The first rows of the others.
    """

    lines: tuple[Line, ...]
    parts: tuple[Line, ...]
    others: tuple[Line, ...]

    @property
    def line(self) -> Line:
        """The clearest rule."""
        return self.lines[0]


def newest_run(reader: Reader) -> Line | None:
    """The newest run of `watch` over every rate; None where it never ran."""
    found = reader.lines(_RUNS, ("watch_id",), _RUN_COLUMNS, order="as_of_date desc", most=1)
    return found[0] if found else None


def read_stories(reader: Reader) -> list[Story]:
    """Those that go on and the newest first."""
    found = _read(reader)
    return _stories(found, _parts(reader, found))


def _read(reader: Reader) -> list[Line]:
    """Rows with words, of everybody and of the segment that was asked for."""
    scope = reader.scope
    conditions = [
        "metric_kind <> 'tracking'",
        "sentence <> ''",
        f"alert_date >= date '{scope.begin.isoformat()}'",
    ]
    if not scope.is_everybody:
        conditions.append(
            "(segment_dimension = 'all'"
            f" or (segment_dimension = {_text(reader, scope.dimension)}"
            f" and segment_value = {_text(reader, scope.segment)}))"
        )
    return reader.lines(
        ALERTS,
        KEYS,
        COLUMNS,
        # What an old run found to go on is not known to go on now.
        order="as_of_date desc, is_ongoing desc, alert_date desc, abs(statistic) desc",
        most=MOST,
        also=" and ".join(conditions),
    )


def _parts(reader: Reader, found: Sequence[Line]) -> dict[tuple[str, str], list[Line]]:
    """Parts by alert."""
    owners = sorted({line.words("watch_id") for line in found})
    if not owners:
        return {}
    wanted = ", ".join(_text(reader, owner) for owner in owners)
    parts: dict[tuple[str, str], list[Line]] = {}
    for line in reader.lines(
        _PARTS,
        _PART_KEYS,
        _PART_COLUMNS,
        order="abs(contribution) desc",
        also=f"watch_id in ({wanted})",
    ):
        parts.setdefault((line.words("watch_id"), line.words("direction")), []).append(line)
    return parts


def _stories(found: Sequence[Line], parts: Mapping[tuple[str, str], Sequence[Line]]) -> list[Story]:
    """Alerts of a run that name the same segment are one story, told by the clearest of them."""
    alerts: dict[tuple[str, str], list[Line]] = {}
    for line in found:
        alerts.setdefault((line.words("watch_id"), line.words("direction")), []).append(line)
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for owner in alerts:
        main = [
            part
            for part in parts.get(owner, ())
            if part.record["is_main"] and part.words("part_kind") in _OF_SEGMENTS
        ]
        names = ("part_kind", "part_dimension", "part_value")
        run, direction = alerts[owner][0].words("as_of_date"), owner[1]
        key = (run, direction, *(main[0].words(name) for name in names)) if main else owner
        groups.setdefault(key, []).append(owner)
    stories = []
    for owners in groups.values():
        clearest = [max(alerts[owner], key=_clarity) for owner in owners]
        first = max(clearest, key=_clarity)
        owner = owners[clearest.index(first)]
        lines = sorted(alerts[owner], key=_clarity, reverse=True)
        others = [one for one in clearest if one is not first]
        stories.append(Story(tuple(lines), tuple(parts.get(owner, ())), tuple(others)))
    return stories


def _clarity(line: Line) -> float:
    return abs(line.value("statistic") or 0.0)


def _text(reader: Reader, value: str) -> str:
    return literal(value, reader.warehouse.is_duckdb)
