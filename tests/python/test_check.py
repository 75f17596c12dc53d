"""`microconv check` accepts the shipped lists and refuses each wrong edit in one clear sentence."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest
from microconv.check.command import describe
from microconv.check.problems import Problem
from microconv.check.project import check_project
from microconv.check.schema import ITEM_FIELDS, NUMERIC_FIELDS, SEEDS, TEXT_FIELDS
from microconv.errors import MicroconvError
from wrong_edits import (
    CATALOG,
    CHANNELS,
    DERIVED,
    FUNNELS,
    HOSTS,
    RULES,
    WEIGHTS,
    WRONG_EDITS,
)

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the shipped seeds that a test may spoil."""
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    (tmp_path / "dbt_project.yml").write_text("name: p\nvars: {max_funnel_steps: 12}\n")
    return tmp_path


def problems(project: Path) -> list[Problem]:
    return check_project(project, seeds_only=True).problems


def spoil(project: Path, seed: str, old: str, new: str) -> None:
    """Replace text that occurs exactly once, so that no case passes by changing nothing."""
    path = project / "seeds" / f"{seed}.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_shipped_lists_are_right(project: Path) -> None:
    assert problems(project) == []


@pytest.mark.parametrize(("seed", "old", "new", "place", "words"), WRONG_EDITS)
def test_each_wrong_edit_is_refused_with_its_place_and_remedy(
    project: Path, seed: str, old: str, new: str, place: str, words: str
) -> None:
    spoil(project, seed, old, new)
    errors = [p for p in problems(project) if p.severity == "error"]
    assert all(p.remedy for p in errors)
    here = [p for p in errors if p.file == f"seeds/{seed}.csv" and words in describe(p)]
    assert [p.place() for p in here] == [place], [describe(p) for p in errors]


def test_an_optional_step_is_refused_where_any_order_makes_it_pointless(project: Path) -> None:
    spoil(project, FUNNELS, "ordered,closed,24,1,attempts", "any,closed,24,,attempts")
    found = [p for p in problems(project) if p.severity == "error"]
    assert [(p.file, p.row, p.column) for p in found] == [
        ("seeds/funnel_steps.csv", row, "role") for row in (21, 22)
    ]


def test_all_problems_are_said_at_once(project: Path) -> None:
    spoil(project, CATALOG, ",awareness,", ",nowhere,")
    spoil(project, RULES, "at_least,90", "at_least,ninety")
    spoil(project, FUNNELS, "closed,168,", "closed,0,")
    assert len({p.file for p in problems(project) if p.severity == "error"}) == 3


def test_a_message_names_row_column_value_and_what_is_allowed(project: Path) -> None:
    spoil(project, CATALOG, ",awareness,", ",awarness,")
    [problem] = [p for p in problems(project) if p.severity == "error"]
    assert describe(problem) == (
        "row 11, funnel_stage: 'awarness' is not a funnel_stage. Did you mean 'awareness'? "
        "Allowed: awareness, interest, consideration, intent, conversion."
    )


def test_a_formula_in_a_list_is_text(project: Path) -> None:
    spoil(project, CATALOG, "The goal of the shop: a paid order.", "=cmd|' /C calc'!A0")
    assert problems(project) == []


def test_rows_are_counted_as_an_editor_does(project: Path) -> None:
    spoil(project, CATALOG, "The goal of the shop: a paid order.", '"A goal\nin two lines."')
    spoil(project, CATALOG, ",awareness,", ",nowhere,")
    assert [p.row for p in problems(project) if p.severity == "error"] == [12]


@pytest.mark.parametrize(
    ("prefix", "ending"),
    [(b"\xef\xbb\xbf", b"\n"), (b"", b"\r\n"), (b"", b"\n\n")],
    ids=["bom", "crlf", "blank"],
)
def test_what_editors_and_excel_write_is_accepted(
    project: Path, prefix: bytes, ending: bytes
) -> None:
    path = project / "seeds" / f"{CATALOG}.csv"
    path.write_bytes(prefix + path.read_bytes().replace(b"\n", ending))
    assert problems(project) == []


def test_columns_may_stand_in_any_order(project: Path) -> None:
    path = project / "seeds" / f"{CATALOG}.csv"
    rows = [list(reversed(row)) for row in csv.reader(path.read_text().splitlines())]
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert problems(project) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"conversion_name,label\nK\xf6ln,x\n", "not UTF-8"),
        ("conversion_name\n".encode("utf-16"), "not UTF-8"),
    ],
    ids=["absent", "empty", "latin-1", "utf-16"],
)
def test_an_unreadable_list_is_one_problem(
    project: Path, content: bytes | None, words: str
) -> None:
    path = project / "seeds" / f"{CATALOG}.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    [problem] = problems(project)
    assert words in problem.message and problem.remedy


def test_a_list_that_may_not_be_read_is_one_problem(project: Path) -> None:
    path = project / "seeds" / f"{HOSTS}.csv"
    path.unlink()
    path.mkdir()
    [problem] = problems(project)
    assert "cannot be read" in problem.message


def test_channel_groups_need_a_row(project: Path) -> None:
    path = project / "seeds" / f"{CHANNELS}.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    [problem] = problems(project)
    assert problem.message == "The list is empty."


def test_a_catalog_needs_a_macro(project: Path) -> None:
    spoil(project, CATALOG, "Purchase,macro", "Purchase,micro")
    spoil(project, CATALOG, "created,macro", "created,micro")
    assert "There is no macro-conversion." in [p.message for p in problems(project)]


def test_a_funnel_may_not_be_longer_than_the_models_build(project: Path) -> None:
    (project / "dbt_project.yml").write_text("name: p\nvars: {max_funnel_steps: 5}\n")
    found = problems(project)
    assert [(p.row, p.column) for p in found] == [(row, "funnel_name") for row in (2, 3, 4)]
    assert "has 6 steps" in found[0].message and "up to 5" in found[0].remedy


@pytest.mark.parametrize(
    "content", ["vars: [", "vars: {max_funnel_steps: many}", "vars: {holidays: [2026-02-30]}"]
)
def test_a_wrong_project_file_is_a_plain_error(project: Path, content: str) -> None:
    (project / "dbt_project.yml").write_text(content)
    with pytest.raises(MicroconvError, match=r"dbt_project\.yml"):
        problems(project)


def test_more_than_seven_micros_for_a_macro_warn(project: Path) -> None:
    spoil(
        project,
        CATALOG,
        "ion,sign_up,ecommerce,every_event,none,8",
        "ion,purchase,ecommerce,every_event,none,8",
    )
    [problem] = problems(project)
    assert (
        problem.severity == "warning"
        and "8 micro-conversions support 'purchase'" in problem.message
    )


def test_a_stage_without_a_conversion_warns(project: Path) -> None:
    spoil(project, CATALOG, ",awareness,", ",interest,")
    [problem] = problems(project)
    assert problem.severity == "warning" and "'awareness'" in problem.message


def test_points_that_differ_between_the_lists_warn(project: Path) -> None:
    spoil(project, WEIGHTS, "search,3,", "search,4,")
    [problem] = problems(project)
    assert (problem.severity, problem.row, problem.value) == ("warning", 3, "4")


def test_a_rule_that_is_two_milestones_is_advised_against(project: Path) -> None:
    spoil(project, RULES, "begin_checkout,1,begin_checkout,,,", "begin_checkout,1,add_to_cart,,,")
    [problem] = problems(project)
    assert (problem.severity, problem.row, problem.column) == ("warning", 9, "event_name")
    assert "is the milestone 'add_to_cart' too (row 8)" in problem.message


def test_every_seed_yml_describes_its_columns_and_types() -> None:
    import yaml

    for name, columns in SEEDS.items():
        [seed] = yaml.safe_load((PROJECT / "seeds" / f"{name}.yml").read_text())["seeds"]
        names = [column.name for column in columns]
        assert seed["name"] == name and seed["description"].startswith("One row per")
        assert [column["name"] for column in seed["columns"]] == names
        assert all(column["description"].strip() for column in seed["columns"])
        assert list(seed["config"]["column_types"]) == names
        for column, described in zip(columns, seed["columns"], strict=True):
            if column.allowed:
                accepted = [
                    t["accepted_values"] for t in described["data_tests"] if "accepted_values" in t
                ]
                assert [a["arguments"]["values"] for a in accepted] == [list(column.allowed)]


def test_the_fields_of_a_rule_are_those_that_the_models_read() -> None:
    columns = (PROJECT / "macros" / "rule_fields.sql").read_text()
    lists = re.findall(r"set (\w+)_columns = \[(.*?)\]", columns, re.DOTALL)
    read = {kind: set(re.findall(r'"(\w+)"', names)) for kind, names in lists}
    assert read["text"] == set(TEXT_FIELDS)
    assert read["number"] | read["integer"] == set(NUMERIC_FIELDS)

    export = (PROJECT / "macros" / "export" / "ga4_export_columns.sql").read_text()
    fields = export.partition("macro ga4_item_fields()")[2].partition("endmacro")[0]
    assert set(re.findall(r'"(\w+)": "', fields)) == set(ITEM_FIELDS)


def test_a_conversion_without_a_rule_is_refused(project: Path) -> None:
    spoil(project, RULES, "watch_video,1,video_start,,,\n", "")
    [problem] = problems(project)
    assert (problem.file, problem.row) == ("seeds/conversion_catalog.csv", 13)
    assert (
        "'watch_video' has no row in seeds/conversion_rules.csv or seeds/derived_conversions.csv"
        in problem.message
    )


def derive(project: Path, *rows: str) -> None:
    """Adds requirements to the shipped list."""
    with (project / "seeds" / f"{DERIVED}.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{row}\n" for row in rows)


def test_a_conversion_is_defined_by_rules_or_by_requirements(project: Path) -> None:
    spoil(project, RULES, "watch_video,1,video_start,,,\n", "")
    derive(project, "watch_video,view_item,3,item:item_id,session,,done,,,")
    assert problems(project) == []


def test_every_kind_of_requirement_is_accepted(project: Path) -> None:
    with (project / "seeds" / f"{CATALOG}.csv").open("a", encoding="utf-8") as catalog:
        catalog.writelines(
            f"{name},{name},micro,secondary_action,interest,{macro},ecommerce,once_per_session,"
            "fixed:2.5,0,\n"
            for name, macro in (("keen", "sign_up"), ("left", "sign_up"), ("lost", "purchase"))
        )
    derive(
        project,
        "keen,view_item,3,item:item_id,7 days,first_visit,done,,,",
        "keen,watch_video,1,,7 days,first_visit,done,engaged_seconds_on_page,at_least,180",
        "left,add_to_cart,1,,session,add_to_cart,done,,,",
        "left,purchase,1,,session,add_to_cart,not_done,,,",
        "lost,left,2,conversion_date,30 days,previous_conversion,done,,,",
    )
    assert [p for p in problems(project) if p.severity == "error"] == []


def test_a_derived_conversion_has_no_revenue_of_its_own(project: Path) -> None:
    spoil(project, RULES, "add_to_cart,1,add_to_cart,,,\n", "")
    derive(project, "add_to_cart,view_item,3,,session,,done,,,")
    [problem] = problems(project)
    assert (problem.file, problem.row) == ("seeds/conversion_catalog.csv", 7)
    assert "'add_to_cart' is derived" in problem.message and "event_value" in problem.message


def test_a_conversion_may_not_be_called_like_an_anchor(project: Path) -> None:
    for seed in (CATALOG, RULES):
        spoil(project, seed, "\nwatch_video,", "\nfirst_visit,")
    spoil(project, WEIGHTS, "\nwatch_video,", "\nfirst_visit,")
    assert problems(project) == []
    derive(project, "search,view_item,3,,1 hour,first_visit,done,,,")
    found = [p for p in problems(project) if p.column == "anchor"]
    assert [p.row for p in found] == [2] and "another name" in found[0].remedy


def test_how_deep_derivations_go_is_a_setting(project: Path) -> None:
    (project / "dbt_project.yml").write_text("name: p\nvars: {max_derivation_levels: 1}\n")
    spoil(project, RULES, "watch_video,1,video_start,,,\n", "")
    spoil(project, RULES, "view_size_guide,1,view_size_guide,,,\n", "")
    derive(project, "watch_video,view_size_guide,1,,,,done,,,")
    derive(project, "view_size_guide,search,1,,,,done,,,")
    [problem] = problems(project)
    assert problem.row == 2 and "over 2 levels" in problem.message
    assert "Allowed: up to 1" in problem.remedy


def test_a_quality_of_what_is_counted_once_warns(project: Path) -> None:
    spoil(project, RULES, "watch_video,1,video_start,,,\n", "")
    derive(project, "watch_video,search,1,,,,done,engaged_seconds_on_page,at_least,60")
    [problem] = problems(project)
    assert (problem.severity, problem.row) == ("warning", 2)
    assert "'search' counts once_per_session" in problem.message


_SEARCH = ",micro,secondary_action,interest,purchase,ecommerce,once_per_session,none,3,"
_INGREDIENT = ",ingredient,secondary_action,interest,,ecommerce,once_per_session,none,0,"


def test_an_ingredient_is_counted_nowhere_by_itself(project: Path) -> None:
    spoil(project, CATALOG, f"Searched the shop{_SEARCH}", f"Searched the shop{_INGREDIENT}")
    spoil(
        project, CATALOG, "intent,purchase,ecommerce,every_ev", "intent,search,ecommerce,every_ev"
    )
    derive(project, "watch_video,search,2,,session,,done,,,")
    spoil(project, RULES, "watch_video,1,video_start,,,\n", "")
    found = {
        (p.file.removeprefix("seeds/"), p.row, p.column)
        for p in problems(project)
        if "ingredient" in p.message or p.value == "search"
    }
    assert found == {
        ("conversion_catalog.csv", 7, "supports"),
        ("funnel_steps.csv", 24, "conversion_name"),
        ("kpi_definitions.csv", 10, "numerator"),
        ("kpi_definitions.csv", 11, "denominator"),
        ("lead_score_weights.csv", 3, "conversion_name"),
    }


def test_an_ingredient_of_nothing_and_a_stage_that_only_it_has_warn(project: Path) -> None:
    with (project / "seeds" / f"{CATALOG}.csv").open("a", encoding="utf-8") as catalog:
        catalog.write(f"visit,Visited{_INGREDIENT}\n".replace("interest", "awareness"))
    with (project / "seeds" / f"{RULES}.csv").open("a", encoding="utf-8") as rules:
        rules.write("visit,1,page_view,,,\n")
    spoil(project, CATALOG, "awareness,sign_up", "interest,sign_up")
    assert [(p.severity, p.row) for p in problems(project)] == [("warning", None), ("warning", 16)]
    assert "'visit' is an ingredient of nothing" in problems(project)[1].message


def test_every_example_of_the_documentation_is_accepted(project: Path) -> None:
    text = (PROJECT / "docs" / "derived_conversions.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    header, *rows = "".join(blocks).splitlines()
    assert header == (PROJECT / "seeds" / f"{DERIVED}.csv").read_text().splitlines()[0]
    assert len(rows) >= 15
    derive(project, *rows)
    shipped = (PROJECT / "seeds" / f"{CATALOG}.csv").read_text(encoding="utf-8")
    derived_names = {row.split(",")[0] for row in rows}
    needed = {name for row in rows for name in (row.split(",")[1], row.split(",")[5])}
    new = (needed | derived_names) - {"", "first_visit", "previous_conversion"}
    new = {name for name in new if f"\n{name}," not in shipped}
    with (project / "seeds" / f"{CATALOG}.csv").open("a", encoding="utf-8") as catalog:
        catalog.writelines(
            f"{name},{name},micro,secondary_action,interest,purchase,saas,every_event,none,0,\n"
            for name in sorted(new)
        )
    with (project / "seeds" / f"{RULES}.csv").open("a", encoding="utf-8") as rules:
        rules.writelines(f"{name},1,{name},,,\n" for name in sorted(new - derived_names))
    found = problems(project)
    assert [describe(p) for p in found if "dilute attention" not in p.message] == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("activation_conversions: [view_itm]", "'view_itm' is no micro-conversion of the catalog."),
        ("activation_conversions: [purchase]", "'purchase' is no micro-conversion of the catalog."),
        ("activation_conversions: view_item, search", "'view_item, search' is no micro-conversion"),
        ("holidays: [Christmas]", "'Christmas' is no date."),
        ("holidays: ['2026-02-30']", "'2026-02-30' is no date."),
        ("cohort_weeks: 0", "'0' is no number of weeks."),
        ("cohort_weeks: many", "'many' is no number of weeks."),
    ],
)
def test_a_wrong_setting_is_named(project: Path, setting: str, message: str) -> None:
    (project / "dbt_project.yml").write_text(f"name: p\nvars:\n  {setting}\n")
    [problem] = check_project(project, seeds_only=True).having("error")
    assert problem.file == "dbt_project.yml" and message in problem.message
    assert problem.column == setting.split(":")[0] and problem.remedy


def test_right_settings_pass(project: Path) -> None:
    (project / "dbt_project.yml").write_text(
        "name: p\nvars:\n  activation_conversions: [view_item]\n  cohort_weeks: 12\n"
        "  holidays: [2026-11-27, '2026-12-25']\n"
    )
    assert check_project(project, seeds_only=True).having("error") == []
