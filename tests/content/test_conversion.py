"""Recordings become a type that the vendor takes."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from avatarkit.content import conversion
from avatarkit.errors import MediaRejected
from results import wav

INPUTS = Path(__file__).parent.parent / "inputs"


def clip(path, codec="libx264", sound="aac", turn=0):
    """Two seconds of a grey that grows, and of a tone; turned by a display matrix."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height = 320, 240
        stream.pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
        if turn:
            stream.set_display_rotation(turn)
        heard = out.add_stream(sound, rate=44_100, layout="mono") if sound else None
        if heard is not None:
            heard.open()
            tone = (np.sin(np.arange(88_200) / 16) * 9000).astype(np.int16)[None, :]
            whole = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            whole.sample_rate = 44_100
            size = heard.frame_size or 1024
            resampler = av.AudioResampler(heard.format.name, "mono", 44_100, frame_size=size)
            for frame in resampler.resample(whole):
                out.mux(heard.encode(frame))
            out.mux(heard.encode(None))
        for number in range(50):
            grey = np.full((240, 320, 3), number * 4, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        out.mux(stream.encode(None))
    return path


def seen(path):
    """Codecs, seconds, turn and number of the pictures of a clip."""
    with av.open(str(path)) as opened:
        pictures = opened.streams.video[0]
        codecs = [stream.codec_context.name for stream in opened.streams]
        frames = [*opened.decode(pictures)]
        return codecs, round(opened.duration / av.time_base, 1), frames[0].rotation, len(frames)


@pytest.mark.parametrize(("sound", "heard"), [("aac", ["aac"]), ("pcm_s16le", ["aac"]), (None, [])])
@pytest.mark.parametrize("turn", [0, 90])
def test_a_film_of_an_iphone_becomes_an_mp4_with_the_same_pictures(tmp_path, sound, heard, turn):
    made = tmp_path / "me.mp4"
    conversion.copy_clip(clip(tmp_path / "me.mov", sound=sound, turn=turn), made)
    assert seen(made) == (["h264", *heard], 2.0, turn, 50)
    content = made.read_bytes()
    assert content[4:12] == b"ftypisom"
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_clip_of_a_codec_that_no_mp4_holds_is_refused(tmp_path):
    with pytest.raises(MediaRejected, match=r"me\.mov cannot become an MP4"):
        conversion.copy_clip(clip(tmp_path / "me.mov", "prores_ks"), tmp_path / "me.mp4")


@pytest.mark.parametrize(("own", "seconds"), [("aac", 1.5), (None, 2.4)])
def test_a_dubbed_sound_lies_under_the_same_pictures(tmp_path, own, seconds):
    sound = tmp_path / "dubbed.wav"
    sound.write_bytes(wav(seconds))
    made = tmp_path / "dubbed.mp4"
    conversion.replace_sound.function(clip(tmp_path / "me.mov", sound=own, turn=90), sound, made)
    codecs, _, turn, pictures = seen(made)
    assert (codecs, turn, pictures) == (["h264", "aac"], 90, 50)
    with av.open(str(made)) as opened:
        heard = sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))
    assert heard == pytest.approx(seconds, abs=0.1)
    content = made.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_sound_needs_pictures_to_lie_under(tmp_path):
    sound = tmp_path / "dubbed.wav"
    sound.write_bytes(wav(0.5))
    with pytest.raises(MediaRejected, match="has no pictures"):
        conversion.replace_sound.function(sound, sound, tmp_path / "made.mp4")


@pytest.mark.parametrize("form", ["heic", "webp", "png"])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_picture_becomes_one_that_every_vendor_takes(tmp_path, form, suffix):
    source = INPUTS / "p_iphone.heic"
    if form != "heic":
        source = tmp_path / f"me.{form}"
        Image.new("RGB", (336, 336), "#204060").save(source)
    made = tmp_path / f"made{suffix}"
    conversion.write_picture(source, made)
    with Image.open(made) as picture:
        assert (picture.size, picture.format) == (
            (336, 336),
            {".jpg": "JPEG", ".png": "PNG"}[suffix],
        )


def test_a_picture_that_is_none_is_refused(tmp_path):
    source = tmp_path / "me.webp"
    source.write_bytes(b"RIFF\x04\0\0\0WEBPVP8 ")
    with pytest.raises(MediaRejected, match=r"me\.webp"):
        conversion.write_picture(source, tmp_path / "me.jpg")


@pytest.mark.parametrize(
    ("kind", "takes", "codec", "becomes"),
    [
        ("video/mp4", (), None, "video/mp4"),
        ("video/quicktime", ("video/mp4", "video/webm"), "h264", "video/mp4"),
        ("video/quicktime", ("video/mp4", "video/quicktime"), "prores", "video/quicktime"),
        ("video/quicktime", ("video/mp4",), "prores", None),
        ("video/quicktime", ("video/webm",), "h264", None),
        ("audio/mp4", ("audio/mpeg", "audio/wav"), None, "audio/mpeg"),
        ("audio/flac", ("audio/ogg", "audio/wav"), None, "audio/wav"),
        ("video/webm", ("audio/wav",), None, "audio/wav"),
        ("image/heic", ("image/jpeg", "image/png"), None, "image/jpeg"),
        ("image/webp", ("image/png",), None, "image/png"),
        ("image/jpeg", ("video/mp4",), None, None),
        ("audio/wav", ("image/png", "video/mp4"), None, None),
    ],
)
def test_a_type_becomes_the_first_that_the_vendor_takes(kind, takes, codec, becomes):
    assert conversion.target(kind, takes, codec) == becomes
