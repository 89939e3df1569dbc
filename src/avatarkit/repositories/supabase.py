"""Repository in a Supabase project, over its HTTP API: no database password is needed.

Each write is one call of a function of the migration, and PostgREST runs one request in one
transaction. ``avatarkit.http`` sends the requests, not the official ``postgrest`` client: that
brings ten packages for three shapes of request, drops the status and Retry-After of a failure,
repeats reads by itself, and cannot report that an answer was lost.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, cast

from pydantic_core import to_json

from .. import http
from ..errors import (
    AvatarKitError,
    BadReply,
    ConfigError,
    ProviderError,
    RateLimited,
    Refused,
    StorageError,
    Unavailable,
)
from ..http.supabase_keys import key_headers
from ..interfaces import Clock, Wakes
from . import realtime, server, server_errors
from .server_clock import ServerClock

#: Rows of one answer, at most, unless the project's settings say otherwise.
_MAX_ROWS = 1000
#: How often a request is sent, at most, while the project is away or answers are lost.
_ATTEMPTS = 4

#: Not repeated after a lost answer: the records may be leased already, until the lease ends.
_ONCE = frozenset({"avatarkit_claim"})


class SupabaseRepository(server.ServerRepository, Wakes):
    """Repository in the project at ``url``, whose tables the migration has created.

    ``key`` is the project's ``sb_secret_...`` or service_role key. A user's token does not do:
    users read some columns of their rows, but no whole record, which has vendors' job ids and
    costs. All ids of rows, users and clones must be UUIDs, and the users must exist in
    auth.users. Due times, intents and leases use the database's clock; ``clock`` measures the time
    between two questions to the database. With ``virtual``, for tests, ``clock`` is used alone.

    Raises ``ConfigError`` for a permanent refusal, ``StorageError`` if the project is away or
    overloaded, or gives an unexpected answer.
    """

    _most_rows = _MAX_ROWS

    def __init__(
        self,
        url: str,
        key: str,
        *,
        clock: Clock | None = None,
        virtual: bool = False,
        client: http.Client | None = None,
        timeout: float = 30.0,
    ) -> None:
        if not re.fullmatch(r"https?://[^/?#@\s]+/?", url.strip()):
            raise ConfigError(
                "SUPABASE_URL must be the project's address: https://<id>.supabase.co"
            )
        self._place = url.strip().rstrip("/")
        self._headers = _headers(key.strip())
        self._time = ServerClock(clock, self._server_now, virtual=virtual) if clock else None
        self._timeout = timeout
        self._owned = client is None
        self._client = client or http.new_client(timeout=timeout)

    async def open(self) -> None:
        """Check that the tables have this version, and that the key may use them.

        Never migrates: the project keeps its own history of migrations. Raises ``ConfigError``
        that tells what to do.
        """
        if self._owned and self._client.is_closed:
            self._client = http.new_client(timeout=self._timeout)
        version = await self._call("avatarkit_schema_version")
        if wrong := server_errors.wrong_schema(version, self._place):
            raise wrong

    async def aclose(self) -> None:
        """Close the HTTP client, if it is our own."""
        if self._owned:
            await self._client.aclose()

    def changes(self) -> AsyncGenerator[str | None, None]:
        """Yield the id of each record that changes, from Realtime (extra ``supabase``)."""
        return realtime.changes(self._place, self._headers["apikey"])

    # -- requests ---------------------------------------------------------------------------------

    def _check_ids(self, **ids: str | None) -> None:
        """Raise ``ConfigError`` for an id that is no UUID."""
        for name, value in ids.items():
            if value is not None and not _UUID.fullmatch(value):
                raise ConfigError(
                    f"{name} is {value[:80]!r}, but in Supabase ids are UUIDs: use the user's id "
                    "of auth.users, and str(uuid.uuid4()) for a new clone"
                )

    async def _call(self, function: str, *, again: bool = True, **arguments: Any) -> Any:
        """Call a function of the migration; raises ``AnswerLost`` if no clear answer came."""
        request = self._client.build_request(
            "POST",
            http.parsed(f"{self._place}/rest/v1/rpc/{function}"),
            content=_object(arguments),
            headers={"content-type": "application/json", **self._headers},
        )
        attempts = _ATTEMPTS if again and function not in _ONCE else 1
        return await self._answer(request, function, attempts)

    async def _matching(
        self, table: str, columns: Sequence[str], where: Mapping[str, str | bool], key: str = "id"
    ) -> list[server.Row]:
        """All rows that have these values, sorted by ``key``, in as many requests as needed."""
        filters = {"select": ",".join(columns), "order": key}
        filters |= {name: "is.true" if v is True else f"eq.{v}" for name, v in where.items()}
        found = more = await self._select(table, filters)
        while more and key not in where:  # by key, not by offset: rows may be added meanwhile
            more = await self._select(table, {**filters, key: f"gt.{more[-1][key]}"})
            found = found + more
        return found

    async def _newest(
        self, table: str, where: Mapping[str, str], before: tuple[str, str] | None, limit: int
    ) -> list[server.Row]:
        """Rows (id, created_at, doc) that are not deleted, newest first."""
        filters = {name: f"eq.{value}" for name, value in where.items()}
        if before is not None:
            at, last_id = before
            filters["created_at"] = f"lte.{at}"  # lets the query use the index
            filters["or"] = f'(created_at.lt."{at}",id.lt.{last_id})'
        filters |= {"select": "id,created_at,doc", "deleted": "is.false", "limit": str(limit)}
        return await self._select(table, {**filters, "order": "created_at.desc,id.desc"})

    async def _select(self, table: str, parameters: Mapping[str, str]) -> list[server.Row]:
        request = self._client.build_request(
            "GET", f"{self._place}/rest/v1/{table}", params=parameters, headers=self._headers
        )
        found: list[server.Row] = await self._answer(request, table, _ATTEMPTS)
        return found

    async def _answer(self, request: http.HttpRequest, operation: str, attempts: int) -> Any:
        call = http.Call(
            provider="supabase",
            operation=operation,
            timeout=self._timeout,
            attempts=attempts,
            explain=_explained,
        )
        try:
            return await http.send_any(self._client, request, call)
        except ProviderError as error:
            failure = _translated(error, self._place)
        raise failure  # outside of ``except``: its context would hold the answer, with a row in it


def _headers(key: str) -> dict[str, str]:
    """Headers with the key; raises ``ConfigError`` for what cannot be one."""
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ConfigError(
            "SUPABASE_SERVICE_ROLE_KEY is empty, or has characters that no key has: set it again"
        )
    if key.startswith("sb_publishable_"):
        raise ConfigError(
            "a publishable key may read and write no record: give the project's sb_secret_... key"
        )
    return key_headers(key)


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _object(arguments: Mapping[str, Any]) -> bytes:
    values = (
        f'"{name}":{value if isinstance(value, server.Json) else to_json(value).decode()}'
        for name, value in arguments.items()
    )
    return f"{{{','.join(values)}}}".encode()


# -- failures -------------------------------------------------------------------------------------

_KEY = (
    "{place} does not accept the key, or it has expired: set SUPABASE_SERVICE_ROLE_KEY to the "
    "project's sb_secret_... or service_role key"
)
_ADDRESS = "{place} has no API of a Supabase project ({said}): check SUPABASE_URL"
_AWAY = "{place} cannot be used at this moment ({said}): try again later"
_UNCLEAR = "{place} refuses the request, or gives an unexpected answer ({said}): see its logs"

_BY_STATUS: Mapping[int | None, tuple[type[AvatarKitError], str]] = {
    **dict.fromkeys((401, 403), (ConfigError, _KEY)),
    **dict.fromkeys((301, 302, 307, 308, 404), (ConfigError, _ADDRESS)),
}

#: Codes of PostgREST with the same meaning as one of PostgreSQL.
_SAME_AS = {"PGRST202": "42883", "PGRST205": "42P01"}
#: Codes of a request that was not carried out, and may succeed in a moment.
_ROLLED_BACK = frozenset({"40001", "40P01", "53300", "55P03", "PGRST003"})
_NO_ANSWER = (BadReply, RateLimited, Unavailable)


def _explained(_status: int, body: Any) -> http.Explanation:
    """Read an error of PostgREST, but never its ``details``, which quote whole rows."""
    reply = cast("dict[str, Any]", body) if isinstance(body, dict) else dict[str, Any]()
    code, said = reply.get("code"), reply.get("message")
    if not isinstance(code, str) or not isinstance(said, str):
        return http.Explanation()
    code = _SAME_AS.get(code, code)
    known = server_errors.explained(code, said, "") is not None
    kind = RateLimited if code in _ROLLED_BACK else Refused if known else None
    return http.Explanation(kind, code, said)


def _translated(error: ProviderError, place: str) -> AvatarKitError:
    """Error of a repository for a failed request: by its code first, then by its status."""
    code = error.code or ""
    lost = isinstance(error, _NO_ANSWER)
    if not lost and (known := server_errors.explained(code, error.message, place)):
        return known
    otherwise = (server.AnswerLost, _AWAY) if lost else (StorageError, _UNCLEAR)
    status = 401 if code.startswith("PGRST30") else error.status
    kind, text = _BY_STATUS.get(status, otherwise)
    # errors in data (class 22) quote the data
    said = [error.message] if not code.startswith("22") else []
    said += [str(mark) for mark in (error.status, code) if mark]
    if error.retry_after is not None:
        said.append(f"it asks to wait {error.retry_after:.0f} s")
    return server_errors.located(kind, text, place, ", ".join(said))
