from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.finding import Finding
    from ..models.sample import Sample


T = TypeVar("T", bound="Upload")


@_attrs_define
class Upload:
    """State of an upload.

    Attributes:
        offset (int): Bytes received: continue from here.
        complete (bool): True if every byte was received.
        sample (None | Sample): The stored sample; null until complete, and for evidence and recordings.
        findings (list[Finding]): Validation issues of the sample.
    """

    offset: int
    complete: bool
    sample: None | Sample
    findings: list[Finding]

    def to_dict(self) -> dict[str, Any]:
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.sample import Sample  # noqa: PLC0415

        offset = self.offset

        complete = self.complete

        sample: dict[str, Any] | None
        if isinstance(self.sample, Sample):
            sample = self.sample.to_dict()
        else:
            sample = self.sample

        findings = []
        for findings_item_data in self.findings:
            findings_item = findings_item_data.to_dict()
            findings.append(findings_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "offset": offset,
                "complete": complete,
                "sample": sample,
                "findings": findings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.finding import Finding  # noqa: PLC0415
        from ..models.sample import Sample  # noqa: PLC0415

        d = dict(src_dict)
        offset = d.pop("offset")

        complete = d.pop("complete")

        def _parse_sample(data: object) -> None | Sample:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                sample_type_0 = Sample.from_dict(data)

                return sample_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Sample, data)

        sample = _parse_sample(d.pop("sample"))

        findings = []
        _findings = d.pop("findings")
        for findings_item_data in _findings:
            findings_item = Finding.from_dict(findings_item_data)

            findings.append(findings_item)

        upload = cls(
            offset=offset,
            complete=complete,
            sample=sample,
            findings=findings,
        )

        return upload
