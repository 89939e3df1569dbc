"""What the local provider accepts as a face, and how it says no."""

import io
import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from avatarkit.errors import MediaRejected
from avatarkit.providers.local import audio, footage, render
from avatarkit.providers.local.clips import Clip
from avatarkit.providers.local.facemesh import FaceMesh
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.video import VideoWriter, read_frames


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    return Image.fromarray(astronaut())


def clip(path, images, fps=25, audio=False):
    with VideoWriter(path, size=images[0].size, fps=fps, audio=audio) as writer:
        for image in images:
            writer.write(Frame.from_rgb(np.asarray(image)))


def rejected(path, folder):
    """Train, expect a rejection, and check that nothing was left."""
    with pytest.raises(MediaRejected) as caught:
        render.train_face(path, folder / "face")
    assert not [item for item in folder.iterdir() if "face" in item.name]
    return str(caught.value)


def test_a_picture_without_a_face_is_rejected_with_the_confidence(tmp_path):
    Image.fromarray(np.full((400, 400, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    message = rejected(tmp_path / "wall.png", tmp_path)
    assert "no face was found in wall.png" in message
    assert "confidence" in message


def test_two_faces_of_similar_size_are_rejected(tmp_path, photograph):
    both = Image.new("RGB", (1024, 512))
    both.paste(photograph, (0, 0))
    both.paste(photograph, (512, 0))
    both.save(tmp_path / "both.png")
    assert "more than one face" in rejected(tmp_path / "both.png", tmp_path)


def test_a_small_face_in_the_background_is_fine(tmp_path, photograph):
    both = Image.new("RGB", (1024, 768), (128, 128, 128))
    both.paste(photograph.resize((768, 768)), (0, 0))
    both.paste(photograph.resize((256, 256)), (768, 0))
    both.save(tmp_path / "both.png")
    assert render.train_face(tmp_path / "both.png", tmp_path / "trained").confidence > 0.9


def test_a_tiny_face_is_rejected(tmp_path, photograph):
    photograph.resize((128, 128)).save(tmp_path / "tiny.png")
    assert "too small" in rejected(tmp_path / "tiny.png", tmp_path)


@pytest.mark.parametrize("name", ["clip.mp4", "portrait.jpg", "portrait.png"])
def test_text_under_another_name_is_rejected(tmp_path, name):
    (tmp_path / name).write_text("this is not a recording\n" * 40)
    assert "not a recording that can be read" in rejected(tmp_path / name, tmp_path)


def test_an_empty_file_is_rejected(tmp_path):
    (tmp_path / "clip.mp4").touch()
    assert "0 bytes" in rejected(tmp_path / "clip.mp4", tmp_path)


def test_a_missing_file_is_rejected(tmp_path):
    assert "no such file" in rejected(tmp_path / "clip.mp4", tmp_path)


def test_a_truncated_picture_is_rejected(tmp_path, photograph):
    buffer = io.BytesIO()
    photograph.save(buffer, "JPEG")
    (tmp_path / "portrait.jpg").write_bytes(buffer.getvalue()[:9000])
    assert "damaged" in rejected(tmp_path / "portrait.jpg", tmp_path)


def test_a_truncated_clip_is_rejected(tmp_path, photograph):
    clip(tmp_path / "whole.mp4", [photograph] * 30)
    (tmp_path / "clip.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:3000])
    assert "clip.mp4" in rejected(tmp_path / "clip.mp4", tmp_path)


def test_a_clip_that_is_too_short_is_rejected(tmp_path, photograph):
    clip(tmp_path / "clip.mp4", [photograph] * 12)
    assert "at least 1 s" in rejected(tmp_path / "clip.mp4", tmp_path)


def test_a_recording_without_pictures_is_rejected(tmp_path):
    audio.write_wav(tmp_path / "voice.wav", np.zeros(24_000, np.float32), 24_000)
    assert "no picture" in rejected(tmp_path / "voice.wav", tmp_path)


def test_a_clip_without_sound_is_rejected_as_a_voice(tmp_path, photograph):
    clip(tmp_path / "clip.mp4", [photograph] * 10)
    with pytest.raises(MediaRejected, match="no sound"):
        render.train_voice([tmp_path / "clip.mp4"], tmp_path / "voice")


def test_text_is_rejected_as_a_voice(tmp_path):
    (tmp_path / "voice.mp3").write_text("this is not a recording\n" * 40)
    with pytest.raises(MediaRejected, match="not a recording"):
        render.train_voice([tmp_path / "voice.mp3"], tmp_path / "voice")


def test_a_huge_jpeg_is_read_at_a_fraction_of_its_size(tmp_path, photograph):
    photograph.resize((8000, 8000)).save(tmp_path / "huge.jpg", quality=60)
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from avatarkit.providers.local import render\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "render.train_face(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "huge.jpg"), str(tmp_path / "face")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 150  # MB; the whole picture alone is 183


def test_a_huge_png_is_refused_before_it_is_read(tmp_path):
    Image.new("1", (8000, 8000)).save(tmp_path / "huge.png")
    assert "too large (8000 x 8000 pixels)" in rejected(tmp_path / "huge.png", tmp_path)


def test_a_decompression_bomb_is_refused(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    assert "bomb.png" in rejected(tmp_path / "bomb.png", tmp_path)


def test_a_photograph_taken_sideways_is_turned_upright(tmp_path, photograph):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    turned = photograph.transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "portrait.jpg", exif=exif, quality=95)
    photograph.save(tmp_path / "upright.png")
    sideways = render.train_face(tmp_path / "portrait.jpg", tmp_path / "one")
    upright = render.train_face(tmp_path / "upright.png", tmp_path / "two")
    assert np.abs(sideways.landmarks - upright.landmarks).max() < 4


def test_a_clip_filmed_sideways_is_turned_upright(tmp_path, photograph):
    path = tmp_path / "clip.mp4"
    sideways = photograph.transpose(Image.Transpose.ROTATE_90)
    clip(path, [sideways] * 30)
    _set_rotation(path, 90)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).rotation != 0
    shown = next(read_frames(path, 25))
    assert np.abs(np.asarray(shown, float) - np.asarray(photograph, float)).mean() < 8


def _set_rotation(path, degrees):
    """Write a rotation into the display matrix of the track header (ISO 14496-12, 8.3.2)."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 4 + 20 + 16
    cosine, sine = {90: (0, 1)}[degrees]
    values = [cosine, sine, 0, -sine, cosine, 0, 0, 0, 0x4000]
    for number, value in enumerate(values):
        place = matrix + 4 * number
        content[place : place + 4] = (value * 0x10000).to_bytes(4, "big", signed=True)
    path.write_bytes(content)


def test_transparent_pictures_get_a_light_background(tmp_path, photograph):
    cut = photograph.convert("RGBA")
    cut.putalpha(Image.fromarray(np.uint8(np.hypot(*np.mgrid[-140:372, -224:288]) < 150) * 255))
    cut.save(tmp_path / "cut.png")
    assert render.train_face(tmp_path / "cut.png", tmp_path / "trained").confidence > 0.9


def test_only_the_first_seconds_of_a_long_clip_are_used(tmp_path, photograph, monkeypatch):
    monkeypatch.setattr(footage, "MAX_CLIP_SECONDS", 2.0)
    clip(tmp_path / "clip.mp4", [photograph.resize((256, 256))] * 120)
    model = render.train_face(tmp_path / "clip.mp4", tmp_path / "trained")
    assert len(model.landmarks) == 50


def test_a_clip_plays_to_and_fro(tmp_path, photograph):
    clip(tmp_path / "clip.mp4", [photograph] * 30)
    model = render.train_face(tmp_path / "clip.mp4", tmp_path / "trained")
    with Clip(tmp_path / "trained" / "clip.mp4", len(model.landmarks)) as stored:
        numbers = [stored.number_at(frame) for frame in range(100)]
    assert max(numbers) == 29
    assert np.abs(np.diff(numbers)).max() == 1


def test_a_clip_may_begin_before_the_face_comes(tmp_path, photograph):
    wall = Image.new("RGB", photograph.size, (128, 128, 128))
    clip(tmp_path / "clip.mp4", [wall] * 10 + [photograph] * 40)
    assert len(render.train_face(tmp_path / "clip.mp4", tmp_path / "trained").landmarks) >= 35


def test_a_face_model_is_read_back_unchanged(tmp_path, photograph):
    photograph.save(tmp_path / "portrait.png")
    made = render.train_face(tmp_path / "portrait.png", tmp_path / "trained")
    read = footage.FaceModel.load(tmp_path / "trained")
    assert (read.kind, read.size) == (made.kind, made.size)
    np.testing.assert_array_equal(read.landmarks, made.landmarks)


def test_training_again_replaces_the_face(tmp_path, photograph):
    photograph.save(tmp_path / "portrait.png")
    clip(tmp_path / "clip.mp4", [photograph] * 30)
    render.train_face(tmp_path / "clip.mp4", tmp_path / "trained")
    render.train_face(tmp_path / "portrait.png", tmp_path / "trained")
    assert not (tmp_path / "trained" / "clip.mp4").exists()


def test_a_cancelled_training_leaves_nothing_behind(tmp_path, photograph):
    clip(tmp_path / "clip.mp4", [photograph] * 30)
    with pytest.raises(render.Cancelled):
        render.train_face(tmp_path / "clip.mp4", tmp_path / "trained", cancelled=lambda: True)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_all_faces_of_a_picture_are_found_the_largest_first(tmp_path, photograph):
    both = Image.new("RGB", (1024, 512))
    both.paste(photograph.resize((400, 400)), (0, 0))
    both.paste(photograph, (512, 0))
    both.save(tmp_path / "both.png")
    first, second = render.find_faces(tmp_path / "both.png")
    assert first.box[0] > 512 > second.box[2]
    assert first.eyes > second.eyes
    assert max(first.turn, second.turn) < 0.2


def test_small_faces_are_found_by_looking_closer(photograph):
    far = Image.new("RGB", (1600, 1200), (120, 120, 130))
    far.paste(photograph, (900, 500))
    face = FaceMesh().find(far)
    assert face is not None
    assert face.points[:, 0].mean() == pytest.approx(900 + 224, abs=25)


def test_importing_the_provider_package_loads_nothing_heavy():
    program = (
        "import sys; import avatarkit.providers.local\n"
        "heavy = {'numpy', 'av', 'onnxruntime', 'hibari', 'PIL'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_package_names_the_extra_to_install():
    program = (
        "import sys; sys.modules['hibari'] = None\n"
        "from avatarkit.providers import local\n"
        "from avatarkit.errors import ConfigError\n"
        "try:\n    local.load_engine()\n"
        "except ConfigError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert 'pip install "avatarkit-sdk[local]"' in done.stdout, done.stderr


def test_a_long_clip_in_full_hd_is_read_in_the_memory_of_a_few_frames(tmp_path, photograph):
    """Decoded frames are freed as they pass, with the threads that converted them."""
    path = tmp_path / "clip.mp4"
    large = np.asarray(photograph.resize((1920, 1080)))
    with VideoWriter(path, size=(1920, 1080), fps=25, audio=False) as writer:
        frame = Frame.from_rgb(large)
        for _ in range(100):
            writer.write(frame)
    program = (
        "import resource, sys, threading; from pathlib import Path\n"
        "from avatarkit.providers.local.video import read_frames\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "threads, first = 0, None\n"
        "for number, image in enumerate(read_frames(Path(sys.argv[1]), 25)):\n"
        "    first = peak() if number == 20 else first\n"
        "    threads = max(threads, len(list(Path('/proc/self/task').iterdir())))\n"
        "print(peak() - first, threads)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    grown, threads = map(int, done.stdout.split())
    assert grown < 60  # MB; a frame has 3
    assert threads < 20
