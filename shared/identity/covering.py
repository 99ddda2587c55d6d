"""Whether one role allows all that another does: who holds both is never granted a call by the second."""

from __future__ import annotations

from shared.identity.bounds import needed_statements
from shared.identity.roles import Policy, Role
from shared.identity.terms import OPERATIONS

NO_BOUND = 10**9


class _Types:
    """A set of entity types: those listed, or (`is_all`) all but those listed."""

    def __init__(self, names: frozenset[str], *, is_all: bool) -> None:
        self.names = names
        self.is_all = is_all

    def __le__(self, other: _Types) -> bool:
        if self.is_all and other.is_all:
            return other.names <= self.names
        if self.is_all:
            return False
        return not (self.names & other.names) if other.is_all else self.names <= other.names


def covers(policy: Policy, wide: Role, narrow: Role) -> bool:
    """True where every call that `narrow` allows is allowed by `wide`, whatever the caller says and sends.

    `decide` takes the roles one by one, so this compares them bound by bound.
    """
    return (
        wide.held_by in ("both", narrow.held_by)
        and set(narrow.permissions) <= set(wide.permissions)
        and _covers_words(policy, wide, narrow)
        and wide.ad_hoc_recognizers >= narrow.ad_hoc_recognizers
        and wide.decision_process >= narrow.decision_process
        and (wide.max_chars or 0) >= (narrow.max_chars or 0)
        and (wide.max_texts or 0) >= (narrow.max_texts or 0)
        and all(more >= less for more, less in zip(_window(wide), _window(narrow), strict=True))
        and not _asks_more(policy, wide, narrow)
    )


def asks_more(policy: Policy, strict: Role, lax: Role) -> tuple[str, ...]:
    """What `strict` asks for or does at some call that both permit, and `lax` does not."""
    more = _asks_more(policy, strict, lax)
    if strict.record_intent and not lax.record_intent:
        more.add("an intent record")
    if strict.window_minutes is not None and lax.window_minutes is None:
        more.add("a limited time")
    return tuple(sorted(more))


def _asks_more(policy: Policy, strict: Role, lax: Role) -> set[str]:
    return {
        statement
        for operation in OPERATIONS
        if operation in strict.permissions and operation in lax.permissions
        for statement in {*needed_statements(policy, strict, operation)}
        - {*needed_statements(policy, lax, operation)}
    }


def _window(role: Role) -> tuple[int, int]:
    """How long and how often a role may be used; more than any bound where it has none."""
    if role.window_minutes is None:
        return NO_BOUND, NO_BOUND
    return role.window_minutes, role.windows_a_week or 0


def _covers_words(policy: Policy, wide: Role, narrow: Role) -> bool:
    return (
        _told(policy, narrow) <= _told(policy, wide)
        and set(narrow.operators) <= set(wide.operators)
        and _within(narrow.languages, wide.languages)
        and _within(narrow.purposes or policy.purposes, wide.purposes or policy.purposes)
    )


def _told(policy: Policy, role: Role) -> _Types:
    """The entity types that /analyze may tell this role of."""
    if "pii.analyze" not in role.permissions:
        return _Types(frozenset(), is_all=False)
    hidden = set() if "pii.sensitive" in role.permissions else set(policy.sensitive)
    if role.entities is None:
        return _Types(frozenset(hidden | set(role.denied_entities)), is_all=True)
    return _Types(frozenset(set(role.entities) - hidden - set(role.denied_entities)), is_all=False)


def _within(few: tuple[str, ...] | None, many: tuple[str, ...] | None) -> bool:
    return many is None or (few is not None and set(few) <= set(many))
