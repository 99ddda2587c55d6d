"""Record bodies: one encoding, placed later, always the bytes of RFC 8785."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RecordTooLarge
from shared.ledger.bodies import FIRST_PREV, MAX_BODY_BYTES, PLACE_BYTES, REWRITE_BYTES, encode_record
from shared.ledger.lines import parse_line
from shared.records.canonical import MAX_LINE_BYTES
from shared.records.model import AccessRecord, DecisionPart, IntentRecord, Record
from shared.usecases.commits.rewriting import rewrite_unanswered
from tests.support.records import EVERY_TYPE, POLICY, access_record

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COUNTS = st.dictionaries(TEXT, st.integers(-(2**53) + 1, 2**53 - 1), max_size=5)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any type of record, with any text where text may stand."""
    record = draw(st.sampled_from(EVERY_TYPE))
    if isinstance(record, AccessRecord | IntentRecord):
        what = record.what.model_copy(
            update={
                "entities_found": draw(COUNTS),
                "language": draw(st.none() | TEXT),
                "operators": tuple(draw(st.lists(TEXT, max_size=3))),
            }
        )
        decision = record.decision.model_copy(
            update={"justification": draw(st.none() | TEXT), "allowed": draw(st.booleans())}
        )
        return record.model_copy(update={"what": what, "decision": decision, "request_id": draw(TEXT)})
    return record


@given(records(), st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_placed_body_is_the_canonical_form(record: Record, seq: int, leaf: bytes) -> None:
    """Body, `seq` and `prev` together are what a general RFC 8785 writer gives, and the line reads back."""
    line = encode_record(record).place(seq, leaf.hex())
    fields = record.model_dump(mode="json", exclude_none=True)
    assert line == rfc8785.dumps({**fields, "seq": seq, "prev": leaf.hex()})
    assert parse_line(line) == {**fields, "seq": seq, "prev": leaf.hex()}


@given(records(), st.integers(0, 2**53 - 1))
def test_a_place_adds_what_was_reserved_at_most(record: Record, seq: int) -> None:
    """No sequence number makes a line longer than planned."""
    body = encode_record(record)
    assert len(body.place(seq, FIRST_PREV)) <= body.size + PLACE_BYTES


@given(records(), st.integers(0, 2**50))
def test_a_rewritten_record_grows_by_what_was_reserved_at_most(record: Record, waited_us: int) -> None:
    """A record that fits still fits once its outcome is a 503."""
    rewritten = rewrite_unanswered(record, waited_us)
    assert encode_record(rewritten).size <= encode_record(record).size + REWRITE_BYTES


def test_the_largest_body_fits_into_a_line() -> None:
    """A body at the limit, placed and rewritten, is a line of 65,535 bytes; a byte more is refused."""
    room = MAX_BODY_BYTES - encode_record(access_record(request_id="")).size
    body = encode_record(access_record(request_id="x" * room))
    assert body.size == MAX_BODY_BYTES
    assert len(body.place(2**53 - 1, FIRST_PREV)) + REWRITE_BYTES == MAX_LINE_BYTES
    with pytest.raises(RecordTooLarge, match=f"at most {MAX_BODY_BYTES} bytes"):
        encode_record(access_record(request_id="x" * (room + 1)))


@pytest.mark.parametrize(
    "changes",
    [{"reason": "\ud800"}, {"justification": "\udc00 alone"}],
)
def test_text_that_utf8_cannot_carry_is_refused(changes: dict[str, str]) -> None:
    """Lone surrogates reach no ledger."""
    decision = DecisionPart(allowed=True, reason="x", policy=POLICY).model_copy(update=changes)
    with pytest.raises(ValueError, match="non-UTF-8"):
        encode_record(access_record(decision=decision))


@pytest.mark.parametrize("count", [2**53, -(2**53), 10**30])
def test_integers_that_json_cannot_carry_are_refused(count: int) -> None:
    """RFC 8785 ends at 2**53 - 1: beyond it two readers may read two numbers."""
    record = access_record()
    what = record.what.model_copy(update={"entities_found": {"PERSON": count}})
    with pytest.raises(ValueError, match="exceeds"):
        encode_record(access_record(what=what))


def test_values_that_are_not_there_are_left_out() -> None:
    """No null stands in a record line."""
    for record in EVERY_TYPE:
        line = encode_record(record).place(0, FIRST_PREV)
        assert b"null" not in line
