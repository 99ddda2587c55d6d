"""The policy as a review sees it: plain values, so that this room needs no other that stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

REIDENTIFY = "pii.deanonymize"
ANALYZE = "pii.analyze"
REDACT = "pii.redact"
SENSITIVE = "pii.sensitive"
"""Permissions that the rules name. Every other is only counted, whatever it is called."""

TEXT_OPERATIONS = frozenset({ANALYZE, "pii.anonymize", REIDENTIFY, REDACT})
OPERATOR_OPERATIONS = TEXT_OPERATIONS - {ANALYZE}
DETECTING_OPERATIONS = frozenset({ANALYZE, REDACT})
OPEN_OPERATIONS = frozenset({"catalog.read", "identity.read", "approval.request", "approval.read"})
"""Operations that need no permission: any role of the policy will do."""

type Words = frozenset[str]


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role of the policy. None stands for `all` (of a limit: not set), as in the policy itself.

    `is_emergency` marks the break-glass role: it is meant to lie unused, and every use of it is shown.
    `requires` is the role's own; `statements` is all that must be given with an operation under this role,
    whoever asks for it: operation -> `purpose`, `justification`, `ticket`, `approval`. `requests_a_minute`
    bounds calls by operation, `burst` is how many of them may come at once; an operation that is absent is
    not bounded.
    """

    name: str
    permissions: Words
    held_by: Literal["people", "apps", "both"] = "both"
    entities: Words | None = None
    denied_entities: Words = frozenset()
    operators: Words = frozenset()
    languages: Words | None = None
    ad_hoc_recognizers: bool = False
    decision_process: bool = False
    max_chars: int | None = None
    max_texts: int | None = None
    purposes: Words | None = None
    is_emergency: bool = False
    statements: Mapping[str, Words] = field(default_factory=dict)
    requires: Words = frozenset()
    requests_a_minute: Mapping[str, int] = field(default_factory=dict)
    burst: int | None = None

    def grants(self, kind: str) -> bool:
        """True where a principal of this kind (`person` or `app`) may use the role at all."""
        return self.held_by == "both" or self.held_by == ("people" if kind == "person" else "apps")


@dataclass(frozen=True, slots=True)
class PolicyView:
    """The policy in force, `digest` as it stands on records. `roles` are in the order they are tried."""

    digest: str
    roles: tuple[RoleView, ...]
    sensitive_entities: Words = frozenset()

    def find_role(self, name: str) -> RoleView | None:
        """The role of that name, None where the policy does not know it."""
        return next((role for role in self.roles if role.name == name), None)

    @property
    def emergency_roles(self) -> Words:
        """Names of the break-glass roles."""
        return frozenset(role.name for role in self.roles if role.is_emergency)
