"""Conformance tests that every provider over HTTP must pass: abilities and refusals.

An adapter's author subclasses ``ProviderSuite``, gives the class and what the vendor really
answers, and runs pytest::

    class TestAcme(ProviderSuite):
        provider = Acme
        recordings = {Operation.AVATAR: CannedAnswers(submitted={...}, polled={...}, pages=[...])}

A provider that speaks is also given to ``SpeechSuite``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, ClassVar, cast
from unittest.mock import Mock
from urllib.parse import urlsplit

import httpx
import pytest
import stamina
from pydantic import SecretStr

from .. import errors
from ..content.results import KINDS, SPEECH_TYPES, Expected
from ..interfaces import (
    ROLES,
    BeginsSteps,
    Mapped,
    Provider,
    ProviderSettings,
    kind_of_avatar,
    mapped,
)
from ..models import (
    AvatarRequest,
    DubRequest,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    SpeechRequest,
    VendorRequest,
    VideoRequest,
    VideoSettings,
    VoiceRequest,
    VoiceSettings,
    media_type_of,
)
from ..providers.http import HttpProvider, value_at
from ..webhooks import Delivery, HmacSha256
from .wire import Wire

__all__ = ["KEY", "TOKEN", "CannedAnswers", "Golden", "ProviderSuite", "SpeechSuite"]

#: The key that the suite gives to the adapter, and then looks for everywhere.
KEY = "9f1c-that-must-not-leak"
#: What the job that is looked for is called in ``CannedAnswers.pages``.
TOKEN = "ak-the-job-that-is-looked-for"  # noqa: S105 - it opens nothing

_BYTES = b"RIFF-the-recorded-bytes"
_LINK = "https://store.example/sample.wav?signature=of-the-store"

#: Answers of a billable call that prove that nothing was accepted.
_REFUSALS: Mapping[int, type[errors.ProviderError]] = MappingProxyType(
    {
        400: errors.Refused,
        401: errors.AuthError,
        402: errors.QuotaError,
        403: errors.AuthError,
        404: errors.NotFound,
        413: errors.Refused,
        415: errors.Refused,
        422: errors.Refused,
        429: errors.RateLimited,
        451: errors.Refused,
    }
)
#: Whatever else comes back leaves open whether it was accepted: a status, a body, or no answer.
_DOUBTS: tuple[int | bytes | type[Exception], ...] = (
    *(302, 307, 408, 409, 410, 425, 500, 502, 503, 504),
    *(b"", b"<h1>welcome</h1>", b"[1]", b'{"hello": "world"}'),
    *(httpx.ReadTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError),
)
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Stranger(Options):
    """Options of some other provider."""

    not_for_you: bool = True


@dataclass(frozen=True, kw_only=True)
class CannedAnswers:
    """Recorded answers of one vendor for one operation."""

    submitted: Mapping[str, Any]
    polled: Mapping[JobState, Mapping[str, Any]]
    #: A list, page by page: the job called ``TOKEN`` stands on the last, others before it.
    pages: Sequence[Mapping[str, Any]] = ()
    delivered: Mapping[str, Any] | None = None  #: the webhook of its end, if unlike the poll
    webhook: bool = True  #: whether the vendor has a webhook of its end
    state_field: str | None = "status"  #: where the state stands, dotted; None: nowhere
    #: what ``prepare`` would have returned
    prepared: Mapping[str, Any] = field(default_factory=dict[str, Any])


def _placed(body: Mapping[str, Any], place: str, value: str) -> dict[str, Any]:
    """The body with another value at a dotted place."""
    name, _, rest = place.partition(".")
    return {**body, name: _placed(body.get(name) or {}, rest, value) if rest else value}


def _without_values(body: Mapping[str, Any], kept: set[str]) -> dict[str, Any]:
    """The body with null for every value, but for ids and what is called as one of ``kept``."""
    return {
        name: _without_values(cast("Mapping[str, Any]", value), kept)
        if isinstance(value, Mapping)
        else value
        if name in kept or "id" in name
        else None
        for name, value in body.items()
    }


def _in_doubt_where_paid(error: errors.ProviderError, wire: Wire, *, paid: bool) -> None:
    """Billable calls are never repeated; free calls leave no open intent."""
    assert isinstance(error, errors.Ambiguous) is paid
    assert not paid or len(wire.requests) == 1


@dataclass(frozen=True, kw_only=True)
class Golden:
    """A delivery as the vendor really signed it, and the secret: proof of the scheme."""

    secret: bytes
    delivery: Delivery


class _Suite:
    """Base of both suites."""

    provider: ClassVar[type[HttpProvider]]
    link: ClassVar[str] = _LINK  #: of a recording; another where the vendor looks at its ending

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Run on asyncio."""
        return "asyncio"

    @pytest.fixture(autouse=True)
    def _without_waiting(self) -> Iterator[None]:
        with stamina.set_testing(True, attempts=3, cap=True):
            yield

    @pytest.fixture
    def wire(self) -> Wire:
        """The scripted vendor."""
        return Wire()

    @pytest.fixture
    def it(self, wire: Wire) -> Any:
        """The adapter, on that wire."""
        return self.provider(self.settings(), client=wire.client)

    def settings(self) -> ProviderSettings:
        """Settings of the adapter under test; add what yours needs besides a key."""
        return ProviderSettings(api_key=SecretStr(KEY), webhook_secrets=(b"old", b"new"))

    def media(self, *, linked: bool | None = None) -> Media:
        """A recording, as the adapter can take it."""
        can = self.provider.capabilities
        by_link = "url" in can.media if linked is None else linked

        async def chunks() -> AsyncIterator[bytes]:
            yield _BYTES

        return Media(
            name="sample.wav",
            media_type=can.audio_formats[0],
            size=len(_BYTES),
            sha256=hashlib.sha256(_BYTES).hexdigest(),
            url=self.link if by_link else None,
            open=chunks,
        )


@pytest.mark.anyio
class ProviderSuite(_Suite):
    """Tests for jobs: voices, avatars, videos and dubs."""

    recordings: ClassVar[Mapping[Operation, CannedAnswers]]
    golden: ClassVar[Golden | None] = None
    kept: ClassVar[frozenset[Operation]] = frozenset()  #: what the vendor has no call to delete
    #: an avatar of each kind, where the provider has several: see ``Mapped.avatars``
    avatars: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test once per operation that is recorded, or that can be found in a list."""
        if "operation" in metafunc.fixturenames:
            metafunc.parametrize("operation", list(self.recordings), ids=str)
        if "listed" in metafunc.fixturenames:
            listed = [o for o, recording in self.recordings.items() if recording.pages]
            metafunc.parametrize("listed", listed, ids=str)
        if "told" in metafunc.fixturenames:
            told = [o for o, recording in self.recordings.items() if recording.webhook]
            metafunc.parametrize("told", told, ids=str)

    # -- how the tests talk to it -------------------------------------------------------------

    def ask(self, operation: Operation, **more: Any) -> VendorRequest:
        """A request for the operation; override for a vendor that needs more to be said."""
        asked: dict[str, Any] = {"token": TOKEN, "prepared": self.recordings[operation].prepared}
        match operation:
            case Operation.VOICE:
                asked |= {"samples": (self.media(),)}
                return VoiceRequest(**asked | more)
            case Operation.AVATAR:
                asked |= {"footage": self.media()}
                return AvatarRequest(**asked | more)
            case Operation.DUB:
                asked |= {"source": self.media(), "language": "pt"}
                return DubRequest(**asked | more)
            case _:
                asked |= {"avatar_id": "a1"} | self.drive() | more
                if not asked["avatar_id"]:
                    asked |= {"picture": self.picture()}
                return VideoRequest(**asked)

    def picture(self) -> Media:
        """A picture that speaks without a training."""
        return self.media().model_copy(update={"name": "me.png", "media_type": "image/png"})

    def drive(self) -> dict[str, Any]:
        """Sound or script that a video of this vendor needs."""
        by_script = "script" in self.provider.capabilities.drive
        return {"script": "Good morning!"} if by_script else {"audio": self.media()}

    async def submit(self, it: Any, operation: Operation, **more: Any) -> Job:
        """Make the paid call."""
        submit = ROLES[operation].submit(it)
        return cast("Job", await submit(self.ask(operation, **more)))

    async def poll(self, it: Any, operation: Operation) -> Job:
        """Make the free call."""
        job: Job = await ROLES[operation].get(it)("x/1")
        return job

    def polled(self, operation: Operation, body: Mapping[str, Any]) -> Any:
        """Answer of a poll about the job ``body``; override it if the vendor wraps jobs."""
        del operation
        return body

    async def find(self, it: Any, operation: Operation, token: str = TOKEN) -> Sequence[Job]:
        """Look for jobs by a token."""
        jobs: Sequence[Job] = await ROLES[operation].find(it)(token)
        return jobs

    # -- set-up -------------------------------------------------------------------------------

    def test_a_role_is_played_whole_or_not_at_all(self) -> None:
        for operation, role in ROLES.items():
            if operation is Operation.SPEECH:
                continue
            methods = (role.submit, role.get, role.find, role.delete)
            has = {_offers(self.provider, method) for method in methods if method is not None}
            assert has == {operation in self.recordings}, f"recordings and roles differ: {role}"

    def test_it_tells_all_that_a_provider_tells(self, it: Any) -> None:
        assert isinstance(it, Provider)
        assert all(issubclass(options, Options) for options in it.option_types)

    def test_what_can_be_found_is_recorded_as_a_list(self) -> None:
        findable = self.provider.capabilities.found_by_token
        listed = {o for o, recording in self.recordings.items() if recording.pages}
        assert listed == findable & set(self.recordings)

    def test_a_missing_key_names_its_variable(self) -> None:
        with pytest.raises(errors.ConfigError, match=self.provider.key_env):
            self.provider()

    async def test_it_closes_only_its_own_client(self, it: Any, wire: Wire) -> None:
        await it.aclose()
        assert not wire.client.is_closed
        own: Any = self.provider(self.settings())
        await own.aclose()
        assert own._client.is_closed  # noqa: SLF001

    def test_the_account_tells_keys_apart_without_telling_the_key(self, it: Any) -> None:
        settings = dataclasses.replace(self.settings(), api_key=SecretStr("other"))
        other = self.provider(settings, client=it._client)  # noqa: SLF001
        assert it.account != other.account
        assert KEY not in it.account + repr(it)

    # -- answers ------------------------------------------------------------------------------

    async def test_a_submission_becomes_a_job(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        submitted = self.recordings[operation].submitted
        wire.reply(submitted)
        job = await self.submit(it, operation)
        assert (job.provider, job.operation) == (self.provider.name, operation)
        assert job.id
        assert job.state not in {JobState.UNKNOWN, JobState.FAILED}
        assert job.raw == submitted

    async def test_a_submission_is_one_request_with_the_key_in_a_header(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply(self.recordings[operation].submitted)
        await self.submit(it, operation)
        (request,) = wire.requests
        assert KEY in str(request.headers.raw)
        assert KEY not in str(request.url)

    async def test_all_that_was_asked_is_on_the_wire(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        recording = self.recordings[operation]
        wire.reply(recording.submitted)
        await self.submit(it, operation)
        said = [*map(str, recording.prepared.values())]
        if operation is Operation.VIDEO:
            said += ["a1", *(v for v in self.drive().values() if isinstance(v, str))]
        elif not said:
            said += [self.link if "url" in it.capabilities.media else _BYTES.decode()]
        on_the_wire = wire.requests[0].content.decode() + str(wire.requests[0].url)
        assert [word for word in said if word not in on_the_wire] == []

    async def test_the_token_is_on_the_wire_where_it_is_found_by_it(
        self, it: Any, wire: Wire, listed: Operation
    ) -> None:
        wire.reply(self.recordings[listed].submitted)
        await self.submit(it, listed)
        assert TOKEN.encode() in wire.requests[0].content

    async def test_each_known_answer_has_its_state(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        for state, body in self.recordings[operation].polled.items():
            wire.reply(self.polled(operation, body))
            job = await self.poll(it, operation)
            assert (job.state, job.raw) == (state, body)
            assert (state is JobState.FAILED) <= bool(job.reason)
            assert (state is JobState.NEEDS_ACTION) <= (job.action is not None)

    async def test_a_poll_only_reads(self, it: Any, wire: Wire, operation: Operation) -> None:
        """A call that costs money, or uses a person's voice or face, belongs into ``begin_step``.

        Only the link under which a person shall act may have to be requested.
        """
        for state, body in self.recordings[operation].polled.items():
            before = len(wire.requests)
            wire.reply(self.polled(operation, body))
            job = await self.poll(it, operation)
            sent = {request.method for request in wire.requests[before:]}
            assert sent == {"GET"} or state is JobState.NEEDS_ACTION
            assert job.next_step is None or isinstance(it, BeginsSteps)

    async def test_a_finished_video_has_a_link_that_is_in_no_repr(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply(self.polled(operation, self.recordings[operation].polled[JobState.SUCCEEDED]))
        job = await self.poll(it, operation)
        sound = operation is Operation.DUB and it.capabilities.dubs_sound
        wanted = "audio" if sound else "video"
        assert (operation in {Operation.VIDEO, Operation.DUB}) <= (wanted in job.links)
        assert [link for link in job.links.values() if link in repr(job)] == []

    async def test_each_result_can_be_checked_as_what_it_claims_to_be(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        """A delivered file is checked by its name: "video", "audio", "thumbnail", "preview" ..."""
        wire.reply(self.polled(operation, self.recordings[operation].polled[JobState.SUCCEEDED]))
        job = await self.poll(it, operation)
        suffixes = {n: PurePosixPath(urlsplit(link).path).suffix for n, link in job.links.items()}
        expected = [Expected(name=n, media_type=media_type_of(s)) for n, s in suffixes.items()]
        unknown = [one.name for one in expected if one.kinds is None]
        assert unknown == [], f"name results as one of {', '.join(KINDS)}, or give an extension"

    async def test_a_new_state_word_is_unknown_not_a_crash(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        recording = self.recordings[operation]
        body, place = dict(recording.polled[JobState.SUCCEEDED]), recording.state_field
        body = _placed(body, place, "percolating") if place else body
        wire.reply(self.polled(operation, body))
        wanted = JobState.UNKNOWN if place else JobState.SUCCEEDED
        assert (await self.poll(it, operation)).state is wanted

    async def test_new_fields_and_nulls_do_no_harm(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        recording = self.recordings[operation]
        body = recording.polled[JobState.SUCCEEDED]
        nulls = _without_values(body, {"id", *(recording.state_field or "").split(".")})
        wire.reply(self.polled(operation, nulls | {"brand_new": {"deep": [1]}}))
        job = await self.poll(it, operation)
        assert job.raw["brand_new"] == {"deep": [1]}

    async def test_a_poll_without_an_id_is_a_bad_reply(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply({"hello": "world"})
        with pytest.raises(errors.BadReply):
            await self.poll(it, operation)

    async def test_an_id_is_one_part_of_the_path(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply(self.polled(operation, self.recordings[operation].polled[JobState.SUCCEEDED]))
        await self.poll(it, operation)
        assert b"x%2F1" in wire.requests[0].url.raw_path

    async def test_deleting_twice_is_fine_or_refused(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        delete = cast("Any", ROLES[operation].delete)(it)
        wire.reply({}).reply({"error": "no such thing"}, 404)
        if operation in self.kept:  # a 404 of a call that is not there would pass for deleted
            with pytest.raises(errors.Unsupported):
                await delete("x1")
            assert not wire.requests
            return
        for _ in range(2):
            await delete("x1")
        assert len(wire.requests) == 2

    # -- lists --------------------------------------------------------------------------------

    async def test_a_job_is_found_by_its_token_on_the_last_page(
        self, it: Any, wire: Wire, listed: Operation
    ) -> None:
        pages = self.recordings[listed].pages
        for page in pages:
            wire.reply(page)
        found = await self.find(it, listed)
        assert found
        assert {(job.provider, job.operation) for job in found} == {(it.name, listed)}
        assert len(wire.requests) == len(pages)
        assert len({str(request.url) for request in wire.requests}) == len(pages)

    async def test_jobs_that_are_found_are_told_oldest_first(
        self, it: Any, wire: Wire, listed: Operation
    ) -> None:
        for page in self.recordings[listed].pages:
            wire.reply(page)
        ages = [job.created_at or 0.0 for job in await self.find(it, listed)]
        assert ages == sorted(ages)

    async def test_nothing_is_found_only_after_all_pages(
        self, it: Any, wire: Wire, listed: Operation
    ) -> None:
        pages = self.recordings[listed].pages
        for page in pages:
            wire.reply(page)
        assert list(await self.find(it, listed, "ak-missing")) == []
        assert len(wire.requests) >= len(pages)  # some vendors have a second list

    @pytest.mark.parametrize("broken", [500, 401, b"{}", b"<h1>502</h1>"], ids=repr)
    async def test_a_list_that_breaks_off_is_never_absence(
        self, it: Any, wire: Wire, listed: Operation, broken: int | bytes
    ) -> None:
        for page in self.recordings[listed].pages[:-1]:
            wire.reply(page)
        wire.reply({}, broken) if isinstance(broken, int) else wire.reply(broken)
        with pytest.raises(errors.ProviderError):
            await self.find(it, listed, "ak-missing")

    # -- failures of free calls ---------------------------------------------------------------

    @pytest.mark.parametrize(
        ("status", "wanted"),
        [
            (401, errors.AuthError),
            (404, errors.NotFound),
            (422, errors.Refused),
            (429, errors.RateLimited),
            (503, errors.Unavailable),
        ],
    )
    async def test_a_status_has_its_error(
        self,
        it: Any,
        wire: Wire,
        operation: Operation,
        status: int,
        wanted: type[errors.ProviderError],
    ) -> None:
        wire.reply({}, status, retry_after="7", x_request_id="r-1")
        with pytest.raises(wanted) as caught:
            await self.poll(it, operation)
        error = caught.value
        told = (error.provider, error.status, error.retry_after, error.request_id)
        assert told == (self.provider.name, status, 7, "r-1")
        assert len(wire.requests) == (3 if error.retryable else 1)

    async def test_a_page_of_html_is_still_an_error_of_ours(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply(b"<h1>502</h1>", 502)
        with pytest.raises(errors.Unavailable) as caught:
            await self.poll(it, operation)
        assert "<h1>" not in str(caught.value)

    async def test_an_error_repeats_neither_key_nor_signed_link(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        echo = f"the key {KEY} may not read {_LINK}"
        wire.reply({"message": echo, "error": {"message": echo}, "detail": echo}, 422)
        with pytest.raises(errors.Refused) as caught:
            await self.poll(it, operation)
        assert KEY not in str(caught.value) + repr(caught.value)
        assert "of-the-store" not in str(caught.value) + repr(caught.value)

    # -- the money rule -----------------------------------------------------------------------

    @pytest.mark.parametrize(("status", "wanted"), _REFUSALS.items(), ids=str)
    async def test_a_refusal_proves_that_nothing_was_accepted(
        self,
        it: Any,
        wire: Wire,
        operation: Operation,
        status: int,
        wanted: type[errors.ProviderError],
    ) -> None:
        wire.reply({}, status)
        with pytest.raises(wanted):
            await self.submit(it, operation)
        assert len(wire.requests) == 1

    @pytest.mark.parametrize("how", _DOUBTS, ids=str)
    async def test_what_may_have_been_accepted_is_ambiguous_and_sent_once(
        self, it: Any, wire: Wire, operation: Operation, how: int | bytes | type[Exception]
    ) -> None:
        match how:
            case int():
                wire.reply({}, how, location="https://elsewhere.example/")
            case bytes():
                wire.reply(how)
            case _:
                wire.fail(how)
        with pytest.raises(errors.ProviderError) as caught:
            await self.submit(it, operation)
        _in_doubt_where_paid(caught.value, wire, paid=operation not in it.capabilities.free)

    @pytest.mark.parametrize("how", _NEVER_LEFT)
    async def test_what_never_left_is_not_sent_again_either(
        self, it: Any, wire: Wire, operation: Operation, how: type[Exception]
    ) -> None:
        wire.fail(how)
        free = operation in it.capabilities.free
        with pytest.raises(errors.Unavailable if free else errors.NotSent):
            await self.submit(it, operation)
        assert len(wire.requests) == 1

    async def test_the_guard_is_asked_before_anything_is_sent(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        guard = Mock(side_effect=errors.NotSent("too late"))
        with pytest.raises(errors.NotSent):
            await self.submit(it, operation, guard=guard)
        assert not wire.requests

    async def test_an_idempotency_key_is_sent_where_it_is_documented(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply(self.recordings[operation].submitted)
        await self.submit(it, operation, idempotency_key="attempt-1")
        sent = "attempt-1" in str(wire.requests[0].headers.raw) + str(wire.requests[0].content)
        assert sent == (it.capabilities.idempotency_window is not None)

    # -- refusals: asked for, not possible, nothing sent --------------------------------------

    async def test_an_avatar_of_nothing_is_refused(self, it: Any, wire: Wire) -> None:
        if Operation.AVATAR not in self.recordings:
            return
        with pytest.raises(errors.MediaRejected):
            await self.submit(it, Operation.AVATAR, footage=None)
        assert not wire.requests

    async def test_media_without_a_link_is_streamed_or_refused(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        if self.recordings[operation].prepared or isinstance(self.ask(operation), VideoRequest):
            return  # its media went ahead, or it has none
        name = {Operation.VOICE: "samples", Operation.AVATAR: "footage"}.get(operation, "source")
        media = self.media(linked=False)
        given = {name: (media,) if operation is Operation.VOICE else media}
        wire.reply(self.recordings[operation].submitted)
        if "data" in it.capabilities.media:
            await self.submit(it, operation, **given)
            assert _BYTES in wire.requests[0].content
        else:
            with pytest.raises(errors.Unsupported):
                await self.submit(it, operation, **given)
            assert not wire.requests

    @pytest.mark.parametrize(
        "kinds", [("translation",), ("source",), ("source", "translation")], ids="+".join
    )
    async def test_subtitles_of_ones_own_are_refused_if_a_dub_cannot_have_them(
        self, it: Any, wire: Wire, kinds: tuple[str, ...]
    ) -> None:
        if Operation.DUB not in self.recordings or set(kinds) in it.capabilities.dub_subtitles:
            return
        own = dict.fromkeys(kinds, self.media())
        with pytest.raises(errors.Unsupported, match="subtitles"):
            await self.submit(it, Operation.DUB, subtitles=own)
        assert not wire.requests

    @pytest.mark.parametrize("drive", ["script", "audio"])
    async def test_a_video_is_driven_as_it_can_be_or_refused(
        self, it: Any, wire: Wire, drive: str
    ) -> None:
        if Operation.VIDEO not in self.recordings:
            return
        wire.reply(self.recordings[Operation.VIDEO].submitted)
        more: dict[str, Any] = {"script": None, "audio": None}
        more[drive] = "Good night!" if drive == "script" else self.media()
        if drive in it.capabilities.drive:
            await self.submit(it, Operation.VIDEO, **more)
            assert len(wire.requests) == 1
        else:
            with pytest.raises(errors.Unsupported):
                await self.submit(it, Operation.VIDEO, **more)
            assert not wire.requests

    async def test_a_picture_speaks_without_a_training_or_is_refused(
        self, it: Any, wire: Wire
    ) -> None:
        if Operation.VIDEO not in self.recordings:
            return
        wire.reply(self.recordings[Operation.VIDEO].submitted)
        if it.capabilities.pictures:
            await self.submit(it, Operation.VIDEO, avatar_id="")
            assert len(wire.requests) == 1
        else:
            with pytest.raises(errors.Unsupported, match="without a training"):
                await self.submit(it, Operation.VIDEO, avatar_id="")
            assert not wire.requests

    async def test_a_callback_address_is_sent_or_refused(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply(self.recordings[operation].submitted)
        address = "https://app.example/hook"
        if it.capabilities.calls_back(operation):
            await self.submit(it, operation, callback_url=address)
            assert address in str(wire.body())
        else:
            with pytest.raises(errors.Unsupported):
                await self.submit(it, operation, callback_url=address)
            assert not wire.requests

    async def test_options_of_others_stay_out(
        self, it: Any, wire: Wire, operation: Operation
    ) -> None:
        wire.reply(self.recordings[operation].submitted)
        await self.submit(it, operation, options=(Stranger(extra={"nor_this": 1}),))
        said = str(wire.body())
        assert "not_for_you" not in said
        assert "nor_this" not in said

    # -- settings: mapped, or refused ---------------------------------------------------------

    async def test_each_mapped_setting_reaches_the_wire(self, wire: Wire) -> None:
        if Operation.VIDEO not in self.recordings:
            return
        for row in self.provider.capabilities.settings.get(Operation.VIDEO, ()):
            for value in _examples(row):
                wire.reply(self.recordings[Operation.VIDEO].submitted)
                it = self.provider(self.settings(), client=wire.client)
                avatars = [self.avatars[kind] for kind in row.avatars] or ["a1"]
                for avatar in avatars:
                    settings = setting(row.setting, value, *row.needs[:1])
                    await self.submit(it, Operation.VIDEO, avatar_id=avatar, settings=settings)
                    _require_placed(row, value, wire.body())

    async def test_a_setting_that_is_not_mapped_is_refused_and_sends_nothing(
        self, it: Any, wire: Wire
    ) -> None:
        if Operation.VIDEO not in self.recordings:
            return
        own = self.provider.capabilities.settings
        for avatar in ("a1", *self.avatars.values()):
            kind = kind_of_avatar(it, avatar)
            for name, values in EXAMPLES.items():
                for value in values:
                    if mapped(own, Operation.VIDEO, name, value, kind):
                        continue
                    settings = setting(name, value)
                    with pytest.raises(errors.Unsupported, match=f"{it.name} cannot set {name}="):
                        await self.submit(it, Operation.VIDEO, avatar_id=avatar, settings=settings)
        assert not wire.requests

    # -- webhooks -----------------------------------------------------------------------------

    def delivered(self, operation: Operation) -> bytes:
        """The body of a webhook that tells of a job's good end."""
        recording = self.recordings[operation]
        body = recording.delivered or recording.polled[JobState.SUCCEEDED]
        return json.dumps(dict(body)).encode()

    def sign(self, body: bytes, secret: bytes = b"new", at: float | None = None) -> Delivery:
        """Sign as the vendor does; override for a scheme of your own."""
        scheme = self.provider.capabilities.webhook
        if not isinstance(scheme, HmacSha256):
            return Delivery(body, {})
        stamp = str(int(time.time() if at is None else at))
        timed = scheme.time_signed and (scheme.version or scheme.time_header)
        message = stamp.encode() + b"." + body if timed else body
        digest = hmac.new(secret, message, hashlib.sha256).hexdigest()
        value = f"t={stamp},{scheme.version}={digest}" if scheme.version else digest
        headers = {scheme.header.lower(): value}
        if scheme.time_header:
            headers[scheme.time_header.lower()] = stamp
        return Delivery(body, headers)

    def test_a_delivery_becomes_an_event(self, it: Any, told: Operation) -> None:
        delivery = self.sign(self.delivered(told))
        (event,) = it.events(delivery)
        assert (event.job.operation, event.job.provider) == (told, self.provider.name)
        assert event.job.state is JobState.SUCCEEDED
        assert event.trusted is it.capabilities.webhook.signed
        assert it.events(delivery)[0].id == event.id

    def test_a_delivery_that_the_vendor_signed_is_accepted(
        self, wire: Wire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert (self.golden is not None) == self.provider.capabilities.webhook.signed
        if self.golden is None:
            return
        careful = Mock(side_effect=hmac.compare_digest)
        monkeypatch.setattr(hmac, "compare_digest", careful)
        settings = dataclasses.replace(self.settings(), webhook_secrets=(self.golden.secret,))
        self.provider(settings, client=wire.client).events(self.golden.delivery)
        assert careful.called, "compare signatures in constant time"

    @pytest.mark.parametrize("body", [b"", b"<xml/>", b"[1]", b"\xff"], ids=repr)
    def test_a_delivery_that_is_no_object_is_rejected(self, it: Any, body: bytes) -> None:
        with pytest.raises(errors.WebhookRejected):
            it.events(self.sign(body))

    def test_a_delivery_about_nothing_of_ours_is_no_event(self, it: Any) -> None:
        assert it.events(self.sign(b'{"type": "ping"}')) == []

    def test_a_forged_delivery_is_rejected(self, it: Any, told: Operation) -> None:
        scheme = it.capabilities.webhook
        body = self.delivered(told)
        good = self.sign(body)
        forged = [
            Delivery(body + b" ", good.headers),
            Delivery(body, {}),
            self.sign(body, b"wrong"),
            *(self.sign(body, at=time.time() + days * 86_400) for days in (-1, 1)),
        ]
        if not scheme.signed:  # then none is ever believed, so there is nothing to forge
            assert [e.trusted for d in forged for e in it.events(d)] == [False] * len(forged)
            return
        if not it.capabilities.callback_signed:  # it may be one: then it is but a reason to look
            unsigned = forged.pop(1)
            assert [event.trusted for event in it.events(unsigned)] == [False]
        timed = getattr(scheme, "time_signed", True)
        for delivery in forged if timed else forged[:-2]:
            with pytest.raises(errors.WebhookRejected):
                it.events(delivery)

    def test_while_secrets_are_rotated_either_opens(self, it: Any, told: Operation) -> None:
        body = self.delivered(told)
        assert it.events(self.sign(body, b"old"))
        assert it.events(self.sign(body, b"new"))


@pytest.mark.anyio
class SpeechSuite(_Suite):
    """Tests for speech whose answer is the audio itself."""

    audio: ClassVar[bytes]  #: what is heard
    media_type: ClassVar[str] = "audio/mpeg"
    #: the JSON that the vendor wraps it in, where it does
    wrapped: ClassVar[Mapping[str, Any] | None] = None

    def answer(self, wire: Wire) -> None:
        """Have the vendor say it."""
        if self.wrapped is None:
            wire.reply(self.audio, content_type=self.media_type)
        else:
            wire.reply(dict(self.wrapped))

    async def submit(self, it: Any, **more: Any) -> bytes:
        """Make the paid call, and read all of the audio."""
        asked: dict[str, Any] = {"token": TOKEN, "voice_id": "v1", "text": "Hi!"}
        speech = await it.synthesize(SpeechRequest(**asked | more))
        assert speech.media_type == self.media_type
        return b"".join([chunk async for chunk in speech.audio])

    async def test_the_answer_is_the_audio(self, it: Any, wire: Wire) -> None:
        self.answer(wire)
        assert await self.submit(it) == self.audio

    def test_the_audio_can_be_checked_as_what_it_claims_to_be(self) -> None:
        """Speech of another type is refused after it was paid for."""
        assert self.media_type in SPEECH_TYPES, f"give one of {', '.join(sorted(SPEECH_TYPES))}"

    async def test_voice_and_text_are_on_the_wire(self, it: Any, wire: Wire) -> None:
        self.answer(wire)
        await self.submit(it)
        said = wire.requests[0].content.decode() + str(wire.requests[0].url)
        assert "v1" in said
        assert "Hi!" in said

    @pytest.mark.parametrize(("status", "wanted"), _REFUSALS.items(), ids=str)
    async def test_a_refusal_proves_that_nothing_was_accepted(
        self, it: Any, wire: Wire, status: int, wanted: type[errors.ProviderError]
    ) -> None:
        wire.reply({}, status)
        with pytest.raises(wanted):
            await self.submit(it)
        assert len(wire.requests) == 1

    @pytest.mark.parametrize("how", [d for d in _DOUBTS if not isinstance(d, bytes)], ids=str)
    async def test_what_may_have_been_accepted_is_ambiguous_and_sent_once(
        self, it: Any, wire: Wire, how: int | type[Exception]
    ) -> None:
        wire.reply({}, how) if isinstance(how, int) else wire.fail(how)
        with pytest.raises(errors.ProviderError) as caught:
            await self.submit(it)
        paid = Operation.SPEECH not in it.capabilities.free
        _in_doubt_where_paid(caught.value, wire, paid=paid)

    async def test_each_mapped_setting_of_the_voice_reaches_the_wire(
        self, it: Any, wire: Wire
    ) -> None:
        for row in it.capabilities.settings.get(Operation.SPEECH, ()):
            for value in _examples(row):
                self.answer(wire)
                sent = len(wire.requests)
                await self.submit(it, settings=setting(row.setting, value).voice)
                _require_placed(row, value, wire.body(sent))

    async def test_a_setting_of_the_voice_that_is_not_mapped_is_refused_and_sends_nothing(
        self, it: Any, wire: Wire
    ) -> None:
        for name, values in EXAMPLES.items():
            for value in values:
                own = it.capabilities.settings
                if not name.startswith("voice.") or mapped(own, Operation.SPEECH, name, value):
                    continue
                with pytest.raises(errors.Unsupported, match=f"{it.name} cannot set {name}="):
                    await self.submit(it, settings=setting(name, value).voice)
        assert not wire.requests

    async def test_the_guard_is_asked_before_anything_is_sent(self, it: Any, wire: Wire) -> None:
        with pytest.raises(errors.NotSent):
            await self.submit(it, guard=Mock(side_effect=errors.NotSent("too late")))
        assert not wire.requests


#: Values of each setting that the suite tries.
EXAMPLES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "aspect": ("16:9", "9:16", "1:1", "4:5", "5:4"),
        "resolution": ("360p", "480p", "540p", "720p", "1080p", "1440p", "4k"),
        "background": (
            "#204060",
            "https://files.example/room.jpg",
            "https://files.example/room.mp4",
            "transparent",
        ),
        "captions": ("sidecar", "burnt-in"),
        "caption_style": ("default",),
        "container": ("mp4", "webm", "mov"),
        "fps": (25.0, 30.0, 60.0),
        "quality": ("draft", "standard", "best"),
        "test": (True,),
        "title": ("Welcome",),
        "voice.speed": (0.25, 0.5, 0.9, 1.1, 2.0, 4.0),
        "voice.stability": (0.0, 0.4, 1.0),
        "voice.similarity": (0.0, 0.6, 1.0),
        "voice.style": (0.0, 0.7, 1.0),
        "voice.pitch": (-24.0, -2.0, 3.0, 24.0),
        "voice.emotion": ("happy",),
    }
)


def setting(name: str, value: Any, *beside: str) -> VideoSettings:
    """Settings with one value, by its name: "aspect", "voice.speed"; and others as "name=word"."""
    own, _, part = name.partition(".")
    given: dict[str, Any] = dict(other.split("=", 1) for other in beside)
    given[own] = VoiceSettings(**{part: value}) if part else value
    return VideoSettings(**given)


def _examples(row: Mapped) -> list[Any]:
    """The values of the suite that a row carries; fails where there is none."""
    found = [value for value in EXAMPLES[row.setting] if row.fits(value)]
    assert found, f"no example fits {row.setting} in {row.bounds}"
    return found


def _require_placed(row: Mapped, value: Any, body: Mapping[str, Any]) -> None:
    for place, said in row.placed(value):
        assert value_at(body, place) == said, f"{row.setting}={value} is not at {place}"


def _offers(provider: Any, method: Callable[[Any], Any]) -> bool:
    """Return True if the provider has a method of a role."""
    try:
        method(provider)
    except AttributeError:
        return False
    return True
