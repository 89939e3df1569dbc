"""Engines: they decide when ``advance`` is called; each is loaded when it is chosen."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Final, cast

from ..config.settings import Settings
from ..errors import ConfigError
from ..interfaces import EngineFactory
from .in_process import InProcessEngine

__all__ = ["ENGINES", "InProcessEngine", "engine_factory"]

#: Name of an engine -> the module and class that it is loaded from.
ENGINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "in-process": "in_process:InProcessEngine",
        "dbos": "dbos:DBOSEngine",
        "temporal": "temporal:TemporalEngine",
    }
)


def engine_factory(given: str | EngineFactory | None, settings: Settings) -> EngineFactory:
    """Return the factory that is given, or that of an engine's name; raises ``ConfigError``."""
    given = given or settings.environ.get("AVATARKIT_ENGINE") or "in-process"
    if not isinstance(given, str):
        return _require_factory(given)
    if given not in ENGINES:
        raise ConfigError(f"unknown engine {given[:50]!r}: use {', '.join(ENGINES)}, or a factory")
    module, _, name = ENGINES[given].partition(":")
    factory = cast("EngineFactory", getattr(import_module(f"{__name__}.{module}"), name))
    if given == "dbos":
        address = settings.environ.get("AVATARKIT_DBOS_URL") or settings.repository
        return cast("EngineFactory", partial(factory, database=address))
    return factory


def _require_factory(given: object) -> EngineFactory:
    """Raise ``ConfigError`` for whatever cannot be called with the arguments of a factory."""
    try:
        inspect.signature(cast("Callable[..., object]", given)).bind(
            advance=None, repository=None, clock=None
        )
    except (TypeError, ValueError):
        raise ConfigError(
            "engine must be a name or a factory, such as engine=InProcessEngine"
        ) from None
    return cast("EngineFactory", given)
