"""Nothing phones home: with sockets to anything but this machine blocked, the answers are the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cloud import Cloud, running_cloud

GUARD = Path(__file__).resolve().parents[1] / "support" / "socket_guard"

ATTEMPTS = """
import socket
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 443), 1),
    lambda: socket.getaddrinfo("example.com", 443),
):
    try:
        attempt()
    except PermissionError:
        print("refused")
"""

TEXTS = (
    "My name is John Smith, my mail is john.smith@example.co.uk and my phone is 212-555-0199",
    "Visit https://www.example.com/a?b=c or http://example.museum from 192.0.2.7, 2001:db8::1",
    "IBAN DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111, wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "He was born on 1980-12-03 in Boston and pays with SSN 536-90-4399",
)


def analyze(cloud: Cloud, text: str) -> object:
    answer = cloud.call("POST", "/analyze", {"text": text, "language": "en"}, persona="engineer")
    assert answer.status == 200
    return answer.json


@pytest.fixture
def guard(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """The log of what was refused, and the environment that installs the guard."""
    log = tmp_path / "refused.log"
    return log, {
        "PYTHONPATH": f"{GUARD}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "SOCKET_GUARD_LOG": str(log),
    }


def test_the_guard_refuses_and_tells(guard: tuple[Path, dict[str, str]]) -> None:
    """A process under the guard cannot look up a name nor connect, and what it tried is written down."""
    log, environment = guard
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["refused", "refused"]
    assert len(log.read_text().splitlines()) == 2


def test_the_service_needs_nothing_but_storage_and_keys(
    cloud: Cloud, guard: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """Under the guard the service starts, finds the same, and tries nothing that is refused."""
    log, environment = guard
    with running_cloud(
        tmp_path / "guarded",
        WORKERS="1",
        PYTHONPATH=environment["PYTHONPATH"],
        SOCKET_GUARD_LOG=environment["SOCKET_GUARD_LOG"],
    ) as guarded:
        for text in TEXTS:
            assert analyze(guarded, text) == analyze(cloud, text)
            redacted = guarded.call("POST", "/redact", {"text": text, "language": "en"}, persona="engineer")
            assert redacted.status == 200
    assert not log.exists(), log.read_text()
