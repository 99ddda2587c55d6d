"""The history of the configuration, from verified records: each change once, and what is odd about it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from shared.configuration.changes import describe_change
from shared.configuration.differences import find_differences
from shared.configuration.snapshots import Snapshot
from shared.errors import LedgerError, ObjectMissing
from shared.records.canonical import parse_time
from shared.usecases.configuration import read_snapshot
from shared.usecases.ports import Reader

AT_ONCE = timedelta(minutes=2)
"""Processes that start so close to each other may not have seen each other."""


class Flag(StrEnum):
    """What is odd about a change. Those in `GRAVE` are findings: exit status 1."""

    NO_COMMIT = "no-commit"
    """No commit of the repository holds this configuration: it reached production another way."""
    OTHER_COMMIT = "other-commit"
    """The commit that the service named does not hold this configuration."""
    COMMIT_UNKNOWN = "commit-unknown"
    """The repository has no commit of the id that the service named."""
    UNCOMMITTED = "uncommitted"
    """Deployed from a tree with changes that are in no commit."""
    BAD_SIGNATURE = "bad-signature"
    UNSIGNED = "unsigned"
    SIGNATURE_UNKNOWN = "signature-unknown"
    AUTHOR_DIFFERS = "author-differs"
    """The commit's author is not the one whose digest the service recorded."""
    ON_DISK = "on-disk"
    """A file was changed under a running service."""
    NOT_TOLD = "not-told"
    """A process began with another configuration than the one before it, and no record tells of it."""
    UNNAMED = "unnamed"
    """A process that names no configuration ran after others that did: an older version."""
    SNAPSHOT_MISSING = "snapshot-missing"
    """A snapshot that a record names is not there, or is another."""
    CHANGES_DIFFER = "changes-differ"
    """The record's changes are not what its two snapshots say."""
    BASELINE = "baseline"
    """Nothing to compare with: the first configuration, or the first under another service key."""


GRAVE = frozenset(
    {
        Flag.NO_COMMIT,
        Flag.OTHER_COMMIT,
        Flag.COMMIT_UNKNOWN,
        Flag.UNCOMMITTED,
        Flag.BAD_SIGNATURE,
        Flag.AUTHOR_DIFFERS,
        Flag.ON_DISK,
        Flag.NOT_TOLD,
        Flag.SNAPSHOT_MISSING,
        Flag.CHANGES_DIFFER,
    }
)


@dataclass(slots=True)
class Step:
    """One change of the configuration. `records` are those that tell it, several where several processes did.

    `changes` are all of them, from the two snapshots; where these cannot be read, those of the record.
    """

    time: str
    state: str
    configuration: str
    previous: str | None
    records: list[str]
    commit: dict[str, Any]
    version: str
    changes: list[dict[str, Any]]
    more_changes: int = 0
    flags: set[Flag] = field(default_factory=set)
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A genesis: what a process said that it runs (None: nothing)."""

    writer: str
    time: str
    configuration: str | None
    commit: str
    version: str


@dataclass(slots=True)
class Gathered:
    """What a verification of the ledger shows: `observe` is its observer."""

    starts: list[Start] = field(default_factory=list)
    configs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def observe(self, writer: str, index: int, fields: dict[str, Any]) -> None:
        """Keep a genesis and a `config` record; pass over all others."""
        if fields.get("type") == "genesis":
            service = fields.get("service", {})
            self.starts.append(
                Start(
                    writer,
                    str(fields.get("time")),
                    fields.get("configuration"),
                    str(service.get("commit", "")),
                    str(service.get("version", "")),
                )
            )
        elif fields.get("type") == "config":
            self.configs.append((f"{writer}/{index}", fields))


def make_history(gathered: Gathered, readers: Sequence[Reader]) -> list[Step]:
    """Changes in the order of time. `readers` are where snapshots lie: the ledger's store, an archive.

    Raises StoreUnavailable.
    """
    steps: list[Step] = []
    for name, fields in sorted(gathered.configs, key=lambda pair: str(pair[1].get("time"))):
        twin = _twin(steps, fields)
        if twin is None:
            steps.append(_step(name, fields))
        else:
            twin.records.append(name)
    snapshots: dict[str, Snapshot | None] = {}
    for step in steps:
        _look_up(step, snapshots, readers)
    told = {
        (name.partition("/")[0], str(fields.get("configuration")))
        for name, fields in gathered.configs
        if fields.get("state") == "in_force"
    }
    steps += _untold(gathered.starts, told)
    return sorted(steps, key=lambda step: step.time)


def _twin(steps: Iterable[Step], fields: dict[str, Any]) -> Step | None:
    """The step that says the same, with nothing of its kind between."""
    last = next((step for step in reversed(list(steps)) if step.state == fields.get("state")), None)
    wanted = (fields.get("configuration"), fields.get("previous"))
    return last if last is not None and (last.configuration, last.previous) == wanted else None


def _step(name: str, fields: dict[str, Any]) -> Step:
    commit = fields.get("commit") or {}
    step = Step(
        time=str(fields["time"]),
        state=str(fields["state"]),
        configuration=str(fields["configuration"]),
        previous=fields.get("previous"),
        records=[name],
        commit=commit,
        version=str(fields.get("service", {}).get("version", "")),
        changes=list(fields.get("changes", [])),
        more_changes=int(fields.get("more_changes", 0)),
    )
    if step.state == "on_disk":
        step.flags.add(Flag.ON_DISK)
    elif step.previous is None:
        step.flags.add(Flag.BASELINE)
    return step


def _look_up(step: Step, snapshots: dict[str, Snapshot | None], readers: Sequence[Reader]) -> None:
    """All changes, from the snapshots; and whether the record says the same."""
    for digest in (step.configuration, step.previous):
        if digest is not None and digest not in snapshots:
            snapshots[digest] = _find_snapshot(digest, readers)
    step.snapshot = snapshots[step.configuration]
    before = snapshots[step.previous] if step.previous is not None else None
    if step.snapshot is None or (step.previous is not None and before is None):
        step.flags.add(Flag.SNAPSHOT_MISSING)
    if step.snapshot is None or before is None:
        return
    differences = find_differences(before.content, step.snapshot.content)
    every = [describe_change(each).model_dump(exclude_none=True) for each in differences]
    is_whole = len(step.changes) + step.more_changes == len(every)
    if not is_whole or not all(change in every for change in step.changes):
        step.flags.add(Flag.CHANGES_DIFFER)
    step.changes, step.more_changes = every, 0


def _find_snapshot(digest: str, readers: Sequence[Reader]) -> Snapshot | None:
    for reader in readers:
        try:
            return read_snapshot(reader, digest)
        except (ObjectMissing, LedgerError):
            continue
    return None


def _untold(starts: Sequence[Start], told: Collection[tuple[str, str]]) -> list[Step]:
    """Starts that should have told of a change and did not. `told` are writer and configuration.

    A process compares with the newest before it. Of those that started at about the same time it may have
    seen one or the other; where none of them ran what it runs, it has to say so itself.
    """
    ordered = sorted(starts, key=lambda start: start.writer)
    named = [(parse_time(start.time), start) for start in ordered if start.configuration is not None]
    named.sort(key=lambda pair: pair[0])
    times = [time for time, _ in named]
    found: list[Step] = []
    for place, (at, start) in enumerate(named):
        first = max(bisect_left(times, at - AT_ONCE) - 1, 0)
        others = (named[n][1] for n in range(first, bisect_right(times, at + AT_ONCE)) if n != place)
        is_same = any(other.configuration == start.configuration for other in others)
        if not is_same and (start.writer, start.configuration) not in told:
            before = named[place - 1][1].configuration if place else None
            found.append(_bare_step(start, before, Flag.NOT_TOLD))
    for before_it, start in pairwise(ordered):
        if start.configuration is None and before_it.configuration is not None:
            found.append(_bare_step(start, before_it.configuration, Flag.UNNAMED))
    return found


def _bare_step(start: Start, before: str | None, flag: Flag) -> Step:
    return Step(
        time=start.time,
        state="in_force",
        configuration=start.configuration or "",
        previous=before,
        records=[f"{start.writer}/0"],
        commit={"id": start.commit},
        version=start.version,
        changes=[],
        flags={flag},
    )
