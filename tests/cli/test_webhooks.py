"""Webhooks on the command line: what came in, and where vendors are to report."""

from __future__ import annotations

import json

import anyio
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from avatarkit import AvatarKit
from avatarkit.cli.app import app
from avatarkit.providers.fake import FakeVendor
from avatarkit.providers.heygen import HeyGen
from avatarkit.webhooks import Registered

SECRET = "a-secret-of-the-inbox-42"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "fake")


@pytest.fixture
def inbox(monkeypatch):
    monkeypatch.setenv("AVATARKIT_PUBLIC_URL", "https://app.example")
    monkeypatch.setenv("AVATARKIT_MEDIA_SECRET", "another-secret-of-the-media")
    monkeypatch.setenv("AVATARKIT_WEBHOOK_SECRET", SECRET)


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["webhooks", *arguments])
    assert result.exit_code == code, result.output
    return result


def printed(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture
def event():
    """The name of a delivery about nobody's job."""
    told = {
        "id": "job-1",
        "operation": "voice",
        "token": "t",
        "state": "succeeded",
        "reason": None,
        "link": "https://files.example/a.mp4?signature=planted",
    }

    async def receive():
        async with AvatarKit(worker=False) as kit:
            delivery = FakeVendor().signed(json.dumps(told).encode())
            return await kit.webhooks.receive("fake", delivery)

    return f"fake:{anyio.run(receive).event_id}"


def test_deliveries_are_listed(event):
    (told,) = printed("list")["deliveries"]
    assert (told["event"], told["outcome"], told["signed"]) == (event, "unmatched", True)
    assert event in run("list").stdout


def test_those_of_another_provider_are_not(event):
    assert printed("list", "--provider", "heygen") == {"deliveries": []}


def test_one_is_shown_with_what_it_said_and_no_signature_of_a_link(event):
    told = printed("show", event)
    assert '"id": "job-1"' in told["payload"]
    assert "planted" not in json.dumps(told)


def test_one_is_applied_once_more(event):
    assert printed("replay", event)["outcome"] == "unmatched"


@pytest.mark.parametrize("word", ["show", "replay"])
def test_what_never_came_in_is_not_found(word):
    run(word, "fake:nothing", code=6)
    run(word, "nothing", code=3)


def test_heygen_is_told_the_address_and_its_secret_is_printed_once(inbox, monkeypatch):
    monkeypatch.setenv("HEYGEN_API_KEY", "key-1")
    asked = []

    async def register(self, url):
        asked.append(url)
        return Registered("we_1", SecretStr("whsec_once"))

    monkeypatch.setattr(HeyGen, "register_webhook", register)
    result = run("register", "heygen")
    assert asked == [f"https://app.example/webhooks/heygen/{SECRET}"]
    assert result.stdout == "AVATARKIT_HEYGEN_WEBHOOK_SECRETS=whsec_once\n"
    assert SECRET not in result.output


def test_the_address_is_shown_to_who_asks_for_it_and_nothing_is_registered(inbox):
    (shown,) = run("register", "heygen", "--show-address").output.splitlines()  # without a key
    assert shown == f"https://app.example/webhooks/heygen/{SECRET}"


def test_who_does_not_ask_for_the_address_sees_no_secret_of_it(inbox):
    assert SECRET not in run("register", "tavus", code=3).output


def test_who_has_none_says_so(inbox):
    assert "no webhooks to register" in run("register", "fake", code=3).output


def test_no_address_is_shown_for_a_provider_without_webhooks(inbox):
    result = run("register", "rask", "--show-address", code=3)
    assert "rask sends no webhooks" in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize("provider", ["heygen", "tavus", "elevenlabs"])
def test_a_provider_that_calls_is_shown_its_address(inbox, provider):
    assert f"/webhooks/{provider}/" in run("register", provider, "--show-address").stdout


@pytest.mark.parametrize("option", [[], ["--show-address"]])
def test_an_address_that_vendors_do_not_call_is_refused(inbox, monkeypatch, option):
    monkeypatch.setenv("AVATARKIT_PUBLIC_URL", "http://app.example")
    result = run("register", "heygen", *option, code=3)
    assert "AVATARKIT_PUBLIC_URL does not begin with https://" in result.stderr
    assert SECRET not in result.output


def test_without_an_inbox_the_variables_are_named():
    assert "AVATARKIT_PUBLIC_URL" in run("register", "heygen", code=3).output
