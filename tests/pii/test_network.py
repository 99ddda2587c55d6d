"""Nothing phones home: a process whose sockets are blocked loads, analyses and answers the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.pii.requests import parse_analyze
from tests.support.engine_room import FILES, our_engine
from tests.support.parity_texts import PLAIN, SCRIPTS
from tests.support.stock_presidio import CONFIG

BLOCKED = """
import json, sys
touched = []
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        touched.append(event)
        raise PermissionError(event)
sys.addaudithook(refuse)
import socket
try:
    socket.create_connection(("127.0.0.1", 9))
except PermissionError:
    touched.clear()
else:
    raise SystemExit("sockets are not blocked")
from pathlib import Path
"""

ANALYSE = """
from shared.pii.engine import load_engine
from shared.pii.files import EngineFiles, EngineLimits
from shared.pii.requests import parse_analyze
engine = load_engine(EngineFiles(*map(Path, sys.argv[1:])), EngineLimits(analysis_timeout_ms=60_000))
texts = json.load(sys.stdin)
answer = engine.analyze(parse_analyze({"text": texts, "language": "en"}), None).answer
print(json.dumps({"answer": answer, "touched": touched}))
"""

STOCK_EMAIL = """
from presidio_analyzer.predefined_recognizers import EmailRecognizer
found = EmailRecognizer().analyze("mail a@example.co.uk", ["EMAIL_ADDRESS"], None)
print(json.dumps({"answer": len(found), "touched": touched}))
"""


def _run(code: str, home: Path, given: object = None) -> dict[str, object]:
    """Run in a process of its own with an empty home folder; its last line is JSON."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + code, str(FILES.analyzer), str(FILES.nlp), str(FILES.recognizers)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        cwd=CONFIG.parent,
        env=environment,
    )
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_analysis_without_a_network_gives_the_same_answers(tmp_path: Path) -> None:
    """No socket is even tried, and no cache is written below the home folder."""
    texts = [*PLAIN, *SCRIPTS, "a@b.co.uk a@b.notatld a@xn--80ak6aa92e.com"]
    result = _run(ANALYSE, tmp_path, texts)
    assert result["touched"] == []
    here = our_engine().analyze(parse_analyze({"text": texts, "language": "en"}), None).answer
    assert result["answer"] == json.loads(json.dumps(here))
    assert list(tmp_path.iterdir()) == []


def test_stock_would_try(tmp_path: Path) -> None:
    """The block works, and stock's mail recognizer runs into it: this is what is closed."""
    result = _run(STOCK_EMAIL, tmp_path)
    if not result["touched"]:
        pytest.fail("stock did not try to fetch the public suffix list: is the trap still there?")
    assert result["answer"] == 1
