"""Talking AI twins for an application's users: one typed API, many providers.

``import avatarkit`` loads no HTTP client, no database driver and no provider; what a kit needs is
loaded when it is made.
"""

from __future__ import annotations

from . import errors
from .errors import AvatarKitError
from .kit import AvatarKit
from .models import Action, Consent, Operation, Options
from .states import Policy, Status, Training, Video
from .sync import SyncAvatarKit

__all__ = [
    "Action",
    "AvatarKit",
    "AvatarKitError",
    "Consent",
    "Operation",
    "Options",
    "Policy",
    "Status",
    "SyncAvatarKit",
    "Training",
    "Video",
    "errors",
]

__version__ = "0.1.0"
