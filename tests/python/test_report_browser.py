"""The report as a browser shows it: nothing leaves the page, nothing is cut off, everybody can read
it.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Page, find_browser, open_browser
from project_run import PROJECT, Warehouse
from report_case import SEEN, built_report, hostile_changes, write_report

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium")
WIDTHS = (320, 390, 768, 1280)
STYLE = PROJECT / "scripts" / "microconv" / "report" / "templates" / "style.css"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_report(tmp_path_factory)


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    assert PROGRAM is not None
    with open_browser(PROGRAM) as page:
        yield page


@pytest.fixture
def report(browser: Page, warehouse: Warehouse) -> Page:
    browser.look(1280)
    browser.open(warehouse.root / "report.html")
    return browser


def is_quiet(page: Page, path: Path) -> None:
    time.sleep(0.2)  # whatever the page would still ask for
    page.run("1")
    assert page.requests == [path.as_uri()]
    assert page.complaints == []


def test_it_asks_nothing_of_a_network_and_complains_of_nothing(
    report: Page, warehouse: Warehouse
) -> None:
    is_quiet(report, warehouse.root / "report.html")


def test_the_browser_would_see_a_request_and_a_complaint(browser: Page, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text('<img src="http://nowhere.example/x.png"><script>missing()</script>')
    browser.open(path)
    assert "http://nowhere.example/x.png" in browser.requests
    assert any("missing" in said for said in browser.complaints)


def test_the_policy_of_the_page_stops_what_it_does_not_hold(
    browser: Page, warehouse: Warehouse, tmp_path: Path
) -> None:
    """Should anything ever get past the escaping, it neither runs nor asks anybody for anything."""
    html = (warehouse.root / "report.html").read_text(encoding="utf-8")
    bad = (
        '<p id="planted" onclick="document.title=1">x</p><script>document.title = "ran"</script>'
        '<img src="http://nowhere.example/x.png"><iframe src="http://nowhere.example/"></iframe>'
        '<p style="background: url(http://nowhere.example/y.png)">x</p>'
    )
    path = tmp_path / "page.html"
    path.write_text(html.replace("</main>", f"{bad}</main>"), encoding="utf-8")
    browser.open(path)
    time.sleep(0.2)
    assert browser.run("document.querySelector('#planted') !== null")
    assert browser.run("document.title") != "ran"
    # Blocked requests may be named; none is of the network, since the host does not exist.
    assert any("Content Security Policy" in said for said in browser.complaints)


def test_what_others_wrote_is_shown_as_text(
    browser: Page, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = write_report(warehouse, monkeypatch, tmp_path, changes=hostile_changes())
    browser.look(390)
    browser.open(out)
    is_quiet(browser, out)
    shown = browser.run("document.querySelector('#kpi-purchase-rate h3').textContent")
    assert shown == SEEN
    assert browser.run("document.querySelectorAll('script, img').length") == 0
    assert browser.run("document.querySelectorAll('svg').length") > 20
    assert browser.run("document.documentElement.scrollWidth") == 390
    # The last card stands in the last section: nothing has closed an element early.
    assert browser.run("document.querySelector('main > section:last-child #limits') !== null")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_page(report: Page, width: int) -> None:
    report.look(width)
    assert report.run("document.documentElement.scrollWidth") == width
    wider = report.run("""
        [...document.querySelectorAll('main *')]
            .filter(one => !one.closest('.scroll, .hidden, svg, details'))
            .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1)
            .map(one => one.outerHTML.slice(0, 80))
    """)
    assert wider == []
    # A column that is squeezed makes its row tower.
    heights = report.run("[...document.querySelectorAll('tbody tr')].map(one => one.offsetHeight)")
    assert max(heights) < 160


@pytest.mark.parametrize("width", [390, 1280])
def test_charts_are_drawn_and_their_text_can_be_read(report: Page, width: int) -> None:
    report.look(width)
    charts: list[dict[str, Any]] = report.run("""
        [...document.querySelectorAll('svg.chart')].map(svg => ({
            label: svg.getAttribute('aria-label'),
            marks: [...svg.querySelectorAll('.role-mark path, .role-mark line')]
                .filter(one => { const box = one.getBoundingClientRect();
                    return box.width + box.height > 0; }).length,
            smallest: Math.min(...[...svg.querySelectorAll('text')]
                .filter(one => one.getAttribute('opacity') !== '0')
                .map(one => one.getBoundingClientRect().height)),
            outside: [...svg.querySelectorAll('text')].filter(one => {
                const a = one.getBoundingClientRect(), b = svg.getBoundingClientRect();
                return a.left < b.left - 1 || a.right > b.right + 1; }).length
        }))
    """)
    assert len(charts) > 20
    for chart in charts:
        assert chart["marks"] > 0 and chart["outside"] == 0, chart
        assert chart["smallest"] >= 10, chart
        assert len(chart["label"]) > 20 and "NaN" not in chart["label"], chart


def test_a_screen_reader_finds_its_way(report: Page) -> None:
    levels = report.run(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))"
    )
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    wrong = report.run("""({
        ids: [...document.querySelectorAll('[id]')].map(one => one.id)
            .filter((id, place, all) => all.indexOf(id) !== place),
        links: [...document.querySelectorAll('a[href^="#"]')]
            .filter(one => !document.getElementById(one.hash.slice(1))).length,
        labelled: [...document.querySelectorAll('[aria-labelledby]')]
            .filter(one => !document.getElementById(one.getAttribute('aria-labelledby'))).length,
        drawings: [...document.querySelectorAll('svg')]
            .filter(one => one.getAttribute('role') !== 'img').length,
        spoken: document.querySelectorAll('svg [role="graphics-symbol"]').length,
        tables: [...document.querySelectorAll('table')].filter(one =>
            !one.caption || one.querySelector('th:not([scope])')).length,
        scrolled: [...document.querySelectorAll('.scroll')].filter(one =>
            one.tabIndex !== 0 || !one.getAttribute('aria-label')).length,
        language: document.documentElement.lang,
        questions: [...document.querySelectorAll('article')].filter(one =>
            !one.querySelector('h3').textContent.trim()
            || !one.querySelector('.answer').textContent.trim()).length
    })""")
    assert wrong == {
        **{
            "ids": [],
            "links": 0,
            "labelled": 0,
            "drawings": 0,
            "spoken": 0,
            "tables": 0,
            "scrolled": 0,
        },
        **{"language": "en", "questions": 0},
    }


def test_a_chart_has_its_numbers_beside_it(report: Page) -> None:
    alone = report.run("""
        [...document.querySelectorAll('article')]
            .filter(one => one.querySelector('svg') && !one.querySelector('table'))
            .map(one => one.id)
    """)
    assert alone == []


def test_the_keyboard_reaches_links_and_tables(report: Page) -> None:
    report.run("document.activeElement.blur()")
    reached = []
    for _ in range(9):
        for kind in ("keyDown", "keyUp"):
            report.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                        windowsVirtualKeyCode=9)  # fmt: skip
        reached.append(report.run("document.activeElement.tagName + document.activeElement.hash"))
    assert reached[0] == "A#main"
    assert reached[1:3] == ["A#happened", "A#leaks"]
    assert any(one.startswith("SUMMARY") for one in reached)


def test_paper_is_white_and_holds_every_card(report: Page) -> None:
    cards = report.run("document.querySelectorAll('article').length")
    report.look(800, scheme="dark", media="print")
    assert report.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # The answers in short are for paper too; what only a pointer can open is not.
    assert report.run("document.querySelector('nav').offsetHeight") > 100
    assert report.run("document.querySelector('details').offsetHeight") == 0
    shown = report.run(
        "[...document.querySelectorAll('article')].filter(one => one.offsetHeight > 0).length"
    )
    assert shown == cards
    report.look(1280)


AXE = "axe-core@4.14.1"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Deque's checker of accessibility, fetched for the test and thrown away after it."""
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"there is no npm to fetch {AXE} with")
    fetch = [npm, "pack", "--silent", AXE]
    done = subprocess.run(fetch, cwd=folder, capture_output=True, check=False, timeout=120)
    if done.returncode:
        pytest.skip(f"{AXE} cannot be fetched")
    [packed] = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode("utf-8")


def violations(page: Page) -> list[str]:
    """What axe finds in the page as it is shown; its rules of WCAG 2.2, level AA, and its own."""
    found = page.run("axe.run(document, {resultTypes: ['violations']})", is_promise=True)
    return [
        f"{one['id']}: {one['help']} {[node['html'][:120] for node in one['nodes'][:3]]}"
        for one in found["violations"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(report: Page, axe: str, width: int, scheme: str) -> None:
    report.look(width, scheme=scheme)
    report.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    report.run(f"{axe}; 1")
    assert violations(report) == []


@pytest.mark.slow
def test_axe_would_find_something(browser: Page, axe: str, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html><body><img src='data:,'><p style='color: #ccc'>pale</p>")
    browser.look(390)
    browser.open(path)
    browser.run(f"{axe}; 1")
    found = " ".join(violations(browser))
    assert "image-alt" in found and "color-contrast" in found


def palettes() -> dict[str, dict[str, str]]:
    css = STYLE.read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)
    found = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})\b", block)) for block in blocks]
    return dict(zip(("light", "dark", "print"), found, strict=True))


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_and_marks_stand_out(scheme: str) -> None:
    colours = palettes()[scheme]
    for behind in ("page", "card"):
        for name in ("text", "muted", "link", "good", "bad", "doubt"):
            assert contrast(colours[name], colours[behind]) >= 4.5, (name, behind)
        assert contrast(colours["mark"], colours[behind]) >= 3
    assert contrast(colours["mark"], colours["track"]) >= 3


def test_dark_is_dark(report: Page) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        report.look(1280, scheme=scheme)
        colours[scheme] = report.run("""[
            getComputedStyle(document.body).backgroundColor,
            getComputedStyle(document.querySelector('svg.chart text')).fill,
        ]""")
    assert colours["light"] != colours["dark"]
    assert colours["dark"][0] == "rgb(18, 21, 26)"
