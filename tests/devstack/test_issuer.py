"""The local issuer: the paths, keys and tokens of Entra, from one process on this machine."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.issuer import Issuer, create_app
from devstack.keyring import FILE_NAME, load_or_create_keyring
from devstack.personas import OTHER_TENANT, PERSONAS, TENANT
from devstack.tokens import issuers_setting
from shared.cloud.keyset_source import select_keys
from shared.errors import SettingsError
from shared.identity.issuers import parse_issuers
from tests.support.identities import Gate, default_policy

BASE_URL = "http://127.0.0.1:8899"
ISSUERS = parse_issuers(issuers_setting(BASE_URL))


class Client:
    """Speaks to the issuer's application in this process, without a socket."""

    def __init__(self, folder: Path) -> None:
        self._transport = httpx.ASGITransport(create_app(Issuer(folder, BASE_URL)))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._send("GET", path, options))

    def post(self, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._send("POST", path, options))

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=BASE_URL) as client:
            return await client.request(method, path, **options)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


def gate(client: Client) -> Gate:
    """The identity room over the key set that the issuer publishes now."""
    published = client.get(f"/{TENANT}/discovery/v2.0/keys").json()["keys"]
    return Gate(ISSUERS, select_keys(published, ISSUERS[0]), datetime.now(UTC))


def bearer(client: Client, persona: str, **query: Any) -> str:
    answer = client.post(f"/token/{persona}", params=query)
    assert answer.status_code == 200, answer.text
    return f"Bearer {answer.json()['access_token']}"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", [name for name in PERSONAS if name != "outsider"])
def test_persona(client: Client, name: str, version: int) -> None:
    """Each persona's token, of both versions, is that persona to the service."""
    persona = PERSONAS[name]
    caller = gate(client).admit(bearer(client, name, version=version))
    assert (caller.kind, caller.principal, caller.tenant) == (persona.kind, persona.oid, TENANT)
    assert caller.roles == tuple(sorted(persona.roles))
    assert caller.issuer == f"local-v{version}"


@pytest.mark.parametrize("version", [1, 2])
def test_outsider(client: Client, version: int) -> None:
    """A token of another tenant, signed with the same keys as in Entra, is not believed."""
    assert gate(client).reason(bearer(client, "outsider", version=version)) == "unknown_issuer"


def test_personas_hold_roles_of_the_policy() -> None:
    """Every role of the default policy is somebody's, and nobody holds one that is not there."""
    held = {role for persona in PERSONAS.values() for role in persona.roles}
    assert held == {role.name for role in default_policy().roles}


def test_lifetime(client: Client) -> None:
    """A lifetime may be asked for, by query or form, also one that is over."""
    assert gate(client).reason(bearer(client, "analyst", lifetime_s=60)) == "admitted"
    assert gate(client).reason(bearer(client, "analyst", lifetime_s=-120)) == "expired"
    answer = client.post("/token/analyst", data={"version": "1", "lifetime_s": "-120"})
    assert gate(client).reason(f"Bearer {answer.json()['access_token']}") == "expired"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/token/stranger", 404),
        ("/token/analyst?version=3", 400),
        ("/token/analyst?lifetime_s=forever", 400),
        ("/token/analyst?lifetime_s=999999", 400),
    ],
)
def test_bad_question(client: Client, path: str, status: int) -> None:
    """What cannot be given is refused with a sentence."""
    answer = client.post(path)
    assert answer.status_code == status
    assert "expected" in answer.text


@pytest.mark.parametrize(("tenant", "version"), [(TENANT, "v2.0/"), (TENANT, ""), (OTHER_TENANT, "v2.0/")])
def test_discovery(client: Client, tenant: str, version: str) -> None:
    """The discovery documents name the issuer and the address of its keys, which answers."""
    document = client.get(f"/{tenant}/{version}.well-known/openid-configuration").json()
    assert document["issuer"] == f"{BASE_URL}/{tenant}/{version.rstrip('/')}"
    keys = client.get(document["jwks_uri"]).json()["keys"]
    assert len(keys) == 1
    assert keys[0]["use"] == "sig"


def test_unknown_tenant(client: Client) -> None:
    """Only the two tenants exist."""
    assert client.get("/common/discovery/v2.0/keys").status_code == 404


def test_rotation(client: Client) -> None:
    """After a rotation old and new tokens are good; after a second one the oldest are not."""
    old = bearer(client, "analyst")
    before = gate(client)
    client.post("/rotate")
    new = bearer(client, "analyst")
    assert before.reason(new) == "unknown_key"
    assert (gate(client).reason(old), gate(client).reason(new)) == ("admitted", "admitted")
    client.post("/rotate")
    assert (gate(client).reason(old), gate(client).reason(new)) == ("unknown_key", "admitted")


def test_rotation_that_drops(client: Client) -> None:
    """A rotation can withdraw the old key at once, as after a compromise."""
    old = bearer(client, "analyst")
    assert len(client.post("/rotate?drop=1").json()["published"]) == 1
    assert gate(client).reason(old) == "unknown_key"


def test_keys_outlive_the_process(tmp_path: Path) -> None:
    """Keys are kept in the folder, readable by nobody else, and found again."""
    first = Issuer(tmp_path, BASE_URL)
    rotated = first.rotate(drop=False)
    again = load_or_create_keyring(tmp_path)
    assert [key.kid for key in again.published] == [key.kid for key in rotated.published]
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"current": "PEM", "previous": null}', "[]", '{"current": 1, "previous": 2}']
)
def test_damaged_keys(tmp_path: Path, text: str) -> None:
    """A damaged file is named, and what to do about it."""
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(SettingsError, match="delete the file"):
        load_or_create_keyring(tmp_path)


def test_counters(client: Client) -> None:
    """The issuer counts how often its key sets are fetched, for tests of a flood."""
    before = client.get("/counters").json()["key_set_fetches"]
    gate(client)
    assert client.get("/counters").json()["key_set_fetches"] == before + 1


def test_health(client: Client) -> None:
    """The health check answers."""
    assert client.get("/health").text == "ok"


def test_other_names(client: Client) -> None:
    """Under another host's name, as after DNS rebinding, nothing is given away."""
    for path in ("/health", f"/{TENANT}/discovery/keys"):
        assert client.get(path, headers={"Host": "attacker.example"}).status_code == 400
    assert client.post("/token/breakglass", headers={"Host": "attacker.example"}).status_code == 400
