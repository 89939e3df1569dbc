import inspect
import signal
import threading
from pathlib import Path

import pytest

from avatarkit import errors, sync
from avatarkit.config.settings import Settings
from avatarkit.kit import AvatarKit, KitAdmin, KitCatalogue, KitPrices, KitWebhooks
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.sync import SyncAvatarKit


def public(kit_class):
    return {
        name: method
        for name, method in vars(kit_class).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


@pytest.fixture
def vendor():
    """Every job is over at once, so that real time is good enough."""
    return FakeVendor(durations=dict.fromkeys(Operation, 0.0))


@pytest.fixture
def arguments(tmp_path, avatarkit_offline, vendor):
    """What both kits are made from."""
    return {
        "stack": "fake",
        "repository": "memory://",
        "media": tmp_path,
        "providers": {"fake": Fake(vendor=vendor)},
        "settings": Settings(),
    }


@pytest.fixture
def kit(arguments):
    with SyncAvatarKit(**arguments) as opened:
        yield opened


@pytest.fixture
def twin(kit, avatarkit_samples):
    training = kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    return [*kit.watch(training.id)][-1]


TWINS = {
    AvatarKit: SyncAvatarKit,
    KitCatalogue: sync.SyncKitCatalogue,
    KitAdmin: sync.SyncKitAdmin,
    KitWebhooks: sync.SyncKitWebhooks,
    KitPrices: sync.SyncKitPrices,
}
METHODS = [pytest.param(m, n, id=f"{m.__name__}.{n}") for m in TWINS for n in public(m)]


@pytest.mark.parametrize("model", TWINS)
def test_every_public_method_is_there(model):
    assert public(TWINS[model]).keys() == public(model).keys()


@pytest.mark.parametrize(("model", "name"), METHODS)
def test_a_method_has_the_signature_of_its_model(model, name):
    signature = inspect.signature(public(TWINS[model])[name])

    assert signature == inspect.signature(public(model)[name])


@pytest.mark.parametrize(("model", "name"), METHODS)
def test_a_method_has_the_documentation_of_its_model(model, name):
    assert public(TWINS[model])[name].__doc__ == public(model)[name].__doc__


@pytest.mark.parametrize(("model", "name"), METHODS)
def test_no_method_has_to_be_awaited(model, name):
    assert not inspect.iscoroutinefunction(public(TWINS[model])[name].__code__)


def test_the_parts_of_a_kit_are_there(kit):
    assert kit.admin.tick() == 0
    assert kit.admin.home == Path(".avatarkit")
    assert kit.webhooks.list().entries == ()
    assert kit.prices.quote(seconds=60).stack == "fake"


def test_the_kit_shows_what_users_need():
    shown = {name for name in dir(AvatarKit) if not name.startswith("_")}

    assert shown == {
        *("train", "adopt", "speak", "dub", "dub_into", "preflight", "estimate"),
        *("get", "watch", "trainings", "videos", "page", "save"),
        *("cancel", "delete", "resolve", "erase", "erasure"),
        *("add_consent", "consents", "delete_evidence", "revoke"),
        *("add_sample", "offer_sample", "delete_sample", "samples"),
    }


def test_a_wrong_argument_is_told_at_construction():
    with pytest.raises(TypeError, match="stak"):
        SyncAvatarKit(stak="fake")


def test_watch_ends_with_the_final_state(twin):
    assert twin.status == "completed"


def test_a_twin_speaks(kit, twin, tmp_path):
    video = kit.speak(twin.id, "Hello")

    assert kit.save(video, tmp_path / "hello.mp4").stat().st_size


def test_errors_pass_through(kit):
    with pytest.raises(errors.NotFound):
        kit.get("nothing")


def test_errors_of_watch_pass_through(kit):
    with pytest.raises(errors.NotFound):
        next(kit.watch("nothing"))


def test_watch_can_be_left_early(kit, vendor, avatarkit_samples):
    vendor.fail_next("voice", "stuck")
    training = kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    for update in kit.watch(training.id):
        if update.status == "training":
            break

    assert kit.cancel(training.id).status == "cancelled"


def test_leaving_watch_closes_the_generator(arguments, monkeypatch):
    closed = []

    async def watch(self, record_id):
        try:
            yield "first"
            yield "second"
        finally:
            closed.append(record_id)

    monkeypatch.setattr(AvatarKit, "watch", watch)
    monkeypatch.setattr(SyncAvatarKit, "watch", sync._iterating(watch))
    with SyncAvatarKit(**arguments) as kit:
        updates = kit.watch("id")
        assert next(updates) == "first"
        updates.close()
        assert closed == ["id"]


def test_a_kit_may_be_opened_twice(arguments, avatarkit_samples):
    kit = SyncAvatarKit(**arguments)
    for clone in ("one", "two"):
        with kit:
            training = kit.train(user_id="ana", clone_id=clone, **avatarkit_samples)
            assert [*kit.watch(training.id)][-1].status == "completed"


def test_a_closed_kit_says_how_to_open_it(arguments):
    kit = SyncAvatarKit(**arguments)
    with kit:
        pass

    with pytest.raises(RuntimeError, match="with SyncAvatarKit"):
        kit.trainings()


def test_no_thread_is_left_behind(arguments):
    before = set(threading.enumerate())
    with SyncAvatarKit(**arguments) as kit:
        kit.trainings()

    assert not [t for t in set(threading.enumerate()) - before if not t.daemon]


def test_a_kit_that_cannot_be_opened_leaves_no_thread(arguments):
    before = set(threading.enumerate())
    with pytest.raises(errors.ConfigError):
        SyncAvatarKit(**{**arguments, "repository": "nonsense://"}).__enter__()

    assert not set(threading.enumerate()) - before


@pytest.fixture
def interrupted(monkeypatch, vendor):
    """Let the first poll of the next video press Ctrl-C; the video is never ready."""

    def interrupt(operation, job_id):
        monkeypatch.undo()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return vendor.get(operation, job_id)

    vendor.fail_next("video", "stuck")
    monkeypatch.setattr(vendor, "get", interrupt)


def test_an_interrupted_call_does_not_go_on(kit, twin, interrupted):
    with pytest.raises(KeyboardInterrupt):
        kit.speak(twin.id, "Hello")

    assert kit.videos()[0].status == "processing"


def test_watch_can_be_interrupted(kit, twin, interrupted):
    video = kit.speak(twin.id, "Hello", wait=False)
    with pytest.raises(KeyboardInterrupt):
        [*kit.watch(video.id)]

    assert kit.get(video.id).status == "processing"
