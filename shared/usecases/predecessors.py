"""The configuration that was last in force: from the genesis of the newest writer that names one.

A writer's ULID begins with the time of its start, so prefixes of that time find the newest writers without
listing all. Only a genesis that holds under the service's keys counts: what anybody else puts into storage
can neither hide a change nor invent one. A writer that claims to have started in the future is passed over.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from ulid import ULID

from shared.errors import LedgerError, ObjectMissing
from shared.ledger.genesis import verify_genesis
from shared.ledger.notes import VerifierKey
from shared.ledger.segments import WRITERS_PREFIX
from shared.usecases.ports import Reader
from shared.usecases.reading import SegmentRef, first_fields, list_segments_below

CLOCK_SKEW = timedelta(minutes=5)

WIDTHS = (6, 5, 4, 3)
"""Characters of a ULID's time to look below: 17 minutes, 9 hours, 12 days, 13 months; then everything."""

MAX_TRIED = 64
"""Writers whose first record is read; where none of them names a configuration, nothing is compared."""

_STEPS_MS = {width: 32 ** (10 - width) for width in WIDTHS}


def find_predecessor(reader: Reader, log: str, trusted: Collection[VerifierKey], now: datetime) -> str | None:
    """The digest of the configuration that the newest writer runs, None where no writer names one.

    Raises StoreUnavailable.
    """
    for segment in itertools.islice(_newest_first(reader, now + CLOCK_SKEW), MAX_TRIED):
        configuration = _configuration_of(reader, segment, log, trusted)
        if configuration is not None:
            return configuration
    return None


def _configuration_of(
    reader: Reader, segment: SegmentRef, log: str, trusted: Collection[VerifierKey]
) -> str | None:
    """None also for a log that has not begun, an older version's, and one that is not the service's own."""
    try:
        fields = first_fields(reader, segment)
        verify_genesis(fields, log, segment.writer, trusted)
    except (LedgerError, ObjectMissing):
        return None
    configuration = fields.get("configuration")
    return configuration if isinstance(configuration, str) else None


def _newest_first(reader: Reader, latest: datetime) -> Iterator[SegmentRef]:
    """First segments of the writers that started until then, newest first, none twice."""
    limit = str(ULID.from_datetime(latest))[:10]
    seen: set[str] = set()
    for prefixes in _prefixes(latest):
        found = [
            group[0]
            for prefix in prefixes
            for writer, group in list_segments_below(reader, WRITERS_PREFIX + prefix).items()
            if writer not in seen and writer[:10] <= limit and group[0].number == 0 and group[0].size
        ]
        seen.update(segment.writer for segment in found)
        yield from sorted(found, key=lambda segment: segment.writer, reverse=True)


def _prefixes(latest: datetime) -> Iterator[tuple[str, ...]]:
    """Ever wider stretches of time that end with now: of each width the current one and the one before."""
    moment_ms = int(latest.timestamp() * 1_000)
    for width in WIDTHS:
        times = (moment_ms, moment_ms - _STEPS_MS[width])
        yield tuple(str(ULID.from_timestamp(at / 1_000))[:width] for at in times)
    yield ("",)
