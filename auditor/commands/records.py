"""`show`, `tail` and `find-text`: single records, as they stand."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from auditor.commands.options import EvidenceOption, JsonOption, KeyOption
from auditor.errors import AuditorError
from auditor.locating import Evidence, locate_evidence, read_digest_key
from auditor.output import print_json, print_line, print_text, progress_bar
from shared.errors import MalformedLedger
from shared.ledger.hashing import leaf_hash
from shared.ledger.lines import parse_line
from shared.ledger.receipts import parse_record_name
from shared.usecases.reading import StoredLine, find_line, first_index, list_segments, read_lines

POLL_S = 1.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(show)
    app.command()(tail)
    app.command("find-text")(find_text)


def show(
    record: Annotated[str, typer.Argument(metavar="WRITER/INDEX", help="As X-Audit-Record has it.")],
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    raw: Annotated[bool, typer.Option("--raw", help="The record's exact bytes, and nothing else.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one record, where it stands, and its leaf hash."""
    found = locate_evidence(evidence, None, key or ())
    line = get_line(found, record)
    if raw:
        sys.stdout.buffer.write(line.line)
        return
    fields = parse_line(line.line)
    place = {
        "record": line.name,
        "segment": line.segment,
        "offset": line.offset,
        "leaf_hash": leaf_hash(line.line).hex(),
    }
    if as_json:
        print_json({**place, "fields": fields})
        return
    print_text("".join(f"{name:<12}{value}\n" for name, value in place.items()))
    print_text("\n".join(f"{name:<34}{value}" for name, value in _flat(fields)))


def get_line(found: Evidence, record: str) -> StoredLine:
    """The record of a name. Raises AuditorError."""
    try:
        writer, index = parse_record_name(record)
    except MalformedLedger as error:
        raise AuditorError(error.message) from error
    line = find_line(found.source, writer, index)
    if line is None:
        raise AuditorError(f"no record {record} in {found.label}")
    return line


def tail(
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, help="How many of the newest to begin with.")
    ] = 10,
    follow: Annotated[
        bool, typer.Option("-F", "--follow", help="Go on with what is committed, until Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the newest records, one a line; with --follow, go on as they come."""
    found = locate_evidence(evidence, None, key or ())
    places: dict[str, int] = {}
    newest = sorted(_newest(found, lines, places), key=lambda pair: str(pair[1].get("time")))
    for line, fields in newest[len(newest) - lines if lines < len(newest) else 0 :]:
        _print_record(line, fields, as_json=as_json)
    while follow:
        time.sleep(POLL_S)
        for line, fields in _newest(found, None, places):
            _print_record(line, fields, as_json=as_json)


def find_text(
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="The text; better - (read from stdin), which no history keeps."),
    ] = None,
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    digest_key: Annotated[
        Path | None,
        typer.Option("--digest-key", metavar="FILE", help="The digest key, base64. Or DIGEST_KEY."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the records of calls that carried exactly this text. The text itself is in no record."""
    found = locate_evidence(evidence, None, key or ())
    secret = read_digest_key(digest_key)
    whole = sys.stdin.read() if text in (None, "-") else str(text)
    wanted = secret.digest(whole)
    hits, other_keys = [], set()
    for line, fields in _all(found, is_quiet=as_json):
        digests = _digests(fields)
        if digests and digests.get("key_id") != secret.key_id:
            other_keys.add(str(digests.get("key_id")))
        elif digests and wanted in digests.get("values", ()):
            hits.append((line, fields))
    if as_json:
        print_json(
            {
                "digest": wanted,
                "key_id": secret.key_id,
                "records": [{"record": line.name, "fields": fields} for line, fields in hits],
                "other_key_ids": sorted(other_keys),
            }
        )
    else:
        for line, fields in hits:
            _print_record(line, fields, as_json=False)
        print_text(f"{len(hits):,} records carry this text (digest {wanted}, key {secret.key_id}).")
        if other_keys:
            print_text(f"Not searched: records under the keys {', '.join(sorted(other_keys))}.")
    raise typer.Exit(0 if hits else 1)


def _digests(fields: dict[str, Any]) -> dict[str, Any]:
    what = fields.get("what")
    digests = what.get("input_digests") if isinstance(what, dict) else None
    return digests if isinstance(digests, dict) else {}


def _all(found: Evidence, *, is_quiet: bool) -> Iterator[tuple[StoredLine, dict[str, Any]]]:
    groups = list_segments(found.source)
    total, done = sum(segment.size for group in groups.values() for segment in group), 0
    with progress_bar(f"searching {found.label}", is_quiet=is_quiet) as progress:
        for group in groups.values():
            index = 0
            for segment in group:
                for line in read_lines(found.source, segment, index):
                    index = line.index + 1
                    yield line, parse_line(line.line)
                done += segment.size
                progress(done, total)


def _newest(
    found: Evidence, count: int | None, places: dict[str, int]
) -> Iterator[tuple[StoredLine, dict[str, Any]]]:
    """Records beyond `places` (bytes read of each segment), which moves on; the last segments suffice."""
    for group in list_segments(found.source).values():
        for segment in group if count is None else group[-1:]:
            start = places.get(segment.path, 0)
            if count is None and segment.path not in places and segment is not group[-1]:
                continue
            if segment.size <= start:
                places.setdefault(segment.path, 0)
                continue
            first = first_index(found.source, segment) if start == 0 else 0
            batch = list(read_lines(found.source, segment, first or 0, start))
            places[segment.path] = segment.size
            for line in batch[-count:] if count else (batch if count is None else []):
                fields = parse_line(line.line)
                yield _named(line, fields), fields


def _named(line: StoredLine, fields: dict[str, Any]) -> StoredLine:
    return StoredLine(line.writer, int(fields.get("seq", line.index)), line.line, line.segment, line.offset)


# what a line says of a record that is no call: the first that it has
_SAYING = ("reason", "step", "state", "choice", "ticket", "review_id", "verdict")


def _print_record(line: StoredLine, fields: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_line({"record": line.name, "fields": fields})
        return
    who, what = fields.get("who", {}), fields.get("what", {})
    outcome, decision = fields.get("outcome", {}), fields.get("decision", {})
    parts = [
        str(fields.get("time", "")),
        line.name,
        str(fields.get("type", "")),
        str(what.get("operation") or fields.get("operation") or "-"),
        str(who.get("principal") or who.get("kind") or "-"),
        str(outcome.get("status", fields.get("status", "-"))),
        str(decision.get("reason") or next((fields[name] for name in _SAYING if name in fields), "")),
    ]
    print_text("  ".join(parts))


def _flat(fields: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
