"""After a deployment: it answers, it refuses, it records. Reads azd's environment.

1. /health answers, /ready says that storage, keys and engine are there.
2. A call without a token is refused with 401.
3. A call with a real token (of whoever deploys) is answered, and the answer carries its receipt.
4. The ledger is verified with `auditor`, where storage can be reached from here.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 300
"""A first start pulls the package, resolves Key Vault references and waits for role assignments to spread."""

PAUSE_S = 5.0

FINDINGS = 1
"""`auditor verify` found something; 2 and 3 say that it could not read."""


class SmokeFailure(Exception):
    """What was expected, and what came."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(url: str, token: str | None = None) -> Reply:
    """One GET. Raises OSError where no answer came."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the URL is azd's, and https
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        return Reply(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


def wait_ready(base_url: str, patience_s: float = PATIENCE_S) -> None:
    """Until /ready answers 200. Raises SmokeFailure with its last words."""
    deadline = time.monotonic() + patience_s
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            reply = get(f"{base_url}/ready")
            if reply.status == 200:
                return
            last = f"{reply.status} {reply.body[:200].decode('utf-8', 'replace')}"
        except OSError as error:
            last = type(error).__name__
        time.sleep(PAUSE_S)
    raise SmokeFailure(f"/ready: expected 200 within {patience_s:.0f} s, got {last}")


def check_refusal(base_url: str) -> None:
    """No token, no answer. Raises SmokeFailure."""
    reply = get(f"{base_url}/whoami")
    if reply.status != 401:
        raise SmokeFailure(f"/whoami without a token: expected 401, got {reply.status}")


def check_call(base_url: str, token: str) -> tuple[str, str]:
    """An answered call's record (`<writer>/<index>`) and its checkpoint. Raises SmokeFailure."""
    reply = get(f"{base_url}/whoami", token)
    if reply.status != 200:
        raise SmokeFailure(f"/whoami with a token: expected 200, got {reply.status} {reply.body[:300]!r}")
    record = reply.headers.get("x-audit-record", "")
    checkpoint = base64.b64decode(reply.headers.get("x-audit-checkpoint", "")).decode("utf-8", "replace")
    writer, _, index = record.partition("/")
    lines = checkpoint.split("\n")
    if not index.isdigit() or len(lines) < 4 or not lines[0].endswith(f"/w/{writer}"):
        raise SmokeFailure("/whoami was answered without a receipt in X-Audit-Record and X-Audit-Checkpoint")
    if int(lines[1]) <= int(index):
        raise SmokeFailure(f"the checkpoint covers {lines[1]} records, the call's record is number {index}")
    return record, checkpoint


def fetch_token(audience: str) -> str:
    """A token of whoever is signed in. Raises SmokeFailure."""
    command = ["az", "account", "get-access-token", "--scope", f"{audience}/.default", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        hint = f"az login --scope {audience}/.default, and a role (infra/scripts/grant.sh)"
        raise SmokeFailure(f"no token for {audience}; needed: {hint}")
    return str(json.loads(done.stdout)["accessToken"])


def verify_ledger(environment: Mapping[str, str]) -> bool:
    """True: verified; False: it could not be read from here, as it should be. Raises SmokeFailure."""
    root = Path(__file__).resolve().parents[2]
    python = root / ".venv" / "bin" / "python"
    if not python.is_file():
        print("             (no .venv here: run make setup to verify)")
        return False
    key = subprocess.run(
        [str(python), str(root / "infra" / "scripts" / "service_key.py")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if key.returncode != 0:
        return False
    source = f"{environment['AUDIT_STORAGE_ACCOUNT_URL']}/{environment['AUDIT_CONTAINER']}"
    command = [str(python), "-m", "auditor", "verify", source, "--key", key.stdout.strip()]
    done = subprocess.run(command, check=False, timeout=600, cwd=root)
    if done.returncode == FINDINGS:
        raise SmokeFailure("the ledger did not verify: the findings are above")
    return done.returncode == 0


def main() -> int:
    """Run the steps, saying each; the exit code."""
    environment = os.environ
    base_url = environment["SERVICE_URL"].rstrip("/")
    try:
        wait_ready(base_url)
        print(f"  ready      {base_url}")
        check_refusal(base_url)
        print("  refused    a call without a token: 401")
        record, checkpoint = check_call(base_url, fetch_token(environment["API_APP_ID_URI"]))
        print(f"  recorded   a call with your token is record {record} of")
        print("             " + checkpoint.split("\n", 1)[0])
        if verify_ledger(environment):
            print("  verified   the ledger, from its first record on")
        else:
            print("  NOT VERIFIED from here: storage is closed to this machine, as it should be.")
            print("             From inside the network: docs/operations/deploy.md")
    except SmokeFailure as failure:
        print(f"  FAILED     {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
