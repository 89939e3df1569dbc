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
from ..http import HttpProvider, vendor_data
from ..languages import named

#: Links that D-ID accepts, from its OpenAPI document (read 2026-11-22).
_LINK = re.compile(r"https:.*\.(?:mp4|mov|mpeg)", re.IGNORECASE)
#: Languages of translations; its OpenAPI document, read 2026-11-30.
_LANGUAGES = (
    *("Arabic", "Bulgarian", "Chinese", "Croatian", "Czech", "Danish", "Dutch", "English"),
    *("Filipino", "Finnish", "French", "German", "Greek", "Hindi", "Indonesian", "Italian"),
    *("Japanese", "Korean", "Malay", "Polish", "Portuguese", "Romanian", "Russian", "Slovak"),
    *("Spanish", "Swedish", "Tamil", "Turkish", "Ukrainian"),
)


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
            languages=[named(request.language, _LANGUAGES, "d-id", vendor_data("cldr"))],
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
