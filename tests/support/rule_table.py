"""The table that the tests of the rules fill in and print at their end: rule x (fired, silent, ...)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class RuleTable:
    """Counts what was shown of each rule in this run."""

    attacks: Counter[str] = field(default_factory=Counter)
    evaluations: dict[str, int] = field(default_factory=dict)
    mutations: Counter[str] = field(default_factory=Counter)
    semantic: set[str] = field(default_factory=set)
    limits: set[str] = field(default_factory=set)

    def fired(self, rule: str) -> None:
        """The rule fired on one attack."""
        self.attacks[rule] += 1

    def silent(self, rule: str, evaluations: int) -> None:
        """The rule was silent at so many evaluations of ordinary traffic."""
        self.evaluations[rule] = evaluations

    def mutated(self, rule: str) -> None:
        """A slip in the rule was noticed."""
        self.mutations[rule] += 1

    def render(self) -> str:
        """The table; a dash stands where this run did not look."""
        known = sorted({*self.attacks, *self.evaluations, *self.mutations, *self.semantic, *self.limits})
        lines = [
            f"{'rule':24} {'fired on':>9} {'silent at':>10} {'semantic':>9} {'limits':>7} {'slips seen':>11}"
        ]
        lines += [
            f"{rule:24} {_or_dash(self.attacks[rule]):>9} {_or_dash(self.evaluations.get(rule, 0)):>10} "
            f"{'ok' if rule in self.semantic else '-':>9} {'ok' if rule in self.limits else '-':>7} "
            f"{_or_dash(self.mutations[rule]):>11}"
            for rule in known
        ]
        lines.append(
            f"{len(known)} rules, {sum(self.evaluations.values()):,} evaluations without a false alarm"
        )
        return "\n".join(lines)


def _or_dash(number: int) -> str:
    return f"{number:,}" if number else "-"


TABLE = RuleTable()
