"""Prices: what their files may say, and what is computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from avatarkit import errors
from avatarkit.models import Operation
from avatarkit.pricing import USD, Estimate, Money, Prices, quote, require_within
from avatarkit.pricing.rows import parse, read, shipped
from avatarkit.registry import Stack

ROW = """
[[price]]
provider = "acme"
capability = "video"
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
    assert len({price.provider for price in shipped() if not price.brief}) == 25  # with local
    assert len(shipped()) >= 119


def test_every_shipped_row_says_where_it_was_read():
    assert all(price.source for price in shipped())


def test_every_figure_of_the_brief_is_labelled_and_undated():
    briefs = [price for price in shipped() if "brief" in price.source]
    assert len(briefs) == 14
    assert all(p.brief and p.plan.startswith("brief: ") and p.dated == "undated" for p in briefs)


def test_no_figure_of_the_brief_is_computed_with():
    found = [p for name in ("heygen", "d-id") for o in Operation for p in Prices.load().of(name, o)]
    assert found
    assert not any(price.brief for price in found)


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
    assert price.age(date(2026, 11, 2)) == says


# -- files of one's own ---------------------------------------------------------------------------


def test_a_row_of_ones_own_replaces_the_shipped_one_of_the_same_name(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text(
        '[[price]]\nprovider = "d-id"\ncapability = "video"\nplan = "Lite"\nusd_per_month = 4.70\n'
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
        (ROW.replace('"video"\n', '"dance"\n'), r"line 4: capability: .*'voice'.*'dance'"),
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
    assert acme(text).expected.unknown == ("what acme takes for a video file is not known",)


def test_a_script_is_counted_in_bytes_where_the_vendor_counts_them():
    text = (
        '[[price]]\nprovider = "acme"\ncapability = "speech"\nplan = "a"\nusd_per_month = 0\n'
        'unit_price = { usd = 15, unit = "1M_utf8_bytes" }\nsource = "s"\n'
    )
    found = acme(text, does=(Operation.SPEECH,), script="né" * 500, videos_per_month=1000)
    assert found.expected.total == Decimal("22.5")  # 1.5 million bytes


def test_an_account_holds_the_dearest_plan_that_it_needs_once():
    voice = (
        '[[price]]\nprovider = "acme"\ncapability = "voice"\nplan = "v"\nusd_per_month = 6\n'
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
    text = ROW + 'variant = "A"\n' + ROW.replace("Basic", "B").replace("usd_per_month = 10\n", "")
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


def test_a_budget_in_another_currency_is_refused():
    with pytest.raises(errors.ConfigError, match=r"max_cost is in EUR, and prices are .* USD only"):
        require_within(acme(), Money(Decimal(100), "EUR"))


def test_a_max_cost_below_the_known_minimum_is_refused_by_how_much():
    with pytest.raises(errors.BudgetExceeded, match=r"at least \$2\.50, which is \$0\.50 more"):
        require_within(acme(videos_per_month=5), USD("2.00"))


def test_a_max_cost_that_suffices_is_silent():
    require_within(acme(videos_per_month=5), USD("2.50"))


def test_an_unknown_price_is_refused_unless_it_is_allowed():
    unknown = acme(ROW.replace("usd_per_month = 10\n", ""))
    with pytest.raises(
        errors.BudgetExceeded, match="what acme takes for a video file is not known"
    ):
        require_within(unknown, USD(100))
    require_within(unknown, USD(100), allow_unknown=True)


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
