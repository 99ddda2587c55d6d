"""Which engine this is: versions, model and configuration as one digest, without loading any of it."""

from __future__ import annotations

from shared.pii.files import EngineFiles
from shared.records.model import EnginePart


def engine_part(files: EngineFiles) -> EnginePart:
    """The engine's part of every record. Raises SettingsError where files or the model are missing."""
    raise NotImplementedError
