"""A stack with what its providers demand and offer: limits, consent rules, operations, prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import cast

from ..interfaces import FaceFinder, Limit
from ..models import ConsentRule, Operation
from ..pricing import Prices
from ..records import OperationState
from .provider_pool import ProviderPool
from .registry import Stack

#: Operation -> prefixes of the names of limits that are about its input.
BOUNDS: Mapping[Operation, tuple[str, ...]] = MappingProxyType(
    {
        Operation.VOICE: ("voice",),
        Operation.AVATAR: ("footage", "picture", "face"),
        Operation.SPEECH: ("script",),
        Operation.VIDEO: ("script",),
    }
)
#: The operations of a training, in the order in which they run.
TRAINING = (Operation.VOICE, Operation.AVATAR)


class Candidate:
    """A stack that can be asked for work; each fact is looked up once, when it is first needed."""

    def __init__(self, stack: Stack, pool: ProviderPool) -> None:
        self.stack = stack
        self.name = stack.name
        self.roles = stack.roles
        self._pool = pool

    @cached_property
    def limits(self) -> Sequence[tuple[str, Limit]]:
        """The limits that apply to input, each with its provider's name; needs no key."""
        return [
            (name, limit)
            for operation, name in self.roles.items()
            for limit in self._pool.class_of(name).limits
            if limit.what.startswith(BOUNDS.get(operation, ()))
        ]

    @cached_property
    def consent_rules(self) -> Mapping[str, Sequence[ConsentRule]]:
        """The consent rules of each provider; needs no key."""
        return {name: self._pool.class_of(name).consent_rules for name in self.roles.values()}

    @cached_property
    def training(self) -> tuple[OperationState, ...]:
        """The operations of a training, not begun; raises ``ConfigError`` without a key."""
        return tuple(self._pool.operation(o, self.roles[o]) for o in TRAINING if o in self.roles)

    @cached_property
    def link_only(self) -> Mapping[Operation, tuple[str, ...]]:
        """Operation of a training -> media types that its provider takes by link only."""
        return {
            operation: tuple(
                kind
                for kind in ("audio/", "image/", "video/")
                if self._pool.provider(name).capabilities.needs_link(operation, kind)
            )
            for operation, name in self.roles.items()
            if operation in TRAINING
        }

    @property
    def prices(self) -> Prices:
        """The price rows of the providers."""
        return self._pool.prices(self.roles.values())

    @cached_property
    def face_finder(self) -> FaceFinder | None:
        """A provider that finds faces, if a limit is about faces: of the stack, else the local one.

        Face detection needs no vendor's key.
        """
        if not any(limit.what.startswith("face") for _, limit in self.limits):
            return None
        for name in (*self.roles.values(), "local"):
            if issubclass(self._pool.class_of(name), FaceFinder):
                return cast("FaceFinder", self._pool.provider(name))
        return None

    @property
    def speaker(self) -> str | None:
        """The provider that speaks a script; the one that makes the video where it does both."""
        return self.roles.get(Operation.SPEECH, self.roles.get(Operation.VIDEO))

    def require_language(self, language: str | None) -> None:
        """Raise ``Unsupported``, with the list, if the stack cannot speak it; needs no key."""
        if self.speaker is not None:
            self._pool.capabilities(self.speaker).require_language(self.speaker, language)
