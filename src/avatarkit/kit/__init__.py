"""The kit: ``AvatarKit``, and its parts for operators, webhooks, prices and catalogues."""

from __future__ import annotations

from ..intake.recordings import Source
from ..lifecycle.durations import Duration
from ..lifecycle.leftovers import Leftover
from .admin import KitAdmin
from .catalogue import CataloguePage, KitCatalogue
from .checks import Check
from .kit import AvatarKit
from .prices import KitPrices
from .webhooks import KitWebhooks

__all__ = [
    "AvatarKit",
    "CataloguePage",
    "Check",
    "Duration",
    "KitAdmin",
    "KitCatalogue",
    "KitPrices",
    "KitWebhooks",
    "Leftover",
    "Source",
]
