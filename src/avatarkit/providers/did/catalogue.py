"""D-ID's lists: three families of avatars, and the voices of its speech providers."""

from __future__ import annotations

from collections.abc import Mapping

from ...interfaces import CatalogueKind
from ..catalogue import Listing

_PICTURES = {
    "image": ("thumbnail_url", "image_url"),
    "video": ("talking_preview_url", "preview_url"),
}

LISTINGS: Mapping[CatalogueKind, tuple[Listing, ...]] = {
    "avatar": (
        Listing(
            path="/scenes/avatars",
            query={"limit": 100},
            items=("avatars",),
            cursor=("token",),
            cursor_parameter="token",
            own=True,
            prefix="scenes:",
            previews=_PICTURES,
            capabilities=("object",),
            voice_id=("voice_id",),
        ),
        Listing(
            path="/clips/presenters",
            query={"limit": 100},
            items=("presenters",),
            cursor=("token",),
            cursor_parameter="token",
            own_at=("status",),  # only the account's own presenters have one
            own_words=frozenset({"*"}),
            id=("presenter_id",),
            prefix="clips:",
            previews=_PICTURES,
            voice_id=("voice.voice_id",),
        ),
        Listing(
            path="/expressives/avatars",
            items=("avatars",),
            whole=True,
            stock_mark="public_",
            prefix="expressives:",
            previews={
                "image": ("thumbnail_url",),
                "video": ("sentiments.0.preview_url",),
            },
            capabilities=("sentiments.*.sentiment",),
            voice_id=("sentiments.0.voice.voice_id",),
        ),
    ),
    "voice": (
        Listing(
            path="/tts/voices",
            items=("voices",),
            whole=True,
            own_at=("access",),
            own_words=frozenset({"private", "external-private"}),
            languages=("languages.*.locale", "languages.*.language"),
            previews={"audio": ("languages.0.previewUrl",)},
            capabilities=("voiceType", "styles"),
            engines=("provider",),
            price_class=("access",),
        ),
    ),
}
