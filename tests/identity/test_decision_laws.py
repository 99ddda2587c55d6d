"""Laws that hold for every policy, caller and request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import AccessDenied
from shared.identity.caller import Caller
from shared.identity.decisions import Demand, decide
from shared.identity.roles import Policy, Role
from shared.identity.standing import describe
from shared.identity.terms import OPEN_OPERATIONS, OPERATIONS, TEXT_OPERATIONS
from tests.support.identities import make_caller

ENTITIES = ["PERSON", "US_SSN", "URL", "IBAN_CODE"]
OPERATORS = ["replace", "keep", "decrypt"]
PURPOSES = ["first", "second"]
ROLES = ["One", "Two", "Three"]
PERMISSIONS = [*OPERATIONS, "pii.sensitive"]

limits = st.integers(1, 20)


def subsets(words: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(words), unique=True).map(tuple)


def make_roles(name: str) -> st.SearchStrategy[Role]:
    return st.builds(
        lambda **fields: Role.model_construct(name=name, **fields),
        held_by=st.sampled_from(["people", "apps", "both"]),
        permissions=subsets(PERMISSIONS),
        entities=st.none() | subsets(ENTITIES),
        denied_entities=subsets(ENTITIES),
        operators=subsets(OPERATORS),
        languages=st.none() | subsets(["en", "de"]),
        ad_hoc_recognizers=st.booleans(),
        decision_process=st.booleans(),
        max_chars=limits,
        max_texts=limits,
        purposes=st.none() | subsets(PURPOSES),
        requires=subsets(["purpose", "justification", "ticket", "approval"]),
        window_minutes=st.sampled_from([None, 240]),
        windows_a_week=st.just(3),
        record_intent=st.booleans(),
    )


policies: st.SearchStrategy[Policy] = st.builds(
    lambda roles, **fields: Policy.model_construct(version=1, custom_entities=(), roles=roles, **fields),
    roles=st.tuples(*map(make_roles, ROLES)).flatmap(st.permutations).map(tuple),
    purposes=st.just(tuple(PURPOSES)),
    tickets=st.sampled_from([(), ("INC-1",)]),
    four_eyes=subsets(sorted(TEXT_OPERATIONS)),
    purpose_required=subsets(list(OPERATIONS)),
    justification_required=subsets(list(OPERATIONS)),
    sensitive_entities=subsets(ENTITIES),
)

callers: st.SearchStrategy[Caller] = st.builds(
    lambda roles, kind: make_caller(*roles, kind=kind),
    subsets([*ROLES, "Unknown"]),
    st.sampled_from(["person", "app"]),
)

demands: st.SearchStrategy[Demand] = st.builds(
    Demand,
    operation=st.sampled_from([*OPERATIONS, *OPEN_OPERATIONS]),
    entities=st.none() | subsets([*ENTITIES, "MADE_UP"]),
    operators=subsets([*OPERATORS, "made_up"]),
    language=st.sampled_from([None, "en", "fr"]),
    texts=st.integers(0, 21),
    chars=st.integers(0, 21),
    ad_hoc_recognizers=st.integers(0, 1),
    decision_process=st.booleans(),
    purpose=st.sampled_from([None, *PURPOSES, "made-up"]),
    justification=st.sampled_from([None, "because it was asked for", "no"]),
    ticket=st.sampled_from([None, "INC-7", "Jane Doe"]),
    approval=st.sampled_from([None, "01J9ZK6N7Q8R9STVWXYZ012345/7", "../7"]),
    asks=st.booleans(),
)


def with_role(policy: Policy, index: int, **changes: Any) -> Policy:
    roles = list(policy.roles)
    roles[index] = roles[index].model_copy(update=changes)
    return policy.model_copy(update={"roles": tuple(roles)})


def is_allowed(caller: Caller, policy: Policy, demand: Demand) -> bool:
    return decide(caller, policy, demand).allowed


@settings(max_examples=300, deadline=None)
@given(callers, policies, demands)
def test_one_role_allows_it_alone(caller: Caller, policy: Policy, demand: Demand) -> None:
    """What a caller may do with several roles, it may do with one of them alone: the one that is named."""
    decision = decide(caller, policy, demand)
    if demand.operation == "identity.read":
        assert decision.allowed
        return
    alone = [decide(replace(caller, roles=(name,)), policy, demand) for name in caller.roles]
    assert decision.allowed == any(one.allowed for one in alone)
    if decision.allowed:
        assert decision.role in caller.roles
        assert decision == decide(replace(caller, roles=(str(decision.role),)), policy, demand)


@settings(max_examples=300, deadline=None)
@given(callers, policies, demands, st.data())
def test_taking_away_never_allows_more(
    caller: Caller, policy: Policy, demand: Demand, data: st.DataObject
) -> None:
    """No permission, operator, switch or bound that is taken from a role makes a refused call allowed."""
    index = data.draw(st.integers(0, len(policy.roles) - 1))
    role = policy.roles[index]
    change: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"permissions": role.permissions[1:]},
                {"operators": role.operators[1:]},
                {"denied_entities": tuple(ENTITIES)},
                {"entities": (role.entities or ())[1:]},
                {"languages": (role.languages or ())[1:]},
                {"ad_hoc_recognizers": False},
                {"decision_process": False},
                {"max_chars": 1},
                {"max_texts": 1},
                {"purposes": (role.purposes or ())[1:]},
                {"requires": ("purpose", "justification", "ticket", "approval")},
            ]
        )
    )
    if not is_allowed(caller, policy, demand):
        assert not is_allowed(caller, with_role(policy, index, **change), demand)


@settings(max_examples=300, deadline=None)
@given(callers, policies, demands, st.data())
def test_asking_for_less_is_never_refused(
    caller: Caller, policy: Policy, demand: Demand, data: st.DataObject
) -> None:
    """A request within an allowed one is allowed, so the question may be asked before the body is parsed."""
    smaller = data.draw(
        st.sampled_from(
            [
                replace(
                    Demand(demand.operation, asks=demand.asks),
                    purpose=demand.purpose,
                    justification=demand.justification,
                    ticket=demand.ticket,
                    approval=demand.approval,
                ),
                replace(demand, entities=None),
                replace(demand, entities=(demand.entities or ())[1:]),
                replace(demand, operators=demand.operators[1:]),
                replace(demand, chars=demand.chars // 2, texts=demand.texts // 2),
                replace(demand, ad_hoc_recognizers=0, decision_process=False, language=None),
            ]
        )
    )
    if is_allowed(caller, policy, demand):
        assert is_allowed(caller, policy, smaller)


@settings(max_examples=300, deadline=None)
@given(callers, policies, st.sampled_from(ENTITIES))
def test_search_tells_what_could_be_asked_for(caller: Caller, policy: Policy, entity: str) -> None:
    """A role has a type searched where none is named just if it could ask for that type by name."""
    for role in caller.roles:
        alone = replace(caller, roles=(role,))
        decision = decide(alone, policy, Demand("pii.analyze"))
        if not decision.allowed:
            continue
        try:
            searched = decision.searched(ENTITIES)
        except AccessDenied:
            searched = ()
        by_name = is_allowed(alone, policy, Demand("pii.analyze", entities=(entity,)))
        assert by_name == (searched is None or entity in searched)


@settings(max_examples=200, deadline=None)
@given(callers, policies, demands)
def test_kinds_are_kept_apart(caller: Caller, policy: Policy, demand: Demand) -> None:
    """A role for the other kind grants nothing, whatever it permits."""
    decision = decide(caller, policy, demand)
    granted = [role for role in policy.roles if role.name == decision.role]
    for role in granted:
        assert role.held_by in ("both", "people" if caller.kind == "person" else "apps")


@settings(max_examples=200, deadline=None)
@given(callers, policies)
def test_whoami_tells_the_truth(caller: Caller, policy: Policy) -> None:
    """What /whoami says of each operation is what would be decided."""
    for told in describe(caller, policy)["operations"]:
        decision = decide(caller, policy, Demand(told["operation"]))
        assert (told["allowed"], told["reason"]) == (decision.allowed, decision.reason)
