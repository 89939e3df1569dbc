"""Authentication of requests: the protocol, bearer tokens, start-up token and Supabase JWTs."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import jwt
from starlette.requests import HTTPConnection

from .. import http
from ..errors import ProviderError, StorageError
from ..webhooks import require_unguessable


@dataclass(frozen=True, slots=True)
class Principal:
    """The user who sent a request; an ``operator`` may also see the state of the deployment."""

    user_id: str
    operator: bool = False

    @classmethod
    def of(cls, found: str | Principal) -> Principal:
        """Build the principal of what ``authenticate`` returned."""
        return cls(found) if isinstance(found, str) else found


#: Returns the user of a request, or None if it is not authenticated: an ID stands for a user who
#: is no operator. It may read headers and cookies, but not the body.
Authenticate = Callable[[HTTPConnection], Awaitable[str | Principal | None]]


def bearer(request: HTTPConnection) -> str | None:
    """Return the token of ``Authorization: Bearer``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class BearerTokens:
    """Static tokens: ``{token: user ID or principal}``.

    Raises ``ConfigError`` for an easy token.
    """

    def __init__(self, tokens: Mapping[str, str | Principal]) -> None:
        for token in tokens:
            require_unguessable("a token", token)
        self._users = {_digest(token): Principal.of(user) for token, user in tokens.items()}

    async def __call__(self, request: HTTPConnection) -> Principal | None:
        """Compare with every token, in constant time."""
        given = _digest(bearer(request) or "")
        found = [user for known, user in self._users.items() if hmac.compare_digest(known, given)]
        return found[0] if found else None


class StartupToken:
    """One token for one user, who is the operator; ``serve`` prints it as part of its URL.

    Programs send it as a bearer token. Opening the page with ``?token=`` stores another value,
    derived from it, in a same-site cookie. Cookies go to every port of a host, so this one counts
    only in requests of the page itself, and never as a token.
    """

    COOKIE = "avatarkit"

    def __init__(self, token: str, user_id: str = "me") -> None:
        self._user = Principal(user_id, operator=True)
        self._own = BearerTokens({token: self._user})
        self._known, self._cookie = _digest(token), _digest(_derived(token))

    def cookie_for(self, token: str) -> str | None:
        """Return the value of the cookie, or None for a wrong token."""
        known = hmac.compare_digest(_digest(token), self._known)
        return _derived(token) if known else None

    async def __call__(self, request: HTTPConnection) -> Principal | None:
        """Accept the header, or the cookie from our own page."""
        cookie = _digest(request.cookies.get(self.COOKIE, ""))
        if hmac.compare_digest(cookie, self._cookie) and _same_origin(request):
            return self._user
        return await self._own(request)


def _digest(secret: str) -> bytes:
    """Return what is kept of a secret, so that no dump of an object shows it."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _derived(token: str) -> str:
    return hmac.new(token.encode(errors="surrogatepass"), b"cookie", hashlib.sha256).hexdigest()


def _same_origin(request: HTTPConnection) -> bool:
    """Return False if a browser says that another site, port or scheme sent the request."""
    headers = request.headers
    origin = headers.get("origin")
    own = origin is None or origin.partition("://")[2] == headers.get("host")
    return own and headers.get("sec-fetch-site") in {None, "same-origin", "none"}


class SupabaseTokens:
    """Access tokens (JWT) of the users of the Supabase project at ``url``.

    With the project's legacy ``secret`` they are verified as HS256, else with the project's public
    keys, which are downloaded when a key is unknown, at most once a minute. Only signed-in users
    pass: audience and role "authenticated". Raises ``StorageError`` if the download fails.
    """

    _ALGORITHMS = ("ES256", "RS256", "EdDSA")
    _PAUSE = 60.0

    def __init__(
        self,
        url: str,
        *,
        secret: str | None = None,
        client: http.Client | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = url.rstrip("/")
        self._secret = secret
        self._client = client
        self._now = now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._downloaded = -self._PAUSE
        self._downloading = anyio.Lock()

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Return the user ID if the token is valid and belongs to a signed-in user."""
        token = bearer(request)
        if token is None:
            return None
        try:
            key, algorithms = await self._key(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(algorithms),
                audience="authenticated",
                issuer=f"{self._url}/auth/v1",
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        return str(claims["sub"]) if claims.get("role") == "authenticated" else None

    async def _key(self, token: str) -> tuple[Any, tuple[str, ...]]:
        if self._secret is not None:
            return self._secret, ("HS256",)
        name = str(jwt.get_unverified_header(token).get("kid"))
        if name not in self._keys:
            await self._download(name)
        try:
            return self._keys[name], self._ALGORITHMS
        except KeyError:
            raise jwt.InvalidTokenError from None

    async def _download(self, name: str) -> None:
        async with self._downloading:
            if name in self._keys or self._now() - self._downloaded < self._PAUSE:
                return
            client = self._client or http.new_client(timeout=10.0)
            try:
                request = client.build_request("GET", f"{self._url}/auth/v1/.well-known/jwks.json")
                call = http.Call(provider="supabase", operation="jwks", timeout=10.0)
                keys = await http.send(client, request, call)
                self._downloaded = self._now()
                found = jwt.PyJWKSet.from_json(json.dumps(keys))
            except (ProviderError, AttributeError) as error:  # of PyJWT, for a list
                raise StorageError("Supabase's keys could not be downloaded. Try again.") from error
            finally:
                if self._client is None:
                    await client.aclose()
            self._keys = {str(key.key_id): key for key in found.keys}
