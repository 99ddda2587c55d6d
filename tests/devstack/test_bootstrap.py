"""The set-up on a fresh machine: what it does, and what it says where it cannot."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from devstack.layout import ROOT

SCRIPT = ROOT / "devstack" / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with an empty checkout of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "TOOLS", tmp_path / ".devstack" / "tools")
    monkeypatch.setattr(module, "LOG", tmp_path / ".devstack" / "logs" / "setup.log")
    for name in (*module.REQUIREMENTS, "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    return module


def run_script(
    *words: str, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The script as `make` runs it."""
    return subprocess.run(
        [python, "-I", str(SCRIPT), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_nothing_is_done_where_everything_is_in_place() -> None:
    """The second run says nothing and is quick."""
    result = run_script("setup")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12"])
def test_any_python_from_38_can_run_it(version: str) -> None:
    """It needs nothing but the standard library; only Pythons that are on this machine are tried."""
    found = find_python(version)
    if found is None:
        pytest.skip(f"there is no Python {version} on this machine")
    assert run_script("setup", python=found).returncode == 0
    assert "unknown task" in run_script("nonsense", python=found).stderr


def test_both_requirement_files_pin_every_package_by_hash() -> None:
    """And name no index, no link and no file."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^\]]+\])?==\S+", text, re.MULTILINE)
        assert len(pins) > 30
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert re.match(
                r"[A-Za-z0-9._-]+(?:\[[^\]]+\])?==[^\n]+ \\\n\s+--hash=sha256:[0-9a-f]{64}", block
            ), block
        assert not re.search(r"https?://|--index|--find-links|file:", text)


def test_deployed_versions_are_those_that_are_tested() -> None:
    """Every package of requirements.txt stands in requirements-dev.txt with the same version, if at all."""

    def versions(name: str) -> dict[str, str]:
        pairs = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
        return dict(pairs)

    deployed, tools = versions("requirements.txt"), versions("requirements-dev.txt")
    assert {name: tools[name] for name in deployed.keys() & tools.keys()} == {
        name: deployed[name] for name in deployed.keys() & tools.keys()
    }
    assert deployed["presidio-analyzer"] == "2.2.366"


def test_the_npm_lock_pins_by_integrity_and_names_no_registry() -> None:
    """So that any mirror serves it."""
    text = (ROOT / "package-lock.json").read_text()
    assert text.count('"integrity": "sha512-') > 100
    assert '"resolved"' not in text


def test_a_missing_node_is_named(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the version to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(bootstrap.SetupError, match=r"node is not on PATH.*install Node.js 20 or newer"):
        bootstrap.install_node_packages()


def test_an_old_node_is_named(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the version that is there."""
    for name in ("node", "npm"):
        write_command(tmp_path / name, "echo v16.20.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(bootstrap.SetupError, match=r"Node.js 20 or newer is needed, got v16\.20\.0"):
        bootstrap.install_node_packages()


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("error: Failed to fetch: `x`\n  dns error: failed to lookup", "check the network or proxy"),
        ("npm error code ENOTFOUND", "check the network or proxy"),
        ("error: Hash mismatch for `rich`", "does not have the pinned hash and was refused"),
        ("npm error code EINTEGRITY", "does not have the pinned hash and was refused"),
        ("write: No space left on device", "the disk is full"),
        ("first\n\nsomething else\n", "something else"),
    ],
)
def test_a_failing_step_is_explained_in_one_sentence(
    bootstrap: ModuleType, tmp_path: Path, printed: str, expected: str
) -> None:
    """What a tool printed is in the log; the person gets the reason and the way out."""
    (tmp_path / "printed").write_text(printed)
    tool = write_command(tmp_path / "tool", f"cat {tmp_path / 'printed'}; exit 3")
    with pytest.raises(bootstrap.SetupError) as raised:
        bootstrap.run_or_explain([str(tool)], "the packages")
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "setup.log" in str(raised.value)
    assert printed.strip() in bootstrap.LOG.read_text()


def test_a_missing_python_says_how_to_get_it(bootstrap: ModuleType, tmp_path: Path) -> None:
    """uv finds none and cannot download one."""
    uv = write_command(tmp_path / "uv", "echo 'error: Failed to download: error sending request'; exit 2")
    with pytest.raises(
        bootstrap.SetupError, match=r"CPython 3\.13 could not be downloaded.*install it yourself"
    ):
        bootstrap.install_python_packages(str(uv))


def test_a_stamp_is_written_only_after_success(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken set-up is begun again, a changed requirement installs again, an unchanged one does not."""
    calls: list[str] = []

    def install(uv: str) -> None:
        calls.append(uv)
        python: Path = bootstrap.venv_python()
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        if len(calls) == 1:
            raise bootstrap.SetupError("no network")

    monkeypatch.setattr(bootstrap, "find_or_install_uv", lambda: "uv")
    monkeypatch.setattr(bootstrap, "install_python_packages", install)
    monkeypatch.setattr(
        bootstrap, "install_node_packages", lambda: (bootstrap.ROOT / "node_modules").mkdir(exist_ok=True)
    )
    with pytest.raises(bootstrap.SetupError):
        bootstrap.set_up()
    bootstrap.set_up()
    bootstrap.set_up()
    assert len(calls) == 2
    with (bootstrap.ROOT / "requirements-dev.txt").open("a") as file:
        file.write("# changed\n")
    bootstrap.set_up()
    assert len(calls) == 3


def test_uv_of_our_own_is_installed_by_hash(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PATH has none: into a folder of the checkout, from pinned hashes, wheels only."""
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bootstrap, "run_quietly", lambda command: True)
    monkeypatch.setattr(bootstrap, "run_or_explain", lambda command, what: commands.append(command))
    assert bootstrap.find_or_install_uv() == str(bootstrap.TOOLS / "bin" / "uv")
    [command] = commands
    assert {"--require-hashes", "--only-binary"} <= set(command)
    assert re.match(r"uv==\S+ \\\n\s+--hash=sha256:", SCRIPT.with_name("uv.txt").read_text())


def test_a_python_without_venv_and_pip_is_named(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Debian's is without python3-venv."""
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bootstrap, "run_quietly", lambda command: False)
    with pytest.raises(
        bootstrap.SetupError, match="neither venv nor pip; install your system's python3-venv"
    ):
        bootstrap.find_or_install_uv()


def test_make_help_lists_every_command() -> None:
    """And it is what `make` alone does."""
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for command in ("run", "up", "down", "test", "check", "bench", "help"):
        assert re.search(rf"^  make {command}\s+\S", printed, re.MULTILINE)


def find_python(version: str) -> str | None:
    """A CPython of that version from pyenv's folder or PATH."""
    candidates = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python3"))
    return str(candidates[-1]) if candidates else shutil.which(f"python{version}")


def write_command(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
