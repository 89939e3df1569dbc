"""Budgets and ``max_cost``: what is refused before anything is sent, and what each end leaves."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, Status, errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Held
from avatarkit.interfaces import dollars as told
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation, StoredFile
from avatarkit.pricing import USD, Budget, Money, Prices, budgets_from, month
from avatarkit.pricing.budgets import asked, ordered, priced
from avatarkit.pricing.costs import charged
from avatarkit.pricing.rows import parse, read, shipped
from avatarkit.providers.fake import Fake, FakeVendor, Fault
from avatarkit.records import OperationState, Phase, Sample
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.stacks import provider_pool
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_training, a_video
from pricing.racing import PRICES, race

pytestmark = pytest.mark.anyio
DEMO = Path(__file__).parents[2] / "src/avatarkit/data/demo"
WAV, JPG = DEMO / "voice.wav", DEMO / "portrait.jpg"
DRAWN = Consent.not_a_real_person("a drawing")
WHO = {"user_id": "ana", "clone_id": "ana-1"}


class Unpriced(Fake):
    """Costs what it costs, and does not say it."""

    prices = ()


class House:
    """Everything that outlives a kit."""

    def __init__(self, folder):
        self.clock = FakeClock()
        self.vendor = FakeVendor(clock=self.clock)
        self.folder = folder
        self.repository = MemoryRepository(clock=self.clock)
        self.prices = folder / "prices.toml"
        self.prices.write_text(PRICES)

    def unpriced(self):
        """Providers without any known price, not even by a file."""
        self.prices.write_text("")
        return {"fake": Unpriced(vendor=self.vendor)}

    def kit(self, *budgets, **more):
        given = {
            "repository": self.repository,
            "media": FolderStore(self.folder / "media"),
            "providers": {"fake": Fake(vendor=self.vendor)},
            "clock": self.clock,
            "settings": Settings(environ={"AVATARKIT_PRICES": str(self.prices)}),
            "budgets": budgets,
        }
        return AvatarKit(**({"stack": "fake"} | given | more))

    async def held(self):
        return await self.repository.held(0, 1e12)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def ordered_by(kit, **more):
    return await kit.train(**({**WHO, "voice": [WAV], "footage": JPG, "consent": DRAWN} | more))


async def final(kit, record_id):
    async for update in kit.watch(record_id):
        last = update
    return last


@pytest.mark.parametrize(
    ("given", "written"),
    [("200", "200.00"), ("0.5", "0.50"), ("1E+3", "1000.00"), ("0.004", "0.004"), ("0", "0.00")],
)
def test_an_amount_is_written_to_the_cent_at_least(given, written):
    amount = Decimal(given)
    assert str(USD(given)) == f"{written} USD"
    assert str(told(int(amount * 1_000_000))) == written


def dollars(spent, reserved):
    return Held(spent=int(spent * 1_000_000), reserved=int(reserved * 1_000_000))


# -- max_cost ---------------------------------------------------------------------------------


async def test_a_max_cost_below_what_a_training_takes_is_refused_before_anything_is_sent(house):
    async with house.kit() as kit:
        with pytest.raises(
            errors.BudgetExceeded, match=r"\$3\.00, which is \$0\.01 more"
        ) as caught:
            await ordered_by(kit, max_cost=USD("2.99"))
    assert (caught.value.over, caught.value.budget) == (Decimal("0.01"), None)
    assert house.vendor.accepted == {}
    assert await house.held() == dollars(0, 0)


async def test_a_max_cost_that_suffices_lets_it_through(house):
    async with house.kit() as kit:
        training = await ordered_by(kit, max_cost=USD("3.00"))
        assert (await final(kit, training.id)).status is Status.COMPLETED


async def test_the_spending_of_the_month_is_what_its_records_are_expected_to_cost(house):
    async with house.kit() as kit:
        await final(kit, (await ordered_by(kit)).id)
        told = await kit.prices.spending()
    assert (told.spent, told.reserved) == (Decimal(3), 0)
    assert told.month == "2026-09"


async def test_a_video_has_a_max_cost_too(house):
    async with house.kit() as kit:
        training = await final(kit, (await ordered_by(kit)).id)
        with pytest.raises(errors.BudgetExceeded, match=r"is expected to cost \$1\.00"):
            await kit.speak(training.id, "a" * 1000, max_cost=USD("0.9"))
        video = await kit.speak(training.id, "a" * 1000, max_cost=USD(1))
    assert video.status is Status.COMPLETED


async def test_a_dub_is_of_unknown_price_and_needs_its_provider_named(house):
    async with house.kit(providers=house.unpriced()) as kit:
        with pytest.raises(errors.BudgetExceeded, match=r"allow 'fake' by name") as caught:
            await kit.dub(JPG, "de", **WHO, consent=DRAWN, max_cost=USD(9))
        assert caught.value.over is None
        video = await kit.dub(
            JPG, "de", **WHO, consent=DRAWN, max_cost=USD(9), allow_unknown=["fake"]
        )
    assert video.status is Status.COMPLETED


@pytest.mark.parametrize(
    ("provider", "options", "dollars"),
    [
        ("heygen", (), 2),
        ("heygen", ({"type": "HeyGenDub", "values": {"mode": "speed"}},), 2),
        ("heygen", ({"type": "HeyGenDub", "values": {"mode": "precision"}},), 4),
        ("rask", (), "1.5"),
        ("rask", ({"type": "RaskLipSync", "values": {}},), 3),
    ],
)
def test_the_options_of_a_dub_choose_its_price(provider, options, dollars):
    file = StoredFile(key="k", size=1, sha256="0", media_type="video/mp4")
    owner = {"user_id": "ana", "clone_id": "ana-1", "created_at": 0.0}
    source = Sample(id="s", role="footage", name="me.mp4", file=file, seconds=60.0, **owner)
    record = a_video(source=source, script=None, options=options)
    usage = asked((Operation.DUB, 0), record)
    (estimate, *_) = priced(provider, Operation.DUB, usage, Prices(shipped()))
    assert estimate.used == Decimal(dollars)


async def test_a_free_dub_fits_however_long_it_is(house):
    async with house.kit() as kit:
        video = await kit.dub(JPG, "de", **WHO, consent=DRAWN, max_cost=USD("0.01"))
    assert (video.status, video.spent) == (Status.COMPLETED, 0)


async def test_how_long_a_recording_is_makes_its_price_known(house):
    async with house.kit() as kit:
        training = await final(kit, (await ordered_by(kit)).id)
        video = await kit.speak(training.id, audio=WAV, max_cost=USD(5), wait=False)
    # Four credits a minute, a quarter of a dollar each: a minute is a dollar.
    assert video.audio.seconds > 0
    assert video.operations[0].call.quoted == pytest.approx(video.audio.seconds / 60 * 1e6, abs=1)


async def test_only_the_provider_that_is_named_is_allowed(house):
    async with house.kit(worker=False, providers=house.unpriced()) as kit:
        with pytest.raises(errors.BudgetExceeded, match="what fake takes for"):
            await ordered_by(kit, max_cost=USD(9), allow_unknown=["heygen"])


async def test_names_given_as_one_word_are_a_mistake(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConfigError, match=r"give \['fake'\]"):
            await ordered_by(kit, allow_unknown="fake")
    with pytest.raises(errors.ConfigError, match=r"give \['fake'\]"):
        Budget(USD(9), allow_unknown="fake")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Money(Decimal(9), "EUR"), "max_cost is in EUR"),
        (Money(Decimal(-1)), "no amount of dollars"),
        (2.5, 'give USD\\("2.00"\\)'),
    ],
)
async def test_a_max_cost_that_is_none_is_refused(house, given, says):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConfigError, match=says):
            await ordered_by(kit, max_cost=given)


async def test_without_a_limit_an_unknown_price_stops_nobody(house):
    async with house.kit(worker=False, providers=house.unpriced()) as kit:
        training = await ordered_by(kit)
    assert [state.call.quoted for state in training.operations] == [None, None]


# -- budgets ----------------------------------------------------------------------------------


async def test_a_budget_has_room_until_it_is_full(house):
    async with house.kit(Budget(USD(7)), worker=False) as kit:
        for _ in range(2):
            await ordered_by(kit)
        with pytest.raises(
            errors.BudgetExceeded, match=r"exceed the project's budget for 2026-\d\d by \$2\.00:"
        ):
            await ordered_by(kit)
        (use,) = await kit.prices.budgets()
    assert (use.spent, use.reserved, use.left) == (0, 6, 1)


async def test_the_same_training_asked_for_again_needs_no_room(house):
    async with house.kit(Budget(USD(3)), worker=False) as kit:
        first = await ordered_by(kit, idempotency_key="k")
        assert await ordered_by(kit, idempotency_key="k") == first


async def test_a_user_who_is_through_leaves_the_others_theirs(house):
    async with house.kit(Budget(USD(9)), Budget(USD(3), per="user"), worker=False) as kit:
        await ordered_by(kit)
        with pytest.raises(errors.BudgetExceeded, match="the user's budget"):
            await ordered_by(kit)
        await ordered_by(kit, user_id="bob", clone_id="bob-1")
        assert [use.left for use in await kit.prices.budgets("ana")] == [3, 0]
        assert [use.left for use in await kit.prices.budgets()] == [3]


async def test_a_new_month_begins_with_nothing_spent(house):
    async with house.kit(Budget(USD(3)), worker=False) as kit:
        await ordered_by(kit)
        house.clock.advance(31 * 86_400)
        await ordered_by(kit)


async def test_an_adopted_avatar_costs_nothing(house):
    async with house.kit(Budget(USD("0.01"))) as kit:
        await kit.adopt(**WHO, avatar_id="a", voice_id="v", consent=DRAWN)
    assert await house.held() == dollars(0, 0)


async def test_under_a_budget_an_unknown_price_is_refused_unless_it_is_allowed_by_name(house):
    unknown = {"worker": False, "providers": house.unpriced()}
    async with house.kit(Budget(USD(9)), **unknown) as kit:
        with pytest.raises(errors.BudgetExceeded, match="more than the project's budget allows"):
            await ordered_by(kit)
        await ordered_by(kit, allow_unknown=["fake"])
    async with house.kit(Budget(USD(9), allow_unknown=["fake"]), **unknown) as kit:
        await ordered_by(kit)
        with pytest.raises(errors.BudgetExceeded, match="more than max_cost allows"):
            await ordered_by(kit, max_cost=USD(9))


async def test_what_runs_for_nothing_fits_into_any_budget():
    stack = [
        OperationState(operation=Operation.VOICE, provider="coqui", terms={"billable": False}),
        OperationState(operation=Operation.AVATAR, provider="local"),
    ]
    record, found = ordered(a_training(operations=tuple(stack)), Prices.load())
    assert (found.expected, found.unknown, record.reserved) == (0, {}, 0)


def test_the_least_is_that_of_the_cheapest_variant_and_the_first_is_expected():
    video = OperationState(operation=Operation.VIDEO, provider="heygen")
    record, found = ordered(a_video(script="a" * 1200, operations=(video,)), Prices.load())
    # The cheapest of HeyGen's engines takes 1 dollar a minute, the first of the rows 4.
    assert (found.least, found.expected) == (1, Decimal("4.8"))
    assert record.operations[0].call.quoted == 4_800_000


def test_a_part_of_a_millionth_is_rounded_up():
    speech = OperationState(operation=Operation.SPEECH, provider="elevenlabs")
    record, found = ordered(a_video(script="a", operations=(speech,)), Prices.load())
    assert found.expected == Decimal("0.0002")
    assert record.operations[0].call.quoted == 200


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Budget(USD(0)), "a budget must be more than 0, and is 0.00 USD"),
        (lambda: Budget(Money(Decimal(-5))), r"Decimal\('-5'\) is no amount of dollars"),
        (lambda: Budget(Money(Decimal(5), "EUR")), "a budget is in EUR, and prices are known in"),
        (lambda: Budget(5), r'a budget is 5, which is no amount of dollars: give USD\("2.00"\)'),
        (lambda: Budget(USD(5), per="team"), "not per 'team'"),
        (
            lambda: budgets_from({"AVATARKIT_BUDGET": "5 EUR"}),
            "AVATARKIT_BUDGET: a budget is in EUR",
        ),
        (
            lambda: budgets_from({"AVATARKIT_BUDGET": "5EUR"}),
            r'AVATARKIT_BUDGET: \'5EUR\' is no amount of dollars: write "2.00" or "2.00 USD"',
        ),
        (
            lambda: budgets_from({"AVATARKIT_USER_BUDGET": "much"}),
            "AVATARKIT_USER_BUDGET: 'much' is no amount",
        ),
    ],
)
def test_a_budget_that_is_none_is_refused(make, says):
    with pytest.raises(errors.ConfigError, match=says):
        make()


def test_budgets_come_from_the_environment():
    found = budgets_from(
        {
            "AVATARKIT_BUDGET": "200",
            "AVATARKIT_USER_BUDGET": "5.50 usd",
            "AVATARKIT_BUDGET_ALLOWS": "rask, fake,",
        }
    )
    allowed = ("rask", "fake")
    assert found == (Budget(USD(200), "project", allowed), Budget(USD("5.50"), "user", allowed))
    assert budgets_from({}) == ()


async def test_a_kit_keeps_to_the_budget_of_the_environment(house):
    environ = {"AVATARKIT_PRICES": str(house.prices), "AVATARKIT_BUDGET": "2"}
    async with house.kit(budgets=None, settings=Settings(environ=environ)) as kit:
        with pytest.raises(errors.BudgetExceeded, match=r"by \$1\.00:"):
            await ordered_by(kit)


@pytest.mark.parametrize(
    ("at", "since", "until"),
    [
        (1_767_225_600.0, 1_767_225_600.0, 1_769_904_000.0),  # the first moment of January 2026
        (1_767_225_599.9, 1_764_547_200.0, 1_767_225_600.0),  # the last one of December 2025
    ],
)
def test_a_month_is_one_of_the_calendar_by_utc(at, since, until):
    assert month(at) == (since, until)


# -- several stacks ---------------------------------------------------------------------------


class Twin(Fake):
    """Another vendor."""

    name = "twin"
    prices = tuple(
        price.model_copy(update={"provider": "twin", "one_off_usd": Decimal(usd)})
        for price, usd in zip(parse(PRICES, "racing.PRICES")[:2], (4, 1), strict=True)
    )


def both(house, *budgets, fake=None):
    fake, twin = fake or Fake(vendor=house.vendor), Twin(vendor=FakeVendor(clock=house.clock))
    return house.kit(*budgets, stack=["fake", "twin"], providers={"fake": fake, "twin": twin})


async def test_while_another_stack_may_take_over_the_dearest_is_reserved(house):
    async with both(house) as kit:
        house.vendor.fail_next(Operation.VOICE, Fault.QUOTA)
        training = await ordered_by(kit)
        assert training.reserved == 5_000_000  # of twin; fake takes 3
        training = await final(kit, training.id)
    assert training.stack == "twin"
    assert await house.held() == dollars(5, 0)


async def test_once_a_stack_has_accepted_only_its_own_price_counts(house):
    async with both(house) as kit:
        await final(kit, (await ordered_by(kit)).id)
    assert await house.held() == dollars(3, 0)


async def test_a_price_file_is_read_once_while_the_kit_is_open(house, monkeypatch):
    seen = []
    monkeypatch.setattr(provider_pool, "read", lambda path: seen.append(path) or read(path))
    for opened in (1, 2):
        async with house.kit() as kit:
            for key in ("one", "two"):
                training = await final(kit, (await ordered_by(kit, idempotency_key=key)).id)
                assert (await kit.speak(training.id, "Hello.")).status is Status.COMPLETED
            assert await kit.prices.costs()
        assert len(seen) == opened


async def test_a_stack_that_is_too_dear_is_left_out(house):
    async with both(house) as kit:
        training = await ordered_by(kit, max_cost=USD(4))
        assert (training.stack, training.fallbacks, training.reserved) == ("fake", (), 3_000_000)
        with pytest.raises(errors.BudgetExceeded, match=r"^fake would cost"):
            await ordered_by(kit, max_cost=USD(2))


async def test_a_stack_of_unknown_price_makes_way_for_the_next(house):
    fake = house.unpriced()["fake"]
    async with both(house, Budget(USD(9)), fake=fake) as kit:
        training = await ordered_by(kit)
    assert (training.stack, training.fallbacks) == ("twin", ())


# -- every end --------------------------------------------------------------------------------


async def test_success_is_spent(house):
    async with house.kit() as kit:
        await final(kit, (await ordered_by(kit)).id)
    assert await house.held() == dollars(3, 0)


async def test_what_the_vendor_charges_is_spent_instead_of_what_was_expected(house):
    async with house.kit() as kit:
        training = await final(kit, (await ordered_by(kit)).id)
        await kit.speak(training.id, "a" * 1000)
        (entry,) = [e for e in await kit.prices.costs() if e.entry.operation is Operation.VIDEO]
    assert await house.held() == dollars(3.25, 0)  # "1 credit" of the four that were expected
    assert (entry.quoted.used, entry.recorded.used) == (1, Decimal("0.25"))


async def test_a_refusal_spends_nothing(house):
    house.vendor.fail_next(Operation.VOICE, Fault.REFUSED)
    async with house.kit() as kit:
        assert (await final(kit, (await ordered_by(kit)).id)).status is Status.FAILED
    assert await house.held() == dollars(0, 0)


async def test_a_failure_spends_what_was_accepted_until_then(house):
    house.vendor.fail_next(Operation.AVATAR, Fault.REFUSED)
    async with house.kit() as kit:
        assert (await final(kit, (await ordered_by(kit)).id)).status is Status.FAILED
    assert await house.held() == dollars(1, 0)


async def test_a_cancelled_training_gives_back_what_was_not_sent(house):
    async with house.kit(worker=False) as kit:
        training = await ordered_by(kit)
        await kit.admin.tick()  # the voice is accepted
        assert await house.held() == dollars(1, 2)
        await kit.cancel(training.id)
    assert await house.held() == dollars(1, 0)


async def test_polls_and_webhooks_change_nothing(house):
    async with house.kit(worker=False) as kit:
        await ordered_by(kit)
        await kit.admin.tick()
        before = await house.held()
        for _ in range(3):
            house.clock.advance(0.01)
            await kit.admin.tick()
    assert await house.held() == before


async def test_a_deleted_training_was_paid_all_the_same(house):
    async with house.kit(Budget(USD(3), per="user")) as kit:
        training = await final(kit, (await ordered_by(kit)).id)
        await kit.delete(training.id)
        house.clock.advance(3 * 86_400)
        while await kit.admin.tick():
            pass
        with pytest.raises(errors.BudgetExceeded):
            await ordered_by(kit)


async def test_an_ambiguous_call_stays_reserved_across_a_restart_until_it_is_resolved(house):
    path = house.folder / "twins.db"
    house.vendor.fail_next(Operation.VOICE, Fault.LOST_REPLY)
    house.repository = SqliteRepository(path, clock=house.clock)
    async with house.kit(worker=False) as kit:
        training = await ordered_by(kit)
        await kit.admin.tick()
        await kit.cancel(training.id)
        assert (await kit.get(training.id)).operations[0].phase is Phase.INTENT
        assert await house.held() == dollars(0, 1)
    house.repository = SqliteRepository(path, clock=house.clock)
    async with house.kit(Budget(USD("3.99")), worker=False) as kit:
        assert await house.held() == dollars(0, 1)
        with pytest.raises(errors.BudgetExceeded, match=r"by \$0\.01: \$1\.00 of \$3\.99"):
            await ordered_by(kit)
        house.clock.advance(60)
        await kit.admin.tick()  # it is looked up, and was made
        assert await house.held() == dollars(1, 0)


# -- in dollars -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "billable", "wanted"),
    [
        ("250 credits", True, 50_000),  # of ElevenLabs' Starter: 30,000 for 6 dollars
        ("much", True, None),
        (None, True, None),
        ("250 credits", False, None),
    ],
)
def test_the_word_of_a_vendor_is_put_into_dollars(said, billable, wanted):
    state = OperationState(
        operation=Operation.SPEECH,
        provider="elevenlabs",
        terms={"billable": billable},
        job={"cost": said},
    )
    assert charged(state, Prices.load()) == wanted


def test_the_word_of_a_vendor_without_prices_is_worth_nothing_known():
    state = OperationState(
        operation=Operation.SPEECH, provider="nobody", job={"cost": "250 credits"}
    )
    assert charged(state, Prices.load()) is None


def test_what_was_given_up_and_what_is_there_twice_may_have_been_paid():
    state = OperationState(operation=Operation.VOICE, provider="fake", call={"quoted": 2})
    lost = state.revised(call={"phase": Phase.LOST})
    twice = state.revised(
        call={"phase": Phase.DONE}, cleanup={"duplicates": ("b",)}, job={"charged": 5}
    )
    record = a_training(operations=(lost, twice), status=Status.FAILED)
    assert (record.spent, record.reserved) == (2 + 5 + 2, 0)


# -- many at once -----------------------------------------------------------------------------


@pytest.mark.slow
async def test_fifty_trainings_that_race_in_five_processes_never_overspend(tmp_path):
    await race(tmp_path, f"sqlite:///{tmp_path / 'twins.db'}")
