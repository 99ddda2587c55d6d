"""Every forged, stale or misused token is refused, and for the reason that it deserves."""

from __future__ import annotations

import pytest

from tests.support.bad_tokens import BAD_TOKENS
from tests.support.forging import BadToken, Forger
from tests.support.identities import BASE_URL, NOW_S, local_gate, signing_key


@pytest.fixture(scope="module")
def forger() -> Forger:
    return Forger(signing_key(), signing_key("foreign"), BASE_URL, NOW_S)


@pytest.mark.parametrize("bad", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_refused_for_its_reason(bad: BadToken, forger: Forger) -> None:
    """A bad token is refused, with the reason that stands in the record."""
    assert local_gate().reason(bad.make(forger)) == bad.reason


def test_table_is_complete() -> None:
    """The table has no name twice, and no fewer entries than promised."""
    assert len(BAD_TOKENS) >= 150


@pytest.mark.parametrize("persona", ["analyst", "pipeline", "nobody"])
def test_forger_can_do_right(persona: str, forger: Forger) -> None:
    """The same tool without a change makes tokens that are admitted: the table proves what it says."""
    gate = local_gate()
    assert gate.reason(forger.bearer(persona)) == "admitted"
    assert gate.reason(forger.bearer(persona, 1)) == "admitted"
    assert gate.reason(forger.with_header(x5t=forger.fingerprint(), typ="jwt", unheard_of=1)) == "admitted"


@pytest.mark.parametrize("bad", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_sendable(bad: BadToken, forger: Forger) -> None:
    """Entries that are marked as sendable arrive over HTTP as they are (RFC 9110 section 5.5)."""
    value = bad.make(forger)
    if not bad.is_sendable or value is None:
        return
    assert value == value.strip()
    assert all(
        character == "\t" or character.isprintable()
        for character in value.encode("latin-1").decode("latin-1")
    )
