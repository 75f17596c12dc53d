"""`microconv doctor`: each thing a run needs is looked at, and what is wrong says what to try."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import duckdb
import pytest
from microconv import cli, output
from microconv.cli import app
from microconv.doctor import environment, state
from microconv.doctor.findings import Finding, examined
from microconv.errors import MicroconvError
from microconv.output import Verbosity
from microconv.secrets import HIDDEN, hide_secrets
from typer.testing import CliRunner, Result
from validate_case import LAST, Day, write_day

PROJECT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    yield
    output.set_verbosity(Verbosity.USUAL)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as it is shipped, with an export of a day and no build."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "profiles.yml").write_text((PROJECT / "profiles.example.yml").read_text())
    write_day(tmp_path / "export", LAST, Day(rows=3))
    for name, value in {
        "DBT_PROJECT_DIR": PROJECT,
        "DBT_PROFILES_DIR": profiles,
        "DBT_TARGET_PATH": tmp_path / "target",
        "DUCKDB_PATH": tmp_path / "none.duckdb",
        "GA4_EXPORT_FILES": tmp_path / "export" / "events_*.parquet",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("DBT_TARGET", raising=False)
    return tmp_path


def statuses(done: Result) -> dict[str, str]:
    """The worst status by subject."""
    found: dict[str, str] = {}
    for one in json.loads(done.stdout)["findings"]:
        if found.get(one["subject"]) != "fail":
            found[one["subject"]] = one["status"]
    return found


# ---- each check ---------------------------------------------------------------------------------


def test_this_environment_is_the_pinned_one() -> None:
    [python] = environment.python_finding()
    assert python.status == "ok"
    assert [one.status for one in environment.package_findings()] == ["ok"]


def test_another_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 1, "final", 0))
    [python] = environment.python_finding()
    assert python.status == "fail" and "3.9.1 is not" in python.message and python.remedy


def test_packages_that_are_not_the_pinned_ones_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    others = {"duckdb": "0.9.0", "great-expectations": None, "scipy": None}

    def version(name: str) -> str:
        if name in others:
            found = others[name]
            if found is None:
                raise metadata.PackageNotFoundError(name)
            return found
        return real(name)

    monkeypatch.setattr(environment.metadata, "version", version)
    packages, validation = environment.package_findings()
    assert packages.status == "fail"
    assert "duckdb is 0.9.0, pinned is ==1.5.6; scipy is not installed" in packages.message
    assert (validation.status, validation.remedy) == ("warn", "Run `make setup-validate`.")


def test_a_time_zone_that_is_none_fails(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("vars: {property_time_zone: Mars/Base}\n")
    [found] = state.setting_findings(tmp_path)
    assert found.status == "fail" and "Mars/Base" in found.message


def test_tables_of_a_property_without_salt_warn(tmp_path: Path) -> None:
    text = "vars: {property_time_zone: UTC, ga4_dataset: analytics_1}\n"
    (tmp_path / "dbt_project.yml").write_text(text)
    assert [one.status for one in state.setting_findings(tmp_path)] == ["ok", "warn"]


def test_an_export_that_is_not_there_fails(tmp_path: Path) -> None:
    [found] = state._file_findings("none/*.parquet", tmp_path)
    assert (found.status, found.message) == (
        "fail",
        "none/*.parquet: No export files match.",
    ) and found.remedy


def test_a_check_that_breaks_keeps_no_other_from_running() -> None:
    def refused() -> Iterator[Finding]:
        yield Finding("Lists", "ok", "first")
        raise MicroconvError("It is wrong.", "Mend it.")

    def broken() -> Iterator[Finding]:
        raise ZeroDivisionError("token=abcdef")
        yield

    assert list(examined("Lists", refused)) == [
        Finding("Lists", "fail", "It is wrong.", "Mend it.")
    ]
    [found] = examined("Lists", broken)
    assert found.status == "fail" and "ZeroDivisionError" in found.message
    assert "abcdef" not in found.message


# ---- the command --------------------------------------------------------------------------------


def test_without_a_project_that_alone_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    done = run("doctor")
    assert done.exit_code == 1
    assert f"fail  Project   There is no dbt_project.yml in {tmp_path}." in done.stdout
    assert "→ Change into the project" in done.stdout and "1 of 3 fail." in done.stdout


@pytest.mark.slow
def test_before_a_build_nothing_fails(shipped: Path) -> None:
    done = run("doctor", "--format", "json")
    assert done.exit_code == 0
    assert statuses(done) == {
        **dict.fromkeys(("Python", "Packages", "Project", "Profile", "Settings"), "ok"),
        **{"Lists": "ok", "Export": "ok", "Tables": "warn"},
    }


@pytest.mark.slow
def test_after_a_build_the_days_that_wait_are_named(shipped: Path) -> None:
    database = shipped / "none.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("""
            create table stg_ga4__export_days as
            select date '2026-11-07' as event_date, 5 as raw_row_count
        """)
    model = {
        "name": "stg_ga4__export_days",
        "alias": "stg_ga4__export_days",
        "resource_type": "model",
        "fqn": ["micro_conversions", "staging", "stg_ga4__export_days"],
        "package_name": "micro_conversions",
        "database": "none",
        "schema": "main",
        "config": {"database": None, "schema": None},
    }
    (shipped / "target").mkdir()
    (shipped / "target" / "manifest.json").write_text(json.dumps({"nodes": {"model.x": model}}))
    found = {one.subject: one for one in state.warehouse_findings(PROJECT)}
    assert found["Tables"].status == "ok" and "1 days, 2026-11-07" in found["Tables"].message
    assert found["Freshness"].status == "warn" and "20261108" in found["Freshness"].message
    with duckdb.connect(str(database)) as connection:
        connection.execute("insert into stg_ga4__export_days values ('2026-11-08', 1)")
    assert [one.status for one in state.warehouse_findings(PROJECT)] == ["ok", "ok"]


@pytest.mark.slow
def test_a_wrong_profile_fails_and_its_secrets_are_not_shown(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_TOKEN", "hush-hush-1234")
    (shipped / "profiles" / "profiles.yml").write_text("""
micro_conversions:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: a.duckdb, schema: main, threads: abc-quoted-secret,
             secrets: [{type: s3, secret: another-secret}], token: abc-quoted-secret}
""")
    done = run("doctor")
    assert done.exit_code == 1 and "fail  Profile" in done.stdout
    for secret in ("hush-hush-1234", "abc-quoted-secret", "another-secret"):
        assert secret not in done.stdout + done.stderr


# ---- secrets, and what stands beside results ----------------------------------------------------


def test_values_that_are_named_like_secrets_are_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROCONV_WEBHOOK", "https://hooks.example/T0/B0")
    (tmp_path / "profiles.yml").write_text("""
        p:
          outputs:
            d: {type: x, refresh_token: r3fr3sh!, keyfile_json: {private_key: KEYKEYKEY}}
    """)
    text = "post https://hooks.example/T0/B0 with r3fr3sh! and KEYKEYKEY to type x"
    assert hide_secrets(text, tmp_path) == f"post {HIDDEN} with {HIDDEN} and {HIDDEN} to type x"


def test_paths_and_short_words_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyfile = tmp_path / "secret.json"
    keyfile.touch()
    monkeypatch.setenv("MY_SECRET_FILE", str(keyfile))
    monkeypatch.setenv("MY_TOKEN", "on")
    assert hide_secrets(f"{keyfile} is on") == f"{keyfile} is on"
    (tmp_path / "profiles.yml").write_text("a: [: {")
    assert hide_secrets("text", tmp_path) == "text"


def test_errors_of_commands_hide_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path / "pa55word!"))
    monkeypatch.setenv("THE_PASSWORD", "pa55word!")
    done = run("check", "--seeds-only")
    assert done.exit_code == 2 and "pa55word!" not in done.stderr and HIDDEN in done.stderr


def test_quiet_leaves_notes_out_and_verbose_tells_more(capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for verbosity in Verbosity:
        output.set_verbosity(verbosity)
        output.note("a note")
        output.tell("select 1")
        output.warn("an error")
        said[verbosity] = capsys.readouterr().err.splitlines()
    assert said == {
        Verbosity.QUIET: ["an error"],
        Verbosity.USUAL: ["a note", "an error"],
        Verbosity.VERBOSE: ["a note", "select 1", "an error"],
    }


def test_quiet_and_verbose_exclude_each_other() -> None:
    done = run("--quiet", "--verbose", "doctor")
    assert done.exit_code == 2 and "exclude each other" in done.stderr


def test_verbose_says_where_an_error_is_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    assert "find_project_dir" in run("--verbose", "check").stderr
    assert "find_project_dir" not in run("check").stderr


def test_version_says_what_it_runs_with() -> None:
    done = run("--version")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"microconv {metadata.version('micro-conversions')}"
    assert f"dbt-core {metadata.version('dbt-core')}" in lines


def test_a_shell_completes_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        **os.environ,
        "_MICROCONV_COMPLETE": "complete_bash",
        "COMP_WORDS": "microconv va",
        "COMP_CWORD": "1",
    }
    done = CliRunner().invoke(cli.app, [], env=environment, prog_name="microconv")
    assert done.stdout.split() == ["validate", "value"]
