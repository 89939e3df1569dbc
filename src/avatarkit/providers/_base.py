"""What adapters over HTTP share: a client, a key, and tables that say how answers are read.

An adapter names its roles in its bases, says in ``capabilities`` what its wire can carry and in
``reads`` where things stand in an answer, and writes one line per call with ``_submit``, ``_get``,
``_find`` and ``_delete``.
"""

from __future__ import annotations

import email.utils
import hashlib
import itertools
import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import quote

from pydantic import SecretStr

from .. import errors, http
from .._log import cleaned
from ..interfaces import Capabilities, Limits, ProviderSettings, Sunset, needs_footage
from ..models import (
    Action,
    AvatarRequest,
    ConsentRule,
    DubRequest,
    Event,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    Request,
    Speech,
    SpeechRequest,
    VideoRequest,
    VoiceRequest,
)
from ..webhooks import Delivery, Registered

__all__ = ["HttpProvider", "Places", "Reads"]

OptionsT = TypeVar("OptionsT", bound=Options)

#: Where something stands in an answer: dotted paths, of which the first that is filled counts.
#: In a list the names are numbers.
Places = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """How a vendor's answers are read."""

    ids: Mapping[Operation, Places]  #: what is polled
    refs: Mapping[Operation, Places] = field(
        default_factory=dict
    )  #: what later calls use, if another
    states: Mapping[str, JobState]  #: the vendor's word -> ours; any other is ``UNKNOWN``
    state: Places = ("status",)
    #: the state of a job whose answer has no word for it; of a submission it is ``QUEUED``
    unsaid: Mapping[Operation, JobState] = field(default_factory=dict)
    progress: Places = ()  #: a number, "60%" or "60/100"
    progress_end: float = 100  #: what a bare number of progress counts up to
    links: Mapping[str, Places] = field(default_factory=dict)  #: our name -> place
    reason: Places = ()
    consent_url: Places = ()  #: where a person must go while the job needs an action
    #: seconds or milliseconds since 1970, or a time of ISO 8601 or RFC 1123
    created_at: Places = ("created_at",)
    cost: Places = ()
    #: how many seconds a finished video has, where that is what the vendor charges for
    seconds: Places = ()
    token: Places = ("name",)  #: where the name that we gave comes back
    items: Places = ("data",)  #: the jobs of a page
    cursor: Places = ()  #: what the next page is asked for with; empty on the last one
    cursor_parameter: str = "cursor"
    #: where no page tells the next one: what the parameter counts, from what was asked for first
    counts: Literal["pages", "jobs"] | None = None
    total_jobs: Places = ()  #: how many there are altogether; where untold, until an empty page
    total_pages: Places = ()


class HttpProvider:
    """Base of an adapter over HTTP; ``client`` is borrowed where it is given.

    Raises ``ConfigError`` where there is no key, or one that no HTTP header can carry.
    """

    name: ClassVar[str]
    api_version: ClassVar[str]
    base_url: ClassVar[str]
    key_env: ClassVar[str]  #: the vendor's own variable for the key
    key_header: ClassVar[str] = "authorization"
    key_prefix: ClassVar[str] = ""
    needs: ClassVar[frozenset[str]] = frozenset({"api_key"})  #: of ``ProviderSettings``
    idempotency_header: ClassVar[str | None] = None  #: only where the vendor documents it
    capabilities: ClassVar[Capabilities]
    limits: ClassVar[Limits] = ()
    consent_rules: ClassVar[tuple[ConsentRule, ...]] = ()
    option_types: ClassVar[tuple[type[Options], ...]] = ()
    sunsets: ClassVar[tuple[Sunset, ...]] = ()
    reads: ClassVar[Reads]
    #: the vendor's code of a failure -> what it means, whatever the status
    codes: ClassVar[Mapping[str, type[errors.ProviderError]]] = {}
    code: ClassVar[Places] = ("code", "error.code")  #: where that code stands
    message: ClassVar[Places] = ("message", "error.message", "error", "detail")

    def __init__(
        self, settings: ProviderSettings | None = None, *, client: http.Client | None = None
    ) -> None:
        self._settings = settings or ProviderSettings()
        self._key = self._checked_key()
        self._base_url = (self._settings.base_url or self.base_url).rstrip("/")
        self._owned = client is None
        self._client = client or http.new_client(timeout=self._settings.timeout)

    def _checked_key(self) -> str:
        key = self._carried(self._settings.api_key)
        ours = f"AVATARKIT_{re.sub('[^A-Z0-9]', '_', self.name.upper())}_API_KEY"
        if not key:
            raise errors.ConfigError(
                f"{self.name} needs a key: set {ours} or {self.key_env}. To try avatarkit without "
                "a key, use the provider 'local' or 'fake'."
            )
        return key

    def _carried(self, given: SecretStr | None, whose: str | None = None) -> str:
        """A key as a header can carry it; empty where there is none."""
        key = given.get_secret_value().strip() if given else ""
        if not re.fullmatch(r"[\x21-\x7e]*", key):
            raise errors.ConfigError(
                f"the key of {whose or self.name} has characters that no key has: copy it once more"
            )
        return key

    @property
    def account(self) -> str:
        """Fingerprint of the key; an adapter that knows the account's id says that instead."""
        digest = hashlib.sha256(f"{self.name}{self._key}".encode()).hexdigest()
        return f"key-{digest[:16]}"

    async def aclose(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            await self._client.aclose()

    def events(self, delivery: Delivery) -> list[Event]:
        """Check and read a delivery that is simply the job; override where it is wrapped."""
        self.capabilities.webhook.check(delivery, self._settings.webhook_secrets)
        body = delivery.json()
        found = (o for o, places in self.reads.ids.items() if _first(body, places) is not None)
        operation = next(found, None)
        return [] if operation is None else self._events(delivery, self._job(operation, body))

    def _events(
        self, delivery: Delivery, job: Job, *, told: str | None = None, trusted: bool | None = None
    ) -> list[Event]:
        """The event of a job, or nothing where it is none that anybody waits for.

        ``told`` is the vendor's id of it, without which it is the digest of the body; it is to be
        ``trusted`` where deliveries are signed, unless that is said here.
        """
        name = _EVENT_NAMES[job.operation].get(job.state)
        if name is None:
            return []
        event = Event(
            provider=self.name,
            id=told or delivery.digest,
            name=name,
            job=job,
            trusted=self.capabilities.webhook.signed if trusted is None else trusted,
        )
        return [event]

    def explain(self, status: int, body: Any) -> http.Explanation:
        """Read a failure: the vendor's code decides before the status does."""
        del status
        said = body if isinstance(body, Mapping) else {}
        code = _text(said, self.code)
        message = _first(said, self.message)
        return http.Explanation(
            kind=None if code is None else self.codes.get(code),
            code=None if code is None else self._redacted(code)[:80],
            message=self._redacted(message)[:200] if isinstance(message, str) else "",
        )

    def _redacted(self, text: str) -> str:
        """What a vendor says, without the key and whatever else is secret that it may repeat."""
        for secret in filter(None, self._secrets()):
            text = text.replace(secret, "[redacted]")
        return cleaned(text)

    def _secrets(self) -> tuple[str, ...]:
        """What the vendor is sent and must not come out; some of it may be empty."""
        return (self._key,)

    def _said(self, raw: Mapping[str, Any], places: Places) -> str | None:
        """A text of the vendor's that people read."""
        text = _text(raw, places)
        return None if text is None else self._redacted(text)

    # -- for adapters -------------------------------------------------------------------------

    async def _submit(
        self,
        operation: Operation,
        path: str,
        request: Request,
        options: type[Options] = Options,
        files: Sequence[tuple[str, Media]] | None = None,
        **body: Any,
    ) -> Job:
        """Start something that costs money: check first, send once, read the job.

        ``body`` is sent as JSON, or as a form beside ``files``; what is None stays out. The
        request's ``options`` of that type, then their ``extra``, are merged into it.
        """
        call, sent = self._billable(
            operation, path, request, options=options, body=body, files=files
        )
        raw = await self._send(sent, call)
        try:
            return self._job(operation, raw, unsaid=JobState.QUEUED)
        except errors.BadReply as error:
            raise call.unclear(error.message, body=raw) from error

    async def _speak(
        self,
        path: str,
        request: SpeechRequest,
        options: type[Options] = Options,
        **body: Any,
    ) -> Speech:
        """Submit as ``_submit`` does, where the answer is the audio itself."""
        call, sent = self._billable(Operation.SPEECH, path, request, options=options, body=body)
        answer = await http.stream(self._client, sent, call)
        return Speech(audio=answer.chunks, media_type=answer.media_type)

    async def _get(self, operation: Operation, path: str, job_id: str) -> Job:
        """Poll; ``{}`` in the path stands for the id."""
        raw = await self._call("GET", path.format(_segment(job_id)), operation=operation)
        return self._job(operation, raw)

    async def _find(
        self, operation: Operation, path: str, token: str, /, **query: Any
    ) -> list[Job]:
        """Walk every page of a list for jobs that carry the token; oldest first.

        A walk that fails anywhere raises: part of a list proves nothing.
        """
        items = self._items(operation, path, query)
        jobs = [self._job(operation, i) async for i in items if self._carries(i, token)]
        jobs.reverse()  # lists come newest first; where no job tells its age, that is all there is
        return sorted(jobs, key=lambda job: job.created_at or 0.0)

    async def _delete(self, operation: Operation, path: str, job_id: str) -> None:
        """Delete; ``{}`` in the path stands for the id. What is not there counts as deleted."""
        try:
            await self._call("DELETE", path.format(_segment(job_id)), operation=operation)
        except errors.NotFound:
            return

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
        """Make a free call, sent again where that may help, unless it is to be made ``once``.

        ``body`` is sent as JSON, or as a form beside ``files``; ``content`` is an upload's own
        bytes, in place of both. ``headers`` stand in place of the key's.
        """
        said = None if body is None else _filled(body)
        sent: dict[str, Any] = {"json": said}
        known = {k.lower(): v for k, v in (self._headers() if headers is None else headers).items()}
        if files is not None or content is not None:
            form = http.Upload(content) if content else http.Multipart(said or {}, files or ())
            known = form.headers | known
            sent = {"content": form}
        request = self._client.build_request(
            method,
            self._url(path),
            params=_filled(query or {}) or None,
            headers=known,
            **sent,
        )
        size = sum(media.size for _, media in files or ()) + (content.size if content else 0)
        call = http.Call(
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
        """Read what was registered, by the places of its id and of its secret."""
        told = _text(raw, (id_,)), _text(raw, (secret,))
        if told[0] is None or told[1] is None:
            raise self._bad(operation, "the webhook was given no id, or no secret")
        return Registered(told[0], SecretStr(told[1]))

    async def _send(self, request: http.Request, call: http.Call) -> dict[str, Any]:
        """Send what answers with JSON; override for a success that is none, or a key that ages."""
        return await http.send(self._client, request, call)

    def _url(self, path: str) -> str:
        """The address of a path; a whole address (of the vendor's other host) stays as it is."""
        return path if path.startswith("https://") else self._base_url + path

    def _option(self, request: Request, kind: type[OptionsT]) -> OptionsT:
        """The options of that type that the request carries, or their defaults."""
        return next((o for o in reversed(request.options) if type(o) is kind), None) or kind()

    def _billable(
        self,
        operation: Operation,
        path: str,
        request: Request,
        *,
        options: type[Options],
        body: Mapping[str, Any],
        files: Sequence[tuple[str, Media]] | None = None,
    ) -> tuple[http.Call, http.Request]:
        self._check(request)
        if request.callback_url and not self.capabilities.calls_back(operation):
            raise errors.Unsupported(f"{self.name} takes no callback address for {operation}")
        said = _filled(body)
        for extra in request.options:
            if type(extra) is options:
                own = extra.model_dump(exclude={"extra"}, exclude_none=True, by_alias=True)
                said |= own | extra.extra
        headers = self._headers()
        if self.idempotency_header and request.idempotency_key:
            headers[self.idempotency_header] = request.idempotency_key
        content: dict[str, Any] = {"json": said}
        if files is not None:
            form = http.Multipart(said, files)
            headers |= form.headers
            content = {"content": form}
        sent = self._client.build_request("POST", self._url(path), headers=headers, **content)
        call = http.Call(
            provider=self.name,
            operation=operation,
            billable=operation not in self.capabilities.free,
            timeout=self._settings.timeout,
            guard=request.guard,
            explain=self.explain,
            redact=self._redacted,
        )
        return call, sent

    def _headers(self) -> dict[str, str]:
        return {self.key_header: self.key_prefix + self._key}

    async def _items(
        self, operation: Operation, path: str, query: Mapping[str, Any]
    ) -> AsyncIterator[Mapping[str, Any]]:
        asked, cursors, ids = dict(query), set[str](), set[str]()
        for pages in itertools.count(1):
            page = await self._call("GET", path, operation=operation, query=asked)
            items = _at(page, self.reads.items)
            if not isinstance(items, list) or not all(isinstance(i, Mapping) for i in items):
                raise self._bad(operation, "a page of the list holds no list of jobs")
            for item in items:
                job_id = _text(item, self.reads.ids[operation])
                if job_id is None or job_id not in ids:  # a list that moves shows some twice
                    yield item
                ids |= {job_id} if job_id else set()
            cursor = self._cursor(page, query, pages=pages, jobs=len(ids))
            if cursor is None or (self.reads.counts and not items):
                return
            if str(cursor) in cursors:
                raise self._bad(operation, "the list goes round in circles")
            cursors.add(str(cursor))
            asked[self.reads.cursor_parameter] = cursor

    def _cursor(
        self, page: Mapping[str, Any], query: Mapping[str, Any], *, pages: int, jobs: int
    ) -> Any:
        """What the next page is asked for with, after so many; None after the last."""
        reads = self.reads
        if reads.counts is None:
            return _first(page, reads.cursor)
        for done, total in ((pages, reads.total_pages), (jobs, reads.total_jobs)):
            end = _at(page, total)
            if isinstance(end, int) and done >= end:
                return None
        start = int(query.get(reads.cursor_parameter, 0))
        return start + (pages if reads.counts == "pages" else jobs)

    def _carries(self, item: Mapping[str, Any], token: str) -> bool:
        return _text(item, self.reads.token) == token

    def _job(
        self,
        operation: Operation,
        raw: Mapping[str, Any],
        *,
        unsaid: JobState = JobState.UNKNOWN,
    ) -> Job:
        """Read a job; raises ``BadReply`` where it has no id."""
        reads = self.reads
        job_id = _text(raw, reads.ids[operation])
        if job_id is None:
            raise self._bad(operation, "the answer names no job")
        word = _text(raw, reads.state)
        state = reads.unsaid.get(operation, unsaid)
        if word is not None:
            state = reads.states.get(word, JobState.UNKNOWN)
        links = {name: _text(raw, places) for name, places in reads.links.items()}
        reason = None if state in _WELL else self._said(raw, reads.reason)
        job = Job(
            provider=self.name,
            operation=operation,
            id=job_id,
            ref=_text(raw, reads.refs.get(operation, ())),
            state=state,
            progress=_ratio(_first(raw, reads.progress), reads.progress_end),
            links={name: link for name, link in links.items() if link},
            reason=reason,
            action=_consent_action(self.name, _text(raw, reads.consent_url), state),
            created_at=_moment(_first(raw, reads.created_at)),
            cost=_text(raw, reads.cost) or _lasting(operation, state, _text(raw, reads.seconds)),
            raw=raw,
        )
        return self._read_on(job)

    def _read_on(self, job: Job) -> Job:
        """Add what ``job.raw`` tells beyond what ``reads`` can say; override where it does."""
        return job

    def _bad(self, operation: Operation, what: str) -> errors.BadReply:
        return errors.BadReply(what, provider=self.name, operation=operation)

    def _check(self, request: Request) -> None:
        """Raise ``Unsupported`` for what the vendor's wire cannot carry."""
        can = self.capabilities
        for media in _media(request):
            if media.url is None and "data" not in can.media:
                raise errors.Unsupported(
                    f"{self.name} fetches media by a link, and {media.name} has none"
                )
        match request:
            case VoiceRequest() if can.one_voice_file and len(request.samples) > 1:
                raise errors.Unsupported(f"{self.name} takes one voice sample: join them")
            case AvatarRequest() if needs_footage(type(self), request.options):
                _ = request.required_footage
            case VideoRequest():
                self._check_drive(request)
            case _:
                pass
        self.capabilities.require_language(self.name, _spoken_language(request))

    def _check_drive(self, request: VideoRequest) -> None:
        can = self.capabilities
        wanted: Literal["script", "audio"] = "script" if request.audio is None else "audio"
        if wanted not in can.drive:
            raise errors.Unsupported(f"{self.name} cannot drive a video by {wanted}")
        if request.audio and request.audio.media_type not in can.audio_formats:
            raise errors.Unsupported(
                f"{self.name} takes no {request.audio.media_type}: "
                f"give {' or '.join(can.audio_formats)}"
            )


#: Bytes a second; an upload that is slower than this is given up.
_SLOWEST_UPLOAD = 250_000

#: What is called a reason by a job that goes well is a comment.
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


def _media(request: Request) -> Sequence[Media]:
    match request:
        case VoiceRequest():
            return request.samples
        case AvatarRequest(footage=Media() as footage):
            return (footage,)
        case DubRequest():
            return (request.source,)
        case VideoRequest(audio=Media() as audio):
            return (audio,)
        case _:
            return ()


def _spoken_language(request: Request) -> str | None:
    """What a text is to be said in; None where it is not told, or nothing is said anew."""
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


def _segment(job_id: str) -> str:
    """An id as one part of a path, whatever characters it has."""
    return quote(job_id, safe="")


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _at(raw: Any, places: Places) -> Any:
    """What stands at the first of these places that there is."""
    for place in places:
        value = raw
        for name in place.split("."):
            if isinstance(value, dict):  # what JSON gives, and faster to see than any mapping
                value = value.get(name)
            elif isinstance(value, list):
                value = dict(enumerate(value)).get(int(name)) if name.isdecimal() else None
            else:
                value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None


def _first(raw: Mapping[str, Any], places: Places) -> Any:
    """What stands at the first of these places that is filled."""
    for place in places:
        value = _at(raw, (place,))
        if value not in (None, "", [], {}):
            return value
    return None


def _text(raw: Mapping[str, Any], places: Places) -> str | None:
    value = _first(raw, places)
    return str(value) if isinstance(value, str | int | float) else None


def _lasting(operation: Operation, state: JobState, seconds: str | None) -> str | None:
    """What a job took that is charged by the length of its video."""
    filmed = operation in {Operation.VIDEO, Operation.DUB} and state is JobState.SUCCEEDED
    return f"{seconds} seconds" if filmed and seconds is not None else None


def _ratio(value: Any, end: float) -> float | None:
    """Read ``"60/100"``, ``"60%"``, or ``60`` of ``end``, as 0.6."""
    done, _, total = str(value).strip().partition("/")
    if done.endswith("%"):
        done, total = done[:-1], "100"
    try:
        ratio = float(done) / float(total or end)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return None if math.isnan(ratio) else min(1.0, max(0.0, ratio))


#: Larger numbers are milliseconds: as seconds they would lie beyond the year 5000.
_MILLISECONDS = 1e11


def _moment(value: Any) -> float | None:
    """Seconds since 1970 of a number of (milli)seconds, or of an ISO 8601 or RFC 1123 time."""
    if isinstance(value, int | float):
        return value / 1000 if value > _MILLISECONDS else float(value)
    for read in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            told = read(str(value))
            return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
    return None
