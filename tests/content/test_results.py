"""Delivered files: what is damaged, cut off or something else never counts as a result."""

from __future__ import annotations

import functools
import gzip
import io
import json
import struct
import sys
from contextlib import suppress

import anyio
import pytest

from avatarkit import AvatarKit, Status, errors
from avatarkit.config.settings import Settings
from avatarkit.content import results
from avatarkit.content.results import Expected, as_dubbed, as_read, as_spoken, as_told, check
from avatarkit.lifecycle.decide import Policy
from avatarkit.media.folder import FolderStore
from avatarkit.providers.fake import Fake, FakeVendor, filmed, portrait
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from demo import DEMO, trained
from results import mp3, wav

FILM, PICTURE = filmed(10), portrait()
PHOTO = (DEMO / "portrait.jpg").read_bytes()
PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
S3_ERROR = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>'
SRT = b"1\n00:00:00,000 --> 00:00:02,000\nHello.\n"
VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n"


@pytest.fixture(params=["decoded", "headers alone"])
def decoder(request, monkeypatch):
    """Run with PyAV, and as if it was not installed."""
    if request.param == "decoded":
        pytest.importorskip("av")
    else:
        monkeypatch.setattr(results, "_plays", lambda: False)


@pytest.fixture
def checked(tmp_path):
    def run(content, name="video", media_type="", *lengths):
        path = tmp_path / "result"
        path.write_bytes(content)
        expected = Expected(name=name, media_type=media_type, lengths=lengths)
        return anyio.run(check, path, expected)

    return run


@functools.cache
def made(container, video=True, audio=True, frames=50, heard=None):
    """A film or a recording by FFmpeg; its sound lasts for ``heard`` of its frames."""
    heard = frames if heard is None else heard
    rate = 25 if container == "mpeg" else 10
    av, np = pytest.importorskip("av"), pytest.importorskip("numpy")
    file = io.BytesIO()
    codecs = {
        "webm": ("libvpx", "libopus"),
        "ogg": ("", "libopus"),
        "mpeg": ("mpeg2video", "mp2"),
    }.get(container)
    film, sound = codecs or ("libx264", "flac" if container == "flac" else "aac")
    with av.open(file, "w", format=container) as out:
        if video:
            pictures = out.add_stream(film, rate=rate)
            pictures.width = pictures.height = 64
            pictures.pix_fmt = "yuv420p"
        if audio:
            spoken = out.add_stream(sound, rate=48_000, layout="mono")
            spoken.open()
            fifo = av.AudioFifo()
        for i in range(max(frames, heard)):
            if video and i < frames:
                noise = np.random.default_rng(i).integers(0, 255, (64, 64, 3), np.uint8)
                frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
                out.mux(pictures.encode(frame))
            if audio and i < heard:
                tone = np.sin(np.arange(48_000 // rate) / 20).astype(np.float32)[None] / 2
                frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                frame.sample_rate = 48_000
                fifo.write(frame)
        if audio:
            one = av.AudioResampler(spoken.format.name, "mono", 48_000, spoken.frame_size)
            fifo_all = fifo.read(partial=True)
            fifo_all.pts = None
            for piece in [*one.resample(fifo_all), *one.resample(None)]:
                out.mux(spoken.encode(piece))
            out.mux(spoken.encode(None))
        if video:
            out.mux(pictures.encode(None))
    return file.getvalue()


BAD = {
    "empty": (b"", "empty"),
    "a web page": (PAGE, "web page"),
    "a page after a comment": (
        b"<!-- x -->\n<html><body>502</body></html>",
        "web page",
    ),
    "JSON": (b'{"error": "expired"}', "JSON|json"),
    "the error of S3": (S3_ERROR, "XML document: AccessDenied"),
    "text": (b"Not found\n", "text"),
    "gzip": (gzip.compress(FILM), "gzip"),
    "a playlist": (b"#EXTM3U\n#EXTINF:4,\nseg1.ts\n", "playlist"),
    "zeros": (bytes(9000), "no media|box"),
    "a cut MP4 whose index comes first": (FILM[:4000], "cut off"),
    "the header of an MP4": (FILM[:32], "cut off"),
    "an MP4 without its last byte": (FILM[:-1], "cut off"),
    "a picture": (PICTURE, "image/png and no video"),
    "sound": (wav(2), "audio/wav and no video"),
    "subtitles": (SRT, "and no video"),
}


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_what_is_no_video_is_refused_with_the_reason(checked, content, reason):
    with pytest.raises(errors.BadResult, match=reason):
        checked(content, "video", "video/mp4")


def repaired(film, cut):
    """A cut MP4 whose last box states the shorter length: only its index tells."""
    at = film.index(b"mdat") - 4
    return film[:at] + struct.pack(">I", len(film) - cut - at) + film[at + 4 : len(film) - cut]


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("cut", [20, 2000, 3800])
def test_an_index_that_points_behind_the_end_is_noticed(checked, cut):
    with pytest.raises(errors.BadResult, match="cut off"):
        checked(repaired(FILM, cut))


CUT = {
    "WAV": ("audio", wav(4), 0.5),
    "WAV, the header": ("audio", wav(4), 0.0003),
    "MP3": ("audio", mp3(4), 0.503),
    "MP3 behind two tags": ("audio", (b"ID3\x03\0\0\0\0\x40\0" + bytes(8192)) * 2 + mp3(4), 0.503),
    "PNG": ("thumbnail", PICTURE, 0.6),
    "PNG without its end": ("thumbnail", PICTURE, 0.97),
    "JPEG": ("thumbnail", PHOTO, 0.5),
    "JPEG, the header": ("thumbnail", PHOTO, 0.001),
}


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(("name", "content", "share"), CUT.values(), ids=CUT)
def test_a_part_of_a_file_is_refused(checked, name, content, share):
    checked(content, name)
    with pytest.raises(errors.BadResult, match=r"cut off|header|no sound"):
        checked(content[: int(len(content) * share)], name)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("container", ["mp4", "mov", "webm"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.98])
def test_a_part_of_a_film_is_refused(checked, container, share):
    film = made(container)
    assert checked(film).seconds == pytest.approx(5.0, abs=0.3)
    with pytest.raises(errors.BadResult):
        checked(film[: int(len(film) * share)])


@pytest.mark.parametrize("container", ["flv", "mpegts", "mpeg"])
def test_a_format_that_does_not_tell_its_end_needs_a_length(checked, container):
    film = made(container, frames=125 if container == "mpeg" else 50)
    with pytest.raises(errors.BadResult, match="does not tell if it was cut off"):
        checked(film)
    with pytest.raises(errors.BadResult, match=r"the vendor says|ends after"):
        checked(film[: len(film) // 2], "video", "", as_told(5.0))
    assert checked(film, "video", "", as_told(5.0)).seconds == pytest.approx(5.0, abs=0.3)


@pytest.mark.anyio
@pytest.mark.parametrize(("container", "suffix"), [("matroska", ".mkv"), ("avi", ".avi")])
async def test_a_result_has_the_extension_of_its_contents(tmp_path, container, suffix):
    async def film():
        yield made(container)

    kept = results.Results(FolderStore(tmp_path), None)
    stored = await kept.keep("trainings/1/video", film(), Expected(name="video"))
    assert stored.key == f"trainings/1/video{suffix}"


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_film_without_pictures_is_refused(checked, container):
    sound = made(container, video=False)
    checked(sound, "audio")
    with pytest.raises(errors.BadResult, match="no video"):
        checked(sound, "video")


@pytest.mark.usefixtures("decoder")
def test_a_film_is_no_speech(checked):
    with pytest.raises(errors.BadResult, match="no audio"):
        checked(FILM, "audio", "audio/mpeg")


@pytest.mark.parametrize(
    ("container", "shown", "heard", "whole"),
    [
        ("mp4", 1, 30, False),
        ("webm", 10, 40, False),
        ("matroska", 20, 60, False),
        ("mp4", 22, 30, True),
        ("webm", 30, 10, True),
    ],
)
def test_a_film_whose_pictures_end_long_before_its_sound_is_refused(
    checked, container, shown, heard, whole
):
    content = made(container, frames=shown, heard=heard)
    if whole:
        assert "video" in checked(content, "video", "video/mp4").streams
    else:
        with pytest.raises(errors.BadResult, match="its pictures end after"):
            checked(content, "video", "video/mp4")


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_garbage_within_a_whole_container_is_refused(checked, container):
    film = bytearray(made(container))
    for at in range(len(film) // 4, len(film) * 3 // 4, 97):
        film[at] ^= 0x5A
    with pytest.raises(errors.BadResult, match=r"frames are damaged|cannot be decoded \(|cut off"):
        checked(bytes(film))


def test_one_damaged_frame_of_many_is_not_the_end(checked):
    film = bytearray(made("mp4", frames=200))
    film[film.index(b"mdat") + len(film) // 3] ^= 0x5A
    assert checked(bytes(film)).media_type == "video/mp4"


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (PAGE, "subtitles_srt"),
        (b"", "subtitles_vtt"),
        (b"Hello.\n", "subtitles_srt"),
        (PAGE, "thumbnail"),
    ],
)
def test_an_extra_is_checked_as_what_it_is(checked, content, name):
    with pytest.raises(errors.BadResult):
        checked(content, name)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    ("content", "name", "media_type", "found"),
    [
        (SRT, "subtitles_srt", "", "application/x-subrip"),
        (b"\xef\xbb\xbf" + VTT, "subtitles_vtt", "text/vtt", "text/vtt"),
        (PICTURE, "thumbnail", "image/jpeg", "image/png"),
        (PHOTO, "preview", "", "image/jpeg"),
        (FILM, "preview", "video/mp4", "video/mp4"),
        (mp3(3), "audio", "audio/wav", "audio/mpeg"),
        (b"\0\1" * 8000, "audio", "audio/pcm", "audio/pcm"),
        (json.dumps({"words": []}).encode(), "transcript", "application/json", "application/json"),
    ],
)
def test_the_type_is_that_of_the_contents(checked, content, name, media_type, found):
    assert checked(content, name, media_type).media_type == found


@pytest.mark.parametrize("content", [b"", PAGE, b'{"detail": "no credits"}'])
def test_sound_without_a_container_is_no_text(checked, content):
    with pytest.raises(errors.BadResult):
        checked(content, "audio", "audio/pcm")


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    ("seconds", "length"),
    [
        (0.3, as_spoken(10.0)),
        (8, as_told(12.4)),
        (14, as_told(12.4)),
        (3, as_dubbed(60.0)),
        (2, as_read("Good morning, and welcome. " * 20)),
    ],
)
def test_a_film_of_another_length_is_refused(checked, seconds, length):
    with pytest.raises(errors.BadResult, match="it lasts"):
        checked(filmed(seconds), "video", "", length)


@pytest.mark.parametrize(
    ("seconds", "length"),
    [
        (10, as_spoken(10.4)),
        (16, as_spoken(10.4)),
        (12, as_told(12.4)),
        (40, as_dubbed(60.0)),
        (9, as_read('<speak>Good <break time="3s"/> morning.</speak>')),
        (9, as_read("おはようございます。")),
    ],
)
def test_a_film_may_be_a_little_shorter_or_longer(checked, seconds, length):
    checked(filmed(seconds), "video", "", length)


def sound(container, codec="libopus", rate=48_000):
    """Five seconds of a tone, in a container that ``made`` does not know."""
    av, np = pytest.importorskip("av"), pytest.importorskip("numpy")
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        stream.open()
        tone = np.sin(np.arange(5 * rate) / 20).astype(np.float32)[None] / 2
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = rate
        one = av.AudioResampler(stream.format.name, "mono", rate, stream.frame_size)
        for piece in [*one.resample(frame), *one.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(("container", "codec"), [("ogg", "libopus"), ("adts", "aac")])
def test_sound_with_something_else_in_its_middle_is_refused(checked, container, codec):
    whole = sound(container, codec)
    checked(whole, "audio")
    middle, length = len(whole) // 2, len(whole) // 4
    for other in (bytes(length), PAGE * (length // len(PAGE) + 1)):
        with pytest.raises(errors.BadResult, match=r"damaged|missing"):
            checked(whole[:middle] + other[:length] + whole[middle + length :], "audio")


@pytest.mark.parametrize(("codec", "lost"), [("flac", 30), ("flac", 3000), ("tta", 3000)])
def test_a_header_that_states_the_moments_is_believed(checked, codec, lost):
    whole = sound(codec, codec)
    assert checked(whole, "audio").seconds == pytest.approx(5.0, abs=0.01)
    with pytest.raises(errors.BadResult, match="it ends after"):
        checked(whole[:-lost], "audio")


@pytest.mark.parametrize("other", [b"", bytes(5000), PAGE * 50])
def test_a_flac_without_its_middle_is_refused(checked, other):
    whole = sound("flac", "flac")
    third = len(whole) // 3
    with pytest.raises(errors.BadResult, match="it ends after"):
        checked(whole[:third] + other + whole[2 * third :], "audio")


def test_a_flac_that_was_streamed_states_no_length_and_is_whole(checked):
    whole = sound("flac", "flac")
    streamed = whole[:21] + bytes([whole[21] & 0xF0]) + bytes(4) + whole[26:]
    assert checked(streamed, "audio").media_type == "audio/flac"


@pytest.mark.usefixtures("decoder")
def test_a_page_that_is_missing_in_an_ogg_is_noticed(checked):
    pages = sound("ogg").split(b"OggS")
    del pages[4]
    with pytest.raises(errors.BadResult, match="pages are missing"):
        checked(b"OggS".join(pages), "audio")


@pytest.mark.usefixtures("decoder")
def test_a_wav_that_does_not_state_its_bit_rate_is_whole(checked):
    content = sound("wav", "adpcm_ms")
    assert checked(content[:28] + bytes(4) + content[32:], "audio").media_type == "audio/wav"


@pytest.mark.parametrize("other", [bytes(1), b"<html>"])
def test_a_damaged_avif_is_refused(checked, other):
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    pillow.linear_gradient("L").rotate(30).convert("RGB").save(file, "AVIF")
    content = file.getvalue()
    checked(content, "thumbnail")
    middle, length = len(content) // 2, len(content) // 4
    damaged = content[:middle] + (other * length)[:length] + content[middle + length :]
    with pytest.raises(errors.BadResult, match="cannot be decoded"):
        checked(damaged, "thumbnail")


def box(kind, *bodies):
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def chunked(chunks):
    """An MP4 whose index has so many chunks."""
    table = [
        box(b"stsz", bytes(4), struct.pack(">II", 1, 5)),
        box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, 1, 1)),
        box(b"stco", bytes(4), struct.pack(">I", chunks), bytes(4 * chunks)),
    ]
    header = box(b"mdhd", bytes(4), struct.pack(">IIIII", 0, 0, 1000, 1000, 0))
    handler = box(b"hdlr", bytes(8), b"vide", bytes(12))
    media = box(b"mdia", header, handler, box(b"minf", box(b"stbl", *table)))
    return box(b"ftyp", b"isom", bytes(4)) + box(b"moov", box(b"trak", media))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of the kernel")
@pytest.mark.parametrize(
    "content",
    [
        lambda: chunked(25_000_000),
        lambda: box(b"ftyp", b"isom", bytes(4)) + box(b"free") * 8_000_000,
        lambda: b"[" + b"[]," * 5_500_000 + b"[]]",
    ],
    ids=["chunks", "boxes", "json"],
)
@pytest.mark.once
def test_a_result_with_an_endless_index_takes_no_memory_here(checked, content):
    resource = pytest.importorskip("resource")
    content = content()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(errors.BadResult):
        checked(content, "extra")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


# -- in the kit -----------------------------------------------------------------------------------


class Delivering(FakeVendor):
    """Delivers these files, by the end of their links, in order; the last one again and again."""

    def __init__(self, **more):
        super().__init__(**more)
        self.files = {}
        self.opened = []

    def fetched(self, link):
        content, error = super().fetched(link)
        name = link.rpartition("/")[2].partition(".")[0]
        self.opened.append(name)
        queue = self.files.get(name)
        if queue:
            content = queue.pop(0) if len(queue) > 1 else queue[0]
        return content, error

    def said(self, text):
        content, error = super().said(text)
        return self.files.get("speech", [content])[0], error


class House:
    def __init__(self, folder):
        self.folder = folder
        self.clock = FakeClock()
        self.vendor = Delivering(clock=self.clock)
        self.kit = AvatarKit(
            "fake",
            repository=MemoryRepository(clock=self.clock),
            media=FolderStore(folder),
            providers={"fake": Fake(vendor=self.vendor)},
            clock=self.clock,
            settings=Settings(),
            policy=Policy(copy_limit=3),
        )

    async def spoken(self, **files):
        training = await trained(self.kit)
        self.vendor.files = files
        video = await self.kit.speak(training.id, "Good morning, all of you.", wait=False)
        return await self.ended(video.id)

    async def ended(self, video_id):
        async for update in self.kit.watch(video_id):
            if update.status is Status.ACTION_REQUIRED or update.status.final:
                return update
        raise AssertionError

    def stored(self):
        return [path.name for path in self.folder.rglob("video-*") if path.is_file()]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize("content", [PAGE, S3_ERROR, b"", FILM[:4000]])
async def test_a_paid_video_is_never_completed_without_a_playable_file(house, content):
    async with house.kit:
        video = await house.spoken(video=[content])
        state = video.operations[-1]
        assert (video.status, video.action.kind) == (Status.ACTION_REQUIRED, "result")
        assert house.vendor.opened.count("video") == 3  # each time over a fresh link
        assert state.job.copy_error in video.action.message
        assert "cannot be used" in state.job.copy_error
        assert house.stored() == []
        house.vendor.files = {}
        await house.kit.resolve(video.id, "retry")
        video = await house.ended(video.id)
        assert video.status is Status.COMPLETED
        assert video.file("video").seconds == pytest.approx(2.0, abs=0.2)


@pytest.mark.anyio
async def test_a_fresh_link_may_be_good(house):
    async with house.kit:
        video = await house.spoken(video=[PAGE, filmed(2)])
        assert video.status is Status.COMPLETED
        assert sum(house.vendor.accepted.values()) == 3


@pytest.mark.anyio
@pytest.mark.parametrize("content", [PAGE, b"", PICTURE[:100]])
async def test_a_bad_thumbnail_is_left_out_and_the_video_is_kept(house, content):
    async with house.kit:
        video = await house.spoken(thumbnail=[content])
        assert (video.status, list(video.files)) == (Status.COMPLETED, ["video"])
        assert "thumbnail" in video.operations[-1].job.left_out["thumbnail"]
        assert house.vendor.opened == ["thumbnail", "video", "thumbnail", "video", "thumbnail"]


class Speaking(Fake):
    """A second vendor, for voices and speech alone."""

    name = "fakeb"


@pytest.mark.anyio
async def test_speech_that_is_a_page_is_not_spoken(tmp_path):
    clock = FakeClock()
    vendor = Delivering(clock=clock)
    kit = AvatarKit(
        "voice=fakeb,avatar=fake",
        repository=MemoryRepository(clock=clock),
        media=FolderStore(tmp_path),
        providers={"fake": Fake(vendor=vendor), "fakeb": Speaking(vendor=vendor)},
        clock=clock,
        settings=Settings(),
    )
    async with kit:
        training = await trained(kit)
        vendor.files = {"speech": [PAGE]}
        video = await kit.speak(training.id, "Good morning, all of you.")
    speech, _ = video.operations
    assert (video.status, video.action.kind) == (Status.ACTION_REQUIRED, "payment")
    assert "web page" in speech.call.doubt
    assert speech.call.doubt in video.action.message
    assert vendor.accepted[video.token(speech.operation)] == 1
