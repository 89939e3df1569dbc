"""Supabase Storage: the suite on a double over real HTTP, and what goes wrong on the way.

The double is written from documented and seen behaviour. With AVATARKIT_LIVE_SUPABASE=1,
SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY, a project that has the migration takes its place once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import tracemalloc
import uuid
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
import stamina

from avatarkit.errors import (
    AuthError,
    BadReply,
    ConfigError,
    NotFound,
    RateLimited,
    StorageError,
    Unavailable,
)
from avatarkit.http import HttpFetcher
from avatarkit.media.supabase import SupabaseStore
from avatarkit.testing.media import MediaStoreSuite, stream

from .storage import (
    PART,
    ROLE_KEY,
    SECRET_KEY,
    cut_after,
    cut_answer,
    half_of_the_answer,
    page,
    reply,
    storage,
    take_only,
)
from .web import Handler, serving

pytestmark = pytest.mark.anyio

MIB = 1 << 20
LARGE = bytes(range(256)) * (16 * 4096 + 7)  # 16 MiB and a bit: three parts
SAMPLE = "samples/6f0c/voice/a41b/77.wav"


@pytest.fixture(autouse=True)
def _no_waiting():
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
def project():
    with storage() as project:
        yield project


@pytest.fixture
async def store(project):
    store = SupabaseStore(project.address, SECRET_KEY)
    yield store
    await store.aclose()


class TestSupabaseStore(MediaStoreSuite):
    @pytest.fixture
    def project(self):
        with storage() as self.served:
            yield self.served

    @pytest.fixture
    async def store(self, project):
        store = SupabaseStore(project.address, SECRET_KEY)
        yield store
        await store.aclose()

    async def leftovers(self, store):
        files = [f"{b}/{p}" for b, paths in self.served.buckets.items() for p in paths]
        return (*files, *self.served.uploads)

    async def let_pass(self, store, seconds):
        self.served.skew += seconds


async def put(store, key=SAMPLE, content=b"content", media_type="audio/wav"):
    pieces = [content[i : i + MIB] for i in range(0, len(content), MIB)]
    return await store.put(key, stream(*pieces), media_type)


async def read(store, key=SAMPLE):
    return b"".join([chunk async for chunk in store.open(key)])


def lying(project):
    return {f"{b}/{path}" for b, paths in project.buckets.items() for path in paths}


# -- where things lie -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("samples/6f0c/voice/a41b/77.wav", "voice-samples/6f0c/a41b/77.wav"),
        ("samples/6f0c/footage/a41b/77.mp4", "video-samples/6f0c/a41b/77.mp4"),
        ("results/1-2/video-video.mp4", "avatar-results/results/1-2/video-video.mp4"),
        ("consents/6f0c/77.mp4", "avatar-results/consents/6f0c/77.mp4"),
        ("samples/6f0c/voice", "avatar-results/samples/6f0c/voice"),
        ("samples/6f0c/other/77.wav", "avatar-results/samples/6f0c/other/77.wav"),
        ("results/a~b=c%2E/ü.mp4", "avatar-results/results/a=7Eb=3Dc=252E/=C3=BC.mp4"),
    ],
)
async def test_a_key_has_its_place_where_the_policies_want_it(store, project, key, place):
    await put(store, key)
    assert lying(project) == {place}


async def test_what_a_user_has_is_deleted_in_every_bucket(store, project):
    for kind in ("voice/c/1.wav", "footage/c/1.mp4", "other"):
        await put(store, f"samples/ana/{kind}")
        await put(store, f"samples/anabel/{kind}")
    await store.delete("samples/ana")
    assert sorted(lying(project)) == [
        "avatar-results/samples/anabel/other",
        "video-samples/anabel/c/1.mp4",
        "voice-samples/anabel/c/1.wav",
    ]


async def test_a_role_of_a_user_is_deleted_alone(store, project):
    await put(store, "samples/ana/voice/c/1.wav")
    await put(store, "samples/ana/footage/c/1.mp4")
    await store.delete("samples/ana/voice")
    assert lying(project) == {"video-samples/ana/c/1.mp4"}


async def test_all_samples_are_deleted_and_no_result(store, project):
    for key in ("samples/ana/voice/c/1.wav", "samples/bo/footage/c/1.mp4", "results/1/v.mp4"):
        await put(store, key)
    await store.delete("samples")
    assert lying(project) == {"avatar-results/results/1/v.mp4"}


async def test_a_prefix_of_many_files_is_deleted_page_by_page(store, project, monkeypatch):
    monkeypatch.setattr("avatarkit.media.supabase._PAGE", 3)
    for number in range(8):
        await put(store, f"results/1/{number}.mp4")
    await store.delete("results/1")
    assert lying(project) == set()


async def test_a_folder_that_only_looks_alike_keeps_its_files(store, project):
    await put(store, "results/a_b/v.mp4")
    await put(store, "results/aXb/other/w.mp4")
    await store.delete("results/a_b")
    assert lying(project) == {"avatar-results/results/aXb/other/w.mp4"}


# -- keys -----------------------------------------------------------------------------------------


async def test_a_secret_key_goes_into_its_own_header_alone(store, project):
    await put(store)
    headers = project.requests[0].headers
    assert (headers["apikey"], headers.get("authorization")) == (SECRET_KEY, None)


async def test_a_token_goes_into_both_headers(project):
    store = SupabaseStore(project.address, ROLE_KEY)
    await put(store)
    await store.aclose()
    headers = project.requests[0].headers
    assert (headers["apikey"], headers["authorization"]) == (ROLE_KEY, f"Bearer {ROLE_KEY}")


@pytest.mark.parametrize("key", ["", "sb_publishable_x", "nonsense", "sb_secret_\n", "eyJ\r\nx: y"])
async def test_what_is_no_secret_key_is_refused_at_once(key):
    with pytest.raises(ConfigError, match="sb_secret_"):
        SupabaseStore("https://x.supabase.co", key)


@pytest.mark.parametrize("url", ["", "x.supabase.co", "ftp://x"])
async def test_what_is_no_address_is_refused_at_once(url):
    with pytest.raises(ConfigError, match="SUPABASE_URL"):
        SupabaseStore(url, SECRET_KEY)


async def test_a_store_that_was_closed_can_be_used_again(store):
    await store.aclose()
    await put(store)
    assert await read(store) == b"content"


async def test_a_wrong_key_is_said_and_what_to_do(project):
    store = SupabaseStore(project.address, "sb_secret_of_another_project")
    for attempt in (put(store), read(store), store.stat(SAMPLE), store.url(SAMPLE, 60)):
        with pytest.raises(AuthError, match="SUPABASE_SERVICE_ROLE_KEY"):
            await attempt
    await store.aclose()


async def test_a_wrong_key_is_not_tried_again(project):
    store = SupabaseStore(project.address, "sb_secret_of_another_project")
    with pytest.raises(AuthError):
        await put(store)
    await store.aclose()
    assert len(project.requests) == 1


async def test_nothing_shows_the_key(store, project, caplog):
    caplog.set_level(logging.DEBUG)
    project.fail("POST", "", reply(403, SECRET_KEY.encode()))
    with pytest.raises(AuthError) as caught:
        await put(store)
    await put(store)
    url = await store.url(SAMPLE, 60)
    shown = f"{store!r} {caught.value} {caplog.text}"
    assert (SECRET_KEY in shown, urlsplit(url).query in shown) == (False, False)


# -- links ----------------------------------------------------------------------------------------


async def test_the_link_of_nothing_is_not_found(store):
    with pytest.raises(NotFound):
        await store.url(SAMPLE, 60)


async def test_part_of_a_link_can_be_asked_for(store):
    await put(store)
    async with httpx.AsyncClient() as vendor:
        answer = await vendor.get(await store.url(SAMPLE, 60), headers={"range": "bytes=3-"})
    assert (answer.status_code, answer.content) == (206, b"tent")


async def test_a_link_to_another_place_is_no_link(store, project):
    await put(store)
    other = json.dumps({"signedURL": "https://elsewhere.example/object/sign/x"}).encode()
    project.fail("POST", "object/sign", reply(200, other))
    with pytest.raises(BadReply):
        await store.url(SAMPLE, 60)


# -- what is known of a file ----------------------------------------------------------------------


async def test_what_is_known_of_a_file_takes_one_request(store, project):
    stored = await put(store)
    told = await store.stat(SAMPLE)
    assert (told, len(project.requests)) == (stored, 2)


async def test_a_digest_that_is_not_known_is_made_by_reading(store, project):
    project.keeps_metadata = False
    stored = await put(store)
    assert await store.stat(SAMPLE) == stored


# -- large files ----------------------------------------------------------------------------------


async def test_a_large_file_goes_in_parts_and_comes_back_whole(store, project):
    await put(store, content=LARGE)
    sizes = [r.size for r in project.asked("PATCH")]
    assert (sizes, await read(store) == LARGE) == ([PART, PART, len(LARGE) - 2 * PART], True)


async def test_a_file_of_just_one_part_goes_in_one_request(store, project):
    await put(store, content=LARGE[:PART])
    assert [r.method for r in project.requests] == ["POST"]


async def test_a_large_file_replaces_another(store, project):
    await put(store, content=b"old")
    await put(store, content=LARGE)
    assert await read(store) == LARGE


async def test_what_is_known_of_a_large_file_takes_one_request_as_well(store, project):
    stored = await put(store, content=LARGE)
    before = len(project.requests)
    assert (await store.stat(SAMPLE), len(project.requests) - before) == (stored, 1)


async def test_every_request_of_an_upload_goes_to_our_own_origin(store, project):
    """The double returns an unused address, where no request would arrive."""
    await put(store, content=LARGE)
    assert len(project.asked("PATCH", "/upload/resumable/")) == 3


async def test_a_cut_in_the_middle_of_a_part_is_resumed_there(store, project):
    project.fail("PATCH", "", cut_after(2_900_000))
    await put(store, content=LARGE)
    offsets = [int(r.headers["upload-offset"]) for r in project.asked("PATCH")]
    assert (offsets[:2], await read(store) == LARGE) == ([0, 2_900_000], True)


async def test_a_cut_in_a_later_part_sends_nothing_twice_that_arrived(store, project):
    project.faults = [("PATCH", "", lambda handler: handler.route())]
    project.fail("PATCH", "", cut_after(1_000_000))
    await put(store, content=LARGE)
    offsets = [int(r.headers["upload-offset"]) for r in project.asked("PATCH")]
    assert (offsets[:3], await read(store) == LARGE) == ([0, PART, PART + 1_000_000], True)


async def test_a_part_whose_answer_is_lost_is_not_sent_again(store, project):
    project.fail("PATCH", "", cut_answer)
    await put(store, content=LARGE)
    assert (len(project.asked("PATCH")), await read(store) == LARGE) == (3, True)


async def test_the_lost_answer_to_the_last_part_is_looked_up(store, project):
    project.faults = [("PATCH", "", lambda handler: handler.route())] * 2
    project.fail("PATCH", "", cut_answer)
    stored = await put(store, content=LARGE)
    assert (len(project.asked("PATCH")), await store.stat(SAMPLE)) == (3, stored)


async def test_all_bytes_without_a_file_are_no_success(store, project):
    """They arrived, and the server died before it made a file of them."""
    project.faults = [("PATCH", "", lambda handler: handler.route())] * 2
    project.fail("PATCH", "", cut_after(len(LARGE) - 2 * PART))
    with pytest.raises(Unavailable, match="put it again"):
        await put(store, content=LARGE)


async def test_an_upload_that_is_cut_for_good_leaves_nothing(store, project):
    project.fail("PATCH", "", cut_after(1000), times=100)
    with pytest.raises((Unavailable, StorageError)):
        await put(store, content=LARGE)
    assert (lying(project), project.uploads, await store.stat(SAMPLE)) == (set(), {}, None)


async def test_an_upload_that_is_cut_for_good_keeps_the_old_file(store, project):
    await put(store, content=b"old")
    project.fail("PATCH", "", reply(503), times=100)
    with pytest.raises(Unavailable):
        await put(store, content=LARGE)
    assert await read(store) == b"old"


async def test_an_upload_is_not_taken_up_forever(store, project):
    """Each cut brings a little more, and still there is an end to it."""
    for _ in range(30):
        project.fail("PATCH", "", cut_after(1000))
        project.fail("PATCH", "", take_only(1000))
    with pytest.raises(StorageError, match="again and again"):
        await put(store, content=LARGE)


async def test_a_cancelled_upload_leaves_nothing(store, project):
    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:

        def cancelled(handler):
            handler.route()
            loop.call_soon_threadsafe(scope.cancel)

        project.fail("PATCH", "", lambda handler: handler.route())
        project.fail("PATCH", "", cancelled)
        await put(store, content=LARGE)
    assert (scope.cancelled_caught, lying(project), project.uploads) == (True, set(), {})


async def test_a_part_that_begins_elsewhere_is_asked_for_first(store, project):
    project.fail("PATCH", "", reply(409, b"Upload-Offset conflict"))
    await put(store, content=LARGE)
    assert await read(store) == LARGE


async def test_an_upload_that_the_server_forgot_says_to_put_it_again(store, project):
    project.fail("PATCH", "", reply(404, b"The file for this url was not found"))
    with pytest.raises(StorageError, match="put it again"):
        await put(store, content=LARGE)


@pytest.mark.parametrize("told", ["", "-1", "0", "1e3", str(1 << 40)])
async def test_an_offset_that_cannot_be_is_not_believed(store, project, told):
    project.fail("PATCH", "", reply(204, Upload_Offset=told))
    with pytest.raises(BadReply, match="without a valid Upload-Offset"):
        await put(store, content=LARGE)


@pytest.mark.parametrize("place", ["", "https://elsewhere.example/", "/upload/resumable/.."])
async def test_an_upload_without_a_name_is_refused(store, project, place):
    project.fail("POST", "resumable", reply(201, Location=place))
    with pytest.raises(BadReply, match="without a valid Location"):
        await put(store, content=LARGE)


class Sink(Handler):
    """Takes uploads by tus, and keeps nothing."""

    def do_POST(self):
        self.answer(201, b"", {"Location": "/x"})

    def do_PATCH(self):
        rest = int(self.headers["Content-Length"])
        arrived = int(self.headers["Upload-Offset"]) + rest
        while rest:
            rest -= len(self.rfile.read(min(rest, 1 << 16)))
        self.answer(204, b"", {"Upload-Offset": str(arrived)})


async def test_memory_holds_a_few_parts_and_not_the_file():
    async def hundred():
        for _ in range(100):
            yield bytes(MIB)

    with serving(Sink) as server:
        store = SupabaseStore(server.address, SECRET_KEY)
        tracemalloc.start()
        await store.put(SAMPLE, hundred(), "video/mp4")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await store.aclose()
    assert peak < 4 * PART


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
async def test_a_missing_bucket_names_the_migration(store, project, content):
    del project.buckets["voice-samples"]
    with pytest.raises(ConfigError, match=r"no bucket voice-samples.*db push"):
        await put(store, content=content)


async def test_a_missing_bucket_is_said_by_every_other_call(store, project):
    project.buckets.clear()
    calls = (store.stat(SAMPLE), read(store), store.url(SAMPLE, 60), store.delete(SAMPLE))
    for call in calls:
        with pytest.raises(ConfigError, match="no bucket"):
            await call


@pytest.mark.parametrize("content", [b"x" * 2000, LARGE], ids=["small", "large"])
async def test_what_is_too_large_names_the_limit(store, project, content):
    project.largest = 1000
    with pytest.raises(StorageError, match="raise the upload limit"):
        await put(store, content=content)


async def test_a_key_that_is_too_long_is_a_config_error(store, project):
    project.fail("POST", "", reply(400, b'{"statusCode":"400","code":"InvalidKey","message":""}'))
    with pytest.raises(ConfigError, match="too long"):
        await put(store)


async def test_an_expired_link_says_so(store, project):
    await put(store)
    url = await store.url(SAMPLE, 60)
    project.skew = 120
    fetcher = HttpFetcher(allow_private=True)
    with pytest.raises(NotFound, match="expired"):
        await anext(fetcher.fetch(url))
    await fetcher.aclose()


@pytest.mark.parametrize("status", [200, 404])
async def test_an_answer_in_html_is_not_taken_for_storage(store, project, status):
    project.fail("GET", "info", page(status))
    with pytest.raises(BadReply, match="SUPABASE_URL"):
        await store.stat(SAMPLE)


async def test_another_api_of_the_project_is_not_taken_for_storage(store, project):
    project.fail("GET", "info", reply(404, b'{"message":"no Route matched with those values"}'))
    with pytest.raises(BadReply, match="SUPABASE_URL"):
        await store.stat(SAMPLE)


async def test_a_gateway_that_fails_in_html_is_asked_again(store, project):
    project.fail("POST", "", page(502), times=3)
    await put(store)
    assert await read(store) == b"content"


async def test_nobody_at_the_address_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    store = SupabaseStore(f"http://127.0.0.1:{port}", SECRET_KEY)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await put(store)
    await store.aclose()


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimited), (503, Unavailable), (544, Unavailable)]
)
@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
async def test_what_passes_is_waited_for(store, project, status, kind, content):
    method = "POST" if content == b"small" else "PATCH"
    project.fail(method, "", reply(status, Retry_After="7"), times=3)
    await put(store, content=content)
    assert await read(store) == content


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (503, Unavailable)])
async def test_what_does_not_pass_says_when_to_try_again(store, project, status, kind):
    project.fail("POST", "", reply(status, Retry_After="7"), times=10)
    with pytest.raises(kind) as caught:
        await put(store)
    assert (caught.value.retry_after, len(project.requests)) == (7.0, 4)


async def test_the_true_status_is_the_one_of_the_body(store, project):
    told = b'{"statusCode":"429","error":"too_many","message":"Too many requests"}'
    project.fail("POST", "", reply(400, told), times=10)
    with pytest.raises(RateLimited) as caught:
        await put(store)
    assert caught.value.status == 429


async def test_a_download_that_is_cut_goes_on_where_it_was(store, project):
    await put(store, content=LARGE)
    project.fail("GET", "object/voice", half_of_the_answer)
    whole = await read(store) == LARGE
    asked = [r.headers.get("range") for r in project.asked("GET", "object/voice")]
    assert (whole, asked[0], asked[1].startswith("bytes=")) == (True, None, True)


async def test_what_is_refused_for_another_reason_is_a_storage_error(store, project):
    told = b'{"statusCode":"415","error":"invalid_mime_type","message":"mime type not supported"}'
    project.fail("POST", "", reply(400, told))
    with pytest.raises(StorageError, match="mime type not supported"):
        await put(store)


# -- the real one ---------------------------------------------------------------------------------


@pytest.mark.skipif(
    os.environ.get("AVATARKIT_LIVE_SUPABASE") != "1",
    reason="AVATARKIT_LIVE_SUPABASE=1 is not set (with SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY)",
)
async def test_a_real_project_keeps_what_the_double_keeps():
    store = SupabaseStore(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SERVICE_ROLE_KEY"])
    user = f"avatarkit-live-{uuid.uuid4()}"
    small, large = f"samples/{user}/voice/c/1.wav", f"samples/{user}/footage/c/ü~1.mp4"
    try:
        stored = [
            await put(store, small),
            await put(store, small, b"replaced"),
            await put(store, large, LARGE, "video/mp4"),
            await put(store, large, LARGE[::-1], "video/mp4"),
        ]
        assert [await store.stat(small), await store.stat(large)] == [stored[1], stored[3]]
        assert [await read(store, small), await read(store, large)] == [b"replaced", LARGE[::-1]]
        link = await store.url(large, 60)
        async with httpx.AsyncClient() as stranger:
            answer = await stranger.get(link, headers={"range": "bytes=0-3"})
            forged = await stranger.get(link[:-2])
        assert (answer.status_code, answer.content) == (206, LARGE[::-1][:4])
        assert forged.status_code >= 400
    finally:
        await store.delete(f"samples/{user}")
    assert [await store.stat(small), await store.stat(large)] == [None, None]
    await store.aclose()
