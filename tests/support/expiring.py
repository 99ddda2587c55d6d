"""An immutable store in which what has expired may be deleted."""

from __future__ import annotations

from shared.errors import ObjectMissing, StoreUnavailable
from tests.support.worm import WormStore


class ExpiringStore(WormStore):
    """A WORM store from which the sweeper may delete; deletions count as writes."""

    def delete(self, path: str) -> None:
        """Delete an object. Raises ObjectMissing, StoreUnavailable."""
        fails = self._write(f"delete {path}")
        if path not in self.objects:
            raise ObjectMissing("no such object")
        del self.objects[path]
        if fails:
            raise StoreUnavailable("the answer was lost")
