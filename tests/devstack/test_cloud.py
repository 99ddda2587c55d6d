"""The local cloud's commands, with the fixture app in the service's place: up, down, run, status, token."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from azure.storage.blob import BlobServiceClient

from devstack.background import end_cloud
from devstack.layout import ROOT, Layout
from devstack.processes import find_marked, wait_until
from devstack.state import State, read_state
from tests.support.fixture_host import FIXTURE_APP, NEVER

STATE_KEYS = ["base_url", "graph", "issuer", "personas", "pids", "storage", "trusted_keys"]


class Commands:
    """`python -m devstack` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder / "cloud")
        self.environment = {
            **os.environ,
            "DEVSTACK_DIR": str(self.layout.folder),
            "DEVSTACK_APP": str(FIXTURE_APP),
            "TELEMETRY": "off",
            "FIXTURE_NOTES": str(folder / "notes.jsonl"),
            "FIXTURE_SCHEDULE": NEVER,
        }

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "devstack", *words],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def state(self) -> State:
        state = read_state(self.layout.state_file)
        assert state is not None
        return state

    def processes(self) -> list[psutil.Process]:
        """What runs for this cloud, the supervisor included."""
        found = find_marked(self.layout.folder)
        state = read_state(self.layout.state_file)
        return found if state is None else [*found, psutil.Process(state.pids.supervisor)]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """A cloud that is up, for tests that only look."""
    commands = Commands(tmp_path_factory.mktemp("standing"))
    assert commands("up").returncode == 0
    yield commands
    end_cloud(commands.layout)


@pytest.fixture
def devstack(tmp_path: Path) -> Iterator[Commands]:
    """The commands; whatever a test leaves is ended."""
    commands = Commands(tmp_path)
    yield commands
    end_cloud(commands.layout)
    assert find_marked(commands.layout.folder) == []


def test_up_returns_when_it_is_ready_and_down_leaves_nothing(devstack: Commands) -> None:
    """Both may be given again: the second time they do nothing."""
    assert devstack("up").returncode == 0
    state = devstack.state
    assert http_status(state.base_url, "/text") == 200
    pids = {process.pid for process in devstack.processes()}
    assert pids == {state.pids.supervisor, state.pids.azurite, state.pids.issuer, *state.pids.workers}

    again = devstack("up")
    assert again.returncode == 0
    assert devstack.state == state

    assert devstack("status").returncode == 0
    down = devstack("down")
    assert (down.returncode, down.stdout.strip()) == (0, "Ended.")
    assert not any(is_alive(pid) for pid in pids)
    assert not devstack.layout.state_file.exists()
    assert devstack("down").stdout.strip() == "Nothing was up."
    assert devstack("status").returncode == 1


def test_the_state_file_says_what_runs(standing: Commands) -> None:
    """Exactly the agreed keys, readable by this user alone; its tokens, storage and key are real."""
    raw = json.loads(standing.layout.state_file.read_text())
    assert sorted(raw) == STATE_KEYS
    assert sorted(raw["personas"]["engineer"]) == ["oid", "roles", "token"]
    assert sorted(raw["storage"]) == ["connection_string", "container"]
    assert sorted(raw["graph"]) == ["app_id", "token", "url"] and raw["graph"]["url"] == raw["issuer"]
    assert raw["personas"]["nobody"]["roles"] == []
    assert {"engineer", "analyst", "redactor", "reidentifier", "pipeline", "breakglass", "auditor"} <= set(
        raw["personas"]
    )
    assert {"reviewer", "operator", "nobody", "outsider"} <= set(raw["personas"])
    assert standing.layout.state_file.stat().st_mode & 0o777 == 0o600
    assert (standing.layout.keys / "ledger.pem").stat().st_mode & 0o777 == 0o600
    assert raw["trusted_keys"][0].startswith("audit.localhost/presidio+")
    with BlobServiceClient.from_connection_string(raw["storage"]["connection_string"]) as service:
        assert {"audit", "archive"} <= {container.name for container in service.list_containers()}
    assert http_status(raw["issuer"], "/health") == 200


def test_keys_and_records_outlive_down(devstack: Commands) -> None:
    """The next `up` has the same ledger key and the same storage."""
    assert devstack("up").returncode == 0
    before = devstack.state
    with BlobServiceClient.from_connection_string(before.storage.connection_string) as service:
        service.get_blob_client("audit", "kept").upload_blob(b"x")
    assert devstack("down").returncode == 0
    assert devstack("up").returncode == 0
    assert devstack.state.trusted_keys == before.trusted_keys
    with BlobServiceClient.from_connection_string(devstack.state.storage.connection_string) as service:
        assert service.get_blob_client("audit", "kept").download_blob().readall() == b"x"


def test_token_prints_a_fresh_token(standing: Commands) -> None:
    """One line, nothing else; an unknown persona is refused with the names of the known ones."""
    printed = standing("token", "engineer").stdout
    assert printed.count(".") == 2
    assert printed.strip() != standing.state.personas["engineer"].token
    unknown = standing("token", "stranger")
    assert unknown.returncode == 1
    assert "no persona stranger" in unknown.stderr


def test_workers_that_die_are_replaced_and_the_state_says_so(devstack: Commands) -> None:
    """The supervisor notices a SIGKILL and starts another one."""
    assert devstack("up").returncode == 0
    victim, other = devstack.state.pids.workers
    os.kill(victim, signal.SIGKILL)
    assert wait_until(lambda: victim not in devstack.state.pids.workers, 15.0)
    assert other in devstack.state.pids.workers
    assert len(devstack.state.pids.workers) == 2


def test_storage_and_issuer_come_back_by_themselves(devstack: Commands) -> None:
    """On the ports they had."""
    assert devstack("up").returncode == 0
    state = devstack.state
    for pid in (state.pids.azurite, state.pids.issuer):
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: http_status(state.issuer, "/health") == 200, 20.0)
    assert wait_until(lambda: devstack.state.pids.azurite != state.pids.azurite, 20.0)
    assert devstack.state.storage == state.storage


def test_down_ends_what_a_killed_supervisor_left(devstack: Commands) -> None:
    """Azurite and workers, whether or not the kernel ended them already."""
    assert devstack("up").returncode == 0
    os.kill(devstack.state.pids.supervisor, signal.SIGKILL)
    assert devstack("down").returncode == 0
    assert find_marked(devstack.layout.folder) == []


def test_up_starts_anew_after_a_crash(devstack: Commands) -> None:
    """A state file of a dead supervisor does not pass for a running cloud."""
    assert devstack("up").returncode == 0
    dead = devstack.state
    os.kill(dead.pids.supervisor, signal.SIGKILL)
    assert devstack("up").returncode == 0
    assert devstack.state.pids.supervisor != dead.pids.supervisor


def test_two_ups_at_once_make_one_cloud(devstack: Commands) -> None:
    """The second waits for the first one's."""
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(devstack("up").returncode)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0]
    assert len(devstack.processes()) == 5


@pytest.mark.parametrize("variable", ["API_PORT", "ISSUER_PORT", "BLOB_PORT"])
def test_a_busy_port_is_named_by_its_variable(devstack: Commands, variable: str) -> None:
    """One sentence, and nothing stays behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = devstack("up", **{variable: str(port)})
    assert result.returncode == 1
    assert result.stderr.strip().startswith(f"stopped: {variable}: port {port} is in use")
    assert result.stderr.strip().count("\n") == 0
    assert find_marked(devstack.layout.folder) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("API_PORT", "70000"),
        ("COMMIT_DEADLINE_MS", "soon"),
        ("LEDGER_NAME", "two words"),
        ("AUDIT_CONTAINER", "Not_A_Name"),
        ("POLICY_FILE", "/nowhere/policy.yaml"),
        ("NLP_CONF_FILE", "/nowhere/nlp.yaml"),
    ],
)
def test_values_that_make_no_sense_are_refused(devstack: Commands, variable: str, value: str) -> None:
    """With the variable's name and what was expected."""
    result = devstack("up", **{variable: value})
    assert result.returncode == 1
    assert result.stderr.startswith(f"stopped: {variable}: ")
    assert result.stderr.strip().count("\n") == 0
    assert result.stdout == ""


def test_ports_can_be_chosen(devstack: Commands) -> None:
    """All three, and the number of workers."""
    from devstack.ports import choose_port

    chosen = {name: str(choose_port(name, {})) for name in ("API_PORT", "ISSUER_PORT", "BLOB_PORT")}
    assert devstack("up", WORKERS="1", **chosen).returncode == 0
    state = devstack.state
    assert urlsplit(state.base_url).port == int(chosen["API_PORT"])
    assert urlsplit(state.issuer).port == int(chosen["ISSUER_PORT"])
    assert f":{chosen['BLOB_PORT']}/" in state.storage.connection_string
    assert len(state.pids.workers) == 1


def test_without_node_it_says_how_to_get_it(devstack: Commands, tmp_path: Path) -> None:
    """Azurite runs on Node.js."""
    (tmp_path / "bin").mkdir()
    result = devstack("up", PATH=str(tmp_path / "bin"))
    assert result.returncode == 1
    assert "node: is not on PATH" in result.stderr
    assert "install Node.js 20 or newer" in result.stderr


def test_with_an_old_node_it_says_which_one_is_needed(devstack: Commands, tmp_path: Path) -> None:
    """The version that came is named."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "node"
    fake.write_text("#!/bin/sh\necho v18.19.0\n")
    fake.chmod(0o755)
    result = devstack("up", PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert result.returncode == 1
    assert "version 20 or newer is needed, got v18.19.0" in result.stderr


def test_an_app_that_cannot_start_stops_up_with_its_sentence(devstack: Commands) -> None:
    """The worker's own words, once, and nothing stays behind."""
    result = devstack("up", FIXTURE_FAULT="POLICY_FILE: no such file")
    assert result.returncode == 1
    assert "POLICY_FILE: no such file" in result.stderr
    assert find_marked(devstack.layout.folder) == []


def test_run_ends_all_on_an_interrupt(devstack: Commands) -> None:
    """SIGINT while it starts, as Ctrl-C in a terminal sends it."""
    with subprocess.Popen(
        [sys.executable, "-m", "devstack", "run"],
        cwd=ROOT,
        env=devstack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "token issuer" in line:
                break
        run.send_signal(signal.SIGINT)
        rest = run.stdout.read()
    assert run.returncode == 0, rest
    assert rest.strip().endswith("Ended.")
    assert find_marked(devstack.layout.folder) == []


def test_run_refuses_beside_a_cloud_that_is_up(standing: Commands) -> None:
    """One folder, one cloud."""
    result = standing("run")
    assert result.returncode == 1
    assert "is up already" in result.stderr


def test_only_marked_processes_are_ended(devstack: Commands) -> None:
    """A process whose id stands in an old state file, but which is not ours, lives on."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as stranger:
        assert devstack("up").returncode == 0
        raw = json.loads(devstack.layout.state_file.read_text())
        assert devstack("down").returncode == 0
        raw["pids"] = {
            "supervisor": stranger.pid,
            "azurite": stranger.pid,
            "issuer": stranger.pid,
            "workers": [stranger.pid],
        }
        devstack.layout.state_file.write_text(json.dumps(raw))
        devstack.layout.lock_file.write_text(str(stranger.pid))
        assert devstack("down").stdout.strip() == "Nothing was up."
        assert stranger.poll() is None
        stranger.kill()


def is_alive(pid: int) -> bool:
    """False for no process, and for one that only waits for its parent to notice."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def http_status(url: str, path: str) -> int | None:
    """The status of a GET, None where nothing answers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
