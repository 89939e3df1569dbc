"""Talking AI twins for an application's users: one typed API, many providers.

Importing this loads nothing but itself: each public name brings its module when it is first used,
and no HTTP client, database driver or provider is loaded before a kit needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

    from . import errors
    from .errors import AvatarKitError
    from .kit import AvatarKit
    from .lifecycle.decide import Policy
    from .models import (
        Action,
        Consent,
        Operation,
        Options,
        Scene,
        Template,
        VideoSettings,
        VoiceSettings,
    )
    from .records import Status, Training, Video
    from .sync import SyncAvatarKit

__all__ = [
    "Action",
    "AvatarKit",
    "AvatarKitError",
    "Consent",
    "Operation",
    "Options",
    "Policy",
    "Scene",
    "Status",
    "SyncAvatarKit",
    "Template",
    "Training",
    "Video",
    "VideoSettings",
    "VoiceSettings",
    "errors",
]

__version__ = "0.1.0"

# -- lazy imports -----------------------------------------------------------------------------

_deferring: ContextVar[bool] = ContextVar("_deferring", default=False)


@contextmanager
def lazily() -> Generator[None]:
    """Make imports of modules in this block lazy, like the ``lazy`` imports of PEP 810.

    Each name is a placeholder, which imports its module when an attribute is first used. It is for
    modules: ``from ..models import Consent`` raises ``ImportError``, as that uses an attribute.
    """
    token = _deferring.set(True)
    sys.meta_path.insert(0, _FINDER)
    try:
        yield
    finally:
        sys.meta_path.remove(_FINDER)
        _deferring.reset(token)
        for module in [*sys.modules.values()]:
            if isinstance(module, _Placeholder):
                module.forget()


class _Placeholder(ModuleType):
    """Stands in for a module in the code that imported it lazily, and nowhere else."""

    def __getattr__(self, name: str) -> Any:
        if _deferring.get():  # the import system asks for a submodule
            raise AttributeError(name)
        self.forget()
        return getattr(import_module(self.__name__), name)

    def forget(self) -> None:
        """Leave the import system, so that the next import loads the module."""
        if sys.modules.get(self.__name__) is not self:
            return
        del sys.modules[self.__name__]
        package, _, name = self.__name__.rpartition(".")
        vars(sys.modules.get(package, self)).pop(name, None)


class _Finder:
    """Finder and loader of placeholders."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as usual, and load a placeholder for it; other threads import as usual."""
        spec = PathFinder.find_spec(name, path) if _deferring.get() else None
        if spec is not None:
            spec.loader = cast("Loader", self)
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make a placeholder."""
        return _Placeholder(spec.name)

    def exec_module(self, _: ModuleType) -> None:
        """Run nothing."""


_FINDER = _Finder()


def names_of(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Build ``__getattr__`` and ``__dir__`` of a package whose names are loaded when first used.

    ``homes`` says in which module each name lives, relative to the package; "." is the module of
    that name itself.
    """
    namespace = vars(sys.modules[package])

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        if home == ".":
            return import_module(f".{name}", package)
        namespace[name] = value = getattr(import_module(home, package), name)
        return value

    return load, lambda: sorted({*homes, *(name for name in namespace if name.startswith("__"))})


if not TYPE_CHECKING:
    __getattr__, __dir__ = names_of(
        __name__,
        {
            "Action": ".models",
            "AvatarKit": ".kit",
            "AvatarKitError": ".errors",
            "Consent": ".models",
            "Operation": ".models",
            "Options": ".models",
            "Policy": ".lifecycle.decide",
            "Scene": ".models",
            "Status": ".records",
            "SyncAvatarKit": ".sync",
            "Template": ".models",
            "Training": ".records",
            "Video": ".records",
            "VideoSettings": ".models",
            "VoiceSettings": ".models",
            "errors": ".",
        },
    )
