"""Microsoft's Bicep compiler, as one long-lived process: a request takes milliseconds instead of seconds.

`bicep jsonrpc --stdio` speaks JSON-RPC 2.0 with the headers of the Language Server Protocol. The requests
used here are `bicep/compile` (the template and every message, the linter's included), `bicep/format` and
`bicep/getSnapshot` (the deployment evaluated offline).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
POLICY = ROOT / "config" / "policy.yaml"
SNAPSHOT = INFRA / "main.snapshot.json"

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"
LOCATION = "westeurope"

NOT_FOUND = (
    "NO BICEP COMPILER: neither `bicep` nor the Azure CLI's own is here, so nothing was compiled. The "
    "committed infra/main.snapshot.json was asserted instead. Install one with `az bicep install`."
)


def find_compiler() -> str | None:
    """The compiler on PATH, the one that the Azure CLI installed, or one beside the checkout."""
    for candidate in (
        shutil.which("bicep"),
        str(Path.home() / ".azure" / "bin" / "bicep"),
        str(ROOT.parent / "shared" / "tools" / "bicep"),
    ):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return None


class BicepError(Exception):
    """The compiler refused the files; its messages."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the compiler or its linter."""

    source: str
    line: int
    level: str
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.level} {self.code}: {self.text}"


class Bicep:
    """A running compiler. Not thread-safe."""

    def __init__(self, path: str) -> None:
        self.path = path
        environment = {**os.environ, "DOTNET_CLI_TELEMETRY_OPTOUT": "1"}
        self._process = subprocess.Popen(
            [path, "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._number = 0

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()

    def compile(self, file: Path) -> tuple[str, list[Message]]:
        """The template as text (empty where it has errors) and the messages of this file and its modules."""
        answer = self._ask("bicep/compile", {"path": str(file)})
        messages = [
            Message(d["source"], d["range"]["start"]["line"] + 1, d["level"], d["code"], d["message"])
            for d in answer["diagnostics"]
        ]
        return answer.get("contents") or "", messages

    def format(self, file: Path) -> str:
        """The file as the formatter wants it."""
        return str(self._ask("bicep/format", {"path": str(file)})["contents"])

    def snapshot(self, parameters: Path) -> dict[str, Any]:
        """The evaluated deployment of a .bicepparam file. Raises BicepError where it does not compile."""
        metadata = {
            "tenantId": TENANT,
            "subscriptionId": SUBSCRIPTION,
            "resourceGroup": None,
            "location": LOCATION,
            "deploymentName": None,
        }
        question = {"path": str(parameters), "metadata": metadata, "externalInputs": None}
        return dict(json.loads(self._ask("bicep/getSnapshot", question)["snapshot"]))

    def _ask(self, method: str, parameters: Mapping[str, Any]) -> Any:
        assert self._process.stdin and self._process.stdout
        self._number += 1
        question = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": parameters}
        body = json.dumps(question).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = json.loads(self._process.stdout.read(length))
        if "error" in answer:
            raise BicepError(answer["error"]["message"])
        return answer["result"]


def set_variables(parameters: str, values: Mapping[str, str]) -> str:
    """A parameter file's text with azd's environment variables set, as if `readEnvironmentVariable` had
    read them.

    Raises LookupError for a name that the file does not read.
    """
    for name, value in values.items():
        pattern = re.compile(rf"readEnvironmentVariable\('{name}',\s*(?:'[^']*'|chosen\.\w+)\)")
        if not pattern.search(parameters):
            raise LookupError(f"main.bicepparam does not read {name}")
        literal = "'" + value.replace("'", "\\'") + "'"
        parameters = literal.join(pattern.split(parameters))
    return parameters


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one file of infra/:

    the text `old`, which stands there, becomes `new`, everywhere in the file.
    """

    file: str
    old: str
    new: str


def evaluate(
    bicep: Bicep, variables: Mapping[str, str], edit: Edit | None = None, policy: str | None = None
) -> dict[str, Any]:
    """The deployment as it is, or with one edit of its Bicep or another policy, in a copy.

    Raises LookupError where the edit's text does not stand in its file, BicepError where it does not compile.
    """
    with tempfile.TemporaryDirectory(prefix="infra-") as folder:
        copy = Path(folder) / "infra"
        shutil.copytree(
            INFRA, copy, ignore=shutil.ignore_patterns("*.snapshot.json", "scripts", "__pycache__")
        )
        (Path(folder) / "config").mkdir()
        text = POLICY.read_text("utf-8") if policy is None else policy
        (Path(folder) / "config" / POLICY.name).write_text(text, "utf-8")
        if edit is not None:
            target = copy / edit.file
            text = target.read_text("utf-8")
            if edit.old not in text:
                raise LookupError(f"infra/{edit.file} does not hold {edit.old!r} any more")
            target.write_text(text.replace(edit.old, edit.new), "utf-8")
        parameters = copy / "main.bicepparam"
        parameters.write_text(set_variables(parameters.read_text("utf-8"), variables), "utf-8")
        return bicep.snapshot(parameters)
