"""Talking AI twins for an application's users: one typed API, many providers.

Importing this loads nothing but itself: each public name brings its module when it is first used,
and no HTTP client, database driver or provider is loaded before a kit needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import errors
    from .errors import AvatarKitError
    from .kit import AvatarKit
    from .lifecycle.decide import Policy
    from .models import (
        Action,
        Consent,
        Operation,
        Options,
        Scene,
        Template,
        VideoSettings,
        VoiceSettings,
    )
    from .records import Status, Training, Video
    from .sync import SyncAvatarKit

__all__ = [
    "Action",
    "AvatarKit",
    "AvatarKitError",
    "Consent",
    "Operation",
    "Options",
    "Policy",
    "Scene",
    "Status",
    "SyncAvatarKit",
    "Template",
    "Training",
    "Video",
    "VideoSettings",
    "VoiceSettings",
    "errors",
]

__version__ = "0.1.0"

#: Where each public name lives.
_HOMES = {
    "Action": "models",
    "AvatarKit": "kit",
    "AvatarKitError": "errors",
    "Consent": "models",
    "Operation": "models",
    "Options": "models",
    "Policy": "lifecycle.decide",
    "Scene": "models",
    "Status": "records",
    "SyncAvatarKit": "sync",
    "Template": "models",
    "Training": "records",
    "Video": "records",
    "VideoSettings": "models",
    "VoiceSettings": "models",
    "errors": "",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    module = importlib.import_module(f".{home or name}", __name__)
    value = getattr(module, name) if home else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
