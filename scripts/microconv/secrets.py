"""Keeps secrets out of what is printed: errors of a warehouse may quote a profile."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microconv.errors import MicroconvError

_SECRET_NAME = re.compile(
    r"secret|token|passw|private_?key|api_?key|webhook|salt|keyfile_json", re.IGNORECASE
)
# A word as short as this would be found inside other words.
_SHORTEST = 6
HIDDEN = "(hidden)"


def hide_secrets(text: str, profiles_dir: Path | None = None) -> str:
    """The text without the values of variables and profile entries that are named like secrets.

    Args:
        text: What is about to be printed.
        profiles_dir: Where profiles.yml lies; None for the environment alone.
    """
    values = set(_of_environment())
    if profiles_dir is not None:
        values |= set(_of_profile(profiles_dir / "profiles.yml"))
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def hide_known_secrets(text: str) -> str:
    """The same with the profile that a command would use, if there is one."""
    from microconv.profile import find_profiles_dir, find_project_dir

    try:
        return hide_secrets(text, find_profiles_dir(find_project_dir()))
    except MicroconvError:
        return hide_secrets(text)


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        # A path to a key file is no secret, and helps whoever looks for it.
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST and not Path(value).is_file():
            yield value


def _of_profile(path: Path) -> Iterator[str]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return
    yield from _secret_leaves(content, is_secret=False)


def _secret_leaves(node: Any, is_secret: bool) -> Iterator[str]:
    """Values under a name like that of a secret, and all that lies below one."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _secret_leaves(child, is_secret or bool(_SECRET_NAME.search(str(name))))
    elif isinstance(node, list):
        for child in node:
            yield from _secret_leaves(child, is_secret)
    elif is_secret and node is not None and len(str(node)) >= _SHORTEST:
        yield str(node)
