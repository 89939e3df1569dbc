"""Coqui: two servers at the wire, and a model in this process that is but a stand-in.

The real model, tiny and knowing nothing, is in ``test_coqui_model.py``.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import threading
import wave
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, errors
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.content.files import chunks
from avatarkit.interfaces import ProviderSettings
from avatarkit.media.folder import FolderStore
from avatarkit.models import JobState, Operation, SpeechRequest, VoiceRequest
from avatarkit.providers.coqui import Coqui, adapter
from avatarkit.providers.coqui import model as xtts
from avatarkit.providers.local.adapter import Local
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.stacks.registry import Stack
from avatarkit.testing import CannedAnswers, ProviderSuite, SpeechSuite
from avatarkit.testing.providers import _BYTES, KEY, TOKEN
from avatarkit.webhooks import Delivery
from demo import DEMO, trained

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "coqui.json").read_text())
VOICE = TOLD["voice"]
SOUND = b"RIFF\x24\0\0\0WAVE"
SPOKEN = json.dumps(base64.b64encode(SOUND).decode()).encode()
TTS_SERVER, XTTS_SERVER = "http://models.example:5002", "xtts+http://models.example:8000"


def make(home, base_url="", **more):
    settings = ProviderSettings(home=home, base_url=base_url, api_key=SecretStr(KEY))
    return Coqui(settings, **{"accept_cpml": True} | more)


def keep(it, voice_id="v1", suffix=".json"):
    """A voice that was cloned some time ago."""
    it._voices.folder.mkdir(parents=True, exist_ok=True)
    (it._voices.folder / f"{voice_id}{suffix}").write_text(json.dumps(VOICE))
    return it


def sample():
    return TestCoqui().media()


def voice(**more):
    return VoiceRequest(**{"token": TOKEN, "samples": (sample(),)} | more)


def speech(**more):
    return SpeechRequest(**{"token": TOKEN, "voice_id": "v1", "text": "Hi!"} | more)


async def heard(it, **more):
    said = await it.synthesize(speech(**more))
    return b"".join([chunk async for chunk in said.audio])


class Agreed(Coqui):
    """For the suites, which know nothing of licences."""

    def __init__(self, settings=None, **more):
        super().__init__(settings, accept_cpml=True, **more)


def deviates(reason, raises=AssertionError):
    return pytest.mark.xfail(strict=True, raises=raises, reason=reason)


A_FILE = "a voice is a file in our folder, and no job at the server"
ONCE = deviates("it is not repeated at once: it takes minutes of a busy machine")


class TestCoqui(ProviderSuite):
    provider = Agreed
    recordings = {
        Operation.VOICE: CannedAnswers(
            submitted=VOICE,
            polled={JobState.SUCCEEDED: VOICE},
            state_field=None,
            webhook=False,
        )
    }

    def settings(self):
        return ProviderSettings(api_key=SecretStr(KEY), base_url=XTTS_SERVER)

    @pytest.fixture
    def it(self, wire, tmp_path):
        return make(tmp_path, XTTS_SERVER, client=wire.client)

    async def poll(self, it, operation):
        """Its one call is free."""
        return await self.submit(it, operation)

    @deviates("voices are found by token, in no list of a server")
    def test_what_can_be_found_is_recorded_as_a_list(self):
        super().test_what_can_be_found_is_recorded_as_a_list()

    @deviates("a server of one's own needs no key")
    def test_a_missing_key_names_its_variable(self):
        super().test_a_missing_key_names_its_variable()

    @deviates(A_FILE)
    async def test_a_submission_becomes_a_job(self, it, wire, operation):
        await super().test_a_submission_becomes_a_job(it, wire, operation)

    @deviates(A_FILE)
    async def test_each_known_answer_has_its_state(self, it, wire, operation):
        await super().test_each_known_answer_has_its_state(it, wire, operation)

    @deviates(A_FILE)
    async def test_a_poll_only_reads(self, it, wire, operation):
        await super().test_a_poll_only_reads(it, wire, operation)

    @deviates("without its numbers an answer is no voice", errors.BadReply)
    async def test_new_fields_and_nulls_do_no_harm(self, it, wire, operation):
        await super().test_new_fields_and_nulls_do_no_harm(it, wire, operation)

    @deviates(A_FILE)
    async def test_an_id_is_one_part_of_the_path(self, it, wire, operation):
        await super().test_an_id_is_one_part_of_the_path(it, wire, operation)

    @deviates(A_FILE)
    async def test_deleting_twice_is_fine_or_refused(self, it, wire, operation):
        await super().test_deleting_twice_is_fine_or_refused(it, wire, operation)

    @deviates("it has no webhooks at all", errors.WebhookRejected)
    def test_a_delivery_about_nothing_of_ours_is_no_event(self, it):
        super().test_a_delivery_about_nothing_of_ours_is_no_event(it)

    @pytest.mark.parametrize(
        ("status", "wanted"),
        [
            (401, errors.AuthError),
            (404, errors.NotFound),
            (422, errors.Refused),
            pytest.param(429, errors.RateLimited, marks=ONCE),
            pytest.param(503, errors.Unavailable, marks=ONCE),
        ],
    )
    async def test_a_status_has_its_error(self, it, wire, operation, status, wanted):
        await super().test_a_status_has_its_error(it, wire, operation, status, wanted)


class Speaks(SpeechSuite):
    provider = Agreed
    audio = SOUND
    media_type = "audio/wav"


class TestTtsServer(Speaks):
    @pytest.fixture
    def it(self, wire, tmp_path):
        return keep(make(tmp_path, TTS_SERVER, client=wire.client), suffix=".audio")


class TestXttsServer(Speaks):
    @pytest.fixture
    def it(self, wire, tmp_path):
        return keep(make(tmp_path, XTTS_SERVER, client=wire.client))

    def answer(self, wire):
        wire.reply(SPOKEN)

    @deviates("it knows no voices: the numbers of one are sent with each text")
    async def test_voice_and_text_are_on_the_wire(self, it, wire):
        await super().test_voice_and_text_are_on_the_wire(it, wire)


# -- where the model is, and its licence ------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "AVATARKIT_COQUI_BASE_URL"),
        ("ftp://models.example", "no address of coqui begins with ftp"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_config_error(tmp_path, address, said):
    with pytest.raises(errors.ConfigError, match=said):
        make(tmp_path, address)


def test_nobody_accepts_the_licence_for_the_caller(tmp_path, monkeypatch):
    monkeypatch.delenv("COQUI_TOS_AGREED", raising=False)
    with pytest.raises(errors.ConfigError, match=r"non-commercial use only.*accept_cpml=True"):
        make(tmp_path, TTS_SERVER, accept_cpml=None)


def test_who_agreed_for_coqui_tts_has_agreed(tmp_path, monkeypatch):
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    assert make(tmp_path, TTS_SERVER, accept_cpml=None)


def test_a_no_outweighs_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    with pytest.raises(errors.ConfigError, match="non-commercial"):
        make(tmp_path, TTS_SERVER, accept_cpml=False)


def test_without_a_key_none_is_sent_or_redacted(tmp_path):
    it = Coqui(ProviderSettings(home=tmp_path, base_url=TTS_SERVER), accept_cpml=True)
    assert it._headers() == {}
    assert it._redacted("said") == "said"


def test_nobody_calls_back(tmp_path):
    with pytest.raises(errors.WebhookRejected):
        make(tmp_path, TTS_SERVER).events(Delivery(b"{}", {}))


# -- voices -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _undecoded(monkeypatch, request):
    """Hand samples on as they are: most of these are no recordings."""

    async def same(path):
        return path

    if "decoded" not in request.node.name:
        monkeypatch.setattr(adapter, "_decoded", same)


async def test_a_recording_is_decoded_in_the_sandbox_before_the_model_reads_it(tmp_path, model):
    recording = sample().model_copy(update={"open": lambda: chunks(DEMO / "voice.wav")})
    await make(tmp_path, model=model).clone_voice(voice(samples=(recording,)))
    ((_, plain),) = model.cloned
    with wave.open(io.BytesIO(plain)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (44_100, 1, 2)


async def test_what_cannot_be_decoded_never_reaches_the_model(tmp_path, model):
    with pytest.raises(errors.MediaRejected, match="cannot be decoded"):
        await make(tmp_path, model=model).clone_voice(voice())
    assert model.cloned == []


class Model:
    """Stands for ``TTS.api.TTS``: files a voice where it is told, and notes what it says."""

    def __init__(self):
        self.synthesizer = self.tts_model = self
        self.sound = SOUND
        self.cloned, self.said, self.locked, self.threads = [], [], [], set()

    def at_work(self):
        self.locked.append(xtts.lock_of(self).locked())
        self.threads.add(threading.current_thread())

    def clone_voice(self, speaker_wav, speaker_id, voice_dir):
        self.at_work()
        self.cloned.append((speaker_id, Path(speaker_wav).read_bytes()))
        (Path(voice_dir) / f"{speaker_id}.pth").write_bytes(b"latents")

    def tts(self, text, speaker, language, voice_dir):
        self.at_work()
        assert (Path(voice_dir) / f"{speaker}.pth").read_bytes() == b"latents"
        self.said.append((text, speaker, language))
        return self.sound

    def save_wav(self, samples, out):
        out.write(samples)


@pytest.fixture
def model():
    return Model()


@pytest.fixture(params=["here", "tts-server", "xtts-streaming-server"])
def cloner(request, tmp_path, wire, model):
    """Each of the three, with a voice to be cloned."""
    wire.reply(VOICE)
    match request.param:
        case "here":
            return make(tmp_path, model=model)
        case "tts-server":
            return make(tmp_path, TTS_SERVER, client=wire.client)
        case _:
            return make(tmp_path, XTTS_SERVER, client=wire.client)


def files(it):
    return sorted(p.name for p in it._home.rglob("*") if p.is_file())


async def test_a_voice_is_finished_when_it_is_cloned(cloner):
    job = await cloner.clone_voice(voice())
    assert (job.id, job.state) == (TOKEN, JobState.SUCCEEDED)


async def test_no_other_user_can_read_a_voice(cloner):
    await cloner.clone_voice(voice())
    assert not [p for p in (cloner._home, *cloner._home.rglob("*")) if p.stat().st_mode & 0o077]


async def test_nothing_but_the_voice_is_left_of_cloning(cloner):
    await cloner.clone_voice(voice())
    assert [name.partition(".")[0] for name in files(cloner)] == [TOKEN]


async def test_a_voice_is_found_by_its_token_in_another_process(cloner):
    await cloner.clone_voice(voice())
    other = make(cloner._home, model=cloner._model, base_url=cloner._settings.base_url)
    assert [job.id for job in await other.find_voice(TOKEN)] == [TOKEN]


async def test_a_voice_that_was_never_made_is_not_found(cloner):
    assert await cloner.find_voice(TOKEN) == []


async def test_a_deleted_voice_is_gone_and_may_be_deleted_again(cloner):
    await cloner.clone_voice(voice())
    await cloner.delete_voice(TOKEN)
    await cloner.delete_voice(TOKEN)
    assert files(cloner) == []


async def test_what_a_killed_process_left_is_deleted_with_the_voice(cloner):
    await cloner.clone_voice(voice())
    part = cloner._voices.spool / f"{TOKEN}-1234"
    part.mkdir()
    (part / "sample.wav").write_bytes(b"a person's voice")
    await cloner.delete_voice(TOKEN)
    assert files(cloner) == []


async def test_a_voice_of_another_model_is_deleted_with_its_namesake(cloner):
    for suffix in (".pth", ".json", ".audio"):
        keep(cloner, TOKEN, suffix)
    await cloner.delete_voice(TOKEN)
    assert files(cloner) == []


@pytest.mark.parametrize("token", ["Zo\u00eb", "a b", "a__b", "_a", "a_", "../a", "", "a/b", "a.b"])
async def test_a_token_that_shares_its_file_with_others_is_refused(cloner, token):
    with pytest.raises(errors.Unsupported, match="under another name"):
        await cloner.clone_voice(voice(token=token))
    assert files(cloner) == []


@pytest.mark.parametrize("voice_id", ["../voices/v1", "", "v 1"])
async def test_an_id_that_is_no_file_name_is_not_found(cloner, voice_id):
    keep(cloner, suffix=adapter._SUFFIXES[cloner._kind])
    with pytest.raises(errors.NotFound):
        await cloner.get_voice(voice_id)
    await cloner.delete_voice(voice_id)
    assert len(files(cloner)) == 1


async def test_several_samples_must_be_joined_before(cloner):
    with pytest.raises(errors.Unsupported, match="join them"):
        await cloner.clone_voice(voice(samples=(sample(), sample())))


async def test_a_callback_address_is_refused(cloner):
    with pytest.raises(errors.Unsupported, match="callback"):
        await cloner.clone_voice(voice(callback_url="https://app.example/hook"))


async def test_the_guard_is_asked_before_a_voice_is_cloned(cloner):
    def guard():
        raise errors.NotSent("too late")

    with pytest.raises(errors.NotSent):
        await cloner.clone_voice(voice(guard=guard))
    assert files(cloner) == []


async def test_a_clone_that_breaks_leaves_nothing(tmp_path, model):
    model.clone_voice = lambda *args, **more: 1 / 0
    it = make(tmp_path, model=model)
    with pytest.raises(errors.Refused, match=r"the model failed \(ZeroDivisionError"):
        await it.clone_voice(voice())
    assert files(it) == []


async def test_a_model_clones_a_voice_once(tmp_path, model):
    it = make(tmp_path, model=model)
    await it.clone_voice(voice())
    await it.clone_voice(voice())
    assert model.cloned == [(TOKEN, _BYTES)]


async def test_a_streaming_server_clones_a_voice_once(tmp_path, wire):
    it = make(tmp_path, XTTS_SERVER, client=wire.reply(VOICE).client)
    await it.clone_voice(voice())
    await it.clone_voice(voice())
    (request,) = wire.requests
    assert (request.method, str(request.url)) == (
        "POST",
        "http://models.example:8000/clone_speaker",
    )
    assert wire.body() == {"wav_file": _BYTES}


async def test_cloning_sends_nothing_to_a_tts_server(tmp_path, wire):
    it = make(tmp_path, TTS_SERVER, client=wire.client)
    await it.clone_voice(voice())
    assert wire.requests == []


# -- speech -----------------------------------------------------------------------------------


async def test_a_model_says_a_text_in_a_kept_voice(tmp_path, model):
    it = make(tmp_path, model=model)
    await it.clone_voice(voice())
    assert await heard(it, voice_id=TOKEN, language="pt-BR") == SOUND
    assert model.said == [("Hi!", TOKEN, "pt")]


async def test_a_tts_server_is_told_where_the_recording_lies(tmp_path, wire):
    it = make(tmp_path, TTS_SERVER, client=wire.client)
    await it.clone_voice(voice())
    wire.reply(SOUND, content_type="audio/wav")
    assert await heard(it, voice_id=TOKEN, language="zh") == SOUND
    said = wire.body()
    assert Path(said.pop("speaker_wav")).read_bytes() == _BYTES
    assert said == {"text": "Hi!", "language_id": "zh-cn"}
    assert str(wire.requests[0].url) == "http://models.example:5002/api/tts"


async def test_a_streaming_server_is_sent_the_numbers_of_the_voice(tmp_path, wire):
    it = keep(make(tmp_path, XTTS_SERVER, client=wire.reply(SPOKEN).client))
    assert await heard(it) == SOUND
    assert wire.body() == {"text": "Hi!", "language": "en", **VOICE}
    assert str(wire.requests[0].url) == "http://models.example:8000/tts"


@pytest.mark.parametrize("answer", [b'{"hello": "world"}', b'"no base64!"', b"null", b"[1]"])
async def test_an_answer_without_audio_is_a_bad_reply(tmp_path, wire, answer):
    it = keep(make(tmp_path, XTTS_SERVER, client=wire.reply(answer).client))
    with pytest.raises(errors.BadReply, match="no audio"):
        await heard(it)


async def test_a_voice_that_is_not_there_cannot_speak(cloner, wire):
    with pytest.raises(errors.NotFound):
        await heard(cloner)
    assert wire.requests == []


async def test_a_language_that_xtts_does_not_speak_is_refused(cloner, wire):
    keep(cloner, suffix=adapter._SUFFIXES[cloner._kind])
    with pytest.raises(errors.Unsupported, match="'sv'"):
        await heard(cloner, language="sv")
    assert wire.requests == []


async def test_a_failure_of_the_model_at_the_server_is_not_repeated(tmp_path, wire):
    wire.reply(TOLD["failed"], 500)
    it = keep(make(tmp_path, TTS_SERVER, client=wire.client), suffix=".audio")
    with pytest.raises(errors.Refused, match="Language xx is not supported"):
        await heard(it)


async def test_a_server_without_a_text_says_so(tmp_path, wire):
    wire.reply(TOLD["no_text"], 400)
    it = keep(make(tmp_path, TTS_SERVER, client=wire.client), suffix=".audio")
    with pytest.raises(errors.Refused, match="Text parameter is required"):
        await heard(it)


def test_a_server_is_given_longer_than_a_minute(tmp_path):
    assert make(tmp_path, TTS_SERVER)._settings.timeout == 600


async def test_a_server_that_is_off_may_be_asked_again_later(tmp_path, wire):
    wire.fail(httpx.ConnectError)
    it = keep(make(tmp_path, TTS_SERVER, client=wire.client), suffix=".audio")
    with pytest.raises(errors.Unavailable) as caught:
        await heard(it)
    assert caught.value.retryable


# -- the model in this process ----------------------------------------------------------------


async def test_a_model_works_beside_the_event_loop(tmp_path, model):
    it = make(tmp_path, model=model)
    await it.clone_voice(voice())
    await heard(it, voice_id=TOKEN)
    assert threading.current_thread() not in model.threads


async def test_a_model_is_locked_while_it_works_whoever_asks(tmp_path, model):
    first, second = (make(tmp_path, model=model) for _ in range(2))
    await first.clone_voice(voice())
    await heard(first, voice_id=TOKEN)
    await heard(second, voice_id=TOKEN)
    assert model.locked == [True, True, True]
    assert not xtts.lock_of(model).locked()


def weights(folder, but=""):
    folder.mkdir()
    for name in ("config.json", "model.pth", "vocab.json", "speakers_xtts.pth"):
        if name != but:
            (folder / name).write_bytes(b"")
    return folder


def package(folder, monkeypatch, source):
    """An installed ``TTS`` that is ours, and a ``torch`` without a GPU."""
    (folder / "TTS").mkdir()
    (folder / "TTS/__init__.py").write_text("")
    (folder / "TTS/api.py").write_text(source)
    (folder / "torch.py").write_text("class cuda:\n    is_available = staticmethod(lambda: False)")
    monkeypatch.syspath_prepend(folder)
    for name in [m for m in sys.modules if m.partition(".")[0] in {"TTS", "torch"}]:
        monkeypatch.delitem(sys.modules, name)


LOADED = """
class TTS:
    def __init__(self, *, model_path, config_path, progress_bar):
        self.paths = model_path, config_path

    def to(self, device):
        self.device = device
        return self
"""


@pytest.mark.parametrize("missing", ["config.json", "speakers_xtts.pth"])
def test_a_folder_without_its_weights_says_what_is_missing(tmp_path, missing):
    with pytest.raises(errors.ConfigError, match=f"{missing} is missing"):
        xtts.load_model(weights(tmp_path / "xtts", but=missing))


def test_a_missing_package_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "TTS", None)
    with pytest.raises(errors.ConfigError, match=r'pip install "avatarkit-sdk\[coqui\]"'):
        xtts.load_model(weights(tmp_path / "xtts"))


def test_packages_that_do_not_fit_each_other_are_a_config_error(tmp_path, monkeypatch):
    package(tmp_path, monkeypatch, "raise OSError('Could not load this library: x.so')")
    with pytest.raises(errors.ConfigError, match=r"Could not load this library"):
        xtts.load_model(weights(tmp_path / "xtts"))


def test_weights_that_do_not_load_are_a_config_error(tmp_path, monkeypatch):
    package(tmp_path, monkeypatch, "class TTS:\n    def __init__(self, **k): raise KeyError('gpt')")
    with pytest.raises(errors.ConfigError, match="KeyError: 'gpt'"):
        xtts.load_model(weights(tmp_path / "xtts"))


def test_a_model_is_loaded_once_for_all_who_use_it(tmp_path, monkeypatch):
    package(tmp_path, monkeypatch, LOADED)
    folder = weights(tmp_path / "xtts")
    model = xtts.load_model(folder)
    assert xtts.load_model(folder) is model
    assert (model.paths, model.device) == ((str(folder), str(folder / "config.json")), "cpu")


async def test_weights_are_loaded_when_they_are_first_needed(tmp_path, monkeypatch, model):
    asked = []
    monkeypatch.setattr(adapter, "load_model", lambda folder: asked.append(folder) or model)
    it = make(tmp_path, "file:///models/xtts_v2")
    assert asked == []
    await it.clone_voice(voice())
    await heard(it, voice_id=TOKEN)
    assert asked == [Path("/models/xtts_v2")]


@pytest.mark.slow
def test_importing_it_loads_no_torch():
    code = (
        "import avatarkit.providers.coqui, sys; print(*{'torch', 'TTS', 'numpy'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


# -- stacks -----------------------------------------------------------------------------------


def test_its_voices_speak_through_local_faces():
    assert Stack.parse("coqui+local").roles == {
        Operation.VOICE: "coqui",
        Operation.SPEECH: "coqui",
        Operation.AVATAR: "local",
        Operation.VIDEO: "local",
    }


@pytest.fixture(params=["a model", "a server"])
def twins(request, tmp_path, model, wire):
    """A kit of the stack ``coqui+local``, whose voice says a second of the demo's recording."""
    pytest.importorskip("onnxruntime", reason="the extra local is not installed")
    with wave.open(str(DEMO / "voice.wav")) as source, io.BytesIO() as sound:
        with wave.open(sound, "wb") as out:
            out.setparams(source.getparams())
            out.writeframes(source.readframes(source.getframerate()))
        model.sound = sound.getvalue()
    there = {"base_url": TTS_SERVER, "client": wire.client}
    voices = make(tmp_path / "coqui", **({"model": model} if "model" in request.param else there))
    wire.reply(model.sound, content_type="audio/wav")
    return AvatarKit(
        "coqui+local",
        repository=MemoryRepository(clock=SystemClock()),
        media=FolderStore(tmp_path / "media"),
        providers={"coqui": voices, "local": Local(ProviderSettings(home=tmp_path / "local"))},
        settings=Settings(),
    )


def samples_of(file):
    """Samples of a WAV."""
    with wave.open(file if isinstance(file, io.BytesIO) else str(file)) as sound:
        return sound.readframes(sound.getnframes())


@pytest.mark.slow
@pytest.mark.once
async def test_a_voice_of_coqui_is_heard_from_a_face_of_local(twins, tmp_path, model):
    async with twins as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello!")
        await kit.save(video, tmp_path / "hello.mp4")
        await kit.save(video, tmp_path / "hello.wav", file="audio")
    assert (tmp_path / "hello.mp4").read_bytes()[4:8] == b"ftyp"
    # The saved one is marked, too.
    assert samples_of(tmp_path / "hello.wav") == samples_of(io.BytesIO(model.sound))
