"""The only place where objects are joined: environment -> settings -> adapters -> use cases -> Service."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ulid import ULID

from shared.cloud.blobs import BlobLedgerStore, open_store
from shared.cloud.keysets import KeySets
from shared.cloud.signers import Ed25519FileSigner
from shared.errors import AuditUnavailable, PresidioAccessError, SettingsError
from shared.identity.issuers import parse_issuers
from shared.identity.policy import parse_policy
from shared.identity.roles import Policy
from shared.ledger.notes import parse_vkey
from shared.pii.engine import check_files, load_engine
from shared.pii.files import EngineFiles, EngineLimits
from shared.pii.fingerprint import engine_part
from shared.records.digests import DigestKey
from shared.records.model import ServicePart
from shared.settings import ROOT, Settings, load_settings
from shared.usecases.audited import AuditedPath
from shared.usecases.commit_queue import Linger
from shared.usecases.committing import CommitOptions, Committer
from shared.usecases.engines import EngineRoom
from shared.usecases.ports import NoteSigner
from shared.usecases.questions import Questions
from shared.usecases.readiness import Readiness
from shared.usecases.recording import Recorder
from shared.usecases.refusals import RefusalCounter
from shared.usecases.telemetry import NoTelemetry, Telemetry
from shared.usecases.traffic import Traffic
from shared.usecases.writers import Writer
from shared.version import VERSION

logger = logging.getLogger("presidio_access.service")

RETRY_START_S = 1.0
"""After a failed start, calls are refused for this long before one of them tries again."""

SWITCH_INTERVAL_S = 0.001
"""Python's default of 5 ms would let an engine thread hold up the commit and the event loop that long."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the doors need."""

    path: AuditedPath
    readiness: Readiness
    engines: EngineRoom
    ledger: Committer
    telemetry: Telemetry
    writer: str
    trusted_proxy_hops: int

    def close(self) -> None:
        """Take no more work, and end the writer's log with its last record."""
        self.engines.close()
        self.ledger.close()
        self.telemetry.close()


def build_service(environment: Mapping[str, str]) -> Service:
    """Join everything, commit the writer's genesis, and let the models load in the background.

    Raises SettingsError that names the setting, or AuditUnavailable while storage does not answer.
    """
    settings = load_settings(environment)
    files, policy = engine_files(settings), read_policy(settings)
    check_files(files)
    issuers = parse_issuers(settings.trusted_issuers)
    part = engine_part(files)
    service = ServicePart(version=VERSION, commit=settings.service_commit, writer=str(ULID()))
    key = Ed25519PrivateKey.generate()
    writer = Writer(settings.ledger_name, key, policy.digest, part, service)
    traffic, telemetry = Traffic(), NoTelemetry()
    store, signers = open_audit_store(settings), ledger_signers(settings)
    ledger = Committer(
        store,
        writer,
        signers,
        utc_now,
        commit_options(settings),
        calls_in_flight=lambda: traffic.count,
    )
    ledger.open()
    engines = EngineRoom(
        lambda: load_engine(files, engine_limits(settings)), settings.engine_threads, settings.engine_queue
    )
    engines.start()
    keys = KeySets(issuers)
    threading.Thread(target=keys.prefetch, name="keys-prefetch", daemon=True).start()
    path = AuditedPath(
        issuers=issuers,
        keys=keys,
        policy=policy,
        engines=engines,
        ledger=ledger,
        refusals=RefusalCounter(ledger, utc_now, policy.digest, service),
        recorder=Recorder(DigestKey(settings.digest_key.get_secret_value()), part, service, policy.digest),
        questions=Questions(store, settings.ledger_name, [parse_vkey(signer.vkey) for signer in signers]),
        telemetry=telemetry,
        traffic=traffic,
        clock=utc_now,
        max_body_bytes=settings.max_body_bytes,
    )
    readiness = Readiness(engines, ledger, keys, issuers)
    return Service(path, readiness, engines, ledger, telemetry, service.writer, settings.trusted_proxy_hops)


def utc_now() -> datetime:
    """The clock of the deployed service."""
    return datetime.now(UTC)


def read_policy(settings: Settings) -> Policy:
    """The policy in force. Raises SettingsError that names line and field."""
    path = settings.policy_file
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    return parse_policy(path.read_text("utf-8"), name)


def engine_files(settings: Settings) -> EngineFiles:
    """Presidio's configuration files."""
    return EngineFiles(
        settings.analyzer_conf_file, settings.nlp_conf_file, settings.recognizer_registry_conf_file
    )


def engine_limits(settings: Settings) -> EngineLimits:
    """The bounds of one engine call."""
    return EngineLimits(
        analysis_timeout_ms=settings.analysis_timeout_ms, ahds_endpoint=settings.ahds_endpoint
    )


def commit_options(settings: Settings) -> CommitOptions:
    """How long a call waits for its record, and a commit for company."""
    linger = Linger(delay_ms=settings.commit_delay_ms, siblings=settings.commit_siblings)
    return CommitOptions(deadline_ms=settings.commit_deadline_ms, linger=linger)


def open_audit_store(settings: Settings) -> BlobLedgerStore:
    """The container of the ledger, by connection string on a laptop, by managed identity in Azure."""
    secret = settings.audit_storage_connection_string
    return open_store(
        settings.audit_container,
        connection_string=secret.get_secret_value() if secret else None,
        account_url=settings.audit_storage_account_url,
        identity_client_id=settings.audit_identity_client_id,
    )


def ledger_signers(settings: Settings) -> list[NoteSigner]:
    """The service's keys that attest writers."""
    if settings.ledger_key_file is None:
        raise SettingsError("LEDGER_KEY_ID", "keys in Key Vault are not supported by this version")
    return [Ed25519FileSigner(settings.ledger_name, settings.ledger_key_file)]


class ServiceHolder:
    """The one service of this process: built by the first call, kept until the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._service: Service | None = None
        self._failure: PresidioAccessError | None = None
        self._retry_at = 0.0

    @property
    def service(self) -> Service | None:
        """The service, once it is built."""
        return self._service

    def build(self) -> Service:
        """The service. Raises what `build_service` raised, for a second without trying again."""
        with self._lock:
            if self._service is not None:
                return self._service
            if self._failure is not None and time.monotonic() < self._retry_at:
                raise self._failure
            try:
                sys.setswitchinterval(SWITCH_INTERVAL_S)
                self._service = build_service(os.environ)
            except PresidioAccessError as error:
                logger.critical("cannot start: %s", error.message)
                self._failure, self._retry_at = error, time.monotonic() + RETRY_START_S
                raise
            atexit.register(self.close)
            return self._service

    def close(self) -> None:
        """End the service in order, once."""
        with self._lock:
            service, self._service = self._service, None
        if service is not None:
            service.close()


_HOLDER = ServiceHolder()


async def get_service() -> Service:
    """The service of this process; the first call builds it, on a thread.

    Raises SettingsError, AuditUnavailable, KeysUnavailable.
    """
    service = _HOLDER.service
    return service if service is not None else await asyncio.to_thread(_HOLDER.build)


def close_service() -> None:
    """End the service in order; safe to call twice, and without a service."""
    _HOLDER.close()


def refusal_of(error: PresidioAccessError) -> PresidioAccessError:
    """What a caller is told while there is no service: which setting is wrong stays in the log."""
    if isinstance(error, SettingsError):
        return AuditUnavailable("the service is not configured; its log names the setting")
    return error
