"""The walk-through of docs/ledger-format.md, run as it stands there: sha256sum and openssl alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from auditor.bundles import check_bundle
from shared.ledger.findings import MEANINGS
from shared.ledger.notes import parse_vkey

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors" / "by-hand"
PAGE = (ROOT / "docs" / "ledger-format.md").read_text(encoding="utf-8")
SAID = [
    "Signature Verified Successfully",
    "the record leads to the root",
    "the log is the one of the genesis",
    "Signature Verified Successfully",
    "the seal is of this state of the log",
    "the seal leads to the root",
    "the log is the service's",
    "Signature Verified Successfully",
]

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def _script() -> str:
    section = PAGE.partition("## Checking one record by hand")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 6
    return "\n".join(blocks)


def _run(folder: Path) -> list[str]:
    done = subprocess.run(["bash", "-c", _script()], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def test_the_page_is_right(tmp_path: Path) -> None:
    """Every step succeeds on the example."""
    shutil.copytree(VECTORS, tmp_path / "proof")
    assert _run(tmp_path / "proof") == SAID


@pytest.mark.parametrize(
    "name", ["record.json", "record.tlog-proof", "genesis.json", "seal.json", "seal.tlog-proof"]
)
def test_a_changed_file_fails(tmp_path: Path, name: str) -> None:
    """A changed byte in the middle of any file shows in at least one step."""
    folder = tmp_path / "proof"
    shutil.copytree(VECTORS, folder)
    data = (folder / name).read_bytes()
    place = len(data) // 2
    (folder / name).write_bytes(data[:place] + bytes([data[place] ^ 2]) + data[place + 1 :])
    assert _run(folder) != SAID


def test_the_example_is_a_proof(tmp_path: Path) -> None:
    """The tool says of the same files what the hand says."""
    key = parse_vkey((VECTORS / "service.vkey").read_text().strip())
    proven = check_bundle(VECTORS, (key,), key.name)
    assert (proven.index, proven.checkpoint.size) == (4, 6)
    assert proven.sealed is not None


def test_the_page_names_every_class() -> None:
    """No class of finding without its meaning on the page."""
    for kind, meaning in MEANINGS.items():
        assert f"`{kind.value}`" in PAGE
        assert meaning in PAGE
