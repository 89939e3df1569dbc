"""Pocket TTS: voices cloned and spoken on the CPU, by weights of your own."""

from __future__ import annotations

from .adapter import VOICES, Pocket
from .model import LICENCE, Weights, find_weights, missing

__all__ = ["LICENCE", "VOICES", "Pocket", "Weights", "find_weights", "missing"]
