"""Where the local cloud keeps what it writes: one folder, `.devstack` unless DEVSTACK_DIR names another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder of `function_app.py`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of one local cloud. Two clouds with two folders do not meet."""

    folder: Path

    @property
    def state_file(self) -> Path:
        """What runs, for tests and tools; there only while the cloud is ready."""
        return self.folder / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor as long as it lives; holds its process id."""
        return self.folder / "supervisor.lock"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.folder / "logs"

    @property
    def storage(self) -> Path:
        """Azurite's own folder."""
        return self.folder / "storage"

    @property
    def issuer(self) -> Path:
        """The token issuer's signing keys."""
        return self.folder / "issuer"

    @property
    def keys(self) -> Path:
        """The ledger's service key and the digest key."""
        return self.folder / "keys"

    @property
    def host(self) -> Path:
        """Schedules and receipts of the functions host."""
        return self.folder / "host"

    def create(self) -> None:
        """Make the folders; only this user may look into them."""
        for folder in (self.folder, self.logs, self.storage, self.issuer, self.keys, self.host):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def choose_layout(environment: Mapping[str, str]) -> Layout:
    """The layout that an environment asks for."""
    chosen = environment.get("DEVSTACK_DIR")
    return Layout(Path(chosen).resolve() if chosen else ROOT / ".devstack")


def choose_app(environment: Mapping[str, str]) -> Path:
    """The folder of the functions app to run: this project's, unless DEVSTACK_APP names another."""
    chosen = environment.get("DEVSTACK_APP")
    return Path(chosen).resolve() if chosen else ROOT
