"""Conversion of a recording into a type that a vendor takes: sound, clips and pictures.

A clip is copied into another container without encoding its pictures again (remuxed); sound and
pictures are encoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ..errors import MediaRejected
from . import audio, sandbox

#: Type that is written -> extension of its files, and kinds of files that it is made from.
_WRITTEN: Final = {
    **{kind: (suffix, ("audio", "video")) for kind, (suffix, _) in audio.CODECS.items()},
    "video/mp4": (".mp4", ("video",)),
    "image/jpeg": (".jpg", ("image",)),
    "image/png": (".png", ("image",)),
}
#: Codecs of pictures that an MP4 may hold, as FFmpeg calls them.
COPIED: Final = frozenset({"h264", "hevc", "mpeg4"})
#: Codecs of sound that are copied into an MP4; another is encoded as AAC.
_COPIED_SOUND: Final = frozenset({"aac", "mp3"})
_LONGEST_SIDE: Final = 8192  # pixels


def target(media_type: str, takes: Sequence[str], codec: str | None = None) -> str | None:
    """Type that a file becomes, so that it is one of ``takes``: its own if that is one of them.

    None if it cannot become any, or without the packages that write it. ``codec`` is that of a
    clip's pictures, if it is known.
    """
    if not takes or media_type in takes:
        return media_type
    kind = media_type.partition("/")[0]
    if not _installed("PIL" if kind == "image" else "av"):
        return None
    copied = codec is None or codec in COPIED
    return next(
        (
            made
            for made in takes
            if kind in _WRITTEN.get(made, ("", ()))[1] and (made != "video/mp4" or copied)
        ),
        None,
    )


@cache
def _installed(package: str) -> bool:
    return find_spec(package) is not None


def suffix(media_type: str) -> str:
    """Extension of the files of a type that is written."""
    return _WRITTEN[media_type][0]


async def convert(sources: Sequence[Path], made: Path, media_type: str) -> None:
    """Write ``made`` from the sources, which only sound may have several of, in the sandbox.

    Raises ``MediaRejected`` for a file that cannot be read.
    """
    kind = media_type.partition("/")[0]
    if kind == "audio":
        await audio.write.run(list(sources), made, media_type)
    elif kind == "video":
        await copy_clip.run(sources[0], made)
    else:
        await write_picture.run(sources[0], made)


def _written_mp4(made: Path) -> Any:
    """Open an MP4 for writing, whose index comes first."""
    import av

    return av.open(made, "w", format="mp4", options={"movflags": "+faststart"})


@sandbox.job(pool=sandbox.WORK, limits=sandbox.Limits(cpu=300.0, wall=600.0))
def copy_clip(source: Path, made: Path) -> None:
    """Copy a clip into an MP4, whose index comes first; its sound becomes AAC if it must."""
    from .decoding import DecodeError, moving, open_media
    from .sound import choose_sound

    try:
        track = choose_sound(source)
        with open_media(source) as given, _written_mp4(made) as out:
            pictures = next(iter(moving(given)), None)
            if pictures is None or pictures.codec_context.name not in COPIED:
                raise MediaRejected(f"{source.name} cannot become an MP4: export it as one")
            _copy_streams(given, pictures, given.streams[track.index] if track else None, out)
    except DecodeError as error:
        raise MediaRejected(f"{source.name} cannot be read ({error}): export it again") from error


@sandbox.job(pool=sandbox.WORK, limits=sandbox.Limits(cpu=600.0, wall=1200.0))
def replace_sound(source: Path, sound: Path, made: Path) -> None:
    """Write an MP4 of the pictures of ``source``, which are copied, and another sound, as AAC.

    Raises ``MediaRejected`` for a file that cannot be read.
    """
    from .decoding import DecodeError, frames, moving, open_media
    from .sound import choose_sound

    try:
        track = choose_sound(sound)
        with open_media(source) as given, open_media(sound) as heard, _written_mp4(made) as out:
            pictures = next(iter(moving(given)), None)
            if pictures is None or track is None:
                raise MediaRejected(f"{source.name} has no pictures, or {sound.name} no sound")
            spoken: Any = heard.streams[track.index]
            copied = out.add_stream_from_template(pictures)
            encoder: Any = out.add_stream("aac", rate=spoken.codec_context.sample_rate)
            lay_sound(given, pictures, copied, frames(heard, spoken), encoder=encoder, out=out)
    except DecodeError as error:
        raise MediaRejected(f"{source.name} cannot be read ({error}): export it again") from error


def lay_sound(
    given: Any, pictures: Any, copied: Any, sounds: Iterator[Any], *, encoder: Any, out: Any
) -> None:
    """Copy the packets of pictures, and encode the frames of another sound between them."""
    from .decoding import packets

    told = -1.0
    for packet in packets(given, [pictures]):
        if packet.dts is None:  # the last one of a stream is empty
            continue
        shown = float(packet.dts * packet.time_base)
        while told < shown and (frame := next(sounds, None)) is not None:
            out.mux(encoder.encode(frame))
            told = frame.time
        packet.stream = copied
        out.mux(packet)
    for frame in sounds:
        out.mux(encoder.encode(frame))
    out.mux(encoder.encode(None))


def _copy_streams(given: Any, pictures: Any, spoken: Any, out: Any) -> None:
    """Copy the packets of pictures and sound; encode the sound if MP4 lacks its codec."""
    from .decoding import packets

    streams = {pictures.index: out.add_stream_from_template(pictures)}
    encoder: Any = None
    if spoken is not None and spoken.codec_context.name in _COPIED_SOUND:
        streams[spoken.index] = out.add_stream_from_template(spoken)
    elif spoken is not None:
        encoder = out.add_stream("aac", rate=spoken.codec_context.sample_rate)
    for packet in packets(given, [stream for stream in (pictures, spoken) if stream is not None]):
        copy = streams.get(packet.stream.index)
        out.mux(_encoded(packet, encoder) if copy is None else _moved(packet, copy))
    if encoder is not None:
        out.mux(encoder.encode(None))


def _moved(packet: Any, stream: Any) -> list[Any]:
    """The packet as one of another stream; none for the empty one that ends a stream."""
    packet.stream = stream
    return [] if packet.dts is None else [packet]


def _encoded(packet: Any, encoder: Any) -> list[Any]:
    return [coded for frame in packet.decode() for coded in encoder.encode(frame)]


@sandbox.job(pool=sandbox.WORK)
def write_picture(source: Path, made: Path) -> None:
    """Write a picture upright and opaque, as JPEG or PNG by the extension of ``made``."""
    from PIL import Image

    from .containers import Foreign
    from .decoding import DecodeError, identified
    from .pictures import read_picture

    found = identified(source)
    if isinstance(found, Foreign):
        raise MediaRejected(f"{source.name} is no picture: give one")
    try:
        picture = read_picture(source, found, _LONGEST_SIDE)
    except DecodeError as error:
        raise MediaRejected(f"{source.name} cannot be read ({error}): export it again") from error
    Image.frombytes("RGB", picture.size, picture.rgb).save(made, quality=95)
