from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.stack_quote import StackQuote


T = TypeVar("T", bound="Stack")


@_attrs_define
class Stack:
    """A stack, and whether it can be used.

    Attributes:
        stack (str): Providers, joined by +.
        how (str): How a script becomes a talking video.
        ready (bool): True if it can be used here.
        problem (None | str): Missing configuration.
        quote (None | StackQuote): Estimated monthly cost; null if no price is known.
    """

    stack: str
    how: str
    ready: bool
    problem: None | str
    quote: None | StackQuote

    def to_dict(self) -> dict[str, Any]:
        from ..models.stack_quote import StackQuote  # noqa: PLC0415

        stack = self.stack

        how = self.how

        ready = self.ready

        problem: None | str
        problem = self.problem

        quote: dict[str, Any] | None
        if isinstance(self.quote, StackQuote):
            quote = self.quote.to_dict()
        else:
            quote = self.quote

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "stack": stack,
                "how": how,
                "ready": ready,
                "problem": problem,
                "quote": quote,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.stack_quote import StackQuote  # noqa: PLC0415

        d = dict(src_dict)
        stack = d.pop("stack")

        how = d.pop("how")

        ready = d.pop("ready")

        def _parse_problem(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        problem = _parse_problem(d.pop("problem"))

        def _parse_quote(data: object) -> None | StackQuote:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                quote_type_0 = StackQuote.from_dict(data)

                return quote_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StackQuote, data)

        quote = _parse_quote(d.pop("quote"))

        stack = cls(
            stack=stack,
            how=how,
            ready=ready,
            problem=problem,
            quote=quote,
        )

        return stack
