"""The engine's jobs as functions: train a voice, train a face, speak, make a video.

They block and use the processor, so callers run them in a thread. Nothing half-written stays
behind when one fails or is cancelled.
"""

from __future__ import annotations

import functools
import io
import shutil
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from avatarkit import interfaces
from avatarkit.content import subtitles
from avatarkit.content.files import private_folder, restrict
from avatarkit.errors import MediaRejected
from avatarkit.models import VideoSettings
from avatarkit.providers.local import (
    audio,
    captions,
    container_of,
    expression,
    footage,
    speech,
    visemes,
    voice,
)
from avatarkit.providers.local.audio import Resampler, Sound
from avatarkit.providers.local.clips import Clip
from avatarkit.providers.local.drawing import (
    Captioned,
    ClipPainter,
    Painter,
    PortraitPainter,
    before,
    read_portrait,
)
from avatarkit.providers.local.expression import Look
from avatarkit.providers.local.footage import FaceModel
from avatarkit.providers.local.framing import framing
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.speech import Phoneme, Speech
from avatarkit.providers.local.text import check_text
from avatarkit.providers.local.video import AUDIO_RATE, ENCODINGS, VideoWriter
from avatarkit.providers.local.voice import VoiceProfile
from avatarkit.providers.local.warp import Array

MAX_SECONDS: Final = 15 * 60.0  # of one video
VOICE_FILE: Final = "voice.json"
TITLE: Final = "AI-generated video"
SCRIPT_COMMENT: Final = "AI-generated: synthetic voice and synthetic mouth motion (avatarkit)"
AUDIO_COMMENT: Final = "AI-generated: synthetic mouth motion to supplied audio (avatarkit)"


class Cancelled(Exception):
    """The caller asked to stop; nothing was left behind."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Result of a render."""

    path: Path
    seconds: float
    frames: int
    size: tuple[int, int]
    driven_by: str  #: "phonemes" or "audio"


def train_voice(paths: Sequence[Path], directory: Path) -> VoiceProfile:
    """Measure a voice in one to five recordings; the profile is stored in ``directory``."""
    profile = voice.train(paths)
    with _complete_directory(directory) as part:
        profile.save(part / VOICE_FILE)
    return profile


def load_voice(directory: Path) -> VoiceProfile:
    """Read the profile that :func:`train_voice` stored."""
    return VoiceProfile.load(directory / VOICE_FILE)


def train_face(
    path: Path, directory: Path, *, cancelled: Callable[[], bool] | None = None
) -> FaceModel:
    """Read a portrait or a clip; the face and a ``thumbnail.jpg`` are stored in ``directory``."""
    with _complete_directory(directory) as part:
        return footage.train(path, part, check=functools.partial(_stop_if, cancelled))


def find_faces(path: Path) -> list[interfaces.Face]:
    """Return all faces of a picture, the largest first."""
    return footage.find_faces(path)


def wav(said: Speech) -> bytes:
    """Speech as a WAV file: mono, 16 bits, 24 kHz."""
    file = io.BytesIO()
    audio.write_wav(file, said.samples, speech.RATE)
    return file.getvalue()


def synthesize(
    text: str,
    profile: VoiceProfile | None = None,
    *,
    language: str | None = None,
    speed: float = 1.0,
    pronounce: Mapping[str, str] = MappingProxyType({}),
    cancelled: Callable[[], bool] | None = None,
) -> Speech:
    """Say an English text in the built-in voice, shaped toward ``profile``."""
    check_text(text, language)

    def check(seconds: float) -> None:
        _stop_if(cancelled)
        if seconds > MAX_SECONDS:
            raise MediaRejected(
                f"the script is longer than {MAX_SECONDS / 60:.0f} minutes. "
                "Cut it into several videos."
            )

    return _speaker().speak(text, profile, speed=speed, pronounce=pronounce, check=check)


def render_video(
    face_dir: Path,
    out_path: Path,
    *,
    script: str | None = None,
    voice_dir: Path | None = None,
    sound_path: Path | None = None,
    language: str | None = None,
    settings: VideoSettings | None = None,
    pronounce: Mapping[str, str] = MappingProxyType({}),
    seed: int = 7,
    threads: int = 2,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> VideoFacts:
    """Make a trained face say ``script`` (in a trained voice) or what ``write_samples`` wrote.

    ``on_progress`` hears 0..1. When ``cancelled`` returns true, :class:`Cancelled` is raised
    within a few frames. ``seed`` chooses the performance. Captions beside the video have its name
    with ".srt" and ".vtt".
    """
    asked = settings or VideoSettings()
    if (script is None) == (sound_path is None):
        raise ValueError("give either script or sound_path")
    # the speech network is loaded and speaks while the face is read
    with ThreadPoolExecutor(1, thread_name_prefix="avatarkit-face") as pool:
        stored = pool.submit(_read_face, face_dir)
        _stop_if(cancelled)
        if script is not None:
            profile = load_voice(voice_dir) if voice_dir is not None else None
            said = synthesize(
                script,
                profile,
                language=language,
                speed=asked.voice.speed or 1.0,
                pronounce=pronounce,
                cancelled=cancelled,
            )
            sound, comment = Sound.of(said.samples, speech.RATE), SCRIPT_COMMENT
            phonemes, shown = said.phonemes, _cues(said)
        else:
            sound, comment = _stored_sound(sound_path), AUDIO_COMMENT
            phonemes, shown = None, []
        model, pixels = stored.result()
    fps = int(asked.fps or model.fps)
    if phonemes is not None:
        curves = visemes.from_phonemes(phonemes, sound, fps)
    else:
        curves = visemes.from_audio(sound, fps)
    resolution = None if asked.resolution is None else int(asked.resolution.removesuffix("p"))
    landmarks = model.landmarks.astype(np.float64)
    frame = framing(model.size, landmarks, asked.aspect, resolution)
    transparent = model.kind == "cut-out" and asked.background == "transparent"
    with ExitStack() as stack:
        if pixels is not None:
            picture = frame.picture(before(pixels, asked.background))
            looks = _looks(sound, phonemes, len(curves), fps, seed)
            points = frame.points(landmarks[0])
            painter: Painter = PortraitPainter(picture, points, curves, looks)
        else:
            clip = stack.enter_context(Clip(face_dir / footage.CLIP, len(model.landmarks)))
            painter = ClipPainter(clip, landmarks, curves, frame, rate=model.fps / fps)
        if asked.captions == "burnt-in":
            painter = Captioned(painter, shown, frame.size, fps)
        writer = stack.enter_context(
            VideoWriter(
                out_path,
                size=frame.size,
                fps=fps,
                alpha=transparent,
                encoding=ENCODINGS[container_of(asked)],
                threads=threads,
                metadata={"title": TITLE, "comment": comment},
            )
        )
        heard = Resampler(sound, AUDIO_RATE)
        for number, drawn in enumerate(_in_order(painter.draw, len(curves), threads)):
            _stop_if(cancelled)
            writer.write(drawn, heard)
            if on_progress is not None:
                on_progress((number + 1) / len(curves))
        _write_captions(out_path, asked, shown)
    return VideoFacts(
        path=out_path,
        seconds=len(curves) / fps,
        frames=len(curves),
        size=frame.size,
        driven_by="audio" if phonemes is None else "phonemes",
    )


def _write_captions(out_path: Path, asked: VideoSettings, shown: Sequence[subtitles.Cue]) -> None:
    if asked.captions == "sidecar":
        out_path.with_suffix(".srt").write_text(subtitles.srt(shown), "utf-8")
        out_path.with_suffix(".vtt").write_text(subtitles.vtt(shown), "utf-8")


def _cues(said: Speech) -> list[subtitles.Cue]:
    words = (
        word
        for passage in said.passages
        for word in captions.word_times(passage.text, passage.words)
    )
    return captions.cues(words)


def _read_face(directory: Path) -> tuple[FaceModel, Array | None]:
    """Read a face model, and its picture if it is a portrait."""
    model = FaceModel.load(directory)
    if model.kind == "clip":
        return model, None
    return model, read_portrait(directory / footage.PORTRAIT)


def _looks(
    sound: Sound, phonemes: Sequence[Phoneme] | None, frames: int, fps: int, seed: int
) -> list[Look]:
    level = audio.gaussian_smooth(audio.loudness(sound, frames, 1 / fps), 0.06 * fps)
    level = level / max(float(level.max()), 1e-6)
    return expression.looks(level, fps, phonemes, np.random.default_rng(seed))


def _in_order(draw: Callable[[int], Frame], count: int, threads: int) -> Iterator[Frame]:
    """Draw frames on several threads and yield them in order, a few ahead at most.

    OpenCV releases the interpreter's lock.
    """
    ahead: deque[Future[Frame]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="avatarkit-frames")
    try:
        for number in range(count):
            ahead.append(pool.submit(draw, number))
            if len(ahead) > 3 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def write_samples(path: Path, target: Path) -> None:
    """Write the sound of a file that shall drive the mouth: mono, AUDIO_RATE, 32-bit floats."""
    samples, _ = audio.read_audio(path, AUDIO_RATE, limit=MAX_SECONDS + 1)
    if samples.size > MAX_SECONDS * AUDIO_RATE:
        raise MediaRejected(
            f"{path.name} is longer than {MAX_SECONDS / 60:.0f} minutes. Cut it into several."
        )
    if samples.size < AUDIO_RATE // footage.FPS or float(np.abs(samples).max()) < 1e-4:
        raise MediaRejected(f"{path.name} is silent. Choose a recording with a voice.")
    np.asarray(samples, "<f4").tofile(target)


def _stored_sound(path: Path | None) -> Sound:
    """Open what ``write_samples`` wrote."""
    if path is None:
        raise ValueError("sound_path is missing")
    return Sound.stored(path, AUDIO_RATE)


@functools.cache
def _speaker() -> _LockedSpeaker:
    return _LockedSpeaker()


class _LockedSpeaker:
    """The speech network, loaded once per process; one text at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._speaker = speech.Speaker(threads=2)

    def speak(
        self,
        text: str,
        profile: VoiceProfile | None,
        *,
        speed: float,
        pronounce: Mapping[str, str],
        check: Callable[[float], None],
    ) -> Speech:
        with self._lock:
            return self._speaker.speak(text, profile, speed=speed, pronounce=pronounce, check=check)


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled


@contextmanager
def _complete_directory(directory: Path) -> Generator[Path, None, None]:
    """Fill a directory beside ``directory`` and give it the name when all is there."""
    part = directory.with_name(f".{directory.name}.{uuid.uuid4().hex}.part")
    private_folder(part)
    try:
        yield part
        restrict(part)
        if directory.exists():
            shutil.rmtree(directory)
        part.rename(directory)
    finally:
        shutil.rmtree(part, ignore_errors=True)
