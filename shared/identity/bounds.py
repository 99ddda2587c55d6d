"""One role against one request: the first thing that is in the way, in the order in which it is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.identity.caller import Caller
from shared.identity.demands import Demand
from shared.identity.roles import Policy, Role
from shared.identity.statements import MAX_JUSTIFICATION_CHARS, MIN_JUSTIFICATION_CHARS, Statement
from shared.identity.terms import ENTITY_TYPES, OPEN_OPERATIONS, OPERATORS, TEXT_OPERATIONS


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a role does not allow a request; `progress` grows with the number of checks that it passed."""

    reason: str
    message: str
    progress: int


@dataclass(frozen=True, slots=True)
class Question:
    """All that a check looks at. `needed` are the statements that the role must give for the operation."""

    caller: Caller
    policy: Policy
    role: Role
    demand: Demand
    statement: Statement
    needed: tuple[str, ...]


type Answer = tuple[str, str] | None
"""A reason and a message, or None where nothing is in the way."""


def check_role(
    caller: Caller, policy: Policy, role: Role, demand: Demand, statement: Statement
) -> Refusal | None:
    """None where the role allows the whole request by itself. The caller must hold the role."""
    needed = needed_statements(policy, role, demand.operation)
    question = Question(caller, policy, role, demand, statement, needed)
    checks = OPEN_CHECKS if demand.operation in OPEN_OPERATIONS else CHECKS
    for progress, check in enumerate(checks, start=1):
        answer = check(question)
        if answer is not None:
            return Refusal(*answer, progress)
    return None


def needed_statements(policy: Policy, role: Role, operation: str) -> tuple[str, ...]:
    """Which of `purpose`, `justification`, `ticket` and `approval` this role must give for this operation.

    An emergency role (one with a window) is free of the policy's `four_eyes`: it is for the hour in which
    nobody else is there. Where it must have a second person all the same, its own `requires` says so.
    """
    if operation in OPEN_OPERATIONS:
        return ()
    asked: set[str] = set(role.requires)
    if operation in policy.four_eyes and role.window_minutes is None:
        asked.add("approval")
    if operation in policy.purpose_required:
        asked.add("purpose")
    if operation in policy.justification_required:
        asked.add("justification")
    if not asked:
        return ()
    if operation not in TEXT_OPERATIONS:
        asked.discard("approval")
    return tuple(sorted(asked))


def _check_permission(question: Question) -> Answer:
    operation = question.demand.operation
    if operation in question.role.permissions:
        return None
    return "not_permitted", f"none of the caller's roles has the permission {operation}"


def _check_kind(question: Question) -> Answer:
    wanted = {"people": "person", "apps": "app"}.get(question.role.held_by, question.caller.kind)
    if question.caller.kind == wanted:
        return None
    return "wrong_kind", f"the role {question.role.name} is for {question.role.held_by} only"


def _check_language(question: Question) -> Answer:
    languages, asked = question.role.languages, question.demand.language
    if languages is None or asked is None or asked in languages:
        return None
    return "language_forbidden", f"the role {question.role.name} may use: {', '.join(languages)}"


def _check_entities(question: Question) -> Answer:
    role, demand = question.role, question.demand
    if demand.operation != "pii.analyze" or not demand.entities:
        return None
    asked = set(demand.entities)
    outside = asked & set(role.denied_entities)
    if role.entities is not None:
        outside |= asked - set(role.entities)
    if outside:
        words = _name_words(outside, ENTITY_TYPES | set(question.policy.custom_entities))
        return "entity_forbidden", f"the role {role.name} may not be told of {words}; leave it out"
    sensitive = asked & question.policy.sensitive
    if sensitive and "pii.sensitive" not in role.permissions:
        words = _name_words(sensitive, question.policy.sensitive)
        return (
            "entity_sensitive",
            f"{words} needs pii.sensitive, which the role {role.name} lacks; leave it out",
        )
    return None


def _check_operators(question: Question) -> Answer:
    outside = set(question.demand.operators) - set(question.role.operators)
    if not outside:
        return None
    words = _name_words(outside, OPERATORS)
    allowed = ", ".join(question.role.operators) or "no operator"
    return "operator_forbidden", f"the role {question.role.name} may not use {words}; it may use {allowed}"


def _check_ad_hoc(question: Question) -> Answer:
    if not question.demand.ad_hoc_recognizers or question.role.ad_hoc_recognizers:
        return None
    return (
        "ad_hoc_forbidden",
        f"the role {question.role.name} may not bring ad_hoc_recognizers; leave them out",
    )


def _check_decision_process(question: Question) -> Answer:
    if not question.demand.decision_process or question.role.decision_process:
        return None
    name = question.role.name
    return "decision_process_forbidden", f"the role {name} may not ask for return_decision_process"


def _check_size(question: Question) -> Answer:
    role, demand = question.role, question.demand
    if demand.chars > (role.max_chars or 0):
        return "too_large", f"expected at most {role.max_chars or 0} characters in all, got {demand.chars}"
    if demand.texts > (role.max_texts or 0):
        return "too_large", f"expected at most {role.max_texts or 0} texts, got {demand.texts}"
    return None


def _check_purpose(question: Question) -> Answer:
    role, policy, purpose = question.role, question.policy, question.statement.purpose
    allowed = policy.purposes if role.purposes is None else role.purposes
    choice = ", ".join(allowed)
    if question.statement.has_unknown_purpose:
        return "purpose_unknown", f"X-Purpose is not one of the policy's purposes; expected one of: {choice}"
    if purpose is None:
        if "purpose" not in question.needed:
            return None
        return "purpose_required", f"send the header X-Purpose with one of: {choice}"
    if purpose not in allowed:
        return "purpose_forbidden", f"the role {role.name} may give one of these purposes: {choice}"
    return None


def _check_justification(question: Question) -> Answer:
    statement = question.statement
    shape = f"one line of {MIN_JUSTIFICATION_CHARS} to {MAX_JUSTIFICATION_CHARS} characters"
    if statement.has_bad_justification:
        return "justification_malformed", f"expected X-Justification to be {shape}"
    if statement.justification is None and "justification" in question.needed:
        return "justification_required", f"send the header X-Justification: {shape}"
    return None


def _check_ticket(question: Question) -> Answer:
    statement = question.statement
    is_missing = statement.ticket is None and "ticket" in question.needed
    if not is_missing and not statement.has_bad_ticket:
        return None
    shape = f"the name of a ticket, numbered as {' or '.join(question.policy.tickets)}"
    if statement.has_bad_ticket:
        return "ticket_malformed", f"expected X-Ticket to be {shape}"
    return "ticket_required", f"send the header X-Ticket: {shape}"


def _check_approval(question: Question) -> Answer:
    """Only that there is the name of one. Whether it is an approval, and of this call, the ledger says."""
    statement = question.statement
    if question.demand.asks or "approval" not in question.needed:
        return None
    if statement.has_bad_approval:
        return "approval_unknown", "expected X-Approval to be what POST /approvals answered: <writer>/<index>"
    if statement.approval is None:
        return (
            "approval_required",
            "a second person approves this call: POST /approvals asks for it, the header X-Approval names it",
        )
    return None


def _name_words(words: set[str], known: frozenset[str]) -> str:
    """The words that the policy or Presidio knows; a caller's own words are counted, not repeated."""
    named = sorted(words & known)
    others = len(words) - len(named)
    if others:
        named.append(f"{others} unknown {'name' if others == 1 else 'names'}")
    return ", ".join(named)


OPEN_CHECKS: tuple[Callable[[Question], Answer], ...] = (_check_kind,)

CHECKS: tuple[Callable[[Question], Answer], ...] = (
    _check_permission,
    _check_kind,
    _check_language,
    _check_entities,
    _check_operators,
    _check_ad_hoc,
    _check_decision_process,
    _check_size,
    _check_purpose,
    _check_justification,
    _check_ticket,
    _check_approval,
)
