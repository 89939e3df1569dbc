"""The real XTTS, tiny and with random weights: loaded, given a voice, and speaking noise.

``nox -s coqui`` runs it; where coqui-tts is not installed it skips.
"""

from __future__ import annotations

import importlib.util
import io
import socket
import subprocess
import sys
import wave

import pytest

from avatarkit import AvatarKit, errors
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ProviderSettings
from avatarkit.media.folder import FolderStore
from avatarkit.models import Media, SpeechRequest, VoiceRequest
from avatarkit.providers.coqui import Coqui, load_model
from avatarkit.providers.local.adapter import Local
from avatarkit.repositories.memory import MemoryRepository
from demo import DEMO, trained

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore"),  # torch and what stands on it have many
    pytest.mark.skipif(
        importlib.util.find_spec("TTS") is None, reason="the extra coqui is not installed"
    ),
]
ALPHABET = "abcdefghijklmnopqrstuvwxyz ,.!?'-"


def vocabulary(path, languages):
    """A tokenizer that knows letters and the marks of languages."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{name}]" for name in languages)]
    trainer = trainers.BpeTrainer(vocab_size=100, special_tokens=marks)
    tokenizer.train_from_iterator([ALPHABET], trainer)
    tokenizer.save(str(path))
    return tokenizer


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder as that of XTTS v2, with two layers and nothing learnt."""
    import torch
    from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models.xtts import Xtts

    folder = tmp_path_factory.mktemp("xtts")
    torch.manual_seed(0)
    languages = ["en", "pt"]
    tokenizer = vocabulary(folder / "vocab.json", languages)
    sizes = XttsArgs(
        gpt_layers=2,
        gpt_n_model_channels=64,
        gpt_n_heads=2,
        decoder_input_dim=64,
        gpt_max_audio_tokens=40,
        gpt_max_text_tokens=120,
        gpt_max_prompt_tokens=70,
        gpt_num_audio_tokens=34,
        gpt_start_audio_token=32,
        gpt_stop_audio_token=33,
        gpt_number_text_tokens=tokenizer.get_vocab_size(),
        gpt_start_text_token=tokenizer.token_to_id("[START]"),
        gpt_stop_text_token=tokenizer.token_to_id("[STOP]"),
    )
    config = XttsConfig(model_args=sizes, audio=XttsAudioConfig(), languages=languages)
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    torch.save({}, folder / "speakers_xtts.pth")  # no built-in speakers
    config.save_json(str(folder / "config.json"))
    return folder


@pytest.fixture(scope="module")
def model(weights):
    return load_model(weights)


def sample(path=DEMO / "voice.wav"):
    async def chunks():
        yield path.read_bytes()

    size = path.stat().st_size
    return Media(name=path.name, media_type="audio/wav", size=size, sha256="0", open=chunks)


VOICE = VoiceRequest(token="ak-t-voice", samples=(sample(),))


async def heard(coqui, **more):
    asked = {"token": "ak-v-speech", "voice_id": "ak-t-voice", "text": "Hello! How are you?"}
    said = await coqui.synthesize(SpeechRequest(**asked | more))
    return b"".join([chunk async for chunk in said.audio])


def is_speech(sound):
    with wave.open(io.BytesIO(sound)) as file:
        return (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (
            24_000, 1, 2,
        ) and file.getnframes() > 2_400  # fmt: skip


def make(home, address, **more):
    settings = ProviderSettings(home=home, base_url=str(address))
    return Coqui(settings, accept_cpml=True, **more)


async def test_a_kept_voice_speaks_in_another_process(tmp_path, weights, model):
    await make(tmp_path, weights).clone_voice(VOICE)
    assert [p.name for p in (tmp_path / "voices").iterdir()] == ["ak-t-voice.pth"]
    assert is_speech(await heard(make(tmp_path, weights), language="pt"))


async def test_weights_are_in_memory_once(weights, model):
    assert load_model(weights) is model


async def test_a_recording_that_is_none_is_refused(tmp_path, weights, model):
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"this is no recording")
    coqui = make(tmp_path, weights)
    with pytest.raises(errors.Refused, match="the model failed"):
        await coqui.clone_voice(VoiceRequest(token="ak-t-noise", samples=(sample(noise),)))
    assert await coqui.find_voice("ak-t-noise") == []


async def test_it_is_heard_from_a_face_of_local(tmp_path, weights, model):
    pytest.importorskip("onnxruntime", reason="the extra local is not installed")
    kit = AvatarKit(
        "coqui+local",
        repository=MemoryRepository(clock=SystemClock()),
        media=FolderStore(tmp_path / "media"),
        providers={
            "coqui": make(tmp_path / "coqui", weights),
            "local": Local(ProviderSettings(home=tmp_path / "local")),
        },
        settings=Settings(),
    )
    async with kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello!")
        await kit.save(video, tmp_path / "hello.mp4")
    assert (tmp_path / "hello.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.fixture(scope="module")
def server(weights):
    """A ``tts-server`` with the same weights."""
    pytest.importorskip("flask", reason="coqui-tts[server] is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "TTS.server.server", "--port", str(port)),
        *("--model_path", str(weights), "--config_path", str(weights / "config.json")),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    told = []
    for line in process.stdout:
        told.append(line)
        if "Running on http://" in line:
            break
    else:
        pytest.fail("".join(told[-20:]))
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.communicate()


async def test_a_real_tts_server_speaks_in_a_kept_voice(tmp_path, server):
    coqui = make(tmp_path, server)
    await coqui.clone_voice(VOICE)
    assert is_speech(await heard(coqui))
    await coqui.aclose()


async def test_a_real_tts_server_tells_why_its_model_failed(tmp_path, server):
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"this is no recording")
    coqui = make(tmp_path, server)
    await coqui.clone_voice(VoiceRequest(token="ak-t-voice", samples=(sample(noise),)))
    with pytest.raises(errors.Refused, match="TTS synthesis failed"):
        await heard(coqui)
    await coqui.aclose()
