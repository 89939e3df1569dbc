"""``kit.catalogue``: pages of any size, an age, and entries that need no training."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import CataloguePart, ProviderSettings
from avatarkit.models import Operation
from avatarkit.providers.fake import STOCK, Fake, FakeVendor
from avatarkit.providers.rask import Rask
from avatarkit.providers.synthesia import Synthesia
from avatarkit.testing import FakeClock, Wire

pytestmark = pytest.mark.anyio


class Counting(Fake):
    """Counts how often it is asked."""

    asked = 0

    async def list_entries(self, kind, wanted, cursor):
        Counting.asked += 1
        return await super().list_entries(kind, wanted, cursor)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def fake(clock, monkeypatch):
    monkeypatch.setattr(Counting, "asked", 0)
    return Counting(vendor=FakeVendor(clock=clock))


@pytest.fixture
async def kit(tmp_path, clock, fake, avatarkit_offline):
    async with AvatarKit(
        "fake",
        repository="memory://",
        media=tmp_path,
        providers={"fake": fake},
        clock=clock,
        settings=Settings(),
    ) as opened:
        yield opened


@pytest.fixture
async def trained(kit, avatarkit_samples):
    """Five twins, so that the list has three pages of the vendor's."""
    for number in range(5):
        training = await kit.train(user_id="ana", clone_id=f"c{number}", **avatarkit_samples)
        async for _ in kit.watch(training.id):
            pass


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 50])
async def test_pages_of_any_size_hold_every_entry_once(kit, limit):
    found, cursor = [], None
    while True:
        page = await kit.catalogue.avatars("fake", limit=limit, cursor=cursor)
        assert len(page.entries) <= limit
        found += [entry.id for entry in page.entries]
        cursor = page.cursor
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 7


@pytest.mark.usefixtures("trained")
async def test_own_avatars_are_found_behind_pages_of_others(kit):
    page = await kit.catalogue.avatars("fake", own=True, limit=5)
    assert len(page.entries) == 5
    assert all(entry.own for entry in page.entries)


async def test_a_search_finds_a_name(kit):
    page = await kit.catalogue.avatars("fake", query="ros")
    assert [entry.id for entry in page.entries] == ["stock-rosa"]
    assert page.cursor is None


async def test_voices_are_chosen_by_language_and_gender(kit):
    page = await kit.catalogue.voices("fake", language="es-MX", gender="female")
    assert [entry.id for entry in page.entries] == ["stock-voice-es"]


async def test_an_answer_is_kept_and_tells_its_age(kit, clock):
    assert (await kit.catalogue.avatars("fake")).age == 0
    clock.advance(90)
    assert (await kit.catalogue.avatars("fake")).age == pytest.approx(90)
    assert Counting.asked == 1


async def test_an_answer_that_is_too_old_is_asked_for_again(kit, clock):
    await kit.catalogue.avatars("fake")
    clock.advance(3601)
    assert (await kit.catalogue.avatars("fake")).age == 0
    await kit.catalogue.avatars("fake", max_age=0)
    assert Counting.asked == 3


@pytest.mark.parametrize(
    "wrong", ["1", [1], float("nan"), 10**400, True], ids=["text", "list", "NaN", "huge", "flag"]
)
async def test_an_age_that_is_no_number_is_told(kit, wrong):
    for _ in range(2):
        for asked in (kit.catalogue.avatars, kit.catalogue.voices):
            with pytest.raises(errors.ConfigError, match="max_age"):
                await asked("fake", max_age=wrong)


async def test_another_wish_is_another_answer(kit):
    await kit.catalogue.avatars("fake", gender="male")
    await kit.catalogue.avatars("fake", gender="female")
    await kit.catalogue.voices("fake", gender="female")
    assert Counting.asked == 3


async def test_kept_answers_do_not_grow_without_end(kit):
    for number in range(300):
        await kit.catalogue.avatars("fake", query=f"q{number}")
    assert len(kit.catalogue._kept) == 256


async def test_a_list_without_an_end_is_left_with_a_cursor(kit, monkeypatch):
    async def endless(self, kind, wanted, cursor):
        return CataloguePart(entries=(), cursor=str(int(cursor or 0) + 1))

    monkeypatch.setattr(Counting, "list_entries", endless)
    page = await kit.catalogue.avatars("fake")
    assert page.entries == ()
    assert page.cursor == "0.20"


@pytest.mark.parametrize("answer", [[], "entries"])
async def test_a_plug_in_that_tells_nonsense_is_a_bad_reply(kit, monkeypatch, answer):
    monkeypatch.setattr(Counting, "list_entries", _told(answer))
    with pytest.raises(errors.BadReply):
        await kit.catalogue.avatars("fake")


def _told(answer):
    async def told(self, kind, wanted, cursor):
        return answer

    return told


async def test_a_plug_in_that_breaks_is_named(kit, monkeypatch):
    async def broken(self, kind, wanted, cursor):
        raise KeyError("x")

    monkeypatch.setattr(Counting, "list_entries", broken)
    with pytest.raises(errors.ProviderError, match="KeyError"):
        await kit.catalogue.avatars("fake")


@pytest.mark.parametrize("cursor", ["", "x", "1", "-1.2"])
async def test_a_cursor_of_something_else_is_refused(kit, cursor):
    with pytest.raises(errors.ConfigError, match="cursor"):
        await kit.catalogue.avatars("fake", cursor=cursor)


@pytest.mark.parametrize("call", ["avatars", "voices", "templates"])
async def test_a_provider_without_lists_says_so(tmp_path, avatarkit_offline, call):
    settings = ProviderSettings(client_id="id", api_key=SecretStr("key"))
    rask = Rask(settings, client=Wire().client)
    providers = {"rask": rask}
    async with AvatarKit(
        "rask", repository="memory://", media=tmp_path, providers=providers, settings=Settings()
    ) as kit:
        with pytest.raises(errors.Unsupported, match="no list of"):
            await getattr(kit.catalogue, call)("rask")


@pytest.mark.parametrize("call", ["avatars", "voices"])
async def test_synthesia_says_where_a_person_finds_the_id(tmp_path, avatarkit_offline, call):
    synthesia = Synthesia(ProviderSettings(api_key=SecretStr("key")), client=Wire().client)
    async with AvatarKit(
        "synthesia",
        repository="memory://",
        media=tmp_path,
        providers={"synthesia": synthesia},
        settings=Settings(),
    ) as kit:
        with pytest.raises(errors.Unsupported, match="Studio"):
            await getattr(kit.catalogue, call)("synthesia")


async def test_languages_of_a_provider_that_names_its_own(tmp_path, avatarkit_offline):
    async with AvatarKit("local", repository="memory://", media=tmp_path) as kit:
        assert "en" in {one.id for one in await kit.catalogue.languages("speech", "local")}
        assert await kit.catalogue.languages(Operation.VIDEO)
        with pytest.raises(errors.Unsupported, match="local makes no dubs"):
            await kit.catalogue.languages("dub")


async def test_languages_that_a_vendor_does_not_tell_are_no_empty_list(kit):
    with pytest.raises(errors.Unsupported, match="it decides"):
        await kit.catalogue.languages("dub", "fake")


@pytest.mark.parametrize("role", [None, "singing"])
async def test_a_role_that_is_none_is_refused(kit, role):
    with pytest.raises(errors.ConfigError, match="role"):
        await kit.catalogue.languages(role, "fake")


async def test_the_stock_of_the_fake_has_avatars_and_voices(kit):
    shown = {entry.id for entry in (await kit.catalogue.avatars("fake")).entries}
    shown |= {entry.id for entry in (await kit.catalogue.voices("fake")).entries}
    assert shown == {entry.id for entry in STOCK}
