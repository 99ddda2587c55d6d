"""Identities used for what they are not: people through a pipeline's app, an app from a person's place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shared.review.case import Case, Holding, is_out
from shared.review.findings import Finding
from shared.review.habits import has_habits
from shared.review.stating import NOTHING, gather, listed, number, revocation, state
from shared.review.uses import CallerUse, Usage


def find_misused_identities(case: Case) -> Iterator[Finding]:
    """Three shapes: a person calls through a pipeline's app · an app's credential is used from where people
    call and it never did · a role is held by the kind that it is not for."""
    pipelines = pipeline_clients(case.usage, case.options.pipeline_share)
    for caller in case.usage.callers.values():
        if caller.kind == "person":
            yield from _person_as_pipeline(case, caller, pipelines)
        else:
            yield from _app_as_person(case, caller)
    for holding in case.holdings:
        if holding.view is not None and not holding.is_effective and not is_out(holding.principal):
            yield _state_wrong_kind(case, holding)


def pipeline_clients(usage: Usage, share: float) -> frozenset[str]:
    """Client apps whose calls are their own: at least this share of them without a person."""
    own: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for caller in usage.callers.values():
        for client, use in caller.clients.items():
            every[client] += use.calls
            own[client] += use.calls if caller.kind == "app" else 0
    return frozenset(client for client, calls in own.items() if calls and calls >= share * every[client])


def _person_as_pipeline(case: Case, caller: CallerUse, pipelines: frozenset[str]) -> Iterator[Finding]:
    through = {client: use for client, use in caller.clients.items() if client in pipelines}
    evidence = gather(use.recent for use in through.values())
    if evidence.count < case.options.misuse_min_calls:
        return
    yield state(
        "misused_identity",
        f"This person made {number(evidence.count, 'call')} in the last {case.options.recent_days} days "
        f"through the client app {listed(through)}, which is a pipeline's.",
        "investigate",
        "Ask why; people sign in through an app of their own. Renew the pipeline's credentials if in doubt.",
        at_stake=caller.exercised,
        principal=caller.key,
        evidence=evidence,
    )


def _app_as_person(case: Case, caller: CallerUse) -> Iterator[Finding]:
    """Addresses are compared, and not repeated: a person's address is personal data."""
    usage, people = case.usage, case.usage.person_addresses
    if people is None or caller.addresses is None or not has_habits(case, caller):
        return
    new = {
        address: use
        for address, use in caller.addresses.items()
        if address in people and use.first >= usage.recent_from
    }
    evidence = gather(use.recent for use in new.values())
    if evidence.count < case.options.misuse_min_calls:
        return
    yield state(
        "misused_identity",
        f"This app's credential made {number(evidence.count, 'call')} in the last "
        f"{case.options.recent_days} days from {len(new)} address{'' if len(new) == 1 else 'es'} from which "
        "people call and from which it never called before.",
        "investigate",
        "Ask the app's owner; renew its credentials if a person has used them.",
        at_stake=caller.exercised,
        principal=caller.key,
        evidence=evidence,
    )


def _state_wrong_kind(case: Case, holding: Holding) -> Finding:
    caller = case.caller(holding.principal.key)
    tried = caller.refusal_reasons.get("wrong_kind", 0) if caller is not None else 0
    is_exact = caller is not None and caller.recent_refusals.count == tried
    held_by = holding.view.held_by if holding.view is not None else "others"
    return state(
        "misused_identity",
        f"The role {holding.role} is for {held_by} only and is held by "
        f"{'a person' if holding.principal.kind == 'person' else 'an app'}; {number(tried, 'call')} refused "
        f"for that in the last {case.options.recent_days} days.",
        "revoke",
        f"It allows nothing: {revocation([holding])}.",
        at_stake=(),
        principal=holding.principal.key,
        role=holding.role,
        evidence=caller.recent_refusals if caller is not None and is_exact else NOTHING,
        held=[holding],
    )
