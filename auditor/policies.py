"""Policy files as the commands take them: found, read, checked, and looked up beside Presidio's files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import AuditorError
from shared.errors import SettingsError
from shared.identity.policy import Policy, Reading, read_policy
from shared.identity.remark_rules import NEED_RECOGNIZERS, advise
from shared.identity.remarks import Known, Remark, settle_remarks
from shared.identity.shapes import Path as Place
from shared.pii.entities import list_found_entities
from shared.pii.files import EngineFiles
from shared.settings import ROOT

MAX_FILE_BYTES = 1_000_000
MISTAKE = "mistake"
"""The code of what the service would refuse to start with."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy file: its name as messages have it, its text, and what was read."""

    name: str
    text: str
    reading: Reading

    def line_of(self, place: Place) -> int:
        """The line of a value of the policy."""
        return self.reading.document.line_of(place)


def default_file() -> Path:
    """POLICY_FILE, or the project's own."""
    return Path(os.environ.get("POLICY_FILE") or ROOT / "config" / "policy.yaml")


def open_policy(path: Path) -> PolicyFile:
    """Read a file, right or wrong. Raises AuditorError where that cannot be done."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise AuditorError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes: no policy is")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AuditorError(f"cannot read {path} ({type(error).__name__})") from None
    return PolicyFile(_name(path), text, read_policy(text))


def require_policy(file: PolicyFile) -> Policy:
    """The policy of a file without mistakes. Raises AuditorError that names the first one."""
    mistakes = file.reading.mistakes
    if file.reading.policy is None or mistakes:
        raise AuditorError(f"{file.name}:{mistakes[0].line}: {mistakes[0]}; see auditor policy check")
    return file.reading.policy


def check_file(file: PolicyFile, known: Known | None) -> list[Remark]:
    """Mistakes, or for a policy without one everything that is questionable."""
    policy, mistakes = file.reading.policy, file.reading.mistakes
    if policy is None or mistakes:
        return [Remark(m.line, "error", MISTAKE, m.place, m.message) for m in mistakes]
    unchecked = NEED_RECOGNIZERS if known is None else ()
    return settle_remarks(advise(policy, known), file.reading.document, file.text, unchecked)


def look_up_entities(file: Path) -> Known:
    """What the recognizers find that are configured beside a policy, or else in the project.

    Raises SettingsError where Presidio's files cannot be read.
    """
    analyzer, nlp, recognizers = (
        _presidio_file(file, setting, name)
        for setting, name in (
            ("ANALYZER_CONF_FILE", "analyzer.yaml"),
            ("NLP_CONF_FILE", "nlp.yaml"),
            ("RECOGNIZER_REGISTRY_CONF_FILE", "recognizers.yaml"),
        )
    )
    return Known(list_found_entities(EngineFiles(analyzer, nlp, recognizers)))


def try_entities(file: Path) -> tuple[Known | None, str | None]:
    """The same, or the reason why it is not known."""
    try:
        return look_up_entities(file), None
    except SettingsError as error:
        return None, error.message


def _presidio_file(policy: Path, setting: str, name: str) -> Path:
    named = os.environ.get(setting)
    if named:
        return Path(named)
    beside = policy.parent / name
    return beside if beside.is_file() else ROOT / "config" / name


def _name(path: Path) -> str:
    """Below the working folder as version control has it, so that annotations find the file."""
    whole = path.resolve()
    return str(whole.relative_to(Path.cwd())) if whole.is_relative_to(Path.cwd()) else str(path)
