"""The policy of the made-up organisation, and calls that use a role to the full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

type CallShape = Mapping[str, Any]

POLICY = """\
version: 1
purposes: [customer-request, incident-response]
tickets: [INC-1]
sensitive_entities: [CREDIT_CARD, IBAN_CODE, US_SSN]
roles:
  Desk.Analyst:
    held_by: people
    permissions: [pii.analyze, pii.sensitive]
    max_chars: 1000
    max_texts: 100
  Desk.Reader:
    permissions: [pii.analyze]
    entities: [PERSON, EMAIL_ADDRESS, PHONE_NUMBER]
    max_chars: 1000
    max_texts: 100
  Desk.Redactor:
    permissions: [pii.anonymize, pii.redact]
    operators: [replace, mask]
    max_chars: 1000
    max_texts: 100
  Case.Reidentifier:
    held_by: people
    permissions: [pii.anonymize, pii.deanonymize]
    operators: [replace, encrypt, decrypt]
    max_chars: 1000
    max_texts: 100
  Case.Encryptor:
    held_by: people
    permissions: [pii.anonymize]
    operators: [replace, encrypt]
    max_chars: 1000
    max_texts: 100
  Lab.Tester:
    held_by: people
    permissions: [pii.analyze, pii.redact]
    operators: [replace, hash, mask, keep]
    ad_hoc_recognizers: true
    max_chars: 1000
    max_texts: 100
  Etl.Pipeline:
    held_by: apps
    permissions: [pii.analyze, pii.redact]
    operators: [replace, hash]
    max_chars: 1000
    max_texts: 100
  Etl.Redactor:
    held_by: apps
    permissions: [pii.redact]
    operators: [replace]
    max_chars: 1000
    max_texts: 100
  Audit.Reader:
    permissions: [audit.read]
  Audit.Reviewer:
    held_by: people
    permissions: [audit.read, audit.review]
  Ops.Operator:
    permissions: [service.operate]
  Sec.Approver:
    held_by: people
    permissions: [approval.decide]
  Retired.One:
    permissions: [audit.read]
  Retired.Two:
    permissions: [pii.analyze]
    max_chars: 1000
    max_texts: 100
  Retired.Three:
    permissions: [pii.deanonymize]
    operators: [decrypt]
    max_chars: 1000
    max_texts: 100
  Visitor:
    permissions: [pii.analyze]
    max_chars: 1000
    max_texts: 100
  Sec.BreakGlass:
    held_by: people
    permissions: [pii.analyze, pii.deanonymize, pii.sensitive, audit.read, audit.review]
    operators: [decrypt]
    max_chars: 1000
    max_texts: 100
    requires: [purpose, justification, ticket]
    record_intent: true
    window_minutes: 240
    windows_a_week: 3
"""
"""Twelve roles that are held and used, break-glass, three that nobody holds, and one of former visitors."""


def analyze(*names: str, **released: int) -> CallShape:
    """A call of pii.analyze that names these types (none: everything is searched) and is told of others."""
    return {
        "operation": "pii.analyze",
        "entities_requested": names or None,
        "entities_found": released,
        "entities_released": released,
        "language": "en",
    }


def act(operation: str, *operators: str) -> CallShape:
    """A call with operators."""
    return {"operation": operation, "operators": operators, "operators_requested": operators}


PLAIN = analyze(PERSON=2)
TOLD = analyze(PERSON=1, CREDIT_CARD=1)
ENCRYPT = act("pii.anonymize", "replace", "encrypt")
DECRYPT = act("pii.deanonymize", "decrypt")
REDACT = act("pii.redact", "replace")

CALLS: Mapping[str, tuple[CallShape, ...]] = {
    "Desk.Analyst": (PLAIN, TOLD, PLAIN),
    "Desk.Reader": (analyze("PERSON", PERSON=1), analyze("EMAIL_ADDRESS", "PHONE_NUMBER")),
    "Desk.Redactor": (act("pii.anonymize", "replace"), act("pii.redact", "mask")),
    "Case.Reidentifier": (ENCRYPT, DECRYPT),
    "Case.Encryptor": (ENCRYPT,),
    "Lab.Tester": (act("pii.redact", "replace", "hash", "mask"), analyze()),
    "Etl.Pipeline": (analyze(), act("pii.redact", "replace", "hash")),
    "Etl.Redactor": (REDACT,),
    "Audit.Reader": ({"operation": "audit.read"},),
    "Audit.Reviewer": ({"operation": "audit.read"}, {"operation": "audit.review"}),
    "Ops.Operator": ({"operation": "service.operate"},),
    "Sec.Approver": ({"operation": "approval.decide"},),
    "Sec.BreakGlass": (PLAIN,),
    "Visitor": (PLAIN,),
}
"""Calls that together use everything that the role allows."""
