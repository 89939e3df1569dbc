# ruff: noqa: RUF001 - phonetic letters are what this file is about
"""Turns phoneme times, or bare sound, into the shape of the mouth for every video frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from avatarkit.providers.local.audio import BLOCK, Sound, gaussian_smooth, loudness
from avatarkit.providers.local.speech import Phoneme
from avatarkit.providers.local.warp import untyped

Floats = npt.NDArray[np.floating[Any]]


class MouthShape(NamedTuple):
    """Shape of the mouth at one moment."""

    opening: float  #: 0 lips meet .. 1 wide open
    spread: float  #: -1 rounded .. 0 .. +1 spread
    lift: float  #: 0..1, the upper lip is raised
    tuck: float  #: 0..1, the lower lip goes under the upper teeth (f, v)
    tongue: float = 0.0  #: 0..1, its tip is raised to the upper teeth (l, th, t, d, n)
    smile: float = 0.0  #: 0..1, the corners are drawn out and up


@dataclass(frozen=True, slots=True)
class MouthCurves:
    """Mouth shapes for all frames: ``values`` has shape (fields, frames), rows as in MouthShape.

    Speech leaves the smile at 0.
    """

    values: Floats

    def __len__(self) -> int:
        return int(self.values.shape[1])

    def __getitem__(self, frame: int) -> MouthShape:
        return MouthShape(*map(float, self.values[:, frame]))


# fmt: off
#: Mouth shape of each symbol of hibari's alphabet (misaki's IPA).
VISEMES: Final = {
    # open and mid vowels
    "ɑ": MouthShape(1.00, 0.00, 0.15, 0), "a": MouthShape(0.95, 0.10, 0.15, 0),
    "æ": MouthShape(0.90, 0.35, 0.20, 0), "ʌ": MouthShape(0.70, 0.00, 0.10, 0),
    "ɐ": MouthShape(0.60, 0.00, 0.10, 0), "ɔ": MouthShape(0.75, -0.45, 0.10, 0),
    "ɒ": MouthShape(0.80, -0.30, 0.10, 0), "ɛ": MouthShape(0.62, 0.35, 0.15, 0),
    "e": MouthShape(0.50, 0.45, 0.15, 0), "ɜ": MouthShape(0.45, -0.20, 0.10, 0),
    "ɚ": MouthShape(0.40, -0.20, 0.10, 0), "ə": MouthShape(0.38, 0.00, 0.05, 0),
    "ᵊ": MouthShape(0.30, 0.00, 0.05, 0),
    # close vowels
    "ɪ": MouthShape(0.38, 0.35, 0.10, 0), "ᵻ": MouthShape(0.35, 0.30, 0.10, 0),
    "i": MouthShape(0.34, 0.70, 0.15, 0), "u": MouthShape(0.30, -0.90, 0.00, 0),
    "ʊ": MouthShape(0.34, -0.60, 0.00, 0), "o": MouthShape(0.50, -0.70, 0.05, 0),
    # lips
    "m": MouthShape(0.00, 0.00, 0.00, 0), "b": MouthShape(0.00, 0.00, 0.00, 0),
    "p": MouthShape(0.00, 0.00, 0.00, 0), "w": MouthShape(0.16, -0.95, 0.00, 0),
    "f": MouthShape(0.08, 0.10, 0.15, 1), "v": MouthShape(0.08, 0.10, 0.15, 1),
    # tongue
    "θ": MouthShape(0.24, 0.10, 0.05, 0), "ð": MouthShape(0.24, 0.10, 0.05, 0),
    "t": MouthShape(0.20, 0.15, 0.05, 0), "d": MouthShape(0.20, 0.15, 0.05, 0),
    "n": MouthShape(0.20, 0.10, 0.05, 0), "l": MouthShape(0.28, 0.10, 0.05, 0),
    "s": MouthShape(0.14, 0.35, 0.10, 0), "z": MouthShape(0.14, 0.35, 0.10, 0),
    "T": MouthShape(0.22, 0.10, 0.05, 0), "ɾ": MouthShape(0.22, 0.10, 0.05, 0),
    "ʃ": MouthShape(0.24, -0.55, 0.10, 0), "ʒ": MouthShape(0.24, -0.55, 0.10, 0),
    "ʧ": MouthShape(0.22, -0.50, 0.10, 0), "ʤ": MouthShape(0.22, -0.50, 0.10, 0),
    "ɹ": MouthShape(0.28, -0.45, 0.05, 0), "j": MouthShape(0.24, 0.45, 0.10, 0),
    # back of the mouth
    "k": MouthShape(0.28, 0.05, 0.05, 0), "ɡ": MouthShape(0.28, 0.05, 0.05, 0),
    "ŋ": MouthShape(0.25, 0.05, 0.05, 0), "h": MouthShape(0.35, 0.00, 0.05, 0),
    "ʔ": MouthShape(0.20, 0.00, 0.00, 0), "x": MouthShape(0.30, 0.00, 0.00, 0),
}
#: Diphthongs, each one symbol in hibari's alphabet.
DIPHTHONGS: Final = {
    "A": ("e", "ɪ"), "I": ("a", "ɪ"), "O": ("o", "ʊ"),
    "W": ("a", "ʊ"), "Y": ("ɔ", "ɪ"), "Q": ("ə", "ʊ"),
}
# fmt: on
#: How far the tip of the tongue is raised.
TONGUES: Final = {"θ": 1.0, "ð": 1.0, "l": 0.9, "t": 0.6, "d": 0.6, "n": 0.7, "T": 0.6, "ɾ": 0.6}
CLOSED: Final = frozenset("mbp")
MARKS: Final = frozenset("ˈˌ ")  # stress and space: their time belongs to what follows
LENGTHENING: Final = "ː"  # its time belongs to the phoneme before

STEP: Final = 0.01  # seconds between the points of the curves before they are sampled
SMOOTHING: Final = 0.035  # seconds (sigma): lips are heavy
REACH_TIME: Final = 0.110  # seconds that lips need for a full opening; shorter vowels undershoot
#: Seconds that hibari's phoneme times are behind its sound. Measured on about 100 closures: the
#: quietest moment of b and p and the dullest of m lie this far before the times that are given.
LABEL_LAG: Final = 0.030
CLOSURE: Final = 0.040  # seconds (half width) that m, b and p stay closed
#: How much of the opening follows the loudness alone, whatever the phoneme: people open the jaw
#: further on louder syllables, and a mouth that ignores the loudness looks dubbed.
LOUDNESS_SHARE: Final = 0.55
LOUDNESS_OPENING: Final = 0.75  # opening of a typical loud syllable in that share
REST: Final = MouthShape(0, 0, 0, 0)


def from_phonemes(phonemes: Sequence[Phoneme], sound: Sound, fps: int) -> MouthCurves:
    """Follow the phonemes; how far the mouth opens also follows the loudness."""
    phonemes = [Phoneme(p.symbol, p.start - LABEL_LAG, p.end - LABEL_LAG) for p in phonemes]
    seconds = sound.seconds
    times = np.arange(int(seconds / STEP) + 1) * STEP
    spoken = _merge_marks(phonemes)
    targets = np.zeros((len(REST), times.size))
    for index, phoneme in enumerate(spoken):
        during = (times >= phoneme.start) & (times < phoneme.end)
        following = spoken[index + 1].symbol if index + 1 < len(spoken) else ""
        targets[:, during] = _shapes(phoneme, following, times[during])
    relative = _relative_loudness(sound, times.size)
    targets[0] *= 0.2 + 0.8 * relative
    curves = gaussian_smooth(targets * _voice_on(relative), SMOOTHING / STEP)
    by_loudness = LOUDNESS_OPENING * gaussian_smooth(relative**0.8, 0.03 / STEP)
    curves[0] += LOUDNESS_SHARE * (by_loudness - curves[0])
    closures = closure_times(phonemes)
    for middle in closures:
        distance = np.abs(times - middle) / CLOSURE
        curves[0] *= 1 - np.exp(-0.5 * (distance / 0.8) ** 2)
    frames = _sample(curves, times, seconds, fps)
    for middle in closures:  # a frame may fall beside the shortest closure: it closes anyway
        nearest = round(middle * fps - 0.5)
        frames[0, min(max(nearest, 0), frames.shape[1] - 1)] = 0
    return MouthCurves(frames)


def closure_times(phonemes: Sequence[Phoneme]) -> list[float]:
    """Return when the lips meet for each m, b and p.

    hibari's label covers the release of a stop, whose closure comes before it; where a space
    stands before (it takes time without a pause), the closure lies in the space.
    """
    times: list[float] = []
    for before, phoneme in zip([None, *phonemes], phonemes, strict=False):
        if phoneme.symbol not in CLOSED:
            continue
        if before is not None and before.symbol == " ":
            times.append((before.start + before.end) / 2)
        elif phoneme.symbol == "m":
            times.append((phoneme.start + phoneme.end) / 2)
        else:
            times.append(phoneme.start)
    return times


def from_audio(sound: Sound, fps: int) -> MouthCurves:
    """Follow bare sound: loudness opens the mouth, the spectrum's balance spreads or rounds it."""
    seconds = sound.seconds
    times = np.arange(int(seconds / STEP) + 1) * STEP
    bands = _band_levels(sound, times.size, ((100, 3500), (1600, 3500), (300, 1000)))
    speech = np.sqrt(bands[0])
    decibels = 20 * np.log10(np.maximum(speech, 1e-9) / _typical_loudness(speech))
    opening: Floats = np.clip((decibels + 26) / 26, 0, 1.1) ** 1.3
    brightness = 10 * np.log10(bands[1] / bands[2])
    spread: Floats = np.clip((brightness + 12) / 14, -0.9, 0.7) * np.clip(opening * 2, 0, 1)
    hiss = _band_levels(sound, times.size, ((4000, 10000), (100, 1500)))
    fricative = 10 * np.log10(hiss[0] / hiss[1]) > 3
    opening = np.where(fricative, np.minimum(opening, 0.18), opening)
    still = np.zeros_like(opening)
    shapes = np.stack([opening, spread, 0.15 * opening, *[still] * (len(REST) - 3)])
    curves = gaussian_smooth(shapes, 0.03 / STEP)
    return MouthCurves(_sample(curves, times, seconds, fps))


def _merge_marks(phonemes: Sequence[Phoneme]) -> list[Phoneme]:
    """Give the time of stress marks and spaces to the phoneme that follows."""
    merged: list[Phoneme] = []
    start: float | None = None
    for phoneme in phonemes:
        if phoneme.symbol in MARKS:
            start = phoneme.start if start is None else start
        elif phoneme.symbol == LENGTHENING and merged:
            merged[-1] = Phoneme(merged[-1].symbol, merged[-1].start, phoneme.end)
        else:
            begin = phoneme.start if start is None else start
            merged.append(Phoneme(phoneme.symbol, begin, phoneme.end))
            start = None
    return merged


def _shapes(phoneme: Phoneme, following: str, times: Floats) -> Floats:
    """Targets at ``times`` within one phoneme, shape (fields, times)."""
    symbol = phoneme.symbol
    if symbol == "h" and following:  # h is said with the mouth of the next vowel
        symbol = DIPHTHONGS.get(following, (following,))[0]
    first, last = DIPHTHONGS.get(symbol, (symbol, symbol))
    start, end = (_target(name) for name in (first, last))
    part = np.clip((times - phoneme.start) / max(phoneme.end - phoneme.start, 1e-3), 0, 1)
    part = part * part * (3 - 2 * part)
    shapes = np.outer(start, 1 - part) + np.outer(end, part)
    reach = np.clip((phoneme.end - phoneme.start) / REACH_TIME, 0.55, 1)
    shapes[0] *= reach
    return shapes


def _target(symbol: str) -> Floats:
    """Shape of one symbol, as an array."""
    shape = VISEMES.get(symbol, REST)._replace(tongue=TONGUES.get(symbol, 0.0))
    return np.array(shape, np.float64)


def _relative_loudness(sound: Sound, points: int) -> Floats:
    """Loudness at each step; 1 is a typical loud syllable, 1.3 the most that is returned."""
    level = loudness(sound, points, STEP)
    smooth = gaussian_smooth(level, 0.02 / STEP)
    relative: Floats = np.clip(smooth / _typical_loudness(level), 0, 1.3)
    return relative


def _voice_on(relative: Floats) -> Floats:
    """Presence of a voice (0..1), from the relative loudness."""
    decibels = 20 * np.log10(np.maximum(relative, 1e-6))
    return np.clip((decibels + 38) / 12, 0, 1)


def _typical_loudness(level: Floats) -> float:
    """Level of the louder syllables; 1 for silence."""
    peak = float(level.max(initial=0))
    if peak < 1e-5:
        return 1.0
    return float(np.percentile(level[level > 0.05 * peak], 80))


def _band_levels(sound: Sound, points: int, bands: Sequence[tuple[float, float]]) -> Floats:
    """Energy in each frequency band at each step, shape (bands, points); never zero."""
    length, hop = int(0.03 * sound.rate), STEP * sound.rate
    frequencies = np.fft.rfftfreq(length, 1 / sound.rate)
    window = np.hanning(length).astype(np.float32)
    chosen = [(frequencies >= low) & (frequencies < high) for low, high in bands]
    levels = np.empty((len(bands), points))
    offsets = np.arange(length)
    for first in range(0, points, BLOCK):
        starts = np.rint(np.arange(first, min(first + BLOCK, points)) * hop).astype(np.int64)
        starts -= length // 2
        samples = sound.read(int(starts[0]), int(starts[-1]) + length)
        pieces = samples[starts[:, None] - starts[0] + offsets]
        power = np.abs(np.fft.rfft(pieces * window, axis=1)) ** 2
        for row, mask in enumerate(chosen):
            levels[row, first : first + starts.size] = power[:, mask].sum(axis=1)
    return levels + 1e-12


def _sample(curves: Floats, times: Floats, seconds: float, fps: int) -> Floats:
    """Read the curves in the middle of each video frame."""
    frames = max(1, int(np.ceil(seconds * fps - 1e-6)))
    moments = (np.arange(frames) + 0.5) / fps
    sampled: Floats = untyped.stack([untyped.interp(moments, times, curve) for curve in curves])
    return sampled
