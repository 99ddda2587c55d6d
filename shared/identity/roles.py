"""What a policy is: roles with permissions and bounds, frozen, and known by its digest."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.identity.issuers import RoleName
from shared.identity.rates import MAX_A_MINUTE, RATE, RATES, read_rates
from shared.identity.shapes import show
from shared.identity.terms import Operation, Permission, TextOperation
from shared.identity.tickets import TicketForm
from shared.records.canonical import canonical_bytes, sha256_hex

DEFAULT_APPROVAL_MINUTES = 60

MAX_TEXTS = 1_000
"""The most texts that any role may be given: a record has room for the digests of so many."""


def _check_once(values: tuple[str, ...]) -> tuple[str, ...]:
    """A word given twice is a slip worth hearing of. (The order of these lists means nothing.)"""
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"lists {show(twice[0])} twice")
    return values


def _all_as_none(value: Any) -> Any:
    """`all` is kept as None. Left empty is not `all`: that would open what somebody meant to close."""
    if value is None:
        raise ValueError("expected 'all' or a list, got nothing")
    return None if value == "all" else value


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Statement = Literal["purpose", "justification", "ticket", "approval"]
Names = Annotated[tuple[Name, ...], AfterValidator(_check_once)]
Purposes = Annotated[tuple[Purpose, ...], AfterValidator(_check_once)]
Languages = Annotated[tuple[Language, ...], AfterValidator(_check_once)]
Operations = Annotated[tuple[Operation, ...], AfterValidator(_check_once)]
TextOperations = Annotated[tuple[TextOperation, ...], AfterValidator(_check_once)]
TicketForms = Annotated[tuple[TicketForm, ...], AfterValidator(_check_once)]
Minutes = Annotated[int, Field(strict=True, ge=1, le=1_440)]
Windows = Annotated[int, Field(strict=True, ge=1, le=100)]
AllOr = BeforeValidator(_all_as_none)
Limit = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Texts = Annotated[int, Field(strict=True, ge=1, le=MAX_TEXTS)]
Switch = Annotated[bool, Field(strict=True)]
Calls = Annotated[int, Field(strict=True, ge=1, le=MAX_A_MINUTE)]
Rates = Annotated[int | dict[str, int] | None, BeforeValidator(read_rates)]


class Role(BaseModel):
    """What one role permits, and within which bounds. None stands for `all` (of a limit: not used)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[RoleName, Field(description="a role's name: letters, digits, dots, dashes")]
    held_by: Annotated[
        Literal["people", "apps", "both"], Field(description="one of 'people', 'apps' and 'both'")
    ] = "both"
    permissions: Annotated[
        tuple[Permission, ...],
        AfterValidator(_check_once),
        Field(min_length=1, description="a list of at least one permission"),
    ]
    entities: Annotated[Names | None, AllOr, Field(description="'all' or a list of entity types")] = None
    denied_entities: Annotated[Names, Field(description="a list of entity types")] = ()
    operators: Annotated[Names, Field(description="a list of Presidio's operators")] = ()
    languages: Annotated[Languages | None, AllOr, Field(description="'all' or a list of languages")] = None
    ad_hoc_recognizers: Annotated[Switch, Field(description="true or false")] = False
    decision_process: Annotated[Switch, Field(description="true or false")] = False
    record_intent: Annotated[Switch, Field(description="true or false")] = False
    max_chars: Annotated[Limit | None, Field(description="a positive integer")] = None
    max_texts: Annotated[Texts | None, Field(description=f"a whole number from 1 to {MAX_TEXTS}")] = None
    purposes: Annotated[Purposes | None, AllOr, Field(description="'all' or a list of purposes")] = None
    requires: Annotated[
        tuple[Statement, ...],
        AfterValidator(_check_once),
        Field(description="a list of 'purpose', 'justification', 'ticket' and 'approval'"),
    ] = ()
    window_minutes: Annotated[Minutes | None, Field(description="a whole number from 1 to 1440")] = None
    windows_a_week: Annotated[Windows | None, Field(description="a whole number from 1 to 100")] = None
    requests_a_minute: Annotated[Rates, Field(description=RATES)] = None
    burst: Annotated[Calls | None, Field(description=RATE)] = None


class Policy(BaseModel):
    """The whole policy. `roles` are in the file's order, which is the order in which they are tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[Literal[1], Field(description="1, the only version there is")]
    purposes: Annotated[Purposes, Field(description="a list of purposes in lower case with dashes")] = ()
    purpose_required: Annotated[Operations, Field(description="a list of operations")] = ()
    justification_required: Annotated[Operations, Field(description="a list of operations")] = ()
    tickets: Annotated[TicketForms, Field(description="a list of first tickets, such as INC-1")] = ()
    four_eyes: Annotated[TextOperations, Field(description="a list of operations on texts")] = ()
    approval_minutes: Annotated[Minutes | None, Field(description="a whole number from 1 to 1440")] = None
    sensitive_entities: Annotated[Names, Field(description="a list of entity types")] = ()
    custom_entities: Annotated[Names, Field(description="a list of entity types of your own")] = ()
    refused_a_minute: Annotated[Calls | None, Field(description=RATE)] = None
    roles: Annotated[tuple[Role, ...], Field(description="a mapping from a role's name to its rules")]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what the policy means: the RFC 8785 bytes of its parsed fields.

        Comments, spacing, the order of keys and the order inside lists change nothing of it; every
        value, default or written out, does. So does the order of roles, because the first role that
        grants a call is the one that is recorded and whose bounds hold: they are digested as a list.
        """
        meaning = self.model_dump(mode="json")
        roles = [_plain_meaning(role) for role in meaning.pop("roles")]
        return sha256_hex(canonical_bytes({**_plain_meaning(meaning), "roles": roles}))

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The sensitive entity types, for membership tests."""
        return frozenset(self.sensitive_entities)

    @property
    def approval_lifetime(self) -> timedelta:
        """How long an approval may be decided and used, from when it was asked for."""
        return timedelta(minutes=self.approval_minutes or DEFAULT_APPROVAL_MINUTES)


LATER = frozenset(
    {
        *("requests_a_minute", "burst", "refused_a_minute"),
        *("tickets", "four_eyes", "approval_minutes", "window_minutes", "windows_a_week"),
    }
)
"""Fields that came after the first digests. A policy that does not use one has the digest that it had."""


def _plain_meaning(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: sorted(value) if isinstance(value, list) else value
        for name, value in fields.items()
        if name not in LATER or value not in (None, [])
    }
