"""What a snapshot may quote: words of a vocabulary. Never people's data, never secrets."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.configuration.concealing import CONCEALED, MAX_WORDS, conceal, without_digests, words_of
from shared.configuration.differences import find_differences
from tests.support.configurations import KEY, OTHER_KEY, recognizers, snapshot

CANARY = "Zqxvkwjtbhg Oblomova"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Swiss AHV number, new"),
        ("supported_entity", "EMPLOYEE_NUMBER"),
        ("score", 0.85),
        ("enabled", False),
        ("regex", r"\bE-\d{6}\b"),
        ("regex", r"(?i)\b[A-Z]{2}\d{2}(?:[ -]?\d{4}){3,5}\b"),
        ("model_url", "https://models.example.com:11434/v1"),
        ("model_id", "qwen2.5:1.5b"),
        ("tokenizer", "bert-base"),
        ("version", "2025.9.1"),
    ],
)
def test_words_of_a_vocabulary_are_quoted(name: str, value: Any) -> None:
    """Names, numbers, rules, addresses."""
    assert conceal({name: value}, KEY) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deny_list", ["Oblomova"]),
        ("allow_list", ["Oblomova"]),
        ("context", ["oblomova"]),
        ("prompt", "Oblomova"),
        ("examples", [{"extraction_text": "Oblomova"}]),
        ("description", "the file of Mrs Oblomova"),
        ("regex", "(?:Smith|Oblomova)"),
        ("regex", "(?i)oblomova"),
        ("regex", r"\b079 ?555 1234\b"),
        ("contact", "oblomova@example.com"),
        ("contact", "+41 79 555 12 34"),
        ("contact", "0795551234"),
        ("api_key", "short"),
        ("client_secret", "s"),
        ("anything", "sk4Xr0v9Qm2Zt7Lw3Np8"),
        ("url", "https://example.com/?sig=abc"),
        ("url", "https://user:pass@example.com/"),
        ("key", "value"),
    ],
)
def test_what_may_be_personal_or_secret_is_digested(name: str, value: Any) -> None:
    """Under the key: the same for the same text, another under another key, and never the text."""
    found = conceal({name: value}, KEY)
    assert CONCEALED in json.dumps(found)
    for text in (value, *value) if isinstance(value, list) else (value,):
        assert json.dumps(text) not in json.dumps(found)
    assert "blomova" not in json.dumps(found).lower()
    assert found == conceal({name: value}, KEY)
    assert found != conceal({name: value}, OTHER_KEY)
    assert without_digests(found) == without_digests(conceal({name: value}, OTHER_KEY))


def test_a_members_name_can_be_personal_too() -> None:
    """A mapping from people to something."""
    found = conceal({"oblomova@example.com": 1}, KEY)
    assert "blomova" not in json.dumps(found)
    assert list(found.values()) == [1]


@pytest.mark.parametrize(
    "forged",
    [
        {"concealed": {"words": 5}},
        {"concealed": {"words": ["a"], "key_id": "x"}},
        {"concealed": 1},
        {"concealed": {"digest": "ab", "chars": {}}},
        {"concealed:ab": 1},
    ],
)
def test_a_file_cannot_forge_what_is_concealed(forged: dict[str, Any]) -> None:
    """Members of that name are digested themselves; and no shape of them breaks a comparison."""
    before, after = snapshot(recognizers=recognizers(x=forged)), snapshot(recognizers=recognizers(x=[forged]))
    for one in (before, after):
        assert b'"concealed":{"words"' not in one.data
        assert find_differences(one.content, snapshot().content)
    assert find_differences(before.content, after.content)
    assert words_of(forged) in (None, ("x", ("a",)))
    without_digests(forged)


def test_long_texts_take_no_time() -> None:
    """A hostile or clumsy file does not hold up a start."""
    started = time.perf_counter()
    for text in ("a" * 500_000, "[" * 500_000, "a1" * 250_000, "\\" * 500_000, "(?" * 250_000):
        for name in ("regex", "name", "url"):
            assert CONCEALED in json.dumps(conceal({name: text}, KEY))
    assert time.perf_counter() - started < 5.0


def test_a_huge_list_is_one_digest() -> None:
    """A snapshot stays small enough to be read; one word more is another digest."""
    words = [f"w{number}" for number in range(MAX_WORDS + 1)]
    found, other = conceal({"deny_list": words}, KEY), conceal({"deny_list": [*words[1:], "w"]}, KEY)
    assert len(json.dumps(found)) < 200
    assert found != other
    assert found == conceal({"deny_list": words[::-1]}, KEY)


def test_the_digest_of_a_word_is_not_that_of_a_text_in_a_call() -> None:
    """Who sees both cannot learn from a record which text of a caller is in a deny list."""
    (digest,) = conceal({"deny_list": ["Ann"]}, KEY)["deny_list"][CONCEALED]["words"]
    assert digest != KEY.digest("Ann")


@settings(deadline=None)
@given(st.text(min_size=3, max_size=30))
def test_no_word_of_a_deny_list_is_in_a_snapshot(word: str) -> None:
    """Whatever it is."""
    marked = f"{CANARY} {word}"
    data = snapshot(recognizers=recognizers(deny_list=[marked], context=[marked], note=marked)).data
    assert CANARY.encode() not in data
    assert json.dumps(marked, ensure_ascii=False).encode() not in data
