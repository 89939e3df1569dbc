"""Reads the pictures of a clip, and writes an MP4 that is complete or not there at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import numpy as np
from PIL import Image

from avatarkit.content.decoding import frames, moving
from avatarkit.content.pictures import pixel_aspect, shape, upright
from avatarkit.errors import MediaRejected
from avatarkit.providers.local.audio import Samples, open_media

AUDIO_RATE: Final = 48_000
AUDIO_BITS: Final = 128_000


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


class VideoWriter:
    """Writes H.264 and AAC, both from time 0 and equally long, with the index in front.

    A context manager: the file appears under its name when the block ends well. When it ends by
    an exception nothing is left. ``audio`` false writes pictures only.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        fps: int,
        audio: bool = True,
        quality: int = 19,
        threads: int = 2,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        self._fps = fps
        self._frames = 0
        self._samples = 0
        self._container: Any = av.open(
            str(self._part), "w", format="mp4", options={"movflags": "+faststart"}
        )
        self._container.metadata.update(metadata or {})
        options = {"crf": str(quality), "preset": "veryfast", "threads": str(threads)}
        self._video: Any = self._container.add_stream("libx264", rate=fps, options=options)
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = Fraction(1, fps)
        self._audio: Any = None
        if audio:
            self._audio = self._container.add_stream("aac", rate=AUDIO_RATE, layout="mono")
            self._audio.bit_rate = AUDIO_BITS

    def write(self, image: Image.Image, samples: Samples | None = None) -> None:
        """Add one picture and the sound that belongs to it: AUDIO_RATE / fps samples.

        Missing samples become silence and surplus ones are cut, so the streams stay in step.
        """
        frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
        frame.pts, frame.time_base = self._frames, Fraction(1, self._fps)
        self._container.mux(self._video.encode(frame))
        self._frames += 1
        if self._audio is None:
            return
        wanted = self._frames * AUDIO_RATE // self._fps - self._samples
        chunk = np.zeros(wanted, np.float32)
        if samples is not None:
            chunk[: samples.size] = samples[:wanted]
        sound = av.AudioFrame.from_ndarray(chunk[None], format="fltp", layout="mono")
        sound.sample_rate = AUDIO_RATE
        sound.pts, sound.time_base = self._samples, Fraction(1, AUDIO_RATE)
        self._container.mux(self._audio.encode(sound))
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
