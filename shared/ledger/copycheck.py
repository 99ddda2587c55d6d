"""The verifier of copies: what lies in the store and in the archive is the same, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping

from shared.errors import StoreError
from shared.ledger.findings import Finding, Kind
from shared.ledger.sources import Source

CHUNK_BYTES = 1 << 20


def check_copies(
    source: Source, objects: Mapping[str, int], archive: Source, archived: Mapping[str, int]
) -> list[Finding]:
    """Compare all that is listed in both; `objects` and `archived` are paths with their lengths."""
    findings: list[Finding] = []
    for path in sorted(archived.keys() & objects.keys()):
        if archived[path] != objects[path]:
            detail = f"{archived[path]} bytes, the original has {objects[path]}"
            findings.append(Finding(Kind.COPY_DIFFERS, path, None, detail))
        elif (finding := _compare(source, archive, path, objects[path])) is not None:
            findings.append(finding)
    return findings


def _compare(source: Source, archive: Source, path: str, size: int) -> Finding | None:
    try:
        for start in range(0, size, CHUNK_BYTES):
            if archive.read(path, start, CHUNK_BYTES) != source.read(path, start, CHUNK_BYTES):
                detail = f"within {CHUNK_BYTES} bytes from {start}"
                return Finding(Kind.COPY_DIFFERS, path, start, detail)
    except StoreError as error:
        return Finding(Kind.UNREADABLE, path, None, error.message)
    return None
