"""What a reviewer sends, read strictly: a batch of decisions about findings of one review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from shared.errors import InputError, InputTooLarge
from shared.identity.statements import (
    MAX_JUSTIFICATION_CHARS,
    MIN_JUSTIFICATION_CHARS,
    is_justification,
)
from shared.review.standing import Choice

MAX_DECISIONS = 200
MAX_DEFERRAL = timedelta(days=90)
CHOICES: tuple[str, ...] = get_args(Choice)
MEMBERS = frozenset({"finding", "choice", "justification", "defer_until", "replaces"})


@dataclass(frozen=True, slots=True)
class WantedDecision:
    """One decision as it is asked for. `replaces` names the record of the decision that it supersedes."""

    finding: str
    choice: Choice
    justification: str
    defer_until: datetime | None
    replaces: str | None


def read_decisions(body: object, now: datetime) -> tuple[WantedDecision, ...]:
    """The decisions of a body `{"decisions": [...]}`. Raises InputError that names the place and the rule."""
    if not isinstance(body, dict) or set(body) != {"decisions"} or not isinstance(body["decisions"], list):
        raise InputError('expected an object {"decisions": [...]}, and nothing else')
    items = body["decisions"]
    if not items:
        raise InputError("expected at least one decision")
    if len(items) > MAX_DECISIONS:
        raise InputTooLarge(f"at most {MAX_DECISIONS} decisions in a call, got {len(items)}")
    wanted = tuple(_read_decision(item, f"decisions[{place}]", now) for place, item in enumerate(items))
    if len({each.finding for each in wanted}) != len(wanted):
        raise InputError("a finding is decided about once in a call")
    return wanted


def _read_decision(item: object, place: str, now: datetime) -> WantedDecision:
    if not isinstance(item, dict) or not set(item) <= MEMBERS:
        raise InputError(f"{place}: expected an object with some of: {', '.join(sorted(MEMBERS))}")
    choice = _read_text(item, "choice", place, 16)
    if choice not in CHOICES:
        raise InputError(f"{place}.choice: expected one of {', '.join(CHOICES)}")
    justification = _read_text(item, "justification", place, 4_096)
    if not is_justification(justification) or len(justification.strip()) < MIN_JUSTIFICATION_CHARS:
        raise InputError(
            f"{place}.justification: expected one line of {MIN_JUSTIFICATION_CHARS} to"
            f" {MAX_JUSTIFICATION_CHARS} characters, for auditors to read"
        )
    return WantedDecision(
        finding=_read_text(item, "finding", place, 64),
        choice=choice,  # type: ignore[arg-type] # checked above
        justification=justification,
        defer_until=_read_deferral(item, choice, place, now),
        replaces=_read_text(item, "replaces", place, 64) if item.get("replaces") is not None else None,
    )


def _read_text(item: Mapping[str, Any], name: str, place: str, most_chars: int) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most_chars:
        raise InputError(f"{place}.{name}: expected a text of 1 to {most_chars} characters")
    return value


def _read_deferral(item: Mapping[str, Any], choice: str, place: str, now: datetime) -> datetime | None:
    text = item.get("defer_until")
    if choice != "defer":
        if text is not None:
            raise InputError(f"{place}.defer_until: has a meaning with the choice defer alone")
        return None
    try:
        until = datetime.fromisoformat(text) if isinstance(text, str) and len(text) <= 40 else None
    except ValueError:
        until = None
    if until is None:
        raise InputError(f"{place}.defer_until: expected a time such as 2026-12-24T00:00:00Z (RFC 3339)")
    try:
        until = (until if until.tzinfo is not None else until.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise InputError(f"{place}.defer_until: expected a time of this age") from None
    if not now < until <= now + MAX_DEFERRAL:
        raise InputError(f"{place}.defer_until: expected a time within {MAX_DEFERRAL.days} days from now")
    return until
