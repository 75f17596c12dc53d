"""The `doctor` command: everything that a run needs, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from microconv import output
from microconv.errors import FINDINGS, MicroconvError
from microconv.output import ListingFormat

if TYPE_CHECKING:
    from microconv.doctor.findings import Finding


def doctor(
    output_format: Annotated[
        ListingFormat, typer.Option("--format", help="How to print.")
    ] = ListingFormat.TABLE,
) -> None:
    """Look at Python, packages, profile, lists, export and tables, and say what to try.

    Changes nothing, and prints no secret. Exit codes: 0 nothing fails, 1 something does.

    Example: microconv doctor --format json
    """
    found = list(examine())
    fails = any(one.status == "fail" for one in found)
    if output_format is ListingFormat.JSON:
        output.print_json({"ok": not fails, "findings": [asdict(one) for one in found]})
    else:
        _show(found)
    if fails:
        raise typer.Exit(FINDINGS)


def examine() -> Iterator[Finding]:
    """All findings, in the order in which a run needs things."""
    from microconv.doctor import environment, state
    from microconv.doctor.findings import Finding, examined
    from microconv.profile import find_project_dir

    yield from examined("Python", environment.python_finding)
    yield from examined("Packages", environment.package_findings)
    try:
        project_dir = find_project_dir()
    except MicroconvError as error:
        yield Finding("Project", "fail", error.message, error.remedy)
        return
    yield Finding("Project", "ok", f"{project_dir}.")
    for subject, check in (
        ("Profile", state.profile_findings),
        ("Settings", state.setting_findings),
        ("Lists", state.list_findings),
        ("Export", state.export_findings),
        ("Tables", state.warehouse_findings),
    ):
        yield from examined(subject, partial(check, project_dir))


def _show(found: list[Finding]) -> None:
    width = max(len(one.subject) for one in found)
    for one in found:
        output.say(f"{one.status:<4}  {one.subject:<{width}}  {one.message}")
        if one.remedy and one.status != "ok":
            output.say(f"{'':<4}  {'':<{width}}  → {one.remedy}")
    counts = {status: sum(one.status == status for one in found) for status in ("warn", "fail")}
    if counts["fail"]:
        output.say(f"{counts['fail']} of {len(found)} fail.")
    elif counts["warn"]:
        output.say(f"Nothing fails; {counts['warn']} worth a look.")
    else:
        output.say("All is well.")
