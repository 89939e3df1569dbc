"""Join and convert recordings of speech, for vendors that need one file or another format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, MediaRejected
from . import sandbox

#: Output formats: media type -> extension and FFmpeg's name of the codec.
CODECS = {
    "audio/mpeg": (".mp3", "libmp3lame"),
    "audio/wav": (".wav", "pcm_s16le"),
    "audio/mp4": (".m4a", "aac"),
}
_RATE = 44_100
_BITS_PER_SECOND = 192_000
#: Seconds of silence between two recordings, to separate their words.
_PAUSE = 0.5
_CHUNK = 4096  # samples, for codecs with any frame size


@sandbox.job(pool=sandbox.WORK, limits=sandbox.Limits(cpu=300.0, wall=600.0))
def write(sources: list[Path], target: Path, media_type: str) -> None:
    """Write the sound of all sources, one after the other, as mono of 44.1 kHz, in the sandbox.

    Keeps only a few frames in memory. Raises ``MediaRejected`` for a source without sound, and
    ``ConfigError`` if PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ConfigError(
            'joining and converting recordings needs PyAV: pip install "avatarkit-sdk[media]"'
        ) from error
    _, codec = CODECS[media_type]
    with av.open(target, "w") as opened:
        container: Any = opened
        stream: Any = container.add_stream(codec, rate=_RATE, layout="mono")
        if codec != "pcm_s16le":
            stream.bit_rate = _BITS_PER_SECOND
        stream.open()  # sets frame_size
        sound = av.AudioFifo()
        for frame in _frames(sources, stream.format.name):
            frame.pts = None
            sound.write(frame)
            while piece := sound.read(stream.frame_size or _CHUNK):
                container.mux(stream.encode(piece))
        if rest := sound.read(partial=True):
            container.mux(stream.encode(rest))
        container.mux(stream.encode(None))


def _frames(sources: Sequence[Path], sample_format: str) -> Iterator[Any]:
    from .decoding import DecodeError, StillError, open_media
    from .sound import choose_sound, mono

    for number, source in enumerate(sources):
        if number:
            yield _silence(sample_format)
        try:
            track = choose_sound(source)
            if track is None:
                raise MediaRejected(f"{source.name} has no sound: give a recording of a voice")
            with open_media(source) as opened:
                yield from mono(opened, track, sample_format, _RATE)
        except StillError as error:
            raise MediaRejected(f"{source.name} has no sound: it is a picture") from error
        except DecodeError as error:
            raise MediaRejected(
                f"{source.name} cannot be decoded ({error}): export it again"
            ) from error


def _silence(sample_format: str) -> Any:
    import av

    frame = av.AudioFrame(sample_format, "mono", int(_PAUSE * _RATE))
    frame.sample_rate = _RATE
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
