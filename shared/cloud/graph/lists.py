"""Lists and many small questions: pages of Microsoft Graph, and its JSON batches.

https://learn.microsoft.com/graph/paging, https://learn.microsoft.com/graph/json-batching
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.cloud.graph.requests import GraphRequests, error_code, error_of, is_throttled
from shared.errors import DirectoryUnavailable

BATCH = 20
"""Most requests of one batch."""

BATCH_AGAIN = {500, 502, 503, 504}

type Item = Mapping[str, Any]
type Outcome = dict[str, Any] | DirectoryUnavailable


def each_item(asking: GraphRequests, path: str) -> Iterator[Item]:
    """The items of a list, page by page. An empty page may have a next one.

    Raises DirectoryUnavailable (as `GraphRequests.get`): the items before it are true, the list is not whole.
    """
    yield from _items_from(asking, path, asking.get(path))


def each_item_of(asking: GraphRequests, path: str, first: Mapping[str, Any]) -> Iterator[Item]:
    """The same for a list whose first page is at hand."""
    yield from _items_from(asking, path, first)


def _items_from(asking: GraphRequests, path: str, page: Mapping[str, Any]) -> Iterator[Item]:
    seen, count, limits = {path}, 0, asking.limits
    while True:
        items = read_items(page)
        count += len(items)
        if count > limits.items:
            raise DirectoryUnavailable(f"a list has more than {limits.items:,} items")
        yield from items
        link = page.get("@odata.nextLink")
        if link is None:
            return
        path = asking.path_of(link)
        if path in seen:
            raise DirectoryUnavailable("the pages of a list lead back to themselves")
        if len(seen) >= limits.pages:
            raise DirectoryUnavailable(f"a list has more than {limits.pages:,} pages")
        seen.add(path)
        page = asking.get(path)


def read_items(page: Mapping[str, Any]) -> list[Item]:
    """`value` of a page. Raises DirectoryUnavailable."""
    items = page.get("value")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise DirectoryUnavailable("expected a list of objects in `value`, got something else")
    return items


def ask_all(asking: GraphRequests, paths: Sequence[str]) -> list[Outcome]:
    """An answer or an error for each path, in their order. Up to `BATCH` of them go in one request."""
    groups = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    answers = in_parallel(asking, lambda group: _ask_batch(asking, group), groups)
    return [outcome for outcomes in answers for outcome in outcomes]


def in_parallel[A, B](asking: GraphRequests, work: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """The results in the order of the items; a few at a time, since Graph answers slowly."""
    listed = list(items)
    if len(listed) < 2:
        return [work(item) for item in listed]
    with ThreadPoolExecutor(asking.limits.threads, "graph") as threads:
        return list(threads.map(work, listed))


def _ask_batch(asking: GraphRequests, paths: Sequence[str]) -> list[Outcome]:
    """Each request of a batch is throttled by itself: those that are get asked again, later, together."""
    outcomes: dict[int, Outcome] = {}
    attempt = 0
    while waiting := [number for number in range(len(paths)) if number not in outcomes]:
        attempt += 1
        try:
            answers = _send_batch(asking, {number: paths[number] for number in waiting})
            again = [_settle(asking, outcomes, number, answers.get(number), attempt) for number in waiting]
            if slow := [headers for headers in again if headers is not None]:
                asking.wait_for(max(slow, key=_wanted), attempt)
        except DirectoryUnavailable as error:
            return [outcomes.get(number, error) for number in range(len(paths))]
    return [outcomes[number] for number in range(len(paths))]


def _send_batch(asking: GraphRequests, paths: Mapping[int, str]) -> dict[int, Mapping[str, Any]]:
    requests = [{"id": str(number), "method": "GET", "url": path} for number, path in paths.items()]
    responses = asking.post("/$batch", {"requests": requests}).get("responses")
    if not isinstance(responses, list):
        raise DirectoryUnavailable("expected a list in `responses`, got something else")
    numbers = {str(number): number for number in paths}
    found: dict[int, Mapping[str, Any]] = {}
    for response in responses:
        if isinstance(response, dict) and response.get("id") in numbers:
            found.setdefault(numbers[response["id"]], response)
    return found


def _settle(
    asking: GraphRequests,
    outcomes: dict[int, Outcome],
    number: int,
    response: Mapping[str, Any] | None,
    attempt: int,
) -> Mapping[str, str] | None:
    """Note the outcome of one request of a batch, or give the headers that say when to ask it again."""
    if response is None:
        outcomes[number] = DirectoryUnavailable("a batch came back without the answer to one of its requests")
        return None
    status, headers, body = response.get("status"), _headers(response), response.get("body")
    if not isinstance(status, int):
        outcomes[number] = DirectoryUnavailable("expected a status in each answer of a batch")
        return None
    may_repeat = status in BATCH_AGAIN and attempt < asking.limits.attempts
    if is_throttled(status, headers) or may_repeat:
        return headers
    if status == 200 and isinstance(body, dict):
        outcomes[number] = body
    elif status == 200:
        outcomes[number] = DirectoryUnavailable("expected a JSON object in each answer of a batch")
    else:
        outcomes[number] = error_of(status, error_code(body) if isinstance(body, dict) else "")
    return None


def _headers(response: Mapping[str, Any]) -> dict[str, str]:
    headers = response.get("headers")
    return {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}


def _wanted(headers: Mapping[str, str]) -> int:
    """Orders the waits that a batch's answers ask for; a date counts as long."""
    text = headers.get("retry-after", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1_000_000_000
