"""A kit in virtual time around one kind of fake provider."""

from __future__ import annotations

import pytest

from avatarkit import AvatarKit
from avatarkit.config.settings import Settings
from avatarkit.providers.fake import FakeVendor
from avatarkit.testing import FakeClock


@pytest.fixture
def kit_with(tmp_path):
    """Build a kit, and its provider of a class that extends the fake."""
    vendor = FakeVendor(clock=FakeClock())

    def made(kind, **more):
        fake = kind(vendor=vendor, **more)
        kit = AvatarKit(
            "fake",
            repository="memory://",
            media=tmp_path,
            providers={"fake": fake},
            clock=vendor.clock,
            settings=Settings(),
        )
        return kit, fake

    return made
