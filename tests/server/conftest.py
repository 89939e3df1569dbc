"""What the tests of the server share: a site with an invented vendor, and two people."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files

import httpx
import pytest

pytest.importorskip("starlette", reason='needs pip install "avatarkit-sdk[server]"')
pytest.importorskip("sse_starlette", reason='needs pip install "avatarkit-sdk[server]"')
pytest.importorskip("jwt", reason='needs pip install "avatarkit-sdk[server]"')

from avatarkit import AvatarKit
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Link
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.server import BearerTokens, Principal, create_app
from avatarkit.testing import FakeClock
from server.tus import TUS, chunk

DEMO = files("avatarkit") / "data/demo"


class Blind(Fake):
    """Stands for the local provider, and finds no faces."""

    name = "local"


class Links:
    """The net, in which every address is the same file."""

    def __init__(self, *pieces):
        self.pieces = pieces

    async def look(self, url):
        del url
        return Link(status=200, media_type="audio/wav", size=sum(map(len, self.pieces)))

    async def fetch(self, url):
        del url
        for piece in self.pieces:
            yield piece

    async def aclose(self):
        pass


class Site:
    """A server and all that outlives it."""

    tokens = {"ana": "token-of-ana-0123456789", "bob": "token-of-bob-0123456789"}
    secret = "secret-of-the-inbox-0123"
    origin = "https://app.example"
    voice = (DEMO / "voice.wav").read_bytes()
    footage = (DEMO / "portrait.jpg").read_bytes()

    def __init__(self, folder):
        self.folder = folder
        self.kit = None
        self.timed(SystemClock())

    def timed(self, clock):
        """Let it be as late as ``clock`` says; of a virtual one a minute passes with each look."""
        self.clock = clock
        virtual = clock if isinstance(clock, FakeClock) else None
        self.vendor = FakeVendor(clock=virtual, durations=dict.fromkeys(Operation, 0.0))
        self.repository = MemoryRepository(clock=clock)
        # No face is looked for: the one in the sample is not what is tested here.
        self.providers = {"fake": Fake(vendor=self.vendor), "local": Blind(vendor=self.vendor)}

    def new_app(self, *, worker=False, **more):
        """An app over a kit of its own, as in another process."""
        self.kit = AvatarKit(
            "fake",
            repository=self.repository,
            media=FolderStore(self.folder / "media"),
            providers=self.providers,
            settings=Settings(),
            worker=worker,
            clock=self.clock,
        )
        given = {
            "authenticate": BearerTokens({token: user for user, token in self.tokens.items()}),
            "webhook_secret": self.secret,
            "hosts": ["app.example"],
            "uploads": self.folder / "uploads",
        }
        return create_app(self.kit, **(given | more))

    @asynccontextmanager
    async def running(self, **more):
        app = self.new_app(**more)
        async with app.router.lifespan_context(app):
            yield app

    @contextmanager
    def served(self, **more):
        """The address of an app that another thread serves."""
        uvicorn = pytest.importorskip("uvicorn", reason='needs "avatarkit-sdk[server]"')
        app = self.new_app(hosts=["127.0.0.1"], **more)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()

    def operators(self):
        """For ``authenticate``: everyone is an operator."""
        people = {token: Principal(user, operator=True) for user, token in self.tokens.items()}
        return BearerTokens(people)

    def client(self, app, user=None, **more):
        headers = {"authorization": f"Bearer {self.tokens[user]}"} if user else {}
        transport = httpx.ASGITransport(app=app)
        return httpx.AsyncClient(
            transport=transport, base_url=self.origin, headers=headers, timeout=60, **more
        )

    async def sampled(self, client, clone="c1"):
        """Upload a voice and a face."""
        for role, name, data in (
            ("voice", "voice.wav", self.voice),
            ("footage", "face.jpg", self.footage),
        ):
            sent = await client.put(f"/clones/{clone}/uploads/{role}/{name}", content=data)
            assert sent.status_code == 201, sent.text

    async def begun(self, client, path, length, data=b""):
        """Begin a resumable upload at a path, and send data; the answer and the address."""
        _, _, clone, _, role, name = path.split("/")
        about = {"filename": name, "role": role}
        pairs = (f"{key} {b64encode(value.encode()).decode()}" for key, value in about.items())
        headers = {"upload-length": str(length), "upload-metadata": ",".join(pairs)}
        made = await client.post(f"/clones/{clone}/uploads", headers=TUS | headers)
        if made.status_code != 201 or not data:
            return made, made.headers.get("location")
        where = made.headers["location"]
        return await client.patch(where, content=data, headers=chunk(0)), where

    async def started(self, client, clone="c1"):
        """Start a training of it, and return what is told of it."""
        await self.sampled(client, clone)
        asked = {"clone_id": clone, "consent": {"not_a_real_person": "a drawing"}}
        told = await client.post("/trainings", json=asked)
        assert told.status_code == 201, told.text
        return told.json()

    def link_leads_to(self, *pieces):
        """From now on, whatever a link's address."""
        self.kit._recordings._links = Links(*pieces)

    async def settle(self, record_id):
        """Drive everything until the record is final, by what the vendor tells."""
        return await self.driven(record_id, lambda record: record.status.final)

    async def driven(self, record_id, there):
        """Drive everything until the record is ``there``."""
        for _ in range(40):
            record = await self.repository.get(record_id)
            if there(record):
                return record
            await self.kit.admin.tick()
            for delivery in self.vendor.deliveries():
                await self.kit.webhooks.receive("fake", delivery)
            if isinstance(self.clock, FakeClock):
                self.clock.advance(60.0)
        raise AssertionError("it does not get there")


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)
