"""Notes in the host's storage, against Azurite."""

from __future__ import annotations

import pytest

from devstack.azurite import Azurite, connection_string
from shared.cloud.host_storage import ShelfNotebook, open_host_storage
from shared.errors import SettingsError, StoreUnavailable


def test_a_note_is_there_after_it_was_kept(azurite: Azurite) -> None:
    """The container is made at the first note; a later note replaces an earlier one."""
    shelf = open_host_storage(connection_string(azurite.port), None, None)
    assert shelf.get("a/b.json") is None
    shelf.put("a/b.json", "one")
    shelf.put("a/b.json", "twö")
    assert shelf.get("a/b.json") == "twö"


def test_the_notebook_keeps_bytes(azurite: Azurite) -> None:
    """What the last verification saved is what the next one loads."""
    notebook = ShelfNotebook(open_host_storage(connection_string(azurite.port), None, None))
    notebook.save("audit.example.com\n— ü\n".encode())
    assert notebook.load() == "audit.example.com\n— ü\n".encode()


def test_storage_that_is_away_is_told() -> None:
    """No answer is StoreUnavailable, never an empty note."""
    shelf = open_host_storage(connection_string(9), None, None)
    with pytest.raises(StoreUnavailable):
        shelf.get("a")


def test_no_storage_is_named() -> None:
    """The setting is the Functions host's own."""
    with pytest.raises(SettingsError, match="AzureWebJobsStorage"):
        open_host_storage(None, None, None)
