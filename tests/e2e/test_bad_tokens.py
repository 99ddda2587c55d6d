"""Bad tokens over HTTP: refused by RFC 6750, recorded with their reason, and none reaches Presidio."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devstack.keyring import load_or_create_keyring
from devstack.tokens import SigningKey
from tests.support.bad_tokens import BAD_TOKENS
from tests.support.cloud import Answer, Cloud, running_cloud
from tests.support.forging import Forger
from tests.support.identities import signing_key
from tests.support.ledger_reading import read_ledger

BODY = {"text": "John Smith called 212-555-0199", "language": "en"}
SENDABLE = {name: bad for name, bad in BAD_TOKENS.items() if bad.is_sendable}
UNKNOWN_KEYS = 300


def forger_of(cloud: Cloud) -> Forger:
    """A forger who has got hold of the issuer's own key, so that each token is wrong in one thing only."""
    key: SigningKey = load_or_create_keyring(cloud.layout.issuer).current
    return Forger(key, signing_key("foreign"), cloud.state.issuer, int(time.time()))


def send(cloud: Cloud, authorization: str | None) -> Answer:
    """One call with exactly this header."""
    headers = {} if authorization is None else {"Authorization": authorization}
    return cloud.call("POST", "/analyze", BODY, headers=headers)


def test_the_table_has_at_least_forty_tokens() -> None:
    """As many ways to be wrong as the contract asks for, sent for real."""
    assert len(SENDABLE) >= 40


def test_every_bad_token_is_refused_and_recorded(cloud: Cloud) -> None:
    """401, the right challenge, and one record that gives the reason; nothing was analysed."""
    answers = {name: send(cloud, bad.make(forger_of(cloud))) for name, bad in SENDABLE.items()}
    ledger = read_ledger(cloud)
    for name, bad in SENDABLE.items():
        answer = answers[name]
        assert answer.status == 401, name
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("Bearer realm="), name
        assert ("error=" in challenge) == (bad.reason != "missing"), name
        if bad.reason != "missing":
            assert 'error="invalid_token"' in challenge, name
        record = ledger.outcome(answer.headers["X-Request-Id"])
        assert record["type"] == "refusals", name
        assert record["reason"] == bad.reason, name
        assert record == ledger.at(answer.record), name


def test_a_megabyte_of_token_is_refused_in_bounded_time(cloud: Cloud) -> None:
    """Whether the host or the service refuses it: a 4xx, quickly, and the service goes on."""
    started = time.monotonic()
    connection = http.client.HTTPConnection(urlsplit(cloud.state.base_url).netloc, timeout=10)
    try:
        connection.request("GET", "/whoami", headers={"Authorization": "Bearer " + "A" * 1_000_000})
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError, http.client.BadStatusLine):
        status = 400  # the host closed the connection while the header was still being sent
    finally:
        connection.close()
    assert 400 <= status < 500
    assert time.monotonic() - started < 5
    assert cloud.call("GET", "/whoami", persona="engineer").status == 200


def test_a_token_of_another_tenant_is_refused(cloud: Cloud) -> None:
    """The outsider's token is good, for somebody else."""
    assert cloud.call("GET", "/whoami", persona="outsider").status == 401


def test_version_1_tokens_are_accepted(cloud: Cloud) -> None:
    """Entra's older format works beside the newer one."""
    token = forger_of(cloud).token("engineer", 1)
    answer = cloud.call("GET", "/whoami", token=token)
    assert answer.status == 200
    assert answer.json["caller"]["issuer"] == "local-v1"


def test_a_flood_of_unknown_keys_does_not_hammer_the_issuer(cloud: Cloud) -> None:
    """Three hundred made-up key ids cost the issuer a handful of fetches, and good tokens go on working."""
    forger = forger_of(cloud)
    before = _key_set_fetches(cloud)
    for number in range(UNKNOWN_KEYS):
        assert send(cloud, forger.with_header(kid=f"made-up-{number}")).status == 401
    fetched = _key_set_fetches(cloud) - before
    print(f"\n{UNKNOWN_KEYS} unknown key ids, {fetched} fetches of the key set")
    assert fetched <= 2 * 2 * 6
    assert cloud.call("GET", "/whoami", persona="engineer").status == 200


def test_rotation_works_without_a_restart(tmp_path: Path) -> None:
    """New keys are accepted at once, old tokens go on, and a withdrawn key ends with its set."""
    with running_cloud(tmp_path, WORKERS="1") as cloud:
        old = cloud.state.personas["engineer"].token
        assert cloud.call("GET", "/whoami", token=old).status == 200
        _post(cloud, "/rotate")
        new = json.loads(_post(cloud, "/token/engineer"))["access_token"]
        assert cloud.call("GET", "/whoami", token=new).status == 200
        assert cloud.call("GET", "/whoami", token=old).status == 200
        _post(cloud, "/rotate?drop=1")
        newest = json.loads(_post(cloud, "/token/engineer"))["access_token"]
        assert cloud.call("GET", "/whoami", token=newest).status == 200
        assert cloud.call("GET", "/whoami", token=new).status == 401


def _key_set_fetches(cloud: Cloud) -> int:
    connection = http.client.HTTPConnection(urlsplit(cloud.state.issuer).netloc, timeout=10)
    try:
        connection.request("GET", "/counters")
        return int(json.loads(connection.getresponse().read())["key_set_fetches"])
    finally:
        connection.close()


def _post(cloud: Cloud, path: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(cloud.state.issuer).netloc, timeout=10)
    try:
        connection.request("POST", path)
        response = connection.getresponse()
        assert response.status == 200
        return response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/health", "/ready", "/openapi.json"])
def test_open_doors_need_no_token_and_leave_no_record(cloud: Cloud, path: str) -> None:
    """Three routes touch no data: they answer everybody, and name no record."""
    answer = cloud.call("GET", path)
    assert answer.status == 200
    assert answer.record is None
    assert answer.headers["X-Request-Id"]
