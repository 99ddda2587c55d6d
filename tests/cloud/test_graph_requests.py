"""Requests to Microsoft Graph: bounded in everything, and the token goes to one origin alone."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.cloud.graph.lists import each_item
from shared.cloud.graph.requests import GraphRequests, Surroundings, check_graph_url
from shared.cloud.graph.tokens import IdentityTokens
from shared.cloud.graph.waiting import GraphLimits
from shared.errors import DirectoryMissing, DirectoryRefused, DirectoryUnavailable, SettingsError
from tests.support.graph_reading import Waiting, open_requests
from tests.support.graph_server import NEXT_TOKEN, TOKEN, GraphServer, Wire, graph_server
from tests.support.graph_tenants import TenantBuilder, guid, small_tenant

ROOT = f"/servicePrincipals(appId='{guid('the reviewed application')}')?$select=id,appRoles"
LIST = f"/servicePrincipals/{guid('its service principal')}/appRoleAssignedTo?$top=999"


@pytest.fixture
def server() -> Iterator[GraphServer]:
    """The tenant that has one of everything."""
    with graph_server(small_tenant()) as server:
        yield server


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_s_errors_are_repeated_a_few_times(status: int, server: GraphServer) -> None:
    """Three repetitions, with growing waits; then it is said."""
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", Wire(status))
    with pytest.raises(DirectoryUnavailable, match=str(status)):
        list(each_item(open_requests(server, waiting), LIST))
    assert (server.count("appRoleAssignedTo"), len(waiting.waits)) == (4, 3)


@pytest.mark.parametrize(
    "wire", [Wire(0), Wire(502), Wire(200, b'{"value": []}' * 50, cut=True)], ids=["closed", "502", "cut"]
)
def test_a_passing_fault_is_not_seen(wire: Wire, server: GraphServer) -> None:
    """A closed connection, a proxy's error, half an answer: the next attempt counts."""
    server.fail(r"appRoleAssignedTo", wire, times=2)
    assert len(list(each_item(open_requests(server), LIST))) == 10


def test_half_an_answer_is_no_answer(server: GraphServer) -> None:
    """A body shorter than its announced length is never parsed."""
    server.fail(r"appRoleAssignedTo", Wire(200, b'{"value": []}' + b" " * 13, cut=True))
    with pytest.raises(DirectoryUnavailable, match="no answer"):
        list(each_item(open_requests(server), LIST))


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (Wire(200, b"<html>", content_type="text/html"), "application/json"),
        (Wire(200, b'{"id":'), "JSON"),
        (Wire(200, b"[" * 100_000), "JSON"),
        (Wire(200, b"[]"), "JSON object"),
        (Wire(200, b'"text"'), "JSON object"),
        (Wire(200, b"\xff\xfe{}"), "JSON"),
        (Wire(400, b'{"error": {"code": "Request_BadRequest"}}'), "400 Request_BadRequest"),
        (Wire(400, b'{"error": {"code": "ann@contoso.example said no"}}'), "answered 400$"),
        (Wire(400, b"<html>ann@contoso.example</html>", content_type="text/html"), "answered 400$"),
        (Wire(204, b""), "answered 204"),
        (Wire(410), "answered 410"),
    ],
)
def test_unusable_answers_are_errors_that_quote_nothing(wire: Wire, words: str, server: GraphServer) -> None:
    """What was expected and what came; never text of the answer."""
    server.fail(r"appRoleAssignedTo", wire)
    with pytest.raises(DirectoryUnavailable, match=words) as raised:
        list(each_item(open_requests(server), LIST))
    assert "ann" not in str(raised.value)


def test_statuses_that_a_reading_tells_apart(server: GraphServer) -> None:
    """403 and 404 have errors of their own."""
    for status, kind in ((403, DirectoryRefused), (404, DirectoryMissing)):
        server.faults.clear()
        server.fail("appRole", Wire(status))
        with pytest.raises(kind):
            open_requests(server).get(ROOT)


def test_a_huge_answer_is_not_read_to_its_end(server: GraphServer) -> None:
    """Memory is bounded."""
    server.fail("appRoles", Wire(200, b'{"x": "' + b"x" * 500_000 + b'"}'))
    with pytest.raises(DirectoryUnavailable, match="100,000 bytes"):
        open_requests(server, page_bytes=100_000).get(ROOT)


def test_a_compressed_answer_is_not_unpacked(server: GraphServer) -> None:
    """None was asked for; a bomb stays a bomb."""
    server.fail("appRoles", Wire(200, b"\x1f\x8b" + b"0" * 100, {"Content-Encoding": "gzip"}))
    with pytest.raises(DirectoryUnavailable, match="JSON"):
        open_requests(server).get(ROOT)


def test_an_answer_that_drips_is_given_up(server: GraphServer) -> None:
    """Each byte comes in time, the whole does not."""
    server.fail("appRoles", Wire(200, b'{"id": "' + b"x" * 4_000 + b'"}', drip_s=0.1))
    requests = GraphRequests(
        server.url,
        IdentityTokens(lambda: Tokens(TOKEN), "scope"),
        GraphLimits(answer_s=0.25),
        Surroundings(sleep=lambda _: None),
    )
    started = time.monotonic()
    with pytest.raises(DirectoryUnavailable, match="took longer"):
        requests.get(ROOT)
    assert time.monotonic() - started < 3


def test_a_server_that_does_not_answer_is_given_up(server: GraphServer) -> None:
    """After the read time-out, four times."""
    held = time.monotonic()

    def hold(path: str, _: int) -> None:
        time.sleep(0.3)

    server.faults.append(hold)
    with pytest.raises(DirectoryUnavailable, match="no answer"):
        open_requests(server, read_s=0.05).get(ROOT)
    assert time.monotonic() - held < 5


def test_nobody_listens() -> None:
    """A refused connection is an error as any."""
    with graph_server(TenantBuilder().tenant) as server:
        pass
    with pytest.raises(DirectoryUnavailable, match="no answer"):
        open_requests(server, connect_s=0.5).get(ROOT)


def test_a_redirect_is_not_followed(server: GraphServer) -> None:
    """Wherever it leads: the token opens the whole directory."""
    with graph_server(small_tenant()) as other:
        for status in (301, 302, 307, 308):
            server.faults.clear()
            server.fail("appRoles", Wire(status, b"", {"Location": f"{other.url}/v1.0{ROOT}"}))
            with pytest.raises(DirectoryUnavailable, match=str(status)):
                open_requests(server).get(ROOT)
        assert other.asked == [] and other.seen_tokens == set()


# --- tokens


class Tokens:
    """A credential of one token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        if not self.token:
            raise ClientAuthenticationError("no identity, and a secret text")
        return AccessToken(self.token, int(time.time()) + 3600)


def test_a_refused_token_is_renewed_once(server: GraphServer) -> None:
    """By a credential without a memory."""
    server.good_tokens = {NEXT_TOKEN}
    given_tokens = iter([TOKEN, NEXT_TOKEN, "too many"])
    tokens = IdentityTokens(lambda: Tokens(next(given_tokens)), f"{server.url}/.default")
    asking = GraphRequests(server.url, tokens, GraphLimits())
    assert asking.get(ROOT)["id"] == guid("its service principal")
    assert tokens.current() == NEXT_TOKEN


def test_a_token_that_is_refused_twice_is_an_error(server: GraphServer) -> None:
    """No endless loop between the platform and the directory."""
    server.good_tokens = set()
    with pytest.raises(DirectoryUnavailable, match="token"):
        open_requests(server).get(ROOT)
    assert len(server.seen_tokens) == 1


def test_no_token_is_an_error_that_quotes_nothing(server: GraphServer) -> None:
    """The platform's message stays where it is."""
    asking = GraphRequests(server.url, IdentityTokens(lambda: Tokens(""), "s"), GraphLimits())
    with pytest.raises(DirectoryUnavailable, match="no token") as raised:
        asking.get(ROOT)
    assert "secret" not in str(raised.value) and server.asked == []


def test_the_token_is_asked_for_the_cloud_that_is_read(server: GraphServer) -> None:
    """Sovereign clouds have addresses of their own, and audiences to match."""
    asked: list[str] = []

    class Asking(Tokens):
        def get_token(self, *scopes: str, **options: object) -> AccessToken:
            asked.extend(scopes)
            return super().get_token(*scopes, **options)

    IdentityTokens(lambda: Asking(TOKEN), "https://graph.microsoft.us/.default").current()
    assert asked == ["https://graph.microsoft.us/.default"]


# --- the address


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.microsoft.com",
        "ftp://graph.microsoft.com",
        "https://",
        "https://a@graph.microsoft.com",
        "https://graph.microsoft.com/v1.0",
        "https://graph.microsoft.com?x=1",
        "https://graph.microsoft.com#x",
        "http://127.0.0.1.evil.example",
        "graph.microsoft.com",
        "",
    ],
)
def test_an_address_is_an_https_origin(url: str) -> None:
    """Who reads the way reads the token."""
    with pytest.raises(SettingsError, match="GRAPH_URL"):
        check_graph_url(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://graph.microsoft.com", "https://graph.microsoft.com"),
        ("https://Graph.Microsoft.us/", "https://graph.microsoft.us"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
    ],
)
def test_clouds_and_this_machine_are_taken(url: str, origin: str) -> None:
    """Without the last slash."""
    assert check_graph_url(url) == origin
