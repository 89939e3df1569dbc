"""The kit: ``AvatarKit``, and its three parts for operators, webhooks and prices."""

from __future__ import annotations

from ..intake.recordings import Source
from ..lifecycle.durations import Duration
from ..lifecycle.leftovers import Leftover
from .admin import KitAdmin
from .kit import AvatarKit
from .prices import KitPrices
from .webhooks import KitWebhooks

__all__ = [
    "AvatarKit",
    "Duration",
    "KitAdmin",
    "KitPrices",
    "KitWebhooks",
    "Leftover",
    "Source",
]
