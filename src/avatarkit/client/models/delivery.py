from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.delivery_outcome import DeliveryOutcome
from typing import cast
import datetime


T = TypeVar("T", bound="Delivery")


@_attrs_define
class Delivery:
    """A webhook delivery, without its payload.

    Attributes:
        provider (str): Name of the provider.
        event_type (str): Event in words common to all providers.
        record_id (None | str): ID of the training or video; null if it was not matched.
        signed (bool): True if the provider's signature was verified.
        outcome (DeliveryOutcome):
        received_at (datetime.datetime): RFC 3339, in UTC.
    """

    provider: str
    event_type: str
    record_id: None | str
    signed: bool
    outcome: DeliveryOutcome
    received_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        event_type = self.event_type

        record_id: None | str
        record_id = self.record_id

        signed = self.signed

        outcome = self.outcome.value

        received_at = self.received_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "event_type": event_type,
                "record_id": record_id,
                "signed": signed,
                "outcome": outcome,
                "received_at": received_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        event_type = d.pop("event_type")

        def _parse_record_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        record_id = _parse_record_id(d.pop("record_id"))

        signed = d.pop("signed")

        outcome = DeliveryOutcome(d.pop("outcome"))

        received_at = datetime.datetime.fromisoformat(d.pop("received_at"))

        delivery = cls(
            provider=provider,
            event_type=event_type,
            record_id=record_id,
            signed=signed,
            outcome=outcome,
            received_at=received_at,
        )

        return delivery
