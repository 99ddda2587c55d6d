"""Records of retention, as a verifier reads them: what tells a log that expired from one that was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.errors import MalformedLedger
from shared.records.canonical import format_time, parse_time


@dataclass(frozen=True, slots=True)
class Expired:
    """What a record of retention says: this writer's log, of that size and root, was deleted in order.

    `newest` is the time of its newest record. Records of retention of logs that ended before `horizon` may
    have expired themselves: it is two retentions before this one.
    """

    writer: str
    size: int
    root: bytes
    newest: str
    store: str
    horizon: str


def parse_expired(fields: Mapping[str, Any]) -> Expired:
    """Read a record of retention. Raises MalformedLedger where members are missing."""
    try:
        horizon = parse_time(fields["time"]) - 2 * timedelta(days=fields["keep_days"])
        return Expired(
            writer=fields["log_writer"],
            size=fields["log_size"],
            root=bytes.fromhex(fields["log_root"]),
            newest=str(fields["newest"]),
            store=str(fields["store"]),
            horizon=format_time(horizon),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MalformedLedger("a record of retention without its members") from error
