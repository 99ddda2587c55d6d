"""The deployment's scripts, against an Azure CLI that a file plays and a service that a server plays."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.ledger.notes import ecdsa_verifier
from tests.support.bicep import INFRA, ROOT

SCRIPTS = INFRA / "scripts"
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"

OWNER = [{"actions": ["*"], "notActions": []}]
CONTRIBUTOR = [
    {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]}
]
ACCESS = [{"actions": ["*/read", "Microsoft.Authorization/*"], "notActions": []}]

PROVIDERS = (
    "App",
    "Authorization",
    "Insights",
    "KeyVault",
    "ManagedIdentity",
    "Network",
    "OperationalInsights",
    "Storage",
    "Web",
)

ANSWERS: dict[str, Any] = {
    "account show": {"id": SUBSCRIPTION},
    "permissions": {"value": OWNER},
    "provider list": [{"namespace": f"Microsoft.{n}", "registrationState": "Registered"} for n in PROVIDERS],
    "list-flexconsumption-locations": [{"name": "West Europe"}],
    "list-flexconsumption-runtimes": [{"version": "3.12"}, {"version": "3.13"}],
    "usages": {"value": [{"name": {"value": "StorageAccounts"}, "currentValue": 10, "limit": 250}]},
    "list-deleted": [],
    "get-access-token": {"accessToken": "a-token"},
}
"""What the Azure CLI says, by a word of the command."""

ENVIRONMENT = {
    "AZURE_ENV_NAME": "prod",
    "AZURE_LOCATION": "westeurope",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "ALERT_ADDRESSES": '["security@contoso.com"]',
}

FAKE_AZ = """#!{python}
import json, sys
answers = json.load(open({answers!r}))
line = " ".join(sys.argv[1:])
for word, answer in answers.items():
    if word in line:
        if answer is None:
            sys.exit("ERROR: the service does not answer")
        print(json.dumps(answer))
        sys.exit(0)
sys.exit("ERROR: no such command")
"""


def run_script(
    name: str, folder: Path, environment: dict[str, str], **changes: Any
) -> subprocess.CompletedProcess[str]:
    """A script of infra/scripts, with an Azure CLI that answers as told."""
    (folder / "answers.json").write_text(json.dumps({**ANSWERS, **changes}))
    for tool in ("az", "azd"):
        file = folder / tool
        file.write_text(FAKE_AZ.format(python=sys.executable, answers=str(folder / "answers.json")))
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, str(SCRIPTS / name)],
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_is_missing(tmp_path: Path) -> None:
    """An owner, in a region that has what is needed."""
    done = run_script("preflight.py", tmp_path, ENVIRONMENT)
    assert done.returncode == 0, done.stdout
    assert "MISSING" not in done.stdout and "not known" not in done.stdout


def test_contributor_and_access_administrator_together_are_enough(tmp_path: Path) -> None:
    """As the message advises."""
    done = run_script("preflight.py", tmp_path, ENVIRONMENT, permissions={"value": CONTRIBUTOR + ACCESS})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("changes", "environment", "said"),
    [
        ({"permissions": {"value": CONTRIBUTOR}}, {}, "Microsoft.Authorization/roleAssignments/write"),
        ({"permissions": {"value": ACCESS}}, {}, "Microsoft.Storage/storageAccounts/write"),
        ({"provider list": []}, {}, "az provider register --wait --namespace Microsoft.App"),
        ({"list-flexconsumption-locations": [{"name": "East US"}]}, {}, "not offered in westeurope"),
        ({"list-flexconsumption-runtimes": [{"version": "3.12"}]}, {}, "does not offer Python 3.13"),
        (
            {
                "usages": {
                    "value": [{"name": {"value": "StorageAccounts"}, "currentValue": 249, "limit": 250}]
                }
            },
            {},
            "1 more storage accounts fit",
        ),
        (
            {"list-deleted": [{"name": "kv-old", "properties": {"tags": {"azd-env-name": "prod"}}}]},
            {},
            "RECOVER_VAULT",
        ),
        ({"account show": None}, {}, "az login"),
        ({}, {"ALERT_ADDRESSES": '["security@example.com"]'}, "ALERT_ADDRESSES"),
        ({}, {"DEPLOYMENT_KIND": "staging"}, "production or development"),
        ({}, {"ENTRA_CLIENT_ID": "00000000-0000-0000-0000-000000000000"}, "zero id"),
        ({}, {"AZURE_ENV_NAME": "Prod_1"}, "AZURE_ENV_NAME"),
    ],
)
def test_what_is_missing_is_named(
    changes: dict[str, Any], environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    """Rights, registrations, region, quota, names, settings:

    with the command that helps, and nothing is deployed.
    """
    done = run_script("preflight.py", tmp_path, {**ENVIRONMENT, **environment}, **changes)
    assert done.returncode == 1
    assert any("MISSING" in line and said in line for line in done.stdout.splitlines()), done.stdout


def test_what_could_not_be_asked_is_said(tmp_path: Path) -> None:
    """It is neither in order nor missing, and the other checks go on."""
    done = run_script("preflight.py", tmp_path, ENVIRONMENT, usages=None)
    assert done.returncode == 0
    assert "not known  quota" in done.stdout
    assert "in order   rights" in done.stdout


class Service:
    """A service that answers as told: whether it lets strangers in, and whether it gives receipts."""

    def __init__(self) -> None:
        self.stranger_status = 401
        self.receipt = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("Authorization") == "Bearer a-token"
                status = 200 if known or self.path == "/ready" else outer.stranger_status
                self.send_response(status)
                if known and outer.receipt:
                    note = "audit.example.com/presidio/w/01J\n7\nroot=\n\n— signature\n"
                    self.send_header("X-Audit-Record", "01J/6")
                    self.send_header("X-Audit-Checkpoint", base64.b64encode(note.encode()).decode())
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def environment(self) -> dict[str, str]:
        """What azd's environment holds after a deployment."""
        return {
            "SERVICE_URL": f"http://127.0.0.1:{self.server.server_port}",
            "API_APP_ID_URI": "api://tenant/presidio-prod",
            "AUDIT_STORAGE_ACCOUNT_URL": "https://127.0.0.1:9",
            "AUDIT_CONTAINER": "audit",
        }


@pytest.fixture
def service() -> Iterator[Service]:
    """A running one."""
    here = Service()
    thread = threading.Thread(target=here.server.serve_forever, daemon=True)
    thread.start()
    yield here
    here.server.shutdown()
    here.server.server_close()
    thread.join(5)


def test_a_door_that_lets_strangers_in_fails_the_deployment(service: Service, tmp_path: Path) -> None:
    """/whoami without a token must be refused."""
    service.stranger_status = 200
    done = run_script("smoke.py", tmp_path, service.environment)
    assert done.returncode == 1
    assert "expected 401, got 200" in done.stderr


def test_an_answer_without_a_receipt_fails_the_deployment(service: Service, tmp_path: Path) -> None:
    """An answered call that names no record was perhaps not recorded."""
    service.receipt = False
    done = run_script("smoke.py", tmp_path, service.environment)
    assert done.returncode == 1
    assert "without a receipt" in done.stderr


def test_a_person_without_a_role_is_told_what_to_do(service: Service, tmp_path: Path) -> None:
    """No token for the API: the role is named."""
    done = run_script("smoke.py", tmp_path, service.environment, **{"get-access-token": None})
    assert done.returncode == 1
    assert "infra/scripts/grant.sh" in done.stderr


def test_the_record_is_shown(service: Service, tmp_path: Path) -> None:
    """The steps that passed are said one by one, up to the ledger's record of the call."""
    done = run_script("smoke.py", tmp_path, service.environment)
    assert "refused    a call without a token: 401" in done.stdout
    assert "recorded   a call with your token is record 01J/6" in done.stdout


def test_the_services_key_is_printed_as_auditors_trust_it(tmp_path: Path) -> None:
    """The vault's JWK becomes a C2SP verifier key, the one under which the service signs."""
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    numbers = key.public_numbers()
    jwk = {
        name: base64.b64encode(value.to_bytes(32)).decode()
        for name, value in (("x", numbers.x), ("y", numbers.y))
    }
    environment = {
        "LEDGER_NAME": "audit.example.com/presidio",
        "LEDGER_KEY_ID": "https://v.example/keys/ledger/1",
    }
    done = run_script("service_key.py", tmp_path, environment, **{"key show": {"key": jwk}})
    assert done.stdout.strip() == ecdsa_verifier("audit.example.com/presidio", key).vkey
    done = run_script("service_key.py", tmp_path, environment, **{"key show": None})
    assert done.returncode == 1 and "inside the network" in done.stderr


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda script: script.name)
def test_a_shell_script_is_well_formed(script: Path) -> None:
    """It parses, stops at the first error and at unset variables, and says what it is for."""
    subprocess.run(["sh", "-n", str(script)], check=True)
    lines = script.read_text("utf-8").splitlines()
    assert lines[0] == "#!/bin/sh" and lines[1].startswith("# ")
    assert "set -eu" in lines


def test_locking_needs_more_than_a_yes() -> None:
    """It is no part of azd, shows by default, asks for the account's name, and guards by ETag."""
    script = (SCRIPTS / "lock-retention.sh").read_text("utf-8")
    assert "--lock" in script and "--if-match" in script and "CANNOT BE UNDONE" in script
    assert '[ "$typed" != "$account" ]' in script
    for hook in re.findall(r"run: (\S+)", (ROOT / "azure.yaml").read_text("utf-8")):
        assert "lock-retention" not in (ROOT / hook).read_text("utf-8")
