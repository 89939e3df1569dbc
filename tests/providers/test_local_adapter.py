"""The local provider in the roles of a vendor: jobs that survive the process, found by token."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

import av
import pytest

from avatarkit import AvatarKit, errors
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ROLES, Provider, ProviderSettings
from avatarkit.models import (
    AvatarRequest,
    JobState,
    Media,
    Operation,
    SpeechRequest,
    VideoRequest,
    VideoSettings,
    VoiceRequest,
    VoiceSettings,
)
from avatarkit.providers.local import jobs, load_engine
from avatarkit.providers.local.adapter import Local
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.webhooks import Delivery
from demo import begun

pytestmark = pytest.mark.anyio
DEMO = Path(__file__).parents[2] / "src/avatarkit/data/demo"


def media(path):
    async def chunks():
        yield path.read_bytes()

    return Media(
        name=path.name,
        media_type="application/octet-stream",
        size=path.stat().st_size,
        sha256="0",
        open=chunks,
    )


VOICE = VoiceRequest(token="ak-t-voice", samples=(media(DEMO / "voice.wav"),))
AVATAR = AvatarRequest(token="ak-t-avatar", footage=media(DEMO / "portrait.jpg"))


def video(**more):
    given = {"token": "ak-v-video", "avatar_id": "ak-t-avatar", "script": "Hi."}
    return VideoRequest(**(given | more))


@pytest.fixture
async def local(tmp_path):
    provider = Local(ProviderSettings(home=tmp_path / "home"))
    yield provider
    await provider.aclose()


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def finished(tmp_path_factory):
    """A folder with a voice and an avatar in it, made once."""
    home = tmp_path_factory.mktemp("finished") / "home"
    provider = Local(ProviderSettings(home=home))
    await provider.clone_voice(VOICE)
    await provider.train_avatar(AVATAR)
    await rendered(provider, "avatar", "ak-t-avatar")
    await provider.aclose()
    return home


@pytest.fixture
async def trained(local, finished):
    shutil.copytree(finished, local._home)
    return local


async def rendered(local, kind="video", job_id="ak-v-video"):
    """Wait for the render's thread, not for a time."""
    while (job := await getattr(local, f"get_{kind}")(job_id)).state is JobState.RUNNING:
        local._renders[local._home / f"{kind}s" / job_id].result()
    return job


def left(local):
    return sorted(str(p.relative_to(local._home)) for p in local._home.rglob("*.part"))


async def test_it_is_a_provider_of_four_roles(local):
    assert isinstance(local, Provider)
    played = {o for o, role in ROLES.items() if isinstance(local, role.protocol)}
    assert played == {Operation.VOICE, Operation.AVATAR, Operation.SPEECH, Operation.VIDEO}


async def test_a_voice_is_finished_when_it_is_cloned(local):
    job = await local.clone_voice(VOICE)
    assert (job.id, job.state) == ("ak-t-voice", JobState.SUCCEEDED)


async def fetched(local, link):
    return b"".join([chunk async for chunk in local.fetch(link)])


async def test_an_avatar_has_a_thumbnail_and_a_preview_in_which_it_speaks(trained):
    job = await trained.get_avatar("ak-t-avatar")
    assert (await fetched(trained, job.links["thumbnail"])).startswith(b"\xff\xd8\xff")
    assert (await fetched(trained, job.links["preview"]))[4:8] == b"ftyp"


async def test_no_other_user_can_read_a_voice_an_avatar_or_a_preview(finished):
    files = [path for path in finished.rglob("*") if path.is_file()]
    assert {"portrait.png", "preview.mp4", "voice.json"} <= {path.name for path in files}
    assert not [p for p in (finished, *finished.rglob("*")) if p.stat().st_mode & 0o077]


async def told(local, monkeypatch, **asked):
    """What the renderer is asked for, as the preview of a new avatar."""
    given = {}
    monkeypatch.setattr(load_engine(), "render_video", lambda *_, **more: given.update(more))
    await local.train_avatar(AVATAR.model_copy(update=asked))
    for render in local._renders.values():
        render.result()
    return given


async def test_a_preview_speaks_in_the_voice_of_its_training(local, monkeypatch):
    given = await told(local, monkeypatch, voice_id="ak-t-voice")
    assert given["voice_dir"] == local._home / "voices" / "ak-t-voice"


async def test_without_a_voice_of_ours_the_built_in_one_speaks(local, monkeypatch):
    assert not (await told(local, monkeypatch))["voice_dir"]


async def test_while_its_preview_is_made_an_avatar_is_not_finished(local, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(load_engine(), "render_video", lambda *_, **__: go_on.wait(10))
    job = await local.train_avatar(AVATAR)
    go_on.set()
    assert (job.state, job.progress) == (JobState.RUNNING, 0.0)


async def test_a_preview_that_cannot_be_made_fails_no_avatar(local, monkeypatch):
    def breaks(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(load_engine(), "render_video", breaks)
    await local.train_avatar(AVATAR)
    job = await rendered(local, "avatar", "ak-t-avatar")
    assert (job.state, set(job.links)) == (JobState.SUCCEEDED, {"thumbnail"})


async def test_an_avatar_of_before_there_were_previews_is_finished(trained):
    for name in ("job.json", "preview.mp4"):
        (trained._home / "avatars" / "ak-t-avatar" / name).unlink()
    assert (await trained.get_avatar("ak-t-avatar")).state is JobState.SUCCEEDED


async def test_a_repeat_under_the_same_token_is_the_same_job(local, monkeypatch):
    await local.clone_voice(VOICE)
    monkeypatch.setattr(load_engine(), "train_voice", None)  # doing it again would fail
    assert (await local.clone_voice(VOICE)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("find", ["find_voice", "find_avatar", "find_video"])
async def test_what_was_never_made_is_not_found(local, find):
    assert await getattr(local, find)("ak-t-voice") == []


async def test_a_job_is_found_by_its_token_in_another_process(local):
    await local.clone_voice(VOICE)
    other = Local(ProviderSettings(home=local._home))
    assert [j.id for j in await other.find_voice("ak-t-voice")] == ["ak-t-voice"]
    await other.aclose()


async def test_a_video_is_rendered_and_fetched(trained):
    await trained.generate_video(video(voice_id="ak-t-voice"))
    job = await rendered(trained)
    assert (await fetched(trained, job.links["video"]))[4:8] == b"ftyp"


async def test_recorded_audio_drives_a_video(trained, tmp_path):
    path = tmp_path / "short.wav"
    with wave.open(str(DEMO / "voice.wav")) as source, wave.open(str(path), "wb") as out:
        out.setparams(source.getparams())
        out.writeframes(source.readframes(source.getframerate()))
    await trained.generate_video(video(script=None, audio=media(path)))
    assert (await rendered(trained)).state is JobState.SUCCEEDED


async def test_a_render_that_fails_says_why(trained, tmp_path):
    silent = tmp_path / "silent.wav"
    with wave.open(str(silent), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(16_000))
    await trained.generate_video(video(script=None, audio=media(silent)))
    job = await rendered(trained)
    assert (job.state, "silent" in job.reason) == (JobState.FAILED, True)


async def test_a_bug_in_the_renderer_ends_the_job_too(trained, monkeypatch):
    def breaks(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(load_engine(), "render_video", breaks)
    await trained.generate_video(video())
    assert "ZeroDivisionError" in (await rendered(trained)).reason


async def test_progress_is_told_while_it_renders(trained, monkeypatch):
    heard, go_on = threading.Event(), threading.Event()

    def half(*args, on_progress, **kwargs):
        on_progress(0.5)
        heard.set()
        go_on.wait(10)
        raise load_engine().Cancelled

    monkeypatch.setattr(load_engine(), "render_video", half)
    await trained.generate_video(video())
    assert heard.wait(10)
    assert (await trained.get_video("ak-v-video")).progress == 0.5
    go_on.set()


async def test_closing_stops_a_render_and_the_next_one_finishes_it(trained):
    await trained.generate_video(video(script="This takes a while. " * 20))
    await trained.aclose()
    assert left(trained) == []
    other = Local(ProviderSettings(home=trained._home))
    job = trained._home / "videos" / "ak-v-video" / "job.json"
    job.write_text(job.read_text().replace("This takes a while. " * 20, "Hi."))
    assert (await rendered(other)).state is JobState.SUCCEEDED
    await other.aclose()


_RENDERS = """
import asyncio, sys
from pathlib import Path
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import VideoRequest
from avatarkit.providers.local.adapter import Local

async def main():
    local = Local(ProviderSettings(home=Path(sys.argv[1])))
    await local.generate_video(VideoRequest(
        token="ak-v-video", avatar_id="ak-t-avatar", script="This takes a while. " * 20))
    print("rendering", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_killed_render_is_begun_again_by_who_asks_next(trained):
    process = subprocess.Popen(
        [sys.executable, "-c", _RENDERS, str(trained._home)], stdout=subprocess.PIPE
    )
    process.stdout.readline()
    folder = trained._home / "videos" / "ak-v-video"
    patience = time.monotonic() + 30
    while not left(trained) and time.monotonic() < patience:
        time.sleep(0.02)
    assert (await trained.get_video("ak-v-video")).state is JobState.RUNNING  # the other holds it
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    job = folder / "job.json"
    job.write_text(job.read_text().replace("This takes a while. " * 20, "Hi."))
    assert (await rendered(trained)).state is JobState.SUCCEEDED
    assert left(trained) == []


async def test_deleting_twice_is_fine(trained):
    for _ in range(2):
        await trained.delete_voice("ak-t-voice")
        await trained.delete_avatar("ak-t-avatar")
        await trained.delete_video("ak-v-video")
    assert await trained.find_avatar("ak-t-avatar") == []


async def test_deleting_takes_along_what_killed_processes_left(trained):
    spool = trained._home / "spool" / "ak-t-avatar-dead"
    part = trained._home / "avatars" / ".ak-t-avatar.dead.part"
    gone = trained._home / "avatars" / ".ak-t-avatar.dead.gone"
    for folder in (spool, part, gone):
        folder.mkdir(parents=True)
        (folder / "0.jpg").write_bytes(b"a face")
    await trained.delete_avatar("ak-t-avatar")
    assert [str(p) for p in trained._home.rglob("*") if "avatar" in p.name and p.is_file()] == []
    assert not any(folder.exists() for folder in (spool, part, gone))


@pytest.mark.parametrize("job_id", ["", "..", "a/b", ".hidden", "a\\b"])
async def test_an_id_cannot_leave_the_folder(local, job_id):
    with pytest.raises(errors.NotFound):
        await local.get_voice(job_id)


@pytest.mark.parametrize(
    "url", ["local:../../etc/passwd", "https://example.com/x", "local:videos/nobody/video.mp4"]
)
async def test_only_its_own_results_are_fetched(local, url):
    with pytest.raises(errors.NotFound):
        async for _ in local.fetch(url):
            pass


async def test_speech_is_a_wav(trained):
    said = await trained.synthesize(
        SpeechRequest(token="ak-v-speech", voice_id="ak-t-voice", text="Hello.")
    )
    sound = b"".join([c async for c in said.audio])
    assert (said.media_type, sound[8:12]) == ("audio/wav", b"WAVE")


async def test_speech_needs_its_voice(local):
    with pytest.raises(errors.NotFound):
        await local.synthesize(SpeechRequest(token="t", voice_id="nobody", text="Hello."))


async def test_a_video_needs_its_avatar(local):
    with pytest.raises(errors.NotFound):
        await local.generate_video(video())


async def test_a_language_is_refused_before_anything_is_kept(trained):
    with pytest.raises(errors.Unsupported, match="en"):
        await trained.generate_video(video(language="de"))
    assert await trained.find_video("ak-v-video") == []


async def test_samples_that_are_refused_leave_nothing(local, tmp_path):
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(errors.MediaRejected):
        await local.clone_voice(VoiceRequest(token="ak-t-voice", samples=(media(noise),)))
    assert [p for p in local._home.rglob("*") if p.is_file()] == []


async def test_the_demo_portrait_has_one_face(local):
    (face,) = local.faces(DEMO / "portrait.jpg")
    assert face.confidence >= 0.9


async def test_nobody_calls_back(local):
    with pytest.raises(errors.WebhookRejected):
        local.events(Delivery(b"{}", {}))


def test_the_engine_reports_to_nobody():
    code = (
        "from avatarkit.providers.local import load_engine; load_engine(); "
        "import os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1"


# -- the folder -------------------------------------------------------------------------------


def account(home):
    return Local(ProviderSettings(home=home)).account


def test_each_folder_is_an_account_wherever_it_is_mounted(tmp_path):
    first, other = account(tmp_path / "a"), account(tmp_path / "b")
    (tmp_path / "a").rename(tmp_path / "mounted")
    assert account(tmp_path / "mounted") == first != other


@pytest.mark.parametrize("damage", [b"", b"\xff"])
def test_a_folder_whose_name_is_damaged_is_said_to(tmp_path, damage):
    (tmp_path / "account").write_bytes(damage)
    with pytest.raises(errors.StorageError, match=str(tmp_path)):
        account(tmp_path)


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(errors.StorageError, match="AVATARKIT_HOME"):
        account(tmp_path / "file" / "home")


async def test_what_lies_in_another_folder_is_neither_made_nor_said_to_be_deleted_here(tmp_path):
    repository = MemoryRepository(clock=SystemClock())

    def kit(home):
        given = {"repository": repository, "media": tmp_path / "media", "worker": False}
        return AvatarKit("local", settings=Settings(root=tmp_path / home), **given)

    async with kit("a") as theirs, kit("b") as ours:
        training = await begun(theirs)
        while not (await theirs.get(training.id)).started_at:
            await theirs.admin.tick()
        while not (asked := (await ours.get(training.id)).action):
            await ours.admin.tick()
        assert asked.kind == "account"
        await ours.delete(training.id)
        while await ours.admin.tick():  # until nothing is due for it
            pass
        assert [left.pending for left in await ours.admin.leftovers(training.id)] == [True]
        (voice,) = (tmp_path / "a" / "local" / "voices").iterdir()
        assert voice.name.startswith(f"ak-{training.id}")


@pytest.mark.parametrize(
    ("job", "engine"),
    [
        (jobs.train_face, "train_face"),
        (jobs.find_faces, "find_faces"),
        (jobs.read_sound, "write_samples"),
    ],
)
async def test_a_failure_of_the_engine_on_its_input_is_final_and_keeps_its_reason(
    tmp_path, monkeypatch, job, engine
):
    def fails(*_given):
        raise ValueError("Box can't exceed original image size")

    monkeypatch.setattr(load_engine(), engine, fails)
    given = [tmp_path / "me.webm", tmp_path / "made"][: 1 if engine == "find_faces" else 2]
    says = r"me\.webm \(ValueError: Box can't exceed"
    with pytest.raises(errors.MediaRejected, match=says) as caught:
        job.function(*given)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
async def test_a_full_disk_is_no_fault_of_a_recording(tmp_path, monkeypatch, error):
    def fails(*_given):
        raise error

    monkeypatch.setattr(load_engine(), "train_voice", fails)
    with pytest.raises(type(error)):
        jobs.train_voice.function([tmp_path / "me.wav"], tmp_path / "voice")


def kind(local, name, avatar="ak-t-avatar"):
    """Let the stored face of an avatar be of another kind."""
    path = local._home / "avatars" / avatar / "face.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kind": name}))


async def test_settings_reach_the_renderer(trained, monkeypatch):
    asked = VideoSettings(aspect="9:16", resolution="360p", fps=30, voice={"speed": 1.2})
    given = {}
    monkeypatch.setattr(load_engine(), "render_video", lambda *_, **more: given.update(more))
    await trained.generate_video(video(settings=asked))
    for render in trained._renders.values():
        render.result()
    assert given["settings"] == asked


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"background": "#204060"}, "background=#204060 of portrait"),
        ({"background": "transparent"}, "background=transparent of portrait"),
        ({"resolution": "4k"}, "resolution=4k"),
        ({"fps": 60}, "fps=60"),
        ({"container": "mov"}, "container=mov"),
        ({"voice": {"emotion": "happy"}}, "voice.emotion=happy"),
    ],
    ids=str,
)
async def test_a_setting_that_it_cannot_carry_out_is_refused(trained, setting, named):
    with pytest.raises(errors.Unsupported, match=named):
        await trained.generate_video(video(settings=VideoSettings(**setting)))
    assert not (trained._home / "videos").exists()


async def test_a_transparent_video_cannot_be_an_mp4(trained):
    kind(trained, "cut-out")
    settings = VideoSettings(background="transparent", container="mp4")
    with pytest.raises(errors.Unsupported, match=r"container=mp4\. Change one"):
        await trained.generate_video(video(settings=settings))


async def test_captions_of_a_recording_are_refused(trained):
    settings = VideoSettings(captions="sidecar")
    request = video(script=None, audio=media(DEMO / "voice.wav"), settings=settings)
    with pytest.raises(errors.Unsupported, match="does not know the words"):
        await trained.generate_video(request)


async def test_captions_are_results_beside_the_video(trained):
    await trained.generate_video(video(settings=VideoSettings(captions="sidecar")))
    links = (await rendered(trained)).links
    assert set(links) == {"video", "subtitles_srt", "subtitles_vtt"}
    assert (await fetched(trained, links["subtitles_vtt"])).startswith(b"WEBVTT")
    files = list((trained._home / "videos").rglob("*"))
    assert not [path for path in files if path.stat().st_mode & 0o077]


async def test_a_large_portrait_has_a_small_preview(finished):
    size = json.loads((finished / "avatars" / "ak-t-avatar" / "face.json").read_text())["size"]
    with av.open(str(finished / "avatars" / "ak-t-avatar" / "preview.mp4")) as container:
        assert min(size) > container.streams.video[0].height == 480


async def test_speed_is_the_only_setting_of_its_speech(trained):
    request = {"token": "ak-s", "voice_id": "ak-t-voice", "text": "Good morning, everybody."}
    lengths = []
    for speed in (1.0, 1.5):
        settings = VoiceSettings(speed=speed)
        speech = await trained.synthesize(SpeechRequest(**request, settings=settings))
        lengths.append(len(b"".join([chunk async for chunk in speech.audio])))
    assert lengths[1] < 0.8 * lengths[0]
    with pytest.raises(errors.Unsupported, match=r"voice\.pitch"):
        await trained.synthesize(SpeechRequest(**request, settings=VoiceSettings(pitch=3)))
