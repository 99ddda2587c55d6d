"""Approvals by a second person: asked for, decided, used once, ended. The ledger itself is what proves them.

Each step is an `approval` record. The first, `requested`, is the approval's name: `<writer>/<index>`; it
holds a keyed digest over everything that is asked for, so that one call is approved and not a kind of call.
Records are read from storage with their proof (genesis, signed checkpoint, inclusion): a byte that no writer
of this ledger committed counts for nothing. Three claims stand beside them:

    open-approval   what is open, for lists, with the proof of its record
    approved        where the `approved` record is, with its proof: hints that save a search, verified all
    approval        the end: used, rejected or expired. Whoever makes it has ended the approval for good

The end is claimed before its record is committed and before anything is done: a process that dies in between
has used the approval up, and no two calls ever use one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.errors import AccessDenied, MalformedLedger
from shared.identity.roles import Policy
from shared.ledger.sideobjects import Claim, ClaimKind
from shared.records.canonical import format_time, parse_time
from shared.records.digests import DigestKey
from shared.records.model import ApprovalRecord, KeyedDigests, Record, ServicePart, Where, Who
from shared.usecases.approvals.proofs import ApprovalProofs, Asked, is_other_person, is_same_person
from shared.usecases.approvals.wishes import Taker, Wish, digest_asker, digest_wish
from shared.usecases.once import Claims
from shared.usecases.ports import Clock, Receipt

logger = logging.getLogger("presidio_access.approvals")

SKEW = timedelta(minutes=1)
"""How far the clocks of two processes may differ."""

MAX_LISTED = 200
MAX_LOOKED_AT = 1_000
"""Open approvals that one list looks at, the newest: others are too many to be decided by anybody."""

PERMISSION = "approval.decide"

type Commit = Callable[[Record], Receipt]
"""Returns once the record is stored; to be called on a thread. Raises AuditUnavailable."""


class Approvals:
    """Thread-safe; every method blocks on storage. All raise StoreUnavailable where that gives no answer."""

    def __init__(
        self,
        claims: Claims,
        proofs: ApprovalProofs,
        key: DigestKey,
        policy: Policy,
        service: ServicePart,
        clock: Clock,
    ) -> None:
        self._claims = claims
        self._proofs = proofs
        self._key = key
        self._policy = policy
        self._service = service
        self._clock = clock

    # --- asking ---------------------------------------------------------------------------------------

    def digest(self, wish: Wish) -> KeyedDigests:
        """The keyed digest of a wish, under the policy in force. Raises InputError."""
        return digest_wish(wish, self._policy.digest, self._key)

    def ask(self, wish: Wish, taker: Taker, justification: str, commit: Commit) -> Asked:
        """Commit the request and list it. Raises AuditUnavailable."""
        now = self._clock()
        record = ApprovalRecord(
            time=format_time(now),
            request_id=taker.request_id,
            step="requested",
            who=taker.who,
            operation=wish.operation,
            purpose=wish.purpose,
            justification=justification,
            demand=self.digest(wish),
            expires=format_time(now + self._policy.approval_lifetime),
            where=taker.where,
            policy=self._policy.digest,
            service=self._service,
            texts=wish.texts,
            chars=wish.chars,
            operators=wish.operators,
        )
        receipt = commit(record)
        asked = Asked(f"{receipt.writer}/{receipt.index}", record)
        asker = digest_asker(self._key, taker.who)
        members = {"expires": record.expires, "by": taker.request_id, "asker": asker, **_proof(receipt)}
        self._claims.make(Claim(ClaimKind.OPEN_APPROVAL, asked.key, record.time, members))
        self._proofs.keep(asked.name, record)
        return asked

    def list_open(self, who: Who, *, sees_all: bool) -> list[tuple[Asked, bool]]:
        """Approvals that have not ended, all or the caller's own, and whether each is approved."""
        now, asker, found = self._clock(), digest_asker(self._key, who), []
        for key in self._open_keys()[-MAX_LOOKED_AT:]:
            hint = self._proofs.hint(ClaimKind.OPEN_APPROVAL, key) or {}
            if not sees_all and hint.get("asker") != asker:
                continue
            asked = self._proofs.find_listed(key)
            if asked is None or now >= asked.expires:
                continue
            if sees_all or is_same_person(asked.record.who, who):
                found.append((asked, self._proofs.hint(ClaimKind.APPROVED, key) is not None))
            if len(found) == MAX_LISTED:
                break
        return found

    # --- deciding -------------------------------------------------------------------------------------

    def decide(self, name: str, taker: Taker, justification: str, commit: Commit, *, yes: bool) -> Asked:
        """Approve or reject what somebody else asked for. Raises AccessDenied, AuditUnavailable.

        What was approved may still be rejected until it is used; what was rejected stays so.
        """
        asked = self._proofs.find(name)
        if not is_other_person(asked.record.who, taker.who):
            raise AccessDenied("approval_self", "somebody else approves: this was asked for by the caller")
        if taker.who.kind != "person":
            raise AccessDenied("wrong_kind", "an approval is a person's")
        if asked.record.policy != self._policy.digest:
            raise AccessDenied("approval_mismatch", "the policy has changed since; ask again")
        self._check_open(asked)
        if not yes:
            self._end(asked, "rejected", taker.request_id)
            commit(self._step(asked, "rejected", taker, justification))
            return asked
        if self._proofs.hint(ClaimKind.APPROVED, asked.name) is not None:
            raise AccessDenied("approval_decided", "it has been approved already")
        record = self._step(asked, "approved", taker, justification)
        receipt = commit(record)
        named = f"{receipt.writer}/{receipt.index}"
        members = {"record": named, "by": taker.request_id, **_proof(receipt)}
        self._claims.make(Claim(ClaimKind.APPROVED, asked.key, record.time, members))
        return asked

    # --- using ----------------------------------------------------------------------------------------

    def check(self, name: str, wish: Wish, who: Who) -> Asked:
        """The approval, if it is of this very call, by this caller, approved and not ended.

        Raises AccessDenied: `approval_unknown`, `approval_mismatch`, `approval_used`, `approval_rejected`,
        `approval_expired`, `approval_pending`.
        """
        asked = self._proofs.find(name)
        record = asked.record
        same = (record.operation, record.purpose, record.policy, record.demand) == (
            wish.operation,
            wish.purpose,
            self._policy.digest,
            self.digest(wish),
        )
        if not same or not is_same_person(record.who, who):
            raise AccessDenied("approval_mismatch", "the approval is not of this call: ask for this one")
        self._check_open(asked)
        self._check_approved(asked)
        return asked

    def use(self, asked: Asked, taker: Taker, commit: Commit) -> None:
        """Use it up. Exactly one call ever returns from here. Raises AccessDenied, AuditUnavailable."""
        self._end(asked, "used", taker.request_id)
        commit(self._step(asked, "used", taker, None))

    def expire(self, commit: Callable[[Record], object]) -> int:
        """End those whose time is over, so that the ledger says of each how it ended; how many there were."""
        now, ended = self._clock(), 0
        for key in self._open_keys():
            hinted = (self._proofs.hint(ClaimKind.OPEN_APPROVAL, key) or {}).get("expires")
            if isinstance(hinted, str) and hinted > format_time(now - SKEW):
                continue
            asked = self._proofs.find_listed(key)
            if asked is None or now < asked.expires + SKEW:
                continue
            claim = self._end_claim(asked, "expired", self._service.writer)
            if self._claims.make(claim):
                commit(self._step(asked, "expired", None, None))
                ended += 1
        return ended

    # --- checks ---------------------------------------------------------------------------------------

    def _check_open(self, asked: Asked) -> None:
        """Raises AccessDenied where it has ended, or its time is over, or has not begun."""
        now = self._clock()
        step = self._ended(asked.key)
        if step is not None:
            raise _ended(step)
        if now >= asked.expires:
            raise _ended("expired")
        if parse_time(asked.record.time) > now + SKEW:
            raise AccessDenied("approval_mismatch", "it was asked for in the future; clocks differ")

    def _check_approved(self, asked: Asked) -> None:
        """Raises AccessDenied unless a second person who may approve this very request did so in time."""
        hint = self._proofs.hint(ClaimKind.APPROVED, asked.name)
        if hint is None:
            raise AccessDenied("approval_pending", "nobody has decided about it yet")
        named = hint.get("record")
        record = self._proofs.read(named, hint) if isinstance(named, str) else None
        if record is None or not self._is_approval_of(record, asked):
            logger.error("what stands for the approval of %s is none", asked.name)
            raise AccessDenied("approval_mismatch", "what stands for its approval is none that counts")

    def _is_approval_of(self, record: ApprovalRecord, asked: Asked) -> bool:
        first, who = asked.record, record.who
        if who is None or who.kind != "person" or not is_other_person(who, first.who):
            return False
        deciding = {role.name for role in self._policy.roles if PERMISSION in role.permissions}
        asked_at = parse_time(first.time) - SKEW
        return (
            (record.step, record.approval) == ("approved", asked.name)
            and (record.operation, record.purpose, record.demand)
            == (first.operation, first.purpose, first.demand)
            and (record.policy, record.expires) == (first.policy, first.expires)
            and bool(deciding & set(who.roles))
            and asked_at <= parse_time(record.time) < asked.expires
        )

    # --- claims ---------------------------------------------------------------------------------------

    def _end(self, asked: Asked, step: str, by: str) -> None:
        if not self._claims.make(self._end_claim(asked, step, by)):
            raise _ended(self._ended(asked.key) or "used")

    def _end_claim(self, asked: Asked, step: str, by: str) -> Claim:
        members = {"step": step, "by": by}
        return Claim(ClaimKind.APPROVAL, asked.key, format_time(self._clock()), members)

    def _ended(self, key: str) -> str | None:
        """How an approval ended. A claim that cannot be read ends it, too: it is there."""
        try:
            claim = self._claims.find(ClaimKind.APPROVAL, key)
        except MalformedLedger:
            return "used"
        return None if claim is None else str(claim.members.get("step"))

    def _open_keys(self) -> list[str]:
        ended = set(self._claims.keys(ClaimKind.APPROVAL))
        return [key for key in self._claims.keys(ClaimKind.OPEN_APPROVAL) if key not in ended]

    def _step(
        self, asked: Asked, step: str, taker: Taker | None, justification: str | None
    ) -> ApprovalRecord:
        """The record of a step: what was asked for, who did what about it, and when."""
        changes: dict[str, Any] = {
            "step": step,
            "approval": asked.name,
            "time": format_time(self._clock()),
            "request_id": taker.request_id if taker else None,
            "who": taker.who if taker else None,
            "where": taker.where if taker else Where(),
            "justification": justification,
            "service": self._service,
        }
        return asked.record.model_copy(update=changes)


def _proof(receipt: Receipt) -> dict[str, str]:
    return {} if receipt.proof is None else {"proof": receipt.proof.decode()}


_WORDS = {
    "used": "it has been used; an approval is for one call",
    "rejected": "it was rejected",
    "expired": "its time is over; ask again",
}


def _ended(step: str) -> AccessDenied:
    word = step if step in _WORDS else "used"
    return AccessDenied(f"approval_{word}", _WORDS[word])
