"""Captions of a spoken script: times of words, cues, and burnt-in text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from avatarkit.content.subtitles import Cue
from avatarkit.providers.local.paste import Piece
from avatarkit.providers.local.warp import Array

LINE: Final = 42  # characters of a line at most
LINES: Final = 2
LONGEST: Final = 6.0  # seconds of a cue
LINGER: Final = 0.4  # seconds that a cue stays if nothing follows at once
SENTENCE_ENDS: Final = ".!?\N{HORIZONTAL ELLIPSIS}"

TEXT_HEIGHT: Final = 0.042  # of the frame's longer side at least, of its height at most
SMALLEST: Final = 12  # pixels
MARGIN: Final = 0.06  # of the frame's height below the text
BOX: Final = 0.62  # cover of the box behind the text


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the script as it is written, and when it is spoken, in seconds."""

    text: str
    start: float
    end: float


def word_times(text: str, spoken: Sequence[tuple[float, float]]) -> list[Word]:
    """Times of the words of a text, of which ``spoken`` are the times of groups of phonemes.

    Where a number is spoken in several words, times are shared by the length of the written ones.
    """
    words = text.split()
    if not words or not spoken:
        return []
    start, end = spoken[0][0], spoken[-1][1]
    if len(spoken) == len(words):
        times = list(spoken)
    else:
        ends = np.cumsum([len(word) + 1 for word in words])
        places = start + (end - start) * np.concatenate([[0], ends / ends[-1]])
        times = [(float(begin), float(stop)) for begin, stop in pairwise(places)]
    return [Word(word, *time) for word, time in zip(words, times, strict=True)]


def cues(words: Iterable[Word]) -> list[Cue]:
    """Gather words into captions of at most two lines, which end with their sentence."""
    made: list[Cue] = []
    held: list[Word] = []
    for word in words:
        text = " ".join(one.text for one in (*held, word))
        long = held and word.end - held[0].start > LONGEST
        if held and (long or len(_lines(text)) > LINES):
            made.append(_cue(held))
            held = []
        held.append(word)
        if word.text.rstrip("\"')")[-1:] in SENTENCE_ENDS:
            made.append(_cue(held))
            held = []
    if held:
        made.append(_cue(held))
    following = [cue.start for cue in made[1:]] + [float("inf")]
    return [
        Cue(cue.start, min(cue.end + LINGER, next_start), cue.lines)
        for cue, next_start in zip(made, following, strict=True)
    ]


def _cue(words: Sequence[Word]) -> Cue:
    lines = _lines(" ".join(word.text for word in words))
    return Cue(words[0].start, words[-1].end, tuple(lines))


def _lines(text: str) -> list[str]:
    """Break a text into lines, of about equal length if it takes two."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) > LINE and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = joined
    if len(lines) != LINES:
        return lines
    words = text.split()
    splits = [[" ".join(words[:at]), " ".join(words[at:])] for at in range(1, len(words))]
    return min(splits, key=lambda pair: abs(len(pair[0]) - len(pair[1])))


def burnt_in(cue: Cue, size: tuple[int, int]) -> Piece:
    """Draw a caption at the foot of a frame of ``size``: white on a dark box."""
    width, height = size
    points = max(SMALLEST, TEXT_HEIGHT * min(height, 1.3 * width))
    font = ImageFont.load_default(points)
    text = "\n".join(cue.lines)
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = measure.multiline_textbbox((0, 0), text, font=font, align="center")
    pad = round(0.4 * (bottom - top) / len(cue.lines))
    if right - left + 2 * pad > width:
        font = ImageFont.load_default(points * (width - 2 * pad) / (right - left))
        left, top, right, bottom = measure.multiline_textbbox(
            (0, 0), text, font=font, align="center"
        )
    across, down = (
        _even(v + 2 * pad, most) for v, most in ((right - left, width), (bottom - top, height))
    )
    x = (width - across) // 4 * 2
    y = max(int(height - MARGIN * height - down) // 2 * 2, 0)
    picture = Image.new("L", (across, down), 16)
    ImageDraw.Draw(picture).multiline_text(
        (across / 2 - (left + right) / 2, down / 2 - (top + bottom) / 2),
        text, font=font, fill=255, align="center",
    )  # fmt: skip
    drawn: Array = np.asarray(picture)
    cover = np.maximum(drawn.astype(np.float32) / 255, np.float32(BOX))
    return Piece((x, y, x + across, y + down), np.repeat(drawn[..., None], 3, axis=2), cover)


def _even(length: float, most: int) -> int:
    return min(2 * -(-int(np.ceil(length)) // 2), most)
