"""What GET /whoami says: the caller as the service sees it, and why it would be refused the rest."""

from __future__ import annotations

from typing import Any

from shared.identity.bounds import check_role
from shared.identity.caller import Caller
from shared.identity.decisions import decide
from shared.identity.demands import Demand
from shared.identity.limits import limit_of
from shared.identity.roles import Policy, Role
from shared.identity.statements import read_statement
from shared.identity.terms import OPEN_OPERATIONS, OPERATIONS, TEXT_OPERATIONS

_LISTS = Demand("catalog.read")


def describe(caller: Caller, policy: Policy) -> dict[str, Any]:
    """The caller's standing under the policy, as a JSON object.

    `caller`: what the token established. `roles`: its roles, by what they are worth (`effective`,
    `wrong_kind`: held by people or apps only, `unknown` to the policy). `permissions`: those of all
    effective roles; `grants`: each effective role with its bounds, in the order in which they are tried
    (one role must allow a whole request). `operations`: for each, whether the smallest request for it would
    be allowed now, by which role, or why not. `limits`: what holds for calls that no role grants (refused
    ones, this one); those of a role stand in its grant. `policy`: the digest of the policy.
    """
    known = [role for role in policy.roles if role.name in caller.roles]
    effective = [role for role in known if _is_effective(caller, policy, role)]
    return {
        "caller": _describe_caller(caller),
        "roles": {
            "effective": [role.name for role in effective],
            "wrong_kind": [role.name for role in known if role not in effective],
            "unknown": sorted(set(caller.roles) - {role.name for role in known}),
        },
        "permissions": sorted({permission for role in effective for permission in role.permissions}),
        "grants": [_describe_role(policy, role) for role in effective],
        "purposes": list(policy.purposes),
        "operations": [_describe_operation(caller, policy, name) for name in (*OPERATIONS, *OPEN_OPERATIONS)],
        "limits": {"refused_a_minute": policy.refused_a_minute},
        "policy": policy.digest,
    }


def _is_effective(caller: Caller, policy: Policy, role: Role) -> bool:
    return check_role(caller, policy, role, _LISTS, read_statement(policy, _LISTS)) is None


def _describe_caller(caller: Caller) -> dict[str, Any]:
    return {
        "kind": caller.kind,
        "issuer": caller.issuer,
        "tenant": caller.tenant,
        "principal": caller.principal,
        "app": caller.app,
        "roles": list(caller.roles),
        "token_id": caller.token_id,
        "expires_at": caller.expires_at,
    }


def _describe_role(policy: Policy, role: Role) -> dict[str, Any]:
    described: dict[str, Any] = {"role": role.name, "permissions": sorted(role.permissions)}
    permitted = set(role.permissions)
    if TEXT_OPERATIONS & permitted:
        described |= {
            "languages": _or_all(role.languages),
            "operators": sorted(role.operators),
            "ad_hoc_recognizers": role.ad_hoc_recognizers,
            "max_chars": role.max_chars,
            "max_texts": role.max_texts,
        }
    if "pii.analyze" in permitted:
        hidden = frozenset() if "pii.sensitive" in permitted else policy.sensitive
        described |= {
            "entities": _or_all(role.entities),
            "denied_entities": sorted(hidden | set(role.denied_entities)),
            "decision_process": role.decision_process,
        }
    return described | {
        "purposes": _or_all(role.purposes),
        "requires": list(role.requires),
        "window_minutes": role.window_minutes,
        "windows_a_week": role.windows_a_week,
        "limits": _describe_limits(policy, role),
    }


def _describe_limits(policy: Policy, role: Role) -> dict[str, dict[str, int] | None]:
    """Operation -> calls a minute, and at once after a rest; None where there is no limit."""
    operations = (*(name for name in OPERATIONS if name in role.permissions), *OPEN_OPERATIONS)
    rates = {name: limit_of(policy, role, name) for name in operations if name != "identity.read"}
    return {
        name: None if rate is None else {"requests_a_minute": rate.a_minute, "burst": rate.burst}
        for name, rate in rates.items()
    }


def _describe_operation(caller: Caller, policy: Policy, operation: str) -> dict[str, Any]:
    decision = decide(caller, policy, Demand(operation))
    return {
        "operation": operation,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "message": decision.message,
        "role": decision.role,
    }


def _or_all(values: tuple[str, ...] | None) -> list[str] | str:
    return "all" if values is None else sorted(values)
