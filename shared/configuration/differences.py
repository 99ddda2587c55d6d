"""What differs between two snapshots, by meaning: recognizers by their names, words as members of sets.

Each difference has a path: members joined by dots, items of lists by their names
(`recognizers.EmployeeNumberRecognizer.patterns.employee number.score`). A member whose name has a dot or a
blank at an end stands in double quotes, and `#2` is the second item of one name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.configuration.concealing import words_of

Section = Literal["policy", "analyzer", "nlp", "recognizers", "packages", "models"]
Action = Literal["added", "removed", "changed"]

SECTIONS: tuple[Section, ...] = ("policy", "recognizers", "nlp", "analyzer", "models", "packages")
NAMES = ("name", "language", "lang_code")
"""Members that name an item of a list: a recognizer or pattern, a language's words, a language's model."""

ORDER = "(order)"
"""Last element of a path: items in another order, or a new role that is not the last one."""

type Path = tuple[str, ...]


class _Nothing:
    """No such member: something else than null."""


NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed. `old` or `new` is NOTHING where there was or is none.

    `is_word` is set for one word more or less in a list, of which there may be thousands.
    """

    section: Section
    path: Path
    action: Action
    old: Any = NOTHING
    new: Any = NOTHING
    is_word: bool = False


def find_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """All that differs between the contents of two snapshots, by section, then by path.

    A default that a newer version writes out (null, an empty list) is none, in the policy.
    """
    found: list[Difference] = []
    for section in SECTIONS:
        walk = _Walk(section)
        if section == "models":
            found += walk.compare((), _listed(old, section), _listed(new, section))
        else:
            found += walk.compare((), old.get(section), new.get(section))
        files = (old.get("files") or {}).get(section, {}), (new.get("files") or {}).get(section, {})
        found += walk.compare(("files",), *files)
    return found


def _listed(content: Mapping[str, Any], section: str) -> Any:
    return content.get(section) or []


@dataclass(frozen=True, slots=True)
class _Walk:
    section: Section

    def compare(self, path: Path, old: Any, new: Any) -> Iterator[Difference]:
        if _is_same(old, new):
            return
        if words_of(old) is not None and words_of(new) is not None:
            yield from self._compare_concealed(path, old, new)
        elif isinstance(old, dict) and isinstance(new, dict) and not _is_concealed(old, new):
            yield from self._compare_members(path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            yield from self._compare_lists(path, old, new)
        else:
            yield self._difference(path, old, new)

    def _difference(self, path: Path, old: Any, new: Any, *, is_word: bool = False) -> Difference:
        action: Action = "added" if old is NOTHING else "removed" if new is NOTHING else "changed"
        return Difference(self.section, path, action, old, new, is_word)

    def _compare_members(
        self, path: Path, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> Iterator[Difference]:
        for name in sorted(old.keys() | new.keys()):
            before, after = old.get(name, NOTHING), new.get(name, NOTHING)
            if self.section == "policy" and _is_unset(before) and _is_unset(after):
                continue
            yield from self.compare((*path, name), before, after)

    def _compare_lists(self, path: Path, old: list[Any], new: list[Any]) -> Iterator[Difference]:
        pair = _by_name(old), _by_name(new)
        if pair[0] is not None and pair[1] is not None:
            yield from self._compare_named(path, pair[0], pair[1])
        elif _is_set(old) and _is_set(new):
            yield from self._compare_words(path, old, new)
        else:
            yield self._difference(path, old, new)

    def _compare_named(
        self, path: Path, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> Iterator[Difference]:
        come = [name for name in new if name not in old]
        for name in [*old, *come]:
            yield from self.compare((*path, name), old.get(name, NOTHING), new.get(name, NOTHING))
        kept = [name for name in old if name in new]
        # The first role that grants a call is its role, so where a new one stands matters, too.
        placed = come if self.section == "policy" else []
        now = [name for name in new if name in old or name in placed]
        if now != [*kept, *placed]:
            yield self._difference((*path, ORDER), kept, now)

    def _compare_words(self, path: Path, old: list[str], new: list[str]) -> Iterator[Difference]:
        counts = Counter(old), Counter(new)
        for gone in sorted((counts[0] - counts[1]).elements()):
            yield self._difference(path, gone, NOTHING, is_word=True)
        for come in sorted((counts[1] - counts[0]).elements()):
            yield self._difference(path, NOTHING, come, is_word=True)

    def _compare_concealed(self, path: Path, old: Any, new: Any) -> Iterator[Difference]:
        """Words that nobody may read: how many there are, and how many went and came."""
        (key, before), (other_key, after) = words_of(old) or ("", ()), words_of(new) or ("", ())
        gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
        if key == other_key:
            yield self._difference(
                path,
                {"words": len(before), "removed": gone.total()},
                {"words": len(after), "added": come.total()},
            )
        else:
            yield self._difference(
                path, {"words": len(before), "key_id": key}, {"words": len(after), "key_id": other_key}
            )


def _is_same(old: Any, new: Any) -> bool:
    """Equal as JSON: 1 is 1.0, and true is not 1."""
    return (old is new) or (old is not NOTHING and new is not NOTHING and _key(old) == _key(new))


def _key(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _is_unset(value: Any) -> bool:
    return value is NOTHING or value is None or value in ([], {})


def _is_concealed(*values: Mapping[str, Any]) -> bool:
    return any(len(value) == 1 and "concealed" in value for value in values)


def _is_set(items: Sequence[Any]) -> bool:
    """Words in order: snapshots have sets sorted, and of two sorted lists the words tell all."""
    return all(isinstance(item, str) for item in items) and list(items) == sorted(items)


def _by_name(items: Sequence[Any]) -> dict[str, Any] | None:
    """Items by their names, in order; None where one has no name, or all of them are words."""
    if items and not any(isinstance(item, dict) for item in items):
        return None
    named: dict[str, Any] = {}
    for item in items:
        name = _name_of(item)
        if name is None:
            return None
        named[_free_name(named, name)] = {"name": item} if isinstance(item, str) else item
    return named


def _name_of(item: Any) -> str | None:
    if isinstance(item, str):
        return item
    names = [item[member] for member in NAMES if member in item] if isinstance(item, dict) else []
    if not names:
        return None
    return names[0] if isinstance(names[0], str) else _key(names[0])


def _free_name(named: Mapping[str, Any], name: str) -> str:
    if name not in named:
        return name
    number = 2
    while f"{name}#{number}" in named:
        number += 1
    return f"{name}#{number}"
