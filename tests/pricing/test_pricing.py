"""Prices: what their files may say, and what is computed from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest

from avatarkit import errors
from avatarkit.config.addresses import billed_as
from avatarkit.models import Operation, StoredFile, VideoSettings
from avatarkit.pricing import USD, Estimate, Money, Prices, Workload, compare, cost, quote
from avatarkit.pricing.budgets import ordered
from avatarkit.pricing.costs import usage_of
from avatarkit.pricing.money import exactly, shown
from avatarkit.pricing.rows import parse, read, shipped
from avatarkit.records import Attempt, LedgerEntry, OperationState, Sample
from avatarkit.stacks.registry import Stack, stacks
from avatarkit.testing.repositories import a_video

ROW = """
[[price]]
provider = "acme"
operation = "video"
plan = "Basic"
usd_per_month = 10
included = { amount = 20, unit = "video_minute" }
source = "https://acme.example"
"""


@dataclass(frozen=True)
class OneProvider:
    name: str = "acme"
    does: tuple[Operation, ...] = (Operation.VIDEO,)

    @property
    def roles(self):
        return dict.fromkeys(self.does, self.name)


def rows(*texts):
    return Prices(*(parse(text, "rows") for text in texts))


def acme(text=ROW, does=(Operation.VIDEO,), **asked):
    asked = {"trainings": 0} | asked
    return quote(OneProvider(does=does), prices=rows(text), **asked)


# -- the shipped file -----------------------------------------------------------------------------


def test_the_shipped_rows_speak_of_all_vendors_of_the_survey():
    known = {price.provider for price in shipped()}
    assert len(known) == 30  # with local, comfyui, pocket and three media stores
    assert len(shipped()) >= 119


def test_every_shipped_row_says_where_it_was_read():
    assert all(price.source for price in shipped())


def test_an_unknown_price_is_none_and_not_zero():
    (found,) = Prices.load().of("tavus", Operation.VOICE)
    assert (found.usd_per_month, found.unit_price, found.one_off_usd) == (None, None, None)


def test_a_price_is_exactly_as_it_is_written():
    found = {p.plan: p for p in Prices.load().of("cartesia", Operation.SPEECH)}
    assert found["Startup"].unit_price.usd == Decimal("0.0392")


# -- age ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "says"),
    [
        (None, "undated"),
        ("2026-11", "this month"),
        ("2026-10-31", "1 month old"),
        ("2025-07", "16 months old"),
    ],
)
def test_a_price_says_how_old_it_is(as_of, says):
    price = shipped()[0].model_copy(update={"as_of": as_of})
    assert price.age_on(date(2026, 11, 2)) == says


# -- files of one's own ---------------------------------------------------------------------------


def test_a_row_of_ones_own_replaces_the_shipped_one_of_the_same_name(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text(
        '[[price]]\nprovider = "d-id"\noperation = "video"\nplan = "Lite"\nusd_per_month = 4.70\n'
        'included = { amount = 10, unit = "video_minute" }\nsource = "my contract"\n'
    )
    found = [p for p in Prices.load(file=file).of("d-id", Operation.VIDEO) if p.plan == "Lite"]
    assert [price.usd_per_month for price in found] == [Decimal("4.70")]


def test_a_row_of_ones_own_is_added(tmp_path):
    (tmp_path / "prices.toml").write_text(ROW)
    assert len(Prices.load(file=tmp_path / "prices.toml")) == len(shipped()) + 1


def test_a_plugin_brings_its_prices_on_its_class():
    class Acme:
        name = "acme"
        prices = parse(ROW, "rows")

    assert Prices.load(plugins=[Acme]).of("acme", Operation.VIDEO) == list(Acme.prices)


def test_a_plugin_cannot_set_prices_of_another_provider():
    class Rival:
        name = "rival"
        prices = parse(ROW, "rows")

    with pytest.raises(errors.ConfigError, match=r"'rival'.*must be avatarkit.pricing.Price"):
        Prices.load(plugins=[Rival])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("price = [", r"no TOML: .*line 1"),
        ("[[prices]]\n", r"must hold rows that begin with \[\[price\]\]"),
        ('price = ["a"]\n', r"must hold rows that begin with \[\[price\]\]"),
        (ROW + "[[price]]\nprovider = \n", r"no TOML: .*line 10"),
        (ROW.replace("= 10", "= -10"), r"line 6: usd_per_month: .*-10; leave out what is unknown"),
        (ROW.replace("= 10", "= true"), r"line 6: usd_per_month"),
        (ROW.replace("= 10", "= nan"), r"line 6: usd_per_month: .*finite"),
        (ROW.replace("= 10", '= "ten"'), r"line 6: usd_per_month: .*decimal, and is 'ten'"),
        (ROW.replace("= 20", "= 0"), r"line 7: included.amount: .*greater than 0, and is 0"),
        (
            ROW.replace("video_minute", "film"),
            r"line 7: included.unit: .*'realtime_minute'.*'film'",
        ),
        (
            ROW + 'unit_price = { usd = 0, unit = "video_minute" }\n',
            r"line 9: unit_price.usd: .*greater than 0.*one_off_usd = 0 where nothing is charged",
        ),
        (
            ROW + 'unit_price = { usd = 1, unit = "avatar" }\n',
            r"line 2: .*must count the same unit",
        ),
        (ROW + 'as_of = "last week"\n', r"line 9: as_of: .*'last week'"),
        (ROW.replace('"video"\n', '"dance"\n'), r"line 4: operation: .*'voice'.*'dance'"),
        (ROW.replace("source =", "sauce ="), r"line 8: sauce: Extra inputs"),
        ("\n".join(ROW.splitlines()[:-1]), r"line 2: source: Field required"),
        (ROW + ROW, r"line 10: acme, video, 'Basic' stands there a second time, after .*line 2"),
        ("price = [{plan = 'a'}]\n", r"price file .*, row 1: provider: Field required"),
    ],
)
def test_a_malformed_price_file_is_refused_by_its_line(tmp_path, text, says):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(errors.ConfigError, match=says) as caught:
        read(file)
    assert str(caught.value).startswith(f"price file {file}")


def test_a_price_file_that_is_missing_is_a_wrong_setting(tmp_path):
    with pytest.raises(errors.ConfigError, match="cannot be read: No such file"):
        read(tmp_path / "none.toml")


def test_a_price_file_in_another_encoding_is_a_wrong_setting(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(errors.ConfigError, match="not UTF-8"):
        read(tmp_path / "mine.toml")


# -- what one provider costs ----------------------------------------------------------------------


def test_what_a_plan_includes_costs_the_plan_alone():
    assert acme(videos_per_month=20).expected.total == 10


def test_what_no_plan_holds_is_unknown():
    found = acme(videos_per_month=21).expected
    assert found.total is None
    assert found.unknown == (
        "no plan of acme of known price holds 21 video minutes (the largest, Basic: 20)",
    )


def test_what_lies_beyond_a_plan_is_charged_by_the_unit():
    text = ROW + 'unit_price = { usd = 1.50, unit = "video_minute" }\n'
    assert acme(text, videos_per_month=22).expected.total == Decimal("13.00")


def test_a_derived_price_charges_nothing_beyond_the_plan():
    text = ROW + 'unit_price = { usd = 0.50, unit = "video_minute" }\nderived = true\n'
    assert acme(text, videos_per_month=22).expected.total is None


def test_the_cheapest_plan_that_fits_is_taken():
    large = ROW.replace("Basic", "Large").replace("= 10", "= 40").replace("= 20", "= 200")
    assert acme(ROW + large, videos_per_month=20).expected.total == 10
    assert acme(ROW + large, videos_per_month=21).expected.total == 40


def test_each_video_is_rounded_up_to_the_billing_step():
    text = ROW + "step_seconds = 15\n"
    found = acme(text, videos_per_month=4, seconds=16)
    assert found.lines[0].quantity == 2  # minutes: four times 30 seconds
    assert "acme video: each video is rounded up to 15 s" in found.assumptions


def test_a_plan_without_an_api_is_left_out():
    assert acme(ROW + "api = false\n").expected.total is None


def test_a_plan_whose_api_is_not_known_is_taken_and_said_to_be_so():
    found = acme()
    assert found.expected.total == 10
    assert "acme video: that Basic comes with an API is not known" in found.assumptions


def test_live_minutes_are_not_minutes_of_a_file():
    assert acme(ROW.replace("video_minute", "realtime_minute")).expected.unknown == (
        "what acme takes for a video file is not known",
    )


def test_credits_are_counted_by_what_one_unit_takes():
    text = ROW.replace('amount = 20, unit = "video_minute"', 'amount = 320, unit = "credit"')
    text += 'credits_per = { amount = 160, unit = "video_minute" }\n'
    assert acme(text, videos_per_month=2).lines[0].quantity == 320
    assert acme(text, videos_per_month=3).expected.total is None


def test_credits_of_unknown_worth_are_unknown():
    text = ROW.replace("video_minute", "credit")
    text += "\nunknown = true\n"
    assert acme(text).expected.unknown == ("what acme takes for a video file is not known",)


def test_a_script_is_counted_in_bytes_where_the_vendor_counts_them():
    text = (
        '[[price]]\nprovider = "acme"\noperation = "speech"\nplan = "a"\nusd_per_month = 0\n'
        'unit_price = { usd = 15, unit = "1M_utf8_bytes" }\nsource = "s"\n'
    )
    found = acme(text, does=(Operation.SPEECH,), script="né" * 500, videos_per_month=1000)
    assert found.expected.total == Decimal("22.5")  # 1.5 million bytes


def test_an_account_holds_the_dearest_plan_that_it_needs_once():
    voice = (
        '[[price]]\nprovider = "acme"\noperation = "voice"\nplan = "v"\nusd_per_month = 6\n'
        'one_off_usd = 0\nsource = "s"\n'
    )
    found = acme(ROW + voice, does=(Operation.VOICE, Operation.VIDEO), trainings=3)
    assert found.expected.total == 10


def test_low_and_high_look_at_every_variant_and_expected_is_the_first():
    texts = [
        ROW.replace("Basic", name).replace("= 10", f"= {usd}") + f'variant = "{name}"\n'
        for name, usd in (("B", 20), ("A", 10), ("C", 30))
    ]
    found = acme("".join(texts))
    assert [found.low.total, found.expected.total, found.high.total] == [10, 20, 30]


def test_high_is_unknown_where_the_price_of_one_variant_is():
    unknown = ROW.replace("Basic", "B").replace("usd_per_month = 10\n", "unknown = true\n")
    text = ROW + 'variant = "A"\n' + unknown
    found = acme(text + 'variant = "B"\n')
    assert (found.expected.total, found.high.total, found.high.known) == (10, None, 10)


def test_a_chosen_plan_is_the_only_one():
    large = ROW.replace("Basic", "Large").replace("= 10", "= 40")
    assert acme(ROW + large, choose={"acme": ["Large"]}).expected.total == 40


def test_a_plan_that_there_is_not_cannot_be_chosen():
    with pytest.raises(errors.ConfigError, match="no plan or variant 'Gold'; it has: Basic"):
        acme(choose={"acme": ["Gold"]})


def test_what_is_used_up_of_a_plan_is_its_part_of_the_price():
    assert acme(videos_per_month=5).expected.used == Decimal("2.5")


# -- lengths --------------------------------------------------------------------------------------


def test_a_script_is_as_long_as_it_takes_to_say():
    found = acme(script="a" * 2000)
    assert found.lines[0].quantity == 2
    assert any("the script takes 120.0 s" in line for line in found.assumptions)


def test_the_pace_of_speech_is_an_assumption():
    assert any("16.7 a second; from 800 to 1,200" in line for line in acme().assumptions)


def test_a_script_may_be_spoken_slowly():
    text = ROW.replace("usd_per_month = 10", "usd_per_month = 0")
    text = "\n".join(line for line in text.splitlines() if "included" not in line) + "\n"
    text += 'unit_price = { usd = 1.20, unit = "video_minute" }\n'
    found = acme(text, script="a" * 1000)
    sums = [found.low.total, found.expected.total, found.high.total]
    assert sums == [Decimal("1.0"), Decimal("1.2"), Decimal("1.5")]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"trainings": -1}, "trainings must be 0 or more"),
        ({"videos_per_month": -1}, "videos must be 0 or more"),
        ({"dubs_per_month": -1}, "dubs must be 0 or more"),
        ({"seconds": 0}, "seconds must be more than 0"),
        ({"seconds": float("inf")}, "seconds must be more than 0"),
        ({"script": " "}, "the script is empty"),
        ({"script": "a", "seconds": 1}, "either a script or seconds"),
    ],
)
def test_a_workload_that_is_none_is_refused(asked, says):
    with pytest.raises(errors.ConfigError, match=says):
        acme(**asked)


# -- stacks ---------------------------------------------------------------------------------------


def test_a_stack_costs_the_sum_of_its_parts():
    whole = quote(Stack.parse("elevenlabs+d-id"), trainings=3, videos_per_month=10)
    voice = quote(Stack.parse("elevenlabs"), trainings=3, videos_per_month=10)
    found = {part.provider: part.estimate.known for part in whole.parts}
    assert whole.expected.known == sum(found.values())
    assert found["elevenlabs"] == voice.expected.known


def test_speech_is_part_of_the_video_where_the_same_provider_makes_both():
    found = quote(Stack.parse("heygen"), trainings=1)
    assert Operation.SPEECH not in [line.operation for line in found.lines]


def test_a_figure_that_a_variant_lacks_is_said_to_be_missing():
    found = quote(Stack.parse("elevenlabs+d-id"))
    assert found.unknown == ("what d-id takes for training an avatar is not known",)
    assert str(found.expected) == "at least $24.00"
    # A photo is no training at all, so that low is complete: Starter and Lite.
    assert found.low.total == Decimal("11.90")


def test_a_stack_that_trains_no_avatars_says_so():
    found = quote(Stack.parse("synthesia"))
    assert "synthesia trains no avatars: they exist there already" in found.assumptions


def test_dubbing_beyond_the_plan_is_charged():
    found = quote(Stack.parse("rask"), dubs_per_month=510, videos_per_month=0)
    assert found.expected.total == 750 + 10 * 3


# -- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [2.5, True, "two", "-1", "inf", None])
def test_an_amount_that_is_none_is_refused(amount):
    with pytest.raises(errors.ConfigError, match="no amount of dollars"):
        USD(amount)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Estimate(), "$0.00"),
        (Estimate(plans=Decimal(1234), charges=Decimal("0.5")), "$1,234.50"),
        (Estimate(charges=Decimal("0.0123")), "$0.0123"),
        (Estimate(unknown=("x",)), "unknown"),
        (Estimate(charges=Decimal(1), unknown=("x",)), "at least $1.00"),
    ],
)
def test_an_estimate_never_shows_the_unknown_as_zero(found, says):
    assert str(found) == says


# -- comparisons ----------------------------------------------------------------------------------

_WORKLOADS = {"small": (1, 1), "middle": (100, 200), "large": (10_000, 20_000)}


@pytest.fixture(scope="module")
def every_stack():
    return [Stack(row.stack, row.roles) for row in stacks() if row.problem is None]


@pytest.fixture(scope="module")
def comparisons(every_stack):
    return {
        name: compare(every_stack, Workload(trainings=avatars, videos=minutes))
        for name, (avatars, minutes) in _WORKLOADS.items()
    }


def row(provider, operation, plan):
    (found,) = [p for p in shipped() if p.key == (provider, operation, plan)]
    return found


def month(*key):
    return row(*key).usd_per_month


def each(*key):
    return row(*key).unit_price.usd


def heygen(avatars, minutes):
    avatar = each("heygen", "avatar", "API pay-as-you-go: digital twin creation")
    engine = "API pay-as-you-go: Avatar IV/V digital twin or studio avatar, 720p/1080p"
    return avatars * avatar + minutes * each("heygen", "video", engine)


def elevenlabs(avatars, minutes):
    """Cloning needs Starter; a thousand characters a minute fit in it, or are paid one by one.

    What holds more voices than Starter's ten is not known.
    """
    starter = month("elevenlabs", "voice", "Instant voice clone")
    assert row("elevenlabs", "speech", "Starter").included.amount == 30_000
    beyond = each("elevenlabs", "speech", "API: Multilingual v2 / v3")
    if avatars > row("elevenlabs", "voice", "Instant voice clone").limit.amount:
        return minutes * beyond
    return starter if minutes <= 30 else starter + minutes * beyond


def resemble(avatars, minutes):
    """A month of each voice; the first is the add-on itself."""
    voice = each("resemble", "voice", "Rapid voice clone add-on")
    return avatars * voice + minutes * each("resemble", "speech", "Flex (pay-as-you-go)")


def starfish(minutes):
    return minutes * each("heygen", "speech", "API pay-as-you-go: Starfish speech")


def did(minutes):
    """The smallest plan of the survey that holds so much; nothing for more than there is."""
    plans = {1: "API Build", 200: "API Scale 800"}
    if minutes not in plans:
        return Decimal(0)
    held = row("d-id", "video", plans[minutes])
    assert held.included.amount >= minutes
    return held.usd_per_month


def tavus(avatars):
    """Three avatars are in Starter, seven in Growth; a video file has no known price."""
    if avatars <= 3:
        return month("tavus", "avatar", "Custom face/replica on Starter")
    growth = row("tavus", "avatar", "Custom face/replica on Growth")
    return growth.usd_per_month + (avatars - growth.included.amount) * growth.unit_price.usd


#: The whole comparison by hand: stack -> what is known of its total.
_BY_HAND = {
    "local": lambda a, m: Decimal(0),
    "coqui+local": lambda a, m: Decimal(0),
    "coqui+comfyui": lambda a, m: Decimal(0),
    "voice=local,avatar=comfyui": lambda a, m: Decimal(0),
    "pocket+local": lambda a, m: Decimal(0),
    "pocket+comfyui": lambda a, m: Decimal(0),
    "pocket+heygen": heygen,
    "pocket+d-id": lambda a, m: did(m),
    "pocket+tavus": lambda a, m: tavus(a),
    "elevenlabs+local": elevenlabs,
    "elevenlabs+comfyui": elevenlabs,
    "resemble+local": resemble,
    "resemble+comfyui": resemble,
    "voice=heygen,avatar=comfyui": lambda a, m: starfish(m),
    "voice=heygen,avatar=local": lambda a, m: starfish(m),
    "heygen": heygen,
    "coqui+heygen": heygen,
    "voice=local,avatar=heygen": heygen,
    "elevenlabs+heygen": lambda a, m: elevenlabs(a, m) + heygen(a, m),
    "resemble+heygen": lambda a, m: resemble(a, m) + heygen(a, m),
    "d-id": lambda a, m: did(m),
    "coqui+d-id": lambda a, m: did(m),
    "voice=local,avatar=d-id": lambda a, m: did(m),
    "voice=heygen,avatar=d-id": lambda a, m: starfish(m) + did(m),
    "elevenlabs+d-id": lambda a, m: elevenlabs(a, m) + did(m),
    "resemble+d-id": lambda a, m: resemble(a, m) + did(m),
    "tavus": lambda a, m: tavus(a),
    "coqui+tavus": lambda a, m: tavus(a),
    "voice=local,avatar=tavus": lambda a, m: tavus(a),
    "voice=heygen,avatar=tavus": lambda a, m: starfish(m) + tavus(a),
    "elevenlabs+tavus": lambda a, m: elevenlabs(a, m) + tavus(a),
    "resemble+tavus": lambda a, m: resemble(a, m) + tavus(a),
}


@pytest.mark.parametrize("workload", _WORKLOADS)
def test_every_total_is_what_the_rows_say_by_hand(comparisons, workload):
    found = {r.stack.name: r.quote.expected.known for r in comparisons[workload].rows}
    assert found == {name: total(*_WORKLOADS[workload]) for name, total in _BY_HAND.items()}


@pytest.mark.parametrize(
    ("workload", "stack", "says"),
    [
        ("small", "heygen", "at least $5.00"),
        ("small", "elevenlabs+d-id", "at least $24.00"),
        ("small", "elevenlabs+heygen", "$11.00"),
        ("middle", "heygen", "at least $900.00"),
        ("middle", "elevenlabs+d-id", "at least $218.00"),
        ("middle", "elevenlabs+heygen", "at least $920.00"),
        ("large", "heygen", "at least $90,000.00"),
        ("large", "elevenlabs+d-id", "at least $2,000.00"),
        ("large", "elevenlabs+heygen", "at least $92,000.00"),
        ("large", "d-id", "unknown"),
    ],
)
def test_totals_are_shown_with_what_they_lack(comparisons, workload, stack, says):
    (found,) = [r for r in comparisons[workload].rows if r.stack.name == stack]
    assert str(found.quote.expected) == says


def test_a_total_is_also_told_per_avatar_and_per_minute(comparisons):
    (found,) = [r for r in comparisons["small"].rows if r.stack.name == "elevenlabs+heygen"]
    assert (found.quote.expected.total, found.per(2).total) == (11, Decimal("5.5"))


def test_a_plan_that_holds_too_few_voices_is_not_quoted(comparisons):
    for avatars, told in ((10, ()), (11, ("holds 11 voices (the largest, Instant",))):
        found = quote(Stack.parse("elevenlabs+heygen"), trainings=avatars).expected
        assert len(found.unknown) == len(told)
        assert all(part in said for part, said in zip(told, found.unknown, strict=True))


def test_every_shipped_row_whose_note_counts_voices_or_avatars_states_the_limit():
    counted = re.compile(r"\b(for|holds) \d+ (professional )?(voices|clones|avatars)")
    found = [price for price in shipped() if counted.search(price.note)]
    assert len(found) >= 3
    assert [price.key for price in found if not (price.limit or price.included)] == []


def test_complete_totals_stand_first_from_the_cheapest_on(comparisons):
    found = [r.quote.expected for r in comparisons["middle"].rows]
    assert [(len(e.unknown), e.known) for e in found] == sorted(
        (len(e.unknown), e.known) for e in found
    )


def test_a_closed_service_is_listed_and_not_compared(comparisons):
    found = comparisons["small"]
    assert found.discontinued == {"playht": date(2025, 12, 31)}
    assert not any("playht" in r.stack.name for r in found.rows)


def test_a_stack_of_a_closed_service_says_so():
    closed = ROW + "discontinued = 2026-01-31\n"
    asked = Workload(trainings=0)
    found = compare([OneProvider()], asked, rows(closed))
    assert found.left_out == {"acme": "acme closed on 2026-01-31"}


def test_what_cannot_do_the_work_is_named_with_the_reason(comparisons):
    left_out = comparisons["small"].left_out
    assert left_out["rask"] == "makes no videos of avatars"
    assert left_out["synthesia"] == "trains no avatars: they are made by hand"
    assert left_out["fake"] == "no price of fake is known"


def test_a_published_latency_is_told_with_its_row(comparisons):
    (found,) = [r for r in comparisons["small"].rows if r.stack.name == "elevenlabs+d-id"]
    told = {(p.provider, str(p.operation)): p.latency for p in found.latencies}
    assert told["elevenlabs", "speech"] == "about 75 ms time to first byte (vendor)"
    assert told["d-id", "avatar"].startswith("training 5-10 minutes (vendor docs)")


def test_plans_change_where_the_quota_ends(comparisons):
    changes = {
        c.videos: (c.was, c.now) for c in comparisons["small"].plan_changes if c.provider == "d-id"
    }
    assert changes[17] == ("API Build", "API Launch 180")
    assert changes[301] == ("API Scale 1200", "no known plan")


def test_the_point_where_another_stack_is_cheaper_is_found_exactly(comparisons):
    # Resemble: 2.03 a pair of voice and minute. ElevenLabs: 6 up to 30 minutes.
    (found,) = [
        b
        for b in comparisons["small"].break_evens
        if (b.was, b.now) == ("resemble+local", "elevenlabs+local")
    ]
    assert (found.videos, found.minutes, found.trainings, found.of_known) == (3, 3, 3, False)


def test_a_break_even_says_that_it_lacks_something(comparisons):
    found = [b for b in comparisons["small"].break_evens if "d-id" in b.was + b.now]
    assert found
    assert all(b.of_known for b in found)


def test_no_break_even_comes_of_a_plan_that_is_too_small(comparisons):
    found = [b for b in comparisons["large"].break_evens if "d-id" in b.was + b.now]
    assert all(b.videos <= 300 for b in found)


def test_a_comparison_of_trainings_alone_turns_by_their_number():
    asked = Workload(trainings=1, videos=0)
    found = compare([Stack.parse("resemble"), Stack.parse("elevenlabs")], asked)
    assert set(found.left_out.values()) == {"trains no avatars: they are made by hand"}
    found = compare([Stack.parse("tavus")], asked)
    assert [c.videos for c in found.plan_changes] == [11]
    assert found.plan_changes[0].minutes == 0


# -- the ledger -----------------------------------------------------------------------------------


def accepted(operation, provider, said):
    return LedgerEntry(
        id="1",
        record_id="r",
        operation=operation,
        provider=provider,
        account="a",
        attempt=1,
        job_id="j",
        cost=said,
        at=0.0,
    )


@pytest.mark.parametrize(
    ("said", "field", "amount"),
    [
        ("312 characters", "characters", 312),
        ("1 credit", "credits", 1),
        ("12.5 seconds", "seconds", Decimal("12.5")),
    ],
)
def test_the_word_of_a_vendor_is_read(said, field, amount):
    found = usage_of(said)
    assert (found.count, getattr(found, field)) == (1, amount)


@pytest.mark.parametrize("said", [None, "", "much", "-1 credits", "3 apples", "1e3 credits"])
def test_what_a_vendor_says_otherwise_is_no_amount(said):
    assert usage_of(said) is None


def test_credits_are_a_part_of_the_plan_that_the_voice_needs():
    found = cost(accepted(Operation.SPEECH, "elevenlabs", "250 credits"), None, Prices.load())
    assert found.recorded.used == Decimal("0.05")  # 250 of Starter's 30,000 for 6 dollars
    assert found.quoted is None


def test_the_plan_that_one_has_prices_the_ledger():
    entry = accepted(Operation.SPEECH, "elevenlabs", "250 credits")
    found = cost(entry, None, Prices.load(), {"elevenlabs": ["Pro"]})
    assert found.recorded.used == Decimal("0.04125")


def test_seconds_of_video_are_charged_by_the_minute():
    found = cost(accepted(Operation.VIDEO, "heygen", "30 seconds"), None, Prices.load())
    assert found.recorded.used == 2


def test_a_video_is_quoted_by_its_script():
    video = a_video(script="a" * 1000)
    found = cost(accepted(Operation.VIDEO, "heygen", None), video, Prices.load())
    assert (found.recorded, found.quoted.used) == (None, 4)


def told_later(said, job_id="j"):
    """A record whose video was polled, and whose vendor then said what it took."""
    video = a_video(script="Hello")
    state = OperationState(
        operation=Operation.VIDEO,
        provider="heygen",
        call={"phase": "done"},
        job={"id": job_id, "cost": said},
    )
    return video.model_copy(update={"operations": (state,)})


def test_what_the_vendor_says_at_the_end_of_a_job_counts_too():
    entry = accepted(Operation.VIDEO, "heygen", None)
    found = cost(entry, told_later("30 seconds"), Prices.load())
    assert (found.entry.cost, found.recorded.used) == ("30 seconds", 2)


def test_what_the_vendor_says_of_another_job_does_not_count():
    entry = accepted(Operation.VIDEO, "heygen", None)
    found = cost(entry, told_later("30 seconds", job_id="other"), Prices.load())
    assert (found.entry.cost, found.recorded) == (None, None)


def test_what_the_vendor_of_an_earlier_stack_says_counts_too():
    told = told_later("30 seconds")
    (state,) = told.operations
    elsewhere = state.revised(job={"id": "j", "cost": "9 credits"}, provider="did")
    left = Attempt(stack="heygen", operations=(state,), reason="no credits")
    moved = told.model_copy(update={"operations": (elsewhere,), "ended": (left,)})
    found = cost(accepted(Operation.VIDEO, "heygen", None), moved, Prices.load())
    assert found.entry.cost == "30 seconds"


def a_recording(seconds):
    file = StoredFile(key="k", size=1, sha256="0")
    who = {"id": "s", "user_id": "u", "clone_id": "c", "role": "footage", "name": "n"}
    return Sample(**who, file=file, seconds=seconds)


@pytest.mark.parametrize(
    ("operation", "provider", "recording", "usd"),
    [
        (Operation.VIDEO, "heygen", {"audio": a_recording(30.0)}, 2),
        (Operation.DUB, "rask", {"source": a_recording(120.0)}, 3),  # of 500 minutes for 750
        (Operation.VIDEO, "heygen", {"audio": a_recording(None)}, None),
        (Operation.VIDEO, "heygen", {}, None),
    ],
    ids=["audio", "dub", "of unknown length", "nothing"],
)
def test_what_is_made_of_a_recording_is_quoted_by_its_length(operation, provider, recording, usd):
    video = a_video(script=None, **recording)
    found = cost(accepted(operation, provider, None), video, Prices.load())
    assert (found.quoted and found.quoted.used) == usd


def test_an_avatar_is_quoted_as_one_training():
    found = cost(accepted(Operation.AVATAR, "heygen", None), None, Prices.load())
    assert found.quoted.used == 1


def test_what_was_quoted_then_counts_more_than_the_rows_of_today():
    entry = accepted(Operation.AVATAR, "heygen", None).model_copy(update={"quoted": 1_500_000})
    assert cost(entry, None, Prices.load()).quoted.used == Decimal("1.5")


def test_what_no_price_is_known_of_fits_and_is_unknown():
    text = "\n".join(line for line in ROW.splitlines() if "included" not in line)
    text += "\nunknown = true\n"
    assert acme(text).expected.unknown == ("what acme takes for a video file is not known",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ROW.replace("usd_per_month = 10\n", ""), r"line 2: .*usd_per_month is missing; write 0"),
        (ROW.replace("included", "#"), r"line 2: .*one_off_usd are missing; write one_off_usd = 0"),
        (
            ROW.replace('"video"', '"voice"')
            .replace("usd_per_month = 10\n", "")
            .replace("included", 'unit_price = { usd = 1.25, unit = "voice" } #'),
            r"line 2: .*usd_per_month is missing",
        ),
        (ROW + ROW.replace("Basic", "B").replace("usd_per_month = 10\n", ""), "line 10: .*missing"),
        (ROW.replace("usd_per_month = 10\n", "one_off_usd = 1\n"), "usd_per_month is missing"),
        (ROW.replace('"acme"', '"Acme"'), r"line 3: provider: write 'acme', as the provider is"),
        (ROW.replace('"acme"', '" acme"'), "provider: write 'acme'"),
        (ROW.replace('"acme"', '"  "'), "provider: String should match pattern"),
        (ROW.replace('"Basic"', '" "'), "plan: String should match pattern"),
    ],
)
def test_a_row_that_could_never_give_a_price_is_refused_with_its_line(text, says):
    with pytest.raises(errors.ConfigError, match=says):
        rows(text)


def test_a_row_that_says_that_it_is_unknown_or_closed_is_taken():
    bare = ROW.replace("usd_per_month = 10\n", "").replace("included", "#")
    assert rows(bare + "unknown = true\n")
    assert rows(bare + "discontinued = 2026-01-31\n")


@pytest.mark.parametrize(
    ("amount", "text", "price"),
    [
        ("0.5", "$0.50", "$0.50"),
        ("1E+1", "$10.00", "$10.00"),
        ("0", "$0.00", "$0.00"),
        ("1234.5", "$1,234.50", "$1,234.50"),
        ("0.01", "$0.01", "$0.01"),
        ("0.00001", "$0.00", "$0.00001"),  # of one character
    ],
)
def test_money_is_read_to_the_cent_and_a_price_exactly(amount, text, price):
    assert (shown(Decimal(amount)), exactly(Decimal(amount))) == (text, price)


def test_money_is_shown_with_its_currency():
    assert str(Money(Decimal("2.00"), "EUR")) == "2.00 EUR"


def test_stacks_that_cost_the_same_for_a_while_break_even_once_one_is_cheaper():
    voice = ROW.replace("acme", "beta").replace("= 20", "= 2") + (
        'unit_price = { usd = 1, unit = "video_minute" }\n'
    )
    acme_too = ROW.replace("= 10", "= 12")
    asked = Workload(trainings=0, videos=10)
    found = compare([OneProvider(), OneProvider("beta")], asked, rows(acme_too, voice))
    # beta: 10 and 1 beyond two; both cost 12 at four videos, and acme less from five on.
    assert [(b.was, b.now, b.videos) for b in found.break_evens] == [("beta", "acme", 5)]


def test_a_tie_between_two_that_stay_as_they_were_is_no_break_even():
    def plans(name, *steps):
        return "".join(
            ROW.replace("acme", name)
            .replace("Basic", f"up to {held}")
            .replace("= 10", f"= {usd}")
            .replace("= 20", f"= {held}")
            for held, usd in steps
        )

    found = compare(
        [OneProvider(), OneProvider("beta")],
        Workload(trainings=0, videos=10),
        rows(plans("acme", (4, 10), (20, 14)), plans("beta", (4, 12), (6, 14), (20, 16))),
    )
    assert found.break_evens == ()


PLAIN = (
    '[[price]]\nprovider = "fake"\noperation = "video"\nplan = "p"\nusd_per_month = 1\n'
    'one_off_usd = 0\nsource = "x"\n'
)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"p"', r'"p\u0000"', "line 4: plan: it has a NUL character"),
        ('"x"', r'"\u001b[31m"', r"line 7: source: it has the control character U\+001B"),
        ('"p"', r'"p\uFFFE"', "line 4: plan: it has the noncharacter"),
        ('"p"', r'"p\nq"', "line 4: plan: it has a line break"),
        ("month = 1", "month = 1e400", "line 5: usd_per_month: .*less than or equal"),
        ("month = 1", "month = " + "9" * 35, "line 5: usd_per_month: .*less than or equal"),
        ("month = 1", "month = " + "9" * 5000, "cannot be read"),
        ("month = 1", "month = " + "[" * 20_000, "cannot be read"),
    ],
    ids=["nul", "escape", "noncharacter", "break", "power", "digits", "too many", "deep"],
)
def test_a_price_file_follows_the_rule_on_text_and_numbers(old, new, says):
    with pytest.raises(errors.ConfigError, match=says):
        parse(PLAIN.replace(old, new), "mine.toml")


@pytest.mark.parametrize("day", ["2026-02-31", "2026-06-31", "2025-02-29"])
def test_a_row_is_of_a_day_that_exists(day):
    with pytest.raises(errors.ConfigError, match=f"as_of: there is no {day}"):
        parse(f'{PLAIN}as_of = "{day}"\n', "mine.toml")
    (row,) = parse(f'{PLAIN}as_of = "2024-02-29"\n', "mine.toml")
    assert row.dated == "2024-02-29"


def test_a_price_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.encode())
    assert [row.plan for row in read(path)] == ["p"]


# -- media stores ---------------------------------------------------------------------------------


def stored(store, **asked):
    """The lines of a media store for 40 trainings and 100 minutes of video, and the quote."""
    asked = {"trainings": 40, "videos_per_month": 100} | asked
    found = quote(OneProvider(), store=store, **asked)
    return {str(line.operation): line for line in found.lines if line.provider == store}, found


@pytest.mark.parametrize(
    ("store", "asked", "charges"),
    [
        ("s3", {}, ("0.31625", "0")),  # 40 of 0.25 GB, and 100 of 0.0375
        ("s3", {"trainings": 800}, ("4.68625", "9.3375")),  # 203.75 GB, 100 of them free to send
        ("supabase", {"trainings": 1600}, ("6.37875", "13.8375")),  # of 403.75, 100 and 250 held
        ("folder", {}, ("0", "0")),
    ],
)
def test_a_store_charges_for_what_the_month_adds_and_sends_out_once(store, asked, charges):
    lines, _ = stored(store, **asked)
    found = tuple(lines[name].charge for name in ("storage", "egress"))
    assert found == tuple(map(Decimal, charges))


def test_a_subscription_of_a_store_is_paid_once_and_only_where_it_is_needed():
    none, some = (stored("supabase", trainings=n, videos_per_month=n)[1] for n in (1, 40))
    assert (none.parts[-1].plan, some.parts[-1].plan.plan) == (None, "Pro")
    assert some.parts[-1].estimate.plans == 25


def test_a_dub_is_stored_with_its_source():
    lines, _ = stored("s3", trainings=0, videos_per_month=0, dubs_per_month=100, seconds=80)
    assert lines["storage"].quantity == 10


def test_low_and_high_store_smaller_and_larger_files():
    whole, bare = (stored(store, trainings=40)[1] for store in ("s3", None))
    added = [
        getattr(whole, name).known - getattr(bare, name).known
        for name in ("low", "expected", "high")
    ]
    assert added == [Decimal(x) * Decimal("0.023") for x in ("3.5", "13.75", "47.5")]


def test_a_store_of_unknown_prices_is_unknown_and_none_is_said_to_be_left_out():
    _, elsewhere = stored("minio.example")
    assert "what minio.example takes for storage is not known" in elsewhere.unknown
    _, none = stored(None)
    assert not any("storage" in what for what in none.unknown)
    assert any("media store is not counted" in what for what in none.assumptions)


def test_a_store_adds_the_same_to_every_stack_of_a_comparison():
    both = [OneProvider("heygen"), OneProvider("captions")]
    work = Workload(trainings=0, videos=100)
    bare, whole = (compare(both, replace(work, store=store)) for store in (None, "s3"))
    known = [{row.quote.stack: row.quote.expected.known for row in c.rows} for c in (bare, whole)]
    assert {known[1][name] - known[0][name] for name in known[0]} == {Decimal("0.08625")}
    assert [b.videos for b in bare.break_evens] == [b.videos for b in whole.break_evens]


@pytest.mark.parametrize(
    ("address", "environ", "name"),
    [
        ("media", {}, "folder"),
        ("s3://bucket/x", {}, "s3"),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "https://s3.eu-west-1.amazonaws.com"}, "s3"),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "https://minio.example:9000"}, "minio.example"),
        ("supabase://", {"SUPABASE_URL": "https://abc.supabase.co"}, "supabase"),
        ("supabase://", {"SUPABASE_URL": "https://base.example"}, "base.example"),
    ],
)
def test_a_store_is_billed_as_the_cloud_that_runs_it(address, environ, name):
    assert billed_as(address, environ) == name


# -- settings -------------------------------------------------------------------------------------

MODES = """
[[price]]
provider = "acme"
operation = "video"
plan = "Standard"
variant = "standard"
settings = ["quality=standard"]
usd_per_month = 0
unit_price = { usd = 3, unit = "video_minute" }
source = "https://acme.example"

[[price]]
provider = "acme"
operation = "video"
plan = "Draft"
variant = "draft"
settings = ["quality=draft"]
usd_per_month = 0
unit_price = { usd = 1, unit = "video_minute" }
source = "https://acme.example"

[[price]]
provider = "acme"
operation = "video"
plan = "4K"
settings = ["quality=draft", "resolution=4k"]
usd_per_month = 0
unit_price = { usd = 9, unit = "video_minute" }
source = "https://acme.example"

[[price]]
provider = "acme"
operation = "video"
plan = "Test"
settings = ["test=true"]
usd_per_month = 0
one_off_usd = 0
source = "https://acme.example"
"""


@pytest.mark.parametrize(
    ("settings", "dollars"),
    [
        ({}, ("1", "3", "3")),
        ({"aspect": "9:16", "resolution": "1080p"}, ("1", "3", "3")),
        ({"quality": "standard"}, ("3", "3", "3")),
        ({"quality": "draft"}, ("1", "1", "1")),
        ({"resolution": "4k"}, ("9", "9", "9")),
        ({"resolution": "4k", "quality": "draft"}, ("9", "9", "9")),
        ({"test": True}, ("0", "0", "0")),
    ],
)
def test_a_setting_has_the_price_of_the_rows_that_name_it(settings, dollars):
    found = acme(MODES, settings=VideoSettings(**settings))
    assert (found.low.total, found.expected.total, found.high.total) == tuple(map(Decimal, dollars))


def test_a_quote_says_which_settings_its_price_is_of():
    found = acme(MODES, settings=VideoSettings(quality="draft", aspect="1:1"))
    said = [what for what in found.assumptions if what.startswith("settings")]
    assert said == [
        "settings that have prices of their own: quality=draft",
        "settings that are taken to cost nothing more: aspect=1:1",
    ]


@pytest.mark.parametrize(
    ("stack", "settings", "dollars"),
    [
        ("heygen", {"quality": "draft"}, "10"),
        ("heygen", {"quality": "best"}, "40"),
        ("heygen", {"resolution": "4k"}, "50"),
        ("synthesia", {"test": True}, "0"),
    ],
)
def test_vendors_charge_by_engine_resolution_and_test(stack, settings, dollars):
    asked = {"settings": VideoSettings(**settings), "trainings": 0, "videos_per_month": 10}
    assert quote(Stack.parse(stack), **asked).expected.used == Decimal(dollars)


@pytest.mark.parametrize(("settings", "reserved"), [({}, 3), ({"test": True}, 0)])
def test_a_reservation_follows_the_settings_of_the_video(settings, reserved):
    video = a_video(script="x" * 1000, settings=VideoSettings(**settings))
    state = OperationState(operation=Operation.VIDEO, provider="acme")
    video = video.model_copy(update={"operations": (state,)})
    _, found = ordered(video, rows(MODES))
    assert found.expected == reserved
