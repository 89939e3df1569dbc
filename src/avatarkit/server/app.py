"""The ASGI app: routes, authentication, middleware, error responses and the dashboard page."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
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
from starlette.routing import Match

from .. import errors
from .._log import cleaned, get_logger
from .._text import flaw
from ..kit import AvatarKit
from ..media import signing
from ..webhooks import require_unguessable
from . import error_answers, handovers, openapi, parameters
from .api import API
from .auth import Authenticate, Principal, StartupToken, bearer
from .bodies import MAX_NAME, BadBody, may_name
from .error_answers import CODES, ErrorCode
from .guards import LOOPBACK, Guard, RateLimit, RateLimiter
from .handover_store import is_secret
from .routes import OPEN, ROUTES, Route
from .running import KitRunner
from .static_files import StaticFiles
from .uploads import Allowance, Offset, UnsupportedProtocol, Uploads
from .webhook_endpoint import WebhookEndpoint

log = get_logger(__name__)

STATIC = Path(__file__).parent / "static"

#: Portrait and voice of the built-in example: a drawing and a synthetic voice.
EXAMPLE = Path(__file__).parent.parent / "data" / "demo"

_SIGN_IN = "sign in: send Authorization: Bearer <token>"

_TOO_MANY = "too many requests: wait for Retry-After seconds"


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
    rate_limit: RateLimit | None = None,
    prefix: str = "",
    opened: bool = False,
    dashboard: bool = True,
) -> Starlette:
    """Create the ASGI app of a kit.

    * ``kit``: the app opens and closes it, unless it is ``opened`` already. An app that is mounted
      into another app does not receive its lifespan: it opens the kit with the first request, and
      ``await app.state.aclose()`` closes it.
    * ``authenticate``: returns the user ID of a request, its ``Principal``, or None.
    * ``webhook_secret``: secret part of the webhook URL; without it there is no webhook endpoint.
    * ``link_secrets``: sign links to media: the first one signs, all of them verify. By default
      links are valid until the process ends.
    * ``hosts``: host names that the app answers for; ``["*"]`` for any.
    * ``origins``: other sites whose pages may call the API.
    * ``uploads``: folder of unfinished uploads; by default beside the database.
    * ``allowance``: limit of stored recordings per user.
    * ``rate_limit``: limit of requests per user and process, by default 1200 a minute; answers
      tell what is left of it.
    * ``prefix``: path that a proxy serves the app at, such as ``/avatars``, whether it strips that
      or not; a framework that mounts the app
      tells it anyway.
    * ``opened``: True if the caller opens and closes the kit.
    * ``dashboard``: serve the dashboard at ``/``.

    Raises ``ConfigError`` if a secret is easy to guess, ``hosts`` or ``origins`` is one string, or
    ``prefix`` is no path.
    """
    if prefix and not re.fullmatch(r"(/[\w.~-]+)+", prefix, re.ASCII):
        raise errors.ConfigError(f"prefix is {prefix!r}: give a path such as '/avatars'")
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

    front = _Front(api, runner, authenticate, RateLimiter(rate_limit or RateLimit(1200)))
    routes = [*(front.served(row) for row in (*ROUTES, *OPEN)), _document()]
    if webhook_secret is not None:
        endpoint = WebhookEndpoint(kit, webhook_secret, runner)
        routes.append(
            routing.Route("/webhooks/{provider}/{secret}", endpoint.answer, methods=["POST"])
        )
    if dashboard and STATIC.is_dir():
        files, example = StaticFiles(STATIC), StaticFiles(EXAMPLE)
        routes.append(routing.Route("/static/{path:path}", files.answer, methods=["GET"]))
        routes.append(routing.Route("/example/{path:path}", example.answer, methods=["GET"]))
        routes.append(routing.Route("/", partial(_page, authenticate, files), methods=["GET"]))
        routes.append(routing.Route("/phone", partial(_phone, files), methods=["GET"]))
    handlers: dict[Any, Any] = {
        errors.AvatarKitError: _explained,
        HTTPException: _plain,
        ClientDisconnect: _gone,
    }
    app = Starlette(
        routes=routes,
        middleware=_middleware(hosts, origins, prefix),
        exception_handlers=handlers,
        lifespan=lifespan,
    )
    app.state.aclose = runner.aclose
    return app


@dataclass(frozen=True, slots=True)
class _Front:
    """Calls the handler of a route, for signed-in users within their rate limit."""

    api: API
    runner: KitRunner
    authenticate: Authenticate
    limiter: RateLimiter

    def served(self, row: Route) -> routing.BaseRoute:
        """Build the Starlette route of a table entry."""
        call = self._personal if row.signed_in else self._public

        async def answer(request: Request) -> Response:
            return await self.runner.answered(lambda: call(row, request))

        return routing.Route(row.path, answer, methods=[row.method], name=row.name)

    async def _public(self, row: Route, request: Request) -> Response:
        return await row.handler(self.api, request, "")

    async def _personal(self, row: Route, request: Request) -> Response:
        if is_secret(secret := bearer(request)):
            return await self._of_device(row, request, secret or "")
        found = await self.authenticate(request)
        if found is None:
            return _failed(request, ErrorCode.NOT_AUTHENTICATED, _SIGN_IN)
        principal = Principal.of(found)
        return await self._limited(row, request, principal, principal.user_id)

    async def _of_device(self, row: Route, request: Request, token: str) -> Response:
        """Answer the device of a hand-over, which may call little, and change nothing twice."""
        handover = await self.api.handovers.authenticate(token) if row.devices else None
        if handover is None or (handover.completed and row.method in {"POST", "DELETE"}):
            return handovers.refused(self.api, request)
        request.state.handover = handover
        source = f"handover {handover.id}"
        return await self._limited(row, request, Principal(handover.user), source)

    async def _limited(
        self, row: Route, request: Request, principal: Principal, source: str
    ) -> Response:
        """Answer a request within the rate limit of its source."""
        standing = self.limiter.standing(source, time.monotonic())
        if not standing.remaining:
            wait = standing.seconds
            answer = _failed(request, ErrorCode.RATE_LIMITED, _TOO_MANY, retry_after=wait)
        else:
            self.limiter.count(source, time.monotonic())
            standing = standing.after_one()
            try:
                if row.operators and not principal.operator:
                    raise error_answers.OperatorsOnly
                _require_storable(request)
                request.state.operator = principal.operator
                answer = await row.handler(self.api, request, principal.user_id)
            except errors.AvatarKitError as error:
                answer = await _explained(request, error)
        answer.headers.update(standing.headers())
        if "tus-resumable" in request.headers:
            answer.headers["tus-resumable"] = parameters.TUS_VERSION
        answer.headers.setdefault("cache-control", "no-store")
        return answer


def _require_storable(request: Request) -> None:
    """Raise ``NotFound`` or ``BadBody`` for a path or a query that nothing stored could have."""
    if not all(_may_be_stored(*given) for given in request.path_params.items()):
        raise errors.NotFound(
            f"Names and IDs in paths have 1 to {MAX_NAME} characters, and no control characters."
        )
    for name, value in request.query_params.items():
        if found := flaw(value):
            shown = cleaned(name)[:MAX_NAME]
            raise BadBody(f"{shown}: the text has {found}: remove it", shown)


def _may_be_stored(parameter: str, name: str) -> bool:
    """Return True for a name or an ID that something stored could have."""
    if parameter == "clone_id":  # a new one is checked by its own rule
        return len(name) <= MAX_NAME
    return may_name(name)


def _document() -> routing.BaseRoute:
    """Build the route of the OpenAPI document, which is generated once and on first use."""
    document = cache(partial(openapi.document, [*ROUTES, *OPEN], version("avatarkit-sdk")))

    async def answer(request: Request) -> Response:
        servers = [{"url": request.scope.get("root_path") or "/"}]
        return JSONResponse(document() | {"servers": servers})

    return routing.Route("/openapi.json", answer, methods=["GET"])


#: Headers that pages of other sites may read.
_EXPOSED = (
    "idempotent-replayed",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "tus-extension",
    "tus-max-size",
    "tus-resumable",
    "tus-version",
    "upload-expires",
    "upload-length",
    "upload-offset",
    "x-request-id",
)


#: Headers of uploads that pages of other sites may send.
_UPLOADING = (
    "tus-resumable",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "x-http-method-override",
)


def _middleware(hosts: Sequence[str], origins: Collection[str], prefix: str) -> list[Middleware]:
    """Build the middleware: host and origin checks, and CORS for ``origins``."""
    middleware = [Middleware(Guard, hosts=hosts, origins=origins, prefix=prefix)]
    if origins:
        allowed = ["authorization", "content-type", "idempotency-key", "last-event-id"]
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(origins),
                allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=[*allowed, *_UPLOADING],
                expose_headers=_EXPOSED,
            )
        )
    return middleware


async def _page(authenticate: Authenticate, files: StaticFiles, request: Request) -> Response:
    """Return the studio; move a start-up token from the URL into a cookie."""
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
    return files.page(request, "studio.html")


async def _phone(files: StaticFiles, request: Request) -> Response:
    """Return the page that a phone opens by the link of a hand-over."""
    answer = files.page(request, "phone.html")
    answer.headers["cache-control"] = "no-store"
    return answer


async def _explained(request: Request, error: Exception) -> Response:
    """Answer an error of the kit: its message says what to do, and holds no secret."""
    if getattr(error, "for_operators", False):
        error = errors.StorageError(str(error))  # a user cannot fix it
    code, param = error_answers.code_of(error)
    message = error_answers.message_of(error)
    if isinstance(error, errors.StorageError):
        # Users must not learn the database's address or its messages.
        log.warning("storage.failed", reason=cleaned(str(error)))
        message = "Storage is unavailable. Try again later."
    elif isinstance(error, errors.BudgetExceeded) and error.budget:
        # Users must not learn the total that was spent.
        log.warning("budget.exceeded", reason=message)
        message = "The budget does not cover this request. Nothing was sent."
    more: dict[str, str] | None = None
    if isinstance(error, Offset):
        more = {"upload-offset": str(error.at)}
    elif isinstance(error, UnsupportedProtocol):
        more = {"tus-version": parameters.TUS_VERSION}
    return _failed(
        request,
        code,
        message,
        param=param,
        more=more,
        retry_after=getattr(error, "retry_after", None),
        findings=getattr(error, "findings", ()),
    )


async def _gone(request: Request, error: Exception) -> Response:
    """Answer a client that disconnected while it sent a body."""
    del request, error
    return Response(status_code=400)


async def _plain(request: Request, error: Exception) -> Response:
    """Answer a path or a method that there is not."""
    status = getattr(error, "status_code", 500)
    if status == 404 and b"%2f" in request.scope.get("raw_path", b"").lower():
        return await _explained(request, BadBody("Names and IDs in paths have no slash (%2F)."))
    code = _STATUS.get(status, ErrorCode.SERVER_FAILED)
    more = {"allow": ", ".join(_allowed(request))} if status == 405 else None
    told, described = str(getattr(error, "detail", "")), CODES[code]
    if told == HTTPStatus(status).phrase:  # it says no more than the status
        told = f"{described.meaning} {described.advice}"
    return _failed(request, code, told, more=more)


_STATUS = {
    400: ErrorCode.INVALID_REQUEST,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
}


def _allowed(request: Request) -> list[str]:
    """Return the methods of a path: Starlette knows those of one of its routes only."""
    routes = [r for r in request.app.routes if isinstance(r, routing.Route)]
    found = [r.methods or () for r in routes if r.matches(request.scope)[0] != Match.NONE]
    return sorted({method for methods in found for method in methods})


def _failed(request: Request, code: ErrorCode, message: str, **more: Any) -> Response:
    root = str(request.scope.get("root_path", ""))
    return error_answers.answer(code, message, root=root, **more)
