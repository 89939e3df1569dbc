"""What the commands about money print, and what they refuse."""

from __future__ import annotations

import builtins
import csv
import io
import json
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatarkit import errors
from avatarkit.cli import prices as commands
from avatarkit.cli.app import app
from avatarkit.interfaces import Balance
from avatarkit.kit import KitPrices
from avatarkit.providers.fake import Fake
from pricing.racing import PRICES

DEMO = Path(str(files("avatarkit") / "data" / "demo"))


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "elevenlabs+d-id")
    monkeypatch.setattr(commands, "_today", lambda: date(2026, 11, 24))
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def printed(*arguments):
    (line,) = run(*arguments, "--json").stdout.splitlines()
    return json.loads(line)


def own_prices(place, text=""):
    file = place / "mine.toml"
    file.write_text(
        '[[price]]\nprovider = "d-id"\noperation = "avatar"\nplan = "V3 Instant avatar from video"'
        '\nvariant = "from footage"\nusd_per_month = 0\none_off_usd = 0.50\nsource = "mine"\n'
        + text
    )
    return file


# -- quote ----------------------------------------------------------------------------------------


def test_a_quote_tells_low_expected_and_high():
    lines = run("quote", "Hello!").stdout.splitlines()
    assert "a month: low $11.90, expected at least $24.00, high at least $51.00" in lines


def test_a_quote_tells_what_is_unknown_and_what_is_assumed():
    lines = run("quote", "Hello!").stdout.splitlines()
    assert "unknown: what d-id takes for training an avatar is not known" in lines
    assert "assumed: d-id video: each video is rounded up to 15 s" in lines


def test_every_figure_of_a_quote_says_how_old_it_is():
    rows = [line.split("\t") for line in run("quote", "Hello!").stdout.splitlines()]
    figures = [row for row in rows if len(row) == 6 and row[4].startswith("$")]
    assert {row[5] for row in figures} == {"2026-09, 2 months old", "2026-11, this month"}


def test_a_quote_for_a_program_has_its_decimals_as_text():
    found = printed("quote", "--trainings", "0", "--videos", "3", "--stack", "heygen")
    assert found["expected"]["total"] == {"amount": "12", "currency": "USD"}
    ages = {line["operation"]: line["price"]["age"] for line in found["lines"] if line["price"]}
    assert ages["video"] == "3 months old"


def test_a_quote_counts_the_media_store_of_the_settings_or_another(monkeypatch):
    monkeypatch.setenv("AVATARKIT_MEDIA", "s3://bucket")
    for arguments, store in ((), "s3"), (("--store", "supabase"), "supabase"):
        lines = printed("quote", "--stack", "heygen", *arguments)["lines"]
        assert [line["provider"] for line in lines if line["operation"] == "storage"] == [store]
    told = printed("compare", "--only", "heygen", "--store", "supabase")["stacks"]
    assert [line["provider"] for line in told[0]["lines"]][-1] == "supabase"


def test_a_quote_reads_the_settings_that_change_the_price():
    asked = ("quote", "--stack", "heygen", "--trainings", "0")
    assert printed(*asked, "--quality", "draft")["expected"]["total"]["amount"] == "1"
    assert printed(*asked, "--resolution", "4k")["expected"]["total"]["amount"] == "5"
    assert "heygen cannot set test" in run(*asked, "--test", code=3).output


def test_a_price_of_ones_own_completes_the_quote(place):
    found = printed("quote", "Hello!", "--prices", own_prices(place))
    assert Decimal(found["expected"]["total"]["amount"]) == Decimal("24.50")


def test_the_environment_names_a_price_file(place, monkeypatch):
    monkeypatch.setenv("AVATARKIT_PRICES", str(own_prices(place)))
    assert Decimal(printed("quote", "Hello!")["expected"]["total"]["amount"]) == Decimal("24.50")


def test_a_malformed_price_file_ends_with_its_line(place):
    file = own_prices(place, "as_of = 2026\n")
    result = run("quote", "--prices", file, code=3)
    assert f"price file {file}, line 9: as_of" in result.stderr.replace("\n", " ")


def test_the_plan_that_one_has_is_counted():
    found = printed("quote", "--choose", "d-id=Pro (transcription B)")
    assert found["plans"]["d-id"] == "Pro (transcription B)"


def test_a_choice_without_a_name_is_not_understood():
    assert "is not PROVIDER=NAME" in run("quote", "--choose", "d-id", code=2).output


# -- compare --------------------------------------------------------------------------------------


def test_a_comparison_has_one_row_a_stack():
    found = printed("compare", "--avatars", "100", "--minutes", "200")
    totals = {row["stack"]: row["expected"]["known"]["amount"] for row in found["stacks"]}
    assert (totals["heygen"], totals["elevenlabs+heygen"]) == ("900", "920")


def test_a_comparison_may_be_of_a_few_stacks():
    lines = run("compare", "--only", "heygen", "--only", "elevenlabs+heygen").stdout.splitlines()
    assert lines[0].startswith("stack\tlow\texpected\thigh")
    assert lines[1] == (
        "elevenlabs+heygen\t$8.00\t$11.00\t$27.00\t$11.00\t$11.00\televenlabs: Starter\t"
        "2026-08, 3 months old"
    )
    assert lines[2].startswith("heygen\tat least $2.00\tat least $5.00")


def test_a_few_stacks_say_where_each_becomes_cheaper():
    output = run("compare", "--only", "heygen", "--only", "elevenlabs+d-id").stdout
    assert (
        "break-even: from 5 videos and 5 avatars a month on, elevenlabs+d-id costs less than "
        "heygen, as far as known"
    ) in output


def test_many_stacks_say_how_many_points_there_are():
    assert "points; --json lists them" in run("compare").stdout


def test_closed_and_unfit_stacks_are_named():
    lines = run("compare").stdout.splitlines()
    assert "discontinued: playht, since 2025-12-31" in lines
    assert any(line.endswith(": trains no avatars: they are made by hand") for line in lines)


def test_a_comparison_as_csv_leaves_the_unknown_empty():
    rows = list(csv.DictReader(io.StringIO(run("compare", "--csv").stdout)))
    found = {row["stack"]: row for row in rows}
    assert (found["heygen"]["expected"], found["heygen"]["known"]) == ("", "5")
    assert found["heygen"]["unknown"] == "what heygen takes for cloning a voice is not known"


def test_csv_and_json_exclude_each_other():
    assert "either --csv or --json" in run("compare", "--csv", "--json", code=2).output


def test_a_piece_of_a_minute_is_a_video_more():
    found = printed("compare", "--minutes", "2.5", "--video-seconds", "60", "--only", "heygen")
    assert found["videos"] == 3


@pytest.mark.parametrize("seconds", ["0", "nan", "-1"])
def test_a_video_without_length_is_not_understood(seconds):
    run("compare", "--video-seconds", seconds, code=2)


def test_a_count_below_zero_is_a_wrong_setting():
    assert "trainings must be 0 or more" in run("compare", "--avatars", "-1", code=3).stderr


# -- the plot -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml")])
def test_a_plot_is_drawn(place, name, magic):
    pytest.importorskip("matplotlib")
    run("compare", *("--only", "heygen", "--only", "local", "--only", "d-id"), "--plot", name)
    assert (place / name).read_bytes().startswith(magic)


def test_a_plot_of_trainings_alone_is_drawn(place):
    pytest.importorskip("matplotlib")
    run("compare", "--minutes", "0", "--only", "tavus", "--plot", "a.svg")
    assert "trainings" in (place / "a.svg").read_text(encoding="utf-8")


def test_a_plot_into_an_unknown_kind_of_file_is_refused():
    assert "must end in one of .png" in run("compare", "--plot", "a.txt", code=3).stderr


def test_a_plot_that_cannot_be_written_says_so():
    pytest.importorskip("matplotlib")
    run("compare", "--only", "heygen", "--plot", "no/such/folder/a.png", code=11)


def test_a_plot_without_the_extra_says_what_to_install(monkeypatch):
    found = builtins.__import__

    def missing(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    result = run("compare", "--only", "heygen", "--plot", "a.png", code=3)
    assert 'pip install "avatarkit-sdk[plot]"' in result.stderr.replace("\n", " ")


# -- balances -------------------------------------------------------------------------------------


@pytest.fixture
def balances(monkeypatch):
    async def told(_self):
        return {
            "heygen": Balance(12.5, "usd"),
            "d-id": Balance(180.0, "credits"),
            "quiet": Balance(None, "credits"),
            "rask": Balance(380.0, "minutes"),
            "elevenlabs": errors.AuthError("set the key", provider="elevenlabs"),
        }

    monkeypatch.setattr(KitPrices, "balances", told)


LEFT = {
    "heygen": "$12.50 left",
    "d-id": "180 credits left",
    "rask": "380 minutes left",
    "quiet": "not reported by the vendor",
    "elevenlabs": "unknown: elevenlabs: set the key",
}


def test_costs_tells_what_is_left_where_it_is_asked(balances):
    lines = run("costs", "--balances").stdout.splitlines()
    assert {f"{name}: {text}" for name, text in LEFT.items()} <= set(lines)


def test_costs_gives_programs_what_is_left(balances):
    told = printed("costs", "--balances")["balances"]
    assert told["d-id"] == {"amount": 180.0, "unit": "credits", "problem": None}
    assert told["elevenlabs"]["problem"] == "elevenlabs: set the key"


def test_costs_asks_no_vendor_of_its_own_accord(balances):
    assert "balances" not in printed("costs")


def test_doctor_tells_what_is_left_and_what_cannot_be_asked(balances):
    told = CliRunner().invoke(app, ["doctor", "--stack=fake", "--balances", "--json"])
    checks = {c["check"]: c for c in json.loads(told.stdout)["checks"]}
    assert checks["balance heygen"]["detail"] == "$12.50 left"
    assert (checks["balance elevenlabs"]["ok"], told.exit_code) == (False, 7)


# -- prices and costs -----------------------------------------------------------------------------


def test_the_rows_are_listed_with_source_and_age():
    head, *rows = [line.split("\t") for line in run("prices", "tavus").stdout.splitlines()]
    assert (head[0], head[-1]) == ("provider", "source")
    assert {row[0] for row in rows} == {"tavus"}
    (voice,) = [row for row in rows if row[1] == "voice"]
    assert voice[3] == "?"
    assert voice[8:] == [
        "2026-10, 1 month old",
        "https://docs.tavus.io/api-reference/voices/create-voice",
    ]


def test_an_undated_row_is_listed_as_undated():
    rows = printed("prices", "fish-audio")["prices"]
    assert {row["age"] for row in rows} == {"undated"}


def test_prices_of_an_unknown_provider_are_refused_and_a_provider_may_have_none(
    monkeypatch,
):
    result = run("prices", "heygenn", code=3)
    assert "did you mean 'heygen'?" in result.stderr
    monkeypatch.setattr(Fake, "prices", ())
    assert printed("prices", "fake")["prices"] == []


def test_the_ledger_shows_what_vendors_said_beside_the_quote(place, monkeypatch):
    monkeypatch.setenv("AVATARKIT_STACK", "fake")
    (place / "mine.toml").write_text(
        '[[price]]\nprovider = "fake"\noperation = "video"\nplan = "p"\nusd_per_month = 0\n'
        'unit_price = { usd = 0.25, unit = "credit" }\nsource = "mine"\n'
    )
    training = run(
        *("train", f"--voice={DEMO / 'voice.wav'}", f"--footage={DEMO / 'portrait.jpg'}"),
        "--not-a-real-person=a drawing",
    ).stdout.strip()
    run("speak", training, "Hello!")
    found = printed("costs", "--prices", "mine.toml")["costs"]
    video = next(cost for cost in found if cost["operation"] == "video")
    assert (video["recorded"], video["recorded_usd"], video["quoted_usd"]) == (
        "1 credit",
        "0.25",
        "0",
    )
    assert {cost["operation"] for cost in found} == {"voice", "avatar", "video"}
    assert run("costs", training).stdout.count("$0.00") >= 4


# -- budgets --------------------------------------------------------------------------------------

RECORDINGS = (
    f"--voice={DEMO / 'voice.wav'}",
    f"--footage={DEMO / 'portrait.jpg'}",
    "--not-a-real-person=a drawing",
)


@pytest.fixture
def fake_prices(place, monkeypatch):
    """A training is 3 dollars."""
    (place / "mine.toml").write_text(PRICES)
    monkeypatch.setenv("AVATARKIT_STACK", "fake")
    monkeypatch.setenv("AVATARKIT_PRICES", "mine.toml")


@pytest.mark.usefixtures("fake_prices")
def test_more_than_max_cost_is_refused_before_anything_is_sent():
    result = run("train", *RECORDINGS, "--max-cost=2", code=3)
    assert "$1.00 more than max_cost $2.00" in result.stderr.replace("\n", " ")
    assert printed("list")["trainings"] == []


@pytest.mark.usefixtures("fake_prices")
def test_a_max_cost_that_is_no_amount_is_refused():
    assert "no amount of dollars" in run("train", *RECORDINGS, "--max-cost=x", code=3).stderr


@pytest.mark.usefixtures("fake_prices")
def test_a_video_has_a_max_cost_too():
    training = run("train", *RECORDINGS).stdout.strip()
    assert "more than max_cost" in run("speak", training, "Hi!", "--max-cost=0", code=3).stderr


def test_a_provider_of_unknown_price_is_allowed_by_name(monkeypatch):
    monkeypatch.setenv("AVATARKIT_STACK", "fake")
    monkeypatch.setattr(Fake, "prices", ())
    run("train", *RECORDINGS, "--max-cost=2", code=3)
    run("train", *RECORDINGS, "--max-cost=2", "--allow-unknown=fake")


@pytest.mark.usefixtures("fake_prices")
def test_the_budgets_of_the_month_are_shown(monkeypatch):
    monkeypatch.setenv("AVATARKIT_BUDGET", "10")
    monkeypatch.setenv("AVATARKIT_USER_BUDGET", "4.50")
    run("train", *RECORDINGS, "--user=ana", "--no-wait")
    project, user = printed("budget", "--user", "ana")["budgets"]
    project.pop("month")
    assert project == {
        "per": "project",
        "amount": "10",
        "spent": "0",
        "reserved": "3",
        "left": "7",
    }
    assert (user["per"], user["left"]) == ("user", "1.5")
    assert run("budget").stdout.splitlines()[-1].split("\t")[2:] == [
        "$10.00",
        "$0.00",
        "$3.00",
        "$7.00",
    ]


def test_without_budgets_it_says_how_to_set_them():
    assert "AVATARKIT_BUDGET" in run("budget").stderr
