"""The configuration in the ledger: named by each genesis, and told where it is another than before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ulid import ULID

from shared.errors import AuditUnavailable, SettingsError, StoreDenied, StoreUnavailable
from shared.ledger.notes import Ed25519NoteKey
from shared.ledger.sideobjects import snapshot_path_of
from shared.usecases.predecessors import MAX_TRIED, WIDTHS, find_predecessor
from tests.support.committers import LOG, START
from tests.support.configurations import recognizers, snapshot
from tests.support.starts import TRUSTED, Deployment
from tests.support.stores import Fault, FaultyStore, MemoryStore, at_operation

FIRST = snapshot()
SCORE = recognizers()["recognizers"][1]["patterns"]
SECOND = snapshot(recognizers=recognizers(patterns=[{**SCORE[0], "score": 0.85}, SCORE[1]]))
STRANGER = Ed25519NoteKey(LOG, Ed25519PrivateKey.from_private_bytes(b"s" * 32))


def _types(records: list[dict[str, Any]]) -> list[str]:
    return [record["type"] for record in records]


def test_the_first_start_leaves_a_baseline() -> None:
    """The genesis names the snapshot, which is stored; a record without a previous one stands beside."""
    deployment = Deployment()
    genesis, config, _ = deployment.start(FIRST)
    assert genesis["configuration"] == config["configuration"] == FIRST.digest
    assert "previous" not in config
    assert config["changes"] == []
    assert deployment.store.read(snapshot_path_of(FIRST.digest)) == FIRST.data


def test_restarts_without_change_leave_no_record() -> None:
    """However many."""
    deployment = Deployment()
    deployment.start(FIRST)
    assert [_types(deployment.start(FIRST)) for _ in range(3)] == [["genesis", "closed"]] * 3


def test_a_change_is_told_with_old_and_new_value_and_commit() -> None:
    """In one append with the genesis."""
    deployment = Deployment()
    deployment.start(FIRST)
    appends = _appends(deployment)
    deployment.committer(SECOND).open()
    assert _appends(deployment) == appends + 1
    _, config = deployment.records()[-1]
    assert (config["state"], config["previous"], config["commit"]) == (
        "in_force",
        FIRST.digest,
        {"id": "abc1234", "signed": "good"},
    )
    assert config["changes"] == [
        {
            "part": "recognizers",
            "path": "recognizers.EmployeeNumberRecognizer.patterns.employee number.score",
            "action": "changed",
            "old": "0.6",
            "new": "0.85",
        }
    ]


def _appends(deployment: Deployment) -> int:
    store = deployment.store
    assert isinstance(store, MemoryStore)
    return store.appends


def test_an_old_version_that_starts_again_is_told() -> None:
    """A rolling deployment, or somebody who brings the old rules back: each start against the one before."""
    deployment = Deployment()
    deployment.start(FIRST)
    previous = [deployment.start(each)[1]["previous"] for each in (SECOND, FIRST, SECOND)]
    assert previous == [FIRST.digest, SECOND.digest, FIRST.digest]


def test_two_that_start_at_once_may_both_tell() -> None:
    """Neither is lost; whoever reads the history merges them."""
    deployment = Deployment()
    deployment.start(FIRST)
    second, whole = deployment.committer(SECOND), deployment.store
    meddling = Fault(meddle=lambda _: second.open())
    deployment.store = FaultyStore(whole, at_operation(0, meddling, "create_appendable"))
    deployment.committer(SECOND).open()
    deployment.store = whole
    told = [config for _, config in deployment.records()[1:]]
    assert [(config["type"], config["previous"]) for config in told] == [("config", FIRST.digest)] * 2


@pytest.mark.parametrize("operation", range(9))
def test_a_start_that_dies_anywhere_loses_no_change(operation: int) -> None:
    """Storage that ends at any operation of the start: the next start tells what this one could not."""
    deployment = Deployment()
    deployment.start(FIRST)
    whole = deployment.store
    died = StoreUnavailable("scripted: gone")
    calls = 0

    def script(name: str, path: str) -> Fault | None:
        nonlocal calls
        calls += 1
        return Fault(before=died) if calls > operation else None

    deployment.store = FaultyStore(whole, script)
    committer = deployment.committer(SECOND)
    is_open = True
    try:
        committer.open()
    except AuditUnavailable:
        is_open = False
    deployment.store = whole
    records = deployment.start(SECOND)
    told = [record for log in deployment.records() for record in log if record["type"] == "config"]
    assert told[-1]["configuration"] == SECOND.digest
    assert (_types(records) == ["genesis", "closed"]) == is_open


def test_without_storage_nothing_starts() -> None:
    """No answer before what is in force is on record."""
    deployment = Deployment(FaultyStore(MemoryStore(), lambda *_: Fault(before=StoreUnavailable("away"))))
    committer = deployment.committer(FIRST)
    with pytest.raises(AuditUnavailable):
        committer.open()
    assert not committer.is_writable()


def test_a_refused_credential_is_a_wrong_setting() -> None:
    """Also where it is the snapshot that cannot be written."""
    deployment = Deployment(FaultyStore(MemoryStore(), at_operation(0, Fault(before=StoreDenied("no")))))
    with pytest.raises(SettingsError, match="AUDIT_CONTAINER"):
        deployment.committer(FIRST).open()


def test_a_hiccup_of_storage_is_passed_over() -> None:
    """The comparison is repeated, as the first append is."""
    deployment = Deployment(
        FaultyStore(MemoryStore(), at_operation(1, Fault(before=StoreUnavailable("hic"))))
    )
    assert _types(deployment.start(FIRST)) == ["genesis", "config", "closed"]


def test_a_genesis_that_the_service_did_not_sign_hides_nothing() -> None:
    """Somebody plants a newer log that claims to run the new configuration already."""
    deployment = Deployment()
    deployment.start(FIRST)
    deployment.start(SECOND, signer=STRANGER)
    assert deployment.start(SECOND)[1]["previous"] == FIRST.digest


def test_a_log_from_the_future_is_passed_over() -> None:
    """A clock that ran ahead would else be compared with for ever."""
    deployment = Deployment()
    deployment.start(FIRST)
    deployment.start(SECOND, later=3 * 86_400.0)
    deployment.clock.advance(days=-3)
    assert deployment.start(SECOND)[1]["previous"] == FIRST.digest


def test_an_older_version_in_between_does_not_make_a_baseline() -> None:
    """It names no configuration: the last one that was named counts."""
    deployment = Deployment()
    deployment.start(FIRST)
    deployment.start(None)
    assert _types(deployment.start(FIRST)) == ["genesis", "closed"]
    assert deployment.start(SECOND)[1]["previous"] == FIRST.digest


def test_a_log_that_has_not_begun_is_passed_over() -> None:
    """An empty segment of a process that is starting, or that died so."""
    deployment = Deployment()
    deployment.start(FIRST)
    later = str(ULID.from_datetime(deployment.clock.now + timedelta(seconds=30)))
    deployment.store.create_appendable(f"v1/w/{later}/00000000.seg")
    assert deployment.start(SECOND)[1]["previous"] == FIRST.digest


@pytest.mark.parametrize("days", [0.001, 0.2, 1.0, 20.0, 300.0, 3_000.0])
def test_the_last_configuration_is_found_however_long_ago(days: float) -> None:
    """With few listings."""
    deployment = Deployment()
    deployment.start(FIRST)
    counted = FaultyStore(deployment.store, lambda *_: None)
    now = deployment.clock.now + timedelta(days=days)
    assert find_predecessor(counted, LOG, TRUSTED, now) == FIRST.digest
    names = [name for name, _ in counted.operations]
    assert names.count("read") == 1
    assert names.count("list") <= 2 * len(WIDTHS) + 1


def test_a_thousand_writers_cost_one_more_read() -> None:
    """The newest counts."""
    deployment = Deployment()
    deployment.start(FIRST)
    for number in range(1_000):
        deployment.store.create_appendable(
            f"v1/w/{ULID.from_datetime(START + timedelta(days=-number / 50))}/00000000.seg"
        )
    counted = FaultyStore(deployment.store, lambda *_: None)
    assert find_predecessor(counted, LOG, TRUSTED, deployment.clock.now) == FIRST.digest
    assert [name for name, _ in counted.operations] == ["list", "list", "read"]


def test_planted_logs_cost_a_bounded_time() -> None:
    """Then there is nothing to compare with, which the alert tells."""
    deployment = Deployment()
    deployment.start(FIRST)
    for number in range(MAX_TRIED + 5):
        deployment.clock.advance(seconds=1)
        path = f"v1/w/{ULID.from_datetime(deployment.clock.now)}/00000000.seg"
        deployment.store.create_appendable(path)
        deployment.store.append(path, b"junk %d\n" % number, 0)
    counted = FaultyStore(deployment.store, lambda *_: None)
    assert find_predecessor(counted, LOG, TRUSTED, deployment.clock.now) is None
    assert len([name for name, _ in counted.operations if name == "read"]) == MAX_TRIED


def test_a_swapped_snapshot_of_the_one_before_is_told() -> None:
    """What changed cannot be said any more; that something did, can."""
    deployment = Deployment()
    deployment.start(FIRST)
    store = deployment.store
    assert isinstance(store, MemoryStore)
    store.tamper_replace(snapshot_path_of(FIRST.digest), SECOND.data)
    _, config, _ = deployment.start(SECOND)
    assert config["previous"] == FIRST.digest
    assert [(change["path"], change["old"], change["new"]) for change in config["changes"]] == [
        ("(snapshot)", FIRST.digest, SECOND.digest)
    ]
    store.tamper_delete(snapshot_path_of(SECOND.digest))
    assert deployment.start(FIRST)[1]["changes"][0]["path"] == "(snapshot)"


def test_a_planted_snapshot_does_not_keep_the_service_down(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody could remove it; the verifier names it."""
    deployment = Deployment()
    deployment.store.create(snapshot_path_of(FIRST.digest), b"{}")
    assert _types(deployment.start(FIRST)) == ["genesis", "config", "closed"]
    assert "other bytes stand" in caplog.text
