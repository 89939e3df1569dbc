"""A language that a stack cannot speak is refused before anything is kept or paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Capabilities
from avatarkit.media.folder import FolderStore
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio
DEMO = Path(__file__).parents[2] / "src/avatarkit/data/demo"
WAV, JPG = DEMO / "voice.wav", DEMO / "portrait.jpg"
DRAWN = Consent.not_a_real_person("a drawing")
WHO = {"user_id": "ana", "clone_id": "ana-1"}
REFUSED = r"fake cannot speak '(klingon|de-AT)'; it speaks: en, pt"


@pytest.fixture
def kit(tmp_path):
    clock = FakeClock()
    speaks = Capabilities(languages=("en", "pt"), drive=frozenset({"script", "audio"}))
    vendor = FakeVendor(clock=clock)
    return AvatarKit(
        "fake",
        repository=MemoryRepository(clock=clock),
        media=FolderStore(tmp_path / "media"),
        providers={"fake": Fake(vendor=vendor, capabilities=speaks)},
        clock=clock,
        settings=Settings(),
        worker=False,
    )


@pytest.mark.parametrize("language", ["klingon", "de-AT"])
async def test_a_training_is_refused_with_the_languages(kit, language):
    async with kit:
        with pytest.raises(errors.Unsupported, match=REFUSED):
            await kit.train(**WHO, voice=WAV, footage=JPG, consent=DRAWN, language=language)
        assert await kit.trainings() == []
        assert await kit.consents(user_id="ana") == []


@pytest.mark.parametrize("language", ["klingon", "de-AT"])
async def test_an_adoption_and_a_dub_are_refused_with_the_languages(kit, language):
    async with kit:
        with pytest.raises(errors.Unsupported, match=REFUSED):
            await kit.adopt(**WHO, avatar_id="a", consent=DRAWN, language=language)
        with pytest.raises(errors.Unsupported, match=REFUSED):
            await kit.dub(WAV, language, **WHO, consent=DRAWN)
        assert await kit.consents(user_id="ana") == []


async def test_preflight_finds_a_language_that_the_stack_cannot_speak(kit):
    async with kit:
        found = await kit.preflight(voice=WAV, footage=JPG, language="klingon")
        assert [f.code for f in found if f.severity == "error"] == ["language"]
        found = await kit.preflight(voice=WAV, footage=JPG, language="PT_br")
        assert [f.code for f in found if f.severity == "error"] == []


async def test_a_video_speaks_the_language_of_its_adoption(kit):
    async with kit:
        training = await kit.adopt(**WHO, avatar_id="a", consent=DRAWN, language="pt")
        assert (await kit.speak(training, "Oi!", wait=False)).language == "pt"
        with pytest.raises(errors.Unsupported, match=REFUSED):
            await kit.speak(training, "Hallo!", language="de-AT", wait=False)
