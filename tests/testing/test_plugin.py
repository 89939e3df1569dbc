import os
import subprocess
import sys
from pathlib import Path

import av  # noqa: F401 - the tests within tests forget what they import, and numpy loads once
import numpy as np  # noqa: F401
import pytest

from avatarkit.errors import BudgetExceeded
from avatarkit.pricing import USD

pytest_plugins = ("pytester",)
EXAMPLE = Path(__file__).with_name("application_example.py")


@pytest.fixture
def outcome(pytester):
    """Run one module of tests as an application would, and give its result."""

    def run(source):
        pytester.makepyfile(test_application=source)
        return pytester.runpytest(
            "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:asyncio"
        )

    return run


@pytest.fixture
def anyio_backend():
    return "asyncio"


def test_the_test_of_an_application_passes(outcome):
    outcome(EXAMPLE.read_text()).assert_outcomes(passed=1)


def test_a_test_that_connects_elsewhere_fails_with_a_reason(outcome):
    result = outcome("""
        import socket

        def test_socket(avatarkit_offline):
            with socket.socket() as connection:
                connection.connect(("192.0.2.1", 443))
    """)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*tried to connect to 192.0.2.1, but avatarkit_offline allows no*")


def test_a_look_up_of_a_name_fails_with_a_reason(outcome):
    result = outcome("""
        import socket

        def test_name(avatarkit_offline):
            socket.create_connection(("api.heygen.com", 443))
    """)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*tried to connect to api.heygen.com*")


def test_a_datagram_to_elsewhere_fails(outcome):
    outcome("""
        import socket

        def test_datagram(avatarkit_offline):
            with socket.socket(type=socket.SOCK_DGRAM) as sender:
                sender.sendto(b"hello", ("2001:db8::1", 53))
    """).assert_outcomes(failed=1)


def test_the_refusal_is_not_caught_with_ordinary_errors(outcome):
    outcome("""
        import contextlib, socket

        def test_hidden(avatarkit_offline):
            with socket.socket() as connection, contextlib.suppress(Exception):
                connection.connect(("192.0.2.1", 443))
    """).assert_outcomes(failed=1)


def test_an_open_kit_implies_no_network(outcome):
    outcome("""
        import socket, pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_socket(avatarkit_kit):
            socket.create_connection(("192.0.2.1", 443))
    """).assert_outcomes(failed=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_may_be_connected_to(avatarkit_offline, host):
    import socket

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection((host, server.getsockname()[1])) as connection,
    ):
        assert connection.getpeername()[0] == "127.0.0.1"


def test_sockets_are_as_before_afterwards(outcome):
    outcome("""
        import socket

        before = socket.socket.connect

        def test_guarded(avatarkit_offline):
            assert socket.socket.connect is not before

        def test_as_before():
            assert socket.socket.connect is before
    """).assert_outcomes(passed=2)


@pytest.mark.slow
def test_loading_the_plugin_loads_nothing_heavy():
    code = """
import sys
import pytest
before = set(sys.modules)
import avatarkit.testing.plugin
loaded = {m for m in set(sys.modules) - before if m.startswith("avatarkit")}
assert loaded == {"avatarkit", "avatarkit.testing", "avatarkit.testing.plugin"}, loaded
assert not {"pydantic", "httpx", "anyio"} & (set(sys.modules) - before)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.anyio
async def test_a_fault_can_be_ordered_behind_the_kit(
    avatarkit_kit, avatarkit_samples, avatarkit_vendor
):
    avatarkit_vendor.fail_next("avatar", "lost_reply")
    twin = await avatarkit_kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    statuses = [update.status async for update in avatarkit_kit.watch(twin.id)]

    assert statuses[-1] == "completed"
    assert set(avatarkit_vendor.accepted.values()) == {1}


@pytest.mark.anyio
async def test_a_training_can_wait_for_a_person(avatarkit_kit, avatarkit_samples, avatarkit_vendor):
    avatarkit_vendor.fail_next("avatar", "needs_action")
    twin = await avatarkit_kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    statuses = []
    async for update in avatarkit_kit.watch(twin.id):
        statuses.append(update.status)
        if update.status == "action_required":
            avatarkit_vendor.consent(f"ak-{twin.id}-avatar")

    assert "action_required" in statuses
    assert statuses[-1] == "completed"


@pytest.mark.anyio
async def test_webhooks_of_the_vendor_reach_the_kit(
    avatarkit_kit, avatarkit_samples, avatarkit_vendor
):
    twin = await avatarkit_kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    _ = [update async for update in avatarkit_kit.watch(twin.id)]
    received = [
        event.name
        for delivery in avatarkit_vendor.deliveries(copies=2)
        if (entry := await avatarkit_kit.webhooks.receive("fake", delivery))
        for event in entry.events
    ]

    assert received.count("avatar.training_completed") == 1


def test_testing_offers_what_it_lists():
    from avatarkit import testing

    assert [name for name in dir(testing) if name[0] != "_"] == testing.__all__


def test_testing_knows_no_other_name():
    from avatarkit import testing

    with pytest.raises(AttributeError, match="nonsense"):
        testing.nonsense  # noqa: B018


@pytest.mark.anyio
async def test_a_limit_can_be_tested_on_free_operations(avatarkit_kit, avatarkit_samples):
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    training = await avatarkit_kit.train(**order, max_cost=USD("0.01"))
    _ = [update async for update in avatarkit_kit.watch(training.id)]

    assert (await avatarkit_kit.speak(training.id, "Hello", max_cost=USD("0.01"))).spent == 0
    assert avatarkit_kit.prices.quote(script="Hello").expected.known == 0


@pytest.mark.anyio
async def test_a_test_sets_prices_and_meets_the_limit(
    avatarkit_kit, avatarkit_samples, avatarkit_vendor
):
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    await avatarkit_kit.train(**order, max_cost=USD(1))
    avatarkit_vendor.set_price("voice", "1.25")
    avatarkit_vendor.set_price("avatar", 2)

    with pytest.raises(BudgetExceeded, match=r"3\.25"):
        await avatarkit_kit.train(**order, max_cost=USD(3))
    training = await avatarkit_kit.train(**order, max_cost=USD("3.25"))
    _ = [update async for update in avatarkit_kit.watch(training.id)]
    assert (await avatarkit_kit.get(training.id)).spent == 3_250_000


@pytest.mark.anyio
async def test_a_video_costs_by_the_price_that_a_test_sets(
    avatarkit_kit, avatarkit_samples, avatarkit_vendor
):
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    training = await avatarkit_kit.train(**order)
    _ = [update async for update in avatarkit_kit.watch(training.id)]
    avatarkit_vendor.set_price("video", "0.60")
    video = await avatarkit_kit.speak(training.id, "Hello " * 100, max_cost=USD(1))

    assert 0 < video.spent < 1_000_000


def readme_example():
    """The test of the README, as a reader pastes it."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    return text.partition("# test_avatar.py\n")[2].partition("```")[0]


FIXTURES = """
import pytest, {plugin}

@{plugin}.fixture{called}
async def trained(avatarkit_kit, avatarkit_samples):
    training = await avatarkit_kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    updates = [update async for update in avatarkit_kit.watch(training.id)]
    yield updates[-1]
    assert (await avatarkit_kit.trainings())[0].id == training.id

{mark}
async def test_a_fixture_and_a_test_share_the_kit(trained, avatarkit_kit):
    assert trained.status == "completed"
    video = await avatarkit_kit.speak(trained.id, "Hello")
    assert video.status == "completed"
"""
STRICT = FIXTURES.format(plugin="pytest_asyncio", called="", mark="@pytest.mark.asyncio")
AUTO = FIXTURES.format(plugin="pytest", called="", mark="")
ANYIO = FIXTURES.format(plugin="pytest", called="", mark="@pytest.mark.anyio").replace(
    "@pytest.mark.anyio",
    '@pytest.fixture\ndef anyio_backend(): return "asyncio"\n\n@pytest.mark.anyio',
    1,
)
SYNC = """
def test_without_async(avatarkit_sync_kit, avatarkit_samples, avatarkit_vendor):
    kit = avatarkit_sync_kit
    training = kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    assert [*kit.watch(training.id)][-1].status == "completed"
    assert kit.speak(training.id, "Hello").status == "completed"
    assert set(avatarkit_vendor.accepted.values()) == {1}
"""
ASYNCIO = ["-p", "pytest_asyncio.plugin"]
SETUPS = {
    "anyio": ([], [readme_example(), ANYIO, SYNC]),
    "strict": ([*ASYNCIO, "--asyncio-mode=strict"], [readme_example(), STRICT, ANYIO, SYNC]),
    "auto": ([*ASYNCIO, "--asyncio-mode=auto"], [readme_example(), STRICT, AUTO, SYNC]),
    "none": (["-p", "no:anyio"], [SYNC]),
}


@pytest.mark.slow
@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.once
def test_an_application_s_tests_pass_with_each_plugin_for_async_tests(setup, tmp_path):
    arguments, tests = SETUPS[setup]
    if ASYNCIO[1] in arguments:
        pytest.importorskip("pytest_asyncio")
    asked = "asyncio_default_fixture_loop_scope = function\n" if ASYNCIO[1] in arguments else ""
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{asked}")
    for number, text in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(text)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COVERAGE"))}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:schemathesis",
            "-p",
            "no:asyncio",
            "-W",
            "error",
            *arguments,
        ],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert f"{len(tests)} passed" in told
