"""State file, ports, keys, processes and settings of the local cloud by themselves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from devstack.keys import load_or_create_keys
from devstack.layout import ROOT, choose_layout
from devstack.ports import choose_port
from devstack.processes import find_marked, spawn, sweep, tail, wait_until
from devstack.settings import read_cloud_settings, worker_environment
from devstack.state import Persona, Pids, State, Storage, read_state, write_state
from shared.errors import SettingsError
from shared.ledger.notes import parse_vkey

STATE = State(
    base_url="http://127.0.0.1:1",
    issuer="http://127.0.0.1:2",
    personas={"engineer": Persona(token="t", oid="o", roles=["Pii.Analyst"])},
    storage=Storage(connection_string="c", container="audit"),
    trusted_keys=["k"],
    pids=Pids(supervisor=1, azurite=2, issuer=3, workers=[4, 5]),
)


def test_a_written_state_is_read_back(tmp_path: Path) -> None:
    """It is for this user alone, and no temporary file stays."""
    path = tmp_path / "state.json"
    write_state(path, STATE)
    assert read_state(path) == STATE
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"base_url": "http://127.0.0.1:1"}'])
def test_a_state_that_is_none_reads_as_none(tmp_path: Path, content: str | None) -> None:
    """Missing, cut short, or of another program."""
    path = tmp_path / "state.json"
    if content is not None:
        path.write_text(content)
    assert read_state(path) is None


def test_a_port_is_free_unless_one_is_asked_for() -> None:
    """A port that was used a moment ago counts as free."""
    port = choose_port("API_PORT", {})
    assert choose_port("API_PORT", {"API_PORT": str(port)}) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(SettingsError, match=rf"API_PORT: port {port} is in use"):
            choose_port("API_PORT", {"API_PORT": str(port)})


@pytest.mark.parametrize("text", ["0", "65536", "-1", "x", "8080 ", "٣"])
def test_what_is_no_port_is_refused(text: str) -> None:
    """With the variable's name."""
    with pytest.raises(SettingsError, match="API_PORT: expected a port"):
        choose_port("API_PORT", {"API_PORT": text})


def test_keys_are_made_once_and_only_this_user_reads_them(tmp_path: Path) -> None:
    """The verifier key belongs to the ledger's name."""
    keys = load_or_create_keys(tmp_path / "keys", "audit.localhost/presidio")
    assert load_or_create_keys(tmp_path / "keys", "audit.localhost/presidio") == keys
    assert parse_vkey(keys.vkey).name == "audit.localhost/presidio"
    for file in (tmp_path / "keys").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600


def test_workers_get_a_whole_environment_and_the_persons_own_variables(tmp_path: Path) -> None:
    """Presidio's files and the service's limits pass; cloud settings that would contradict do not."""
    own = {
        "NLP_CONF_FILE": "/x.yaml",
        "COMMIT_DEADLINE_MS": "900",
        "LEDGER_KEY_ID": "x",
        "AUDIT_STORAGE_ACCOUNT_URL": "x",
    }
    keys = load_or_create_keys(tmp_path, "audit.localhost/presidio")
    chosen = read_cloud_settings({"SERVICE_BLOB_PORT": "7777"})
    made = worker_environment(own, chosen, keys, 8888, "[]")
    assert made["NLP_CONF_FILE"] == "/x.yaml"
    assert made["COMMIT_DEADLINE_MS"] == "900"
    assert "LEDGER_KEY_ID" not in made
    assert "AUDIT_STORAGE_ACCOUNT_URL" not in made
    assert ":7777/" in made["AUDIT_STORAGE_CONNECTION_STRING"]
    assert ":8888/" in made["AzureWebJobsStorage"]
    assert made["TRUSTED_ISSUERS"] == "[]"
    assert made["LEDGER_NAME"] == "audit.localhost/presidio"
    assert Path(made["LEDGER_KEY_FILE"]).exists()


def test_the_folder_can_be_chosen(tmp_path: Path) -> None:
    """`.devstack` of the checkout otherwise."""
    assert choose_layout({}).folder == ROOT / ".devstack"
    assert choose_layout({"DEVSTACK_DIR": str(tmp_path)}).folder == tmp_path


def test_a_marked_process_is_found_and_ended_and_no_other(tmp_path: Path) -> None:
    """Two clouds with two folders do not meet."""
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
    log = tmp_path / "log"
    ours = spawn(command, environment=os.environ, cloud=tmp_path, log=log)
    other = spawn(command, environment=os.environ, cloud=tmp_path / "other", log=tmp_path / "other.log")
    assert wait_until(lambda: tail(log) == "up", 10.0)
    assert [process.pid for process in find_marked(tmp_path)] == [ours.pid]
    assert sweep(tmp_path) == 1
    assert not psutil.pid_exists(ours.pid)
    assert other.poll() is None
    assert sweep(tmp_path / "other") == 1
    assert not psutil.pid_exists(other.pid)


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    """After some patience."""
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    stubborn = spawn(
        [sys.executable, "-c", script], environment=os.environ, cloud=tmp_path, log=tmp_path / "log"
    )
    assert wait_until(lambda: tail(tmp_path / "log") == "up", 10.0)
    assert sweep(tmp_path, patience_s=0.2) == 1
    assert not psutil.pid_exists(stubborn.pid)


def test_the_azurite_starter_says_when_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what installs it."""
    from devstack import azurite

    monkeypatch.setattr(azurite, "ROOT", tmp_path)
    with pytest.raises(SettingsError, match="azurite: is not installed; run `make setup`"):
        azurite.start_azurite(tmp_path)


def test_no_log_has_no_last_line(tmp_path: Path) -> None:
    """Neither has an empty one."""
    assert tail(tmp_path / "none") == ""
    (tmp_path / "some").write_text("a\nb\n\n")
    assert tail(tmp_path / "some") == "b"


def test_the_command_line_lists_its_commands() -> None:
    """`python -m devstack` alone is help."""
    result = subprocess.run(
        [sys.executable, "-m", "devstack", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for command in ("run", "up", "down", "status", "token", "logs"):
        assert f"  {command} " in result.stdout
    assert "supervise" not in result.stdout
