"""Results that vendors deliver in tests: small files that are whole and can be played."""

from __future__ import annotations

from avatarkit.providers.fake import filmed, portrait, spoken

#: A frame of MPEG audio: layer III, 128 kbit/s, 44.1 kHz, mono, silent.
_FRAME = bytes.fromhex("fffb90c4") + bytes(413)


def mp3(seconds):
    """Silence of so many seconds."""
    return _FRAME * round(seconds * 44_100 / 1152)


def wav(seconds):
    """A tone of so many seconds."""
    return spoken("x" * round(seconds / 0.06))


def subtitles(seconds):
    """Subtitles of one cue."""
    return f"1\n00:00:00,000 --> 00:00:{int(seconds):02},000\nHello.\n".encode()


def web_subtitles(seconds):
    """The same for the web."""
    return b"WEBVTT\n\n" + subtitles(seconds).replace(b",000", b".000")


def result(link, seconds=10.0):
    """The file that the end of a link promises."""
    suffix = link.partition("?")[0].rpartition(".")[2]
    made = {"mp3": mp3, "wav": wav, "srt": subtitles, "vtt": web_subtitles}.get(suffix, filmed)
    return portrait() if suffix in {"jpg", "jpeg", "png", "webp"} else made(seconds)


async def streamed(content):
    """A body that is read as a stream."""
    yield content
