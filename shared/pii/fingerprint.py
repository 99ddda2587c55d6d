"""Which engine this is: versions, model and configuration as one digest, without loading any of it."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from shared.errors import SettingsError
from shared.pii.configuration import NLP_SETTING, Configuration, SpacyModel, model_folder, read_configuration
from shared.pii.files import EngineFiles
from shared.records.canonical import canonical_bytes, sha256_hex
from shared.records.model import EnginePart

FINDING_PACKAGES = (
    "phonenumbers",
    "presidio-analyzer",
    "presidio-anonymizer",
    "regex",
    "spacy",
    "tldextract",
)
"""The packages whose versions decide what is found."""


def engine_part(files: EngineFiles) -> EnginePart:
    """The engine's part of every record, in less than 200 ms.

    `model_digest` is over the names and bytes of the model's files. `digest` is over the meaning of the
    configuration files (comments and layout do not count), the versions of `FINDING_PACKAGES`, and every
    model. Raises SettingsError where a file or a model is missing.
    """
    configuration = read_configuration(files)
    versions = {name: _version(name) for name in FINDING_PACKAGES}
    models = [_describe_model(model) for model in configuration.models]
    first = models[0] if models else {"name": "none", "version": "none", "digest": sha256_hex(b"")}
    covered = {"configuration": _meaning(configuration), "versions": versions, "models": models}
    return EnginePart(
        digest=sha256_hex(canonical_bytes(covered)),
        analyzer=versions["presidio-analyzer"],
        anonymizer=versions["presidio-anonymizer"],
        model=first["name"],
        model_version=first["version"],
        model_digest=first["digest"],
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _meaning(configuration: Configuration) -> dict[str, Any]:
    """The files' content as plain JSON; YAML's dates and other non-JSON values as their text."""
    meaning: dict[str, Any] = json.loads(
        json.dumps(
            {
                "analyzer": configuration.analyzer,
                "nlp": configuration.nlp,
                "recognizers": configuration.recognizers,
            },
            default=str,
        )
    )
    return meaning


def _describe_model(model: SpacyModel) -> dict[str, str]:
    folder = model_folder(model.name)
    return {
        "language": model.language,
        "name": model.name,
        "version": _model_version(model.name, folder),
        "digest": digest_folder(folder),
    }


def _model_version(name: str, folder: Path) -> str:
    """The installed package's version; for a folder, what its meta.json says."""
    try:
        return version(name)
    except PackageNotFoundError:
        pass
    try:
        return str(json.loads((folder / "meta.json").read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError(NLP_SETTING, f"the model {name} has no meta.json with a version") from None


def digest_folder(folder: Path) -> str:
    """SHA-256 over the sorted paths, sizes and SHA-256s of a folder's files; compiled Python aside."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            lines.append(f"{path.relative_to(folder).as_posix()} {path.stat().st_size} {content}\n")
    return sha256_hex("".join(lines).encode())
