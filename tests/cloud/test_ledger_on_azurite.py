"""Sealing, archiving, retention and the auditor on a real blob service, behind the rules of immutability.

Azurite enforces no immutability policy, so a wrapper does: create-only, append-only. The first write to each
object fails, before or after it took effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from devstack.azurite import Azurite, create_containers
from shared.cloud.blobs import BlobLedgerStore, open_store
from shared.errors import ObjectExists, StoreError, StoreUnavailable
from shared.ledger.sideobjects import Claim, ClaimKind, approval_key, claim_path
from shared.ledger.verifier import Question, verify_ledger
from shared.records.canonical import format_time
from shared.usecases.ports import StoredObject
from shared.usecases.upkeep.archiving import Archiver
from tests.support.auditing import run_command
from tests.support.ledgers import SERVICE, ULIDS, Clock, Writer, sealer_of, start_writer
from tests.support.side_ledger import side_ledger


@dataclass
class ImmutableStore:
    """A blob store under WORM rules. Where `fails` is set, the first write to each object fails."""

    inner: BlobLedgerStore
    when: str = "before"
    fails: bool = False
    kinds: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self.inner.list(prefix)

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        return self.inner.read(path, start, length)

    def size(self, path: str) -> int:
        return self.inner.size(path)

    def create(self, path: str, data: bytes) -> None:
        fails = self._write(path)
        if path in self.kinds:
            raise ObjectExists("immutable: it is there")
        self.inner.create(path, data)
        self.kinds[path] = "block"
        self._lose(fails)

    def create_appendable(self, path: str) -> None:
        fails = self._write(path)
        if path in self.kinds:
            raise ObjectExists("immutable: it is there")
        self.inner.create_appendable(path)
        self.kinds[path] = "append"
        self._lose(fails)

    def append(self, path: str, data: bytes, at: int) -> None:
        fails = self._write(path)
        if self.kinds.get(path) != "append":
            raise StoreError("immutable: only append blobs grow")
        self.inner.append(path, data, at)
        self._lose(fails)

    def _write(self, path: str) -> bool:
        if not self.fails or path in self.failed:
            return False
        self.failed.add(path)
        if self.when == "before":
            raise StoreUnavailable("the request was lost")
        return True

    def _lose(self, fails: bool) -> None:
        if fails:
            raise StoreUnavailable("the answer was lost")


@pytest.fixture
def archive(azurite: Azurite, container: str) -> Iterator[BlobLedgerStore]:
    name = container.replace("audit", "archive")
    create_containers(azurite.connection_string, name)
    store = open_store(name, connection_string=azurite.connection_string)
    yield store
    store.close()


def _fill(store: ImmutableStore, clock: Clock) -> list[Writer]:
    first = start_writer(store, ULIDS[0], clock, seed=10)  # type: ignore[arg-type]
    second = start_writer(store, ULIDS[1], clock, seed=11)  # type: ignore[arg-type]
    first.access(2)
    first.next_segment()
    first.access(1)
    first.close()
    second.access(3)
    return [first, second]


def _until_done(run: Callable[[], object]) -> int:
    """Run again after each failure, as a timer does. Returns the failures."""
    failures = 0
    while True:
        try:
            run()
        except StoreUnavailable:
            failures += 1
        else:
            return failures


@pytest.mark.parametrize("when", ["before", "after"])
def test_sealing_and_archiving_with_every_write_failing(
    store: BlobLedgerStore, archive: BlobLedgerStore, when: str
) -> None:
    """Each object's first write fails; afterwards both containers verify, and hold the same."""
    clock = Clock()
    worm, copies = ImmutableStore(store, when), ImmutableStore(archive, when, fails=True)
    _fill(worm, clock)
    worm.fails = True
    sealed = _until_done(lambda: sealer_of(worm, clock).run())  # type: ignore[arg-type]
    clock.now += timedelta(days=2)
    archived = _until_done(lambda: Archiver(store, copies, clock).run())
    assert (sealed, archived) == (4, 7)
    now = clock() + timedelta(days=1)
    report = verify_ledger(Question(store, (SERVICE.verifier,), now, archive=archive))
    assert (report.findings, report.records, report.writers) == ((), 9, 2)
    assert {item.path for item in archive.list("")} == {item.path for item in store.list("")}
    print(f"{sealed} writes of sealing, {archived} of archiving failed {when} they took effect: all verifies")


def test_the_auditor_on_a_container(
    store: BlobLedgerStore, azurite: Azurite, container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """verify, query, prove and pull straight from a container that the environment names."""
    clock = Clock()
    writers = _fill(ImmutableStore(store), clock)
    sealer_of(store, clock).run()  # type: ignore[arg-type]
    monkeypatch.setenv("AUDIT_STORAGE_CONNECTION_STRING", azurite.connection_string)
    monkeypatch.setenv("AUDIT_CONTAINER", container)
    monkeypatch.setenv("AUDIT_TRUSTED_KEYS", SERVICE.vkey)
    assert run_command("verify").text.startswith("INTACT: 9 records of 2 writers")
    assert run_command("query", "AuditRecords | count", "--json").json == [{"Count": 9}]
    assert run_command("prove", f"{ULIDS[1]}/2", "--to", tmp_path / "proof").code == 0
    assert run_command("check-proof", tmp_path / "proof").code == 0
    assert run_command("pull", "--to", tmp_path / "copy").code == 0
    writers[1].access(2)
    assert run_command("pull", "--to", tmp_path / "copy", "--json").json["fetched"] == 1
    assert run_command("verify", tmp_path / "copy", "--json").json["records"] == 11
    assert len(run_command("tail", "-n", "4", "--json").text.splitlines()) == 4


def test_a_claim_is_made_by_exactly_one(store: BlobLedgerStore) -> None:
    """Sixteen threads claim the same at the same moment: one makes it, fifteen are told that it is there."""
    key = approval_key(ULIDS[0], 3)
    made = []

    def claim(number: int) -> bool:
        mine = Claim(ClaimKind.APPROVAL, key, format_time(Clock()()), {"step": "used", "by": f"req-{number}"})
        try:
            store.create(mine.path, mine.encode())
        except ObjectExists:
            return False
        made.append(mine.encode())
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(claim, range(16))) == 1
    assert [store.read(claim_path(ClaimKind.APPROVAL, key))] == made


def test_objects_beside_the_logs_in_two_containers(
    store: BlobLedgerStore,
    archive: BlobLedgerStore,
    azurite: Azurite,
    container: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Snapshots and claims are archived beside the reports; both verify, and so does one copy of both."""
    ledger = side_ledger()
    for path, data in ledger.store.objects.items():
        if path.endswith(".seg"):
            store.create_appendable(path)
            store.append(path, data, 0)
        else:
            store.create(path, data)
    for path, data in ledger.archive.objects.items():
        if path.startswith("v1/reviews/"):
            archive.create(path, data)
    ledger.clock.now += timedelta(days=2)
    done = Archiver(store, archive, ledger.clock).run()
    assert (done.copied, done.findings) == (len(ledger.store.objects), ())
    now = ledger.clock() + timedelta(days=1)
    assert verify_ledger(Question(store, (SERVICE.verifier,), now, archive=archive)).findings == ()
    assert verify_ledger(Question(archive, (SERVICE.verifier,), now)).findings == ()
    monkeypatch.setenv("AUDIT_STORAGE_CONNECTION_STRING", azurite.connection_string)
    monkeypatch.setenv("AUDIT_TRUSTED_KEYS", SERVICE.vkey)
    copies = container.replace("audit", "archive")
    assert run_command("verify", container, "--archive", copies).code == 0
    copy = tmp_path / "copy"
    assert run_command("pull", container, "--archive", copies, "--to", copy, "--no-tables").code == 0
    ran = run_command("verify", copy, "--json")
    assert (ran.code, ran.json["findings"]) == (0, [])
    assert len(list((copy / "v1/reviews").rglob("report.*"))) == 3
