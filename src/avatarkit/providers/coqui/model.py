"""XTTS model in this process: loading of the weights, once per folder, and its lock."""

from __future__ import annotations

import importlib
import threading
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from ... import errors

#: Without the last, coqui-tts can say nothing in a voice that it has kept.
_WEIGHTS = ("config.json", "model.pth", "vocab.json", "speakers_xtts.pth")

_LOADING = threading.Lock()
#: Models in use in this process, by folder: a model is loaded only once.
_LOADED: MutableMapping[Path, Any] = WeakValueDictionary()
_LOCKS: MutableMapping[Any, threading.Lock] = WeakKeyDictionary()


def load_model(folder: Path) -> Any:
    """Load the weights in a folder, onto the GPU if there is one; blocking.

    A model that this process already uses is returned. Raises ``ConfigError`` if a file of the
    weights or a package of the ``coqui`` extra is missing, or if their versions do not fit.
    """
    folder = folder.absolute()
    missing = [name for name in _WEIGHTS if not (folder / name).is_file()]
    if missing:
        raise errors.ConfigError(
            f"{folder} is no folder of XTTS weights: {', '.join(missing)} is missing. Nothing is "
            "downloaded for you; see docs/providers/coqui.md"
        )
    with _LOADING:
        model = _LOADED.get(folder)
        if model is None:
            model = _LOADED[folder] = _loaded(folder)
    return model


def _loaded(folder: Path) -> Any:
    try:
        api, torch = map(importlib.import_module, ("TTS.api", "torch"))
    except (ImportError, OSError) as error:  # torch and its companions may not fit each other
        reason = " ".join(str(error).split())[:200]
        raise errors.ConfigError(
            f'coqui cannot be loaded: run pip install "avatarkit-sdk[coqui]" ({reason})'
        ) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model = api.TTS(
            model_path=str(folder), config_path=str(folder / "config.json"), progress_bar=False
        )
        return model.to(device)
    except Exception as error:
        raise errors.ConfigError(
            f"the weights in {folder} cannot be loaded ({type(error).__name__}: {error})"[:400]
        ) from error


def lock_of(model: Any) -> threading.Lock:
    """Return the lock of a model, which can make only one speech at a time."""
    with _LOADING:
        return _LOCKS.setdefault(model, threading.Lock())
