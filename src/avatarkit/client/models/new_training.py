from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.consent_given import ConsentGiven
    from ..models.max_cost import MaxCost


T = TypeVar("T", bound="NewTraining")


@_attrs_define
class NewTraining:
    """Train an avatar from a clone's stored samples.

    Attributes:
        clone_id (str): Avatar profile.
        purpose (None | str | Unset): What it is for; needed if the consent names purposes.
        max_cost (MaxCost | None | Unset): Maximum expected cost.
        consent (ConsentGiven | None | Unset): A new consent; or send consent_id.
        consent_id (None | str | Unset): ID of a stored consent.
        stack (None | str | Unset): Providers, joined by +.
        name (str | Unset): Name for people.
        language (None | str | Unset): BCP 47 tag, such as en or pt-BR; null for the default.
        look_of (None | str | Unset): Training of this clone whose avatar gets another look, by the same consent.
    """

    clone_id: str
    purpose: None | str | Unset = UNSET
    max_cost: MaxCost | None | Unset = UNSET
    consent: ConsentGiven | None | Unset = UNSET
    consent_id: None | str | Unset = UNSET
    stack: None | str | Unset = UNSET
    name: str | Unset = UNSET
    language: None | str | Unset = UNSET
    look_of: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.consent_given import ConsentGiven  # noqa: PLC0415
        from ..models.max_cost import MaxCost  # noqa: PLC0415

        clone_id = self.clone_id

        purpose: None | str | Unset
        if isinstance(self.purpose, Unset):
            purpose = UNSET
        else:
            purpose = self.purpose

        max_cost: dict[str, Any] | None | Unset
        if isinstance(self.max_cost, Unset):
            max_cost = UNSET
        elif isinstance(self.max_cost, MaxCost):
            max_cost = self.max_cost.to_dict()
        else:
            max_cost = self.max_cost

        consent: dict[str, Any] | None | Unset
        if isinstance(self.consent, Unset):
            consent = UNSET
        elif isinstance(self.consent, ConsentGiven):
            consent = self.consent.to_dict()
        else:
            consent = self.consent

        consent_id: None | str | Unset
        if isinstance(self.consent_id, Unset):
            consent_id = UNSET
        else:
            consent_id = self.consent_id

        stack: None | str | Unset
        if isinstance(self.stack, Unset):
            stack = UNSET
        else:
            stack = self.stack

        name = self.name

        language: None | str | Unset
        if isinstance(self.language, Unset):
            language = UNSET
        else:
            language = self.language

        look_of: None | str | Unset
        if isinstance(self.look_of, Unset):
            look_of = UNSET
        else:
            look_of = self.look_of

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "clone_id": clone_id,
            }
        )
        if purpose is not UNSET:
            field_dict["purpose"] = purpose
        if max_cost is not UNSET:
            field_dict["max_cost"] = max_cost
        if consent is not UNSET:
            field_dict["consent"] = consent
        if consent_id is not UNSET:
            field_dict["consent_id"] = consent_id
        if stack is not UNSET:
            field_dict["stack"] = stack
        if name is not UNSET:
            field_dict["name"] = name
        if language is not UNSET:
            field_dict["language"] = language
        if look_of is not UNSET:
            field_dict["look_of"] = look_of

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.consent_given import ConsentGiven  # noqa: PLC0415
        from ..models.max_cost import MaxCost  # noqa: PLC0415

        d = dict(src_dict)
        clone_id = d.pop("clone_id")

        def _parse_purpose(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        purpose = _parse_purpose(d.pop("purpose", UNSET))

        def _parse_max_cost(data: object) -> MaxCost | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                max_cost_type_0 = MaxCost.from_dict(data)

                return max_cost_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MaxCost | None | Unset, data)

        max_cost = _parse_max_cost(d.pop("max_cost", UNSET))

        def _parse_consent(data: object) -> ConsentGiven | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                consent_type_0 = ConsentGiven.from_dict(data)

                return consent_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ConsentGiven | None | Unset, data)

        consent = _parse_consent(d.pop("consent", UNSET))

        def _parse_consent_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        consent_id = _parse_consent_id(d.pop("consent_id", UNSET))

        def _parse_stack(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        stack = _parse_stack(d.pop("stack", UNSET))

        name = d.pop("name", UNSET)

        def _parse_language(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        language = _parse_language(d.pop("language", UNSET))

        def _parse_look_of(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        look_of = _parse_look_of(d.pop("look_of", UNSET))

        new_training = cls(
            clone_id=clone_id,
            purpose=purpose,
            max_cost=max_cost,
            consent=consent,
            consent_id=consent_id,
            stack=stack,
            name=name,
            language=language,
            look_of=look_of,
        )

        return new_training
