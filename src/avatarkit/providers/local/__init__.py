"""The local provider: talking videos on this machine, without a key and without a network.

Importing this package costs nothing: the engine modules need the packages of the ``local``
extra, and :func:`load_engine` brings them in when they are first used.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from avatarkit.errors import ConfigError
from avatarkit.models import VideoSettings
from avatarkit.providers.local.options import LocalSpeech

__all__ = ["LANGUAGES", "LocalSpeech", "container_of", "load_engine"]

#: Languages that the engine speaks.
LANGUAGES = ("en",)


def container_of(settings: VideoSettings) -> str:
    """Return the container of a video: MP4, or WebM, which alone can be transparent."""
    return settings.container or ("webm" if settings.background == "transparent" else "mp4")


def load_engine() -> ModuleType:
    """Import :mod:`avatarkit.providers.local.render` and what it needs.

    Raises ``ConfigError`` where a package of the ``local`` extra is not installed.
    """
    # Its Linux wheels report to their maker over the network unless told not to before the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        return importlib.import_module("avatarkit.providers.local.render")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("avatarkit"):
            raise
        raise ConfigError(
            f"the local provider needs the package {error.name!r}, which is not installed. "
            'Run: pip install "avatarkit-sdk[local]"'
        ) from error
