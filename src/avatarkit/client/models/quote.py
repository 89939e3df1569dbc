from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.costs import Costs
    from ..models.quote_line import QuoteLine
    from ..models.quote_plans import QuotePlans


T = TypeVar("T", bound="Quote")


@_attrs_define
class Quote:
    """Estimated monthly cost on one stack.

    Attributes:
        stack (str): Providers, joined by +.
        trainings (int): Trainings in the month.
        videos (int): Videos in the month.
        dubs (int): Dubbed videos in the month.
        seconds (str): Length of each video.
        low (Costs): Estimated cost of one month.
        expected (Costs): Estimated cost of one month.
        high (Costs): Estimated cost of one month.
        lines (list[QuoteLine]): Cost of each operation.
        plans (QuotePlans): The subscription plan by provider.
        assumptions (list[str]): What the estimate assumes.
        oldest (str): Date of the oldest price entry.
    """

    stack: str
    trainings: int
    videos: int
    dubs: int
    seconds: str
    low: Costs
    expected: Costs
    high: Costs
    lines: list[QuoteLine]
    plans: QuotePlans
    assumptions: list[str]
    oldest: str

    def to_dict(self) -> dict[str, Any]:
        from ..models.costs import Costs  # noqa: PLC0415
        from ..models.quote_line import QuoteLine  # noqa: PLC0415
        from ..models.quote_plans import QuotePlans  # noqa: PLC0415

        stack = self.stack

        trainings = self.trainings

        videos = self.videos

        dubs = self.dubs

        seconds = self.seconds

        low = self.low.to_dict()

        expected = self.expected.to_dict()

        high = self.high.to_dict()

        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)

        plans = self.plans.to_dict()

        assumptions = self.assumptions

        oldest = self.oldest

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "stack": stack,
                "trainings": trainings,
                "videos": videos,
                "dubs": dubs,
                "seconds": seconds,
                "low": low,
                "expected": expected,
                "high": high,
                "lines": lines,
                "plans": plans,
                "assumptions": assumptions,
                "oldest": oldest,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.costs import Costs  # noqa: PLC0415
        from ..models.quote_line import QuoteLine  # noqa: PLC0415
        from ..models.quote_plans import QuotePlans  # noqa: PLC0415

        d = dict(src_dict)
        stack = d.pop("stack")

        trainings = d.pop("trainings")

        videos = d.pop("videos")

        dubs = d.pop("dubs")

        seconds = d.pop("seconds")

        low = Costs.from_dict(d.pop("low"))

        expected = Costs.from_dict(d.pop("expected"))

        high = Costs.from_dict(d.pop("high"))

        lines = []
        _lines = d.pop("lines")
        for lines_item_data in _lines:
            lines_item = QuoteLine.from_dict(lines_item_data)

            lines.append(lines_item)

        plans = QuotePlans.from_dict(d.pop("plans"))

        assumptions = cast(list[str], d.pop("assumptions"))

        oldest = d.pop("oldest")

        quote = cls(
            stack=stack,
            trainings=trainings,
            videos=videos,
            dubs=dubs,
            seconds=seconds,
            low=low,
            expected=expected,
            high=high,
            lines=lines,
            plans=plans,
            assumptions=assumptions,
            oldest=oldest,
        )

        return quote
