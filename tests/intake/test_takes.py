"""Each recording of an order is one that its provider takes, or becomes one, before it is paid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, Operation, errors
from avatarkit.config.settings import Settings
from avatarkit.content import conversion
from avatarkit.interfaces import Limit, accepted
from avatarkit.media.folder import FolderStore
from avatarkit.providers.fake import Fake, FakeVendor, spoken
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.stacks.registry import usable
from avatarkit.testing import FakeClock
from content.test_conversion import INPUTS, clip

pytestmark = pytest.mark.anyio
DRAWN = Consent.not_a_real_person("a drawing")
WHO = {"user_id": "ana", "clone_id": "a", "consent": DRAWN}
TAKES = {
    "voice_format": ("audio/mpeg", "audio/wav"),
    "footage_format": ("video/mp4", "video/webm"),
    "picture_format": ("image/jpeg", "image/png"),
    "dub_format": ("video/mp4",),
}


class Picky(Fake):
    """Takes what HeyGen takes, and notes the types of what it is given."""

    limits = tuple(Limit(what=what, takes=takes) for what, takes in TAKES.items())

    def __init__(self, vendor):
        can = replace(Fake.capabilities, audio_formats=("audio/mpeg",))
        super().__init__(vendor=vendor, capabilities=can)
        self.given = []

    async def _submit(self, operation, request, *media, seconds=1.0):
        self.given += [(one.media_type, Path(one.name).suffix) for one in media]
        return await super()._submit(operation, request, *media, seconds=seconds)


@pytest.fixture
def picky():
    return Picky(FakeVendor(clock=FakeClock()))


@pytest.fixture
def kit(picky, tmp_path):
    clock = picky.vendor.clock
    return AvatarKit(
        "fake",
        repository=MemoryRepository(clock=clock),
        media=FolderStore(tmp_path / "media"),
        providers={"fake": picky},
        clock=clock,
        settings=Settings(),
    )


async def ended(kit, record):
    async for update in kit.watch(record):
        record = update
    return record


@pytest.fixture
def voice(tmp_path):
    path = tmp_path / "me.wav"
    path.write_bytes(spoken("Hello, this is my voice, and it is a long one."))
    return path


async def store(kit, voice, footage):
    """Add both recordings to the clone."""
    async with kit:
        await kit.add_sample(user_id="ana", clone_id="a", voice=voice)
        await kit.add_sample(user_id="ana", clone_id="a", footage=footage)


def memo(voice, suffix):
    """The recording as a voice memo of this type."""
    import av

    path = voice.with_suffix(suffix)
    codec = {".m4a": "aac", ".flac": "flac", ".ogg": "libopus"}[suffix]
    with av.open(str(voice)) as given, av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=48_000, layout="mono")
        stream.open()
        size = stream.frame_size or 1024
        resampler = av.AudioResampler(stream.format.name, "mono", 48_000, frame_size=size)
        for frame in given.decode(audio=0):
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".m4a", ".flac", ".ogg"])
@pytest.mark.parametrize("stored", [False, True], ids=["given", "stored"])
async def test_one_memo_and_one_film_become_what_the_vendor_takes(
    kit, picky, voice, tmp_path, suffix, stored
):
    recordings = {"voice": memo(voice, suffix), "footage": clip(tmp_path / "me.mov")}
    async with kit:
        if stored:
            who = {"user_id": "ana", "clone_id": "a"}
            await kit.add_sample(**who, voice=recordings["voice"])
            await kit.add_sample(**who, footage=recordings["footage"])
        training = await kit.train(**WHO, **({} if stored else recordings))
        assert (await ended(kit, training)).status == "completed"
    assert picky.given == [("audio/mpeg", ".mp3"), ("video/mp4", ".mp4")]


async def test_a_portrait_of_an_iphone_becomes_a_jpeg(kit, picky, voice):
    async with kit:
        training = await kit.train(**WHO, voice=[voice], footage=INPUTS / "p_iphone.heic")
        assert (await ended(kit, training)).status == "completed"
    assert picky.given == [("audio/wav", ".wav"), ("image/jpeg", ".jpg")]


async def test_a_film_that_cannot_become_one_is_refused_before_the_voice_is_paid(
    kit, picky, voice, tmp_path
):
    film = clip(tmp_path / "me.mov", "prores_ks")
    async with kit:
        with pytest.raises(errors.MediaRejected, match="video/quicktime as its format"):
            await kit.train(**WHO, voice=[voice], footage=film)
        assert await kit.trainings() == []
        found = await kit.preflight(footage=clip(tmp_path / "mine.mov"))
    assert "footage_format" not in {finding.code for finding in found}
    assert picky.vendor.jobs == ()


@pytest.mark.parametrize("codec", ["prores_ks", "mpeg2video"])
async def test_a_stored_film_that_cannot_become_one_is_refused_before_the_voice_is_paid(
    kit, picky, voice, tmp_path, codec
):
    await store(kit, voice, clip(tmp_path / "me.mov", codec))
    async with kit:
        with pytest.raises(errors.MediaRejected, match="video/quicktime as its format"):
            await kit.train(**WHO)
        assert await kit.trainings() == []
    assert picky.vendor.jobs == ()


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        (Limit(what="voice_seconds", minimum=60), "seconds of voice, and fake takes at least 60"),
        (Limit(what="voice_bytes", maximum=100), "bytes of voice"),
        (Limit(what="footage_bytes", maximum=100), "bytes of footage"),
        (Limit(what="footage_seconds", minimum=30), "seconds of footage"),
    ],
    ids=lambda value: getattr(value, "what", ""),
)
async def test_a_stored_sample_keeps_the_limits_of_every_operation_as_a_given_one_does(
    kit, picky, voice, tmp_path, monkeypatch, limit, says
):
    await store(kit, voice, clip(tmp_path / "me.mov"))
    monkeypatch.setattr(Picky, "limits", (*Picky.limits, limit))
    async with kit:
        with pytest.raises(errors.MediaRejected, match=says):
            await kit.train(**WHO)
    assert picky.vendor.jobs == ()


async def test_without_the_packages_that_convert_it_is_refused_as_well(
    kit, picky, voice, tmp_path, monkeypatch
):
    monkeypatch.setattr(conversion, "_installed", lambda package: package == "PIL")
    async with kit:
        with pytest.raises(errors.MediaRejected, match="video/quicktime as its format"):
            await kit.train(**WHO, voice=[voice], footage=clip(tmp_path / "me.mov"))
    assert picky.vendor.jobs == ()


async def test_recorded_audio_of_any_type_drives_a_video(kit, picky, voice):
    async with kit:
        training = await kit.adopt(**WHO, avatar_id="stock", voice_id="v1")
        await kit.speak(training, audio=memo(voice, ".m4a"))
    assert picky.given == [("audio/mpeg", ".mp3")]


async def test_audio_that_the_avatar_cannot_be_given_is_refused_before_it_is_paid(
    kit, picky, voice
):
    picky.capabilities = replace(picky.capabilities, audio_formats=("audio/ogg",))
    async with kit:
        training = await kit.adopt(**WHO, avatar_id="stock", voice_id="v1")
        with pytest.raises(errors.Unsupported, match="takes no audio/mp4: give audio/ogg"):
            await kit.speak(training, audio=memo(voice, ".m4a"))
        picky.capabilities = replace(picky.capabilities, drive=frozenset({"audio"}))
        with pytest.raises(errors.Unsupported, match="takes no audio/wav"):
            await kit.speak(training, "Hello.")  # its speech would be paid first
        assert await kit.videos() == []
    assert picky.vendor.jobs == ()


async def test_a_film_is_dubbed_as_what_the_vendor_takes_or_refused(kit, picky, tmp_path):
    async with kit:
        await kit.dub(clip(tmp_path / "me.mov"), "pt", **WHO)
        with pytest.raises(errors.Unsupported, match="video/quicktime with prores"):
            await kit.dub(clip(tmp_path / "old.mov", "prores_ks"), "pt", **WHO)
    assert picky.given == [("video/mp4", ".mp4")]
    assert [job.operation for job in picky.vendor.jobs] == [Operation.DUB]


PHONE = {
    "voice_format": "audio/mp4",
    "footage_format": "video/quicktime",
    "picture_format": "image/heic",
    "dub_format": "video/quicktime",
}


@pytest.mark.parametrize("provider", usable().values(), ids=lambda provider: provider.name)
def test_what_a_phone_records_is_taken_by_every_vendor_or_becomes_what_it_takes(provider):
    for what, kind in PHONE.items():
        takes = accepted(provider.limits, what)
        assert conversion.target(kind, takes, "hevc") is not None, (what, takes)
    formats = provider.capabilities.audio_formats
    assert conversion.target("audio/mp4", formats) is not None


class Telling(Picky):
    """Tells how many characters it takes, and counts how often it was asked."""

    asked = 0
    limits = (Limit(what="script_characters", maximum=1200),)

    async def told_limits(self, options, /):
        self.asked += 1
        return (Limit(what="script_characters", maximum=1500),)


@pytest.mark.parametrize(
    ("length", "asked", "taken"), [(900, 0, True), (1400, 1, True), (1600, 1, False)]
)
async def test_a_long_script_is_held_against_what_the_vendor_says(tmp_path, length, asked, taken):
    telling = Telling(FakeVendor(clock=FakeClock()))
    kit = AvatarKit(
        "fake",
        repository="memory://",
        media=tmp_path / "media",
        providers={"fake": telling},
        clock=telling.vendor.clock,
        settings=Settings(),
    )
    async with kit:
        training = await kit.adopt(**WHO, avatar_id="stock", voice_id="v1")
        if taken:
            await kit.speak(training, "a" * length, wait=False)
        else:
            with pytest.raises(errors.MediaRejected, match="takes at most 1500"):
                await kit.speak(training, "a" * length, wait=False)
    assert telling.asked == asked
