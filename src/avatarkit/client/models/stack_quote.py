from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

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
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.costs import Costs

        d = dict(src_dict)
        expected = Costs.from_dict(d.pop("expected"))

        oldest = d.pop("oldest")

        stack_quote = cls(
            expected=expected,
            oldest=oldest,
        )

        return stack_quote
