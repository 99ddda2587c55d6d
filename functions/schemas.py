"""JSON schemas of the bodies, as Presidio 2.2.366 has them, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _string(**more: Any) -> Schema:
    return {"type": "string", **more}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(properties: dict[str, Schema], required: tuple[str, ...] = (), **more: Any) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, **more}
    return {**schema, "required": list(required)} if required else schema


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT_OR_TEXTS: Schema = {"anyOf": [_string(minLength=1), _array(_string())]}
OPERATORS: Schema = {
    "type": "object",
    "description": "Entity type (or DEFAULT) to operator: `type` and its parameters.",
    "additionalProperties": {
        "type": "object",
        "properties": {"type": _string()},
        "additionalProperties": True,
    },
}
SPAN: dict[str, Schema] = {
    "entity_type": _string(),
    "start": {"type": "integer", "minimum": 0, "description": "First character."},
    "end": {"type": "integer", "minimum": 0, "description": "After the last character."},
}

ANALYZE_OPTIONS: dict[str, Schema] = {
    "language": _string(examples=["en"]),
    "entities": _array(_string()),
    "correlation_id": _string(),
    "score_threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "return_decision_process": {"type": "boolean"},
    "ad_hoc_recognizers": _array({"type": "object"}),
    "context": _array(_string()),
    "allow_list": _array(_string()),
    "allow_list_match": _string(enum=["exact", "regex"]),
    "regex_flags": {"type": "integer"},
}

SCHEMAS: dict[str, Schema] = {
    "AnalyzeRequest": _object({"text": TEXT_OR_TEXTS, **ANALYZE_OPTIONS}, ("text", "language")),
    "Finding": _object(
        {
            **SPAN,
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "analysis_explanation": {"type": ["object", "null"]},
        },
        ("entity_type", "start", "end", "score"),
    ),
    "AnalyzeAnswer": {"anyOf": [_array(_ref("Finding")), _array(_array(_ref("Finding")))]},
    "AnonymizeRequest": _object(
        {
            "text": _string(minLength=1),
            "analyzer_results": _array(_object({**SPAN, "score": {"type": "number"}})),
            "anonymizers": OPERATORS,
        },
        ("text", "analyzer_results"),
    ),
    "DeanonymizeRequest": _object(
        {
            "text": _string(minLength=1),
            "anonymizer_results": _array(_object({**SPAN})),
            "deanonymizers": OPERATORS,
        },
        ("text", "anonymizer_results", "deanonymizers"),
    ),
    "Item": _object(
        {
            **SPAN,
            "text": _string(),
            "operator": {"type": ["string", "null"]},
            "score": {"type": ["number", "null"]},
        },
        ("entity_type", "start", "end", "text"),
    ),
    "TextAnswer": _object({"text": _string(), "items": _array(_ref("Item"))}, ("text", "items")),
    "RedactRequest": _object(
        {"text": TEXT_OR_TEXTS, **ANALYZE_OPTIONS, "anonymizers": OPERATORS}, ("text", "language")
    ),
    "RedactAnswer": {"anyOf": [_ref("TextAnswer"), _array(_ref("TextAnswer"))]},
    "FoundRecord": _object(
        {
            "name": _string(description="<writer>/<index>"),
            "record": {"type": "object", "description": "As docs/ledger-format.md has it."},
        },
        ("name", "record"),
    ),
    "RecordPage": _object(
        {"records": _array(_ref("FoundRecord")), "cursor": {"type": ["string", "null"]}},
        ("records", "cursor"),
    ),
    "Evidence": _object(
        {
            "writer": _string(),
            "record": _string(description="The record's line, byte for byte."),
            "record_proof": _string(description="C2SP tlog-proof in the writer's log."),
            "genesis": _string(description="The writer's first record."),
            "seal": {"type": ["string", "null"], "description": "The root log's entry for this writer."},
            "seal_proof": {"type": ["string", "null"], "description": "C2SP tlog-proof in the root log."},
        },
        ("writer", "record", "record_proof", "genesis", "seal", "seal_proof"),
    ),
    "ApprovalRequest": _object(
        {
            "operation": _string(enum=["pii.analyze", "pii.anonymize", "pii.deanonymize", "pii.redact"]),
            "request": {"type": "object", "description": "The body of the call, as it will be sent."},
        },
        ("operation", "request"),
    ),
    "Approval": _object(
        {
            "approval": _string(description="Its name, for X-Approval: <writer>/<index>"),
            "state": _string(enum=["pending", "approved"]),
            "operation": _string(),
            "purpose": {"type": ["string", "null"]},
            "justification": {"type": ["string", "null"]},
            "asked_by": {"type": ["object", "null"], "description": "kind, tenant, principal, app"},
            "asked_at": _string(format="date-time"),
            "expires": _string(format="date-time"),
            "texts": {"type": "integer"},
            "chars": {"type": "integer"},
            "operators": _array(_string()),
            "demand": _array(_string(description="Keyed digest of everything that is asked for.")),
        },
        ("approval", "state", "operation", "asked_at", "expires"),
    ),
    "Approvals": _object({"approvals": _array(_ref("Approval"))}, ("approvals",)),
    "ApprovalDecision": _object(
        {"approve": {"type": "boolean"}, "justification": _string(minLength=10, maxLength=500)},
        ("approve", "justification"),
    ),
    "ApprovalDecided": _object(
        {
            "approval": _string(),
            "state": _string(enum=["approved", "rejected"]),
            "decided_at": _string(format="date-time"),
        },
        ("approval", "state", "decided_at"),
    ),
    "Reviews": _object(
        {
            "reviews": _array(
                {
                    "type": "object",
                    "description": "The record of a review, its name, and the number of undecided findings.",
                }
            )
        },
        ("reviews",),
    ),
    "Review": _object(
        {
            "record": _string(description="The `review` record: <writer>/<index>."),
            "digest": _string(description="SHA-256 of the report; decisions are about these bytes."),
            "undecided": {"type": "integer"},
            "decisions": {"type": "object", "description": "Finding -> how it stands, and by what."},
            "report": {"type": "object", "description": "docs/access-review.schema.json"},
        },
        ("record", "digest", "undecided", "decisions", "report"),
    ),
    "Decisions": _object(
        {
            "decisions": _array(
                _object(
                    {
                        "finding": _string(),
                        "choice": _string(enum=["approve", "revoke", "defer", "applied"]),
                        "justification": _string(minLength=10, maxLength=500),
                        "defer_until": _string(
                            format="date-time", description="With `defer`: within 90 days."
                        ),
                        "replaces": _string(
                            description="The record of the decision that stands, if there is one."
                        ),
                    },
                    ("finding", "choice", "justification"),
                )
            )
        },
        ("decisions",),
    ),
    "Decided": _object(
        {
            "review": _string(),
            "decisions": _array(
                _object(
                    {"finding": _string(), "record": _string(), "state": _string()},
                    ("finding", "record", "state"),
                )
            ),
            "undecided": {"type": "integer"},
        },
        ("review", "decisions", "undecided"),
    ),
    "Problem": _object(
        {
            "error": _string(description="What is wrong and what to change; never a value of yours."),
            "code": _string(description="A stable word for programs."),
            "request_id": _string(),
            "reason": _string(
                description="403: why the policy, an approval or an emergency does not allow it."
            ),
        },
        ("error", "code", "request_id"),
    ),
}
