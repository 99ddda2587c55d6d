"""How the benchmarks read the local cloud's state and its processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.scenario import BenchError
from bench.sides import cpu_s, memory_mib, presidio_files, target_of
from bench.stages import parse_records, stages_of
from devstack.state import Persona, Pids, State, Storage

STATE = State(
    base_url="http://127.0.0.1:7071",
    issuer="http://127.0.0.1:7072",
    personas={"engineer": Persona(token="abc.def.ghi", oid="1", roles=[])},
    storage=Storage(connection_string="", container="audit"),
    trusted_keys=[],
    pids=Pids(supervisor=1, azurite=2, issuer=3, workers=[4, 5]),
)


def test_the_engineer_calls_the_local_cloud() -> None:
    """Address from `base_url`, token from the persona."""
    target = target_of(STATE, "/analyze")
    assert (target.host, target.port, target.path) == ("127.0.0.1", 7071, "/analyze")
    assert b"\r\nAuthorization: Bearer abc.def.ghi\r\n" in target.render(b"{}", keep=False)


def test_a_base_url_without_a_port_is_refused() -> None:
    """The message says what was expected."""
    with pytest.raises(BenchError, match="host and port"):
        target_of(STATE.model_copy(update={"base_url": "nowhere"}), "/analyze")


def test_processes_are_measured() -> None:
    """This process uses memory and time; one that is gone counts nothing."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(timeout=20)
    assert cpu_s([child.pid]) == 0.0
    assert cpu_s([os.getpid()]) > 0
    sizes = memory_mib([os.getpid()])
    assert 1 < sizes["uss"] <= sizes["pss"]


def test_both_sides_get_the_same_presidio_files() -> None:
    """The environment's, and for what it leaves out the project's own."""
    files = presidio_files({"NLP_CONF_FILE": "/elsewhere/nlp.yaml", "ANALYZER_CONF_FILE": ""})
    assert files["NLP_CONF_FILE"] == "/elsewhere/nlp.yaml"
    assert files["ANALYZER_CONF_FILE"].endswith("/config/analyzer.yaml")
    assert files["RECOGNIZER_REGISTRY_CONF_FILE"].endswith("/config/recognizers.yaml")


def test_records_are_read_between_checkpoints() -> None:
    """A segment's record lines begin with a brace, a checkpoint's never do."""
    segment = b'{"seq":0}\nlog/w/1\n1\nAAAA=\n\n\xe2\x80\x94 log/w/1 BBBB\n{"seq":1}\n{"seq":2}\n'
    assert [record["seq"] for record in parse_records(segment)] == [0, 1, 2]


def test_stages_add_up_to_what_the_client_waited() -> None:
    """What host, path and engine do not explain is the commit and the reply."""
    records = [{"outcome": {"total_us": 5_000, "engine_us": 4_000}}] * 3
    stages = stages_of(records, client_s=[0.010, 0.012, 0.009], host_ms=1.0)
    assert stages.as_dict() == {
        "client_ms": 10.0,
        "host_ms": 1.0,
        "path_ms": 1.0,
        "engine_ms": 4.0,
        "commit_and_reply_ms": 4.0,
    }
    with pytest.raises(BenchError, match="a record for each of 2 calls, found 3"):
        stages_of(records, client_s=[0.010, 0.012], host_ms=1.0)
