"""`policy diff`: what one policy means and another does not, and whether that allows more or less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from auditor.commands.options import JsonOption
from auditor.output import print_json, print_text
from auditor.policies import open_policy, require_policy
from shared.configuration.changes import render_path
from shared.configuration.differences import NOTHING, ORDER, Difference, find_differences
from shared.identity.policy_meaning import policy_meaning

Effect = Literal["wider", "narrower", "other"]

ALL = "all"
"""How a list that is not bounded is spelled."""

GRANTS = frozenset({"permissions", "entities", "operators", "languages", "purposes", "tickets"})
"""Lists in which a word more allows more."""

BOUNDS = frozenset(
    {
        *("denied_entities", "requires", "sensitive_entities"),
        *("purpose_required", "justification_required", "four_eyes"),
    }
)
"""Lists in which a word more allows less."""

MOST = frozenset(
    {
        *("max_chars", "max_texts", "requests_a_minute", "burst", "refused_a_minute"),
        *("window_minutes", "windows_a_week", "approval_minutes"),
    }
)
"""Numbers of which a larger one, or none, allows more."""

SWITCHES = {"ad_hoc_recognizers": True, "decision_process": True, "record_intent": False}
"""Switches, with the position that allows more."""


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The policy before.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy after.")],
    as_json: JsonOption = False,
) -> None:
    """Compare two policies by what they mean: comments, layout and the order of words are no difference.

    Exit status: 0 they mean the same, 1 they differ, 3 the command failed.
    """
    contents = [{"policy": policy_meaning(require_policy(open_policy(path)))} for path in (old, new)]
    found = find_differences(*contents)
    if as_json:
        print_json([_describe(difference) for difference in found])
    elif found:
        print_text("\n".join(_sentence(difference) for difference in found))
    else:
        print_text("The two policies mean the same.")
    raise typer.Exit(1 if found else 0)


def judge_effect(difference: Difference) -> Effect:
    """Whether the difference by itself allows more or less than before."""
    path, old, new = difference.path, difference.old, difference.new
    if path[-1] == ORDER:
        return "other"
    if path[0] == "roles" and len(path) == 2:
        return "wider" if old is NOTHING else "narrower"
    field = next((name for name in path if name in GRANTS | BOUNDS | MOST | SWITCHES.keys()), "")
    if field in GRANTS | BOUNDS:
        return _judge_list(difference, is_grant=field in GRANTS)
    if field in MOST:
        return _judge_number(old, new)
    if field in SWITCHES:
        return "wider" if new is SWITCHES[field] else "narrower"
    if path[-1] == "held_by":
        return "wider" if new == "both" else "narrower" if old == "both" else "other"
    return "other"


def _judge_list(difference: Difference, *, is_grant: bool) -> Effect:
    if difference.is_word:
        return "wider" if (difference.old is NOTHING) == is_grant else "narrower"
    if ALL in (difference.old, difference.new):
        return "wider" if difference.new == ALL else "narrower"
    return "other"


def _judge_number(old: Any, new: Any) -> Effect:
    before, after = (value if isinstance(value, int) else None for value in (old, new))
    if isinstance(old, dict) or isinstance(new, dict):
        return "other"
    if after is None:
        return "wider"
    return "narrower" if before is None or after < before else "wider"


def _describe(difference: Difference) -> dict[str, Any]:
    told: dict[str, Any] = {
        "path": render_path(difference.path),
        "action": difference.action,
        "effect": judge_effect(difference),
    }
    for side in ("old", "new"):
        value = getattr(difference, side)
        if value is not NOTHING:
            told[side] = value
    return told


def _sentence(difference: Difference) -> str:
    effect, place = judge_effect(difference), render_path(difference.path)
    match difference.action:
        case "added":
            what = f"gained {_show(difference.new)}"
        case "removed":
            what = f"lost {_show(difference.old)}"
        case _:
            what = f"{_show(difference.old)} -> {_show(difference.new)}"
    return f"{effect:<9} {place}: {what}"


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
