"""Videos of a catalogue's avatar, and of several scenes."""

from __future__ import annotations

import importlib.util
from dataclasses import astuple, replace

import pytest

from avatarkit import AvatarKit, Consent, VideoSettings, errors
from avatarkit.config.settings import Settings
from avatarkit.content.joining import Joining
from avatarkit.content.results import Expected
from avatarkit.intake.scenes import offered
from avatarkit.interfaces import MakesScenes
from avatarkit.models import Operation, Scene, Template
from avatarkit.providers.fake import STOCK, Fake, FakeVendor, Fault
from avatarkit.stacks.registry import Stack, load
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio
ROSA, HUGO, ALBA, JACK = STOCK
WHO = {"user_id": "ana", "clone_id": "main"}
TWO = [Scene(text="Hello and welcome."), Scene(text="Good bye.", avatar=HUGO)]


class Studio(Fake):
    """Makes scenes in one call, unless one asks for a place."""

    def __init__(self, **more):
        super().__init__(**more)
        self.requests = []

    @classmethod
    def takes_scenes(cls, scenes, settings):
        return not any(scene.layout for scene in scenes)

    async def generate_video(self, request):
        self.requests.append(request)
        return await super().generate_video(request)


class Apart(Studio):
    """Makes one scene at a time."""

    @classmethod
    def takes_scenes(cls, scenes, settings):
        return len(scenes) == 1


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def vendor(clock):
    return FakeVendor(clock=clock)


@pytest.fixture(params=[Studio])
def fake(request, vendor):
    return request.param(vendor=vendor)


@pytest.fixture
async def kit(tmp_path, clock, fake, avatarkit_offline):
    async with AvatarKit(
        "fake",
        repository="memory://",
        media=tmp_path,
        providers={"fake": fake},
        clock=clock,
        settings=Settings(),
    ) as opened:
        yield opened


@pytest.fixture(autouse=True)
def joined(request, monkeypatch):
    """Join without decoding, except where that is tested: virtual time waits for no decoder."""
    if "slow" not in request.keywords:

        async def quickly(self, place, videos):
            expected = Expected(name="video", media_type="video/mp4")
            return await self._keep(place, self._media.open(videos[0].key), expected)

        monkeypatch.setattr(Joining, "__call__", quickly)


def apart(function):
    return pytest.mark.parametrize("fake", [Apart], indirect=True)(function)


# -- stock avatars ----------------------------------------------------------------------------


async def test_a_stock_avatar_speaks_without_a_training(kit, fake):
    video = await kit.speak(script="Hello", avatar=ROSA, **WHO)
    assert (video.status, video.training_id, video.stack) == ("completed", None, "fake")
    (request,) = fake.requests
    assert (request.avatar_id, request.voice_id) == ("stock-rosa", "stock-voice-es")


async def test_a_stock_avatar_speaks_with_another_voice(kit, fake):
    await kit.speak(script="Hello", avatar=ROSA, voice=JACK, **WHO)
    assert fake.requests[0].voice_id == "stock-voice-en"


async def test_a_training_speaks_with_another_avatar(kit, fake, avatarkit_samples):
    training = await kit.train(**WHO, **avatarkit_samples)
    async for _ in kit.watch(training.id):
        pass
    training = await kit.get(training.id)
    video = await kit.speak(training.id, "Hello", avatar=HUGO)
    assert (video.avatar_id, video.voice_id) == ("stock-hugo", training.voice_id)
    assert video.training_id == training.id


async def test_an_avatar_of_the_accounts_own_needs_a_persons_consent(kit, vendor):
    own = ROSA.model_copy(update={"own": True})
    with pytest.raises(errors.ConsentRequired):
        await kit.speak(script="Hello", avatar=own, **WHO)
    assert not vendor.accepted
    video = await kit.speak(script="Hello", avatar=own, consent=Consent(subject="Ana"), **WHO)
    assert video.consent_id


@pytest.mark.parametrize("own", [True, None])
async def test_a_stock_avatar_with_a_persons_voice_needs_consent(kit, vendor, own):
    voice = JACK.model_copy(update={"own": own})
    with pytest.raises(errors.ConsentRequired):
        await kit.speak(script="Hello", avatar=ROSA, voice=voice, **WHO)
    assert not vendor.accepted


async def test_a_stock_avatar_is_adopted_by_its_entry(kit):
    training = await kit.adopt(avatar_id=ROSA, **WHO)
    assert (training.avatar_id, training.voice_id) == ("stock-rosa", "stock-voice-es")
    assert (await kit.speak(training.id, "Hello")).status == "completed"


async def test_an_entry_of_another_kind_is_refused(kit):
    with pytest.raises(errors.ConfigError, match="avatar_id is an entry"):
        await kit.adopt(avatar_id=ALBA, **WHO)
    with pytest.raises(errors.ConfigError, match="voice is an entry"):
        await kit.speak(script="Hello", avatar=ROSA, voice=HUGO, **WHO)


async def test_an_avatar_by_its_id_is_one_of_the_stack(kit):
    who = WHO | {"consent": Consent.not_a_real_person("drawn")}
    video = await kit.speak(script="Hello", avatar="stock-hugo", stack="fake", **who)
    assert video.status == "completed"


async def test_without_a_training_there_must_be_an_avatar_and_an_owner(kit):
    with pytest.raises(errors.ConfigError, match="avatar="):
        await kit.speak(script="Hello", **WHO)
    with pytest.raises(errors.ConfigError, match="user_id"):
        await kit.speak(script="Hello", avatar=ROSA)


async def test_a_training_tells_whose_video_it_is(kit, vendor):
    training = await kit.adopt(avatar_id=ROSA, **WHO)
    for more in ({"user_id": "bo"}, {"consent": Consent(subject="Bo")}, {"stack": "fake"}):
        with pytest.raises(errors.ConfigError, match="leave user_id"):
            await kit.speak(training.id, "Hello", **more)
    assert not vendor.accepted


async def test_the_same_order_of_a_stock_avatar_is_one_video(kit, vendor):
    key = WHO | {"idempotency_key": "k"}
    first = await kit.speak(script="Hello", avatar=ROSA, **key)
    assert (await kit.speak(script="Hello", avatar=ROSA, **key)).id == first.id
    with pytest.raises(errors.Conflict):
        await kit.speak(script="Hello", avatar=HUGO, **key)
    assert vendor.accepted.total() == 1


# -- scenes -----------------------------------------------------------------------------------


async def test_a_provider_with_scenes_makes_them_in_one_call(kit, fake, vendor):
    assert isinstance(fake, MakesScenes)
    video = await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    assert vendor.accepted.total() == 1
    (request,) = fake.requests
    assert [scene.avatar for scene in request.scenes] == [None, "stock-hugo"]
    assert request.script == video.script == "Hello and welcome.\n\nGood bye."
    assert video.files.keys() == {"video", "thumbnail"}


@pytest.mark.slow
async def test_films_of_scenes_are_joined_in_the_sandbox(tmp_path, avatarkit_offline):
    pytest.importorskip("av")
    vendor = FakeVendor(durations=dict.fromkeys(Operation, 0.0))
    async with AvatarKit(
        "fake",
        repository="memory://",
        media=tmp_path,
        providers={"fake": Apart(vendor=vendor)},
        settings=Settings(),
    ) as kit:
        video = await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    films = [video.files[f"scene-{n}-video"].seconds for n in (1, 2)]
    assert video.files["video"].seconds == pytest.approx(sum(films), abs=0.5)


@apart
async def test_other_scenes_are_made_and_paid_for_one_by_one_and_joined(kit, fake, vendor):
    video = await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    tokens = {f"ak-{video.id}-video-1", f"ak-{video.id}-video-2"}
    assert vendor.accepted == dict.fromkeys(tokens, 1)
    assert [(r.avatar_id, r.script) for r in fake.requests] == [
        ("stock-rosa", "Hello and welcome."),
        ("stock-hugo", "Good bye."),
    ]
    assert {"scene-1-video", "scene-2-video", "video"} <= video.files.keys()


@apart
async def test_each_scene_has_its_costs_and_the_whole_is_quoted(kit, vendor):
    vendor.set_price("video", "1.00")
    scenes = [Scene(text="word " * 150), Scene(text="word " * 300)]
    video = await kit.speak(scenes=scenes, avatar=ROSA, wait=False, **WHO)
    first, second = (state.call.quoted for state in video.operations)
    assert second == pytest.approx(2 * first, rel=0.1)
    assert video.reserved == first + second
    async for _ in kit.watch(video.id):
        pass
    assert [cost.entry.operation for cost in await kit.prices.costs(video)] == ["video", "video"]


@apart
async def test_the_whole_is_refused_over_its_limit_before_a_scene_is_paid(kit, vendor):
    from avatarkit.pricing import USD

    vendor.set_price("video", "1.00")
    scenes = [Scene(text="word " * 150)] * 5
    with pytest.raises(errors.BudgetExceeded):
        await kit.speak(scenes=scenes, avatar=ROSA, max_cost=USD("2.00"), **WHO)
    assert not vendor.accepted


@apart
async def test_a_scene_that_fails_ends_the_video_before_the_next_is_paid(kit, vendor):
    vendor.fail_next("video", Fault.JOB_FAILS)
    with pytest.raises(errors.Refused):
        await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    assert vendor.accepted.total() == 1


@apart
async def test_a_lost_answer_of_a_scene_is_looked_up_by_its_own_token(kit, vendor):
    vendor.fail_next("video", Fault.LOST_REPLY)
    video = await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    assert video.status == "completed"
    assert set(vendor.accepted.values()) == {1}


@apart
async def test_a_deleted_video_leaves_no_scene_at_the_vendor(kit, vendor):
    video = await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    await kit.delete(video.id)
    while await kit.admin.tick():
        pass
    assert {state.job.id for state in video.operations} <= vendor.deleted


@apart
async def test_a_webhook_of_a_scene_speaks_of_that_scene_alone(kit, vendor, clock):
    video = await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    for delivery in vendor.deliveries():
        await kit.webhooks.receive("fake", delivery)
    assert (await kit.get(video.id)).status == "completed"


@apart
async def test_a_background_of_a_scene_takes_the_place_of_the_videos(kit, fake):
    scenes = [Scene(text="One"), Scene(text="Two", background="#ffffff")]
    settings = VideoSettings(background="#204060")
    await kit.speak(scenes=scenes, avatar=ROSA, settings=settings, **WHO)
    assert [request.settings.background for request in fake.requests] == ["#204060", "#ffffff"]


async def test_in_one_call_each_scene_carries_its_background(kit, fake):
    scenes = [Scene(text="One"), Scene(text="Two", background="#ffffff")]
    settings = VideoSettings(background="#204060")
    await kit.speak(scenes=scenes, avatar=ROSA, settings=settings, **WHO)
    (request,) = fake.requests
    assert [scene.background for scene in request.scenes] == ["#204060", "#ffffff"]
    assert request.settings.background is None


async def test_one_scene_is_a_video_of_its_own(kit, fake):
    scene = Scene(text="Hello", avatar=HUGO, voice=ALBA, background="#ffffff")
    video = await kit.speak(scenes=[scene], avatar=ROSA, **WHO)
    (request,) = fake.requests
    assert (request.avatar_id, request.voice_id) == ("stock-hugo", "stock-voice-es")
    assert request.settings.background == "#ffffff"
    assert video.operation(Operation.VIDEO) is not None


@pytest.mark.parametrize("layout", ["left", "right"])
async def test_a_place_that_the_provider_has_not_is_refused(kit, vendor, layout):
    with pytest.raises(errors.Unsupported, match="layout"):
        await kit.speak(scenes=[*TWO, Scene(text="x", layout=layout)], avatar=ROSA, **WHO)
    assert not vendor.accepted


@apart
@pytest.mark.parametrize("container", ["webm", "mov"])
async def test_joined_scenes_are_an_mp4(kit, vendor, container):
    settings = VideoSettings(container=container)
    with pytest.raises(errors.Unsupported, match="MP4"):
        await kit.speak(scenes=TWO, avatar=ROSA, settings=settings, **WHO)
    assert not vendor.accepted


@pytest.mark.parametrize(
    "scenes", ["Hello", [{"text": "Hello"}], {"text": "x"}, [Scene(text="x")] * 51]
)
async def test_what_is_no_list_of_scenes_is_refused(kit, scenes):
    with pytest.raises(errors.ConfigError, match="scene"):
        await kit.speak(scenes=scenes, avatar=ROSA, **WHO)


async def test_scenes_and_a_script_are_not_both_given(kit):
    with pytest.raises(errors.ConfigError, match="either"):
        await kit.speak(script="Hello", scenes=TWO, avatar=ROSA, **WHO)


async def test_an_empty_scene_is_refused(kit, vendor):
    with pytest.raises(errors.ConfigError):
        Scene(text="")
    with pytest.raises(errors.AvatarKitError):
        await kit.speak(scenes=[Scene(text="  ")], avatar=ROSA, **WHO)
    assert not vendor.accepted


async def test_the_same_order_of_scenes_is_one_video(kit, vendor):
    key = WHO | {"idempotency_key": "k"}
    first = await kit.speak(scenes=TWO, avatar=ROSA, **key)
    assert (await kit.speak(scenes=TWO, avatar=ROSA, **key)).id == first.id
    with pytest.raises(errors.Conflict):
        await kit.speak(scenes=TWO[:1], avatar=ROSA, **key)
    assert vendor.accepted.total() == 1


class Short(Apart):
    """Has no credits for the second scene, until it is asked once more."""

    async def generate_video(self, request):
        job_token = request.token
        if job_token.endswith("-2") and not any(r.token == job_token for r in self.requests):
            self.requests.append(request)
            raise errors.QuotaError("buy more", provider="fake")
        return await super().generate_video(request)


@pytest.mark.parametrize("fake", [Short], indirect=True)
async def test_a_question_about_a_scene_is_answered_for_that_scene(kit, vendor):
    video = await kit.speak(scenes=TWO, avatar=ROSA, **WHO)
    assert (video.action.kind, video.action.scene) == ("retry", 2)
    await kit.resolve(video.id, "retry")
    (*_, last) = [update async for update in kit.watch(video.id)]
    assert last.status == "completed"
    assert set(vendor.accepted.values()) == {1}


# -- templates --------------------------------------------------------------------------------


class Templates(Studio):
    """Fills templates."""

    def __init__(self, **more):
        super().__init__(**more)
        vars(self)["capabilities"] = replace(self.capabilities, templates=True)


FILLED = Template(id="t1", text={"name": "Ana"})


@pytest.mark.parametrize("fake", [Templates], indirect=True)
async def test_a_template_is_filled_by_the_consent_of_whom_it_shows(kit, fake, vendor):
    with pytest.raises(errors.ConsentRequired):
        await kit.speak(template=FILLED, **WHO)
    assert not vendor.accepted
    video = await kit.speak(template=FILLED, consent=Consent(subject="Ana"), **WHO)
    assert (video.status, video.template, video.avatar_id) == ("completed", FILLED, None)
    assert fake.requests[0].template == FILLED


@pytest.mark.parametrize("fake", [Templates], indirect=True)
async def test_a_template_decides_about_its_settings(kit, vendor):
    settings = VideoSettings(aspect="9:16")
    who = WHO | {"consent": Consent.not_a_real_person("drawn")}
    with pytest.raises(errors.Unsupported, match="its own aspect"):
        await kit.speak(template=FILLED, settings=settings, **who)
    assert not vendor.accepted


@pytest.mark.parametrize("fake", [Templates], indirect=True)
@pytest.mark.parametrize("more", [{"avatar": ROSA}, {"voice": JACK}])
async def test_a_template_has_its_own_avatars(kit, vendor, more):
    who = WHO | {"consent": Consent.not_a_real_person("drawn")}
    with pytest.raises(errors.ConfigError, match="its own avatars"):
        await kit.speak(template=FILLED, **more, **who)
    assert not vendor.accepted


async def test_a_provider_without_templates_refuses_one(kit, vendor):
    who = WHO | {"consent": Consent.not_a_real_person("drawn")}
    with pytest.raises(errors.Unsupported, match="fills no templates"):
        await kit.speak(template=FILLED, **who)
    assert not vendor.accepted


@pytest.mark.parametrize("fake", [Templates], indirect=True)
async def test_a_deleted_video_forgets_the_values_of_its_template(kit):
    who = WHO | {"consent": Consent.not_a_real_person("drawn")}
    video = await kit.speak(template=FILLED, **who)
    await kit.delete(video.id)
    assert (await kit._repository.get(video.id)).template is None


# -- what a stack offers ------------------------------------------------------------------------

LAYOUTS = ("left", "center", "right")


@pytest.mark.parametrize(
    ("stack", "found"),
    [
        ("heygen", (True, (), "heygen", "heygen")),
        ("synthesia", (True, LAYOUTS, None, None)),
        ("elevenlabs+heygen", (False, (), "heygen", "elevenlabs")),
        ("elevenlabs+synthesia", (False, LAYOUTS, None, "elevenlabs")),
        ("tavus", (False, (), "tavus", "tavus")),
    ],
)
@pytest.mark.once
def test_a_stack_tells_the_scenes_that_it_makes(stack, found):
    assert astuple(offered(Stack.parse(stack, load).roles, load)) == found


def test_without_pyav_only_scenes_of_one_call_are_offered(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    of = {name: offered(Stack.parse(name, load).roles, load) for name in ("heygen", "tavus")}
    assert (of["heygen"] is None, of["tavus"] is None) == (False, True)
