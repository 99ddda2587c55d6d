"""The service: everything that the doors need, joined once in a process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ulid import ULID

from shared.cloud.azure_monitor import open_telemetry
from shared.cloud.blobs import BlobLedgerStore, ExpiringBlobStore
from shared.cloud.host_storage import ShelfNotebook
from shared.cloud.keysets import KeySets
from shared.identity.issuers import parse_issuers
from shared.identity.roles import Policy
from shared.ledger.notes import VerifierKey, parse_vkey
from shared.pii.engine import check_files, load_engine
from shared.records.digests import DigestKey
from shared.records.model import EnginePart, ServicePart
from shared.settings import Settings, load_settings
from shared.usecases.approvals.proofs import ApprovalProofs
from shared.usecases.approvals.steps import Approvals
from shared.usecases.audited import AuditedPath
from shared.usecases.bursts import BurstCounter
from shared.usecases.commits.committing import Committer
from shared.usecases.commits.telling import CommitTelling
from shared.usecases.commits.writers import Writer
from shared.usecases.conditions import Conditions
from shared.usecases.configuration import OpeningConfiguration, Running
from shared.usecases.configuration_watch import ConfigurationWatch
from shared.usecases.emergencies import Emergencies
from shared.usecases.engines import EngineRoom
from shared.usecases.limiting import Limiter
from shared.usecases.once import Claims
from shared.usecases.ports import NoteSigner
from shared.usecases.questions import Questions
from shared.usecases.readiness import Readiness
from shared.usecases.recording import Recorder
from shared.usecases.refusals import RefusalCounter
from shared.usecases.reviews.monthly import Reviewing
from shared.usecases.rootstore import RootView
from shared.usecases.telemetry import QUEUE_DEPTH, SEAL_AGE, Pulse, Telemetry
from shared.usecases.traffic import Traffic
from shared.usecases.upkeep.archiving import Archiver
from shared.usecases.upkeep.days import LedgerDays
from shared.usecases.upkeep.housekeeping import Housekeeping, SealAge
from shared.usecases.upkeep.retention import Sweeper
from shared.usecases.upkeep.sealing import Sealer
from shared.usecases.upkeep.verifying import Verification
from shared.version import VERSION
from shared.wiring import parts
from shared.wiring.configuration import SettingsFiles, commit_facts, read_all
from shared.wiring.reviews import join_reviewing


@dataclass(frozen=True, slots=True)
class Service:
    """What the doors need."""

    path: AuditedPath
    readiness: Readiness
    housekeeping: Housekeeping
    reviewing: Reviewing
    approvals: Approvals
    engines: EngineRoom
    keys: KeySets
    ledger: Committer
    watch: ConfigurationWatch
    telemetry: Telemetry
    writer: str
    trusted_proxy_hops: int

    def open(self) -> None:
        """Commit the writer's genesis with what changed, and load keys and models in the background.

        May be repeated. Raises SettingsError, AuditUnavailable and KeysUnavailable, as `Committer.open`.
        """
        self.ledger.open()
        self.engines.start()
        self.watch.start()
        threading.Thread(target=self.keys.prefetch, name="keys-prefetch", daemon=True).start()

    def expire_approvals(self) -> int:
        """End the approvals whose time is over; blocks. Raises StoreUnavailable, AuditUnavailable."""
        return self.approvals.expire(parts.commit_from_thread(self.ledger))

    def close(self) -> None:
        """Take no more work, tell how open bursts ended, and end the writer's log with its last record."""
        self.watch.stop()
        self.engines.close()
        try:
            parts.commit_last(self.ledger, self.path.bursts.end_all())
        finally:
            self.ledger.close()
        self.telemetry.close()


@dataclass(frozen=True, slots=True)
class _Base:
    """What several joints share."""

    settings: Settings
    policy: Policy
    engine: EnginePart
    files: SettingsFiles
    running: Running
    service: ServicePart
    signers: list[NoteSigner]
    store: BlobLedgerStore
    telemetry: Telemetry

    @property
    def trusted(self) -> list[VerifierKey]:
        """The service's keys as verifiers know them. Raises KeysUnavailable."""
        return [parse_vkey(signer.vkey) for signer in self.signers]


def assemble_service(environment: Mapping[str, str]) -> Service:
    """Join everything. Raises SettingsError that names the setting; KeysUnavailable where a vault is away."""
    base = _base(load_settings(environment))
    settings, traffic = base.settings, Traffic()
    ledger = _committer(base, traffic)
    files = parts.engine_files(settings)
    engines = EngineRoom(
        lambda: base.files.load_unchanged(lambda: load_engine(files, parts.engine_limits(settings))),
        settings.engine_threads,
        settings.engine_queue,
    )
    issuers = parse_issuers(settings.trusted_issuers)
    keys = KeySets(issuers)
    questions = Questions(base.store, settings.ledger_name, base.trusted)
    digest_key = DigestKey(settings.digest_key.get_secret_value())
    conditions = _conditions(base, digest_key)
    archive = parts.open_container(settings, settings.archive_container)
    reviewing = join_reviewing(
        settings, (base.store, archive), base.trusted, base.policy, base.service, ledger
    )
    path = AuditedPath(
        issuers=issuers,
        keys=keys,
        policy=base.policy,
        engines=engines,
        ledger=ledger,
        refusals=RefusalCounter(ledger, parts.utc_now, base.policy.digest, base.service),
        limiter=Limiter(base.policy),
        bursts=BurstCounter(ledger, base.policy.digest, base.service),
        recorder=Recorder(digest_key, base.engine, base.service, base.policy.digest),
        conditions=conditions,
        questions=questions,
        reviews=reviewing.review.reviews,
        traffic=traffic,
        clock=parts.utc_now,
        max_body_bytes=settings.max_body_bytes,
    )
    return Service(
        path=path,
        readiness=Readiness(engines, ledger, keys, issuers),
        housekeeping=_housekeeping(base, archive, ledger, questions),
        reviewing=reviewing,
        approvals=conditions.approvals,
        engines=engines,
        keys=keys,
        ledger=ledger,
        watch=_watch(base, ledger),
        telemetry=base.telemetry,
        writer=base.service.writer,
        trusted_proxy_hops=settings.trusted_proxy_hops,
    )


def _base(settings: Settings) -> _Base:
    check_files(parts.engine_files(settings))
    reading = read_all(settings)
    policy, engine = reading.policy, reading.engine.part
    writer = str(ULID())
    service = ServicePart(version=VERSION, commit=settings.service_commit, writer=writer)
    secret = settings.applicationinsights_connection_string
    return _Base(
        settings=settings,
        policy=policy,
        engine=engine,
        files=SettingsFiles(settings, reading),
        running=Running(reading.snapshot, commit_facts(settings), policy.digest, engine, service),
        service=service,
        signers=parts.ledger_signers(settings),
        store=parts.open_container(settings, settings.audit_container),
        telemetry=open_telemetry(secret.get_secret_value() if secret else None, writer),
    )


def _watch(base: _Base, ledger: Committer) -> ConfigurationWatch:
    commit = parts.commit_from_thread(ledger)
    return ConfigurationWatch(base.files, base.running, base.store, commit, parts.utc_now)


def _committer(base: _Base, traffic: Traffic) -> Committer:
    log, key, running = base.settings.ledger_name, Ed25519PrivateKey.generate(), base.running
    writer = Writer(
        log, key, running.policy, running.engine, running.service, configuration=running.snapshot.digest
    )
    return Committer(
        base.store,
        writer,
        base.signers,
        parts.utc_now,
        parts.commit_options(base.settings),
        CommitTelling(base.telemetry),
        calls_in_flight=lambda: traffic.count,
        opening=OpeningConfiguration(base.store, log, lambda: base.trusted, running, parts.utc_now),
    )


def _conditions(base: _Base, key: DigestKey) -> Conditions:
    claims = Claims(base.store)
    proofs = ApprovalProofs(base.store, base.settings.ledger_name, base.trusted, claims)
    approvals = Approvals(claims, proofs, key, base.policy, base.service, parts.utc_now)
    return Conditions(approvals, Emergencies(claims, key), base.service, parts.utc_now)


def _housekeeping(
    base: _Base, archive: BlobLedgerStore, ledger: Committer, questions: Questions
) -> Housekeeping:
    settings, clock = base.settings, parts.utc_now
    shelf = parts.open_shelf(settings)
    age = SealAge()
    base.telemetry.watch(SEAL_AGE, age.read)
    base.telemetry.watch(QUEUE_DEPTH, lambda: float(ledger.waiting))
    return Housekeeping(
        sealer=Sealer(base.store, settings.ledger_name, base.signers, clock),
        archiver=Archiver(base.store, archive, clock),
        verification=Verification(base.store, base.trusted, ShelfNotebook(shelf), clock, archive),
        sweepers=_sweepers(base, archive, ledger),
        days=LedgerDays(questions),
        shelf=shelf,
        sensitive=base.policy.sensitive,
        telemetry=base.telemetry,
        ledger=ledger,
        queue_depth=lambda: ledger.waiting,
        pulse=_pulse(base),
        service=base.service,
        clock=clock,
        age=age,
    )


def _sweepers(base: _Base, archive: BlobLedgerStore, ledger: Committer) -> tuple[Sweeper, ...]:
    settings, commit = base.settings, parts.commit_from_thread(ledger)
    root = RootView(base.store, settings.ledger_name, base.trusted)
    keep = (timedelta(days=settings.audit_keep_days), timedelta(days=settings.archive_keep_days))
    stores = (ExpiringBlobStore.over(base.store), ExpiringBlobStore.over(archive))
    return (
        Sweeper(stores[0], "audit", root, keep[0], commit, base.service, parts.utc_now, archive),
        Sweeper(stores[1], "archive", root, keep[1], commit, base.service, parts.utc_now),
    )


def _pulse(base: _Base) -> Pulse:
    return Pulse(
        writer=base.service.writer,
        policy_digest=base.policy.digest,
        engine_digest=base.engine.digest,
        service_version=base.service.version,
        service_commit=base.service.commit,
    )
