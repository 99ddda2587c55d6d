"""Approvals as the ledger proves them: what was asked for under a name, read with its proof or not at all."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from shared.errors import AccessDenied, LedgerError, MalformedLedger, ObjectMissing, ProofInvalid
from shared.ledger.genesis import verify_genesis, writer_origin
from shared.ledger.lines import parse_line
from shared.ledger.notes import VerifierKey
from shared.ledger.prooffiles import parse_proof_file, verify_proof_file
from shared.ledger.sideobjects import ClaimKind, parse_record_name
from shared.records.canonical import canonical_bytes, parse_time
from shared.records.model import RECORD, ApprovalRecord, Who
from shared.usecases.once import Claims
from shared.usecases.ports import Reader
from shared.usecases.seeking import seek_line

logger = logging.getLogger("presidio_access.approvals")

MAX_PROVEN = 1_000

PLACE_FIELDS = frozenset({"seq", "prev"})
"""What the ledger adds to a record when it gives it its place."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval that was asked for: its name, and its `requested` record as the ledger proves it."""

    name: str
    record: ApprovalRecord

    @property
    def key(self) -> str:
        """The key of its claims."""
        return self.name.replace("/", "-")

    @property
    def expires(self) -> datetime:
        """When it ends."""
        return parse_time(self.record.expires)


class ApprovalProofs:
    """`approval` records by name, each verified once in a process: what is proven can never change.

    A record counts if an inclusion proof leads from it to a checkpoint that its writer signed, and the
    service's key vouches for that writer in the writer's genesis. The proof is made when the record is
    committed, and stands in the record's claim: made later it would take the whole log. Nothing of what
    storage gives is believed: a wrong line, proof or genesis is no approval. Thread-safe; raises
    StoreUnavailable.
    """

    def __init__(self, reader: Reader, log: str, keys: Sequence[VerifierKey], claims: Claims) -> None:
        self._reader = reader
        self._log = log
        self._keys = tuple(keys)
        self._claims = claims
        self._proven: dict[str, ApprovalRecord] = {}
        self._writers: dict[str, VerifierKey] = {}
        self._hints: dict[tuple[ClaimKind, str], Mapping[str, Any]] = {}

    def find(self, name: str) -> Asked:
        """What was asked for under a name. Raises AccessDenied (`approval_unknown`)."""
        record = self._proven.get(name) or self.read(name, self.hint(ClaimKind.OPEN_APPROVAL, name) or {})
        if record is None or record.step != "requested":
            raise AccessDenied("approval_unknown", "no approval of that name was asked for in this ledger")
        return Asked(name, record)

    def find_listed(self, key: str) -> Asked | None:
        """The approval of a claim's key; None for objects that somebody else put there."""
        try:
            writer, index = parse_record_name(key)
            return self.find(f"{writer}/{index}")
        except (AccessDenied, MalformedLedger):
            logger.error("an object among the open approvals is none")
            return None

    def hint(self, kind: ClaimKind, name: str) -> Mapping[str, Any] | None:
        """What the claim of an approval says: None without one, nothing where it cannot be read.

        Claims never change, so they are kept: lists look at the same ones again and again.
        """
        known = self._hints.get((kind, name))
        if known is not None:
            return known
        try:
            claim = self._claims.find(kind, name.replace("/", "-"))
        except (MalformedLedger, ValueError):
            return {}
        if claim is None:
            return None
        if len(self._hints) >= MAX_PROVEN:
            self._hints.clear()
        self._hints[kind, name] = claim.members
        return claim.members

    def read(self, name: str, hint: Mapping[str, Any]) -> ApprovalRecord | None:
        """The `approval` record of a name, by the proof in a claim; None where that does not prove one."""
        known, proof = self._proven.get(name), hint.get("proof")
        if known is not None or not isinstance(proof, str):
            return known
        try:
            line = self._proven_line(parse_record_name(name), proof.encode())
            said = {field: value for field, value in parse_line(line).items() if field not in PLACE_FIELDS}
            record = RECORD.validate_json(canonical_bytes(said))
        except (ObjectMissing, LedgerError, ValidationError) as error:
            logger.error("the record of an approval does not verify: %s", type(error).__name__)
            return None
        if not isinstance(record, ApprovalRecord):
            return None
        self.keep(name, record)
        return record

    def keep(self, name: str, record: ApprovalRecord) -> None:
        """Remember a record that this process has committed or proven."""
        if len(self._proven) >= MAX_PROVEN:
            self._proven.clear()
        self._proven[name] = record

    def _proven_line(self, place: tuple[str, int], proof: bytes) -> bytes:
        writer, index = place
        line = seek_line(self._reader, writer, index)
        parsed = parse_proof_file(proof)
        if line is None or parsed.index != index:
            raise ProofInvalid("the proof is of another record")
        verify_proof_file(parsed, line, writer_origin(self._log, writer), [self._writer_key(writer)])
        return line

    def _writer_key(self, writer: str) -> VerifierKey:
        """The key of a writer, by the service key's word in its genesis."""
        key = self._writers.get(writer)
        if key is None:
            genesis = seek_line(self._reader, writer, 0)
            if genesis is None:
                raise ObjectMissing(f"no first record of writer {writer}")
            key = verify_genesis(parse_line(genesis), self._log, writer, self._keys)
            if len(self._writers) >= MAX_PROVEN:
                self._writers.clear()
            self._writers[writer] = key
        return key


def is_same_person(one: Who | None, other: Who | None) -> bool:
    """True where both are known, and tenant and principal agree: through whatever app, token or role."""
    known = _person(one)
    return known is not None and known == _person(other)


def is_other_person(one: Who | None, other: Who | None) -> bool:
    """True where both are known, and differ."""
    first, second = _person(one), _person(other)
    return first is not None and second is not None and first != second


def _person(who: Who | None) -> tuple[str, str] | None:
    if who is None or who.tenant is None or who.principal is None:
        return None
    return who.tenant, who.principal
