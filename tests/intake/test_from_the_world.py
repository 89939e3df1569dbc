"""Files as phones, browsers and recorders write them: preflight is no stricter than the engine.

Those in ``tests/inputs`` were given to the project; their siblings are made here. Each goes through
preflight and through the engine of ``local``. What the engine can train from is no error.
"""

import io
import random
import struct
import wave
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import pytest

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")
pytest.importorskip("onnxruntime")

from avatarkit.content import containers, playback  # noqa: E402 - where they are installed
from avatarkit.errors import MediaRejected  # noqa: E402
from avatarkit.intake import preflight, probing  # noqa: E402
from avatarkit.models import SampleRole  # noqa: E402
from avatarkit.providers.local import audio, footage, render, video  # noqa: E402
from avatarkit.stacks.registry import usable  # noqa: E402

INPUTS = Path(__file__).parents[1] / "inputs"
VOICE, FOOTAGE = SampleRole.VOICE, SampleRole.FOOTAGE
LOCAL = usable()["local"]
LIMITS = [("local", limit) for limit in LOCAL.limits]


class Enough(Exception):
    """The engine follows the face; the rest of a clip is not needed."""


def engine_reads(role, path, folder):
    """True if the engine can train from a file; its reason if not."""
    calls = iter(range(80))

    def check():
        if next(calls, None) is None:
            raise Enough

    folder.mkdir()
    try:
        if role is VOICE:
            render.train_voice([path], folder / "voice")
        else:
            footage.train(path, folder, check)
    except Enough:
        return True
    except MediaRejected as error:
        return str(error)
    return True


def inspected(role, path, name=None):
    return preflight.inspect([(role, name or path.name, path)], LIMITS, LOCAL())


def errors(findings):
    return [f.message for f in findings if f.severity == "error"]


# -- sound ------------------------------------------------------------------------------------


@cache
def speech():
    """Three seconds of a synthetic voice: 16-bit samples, and their rate."""
    with wave.open(str(INPUTS / "v_list_comment_data.wav")) as file:
        return np.frombuffer(file.readframes(-1), "<i2"), file.getframerate()


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wav(*before, size=None, form=None, riff=b"RIFF", samples=None):
    said, rate = speech()
    data = (said if samples is None else samples).astype("<i2").tobytes()
    form = form or struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    body = b"WAVE" + chunk(b"fmt ", form) + b"".join(before)
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return riff + struct.pack("<I", 0xFFFF_FFFF if size else len(body)) + body


def extensible():
    rate = speech()[1]
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    return (
        struct.pack("<HHIIHH", 0xFFFE, 1, rate, rate * 2, 2, 16)
        + struct.pack("<HHI", 22, 16, 4)
        + guid
    )


def rf64():
    said = speech()[0]
    long = struct.pack("<QQQI", 0, said.size * 2, said.size, 0)
    content = wav(size=0xFFFF_FFFF, riff=b"RF64")
    return content[:12] + chunk(b"ds64", long) + content[12:]


def encoded(form, codec, *tracks, rate=None, layout="mono", **options):
    """The voice, or other samples of shape (channels, values) in several tracks."""
    said, own = speech()
    rate = rate or own
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        made = []
        for samples in tracks or (said[None],):
            stream = out.add_stream(codec, rate=rate, layout=layout, **options)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(np.asarray(samples, np.int16).T.reshape(1, -1)),
                format="s16",
                layout=layout,
            )
            frame.sample_rate = own
            resampler = av.AudioResampler(
                stream.format.name, layout, rate, stream.frame_size or 1024
            )
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                made += stream.encode(part)
            made += stream.encode(None)
        for packet in sorted(made, key=lambda packet: (packet.pts or 0) * packet.time_base):
            out.mux(packet)
    return file.getvalue()


def id3(*, footer=False, size=70_000):
    length = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    head = b"\4\0" + (b"\x10" if footer else b"\0") + length
    return b"ID3" + head + bytes(size) + (b"3DI" + head if footer else b"")


APE_TAG = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0xA000_0000) + bytes(8)


@pytest.mark.parametrize("name", ["unknown.wav", "unknown.m4a", "unknown.mka"])
def test_sound_of_an_unknown_codec_is_not_called_missing(tmp_path, name):
    path = tmp_path / name
    if name == "unknown.wav":
        content, known, other = wav(), struct.pack("<HH", 1, 1), struct.pack("<HH", 0x1234, 1)
    elif name == "unknown.m4a":
        content, known, other = encoded("ipod", "alac"), b"alac", b"apac"
    else:
        content, known, other = encoded("matroska", "flac"), b"A_FLAC", b"A_APAC"
    assert known in content
    path.write_bytes(content.replace(known, other, 1))
    (found,) = errors(inspected(VOICE, path))
    assert "audio that cannot be decoded" in found
    assert "has no decoder" in engine_reads(VOICE, path, tmp_path / "engine")


def both(left, right):
    """Two channels; each is a part of the voice's level."""
    said = speech()[0].astype(float)
    return np.stack([said * left, said * right])


def silence():
    return np.zeros((1, speech()[0].size))


mp3 = partial(encoded, "mp3", "libmp3lame")
SOUNDS = {
    "comment.wav": partial(wav, chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"data" * 9))),
    "name.wav": partial(wav, chunk(b"LIST", b"INFO" + chunk(b"INAM", b"my data"))),
    "bext.wav": partial(wav, chunk(b"bext", b"data\xff\xff\xff\x7f" + bytes(600))),
    "padded.wav": partial(wav, chunk(b"JUNK", b"odd")),
    "no-length.wav": partial(wav, size=0xFFFF_FFFF),
    "zero-length.wav": partial(wav, size=0),
    "sox.wav": partial(wav, size=0x7FFF_FFDC),
    "extensible.wav": lambda: wav(form=extensible()),
    "rf64.wav": rf64,
    "long.w64": partial(encoded, "w64", "pcm_s16le"),
    "quiet.wav": lambda: wav(samples=speech()[0] // 200),
    "mpeg-2.mp3": partial(mp3, rate=22_050),
    "mpeg-2.5.mp3": partial(mp3, rate=11_025),
    "layer-2.mp2": partial(encoded, "mp2", "mp2", rate=44_100),
    "footer.mp3": lambda: id3(footer=True) + mp3(),
    "two-tags.mp3": lambda: id3(size=300) + id3(size=3) + mp3(),
    "zeros.mp3": lambda: bytes(3_000) + mp3(),
    "ape.mp3": lambda: mp3() + APE_TAG,
    "id3v1.mp3": lambda: mp3() + b"TAG" + bytes(125),
    "radio.aac": partial(encoded, "adts", "aac"),
    "radio-tagged.aac": lambda: id3(size=500) + encoded("adts", "aac"),
    "mac.aiff": partial(encoded, "aiff", "pcm_s16be"),
    "mac.caf": partial(encoded, "caf", "pcm_s16le"),
    "tagged.flac": lambda: id3(size=500) + encoded("flac", "flac"),
    "opus.ogg": partial(encoded, "ogg", "libopus", rate=48_000),
    "sound.mkv": partial(encoded, "matroska", "libopus", rate=48_000),
    "browser.webm": partial(encoded, "webm", "libopus", rate=48_000),
    "unix.au": partial(encoded, "au", "pcm_s16be"),
    "opposite.wav": lambda: encoded("wav", "pcm_s16le", both(1, -1), layout="stereo"),
    "opposite.m4a": lambda: encoded("ipod", "aac", both(0.5, -0.5), layout="stereo"),
    "left.wav": lambda: encoded("wav", "pcm_s16le", both(1, 0), layout="stereo"),
    "right.mp3": lambda: mp3(both(0, 0.5), layout="stereo"),
    "second-track.mka": lambda: encoded("matroska", "pcm_s16le", silence(), speech()[0][None]),
    "second-track.m4a": lambda: encoded("ipod", "aac", silence(), speech()[0][None]),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_a_recording_that_the_engine_hears_is_no_error(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SOUNDS[name]())
    assert engine_reads(VOICE, path, tmp_path / "engine") is True
    facts = probing.probe(path, name, VOICE)
    assert errors(inspected(VOICE, path)) == []
    assert facts.seconds == pytest.approx(3.0, abs=0.2)
    assert "extension" not in {flaw.code for flaw in facts.flaws}


@pytest.mark.parametrize("name", ["opposite.wav", "left.wav", "second-track.mka"])
def test_the_sound_that_is_heard_is_the_voice_at_its_level(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SOUNDS[name]())
    said, rate = speech()
    heard, _ = audio.read_audio(path, rate)
    whole = said[: heard.size] / 32768
    assert np.corrcoef(np.abs(heard), np.abs(whole))[0, 1] > 0.99
    assert np.std(heard) > 0.4 * np.std(whole)
    assert not {flaw.code for flaw in probing.probe(path, name, VOICE).flaws}


@pytest.mark.parametrize("name", ["opposite.wav", "second-track.mka", "zeros.mp3"])
def test_what_is_converted_for_a_vendor_is_the_sound_that_was_measured(tmp_path, name):
    from avatarkit.content.audio import write

    path = tmp_path / name
    path.write_bytes(SOUNDS[name]())
    write([path], tmp_path / "out.wav", "audio/wav")
    assert not {f.code for f in probing.probe(tmp_path / "out.wav", "out.wav", VOICE).flaws}


@pytest.mark.parametrize(
    "head",
    [
        bytes([0xFF, second, third, 0x40])
        for second in range(0xE0, 0x100)
        for third in (0x10, 0x90, 0xE4)
    ],
)
def test_an_mpeg_frame_is_told_by_its_fields(head):
    version, layer, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 2 & 3
    valid = version != 1 and layer != 0 and rate != 3
    assert (containers.mpeg_frame(head) is not None) == valid


def test_free_format_is_mpeg_audio():
    frame = b"\xff\xfb\x00\x40" + bytes(700)
    content = frame * 9
    found = containers.identify(io.BytesIO(content), len(content))
    assert (found.kind, found.media_type) == ("audio", "audio/mpeg")


# -- pictures ---------------------------------------------------------------------------------


@cache
def portrait():
    return Image.open(INPUTS / "p_motion_photo_90k.jpg").convert("RGB")


def saved(form, picture=None, **options):
    file = io.BytesIO()
    (picture or portrait()).save(file, form, **options)
    return file.getvalue()


#: How a picture is stored, so that each orientation flag shows it upright.
STORED = {
    1: (),
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_90,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_270,),
}


def wide():
    """The portrait with a bar at its right, so that width and height differ."""
    picture = Image.new("RGB", (400, 320), (200, 30, 30))
    picture.paste(portrait(), (0, 0))
    return picture


def flagged(orientation, form="JPEG"):
    picture = wide()
    for step in STORED[orientation]:
        picture = picture.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(form, picture, exif=exif)


def deep(kind, most, form):
    """The portrait in grey, as a scanner or a microscope stores it: values up to ``most``."""
    grey = np.asarray(portrait().convert("L"), float) / 255
    return saved(form, Image.fromarray((grey * most).astype(kind)))


def with_thumbnail():
    """A JPEG whose EXIF holds another, small JPEG, as all cameras write."""
    small = saved("JPEG", portrait().resize((160, 120)))
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\x0e\0\0\0" + struct.pack("<H", 2)
    exif += struct.pack("<HHII", 0x0201, 4, 1, 44) + struct.pack("<HHII", 0x0202, 4, 1, len(small))
    body = exif + bytes(4) + small
    content = saved("JPEG")
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


def several(form, **options):
    others = [portrait().rotate(5 * turn) for turn in (1, 2)]
    return saved(form, save_all=True, append_images=others, **options)


def box(kind, *body, version=None):
    content = b"" if version is None else struct.pack(">I", version << 24)
    content += b"".join(body)
    return struct.pack(">I", len(content) + 8) + kind + content


def hevc(picture):
    """The configuration and the bytes of one picture, coded as HEVC."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx265", rate=1)
        stream.options = {"x265-params": "log-level=none:info=0", "crf": "12"}
        stream.width, stream.height, stream.pix_fmt = *picture.size, "yuv420p"
        frame = av.VideoFrame.from_image(picture)
        frame.pts, frame.time_base = 0, Fraction(1)
        for packet in stream.encode(frame) + stream.encode(None):
            packet.pts = packet.dts = 0  # x265 leaves one of them to chance
            out.mux(packet)
    content = file.getvalue()
    at = content.index(b"hvcC") - 4
    config = content[at : at + int.from_bytes(content[at : at + 4], "big")]
    at = content.index(b"mdat") - 4
    return config, content[at + 8 : at + int.from_bytes(content[at : at + 4], "big")]


def heic(picture, tile=128, *, quarters=0, mirror=None):
    """A HEIC as a phone writes it: a grid of tiles, and a turn."""
    width, height = picture.size
    columns, rows = -(-width // tile), -(-height // tile)
    padded = Image.new("RGB", (columns * tile, rows * tile))
    padded.paste(picture, (0, 0))
    coded = [
        hevc(padded.crop((x * tile, y * tile, (x + 1) * tile, (y + 1) * tile)))
        for y in range(rows)
        for x in range(columns)
    ]
    count, whole = len(coded), len(coded) + 1
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    entries = [
        box(b"infe", struct.pack(">HH", n, 0), b"hvc1\0", version=2) for n in range(1, count + 1)
    ]
    entries.append(box(b"infe", struct.pack(">HH", whole, 0), b"grid\0", version=2))
    turns = [box(b"irot", bytes([quarters]))] if quarters else []
    turns += [box(b"imir", bytes([mirror]))] if mirror is not None else []
    tile_size = box(b"ispe", struct.pack(">II", tile, tile), version=0)
    size = box(b"ispe", struct.pack(">II", width, height), version=0)
    properties = box(b"ipco", coded[0][0], tile_size, size, *turns)
    owned = [struct.pack(">HBBB", n, 2, 0x81, 0x02) for n in range(1, count + 1)]
    own = [0x03, *(0x84 + n for n in range(len(turns)))]
    owned.append(struct.pack(">HB", whole, len(own)) + bytes(own))
    shared = box(b"iprp", properties, box(b"ipma", struct.pack(">I", whole), *owned, version=0))
    made = struct.pack(">HH", whole, count) + struct.pack(f">{count}H", *range(1, count + 1))

    def meta(start):
        places, at = [], start
        for n, (_, body) in enumerate(coded, 1):
            places.append(struct.pack(">HHHHII", n, 0, 0, 1, at, len(body)))
            at += len(body)
        places.append(struct.pack(">HHHHII", whole, 1, 0, 1, 0, len(grid)))
        return box(
            b"meta",
            box(b"hdlr", bytes(4), b"pict", bytes(13), version=0),
            box(b"pitm", struct.pack(">H", whole), version=0),
            box(b"iloc", b"\x44\0", struct.pack(">H", whole), *places, version=1),
            box(b"iinf", struct.pack(">H", whole), *entries, version=0),
            box(b"iref", box(b"dimg", made), version=0),
            shared,
            box(b"idat", grid),
            version=0,
        )

    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    data = box(b"mdat", *(body for _, body in coded))
    return head + meta(len(head) + len(meta(0)) + 8) + data


PICTURES = {
    "thumbnail.jpg": (with_thumbnail, (320, 320)),
    "trailing.jpg": (lambda: saved("JPEG") + bytes(90_000), (320, 320)),
    "zeros-behind.png": (lambda: saved("PNG") + bytes(5_000), (320, 320)),
    "progressive.jpg": (partial(saved, "JPEG", progressive=True), (320, 320)),
    "grey.jpg": (lambda: saved("JPEG", portrait().convert("L")), (320, 320)),
    "grey-16.png": (partial(deep, "<u2", 65_535, "PNG"), (320, 320)),
    "grey-16.tiff": (partial(deep, "<u2", 65_535, "TIFF"), (320, 320)),
    "grey-32.tiff": (partial(deep, "<i4", 65_535, "TIFF"), (320, 320)),
    "grey-float.tiff": (partial(deep, "<f4", 1, "TIFF"), (320, 320)),
    "cmyk.jpg": (lambda: saved("JPEG", portrait().convert("CMYK")), (320, 320)),
    "several.jpg": (partial(several, "MPO"), (320, 320)),
    "several.tiff": (partial(several, "TIFF"), (320, 320)),
    "animated.png": (partial(several, "PNG"), (320, 320)),
    "animated.gif": (partial(several, "GIF"), (320, 320)),
    "animated.avif": (partial(several, "AVIF"), (320, 320)),
    "still.avif": (partial(saved, "AVIF"), (320, 320)),
    "still.bmp": (partial(saved, "BMP"), (320, 320)),
    "tiles.heic": (lambda: heic(wide()), (400, 320)),
    "turned.heic": (
        lambda: heic(wide().transpose(Image.Transpose.ROTATE_90), quarters=3),
        (400, 320),
    ),
    "mirrored.heic": (
        lambda: heic(wide().transpose(Image.Transpose.FLIP_LEFT_RIGHT), mirror=1),
        (400, 320),
    ),
    **{f"exif-{n}.jpg": (partial(flagged, n), (400, 320)) for n in STORED},
    "exif-6.png": (partial(flagged, 6, "PNG"), (400, 320)),
    "exif-8.webp": (partial(flagged, 8, "WEBP"), (400, 320)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_the_engine_sees_is_no_error_and_measured_as_shown(tmp_path, name):
    make, size = PICTURES[name]
    path = tmp_path / name
    path.write_bytes(make())
    assert engine_reads(FOOTAGE, path, tmp_path / "engine") is True
    assert errors(inspected(FOOTAGE, path)) == []
    facts = probing.probe(path, name, FOOTAGE, stills=1)
    assert (facts.width, facts.height) == size
    still = np.asarray(Image.open(io.BytesIO(facts.stills[0])).convert("RGB"), float)
    shown = np.asarray(wide() if size == (400, 320) else portrait(), float)
    if "cmyk" not in name and "grey" not in name:
        assert np.abs(still - shown).mean() < 12
    assert ("animated" in name) == ("animated" in {flaw.code for flaw in facts.flaws})


UNREAD = {
    "camera.jp2": partial(saved, "JPEG2000"),
    "stream.j2k": partial(saved, "JPEG2000", no_jp2=True),
    "icon.ico": lambda: saved("ICO", sizes=[(256, 256)]),
    "layers.psd": lambda: b"8BPS\0\1" + bytes(400),
    "phone.jxl": lambda: b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(400),
    "raw.jxl": lambda: b"\xff\x0a" + bytes(400),
    "grey.pgm": lambda: b"P5 20 20 255\n" + bytes(400),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_picture_of_a_format_that_is_not_read_is_called_a_picture(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(UNREAD[name]())
    (found,) = errors(inspected(FOOTAGE, path))
    assert "a picture in a format that is not read" in found
    assert "a picture in a format that is not read" in engine_reads(FOOTAGE, path, tmp_path / "e")


# -- clips ------------------------------------------------------------------------------------


def film(*parts, form="mp4", codec="libx264", rate=25, matrix=None, aspect=None, **options):
    """A clip of pictures, each given with its number of frames; a new size begins a new coder."""
    file = io.BytesIO()
    with av.open(file, "w", format=form, options=options) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height = parts[0][0].size
        stream.pix_fmt = "yuv420p"
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        number = 0
        for picture, count in parts:
            for _ in range(count):
                frame = av.VideoFrame.from_image(picture)
                frame.pts, frame.time_base = number, Fraction(1, rate)
                out.mux(stream.encode(frame))
                number += 1
        out.mux(stream.encode(None))
    content = file.getvalue()
    if matrix is not None:
        at = content.index(b"tkhd") + 44
        turned = struct.pack(">9i", *(value << 16 for value in matrix), 0, 0, 1 << 30)
        content = content[:at] + turned + content[at + 36 :]
    return content


#: a, b, u, c, d, v of the display matrix, and how the frames are stored.
TURNS = {
    "clockwise": ((0, 1, 0, -1, 0, 0), Image.Transpose.ROTATE_90),
    "anticlockwise": ((0, -1, 0, 1, 0, 0), Image.Transpose.ROTATE_270),
    "upside-down": ((-1, 0, 0, 0, -1, 0), Image.Transpose.ROTATE_180),
    "mirrored": ((-1, 0, 0, 0, 1, 0), Image.Transpose.FLIP_LEFT_RIGHT),
}


@pytest.mark.parametrize("name", TURNS)
def test_a_clip_with_a_display_matrix_is_seen_upright_by_both(tmp_path, name):
    matrix, stored = TURNS[name]
    path = tmp_path / f"{name}.mp4"
    path.write_bytes(film((wide().transpose(stored), 3), matrix=matrix))
    facts = probing.probe(path, path.name, FOOTAGE, stills=1)
    assert (facts.width, facts.height) == (400, 320)
    still = np.asarray(Image.open(io.BytesIO(facts.stills[0])), float)
    assert np.abs(still - np.asarray(wide(), float)).mean() < 12
    first = next(video.read_frames(path, 25))
    assert np.abs(np.asarray(first, float) - still).mean() < 3


@pytest.mark.parametrize(("form", "codec"), [("mp4", "libx264"), ("mov", "mpeg4")])
@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(4, 3), (427, 320)), (Fraction(1, 2), (320, 640))]
)
def test_pixels_that_are_not_square_are_shown_as_such(tmp_path, form, codec, aspect, size):
    path = tmp_path / f"me.{form}"
    path.write_bytes(film((portrait(), 5), form=form, codec=codec, aspect=aspect))
    facts = probing.probe(path, path.name, FOOTAGE)
    assert facts.width == pytest.approx(size[0], abs=1)
    assert facts.height == pytest.approx(size[1], abs=1)
    assert next(video.read_frames(path, 25)).size == (facts.width, facts.height)


def test_the_container_goes_before_the_codec_in_the_shape_of_a_pixel(tmp_path):
    content = film((portrait(), 5), aspect=Fraction(4, 3))
    at = content.index(b"pasp") + 4
    path = tmp_path / "me.mp4"
    path.write_bytes(content[:at] + struct.pack(">II", 2, 1) + content[at + 8 :])
    assert probing.probe(path, path.name, FOOTAGE).width == 640
    assert next(video.read_frames(path, 25)).size == (640, 320)


@pytest.mark.parametrize("first", [b"skip", b"free", b"junk", b"pnot"])
def test_a_quicktime_film_may_begin_with_any_atom(tmp_path, first):
    path = tmp_path / "me.mov"
    content = (INPUTS / "c_quicktime_no_ftyp.mov").read_bytes()
    path.write_bytes(content[:4] + first + content[8:])
    facts = probing.probe(path, path.name, FOOTAGE)
    assert (facts.media_type, facts.width, facts.flaws) == ("video/quicktime", 300, ())


def test_a_clip_that_grows_keeps_the_size_of_its_first_picture(tmp_path):
    content = film((portrait().resize((160, 160)), 30), form="ivf", codec="libvpx")
    more = film((portrait(), 30), form="ivf", codec="libvpx")
    path = tmp_path / "me.webm"
    path.write_bytes(joined(content, more))
    assert {image.size for image in video.read_frames(path, 25)} == {(160, 160)}
    assert probing.probe(path, path.name, FOOTAGE).width == 160


def test_a_clip_whose_shape_changes_is_trained_from_the_longer_shot(tmp_path):
    lying = film((wide(), 8), form="ivf", codec="libvpx")
    upright = film((portrait().crop((20, 0, 300, 320)), 40), form="ivf", codec="libvpx")
    path = tmp_path / "me.webm"
    path.write_bytes(joined(lying, upright))
    assert engine_reads(FOOTAGE, path, tmp_path / "engine") is True
    assert errors(inspected(FOOTAGE, path)) == []


def still_film(form="mp4", *, rate=25, start=0, frames=50):
    """The portrait as a film whose first frame is shown after ``start`` seconds."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.width = stream.height = 320
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_image(portrait())
            frame.pts, frame.time_base = start * rate + number, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


@pytest.mark.parametrize("rate", [1, 2, 5])
def test_a_film_of_few_frames_a_second_is_seen_by_both(tmp_path, rate):
    path = tmp_path / "slow.mp4"
    path.write_bytes(still_film(rate=rate, frames=7 * rate))
    assert errors(inspected(FOOTAGE, path)) == []
    assert probing.probe(path, stills=1).stills
    assert engine_reads(FOOTAGE, path, tmp_path / "engine") is True


@pytest.mark.parametrize("form", ["matroska", "mp4", "mpegts"])
def test_a_film_that_begins_late_is_whole(tmp_path, form):
    path = tmp_path / "late"
    path.write_bytes(still_film(form, start=20))
    assert probing.probe(path, role=FOOTAGE).flaws == ()
    assert playback.play.function(path).problem is None


@pytest.mark.parametrize("form", ["h264", "hevc", "ivf", "nut", "yuv4mpegpipe"])
def test_video_that_is_not_read_is_named_so(tmp_path, form):
    codec = {"ivf": "libvpx", "hevc": "libx265", "yuv4mpegpipe": "wrapped_avframe"}
    path = tmp_path / "clip"
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        stream = out.add_stream(codec.get(form, "libx264"), rate=25)
        stream.width = stream.height = 320
        stream.pix_fmt = "yuv420p"
        if form == "hevc":
            stream.options = {"x265-params": "log-level=none:info=0"}
        for number in range(30):
            frame = av.VideoFrame.from_image(portrait().rotate(number)).reformat(format="yuv420p")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    path.write_bytes(file.getvalue())
    (found,) = errors(inspected(FOOTAGE, path))
    assert "video without a container, or in one that is not read" in found


def joined(*films):
    """One WebM whose stream changes its size, of several IVF of VP8."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as out:
        number, target = 0, None
        for content in films:
            with av.open(io.BytesIO(content)) as source:
                target = target or out.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.pts = packet.dts = number
                        packet.stream = target
                        out.mux(packet)
                        number += 1
    return file.getvalue()


# -- those that were given --------------------------------------------------------------------

#: Width and height as shown, seconds, and the warnings that a user can act on.
GIVEN = {
    "v_list_comment_data.wav": (None, None, 3.0, set()),
    "v_crc.mp3": (None, None, 3.03, set()),
    "c_quicktime_no_ftyp.mov": (300, 300, 3.0, set()),
    "c_shrinks.webm": (320, 320, 2.8, set()),
    "c_anamorphic.mp4": (301, 300, 2.2, set()),
    "c_fade_in.mp4": (300, 300, 5.0, set()),
    "c_mediarecorder.webm": (300, 300, 2.214, set()),
    "p_motion_photo_90k.jpg": (320, 320, None, set()),
    "p_ultrahdr_512.jpg": (512, 512, None, set()),
    "p_animated.webp": (336, 336, None, {"animated"}),
    "p_iphone.heic": (336, 336, None, set()),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_given_file_is_taken_by_preflight_and_by_the_engine(tmp_path, name):
    role, path = (VOICE if name.startswith("v_") else FOOTAGE), INPUTS / name
    facts = probing.probe(path, name, role)
    *measured, warnings = GIVEN[name]
    assert [facts.width, facts.height, facts.seconds and round(facts.seconds, 3)] == measured
    assert {f.code for f in inspected(role, path)} == warnings
    assert engine_reads(role, path, tmp_path / "engine") is True


def test_every_given_file_is_tested():
    others = {"c_truncated.mp4", "index_bomb.mp4", "README.md"}
    assert {path.name for path in INPUTS.iterdir()} - others == set(GIVEN)


def test_the_engine_looks_for_a_face_as_long_as_preflight_does():
    assert footage.SEARCH_SECONDS == preflight.FACE_SECONDS


def test_a_clip_without_a_face_says_which_seconds_were_looked_at(tmp_path):
    path = tmp_path / "me.mp4"
    path.write_bytes(film((Image.new("RGB", (320, 320), (90, 90, 90)), 60)))
    assert "no face was found in its first 3 seconds" in errors(inspected(FOOTAGE, path))[0]
    said = engine_reads(FOOTAGE, path, tmp_path / "engine")
    assert "no face was found in the first 2 seconds of me.mp4" in said


# -- uploads that broke off -------------------------------------------------------------------

WHOLE = {
    "v.wav": wav,
    "v.mp3": mp3,
    "v.m4a": partial(encoded, "ipod", "aac"),
    "v.webm": SOUNDS["browser.webm"],
    "v.ogg": SOUNDS["opus.ogg"],
    "v.aiff": SOUNDS["mac.aiff"],
    "p.jpg": partial(saved, "JPEG"),
    "p.png": partial(saved, "PNG"),
    "p.gif": partial(saved, "GIF"),
    "p.webp": partial(saved, "WEBP"),
    "p.heic": (INPUTS / "p_iphone.heic").read_bytes,
    "c.mp4": (INPUTS / "c_anamorphic.mp4").read_bytes,
    "c.mov": (INPUTS / "c_quicktime_no_ftyp.mov").read_bytes,
    "c.webm": (INPUTS / "c_mediarecorder.webm").read_bytes,
}


@pytest.mark.parametrize("name", WHOLE)
def test_an_upload_that_broke_off_is_said_to_be_cut_off(tmp_path, name):
    content, path = WHOLE[name](), tmp_path / name
    role = VOICE if name.startswith("v") else FOOTAGE
    source = random.Random(name)
    at = [source.randrange(64, len(content) - 200) for _ in range(8)]
    for number, length in enumerate([*at, len(content) // 2]):
        path.write_bytes(content[:length])
        findings = preflight.inspect([(role, name, path)], ())
        said = {f.message for f in findings if f.code != "variable-frame-rate"}
        cut = f"{name} is cut off: upload it again"
        if errors(findings):
            assert cut in said
            assert engine_reads(role, path, tmp_path / f"engine-{number}") is not True
        elif name not in {"v.ogg", "v.webm", "c.webm"}:  # cut between two pages nothing shows
            assert cut in said


def test_the_end_of_a_clip_was_lost_in_the_upload(tmp_path):
    findings = preflight.inspect([(FOOTAGE, "me.mp4", INPUTS / "c_truncated.mp4")], ())
    assert errors(findings) == ["me.mp4 is cut off: upload it again"]
    said = engine_reads(FOOTAGE, INPUTS / "c_truncated.mp4", tmp_path / "engine")
    assert "is cut off. Upload it again" in said
