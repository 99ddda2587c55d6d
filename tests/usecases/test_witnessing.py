"""A witness signs what continues its own memory, and nothing else; its word shows rollback and split view."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import LedgerError, SignatureInvalid
from shared.ledger.findings import Kind
from shared.ledger.notes import CosignerKey, parse_note, verify_note
from shared.ledger.receipts import parse_receipts
from shared.ledger.rootlog import cosignature_path
from shared.ledger.verifier import Question, verify_ledger
from shared.usecases.witnessing import Witness, WitnessRefusal, attach_cosignature
from tests.support.auditing import run_command, write_copy
from tests.support.ledgers import LOG, SERVICE, SmallLedger, private_key, sealer_of, small_ledger
from tests.support.worm import WormStore

KEY = CosignerKey("witness.example/w1", private_key(77))


class Notebook:
    """Keeps the bytes in memory; may forget to save."""

    def __init__(self) -> None:
        self.data: bytes | None = None

    def load(self) -> bytes | None:
        return self.data

    def save(self, data: bytes) -> None:
        self.data = data


def witness(ledger: SmallLedger, notebook: Notebook) -> Witness:
    return Witness(ledger.store, LOG, ledger.keys, KEY, notebook, ledger.clock)


def test_it_signs_what_continues() -> None:
    """First anything that the service signed; then only what has that as its beginning."""
    ledger, notebook = small_ledger(), Notebook()
    for size in (8, 8, 9, 10, 11):
        if size > 8:
            ledger.writers[1].access(1)
            sealer_of(ledger.store, ledger.clock).run()
        cosigned = witness(ledger, notebook).run()
        assert cosigned is not None
        assert cosigned.checkpoint.size == size
        keys = [SERVICE.verifier, KEY.verifier]
        assert verify_note(parse_note(cosigned.note), keys) == (SERVICE.verifier, KEY.verifier)
    empty = SmallLedger(WormStore(), ledger.clock, [], [])
    assert witness(empty, Notebook()).run() is None


def test_it_refuses_a_rollback_and_another_history() -> None:
    """Smaller than before; or as large, with other contents: refused, and nothing is forgotten."""
    ledger, notebook = small_ledger(), Notebook()
    ledger.writers[1].access(1)
    sealer_of(ledger.store, ledger.clock).run()
    witness(ledger, notebook).run()
    remembered = notebook.data
    with pytest.raises(WitnessRefusal, match="rollback"):
        witness(small_ledger(), notebook).run()
    other = small_ledger(seed=60)
    for _ in range(3):
        other.writers[1].access(1)
        sealer_of(other.store, other.clock).run()
        with pytest.raises(WitnessRefusal, match="does not continue"):
            witness(other, notebook).run()
    assert notebook.data == remembered


def test_it_signs_nothing_that_the_service_did_not() -> None:
    """A checkpoint by somebody else is no checkpoint."""
    ledger = small_ledger()
    path = "v1/root/checkpoint/000000000008"
    ledger.store.objects[path] = ledger.store.objects[path][:-6] + b"AAA=\n"
    with pytest.raises(LedgerError):
        witness(ledger, Notebook()).run()


def test_its_line_beside_the_checkpoint_is_verified() -> None:
    """Attached, verified with its key, merely remarked upon without; each changed byte is found."""
    ledger = small_ledger()
    cosigned = witness(ledger, Notebook()).run()
    assert cosigned is not None
    with pytest.raises(SignatureInvalid):
        attach_cosignature(ledger.store, cosigned.checkpoint, SERVICE.sign("x\n"), KEY.verifier)
    attach_cosignature(ledger.store, cosigned.checkpoint, cosigned.line, KEY.verifier)
    attach_cosignature(ledger.store, cosigned.checkpoint, cosigned.line, KEY.verifier)
    now = ledger.clock() + timedelta(days=1)
    keys = (*ledger.keys, KEY.verifier)
    assert verify_ledger(Question(ledger.store, keys, now)).findings == ()
    unknown = verify_ledger(Question(ledger.store, ledger.keys, now))
    assert ([f.kind for f in unknown.findings], unknown.exit_code) == ([Kind.UNKNOWN_WITNESS], 0)
    path = cosignature_path(8, KEY.verifier.key_id)
    data = ledger.store.objects[path]
    for place in range(len(data)):
        ledger.store.objects[path] = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        report = verify_ledger(Question(ledger.store, keys, now))
        found = {finding.kind for finding in report.findings}
        assert found <= {Kind.MALFORMED, Kind.SIGNATURE_INVALID, Kind.UNKNOWN_WITNESS}, place
        assert found


def test_what_it_kept_shows_a_rollback() -> None:
    """The cosigned checkpoint is a receipt of the root log."""
    ledger = small_ledger()
    ledger.writers[1].access(1)
    sealer_of(ledger.store, ledger.clock).run()
    cosigned = witness(ledger, Notebook()).run()
    assert cosigned is not None
    older = small_ledger()
    receipts = tuple(parse_receipts(cosigned.note))
    report = verify_ledger(Question(older.store, ledger.keys, ledger.clock(), receipts=receipts))
    assert [finding.kind for finding in report.findings] == [Kind.ROLLBACK]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auditor witness-key`, then `auditor witness` by a timer; a rollback is refused with exit status 1."""
    monkeypatch.setenv("AUDIT_TRUSTED_KEYS", SERVICE.vkey)
    ledger = small_ledger()
    ledger.writers[1].access(1)
    sealer_of(ledger.store, ledger.clock).run()
    new, old = write_copy(tmp_path / "new", ledger), write_copy(tmp_path / "old", small_ledger())
    who = ["--witness-key", tmp_path / "w.pem", "--name", "witness.example/w1"]
    vkey = run_command("witness-key", *who, "--json").json["vkey"]
    assert (tmp_path / "w.pem").stat().st_mode & 0o077 == 0
    keep = ["--state", tmp_path / "state", "--to", tmp_path / "kept"]
    ran = run_command("witness", *who, *keep, new)
    assert ran.code == 0
    kept = tmp_path / "kept" / "000000000009.note"
    assert verify_note(parse_note(kept.read_bytes()), [*ledger.keys])
    assert vkey.startswith("witness.example/w1+")
    assert run_command("witness", *who, *keep, new).code == 0
    ran = run_command("witness", *who, *keep, old)
    assert (ran.code, ran.text.startswith("REFUSED: 9 entries were signed before")) == (1, True)
    assert run_command("verify", new, "--receipts", kept).code == 0
    assert run_command("verify", old, "--receipts", kept).code == 1
