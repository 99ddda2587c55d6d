"""What the doors read from a request and put into an answer."""

from __future__ import annotations

import azure.functions as func
import pytest

from functions.rendering import client_address, read_call, render_answer
from shared.errors import InputError
from shared.usecases.calls import Answer
from shared.usecases.statuses import problem_answer


@pytest.mark.parametrize(
    ("forwarded", "hops", "expected"),
    [
        ("203.0.113.7", 1, "203.0.113.7"),
        ("203.0.113.7:51234", 1, "203.0.113.7"),
        ("[2001:db8::7]:443", 1, "2001:db8::7"),
        ("2001:db8::7", 1, "2001:db8::7"),
        ("6.6.6.6, 203.0.113.7", 1, "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.0.0.1", 2, "203.0.113.7"),
        ("203.0.113.7", 2, None),
        ("canary-name", 1, None),
        ("", 1, None),
        (None, 1, None),
    ],
)
def test_the_address_is_what_the_trusted_proxy_saw(
    forwarded: str | None, hops: int, expected: str | None
) -> None:
    """Entries that the client wrote itself are never believed, and words are never recorded."""
    assert client_address(forwarded, hops) == expected


def test_the_request_id_is_ours() -> None:
    """A caller cannot choose the id under which its call is recorded."""
    request = func.HttpRequest("POST", "http://x/analyze", headers={"X-Request-Id": "chosen"}, body=b"{}")
    first, second = read_call(request, 1), read_call(request, 1)
    assert "chosen" not in {first.request_id, second.request_id}
    assert first.request_id != second.request_id


def test_an_answer_is_sorted_json_that_no_cache_keeps() -> None:
    """Answers look as Presidio's do and are not stored on the way."""
    response = render_answer(Answer(200, {"text": "é", "items": []}, {"X-Request-Id": "R"}))
    assert response.get_body() == '{"items":[],"text":"é"}'.encode()
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-Id"] == "R"


def test_a_problem_names_its_error_first() -> None:
    """Clients of Presidio look for `error`; code and request id stand behind it."""
    problem = problem_answer(InputError("No text provided"), "R")
    body = b'{"error":"No text provided","code":"invalid_request","request_id":"R"}'
    assert render_answer(problem).get_body() == body


def test_text_leaves_as_text() -> None:
    """/health is plain text."""
    response = render_answer(Answer(200, "up"))
    assert (response.get_body(), response.mimetype) == (b"up", "text/plain")
