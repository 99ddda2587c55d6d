"""The deployment package as azd makes it, and a clean environment to start it in."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from tests.support.bicep import ROOT

ENVIRONMENTS = ROOT / ".devstack" / "package-env"
"""Clean environments by digest of requirements.txt: made once, git-ignored."""

WORKER_PACKAGES = ("azure_functions_runtime", "azurefunctions")
"""What Azure's worker brings itself; it stands in no requirements.txt."""


def packed_files(root: Path) -> Iterator[str]:
    """Paths that go into the package:

    the working folder without what `.funcignore` names (as .gitignore reads).
    """
    rules = GitIgnoreSpec.from_lines((root / ".funcignore").read_text("utf-8").splitlines())
    yield from _walk(root, root, rules)


def _walk(folder: Path, root: Path, rules: GitIgnoreSpec) -> Iterator[str]:
    for entry in sorted(folder.iterdir()):
        path = entry.relative_to(root).as_posix()
        if entry.is_dir():
            # what is below an ignored folder is not looked at, as in Git
            if not rules.match_file(path + "/"):
                yield from _walk(entry, root, rules)
        elif not rules.match_file(path):
            yield path


def build_package(root: Path, target: Path) -> list[str]:
    """Write the zip; the names in it."""
    names = list(packed_files(root))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            package.write(root / name, name)
    return names


def find_uv() -> str | None:
    """uv on PATH, beside this Python, or where set-up put it."""
    beside = Path(sys.executable).with_name("uv")
    tools = ROOT / ".devstack" / "tools" / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(beside), str(tools)):
        if candidate and Path(candidate).is_file():
            return candidate
    return None


def clean_python(uv: str) -> Path:
    """A Python with requirements.txt installed by hash, and nothing else.

    Made once for each requirements.txt.
    """
    requirements = ROOT / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = ENVIRONMENTS / digest
    python = folder / "bin" / "python"
    if not (folder / "complete").is_file():
        shutil.rmtree(ENVIRONMENTS, ignore_errors=True)
        ENVIRONMENTS.mkdir(parents=True)
        for command in (
            [uv, "venv", "--quiet", "--no-project", "--python", "3.13", str(folder)],
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "--python",
                str(python),
                "-r",
                str(requirements),
            ],
        ):
            subprocess.run(command, check=True, timeout=900)
        (folder / "complete").touch()
    return python


def copy_worker(target: Path) -> None:
    """The worker library alone, out of the environment that runs the tests."""
    for name in WORKER_PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.submodule_search_locations, f"{name} is not installed"
        for place in spec.submodule_search_locations:
            shutil.copytree(place, target / name, dirs_exist_ok=True)
    shutil.copy(ROOT / "devstack" / "host" / "protos.py", target / "worker_protos.py")
