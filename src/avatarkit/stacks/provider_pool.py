"""Provider pool: makes each provider from the settings when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from .. import errors, pricing
from .._log import get_logger
from ..config.settings import Settings
from ..interfaces import Capabilities, Clock, Provider, require_attributes
from ..models import Operation
from ..pricing.rows import read
from ..records import OperationState, Terms
from . import registry
from .registry import Stack

log = get_logger(__name__)


class ProviderPool:
    """Providers by name; ``given`` ones stand in for those of that name, and are not closed."""

    def __init__(self, settings: Settings, clock: Clock, given: Mapping[str, Provider]) -> None:
        self._settings = settings
        self._clock = clock
        self._given = given
        self._providers: dict[str, Provider] = dict(given)
        self._classes: dict[str, type[Provider]] = {n: type(p) for n, p in given.items()}
        self._prices: dict[tuple[object, ...], pricing.Prices] = {}

    def provider(self, name: str) -> Provider:
        """The provider; raises ``ConfigError`` for an unknown name, or without a key."""
        if name not in self._providers:
            made = self._settings.make(name, self.class_of(name), clock=self._clock)
            self._providers[name] = made
        return self._providers[name]

    def class_of(self, name: str) -> type[Provider]:
        """The class of a provider; needs no key. Raises ``ConfigError`` for an unknown name."""
        if name not in self._classes:  # to look through all installed packages takes time
            loaded = registry.load(name)
            require_attributes(loaded, name)
            self._classes[name] = loaded
        return self._classes[name]

    def usable(self) -> Iterable[type[Provider]]:
        """The class of every provider that can be imported and has not closed; no invented one."""
        return (c for name, c in registry.usable(self.class_of).items() if name != "fake")

    def capabilities(self, name: str) -> Capabilities:
        """The abilities of a provider; needs no key."""
        return (self._providers.get(name) or self.class_of(name)).capabilities

    def stack(self, stack: str | Mapping[Operation, str]) -> Stack:
        """Parse a stack name or mapping."""
        return Stack.parse(stack, self.class_of)

    def missing(self, roles: Mapping[Operation, str]) -> str | None:
        """The reason why these providers cannot be used here, such as a missing key."""
        try:
            for name in dict.fromkeys(roles.values()):
                self.provider(name)
        except errors.ConfigError as error:
            return str(error)
        return None

    def operation(self, operation: Operation, name: str) -> OperationState:
        """A new operation at the provider of that name."""
        can = self.provider(name).capabilities
        return OperationState(
            operation=operation,
            provider=name,
            terms=Terms(
                billable=operation not in can.free,
                findable=operation in can.found_by_token,
                list_lag=can.list_lag,
                idempotency_window=can.idempotency_window,
                typical=can.typical.get(operation, 60.0),
            ),
        )

    def prices(self, names: Iterable[str]) -> pricing.Prices:
        """The shipped rows, those of these providers, and those of ``AVATARKIT_PRICES``'s file.

        The file is read once, and again after ``aclose``.
        """
        wanted = sorted(set(names))
        # Those that were given may have prices of their own, which a test changes.
        given = {name: self._given[name] for name in wanted if name in self._given}
        key = (*wanted, *(tuple(pricing.brought(provider)) for provider in given.values()))
        if key not in self._prices:
            plugins: list[object] = []
            for name in wanted:
                with suppress(errors.ConfigError):  # the ledger may name an uninstalled provider
                    plugins.append(given.get(name) or self.class_of(name))
            self._prices[key] = pricing.Prices.load(plugins=plugins, own=self._own_prices)
        return self._prices[key]

    @cached_property
    def _own_prices(self) -> Sequence[pricing.Price]:
        file = self._settings.environ.get("AVATARKIT_PRICES")
        return read(Path(file)) if file else ()

    async def aclose(self) -> None:
        """Close the providers that were made here; they are made again on demand."""
        self._prices.clear()
        self.__dict__.pop("_own_prices", None)
        for name in self._providers.keys() - self._given.keys():
            try:
                await self._providers.pop(name).aclose()
            except Exception as error:  # noqa: BLE001 - the others are closed all the same
                log.warning("provider.not_closed", provider=name, error=type(error).__name__)
