"""Objects beside the logs in an auditor's hands: verified, pulled; records of governance shown and asked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.auditing import Run, write_objects
from tests.support.ledgers import ULIDS
from tests.support.side_ledger import REVIEW, TICKET, SideLedger, side_ledger


@pytest.fixture(scope="module")
def beside() -> SideLedger:
    """A ledger with snapshots, claims and reports."""
    return side_ledger()


@pytest.fixture
def stores(tmp_path: Path, beside: SideLedger) -> tuple[Path, Path]:
    """Its store and its archive as folders."""
    return (
        write_objects(tmp_path / "audit", beside.store.objects),
        write_objects(tmp_path / "archive", beside.archive.objects),
    )


def test_verify_compares_them(run: Run, stores: tuple[Path, Path]) -> None:
    """Intact with the archive; what is altered, gone or foreign is named with its meaning."""
    store, archive = stores
    assert run("verify", store, "--archive", archive).code == 0
    alone = run("verify", store)
    assert alone.code == 0
    assert "[remark] report_elsewhere: v1/reviews/2026-03/report.csv" in alone.text
    claim = next((store / "v1/once/approval").iterdir())
    claim.unlink()
    (store / "v1/once/emergency/readme").write_text("junk")
    report = archive / f"v1/reviews/{REVIEW}/report.html"
    report.write_bytes(b"<!doctype html>nothing to see")
    ran = run("verify", store, "--archive", archive)
    assert ran.code == 1
    for said in (
        f"[tampering] claim_missing: v1/once/approval/{claim.name}",
        "a claim that was made once is gone: what it stopped could be done again",
        "[tampering] unexpected_object: v1/once/emergency/readme",
        f"[tampering] report_altered: v1/reviews/{REVIEW}/report.html",
    ):
        assert said in ran.text


def test_a_copy_of_both_stores_is_whole(run: Run, stores: tuple[Path, Path], tmp_path: Path) -> None:
    """`pull --archive` brings the reports too: the copy verifies alone, as a folder and as a zip file."""
    store, archive = stores
    copy = tmp_path / "copy"
    ran = run("pull", store, "--archive", archive, "--to", copy, "--json")
    assert (ran.code, ran.json["fetched"]) == (0, ran.json["objects"])
    assert run("pull", store, "--archive", archive, "--to", copy, "--json").json["fetched"] == 0
    assert run("verify", copy, "--json").json["findings"] == []
    packed = tmp_path / "copy.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for item in sorted((copy / "v1").rglob("*")):
            if item.is_file():
                file.write(item, item.relative_to(copy).as_posix())
    assert run("verify", packed, "--json").json["findings"] == []
    (copy / f"v1/reviews/{REVIEW}/report.csv").unlink()
    findings = run("verify", copy, "--json").json["findings"]
    assert [finding["class"] for finding in findings] == ["report_missing"]


def test_pull_from_the_archive_goes_on_where_it_stopped(
    run: Run, stores: tuple[Path, Path], tmp_path: Path, beside: SideLedger
) -> None:
    """Half a report is completed; a segment that still grows in the store is not mixed with its copy."""
    store, archive = stores
    copy = tmp_path / "copy"
    half = copy / f"v1/reviews/{REVIEW}/report.html"
    half.parent.mkdir(parents=True)
    half.write_bytes(beside.archive.objects[f"v1/reviews/{REVIEW}/report.html"][:5])
    segment = f"v1/w/{ULIDS[0]}/00000000.seg"
    (archive / segment).parent.mkdir(parents=True, exist_ok=True)
    (archive / segment).write_bytes(b"x" * 100_000)
    assert run("pull", store, "--archive", archive, "--to", copy).code == 0
    assert half.read_bytes() == beside.archive.objects[f"v1/reviews/{REVIEW}/report.html"]
    assert (copy / segment).read_bytes() == beside.store.objects[segment]


def test_records_of_governance_are_found_shown_and_asked(run: Run, stores: tuple[Path, Path]) -> None:
    """Each new type in KQL, by its name, and with a proof."""
    store, _ = stores
    rows = run(
        "query",
        "AuditRecords | summarize n = count() by RecordType | order by RecordType asc",
        "--in",
        store,
        "--json",
    ).json
    counted = {row["RecordType"]: row["n"] for row in rows}
    assert counted == {
        "approval": 8,
        "config": 2,
        "emergency": 1,
        "genesis": 2,
        "review": 1,
        "review_decision": 1,
        "review_overdue": 1,
    }
    for index, name in ((1, "config"), (3, "approval"), (7, "emergency"), (8, "review")):
        shown = run("show", f"{ULIDS[0]}/{index}", "--in", store, "--json").json
        assert shown["fields"]["type"] == name
        assert name in run("show", f"{ULIDS[0]}/{index}", "--in", store).text
    said = run("tail", "-n", 20, "--in", store).text
    for words in (
        "approval  pii.deanonymize  p-1  -  used",
        "config  -  -  -  in_force",
        f"p-1  -  {TICKET}",
    ):
        assert words in said
    asked = run(
        "query",
        f"AuditRecords | where RecordType == 'emergency' and Ticket == '{TICKET}' | count",
        "--in",
        store,
        "--json",
    ).json
    assert next(iter(asked[0].values())) == 1
