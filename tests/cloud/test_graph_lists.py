"""Pages and batches: links lead nowhere else, lists end, and every question of a batch has its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from devstack.graph.answers import Answer
from shared.cloud.graph.lists import ask_all, each_item
from shared.errors import DirectoryMissing, DirectoryUnavailable
from tests.support.graph_reading import open_requests, read_directory
from tests.support.graph_server import GraphServer, Wire, graph_server
from tests.support.graph_tenants import guid, small_tenant

LIST = f"/servicePrincipals/{guid('its service principal')}/appRoleAssignedTo?$top=999"


@pytest.fixture
def server() -> Iterator[GraphServer]:
    """The tenant that has one of everything."""
    with graph_server(small_tenant()) as server:
        yield server


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
