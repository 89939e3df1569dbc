from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.status import Status
from typing import cast
from typing import Literal, cast
import datetime

if TYPE_CHECKING:
    from ..models.action import Action
    from ..models.earlier_stack import EarlierStack
    from ..models.links import Links
    from ..models.operation_detail import OperationDetail
    from ..models.record_error import RecordError


T = TypeVar("T", bound="Video")


@_attrs_define
class Video:
    """A generated or dubbed video.

    Attributes:
        id (str): ID.
        kind (Literal['video']): Kind.
        user_id (str): Owner.
        clone_id (str): Avatar profile.
        name (str): Name for people.
        stack (str): Providers, joined by +.
        earlier_stacks (list[EarlierStack]): Stacks that accepted no paid call before failover to the next one.
        consent_id (None | str): ID of the consent that it relies on.
        status (Status): Status of a record, as users see it.
        progress (int): Percentage; it never falls.
        estimated (bool): True if progress is estimated from typical durations.
        action (Action | None): The action required from a person.
        error (None | RecordError): Why it failed; null if it did not.
        operations (list[OperationDetail]): Every billable operation.
        created_at (datetime.datetime): RFC 3339, in UTC.
        updated_at (datetime.datetime): RFC 3339, in UTC.
        completed_at (datetime.datetime | None): Time at which it completed; null before.
        training_id (None | str): ID of the training.
        script (None | str): Text that is spoken; null for a dubbed video.
        language (None | str): BCP 47 tag, such as en or pt-BR; null for the default.
        links (Links): Results as paths from the server's root that need no token; valid for some hours.
        version (int): Increases with each change; the ID of its event.
    """

    id: str
    kind: Literal["video"]
    user_id: str
    clone_id: str
    name: str
    stack: str
    earlier_stacks: list[EarlierStack]
    consent_id: None | str
    status: Status
    progress: int
    estimated: bool
    action: Action | None
    error: None | RecordError
    operations: list[OperationDetail]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    completed_at: datetime.datetime | None
    training_id: None | str
    script: None | str
    language: None | str
    links: Links
    version: int

    def to_dict(self) -> dict[str, Any]:
        from ..models.action import Action  # noqa: PLC0415
        from ..models.earlier_stack import EarlierStack  # noqa: PLC0415
        from ..models.links import Links  # noqa: PLC0415
        from ..models.operation_detail import OperationDetail  # noqa: PLC0415
        from ..models.record_error import RecordError  # noqa: PLC0415

        id = self.id

        kind = self.kind

        user_id = self.user_id

        clone_id = self.clone_id

        name = self.name

        stack = self.stack

        earlier_stacks = []
        for earlier_stacks_item_data in self.earlier_stacks:
            earlier_stacks_item = earlier_stacks_item_data.to_dict()
            earlier_stacks.append(earlier_stacks_item)

        consent_id: None | str
        consent_id = self.consent_id

        status = self.status.value

        progress = self.progress

        estimated = self.estimated

        action: dict[str, Any] | None
        if isinstance(self.action, Action):
            action = self.action.to_dict()
        else:
            action = self.action

        error: dict[str, Any] | None
        if isinstance(self.error, RecordError):
            error = self.error.to_dict()
        else:
            error = self.error

        operations = []
        for operations_item_data in self.operations:
            operations_item = operations_item_data.to_dict()
            operations.append(operations_item)

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        completed_at: None | str
        if isinstance(self.completed_at, datetime.datetime):
            completed_at = self.completed_at.isoformat()
        else:
            completed_at = self.completed_at

        training_id: None | str
        training_id = self.training_id

        script: None | str
        script = self.script

        language: None | str
        language = self.language

        links = self.links.to_dict()

        version = self.version

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "kind": kind,
                "user_id": user_id,
                "clone_id": clone_id,
                "name": name,
                "stack": stack,
                "earlier_stacks": earlier_stacks,
                "consent_id": consent_id,
                "status": status,
                "progress": progress,
                "estimated": estimated,
                "action": action,
                "error": error,
                "operations": operations,
                "created_at": created_at,
                "updated_at": updated_at,
                "completed_at": completed_at,
                "training_id": training_id,
                "script": script,
                "language": language,
                "links": links,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.action import Action  # noqa: PLC0415
        from ..models.earlier_stack import EarlierStack  # noqa: PLC0415
        from ..models.links import Links  # noqa: PLC0415
        from ..models.operation_detail import OperationDetail  # noqa: PLC0415
        from ..models.record_error import RecordError  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        kind = cast(Literal["video"], d.pop("kind"))
        if kind != "video":
            raise ValueError(f"kind must match const 'video', got '{kind}'")

        user_id = d.pop("user_id")

        clone_id = d.pop("clone_id")

        name = d.pop("name")

        stack = d.pop("stack")

        earlier_stacks = []
        _earlier_stacks = d.pop("earlier_stacks")
        for earlier_stacks_item_data in _earlier_stacks:
            earlier_stacks_item = EarlierStack.from_dict(earlier_stacks_item_data)

            earlier_stacks.append(earlier_stacks_item)

        def _parse_consent_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        consent_id = _parse_consent_id(d.pop("consent_id"))

        status = Status(d.pop("status"))

        progress = d.pop("progress")

        estimated = d.pop("estimated")

        def _parse_action(data: object) -> Action | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                action_type_0 = Action.from_dict(data)

                return action_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Action | None, data)

        action = _parse_action(d.pop("action"))

        def _parse_error(data: object) -> None | RecordError:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = RecordError.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RecordError, data)

        error = _parse_error(d.pop("error"))

        operations = []
        _operations = d.pop("operations")
        for operations_item_data in _operations:
            operations_item = OperationDetail.from_dict(operations_item_data)

            operations.append(operations_item)

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        def _parse_completed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                completed_at_type_0 = datetime.datetime.fromisoformat(data)

                return completed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        def _parse_training_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        training_id = _parse_training_id(d.pop("training_id"))

        def _parse_script(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        script = _parse_script(d.pop("script"))

        def _parse_language(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        language = _parse_language(d.pop("language"))

        links = Links.from_dict(d.pop("links"))

        version = d.pop("version")

        video = cls(
            id=id,
            kind=kind,
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            stack=stack,
            earlier_stacks=earlier_stacks,
            consent_id=consent_id,
            status=status,
            progress=progress,
            estimated=estimated,
            action=action,
            error=error,
            operations=operations,
            created_at=created_at,
            updated_at=updated_at,
            completed_at=completed_at,
            training_id=training_id,
            script=script,
            language=language,
            links=links,
            version=version,
        )

        return video
