"""A damaged file and a fault of the program are told apart, on every version of PyAV."""

import io
import struct
from importlib.resources import files
from pathlib import Path

import pytest

from avatarkit.content import audio, decoding, pictures
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
