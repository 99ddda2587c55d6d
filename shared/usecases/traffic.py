"""How many calls are in flight: a commit may wait a moment for those that will bring a record."""

from __future__ import annotations


class Traffic:
    """A counter as a context manager, used on one event loop; `count` may be read from any thread."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1
