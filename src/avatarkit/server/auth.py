"""Who asks: the application's own answer, or one of three that come with avatarkit."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import jwt
from starlette.requests import HTTPConnection

from .. import http
from ..errors import ProviderError, StorageError
from ..webhooks import require_unguessable

__all__ = ["Authenticate", "BearerTokens", "StartupToken", "SupabaseTokens", "bearer"]

#: Says whose request it is: a user's id, or None for a stranger. It may look at headers and
#: cookies; it must not read the body.
Authenticate = Callable[[HTTPConnection], Awaitable[str | None]]


def bearer(request: HTTPConnection) -> str | None:
    """The token of ``Authorization: Bearer``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class BearerTokens:
    """Tokens of machines: ``{token: user id}``. Raises ``ConfigError`` for a guessable one."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        for token in tokens:
            require_unguessable("a token", token)
        self._tokens = dict(tokens)

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Compare with every token, in constant time."""
        given = (bearer(request) or "").encode()
        found = [u for t, u in self._tokens.items() if hmac.compare_digest(t.encode(), given)]
        return found[0] if found else None


class StartupToken:
    """One user of one machine: the token stands in the address that ``serve`` prints.

    The page that is opened with ``?token=`` gets it as a cookie that no other site's page can
    use; programs send it as a bearer token.
    """

    COOKIE = "avatarkit"

    def __init__(self, token: str, user_id: str = "me") -> None:
        self._own = BearerTokens({token: user_id})
        self._token, self._user_id = token, user_id

    def knows(self, token: str) -> bool:
        """Whether this is the token, compared in constant time."""
        return hmac.compare_digest(token.encode(), self._token.encode())

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Take the header or the cookie."""
        cookie = request.cookies.get(self.COOKIE, "")
        return self._user_id if self.knows(cookie) else await self._own(request)


class SupabaseTokens:
    """Access tokens of the users of the Supabase project at ``url``.

    With the project's legacy ``secret`` they are checked as HS256, else by the keys that the
    project publishes, which are asked for when one is unknown, at most once a minute. Only
    signed-in users pass: audience and role "authenticated". Raises ``StorageError`` where the keys
    cannot be had now.
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
        self._asked = -self._PAUSE
        self._asking = anyio.Lock()

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Return the user's id where the token is signed, fresh and of a signed-in user."""
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
            await self._ask(name)
        try:
            return self._keys[name], self._ALGORITHMS
        except KeyError:
            raise jwt.InvalidTokenError from None

    async def _ask(self, name: str) -> None:
        async with self._asking:
            if name in self._keys or self._now() - self._asked < self._PAUSE:
                return
            client = self._client or http.new_client(timeout=10.0)
            try:
                request = client.build_request("GET", f"{self._url}/auth/v1/.well-known/jwks.json")
                call = http.Call(provider="supabase", operation="jwks", timeout=10.0)
                told = await http.send(client, request, call)
            except ProviderError as error:
                raise StorageError("Supabase's keys cannot be had: try again") from error
            finally:
                if self._client is None:
                    await client.aclose()
            self._asked = self._now()
            found = jwt.PyJWKSet.from_json(json.dumps(told))
            self._keys = {str(key.key_id): key for key in found.keys}
