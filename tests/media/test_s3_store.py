"""S3: the suite on moto's server over real HTTP, and what goes wrong on the way.

moto does not look at signatures, so botocore, which has nothing to do with the store under test,
signs each link again before it is opened.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import traceback
import tracemalloc
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("obstore", reason="the extra s3 is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto[s3,server] is not installed")

from botocore.auth import S3SigV4QueryAuth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

from avatarkit.errors import AuthError, BadReply, ConfigError, Unavailable  # noqa: E402
from avatarkit.media import s3  # noqa: E402
from avatarkit.media.s3 import S3Store  # noqa: E402
from avatarkit.testing.media import MediaStoreSuite, stream  # noqa: E402

from .web import Handler, serving  # noqa: E402

pytestmark = pytest.mark.anyio

MIB = 1 << 20
ID, SECRET = "AKIAEXAMPLE", "a-secret-of-the-tests"
LARGE = bytes(range(256)) * (18 * 4096 + 7)  # 18 MiB and a bit: three parts


@pytest.fixture(scope="module")
def endpoint():
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    import boto3

    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=ID, aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )  # fmt: skip
    client.create_bucket(Bucket="twins")
    yield client
    for upload in client.list_multipart_uploads(Bucket="twins").get("Uploads", ()):
        client.abort_multipart_upload(
            Bucket="twins", Key=upload["Key"], UploadId=upload["UploadId"]
        )
    for key in keys(client):
        client.delete_object(Bucket="twins", Key=key)
    client.delete_bucket(Bucket="twins")
    client.close()


def keys(client):
    return [o["Key"] for o in client.list_objects_v2(Bucket="twins").get("Contents", ())]


def opened(endpoint, bucket="twins", prefix="", secret=SECRET):
    return S3Store(
        f"s3://{bucket}/{prefix}",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=ID,
        secret_access_key=secret,
    )


@pytest.fixture
def store(client, endpoint):
    return opened(endpoint)


def is_signed(url, passed):
    """True if botocore signs the same link, and it is still valid so much later."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if "X-Amz-Signature" not in query:
        return False
    signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    seconds = int(query["X-Amz-Expires"])
    request = AWSRequest("GET", parts._replace(query="").geturl())
    auth = S3SigV4QueryAuth(Credentials(ID, SECRET), "s3", "us-east-1", expires=seconds)
    request.context["timestamp"] = query["X-Amz-Date"]
    request.params = {}
    auth._modify_request_before_signing(request)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    late = datetime.now(UTC) + timedelta(seconds=passed) >= signed_at + timedelta(seconds=seconds)
    return signature == query["X-Amz-Signature"] and not late


class TestS3Store(MediaStoreSuite):
    @pytest.fixture
    def store(self, client, endpoint):
        self.client, self.passed = client, 0.0
        return opened(endpoint, prefix="apps/twins")

    async def leftovers(self, store):
        return tuple(keys(self.client))

    async def visit(self, url):
        return await super().visit(url) if is_signed(url, self.passed) else (403, b"")

    async def let_pass(self, store, seconds):
        self.passed += seconds


async def put(store, key="a", content=b"content"):
    pieces = [content[i : i + MIB] for i in range(0, len(content), MIB)]
    return await store.put(key, stream(*pieces), "video/mp4")


async def read(store, key="a"):
    return b"".join([chunk async for chunk in store.open(key)])


# -- where things lie -----------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["s3://twins/apps/me", "s3://twins/apps/me/"])
async def test_an_address_names_the_bucket_and_what_precedes_every_key(
    client, endpoint, monkeypatch, address
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    await put(S3Store(address), "results/1/v.mp4")
    assert keys(client) == ["apps/me/results/1/v.mp4"]


@pytest.mark.parametrize("address", ["s3://", "s3:///prefix", "", "s3://twins/../x"])
def test_an_address_that_names_nothing_is_a_config_error(address):
    with pytest.raises(ConfigError):
        S3Store(address)


async def test_a_file_says_its_type_and_digest_to_whoever_asks_the_bucket(store, client):
    stored = await put(store)
    head = client.head_object(Bucket="twins", Key="a")
    assert (head["ContentType"], head["Metadata"]) == ("video/mp4", {"sha256": stored.sha256})


async def test_a_file_of_somebody_else_is_read_for_its_digest_once(store, client, monkeypatch):
    client.put_object(Bucket="twins", Key="a.mp4", Body=b"theirs")
    first = await store.stat("a.mp4")
    monkeypatch.setattr(store, "open", None)
    assert (await store.stat("a.mp4"), first.size) == (first, 6)


async def test_a_file_of_somebody_else_is_read_for_its_digest(store, client):
    stored = await put(store)
    client.put_object(Bucket="twins", Key="a", Body=b"content", ContentType="video/mp4")
    assert await store.stat("a") == stored


async def test_a_large_file_goes_in_parts_and_comes_back_whole(store, client):
    stored = await put(store, content=LARGE)
    parts = re.search(r"-(\d+)", client.head_object(Bucket="twins", Key="a")["ETag"])[1]
    assert (parts, await read(store) == LARGE, await store.stat("a")) == ("3", True, stored)


async def test_a_prefix_of_many_files_is_deleted_page_by_page(store, client, monkeypatch):
    monkeypatch.setattr("avatarkit.media.s3._PAGE", 3)
    for number in range(8):
        await put(store, f"results/1/{number}.mp4")
    await store.delete("results/1")
    assert keys(client) == []


async def test_memory_holds_little_of_a_large_file(store):
    """Python's memory is bounded; the parts under way, three of 8 MiB, belong to obstore."""

    async def hundred():
        for _ in range(100):
            yield bytes(MIB)

    taken = []

    def forget(handler, number, rest):
        taken.append(rest)
        while rest:
            rest -= len(handler.rfile.read(min(rest, 1 << 16)))

    with sink(forget) as server:
        tracemalloc.start()
        await opened(server.address).put("a", hundred(), "video/mp4")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (sum(taken), peak < 50 * MIB) == (100 * MIB, True)


def sink(take, log=None):
    class Sink(Handler):
        """Takes uploads in parts, and hands each to ``take``."""

        def do_PUT(self):
            self.log("PUT")
            number = int(re.search("partNumber=([0-9]+)", self.path)[1])
            take(self, number, int(self.headers["Content-Length"]))
            if not self.close_connection:
                self.answer(200, b"", {"ETag": '"x"'})

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            step = "Initiate" if "uploads" in self.path else "Complete"
            self.log(step)
            root = f"{step}MultipartUploadResult"
            told = f"<{root}><UploadId>u</UploadId><ETag>x</ETag></{root}>"
            self.answer(200, told.encode())

        def do_DELETE(self):
            self.log("Abort")
            self.answer(204)

        def log(self, step):
            if log is not None:
                log.append(step)

    return serving(Sink)


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
async def test_a_missing_bucket_says_so(client, endpoint, content):
    with pytest.raises(ConfigError, match="no bucket elsewhere"):
        await put(opened(endpoint, "elsewhere"), content=content)


async def test_a_missing_bucket_is_said_by_reading_and_deleting(client, endpoint):
    store = opened(endpoint, "elsewhere")
    for call in (read(store), store.delete("a")):
        with pytest.raises(ConfigError, match="no bucket elsewhere"):
            await call


def refusing(status, code):
    class Refusing(Handler):
        def handle_all(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = f"<Error><Code>{code}</Code><AWSAccessKeyId>{ID}</AWSAccessKeyId></Error>"
            self.server.asked += 1
            self.answer(status, body.encode())

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_all

    return serving(Refusing, asked=0)


@pytest.mark.parametrize("code", ["AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId"])
async def test_credentials_that_do_not_suffice_say_what_to_allow(code):
    with refusing(403, code) as server:
        store = opened(server.address)
        for call in (put(store), read(store), store.stat("a"), store.delete("a")):
            with pytest.raises(AuthError, match="s3:PutObject") as caught:
                await call
            assert ID not in "".join(traceback.format_exception(caught.value))


async def test_what_is_too_large_is_a_storage_error():
    with refusing(400, "EntityTooLarge") as server, pytest.raises(OSError, match="too large"):
        await put(opened(server.address))


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
async def test_what_passes_is_tried_four_times_and_then_unavailable(status, code, monkeypatch):
    soon = timedelta(milliseconds=1)
    monkeypatch.setitem(s3._RETRIES, "backoff", {"init_backoff": soon, "max_backoff": soon})
    with refusing(status, code) as server:
        with pytest.raises(Unavailable, match="try again later"):
            await put(opened(server.address))
        assert server.asked == 4


async def test_nobody_at_the_endpoint_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Unavailable, match="AWS_ENDPOINT_URL"):
        await put(opened(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("status", [200, 404])
async def test_a_page_in_html_is_not_taken_for_s3(status):
    with (
        refusing(status, "</Code></Error><html>Welcome to nginx!</html>") as server,
        pytest.raises(BadReply, match="is not S3"),
    ):
        await put(opened(server.address))


async def test_a_link_of_more_than_a_week_is_refused(store):
    with pytest.raises(ConfigError, match="seven days"):
        await store.url("a", 8 * 86_400)


async def test_nothing_shows_the_secret(store):
    assert SECRET not in f"{store!r} {await store.url('a', 60)}"


def cut(handler, size):
    handler.rfile.read(size // 2)
    handler.close_connection = True
    handler.connection.close()


async def test_a_part_that_is_cut_is_sent_again():
    parts = {}

    def take(handler, number, size):
        if number == 2 and number not in parts:
            parts[number] = b""
            cut(handler, size)
        else:
            parts[number] = handler.rfile.read(size)

    with sink(take) as server:
        await put(opened(server.address), content=LARGE)
    assert b"".join(parts[number] for number in sorted(parts)) == LARGE


async def test_an_upload_that_is_cut_for_good_is_taken_back():
    log = []

    def take(handler, number, size):
        if number == 2:
            cut(handler, size)
        else:
            handler.rfile.read(size)

    with sink(take, log) as server, pytest.raises(Unavailable):
        await put(opened(server.address), content=LARGE)
    assert ("Complete" in log, log[-1]) == (False, "Abort")


@pytest.mark.slow
def test_without_the_extra_it_says_what_to_install():
    code = "import sys; sys.modules['obstore'] = None; from avatarkit.media.s3 import S3Store as S"
    code += "; S('bucket')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ConfigError" in told.stderr
    assert "avatarkit-sdk[s3]" in told.stderr
