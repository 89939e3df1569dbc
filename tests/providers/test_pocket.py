"""Pocket TTS: the adapter, and the real sherpa-onnx on tiny random networks of the same interface.

Where sherpa-onnx or onnx is not installed, only the tests of the adapter run: ``nox -s clone``
installs both.
"""

from __future__ import annotations

import importlib.util
import io
import json
import wave

import pytest

from avatarkit import AvatarKit, errors
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ProviderSettings
from avatarkit.media.folder import FolderStore
from avatarkit.models import Media, SpeechRequest, VoiceRequest
from avatarkit.providers.local.adapter import Local
from avatarkit.providers.pocket import Pocket, find_weights, model
from avatarkit.repositories.memory import MemoryRepository
from demo import DEMO, trained

pytestmark = pytest.mark.anyio
real = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sherpa_onnx", "onnx")),
    reason="nox -s clone installs sherpa-onnx and onnx",
)
FILES = ("lm_flow", "lm_main", "encoder", "decoder", "text_conditioner")
PIECES = ["<unk>", "\u2581", *"abcdefghijklmnopqrstuvwxyz.,!?'HT"]


def sample(path=DEMO / "voice.wav"):
    async def chunks():
        yield path.read_bytes()

    size = path.stat().st_size
    return Media(name=path.name, media_type="audio/wav", size=size, sha256="0", open=chunks)


def empty(folder, suffix=".onnx"):
    """A folder with the files of weights, and nothing in them."""
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / f"{name}{suffix}").touch()
    for name in ("vocab.json", "token_scores.json"):
        (folder / name).touch()
    return folder


def make(tmp_path, voices):
    return Pocket(ProviderSettings(home=tmp_path / "home"), voices=voices)


def request(**more):
    return SpeechRequest(**{"token": "ak-v-speech", "voice_id": "ak-t-voice", "text": "Hi!"} | more)


VOICE = VoiceRequest(token="ak-t-voice", samples=(sample(),))

# -- where the weights are --------------------------------------------------------------------


def test_each_language_has_a_folder_and_small_networks_come_first(tmp_path):
    empty(tmp_path / "en")
    (empty(tmp_path / "de") / "lm_main.int8.onnx").touch()
    (empty(tmp_path / "fr") / "vocab.json").unlink()
    empty(tmp_path / "klingon")
    found = find_weights(tmp_path)
    assert list(found) == ["en", "de"]
    assert found["de"].files["lm_main"].name == "lm_main.int8.onnx"
    assert model.missing(tmp_path / "fr") == ["vocab.json"]


def test_without_a_folder_it_says_which_variable_to_set(monkeypatch):
    monkeypatch.delenv("AVATARKIT_LOCAL_VOICES", raising=False)
    with pytest.raises(errors.ConfigError, match="AVATARKIT_LOCAL_VOICES"):
        Pocket()


async def test_an_empty_folder_and_a_missing_language_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("AVATARKIT_LOCAL_VOICES", str(tmp_path / "voices"))
    it = Pocket(ProviderSettings(home=tmp_path / "home"))
    with pytest.raises(errors.ConfigError, match="has no weights"):
        it.check_script("Hallo", "de")
    empty(tmp_path / "voices/en")
    it.check_script("Hello", None)
    it.check_script("Hello", "en-GB")
    with pytest.raises(errors.Unsupported, match=r"no weights for 'de'.* it has: en"):
        it.check_script("Hallo", "de")


# -- voices -----------------------------------------------------------------------------------


async def test_a_voice_is_found_by_its_token_until_it_is_deleted(tmp_path):
    it = make(tmp_path, empty(tmp_path / "voices/en").parent)
    assert await it.find_voice("ak-t-voice") == []
    job = await it.clone_voice(VOICE)
    assert await it.find_voice("ak-t-voice") == [job] == [await it.clone_voice(VOICE)]
    (kept,) = (tmp_path / "home/voices").iterdir()
    assert (kept.name, kept.stat().st_mode & 0o077) == ("ak-t-voice.wav", 0)
    await it.delete_voice("ak-t-voice")
    await it.delete_voice("ak-t-voice")
    assert await it.find_voice("ak-t-voice") == []
    assert [*(tmp_path / "home/voices").iterdir()] == []


@pytest.mark.parametrize("name", ["../home", "a/b", "*", "", ".x", "a\0b"])
async def test_a_name_that_is_a_path_is_no_voice(tmp_path, name):
    it = make(tmp_path, tmp_path)
    assert await it.find_voice(name) == []
    await it.delete_voice(name)


async def test_a_recording_that_is_none_leaves_nothing(tmp_path):
    (tmp_path / "noise.wav").write_bytes(b"this is no recording")
    it = make(tmp_path, tmp_path)
    with pytest.raises(errors.MediaRejected):
        await it.clone_voice(
            VoiceRequest(token="ak-t-noise", samples=(sample(tmp_path / "noise.wav"),))
        )
    assert await it.find_voice("ak-t-noise") == []


async def test_a_setting_that_the_model_lacks_is_refused(tmp_path):
    it = make(tmp_path, empty(tmp_path / "voices/en").parent)
    with pytest.raises(errors.Unsupported, match=r"voice\.speed"):
        await it.synthesize(request(settings={"speed": 1.2}))


def test_long_sentences_are_cut_at_spaces():
    long = "word " * 100
    assert model.passages(f"One. Two! {long}") == [
        "One.",
        "Two!",
        ("word " * 60).strip(),
        ("word " * 40).strip(),
    ]


# -- the real engine on tiny networks ---------------------------------------------------------


def networks():
    """Five networks with the inputs and outputs of Pocket TTS and random numbers."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)

    def random_numbers(name, *shape):
        values = (0.1 * random.standard_normal(shape)).astype(np.float32)
        return numpy_helper.from_array(values, name)

    def number(name, value, kind=np.int64):
        return numpy_helper.from_array(np.array(value, kind), name)

    def network(steps, inputs, outputs, numbers):
        nodes = [helper.make_node(kind, i, o, **more) for kind, i, o, more in steps]
        ends = [
            [
                helper.make_tensor_value_info(
                    name, TensorProto.INT64 if name in integers else TensorProto.FLOAT, shape
                )
                for name, shape in end.items()
            ]
            for end in (inputs, outputs)
        ]
        graph = helper.make_graph(nodes, "tiny", *ends, numbers)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        made.ir_version = 9
        return made.SerializeToString()

    integers = {"ids", "step", "step_out"}
    yield (
        "encoder",
        network(
            [
                ("Conv", ["audio", "k"], ["c"], {"strides": [1920]}),
                ("Transpose", ["c"], ["voice"], {"perm": [0, 2, 1]}),
            ],
            {"audio": [1, 1, "n"]},
            {"voice": [1, "t", 1024]},
            [random_numbers("k", 1024, 1, 1920)],
        ),
    )
    yield (
        "text_conditioner",
        network(
            [("Gather", ["table", "ids"], ["text"], {"axis": 0})],
            {"ids": [1, "n"]},
            {"text": [1, "n", 1024]},
            [random_numbers("table", len(PIECES), 1024)],
        ),
    )
    yield (
        "lm_main",
        network(
            [
                ("IsNaN", ["seq"], ["first"], {}),
                ("Where", ["first", "zero", "seq"], ["clean"], {}),
                ("ReduceSum", ["clean", "axis"], ["s"], {"keepdims": 0}),
                ("MatMul", ["heard", "we"], ["e"], {}),
                ("ReduceSum", ["e", "axis"], ["es"], {"keepdims": 0}),
                ("Sum", ["s", "es", "state"], ["sum"], {}),
                ("Tanh", ["sum"], ["state_out"], {}),
                ("MatMul", ["state_out", "wc"], ["c"], {}),
                ("Shape", ["seq"], ["shape"], {}),
                ("Slice", ["shape", "one", "two"], ["length"], {}),
                ("Shape", ["heard"], ["heard_shape"], {}),
                ("Slice", ["heard_shape", "one", "two"], ["heard_length"], {}),
                ("Div", ["heard_length", "ten"], ["tenth"], {}),
                ("Add", ["length", "tenth"], ["more"], {}),
                ("Add", ["step", "more"], ["step_out"], {}),
                ("Cast", ["step_out"], ["steps"], {"to": TensorProto.FLOAT}),
                ("Sub", ["steps", "last"], ["past"], {}),
                ("Reshape", ["past", "square"], ["end"], {}),
            ],
            {"seq": [1, "s", 32], "heard": [1, "t", 1024], "state": [1, 32], "step": [1]},
            {"c": [1, 16], "end": [1, 1], "state_out": [1, 32], "step_out": [1]},
            [
                number("zero", 0.0, np.float32),
                number("axis", [1]),
                number("one", [1]),
                number("two", [2]),
                number("ten", [10]),
                number("last", [40.0], np.float32),
                number("square", [1, 1]),
                random_numbers("we", 1024, 32),
                random_numbers("wc", 32, 16),
            ],
        ),
    )
    yield (
        "lm_flow",
        network(
            [
                ("MatMul", ["c", "w1"], ["a"], {}),
                ("MatMul", ["x", "w2"], ["b"], {}),
                ("Add", ["a", "b"], ["ab"], {}),
                ("Sub", ["t", "s"], ["dt"], {}),
                ("Mul", ["ab", "dt"], ["out"], {}),
            ],
            {"c": [1, 16], "s": [1, 1], "t": [1, 1], "x": [1, 32]},
            {"out": [1, 32]},
            [random_numbers("w1", 16, 32), random_numbers("w2", 32, 32)],
        ),
    )
    yield (
        "decoder",
        network(
            [
                ("MatMul", ["latent", "wd"], ["p"], {}),
                ("Tanh", ["p"], ["tp"], {}),
                ("Reshape", ["tp", "flat"], ["audio"], {}),
                ("Identity", ["state"], ["state_out"], {}),
            ],
            {"latent": [1, "n", 32], "state": [1, 1]},
            {"audio": [1, 1, "m"], "state_out": [1, 1]},
            [random_numbers("wd", 32, 1920), number("flat", [1, 1, -1])],
        ),
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder of voices with tiny weights for two languages."""
    root = tmp_path_factory.mktemp("voices")
    for language in ("en", "de"):
        (root / language).mkdir()
        for name, content in networks():
            (root / language / f"{name}.int8.onnx").write_bytes(content)
        tables = {"vocab": {p: n for n, p in enumerate(PIECES)}}
        tables["token_scores"] = dict.fromkeys(PIECES, -1.0)
        for name, table in tables.items():
            (root / language / f"{name}.json").write_text(json.dumps(table))
    return root


async def heard(it, **more):
    said = await it.synthesize(request(**more))
    return b"".join([chunk async for chunk in said.audio])


def seconds(sound):
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        return file.getnframes() / 24_000


@real
async def test_a_voice_speaks_in_another_process_and_in_two_languages(tmp_path, weights):
    await make(tmp_path, weights).clone_voice(VOICE)
    it = make(tmp_path, weights)
    assert seconds(await heard(it, text="Hello there. How are you?", language="de")) > 2
    assert seconds(await heard(it)) > 1
    await it.aclose()


@real
async def test_the_model_hears_the_recording(tmp_path, weights):
    it = make(tmp_path, weights)
    await it.clone_voice(VOICE)
    quiet = tmp_path / "quiet.wav"
    with wave.open(str(quiet), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(bytes(2 * 24_000 * 3))
    await it.clone_voice(VoiceRequest(token="ak-q-voice", samples=(sample(quiet),)))
    first, again, other = (
        await heard(it),
        await heard(it),
        await heard(it, voice_id="ak-q-voice"),
    )
    assert seconds(first) == seconds(again)
    assert seconds(first) < seconds(other)  # the tiny model says less after more of a voice


@real
async def test_weights_that_are_damaged_are_a_config_error(tmp_path, weights):
    folder = empty(tmp_path / "voices/en")
    (folder / "lm_flow.onnx").write_bytes(b"no network")
    it = make(tmp_path, folder.parent)
    await it.clone_voice(VOICE)
    with pytest.raises(errors.ConfigError, match="cannot be loaded"):
        await heard(it)


@real
async def test_it_is_heard_from_a_face_of_local(tmp_path, weights):
    pytest.importorskip("hibari", reason="the extra local is not installed")
    kit = AvatarKit(
        "pocket+local",
        repository=MemoryRepository(clock=SystemClock()),
        media=FolderStore(tmp_path / "media"),
        providers={
            "pocket": make(tmp_path, weights),
            "local": Local(ProviderSettings(home=tmp_path / "local")),
        },
        settings=Settings(root=tmp_path),
    )
    async with kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hello there.")
        assert (await kit.save(video, tmp_path / "said.mp4")).stat().st_size > 10_000
