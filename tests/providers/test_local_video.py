"""The local provider's videos: measured in the finished file, as a viewer gets them."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from avatarkit.errors import MediaRejected, Unsupported
from avatarkit.providers.local import audio, footage, render, speech, visemes
from avatarkit.providers.local.clips import Clip
from avatarkit.providers.local.facemesh import FaceMesh
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.video import VideoWriter

from .lipsync import Measurement, measure

pytestmark = pytest.mark.once

SCRIPT = "Please bring my map to the boat, everybody. The weather is fine today."
KINDS = [(face, drive) for face in ("portrait", "clip") for drive in ("phonemes", "audio")]
DEMO = Path(render.__file__).parents[2] / "data" / "demo"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A folder with a photograph, a clip that moves, and the script spoken."""
    folder = tmp_path_factory.mktemp("studio")
    photograph = Image.fromarray(astronaut())
    photograph.save(folder / "portrait.png")
    with VideoWriter(folder / "clip.mp4", size=(512, 512), fps=30, audio=False) as writer:
        for number in range(50):
            moved = _moved(photograph, phase=2 * np.pi * number / 50)
            writer.write(Frame.from_rgb(np.asarray(moved)))
    said = render.synthesize(SCRIPT)
    audio.write_wav(folder / "speech.wav", said.samples, speech.RATE)
    render.write_samples(folder / "speech.wav", folder / "speech.f32")
    render.train_face(folder / "portrait.png", folder / "face-portrait")
    render.train_face(folder / "clip.mp4", folder / "face-clip")
    return folder


def _moved(image: Image.Image, phase: float) -> Image.Image:
    """The picture slightly zoomed, turned and shifted about the face."""
    zoom, turn = 1.03 + 0.02 * np.sin(phase), np.radians(2 * np.sin(phase))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / zoom
    face = np.array([224.0, 140.0])
    drift = np.array([6 * np.sin(phase), 4 * np.cos(2 * phase)])
    shift = face - matrix @ (face + drift)
    (a, b), (c, d) = matrix
    return image.transform(
        image.size,
        Image.Transform.AFFINE,
        (a, b, shift[0], c, d, shift[1]),
        Image.Resampling.BICUBIC,
    )


@pytest.fixture(scope="module")
def videos(studio):
    """The four combinations of face and drive, rendered."""
    made = {}
    for face, drive in KINDS:
        source = (
            {"script": SCRIPT} if drive == "phonemes" else {"sound_path": studio / "speech.f32"}
        )
        facts = render.render_video(
            studio / f"face-{face}", studio / f"{face}-{drive}.mp4", **source
        )
        assert facts.driven_by == drive
        made[face, drive] = facts
    return made


@pytest.fixture(scope="module")
def measured(videos) -> dict[tuple[str, str], Measurement]:
    return {kind: measure(facts.path) for kind, facts in videos.items()}


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_lips_open_with_the_loudness(measured, kind):
    assert measured[kind].correlation() >= (0.75 if kind[0] == "portrait" else 0.7)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_lips_and_sound_are_in_step_to_a_frame(measured, kind):
    assert abs(measured[kind].best_lag()) <= 1


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_lips_open_wider_in_speech_than_in_silence(measured, kind):
    assert measured[kind].speech_to_silence() >= 1.6


@pytest.mark.parametrize("face", ["portrait", "clip"])
def test_lips_meet_on_m_b_and_p(measured, face):
    phonemes = render.synthesize(SCRIPT).phonemes
    moments = [
        (phoneme.start + phoneme.end) / 2 - visemes.LABEL_LAG
        for phoneme in phonemes
        if phoneme.symbol in "mbp"
    ]
    assert len(moments) >= 6
    assert measured[face, "phonemes"].share_closed(moments) >= 0.9


def test_a_smile_that_shows_teeth_is_relaxed_in_silence(measured):
    smile = FaceMesh().find(Image.fromarray(astronaut()))
    wide = np.linalg.norm(smile.points[13, :2] - smile.points[14, :2])
    eyes = np.linalg.norm(smile.points[33, :2] - smile.points[263, :2])
    rest = measured["portrait", "phonemes"]
    assert np.median(rest.opening[~rest.speaking]) < 0.5 * wide / eyes


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_both_streams_start_at_zero_and_are_equally_long(videos, kind):
    with av.open(str(videos[kind].path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        for stream in (video, sound):
            assert float((stream.start_time or 0) * stream.time_base) == pytest.approx(0, abs=1e-3)
        lengths = [float(stream.duration * stream.time_base) for stream in (video, sound)]
        assert abs(lengths[0] - lengths[1]) <= 0.04
        assert lengths[0] == pytest.approx(videos[kind].seconds, abs=0.001)


def test_decoded_sound_is_as_long_as_the_pictures(videos):
    facts = videos["portrait", "phonemes"]
    samples, _ = audio.read_audio(facts.path, 48_000)
    assert samples.size / 48_000 == pytest.approx(facts.seconds, abs=0.04)


def test_decoded_sound_is_not_shifted(videos, studio):
    """The encoder's priming must not delay what is heard."""
    spoken, _ = audio.read_audio(studio / "speech.wav", 48_000)
    heard, _ = audio.read_audio(videos["portrait", "audio"].path, 48_000)
    count = min(spoken.size, heard.size)
    spectrum = np.fft.rfft(heard[:count], 2 * count) * np.conj(
        np.fft.rfft(spoken[:count], 2 * count)
    )
    shift = int(np.fft.irfft(spectrum).argmax())
    assert min(shift, 2 * count - shift) <= 48  # a millisecond


def test_the_file_is_h264_and_aac_that_every_browser_plays(videos):
    with av.open(str(videos["portrait", "phonemes"].path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        seen = (video.codec.name, video.pix_fmt, video.average_rate, sound.codec.name, sound.rate)
    assert seen == ("h264", "yuv420p", 25, "aac", 48_000)


def test_the_index_stands_before_the_data(videos):
    boxes, content = [], videos["portrait", "phonemes"].path.read_bytes()
    place = 0
    while place < len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        boxes.append(content[place + 4 : place + 8])
        assert size >= 8
        place += size
    assert boxes.index(b"moov") < boxes.index(b"mdat")


@pytest.mark.parametrize("drive", ["phonemes", "audio"])
def test_the_file_says_that_it_is_generated(videos, drive):
    with av.open(str(videos["portrait", drive].path)) as container:
        assert "AI-generated" in container.metadata["title"]
        assert "synthetic mouth motion" in container.metadata["comment"]


def test_a_clip_is_shown_as_it_was_filmed_around_the_mouth(videos, studio):
    """The forehead of a rendered frame is the stored clip's own."""
    count = len(footage.FaceModel.load(studio / "face-clip").landmarks)
    with Clip(studio / "face-clip" / "clip.mp4", count) as clip:
        stored = clip[20].rgb().astype(float)[:100]
    with av.open(str(videos["clip", "phonemes"].path)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][20][:100]
    assert np.abs(stored - shown).mean() < 4


def test_the_portrait_blinks(videos, studio):
    model = footage.FaceModel.load(studio / "face-portrait")
    eye = model.landmarks[0, [33, 133, 159, 145], :2]
    left, top, right, bottom = (*eye.min(axis=0).astype(int), *eye.max(axis=0).astype(int))
    with av.open(str(videos["portrait", "phonemes"].path)) as container:
        darkest = [
            np.percentile(frame.to_ndarray(format="gray")[top:bottom, left:right], 10)
            for frame in container.decode(video=0)
        ]
    assert max(darkest) > 1.3 * np.median(darkest)  # the lid hides the dark iris


def test_progress_runs_to_one(studio, tmp_path):
    seen = []
    render.render_video(
        studio / "face-portrait", tmp_path / "out.mp4", script="Hi.", on_progress=seen.append
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1


@pytest.mark.parametrize("after", [0, 5])
def test_a_cancelled_video_leaves_nothing_behind(studio, tmp_path, after):
    done = []
    with pytest.raises(render.Cancelled):
        render.render_video(
            studio / "face-portrait",
            tmp_path / "out.mp4",
            sound_path=studio / "speech.f32",
            on_progress=done.append,
            cancelled=lambda: len(done) >= after,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_failed_video_leaves_an_older_one_alone(studio, tmp_path):
    older = tmp_path / "out.mp4"
    older.write_bytes(b"older")

    def fail(progress: float) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        render.render_video(studio / "face-portrait", older, script="Hi.", on_progress=fail)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert older.read_bytes() == b"older"


def test_a_trained_face_needs_neither_its_footage_nor_a_face_search(studio, tmp_path, monkeypatch):
    shutil.copytree(studio / "face-portrait", tmp_path / "face")
    monkeypatch.setattr(FaceMesh, "detect", lambda *_: pytest.fail("searched again"))
    facts = render.render_video(tmp_path / "face", tmp_path / "out.mp4", script="Hi.")
    assert facts.path.stat().st_size > 10_000


def test_a_trained_face_comes_with_a_thumbnail(studio):
    with Image.open(studio / "face-clip" / "thumbnail.jpg") as image:
        assert image.size == (256, 256)


def test_silence_keeps_the_mouth_closed():
    curves = visemes.from_audio(audio.Sound.of(np.zeros(48_000, np.float32), 48_000), 25)
    assert curves.values[0].max() < 0.01


def test_a_foreign_script_is_refused_before_anything_is_made(studio, tmp_path):
    with pytest.raises(Unsupported, match="en"):
        render.render_video(studio / "face-portrait", tmp_path / "out.mp4", script="Привет, мир")
    assert list(tmp_path.iterdir()) == []


def test_silent_audio_is_refused(tmp_path):
    audio.write_wav(tmp_path / "silence.wav", np.zeros(48_000, np.float32), 24_000)
    with pytest.raises(MediaRejected, match="silent"):
        render.write_samples(tmp_path / "silence.wav", tmp_path / "silence.f32")


def test_the_demo_portrait_is_a_face_beyond_doubt():
    with Image.open(DEMO / "portrait.jpg") as image:
        portrait = image.convert("RGB")
    mesh = FaceMesh()
    detections = mesh.detect(portrait)
    assert len(detections) == 1
    assert detections[0].score >= 0.9
    assert mesh.refine(portrait, detections[0]).confidence >= 0.9
