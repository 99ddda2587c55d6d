"""Separation of duties: permissions that one hand must not hold together."""

from __future__ import annotations

from collections.abc import Iterator

from shared.review.case import Case, is_out
from shared.review.findings import Finding
from shared.review.stating import listed, state


def find_joined_duties(case: Case) -> Iterator[Finding]:
    """A principal whose standing roles together permit both of a pair. Emergency roles are meant to."""
    for principal, held in case.by_principal():
        if is_out(principal):
            continue
        standing = [holding for holding in held if holding.is_standing]
        permitted = {name for holding in standing for name in holding.permissions}
        pairs = [pair for pair in case.options.separate if permitted.issuperset(pair)]
        if not pairs:
            continue
        words = {name for pair in pairs for name in pair}
        involved = [holding for holding in standing if words & holding.permissions]
        yield state(
            "separation_of_duties",
            f"{len(involved)} of its {len(held)} roles ({listed(holding.role for holding in involved)}) "
            f"together permit {'; '.join(f'{one} and {other}' for one, other in pairs)}.",
            "separate",
            "Leave one of these roles to somebody else.",
            at_stake=words,
            principal=principal.key,
            held=involved,
        )
