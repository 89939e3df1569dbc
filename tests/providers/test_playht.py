"""PlayHT: that it has closed is said at once, and nothing is sent."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, Consent, errors
from avatarkit.interfaces import ProviderSettings
from avatarkit.providers.fake import spoken
from avatarkit.providers.playht import PlayHT
from avatarkit.stacks import registry
from avatarkit.stacks.registry import Stack
from avatarkit.testing import Wire

GIVEN = {
    "nothing": (),
    "a key": (ProviderSettings(api_key=SecretStr("key-1")),),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_making_one_says_that_it_has_closed_and_where_to_go(given):
    with pytest.raises(errors.ServiceDiscontinued, match=r"elevenlabs or resemble, or .* local"):
        PlayHT(*given)


def test_nothing_is_sent():
    wire = Wire()
    with pytest.raises(errors.ServiceDiscontinued):
        PlayHT(client=wire.client)
    assert not wire.requests


def test_a_closed_service_is_never_worth_another_try():
    with pytest.raises(errors.ServiceDiscontinued) as caught:
        PlayHT()
    assert not getattr(caught.value, "retryable", False)


@pytest.mark.anyio
async def test_a_kit_refuses_a_training_with_it_before_it_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "load", lambda _: PlayHT)
    kit = AvatarKit("playht", repository="memory://", media=str(tmp_path), worker=False)
    async with kit:
        with pytest.raises(errors.ServiceDiscontinued):
            await kit.train(
                user_id="u1",
                clone_id="c1",
                voice=[spoken("Hello there, this is me.")],
                consent=Consent(subject="Ana"),
            )
        assert await kit.trainings(user_id="u1") == []


def test_a_stack_with_it_is_no_wrong_stack_but_a_closed_service():
    stack = Stack.parse("playht", class_of=lambda _: PlayHT)
    assert {str(operation) for operation in stack.roles} == {"voice", "speech"}
