"""Which engine this is: versions, model and configuration as one digest, without loading any of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from shared.errors import SettingsError
from shared.pii.configuration import (
    ANALYZER_SETTING,
    NLP_SETTING,
    RECOGNIZERS_SETTING,
    Configuration,
    SpacyModel,
    model_folder,
    read_configuration,
)
from shared.pii.files import EngineFiles
from shared.pii.folders import digest_folder
from shared.pii.meaning import EngineMeaning, engine_meaning
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


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the engine is made of: its part of every record, and what that stands for.

    `packages` are versions by name; `models` have language, name, version and digest. `places` are all files
    and folders that were read.
    """

    part: EnginePart
    meaning: EngineMeaning
    packages: dict[str, str]
    models: tuple[dict[str, str], ...]
    places: tuple[Path, ...]


def engine_part(files: EngineFiles) -> EnginePart:
    """The engine's part of every record: see `engine_facts`."""
    return engine_facts(files).part


def engine_facts(files: EngineFiles) -> EngineFacts:
    """What the engine is made of, in less than 200 ms.

    `model_digest` is over the names and bytes of the model's files. `digest` is over the meaning of the
    configuration files and of those that they refer to (comments, layout and the order of keys and sets do
    not count), the versions of `FINDING_PACKAGES`, and every model. Raises SettingsError where a file or a
    model is missing.
    """
    configuration = read_configuration(files)
    try:
        meaning = engine_meaning(configuration)
    except OSError as error:
        name = type(error).__name__
        raise SettingsError(
            RECOGNIZERS_SETTING, f"a file that it refers to cannot be read ({name})"
        ) from None
    except ValueError as error:
        settings = f"{ANALYZER_SETTING}, {NLP_SETTING} or {RECOGNIZERS_SETTING}"
        raise SettingsError(settings, str(error)) from None
    packages = {name: _version(name) for name in FINDING_PACKAGES}
    models = tuple(_describe_model(model) for model in configuration.models)
    return EngineFacts(
        part=_part(meaning, packages, models),
        meaning=meaning,
        packages=packages,
        models=models,
        places=(*_own_places(files, configuration), *meaning.places),
    )


def _part(meaning: EngineMeaning, packages: dict[str, str], models: tuple[dict[str, str], ...]) -> EnginePart:
    first = models[0] if models else {"name": "none", "version": "none", "digest": sha256_hex(b"")}
    configuration = {
        "analyzer": meaning.analyzer,
        "nlp": meaning.nlp,
        "recognizers": meaning.recognizers,
        "files": meaning.files,
    }
    covered = {"configuration": configuration, "versions": packages, "models": list(models)}
    return EnginePart(
        digest=sha256_hex(canonical_bytes(covered)),
        analyzer=packages["presidio-analyzer"],
        anonymizer=packages["presidio-anonymizer"],
        model=first["name"],
        model_version=first["version"],
        model_digest=first["digest"],
    )


def _own_places(files: EngineFiles, configuration: Configuration) -> tuple[Path, ...]:
    named = [file for file in (files.analyzer, files.nlp, files.recognizers) if file is not None]
    return (*named, *(model_folder(model.name) for model in configuration.models))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


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
