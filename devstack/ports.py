"""Ports on the loopback address: a free one, or the one that the environment asks for."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping

from shared.errors import SettingsError

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """True where a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def find_free_port() -> int:
    """A port that nothing uses, below those that systems give to outgoing connections.

    So it stays free until its server listens, and while a server is away and comes back.
    """
    while True:
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if is_free(port):
            return port


def choose_port(variable: str, environment: Mapping[str, str]) -> int:
    """The port that the variable names, or any free one where it is not set.

    Raises SettingsError where the value is no port or where something listens on it already.
    """
    text = environment.get(variable, "")
    if not text:
        return find_free_port()
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise SettingsError(variable, "expected a port between 1 and 65535, or nothing for a free one")
    if not is_free(int(text)):
        raise SettingsError(
            variable, f"port {text} is in use; choose another one, or leave it out for a free one"
        )
    return int(text)


def listen(port: int, backlog: int = 1024) -> socket.socket:
    """A listening socket on the loopback address, to be shared by worker processes."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen(backlog)
    listener.setblocking(False)
    return listener
