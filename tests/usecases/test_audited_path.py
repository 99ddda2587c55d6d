"""The audited path: who may, what is recorded, and that nothing leaves before its record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from shared.errors import AnalysisTimedOut, AuditUnavailable, EngineFailed
from shared.records.model import RECORD, AccessRecord, EmergencyRecord, IntentRecord, Record, RefusalsRecord
from shared.usecases import catalog, presidio
from shared.usecases.calls import Answer
from shared.usecases.ports import Receipt
from shared.usecases.whoami import WHOAMI
from tests.support.services import Bench

TEXT = {"text": "John lives here", "language": "en"}
PURPOSE = {"x-purpose": "customer-request"}


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def only_access(bench: Bench) -> AccessRecord:
    """The one record that a call left."""
    assert len(bench.ledger.records) == 1
    record = bench.ledger.records[0]
    assert isinstance(record, AccessRecord)
    return record


def test_an_allowed_call_is_answered_with_its_receipt(bench: Bench) -> None:
    """The answer is Presidio's, and its headers say where its record stands."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT))
    record = only_access(bench)
    assert answer.status == 200
    assert answer.body[0]["entity_type"] == "PERSON"
    assert answer.headers["X-Audit-Record"].endswith("/1")
    assert answer.headers["X-Request-Id"] == record.request_id
    assert record.decision.allowed
    assert record.decision.role == "Pii.Analyst"
    assert (record.outcome.status, record.outcome.code) == (200, None)
    assert record.who.principal is not None
    assert record.what.entities_found == {"PERSON": 1}
    assert record.what.input_chars == len(TEXT["text"])


def test_no_token_is_a_401_without_an_error_code(bench: Bench) -> None:
    """RFC 6750 section 3.1: a request without authentication is told the scheme, and nothing else."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona=None))
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="presidio"'
    record = bench.ledger.records[0]
    assert isinstance(record, RefusalsRecord)
    assert (record.reason, record.count) == ("missing", 1)
    assert bench.engine.calls == []


def test_a_bad_token_is_a_401_with_invalid_token(bench: Bench) -> None:
    """The reason stands in the record; the caller is told only that the token is not valid."""
    headers = {"authorization": bench.forger.bearer("analyst", exp=1)}
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona=None, headers=headers))
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.body["code"] == "invalid_token"
    assert bench.engine.calls == []
    assert isinstance(bench.ledger.records[0], RefusalsRecord)


def test_a_role_without_the_permission_is_a_403(bench: Bench) -> None:
    """A known caller is named in the record of its refusal, and its body is not even parsed."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, raw=b"not json", persona="redactor"))
    record = only_access(bench)
    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert not record.decision.allowed
    assert record.decision.role is None
    assert record.who.roles == ("Pii.Redactor",)
    assert bench.engine.calls == []


def test_bad_input_is_recorded(bench: Bench) -> None:
    """A body that cannot be read leaves a record with its size and the answer's code."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, raw=b"{"))
    record = only_access(bench)
    assert (answer.status, record.outcome.status) == (400, 400)
    assert record.what.input_bytes == 1
    assert next(iter(answer.body)) == "error"


def test_an_exception_inside_presidio_is_a_recorded_500_without_its_text(bench: Bench) -> None:
    """What a foreign exception says is neither answered nor recorded."""
    bench.engine.failure = RuntimeError("canary John Smith")
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT))
    record = only_access(bench)
    assert (answer.status, record.outcome.status) == (500, 500)
    assert "canary" not in json.dumps(answer.body) + record.model_dump_json()


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (EngineFailed("it raised"), 500, "engine_failed"),
        (AnalysisTimedOut("slow"), 422, "analysis_timed_out"),
    ],
)
def test_failures_of_the_engine_are_recorded_as_such(
    bench: Bench, failure: Exception, status: int, code: str
) -> None:
    """A time-out is never an empty success."""
    bench.engine.failure = failure
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT))
    record = only_access(bench)
    assert (answer.status, record.outcome.status, record.outcome.code) == (status, status, code)
    assert record.what.entities_found == {}


def test_deanonymize_records_its_intent_first(bench: Bench) -> None:
    """What is about to be revealed is in the ledger before the engine runs."""
    seen: list[int] = []
    body = {
        "text": "x",
        "anonymizer_results": [{"start": 0, "end": 1, "entity_type": "PERSON"}],
        "deanonymizers": {"DEFAULT": {"type": "deanonymize_keep"}},
    }
    original = bench.engine.deanonymize

    def spy(request: object) -> object:
        seen.append(len(bench.ledger.records))
        return original(request)

    bench.engine.deanonymize = spy  # type: ignore[assignment,method-assign]
    answer = asyncio.run(bench.call(presidio.DEANONYMIZE, body, persona="reidentifier", headers=PURPOSE))
    assert answer.status == 200, answer.body
    assert seen == [1]
    kinds = [type(record) for record in bench.ledger.records]
    assert kinds == [IntentRecord, AccessRecord]
    assert bench.ledger.records[0].request_id == bench.ledger.records[1].request_id  # type: ignore[union-attr]


def test_deanonymize_without_a_purpose_is_refused(bench: Bench) -> None:
    """The refusal says which header to add; no intent is recorded for it."""
    answer = asyncio.run(bench.call(presidio.DEANONYMIZE, {}, persona="reidentifier"))
    assert answer.status == 403
    assert "X-Purpose" in answer.body["error"]
    only_access(bench)


def test_break_glass_records_its_intent_for_every_operation(bench: Bench) -> None:
    """An emergency role leaves a record before it sees anything."""
    headers = {
        "x-purpose": "incident-response",
        "x-justification": "mailbox leak, lists on the web",
        "x-ticket": "INC-4711",
    }
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona="breakglass", headers=headers))
    assert answer.status == 200, answer.body
    kinds = [type(record) for record in bench.ledger.records]
    assert kinds == [EmergencyRecord, IntentRecord, AccessRecord]


def test_nothing_leaves_when_the_record_cannot_be_stored(bench: Bench) -> None:
    """A 503 that says nothing of what was found."""

    class AwayLedger:
        async def commit(self, record: Record) -> Receipt:
            raise AuditUnavailable("not stored")

        def is_writable(self) -> bool:
            return False

    bench.ledger.ledger = AwayLedger()
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT))
    assert bench.engine.calls == ["analyze"]
    assert answer.status == 503
    assert answer.body["code"] == "audit_unavailable"
    assert answer.headers["Retry-After"]
    assert "X-Audit-Record" not in answer.headers
    assert "PERSON" not in json.dumps(answer.body)


def test_words_that_a_caller_made_up_are_not_recorded(bench: Bench) -> None:
    """Entity types, languages and correlation ids of a request are words like any other text."""
    body = {
        **TEXT,
        "entities": ["JOHN_SMITH_CANARY"],
        "correlation_id": "canary-id",
        "language": "canary-lang",
    }
    asyncio.run(bench.call(presidio.ANALYZE, body))
    line = only_access(bench).model_dump_json()
    assert "canary" not in line.lower()
    assert only_access(bench).what.entities_requested == ("(other)",)


def test_a_caller_without_sensitive_permission_searches_only_the_rest(bench: Bench) -> None:
    """A request that names no types searches those that the role may be told of."""
    asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona="pipeline"))
    assert bench.engine.searched == ("PERSON", "PHONE_NUMBER")


def test_whoami_is_open_to_every_valid_token(bench: Bench) -> None:
    """A caller without roles learns that it has none."""
    answer = asyncio.run(bench.call(WHOAMI, persona="nobody"))
    assert answer.status == 200
    assert answer.body["roles"]["effective"] == []
    assert only_access(bench).what.operation == "identity.read"


def test_lists_need_a_role(bench: Bench) -> None:
    """Any role will do."""
    assert asyncio.run(bench.call(catalog.RECOGNIZERS, persona="auditor")).status == 200
    assert asyncio.run(bench.call(catalog.RECOGNIZERS, persona="nobody")).status == 403


def test_an_unknown_language_of_a_list_is_a_400(bench: Bench) -> None:
    """The message names the languages that there are."""
    answer = asyncio.run(bench.call(catalog.RECOGNIZERS, query={"language": "xx"}))
    assert answer.status == 400
    assert "en" in answer.body["error"]


def test_a_body_beyond_the_limit_is_a_413(bench: Bench) -> None:
    """It is not parsed, and its size is recorded."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, raw=b"x" * 1_000_001))
    assert answer.status == 413
    assert only_access(bench).what.input_bytes == 1_000_001


def test_another_content_type_is_a_415(bench: Bench) -> None:
    """The message says which one is expected."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT, headers={"content-type": "text/plain"}))
    assert answer.status == 415
    assert "application/json" in answer.body["error"]


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "image/png"])
def test_images_are_refused_clearly(bench: Bench, kind: str) -> None:
    """Image redaction is not there; a client of it is told so."""
    answer = asyncio.run(bench.call(presidio.REDACT, raw=b"x", headers={"content-type": kind}))
    assert answer.status == 415
    assert "image" in answer.body["error"]


def test_many_calls_at_once_leave_one_record_each(bench: Bench) -> None:
    """Fifteen callers, fifteen answers, fifteen records, each with its own receipt."""

    async def scenario() -> list[Answer]:
        return list(await asyncio.gather(*(bench.call(presidio.ANALYZE, TEXT) for _ in range(15))))

    answers = asyncio.run(scenario())
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["X-Audit-Record"] for answer in answers}) == 15
    assert len(bench.ledger.records) == 15


def test_more_work_than_the_queue_holds_is_refused_and_recorded(bench: Bench) -> None:
    """Overload is a 503 with a record: it neither grows memory nor hides."""

    async def scenario() -> list[Answer]:
        return list(await asyncio.gather(*(bench.call(presidio.ANALYZE, TEXT) for _ in range(60))))

    answers = asyncio.run(scenario())
    codes = [answer.body["code"] for answer in answers if answer.status == 503]
    assert set(codes) == {"overloaded"}
    assert len(bench.ledger.records) == 60


def test_every_record_of_the_path_parses_back(bench: Bench) -> None:
    """What is written is what the model allows, byte for byte."""
    asyncio.run(bench.call(presidio.ANALYZE, TEXT))
    asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona=None))
    for record in bench.ledger.records:
        assert RECORD.validate_json(record.model_dump_json()) == record
