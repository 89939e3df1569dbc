"""Chooses how a portrait looks in each frame: head, brows, cheeks, smile, gaze and blinks.

Stressed syllables nod and raise the brows, questions raise them longer, pauses invite blinks, a
smile and a look aside. The random generator chooses among them, so one seed gives one performance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from avatarkit.providers.local.audio import gaussian_smooth
from avatarkit.providers.local.head import Movement
from avatarkit.providers.local.speech import Phoneme
from avatarkit.providers.local.visemes import LABEL_LAG

Curve = npt.NDArray[np.floating[Any]]

BLINK_SECONDS: Final = 0.22
BLINK_PAUSE: Final = (2.2, 4.5)  # seconds between blinks
BEAT: Final = 0.13  # seconds (sigma) of a nod or of raised brows on a stress
BEAT_SHARE: Final = 0.5  # of the stresses that move something
BEAT_GAP: Final = 0.45  # seconds between two of them at least
QUESTION: Final = 0.9  # seconds before its end in which a question raises the brows
PAUSE: Final = 0.22  # seconds of silence that count as a pause
STRESS: Final = "\N{MODIFIER LETTER VERTICAL LINE}"


class Look(NamedTuple):
    """Look of a portrait in one frame."""

    movement: Movement
    blink: float  #: 0..1: eyes closed
    gaze: tuple[float, float]  #: right and down, in widths of an eye
    smile: float  #: 0..1


class Rhythm(NamedTuple):
    """Times in a speech, in seconds."""

    stresses: Sequence[float]
    questions: Sequence[float]  #: ends


def rhythm(phonemes: Sequence[Phoneme] | None, level: Curve, fps: int) -> Rhythm:
    """Read stresses and questions from phonemes, or stresses from the loudness alone."""
    if phonemes is None:
        peaks = (level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:]) & (level[1:-1] > 0.55)
        return Rhythm([float(at + 1) / fps for at in np.flatnonzero(peaks)], [])
    stresses = [p.start - LABEL_LAG for p in phonemes if p.symbol == STRESS]
    return Rhythm(stresses, [p.start - LABEL_LAG for p in phonemes if p.symbol == "?"])


def looks(
    level: Curve, fps: int, phonemes: Sequence[Phoneme] | None, random: np.random.Generator
) -> list[Look]:
    """Return the look of each frame; ``level`` is the loudness of each frame, 1 at its highest."""
    frames = len(level)
    times = (np.arange(frames) + 0.5) / fps
    heard = rhythm(phonemes, level, fps)
    beats = _beats(times, heard.stresses, random)
    asking = _questions(times, heard.questions)
    pausing = _pauses(level, fps)
    turns = [_held(times, random, (1.2, 3.2), 0.28 * fps) for _ in range(4)]
    waves = [_wave(times, frequency, random) for frequency in (0.23, 0.31, 0.19, 0.47)]
    smile = np.clip(0.25 + 0.2 * waves[2] + 0.2 * pausing + 0.15 * turns[3], 0, 0.8)
    smile = gaussian_smooth(smile, 0.22 * fps)
    nod = gaussian_smooth(level, 0.16 * fps)
    movement: dict[str, Curve] = {
        "roll": 0.012 * turns[2] + 0.005 * waves[0] + 0.012 * asking,
        "right": 0.010 * turns[0] + 0.006 * waves[2],
        "down": 0.004 * waves[1] + 0.010 * nod + 0.006 * beats,
        "yaw": 0.055 * turns[0] + 0.012 * waves[3],
        "pitch": 0.030 * turns[1] + 0.035 * beats + 0.02 * nod - 0.03 * asking,
        "brows": 0.9 * beats + 1.1 * asking + 0.18 * waves[0] - 0.15 * pausing,
        "frown": np.clip(0.5 * turns[1], 0, 1) * nod,
        "cheeks": 0.8 * smile,
    }
    blinks = _blinks(times, pausing, random)
    gaze = _gaze(times, random)
    # the eyes stay with the viewer while the head turns
    across = 0.09 * gaze[0] - 0.9 * movement["yaw"]
    along = 0.04 * gaze[1] - 0.5 * movement["pitch"]
    moves = np.stack([movement[name] for name in Movement._fields], axis=1)
    return [
        Look(
            movement=Movement(*map(float, moves[frame])),
            blink=float(blinks[frame]),
            gaze=(float(across[frame]), float(along[frame])),
            smile=float(smile[frame]),
        )
        for frame in range(frames)
    ]


def _wave(times: Curve, frequency: float, random: np.random.Generator) -> Curve:
    """Slow sine of a random phase."""
    wave: Curve = np.sin(2 * np.pi * frequency * times + random.uniform(0, 2 * np.pi))
    return wave


def _held(
    times: Curve, random: np.random.Generator, hold: tuple[float, float], sigma: float
) -> Curve:
    """Positions (-1..1) that are held for some seconds and left smoothly, as heads do."""
    curve = np.zeros(len(times))
    moment = float(random.uniform(0.3, 0.9))
    while moment < times[-1] + 1:
        curve[times >= moment] = np.clip(random.normal(0, 0.5), -1, 1)
        moment += float(random.uniform(*hold))
    return gaussian_smooth(curve, sigma)


def _beats(times: Curve, stresses: Sequence[float], random: np.random.Generator) -> Curve:
    """Short raises on some of the stresses."""
    curve = np.zeros(len(times))
    last = -BEAT_GAP
    for stress in stresses:
        chosen, strength = random.random() < BEAT_SHARE, float(random.uniform(0.45, 1))
        if not chosen or stress - last < BEAT_GAP:
            continue
        last = stress
        bump = strength * np.exp(-0.5 * ((times - stress - 0.06) / BEAT) ** 2)
        curve = np.maximum(curve, bump)
    return curve


def _questions(times: Curve, ends: Sequence[float]) -> Curve:
    """1 towards the end of each question, and back shortly after it."""
    curve = np.zeros(len(times))
    for end in ends:
        rise = np.clip((times - end + QUESTION) / 0.3, 0, 1)
        fall = np.clip((end + 0.45 - times) / 0.4, 0, 1)
        curve = np.maximum(curve, np.minimum(rise, fall))
    return curve * curve * (3 - 2 * curve)


def _pauses(level: Curve, fps: int) -> Curve:
    """1 where it is silent for some time, with soft ends."""
    silent = np.concatenate([[False], level < 0.08, [False]])
    edges = np.flatnonzero(np.diff(silent.astype(int)))
    curve = np.zeros(len(level))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= PAUSE * fps:
            curve[start:end] = 1
    return gaussian_smooth(curve, 0.1 * fps)


def _blinks(times: Curve, pausing: Curve, random: np.random.Generator) -> Curve:
    """Closed eyes (0..1): a blink every few seconds, in a pause that is near."""
    closed = np.zeros(len(times))
    moment = float(random.uniform(0.8, 2.0))
    while moment < times[-1]:
        near = np.flatnonzero((np.abs(times - moment) < 0.5) & (pausing > 0.5))
        if near.size:
            moment = float(times[near[0]])
        distance = np.abs(times - moment) / (BLINK_SECONDS / 2)
        closed = np.maximum(closed, np.clip(1 - distance, 0, 1) ** 0.7)
        moment += float(random.uniform(*BLINK_PAUSE))
    return closed


def _gaze(times: Curve, random: np.random.Generator) -> Curve:
    """Direction of the eyes, (2, frames) of -1..1: mostly at the viewer, with quick jumps."""
    gaze = np.zeros((2, len(times)))
    moment = float(random.uniform(0.8, 1.6))
    while moment < times[-1]:
        aside = random.random() < 0.4
        target = random.normal(0, 0.55 if aside else 0.12, 2)
        gaze[:, times >= moment] = np.clip(target, -1, 1)[:, None]
        moment += float(random.uniform(0.35, 0.9) if aside else random.uniform(0.9, 2.6))
    return gaze
