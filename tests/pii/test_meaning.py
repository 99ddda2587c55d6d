"""What Presidio's files mean: what does not count, and what counts although it lies elsewhere."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SettingsError
from shared.pii import meaning
from shared.pii.configuration import read_configuration
from shared.pii.files import EngineFiles
from shared.pii.fingerprint import engine_facts
from shared.pii.meaning import EngineMeaning, engine_meaning, normalize
from shared.records.canonical import canonical_bytes
from tests.support.engine_room import FILES

REGISTRY = """
recognizers:
  - name: B
    type: custom
    patterns:
      - {name: two, regex: b, score: 0.2}
      - {name: one, regex: a, score: 0.1}
    context: [y, x]
  - A
"""


def _files(folder: Path, registry: str = REGISTRY) -> EngineFiles:
    (folder / "recognizers.yaml").write_text(registry, "utf-8")
    return EngineFiles(FILES.analyzer, FILES.nlp, folder / "recognizers.yaml")


def _meaning(place: Path, registry: str = REGISTRY, **options: Any) -> EngineMeaning:
    return engine_meaning(read_configuration(_files(place, registry)), **options)


def test_what_does_not_count(tmp_path: Path) -> None:
    """Comments, layout, the order of keys, words, recognizers and patterns, and how a number is written."""
    other = """
# a comment
recognizers:
- A
- {context: [x, y], type: custom, name: B, patterns: [
    {score: 0.10, regex: a, name: one}, {score: 0.2, regex: b, name: two}]}
"""
    assert _meaning(tmp_path).recognizers == _meaning(tmp_path, other).recognizers
    digests = {engine_facts(_files(tmp_path, text)).part.digest for text in (REGISTRY, other)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("score: 0.2", "score: 0.20001"),
        ("context: [y, x]", "context: [y, x, z]"),
        ("- A", "- C"),
        ("regex: a", "regex: c"),
        ("type: custom", "type: custom\n    enabled: false"),
    ],
)
def test_what_counts(tmp_path: Path, old: str, new: str) -> None:
    """Everything else, also for the engine's digest."""
    before = engine_facts(_files(tmp_path)).part.digest
    assert engine_facts(_files(tmp_path, REGISTRY.replace(old, new))).part.digest != before


def test_lists_whose_order_may_mean_something_keep_it() -> None:
    """Pairs of replacements, weights, lists that are not known."""
    value = {"replacement_pairs": [["-", ""], [" ", ""]], "weights": [3, 1, 2], "formats": ["b", "a"]}
    assert normalize(value) == value


def test_values_that_json_does_not_have_become_text() -> None:
    """Dates, huge numbers, infinities, numbers as keys: nothing makes a snapshot impossible."""
    value = {1: date(2026, 1, 2), None: 2**70, 1.5: float("inf"), False: float("nan"), "list": (1, None)}
    found = normalize(value)
    assert found == {
        "1": "2026-01-02",
        "null": str(2**70),
        "1.5": "inf",
        "false": "nan",
        "list": [1, None],
    }
    canonical_bytes(found)


def _with_reference(folder: Path, name: str) -> str:
    return f"recognizers:\n  - name: LM\n    type: predefined\n    config_path: {name}\n"


def test_a_file_of_a_recognizer_belongs_to_it(tmp_path: Path) -> None:
    """By what it means; comments in it do not count either."""
    extra = tmp_path / "lm.yaml"
    extra.write_text("min_score: 0.5\n")
    registry = _with_reference(tmp_path, str(extra))
    found = _meaning(tmp_path, registry)
    assert found.files == {"recognizers": {str(extra): {"min_score": 0.5}}}
    assert extra in found.places
    before = engine_facts(_files(tmp_path, registry)).part.digest
    extra.write_text("# why\nmin_score:   0.5\n")
    assert engine_facts(_files(tmp_path, registry)).part.digest == before
    extra.write_text("min_score: 0.1\n")
    assert engine_facts(_files(tmp_path, registry)).part.digest != before


def test_files_of_files_are_followed_and_circles_end(tmp_path: Path) -> None:
    """A prompt and examples below the recognizer's own file; a file that names itself."""
    prompt, inner, outer = tmp_path / "prompt.j2", tmp_path / "inner.yaml", tmp_path / "outer.yaml"
    prompt.write_text("Find Mrs Oblomova")
    inner.write_text(f"prompt_file: {prompt}\nself: {outer}\n")
    outer.write_text(f"langextract: {{examples_file: {inner}}}\n")
    files = _meaning(tmp_path, _with_reference(tmp_path, str(outer))).files["recognizers"]
    assert set(files) == {str(prompt), str(inner), str(outer)}
    assert set(files[str(prompt)]) == {"sha256"}


def test_presidios_own_file_is_found_where_presidio_looks(tmp_path: Path) -> None:
    """Relative to its package."""
    files = _meaning(tmp_path, _with_reference(tmp_path, "langextract_config_basic.yaml")).files[
        "recognizers"
    ]
    assert "langextract_config_basic.yaml" in files
    assert "langextract_prompts/default_pii_phi_prompt.j2" in files


def test_a_relative_name_is_looked_for_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Presidio does; an auditor says another one."""
    (tmp_path / "lm.yaml").write_text("a: 1\n")
    registry = _with_reference(tmp_path, "lm.yaml")
    assert _meaning(tmp_path, registry).files == {}
    assert _meaning(tmp_path, registry, folder=tmp_path).files == {"recognizers": {"lm.yaml": {"a": 1}}}
    monkeypatch.chdir(tmp_path)
    assert _meaning(tmp_path, registry).files == {"recognizers": {"lm.yaml": {"a": 1}}}


def test_a_models_folder_is_digested(tmp_path: Path) -> None:
    """A recognizer's own model: its bytes decide what is found."""
    model = tmp_path / "gliner"
    model.mkdir()
    (model / "config.json").write_text("{}")
    registry = _with_reference(tmp_path, str(model))
    before = _meaning(tmp_path, registry).files
    (model / "weights.bin").write_bytes(b"other")
    assert _meaning(tmp_path, registry).files != before


def test_folders_that_are_no_models_are_not_read(tmp_path: Path) -> None:
    """A value that happens to be `/` does not make the start read the whole disk."""
    assert _meaning(tmp_path, _with_reference(tmp_path, "/")).files == {}
    assert _meaning(tmp_path, _with_reference(tmp_path, "./")).files == {}


def test_huge_files_count_by_their_bytes(tmp_path: Path) -> None:
    """A snapshot stays small, and a changed byte is a change."""
    extra = tmp_path / "x.yaml"
    extra.write_text("a: " + "1" * 5 * (1 << 20))
    found = _meaning(tmp_path, _with_reference(tmp_path, str(extra))).files["recognizers"]
    assert set(found[str(extra)]) == {"sha256"}


def test_values_without_end_are_refused(tmp_path: Path) -> None:
    """Aliases of aliases, a file that is nested without end: a sentence, and no memory."""
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    bomb = f"l0: &l0 [x]\n{levels}"
    extra = tmp_path / "x.yaml"
    extra.write_text(bomb)
    found = _meaning(tmp_path, _with_reference(tmp_path, str(extra))).files["recognizers"]
    assert set(found[str(extra)]) == {"sha256"}
    for text in (f"{bomb}recognizers: []\n", f"recognizers: {'[' * 100}{']' * 100}\n"):
        with pytest.raises(SettingsError, match="expected at most 2000000 values and 60 levels"):
            engine_facts(_files(tmp_path, text))


def test_a_file_that_is_not_yaml_counts_by_its_bytes(tmp_path: Path) -> None:
    """Broken, or in another encoding."""
    extra = tmp_path / "x.yaml"
    for data in (b"a: [", b"\xff\xff", b"[" * 5_000):
        extra.write_bytes(data)
        found = _meaning(tmp_path, _with_reference(tmp_path, str(extra))).files["recognizers"]
        assert set(found[str(extra)]) == {"sha256"}


def test_a_file_that_may_not_be_read_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presidio would fail over it later."""
    extra = tmp_path / "x.yaml"
    extra.write_text("a: 1\n")

    def refuse(place: Path, **_: bool) -> Any:
        raise PermissionError(13, "no", str(place))

    monkeypatch.setattr(meaning, "_read", refuse)
    with pytest.raises(SettingsError, match="RECOGNIZER_REGISTRY_CONF_FILE"):
        engine_facts(_files(tmp_path, _with_reference(tmp_path, str(extra))))


def test_sections_inside_the_analyzers_file_count_once(tmp_path: Path) -> None:
    """They are in force as nlp and recognizers, and are not told of twice."""
    analyzer = tmp_path / "analyzer.yaml"
    analyzer.write_text(f"default_score_threshold: 0\nrecognizer_registry:\n{_indented(REGISTRY)}")
    found = engine_meaning(read_configuration(EngineFiles(analyzer, FILES.nlp, FILES.recognizers)))
    assert found.analyzer == {"default_score_threshold": 0}
    assert found.recognizers == _meaning(tmp_path).recognizers


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
