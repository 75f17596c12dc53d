"""Learned points as a change of the seeds that a person can review."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from microconv.errors import FINDINGS, MicroconvError
from microconv.evidence.calibration import Band
from microconv.evidence.score import LearnedScore
from microconv.files import replace_file

WEIGHTS, BANDS = "lead_score_weights.csv", "lead_score_bands.csv"
NEVER_HALVES_DAYS = 36_500
"""Written for points that do not fade: a hundred years."""

WEIGHT_COLUMNS = ("conversion_name", "points", "half_life_days", "cap", "origin", "fitted_on")
BAND_COLUMNS = (
    "conversion_name",
    "horizon_days",
    "score_from",
    "score_to",
    "probability_percent",
    "probability_percent_low",
    "probability_percent_high",
    "subject_count",
    "fitted_on",
)


@dataclass(frozen=True)
class Proposal:
    """Two seeds as they would be.

    Args:
        weights: Content of lead_score_weights.csv.
        bands: Content of lead_score_bands.csv.
        difference: Of the weights, as a unified diff.
    """

    weights: str
    bands: str
    difference: tuple[str, ...]


def propose(
    seeds: Path,
    catalog: Sequence[str],
    learned: LearnedScore,
    bands: Sequence[Band],
    macro: str,
    horizon_days: float,
    fitted_on: date,
) -> Proposal:
    """The seeds with learned points.

    Every conversion of the catalog gets a row: what the model does not know has 0 points, or the
    score of the warehouse would not be the one that was tested. An occurrence counts once (the cap
    is its points), the last one.

    Raises:
        MicroconvError: The present list cannot be read.
    """
    now = _read(seeds / WEIGHTS)
    points = dict(zip(learned.names, learned.points, strict=True))
    days = learned.half_life_days
    half_life = NEVER_HALVES_DAYS if math.isinf(days) else days
    rows = {row["conversion_name"]: dict(row) for row in _rows(now)}
    for name in catalog:
        rows.setdefault(name, {"conversion_name": name})
    for name, row in rows.items():
        learned_points = points.get(name, 0)
        row |= {
            "points": str(learned_points),
            "half_life_days": f"{half_life:g}",
            "cap": str(learned_points),
            "origin": "learned",
            "fitted_on": fitted_on.isoformat(),
        }
    weights = _text(WEIGHT_COLUMNS, list(rows.values()))
    difference = difflib.unified_diff(
        now.splitlines(), weights.splitlines(), f"seeds/{WEIGHTS}", f"seeds/{WEIGHTS}", lineterm=""
    )
    return Proposal(
        weights,
        _text(BAND_COLUMNS, band_rows(bands, macro, horizon_days, fitted_on)),
        tuple(difference),
    )


def band_rows(
    bands: Sequence[Band], macro: str, horizon_days: float, fitted_on: date
) -> list[dict[str, str]]:
    """Bands that leave no score out: each reaches up to the next, the last has no end."""
    starts = [0.0, *(band.low_score for band in bands[1:])]
    ends = [*(_decimal(start) for start in starts[1:]), ""]
    return [
        {
            "conversion_name": macro,
            "horizon_days": f"{horizon_days:g}",
            "score_from": _decimal(start),
            "score_to": end,
            "probability_percent": _decimal(100 * band.rate.value),
            "probability_percent_low": _decimal(100 * band.rate.low),
            "probability_percent_high": _decimal(100 * band.rate.high),
            "subject_count": f"{band.visitors:.0f}",
            "fitted_on": fitted_on.isoformat(),
        }
        for band, start, end in zip(bands, starts, ends, strict=True)
    ]


def _decimal(number: float) -> str:
    """With three decimals at most, which is what a numeric column keeps on every warehouse."""
    return f"{number:.3f}".rstrip("0").rstrip(".")


def write(proposal: Proposal, seeds: Path) -> None:
    """Write both seeds, each whole.

    Raises:
        MicroconvError: A file cannot be written.
    """
    for name, content in ((WEIGHTS, proposal.weights), (BANDS, proposal.bands)):
        path = seeds / name
        try:
            replace_file(content.encode("utf-8"), path)
        except OSError as error:
            raise MicroconvError(f"{path} cannot be written: {error}", "", FINDINGS) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MicroconvError(
            f"{path} cannot be read: {error}", "Run `microconv check`.", FINDINGS
        ) from error


def _rows(text: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    if any("conversion_name" not in row for row in rows):
        raise MicroconvError(
            f"{WEIGHTS} has no column conversion_name.", "Run `microconv check`.", FINDINGS
        )
    return rows


def _text(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
