"""The rules behind `policy check`: what is allowed to write into a policy and seldom meant.

Each rule yields advice with the code by which a file can accept it. docs/operations/policy.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from shared.identity.bounds import needed_statements
from shared.identity.covering import asks_more, covers
from shared.identity.rates import rate_of
from shared.identity.remarks import Advice, Known
from shared.identity.roles import Policy, Role
from shared.identity.terms import ENTITY_TYPES, OPERATIONS

type Found = Iterator[Advice]

REVEALS = "pii.deanonymize"
SHOWN = 4
"""Entity types that a message names; the rest are counted."""

_EMERGENCY = re.compile(r"break.?glass|emergency", re.IGNORECASE)


NEED_RECOGNIZERS = frozenset({"unlisted-entity", "entity-not-found"})
"""Codes that cannot be looked for without knowing what the recognizers find."""


def advise(policy: Policy, known: Known | None) -> list[Advice]:
    """Everything that is questionable. `known` is None where the recognizers were not looked at."""
    found = [advice for rule in POLICY_RULES for advice in rule(policy)]
    found += [advice for role in policy.roles for rule in ROLE_RULES for advice in rule(policy, role)]
    return found + (list(_check_recognizers(policy, known)) if known is not None else [])


def is_emergency(role: Role) -> bool:
    """A role with a window; or one that says by its name that it should have one."""
    return role.window_minutes is not None or _EMERGENCY.search(role.name) is not None


def _at(role: Role, *rest: str | int) -> tuple[str | int, ...]:
    return ("roles", role.name, *rest)


def _check_duties(policy: Policy, role: Role) -> Found:
    permitted = set(role.permissions)
    judging = sorted(permitted & {"audit.read", "audit.review", "approval.decide"})
    if REVEALS in permitted and judging:
        yield Advice(
            "warning",
            "separation-of-duties",
            _at(role, "permissions"),
            f"restores values and has {', '.join(judging)}: the watched would watch; make two roles of it",
        )


def _check_sensitive(policy: Policy, role: Role) -> Found:
    if not {"pii.analyze", "pii.sensitive"} <= set(role.permissions):
        return
    if "purpose" not in needed_statements(policy, role, "pii.analyze"):
        yield Advice(
            "warning",
            "sensitive-without-purpose",
            _at(role, "permissions"),
            "is told of sensitive entity types without saying why; add purpose to requires or pii.analyze "
            "to purpose_required",
        )


def _check_reveals(policy: Policy, role: Role) -> Found:
    if REVEALS not in role.permissions:
        return
    asked = needed_statements(policy, role, REVEALS)
    if "purpose" not in asked:
        yield Advice(
            "warning",
            "reveal-without-purpose",
            _at(role, "permissions"),
            f"restores values without a purpose; add {REVEALS} to purpose_required",
        )
    if "justification" not in asked and "approval" not in asked:
        yield Advice(
            "note",
            "reveal-alone",
            _at(role, "permissions"),
            f"restores values with neither a reason in words nor a second person; add {REVEALS} to "
            "justification_required or to four_eyes",
        )


def _check_emergency(policy: Policy, role: Role) -> Found:
    if not is_emergency(role):
        if {REVEALS, "pii.sensitive", "audit.read", "service.operate"} <= set(role.permissions):
            yield Advice(
                "warning",
                "everything-in-one-role",
                _at(role, "permissions"),
                "permits almost everything and is no emergency role; give it window_minutes or divide it",
            )
        return
    missing = [word for word in ("justification", "ticket") if word not in role.requires]
    if role.window_minutes is None:
        missing.append("window_minutes")
    if not role.record_intent:
        missing.append("record_intent")
    if missing:
        yield Advice(
            "warning",
            "emergency-without-bounds",
            _at(role),
            f"is an emergency role and lacks {', '.join(missing)}",
        )


def _check_ad_hoc(policy: Policy, role: Role) -> Found:
    if role.ad_hoc_recognizers and role.held_by != "people":
        yield Advice(
            "note",
            "ad-hoc-for-apps",
            _at(role, "ad_hoc_recognizers"),
            "lets programs bring their own patterns, which cost time; configure them, or set held_by: people",
        )


def _check_operators(policy: Policy, role: Role) -> Found:
    for position, name in enumerate(role.operators):
        if name in ("surrogate_ahds", "custom"):
            yield Advice(
                "warning",
                "foreign-operator",
                _at(role, "operators", position),
                f"{name} hands the text to something outside; leave it out unless that is wanted",
            )


def _check_rates(policy: Policy, role: Role) -> Found:
    without = [
        name
        for name in OPERATIONS
        if name in role.permissions and rate_of(role.requests_a_minute, role.burst, name) is None
    ]
    if without:
        yield Advice(
            "warning",
            "rate-missing",
            _at(role, "requests_a_minute"),
            f"sets no rate for {', '.join(without)}: a program that runs wild is not stopped",
        )


def _check_order(policy: Policy, role: Role) -> Found:
    earlier = policy.roles[: policy.roles.index(role)]
    for first in earlier:
        if is_emergency(first) and not is_emergency(role) and set(first.permissions) & set(role.permissions):
            yield Advice(
                "warning",
                "emergency-first",
                _at(role),
                f"comes after the emergency role {first.name}: ordinary calls of who holds both would be "
                "emergencies; put emergency roles last",
            )
        elif covers(policy, first, role):
            yield _shadowed(policy, first, role)


def _shadowed(policy: Policy, first: Role, role: Role) -> Advice:
    lost = asks_more(policy, role, first)
    if lost:
        message = f"is never used by who also holds {first.name}, which does not ask for {', '.join(lost)}"
        return Advice("warning", "shadowed-role", _at(role), f"{message}; put this one first")
    message = f"is never used by who also holds {first.name}, which comes first and allows all of it"
    return Advice("note", "shadowed-role", _at(role), f"{message}; one of the two may be superfluous")


def _check_purposes(policy: Policy) -> Found:
    if not policy.purposes:
        return
    asked = policy.purpose_required or any("purpose" in role.requires for role in policy.roles)
    if not asked:
        yield Advice("note", "unused-purpose", ("purposes",), "are listed, and nothing asks for one")
    if any(role.purposes is None for role in policy.roles):
        return
    given = {purpose for role in policy.roles for purpose in role.purposes or ()}
    for position, purpose in enumerate(policy.purposes):
        if purpose not in given:
            yield Advice(
                "note", "unused-purpose", ("purposes", position), f"{purpose!r} may be given by no role"
            )


def _check_watchers(policy: Policy) -> Found:
    permitted = {permission for role in policy.roles for permission in role.permissions}
    for permission, what in (("audit.read", "read the records"), ("audit.review", "decide about access")):
        if permission not in permitted:
            yield Advice(
                "warning", "nobody-watches", ("roles",), f"no role may {what}: {permission} is missing"
            )
    if policy.refused_a_minute is None:
        yield Advice(
            "warning",
            "rate-missing",
            ("refused_a_minute",),
            "is not set: refused calls are not limited, so a flood of them fills the ledger",
        )


def _check_recognizers(policy: Policy, known: Known) -> Found:
    for name in sorted(known.found - ENTITY_TYPES - set(policy.custom_entities)):
        yield Advice(
            "warning",
            "unlisted-entity",
            ("custom_entities",),
            f"lacks {name!r}, which a configured recognizer finds: no rule of this policy can name it",
        )
    idle = [name for name in policy.custom_entities if name not in known.found]
    if idle:
        yield Advice(
            "note",
            "entity-not-found",
            ("custom_entities",),
            f"{_few(idle)}: no recognizer finds that",
        )
    missing = sorted(policy.sensitive - known.found - set(idle))
    if missing:
        yield Advice(
            "note",
            "entity-not-found",
            ("sensitive_entities",),
            f"{_few(missing)}: no recognizer finds that",
        )


def _few(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


POLICY_RULES: tuple[Callable[[Policy], Found], ...] = (_check_purposes, _check_watchers)

ROLE_RULES: tuple[Callable[[Policy, Role], Found], ...] = (
    _check_duties,
    _check_sensitive,
    _check_reveals,
    _check_emergency,
    _check_ad_hoc,
    _check_operators,
    _check_rates,
    _check_order,
)
