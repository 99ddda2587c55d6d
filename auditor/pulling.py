"""A local copy of a container, made so that it can be interrupted and continued, and never lies."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import AuditorError
from shared.usecases.ports import Reader, StoredObject

CHUNK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did: objects and bytes in all, and those that were fetched this time."""

    objects: int
    size_bytes: int
    fetched: int
    fetched_bytes: int


def pull_both(
    source: Reader, archive: Reader | None, folder: Path, progress: Callable[[int, int], None]
) -> Pulled:
    """Copy a store and, beside it, what its archive alone has: expired logs, reports of reviews.

    Raises AuditorError, StoreError.
    """
    pulled = pull(source, folder, progress)
    if archive is None:
        return pulled
    more = pull(archive, folder, progress, {item.path for item in source.list("")})
    return Pulled(
        pulled.objects + more.objects,
        pulled.size_bytes + more.size_bytes,
        pulled.fetched + more.fetched,
        pulled.fetched_bytes + more.fetched_bytes,
    )


def pull(
    reader: Reader, folder: Path, progress: Callable[[int, int], None], but: Collection[str] = ()
) -> Pulled:
    """Copy every object; go on where an earlier pull stopped. Objects only grow, so lengths tell.

    What is here already is kept: a file that is *longer* than the object is refused, because no object of a
    ledger ever shrinks. `but`: paths that are left out. Raises AuditorError, StoreError.
    """
    objects = [item for item in reader.list("") if item.path not in but]
    total = sum(item.size for item in objects)
    done = fetched = fetched_bytes = 0
    for item in objects:
        target = _target(folder, item)
        have = target.stat().st_size if target.exists() else -1
        if have > item.size:
            raise AuditorError(
                f"{item.path}: {have} bytes are here and {item.size} there; no object of a ledger shrinks."
                " Keep this copy, it is evidence; pull into another folder and compare the two"
            )
        done += max(have, 0)
        if have < item.size or have < 0:
            for count in _fetch(reader, item, target, max(have, 0)):
                done += count
                fetched_bytes += count
                progress(done, total)
            fetched += 1
        progress(done, total)
    return Pulled(len(objects), total, fetched, fetched_bytes)


def _fetch(reader: Reader, item: StoredObject, target: Path, start: int) -> list[int]:
    target.parent.mkdir(parents=True, exist_ok=True)
    counts: list[int] = []
    with target.open("ab") as file:
        while start < item.size:
            chunk = reader.read(item.path, start, min(CHUNK_BYTES, item.size - start))
            if not chunk:
                raise AuditorError(f"{item.path} is shorter than it was listed")
            file.write(chunk)
            start += len(chunk)
            counts.append(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    return counts


def _target(folder: Path, item: StoredObject) -> Path:
    """Where an object goes: never outside the folder, whatever its name is. Raises AuditorError."""
    parts = item.path.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in parts):
        raise AuditorError("the container holds an object whose name is no path of a ledger; not pulled")
    target = folder.joinpath(*parts)
    if not target.resolve().is_relative_to(folder.resolve()):
        raise AuditorError("the folder holds a link that leads out of it")
    return target
