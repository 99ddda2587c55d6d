"""The auditors' routes: pages stable while the log grows, proofs that verify, and their own records."""

from __future__ import annotations

import time
from typing import Any

from shared.ledger.checkpoints import open_checkpoint
from shared.ledger.evidence import RecordEvidence, verify_evidence
from shared.ledger.notes import parse_vkey
from shared.ledger.prooffiles import parse_proof_file
from tests.support.cloud import Cloud
from tests.support.ledger_reading import read_ledger

LOG = "audit.localhost/presidio"
GOOD = {"text": "John Smith called 212-555-0199", "language": "en"}


def ask(cloud: Cloud, path: str, persona: str = "auditor", **headers: str) -> Any:
    answer = cloud.call("GET", path, persona=persona, headers=headers)
    assert answer.status == 200, answer.body
    return answer.json if answer.headers["Content-Type"].startswith("application/json") else answer.body


def test_pages_neither_skip_nor_repeat_while_the_log_grows(cloud: Cloud) -> None:
    """Calls come in between the pages; every record of before is seen exactly once."""
    made = {cloud.call("POST", "/analyze", GOOD, persona="engineer").record for _ in range(12)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = ask(cloud, f"/audit/records?operation=pii.analyze&limit=5{cursor}")
        seen += [found["name"] for found in page["records"]]
        cloud.call("POST", "/analyze", GOOD, persona="engineer")
        if page["cursor"] is None or len(seen) > 400:
            break
        cursor = f"&cursor={page['cursor']}"
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_a_record_is_what_the_receipt_names(cloud: Cloud) -> None:
    """`/audit/records/` + X-Audit-Record is the record of that call, as storage holds it."""
    call = cloud.call("POST", "/analyze", GOOD, persona="engineer")
    found = ask(cloud, f"/audit/records/{call.record}")
    assert found["name"] == call.record
    assert found["record"]["request_id"] == call.headers["X-Request-Id"]
    assert found["record"] == read_ledger(cloud).at(call.record)


def test_a_proof_verifies_under_the_service_s_key_alone(cloud: Cloud) -> None:
    """After sealing, evidence leads from the record to the root checkpoint that the service key signed."""
    call = cloud.call("POST", "/analyze", GOOD, persona="engineer")
    keys = [parse_vkey(vkey) for vkey in cloud.state.trusted_keys]
    until = time.monotonic() + 60
    while True:
        parts = ask(cloud, f"/audit/records/{call.record}/proof")
        if parts["seal"] is not None:
            break
        assert time.monotonic() < until, "not sealed within a minute"
        time.sleep(2)
    evidence = RecordEvidence(
        parts["writer"],
        parts["record"].encode(),
        parse_proof_file(parts["record_proof"].encode()),
        parts["genesis"].encode(),
        parts["seal"].encode(),
        parse_proof_file(parts["seal_proof"].encode()),
    )
    proven = verify_evidence(evidence, LOG, keys)
    assert proven.fields["request_id"] == call.headers["X-Request-Id"]
    assert proven.sealed is not None
    note = ask(cloud, "/audit/checkpoint")
    assert open_checkpoint(note, LOG, keys).size >= proven.sealed[1].size
    plain = ask(cloud, f"/audit/records/{call.record}/proof", Accept="text/plain")
    assert plain.decode() == parts["record_proof"]


def test_who_reads_the_trail_is_on_the_trail(cloud: Cloud) -> None:
    """A question is recorded with its asker, and as a digest; so is a refused one."""
    asked = cloud.call("GET", "/audit/records?caller=somebody&limit=1", persona="auditor")
    refused = cloud.call("GET", "/audit/records", persona="engineer")
    ledger = read_ledger(cloud)
    record = ledger.outcome(asked.headers["X-Request-Id"])
    assert record["what"]["operation"] == "audit.read"
    assert record["who"]["roles"] == ["Audit.Reader"]
    assert len(record["what"]["input_digests"]["values"]) == 1
    assert refused.status == 403
    assert ledger.outcome(refused.headers["X-Request-Id"])["decision"]["allowed"] is False


def test_bad_questions_are_told_what_to_change(cloud: Cloud) -> None:
    """Each parameter has its own message; unknown records are a 404."""
    for query, word in (
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("from=yesterday", "from"),
        ("outcome=maybe", "outcome"),
        ("cursor=%21", "cursor"),
        ("form=2026", "parameters"),
    ):
        answer = cloud.call("GET", f"/audit/records?{query}", persona="auditor")
        assert answer.status == 400, query
        assert word in answer.json["error"]
    for name in ("01J9ZK6N7Q8R9STVWXYZ012345/7", "01J9ZK6N7Q8R9STVWXYZ012345/7/proof"):
        assert cloud.call("GET", f"/audit/records/{name}", persona="auditor").status == 404
    assert cloud.call("GET", "/audit/records/nobody/x", persona="auditor").status == 400
