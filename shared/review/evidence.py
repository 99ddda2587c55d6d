"""The newest records behind a matter, whatever the order in which they come."""

from __future__ import annotations

from shared.review.uses import MOST_EVIDENCE, Evidence

TIME_CHARS = 27
"""Length of a record's time; an entry is the time, a space, and the record's name."""


def entry(time: str, writer: str, index: int) -> str:
    """A record as evidence, in one text that sorts by time."""
    return f"{time} {writer}/{index}"


def checked_text(value: object) -> str:
    """What names something is a text; a later version's record may have something else. Raises TypeError."""
    if type(value) is not str:
        raise TypeError(f"expected a text, got {type(value).__name__}")
    return value


class Bucket:
    """Counts everything, keeps the newest `most` entries. Trimming now and then costs less than a heap."""

    __slots__ = ("_entries", "_floor", "_most", "count")

    def __init__(self, most: int = MOST_EVIDENCE) -> None:
        self.count = 0
        self._entries: list[str] = []
        self._floor = ""
        self._most = most

    def add(self, item: str, count: int = 1) -> None:
        """Take an entry that stands for so many."""
        self.count += count
        if item <= self._floor:
            return
        self._entries.append(item)
        if len(self._entries) >= 2 * self._most:
            self._trim()

    def _trim(self) -> None:
        self._entries.sort(reverse=True)
        if len(self._entries) > self._most:
            del self._entries[self._most :]
            self._floor = self._entries[-1]

    def freeze(self) -> Evidence:
        """What was kept, newest first."""
        self._trim()
        records = tuple((item[:TIME_CHARS], item[TIME_CHARS + 1 :]) for item in self._entries)
        return Evidence(records, self.count)
