"""Stock avatars and voices that a request names, looked up in their vendor's catalogue.

Only stock is accepted: another id of the same vendor account may show another user.
"""

from __future__ import annotations

from typing import Literal

from ..errors import ConfigError, InvalidCursor, Unsupported
from ..interfaces import CatalogueEntry
from ..kit import KitCatalogue
from ..models import Operation, Scene
from ..records import OperationState, Record
from .bodies import BadBody, NewVideo, StockChoice

_Kind = Literal["avatar", "voice"]
#: Entries of a page that is asked for, and pages, at most.
_PAGE, _PAGES = 100, 200


async def entry(
    catalogue: KitCatalogue, kind: _Kind, given: StockChoice | None, within: str = ""
) -> CatalogueEntry | None:
    """Return the stock entry that a request names; raise ``BadBody`` if there is none."""
    if given is None:
        return None
    param = f"{within}{kind}"
    ask = catalogue.avatars if kind == "avatar" else catalogue.voices
    cursor: str | None = None
    try:
        for _ in range(_PAGES):
            page = await ask(given.provider, own=False, cursor=cursor, limit=_PAGE)
            for found in page.entries:
                if found.id == given.id and found.own is False:
                    return found
            cursor = page.cursor
            if cursor is None:
                break
    except InvalidCursor:
        raise
    except (ConfigError, Unsupported):
        pass  # the same for a provider that this server has not, or that lists nothing
    raise BadBody(
        f"{param}: there is no stock {kind} {given.id!r} of {given.provider!r}: take one of "
        f"GET /catalogue/{{provider}}/{kind}s",
        param,
    )


async def scenes(catalogue: KitCatalogue, training: Record, body: NewVideo) -> list[Scene]:
    """Return the scenes of a request; raise ``BadBody`` for what is no stock of their provider."""
    made: list[Scene] = []
    for number, scene in enumerate(body.scenes or ()):
        within = f"scenes.{number}."
        _require_provider(training.operation(Operation.AVATAR), body.avatar, scene.avatar, within)
        _require_provider(training.operation(Operation.VOICE), body.voice, scene.voice, within)
        avatar = await entry(catalogue, "avatar", scene.avatar, within)
        voice = await entry(catalogue, "voice", scene.voice, within)
        made.append(
            Scene(
                text=scene.text,
                avatar=avatar.id if avatar else None,
                voice=voice.id if voice else None,
                background=scene.background,
                layout=scene.layout,
            )
        )
    return made


def _require_provider(
    trained: OperationState | None,
    chosen: StockChoice | None,
    own: StockChoice | None,
    within: str,
) -> None:
    """Raise ``BadBody`` if a scene names another provider than the video's, which gets its id."""
    of_all = chosen.provider if chosen else trained.provider if trained else None
    if own is not None and of_all not in {None, own.provider}:
        raise BadBody(
            f"{within}provider: {own.provider!r} makes no part of a video of {of_all!r}: take "
            "stock of that provider",
            "scenes",
        )
