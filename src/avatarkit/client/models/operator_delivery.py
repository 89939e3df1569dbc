from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.delivery_outcome import DeliveryOutcome
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.delivered_to import DeliveredTo


T = TypeVar("T", bound="OperatorDelivery")


@_attrs_define
class OperatorDelivery:
    """A webhook delivery of any user, without its payload.

    Attributes:
        provider (str): Name of the provider.
        event_id (str): ID of the delivery at its provider.
        event_type (str): What happened, such as video.completed.
        record (DeliveredTo | None): Null for an unknown or deleted record.
        signed (bool): True if the provider's signature was verified.
        outcome (DeliveryOutcome):
        received_at (datetime.datetime): RFC 3339, in UTC.
    """

    provider: str
    event_id: str
    event_type: str
    record: DeliveredTo | None
    signed: bool
    outcome: DeliveryOutcome
    received_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        from ..models.delivered_to import DeliveredTo  # noqa: PLC0415

        provider = self.provider

        event_id = self.event_id

        event_type = self.event_type

        record: dict[str, Any] | None
        if isinstance(self.record, DeliveredTo):
            record = self.record.to_dict()
        else:
            record = self.record

        signed = self.signed

        outcome = self.outcome.value

        received_at = self.received_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "event_id": event_id,
                "event_type": event_type,
                "record": record,
                "signed": signed,
                "outcome": outcome,
                "received_at": received_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.delivered_to import DeliveredTo  # noqa: PLC0415

        d = dict(src_dict)
        provider = d.pop("provider")

        event_id = d.pop("event_id")

        event_type = d.pop("event_type")

        def _parse_record(data: object) -> DeliveredTo | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                record_type_0 = DeliveredTo.from_dict(data)

                return record_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DeliveredTo | None, data)

        record = _parse_record(d.pop("record"))

        signed = d.pop("signed")

        outcome = DeliveryOutcome(d.pop("outcome"))

        received_at = datetime.datetime.fromisoformat(d.pop("received_at"))

        operator_delivery = cls(
            provider=provider,
            event_id=event_id,
            event_type=event_type,
            record=record,
            signed=signed,
            outcome=outcome,
            received_at=received_at,
        )

        return operator_delivery
