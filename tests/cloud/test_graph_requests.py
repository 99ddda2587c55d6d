"""Requests to Microsoft Graph: polite when throttled, bounded, and the token goes to one origin alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given
from hypothesis import strategies as st

from devstack.graph.answers import Answer
from shared.cloud.graph_lists import ask_all, each_item
from shared.cloud.graph_requests import GraphRequests, Surroundings, check_graph_url
from shared.cloud.graph_tokens import IdentityTokens
from shared.cloud.graph_waiting import GraphLimits, backoff_s, parse_retry_after
from shared.errors import DirectoryMissing, DirectoryRefused, DirectoryUnavailable, SettingsError
from tests.support.graph_reading import Waiting, open_requests, read_directory
from tests.support.graph_server import NEXT_TOKEN, TOKEN, GraphServer, Wire, graph_server
from tests.support.graph_tenants import NOW, TenantBuilder, guid, small_tenant

ROOT = f"/servicePrincipals(appId='{guid('the reviewed application')}')?$select=id,appRoles"
LIST = f"/servicePrincipals/{guid('its service principal')}/appRoleAssignedTo?$top=999"


@pytest.fixture
def server() -> Iterator[GraphServer]:
    """The tenant that has one of everything."""
    with graph_server(small_tenant()) as server:
        yield server


def throttled(retry_after: str | None, status: int = 429) -> Wire:
    """A throttled answer."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Wire(status, b'{"error": {"code": "TooManyRequests"}}', headers)


# --- throttling


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_kept(status: int, server: GraphServer) -> None:
    """Nothing is asked before that time."""
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled("17", status), times=1)
    asking = open_requests(server, waiting)
    assert len(list(each_item(asking, LIST))) == 10
    assert waiting.waits == [17.0]


def test_retry_after_as_a_date_is_kept(server: GraphServer) -> None:
    """RFC 9110 allows both forms."""
    waiting = Waiting()
    date = f"{NOW + timedelta(seconds=40):%a, %d %b %Y %H:%M:%S GMT}"
    server.fail(r"appRoleAssignedTo", throttled(date), times=1)
    list(each_item(open_requests(server, waiting), LIST))
    assert waiting.waits == [40.0]


@pytest.mark.parametrize(
    "value", [None, "", "soon", "-5", "1e3", "٣", "9" * 100, "Thu, 99 Nov 2026 00:00:00 GMT"]
)
def test_without_a_usable_retry_after_waits_double(value: str | None, server: GraphServer) -> None:
    """Nonsense counts as absent."""
    if value == "٣":  # a header cannot carry it over this wire: the parser is asked directly
        assert parse_retry_after(value, NOW) is None
        return
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled(value), times=4)
    list(each_item(open_requests(server, waiting), LIST))
    assert waiting.waits == [0.25, 0.5, 1.0, 2.0]


def test_zero_seconds_again_and_again_do_not_spin(server: GraphServer) -> None:
    """From the second time on, waits grow whatever the answer says; the end of the time is the end."""
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled("0"))
    with pytest.raises(DirectoryUnavailable, match="throttled"):
        list(each_item(open_requests(server, waiting, total_s=600.0), LIST))
    assert server.count("appRoleAssignedTo") < 60


def test_a_wait_longer_than_the_time_that_is_left_is_not_begun(server: GraphServer) -> None:
    """The reading goes on to say what it has."""
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled("86400"))
    directory = read_directory(server, waiting)
    assert waiting.waits == []
    assert [one.code for one in directory.unknown] == ["assignments"]
    assert "86400 s" in directory.unknown[0].message


def test_all_threads_wait_for_one_throttled_request(server: GraphServer) -> None:
    """What is asked meanwhile counts against the same limit."""
    waiting = Waiting()
    asking = open_requests(server, waiting)
    asking.wait_for({"retry-after": "30"}, 1)
    asking.get(ROOT)
    assert waiting.waits == [30.0] and waiting.passed_s == 30.0


def test_jitter_spreads_the_waits(server: GraphServer) -> None:
    """Two services that were throttled together do not come back together."""
    waits = []
    for jitter in (0.0, 0.9):
        waiting = Waiting()
        asking = open_requests(server, waiting, jitter=jitter)
        asking.wait_for({"retry-after": "10"}, 1)
        asking.get(ROOT)
        waits += waiting.waits
    assert waits == [10.0, 10.9]


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_backoff_is_bounded(attempt: int, jitter: float) -> None:
    """Never nothing, never more than half a minute."""
    assert 0.25 <= backoff_s(attempt, jitter) <= 30.0


@given(st.text(max_size=200))
def test_any_retry_after_is_read_or_passed_over(value: str) -> None:
    """No header makes an error, and no wait is negative."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds >= 0


def test_one_throttled_request_of_a_batch_is_asked_again_alone(server: GraphServer) -> None:
    """The others keep their answers."""
    waiting = Waiting()
    server.fail(r"^/users/" + guid("bob"), throttled("9"), times=2)
    paths = [f"/users/{guid(name)}?$select=id" for name in ("ann", "bob", "cid")]
    outcomes = ask_all(open_requests(server, waiting), paths)
    assert outcomes == [{"id": guid(name)} for name in ("ann", "bob", "cid")]
    assert waiting.waits == [9.0, 9.0]
    assert server.count(guid("ann")) == 1 and server.count(guid("bob")) == 3


# --- errors


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


# --- where the token goes


def test_a_redirect_is_not_followed(server: GraphServer) -> None:
    """Wherever it leads: the token opens the whole directory."""
    with graph_server(small_tenant()) as other:
        for status in (301, 302, 307, 308):
            server.faults.clear()
            server.fail("appRoles", Wire(status, b"", {"Location": f"{other.url}/v1.0{ROOT}"}))
            with pytest.raises(DirectoryUnavailable, match=str(status)):
                open_requests(server).get(ROOT)
        assert other.asked == [] and other.seen_tokens == set()


EVIL_LINKS = [
    "https://evil.example/v1.0/users",
    "{other}/v1.0/users",
    "{url}@evil.example/v1.0/users",
    "{url}.evil.example/v1.0/users",
    "{url}/beta/users",
    "{url}/v1.0",
    "{url}/v1.0users",
    "{url}/v1.0/users\r\nX-Evil: 1",
    "{url}/v1.0/us ers",
    "//evil.example/v1.0/users",
    "/v1.0/users",
    "file:///etc/passwd",
    "{url}/v1.0/" + "x" * 9_000,
    7,
    ["{url}/v1.0/users"],
    "",
]


@pytest.mark.parametrize("link", EVIL_LINKS, ids=lambda link: str(link)[:40])
def test_a_next_page_elsewhere_is_not_asked(link: object, server: GraphServer) -> None:
    """Another host, another version, another scheme, another type: an error, and no request."""
    with graph_server(small_tenant()) as other:
        if isinstance(link, str):
            link = link.replace("{url}", server.url).replace("{other}", other.url)
        server.fail("appRoleAssignedTo", Answer(200, {"value": [], "@odata.nextLink": link}))
        with pytest.raises(DirectoryUnavailable, match="next page"):
            list(each_item(open_requests(server), LIST))
        assert other.asked == [] and other.seen_tokens == set()
    assert len(server.asked) == 1


def test_a_link_in_a_batch_is_held_to_the_same_rule(server: GraphServer) -> None:
    """Owners come in a batch, and their next pages do not lead elsewhere either."""
    with graph_server(small_tenant()) as other:
        page = {"value": [], "@odata.nextLink": f"{other.url}/v1.0/users"}
        server.fail("/owners", Answer(200, page))
        directory = read_directory(server)
        assert other.asked == []
    assert {one.code for one in directory.unknown} == {"owners"}


def test_pages_that_lead_in_a_circle_end(server: GraphServer) -> None:
    """A page that was seen is not asked again."""
    first, second = (f"{server.url}/v1.0/groups/{guid('outer')}/members?page={n}" for n in (1, 2))
    server.fail("page=1", Answer(200, {"value": [], "@odata.nextLink": second}))
    server.fail("page=2", Answer(200, {"value": [], "@odata.nextLink": first}))
    server.fail("appRoleAssignedTo", Answer(200, {"value": [], "@odata.nextLink": first}))
    with pytest.raises(DirectoryUnavailable, match="back to themselves"):
        list(each_item(open_requests(server), LIST))
    assert len(server.asked) == 3


@pytest.mark.parametrize("items", [0, 10])
def test_pages_without_an_end_end(items: int, server: GraphServer) -> None:
    """By the number of pages, or of items."""

    def endless(path: str, _: int) -> Answer:
        number = len(server.asked)
        value = [{"id": f"{number}-{item}"} for item in range(items)]
        return Answer(200, {"value": value, "@odata.nextLink": f"{server.url}/v1.0/users?page={number}"})

    server.faults.append(endless)
    with pytest.raises(DirectoryUnavailable, match="more than"):
        list(each_item(open_requests(server, pages=50, items=100), LIST))
    assert len(server.asked) <= 51


def test_empty_pages_are_no_end(server: GraphServer) -> None:
    """Graph gives empty pages before full ones."""
    link = f"{server.url}/v1.0{LIST}&page=2"
    server.fail(r"\$top=999$", Answer(200, {"value": [], "@odata.nextLink": link}))
    assert len(list(each_item(open_requests(server), LIST))) == 10


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


# --- batches


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"responses": "text"},
        {"responses": []},
        {"responses": [7, {"id": "other", "status": 200, "body": {}}]},
        {"responses": [{"id": "0", "status": "200", "body": {}}]},
        {"responses": [{"id": "0", "status": 200, "body": "text"}]},
        {"responses": [{"id": "0", "status": 200}]},
    ],
    ids=lambda body: json.dumps(body)[:50],
)
def test_a_batch_that_is_not_one_is_an_error_for_each(body: dict[str, object], server: GraphServer) -> None:
    """Nobody is taken for absent because an answer is missing."""
    server.fail("batch", Answer(200, body))
    outcomes = ask_all(open_requests(server), [f"/users/{guid('ann')}"])
    assert len(outcomes) == 1 and isinstance(outcomes[0], DirectoryUnavailable)


def test_batches_have_at_most_twenty_requests_and_keep_the_order(server: GraphServer) -> None:
    """Answers come in any order."""
    paths = [f"/users/{guid(name)}?$select=id" for name in ("ann", "bob", "cid", "nobody") for _ in range(13)]
    outcomes = ask_all(open_requests(server), paths)
    for path, outcome in zip(paths, outcomes, strict=True):
        if guid("nobody") in path:
            assert isinstance(outcome, DirectoryMissing)
        else:
            assert isinstance(outcome, dict) and outcome["id"] in path
    assert server.count("batch") == 3


def test_a_failing_batch_fails_what_was_in_it(server: GraphServer) -> None:
    """And the next ones are asked all the same."""
    server.fail("batch", Wire(400, b'{"error": {"code": "BadRequest"}}'))
    outcomes = ask_all(open_requests(server), [f"/users/{guid('ann')}"] * 25)
    assert len(outcomes) == 25 and all(isinstance(one, DirectoryUnavailable) for one in outcomes)


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
