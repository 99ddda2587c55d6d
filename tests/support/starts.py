"""Processes of the service that start and end over one store, each with a configuration."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ulid import ULID

from shared.configuration.snapshots import Snapshot
from shared.ledger.notes import Ed25519NoteKey, parse_vkey
from shared.records.governance import CommitPart
from shared.usecases.commits.committing import Committer
from shared.usecases.commits.writers import Writer
from shared.usecases.configuration import OpeningConfiguration, Running
from shared.usecases.ports import LedgerStore
from shared.usecases.reading import list_segments, read_lines
from tests.support.committers import LOG, QUICK, SERVICE_KEY, ManualClock
from tests.support.records import ENGINE, POLICY, SERVICE
from tests.support.stores import MemoryStore

TRUSTED = [parse_vkey(SERVICE_KEY.vkey)]
COMMIT = CommitPart(id="abc1234", signed="good")


class Deployment:
    """Processes of the service, one after the other, over one store."""

    def __init__(self, store: LedgerStore | None = None) -> None:
        self.store: LedgerStore = store or MemoryStore()
        self.clock = ManualClock()

    def committer(
        self,
        configuration: Snapshot | None,
        *,
        signer: Ed25519NoteKey = SERVICE_KEY,
        later: float = 60.0,
        commit: CommitPart | None = COMMIT,
    ) -> Committer:
        """A process that is not open yet; without a configuration, one of an older version."""
        self.clock.advance(seconds=later)
        service = SERVICE.model_copy(update={"writer": str(ULID.from_datetime(self.clock.now))})
        writer = Writer(LOG, Ed25519PrivateKey.generate(), POLICY, ENGINE, service)
        if configuration is None:
            return Committer(self.store, writer, [signer], self.clock, QUICK)
        running = Running(configuration, commit, POLICY, ENGINE, service)
        trusted = [parse_vkey(signer.vkey)]
        opening = OpeningConfiguration(self.store, LOG, lambda: trusted, running, self.clock)
        writer = replace(writer, configuration=configuration.digest)
        return Committer(self.store, writer, [signer], self.clock, QUICK, opening=opening)

    def start(self, configuration: Snapshot | None, **options: Any) -> list[dict[str, Any]]:
        """Start a process and end it; what it wrote."""
        committer = self.committer(configuration, **options)
        committer.open()
        committer.close()
        return self.records()[-1]

    def records(self) -> list[list[dict[str, Any]]]:
        """All records, a list a writer, in the order of their starts."""
        return [
            [json.loads(line.line) for segment in segments for line in read_lines(self.store, segment, 0)]
            for _, segments in sorted(list_segments(self.store).items())
        ]
