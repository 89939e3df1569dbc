"""Bad samples of every kind: each is found out by the right rule, and none does any harm.

All are made here. What preflight says of them is held against what is known of them from how they
were made, for nobody and then for each vendor.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import re
import struct
import subprocess
import sys
import wave
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import pytest

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

from avatarkit.content import conversion, limits  # noqa: E402
from avatarkit.intake import preflight, probing  # noqa: E402 - where they are installed
from avatarkit.models import Operation, SampleRole  # noqa: E402
from avatarkit.stacks.candidate import BOUNDS  # noqa: E402
from avatarkit.stacks.registry import usable  # noqa: E402

VOICE, FOOTAGE = SampleRole.VOICE, SampleRole.FOOTAGE
DEMO = Path(__file__).parents[2] / "src/avatarkit/data/demo"
RATE = 24_000

# -- how they are made ------------------------------------------------------------------------


def noise(seconds=60.0, rate=RATE, level=0.2, channels=1):
    """What sounds like no voice, and is as loud and as wide as one; shape (n, channels)."""
    source = np.random.default_rng(7)
    count = round(seconds * rate)
    return source.uniform(-level, level, (count, channels)).astype(np.float32)


def telephone(seconds=60.0, rate=RATE):
    """Noise with nothing above 3 kHz."""
    spectrum = np.fft.rfft(noise(seconds, rate)[:, 0])
    spectrum[int(3_000 * seconds) :] = 0
    return (np.fft.irfft(spectrum)[:, None] * 2).astype(np.float32)


def wav(sound, rate=RATE):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(sound.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def float_wav(sound, rate=RATE):
    data = sound.astype("<f4").tobytes()
    head = struct.pack("<HHIIHH", 3, 1, rate, rate * 4, 4, 32)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def encoded(sound, form, codec, rate=RATE, **options):
    file = io.BytesIO()
    with av.open(file, "w", format=form, options=options) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            (sound.T * 32767).astype(np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format.name, "mono", rate, stream.frame_size or 1024)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()


def clip(
    seconds=70.0,
    size=(640, 480),
    codec="libx264",
    form="mp4",
    times=None,
    keep=lambda packet: True,
    muxing=None,
    **options,
):
    """A grey clip: 2 frames a second, so that a minute takes no minute to make."""
    file = io.BytesIO()
    if codec.startswith("libx26"):
        options = {"preset": "ultrafast", "x265-params": "log-level=none"} | options
    if codec == "libx264":
        del options["x265-params"]
    with av.open(file, "w", format=form, options=muxing or {}) as out:
        stream = out.add_stream(codec, rate=2, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        frame = av.VideoFrame(*size, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([120]) * plane.buffer_size)
        packets = []
        for moment in times or range(0, round(seconds * 1000), 500):
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            packets += stream.encode(frame)
        for packet in (*packets, *stream.encode(None)):
            if keep(packet):
                out.mux(packet)
    return file.getvalue()


def no_frames():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"movflags": "empty_moov"}) as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        out.start_encoding()
    return file.getvalue()


def moov_first(content):
    """The same MP4 as it is laid out for streaming: its index before its bytes."""
    at = content.index(b"moov") - 4
    moov, rest = bytearray(content[at:]), content[:at]
    for found in re.finditer(b"stco", moov):
        count = struct.unpack(">I", moov[found.end() + 4 : found.end() + 8])[0]
        for n in range(count):
            place = found.end() + 8 + 4 * n
            old = struct.unpack(">I", moov[place : place + 4])[0]
            moov[place : place + 4] = struct.pack(">I", old + len(moov))
    head = rest.index(b"ftyp") - 4 + struct.unpack(">I", rest[:4])[0]
    return rest[:head] + bytes(moov) + rest[head:]


def png(size=(1920, 1080), picture=None):
    file = io.BytesIO()
    (picture or Image.new("RGB", size, (90, 110, 130))).save(file, "PNG", compress_level=1)
    return file.getvalue()


def saved(form, picture=None, **options):
    file = io.BytesIO()
    (picture or portrait()).save(file, form, **options)
    return file.getvalue()


def portrait():
    return Image.open(DEMO / "portrait.jpg").convert("RGB")


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_says(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(5_000)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def jpeg_that_says(width, height):
    content = bytearray(saved("JPEG"))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("me.txt", "hello")
    return file.getvalue()


def turned_by_flag(content):
    """The same MP4, to be shown turned by 90 degrees."""
    at = content.index(b"tkhd") + 44
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    return content[:at] + matrix + content[at + 36 :]


def replaced(content, at, value):
    """The same bytes with another number of 32 bits at a place."""
    return content[:at] + struct.pack("<I", value) + content[at + 4 :]


def two_faces():
    both = Image.new("RGB", (2048, 1024))
    both.paste(portrait(), (0, 0))
    both.paste(portrait(), (1024, 0))
    return both


def small_face():
    far = Image.new("RGB", (320, 240), (150, 160, 170))
    far.paste(portrait().resize((90, 90)), (40, 40))
    return far


def turned_face():
    """The portrait as if looked at from the side: one half narrow, the other wide."""
    nose, share = 540, 0.22
    left = np.linspace(0, nose, int(nose * share))
    right = np.linspace(nose, 1023, 1024 - len(left))
    wide = Image.new("RGB", (1324, 1024), (150, 160, 170))
    columns = np.concatenate([left, right]).astype(int)
    wide.paste(Image.fromarray(np.asarray(portrait())[:, columns]), (300, 0))
    return wide


def with_script(content):
    """The same JPEG, with a script in its comment."""
    text = b"<script>alert(1)</script>"
    return content[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + content[2:]


# -- what they are ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A sample, what is wrong with it, and what is true of it."""

    role: SampleRole
    name: str
    make: Callable[[], bytes]
    says: frozenset[str] = frozenset()  #: "error:code" and "warning:code"
    #: what vendors' bounds are about, as it was made
    true: Mapping[str, object] = field(default_factory=dict, hash=False)


def speech(name, make, *says, seconds=60.0, form="audio/wav"):
    lasts = dict.fromkeys(("voice_sample_seconds", "voice_seconds"), seconds)
    true = {**lasts, "voice_samples": 1, "voice_format": form}
    return Case(VOICE, name, make, frozenset(says), true)


def film(name, make, *says, seconds=70.0, form="video/mp4", codec="h264", size=(640, 480)):
    true = {"footage_seconds": seconds, "footage_format": form, "footage_codec": codec}
    return Case(FOOTAGE, name, make, frozenset(says), true | sized(size))


def picture(name, make, *says, form="image/png", size=(1024, 1024)):
    return Case(FOOTAGE, name, make, frozenset(says), {"picture_format": form, **sized(size)})


def sized(size):
    if size is None:
        return {}
    return {"footage_pixels": min(size), "footage_megapixels": size[0] * size[1] / 1e6}


def nothing(role, name, make, *says):
    """What is no recording: no vendor's bound is about it."""
    return Case(role, name, make, frozenset(says))


def half(make):
    return make()[: len(make()) // 2]


EXIF_TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"

CASES = [
    # what is no recording at all
    nothing(VOICE, "empty.wav", bytes, "error:empty"),
    nothing(FOOTAGE, "text.mp4", lambda: b"this is no film\n" * 100, "error:unknown"),
    nothing(FOOTAGE, "zip.mp4", zipped, "error:archive"),
    nothing(VOICE, "page.mp3", lambda: b"<!DOCTYPE html><html>log in</html>", "error:web-page"),
    nothing(VOICE, "list.mp3", lambda: b"#EXTM3U\nhttp://127.0.0.1/a.ts\n", "error:playlist"),
    nothing(FOOTAGE, "drawn.svg", lambda: b'<?xml version="1.0"?><svg/>', "error:svg"),
    nothing(FOOTAGE, "paper.png", lambda: b"%PDF-1.7\n" + bytes(99), "error:pdf"),
    nothing(FOOTAGE, "run.mp4", lambda: b"\x7fELF" + bytes(99), "error:program"),
    nothing(VOICE, "zeros.wav", lambda: bytes(10_000), "error:unknown"),
    # sound
    speech(
        "garbage-before.mp3",
        lambda: b"garbage!" * 20 + encoded(noise(5), "mp3", "libmp3lame"),
        seconds=5.04,
        form="audio/mpeg",
    ),
    speech("good.wav", lambda: wav(noise())),
    speech("short.wav", lambda: wav(noise(3)), seconds=3.0),
    speech(
        "endless.wav", lambda: wav(noise(610, 8_000), 8_000), "warning:narrow-band", seconds=610.0
    ),
    speech("named.mp3", lambda: wav(noise()), "warning:extension"),
    speech("silent.wav", lambda: wav(noise(level=0)), "error:silent"),
    speech(
        "pauses.wav",
        lambda: wav(np.pad(noise(24), ((0, 36 * RATE), (0, 0)))),
        "warning:mostly-silent",
    ),
    speech("clipped.wav", lambda: wav(noise(level=2)), "warning:clipped"),
    speech("peaks.wav", lambda: wav(noise(level=1.002)), "warning:clipped"),
    speech("quiet.wav", lambda: wav(noise(level=0.012)), "warning:quiet"),
    speech("offset.wav", lambda: wav(noise() + 0.2), "warning:dc-offset"),
    speech("8khz.wav", lambda: wav(noise(rate=8_000), 8_000), "warning:narrow-band"),
    speech("upsampled.wav", lambda: wav(telephone()), "warning:narrow-band"),
    speech("96khz.wav", lambda: wav(noise(20, 96_000), 96_000), seconds=20.0),
    speech(
        "six-channels.wav", lambda: wav(noise(20, channels=6)), "warning:channels", seconds=20.0
    ),
    speech(
        "wild.wav",
        lambda: float_wav(np.frombuffer(random.Random(3).randbytes(864_000), "<f4")[:, None]),
        "error:not-a-number",
        "warning:clipped",
        seconds=9.0,
    ),
    speech(
        "no-numbers.wav",
        lambda: float_wav(np.where(noise(9) > 0.19, np.float32("nan"), noise(9))),
        "error:not-a-number",
        seconds=9.0,
    ),
    speech("cut.wav", lambda: half(lambda: wav(noise())), "warning:truncated", seconds=29.99),
    speech("stream.wav", lambda: replaced(wav(noise()), 40, 0xFFFF_FFFF), "warning:length-field"),
    speech(
        "says-less.wav",
        lambda: replaced(replaced(wav(noise()), 40, 720_000), 4, 720_036),
        "warning:length-field",
        seconds=15.0,
    ),
    speech(
        "no-channels.wav",
        lambda: wav(noise(9))[:22] + b"\0\0" + wav(noise(9))[24:],
        "error:undecodable",
        seconds=None,
    ),
    speech(
        "header-alone.wav",
        lambda: wav(noise(0)),
        "error:no-sound",
        seconds=None,
    ),
    speech("odd.wav", lambda: encoded(noise(20), "wav", "adpcm_ima_wav"), seconds=20.0),
    speech(
        "opus.wav",
        lambda: encoded(noise(20, 48_000), "ogg", "libopus", 48_000),
        "warning:extension",
        seconds=20.0,
        form="audio/ogg",
    ),
    speech(
        "cut.mp3",
        lambda: half(partial(encoded, noise(20), "mp3", "libmp3lame")),
        "warning:truncated",
        seconds=9.96,
        form="audio/mpeg",
    ),
    speech("video.mp4", clip, "error:no-sound", seconds=70.0, form="video/mp4"),
    nothing(VOICE, "portrait.jpg", lambda: saved("JPEG"), "error:wrong-role"),
    # clips
    film(
        "good.mp4",
        partial(clip, 0, (1920, 1080), times=range(0, 125_000, 2_500)),
        seconds=123.0,
        size=(1920, 1080),
    ),
    film("brief.mp4", partial(clip, 3), seconds=3.0),
    film("hevc.mp4", partial(clip, codec="libx265"), codec="hevc"),
    film(
        "old.avi", partial(clip, codec="mpeg4", form="avi"), form="video/x-msvideo", codec="mpeg4"
    ),
    film(
        "vp9.webm",
        partial(clip, codec="libvpx-vp9", form="webm", deadline="realtime"),
        form="video/webm",
        codec="vp9",
    ),
    film(
        "prores.mov",
        partial(clip, 5, (320, 240), "mpeg4", "mov"),
        seconds=5.0,
        form="video/quicktime",
        codec="mpeg4",
        size=(320, 240),
    ),
    film("lying.mp4", lambda: turned_by_flag(clip()), "warning:rotated", size=(480, 640)),
    film(
        "uneven.mp4",
        partial(
            clip,
            times=[0, 40, 80, 500, 510, 900, 910, 1500, 1540, 2200, 2240, 2300, 3900, 4000, 4500],
        ),
        "warning:variable-frame-rate",
        seconds=5.0,
    ),
    film("interlaced.mp4", partial(clip, **{"x264-params": "interlaced=1"}), "warning:interlaced"),
    film(
        "no-keys.mp4",
        partial(clip, keep=lambda packet: not packet.is_keyframe),
        "error:no-keyframe",
        seconds=69.5,
    ),
    film("no-frames.mp4", no_frames, "error:no-frames", seconds=None),
    film(
        "cut-index-last.mp4",
        lambda: half(clip),
        "error:truncated",
        seconds=None,
        codec=None,
        size=None,
    ),
    film(
        "cut-index-first.mp4",
        lambda: moov_first(clip())[:-3_000],
        "warning:truncated",
        seconds=10.0,
    ),
    nothing(
        FOOTAGE,
        "sound-alone.mp4",
        lambda: encoded(noise(20), "mp4", "aac"),
        "error:wrong-role",
        "warning:extension",
    ),
    nothing(FOOTAGE, "sound.wav", lambda: wav(noise(9)), "error:wrong-role"),
    # pictures
    picture("good.png", lambda: saved("PNG")),
    picture("one-pixel.png", partial(png, (1, 1)), "error:too-few-pixels", size=(1, 1)),
    picture(
        "bomb.png",
        partial(png_that_says, 60_000, 60_000),
        "error:too-many-pixels",
        size=(60_000, 60_000),
    ),
    picture(
        "bomb.jpg",
        partial(jpeg_that_says, 65_500, 65_500),
        "error:too-many-pixels",
        form="image/jpeg",
        size=(65_500, 65_500),
    ),
    picture(
        "cut.png",
        lambda: half(lambda: saved("PNG")),
        "error:truncated",
    ),
    picture("cut.jpg", lambda: half(lambda: saved("JPEG")), "error:truncated", form="image/jpeg"),
    picture(
        "lying.png",
        lambda: b"\x89PNG\r\n\x1a\nnonsense",
        "error:undecodable",
        size=None,
    ),
    picture("polyglot.png", lambda: saved("PNG") + zipped(), "warning:polyglot"),
    picture(
        "script.jpg", lambda: with_script(saved("JPEG")), "warning:polyglot", form="image/jpeg"
    ),
    picture(
        "turned.jpg", lambda: saved("JPEG", exif=EXIF_TURNED), "warning:rotated", form="image/jpeg"
    ),
    picture(
        "phone.jpg",
        lambda: b"\0\0\0\x18ftypheic" + bytes(99),
        "error:truncated",
        "warning:extension",
        form="image/heic",
        size=None,
    ),
    picture("cat.gif", lambda: saved("GIF"), form="image/gif"),
    picture("scan.tiff", lambda: saved("TIFF"), form="image/tiff"),
    picture("new.webp", lambda: saved("WEBP"), form="image/webp"),
]
NAMED = {case.name: case for case in CASES}
VENDORS = usable()


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """What was seen in each sample, which is made and looked into once."""
    folder = tmp_path_factory.mktemp("bad")

    @cache
    def look(case, faces=None, limits=()):
        path = folder / case.name
        path.write_bytes(case.make())
        return preflight.examine([(case.role, case.name, path)], limits, faces)

    return look


def said(findings):
    return {f"{f.severity}:{f.code}" for f in findings}


def bounds(name):
    """All limits of a vendor that are about samples, without those about faces."""
    prefixes = (*BOUNDS[Operation.VOICE], "footage", "picture")
    return [(name, limit) for limit in VENDORS[name].limits if limit.what.startswith(prefixes)]


# -- what is said of them ---------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_with_a_sample_is_said_by_the_right_rule(looked, case):
    findings = preflight.judge(looked(case), ())
    assert said(findings) == set(case.says), [f.message for f in findings]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_finding_says_what_to_do_in_one_line_that_names_the_sample(looked, case):
    for finding in preflight.judge(looked(case), ()):
        assert case.name in finding.message
        assert finding.message.isprintable()
        assert re.search(r"[:;] ?\w+", finding.message)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_vendors_bounds_are_held_against_what_is_true_of_a_sample(looked, case):
    (subject,) = looked(case)
    found, true = {}, {}
    for name in VENDORS:
        findings = preflight.judge([subject], bounds(name))
        found[name] = {(f.severity, f.code) for f in findings if f.rule == name}
        true[name] = set(broken(name, case, subject.facts.size))
    assert found == true


def broken(name, case, size):
    """The bounds that a sample breaks, by how it was made."""
    true = dict(case.true)
    if true:
        true |= dict.fromkeys(("voice_bytes", "footage_bytes"), size)
        true |= {"picture_bytes": size} if "picture_format" in true else {}
    for _, limit in bounds(name):
        value = true.get(limit.what)
        if value is None or limit.what.split("_")[0] not in RELEVANT[case.role]:
            continue
        if isinstance(value, str):
            wrong = bool(limit.takes) and value not in limit.takes
            if wrong and limit.what.endswith("_format"):
                codec = true.get("footage_codec")
                wrong = conversion.target(value, limit.takes, codec) is None
        else:
            low, high = limit.minimum, limit.maximum
            wrong = (low is not None and value < low) or (high is not None and value > high)
        if wrong:
            yield limit.severity, limit.what


RELEVANT = {VOICE: {"voice"}, FOOTAGE: {"footage", "picture"}}


def test_there_are_bad_samples_enough():
    assert sum(bool(case.says) for case in CASES) >= 40


def test_hevc_is_an_error_only_where_a_vendor_says_so(looked):
    (subject,) = looked(NAMED["hevc.mp4"])
    severities = {
        name: f.severity
        for name in VENDORS
        for f in preflight.judge([subject], bounds(name))
        if f.code == "footage_codec"
    }
    assert severities == {"heygen": "warning", "d-id": "warning", "tavus": "error"}


def test_the_briefs_own_rules_are_dated_warnings(looked):
    subjects = [*looked(NAMED["good.wav"]), *looked(NAMED["brief.mp4"])]
    findings = preflight.judge(subjects, bounds("heygen"))
    ours = {(f.code, f.severity) for f in findings if "brief" in f.source and f.since}
    assert ours == {("footage_seconds", "warning")}


# -- faces ------------------------------------------------------------------------------------

FACES = {
    "one": (portrait, set()),
    "two": (two_faces, {"faces"}),
    "none": (lambda: Image.new("RGB", (640, 480), (90, 110, 130)), {"faces"}),
    "small": (small_face, {"face_pixels"}),
    "turned": (turned_face, {"face_turn"}),
}


@pytest.mark.parametrize("name", ["local", "heygen", "d-id", "tavus"])
@pytest.mark.parametrize("kind", FACES)
def test_the_face_is_held_against_a_vendors_bounds(tmp_path, kind, name):
    pytest.importorskip("onnxruntime")
    draw, wrong = FACES[kind]
    path = tmp_path / "me.png"
    draw().save(path)
    finder = VENDORS["local"]()
    limits = [(name, limit) for limit in VENDORS[name].limits if limit.what.startswith("face")]
    findings = preflight.inspect([(FOOTAGE, "me.png", path)], limits, finder)
    assert {f.code for f in findings} == wrong & {limit.what for _, limit in limits}


def test_a_face_in_a_picture_that_lies_is_found_upright(tmp_path):
    pytest.importorskip("onnxruntime")
    path = tmp_path / "me.jpg"
    portrait().rotate(90).save(path, exif=EXIF_TURNED)
    limits = [("local", limit) for limit in VENDORS["local"].limits]
    findings = preflight.inspect([(FOOTAGE, "me.jpg", path)], limits, VENDORS["local"]())
    assert said(findings) == {"warning:rotated"}


def test_the_local_bounds_are_those_of_its_engine():
    footage = pytest.importorskip("avatarkit.providers.local.footage")
    told = {limit.what: limit for limit in VENDORS["local"].limits}
    assert told["face_pixels"].minimum == footage.MIN_EYE_DISTANCE
    assert told["face_turn"].maximum == footage.MAX_TURN
    assert told["footage_megapixels"].maximum == limits.MAX_JPEG_PIXELS / 1e6


# -- several ----------------------------------------------------------------------------------


def test_the_same_recording_twice_is_said_whatever_its_name(tmp_path):
    for name in ("one.wav", "two.wav"):
        (tmp_path / name).write_bytes(wav(noise(9)))
    samples = [(VOICE, name, tmp_path / name) for name in ("one.wav", "two.wav")]
    assert said(preflight.inspect(samples, ())) == {"error:duplicate"}


def test_the_same_clip_for_voice_and_face_is_a_warning(tmp_path):
    path = tmp_path / "me.mp4"
    path.write_bytes(clip(5))
    findings = preflight.inspect([(VOICE, "a.mp4", path), (FOOTAGE, "b.mp4", path)], ())
    assert "warning:duplicate" in said(findings)


# -- what is no file, and names ---------------------------------------------------------------


def fifo(path):
    os.mkfifo(path)


def loop(path):
    path.symlink_to(path)


def dangling(path):
    path.symlink_to(path.with_name("gone"))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (Path.mkdir, "not-a-file"),
        (fifo, "not-a-file"),
        (loop, "unreadable"),
        (dangling, "missing"),
        (lambda path: None, "missing"),
        (lambda path: path.symlink_to("/dev/zero"), "not-a-file"),
    ],
    ids=["folder", "pipe", "loop", "dangling", "missing", "device"],
)
def test_what_is_no_file_is_said_and_not_waited_for(tmp_path, make, code):
    path = tmp_path / "me.wav"
    make(path)
    assert said(preflight.inspect([(VOICE, "me.wav", path)], ())) == {f"error:{code}"}


def test_a_file_without_the_right_to_read_it_is_said(tmp_path, monkeypatch):
    path = tmp_path / "me.wav"
    path.write_bytes(wav(noise(1)))

    def refused(*_given, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)  # root may read everything
    assert [flaw.code for flaw in probing.probe(path).flaws] == ["unreadable"]


@pytest.mark.parametrize("path", ["a\0b.wav", "x" * 300 + ".wav"], ids=["null byte", "too long"])
def test_what_can_be_no_name_is_said(tmp_path, path):
    findings = preflight.inspect([(VOICE, path, tmp_path / path)], ())
    assert said(findings) == {"error:unreadable"}


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a\x1b[2Jb.wav",
        "line\nbreak.wav",
        "\u202ereversed.wav",
        "Zoë 世界.wav",
        "\udcff.wav",
    ],
    ids=ascii,
)
def test_a_name_that_holds_anything_is_shown_on_one_line(tmp_path, name):
    path = tmp_path / "it"
    path.write_bytes(b"no sound")
    (finding,) = preflight.inspect([(VOICE, name, path)], ())
    assert (finding.code, finding.message.isprintable()) == ("unknown", True)


# -- what they cost ---------------------------------------------------------------------------


class Reads(io.FileIO):
    """A file that notes how often it was opened, and how much of it was read."""

    opened: list[str] = []
    amount = 0

    def __init__(self, path):
        Reads.opened.append(str(path))
        super().__init__(path)

    def read(self, size=-1):
        piece = super().read(size)
        Reads.amount += len(piece)
        return piece


@pytest.mark.parametrize(
    "name",
    ["good.wav", "brief.mp4", "cut-index-first.mp4", "opus.wav", "good.png", "says-less.wav"],
)
def test_a_sample_is_opened_once_and_its_bytes_are_read_about_once(tmp_path, monkeypatch, name):
    case, path = NAMED[name], tmp_path / name
    path.write_bytes(case.make())
    probing.probe(path, name, case.role)  # imports open files, too
    monkeypatch.setattr(Path, "open", lambda self, *_given, **_more: Reads(self))
    monkeypatch.setattr(Reads, "opened", [])
    monkeypatch.setattr(Reads, "amount", 0)
    facts = probing.probe(path, name, case.role)
    assert Reads.opened == [str(path)]
    assert Reads.amount <= path.stat().st_size * 1.1 + 3 * 65_536
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["good.wav", "good.png", "brief.mp4", "opus.wav", "hevc.mp4"])
def test_no_damage_to_a_sample_harms_who_looks_at_it(tmp_path, name):
    source = random.Random(name)
    whole = NAMED[name].make()[:60_000]
    path = tmp_path / name
    for _ in range(25):
        damaged = bytearray(whole)
        for _ in range(source.choice([1, 10, 300])):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        path.write_bytes(damaged[: source.choice([len(damaged), source.randrange(len(damaged))])])
        assert isinstance(probing.probe(path, stills=1), probing.Facts)


PEAK = """
import json, resource, sys
from pathlib import Path
from avatarkit.intake.probing import probe

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

first, *others = map(Path, sys.argv[1:])
probe(first)
before = peak()
for path in others:
    probe(path)
print(json.dumps(peak() - before))
"""


def test_no_sample_takes_much_memory(tmp_path):
    names = ["good.wav", "endless.wav", "bomb.png", "bomb.jpg", "six-channels.wav", "cut.png"]
    for name in names:
        (tmp_path / name).write_bytes(NAMED[name].make())
    large = tmp_path / "large.png"  # a bomb whose size is honest, and one that is large on disk
    large.write_bytes(png_that_says(16_000, 16_000))
    sparse = tmp_path / "sparse.mp4"
    with sparse.open("wb") as file:
        file.write(b"\0\0\0\x18ftypisom")
        file.truncate(256 << 20)
    run = subprocess.run(
        [sys.executable, "-c", PEAK, *(tmp_path / name for name in names), large, sparse],
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert json.loads(run.stdout) < 64 << 20
