"""Pictures as they are shown: upright, with square pixels, the first one of several.

The only place that knows rotation, mirroring, pixel aspect ratio and orientation flags: of stills
(``read_picture``) and of decoded video frames (``shape``, ``upright``). Preflight and the engine of
the local provider both use it, so they measure the same picture.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from .containers import Container, picture_size
from .decoding import DecodeError, check_claims, too_much_memory
from .limits import MAX_JPEG_PIXELS, MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image

    Pixels = npt.NDArray[np.uint8]

#: Pillow's names of the formats that are read.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "PPM")
#: Formats whose further pictures are no animation; an MPO is a JPEG with more behind the first.
_PAGED: Final = frozenset({"MPO", "TIFF"})
_BACKGROUND: Final = (226, 226, 230, 255)
#: A pixel's width by its height that is believed.
_ASPECTS: Final = (Fraction(1, 8), Fraction(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A still as it is shown."""

    width: int  #: pixels of the original, as shown
    height: int
    turned: bool = False  #: stored turned or mirrored, with a flag that says so
    animated: bool = False  #: only the first of its frames was taken
    rgb: bytes = field(
        default=b"", repr=False
    )  #: of the picture, shrunk to the size that was asked
    size: tuple[int, int] = (0, 0)  #: width and height of ``rgb``
    alpha: bytes = field(default=b"", repr=False)  #: opacity of its pixels; empty: opaque

    def ppm(self) -> bytes:
        """Encode ``rgb`` as PPM."""
        return b"P6 %d %d 255\n" % self.size + self.rgb


class TooLargeError(DecodeError):
    """A picture has more pixels than are decoded."""

    def __init__(self, width: int, height: int, most: int) -> None:
        super().__init__(
            f"is too large ({width} x {height} pixels): scale it down to less than "
            f"{most / 1e6:.0f} megapixels"
        )
        self.width, self.height, self.most = width, height, most


def read_picture(source: Path | BinaryIO, container: Container, longest_side: int) -> Picture:
    """Decode a still whole, upright and opaque, and shrink it to ``longest_side``; blocking.

    Raises ``DecodeError`` if the decoder cannot read it to its end, ``TooLargeError``, and
    ``LimitExceeded`` if it needs more memory or time than a picture should.
    """
    check_claims(source)
    if container.media_type == "image/heic":
        from .heif import read_heif

        return read_heif(source, longest_side)
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, see the limit below; of odd EXIF
            with Image.open(source, formats=_FORMATS) as image:
                most = MAX_JPEG_PIXELS if image.format in {"JPEG", "MPO"} else MAX_PIXELS
                width, height = image.size
                if width * height >= most:
                    raise TooLargeError(width, height, most)
                animated = getattr(image, "is_animated", False) and image.format not in _PAGED
                orientation = _orientation(image)
                image.draft("RGB", (longest_side, longest_side))
                image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
                shown = ImageOps.exif_transpose(image)
                rgb = opaque(shown)
                alpha = _alpha(shown)
    except MemoryError as error:
        raise too_much_memory() from error
    except UnidentifiedImageError as error:
        raise DecodeError("its header is damaged, or its format unknown") from error
    except Image.DecompressionBombError as error:
        raise TooLargeError(*_stated_size(source), MAX_PIXELS) from error
    except _BAD_PICTURE as error:
        raise DecodeError(str(error).rstrip(".")) from error
    if orientation >= _LYING:
        width, height = height, width
    return Picture(
        width=width,
        height=height,
        turned=orientation != 1,
        animated=bool(animated),
        rgb=rgb.tobytes(),
        size=rgb.size,
        alpha=alpha,
    )


#: Exceptions by which Pillow's decoders report a bad file; ``RuntimeError`` is that of AVIF.
_BAD_PICTURE = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, RuntimeError),
    struct.error,
)


def _stated_size(source: Path | BinaryIO) -> tuple[int, int]:
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(_HEAD)
    else:
        source.seek(0)
        head = source.read(_HEAD)
    return picture_size(head) or (0, 0)


_HEAD: Final = 1 << 16
#: EXIF orientations from this one on swap width and height.
_LYING: Final = 5
_ORIENTATION: Final = 0x0112


def _orientation(image: Image) -> int:
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def opaque(image: Image) -> Image:
    """Convert to RGB; transparent areas become light grey."""
    from PIL import Image as Pillow

    if image.mode.startswith(("I", "F")):
        image = _shallow(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    layers = image.convert("RGBA")
    background = Pillow.new("RGBA", layers.size, _BACKGROUND)
    return Pillow.alpha_composite(background, layers).convert("RGB")


#: Values that mean white in pictures of one deep channel, smallest first.
_WHITES: Final = (1, 255, 65_535)


def _shallow(image: Image) -> Image:
    """Scale one deep channel to 8 bits, which Pillow's own conversion would clip to white."""
    values = image.convert("F")
    brightest = cast("tuple[float, float]", values.getextrema())[1]
    if image.mode.startswith("I;16"):
        white: float = _WHITES[-1]
    else:
        white = next((white for white in _WHITES if brightest <= white), brightest)
    return values.point(lambda value: value * (255 / white)).convert("L")


def _alpha(image: Image) -> bytes:
    """Opacity of a picture with transparent parts; empty for another."""
    if not image.has_transparency_data:
        return b""
    alpha = image.convert("RGBA").getchannel("A")
    return alpha.tobytes() if alpha.getextrema()[0] == 0 else b""


# -- frames of a video ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn by quarters and a mirroring: transpose first, then flip."""

    transposed: bool = False
    left_right: bool = False
    top_bottom: bool = False

    def __bool__(self) -> bool:
        return self.transposed or self.left_right or self.top_bottom

    def apply(self, pixels: Pixels) -> Pixels:
        """Turn an array of rows."""
        pixels = pixels.swapaxes(0, 1) if self.transposed else pixels
        pixels = pixels[:, ::-1] if self.left_right else pixels
        return pixels[::-1] if self.top_bottom else pixels


def turn(frame: Any) -> Turn:
    """Read the display matrix of a frame, rounded to quarters of a turn."""
    import numpy as np

    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Turn()
    a, b, _, c, d = np.frombuffer(bytes(matrix), "=i4")[:5].tolist()
    if max(abs(b), abs(c)) > max(abs(a), abs(d)):
        return Turn(transposed=True, left_right=c < 0, top_bottom=b < 0)
    return Turn(left_right=a < 0, top_bottom=d < 0)


def pixel_aspect(stream: Any) -> Fraction:
    """Width of a pixel by its height; what the container says goes before the codec."""
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and _ASPECTS[0] <= aspect <= _ASPECTS[1] else Fraction(1)


def shape(frame: Any, aspect: Fraction) -> tuple[int, int]:
    """Width and height of a frame as it is shown."""
    width, height = _square(frame, aspect)
    return (height, width) if turn(frame).transposed else (width, height)


def _square(frame: Any, aspect: Fraction) -> tuple[int, int]:
    """Width and height in square pixels, of which there are no fewer than before."""
    if aspect >= 1:
        return round(frame.width * aspect), frame.height
    return frame.width, round(frame.height / aspect)


def upright(
    frame: Any,
    aspect: Fraction,
    *,
    longest_side: int | None = None,
    size: tuple[int, int] | None = None,
) -> Pixels:
    """RGB pixels of a frame as shown, at most ``longest_side`` long, or of exactly ``size``."""
    from av.video.reformatter import VideoReformatter

    from .decoding import decode

    turned = turn(frame)
    width, height = _square(frame, aspect)
    if size is not None:
        width, height = size[::-1] if turned.transposed else size
    elif longest_side is not None and max(width, height) > longest_side:
        scale = longest_side / max(width, height) / 2
        width, height = (max(2, 2 * round(side * scale)) for side in (width, height))
    import numpy as np

    # that of the frame would keep its threads until the garbage collector finds the frame
    converter: Any = cast("Any", VideoReformatter())
    pixels = decode(converter.reformat, frame, width, height, format="rgb24").to_ndarray()
    return np.ascontiguousarray(turned.apply(pixels))


def ppm(pixels: Pixels) -> bytes:
    """Encode pixels as PPM."""
    return b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()
