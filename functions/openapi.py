"""The API as OpenAPI 3.1, built from one table; a test holds it to the registered functions."""

from __future__ import annotations

from typing import Any

from functions.schemas import SCHEMAS

PROBLEMS = {
    "400": "The request cannot be read; the message says what to change.",
    "401": "No token, or one that does not verify (RFC 6750).",
    "403": "The caller's roles do not allow this.",
    "413": "More than the policy or the service allows in one request.",
    "415": "Another content type than JSON.",
    "422": "Well-formed, but a value cannot be used.",
    "429": "Over a limit of the policy (see GET /whoami); `Retry-After` says how many seconds to wait.",
    "500": "The engine failed; its message stays inside.",
    "503": "Starting, overloaded, or the record could not be stored: nothing was released.",
}

RECEIPT_HEADERS = {
    "X-Request-Id": ("The service's id of this call; it stands in the record.", "string"),
    "X-Audit-Record": ("Where the record stands: `<writer>/<index>`.", "string"),
    "X-Audit-Checkpoint": ("Base64 of the signed checkpoint that covers the record.", "string"),
}

STATEMENTS = {
    "X-Purpose": "One of the policy's purposes; needed where the policy says so (see GET /whoami).",
    "X-Justification": "Why, in a sentence for auditors. It is recorded: no personal data in it.",
    "X-Ticket": "The ticket of an emergency, such as INC-4711; needed for emergency roles.",
}
EMERGENCY_HEADER = {
    "description": "When the time of the emergency is over; in answers of emergency roles.",
    "schema": {"type": "string", "format": "date-time"},
}
APPROVAL = {"X-Approval": "The approval of this call, as POST /approvals named it; needed for four eyes."}

RECORD_FILTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "from": ("Records of this time and later.", {"type": "string", "format": "date-time"}),
    "to": ("Records before this time.", {"type": "string", "format": "date-time"}),
    "caller": ("A principal's or client application's id.", {"type": "string"}),
    "operation": ("Such as `pii.analyze`.", {"type": "string"}),
    "outcome": ("How the call ended.", {"type": "string", "enum": ["allowed", "denied", "failed"]}),
    "entity": ("An entity type that was asked for, found or released.", {"type": "string"}),
    "limit": ("Records a page.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    "cursor": ("Where the page before ended.", {"type": "string"}),
}

LANGUAGE_PARAMETER = {
    "name": "language",
    "in": "query",
    "required": False,
    "description": "A configured language, such as `en`; all of them where it is left out.",
    "schema": {"type": "string"},
}


def build_openapi(version: str) -> dict[str, Any]:
    """The whole document, as JSON values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Presidio Access Audit",
            "version": version,
            "description": "Presidio's REST API behind identities, roles and a tamper-evident record.",
        },
        "security": [{"entra": []}],
        "paths": {
            "/analyze": _post("analyze", "Find personal data", "AnalyzeRequest", "AnalyzeAnswer"),
            "/anonymize": _post("anonymize", "Replace found spans", "AnonymizeRequest", "TextAnswer"),
            "/deanonymize": _post(
                "deanonymize", "Restore replaced spans", "DeanonymizeRequest", "TextAnswer"
            ),
            "/redact": _post("redact", "Find and replace in one call", "RedactRequest", "RedactAnswer"),
            "/recognizers": _list("recognizers", "Recognizers", has_language=True),
            "/supportedentities": _list("supportedentities", "Entity types", has_language=True),
            "/anonymizers": _list("anonymizers", "Operators of /anonymize"),
            "/deanonymizers": _list("deanonymizers", "Operators of /deanonymize"),
            "/whoami": {"get": _audited("whoami", "The caller and what it may do", {"type": "object"})},
            **_approval_paths(),
            **_audit_paths(),
            **_review_paths(),
            "/health": {"get": _open("health", "The process answers", "text/plain", {"type": "string"})},
            "/ready": {"get": _ready()},
            "/openapi.json": {
                "get": _open("openapi", "This document", "application/json", {"type": "object"})
            },
        },
        "components": {
            "securitySchemes": {
                "entra": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of a trusted issuer for this API.",
                }
            },
            "schemas": SCHEMAS,
        },
    }


def _post(name: str, summary: str, request: str, answer: str) -> dict[str, Any]:
    operation = _audited(name, summary, _ref(answer))
    operation["parameters"] = _headers(STATEMENTS | APPROVAL)
    operation["responses"]["200"]["headers"]["X-Emergency-Until"] = EMERGENCY_HEADER
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(request)}}}
    return {"post": operation}


def _headers(named: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in named.items()
    ]


def _place() -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("writer", "index")
    ]


def _approval_paths() -> dict[str, Any]:
    ask = _post("approvals_ask", "Ask a second person for one call", "ApprovalRequest", "Approval")
    ask["post"]["parameters"] = _headers(STATEMENTS)
    decide = _post("approvals_decide", "Approve or reject", "ApprovalDecision", "ApprovalDecided")
    decide["post"]["parameters"] = _place()
    seen = _audited("approvals_open", "Open approvals, or one's own", _ref("Approvals"))
    return {
        "/approvals": {**ask, "get": seen},
        "/approvals/{writer}/{index}/decision": decide,
    }


def _audit_paths() -> dict[str, Any]:
    place = _place()
    page = _audited("audit_records", "Records, page by page", _ref("RecordPage"))
    page["parameters"] = [
        {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
        for name, (text, schema) in RECORD_FILTERS.items()
    ]
    record = _audited("audit_record", "The record that X-Audit-Record named", _ref("FoundRecord"))
    proof = _audited("audit_proof", "A record with its proofs", _ref("Evidence"))
    proof["responses"]["200"]["content"]["text/plain"] = {"schema": {"type": "string"}}
    checkpoint = _audited("audit_checkpoint", "The newest root checkpoint", {"type": "string"})
    checkpoint["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    for operation in (record, proof):
        operation["parameters"] = place
    for operation in (record, proof, checkpoint):
        operation["responses"]["404"] = {
            "description": "Nothing of that name.",
            "content": {"application/json": {"schema": _ref("Problem")}},
        }
    return {
        "/audit/records": {"get": page},
        "/audit/records/{writer}/{index}": {"get": record},
        "/audit/records/{writer}/{index}/proof": {"get": proof},
        "/audit/checkpoint": {"get": checkpoint},
    }


def _review_paths() -> dict[str, Any]:
    """Which reviews there are, one of them, and decisions about its findings."""
    which = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    shown = _audited("reviews_show", "A review and how its findings stand", _ref("Review"))
    shown["responses"]["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    decide = _post("reviews_decide", "Approve, revoke or defer findings", "Decisions", "Decided")["post"]
    for operation in (shown, decide):
        operation["parameters"] = which + operation.get("parameters", [])
        operation["responses"]["404"] = {
            "description": "Nothing of that name.",
            "content": {"application/json": {"schema": _ref("Problem")}},
        }
    return {
        "/audit/reviews": {"get": _audited("reviews_list", "Access reviews", _ref("Reviews"))},
        "/audit/reviews/{id}": {"get": shown},
        "/audit/reviews/{id}/decisions": {"post": decide},
    }


def _list(name: str, summary: str, *, has_language: bool = False) -> dict[str, Any]:
    operation = _audited(name, summary, {"type": "array", "items": {"type": "string"}})
    if has_language:
        operation["parameters"] = [LANGUAGE_PARAMETER]
    return {"get": operation}


def _audited(name: str, summary: str, answer: dict[str, Any]) -> dict[str, Any]:
    headers = {
        header: {"description": text, "schema": {"type": kind}}
        for header, (text, kind) in RECEIPT_HEADERS.items()
    }
    problem = {"application/json": {"schema": _ref("Problem")}}
    responses: dict[str, Any] = {
        "200": {
            "description": summary,
            "headers": headers,
            "content": {"application/json": {"schema": answer}},
        }
    }
    for status, text in PROBLEMS.items():
        responses[status] = {"description": text, "content": problem}
    responses["429"]["headers"] = {
        "Retry-After": {
            "description": "Whole seconds until a call is admitted.",
            "schema": {"type": "integer"},
        }
    }
    return {"operationId": name, "summary": summary, "responses": responses}


def _open(name: str, summary: str, media: str, schema: dict[str, Any]) -> dict[str, Any]:
    content = {media: {"schema": schema}}
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": summary, "content": content}},
    }


def _ready() -> dict[str, Any]:
    checks = {"type": "object", "additionalProperties": {"type": "string"}}
    operation = _open("ready", "A call that came now would be served", "application/json", checks)
    operation["responses"]["503"] = {
        "description": "Not yet, or not now: one word a check.",
        "content": {"application/json": {"schema": checks}},
    }
    return operation


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
