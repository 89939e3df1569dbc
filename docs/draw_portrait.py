# ruff: noqa: E501 - long rows of coordinates read better unbroken
"""Draws the portrait of the demo: a person who does not exist, painted from shapes and light.

Coordinates are pixels of the finished picture (1024 x 1024). Each shape is a smooth outline;
light and shadow are further shapes, blurred and clipped to the one below. Everything is painted
at twice the size and shrunk in the end. ``docs/make_demo.py portrait`` runs this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 1024
SCALE = 2
FULL = SIZE * SCALE
CENTRE = 512.0
FRAME = (72, 70, 952, 950)  # the part that is kept

Points = Sequence[tuple[float, float]]
Colour = tuple[float, float, float]

SKIN: Colour = (226, 172, 140)
SKIN_LIGHT: Colour = (250, 212, 184)
SKIN_SHADE: Colour = (176, 112, 88)
SKIN_DEEP: Colour = (128, 70, 58)
BLUSH: Colour = (222, 126, 108)
HAIR: Colour = (62, 38, 32)
HAIR_DARK: Colour = (32, 19, 19)
HAIR_LIGHT: Colour = (150, 98, 66)
LIPS: Colour = (188, 94, 88)
LIPS_DARK: Colour = (104, 42, 42)
CLOTH: Colour = (38, 104, 112)
CLOTH_LIGHT: Colour = (84, 156, 158)
CLOTH_DARK: Colour = (18, 58, 70)


def loop(points: Points) -> np.ndarray:
    """Closed smooth outline through points, shape (n, 2)."""
    return spline(points, closed=True)


def spline(points: Points, *, closed: bool = False, steps: int = 16) -> np.ndarray:
    """Catmull-Rom curve through points, shape (n, 2)."""
    p = np.array(points, float)
    p = np.vstack([p[-1], p, p[0], p[1]]) if closed else np.vstack([p[0], p, p[-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        pieces.append(
            0.5
            * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
               + (3 * b - a - 3 * c + d) * t**3)
        )  # fmt: skip
    return np.vstack([*pieces, p[-2:-1]])


def mirror(points: Points) -> list[tuple[float, float]]:
    """The same points on the other side of the face, in the same order."""
    return [(2 * CENTRE - x, y) for x, y in points]


class Painting:
    """A float RGB canvas with masks as brushes."""

    def __init__(self) -> None:
        self.pixels = np.zeros((FULL, FULL, 3), np.float32)

    def fill(self, colour: Colour, mask: np.ndarray, strength: float = 1.0) -> None:
        """Lay a colour over the canvas."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        part = (mask[window] * strength)[..., None]
        piece = self.pixels[window]
        piece += (np.array(colour, np.float32) - piece) * part

    def shade(self, colour: Colour, mask: np.ndarray, strength: float = 1.0) -> None:
        """Multiply the canvas by a colour (255 leaves it)."""
        factor = np.array(colour, np.float32) / 255
        self.pixels *= 1 - (1 - factor) * (mask * strength)[..., None]

    def glow(self, colour: Colour, mask: np.ndarray, strength: float = 1.0) -> None:
        """Screen a colour onto the canvas."""
        light = np.array(colour, np.float32) * (mask * strength)[..., None]
        self.pixels += light * (1 - self.pixels / 255)

    def image(self) -> Image.Image:
        """Return the finished picture."""
        full = Image.fromarray(np.clip(self.pixels, 0, 255).astype(np.uint8))
        area = tuple(value * SCALE for value in FRAME)
        return full.resize((SIZE, SIZE), Image.Resampling.LANCZOS, box=area)


def _float(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32) / 255


def blurred(mask: np.ndarray, radius: float) -> np.ndarray:
    """Soften a mask; ``radius`` in pixels of the finished picture."""
    if radius <= 0:
        return mask
    shrink = max(1, int(radius * SCALE / 6))  # wide blurs do not need all pixels
    image = Image.fromarray((mask * 255).astype(np.uint8))
    small = image.resize((FULL // shrink, FULL // shrink), Image.Resampling.BOX)
    small = small.filter(ImageFilter.GaussianBlur(radius * SCALE / shrink))
    return _float(small.resize((FULL, FULL), Image.Resampling.BICUBIC))


def shape(outline: np.ndarray, blur: float = 0.0) -> np.ndarray:
    """Mask of a closed outline."""
    image = Image.new("L", (FULL, FULL), 0)
    ImageDraw.Draw(image).polygon([tuple(point) for point in outline * SCALE], fill=255)
    return blurred(_float(image), blur)


def ellipse(x: float, y: float, rx: float, ry: float, blur: float = 0.0) -> np.ndarray:
    """Mask of an upright ellipse."""
    image = Image.new("L", (FULL, FULL), 0)
    box = [(x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE]
    ImageDraw.Draw(image).ellipse(box, fill=255)
    return blurred(_float(image), blur)


def stroke(
    points: Points, width: float | Callable[[np.ndarray], np.ndarray], blur: float = 0.0
) -> np.ndarray:
    """Mask of a brush stroke; ``width`` may depend on the place along it (0..1)."""
    curve = spline(points, steps=24) * SCALE
    along = np.linspace(0, 1, len(curve))
    widths = width(along) if callable(width) else np.full(len(curve), float(width))
    image = Image.new("L", (FULL, FULL), 0)
    draw = ImageDraw.Draw(image)
    dense = np.linspace(0, len(curve) - 1, len(curve) * 4)
    for x, y, w in zip(
        np.interp(dense, range(len(curve)), curve[:, 0]),
        np.interp(dense, range(len(curve)), curve[:, 1]),
        np.interp(dense, range(len(curve)), widths) * SCALE / 2,
        strict=True,
    ):
        draw.ellipse([x - w, y - w, x + w, y + w], fill=255)
    return blurred(_float(image), blur)


def taper(width: float, start: float = 0.3, end: float = 0.3) -> Callable[[np.ndarray], np.ndarray]:
    """Brush that is thin at both ends."""
    return lambda along: (
        width * np.clip(np.minimum((along + 0.05) / start, (1.05 - along) / end), 0.15, 1)
    )


# ---------------------------------------------------------------------------------- the picture

FACE_SIDE = [
    (0, 205), (84, 214), (140, 248), (164, 310), (171, 378), (170, 430), (166, 480), (156, 540),
    (140, 588), (116, 630), (86, 663), (48, 685), (0, 692),
]  # fmt: skip


def face_outline() -> np.ndarray:
    """Outline of the face."""
    left = [(CENTRE - x, y) for x, y in FACE_SIDE]
    right = [(CENTRE + x, y) for x, y in reversed(FACE_SIDE[1:-1])]
    return loop(left + right)


def draw_portrait() -> Image.Image:
    """Paint everything, from the background to the front."""
    painting = Painting()
    _background(painting)
    _back_hair(painting)
    _neck_and_clothes(painting)
    face = shape(face_outline())
    _skin(painting, face)
    _nose(painting, face)
    for side in (-1, 1):
        _eye(painting, side)
        _brow(painting, side)
    _mouth(painting)
    _front_hair(painting)
    _light(painting)
    return painting.image()


def _background(painting: Painting) -> None:
    rows, columns = np.mgrid[0:FULL, 0:FULL].astype(np.float32) / FULL
    top, bottom = np.array([241, 226, 210], np.float32), np.array([206, 186, 178], np.float32)
    painting.pixels[:] = top + (bottom - top) * rows[..., None]
    for x, y, radius, colour, strength in (
        (0.18, 0.22, 0.34, (255, 246, 232), 0.8),
        (0.92, 0.30, 0.30, (198, 208, 206), 0.55),
        (0.85, 0.85, 0.35, (170, 158, 164), 0.5),
        (0.05, 0.8, 0.3, (216, 180, 160), 0.5),
    ):
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / radius**2)
        painting.fill(colour, spot, strength)


def _ribbon(
    painting: Painting,
    inner: Points,
    outer: Points,
    *,
    seed: int,
    strands: int = 420,
    shine: tuple[float, float] = (0.3, 0.16),
    shine_2: float = 9.0,
    darker: float = 0.0,
    base: bool = True,
) -> None:
    """A lock of hair between two guide lines that both run from the root to the tip.

    ``shine`` is the place of the highlight along the lock, and its length; ``shine_2`` is the
    place of a second one.
    """
    random = np.random.default_rng(seed)
    first, last = spline(inner, steps=24), spline(outer, steps=24)
    places = np.linspace(0, 1, 60)

    def resampled(curve: np.ndarray) -> np.ndarray:
        at = np.linspace(0, 1, len(curve))
        return np.stack([np.interp(places, at, curve[:, axis]) for axis in (0, 1)], axis=-1)

    first, last = resampled(first), resampled(last)
    if base:
        outline = np.vstack([first, last[::-1]])
        body = np.array(HAIR) * (1 - 0.35 * darker)
        painting.fill(tuple(body), shape(outline, 1.2))
    layer = Image.new("RGB", (FULL, FULL))
    cover = Image.new("L", (FULL, FULL), 0)
    draw, draw_cover = ImageDraw.Draw(layer), ImageDraw.Draw(cover)
    dark, middle, light = (np.array(c, float) for c in (HAIR_DARK, HAIR, HAIR_LIGHT))
    for _ in range(strands):
        across = random.uniform(0, 1)
        drift = across + random.normal(0, 0.05) * places
        wave = 0.010 * np.sin(places * random.uniform(4, 7) + random.uniform(0, 6.3))
        mix = np.clip(drift + wave, 0, 1)[:, None]
        curve = (first + (last - first) * mix) * SCALE
        begin = int(random.uniform(0, 12))
        end = 60 - int(abs(random.normal(0, 7)))
        if end - begin < 8:
            continue
        tone = random.normal(0, 0.55)
        edge = (2 * across - 1) ** 2  # the lock is round: its sides are dark
        slip = random.normal(0, 0.03)
        gleam = np.exp(-(((places - shine[0] - slip) / shine[1]) ** 2))
        gleam += 0.6 * np.exp(-(((places - shine_2 - slip) / shine[1]) ** 2))
        gleam = gleam * np.clip(1.1 - edge, 0, 1) * random.uniform(0.3, 1.0)
        width = int(random.choice([1, 2, 2, 3]))
        for step in range(begin, end - 1):
            value = 0.30 * tone - 0.55 * edge - 0.8 * darker
            colour = middle + (light - middle) * np.clip(
                0.95 * gleam[step] + 0.14 * tone * (tone > 0) - 0.4 * darker, 0, 1
            )
            colour = colour + (dark - colour) * np.clip(-value, 0, 0.85)
            line = [tuple(curve[step]), tuple(curve[step + 1])]
            draw.line(line, fill=tuple(int(v) for v in colour), width=width)
            draw_cover.line(line, fill=int(random.uniform(140, 230)), width=width)
    mask = _float(cover.filter(ImageFilter.GaussianBlur(0.8)))
    colours = np.asarray(layer.filter(ImageFilter.GaussianBlur(0.5)), np.float32)
    sharp = _float(cover)[..., None]
    safe = np.where(sharp > 0, np.asarray(layer, np.float32), colours)
    painting.pixels += (safe - painting.pixels) * (mask * (sharp[..., 0] > 0))[..., None]


def _back_hair(painting: Painting) -> None:
    shadow = loop(
        [
            (508, 150),
            (330, 220),
            (286, 460),
            (262, 720),
            (330, 880),
            (690, 880),
            (764, 720),
            (740, 460),
            (700, 220),
        ]
    )
    painting.shade((120, 96, 92), shape(shadow, 26), 0.45)
    painting.fill(
        HAIR_DARK,
        shape(
            loop(
                [
                    (400, 300),
                    (624, 300),
                    (660, 600),
                    (640, 790),
                    (600, 800),
                    (512, 770),
                    (424, 800),
                    (384, 790),
                    (364, 600),
                ]
            ),
            6,
        ),
    )
    left = [(508, 150), (380, 180), (318, 300), (304, 440), (296, 590), (300, 720), (350, 820)]
    inside = [(508, 190), (440, 260), (400, 400), (396, 540), (404, 660), (424, 750), (416, 812)]
    for mirrored in (False, True):
        outer, inner = (mirror(left), mirror(inside)) if mirrored else (left, inside)
        _ribbon(
            painting, inner, outer, seed=7 + mirrored, strands=700, shine=(0.55, 0.1), darker=0.5
        )


def _neck_and_clothes(painting: Painting) -> None:
    neck = loop(
        [(434, 600), (438, 700), (432, 762), (392, 806), (330, 846), (512, 960), (694, 846),
         (632, 806), (592, 762), (586, 700), (590, 600)])  # fmt: skip
    area = shape(neck, 0.8)
    painting.fill((214, 156, 126), area)
    painting.fill(SKIN_LIGHT, area * ellipse(478, 800, 60, 70, 34), 0.55)
    painting.fill(
        SKIN_SHADE,
        area * shape(loop([(560, 640), (600, 640), (640, 900), (560, 900)]), 18),
        0.6,
    )
    cast = loop(
        [(416, 560), (420, 690), (470, 744), (524, 752), (570, 742), (610, 690), (610, 560)]
    )
    painting.fill(SKIN_DEEP, area * shape(cast, 11), 0.72)
    for side in (-1, 1):  # tendons and collar bones
        painting.fill(
            SKIN_SHADE,
            area
            * stroke(
                [(512 + side * 58, 720), (512 + side * 34, 800), (512 + side * 14, 848)],
                taper(9),
                6,
            ),
            0.35,
        )
        painting.fill(
            SKIN_SHADE,
            area
            * stroke(
                [(512 + side * 22, 858), (512 + side * 80, 842), (512 + side * 140, 826)],
                taper(9),
                5,
            ),
            0.4,
        )
        painting.fill(
            SKIN_LIGHT,
            area
            * stroke(
                [(512 + side * 26, 848), (512 + side * 80, 832), (512 + side * 136, 817)],
                taper(7),
                4,
            ),
            0.4,
        )
    body = loop(
        [(340, 770), (296, 822), (214, 856), (120, 900), (20, 1000), (0, 1080), (512, 1090), (1024, 1080),
         (1004, 1000), (904, 900), (810, 856), (728, 822), (684, 770), (630, 850), (560, 915), (512, 938),
         (464, 915), (394, 850)])  # fmt: skip
    cloth = shape(body, 0.8)
    painting.shade((120, 78, 66), blurred(cloth, 9) * area * (1 - cloth), 0.7)
    painting.fill(CLOTH, cloth)
    painting.fill(
        CLOTH_DARK,
        cloth * shape(loop([(700, 850), (960, 900), (960, 1060), (640, 1060), (690, 950)]), 40),
        0.75,
    )
    painting.fill(
        CLOTH_LIGHT, cloth * stroke([(330, 836), (220, 880), (150, 940), (120, 1030)], 60, 26), 0.55
    )
    painting.fill(CLOTH_LIGHT, cloth * ellipse(420, 965, 70, 40, 34), 0.28)
    for points, width in (
        ([(300, 900), (360, 960), (380, 1030)], 12),
        ([(240, 930), (250, 980), (236, 1040)], 12),
        ([(470, 960), (500, 1000), (505, 1040)], 10),
        ([(720, 890), (690, 950), (690, 1030)], 14),
        ([(790, 920), (780, 980), (800, 1040)], 12),
        ([(610, 930), (590, 985), (600, 1040)], 10),
    ):  # folds
        painting.fill(CLOTH_DARK, cloth * stroke(points, taper(width), 7), 0.55)
        lit = [(x - 11, y) for x, y in points]
        painting.fill(CLOTH_LIGHT, cloth * stroke(lit, taper(width * 0.7), 6), 0.28)
    collar = [(340, 770), (394, 850), (464, 915), (512, 938), (560, 915), (630, 850), (684, 770)]
    painting.fill(CLOTH_DARK, stroke([(x, y + 17) for x, y in collar], 3, 1.4), 0.6)
    painting.fill(CLOTH_LIGHT, stroke([(x, y + 5) for x, y in collar[:4]], 7, 2.5), 0.55)


def _skin(painting: Painting, face: np.ndarray) -> None:
    painting.fill(SKIN, face)
    # the large forms: light from the upper left, a turning edge on the right
    painting.fill(SKIN_LIGHT, face * ellipse(462, 330, 92, 80, 46), 0.75)
    painting.fill(SKIN_LIGHT, face * ellipse(432, 500, 52, 42, 28), 0.62)
    painting.fill(SKIN_LIGHT, face * ellipse(592, 492, 38, 30, 24), 0.42)
    painting.fill(SKIN_LIGHT, face * ellipse(500, 655, 34, 20, 15), 0.5)
    rim = np.clip(1 - blurred(face, 20) * 1.0, 0, 1)
    painting.fill(SKIN_SHADE, face * np.clip(rim * 1.5, 0, 1), 0.55)
    right = loop(
        [(642, 250), (720, 300), (720, 640), (560, 720), (600, 640), (634, 560), (650, 440)]
    )
    painting.fill(SKIN_SHADE, face * shape(right, 22), 0.62)
    painting.fill(SKIN_DEEP, face * shape(right + np.array([34, 10]), 20), 0.35)
    painting.fill(
        SKIN_SHADE,
        face
        * shape(
            loop(
                [
                    (340, 560),
                    (420, 664),
                    (512, 700),
                    (620, 660),
                    (700, 700),
                    (512, 760),
                    (330, 700),
                ]
            ),
            13,
        ),
        0.55,
    )
    for x, strength in ((424, 0.42), (602, 0.40)):  # blush
        painting.fill(BLUSH, face * ellipse(x, 524, 42, 30, 24), strength)
    painting.fill(BLUSH, face * ellipse(512, 545, 26, 18, 14), 0.28)
    for side in (-1, 1):  # eye sockets
        x = CENTRE + side * 68
        painting.fill(SKIN_SHADE, face * ellipse(x, 410, 46, 17, 12), 0.42)
        painting.fill(SKIN_SHADE, face * ellipse(CENTRE + side * 32, 420, 13, 24, 9), 0.42)
        painting.fill(
            SKIN_SHADE, face * stroke([(x - 38, 452), (x, 466), (x + 38, 456)], taper(6), 5), 0.25
        )
        painting.fill(SKIN_LIGHT, face * ellipse(x + side * 6, 378 + 20, 24, 5, 5), 0.35)
    # a shadow of the hair on the forehead
    hair_shadow = loop(
        [
            (340, 230),
            (690, 230),
            (690, 420),
            (668, 350),
            (620, 292),
            (560, 262),
            (480, 290),
            (400, 330),
            (356, 420),
            (330, 420),
        ]
    )
    painting.fill(SKIN_DEEP, face * shape(hair_shadow, 13), 0.45)


def _nose(painting: Painting, face: np.ndarray) -> None:
    painting.fill(
        SKIN_SHADE,
        face * stroke([(541, 420), (534, 470), (538, 520), (545, 545)], lambda a: 9 + 8 * a, 8),
        0.5,
    )
    painting.fill(
        SKIN_SHADE,
        face * stroke([(487, 424), (494, 470), (488, 520)], lambda a: 5 + 3 * a, 6),
        0.25,
    )
    painting.fill(
        SKIN_LIGHT,
        face * stroke([(507, 420), (508, 470), (507, 520)], lambda a: 10 + 5 * a, 6),
        0.6,
    )
    painting.fill(SKIN_LIGHT, face * ellipse(506, 532, 14, 11, 7), 0.75)
    painting.fill(
        SKIN_SHADE,
        face * stroke([(478, 556), (496, 564), (512, 567), (528, 564), (546, 556)], taper(11), 5),
        0.62,
    )
    for side in (-1, 1):
        wing = [
            (CENTRE + side * 27, 530),
            (CENTRE + side * 36, 545),
            (CENTRE + side * 31, 557),
            (CENTRE + side * 21, 559),
        ]
        painting.fill(SKIN_DEEP, face * stroke(wing, taper(4.5), 2.2), 0.55 if side > 0 else 0.42)
        nostril = loop(
            [
                (CENTRE + side * 9, 557),
                (CENTRE + side * 16, 553),
                (CENTRE + side * 24, 556),
                (CENTRE + side * 16, 560.5),
            ]
        )
        painting.fill((84, 38, 34), shape(nostril, 1.4), 0.85)
        painting.fill(
            SKIN_SHADE,
            face
            * stroke(
                [(CENTRE + side * 40, 560), (CENTRE + side * 58, 585), (CENTRE + side * 68, 606)],
                taper(8),
                6,
            ),
            0.30,
        )
    painting.fill((255, 240, 226), ellipse(504, 528, 5, 4, 3), 0.65)
    # the groove above the lip
    painting.fill(SKIN_SHADE, face * stroke([(516, 570), (516, 584)], 7, 3), 0.35)
    painting.fill(SKIN_LIGHT, face * stroke([(505, 570), (504, 584)], 5, 3), 0.35)


def _eye(painting: Painting, side: int) -> None:
    def at(points: Points) -> list[tuple[float, float]]:
        return [(CENTRE + side * x, y) for x, y in points]

    upper = at([(37, 437), (47, 425.5), (62, 417.5), (78, 416.5), (94, 421.5), (108, 430)])
    lower = at([(108, 430), (96, 439.5), (78, 445), (60, 444.5), (46, 440.5), (37, 437)])
    outline = np.vstack([spline(upper), spline(lower)])
    eye = shape(outline, 0.6)
    painting.fill((238, 231, 226), eye)
    painting.fill(
        (188, 168, 162),
        eye * shape(np.vstack([spline(upper), spline(at([(108, 434), (78, 427), (37, 440)]))]), 3),
        0.75,
    )
    painting.fill((206, 186, 180), eye * np.clip(1 - blurred(eye, 5), 0, 1), 0.8)
    painting.fill((212, 140, 128), eye * ellipse(CENTRE + side * 42, 437, 5, 4, 2), 0.7)
    x, y = CENTRE + side * 72, 431.0
    iris = eye * ellipse(x, y, 18.2, 18.2, 0.5)
    painting.fill((60, 36, 24), iris)
    painting.fill((112, 70, 40), iris * ellipse(x, y, 15, 15, 2.2))
    painting.fill((176, 122, 72), iris * ellipse(x + 2, y + 8, 10, 7, 3.5), 0.85)
    rays = Image.new("L", (FULL, FULL), 0)
    draw = ImageDraw.Draw(rays)
    random = np.random.default_rng(5)
    for angle in np.linspace(0, 2 * np.pi, 70):
        a = angle + random.normal(0, 0.03)
        near, far = 8.5, random.uniform(12, 16.5)
        draw.line(
            [((x + near * np.cos(a)) * SCALE, (y + near * np.sin(a)) * SCALE),
             ((x + far * np.cos(a)) * SCALE, (y + far * np.sin(a)) * SCALE)],
            fill=int(random.uniform(60, 200)), width=1,
        )  # fmt: skip
    painting.fill((206, 156, 102), iris * blurred(_float(rays), 0.4), 0.4)
    painting.fill((16, 10, 10), iris * ellipse(x, y, 8, 8, 0.7))
    painting.fill(
        (22, 12, 10),
        iris
        * shape(np.vstack([spline(upper), spline(at([(108, 432), (78, 424), (37, 438)]))]), 2.6),
        0.75,
    )
    painting.fill((255, 255, 255), eye * ellipse(x - 6, y - 6.5, 4.6, 4.2, 0.6), 0.97)
    painting.fill((255, 240, 226), eye * ellipse(x + 6, y + 7.5, 2.4, 1.9, 0.8), 0.55)
    # lids and lashes
    painting.fill(
        (44, 24, 22),
        stroke(
            at([(36, 438), (47, 425), (62, 416.3), (78, 415), (95, 419.5), (112, 427)]),
            lambda a: 1.8 + 3.4 * a - 1.6 * a**6,
            0.8,
        ),
        0.92,
    )
    painting.fill(
        (44, 24, 22),
        stroke(at([(100, 421), (111, 426), (119, 422.5)]), taper(3.0, 0.2, 0.9), 0.8),
        0.85,
    )
    for start in np.linspace(0.55, 0.99, 7):  # lashes: only the outer ones stand out
        lid = spline(upper)
        bx, by = lid[int(start * (len(lid) - 1))]
        out, rise = 3 + 7 * (start - 0.5), 4.5 + 4 * (start - 0.5)
        lash = [
            (bx, by - 1.5),
            (bx + side * out * 0.5, by - 1 - rise * 0.55),
            (bx + side * out, by - 1.5 - rise),
        ]
        painting.fill((44, 24, 22), stroke(lash, taper(1.9, 0.05, 1.0), 0.6), 0.6)
    painting.fill(
        SKIN_DEEP,
        stroke(at([(42, 421), (56, 408), (76, 403), (96, 408), (112, 419)]), taper(3.2), 1.6),
        0.62,
    )
    painting.fill(SKIN_LIGHT, stroke(at([(58, 411), (76, 407.5), (94, 412)]), taper(4), 2), 0.45)
    painting.fill(
        (120, 66, 56),
        stroke(
            at([(106, 434), (94, 443.5), (78, 449), (60, 448), (44, 442)]),
            taper(2.2, 0.1, 0.6),
            1.0,
        ),
        0.55,
    )
    painting.fill(SKIN_LIGHT, stroke(at([(100, 446), (80, 455), (56, 453)]), taper(4), 2.5), 0.4)


def _brow(painting: Painting, side: int) -> None:
    def at(x: float, y: float) -> tuple[float, float]:
        return (CENTRE + side * x, y + (1.0 if side > 0 else 0))

    spine = [at(32, 388), at(54, 379), at(82, 371.5), at(106, 376), at(126, 389)]
    body = stroke(spine, lambda a: 11 * (1 - 0.75 * a) * np.clip((a + 0.10) / 0.22, 0.45, 1), 1.6)
    painting.fill((96, 60, 46), body, 0.80)
    random = np.random.default_rng(40 + side)
    line = spline(spine, steps=40)
    for _ in range(90):
        along = random.uniform(0.02, 0.9)
        index = int(along * (len(line) - 2))
        x, y = line[index]
        dx, dy = line[index + 1] - line[index]
        half = 4.0 * (1 - 0.75 * along)
        y += random.uniform(-half, half)
        length = 9 / max(float(np.hypot(dx, dy)), 1e-6)
        rise = 5.0 * (1 - along) ** 2
        tip = (x + dx * length, y + dy * length - rise)
        painting.fill((60, 36, 30), stroke([(x, y), tip], taper(1.3, 0.2, 0.8), 0.4), 0.34)


def _mouth(painting: Painting) -> None:
    seam = [
        (446, 598),
        (462, 603.5),
        (484, 607),
        (502, 608),
        (512, 608.3),
        (522, 608),
        (540, 607),
        (562, 603.5),
        (578, 598),
    ]
    bow = [
        (578, 598),
        (554, 592.5),
        (532, 588.5),
        (520, 587.2),
        (512, 589.4),
        (504, 587.2),
        (492, 588.5),
        (470, 592.5),
        (446, 598),
    ]
    bottom = [
        (578, 598),
        (564, 613),
        (542, 626.5),
        (512, 630.5),
        (482, 626.5),
        (460, 613),
        (446, 598),
    ]
    upper = shape(np.vstack([spline(seam), spline(bow)]), 1.1)
    lower = shape(np.vstack([spline(seam), spline(bottom)]), 1.1)
    painting.fill(SKIN_SHADE, stroke([(480, 639), (512, 643), (544, 639)], taper(12), 6), 0.5)
    painting.fill(SKIN_LIGHT, stroke([(470, 586), (492, 582), (506, 580)], taper(4), 2.5), 0.4)
    painting.fill((192, 104, 96), upper)
    painting.fill((206, 118, 108), lower)
    painting.fill(
        (214, 136, 122), upper * stroke([(466, 597), (500, 592), (534, 594)], taper(5), 2.5), 0.5
    )
    painting.fill((150, 72, 68), upper * stroke(seam, 7, 3), 0.5)
    painting.fill(
        (168, 84, 78),
        lower * stroke([(450, 601), (476, 618), (512, 629), (548, 618), (574, 601)], taper(7), 3.2),
        0.5,
    )
    painting.fill((234, 164, 150), lower * ellipse(502, 616.5, 26, 6, 4.5), 0.75)
    painting.fill((255, 226, 214), lower * ellipse(498, 614.5, 12, 2.2, 2), 0.5)
    painting.fill((118, 52, 50), stroke(seam, taper(2.6, 0.25, 0.25), 0.9), 0.85)
    for x, side in ((445, -1), (579, 1)):
        painting.fill(SKIN_DEEP, ellipse(x + side * 1.5, 597, 4, 3, 2.6), 0.5)
        painting.fill(
            SKIN_SHADE,
            stroke([(x + side * 6, 590), (x + side * 12, 598), (x + side * 11, 608)], taper(5), 4),
            0.38,
        )


def _front_hair(painting: Painting) -> None:
    part = (560, 172)
    cap = loop(
        [(326, 470), (316, 340), (346, 240), (418, 166), (512, 138), (604, 146), (682, 216), (714, 330),
         (706, 470), (690, 400), (668, 318), (630, 250), (572, 206), (518, 246), (456, 296), (396, 346), (350, 430)])  # fmt: skip
    painting.fill(HAIR, shape(cap, 2.5))
    painting.fill(HAIR_DARK, shape(loop([(520, 250), (560, 168), (630, 256), (574, 222)]), 7), 0.6)
    left_outer = [
        (552, 138),
        (440, 138),
        (346, 210),
        (304, 320),
        (290, 450),
        (268, 580),
        (262, 700),
        (288, 800),
        (352, 872),
        (398, 892),
    ]
    right_outer = [
        (556, 138),
        (640, 146),
        (706, 222),
        (734, 330),
        (742, 460),
        (762, 590),
        (768, 706),
        (744, 806),
        (688, 872),
        (640, 894),
    ]
    # the long sweeps to both sides, the lower layer first
    _ribbon(painting, [(552, 172), (500, 226), (430, 292), (374, 366), (346, 470), (334, 580), (336, 680), (356, 770), (386, 840), (402, 892)],
            left_outer, seed=1, strands=1500, shine=(0.27, 0.07), shine_2=0.74)  # fmt: skip
    _ribbon(painting, [part, (614, 226), (652, 296), (676, 376), (686, 470), (698, 580), (694, 684), (674, 772), (650, 838), (636, 894)],
            right_outer, seed=3, strands=1400, shine=(0.29, 0.07), shine_2=0.76, darker=0.14)  # fmt: skip
    # upper layers over them
    _ribbon(painting, [(556, 176), (518, 240), (458, 302), (398, 358), (360, 440), (340, 540), (336, 640), (356, 720)],
            [(548, 158), (470, 196), (392, 262), (346, 344), (322, 450), (302, 560), (290, 660), (310, 760)],
            seed=2, strands=620, shine=(0.36, 0.09), base=False)  # fmt: skip
    _ribbon(painting, [part, (616, 224), (662, 300), (690, 380), (702, 480), (714, 590), (706, 690)],
            [(564, 158), (632, 184), (688, 258), (718, 350), (728, 470), (744, 590), (742, 700)],
            seed=4, strands=420, shine=(0.4, 0.09), darker=0.14, base=False)  # fmt: skip
    random = np.random.default_rng(12)
    for outer, side in ((left_outer, -1), (right_outer, 1)):  # loose hair at the outline
        for _ in range(9):
            shift = abs(random.normal(0, 2.5)) * side
            first = int(random.integers(0, 5))
            hair = [
                (x + shift * (0.3 + 0.08 * i), y + random.normal(0, 3))
                for i, (x, y) in enumerate(outer)
            ]
            painting.fill(HAIR, stroke(hair[first : first + 4], taper(1.1, 0.3, 0.5), 0.5), 0.5)
    painting.fill(HAIR_DARK, stroke([(555, 142), (559, 172), (564, 194)], taper(3.0), 1.5), 0.6)
    hairline = [(552, 212), (500, 240), (444, 290), (392, 348), (356, 430), (340, 510)]
    painting.fill(HAIR_DARK, stroke(hairline, taper(7, 0.2, 0.4), 3), 0.75)


def _light(painting: Painting) -> None:
    rows, columns = np.mgrid[0:FULL, 0:FULL].astype(np.float32) / FULL
    warm = np.exp(-((columns - 0.25) ** 2 + (rows - 0.15) ** 2) / 0.22)
    painting.glow((255, 214, 170), warm, 0.10)
    far = np.clip(np.hypot(columns - 0.5, rows - 0.46) - 0.42, 0, 1)
    painting.shade((70, 56, 70), far, 0.9)


if __name__ == "__main__":
    import sys

    draw_portrait().save(sys.argv[1])
