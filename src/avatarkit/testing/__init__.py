"""Test tools for other projects: shared suites, a scripted wire, virtual time, the fake provider.

Each name is imported when it is used, so that a test of one thing loads only that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import names_of

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

if not TYPE_CHECKING:
    __getattr__, __dir__ = names_of(
        __name__,
        {
            "CannedAnswers": ".providers",
            "EngineSuite": ".engines",
            "Fake": "..providers.fake",
            "FakeClock": ".clock",
            "FakeVendor": "..providers.fake",
            "Fault": "..providers.fake",
            "Golden": ".providers",
            "MediaStoreSuite": ".media",
            "ProviderSuite": ".providers",
            "RepositorySuite": ".repositories",
            "SpeechSuite": ".providers",
            "Wire": ".wire",
        },
    )
