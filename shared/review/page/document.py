"""A review as one HTML page for a manager: complete in itself, readable without scripts, asking no host.

The page forbids itself everything (Content-Security-Policy, CSP Level 3) but its own style and its own
script, each named by its SHA-256. A value that came from outside is escaped at the one place where it enters
(`show`); were one to slip through, the browser would still not run it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from shared.review.findings import Review
from shared.review.page.findings import render_findings
from shared.review.page.script import SCRIPT
from shared.review.page.style import STYLE
from shared.review.page.summary import render_charts, render_header, render_summary, render_verdict
from shared.review.page.tables import render_insufficient, render_method, render_principals, render_unknown
from shared.review.page.words import show
from shared.review.standing import UNDECIDED, Standing

SECTIONS = (
    ("short", "In short"),
    ("trend", "Risk and trend"),
    ("findings", "Findings"),
    ("accounts", "Accounts"),
    ("history", "Not enough history"),
    ("unknown", "Could not be known"),
    ("method", "How to decide"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML document and the policy that it sets itself, for servers that send it as a header too."""

    html: str
    policy: str


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


POLICY = (
    f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}';"
    " base-uri 'none'; form-action 'none'"
)


def render_page(review: Review, standings: Mapping[str, Standing] | None = None) -> Page:
    """The page. `standings` say how findings stand; without them all are undecided, as when it was made."""
    known = standings or {}
    stand = {each.id: known.get(each.id, UNDECIDED) for each in review.findings}
    links = "".join(f'<a href="#{name}">{words}</a>' for name, words in SECTIONS)
    main = "".join(
        (
            render_verdict(review.window),
            render_summary(review, stand),
            render_charts(review),
            render_findings(review, stand),
            render_principals(review),
            render_insufficient(review),
            render_unknown(review),
            render_method(review),
        )
    )
    html = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>Access review {show(review.id)}</title><style>{STYLE}</style></head><body>"
        '<a class="skip" href="#findings">Skip to the findings</a>'
        f'{render_header(review)}<nav aria-label="Sections">{links}</nav><main>{main}</main>'
        f"<footer><p>Access review <code>{show(review.id)}</code> of <code>{show(review.log)}</code>."
        " Its SHA-256 stands in the ledger.</p></footer>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )
    return Page(html, POLICY)
