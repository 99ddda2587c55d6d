"""Write infra/app-roles.json from config/policy.yaml: each role of the policy is one Entra app role.

python infra/scripts/write_app_roles.py          writes the file
python infra/scripts/write_app_roles.py --check  says whether it is up to date; exit code 1 where it is not

An app role keeps its id for ever (Entra refuses to change it): the id is made of the role's name, so a role
that is renamed is a new one, whose holders must be assigned again.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "config" / "policy.yaml"
APP_ROLES = ROOT / "infra" / "app-roles.json"

NAMESPACE = uuid.UUID("6d0f8c1e-5d0f-4b57-9a3b-3f3d7a3c1d55")
"""Of ids of this project's app roles; never change it."""

MEMBER_TYPES = {"apps": ["Application"], "people": ["User"], "anyone": ["User", "Application"]}


def render_app_roles(policy_text: str) -> list[dict[str, Any]]:
    """The app roles of a policy, in its order, in the form of Microsoft Graph's `appRole`."""
    roles: dict[str, dict[str, Any]] = yaml.safe_load(policy_text)["roles"]
    return [_render_role(name, role) for name, role in roles.items()]


def _render_role(name: str, role: dict[str, Any]) -> dict[str, Any]:
    return {
        "allowedMemberTypes": MEMBER_TYPES[role.get("held_by", "anyone")],
        "description": f"Allows: {', '.join(role['permissions'])}",
        "displayName": name,
        "id": str(uuid.uuid5(NAMESPACE, name)),
        "isEnabled": True,
        "value": name,
    }


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    wanted = json.dumps(render_app_roles(POLICY.read_text("utf-8")), indent=2) + "\n"
    if "--check" not in arguments:
        APP_ROLES.write_text(wanted, "utf-8")
        return 0
    if APP_ROLES.is_file() and APP_ROLES.read_text("utf-8") == wanted:
        return 0
    print("infra/app-roles.json is not what config/policy.yaml says: run infra/scripts/write_app_roles.py")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
