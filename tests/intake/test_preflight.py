"""What is said about samples and scripts before anyone pays."""

from __future__ import annotations

import builtins
import io
import json
import random
import sys
import threading
import wave
from array import array
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatarkit import AvatarKit, Consent
from avatarkit.cli.app import app
from avatarkit.config.settings import Settings
from avatarkit.errors import ConfigError, MediaRejected
from avatarkit.intake import preflight, probing
from avatarkit.intake.scripts import read_script
from avatarkit.interfaces import Face, Limit
from avatarkit.media.folder import FolderStore
from avatarkit.models import SampleRole
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock

VOICE, FOOTAGE = SampleRole.VOICE, SampleRole.FOOTAGE


def wav(seconds=2.0, rate=16_000, seed=0):
    """Noise that is neither loud nor quiet."""
    noise = random.Random(seed)
    sound = array("h", (noise.randrange(-8000, 8000) for _ in range(int(seconds * rate))))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(sound.tobytes())
    return file.getvalue()


def png(width=64, height=64):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def clip(seconds=1.0):
    import av
    import numpy as np

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(int(seconds * 25)):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


@pytest.fixture
def sample(tmp_path):
    def make(role, name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return role, name, path

    return make


class Finder:
    def __init__(self, *widths):
        self.widths = widths

    def faces(self, path):
        return [Face(confidence=0.9, box=(0.0, 0.0, w, w)) for w in self.widths]


#: Bounds that have faces looked for.
ONE_FACE = [("acme", Limit(what="faces", minimum=1, maximum=1))]


def errors_of(findings):
    return [f.message for f in findings if f.severity == "error"]


def messages(findings):
    return " | ".join(f.message for f in findings)


# -- what a file is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind", "media_type"),
    [
        (wav(), "audio", "audio/wav"),
        (png(), "image", "image/png"),
        (clip(), "video", "video/mp4"),
    ],
)
def test_a_file_is_what_its_bytes_say(sample, content, kind, media_type):
    facts = preflight.probe(sample(VOICE, "anything", content)[2])
    assert (facts.kind, facts.media_type) == (kind, media_type)


def test_a_recording_has_its_length(sample):
    assert preflight.probe(sample(VOICE, "me.wav", wav(2.0))[2]).seconds == 2.0


def test_a_picture_has_its_size_and_no_length(sample):
    facts = preflight.probe(sample(FOOTAGE, "me.png", png(640, 480))[2])
    assert (facts.width, facts.height, facts.seconds) == (640, 480, None)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"this is only text", "neither audio, video nor a picture"),
        (clip()[:200], "is cut off: upload it again"),
        (b"\x89PNG\r\n\x1a\nnonsense", "cannot be decoded"),
    ],
    ids=["empty", "text", "cut-off", "lying-header"],
)
def test_what_cannot_be_used_is_said(sample, content, text):
    findings = preflight.inspect([sample(FOOTAGE, "me.mp4", content)], ())
    assert text in errors_of(findings)[0]


def test_a_missing_file_is_said(tmp_path):
    (flaw,) = preflight.probe(tmp_path / "me.wav").flaws
    assert (flaw.code, flaw.severity) == ("missing", "error")


def test_without_the_media_extra_only_the_first_bytes_are_looked_at(sample, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.delitem(sys.modules, "avatarkit.content.decoding", raising=False)
    monkeypatch.setattr(preflight, "probe", probing.probe)  # in this process
    findings = preflight.inspect([sample(VOICE, "me.wav", wav())], ())
    assert "avatarkit-sdk[media]" in messages(findings)
    assert errors_of(findings) == []


# -- samples ----------------------------------------------------------------------------------


def test_good_samples_have_no_findings(sample):
    samples = [sample(VOICE, "me.wav", wav()), sample(FOOTAGE, "me.png", png())]
    assert preflight.inspect(samples, ONE_FACE, Finder(50.0)) == []


def test_six_voice_samples_are_too_many(sample):
    samples = [sample(VOICE, f"{n}.wav", wav()) for n in range(6)]
    assert errors_of(preflight.inspect(samples, ())) == [
        "6 voice samples were given; choose the best 5"
    ]


def test_a_picture_is_no_voice(sample):
    findings = preflight.inspect([sample(VOICE, "me.png", png())], ())
    assert "voice needs a WAV" in messages(findings)


def test_a_silent_clip_is_no_voice(sample):
    findings = preflight.inspect([sample(VOICE, "me.mp4", clip())], ())
    assert len(errors_of(findings)) == 1


def test_sound_is_no_footage(sample):
    findings = preflight.inspect([sample(FOOTAGE, "me.wav", wav())], ())
    assert "footage needs an MP4" in messages(findings)


def test_a_wrong_extension_is_a_warning(sample):
    (finding,) = preflight.inspect([sample(VOICE, "me.mp3", wav())], ())
    assert (finding.severity, "rename it to .wav" in finding.message) == ("warning", True)


@pytest.mark.parametrize("name", ["me.wave", "me.WAV", "me"])
def test_another_spelling_of_the_extension_is_fine(sample, name):
    assert preflight.inspect([sample(VOICE, name, wav())], ()) == []


def limit(what, **more):
    return [("acme", Limit(what=what, since="2026-11-01", **more))]


@pytest.mark.parametrize(
    ("bound", "role", "content", "text"),
    [
        (limit("voice_seconds", minimum=3), VOICE, wav(2.0), "at least 3"),
        (limit("voice_seconds", maximum=1), VOICE, wav(2.0), "at most 1"),
        (limit("voice_bytes", maximum=10), VOICE, wav(), "bytes of voice"),
        (limit("footage_seconds", minimum=120), FOOTAGE, clip(), "at least 120"),
        (limit("footage_bytes", maximum=10), FOOTAGE, png(), "bytes of footage"),
        (limit("footage_pixels", minimum=512), FOOTAGE, png(640, 480), "480 pixels"),
        (limit("footage_megapixels", maximum=0.1), FOOTAGE, png(640, 480), "megapixels"),
    ],
)
def test_a_providers_limit_is_held(sample, bound, role, content, text):
    (message,) = errors_of(preflight.inspect([sample(role, "x", content)], bound))
    assert text in message
    assert "acme" in message


def test_a_finding_names_whose_rule_it_is(sample):
    bound = limit("voice_seconds", minimum=3, severity="warning")
    (finding,) = preflight.inspect([sample(VOICE, "me.wav", wav())], bound)
    assert (finding.severity, finding.rule, finding.since) == ("warning", "acme", "2026-11-01")


def test_the_length_of_all_voice_samples_counts(sample):
    samples = [sample(VOICE, f"{n}.wav", wav(2.0, seed=n)) for n in range(2)]
    assert preflight.inspect(samples, limit("voice_seconds", minimum=3)) == []


def test_a_limit_on_the_length_says_nothing_about_a_picture(sample):
    bound = limit("footage_seconds", minimum=120)
    assert preflight.inspect([sample(FOOTAGE, "me.png", png())], bound) == []


@pytest.mark.parametrize(
    ("finder", "text"),
    [(Finder(), "no face"), (Finder(50.0, 45.0), "more than one face")],
    ids=["none", "two"],
)
def test_one_face_is_needed(sample, finder, text):
    (message,) = errors_of(preflight.inspect([sample(FOOTAGE, "me.png", png())], ONE_FACE, finder))
    assert text in message


def test_a_small_face_in_the_background_is_no_rival(sample):
    assert preflight.inspect([sample(FOOTAGE, "me.png", png())], ONE_FACE, Finder(50.0, 10.0)) == []


def test_what_the_face_finder_refuses_is_a_finding(sample):
    class Refuses:
        def faces(self, path):
            raise MediaRejected("turned too far")

    findings = preflight.inspect([sample(FOOTAGE, "me.png", png())], ONE_FACE, Refuses())
    assert errors_of(findings) == ["turned too far"]


def test_without_the_packages_that_find_faces_that_is_said(sample):
    class Missing:
        def faces(self, path):
            raise ConfigError("install them")

    (finding,) = preflight.inspect([sample(FOOTAGE, "me.png", png())], ONE_FACE, Missing())
    assert (finding.severity, finding.code) == ("warning", "faces-not-looked-for")


# -- scripts ----------------------------------------------------------------------------------


def test_a_script_loses_its_blank_edges():
    assert read_script("  Hello \n", ()) == "Hello"


@pytest.mark.parametrize("script", ["", "  \n\t"])
def test_an_empty_script_is_refused(script):
    with pytest.raises(MediaRejected, match="empty"):
        read_script(script, ())


def test_a_script_that_is_too_long_is_refused():
    with pytest.raises(MediaRejected, match="split the text"):
        read_script("a" * 11, limit("script_characters", maximum=10))


# -- in the kit -------------------------------------------------------------------------------

DEMO = Path(__file__).parents[2] / "src/avatarkit/data/demo"


@pytest.fixture
async def kit(tmp_path):
    clock = FakeClock()
    async with AvatarKit(
        "fake",
        repository=MemoryRepository(clock=clock),
        media=FolderStore(tmp_path / "media"),
        worker=False,
        settings=Settings(),
        clock=clock,
    ) as opened:
        yield opened


def train(kit, **more):
    given = {"voice": [DEMO / "voice.wav"], "footage": DEMO / "portrait.jpg"} | more
    drawn = Consent.not_a_real_person("a drawing")
    return kit.train(user_id="ana", clone_id="a", consent=drawn, **given)


@pytest.mark.anyio
async def test_a_training_looks_at_samples_off_the_event_loop(kit, monkeypatch):
    threads = []
    real = preflight.probe

    def probe(*given, **more):
        threads.append(threading.current_thread())
        return real(*given, **more)

    monkeypatch.setattr(preflight, "probe", probe)
    await train(kit)
    assert len(threads) == 2
    assert threading.main_thread() not in threads


@pytest.mark.anyio
async def test_a_training_reads_a_sample_once_to_look_at_it_and_once_to_store_it(kit):
    wanted = {str(DEMO / name) for name in ("voice.wav", "portrait.jpg")}
    opened = Counter()
    listening = True

    def listen(event, given):
        if listening and event == "open" and str(given[0]) in wanted:
            opened[str(given[0])] += 1

    sys.addaudithook(listen)
    await train(kit)
    listening = False
    assert opened == dict.fromkeys(wanted, 2)


@pytest.mark.anyio
async def test_all_errors_of_all_samples_are_told_at_once(kit):
    with pytest.raises(MediaRejected) as caught:
        await train(kit, voice=[b"text", b"", wav()])
    assert "is empty" in str(caught.value)
    assert "neither audio" in str(caught.value)


@pytest.mark.anyio
async def test_samples_without_a_role_get_the_one_that_they_fit(kit):
    assert await kit.preflight(samples=[DEMO / "portrait.jpg", DEMO / "voice.wav"]) == []


@pytest.mark.anyio
async def test_a_provider_is_asked_only_about_samples_that_it_gets(kit):
    findings = await kit.preflight(
        voice=[wav(20.0)], footage=DEMO / "portrait.jpg", stack="elevenlabs+d-id"
    )
    assert {(f.rule, f.code) for f in findings} == {("elevenlabs", "voice_seconds")}


def test_doctor_says_all_that_it_finds_with_whose_rule_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("me.wav").write_bytes(wav(2.0, rate=8_000))
    Path("me.png").write_text("<svg/>")
    arguments = ["--stack=heygen", "--samples=me.wav", "--samples=me.png", "--json"]
    result = CliRunner().invoke(app, ["doctor", *arguments], env={"HEYGEN_API_KEY": "k"})
    checks = json.loads(result.stdout.splitlines()[0])["checks"]
    found = {c["finding"]["code"]: c["finding"]["rule"] for c in checks if "finding" in c}
    assert found == {"narrow-band": "avatarkit", "svg": "avatarkit"}
    assert result.exit_code == 4
