"""The page docs/command_line.md, made of what the commands say of themselves."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

import typer
from microconv.cli import app

_WIDTH = 100
HEAD = """\
# The command line

This page is made of what each command's `--help` says; a test compares them, and runs every
example.

`microconv` finds dbt's own project and profile: `DBT_PROJECT_DIR` or the folder it is called in and
those above it, `DBT_PROFILES_DIR`, `DBT_TARGET`, `DUCKDB_PATH`, `GA4_EXPORT_FILES`, `SEEDS_PATH`.

| exit code | means |
|---|---|
| 0 | all is well; warnings do not change that unless `--strict` asks for it |
| 1 | data, lists or tables are not as they need to be, or nothing was built yet |
| 2 | the call or the configuration is wrong, or the command could not do its work |

`validate` and `watch` keep 1 for findings: whatever else goes wrong is 2 there, so that a scheduler
can tell a broken export from a broken run. Without `--fail-on-findings`, and with `--warn-only`,
findings are 0.

Results go to standard output, in `--format` `table`, `csv` or `json` where there is a choice;
notes, warnings and errors go to standard error. `microconv --quiet …` leaves notes out, `microconv
--verbose …` tells every statement with its time and where an error is from. An error says what is
wrong, where, and what to try. Values of variables and profile entries that are named like secrets
are not printed. Reports, pages and lists of visitors are written whole or not at all, for their
owner's eyes only.

`microconv --install-completion` completes commands and options in bash, zsh, fish and PowerShell.
"""


@cache
def commands() -> dict[str, Any]:
    """Every command by name."""
    group: Any = typer.main.get_command(app)
    found = dict(sorted(group.commands.items()))
    # The group's is a stand-in that passes arguments on.
    from microconv.demo.command import demo

    generator = typer.Typer(rich_markup_mode=None, add_completion=False)
    generator.command()(demo)
    found["demo"] = typer.main.get_command(generator)
    return found


def example_of(command: Any) -> str:
    """The example at the end of a command's help, as it is typed."""
    text = " ".join(inspect.cleandoc(command.help or "").split())
    found = re.search(r"Example: (microconv .*)$", text)
    assert found, f"{command.name} has no example"
    return found[1]


def command_line_page() -> str:
    """The whole page."""
    group = typer.main.get_command(app)
    parts = [HEAD, _help("microconv", group)]
    parts += [f"## {name}\n\n{_help(f'microconv {name}', one)}" for name, one in commands().items()]
    return "\n".join(parts)


def _help(name: str, command: Any) -> str:
    context = command.context_class(
        command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    return "```text\n" + "\n".join(lines) + "\n```\n"
