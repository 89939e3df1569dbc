"""Weights of Pocket TTS: where they are, and how sherpa-onnx loads and runs them."""

from __future__ import annotations

import importlib
import importlib.util
import io
import re
import textwrap
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ... import errors
from ...content import wav

#: Languages of the weights that Kyutai publishes.
LANGUAGES: Final = ("en", "fr", "de", "pt", "it", "es", "nl")
#: Licence of code and weights, as far as it could be read without Kyutai's own card.
LICENCE: Final = "code MIT; weights CC-BY-4.0 by the cards of their mirrors"
#: Networks and tables, by the names that sherpa-onnx's configuration gives them.
_NETWORKS: Final = ("lm_flow", "lm_main", "encoder", "decoder", "text_conditioner")
_TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {"vocab_json": "vocab.json", "token_scores_json": "token_scores.json"}
)
_SUFFIXES: Final = (".int8.onnx", ".onnx")
#: Seconds of a recording that the model hears; more costs time and memory.
_HEARD: Final = 20
#: Characters that are spoken at once: the model stops after 40 seconds.
_PASSAGE: Final = 300
_GAP: Final = 0.15  # seconds of silence between passages
_SENTENCE_ENDS: Final = re.compile(r"(?<=[.!?\u2026])\s+|\n+")
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of one language in a folder."""

    language: str
    folder: Path
    files: Mapping[str, Path]  #: by the names of sherpa-onnx's configuration


def find_weights(root: Path) -> dict[str, Weights]:
    """Return the weights within a folder by language: each language has a folder, such as "en".

    A folder in which a file is missing is left out; ``missing`` names it.
    """
    places = (root / language for language in LANGUAGES)
    return {
        place.name: Weights(language=place.name, folder=place, files=_files(place))
        for place in places
        if place.is_dir() and not missing(place)
    }


def missing(folder: Path) -> list[str]:
    """Names of the files that weights in this folder lack."""
    found = _files(folder)
    lacking = [f"{name}.onnx" for name in _NETWORKS if name not in found]
    return lacking + [file for name, file in _TABLES.items() if name not in found]


def installed() -> bool:
    """Return True if the package of the extra ``clone`` is installed."""
    return importlib.util.find_spec("sherpa_onnx") is not None


def load(weights: Weights, threads: int = 2) -> Any:
    """Load weights; blocking. Raises ``ConfigError`` if they or the package cannot be used."""
    try:
        sherpa: Any = importlib.import_module("sherpa_onnx")
    except ImportError as error:
        raise errors.ConfigError(
            'pocket needs sherpa-onnx: run pip install "avatarkit-sdk[clone]"'
        ) from error
    files = {name: str(path) for name, path in weights.files.items()}
    model = sherpa.OfflineTtsModelConfig(
        pocket=sherpa.OfflineTtsPocketModelConfig(**files), num_threads=threads
    )
    with _LOADING:
        try:
            return sherpa.OfflineTts(sherpa.OfflineTtsConfig(model=model))
        except Exception as error:
            raise errors.ConfigError(
                f"the weights in {weights.folder} cannot be loaded ({type(error).__name__}): "
                "fetch them again"
            ) from error


def speak(model: Any, text: str, reference: Path) -> bytes:
    """Say a text in the voice of a WAV file; returns a WAV of 16 bits."""
    sherpa: Any = importlib.import_module("sherpa_onnx")
    told = sherpa.GenerationConfig()
    told.reference_audio, told.reference_sample_rate = wav.read(reference, _HEARD)
    pieces: list[Any] = []
    rate = int(model.sample_rate)
    for passage in passages(text):
        said = model.generate(passage, told)
        pieces.append(said.samples)
    return _wav(pieces, rate)


def passages(text: str) -> list[str]:
    """Sentences of a text, cut at spaces where one is too long for the model."""
    sentences = (sentence for sentence in _SENTENCE_ENDS.split(text) if sentence.strip())
    return [part for sentence in sentences for part in textwrap.wrap(sentence, _PASSAGE)]


def _files(folder: Path) -> dict[str, Path]:
    networks = {
        name: path
        for name in _NETWORKS
        for suffix in reversed(_SUFFIXES)
        if (path := folder / f"{name}{suffix}").is_file()
    }
    tables = {name: folder / file for name, file in _TABLES.items() if (folder / file).is_file()}
    return networks | tables


def _wav(pieces: Sequence[Any], rate: int) -> bytes:
    import numpy as np

    gap = bytes(2 * int(_GAP * rate))
    sound = gap.join(
        (np.clip(np.asarray(piece, np.float32), -1, 1) * 32767).astype("<i2").tobytes()
        for piece in pieces
    )
    held = io.BytesIO()
    wav.write(held, sound, rate)
    return held.getvalue()
