"""The local directory: what Microsoft Graph is to a deployment, on one machine and with real tokens."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.graph.people import BY_GROUP, local_tenant, named
from devstack.graph.tokens import API_VERSION, IDENTITY_HEADER, IDENTITY_OID, PERMISSIONS
from devstack.issuer import Issuer, create_app
from devstack.issuing import directory_environment, fetch_graph, fetch_token, issuer_command
from devstack.layout import ROOT
from devstack.personas import API_CLIENT_ID, PERSONAS, TENANT
from devstack.ports import choose_port
from devstack.processes import end, spawn, wait_until
from devstack.stack import status_of
from devstack.tokens import issuers_setting
from shared.cloud.graph.app import ReviewedApp
from shared.cloud.graph.reader import open_graph
from shared.errors import DirectoryUnavailable
from shared.review.directory import Directory
from shared.settings import load_settings
from shared.wiring.parts import open_directory
from tests.support.graph_server import StaticCredential

BASE_URL = "http://127.0.0.1:8899"
ME = f"/v1.0/servicePrincipals(appId='{API_CLIENT_ID}')"
TOKEN_QUERY = {"api-version": API_VERSION, "resource": BASE_URL}


def ask(folder: Path, method: str, path: str, **options: Any) -> httpx.Response:
    """One request to an issuer in this process, without a socket."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(Issuer(folder, BASE_URL)))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            return await client.request(method, path, **options)

    return asyncio.run(send())


def identity_token(folder: Path, resource: str = BASE_URL) -> str:
    """A token of the managed identity."""
    headers = {"X-IDENTITY-HEADER": IDENTITY_HEADER}
    answer = ask(folder, "GET", "/msi/token", params={**TOKEN_QUERY, "resource": resource}, headers=headers)
    assert answer.status_code == 200
    return str(answer.json()["access_token"])


def bearer(token: str) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {token}"}


def test_the_identity_s_token_opens_the_directory(tmp_path: Path) -> None:
    """With the permissions that a deployment gives."""
    answer = ask(tmp_path, "GET", ME, headers=bearer(identity_token(tmp_path)))
    assert answer.status_code == 200
    assert {role["value"] for role in answer.json()["appRoles"]} >= set(BY_GROUP.values())


@pytest.mark.parametrize("persona", sorted(PERSONAS))
def test_a_caller_s_token_does_not(persona: str, tmp_path: Path) -> None:
    """It is for the API: another audience."""
    token = ask(tmp_path, "POST", f"/token/{persona}").json()["access_token"]
    for version in ("", "?version=1"):
        token = ask(tmp_path, "POST", f"/token/{persona}{version}").json()["access_token"]
        assert ask(tmp_path, "GET", ME, headers=bearer(token)).status_code == 401


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer a.b.c"}])
def test_no_token_or_another_opens_nothing(header: dict[str, str], tmp_path: Path) -> None:
    """Also for POST, and also for what is not there."""
    for method, path in (("GET", ME), ("POST", "/v1.0/$batch"), ("GET", "/v1.0/nothing")):
        assert ask(tmp_path, method, path, headers=header).status_code == 401


def test_a_token_for_another_resource_opens_nothing(tmp_path: Path) -> None:
    """As in Entra, each resource has its own."""
    token = identity_token(tmp_path, "https://storage.azure.com")
    assert ask(tmp_path, "GET", ME, headers=bearer(token)).status_code == 401


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (TOKEN_QUERY, {}),
        (TOKEN_QUERY, {"X-IDENTITY-HEADER": "guessed"}),
        ({"resource": BASE_URL}, {"X-IDENTITY-HEADER": IDENTITY_HEADER}),
        ({"api-version": API_VERSION}, {"X-IDENTITY-HEADER": IDENTITY_HEADER}),
    ],
)
def test_the_identity_endpoint_keeps_app_service_s_protocol(
    query: dict[str, str], headers: dict[str, str], tmp_path: Path
) -> None:
    """Header, version and resource are needed."""
    assert ask(tmp_path, "GET", "/msi/token", params=query, headers=headers).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"requests": []}', b"not json"])
def test_a_batch_that_is_none_is_refused(body: bytes, tmp_path: Path) -> None:
    """With Graph's status."""
    headers = bearer(identity_token(tmp_path))
    assert ask(tmp_path, "POST", "/v1.0/$batch", content=body, headers=headers).status_code == 400


@pytest.fixture(scope="module")
def issuer_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An issuer in a process of its own."""
    folder, port = tmp_path_factory.mktemp("issuer"), choose_port("ISSUER_PORT", {})
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = spawn(
        issuer_command(port, folder), environment=environment, cloud=folder, log=folder / "log", cwd=ROOT
    )
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as ending:
        ending.callback(end, process, 5.0)
        assert wait_until(lambda: status_of(url, "/health") == 200, 30)
        yield url


def test_a_worker_reads_it_as_a_managed_identity(issuer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of azure-identity in Azure: endpoint, header, token, directory."""
    for name, value in directory_environment(issuer_url).items():
        monkeypatch.setenv(name, value)
    settings = load_settings(
        {
            **directory_environment(issuer_url),
            "AUDIT_STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true",
            "LEDGER_NAME": "audit.localhost/presidio",
            "LEDGER_KEY_FILE": str(Path(__file__)),
            "DIGEST_KEY": base64.b64encode(bytes(32)).decode(),
            "TRUSTED_ISSUERS": issuers_setting(issuer_url),
        }
    )
    check_local(open_directory(settings).read(datetime.now(UTC)))


def test_the_state_s_token_reads_it(issuer_url: str) -> None:
    """What tools on a laptop use."""
    graph = fetch_graph(issuer_url)
    app = ReviewedApp(graph.app_id, TENANT)
    check_local(open_graph(graph.url, app, lambda: StaticCredential(graph.token)).read(datetime.now(UTC)))


def test_a_persona_s_token_does_not_read_it(issuer_url: str) -> None:
    """Who may call the API may not read the directory by that."""
    token = fetch_token(issuer_url, "auditor")
    reader = open_graph(issuer_url, ReviewedApp(API_CLIENT_ID, TENANT), lambda: StaticCredential(token))
    with pytest.raises(DirectoryUnavailable, match="401"):
        reader.read(datetime.now(UTC))


def check_local(directory: Directory) -> None:
    """The personas with the roles of their tokens, and what a review should find."""
    held: dict[str, set[str]] = {}
    for grant in directory.grants:
        if grant.is_effective:
            held.setdefault(grant.principal[1], set()).add(grant.role)
    for persona in PERSONAS.values():
        if persona.tenant == TENANT:
            assert held.get(persona.oid, set()) == set(persona.roles), persona.name
    states = {one.key[1]: one.state for one in directory.principals.values()}
    assert states[named("Disa Bledow")] == "disabled"
    assert states[named("Dele Tedesco")] == "deleted"
    apps = {one.key[1]: one.owners for one in directory.principals.values() if one.kind == "app"}
    assert apps == {named("nightly-export"): 0, PERSONAS["pipeline"].oid: 1}
    nested = [grant for grant in directory.grants if grant.principal[1] == named("Nesta Binnen")]
    assert [grant.is_effective for grant in nested] == [False]
    assert directory.unknown == () and directory.tenant == TENANT


def test_the_identity_is_nobody_of_the_personas() -> None:
    """What reads the directory holds no role of the API."""
    tenant = local_tenant(datetime.now(UTC))
    assert IDENTITY_OID not in {one.principal for one in tenant.assignments}
    assert all(permission.endswith(".Read.All") for permission in PERMISSIONS)
