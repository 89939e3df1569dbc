"""Lips and sound of finished videos by a judge that is not the engine; ``nox -s eye`` runs it.

The eye is MediaPipe's attention mesh, another network than the engine's face mesh, with a part of
its own for the lips. The ear is pocketsphinx, which aligns the script with the decoded sound: the
renderer's own times of phonemes are not asked for.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from avatarkit.providers.local import render
from avatarkit.providers.local.audio import Sound, loudness, read_audio
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.video import VideoWriter

from .lipsync import RATE, Measurement

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # MediaPipe has some
    pytest.mark.skipif(
        importlib.util.find_spec("mediapipe") is None
        or importlib.util.find_spec("pocketsphinx") is None,
        reason="the judges are only installed by nox -s eye",
    ),
]
DEMO = Path(render.__file__).parents[2] / "data" / "demo" / "portrait.jpg"
SCRIPTS = (
    "please bring my map to the boat everybody the weather is fine today",
    "a big brown bear began to climb the pump beside my apple tree",
    "tell people about the museum before you buy the cheapest ticket",
)
MIN_SYNC = 0.75  # Pearson's r of opening and loudness at lag 0
MIN_CLOSED = 0.95  # of all m, b and p
UPPER, LOWER, EYES = [82, 13, 312], [87, 14, 317], [33, 263]


@dataclass(frozen=True)
class Judged:
    """One video: what the eye saw, and when the ear heard m, b and p, in seconds."""

    seen: Measurement
    closures: list[float]


def looked_at(path: Path) -> tuple[np.ndarray, float]:
    """Opening of the lips in each frame, in distances of the eyes; frames per second."""
    from mediapipe.python.solutions.face_mesh import FaceMesh

    openings: list[float] = []
    with FaceMesh(refine_landmarks=True) as mesh, av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            found = mesh.process(frame.to_ndarray(format="rgb24")).multi_face_landmarks
            assert found, "no face in the video"
            size = (frame.width, frame.height)
            points = np.array([(mark.x, mark.y) for mark in found[0].landmark]) * size
            gaps = np.linalg.norm(points[UPPER] - points[LOWER], axis=1)
            eyes = float(np.linalg.norm(np.subtract(*points[EYES])))
            openings.append(float(gaps.mean()) / eyes)
    return np.array(openings), float(stream.average_rate)


def heard(samples: np.ndarray, script: str) -> list[float]:
    """Middles of m, b and p, from an alignment of the words with the sound (16 kHz)."""
    from pocketsphinx import Decoder

    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    decoder = Decoder(samprate=16_000, loglevel="FATAL", beam=1e-80, wbeam=1e-60, pbeam=1e-80)
    decoder.set_align_text(script)
    for setup in (lambda: None, decoder.set_alignment):  # words first, then phones within them
        setup()
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
    phones = [phone for word in decoder.get_alignment() for phone in word]
    return [(p.start + p.duration / 2) / 100 for p in phones if p.name in {"M", "B", "P"}]


def judge(path: Path, script: str) -> Judged:
    opening, fps = looked_at(path)
    samples, _ = read_audio(path, RATE)
    level = loudness(
        Sound.of(samples[int(RATE / fps / 2) :], RATE), len(opening), 1 / fps, window=0.06
    )
    spoken, _ = read_audio(path, 16_000)
    return Judged(Measurement(opening, level, fps), heard(spoken, script))


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> dict[str, list[Judged]]:
    """A drawing, a photograph and a clip, each with every script."""
    from skimage.data import astronaut

    folder = tmp_path_factory.mktemp("eye")
    photograph = Image.fromarray(astronaut())
    photograph.save(folder / "photograph.png")
    with VideoWriter(folder / "clip.mp4", size=(512, 512), fps=25, audio=False) as writer:
        for number in range(50):
            turned = photograph.rotate(2 * np.sin(number / 8), center=(224, 200))
            writer.write(Frame.from_rgb(np.asarray(turned)))
    sources = {"drawing": DEMO, "photograph": "photograph.png", "clip": "clip.mp4"}
    found: dict[str, list[Judged]] = {}
    for name, source in sources.items():
        render.train_face(folder / source, folder / name)
        for number, script in enumerate(SCRIPTS):
            film = folder / f"{name}-{number}.mp4"
            render.render_video(folder / name, film, script=f"{script}.")
            found.setdefault(name, []).append(judge(film, script))
    return found


FACES = ("drawing", "photograph", "clip")


@pytest.mark.parametrize("face", FACES)
def test_another_eye_sees_the_lips_follow_the_sound(judged, face):
    syncs = [each.seen.correlation() for each in judged[face]]
    print(face, "sync", [round(sync, 2) for sync in syncs])
    assert np.mean(syncs) >= MIN_SYNC


@pytest.mark.parametrize("face", FACES)
def test_another_eye_sees_no_delay(judged, face):
    assert all(abs(each.seen.best_lag()) <= 1 for each in judged[face])


@pytest.mark.parametrize("face", FACES)
def test_another_eye_sees_closed_lips_where_another_ear_hears_m_b_and_p(judged, face):
    counts = [len(each.closures) for each in judged[face]]
    closed = [each.seen.share_closed(each.closures) * len(each.closures) for each in judged[face]]
    print(face, "closed", [round(one) for one in closed], "of", counts)
    assert min(counts) >= 5
    assert sum(closed) >= MIN_CLOSED * sum(counts)
