"""For each rule the attacks that must make it fire: changes to ordinary traffic, and when to look."""

from __future__ import annotations

from tests.support import (
    attacks_by_callers,
    attacks_on_configuration,
    attacks_on_operations,
    attacks_on_reviews,
)
from tests.support.attack_registry import ATTACKS, Attack

__all__ = [
    "ATTACKS",
    "Attack",
    "attacks_by_callers",
    "attacks_on_configuration",
    "attacks_on_operations",
    "attacks_on_reviews",
]
