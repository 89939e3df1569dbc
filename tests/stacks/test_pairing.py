"""Every stack of the table, with the real adapters: what the kit does is what the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import avatarkit
from avatarkit import AvatarKit, Consent
from avatarkit.config.settings import Settings
from avatarkit.models import Operation
from avatarkit.stacks import registry
from avatarkit.stacks.pairing import scripted, way

pytestmark = pytest.mark.anyio

ROWS = [row for row in registry.stacks() if Operation.VIDEO in row.roles and row.problem is None]
KEYS = {f"AVATARKIT_{n.upper().replace('-', '_')}_API_KEY": "a:key" for n in registry.BUILTIN}
ENVIRON = KEYS | {
    "AVATARKIT_RASK_CLIENT_ID": "us",
    "AVATARKIT_COMFYUI_BASE_URL": "http://127.0.0.1:1",
    "AVATARKIT_COQUI_BASE_URL": "http://127.0.0.1:1",
    "COQUI_TOS_AGREED": "1",
    "AVATARKIT_PUBLIC_URL": "https://twins.test",  # some take media only by a link
    "AVATARKIT_MEDIA_SECRET": "of this test, and long enough",
}


VOICE = Path(avatarkit.__file__).with_name("data") / "demo/voice.wav"
COMFYUI = json.loads((Path(__file__).parents[1] / "providers/comfyui.json").read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.stack)
async def test_a_video_of_a_stack_is_made_by_whom_the_table_names(row, tmp_path, monkeypatch):
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    monkeypatch.setenv("AVATARKIT_LOCAL_VOICES", str(tmp_path / "voices"))
    (tmp_path / "voices/en").mkdir(parents=True)
    weights = ("lm_flow", "lm_main", "encoder", "decoder", "text_conditioner")
    for name in (*(f"{name}.onnx" for name in weights), "vocab.json", "token_scores.json"):
        (tmp_path / "voices/en" / name).touch()
    monkeypatch.setenv("AVATARKIT_COMFYUI_WORKFLOW", str(tmp_path / "workflow_api.json"))
    (tmp_path / "workflow_api.json").write_text(json.dumps(COMFYUI["workflow"]))
    voice, avatar = row.roles.get(Operation.VOICE), row.roles[Operation.VIDEO]
    said = {"script": "Hello!"} if voice or scripted(registry.load(avatar)) else {"audio": VOICE}
    kit = AvatarKit(
        row.stack,
        repository="memory://",
        media=tmp_path / "media",
        settings=Settings.from_env(ENVIRON),
        worker=False,
    )
    async with kit:
        training = await kit.adopt(
            user_id="ana",
            clone_id="ana-1",
            avatar_id="a1",
            voice_id="v1" if "script" in said else None,
            consent=Consent(subject="Ana"),
        )
        video = await kit.speak(training.id, **said, wait=False)
    made = {state.operation: state.provider for state in video.operations}
    joined = {Operation.SPEECH: voice} if voice and voice != avatar else {}
    assert made == joined | {Operation.VIDEO: avatar}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.stack)
def test_the_audio_reaches_the_avatar_in_a_format_that_it_takes(row):
    voice, avatar = row.roles.get(Operation.VOICE), row.roles[Operation.VIDEO]
    if voice in {None, avatar}:
        return
    takes = registry.load(avatar).capabilities.audio_formats
    found = way(registry.load(voice), registry.load(avatar))
    assert found.spoken is None or (found.given or found.spoken) in takes


def test_elevenlabs_can_also_be_spoken_by_d_id():
    assert way(registry.load("elevenlabs"), registry.load("d-id")).by_id
