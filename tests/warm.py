"""``avatarkit`` as a process that is forked from a warm one: a start without the imports.

``Program`` is a ``Popen``. A process of this file, one for each process of tests, has imported the
command line and the server. It forks twice, so that the program becomes a child of the tests.
Elsewhere than on Linux a program is started as usual.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from importlib import import_module

_BE_SUBREAPER = 36  # of prctl(2): what is orphaned becomes a child of this process
_LARGEST = 1 << 20
_IMPORTED = (
    "avatarkit.cli.app",
    "avatarkit.providers.fake",
    "avatarkit.repositories.sqlite",
    "avatarkit.media.folder",
    "avatarkit.server.app",
    "uvicorn.protocols.http.h11_impl",
)


class Program(subprocess.Popen):
    """``python -m avatarkit`` with arguments; or ``python -c``, where ``code`` is given."""

    def __init__(self, *arguments, code="", **options):
        self._code = code
        first = ["-c", code] if code else ["-m", "avatarkit"]
        super().__init__([sys.executable, *first, *map(str, arguments)], **options)

    if sys.platform == "linux":

        def _execute_child(self, args, *given):
            cwd, env, pipes = given[4], given[5], given[9:15]
            wanted = {
                "code": self._code,
                "arguments": args[3:],
                "folder": os.fspath(cwd or "."),
                "environ": dict(os.environ if env is None else env),
            }
            wanted["folder"] = os.path.abspath(wanted["folder"])  # noqa: PTH100
            ends = (pipes[0], pipes[3], pipes[5])
            streams = [number if end < 0 else end for number, end in enumerate(ends)]
            adopt = functools.partial(ctypes.CDLL(None).prctl, _BE_SUBREAPER)
            adopt(1)
            try:
                socket.send_fds(_warm()[0], [json.dumps(wanted).encode()], streams)
                self.pid = int(_warm()[0].recv(100))
                _warm()[0].recv(100)  # and it is ours from now on
            finally:
                adopt(0)
            self._child_created = True
            self._close_pipe_fds(*pipes)


@functools.cache
def _warm():
    """The connection to the process that forks, and that process, which ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AVATARKIT")}
    with its:
        command = [sys.executable, __file__, str(its.fileno())]
        process = subprocess.Popen(command, pass_fds=[its.fileno()], env=environ)
    return ours, process


def _serve(connection):
    """Fork for each message; returns in the forked process only, with what it is to be."""
    while True:
        message, streams, _, _ = socket.recv_fds(connection, _LARGEST, 3)
        if not message:
            os._exit(0)
        between = os.fork()
        if between:
            os.waitpid(between, 0)
            connection.send(b"adopted")
            for stream in streams:
                os.close(stream)
            continue
        pid = os.fork()
        if pid:
            connection.send(str(pid).encode())
            os._exit(0)
        return json.loads(message), streams


def _become(wanted, streams):
    """Take the place of a program that was started."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environ"])
    sys.argv = ["-c" if wanted["code"] else "avatarkit", *wanted["arguments"]]


def main():
    connection = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]  # the folder of this file
    for module in _IMPORTED:
        import_module(module)
    import_module("avatarkit").AvatarKit("fake")  # which loads what a kit uses
    wanted, streams = _serve(connection)
    connection.close()
    _become(wanted, streams)
    if wanted["code"]:
        exec(compile(wanted["code"], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.exit(import_module("avatarkit.cli").main())


if __name__ == "__main__":
    main()
