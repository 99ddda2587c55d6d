"""The page of a review in headless Chromium: two widths, keyboard, no script, no other host, paper, dark.

`REVIEW_SCREENSHOTS=<folder>` keeps what it looked like.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.review.findings import Review
from shared.review.page.document import render_page
from tests.support.chromium import Browser, find_chromium, running_chromium
from tests.support.reviews import sample_finding, sample_review, sample_standings

WIDTHS = (1280, 380)
FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]"
NAME_OF_FOCUS = """(() => {
  const all = [...document.querySelectorAll(FOCUSABLE)];
  return all.indexOf(document.activeElement);
})()""".replace("FOCUSABLE", repr(FOCUSABLE))
REACHABLE = """[...document.querySelectorAll(FOCUSABLE)]
  .map((each, place) => [each, place])
  .filter(([each]) => each.checkVisibility() && each.tabIndex >= 0).map(([, place]) => place)""".replace(
    "FOCUSABLE", repr(FOCUSABLE)
)
HEIGHTS = "[...document.querySelectorAll('article.card, tr[data-row]')].map((e) => e.offsetHeight)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with running_chromium(path) as browser:
        yield browser


@pytest.fixture(scope="module")
def review() -> Review:
    return sample_review()


@pytest.fixture(scope="module")
def file(review: Review, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(review, sample_standings(review)).html, "utf-8")
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_its_width_and_asks_nobody(browser: Browser, file: Path, width: int) -> None:
    """No sideways scrolling, one request (the page itself), nothing for the browser to complain of."""
    browser.open(file, width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    wide = (
        "[...document.querySelectorAll('main *')]"
        ".filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre'))"
        ".map((e) => e.outerHTML.slice(0, 90))"
    )
    assert browser.evaluate(wide) == []
    assert browser.requested() == [file.resolve().as_uri()]
    assert browser.complaints() == []
    _keep(browser, f"review-{width}.png")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_keyboard_reaches_everything_in_order(browser: Browser, file: Path, width: int) -> None:
    """Tab visits every link, control, disclosure and scrolling region once, in order, and shows where."""
    browser.open(file, width)
    reachable = browser.evaluate(REACHABLE)
    visited = []
    for _ in reachable:
        browser.press_tab()
        visited.append(browser.evaluate(NAME_OF_FOCUS))
        if len(visited) in (1, 2, 10):
            assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert visited == reachable
    assert len(reachable) > 40


@pytest.mark.parametrize("width", WIDTHS)
def test_without_scripts_everything_is_there(
    browser: Browser, file: Path, review: Review, width: int
) -> None:
    """Every finding and every account is visible, and no control that would do nothing."""
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(file, width)
        heights = browser.evaluate(HEIGHTS)
        assert len(heights) == len(review.findings) + len(review.rows) and min(heights) > 20
        assert browser.evaluate("document.getElementById('filters').hidden") is True
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)


def test_filters_hide_what_is_not_asked_for_and_say_how_much_is_left(
    browser: Browser, file: Path, review: Review
) -> None:
    browser.open(file, 1280)
    shown = (
        "[...document.querySelectorAll('article.card')].filter((e) => e.checkVisibility()).map((e) => e.id)"
    )
    assert set(browser.evaluate(shown)) == {each.id for each in review.findings}
    browser.evaluate(_fill("f-risk", "critical"))
    critical = {each.id for each in review.findings if each.risk == "critical"}
    assert set(browser.evaluate(shown)) == critical
    said = browser.evaluate("document.getElementById('f-count').textContent")
    assert said == f"{len(critical)} of {len(review.findings)} findings"
    browser.evaluate(_fill("f-text", "emergency ticket"))
    emergencies = {each.id for each in review.findings if each.kind == "break_glass_used"} & critical
    assert set(browser.evaluate(shown)) == emergencies
    browser.evaluate("document.querySelector('#filters button').click()")
    browser.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert len(browser.evaluate(shown)) == len(review.findings)


def test_a_link_to_a_hidden_finding_shows_it(browser: Browser, file: Path, review: Review) -> None:
    """A filter never makes a link lead nowhere."""
    browser.open(file, 1280)
    target = next(each.id for each in review.findings if each.risk == "low")
    browser.evaluate(_fill("f-risk", "critical"))
    browser.evaluate(f"location.hash = '#{target}'")
    browser.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert browser.evaluate(f"document.getElementById('{target}').checkVisibility()") is True


def test_on_paper_there_are_no_controls_and_the_evidence_is_open(browser: Browser, file: Path) -> None:
    browser.open(file, 1280)
    browser.send("Emulation.setEmulatedMedia", media="print")
    try:
        for name in ("nav", "#filters"):
            assert browser.evaluate(f"document.querySelector('{name}').checkVisibility()") is False
        heights = "[...document.querySelectorAll('.records li')].map((e) => e.getBoundingClientRect().height)"
        assert min(browser.evaluate(heights)) > 0
        assert len(browser.send("Page.printToPDF", printBackground=True)["data"]) > 10_000
    finally:
        browser.send("Emulation.setEmulatedMedia", media="")


def test_in_the_dark_it_is_dark(browser: Browser, file: Path) -> None:
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.send("Emulation.setEmulatedMedia", features=features)
    try:
        browser.open(file, 1280)
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 29)"
        _keep(browser, "review-dark.png")
    finally:
        browser.send("Emulation.setEmulatedMedia", features=[])


def test_hostile_names_run_nothing(browser: Browser, tmp_path: Path) -> None:
    """In a real browser, too: no dialog, no request, no element."""
    evil = "<script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>"
    row = replace(sample_review(0, 1).rows[0], name=evil, roles=(evil,))
    finding = sample_finding(1, explanation=evil, role=evil, evidence=(evil,), principal=row.key)
    path = tmp_path / "hostile.html"
    path.write_text(render_page(sample_review(0, 0, rows=(row,), findings=(finding,))).html, "utf-8")
    browser.open(path, 1280)
    assert browser.requested() == [path.resolve().as_uri()] and browser.complaints() == []
    assert browser.evaluate("document.images.length + document.scripts.length") == 1


def test_were_a_script_to_slip_in_the_policy_would_stop_it(browser: Browser, tmp_path: Path) -> None:
    """The second lock: an injected script, handler or image is refused by the page's own policy."""
    html = render_page(sample_review(1, 1)).html
    slip = "<script>document.title = 'run'</script>"
    slip += "<img src=http://evil.example/x onerror=\"document.title='run'\">"
    path = tmp_path / "slipped.html"
    path.write_text(html.replace("<main>", f"<main>{slip}"), "utf-8")
    browser.open(path, 1280)
    assert browser.evaluate("document.title") == "Access review 2026-12"
    assert any("Content Security Policy" in each for each in browser.complaints())


def test_two_thousand_accounts_are_a_page_that_opens(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text(render_page(sample_review(800, 2000)).html, "utf-8")
    assert path.stat().st_size < 6 << 20
    browser.open(path, 1280)
    browser.evaluate(_fill("f-text", "reidentifier"))
    assert browser.evaluate("document.getElementById('f-count').textContent").endswith("of 800 findings")


def _fill(control: str, value: str) -> str:
    return (
        f"(() => {{ const each = document.getElementById('{control}'); each.value = '{value}';"
        " each.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


def _keep(browser: Browser, name: str) -> None:
    if folder := os.environ.get("REVIEW_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / name).write_bytes(browser.screenshot())
