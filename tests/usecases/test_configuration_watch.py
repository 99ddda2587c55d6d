"""Files that are changed under a running service: on record once for each content, and not in force."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import pytest

from shared.configuration.snapshots import Snapshot
from shared.errors import AuditUnavailable, SettingsError, StoreUnavailable
from shared.ledger.sideobjects import snapshot_path_of
from shared.records.governance import ConfigRecord
from shared.records.model import Record
from shared.usecases.configuration import Running
from shared.usecases.configuration_watch import FULL_EVERY, ConfigurationWatch
from tests.support.committers import ManualClock
from tests.support.configurations import recognizers, snapshot
from tests.support.records import ENGINE, POLICY, SERVICE
from tests.support.stores import MemoryStore

IN_FORCE = snapshot()
EDITED = snapshot(recognizers=recognizers(enabled=False))
OTHER = snapshot(packages={"presidio-analyzer": "2.2.367", "regex": "2025.9.1"})


@dataclass(slots=True)
class Disk:
    """Files that a test edits. `stamped` is whether an edit shows in their times."""

    content: Snapshot | SettingsError = IN_FORCE
    time: int = 0
    reads: int = 0

    def edit(self, content: Snapshot | SettingsError, *, stamped: bool = True) -> None:
        self.content = content
        self.time += stamped

    def stamp(self) -> Hashable:
        return self.time

    def read(self) -> Snapshot:
        self.reads += 1
        if isinstance(self.content, SettingsError):
            raise self.content
        return self.content


@dataclass(slots=True)
class Bench:
    """A watch over a disk, and what it committed."""

    disk: Disk = field(default_factory=Disk)
    store: MemoryStore = field(default_factory=MemoryStore)
    records: list[Record] = field(default_factory=list)
    is_away: bool = False
    watch: ConfigurationWatch = field(init=False)

    def __post_init__(self) -> None:
        running = Running(IN_FORCE, None, POLICY, ENGINE, SERVICE)
        self.watch = ConfigurationWatch(self.disk, running, self.store, self._commit, ManualClock())

    def _commit(self, record: Record) -> None:
        if self.is_away:
            raise AuditUnavailable("scripted: away")
        self.records.append(record)

    def check(self, times: int = 1) -> list[ConfigRecord]:
        """What checks committed."""
        before = len(self.records)
        for _ in range(times):
            self.watch.check()
        return [record for record in self.records[before:] if isinstance(record, ConfigRecord)]


@pytest.fixture
def bench() -> Bench:
    """A service that runs what lies on its disk."""
    return Bench()


def test_an_edited_file_is_told_once(bench: Bench) -> None:
    """With what changed; the digests of policy and engine are those in force."""
    bench.check()
    bench.disk.edit(EDITED)
    (record,) = bench.check(5)
    assert (record.state, record.configuration, record.previous) == (
        "on_disk",
        EDITED.digest,
        IN_FORCE.digest,
    )
    assert [(change.path, change.new) for change in record.changes] == [
        ("recognizers.EmployeeNumberRecognizer.enabled", "false")
    ]
    assert (record.policy, record.engine, record.commit) == (POLICY, ENGINE, None)
    assert bench.store.read(snapshot_path_of(EDITED.digest)) == EDITED.data


def test_nothing_is_told_of_a_touched_file_or_a_comment(bench: Bench) -> None:
    """The same meaning."""
    bench.check()
    bench.disk.edit(IN_FORCE)
    assert bench.check(3) == []


def test_unchanged_times_cost_no_reading(bench: Bench) -> None:
    """But once in an hour."""
    bench.check(FULL_EVERY)
    assert bench.disk.reads == 1
    bench.check()
    assert bench.disk.reads == 2


def test_a_change_that_hides_its_times_is_found_within_the_hour(bench: Bench) -> None:
    """Whoever sets times back."""
    bench.check()
    bench.disk.edit(EDITED, stamped=False)
    assert bench.check(FULL_EVERY - 1) == []
    assert len(bench.check()) == 1


def test_a_change_between_the_start_and_the_first_check_is_found(bench: Bench) -> None:
    """The first check reads."""
    bench.disk.edit(EDITED, stamped=False)
    assert len(bench.check()) == 1


def test_the_way_back_is_told_too(bench: Bench) -> None:
    """Against what lay there before: whoever reads it sees that the drift has ended."""
    for content in (EDITED, OTHER, IN_FORCE):
        bench.disk.edit(content)
        bench.check(2)
    pairs = [
        (record.previous, record.configuration)
        for record in bench.records
        if isinstance(record, ConfigRecord)
    ]
    assert pairs == [
        (IN_FORCE.digest, EDITED.digest),
        (EDITED.digest, OTHER.digest),
        (OTHER.digest, IN_FORCE.digest),
    ]


def test_what_no_start_would_accept_is_not_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Half a file, while somebody writes it: once in the log, and nothing of its text."""
    bench.disk.edit(SettingsError("POLICY_FILE", "roles: expected x, got 'Oblomova'"))
    assert bench.check(3) == []
    assert caplog.text.count("POLICY_FILE") == 1
    assert "Oblomova" not in caplog.text
    bench.disk.edit(EDITED)
    assert len(bench.check()) == 1


def test_storage_that_is_away_loses_nothing(bench: Bench) -> None:
    """The next check tells it."""
    bench.check()
    bench.disk.edit(EDITED)
    bench.is_away = True
    assert bench.check(2) == []
    bench.is_away = False
    assert len(bench.check(2)) == 1


def test_a_store_that_fails_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is the snapshot that cannot be stored."""

    def fail(path: str, data: bytes) -> None:
        raise StoreUnavailable("scripted")

    bench.disk.edit(EDITED)
    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "create", fail)
        assert bench.check() == []
    assert len(bench.check()) == 1
