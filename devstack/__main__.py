"""`python -m devstack`: the local cloud's command line."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from devstack.background import end_cloud, start_in_background
from devstack.host.errors import HostError
from devstack.issuing import fetch_token
from devstack.layout import choose_app, choose_layout
from devstack.lock import AlreadyUp, only_supervisor
from devstack.loganalytics.cli import mount
from devstack.processes import tail
from devstack.stack import running_stack
from devstack.state import State, read_state
from devstack.tour import show_addresses, take_tour
from shared.errors import SettingsError

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, rich_markup_mode=None)
out = Console(soft_wrap=True, highlight=False)
mount(app)


@app.command()
def run() -> None:
    """Start the local cloud, take a short tour, stay up until Ctrl-C, end all that was started."""

    def show(state: State) -> None:
        take_tour(state, out)
        show_addresses(state, out)
        out.print("\nUp until [bold]Ctrl-C[/bold]. Logs: " + str(choose_layout(os.environ).logs))

    try:
        code = _supervise(lambda step: out.print(f"  {step}"), show)
    except AlreadyUp:
        _refuse("the local cloud is up already; `make down` ends it")
    out.print("\nEnded." if code == 0 else "")
    raise typer.Exit(code)


@app.command()
def up() -> None:
    """Start the local cloud in the background and return when it is ready. Does nothing if it is up."""
    layout = choose_layout(os.environ)
    sentence = start_in_background(layout, lambda step: out.print(f"  {step}"))
    if sentence is not None:
        _refuse(sentence)
    show_addresses(_state_or_refuse(), out)


@app.command()
def down() -> None:
    """End everything that `up` or `run` started, also after a crash."""
    out.print("Ended." if end_cloud(choose_layout(os.environ)) else "Nothing was up.")


@app.command()
def status() -> None:
    """Say what runs. Exit code 1 where nothing does."""
    state = _state_or_refuse()
    for name, value in (
        ("API", state.base_url),
        ("token issuer", state.issuer),
        ("ledger", f"container {state.storage.container}"),
        ("trusted key", ", ".join(state.trusted_keys)),
        ("processes", ", ".join(f"{name} {value}" for name, value in state.pids)),
    ):
        out.print(f"{name:<13} {value}", markup=False)


@app.command()
def url() -> None:
    """Print the API's base URL."""
    sys.stdout.write(_state_or_refuse().base_url + "\n")


@app.command()
def token(persona: Annotated[str, typer.Argument(help="engineer, analyst, redactor, nobody, ...")]) -> None:
    """Print a fresh bearer token of a persona."""
    state = _state_or_refuse()
    if persona not in state.personas:
        _refuse(f"no persona {persona}; there are {', '.join(sorted(state.personas))}")
    sys.stdout.write(fetch_token(state.issuer, persona) + "\n")


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="azurite, issuer, supervisor, worker-0, ...")] = "",
    lines: Annotated[int, typer.Option(help="How many of the last lines")] = 20,
) -> None:
    """Show the last lines of the processes' logs."""
    for log in sorted(choose_layout(os.environ).logs.glob(f"{name or '*'}.log")):
        out.rule(str(log), align="left")
        out.print(tail(log, lines), markup=False)


@app.command(hidden=True)
def supervise() -> None:
    """What `up` starts: the supervisor in the background. Tells its progress on standard output."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def detach(_: State) -> None:
        say("ready")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    try:
        code = _supervise(lambda step: say(f"step {step}"), detach, refuse=lambda text: say(f"failed {text}"))
    except AlreadyUp:
        say("ready")
        code = 0
    raise typer.Exit(code)


def _supervise(
    progress: Callable[[str], None],
    on_ready: Callable[[State], None],
    refuse: Callable[[str], None] | None = None,
) -> int:
    """Start, watch and stop a cloud in this process; the exit code. Raises AlreadyUp."""
    layout = choose_layout(os.environ)
    stopping = threading.Event()

    def interrupt(_: int, __: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            raise KeyboardInterrupt

    with only_supervisor(layout):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, interrupt)
        app_folder = choose_app(os.environ)
        try:
            with running_stack(layout, os.environ, progress, app_folder) as (stack, state):
                on_ready(state)
                stack.watch(state, stopping)
        except (SettingsError, HostError) as error:
            (refuse or (lambda text: Console(stderr=True, soft_wrap=True).print(f"stopped: {text}")))(
                str(error)
            )
            return 2
        except KeyboardInterrupt:
            return 0
        finally:
            stopping.set()
    return 0


def _state_or_refuse() -> State:
    state = read_state(choose_layout(os.environ).state_file)
    if state is None:
        _refuse("the local cloud is not up; `make up` starts it")
    return state


def _refuse(sentence: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"stopped: {sentence}", markup=False)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
