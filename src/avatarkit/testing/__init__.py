"""Test tools for other projects: shared suites, a scripted wire, virtual time, the fake provider.

Each name is imported when it is used, so that a test of one thing loads only that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..providers.fake import Fake, FakeVendor, Fault
    from .clock import FakeClock
    from .engines import EngineSuite
    from .media import MediaStoreSuite
    from .providers import CannedAnswers, Golden, ProviderSuite, SpeechSuite
    from .repositories import RepositorySuite
    from .wire import Wire

__all__ = [
    "CannedAnswers",
    "EngineSuite",
    "Fake",
    "FakeClock",
    "FakeVendor",
    "Fault",
    "Golden",
    "MediaStoreSuite",
    "ProviderSuite",
    "RepositorySuite",
    "SpeechSuite",
    "Wire",
]

_HOMES = {
    "EngineSuite": "avatarkit.testing.engines",
    "Fake": "avatarkit.providers.fake",
    "FakeClock": "avatarkit.testing.clock",
    "FakeVendor": "avatarkit.providers.fake",
    "Fault": "avatarkit.providers.fake",
    "Golden": "avatarkit.testing.providers",
    "MediaStoreSuite": "avatarkit.testing.media",
    "ProviderSuite": "avatarkit.testing.providers",
    "CannedAnswers": "avatarkit.testing.providers",
    "RepositorySuite": "avatarkit.testing.repositories",
    "SpeechSuite": "avatarkit.testing.providers",
    "Wire": "avatarkit.testing.wire",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
