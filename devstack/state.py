"""What runs, in `.devstack/state.json`: written whole once the cloud is ready, removed when it ends."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Persona(_Part):
    """A caller to try things with. `token` is a bearer token for the API, valid for a day."""

    token: str
    oid: str
    roles: list[str]


class Storage(_Part):
    """Where the ledger is. The connection string reads and writes."""

    connection_string: str
    container: str


class Graph(_Part):
    """The local directory. `token` reads it for a day; `app_id` is the application that is reviewed."""

    url: str
    app_id: str
    token: str


class Pids(_Part):
    """Process ids of the moment; `workers` change when one is started again."""

    supervisor: int
    azurite: int
    issuer: int
    workers: list[int]


class State(_Part):
    """A running local cloud. `issuer` is the address of the token issuer; `trusted_keys` are the verifier
    keys (C2SP signed-note) of the ledger's service key.
    """

    base_url: str
    issuer: str
    personas: dict[str, Persona]
    storage: Storage
    trusted_keys: list[str]
    pids: Pids
    graph: Graph | None = None


def write_state(path: Path, state: State) -> None:
    """Replace the file in one step: readers see the old state or the new one. Only this user can read it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(state.model_dump_json(indent=2) + "\n")
    temporary.replace(path)


def read_state(path: Path) -> State | None:
    """The state, None where nothing is up (or where the file is not one of ours)."""
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
