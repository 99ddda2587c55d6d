"""What of a role is not used, which other role would do, and the narrower rules that would.

Nothing is proposed that would refuse a call which was observed. What records do not tell (the operators that
a request of an older version named, an entity type of the caller's own) counts as all that the role allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shared.review.policy_view import (
    ANALYZE,
    DETECTING_OPERATIONS,
    OPEN_OPERATIONS,
    OPERATOR_OPERATIONS,
    SENSITIVE,
    TEXT_OPERATIONS,
    PolicyView,
    RoleView,
    Words,
)
from shared.review.uses import Exercise

NONE: Words = frozenset()


@dataclass(frozen=True, slots=True)
class Unused:
    """Parts of a role that no call needed. `entities`: the role allows types that were never asked for."""

    permissions: Words = NONE
    operators: Words = NONE
    entities: bool = False

    @property
    def is_any(self) -> bool:
        """True where there is such a part."""
        return bool(self.permissions or self.operators or self.entities)


def join(exercises: Iterable[Exercise]) -> Exercise:
    """What several callers needed, all together."""
    joined = Exercise()
    for one in exercises:
        names = joined.without.keys() | one.without.keys()
        joined = Exercise(
            operations=joined.operations | one.operations,
            entities=joined.entities | one.entities,
            is_unrestricted=joined.is_unrestricted or one.is_unrestricted,
            operators=joined.operators | one.operators,
            has_unknown_operators=joined.has_unknown_operators or one.has_unknown_operators,
            languages=joined.languages | one.languages,
            ad_hoc_recognizers=joined.ad_hoc_recognizers or one.ad_hoc_recognizers,
            decision_process=joined.decision_process or one.decision_process,
            most_chars=max(joined.most_chars, one.most_chars),
            most_texts=max(joined.most_texts, one.most_texts),
            purposes=joined.purposes | one.purposes,
            without={name: joined.without.get(name, NONE) | one.without.get(name, NONE) for name in names},
        )
    return joined


def needed_permissions(use: Exercise, sensitive: Words) -> Words:
    """The permissions that the calls needed."""
    needed = use.operations - OPEN_OPERATIONS
    tells = ANALYZE in needed and use.entities & sensitive
    return needed | {SENSITIVE} if tells else needed


def find_unused(role: RoleView, use: Exercise, sensitive: Words, share: float) -> Unused:
    """The parts that no call needed; operators and entity types only where they are at least this share."""
    needed = needed_permissions(use, sensitive)
    if ANALYZE in needed and role.entities is not None and role.entities <= sensitive:
        needed |= {SENSITIVE}  # without it, nothing would be left to be told of
    if not needed & role.permissions:
        return Unused()
    return Unused(
        permissions=role.permissions - needed,
        operators=_idle_operators(role, use, share) if needed & OPERATOR_OPERATIONS else NONE,
        entities=ANALYZE in needed and _has_idle_entities(role, use, share),
    )


def _idle_operators(role: RoleView, use: Exercise, share: float) -> Words:
    idle = role.operators - use.operators
    if use.has_unknown_operators or idle == role.operators or len(idle) < share * len(role.operators):
        return NONE
    return idle


def _has_idle_entities(role: RoleView, use: Exercise, share: float) -> bool:
    if use.is_unrestricted or not use.entities:
        return False
    if role.entities is None:
        return True
    idle = role.entities - use.entities
    return idle != role.entities and bool(idle) and len(idle) >= share * len(role.entities)


def covers(candidate: RoleView, role: RoleView, use: Exercise, sensitive: Words) -> bool:
    """True where the candidate would have allowed every call that `use`, under `role`, consists of."""
    return (
        needed_permissions(use, sensitive) <= candidate.permissions
        and (candidate.languages is None or use.languages <= candidate.languages)
        and (ANALYZE not in use.operations or _covers_entities(candidate, role, use, sensitive))
        and use.operators <= candidate.operators
        and (not use.has_unknown_operators or role.operators <= candidate.operators)
        and (candidate.ad_hoc_recognizers or not use.ad_hoc_recognizers)
        and (candidate.decision_process or not use.decision_process)
        and use.most_chars <= (candidate.max_chars or 0)
        and use.most_texts <= (candidate.max_texts or 0)
        and (candidate.purposes is None or use.purposes <= candidate.purposes)
        and not any(candidate.statements.get(name, NONE) & lacking for name, lacking in use.without.items())
        and _covers_rates(candidate, role, use)
    )


def _covers_entities(candidate: RoleView, role: RoleView, use: Exercise, sensitive: Words) -> bool:
    """Named and told types must be allowed; a call that named none must find what it could find before."""
    hidden = candidate.denied_entities | (NONE if SENSITIVE in candidate.permissions else sensitive)
    if use.entities & hidden or not (candidate.entities is None or use.entities <= candidate.entities):
        return False
    if not use.is_unrestricted:
        return True
    if role.entities is None:
        return candidate.entities is None and candidate.denied_entities <= role.denied_entities
    found = role.entities - (NONE if SENSITIVE in candidate.permissions else sensitive)
    return not found & candidate.denied_entities and (
        candidate.entities is None or found <= candidate.entities
    )


def _covers_rates(candidate: RoleView, role: RoleView, use: Exercise) -> bool:
    """Records do not tell how close calls came to a rate, so none may be lower than it was."""
    for operation in use.operations:
        bound = candidate.requests_a_minute.get(operation)
        if bound is None:
            continue
        before = role.requests_a_minute.get(operation)
        if before is None or bound < before or (candidate.burst or bound) < (role.burst or before):
            return False
    return True


def is_narrower(candidate: RoleView, role: RoleView) -> bool:
    """True where the candidate is wider in nothing, and narrower in permissions, operators or entities."""
    not_wider = (
        candidate.permissions <= role.permissions
        and candidate.operators <= role.operators
        and _is_within(candidate.entities, role.entities)
        and (candidate.entities is not None or role.denied_entities <= candidate.denied_entities)
        and _is_within(candidate.languages, role.languages)
        and candidate.ad_hoc_recognizers <= role.ad_hoc_recognizers
        and candidate.decision_process <= role.decision_process
        and (candidate.max_chars or 0) <= (role.max_chars or 0)
        and (candidate.max_texts or 0) <= (role.max_texts or 0)
    )
    return not_wider and _width(candidate) != _width(role)


def _is_within(words: Words | None, others: Words | None) -> bool:
    return others is None or (words is not None and words <= others)


def _width(role: RoleView) -> tuple[Words, Words, Words | None, Words]:
    return role.permissions, role.operators, role.entities, role.denied_entities


def find_narrower_role(policy: PolicyView, role: RoleView, use: Exercise, kind: str) -> RoleView | None:
    """The narrowest other role of the policy that this kind of principal may use and that covers the use."""
    sensitive = policy.sensitive_entities
    fitting = [
        candidate
        for candidate in policy.roles
        if candidate.name != role.name
        and not candidate.is_emergency
        and candidate.grants(kind)
        and is_narrower(candidate, role)
        and covers(candidate, role, use, sensitive)
    ]
    return min(fitting, key=_size, default=None)


def _size(role: RoleView) -> tuple[int, int, float]:
    entities = float("inf") if role.entities is None else len(role.entities)
    return len(role.permissions), len(role.operators), entities


def narrow(role: RoleView, use: Exercise, unused: Unused, sensitive: Words) -> RoleView:
    """The role without its unused parts, and without what has no effect then."""
    permissions = role.permissions - unused.permissions
    if unused.entities:
        used = use.entities if role.entities is None else use.entities & role.entities
        role = replace(role, entities=used, denied_entities=NONE)
    if role.entities is not None and SENSITIVE not in permissions:
        role = replace(role, entities=role.entities - sensitive)
    if unused.operators:
        role = replace(role, operators=role.operators - unused.operators)
    if ANALYZE not in permissions:
        role = replace(role, entities=None, denied_entities=NONE, decision_process=False)
    if not permissions & OPERATOR_OPERATIONS:
        role = replace(role, operators=NONE)
    if not permissions & DETECTING_OPERATIONS:
        role = replace(role, ad_hoc_recognizers=False, languages=None)
    if not permissions & TEXT_OPERATIONS:
        role = replace(role, max_chars=None, max_texts=None, requires=role.requires - {"approval"})
    return replace(_without_rates(role, unused.permissions), permissions=permissions)


def _without_rates(role: RoleView, permissions: Words) -> RoleView:
    """A rate for every operation stays as it is; one of an operation that goes would have no effect."""
    if not role.requests_a_minute.keys() <= role.permissions | OPEN_OPERATIONS:
        return role
    rates = {name: rate for name, rate in role.requests_a_minute.items() if name not in permissions}
    return replace(role, requests_a_minute=rates, burst=role.burst if rates else None)


PATCHED = (
    "permissions",
    "entities",
    "denied_entities",
    "operators",
    "languages",
    "ad_hoc_recognizers",
    "decision_process",
    "max_chars",
    "max_texts",
    "requires",
    "requests_a_minute",
    "burst",
)


def render_patch(role: RoleView, narrowed: RoleView) -> Mapping[str, object]:
    """The fields that change, as the policy file has them; None for a field that is left out."""
    changed: dict[str, object] = {}
    for name in PATCHED:
        value = getattr(narrowed, name)
        if value != getattr(role, name):
            changed[name] = (sorted(value) if isinstance(value, frozenset) else value) or None
    return changed
