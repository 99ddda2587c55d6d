"""Six attacks, played live: real tokens, real HTTP, real records, and the alerts that they raise."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devstack.alerts.told import describe, read_alerts
from devstack.state import State

CLIENTS = 8
TIMEOUT_S = 60.0
BITCOIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
"""The address of the first Bitcoin block: public, valid, and found by the CRYPTO recognizer."""

KEY = "3t6w9z$C&F)J@NcR"
OFFICE, ELSEWHERE, GUESSER = "127.0.0.1", "127.0.0.66", "127.0.0.99"
"""Source addresses; every 127.x.x.x is this machine."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call of an attack."""

    path: str
    body: dict[str, Any]
    token: str
    source: str = OFFICE
    purpose: str | None = None
    justification: str | None = None
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """An attack: its words, its rule, what its alert's dimensions must mention, and its calls."""

    title: str
    rule: str
    mentions: str
    requests: Sequence[Request]


class Demo:
    """Plays against a running cloud and waits for its evaluator."""

    def __init__(self, state: State, alerts: Path, say: Callable[[str], None]) -> None:
        self._state = state
        self._alerts = alerts
        self._say = say

    def run(self, wait_s: float) -> list[str]:
        """Play all; the titles of attacks whose alert did not come in time."""
        before = len(read_alerts(self._alerts))
        plays = self._plays()
        began: dict[str, float] = {}
        for play in plays:
            began[play.title] = time.time()
            statuses = self._send(play.requests)
            took = time.time() - began[play.title]
            counted = ", ".join(f"{statuses.count(status)} x {status}" for status in sorted(set(statuses)))
            self._say(f"played   {play.title}: {len(statuses)} calls in {took:.0f} s ({counted})")
        self._say(
            "waiting  for the evaluator: one-minute rules come within two minutes, denied-burst within six"
        )
        return self._await(plays, began, before, time.time() + wait_s)

    def _await(self, plays: list[Play], began: dict[str, float], before: int, until: float) -> list[str]:
        open_ = {play.title: play for play in plays}
        while open_ and time.time() < until:
            for alert in read_alerts(self._alerts)[before:]:
                for title, play in list(open_.items()):
                    if _is_of(alert, play):
                        del open_[title]
                        self._say(f"ALERT    after {time.time() - began[title]:.0f} s: {describe(alert)}")
                        self._show_evidence(alert)
            time.sleep(0.5)
        return list(open_)

    def _show_evidence(self, alert: dict[str, Any]) -> None:
        for row in alert["evidence"][:1]:
            self._say("         " + json.dumps(row, ensure_ascii=False)[:200])

    def _plays(self) -> list[Play]:
        token = {name: persona.token for name, persona in self._state.personas.items()}
        oid = {name: persona.oid for name, persona in self._state.personas.items()}
        wallet = {"text": f"pay to {BITCOIN}", "language": "en", "entities": ["CRYPTO"]}
        text = {"text": "Call Maria Silva on 212-555-0199", "language": "en"}
        forged = token["analyst"][:-12] + "AAAAAAAAAAAA"
        return [
            Play(
                "a recognizer used a few times a day is hit 500 times within a minute",
                "recognizer-burst",
                "CRYPTO",
                [Request("/analyze", wallet, token["engineer"])] * 500,
            ),
            Play(
                "a copied token is used elsewhere while its owner works",
                "token-replay",
                oid["analyst"],
                [
                    Request("/analyze", text, token["analyst"], source)
                    for source in (OFFICE, ELSEWHERE, OFFICE)
                ],
            ),
            Play(
                "sixty texts are brought back",
                "mass-reidentification",
                oid["reidentifier"],
                self._reveals(token["reidentifier"], 60),
            ),
            Play(
                "the emergency role is used",
                "break-glass",
                oid["breakglass"],
                [_emergency(token["breakglass"], text)],
            ),
            Play(
                "somebody without a role tries and tries",
                "denied-burst",
                f"caller:{oid['nobody']}",
                [Request("/analyze", text, token["nobody"])] * 40,
            ),
            Play(
                "forged tokens come from one address",
                "denied-burst",
                f"address:{GUESSER}",
                [Request("/analyze", text, forged, GUESSER)] * 40,
            ),
        ]

    def _reveals(self, token: str, texts: int) -> list[Request]:
        results = [{"entity_type": "PERSON", "start": 5, "end": 16, "score": 0.9}]
        encrypt = {"DEFAULT": {"type": "encrypt", "key": KEY}}
        body = {"text": "Call Maria Silva", "analyzer_results": results, "anonymizers": encrypt}
        hidden = json.loads(self._call(Request("/anonymize", body, token))[1])
        item = hidden["items"][0]
        back = {
            "text": hidden["text"],
            "anonymizer_results": [{"entity_type": "PERSON", "start": item["start"], "end": item["end"]}],
            "deanonymizers": {"DEFAULT": {"type": "decrypt", "key": KEY}},
        }
        return [Request("/deanonymize", back, token, purpose="customer-request")] * texts

    def _send(self, requests: Sequence[Request]) -> list[int]:
        if len(requests) < CLIENTS:  # in order: each waits for the one before
            return [self._call(request)[0] for request in requests]
        with ThreadPoolExecutor(CLIENTS) as clients:
            return list(clients.map(lambda request: self._call(request)[0], requests))

    def _call(self, request: Request) -> tuple[int, bytes]:
        address = urlsplit(self._state.base_url).netloc
        connection = http.client.HTTPConnection(
            address, timeout=TIMEOUT_S, source_address=(request.source, 0)
        )
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {request.token}"}
        if request.purpose:
            headers["X-Purpose"] = request.purpose
        if request.justification:
            headers["X-Justification"] = request.justification
        if request.ticket:
            headers["X-Ticket"] = request.ticket
        try:
            connection.request("POST", request.path, json.dumps(request.body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _emergency(token: str, text: dict[str, str]) -> Request:
    return Request(
        "/analyze",
        text,
        token,
        purpose="incident-response",
        justification="personal data in a public log",
        ticket="INC-1",
    )


def _is_of(alert: dict[str, Any], play: Play) -> bool:
    essentials = alert["data"]["essentials"]
    (condition,) = alert["data"]["alertContext"]["condition"]["allOf"]
    mentioned = any(play.mentions in part["value"] for part in condition["dimensions"])
    return mentioned and essentials["alertRule"] == play.rule and essentials["monitorCondition"] == "Fired"
