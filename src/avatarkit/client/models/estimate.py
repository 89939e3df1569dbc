from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.estimate_basis import EstimateBasis


T = TypeVar("T", bound="Estimate")


@_attrs_define
class Estimate:
    """Duration of a training from its start to its end.

    Attributes:
        seconds (float): Seconds.
        basis (EstimateBasis):
    """

    seconds: float
    basis: EstimateBasis

    def to_dict(self) -> dict[str, Any]:
        seconds = self.seconds

        basis = self.basis.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "seconds": seconds,
                "basis": basis,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        seconds = d.pop("seconds")

        basis = EstimateBasis(d.pop("basis"))

        estimate = cls(
            seconds=seconds,
            basis=basis,
        )

        return estimate
