"""Files for people are written whole or not at all, and for their owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from microconv.errors import MicroconvError
from microconv.files import write_file


def test_only_the_owner_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_file("Größe", tmp_path / "new" / "page.html")
    finally:
        os.umask(before)
    path = tmp_path / "new" / "page.html"
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("Größe", 0o600)


def test_a_file_that_others_could_read_is_closed_when_it_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(0o644)
    write_file("new", path)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(MicroconvError, match="No space left"):
        write_file("new", path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
