"""The front door, on the fake provider in virtual time."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, Consent, Status, errors
from avatarkit.config.settings import Settings
from avatarkit.intake.place import Intake
from avatarkit.interfaces import (
    ROLES,
    Balance,
    Link,
    ProviderSettings,
    SpeechSynthesizer,
    VideoGenerator,
    VoiceCloner,
)
from avatarkit.media.folder import FolderStore
from avatarkit.models import ConsentRule, JobState, Media, Operation, Options
from avatarkit.pricing import USD
from avatarkit.providers.fake import Fake, FakeVendor, FakeVideo, Fault
from avatarkit.providers.local.text import check_text
from avatarkit.records import Phase
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio
VOICE, AVATAR, SPEECH, VIDEO = Operation.VOICE, Operation.AVATAR, Operation.SPEECH, Operation.VIDEO
DEMO = Path(__file__).parent.parent / "src/avatarkit/data/demo"
WAV, JPG = DEMO / "voice.wav", DEMO / "portrait.jpg"
DRAWN = Consent.not_a_real_person("a drawing")
WHO = {"user_id": "ana", "clone_id": "ana-1"}


class House:
    """Everything that outlives a kit."""

    def __init__(self, folder):
        self.clock = FakeClock()
        self.vendor = FakeVendor(clock=self.clock)
        self.repository = MemoryRepository(clock=self.clock)
        self.media = FolderStore(folder / "media")
        self.fake = Fake(vendor=self.vendor)

    def kit(self, stack="fake", **more):
        given = {
            "repository": self.repository,
            "media": self.media,
            "providers": {"fake": self.fake},
            "clock": self.clock,
            "settings": Settings(),
        }
        return AvatarKit(stack, **(given | more))

    def files(self):
        return sorted(p.name for p in self.media.root.rglob("*") if p.is_file())


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def trained(kit, **more):
    given = {**WHO, "voice": [WAV], "footage": JPG, "consent": DRAWN}
    training = await kit.train(**(given | more))
    return await final(kit, training.id)


async def final(kit, record_id):
    last = None
    async for update in kit.watch(record_id):
        last = update
    return last


# -- training ---------------------------------------------------------------------------------


async def test_a_training_is_completed(house):
    async with house.kit() as kit:
        training = await trained(kit)
    assert (training.status, training.progress) == (Status.COMPLETED, 100)
    assert training.voice_id
    assert training.avatar_id


async def rekeyed(house, videos=1):
    """Under a new key, a training that was made under another, and videos that ask about it."""
    house.fake = Fake(ProviderSettings(api_key=SecretStr("key-1")), vendor=house.vendor)
    async with house.kit() as kit:
        training = await trained(kit)
    house.fake = Fake(ProviderSettings(api_key=SecretStr("key-2")), vendor=house.vendor)
    async with house.kit() as kit:
        asking = [await kit.speak(training.id, "Hello.", wait=False) for _ in range(videos)]
        for video in asking:
            async for update in kit.watch(video.id):
                if update.action:
                    break
    return training, asking


async def test_that_a_key_was_replaced_is_asked_of_one_video_and_of_no_other(house):
    training, (video,) = await rekeyed(house)
    async with house.kit() as kit:
        await kit.resolve(video.id, "same_account")
        assert (await final(kit, video.id)).status is Status.COMPLETED
        assert (await kit.speak(training.id, "Again.")).status is Status.COMPLETED
        assert (await kit.get(training.id)).completed_at == training.completed_at


async def test_that_a_key_was_replaced_may_be_said_of_two_videos_that_ask(house):
    _, asking = await rekeyed(house, videos=2)
    async with house.kit() as kit:
        for video in asking:
            await kit.resolve(video.id, "same_account")
        ended = [await final(kit, video.id) for video in asking]
    assert [video.status for video in ended] == [Status.COMPLETED] * 2


async def test_of_a_training_that_is_deleted_no_key_is_replaced(house):
    training, (video,) = await rekeyed(house)
    async with house.kit(worker=False) as kit:
        await kit.delete(training.id)
        deleted = await house.repository.get(training.id)
        await kit.resolve(video.id, "same_account")
        assert await house.repository.get(training.id) == deleted


async def test_train_returns_before_anything_is_sent(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
    assert (training.status, house.vendor.accepted) == (Status.PENDING, {})


async def test_tick_drives_what_is_due(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        assert await kit.admin.tick() == 1
        assert (await kit.get(training.id)).status is Status.TRAINING
        assert await kit.admin.tick() == 0


async def test_estimates_read_what_was_completed_once_a_minute(house, monkeypatch):
    read = []
    page = house.repository.page
    monkeypatch.setattr(
        house.repository, "page", lambda *given, **more: read.append(1) or page(*given, **more)
    )
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        for seconds, reads in ((0, 1), (59, 1), (1, 2)):
            house.clock.advance(seconds)
            await kit.estimate(training)
            assert len(read) == reads


async def test_the_work_goes_on_in_the_next_process(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        await kit.admin.tick()
    async with house.kit() as kit:
        assert (await final(kit, training.id)).status is Status.COMPLETED
    assert set(house.vendor.accepted.values()) == {1}


async def test_a_kit_that_was_closed_works_when_it_is_opened_again(house):
    kit = house.kit()
    async with kit:
        pass
    async with kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        await house.clock.sleep(3600)
        assert (await kit.get(training.id)).status is Status.COMPLETED


async def test_what_a_kit_has_closed_is_made_anew_when_it_is_opened_again(house):
    settings = Settings.from_env({"AVATARKIT_HEYGEN_API_KEY": "key-1"})
    kit = house.kit("heygen", settings=settings, providers={})
    used = []
    for _ in range(2):
        async with kit:
            used += [(kit._pool.provider("heygen"), kit._fetcher._opener())]
            assert not any(made._client.is_closed for made in used[-1])
    assert all(made._client.is_closed for pair in used for made in pair)


async def test_the_same_key_gives_the_same_training(house):
    async with house.kit(worker=False) as kit:
        ids = set()
        for _ in range(3):
            training = await kit.train(
                **WHO, voice=[WAV], footage=JPG, consent=DRAWN, idempotency_key="k"
            )
            ids.add(training.id)
    assert len(ids) == 1


async def test_the_same_key_of_another_user_is_another_training(house):
    async with house.kit(worker=False) as kit:
        one = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN, idempotency_key="k")
        other = {"user_id": "bob", "clone_id": "bob-1"}
        two = await kit.train(**other, voice=[WAV], footage=JPG, consent=DRAWN, idempotency_key="k")
    assert one.id != two.id


async def test_a_clone_of_another_user_is_not_found(house):
    async with house.kit(worker=False) as kit:
        await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        with pytest.raises(errors.NotFound):
            await kit.train(
                user_id="bob", clone_id="ana-1", voice=[WAV], footage=JPG, consent=DRAWN
            )


async def test_a_real_person_needs_consent(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConsentRequired, match="pass consent="):
            await kit.train(**WHO, voice=[WAV], footage=JPG)
    assert house.files() == []


async def test_consent_without_a_name_is_none(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConsentRequired, match="names no person"):
            await kit.train(**WHO, voice=[WAV], footage=JPG, consent=Consent())


async def test_missing_evidence_is_said(house, tmp_path):
    consent = Consent(subject="Ana", evidence=str(tmp_path / "no.mp4"))
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConsentRequired, match=r"not found: no\.mp4"):
            await kit.train(**WHO, voice=[WAV], footage=JPG, consent=consent)


async def test_evidence_is_kept_with_its_digest(house):
    consent = Consent(subject="Ana", evidence=str(WAV))
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=consent)
        kept = await house.repository.get_consent(training.consent_id)
    assert (kept.subject, kept.evidence, kept.evidence_file.size) == (
        "Ana",
        None,
        WAV.stat().st_size,
    )


async def test_nothing_is_kept_of_samples_that_are_refused(house, tmp_path):
    bad = tmp_path / "me.mp4"
    bad.write_text("text")
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.MediaRejected):
            await kit.train(**WHO, voice=[WAV], footage=bad, consent=DRAWN)
        assert await kit.trainings() == []
    assert house.files() == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: str(WAV),
        lambda: WAV,
        WAV.read_bytes,
        lambda: io.BytesIO(WAV.read_bytes()),
    ],
    ids=["string", "path", "bytes", "file"],
)
async def test_a_sample_comes_in_many_shapes(house, make):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[make()], footage=JPG, consent=DRAWN)
    assert training.voice[0].file.size == WAV.stat().st_size


async def test_a_sample_by_link_is_fetched(house):
    class Links:
        def fetch(self, url):
            async def chunks():
                yield WAV.read_bytes()

            return chunks()

        async def look(self, url):
            return Link(status=200, media_type="audio/wav")

    async with house.kit(worker=False) as kit:
        kit._recordings._links = Links()
        training = await kit.train(
            **WHO, voice=["https://cdn.example/a/me.wav?sig=1"], footage=JPG, consent=DRAWN
        )
    assert (training.voice[0].name, training.voice[0].file.size) == (
        "me.wav",
        WAV.stat().st_size,
    )


async def test_a_link_to_this_machine_is_refused(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.MediaRejected):
            await kit.train(**WHO, voice=["http://127.0.0.1/me.wav"], footage=JPG, consent=DRAWN)


async def test_stored_samples_are_used_where_none_are_given(house):
    async with house.kit(worker=False) as kit:
        await kit.add_sample(**WHO, voice=WAV)
        await kit.add_sample(**WHO, footage=JPG)
        training = await kit.train(**WHO, consent=DRAWN)
    assert (len(training.voice), training.footage.name) == (1, "portrait.jpg")


async def test_missing_samples_are_said_in_the_words_of_the_brief(house):
    async with house.kit(worker=False) as kit:
        await kit.add_sample(**WHO, voice=WAV)
        with pytest.raises(errors.MediaRejected, match="Missing voice or video samples"):
            await kit.train(**WHO, consent=DRAWN)


async def test_a_sample_has_one_role(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="either"):
            await kit.add_sample(**WHO, voice=WAV, footage=JPG)


@pytest.mark.parametrize("missing", ["user_id", "clone_id"])
async def test_an_empty_name_is_refused(house, missing):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConfigError, match=missing):
            await kit.train(**(WHO | {missing: " "}), voice=[WAV], footage=JPG, consent=DRAWN)


async def test_findings_are_told_without_keeping_anything(house):
    async with house.kit(worker=False) as kit:
        findings = await kit.preflight(voice=[JPG], footage=WAV)
    assert [f.severity for f in findings] == ["error", "error"]
    assert house.files() == []


async def test_options_travel_to_their_provider(house):
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello", options=[FakeVideo(outfit="suit")])
    assert video.options == ({"type": "FakeVideo", "values": {"outfit": "suit"}},)


# -- links ------------------------------------------------------------------------------------

DISTANT = replace(Fake.capabilities, media=frozenset({"url"}))
CLIPS_BY_LINK = replace(Fake.capabilities, by_link=frozenset({AVATAR, Operation.DUB}))
CLIP = DEMO.parent / "fake/video.mp4"


def distant(house, capabilities, **more):
    """A fake with other abilities, and a kit of it."""
    fake = Fake(vendor=house.vendor)
    fake.capabilities = capabilities
    return house.kit(providers={"fake": fake}, **more)


@pytest.mark.parametrize(
    ("capabilities", "footage"), [(DISTANT, JPG), (CLIPS_BY_LINK, CLIP)], ids=["all", "clips"]
)
async def test_what_comes_by_link_only_needs_a_store_with_links(house, capabilities, footage):
    async with distant(house, capabilities, worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="AVATARKIT_PUBLIC_URL"):
            await kit.train(**WHO, voice=[WAV], footage=footage, consent=DRAWN)
    assert (house.vendor.accepted, house.files()) == ({}, [])


async def test_stored_samples_need_a_store_with_links_as_well(house):
    async with distant(house, CLIPS_BY_LINK, worker=False) as kit:
        await kit.add_sample(**WHO, footage=CLIP)
        with pytest.raises(errors.ConfigError, match="link"):
            await kit.train(**WHO, voice=[WAV], consent=DRAWN)


async def test_what_can_be_uploaded_needs_no_links(house):
    async with distant(house, CLIPS_BY_LINK) as kit:
        assert (await trained(kit)).status is Status.COMPLETED


@pytest.mark.parametrize("answer", ["link", "not found"])
async def test_a_store_with_links_is_enough(house, tmp_path, answer):
    class Signing(FolderStore):
        async def url(self, key, seconds):
            if answer == "not found" and await self.stat(key) is None:
                raise errors.NotFound("no such file")
            return f"https://store.example/{key}?s=1"

    async with distant(house, DISTANT, media=Signing(tmp_path / "signing")) as kit:
        training = await trained(kit)
        assert training.status is Status.COMPLETED
        assert await kit.speak(training.id, audio=WAV)


async def test_audio_for_a_video_needs_a_store_with_links(house):
    async with house.kit() as kit:
        training = await trained(kit)
    async with distant(house, DISTANT, worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="link"):
            await kit.speak(training.id, audio=WAV, wait=False)
        assert await kit.speak(training.id, "Hello!", wait=False)  # nothing is given to anybody


async def test_speech_for_a_video_needs_a_store_with_links(house):
    providers = {"fake": Fake(vendor=house.vendor), "voices": Voices(house.fake)}
    async with house.kit("voices+fake", providers=providers) as kit:
        training = await trained(kit)
        providers["fake"].capabilities = DISTANT
        with pytest.raises(errors.ConfigError, match="link"):
            await kit.speak(training.id, "Hello!", wait=False)
    assert not [token for token in house.vendor.accepted if token.endswith("speech")]


async def test_a_clip_to_dub_needs_a_store_with_links(house):
    async with distant(house, CLIPS_BY_LINK, worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="link"):
            await kit.dub(CLIP, "pt", **WHO, consent=DRAWN, wait=False)
    assert house.files() == []


# -- consent that is evident ------------------------------------------------------------------

EVIDENCE = ConsentRule(demands="evidence", text="a signed form", since="2026-01-01")


class Strict(Fake):
    """Demands evidence."""

    consent_rules = (EVIDENCE,)


async def test_a_provider_that_demands_evidence_gets_none_without(house):
    async with house.kit(providers={"fake": Strict(vendor=house.vendor)}) as kit:
        with pytest.raises(errors.ConsentRequired, match="a signed form"):
            await kit.train(**WHO, voice=[WAV], footage=JPG, consent=Consent(subject="Ana"))
    assert (house.vendor.accepted, house.files()) == ({}, [])


async def test_a_demand_that_came_later_holds_for_videos_as_well(house):
    async with house.kit() as kit:
        training = await trained(kit, consent=Consent(subject="Ana"))
    made = dict(house.vendor.accepted)
    async with house.kit(providers={"fake": Strict(vendor=house.vendor)}) as kit:
        with pytest.raises(errors.ConsentRequired, match="a signed form"):
            await kit.speak(training.id, "Hello!", wait=False)
    assert house.vendor.accepted == made


# -- scripts that a provider cannot speak -----------------------------------------------------


class Monoglot(Fake):
    """Speaks what the local provider speaks."""

    def check_script(self, text, language):
        check_text(text, language)


@pytest.mark.parametrize("script", ["Привет, мир!", "Das ist nicht mein Haus.", "你好，世界"])  # noqa: RUF001
async def test_a_script_that_cannot_be_spoken_is_refused_at_once(house, script):
    async with house.kit(providers={"fake": Monoglot(vendor=house.vendor)}) as kit:
        training = await trained(kit)
        made = dict(house.vendor.accepted)
        with pytest.raises(errors.Unsupported, match="speaks: en"):
            await kit.speak(training.id, script, wait=False)
        assert await kit.videos(training_id=training.id) == []
    assert house.vendor.accepted == made


# -- stacks -----------------------------------------------------------------------------------


class Voices(VoiceCloner, SpeechSynthesizer):
    """The voice half of the fake."""

    name = "voices"
    api_version, option_types, limits, consent_rules = "1", (), (), ()

    def __init__(self, fake):
        self.fake, self.capabilities, self.account = fake, fake.capabilities, "v"
        for method in ("clone_voice", "get_voice", "find_voice", "delete_voice", "synthesize"):
            setattr(self, method, getattr(fake, method))

    async def clone_voice(self, request): ...
    async def get_voice(self, voice_id): ...
    async def find_voice(self, token): ...
    async def delete_voice(self, voice_id): ...
    async def synthesize(self, request): ...
    async def aclose(self): ...
    def events(self, delivery): ...


class Words(Options):
    """An avatar that is drawn by words."""

    words: str

    @property
    def without_footage(self):
        return True


class Drawing(Fake):
    """Draws avatars by words, and notes what it is given."""

    option_types = (*Fake.option_types, Words)
    asked = None

    async def train_avatar(self, request):
        type(self).asked = request
        portrait = Media(
            name="a.png", media_type="image/png", size=1, sha256="0" * 64, open=lambda: once(b"a")
        )
        return await super().train_avatar(
            request.model_copy(update={"footage": request.footage or portrait})
        )


async def once(chunk):
    yield chunk


async def test_an_avatar_may_be_drawn_by_words_alone(house):
    drawing = Drawing(vendor=house.vendor)
    async with house.kit(providers={"fake": drawing}) as kit:
        await kit.add_sample(**WHO, footage=JPG)  # not asked for, so not used
        training = await trained(kit, footage=None, options=(Words(words="a librarian"),))
    assert (training.status, training.footage) == (Status.COMPLETED, None)
    assert (drawing.asked.footage, drawing.asked.options) == (None, (Words(words="a librarian"),))


async def test_footage_that_is_given_is_used_beside_words(house):
    drawing = Drawing(vendor=house.vendor)
    async with house.kit(providers={"fake": drawing}) as kit:
        await trained(kit, options=(Words(words="a librarian"),))
    assert drawing.asked.footage.name == "portrait.jpg"


async def test_words_for_another_provider_stand_for_no_footage(house):
    async with house.kit() as kit:
        with pytest.raises(errors.MediaRejected, match="Missing voice or video samples"):
            await trained(kit, footage=None, options=(Words(words="a librarian"),))
    assert house.vendor.accepted == {}


async def test_a_trainer_is_told_who_consented(house):
    drawing = Drawing(vendor=house.vendor)
    async with house.kit(providers={"fake": drawing}) as kit:
        await trained(kit, consent=Consent(subject="Ana Lima"))
    assert drawing.asked.subject == "Ana Lima"
    assert "Ana" not in repr(drawing.asked)


class Forgetful(Fake):
    """Forgets what an avatar was trained of."""

    capabilities = replace(Fake.capabilities, footage_with_video=True)
    asked = None

    async def generate_video(self, request):
        type(self).asked = request
        return await super().generate_video(request)


@pytest.mark.parametrize("kind", [Forgetful, Fake])
async def test_footage_comes_with_a_video_where_the_provider_needs_it(house, kind):
    fake = kind(vendor=house.vendor)
    fake.capabilities = kind.capabilities
    seen = []
    make = fake.generate_video
    fake.generate_video = lambda request: (seen.append(request.footage), make(request))[1]
    async with house.kit(providers={"fake": fake}) as kit:
        training = await trained(kit)
        await kit.speak(training.id, "Hello!")
    assert [f and f.name for f in seen] == ["portrait.jpg" if kind is Forgetful else None]


async def test_an_adopted_avatar_has_no_footage_to_give(house):
    fake = Forgetful(vendor=house.vendor)
    fake.capabilities = Forgetful.capabilities
    async with house.kit(providers={"fake": fake}) as kit:
        training = await trained(kit)
        adopted = await kit.adopt(
            **WHO, avatar_id=training.avatar_id, voice_id=training.voice_id, consent=DRAWN
        )
        await kit.speak(adopted.id, "Hello!")
    assert fake.asked.footage is None


async def test_two_providers_share_the_work(house):
    providers = {"fake": house.fake, "voices": Voices(house.fake)}
    async with house.kit("voices+fake", providers=providers) as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello")
    assert [(o.operation, o.provider) for o in training.operations] == [
        (VOICE, "voices"),
        (AVATAR, "fake"),
    ]
    assert [(o.operation, o.provider) for o in video.operations] == [
        (SPEECH, "voices"),
        (VIDEO, "fake"),
    ]


async def test_a_stack_without_an_avatar_does_not_speak_in_pictures(house):
    providers = {"voices": Voices(house.fake)}
    async with house.kit("voices", providers=providers) as kit:
        training = await trained(kit, footage=None)
        with pytest.raises(errors.Unsupported, match="no avatar"):
            await kit.speak(training.id, "Hello")


async def test_an_unknown_provider_is_said(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="nobody"):
            await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN, stack="nobody")


# -- speaking ---------------------------------------------------------------------------------


async def test_a_video_is_saved(house, tmp_path):
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello")
        path = await kit.save(video, tmp_path / "hello.mp4")
    assert path.read_bytes()[4:8] == b"ftyp"


async def test_one_provider_with_both_speaks_by_script(house):
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello")
    assert [o.operation for o in video.operations] == [VIDEO]


async def test_recorded_audio_drives_the_video(house):
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, audio=WAV)
    assert (video.status, video.script, video.audio.name) == (
        Status.COMPLETED,
        None,
        "voice.wav",
    )


async def test_without_waiting_the_record_comes_back_at_once(house):
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello", wait=False)
        assert video.status is Status.PENDING
        assert (await final(kit, video.id)).status is Status.COMPLETED


async def test_the_same_key_gives_the_same_video(house):
    async with house.kit() as kit:
        training = await trained(kit)
        one = await kit.speak(training.id, "Hello", idempotency_key="k")
        two = await kit.speak(training.id, "Hello", idempotency_key="k")
    assert one.id == two.id


async def test_a_failed_video_raises_what_it_failed_with(house):
    house.vendor.fail_next(VIDEO, Fault.MODERATION)
    async with house.kit() as kit:
        training = await trained(kit)
        with pytest.raises(errors.ModerationRefused):
            await kit.speak(training.id, "Hello")


async def test_a_video_that_needs_a_person_comes_back_as_it_is(house):
    house.vendor.fail_next(VIDEO, Fault.QUOTA)
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello")
    assert (video.status, video.action.kind) == (Status.ACTION_REQUIRED, "retry")


async def test_only_a_completed_training_speaks(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        with pytest.raises(errors.IllegalTransition, match="pending"):
            await kit.speak(training.id, "Hello")


@pytest.mark.parametrize("script", ["", "a" * 100_000])
async def test_a_script_that_cannot_be_said_is_refused(house, script):
    async with house.kit() as kit:
        training = await trained(kit)
        with pytest.raises(errors.MediaRejected):
            await kit.speak(training.id, script)


@pytest.mark.parametrize("given", [{}, {"script": "a", "audio": WAV}])
async def test_a_video_is_driven_by_one_thing(house, given):
    async with house.kit() as kit:
        training = await trained(kit)
        with pytest.raises(errors.ConfigError, match="either"):
            await kit.speak(training.id, **given)


async def test_a_video_does_not_speak(house):
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello")
        with pytest.raises(errors.NotFound, match="is a video"):
            await kit.speak(video.id, "Hello")


async def test_a_language_that_is_not_spoken_is_refused_with_the_list(house):
    import dataclasses

    house.fake.capabilities = dataclasses.replace(house.fake.capabilities, languages=("en", "de"))
    async with house.kit() as kit:
        training = await trained(kit)
        with pytest.raises(errors.Unsupported, match="it speaks: en, de"):
            await kit.speak(training.id, "Bonjour", language="fr-FR")


async def test_a_dubbed_video_is_completed(house):
    clip = Path(__file__).parent.parent / "src/avatarkit/data/fake"
    source = next(clip.glob("*.mp4"))
    async with house.kit() as kit:
        video = await kit.dub(source, "de", **WHO, consent=DRAWN, idempotency_key="k")
        again = await kit.dub(source, "de", **WHO, consent=DRAWN, idempotency_key="k")
    assert (video.status, again.id) == (Status.COMPLETED, video.id)


SRT = b"1\n00:00:00,000 --> 00:00:01,000\nHallo.\n\n"


async def test_a_video_is_dubbed_into_two_languages_each_by_itself(house):
    async with house.kit() as kit:
        asked = {**WHO, "consent": DRAWN, "idempotency_key": "k", "max_cost": USD("9.00")}
        asked["subtitles"] = {"es": SRT}
        videos = await kit.dub_into(CLIP, ["de", "es"], **asked)
        again = await kit.dub_into(CLIP, ["es", "de", "fr"], **asked)
    assert [(v.language, v.status) for v in videos] == [
        ("de", Status.COMPLETED),
        ("es", Status.COMPLETED),
    ]
    assert [v.id for v in again[:2]] == [videos[1].id, videos[0].id]
    assert [v.subtitles.translation for v in videos] == [None, SRT.decode()]
    assert len({v.source.id for v in videos}) == 1
    made = [job.token for job in house.vendor.jobs if job.operation is Operation.DUB]
    assert sorted(made) == sorted(video.token(Operation.DUB) for video in again)


async def test_a_language_in_another_spelling_is_not_paid_again(house):
    asked = {**WHO, "consent": DRAWN, "idempotency_key": "k", "wait": False}
    async with house.kit(worker=False) as kit:
        (first,) = await kit.dub_into(CLIP, ["pt-BR"], **asked)
        for other in ("pt-br", "PT_BR"):
            with pytest.raises(errors.Conflict, match="another language"):
                await kit.dub_into(CLIP, [other], **asked)
        assert [video.id for video in await kit.videos(user_id="ana")] == [first.id]


async def test_an_open_video_is_dubbed_into_the_languages_that_are_missing(house):
    asked = {**WHO, "consent": DRAWN, "idempotency_key": "k", "wait": False}
    async with house.kit(worker=False) as kit:
        with CLIP.open("rb") as video:
            first = await kit.dub_into(video, ["de"], **asked)
            both = await kit.dub_into(video, ["de", "es"], **asked)
    assert both[0].id == first[0].id
    assert both[1].source.file.sha256 == first[0].source.file.sha256


@pytest.mark.parametrize("own", [{"subtitles": {"de": SRT}}, {"source_subtitles": SRT}])
@pytest.mark.parametrize("first", [True, False], ids=["left out", "added"])
async def test_a_repeated_dub_has_the_subtitles_of_the_first(house, own, first):
    asked = {**WHO, "consent": DRAWN, "idempotency_key": "k", "wait": False}
    async with house.kit(worker=False) as kit:
        await kit.dub_into(CLIP, ["de"], **asked, **(own if first else {}))
        with pytest.raises(errors.Conflict, match="another subtitles"):
            await kit.dub_into(CLIP, ["de", "es"], **asked, **({} if first else own))
        assert len(await kit.videos(user_id="ana")) == 1


async def test_what_all_languages_may_cost_is_shared(house, monkeypatch):
    placed = []

    async def dub(self, orders, *parts, **more):
        del self, parts, more
        placed.extend(orders)
        return []

    monkeypatch.setattr(Intake, "dub", dub)
    async with house.kit(worker=False) as kit:
        most = {"max_cost": USD("3.00"), "wait": False}
        await kit.dub_into(CLIP, ["de", "es", "fr"], **WHO, consent=DRAWN, **most)
    assert [str(order.max_cost) for order in placed] == ["1.00 USD"] * 3


async def test_a_failed_dub_is_told_once_all_have_ended(house):
    house.vendor.fail_next(Operation.DUB, Fault.REFUSED)
    async with house.kit() as kit:
        with pytest.raises(errors.Refused):
            await kit.dub_into(CLIP, ["de", "es"], **WHO, consent=DRAWN)
        states = [video.status for video in await kit.videos(user_id="ana")]
    assert sorted(states) == [Status.COMPLETED, Status.FAILED]


@pytest.mark.parametrize(
    ("languages", "more", "said"),
    [
        ("de", {}, r"give \['de'\]"),
        ([], {}, "at least one language"),
        (["de", "DE"], {}, "each once"),
        (["pt-BR", "pt_BR"], {}, "each once"),
        (["de"], {"subtitles": {"es": SRT}}, "not among: de"),
        (["de"], {"subtitles": SRT}, "an SRT file by language"),
        (["de"], {"source_subtitles": b"{}"}, "no SubRip file"),
        (["de"], {"source_subtitles": SRT.replace(b"00,0", b"09,0")}, "at 00:00:09,000"),
        (["de"], {"source_subtitles": b"\xff"}, "no UTF-8"),
        (["de"], {"source_subtitles": SRT * 20_000}, "more than 500,000 bytes"),
        (["de"], {"source_subtitles": "nowhere.srt"}, "cannot be read"),
        (["de"], {"source_subtitles": 7}, "the path of an SRT file"),
    ],
)
async def test_wrong_languages_and_subtitles_are_refused_before_anything_is_kept(
    house, languages, more, said
):
    async with house.kit() as kit:
        with pytest.raises(errors.AvatarKitError, match=said):
            await kit.dub_into(CLIP, languages, **WHO, consent=DRAWN, **more)
        assert await kit.videos(user_id="ana") == []
    assert house.files() == []


async def test_subtitles_that_a_provider_cannot_be_given_are_refused_before_anything_is_kept(house):
    capabilities = replace(house.fake.capabilities, dub_subtitles=())
    house.fake.capabilities = capabilities
    async with house.kit() as kit:
        with pytest.raises(errors.Unsupported, match="subtitles of translation for a dub"):
            await kit.dub(CLIP, "de", **WHO, consent=DRAWN, subtitles=SRT)
    assert house.files() == []


async def test_a_dub_of_sound_alone_needs_pyav_before_anything_is_kept(house, monkeypatch):
    house.fake.capabilities = replace(house.fake.capabilities, dubs_sound=True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConfigError, match=r"avatarkit-sdk\[media\]"):
            await kit.dub(CLIP, "de", **WHO, consent=DRAWN, wait=False)
    assert house.files() == []


async def test_own_subtitles_reach_the_provider_as_files(house, tmp_path, monkeypatch):
    path = tmp_path / "own.srt"
    path.write_bytes(b"\xef\xbb\xbf" + SRT)
    seen = []
    dub = house.fake.dub_video

    async def watched(request):
        seen.append(request)
        return await dub(request)

    monkeypatch.setattr(house.fake, "dub_video", watched)
    async with house.kit() as kit:
        more = {"subtitles": path, "source_subtitles": SRT}
        video = await kit.dub(CLIP, "de", **WHO, consent=DRAWN, **more)
        await kit.delete(video.id)
        kept = await house.repository.get(video.id)
    [request] = seen
    files = request.subtitles
    assert set(files) == {"translation", "source"}
    assert b"".join([chunk async for chunk in files["translation"].open()]) == SRT
    assert files["source"].size == len(SRT)
    assert kept is None or kept.subtitles.given == {}


async def test_an_avatar_that_exists_is_adopted(house):
    async with house.kit() as kit:
        old = await trained(kit)
        adopted = await kit.adopt(
            user_id="ana",
            clone_id="ana-2",
            avatar_id=old.avatar_id,
            voice_id=old.voice_id,
            consent=DRAWN,
        )
        video = await kit.speak(adopted.id, "Hello")
    assert (adopted.status, video.status) == (Status.COMPLETED, Status.COMPLETED)


async def test_what_was_adopted_is_not_deleted_at_the_vendor(house):
    async with house.kit() as kit:
        old = await trained(kit)
        adopted = await kit.adopt(**WHO, avatar_id=old.avatar_id, consent=DRAWN)
        await kit.delete(adopted.id)
        while await kit.admin.tick():
            pass
        assert (await house.fake.get_avatar(old.avatar_id)).state is JobState.SUCCEEDED


async def test_a_stack_without_videos_has_nothing_to_adopt(house):
    providers = {"voices": Voices(house.fake)}
    async with house.kit("voices", providers=providers, worker=False) as kit:
        with pytest.raises(errors.Unsupported, match="makes no videos"):
            await kit.adopt(**WHO, avatar_id="a", consent=DRAWN)


async def test_a_stack_without_dubbing_does_not_dub(house):
    providers = {"voices": Voices(house.fake)}
    async with house.kit("voices", providers=providers, worker=False) as kit:
        with pytest.raises(errors.Unsupported, match="does not dub"):
            await kit.dub(WAV, "de", **WHO, consent=DRAWN)


# -- looking and steering ---------------------------------------------------------------------


async def test_watch_shows_each_change_once(house):
    async with house.kit() as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        seen = [(u.status, u.progress, u.action) async for u in kit.watch(training.id)]
    assert len(seen) == len(set(seen))
    assert seen[-1][0] is Status.COMPLETED


async def test_progress_never_falls_for_who_watches(house):
    async with house.kit() as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        progress = [u.progress async for u in kit.watch(training.id)]
    assert progress == sorted(progress)


@pytest.mark.parametrize("ask", ["get", "cancel", "delete"])
async def test_an_unknown_id_is_not_found(house, ask):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.NotFound, match="no training or video 'nobody'"):
            await getattr(kit, ask)("nobody")


async def test_lists_are_newest_first_and_by_user(house):
    async with house.kit(worker=False) as kit:
        for number in range(3):
            await kit.train(
                user_id="ana", clone_id=f"c{number}", voice=[WAV], footage=JPG, consent=DRAWN
            )
            house.clock.advance(1)
        await kit.train(user_id="bob", clone_id="b", voice=[WAV], footage=JPG, consent=DRAWN)
        assert [t.clone_id for t in await kit.trainings(user_id="ana")] == ["c2", "c1", "c0"]


async def test_videos_are_listed_by_training(house):
    async with house.kit() as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello")
        assert [v.id for v in await kit.videos(training_id=training.id)] == [video.id]


async def test_cancel_deletes_at_the_vendor(house):
    async with house.kit() as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        async for update in kit.watch(training.id):
            if update.status is Status.TRAINING:
                break
        await kit.cancel(training.id)
        async for update in kit.watch(training.id):
            last = update
        await house.clock.sleep(60)
        left = (await kit.get(training.id)).operation(VOICE)
    assert (last.status, bool(left.cleanup.removed)) == (Status.CANCELLED, True)


async def test_a_deleted_training_is_hidden_at_once(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        await kit.delete(training.id)
        with pytest.raises(errors.NotFound):
            await kit.get(training.id)
        assert await kit.trainings() == []


async def test_saving_what_is_not_there_says_so(house, tmp_path):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        with pytest.raises(errors.NotFound, match="has no video"):
            await kit.save(training.id, tmp_path / "x.mp4")


async def test_saving_where_nothing_can_be_written_leaves_nothing(house, tmp_path):
    async with house.kit() as kit:
        training = await trained(kit)
        with pytest.raises(errors.StorageError, match="cannot be written"):
            await kit.save(training, tmp_path / "no" / "x.png", file="thumbnail")


async def test_a_question_is_answered(house):
    house.vendor.fail_next(VOICE, Fault.QUOTA)
    async with house.kit() as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        async for update in kit.watch(training.id):
            if update.action:
                await kit.resolve(training.id, "retry")
            last = update
    assert last.status is Status.COMPLETED


async def test_a_restored_database_looks_before_it_sends(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        assert await kit.admin.restored() == 1
        restored = await kit.get(training.id)
    assert [o.phase for o in restored.operations] == [Phase.INTENT, Phase.INTENT]


async def test_a_signed_delivery_is_applied(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        await kit.admin.tick()
        house.clock.advance(3600)
        for delivery in house.vendor.deliveries():
            await kit.webhooks.receive("fake", delivery)
        record = await kit.get(training.id)
    assert record.operation(VOICE).job.state is JobState.SUCCEEDED


# -- wiring -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"repository": "mysql://x"}, "unknown repository mysql://: use sqlite"),
        ({"media": "ftp://x"}, "unknown media store ftp://: use a folder"),
    ],
)
def test_an_unknown_address_is_rejected(given, text):
    with pytest.raises(errors.ConfigError, match=text):
        AvatarKit("fake", settings=Settings(), **given)


async def test_everything_lives_under_one_folder_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with AvatarKit("fake") as kit:
        training = await trained(kit)
        assert training.status is Status.COMPLETED
    assert [p.name for p in tmp_path.iterdir()] == [".avatarkit"]


async def test_a_provider_that_was_given_is_not_closed(house):
    closed = []
    house.fake.aclose = lambda: closed.append(1)
    async with house.kit() as kit:
        await trained(kit)
    assert closed == []


def test_every_role_has_its_methods():
    for operation, role in ROLES.items():
        methods = [role.submit, role.get, role.find, role.delete]
        for method in methods[:1] if operation == "speech" else methods:
            assert callable(method(role.protocol))


def test_the_video_role_is_what_speak_needs():
    assert issubclass(Fake, VideoGenerator)


# -- what is left -----------------------------------------------------------------------------


class Purse(Fake):
    """A provider that says what its account can still spend."""

    async def balance(self):
        return Balance(3.0, "usd")


class Shut(Fake):
    """One whose key may not see it."""

    async def balance(self):
        raise errors.AuthError("the key may not", provider="shut")


async def test_balances_are_told_by_those_who_can(house):
    kinds = {"purse": Purse, "shut": Shut, "fake": Fake}
    fakes = {name: kind(vendor=house.vendor) for name, kind in kinds.items()}
    async with house.kit([*fakes, "heygen"], providers=fakes, worker=False) as kit:
        told = await kit.prices.balances()
    said = {name: type(balance).__name__ for name, balance in told.items()}
    assert (told["purse"], said) == (
        Balance(3.0, "usd"),
        {
            "purse": "Balance",
            "shut": "AuthError",
            "fake": "Unsupported",
            "heygen": "ConfigError",
        },
    )


async def test_a_vendor_that_tells_no_balance_says_so_and_what_is_free_is_left_out(house):
    async with house.kit(["synthesia", "tavus", "resemble+local"], worker=False) as kit:
        told = await kit.prices.balances()
    assert {name: type(one) for name, one in told.items()} == dict.fromkeys(
        ("synthesia", "tavus", "resemble"), errors.Unsupported
    )
    assert "synthesia has no documented call that tells the balance" in str(told["synthesia"])
