"""Words that a caller made up never reach a record."""

from __future__ import annotations

import pytest

from shared.records.vocabulary import AD_HOC, OTHER, known_counts, known_words, opaque_id, trace_ids

KNOWN = {"PERSON", "LOCATION"}


def test_known_words_pass_sorted_and_once() -> None:
    """The vocabulary's own words are kept."""
    assert known_words(["PERSON", "LOCATION", "PERSON"], KNOWN) == ("LOCATION", "PERSON")


def test_made_up_words_are_replaced() -> None:
    """A caller cannot write text into a record through an entity type."""
    assert known_words(["JOHN_SMITH", "PERSON"], KNOWN) == (OTHER, "PERSON")
    assert known_counts({"JOHN_SMITH": 2, "JANE": 1, "PERSON": 4}, KNOWN, AD_HOC) == {AD_HOC: 3, "PERSON": 4}


@pytest.mark.parametrize(
    "text", ["0af7651916cd43dd8448eb211c80319c", "3F2504E0-4F89-11D3-9A0C-0305E82C3301", "0123456789abcdef"]
)
def test_ids_of_gateways_pass(text: str) -> None:
    """GUIDs and trace ids can be looked up in other systems' logs."""
    assert opaque_id(text) == text


@pytest.mark.parametrize(
    "text", [None, "", "john.smith", "abc", "0" * 65, "0af7651916cd43dd8448eb211c80319c\n", "-" * 20]
)
def test_other_ids_are_left_out(text: str | None) -> None:
    """An id that could be read as a name, or is no id at all, is not recorded."""
    assert opaque_id(text) is None


def test_a_traceparent_is_read_strictly() -> None:
    """W3C trace context gives two ids; anything else gives none."""
    good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert trace_ids(good) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    for bad in (None, "", "00-" + "0" * 32 + "-b7ad6b7169203331-01", good.upper(), "x" + good, good[:-3]):
        assert trace_ids(bad) == (None, None)
