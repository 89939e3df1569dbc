"""An app of the server in a process of its own, as ``avatarkit serve`` runs it: who asks is here.

A benchmark gives itself as the program; called with ``serve`` and a folder, it serves its app.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import uvicorn


async def _serve(make, folder):
    app = make(folder)
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, server_header=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started and not running.done():  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it is gone
    server.should_exit = True
    await running


def asked_to_serve(make):
    """Serve ``make(folder)``, if this process was started for that; tells whether it was."""
    if sys.argv[1:2] != ["serve"]:
        return False
    asyncio.run(_serve(make, Path(sys.argv[2])))
    return True


@contextmanager
def served(program, folder):
    """Run it; yields its port and the process's id."""
    command = [sys.executable, program, "serve", str(folder)]
    with subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield int(process.stdout.readline()), process.pid
        process.stdin.close()


def cpu(pid):
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Mebibytes that a process has in use (``VmRSS``)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
