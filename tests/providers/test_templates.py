"""Templates of HeyGen and Synthesia: their variables are checked before they are filled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import Operation, Template, VideoRequest
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.heygen.scenes import variables
from avatarkit.providers.synthesia import Synthesia
from avatarkit.testing.providers import TOKEN
from providers.contract import Contract

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "catalogue.json").read_text())
HEYGEN = Template(
    id="tpl_1", text={"first_name": "Ana"}, image={"logo": "https://a.example/logo.png"}
)
SYNTHESIA = Template(id="3f1c", text={"name": "Ana"})
MADE = {
    "heygen": {"data": {"id": "vid_1", "status": "waiting", "created_at": 1_790_000_000}},
    "synthesia": {"id": "1e2f", "status": "in_progress", "createdAt": 1_790_000_000},
}
EACH = pytest.mark.parametrize(
    ("kind", "shown", "template"),
    [(HeyGen, "template", HEYGEN), (Synthesia, "one", SYNTHESIA)],
    ids=["heygen", "synthesia"],
)


def adapter(kind, wire):
    return kind(ProviderSettings(api_key=SecretStr("key-1")), client=wire.client)


def request(template, **more):
    return VideoRequest(token=TOKEN, avatar_id="", template=template, **more)


async def filled(kind, wire, shown, template):
    provider, asked = adapter(kind, wire), request(template)
    wire.reply(TOLD[kind.name][shown]).reply(MADE[kind.name])
    prepared = await provider.prepare(Operation.VIDEO, asked)
    return await provider.generate_video(asked.model_copy(update={"prepared": prepared}))


@EACH
async def test_a_template_is_filled_as_its_vendor_documents(wire, kind, shown, template):
    contract = Contract.of(kind.name)
    job = await filled(kind, wire, shown, template)
    assert job.id in {"vid_1", "1e2f"}
    assert contract.check(wire.requests[-1]) in {
        "POST /v3/templates/{template_id}",
        "POST /v2/videos/fromTemplate",
    }
    assert TOKEN in wire.body().values()


async def test_heygens_variables_have_a_type_each(wire):
    await filled(HeyGen, wire, "template", HEYGEN)
    assert wire.requests[-1].url.path == "/v3/templates/tpl_1"
    assert wire.body()["variables"] == {
        "first_name": {"name": "first_name", "type": "text", "properties": {"content": "Ana"}},
        "logo": {
            "name": "logo",
            "type": "image",
            "properties": {"url": "https://a.example/logo.png"},
        },
    }


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("video", "https://a.example/a.mp4", ("video", {"url": "https://a.example/a.mp4"})),
        ("audio", "https://a.example/a.mp3", ("audio", {"url": "https://a.example/a.mp3"})),
        ("avatar", "look_1", ("character", {"character_id": "look_1"})),
        ("voice", "vc_1", ("voice", {"voice_id": "vc_1"})),
    ],
)
def test_heygen_has_a_word_for_each_kind_of_variable(kind, value, written):
    word, properties = written
    filled = Template(id="tpl_1", **{kind: {"it": value}})
    assert variables(filled) == {"it": {"name": "it", "type": word, "properties": properties}}


async def test_synthesias_variables_are_values(wire):
    await filled(Synthesia, wire, "one", SYNTHESIA)
    assert wire.body()["templateId"] == "3f1c"
    assert wire.body()["templateData"] == {"name": "Ana"}


@EACH
async def test_a_variable_that_the_template_has_not_is_refused_before_it_is_paid(
    wire, kind, shown, template
):
    wrong = template.model_copy(update={"text": {"surname": "Lima"}})
    wire.reply(TOLD[kind.name][shown])
    with pytest.raises(errors.Unsupported, match="no variable surname; it has: "):
        await adapter(kind, wire).prepare(Operation.VIDEO, request(wrong))
    assert [one.method for one in wire.requests] == ["GET"]


@EACH
async def test_variables_that_the_vendor_does_not_tell_are_sent(wire, kind, shown, template):
    told = json.loads(json.dumps(TOLD[kind.name][shown]))
    (told.get("data") or told)["variables"] = {} if kind is HeyGen else []
    wire.reply(told)
    assert await adapter(kind, wire).prepare(Operation.VIDEO, request(template)) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"text": {"a": "1"}, "voice": {"a": "2"}},
        {"image": {"a": "http://a.example/x.png"}},
        {"video": {"a": "/etc/passwd"}},
        {"audio": {"a": ""}},
    ],
)
def test_values_of_a_wrong_kind_are_refused(values):
    with pytest.raises(errors.ConfigError):
        Template(id="t", **values)


def test_a_request_has_a_script_or_a_template():
    with pytest.raises(errors.ConfigError):
        request(SYNTHESIA, script="Hello")
