"""Claims that exist once: what two processes of the service agree on without talking to each other.

A claim is an object that storage creates for the first who asks, and for nobody else (`If-None-Match: *`).
Where storage does not say whether it took effect, the claim is read back: its bytes name who made it. What
stays unclear is an error, and whoever made the claim all the same has used it up.
"""

from __future__ import annotations

from shared.errors import MalformedLedger, ObjectExists, ObjectMissing, StoreError, StoreUnavailable
from shared.ledger.sideobjects import Claim, ClaimKind, claim_path, claims_prefix, parse_claim
from shared.usecases.ports import LedgerStore

SUFFIX = ".json"


class Claims:
    """The claims of one store. Every method raises StoreUnavailable where storage gives no clear answer."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def make(self, claim: Claim) -> bool:
        """True where this call made the claim, False where somebody else had.

        The bytes must be the caller's own (a request id, a writer), so that a lost answer can be told from
        another's claim.
        """
        data = claim.encode()
        try:
            self._store.create(claim.path, data)
        except ObjectExists:
            return False
        except StoreError as error:
            return self._read_back(claim.path, data, error)
        return True

    def find(self, kind: ClaimKind, key: str) -> Claim | None:
        """The claim, None where there is none. Raises MalformedLedger for one that is not of its place."""
        try:
            claim = parse_claim(self._store.read(claim_path(kind, key)))
        except ObjectMissing:
            return None
        except StoreError as error:
            raise _unclear(error) from error
        if (claim.kind, claim.key) != (kind, key):
            raise MalformedLedger("a claim names the place where it stands")
        return claim

    def keys(self, kind: ClaimKind, start: str = "") -> list[str]:
        """The keys of a kind that begin so, sorted."""
        folder = claims_prefix(kind)
        try:
            paths = [item.path for item in self._store.list(f"{folder}{start}")]
        except StoreError as error:
            raise _unclear(error) from error
        return [path.removeprefix(folder).removesuffix(SUFFIX) for path in paths if path.endswith(SUFFIX)]

    def _read_back(self, path: str, data: bytes, error: StoreError) -> bool:
        try:
            return self._store.read(path) == data
        except StoreError as unread:
            raise _unclear(error) from unread


def _unclear(error: StoreError) -> StoreUnavailable:
    return StoreUnavailable(f"a claim could not be made or read: {error.code}")
