"""`microconv audience`: who is exported, what is said of them, and who is remembered."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from evidence_warehouse import make_project_of, rows, run, work_in
from microconv.audience.formats import CSV_COLUMNS, property_name

DAY = 86_400_000_000
AS_OF_DATE = dt.date(2026, 3, 31)
AS_OF = 20_544 * DAY  # the end of that day, in UTC here
STALL, EXPIRE = DAY, 30 * DAY
REFUSED, NO_ADS, APP, FORMULA = "refused", "no-ads", "app", "=1+1"
PEOPLE = ["v1", "v2", "v3", FORMULA, APP, NO_ADS, REFUSED]


def visitor(name: str) -> dict[str, Any]:
    return {
        "visitor_id": name,
        "has_consent": name != REFUSED,
        "has_ads_consent": name not in (REFUSED, NO_ADS),
    }


def standing(name: str, days: float, finished_days: float | None = None) -> dict[str, Any]:
    finished = None if finished_days is None else AS_OF - round(finished_days * DAY)
    return {
        "visitor_id": name,
        "moment": "cart_left",
        "last_started_timestamp": AS_OF - round(days * DAY),
        "last_finished_timestamp": finished,
        "is_finished_for_good": False,
    }


def stalled(name: str, days: float) -> dict[str, Any]:
    return {
        **visitor(name),
        "moment": "cart_left",
        "stalled_at": dt.datetime(2026, 4, 1) - dt.timedelta(days=days),
        "days_stalled": days,
        "last_conversion_name": "add_to_cart",
        "last_activity_at": dt.datetime(2026, 3, 30, 12, 0, 0, 500),
        "funnel_stage": "intent",
        "lead_score": 12.345,
        "score_decile": 9,
        "user_pseudo_id": None if name == "v9" else f"{name}.1",
        "platform": "IOS" if name == APP else "WEB",
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which seven visitors left a cart, one to seven days ago and a bit."""
    folder = tmp_path / "shop"
    folder.mkdir()
    moment = {
        "moment": "cart_left",
        "label": "=Left a cart",
        "stall_micros": STALL,
        "expire_micros": EXPIRE,
        "is_listed": True,
    }
    days = {name: place + 1.25 for place, name in enumerate(PEOPLE)}
    make_project_of(
        folder,
        {
            "dim_audience_moments": [
                moment,
                moment,
                moment | {"moment": "search", "label": "Searched", "is_listed": False},
            ],
            "int_export_as_of": [{"as_of_date": AS_OF_DATE, "as_of_timestamp": AS_OF}],
            "dim_visitors": [visitor(name) for name in PEOPLE],
            "int_visitor_moments_gathered": [
                standing(name, days[name], 90 if name == "v1" else None) for name in PEOPLE
            ],
            "mart_stalled_visitors": [stalled(name, days[name]) for name in PEOPLE],
            "mart_evidence_checks": [{"macro_name": "purchase"}],
        },
    )
    work_in(folder, monkeypatch)
    return folder


def export(*arguments: str, minimum: int = 1) -> list[dict[str, str]]:
    """The rows of a CSV export."""
    options = ["--minimum", str(minimum), *arguments]
    done = run("audience", "--moment", "cart_left", "--format", "csv", *options)
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout)))


def change(project: Path, *statements: str) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement.replace("from ", "from marts.", 1))


def set_(project: Path, table: str, assignment: str, name: str) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(f"update marts.{table} set {assignment} where visitor_id = '{name}'")


def remembered(project: Path) -> list[str]:
    return sorted(row["visitor_id"] for row in rows(project, "audience_members"))


def changes(found: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(row["change"], row["visitor_id"], row["reason"]) for row in found]


# ---- who and what --------------------------------------------------------------------------------


def test_only_who_consented_is_exported_and_the_newest_first(project: Path) -> None:
    done = run("audience", "--moment", "cart_left", "--format", "csv", "--minimum", "5")
    found = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["visitor_id"] for row in found] == ["v1", "v2", "v3", "'=1+1", "app"]
    assert done.stderr.splitlines() == [
        "cart_left (=Left a cart), as of the end of 2026-03-31: 7 visitors stalled.",
        "2 left out: their latest session does not allow analytics and ads, or nothing is known "
        "of it.",
        "5 visitors in the audience: 5 joined, 0 exported before; 0 left.",
    ]
    assert found[0] == {
        "change": "joined",
        "reason": "",
        "moment": "cart_left",
        "user_pseudo_id": "v1.1",
        "visitor_id": "v1",
        "platform": "WEB",
        "stalled_at": "2026-03-30T18:00:00Z",
        "days_stalled": "1.25",
        "lead_score": "12.35",
        "score_decile": "9",
        "funnel_stage": "intent",
        "last_conversion_name": "add_to_cart",
        "last_activity_at": "2026-03-30T12:00:00Z",
    }
    assert tuple(found[0]) == CSV_COLUMNS


def test_analytics_consent_is_asked_for_alone(project: Path) -> None:
    found = export("--consent", "analytics")
    assert [row["visitor_id"] for row in found][-1] == NO_ADS
    assert REFUSED not in {row["visitor_id"] for row in found}


def test_who_has_no_device_is_left_out(project: Path) -> None:
    set_(project, "mart_stalled_visitors", "user_pseudo_id = null", "v1")
    assert next(row["visitor_id"] for row in export()) == "v2"


def test_ids_are_hashed_on_request(project: Path) -> None:
    found = export("--hash")
    assert found[0]["visitor_id"] == hashlib.sha256(b"v1").hexdigest()
    assert found[0]["user_pseudo_id"] == hashlib.sha256(b"v1.1").hexdigest()
    assert remembered(project) == sorted(["v1", "v2", "v3", FORMULA, APP])
    text = run("audience", "--moment", "cart_left", "--format", "ga4-json", "--hash").output
    assert "v1.1" not in text


def test_a_formula_in_an_id_is_text(project: Path) -> None:
    [row] = [row for row in export() if "1+1" in row["visitor_id"]]
    assert (row["visitor_id"], row["user_pseudo_id"]) == ("'=1+1", "'=1+1.1")


def test_lines_for_ga4_are_measurement_protocol_requests(project: Path) -> None:
    done = run(
        *("audience", "--moment", "cart_left", "--format", "ga4-json", "--minimum", "1"),
        *("--consent", "analytics"),
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found[0] == {
        "client_id": "v1.1",
        "consent": {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"},
        "user_properties": {"in_cart_left": {"value": "yes"}},
        "events": [
            {
                "name": "audience_joined",
                "params": {
                    "moment": "cart_left",
                    "days_stalled": 1.25,
                    "lead_score": 12.35,
                    "last_action": "add_to_cart",
                },
            }
        ],
    }
    [app] = [one for one in found if one.get("app_instance_id")]
    assert app["app_instance_id"] == "app.1" and "client_id" not in app
    [no_ads] = [one for one in found if one.get("client_id") == "no-ads.1"]
    assert set(no_ads["consent"].values()) == {"DENIED"}
    assert len(found) == 6


def test_a_user_property_is_no_longer_than_ga4_takes() -> None:
    names = {property_name(f"{'a' * 30}{number}") for number in range(20)}
    assert len(names) == 20 and {len(name) for name in names} == {24}
    assert property_name("pricing_seen") == "in_pricing_seen"


# ---- the minimum ---------------------------------------------------------------------------------


def test_a_short_list_is_refused_in_a_sentence(project: Path) -> None:
    for arguments in (("--format", "csv"), ("--format", "ga4-json"), ()):
        done = run("audience", "--moment", "cart_left", *arguments)
        assert done.exit_code == 0
        assert "5 visitors, fewer than 30" in " ".join(done.output.split())
        assert "v1" not in done.output
    out = project / "list.csv"
    refused = run("audience", "--moment", "cart_left", "--format", "csv", "--out", str(out))
    assert refused.exit_code == 0 and refused.stdout == ""
    assert not out.exists()
    with pytest.raises(duckdb.CatalogException):
        remembered(project)


def test_the_minimum_is_a_setting(project: Path) -> None:
    path = project / "dbt_project.yml"
    path.write_text(path.read_text() + "vars: {minimum_audience_size: 5}\n")
    done = run("audience", "--moment", "cart_left", "--format", "csv")
    assert len(done.stdout.splitlines()) == 6
    path.write_text(path.read_text().replace("size: 5", "size: few"))
    wrong = run("audience", "--moment", "cart_left")
    assert wrong.exit_code == 2 and "minimum_audience_size" in wrong.stderr
    assert run("audience", "--moment", "cart_left", "--minimum", "0").exit_code == 2


def test_who_left_a_list_is_said_also_where_it_became_short(project: Path) -> None:
    assert len(export(minimum=5)) == 5
    set_(project, "int_visitor_moments_gathered", f"last_finished_timestamp = {AS_OF}", "v2")
    change(project, "delete from mart_stalled_visitors where visitor_id = 'v2'")
    assert changes(export(minimum=5)) == [("left", "v2", "converted")]
    assert remembered(project) == sorted(["v1", "v3", FORMULA, APP])
    # Whoever joined meanwhile is new when the list is long enough again.
    set_(project, "mart_stalled_visitors", "has_ads_consent = true", NO_ADS)
    assert changes(export(minimum=5)) == [("joined", NO_ADS, "")]


# ---- the memory ----------------------------------------------------------------------------------


def test_a_second_export_says_who_joined_and_who_left(project: Path) -> None:
    """Everybody leaves for another reason, one joins, one bought and stalled again."""
    people = ["w-unknown", "w-withdrawn", "w-bought", "w-active", "w-late", "w-bot", "w-again"]
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        for place, name in enumerate(people):
            for table, row in (
                ("mart_stalled_visitors", stalled(name, 10.0 + place)),
                ("dim_visitors", visitor(name)),
                ("int_visitor_moments_gathered", standing(name, 10.0 + place)),
            ):
                cells = ", ".join("?" for _ in row)
                connection.execute(
                    f"insert into marts.{table} ({', '.join(row)}) values ({cells})",
                    [*row.values()],
                )
    assert len(export()) == 12
    assert export() == []
    gathered = "int_visitor_moments_gathered"
    change(
        project,
        "delete from mart_stalled_visitors where visitor_id like 'w-%' and visitor_id <> 'w-again'"
        " and visitor_id <> 'w-withdrawn'",
        "delete from dim_visitors where visitor_id = 'w-unknown'",
        f"delete from {gathered} where visitor_id = 'w-unknown'",
    )
    set_(project, "mart_stalled_visitors", "has_ads_consent = false", "w-withdrawn")
    set_(project, "dim_visitors", "has_ads_consent = false", "w-withdrawn")
    bought = f"last_finished_timestamp = {AS_OF - 11 * DAY}"
    set_(project, gathered, f"last_finished_timestamp = {AS_OF - 12 * DAY}", "w-bought")
    set_(project, gathered, f"last_started_timestamp = {AS_OF - STALL + 1}", "w-active")
    set_(project, gathered, f"last_started_timestamp = {AS_OF - EXPIRE - 1}", "w-late")
    set_(project, gathered, f"last_started_timestamp = {AS_OF - 10 * DAY}, {bought}", "w-again")
    set_(project, "mart_stalled_visitors", "has_ads_consent = true", NO_ADS)
    done = run("audience", "--moment", "cart_left", "--format", "csv", "--minimum", "1")
    assert changes(list(csv.DictReader(io.StringIO(done.stdout)))) == [
        ("left", "w-unknown", "no longer known"),
        ("left", "w-withdrawn", "consent withdrawn"),
        ("left", "w-bought", "converted"),
        ("left", "w-active", "active again"),
        ("left", "w-late", "expired"),
        ("left", "w-bot", "excluded"),
        ("left", "w-again", "converted"),
        ("joined", NO_ADS, ""),
        ("joined", "w-again", ""),
    ]
    assert (
        "7 visitors in the audience: 2 joined, 5 exported before; 7 left (1 no longer known, "
        "1 consent withdrawn, 2 converted, 1 active again, 1 expired, 1 excluded)."
    ) in done.stderr
    assert remembered(project) == sorted(["v1", "v2", "v3", FORMULA, APP, NO_ADS, "w-again"])


def test_who_finished_for_good_has_converted(project: Path) -> None:
    export()
    set_(project, "int_visitor_moments_gathered", "is_finished_for_good = true", "v3")
    change(project, "delete from mart_stalled_visitors where visitor_id = 'v3'")
    assert changes(export()) == [("left", "v3", "converted")]


def test_all_lists_everybody_again(project: Path) -> None:
    export()
    set_(project, "mart_stalled_visitors", "has_ads_consent = true", NO_ADS)
    found = changes(export("--all"))
    assert found == [
        *[("member", name, "") for name in ("v1", "v2", "v3", "'=1+1", APP)],
        ("joined", NO_ADS, ""),
    ]


def test_consent_that_is_gone_is_not_sent_to_ga4(project: Path) -> None:
    arguments = ("audience", "--moment", "cart_left", "--format", "ga4-json", "--minimum", "1")
    assert len(run(*arguments).stdout.splitlines()) == 5
    set_(project, "dim_visitors", "has_ads_consent = false", "v1")
    set_(project, "int_visitor_moments_gathered", f"last_finished_timestamp = {AS_OF}", "v2")
    change(project, "delete from mart_stalled_visitors where visitor_id in ('v1', 'v2')")
    done = run(*arguments)
    [body] = [json.loads(line) for line in done.stdout.splitlines()]
    assert body["client_id"] == "v2.1"
    assert body["user_properties"] == {"in_cart_left": {"value": "no"}}
    assert body["events"][0]["params"] == {"moment": "cart_left", "reason": "converted"}
    assert "1 of those who left are not in the lines" in done.stderr


def test_a_failed_file_leaves_the_memory(project: Path) -> None:
    export()
    set_(project, "mart_stalled_visitors", "has_ads_consent = true", NO_ADS)
    before = rows(project, "audience_members")
    arguments = ("audience", "--moment", "cart_left", "--format", "csv", "--minimum", "1")
    done = run(*arguments, "--out", str(project / "dbt_project.yml" / "list.csv"))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr and "Nothing was remembered" in done.stderr
    assert rows(project, "audience_members") == before
    assert changes(export()) == [("joined", NO_ADS, "")]


def test_a_file_is_there_whole_or_as_it_was(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = project / "list.csv"
    out.write_text("yesterday's")

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    arguments = ("audience", "--moment", "cart_left", "--format", "csv", "--minimum", "1")
    assert run(*arguments, "--out", str(out)).exit_code == 2
    assert out.read_text() == "yesterday's"
    with pytest.raises(duckdb.CatalogException):
        remembered(project)


def test_looks_and_dry_runs_remember_nothing(project: Path) -> None:
    dry = export("--no-write")
    shown = run("audience", "--moment", "cart_left", "--minimum", "1").stdout
    assert "v1" in shown and "Days stalled" in shown
    with pytest.raises(duckdb.CatalogException):
        remembered(project)
    assert export() == dry


def test_formats_and_consents_remember_apart(project: Path) -> None:
    assert len(export()) == 5
    assert len(export("--consent", "analytics")) == 6
    lines = run(*("audience", "--moment", "cart_left", "--format", "ga4-json", "--minimum", "1"))
    assert len(lines.stdout.splitlines()) == 5
    assert export() == [] and export("--consent", "analytics") == []
    assert len(rows(project, "audience_members")) == 16


# ---- calls ---------------------------------------------------------------------------------------


def test_without_a_moment_they_are_listed(project: Path) -> None:
    text = " ".join(run("audience").stdout.split())
    assert "cart_left =Left a cart audience_moments 7 5" in text
    assert "search Searched micro-conversion 0 0" in text
    assert "audience_moments 7 6" in " ".join(
        run("audience", "--consent", "analytics").stdout.split()
    )


def test_an_unknown_moment_is_a_wrong_call(project: Path) -> None:
    done = run("audience", "--moment", "cart'left")
    assert done.exit_code == 2 and done.stdout == ""
    assert "There is no moment 'cart'left'." in done.stderr
    assert "cart_left, search" in done.stderr


def test_the_project_may_lie_elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_PROJECT_DIR")
    assert run("audience", "--project-dir", str(project)).exit_code == 0
    assert run("audience", "--project-dir", str(project / "no")).exit_code == 2


def test_before_a_build_it_says_so(project: Path) -> None:
    change(project, "drop table mart_stalled_visitors".replace("table ", "table marts."))
    done = run("audience", "--moment", "cart_left")
    assert done.exit_code == 1 and "make build" in done.stderr
