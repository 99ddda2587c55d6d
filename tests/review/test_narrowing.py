"""What a review proposes would have refused no call that was observed: held against the policy itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import strategies as st

from shared.errors import AccessDenied
from shared.identity.caller import Caller
from shared.identity.decisions import Demand, decide
from shared.identity.policy_rules import ROLE_RULES
from shared.identity.roles import Policy, Role
from shared.identity.shapes import Problem
from shared.identity.terms import (
    DETECTING_OPERATIONS,
    OPEN_OPERATIONS,
    OPERATOR_OPERATIONS,
    OPERATORS,
    TEXT_OPERATIONS,
)
from shared.records.digests import DigestKey
from shared.records.model import Outcome, Where
from shared.review.directory import Directory, Grant, Principal
from shared.review.findings import Finding
from shared.review.options import ReviewOptions
from shared.review.reviewing import review_access
from shared.review.usage import UsageBuilder
from shared.usecases.calls import Call, Result, Work
from shared.usecases.recording import Draft, Recorder, Vocabulary
from shared.usecases.reviews.policy import view_policy
from tests.support.organisation import NOW, START
from tests.support.organisation_review import WINDOW
from tests.support.records import ENGINE, SERVICE

TENANT = "6f1d2a34-5b6c-4d7e-8f90-a1b2c3d4e5f6"
ENTITIES = ("PERSON", "US_SSN", "URL", "IBAN_CODE")
SENSITIVE = ("US_SSN", "IBAN_CODE")
RUN = ("replace", "keep", "mask", "decrypt")
PURPOSES = ("first", "second")
ROLES = ("One", "Two", "Three")
PERMISSIONS = (*sorted(TEXT_OPERATIONS), "pii.sensitive", "audit.read", "audit.review", "service.operate")
OPTIONS = ReviewOptions(narrow_min_calls=1, narrow_unused_share=0.01)
APPROVAL = "01JD0000000000000000000000/1"


def some(words: Sequence[str], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """A part of the words, in any order."""
    if not words:
        return st.just(())
    return st.lists(st.sampled_from(words), unique=True, min_size=least).map(tuple)


@st.composite
def roles(draw: st.DrawFn, name: str) -> Role:
    """A role as the policy's linter accepts it."""
    permitted = set(draw(some(PERMISSIONS, 1)))
    if "pii.analyze" not in permitted:
        permitted.discard("pii.sensitive")
    permitted = permitted or {"audit.read"}
    fields: dict[str, Any] = {"held_by": draw(st.sampled_from(["people", "both"]))}
    if permitted & TEXT_OPERATIONS:
        fields |= {"max_chars": draw(st.integers(3, 9)), "max_texts": draw(st.integers(1, 4))}
        if draw(st.integers(0, 3)) == 0:
            fields["requires"] = ("approval",)
    if permitted & DETECTING_OPERATIONS:
        fields |= {
            "ad_hoc_recognizers": draw(st.booleans()),
            "languages": draw(st.none() | some(["en", "de"], 1)),
        }
    if permitted & OPERATOR_OPERATIONS:
        fields["operators"] = draw(some(RUN, 1))
    if "pii.analyze" in permitted:
        fields |= _entities(draw, "pii.sensitive" in permitted)
    if draw(st.booleans()):
        rates = st.sampled_from([1, 2])
        fields["requests_a_minute"] = draw(
            rates | st.dictionaries(st.sampled_from(sorted(permitted - {"pii.sensitive"})), rates, min_size=1)
        )
    fields["purposes"] = draw(st.none() | some(PURPOSES, 1))
    given_fields = {field: value for field, value in fields.items() if value is not None}
    return Role(name=name, permissions=tuple(sorted(permitted)), **given_fields)


def _entities(draw: st.DrawFn, is_trusted: bool) -> dict[str, Any]:
    allowed = ENTITIES if is_trusted else tuple(set(ENTITIES) - set(SENSITIVE))
    is_listed = draw(st.booleans())
    return {
        "decision_process": draw(st.booleans()),
        "entities": draw(some(sorted(allowed), 1)) if is_listed else None,
        "denied_entities": () if is_listed else draw(some(ENTITIES)),
    }


policies: st.SearchStrategy[Policy] = st.builds(
    lambda roles, **fields: Policy(
        version=1, tickets=("INC-1",), sensitive_entities=SENSITIVE, roles=roles, **fields
    ),
    roles=st.tuples(*map(roles, ROLES)),
    purposes=st.just(PURPOSES),
    four_eyes=some(sorted(TEXT_OPERATIONS)),
    purpose_required=some(["pii.analyze", "pii.deanonymize", "audit.read"]),
    justification_required=some(["pii.redact", "audit.review"]),
)


@st.composite
def demands(draw: st.DrawFn, role: Role) -> Demand:
    """A request that the role permits as a rule; now and then one that it does not."""
    permitted = sorted(set(role.permissions) - {"pii.sensitive"})
    operation = draw(st.sampled_from([*permitted, *permitted, *OPEN_OPERATIONS]))
    fields: dict[str, Any] = {
        "purpose": draw(st.sampled_from([None, *(role.purposes or PURPOSES)])),
        "justification": draw(st.sampled_from([None, "because it must be"])),
        "approval": draw(st.sampled_from([None, APPROVAL, APPROVAL])),
    }
    if operation in TEXT_OPERATIONS:
        fields |= {"texts": draw(st.integers(0, role.max_texts or 0)), "chars": draw(st.integers(0, 9))}
    if operation in OPERATOR_OPERATIONS:
        fields["operators"] = draw(some(role.operators))
    if operation in DETECTING_OPERATIONS:
        told = sorted(set(role.entities or ENTITIES) - set(role.denied_entities))
        fields["entities"] = draw(st.none() | some(told) | some([*ENTITIES, "MADE_UP"]))
        fields["ad_hoc_recognizers"] = draw(st.sampled_from([0, 0, int(role.ad_hoc_recognizers)]))
    if operation in DETECTING_OPERATIONS or operation == "catalog.read":
        fields["language"] = draw(st.sampled_from([None, *(role.languages or ("en", "fr"))]))
    if operation == "pii.analyze":
        fields["decision_process"] = draw(st.booleans()) and role.decision_process
    return Demand(operation, **fields)


def cases(policy: Policy) -> st.SearchStrategy[tuple[Policy, list[tuple[int, Demand]]]]:
    """The policy, and requests of two persons with its first role."""
    wanted = st.lists(st.tuples(st.integers(1, 2), demands(policy.roles[0])), max_size=6)
    return st.tuples(st.just(policy), wanted)


@dataclass(frozen=True, slots=True)
class Observed:
    """A call that was allowed."""

    caller: Caller
    demand: Demand


def caller_of(number: int, *held: str) -> Caller:
    """A person with these roles."""
    return Caller("person", "entra", TENANT, f"person-{number}", "app", held, None, 0)


def searched(policy: Policy, call: Observed) -> Sequence[str]:
    """What an analysis that names nothing may look for; nothing of other operations, which tell nothing."""
    if call.demand.operation != "pii.analyze":
        return ()
    return decide(call.caller, policy, call.demand).searched(ENTITIES) or ENTITIES


def is_served(policy: Policy, call: Observed) -> bool:
    """True where the policy allows the call and leaves it something to look for."""
    try:
        return decide(call.caller, policy, call.demand).allowed and searched(policy, call) is not None
    except AccessDenied:
        return False


def observe(policy: Policy, calls: list[Observed], builder: UsageBuilder, draw: st.DataObject) -> None:
    """Record the calls as the service does, and let the builder see the records."""
    recorder = Recorder(DigestKey(b"k" * 32), ENGINE, SERVICE, policy.digest)
    words = Vocabulary(ENTITIES, (), OPERATORS, ("en", "de"))
    for index, call in enumerate(calls):
        decision = decide(call.caller, policy, call.demand)
        received = NOW - timedelta(days=3, minutes=index)
        draft = Draft(
            Call("id", received, 0, {}, {}, {}, b"", None),
            call.demand.operation,
            Where(),
            call.caller,
            decision,
        )
        draft.work = Work(call.demand, lambda grant: Result(None))
        told = draw.draw(some(sorted(set(call.demand.entities or ENTITIES) & set(searched(policy, call)))))
        ran = draw.draw(some(call.demand.operators)) if call.demand.operators else ()
        draft.result = Result(None, released=dict.fromkeys(told, 1), operators=ran)
        record = recorder.access(draft, words, Outcome(status=200))
        builder.observe("W", index, record.model_dump(mode="json", exclude_none=True))


def review(policy: Policy, calls: list[Observed], data: st.DataObject) -> tuple[Finding, ...]:
    """The findings about too wide roles."""
    view = view_policy(policy)
    builder = UsageBuilder(view, START, NOW, OPTIONS)
    builder.observe("W", 0, {"type": "closed", "time": "2025-10-20T12:00:00.000000Z"})
    observe(policy, calls, builder, data)
    usage = replace(builder.build(), first=START)
    keys = sorted({(call.caller.tenant, call.caller.principal) for call in calls})
    directory = Directory(
        read_at=NOW,
        tenant=TENANT,
        roles=(),
        principals={key: Principal(key, "person", "enabled") for key in keys},
        grants=tuple(Grant(key, "One", f"a-{key[1]}", START) for key in keys),
        groups={},
    )
    made = review_access(
        directory, view, usage, WINDOW, log="log", review_id="2026-11", made_at=NOW, options=OPTIONS
    )
    return tuple(finding for finding in made.findings if finding.kind == "over_permissive")


def problems(policy: Policy, role: Role) -> list[Problem]:
    """What the policy's linter says of the role."""
    return [problem for rule in ROLE_RULES for problem in rule(role, policy)]


def apply(policy: Policy, finding: Finding) -> Policy:
    """The policy with the proposal carried out, read again as from its file."""
    fields = policy.roles[0].model_dump(exclude_defaults=True)
    for name, value in (finding.patch or {}).items():
        fields.pop(name, None)
        if value is not None:
            fields[name] = tuple(value) if isinstance(value, list) else value
    narrowed = Role(**fields)
    assert not problems(policy, narrowed)
    return policy.model_copy(update={"roles": (narrowed, *policy.roles[1:])})


def check_law(case: tuple[Policy, list[tuple[int, Demand]]], data: st.DataObject) -> None:
    """Two persons with the role One make calls; what is proposed then is tried on the calls."""
    policy, wanted = case
    assert not any(problems(policy, role) for role in policy.roles)
    asked = [Observed(caller_of(number, "One"), demand) for number, demand in wanted]
    calls = [call for call in asked if is_served(policy, call)]
    findings = review(policy, calls, data)
    target(float(len(findings)))
    for finding in findings:
        other = re.match(r"Assign (\S+) instead", finding.proposal)
        assert bool(other) == (finding.patch is None)
        after = policy if other else apply(policy, finding)
        held = other[1] if other else "One"
        for call in calls:
            if finding.principal is None or finding.principal[1] == call.caller.principal:
                assert is_served(after, replace(call, caller=replace(call.caller, roles=(held,))))


LAW = given(policies.flatmap(cases), st.data())
QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


def test_no_proposal_would_have_refused_an_observed_call() -> None:
    """Another role instead, or narrower rules of this one: each call that was allowed still is."""
    settings(QUIET, max_examples=300)(LAW(check_law))()


CARELESS: dict[str, tuple[str, object]] = {
    "any narrower role will do": ("shared.review.narrowing.covers", lambda *_: True),
    "what ran is all that was asked for": (
        "shared.review.exercising.Exercising._take_operators",
        lambda self, ran, requested, texts: self.operators.update(ran or ()),
    ),
}


@pytest.mark.parametrize("name", CARELESS)
def test_the_law_notices_a_careless_proposal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a mistake in what a proposal must cover, calls are found that it would have refused."""
    monkeypatch.setattr(*CARELESS[name])
    tried = settings(QUIET, max_examples=1_500, phases=[Phase.generate], derandomize=True)(LAW(check_law))
    with pytest.raises(BaseException) as failure:
        tried()
    raised = failure.value.exceptions if isinstance(failure.value, BaseExceptionGroup) else [failure.value]
    assert all(isinstance(error, AssertionError) for error in raised)
