"""The blob store against Azurite: what the port promises, and how storage's answers are told."""

from __future__ import annotations

import threading

import pytest
from azure.storage.blob import BlobClient

from devstack.azurite import Azurite
from shared.cloud import blobs
from shared.cloud.blobs import BlobLedgerStore, open_store
from shared.errors import (
    AppendRefused,
    ObjectExists,
    ObjectMissing,
    PositionMismatch,
    SettingsError,
    StoreDenied,
    StoreError,
)
from shared.usecases.ports import StoredObject

PATH = "v1/w/01JD0000000000000000000000/00000000.seg"


def test_an_append_blob_grows_at_its_end(store: BlobLedgerStore) -> None:
    """Each block stands where it was appended."""
    store.create_appendable(PATH)
    assert (store.size(PATH), store.read(PATH)) == (0, b"")
    store.append(PATH, b"one", 0)
    store.append(PATH, b"three", 3)
    assert (store.size(PATH), store.read(PATH)) == (8, b"onethree")


@pytest.mark.parametrize("at", [0, 2, 4, 2**40])
def test_an_append_elsewhere_is_refused(store: BlobLedgerStore, at: int) -> None:
    """A block is stored at the expected length and nowhere else."""
    store.create_appendable(PATH)
    store.append(PATH, b"abc", 0)
    with pytest.raises(PositionMismatch):
        store.append(PATH, b"x", at)
    assert store.read(PATH) == b"abc"


def test_of_two_appends_at_one_place_one_is_stored(store: BlobLedgerStore) -> None:
    """Many clients at once, one place: one block."""
    store.create_appendable(PATH)
    results: list[str] = []

    def append(number: int) -> None:
        try:
            store.append(PATH, b"%03d" % number, 0)
            results.append("stored")
        except PositionMismatch:
            results.append("refused")

    threads = [threading.Thread(target=append, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["refused"] * 11 + ["stored"]
    assert store.size(PATH) == 3


def test_nothing_is_created_twice(store: BlobLedgerStore) -> None:
    """Neither kind of object replaces any other."""
    store.create("root/a", b"first")
    store.create_appendable(PATH)
    store.append(PATH, b"kept", 0)
    for path in ("root/a", PATH):
        with pytest.raises(ObjectExists):
            store.create(path, b"second")
        with pytest.raises(ObjectExists):
            store.create_appendable(path)
    assert store.read("root/a") == b"first"
    assert store.read(PATH) == b"kept"


def test_an_object_that_is_no_append_blob_takes_no_block(store: BlobLedgerStore) -> None:
    """For good: the writer leaves such a segment."""
    store.create(PATH, b"foreign")
    with pytest.raises(AppendRefused):
        store.append(PATH, b"x", 7)


def test_a_sealed_append_blob_takes_no_block(
    store: BlobLedgerStore, azurite: Azurite, container: str
) -> None:
    """For good too."""
    store.create_appendable(PATH)
    BlobClient.from_connection_string(azurite.connection_string, container, PATH).seal_append_blob()
    with pytest.raises(AppendRefused):
        store.append(PATH, b"x", 0)


def test_what_is_missing_is_named_so(store: BlobLedgerStore) -> None:
    """Every operation on an object that is not there."""
    with pytest.raises(ObjectMissing):
        store.append(PATH, b"x", 0)
    with pytest.raises(ObjectMissing):
        store.read(PATH)
    with pytest.raises(ObjectMissing):
        store.size(PATH)


def test_a_missing_container_is_named_so(azurite: Azurite) -> None:
    """A container that nobody created is not taken for an empty one."""
    store = open_store("nowhere", connection_string=azurite.connection_string)
    with pytest.raises(ObjectMissing, match="no such container"):
        list(store.list(""))
    with pytest.raises(ObjectMissing, match="no such container"):
        store.create_appendable(PATH)
    with pytest.raises(ObjectMissing, match="no such container"):
        store.create("a", b"")


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, None),
        (0, 5),
        (3, None),
        (3, 4),
        (9, 1),
        (9, 5),
        (10, None),
        (10, 5),
        (25, 3),
        (0, 0),
        (4, 0),
        (0, 999),
    ],
)
@pytest.mark.parametrize("window", [3, 5, 10, 8 * 1024 * 1024])
def test_reading_gives_the_range(
    store: BlobLedgerStore, monkeypatch: pytest.MonkeyPatch, start: int, length: int | None, window: int
) -> None:
    """From `start`, at most `length`, short at the end; however many requests it takes."""
    monkeypatch.setattr(blobs, "READ_BYTES", window)
    store.create("a", b"0123456789")
    assert store.read("a", start, length) == b"0123456789"[start:][:length]


def test_listing_is_sorted_and_by_prefix(store: BlobLedgerStore) -> None:
    """As text: capitals before small letters, a path before those that go on."""
    paths = ["v1/w/B/00000000.seg", "v1/w/A/00000010.seg", "v1/w/A/00000002.seg", "v1/w/a", "v1/w", "v1/x"]
    for path in paths:
        store.create(path, path.encode())
    assert [item.path for item in store.list("")] == sorted(paths)
    assert list(store.list("v1/w/A/")) == [
        StoredObject("v1/w/A/00000002.seg", 19),
        StoredObject("v1/w/A/00000010.seg", 19),
    ]
    assert list(store.list("nothing")) == []


def test_a_listing_of_many_pages_is_whole(store: BlobLedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost between pages."""
    monkeypatch.setattr(blobs, "LIST_RESULTS", 7)
    for number in range(40):
        store.create(f"n/{number:03d}", b"")
    assert [item.path for item in store.list("n/")] == [f"n/{number:03d}" for number in range(40)]


def test_a_block_of_4_mib_is_stored(store: BlobLedgerStore) -> None:
    """The largest commit."""
    data = bytes(range(256)) * 16_384
    store.create_appendable(PATH)
    store.append(PATH, data[:-1], 0)
    assert store.read(PATH) == data[:-1]


def test_properties_are_set_at_creation(store: BlobLedgerStore, azurite: Azurite, container: str) -> None:
    """In an immutable container they could not be set later."""
    store.create_appendable(PATH)
    store.create("root/a", b"")
    for path, content_type in ((PATH, "text/plain; charset=utf-8"), ("root/a", "application/octet-stream")):
        client = BlobClient.from_connection_string(azurite.connection_string, container, path)
        settings = client.get_blob_properties().content_settings
        assert (settings.content_type, settings.cache_control) == (content_type, "no-store")


def test_a_wrong_key_is_denied(azurite: Azurite, container: str) -> None:
    """Storage refuses the signature, whoever made it: the SDK or the lean requests."""
    wrong = azurite.connection_string.replace("AccountKey=Eby8", "AccountKey=AAAA")
    store = open_store(container, connection_string=wrong)
    for act in (
        lambda: store.append(PATH, b"x", 0),
        lambda: store.create_appendable(PATH),
        lambda: store.read(PATH),
        lambda: store.size(PATH),
        lambda: list(store.list("")),
    ):
        with pytest.raises(StoreDenied, match="storage answered 403"):
            act()


@pytest.mark.parametrize(
    "text",
    ["", "x", "AccountName=a", "AccountName=a;AccountKey=!;BlobEndpoint=http://127.0.0.1:1/a", "a=b;c"],
)
def test_a_bad_connection_string_names_its_setting(text: str) -> None:
    """And does not quote it: it holds a key."""
    with pytest.raises(SettingsError, match=r"^AUDIT_STORAGE_CONNECTION_STRING: expected") as caught:
        open_store("audit", connection_string=text)
    assert "AccountKey=!" not in str(caught.value)


def test_a_managed_identity_goes_to_https_alone() -> None:
    """A token is never sent in the clear."""
    with pytest.raises(SettingsError, match="AUDIT_STORAGE_ACCOUNT_URL"):
        open_store("audit", account_url="http://account.blob.core.windows.net")
    with pytest.raises(SettingsError, match="AUDIT_STORAGE_ACCOUNT_URL"):
        open_store("audit")
    store = open_store("audit", account_url="https://account.blob.core.windows.net", identity_client_id="id")
    store.close()


def test_every_error_is_of_the_stores_tree(azurite: Azurite) -> None:
    """Nothing of the SDK comes through, whatever the path."""
    store = open_store("nowhere", connection_string=azurite.connection_string)
    for path in ("a" * 2_000, "x/../y", "ä", "%2e%2e", "a?b#c", "a b"):
        for act in (store.read, store.size, store.create_appendable):
            with pytest.raises(StoreError):
                act(path)
