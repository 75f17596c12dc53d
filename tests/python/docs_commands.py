"""Finds the commands that the documentation asks people to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SHELLS = ("sh", "bash", "console")
_FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`(microconv [a-z][^`…]*)`")
# A line that looks like something to type, in a block that does not say so.
_TYPED = re.compile(r"^\s*(microconv|make|dbt|pip|python|\.venv/bin/\S+|\$) +\S", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of commands: its file, the line of its fence, and a command per entry."""

    file: Path
    line: int
    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.file.relative_to(PROJECT)}:{self.line}"


def documents() -> list[Path]:
    """The pages that people read."""
    pages = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md"]
    return pages + sorted((PROJECT / "docs").glob("*.md"))


def blocks() -> list[Block]:
    """Every block of shell commands."""
    return [block for path in documents() for block in _blocks_of(path)]


def _blocks_of(path: Path) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if found[2] in SHELLS:
            line = text.count("\n", 0, found.start()) + 1
            yield Block(path, line, tuple(_commands(found[3])))


def _commands(text: str) -> Iterator[str]:
    """Commands without their comments; a backslash joins lines."""
    for line in text.replace("\\\n", " ").splitlines():
        command = _without_comment(line).strip().removeprefix("$ ")
        if command:
            yield re.sub(r"\s+", " ", command)


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s)#\s.*$", "", line)


def unmarked_commands() -> list[str]:
    """Blocks that hold something to type and do not say that they are of a shell."""
    return [
        f"{path.relative_to(PROJECT)}: {found[3].strip().splitlines()[0]}"
        for path in documents()
        for found in _FENCE.finditer(path.read_text(encoding="utf-8"))
        if found[2] == "" and _TYPED.search(found[3])
    ]


def inline_commands() -> list[tuple[str, str]]:
    """Commands with arguments inside sentences, with the name of their page."""
    return [
        (path.name, found[1])
        for path in documents()
        for found in _INLINE.finditer(re.sub(r"\s+", " ", path.read_text(encoding="utf-8")))
        if " " in found[1].removeprefix("microconv ")
    ]


def words_of(command: str) -> list[str]:
    """The words of a command after the variables that are set for it."""
    words = shlex.split(command)
    while words and re.match(r"^[A-Z_]+=", words[0]):
        words = words[1:]
    return words
