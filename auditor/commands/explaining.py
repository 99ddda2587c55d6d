"""`explain`: may this role do that, why, by which line, and what else it needs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from auditor.commands.options import JsonOption
from auditor.commands.policy import PolicyOption
from auditor.errors import AuditorError
from auditor.output import print_json, print_text
from auditor.policies import PolicyFile, default_file, open_policy, require_policy
from shared.identity.explaining import Explanation, describe_bounds
from shared.identity.explaining import explain as explain_role
from shared.identity.policy import Policy
from shared.identity.shapes import render_path, suggest
from shared.identity.terms import ENTITY_TYPES, OPEN_OPERATIONS, OPERATIONS

ALL = "all"
KNOWN_OPERATIONS = (*OPERATIONS, *OPEN_OPERATIONS)
LABELS_ONLY = (
    "entity types do not bound this operation: it removes what it finds, or takes them as the caller's labels"
)

NEEDS = {
    "purpose": "the header X-Purpose with one of",
    "justification": "the header X-Justification: a reason of 10 to 500 characters",
    "ticket": "the header X-Ticket with a ticket numbered as",
    "approval": "the approval of a second person (POST /approvals) in the header X-Approval",
}


def explain(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A role of the policy, or all.")],
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="Such as pii.analyze.")],
    entity: Annotated[
        str | None,
        typer.Argument(
            metavar="[ENTITY]", help="An entity type that is asked for by name.", show_default=False
        ),
    ] = None,
    kind: Annotated[
        Literal["person", "app"] | None,
        typer.Option("--as", help="Who holds the role; left out: whom it is for.", show_default=False),
    ] = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a role may do something, by which rule and line, and what a request must bring.

    The answer is the service's own decision about the smallest such request. Exit status: 0 it may (with
    ROLE all: some role may), 1 it may not, 3 the command failed.
    """
    file = open_policy(policy or default_file())
    rules = require_policy(file)
    _check_words(rules, role, operation, entity)
    names = [one.name for one in rules.roles] if role == ALL else [role]
    answers = [explain_role(rules, name, operation, entity, kind) for name in names]
    told = [_describe(file, rules, answer) for answer in answers]
    if as_json:
        print_json(told if role == ALL else told[0])
    else:
        print_text("\n".join(_render(one) for one in told))
    raise typer.Exit(0 if any(answer.decision.allowed for answer in answers) else 1)


def _check_words(policy: Policy, role: str, operation: str, entity: str | None) -> None:
    names = [one.name for one in policy.roles]
    if role not in (ALL, *names):
        raise AuditorError(f"no role {role!r} in this policy{suggest(role, names)}")
    if operation not in KNOWN_OPERATIONS:
        raise AuditorError(f"no operation {operation!r}{suggest(operation, KNOWN_OPERATIONS)}")
    known = ENTITY_TYPES | set(policy.custom_entities)
    if entity is not None and entity not in known:
        raise AuditorError(f"no entity type {entity!r}{suggest(entity, sorted(known))}")


def _describe(file: PolicyFile, policy: Policy, answer: Explanation) -> dict[str, Any]:
    role = next(one for one in policy.roles if one.name == answer.role)
    told: dict[str, Any] = {
        "role": answer.role,
        "as": answer.kind,
        "operation": answer.operation,
        "entity": answer.entity,
        "answer": answer.verdict,
        "reason": answer.decision.reason,
        "message": answer.decision.message,
        "rule": render_path(answer.rule),
        "line": f"{file.name}:{file.line_of(answer.rule)}",
    }
    if not answer.decision.allowed:
        return told
    told["needs"] = {name: _need(name, policy, answer) for name in answer.needs}
    told["intent_first"] = answer.decision.intent_first or answer.operation == "pii.deanonymize"
    told["window_minutes"] = role.window_minutes if answer.decision.emergency else None
    rate = answer.rate
    told["limit"] = None if rate is None else {"requests_a_minute": rate.a_minute, "burst": rate.burst}
    told["bounds"] = describe_bounds(role, answer.operation)
    if answer.entity is not None:
        told["searched_without_name"] = answer.is_searched
    return told


def _need(name: str, policy: Policy, answer: Explanation) -> str:
    choice = {"purpose": answer.purposes, "ticket": policy.tickets}.get(name, ())
    return f"{NEEDS[name]} {', '.join(choice)}".rstrip()


def _render(told: dict[str, Any]) -> str:
    what = told["operation"] + (f" of {told['entity']}" if told["entity"] else "")
    lines = [f"{told['role']} ({told['as']}), {what}: {told['answer']}"]
    rule = f" ({told['rule']})" if told["rule"] else ""
    lines.append(f"  because  {told['message']}")
    lines.append(f"  rule     {told['line']}{rule}")
    lines += [f"  needs    {text}" for text in told.get("needs", {}).values()]
    if told.get("window_minutes"):
        lines.append(f"  time     {told['window_minutes']} minutes from the first use with a ticket")
    if told.get("intent_first"):
        lines.append("  records  an intent before it is served, beside the record of every call")
    if "limit" in told:
        limit = told["limit"]
        words = f"{limit['requests_a_minute']} a minute, {limit['burst']} at once" if limit else "none"
        lines.append(f"  limit    {words}, for each caller in each process")
    lines += [f"  bound    {name}: {_plain(value)}" for name, value in told.get("bounds", {}).items()]
    if told["entity"] and told["operation"] != "pii.analyze":
        lines.append(f"  note     {LABELS_ONLY}")
    elif told.get("searched_without_name") is False:
        lines.append("  note     not searched where a request names no entity types")
    return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
