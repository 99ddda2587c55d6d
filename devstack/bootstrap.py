"""Set up what the project needs on this machine: `python3 -I devstack/bootstrap.py [setup|lock]`.

Runs on any CPython >= 3.8 with nothing but its standard library, before anything is installed. Writes
only to `.venv`, `node_modules` and `.devstack`. Each step does nothing where its work is done already:
a stamp holds the digest of what was installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator  # Python 3.8 runs this
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".devstack" / "tools"
LOG = ROOT / ".devstack" / "logs" / "setup.log"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
PYTHON_VERSION = "3.13"
MIN_NODE = 20
MIN_UV = (0, 5)
NETWORK_SIGNS = re.compile(
    r"dns error|name resolution|getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|failed to fetch"
    r"|error sending request|connection refused|network is unreachable|timed out|NewConnectionError",
    re.IGNORECASE,
)


class SetupError(Exception):
    """A step cannot work. The message is one sentence: what is missing and how to get it."""


def main(arguments: list[str]) -> int:
    """Exit code 0 when everything is in place, 2 when a step cannot work."""
    task = arguments[0] if arguments else "setup"
    try:
        with only_one_setup():
            if task == "setup":
                set_up()
            elif task == "lock":
                lock_requirements()
            else:
                raise SetupError(f"unknown task '{task}': expected setup or lock")
    except SetupError as error:
        say(f"set-up stopped: {error}")
        return 2
    except KeyboardInterrupt:
        say("set-up interrupted")
        return 130
    return 0


def set_up() -> None:
    """The Python environment from hashed requirements, then Azurite from its lock file."""
    wanted_python = digest_of([ROOT / name for name in REQUIREMENTS], PYTHON_VERSION)
    wanted_node = digest_of([ROOT / "package-lock.json"], "")
    if read_stamp(VENV) != wanted_python or not venv_python().exists():
        install_python_packages(find_or_install_uv())
        write_stamp(VENV, wanted_python)
    modules = ROOT / "node_modules"
    if read_stamp(modules) != wanted_node:
        install_node_packages()
        write_stamp(modules, wanted_node)


# --- Python -------------------------------------------------------------------------------------


def venv_python() -> Path:
    """The interpreter of the project's environment."""
    return VENV / "bin" / "python"


def find_or_install_uv() -> str:
    """A uv on PATH, or one of our own under `.devstack/tools`, installed by hash from `uv.txt`."""
    for candidate in (shutil.which("uv"), str(TOOLS / "bin" / "uv")):
        if candidate and uv_version(candidate) >= MIN_UV:
            return candidate
    shutil.rmtree(str(TOOLS), ignore_errors=True)
    pins = str(Path(__file__).with_name("uv.txt"))
    hashed = ["--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check", "-q", "-r", pins]
    with Step("uv, which makes Python environments"):
        if run_quietly([sys.executable, "-m", "venv", str(TOOLS)]):
            run_or_explain([str(TOOLS / "bin" / "python"), "-m", "pip", "install", *hashed], "uv")
            return str(TOOLS / "bin" / "uv")
        shutil.rmtree(str(TOOLS), ignore_errors=True)
        if run_quietly([sys.executable, "-m", "pip", "--version"]):
            target = ["--target", str(TOOLS)]
            run_or_explain([sys.executable, "-m", "pip", "install", *target, *hashed], "uv")
            return str(TOOLS / "bin" / "uv")
    raise SetupError(
        f"{sys.executable} has neither venv nor pip; install your system's python3-venv package, or uv, "
        "and run this again"
    )


def uv_version(uv: str) -> tuple[int, ...]:
    """Its version as numbers; empty where it cannot be run."""
    if not os.access(uv, os.X_OK):
        return ()
    text = capture([uv, "--version"])
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match.group(1)), int(match.group(2))) if match else ()


def install_python_packages(uv: str) -> None:
    """`.venv` with CPython 3.13, exactly the hashed requirements in it."""
    version = capture([str(venv_python()), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    if version.strip() != PYTHON_VERSION:
        with Step(f"Python {PYTHON_VERSION} environment"):
            shutil.rmtree(str(VENV), ignore_errors=True)
            create = [uv, "venv", "--no-project", "--python", PYTHON_VERSION, str(VENV)]
            run_or_explain(create, f"CPython {PYTHON_VERSION}")
    files = [str(ROOT / name) for name in REQUIREMENTS]
    pinned = re.findall(
        r"^([A-Za-z0-9._-]+)==", "".join(Path(name).read_text() for name in files), re.MULTILINE
    )
    count = len(set(pinned))
    with Step(f"{count} Python packages and the language model"):
        sync = [uv, "pip", "sync", "--require-hashes", "--python", str(venv_python())]
        run_or_explain(sync + files, "the Python packages")


def lock_requirements() -> None:
    """Compile both requirements files, with hashes. Versions that stand there are kept."""
    uv = find_or_install_uv()
    compile_ = [uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header"]
    compile_ += ["--no-annotate", "--python-version", PYTHON_VERSION]
    for name in REQUIREMENTS:
        source = name.replace(".txt", ".in")
        with Step(f"{name} from {source}"):
            run_or_explain([*compile_, "--output-file", name, source], "the package index")


# --- Node ---------------------------------------------------------------------------------------


def install_node_packages() -> None:
    """Azurite, exactly as the lock file says."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        missing = "node" if not node else "npm"
        raise SetupError(
            f"{missing} is not on PATH, and Azurite (the local storage) runs on it; "
            f"install Node.js {MIN_NODE} or newer with npm and run this again"
        )
    version = capture([node, "--version"]).strip()
    match = re.match(r"v(\d+)\.", version)
    if not match or int(match.group(1)) < MIN_NODE:
        raise SetupError(
            "Node.js {} or newer is needed, got {} ({}); install a newer one and run this again".format(
                MIN_NODE, version or "no version", node
            )
        )
    with Step("Azurite, the local storage"):
        run_or_explain([npm, "ci", "--no-progress", "--loglevel=error"], "the npm packages")


# --- steps, stamps, commands ----------------------------------------------------------------------


class Step:
    """One line a step, with its seconds; on a terminal the seconds run while it works."""

    current: Step | None = None

    def __init__(self, title: str) -> None:
        self.title, self.started, self.live = title, time.monotonic(), sys.stderr.isatty()

    def __enter__(self) -> Step:
        Step.current = self
        self.tick()
        return self

    def tick(self) -> None:
        """Renew the running line."""
        if self.live:
            sys.stderr.write(f"\r  {self.title} … {time.monotonic() - self.started:.0f} s ")
            sys.stderr.flush()

    def __exit__(self, kind: object, *_: object) -> None:
        Step.current = None
        start = "\r" if self.live else ""
        ending = "failed" if kind else "done"
        line = f"  {self.title}: {ending} in {time.monotonic() - self.started:.1f} s"
        say(f"{start}{line:<60}".rstrip())


def run_or_explain(command: list[str], what: str) -> None:
    """Run a command with its output in the log; a failure becomes one sentence about `what`."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a+", encoding="utf-8", errors="replace") as log:
        log.write("$ {}\n".format(" ".join(command)))
        log.flush()
        start = log.tell()
        process = subprocess.Popen(
            command, cwd=str(ROOT), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if Step.current:
                    Step.current.tick()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if process.returncode:
            log.seek(start)
            raise SetupError(explain(log.read(), what))


def explain(output: str, what: str) -> str:
    """One sentence on why a command failed, from what it printed."""
    where = f"see {LOG.relative_to(ROOT)}"
    if re.search(r"hash(es)? mismatch|do not match the hashes|EINTEGRITY", output, re.IGNORECASE):
        return f"a download of {what} does not have the pinned hash and was refused; {where}"
    if NETWORK_SIGNS.search(output):
        hint = "; or install it yourself" if what.startswith("CPython") else ""
        return f"{what} could not be downloaded: check the network or proxy and try again{hint} ({where})"
    if re.search(r"no space left|ENOSPC", output, re.IGNORECASE):
        return f"the disk is full; {what} needs about 1 GB ({where})"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return "{} could not be installed: {} ({})".format(what, lines[-1] if lines else "no output", where)


def run_quietly(command: list[str]) -> bool:
    """True where the command exits with 0."""
    with contextlib.suppress(OSError):
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    return False


def capture(command: list[str]) -> str:
    """What a command prints, "" where it cannot be run."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        printed: bytes = subprocess.check_output(command, stderr=subprocess.DEVNULL)
        return printed.decode("utf-8", "replace")
    return ""


def digest_of(files: list[Path], extra: str) -> str:
    """One digest over files and a word; a missing file is an error of the checkout."""
    digest = hashlib.sha256(extra.encode())
    for file in files:
        if not file.exists():
            raise SetupError(f"{file.name} is missing from this checkout")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def read_stamp(folder: Path) -> str:
    """The digest that was installed into a folder, "" for none."""
    stamp = folder / ".installed"
    return stamp.read_text(encoding="ascii") if stamp.exists() else ""


def write_stamp(folder: Path, digest: str) -> None:
    """Say what is installed in a folder."""
    (folder / ".installed").write_text(digest, encoding="ascii")


@contextlib.contextmanager
def only_one_setup() -> Iterator[None]:
    """Two set-ups of one checkout at a time would break each other: the second waits."""
    import fcntl

    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (LOG.parent / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """Progress goes to standard error: standard output belongs to the commands."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
