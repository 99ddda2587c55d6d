"""Where the evidence is, and which keys to trust: from the options, the environment, or the local cloud."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import AuditorError
from auditor.folders import FolderSource, ZipSource
from shared.errors import MalformedLedger
from shared.ledger.notes import VerifierKey, parse_vkey
from shared.ledger.verifier import log_name
from shared.records.digests import DigestKey
from shared.usecases.ports import Reader

NO_EVIDENCE = (
    "no evidence to look at: give a folder, a .zip file or a container's URL,"
    " or set AUDIT_STORAGE_CONNECTION_STRING, or start the local cloud (make up)"
)
NO_KEYS = (
    "no trusted key: give the service's verifier key with --key, a text like"
    " audit.example.com/presidio+1a2b3c4d+A…, or a file that holds such texts"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a command works on. `folder` is set for a local copy; `label` is how a person calls it."""

    source: Reader
    archive: Reader | None
    keys: tuple[VerifierKey, ...]
    label: str
    folder: Path | None

    @property
    def log(self) -> str:
        """The log's name, which is the name of the trusted service keys."""
        return log_name(self.keys)


def locate_evidence(
    location: str | None,
    archive: str | None,
    keys: Sequence[str],
    environment: Mapping[str, str] | None = None,
) -> Evidence:
    """Open what the options name or, where they name nothing, what the environment or the local cloud has.

    Raises AuditorError.
    """
    env = os.environ if environment is None else environment
    state = read_state(env)
    source, label, folder = _open(location, env, state)
    opened_archive = _open(archive, env, state)[0] if archive else None
    trusted = read_keys(keys) or read_keys(env.get("AUDIT_TRUSTED_KEYS", "").split()) or _keys_of(state)
    if not trusted:
        raise AuditorError(NO_KEYS)
    return Evidence(source, opened_archive, trusted, label, folder)


def read_keys(texts: Sequence[str]) -> tuple[VerifierKey, ...]:
    """Verifier keys, from their texts or from files of one key a line. Raises AuditorError."""
    found: dict[str, VerifierKey] = {}
    for text in texts:
        lines = [text]
        if "+" not in text or Path(text).is_file():
            try:
                lines = Path(text).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise AuditorError(f"--key: neither a verifier key nor a readable file: {text}") from error
        for line in lines:
            if line.strip() and not line.startswith("#"):
                try:
                    found[line.strip()] = parse_vkey(line.strip())
                except MalformedLedger as error:
                    raise AuditorError(f"--key: {error.message}") from error
    return tuple(found.values())


def read_digest_key(path: Path | None, environment: Mapping[str, str] | None = None) -> DigestKey:
    """The key of the digests: a file's, DIGEST_KEY's or the local cloud's (base64). Raises AuditorError."""
    env = os.environ if environment is None else environment
    text = env.get("DIGEST_KEY")
    local = state_folder(env) / "keys" / "digest.key"
    chosen = path or (None if text else local)
    try:
        text = chosen.read_text(encoding="ascii") if chosen is not None else text
        secret = base64.b64decode((text or "").strip(), validate=True)
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise AuditorError(
            "no digest key: give --digest-key FILE or set DIGEST_KEY (base64, as the service has it)"
        ) from error
    return DigestKey(secret)


def state_folder(environment: Mapping[str, str]) -> Path:
    """The local cloud's folder."""
    return Path(environment.get("DEVSTACK_DIR", ".devstack"))


def read_state(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the local cloud says of itself; empty where none runs."""
    try:
        state = json.loads((state_folder(environment) / "state.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _keys_of(state: Mapping[str, Any]) -> tuple[VerifierKey, ...]:
    keys = state.get("trusted_keys")
    return read_keys([str(key) for key in keys]) if isinstance(keys, list) else ()


def _open(
    location: str | None, env: Mapping[str, str], state: Mapping[str, Any]
) -> tuple[Reader, str, Path | None]:
    if location is None:
        return _open_default(env, state)
    if location.startswith("https://"):
        from auditor.containers import open_url

        return open_url(location), location, None
    connection = env.get("AUDIT_STORAGE_CONNECTION_STRING") or _storage_of(state).get("connection_string")
    path = Path(location)
    if path.is_dir():
        return FolderSource(path), str(path), path
    if path.is_file():
        return ZipSource(path), str(path), None
    if connection and "/" not in location:
        from auditor.containers import open_connection

        return open_connection(str(connection), location), f"container {location}", None
    raise AuditorError(f"no folder, file or container of this name: {location}")


def _open_default(env: Mapping[str, str], state: Mapping[str, Any]) -> tuple[Reader, str, Path | None]:
    from auditor.containers import open_connection, open_url

    container = env.get("AUDIT_CONTAINER")
    if connection := env.get("AUDIT_STORAGE_CONNECTION_STRING"):
        name = container or "audit"
        return open_connection(connection, name), f"container {name}", None
    if account := env.get("AUDIT_STORAGE_ACCOUNT_URL"):
        url = f"{account.rstrip('/')}/{container or 'audit'}"
        return open_url(url), url, None
    storage = _storage_of(state)
    if storage:
        name = container or str(storage.get("container", "audit"))
        return (
            open_connection(str(storage.get("connection_string")), name),
            f"container {name} of the local cloud",
            None,
        )
    raise AuditorError(NO_EVIDENCE)


def _storage_of(state: Mapping[str, Any]) -> Mapping[str, Any]:
    storage = state.get("storage")
    return storage if isinstance(storage, dict) else {}
