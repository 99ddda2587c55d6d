"""The configuration of a process: read once, the same that Presidio loads, watched on the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.layout import ROOT
from shared.configuration.commits import author_text
from shared.errors import SettingsError
from shared.pii.engine import Engine
from shared.records.digests import DigestKey
from shared.settings import Settings
from shared.wiring.configuration import SettingsFiles, commit_facts, read_all
from tests.wiring.test_parts import GOOD, settings_of

QUICK_MS = 500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's files."""
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


@pytest.fixture
def settings(folder: Path) -> Settings:
    """Settings that name the copy."""
    return settings_of(
        LEDGER_KEY_FILE=str(folder / "policy.yaml"),  # any file: nothing is signed here
        POLICY_FILE=str(folder / "policy.yaml"),
        ANALYZER_CONF_FILE=str(folder / "analyzer.yaml"),
        NLP_CONF_FILE=str(folder / "nlp.yaml"),
        RECOGNIZER_REGISTRY_CONF_FILE=str(folder / "recognizers.yaml"),
    )


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_reading_is_quick(settings: Settings) -> None:
    """A start waits for it."""
    read_all(settings)
    started = time.perf_counter()
    read_all(settings)
    took_ms = (time.perf_counter() - started) * 1_000
    print(f"\nreading and digesting the configuration: {took_ms:.0f} ms")
    assert took_ms < QUICK_MS


def test_the_snapshot_has_all_sections(settings: Settings) -> None:
    """And no comment of the files."""
    content = read_all(settings).snapshot.content
    assert set(content) == {"v", "policy", "analyzer", "nlp", "recognizers", "files", "packages", "models"}
    assert content["packages"]["presidio-analyzer"] == "2.2.366"
    assert b"GDPR" not in read_all(settings).snapshot.data


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("policy.yaml", "max_chars: 1000000", "max_chars: 999999"),
        ("analyzer.yaml", "default_score_threshold: 0", "default_score_threshold: 0.3"),
        ("nlp.yaml", "low_confidence_score_multiplier: 0.4", "low_confidence_score_multiplier: 0.5"),
        ("recognizers.yaml", "name: UuidRecognizer", "name: UuidRecognizer\n    enabled: false"),
    ],
)
def test_a_change_of_any_file_is_another_configuration(
    settings: Settings, folder: Path, name: str, old: str, new: str
) -> None:
    """Seen by its times, and by its meaning."""
    reading = read_all(settings)
    files = SettingsFiles(settings, reading)
    stamp = files.stamp()
    assert files.stamp() == stamp
    _edit(folder / name, old, new)
    assert files.stamp() != stamp
    assert files.read().digest != reading.snapshot.digest


def test_times_that_are_set_back_do_not_hide_an_edit(settings: Settings, folder: Path) -> None:
    """`touch` sets the time of modification; the time of change is the system's own."""
    files = SettingsFiles(settings, read_all(settings))
    stamp, place = files.stamp(), folder / "analyzer.yaml"
    before = place.stat()
    _edit(place, "default_score_threshold: 0", "default_score_threshold: 1")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (place.stat().st_mtime_ns, place.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert files.stamp() != stamp


def test_a_file_that_a_recognizer_refers_to_is_watched(settings: Settings, folder: Path) -> None:
    """Also one that is named only since the start."""
    extra = folder / "extra.yaml"
    extra.write_text("a: 1\n")
    files = SettingsFiles(settings, read_all(settings))
    with (folder / "recognizers.yaml").open("a") as file:
        file.write(f"  - name: LM\n    config_path: {extra}\n    type: predefined\n")
    files.read()
    stamp = files.stamp()
    extra.write_text("a: 22\n")
    assert files.stamp() != stamp


def test_files_that_vanish_are_an_edit(settings: Settings, folder: Path) -> None:
    """And what cannot be read is a wrong setting, not a crash."""
    files = SettingsFiles(settings, read_all(settings))
    stamp = files.stamp()
    (folder / "recognizers.yaml").unlink()
    assert files.stamp() != stamp
    with pytest.raises(SettingsError):
        files.read()
    (folder / "policy.yaml").unlink()
    with pytest.raises(SettingsError):
        files.read()


def _engine_after(action: Callable[[], None]) -> Callable[[], Engine]:
    def load() -> Engine:
        action()
        return Engine.__new__(Engine)

    return load


def test_files_that_stay_as_they_were_are_loaded(settings: Settings) -> None:
    """The ordinary start."""
    files = SettingsFiles(settings, read_all(settings))
    assert isinstance(files.load_unchanged(_engine_after(lambda: None)), Engine)


def test_files_that_are_swapped_while_they_are_loaded_are_refused(settings: Settings, folder: Path) -> None:
    """The ledger has said what is in force."""
    files, place = SettingsFiles(settings, read_all(settings)), folder / "recognizers.yaml"
    swap = _engine_after(lambda: _edit(place, "name: UuidRecognizer", "name: X\n  - name: UuidRecognizer"))
    with pytest.raises(SettingsError, match="changed while the service started"):
        files.load_unchanged(swap)


def test_files_that_are_swapped_and_swapped_back_are_loaded_again(settings: Settings, folder: Path) -> None:
    """What Presidio read in between is thrown away; who goes on with it stops the start."""
    files, place = SettingsFiles(settings, read_all(settings)), folder / "recognizers.yaml"
    original = place.read_bytes()
    loaded: list[bytes] = []

    def load(times: int) -> Callable[[], Engine]:
        def swap_and_back() -> None:
            loaded.append(place.read_bytes() if len(loaded) >= times else b"other")
            if len(loaded) <= times:
                place.write_bytes(b"recognizers: []\n")
                place.write_bytes(original)

        return _engine_after(swap_and_back)

    assert isinstance(files.load_unchanged(load(1)), Engine)
    assert loaded == [b"other", original]
    with pytest.raises(SettingsError, match="changed while the service started"):
        SettingsFiles(settings, read_all(settings)).load_unchanged(load(100))


def test_commit_facts_carry_no_address(settings: Settings) -> None:
    """A keyed digest of the author's address; without a commit, nothing."""
    assert commit_facts(settings) is None
    said = settings.model_copy(update={"service_commit": "abc1234", "service_commit_signed": "good"})
    part = commit_facts(said)
    assert part is not None
    assert (part.id, part.author, part.signed) == ("abc1234", None, "good")
    named = settings_of(
        LEDGER_KEY_FILE=str(settings.policy_file),
        SERVICE_COMMIT="abc1234",
        SERVICE_COMMIT_AUTHOR="Ann@Example.com",
    )
    part = commit_facts(named)
    assert part is not None
    assert part.author is not None
    assert part.author.values == (DigestKey(b"k" * 32).digest(author_text("ann@example.com")),)
    assert "Ann" not in repr(named) + part.model_dump_json()
    assert GOOD["DIGEST_KEY"] not in repr(named)
