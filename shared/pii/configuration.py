"""Presidio's configuration files, read and checked without Presidio."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from shared.errors import SettingsError
from shared.pii.files import EngineFiles

ANALYZER_SETTING = "ANALYZER_CONF_FILE"
NLP_SETTING = "NLP_CONF_FILE"
RECOGNIZERS_SETTING = "RECOGNIZER_REGISTRY_CONF_FILE"

_SPACY_ENGINES = frozenset({"spacy", "slim", "transformers"})
SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class SpacyModel:
    """A spaCy model by the name in the configuration: an installed package or a folder."""

    language: str
    name: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the files mean. `nlp` and `recognizers` are the sections in force, wherever they stand."""

    analyzer: dict[str, Any]
    nlp: dict[str, Any]
    recognizers: dict[str, Any] | None
    models: tuple[SpacyModel, ...]


def read_configuration(files: EngineFiles) -> Configuration:
    """Read the three files. Raises SettingsError that names the setting; never quotes a file's values."""
    analyzer = _read_yaml(files.analyzer, ANALYZER_SETTING)
    if "nlp_configuration" in analyzer:
        nlp, setting = analyzer["nlp_configuration"], ANALYZER_SETTING
    else:
        nlp, setting = _read_yaml(files.nlp, NLP_SETTING), NLP_SETTING
    recognizers = analyzer.get("recognizer_registry")
    if recognizers is None and files.recognizers is not None:
        recognizers = _read_yaml(files.recognizers, RECOGNIZERS_SETTING)
        if "recognizers" not in recognizers:
            raise SettingsError(RECOGNIZERS_SETTING, "expected a list under the key recognizers, got none")
    return Configuration(analyzer, nlp, recognizers, _read_models(nlp, setting))


def check_models(models: tuple[SpacyModel, ...]) -> None:
    """Refuse models that are not installed: Presidio would download them. Raises SettingsError."""
    for model in models:
        if not _is_installed(model.name):
            raise SettingsError(
                NLP_SETTING,
                f"the spaCy model {model.name} (language {model.language}) is not installed, and nothing is "
                f"downloaded at start-up; install its package, or name another model",
            )


def model_folder(name: str) -> Path:
    """Where an installed model lies. Raises SettingsError where it is not installed."""
    spec = find_spec(name) if name.isidentifier() else None
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    if Path(name).is_dir():
        return Path(name)
    raise SettingsError(NLP_SETTING, f"the spaCy model {name} is not installed")


def _is_installed(name: str) -> bool:
    """As spaCy decides: a distribution of that name, or the path of a model's folder."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return Path(name, "meta.json").is_file()
    return find_spec(name) is not None


def _read_yaml(path: Path, setting: str) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(setting, f"{path.name} cannot be read ({type(error).__name__})") from None
    try:
        content = yaml.load(text, Loader=SAFE_LOADER)  # noqa: S506 - a safe loader, the fast one where it exists
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" near line {mark.line + 1}" if mark is not None else ""
        raise SettingsError(setting, f"{path.name} is not YAML{place}") from None
    if not isinstance(content, dict):
        raise SettingsError(setting, f"{path.name}: expected keys and values, got {type(content).__name__}")
    return content


def _read_models(nlp: Any, setting: str) -> tuple[SpacyModel, ...]:
    """The spaCy models that a configuration names; none for engines that use none."""
    if not isinstance(nlp, dict) or not isinstance(nlp.get("models"), list) or not nlp["models"]:
        raise SettingsError(setting, "expected nlp_engine_name and a list of models")
    if nlp.get("nlp_engine_name") not in _SPACY_ENGINES:
        return ()
    return tuple(_read_model(entry, setting) for entry in nlp["models"])


def _read_model(entry: Any, setting: str) -> SpacyModel:
    """`{lang_code, model_name}`; transformers engines name a spaCy model inside `model_name`."""
    name = entry.get("model_name") if isinstance(entry, dict) else None
    if isinstance(name, dict):
        name = name.get("spacy")
    if not isinstance(name, str) or not isinstance(entry.get("lang_code"), str):
        raise SettingsError(setting, "each of models needs lang_code and model_name")
    return SpacyModel(entry["lang_code"], name)
