"""Azurite, Microsoft's storage emulator, as a child process: the local cloud's storage, and the tests'."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.layout import ROOT
from devstack.ports import LOOPBACK, choose_port
from devstack.processes import end, spawn, tail, wait_until
from shared.errors import SettingsError

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's documented account and key: the same everywhere, and worth nothing outside of this machine."""

MIN_NODE = 20
START_TIMEOUT_S = 30.0

YOUNG_MIB = 64
"""Node's space for new objects. With its default of 16 MiB it collects them so often that an append takes
1.9 ms of processor time instead of 1.3 (measured at four callers)."""


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite with its blob service on `port`."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def connection_string(self) -> str:
        """For clients that speak to it directly."""
        return connection_string(self.port)

    def stop(self) -> None:
        """End it; what was stored stays in the folder."""
        end(self.process, 5.0)


def connection_string(port: int) -> str:
    """A storage connection string for a blob service on the loopback address (Azurite, or a proxy of it)."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint=http://{LOOPBACK}:{port}/{ACCOUNT};"
    )


def find_node(environment: Mapping[str, str]) -> str:
    """The path of a Node.js that can run Azurite. Raises SettingsError that says how to get one."""
    node = shutil.which("node", path=environment.get("PATH"))
    if node is None:
        raise SettingsError(
            "node", f"is not on PATH, and Azurite runs on it; install Node.js {MIN_NODE} or newer"
        )
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    match = re.match(r"v(\d+)\.", version)
    if match is None or int(match[1]) < MIN_NODE:
        raise SettingsError(
            "node", f"version {MIN_NODE} or newer is needed, got {version or 'none'} ({node})"
        )
    return node


def start_azurite(
    folder: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    cloud: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Azurite:
    """Start Azurite on a folder and return once it answers. `cloud` is the folder of `processes.MARK`.

    API versions are not checked (the SDK is newer than any Azurite) and nothing is sent to Microsoft.
    Raises SettingsError where it is not installed or does not start.
    """
    script = ROOT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    node = find_node(environment)
    if not script.exists():
        raise SettingsError("azurite", "is not installed; run `make setup`")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = choose_port("BLOB_PORT", {} if port is None else {"BLOB_PORT": str(port)})
    log = log or folder / "azurite.log"
    command = [
        node,
        f"--max-semi-space-size={YOUNG_MIB}",
        str(script),
        "--blobHost",
        LOOPBACK,
        "--blobPort",
        str(chosen),
        "--location",
        str(folder),
    ]
    command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    process = spawn(command, environment=environment, cloud=cloud or folder, log=log, cwd=folder)
    answered = wait_until(lambda: process.poll() is not None or _answers(chosen), START_TIMEOUT_S)
    if not answered or process.poll() is not None:
        end(process, 1.0)
        raise SettingsError("azurite", f"did not start on port {chosen}: {tail(log) or 'it printed nothing'}")
    return Azurite(chosen, folder, process)


@contextlib.contextmanager
def running_azurite(folder: Path, *, port: int | None = None) -> Iterator[Azurite]:
    """An Azurite for the time of a `with` block."""
    azurite = start_azurite(folder, port=port)
    try:
        yield azurite
    finally:
        azurite.stop()


def create_containers(connection: str, *names: str) -> None:
    """Create containers that are not there yet, as the deployment does in Azure. Raises SettingsError."""
    from azure.core.exceptions import AzureError
    from azure.storage.blob import BlobServiceClient  # half a second that most commands need not wait

    with BlobServiceClient.from_connection_string(connection, retry_total=0) as service:
        try:
            present = {container.name for container in service.list_containers()}
            for name in names:
                if name not in present:
                    service.create_container(name)
        except AzureError as error:
            code = getattr(error, "error_code", None) or type(error).__name__
            raise SettingsError(
                "azurite", f"did not create the containers {', '.join(names)}: {code}"
            ) from error


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", f"/{ACCOUNT}?comp=list")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
