"""The operations on access reviews: which there are, one with how its findings stand, and deciding.

Everything that is wrong with a batch of decisions is found before the first of them is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from shared.errors import AccessDenied, AuditUnavailable, NotFound, Unprocessable
from shared.identity.caller import Caller
from shared.identity.demands import Demand
from shared.ledger.sideobjects import Claim, ClaimKind, decision_key
from shared.records.canonical import format_time
from shared.records.model import ReviewDecisionRecord
from shared.review.findings import Finding, Review
from shared.review.page.document import render_page
from shared.review.standing import Standing
from shared.usecases.calls import Call, Grant, Operation, Result, Work
from shared.usecases.presidio import read_json
from shared.usecases.recording import identify, locate_call
from shared.usecases.reviews.decisions import WantedDecision, read_decisions
from shared.usecases.reviews.recorded import RecordedReview

PERMISSION = "audit.review"
AT_ONCE = 16
MAX_LISTED = 36
"""Three years of monthly reviews."""


def _operation(read: Callable[[Call, Grant], Any]) -> Operation:
    def parse(call: Call) -> Work:
        def run(grant: Grant) -> Result:
            return Result(body=read(call, grant))

        return Work(Demand(PERMISSION), run, needs_engine=False, reads_storage=True)

    return Operation(PERMISSION, parse)


# --- seeing -------------------------------------------------------------------------------------------


def _list_reviews(call: Call, grant: Grant) -> dict[str, Any]:
    made = grant.reviews.all()[:MAX_LISTED]
    return {"reviews": [_summarise(grant, each, call.received) for each in made]}


def _summarise(grant: Grant, made: RecordedReview, now: datetime) -> dict[str, Any]:
    return {
        **made.record.model_dump(mode="json", exclude={"v", "type", "service"}),
        "record": made.name,
        "undecided": grant.reviews.count_undecided(made, now),
    }


def _show_review(call: Call, grant: Grant) -> Any:
    made = grant.reviews.get(call.params.get("id", ""))
    review = grant.reviews.report(made)
    standings = grant.reviews.stand(review, call.received)
    if "text/html" in call.headers.get("accept", ""):
        return render_page(review, standings)
    return {
        "record": made.name,
        "digest": made.digest,
        "undecided": sum(standing.is_open for standing in standings.values()),
        "decisions": {name: render_standing(standing) for name, standing in standings.items()},
        "report": json.loads(grant.reviews.read_report(made)),
    }


def render_standing(standing: Standing) -> dict[str, Any]:
    """How a finding stands, as JSON."""
    decision = standing.decision
    if decision is None:
        return {"state": standing.state}
    return {
        "state": standing.state,
        "choice": decision.choice,
        "by": {"tenant": decision.by[0], "principal": decision.by[1]},
        "at": format_time(decision.at),
        "justification": decision.justification,
        "defer_until": format_time(decision.defer_until) if decision.defer_until else None,
        "record": decision.record,
        "superseded": standing.superseded,
    }


# --- deciding -----------------------------------------------------------------------------------------


def _parse_deciding(call: Call) -> Work:
    wanted = read_decisions(read_json(call), call.received)

    def run(grant: Grant) -> Result:
        return Result(body=_decide(call, grant, wanted))

    inputs = tuple(each.justification for each in wanted)
    return Work(Demand(PERMISSION), run, inputs, needs_engine=False, reads_storage=True)


def _decide(call: Call, grant: Grant, wanted: tuple[WantedDecision, ...]) -> dict[str, Any]:
    made = grant.reviews.get(call.params.get("id", ""))
    review = grant.reviews.report(made)
    standings = grant.reviews.stand(review, call.received)
    for each in wanted:
        _check(each, review, standings, grant.caller)
    _announce(call, grant, made, len(wanted))
    with ThreadPoolExecutor(AT_ONCE) as pool:  # waiting together, records share their commits
        recorded = list(
            pool.map(lambda each: _record(call, grant, made, each, standings[each.finding]), wanted)
        )
    after = grant.reviews.stand(review, call.received)
    return {
        "review": made.id,
        "decisions": [
            {"finding": each.finding, "record": name, "state": after[each.finding].state}
            for each, name in zip(wanted, recorded, strict=True)
        ],
        "undecided": sum(standing.is_open for standing in after.values()),
    }


def _check(each: WantedDecision, review: Review, standings: dict[str, Standing], caller: Caller) -> None:
    """Whether this decision may be made. Raises NotFound, AccessDenied, Unprocessable."""
    finding = next((found for found in review.findings if found.id == each.finding), None)
    if finding is None:
        raise NotFound("no finding of that id in this review")
    if is_own(finding, caller):
        raise AccessDenied("self_review", f"{finding.id} is about yourself: somebody else decides about it")
    standing = standings[finding.id]
    before = standing.decision.record if standing.decision else None
    if each.replaces != before:
        stands = "nobody has decided about it" if before is None else f"the decision {before} stands"
        raise Unprocessable(f"{finding.id}: {stands}; name in `replaces` what this decision replaces")
    if each.choice == "applied" and standing.state != "revoked":
        raise Unprocessable(f"{finding.id}: only what was revoked can be reported as applied")


def is_own(finding: Finding, caller: Caller) -> bool:
    """True where the finding is about the caller."""
    return finding.principal == (caller.tenant, caller.principal)


def _announce(call: Call, grant: Grant, made: RecordedReview, decisions: int) -> None:
    """Claim that records will follow: who knows the review finds them without reading the whole ledger."""
    claim = Claim(
        ClaimKind.DECISION,
        decision_key(made.id, call.request_id),
        format_time(call.received),
        {"writer": grant.reviews.service.writer, "decisions": decisions},
    )
    if not grant.reviews.claims.make(claim):
        raise AuditUnavailable("the decisions could not be announced; nothing was recorded")


def _record(call: Call, grant: Grant, made: RecordedReview, each: WantedDecision, standing: Standing) -> str:
    """Commit one decision; its record's name. It is later than what it supersedes, whatever clocks say."""
    before = standing.decision
    moment = call.received if before is None else max(call.received, before.at + timedelta(microseconds=1))
    receipt = grant.commit(
        ReviewDecisionRecord(
            time=format_time(moment),
            request_id=call.request_id,
            who=identify(grant.caller),
            review_id=made.id,
            finding_id=each.finding,
            choice=each.choice,
            justification=each.justification,
            defer_until=format_time(each.defer_until) if each.defer_until else None,
            report=made.digest,
            where=locate_call(call),
            service=grant.reviews.service,
        )
    )
    return f"{receipt.writer}/{receipt.index}"


REVIEWS = _operation(_list_reviews)
REVIEW = _operation(_show_review)
DECIDE = Operation(PERMISSION, _parse_deciding)
