"""GET /whoami: the caller as the service sees it, what it may do, and why it would be refused the rest."""

from __future__ import annotations

from shared.identity.decisions import Demand
from shared.identity.standing import describe
from shared.usecases.calls import Call, Grant, Operation, Result, Work


def _parse(_: Call) -> Work:
    return Work(Demand("identity.read"), _describe, needs_engine=False)


def _describe(grant: Grant) -> Result:
    return Result(body=describe(grant.caller, grant.policy))


WHOAMI = Operation("identity.read", _parse)
