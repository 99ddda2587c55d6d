"""A second reader of writers' logs, written from docs/ledger-format.md alone.

It shares nothing with the service's own verifier but the libraries: slow, plain, and without mercy.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.usecases.ports import Reader

ZEROS = "0" * 64


class Broken(Exception):
    """The bytes are not a writer's log."""


@dataclass
class Reread:
    """What a log says: its records and checkpoints in order, and the segments with bytes not its own."""

    records: list[dict[str, Any]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)


def reread_log(
    store: Reader, log: str, writer: str, service_vkey: str, *, tolerate_foreign: bool = False
) -> Reread:
    """Read all segments of a writer and check every rule. Raises Broken."""
    paths = [stored.path for stored in store.list(f"v1/w/{writer}/")]
    if paths != [f"v1/w/{writer}/{number:08d}.seg" for number in range(len(paths))]:
        raise Broken("segments are not numbered densely from 0")
    return reread_segments([store.read(path) for path in paths], log, writer, service_vkey, tolerate_foreign)


def reread_segments(
    segments: list[bytes], log: str, writer: str, service_vkey: str, tolerate_foreign: bool = False
) -> Reread:
    """The same for segments' bytes."""
    state = _State(f"{log}/w/{writer}", log, writer, service_vkey)
    for number, data in enumerate(segments):
        at = 0
        try:
            while at < len(data):
                at = state.take_commit(data, at)
        except Broken:
            if not tolerate_foreign:
                raise
            state.result.foreign.append(number)
    return state.result


class _State:
    def __init__(self, origin: str, log: str, writer: str, service_vkey: str) -> None:
        self.origin, self.log, self.writer, self.service_vkey = origin, log, writer, service_vkey
        self.result = Reread()
        self.leaves: list[bytes] = []
        self.public_key: Ed25519PublicKey | None = None
        self.key_id = b""

    def take_commit(self, data: bytes, at: int) -> int:
        try:
            return self._take_commit(data, at)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Broken("a value of another form") from error

    def _take_commit(self, data: bytes, at: int) -> int:
        lines = []
        start = at
        while data[at : at + 1] == b"{":
            line, at = _line(data, at)
            lines.append(line)
        note = []
        for _ in range(5):
            line, at = _line(data, at)
            note.append(line)
        if not lines or at - start >= 4 * 1024 * 1024:
            raise Broken("a commit has records and is below 4 MiB")
        leaves = list(self.leaves)
        records = [_record(line, leaves) for line in lines]
        if self.result.records and self.result.records[-1]["type"] == "closed":
            raise Broken("nothing follows closed")
        if any(record["type"] == "closed" for record in records[:-1]):
            raise Broken("nothing follows closed")
        if any((record["type"] == "genesis") != (record["seq"] == 0) for record in records):
            raise Broken("record 0 and no other is a genesis")
        if not self.leaves:
            self._trust(records[0])
        self._check_note(note, leaves)
        self.leaves = leaves
        self.result.records += records
        self.result.sizes.append(len(leaves))
        self.result.notes.append(b"".join(line + b"\n" for line in note))
        return at

    def _trust(self, genesis: dict[str, Any]) -> None:
        if genesis["log"] != self.log or genesis["service"]["writer"] != self.writer:
            raise Broken("the genesis is of another log or writer")
        covered = {name: value for name, value in genesis.items() if name != "attestation"}
        digest = hashlib.sha256(rfc8785.dumps(covered)).hexdigest()
        text = f"presidio-access-audit/genesis/v1\n{self.origin}\n{digest}\n"
        name, key_id, key = _ed25519(self.service_vkey)
        mine = [line for line in genesis["attestation"] if line.startswith(f"— {name} ")]
        if not mine:
            raise Broken("no attestation by the service key")
        _verify(mine[0], name, key_id, key, text.encode())
        name, self.key_id, self.public_key = _ed25519(genesis["vkey"])
        if name != self.origin:
            raise Broken("the writer's key has another name")

    def _check_note(self, note: list[bytes], leaves: list[bytes]) -> None:
        if self.public_key is None:
            raise Broken("no genesis yet")
        origin, size, root, blank, signature = note
        if origin.decode() != self.origin or blank or size != str(len(leaves)).encode():
            raise Broken("origin, size or blank line")
        if root != base64.b64encode(_tree_hash(leaves)):
            raise Broken("root")
        text = b"\n".join((origin, size, root)) + b"\n"
        _verify(signature.decode(), self.origin, self.key_id, self.public_key, text)


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\n", at)
    if end < 0:
        raise Broken("a line without end")
    return data[at:end], end + 1


def _record(line: bytes, leaves: list[bytes]) -> dict[str, Any]:
    try:
        record = json.loads(line)
        canonical = rfc8785.dumps(record)
    except (ValueError, RecursionError) as error:
        raise Broken("not JSON") from error
    prev = leaves[-1].hex() if leaves else ZEROS
    if canonical != line or len(line) > 65_535:
        raise Broken("not canonical")
    if record.get("seq") != len(leaves) or record.get("prev") != prev:
        raise Broken("seq or prev")
    leaves.append(hashlib.sha256(b"\x00" + line).digest())
    return dict(record)


def _tree_hash(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + _tree_hash(leaves[:split]) + _tree_hash(leaves[split:])).digest()


def _ed25519(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)", vkey)
    if match is None:
        raise Broken("not a verifier key")
    raw = base64.b64decode(match[3])
    key_id = hashlib.sha256(match[1].encode() + b"\n" + raw).digest()[:4]
    if raw[:1] != b"\x01" or key_id.hex() != match[2]:
        raise Broken("not an Ed25519 verifier key, or another id")
    return match[1], key_id, Ed25519PublicKey.from_public_bytes(raw[1:])


def _verify(line: str, name: str, key_id: bytes, key: Ed25519PublicKey, text: bytes) -> None:
    prefix = f"— {name} "
    try:
        value = base64.b64decode(line.removeprefix(prefix), validate=True)
        if not line.startswith(prefix) or base64.b64encode(value).decode() != line.removeprefix(prefix):
            raise Broken("a signature line")
        if value[:4] != key_id:
            raise Broken("key id")
        key.verify(value[4:], text)
    except Broken:
        raise
    except Exception as error:
        raise Broken("signature") from error


def commits_of(data: bytes) -> Iterator[bytes]:
    """The commits of a segment, for tests that move them about."""
    start = 0
    for match in re.finditer("(?m)^— [^\n]*\n".encode(), data):
        yield data[start : match.end()]
        start = match.end()
