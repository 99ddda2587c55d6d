"""Who writes: what a writer's genesis states, and how it comes to be attested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.ledger.genesis import genesis_text
from shared.records.canonical import format_time
from shared.records.model import EnginePart, GenesisRecord, ServicePart
from shared.usecases.ports import NoteSigner


@dataclass(frozen=True, slots=True)
class Writer:
    """One process of the service as a writer of the ledger.

    `log` is the log's name; `key` is made at start, lives in memory alone and signs this writer's
    checkpoints; `policy` is the hex digest of the policy in force; `service.writer` is the writer's ULID;
    `configuration` is the digest of the snapshot of what it runs; `root` is a signed checkpoint of the root
    log, where one is at hand.
    """

    log: str
    key: Ed25519PrivateKey = field(repr=False)
    policy: str
    engine: EnginePart
    service: ServicePart
    root: str | None = None
    configuration: str | None = None

    def genesis(self, vkey: str, now: datetime, signers: Sequence[NoteSigner]) -> GenesisRecord:
        """Record 0, signed by every service key. Raises KeysUnavailable, ValueError without a signer."""
        if not signers:
            raise ValueError("a genesis is attested by at least one service key")
        record = GenesisRecord(
            time=format_time(now),
            log=self.log,
            vkey=vkey,
            policy=self.policy,
            engine=self.engine,
            service=self.service,
            root=self.root,
            configuration=self.configuration,
        )
        text = genesis_text(record)
        return record.model_copy(update={"attestation": tuple(signer.sign(text) for signer in signers)})
