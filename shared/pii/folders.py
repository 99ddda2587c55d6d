"""A folder of a model as one digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from shared.records.canonical import sha256_hex


def digest_folder(folder: Path) -> str:
    """SHA-256 over the sorted paths, sizes and SHA-256s of a folder's files; compiled Python aside."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            lines.append(f"{path.relative_to(folder).as_posix()} {path.stat().st_size} {content}\n")
    return sha256_hex("".join(lines).encode())
