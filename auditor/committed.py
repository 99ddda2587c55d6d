"""What the configuration's files meant at each commit, to be compared with what was in force."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from auditor.repositories import Repository, SourceCommit
from shared.configuration.concealing import without_digests
from shared.configuration.differences import find_differences
from shared.configuration.snapshots import Meaning, make_snapshot
from shared.errors import SettingsError
from shared.identity.policy import parse_policy
from shared.identity.policy_meaning import policy_meaning
from shared.identity.roles import Policy, Role
from shared.pii.configuration import read_configuration
from shared.pii.files import EngineFiles
from shared.pii.meaning import engine_meaning
from shared.records.digests import DigestKey

FILES = ("policy.yaml", "analyzer.yaml", "nlp.yaml", "recognizers.yaml")
COMPARED = ("policy", "analyzer", "nlp", "recognizers", "files")
"""Sections that a commit decides; packages and models come with the machine."""


@dataclass(slots=True)
class CommittedConfigurations:
    """The folder `folder` of a repository at its commits; each content is read once.

    With the digest key that the service has, all is compared; without it (None), of words that may be
    personal only their number.
    """

    repository: Repository
    folder: str
    key: DigestKey | None
    unreadable: int = 0
    _commits: list[SourceCommit] | None = None
    _trees: dict[str, str | None] = field(default_factory=dict)
    _contents: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def find_equal(self, snapshot: Mapping[str, Any], named: SourceCommit | None) -> SourceCommit | None:
        """A commit at which the files meant what the snapshot says: the named one, else the newest."""
        if self._commits is None:
            self._commits = self.repository.commits(self.folder)
        candidates = self._commits if named is None else [named, *self._commits]
        return next((commit for commit in candidates if self.is_equal(commit, snapshot)), None)

    def is_equal(self, commit: SourceCommit, snapshot: Mapping[str, Any]) -> bool:
        """True where the files of that commit mean what the snapshot says."""
        if commit.id not in self._trees:
            self._trees[commit.id] = self.repository.tree(commit.id, self.folder)
        tree = self._trees[commit.id]
        if tree is None:
            return False
        if tree not in self._contents:
            self._contents[tree] = self._read(commit)
        content = self._contents[tree]
        return content is not None and _is_same(content, snapshot, self.key)

    def _read(self, commit: SourceCommit) -> Mapping[str, Any] | None:
        """The meaning at a commit; None where this version cannot read it."""
        with tempfile.TemporaryDirectory(prefix="auditor-git-") as scratch:
            root = Path(scratch)
            self.repository.write(commit.id, self.folder, root)
            try:
                return read_folder(root, self.folder, self.key or DigestKey(b"none"))
            except (SettingsError, OSError, ValueError):
                self.unreadable += 1
                return None


def read_folder(root: Path, folder: str, key: DigestKey) -> Mapping[str, Any]:
    """What the four files below `root/folder` mean. Raises SettingsError, OSError, ValueError."""
    policy, analyzer, nlp, recognizers = (root / folder / name for name in FILES)
    files = EngineFiles(analyzer, nlp, recognizers if recognizers.is_file() else None)
    meaning = engine_meaning(read_configuration(files), root)
    parsed = policy_meaning(parse_policy(policy.read_text("utf-8"), policy.name))
    sections = Meaning(parsed, meaning.analyzer, meaning.nlp, meaning.recognizers, meaning.files, {}, ())
    return make_snapshot(sections, key).content


def _is_same(committed: Mapping[str, Any], snapshot: Mapping[str, Any], key: DigestKey | None) -> bool:
    pair = {name: committed.get(name) for name in COMPARED}, {name: snapshot.get(name) for name in COMPARED}
    if not isinstance(pair[0]["policy"], dict) or not isinstance(pair[1]["policy"], dict):
        return False
    pair[0]["policy"] = _without_new_defaults(pair[0]["policy"], pair[1]["policy"])
    if key is None or not _is_of_key(snapshot, key):
        pair = without_digests(pair[0]), without_digests(pair[1])
    return not find_differences(*pair)


def _is_of_key(snapshot: Mapping[str, Any], key: DigestKey) -> bool:
    """True unless something in the snapshot was concealed under another key."""
    return key.key_id in (found := _key_ids(snapshot)) or not found


def _key_ids(value: Any) -> set[str]:
    if isinstance(value, list):
        return {found for item in value for found in _key_ids(item)}
    if not isinstance(value, dict):
        return set()
    own = {str(value["key_id"])} if "key_id" in value else set()
    return own | {found for inner in value.values() for found in _key_ids(inner)}


def _without_new_defaults(committed: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, Any]:
    """Without the defaults of fields that the version did not have yet which made the snapshot."""
    roles = {role.get("name"): role for role in snapshot.get("roles", ()) if isinstance(role, dict)}
    trimmed = _trim(committed, snapshot, Policy)
    trimmed["roles"] = [_trim(role, roles.get(role["name"], {}), Role) for role in committed["roles"]]
    return trimmed


def _trim(fields: dict[str, Any], known: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: value
        for name, value in fields.items()
        if name in known or not _is_default(value, model.model_fields[name].default)
    }


def _is_default(value: Any, default: Any) -> bool:
    return value == (list(default) if isinstance(default, tuple) else default) or (
        value == "all" and default is None
    )
