"""Join the videos of scenes into one: one size of picture, one track of sound, soft cuts.

The sound of the scenes follows one another without an overlap, so that no word is lost; each scene
fades in over the last picture of the scene before it. Needs PyAV and NumPy (extra ``media``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from ..errors import ConfigError, MediaRejected
from ..interfaces import MediaStore
from ..models import StoredFile
from . import sandbox
from .conversion import replace_sound
from .files import chunks, local_path, temporary_folder
from .results import Expected, Keep, as_dubbed, as_told

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]
    Sound = npt.NDArray[np.float32]

_RATE: Final = 48_000
_BITS: Final = 128_000
#: Seconds in which a scene fades in, and in which sound does, so that no cut clicks.
_FADE, _CLICK = 0.24, 0.01
_MOST_FPS: Final = 60


@sandbox.job(
    pool=sandbox.WORK,
    # an encoder holds many pictures, and its threads have stacks of their own
    limits=sandbox.Limits(memory=2 << 30, cpu=1800.0, wall=3600.0),
    prepare=partial(sandbox.load, "av", "numpy", "PIL.Image"),
)
def join(sources: list[Path], target: Path) -> None:
    """Write an MP4 of all sources, one after the other, in the sandbox.

    Size and rate are those of the first; pictures of another shape get black bars. Raises
    ``MediaRejected`` for a source without pictures, ``ConfigError`` if PyAV is not installed.
    """
    try:
        from .decoding import DecodeError
    except ImportError as error:
        raise ConfigError(
            'joining scenes needs PyAV: pip install "avatarkit-sdk[media]"'
        ) from error
    try:
        fps, size = _form(sources[0])
        with _Film(target, size, fps) as film:
            for source in sources:
                _add(film, source)
    except DecodeError as error:
        raise MediaRejected(
            f"the video of a scene cannot be decoded ({error}): make it again"
        ) from error


class Join(Protocol):
    """Function that joins stored videos, and stores the whole under a key without extension."""

    async def __call__(self, place: str, videos: Sequence[StoredFile], /) -> StoredFile:
        """Raises ``MediaRejected`` for a video that cannot be joined."""
        ...


class Joining:
    """Joins videos of a media store; ``keep`` checks, marks and stores the result."""

    def __init__(self, media: MediaStore, keep: Keep) -> None:
        self._media = media
        self._keep = keep

    async def __call__(self, place: str, videos: Sequence[StoredFile], /) -> StoredFile:
        """Join in the sandbox; the whole lasts as long as all videos together."""
        seconds = [video.seconds for video in videos if video.seconds is not None]
        lengths = (as_told(sum(seconds)),) if len(seconds) == len(videos) else ()
        expected = Expected(name="video", media_type="video/mp4", lengths=lengths)
        with temporary_folder() as folder:
            sources = [await local_path(self._media, video, folder) for video in videos]
            await join.run(sources, folder / "joined.mp4")
            return await self._keep(place, chunks(folder / "joined.mp4"), expected)


class LaySound(Protocol):
    """Function that stores the pictures of a stored video with another sound."""

    async def __call__(self, place: str, pictures: StoredFile, sound: StoredFile, /) -> StoredFile:
        """Raises ``MediaRejected`` for files that cannot be put together."""
        ...


class SoundLaying:
    """Puts the sound of a dub under the pictures of its source; ``keep`` stores the result."""

    def __init__(self, media: MediaStore, keep: Keep) -> None:
        self._media = media
        self._keep = keep

    async def __call__(self, place: str, pictures: StoredFile, sound: StoredFile, /) -> StoredFile:
        """Put them together in the sandbox; the pictures are copied as they are."""
        lengths = () if pictures.seconds is None else (as_dubbed(pictures.seconds),)
        expected = Expected(name="video", media_type="video/mp4", lengths=lengths)
        with temporary_folder() as folder:
            made = folder / "dubbed.mp4"
            shown, heard = [
                await local_path(self._media, file, folder) for file in (pictures, sound)
            ]
            await replace_sound.run(shown, heard, made)
            return await self._keep(place, chunks(made), expected)


def _form(source: Path) -> tuple[int, tuple[int, int]]:
    """Frames a second and even size of a video, as it is shown."""
    from .decoding import frames, moving, open_media
    from .pictures import pixel_aspect, shape

    with open_media(source) as opened:
        for stream in moving(opened):
            rate = round(float(stream.average_rate or 25))
            frame = next(frames(opened, stream), None)
            if frame is None:
                continue
            width, height = shape(frame, pixel_aspect(stream))
            even = int(width) // 2 * 2, int(height) // 2 * 2
            return min(max(rate, 1), _MOST_FPS), (max(even[0], 2), max(even[1], 2))
    raise MediaRejected("the video of a scene has no pictures: make it again")


def _add(film: _Film, source: Path) -> None:
    """Add a scene, which lasts as long as the longer of its pictures and its sound."""
    from .sound import read_mono

    heard = read_mono(source, _RATE)
    film.begin(None if heard is None else heard[0])
    for picture in _pictures(source, film.fps, film.size):
        film.show(picture)
    film.end()


def _pictures(source: Path, fps: int, size: tuple[int, int]) -> Iterator[Picture]:
    """Pictures at a fixed rate: repeated or dropped where the source has another one."""
    from .decoding import frames, moving, open_media
    from .pictures import pixel_aspect

    with open_media(source) as opened:
        streams = moving(opened)
        if not streams:
            raise MediaRejected("the video of a scene has no pictures: make it again")
        aspect, start, due = pixel_aspect(streams[0]), None, 0
        picture: Picture | None = None
        for frame in frames(opened, streams[0]):
            time = float(frame.time or 0.0)
            start = time if start is None else start
            # The picture before this one is shown until this one is due.
            while picture is not None and due + 0.5 < (time - start) * fps:
                yield picture
                due += 1
            picture = _fitted(frame, aspect, size)
        if picture is not None:
            yield picture


def _fitted(frame: Any, aspect: Any, size: tuple[int, int]) -> Picture:
    """Picture within ``size``, in RGB, with black bars where its shape differs."""
    import numpy as np

    from .pictures import shape, upright

    width, height = shape(frame, aspect)
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = upright(frame, aspect, size=inner)
    if inner == size:
        return pixels
    canvas: Picture = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = pixels
    return canvas


class _Film:
    """Writer of H.264 and AAC: for every picture, the sound that belongs to it."""

    def __init__(self, target: Path, size: tuple[int, int], fps: int) -> None:
        import av

        self.size, self.fps = size, fps
        self._shown = 0  #: pictures, of all scenes
        self._written = 0  #: samples, of all scenes
        self._sound: Sound | None = None
        self._first = 0  #: number of the scene's first picture
        self._last: Picture | None = None
        self._before: Picture | None = None
        self._container: Any = av.open(
            str(target), "w", format="mp4", options={"movflags": "+faststart"}
        )
        options = {"crf": "18", "preset": "veryfast", "threads": "2"}
        self._video: Any = self._container.add_stream("libx264", rate=fps, options=options)
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        self._audio: Any = self._container.add_stream("aac", rate=_RATE, layout="mono")
        self._audio.bit_rate = _BITS

    def begin(self, sound: Sound | None) -> None:
        """Begin a scene with its sound; None for silence."""
        self._before, self._first = self._last, self._shown
        self._sound = None if sound is None else _without_clicks(sound)

    def show(self, picture: Picture) -> None:
        """Add a picture, faded in at the begin of a scene."""
        import av

        self._last = picture
        steps = round(_FADE * self.fps)
        step = self._shown - self._first
        if self._before is not None and step < steps:
            picture = _mixed(self._before, picture, (step + 1) / (steps + 1))
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = self._shown, Fraction(1, self.fps)
        self._container.mux(self._video.encode(frame))
        self._shown += 1
        self._hear()

    def end(self) -> None:
        """End a scene: its last picture stays until its sound has ended."""
        if self._shown == self._first or self._last is None:
            raise MediaRejected("the video of a scene has no pictures: make it again")
        while self._sound is not None and self._sound.size:
            self.show(self._last)

    def _hear(self) -> None:
        """Write the sound of the last picture; what a scene lacks is silence."""
        import av
        import numpy as np

        wanted = self._shown * _RATE // self.fps - self._written
        piece = np.zeros(wanted, np.float32)
        if self._sound is not None:
            piece[: self._sound.size] = self._sound[:wanted]
            self._sound = self._sound[wanted:]
        frame = av.AudioFrame.from_ndarray(piece[None], format="fltp", layout="mono")
        frame.sample_rate = _RATE
        frame.pts, frame.time_base = self._written, Fraction(1, _RATE)
        self._container.mux(self._audio.encode(frame))
        self._written += wanted

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._container.mux(self._video.encode())
            self._container.mux(self._audio.encode())
        self._container.close()


def _mixed(before: Picture, after: Picture, share: float) -> Picture:
    import numpy as np

    mixed = before.astype(np.float32) * (1 - share) + after.astype(np.float32) * share
    return mixed.astype(np.uint8)


def _without_clicks(sound: Sound) -> Sound:
    """Sound with its first and last moments faded."""
    import numpy as np

    length = min(int(_CLICK * _RATE), sound.size // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    faded = sound.copy()
    faded[:length] *= ramp
    if length:
        faded[-length:] *= ramp[::-1]
    return faded
