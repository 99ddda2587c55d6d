"""`auditor verify`: the verdict first, the exit status, and evidence in every form."""

from __future__ import annotations

import base64
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.support.auditing import Run
from tests.support.ledgers import ULIDS, SmallLedger


def test_an_intact_folder(run: Run, copy: Path) -> None:
    """One line that a lawyer can read, and exit status 0."""
    ran = run("verify", copy)
    assert ran.code == 0
    assert ran.text.splitlines()[0] == (
        "INTACT: 13 records of 3 writers, complete and unmodified, sealed up to 2026-03-01T12:00:29.000000Z."
    )


def test_the_same_as_json(run: Run, copy: Path) -> None:
    """Machines get the whole report."""
    report = run("verify", copy, "--json").json
    assert (report["exit_code"], report["records"], report["findings"]) == (0, 13, [])


def test_a_changed_byte(run: Run, copy: Path) -> None:
    """Exit status 1, the class, the place, and what it means."""
    path = copy / f"v1/w/{ULIDS[1]}/00000001.seg"
    path.write_bytes(path.read_bytes().replace(b'"allowed":true', b'"allowed":TRUE', 1))
    ran = run("verify", copy)
    assert ran.code == 1
    assert ran.text.startswith("NOT INTACT: 1 findings in ")
    assert f"[tampering] malformed: v1/w/{ULIDS[1]}/00000001.seg at 2" in ran.text
    finding = run("verify", copy, "--json").json["findings"][0]
    assert finding["class"] == "malformed"
    assert finding["meaning"]


def test_a_zip_file(run: Run, copy: Path, tmp_path: Path) -> None:
    """An export in one file is verified as it is."""
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for item in sorted(copy.rglob("*")):
            if item.is_file():
                file.write(item, item.relative_to(copy).as_posix())
    assert run("verify", path).code == 0


def test_a_zip_bomb_is_bounded(run: Run, copy: Path, tmp_path: Path) -> None:
    """A member that unpacks to far more than any object has is named, and not unpacked whole."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for item in sorted(copy.rglob("*")):
            if item.is_file():
                file.write(item, item.relative_to(copy).as_posix())
        with file.open("v1/root/tile/0/000.p/9", "w") as member:
            for _ in range(400):
                member.write(bytes(1 << 20))
        with file.open(f"v1/w/{ULIDS[0]}/00000002.seg", "w") as member:
            for _ in range(400):
                member.write(b"{" * (1 << 20))
    report = run("verify", path, "--json").json
    assert report["exit_code"] == 1
    assert {finding["class"] for finding in report["findings"]} <= {"malformed", "unexpected_object"}


def test_a_symbolic_link_is_not_followed(run: Run, copy: Path, tmp_path: Path) -> None:
    """A segment that is a link to an equal file elsewhere could not be checked: exit status 2."""
    path = copy / f"v1/w/{ULIDS[2]}/00000000.seg"
    shutil.copy(path, tmp_path / "elsewhere")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    (copy / "root-of-everything").symlink_to("/")
    report = run("verify", copy, "--json").json
    kinds = [finding["class"] for finding in report["findings"]]
    assert "unreadable" in kinds
    assert "unexpected_object" in kinds
    assert report["exit_code"] == 1


def test_since_a_saved_report(run: Run, copy: Path, tmp_path: Path, ledger: SmallLedger) -> None:
    """What a saved report covers is not read again; an older copy than it is a rollback."""
    saved = tmp_path / "report.json"
    assert run("verify", copy, "--save", saved).code == 0
    report = run("verify", copy, "--since", saved, "--json").json
    assert (report["exit_code"], report["records"], report["since"]) == (0, 0, 8)
    for path in ("batch/000000000005", "checkpoint/000000000008"):
        (copy / "v1/root" / path).unlink()
    assert "rollback" in {
        finding["class"] for finding in run("verify", copy, "--since", saved, "--json").json["findings"]
    }


def test_receipts(run: Run, copy: Path, tmp_path: Path, ledger: SmallLedger) -> None:
    """The headers of an answer, kept as JSON, are proof enough of a removed tail."""
    writer = ledger.writers[1]
    kept = {
        "X-Audit-Record": f"{writer.name}/3",
        "X-Audit-Checkpoint": base64.b64encode(writer.notes[-1].encode()).decode(),
    }
    receipts = tmp_path / "receipts.json"
    receipts.write_text(json.dumps([kept]))
    assert run("verify", copy, "--receipts", receipts).code == 0
    (copy / f"v1/w/{writer.name}/00000001.seg").unlink()
    classes = {f["class"] for f in run("verify", copy, "--receipts", receipts, "--json").json["findings"]}
    assert classes == {"log_shortened", "rollback"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify"], "no evidence to look at"),
        (["verify", "nowhere"], "no folder, file or container of this name"),
        (["verify", "https://example.com"], "a container's URL is"),
        (["verify", "copy", "--key", "nonsense"], "neither a verifier key nor a readable file"),
        (["verify", "copy", "--key", "a+b+c"], "--key: "),
        (["verify", "copy", "--since", "nowhere"], "--since: cannot read"),
        (["verify", "copy", "--receipts", "nowhere"], "--receipts: cannot read"),
        (["show", "x/1", "--in", "copy"], "a record is named <writer>/<index>"),
        (["show", f"{ULIDS[0]}/99", "--in", "copy"], "no record"),
        (["prove", f"{ULIDS[0]}/99", "--in", "copy"], "no record"),
        (["query", "AuditRecords | where Nothing == 1", "--in", "copy"], "the query cannot be run"),
        (["query", "nonsense |||", "--in", "copy"], "the query cannot be run"),
        (["query", "AuditRecords", "--in", "copy", "--format", "parquet"], "name it with --output"),
        (["find-text", "x", "--in", "copy"], "no digest key"),
        (["check-proof", "nowhere"], "no folder"),
    ],
)
def test_mistakes_are_explained(run: Run, copy: Path, arguments: list[str], words: str) -> None:
    """One sentence that says what to change, exit status 3, no traceback."""
    ran = run(*arguments)
    assert ran.code == 3
    assert words in ran.error


def test_without_a_key_nothing_is_proven(run: Run, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is the one thing that the auditor must bring."""
    monkeypatch.delenv("AUDIT_TRUSTED_KEYS")
    ran = run("verify", copy)
    assert ran.code == 3
    assert "give the service's verifier key with --key" in ran.error
