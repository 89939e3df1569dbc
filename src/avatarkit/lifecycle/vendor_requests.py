"""Build a provider's requests from a record and the media store; sends nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import JsonValue

from .. import errors
from ..consent import require_valid
from ..content import audio, conversion
from ..content.files import chunks, local_path, temporary_folder, whole
from ..interfaces import MediaStore, Provider, Repository, accepted, one_voice_file
from ..models import (
    AvatarRequest,
    DubRequest,
    Media,
    Operation,
    Options,
    Scene,
    SpeechRequest,
    StoredFile,
    SubtitleKind,
    VendorRequest,
    VideoRequest,
    VideoSettings,
    VoiceRequest,
    VoiceSettings,
)
from ..records import HandIn, OperationState, Record, Sample, Training, Video
from ..webhooks import Inboxes


class Requests:
    """Requests whose media stream from one store.

    Who can be told where to call back is told one of ``inboxes``, if others can reach it by https.
    """

    def __init__(
        self, media: MediaStore, repository: Repository, inboxes: Inboxes | None = None
    ) -> None:
        self._media = media
        self._repository = repository
        self._inboxes = inboxes

    async def build(
        self,
        record: Record,
        state: OperationState,
        provider: Provider,
        attempt: int | None = None,
    ) -> VendorRequest:
        """Build the next attempt's request, or that of ``attempt``.

        Raises ``ConfigError`` where the provider can be given the media in no way, and
        ``ConsentRequired`` for a next attempt by a consent that does not hold.
        """
        if attempt is None:
            await self.require_consent(record)
        token = record.token(*state.key)
        number = state.call.attempt + 1 if attempt is None else attempt
        common: dict[str, Any] = {
            "token": token,
            "name": record.name,
            "options": _options(record, provider),
            "prepared": state.uploads.prepared or {},
            "idempotency_key": f"{token}:{number}" if state.terms.idempotency_window else None,
            "callback_url": self._callback(provider, state.operation, token),
        }
        match state.operation:
            case Operation.VOICE:
                return await self._voice_request(record, provider, common)
            case Operation.AVATAR:
                return await self._avatar_request(record, provider, common)
            case Operation.SPEECH:
                return await self._speech_request(record, state, provider, common)
            case Operation.VIDEO:
                return await self._video_request(record, state, provider, common)
            case Operation.DUB:
                return await self._dub_request(record, provider, common)

    def called_back(self, record: Record, state: OperationState, provider: Provider) -> bool:
        """True if the vendor was told where to call back about this operation."""
        token = record.token(*state.key)
        return self._callback(provider, state.operation, token) is not None

    def _callback(self, provider: Provider, operation: Operation, token: str) -> str | None:
        reached = self._inboxes is not None and self._inboxes.public_url.startswith("https://")
        if self._inboxes is None or not reached or not provider.capabilities.calls_back(operation):
            return None
        return self._inboxes.address(provider.name, token)

    async def require_consent(self, record: Record) -> None:
        """Raise ``ConsentRequired`` for a consent that was revoked or erased, or has expired."""
        if record.consent_id is None:
            return
        consent = await self._repository.get_consent(record.consent_id)
        if consent is None:
            raise errors.ConsentRequired(
                f"consent {record.consent_id} was erased: nothing more is made by it. Ask the "
                "person again",
                withdrawn=True,
            )
        require_valid(consent, (await self._repository.now()).wall)

    async def recording(self, given: HandIn, provider: Provider) -> Media:
        """Build the recording that the provider asked for; raises ``ConfigError`` as ``build``."""
        return await self._file(given.file, given.name, provider)

    async def subject(self, record: Record) -> str | None:
        """The name of the person who consented, where there is one."""
        if record.consent_id is None:
            return None
        consent = await self._repository.get_consent(record.consent_id)
        return None if consent is None else consent.subject

    async def _voice_request(
        self, record: Record, provider: Provider, common: dict[str, Any]
    ) -> VendorRequest:
        training = cast("Training", record)
        takes = accepted(provider.limits, "voice_format")
        if len(training.voice) > 1 and one_voice_file(provider, common["options"]):
            files = [sample.file for sample in training.voice]
            kind = next((t for t in takes if t in audio.CODECS), "audio/mpeg")
            joined = await self._written(record, files, kind)
            samples = [await self._file(joined, f"voice{conversion.suffix(kind)}", provider)]
        else:
            samples = [await self._fitting(record, s, takes, provider) for s in training.voice]
        return VoiceRequest(**common, samples=tuple(samples), language=record.language)

    async def _avatar_request(
        self, record: Record, provider: Provider, common: dict[str, Any]
    ) -> VendorRequest:
        training = cast("Training", record)
        footage = training.footage
        voice = record.operation(Operation.VOICE)
        same = voice is not None and voice.provider == provider.name
        voice_id = training.voice_id if same else None
        subject = await self.subject(record)
        return AvatarRequest(
            **common,
            footage=None if footage is None else await self._footage(record, footage, provider),
            voice_id=voice_id,
            look_of=training.look_of,
            subject=subject,
        )

    async def _speech_request(
        self, record: Record, state: OperationState, provider: Provider, common: dict[str, Any]
    ) -> VendorRequest:
        video = cast("Video", record)
        scene = video.scene_of(state.scene)
        recorded: Media | None = None
        if video.audio is not None:
            formats = provider.capabilities.audio_formats
            recorded = await self._fitting(record, video.audio, formats, provider)
        return SpeechRequest(
            **common,
            voice_id=(scene and scene.voice) or video.voice_id or "",
            text=video.text_of(state.scene) or "",
            audio=recorded,
            language=video.language,
            settings=video.settings.voice,
        )

    async def _video_request(
        self, record: Record, state: OperationState, provider: Provider, common: dict[str, Any]
    ) -> VendorRequest:
        video = cast("Video", record)
        scene = video.scene_of(state.scene)
        speech = record.operation(Operation.SPEECH, state.scene)
        sound: Media | None = None
        if speech is not None:
            sound = await self._speech(record, speech.job.files["audio"], provider)
        elif video.audio is not None:
            formats = provider.capabilities.audio_formats
            sound = await self._fitting(record, video.audio, formats, provider)
        picture = video.picture
        return VideoRequest(
            **common,
            picture=None if picture is None else await self._footage(video, picture, provider),
            avatar_id=(scene and scene.avatar) or video.avatar_id or "",
            voice_id=None if sound else (scene and scene.voice) or video.voice_id,
            script=None if sound else video.text_of(state.scene),
            audio=sound,
            language=video.language,
            footage=await self._footage_of(video, provider),
            settings=_settings(video, scene, spoken=sound is not None),
            scenes=video.scenes if scene is None else (scene,),
            template=video.template,
        )

    async def _footage_of(self, video: Video, provider: Provider) -> Media | None:
        """Footage of the training, for a provider that needs it with each video; else None."""
        if not provider.capabilities.footage_with_video or video.training_id is None:
            return None
        training = await self._repository.get(video.training_id)
        own = isinstance(training, Training) and training.avatar_id == video.avatar_id
        footage = training.footage if own and isinstance(training, Training) else None
        return None if footage is None else await self._footage(video, footage, provider)

    async def _dub_request(
        self, record: Record, provider: Provider, common: dict[str, Any]
    ) -> VendorRequest:
        video = cast("Video", record)
        takes = accepted(provider.limits, "dub_format")
        source = await self._fitting(record, cast("Sample", video.source), takes, provider)
        own: dict[SubtitleKind, Media] = {
            kind: _subrip(kind, text) for kind, text in video.subtitles.given.items()
        }
        return DubRequest(**common, source=source, language=video.language or "", subtitles=own)

    async def _speech(self, record: Record, file: StoredFile, provider: Provider) -> Media:
        """Synthesised speech, converted to a format that the provider takes."""
        wanted = conversion.target(file.media_type, provider.capabilities.audio_formats)
        if wanted not in {None, file.media_type}:
            file = await self._written(record, [file], str(wanted))
        return await self._file(file, "speech", provider)

    async def _written(
        self, record: Record, files: Sequence[StoredFile], media_type: str
    ) -> StoredFile:
        """Convert a file, or join the sound of all; cached, and deleted with the results."""
        suffix = conversion.suffix(media_type)
        contents = hashlib.sha256("".join(f.sha256 for f in files).encode()).hexdigest()
        key = f"{record.prefix}/converted-{contents[:16]}{suffix}"
        if known := await self._media.stat(key):
            return known.model_copy(update={"media_type": media_type})
        with temporary_folder() as folder:
            sources = [await local_path(self._media, f, folder) for f in files]
            target = folder / f"converted{suffix}"
            await conversion.convert(sources, target, media_type)
            return await self._media.put(key, chunks(target), media_type)

    async def _footage(self, record: Record, footage: Sample, provider: Provider) -> Media:
        picture = footage.file.media_type.startswith("image/")
        takes = accepted(provider.limits, "picture_format" if picture else "footage_format")
        return await self._fitting(record, footage, takes, provider)

    async def _fitting(
        self, record: Record, sample: Sample, takes: Sequence[str], provider: Provider
    ) -> Media:
        """Build a recording as one of the types that the provider takes, converted if it must."""
        file, name = sample.file, sample.name
        kind = conversion.target(file.media_type, takes)
        if kind not in {None, file.media_type}:
            file = await self._written(record, [file], str(kind))
            name = f"{Path(name).stem}{conversion.suffix(str(kind))}"
        return await self._file(file, name, provider)

    async def _file(self, file: StoredFile, name: str, provider: Provider) -> Media:
        can, url = provider.capabilities, None
        if "url" in can.media:
            url = await self._media.url(file.key, can.url_lifetime)
        if url is None and "data" not in can.media:
            raise unreachable(provider.name)
        return Media(
            name=name,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
            url=url,
            open=lambda: self._media.open(file.key),
        )


def _subrip(kind: str, text: str) -> Media:
    """Subtitles of one's own as a file."""
    content = text.encode()
    return Media(
        name=f"{kind}.srt",
        media_type="application/x-subrip",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        open=lambda: whole(content),
    )


def _settings(video: Video, scene: Scene | None, *, spoken: bool) -> VideoSettings:
    """Settings of a request; several scenes have their own backgrounds."""
    changed: dict[str, Any] = {}
    if spoken:  # a voice that another operation speaks with is none of this one's
        changed["voice"] = VoiceSettings()
    if video.scenes:
        changed["background"] = scene.background if scene else None
    return video.settings.model_copy(update=changed)


def _options(record: Record, provider: Provider) -> tuple[Options, ...]:
    types = {t.__name__: t for t in provider.option_types}
    return tuple(types[o["type"]](**o["values"]) for o in record.options if o["type"] in types)


def unreachable(provider: str) -> errors.ConfigError:
    """Error for a provider that fetches by URL from a store that has no public URLs."""
    return errors.ConfigError(
        f"{provider} fetches this by a link, and the media store has none that it can reach: use "
        "an S3 or Supabase store; or, for a folder, set AVATARKIT_PUBLIC_URL and "
        "AVATARKIT_MEDIA_SECRET"
    )


def digest(request: VendorRequest) -> str:
    """SHA-256 of what the request says; signed links, which change, are left out."""
    said = request.model_dump(mode="json", exclude={"callback_url", "idempotency_key"})
    return hashlib.sha256(json.dumps(_unsigned(said), sort_keys=True).encode()).hexdigest()


def _unsigned(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {k: _unsigned(v) for k, v in value.items() if k != "url"}
    if isinstance(value, list):
        return [_unsigned(v) for v in value]
    return value
