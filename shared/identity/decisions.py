"""Caller + policy + what a request demands -> a decision, as a value with its reason.

One role must allow all of a request. Roles are tried in the policy's order, the first that allows it grants
it, and the bounds of two roles are never mixed: a person with a wide role for few texts and a narrow role for
many does not become a person with a wide role for many.

**Entity types.** A role's entity bounds and `pii.sensitive` say what it may be told of, so they hold for
`pii.analyze`. They do not hold for

- `pii.redact`: what is searched is removed, and a search narrowed to harmless types would leave the
  sensitive ones in the text;
- `pii.anonymize` and `pii.deanonymize`: the entity types are labels that the caller wrote beside its own
  text. A forbidden label could be sent under another name, so a rule about labels would only look like
  one. These two are bounded by their permission, operators, sizes and purpose.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import AccessDenied
from shared.identity.bounds import Refusal, check_role, needed_statements
from shared.identity.caller import Caller
from shared.identity.demands import Demand
from shared.identity.roles import Policy, Role
from shared.identity.statements import Statement, read_statement
from shared.identity.terms import OPEN_OPERATIONS, OPERATIONS

__all__ = ["Decision", "Demand", "Emergency", "decide"]


@dataclass(frozen=True, slots=True)
class Emergency:
    """The bounds of an emergency role: how long it may be used, and how often a week that may begin."""

    window: timedelta
    windows_a_week: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the caller may, and why. `reason` is a stable code, `message` tells the caller what to change.

    `role` is the role that granted the call, None on a refusal. `purpose` and `justification` are set only
    where they are well-formed, so they may be recorded as they are. `policy` is the digest of the policy
    that was in force. The two entity fields are what `searched` needs: None means any type. `intent_first`
    asks for a record before the call is served, beside the one that follows.

    `ticket` is well-formed, too. `needs_approval`: the call may be served only with the approval of a second
    person, which `approval` names as the caller claims it. `emergency`: only within the role's window.
    """

    allowed: bool
    reason: str
    message: str
    policy: str
    role: str | None = None
    purpose: str | None = None
    justification: str | None = None
    allowed_entities: frozenset[str] | None = None
    denied_entities: frozenset[str] = frozenset()
    intent_first: bool = False
    ticket: str | None = None
    approval: str | None = None
    needs_approval: bool = False
    emergency: Emergency | None = None

    def searched(self, supported: Collection[str]) -> tuple[str, ...] | None:
        """The types to search in a request that names none (or an empty list, which Presidio takes for all).

        `supported` is what the engine can find for this request: its own types for the language, and
        those of the request's ad-hoc recognizers. None means no restriction. Raises AccessDenied where
        the caller may be told of none of them: an empty list must not reach Presidio.
        """
        if self.allowed_entities is None and not self.denied_entities:
            return None
        allowed = {name for name in supported if self._may_tell(name)}
        if not allowed:
            raise AccessDenied(
                "entity_forbidden", "no entity type that is supported here may be told to this caller"
            )
        return tuple(sorted(allowed))

    def _may_tell(self, name: str) -> bool:
        allowed = self.allowed_entities is None or name in self.allowed_entities
        return allowed and name not in self.denied_entities


def decide(caller: Caller, policy: Policy, demand: Demand) -> Decision:
    """Decide about one request. Pure: the same three values always give the same decision.

    A demand that leaves out what is not known yet (no entities, operators, sizes) is refused only for reasons
    for which every fuller demand is refused too, so it may be asked before a body is parsed.
    Raises ValueError for an operation that does not exist: that is a defect of ours.
    """
    if demand.operation == "identity.read":
        return Decision(True, "granted", "any valid token may", policy.digest)
    if demand.operation not in OPERATIONS and demand.operation not in OPEN_OPERATIONS:
        raise ValueError(f"no such operation: {demand.operation}")
    statement = read_statement(policy, demand)
    held = [role for role in policy.roles if role.name in caller.roles]
    if not held:
        return _refuse(policy, statement, _no_role(caller))
    refusals: list[Refusal] = []
    for role in held:
        refusal = check_role(caller, policy, role, demand, statement)
        if refusal is None:
            return _grant(policy, statement, role, demand)
        refusals.append(refusal)
    # The role that came furthest knows best what the caller could change; of equals, max keeps the first.
    return _refuse(policy, statement, max(refusals, key=lambda refusal: refusal.progress))


def _no_role(caller: Caller) -> Refusal:
    if caller.roles:
        return Refusal(
            "unknown_role", "the token's roles are not known to the policy; ask for one that is", 0
        )
    return Refusal("no_role", "the token carries no role; ask an administrator to assign one", 0)


def _grant(policy: Policy, statement: Statement, role: Role, demand: Demand) -> Decision:
    needs_approval = "approval" in needed_statements(policy, role, demand.operation)
    allowed, denied = _entity_bounds(policy, role, demand.operation)
    return Decision(
        allowed=True,
        reason="granted",
        message=f"allowed by the role {role.name}",
        policy=policy.digest,
        role=role.name,
        purpose=statement.purpose,
        justification=statement.justification,
        allowed_entities=allowed,
        denied_entities=denied,
        intent_first=role.record_intent or needs_approval,
        ticket=statement.ticket,
        approval=statement.approval if needs_approval else None,
        needs_approval=needs_approval,
        emergency=_emergency(role, demand.operation),
    )


def _entity_bounds(
    policy: Policy, role: Role, operation: str
) -> tuple[frozenset[str] | None, frozenset[str]]:
    """The types that may be told (None: any) and those that may not: of pii.analyze alone, see above."""
    if operation != "pii.analyze":
        return None, frozenset()
    hidden = frozenset() if "pii.sensitive" in role.permissions else policy.sensitive
    allowed = None if role.entities is None else frozenset(role.entities)
    return allowed, frozenset(role.denied_entities) | hidden


def _emergency(role: Role, operation: str) -> Emergency | None:
    """The lists and /whoami need no permission, so they begin no emergency."""
    if role.window_minutes is None or role.windows_a_week is None or operation in OPEN_OPERATIONS:
        return None
    return Emergency(timedelta(minutes=role.window_minutes), role.windows_a_week)


def _refuse(policy: Policy, statement: Statement, refusal: Refusal) -> Decision:
    return Decision(
        allowed=False,
        reason=refusal.reason,
        message=refusal.message,
        policy=policy.digest,
        purpose=statement.purpose,
        justification=statement.justification,
        ticket=statement.ticket,
    )
