"""Video settings of each vendor, against the vendor's own document with closed schemas."""

from __future__ import annotations

import pytest

from avatarkit.interfaces import kind_of_avatar
from avatarkit.models import Operation, SpeechRequest
from avatarkit.providers.did import DID
from avatarkit.providers.elevenlabs import ElevenLabs
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.synthesia import Synthesia
from avatarkit.providers.tavus import Tavus
from avatarkit.testing.providers import EXAMPLES, setting
from providers import test_did, test_elevenlabs, test_heygen, test_synthesia, test_tavus
from providers.contract import Contract

pytestmark = pytest.mark.anyio
SUITES = {
    HeyGen: test_heygen.TestHeyGen,
    DID: test_did.TestDID,
    Synthesia: test_synthesia.TestSynthesia,
    Tavus: test_tavus.TestTavus,
    ElevenLabs: test_elevenlabs.TestElevenLabs,
}


def _asked(provider, suite):
    """Each mapped setting as a request of the suite, with the method that takes it."""
    for operation, rows in provider.capabilities.settings.items():
        for row in rows:
            for value in filter(row.fits, EXAMPLES[row.setting]):
                settings = setting(row.setting, value, *row.needs[:1])
                if operation is Operation.SPEECH:
                    asked = {"voice_id": "v1", "text": "Hi!", "settings": settings.voice}
                    yield "synthesize", SpeechRequest(token="ak-1", **asked)
                    continue
                for kind in row.avatars or suite.avatars or ("",):
                    avatar = suite.avatars.get(kind, "a1")
                    assert kind_of_avatar(provider, avatar) == kind
                    request = suite().ask(Operation.VIDEO, avatar_id=avatar, settings=settings)
                    yield "generate_video", request


@pytest.mark.parametrize("provider", SUITES, ids=lambda provider: provider.name)
async def test_each_mapped_setting_is_one_that_the_vendor_describes(provider, wire):
    suite, document = SUITES[provider], provider.name.replace("-", "")
    contract = Contract.of(document, closed=True)
    it = provider(suite().settings(), client=wire.client)
    for method, request in _asked(it, suite):
        wire.reply({"id": "x1", "video_id": "x1", "data": {"audio_url": "https://f.example/a.mp3"}})
        await getattr(it, method)(request)
        contract.check(wire.requests[-1])
    assert wire.requests
