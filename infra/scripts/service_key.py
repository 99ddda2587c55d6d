"""Print the service's verifier key, read from the vault: what auditors trust (`auditor verify --key`).

Needs the Azure CLI signed in as somebody who may read the key (Key Vault Reader), from inside the
network, and this project's environment (`.venv/bin/python infra/scripts/service_key.py`). LEDGER_KEY_ID
and LEDGER_NAME come from azd's environment. Read it once, on a path that you trust, and keep it where the
service cannot change it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from shared.ledger.notes import ecdsa_verifier


def read_key(key_id: str) -> ec.EllipticCurvePublicKey:
    """The public key of a Key Vault key. Raises SystemExit with what is needed."""
    command = ["az", "keyvault", "key", "show", "--id", key_id, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise SystemExit(
            "the vault did not answer: run this inside the network, with the role Key Vault Reader"
        )
    jwk = json.loads(done.stdout)["key"]
    x, y = (int.from_bytes(decode(jwk[name])) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def decode(text: str) -> bytes:
    """Base64 of either alphabet, padded or not: the CLI's and the JWK's."""
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))


if __name__ == "__main__":
    print(ecdsa_verifier(os.environ["LEDGER_NAME"], read_key(os.environ["LEDGER_KEY_ID"])).vkey)
