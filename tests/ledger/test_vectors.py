"""Frozen vectors: the bytes of every format of the writer's half, for ever."""

from __future__ import annotations

import json

import pytest
import rfc8785

from shared.ledger.bodies import FIRST_PREV, encode_record
from shared.ledger.chain import Chain, Head, Line
from shared.ledger.segments import parse_segment
from shared.records.model import RECORD
from tests.support.rereading import reread_segments
from tests.support.vectors import LOG, VECTORS, WRITER, build_vectors, read_record

RECORDS = sorted(path.stem for path in (VECTORS / "records").glob("*.json"))
KEYS = json.loads((VECTORS / "ledger" / "keys.json").read_bytes())
SEGMENTS = [path.read_bytes() for path in sorted((VECTORS / "ledger").rglob("*.seg"))]


def test_every_type_of_record_has_a_vector() -> None:
    """No type of the model is left out."""
    types = {json.loads((VECTORS / "records" / f"{name}.json").read_bytes())["type"] for name in RECORDS}
    choices = RECORD.json_schema()["discriminator"]["mapping"]
    assert types == set(choices)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_keeps_its_bytes(name: str) -> None:
    """A frozen record is read by today's types and written with the same bytes, by RFC 8785."""
    frozen = (VECTORS / "records" / f"{name}.json").read_bytes()
    fields = read_record(name).model_dump(mode="json", exclude_none=True)
    assert rfc8785.dumps(fields) == frozen
    line = encode_record(read_record(name)).place(0, FIRST_PREV)
    assert rfc8785.dumps({**fields, "seq": 0, "prev": FIRST_PREV}) == line


@pytest.mark.parametrize("name", build_vectors())
def test_the_ledger_keeps_its_bytes(name: str) -> None:
    """Genesis attestation, commits, checkpoints, segments and receipts come out as they always have."""
    assert build_vectors()[name] == (VECTORS / "ledger" / name).read_bytes()


def test_the_second_reader_accepts_the_vectors() -> None:
    """They follow the specification as it is written."""
    log = reread_segments(SEGMENTS, LOG, WRITER, KEYS["service_vkey"])
    assert len(log.records) == 9
    assert log.records[-1]["type"] == "closed"


def test_the_verifier_accepts_the_vectors() -> None:
    """The service's own verifier reads them to the end, and finds nothing."""
    from shared.ledger.notes import parse_vkey

    seen: list[Line] = []

    class Watcher:
        def see_commit(self, head: Head, lines: list[Line], note: bytes) -> None:
            seen.extend(lines)

    chain = Chain(LOG, WRITER, [parse_vkey(KEYS["service_vkey"])], Watcher())
    for number, data in enumerate(SEGMENTS):
        assert chain.read_segment(number, [data]) is None
    assert chain.head.size == len(seen) == 9
    assert chain.head.closed


def test_the_description_fits_the_segments() -> None:
    """`commits.json` tells a stranger what to expect: offsets, sizes, roots and leaf hashes."""
    described = json.loads((VECTORS / "ledger" / "commits.json").read_bytes())
    found = [commit for data in SEGMENTS for commit in parse_segment([data])]
    assert [(item["offset"], item["bytes"], len(item["records"])) for item in described] == [
        (commit.offset, commit.size, len(commit.lines)) for commit in found
    ]
