"""Rules between the fields of a policy: unknown names, and settings that would have no effect.

A line that does nothing is an error here. Whoever reads `denied_entities` on a role believes that it denies
something, and an auditor would, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.identity.roles import Policy, Role
from shared.identity.shapes import Problem, suggest
from shared.identity.terms import (
    DETECTING_OPERATIONS,
    ENTITY_TYPES,
    OPEN_OPERATIONS,
    OPERATIONS,
    OPERATOR_OPERATIONS,
    OPERATORS,
    TEXT_OPERATIONS,
    Permission,
)

type Found = Iterator[Problem]

RATED = tuple(name for name in (*OPERATIONS, *OPEN_OPERATIONS) if name != "identity.read")
"""Operations that a role can have a rate for. /whoami needs no role, so it has the policy's own."""


def check_policy(policy: Policy) -> list[Problem]:
    """Everything that is wrong between the fields of a policy whose fields are right by themselves."""
    problems = list(_check_lists(policy))
    if not policy.roles:
        problems.append(Problem(("roles",), "expected at least one role"))
    for role in policy.roles:
        for check in ROLE_RULES:
            problems += [problem.below("roles", role.name) for problem in check(role, policy)]
    return problems


def _check_lists(policy: Policy) -> Found:
    known = ENTITY_TYPES | set(policy.custom_entities)
    yield from _unknown_words("sensitive_entities", policy.sensitive_entities, known, "entity type")
    for name in policy.custom_entities:
        if name in ENTITY_TYPES:
            yield Problem(("custom_entities",), f"lists {name!r}, which is Presidio's own; leave it out")
    if policy.purpose_required and not policy.purposes:
        yield Problem(("purpose_required",), "has no effect: the policy lists no purposes")
    permitted = {permission for role in policy.roles for permission in role.permissions}
    for field in ("purpose_required", "justification_required"):
        for operation in getattr(policy, field):
            if policy.roles and operation not in permitted:
                yield Problem((field,), f"lists {operation!r}, which no role permits")
    yield from _check_four_eyes(policy, permitted)


def _check_four_eyes(policy: Policy, permitted: set[Permission]) -> Found:
    for operation in policy.four_eyes:
        if operation not in permitted:
            yield Problem(("four_eyes",), f"lists {operation!r}, which no role permits")
    is_asked = bool(policy.four_eyes) or any("approval" in role.requires for role in policy.roles)
    if is_asked and "approval.decide" not in permitted:
        yield Problem(("roles",), "calls need an approval, and no role permits approval.decide")
    if policy.approval_minutes is not None and not is_asked:
        yield Problem(("approval_minutes",), "has no effect: no call needs an approval")


def _check_names(role: Role, policy: Policy) -> Found:
    known = ENTITY_TYPES | set(policy.custom_entities)
    yield from _unknown_words("entities", role.entities or (), known, "entity type")
    yield from _unknown_words("denied_entities", role.denied_entities, known, "entity type")
    yield from _unknown_words("operators", role.operators, OPERATORS, "operator")
    yield from _unknown_words("purposes", role.purposes or (), set(policy.purposes), "purpose")


def _check_entities(role: Role, policy: Policy) -> Found:
    """The entity bounds say what a role may be told of, so they belong to pii.analyze alone."""
    tells = "pii.analyze" in role.permissions
    if not tells:
        if role.entities is not None:
            yield Problem(("entities",), "has no effect: the role lacks pii.analyze")
        if role.denied_entities:
            yield Problem(("denied_entities",), "has no effect: the role lacks pii.analyze")
        if "pii.sensitive" in role.permissions:
            yield Problem(("permissions",), "pii.sensitive has no effect without pii.analyze")
        return
    listed = set(role.entities or ())
    for name in sorted(listed & set(role.denied_entities)):
        yield Problem(("denied_entities",), f"denies {name!r}, which entities allows")
    if role.entities is not None and set(role.denied_entities) - listed:
        yield Problem(("denied_entities",), "has no effect beside a list of allowed entities")
    if role.entities == ():
        yield Problem(("entities",), "expected 'all' or at least one entity type; else leave pii.analyze out")
    if "pii.sensitive" not in role.permissions:
        for name in sorted(listed & policy.sensitive):
            yield Problem(("entities",), f"lists {name!r}, which is sensitive; the role lacks pii.sensitive")


def _check_operators(role: Role, _: Policy) -> Found:
    acts = bool(OPERATOR_OPERATIONS & set(role.permissions))
    if acts and not role.operators:
        yield Problem(("operators",), "is missing: expected the operators that the role may use")
    if role.operators and not acts:
        yield Problem(("operators",), "has no effect: the role may not anonymize, deanonymize or redact")


def _check_bounds(role: Role, _: Policy) -> Found:
    permitted = set(role.permissions)
    reads_text = bool(TEXT_OPERATIONS & permitted)
    for field in ("max_chars", "max_texts"):
        if reads_text and getattr(role, field) is None:
            yield Problem((field,), "is missing: expected a positive integer, the most in one request")
        if not reads_text and getattr(role, field) is not None:
            yield Problem((field,), "has no effect: the role permits no operation on texts")
    if role.ad_hoc_recognizers and not DETECTING_OPERATIONS & permitted:
        yield Problem(("ad_hoc_recognizers",), "has no effect: the role may not analyze or redact")
    if role.decision_process and "pii.analyze" not in permitted:
        yield Problem(("decision_process",), "has no effect: the role lacks pii.analyze")
    if role.languages is not None and not DETECTING_OPERATIONS & permitted:
        yield Problem(("languages",), "has no effect: the role may not analyze or redact")
    if role.languages == ():
        yield Problem(("languages",), "expected 'all' or at least one language")


def _check_purposes(role: Role, policy: Policy) -> Found:
    must_tell = "purpose" in role.requires or bool(set(policy.purpose_required) & set(role.permissions))
    if must_tell and not policy.purposes:
        yield Problem(("requires",), "asks for a purpose, and the policy lists no purposes")
    if role.purposes == ():
        yield Problem(("purposes",), "expected 'all' or at least one purpose")


def _check_rates(role: Role, _: Policy) -> Found:
    rates = role.requests_a_minute
    if rates is None and role.burst is not None:
        yield Problem(("burst",), "has no effect: the role has no requests_a_minute")
    for operation in rates if isinstance(rates, dict) else ():
        place = ("requests_a_minute", operation)
        if operation not in RATED:
            yield Problem(place, f"unknown operation{suggest(operation, RATED)}")
        elif operation in OPERATIONS and operation not in role.permissions:
            yield Problem(place, "has no effect: the role does not permit this operation")


def _check_emergency(role: Role, policy: Policy) -> Found:
    """A window is one person's, opened by a ticket and a reason, and each use of it is announced."""
    if "ticket" in role.requires and not policy.tickets:
        yield Problem(("requires",), "asks for a ticket, and the policy lists no tickets")
    if role.window_minutes is None:
        if role.windows_a_week is not None:
            yield Problem(("windows_a_week",), "has no effect: the role has no window_minutes")
        return
    if role.windows_a_week is None:
        yield Problem(("windows_a_week",), "is missing: expected how often a week a window may be opened")
    if role.held_by != "people":
        yield Problem(("held_by",), "expected people: a role with window_minutes is for persons only")
    missing = [word for word in ("purpose", "justification", "ticket") if word not in role.requires]
    if missing:
        yield Problem(("requires",), f"lacks {' and '.join(missing)}, which window_minutes needs")
    if not role.record_intent:
        yield Problem(("record_intent",), "expected true: a role with window_minutes announces each use")


def _check_approvals(role: Role, _: Policy) -> Found:
    if "approval" in role.requires and not TEXT_OPERATIONS & set(role.permissions):
        yield Problem(("requires",), "approval has no effect: the role permits no operation on texts")
    if "approval.decide" in role.permissions and role.held_by != "people":
        yield Problem(("held_by",), "expected people: an approval is a person's (approval.decide)")


ROLE_RULES: tuple[Callable[[Role, Policy], Found], ...] = (
    _check_names,
    _check_entities,
    _check_operators,
    _check_bounds,
    _check_purposes,
    _check_emergency,
    _check_approvals,
    _check_rates,
)


def _unknown_words(field: str, words: tuple[str, ...], known: frozenset[str] | set[str], kind: str) -> Found:
    for position, word in enumerate(words):
        if word not in known:
            hint = suggest(word, sorted(known))
            if kind == "entity type" and not hint:
                hint = "; an entity type of your own goes into custom_entities first"
            yield Problem((field, position), f"unknown {kind} {word!r}{hint}")
