"""The configuration of a process: read from its files, named by its snapshot, watched on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shared.configuration.commits import commit_part
from shared.configuration.snapshots import Meaning, Snapshot, make_snapshot
from shared.errors import SettingsError
from shared.identity.policy_meaning import policy_meaning
from shared.identity.roles import Policy
from shared.pii.engine import Engine
from shared.pii.fingerprint import EngineFacts, engine_facts
from shared.records.digests import DigestKey
from shared.records.governance import CommitPart
from shared.settings import Settings
from shared.wiring import parts

LOADS = 3
"""So many times the engine is loaded, where files are touched meanwhile and mean the same as before."""

type Stamp = tuple[tuple[str, int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of all files gave."""

    policy: Policy
    engine: EngineFacts
    snapshot: Snapshot


def read_all(settings: Settings) -> Reading:
    """Policy, Presidio's files, packages and models, as they are now. Raises SettingsError."""
    policy, engine = parts.read_policy(settings), engine_facts(parts.engine_files(settings))
    key = DigestKey(settings.digest_key.get_secret_value())
    meaning = Meaning(
        policy=policy_meaning(policy),
        analyzer=engine.meaning.analyzer,
        nlp=engine.meaning.nlp,
        recognizers=engine.meaning.recognizers,
        files=engine.meaning.files,
        packages=engine.packages,
        models=engine.models,
    )
    try:
        return Reading(policy, engine, make_snapshot(meaning, key))
    except ValueError:
        raise SettingsError("RECOGNIZER_REGISTRY_CONF_FILE", "holds text that JSON cannot carry") from None


def commit_facts(settings: Settings) -> CommitPart | None:
    """The commit that was deployed, as far as the deployment said."""
    author = settings.service_commit_author
    return commit_part(
        settings.service_commit,
        author.get_secret_value() if author else None,
        settings.service_commit_signed,
        DigestKey(settings.digest_key.get_secret_value()),
    )


class SettingsFiles:
    """The `ConfigurationFiles` that settings name, and what these refer to."""

    def __init__(self, settings: Settings, reading: Reading) -> None:
        """`reading` is that of the start, made just now."""
        self._settings = settings
        self._places = (settings.policy_file, *reading.engine.places)
        self._at_start = self._file_stamps()
        self._snapshot = reading.snapshot

    def stamp(self) -> Stamp:
        """Path, size, inode, and times of every file; the time of change cannot be set back by `touch`.

        Of the folder where packages are installed its own suffices: what comes or goes there changes it.
        """
        return (*self._file_stamps(), *map(_stamp, _package_folder()))

    def read(self) -> Snapshot:
        """The snapshot of what they mean now. Raises SettingsError."""
        reading = read_all(self._settings)
        self._places = (self._settings.policy_file, *reading.engine.places)
        return reading.snapshot

    def load_unchanged(self, load: Callable[[], Engine]) -> Engine:
        """Load the engine, and refuse it where the files were touched since the reading of the start.

        The ledger has said what will be in force: files that are swapped before Presidio reads them, and
        perhaps swapped back, would make that a lie. Raises SettingsError.
        """
        before = self._at_start
        for _ in range(LOADS):
            engine = load()
            after = self._file_stamps()
            if self.read().digest != self._snapshot.digest:
                break
            if after == before:
                return engine
            before = after  # touched, and the same: perhaps a backup or another installer; read it again
        raise SettingsError(
            "POLICY_FILE, ANALYZER_CONF_FILE, NLP_CONF_FILE or RECOGNIZER_REGISTRY_CONF_FILE",
            "the files were changed while the service started; start it again",
        )

    def _file_stamps(self) -> Stamp:
        return tuple(line for place in self._places for line in _stamps(place))


def _stamps(place: Path) -> Iterator[tuple[str, int, int, int, int]]:
    if not place.is_dir():
        yield _stamp(place)
    else:  # not the folder itself: importing a model's package leaves compiled Python in it
        for folder, _, names in os.walk(place):
            yield from (_stamp(Path(folder, name)) for name in sorted(names) if not name.endswith(".pyc"))


def _stamp(place: Path) -> tuple[str, int, int, int, int]:
    try:
        status = place.stat()
    except OSError:
        return str(place), -1, -1, -1, -1
    return str(place), status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def _package_folder() -> tuple[Path, ...]:
    """Where Presidio is installed."""
    spec = find_spec("presidio_analyzer")
    return (Path(spec.origin).parent.parent,) if spec is not None and spec.origin else ()
