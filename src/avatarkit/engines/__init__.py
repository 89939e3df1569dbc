"""Engines: they decide when ``advance`` is called; each is loaded when it is chosen."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from ..config.settings import Settings
from ..errors import ConfigError
from ..interfaces import EngineFactory

#: Names of engines; each is a module here with a function ``configured``.
ENGINES: Final = ("in-process", "dbos", "temporal")


def engine_factory(given: str | EngineFactory | None, settings: Settings) -> EngineFactory:
    """Return the factory that is given, or that of an engine's name; raises ``ConfigError``."""
    engine: str | EngineFactory = given or settings.environ.get("AVATARKIT_ENGINE") or "in-process"
    if isinstance(engine, str) and engine in ENGINES:
        module = import_module(f"{__name__}.{engine.replace('-', '_')}")
        return cast("EngineFactory", module.configured(settings))
    if isinstance(engine, str) or not _is_factory(engine):
        raise ConfigError(
            f"engine must be {', '.join(ENGINES)}, or a factory such as InProcessEngine"
        )
    return engine


def _is_factory(engine: object) -> bool:
    """True for what can be called with the arguments of a factory."""
    try:
        inspect.signature(cast("Callable[..., object]", engine)).bind(
            advance=None, repository=None, clock=None
        )
    except (TypeError, ValueError):
        return False
    return True
