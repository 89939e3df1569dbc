from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.catalogue_kind import CatalogueKind
from typing import cast

if TYPE_CHECKING:
    from ..models.catalogue_entry_previews import CatalogueEntryPreviews


T = TypeVar("T", bound="CatalogueEntry")


@_attrs_define
class CatalogueEntry:
    """A stock avatar, voice or template of a vendor.

    Attributes:
        provider (str): Name of the provider.
        kind (CatalogueKind):
        id (str): ID.
        name (str): Name for people.
        gender (None | str): In the provider's words; null if it does not tell.
        languages (list[str]): In the vendor's words.
        previews (CatalogueEntryPreviews): image, video or audio: an https link.
        capabilities (list[str]): In the vendor's words.
        engines (list[str]): Engines that can use it.
        price_class (None | str): Price class of the provider; null if there is none.
        voice_id (None | str): Usual voice of an avatar.
    """

    provider: str
    kind: CatalogueKind
    id: str
    name: str
    gender: None | str
    languages: list[str]
    previews: CatalogueEntryPreviews
    capabilities: list[str]
    engines: list[str]
    price_class: None | str
    voice_id: None | str

    def to_dict(self) -> dict[str, Any]:
        from ..models.catalogue_entry_previews import CatalogueEntryPreviews  # noqa: PLC0415

        provider = self.provider

        kind = self.kind.value

        id = self.id

        name = self.name

        gender: None | str
        gender = self.gender

        languages = self.languages

        previews = self.previews.to_dict()

        capabilities = self.capabilities

        engines = self.engines

        price_class: None | str
        price_class = self.price_class

        voice_id: None | str
        voice_id = self.voice_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "kind": kind,
                "id": id,
                "name": name,
                "gender": gender,
                "languages": languages,
                "previews": previews,
                "capabilities": capabilities,
                "engines": engines,
                "price_class": price_class,
                "voice_id": voice_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.catalogue_entry_previews import CatalogueEntryPreviews  # noqa: PLC0415

        d = dict(src_dict)
        provider = d.pop("provider")

        kind = CatalogueKind(d.pop("kind"))

        id = d.pop("id")

        name = d.pop("name")

        def _parse_gender(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        gender = _parse_gender(d.pop("gender"))

        languages = cast(list[str], d.pop("languages"))

        previews = CatalogueEntryPreviews.from_dict(d.pop("previews"))

        capabilities = cast(list[str], d.pop("capabilities"))

        engines = cast(list[str], d.pop("engines"))

        def _parse_price_class(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        price_class = _parse_price_class(d.pop("price_class"))

        def _parse_voice_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        voice_id = _parse_voice_id(d.pop("voice_id"))

        catalogue_entry = cls(
            provider=provider,
            kind=kind,
            id=id,
            name=name,
            gender=gender,
            languages=languages,
            previews=previews,
            capabilities=capabilities,
            engines=engines,
            price_class=price_class,
            voice_id=voice_id,
        )

        return catalogue_entry
