"""The vault's key signs notes: over its REST API on the loopback, with its throttling and its outages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.cloud.keyvault import KeyVaultSigner
from shared.errors import KeysUnavailable, SettingsError
from shared.ledger.notes import ECDSA, parse_note, parse_vkey, render_note, verify_note
from shared.ledger.verifier import Question, verify_ledger
from shared.usecases.upkeep.sealing import Sealer
from tests.support.keyvault import Credential, Vault, start_vault
from tests.support.ledgers import LOG, SERVICE, small_ledger

TEXT = "audit.test/presidio\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

type Open = Callable[..., tuple[Vault, KeyVaultSigner]]


@pytest.fixture
def open_vault(tmp_path: Path) -> Iterator[Open]:
    """Starts vaults, and ends them."""
    servers = []

    def start(vault: Vault | None = None, path: str = "/keys/ledger") -> tuple[Vault, KeyVaultSigner]:
        vault = vault or Vault()
        server, certificate = start_vault(tmp_path, vault)
        servers.append(server)
        options = {
            "connection_verify": certificate,
            "verify_challenge_resource": False,
            "retry_backoff_factor": 0.01,
        }
        return vault, KeyVaultSigner(LOG, vault.url + path, Credential(), **options)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_note_is_signed_by_the_vault(open_vault: Open) -> None:
    """Type 0x02, DER, verified with nothing but the vkey's text; the private key stays where it is."""
    vault, signer = open_vault()
    key = parse_vkey(signer.vkey)
    assert (key.algorithm, key.name) == (ECDSA, LOG)
    note = parse_note(render_note(TEXT, [signer.sign(TEXT)]))
    assert verify_note(note, [key]) == (key,)
    assert vault.requests[-1] == "POST /keys/ledger/0123456789abcdef0123456789abcdef/sign"
    assert sum(request.startswith("GET") for request in vault.requests) <= 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_throttling_is_waited_out(open_vault: Open, status: int) -> None:
    """Two refusals, then an answer: nobody notices."""
    vault, signer = open_vault()
    assert signer.vkey
    vault.failures = [status, status]
    assert signer.sign(TEXT)
    assert vault.failures == []


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_an_outage_is_named(open_vault: Open, status: int) -> None:
    """KeysUnavailable, for the key as for a signature; afterwards it works again."""
    vault, signer = open_vault()
    vault.failures = [status] * 12
    with pytest.raises(KeysUnavailable):
        _ = signer.vkey
    vault.failures = []
    assert signer.vkey
    vault.failures = [status] * 12
    with pytest.raises(KeysUnavailable):
        signer.sign(TEXT)
    vault.failures = []
    assert signer.sign(TEXT)


def test_a_vault_that_is_gone_is_named(open_vault: Open, tmp_path: Path) -> None:
    """Nobody listens."""
    signer = KeyVaultSigner(LOG, "https://127.0.0.1:9/keys/ledger", Credential(), retry_total=0)
    with pytest.raises(KeysUnavailable):
        _ = signer.vkey


def test_a_wrong_signature_never_leaves(open_vault: Open) -> None:
    """What does not verify is not written to immutable storage."""
    _, signer = open_vault(Vault(does_garble=True))
    with pytest.raises(KeysUnavailable, match="does not verify"):
        signer.sign(TEXT)


def test_wrong_keys_stop_the_start(open_vault: Open) -> None:
    """No such key, another curve, no URL of a key: the setting is named."""
    _, missing = open_vault(path="/keys/other")
    with pytest.raises(SettingsError, match="LEDGER_KEY_ID: the key vault has no such key"):
        _ = missing.vkey
    _, curve = open_vault(Vault(curve=ec.SECP384R1()))
    with pytest.raises(SettingsError, match="P-256"):
        _ = curve.vkey
    for text in ("", "ledger", "https://vault.example/"):
        with pytest.raises(SettingsError, match="LEDGER_KEY_ID"):
            KeyVaultSigner(LOG, text, Credential())


def test_the_vault_seals_with_a_second_key_beside_it(open_vault: Open) -> None:
    """An outage in the middle of sealing leaves it unfinished; the next run finishes it."""
    vault, signer = open_vault()
    ledger = small_ledger()
    ledger.writers[1].access(1)
    sealer = Sealer(ledger.store, LOG, [signer, SERVICE], ledger.clock)
    key = parse_vkey(signer.vkey)
    vault.failures = [503] * 12
    with pytest.raises(KeysUnavailable):
        sealer.run()
    vault.failures = []
    assert sealer.run().size == 9
    now = ledger.clock() + timedelta(days=1)
    assert verify_ledger(Question(ledger.store, (SERVICE.verifier, key), now)).findings == ()
