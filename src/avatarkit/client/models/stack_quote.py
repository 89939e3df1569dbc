from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.costs import Costs


T = TypeVar("T", bound="StackQuote")


@_attrs_define
class StackQuote:
    """Monthly cost of one avatar and one minute of video.

    Attributes:
        expected (Costs): Estimated cost of one month.
        oldest (str): Date of the oldest price entry.
    """

    expected: Costs
    oldest: str

    def to_dict(self) -> dict[str, Any]:
        from ..models.costs import Costs  # noqa: PLC0415

        expected = self.expected.to_dict()

        oldest = self.oldest

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "expected": expected,
                "oldest": oldest,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.costs import Costs  # noqa: PLC0415

        d = dict(src_dict)
        expected = Costs.from_dict(d.pop("expected"))

        oldest = d.pop("oldest")

        stack_quote = cls(
            expected=expected,
            oldest=oldest,
        )

        return stack_quote
