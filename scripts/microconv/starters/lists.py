"""Which lists a vertical starts with, and whether a list on disk may be replaced by one.

The ecommerce lists are the project's own `seeds/`, which a fresh clone builds with; there is no
second copy of them. When they make room for another vertical they are kept as they came, so that
they can be brought back.
"""

from __future__ import annotations

import csv
import hashlib
from enum import StrEnum
from pathlib import Path

from microconv.errors import FINDINGS, MicroconvError

STARTERS = Path(__file__).parent
SHIPPED = STARTERS / "shipped.csv"
"""The SHA-256 of each ecommerce list as this version ships it."""
KEPT = Path(".starters") / "ecommerce"
"""Where a project keeps the ecommerce lists while its seeds hold another vertical's."""
SHARED_LISTS = (
    "annotations",
    "automatic_events",
    "channel_groups",
    "experiment_events",
    "experiment_variants",
    "feedback_events",
    "funnel_stages",
    "own_hostnames",
)
"""Lists that name no conversion and so are the same for every vertical."""


class Vertical(StrEnum):
    """A kind of business; the words of the catalog's column `vertical`."""

    ECOMMERCE = "ecommerce"
    SAAS = "saas"
    LEAD_GENERATION = "lead_generation"
    CONTENT_MEDIA = "content_media"
    MOBILE_APP = "mobile_app"


def starter_lists(vertical: Vertical, project_dir: Path) -> dict[str, bytes]:
    """The lists of a vertical by file name, as they are written into a seeds folder.

    A list of the project that a vertical says nothing about keeps its header only: its rows would
    name conversions that are no longer there.

    Args:
        vertical: Which one.
        project_dir: The folder of dbt_project.yml.

    Raises:
        MicroconvError: The ecommerce lists are no longer in the project as they came.
    """
    names = _conversion_lists(project_dir / "seeds")
    if vertical is Vertical.ECOMMERCE:
        return {name: _shipped_list(name, project_dir) for name in names}
    folder = STARTERS / vertical
    own = {path.name: path.read_bytes() for path in sorted(folder.glob("*.csv"))}
    empty = {name: _header(project_dir / "seeds" / name) for name in names if name not in own}
    return {**own, **empty}


def shared_files(project_dir: Path) -> dict[str, bytes]:
    """What a seeds folder of its own needs besides: the shared lists and dbt's descriptions."""
    folder = project_dir / "seeds"
    paths = [folder / f"{name}.csv" for name in SHARED_LISTS] + sorted(folder.glob("*.yml"))
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def is_untouched(name: str, content: bytes) -> bool:
    """Whether a list is as some starter wrote it, so that replacing it loses no work of anybody."""
    starters = [STARTERS / vertical / name for vertical in Vertical]
    if any(path.is_file() and path.read_bytes() == content for path in starters):
        return True
    return _digest(content) == shipped_digests().get(name) or content.count(b"\n") <= 1


def keep_shipped(name: str, content: bytes, project_dir: Path) -> None:
    """Keep an ecommerce list that is about to be replaced, if it is as it came."""
    if _digest(content) == shipped_digests().get(name):
        folder = project_dir / KEPT
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def shipped_digests() -> dict[str, str]:
    """The digest of each ecommerce list by file name."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["sha256"] for row in csv.DictReader(file)}


def digests_of(folder: Path) -> dict[str, str]:
    """The digests that a folder of ecommerce lists would ship with."""
    return {name: _digest((folder / name).read_bytes()) for name in _conversion_lists(folder)}


def _conversion_lists(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.csv") if path.stem not in SHARED_LISTS)


def _shipped_list(name: str, project_dir: Path) -> bytes:
    digest = shipped_digests().get(name)
    for path in (project_dir / "seeds" / name, project_dir / KEPT / name):
        if path.is_file() and _digest(content := path.read_bytes()) == digest:
            return content
    raise MicroconvError(
        f"seeds/{name} was changed, and the ecommerce starter is what seeds/ came with.",
        "Bring it back from the project's release, for example with `git checkout`.",
        FINDINGS,
    )


def _header(path: Path) -> bytes:
    return path.read_bytes().partition(b"\n")[0] + b"\n"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
