"""Evidence in a folder or in a zip file, read as a container is."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from shared.errors import ObjectMissing, StoreUnavailable
from shared.usecases.ports import StoredObject

SKIP_BYTES = 1 << 20


class FolderSource:
    """A local copy. Symbolic links are listed and not followed: reading one is refused, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects whose path starts with the prefix, sorted by path."""
        return iter(sorted(self._walk(prefix), key=lambda item: item.path))

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a regular file below the folder."""
        with self._open(path) as file:
            file.seek(start)
            return file.read(-1 if length is None else length)

    def size(self, path: str) -> int:
        """Length in bytes."""
        with self._open(path) as file:
            return os.fstat(file.fileno()).st_size

    def _walk(self, prefix: str) -> Iterator[StoredObject]:
        try:
            for folder, names, files in os.walk(self._folder, onerror=_refuse):
                links = [name for name in names if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
                for name in (*files, *links):
                    full = Path(folder, name)
                    path = full.relative_to(self._folder).as_posix()
                    if path.startswith(prefix):
                        yield StoredObject(path, full.lstat().st_size)
        except OSError as error:
            raise StoreUnavailable(f"the folder cannot be read: {error.strerror}") from error

    def _open(self, path: str) -> IO[bytes]:
        parts = path.split("/")
        if not path or any(part in ("", ".", "..") for part in parts):
            raise ObjectMissing("not the path of an object")
        full = self._folder.joinpath(*parts)
        place = self._folder
        for part in parts:
            place = place / part
            if place.is_symlink():
                raise StoreUnavailable("a symbolic link: links are not followed")
        try:
            if not full.is_file():
                raise ObjectMissing("no such file" if not full.exists() else "not a regular file")
            return full.open("rb")
        except OSError as error:
            raise StoreUnavailable(f"the file cannot be read: {error.strerror}") from error


def _refuse(error: OSError) -> None:
    raise error


class ZipSource:
    """An export in one zip file. Reads forward through each member; never more than was asked for."""

    def __init__(self, path: Path) -> None:
        """Raises StoreUnavailable where it is no zip file."""
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise StoreUnavailable("not a zip file that can be read") from error
        self._members = {item.filename: item for item in self._zip.infolist() if not item.is_dir()}
        if len(self._members) != len([item for item in self._zip.infolist() if not item.is_dir()]):
            raise StoreUnavailable("a zip file that holds two members of one name")
        self._reading: tuple[str, IO[bytes]] | None = None
        self._place = 0

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Members whose name starts with the prefix, sorted."""
        names = sorted(name for name in self._members if name.startswith(prefix))
        return iter([StoredObject(name, self._members[name].file_size) for name in names])

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a member; going back begins to unpack it again."""
        size = self.size(path)
        wanted = max(0, size - start) if length is None else min(length, max(0, size - start))
        try:
            file = self._seek(path, start)
            data = file.read(wanted)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            self._reading = None
            raise StoreUnavailable("a member of the zip file cannot be unpacked") from error
        self._place += len(data)
        return data

    def size(self, path: str) -> int:
        """The unpacked length that the zip file's directory states."""
        if path not in self._members:
            raise ObjectMissing("no such member")
        return self._members[path].file_size

    def _seek(self, path: str, start: int) -> IO[bytes]:
        if self._reading is None or self._reading[0] != path or self._place > start:
            if self._reading is not None:
                self._reading[1].close()
            self._reading = (path, self._zip.open(self._members[path]))
            self._place = 0
        file = self._reading[1]
        while self._place < start:
            skipped = file.read(min(SKIP_BYTES, start - self._place))
            if not skipped:
                break
            self._place += len(skipped)
        return file
