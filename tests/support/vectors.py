"""The frozen vectors of the writer's half of the ledger, built anew from fixed keys and the frozen records.

`python -m tests.support.vectors` prints which files would differ; with `--write` it replaces them. A
difference means that the format has changed: readers of ledgers that exist already will see it.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.ledger.bodies import encode_record
from shared.ledger.genesis import genesis_text
from shared.ledger.hashing import leaf_hash
from shared.ledger.notes import Ed25519NoteKey
from shared.ledger.segments import segment_path
from shared.ledger.writer import Commit, WriterLog
from shared.records.model import RECORD, GenesisRecord, Record

VECTORS = Path(__file__).parent.parent / "vectors"
LOG = "audit.example.com/presidio"
WRITER = "01JD0000000000000000000000"
SERVICE_SEED = bytes(range(32))
WRITER_SEED = bytes(range(100, 132))

COMMITS = (
    (0, ("genesis",)),
    (0, ("access",)),
    (0, ("intent", "access-minimal", "access-unicode")),
    (1, ("refusals", "withheld", "gap")),
    (1, ("closed",)),
)
"""Segment number and records of each commit."""


def read_record(name: str) -> Record:
    """A frozen record."""
    return RECORD.validate_json((VECTORS / "records" / f"{name}.json").read_bytes())


def build_vectors() -> dict[str, bytes]:
    """Path below `ledger/` to bytes."""
    service = Ed25519NoteKey(LOG, Ed25519PrivateKey.from_private_bytes(SERVICE_SEED))
    log = WriterLog(LOG, WRITER, Ed25519PrivateKey.from_private_bytes(WRITER_SEED))
    genesis = read_record("genesis")
    assert isinstance(genesis, GenesisRecord)
    text = genesis_text(genesis)
    assert genesis.attestation == (service.sign(text),)
    segments: dict[str, bytes] = {}
    described = []
    for number, names in COMMITS:
        commit = log.stage([encode_record(read_record(name)) for name in names])
        log.accept(commit)
        path = segment_path(WRITER, number)
        described.append(_describe(path, len(segments.get(path, b"")), names, commit))
        segments[path] = segments.get(path, b"") + commit.data
        if names == ("access",):
            receipt = _receipt(commit)
    keys = {
        "log": LOG,
        "writer": WRITER,
        "service_seed": SERVICE_SEED.hex(),
        "service_vkey": service.vkey,
        "writer_seed": WRITER_SEED.hex(),
        "writer_vkey": log.vkey,
    }
    return {
        "keys.json": _json(keys),
        "genesis.attested.txt": text.encode(),
        "commits.json": _json(described),
        "receipt.json": _json(receipt),
        **segments,
    }


def _describe(path: str, offset: int, names: tuple[str, ...], commit: Commit) -> dict[str, Any]:
    return {
        "segment": path,
        "offset": offset,
        "bytes": len(commit.data),
        "records": list(names),
        "first": commit.first,
        "size": commit.size,
        "root": commit.head.frontier.root().hex(),
        "leaves": [leaf_hash(line).hex() for line in commit.lines],
    }


def _receipt(commit: Commit) -> dict[str, str]:
    return {
        "X-Audit-Record": f"{WRITER}/{commit.first}",
        "X-Audit-Checkpoint": base64.b64encode(commit.checkpoint.encode()).decode(),
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def main(arguments: list[str]) -> int:
    """Compare, or with `--write` replace."""
    changed = 0
    for name, data in build_vectors().items():
        path = VECTORS / "ledger" / name
        if path.exists() and path.read_bytes() == data:
            continue
        changed += 1
        print(f"{'written' if '--write' in arguments else 'differs'}: {name}")
        if "--write" in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return 0 if "--write" in arguments else min(changed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
