"""Four eyes and emergencies over HTTP, in two real processes: once is once, and the ledger says so."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from devstack.processes import wait_until
from shared.cloud.blobs import BlobLedgerStore, open_store
from shared.ledger.notes import parse_vkey
from shared.ledger.verifier import Question, verify_ledger
from tests.support.cloud import Answer, Cloud, running_cloud
from tests.support.four_eyes import REQUEST, WHY
from tests.support.ledger_reading import read_ledger
from tests.support.policies import four_eyes_text

ROUNDS = 20
EMERGENCY = {
    "X-Purpose": "incident-response",
    "X-Justification": "the mail server was broken into",
    "X-Ticket": "INC-4711",
}
TEXT = {"text": "John Smith called 212-555-0199", "language": "en"}


def write_policy(folder: Path) -> str:
    path = folder / "policy.yaml"
    path.write_text(four_eyes_text(), "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of two workers whose policy asks for four eyes on /deanonymize."""
    folder = tmp_path_factory.mktemp("guarded")
    with running_cloud(folder / "cloud", WORKERS="2", POLICY_FILE=write_policy(folder)) as cloud:
        yield cloud


def ask(cloud: Cloud, text: str = "John") -> str:
    body = {"operation": "pii.deanonymize", "request": {**REQUEST, "text": text}}
    answer = cloud.call("POST", "/approvals", body, persona="reidentifier", headers=WHY)
    assert answer.status == 200, answer.body
    return str(answer.json["approval"])


def decide(cloud: Cloud, name: str, *, yes: bool = True, persona: str = "approver") -> Answer:
    body = {"approve": yes, "justification": "seen the case, it is hers"}
    return cloud.call("POST", f"/approvals/{name}/decision", body, persona=persona)


def approved(cloud: Cloud, text: str = "John") -> str:
    name = ask(cloud, text)
    assert decide(cloud, name).status == 200
    return name


def use(cloud: Cloud, name: str, text: str = "John", **more: Any) -> Answer:
    headers = {**WHY, "X-Approval": name}
    body = {**REQUEST, "text": text}
    return cloud.call("POST", "/deanonymize", body, persona="reidentifier", headers=headers, **more)


def records(cloud: Cloud, kind: str) -> list[dict[str, Any]]:
    logs = read_ledger(cloud).logs.values()
    return [record for log in logs for record in log.records if record["type"] == kind]


def store_of(cloud: Cloud) -> BlobLedgerStore:
    return open_store(cloud.state.storage.container, connection_string=cloud.direct_storage)


def findings(cloud: Cloud) -> list[str]:
    """What the verifier finds about objects beside the logs."""
    keys = tuple(parse_vkey(vkey) for vkey in cloud.state.trusted_keys)
    report = verify_ledger(Question(store_of(cloud), keys, datetime.now(UTC)))
    return [f"{f.kind} {f.object}" for f in report.findings if f.object.startswith("v1/once/")]


def test_the_whole_way(guarded: Cloud) -> None:
    """Refused without, asked for, seen, approved, used, refused again: by three people over HTTP."""
    bare = guarded.call("POST", "/deanonymize", REQUEST, persona="reidentifier", headers=WHY)
    assert (bare.status, bare.json["reason"]) == (403, "approval_required")
    name = ask(guarded)
    seen = guarded.call("GET", "/approvals", persona="approver").json["approvals"]
    assert name in [entry["approval"] for entry in seen]
    assert "John" not in json.dumps(seen)
    assert use(guarded, name).json["reason"] == "approval_pending"
    assert decide(guarded, name, persona="reidentifier").status == 403
    assert decide(guarded, name).json["state"] == "approved"
    assert use(guarded, name, "Jane").json["reason"] == "approval_mismatch"
    served = use(guarded, name)
    assert served.status == 200, served.body
    assert read_ledger(guarded).at(served.record)["decision"]["approval"] == name
    assert use(guarded, name).json["reason"] == "approval_used"
    proof = guarded.call("GET", f"/audit/records/{name}/proof", persona="auditor")
    assert '"step":"requested"' in proof.json["record"]


def test_two_processes_at_once(guarded: Cloud) -> None:
    """Twenty rounds, four clients at the same moment: one is served, in both processes, and used once."""
    state, writers = guarded.state, Counter[str]()
    for number in range(ROUNDS):
        text = f"John {number}"
        name = approved(guarded, text)
        gate = threading.Barrier(4)

        def attempt(_: int, name: str = name, text: str = text, gate: threading.Barrier = gate) -> Answer:
            gate.wait()
            return use(guarded, name, text, state=state)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(attempt, range(4)))
        assert sorted(answer.status for answer in answers) == [200, 403, 403, 403]
        assert {a.json["reason"] for a in answers if a.status == 403} == {"approval_used"}
        writers.update(str(answer.record).split("/")[0] for answer in answers)
    assert len(writers) == 2, "both processes took part"
    used = Counter(record["approval"] for record in records(guarded, "approval") if record["step"] == "used")
    assert len(used) >= ROUNDS
    assert set(used.values()) == {1}
    assert findings(guarded) == []


def test_an_emergency_begins_once(guarded: Cloud) -> None:
    """Eight first uses at one moment in two processes: one window, recorded by each process that served."""
    state, gate = guarded.state, threading.Barrier(8)

    def enter(_: int) -> Answer:
        gate.wait()
        return guarded.call("POST", "/analyze", TEXT, persona="breakglass", headers=EMERGENCY, state=state)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(enter, range(8)))
    assert {answer.status for answer in answers} == {200}
    found = records(guarded, "emergency")
    assert len({(record["ticket"], record["until"]) for record in found}) == 1
    assert 1 <= len(found) <= 2
    assert len(list(store_of(guarded).list("v1/once/emergency/"))) == 1
    bad = guarded.call(
        "POST", "/analyze", TEXT, persona="breakglass", headers={**EMERGENCY, "X-Ticket": "Jane Doe"}
    )
    assert (bad.status, bad.json["reason"]) == (403, "ticket_malformed")
    assert "Jane Doe" not in guarded.logs() + json.dumps(records(guarded, "access"))
    assert findings(guarded) == []


def test_nothing_of_a_request_is_stored(guarded: Cloud) -> None:
    """Neither its texts nor what stands in headers that are no names: in no log, record, claim or answer."""
    marks = [f"Zqvbnxtr{letter}kw" for letter in "bcdfgh"]
    request = {**REQUEST, "text": marks[0], "deanonymizers": {marks[1]: {"type": "decrypt", "key": marks[2]}}}
    results = [{**REQUEST["anonymizer_results"][0], "entity_type": marks[1]}]
    body = {"operation": "pii.deanonymize", "request": {**request, "anonymizer_results": results}}
    asked = guarded.call("POST", "/approvals", body, persona="reidentifier", headers=WHY)
    assert asked.status == 200, asked.body
    assert decide(guarded, asked.json["approval"]).status == 200
    answers = [asked, guarded.call("GET", "/approvals", persona="approver")]
    for headers in ({"X-Approval": marks[3]}, {"X-Ticket": marks[4]}, {"X-Purpose": marks[5]}):
        sent = {**WHY, **headers}
        answers.append(guarded.call("POST", "/deanonymize", request, persona="reidentifier", headers=sent))
    answers.append(
        guarded.call("POST", f"/approvals/{marks[3]}/1/decision", {"approve": True}, persona="approver")
    )
    written = b"".join(answer.body for answer in answers) + guarded.logs().encode()
    store = store_of(guarded)
    written += b"".join(store.read(item.path) for item in store.list(""))
    assert [mark for mark in marks if mark.encode() in written] == []


def test_a_process_that_dies_between_claim_and_use(tmp_path: Path) -> None:
    """SIGKILL after the claim: the approval is used up, and nothing was or ever is answered for it."""
    policy = write_policy(tmp_path)
    with running_cloud(tmp_path / "cloud", behind_proxy=True, WORKERS="1", POLICY_FILE=policy) as cloud:
        assert cloud.proxy is not None
        for number in range(3):
            text = f"John {number}"
            name = approved(cloud, text)
            claim = f"v1/once/approval/{name.replace('/', '-')}.json"
            cloud.proxy.set("slow", delay_ms=1_500, methods=["PUT"])
            with ThreadPoolExecutor(1) as pool:
                attempt = pool.submit(_status_of, cloud, name, text)
                assert wait_until(partial(_is_there, cloud, claim), 20.0)
                cloud.kill_worker()
                cloud.proxy.clear()
                assert attempt.result(60) != 200
            assert wait_until(lambda: cloud.call("GET", "/ready").status == 200, 60.0)
            again = use(cloud, name, text)
            assert (again.status, again.json["reason"]) == (403, "approval_used")
        used = Counter(r["approval"] for r in records(cloud, "approval") if r["step"] == "used")
        assert all(count == 1 for count in used.values())
        served = [r for r in records(cloud, "access") if r["what"]["operation"] == "pii.deanonymize"]
        assert [r["outcome"]["status"] for r in served] == [403] * 3


def _is_there(cloud: Cloud, path: str) -> bool:
    return any(True for _ in store_of(cloud).list(path))


def _status_of(cloud: Cloud, name: str, text: str) -> int:
    """The status of a use, 0 where the process died under it."""
    try:
        return use(cloud, name, text).status
    except OSError:
        return 0
    except Exception as error:  # noqa: BLE001 - a connection that ends within an answer
        assert "Remote" in type(error).__name__ or "Incomplete" in type(error).__name__
        return 0
