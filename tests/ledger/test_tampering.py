"""Whatever is done to a writer's segments, reading them again tells: by two readers that share no code."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ledger.bodies import encode_record
from shared.ledger.chain import Chain, Head, Line
from shared.ledger.notes import parse_vkey
from shared.ledger.writer import WriterLog
from shared.records.model import ClosedRecord, Record
from tests.support.committers import LOG, SERVICE_KEY, START, WRITER, WRITER_KEY, make_writer, numbered_record
from tests.support.records import SERVICE, TIME
from tests.support.rereading import Broken, commits_of, reread_segments

KEYS = [parse_vkey(SERVICE_KEY.vkey)]


@cache
def sound() -> tuple[bytes, ...]:
    """Three segments of a closed log: commits of one, two and three records."""
    log = WriterLog(LOG, WRITER, WRITER_KEY)
    genesis = make_writer().genesis(log.vkey, START, [SERVICE_KEY])
    batches: list[list[Record]] = [
        [genesis],
        *([numbered_record(10 * n + m) for m in range(1 + n % 3)] for n in range(7)),
    ]
    batches.append([ClosedRecord(time=TIME, service=SERVICE)])
    segments = [b"", b"", b""]
    for number, batch in enumerate(batches):
        commit = log.stage([encode_record(record) for record in batch])
        log.accept(commit)
        segments[number // 3] += commit.data
    return tuple(segments)


class Silent:
    """Sees and says nothing."""

    def see_commit(self, head: Head, lines: list[Line], note: bytes) -> None:
        """Nothing."""


def is_sound(segments: list[bytes]) -> tuple[bool, bool]:
    """What each reader says; a log that does not end in `closed` is not whole."""
    try:
        first = reread_segments(segments, LOG, WRITER, SERVICE_KEY.vkey).records[-1:]
        plain = bool(first) and first[0]["type"] == "closed"
    except Broken:
        plain = False
    chain = Chain(LOG, WRITER, KEYS, Silent())
    findings = [chain.read_segment(number, [data]) for number, data in enumerate(segments)]
    return plain, findings == [None] * len(segments) and chain.head.closed


def check_found(segments: list[bytes]) -> None:
    """Both readers notice."""
    if tuple(segments) == sound():
        return  # the change changed nothing
    assert is_sound(segments) == (False, False)


def test_the_sound_log_is_sound() -> None:
    """Otherwise the tests below would show nothing."""
    assert is_sound([*sound()]) == (True, True)


PLACES = st.integers(0, 2).flatmap(
    lambda number: st.tuples(st.just(number), st.integers(0, len(sound()[number]) - 1))
)


@settings(max_examples=300, deadline=None)
@given(PLACES, st.integers(1, 255))
def test_any_changed_byte_is_found(place: tuple[int, int], change: int) -> None:
    """Every byte of a segment has a meaning: no other value of it passes."""
    number, at = place
    segments = [bytearray(data) for data in sound()]
    segments[number][at] ^= change
    check_found([bytes(data) for data in segments])


@settings(max_examples=100, deadline=None)
@given(PLACES, st.integers(1, 4_000))
def test_any_deletion_is_found(place: tuple[int, int], length: int) -> None:
    """One byte or many, in any place."""
    number, at = place
    segments = [*sound()]
    segments[number] = segments[number][:at] + segments[number][at + length :]
    check_found(segments)


@settings(max_examples=100, deadline=None)
@given(PLACES, st.binary(min_size=1, max_size=40) | st.sampled_from([b"\n", b" ", b"\r", b"{}\n", b"\x00"]))
def test_any_insertion_is_found(place: tuple[int, int], data: bytes) -> None:
    """Nothing can be put between, before or behind."""
    number, at = place
    segments = [*sound()]
    segments[number] = segments[number][:at] + data + segments[number][at:]
    check_found(segments)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(10)), st.integers(0, 10))
def test_any_order_but_the_right_one_is_found(order: list[int], cut: int) -> None:
    """Commits reordered, left out or repeated, within and across segments."""
    commits = [commit for data in sound() for commit in commits_of(data)]
    chosen = [commits[index % len(commits)] for index in order[:cut]]
    check_found([b"".join(chosen), b"", b""])
    check_found([*sound()[:2], sound()[2] + b"".join(chosen)])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2), st.integers(0, 30), st.integers(0, 30))
def test_any_two_lines_swapped_are_found(number: int, one: int, other: int) -> None:
    """Lines of records and of checkpoints alike."""
    lines = sound()[number].split(b"\n")
    one, other = one % (len(lines) - 1), other % (len(lines) - 1)
    lines[one], lines[other] = lines[other], lines[one]
    segments = [*sound()]
    segments[number] = b"\n".join(lines)
    check_found(segments)


@pytest.mark.parametrize("order", [(0, 2), (0, 1), (1, 2), (1, 0, 2), (0, 2, 1), (0, 1, 1, 2), (2, 1, 0), ()])
def test_segments_removed_or_moved_are_found(order: tuple[int, ...]) -> None:
    """A log that misses a segment, or has them in another order or twice."""
    check_found([sound()[number] for number in order])


def test_another_spelling_of_a_record_is_found() -> None:
    """The same JSON with other white space, order or escapes is another record."""
    line = next(line for line in sound()[1].split(b"\n") if line.startswith(b"{"))
    value = json.loads(line)
    for spelled in (
        json.dumps(value).encode(),
        json.dumps(value, separators=(",", ":")).encode() + b" ",
        json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode(),
        line.replace(b"access", b"\\u0061ccess", 1),
        re.sub(rb'"seq":(\d+)', rb'"seq":\1.0', line),
        re.sub(rb'"seq":(\d+)', rb'"seq":\1,"seq":\1', line),
    ):
        segments = [*sound()]
        segments[1] = segments[1].replace(line, spelled)
        check_found(segments)


def test_a_cut_tail_is_a_log_without_its_end() -> None:
    """At the end of a commit it is a sound beginning: root log and receipts tell that more was there."""
    commits = [commit for data in sound() for commit in commits_of(data)]
    for count in range(len(commits)):
        segments = [b"".join(commits[:count])]
        assert is_sound(segments) == (False, False)
        assert len(reread_segments(segments, LOG, WRITER, SERVICE_KEY.vkey).sizes) == count
