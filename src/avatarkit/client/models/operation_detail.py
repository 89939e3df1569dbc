from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.operation import Operation
from ..models.operation_status import OperationStatus
from typing import cast

if TYPE_CHECKING:
    from ..models.cost import Cost
    from ..models.operation_detail_left_out import OperationDetailLeftOut


T = TypeVar("T", bound="OperationDetail")


@_attrs_define
class OperationDetail:
    """A billable step of a training or a video.

    Attributes:
        operation (Operation): Operation that a provider may charge for.
        scene (int): Number of the scene that it makes, from 1; 0: the whole.
        provider (str): Name of the provider.
        state (OperationStatus): State of an operation: the job's, or the call's until there is a job.
        job_id (None | str): The job's ID at the provider.
        cost (Cost | None): Cost as the provider tells it, if it does.
        left_out (OperationDetailLeftOut): Results that cannot be used, such as a thumbnail, and the reason of each.
    """

    operation: Operation
    scene: int
    provider: str
    state: OperationStatus
    job_id: None | str
    cost: Cost | None
    left_out: OperationDetailLeftOut

    def to_dict(self) -> dict[str, Any]:
        from ..models.cost import Cost  # noqa: PLC0415
        from ..models.operation_detail_left_out import OperationDetailLeftOut  # noqa: PLC0415

        operation = self.operation.value

        scene = self.scene

        provider = self.provider

        state = self.state.value

        job_id: None | str
        job_id = self.job_id

        cost: dict[str, Any] | None
        if isinstance(self.cost, Cost):
            cost = self.cost.to_dict()
        else:
            cost = self.cost

        left_out = self.left_out.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "operation": operation,
                "scene": scene,
                "provider": provider,
                "state": state,
                "job_id": job_id,
                "cost": cost,
                "left_out": left_out,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.cost import Cost  # noqa: PLC0415
        from ..models.operation_detail_left_out import OperationDetailLeftOut  # noqa: PLC0415

        d = dict(src_dict)
        operation = Operation(d.pop("operation"))

        scene = d.pop("scene")

        provider = d.pop("provider")

        state = OperationStatus(d.pop("state"))

        def _parse_job_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        job_id = _parse_job_id(d.pop("job_id"))

        def _parse_cost(data: object) -> Cost | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                cost_type_0 = Cost.from_dict(data)

                return cost_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Cost | None, data)

        cost = _parse_cost(d.pop("cost"))

        left_out = OperationDetailLeftOut.from_dict(d.pop("left_out"))

        operation_detail = cls(
            operation=operation,
            scene=scene,
            provider=provider,
            state=state,
            job_id=job_id,
            cost=cost,
            left_out=left_out,
        )

        return operation_detail
