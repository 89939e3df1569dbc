"""Records in a Supabase project, by its HTTP API: no database password is needed.

Everything that writes is one call of a function of the migration, and PostgREST makes one request
one transaction. ``avatarkit.http`` speaks to it, not the official ``postgrest`` client, which
would bring ten packages for three shapes of request, and which drops the status and Retry-After of
a failure, repeats reads by itself, and knows no way to say that an answer was lost.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Any, Literal

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
from ..interfaces import (
    Backlog,
    Cap,
    Claim,
    Clock,
    Held,
    LogEntry,
    LogPage,
    Outcome,
    Page,
    Repository,
    Wakes,
)
from ..models import Consent, Operation
from ..records import Instant, LedgerEntry, Record, Sample, Status, Video
from . import realtime, rows, rules, server
from .server import ServerClock

__all__ = ["SupabaseRepository"]

#: A project answers with this many rows at most, unless its settings say otherwise.
_MAX_ROWS = 1000
#: How often a request is sent, at most, while the project is away or answers are lost.
_ATTEMPTS = 4


class SupabaseRepository(Repository, Wakes):
    """Keeps everything in the project at ``url``, whose tables the migration has made.

    ``key`` is the project's ``sb_secret_...`` or service_role key. With a signed-in user's
    ``user_token``, and the publishable or anon key, row level security answers: ``get``, ``page``,
    ``samples`` and ``get_consent`` find what is that user's, and everything else raises
    ``ConfigError``. All ids of rows, users and clones must be UUIDs, and the users must exist in
    auth.users. Due times, intents and leases are measured by the database's clock; ``clock``
    measures time in between, so that it need not be asked for every time, and with ``virtual`` is
    the time itself, for tests.

    Raises ``ConfigError`` for what the project refuses for good, ``StorageError`` where it is away,
    overloaded, or says something that is not understood.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        clock: Clock | None = None,
        virtual: bool = False,
        user_token: str | None = None,
        client: http.Client | None = None,
        timeout: float = 30.0,
    ) -> None:
        if not re.fullmatch(r"https?://[^/?#@\s]+/?", url.strip()):
            raise ConfigError(
                "SUPABASE_URL must be the project's address: https://<id>.supabase.co"
            )
        self._place = url.strip().rstrip("/")
        self._headers = _headers(key.strip(), user_token)
        self._read_only = user_token is not None
        self._user_token = user_token and user_token.strip()
        self._time = clock and ServerClock(clock, self._server_now, virtual=virtual)
        self._timeout = timeout
        self._owned = client is None
        self._client = client or http.new_client(timeout=timeout)

    async def open(self) -> None:
        """Look whether the tables are of this version, and whether the key may use them.

        It never migrates: the project keeps its own history of migrations. Raises ``ConfigError``
        that says what to do.
        """
        if self._owned and self._client.is_closed:
            self._client = http.new_client(timeout=self._timeout)
        version = await self._call("avatarkit_schema_version")
        if wrong := server.wrong_schema(version, self._place):
            raise wrong
        if not self._read_only:
            await self._server_now()  # which only the service may ask

    async def aclose(self) -> None:
        """Close the HTTP client, if it is our own."""
        if self._owned:
            await self._client.aclose()

    async def now(self) -> Instant:
        """The moment by the database's clock."""
        self._for_the_service()
        return await self._time.now() if self._time else Instant(wall=await self._server_now())

    async def _server_now(self) -> float:
        return float(await self._call("avatarkit_now"))

    @property
    def _given(self) -> str | None:
        return self._time.given if self._time else None

    # -- records ------------------------------------------------------------------------------

    async def create(self, record: Record, *caps: Cap) -> tuple[Record, bool]:
        """Insert; if the id exists, what is there and False. Inserts a missing clone.

        After a lost answer it is sent again, and then may say False of what it has just made.
        Raises ``NotFound`` where the clone belongs to another user, ``BudgetExceeded`` where one of
        ``caps`` has no room.
        """
        self._for_the_service()
        _must_be_uuids(id=record.id, user_id=record.user_id, clone_id=record.clone_id)
        if isinstance(record, Video):
            _must_be_uuids(training_id=record.training_id)
        doc, stored = rules.as_stored(record)
        (row,) = await self._call(
            "avatarkit_create",
            p_kind=rows.kind_of(record),
            p_row=_Json(server.row_json(rows.record_row(stored, doc))),
            p_jobs=_Json(server.jobs_json(rules.jobs_of(stored))),
            p_reservation=_Json(server.reservation_json(stored) or "null"),
            p_caps=_Json(server.caps_json(caps)),
        )
        server.require_room(caps, row["cap"], row["held"], stored)
        if row["created"]:
            return stored, True
        return self._parse(row["kind"], record.id, row["doc"]), False

    async def held(self, since: float, until: float, user_id: str | None = None) -> Held:
        """What the records hold that were made from ``since`` to before ``until``."""
        self._for_the_service()
        (row,) = await self._call(
            "avatarkit_held",
            p_since=rows.iso(since),
            p_until=rows.iso(until),
            p_whose=rules.whose(user_id),
        )
        return Held(**row)

    async def get(self, record_id: str) -> Record | None:
        """A training or a video by its id, tombstones included.

        Raises ``StorageError`` where its document cannot be read.
        """
        _must_be_uuids(id=record_id)
        found = await self._call("avatarkit_get", p_id=record_id)
        return self._parse(found[0]["kind"], record_id, found[0]["doc"]) if found else None

    async def save(self, old: Record, new: Record, *entries: LedgerEntry) -> Record | None:
        """Replace ``old`` by ``new`` if nobody else has; None for a lost race.

        After a lost answer it looks: if exactly what was sent is stored, it was this call that
        stored it. If the row is still ``old``, it is sent again, which is safe, as only one of the
        two can find that version. Anything else is a lost race, also where somebody has meanwhile
        gone on from what this call stored; who loads the row anew finds all of it.

        Raises ``IllegalTransition`` where the status of a final record would change.
        """
        self._for_the_service()
        _must_be_uuids(id=old.id)
        doc, saved = rules.as_stored(new.model_copy(update={"version": old.version + 1}))
        jobs = rules.jobs_of(saved)
        change = {
            "p_kind": rows.kind_of(old),
            "p_version": old.version,
            "p_row": _Json(server.change_json(rows.record_row(saved, doc))),
            "p_jobs": None if jobs == rules.jobs_of(old) else _Json(server.jobs_json(jobs)),
            "p_ledger": _Json(server.ledger_json(entries) or "null"),
            "p_reservation": _Json(server.reservation_json(saved, old) or "null"),
        }
        lost: _Lost | None = None
        for _ in range(_ATTEMPTS):
            try:
                if await self._call("avatarkit_save", attempts=1, **change):
                    return saved
                if lost is None:
                    return None
            except _Lost as error:
                lost = error
            _, table = rows.RECORDS[rows.kind_of(old)]
            stored = await self._select(table, select="version,doc", id=f"eq.{old.id}")
            if stored and stored[0]["doc"] == doc:
                return saved
            if not stored or stored[0]["version"] != old.version:
                return None
        raise lost or AssertionError

    def _parse(self, kind: str, record_id: str, doc: str) -> Record:
        return rows.record(kind, record_id, doc, place=self._place)

    def changes(self) -> AsyncGenerator[str | None, None]:
        """Yield the id of each record that changes, heard by Realtime (extra ``supabase``).

        With a user's token, of that user's records.
        """
        return realtime.changes(self._place, self._headers["apikey"], self._user_token)

    # -- leases -------------------------------------------------------------------------------

    async def claim(self, owner: str, limit: int, lease: float) -> list[Claim]:
        """Take up to ``limit`` due records, oldest first, for ``lease`` seconds.

        It is not sent again after a lost answer, but raises ``StorageError``: what it may have
        taken is free again when those leases end. A record that cannot be read is skipped with a
        warning.
        """
        self._for_the_service()

        async def take(limit: int) -> list[tuple[str, str, int, str]]:
            found = await self._call(
                "avatarkit_claim",
                attempts=1,
                p_owner=owner,
                p_limit=min(limit, _MAX_ROWS),
                p_seconds=lease,
                p_now=self._given,
            )
            return [(row["kind"], row["id"], row["fence"], row["doc"]) for row in found]

        async def put_off(record_id: str, fence: int) -> None:
            await self._release(record_id, fence, rules.UNREADABLE_PAUSE)

        return await server.claimed(take, put_off, limit, place=self._place)

    async def renew(self, owner: str, lease: float) -> None:
        """Let every lease that ``owner`` holds end ``lease`` seconds from now; may be repeated."""
        self._for_the_service()
        await self._call("avatarkit_renew", p_owner=owner, p_seconds=lease, p_lease_now=self._given)

    async def release(self, claim: Claim) -> None:
        """End a claim; nothing happens where the fence is not the newest, so it may be repeated."""
        self._for_the_service()
        await self._release(claim.record.id, claim.fence)

    async def _release(self, record_id: str, fence: int, pause: float = 0) -> None:
        await self._call(
            "avatarkit_release",
            p_id=record_id,
            p_fence=fence,
            p_pause=pause,
            p_lease_now=self._given,
        )

    async def next_due(self) -> float | None:
        """When the earliest record that nobody holds is due, in seconds since 1970."""
        self._for_the_service()
        due: float | None = await self._call("avatarkit_next_due", p_lease_now=self._given)
        return due

    async def backlog(self) -> list[Backlog]:
        """What waits, by the provider that it waits for."""
        self._for_the_service()
        found = await self._call("avatarkit_backlog", p_now=self._given)
        return [Backlog(**row) for row in found]

    # -- places at accounts -------------------------------------------------------------------

    async def take_place(
        self, account: str, holder: str, *, places: int | None, rate: float | None, seconds: float
    ) -> float:
        """Take one of an account's places; 0.0, or after how many seconds to ask again.

        After a lost answer it is sent again: the same holder takes no second place, though the
        rate may count two.
        """
        self._for_the_service()
        wait = await self._call(
            "avatarkit_take_place",
            p_account=account,
            p_holder=holder,
            p_places=places,
            p_rate=rate,
            p_seconds=seconds,
            p_now=self._given,
        )
        return float(wait)

    async def leave_place(self, account: str, holder: str) -> None:
        """Give the place back; may be repeated."""
        self._for_the_service()
        await self._call("avatarkit_leave_place", p_account=account, p_holder=holder)

    # -- looking up ---------------------------------------------------------------------------

    async def page(
        self,
        kind: Literal["training", "video"],
        *,
        user_id: str | None = None,
        clone_id: str | None = None,
        training_id: str | None = None,
        status: Status | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Record]:
        """Newest first, without deleted ones; raises ``ConfigError`` for a foreign cursor.

        At most 999 at once, however many were asked for. One that cannot be read is left out,
        with a warning.
        """
        _must_be_uuids(user_id=user_id, clone_id=clone_id, training_id=training_id)
        wanted = rules.page_filter(kind, user_id, clone_id, training_id, status)
        filters = {name: f"eq.{value}" for name, value in wanted.items()}
        if cursor is not None:
            at, last_id = rules.unpack_cursor(cursor)
            _must_be_uuids(cursor=last_id)
            moment = rows.iso(at)
            filters["created_at"] = f"lte.{moment}"  # by which an index can be entered
            filters["or"] = f'(created_at.lt."{moment}",id.lt.{last_id})'
        limit = max(1, min(limit, _MAX_ROWS - 1))
        _, table = rows.RECORDS[kind]
        found = await self._select(
            table,
            select="id,created_at,doc",
            deleted="is.false",
            order="created_at.desc,id.desc",
            limit=str(limit + 1),
            **filters,
        )
        dated = [(row["id"], _seconds(row["created_at"]), row["doc"]) for row in found]
        return rows.page(kind, dated, limit, place=self._place)

    async def find_job(self, provider: str, operation: Operation, job_id: str) -> Record | None:
        """The record that holds this job: of several the oldest, deleted ones last."""
        self._for_the_service()
        found = await self._call(
            "avatarkit_find_job", p_provider=provider, p_operation=operation, p_job_id=job_id
        )
        return self._parse(found[0]["kind"], found[0]["id"], found[0]["doc"]) if found else None

    # -- samples and consents -----------------------------------------------------------------

    async def add_sample(self, sample: Sample) -> Sample:
        """Keep a sample of a clone; the same bytes in the same role are one sample.

        It may be repeated. Raises ``NotFound`` where the clone belongs to another user.
        """
        self._for_the_service()
        _must_be_uuids(id=sample.id, user_id=sample.user_id, clone_id=sample.clone_id)
        doc = await self._call(
            "avatarkit_add_sample",
            p_role=sample.role,
            p_row=_Json(server.row_json(rows.sample_row(sample))),
        )
        return self._sample(rows.SAMPLES[sample.role], sample.id, doc)

    async def samples(self, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """All samples of a clone, or of a user's every clone, oldest first.

        Raises ``NotFound`` for another user's clone. Rows that the application itself has put into
        these tables are none of ours.
        """
        _must_be_uuids(user_id=user_id)
        whose = {"user_id": f"eq.{user_id}"}
        if clone_id is not None:
            _must_be_uuids(clone_id=clone_id)
            owners = await self._select("user_clones", select="user_id", id=f"eq.{clone_id}")
            if owners and owners[0]["user_id"] != user_id.lower():
                rules.hidden_clone(clone_id)
            whose = {"clone_id": f"eq.{clone_id}"}
        found = [
            (row["created_at"], row["id"], table, row["doc"])
            for table in rows.SAMPLES.values()
            for row in await self._whole(
                table, select="id,created_at,doc", doc="not.is.null", **whose
            )
        ]
        return [self._sample(table, row_id, doc) for _, row_id, table, doc in sorted(found)]

    async def remove_sample(self, sample: Sample) -> None:
        """Forget a sample, by its id and role; one that is not there is forgotten."""
        self._for_the_service()
        _must_be_uuids(id=sample.id)
        await self._call("avatarkit_remove_sample", p_role=sample.role, p_id=sample.id)

    def _sample(self, table: str, row_id: str, doc: str) -> Sample:
        return rows.read(Sample, doc, table=table, row_id=row_id, place=self._place)

    async def add_consent(self, consent: Consent) -> Consent:
        """Keep a consent; idempotent by its id: what was kept first is what comes back."""
        self._for_the_service()
        _must_be_uuids(id=consent.id, user_id=consent.user_id)
        row = _Json(server.row_json(rows.consent_row(consent)))
        return self._consent(consent.id, await self._call("avatarkit_add_consent", p_row=row))

    async def get_consent(self, consent_id: str) -> Consent | None:
        """A consent by its id."""
        _must_be_uuids(id=consent_id)
        found = await self._select("avatar_consents", select="doc", id=f"eq.{consent_id}")
        return self._consent(consent_id, found[0]["doc"]) if found else None

    async def revoke_consent(self, consent_id: str, at: float) -> Consent | None:
        """Note when it was revoked, the first time; returns what is kept, or None."""
        self._for_the_service()
        _must_be_uuids(id=consent_id)
        doc = await self._call("avatarkit_revoke_consent", p_id=consent_id, p_at=at)
        return None if doc is None else self._consent(consent_id, doc)

    def _consent(self, consent_id: str, doc: str) -> Consent:
        return rows.read(
            Consent, doc, table="avatar_consents", row_id=consent_id, place=self._place
        )

    # -- erasure ------------------------------------------------------------------------------

    async def consents(self, user_id: str) -> list[Consent]:
        """All consents of a user, by their id."""
        _must_be_uuids(user_id=user_id)
        found = await self._whole("avatar_consents", user_id=f"eq.{user_id}")
        return [self._consent(row["id"], row["doc"]) for row in found]

    async def tombstones(self, user_id: str) -> list[Record]:
        """A user's deleted records whose cleanup has not ended, by their id."""
        self._for_the_service()
        _must_be_uuids(user_id=user_id)
        found = [
            self._parse(kind, row["id"], row["doc"])
            for kind, (_, table) in rows.RECORDS.items()
            for row in await self._whole(table, user_id=f"eq.{user_id}", deleted="is.true")
        ]
        return sorted(found, key=lambda record: record.id)

    async def _whole(
        self, table: str, select: str = "id,doc", **filters: str
    ) -> list[dict[str, Any]]:
        """All rows that the filters let through, by their id, however many they are."""
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while more := await self._select(table, select=select, order="id", **filters, **after):
            found += more
            after = {"id": f"gt.{more[-1]['id']}"}
        return found

    async def erase(self, user_id: str) -> dict[str, int]:
        """Remove the user's samples, consents, deliveries and clones; how many of each.

        It may be repeated; after a lost answer it tells what the last attempt has found.
        """
        self._for_the_service()
        _must_be_uuids(user_id=user_id)
        whose = rules.whose(user_id)
        gone = await self._call("avatarkit_erase", p_user_id=user_id, p_whose=whose)
        return dict(zip(rules.ERASED, gone, strict=True))

    async def drop_webhooks(self, record_id: str) -> None:
        """Remove the deliveries about a record; may be repeated."""
        self._for_the_service()
        _must_be_uuids(record_id=record_id)
        naming = rows.naming(record_id)
        await self._call("avatarkit_drop_webhooks", p_record_id=record_id, p_naming=naming)

    # -- logs ---------------------------------------------------------------------------------

    async def log_webhook(self, entry: LogEntry) -> bool:
        """Keep a delivery; False where this event of this provider is known already.

        True after a lost answer: to handle a delivery twice does no harm, to drop it does.
        """
        self._for_the_service()
        _must_be_uuids(record_id=entry.record_id)
        delivery: dict[str, Any] = {
            "p_provider": entry.provider,
            "p_event_id": entry.event_id,
            "p_event_type": entry.event_type,
            "p_body": base64.b64encode(entry.payload).decode(),
            "p_received_at": rows.iso(entry.received_at),
            "p_record_id": entry.record_id,
            "p_outcome": entry.outcome,
            "p_doc": rows.log_doc(entry),
        }
        try:
            return bool(await self._call("avatarkit_log_webhook", attempts=1, **delivery))
        except _Lost:
            await self._call("avatarkit_log_webhook", **delivery)
            return True

    async def settle_webhook(
        self, provider: str, event_id: str, outcome: Outcome, record_id: str | None = None
    ) -> None:
        """Note what became of a delivery, and whose it was, where that is known."""
        self._for_the_service()
        _must_be_uuids(record_id=record_id)
        await self._call(
            "avatarkit_settle_webhook",
            p_provider=provider,
            p_event_id=event_id,
            p_outcome=outcome,
            p_record_id=record_id,
        )

    async def get_webhook(self, provider: str, event_id: str) -> LogEntry | None:
        """One delivery."""
        found = await self._logged(1, p_provider=provider, p_event_id=event_id)
        return found[0] if found else None

    async def webhooks(
        self,
        *,
        user_id: str | None = None,
        provider: str | None = None,
        outcome: Outcome | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> LogPage:
        """The log, newest first; of one user: what was about that user's records."""
        limit = max(1, min(limit, _MAX_ROWS - 1))
        wanted = server.log_filter(user_id, provider, outcome, cursor)
        found = await self._logged(limit + 1, **wanted)
        return rows.log_page(found, limit)

    async def pending_webhooks(self, limit: int = 64) -> list[LogEntry]:
        """What is "received", then what is "unmatched", each oldest first."""
        return await self._logged(limit, p_pending=True)

    async def _logged(self, limit: int, **wanted: Any) -> list[LogEntry]:
        self._for_the_service()
        _must_be_uuids(user_id=wanted.get("p_user_id"))
        limit = min(limit, _MAX_ROWS)
        found = await self._call("avatarkit_webhooks", p_limit=limit, **wanted)
        return [server.logged(row, place=self._place) for row in found]

    async def ledger(self, record_id: str | None = None) -> list[LedgerEntry]:
        """What was accepted by vendors, oldest first."""
        self._for_the_service()
        _must_be_uuids(record_id=record_id)
        filters = {} if record_id is None else {"record_id": f"eq.{record_id}"}
        columns = ",".join((*LedgerEntry.model_fields, "place"))
        found: list[dict[str, Any]] = []
        # Not by an offset, as entries may be added meanwhile.
        while more := await self._select(
            "avatar_ledger",
            select=columns,
            order="place",
            place=f"gt.{found[-1]['place'] if found else -1}",
            **filters,
        ):
            found += more
        found.sort(key=lambda row: (row["at"], row["place"]))
        return [
            LedgerEntry.model_validate(
                {name: row[name] for name in LedgerEntry.model_fields} | {"at": _seconds(row["at"])}
            )
            for row in found
        ]

    # -- requests -----------------------------------------------------------------------------

    def _for_the_service(self) -> None:
        if self._read_only:
            raise ConfigError(
                "with a user's token records can only be read: give SupabaseRepository the "
                "project's secret key, and no user_token, where it is to write"
            )

    async def _call(self, function: str, *, attempts: int = _ATTEMPTS, **arguments: Any) -> Any:
        """Call a function of the migration; raises ``_Lost`` where no clear answer came."""
        request = self._client.build_request(
            "POST",
            http.parsed(f"{self._place}/rest/v1/rpc/{function}"),
            content=_object(arguments),
            headers={"content-type": "application/json", **self._headers},
        )
        return await self._answer(request, function, attempts)

    async def _select(self, table: str, **parameters: str) -> list[dict[str, Any]]:
        request = self._client.build_request(
            "GET", f"{self._place}/rest/v1/{table}", params=parameters, headers=self._headers
        )
        found: list[dict[str, Any]] = await self._answer(request, table, _ATTEMPTS)
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
        raise failure  # outside, so that its context holds no answer, in which a row may stand


def _headers(key: str, user_token: str | None) -> dict[str, str]:
    """How requests say who asks; raises ``ConfigError`` for what cannot be a key or a token."""
    token = user_token.strip() if user_token is not None else key
    for what, secret in (("SUPABASE_SERVICE_ROLE_KEY", key), ("user_token", token)):
        if not re.fullmatch(r"[\x21-\x7e]+", secret):
            raise ConfigError(f"{what} is empty, or has characters that no key has: set it anew")
    if key.startswith("sb_publishable_") and user_token is None:
        raise ConfigError(
            "a publishable key alone may read and write nothing: give the sb_secret_... key, or "
            "a user's token with it"
        )
    return key_headers(key, token)


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _must_be_uuids(**ids: str | None) -> None:
    for name, value in ids.items():
        if value is not None and not _UUID.fullmatch(value):
            raise ConfigError(
                f"{name} is {value[:80]!r}, but in Supabase ids are UUIDs: use the user's id of "
                "auth.users, and str(uuid.uuid4()) for a new clone"
            )


class _Json(str):
    """Text that is JSON already, and goes into a request as it is."""

    __slots__ = ()


def _object(arguments: Mapping[str, Any]) -> bytes:
    values = (
        f'"{name}":{value if isinstance(value, _Json) else to_json(value).decode()}'
        for name, value in arguments.items()
    )
    return f"{{{','.join(values)}}}".encode()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


# -- failures --------------------------------------------------------------------------------------


class _Lost(StorageError):
    """No clear answer came back: what was asked may have been done, or may yet be done."""


_KEY = (
    "{place} does not accept the key or token, or it has expired: set SUPABASE_SERVICE_ROLE_KEY to "
    "the project's sb_secret_... or service_role key, or give a fresh user_token with the "
    "publishable or anon key"
)
_ADDRESS = "{place} has no API of a Supabase project ({said}): check SUPABASE_URL"
_AWAY = "{place} cannot be used at this moment ({said}): try again later"
_UNCLEAR = "{place} refuses the request, or says what is not understood ({said}): see its logs"

_BY_STATUS: Mapping[int | None, tuple[type[AvatarKitError], str]] = {
    **dict.fromkeys((401, 403), (ConfigError, _KEY)),
    **dict.fromkeys((301, 302, 307, 308, 404), (ConfigError, _ADDRESS)),
}

#: Codes of PostgREST's that say the same as one of PostgreSQL's.
_SAME_AS = {"PGRST202": "42883", "PGRST205": "42P01"}
#: These prove that nothing was done, and that the same may succeed in a moment.
_ROLLED_BACK = frozenset({"40001", "40P01", "53300", "55P03", "PGRST003"})
_NO_ANSWER = (BadReply, RateLimited, Unavailable)


def _explained(_status: int, body: Any) -> http.Explanation:
    """Read an error of PostgREST; its ``details`` quote whole rows and are never looked at."""
    code, said = (body.get("code"), body.get("message")) if isinstance(body, dict) else (None, None)
    if not isinstance(code, str) or not isinstance(said, str):
        return http.Explanation()
    code = _SAME_AS.get(code, code)
    known = server.explained(code, said, "") is not None
    kind = RateLimited if code in _ROLLED_BACK else Refused if known else None
    return http.Explanation(kind, code, said)


def _translated(error: ProviderError, place: str) -> AvatarKitError:
    """Say a failed request as repositories do: by the code first, then by the status."""
    code = error.code or ""
    lost = isinstance(error, _NO_ANSWER)
    if not lost and (known := server.explained(code, error.message, place)):
        return known
    otherwise = (_Lost, _AWAY) if lost else (StorageError, _UNCLEAR)
    status = 401 if code.startswith("PGRST30") else error.status
    kind, text = _BY_STATUS.get(status, otherwise)
    # errors in data (class 22) quote the data
    said = [error.message] if not code.startswith("22") else []
    said += [str(mark) for mark in (error.status, code) if mark]
    if error.retry_after is not None:
        said.append(f"it asks for {error.retry_after:.0f} s of patience")
    return server.located(kind, text, place, ", ".join(said))
