"""A ledger of four hundred days of 2,000 principals, and the directory that goes with it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.ledger_data import ENGINE, generate
from shared.identity.policy import Policy, parse_policy
from shared.ledger.bodies import RecordBody, encode_record
from shared.records.canonical import format_time
from shared.records.model import (
    AccessRecord,
    DecisionPart,
    KeyedDigests,
    Outcome,
    ServicePart,
    What,
    Where,
    Who,
)
from shared.review.directory import AppRole, Directory, Grant, Principal, PrincipalKey

TENANT = "7d1c5c1e-8f5b-4a4b-9b60-0f5f7ce02b11"
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
DAYS = 400
PRINCIPALS = 2_000
APPS = 200
SHAPES = 4
POLICY = Path(__file__).parents[1] / "config/policy.yaml"
TIME, REQUEST = b"2026-01-01T00:00:00.000000Z", b"00000000-0000"
ROLES = ("Pii.Analyst", "Pii.Redactor", "Pii.Reidentifier", "Audit.Reader")


def read_policy() -> Policy:
    """The policy of the repository."""
    return parse_policy(POLICY.read_text(encoding="utf-8"), POLICY.name)


def principal(number: int) -> PrincipalKey:
    """The key of the principal of that number; the first `APPS` are apps."""
    return TENANT, f"7d1c5c1e-8f5b-4a4b-9b60-{number:012}"


def role_of(number: int) -> str:
    """The role that the principal works with."""
    return "Pii.Pipeline" if number < APPS else ROLES[number % len(ROLES)]


def make_directory() -> Directory:
    """Everybody, with the role that is used; one in ten has another one, a third through groups."""
    source = random.Random(3)
    grants: list[Grant] = []
    for number in range(PRINCIPALS):
        held = [role_of(number), *(["Audit.Reviewer"] if number % 10 == 7 else [])]
        for place, role in enumerate(held):
            group = f"group-{number % 40}" if source.random() < 1 / 3 else None
            since = NOW - timedelta(days=source.randint(5, 700))
            grants.append(Grant(principal(number), role, f"assignment-{number}-{place}", since, group))
    return Directory(
        read_at=NOW,
        tenant=TENANT,
        roles=tuple(AppRole(role) for role in ROLES),
        principals={
            principal(number): Principal(
                principal(number), "app" if number < APPS else "person", "enabled", owners=number % 50
            )
            for number in range(PRINCIPALS)
        },
        grants=tuple(grants),
        groups={f"group-{number}": 50 for number in range(40)},
    )


def generate_ledger(folder: Path, records: int) -> Path:
    """The ledger of so many records, in a folder."""
    digest = read_policy().digest

    def bodies(number: int, service: ServicePart, source: random.Random) -> Callable[[int], RecordBody]:
        shapes = [
            encode_record(_record(who, shape, service, digest, source))
            for who in range(PRINCIPALS)
            for shape in range(SHAPES)
        ]
        step = timedelta(days=DAYS - 1) / (records // 4)

        def body(index: int) -> RecordBody:
            made = shapes[source.randrange(len(shapes))]
            time = format_time(NOW - timedelta(days=DAYS - 1) + index * step).encode()
            request = b"%08d-%04d" % (index, number)
            return RecordBody(
                made.before, made.between.replace(REQUEST, request), made.after.replace(TIME, time)
            )

        return body

    return generate(folder, records, bodies)


def _record(
    number: int, shape: int, service: ServicePart, digest: str, source: random.Random
) -> AccessRecord:
    tenant, oid = principal(number)
    is_app = number < APPS
    role = None if source.random() < 0.03 else role_of(number)
    return AccessRecord(
        time=TIME.decode(),
        request_id=f"{REQUEST.decode()}-4000-8000-000000000000",
        who=Who(
            kind="app" if is_app else "person",
            issuer="entra",
            tenant=tenant,
            principal=oid,
            app=f"client-{number}" if is_app else "front-end",
            roles=(role_of(number),),
            token_id=source.randbytes(16).hex(),
        ),
        what=What(texts=1, **_facts(role_of(number), shape, source)),
        where=Where(address=f"198.51.100.{number % 250}"),
        decision=DecisionPart(
            allowed=role is not None,
            reason="granted" if role else "operator_forbidden",
            role=role,
            purpose="customer-request",
            policy=digest,
        ),
        outcome=Outcome(status=200 if role else 403, total_us=9_000, engine_us=8_000),
        engine=ENGINE,
        service=service,
    )


def _facts(role: str, shape: int, source: random.Random) -> dict[str, Any]:
    """What a call with this role is: a quarter of the calls re-identify where the role may."""
    operation, operators = {
        "Pii.Analyst": ("pii.analyze", ()),
        "Pii.Redactor": ("pii.redact", ("replace", "mask")),
        "Pii.Pipeline": ("pii.redact", ("hash",)),
        "Pii.Reidentifier": (
            ("pii.deanonymize", ("decrypt",)) if shape == 0 else ("pii.anonymize", ("encrypt",))
        ),
        "Audit.Reader": ("audit.read", ()),
    }[role]
    found = {name: source.randint(1, 9) for name in ("PERSON", "EMAIL_ADDRESS", "CREDIT_CARD")[: shape or 1]}
    is_text = operation != "audit.read"
    return {
        "operation": operation,
        "input_chars": source.randint(40, 9000),
        "input_bytes": source.randint(40, 9000),
        "language": "en",
        "entities_found": found if is_text else {},
        "entities_released": found if operation == "pii.analyze" else {},
        "operators": operators,
        "operators_requested": operators if operators else None,
        "input_digests": KeyedDigests(key_id="a1b2c3d4", values=(source.randbytes(16).hex(),)),
    }
