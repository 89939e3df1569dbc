from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.consent_rule import ConsentRule
    from ..models.scene_support import SceneSupport
    from ..models.setting import Setting
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
        settings (list[Setting]): Video settings that it carries out.
        scenes (None | SceneSupport): Several scenes in a video; null if it makes none.
        consent (list[ConsentRule]): Consent that its providers demand.
    """

    stack: str
    how: str
    ready: bool
    problem: None | str
    quote: None | StackQuote
    settings: list[Setting]
    scenes: None | SceneSupport
    consent: list[ConsentRule]

    def to_dict(self) -> dict[str, Any]:
        from ..models.consent_rule import ConsentRule  # noqa: PLC0415
        from ..models.scene_support import SceneSupport  # noqa: PLC0415
        from ..models.setting import Setting  # noqa: PLC0415
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

        settings = []
        for settings_item_data in self.settings:
            settings_item = settings_item_data.to_dict()
            settings.append(settings_item)

        scenes: dict[str, Any] | None
        if isinstance(self.scenes, SceneSupport):
            scenes = self.scenes.to_dict()
        else:
            scenes = self.scenes

        consent = []
        for consent_item_data in self.consent:
            consent_item = consent_item_data.to_dict()
            consent.append(consent_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "stack": stack,
                "how": how,
                "ready": ready,
                "problem": problem,
                "quote": quote,
                "settings": settings,
                "scenes": scenes,
                "consent": consent,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.consent_rule import ConsentRule  # noqa: PLC0415
        from ..models.scene_support import SceneSupport  # noqa: PLC0415
        from ..models.setting import Setting  # noqa: PLC0415
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

        settings = []
        _settings = d.pop("settings")
        for settings_item_data in _settings:
            settings_item = Setting.from_dict(settings_item_data)

            settings.append(settings_item)

        def _parse_scenes(data: object) -> None | SceneSupport:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                scenes_type_0 = SceneSupport.from_dict(data)

                return scenes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SceneSupport, data)

        scenes = _parse_scenes(d.pop("scenes"))

        consent = []
        _consent = d.pop("consent")
        for consent_item_data in _consent:
            consent_item = ConsentRule.from_dict(consent_item_data)

            consent.append(consent_item)

        stack = cls(
            stack=stack,
            how=how,
            ready=ready,
            problem=problem,
            quote=quote,
            settings=settings,
            scenes=scenes,
            consent=consent,
        )

        return stack
