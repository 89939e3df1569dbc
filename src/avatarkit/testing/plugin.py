"""Fixtures for applications, by pytest's entry point: no key, no network, no waiting.

``avatarkit_kit`` hands over a kit on the fake provider in virtual time, for async tests of any
plugin (anyio, pytest-asyncio in either mode); ``avatarkit_sync_kit`` is for tests without
``async``. Importing this module loads nothing else of avatarkit; each fixture loads what it needs.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..kit import AvatarKit
    from ..providers.fake import FakeVendor
    from ..sync import SyncAvatarKit
    from .clock import FakeClock

__all__ = [
    "avatarkit_clock",
    "avatarkit_kit",
    "avatarkit_offline",
    "avatarkit_samples",
    "avatarkit_sync_kit",
    "avatarkit_vendor",
]


@pytest.fixture
def avatarkit_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test as soon as anything in this process speaks to another machine.

    Connections to this machine (a database, a test server) pass. The failure is pytest's own, so
    that no handler of ordinary errors hides it.
    """
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *arguments: Any, **named: Any) -> Any:
        _refuse_elsewhere(host)
        return look_up(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


def _guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    """The method of a socket, whose last argument is the address, for this machine only."""

    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _refuse_elsewhere(arguments[-1][0])
        return call(self, *arguments)

    return guarded


def _refuse_elsewhere(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"} or _is_loopback(str(name)):
        return
    pytest.fail(
        f"the test tried to connect to {name}, but avatarkit_offline allows no network: let the "
        "code under test use the avatarkit_kit fixture, or a recorded answer"
    )


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture
def avatarkit_clock() -> FakeClock:
    """Virtual time: it jumps when every task waits, and ``advance(seconds)`` moves it by hand."""
    from .clock import FakeClock

    return FakeClock()


@pytest.fixture
def avatarkit_vendor(request: pytest.FixtureRequest) -> FakeVendor:
    """The vendor behind the kit: order faults, set prices, count charges, take webhooks."""
    from ..providers.fake import FakeVendor

    if "avatarkit_sync_kit" in request.fixturenames:
        return FakeVendor()  # a job takes a tenth of a second
    return FakeVendor(clock=request.getfixturevalue("avatarkit_clock"))


@pytest.fixture
def avatarkit_samples() -> dict[str, Any]:
    """Arguments for ``kit.train``: ``voice``, ``footage`` and ``consent`` of a synthetic person."""
    from ..models import Consent
    from ..providers.fake import portrait, spoken

    return {
        "voice": [spoken("This is what I sound like.")],
        "footage": portrait(),
        "consent": Consent.not_a_real_person("generated for tests"),
    }


@pytest.fixture
def avatarkit_kit(
    avatarkit_offline: None,
    avatarkit_clock: FakeClock,
    avatarkit_vendor: FakeVendor,
    tmp_path: Path,
) -> Iterator[AvatarKit]:
    """A kit on the fake provider: memory, virtual time, a temporary folder, no network.

    It opens itself with the first call, in the event loop of the test.
    """
    del avatarkit_offline
    from .lazy_kit import LazyKit

    kit = LazyKit(**_on_fake(avatarkit_vendor, tmp_path), clock=avatarkit_clock)
    yield kit
    kit.end()


@pytest.fixture
def avatarkit_sync_kit(
    avatarkit_offline: None, avatarkit_vendor: FakeVendor, tmp_path: Path
) -> Iterator[SyncAvatarKit]:
    """An open ``SyncAvatarKit`` on the fake provider; in real time, a tenth of a second a job."""
    del avatarkit_offline
    from ..sync import SyncAvatarKit

    with SyncAvatarKit(**_on_fake(avatarkit_vendor, tmp_path)) as kit:
        yield kit


def _on_fake(vendor: FakeVendor, folder: Path) -> dict[str, Any]:
    """Arguments of both kits."""
    from ..config.settings import Settings
    from ..providers.fake import Fake

    return {
        "stack": "fake",
        "repository": "memory://",
        "media": folder / "avatarkit",
        "providers": {"fake": Fake(vendor=vendor)},
        "settings": Settings(),
    }
