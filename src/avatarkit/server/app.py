"""The ASGI app: routes, authentication, middleware, error responses and the dashboard page."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette import routing
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from .. import errors
from .._log import cleaned, get_logger
from .._text import flaw, has_controls
from ..kit import AvatarKit
from ..media import signing
from ..webhooks import require_unguessable
from . import openapi
from .api import API
from .auth import Authenticate, StartupToken
from .bodies import BadBody, TooLarge
from .guards import LOOPBACK, Guard
from .routes import OPEN, ROUTES, Route
from .running import KitRunner
from .uploads import Allowance, AllowanceExceeded, Offset, Uploads
from .webhook_endpoint import WebhookEndpoint

log = get_logger(__name__)

STATIC = Path(__file__).parent / "static"

#: Maximum characters of an ID or a name in a path: messages repeat it.
_NAME = 200

#: HTTP status of each error class; the first match counts.
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
    errors.NotOpen: 503,
    errors.RateLimited: 503,
    errors.ProviderError: 502,
}


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
    """Create the ASGI app of a kit.

    * ``kit``: the app opens and closes it, unless it is ``opened`` already. An app that is mounted
      into another app does not receive its lifespan: it opens the kit with the first request, and
      ``await app.state.aclose()`` closes it.
    * ``authenticate``: returns the user ID of a request, or None.
    * ``webhook_secret``: secret part of the webhook URL; without it there is no webhook endpoint.
    * ``link_secrets``: sign links to media: the first one signs, all of them verify. By default
      links are valid until the process ends.
    * ``hosts``: host names that the app answers for; ``["*"]`` for any.
    * ``origins``: other sites whose pages may call the API.
    * ``uploads``: folder of unfinished uploads; by default beside the database.
    * ``allowance``: limit of stored recordings per user.
    * ``opened``: True if the caller opens and closes the kit.
    * ``dashboard``: serve the dashboard at ``/``.

    Raises ``ConfigError`` if a secret is easy to guess, or ``hosts`` or ``origins`` is one string.
    """
    if webhook_secret is not None:
        require_unguessable("the webhook secret", webhook_secret)
    for secret in link_secrets:
        signing.require_unguessable(secret)
    if isinstance(hosts, str) or isinstance(origins, str):
        raise errors.ConfigError(
            "hosts and origins are lists of names: put the one name into a list"
        )
    spool = Uploads(uploads or kit.admin.home / "uploads")
    runner = KitRunner(kit, spool, owned=not opened)
    signers = tuple(link_secrets) or (secrets.token_bytes(32),)
    api = API(kit, spool, signers, allowance or Allowance())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        del app
        await runner.ready(patient=True)  # migrating a large database takes a while
        try:
            yield
        finally:
            await runner.aclose()

    routes = [*(_served(row, api, runner, authenticate) for row in (*ROUTES, *OPEN)), _document()]
    if webhook_secret is not None:
        endpoint = WebhookEndpoint(kit, webhook_secret, runner)
        routes.append(
            routing.Route("/webhooks/{provider}/{secret}", endpoint.answer, methods=["POST"])
        )
    if dashboard and STATIC.is_dir():
        routes.append(routing.Mount("/static", StaticFiles(directory=STATIC)))
        routes.append(routing.Route("/", partial(_page, authenticate), methods=["GET"]))
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
    app.state.aclose = runner.aclose
    return app


def _served(
    row: Route, api: API, runner: KitRunner, authenticate: Authenticate
) -> routing.BaseRoute:
    """Build the Starlette route of a table entry."""

    async def public(request: Request) -> Response:
        await runner.ready()
        return await row.handler(api, request, "")

    async def signed_in(request: Request) -> Response:
        await runner.ready()
        user = await authenticate(request)
        if user is None:
            return _failed(401, "AuthError", "sign in: send Authorization: Bearer <token>")
        if not all(_may_be_stored(*given) for given in request.path_params.items()):
            raise errors.NotFound(
                f"Names and IDs in paths have 1 to {_NAME} characters, and no control characters."
            )
        for name, value in request.query_params.items():
            if found := flaw(value):
                raise BadBody(f"{cleaned(name)[:_NAME]}: the text has {found}: remove it")
        return await row.handler(api, request, user)

    answer: Callable[[Request], Awaitable[Response]] = signed_in if row.signed_in else public
    return routing.Route(row.path, answer, methods=[row.method], name=row.name)


def _may_be_stored(parameter: str, name: str) -> bool:
    """Return True for a name or an ID that something stored could have."""
    if parameter == "clone_id":  # a new one is checked by its own rule
        return len(name) <= _NAME
    return 0 < len(name.strip()) <= len(name) <= _NAME and not (flaw(name) or has_controls(name))


def _document() -> routing.BaseRoute:
    """Build the route of the OpenAPI document, which is generated once and on first use."""
    document = cache(partial(openapi.document, [*ROUTES, *OPEN], version("avatarkit-sdk")))

    async def answer(request: Request) -> Response:
        servers = [{"url": request.scope.get("root_path") or "/"}]
        return JSONResponse(document() | {"servers": servers})

    return routing.Route("/openapi.json", answer, methods=["GET"])


def _middleware(hosts: Sequence[str], origins: Collection[str]) -> list[Middleware]:
    """Build the middleware: host and origin checks, and CORS for ``origins``."""
    middleware = [Middleware(Guard, hosts=hosts, origins=origins)]
    if origins:
        allowed = ["authorization", "content-type", "idempotency-key", "last-event-id"]
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(origins),
                allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
                allow_headers=[*allowed, "upload-length", "upload-offset"],
                expose_headers=["upload-offset", "upload-length", "idempotent-replayed"],
            )
        )
    return middleware


async def _page(authenticate: Authenticate, request: Request) -> Response:
    """Return the dashboard; move a start-up token from the URL into a cookie."""
    token = request.query_params.get("token")
    if token is not None and isinstance(authenticate, StartupToken):
        response = RedirectResponse(request.scope.get("root_path", "") + "/", 303)
        if cookie := authenticate.cookie_for(token):
            response.set_cookie(
                authenticate.COOKIE,
                cookie,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
                path=request.scope.get("root_path", "") or "/",
            )
        return response
    page = (STATIC / "dashboard.html").read_text(encoding="utf-8")
    return Response(page, media_type="text/html", headers={"cache-control": "no-cache"})


async def _explained(request: Request, error: Exception) -> Response:
    """Answer an error of the kit: its message says what to do, and holds no secret."""
    del request
    if getattr(error, "for_operators", False):
        error = errors.StorageError(str(error))  # a user cannot fix it
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    headers = {"upload-offset": str(error.at)} if isinstance(error, Offset) else None
    place = getattr(error, "place", None)
    message = cleaned(str(error).replace(place, "the database") if place else str(error))
    if isinstance(error, errors.StorageError):
        # Users must not learn the database's address or its messages.
        log.warning("storage.failed", reason=cleaned(str(error)))
        message = "Storage is unavailable. Try again later."
    elif isinstance(error, errors.BudgetExceeded) and error.budget:
        # Users must not learn the total that was spent.
        log.warning("budget.exceeded", reason=message)
        message = "The budget does not cover this request. Nothing was sent."
    return _failed(status, type(error).__name__, message, headers)


async def _gone(request: Request, error: Exception) -> Response:
    """Answer a client that disconnected while it sent a body."""
    del request, error
    return Response(status_code=400)


async def _plain(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    if status == 404 and b"%2f" in request.scope.get("raw_path", b"").lower():
        return await _explained(request, BadBody("Names and IDs in paths have no slash (%2F)."))
    names = {404: "NotFound", 405: "MethodNotAllowed"}
    headers = getattr(error, "headers", None)
    return _failed(status, names.get(status, "Error"), str(getattr(error, "detail", "")), headers)


def _failed(
    status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    body = {"error": {"type": kind, "message": message}}
    return JSONResponse(body, status, headers=dict(headers or {}))
