"""Single records, proofs, questions, copies: each command on a folder."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path

import duckdb
import pytest

from auditor.caching import cache_folder
from auditor.folders import FolderSource
from auditor.pulling import pull
from shared.errors import StoreUnavailable
from shared.ledger.hashing import leaf_hash
from shared.records.columns import ALL_COLUMNS, Place, flatten_record
from shared.records.digests import DigestKey
from shared.records.model import RECORD, KeyedDigests
from shared.usecases.reading import list_segments, read_lines
from tests.support.auditing import Run, write_copy
from tests.support.ledgers import START, ULIDS, Clock, SmallLedger, access_record, sealer_of, start_writer
from tests.support.worm import WormStore


def test_show(run: Run, copy: Path, ledger: SmallLedger) -> None:
    """A record, its place, its leaf hash; with --raw its bytes alone."""
    shown = run("show", f"{ULIDS[0]}/2", "--in", copy, "--json").json
    raw = run("show", f"{ULIDS[0]}/2", "--in", copy, "--raw").text
    assert shown["leaf_hash"] == leaf_hash(raw.encode()).hex()
    assert shown["fields"]["seq"] == 2
    assert "who.principal" in run("show", f"{ULIDS[0]}/2", "--in", copy).text


def test_tail(run: Run, copy: Path) -> None:
    """The newest records, one a line."""
    lines = run("tail", "--in", copy, "-n", "2", "--json").text.splitlines()
    assert [json.loads(line)["record"] for line in lines] == [f"{ULIDS[1]}/3", f"{ULIDS[2]}/1"]


@pytest.mark.parametrize("writer", ULIDS)
def test_every_record_is_proven_and_checked(run: Run, copy: Path, tmp_path: Path, writer: str) -> None:
    """prove, then check-proof with nothing but the folder and the key; any changed byte is refused."""
    refused = changed = 0
    index = 0
    while True:
        folder = tmp_path / f"proof-{index}"
        ran = run("prove", f"{writer}/{index}", "--in", copy, "--to", folder, "--json")
        if ran.code == 3:
            break
        assert ran.json["sealed"]
        checked = run("check-proof", folder, "--json")
        assert (checked.code, checked.json["record"]) == (0, f"{writer}/{index}")
        for path in sorted(folder.glob("*.json")) + sorted(folder.glob("*.tlog-proof")):
            data = path.read_bytes()
            for place in range(0, len(data), 101):
                path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
                changed += 1
                refused += run("check-proof", folder).code == 1
            path.write_bytes(data)
        index += 1
    assert index >= 2
    assert refused == changed
    print(f"{writer}: {index} records proven, {refused} of {changed} changed bytes refused")


def test_a_proof_does_not_overwrite(run: Run, copy: Path, tmp_path: Path) -> None:
    """A proof gets a folder of its own; a missing part is named."""
    assert run("prove", f"{ULIDS[0]}/1", "--in", copy, "--to", tmp_path / "p").code == 0
    ran = run("prove", f"{ULIDS[0]}/2", "--in", copy, "--to", tmp_path / "p")
    assert (ran.code, "is not empty" in ran.error) == (3, True)
    (tmp_path / "p" / "genesis.json").unlink()
    ran = run("check-proof", tmp_path / "p")
    assert (ran.code, "lacks genesis.json" in ran.error) == (3, True)


def test_an_unsealed_record_is_proven_by_its_writer(run: Run, tmp_path: Path) -> None:
    """A minute after the call the root log covers it; before, the writer's signature stands alone."""
    store, clock = WormStore(), Clock()
    start_writer(store, ULIDS[0], clock, seed=10).access(2)
    copy = write_copy(tmp_path / "new", SmallLedger(store, clock, [], []))
    ran = run("prove", f"{ULIDS[0]}/1", "--in", copy, "--to", tmp_path / "p", "--json")
    assert not ran.json["sealed"]
    assert "the writer's signature alone" in run("check-proof", tmp_path / "p").text


def test_query_in_every_format(run: Run, copy: Path, tmp_path: Path) -> None:
    """table, json, csv on stdout; parquet into a file."""
    kql = (
        "AuditRecords | where RecordType == 'access'"
        " | summarize n = count() by Principal | order by Principal asc"
    )
    rows = run("query", kql, "--in", copy, "--json").json
    assert sum(row["n"] for row in rows) == 9
    table = run("query", kql, "--in", copy).text
    assert "Principal" in table
    parsed = list(csv.DictReader(io.StringIO(run("query", kql, "--in", copy, "-f", "csv").text)))
    assert [row["Principal"] for row in parsed] == [row["Principal"] for row in rows]
    target = tmp_path / "result.parquet"
    assert run("query", kql, "--in", copy, "-f", "parquet", "-o", target).code == 0
    assert duckdb.read_parquet(str(target)).sum("n").fetchall() == [(9,)]
    assert (cache_folder(copy) / "records").is_dir()
    assert run("verify", copy).code == 0


def test_rows_are_those_of_the_telemetry(run: Run, copy: Path) -> None:
    """Each row equals what the telemetry event of the same record carries, column by column."""
    rows = run("query", "AuditRecords", "--in", copy, "--json").json
    assert set(rows[0]) == {"TimeGenerated", *(column.name for column in ALL_COLUMNS)}
    by_name = {row["RecordId"]: row for row in rows}
    source, compared = FolderSource(copy), 0
    for group in list_segments(source).values():
        index = 0
        for segment in group:
            for line in read_lines(source, segment, index):
                index = line.index + 1
                fields = json.loads(line.line)
                del fields["seq"], fields["prev"]
                record = RECORD.validate_json(json.dumps(fields))
                expected = flatten_record(record, Place(line.writer, line.index))
                row = by_name[line.name]
                for column in ALL_COLUMNS:
                    got, want = row[column.name], expected[column.name]
                    if column.type == "dynamic" and got is not None:
                        got = json.loads(got)
                    assert got == want, (line.name, column.name)
                    compared += 1
    assert compared == 13 * len(ALL_COLUMNS)


def test_a_query_reaches_no_other_file(run: Run, copy: Path, tmp_path: Path) -> None:
    """KQL cannot read what is not the evidence, nor write."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    for kql in (
        f'externaldata(a:string)["{secret}"]',
        ".set Other <| AuditRecords",
        f"['{secret}']",
        f"AuditRecords | union (['{secret}'])",
    ):
        assert run("query", kql, "--in", copy).code == 3, kql


def test_an_empty_ledger_answers(run: Run, tmp_path: Path) -> None:
    """No records: an empty result, and a verdict."""
    (tmp_path / "empty").mkdir()
    assert run("query", "AuditRecords | count", "--in", tmp_path / "empty", "--json").json == [{"Count": 0}]
    assert run("verify", tmp_path / "empty").text.startswith("INTACT: 0 records of 0 writers")


def test_stats_columns_and_keys(run: Run, copy: Path) -> None:
    """Counts, the table's columns, and who signed."""
    stats = run("stats", "--in", copy, "--json").json
    assert sum(row["records"] for row in stats["by_type"]) == 13
    assert "by writer" in run("stats", "--in", copy).text
    assert len(run("columns", "--json").json) == len(ALL_COLUMNS) + 1
    keys = run("keys", copy, "--json").json
    assert [writer["state"] for writer in keys["writers"]] == ["trusted"] * 3
    assert run("keys", copy).code == 0


def test_find_text(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest of a text finds its calls; another key's records are named, not searched."""
    store, clock = WormStore(), Clock()
    writer = start_writer(store, ULIDS[0], clock, seed=10)
    mine, other = DigestKey(b"k" * 32), DigestKey(b"o" * 32)
    for number, (key, text) in enumerate([(mine, "call 555-0100"), (mine, "else"), (other, "call 555-0100")]):
        record = access_record(START, writer.service, number)
        digests = KeyedDigests(key_id=key.key_id, values=("0" * 32, key.digest(text)))
        what = record.what.model_copy(update={"input_digests": digests})
        writer.commit([record.model_copy(update={"what": what})])
    sealer_of(store, clock).run()
    copy = write_copy(tmp_path / "copy", SmallLedger(store, clock, [], []))
    monkeypatch.setenv("DIGEST_KEY", base64.b64encode(mine.secret).decode())
    found = run("find-text", "-", "--in", copy, "--json", stdin="call 555-0100").json
    assert [hit["record"] for hit in found["records"]] == [f"{ULIDS[0]}/1"]
    assert found["other_key_ids"] == [other.key_id]
    assert run("find-text", "nobody sent this", "--in", copy).code == 1


def test_pull_continues_where_it_stopped(tmp_path: Path, ledger: SmallLedger, run: Run) -> None:
    """Each read fails once in turn: the next pull goes on, and the copy is the original."""
    for number in range(1, 30):
        store = ledger.store.copy()
        store.fail_read_at = number
        folder = tmp_path / f"copy-{number}"
        folder.mkdir()
        try:
            pull(store, folder, lambda done, total: None)
        except StoreUnavailable:
            pull(store, folder, lambda done, total: None)
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert files == set(ledger.store.objects)
        assert all((folder / path).read_bytes() == data for path, data in ledger.store.objects.items())
    again = pull(ledger.store.copy(), folder, lambda done, total: None)
    assert (again.fetched, again.fetched_bytes) == (0, 0)


def test_pull_command(run: Run, copy: Path, tmp_path: Path) -> None:
    """From a folder to another, with tables and indexes ready; a shrunken source is refused."""
    ran = run("pull", copy, "--to", tmp_path / "second", "--json")
    assert ran.json["fetched"] == ran.json["objects"]
    assert run("verify", tmp_path / "second").code == 0
    assert (tmp_path / "second.auditor" / "index" / ULIDS[0] / "state.json").exists()
    path = copy / f"v1/w/{ULIDS[1]}/00000001.seg"
    path.write_bytes(path.read_bytes()[:-10])
    ran = run("pull", copy, "--to", tmp_path / "second")
    assert (ran.code, "no object of a ledger shrinks" in ran.error) == (3, True)


def test_pull_never_leaves_its_folder(tmp_path: Path) -> None:
    """An object called ../../x goes nowhere."""
    from auditor.errors import AuditorError

    for name in ("../outside", "a/../../b", "/etc/x", "a//b", "c:\\x"):
        with pytest.raises(AuditorError):
            pull(WormStore({name: b"x"}), tmp_path / "in", lambda done, total: None)
    assert not (tmp_path / "outside").exists()
