"""Ledgers that nobody touched verify clean, in every state that a service leaves them in."""

from __future__ import annotations

from datetime import timedelta

from shared.ledger.reports import render_text
from shared.ledger.verifier import Question, verify_ledger
from tests.support.ledgers import small_ledger


def test_an_untouched_ledger_is_intact() -> None:
    """Three writers, several segments, a closed, a crashed and a running one: nothing to find."""
    ledger = small_ledger()
    report = verify_ledger(Question(ledger.store, ledger.keys, ledger.clock() + timedelta(days=1)))
    assert report.findings == ()
    assert (report.exit_code, report.writers, report.records) == (0, 3, 13)
    assert report.root_size == 8
    assert report.verdict.startswith("INTACT: 13 records of 3 writers")
    assert render_text(report).startswith("INTACT")
