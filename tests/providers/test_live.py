"""Real vendors, for those who have a key: ``AVATARKIT_LIVE_HEYGEN=1`` and the vendor's variable.

Nothing here costs anything, nor is anything made. A test that pays must also look for
``AVATARKIT_LIVE_SPEND=1``; there is none yet.
"""

import os
import re
from uuid import uuid4

import pytest

from avatarkit import errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import AvatarTrainer, VideoGenerator, VoiceCloner
from avatarkit.models import Operation
from avatarkit.stacks import registry

pytestmark = pytest.mark.anyio

VENDORS = ("heygen", "elevenlabs", "d-id", "synthesia", "tavus", "resemble")

#: Role -> the free calls: look for a token, poll.
FREE = {
    VoiceCloner: ("find_voice", "get_voice"),
    AvatarTrainer: ("find_avatar", "get_avatar"),
    VideoGenerator: ("find_video", "get_video"),
}


@pytest.fixture(params=VENDORS)
async def vendor(request):
    variable = f"AVATARKIT_LIVE_{re.sub('[^A-Z0-9]', '_', request.param.upper())}"
    if os.environ.get(variable) != "1":
        pytest.skip(f"{variable} is not 1")
    provider = Settings.from_env().make(request.param, registry.load(request.param))
    yield provider
    await provider.aclose()


def calls(vendor, place):
    return [
        getattr(vendor, names[place]) for role, names in FREE.items() if isinstance(vendor, role)
    ]


async def test_nothing_carries_a_token_that_was_never_given(vendor):
    for find in calls(vendor, 0):
        if Operation(find.__name__.removeprefix("find_")) not in vendor.capabilities.found_by_token:
            continue
        assert list(await find(f"avatarkit-{uuid4().hex}")) == []


async def test_what_was_never_made_is_not_found(vendor):
    for get in calls(vendor, 1):
        with pytest.raises((errors.NotFound, errors.Refused)):
            await get(uuid4().hex)
