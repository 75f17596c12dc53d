"""What others wrote drives no terminal, no spreadsheet and no shell; secrets stay; licences fit."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import pytest
from microconv import output
from microconv.daily.process import Runner
from project_run import PROJECT
from test_arrival import TestClock
from test_doctor import run

# Colours, a title, a cleared screen, C1 controls, turned text, ends of lines.
TERRIBLE = (
    "\x1b[2J\x1b]0;owned\x07 \x9b31m \x90q\x9c \u202egnp.exe\u202c \u2066x\u2069 a\rb\x08\x00\x7f"
    "\u2028\u200f"
)
DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


# ---- terminals, logs, CSV and JSON ---------------------------------------------------------------


def test_no_way_to_print_drives_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for print_it in (output.say, output.say_sentence, output.warn, output.note):
        print_it(TERRIBLE)
    output.print_table(TERRIBLE, [TERRIBLE, "n"], [[TERRIBLE, "1"]])
    output.print_csv(["a"], [{"a": TERRIBLE}])
    output.print_json({"a": [TERRIBLE], TERRIBLE: 1})
    said = "".join(capsys.readouterr())
    assert "owned" in said and "gnp.exe" in said
    assert not DRIVES.search(said), ascii(DRIVES.findall(said))


def test_json_means_what_it_meant() -> None:
    for value in (TERRIBLE, "naïve 👩‍👩‍👧 \U000e0041 ﷽", {"a": [1.5, None, "\n"]}):
        for indent in (None, 2):
            text = output.json_text(value, indent)
            assert json.loads(text) == value
            assert all(one.isprintable() or one == "\n" for one in text)
    assert output.json_text("é ü 漢") == '"é ü 漢"', "what can be printed stays as it is"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝", "＠"])
def test_no_cell_is_a_formula_and_a_row_stays_a_row(start: str) -> None:
    said = f"{start}cmd|' /c calc'!A0\n;\",x"
    file = io.StringIO()
    output.print_csv(["a", "b"], [{"a": said, "b": 1}], file)
    heading, row = csv.reader(io.StringIO(file.getvalue()))
    assert heading == ["a", "b"] and row[0].startswith("'") and row[1] == "1"


def test_what_stages_print_drives_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "stage.log"
    path.write_text(f"one {TERRIBLE}\ntwo\n", encoding="utf-8")
    runner = Runner(tmp_path, {}, (), TestClock(), is_echoed=True)
    with path.open("rb") as shown:
        runner._echo(shown)
    said = capsys.readouterr().out
    assert said.endswith("\ntwo\n") and not DRIVES.search(said)


# Who writes to a terminal by itself: the module that makes text harmless, and what was made so.
PRINTERS = {
    "microconv/output.py",
    "microconv/daily/process.py",  # what stages print, made harmless
    "microconv/audience/command.py",  # CSV and JSON of output.py
}


def test_nothing_is_printed_past_the_module_that_makes_it_harmless() -> None:
    scripts = PROJECT / "scripts"
    prints = re.compile(r"(?<![\w.\"`])print\(|\.std(out|err)\.write\(|typer\.s?echo\(")
    found = {
        path.relative_to(scripts).as_posix()
        for path in (scripts / "microconv").rglob("*.py")
        if prints.search(path.read_text(encoding="utf-8"))
    }
    assert found == PRINTERS


# ---- secrets -------------------------------------------------------------------------------------


def test_a_bug_says_where_it_is_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"token=t0p-s3cret-99 {TERRIBLE}")

    monkeypatch.setenv("SOME_TOKEN", "t0p-s3cret-99")
    monkeypatch.setattr("microconv.check.project.check_project", broken)
    monkeypatch.setattr("microconv.check.command.check_project", broken, raising=False)
    done = run("check", "--seeds-only")
    assert done.exit_code == 1
    assert "RuntimeError: token=(hidden)" in done.stderr and "test_security.py" in done.stderr
    assert "t0p-s3cret-99" not in done.output + done.stderr
    assert not DRIVES.search(done.stderr)


KEY = """{"type": "service_account", "project_id": "p", "private_key_id": "abc",
"private_key": "-----BEGIN PRIVATE KEY-----\\nS3CRETKEYMATERIAL\\n-----END PRIVATE KEY-----\\n",
"client_email": "x@p.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token"}
"""


@pytest.mark.slow
@pytest.mark.parametrize("cut", [len(KEY), 150])
def test_a_broken_key_file_is_a_sentence_without_the_key(
    cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dbt.adapters.bigquery")
    key = tmp_path / "key.json"
    key.write_text(KEY[:cut])
    (tmp_path / "profiles.yml").write_text((PROJECT / "profiles.example.yml").read_text())
    monkeypatch.setenv("DBT_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    monkeypatch.setenv("DBT_TARGET", "bigquery_service_account")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    done = run("--verbose", "summary")
    assert done.exit_code in (1, 2)
    assert "microconv: The warehouse or its profile said:" in done.stderr
    assert "S3CRETKEY" not in done.output + done.stderr


# ---- dependencies --------------------------------------------------------------------------------

# Which may be combined with Apache 2.0 and handed on; of two licences offered one is enough.
PERMITTED = re.compile(
    r"\b(MIT(-0|-CMU)?|Apache|BSD|0BSD|ISC|ISCL|PSF|Python Software Foundation|Zlib|CC0|CNRI|MPL"
    r"|Mozilla Public|Unlicense|Public Domain|Artistic)\b",
    re.IGNORECASE,
)
ABANDONED = "Development Status :: 7 - Inactive"


def pinned(name: str) -> list[tuple[str, str]]:
    """Names and versions of a lock file."""
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    return re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", text, re.MULTILINE)


def licence_of(package: metadata.PackageMetadata) -> str:
    """What a package says of its licence, in whichever of three places."""
    # Another finder of metadata may be at work, of which a missing field is an error.
    expression, classifiers, text = (
        package.get_all(field) or [] for field in ("License-Expression", "Classifier", "License")
    )
    found = [one for one in classifiers if one.startswith("License ::")]
    return "; ".join(expression or found) or "".join(text).split("\n")[0]


@pytest.mark.parametrize("name", ["base", "bigquery", "validate", "dev"])
def test_dependencies_are_locked_with_hashes_alive_and_may_be_handed_on(name: str) -> None:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    packages: dict[str, set[str]] = defaultdict(set)
    for package, version in pinned(name):
        packages[package].add(version)  # one for each Python
    assert len(packages) > 30
    assert text.count("--hash=sha256:") >= len(packages)
    assert not re.search(r"^(-e|--index-url|--extra-index-url|git\+|https?:)", text, re.MULTILINE)
    looked_at, wrong = 0, []
    for package, versions in packages.items():
        try:
            found = metadata.metadata(package)
        except metadata.PackageNotFoundError:
            continue  # of another system or Python
        looked_at += 1
        if found["Version"] not in versions:
            wrong.append(f"{package} is {found['Version']}, locked as {versions}")
        if not PERMITTED.search(licence_of(found)):
            wrong.append(f"{package}: licence '{licence_of(found)}'")
        if ABANDONED in (found.get_all("Classifier") or []):
            wrong.append(f"{package} is abandoned")
    assert looked_at > 0.8 * len(packages) and wrong == []


def test_a_licence_that_does_not_fit_would_be_seen() -> None:
    for licence in ("GPL-3.0-only", "AGPL", "Proprietary", "", "SSPL-1.0", "LicenseRef-Commons"):
        assert not PERMITTED.search(licence), licence
