"""Records of governance: configuration changes, emergencies, approvals, and access reviews."""

from __future__ import annotations

from typing import Literal

from shared.records.parts import Count, EnginePart, Hex256, KeyedDigests, Part, ServicePart, Time, Where, Who


class ChangePart(Part):
    """One difference between two configurations, by meaning. `path` is dotted, list items by their names.

    `old` and `new` are the values as JSON, cut to 200 characters; None where there was or is none. Values
    that may be personal data (deny lists, context words of one's own) are counted or digested, not quoted.
    """

    part: Literal["policy", "analyzer", "nlp", "recognizers", "packages", "models"]
    path: str
    action: Literal["added", "removed", "changed"]
    old: str | None = None
    new: str | None = None


class CommitPart(Part):
    """The source commit that a configuration came with. `author` is a keyed digest of an address."""

    id: str
    author: KeyedDigests | None = None
    signed: Literal["good", "bad", "unsigned", "unknown"] = "unknown"


class ConfigRecord(Part):
    """The configuration is another one than before: what changed, and with which commit it came.

    `configuration` and `previous` are SHA-256 of snapshots (`v1/config/<sha256>.json`). `state` tells what
    the service runs from what lies on its disk and is not in force (a file that was changed under it).
    """

    v: Literal[1] = 1
    type: Literal["config"] = "config"
    time: Time
    state: Literal["in_force", "on_disk"]
    configuration: Hex256
    previous: Hex256 | None = None
    changes: tuple[ChangePart, ...] = ()
    more_changes: Count = 0
    commit: CommitPart | None = None
    policy: Hex256
    engine: EnginePart
    service: ServicePart


class EmergencyRecord(Part):
    """The emergency role's limited time began: its first use by this person with this ticket.

    Committed before the call's intent. After `until` the same ticket opens nothing.
    """

    v: Literal[1] = 1
    type: Literal["emergency"] = "emergency"
    time: Time
    request_id: str
    who: Who
    role: str
    ticket: str
    purpose: str
    justification: str
    until: Time
    where: Where
    policy: Hex256
    service: ServicePart


class ApprovalRecord(Part):
    """One step of an approval by a second person. `approval` names the `requested` record, absent on itself.

    `demand` is a keyed digest over all that is asked for (operation, texts, operators, purpose, policy): what
    is approved is one request, not a kind of request. `who` took the step; it is absent where time did.
    `texts`, `chars` and `operators` are the measures of what is asked for, for whoever decides.
    """

    v: Literal[1] = 1
    type: Literal["approval"] = "approval"
    time: Time
    request_id: str | None = None
    step: Literal["requested", "approved", "rejected", "used", "expired"]
    approval: str | None = None
    who: Who | None = None
    operation: str
    purpose: str | None = None
    justification: str | None = None
    demand: KeyedDigests
    expires: Time
    where: Where
    policy: Hex256
    service: ServicePart
    texts: Count = 0
    chars: Count = 0
    operators: tuple[str, ...] = ()


class ReviewRecord(Part):
    """An access review was made. Sizes and roots are of the root log; `reports` are file name -> SHA-256.

    The files lie in the archive, below `v1/reviews/<review_id>/`. `unknown` are codes of what could not be
    read.
    """

    v: Literal[1] = 1
    type: Literal["review"] = "review"
    time: Time
    review_id: str
    since: Time
    until: Time
    from_size: Count
    from_root: Hex256
    to_size: Count
    to_root: Hex256
    principals: Count
    findings: dict[str, int]
    risks: dict[str, int]
    unknown: tuple[str, ...] = ()
    reports: dict[str, Hex256]
    decide_by: Time
    service: ServicePart


class ReviewDecisionRecord(Part):
    """A reviewer decided about one finding of a review. `report` is the digest of the JSON that was judged.

    `applied` is said by whoever carried a revocation out.
    """

    v: Literal[1] = 1
    type: Literal["review_decision"] = "review_decision"
    time: Time
    request_id: str
    who: Who
    review_id: str
    finding_id: str
    choice: Literal["approve", "revoke", "defer", "applied"]
    justification: str
    defer_until: Time | None = None
    report: Hex256
    where: Where
    service: ServicePart


class ReviewOverdueRecord(Part):
    """Findings of a review are undecided after its time. `level` counts the escalations of this review."""

    v: Literal[1] = 1
    type: Literal["review_overdue"] = "review_overdue"
    time: Time
    review_id: str
    undecided: Count
    decide_by: Time
    level: Count
    service: ServicePart


class ReviewFailedRecord(Part):
    """A review that was due could not be made. `code` is the error's code; the next day tries again."""

    v: Literal[1] = 1
    type: Literal["review_failed"] = "review_failed"
    time: Time
    review_id: str
    code: str
    service: ServicePart
