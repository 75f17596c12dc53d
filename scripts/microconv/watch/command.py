"""The `watch` command: what moved in the last days, what broke, and whom to tell."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.correlate.command import NoWriteOption
from microconv.errors import FINDINGS, USAGE, MicroconvError

if TYPE_CHECKING:
    from microconv.watch.report import Outcome

MOST_DAYS = 366


class WatchFormat(StrEnum):
    """How alerts are printed."""

    TEXT = "text"
    JSON = "json"
    SLACK = "slack"


class Dimension(StrEnum):
    """Dimensions whose segments may be watched by themselves."""

    DEVICE = "device_category"
    CHANNEL = "channel_group"
    VISITOR_TYPE = "visitor_type"
    COUNTRY = "country"
    LANDING_PAGE = "landing_page_path"
    BROWSER = "browser"


def watch(
    since: Annotated[
        str, typer.Option("--since", help="How many of the last complete days, such as 7d or 2w.")
    ] = "7d",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", help="Only this conversion, key figure or funnel; repeat for more."
        ),
    ] = None,
    by: Annotated[
        list[Dimension] | None,
        typer.Option(
            "--by", help="Also watch every segment of this dimension; more alarms by chance."
        ),
    ] = None,
    output_format: Annotated[
        WatchFormat, typer.Option("--format", help="How to print.")
    ] = WatchFormat.TEXT,
    fail_on_findings: Annotated[
        bool, typer.Option("--fail-on-findings", help="Exit with 1 if there is something to tell.")
    ] = False,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook",
            envvar="MICROCONV_WEBHOOK",
            help="Post what there is to tell to this address, as Slack message or as JSON.",
            show_envvar=True,
        ),
    ] = None,
    no_write: NoWriteOption = False,
) -> None:
    """Say which rates moved more than chance, what that consists of, and where tracking broke.

    Writes mart_alerts, mart_alert_parts and mart_watch_runs. Exit codes: 0, 1 with
    --fail-on-findings, 2 errors.

    Example: microconv watch --since 7d --fail-on-findings
    """
    from microconv.watch.post import check_address
    from microconv.watch.run import run_watch

    days = _days(since)
    if webhook:
        check_address(webhook)
    try:
        found, place = _run(run_watch, days, metric or [], [one.value for one in by or []])
        _print(found, output_format, place)
        if not no_write:
            _write(found, is_whole=not metric)
        if webhook and found.notifies:
            _post(webhook, found, output_format)
    except MicroconvError as error:
        raise MicroconvError(error.message, error.remedy, USAGE) from error
    if fail_on_findings and found.notifies:
        raise typer.Exit(FINDINGS)


def _run(run: Any, days: int, metrics: list[str], dimensions: list[str]) -> tuple[Outcome, str]:
    from microconv.profile import open_warehouse

    with open_warehouse() as warehouse:
        return run(warehouse, days, metrics, dimensions), warehouse.place


def _print(found: Outcome, output_format: WatchFormat, place: str) -> None:
    from microconv.watch.report import document
    from microconv.watch.show import show, slack_message

    if output_format is WatchFormat.JSON:
        output.print_json(document(found))
    elif output_format is WatchFormat.SLACK:
        output.print_json(slack_message(found))
    else:
        show(found, place)


def _write(found: Outcome, is_whole: bool) -> None:
    from microconv.profile import open_warehouse
    from microconv.watch.columns import TABLES
    from microconv.watch.run import tables_of
    from microconv.writing import replace_rows

    tables, owners = tables_of(found, is_whole)
    if not owners:
        return
    with open_warehouse(is_for_writing=True) as warehouse:
        replace_rows(warehouse, tables, TABLES, owners, owner_column="watch_id")


def _post(url: str, found: Outcome, output_format: WatchFormat) -> None:
    from microconv.watch.post import post_json
    from microconv.watch.report import document
    from microconv.watch.show import slack_message

    is_json = output_format is WatchFormat.JSON
    post_json(url, output.json_ready(document(found)) if is_json else slack_message(found))


def _days(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,2})([dw])", text.strip().lower())
    days = int(found.group(1)) * (7 if found.group(2) == "w" else 1) if found else 0
    if not 1 <= days <= MOST_DAYS:
        raise MicroconvError(
            f"'{text}' is no time span.",
            f"Write days or weeks, such as 7d or 2w, up to {MOST_DAYS}d.",
        )
    return days
