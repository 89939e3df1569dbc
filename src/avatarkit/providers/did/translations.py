"""D-ID's translations: an existing video in another language.

A request names the video by a link. D-ID documents no list that shows ``user_data``, by which our
token could be found, so a lost answer is a question to a person, and nothing is sent again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import Unsupported
from ...interfaces import VideoDubber
from ...models import DubRequest, Job, Operation, Options
from ..http import HttpProvider, primary_language, vendor_data

#: Links that D-ID accepts, from its OpenAPI document (read 2026-11-22).
_LINK = re.compile(r"https:.*\.(?:mp4|mov|mpeg)", re.IGNORECASE)


class DIDTranslation(Options):
    """Extras of a dub."""

    source_language: str | None = None  #: in D-ID's words, such as "English"; detected by default


class Translations(HttpProvider, VideoDubber):
    """Role base: dubs at ``/translations``."""

    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once. The source needs a link that ends as a clip does."""
        link = request.source.url
        if link is None or not _LINK.match(link):
            raise Unsupported(
                "d-id fetches the video by a link that ends in .mp4, .mov or .mpeg, and this one "
                "has none: use an S3 or Supabase store, and an MP4"
            )
        return await self._submit(
            Operation.DUB,
            "/translations",
            request,
            DIDTranslation,
            source_url=link,
            languages=[_language(request.language)],
            user_data=request.token,
            webhook=request.callback_url,
        )

    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return await self._get(Operation.DUB, "/translations/{}", dub_id)

    async def find_dub(self, token: str, /) -> Sequence[Job]:
        """Raise ``Unsupported``: what D-ID lists does not carry our token."""
        raise Unsupported(f"d-id has no list of dubs in which {token} could be found")

    async def delete_dub(self, dub_id: str, /) -> None:
        """Delete; a missing dub counts as deleted."""
        await self._delete(Operation.DUB, "/translations/{}", dub_id)


def _language(language: str) -> str:
    """Return D-ID's name of a language; its own names are kept as they are."""
    names = vendor_data("d-id").words("dubs")
    own = {name.casefold(): name for name in names.values()}
    found = names.get(primary_language(language) or "") or own.get(language.casefold())
    if found is None:
        raise Unsupported(
            f"d-id does not dub into {language!r}; it knows: {', '.join(sorted(names.values()))}"
        )
    return found
