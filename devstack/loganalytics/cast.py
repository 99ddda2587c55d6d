"""Who uses the service in generated traffic: people, programs, their habits and addresses."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

TENANT = "5b2f0c9e-3a41-4f0e-9b53-6f0d3f1f7a11"
POLICY_DIGEST = "7d" * 32
ENGINE_DIGEST = "3e" * 32
_NAMESPACE = uuid.UUID("0a4b6d2e-9f57-4c1b-8d3a-2b1c0d9e8f70")


def stable_id(name: str) -> str:
    """The same GUID for the same name, always."""
    return str(uuid.uuid5(_NAMESPACE, name))


@dataclass(frozen=True, slots=True)
class Member:
    """One caller. `per_hour` is calls in an hour of work; `found` are the entity types in its texts."""

    name: str
    kind: Literal["person", "app"]
    role: str
    operation: str
    address: str
    per_hour: float
    found: dict[str, str]
    chars: int = 1_500
    purpose: str | None = None
    rarely: dict[str, str] = field(default_factory=dict)

    @property
    def principal(self) -> str:
        """Its object id."""
        return stable_id(self.name)

    @property
    def app(self) -> str:
        """The client application: its own for a program, the portal for people."""
        return stable_id(f"app:{self.name}" if self.kind == "app" else "app:portal")


PLAIN = {
    "PERSON": "SpacyRecognizer",
    "LOCATION": "SpacyRecognizer",
    "EMAIL_ADDRESS": "EmailRecognizer",
    "PHONE_NUMBER": "PhoneRecognizer",
}
MONEY = {**PLAIN, "CREDIT_CARD": "CreditCardRecognizer", "US_SSN": "UsSsnRecognizer"}
RARE = {"CRYPTO": "CryptoRecognizer"}

OFFICE = "198.51.100.7"

PEOPLE = (
    Member("anna", "person", "Pii.Analyst", "pii.analyze", OFFICE, 14, MONEY, rarely=RARE),
    Member("bela", "person", "Pii.Analyst", "pii.analyze", OFFICE, 9, MONEY),
    Member("chen", "person", "Pii.Analyst", "pii.analyze", "203.0.113.40", 6, PLAIN),
    Member("dora", "person", "Pii.Redactor", "pii.redact", OFFICE, 11, MONEY),
    Member("emil", "person", "Pii.Redactor", "pii.redact", OFFICE, 7, PLAIN),
    Member(
        "fay", "person", "Pii.Reidentifier", "pii.deanonymize", OFFICE, 0.8, PLAIN, purpose="customer-request"
    ),
)
SATURDAY_WORKER = PEOPLE[2]
BOT = Member("support-bot", "app", "Pii.Pipeline", "pii.redact", "192.0.2.17", 30, PLAIN, chars=700)
NIGHTLY = Member("nightly-claims", "app", "Pii.Pipeline", "pii.redact", "192.0.2.30", 0, MONEY, chars=24_000)
EVERYBODY = (*PEOPLE, BOT, NIGHTLY)

SERVICE_IDENTITY = "service-identity"
AUDITOR_IDENTITY = "auditor-identity"
DEPLOYER = "deploy@example.com"
