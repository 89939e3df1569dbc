"""Fixtures for applications, by pytest's entry point: no key, no network, no waiting.

``avatarkit_kit`` hands over an open kit on the fake provider in virtual time. It is an async
fixture of anyio's pytest plugin, so its tests are marked ``anyio``. Importing this module loads
nothing else of avatarkit; each fixture loads what it needs.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..kit import AvatarKit
    from ..providers.fake import FakeVendor
    from .clock import FakeClock

__all__ = [
    "avatarkit_clock",
    "avatarkit_kit",
    "avatarkit_offline",
    "avatarkit_samples",
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
def avatarkit_vendor(avatarkit_clock: FakeClock) -> FakeVendor:
    """The vendor behind ``avatarkit_kit``: order faults, count charges, take webhooks."""
    from ..providers.fake import FakeVendor

    return FakeVendor(clock=avatarkit_clock)


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
async def avatarkit_kit(
    avatarkit_offline: None,
    avatarkit_clock: FakeClock,
    avatarkit_vendor: FakeVendor,
    tmp_path: Path,
) -> AsyncIterator[AvatarKit]:
    """An open kit on the fake provider: memory, virtual time, a temporary folder, no network."""
    del avatarkit_offline
    from ..config.settings import Settings
    from ..kit import AvatarKit
    from ..providers.fake import Fake

    async with AvatarKit(
        "fake",
        repository="memory://",
        media=tmp_path / "avatarkit",
        providers={"fake": Fake(vendor=avatarkit_vendor)},
        settings=Settings(),
        clock=avatarkit_clock,
    ) as kit:
        yield kit
