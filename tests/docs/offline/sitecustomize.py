"""Loaded by every Python process of the documentation's samples: no connection leaves this host."""

import sys

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


def _guard(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith(_LOCAL):
        raise PermissionError(f"a documented sample connects to {name}")


sys.addaudithook(_guard)
