"""Choice of HeyGen's animation engine, by what the look supports and what is asked for.

https://developers.heygen.com/models, read 2026-11-30. A motion prompt of a video avatar needs
Avatar V, 4K needs Avatar III and no photo, and expressiveness is for photos with Avatar IV.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ... import errors
from ...interfaces import mapped
from ...models import Operation, VideoSettings
from ..http import list_at, vendor_data
from .options import HeyGenEngine, HeyGenVideo

#: Engines in the order of preference, of those that can do what is asked for: HeyGen recommends IV
#: for broad coverage; V costs the same for a twin.
_ENGINES = ("avatar_iv", "avatar_v", "avatar_iii")

#: What HeyGen makes of a picture that speaks without a training: it takes no engine for it.
PICTURE = {"avatar_type": "photo_avatar", "supported_api_engines": ["avatar_iv"]}


def choose_engine(
    look: Mapping[str, Any], settings: VideoSettings, options: HeyGenVideo
) -> dict[str, Any]:
    """Choose an engine that the look supports and that can do what is asked for.

    Empty if nothing is asked for and HeyGen tells no engines. Raises ``Unsupported``.
    """
    supported = [one for one in list_at(look, "supported_api_engines") if isinstance(one, str)]
    asked = options.engine.type if isinstance(options.engine, HeyGenEngine) else None
    found = list(dict.fromkeys((*_ENGINES, *supported, *filter(None, (asked,)))))
    found = [engine for engine in found if engine in supported or not supported]
    demands = [*_demands(look, settings, options)]
    for what, able in demands:
        found = [engine for engine in found if engine in able]
        if not found:
            raise errors.Unsupported(
                f"this look of heygen cannot do {what}; it supports: {', '.join(supported)}. "
                f"Leave {what.partition('=')[0]} out, or choose another look."
            )
    return {"engine": found[0]} if supported or demands else {}


def _demands(
    look: Mapping[str, Any], settings: VideoSettings, options: HeyGenVideo
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what is asked for with the engines that can do it; none if such a look cannot."""
    photo = look.get("avatar_type") == "photo_avatar"
    if isinstance(options.engine, HeyGenEngine):
        yield f"engine={options.engine.type}", frozenset({options.engine.type})
    for name, value in settings.asked().items():
        row = mapped(vendor_data("heygen").settings, Operation.VIDEO, name, value)
        if row and "engine.type" in row.wire:
            able = frozenset({str(row.wire["engine.type"])})
            yield f"{name}={value}", frozenset() if photo and value == "4k" else able
    if options.motion_prompt is not None:
        yield "motion_prompt", frozenset({"avatar_v", "avatar_iv"} if photo else {"avatar_v"})
    if options.expressiveness is not None:
        yield "expressiveness", frozenset({"avatar_iv"} if photo else ())
