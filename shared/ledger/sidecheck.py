"""The verifier of objects beside the logs: what records say of them, against what is there.

Rules (docs/ledger-format.md, "Objects beside the logs"):

1. A snapshot's name is the hash of its bytes; each that a `genesis` or `config` record names is there.
2. An approval ends once, and is used only where another person than the one who asked had approved. Each
   that ended has its claim, which says how; so has each emergency, which says until when, each review and
   each escalation. A claim names itself: kind and key are those of its path.
3. Each report that a `review` record names is there, with the bytes that it names.
4. No claim and no report belongs to a record that is not there.

Snapshots and claims are asked for in the store itself: a copy in the archive stops nobody from making a
claim again. What an expired log had said is not asked for. Where only newer records were read, rule 4 and
who approved are not checked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import MalformedLedger
from shared.ledger.findings import Kind
from shared.ledger.sidefiles import Lack, SideFiles
from shared.ledger.sidenotes import End, Place, Review, SideNotes
from shared.ledger.sideobjects import (
    Claim,
    ClaimKind,
    ClaimObject,
    ReportObject,
    SideObject,
    SnapshotObject,
    claim_path,
    parse_record_name,
    parse_side_path,
    report_path,
    snapshot_path_of,
)
from shared.records.canonical import parse_time

MAIN_REPORT = "report.json"
_OF_APPROVALS = (ClaimKind.OPEN_APPROVAL, ClaimKind.APPROVED, ClaimKind.APPROVAL)


@dataclass(frozen=True, slots=True)
class Logs:
    """What is known of the writers whose records are not all here.

    `expired` are named by records of retention, and `newest` is the time of the newest record in any of them
    (empty: none). `doubtful` are those of whose logs something is missing or wrong.
    """

    expired: Collection[str]
    newest: str
    doubtful: Collection[str]


class SideCheck:
    """One look at all of them, when all logs have been read. Findings are gathered in `files.findings`."""

    def __init__(self, files: SideFiles, notes: SideNotes, logs: Logs, settled_at: datetime) -> None:
        """`settled_at`: claims that are older should have their records."""
        self._files = files
        self._notes = notes
        self._logs = logs
        self._settled_at = settled_at
        self._named: Mapping[ClaimKind, Collection[str]] = {
            ClaimKind.OPEN_APPROVAL: notes.requested,
            ClaimKind.APPROVED: notes.approved,
            ClaimKind.APPROVAL: notes.ends,
            ClaimKind.EMERGENCY: notes.emergencies,
            ClaimKind.REVIEW: notes.reviews.keys() | notes.failed.keys(),
            ClaimKind.DECISION: notes.decisions,
            ClaimKind.OVERDUE: notes.overdue,
        }

    def run(self, paths: Collection[str], *, is_whole: bool) -> None:
        """Compare. `paths` are those listed; `is_whole`: every record was read, not newer ones only."""
        listed = self._parse(paths)
        self._check_snapshots(listed)
        self._check_approvals()
        notes = self._notes
        for key, ends in notes.emergencies.items():
            for until, place in ends.items():
                self._expect_claim(ClaimKind.EMERGENCY, key, place, {"until": until})
        for key, review in notes.reviews.items():
            judged = {"report": review.reports[MAIN_REPORT]} if MAIN_REPORT in review.reports else {}
            self._expect_claim(ClaimKind.REVIEW, key, review.place, judged)
            self._check_reports(key, review)
        for key, place in notes.decisions.items():
            self._expect_claim(ClaimKind.DECISION, key, place, {})
        for key, place in notes.overdue.items():
            self._expect_claim(ClaimKind.OVERDUE, key, place, {})
        if is_whole:
            self._check_approvers()
            self._check_slots(listed)
            self._check_unnamed(listed)

    def _parse(self, paths: Collection[str]) -> dict[str, SideObject]:
        listed: dict[str, SideObject] = {}
        for path in sorted(paths):
            try:
                listed[path] = parse_side_path(path)
            except MalformedLedger as error:
                self._files.report(Kind.UNEXPECTED_OBJECT, path, error.message)
        return listed

    # --- snapshots and reports ------------------------------------------------------------------------

    def _check_snapshots(self, listed: Mapping[str, SideObject]) -> None:
        named = {snapshot_path_of(digest): digest for digest in self._notes.snapshots}
        there = {path: item.digest for path, item in listed.items() if isinstance(item, SnapshotObject)}
        for path, digest in {**there, **named}.items():
            found = self._files.snapshot_digest(path)
            if found is Lack.MISSING and path in named:
                self._files.report(Kind.SNAPSHOT_MISSING, path, _named_by(self._notes.snapshots[digest]))
            elif isinstance(found, str) and found != digest:
                self._files.report(Kind.SNAPSHOT_ALTERED, path, f"its bytes hash to {found}")

    def _check_reports(self, review_id: str, review: Review) -> None:
        if review.place.writer in self._logs.expired:
            return  # they go with the log that names them
        for file, digest in review.reports.items():
            path = report_path(review_id, file)
            found = self._files.report_digest(path)
            if found is Lack.MISSING:
                is_here = self._files.places.have_reports()
                kind = Kind.REPORT_MISSING if is_here else Kind.REPORT_ELSEWHERE
                self._files.report(kind, path, _named_by(review.place))
            elif isinstance(found, str) and found != digest:
                self._files.report(Kind.REPORT_ALTERED, path, f"its bytes hash to {found}")

    # --- claims ---------------------------------------------------------------------------------------

    def _check_approvals(self) -> None:
        notes = self._notes
        for key, ends in notes.ends.items():
            if len(ends) > 1 and any(end.step == "used" for end in ends):
                steps = ", ".join(f"{end.step} {_named_by(end.place)}" for end in ends)
                self._files.report(Kind.APPROVAL_REUSED, claim_path(ClaimKind.APPROVAL, key), steps)
            self._expect_end(key, ends)
        for key, (place, _) in notes.requested.items():
            self._expect_hint(ClaimKind.OPEN_APPROVAL, key, place)
        for key, given in notes.approved.items():
            self._expect_hint(ClaimKind.APPROVED, key, given[0][0])
            self._check_hint(key, [place for place, _ in given])

    def _expect_end(self, key: str, ends: Sequence[End]) -> None:
        """The claim says how the approval ended; of one that ended twice, one of the two."""
        path = claim_path(ClaimKind.APPROVAL, key)
        claim = self._files.claim(path, ClaimObject(ClaimKind.APPROVAL, key))
        said = claim.members.get("step") if not isinstance(claim, Lack) else None
        if said not in {end.step for end in ends}:
            self._expect_claim(ClaimKind.APPROVAL, key, ends[0].place, {"step": ends[0].step})

    def _expect_hint(self, kind: ClaimKind, key: str, place: Place) -> None:
        """A claim that lists something: nothing can be done twice without it."""
        path = claim_path(kind, key)
        if self._files.claim(path, ClaimObject(kind, key)) is Lack.MISSING:
            self._files.report(Kind.SIDE_UNLISTED, path, _named_by(place))

    def _check_hint(self, key: str, given: Sequence[Place]) -> None:
        """The claim of an approval that was given names one of the records by which it was."""
        path = claim_path(ClaimKind.APPROVED, key)
        claim = self._files.claim(path, ClaimObject(ClaimKind.APPROVED, key))
        names = {f"{place.writer}/{place.seq}" for place in given}
        if not isinstance(claim, Lack) and claim.members.get("record") not in names:
            self._files.report(Kind.CLAIM_ALTERED, path, f"`record` is none of {', '.join(sorted(names))}")

    def _check_approvers(self) -> None:
        """Each approval that was used had been given by another person than the one who had asked."""
        if self._logs.expired or self._logs.doubtful:
            return
        for key, ends in self._notes.ends.items():
            asked = self._notes.requested.get(key)
            given = [person for _, person in self._notes.approved.get(key, ())]
            used = next((end for end in ends if end.step == "used"), None)
            if used and (asked is None or all(person == asked[1] for person in given)):
                path = claim_path(ClaimKind.APPROVAL, key)
                self._files.report(Kind.APPROVAL_UNFOUNDED, path, f"used {_named_by(used.place)}")

    def _expect_claim(self, kind: ClaimKind, key: str, place: Place, members: Mapping[str, str]) -> None:
        path = claim_path(kind, key)
        claim = self._files.claim(path, ClaimObject(kind, key))
        if claim is Lack.MISSING:
            self._files.report(Kind.CLAIM_MISSING, path, _named_by(place))
        elif not isinstance(claim, Lack) and {name: claim.members.get(name) for name in members} != members:
            stated = ", ".join(f"`{name}` is {value}" for name, value in members.items())
            self._files.report(Kind.CLAIM_ALTERED, path, f"{stated}, {_named_by(place)}")

    def _check_slots(self, listed: Mapping[str, SideObject]) -> None:
        """A person's emergencies are counted by claims of dense numbers, which name the emergencies' keys."""
        counted: set[object] = set()
        before = ""
        for path, item in listed.items():
            if not isinstance(item, ClaimObject) or item.kind is not ClaimKind.EMERGENCY_SLOT:
                continue
            claim = self._files.claim(path, item)
            counted.add(claim.members.get("ticket") if not isinstance(claim, Lack) else None)
            person, _, number = item.key.rpartition("-")
            if int(number) > 1 and before != f"{person}-{int(number) - 1:06d}":
                missing = claim_path(item.kind, f"{person}-{int(number) - 1:06d}")
                self._files.report(Kind.CLAIM_MISSING, missing, f"the one after it is there: {path}")
            before = item.key
        for key, ends in self._notes.emergencies.items():
            if key not in counted and None not in counted:
                path, place = claim_path(ClaimKind.EMERGENCY, key), next(iter(ends.values()))
                self._files.report(
                    Kind.CLAIM_MISSING, path, f"no numbered claim counts it; {_named_by(place)}"
                )

    # --- what no record names -------------------------------------------------------------------------

    def _check_unnamed(self, listed: Mapping[str, SideObject]) -> None:
        for path, item in listed.items():
            if isinstance(item, ClaimObject):
                self._check_unnamed_claim(path, item)
            elif isinstance(item, ReportObject):
                self._check_unnamed_report(path, item)
            elif item.digest not in self._notes.snapshots and not self._logs.expired:
                self._files.report(Kind.SIDE_UNNAMED, path, "no record names it")

    def _check_unnamed_claim(self, path: str, item: ClaimObject) -> None:
        claim = self._files.claim(path, item)
        if isinstance(claim, Lack):
            if claim is Lack.MISSING:  # listed, and in the archive alone
                self._files.report(Kind.CLAIM_MISSING, path, "only its copy in the archive is there")
            return
        if item.kind in _OF_APPROVALS:
            writer, _ = parse_record_name(item.key)
            is_known = writer in self._logs.expired or writer in self._logs.doubtful
            if item.key not in self._notes.requested and not is_known:
                self._files.report(Kind.SIDE_UNMATCHED, path, "its approval was not asked for by that record")
                return
        is_due = parse_time(claim.time) < self._settled_at and claim.time > self._logs.newest
        if is_due and not self._is_named(claim):
            self._files.report(Kind.SIDE_UNNAMED, path, f"no record says so; it was made at {claim.time}")

    def _is_named(self, claim: Claim) -> bool:
        if claim.kind is ClaimKind.EMERGENCY_SLOT:
            return claim.members.get("ticket") in self._notes.emergencies
        return claim.key in self._named[claim.kind]

    def _check_unnamed_report(self, path: str, item: ReportObject) -> None:
        review = self._notes.reviews.get(item.review_id)
        if (
            item.file in (review.reports if review is not None else ())
            or item.review_id in self._notes.failed
        ):
            return
        key = ClaimObject(ClaimKind.REVIEW, item.review_id)
        claim = self._files.claim(claim_path(key.kind, key.key), key)
        if review is not None or (isinstance(claim, Lack) and not self._logs.doubtful):
            self._files.report(Kind.SIDE_UNMATCHED, path, "no `review` record has such a file")
        else:
            self._files.report(
                Kind.SIDE_UNNAMED, path, "the review was begun, and no record says that it ended"
            )


def _named_by(place: Place) -> str:
    return f"by record {place.writer}/{place.seq}"
