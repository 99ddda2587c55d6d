"""The short tour of `make run`: one allowed call, one refused call, and the records that they left."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape

from devstack.state import State, Storage

SAMPLE = "My name is Maria Schmidt, reach me at maria.schmidt@example.com or +1 212 555 0187."
_FIRST = ("time", "type", "request_id", "who", "where", "what", "decision", "outcome")
ALLOWED, REFUSED = "engineer", "nobody"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: `record` names the audit record, `<writer>/<index>`."""

    status: int
    body: Any
    record: str | None


def take_tour(state: State, out: Console) -> None:
    """Make the two calls and show them with their records."""
    out.print(f'\nThe text: [italic]"{SAMPLE}"[/italic]')
    for persona, what in ((ALLOWED, "may analyze"), (REFUSED, "holds no role")):
        answer = call(state, "/analyze", persona, {"text": SAMPLE, "language": "en"})
        style = "green" if answer.status == 200 else "yellow"
        out.print(
            f"\n[bold]{persona}[/bold] ({what}) sends it to /analyze: [{style}]HTTP {answer.status}[/{style}]"
        )
        for line in summarise(answer.body):
            out.print(f"  {line}", markup=False)
        if answer.record is None:
            out.print("  and the answer names no record: that is a fault")
        else:
            out.print(f"and left record [bold]{answer.record}[/bold] in the ledger:")
            record = read_record(state.storage, answer.record)
            for name in sorted(record, key=_order):
                out.print(f"  [cyan]{name:<10}[/cyan] {escape(shorten(record[name]))}")


def show_addresses(state: State, out: Console) -> None:
    """What to try next, ready to be pasted into a shell."""
    out.print(f"\nAPI           {state.base_url}\nToken issuer  {state.issuer}")
    out.print(
        f"Personas      {', '.join(state.personas)}  (a token: .venv/bin/python -m devstack token NAME)"
    )
    body = json.dumps({"text": SAMPLE, "language": "en"})
    out.print("\nTry it:\n")
    for path in ("/analyze", "/redact"):
        out.print(curl_line(state, path, ALLOWED, body), markup=False)
        out.print()
    out.print(f"curl -s {state.base_url}/whoami -H 'Authorization: Bearer {state.personas[REFUSED].token}'")


def curl_line(state: State, path: str, persona: str, body: str) -> str:
    """One shell command for a POST with a persona's token."""
    quoted = body.replace("'", "'\\''")
    return (
        f"curl -s {state.base_url}{path} -H 'Content-Type: application/json' "
        f"-H 'Authorization: Bearer {state.personas[persona].token}' -d '{quoted}'"
    )


def call(state: State, path: str, persona: str, body: Any) -> Answer:
    """POST as a persona."""
    connection = http.client.HTTPConnection(urlsplit(state.base_url).netloc, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {state.personas[persona].token}"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        return Answer(response.status, json.loads(response.read()), response.getheader("X-Audit-Record"))
    finally:
        connection.close()


def summarise(body: Any) -> list[str]:
    """One line a finding; one line for anything else."""
    if not isinstance(body, list):
        return [json.dumps(body)]
    return [
        f"{SAMPLE[item['start'] : item['end']]:<26} {item['entity_type']:<14} {item['score']}"
        for item in body
    ]


def _order(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def shorten(value: Any) -> str:
    """JSON on one line. Recognizers that found nothing, and members that are empty, are left out."""
    if isinstance(value, dict):
        value = {
            name: {word: count for word, count in member.items() if count}
            if name == "recognizers"
            else member
            for name, member in value.items()
            if member not in ({}, [])
        }
    return value if isinstance(value, str) else json.dumps(value)


def read_record(storage: Storage, reference: str) -> dict[str, Any]:
    """The record `<writer>/<index>` from the writer's segments: lines that begin with `{` are records."""
    from azure.storage.blob import ContainerClient  # half a second that most commands need not wait

    writer, _, index_text = reference.partition("/")
    left = int(index_text)
    with ContainerClient.from_connection_string(storage.connection_string, storage.container) as container:
        for name in sorted(container.list_blob_names(name_starts_with=f"v1/w/{writer}/")):
            lines = container.download_blob(name).readall().split(b"\n")
            records = [line for line in lines if line.startswith(b"{")]
            if left < len(records):
                record: dict[str, Any] = json.loads(records[left])
                return record
            left -= len(records)
    raise LookupError(f"record {reference} is not in the container {storage.container}")
