"""Every hardening rule of the deployment: what it says, where it stands, how it is checked, and what
breaks it.

`python -m tests.support.hardening` prints the table; `--write` puts it into docs/hardening.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.bicep import ROOT, Edit
from tests.support.deployment import Check

PAGE = ROOT / "docs" / "hardening.md"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `variables` choose an option of the deployment in which it is looked at."""

    name: str
    says: str
    check: Check
    edit: Edit
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def stands_in(self) -> str:
        """The file that makes it true."""
        return f"infra/{self.edit.file}"


def all_rules() -> list[Rule]:
    """The rules of all rooms, in the order of the table."""
    from tests.support import (
        rules_apps,
        rules_evidence,
        rules_monitoring,
        rules_network,
        rules_rights,
        rules_vault,
    )

    rooms = (rules_evidence, rules_vault, rules_rights, rules_apps, rules_network, rules_monitoring)
    return [rule for room in rooms for rule in room.RULES]


def render_table(rules: list[Rule]) -> str:
    """The table as Markdown."""
    lines = ["| rule | stands in | test | broken by |", "|---|---|---|---|"]
    for rule in rules:
        change = f"`{_short(rule.edit.old)}` → `{_short(rule.edit.new)}`"
        option = "".join(f" ({name}={value})" for name, value in rule.variables.items() if len(value) < 30)
        lines.append(f"| {rule.says}{option} | {rule.stands_in} | {rule.name} | {change} |")
    return "\n".join(lines) + "\n"


def render_page(rules: list[Rule]) -> str:
    """docs/hardening.md."""
    return (
        "# Hardening rules of the deployment\n\n"
        "Each rule is asserted on the evaluated deployment (`bicep snapshot`) by the test "
        "`test_a_rule_holds[name]` of `tests/infra/test_hardening.py`. For each there is a change of the "
        "Bicep that must make the same check find something (`test_a_rule_notices_its_mutation[name]`), so "
        f"that no rule is asserted in vain. There are {len(rules)}. This page is written by "
        "`python -m tests.support.hardening --write`; a test compares.\n\n" + render_table(rules)
    )


def _short(text: str) -> str:
    line = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return (line if len(line) <= 70 else line[:67] + "…") or "(nothing)"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(render_page(all_rules()), "utf-8")
    print(render_table(all_rules()), end="")
