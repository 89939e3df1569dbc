"""Adapter kit: the base class of providers over HTTP, and the helpers that read answers.

All that an adapter imports besides ``interfaces``, ``models``, ``errors`` and ``webhooks`` is here.
An adapter names its roles in its bases, says in ``capabilities`` what its wire can carry and in
``reads`` where the fields of an answer are, and writes one line per call. The methods that start
with an underscore (``_submit``, ``_get``, ``_find``, ``_delete``, ``_call``, …) are for subclasses.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeGuard, TypeVar, cast

from pydantic import SecretStr

from .. import errors
from .._log import cleaned
from .._text import mended
from ..http import (
    Call,
    Client,
    Explanation,
    HttpRequest,
    Multipart,
    Upload,
    fetch,
    new_client,
    send,
    send_any,
    stream,
)
from ..interfaces import (
    AvatarTrainer,
    Capabilities,
    Limits,
    ProviderSettings,
    Sunset,
    VideoDubber,
    VideoGenerator,
    VoiceCloner,
    kind_of_avatar,
    mapped,
    needs_footage,
    one_voice_file,
    requested,
    require_mapped,
)
from ..models import (
    Action,
    AvatarRequest,
    ConsentRule,
    DubRequest,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    Speech,
    SpeechRequest,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VoiceRequest,
)
from ..webhooks import Delivery, Registered
from .answers import (
    Places,
    Reads,
    as_object,
    as_objects,
    field_errors,
    filled_at,
    flag_at,
    id_at,
    list_at,
    number_at,
    parse_progress,
    parse_time,
    path_segment,
    primary_language,
    read_timings,
    said_at,
    text_at,
    value_at,
)
from .bodies import merged, place_at, without_none
from .vendor_data import VendorData, vendor_data

__all__ = [
    "Call",
    "Client",
    "Explanation",
    "HttpAvatarTrainer",
    "HttpProvider",
    "HttpRequest",
    "HttpVideoDubber",
    "HttpVideoGenerator",
    "HttpVoiceCloner",
    "Paths",
    "Places",
    "Reads",
    "VendorData",
    "as_object",
    "as_objects",
    "fetch",
    "filled_at",
    "flag_at",
    "id_at",
    "list_at",
    "number_at",
    "parse_progress",
    "parse_time",
    "path_segment",
    "primary_language",
    "read_timings",
    "said_at",
    "send",
    "send_any",
    "stream",
    "text_at",
    "value_at",
    "vendor_data",
]

T = TypeVar("T")
OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths of one kind of job; ``{}`` stands for its id."""

    poll: str
    find: str = ""  #: the list; empty if the vendor has none
    #: query of the first page of the list
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    delete: str = ""  #: empty if the vendor has no such call
    #: parameter of the list's next page, if it is not ``Reads.cursor_parameter``
    cursor_parameter: str = ""

    @classmethod
    def of(cls, collection: str, **query: Any) -> Paths:
        """Return the paths of a collection: a list, and one path to poll and delete a job."""
        one = f"{collection}/{{}}"
        return cls(one, collection, query, one)


class _FromData(Generic[T]):
    """Class attribute whose value stands in the vendor's data file, read at first use."""

    def __init__(self, read: Callable[[VendorData], T], without: T) -> None:
        self._read = read
        self._without = without

    def __get__(self, _instance: object, owner: type[HttpProvider]) -> T:
        return self._without if owner.data is None else self._read(owner.data)


def _from_data(read: Callable[[VendorData], T], without: T) -> T:
    """Declare such an attribute; a subclass may set a plain value instead."""
    return cast("T", _FromData(read, without))


class HttpProvider:
    """Base class of an adapter over HTTP.

    A given ``client`` is borrowed: ``aclose`` does not close it. Raises ``ConfigError`` if the key
    is missing, or has characters that an HTTP header cannot carry.
    """

    name: ClassVar[str]
    api_version: ClassVar[str]
    base_url: ClassVar[str]
    #: further addresses of the vendor, by name; ``ProviderSettings.hosts`` replaces them
    hosts: ClassVar[Mapping[str, str]] = {}
    key_env: ClassVar[str]  #: the vendor's own environment variable for the key
    key_header: ClassVar[str] = "authorization"
    key_prefix: ClassVar[str] = ""
    needs: ClassVar[frozenset[str]] = frozenset({"api_key"})  #: fields of ``ProviderSettings``
    idempotency_header: ClassVar[str | None] = None  #: only if the vendor documents one
    option_types: ClassVar[tuple[type[Options], ...]] = ()
    default_model: ClassVar[str | None] = None  #: whose limits hold without options
    capabilities: ClassVar[Capabilities]
    paths: ClassVar[Mapping[Operation, Paths]] = {}
    reads: ClassVar[Reads]
    #: the vendor's data file, from which the next four attributes are read
    data: ClassVar[VendorData | None] = None
    limits: ClassVar[Limits] = _from_data(lambda data: data.limits, ())
    consent_rules: ClassVar[tuple[ConsentRule, ...]] = _from_data(lambda d: d.consent_rules, ())
    sunsets: ClassVar[tuple[Sunset, ...]] = _from_data(lambda data: data.sunsets, ())
    #: the vendor's error code -> our error, for any HTTP status
    codes: ClassVar[Mapping[str, type[errors.ProviderError]]] = _from_data(lambda d: d.codes, {})
    #: HTTP status -> our error, where it means something else at this vendor than usually
    statuses: ClassVar[Mapping[int, type[errors.ProviderError]]] = {}
    code: ClassVar[Places] = ("code", "error.code")  #: place of the error code
    message: ClassVar[Places] = ("message", "error.message", "error", "detail")

    def __init__(
        self, settings: ProviderSettings | None = None, *, client: Client | None = None
    ) -> None:
        self._settings = settings or ProviderSettings()
        self._sealed = SecretStr(self._checked_key())  # no dump of the object shows it
        self._base_url = (self._settings.base_url or self.base_url).rstrip("/")
        self._owned = client is None
        self._client = client or new_client(timeout=self._settings.timeout)

    @property
    def _key(self) -> str:
        """The key as a header carries it; empty if there is none."""
        return self._sealed.get_secret_value()

    def _checked_key(self) -> str:
        key = self._carried(self._settings.api_key)
        ours = f"AVATARKIT_{re.sub('[^A-Z0-9]', '_', self.name.upper())}_API_KEY"
        if not key:
            raise errors.ConfigError(
                f"{self.name} needs a key: set {ours} or {self.key_env}. To try avatarkit without "
                "a key, use the provider 'local' or 'fake'."
            )
        return key

    def _carried(self, given: SecretStr | None, owner: str | None = None) -> str:
        """Return the key as a header carries it; empty if there is none."""
        key = given.get_secret_value().strip() if given else ""
        if not re.fullmatch(r"[\x21-\x7e]*", key):
            raise errors.ConfigError(
                f"the key of {owner or self.name} has characters that no key has: copy it once more"
            )
        return key

    @property
    def account(self) -> str:
        """Fingerprint of the key; override it if the adapter knows the account's id."""
        digest = hashlib.sha256(f"{self.name}{self._key}".encode()).hexdigest()
        return f"key-{digest[:16]}"

    async def aclose(self) -> None:
        """Close the client, unless it was borrowed."""
        if self._owned:
            await self._client.aclose()

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Check and read a delivery whose body is the job itself; override if it is wrapped.

        Raises ``WebhookRejected``.
        """
        self.capabilities.webhook.check(delivery, self._settings.webhook_secrets)
        body = delivery.json()
        found = (o for o, places in self.reads.ids.items() if filled_at(body, *places) is not None)
        operation = next(found, None)
        return [] if operation is None else self._events(delivery, self._job(operation, body))

    def _events(
        self, delivery: Delivery, job: Job, *, told: str | None = None, trusted: bool | None = None
    ) -> list[VendorEvent]:
        """Return the event of a job, or an empty list for a state that changes nothing.

        ``told`` is the vendor's id of the event; the default is the digest of the body. The default
        of ``trusted`` is True for a vendor that signs its deliveries.
        """
        name = _EVENT_NAMES[job.operation].get(job.state)
        if name is None:
            return []
        event = VendorEvent(
            provider=self.name,
            id=told or delivery.digest,
            name=name,
            job=job,
            trusted=self.capabilities.webhook.signed if trusted is None else trusted,
        )
        return [event]

    def explain(self, status: int, body: Any) -> Explanation:
        """Read an error answer. The vendor's code takes precedence over the HTTP status."""
        said = as_object(body)
        code = said_at(said, *self.code)
        message = said_at(said, *self.message) or field_errors(said.get("detail"))
        return Explanation(
            kind=self.codes.get(code or "") or self.statuses.get(status),
            code=None if code is None else self._redacted(code)[:80],
            message="" if message is None else self._redacted(message)[:200],
        )

    def _redacted(self, text: str) -> str:
        """Remove the key and all other secrets from a vendor's text."""
        for secret in filter(None, self._secrets()):
            text = text.replace(secret, "[redacted]")
        return mended(cleaned(text))

    def _secrets(self) -> tuple[str, ...]:
        """List the secrets that are sent to the vendor; empty strings are allowed."""
        return (self._key,)

    def _said(self, raw: Mapping[str, Any], *places: str) -> str | None:
        """Return a text of the vendor's for people, without secrets."""
        text = said_at(raw, *places)
        return None if text is None else self._redacted(text)[:_LONGEST_REASON]

    # -- for adapters -------------------------------------------------------------------------

    async def _submit(
        self,
        operation: Operation,
        path: str,
        request: VendorRequest,
        options: type[Options] = Options,
        files: Sequence[tuple[str, Media]] | None = None,
        **body: Any,
    ) -> Job:
        """Make a paid call: check the request, send it once, and read the job.

        ``body`` is sent as JSON, or as a form beside ``files``; fields that are None are left out.
        The request's ``options`` of this type are merged into it, and their ``extra`` last.
        """
        call, sent = self._billable(
            operation, path, request, options=options, body=body, files=files
        )
        raw = await self._send(sent, call)
        try:
            return self._job(operation, raw, unsaid=JobState.QUEUED)
        except errors.BadReply as error:
            # The call is paid for: if the answer names the job, polls tell the rest.
            with suppress(errors.BadReply):
                if job_id := id_at(raw, *self.reads.ids[operation]):
                    return Job(
                        provider=self.name,
                        operation=operation,
                        id=job_id,
                        state=JobState.QUEUED,
                        raw=raw,
                    )
            raise call.unclear(error.message, body=raw) from error

    async def _speak(
        self,
        path: str,
        request: SpeechRequest,
        options: type[Options] = Options,
        **body: Any,
    ) -> Speech:
        """Make a paid call whose answer is the audio itself; otherwise the same as ``_submit``."""
        call, sent = self._billable(Operation.SPEECH, path, request, options=options, body=body)
        answer = await stream(self._client, sent, call)
        return Speech(audio=answer.chunks, media_type=answer.media_type)

    async def _get(self, operation: Operation, path: str, job_id: str) -> Job:
        """Poll a job; ``{}`` in the path stands for its id."""
        raw = await self._call("GET", path.format(path_segment(job_id)), operation=operation)
        return self._job(operation, raw)

    async def _find(
        self, operation: Operation, path: str, token: str, /, **query: Any
    ) -> list[Job]:
        """Read every page of a list and return the jobs that carry the token, oldest first.

        An error on any page is raised: an incomplete list proves nothing.
        """
        items = self._items(operation, path, query)
        jobs = [self._job(operation, i) async for i in items if self._carries(i, token)]
        jobs.reverse()  # lists start with the newest; the order counts if no job tells its age
        return sorted(jobs, key=lambda job: job.created_at or 0.0)

    async def _delete(self, operation: Operation, path: str, job_id: str) -> None:
        """Delete a job; ``{}`` in the path stands for its id. A missing job counts as deleted."""
        try:
            await self._call("DELETE", path.format(path_segment(job_id)), operation=operation)
        except errors.NotFound:
            return

    async def _find_listed(self, operation: Operation, token: str) -> list[Job]:
        """Find jobs as ``paths`` says; raises ``Unsupported`` if the vendor has no list."""
        paths = self.paths[operation]
        if not paths.find:
            raise errors.Unsupported(
                f"{self.name} has no list of {operation}s in which {token} could be found"
            )
        return await self._find(operation, paths.find, token, **paths.query)

    async def _delete_one(self, operation: Operation, job_id: str) -> None:
        """Delete a job as ``paths`` says; raises ``Unsupported`` if the vendor has no such call."""
        path = self.paths[operation].delete
        if not path:
            raise errors.Unsupported(
                f"{self.name} has no call to delete a {operation}: delete {job_id} in its web app"
            )
        await self._delete(operation, path, job_id)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        operation: Operation,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        files: Sequence[tuple[str, Media]] | None = None,
        content: Media | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> dict[str, Any]:
        """Make a free call, with retries unless ``once``.

        ``body`` is sent as JSON, or as a form beside ``files``; ``content`` is sent as it is,
        instead of both. ``headers`` replace those that carry the key.
        """
        said = None if body is None else without_none(body)
        sent: dict[str, Any] = {"json": said}
        known = {k.lower(): v for k, v in (self._headers() if headers is None else headers).items()}
        if files is not None or content is not None:
            form = Upload(content) if content else Multipart(said or {}, files or ())
            known = form.headers | known
            sent = {"content": form}
        request = self._client.build_request(
            method,
            self._url(path),
            params=without_none(query or {}) or None,
            headers=known,
            **sent,
        )
        size = sum(media.size for _, media in files or ()) + (content.size if content else 0)
        call = Call(
            provider=self.name,
            operation=operation,
            billable=once,
            timeout=self._settings.timeout + size / _SLOWEST_UPLOAD,
            explain=self.explain,
            redact=self._redacted,
        )
        return await self._send(request, call)

    def _registered(
        self, operation: Operation, raw: Mapping[str, Any], id_: str, secret: str
    ) -> Registered:
        """Read the answer to a webhook registration: ``id_`` and ``secret`` are dotted paths."""
        told = id_at(raw, id_), text_at(raw, secret)
        if told[0] is None or told[1] is None:
            raise self._bad(operation, "the webhook was given no id, or no secret")
        return Registered(told[0], SecretStr(told[1]))

    async def _send(self, request: HttpRequest, call: Call) -> dict[str, Any]:
        """Send a request and parse JSON; override for 200-with-error bodies or expiring tokens."""
        return await send(self._client, request, call)

    def _url(self, path: str) -> str:
        """Return the URL of a path; a URL of another host of the vendor stays as it is."""
        return path if path.startswith(("https://", "http://")) else self._base_url + path

    def _host(self, name: str) -> str:
        """Return one of the vendor's further addresses, see ``hosts``."""
        return self._settings.hosts.get(name, self.hosts[name]).rstrip("/")

    def _is_link(self, link: str | None) -> TypeGuard[str]:
        """Return True for a link that results and uploads may have: https, unless by a setting."""
        if link is None:
            return False
        allowed = ("https://", "http://") if self._settings.allow_private_results else "https://"
        return link.startswith(allowed)

    def _fetched(self, link: str) -> AsyncIterator[bytes]:
        """Stream a result by its link."""
        private = self._settings.allow_private_results
        return fetch(self._client, link, allow_private=private)

    def _option(self, request: VendorRequest, kind: type[OptionsT]) -> OptionsT:
        """Return the request's options of this type, or their defaults."""
        return next((o for o in reversed(request.options) if type(o) is kind), None) or kind()

    def _billable(
        self,
        operation: Operation,
        path: str,
        request: VendorRequest,
        *,
        options: type[Options],
        body: Mapping[str, Any],
        files: Sequence[tuple[str, Media]] | None = None,
    ) -> tuple[Call, HttpRequest]:
        """Check a request, and build its paid call; ``_submit`` and ``_speak`` send it."""
        self._check(request)
        if request.callback_url and not self.capabilities.calls_back(operation):
            raise errors.Unsupported(f"{self.name} takes no callback address for {operation}")
        said = without_none(body)
        for place, value in self._mapped(request):
            place_at(said, place, value)
        for extra in request.options:
            if type(extra) is options:
                own = extra.model_dump(exclude={"extra"}, exclude_none=True, by_alias=True)
                said = merged(said, own) | extra.extra
        headers = self._headers()
        if self.idempotency_header and request.idempotency_key:
            headers[self.idempotency_header] = request.idempotency_key
        content: dict[str, Any] = {"json": said}
        if files is not None:
            form = Multipart(said, files)
            headers |= form.headers
            content = {"content": form}
        sent = self._client.build_request("POST", self._url(path), headers=headers, **content)
        call = Call(
            provider=self.name,
            operation=operation,
            billable=operation not in self.capabilities.free,
            timeout=self._settings.timeout,
            guard=request.guard,
            explain=self.explain,
            redact=self._redacted,
        )
        return call, sent

    def _mapped(self, request: VendorRequest) -> Iterator[tuple[str, Any]]:
        """Yield the places in the body of all settings that the request asks for."""
        operation, asked = requested(request)
        kind = _kind_of_avatar(self, request)
        for name, value in asked.items():
            row = mapped(self.capabilities.settings, operation, name, value, kind)
            if row is not None:
                yield from row.placed(value)

    def _headers(self) -> dict[str, str]:
        """Build the headers that carry the key."""
        return {self.key_header: self.key_prefix + self._key}

    async def _items(
        self, operation: Operation, path: str, query: Mapping[str, Any]
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the entries of every page of a list, each id once."""
        asked, cursors, ids, stale = dict(query), set[str](), set[str](), 0
        for pages in itertools.count(1):
            page = await self._call("GET", path, operation=operation, query=asked)
            items = self._listed(operation, page)
            known = len(ids)
            for item in self._unseen(operation, items, ids):
                yield item
            # One page may come twice: some vendors count from 0, and others from 1.
            stale = stale + 1 if items and len(ids) == known else 0
            if stale > 1:
                raise self._bad(operation, "the list goes round in circles")
            cursor = self._cursor(page, query, pages=pages, jobs=len(ids))
            if cursor is None or (self.reads.counts and not items):
                return
            if str(cursor) in cursors:
                raise self._bad(operation, "the list goes round in circles")
            cursors.add(str(cursor))
            asked[self._cursor_parameter(operation)] = cursor

    def _cursor_parameter(self, operation: Operation) -> str:
        own = self.paths[operation].cursor_parameter if operation in self.paths else ""
        return own or self.reads.cursor_parameter

    def _unseen(
        self, operation: Operation, items: Sequence[Mapping[str, Any]], ids: set[str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the entries whose id is not in ``ids`` yet, and add it."""
        for item in items:
            job_id = said_at(item, *self.reads.ids[operation])
            if job_id is None or job_id not in ids:  # a list that moves shows some twice
                yield item
            ids |= {job_id} if job_id else set()

    def _listed(self, operation: Operation, page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the entries of a page; raises ``BadReply`` if it has no list of objects."""
        items = value_at(page, *self.reads.items)
        objects = as_objects(items)
        if not isinstance(items, list) or len(objects) < len(cast("Sequence[Any]", items)):
            raise self._bad(operation, "a page of the list holds no list of jobs")
        return objects

    def _cursor(
        self, page: Mapping[str, Any], query: Mapping[str, Any], *, pages: int, jobs: int
    ) -> Any:
        """Return the cursor of the next page, after so many pages and jobs; None at the end."""
        reads = self.reads
        if reads.counts is None:
            return text_at(page, *reads.cursor)
        for done, total in ((pages, reads.total_pages), (jobs, reads.total_jobs)):
            end = number_at(page, *total)
            if end is not None and done >= end:
                return None
        start = int(query.get(reads.cursor_parameter, 0))
        return start + (pages if reads.counts == "pages" else jobs)

    def _carries(self, item: Mapping[str, Any], token: str) -> bool:
        """Return True if a list entry carries the token."""
        return said_at(item, *self.reads.token) == token

    def _job(
        self,
        operation: Operation,
        raw: Mapping[str, Any],
        *,
        unsaid: JobState = JobState.UNKNOWN,
    ) -> Job:
        """Read a job; raises ``BadReply`` if it has no id, or a value of a wrong type."""
        try:
            return self._read_on(self._read(operation, raw, unsaid))
        except errors.BadReply as error:
            raise self._bad(operation, error.message) from error

    def _read(self, operation: Operation, raw: Mapping[str, Any], unsaid: JobState) -> Job:
        reads = self.reads
        job_id = id_at(raw, *reads.ids[operation])
        if job_id is None:
            raise self._bad(operation, "the answer names no job")
        word = text_at(raw, *reads.state)
        state = reads.unsaid.get(operation, unsaid)
        if word is not None:
            state = reads.states.get(word, JobState.UNKNOWN)
        links = {name: text_at(raw, *places) for name, places in reads.links.items()}
        reason = None if state in _WELL else self._said(raw, *reads.reason)
        seconds = number_at(raw, *reads.seconds)
        return Job(
            provider=self.name,
            operation=operation,
            id=job_id,
            ref=text_at(raw, *reads.refs.get(operation, ())),
            state=state,
            progress=parse_progress(filled_at(raw, *reads.progress), reads.progress_end),
            links={name: link for name, link in links.items() if link},
            reason=reason,
            action=_consent_action(self.name, text_at(raw, *reads.consent_url), state),
            created_at=parse_time(filled_at(raw, *reads.created_at)),
            cost=text_at(raw, *reads.cost) or _cost_of_length(operation, state, seconds),
            seconds=_length(operation, state, seconds),
            raw=raw,
        )

    def _read_on(self, job: Job) -> Job:
        """Complete a job from ``job.raw``; override it for what ``reads`` cannot express."""
        return job

    def _bad(self, operation: Operation, what: str) -> errors.BadReply:
        """Build the error of an answer that makes no sense."""
        return errors.BadReply(what, provider=self.name, operation=operation)

    def _check(self, request: VendorRequest) -> None:
        """Raise ``Unsupported`` for a request that the vendor's wire format cannot carry."""
        can = self.capabilities
        for media in _media(request):
            if media.url is None and "data" not in can.media:
                raise errors.Unsupported(
                    f"{self.name} fetches media by a link, and {media.name} has none"
                )
        match request:
            case VoiceRequest() if one_voice_file(type(self), request.options) and (
                len(request.samples) > 1
            ):
                raise errors.Unsupported(f"{self.name} takes one voice sample: join them")
            case AvatarRequest() if needs_footage(type(self), request.options):
                _ = request.required_footage
            case SpeechRequest() if request.audio is not None and not can.revoices:
                raise errors.Unsupported(f"{self.name} cannot speak what a recording says")
            case VideoRequest():
                self._check_drive(request)
            case DubRequest():
                can.require_subtitles(self.name, frozenset(request.subtitles))
            case _:
                pass
        self.capabilities.require_language(self.name, _spoken_language(request))
        require_mapped(self, *requested(request), _kind_of_avatar(self, request))

    def _check_drive(self, request: VideoRequest) -> None:
        can = self.capabilities
        if request.picture is not None:
            can.require_pictures(self.name)
        wanted: Literal["script", "audio"] = "script" if request.audio is None else "audio"
        if wanted not in can.drive:
            raise errors.Unsupported(f"{self.name} cannot drive a video by {wanted}")
        if request.audio and request.audio.media_type not in can.audio_formats:
            raise errors.Unsupported(
                f"{self.name} takes no {request.audio.media_type}: "
                f"give {' or '.join(can.audio_formats)}"
            )


class HttpVoiceCloner(HttpProvider, VoiceCloner):
    """Role base: voices at ``paths[Operation.VOICE]``; the adapter adds ``clone_voice``."""

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return await self._get(Operation.VOICE, self.paths[Operation.VOICE].poll, voice_id)

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Return every voice that carries the token, oldest first; empty only if all was read."""
        return await self._find_listed(Operation.VOICE, token)

    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete; a missing voice counts as deleted."""
        await self._delete_one(Operation.VOICE, voice_id)


class HttpAvatarTrainer(HttpProvider, AvatarTrainer):
    """Role base: avatars at ``paths[Operation.AVATAR]``; the adapter adds ``train_avatar``."""

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return await self._get(Operation.AVATAR, self.paths[Operation.AVATAR].poll, avatar_id)

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Return every avatar that carries the token, oldest first; empty only if all was read."""
        return await self._find_listed(Operation.AVATAR, token)

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete; a missing avatar counts as deleted."""
        await self._delete_one(Operation.AVATAR, avatar_id)


class HttpVideoGenerator(HttpProvider, VideoGenerator):
    """Role base: videos at ``paths[Operation.VIDEO]``; the adapter adds ``generate_video``."""

    async def get_video(self, video_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return await self._get(Operation.VIDEO, self.paths[Operation.VIDEO].poll, video_id)

    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Return every video that carries the token, oldest first; empty only if all was read."""
        return await self._find_listed(Operation.VIDEO, token)

    async def delete_video(self, video_id: str, /) -> None:
        """Delete; a missing video counts as deleted."""
        await self._delete_one(Operation.VIDEO, video_id)


class HttpVideoDubber(HttpProvider, VideoDubber):
    """Role base: dubs at ``paths[Operation.DUB]``; the adapter adds ``dub_video``."""

    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return await self._get(Operation.DUB, self.paths[Operation.DUB].poll, dub_id)

    async def find_dub(self, token: str, /) -> Sequence[Job]:
        """Return every dub that carries the token, oldest first; empty only if all was read."""
        return await self._find_listed(Operation.DUB, token)

    async def delete_dub(self, dub_id: str, /) -> None:
        """Delete; a missing dub counts as deleted."""
        await self._delete_one(Operation.DUB, dub_id)


#: Maximum characters of a reason in a record.
_LONGEST_REASON = 1000

#: Bytes a second; a slower upload times out.
_SLOWEST_UPLOAD = 250_000

#: States in which a vendor's "reason" is only a comment.
_WELL = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED})

_EventName = Literal[
    "avatar.training_progress",
    "avatar.training_completed",
    "avatar.training_failed",
    "video.completed",
    "video.failed",
]
_FAILED_TRAINING: Mapping[JobState, _EventName] = {
    **dict.fromkeys(JobState, "avatar.training_progress"),
    JobState.FAILED: "avatar.training_failed",
    JobState.GONE: "avatar.training_failed",
}
_ENDED_VIDEO: Mapping[JobState, _EventName] = {
    JobState.SUCCEEDED: "video.completed",
    JobState.FAILED: "video.failed",
    JobState.GONE: "video.failed",
}
_EVENT_NAMES: Mapping[Operation, Mapping[JobState, _EventName]] = {
    Operation.VOICE: _FAILED_TRAINING,
    Operation.AVATAR: {**_FAILED_TRAINING, JobState.SUCCEEDED: "avatar.training_completed"},
    Operation.SPEECH: {},
    Operation.VIDEO: _ENDED_VIDEO,
    Operation.DUB: _ENDED_VIDEO,
}


def _kind_of_avatar(provider: object, request: VendorRequest) -> str:
    avatar_id = request.avatar_id if isinstance(request, VideoRequest) else ""
    return kind_of_avatar(provider, avatar_id)


def _media(request: VendorRequest) -> Sequence[Media]:
    match request:
        case VoiceRequest():
            return request.samples
        case AvatarRequest(footage=Media() as footage):
            return (footage,)
        case DubRequest():
            return (request.source,)
        case VideoRequest():
            return tuple(one for one in (request.picture, request.audio) if one is not None)
        case _:
            return ()


def _spoken_language(request: VendorRequest) -> str | None:
    """Language in which a text is spoken; None if unknown, or if no text is spoken."""
    match request:
        case VideoRequest(audio=None) | SpeechRequest() | DubRequest():
            return request.language
        case _:
            return None


def _consent_action(provider: str, url: str | None, state: JobState) -> Action | None:
    if url is None or state is not JobState.NEEDS_ACTION:
        return None
    message = f"{provider} waits for the person's consent: open the link and give it."
    return Action(kind="open_url", message=message, url=url)


def _length(operation: Operation, state: JobState, seconds: float | None) -> float | None:
    """Seconds of a finished video, if the vendor tells a number."""
    filmed = operation in _FILMED and state is JobState.SUCCEEDED
    return seconds if filmed and seconds and seconds < 1e6 else None


_FILMED = frozenset({Operation.VIDEO, Operation.DUB})


def _cost_of_length(operation: Operation, state: JobState, seconds: float | None) -> str | None:
    """Cost of a finished video that is charged by its length, such as ``"31.5 seconds"``."""
    length = _length(operation, state, seconds)
    return None if length is None else f"{length:.15g} seconds"
