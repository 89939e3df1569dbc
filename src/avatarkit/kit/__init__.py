"""The kit: ``AvatarKit``, and its parts for operators, webhooks, prices and catalogues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import names_of

if TYPE_CHECKING:
    from ..intake.recordings import Source
    from ..lifecycle.durations import Duration
    from ..lifecycle.leftovers import Leftover
    from .admin import KitAdmin
    from .catalogue import CataloguePage, KitCatalogue
    from .checks import Check
    from .kit import AvatarKit
    from .prices import KitPrices
    from .webhooks import KitWebhooks
else:
    __getattr__, __dir__ = names_of(
        __name__,
        {
            "AvatarKit": ".kit",
            "CataloguePage": ".catalogue",
            "Check": ".checks",
            "Duration": "..lifecycle.durations",
            "KitAdmin": ".admin",
            "KitCatalogue": ".catalogue",
            "KitPrices": ".prices",
            "KitWebhooks": ".webhooks",
            "Leftover": "..lifecycle.leftovers",
            "Source": "..intake.recordings",
        },
    )

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
