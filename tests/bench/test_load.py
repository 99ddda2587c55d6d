"""The load generator, against a trivial server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.load import MAX_CONCURRENCY, MAX_REQUESTS, BadAnswer, Target, run_load

BODIES = [f'{{"text": "{index}"}}'.encode() * (1 + index * 50) for index in range(40)]


@pytest.mark.parametrize("path", ["/plain", "/chunked"])
@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("keep", [False, True])
def test_every_body_is_sent_once_and_its_answer_kept_in_its_place(
    target: Target, seen_headers: list[dict[str, str]], path: str, concurrency: int, keep: bool
) -> None:
    """Answers stand in the order of the requests, whoever sent them and whatever their framing."""
    measured = run_load(replace(target, path=path), BODIES, concurrency, keep=keep)
    assert list(measured.bodies) == BODIES
    assert len(seen_headers) == len(BODIES)
    assert len(measured.run.latencies_s) == len(BODIES)
    assert all(0 < latency_s <= measured.run.wall_s for latency_s in measured.run.latencies_s)
    assert measured.run.cpu_s > 0


def test_a_connection_serves_one_request(target: Target, connections: set[int]) -> None:
    """Unless told otherwise every request opens a connection of its own."""
    run_load(target, BODIES, 2)
    assert len(connections) == len(BODIES)


def test_a_kept_connection_serves_all_requests_of_its_caller(target: Target, connections: set[int]) -> None:
    """With `keep`, a caller opens one connection where the server lets it stay open."""
    run_load(target, BODIES, 2, keep=True)
    assert 1 <= len(connections) <= 2


def test_the_headers_of_the_target_are_sent(target: Target, seen_headers: list[dict[str, str]]) -> None:
    """The token goes along with each request."""
    run_load(target, BODIES[:3], 1)
    assert {headers["Authorization"] for headers in seen_headers} == {"Bearer abc"}
    assert {headers["Content-Type"] for headers in seen_headers} == {"application/json"}


def test_another_status_ends_the_run(target: Target, seen_headers: list[dict[str, str]]) -> None:
    """A refusal is not a fast answer: the run fails, and soon, with the status in the message."""
    with pytest.raises(BadAnswer, match="got 429"):
        run_load(replace(target, path="/refused"), BODIES, 2)
    assert len(seen_headers) <= 4


def test_an_answer_that_was_cut_ends_the_run(target: Target) -> None:
    """Fewer bytes than announced are an error."""
    with pytest.raises(BadAnswer, match="closed the connection"):
        run_load(replace(target, path="/cut"), BODIES, 1)


def test_a_server_that_is_not_there_ends_the_run(target: Target) -> None:
    """A refused connection is raised as it is."""
    with pytest.raises(OSError, match="refused"):
        run_load(replace(target, port=1), BODIES, 4)


@pytest.mark.parametrize(
    ("count", "concurrency"), [(0, 1), (1, 0), (1, MAX_CONCURRENCY + 1), (MAX_REQUESTS + 1, 1)]
)
def test_load_has_bounds(target: Target, count: int, concurrency: int) -> None:
    """Nothing, and more than the bounds, is refused before a byte is sent."""
    with pytest.raises(ValueError, match="expected 1 to"):
        run_load(target, [b"{}"] * count, concurrency)
