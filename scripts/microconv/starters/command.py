"""The `init` command: writes a vertical's starter catalog into the seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microconv.errors import FINDINGS, MicroconvError
from microconv.files import replace_file
from microconv.output import say, warn
from microconv.starters.lists import (
    Vertical,
    is_untouched,
    keep_shipped,
    shared_files,
    starter_lists,
)

VerticalOption = Annotated[Vertical, typer.Option("--vertical", help="The kind of business.")]


def init(
    vertical: VerticalOption,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help="A folder for a set of seeds of its own.", show_default="the seeds"
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace lists that were edited, too.")
    ] = False,
) -> None:
    """Write the starter catalog of a kind of business: conversions, rules, funnels and points.

    Lists that somebody edited are never replaced without --force.

    Example: microconv init --vertical saas
    """
    from microconv.check.command import describe, summary_line
    from microconv.check.project import check_project
    from microconv.profile import find_project_dir, find_seeds_dir

    project_dir = find_project_dir()
    folder = (Path.cwd() / to).resolve() if to else find_seeds_dir(project_dir)
    files = starter_lists(vertical, project_dir)
    if folder != project_dir / "seeds":
        files |= shared_files(project_dir)
    changed = {name for name in files if _content(folder / name) not in (None, files[name])}
    _refuse_edited(folder, vertical, changed, force)
    for name in changed:
        keep_shipped(name, (folder / name).read_bytes(), project_dir)
    _write(folder, files)
    say(f"The {vertical} starter is in {folder}: {', '.join(_lists(files))}.")
    result = check_project(project_dir, seeds_only=True, seeds_dir=folder)
    for problem in result.problems:
        warn(f"{problem.file}: {describe(problem)}")
    say(summary_line(result))
    say(_what_next(folder, project_dir))
    if result.having("error"):
        raise typer.Exit(FINDINGS)


def _refuse_edited(folder: Path, vertical: Vertical, changed: set[str], force: bool) -> None:
    edited = [
        name for name in sorted(changed) if not is_untouched(name, (folder / name).read_bytes())
    ]
    if edited and not force:
        them = "it" if len(edited) == 1 else "them"
        raise MicroconvError(
            f"{folder} holds lists that were edited and differ from the {vertical} starter: "
            f"{', '.join(edited)}. Nothing was written.",
            f"Replace {them} with --force, or write the starter elsewhere with --to.",
            FINDINGS,
        )


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write all files; each is there whole or as it was before."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            replace_file(content, folder / name)
    except OSError as error:
        raise MicroconvError(
            f"{folder} cannot be written: {error.strerror}.", "Look at its permissions."
        ) from error


def _lists(files: dict[str, bytes]) -> list[str]:
    """The names of the lists that hold rows."""
    return [
        name.removesuffix(".csv")
        for name, content in sorted(files.items())
        if name.endswith(".csv") and content.count(b"\n") > 1
    ]


def _what_next(folder: Path, project_dir: Path) -> str:
    if not folder.is_relative_to(project_dir):
        return f"Next: adapt them, then put them into {project_dir / 'seeds'} and run `make build`."
    inside = folder.relative_to(project_dir)
    here = "" if inside == Path("seeds") else f"SEEDS_PATH={inside} "
    return (
        f"Next: `{here}microconv discover` says which of your events they know; then "
        f"`{here}make build`."
    )
