"""What the documentation tells people to type: it exists, and it runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from command_pages import command_line_page, commands, example_of
from docs_commands import PROJECT, Block, blocks, inline_commands, unmarked_commands, words_of
from microconv.arrival.command import DEFAULT_TIME_ZONE
from microconv.clock import Clock, yesterday

EXAMPLES = "in environments of their own and without end; `make test-examples` runs both days"
# Commands that are not run, each with the reason: a pattern of the whole command.
NOT_RUN = {
    r"make test(-[a-z]+)?": "runs these tests",
    r"make demo( VERTICAL=[a-z_]+)?": "minutes; the same steps run here on a smaller export",
    r"make setup-bigquery": "installs packages",
    r"DBT_TARGET=bigquery .*": "needs an account with Google; see test_validate_statements.py",
    r"bq extract .*": "needs an account with Google",
    r"\.venv/bin/dbt build --target bigquery .*": "needs an account with Google; see the rungs",
    r"microconv watch --webhook https://…": "posts to the reader's own address",
    r"pip install --require-hashes --no-deps -r examples/.*": EXAMPLES,
    r"(airflow standalone|dagster dev .*)": EXAMPLES,
    r"mkdir -p ~/dagster .*": EXAMPLES,
}
# What the pages leave open, and what is made smaller.
PLACES = {
    "/path/to/analytics_123456789/": "target/demo_export/",
    "'analytics_123456789/": "'target/demo_export/",
    "--from 2026-10-01 --to 2026-10-31": "--from 2026-10-25 --to 2026-10-31",
    "demo --days 90 --visitors-per-day 6000": "demo --days 42 --visitors-per-day 70",
}
# A file in the clone: from now on builds leave data tests out.
NO_TESTS = ".without_data_tests"
# The day that the pages were written for; an export that a daily run finds ends today.
WRITTEN_FOR = date(2026, 11, 8)
TODAY = yesterday(DEFAULT_TIME_ZONE, Clock()) + timedelta(days=1)
# Exit codes that are an answer.
ANSWERS = {"--fail-on-findings": 1}

BLOCKS = blocks()


def reason_not_to_run(command: str) -> str | None:
    return next((why for pattern, why in NOT_RUN.items() if re.fullmatch(pattern, command)), None)


def parse(words: list[str]) -> None:
    """Have click read the arguments, without running anything."""
    name, *arguments = words
    command = commands().get(name)
    assert command is not None, f"there is no command {name}"
    command.make_context(name, list(arguments))


def make_targets() -> set[str]:
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def check_exists(command: str) -> None:
    """A verb of make, or a command of microconv with options that it has."""
    words = words_of(command)
    if words and words[0] == "make":
        asked = [word for word in words[1:] if "=" not in word]
        assert set(asked) <= make_targets()
    elif words and Path(words[0]).name == "microconv":
        parse(words[1:])


def test_there_are_commands_to_run() -> None:
    assert sum(len(block.commands) for block in BLOCKS) > 25


def test_every_block_with_commands_says_that_it_is_of_a_shell() -> None:
    assert unmarked_commands() == []


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_every_command_of_a_page_exists(block: Block) -> None:
    for command in block.commands:
        check_exists(command)


def test_every_command_inside_a_sentence_exists() -> None:
    found = inline_commands()
    assert len(found) > 5
    for _, command in found:
        check_exists(command)


def test_every_reason_not_to_run_is_needed() -> None:
    every = [command for block in BLOCKS for command in block.commands]
    unused = [one for one in NOT_RUN if not any(re.fullmatch(one, command) for command in every)]
    assert unused == []


def test_every_command_has_an_example_that_its_options_allow() -> None:
    for name, command in commands().items():
        words = shlex.split(example_of(command))
        assert words[:2] == ["microconv", name]
        parse(words[1:])


def test_the_page_of_the_command_line_is_what_the_commands_say() -> None:
    path = PROJECT / "docs" / "command_line.md"
    if os.environ.get("WRITE_DOCS"):
        path.write_text(command_line_page(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == command_line_page(), (
        "run WRITE_DOCS=1 pytest tests/python/test_docs_commands.py"
    )


# ---- run for real -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project in a folder of its own, with a small export as its demo."""
    copy = tmp_path_factory.mktemp("clone") / "project"
    ignored = shutil.ignore_patterns(
        ".venv*", "target", "logs", ".git", "*.egg-info", "__pycache__", ".*_cache", "*.duckdb*"
    )
    shutil.copytree(PROJECT, copy, ignore=ignored)
    (copy / ".venv").mkdir()
    (copy / ".venv" / "bin").symlink_to(PROJECT / ".venv" / "bin")
    shutil.copy(copy / "profiles.example.yml", copy / "profiles.yml")
    for stamp in ("base", "dev", "bigquery", "validate"):
        (copy / ".venv" / f".{stamp}").touch()
    shell(copy, typed("microconv demo --days 42 --visitors-per-day 70"))
    yield copy
    shutil.rmtree(copy)


def shell(folder: Path, script: str) -> None:
    """Run a script as somebody would type it, in the folder of the project; it must succeed."""
    wrong = complaints(folder, script)
    assert not wrong, wrong[0]


def complaints(folder: Path, script: str) -> list[str]:
    """The same; what was said if it failed."""
    kept = ("HOME", "LANG", "TMPDIR", "DUCKDB_MEMORY_LIMIT")
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment["PATH"] = f"{PROJECT / '.venv' / 'bin'}:{os.environ['PATH']}"
    environment["DUCKDB_PATH"] = "my_site.duckdb"
    environment["PYTHONWARNINGS"] = "ignore"
    if (folder / NO_TESTS).exists():
        environment["DBT_EXCLUDE_RESOURCE_TYPES"] = "test unit_test"
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    print(f"{time.monotonic() - began:6.1f} s  {script.splitlines()[0]} …")
    if done.returncode == 0:
        return []
    return [f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"]


def typed(command: str) -> str:
    """A command with places that exist; an exit code that is an answer is taken as one."""
    for place, there in PLACES.items():
        command = command.replace(place, there)
    if command.startswith("microconv demo "):
        command += f" --until {TODAY}"
    command = re.sub(r"\b20\d\d-\d\d-\d\d\b", lambda found: moved(found[0]), command)
    for option, code in ANSWERS.items():
        if option in command:
            command = f"{{ {command} || [ $? -eq {code} ]; }}"
    return command


def moved(day: str) -> str:
    """A day of the pages as the one that lies as long before today."""
    return (TODAY - (WRITTEN_FOR - date.fromisoformat(day))).isoformat()


def restore_lists(folder: Path) -> None:
    """The lists as they are shipped, after a page that replaces them."""
    shutil.rmtree(folder / "seeds")
    shutil.copytree(PROJECT / "seeds", folder / "seeds")
    shutil.rmtree(folder / ".starters", ignore_errors=True)


@pytest.mark.long
def test_every_command_of_every_page_runs(clone: Path) -> None:
    """From the first page on, so that what the README builds is there for the others.

    What is built after that is built without data tests, which the same lines did run once.
    """
    ran: set[str] = set()
    wrong: list[str] = []
    for block in BLOCKS:
        new = [
            command
            for command in block.commands
            if reason_not_to_run(command) is None
            and (command not in ran or command.startswith("export "))
        ]
        ran |= set(new)
        if any(not command.startswith("export ") for command in new):
            wrong += complaints(clone, "\n".join(typed(command) for command in new))
            restore_lists(clone)
            clone.joinpath(NO_TESTS).touch()
    examples = [example_of(command) for command in commands().values()]
    for example in examples:
        if example not in ran:
            wrong += complaints(clone, typed(example))
    assert not wrong, "\n\n".join(wrong)
