"""Catalogues: every list of every vendor is read page by page, and asked for as documented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import CatalogueFilter, ListsCatalogue, ProviderSettings
from avatarkit.models import Operation
from avatarkit.providers.catalogue import speaks, texts_at
from avatarkit.providers.did import DID
from avatarkit.providers.elevenlabs import ElevenLabs
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.local.adapter import Local
from avatarkit.providers.resemble import Resemble
from avatarkit.providers.synthesia import Synthesia
from avatarkit.providers.tavus import Tavus
from providers.contract import Contract

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "catalogue.json").read_text())
ALL = CatalogueFilter()
VENDORS = {v.name: v for v in (HeyGen, DID, Tavus, ElevenLabs, Resemble, Synthesia)}
#: vendor, kind, answers in their order, ids and who owns them
LISTS = [
    (
        "heygen",
        "avatar",
        ["own_looks", "stock_looks", "more_looks"],
        {"look_own": True, "look_stock": False, "look_two": False},
    ),
    ("heygen", "voice", ["none", "voices"], {"v_en": False, "v_pt": False}),
    ("heygen", "template", ["templates"], {"tpl_1": True}),
    (
        "d-id",
        "avatar",
        ["scenes", "clips", "expressives"],
        {
            "scenes:avt_1": True,
            "clips:v2_public_lana": False,
            "clips:prs_1": True,
            "expressives:public_amber_casual@avt_PfMblk": False,
        },
    ),
    ("d-id", "voice", ["voices"], {"en-US-JennyNeural": False, "9c1b": True}),
    ("tavus", "avatar", ["own_faces", "stock_faces"], {"r1": True, "r2": False}),
    ("tavus", "voice", ["voices"], {"v1": True, "v2": False}),
    ("resemble", "voice", ["voices", "second"], {"v-1": True, "v-2": False}),
    ("synthesia", "template", ["own", "stock"], {"3f1c": True}),
]
NAMES = [f"{vendor}-{kind}" for vendor, kind, *_ in LISTS]
LISTED = {name: vendor.catalogue_kinds for name, vendor in VENDORS.items()}


def adapter(name, wire):
    return VENDORS[name](ProviderSettings(api_key=SecretStr("key-1")), client=wire.client)


async def read(provider, kind, wanted=ALL, most=9):
    """Every entry, page by page."""
    found, cursor = [], None
    for _ in range(most):
        part = await provider.list_entries(kind, wanted, cursor)
        found += part.entries
        cursor = part.cursor
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


@pytest.mark.parametrize(("vendor", "kind", "answers", "owners"), LISTS, ids=NAMES)
async def test_a_list_is_read_to_its_end(wire, vendor, kind, answers, owners):
    for name in answers:
        wire.reply(TOLD[vendor][name])
    found = await read(adapter(vendor, wire), kind)
    assert {entry.id: entry.own for entry in found} == owners
    assert all(entry.name and entry.provider == vendor and entry.kind == kind for entry in found)
    assert len(wire.requests) == len(answers)


@pytest.mark.parametrize(("vendor", "kind", "answers", "owners"), LISTS, ids=NAMES)
async def test_a_list_is_asked_for_as_its_vendor_documents(wire, vendor, kind, answers, owners):
    contract = Contract.of("did" if vendor == "d-id" else vendor)
    for name in answers:
        wire.reply(TOLD[vendor][name])
    await read(adapter(vendor, wire), kind)
    for request, name in zip(wire.requests, answers, strict=True):
        contract.check_answer(contract.check(request), 200, TOLD[vendor][name])


@pytest.mark.parametrize(("vendor", "kind", "answers", "owners"), LISTS, ids=NAMES)
@pytest.mark.parametrize("own", [True, False])
async def test_own_entries_and_stock_can_be_told_apart(wire, vendor, kind, answers, owners, own):
    del answers, owners
    for answer in TOLD[vendor].values():
        wire.reply(answer)
    provider = adapter(vendor, wire)
    part = await provider.list_entries(kind, CatalogueFilter(own=own), None)
    assert {entry.own for entry in part.entries} <= {own}


#: Entries of one page, as many as the vendor gives at once.
MOST = {
    ("heygen", "template", "limit"): "100",
    ("resemble", "voice", "page_size"): "100",
    ("synthesia", "template", "limit"): "100",
}


@pytest.mark.parametrize(("vendor", "kind", "parameter"), MOST)
async def test_a_page_of_a_list_is_as_long_as_its_vendor_allows(wire, vendor, kind, parameter):
    wire.reply({})
    await adapter(vendor, wire).list_entries(kind, ALL, None)
    assert wire.requests[0].url.params[parameter] == MOST[vendor, kind, parameter]


@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_entry_without_an_id_is_left_out(wire, vendor):
    provider = adapter(vendor, wire)
    kind = min(provider.catalogue_kinds)
    listing = provider.listings[kind][0]
    items = [{"name": "nothing"}, {listing.id[0]: "\x00"}, {listing.id[0]: ["x"]}]
    bare = listing.path == "/tts/voices"
    wire.reply(items if bare else {listing.items[0]: items})
    assert (await provider.list_entries(kind, ALL, None)).entries == ()


async def test_a_look_tells_what_it_can(wire):
    wire.reply(TOLD["heygen"]["stock_looks"])
    (look,) = (await adapter("heygen", wire).list_entries("avatar", ALL, "1:")).entries
    assert look.engines == ("avatar_iii", "avatar_v")
    assert look.price_class == "studio_avatar"
    assert look.voice_id == "v_en"
    assert look.previews.keys() == {"image", "video"}
    assert look.capabilities == ("studio_avatar", "landscape", "NEW")


async def test_previews_are_links_of_https_only(wire):
    told = {"data": [{"id": "x", "preview_image_url": "javascript:alert(1)"}], "has_more": False}
    wire.reply(told)
    (entry,) = (await adapter("heygen", wire).list_entries("avatar", ALL, None)).entries
    assert entry.previews == {}


async def test_links_of_previews_are_not_shown_in_a_log(wire):
    wire.reply(TOLD["tavus"]["own_faces"])
    (entry,) = (await adapter("tavus", wire).list_entries("avatar", ALL, None)).entries
    assert "cdn.tavus" not in repr(entry)


async def test_shared_voices_follow_the_accounts_own(wire):
    wire.reply(TOLD["elevenlabs"]["voices"]).reply(TOLD["elevenlabs"]["shared"])
    provider = adapter("elevenlabs", wire)
    first = await provider.list_entries("voice", ALL, None)
    assert {entry.id: entry.own for entry in first.entries} == {"c38k": True, "21m0": False}
    second = await provider.list_entries("voice", ALL, first.cursor)
    (sofia,) = second.entries
    assert (sofia.id, sofia.own, sofia.price_class) == ("shr1", False, "1.5")
    assert second.cursor == "1:1/1"
    await provider.list_entries("voice", ALL, second.cursor)
    assert wire.requests[-1].url.params["page"] == "1"


async def test_elevenlabs_is_asked_as_it_documents(wire):
    wire.reply(TOLD["elevenlabs"]["voices"]).reply(TOLD["elevenlabs"]["shared"])
    provider = adapter("elevenlabs", wire)
    wanted = CatalogueFilter(query="a", gender="female", language="es")
    await provider.list_entries("voice", wanted, None)
    await provider.list_entries("voice", wanted, "1:")
    first, second = (request.url.params for request in wire.requests)
    assert first["search"] == "a"
    assert (second["search"], second["gender"], second["language"]) == ("a", "female", "es")
    # Skips without the documents, so it comes last.
    contract = Contract.of("elevenlabs")
    assert [contract.check(request) for request in wire.requests] == [
        "GET /v2/voices",
        "GET /v1/shared-voices",
    ]


async def test_a_filter_that_the_vendor_has_not_is_applied_here(wire):
    wire.reply(TOLD["heygen"]["voices"])
    provider = adapter("heygen", wire)
    part = await provider.list_entries("voice", CatalogueFilter(language="pt-BR"), "1:")
    assert [entry.id for entry in part.entries] == ["v_pt"]


async def test_the_name_is_searched_without_regard_to_case(wire):
    wire.reply(TOLD["heygen"]["voices"])
    part = await adapter("heygen", wire).list_entries("voice", CatalogueFilter(query="ABB"), "1:")
    assert [entry.id for entry in part.entries] == ["v_en"]


async def test_gender_is_compared_without_regard_to_case(wire):
    wire.reply(TOLD["d-id"]["voices"])
    provider = adapter("d-id", wire)
    part = await provider.list_entries("voice", CatalogueFilter(gender="Female"), None)
    assert len(part.entries) == 2


@pytest.mark.parametrize("kind", ["avatar", "voice"])
async def test_synthesia_says_where_its_ids_are(wire, kind):
    with pytest.raises(errors.Unsupported, match=f"no list of {kind}s.*Studio"):
        await adapter("synthesia", wire).list_entries(kind, ALL, None)
    assert not wire.requests


@pytest.mark.parametrize("vendor", sorted(v for v in VENDORS if "template" not in LISTED[v]))
async def test_a_vendor_without_templates_says_so_and_is_not_asked(wire, vendor):
    with pytest.raises(errors.Unsupported, match=f"{vendor} has no list of templates"):
        await adapter(vendor, wire).get_template("tpl_1")
    assert not wire.requests


@pytest.mark.parametrize("cursor", ["9:", "x", "-1:", "0"])
async def test_a_cursor_of_another_list_is_refused(wire, cursor):
    with pytest.raises(errors.InvalidCursor, match="cursor"):
        await adapter("heygen", wire).list_entries("template", ALL, cursor)
    assert not wire.requests


@pytest.mark.parametrize(
    ("vendor", "told", "kinds"),
    [
        ("heygen", "template", {"first_name": "text", "logo": "image"}),
        ("synthesia", "one", {"name": "string"}),
    ],
)
async def test_a_template_tells_its_variables(wire, vendor, told, kinds):
    wire.reply(TOLD[vendor][told])
    entry = await adapter(vendor, wire).get_template("a/b")
    assert {variable.name: variable.kind for variable in entry.variables} == kinds
    assert b"/templates/a%2Fb" in wire.requests[0].url.raw_path


async def test_a_template_that_is_no_template_is_a_bad_reply(wire):
    wire.reply({"data": None})
    with pytest.raises(errors.BadReply):
        await adapter("heygen", wire).get_template("tpl_1")


async def test_heygen_names_the_languages_of_its_dubs(wire):
    wire.reply(TOLD["heygen"]["languages"])
    found = await adapter("heygen", wire).list_languages(Operation.DUB)
    assert [one.id for one in found] == ["English", "Spanish (Spain)", "Portuguese (Brazil)"]


async def test_elevenlabs_names_each_language_of_its_models_once(wire):
    wire.reply(TOLD["elevenlabs"]["models"])
    found = await adapter("elevenlabs", wire).list_languages(Operation.SPEECH)
    assert [(one.id, one.name) for one in found] == [
        ("en", "English"),
        ("pt", "Portuguese"),
        ("sw", "Swahili"),
    ]


@pytest.mark.parametrize("vendor", ["heygen", "elevenlabs"])
async def test_other_operations_have_no_list_of_languages(wire, vendor):
    with pytest.raises(errors.Unsupported):
        await adapter(vendor, wire).list_languages(Operation.AVATAR)
    assert not wire.requests


async def test_the_local_provider_lists_what_was_trained_here(tmp_path):
    for name in ("avatars/ak-1-avatar", "avatars/.ak-2.part", "voices/ak-1-voice"):
        (tmp_path / name).mkdir(parents=True)
    local = Local(ProviderSettings(home=tmp_path))
    assert isinstance(local, ListsCatalogue)
    part = await local.list_entries("avatar", ALL, None)
    assert [(entry.id, entry.own) for entry in part.entries] == [("ak-1-avatar", True)]
    assert (await local.list_entries("avatar", CatalogueFilter(own=False), None)).entries == ()
    with pytest.raises(errors.Unsupported):
        await local.list_entries("template", ALL, None)
    with pytest.raises(errors.Unsupported):
        await local.get_template("any")


@pytest.mark.parametrize(
    ("languages", "wanted", "spoken"),
    [
        (("English",), "en", True),
        (("Portuguese (Brazil)",), "pt", True),
        (("en-US",), "en-GB", True),
        (("en_US",), "EN", True),
        (("German",), "en", False),
        ((), "en", True),
        (("es",), "Spanish", True),
    ],
)
def test_a_language_is_known_by_its_tag_and_by_its_name(languages, wanted, spoken):
    assert speaks(languages, wanted) is spoken


def test_texts_are_read_from_every_element_of_a_list():
    raw = {"a": [{"b": "x"}, {"b": None}, {"b": {"no": 1}}, {"b": "x"}, 7], "c": ["y", 2]}
    assert texts_at(raw, "a.*.b", "c", "d.*.e") == ("x", "y", "2")
