from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.hosting import Hosting
from ..models.operation import Operation
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.price_amount import PriceAmount
    from ..models.unit_price import UnitPrice


T = TypeVar("T", bound="Price")


@_attrs_define
class Price:
    """A price entry and its age.

    Attributes:
        provider (str): Name of the provider.
        operation (Hosting | Operation): voice, avatar, speech, video or dub; in a quote also storage or egress.
        plan (str): Subscription plan.
        variant (str): Variant of the operation. Default: ''.
        unknown (bool): True if the price is not known. Default: False.
        usd_per_month (None | str): Subscription in US dollars a month.
        included (None | PriceAmount): What the subscription includes.
        limit (None | PriceAmount): Most that the plan allows.
        credits_per (None | PriceAmount): Credits that one unit costs.
        unit_price (None | UnitPrice): Price of a unit.
        derived (bool): True if the price was computed from others. Default: False.
        settings (list[str]): Settings of a video, as `quality=draft`, that it is the price of.
        step_seconds (int | None): Length that is rounded up to, in seconds.
        one_off_usd (None | str): US dollars charged once.
        api (bool | None): True if the plan includes the API; null if unknown.
        as_of (None | str): Date on which the price was read.
        latency (str): Time that the provider states. Default: ''.
        discontinued (datetime.date | None): Date on which the plan ended; null if it exists.
        fallback (bool): True if the price counts only where no other is known. Default: False.
        source (str): Address of the source.
        note (str): Remark. Default: ''.
        age (str): Time since the price was read, such as '2 months old'.
    """

    provider: str
    operation: Hosting | Operation
    plan: str
    usd_per_month: None | str
    included: None | PriceAmount
    limit: None | PriceAmount
    credits_per: None | PriceAmount
    unit_price: None | UnitPrice
    settings: list[str]
    step_seconds: int | None
    one_off_usd: None | str
    api: bool | None
    as_of: None | str
    discontinued: datetime.date | None
    source: str
    age: str
    variant: str = ""
    unknown: bool = False
    derived: bool = False
    latency: str = ""
    fallback: bool = False
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        from ..models.price_amount import PriceAmount  # noqa: PLC0415
        from ..models.unit_price import UnitPrice  # noqa: PLC0415

        provider = self.provider

        operation: str
        if isinstance(self.operation, Operation):
            operation = self.operation.value
        else:
            operation = self.operation.value

        plan = self.plan

        variant = self.variant

        unknown = self.unknown

        usd_per_month: None | str
        usd_per_month = self.usd_per_month

        included: dict[str, Any] | None
        if isinstance(self.included, PriceAmount):
            included = self.included.to_dict()
        else:
            included = self.included

        limit: dict[str, Any] | None
        if isinstance(self.limit, PriceAmount):
            limit = self.limit.to_dict()
        else:
            limit = self.limit

        credits_per: dict[str, Any] | None
        if isinstance(self.credits_per, PriceAmount):
            credits_per = self.credits_per.to_dict()
        else:
            credits_per = self.credits_per

        unit_price: dict[str, Any] | None
        if isinstance(self.unit_price, UnitPrice):
            unit_price = self.unit_price.to_dict()
        else:
            unit_price = self.unit_price

        derived = self.derived

        settings = self.settings

        step_seconds: int | None
        step_seconds = self.step_seconds

        one_off_usd: None | str
        one_off_usd = self.one_off_usd

        api: bool | None
        api = self.api

        as_of: None | str
        as_of = self.as_of

        latency = self.latency

        discontinued: None | str
        if isinstance(self.discontinued, datetime.date):
            discontinued = self.discontinued.isoformat()
        else:
            discontinued = self.discontinued

        fallback = self.fallback

        source = self.source

        note = self.note

        age = self.age

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "operation": operation,
                "plan": plan,
                "variant": variant,
                "unknown": unknown,
                "usd_per_month": usd_per_month,
                "included": included,
                "limit": limit,
                "credits_per": credits_per,
                "unit_price": unit_price,
                "derived": derived,
                "settings": settings,
                "step_seconds": step_seconds,
                "one_off_usd": one_off_usd,
                "api": api,
                "as_of": as_of,
                "latency": latency,
                "discontinued": discontinued,
                "fallback": fallback,
                "source": source,
                "note": note,
                "age": age,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.price_amount import PriceAmount  # noqa: PLC0415
        from ..models.unit_price import UnitPrice  # noqa: PLC0415

        d = dict(src_dict)
        provider = d.pop("provider")

        def _parse_operation(data: object) -> Hosting | Operation:
            try:
                if not isinstance(data, str):
                    raise TypeError()
                operation_type_0 = Operation(data)

                return operation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, str):
                raise TypeError()
            operation_type_1 = Hosting(data)

            return operation_type_1

        operation = _parse_operation(d.pop("operation"))

        plan = d.pop("plan")

        variant = d.pop("variant")

        unknown = d.pop("unknown")

        def _parse_usd_per_month(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        usd_per_month = _parse_usd_per_month(d.pop("usd_per_month"))

        def _parse_included(data: object) -> None | PriceAmount:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                included_type_0 = PriceAmount.from_dict(data)

                return included_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PriceAmount, data)

        included = _parse_included(d.pop("included"))

        def _parse_limit(data: object) -> None | PriceAmount:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                limit_type_0 = PriceAmount.from_dict(data)

                return limit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PriceAmount, data)

        limit = _parse_limit(d.pop("limit"))

        def _parse_credits_per(data: object) -> None | PriceAmount:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                credits_per_type_0 = PriceAmount.from_dict(data)

                return credits_per_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PriceAmount, data)

        credits_per = _parse_credits_per(d.pop("credits_per"))

        def _parse_unit_price(data: object) -> None | UnitPrice:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                unit_price_type_0 = UnitPrice.from_dict(data)

                return unit_price_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UnitPrice, data)

        unit_price = _parse_unit_price(d.pop("unit_price"))

        derived = d.pop("derived")

        settings = cast(list[str], d.pop("settings"))

        def _parse_step_seconds(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        step_seconds = _parse_step_seconds(d.pop("step_seconds"))

        def _parse_one_off_usd(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        one_off_usd = _parse_one_off_usd(d.pop("one_off_usd"))

        def _parse_api(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        api = _parse_api(d.pop("api"))

        def _parse_as_of(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        as_of = _parse_as_of(d.pop("as_of"))

        latency = d.pop("latency")

        def _parse_discontinued(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                discontinued_type_0 = datetime.date.fromisoformat(data)

                return discontinued_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        discontinued = _parse_discontinued(d.pop("discontinued"))

        fallback = d.pop("fallback")

        source = d.pop("source")

        note = d.pop("note")

        age = d.pop("age")

        price = cls(
            provider=provider,
            operation=operation,
            plan=plan,
            variant=variant,
            unknown=unknown,
            usd_per_month=usd_per_month,
            included=included,
            limit=limit,
            credits_per=credits_per,
            unit_price=unit_price,
            derived=derived,
            settings=settings,
            step_seconds=step_seconds,
            one_off_usd=one_off_usd,
            api=api,
            as_of=as_of,
            latency=latency,
            discontinued=discontinued,
            fallback=fallback,
            source=source,
            note=note,
            age=age,
        )

        return price
