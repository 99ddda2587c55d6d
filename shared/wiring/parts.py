"""From settings to parts: files, policy, stores, keys and options."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from azure.identity import ManagedIdentityCredential

from shared.cloud.blobs import BlobLedgerStore, open_store
from shared.cloud.credentials import ledger_credential
from shared.cloud.graph.app import choose_app
from shared.cloud.graph.reader import NoDirectory, open_graph
from shared.cloud.host_storage import HostShelf, open_host_storage
from shared.cloud.keyvault import KeyVaultSigner
from shared.cloud.signers import Ed25519FileSigner
from shared.errors import SettingsError
from shared.identity.issuers import parse_issuers
from shared.identity.policy import parse_policy
from shared.identity.roles import Policy
from shared.pii.files import EngineFiles, EngineLimits
from shared.records.model import Record
from shared.settings import ROOT, Settings
from shared.usecases.commits.committing import CommitOptions
from shared.usecases.commits.queue import Linger
from shared.usecases.ports import DirectoryReader, Ledger, NoteSigner

LAST_PORTION = 1_000


def utc_now() -> datetime:
    """The clock of the deployed service."""
    return datetime.now(UTC)


def read_policy(settings: Settings) -> Policy:
    """The policy in force. Raises SettingsError that names line and field."""
    path = settings.policy_file
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("POLICY_FILE", f"{name} cannot be read ({type(error).__name__})") from None
    return parse_policy(text, name)


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


def open_container(settings: Settings, container: str) -> BlobLedgerStore:
    """A container of the audit account, by connection string on a laptop, by managed identity in Azure."""
    secret = settings.audit_storage_connection_string
    return open_store(
        container,
        connection_string=secret.get_secret_value() if secret else None,
        account_url=settings.audit_storage_account_url,
        identity_client_id=settings.audit_identity_client_id,
    )


def open_shelf(settings: Settings) -> HostShelf:
    """Small notes between runs of the timers."""
    secret = settings.host_storage_connection_string
    return open_host_storage(
        secret.get_secret_value() if secret else None,
        settings.host_storage_blob_url,
        settings.audit_identity_client_id,
    )


def ledger_signers(settings: Settings) -> list[NoteSigner]:
    """The service's keys: a vault's in Azure, a key file's on a laptop, or both. Raises SettingsError.

    With both, everything is signed twice: the vault's ECDSA first, and an Ed25519 signature beside it for
    tools that know no other.
    """
    signers: list[NoteSigner] = []
    if settings.ledger_key_id is not None:
        credential = ManagedIdentityCredential(client_id=settings.audit_identity_client_id)
        signers.append(KeyVaultSigner(settings.ledger_name, settings.ledger_key_id, credential))
    if settings.ledger_key_file is not None:
        signers.append(Ed25519FileSigner(settings.ledger_name, settings.ledger_key_file))
    return signers


def open_directory(settings: Settings) -> DirectoryReader:
    """Who holds which role: read from Microsoft Graph as the service's managed identity.

    Where no trusted issuer is an Entra tenant, or there is no identity, each reading says so; calls of the
    API need no directory.
    """
    identity = settings.audit_identity_client_id
    try:
        app = choose_app(parse_issuers(settings.trusted_issuers), settings.review_app_id)
        return open_graph(settings.graph_url, app, lambda: ledger_credential(identity))
    except SettingsError as error:
        return NoDirectory(str(error))


def commit_from_thread(ledger: Ledger) -> Callable[[Record], None]:
    """`commit` for code that runs on a thread of its own. Returns once the record is stored."""

    def commit(record: Record) -> None:
        asyncio.run(_commit(ledger, record))

    return commit


def commit_last(ledger: Ledger, records: Sequence[Record]) -> None:
    """Commit what nobody waits for, from a thread of its own. What storage does not take is not told."""
    if records:
        asyncio.run(_commit_all(ledger, records))


async def _commit_all(ledger: Ledger, records: Sequence[Record]) -> None:
    """In portions that the committer's queue has room for."""
    for start in range(0, len(records), LAST_PORTION):
        portion = records[start : start + LAST_PORTION]
        await asyncio.gather(*(ledger.commit(record) for record in portion), return_exceptions=True)


async def _commit(ledger: Ledger, record: Record) -> None:
    await ledger.commit(record)
