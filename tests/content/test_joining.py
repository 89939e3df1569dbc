"""Joined scenes: every picture in its size and its time, and no word of the sound lost."""

from __future__ import annotations

from fractions import Fraction

import pytest

from avatarkit import errors
from avatarkit.content.files import chunks
from avatarkit.content.joining import SoundLaying, join
from avatarkit.content.results import Results
from avatarkit.media.folder import FolderStore

np = pytest.importorskip("numpy")
av = pytest.importorskip("av")
sound_of = pytest.importorskip("avatarkit.content.sound")

RATE = 48_000


def film(path, color, *, size=(64, 48), fps=25, seconds=1.0, tone=None, sound=None):
    """A clip of one colour, with a tone; ``sound`` seconds of it."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono") if tone else None
        for number in range(round(seconds * fps)):
            pixels = np.full((size[1], size[0], 3), color, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            time = np.arange(round((sound or seconds) * RATE)) / RATE
            wave = (0.5 * np.sin(2 * np.pi * tone * time)).astype(np.float32)
            piece = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            piece.sample_rate, piece.pts = RATE, 0
            container.mux(audio.encode(piece))
            container.mux(audio.encode())
    return path


def pictures(path):
    with av.open(str(path)) as container:
        return [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def loudest_tone(sound):
    spectrum = np.abs(np.fft.rfft(sound))
    return np.fft.rfftfreq(len(sound), 1 / RATE)[int(spectrum.argmax())]


RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)


def test_scenes_follow_one_another_with_their_sound(tmp_path):
    sources = [
        film(tmp_path / "1.mp4", RED, tone=300),
        film(tmp_path / "2.mp4", BLUE, tone=900),
    ]
    join.function(sources, tmp_path / "out.mp4")
    shown = pictures(tmp_path / "out.mp4")
    assert shown[-1][0] == pytest.approx(2.0, abs=0.15)
    assert shown[5][1].mean(axis=(0, 1)).argmax() == 0
    assert shown[-3][1].mean(axis=(0, 1)).argmax() == 2
    sound, _ = sound_of.read_mono(tmp_path / "out.mp4", RATE)
    assert len(sound) / RATE == pytest.approx(2.0, abs=0.15)
    assert loudest_tone(sound[: RATE // 2]) == pytest.approx(300, abs=5)
    assert loudest_tone(sound[-RATE // 2 :]) == pytest.approx(900, abs=5)


def test_a_scene_fades_in_over_the_one_before(tmp_path):
    sources = [film(tmp_path / "1.mp4", RED), film(tmp_path / "2.mp4", BLUE)]
    join.function(sources, tmp_path / "out.mp4")
    mixed = [
        p for _, p in pictures(tmp_path / "out.mp4") if min(p[..., 0].mean(), p[..., 2].mean()) > 50
    ]
    assert 2 <= len(mixed) <= 8


@pytest.mark.parametrize("sound", [2.0, 0.5])
def test_the_longer_of_pictures_and_sound_decides(tmp_path, sound):
    sources = [film(tmp_path / "1.mp4", RED, tone=300, sound=sound), film(tmp_path / "2.mp4", BLUE)]
    join.function(sources, tmp_path / "out.mp4")
    assert pictures(tmp_path / "out.mp4")[-1][0] == pytest.approx(max(sound, 1.0) + 1.0, abs=0.2)


@pytest.mark.parametrize("size", [(48, 64), (128, 96), (65, 49)])
def test_another_shape_gets_bars_in_the_size_of_the_first(tmp_path, size):
    even = size[0] // 2 * 2, size[1] // 2 * 2
    sources = [film(tmp_path / "1.mp4", RED), film(tmp_path / "2.mp4", BLUE, size=even)]
    join.function(sources, tmp_path / "out.mp4")
    assert {p.shape for _, p in pictures(tmp_path / "out.mp4")} == {(48, 64, 3)}


@pytest.mark.parametrize("fps", [10, 50])
def test_another_rate_keeps_its_length(tmp_path, fps):
    sources = [film(tmp_path / "1.mp4", RED), film(tmp_path / "2.mp4", BLUE, fps=fps)]
    join.function(sources, tmp_path / "out.mp4")
    assert pictures(tmp_path / "out.mp4")[-1][0] == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("place", [0, 1])
def test_a_scene_that_is_no_film_is_refused(tmp_path, place):
    sources = [film(tmp_path / "1.mp4", RED), film(tmp_path / "2.mp4", BLUE)]
    sources[place].write_bytes(b"nothing" * 100)
    with pytest.raises(errors.MediaRejected):
        join.function(sources, tmp_path / "out.mp4")


@pytest.mark.anyio
async def test_joining_runs_in_the_sandbox(tmp_path):
    sources = [film(tmp_path / "1.mp4", RED, tone=300), film(tmp_path / "2.mp4", BLUE, tone=300)]
    await join.run(sources, tmp_path / "out.mp4")
    assert pictures(tmp_path / "out.mp4")


@pytest.mark.anyio
async def test_the_sound_of_a_dub_is_stored_under_the_pictures_of_its_source(tmp_path):
    media = FolderStore(tmp_path / "media")
    source = film(tmp_path / "source.mp4", RED, tone=300)
    shown = await media.put("source.mp4", chunks(source), "video/mp4")
    dubbed = film(tmp_path / "dubbed.mp4", BLUE, tone=900)
    sound = await media.put("dubbed.mp4", chunks(dubbed), "video/mp4")
    lay = SoundLaying(media, Results(media, None).keep)
    made = await lay("results/v/dub-video", shown, sound)
    assert (made.key, made.media_type) == ("results/v/dub-video.mp4", "video/mp4")
    path = media.path(made.key)
    assert pictures(path)[5][1].mean(axis=(0, 1)).argmax() == 0
    heard, _ = sound_of.read_mono(path, RATE)
    assert loudest_tone(heard[RATE // 4 : RATE * 3 // 4]) == pytest.approx(900, abs=5)
