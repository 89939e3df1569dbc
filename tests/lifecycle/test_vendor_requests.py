"""What is asked of a provider: its links live as long as it needs them, and change nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avatarkit.lifecycle.vendor_requests import Requests, digest
from avatarkit.media.folder import FolderStore
from avatarkit.models import Media, StoredFile, VoiceRequest
from avatarkit.providers.fake import Fake
from avatarkit.records import Sample
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_training


def clone(url, sha256="0" * 64):
    sample = Media(
        name="a.wav", media_type="audio/wav", size=1, sha256=sha256, url=url, open=lambda: None
    )
    return VoiceRequest(token="ak-1-voice", samples=(sample,))


def test_a_fresh_signed_link_leaves_a_request_the_same():
    first = digest(clone("https://store.example/a.wav?signature=one"))
    assert first == digest(clone("https://store.example/a.wav?signature=two"))
    assert first != digest(clone("https://store.example/a.wav?signature=one", "1" * 64))


class Signing(FolderStore):
    """Notes how long its links are to live."""

    async def url(self, key, lifetime):
        self.asked = lifetime
        return f"https://store.example/{key}"


@pytest.mark.anyio
async def test_a_link_lives_as_long_as_the_provider_needs_it(tmp_path):
    vendor, store = Fake(), Signing(tmp_path)
    file = StoredFile(key="u/c/a.wav", size=1, sha256="0" * 64, media_type="audio/wav")
    sample = Sample(id="a", user_id="u", clone_id="c", role="voice", name="a.wav", file=file)
    training = a_training(voice=(sample,))
    can = replace(vendor.capabilities, media=frozenset({"url"}), url_lifetime=86_400.0)
    vendor.capabilities = can
    requests = Requests(store, MemoryRepository(clock=FakeClock()))
    request = await requests.build(training, training.operations[0], vendor)
    assert request.samples[0].url == "https://store.example/u/c/a.wav"
    assert store.asked == 86_400.0
