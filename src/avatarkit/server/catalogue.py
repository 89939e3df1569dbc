"""Catalogue over HTTP: a vendor's stock avatars, voices and templates.

Users see the vendor's stock only: what the account has made shows other users.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import ConfigError, InvalidCursor, NotFound
from ..interfaces import CatalogueEntry
from ..json_views import View
from ..kit import CataloguePage
from . import parameters
from .api import API
from .bodies import BadBody

#: Most characters of each filter.
_LONGEST = {"query": 200, "language": 35, "gender": 200}
_ABOUT = {
    "query": "Part of the name.",
    "language": 'Language tag, such as "en".',
    "gender": "Such as female or male.",
}
#: Query parameters of every list.
FILTERS = (
    *parameters.PAGE,
    *(parameters.query(n, _ABOUT[n], maxLength=most) for n, most in _LONGEST.items()),
)


class CatalogueEntryAnswer(View):
    """A stock avatar, voice or template of a vendor."""

    provider: str
    kind: Literal["avatar", "voice", "template"]
    id: str
    name: str
    gender: str | None
    languages: list[str] = Field(description="In the vendor's words.")
    previews: dict[str, str] = Field(description="image, video or audio: an https link.")
    capabilities: list[str] = Field(description="In the vendor's words.")
    engines: list[str]
    price_class: str | None
    voice_id: str | None = Field(description="Usual voice of an avatar.")

    @classmethod
    def of(cls, entry: CatalogueEntry) -> CatalogueEntryAnswer:
        """Build the answer of an entry."""
        return cls.model_validate(entry.model_dump(include=set(cls.model_fields)))


class CatalogueAnswer(View):
    """A page of a vendor's catalogue."""

    data: list[CatalogueEntryAnswer]
    has_more: bool
    cursor: str | None = Field(description="Value for the next page; null on the last page.")
    age: float = Field(description="Seconds since the oldest entry was read at the vendor.")


async def avatars(api: API, request: Request, user: str) -> Response:
    """List a page of stock avatars."""
    del user
    return await _answered(api.kit.catalogue.avatars, request)


async def voices(api: API, request: Request, user: str) -> Response:
    """List a page of stock voices."""
    del user
    return await _answered(api.kit.catalogue.voices, request)


async def _answered(ask: Callable[..., Awaitable[CataloguePage]], request: Request) -> Response:
    provider = request.path_params["provider"]
    wanted, paging = _wanted(request), parameters.page(request)
    try:
        page = await ask(provider, own=False, **wanted, **paging)
    except InvalidCursor:
        raise
    except ConfigError as error:
        raise NotFound(f"there is no catalogue of {provider!r} on this server") from error
    answer = CatalogueAnswer(
        data=[CatalogueEntryAnswer.of(entry) for entry in page.entries],
        has_more=page.cursor is not None,
        cursor=page.cursor,
        age=page.age,
    )
    return JSONResponse(answer.json_object())


def _wanted(request: Request) -> dict[str, str]:
    """Return the filters that are given."""
    wanted = {name: request.query_params.get(name, "") for name in _LONGEST}
    for name, value in wanted.items():
        if len(value) > _LONGEST[name]:
            raise BadBody(f"{name}: shorten it to {_LONGEST[name]} characters", name)
    return {name: value for name, value in wanted.items() if value}
