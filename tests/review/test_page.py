"""The page of a review: everything is on it, nothing that comes from outside is obeyed."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from shared.review.directory import Unknown
from shared.review.findings import RISKS, Review
from shared.review.page.document import render_page
from shared.review.page.style import DARK, LIGHT, SHAPE_PAIRS, TEXT_PAIRS
from shared.review.page.words import KINDS, RISK_WORDS
from tests.support.html_reading import Element, read_html
from tests.support.reviews import (
    KINDS as ALL_KINDS,
)
from tests.support.reviews import (
    principal,
    sample_finding,
    sample_review,
    sample_standings,
    sample_window,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "a\x00b\x1b[31mc",
    "\U000e0041",
)


@pytest.fixture(scope="module")
def review() -> Review:
    return sample_review()


@pytest.fixture(scope="module")
def page(review: Review) -> Element:
    return read_html(render_page(review, sample_standings(review)).html)


def test_every_finding_is_a_card_with_all_that_is_needed_to_decide(page: Element, review: Review) -> None:
    """Risk, kind, principal, role, explanation, proposal, evidence and how it stands: nothing is left out."""
    cards = {card.attributes["id"]: card for card in page.all("article")}
    assert cards.keys() == {finding.id for finding in review.findings}
    standings = sample_standings(review)
    for finding in review.findings:
        card = cards[finding.id]
        assert RISK_WORDS[finding.risk] in card.text and KINDS[finding.kind] in card.text
        assert finding.explanation in card.text and finding.proposal in card.text
        assert all(name in card.text for name in finding.evidence)
        assert finding.principal is None or finding.principal[1] in card.text
        assert finding.role is None or finding.role in card.text
        assert card.attributes["data-state"] == standings[finding.id].state
        if finding.evidence:
            assert f"{finding.evidence_count:,} record" in card.text


def test_a_narrower_role_and_groups_are_shown() -> None:
    finding = sample_finding(1, "over_permissive", groups=("group-1", "group-2"))
    page = read_html(render_page(replace(sample_review(0, 3), findings=(finding,))).html)
    [card] = page.all("article")
    assert '"operators": [\n    "replace"' in card.text
    assert "group-1" in card.text and "group-2" in card.text


def test_findings_stand_under_their_risk_the_highest_first_and_emergencies_before_all(
    page: Element, review: Review
) -> None:
    headings = [each.text for each in page.all("h3") if each.attributes.get("id", "").startswith("risk-")]
    assert [text.split(" ")[0] for text in headings] == ["Emergency", "Critical", "High", "Medium", "Low"]
    emergencies, *groups = page.all("div", class_="group")
    assert {card.attributes["data-kind"] for card in emergencies.all("article")} == {"break_glass_used"}
    for group, risk in zip(groups, reversed(RISKS), strict=True):
        assert {card.attributes["data-risk"] for card in group.all("article")} == {risk}
    scores = {finding.id: finding.score for finding in review.findings}
    order = [scores[card.attributes["id"]] for card in groups[0].all("article")]
    assert order == sorted(order, reverse=True)


def test_every_principal_is_a_row_and_links_to_its_findings(page: Element, review: Review) -> None:
    [table] = page.all("table", id="table-accounts")
    rows = {each.all("code")[0].text: each for each in table.all("tr") if "data-row" in each.attributes}
    assert rows.keys() == {row.key[1] for row in review.rows}
    for row in review.rows:
        links = {each.attributes["href"].removeprefix("#") for each in rows[row.key[1]].all("a")}
        assert links == set(row.findings)
        assert all(role in rows[row.key[1]].text for role in row.roles)


def test_verdict_and_both_root_checkpoints_are_named(page: Element, review: Review) -> None:
    [verdict] = page.all("section", class_="verdict")
    window = review.window
    assert "intact" in verdict.text
    for fact in (f"{window.from_size:,}", window.from_root, f"{window.to_size:,}", window.to_root):
        assert fact in verdict.text


@pytest.mark.parametrize(
    ("verdict", "word"), [("findings", "NOT intact"), ("unchecked", "could not be checked")]
)
def test_what_is_wrong_with_the_evidence_stands_at_the_top(verdict: str, word: str) -> None:
    """A review of doubtful evidence is made and says so first."""
    window = sample_window(verdict=verdict, verification={"record_modified": 3})
    html = render_page(sample_review(window=window)).html
    [section] = read_html(html).all("section", class_="verdict")
    assert word in section.text and "record_modified 3" in section.text
    assert html.index('id="verdict"') < html.index('id="short"')


def test_the_trend_compares_with_the_last_review(page: Element) -> None:
    text = page.all("section")[2].text
    assert "▼ 3 fewer" in text and "same" in text and "▲ 2 more" in text
    first = read_html(render_page(sample_review(previous=None)).html)
    assert "no earlier review" in first.text and "Last review" not in first.text


def test_what_was_not_judged_and_what_could_not_be_known_is_said(page: Element, review: Review) -> None:
    [history] = page.all("table", id="table-history")
    assert review.insufficient[0].principal[1] in history.text and "90" in history.text
    assert all(each.message in page.text for each in review.unknown)
    assert all(each.subject in page.text for each in review.unknown)


def test_an_empty_review_is_a_page_too() -> None:
    html = render_page(sample_review(0, 0, insufficient=(), unknown=(), month_calls={}, previous={})).html
    text = read_html(html).text
    for words in (
        "nothing to decide",
        "Nobody holds a role",
        "old enough to be judged",
        "was answered",
        "No calls",
    ):
        assert words in text


def test_every_kind_of_finding_has_words() -> None:
    assert set(KINDS) == set(ALL_KINDS)
    page = read_html(render_page(sample_review(len(ALL_KINDS))).html)
    assert {card.attributes["data-kind"] for card in page.all("article")} == set(ALL_KINDS)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_text_wherever_it_stands(value: str) -> None:
    """In a name, role, id, message, evidence, patch or operation: no element and no attribute comes of it."""
    finding = sample_finding(
        1,
        id=value,
        explanation=value,
        proposal=value,
        role=value,
        evidence=(value,),
        evidence_count=1,
        patch={value: value},
        action=value,
        groups=(value,),
        principal=(value, value),
    )
    row = replace(
        sample_review(0, 1).rows[0], key=(value, value), name=value, roles=(value,), groups=(value,),
        state=value, calls={value: 1, "other": 2}, findings=(value,),
    )  # fmt: skip
    hostile = sample_review(
        0, 0, id=value, log=value, policy=value, tenant=value, findings=(finding,), rows=(row,),
        unknown=(Unknown(value, value, value),), month_calls={value: {value: 3, "2026-11": 4}},
        window=sample_window(from_root=value, to_root=value, verification={value: 1}),
    )  # fmt: skip
    plain = sample_review(
        0, 0, findings=(replace(finding, id="x", groups=("x",), principal=("t", "x")),),
        rows=(replace(row, key=("t", "x"), name="x", findings=("x",), state="disabled"),),
        unknown=(Unknown("x", "x", "x"),), month_calls={"x": {"2026-10": 3, "2026-11": 4}},
        window=sample_window(verification={"x": 1}),
    )  # fmt: skip
    read, shape = read_html(render_page(hostile).html), read_html(render_page(plain).html)
    assert [each.tag for each in read.below] == [each.tag for each in shape.below]
    assert [sorted(each.attributes) for each in read.below] == [
        sorted(each.attributes) for each in shape.below
    ]
    links = [each.attributes["href"] for each in read.all("a")]
    assert links and all(link.startswith("#") for link in links)
    assert not any(
        steering in render_page(hostile).html for steering in ("\u202e", "\x00", "\x1b", "\U000e0041")
    )


def test_hostile_words_of_a_decision_are_text() -> None:
    review = sample_review(1, 1)
    standings = sample_standings(review)
    standing = standings[review.findings[0].id]
    assert standing.decision is not None
    for value in HOSTILE:
        worse = replace(standing, decision=replace(standing.decision, justification=value, by=("t", value)))
        page = read_html(render_page(review, {review.findings[0].id: worse}).html)
        assert len(page.all("script")) == 1 and page.all("img") == []


def test_the_page_forbids_itself_everything_but_its_own_style_and_script(review: Review) -> None:
    """CSP level 3: hashes of exactly the two elements that are there; nothing inline needs an exception."""
    page = render_page(review)
    read = read_html(page.html)
    [policy] = read.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"] == page.policy
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        [element] = read.all(tag)
        raw = re.search(f"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
        assert raw is not None and element.attributes == {}
        digest = base64.b64encode(hashlib.sha256(raw[1].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert "unsafe" not in page.policy and "*" not in page.policy
    attributes = {name for each in read.below for name in each.attributes}
    assert not {name for name in attributes if name == "style" or name.startswith("on")}


def test_nothing_on_the_page_names_another_host(review: Review) -> None:
    html = render_page(review).html
    assert re.findall(r"(?:https?:)?//[a-z]", html) == []
    assert not {"src", "srcset", "action"} & {
        name for each in read_html(html).below for name in each.attributes
    }


def test_charts_have_a_text_for_who_does_not_see_them(page: Element) -> None:
    for svg in page.all("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or svg.attributes["aria-label"]
    [months] = [each for each in page.all("svg") if each.has_class("months")]
    assert "Nov 2026: " in months.attributes["aria-label"]
    assert any("pii.deanonymize" in each.text for each in page.all("details") if each.has_class("numbers"))


def test_the_structure_can_be_read_aloud(page: Element) -> None:
    """One h1, no heading level left out, labels on every control, ids that exist once."""
    levels = [int(each.tag[1]) for each in page.below if re.fullmatch("h[1-6]", each.tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    ids = [each.attributes["id"] for each in page.below if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for each in page.below:
        for name in ("aria-labelledby", "href"):
            if target := each.attributes.get(name, "").removeprefix("#"):
                assert target in ids
    labelled = [control for label in page.all("label") for control in label.below]
    assert all(control in labelled for tag in ("input", "select") for control in page.all(tag))
    assert [each.attributes.get("lang") for each in page.all("html")] == ["en"]
    assert all(head.attributes.get("scope") for head in page.all("th") if "data-label" not in head.attributes)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_have_the_contrast_that_wcag_asks_for(colours: dict[str, str]) -> None:
    """4.5 to 1 for text (1.4.3), 3 to 1 for shapes (1.4.11), in both schemes."""
    assert colours.keys() == LIGHT.keys()
    for pairs, least in ((TEXT_PAIRS, 4.5), (SHAPE_PAIRS, 3.0)):
        for ink, ground in pairs:
            assert _contrast(colours[ink], colours[ground]) >= least, (ink, ground)


def _contrast(first: str, second: str) -> float:
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_name_is_shown_only_where_it_was_given() -> None:
    """Names are not in the archive; whoever renders with them gets them beside the id."""
    review = sample_review(1, 1)
    assert "Person <code>" in render_page(review).html
    named = replace(review, rows=(replace(review.rows[0], name="Ana Lystad"),))
    assert f"<bdi>Ana Lystad</bdi> <code>{principal(0)[1]}" in render_page(named).html
