"""Timers, blob triggers, warm-up, and the life and death of worker processes."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import psutil
import pytest
from azure.storage.blob import BlobServiceClient

from devstack.azurite import Azurite
from devstack.host.errors import HostError
from tests.support.fixture_host import FixtureHost, fixture_pool, running_host


def test_each_worker_is_warmed_up_once(host: FixtureHost) -> None:
    """The warm-up trigger is called in every worker, a timer that runs at start in one of them."""
    assert host.wait_for(lambda: len(host.notes("warm")) == 2 and len(host.notes("tick")) == 1)
    assert {note["pid"] for note in host.notes("warm")} == set(host.pool.pids)


def test_a_timer_fires_once_for_all_workers(tmp_path: Path, azurite: Azurite) -> None:
    """Each second of the schedule has one call, in one worker, which is told of the last one."""
    with running_host(tmp_path, azurite.connection_string, FIXTURE_SCHEDULE="* * * * * *") as host:
        assert host.wait_for(lambda: len(host.notes("tick")) >= 4)
    ticks = host.notes("tick")
    assert len({tick["pid"] for tick in ticks}) == 1
    lasts = [tick["status"]["Last"][:19] for tick in ticks[1:]]
    assert lasts == sorted(set(lasts))


def test_the_timers_move_when_their_worker_dies(tmp_path: Path, azurite: Azurite) -> None:
    """The lock goes with the process; the next holder carries on."""
    with running_host(tmp_path, azurite.connection_string, FIXTURE_SCHEDULE="* * * * * *") as host:
        assert host.wait_for(lambda: len(host.notes("tick")) >= 2)
        first = host.notes("tick")[0]["pid"]
        os.kill(first, signal.SIGKILL)
        assert host.wait_for(lambda: host.notes("tick")[-1]["pid"] != first)


def test_new_and_changed_blobs_call_their_function_once(fresh_host: FixtureHost, azurite: Azurite) -> None:
    """With content, name, length and metadata; a blob outside of the pattern calls nothing."""
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        inbox = service.create_container("inbox")
        inbox.upload_blob("nodot", b"ignored")
        inbox.upload_blob("a.txt", b"first", metadata={"source": "test"})
        assert fresh_host.wait_for(lambda: len(fresh_host.notes("blob")) == 1)
        inbox.upload_blob("a.txt", b"second", overwrite=True)
        assert fresh_host.wait_for(lambda: len(fresh_host.notes("blob")) == 2)
        inbox.upload_blob("bad.txt", b"fail")
        assert fresh_host.wait_for(lambda: (fresh_host.pool.folder / "poison.jsonl").exists())
        service.delete_container("inbox")
    seen = [(note["name"], note["content"]) for note in fresh_host.notes("blob")]
    assert seen == [("inbox/a.txt", "first"), ("inbox/a.txt", "second"), *[("inbox/bad.txt", "fail")] * 5]
    first = fresh_host.notes("blob")[0]
    assert (first["length"], first["metadata"]) == (5, {"source": "test"})


def test_a_killed_worker_is_replaced_while_the_other_serves(fresh_host: FixtureHost) -> None:
    """SIGKILL to one of two: the service never stops answering, and there are two again."""
    assert fresh_host.wait_for(lambda: len(fresh_host.notes("warm")) == 2)
    before = set(fresh_host.pool.pids)
    victim = fresh_host.pool.pids[0]
    os.kill(victim, signal.SIGKILL)
    psutil.Process(victim).wait(5)
    assert fresh_host.request("GET", "/text").status == 200
    assert fresh_host.wait_for(lambda: len(fresh_host.notes("warm")) == 3)
    assert len(set(fresh_host.pool.pids) & before) == 1
    assert len(fresh_host.pool.pids) == 2


def test_stopping_finishes_what_was_begun(fresh_host: FixtureHost) -> None:
    """A request in work is answered, Python's exit handlers run, no process is left."""
    answers: list[int] = []
    caller = threading.Thread(
        target=lambda: answers.append(fresh_host.request("GET", "/sleep?ms=800").status)
    )
    caller.start()
    time.sleep(0.2)  # the request is in work now, which is the point
    pids = set(fresh_host.pool.pids)
    fresh_host.pool.stop()
    caller.join()
    assert answers == [200]
    assert {note["pid"] for note in fresh_host.notes("exit")} == pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_stopping_lets_a_timer_come_to_its_end(tmp_path: Path, azurite: Azurite) -> None:
    """And does not start it again in the other worker, though it would run there at start."""
    with running_host(tmp_path, azurite.connection_string, FIXTURE_TICK_MS="700") as host:
        assert host.wait_for(lambda: len(host.notes("tick")) == 1)
    assert len(host.notes("tick")) == 1
    assert len(host.notes("tock")) == 1


def test_an_app_that_does_not_import_stops_the_start_with_its_reason(tmp_path: Path) -> None:
    """In Azure its functions would silently be gone."""
    host = fixture_pool(tmp_path, "", FIXTURE_FAULT="POLICY_FILE: no such file")
    with pytest.raises(HostError, match="POLICY_FILE: no such file"):
        host.pool.start()
    assert host.pool.pids == []


def test_a_setting_that_a_binding_names_must_be_set(tmp_path: Path) -> None:
    """The sentence names the setting and the function."""
    host = fixture_pool(tmp_path, "")
    with pytest.raises(HostError, match=r"AzureWebJobsStorage: is not set, and the blob trigger arrive"):
        host.pool.start()


def test_wrong_settings_found_while_warming_up_end_the_pool(tmp_path: Path, azurite: Azurite) -> None:
    """A SettingsError of the warm-up is final: starting the worker again would not help."""
    host = fixture_pool(tmp_path, azurite.connection_string, FIXTURE_WARM_FAULT="DIGEST_KEY: is not set")
    try:
        host.pool.start()
        assert host.wait_for(lambda: host.pool.failure is not None)
    except HostError as error:
        assert "DIGEST_KEY" in str(error)  # it came before both workers served
    finally:
        host.pool.stop()
    assert host.pool.failure == "DIGEST_KEY: is not set"


def test_a_worker_ends_when_its_supervisor_is_killed(tmp_path: Path, azurite: Azurite) -> None:
    """Nobody is left behind by a crash (where the machine has setpriv)."""
    script = (
        "import sys; from pathlib import Path; from tests.support.fixture_host import fixture_pool\n"
        "host = fixture_pool(Path(sys.argv[1]), sys.argv[2]); host.pool.start()\n"
        "print(*host.pool.pids, flush=True); sys.stdin.read()"
    )
    import subprocess
    import sys

    from devstack.layout import ROOT

    command = [sys.executable, "-c", script, str(tmp_path), azurite.connection_string]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(word) for word in supervisor.stdout.readline().split()]
        supervisor.kill()
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=10)
    assert alive == []


def test_a_listening_port_stays_open_while_workers_change(fresh_host: FixtureHost) -> None:
    """The supervisor holds the socket: a client is never refused, it waits."""
    for pid in fresh_host.pool.pids:
        os.kill(pid, signal.SIGKILL)
    with socket.create_connection(("127.0.0.1", fresh_host.port)) as client:
        client.sendall(b"GET /text HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        client.setblocking(False)

        def has_answer() -> bool:
            try:
                return client.recv(100).startswith(b"HTTP/1.1 200")
            except BlockingIOError:
                return False

        assert fresh_host.wait_for(has_answer)
