"""Measures a person's voice in a recording, and shapes the built-in voice toward it.

Pitch, its liveliness, the length of the vocal tract and the colour of the spectrum move to the
sample. That makes the voice lower or higher, darker or brighter; it does not copy the person.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from hibari import dsp

from avatarkit.errors import MediaRejected
from avatarkit.providers.local.audio import Samples, read_audio

Floats = npt.NDArray[np.float64]

RATE: Final = int(dsp.SR)  # Hz, the rate of the built-in voice and of all analysis
HOP: Final = int(dsp.HOP)
BINS: Final = int(dsp.N_FFT) // 2 + 1
BANDS: Final = 48
TRACT_EXPONENT: Final = (
    0.3  # tract length over pitch, chosen by the similarity of speaker embeddings
)
TRACT_RANGE: Final = (0.82, 1.15)
LIVELINESS_RANGE: Final = (0.7, 1.3)
MAX_EQUALISER_DB: Final = 9.0
MAX_SAMPLE_SECONDS: Final = 60.0  # per file; more does not sharpen the averages
MIN_VOICED_SECONDS: Final = 1.0
PITCH_HOP: Final = 0.010
BASE_PROFILE: Final = Path(__file__).parent / "models" / "heart_voice.json"


@dataclass(frozen=True, slots=True)
class VoiceProfile:
    """Measurements of a voice. Small, and kept as JSON."""

    pitch: float  #: mean of the natural logarithm of F0 in Hz
    liveliness: float  #: standard deviation of the same
    spectrum: tuple[float, ...]  #: long-term spectrum in dB, one value per mel band
    bandwidth: float  #: Hz; above it the recording holds nothing
    voiced_seconds: float

    @property
    def median_f0(self) -> float:
        """Typical F0 in Hz."""
        return float(np.exp(self.pitch))

    def save(self, path: Path) -> None:
        """Write the profile as JSON."""
        path.write_text(json.dumps({"version": 1, **asdict(self)}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> VoiceProfile:
        """Read what :meth:`save` wrote."""
        fields = json.loads(path.read_text())
        if fields.pop("version", None) != 1:
            raise MediaRejected(
                f"{path.name} was written by another version. Train the voice again."
            )
        fields["spectrum"] = tuple(fields["spectrum"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Frames:
    """Source-filter parameters of speech as the network gives them, one column per 12.5 ms.

    The first five have shape (601 bins, frames); see ``hibari.dsp`` for how they are joined.
    """

    harmonics: npt.NDArray[np.float32]  #: log amplitude
    phases: npt.NDArray[np.float32]
    noise: npt.NDArray[np.float32]  #: log amplitude
    residual: npt.NDArray[np.float32]  #: log amplitude
    residual_phases: npt.NDArray[np.float32]
    f0: npt.NDArray[np.float32]  #: Hz, 0 where unvoiced; shape (frames,)


def track_pitch(samples: Samples, rate: int) -> Floats:
    """Return F0 in Hz every 10 ms, 0 where unvoiced.

    Autocorrelation of Hann-windowed frames, divided by the window's own (Boersma 1993), with a
    small cost for long lags against octave errors.
    """
    lowest, highest = 60, 400  # Hz
    length, hop = int(0.04 * rate), int(PITCH_HOP * rate)
    if samples.size < length:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), length)[::hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    power = (frames**2).mean(axis=1)
    window = np.hanning(length)
    size = 1 << (2 * length - 1).bit_length()

    def autocorrelation(signal: Floats) -> Floats:
        spectrum = np.abs(np.fft.rfft(signal, size)) ** 2
        return np.fft.irfft(spectrum)[..., :length]

    of_window = autocorrelation(window)
    correlation = autocorrelation(frames * window)
    correlation /= np.maximum(correlation[:, :1], 1e-12)
    correlation /= np.maximum(of_window / of_window[0], 1e-6)
    shortest, longest = int(rate / highest), int(rate / lowest)
    lags = np.arange(shortest, longest)
    scored = correlation[:, lags] - 0.02 * np.log2(lags / shortest)
    best = lags[scored.argmax(axis=1)]
    rows = np.arange(len(best))
    before, peak, after = (correlation[rows, best + step] for step in (-1, 0, 1))
    curvature = before - 2 * peak + after
    shift = 0.5 * (before - after) / np.where(np.abs(curvature) < 1e-9, 1, curvature)
    f0 = rate / (best + np.clip(shift, -1, 1))
    voiced = (peak > 0.6) & (power > 0.05 * np.percentile(power, 90))
    return np.where(voiced, f0, 0.0)


def analyse(samples: Samples, recorded_rate: int = RATE) -> VoiceProfile:
    """Measure a voice in samples at ``RATE`` that were recorded at ``recorded_rate``."""
    f0 = track_pitch(samples, RATE)
    voiced = f0[f0 > 0]
    if voiced.size:
        median = np.median(voiced)
        voiced = voiced[(voiced > median / 1.8) & (voiced < median * 1.8)]
    seconds = voiced.size * PITCH_HOP
    if seconds < MIN_VOICED_SECONDS:
        raise MediaRejected(
            f"only {seconds:.1f} s of a voice could be heard in the sample; at least "
            f"{MIN_VOICED_SECONDS:.0f} s are needed. Record 10 to 30 s of clear speech."
        )
    spectrum = _long_term_spectrum(samples)
    # the top of a band-limited recording (a telephone) is silence, not the person's colour
    audible = np.flatnonzero(spectrum > spectrum.max() - 55)
    bandwidth = min(_band_centres()[audible[-1]], recorded_rate / 2 * 0.95)
    return VoiceProfile(
        pitch=float(np.mean(np.log(voiced))),
        liveliness=float(np.std(np.log(voiced))),
        spectrum=tuple(round(float(level), 2) for level in spectrum),
        bandwidth=float(bandwidth),
        voiced_seconds=round(seconds, 2),
    )


def train(paths: Sequence[Path]) -> VoiceProfile:
    """Measure a voice in one to five recordings, joined at equal level."""
    pieces: list[Samples] = []
    rates: list[int] = []
    for path in paths:
        samples, recorded_rate = read_audio(path, RATE, limit=MAX_SAMPLE_SECONDS)
        level = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
        if level < 1e-5:
            raise MediaRejected(f"{path.name} is silent. Check the microphone and record it again.")
        pieces.append(samples * np.float32(0.1 / level))
        rates.append(recorded_rate)
    return analyse(np.concatenate(pieces), min(rates))


@functools.cache
def base_profile() -> VoiceProfile:
    """Profile of the built-in voice: a constant, measured once by ``docs/make_demo.py``."""
    return VoiceProfile.load(BASE_PROFILE)


class VoiceShaper:
    """Moves the parameters of synthetic speech toward a profile, before it becomes sound."""

    def __init__(self, target: VoiceProfile, base: VoiceProfile | None = None) -> None:
        base = base or base_profile()
        ratio = float(np.exp(target.pitch - base.pitch))
        self._base_pitch, self._target_pitch = base.pitch, target.pitch
        self._liveliness = float(
            np.clip(target.liveliness / max(base.liveliness, 1e-3), *LIVELINESS_RANGE)
        )
        #: > 1 shortens the vocal tract: formants move up
        self.tract = float(np.clip(ratio**TRACT_EXPONENT, *TRACT_RANGE))
        # a lower pitch has more harmonics under the same envelope: keep the loudness
        self._harmonic_gain = np.float32(0.5 * np.log(ratio))
        self._gain = _equaliser(base, target, self.tract)

    def __call__(self, frames: Frames) -> Frames:
        """Return the shaped frames."""
        f0 = frames.f0.copy()
        voiced = f0 > 40
        deviation = np.log(f0[voiced]) - self._base_pitch
        f0[voiced] = np.exp(deviation * self._liveliness + self._target_pitch)
        return Frames(
            harmonics=self._warp(frames.harmonics) + self._gain + self._harmonic_gain,
            phases=self._warp(frames.phases),
            noise=self._warp(frames.noise) + self._gain,
            residual=self._warp(frames.residual) + self._gain,
            residual_phases=frames.residual_phases,
            f0=f0,
        )

    def _warp(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Stretch the frequency axis (rows) by the ratio of the tracts."""
        source = np.minimum(np.arange(BINS) / self.tract, BINS - 1)
        lower = source.astype(np.int64)
        upper = np.minimum(lower + 1, BINS - 1)
        part = (source - lower).astype(np.float32)[:, None]
        return np.asarray(rows[lower] * (1 - part) + rows[upper] * part, np.float32)


def _long_term_spectrum(samples: Samples) -> Floats:
    """Mean spectrum of the loud frames in dB per mel band, without the room's noise."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, int(dsp.N_FFT))[::HOP]
    power = np.abs(np.fft.rfft(windows * dsp.WIN, axis=1)) ** 2
    energy = power.sum(axis=1)
    speech = power[energy > 0.03 * np.percentile(energy, 95)].mean(axis=0)
    noise = power[energy <= np.percentile(energy, 10)].mean(axis=0)
    clean = np.maximum(speech - noise, 0.05 * speech)
    decibels: Floats = 10 * np.log10(clean @ _mel_filters().T + 1e-12)
    return decibels


def _equaliser(base: VoiceProfile, target: VoiceProfile, tract: float) -> npt.NDArray[np.float32]:
    """Log gain per bin, shape (601, 1), which gives the warped base voice the target's colour."""
    centres = _band_centres()
    usable = (centres > 100) & (centres < 0.9 * target.bandwidth)
    warped_base = np.interp(centres / tract, centres, np.array(base.spectrum))
    wanted = np.array(target.spectrum) - warped_base
    wanted = np.where(usable, wanted - wanted[usable].mean(), 0)
    smooth = np.convolve(np.pad(wanted, 2, mode="edge"), np.full(5, 0.2), "valid")
    decibels = np.clip(smooth, -MAX_EQUALISER_DB, MAX_EQUALISER_DB)
    decibels[centres > 0.9 * target.bandwidth] = 0
    frequencies = np.arange(BINS) * RATE / dsp.N_FFT
    gain: npt.NDArray[np.float32] = (
        np.interp(frequencies, centres, decibels) * np.log(10) / 20
    ).astype(np.float32)[:, None]
    return gain


@functools.cache
def _mel_edges() -> Floats:
    """Edges of the bands in Hz, evenly spaced in mel from 0 to 12 kHz."""
    top = 2595 * math.log10(1 + RATE / 2 / 700)
    mel = np.linspace(0.0, top, BANDS + 2, dtype=np.float64)
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def _band_centres() -> Floats:
    return _mel_edges()[1:-1]


@functools.cache
def _mel_filters() -> Floats:
    """Triangular filters of unit sum, shape (bands, bins)."""
    frequencies = np.arange(BINS) * RATE / dsp.N_FFT
    low, centre, high = (_mel_edges()[i : BANDS + i, None] for i in range(3))
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    filters = np.clip(np.minimum(rising, falling), 0, None)
    normalised: Floats = filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-9)
    return normalised
