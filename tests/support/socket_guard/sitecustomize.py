"""Loaded by every Python process that has this folder on PYTHONPATH: sockets leave for loopback only.

Whatever else is tried (a connection, a datagram, a name look-up) is written to SOCKET_GUARD_LOG and refused.
An audit hook cannot be removed, so nothing that is imported later can undo it.
"""

import ipaddress
import os
import sys

_LOG = os.environ.get("SOCKET_GUARD_LOG")


def _is_local(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode("latin-1") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        local = not isinstance(address, tuple) or _is_local(address[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        local = _is_local(args[0])
    else:
        return
    if not local:
        with open(_LOG or os.devnull, "a", encoding="utf-8") as log:  # noqa: PTH123 - pathlib may not be loaded
            log.write(f"{event} {args[1:] if event == 'socket.connect' else args[:1]}\n")
        raise PermissionError(f"{event}: this process may only talk to this machine")


if _LOG:
    sys.addaudithook(_guard)
