"""Providers whose own code has bugs: every error is typed and names the provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, errors
from avatarkit.config.settings import Settings
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.stacks.provider_pool import ProviderPool
from avatarkit.testing import FakeClock
from avatarkit.webhooks import Delivery

pytestmark = pytest.mark.anyio

DEMO = Path(__file__).parent.parent / "src/avatarkit/data/demo"
ORDER = {
    "user_id": "ana",
    "clone_id": "ana-1",
    "voice": DEMO / "voice.wav",
    "footage": DEMO / "portrait.jpg",
    "consent": Consent.not_a_real_person("a drawing"),
}


def kit_of(tmp_path, clock=None, **attributes):
    provider = type("Plugin", (Fake,), attributes)()
    clock = clock or FakeClock()
    return AvatarKit(
        "fake",
        providers={"fake": provider},
        repository=MemoryRepository(clock=clock),
        media=tmp_path / "media",
        worker=False,
        clock=clock,
    )


def broken(*_args, **_more):
    raise KeyError("secret")


def hook(value):
    """A method that returns the value, or has a bug where it is "raises"."""

    async def answer(*_args, **_more):
        return broken() if value == "raises" else value

    return answer


@pytest.mark.parametrize("events", ["raises", None, [5], [{"id": "1"}], "x"], ids=str)
async def test_a_bug_in_events_names_the_provider(tmp_path, events):
    def own(*_args):
        return broken() if events == "raises" else events

    async with kit_of(tmp_path, events=own) as kit:
        with pytest.raises(errors.ProviderError, match="fake events: its events raised") as caught:
            await kit.webhooks.receive("fake", Delivery(b"{}", {}))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("balance", ["raises", None, 5])
async def test_a_bug_in_balance_is_the_error_of_that_provider(tmp_path, balance):
    async with kit_of(tmp_path, balance=hook(balance)) as kit:
        found = await kit.prices.balances()
    assert isinstance(found["fake"], errors.ProviderError)
    assert str(found["fake"]).startswith("fake balance: ")


async def test_a_bug_in_register_webhook_names_the_provider(tmp_path):
    async with kit_of(tmp_path, register_webhook=hook("raises")) as kit:
        with pytest.raises(errors.ProviderError, match="fake register_webhook: "):
            await kit.webhooks.register("fake", "https://app.test/hook")


@pytest.mark.parametrize("account", ["raises", None, 5])
async def test_an_account_that_cannot_be_told_asks_a_person(tmp_path, account):
    account = property(broken) if account == "raises" else account
    async with kit_of(tmp_path, account=account) as kit:
        training = await kit.train(**ORDER)
        await kit.admin.tick()
        action = (await kit.get(training)).action
    assert action.kind == "account"
    assert "fake" in action.message


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("capabilities", None),
        ("capabilities", {}),
        ("limits", None),
        ("limits", (5,)),
        ("consent_rules", 5),
        ("consent_rules", ({},)),
        ("option_types", None),
        ("option_types", ("x",)),
        ("name", 5),
        ("api_version", None),
    ],
    ids=str,
)
def test_a_provider_with_a_wrong_attribute_is_refused_by_name(tmp_path, attribute, value):
    class Plugin(Fake):
        def __init__(self):
            super().__init__()
            vars(self)[attribute] = value

    with pytest.raises(errors.ConfigError, match=f"provider 'fake': its {attribute} must be"):
        AvatarKit("fake", providers={"fake": Plugin()}, media=tmp_path)


@pytest.mark.parametrize("prices", [None, 5, [5]], ids=str)
async def test_prices_that_are_none_are_named(tmp_path, prices):
    async with kit_of(tmp_path, prices=prices) as kit:
        with pytest.raises(errors.ConfigError, match="provider 'fake': its prices must be"):
            kit.prices.quote(script="Hello.")


@pytest.mark.parametrize("answer", ["raises", None, {"id": "x"}], ids=str)
async def test_a_bug_in_a_paid_call_leaves_its_fate_open_and_is_named(tmp_path, answer):
    async with kit_of(tmp_path, clone_voice=hook(answer)) as kit:
        training = await kit.train(**ORDER)
        await kit.admin.tick()
        call = (await kit.get(training)).operation(Operation.VOICE).call
    assert call.doubted
    assert "fake voice: its " in call.doubt


@pytest.mark.parametrize("nothing", [None, {}, 0, [{"id": "x"}]], ids=str)
async def test_a_look_up_that_returns_no_list_never_proves_that_nothing_was_made(tmp_path, nothing):
    sent = []

    async def clone_voice(_self, request):
        sent.append(request.token)
        raise errors.Unavailable("the answer was lost", provider="fake")

    clock = FakeClock()
    async with kit_of(tmp_path, clock, clone_voice=clone_voice, find_voice=hook(nothing)) as kit:
        training = await kit.train(**ORDER)
        for _ in range(100):
            await kit.admin.tick()
            clock.advance(60.0)
        record = await kit.get(training)
    assert sent == [record.token(Operation.VOICE)]


@pytest.mark.parametrize("prepared", [None, 5, []], ids=str)
async def test_a_prepare_that_returns_nothing_of_use_is_asked_again(tmp_path, prepared):
    async with kit_of(tmp_path, prepare=hook(prepared)) as kit:
        training = await kit.train(**ORDER)
        await kit.admin.tick()
        state = (await kit.get(training)).operation(Operation.VOICE)
    assert (state.failures, state.phase) == (1, "none")


def test_a_constructor_with_a_bug_is_named(monkeypatch):
    class Plugin(Fake):
        def __init__(self, settings):
            raise KeyError(settings)

    with pytest.raises(errors.ConfigError, match=r"provider 'fake' cannot be made: .*KeyError"):
        Settings().make("fake", Plugin)


async def test_a_provider_that_cannot_be_closed_keeps_no_other_open(monkeypatch):
    closed = []

    class Plugin(Fake):
        async def aclose(self):
            closed.append(self)
            raise KeyError("secret")

    pool = ProviderPool(Settings(), FakeClock(), {})
    monkeypatch.setattr("avatarkit.stacks.registry.load", lambda _: Plugin)
    pool.provider("fake"), pool.provider("other")
    await pool.aclose()
    assert len(closed) == 2
