"""The verifier on garbage: findings, never a traceback, in bounded memory and time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import MalformedLedger
from shared.ledger.notes import parse_note, parse_vkey
from shared.ledger.prooffiles import parse_proof_file
from shared.ledger.receipts import parse_receipts
from shared.ledger.reports import render_text
from shared.ledger.rootlog import parse_root_path, parse_seal
from shared.ledger.segments import segment_path
from shared.ledger.sideobjects import is_side_path
from shared.ledger.tiles import decode_entries, encode_entries, parse_tile_path
from shared.ledger.verifier import Question, verify_ledger
from shared.usecases.ports import StoredObject
from tests.support.ledgers import ULIDS, small_ledger
from tests.support.side_ledger import side_ledger
from tests.support.worm import WormStore

LEDGER = small_ledger()
NOW = LEDGER.clock() + timedelta(days=1)
PATHS = sorted(LEDGER.store.objects)
SIDE = side_ledger()
BESIDE = sorted(path for path in SIDE.store.objects if is_side_path(path))
PIECES = sorted({piece for data in LEDGER.store.objects.values() for piece in data.split(b"\n")})


def check(store: WormStore) -> int:
    """Verify; whatever is there, a report comes out that can be rendered."""
    report = verify_ledger(Question(store, LEDGER.keys, NOW))
    render_text(report)
    report.to_json()
    return report.exit_code


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PATHS), st.binary(max_size=4000))
def test_random_bytes_in_the_place_of_any_object(path: str, data: bytes) -> None:
    """A finding, exit status 1."""
    store = LEDGER.store.copy()
    if data != store.objects[path]:
        store.objects[path] = data
        assert check(store) == 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(BESIDE), st.binary(max_size=5000) | st.sampled_from(sorted(SIDE.store.objects.values()))
)
def test_anything_in_the_place_of_an_object_beside_the_logs(path: str, data: bytes) -> None:
    """Random bytes, and other objects of the ledger: a finding, exit status 1."""
    store = SIDE.store.copy()
    if data != store.objects[path]:
        store.objects[path] = data
        assert verify_ledger(Question(store, LEDGER.keys, NOW)).exit_code == 1


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PATHS), st.lists(st.sampled_from(PIECES), max_size=12))
def test_genuine_lines_in_any_mixture(path: str, lines: list[bytes]) -> None:
    """Pieces of the ledger itself, put together otherwise."""
    store = LEDGER.store.copy()
    data = b"\n".join(lines)
    if data != store.objects[path]:
        store.objects[path] = data
        assert check(store) == 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(max_size=40) | st.sampled_from(PATHS), st.binary(max_size=300), max_size=8))
def test_a_container_of_anything(objects: dict[str, bytes]) -> None:
    """Any names, any bytes."""
    assert check(WormStore(dict(objects))) in (0, 1)


@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=500) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_every_parser_says_malformed(data: bytes) -> None:
    """One error class for everything that does not parse."""
    text = data.decode("utf-8", "replace")
    for parse in (parse_note, parse_proof_file, parse_seal, parse_receipts, decode_entries):
        try:
            parse(data)
        except MalformedLedger:
            continue
    for parse_text in (parse_vkey, parse_tile_path, parse_root_path):
        try:
            parse_text(text)
        except MalformedLedger:
            continue


class Endless(WormStore):
    """A store in which one object is a gigabyte of one byte."""

    huge = ""
    fill = b"a"
    huge_bytes = 1 << 30

    def list(self, prefix: str) -> Iterator[StoredObject]:
        items = [item for item in WormStore.list(self, prefix) if item.path != self.huge]
        return iter(sorted([*items, StoredObject(self.huge, self.huge_bytes)], key=lambda item: item.path))

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        if path != self.huge:
            return WormStore.read(self, path, start, length)
        wanted = self.huge_bytes - start if length is None else min(length, self.huge_bytes - start)
        assert wanted <= 64 << 20, "somebody wants to hold a gigabyte"
        return self.fill * wanted


@pytest.mark.parametrize("fill", [b"a", b"{", b"\n", b"\0", b"\xff"])
@pytest.mark.parametrize(
    "path",
    [
        segment_path(ULIDS[0], 2),
        "v1/root/batch/000000000000",
        "v1/root/tile/entries/000.p/8",
        "v1/root/checkpoint/000000000008",
        "junk",
    ],
)
def test_a_gigabyte_of_one_byte(path: str, fill: bytes) -> None:
    """Named at once, without reading it whole: less than 32 MiB, less than five seconds."""
    store = Endless(dict(LEDGER.store.objects))
    store.huge, store.fill = path, fill
    tracemalloc.start()
    start = time.process_time()
    assert check(store) == 1
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20
    assert seconds < 5


def test_a_bomb_of_empty_entries_is_bounded() -> None:
    """A batch of a million empty entries is a finding, in seconds."""
    store = LEDGER.store.copy()
    store.objects["v1/root/batch/000000000008"] = encode_entries([b""] * 1_000_000)
    start = time.process_time()
    assert check(store) == 1
    assert time.process_time() - start < 20


def test_deep_nesting_is_malformed() -> None:
    """Brackets without end, where a record, a seal or a receipt belongs."""
    for data in (b"[" * 60_000, b'{"a":' * 10_000):
        with pytest.raises(MalformedLedger):
            parse_seal(data)
        with pytest.raises(MalformedLedger):
            parse_receipts(data)
        store = LEDGER.store.copy()
        store.objects[segment_path(ULIDS[0], 1)] = data + b"\n"
        assert check(store) == 1
