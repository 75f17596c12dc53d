"""`microconv init`: every starter is right as written, and nobody's edits are lost."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest
from microconv import profile
from microconv.check.project import check_project
from microconv.cli import app
from microconv.starters.lists import SHIPPED, Vertical, digests_of
from typer.testing import CliRunner, Result

PROJECT = Path(__file__).resolve().parents[2]
CATALOG, RULES = "conversion_catalog.csv", "conversion_rules.csv"


# As GA4 collects or recommends them (support.google.com/analytics, 9216061, 9234069, 9267735).
GA4_NAMES = {
    "add_payment_info", "add_shipping_info", "add_to_cart", "add_to_wishlist", "begin_checkout",
    "close_convert_lead", "file_download", "first_open", "form_start", "form_submit",
    "generate_lead", "in_app_purchase", "join_group", "login", "notification_open", "page_view",
    "purchase", "qualify_lead", "scroll", "search", "select_content", "select_promotion", "share",
    "sign_up", "tutorial_begin", "tutorial_complete", "unlock_achievement", "video_complete",
    "video_start", "view_item", "view_promotion", "view_search_results",
}  # fmt: skip
OWN_NAMES = {
    Vertical.ECOMMERCE: {"newsletter_signup", "view_size_guide"},
    Vertical.SAAS: {"connect_integration", "create_project", "invite_member"},
    Vertical.LEAD_GENERATION: {"use_calculator"},
    Vertical.CONTENT_MEDIA: set(),
    Vertical.MOBILE_APP: {"notification_opt_in"},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the seeds of a fresh clone."""
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    (tmp_path / "dbt_project.yml").write_text("name: p\n")
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    monkeypatch.delenv("SEEDS_PATH", raising=False)
    return tmp_path


def init(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", *arguments])


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


@pytest.mark.parametrize("vertical", list(Vertical))
def test_every_starter_is_right_as_written(project: Path, vertical: Vertical) -> None:
    done = init("--vertical", vertical)
    assert (done.exit_code, done.stderr) == (0, "")
    assert check_project(project, seeds_only=True).problems == []
    assert set(column(project / "seeds" / CATALOG, "vertical")) == {vertical}
    for name in ("conversion_rules", "funnel_steps", "lead_score_weights"):
        assert len((project / "seeds" / f"{name}.csv").read_text().splitlines()) > 10, name


MOMENTS = {
    Vertical.ECOMMERCE: {"cart_left", "pricing_seen"},
    Vertical.SAAS: {"cart_left", "form_left", "pricing_seen"},
    Vertical.LEAD_GENERATION: {"form_left", "pricing_seen"},
    Vertical.CONTENT_MEDIA: {"cart_left", "pricing_seen"},
    Vertical.MOBILE_APP: {"cart_left", "pricing_seen"},
}


@pytest.mark.parametrize("vertical", list(Vertical))
def test_every_starter_has_moments_at_which_visitors_stall(
    project: Path, vertical: Vertical
) -> None:
    assert init("--vertical", vertical).exit_code == 0
    assert set(column(project / "seeds" / "audience_moments.csv", "moment")) == MOMENTS[vertical]
    assert column(project / "seeds" / "feedback_events.csv", "feedback_name") == ["survey"]


@pytest.mark.parametrize("vertical", list(Vertical))
def test_a_folder_of_its_own_holds_all_that_a_build_needs(
    project: Path, vertical: Vertical
) -> None:
    before = files_of(project / "seeds")
    assert init("--vertical", vertical, "--to", str(project / "mine")).exit_code == 0
    assert files_of(project / "mine").keys() == before.keys()
    assert files_of(project / "seeds") == before
    again = init("--vertical", vertical, "--to", str(project / "mine"))
    assert again.exit_code == 0


def test_edited_lists_are_not_replaced_without_force(project: Path) -> None:
    catalog = project / "seeds" / CATALOG
    catalog.write_text(catalog.read_text().replace("Added to cart", "Put into the cart"))
    weights = project / "seeds" / "lead_score_weights.csv"
    weights.write_text(weights.read_text().replace("search,3,7,9", "search,4,7,9"))
    before = files_of(project / "seeds")
    refused = init("--vertical", "saas")
    assert refused.exit_code == 1
    assert f"{CATALOG}, lead_score_weights.csv. Nothing was written." in refused.stderr
    assert RULES not in refused.stderr and "--force" in refused.stderr
    assert files_of(project / "seeds") == before
    assert init("--vertical", "saas", "--force").exit_code == 0
    assert set(column(catalog, "vertical")) == {"saas"}


def test_the_shop_comes_back_after_another_vertical(project: Path) -> None:
    before = files_of(project / "seeds")
    assert init("--vertical", "saas").exit_code == 0
    assert init("--vertical", "mobile_app").exit_code == 0
    assert init("--vertical", "ecommerce").exit_code == 0
    assert files_of(project / "seeds") == before


def test_edited_shop_lists_are_no_starter(project: Path) -> None:
    (project / "seeds" / "funnels.csv").write_bytes(b"funnel_name\nmine\n")
    refused = init("--vertical", "ecommerce", "--to", str(project / "mine"))
    assert refused.exit_code == 1 and "seeds/funnels.csv was changed" in refused.stderr
    assert not (project / "mine").exists()


def test_a_list_that_a_vertical_says_nothing_about_is_emptied(project: Path) -> None:
    """Its rows would name conversions that are no longer there."""
    bands = project / "seeds" / "lead_score_bands.csv"
    header = bands.read_text()
    bands.write_text(header + "purchase,14,0,,5,4,6,100,2026-01-01\n")
    assert init("--vertical", "saas").exit_code == 1
    assert init("--vertical", "saas", "--force").exit_code == 0
    assert bands.read_text() == header


def test_the_shipped_shop_is_known_by_its_digests() -> None:
    """`WRITE_SHIPPED=1` writes them anew after a change of the seeds."""
    found = digests_of(PROJECT / "seeds")
    if os.environ.get("WRITE_SHIPPED"):
        with SHIPPED.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([("file", "sha256"), *found.items()])
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        known = {row["file"]: row["sha256"] for row in csv.DictReader(file)}
    assert known == found, "Run this test with WRITE_SHIPPED=1 and commit starters/shipped.csv."


@pytest.mark.parametrize("path", ["/tmp/seeds", "../seeds"])
def test_seeds_outside_the_project_are_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("SEEDS_PATH", path)
    done = CliRunner().invoke(app, ["check", "--seeds-only"])
    assert done.exit_code == 2 and "inside the project only" in done.stderr


def test_check_looks_at_the_seeds_that_a_build_reads(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert init("--vertical", "saas", "--to", str(project / "mine")).exit_code == 0
    monkeypatch.setenv("SEEDS_PATH", "mine")
    done = CliRunner().invoke(app, ["check", "--seeds-only"])
    assert done.stdout == "Checked 19 conversions, 17 rules, 3 funnels: all well.\n"


def test_dbt_reads_the_same_folder_as_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt renders the project file itself; a typo there would build the shop in every vertical."""
    shutil.copy(PROJECT / "profiles.example.yml", tmp_path / "profiles.yml")
    for named, expected in ((None, "seeds"), ("target/demo_saas/seeds",) * 2):
        if named:
            monkeypatch.setenv("SEEDS_PATH", named)
        else:
            monkeypatch.delenv("SEEDS_PATH", raising=False)
        config, _ = profile._load(PROJECT, tmp_path)
        assert config.seed_paths == [expected]
        assert profile.find_seeds_dir(PROJECT) == PROJECT / expected


@pytest.mark.parametrize("vertical", list(Vertical))
def test_events_have_the_names_that_ga4_gives_them(project: Path, vertical: Vertical) -> None:
    assert init("--vertical", vertical).exit_code == 0
    events = set(column(project / "seeds" / RULES, "event_name")) - {"*"}
    assert events - GA4_NAMES == OWN_NAMES[vertical]


@pytest.mark.parametrize("vertical", list(Vertical))
def test_the_page_about_starters_names_every_event(project: Path, vertical: Vertical) -> None:
    assert init("--vertical", vertical).exit_code == 0
    page = (PROJECT / "docs" / "starter_catalogs.md").read_text(encoding="utf-8")
    [section] = [part for part in page.split("\n**") if part.startswith(f"{vertical}.**")]
    section = " ".join(section.partition("\n\n")[0].split())
    own = section.partition("own: ")[2].partition(". ")[0]
    events = set(column(project / "seeds" / RULES, "event_name")) - {"*"}
    assert [event for event in sorted(events) if f"`{event}`" not in section] == []
    assert {name for name in OWN_NAMES[vertical] if f"`{name}`" in own} == OWN_NAMES[vertical]


def test_an_unknown_vertical_is_a_wrong_call(project: Path) -> None:
    assert init("--vertical", "bakery").exit_code == 2
    assert init().exit_code == 2
