"""Voices that ElevenLabs lists."""

from __future__ import annotations

from collections.abc import Mapping

from ...interfaces import CatalogueKind
from ..catalogue import Listing

#: The account's voices, with the default ones, and then the shared voices of the library. A Free
#: plan speaks with none of the library's (402 ``paid_plan_required``).
LISTINGS: Mapping[CatalogueKind, tuple[Listing, ...]] = {
    "voice": (
        Listing(
            path="/v2/voices",
            query={"page_size": 100},
            items=("voices",),
            cursor=("next_page_token",),
            cursor_parameter="next_page_token",
            more=("has_more",),
            filters={"query": "search"},
            own_at=("category",),
            own_words=frozenset({"cloned", "generated", "professional"}),
            id=("voice_id",),
            gender=("labels.gender",),
            languages=("labels.language", "verified_languages.*.language"),
            previews={"audio": ("preview_url",)},
            capabilities=("category", "labels.accent", "labels.use_case"),
            engines=("high_quality_base_model_ids",),
        ),
        Listing(
            path="/v1/shared-voices",
            query={"page_size": 100, "page": 0},
            items=("voices",),
            cursor_parameter="page",
            counts=True,
            more=("has_more",),
            filters={"query": "search", "gender": "gender", "language": "language"},
            own=False,
            id=("voice_id",),
            languages=("language", "verified_languages.*.language"),
            previews={"audio": ("preview_url",), "image": ("image_url",)},
            capabilities=("category", "accent", "use_case", "descriptive"),
            engines=("verified_languages.*.model_id",),
            price_class=("rate",),  # multiple of the usual price
        ),
    ),
}
