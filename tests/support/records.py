"""Records of every type, with every field filled, for tests."""

from __future__ import annotations

from typing import Any

from shared.records.model import (
    AccessRecord,
    ApprovalRecord,
    ChangePart,
    ClosedRecord,
    CommitPart,
    ConfigRecord,
    DecisionPart,
    EmergencyRecord,
    EnginePart,
    GapRecord,
    GenesisRecord,
    IntentRecord,
    KeyedDigests,
    Outcome,
    Record,
    RefusalsRecord,
    RetentionRecord,
    ReviewDecisionRecord,
    ReviewOverdueRecord,
    ReviewRecord,
    ServicePart,
    VerdictRecord,
    What,
    Where,
    Who,
    WithheldRecord,
)

TIME = "2026-11-24T07:00:00.123456Z"
LATER = "2026-11-24T07:00:01.000001Z"
WRITER = "01JD0000000000000000000000"
SERVICE = ServicePart(version="0.1.0", commit="abc1234", writer=WRITER)
ENGINE = EnginePart(
    digest="11" * 32,
    analyzer="2.2.366",
    anonymizer="2.2.366",
    model="en_core_web_sm",
    model_version="3.8.0",
    model_digest="22" * 32,
)
POLICY = "33" * 32
WHO = Who(
    kind="person",
    issuer="entra",
    tenant="11111111-1111-1111-1111-111111111111",
    principal="22222222-2222-2222-2222-222222222222",
    app="33333333-3333-3333-3333-333333333333",
    roles=("Pii.Analyst", "Pii.Redactor"),
    token_id="uti-1",
)
WHAT = What(
    operation="pii.analyze",
    texts=2,
    input_chars=4_294_967_297,
    input_bytes=9_007_199_254_740_991,
    output_chars=321,
    language="en",
    entities_requested=("EMAIL_ADDRESS", "PERSON"),
    entities_searched=("EMAIL_ADDRESS",),
    entities_found={"EMAIL_ADDRESS": 2, "PERSON": 3},
    entities_released={"EMAIL_ADDRESS": 2},
    recognizers={"EmailRecognizer": 2, "SpacyRecognizer": 3},
    operators=("mask", "replace"),
    ad_hoc_recognizers=1,
    decision_process=True,
    input_digests=KeyedDigests(key_id="0a1b2c3d", values=("44" * 16, "55" * 16)),
    correlation_digest=KeyedDigests(key_id="0a1b2c3d", values=("66" * 16,)),
)
WHERE = Where(
    address="203.0.113.9",
    gateway_id="5d6ca9a1-75a0-4c1c-8d2d-0f5a5a5a5a5a",
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
)
DECISION = DecisionPart(
    allowed=True,
    reason="granted",
    role="Pii.Analyst",
    purpose="fraud-investigation",
    justification="Case 4711, asked for by the fraud desk",
    policy=POLICY,
    ticket="INC-4711",
    approval=f"{WRITER}/7",
)
DEMAND = KeyedDigests(key_id="0a1b2c3d", values=("77" * 16,))


def access_record(**changes: Any) -> AccessRecord:
    """A record of a call with every field filled; keyword arguments replace fields."""
    record = AccessRecord(
        time=TIME,
        request_id="01JD00000000000000000REQ01",
        who=WHO,
        what=WHAT,
        where=WHERE,
        decision=DECISION,
        outcome=Outcome(status=200, code="none", total_us=12_345, engine_us=9_876),
        engine=ENGINE,
        service=SERVICE,
    )
    return record.model_copy(update=changes)


EVERY_TYPE: tuple[Record, ...] = (
    access_record(),
    IntentRecord(
        time=TIME,
        request_id="01JD00000000000000000REQ02",
        who=WHO,
        what=WHAT,
        where=WHERE,
        decision=DECISION,
        engine=ENGINE,
        service=SERVICE,
    ),
    RefusalsRecord(
        time=TIME,
        until=LATER,
        count=3,
        request_ids=("a", "b", "c"),
        operations={"pii.analyze": 2, "pii.redact": 1},
        where=WHERE,
        reason="expired",
        status=401,
        code="invalid_token",
        policy=POLICY,
        service=SERVICE,
        who=WHO,
    ),
    GenesisRecord(
        time=TIME,
        log="audit.example.com/presidio",
        vkey="audit.example.com/presidio/w/01JD+abcdef01+AQID",
        policy=POLICY,
        engine=ENGINE,
        service=SERVICE,
        configuration="cc" * 32,
        root="audit.example.com/presidio\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        attestation=("\u2014 audit.example.com/presidio Az3grlgt", "\u2014 other Bz3grlgt"),
    ),
    ClosedRecord(time=TIME, service=SERVICE),
    WithheldRecord(time=TIME, records=(3, 5), service=SERVICE),
    GapRecord(time=LATER, since=TIME, count=17, service=SERVICE),
    RetentionRecord(
        time=LATER,
        store="audit",
        log_writer="01JC0000000000000000000000",
        log_size=12,
        log_root="44" * 32,
        segments=2,
        newest=TIME,
        keep_days=90,
        service=SERVICE,
    ),
    VerdictRecord(
        time=LATER,
        verdict="findings",
        findings={"root_mismatch": 1},
        verified_records=100,
        root_size=7,
        root_hash="55" * 32,
        since_size=3,
        service=SERVICE,
    ),
    ConfigRecord(
        time=TIME,
        state="in_force",
        configuration="66" * 32,
        previous="77" * 32,
        changes=(
            ChangePart(
                part="recognizers",
                path="recognizers.BadgeRecognizer.patterns.badge.score",
                action="changed",
                old="0.6",
                new="0.3",
            ),
        ),
        more_changes=2,
        commit=CommitPart(
            id="abc1234", author=KeyedDigests(key_id="0a1b2c3d", values=("88" * 16,)), signed="good"
        ),
        policy=POLICY,
        engine=ENGINE,
        service=SERVICE,
    ),
    EmergencyRecord(
        time=TIME,
        request_id="01JD00000000000000000REQ03",
        who=WHO,
        role="Pii.BreakGlass",
        ticket="INC-4711",
        purpose="incident-response",
        justification="Mail server breached, ticket has the list",
        until=LATER,
        where=WHERE,
        policy=POLICY,
        service=SERVICE,
    ),
    ApprovalRecord(
        time=TIME,
        request_id="01JD00000000000000000REQ04",
        step="approved",
        approval=f"{WRITER}/7",
        who=WHO,
        operation="pii.deanonymize",
        purpose="customer-request",
        justification="Request of 3 November, see the case",
        demand=DEMAND,
        expires=LATER,
        where=WHERE,
        policy=POLICY,
        service=SERVICE,
    ),
    ReviewRecord(
        time=LATER,
        review_id="2026-11",
        since=TIME,
        until=LATER,
        from_size=3,
        from_root="99" * 32,
        to_size=9,
        to_root="aa" * 32,
        principals=200,
        findings={"dormant_principal": 3, "unused_role": 4},
        risks={"high": 1, "low": 6},
        unknown=("sign_ins",),
        reports={"report.csv": "bb" * 32, "report.html": "cc" * 32, "report.json": "dd" * 32},
        decide_by=LATER,
        service=SERVICE,
    ),
    ReviewDecisionRecord(
        time=TIME,
        request_id="01JD00000000000000000REQ05",
        who=WHO,
        review_id="2026-11",
        finding_id="f-0123456789abcdef",
        choice="defer",
        justification="The owner is back in January",
        defer_until=LATER,
        report="dd" * 32,
        where=WHERE,
        service=SERVICE,
    ),
    ReviewOverdueRecord(
        time=LATER,
        review_id="2026-11",
        undecided=4,
        decide_by=TIME,
        level=1,
        service=SERVICE,
    ),
)
"""One record of each type."""
