"""May this role do that, why, and what else it needs: `decide`'s own answer, and where its rule stands.

Nothing is decided here. A caller is made that holds this one role, and the smallest request for the
operation; `decide` is asked first without any statement, then with those that the role must give. What
differs between the two is what the role needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.identity.bounds import needed_statements
from shared.identity.caller import Caller
from shared.identity.decisions import Decision, decide
from shared.identity.demands import Demand
from shared.identity.limits import limit_of
from shared.identity.rates import Rate
from shared.identity.roles import Policy, Role
from shared.identity.shapes import Path
from shared.identity.statements import MIN_JUSTIFICATION_CHARS
from shared.identity.terms import OPEN_OPERATIONS, TEXT_OPERATIONS

Kind = Literal["person", "app"]
Verdict = Literal["yes", "yes, with", "no"]

ANY_APPROVAL = "0" * 26 + "/0"
"""A name as approvals have them: which approval, only the ledger could say."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer about one role, operation and entity type, for one kind of caller.

    `decision` is of a request that gives all that is needed; on a refusal it says why. `rule` leads to what
    decided in the policy file. `needs` are the statements (purpose, justification, ticket, approval);
    `purposes` those that may be given. `is_searched` tells, for pii.analyze with an entity type, whether a
    request that names no types has it searched. `rate` is None where there is no limit.
    """

    role: str
    operation: str
    entity: str | None
    kind: Kind
    verdict: Verdict
    decision: Decision
    rule: Path
    needs: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    is_searched: bool | None = None
    rate: Rate | None = None


def explain(
    policy: Policy, name: str, operation: str, entity: str | None = None, kind: Kind | None = None
) -> Explanation:
    """Whether the role may, for the kind of caller that it is for (people where it is for both).

    Raises ValueError for an operation that does not exist.
    """
    role = next((role for role in policy.roles if role.name == name), None)
    kind = kind or ("app" if role is not None and role.held_by == "apps" else "person")
    caller = _caller_with(name, kind)
    demand = smallest_demand(operation, entity)
    decision = decide(caller, policy, demand)
    needs: tuple[str, ...] = ()
    if role is not None and not decision.allowed:
        needs = needed_statements(policy, role, operation)
        decision = decide(caller, policy, _with_statements(policy, role, demand, needs))
    if not decision.allowed:
        rule = find_rule(policy, role, decision.reason, operation, entity)
        return Explanation(name, operation, entity, kind, "no", decision, rule)
    granting = role if decision.role else None
    return Explanation(
        name,
        operation,
        entity,
        kind,
        "yes, with" if needs else "yes",
        decision,
        _granting_rule(granting, operation),
        needs,
        () if role is None else (policy.purposes if role.purposes is None else role.purposes),
        None if entity is None or operation != "pii.analyze" else _is_searched(decision, entity),
        limit_of(policy, granting, operation),
    )


def smallest_demand(operation: str, entity: str | None) -> Demand:
    """The least that a request for the operation can ask for; the entity type is asked for by name."""
    return Demand(operation, entities=None if entity is None else (entity,))


def _caller_with(role: str, kind: Kind) -> Caller:
    return Caller(
        kind=kind,
        issuer="",
        tenant="",
        principal="",
        app=None,
        roles=(role,),
        token_id=None,
        expires_at=0,
    )


def _with_statements(policy: Policy, role: Role, demand: Demand, needs: tuple[str, ...]) -> Demand:
    purposes = policy.purposes if role.purposes is None else role.purposes
    return demand.with_purpose(
        purposes[0] if "purpose" in needs and purposes else None,
        "x" * MIN_JUSTIFICATION_CHARS if "justification" in needs else None,
        policy.tickets[0] if "ticket" in needs and policy.tickets else None,
        ANY_APPROVAL if "approval" in needs else None,
    )


def find_rule(policy: Policy, role: Role | None, reason: str, operation: str, entity: str | None) -> Path:
    """Where in the policy file the reason of a refusal stands."""
    if role is None:
        return ("roles",)
    at: Path = ("roles", role.name)
    match reason:
        case "wrong_kind":
            return (*at, "held_by")
        case "entity_sensitive" if entity is not None:
            return ("sensitive_entities", policy.sensitive_entities.index(entity))
        case "entity_forbidden" if entity in role.denied_entities:
            return (*at, "denied_entities", role.denied_entities.index(str(entity)))
        case "entity_forbidden":
            return (*at, "entities")
        case _:
            return (*at, "permissions")


def _granting_rule(role: Role | None, operation: str) -> Path:
    if role is None:
        return ()
    if operation in OPEN_OPERATIONS:
        return ("roles", role.name)
    permissions: tuple[str, ...] = role.permissions
    return ("roles", role.name, "permissions", permissions.index(operation))


def _is_searched(decision: Decision, entity: str) -> bool:
    searched = decision.searched((entity,))
    return searched is None or entity in searched


def describe_bounds(role: Role, operation: str) -> dict[str, object]:
    """The role's bounds that hold for an operation, by the names of the policy's fields."""
    if operation not in TEXT_OPERATIONS or operation not in role.permissions:
        return {}
    bounds: dict[str, object] = {"max_chars": role.max_chars, "max_texts": role.max_texts}
    if operation != "pii.analyze":
        bounds["operators"] = list(role.operators)
    if operation in ("pii.analyze", "pii.redact"):
        bounds["languages"] = "all" if role.languages is None else list(role.languages)
        bounds["ad_hoc_recognizers"] = role.ad_hoc_recognizers
    if operation == "pii.analyze":
        bounds["decision_process"] = role.decision_process
    return bounds
