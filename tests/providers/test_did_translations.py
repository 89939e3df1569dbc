"""D-ID's translations: what is asked for, and what is made of the answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import DubRequest, JobState, Operation
from avatarkit.providers.did import DID, DIDTranslation
from avatarkit.testing.providers import TOKEN
from avatarkit.webhooks import Delivery
from providers.contract import Contract
from providers.test_did import TestDID as Suite

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "did.json").read_text())
WAITING = TOLD["translation"]
DONE = WAITING | TOLD["translated"]


@pytest.fixture
def did(wire):
    return DID(ProviderSettings(api_key=SecretStr("key-1")), client=wire.client)


def dub(language="es-ES", **more):
    known = {"token": TOKEN, "source": Suite().media(), "language": language}
    return DubRequest(**known, **more)


async def test_a_dub_is_asked_for_as_d_id_documents(did, wire):
    contract = Contract.of("did", closed=True)
    answer = {"translations": [WAITING]}
    wire.reply(answer, 201)
    options = (DIDTranslation(source_language="English"),)
    job = await did.dub_video(dub(options=options, callback_url="https://app.example/hook"))
    assert (job.id, job.operation, job.state) == ("tr_1", Operation.DUB, JobState.QUEUED)
    contract.check_answer(contract.check(wire.requests[0]), 201, answer)
    assert wire.body() == {
        "source_url": Suite.link,
        "languages": ["Spanish"],
        "source_language": "English",
        "user_data": TOKEN,
        "webhook": "https://app.example/hook",
    }


@pytest.mark.parametrize(
    ("language", "wanted"),
    [("pt-BR", "Portuguese"), ("zh", "Chinese"), ("German", "German"), ("french", "French")],
)
async def test_a_language_is_told_in_d_ids_words(did, wire, language, wanted):
    wire.reply({"translations": [WAITING]}, 201)
    await did.dub_video(dub(language))
    assert wire.body()["languages"] == [wanted]


@pytest.mark.parametrize("language", ["tlh", "xx-XX", "Klingon"])
async def test_another_language_is_refused_with_the_list(did, wire, language):
    with pytest.raises(errors.Unsupported, match="Spanish, Swedish"):
        await did.dub_video(dub(language))
    assert not wire.requests


@pytest.mark.parametrize("link", [None, "https://store.example/clip", "https://a.example/x.webm"])
async def test_a_source_without_such_a_link_is_refused(did, wire, link):
    source = Suite().media().model_copy(update={"url": link})
    with pytest.raises(errors.Unsupported, match="link"):
        await did.dub_video(dub().model_copy(update={"source": source}))
    assert not wire.requests


async def test_the_subtitles_of_a_dub_are_kept(did, wire):
    wire.reply(DONE)
    job = await did.get_dub("tr_1")
    assert job.state is JobState.SUCCEEDED
    assert {"video", "thumbnail"} < job.links.keys()
    assert any(name.startswith("subtitles") for name in job.links)


async def test_a_dub_is_never_taken_for_absent(did, wire):
    assert Operation.DUB not in DID.capabilities.found_by_token
    with pytest.raises(errors.Unsupported):
        await did.find_dub(TOKEN)
    assert not wire.requests


async def test_a_delivery_of_a_dub_is_none_of_a_video(did):
    (event,) = did.events(Delivery(json.dumps(DONE).encode(), {}, received=0.0))
    assert (event.job.operation, event.job.id) == (Operation.DUB, "tr_1")
    assert not event.trusted
