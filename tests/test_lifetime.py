"""Opening, closing and reopening: in other event loops, threads and processes."""

import asyncio
import gc
import inspect
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from avatarkit import AvatarKit, SyncAvatarKit
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.errors import NotOpen
from avatarkit.http import new_client
from avatarkit.kit import KitAdmin, KitPrices, KitWebhooks
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.repositories.sqlite import SqliteRepository
from pages import fresh_environ

#: A fork is what is tested.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
AT_ONCE = dict.fromkeys(Operation, 0.0)


@pytest.fixture(params=["memory://", "sqlite"])
def arguments(request, tmp_path, avatarkit_offline):
    """What both kits are made from; the provider object outlives each opening."""
    sqlite = f"sqlite:///{tmp_path}/twins.db"
    return {
        "stack": "fake",
        "repository": sqlite if request.param == "sqlite" else request.param,
        "media": tmp_path / "media",
        "providers": {"fake": Fake(vendor=FakeVendor(durations=AT_ONCE))},
        "settings": Settings(),
    }


async def completed(kit, samples):
    training = await kit.train(user_id="ana", clone_id="main", **samples)
    updates = [update async for update in kit.watch(training.id)]
    return updates[-1].status


def in_a_child(work):
    """Fork; return what ``work`` returned or raised there, as text, within some seconds."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(20)  # one that waits for ever ends without an answer
        try:
            told = f"returned {work()!r}"
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        with suppress(BaseException):
            os.write(write, told.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as told:
        return told.read()


def test_a_kit_works_again_in_another_event_loop(arguments, avatarkit_samples):
    kit = AvatarKit(**arguments)

    async def use():
        async with kit:
            return await completed(kit, avatarkit_samples)

    assert [asyncio.run(use()) for _ in range(3)] == ["completed"] * 3


def test_a_kit_works_again_after_a_watch_was_broken_off(arguments, avatarkit_samples):
    kit = AvatarKit(**arguments)

    async def break_off():
        async with kit:
            training = await kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
            async for _ in kit.watch(training.id):
                break

    async def use():
        async with kit:
            return await completed(kit, avatarkit_samples)

    asyncio.run(break_off())
    assert asyncio.run(use()) == "completed"


def test_a_kit_that_a_dead_event_loop_left_open_can_be_opened(arguments, avatarkit_samples):
    kit = AvatarKit(**arguments, worker=False)

    async def leave_open():
        await kit.__aenter__()

    async def use():
        async with kit:
            await kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
            return await kit.admin.tick()

    asyncio.run(leave_open())
    assert asyncio.run(use()) == 1


@pytest.mark.parametrize("fails", [False, True], ids=["closed", "left by an error"])
@pytest.mark.parametrize("opener_lives", [False, True], ids=["opener ended", "opener lives"])
def test_a_kit_is_closed_by_another_task_than_opened_it(
    arguments, avatarkit_samples, opener_lives, fails
):
    """As in the cells of a notebook, and in async fixtures of pytest-asyncio."""
    kit = AvatarKit(**arguments)
    error = KeyError("of the caller") if fails else None

    async def use():
        over = asyncio.Event()

        async def open_it():
            await kit.__aenter__()
            if opener_lives:
                opened.set_result(None)
                await over.wait()

        opened = asyncio.get_running_loop().create_future()
        opener = asyncio.create_task(open_it())
        await asyncio.wait({opener, opened}, return_when=asyncio.FIRST_COMPLETED)
        status = await asyncio.create_task(completed(kit, avatarkit_samples))
        closing = asyncio.create_task(kit.__aexit__(type(error) if error else None, error, None))
        assert not await closing
        over.set()
        await opener
        others = asyncio.all_tasks() - {asyncio.current_task()}
        return status, others

    for _ in range(2):  # it may be opened again
        assert asyncio.run(use()) == ("completed", set())
    with pytest.raises(NotOpen):
        asyncio.run(kit.trainings(user_id="ana"))


def test_a_sync_kit_works_again(arguments, avatarkit_samples):
    kit = SyncAvatarKit(**arguments)
    for _ in range(2):
        with kit:
            training = kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
            assert [*kit.watch(training.id)][-1].status == "completed"


def test_a_kit_is_not_opened_in_two_event_loops_at_once(arguments):
    kit = AvatarKit(**arguments)
    told = []

    def elsewhere():
        async def use():
            async with kit:
                pass

        async def call():
            await kit.trainings()

        for work in (use, call):
            with pytest.raises(NotOpen) as caught:
                asyncio.run(work())
            told.append(str(caught.value))

    async def here():
        async with kit:
            thread = threading.Thread(target=elsewhere)
            thread.start()
            await asyncio.to_thread(thread.join)
            return await kit.trainings()

    assert asyncio.run(here()) == []
    assert "open already" in told[0]
    assert "open in another event loop" in told[1]


def test_an_open_kit_is_not_opened_once_more(arguments):
    with (
        SyncAvatarKit(**arguments) as kit,
        pytest.raises(NotOpen, match="close it first"),
        kit,
    ):
        pass


def methods():
    for kind in (AvatarKit, KitAdmin, KitWebhooks, KitPrices):
        for name, method in vars(kind).items():
            waits = inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
            if waits and not name.startswith("_"):
                yield pytest.param(kind, name, id=f"{kind.__name__}.{name}")


def part(kit, kind):
    names = {KitAdmin: "admin", KitWebhooks: "webhooks", KitPrices: "prices"}
    return getattr(kit, names[kind]) if kind in names else kit


@pytest.mark.parametrize(("kind", "name"), [*methods()])
@pytest.mark.parametrize("was_open", [False, True])
def test_every_method_of_a_closed_kit_says_so(kind, name, was_open, tmp_path, avatarkit_offline):
    kit = AvatarKit("fake", repository="memory://", media=tmp_path, settings=Settings())

    async def call():
        if was_open:
            async with kit:
                pass
        method = getattr(part(kit, kind), name)
        given = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
        positional = ["x" for p in given if p.kind is p.POSITIONAL_OR_KEYWORD]
        called = method(*positional, **{p.name: "x" for p in given if p.kind is p.KEYWORD_ONLY})
        if inspect.isasyncgen(called):
            await anext(called)
        else:
            await called

    with pytest.raises(NotOpen, match=r"the kit is not open: use it inside `async with"):
        asyncio.run(call())


@pytest.mark.parametrize("was_open", [False, True])
def test_a_closed_sync_kit_says_the_same(was_open, tmp_path):
    kit = SyncAvatarKit("fake", repository="memory://", media=tmp_path, settings=Settings())
    if was_open:
        with kit:
            pass
    for call in (kit.trainings, kit.admin.tick, kit.webhooks.list, kit.prices.costs):
        with pytest.raises(NotOpen, match=r"the kit is not open: use it inside `with"):
            call()


def test_a_closed_repository_says_so(tmp_path):
    repository = SqliteRepository(tmp_path / "twins.db", clock=SystemClock())

    with pytest.raises(NotOpen, match=r"twins.db is not open: await open\(\) first"):
        asyncio.run(repository.get("x"))


def test_a_sync_kit_raises_at_once_after_a_fork(arguments):
    with SyncAvatarKit(**arguments) as kit:
        told = in_a_child(kit.trainings)
        assert kit.trainings() == []

    assert "NotOpen: the kit was opened in process" in told


def test_leaving_the_block_of_a_sync_kit_after_a_fork_waits_for_nothing(arguments):
    with SyncAvatarKit(**arguments) as kit:
        assert in_a_child(lambda: kit.__exit__(None, None, None)) == "returned None"


def test_a_kit_raises_at_once_after_a_fork(arguments):
    async def use():
        async with AvatarKit(**arguments) as kit:

            def in_a_loop_of_its_own():
                asyncio.set_event_loop(None)
                return asyncio.run(kit.trainings())

            told = in_a_child(in_a_loop_of_its_own)
            assert await kit.trainings() == []
            return told

    assert "NotOpen: the kit was opened in process" in asyncio.run(use())


def test_a_kit_cannot_be_opened_again_in_a_child_of_its_process(arguments):
    with SyncAvatarKit(**arguments) as kit:
        assert "NotOpen: the kit was opened in process" in in_a_child(kit.__enter__)


def test_a_kit_that_was_closed_before_a_fork_can_be_opened_in_the_child(
    arguments, avatarkit_samples
):
    kit = SyncAvatarKit(**arguments)
    with kit:
        pass

    def use():
        with kit:
            training = kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
            return [*kit.watch(training.id)][-1].status.value

    assert in_a_child(use) == "returned 'completed'"


def test_a_database_raises_at_once_after_a_fork(tmp_path):
    repository = SqliteRepository(tmp_path / "twins.db", clock=SystemClock())

    async def use(work):
        await repository.open()
        try:
            return in_a_child(lambda: asyncio.Runner().run(work()))
        finally:
            await repository.aclose()

    for work in (repository.next_due, repository.open, repository.aclose):
        asyncio.set_event_loop(None)
        assert "NotOpen: database" in asyncio.run(use(work))


class Keeping(BaseHTTPRequestHandler):
    """Answers ``{}`` and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


@pytest.mark.filterwarnings("ignore")  # the application's loop ended with a connection open
def test_an_http_client_connects_again_in_another_event_loop():
    client = new_client()
    with ThreadingHTTPServer(("127.0.0.1", 0), Keeping) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()

        async def ask(*, close=False):
            url = f"http://127.0.0.1:{server.server_port}/"
            answer = (await client.send(client.build_request("GET", url))).json()
            if close:
                await client.aclose()
            return answer

        assert asyncio.run(ask()) == {}
        assert asyncio.run(ask()) == {}
        assert asyncio.run(ask(close=True)) == {}
        server.shutdown()
    gc.collect()


#: What a program does at its end with a kit that it has opened, and not closed.
ENDINGS = {
    "returns": "",
    "exits": "sys.exit(3)",
    "fails": "raise OSError",
    "caches": "cached()",
    "forks": "child = os.fork()\nif child: os._exit(os.waitpid(child, 0)[1] >> 8)\nsys.exit(3)",
    "multiprocesses": "import multiprocessing\n"
    "child = multiprocessing.get_context('fork').Process(target=gc.collect)\n"
    "child.start()\nchild.join()\nsys.exit(child.exitcode + 3)",
}
LEFT_OPEN = """
import functools, gc, os, sys
from avatarkit import SyncAvatarKit
kit = SyncAvatarKit("fake", repository="twins.db", media="media").__enter__()

@functools.cache
def cached():
    return SyncAvatarKit("fake", repository="other.db", media="media").__enter__()

kit.trainings()
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_that_leaves_a_sync_kit_open(ending, tmp_path):
    program = LEFT_OPEN + ENDINGS[ending]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=tmp_path,
        env=fresh_environ(HOME=str(tmp_path)),
        timeout=60,
        check=False,
    )
    assert done.returncode == {"returns": 0, "fails": 1, "caches": 0}.get(ending, 3)
