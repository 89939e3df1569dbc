"""A test of an application, as its authors would write it."""

import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
async def test_a_new_user_gets_a_greeting(avatarkit_kit, avatarkit_samples, avatarkit_vendor):
    twin = await avatarkit_kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
    shown = [update.status async for update in avatarkit_kit.watch(twin.id)]
    assert shown[-1] == "completed"

    greeting = await avatarkit_kit.speak(twin.id, "Welcome, Ana!")

    assert greeting.status == "completed"
    assert set(avatarkit_vendor.accepted.values()) == {1}  # nothing was paid for twice
