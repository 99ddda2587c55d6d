"""What differs between two configurations: each change by its name, and nothing where nothing changed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.configuration.changes import describe_change, render_path
from shared.configuration.differences import NOTHING, ORDER, Difference, find_differences
from tests.support.configurations import (
    OTHER_KEY,
    POLICY,
    SCALARS,
    SECTION,
    mutate,
    recognizers,
    shuffle_keys,
    snapshot,
)


def _changes(**sections: Any) -> list[tuple[str, str, str, str | None, str | None]]:
    found = find_differences(snapshot().content, snapshot(**sections).content)
    return [
        (change.part, change.path, change.action, change.old, change.new)
        for change in map(describe_change, found)
    ]


def _role(name: str, **changes: Any) -> dict[str, Any]:
    policy = copy.deepcopy(POLICY)
    next(role for role in policy["roles"] if role["name"] == name).update(changes)
    return policy


EMPLOYEE = "recognizers.EmployeeNumberRecognizer"


def test_a_changed_score_threshold_is_named_with_both_values() -> None:
    """By the names of recognizer and pattern."""
    patterns = recognizers()["recognizers"][1]["patterns"]
    patterns[0]["score"] = 0.85
    assert _changes(recognizers=recognizers(patterns=patterns)) == [
        ("recognizers", f"{EMPLOYEE}.patterns.employee number.score", "changed", "0.6", "0.85")
    ]
    assert _changes(analyzer={"supported_languages": ["en"], "default_score_threshold": 0.4}) == [
        ("analyzer", "default_score_threshold", "changed", "0", "0.4")
    ]


def test_a_recognizer_comes_goes_and_is_switched_off() -> None:
    """In the middle of the list, where positions move: the others are the same."""
    section = recognizers()
    gone = {**section, "recognizers": [section["recognizers"][0], section["recognizers"][2]]}
    (change,) = _changes(recognizers=gone)
    assert change[:3] == ("recognizers", EMPLOYEE, "removed")
    assert change[4] is None
    new = {"name": "BadgeRecognizer", "type": "predefined"}
    come = {**section, "recognizers": [new, *section["recognizers"]]}
    assert _changes(recognizers=come) == [
        (
            "recognizers",
            "recognizers.BadgeRecognizer",
            "added",
            None,
            '{"name": "BadgeRecognizer", "type": "predefined"}',
        )
    ]
    assert _changes(recognizers=recognizers(enabled=False)) == [
        ("recognizers", f"{EMPLOYEE}.enabled", "added", None, "false")
    ]


def test_a_role_gains_and_loses_permissions() -> None:
    """Word by word; a bound that falls is one change."""
    assert _changes(policy=_role("Pii.Redactor", permissions=["pii.deanonymize"])) == [
        ("policy", "roles.Pii.Redactor.permissions".replace("Pii.", '"Pii.').replace("or.p", 'or".p'),
         "removed", '"pii.redact"', None),
        ("policy", 'roles."Pii.Redactor".permissions', "added", None, '"pii.deanonymize"'),
    ]  # fmt: skip
    assert _changes(policy=_role("Pii.Redactor", entities=["PERSON"])) == [
        ("policy", 'roles."Pii.Redactor".entities', "changed", '"all"', '["PERSON"]')
    ]


def test_the_order_of_roles_means_something() -> None:
    """The first role that grants a call is recorded, and its bounds hold."""
    policy = {**POLICY, "roles": POLICY["roles"][::-1]}
    assert _changes(policy=policy) == [
        (
            "policy",
            f"roles.{ORDER}",
            "changed",
            '["Pii.Analyst", "Pii.Redactor"]',
            '["Pii.Redactor", "Pii.Analyst"]',
        )
    ]


def test_where_a_new_role_stands_means_something() -> None:
    """Before others it may be the one that grants what they granted; behind them it takes nothing over."""
    new = {**POLICY["roles"][0], "name": "New"}
    before, behind = (
        {**POLICY, "roles": roles} for roles in ([new, *POLICY["roles"]], [*POLICY["roles"], new])
    )
    added = ("policy", "roles.New", "added")
    assert [change[:3] for change in _changes(policy=behind)] == [added]
    first, (*_, old, order) = _changes(policy=before)
    assert first[:3] == added
    assert (old, order) == ('["Pii.Analyst", "Pii.Redactor"]', '["New", "Pii.Analyst", "Pii.Redactor"]')


def test_packages_and_models() -> None:
    """An upgrade, and a model whose bytes are others."""
    assert _changes(packages={"presidio-analyzer": "2.2.367", "regex": "2025.9.1"}) == [
        ("packages", "presidio-analyzer", "changed", '"2.2.366"', '"2.2.367"')
    ]
    model = {"language": "en", "name": "en_core_web_sm", "version": "3.8.0", "digest": "cd" * 32}
    assert [change[:3] for change in _changes(models=[model])] == [
        ("models", "en_core_web_sm.digest", "changed")
    ]


def test_words_that_may_be_personal_are_counted() -> None:
    """How many went and came; under another key nothing more can be said than that."""
    before = snapshot(recognizers=recognizers(deny_list=["Ann", "Bob"]))
    after = snapshot(recognizers=recognizers(deny_list=["Bob", "Cid", "Dee"]))
    (found,) = find_differences(before.content, after.content)
    change = describe_change(found)
    assert (change.path, change.old, change.new) == (
        f"{EMPLOYEE}.deny_list",
        '{"removed": 1, "words": 2}',
        '{"added": 2, "words": 3}',
    )
    renewed = snapshot(OTHER_KEY, recognizers=recognizers(deny_list=["Ann", "Bob"]))
    paths = {describe_change(each).path for each in find_differences(before.content, renewed.content)}
    assert f"{EMPLOYEE}.deny_list" in paths
    assert all(
        "key_id" in str(describe_change(each).new)
        for each in find_differences(before.content, renewed.content)
    )


def test_a_default_that_a_newer_version_writes_out_is_no_change() -> None:
    """Fields of the policy come with versions; only what is set counts."""
    policy = {**POLICY, "four_eyes": [], "approval_minutes": None}
    assert _changes(policy=policy) == []
    assert [change[:3] for change in _changes(policy={**POLICY, "four_eyes": ["pii.deanonymize"]})] == [
        ("policy", "four_eyes", "added")
    ]


def test_a_file_that_a_recognizer_refers_to_is_part_of_it() -> None:
    """A recognizer cannot hide in a file of its own."""
    before = snapshot(files={"recognizers": {"lm.yaml": {"min_score": 0.5}}})
    after = snapshot(files={"recognizers": {"lm.yaml": {"min_score": 0.9}}})
    (found,) = find_differences(before.content, after.content)
    change = describe_change(found)
    assert (change.part, change.path, change.old, change.new) == (
        "recognizers",
        'files."lm.yaml".min_score',
        "0.5",
        "0.9",
    )


def test_a_whole_section_that_comes_has_a_path() -> None:
    """Presidio's own recognizers before, a file since."""
    (found,) = find_differences(snapshot(recognizers=None).content, snapshot().content)
    change = describe_change(found)
    assert (change.path, change.action, change.old) == ("(all)", "changed", "null")


def test_two_of_one_name_are_told_apart() -> None:
    """By their place among those of the name."""
    section = recognizers()
    twin = copy.deepcopy(section["recognizers"][1])
    with_twin = {**section, "recognizers": [*section["recognizers"], twin]}
    other = copy.deepcopy(with_twin)
    other["recognizers"][3]["patterns"][1]["score"] = 0.2
    before, after = snapshot(recognizers=with_twin), snapshot(recognizers=other)
    (found,) = find_differences(before.content, after.content)
    assert found.path == ("recognizers", "EmployeeNumberRecognizer#2", "patterns", "weak", "score")


@pytest.mark.parametrize("name", ["a.b", ' a"', "", "Pii.Analyst"])
def test_paths_are_unambiguous(name: str) -> None:
    """A dot inside of a name is no step."""
    assert render_path((name, "x")) != render_path((*name.split("."), "x")) or "." not in name
    assert render_path((name,)).startswith('"')


def test_true_is_not_one_and_one_is_one_point_nought() -> None:
    """As in JSON and in RFC 8785."""
    assert _compare({"a": 1}, {"a": True}) != []
    assert _compare({"a": 1}, {"a": 1.0}) == []


@settings(deadline=None)
@given(SECTION, st.data())
def test_nothing_differs_from_itself_in_whatever_order_of_keys(
    section: dict[str, Any], data: st.DataObject
) -> None:
    """For any section."""
    assert _compare(section, copy.deepcopy(section)) == []
    assert _compare(section, shuffle_keys(section, data)) == []


@settings(deadline=None)
@given(SECTION, SCALARS, st.data())
def test_each_changed_leaf_gives_one_change_that_names_it(
    section: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    """Its path leads to it in both, and tells its values."""
    leaves = list(_leaves(section, ()))
    if not leaves:
        return
    path, old = data.draw(st.sampled_from(leaves))
    changed = copy.deepcopy(section)
    _set(changed, path, value)
    found = _compare(section, changed)
    if _json(old) == _json(value):
        assert found == []
    else:
        (only,) = found
        assert (only.path, only.action) == (path, "changed")
        assert (_json(only.old), _json(only.new)) == (_json(old), _json(value))


@settings(deadline=None)
@given(SECTION, st.data())
def test_what_is_found_turns_one_into_the_other(old: dict[str, Any], data: st.DataObject) -> None:
    """Applied to the old one, the changes give the new one; going back they are the same, turned round."""
    new = {name: mutate(value, data) for name, value in old.items()}
    forth, back = _compare(old, new), _compare(new, old)
    policies = {"policy": old}, {"policy": new}
    patched = _applied(old, find_differences(*policies))
    assert find_differences({"policy": patched}, policies[1]) == []
    # Of recognizers the place of a new one is not told, and nothing else is left.
    assert {d.path[-1] for d in _compare(_applied(old, forth), new)} <= {ORDER}
    assert sorted((d.path, _json(d.old), _json(d.new)) for d in forth) == sorted(
        (d.path, _json(d.new), _json(d.old)) for d in back
    )


def _compare(old: Any, new: Any) -> list[Difference]:
    return find_differences({"recognizers": old}, {"recognizers": new})


def _json(value: Any) -> str:
    plain = int(value) if isinstance(value, float) and value.is_integer() else value
    return "nothing" if value is NOTHING else f"{type(plain).__name__} {plain!r}"


def _leaves(value: Any, path: tuple[str, ...]) -> Any:
    """Paths and values of what is a leaf: members of objects, of named items too, that hold a scalar."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for item in value:
            for name, inner in item.items():
                if name != "name":
                    yield from _leaves(inner, (*path, item["name"], name))
    elif not isinstance(value, list):
        yield path, value


def _step(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value[name]
    return next(item for item in value if item["name"] == name)


def _set(section: Any, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        section = _step(section, name)
    section[path[-1]] = value


def _applied(section: Any, differences: list[Difference]) -> Any:
    patched = copy.deepcopy(section)
    for difference in differences:
        _apply(patched, difference)
    return patched


def _apply(section: Any, difference: Difference) -> None:
    if difference.path[-1] == ORDER:
        *path, _ = difference.path
        target = section
        for name in path:
            target = _step(target, name)
        _reorder(target, difference.new)
        return
    target = section
    for name in difference.path[:-1]:
        target = _step(target, name)
    name = difference.path[-1]
    if difference.is_word:
        words = _step(target, name)
        if difference.new is NOTHING:
            at = next(i for i, word in enumerate(words) if _json(word) == _json(difference.old))
            del words[at]
        else:
            words.append(difference.new)
    elif isinstance(target, list):
        kept = [item for item in target if item["name"] != name]
        target[:] = kept if difference.new is NOTHING else [*kept, difference.new]
    elif difference.new is NOTHING:
        del target[name]
    else:
        target[name] = copy.deepcopy(difference.new)


def _reorder(items: list[Any], new: list[Any]) -> None:
    if items and isinstance(items[0], dict):
        items.sort(key=lambda item: new.index(item["name"]) if item["name"] in new else len(new))
    else:
        items[:] = new
