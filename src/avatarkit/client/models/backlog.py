from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime


T = TypeVar("T", bound="Backlog")


@_attrs_define
class Backlog:
    """Unfinished records that wait for one provider.

    Attributes:
        provider (str): Name of the provider.
        waiting (int): Unfinished records.
        due (int): Of them, due records that no worker has taken.
        held (int): Of them, records that a worker has taken.
        due_since (datetime.datetime | None): Due time of the first due record; else null.
    """

    provider: str
    waiting: int
    due: int
    held: int
    due_since: datetime.datetime | None

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        waiting = self.waiting

        due = self.due

        held = self.held

        due_since: None | str
        if isinstance(self.due_since, datetime.datetime):
            due_since = self.due_since.isoformat()
        else:
            due_since = self.due_since

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "waiting": waiting,
                "due": due,
                "held": held,
                "due_since": due_since,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        waiting = d.pop("waiting")

        due = d.pop("due")

        held = d.pop("held")

        def _parse_due_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                due_since_type_0 = datetime.datetime.fromisoformat(data)

                return due_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        due_since = _parse_due_since(d.pop("due_since"))

        backlog = cls(
            provider=provider,
            waiting=waiting,
            due=due,
            held=held,
            due_since=due_since,
        )

        return backlog
