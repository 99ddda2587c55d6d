"""What Presidio's files mean, as plain JSON: comments, layout and the order of keys and sets are gone.

Files may refer to further files: a recognizer to a configuration, prompt or examples of its own, or to a
model's folder. Those decide what is found as much as the first, so they belong to the meaning.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from shared.pii.configuration import SAFE_LOADER, Configuration
from shared.pii.folders import digest_folder

SETS = frozenset(
    {
        "allow_list",
        "context",
        "deny_list",
        "entities",
        "labels_to_ignore",
        "languages",
        "low_score_entity_names",
        "supported_entities",
        "supported_languages",
    }
)
"""Members whose lists Presidio takes as sets: their order means nothing."""

NAMED = frozenset({"patterns", "recognizers"})
"""Lists of named items that are all applied, whatever their order."""

OTHERWISE_PLACED = frozenset({"nlp_configuration", "recognizer_registry"})
"""Sections of the analyzer's file that are in force as `nlp` and `recognizers`."""

MAX_FILES = 200
MAX_PARSED_BYTES = 4 << 20
"""Of all files together; of a file beyond that its digest is the meaning."""

MAX_NAME_CHARS = 500
MAX_VALUES = 2_000_000
MAX_DEPTH = 60
_PARSED = frozenset({".json", ".yaml", ".yml"})
_MODEL_FILES = ("meta.json", "config.json", "gliner_config.json")
_LARGEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class EngineMeaning:
    """The sections of a snapshot that come from files, and where every file and folder lies that was read."""

    analyzer: dict[str, Any]
    nlp: dict[str, Any]
    recognizers: dict[str, Any] | None
    files: dict[str, dict[str, Any]]
    places: tuple[Path, ...]


def engine_meaning(configuration: Configuration, folder: Path | None = None) -> EngineMeaning:
    """What a configuration means.

    Raises OSError where a file that is referred to cannot be read, ValueError for more than `MAX_VALUES`.
    Names of files are relative to `folder`, the working folder where None.
    """
    analyzer = {name: value for name, value in configuration.analyzer.items() if name not in OTHERWISE_PLACED}
    sections: dict[str, Any] = {
        "analyzer": read_values(analyzer),
        "nlp": read_values(configuration.nlp),
        "recognizers": read_values(configuration.recognizers),
    }
    known = {model.name for model in configuration.models}
    places: list[Path] = []
    files = {}
    for name, section in sections.items():
        found = _References(known, folder or Path())
        found.follow(section)
        places += found.places
        if found.contents:
            files[name] = found.contents
    return EngineMeaning(**sections, files=files, places=tuple(places))


def read_values(value: Any) -> Any:
    """Plain JSON values, as `normalize` has them. Raises ValueError for too many, or nested too deep.

    A few lines of YAML can stand for more values than there is memory, by aliases of aliases.
    """
    waiting, seen = [(value, 0)], 0
    while waiting:
        found, depth = waiting.pop()
        seen += 1
        if seen > MAX_VALUES or depth > MAX_DEPTH:
            raise ValueError(f"expected at most {MAX_VALUES} values and {MAX_DEPTH} levels, got more")
        inner = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
        waiting += [(each, depth + 1) for each in inner]
    return normalize(value)


def normalize(value: Any, name: str = "") -> Any:
    """Plain JSON values: keys and what JSON has no type for as text, sets and named lists sorted."""
    if isinstance(value, dict):
        return {_key_text(key): normalize(inner, _key_text(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        items = [normalize(item) for item in value]
        if name in SETS or (name in NAMED and all(map(_sort_name, items))):
            return sorted(items, key=lambda item: (_sort_name(item), json.dumps(item, sort_keys=True)))
        return items
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _key_text(key: Any) -> str:
    """As JSON spells a key: YAML's may be numbers and more."""
    if isinstance(key, str):
        return key
    return json.dumps(key) if key is None or isinstance(key, bool | int | float) else str(key)


def _sort_name(item: Any) -> str:
    if isinstance(item, dict):
        return str(item.get("name") or item.get("language") or "")
    return item if isinstance(item, str) else ""


@dataclass(slots=True)
class _References:
    """Follows names of files from value to value, each file once."""

    known: set[str]
    folder: Path
    contents: dict[str, Any] = field(default_factory=dict)
    places: list[Path] = field(default_factory=list)
    left_bytes: int = MAX_PARSED_BYTES

    def follow(self, value: Any) -> None:
        for text in _texts(value):
            if text in self.contents or text in self.known or len(self.contents) >= MAX_FILES:
                continue
            place = _find(text, self.folder)
            if place is None:
                continue
            self.places.append(place)
            size = place.stat().st_size
            self.contents[text] = content = _read(place, is_parsed=size <= self.left_bytes)
            self.left_bytes -= min(size, self.left_bytes)
            self.follow(content)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _find(text: str, folder: Path) -> Path | None:
    """The file or model's folder of that name, where Presidio looks (`llm_utils.resolve_config_path`)."""
    if (
        not text
        or len(text) > MAX_NAME_CHARS
        or "\n" in text
        or "\0" in text
        or not ("." in text or "/" in text)
    ):
        return None
    for base in (folder, *_package_folders()):
        place = base / text
        try:
            if place.is_file() or (place.is_dir() and any((place / name).is_file() for name in _MODEL_FILES)):
                return place.absolute()
        except OSError:
            continue  # no name that this system could have given to a file
    return None


def _package_folders() -> tuple[Path, ...]:
    spec = find_spec("presidio_analyzer")
    if spec is None or spec.origin is None:
        return ()
    package = Path(spec.origin).parent
    return package / "conf", package.parent.parent


def _read(place: Path, *, is_parsed: bool) -> Any:
    """What a YAML or JSON file means; of anything else, and where that is too much, its digest."""
    if place.is_dir():
        return {"sha256": digest_folder(place)}
    with place.open("rb") as file:
        if is_parsed and place.suffix.lower() in _PARSED:
            data = file.read()
            try:
                return read_values(yaml.load(data, Loader=SAFE_LOADER))  # noqa: S506 - a safe loader
            except (yaml.YAMLError, ValueError, RecursionError):  # a wrong encoding is a ValueError
                return {"sha256": hashlib.sha256(data).hexdigest()}
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
