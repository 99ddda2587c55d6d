"""Configurations for tests: a snapshot like the project's own, and any other by Hypothesis."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from shared.configuration.snapshots import Meaning, Snapshot, make_snapshot
from shared.records.digests import DigestKey

KEY = DigestKey(b"c" * 32)
OTHER_KEY = DigestKey(b"o" * 32)

POLICY: dict[str, Any] = {
    "version": 1,
    "purposes": ["fraud-investigation", "legal-obligation"],
    "sensitive_entities": ["CREDIT_CARD", "US_SSN"],
    "roles": [
        {
            "name": "Pii.Analyst",
            "held_by": "both",
            "permissions": ["pii.analyze", "pii.sensitive"],
            "entities": "all",
            "operators": [],
            "record_intent": False,
            "max_chars": 200_000,
        },
        {
            "name": "Pii.Redactor",
            "held_by": "both",
            "permissions": ["pii.redact"],
            "entities": "all",
            "operators": ["mask", "replace"],
            "record_intent": False,
            "max_chars": 200_000,
        },
    ],
}
RECOGNIZERS: dict[str, Any] = {
    "supported_languages": ["en"],
    "global_regex_flags": 26,
    "recognizers": [
        {
            "name": "CreditCardRecognizer",
            "supported_languages": [{"language": "en", "context": ["card", "credit"]}],
            "type": "predefined",
        },
        {
            "name": "EmployeeNumberRecognizer",
            "supported_entity": "EMPLOYEE_NUMBER",
            "type": "custom",
            "patterns": [
                {"name": "employee number", "regex": r"\bE-\d{6}\b", "score": 0.6},
                {"name": "weak", "regex": r"\b\d{6}\b", "score": 0.1},
            ],
        },
        {"name": "UuidRecognizer", "type": "predefined"},
    ],
}


def make_meaning(**sections: Any) -> Meaning:
    """The tests' configuration; keyword arguments replace sections."""
    whole: dict[str, Any] = {
        "policy": POLICY,
        "analyzer": {"supported_languages": ["en"], "default_score_threshold": 0},
        "nlp": {
            "nlp_engine_name": "spacy",
            "models": [{"lang_code": "en", "model_name": "en_core_web_sm"}],
            "ner_model_configuration": {"labels_to_ignore": ["CARDINAL", "EVENT"]},
        },
        "recognizers": RECOGNIZERS,
        "files": {},
        "packages": {"presidio-analyzer": "2.2.366", "regex": "2025.9.1"},
        "models": [
            {"language": "en", "name": "en_core_web_sm", "version": "3.8.0", "digest": "ab" * 32},
        ],
    }
    return Meaning(**copy.deepcopy({**whole, **sections}))


def snapshot(key: DigestKey = KEY, **sections: Any) -> Snapshot:
    """Its snapshot."""
    return make_snapshot(make_meaning(**sections), key)


def recognizers(**changes: Any) -> dict[str, Any]:
    """The recognizers' section with fields of EmployeeNumberRecognizer replaced (None: left out)."""
    section = copy.deepcopy(RECOGNIZERS)
    entry = section["recognizers"][1]
    for name, value in changes.items():
        entry.pop(name, None)
        if value is not None:
            entry[name] = value
    return section


NAMES = st.text("abcdefghijklmnop_.", min_size=1, max_size=8)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(max_size=12),
)


def _named_lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(NAMES.filter(lambda name: name not in ("name", "language", "lang_code")), values)
    items = st.lists(st.tuples(NAMES, fields), max_size=4, unique_by=lambda pair: pair[0])
    return items.map(lambda pairs: [{**inner, "name": name} for name, inner in pairs])


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=4), st.lists(SCALARS, max_size=4), _named_lists(inner)
    ),
    max_leaves=15,
)
CHANCE = st.integers(0, 3).map(bool)
SECTION = st.dictionaries(NAMES, VALUES, max_size=5)


def mutate(value: Any, data: st.DataObject) -> Any:
    """The value with some of it left out, replaced, added, or in another order."""
    kind = data.draw(st.sampled_from(("keep", "keep", "inner", "inner", "replace")))
    if kind == "replace":
        return data.draw(VALUES)
    if kind == "keep" or not isinstance(value, dict | list):
        return value
    if isinstance(value, dict):
        kept = {
            name: mutate(inner, data) for name, inner in value.items() if name == "name" or data.draw(CHANCE)
        }
        more = data.draw(st.dictionaries(NAMES.filter(lambda name: name != "name"), VALUES, max_size=1))
        return {**more, **kept}
    items = [_renamed(item, mutate(item, data)) for item in value if data.draw(CHANCE)]
    return data.draw(st.permutations(items))


def _renamed(item: Any, mutated: Any) -> Any:
    """Items of named lists keep their names, or the list is a list of something else."""
    if not isinstance(item, dict):
        return mutated if not isinstance(mutated, dict) else item
    return {**mutated, "name": item["name"]} if isinstance(mutated, dict) else item


def shuffle_keys(value: Any, data: st.DataObject) -> Any:
    """The same value with the members of every object in another order."""
    if isinstance(value, dict):
        return {name: shuffle_keys(value[name], data) for name in data.draw(st.permutations(list(value)))}
    return [shuffle_keys(item, data) for item in value] if isinstance(value, list) else value
