"""The auditors' questions as operations: pages of records, one record, its proof, the newest checkpoint.

They go through the audited path like every other call: who reads the trail is on the trail. What was asked is
recorded as a keyed digest of the question.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

from shared.errors import InputError, NotFound, ObjectMissing
from shared.identity.demands import Demand
from shared.ledger.evidence import RecordEvidence
from shared.usecases.calls import Call, Grant, Operation, Result, Work
from shared.usecases.questions import Filter, FoundRecord, Outcome

DEFAULT_LIMIT = 100
PARAMETERS = frozenset({"from", "to", "caller", "operation", "outcome", "entity", "limit", "cursor"})


def _operation(read: Callable[[Call, Grant], Any]) -> Operation:
    def parse(call: Call) -> Work:
        def run(grant: Grant) -> Result:
            return Result(body=read(call, grant))

        question = "&".join(f"{name}={call.query[name]}" for name in sorted(call.query))
        inputs = (question,) if question else ()
        return Work(Demand("audit.read"), run, inputs, needs_engine=False, reads_storage=True)

    return Operation("audit.read", parse)


def _read_page(call: Call, grant: Grant) -> Any:
    unknown = sorted(set(call.query) - PARAMETERS)
    if unknown:
        raise InputError(f"unknown parameters; expected some of: {', '.join(sorted(PARAMETERS))}")
    wanted = parse_filter(call)
    page = grant.questions.page(wanted, _parse_limit(call.query.get("limit")), call.query.get("cursor"))
    return {"records": [_render_found(found) for found in page.records], "cursor": page.cursor}


def parse_filter(call: Call) -> Filter:
    """The filter of a query string. Raises InputError that names the parameter."""
    query = call.query
    outcome = query.get("outcome")
    if outcome is not None and outcome not in get_args(Outcome.__value__):
        raise InputError("outcome is one of allowed, denied and failed")
    return Filter(
        since=_parse_time("from", query.get("from")),
        until=_parse_time("to", query.get("to")),
        caller=query.get("caller"),
        operation=query.get("operation"),
        outcome=outcome,  # type: ignore[arg-type] # checked above
        entity=query.get("entity"),
    )


def _parse_time(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name} is a time such as 2026-11-24T07:00:00Z (RFC 3339)") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _parse_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise InputError("limit is a whole number")
    return int(text)


def _name(call: Call) -> str:
    return f"{call.params.get('writer', '')}/{call.params.get('index', '')}"


def _read_record(call: Call, grant: Grant) -> Any:
    found = grant.questions.record(_name(call))
    if found is None:
        raise NotFound("no record of that name; it is what X-Audit-Record said: <writer>/<index>")
    return _render_found(found)


def _read_proof(call: Call, grant: Grant) -> Any:
    try:
        evidence = grant.questions.proof(_name(call))
    except ObjectMissing:
        raise NotFound("no record of that name; it is what X-Audit-Record said: <writer>/<index>") from None
    if call.headers.get("accept", "").startswith("text/plain"):
        return evidence.record_proof.to_bytes().decode()
    return _render_evidence(evidence)


def _read_checkpoint(_: Call, grant: Grant) -> Any:
    note = grant.questions.checkpoint()
    if not note:
        raise NotFound("nothing is sealed yet; the first root checkpoint is made within a minute")
    return note.decode()


def _render_found(found: FoundRecord) -> dict[str, Any]:
    return {"name": found.name, "record": found.fields}


def _render_evidence(evidence: RecordEvidence) -> dict[str, Any]:
    """The parts of the proof as text, byte for byte: what `auditor check-proof` and third parties read."""
    return {
        "writer": evidence.writer,
        "record": evidence.record.decode(),
        "record_proof": evidence.record_proof.to_bytes().decode(),
        "genesis": evidence.genesis.decode(),
        "seal": evidence.seal.decode() if evidence.seal else None,
        "seal_proof": evidence.seal_proof.to_bytes().decode() if evidence.seal_proof else None,
    }


RECORDS = _operation(_read_page)
RECORD = _operation(_read_record)
PROOF = _operation(_read_proof)
CHECKPOINT = _operation(_read_checkpoint)
