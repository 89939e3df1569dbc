"""Vendors that are scripted down to the wire, and a house with a kit in it that uses them.

A vendor takes what it is sent, charges for it, finishes it in virtual time, and forgets nothing.
Where its own document is at hand, it is strict: unknown fields and paths fail the test.
``order`` makes the next such thing at it go wrong. Its answers have the shapes of the recorded ones
beside the tests of the adapters. ``SETUPS`` is the table of stacks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import SecretStr

from avatarkit import AvatarKit, Consent, http
from avatarkit.config.settings import Settings
from avatarkit.interfaces import CatalogueEntry, LogEntry, MediaStore, ProviderSettings
from avatarkit.models import Operation, Options, StoredFile
from avatarkit.providers.coqui import Coqui
from avatarkit.providers.did import DID, DIDConsent
from avatarkit.providers.elevenlabs import ElevenLabs, ElevenLabsProfessional
from avatarkit.providers.fake import Fake, FakeVendor, Fault
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.resemble import Resemble
from avatarkit.providers.synthesia import Synthesia
from avatarkit.providers.tavus import Tavus
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock, Wire
from avatarkit.webhooks import Delivery, Inboxes
from results import mp3, result, wav

from .contract import VARIABLE, Contract

__all__ = ["SETUPS", "STOCK", "Event", "House", "Made", "Setup", "Stock"]

VOICE, AVATAR, SPEECH, VIDEO = Operation.VOICE, Operation.AVATAR, Operation.SPEECH, Operation.VIDEO
HERE = Path(__file__).parent
DEMO = HERE.parent.parent / "src/avatarkit/data/demo"
HEYGEN, EL, D_ID, TAVUS, RESEMBLE, SYNTHESIA, COQUI = (
    json.loads((HERE / f"{name}.json").read_text())
    for name in ("heygen", "elevenlabs", "did", "tavus", "resemble", "synthesia", "coqui")
)
SCRIPT = "Hello from the other side."
SECRET = b"a-secret-of-webhooks"
INBOXES = Inboxes("https://app.example", "a-secret-of-the-inbox")
DAY = 86_400.0


class Event(StrEnum):
    """What can be ordered; the next call of that kind and operation meets it."""

    RATE_LIMITED = "rate_limited"  #: on the creating call
    POLL_LIMITED = "poll_limited"
    QUOTA = "quota"
    PLAN = "plan"
    MODERATION = "moderation"  #: on the creating call, or of the job, as the vendor has it
    CONSENT = "consent"  #: the job waits for the person
    CONSENT_EXPIRES = "consent_expires"  #: not ordered: it does so by itself
    CONSENT_REFUSED = "consent_refused"  #: not ordered: what was given will not do
    UNKNOWN_WORD = "unknown_word"  #: three polls tell of a state that nobody knows
    HTML_POLL = "html_poll"  #: a gateway answers for the vendor
    HTML_CREATE = "html_create"  #: before the vendor saw the creating call
    HTML_ACCEPTED = "html_accepted"  #: after the vendor accepted it
    LOST = "lost"  #: accepted, and then the connection was cut
    FAST = "fast"  #: accepted, finished and reported before the answer is given
    FAST_LOST = "fast_lost"  #: the same, and then the connection was cut
    DEAD_LINK = "dead_link"  #: the link to a result is refused from now on; a fresh one works
    LOST_DELETE = "lost_delete"  #: deleted, and then the connection was cut


@dataclass(eq=False)
class Made:
    """What a vendor accepted, and keeps until it is deleted."""

    operation: Operation
    id: str
    token: str
    said: Mapping[str, Any]
    born: float
    ends: float
    key: str | None
    free: bool = False
    deleted: bool = False
    odd: int = 0  #: polls that still tell an unknown word
    waits: bool = False  #: for the person's consent
    fails: bool = False  #: its content is refused


@dataclass(frozen=True)
class Route:
    method: str
    path: re.Pattern[str]
    what: str  #: "create", "list", "poll", "delete", or a method of the vendor's own
    operation: Operation


def route(method: str, path: str, what: str, operation: Operation) -> Route:
    return Route(method, re.compile(path.replace("{id}", "(?P<id>[^/]+)")), what, operation)


def thing(
    operation: Operation, path: str, *, create: str = "", listed: str = "", one: str = ""
) -> list[Route]:
    """The four calls about one kind of thing, where they follow the usual paths."""
    one = one or f"{path}/{{id}}"
    return [
        route("POST", create or path, "create", operation),
        route("GET", listed or path, "list", operation),
        route("GET", one, "poll", operation),
        route("DELETE", one, "delete", operation),
    ]


def answer(body: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def file(content: bytes, status: int = 200, **headers: str) -> httpx.Response:
    """Bytes that come as a stream, of a length that is told."""

    async def streamed() -> AsyncIterator[bytes]:
        yield content

    known = {"content-length": str(len(content))} | headers
    return httpx.Response(status, content=streamed(), headers=known)


def html() -> httpx.Response:
    page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    return httpx.Response(502, content=page, headers={"content-type": "text/html"})


class Vendor(Wire):
    """One vendor behind its adapter's client."""

    adapter: ClassVar[type]
    routes: ClassVar[Sequence[Route]]
    #: how it says no: event -> status and body
    refusals: ClassVar[Mapping[Event, tuple[int, Any]]] = {}
    seconds: ClassVar[Mapping[Operation, float]] = {VOICE: 8.0, AVATAR: 40.0, VIDEO: 15.0}
    #: the states it tells of a job, of each operation that has any: at work, done, failed, waiting
    words: ClassVar[Mapping[Operation, tuple[str, ...]]]
    moderates: ClassVar[frozenset[Operation]] = frozenset()  #: once the job is accepted
    polled: ClassVar[frozenset[Operation]] = frozenset({VOICE, AVATAR, VIDEO})
    linked: ClassVar[frozenset[Operation]] = frozenset({AVATAR, VIDEO})  #: have files to fetch
    deletes: ClassVar[frozenset[Operation]] = frozenset({VOICE, AVATAR, VIDEO})
    reports: ClassVar[frozenset[Operation]] = frozenset()  #: by webhook
    consents: ClassVar[frozenset[Operation]] = frozenset()
    free: ClassVar[frozenset[Operation]] = frozenset()  #: nothing is paid for it
    lasts = 10.0  #: seconds of each of its videos
    lag = 30.0  #: seconds until a new job is listed
    window: ClassVar[float | None] = None  #: for how long it knows an idempotency key
    consent_lives: ClassVar[float | None] = None  #: seconds until it must be asked for anew
    address: ClassVar[str | None] = None  #: of a server of one's own
    more: ClassVar[Mapping[str, Any]] = {}  #: what else the adapter is made of
    documents: ClassVar[Sequence[str]] = ()  #: the vendor's own, see ``contract``

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.made: list[Made] = []
        self.calls: list[tuple[float, Operation, str, str | None]] = []  #: creating ones
        self.opened: list[str] = []  #: links, refused ones included
        self.delivery: Callable[[Delivery, str | None], Awaitable[Any]] | None = None
        self._orders: list[tuple[Event, Operation, Any]] = []
        self._dead: set[str] = set()
        self._links = 0
        named = self.documents if VARIABLE in os.environ else ()
        self.contracts = [Contract.of(name, closed=True) for name in named]

    def provider(self, home: Path) -> Any:
        kind = type(self.adapter.__name__, (_Opens, self.adapter), {})
        settings = ProviderSettings(
            api_key=SecretStr("k"),
            base_url=self.address,
            home=home,
            clock=self.clock,
            webhook_secrets=(SECRET,),
        )
        return kind(settings, client=self.client, **self.more)

    def can(self, event: Event, operation: Operation) -> bool:
        """Whether this can happen at all."""
        match event:
            case Event.MODERATION if operation in self.moderates:
                return True
            case Event.QUOTA | Event.PLAN | Event.MODERATION:
                return event in self.refusals
            case Event.CONSENT | Event.CONSENT_REFUSED:
                return operation in self.consents
            case Event.CONSENT_EXPIRES:
                return operation in self.consents and self.consent_lives is not None
            case Event.UNKNOWN_WORD:
                return operation in self.words
            case Event.HTML_POLL | Event.POLL_LIMITED:
                return operation in self.polled
            case Event.DEAD_LINK:
                return operation in self.linked
            case Event.LOST_DELETE:
                return operation in self.deletes
            case Event.FAST | Event.FAST_LOST:
                return operation in self.reports
            case _:
                return True

    def order(
        self, event: Event, operation: Operation, times: int = 1, retry_after: float | None = None
    ) -> None:
        self._orders += [(event, operation, retry_after)] * times

    def paid(self, token: str) -> int:
        return sum(made.token == token and not made.free for made in self.made)

    async def agree(self, house: House, record: Any) -> None:
        """The person consents, in the way in which the vendor asks for it."""
        raise NotImplementedError

    def revoke(self, record: Any) -> None:
        """What the person gave is good no more."""
        raise NotImplementedError

    def now(self) -> float:
        return self.clock.now().wall

    # -- answering ----------------------------------------------------------------------------

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        if request.url.host == "files.example.com":
            return self._file(str(request.url))
        for contract in self.contracts:
            if request.url.host in contract.hosts:
                contract.check(request)
        for known in self.routes:
            found = known.path.fullmatch(request.url.path)
            if found and known.method == request.method:
                return await self._answer(known, found.groupdict().get("id", ""), request)
        raise AssertionError(f"nobody knows {request.method} {request.url}")

    async def _answer(self, known: Route, job_id: str, request: httpx.Request) -> httpx.Response:
        operation = known.operation
        match known.what:
            case "create":
                return await self._create(operation, request)
            case "list":
                return self.listed(operation, self._listed(operation), request)
            case "poll":
                return self._poll(operation, job_id)
            case "delete":
                return self._delete(operation, job_id)
            case own:
                said = getattr(self, own)(job_id, request)
                return said if isinstance(said, httpx.Response) else answer(said)

    async def _create(self, operation: Operation, request: httpx.Request) -> httpx.Response:
        said, key = self.body(), request.headers.get("idempotency-key")
        token = self.token(said)
        self.calls.append((self.now(), operation, token, key))
        for event in (Event.RATE_LIMITED, Event.QUOTA, Event.PLAN, Event.MODERATION):
            if operation in self.moderates and event is Event.MODERATION:
                continue
            if taken := self._taken(event, operation):
                return self._refusal(event, *taken)
        if self._taken(Event.HTML_CREATE, operation):
            return html()
        made = self._replayed(key) or self._accept(operation, token, said, key)
        if self._taken(Event.HTML_ACCEPTED, operation):
            return html()
        both = self._taken(Event.FAST_LOST, operation)
        if both or self._taken(Event.FAST, operation):
            made.ends = self.now()
            await self.report(made)
        if both or self._taken(Event.LOST, operation):
            raise httpx.ReadError("cut")
        return self.submitted(made)

    def _refusal(self, event: Event, retry_after: float | None) -> httpx.Response:
        status, body = self.refusals.get(event, (429, {"message": "Too Many Requests"}))
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        return answer(body, status, **headers)

    def _replayed(self, key: str | None) -> Made | None:
        since = self.now() - (self.window or 0.0)
        known = (m for m in self.made if key is not None and m.key == key and m.born > since)
        return next(known, None)

    def _accept(
        self, operation: Operation, token: str, said: Mapping[str, Any], key: str | None
    ) -> Made:
        made = Made(
            operation=operation,
            id=self.new_id(operation),
            token=token,
            said=said,
            born=self.now(),
            ends=self.now() + self.seconds.get(operation, 0.0),
            key=key,
            free=operation in self.free,
        )
        made.odd = 3 * len(self._taken(Event.UNKNOWN_WORD, operation))
        made.waits = bool(self._taken(Event.CONSENT, operation))
        made.fails = bool(self._taken(Event.MODERATION, operation))
        self.made.append(made)
        return made

    def _taken(self, event: Event, operation: Operation) -> list[float | None]:
        """The seconds to wait of the first order of that kind, which is served by this."""
        for order in self._orders:
            if order[:2] == (event, operation):
                self._orders.remove(order)
                return [order[2]]
        return []

    def _poll(self, operation: Operation, job_id: str) -> httpx.Response:
        if self._taken(Event.HTML_POLL, operation):
            return html()
        if taken := self._taken(Event.POLL_LIMITED, operation):
            return self._refusal(Event.RATE_LIMITED, *taken)
        made = self._there(operation, job_id)
        return self.missing() if made is None else answer(self.told(made))

    def _listed(self, operation: Operation) -> list[Made]:
        """Newest first, as lists come."""
        listed = [m for m in self.made if m.operation is operation and not m.deleted]
        return [m for m in reversed(listed) if m.born <= self.now() - self.lag]

    def _delete(self, operation: Operation, job_id: str) -> httpx.Response:
        made = self._there(operation, job_id)
        if made is None:
            return self.missing()
        made.deleted = True
        if self._taken(Event.LOST_DELETE, operation):
            raise httpx.ReadError("cut")
        return answer({"data": {"id": job_id}})

    def _there(self, operation: Operation, job_id: str) -> Made | None:
        there = (m for m in self.made if (m.operation, m.id) == (operation, job_id))
        return next((m for m in there if not m.deleted), None)

    def _file(self, link: str) -> httpx.Response:
        self.opened.append(link)
        operation = Operation(link.split("/")[3])
        if self._taken(Event.DEAD_LINK, operation):
            self._dead.add(link)
        if link in self._dead:
            return file(b"<Error>AccessDenied</Error>", 403)
        return file(result(link, self.lasts))

    def link(self, made: Made, suffix: str) -> str:
        self._links += 1
        path = f"{made.operation}/{made.id}/{self._links}.{suffix}"
        return f"https://files.example.com/{path}?Expires=1&Signature=s"

    # -- its own words ------------------------------------------------------------------------

    def done(self, made: Made) -> bool:
        return not made.waits and not made.fails and made.odd == 0 and self.now() >= made.ends

    def word(self, made: Made) -> str:
        running, done, failed, waiting = (*self.words[made.operation], "", "")[:4]
        if made.odd:
            made.odd -= 1
            return "reticulating"
        if made.waits:
            return waiting
        over = self.now() >= made.ends
        return (failed if made.fails else done) if over else running

    async def report(self, made: Made) -> None:
        """Tell the application of a job that ended."""
        assert self.delivery is not None
        body = json.dumps(self.reported(made)).encode()
        signature = self.signature(hmac.new(SECRET, body, hashlib.sha256).hexdigest())
        # What is signed comes to the registered address; all else to the job's, which says whose.
        job = None if signature else self.address_of(made)["job"][0]
        await self.delivery(Delivery(body, signature, self.now()), job)

    @staticmethod
    def address_of(made: Made) -> Mapping[str, list[str]]:
        """What the query of the job's own callback address says."""
        texts = [value for value in made.said.values() if isinstance(value, str)]
        [address] = [text for text in texts if text.startswith(f"{INBOXES.public_url}/webhooks/")]
        return parse_qs(urlsplit(address).query)

    def signature(self, digest: str) -> Mapping[str, str]:
        del digest
        return {}

    def new_id(self, operation: Operation) -> str:
        return f"{operation}_{len(self.made) + 1}"

    def token(self, said: Mapping[str, Any]) -> str:
        raise NotImplementedError

    def told(self, made: Made) -> Any:
        raise NotImplementedError

    def submitted(self, made: Made) -> httpx.Response:
        return answer(self.told(made))

    def reported(self, made: Made) -> Any:
        return self.told(made)

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        raise NotImplementedError

    def missing(self) -> httpx.Response:
        return answer({"error": "there is no such thing"}, 404)


class _Opens:
    """Opens its own links, at the scripted vendor instead of the network."""

    _client: httpx.AsyncClient

    def fetch(self, url: str) -> Any:
        return http.fetch(self._client, url)


class HeyGenVendor(Vendor):
    """Uploads first; a twin may wait for consent; knows idempotency keys for a day."""

    adapter = HeyGen
    documents = ("heygen",)
    lasts = 12.4
    window = consent_lives = DAY
    words = dict.fromkeys(
        (AVATAR, VIDEO), ("processing", "completed", "failed", "pending_consent")
    ) | {VOICE: ("processing", "complete", "failed")}
    consents = frozenset({AVATAR})
    reports = frozenset({AVATAR, VIDEO})
    refusals: ClassVar = {
        Event.RATE_LIMITED: (429, {"error": {"code": "rate_limit_exceeded", "message": "slow"}}),
        Event.QUOTA: (402, HEYGEN["error"]),
        Event.PLAN: (402, {"error": {"code": "plan_upgrade_required", "message": "upgrade"}}),
        Event.MODERATION: (400, {"error": {"code": "content_policy_violation", "message": "no"}}),
    }
    routes = (
        route("POST", "/v3/assets", "asset", VOICE),
        route("DELETE", "/v3/assets/{id}", "asset", VOICE),
        route("GET", "/v3/avatars/looks", "looks", AVATAR),
        route("GET", "/v3/avatars/looks/{id}", "look", AVATAR),
        route("DELETE", "/v3/avatars/looks/{id}", "delete_look", AVATAR),
        route("POST", "/v3/avatars/{id}/consent", "consent_link", AVATAR),
        *thing(VOICE, "/v3/voices", create="/v3/voices/clone"),
        *thing(AVATAR, "/v3/avatars"),
        *thing(VIDEO, "/v3/videos"),
    )

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.consent_links: dict[str | None, tuple[float, str]] = {}  #: by idempotency key

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said.get("voice_name") or said.get("name") or said.get("title"))

    def asset(self, _: str, request: httpx.Request) -> Any:
        del request
        return HEYGEN["asset"]

    def told(self, made: Made) -> Any:
        return {"data": self._told(made)}

    def _told(self, made: Made) -> dict[str, Any]:
        ready, word = self.done(made), self.word(made)
        known = {"status": word, "created_at": made.born}
        if made.operation is VOICE:
            return HEYGEN["voice"]["data"] | known | {"voice_id": made.id, "name": made.token}
        if made.operation is VIDEO:
            links = {
                "video_url": self.link(made, "mp4") if ready else None,
                "subtitle_url": self.link(made, "srt") if ready else None,
                "thumbnail_url": self.link(made, "jpg") if ready else None,
            }
            return HEYGEN["video"] | known | {"id": made.id, "title": made.token} | links
        named = {"id": made.id, "name": made.token}
        return HEYGEN["group"] | known | named | self._picture(made)

    def _picture(self, made: Made) -> dict[str, Any]:
        return {"preview_image_url": self.link(made, "webp") if self.done(made) else None}

    def _look(self, made: Made) -> dict[str, Any]:
        ids = {"id": f"look-{made.id}", "group_id": made.id, "name": made.token}
        return HEYGEN["look"] | ids | {"status": self.word(made)} | self._picture(made)

    def looks(self, _: str, request: httpx.Request) -> Any:
        group = request.url.params.get("group_id")
        made = self._listed(AVATAR) if group is None else [self._there(AVATAR, group)]
        return {"data": [self._look(one) for one in made if one], "has_more": False}

    def look(self, look_id: str, _: httpx.Request) -> Any:
        made = self._there(AVATAR, look_id.removeprefix("look-"))
        return {"data": self._look(made) if made else HEYGEN["look"] | {"id": look_id}}

    def delete_look(self, look_id: str, _: httpx.Request) -> Any:
        """A group goes with its last look."""
        return self._delete(AVATAR, look_id.removeprefix("look-"))

    def can(self, event: Event, operation: Operation) -> bool:
        # News of avatars name the group, by which a job is known only while it is under way.
        fast = operation is AVATAR and event in {Event.FAST, Event.FAST_LOST}
        return super().can(event, operation) and not fast

    def consent_link(self, group_id: str, request: httpx.Request) -> Any:
        """A link lives for a day; under one key it is the same for as long."""
        key = request.headers.get("idempotency-key")
        since, link = self.consent_links.get(key, (-DAY, ""))
        if key is None or self.now() - since >= DAY:
            link = f"{HEYGEN['consent_url']}&n={len(self.requests)}"
            self.consent_links[key] = self.now(), link
        return {"data": {"avatar_group": {"id": group_id}, "url": link}}

    async def agree(self, house: House, record: Any) -> None:
        del house
        self._consents(record, waits=False)

    def revoke(self, record: Any) -> None:
        self._consents(record, waits=True)

    def _consents(self, record: Any, *, waits: bool) -> None:
        for made in self.made:
            if made.token == record.token(AVATAR):
                made.waits, made.ends = waits, self.now() + self.seconds[AVATAR]

    def submitted(self, made: Made) -> httpx.Response:
        if made.operation is VOICE:
            return answer({"data": {"voice_clone_id": made.id}})
        if made.operation is VIDEO:
            return answer({"data": {"video_id": made.id, "status": "waiting"}})
        return answer({"data": {"avatar_group": self._told(made), "avatar_item": self._look(made)}})

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation, request
        return answer({"data": [self._told(m) for m in made], "has_more": False})

    def reported(self, made: Made) -> Any:
        kind, place = {
            VIDEO: ("avatar_video", "video_id"),
            AVATAR: ("photo_avatar_train", "group_id"),
        }[made.operation]
        data = {place: made.id, "callback_id": made.token}
        known = {"event_type": f"{kind}.success", "event_data": data}
        return HEYGEN["video_delivered"] | known | {"event_id": f"evt_{made.id}"}

    def signature(self, digest: str) -> Mapping[str, str]:
        return {"heygen-signature": digest, "heygen-timestamp": "1"}


class ElevenLabsVendor(Vendor):
    """A voice is there at once; speech leaves nothing."""

    adapter = ElevenLabs
    documents = ("elevenlabs",)
    words: ClassVar = {}
    moderates = frozenset({VOICE})
    polled, linked, deletes = frozenset({VOICE}), frozenset(), frozenset({VOICE})
    refusals: ClassVar = {
        Event.RATE_LIMITED: (429, EL["failures"]["too many at once"]["body"]),
        Event.QUOTA: (401, EL["failures"]["no credits"]["body"]),
        Event.PLAN: (400, EL["failures"]["no such plan"]["body"]),
    }
    routes = (
        *thing(VOICE, "/v1/voices", create="/v1/voices/add", listed="/v2/voices"),
        route("POST", "/v1/text-to-speech/{id}", "create", SPEECH),
    )

    def can(self, event: Event, operation: Operation) -> bool:
        return super().can(event, operation) and (event, operation) != (Event.MODERATION, SPEECH)

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said.get("name") or said["text"])

    def told(self, made: Made) -> Any:
        known = {"voice_id": made.id, "name": made.token, "created_at_unix": int(made.born)}
        return EL["voice"] | known | {"safety_control": "BAN" if made.fails else None}

    def submitted(self, made: Made) -> httpx.Response:
        if made.operation is SPEECH:
            told = {"content-type": "audio/mpeg", "character-cost": "26"}
            return file(mp3(9.0), **told)
        return answer(EL["submitted"] | {"voice_id": made.id})

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation
        found = [self.told(m) for m in made if request.url.params["search"] in m.token]
        return answer({"voices": found, "has_more": False, "next_page_token": None})


class ElevenLabsTrained(ElevenLabsVendor):
    """Professional voices: created, given recordings, verified by a captcha, trained, polled."""

    words: ClassVar = {VOICE: ("fine_tuning", "fine_tuned", "failed")}
    consents = frozenset({VOICE})
    routes = (
        route("POST", "/v1/voices/pvc", "create", VOICE),
        route("POST", "/v1/voices/pvc/{id}/samples", "samples", VOICE),
        route("GET", "/v1/voices/pvc/{id}/captcha", "captcha", VOICE),
        route("POST", "/v1/voices/pvc/{id}/captcha", "captcha_read", VOICE),
        route("POST", "/v1/voices/pvc/{id}/train", "train", VOICE),
        *ElevenLabsVendor.routes,
    )

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.heard: list[bytes] = []  #: recordings of captchas
        self.captchas = 0
        self._sampled: set[str] = set()
        self._training: set[str] = set()
        self._faults: list[str] = []  #: what the next recordings of a captcha meet

    def can(self, event: Event, operation: Operation) -> bool:
        # Without its answer nobody can send the recordings after it: that is another flow.
        lost = operation is VOICE and event in {Event.LOST, Event.HTML_ACCEPTED}
        return super().can(event, operation) and not lost

    def samples(self, voice_id: str, request: httpx.Request) -> Any:
        del request
        self._sampled.add(voice_id)
        return EL["professional"]["samples"]

    def captcha(self, _: str, request: httpx.Request) -> Any:
        del request
        self.captchas += 1
        return base64.b64encode(b"\x89PNG %d" % self.captchas).decode()

    def captcha_read(self, voice_id: str, request: httpx.Request) -> Any:
        del request
        self.heard.append(self.body()["recording"])
        fault = self._faults.pop(0) if self._faults else None
        if fault == "expired":
            return answer({"detail": {"code": "captcha_expired", "message": "too late"}}, 400)
        made = self._there(VOICE, voice_id)
        assert made is not None
        made.waits = fault is not None
        return {"status": "ok"}

    def train(self, voice_id: str, request: httpx.Request) -> Any:
        del request
        made = self._there(VOICE, voice_id)
        assert made is not None
        assert not made.waits
        self._training.add(voice_id)
        made.ends = self.now() + self.seconds[VOICE]
        return {"status": "ok"}

    async def agree(self, house: House, record: Any) -> None:
        await house.kit.resolve(record.id, "done", recording=DEMO / "voice.wav")

    def revoke(self, record: Any, how: str = "misread") -> None:
        """The recording of the captcha will not do: "misread", or come when it had "expired"."""
        del record
        self._faults.append(how)

    def told(self, made: Made) -> Any:
        trained = made.id in self._training or made.odd
        word = self.word(made) if trained else "not_started"
        known = {
            "voice_id": made.id,
            "name": made.token,
            "created_at_unix": int(made.born),
            "safety_control": "BAN" if made.fails else None,
        }
        return (
            EL["professional"]
            | known
            | {
                "samples": EL["professional"]["samples"] if made.id in self._sampled else [],
                "fine_tuning": EL["professional"]["fine_tuning"]
                | {"state": {"eleven_multilingual_v2": word}},
                "voice_verification": EL["professional"]["voice_verification"]
                | {"is_verified": not made.waits},
            }
        )

    def submitted(self, made: Made) -> httpx.Response:
        return answer({"voice_id": made.id}) if made.operation is VOICE else super().submitted(made)


class DIDVendor(Vendor):
    """A photo is there at once and costs nothing; footage becomes an Express avatar."""

    adapter = DID
    documents = ("did",)
    words: ClassVar = dict.fromkeys((AVATAR, VIDEO), ("started", "done", "rejected"))
    reports = frozenset({AVATAR, VIDEO})
    consents = frozenset({AVATAR})
    consent_lives = 1800.0
    refusals: ClassVar = {
        Event.QUOTA: (402, D_ID["failures"]["no credits"]["body"]),
        Event.PLAN: (403, D_ID["failures"]["not in the plan"]["body"]),
        Event.MODERATION: (451, D_ID["failures"]["words that are refused"]["body"]),
    }
    routes = (
        route("POST", "/consents", "consent_begun", AVATAR),
        route("POST", "/consents/{id}", "consent_read", AVATAR),
        route("GET", "/consents/{id}", "consent_told", AVATAR),
        route("DELETE", "/consents/{id}", "consent_told", AVATAR),
        *thing(VOICE, "/tts/voices"),
        *thing(AVATAR, "/scenes/avatars"),
        *thing(VIDEO, "/scenes"),
        route("GET", "/clips/presenters", "nothing", AVATAR),
        *(route("GET", f"/{name}", "nothing", VIDEO) for name in ("talks", "clips", "expressives")),
    )

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.begun: dict[str, str] = {}  #: consents, and how they stand
        self.spoilt = False  #: the next recording of a consent will not do

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said["name"])

    def new_id(self, operation: Operation) -> str:
        mark = {VOICE: "vce", AVATAR: "avt", VIDEO: "scn"}[operation]
        return f"{mark}_{len(self.made) + 1}"

    def nothing(self, _: str, request: httpx.Request) -> Any:
        return {request.url.path.rpartition("/")[2]: []}

    def order(self, event: Event, operation: Operation, *more: Any, **how: Any) -> None:
        if event is not Event.CONSENT:  # it is asked for before the job
            super().order(event, operation, *more, **how)

    def consent_begun(self, _: str, request: httpx.Request) -> Any:
        del request
        consent_id, at = f"cst_{len(self.begun) + 2}", datetime.fromtimestamp(self.now(), UTC)
        self.begun[consent_id] = "created"
        text = f"{D_ID['consent']['text']} {consent_id}"
        return D_ID["consent"] | {"id": consent_id, "text": text, "created_at": at.isoformat()}

    def consent_read(self, consent_id: str, request: httpx.Request) -> Any:
        assert json.loads(request.content)["source_url"].startswith("https://media.example.com/")
        self.begun[consent_id] = "error" if self.spoilt else "validating"
        self.spoilt = False
        return {"id": consent_id}

    def consent_told(self, consent_id: str, _: httpx.Request) -> Any:
        word = self.begun.get(consent_id, "done")
        if word == "validating":
            self.begun[consent_id] = "done"
        told = D_ID["consent_polled"] | {"id": consent_id, "status": word}
        return told | {"created_at": None, "error": D_ID["error"] if word == "error" else None}

    async def agree(self, house: House, record: Any) -> None:
        await house.kit.resolve(record.id, "done", recording=house.clip)

    def revoke(self, record: Any) -> None:
        del record
        self.spoilt = True

    def told(self, made: Made) -> Any:
        known = {"id": made.id, "name": made.token}
        if made.operation is VOICE:
            return D_ID["voice"] | known
        ready, word = self.done(made), self.word(made)
        known |= {"status": word, "created_at": made.born, "user_data": made.token}
        if made.operation is VIDEO:
            links = {"result_url": self.link(made, "mp4"), "thumbnail_url": self.link(made, "png")}
            if made.said.get("script", {}).get("subtitles"):
                links["subtitles_url"] = self.link(made, "srt")
            return D_ID["scene"] | known | (links if ready else dict.fromkeys(links))
        names = {"thumbnail_url": "png", "talking_preview_url": "mp4", "preview_url": "mp4"}
        links = {name: self.link(made, kind) if ready else None for name, kind in names.items()}
        return D_ID["express"] | known | links

    def submitted(self, made: Made) -> httpx.Response:
        if made.operation is VOICE:
            return answer({"voiceId": made.id}, 201)
        name = "express_submitted" if made.operation is AVATAR else "scene_submitted"
        return answer(D_ID[name] | {"id": made.id}, 201)

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        if operation is not VOICE:
            name = request.url.path.rpartition("/")[2]
            return answer({name: [self.told(m) for m in made]})
        if "id" not in request.url.params:
            return answer([self.told(m) for m in made])
        there = self._poll(VOICE, request.url.params["id"])  # it has no other call for one voice
        if there.status_code == 404:
            return answer([])
        return answer([there.json()]) if there.status_code == 200 else there

    def missing(self) -> httpx.Response:
        return answer({"kind": "NotFoundError", "description": "not found"}, 404)


class DIDPhotos(DIDVendor):
    """D-ID with photos instead of footage."""

    words: ClassVar = {VIDEO: DIDVendor.words[VIDEO]}
    polled, linked = frozenset({VOICE, VIDEO}), frozenset({VIDEO})
    reports = frozenset({VIDEO})
    free = frozenset({AVATAR})
    consents = frozenset()
    routes = (
        *thing(AVATAR, "/images"),
        *thing(VIDEO, "/talks"),
        route("GET", "/scenes/avatars", "no_avatars", AVATAR),
        route("GET", "/clips/presenters", "nothing", AVATAR),
        *(
            route("GET", f"/{name}", "nothing", VIDEO)
            for name in ("scenes", "clips", "expressives")
        ),
    )

    def no_avatars(self, _: str, request: httpx.Request) -> Any:
        del request
        return {"avatars": []}

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said.get("name", "a photo"))

    def new_id(self, operation: Operation) -> str:
        return f"{'tlk' if operation is VIDEO else 'img'}_{len(self.made) + 1}"

    def told(self, made: Made) -> Any:
        if made.operation is VIDEO:
            return super().told(made)
        return {"id": made.id, "url": f"s3://d-id-images/{made.id}/photo.jpg"}

    def submitted(self, made: Made) -> httpx.Response:
        if made.operation is AVATAR:
            return answer(self.told(made), 201)
        return answer({"id": made.id, "object": "talk", "status": "created"}, 201)


class TavusVendor(Vendor):
    """Takes links only, signs nothing, and has no call that deletes a voice."""

    adapter = Tavus
    documents = ("tavus",)
    words: ClassVar = {
        VOICE: ("started", "completed", "error"),
        AVATAR: ("started", "completed", "error"),
        VIDEO: ("generating", "ready", "error"),
    }
    moderates = reports = frozenset({VOICE, AVATAR, VIDEO})
    deletes = frozenset({AVATAR, VIDEO})
    refusals: ClassVar = {Event.QUOTA: (402, {"error": "Out of credits"})}
    routes = (
        *thing(VOICE, "/v2/voices"),
        *thing(AVATAR, "/v2/faces"),
        route("PATCH", "/v2/faces/{id}", "revoiced", AVATAR),
        *thing(VIDEO, "/v2/videos"),
    )
    _NAMES: ClassVar = {VOICE: "voice", AVATAR: "face", VIDEO: "video"}

    def token(self, said: Mapping[str, Any]) -> str:
        return str(
            next(
                said[f"{name}_name"]
                for name in ("voice", "face", "video")
                if f"{name}_name" in said
            )
        )

    def told(self, made: Made) -> Any:
        name, ready = self._NAMES[made.operation], self.done(made)
        known = {f"{name}_id": made.id, f"{name}_name": made.token, "status": self.word(made)}
        if made.fails:
            known["error_message"] = "community_guidelines_violation"
        links = {
            VOICE: {},
            AVATAR: {"thumbnail_video_url": "mp4"},
            VIDEO: {"download_url": "mp4", "still_image_thumbnail_url": "png"},
        }[made.operation]
        told = TAVUS[name]["succeeded"] | known
        return told | {k: self.link(made, v) if ready else None for k, v in links.items()}

    def submitted(self, made: Made) -> httpx.Response:
        name = self._NAMES[made.operation]
        known = {f"{name}_id": made.id}
        return answer(TAVUS[name]["submitted"] | known)

    def revoiced(self, face_id: str, request: httpx.Request) -> Any:
        """Give a face another voice; a video follows it."""
        del request
        return {"face_id": face_id, **self.body()}

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation
        first = request.url.params["page"] in {"0", "1"}
        found = [self.told(m) for m in made] if first else []
        return answer({"data": found, "total_count": len(made)})

    def reported(self, made: Made) -> Any:
        if made.operation is AVATAR:
            return {"replica_id": made.id, "status": "ready"}
        if made.operation is VIDEO:
            return self.told(made)
        told = TAVUS["voice"]["delivered"]
        return told | {"properties": told["properties"] | {"voice_id": made.id}}


class SynthesiaVendor(Vendor):
    """Videos of avatars that are made by hand; several scenes are one video, with captions."""

    adapter = Synthesia
    documents = ("synthesia", "synthesia-upload")
    words: ClassVar = {VIDEO: ("in_progress", "complete", "error")}
    polled = linked = deletes = reports = frozenset({VIDEO})
    routes = tuple(thing(VIDEO, "/v2/videos"))

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said["callbackId"])

    def told(self, made: Made) -> Any:
        known = SYNTHESIA["video"] | made.said | {"id": made.id, "status": self.word(made)}
        if not self.done(made):
            return known
        captions = {kind: self.link(made, kind) for kind in ("srt", "vtt")}
        links = {"download": self.link(made, "mp4"), "captions": captions, "thumbnail": None}
        return SYNTHESIA["finished"] | known | links | {"duration": "00:00:10"}

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation, request
        return answer({"videos": [self.told(m) for m in made]})


class ResembleVendor(Vendor):
    """A voice is created, built and polled; speech comes in one answer from another host."""

    adapter = Resemble
    documents = ("resemble",)
    words: ClassVar = {VOICE: ("pending", "ready", "failed")}
    polled, linked = frozenset({VOICE}), frozenset()
    deletes = reports = frozenset({VOICE})
    refusals: ClassVar = {
        Event.QUOTA: (402, {"success": False, "message": "out of credit"}),
        Event.PLAN: (403, {"success": False, "message": "your plan has no cloning"}),
    }
    routes = (
        *thing(VOICE, "/api/v2/voices"),
        route("POST", "/api/v2/voices/{id}/build", "built", VOICE),
        route("GET", "/api/v2/voices/{id}/recordings", "recordings", VOICE),
        route("POST", "/synthesize", "create", SPEECH),
    )

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said.get("name") or said["data"])

    def built(self, _: str, request: httpx.Request) -> Any:
        del request
        return RESEMBLE["built"]

    def recordings(self, _: str, request: httpx.Request) -> Any:
        del request
        return {"success": True, "page": 1, "page_count": 1, "items": []}

    def _item(self, made: Made) -> dict[str, Any]:
        word = self.word(made)
        known = {"uuid": made.id, "name": made.token, "status": word, "voice_status": word}
        return RESEMBLE["voice"] | known

    def told(self, made: Made) -> Any:
        return {"success": True, "item": self._item(made)}

    def submitted(self, made: Made) -> httpx.Response:
        if made.operation is SPEECH:
            audio = base64.b64encode(wav(9.0)).decode()
            return answer(RESEMBLE["spoken"] | {"audio_content": audio})
        item = RESEMBLE["submitted"]["item"] | {"uuid": made.id, "name": made.token}
        return answer({"success": True, "item": item})

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation, request
        found = [self._item(m) for m in made]
        return answer({"success": True, "page": 1, "page_count": 1, "items": found})

    def reported(self, made: Made) -> Any:
        return RESEMBLE["delivered"] | {"id": made.id}


class XttsServer(Vendor):
    """A server of one's own: it computes a voice, keeps nothing, and takes no money."""

    adapter = Coqui
    address, more = "xtts+http://models.example:8000", {"accept_cpml": True}
    words: ClassVar = {}
    polled = linked = deletes = frozenset()
    lag = 0.0
    free = frozenset({VOICE, SPEECH})
    routes = (
        route("POST", "/clone_speaker", "create", VOICE),
        route("POST", "/tts", "create", SPEECH),
    )

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said.get("text", "a recording"))

    def submitted(self, made: Made) -> httpx.Response:
        if made.operation is VOICE:
            return answer(COQUI["voice"])
        assert made.said | COQUI["voice"] == made.said
        return answer(base64.b64encode(wav(9.0)).decode())


# -- the vendor that needs no wire ----------------------------------------------------------------


class FakeScript(FakeVendor):
    """The fake's own vendor, ordered about and looked at as the others are."""

    _FAULTS: ClassVar[Mapping[Event, Fault]] = {
        Event.RATE_LIMITED: Fault.RATE_LIMITED,
        Event.QUOTA: Fault.QUOTA,
        Event.PLAN: Fault.PLAN,
        Event.MODERATION: Fault.MODERATION,
        Event.CONSENT: Fault.NEEDS_ACTION,
        Event.UNKNOWN_WORD: Fault.UNKNOWN_WORD,
        Event.HTML_CREATE: Fault.UNCLEAR,
        Event.LOST: Fault.LOST_REPLY,
        Event.DEAD_LINK: Fault.EXPIRED_LINK,
    }
    consent_lives: ClassVar[float | None] = None
    refusals: ClassVar[Mapping[Event, tuple[int, Any]]] = {
        Event.QUOTA: (402, None),
        Event.PLAN: (403, None),
    }
    window: ClassVar[float | None] = None
    lag = 30.0
    free: ClassVar[frozenset[Operation]] = frozenset()

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.calls: list[tuple[float, Operation, str, str | None]] = []
        self.opened: list[str] = []
        self.delivery: Callable[[Delivery, str | None], Awaitable[Any]] | None = None

    def provider(self, home: Path) -> Any:
        del home
        return _Reporting(vendor=self)

    def can(self, event: Event, operation: Operation) -> bool:
        if event is Event.DEAD_LINK:
            return operation is not VOICE
        return event in self._FAULTS or event is Event.FAST

    def order(
        self, event: Event, operation: Operation, times: int = 1, retry_after: float | None = None
    ) -> None:
        if event is Event.FAST:
            self.durations = {**self.durations, operation: 0.0}
        else:
            self.fail_next(operation, self._FAULTS[event], times=times, retry_after=retry_after)

    def paid(self, token: str) -> int:
        return self.accepted[token]

    async def agree(self, house: House, record: Any) -> None:
        del house
        for job in self.jobs:
            self.consent(job.token)

    @property
    def made(self) -> list[Made]:
        return [
            Made(j.operation, j.id, j.token, {}, j.born, j.ends, j.key, deleted=j.deleted)
            for j in self.jobs
        ]

    def submit(
        self, operation: Operation, request: Any, *, window: float, seconds: float = 1.0
    ) -> Any:
        self.calls.append((self.now(), operation, request.token, request.idempotency_key))
        return super().submit(operation, request, window=window, seconds=seconds)

    def fetched(self, link: str) -> Any:
        self.opened.append(link)
        return super().fetched(link)


class _Reporting(Fake):
    """Tells of what has ended before it answers."""

    vendor: FakeScript

    async def _submit(self, operation: Operation, request: Any, *media: Any, **more: Any) -> Any:
        job = await super()._submit(operation, request, *media, **more)
        for delivery in self.vendor.deliveries():
            if self.vendor.durations[operation] == 0.0:
                await self.vendor.delivery(delivery, None)
        return job


class Shelf(MediaStore):
    """Media in memory, with links that vendors are told and never open."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}

    async def put(self, key: str, data: AsyncIterator[bytes], media_type: str) -> StoredFile:
        self.files[key] = b"".join([chunk async for chunk in data]), media_type
        return self._stored(key)

    def _stored(self, key: str) -> StoredFile:
        content, kind = self.files[key]
        digest = hashlib.sha256(content).hexdigest()
        return StoredFile(key=key, size=len(content), sha256=digest, media_type=kind)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        yield self.files[key][0]

    async def stat(self, key: str) -> StoredFile | None:
        return self._stored(key) if key in self.files else None

    async def delete(self, prefix: str) -> None:
        gone = [key for key in self.files if key == prefix or key.startswith(f"{prefix}/")]
        for key in gone:
            del self.files[key]

    async def url(self, key: str, seconds: float) -> str | None:
        return f"https://media.example.com/{key}?seconds={seconds:.0f}"

    def path(self, key: str) -> Path | None:
        del key
        return None

    async def aclose(self) -> None:
        """Nothing is held."""


# -- the house ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setup:
    """A stack, and who plays what in it."""

    stack: str
    vendors: Mapping[str, type[Vendor | FakeScript]]
    plays: Mapping[Operation, str]
    footage: str = "clip"
    options: tuple[Options, ...] = ()
    agreed: tuple[Options, ...] = ()  #: consents that were given beforehand

    def can(self, event: Event, operation: Operation) -> bool:
        vendor = self.vendors[self.plays[operation]]
        return vendor(FakeClock()).can(event, operation)

    def afterwards(self, operation: Operation) -> str:
        """When it is known what became of a call that got no answer: at once, later or never."""
        vendor = self.vendors[self.plays[operation]]
        if operation is SPEECH and SPEECH not in vendor.free:
            return "never"  # it leaves nothing that could be found
        return "later" if vendor.lag else "at once"


def _alone(name: str, vendor: type[Vendor | FakeScript], **more: Any) -> Setup:
    return Setup(name, {name: vendor}, dict.fromkeys((VOICE, AVATAR, VIDEO), name), **more)


SETUPS: Mapping[str, Setup] = {
    "heygen": _alone("heygen", HeyGenVendor),
    "elevenlabs+d-id": Setup(
        "elevenlabs+d-id",
        {"elevenlabs": ElevenLabsVendor, "d-id": DIDPhotos},
        {VOICE: "elevenlabs", AVATAR: "d-id", SPEECH: "elevenlabs", VIDEO: "d-id"},
        footage="photo",
    ),
    "elevenlabs-professional+d-id": Setup(
        "elevenlabs+d-id",
        {"elevenlabs": ElevenLabsTrained, "d-id": DIDPhotos},
        {VOICE: "elevenlabs", AVATAR: "d-id", SPEECH: "elevenlabs", VIDEO: "d-id"},
        footage="photo",
        options=(ElevenLabsProfessional(language="en"),),
    ),
    "d-id": _alone("d-id", DIDVendor, agreed=(DIDConsent(consent_id="cst_1"),)),
    "tavus": _alone("tavus", TavusVendor),
    "resemble+tavus": Setup(
        "resemble+tavus",
        {"resemble": ResembleVendor, "tavus": TavusVendor},
        {VOICE: "resemble", AVATAR: "tavus", SPEECH: "resemble", VIDEO: "tavus"},
    ),
    "coqui+tavus": Setup(
        "coqui+tavus",
        {"coqui": XttsServer, "tavus": TavusVendor},
        {VOICE: "coqui", AVATAR: "tavus", SPEECH: "coqui", VIDEO: "tavus"},
    ),
    "fake": _alone("fake", FakeScript, footage="photo"),
}


@dataclass(frozen=True)
class Stock:
    """An avatar and a voice of the vendors' own, which speak on a stack without a training."""

    setup: Setup
    avatar: str
    voice: str | None = None  #: None: the avatar's own

    def entries(self) -> dict[str, CatalogueEntry]:
        plays = self.setup.plays
        ids = {"avatar": (plays[VIDEO], self.avatar)}
        if self.voice is not None:
            ids["voice"] = (plays.get(VOICE, plays[VIDEO]), self.voice)
        return {
            kind: CatalogueEntry(provider=name, kind=kind, id=own_id, own=False)
            for kind, (name, own_id) in ids.items()
        }


STOCK: Mapping[str, Stock] = {
    "heygen": Stock(SETUPS["heygen"], "look-stock", "v_stock"),
    "elevenlabs+d-id": Stock(
        Setup(
            "elevenlabs+d-id",
            {"elevenlabs": ElevenLabsVendor, "d-id": DIDVendor},
            {VOICE: "elevenlabs", SPEECH: "elevenlabs", VIDEO: "d-id"},
        ),
        "scenes:avt_stock",
        "21m00Tcm4TlvDq8ikWAM",
    ),
    "d-id": Stock(SETUPS["d-id"], "scenes:avt_stock", "en-US-JennyNeural"),
    "tavus": Stock(SETUPS["tavus"], "r_stock"),
    "synthesia": Stock(
        Setup("synthesia", {"synthesia": SynthesiaVendor}, {VIDEO: "synthesia"}),
        "anna_costume1_cameraA",
    ),
    "fake": Stock(SETUPS["fake"], "stock-rosa", "stock-voice"),
}


class _Blind(Fake):
    """Stands in for the local provider, and finds no faces."""

    name = "local"


class House:
    """A kit of one stack, its vendors, and time, which passes as fast as it is driven."""

    def __init__(self, setup: Setup, clip: Path, home: Path) -> None:
        self.setup, self.shelf, self.clip, self.home = setup, Shelf(), clip, home
        self.options = setup.options + setup.agreed
        self.clock = FakeClock()
        self.vendors = {name: vendor(self.clock) for name, vendor in setup.vendors.items()}
        self.providers = {n: v.provider(home / n) for n, v in self.vendors.items()}
        self.repository = MemoryRepository(clock=self.clock)
        self.footage = clip if setup.footage == "clip" else DEMO / "portrait.jpg"
        self.kit = self.new_kit()
        self.records: list[str] = []
        self.received: list[Any] = []  #: what webhooks told
        self.kept: list[LogEntry | None] = []  #: and what the inbox made of it
        for name, vendor in self.vendors.items():
            vendor.delivery = partial(self._delivered, name)

    def new_kit(self, *, worker: bool = False) -> AvatarKit:
        """A kit as in another process: nothing but records, media and vendors outlive it."""
        self.kit = AvatarKit(
            self.setup.stack,
            repository=self.repository,
            media=self.shelf,
            # No face is looked for: the one in the samples is not what is tested here.
            providers={**self.providers, "local": _Blind()},
            clock=self.clock,
            settings=Settings(inboxes=INBOXES),
            worker=worker,
        )
        return self.kit

    async def _delivered(self, name: str, delivery: Delivery, token: str | None) -> None:
        self.received += self.providers[name].events(delivery)
        self.kept += [await self.kit.webhooks.receive(name, delivery, token=token)]

    def at(self, operation: Operation) -> Any:
        """The vendor that does it."""
        return self.vendors[self.setup.plays[operation]]

    # -- going on -----------------------------------------------------------------------------

    async def training(self) -> Any:
        training = await self.kit.train(
            user_id="ana",
            clone_id="ana-1",
            voice=[DEMO / "voice.wav"],
            footage=self.footage,
            consent=Consent(subject="Ana Lima"),
            options=self.options,
        )
        self.records.append(training.id)
        return training

    async def speaking(self, training: Any, *, wait: bool = False) -> Any:
        video = await self.kit.speak(training.id, SCRIPT, wait=wait)
        self.records.append(video.id)
        return video

    async def begun(self, operation: Operation) -> Any:
        """The record in which the operation is still to be done."""
        training = await self.training()
        if operation in {VOICE, AVATAR}:
            return training
        return await self.speaking(await self.ended(training))

    async def finished(self, operation: Operation) -> Any:
        """The record in which the operation was done, as far as it goes by itself."""
        return await self.ended(await self.begun(operation))

    async def ended(self, record: Any) -> Any:
        """Drive until it is final, or asks a person."""
        return await self.drive(record, lambda r: r.status.final or r.action is not None)

    async def quiet(self, record: Any) -> Any:
        """Drive until nothing is due any more: all doubts are settled, all that goes is gone."""
        return await self.drive(record, lambda _: False)

    async def drive(self, record: Any, until: Callable[[Any], bool]) -> Any:
        for _ in range(5_000):
            record = await self.repository.get(record.id)
            due = await self.repository.next_due()
            if until(record) or due is None:
                return record
            self.clock.advance(max(0.01, due - self.clock.now().wall))
            await self.kit.admin.tick()
        raise AssertionError(f"it goes on for ever: {record}")

    # -- looking ------------------------------------------------------------------------------

    def token(self, record: Any, operation: Operation) -> str:
        """What a vendor knows it by; speech has no name, so there it is the text."""
        named = operation is not SPEECH
        return record.token(operation) if named else SCRIPT

    def paid(self, record: Any) -> dict[Operation, int]:
        """How often each operation of the record was charged."""
        return {
            o.operation: self.at(o.operation).paid(self.token(record, o.operation))
            for o in record.operations
        }

    def calls(self, record: Any, operation: Operation) -> list[tuple[float, str | None]]:
        """When the creating call came, and under which idempotency key."""
        token, free = self.token(record, operation), self.free(operation)
        return [
            (at, key)
            for at, what, name, key in self.at(operation).calls
            if what is operation and (free or name == token)
        ]

    def free(self, operation: Operation) -> bool:
        """Whether it costs nothing, has no name there, and may be made again."""
        return operation in self.at(operation).free

    def there(self) -> set[str]:
        """What the vendors hold and somebody pays for; speech leaves nothing."""
        return {
            made.id
            for vendor in self.vendors.values()
            for made in vendor.made
            if not made.deleted and not made.free and made.operation is not SPEECH
        }

    def of(self, record: Any) -> set[str]:
        """What the vendors hold of this record."""
        tokens = {record.token(o.operation) for o in record.operations}
        held = {m.id for v in self.vendors.values() for m in v.made if m.token in tokens}
        return held & self.there()

    async def lost(self) -> set[str]:
        """What the vendors hold and no record knows of."""
        records = [await self.repository.get(i) for i in self.records]
        known = {
            job_id.rpartition(":")[2].removeprefix("look-")  # HeyGen's job is a look of a group
            for record in records
            for state in record.operations
            for job_id in (*state.known_ids, *state.cleanup.undeletable)
        }
        return self.there() - known
