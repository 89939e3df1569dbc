"""Common video settings: one name at every provider, and a refusal before anything is paid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, SyncAvatarKit, VideoSettings, VoiceSettings, errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ALL_SETTINGS, NO_SETTINGS, Mapped
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation, background_kind
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.records import Video
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.providers import EXAMPLES, setting

pytestmark = pytest.mark.anyio
DEMO = Path(__file__).parent.parent / "src/avatarkit/data/demo"
PORTRAIT = VideoSettings(
    aspect="9:16", background="#204060", captions="sidecar", voice=VoiceSettings(speed=1.2)
)


@pytest.fixture
def house(tmp_path):
    """Make a kit whose fake provider maps these settings; beside it, the vendor that it asks."""

    def made(settings=ALL_SETTINGS, kind=AvatarKit, **more):
        clock = FakeClock()
        vendor = FakeVendor(clock=clock)
        fake = Fake(
            vendor=vendor, capabilities=replace(Fake.capabilities, settings=settings, **more)
        )
        kit = kind(
            "fake",
            repository=MemoryRepository(clock=clock),
            media=FolderStore(tmp_path / "media"),
            providers={"fake": fake},
            clock=clock,
            settings=Settings(),
        )
        return kit, vendor

    return made


async def adopted(kit):
    consent = Consent.not_a_real_person("a drawing")
    return await kit.adopt(
        user_id="ana", clone_id="a", avatar_id="stock", voice_id="v1", consent=consent
    )


async def test_settings_reach_the_provider_and_stay_with_the_video(house):
    kit, vendor = house()
    async with kit:
        video = await kit.speak(await adopted(kit), "Hello.", settings=PORTRAIT)
        again = Video.model_validate_json(video.model_dump_json())
    assert vendor.jobs[-1].options == {"settings": PORTRAIT.asked()}
    assert video.settings == again.settings == PORTRAIT


def test_a_video_without_settings_stores_none():
    assert VideoSettings().model_dump() == VoiceSettings().model_dump() == {}


@pytest.mark.parametrize(("name", "values"), EXAMPLES.items(), ids=str)
async def test_a_setting_that_is_not_mapped_is_refused_before_anything_is_paid(house, name, values):
    kit, vendor = house(NO_SETTINGS)
    async with kit:
        training = await adopted(kit)
        for value in values:
            with pytest.raises(errors.Unsupported) as refused:
                await kit.speak(training, "Hello.", settings=setting(name, value))
            assert f"fake cannot set {name}=" in str(refused.value)
            assert await kit.videos() == []
    assert vendor.jobs == ()


async def test_a_refusal_says_what_the_provider_takes_and_who_can(house):
    wide = {Operation.VIDEO: (Mapped(setting="aspect", takes=("16:9",)),)}
    kit, _ = house(wide)
    async with kit:
        training = await adopted(kit)
        with pytest.raises(errors.Unsupported, match="aspect=9:16; it takes 16:9") as told:
            await kit.speak(training, "Hello.", settings=VideoSettings(aspect="9:16"))
        assert "Leave aspect out" in str(told.value)
        await kit.speak(training, "Hello.", settings=VideoSettings(aspect="16:9"))


def test_a_setting_is_written_where_its_row_says():
    row = Mapped(setting="fps", wire={"a.fps": "{}", "a.text": "{:g} fps", "fast": True})
    assert dict(row.placed(25.0)) == {"a.fps": 25.0, "a.text": "25 fps", "fast": True}


async def test_a_link_in_a_refusal_is_not_quoted(house):
    kit, _ = house(NO_SETTINGS)
    async with kit:
        settings = VideoSettings(background="https://files.example/room.jpg?signature=secret")
        with pytest.raises(errors.Unsupported) as told:
            await kit.speak(await adopted(kit), "Hello.", settings=settings)
    assert "secret" not in str(told.value)


async def test_the_voice_is_asked_of_the_provider_that_speaks(house):
    voice = tuple(row for row in ALL_SETTINGS[Operation.SPEECH] if row.setting != "voice.pitch")
    pictures = (Mapped(setting="aspect"),)
    both = {Operation.SPEECH: voice, Operation.VIDEO: pictures}
    kit, vendor = house(both, drive=frozenset({"audio"}))
    async with kit:
        training = await adopted(kit)
        wanted = VideoSettings(aspect="9:16", voice=VoiceSettings(speed=1.2))
        await kit.speak(training, "Hello.", settings=wanted)
        with pytest.raises(errors.Unsupported, match=r"voice\.pitch"):
            settings = VideoSettings(voice=VoiceSettings(pitch=2))
            await kit.speak(training, "Hello.", settings=settings)
    speech, video = vendor.jobs
    assert speech.options == {"settings": {"voice.speed": 1.2}}
    assert video.options == {"settings": {"aspect": "9:16"}}


async def test_recorded_audio_has_no_settings_of_a_voice(house):
    kit, vendor = house()
    async with kit:
        settings = VideoSettings(voice=VoiceSettings(speed=1.2))
        with pytest.raises(errors.Unsupported, match="leave voice out"):
            await kit.speak(await adopted(kit), audio=DEMO / "voice.wav", settings=settings)
    assert vendor.jobs == ()


async def test_the_same_key_with_other_settings_is_a_conflict(house):
    kit, vendor = house()
    async with kit:
        training = await adopted(kit)
        first = await kit.speak(training, "Hello.", settings=PORTRAIT, idempotency_key="k")
        same = await kit.speak(training, "Hello.", settings=PORTRAIT, idempotency_key="k")
        with pytest.raises(errors.Conflict, match="settings"):
            await kit.speak(training, "Hello.", idempotency_key="k")
    assert first.id == same.id
    assert len(vendor.jobs) == 1


def test_settings_work_without_async(house):
    kit, vendor = house(kind=SyncAvatarKit)
    with kit:
        consent = Consent.not_a_real_person("a drawing")
        training = kit.adopt(user_id="ana", clone_id="a", avatar_id="stock", consent=consent)
        kit.speak(training, "Hello.", settings=VideoSettings(fps=25))
    assert vendor.jobs[-1].options == {"settings": {"fps": 25.0}}


@pytest.mark.parametrize(
    "given",
    [
        {"aspect": "2:1"},
        {"background": "blue"},
        {"background": "http://files.example/room.jpg"},
        {"background": "https://files.example/room"},
        {"background": "/etc/passwd.png"},
        {"fps": 0},
        {"resolution": "8k"},
        {"voice": {"speed": 9}},
        {"colour": "#204060"},
    ],
)
def test_a_setting_of_an_impossible_value_is_named(given):
    with pytest.raises(errors.ConfigError, match=next(iter(given))):
        VideoSettings(**given)


@pytest.mark.parametrize(
    ("background", "kind"),
    [
        ("#20406F", "color"),
        ("transparent", "transparent"),
        ("https://files.example/room.PNG?x=1", "image"),
        ("https://files.example/room.webm", "video"),
    ],
)
def test_a_background_tells_its_kind(background, kind):
    assert background_kind(background) == kind


async def test_something_else_as_settings_is_refused(house):
    kit, _ = house()
    async with kit:
        with pytest.raises(errors.ConfigError, match="settings is a value of type dict"):
            await kit.speak(await adopted(kit), "Hello.", settings={"aspect": "9:16"})


async def test_settings_that_exclude_each_other_or_need_another_are_refused(house):
    rows = (
        Mapped(setting="background"),
        Mapped(setting="container", takes=("webm",), excludes=("background=color",)),
        Mapped(setting="caption_style", needs=("captions=burnt-in",)),
        Mapped(setting="captions"),
    )
    kit, vendor = house({Operation.VIDEO: rows})
    async with kit:
        training = await adopted(kit)
        wrong = {
            "beside background=color": {"container": "webm", "background": "#204060"},
            "without captions=burnt-in": {"captions": "sidecar", "caption_style": "bold"},
        }
        for how, given in wrong.items():
            with pytest.raises(errors.Unsupported, match=how):
                await kit.speak(training, "Hello.", settings=VideoSettings(**given))
        assert vendor.jobs == ()
        good = VideoSettings(container="webm", background="transparent")
        await kit.speak(training, "Hello.", settings=good)


@pytest.mark.parametrize("by", ["another voice", "audio"])
async def test_a_setting_that_needs_the_words_is_refused_before_speech_is_paid(house, by):
    wordy = Mapped(setting="captions", takes=("sidecar",), by_script=True)
    drive = frozenset({"audio"}) if by == "another voice" else Fake.capabilities.drive
    kit, vendor = house({Operation.VIDEO: (wordy,)}, drive=drive)
    said = {"script": "Hi!"} if by == "another voice" else {"audio": DEMO / "voice.wav"}
    async with kit:
        training = await adopted(kit)
        with pytest.raises(errors.Unsupported, match="does not know the words"):
            await kit.speak(training.id, **said, settings=VideoSettings(captions="sidecar"))
    assert not vendor.accepted
