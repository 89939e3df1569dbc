"""The providers in use: each is made from the settings when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from .. import _telemetry, errors, pricing
from ..config.settings import Settings
from ..interfaces import Clock, Provider
from ..models import Operation
from ..records import OperationState
from . import registry
from .registry import Stack

__all__ = ["ProviderPool"]


class ProviderPool:
    """Providers by name; ``given`` ones stand in for those of that name, and are not closed."""

    def __init__(self, settings: Settings, clock: Clock, given: Mapping[str, Provider]) -> None:
        self._settings = settings
        self._clock = clock
        self._given = given
        self._providers: dict[str, Provider] = dict(given)
        self._classes: dict[str, type[Provider]] = {n: type(p) for n, p in given.items()}

    def provider(self, name: str) -> Provider:
        """The provider; raises ``ConfigError`` for an unknown name, or without a key."""
        if name not in self._providers:
            made = self._settings.make(name, self.class_of(name), clock=self._clock)
            self._providers[name] = made
        return self._providers[name]

    def class_of(self, name: str) -> type[Provider]:
        """Its class, for what needs no key; raises ``ConfigError`` for an unknown name."""
        if name not in self._classes:  # to look through all installed packages takes time
            self._classes[name] = registry.load(name)
        return self._classes[name]

    def stack(self, stack: str | Mapping[Operation, str]) -> Stack:
        """A stack by its word, or by who does what."""
        return Stack.parse(stack, self.class_of)

    def missing(self, roles: Mapping[Operation, str]) -> str | None:
        """What keeps these providers from being used here, such as a key; None: nothing."""
        try:
            for name in set(roles.values()):
                self.provider(name)
        except errors.ConfigError as error:
            return str(error)
        return None

    def operation(self, operation: Operation, name: str) -> OperationState:
        """An operation that is to be done by the provider of that name."""
        can = self.provider(name).capabilities
        return OperationState(
            operation=operation,
            provider=name,
            billable=operation not in can.free,
            findable=operation in can.found_by_token,
            list_lag=can.list_lag,
            idempotency_window=can.idempotency_window,
            typical=can.typical.get(operation, 60.0),
            trace=_telemetry.traceparent(),
        )

    def prices(self, names: Iterable[str]) -> pricing.Prices:
        """The shipped rows, those of these providers, and those of ``AVATARKIT_PRICES``'s file."""
        classes = []
        for name in dict.fromkeys(names):
            with suppress(errors.ConfigError):  # of the ledger: it may be gone
                classes.append(self.class_of(name))
        return pricing.Prices.load(
            plugins=classes, file=self._settings.environ.get("AVATARKIT_PRICES")
        )

    async def aclose(self) -> None:
        """Close what was made here; who asks for it again has it made anew."""
        for name in self._providers.keys() - self._given.keys():
            await self._providers.pop(name).aclose()
