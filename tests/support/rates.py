"""Policies with small rates, for tests of what happens over them."""

from __future__ import annotations

import functools
import re

from shared.identity.policy import Policy, parse_policy
from tests.support.identities import ROOT


def limited_text(a_minute: int, *, refused: int | None = None) -> str:
    """config/policy.yaml with this rate for every operation of every role, and for refused calls."""
    text = (ROOT / "config/policy.yaml").read_text("utf-8")
    text = re.sub(r"(?m)^    requests_a_minute: .*$", f"    requests_a_minute: {a_minute}", text)
    text = re.sub(r"(?m)^    burst: .*\n", "", text)
    return re.sub(r"(?m)^refused_a_minute: .*$", f"refused_a_minute: {refused or a_minute}", text)


@functools.cache
def limited_policy(a_minute: int, refused: int | None = None) -> Policy:
    """The same, parsed."""
    return parse_policy(limited_text(a_minute, refused=refused), "config/policy.yaml")
