"""Snapshots: the meaning of everything that decides who may do what and what is found, as canonical bytes.

    {"v": 1, "policy": …, "analyzer": …, "nlp": …, "recognizers": …, "files": …, "packages": …, "models": …}

`policy` has the fields of the policy with their defaults. `analyzer`, `nlp` and `recognizers` are what
Presidio's files mean, `files` what the files mean that these refer to (by section, then by the name that
stands there). Comments, layout, the order of keys and of words in sets are not in it; neither are texts that
may be personal data or secrets (`concealing`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.configuration.concealing import conceal
from shared.errors import MalformedLedger
from shared.records.canonical import canonical_bytes, sha256_hex
from shared.records.digests import DigestKey

VERSION = 1
CONFIGURED = ("analyzer", "nlp", "recognizers", "files")
"""The sections that come from Presidio's files; texts in them are concealed where need be."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a snapshot is made of, as plain JSON values. `files` is by section, then by name."""

    policy: Mapping[str, Any]
    analyzer: Mapping[str, Any]
    nlp: Mapping[str, Any]
    recognizers: Mapping[str, Any] | None
    files: Mapping[str, Mapping[str, Any]]
    packages: Mapping[str, str]
    models: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`data` are the RFC 8785 bytes of `content`, `digest` their SHA-256 (hex), the configuration's name."""

    content: Mapping[str, Any]
    data: bytes
    digest: str


def make_snapshot(meaning: Meaning, key: DigestKey) -> Snapshot:
    """The snapshot of a configuration. Raises ValueError for what JSON cannot carry."""
    sections = {
        "analyzer": dict(meaning.analyzer),
        "nlp": dict(meaning.nlp),
        "recognizers": None if meaning.recognizers is None else dict(meaning.recognizers),
    }
    files = {
        section: {_file_name(name, key): conceal(content, key) for name, content in contents.items()}
        for section, contents in meaning.files.items()
    }
    content = {
        "v": VERSION,
        "policy": dict(meaning.policy),
        **{name: conceal(section, key) for name, section in sections.items()},
        "files": files,
        "packages": dict(meaning.packages),
        "models": [dict(model) for model in meaning.models],
    }
    data = canonical_bytes(content)
    return Snapshot(content, data, sha256_hex(data))


def parse_snapshot(data: bytes, digest: str) -> Snapshot:
    """The snapshot of that digest. Raises MalformedLedger where the bytes are another's, or no snapshot."""
    if sha256_hex(data) != digest:
        raise MalformedLedger("the snapshot of a configuration does not hash to its name")
    try:
        content = json.loads(data)
        is_canonical = isinstance(content, dict) and canonical_bytes(content) == data
    except (ValueError, RecursionError) as error:
        raise MalformedLedger("the snapshot of a configuration is not JSON") from error
    if not is_canonical:
        raise MalformedLedger("the snapshot of a configuration is not a canonical JSON object (RFC 8785)")
    return Snapshot(content, data, digest)


def _file_name(name: str, key: DigestKey) -> str:
    """Names of files are quoted as other texts are."""
    shown = conceal(name, key)
    return shown if isinstance(shown, str) else f"concealed:{shown['concealed']['digest']}"
