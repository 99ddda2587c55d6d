"""From the text of a policy file to a Policy, or to everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import SettingsError
from shared.identity.policy_rules import check_policy
from shared.identity.roles import Policy, Role
from shared.identity.shapes import Problem, read_model, render_path, show
from shared.identity.yaml_lines import Document, read_yaml

__all__ = ["Mistake", "Policy", "Reading", "Role", "parse_policy", "read_policy"]

SETTING = "POLICY_FILE"


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong with a policy file, by line (from 1) and place (empty for the whole file)."""

    line: int
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy file as it was read. The policy is in force only if there are no mistakes."""

    policy: Policy | None
    mistakes: tuple[Mistake, ...]
    document: Document


def parse_policy(text: str, name: str) -> Policy:
    """The policy of a YAML text; `name` is the file's name for messages.

    Raises SettingsError that lists everything that is wrong, one line each:
    `config/policy.yaml:31: roles.Pii.Analyst.max_chars: expected a positive integer, got 'many'`.
    """
    reading = read_policy(text)
    if reading.policy is None or reading.mistakes:
        raise SettingsError(
            SETTING, "\n".join(f"{name}:{mistake.line}: {mistake}" for mistake in reading.mistakes)
        )
    return reading.policy


def read_policy(text: str) -> Reading:
    """The policy of a YAML text with everything that is wrong with it, by line. Never raises."""
    document = read_yaml(text)
    problems = list(document.problems)
    policy: Policy | None = None
    if not (document.data is None and problems):
        policy, wrong = _read_policy(document.data)
        problems += wrong
    if policy is not None:
        problems += check_policy(policy)
    return Reading(policy, _locate(problems, document), document)


def _read_policy(data: object) -> tuple[Policy | None, list[Problem]]:
    if not isinstance(data, dict):
        return None, [Problem((), f"expected a mapping with version and roles, got {show(data)}")]
    roles, problems = _read_roles(data.get("roles"))
    head = {**data, "roles": tuple(roles)} if "roles" in data else data
    policy, wrong = read_model(Policy, head)
    return policy, [*wrong, *problems]


def _read_roles(data: object) -> tuple[list[Role], list[Problem]]:
    if data is None:
        return [], []
    if not isinstance(data, dict):
        return [], [Problem(("roles",), f"expected a mapping from role names to rules, got {show(data)}")]
    roles: list[Role] = []
    problems: list[Problem] = []
    for name, rules in data.items():
        fields = rules if isinstance(rules, dict) else {}
        if fields is not rules:
            problems.append(Problem(("roles", name), f"expected a mapping of rules, got {show(rules)}"))
            continue
        if "name" in fields:
            problems.append(Problem(("roles", name, "name"), "is not a field here; the key is the name"))
        role, wrong = read_model(Role, {**fields, "name": name})
        problems += [problem.below("roles", name) for problem in wrong]
        if role is not None:
            roles.append(role)
    return roles, problems


def _locate(problems: list[Problem], document: Document) -> tuple[Mistake, ...]:
    found = {
        Mistake(problem.line or document.line_of(problem.path), render_path(problem.path), problem.message)
        for problem in problems
    }
    return tuple(sorted(found))
