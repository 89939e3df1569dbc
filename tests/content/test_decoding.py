"""A damaged file and a fault of the program are told apart, on every version of PyAV."""

import io
import struct
from importlib.resources import files
from pathlib import Path

import av
import numpy as np
import pytest

from avatarkit.content import audio, decoding, pictures, playback
from avatarkit.errors import MediaRejected
from avatarkit.intake import probing

INPUTS = Path(__file__).parents[1] / "inputs"
DEMO = Path(str(files("avatarkit") / "data/demo"))


def broken(*_args, **_kwargs):
    raise TypeError("a fault of ours")


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wav_with_latin_1_metadata():
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16))
    title = chunk(b"LIST", b"INFO" + chunk(b"INAM", "José".encode("latin-1")))
    body = b"WAVE" + form + title + chunk(b"data", bytes(32_000))
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("fault", ["_take_picture", "_take_sound", "facts"])
def test_a_fault_of_the_probe_is_not_reported_as_a_damaged_file(monkeypatch, fault):
    monkeypatch.setattr(probing._Scan, fault, broken)
    path = INPUTS / "c_shrinks.webm" if fault == "_take_picture" else DEMO / "voice.wav"
    with pytest.raises(TypeError, match="a fault of ours"):
        probing.probe(path)


def test_a_fault_in_reading_a_picture_is_not_reported_as_a_damaged_file(monkeypatch):
    monkeypatch.setattr(pictures, "opaque", broken)
    with pytest.raises(TypeError, match="a fault of ours"):
        probing.probe(DEMO / "portrait.jpg")


def test_a_fault_in_measuring_sound_is_not_reported_as_a_damaged_file(monkeypatch):
    def wrong_shape(*_):
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(probing._Listener, "_measure", wrong_shape)
    with pytest.raises(ValueError, match="broadcast"):
        probing.probe(DEMO / "voice.wav")


def test_an_argument_that_pyav_does_not_know_is_not_reported_as_a_damaged_file():
    with (
        pytest.raises(TypeError, match="nonsense"),
        decoding.open_media(DEMO / "voice.wav", nonsense=1),
    ):
        pass


def test_a_fault_while_recordings_are_joined_is_not_reported_as_a_damaged_file(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(audio, "_silence", broken)
    two = [DEMO / "voice.wav", DEMO / "voice.wav"]
    with pytest.raises(TypeError, match="a fault of ours"):
        audio.write.function(two, tmp_path / "both.mp3", "audio/mpeg")


def test_a_file_that_ffmpeg_rejects_is_a_decode_error():
    with pytest.raises(decoding.DecodeError), decoding.open_media(io.BytesIO(b"RIFF" + bytes(99))):
        pass


def test_metadata_that_is_not_utf_8_is_accepted(tmp_path):
    path = tmp_path / "jose.wav"
    path.write_bytes(wav_with_latin_1_metadata())
    with decoding.open_media(path) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 16_000
    assert [flaw.code for flaw in probing.probe(path).flaws] == ["silent"]


def test_a_damaged_recording_to_join_is_rejected_by_name(tmp_path):
    damaged = tmp_path / "me.wav"
    damaged.write_bytes(b"RIFF" + bytes(99))
    with pytest.raises(MediaRejected, match=r"me\.wav"):
        audio.write([damaged], tmp_path / "out.mp3", "audio/mpeg")


def flv_tag(kind, body):
    return bytes([kind]) + struct.pack(">I", len(body))[1:] + bytes(7) + body


def with_a_late_stream(form):
    """A film whose sound begins behind the first eight megabytes."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        stream = out.add_stream("flv1" if form == "flv" else "mpeg1video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(50):
            picture = np.zeros((64, 64, 3), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    sound = b"\xff\xfb\x90\xc4" + bytes(413)
    if form == "flv":
        between = (flv_tag(9, b"\x22" + bytes(1_000_000)) + struct.pack(">I", 1_000_012)) * 8
        return file.getvalue() + between + flv_tag(8, b"\x2f" + sound)
    padding = b"\0\0\1\xbe" + struct.pack(">H", 65_000) + b"\xff" * 65_000
    film = file.getvalue().removesuffix(b"\0\0\1\xb9")
    return film + padding * 120 + b"\0\0\1\xc0" + struct.pack(">HB", 418, 0x0F) + sound


# PyAV before 18 reads freed memory then; in use, that ends a process of the sandbox only.
@pytest.mark.skipif(int(av.__version__.split(".")[0]) < 18, reason="PyAV before 18 crashes on it")
@pytest.mark.parametrize("form", ["flv", "mpeg"])
def test_a_stream_that_begins_late_is_no_fault(tmp_path, form):
    path = tmp_path / "late"
    path.write_bytes(with_a_late_stream(form))
    assert probing.probe(path).width == 64
    playback.play.function(path)
    with decoding.open_media(path) as opened:
        assert len(list(decoding.frames(opened, opened.streams.video[0]))) >= 50
