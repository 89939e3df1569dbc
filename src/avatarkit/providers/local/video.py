"""Reads the pictures of a clip, and writes an MP4 that is complete or not there at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from avatarkit.content.decoding import frames, moving
from avatarkit.content.pictures import pixel_aspect, shape, upright
from avatarkit.errors import MediaRejected
from avatarkit.providers.local.audio import Resampler, open_media
from avatarkit.providers.local.paste import Frame

AUDIO_RATE: Final = 48_000
AUDIO_BITS: Final = 128_000


def frame_rate(path: Path, rates: tuple[int, ...]) -> int:
    """Return the one of ``rates`` that is closest to a clip's own, the lower one of two."""
    with open_media(path) as container:
        streams = moving(container)
        own = float(streams[0].average_rate or 0) if streams else 0.0
    return min(rates, key=lambda rate: (abs(rate - own), rate)) if own else rates[0]


def read_frames(
    path: Path, fps: int, longest_side: int | None = None, shot: int = 0
) -> Iterator[Image.Image]:
    """Yield the pictures of a clip at ``fps``, as they are shown, in RGB.

    Pictures are repeated or dropped where the clip has another rate. ``longest_side`` shrinks
    large ones, so that one frame stays small in memory. A stream may change the size of its
    pictures: they keep the size of the first. Where their shape changes, as when a phone is
    turned, the next shot begins; only those of one are returned.
    """
    with open_media(path) as container:
        streams = moving(container)
        if not streams:
            raise MediaRejected(f"{path.name} has no picture. Choose a clip that shows a face.")
        aspect = pixel_aspect(streams[0])
        size: tuple[int, int] | None = None
        number, start, due, ratio = 0, 0.0, 0.0, 0.0
        for frame in frames(container, streams[0]):
            time = float(frame.time or 0)
            width, height = shape(frame, aspect)
            if ratio and abs(width / height / ratio - 1) > _SAME_SHAPE:
                number, ratio = number + 1, 0.0
            if number > shot:
                return
            if not ratio:
                start, due, ratio, size = time, 0.0, width / height, None
            if number < shot or time - start + 1e-6 < due:
                continue
            pixels = upright(frame, aspect, longest_side=longest_side, size=size)
            size = size or (pixels.shape[1], pixels.shape[0])
            image = Image.fromarray(pixels)
            while time - start + 1e-6 >= due:
                yield image
                due += 1 / fps


#: Part by which the ratio of width to height may change within a shot.
_SAME_SHAPE: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Container, encoders and their options."""

    container: str
    video: str
    audio: str
    options: Mapping[str, str]  #: of the video's encoder
    container_options: Mapping[str, str]
    keyframes: int | None = None  #: frames from one to the next; None: the encoder chooses


MP4: Final = Encoding(
    container="mp4",
    video="libx264",
    audio="aac",
    options=MappingProxyType({"crf": "19", "preset": "veryfast"}),
    container_options=MappingProxyType({"movflags": "+faststart"}),
)
#: Encoding of frames that are read again, also backwards: fast to decode, many key frames.
STORED: Final = replace(
    MP4,
    options=MappingProxyType({"crf": "15", "preset": "ultrafast"}),
    keyframes=12,
)
#: VP9 is the codec that browsers show with transparency.
WEBM: Final = Encoding(
    container="webm",
    video="libvpx-vp9",
    audio="libopus",
    options=MappingProxyType(
        {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"}
    ),
    container_options=MappingProxyType({}),
)
ENCODINGS: Final[Mapping[str, Encoding]] = MappingProxyType({"mp4": MP4, "webm": WEBM})


def _opened(path: Path, encoding: Encoding) -> Any:
    """Open a file for writing; PyAV's types do not tell a video's stream from others."""
    options = dict(encoding.container_options)
    return av.open(str(path), "w", format=encoding.container, options=options)


class VideoWriter:
    """Writes pictures and sound, both from time 0 and equally long, an MP4 with its index in front.

    A context manager: the file appears under its name when the block ends well. When it ends by
    an exception nothing is left. ``audio`` false writes pictures only; ``alpha`` writes their
    opacity too (WebM).
    """

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        fps: int,
        audio: bool = True,
        alpha: bool = False,
        encoding: Encoding = MP4,
        threads: int = 2,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        self._fps = fps
        self._frames = 0
        self._samples = 0
        self._size = size
        self._format = "yuva420p" if alpha else "yuv420p"
        self._container = _opened(self._part, encoding)
        self._container.metadata.update(metadata or {})
        options = {**encoding.options, "threads": str(threads)}
        self._video: Any = self._container.add_stream(encoding.video, rate=fps, options=options)
        self._video.width, self._video.height = size
        self._video.pix_fmt = self._format
        context = self._video.codec_context
        context.time_base = Fraction(1, fps)
        # frames are converted by BT.601; large ones would be taken for BT.709
        context.colorspace, context.color_range = Colorspace.ITU601, ColorRange.MPEG
        if encoding.keyframes:
            context.gop_size = encoding.keyframes
        self._audio: Any = None
        if audio:
            self._audio = self._container.add_stream(encoding.audio, rate=AUDIO_RATE, layout="mono")
            self._audio.bit_rate = AUDIO_BITS

    def write(self, picture: Frame, sound: Resampler | None = None) -> None:
        """Add one picture, and from ``sound`` (at AUDIO_RATE) what belongs to it."""
        frame = av.VideoFrame(*self._size, self._format)
        planes = picture.planes if picture.alpha is None else (*picture.planes, picture.alpha)
        for plane, values in zip(frame.planes, planes, strict=True):
            buffer = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
            buffer[:, : plane.width] = values
        frame.pts, frame.time_base = self._frames, Fraction(1, self._fps)
        self._container.mux(self._video.encode(frame))
        self._frames += 1
        if self._audio is None:
            return
        wanted = self._frames * AUDIO_RATE // self._fps - self._samples
        chunk = sound.take(wanted) if sound is not None else np.zeros(wanted, np.float32)
        heard = av.AudioFrame.from_ndarray(chunk[None], format="flt", layout="mono")
        heard.sample_rate = AUDIO_RATE
        heard.pts, heard.time_base = self._samples, Fraction(1, AUDIO_RATE)
        self._container.mux(self._audio.encode(heard))
        self._samples += wanted

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._video.encode())
                if self._audio is not None:
                    self._container.mux(self._audio.encode())
            self._container.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)
