"""Coqui XTTS: voices cloned and spoken by a model of your own."""

from __future__ import annotations

from .adapter import Coqui
from .model import load_model

__all__ = ["Coqui", "load_model"]
