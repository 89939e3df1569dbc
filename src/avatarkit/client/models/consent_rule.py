from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.consent_demand import ConsentDemand


T = TypeVar("T", bound="ConsentRule")


@_attrs_define
class ConsentRule:
    """Consent that a provider demands before it clones or trains.

    Attributes:
        provider (str): Name of the provider.
        demands (ConsentDemand):
        text (str): The rule in words.
    """

    provider: str
    demands: ConsentDemand
    text: str

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        demands = self.demands.value

        text = self.text

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "demands": demands,
                "text": text,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        demands = ConsentDemand(d.pop("demands"))

        text = d.pop("text")

        consent_rule = cls(
            provider=provider,
            demands=demands,
            text=text,
        )

        return consent_rule
