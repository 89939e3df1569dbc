"""English text to speech with the time of every phoneme, by the hibari package."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

import hibari
import numpy as np
from hibari import Hibari, dsp

from avatarkit.errors import MediaRejected
from avatarkit.providers.local.audio import Samples
from avatarkit.providers.local.normalization import normalise
from avatarkit.providers.local.pronunciation import pronounced
from avatarkit.providers.local.text import check_text
from avatarkit.providers.local.voice import Frames, VoiceProfile, VoiceShaper

RATE: Final = int(hibari.SAMPLE_RATE)
FRAME_SECONDS: Final = dsp.HOP / dsp.SR
LEAD_IN: Final = 0.12  # seconds of silence before and after: the mouth starts and ends closed
LEAD_OUT: Final = 0.35
SENTENCE_GAP: Final = 0.10
MAX_SENTENCE: Final = 300  # characters that the network sees at once; longer ones are cut
LEVEL: Final = 0.10  # RMS of the voiced part, about -20 dBFS
PEAK: Final = 0.95
_SAMPLE_BYTES: Final = 4  # of a 32-bit float

#: Node inside hibari 0.2.1's graph that holds each phoneme's length in units of 2 frames. It
#: depends on the exact file, so the package is pinned; without it the mouth follows the sound.
DURATIONS: Final = "/Cast_32_output_0"
INT64: Final = 7  # onnx.TensorProto.INT64


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One symbol of hibari's alphabet and its time in seconds."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the script, and the times (start, end) of its spoken words in seconds."""

    text: str
    words: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono sound at ``RATE``; ``phonemes`` is None where their times are not known."""

    samples: Samples
    phonemes: tuple[Phoneme, ...] | None
    passages: tuple[Passage, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return self.samples.size / RATE


class Speaker:
    """The speech network, loaded once."""

    def __init__(self, threads: int = 1) -> None:
        self._engine, self.knows_durations = _load(threads)
        self._symbols = {number: symbol for symbol, number in self._engine.vocab.items()}

    def speak(
        self,
        text: str,
        profile: VoiceProfile | None = None,
        *,
        speed: float = 1.0,
        pronounce: Mapping[str, str] = MappingProxyType({}),
        seed: int = 0,
        check: Callable[[float], None] | None = None,
    ) -> Speech:
        """Say a text, shaped toward ``profile``; ``pronounce`` tells how words are said.

        ``check`` is called after each sentence with the seconds so far; it may raise to stop.
        """
        check_text(text)
        shaper = VoiceShaper(profile) if profile is not None else None
        random = np.random.default_rng(seed)
        sound = bytearray(_silence(LEAD_IN))  # grows in place, so that no second copy is held
        phonemes: list[Phoneme] = []
        passages: list[Passage] = []
        lead_in = len(sound)
        for passage in self._passages(text):
            words: list[tuple[float, float]] = []
            for symbols in self._engine.phonemize(normalise(pronounced(passage, pronounce))):
                time = len(sound) / _SAMPLE_BYTES / RATE
                samples, timed = self._say(symbols, shaper, speed, random)
                said = [Phoneme(p.symbol, p.start + time, p.end + time) for p in timed]
                sound += samples.astype(np.float32).data.cast("B")
                words += _words(said) or [(time, len(sound) / _SAMPLE_BYTES / RATE)]
                phonemes += said
                sound += _silence(SENTENCE_GAP)
                if check is not None:
                    check(len(sound) / _SAMPLE_BYTES / RATE)
            passages.append(Passage(passage, tuple(words)))
        if len(sound) == lead_in:
            raise MediaRejected("the script has nothing that can be said. Write at least one word.")
        sound += _silence(LEAD_OUT)
        spoken: Samples = np.frombuffer(sound, np.float32)
        _level(spoken)
        timed_phonemes = tuple(phonemes) if self.knows_durations else None
        return Speech(spoken, timed_phonemes, tuple(passages))

    def _passages(self, text: str) -> Iterator[str]:
        """Sentences of a text, in pieces that the network can take at once."""
        for sentence in self._engine.split_sentences(text):
            yield from _cut(sentence, MAX_SENTENCE)

    def _say(
        self, symbols: str, shaper: VoiceShaper | None, speed: float, random: np.random.Generator
    ) -> tuple[Samples, list[Phoneme]]:
        ids = self._engine.ids(symbols)
        if len(ids) < 3:  # nothing between the two silences
            return np.zeros(0, np.float32), []
        inputs = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        outputs = list(self._engine.sess.run(None, inputs))
        durations = outputs.pop() if self.knows_durations else np.zeros(len(ids))
        frames = Frames(*(output[0] for output in outputs))
        if shaper is not None:
            frames = shaper(frames)
        samples: Samples = _synth(
            frames.harmonics,
            frames.phases,
            frames.noise,
            frames.residual,
            frames.residual_phases,
            frames.f0,
            random,
        )
        ends = np.cumsum(np.ravel(durations)) * 2 * FRAME_SECONDS
        starts = np.concatenate([[0.0], ends[:-1]])
        timed = [
            Phoneme(self._symbols.get(number, ""), float(start), float(end))
            for number, start, end in zip(ids, starts, ends, strict=True)
        ]
        return samples, timed


#: Exceptions by which onnxruntime rejects a graph; its compiled module has no types.
_ONNX_ERRORS: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
_REFUSED_GRAPH: tuple[type[Exception], ...] = (
    _ONNX_ERRORS.Fail,
    _ONNX_ERRORS.InvalidArgument,
    _ONNX_ERRORS.InvalidGraph,
    _ONNX_ERRORS.InvalidProtobuf,
    _ONNX_ERRORS.RuntimeException,
)


#: hibari's vocoder, which is only partly typed.
_synth: Callable[..., Samples] = cast("Any", dsp).synth


def _load(threads: int) -> tuple[Any, bool]:
    """Load hibari with the phoneme durations as an extra output, where its graph has them."""
    model = (Path(hibari.__file__).parent / "assets" / "hibari.onnx").read_bytes()
    with_durations = _with_output(model, DURATIONS, INT64)
    try:
        return Hibari(model=with_durations, threads=threads), True
    except _REFUSED_GRAPH:
        return Hibari(threads=threads), False


def _with_output(model: bytes, name: str, element_type: int) -> bytes:
    """Append a graph output to a serialised ONNX model.

    Protocol buffers merge a message that occurs twice, so a second ``ModelProto.graph`` (field
    7) that only has an ``output`` (field 12: ``ValueInfoProto`` of name and tensor type) adds it.
    """
    tensor_type = _field(1, bytes([8, element_type]))
    value_info = _field(1, name.encode()) + _field(2, tensor_type)
    return model + _field(7, _field(12, value_info))


def _field(number: int, payload: bytes) -> bytes:
    """One length-delimited protobuf field (payloads here are shorter than 128 bytes)."""
    return bytes([number << 3 | 2, len(payload)]) + payload


def _cut(sentence: str, limit: int) -> Iterator[str]:
    """Cut a long sentence at a comma or, failing that, at a space."""
    while len(sentence) > limit:
        head = sentence[:limit]
        at = max(head.rfind(mark) for mark in (",", ";", ":", "\N{EM DASH}"))
        if at < limit // 3:
            at = head.rfind(" ")
        if at <= 0:
            at = limit - 1
        yield sentence[: at + 1]
        sentence = sentence[at + 1 :].lstrip()
    if sentence:
        yield sentence


def _words(phonemes: Sequence[Phoneme]) -> list[tuple[float, float]]:
    """Times of the groups of phonemes between spaces; those without a length are left out."""
    words: list[tuple[float, float]] = []
    begins = True
    for phoneme in phonemes:
        if phoneme.symbol == " ":
            begins = True
        elif phoneme.end > phoneme.start and phoneme.symbol.isalpha():
            words.append((phoneme.start if begins else words.pop()[0], phoneme.end))
            begins = False
    return words


def _silence(seconds: float) -> bytes:
    return bytes(_SAMPLE_BYTES * int(seconds * RATE))


def _level(samples: Samples) -> None:
    """Bring speech to one loudness, without clipping, in place."""
    energy, count, peak = 0.0, 0, 0.0
    blocks = [samples[start : start + RATE] for start in range(0, samples.size, RATE)]
    for block in blocks:
        loud = block[np.abs(block) > 0.01].astype(np.float64)
        energy, count = energy + float((loud**2).sum()), count + loud.size
        peak = max(peak, float(np.abs(block).max()))
    if not count:
        return
    gain = min(LEVEL / np.sqrt(energy / count), PEAK / peak)
    samples *= np.float32(gain)
