"""Which entity types the configured recognizers find, without loading a language model."""

from __future__ import annotations

from typing import Any

from shared.errors import PresidioAccessError, SettingsError
from shared.pii.configuration import RECOGNIZERS_SETTING, read_configuration
from shared.pii.files import EngineFiles
from shared.pii.logs import capture_logs


def list_found_entities(files: EngineFiles) -> frozenset[str]:
    """The entity types of all recognizers of the configuration. Takes a second or two: Presidio is imported.

    Raises SettingsError where a file cannot be read or Presidio refuses it.
    """
    configuration = read_configuration(files)
    registry = _make_registry(configuration.recognizers)
    return frozenset(name for recognizer in registry.recognizers for name in recognizer.supported_entities)


def _make_registry(section: dict[str, Any] | None) -> Any:
    capture_logs()
    refusal: SettingsError
    try:
        from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

        return RecognizerRegistryProvider(registry_configuration=section).create_recognizer_registry()
    except PresidioAccessError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a configuration makes Presidio raise; it may quote values
        refusal = SettingsError(RECOGNIZERS_SETTING, f"Presidio refuses it ({type(error).__name__})")
    raise refusal
