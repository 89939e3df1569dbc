"""Frame, captions and background of local videos, measured in the finished file."""

import itertools

import av
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from avatarkit.content import subtitles
from avatarkit.models import VideoSettings
from avatarkit.providers.local import audio, captions, render, speech
from avatarkit.providers.local.framing import framing
from avatarkit.providers.local.head import Head
from avatarkit.providers.local.mouth import Mouth
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.video import VideoWriter

pytestmark = pytest.mark.once

SCRIPT = "Is this $1,200? Please bring my map to the boat."
#: 16:9 clip and 9:16 selfie: size, and the place of the square photograph in it.
FRAMES = {"clip": ((1280, 720), (380, 0, 720)), "selfie": ((720, 1280), (0, 320, 720))}


def photograph(size=512):
    return Image.fromarray(astronaut()).resize((size, size), Image.Resampling.BICUBIC)


def background(size):
    """A picture with a texture everywhere, so that a seam would show in it."""
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    waves = 120 + 50 * np.sin(rows / 23) * np.cos(columns / 31)
    return np.dstack([waves, waves[::-1], 200 - waves / 2]).astype(np.uint8)


def footage(size, place, phase=0.0):
    left, top, side = place
    picture = Image.fromarray(background(size))
    picture.paste(photograph(side), (round(left + 6 * np.sin(phase)), top))
    return np.asarray(picture)


def decoded(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    photograph().save(folder / "portrait.png")
    cut_out = photograph().convert("RGBA")
    distance = np.hypot(*np.mgrid[-140:372, -224:288])
    cut_out.putalpha(Image.fromarray(np.uint8(np.clip((190 - distance) * 20, 0, 255))))
    cut_out.save(folder / "cut-out.png")
    Image.fromarray(footage(*FRAMES["selfie"])).save(folder / "selfie.png")
    size, place = FRAMES["clip"]
    with VideoWriter(folder / "clip.mp4", size=size, fps=30, audio=False) as writer:
        for number in range(45):
            writer.write(Frame.from_rgb(footage(size, place, number / 8)))
    names = ("portrait.png", "cut-out.png", "selfie.png", "clip.mp4")
    models = {
        name.partition(".")[0]: render.train_face(folder / name, folder / name.partition(".")[0])
        for name in names
    }
    return folder, models


def made(studio, face, tmp_path, **asked):
    folder, _ = studio
    settings = VideoSettings(**asked)
    path = tmp_path / f"video.{settings.container or 'mp4'}"
    return path, render.render_video(folder / face, path, script=SCRIPT, settings=settings)


@pytest.fixture(scope="module")
def whole(studio, tmp_path_factory):
    """Videos of the 16:9 clip and of the 9:16 selfie, without settings."""
    folder = tmp_path_factory.mktemp("whole")
    videos = {}
    for face in FRAMES:
        (folder / face).mkdir()
        path, facts = made(studio, face, folder / face)
        videos[face] = decoded(path), facts
    return videos


@pytest.mark.parametrize("face", FRAMES)
def test_a_video_keeps_the_frame_of_its_footage(whole, face):
    frames, facts = whole[face]
    size, _ = FRAMES[face]
    assert facts.size == size
    assert {frame.shape for frame in frames} == {(size[1], size[0], 3)}


def test_a_clip_keeps_its_own_rate(whole, studio):
    frames, facts = whole["clip"]
    assert studio[1]["clip"].fps == 30
    assert len(frames) / facts.seconds == pytest.approx(30, abs=0.01)


def test_far_from_the_head_nothing_changes(whole):
    frames, _ = whole["selfie"]
    still = background(FRAMES["selfie"][0])[:200].astype(float)
    for frame in frames[::20]:
        assert np.abs(frame[:200] - still).mean() < 3


REACH = 20  # lines on both sides of a border: some of them are borders of the encoder's blocks


def across(picture, line, axis):
    """Mean gradient across a line of pixels, and across each of its neighbours."""
    grey = picture.astype(float).mean(axis=2)
    steps = np.abs(np.diff(grey if axis == 0 else grey.T, axis=0)).mean(axis=1)
    return steps[line - 1], np.delete(steps[line - 1 - REACH : line + REACH], REACH)


def pasted(face, model):
    """Box of what is pasted into the first frame: the head of a portrait, the mouth of a clip."""
    points = model.landmarks[0].astype(float)
    if face == "selfie":
        return Head(points, model.size).box
    mouth = Mouth(points, model.size, moving=True)
    return mouth._box(mouth._to_patch, model.size)


@pytest.mark.parametrize("face", FRAMES)
def test_no_seam_shows_where_the_head_is_pasted_back(whole, studio, face):
    """The mean gradient across the border of the box is not above that of its neighbourhood."""
    frames, _ = whole[face]
    left, top, right, bottom = pasted(face, studio[1][face])
    size = FRAMES[face][0]
    borders = [(left, 1), (right, 1), (top, 0), (bottom, 0)]
    inside = [(n, axis) for n, axis in borders if REACH < n < size[1 - axis] - REACH]
    assert len(inside) >= 3
    for frame in frames[:1] if face == "clip" else frames[::15]:  # the mouth of a clip wanders
        part = frame[:, left:right], frame[top:bottom]
        for line, axis in inside:
            here, around = across(part[axis], line, axis)
            assert here <= around.max()


@pytest.mark.parametrize(
    ("face", "asked", "size"),
    [
        ("portrait", {"aspect": "16:9", "resolution": "360p"}, (640, 360)),
        ("clip", {"aspect": "9:16", "resolution": "480p"}, (480, 854)),
        ("clip", {"aspect": "1:1"}, (720, 720)),
        ("selfie", {"resolution": "360p"}, (360, 640)),
        ("selfie", {"aspect": "4:5", "resolution": "360p"}, (360, 450)),
    ],
)
def test_a_crop_has_the_size_that_is_asked_for_and_holds_the_head(studio, face, asked, size):
    model = studio[1][face]
    resolution = asked.get("resolution")
    shown = framing(
        model.size,
        model.landmarks,
        asked.get("aspect"),
        resolution and int(resolution.removesuffix("p")),
    )
    assert shown.size == size
    points = shown.points(model.landmarks)[..., :2]
    assert points.min() >= 0
    assert (points <= size).all()
    across_x, across_y = shown.scale
    assert across_x == pytest.approx(across_y, rel=0.02)


def test_a_crop_of_a_clip_is_rendered(studio, tmp_path):
    path, facts = made(studio, "clip", tmp_path, aspect="9:16", resolution="360p", fps=25)
    frames = decoded(path)
    assert frames[0].shape == (640, 360, 3)
    assert len(frames) / facts.seconds == pytest.approx(25, abs=0.01)


def test_a_crop_that_would_cut_the_head_is_filled_with_the_blurred_footage(studio):
    _, models = studio
    close = framing((500, 900), models["portrait"].landmarks * 1.6 - 100, "16:9")
    left, _, right, _ = close.place
    assert 0 < left < right < close.size[0]
    picture = close.picture(footage((500, 900), (0, 200, 500)))
    assert picture[:, : left - 4].std() > 1  # not a black bar
    assert np.abs(np.diff(picture[:, : left - 4].astype(float), axis=1)).mean() < 2


def test_a_cut_out_stands_before_a_colour(studio, tmp_path):
    path, _ = made(studio, "cut-out", tmp_path, background="#20a040")
    for frame in decoded(path)[::25]:
        assert np.abs(frame[-40:].astype(int) - (0x20, 0xA0, 0x40)).max() < 12


def test_a_transparent_video_is_webm_with_opacity(studio, tmp_path):
    path, facts = made(studio, "cut-out", tmp_path, background="transparent", container="webm")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r")  # FFmpeg's own one has no opacity
        frames = [f for packet in container.demux(stream) for f in decoder.decode(packet)]
        assert container.streams.audio[0].codec.name == "opus"
    assert len(frames) == facts.frames
    assert frames[0].format.name == "yuva420p"
    opacity = frames[10].to_ndarray(format="rgba")[..., 3]
    assert opacity[-40:].max() < 10
    assert opacity[140, 224] > 245


@pytest.fixture(scope="module")
def said():
    return render.synthesize(SCRIPT)


def cues(said):
    return [captions.word_times(passage.text, passage.words) for passage in said.passages]


def test_each_word_has_its_time_and_they_follow_each_other(said):
    words = [word for passage in cues(said) for word in passage]
    assert [word.text for word in words] == SCRIPT.split()
    times = [moment for word in words for moment in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] < said.seconds


def test_captions_appear_with_the_sound_of_their_sentence(said):
    """Each sentence begins where the sound rises after a pause."""
    level = audio.loudness(audio.Sound.of(said.samples, speech.RATE), int(said.seconds * 100), 0.01)
    loud = level > 0.1 * level.max()
    for passage in cues(said):
        start = int(passage[0].start * 100)
        assert loud[start : start + 25].any()
        assert loud[max(start - 8, 0) : start].mean() < 0.5


def test_captions_beside_a_video_are_srt_and_webvtt(studio, tmp_path):
    path, facts = made(studio, "portrait", tmp_path, captions="sidecar")
    srt, vtt = (path.with_suffix(end).read_text("utf-8") for end in (".srt", ".vtt"))
    assert srt.startswith("1\n00:00:00,")
    assert vtt.startswith("WEBVTT\n\n00:00:00.")
    for text in ("Is this $1,200?", "Please bring my map to the boat."):
        assert text in srt
        assert text in vtt
    last = srt.strip().split("\n\n")[-1].split(" --> ")[1].split("\n")[0]
    minutes, seconds = last.replace(",", ".").split(":")[1:]
    assert 60 * int(minutes) + float(seconds) <= facts.seconds + 0.5


def test_burnt_in_captions_stand_in_the_picture_while_they_are_spoken(studio, tmp_path, said):
    plain, _ = made(studio, "portrait", tmp_path)
    (tmp_path / "burnt").mkdir()
    burnt, _ = made(studio, "portrait", tmp_path / "burnt", captions="burnt-in")
    first = cues(said)[0][0]
    spoken, before = int((first.start + 0.3) * 25), int((first.start - 0.1) * 25)
    one, other = decoded(plain), decoded(burnt)
    foot = slice(int(0.85 * 512), int(0.96 * 512))
    assert np.abs(one[spoken][foot].astype(int) - other[spoken][foot]).mean() > 8
    assert np.abs(one[before][foot].astype(int) - other[before][foot]).mean() < 2


def test_long_sentences_become_several_captions_of_two_short_lines():
    words = [captions.Word(f"word{n}" + "." * (n == 59), n / 3, (n + 1) / 3) for n in range(60)]
    shown = captions.cues(words)
    assert len(shown) >= 4
    assert all(len(cue.lines) <= 2 for cue in shown)
    assert all(len(line) <= captions.LINE for cue in shown for line in cue.lines)
    assert all(a.end <= b.start for a, b in itertools.pairwise(shown))
    assert " ".join(line for cue in shown for line in cue.lines).split() == [w.text for w in words]


def test_webvtt_escapes_what_would_be_markup():
    assert "1 &lt; 2 &amp; 3" in subtitles.vtt([subtitles.Cue(0, 1, ("1 < 2 & 3",))])


def test_a_caption_fits_into_a_narrow_frame():
    piece = captions.burnt_in(subtitles.Cue(0, 1, ("W" * 42, "W" * 42)), (240, 428))
    left, top, right, bottom = piece.box
    assert 0 <= left < right <= 240
    assert 0 <= top < bottom <= 428
    assert piece.pixels.shape == (bottom - top, right - left, 3)
