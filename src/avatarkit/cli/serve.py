"""``avatarkit serve``: HTTP API, webhook endpoint and dashboard, with a worker."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError
from .session import Panel, Session, command

if TYPE_CHECKING:
    from anyio import CancelScope
    from starlette.applications import Starlette
    from uvicorn import Server

    from ..kit import AvatarKit

#: Seconds for running requests to finish; event streams end immediately.
_GRACE = 3

#: Connections that wait to be accepted.
_WAITING = 2048


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "serve", Panel.RUN)(_serve)


async def _serve(
    session: Session,
    *,
    host: Annotated[str, typer.Option(help="Interface to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8000,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Also process trainings and videos.")
    ] = True,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="AVATARKIT_TOKEN",
            show_envvar=True,
            help="Token that clients send; by default random.",
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Host name to answer for; repeatable."),
    ] = None,
    prefix: Annotated[
        str, typer.Option(metavar="PATH", help="Path that a proxy serves it at, as /avatars.")
    ] = "",
    max_connections: Annotated[
        int,
        typer.Option(min=1, help="Connections at once; more are answered 503."),
    ] = 2000,
    client_timeout: Annotated[
        float,
        typer.Option(min=0.1, help="Seconds for a client to send its headers, or 500 bytes/s."),
    ] = 20.0,
) -> None:
    """Serve the dashboard, the HTTP API and the webhook endpoint until interrupted.

    Example: `avatarkit serve --port 8000`
    """
    named = tuple(allowed_host or ())
    loopback = _is_loopback(host)
    if not loopback and not (token and named):
        raise ConfigError(
            f"{host} is reachable from other machines: give a token (--token or AVATARKIT_TOKEN) "
            "and the host names to answer for (--allowed-host)"
        )
    import anyio

    from ..server.guards import LOOPBACK
    from ..stacks.registry import Stack

    settings = session.settings()
    Stack.parse(session.stack or settings.stack)  # fail early for an unknown name
    secret = settings.webhook_secret()  # before the kit, which sends it to vendors
    with closing(_listening(host, port)) as listening:
        async with session.kit(worker=worker) as kit:
            given = token or secrets.token_urlsafe(24)
            address = _address(host, listening.getsockname()[1])
            announce = partial(_announce, session, address, None if token else given)
            hosts = (*LOOPBACK, *named) if loopback else named
            app = _app(kit, given, hosts, secret, environ=settings.environ, prefix=prefix)
            server = _server(app, announce, max_connections, client_timeout)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_end_on_signal, server, tasks.cancel_scope)
                await server.serve(sockets=[listening])
                tasks.cancel_scope.cancel()
            session.out.hint("the next worker continues with the rest")


def _app(
    kit: AvatarKit,
    token: str,
    hosts: tuple[str, ...],
    webhook_secret: str,
    *,
    environ: Mapping[str, str],
    prefix: str,
) -> Starlette:
    from ..config.addresses import link_secret
    from ..server import StartupToken, create_app

    secret = link_secret(environ)
    return create_app(
        kit,
        authenticate=StartupToken(token),
        webhook_secret=webhook_secret,
        link_secrets=[secret] if secret else [],
        hosts=hosts,
        prefix=prefix,
        opened=True,
    )


def _server(
    app: Starlette, started: Callable[[], None], max_connections: int, client_timeout: float
) -> Server:
    import uvicorn

    from ..server import connections

    number, at_once = connections.fitting(connections.open_files(), max_connections)
    limits = connections.Limits(number, client_timeout)

    class _Own(uvicorn.Server):
        """Reports when it listens, and leaves signals to the command, which then closes the kit."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for listening in sockets or ():  # accepts few at once, but many may wait
                listening.listen(_WAITING)
            started()

        async def on_tick(self, counter: int) -> bool:
            if counter % 5 == 0:  # twice a second
                connections.check_all(self.server_state.connections)
            return await super().on_tick(counter)

        @contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

    return _Own(
        uvicorn.Config(
            connections.Stopping(app),
            http=connections.protocol(limits),
            ws="none",
            backlog=at_once,
            log_config=None,
            log_level="critical",  # its messages would contain signed links
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
    )


async def _end_on_signal(server: Server, scope: CancelScope) -> None:
    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            if server.should_exit:
                scope.cancel()  # second signal: drop running requests
            server.handle_exit(number, None)  # also ends event streams


def _announce(session: Session, address: str, token: str | None) -> None:
    """Print the address; the token only if it was generated."""
    url = f"{address}/?token={token}" if token else f"{address}/"
    session.out.result({"url": url}, url)
    if token is None:
        session.out.hint("open it once with ?token= followed by your token")
    session.out.hint("serving; stop with Ctrl-C")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_WAITING)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {_address(host, port)} ({error.strerror}): choose another "
            f"{'--host' if isinstance(error, socket.gaierror) else '--host or --port'}"
        ) from None
