"""The rules of lead_score_bands: bands without gaps, of the points that they were tested with."""

from __future__ import annotations

from itertools import pairwise

from microconv.check.cells import number_of
from microconv.check.problems import quoted
from microconv.check.table import Row, Table

_WRITE_ANEW = "Run `microconv score --write` again, or delete all rows but the header."


def check_bands(bands: Table, weights: Table, catalog: Table) -> None:
    """Note bands that are not of a macro, leave gaps, or belong to other points than there are."""
    if not bands.rows or not bands.is_complete:
        return
    kinds = {row.get("conversion_name"): row.get("conversion_type") for row in catalog.rows}
    for row in bands.rows:
        if kinds.get(row.get("conversion_name")) == "micro":
            bands.refuse(
                f"{quoted(row.get('conversion_name'))} is a micro-conversion.",
                "A probability is of a macro-conversion.",
                row,
                "conversion_name",
            )
        _check_interval(bands, row)
    _check_order(bands)
    if weights.is_complete:
        _check_points(bands, weights)


def _check_interval(bands: Table, row: Row) -> None:
    names = ("probability_percent_low", "probability_percent", "probability_percent_high")
    low, value, high = (number_of(row.get(name)) for name in names)
    if low is None or value is None or high is None:
        return
    if not low <= value <= high <= 100:
        bands.refuse(
            f"{value} % does not lie between {low} % and {high} %, or one is above 100 %.",
            _WRITE_ANEW,
            row,
            "probability_percent",
        )


def _check_order(bands: Table) -> None:
    first, last = bands.rows[0], bands.rows[-1]
    if number_of(first.get("score_from")) != 0:
        bands.refuse("The first band does not begin at 0.", _WRITE_ANEW, first, "score_from")
    for row, after in pairwise(bands.rows):
        if number_of(row.get("score_to")) != number_of(after.get("score_from")):
            bands.refuse(
                "The next band does not begin where this one ends.", _WRITE_ANEW, row, "score_to"
            )
        elif (number_of(row.get("score_to")) or 0) <= (number_of(row.get("score_from")) or 0):
            bands.refuse("The band ends before it begins.", _WRITE_ANEW, row, "score_to")
        if row.get("conversion_name") != after.get("conversion_name"):
            bands.refuse("Bands are of one macro-conversion.", _WRITE_ANEW, after)
    if last.get("score_to"):
        bands.refuse("The last band has an end.", _WRITE_ANEW, last, "score_to")


def _check_points(bands: Table, weights: Table) -> None:
    """A probability beside points that it was not tested with would be a wrong number."""
    fitted = {(row.get("origin"), row.get("fitted_on")) for row in weights.rows}
    for row in bands.rows[:1]:
        if fitted != {("learned", row.get("fitted_on"))}:
            bands.refuse(
                f"These bands were tested with points fitted on {row.get('fitted_on')}, and "
                f"{weights.file} holds others.",
                _WRITE_ANEW,
                row,
                "fitted_on",
            )
