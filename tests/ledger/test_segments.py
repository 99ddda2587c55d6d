"""Segments: paths, and bytes cut into commits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedLedger
from shared.ledger.segments import (
    MAX_COMMIT_BYTES,
    SegmentParser,
    encode_commit,
    parse_segment,
    parse_segment_path,
    segment_path,
)
from shared.records.canonical import MAX_LINE_BYTES

WRITER = "01JD0000000000000000000000"
NOTE = (
    "audit.example.com/presidio/w/01JD0000000000000000000000\n2\n"
    + "A" * 43
    + "=\n\n— audit.example.com/presidio/w/01JD0000000000000000000000 Az3grlgtAAAA\n"
).encode()
COMMIT = encode_commit([b'{"a":1}', b'{"b":2}'], NOTE)


def test_a_path_names_writer_and_number() -> None:
    """`v1/w/<ULID>/<eight digits>.seg`, both ways."""
    path = segment_path(WRITER, 12)
    assert path == f"v1/w/{WRITER}/00000012.seg"
    assert parse_segment_path(path) == (WRITER, 12)


@pytest.mark.parametrize(
    "path",
    [
        "",
        f"v1/w/{WRITER}/1.seg",
        f"v1/w/{WRITER}/000000001.seg",
        f"v1/w/{WRITER}/00000001.seg\n",
        f"v1/w/{WRITER}/٠٠٠٠٠٠٠١.seg",
        f"v1/w/{WRITER}/00000001.SEG",
        f"v1/w/{WRITER.lower()}/00000001.seg",
        "v1/w/81JD0000000000000000000000/00000001.seg",
        "v1/w/01JD000000000000000000000U/00000001.seg",
        f"v1/w/{WRITER}/../{WRITER}/00000001.seg",
        f"v2/w/{WRITER}/00000001.seg",
    ],
)
def test_another_path_is_no_segments(path: str) -> None:
    """Anything else is refused."""
    with pytest.raises(MalformedLedger):
        parse_segment_path(path)


@pytest.mark.parametrize(("writer", "number"), [(WRITER, -1), (WRITER, 100_000_000), ("..", 0), ("", 0)])
def test_no_path_is_made_of_other_things(writer: str, number: int) -> None:
    """A writer that is no ULID, a number out of range."""
    with pytest.raises(ValueError, match="a segment has a ULID"):
        segment_path(writer, number)


def test_an_empty_segment_has_no_commits() -> None:
    """A writer that stopped between creation and first append leaves one."""
    assert list(parse_segment([])) == []
    assert list(parse_segment([b"", b""])) == []


def test_commits_come_back_as_they_were() -> None:
    """Offsets, lines and notes of three commits."""
    commits = list(parse_segment([COMMIT * 3]))
    assert [commit.offset for commit in commits] == [0, len(COMMIT), 2 * len(COMMIT)]
    assert all(commit.lines == (b'{"a":1}', b'{"b":2}') and commit.note == NOTE for commit in commits)
    assert all(commit.size == len(COMMIT) for commit in commits)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=40))
def test_how_the_bytes_are_cut_makes_no_difference(sizes: list[int]) -> None:
    """Pieces of any size give the same commits."""
    data = COMMIT * 3

    def pieces() -> Iterator[bytes]:
        at = 0
        for size in sizes:
            yield data[at : at + size]
            at += size
        yield data[at:]

    assert list(parse_segment(pieces())) == list(parse_segment([data]))


@pytest.mark.parametrize("cut", range(1, len(COMMIT)))
def test_a_cut_commit_is_named(cut: int) -> None:
    """A segment that ends within a commit says where the last whole one ended."""
    commits = parse_segment([COMMIT + COMMIT[:cut]])
    assert next(commits).offset == 0
    with pytest.raises(
        MalformedLedger, match=rf"{cut} bytes after position {len(COMMIT)} are no whole commit"
    ):
        next(commits)


LINES = COMMIT.split(b"\n")[:-1]


@pytest.mark.parametrize(
    ("line", "replacement", "expected"),
    [
        (0, b"", "a record line, which begins with {"),
        (0, b"x", "a record line, which begins with {"),
        (0, b" {}", "a record line, which begins with {"),
        (0, b"\xef\xbb\xbf{}", "a record line, which begins with {"),
        (1, b"", "the checkpoint's origin"),
        (2, b"\x01", "the checkpoint's origin"),
        (2, b"o" * 1_025, "the checkpoint's origin"),
        (3, b"0", "the checkpoint's size"),
        (3, b"02", "the checkpoint's size"),
        (3, b"-2", "the checkpoint's size"),
        (3, b"2\r", "the checkpoint's size"),
        (3, b"99999999999999999", "the checkpoint's size"),
        (3, "٢".encode(), "the checkpoint's size"),
        (4, b"A" * 44, "the checkpoint's root"),
        (4, b"A" * 42 + b"=", "the checkpoint's root"),
        (4, b"", "the checkpoint's root"),
        (5, b"extension", "a blank line"),
        (5, b" ", "a blank line"),
        (6, b"- name Az3grlgt", "one signature line"),
        (6, "— two names Az3grlgt".encode(), "one signature line"),
        (6, "— name".encode(), "one signature line"),
        (6, "— name Az3g\x00".encode(), "one signature line"),
    ],
)
def test_a_line_of_another_form_is_named(line: int, replacement: bytes, expected: str) -> None:
    """Each line has its form, and its position is told."""
    lines = [*LINES]
    lines[line] = replacement
    position = len(COMMIT) + sum(len(before) + 1 for before in lines[:line])
    with pytest.raises(MalformedLedger, match=rf"^position {position}: expected {expected}"):
        list(parse_segment([COMMIT + b"\n".join(lines) + b"\n"]))


def test_a_second_signature_line_is_refused() -> None:
    """A checkpoint in a segment has one signature, so that no byte of it is without meaning."""
    with pytest.raises(MalformedLedger, match="expected a record line"):
        list(parse_segment([COMMIT + LINES[6] + b"\n"]))


def test_a_line_of_65535_bytes_is_the_longest() -> None:
    """The entry limit of C2SP tlog-tiles, to the byte."""
    longest = b"{" + b"x" * (MAX_LINE_BYTES - 1)
    assert len(next(parse_segment([encode_commit([longest], NOTE)])).lines[0]) == MAX_LINE_BYTES
    with pytest.raises(MalformedLedger, match="at most 65535 bytes"):
        list(parse_segment([encode_commit([longest + b"x"], NOTE)]))


@pytest.mark.parametrize("data", [b"{" * 65_536, b"\x00" * 70_000, b"\n" * 10, bytes(range(256)) * 300])
def test_junk_is_refused_early(data: bytes) -> None:
    """Binary junk and endless lines end the reading at once."""
    parser = SegmentParser()
    with pytest.raises(MalformedLedger):
        list(parser.feed(data))


def test_an_endless_commit_takes_no_more_memory_than_one() -> None:
    """Gigabytes of records without a checkpoint are refused once they exceed what a commit may be."""
    line = b"{" + b"x" * 60_000 + b"\n"
    fed = 0

    def endless() -> Iterator[bytes]:
        nonlocal fed
        while True:
            fed += len(line)
            yield line

    tracemalloc.start()
    try:
        with pytest.raises(MalformedLedger, match="a commit of at most"):
            list(parse_segment(endless()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert fed <= MAX_COMMIT_BYTES + len(line)
    assert peak < 5 * MAX_COMMIT_BYTES
