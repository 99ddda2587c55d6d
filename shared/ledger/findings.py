"""What a verifier has to say: findings, each of a named class, and the verdict over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """What a finding means for the verdict, and so for the exit status."""

    TAMPERING = "tampering"
    """The evidence contradicts itself or what is trusted. Exit 1."""
    UNCHECKED = "unchecked"
    """Something could not be checked: neither proven nor disproven. Exit 2 where nothing is worse."""
    REMARK = "remark"
    """Worth knowing, no doubt about the evidence. Exit 0."""


class Kind(StrEnum):
    """The class of a finding. Values are part of the command's contract."""

    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    RECORD_MISSING = "record_missing"
    RECORD_REPEATED = "record_repeated"
    CHAIN_BROKEN = "chain_broken"
    SIZE_MISMATCH = "size_mismatch"
    ROOT_MISMATCH = "root_mismatch"
    SIGNATURE_INVALID = "signature_invalid"
    GENESIS_UNTRUSTED = "genesis_untrusted"
    AFTER_CLOSED = "after_closed"
    SEGMENT_MISSING = "segment_missing"
    UNEXPECTED_OBJECT = "unexpected_object"
    WRITER_MISSING = "writer_missing"
    LOG_SHORTENED = "log_shortened"
    LOG_FORKED = "log_forked"
    ROOT_OBJECT_MISSING = "root_object_missing"
    TILE_MISMATCH = "tile_mismatch"
    SEAL_INVALID = "seal_invalid"
    PLACE_CHANGED = "place_changed"
    ROLLBACK = "rollback"
    SPLIT_VIEW = "split_view"
    RECEIPT_UNMATCHED = "receipt_unmatched"
    COPY_DIFFERS = "copy_differs"
    TIMESTAMP_INVALID = "timestamp_invalid"
    SNAPSHOT_MISSING = "snapshot_missing"
    SNAPSHOT_ALTERED = "snapshot_altered"
    CLAIM_MISSING = "claim_missing"
    CLAIM_ALTERED = "claim_altered"
    APPROVAL_REUSED = "approval_reused"
    APPROVAL_UNFOUNDED = "approval_unfounded"
    REPORT_MISSING = "report_missing"
    REPORT_ALTERED = "report_altered"
    SIDE_UNMATCHED = "side_unmatched"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_WITNESS = "unknown_witness"
    UNKNOWN_TIMESTAMP = "unknown_timestamp"
    UNREADABLE = "unreadable"
    UNSEALED = "unsealed"
    UNFINISHED = "unfinished"
    EXPIRED = "expired"
    REPORT_ELSEWHERE = "report_elsewhere"
    SIDE_UNNAMED = "side_unnamed"
    SIDE_UNLISTED = "side_unlisted"


_WEIGHTS = {
    Kind.UNKNOWN_KEY: Weight.UNCHECKED,
    Kind.UNKNOWN_WITNESS: Weight.REMARK,
    Kind.UNKNOWN_TIMESTAMP: Weight.REMARK,
    Kind.UNREADABLE: Weight.UNCHECKED,
    Kind.UNSEALED: Weight.UNCHECKED,
    Kind.UNFINISHED: Weight.REMARK,
    Kind.EXPIRED: Weight.REMARK,
    Kind.REPORT_ELSEWHERE: Weight.REMARK,
    Kind.SIDE_UNNAMED: Weight.REMARK,
    Kind.SIDE_UNLISTED: Weight.REMARK,
}

MEANINGS = {
    Kind.MALFORMED: "bytes that are not in the format: they were changed, or did not come from this software",
    Kind.TRUNCATED: "a commit is cut off: appends do not tear, so bytes were removed or a copy is incomplete",
    Kind.RECORD_MISSING: "records are missing before this one",
    Kind.RECORD_REPEATED: "a record stands again, or out of its order",
    Kind.CHAIN_BROKEN: "this record does not follow the bytes of the one before: one of the two was changed",
    Kind.SIZE_MISMATCH: "the signed number of records is not the number of records here",
    Kind.ROOT_MISMATCH: "the signed root is not that of the bytes here: a record was changed",
    Kind.SIGNATURE_INVALID: "a signature does not verify: the checkpoint or its signature was changed",
    Kind.GENESIS_UNTRUSTED: "no trusted key vouches for this writer: its log may be forged as a whole",
    Kind.AFTER_CLOSED: "something follows the record that closed the log",
    Kind.SEGMENT_MISSING: "a segment is missing between others",
    Kind.UNEXPECTED_OBJECT: "an object that does not belong here: a foreign, renamed or misplaced file",
    Kind.WRITER_MISSING: "a writer's log was sealed in the root log and is not here",
    Kind.LOG_SHORTENED: "a writer's log ends before what the root log had sealed: its tail was removed",
    Kind.LOG_FORKED: "a writer's log is not the one that the root log had sealed",
    Kind.ROOT_OBJECT_MISSING: "an object of the root log is missing",
    Kind.TILE_MISMATCH: "a tile of the root log does not hold what the root log's entries give",
    Kind.SEAL_INVALID: "an entry of the root log contradicts an earlier one",
    Kind.PLACE_CHANGED: "records are as they were sealed, but segments were cut, joined or moved since",
    Kind.ROLLBACK: "the evidence is older than a checkpoint that was seen outside: newer parts were removed",
    Kind.SPLIT_VIEW: "a checkpoint that was seen outside belongs to another history than the one here",
    Kind.RECEIPT_UNMATCHED: "a receipt names a record that is not in the log it names",
    Kind.COPY_DIFFERS: "the archived copy is not the original byte for byte",
    Kind.TIMESTAMP_INVALID: "a time-stamp does not cover the checkpoint beside it",
    Kind.SNAPSHOT_MISSING: "a snapshot of a configuration that a record names is not here",
    Kind.SNAPSHOT_ALTERED: "a snapshot of a configuration is not the bytes that its name is the hash of",
    Kind.CLAIM_MISSING: "a claim that was made once is gone: what it stopped could be done again",
    Kind.CLAIM_ALTERED: "a claim says something else than its path or the record of it",
    Kind.APPROVAL_REUSED: "one approval was used, and ended another time too",
    Kind.APPROVAL_UNFOUNDED: "an approval was used that no second person here had given",
    Kind.REPORT_MISSING: "a report that the record of a review names is not here",
    Kind.REPORT_ALTERED: "a report of a review is not the bytes that the record of it names",
    Kind.SIDE_UNMATCHED: "a claim or a report of something that no record here has begun: it was put there",
    Kind.UNKNOWN_KEY: "a signature of the log's own name is by a key that is not among the trusted ones",
    Kind.UNKNOWN_WITNESS: "a cosignature by a witness whose key was not given; it adds nothing here",
    Kind.UNKNOWN_TIMESTAMP: "a time-stamp, and its authority's certificate was not given; it adds nothing",
    Kind.UNREADABLE: "storage did not give this object: it was not checked",
    Kind.UNSEALED: "records that the root log does not cover yet: nothing else proves them complete",
    Kind.UNFINISHED: "sealing was under way, and will be finished by its next run",
    Kind.EXPIRED: "deleted when its retention had ended, and a record says so",
    Kind.REPORT_ELSEWHERE: "reports of reviews lie in the archive, which was not given: not compared here",
    Kind.SIDE_UNNAMED: "no record of it is here: its process died between the two, or somebody else put it",
    Kind.SIDE_UNLISTED: "a record should be listed here too: its process died in between, or it was removed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `object` is a path or a writer; `index` a record, entry or byte, as `detail` says."""

    kind: Kind
    object: str
    index: int | None
    detail: str

    @property
    def weight(self) -> Weight:
        """What it means for the verdict."""
        return _WEIGHTS.get(self.kind, Weight.TAMPERING)

    @property
    def meaning(self) -> str:
        """What it means, in words."""
        return MEANINGS[self.kind]
