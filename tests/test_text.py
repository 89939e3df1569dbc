"""The rule on text, from the front door to the rows, on every repository of this machine."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, Status, errors
from avatarkit._text import flaw, has_controls, mended, mended_value, nested, read_json, suspicious
from avatarkit.config.settings import Settings
from avatarkit.media.folder import FolderStore
from avatarkit.models import Action, Job, JobState, Operation, Waiting
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.testing import FakeClock

VOICE, AVATAR = Operation.VOICE, Operation.AVATAR
DEMO = Path(__file__).parent.parent / "src/avatarkit/data/demo"
WAV, JPG = DEMO / "voice.wav", DEMO / "portrait.jpg"
DRAWN = Consent.not_a_real_person("a drawing")
WHO = {"user_id": "ana", "clone_id": "ana-1"}
#: One character of each kind that cannot be stored.
ODD = "a\0b\x1bc\x85d\ud800e\ufffef\U0001ffffg\ufdd0h"
MENDED = "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg\ufffdh"


# -- characters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a\0", "a NUL character"),
        ("\ud83d", r"a lone surrogate \(U\+D83D\)"),
        ("\udcff.wav", r"a lone surrogate \(U\+DCFF\)"),
        ("\x1b[31m", r"control character U\+001B"),
        ("\x7f", r"control character U\+007F"),
        ("\x85", r"control character U\+0085"),
        ("\ufffe", r"noncharacter U\+FFFE"),
        ("\U0010ffff", r"noncharacter U\+10FFFF"),
        ("\ufdef", r"noncharacter U\+FDEF"),
    ],
)
def test_a_character_that_cannot_be_stored_is_named(text, named):
    assert re.search(named, flaw(text))
    assert mended(text).count("\ufffd") == 1
    assert suspicious(json.dumps(text)) or suspicious(json.dumps(text, ensure_ascii=False))


@pytest.mark.parametrize(
    "text", ["", "Ana Lima", "a\tb\r\nc", "José 渡辺 👩‍🚀", "\ufffd\ufdcf\ufdf0"]
)
def test_every_other_character_is_kept(text):
    assert flaw(text) is None
    assert mended(text) is text or mended(text) == text


def test_a_name_has_no_line_breaks_though_a_text_has():
    assert has_controls("a\nb")
    assert has_controls("a\u2028b")
    assert not has_controls("José 👩‍🚀")


def test_only_characters_are_told_apart_by_the_rule():
    named = {code for code in range(sys.maxunicode + 1) if flaw(chr(code))}
    surrogates = set(range(0xD800, 0xE000))
    noncharacters = {
        code
        for code in range(sys.maxunicode + 1)
        if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    }
    assert surrogates | noncharacters <= named
    assert len(noncharacters) == 66
    assert named - surrogates - noncharacters == {*range(32), *range(0x7F, 0xA0)} - {9, 10, 13}


def test_every_text_of_a_value_is_mended():
    assert mended_value({ODD: [ODD, 1, None, (ODD,)]}) == {MENDED: [MENDED, 1, None, (MENDED,)]}


def test_json_that_is_nested_too_deep_is_not_read():
    assert read_json(b"[" * 64 + b"]" * 64) is not None
    assert not nested(b'{"a": "' + b"[" * 99 + b'"}')
    with pytest.raises(ValueError, match="deeper than 64"):
        read_json(b"[" * 65 + b"]" * 65)


# -- what a provider says ---------------------------------------------------------------------


class Rambling(Fake):
    """A plug-in whose every text has characters that no database stores."""

    async def train_avatar(self, request):
        raise errors.Refused(ODD, provider="fake", operation="avatar")


class Waits(Fake):
    async def prepare(self, operation, request):
        if operation is not VOICE:
            return {}
        action = Action(kind="read_text", message=ODD, text=ODD, ref=ODD, url=ODD)
        return Waiting(prepared={ODD: ODD}, action=action)


class Fails(Fake):
    async def get_voice(self, voice_id):
        return Job(
            provider="fake",
            operation=VOICE,
            id=voice_id,
            ref=ODD,
            state=JobState.FAILED,
            reason=ODD,
            cost=ODD,
        )


@pytest.fixture(params=["memory", "sqlite"])
def house(request, tmp_path):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)

    def build(provider=Fake, **more):
        where = (
            MemoryRepository(clock=clock)
            if request.param == "memory"
            else SqliteRepository(tmp_path / "a.db", clock=clock)
        )
        given = {
            "repository": where,
            "media": FolderStore(tmp_path / "media"),
            "providers": {"fake": provider(vendor=vendor)},
            "clock": clock,
            "settings": Settings(),
        }
        return AvatarKit("fake", **(given | more))

    return build


async def until(kit, record_id, *wanted):
    async for update in kit.watch(record_id):
        if update.status in wanted:
            return update
    raise AssertionError(update)


@pytest.mark.anyio
@pytest.mark.parametrize("provider", [Rambling, Fails])
async def test_a_provider_whose_texts_cannot_be_stored_fails_with_its_reason(house, provider):
    async with house(provider) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        failed = await until(kit, training.id, Status.FAILED)
    # Controls are escaped where secrets are removed; the rest is replaced.
    assert failed.error_message.endswith("a\\x00b\\x1bc\\x85d\\ud800e\ufffdf\ufffdg\ufffdh")
    assert flaw(failed.error_message) is None


@pytest.mark.anyio
async def test_an_action_whose_texts_cannot_be_stored_is_shown(house):
    async with house(Waits) as kit:
        training = await kit.train(**WHO, voice=[WAV], footage=JPG, consent=DRAWN)
        asked = await until(kit, training.id, Status.ACTION_REQUIRED)
    assert (asked.action.message, asked.action.text, asked.action.ref) == (MENDED,) * 3
    assert asked.operation(VOICE).uploads.prepared == {MENDED: MENDED}
