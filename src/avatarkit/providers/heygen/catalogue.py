"""HeyGen's lists: looks of avatars, voices and templates."""

from __future__ import annotations

from collections.abc import Mapping

from ...interfaces import CatalogueKind
from ..catalogue import Listing


def _looks(ownership: str) -> Listing:
    return Listing(
        path="/avatars/looks",  # a look is what a video names; groups have no engines
        query={"ownership": ownership, "limit": 50},
        cursor=("next_token",),
        cursor_parameter="token",
        more=("has_more",),
        own=ownership == "private",
        previews={"image": ("preview_image_url",), "video": ("preview_video_url",)},
        capabilities=("avatar_type", "preferred_orientation", "tags"),
        engines=("supported_api_engines",),
        price_class=("avatar_type",),  # HeyGen's price list has a row for each
        voice_id=("default_voice_id",),
    )


def _voices(kind: str) -> Listing:
    return Listing(
        path="/voices",
        query={"type": kind, "limit": 100},
        cursor=("next_token",),
        cursor_parameter="token",
        more=("has_more",),
        filters={"gender": "gender"},
        own=kind == "private",
        id=("voice_id",),
        languages=("language",),
        previews={"audio": ("preview_audio_url",)},
    )


LISTINGS: Mapping[CatalogueKind, tuple[Listing, ...]] = {
    "avatar": (_looks("private"), _looks("public")),
    "voice": (_voices("private"), _voices("public")),
    "template": (
        Listing(
            path="/templates",
            query={"limit": 100},
            cursor=("next_token",),
            cursor_parameter="token",
            more=("has_more",),
            own=True,
            previews={"image": ("thumbnail_url",)},
            capabilities=("aspect_ratio",),
            variables=("variables",),
        ),
    ),
}
