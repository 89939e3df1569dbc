"""Watermarkers: the one for speech that we ship, and the setting that names another.

``PerthWatermarker`` uses Perth of Resemble AI, whose weights come with its package. Its library
marks sound; no maintained one with weights in its package was found for pictures (November 2026).
"""

from __future__ import annotations

import io
import shutil
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from ..errors import ConfigError
from ..interfaces import Watermarker
from . import audio, sandbox, wav
from .conversion import lay_sound
from .files import temporary_folder

#: Confidence from which a mark counts as found; without a mark it is near 0.
_FOUND = 0.5


class PerthWatermarker:
    """Watermark in speech, by Perth (extra ``watermark``); raises ``ConfigError`` without it.

    The sound is decoded, marked and encoded again, as mono of 44.1 kHz; the pictures of a video do
    not change.
    """

    name = "perth"

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings(category=UserWarning, action="ignore"):
                self._perth: Any = import_module("perth")  # it warns that it uses pkg_resources
        except ImportError as error:
            raise ConfigError(
                'the watermark of speech needs an extra: pip install "avatarkit-sdk[watermark]"'
            ) from error

    @cached_property
    def _model(self) -> Any:
        made = self._perth.PerthImplicitWatermarker
        if made is None:  # Perth hides a missing library of its own
            raise ConfigError('Perth is incomplete: pip install "avatarkit-sdk[watermark]"')
        with redirect_stdout(io.StringIO()):  # it prints that it was loaded
            return made()

    def takes(self, media_type: str) -> bool:
        """True for WAV, MP3 and M4A, and for MP4 and QuickTime."""
        return media_type in audio.CODECS or media_type in _VIDEOS

    def mark(self, path: Path, media_type: str) -> None:
        """Mark the sound of a file in place; raises ``MediaRejected`` if it has none."""
        with temporary_folder() as folder:
            sound = folder / "sound.wav"
            audio.write([path], sound, "audio/wav")
            samples, rate = wav.read(sound)
            marked = self._model.apply_watermark(samples, watermark=None, sample_rate=rate)
            wav.write(sound, _pcm(marked), rate)
            target = folder / f"marked{audio.CODECS.get(media_type, ('.mp4',))[0]}"
            if media_type in _VIDEOS:
                _dub(path, sound, target, _VIDEOS[media_type])
            else:
                audio.write([sound], target, media_type)
            shutil.copyfile(target, path)

    def find(self, path: Path, media_type: str) -> bool:
        """True if the sound carries the mark."""
        del media_type
        with temporary_folder() as folder:
            sound = folder / "sound.wav"
            audio.write([path], sound, "audio/wav")
            samples, rate = wav.read(sound)
        found: Any = self._model.get_watermark(samples, sample_rate=rate)
        return float(found.mean() if hasattr(found, "mean") else found) > _FOUND


#: Videos whose sound can be replaced: media type -> FFmpeg's name of the container.
_VIDEOS: Mapping[str, str] = {"video/mp4": "mp4", "video/quicktime": "mov"}


@sandbox.job(pool=sandbox.WORK, limits=sandbox.Limits(cpu=300.0, wall=600.0))
def _dub(path: Path, sound: Path, target: Path, container: str) -> None:
    """Write the pictures of a video with another sound; no picture is encoded again."""
    import av

    from .decoding import frames, open_media

    with (
        open_media(path) as source,
        open_media(sound) as heard,
        av.open(str(target), "w", format=container) as opened,
    ):
        out: Any = opened
        film = source.streams.video[0]
        pictures, speech = out.add_stream_from_template(film), out.add_stream("aac", 44_100)
        speech.layout, speech.bit_rate = "mono", 192_000
        sounds = frames(heard, heard.streams.audio[0])
        lay_sound(source, film, pictures, sounds, encoder=speech, out=out)


def _pcm(samples: Any) -> bytes:
    import numpy as np

    whole = np.clip(np.asarray(samples).reshape(-1) * 32767, -32768, 32767)
    return bytes(whole.astype("<i2").tobytes())


def watermarker_from(environ: Mapping[str, str]) -> Watermarker | None:
    """Create the watermarker that ``AVATARKIT_WATERMARKER`` names: "perth", or "module:Class"."""
    name = environ.get("AVATARKIT_WATERMARKER", "")
    if not name or name == PerthWatermarker.name:
        return PerthWatermarker() if name else None
    module, _, attribute = name.partition(":")
    try:
        made = cast("Callable[[], Watermarker]", getattr(import_module(module), attribute))
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f'AVATARKIT_WATERMARKER is {name!r}, which cannot be imported: set "perth", or '
            '"module:Class" of your own watermarker'
        ) from error
    return made()
