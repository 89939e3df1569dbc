"""Puts the app together: routes, who may ask, what guards them, and what runs beside them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from .. import errors
from .._log import cleaned, get_logger
from ..json_views import estimate_shape
from ..kit import AvatarKit
from ..media import signing
from ..webhooks import require_unguessable
from . import api as api_
from . import openapi
from .answers import Health
from .api import API, OPEN, ROUTES
from .auth import Authenticate, StartupToken
from .bodies import BadBody, TooLarge
from .guards import LOOPBACK, Guard
from .inbox import Inbox
from .uploads import Allowance, AllowanceExceeded, Offset, Uploads

__all__ = ["create_app"]

log = get_logger(__name__)

STATIC = Path(__file__).parent / "static"

#: What an error of the kit is answered with; the first that fits.
_STATUS: Mapping[type[Exception], int] = {
    BadBody: 400,
    TooLarge: 413,
    AllowanceExceeded: 413,
    Offset: 409,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.IllegalTransition: 409,
    errors.ConsentRequired: 422,
    errors.MediaRejected: 422,
    errors.Unsupported: 422,
    errors.ServiceDiscontinued: 422,
    errors.BudgetExceeded: 422,
    errors.ConfigError: 422,
    errors.StorageError: 503,
    errors.RateLimited: 503,
    errors.ProviderError: 502,
}

#: Seconds between looks at deliveries that wait for their job.
_SWEEP = 15.0

#: Seconds before a kit that broke is opened anew.
_PAUSE = 1.0

#: Seconds that a request waits for that.
_PATIENCE = 10.0

#: Seconds in which the database must answer who asks for the server's health.
_PULSE = 3.0


class _Running:
    """The kit while it is open, and what runs beside it; begun by the first request at the latest.

    All of it lives in one task, so that it opens and closes in the same one, whoever asks.
    """

    def __init__(self, kit: AvatarKit, uploads: Uploads, *, owned: bool) -> None:
        self._kit = kit
        self._uploads = uploads
        self._owned = owned
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._swept = asyncio.Event()

    def delivered(self) -> None:
        """Apply what has come in."""
        self._swept.set()

    async def ready(self, *, patient: bool = False) -> None:
        """Be open; raises what opening raised, and may be asked again then.

        Unless ``patient``, raises ``StorageError`` where that takes long or cannot be.
        """
        task = self._task
        if task is None or task.done():
            self._ready.clear()
            task = self._task = asyncio.create_task(self._run())
        if self._ready.is_set():
            return
        waiting = asyncio.create_task(self._ready.wait())
        limit = None if patient else _PATIENCE
        await asyncio.wait({waiting, task}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            try:
                await task
            except errors.ConfigError as error:
                if patient:
                    raise
                log.error("server.not_opened", reason=cleaned(str(error)))  # noqa: TRY400
                raise errors.StorageError(str(error)) from error  # nothing a visitor could mend
        elif not self._ready.is_set():
            raise errors.StorageError("the server cannot open its database: try again later")

    async def aclose(self) -> None:
        """Hand leases back and close."""
        self._stop.set()
        self._swept.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        if not self._owned:
            await self._sweep()
            return
        opened = False
        while not self._stop.is_set():
            try:
                async with self._kit:
                    opened = True
                    await self._sweep()
            except Exception as error:
                if not opened:
                    raise  # who asks for it is told
                # The kit is closed, and its worker with it: what waits must not wait for a visitor.
                self._ready.clear()
                log.exception("server.reopening", error=type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _PAUSE)

    async def _sweep(self) -> None:
        self._ready.set()
        tidied = time.monotonic()
        while not self._stop.is_set():
            self._swept.clear()
            try:
                while await self._kit.webhooks.apply():
                    pass
            except errors.AvatarKitError as error:
                log.warning("webhooks.not_applied", error=type(error).__name__)
            except Exception as error:  # what is kept stays, and is tried again with the next look
                log.exception("webhooks.sweep_failed", error=type(error).__name__)
            if time.monotonic() - tidied >= _SWEEP:
                await self._tidy()
                tidied = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._swept.wait(), _SWEEP)

    async def _tidy(self) -> None:
        try:
            await self._uploads.tidy()
        except Exception as error:  # the next look tries again
            log.exception("uploads.not_tidied", error=type(error).__name__)


def create_app(
    kit: AvatarKit,
    *,
    authenticate: Authenticate,
    webhook_secret: str | None = None,
    link_secrets: Sequence[bytes] = (),
    hosts: Sequence[str] = LOOPBACK,
    origins: Collection[str] = (),
    uploads: Path | None = None,
    allowance: Allowance | None = None,
    opened: bool = False,
    dashboard: bool = True,
) -> Starlette:
    """Make the ASGI app of ``kit``.

    ``authenticate`` says whose a request is. ``webhook_secret`` is the secret part of the inbox's
    address; without one there is no inbox. ``link_secrets`` sign links to media, the first one new
    ones; by default links end with the process. ``hosts`` are the names that the app answers for,
    ``["*"]`` any; ``origins`` are other sites whose pages may use it. ``uploads`` is a folder for
    unfinished uploads, by default beside the database; ``allowance`` is what one user may keep. The
    app opens and closes the kit, unless it is ``opened`` already; where it is mounted into another
    app, whose lifespan it does not hear of, with the first request, and with
    ``app.state.aclose()``.

    Raises ``ConfigError`` for secrets that could be guessed, and for one name given as ``hosts``.
    """
    if webhook_secret is not None:
        require_unguessable("the webhook secret", webhook_secret)
    for secret in link_secrets:
        signing.require_unguessable(secret)
    if isinstance(hosts, str) or isinstance(origins, str):
        raise errors.ConfigError(
            "hosts and origins are lists of names: put the one name into a list"
        )
    signers = tuple(link_secrets) or (secrets.token_bytes(32),)
    spool = Uploads(uploads or kit.admin.home / "uploads")
    running = _Running(kit, spool, owned=not opened)
    api = API(kit, spool, partial(_stacks, kit), signers[0], allowance or Allowance())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        await running.ready(patient=True)  # to migrate a large database takes its time
        try:
            yield
        finally:
            await running.aclose()

    async def media(request: Request) -> Response:
        await running.ready()
        return await api.media(request, signers)

    async def health(request: Request) -> Response:
        del request
        await running.ready()
        with anyio.move_on_after(_PULSE):
            await kit.admin.ping()
            return JSONResponse(Health().model_dump())
        raise errors.StorageError("the database does not answer")

    async def about(request: Request) -> Response:
        servers = [{"url": request.scope.get("root_path") or "/"}]
        return JSONResponse(document() | {"servers": servers})

    # Made once: the dashboard reads it each time that it is opened.
    document = cache(partial(openapi.document, [*ROUTES, *OPEN], version("avatarkit-sdk")))
    anybodys = {"media": media, "health": health}
    routes: list[BaseRoute] = [
        *(_route(row, api, running, authenticate) for row in ROUTES),
        *(Route(row.path, anybodys[row.name], methods=[row.method]) for row in OPEN),
        Route("/openapi.json", about, methods=["GET"]),
    ]
    if webhook_secret is not None:
        inbox = Inbox(kit, webhook_secret, kept=running.delivered, ready=running.ready)
        routes.append(Route("/webhooks/{provider}/{secret}", inbox.answer, methods=["POST"]))
    if dashboard and STATIC.is_dir():
        routes.append(Mount("/static", StaticFiles(directory=STATIC)))
        routes.append(Route("/", partial(_page, authenticate), methods=["GET"]))
    handlers: dict[Any, Any] = {
        errors.AvatarKitError: _explained,
        HTTPException: _plain,
        ClientDisconnect: _gone,
    }
    app = Starlette(
        routes=routes,
        middleware=_middleware(hosts, origins),
        exception_handlers=handlers,
        lifespan=lifespan,
    )
    app.state.aclose = running.aclose
    return app


def _route(row: api_.Route, api: API, running: _Running, authenticate: Authenticate) -> Route:
    """A route of the API, for whoever is signed in."""
    handler = api.handler(row.name)

    async def answer(request: Request) -> Response:
        await running.ready()
        user = await authenticate(request)
        if user is None:
            return _failed(401, "AuthError", "sign in: send Authorization: Bearer <token>")
        # No database keeps a NUL, so that nothing is called so; PostgreSQL would not even look.
        if any("\0" in value for value in request.path_params.values()):
            raise errors.NotFound("nothing has a name with a NUL")
        if any("\0" in value for value in request.query_params.values()):
            raise BadBody("the query holds a NUL")
        return await handler(api, request, user)

    return Route(row.path, answer, methods=[row.method], name=row.name)


def _middleware(hosts: Sequence[str], origins: Collection[str]) -> list[Middleware]:
    """What guards the app, and lets ``origins`` in."""
    middleware = [Middleware(Guard, hosts=hosts, origins=origins)]
    if origins:
        allowed = ["authorization", "content-type", "idempotency-key", "last-event-id"]
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(origins),
                allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
                allow_headers=[*allowed, "upload-length", "upload-offset"],
                expose_headers=["upload-offset", "upload-length"],
            )
        )
    return middleware


async def _page(authenticate: Authenticate, request: Request) -> Response:
    """The dashboard; a start-up token in its address becomes a cookie, and leaves the address."""
    token = request.query_params.get("token")
    if token is not None and isinstance(authenticate, StartupToken):
        response = RedirectResponse(request.scope.get("root_path", "") + "/", 303)
        if authenticate.knows(token):
            response.set_cookie(
                authenticate.COOKIE,
                token,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
                path=request.scope.get("root_path", "") or "/",
            )
        return response
    page = (STATIC / "dashboard.html").read_text(encoding="utf-8")
    return Response(page, media_type="text/html", headers={"cache-control": "no-cache"})


async def _stacks(kit: AvatarKit) -> list[dict[str, Any]]:
    """The stacks to choose from: importing all providers takes a while, so in a thread."""
    return await anyio.to_thread.run_sync(_choices, kit)


def _choices(kit: AvatarKit) -> list[dict[str, Any]]:
    """Each with what an avatar and a minute of video cost in a month."""
    return [
        {"stack": row.stack, "how": row.how, "ready": missing is None, "problem": missing}
        | {"quote": _quoted(kit, row.stack)}
        for row, missing in kit.admin.stacks()
        if "fake" not in row.roles.values()
    ]


def _quoted(kit: AvatarKit, stack: str) -> dict[str, Any] | None:
    try:
        found = kit.prices.quote(stack=stack)
    except errors.ConfigError:  # of one's own rows: GET /quote says what is wrong with them
        return None
    return {"expected": estimate_shape(found.expected), "oldest": found.read}


async def _explained(request: Request, error: Exception) -> Response:
    """Answer an error of the kit: its message says what to do, and holds no secret."""
    del request
    if getattr(error, "for_operators", False):
        error = errors.StorageError(str(error))  # nothing a visitor could mend
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    headers = {"upload-offset": str(error.at)} if isinstance(error, Offset) else None
    place = getattr(error, "place", None)
    message = cleaned(str(error).replace(place, "the database") if place else str(error))
    if isinstance(error, errors.StorageError):
        # Where the database is, and what it said, is none of a user's business.
        log.warning("storage.failed", reason=cleaned(str(error)))
        message = "This cannot be kept or read now. Try again later."
    elif isinstance(error, errors.BudgetExceeded) and error.budget:
        # What is spent in all is none of a user's business.
        log.warning("budget.exceeded", reason=message)
        message = "There is no room for this in the budget. Nothing was sent."
    return _failed(status, type(error).__name__, message, headers)


async def _gone(request: Request, error: Exception) -> Response:
    """Answer nobody: who asked has gone away in the middle of a body."""
    del request, error
    return Response(status_code=400)


async def _plain(request: Request, error: Exception) -> Response:
    del request
    status = getattr(error, "status_code", 500)
    names = {404: "NotFound", 405: "MethodNotAllowed"}
    headers = getattr(error, "headers", None)
    return _failed(status, names.get(status, "Error"), str(getattr(error, "detail", "")), headers)


def _failed(
    status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    shape = {"error": {"type": kind, "message": message}}
    return JSONResponse(shape, status, headers=dict(headers or {}))
