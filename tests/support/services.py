"""The audited path in one process: real tokens, the real policy, a real committer over a store in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.identity.issuers import Issuer
from shared.identity.roles import Policy
from shared.identity.tokens import PublicKey
from shared.ledger.notes import parse_vkey
from shared.pii.engine import Analysis, Anonymization, Engine, Redaction
from shared.records.digests import DigestKey
from shared.records.model import Record, ServicePart
from shared.usecases.approvals.proofs import ApprovalProofs
from shared.usecases.approvals.steps import Approvals
from shared.usecases.audited import AuditedPath
from shared.usecases.bursts import BurstCounter
from shared.usecases.calls import Answer, Call, Operation
from shared.usecases.commits.committing import Committer
from shared.usecases.conditions import Conditions
from shared.usecases.emergencies import Emergencies
from shared.usecases.engines import EngineRoom
from shared.usecases.limiting import Limiter
from shared.usecases.once import Claims
from shared.usecases.ports import Ledger, LedgerStore, Receipt
from shared.usecases.questions import Questions
from shared.usecases.recording import Recorder
from shared.usecases.refusals import RefusalCounter
from shared.usecases.reviews.recorded import Reviews
from shared.usecases.traffic import Traffic
from tests.support.committers import (
    LOG,
    QUICK,
    SERVICE_KEY,
    WRITER,
    WRITER_KEY,
    ManualClock,
    make_writer,
)
from tests.support.forging import Forger
from tests.support.identities import BASE_URL, NOW, NOW_S, default_policy, local_issuers, signing_key
from tests.support.records import ENGINE, SERVICE
from tests.support.stores import MemoryStore

DIGEST_KEY = DigestKey(b"d" * 32)
JSON_TYPE = "application/json"


class PlainEngine(Engine):
    """An engine that finds what it is told to, or raises what it is told to."""

    languages = ("en",)
    entity_vocabulary = frozenset({"PERSON", "PHONE_NUMBER", "CREDIT_CARD"})
    recognizer_vocabulary = frozenset({"SpacyRecognizer"})
    operator_vocabulary = frozenset({"replace", "keep", "encrypt", "decrypt"})

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.calls: list[str] = []
        self.searched: tuple[str, ...] | None = None

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if self.failure is not None:
            raise self.failure

    def analyze(self, request: Any, searched: tuple[str, ...] | None) -> Analysis:
        self._enter("analyze")
        self.searched = searched
        finding = {"entity_type": "PERSON", "start": 0, "end": 4, "score": 0.85, "analysis_explanation": None}
        return Analysis([finding], searched or ("PERSON",), {"PERSON": 1}, {"SpacyRecognizer": 1})

    def anonymize(self, request: Any) -> Anonymization:
        self._enter("anonymize")
        return Anonymization({"text": "<PERSON>", "items": []}, ("replace",), {"PERSON": 1}, 8)

    def deanonymize(self, request: Any) -> Anonymization:
        self._enter("deanonymize")
        return Anonymization({"text": "John", "items": []}, ("decrypt",), {"PERSON": 1}, 4)

    def redact(self, request: Any, searched: tuple[str, ...] | None) -> Redaction:
        self._enter("redact")
        answer = {"text": "<PERSON>", "items": []}
        return Redaction(
            answer, ("PERSON",), {"PERSON": 1}, {"SpacyRecognizer": 1}, ("replace",), {"PERSON": 1}, 8
        )

    def recognizers(self, language: str | None) -> list[str]:
        self._enter("recognizers")
        return ["SpacyRecognizer"]

    def supported_entities(self, language: str | None) -> list[str]:
        if self.failure is not None:
            raise self.failure
        return sorted(self.entity_vocabulary)

    def anonymizers(self) -> list[str]:
        self._enter("anonymizers")
        return ["replace"]

    def deanonymizers(self) -> list[str]:
        self._enter("deanonymizers")
        return ["decrypt"]


class HeldKeys:
    """The keys of the local issuer, at hand."""

    def __init__(self) -> None:
        key = signing_key()
        self.keys: dict[str, PublicKey] = {key.kid: key.private.public_key()}
        self.asked = 0

    def find_cached(self, issuer: Issuer, kid: str) -> PublicKey | None:
        return self.keys.get(kid)

    def find(self, issuer: Issuer, kid: str) -> PublicKey | None:
        self.asked += 1
        return None

    def is_usable(self, issuer: Issuer) -> bool:
        return True


class WatchedLedger:
    """Notes every record that was stored, in order; passes everything on."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.records: list[Record] = []

    async def commit(self, record: Record) -> Receipt:
        receipt = await self.ledger.commit(record)
        self.records.append(record)
        return receipt

    def is_writable(self) -> bool:
        return self.ledger.is_writable()


@dataclass(slots=True)
class Bench:
    """An audited path and everything around it that a test wants to look at."""

    engine: PlainEngine = field(default_factory=PlainEngine)
    store: MemoryStore = field(default_factory=MemoryStore)
    archive: MemoryStore = field(default_factory=MemoryStore)
    policy: Policy = field(default_factory=default_policy)
    keys: HeldKeys = field(default_factory=HeldKeys)
    forger: Forger = field(
        default_factory=lambda: Forger(signing_key(), signing_key("foreign"), BASE_URL, NOW_S)
    )
    now: datetime = NOW
    writer: str = WRITER
    claim_store: LedgerStore | None = None
    committer: Committer = field(init=False)
    ledger: WatchedLedger = field(init=False)
    path: AuditedPath = field(init=False)

    def __post_init__(self) -> None:
        key = WRITER_KEY if self.writer == WRITER else Ed25519PrivateKey.generate()
        writer = make_writer(key=key, service=self._service())
        self.committer = Committer(self.store, writer, [SERVICE_KEY], ManualClock(), QUICK)
        self.committer.open()
        self.ledger = WatchedLedger(self.committer)
        engines = EngineRoom(lambda: self.engine, threads=2, queue=16)
        engines.start()
        assert engines.wait(5.0)
        digest = self.policy.digest
        self.path = AuditedPath(
            issuers=local_issuers(),
            keys=self.keys,
            policy=self.policy,
            engines=engines,
            ledger=self.ledger,
            refusals=RefusalCounter(self.ledger, lambda: self.now, digest, self._service()),
            limiter=Limiter(self.policy),
            bursts=BurstCounter(self.ledger, digest, self._service()),
            recorder=Recorder(DIGEST_KEY, ENGINE, self._service(), digest),
            conditions=self._conditions(),
            questions=self._questions(),
            reviews=Reviews(self.store, self.archive, LOG, [parse_vkey(SERVICE_KEY.vkey)], self._service()),
            traffic=Traffic(),
            clock=lambda: self.now,
            max_body_bytes=1_000_000,
        )

    def _service(self) -> ServicePart:
        return SERVICE.model_copy(update={"writer": self.writer})

    def _questions(self) -> Questions:
        return Questions(self.store, LOG, [parse_vkey(SERVICE_KEY.vkey)])

    def _conditions(self) -> Conditions:
        """Over `claim_store`, which a test may have fail where the ledger's own store does not."""
        claims, service = Claims(self.claim_store or self.store), self._service()

        def clock() -> datetime:
            return self.now

        proofs = ApprovalProofs(self.store, LOG, [parse_vkey(SERVICE_KEY.vkey)], claims)
        approvals = Approvals(claims, proofs, DIGEST_KEY, self.policy, service, clock)
        return Conditions(approvals, Emergencies(claims, DIGEST_KEY), service, clock)

    def close(self) -> None:
        self.path.engines.close()
        self.committer.close()

    def bearer(self, persona: str, **claims: Any) -> str:
        """The value of an Authorization header: a token that was made just now, with these claims changed."""
        now_s = int(self.now.timestamp())
        times = {"iat": now_s, "nbf": now_s, "exp": now_s + 3_600}
        return self.forger.bearer(persona, 2, **{**times, **claims})

    async def call(
        self,
        operation: Operation,
        body: object = None,
        *,
        persona: str | None = "engineer",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        query: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call through the path, as a door would make it."""
        token = {"authorization": self.bearer(persona)} if persona is not None else {}
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return await self.path.answer(
            Call(
                request_id=f"R{len(self.ledger.records)}-{id(data):x}",
                received=self.now,
                started_ns=0,
                headers={"content-type": JSON_TYPE, **token, **(headers or {})},
                query=query or {},
                params=params or {},
                body=data,
                address="192.0.2.7",
            ),
            operation,
        )
