"""Nothing leaks: marked values sent through every path are found in no record, log, output or error.

Each canary is a word that occurs nowhere else. Afterwards every byte that the service wrote anywhere (its
ledger, every file of the local cloud's folder, Azurite's own files included) is searched for all of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.cloud.blobs import open_store
from tests.support.cloud import Answer, Cloud, running_cloud

PURPOSE = {"X-Purpose": "customer-request"}
KEY = "0123456789abcdef"


@dataclass(frozen=True)
class Sent:
    """A call whose answer is an error, or a success that must hold its canary."""

    name: str
    answer: Answer
    marks: tuple[str, ...]


def mark() -> str:
    """A canary: ten letters that no word is made of, as a name could be."""
    return "Zq" + "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(10))


class Sender:
    """Sends calls, and remembers every canary that it used."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.marks: list[str] = []
        self.sent: list[Sent] = []

    def new(self) -> str:
        self.marks.append(mark())
        return self.marks[-1]

    def send(
        self, name: str, path: str, body: Any, *, persona: str | None = "engineer", **headers: str
    ) -> Answer:
        first = len(self.marks)
        made = body() if callable(body) else body
        answer = self.cloud.call(
            "POST",
            path,
            made,
            persona=persona,
            headers={**PURPOSE, **{k.replace("_", "-"): v for k, v in headers.items()}},
        )
        self.sent.append(Sent(name, answer, tuple(self.marks[first:])))
        return answer


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    """All calls, sent once, at the most talkative log level."""
    with running_cloud(tmp_path_factory.mktemp("canary"), WORKERS="1", LOG_LEVEL="DEBUG") as cloud:
        sender = Sender(cloud)
        _succeed(sender)
        _fail_at_the_door(sender)
        _fail_in_the_engine(sender)
        yield sender


def _analyze(sender: Sender, **more: Any) -> dict[str, Any]:
    return {"text": f"My name is {sender.new()} Smith, phone 212-555-0199", "language": "en", **more}


def _succeed(sender: Sender) -> None:
    send, new = sender.send, sender.new
    send("analyze", "/analyze", lambda: _analyze(sender))
    send(
        "analyze a batch", "/analyze", lambda: {"text": [f"I am {new()}", f"He is {new()}"], "language": "en"}
    )
    send(
        "decision process",
        "/analyze",
        lambda: _analyze(sender, return_decision_process=True),
        persona="analyst",
    )
    send(
        "words of a request",
        "/analyze",
        lambda: _analyze(sender, correlation_id=new(), context=[new()], allow_list=[new()]),
    )
    send(
        "ad-hoc recognizer",
        "/analyze",
        lambda: _analyze(sender, ad_hoc_recognizers=[_ad_hoc(sender)]),
        persona="analyst",
    )
    send("redact", "/redact", lambda: _analyze(sender))
    send(
        "redact with a new value",
        "/redact",
        lambda: _analyze(sender, anonymizers={"DEFAULT": {"type": "replace", "new_value": new()}}),
    )
    for operator in (
        {"type": "hash"},
        {"type": "keep"},
        {"type": "mask", "masking_char": "*", "chars_to_mask": 4, "from_end": False},
    ):
        send(f"anonymize by {operator['type']}", "/anonymize", lambda op=operator: _spans(sender, op))
    encrypted = send("encrypt", "/anonymize", lambda: _spans(sender, {"type": "encrypt", "key": KEY}))
    if encrypted.status == 200:
        body = {
            "text": encrypted.json["text"],
            "anonymizer_results": [
                {k: i[k] for k in ("start", "end", "entity_type")} for i in encrypted.json["items"]
            ],
            "deanonymizers": {"DEFAULT": {"type": "decrypt", "key": KEY}},
        }
        send("decrypt", "/deanonymize", body, persona="reidentifier")


def _fail_at_the_door(sender: Sender) -> None:
    send, new = sender.send, sender.new
    send("no token", "/analyze", lambda: _analyze(sender), persona=None)
    send(
        "token that is a canary",
        "/analyze",
        lambda: _analyze(sender),
        persona=None,
        Authorization=f"Bearer {new()}",
    )
    send("no role", "/analyze", lambda: _analyze(sender), persona="nobody")
    send("unknown purpose", "/deanonymize", lambda: {"text": new()}, persona="reidentifier", X_Purpose=new())
    send("not JSON", "/analyze", lambda: f"{{{new()}".encode(), Content_Type="application/json")
    send("another content type", "/analyze", lambda: new().encode(), Content_Type="text/plain")
    send("a name as content type", "/analyze", lambda: new().encode(), Content_Type=new())
    send(
        "headers",
        "/analyze",
        lambda: _analyze(sender),
        X_Request_Id=new(),
        Traceparent=new(),
        X_Forwarded_For=new(),
    )
    send("a field of its own", "/analyze", lambda: {new(): new(), "language": "en"})


def _fail_in_the_engine(sender: Sender) -> None:
    send, new = sender.send, sender.new
    send("unknown language", "/analyze", lambda: {"text": new(), "language": new()})
    send("unknown entities", "/analyze", lambda: _analyze(sender, entities=[new()]))
    send(
        "bad pattern",
        "/analyze",
        lambda: _analyze(sender, ad_hoc_recognizers=[_ad_hoc(sender, "(")]),
        persona="analyst",
    )
    send(
        "bad allow list",
        "/analyze",
        lambda: _analyze(sender, allow_list=[f"({new()}"], allow_list_match="regex"),
    )
    send("slow pattern", "/analyze", lambda: {
        "text": new() + " " + "a" * 60 + "!", "language": "en", "entities": ["SLOW"],
        "ad_hoc_recognizers": [{"name": new(), "supported_language": "en", "supported_entity": "SLOW",
                                "patterns": [{"name": "p", "regex": "(a|aa)+$", "score": 0.5}]}],
    }, persona="analyst")  # fmt: skip
    send("unknown operator", "/anonymize", lambda: _spans(sender, {"type": new()}))
    send("bad parameter", "/anonymize", lambda: _spans(sender, {"type": "mask", "masking_char": new()}))
    send("bad key", "/anonymize", lambda: _spans(sender, {"type": "encrypt", "key": new()}))
    send("span outside of the text", "/anonymize", lambda: {
        "text": new(),
        "analyzer_results": [{"start": 0, "end": 900, "entity_type": new(), "score": 0.5}],
    })  # fmt: skip
    send("wrong decryption key", "/deanonymize", lambda: {
        "text": new(), "anonymizer_results": [{"start": 0, "end": 5, "entity_type": "PERSON"}],
        "deanonymizers": {"DEFAULT": {"type": "decrypt", "key": KEY}},
    }, persona="reidentifier")  # fmt: skip


def _ad_hoc(sender: Sender, regex: str | None = None) -> dict[str, Any]:
    new = sender.new
    pattern = {"name": new(), "regex": regex or new(), "score": 0.5}
    return {
        "name": new(),
        "supported_language": "en",
        "supported_entity": new(),
        "patterns": [pattern],
        "context": [new()],
    }


def _spans(sender: Sender, operator: dict[str, Any]) -> dict[str, Any]:
    name = sender.new()
    span = {"start": 11, "end": 11 + len(name), "entity_type": "PERSON", "score": 0.9}
    return {"text": f"My name is {name}.", "analyzer_results": [span], "anonymizers": {"DEFAULT": operator}}


def test_every_path_was_taken(played: Sender) -> None:
    """The calls succeeded and failed in each of the ways that they were made for."""
    statuses = {sent.name: sent.answer.status for sent in played.sent}
    print("\n" + "\n".join(f"{status} {name}" for name, status in statuses.items()))
    assert {200, 400, 401, 403, 415, 422} <= set(statuses.values())
    assert all(status < 500 for status in statuses.values())
    assert len(statuses) >= 28
    assert len(set(played.marks)) >= 50


def test_errors_quote_nothing(played: Sender) -> None:
    """No error body and no header holds a value of any request."""
    for sent in played.sent:
        told = "\n".join(f"{name}: {value}" for name, value in sent.answer.headers.items())
        if sent.answer.status >= 400:
            told += sent.answer.body.decode("utf-8", "replace")
        found = [number for number, value in enumerate(played.marks) if value.lower() in told.lower()]
        assert not found, f"{sent.name}: an answer quotes a canary"


def test_the_redactor_s_answer_holds_no_value(played: Sender) -> None:
    """Who redacts does not see what was found."""
    answer = next(sent for sent in played.sent if sent.name == "redact").answer
    assert answer.status == 200
    assert "212-555-0199" not in answer.body.decode()


def test_no_record_holds_a_canary(played: Sender) -> None:
    """Every byte of the ledger is searched."""
    state = played.cloud.state
    store = open_store(state.storage.container, connection_string=played.cloud.direct_storage)
    data = b"".join(store.read(stored.path) for stored in store.list(""))
    assert data.count(b'"type":"access"') > 20
    _search(played, data, "the ledger")


def test_no_file_of_the_local_cloud_holds_a_canary(played: Sender) -> None:
    """Logs, stdout and stderr of every process, and whatever else was written."""
    folder = played.cloud.layout.folder
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" and path.stat().st_size for path in files)
    for path in files:
        _search(played, path.read_bytes(), path.name)


def _search(played: Sender, data: bytes, where: str) -> None:
    lowered = data.lower()
    found = [number for number, value in enumerate(played.marks) if value.lower().encode() in lowered]
    assert not found, f"{where} holds {len(found)} canaries"
