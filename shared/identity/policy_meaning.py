"""A policy as plain JSON, for snapshots: every field with its default, words sorted, roles in their order."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from shared.identity.roles import AllOr, Policy, Role


def policy_meaning(policy: Policy) -> dict[str, Any]:
    """What the policy means, spelled as its file spells it: `all` where a list is not bounded.

    Two policies have the same meaning exactly where they have the same digest.
    """
    return {
        **_plain(policy.model_dump(mode="json", exclude={"roles"}), Policy),
        "roles": [_plain(role.model_dump(mode="json"), Role) for role in policy.roles],
    }


def _plain(fields: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    return {name: _value(value, name, model) for name, value in fields.items()}


def _value(value: Any, name: str, model: type[BaseModel]) -> Any:
    if value is None and AllOr in model.model_fields[name].metadata:
        return "all"
    is_set = isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)
    return sorted(value) if is_set else value
