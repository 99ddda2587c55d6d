"""What must hold of an allowed call beside the policy: a second person's approval, an emergency's window."""

from __future__ import annotations

from datetime import datetime

from shared.errors import AccessDenied
from shared.identity.caller import Caller
from shared.identity.decisions import Decision
from shared.records.canonical import format_time
from shared.records.model import EmergencyRecord, ServicePart
from shared.usecases.approvals.steps import Approvals, Commit
from shared.usecases.approvals.wishes import Taker, Wish
from shared.usecases.calls import Call, Work
from shared.usecases.emergencies import Emergencies, Use
from shared.usecases.ports import Clock
from shared.usecases.recording import identify, locate_call


def taker_of(caller: Caller, call: Call) -> Taker:
    """The caller as one who takes a step of an approval."""
    return Taker(identify(caller), call.request_id, call.received, locate_call(call))


def wish_of(work: Work, purpose: str | None) -> Wish:
    """What a parsed call asks for, whether it is served now or an approval is asked for it."""
    demand = work.demand
    return Wish(
        operation=demand.operation,
        purpose=purpose,
        request=work.asked,
        inputs=work.inputs,
        texts=demand.texts,
        chars=demand.chars,
        operators=tuple(sorted(set(demand.operators))),
    )


class Conditions:
    """Joined once. `is_met` and `tell` are quick; `meet` blocks on storage and commits what it finds."""

    def __init__(
        self, approvals: Approvals, emergencies: Emergencies, service: ServicePart, clock: Clock
    ) -> None:
        self.approvals = approvals
        self._emergencies = emergencies
        self._service = service
        self._clock = clock

    def is_met(self, caller: Caller, decision: Decision) -> bool:
        """True where nothing has to be looked up. Raises AccessDenied for an emergency that is over."""
        if decision.needs_approval:
            return False
        use = _use(caller, decision, "")
        return use is None or self._emergencies.is_open(use, self._clock())

    def tell(self, caller: Caller, decision: Decision) -> dict[str, str]:
        """What a caller is told beside its answer: when the time of its emergency is over."""
        use = _use(caller, decision, "")
        end = None if use is None else self._emergencies.end_of(use)
        return {} if end is None else {"X-Emergency-Until": format_time(end)}

    def meet(self, caller: Caller, call: Call, work: Work, decision: Decision, commit: Commit) -> None:
        """Return once every condition holds and the ledger says so.

        The approval is looked at first and used last: an emergency that is refused uses none up.
        Raises AccessDenied, StoreUnavailable, AuditUnavailable.
        """
        taker, asked = taker_of(caller, call), None
        if decision.needs_approval:
            wish = wish_of(work, decision.purpose)
            asked = self.approvals.check(decision.approval or "", wish, taker.who)
        use = _use(caller, decision, call.request_id)
        if use is not None:
            self._emergencies.enter(
                use, self._clock(), lambda until: self._record(taker, use, decision, until), commit
            )
        if asked is not None:
            self.approvals.use(asked, taker, commit)

    def _record(self, taker: Taker, use: Use, decision: Decision, until: datetime) -> EmergencyRecord:
        return EmergencyRecord(
            time=format_time(taker.received),
            request_id=taker.request_id,
            who=taker.who,
            role=use.role,
            ticket=use.ticket,
            purpose=decision.purpose or "",
            justification=decision.justification or "",
            until=format_time(until),
            where=taker.where,
            policy=decision.policy,
            service=self._service,
        )


def _use(caller: Caller, decision: Decision, who: str) -> Use | None:
    """The use of an emergency role that a decision grants, None for other roles."""
    if decision.emergency is None:
        return None
    if decision.role is None or decision.ticket is None:
        raise AccessDenied("ticket_required", "an emergency has a ticket")  # the policy's check says so, too
    return Use(caller.tenant, caller.principal, decision.role, decision.ticket, decision.emergency, who)
