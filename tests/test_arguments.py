"""Every public method with arguments of every wrong kind: a value, or an error of avatarkit.

The table is made from the signatures: a new method or argument is tested without another line.
"""

from __future__ import annotations

import codecs
import enum
import errno
import inspect
import io
import itertools
import os
import tempfile
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from avatarkit import AvatarKit, Consent, Status, SyncAvatarKit, errors
from avatarkit.config.settings import Settings
from avatarkit.content.credentials import Marking
from avatarkit.content.subtitles import read_srt
from avatarkit.intake import arguments, recordings
from avatarkit.kit import KitAdmin, KitPrices, KitWebhooks
from avatarkit.lifecycle.decide import Policy
from avatarkit.media.folder import FolderStore
from avatarkit.models import Job, Model, Options, Scene, Template
from avatarkit.pricing import USD, Budget, Prices, Workload, compare, quote
from avatarkit.providers.fake import Fake, FakeVendor, FakeVideo
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.webhooks import Delivery

DEMO = Path(__file__).parent.parent / "src/avatarkit/data/demo"
WAV, JPG = DEMO / "voice.wav", DEMO / "portrait.jpg"
DRAWN = Consent.not_a_real_person("a drawing")
WHO = {"user_id": "ana", "clone_id": "ana-1"}

#: Values of every wrong kind.
WRONG = {
    "None": None,
    "True": True,
    "int": 5,
    "negative": -1,
    "huge": 10**400,
    "vast": 10**5000,
    "nan": float("nan"),
    "inf": float("inf"),
    "decimal": Decimal("NaN"),
    "bytes": b"\xff\0",
    "list": [],
    "list of ints": [5],
    "nested": [[["a"]]],
    "dict": {},
    "dict of dicts": {"a": {"b": object()}},
    "set": {5},
    "object": object(),
    "class": dict,
    "function": len,
    "uuid": uuid.UUID(int=7),
    "path": Path("/nowhere/x.wav"),
    "text file": io.StringIO("x"),
    "empty": "",
    "blank": " \n",
    "lone surrogate": "half \ud800",
    "nul": "a\0b",
    "escape": "\x1b[31m",
    "noncharacter": "\ufffe",
    "long": "x" * 100_000,
    "options": Options(extra={"a": "\ud800"}),
    "exception": ValueError("x"),
}

#: Arguments that make each method work, as far as it can; the wrong value replaces one of them.
GOOD = {
    "avatar_id": "avatar-1",
    "audio": None,
    "choice": "retry",
    "clone_id": "ana-1",
    "consent": DRAWN,
    "consent_id": "consent-1",
    "delivery": Delivery(b"{}", {}),
    "address": "https://app.test/hook",
    "event_id": "event-1",
    "footage": JPG,
    "kind": "training",
    "language": "en",
    "languages": ["de"],
    "path": "nowhere/x.mp4",
    "provider": "fake",
    "record": "no-record",
    "record_id": "no-record",
    "sample_id": "no-sample",
    "script": "Hello.",
    "source": WAV,
    "training_id": "no-training",
    "user_id": "ana",
    "voice": WAV,
}
PARTS = {AvatarKit: "", KitAdmin: "admin", KitWebhooks: "webhooks", KitPrices: "prices"}


def methods():
    for owner, part in PARTS.items():
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_"):
                yield owner, part, name, method


def cases():
    for _, part, name, method in methods():
        parameters = [p for p in inspect.signature(method).parameters if p != "self"]
        for wrong in parameters:
            yield pytest.param(part, name, wrong, id=f"{part or 'kit'}.{name}-{wrong}")


def called_with(method, wrong, value):
    """Every required argument, and the wrong one."""
    places = inspect.signature(method).parameters
    given = {
        name: GOOD[name]
        for name, place in places.items()
        if name in GOOD and (place.default is place.empty or name in {"consent", "script"})
    }
    return given | {wrong: value}


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def given(tmp_path, clock):
    return {
        "repository": MemoryRepository(clock=clock),
        "media": FolderStore(tmp_path / "media"),
        "providers": {"fake": Fake(vendor=FakeVendor(clock=clock))},
        "clock": clock,
        "settings": Settings(),
        "worker": False,
    }


def require_told(error):
    """An error says something, in text that can be printed."""
    assert str(error).encode()


async def outcome(call, arguments):
    """Call a method to its end; a value, or an error of avatarkit with a message."""
    try:
        found = call(**arguments)
        if inspect.isasyncgen(found):
            async for _ in found:
                break
            await found.aclose()
        elif inspect.isawaitable(found):
            await found
    except errors.AvatarKitError as error:
        require_told(error)


@pytest.mark.anyio
@pytest.mark.parametrize(("part", "name", "wrong"), [*cases()])
async def test_a_wrong_argument_is_told_by_an_error_of_avatarkit(given, part, name, wrong):
    async with AvatarKit("fake", **given) as kit:
        call = getattr(getattr(kit, part) if part else kit, name)
        failed = []
        for kind, value in WRONG.items():
            if wrong == "wait" and value is True:
                continue  # it would wait for a worker
            waits = name in {"speak", "dub", "dub_into"} and wrong != "wait"
            more = {"wait": False} if waits else {}
            try:
                await outcome(call, more | called_with(call, wrong, value))
            except Exception as error:
                failed.append(f"{kind}: {error!r}"[:300])
    assert failed == []


@pytest.mark.anyio
@pytest.mark.parametrize("wrong", ["script", "options", "audio", "name", "language", "max_cost"])
async def test_a_wrong_argument_for_a_finished_training_is_told_as_well(given, wrong):
    async with AvatarKit("fake", **given) as kit:
        training = await kit.adopt(**WHO, avatar_id="a", voice_id="v", consent=DRAWN)
        failed = []
        for kind, value in WRONG.items():
            given = {"script": "Hello.", "wait": False} | {wrong: value}
            try:
                await outcome(kit.speak, {"training_id": training, **given})
            except Exception as error:
                failed.append(f"{kind}: {error!r}"[:300])
    assert failed == []


@pytest.mark.parametrize("wrong", list(inspect.signature(AvatarKit).parameters))
def test_a_wrong_argument_of_the_kit_itself_is_told(tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    failed = []
    for kind, value in WRONG.items():
        try:
            AvatarKit(**{"stack": "fake", "settings": Settings(), wrong: value})
        except errors.AvatarKitError as error:
            require_told(error)
        except Exception as error:
            failed.append(f"{kind}: {error!r}"[:300])
    assert failed == []


def test_the_blocking_kit_has_the_same_rules(given):
    wrong = [value for name, value in WRONG.items() if name not in {"huge", "vast"}]
    with SyncAvatarKit("fake", **given) as kit:
        for value, method in itertools.product(wrong, ("get", "cancel", "delete", "erase")):
            try:
                getattr(kit, method)(value)
            except errors.AvatarKitError as error:
                require_told(error)
        with pytest.raises(errors.ConfigError, match="consent is a value of type str"):
            kit.train(**WHO, voice=WAV, footage=JPG, consent="Ana Lima")


# -- what is clearly meant --------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    "voice", [WAV, str(WAV), [WAV], (WAV,), WAV.read_bytes(), bytearray(WAV.read_bytes())]
)
async def test_one_recording_needs_no_list(given, voice):
    async with AvatarKit("fake", **given) as kit:
        training = await kit.train(**WHO, voice=voice, footage=[JPG], consent=DRAWN)
    assert len(training.voice) == 1
    assert training.footage


@pytest.mark.anyio
async def test_an_open_file_is_one_recording(given):
    async with AvatarKit("fake", **given) as kit:
        with WAV.open("rb") as voice:
            training = await kit.train(**WHO, voice=voice, footage=JPG, consent=DRAWN)
    assert training.voice[0].name == "voice.wav"


@pytest.mark.anyio
@pytest.mark.parametrize(("user", "kept"), [(42, "42"), (uuid.UUID(int=7), str(uuid.UUID(int=7)))])
async def test_a_number_or_a_uuid_is_an_id(given, user, kept):
    async with AvatarKit("fake", **given) as kit:
        training = await kit.train(
            user_id=user, clone_id=user, voice=WAV, footage=JPG, consent=DRAWN, idempotency_key=user
        )
        assert (training.user_id, training.clone_id, training.idempotency_key) == (kept,) * 3
        assert await kit.trainings(user_id=user, status="pending") == [training]


class Word(str, enum.Enum):  # noqa: UP042 - as applications have written it for long
    GERMAN = "de"
    VOICE = str(WAV)


class Number(int, enum.Enum):
    SEVEN = 7


class Index:
    """A whole number of another library, such as NumPy's."""

    def __index__(self):
        return 7


@pytest.mark.anyio
async def test_a_member_of_an_enumeration_is_its_value(given):
    async with AvatarKit("fake", **given) as kit:
        training = await kit.train(
            user_id=Number.SEVEN,
            clone_id=Index(),
            language=Word.GERMAN,
            name=Word.GERMAN,
            voice=Word.VOICE,
            footage=JPG,
            consent=DRAWN,
        )
    assert (training.user_id, training.clone_id) == ("7", "7")
    assert (training.language, training.name) == ("de", "de")


class Failing(io.RawIOBase):
    def read(self, size=-1):
        raise RuntimeError("boom")


class Awaited:
    async def read(self, size=-1):
        return b""


def closed():
    file = io.BytesIO(WAV.read_bytes())
    file.close()
    return file


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("file", "message"),
    [
        (Failing, r"voice cannot be read \(RuntimeError: boom\): give its path or its bytes"),
        (Awaited, "voice is a file that is read with await: give its bytes"),
        (closed, "voice is a closed file: open it again"),
        (lambda: codecs.getreader("latin-1")(io.BytesIO(b"RIFF")), "gives str instead of bytes"),
        (lambda: io.BufferedWriter(io.BytesIO()), "cannot be read"),
    ],
    ids=["raises", "awaited", "closed", "text", "write-only"],
)
async def test_a_file_that_cannot_be_read_says_why(given, file, message):
    async with AvatarKit("fake", **given) as kit:
        for call in (
            kit.add_sample(**WHO, voice=file()),
            kit.preflight(voice=file()),
            kit.train(**WHO, voice=file(), footage=JPG, consent=DRAWN),
        ):
            with pytest.raises((errors.MediaRejected, errors.ConfigError), match=message):
                await call


@pytest.mark.anyio
@pytest.mark.parametrize("disk", ["full", "share", "none"])
async def test_a_full_disk_for_temporary_files_is_told(given, monkeypatch, tmp_path, disk):
    def write(stream, name, path):
        number = errno.ENOSPC if disk == "full" else errno.EDQUOT
        raise OSError(number, "it is full", str(path))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none" if disk == "none" else tmp_path))
    monkeypatch.setattr(recordings, "_copy", write)
    async with AvatarKit("fake", **given) as kit:
        for call in (
            kit.add_sample(**WHO, voice=WAV.read_bytes()),
            kit.train(**WHO, voice=WAV.read_bytes(), footage=JPG, consent=DRAWN),
            kit.dub(WAV.read_bytes(), "de", **WHO, consent=DRAWN, wait=False),
        ):
            with pytest.raises(errors.StorageError, match="set TMPDIR to a folder"):
                await call
        assert await kit.trainings() == []


@pytest.mark.anyio
@pytest.mark.parametrize("user", ["ü" * 200, "😀" * 200, "./" * 100])
async def test_the_longest_ids_make_keys_that_a_store_takes(given, user):
    async with AvatarKit("fake", **given) as kit:
        for one in (user, user[:-1] + "x"):
            await kit.train(user_id=one, clone_id=one, voice=WAV, footage=JPG, consent=DRAWN)
        keys = {
            s.file.key for one in (user, user[:-1] + "x") for s in await kit.samples(user_id=one)
        }
        assert len(keys) == 4
        await kit.erase(user)
        assert len(await kit.samples(user_id=user[:-1] + "x")) == 2


@pytest.mark.anyio
async def test_evidence_is_a_path_of_any_form(given, tmp_path):
    path = tmp_path / "agreed\udcff.\udcff"
    path.write_bytes(b"yes")
    async with AvatarKit("fake", **given) as kit:
        for evidence in (path, str(path)):
            consent = await kit.add_consent(Consent(subject="Ana", evidence=evidence), user_id="a")
            assert consent.evidence_file.size == 3
        for wrong in ("/x" + "/y" * 3000, "x" * 300, str(tmp_path)):
            with pytest.raises(errors.ConsentRequired, match="evidence file not found"):
                await kit.add_consent(Consent(subject="Ana", evidence=wrong), user_id="a")


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ("<i>Hola</i> <font color='red'>Ana</font>", "Hola Ana"),
        ("{\\an8}Hola", "Hola"),
        ("Tom &amp; Ana", "Tom & Ana"),
        ("Ho\u200bla\ufeff", "Hola"),
    ],
)
def test_captions_that_are_spoken_follow_the_rule_of_scripts(said, spoken):
    srt = f"1\n00:00:00,000 --> 00:00:02,000\n{said}\n"
    found = arguments.subtitles("subtitles", srt.encode())
    assert [cue.lines for cue in read_srt(found)] == [(spoken,)]


@pytest.mark.parametrize("said", ['Hola <break time="1s"/>', "<speak>Hola</speak>", "<prosody>a"])
def test_markup_in_captions_is_told_with_its_place(said):
    srt = f"1\n00:00:01,000 --> 00:00:02,000\n{said}\n"
    with pytest.raises(errors.MediaRejected, match="subtitles, caption at 00:00:01,000"):
        arguments.subtitles("subtitles", srt.encode())


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"text": {"greeting": "half \ud800"}}, "Template.* has a lone surrogate"),
        ({"text": {"a\0": "x"}}, "the name of a field of template: Template has a NUL"),
        ({"text": {"greeting": "<break/> Hi"}}, r"template.text\['greeting'\]: .*<break>"),
        ({"voice": {"v": "\0"}}, "Template.* has a NUL"),
    ],
    ids=["surrogate", "name", "markup", "voice"],
)
async def test_values_of_a_template_follow_the_rule_on_text(given, template, message):
    async with AvatarKit("fake", **given) as kit:
        with pytest.raises((errors.ConfigError, errors.MediaRejected), match=message):
            await kit.speak(template=Template(id="t", **template), **WHO, consent=DRAWN, wait=False)


def test_text_of_a_template_is_sent_as_scripts_are():
    given = Template(id="t", text={"a": "Tom &amp; <b>Ana</b>\u200b", "b": ""})
    assert arguments.template("template", given).text == {"a": "Tom & Ana", "b": ""}


@pytest.mark.anyio
async def test_a_scene_follows_the_rule_on_text(given):
    async with AvatarKit("fake", **given) as kit:
        training = await kit.adopt(**WHO, avatar_id="a", voice_id="v", consent=DRAWN)
        for scene in (Scene(text="Hi", voice="\0"), Scene(text="Hi", avatar="\ud800")):
            with pytest.raises(errors.ConfigError, match=r"Scene\.\w+ has a"):
                await kit.speak(training, scenes=[scene], wait=False)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "asked",
    ["PUBLICITÉ", "publicite\u0301", "pub\u200blicité", " publicité\u00a0", "publicité\u00ad"],
)
async def test_a_purpose_is_the_same_however_it_is_typed(given, asked):
    consent = Consent(subject="José", purposes=["Publicité"])
    async with AvatarKit("fake", **given) as kit:
        await kit.train(**WHO, voice=WAV, footage=JPG, consent=consent, purpose=asked)
        typed = Consent(subject="JOSE\u0301 ", purposes=[asked])
        await kit.train(**WHO, voice=WAV, footage=JPG, consent=typed, purpose="publicité")
        assert len(await kit.consents(user_id="ana")) == 1


@pytest.mark.anyio
async def test_a_record_stands_for_its_id(given):
    async with AvatarKit("fake", **given) as kit:
        training = await kit.adopt(**WHO, avatar_id="a", voice_id="v", consent=DRAWN)
        video = await kit.speak(training, "Hello.", wait=False, options=FakeVideo())
        assert await kit.get(video) == video
        assert await kit.videos(training_id=training) == [video]
        assert (await kit.cancel(video)).status is Status.CANCELLED
        assert await kit.delete(training, with_videos=True) == [video.id, training.id]
        sample = await kit.add_sample(**WHO, voice=WAV)
        await kit.delete_sample(sample, **WHO)
        (consent,) = await kit.consents(user_id="ana")
        await kit.revoke(consent)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"user_id": True}, "user_id is a value of type bool: pass an id"),
        ({"user_id": None}, "user_id is None: pass an id"),
        ({"user_id": " "}, "user_id must not be empty"),
        ({"clone_id": "a\0"}, "clone_id has a NUL character: remove it"),
        ({"name": "\ud800"}, r"name has a lone surrogate \(U\+D800\)"),
        ({"name": "a\nb"}, "name has a line break"),
        ({"name": "x" * 201}, "name has 201 characters: shorten it to at most 200"),
        ({"idempotency_key": "\udcff"}, "idempotency_key has a lone surrogate"),
        ({"consent": Consent(subject="Ana \ud83d")}, "consent.subject has a lone surrogate"),
        (
            {"consent": Consent(subject="Ana", purposes=["\x07"])},
            "consent.purposes has the control",
        ),
        ({"consent": {"subject": "Ana"}}, "consent is a value of type dict: pass consent=Consent"),
        ({"footage": [JPG, JPG]}, "2 files were given as footage: give one"),
        ({"footage": io.StringIO()}, 'open it with mode "rb"'),
        ({"footage": 5}, "footage is a value of type int: pass a path, bytes"),
        ({"voice": {"a": WAV}}, "voice is a value of type dict: pass a list of recordings"),
        ({"options": {"a": 1}}, "options is a value of type dict: pass a list of options"),
        ({"options": [FakeVideo(outfit="\0")]}, "FakeVideo.outfit has a NUL character"),
        ({"options": FakeVideo(extra={"\ud800": 1})}, "the name of a field of options: FakeVideo"),
        ({"max_cost": 2}, r'max_cost is 2, which is no amount of dollars: give USD\("2.00"\)'),
        ({"allow_unknown": 5}, "allow_unknown is a value of type int: pass names"),
        ({"language": 5}, "language is a value of type int: pass a language tag"),
        ({"language": "de_DE.UTF-8"}, "language is no language tag: pass one such as"),
        ({"language": 'en"><x'}, "is no language tag"),
        ({"stack": 5}, "stack is a value of type int: pass a stack such as"),
        ({"stack": []}, "stack is empty: name at least one stack"),
    ],
    ids=lambda said: next(iter(said)) if isinstance(said, dict) else ascii(said)[:30],
)
async def test_a_wrong_argument_is_named_with_what_to_pass(given, said, message):
    async with AvatarKit("fake", **given) as kit:
        with pytest.raises(errors.ConfigError, match=message):
            await kit.train(**WHO | {"voice": WAV, "footage": JPG, "consent": DRAWN} | said)
        assert await kit.consents(user_id="ana") == []


def test_a_stack_is_named_in_any_case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kit = AvatarKit("Fake", settings=Settings())
    assert kit.prices.quote(stack="FAKE").stack == kit.prices.quote().stack


@pytest.mark.parametrize("place", ["twins.db", Path("twins.db"), "sqlite:///twins.db"])
def test_the_path_of_a_database_is_its_address(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    kit = AvatarKit("fake", repository=place, settings=Settings())
    assert kit._settings.repository == "sqlite:///twins.db"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"repository": "sqlite://twins.db"}, "write a third slash before the file"),
        ({"repository": 5}, "repository must be a Repository, or an address"),
        ({"media": 5}, "media must be a MediaStore, a folder, or an address"),
        ({"budgets": [5]}, "budgets must be a list such as"),
        ({"providers": {"fake": 5}}, "providers must map names to providers"),
        ({"worker": "no"}, "worker is a value of type str: pass True or False"),
    ],
    ids=lambda said: next(iter(said)) if isinstance(said, dict) else ascii(said)[:30],
)
def test_a_wrong_argument_of_the_kit_says_what_to_pass(tmp_path, monkeypatch, said, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.ConfigError, match=message):
        AvatarKit("fake", **{"settings": Settings()} | said)


def test_one_budget_needs_no_list(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    AvatarKit("fake", settings=Settings(), budgets=Budget(USD("5")))


@pytest.mark.anyio
async def test_a_result_is_saved_into_a_folder_under_its_own_name(given, tmp_path, clock):
    async with AvatarKit("fake", **given | {"worker": True}) as kit:
        training = await kit.adopt(**WHO, avatar_id="a", voice_id="v", consent=DRAWN)
        video = await kit.speak(training, "Hello.")
        assert await kit.save(video, tmp_path) == tmp_path / "video.mp4"
        assert (tmp_path / "video.mp4").stat().st_size

        link = tmp_path / "link.mp4"
        link.symlink_to("behind.mp4")
        assert await kit.save(video, link) == link
        assert link.is_symlink()
        assert (tmp_path / "behind.mp4").read_bytes() == (tmp_path / "video.mp4").read_bytes()

        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "to-pipe").symlink_to("pipe")
        (tmp_path / "loop").symlink_to("loop")
        wrong = ("pipe", "to-pipe", "loop", "video.mp4/x", "none/x", "x" * 300)
        before = sorted(tmp_path.iterdir())
        for name in wrong:
            with pytest.raises(errors.StorageError, match=r"cannot be written|name a file"):
                await kit.save(video, tmp_path / name)
        assert sorted(tmp_path.iterdir()) == before
        assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    "variable", ["AVATARKIT_STACK", "AVATARKIT_HOME", "AVATARKIT_ACME_CLIENT_ID"]
)
def test_an_environment_variable_follows_the_rule_on_text(variable):
    with pytest.raises(errors.ConfigError, match=f"{variable} has a lone surrogate"):
        Settings.from_env({variable: "\udcff"})


def every_model(base=Model):
    """Every model that is loaded, with the options of all providers."""
    for one in base.__subclasses__():
        yield one
        yield from every_model(one)


def problem_of(model, fields):
    try:
        model(**fields)
    except Exception as error:
        return error
    return None


CONSTRUCTED = [Policy, Workload, Budget, Delivery, *{m.__name__: m for m in every_model()}.values()]


@pytest.mark.parametrize("model", CONSTRUCTED, ids=lambda model: model.__name__)
def test_a_model_with_a_wrong_field_is_told_by_an_error_of_avatarkit(model):
    fields = getattr(model, "model_fields", None) or inspect.signature(model).parameters
    for name, (kind, wrong) in itertools.product(fields, WRONG.items()):
        problem = problem_of(model, {name: wrong})
        if isinstance(problem, TypeError):  # as of any Python call that leaves out an argument
            assert "required" in str(problem)
        else:
            allowed = (type(None), errors.ConfigError, errors.BadReply, errors.ConsentRequired)
            assert isinstance(problem, allowed), kind


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Consent(subject=5), "Consent: subject: "),
        (lambda: Consent(subjct="Ana"), "Consent: subjct: "),
        (lambda: Consent(purposes=5), r"Consent: purposes: .*pass a list of purposes"),
        (lambda: Consent(purposes=[5]), r"purposes: .*pass a list of purposes"),
        (lambda: Consent(purposes={"a": 1}), r"pass a list of purposes"),
        (lambda: Consent.not_a_real_person(5), "Consent: reason: "),
        (lambda: FakeVideo(extra=[1]), "FakeVideo: extra: "),
        (lambda: Policy(timeout="soon"), "Policy: timeout must be a number"),
        (lambda: Policy(deadline=float("nan")), "Policy: deadline must be a number"),
        (lambda: Policy(max_tries=-1), "Policy: max_tries must be a number"),
        (lambda: Policy(deadline=1e308), "Policy: deadline must be a number from 0 to 1000000000"),
        (lambda: Workload(trainings="two"), "trainings must be a whole number"),
        (lambda: Workload(script=5), "script is a value of type int: pass a text"),
        (lambda: quote("heygen"), r"stack is a value of type str: pass Stack.parse"),
        (lambda: compare(["heygen"], Workload()), r"stack is a value of type str"),
        (lambda: Prices([5]), "Prices are made of Price"),
        (lambda: Prices.load(file="a\0b"), "no file can be called that"),
        (lambda: Delivery(body="{}", headers={}), "a Delivery has a body of bytes"),
        (lambda: Marking(5), "signer must be a Signer"),
    ],
)
def test_a_wrong_field_is_named_with_what_to_pass(make, message):
    with pytest.raises(errors.ConfigError, match=message):
        make()


def test_a_model_of_a_vendors_answer_is_a_bad_reply():
    with pytest.raises(errors.BadReply, match="Job: id"):  # never taken for "was not accepted"
        Job(provider="fake", operation="video", id=5, state="running")


def test_a_model_that_is_read_from_a_row_still_has_the_error_of_its_format():
    with pytest.raises(ValidationError):
        Consent.model_validate_json('{"subject": 5}')
    assert not Consent.__pydantic_custom_init__  # so that nested models are read fast
