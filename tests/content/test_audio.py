"""Joining and converting recordings, and where requests need it."""

from __future__ import annotations

import wave
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import av
import numpy as np
import pytest

from avatarkit.content import audio
from avatarkit.errors import MediaRejected
from avatarkit.lifecycle.vendor_requests import Requests
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake
from avatarkit.records import Sample
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.media import stream
from avatarkit.testing.repositories import a_training, a_video

DEMO = Path(str(files("avatarkit") / "data" / "demo"))


def tone(path, seconds, rate=8000, channels=1):
    """A file that holds a tone of 440 Hz."""
    times = np.arange(int(seconds * rate)) / rate
    sound = (np.sin(2 * np.pi * 440 * times) * 20_000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(sound, channels).tobytes())
    return path


def heard(path):
    """Seconds, and the loudness of each tenth of a second."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", 8000)
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
    sound = np.concatenate([f.to_ndarray()[0] for f in frames])
    tenths = sound[: sound.size // 800 * 800].reshape(-1, 800)
    return sound.size / 8000, np.sqrt((tenths**2).mean(axis=1))


@pytest.mark.parametrize("media_type", audio.CODECS)
def test_two_recordings_follow_one_another_after_a_pause(tmp_path, media_type):
    sources = [tone(tmp_path / "a.wav", 1.0), tone(tmp_path / "b.wav", 2.0, 48_000, channels=2)]
    target = tmp_path / f"joined{audio.CODECS[media_type][0]}"
    audio.write(sources, target, media_type)
    seconds, loud = heard(target)
    assert seconds == pytest.approx(3.5, abs=0.15)
    assert (loud[5] > 0.1, loud[12] < 0.02, loud[25] > 0.1) == (True, True, True)


def test_a_clip_without_sound_is_named(tmp_path):
    source = tmp_path / "mute.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(MediaRejected, match=r"mute\.mp4 has no sound"):
        audio.write([source], tmp_path / "out.wav", "audio/wav")


@pytest.mark.parametrize("media_type", audio.CODECS)
def test_no_sample_is_lost_at_the_end(tmp_path, media_type):
    target = tmp_path / f"said{audio.CODECS[media_type][0]}"
    audio.write([tone(tmp_path / "a.wav", 1.0)], target, media_type)
    with av.open(str(target)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) >= 44_100


@pytest.mark.parametrize(
    ("content", "says"), [(b"RIFF nothing", "cannot be decoded"), (None, "has no sound")]
)
def test_what_has_no_sound_is_named(tmp_path, content, says):
    source = DEMO / "portrait.jpg"
    if content is not None:
        source = tmp_path / "broken.wav"
        source.write_bytes(content)
    with pytest.raises(MediaRejected, match=f"{source.name} {says}"):
        audio.write([source], tmp_path / "out.wav", "audio/wav")


def picky():
    """A vendor that takes one recording of a voice, and MP3 alone."""
    vendor = Fake()
    vendor.capabilities = replace(
        vendor.capabilities, one_voice_file=True, audio_formats=("audio/ogg", "audio/mpeg")
    )
    return vendor


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "media")


def requests_of(store):
    return Requests(store, MemoryRepository(clock=FakeClock()))


async def kept(store, path, key):
    return await store.put(key, stream(path.read_bytes()), "audio/wav")


async def a_clones_training(store, tmp_path):
    voice = []
    for name in ("a", "b"):
        file = await kept(store, tone(tmp_path / f"{name}.wav", 1.0 + ord(name) % 2), f"{name}.wav")
        fields = {"id": name, "user_id": "u", "clone_id": "c", "role": "voice", "name": name}
        voice.append(Sample(**fields, file=file))
    return a_training(voice=tuple(voice))


@pytest.mark.anyio
async def test_a_vendor_that_takes_one_recording_is_given_all_of_them_in_one(store, tmp_path):
    training = await a_clones_training(store, tmp_path)
    request = await requests_of(store).build(training, training.operations[0], picky())
    (media,) = request.samples
    assert (media.media_type, heard(store.path(f"{joined(store, training)}"))[0]) == (
        "audio/mpeg",
        pytest.approx(3.5, abs=0.15),
    )


def joined(store, record):
    (path,) = (store.root / record.prefix).glob("converted-*")
    return path.relative_to(store.root).as_posix()


@pytest.mark.anyio
async def test_the_same_recordings_are_joined_once(store, tmp_path):
    training = await a_clones_training(store, tmp_path)
    requests, digests = requests_of(store), set()
    for _ in range(2):
        request = await requests.build(training, training.operations[0], picky())
        digests.add(request.samples[0].sha256)
        made = store.path(joined(store, training)).stat().st_mtime_ns
        digests.add(made)
    assert len(digests) == 2


def spoken(file):
    """A video whose speech is made, and lies in that file."""
    video = a_video()
    speech = video.operations[0].revised(operation=Operation.SPEECH, job={"files": {"audio": file}})
    return video.model_copy(update={"operations": (speech, *video.operations)})


@pytest.mark.anyio
async def test_speech_is_converted_for_a_vendor_that_takes_another_format(store, tmp_path):
    video = spoken(await kept(store, tone(tmp_path / "said.wav", 1.0), "results/said.wav"))
    request = await requests_of(store).build(video, video.operations[1], picky())
    assert (request.audio.media_type, request.script) == ("audio/mpeg", None)


@pytest.mark.anyio
async def test_speech_in_a_format_that_we_cannot_write_is_left_as_it_is(store, tmp_path):
    file = await kept(store, tone(tmp_path / "said.wav", 1.0), "results/said.wav")
    video = spoken(file.model_copy(update={"media_type": "audio/pcm"}))
    vendor = picky()
    vendor.capabilities = replace(vendor.capabilities, audio_formats=("audio/ogg",))
    request = await requests_of(store).build(video, video.operations[1], vendor)
    assert request.audio.media_type == "audio/pcm"
