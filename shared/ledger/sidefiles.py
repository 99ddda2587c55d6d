"""Objects beside the logs as they are stored: where they are looked for, and read within bounds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from shared.errors import MalformedLedger, ObjectMissing, StoreError
from shared.ledger.findings import Finding, Kind
from shared.ledger.sideobjects import (
    MAX_CLAIM_BYTES,
    MAX_REPORT_BYTES,
    MAX_SNAPSHOT_BYTES,
    REVIEWS_PREFIX,
    Claim,
    ClaimObject,
    parse_claim,
)
from shared.ledger.sources import Source

CHUNK_BYTES = 1 << 20


class Lack(Enum):
    """Why there is nothing to compare."""

    MISSING = "missing"
    REFUSED = "refused"
    """It is there, and a finding says why it does not count."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where objects lie: the store, its archive, what was listed there, and where else reports may lie."""

    source: Source
    objects: Mapping[str, int]
    archive: Source | None
    archived: Mapping[str, int]
    elsewhere: Source | None

    def of_reports(self) -> tuple[Source, ...]:
        """Where a report may lie: in the archive or, in a copy of it, in the same place as the logs."""
        return tuple(place for place in (self.archive, self.elsewhere, self.source) if place is not None)

    def have_reports(self) -> bool:
        """True where a report that is not there is missing: not in a copy of the first store alone."""
        is_given = self.archive is not None or self.elsewhere is not None
        return is_given or any(path.startswith(REVIEWS_PREFIX) for path in self.objects)


class SideFiles:
    """Reads them; what cannot be read is a finding. Each claim is read once."""

    def __init__(self, places: Places, advance: Callable[[int], None]) -> None:
        """`advance` is told of bytes read."""
        self.findings: list[Finding] = []
        self.places = places
        self._advance = advance
        self._claims: dict[str, Claim | Lack] = {}

    def report(self, kind: Kind, path: str, detail: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, path, None, detail))

    def snapshot_digest(self, path: str) -> str | Lack:
        """Hex SHA-256 of what is stored as a snapshot."""
        return self._digest((self.places.source,), path, MAX_SNAPSHOT_BYTES)

    def report_digest(self, path: str) -> str | Lack:
        """Hex SHA-256 of a report of a review."""
        return self._digest(self.places.of_reports(), path, MAX_REPORT_BYTES)

    def claim(self, path: str, item: ClaimObject) -> Claim | Lack:
        """A claim that says of itself what its path says; whether it was listed or not."""
        if path not in self._claims:
            self._claims[path] = self._read_claim(path, item)
        return self._claims[path]

    def _digest(self, sources: Collection[Source], path: str, most_bytes: int) -> str | Lack:
        for source in sources:
            hashed, start = sha256(), 0
            try:
                while chunk := source.read(path, start, CHUNK_BYTES):
                    hashed.update(chunk)
                    start += len(chunk)
                    self._advance(len(chunk))
                    if start > most_bytes:
                        self.report(Kind.MALFORMED, path, f"more than {most_bytes} bytes")
                        return Lack.REFUSED
            except ObjectMissing:
                continue
            except StoreError as error:
                self.report(Kind.UNREADABLE, path, error.message)
                return Lack.REFUSED
            return hashed.hexdigest()
        return Lack.MISSING

    def _read_claim(self, path: str, item: ClaimObject) -> Claim | Lack:
        try:
            data = self.places.source.read(path, 0, MAX_CLAIM_BYTES + 1)
            self._advance(len(data))
            claim = parse_claim(data)
        except ObjectMissing:
            return Lack.MISSING
        except StoreError as error:
            self.report(Kind.UNREADABLE, path, error.message)
        except MalformedLedger as error:
            self.report(Kind.MALFORMED, path, error.message)
        else:
            if (claim.kind, claim.key) == (item.kind, item.key):
                return claim
            self.report(Kind.CLAIM_ALTERED, path, "it is the claim of another kind or key")
        return Lack.REFUSED
