"""A process that writes to the ledger until it is killed, and prints what it got receipts for.

`python -m tests.support.writing_child <connection string> <container> <writer>`
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from dataclasses import replace
from datetime import UTC, datetime

from shared.cloud.blobs import open_store
from shared.ledger.segments import SegmentLimits
from shared.usecases.commits.committing import CommitOptions, Committer
from tests.support.committers import SERVICE_KEY, make_writer
from tests.support.records import SERVICE, access_record


async def write_on(ledger: Committer, caller: int) -> None:
    """Records without end."""
    for number in itertools.count():
        request_id = f"{caller:02d}-{number:06d}"
        receipt = await ledger.commit(access_record(request_id=request_id))
        print(receipt.index, request_id, flush=True)


async def write_all(ledger: Committer) -> None:
    """Eight callers at once."""
    await asyncio.gather(*(write_on(ledger, caller) for caller in range(8)))


def main(connection_string: str, container: str, writer: str) -> None:
    """Until killed. Segments are short, so that the end may come at any step of a rotation."""
    ledger = Committer(
        open_store(container, connection_string=connection_string),
        make_writer(service=SERVICE.model_copy(update={"writer": writer})),
        [SERVICE_KEY],
        lambda: datetime.now(UTC),
        replace(CommitOptions(), segments=SegmentLimits(commits=3)),
    )
    ledger.open()
    asyncio.run(write_all(ledger))


if __name__ == "__main__":
    main(*sys.argv[1:])
