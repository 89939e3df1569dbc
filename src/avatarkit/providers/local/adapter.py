"""The local provider: a vendor's operations, done by the engine on this machine.

Its jobs live in a folder, one directory per token, so they survive the process as a vendor's jobs
would: a render that was cut off is begun again by the next process that asks for it.
"""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import anyio
import anyio.to_thread

from ..._log import get_logger
from ...content.files import private_folder, private_opener, restrict
from ...content.sandbox import Calls, Stopped
from ...errors import AvatarKitError, NotFound, Unsupported, WebhookRejected
from ...interfaces import (
    AvatarTrainer,
    Capabilities,
    CatalogueEntry,
    CatalogueFilter,
    CatalogueKind,
    CataloguePart,
    ChecksScripts,
    Face,
    Limit,
    Limits,
    ListsCatalogue,
    Mapped,
    ProviderSettings,
    SpeechSynthesizer,
    VideoGenerator,
    VoiceCloner,
    requested,
    require_mapped,
    require_script,
)
from ...models import (
    AvatarRequest,
    ConsentRule,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    Speech,
    SpeechRequest,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VideoSettings,
    VoiceRequest,
)
from ...webhooks import Delivery
from ..catalogue import fits
from ..folder import KeptInFolder, write_media
from . import LANGUAGES, LocalSpeech, catalogue, container_of, jobs, load_engine
from .text import check_text

log = get_logger(__name__)

_SCHEME = "local:"
_CHUNK = 1 << 18  # bytes
_FOLDERS: Mapping[Operation, str] = {
    Operation.VOICE: "voices",
    Operation.AVATAR: "avatars",
    Operation.VIDEO: "videos",
}
#: Link name of the film that an operation renders, which is also the stem of its file.
_FILMS: Mapping[Operation, str] = {Operation.AVATAR: "preview", Operation.VIDEO: "video"}
_VOICE: Final = (Mapped(setting="voice.speed", minimum=0.5, maximum=2.0),)
_SETTINGS: Final = (
    Mapped(setting="aspect"),
    Mapped(setting="resolution", takes=("360p", "480p", "540p", "720p", "1080p")),
    # The person can only be told from the background where the portrait itself tells them apart.
    Mapped(setting="background", takes=("color",), avatars=("cut-out",)),
    Mapped(
        setting="background",
        takes=("transparent",),
        avatars=("cut-out",),
        excludes=("container=mp4",),
    ),
    Mapped(setting="captions", takes=("sidecar", "burnt-in"), by_script=True),
    Mapped(setting="container", takes=("mp4", "webm")),
    Mapped(setting="fps", takes=("25", "30")),
    *_VOICE,
)
#: Files of captions beside a video, by their link names.
_SUBTITLES: Mapping[str, str] = {"subtitles_srt": "video.srt", "subtitles_vtt": "video.vtt"}
#: Script of the preview of a new avatar.
_GREETING = "Hello! I'm your AI twin."
_PREVIEW_SIDE = 480  # pixels of the shorter side at most
_JOB = "job.json"
_FACE = "face.json"
_FAILURE = "failed.json"
_OURS = "avatarkit"
_READ = "2026-11-24"


class Local(
    KeptInFolder,
    VoiceCloner,
    AvatarTrainer,
    VideoGenerator,
    SpeechSynthesizer,
    ListsCatalogue,
    ChecksScripts,
):
    """Makes talking videos on this machine, without a key and without a network."""

    name: ClassVar[str] = "local"
    api_version: ClassVar[str] = "1"
    capabilities: ClassVar[Capabilities] = Capabilities(
        drive=frozenset({"script", "audio"}),
        speech_format="audio/wav",
        languages=LANGUAGES,
        found_by_token=frozenset(_FOLDERS),
        list_lag=0.0,
        free=frozenset({*_FOLDERS, Operation.SPEECH}),
        typical=MappingProxyType(
            {
                Operation.VOICE: 1.0,
                Operation.AVATAR: 5.0,
                Operation.SPEECH: 1.0,
                Operation.VIDEO: 10.0,
            }
        ),
        settings=MappingProxyType({Operation.VIDEO: _SETTINGS, Operation.SPEECH: _VOICE}),
        keeps_here=True,
        runs_here=True,
    )
    limits: ClassVar[Limits] = (
        Limit(what="voice_seconds", minimum=1.0, source=_OURS, since=_READ),
        Limit(what="voice_bytes", maximum=500e6, source=_OURS, since=_READ),
        Limit(what="footage_bytes", maximum=500e6, source=_OURS, since=_READ),
        Limit(what="footage_megapixels", maximum=120.0, source=_OURS, since=_READ),
        # The engine's own bounds, which it holds again when it trains.
        Limit(what="faces", minimum=1, maximum=1, source=_OURS, since=_READ),
        Limit(what="face_pixels", minimum=24.0, source=_OURS, since=_READ),
        Limit(what="face_turn", maximum=0.38, source=_OURS, since=_READ),
        Limit(what="script_characters", maximum=5000.0, source=_OURS, since=_READ),
    )
    consent_rules: ClassVar[tuple[ConsentRule, ...]] = ()
    option_types: ClassVar[tuple[type[Options], ...]] = (LocalSpeech,)
    catalogue_kinds: ClassVar[frozenset[CatalogueKind]] = frozenset(catalogue.FOLDERS)

    def __init__(self, settings: ProviderSettings | None = None) -> None:
        given = settings or ProviderSettings()
        self._home = (given.home or Path(".avatarkit/local")).absolute()
        # One at a time: a render uses all processors by itself.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="avatarkit-local")
        self._renders: dict[Path, Future[None]] = {}
        self._progress: dict[Path, float] = {}
        self._stop = threading.Event()
        self._calls = Calls()

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Raise ``WebhookRejected``: the local provider sends no webhooks."""
        del delivery
        raise WebhookRejected("the local provider sends no webhooks")

    async def aclose(self) -> None:
        """Stop rendering; an unfinished render starts again at the next poll."""
        self._stop.set()
        self._calls.kill()
        await anyio.to_thread.run_sync(self._pool.shutdown)

    # -- voice --------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Analyse the recordings; a voice of this token that exists already is kept."""
        request.guard()
        folder = self._folder(Operation.VOICE, request.token)
        if not folder.is_dir():
            async with self._files(request.token, request.samples) as paths:
                await jobs.train_voice.run(paths, folder)
        return await self.get_voice(request.token)

    async def get_voice(self, voice_id: str, /) -> Job:
        """Return the finished job of a stored voice."""
        return self._finished(Operation.VOICE, voice_id, {})

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """The voice of this token, if there is one."""
        return await self._found(token, self.get_voice)

    async def delete_voice(self, voice_id: str, /) -> None:
        """Forget the voice."""
        await self._delete(Operation.VOICE, voice_id)

    # -- avatar -------------------------------------------------------------------------------

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Find the face, keep its model, and begin to render a preview in which it speaks.

        It speaks in the voice of the same training where that is ours, else in the built-in one. An
        avatar of this token that exists is kept.
        """
        request.guard()
        folder = self._folder(Operation.AVATAR, request.token)
        if not folder.is_dir():
            job: dict[str, Any] = {
                "avatar": request.token,
                "voice": request.voice_id,
                "script": _GREETING,
                "language": None,
            }
            async with self._files(request.token, [request.required_footage]) as paths:
                with _complete(folder) as part:
                    await jobs.train_face.run(paths[0], part)
                    if min(_face(part).get("size", [0])) > _PREVIEW_SIDE:
                        job["settings"] = {"resolution": f"{_PREVIEW_SIDE}p"}
                    (part / _JOB).write_text(json.dumps(job))
        return await self.get_avatar(request.token)

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Return the progress of the preview; without a preview the avatar is finished."""
        folder = self._existing(Operation.AVATAR, avatar_id)
        links = {"thumbnail": f"{_SCHEME}avatars/{avatar_id}/thumbnail.jpg"}
        if not (folder / _JOB).is_file() or (folder / _FAILURE).is_file():
            return self._finished(Operation.AVATAR, avatar_id, links)
        return self._rendered(Operation.AVATAR, avatar_id, links)

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """The avatar of this token, if there is one."""
        return await self._found(token, self.get_avatar)

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Forget the avatar."""
        await self._delete(Operation.AVATAR, avatar_id)

    def faces(self, path: Path) -> list[Face]:
        """Find all faces in a picture, the largest first; raises ``MediaRejected``."""
        return jobs.find_faces(path)

    def check_script(self, text: str, language: str | None, /) -> None:
        """Refuse letters of another script, and what does not seem to be English."""
        check_text(text, language)

    # -- speech -------------------------------------------------------------------------------

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Say a text in the built-in voice, shaped toward the trained one; 24 kHz WAV."""
        request.guard()
        require_mapped(self, *requested(request))
        engine = load_engine()
        voice = self._existing(Operation.VOICE, request.voice_id)
        speed = request.settings.speed or 1.0

        def speak() -> bytes:
            profile = engine.load_voice(voice)
            said = engine.synthesize(
                request.text,
                profile,
                language=request.language,
                speed=speed,
                pronounce=_pronounce(request),
            )
            return bytes(engine.wav(said))

        sound = await anyio.to_thread.run_sync(speak)

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(sound), _CHUNK):
                yield sound[start : start + _CHUNK]

        return Speech(audio=chunks(), media_type="audio/wav")

    # -- video --------------------------------------------------------------------------------

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Write the job down and begin to render it; ``get_video`` follows it."""
        request.guard()
        if request.script is not None:
            check_text(request.script, request.language)
        folder = self._folder(Operation.VIDEO, request.token)
        self._existing(Operation.AVATAR, request.avatar_id)
        self._check_settings(request)
        if not folder.is_dir():
            job = {
                "avatar": request.avatar_id,
                "voice": request.voice_id,
                "script": request.script,
                "language": request.language,
                "settings": request.settings.model_dump(),
                "pronounce": _pronounce(request),
            }
            with _complete(folder) as part:
                (part / _JOB).write_text(json.dumps(job))
                if request.audio is not None:
                    await write_media(part / "audio", request.audio)
        return await self.get_video(request.token)

    async def get_video(self, video_id: str, /) -> Job:
        """Return the progress of the render; an abandoned render starts again."""
        failure = self._existing(Operation.VIDEO, video_id) / _FAILURE
        if failure.is_file():
            reason = json.loads(failure.read_text())["message"]
            return self._job(Operation.VIDEO, video_id, JobState.FAILED, reason=reason)
        return self._rendered(Operation.VIDEO, video_id, {})

    def kind_of_avatar(self, avatar_id: str, /) -> str:
        """Return "portrait", "cut-out" (one with a transparent background), "clip", or ""."""
        with suppress(NotFound):
            return str(_face(self._existing(Operation.AVATAR, avatar_id)).get("kind", ""))
        return ""

    def _check_settings(self, request: VideoRequest) -> None:
        """Raise ``Unsupported`` for settings that cannot be carried out together."""
        kind = self.kind_of_avatar(request.avatar_id)
        require_mapped(self, *requested(request), kind)
        by_audio = request.audio is not None
        require_script(self, request.settings.asked(), by_audio=by_audio)

    async def find_video(self, token: str, /) -> Sequence[Job]:
        """The video of this token, if there is one."""
        return await self._found(token, self.get_video)

    async def delete_video(self, video_id: str, /) -> None:
        """Stop and forget the video."""
        await self._delete(Operation.VIDEO, video_id)

    # -- catalogue ----------------------------------------------------------------------------

    async def list_entries(
        self, kind: CatalogueKind, wanted: CatalogueFilter, cursor: str | None, /
    ) -> CataloguePart:
        """List what was trained in this folder, all of it at once."""
        del cursor
        if kind not in catalogue.FOLDERS:
            raise Unsupported(f"local has no {kind}s")
        found = await anyio.to_thread.run_sync(lambda: [*catalogue.entries(self._home, kind)])
        return CataloguePart(entries=tuple(entry for entry in found if fits(entry, wanted)))

    async def get_template(self, template_id: str, /) -> CatalogueEntry:
        """Raise ``Unsupported``."""
        raise Unsupported(f"local has no templates, so none of the id {template_id!r}")

    # -- films --------------------------------------------------------------------------------

    def _rendered(self, operation: Operation, job_id: str, links: Mapping[str, str]) -> Job:
        """Job of a film, finished or in progress; an abandoned render starts again."""
        folder = self._folder(operation, job_id)
        name = _FILMS[operation]
        film = folder / f"{name}.{container_of(_settings(folder))}"
        if film.is_file():
            base = f"{_SCHEME}{_FOLDERS[operation]}/{job_id}/"
            files = {name: film.name, **_SUBTITLES}
            made = {link: base + file for link, file in files.items() if (folder / file).is_file()}
            return self._finished(operation, job_id, {**links, **made})
        render = self._renders.get(folder)
        if render is None or render.done():
            self._renders[folder] = self._pool.submit(self._render, folder, film)
        progress = self._progress.get(folder, 0.0)
        return self._job(operation, job_id, JobState.RUNNING, progress=progress)

    def _render(self, folder: Path, film: Path) -> None:
        with _alone(folder) as alone:
            if not alone or film.is_file():
                return  # another process renders it, or has just finished
            for cut_off in folder.glob(".*.part"):
                cut_off.unlink(missing_ok=True)
            try:
                self._render_alone(folder, film)
            except AvatarKitError as error:
                _replace(folder / _FAILURE, json.dumps({"message": str(error)}))
            except Exception as error:
                log.exception("local.render_failed", error=type(error).__name__)
                message = f"the local renderer failed ({type(error).__name__}): please report it"
                _replace(folder / _FAILURE, json.dumps({"message": message}))
            finally:
                self._progress.pop(folder, None)

    def _render_alone(self, folder: Path, film: Path) -> None:
        engine = load_engine()
        job = json.loads((folder / _JOB).read_text())
        audio, sound = folder / "audio", folder / ".sound.part"

        def hear(progress: float) -> None:
            self._progress[folder] = progress

        def stopped() -> bool:
            return self._stop.is_set() or not folder.is_dir()

        voice = job["voice"] and self._folder(Operation.VOICE, job["voice"])
        try:
            if audio.is_file():
                with self._calls.active():
                    jobs.read_sound(audio, sound)
            engine.render_video(
                self._folder(Operation.AVATAR, job["avatar"]),
                film,
                script=job["script"],
                voice_dir=voice,
                sound_path=sound if audio.is_file() else None,
                language=job["language"],
                settings=_settings(folder),
                pronounce=job.get("pronounce") or {},
                on_progress=hear,
                cancelled=stopped,
            )
            restrict(folder)
        except (engine.Cancelled, Stopped):
            log.info("local.render_stopped", job=folder.name)
        finally:
            sound.unlink(missing_ok=True)

    # -- shared by all roles ----------------------------------------------------------------------

    async def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream one of our own results."""
        path = self._home.joinpath(*url.removeprefix(_SCHEME).split("/"))
        if not url.startswith(_SCHEME) or ".." in path.parts or not path.is_file():
            raise self._missing("fetch", url)
        async with await anyio.open_file(path, "rb") as file:
            while chunk := await file.read(_CHUNK):
                yield chunk

    def _folder(self, operation: Operation, job_id: str) -> Path:
        if not job_id or any(c in job_id for c in "/\\\0") or job_id.startswith("."):
            raise self._missing(operation, job_id)
        return self._home / _FOLDERS[operation] / job_id

    def _existing(self, operation: Operation, job_id: str) -> Path:
        folder = self._folder(operation, job_id)
        if not folder.is_dir():
            raise self._missing(operation, job_id)
        return folder

    def _missing(self, operation: str, job_id: str) -> NotFound:
        return NotFound(
            f"there is no {job_id!r} in {self._home}", provider=self.name, operation=operation
        )

    def _finished(self, operation: Operation, job_id: str, links: Mapping[str, str]) -> Job:
        self._existing(operation, job_id)
        return self._job(operation, job_id, JobState.SUCCEEDED, links=dict(links))

    def _job(self, operation: Operation, job_id: str, state: JobState, **more: Any) -> Job:
        return Job(provider=self.name, operation=operation, id=job_id, state=state, **more)

    async def _found(self, token: str, get: Callable[[str], Any]) -> Sequence[Job]:
        try:
            return [await get(token)]
        except NotFound:
            return []

    async def _delete(self, operation: Operation, job_id: str) -> None:
        folder = self._folder(operation, job_id)

        def remove() -> None:
            with suppress(FileNotFoundError):  # at once, so that nobody sees half of it
                folder.rename(folder.with_name(f".{job_id}.{uuid.uuid4().hex}.gone"))
            # Also the leftovers of killed processes: half-written, half-deleted, spooled.
            for rest in (
                *folder.parent.glob(f".{glob.escape(job_id)}.*"),
                *(self._home / "spool").glob(f"{glob.escape(job_id)}-*"),
            ):
                shutil.rmtree(rest, ignore_errors=True)

        await anyio.to_thread.run_sync(remove)

    def _files(self, token: str, media: Sequence[Media]) -> _Spool:
        return _Spool(self._home / "spool" / f"{token}-{uuid.uuid4().hex}", media)


def _face(folder: Path) -> dict[str, Any]:
    """Facts of the face model in a folder; empty without one."""
    with suppress(FileNotFoundError):
        facts: dict[str, Any] = json.loads((folder / _FACE).read_text())
        return facts
    return {}


def _settings(folder: Path) -> VideoSettings:
    """Settings of a job."""
    job = json.loads((folder / _JOB).read_text())
    return VideoSettings.model_validate(job.get("settings") or {})


def _pronounce(request: VendorRequest) -> dict[str, str]:
    """Pronunciations of all options of a request; the last one wins."""
    own = (option for option in request.options if isinstance(option, LocalSpeech))
    return {word: said for option in own for word, said in option.pronounce.items()}


class _Spool:
    """Recordings as files that exist while the block runs."""

    def __init__(self, folder: Path, media: Sequence[Media]) -> None:
        self._folder = folder
        self._media = media

    async def __aenter__(self) -> list[Path]:
        private_folder(self._folder)
        paths: list[Path] = []
        for number, media in enumerate(self._media):
            path = self._folder / f"{number}{Path(media.name).suffix}"
            await write_media(path, media)
            paths.append(path)
        return paths

    async def __aexit__(self, *error: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def _complete(folder: Path) -> Generator[Path, None, None]:
    """Fill a directory that appears whole or not at all; the first of two wins."""
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    private_folder(part)
    try:
        yield part
        restrict(part)  # the engine writes as others do
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with open(part, "w", opener=private_opener) as file:
            file.write(text)
        part.replace(path)
    except FileNotFoundError:
        return  # the job was deleted meanwhile


@contextmanager
def _alone(folder: Path) -> Generator[bool, None, None]:
    """Lock the job against other processes; the system releases the lock when this process dies."""
    try:
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)
