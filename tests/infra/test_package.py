"""What azd would deploy: built, looked into, and started with nothing but requirements.txt installed."""

from __future__ import annotations

import json
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import ROOT
from tests.support.functions import trigger_types
from tests.support.packaging import build_package, clean_python, copy_worker, find_uv, packed_files

TOP = {"function_app.py", "host.json", "requirements.txt", "functions", "shared", "config"}
SUFFIXES = {".py", ".yaml", ".json", ".txt", ".typed"}
SECRETS = (
    b"PRIVATE KEY-----",
    b"AccountKey=",
    b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
    b"SharedAccessSignature=",
)
MAX_PACKAGE_BYTES = 2 * 1024 * 1024
MAX_IMPORT_S = 15.0
"""Flex Consumption gives an app 30 s to start; half of that, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Package:
    """A built package and where it was unpacked."""

    names: list[str]
    size_bytes: int
    folder: Path


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package of this checkout."""
    folder = tmp_path_factory.mktemp("package")
    names = build_package(ROOT, folder / "package.zip")
    with zipfile.ZipFile(folder / "package.zip") as archive:
        archive.extractall(folder / "app")
    return Package(names, (folder / "package.zip").stat().st_size, folder / "app")


def test_it_holds_the_service_and_nothing_else(package: Package) -> None:
    """No test, tool, document, template or lock file."""
    assert {name.split("/")[0] for name in package.names} == TOP
    assert {Path(name).suffix for name in package.names} <= SUFFIXES
    assert [
        name for name in package.names if "test" in name.lower() or name.split("/")[-1].startswith(".")
    ] == []


def test_it_holds_no_secret(package: Package) -> None:
    """No key, connection string or signature, the emulator's well-known one included."""
    found = [n for n in package.names for s in SECRETS if s in (package.folder / n).read_bytes()]
    assert found == []


def test_it_is_small(package: Package, capsys: pytest.CaptureFixture[str]) -> None:
    """Dependencies are installed by the remote build; the package is the project's own files."""
    with capsys.disabled():
        print(
            f"\n  deployment package: {len(package.names)} files, {package.size_bytes / 1024:.0f} KiB zipped"
        )
    assert package.size_bytes < MAX_PACKAGE_BYTES


@pytest.mark.parametrize(
    "planted",
    [
        "local.settings.json",
        ".env",
        ".azure/prod/.env",
        "service.pem",
        "notes.txt",
        "new_tool/main.py",
        "tests/test_a.py",
        "infra/main.bicep",
        "auditor/cli.py",
        "shared/README.md",
        "shared/__pycache__/a.cpython-313.pyc",
        "node_modules/a/index.js",
    ],
)
def test_what_is_planted_stays_out(planted: str, tmp_path: Path) -> None:
    """`.funcignore` is an allow list: a file that nobody thought of is not deployed."""
    for name in ("function_app.py", "shared/a.py", planted):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".funcignore").write_text((ROOT / ".funcignore").read_text("utf-8"))
    assert list(packed_files(tmp_path)) == ["function_app.py", "shared/a.py"]


def test_it_starts_with_only_its_requirements(
    package: Package, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Indexed by Microsoft's worker library in a clean environment; then every module of it is imported."""
    uv = find_uv()
    if uv is None:
        pytest.skip("NOT STARTED: there is no uv to make a clean environment with (make setup installs one)")
    (tmp_path / "worker").mkdir()
    copy_worker(tmp_path / "worker")
    probe = str(Path(__file__).with_name("package_probe.py"))
    command = [str(clean_python(uv)), "-I", probe, str(package.folder), str(tmp_path / "worker")]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    reason = "a module that is deployed needs a package that requirements.in does not name"
    assert done.returncode == 0, f"{reason if 'ModuleNotFound' in done.stderr else ''}\n{done.stderr[-1500:]}"
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n  import of function_app in a clean environment: {said['import_s']:.2f} s")
    assert said["status"] == 1
    assert set(said["functions"]) >= {
        "analyze",
        "anonymize",
        "deanonymize",
        "redact",
        "whoami",
        "health",
        "ready",
    }
    assert said["functions"] == sorted(trigger_types())
    assert said["import_s"] < MAX_IMPORT_S
    assert said["heavy_at_import"] == [], "Presidio and spaCy are loaded after the start, not by it"
    assert all(place.startswith(str(package.folder)) for place in said["places"])
