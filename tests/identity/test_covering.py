"""Whether one role allows all that another does, held against the decisions themselves."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.identity.covering import asks_more, covers
from shared.identity.decisions import Demand, decide
from shared.identity.roles import Policy, Role
from shared.identity.terms import OPERATIONS
from tests.support.identities import default_policy, make_caller

ENTITIES = ["PERSON", "US_SSN", "URL"]
OPERATORS = ["replace", "decrypt"]
PURPOSES = ["first", "second"]
FIELDS = sorted(set(Role.model_fields) - {"name"})


def subsets(words: list[str], fewest: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(words), unique=True, min_size=fewest).map(tuple)


def some(words: list[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
    return st.none() | subsets(words, 1)


def make_roles(name: str) -> st.SearchStrategy[Role]:
    return st.builds(
        lambda **fields: Role.model_construct(name=name, **fields),
        held_by=st.sampled_from(["people", "both"]),
        permissions=subsets(["pii.analyze", "pii.redact", "pii.sensitive", "audit.read"], 1),
        entities=some(ENTITIES),
        denied_entities=subsets(ENTITIES),
        operators=subsets(OPERATORS),
        languages=some(["en", "de"]),
        ad_hoc_recognizers=st.booleans(),
        decision_process=st.booleans(),
        max_chars=st.integers(1, 3),
        max_texts=st.integers(1, 2),
        purposes=some(PURPOSES),
        requires=subsets(["purpose", "justification"]),
    )


policies: st.SearchStrategy[Policy] = st.builds(
    lambda wide, narrow, **fields: Policy.model_construct(version=1, roles=(wide, narrow), **fields),
    wide=make_roles("Wide"),
    narrow=make_roles("Narrow"),
    purposes=st.just(tuple(PURPOSES)),
    sensitive_entities=subsets(ENTITIES),
)

demands: st.SearchStrategy[Demand] = st.builds(
    Demand,
    operation=st.sampled_from(["pii.analyze", "pii.redact", "audit.read"]),
    entities=st.none() | subsets(ENTITIES),
    operators=subsets(OPERATORS),
    language=st.sampled_from([None, "en", "de"]),
    texts=st.integers(0, 2),
    chars=st.integers(0, 3),
    ad_hoc_recognizers=st.integers(0, 1),
    decision_process=st.booleans(),
    purpose=st.sampled_from([None, *PURPOSES]),
    justification=st.sampled_from([None, "because it was asked for"]),
)


def allows(policy: Policy, name: str, demand: Demand) -> bool:
    return decide(make_caller(name), policy, demand).allowed


def widened(role: Role, **more: Any) -> Role:
    return role.model_copy(update={"name": "Wide", **more})


@settings(max_examples=600, deadline=None)
@given(policies, st.sets(st.sampled_from(FIELDS), max_size=3), st.lists(demands, min_size=5, max_size=20))
def test_what_a_covering_role_allows(policy: Policy, changed: set[str], many: list[Demand]) -> None:
    """A role that covers another allows every call that the other allows. The two differ in a few fields."""
    other, narrow = policy.roles
    wide = widened(narrow, **{field: getattr(other, field) for field in changed})
    policy = policy.model_copy(update={"roles": (wide, narrow)})
    event(f"covers: {covers(policy, wide, narrow)}")
    if covers(policy, wide, narrow):
        for demand in many:
            assert allows(policy, "Wide", demand) or not allows(policy, "Narrow", demand)


@settings(max_examples=200, deadline=None)
@given(policies, st.sampled_from(OPERATORS))
def test_a_role_covers_itself_and_what_it_was_made_wider_from(policy: Policy, operator: str) -> None:
    """More of anything covers what there was before."""
    narrow = policy.roles[1]
    more: dict[str, Any] = {
        "operators": tuple({*narrow.operators, operator}),
        "max_chars": (narrow.max_chars or 0) + 1,
        "requires": (),
        "purposes": None,
        "languages": None,
    }
    wide = widened(narrow, **more)
    both = policy.model_copy(update={"roles": (wide, narrow)})
    assert covers(both, narrow, narrow)
    assert covers(both, wide, narrow)
    assert not covers(both, narrow, wide)


def test_no_default_role_is_shadowed() -> None:
    """In the default policy no earlier role takes all calls of a later one."""
    policy = default_policy()
    assert [
        (first.name, role.name)
        for number, role in enumerate(policy.roles)
        for first in policy.roles[:number]
        if covers(policy, first, role)
    ] == []


def test_what_a_stricter_role_asks_for() -> None:
    """The statements and announcements that one role has and the other has not."""
    policy = default_policy()
    roles = {role.name: role for role in policy.roles}
    strict, lax = roles["Pii.BreakGlass"], roles["Pii.Analyst"]
    assert asks_more(policy, strict, lax) == (
        "a limited time",
        "an intent record",
        "justification",
        "purpose",
        "ticket",
    )
    assert asks_more(policy, lax, strict) == ()
    assert set(lax.permissions) & set(OPERATIONS) <= set(strict.permissions)
