"""What is ordered: looked at before anything is sent, and made into a record."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from .. import consent as consents
from .. import errors
from ..interfaces import ROLES, FaceFinder, Limit, MediaStore, Repository, needs_footage
from ..lifecycle.vendor_requests import unreachable
from ..models import Consent, JobState, Operation, Options, SampleRole
from ..records import Alternative, OperationState, Phase, Sample, Status, Training, Video, later
from ..stacks import ranking
from ..stacks.provider_pool import ProviderPool
from ..stacks.registry import Stack
from . import preflight as looks
from .recordings import Gathering, Recording, Recordings, Source

__all__ = ["Order", "Orders", "named"]

_NAMESPACE = uuid.UUID("5f0b7f2e-6d0e-4a57-9d0a-61766b740001")
#: Seconds until a person is asked what to do about a video; of a training the policy says it.
_DEADLINES: Mapping[str, float] = MappingProxyType({"video": 6 * 3600.0, "dub": 86_400.0})

_ROLE_OF = {Operation.VOICE: SampleRole.VOICE, Operation.AVATAR: SampleRole.FOOTAGE}
_OPERATION_OF = {role: operation for operation, role in _ROLE_OF.items()}


def named(**values: str) -> None:
    """Raise ``ConfigError`` for what is empty."""
    empty = [name for name, value in values.items() if not value.strip()]
    if empty:
        raise errors.ConfigError(f"{' and '.join(empty)} must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What every order says: whose it is, and how it is called.

    ``id`` is that of its record: the same for the same ``idempotency_key`` of a user. Raises
    ``ConfigError`` without a user or a clone.
    """

    kind: Literal["training", "video", "dub"]
    user_id: str
    clone_id: str
    name: str = ""
    language: str | None = None
    options: Sequence[Options] = ()
    idempotency_key: str | None = None
    id: str = field(init=False)

    def __post_init__(self) -> None:
        named(user_id=self.user_id, clone_id=self.clone_id)
        key = f"{self.kind}\0{self.user_id}\0{self.idempotency_key}"
        by_key = self.idempotency_key is not None
        object.__setattr__(self, "id", str(uuid.uuid5(_NAMESPACE, key) if by_key else uuid.uuid4()))

    @property
    def fields(self) -> dict[str, Any]:
        """What its record says of it."""
        return {
            "id": self.id,
            "user_id": self.user_id,
            "clone_id": self.clone_id,
            "name": self.name,
            "language": self.language,
            "idempotency_key": self.idempotency_key,
            "options": tuple(
                {
                    "type": type(option).__name__,
                    "values": option.model_dump(mode="json", exclude_defaults=True),
                }
                for option in self.options
            ),
        }


class Orders:
    """Makes records of orders; keeps the recordings and the consent that they are made of.

    What cannot be done raises before anything is kept: ``Unsupported``, ``MediaRejected``,
    ``ConsentRequired``, or ``ConfigError`` for a missing key or a store without links.
    """

    def __init__(
        self,
        *,
        pool: ProviderPool,
        recordings: Recordings,
        repository: Repository,
        media: MediaStore,
        deadline: float,
    ) -> None:
        self._pool = pool
        self._recordings = recordings
        self._repository = repository
        self._media = media
        self._deadline = deadline

    # -- records ------------------------------------------------------------------------------

    async def training(
        self,
        order: Order,
        stacks: Sequence[Stack],
        *,
        voice: Sequence[Source],
        footage: Source | None,
        consent: Consent | None,
    ) -> Training:
        """A training by the first of these stacks that can do it; the others that can stand by."""
        given: list[tuple[SampleRole, Source]] = [(SampleRole.VOICE, v) for v in voice]
        given += [(SampleRole.FOOTAGE, footage)] if footage is not None else []
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            links = self.bounds(stacks[0]) if len(stacks) == 1 else ()
            gathering = Gathering(self._recordings, given, Path(folder), links)

            async def fit(chosen: Stack) -> tuple[Stack, list[Recording], list[Sample]]:
                if len(stacks) > 1:
                    self._require_speaker(chosen, order.language)
                roles = self._sample_roles(chosen, footage, order.options)
                own = roles & {role for role, _ in given}
                self._operations(chosen)  # without a key it is no choice
                stored = await self._stored(order, roles - own)
                self._agreed(consent, chosen)
                files, found = await gathering.of(own)
                looks.refuse([*found, *await self._judged(files, chosen)])
                await self._require_links(
                    (chosen.roles[_OPERATION_OF[role]], _OPERATION_OF[role], media_type)
                    for role, media_type in [
                        *((SampleRole(f.role), f.media_type) for f in files if f.role),
                        *((SampleRole(s.role), s.file.media_type) for s in stored),
                    ]
                )
                return chosen, files, stored

            fitting = await ranking.fitting(stacks, fit)
            agreed = self._agreed(consent, fitting[0][0])
            kept = await self._recordings.keep_consent(agreed, order.user_id)
            used = {id(file): file for _, files, _ in fitting for file in files}
            samples = {
                key: await self._recordings.keep(file, order.user_id, order.clone_id)
                for key, file in used.items()
            }
        first, *others = [
            self._alternative(chosen, [*(samples[id(f)] for f in files), *stored])
            for chosen, files, stored in fitting
        ]
        return Training(
            **order.fields,
            consent_id=kept.id,
            **dict(first),  # its stack, operations and samples
            **await self._begun(self._deadline),
            alternatives=tuple(others),
        )

    async def adopted(
        self,
        order: Order,
        stack: Stack,
        *,
        avatar_id: str,
        voice_id: str | None,
        consent: Consent | None,
    ) -> Training:
        """A completed training of what exists at the stack's providers already."""
        named(avatar_id=avatar_id)
        agreed = self._agreed(consent, stack)
        generator = stack.roles.get(Operation.VIDEO)
        if generator is None:
            raise errors.Unsupported(f"{stack.name} makes no videos, so it has no avatars")
        speaker = stack.roles.get(Operation.VOICE) or stack.roles.get(Operation.SPEECH)
        now = await self._now()
        operations = [self._exists(Operation.AVATAR, generator, avatar_id, now)]
        if voice_id:
            voice = self._exists(Operation.VOICE, speaker or generator, voice_id, now)
            operations.insert(0, voice)
        kept = await self._recordings.keep_consent(agreed, order.user_id)
        return Training(
            **order.fields,
            stack=stack.name,
            consent_id=kept.id,
            operations=tuple(operations),
            status=Status.COMPLETED,
            progress=100,
            created_at=now,
            updated_at=now,
            started_at=now,
            completed_at=now,
            deadline_at=now,
            next_at=None,
        )

    async def video(
        self, order: Order, training: Training, *, script: str | None, audio: Source | None
    ) -> Video:
        """A video of the training's avatar, which says ``script`` or moves its lips to audio."""
        avatar = training.operation(Operation.AVATAR)
        if avatar is None:
            raise errors.Unsupported(f"training {training.id} has a voice, but no avatar to speak")
        voice = training.operation(Operation.VOICE)
        operations = self._speaking(avatar, voice, with_audio=audio is not None)
        names = dict.fromkeys(o.provider for o in operations)
        limits = [(n, limit) for n in names for limit in self._pool.provider(n).limits]
        for state in operations:
            can = self._pool.provider(state.provider).capabilities
            can.require_language(state.provider, None if script is None else order.language)
        if operations[0].operation is Operation.SPEECH:
            await self._require_links([(avatar.provider, Operation.VIDEO, "audio/*")])
        kept = await self._repository.get_consent(training.consent_id or "")
        consents.require(kept, {n: self._pool.provider(n).consent_rules for n in names})
        consents.require_valid(kept, await self._now())
        sample: Sample | None = None
        if script is not None:
            script = looks.read_script(script, limits)
        else:
            heard = cast("Source", audio)
            with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
                file = await self._recordings.bring(SampleRole.VOICE, heard, Path(folder))
                await self._recordings.check(file)
                await self._require_links([(avatar.provider, Operation.VIDEO, file.media_type)])
                sample = await self._recordings.keep(file, order.user_id, order.clone_id)
        return Video(
            **order.fields,
            stack=training.stack,
            consent_id=training.consent_id,
            operations=operations,
            **await self._begun(_DEADLINES[order.kind]),
            training_id=training.id,
            script=script,
            audio=sample,
            voice_id=training.voice_id,
            avatar_id=training.avatar_id,
        )

    async def dub(
        self, order: Order, stack: Stack, *, source: Source, consent: Consent | None
    ) -> Video:
        """An existing video, said again in the order's language."""
        named(language=order.language or "")
        dubber = stack.roles.get(Operation.DUB)
        if dubber is None:
            raise errors.Unsupported(f"{stack.name} does not dub")
        agreed = self._agreed(consent, stack)
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            file = await self._recordings.bring(SampleRole.FOOTAGE, source, Path(folder))
            await self._recordings.check(file)
            await self._require_links([(dubber, Operation.DUB, file.media_type)])
            kept = await self._recordings.keep_consent(agreed, order.user_id)
            sample = await self._recordings.keep(file, order.user_id, order.clone_id)
        return Video(
            **order.fields,
            stack=stack.name,
            consent_id=kept.id,
            operations=(self._pool.operation(Operation.DUB, dubber),),
            **await self._begun(_DEADLINES[order.kind]),
            source=sample,
        )

    # -- operations ---------------------------------------------------------------------------

    def _operations(self, stack: Stack) -> tuple[OperationState, ...]:
        """What a training of the stack consists of; raises ``ConfigError`` without a key."""
        return tuple(self._pool.operation(o, stack.roles[o]) for o in _ROLE_OF if o in stack.roles)

    def _alternative(self, stack: Stack, samples: Sequence[Sample]) -> Alternative:
        return Alternative(
            stack=stack.name,
            operations=self._operations(stack),
            voice=tuple(s for s in samples if s.role == "voice")[: looks.MAX_VOICE_SAMPLES],
            footage=next((s for s in samples if s.role == "footage"), None),
        )

    def _exists(self, operation: Operation, name: str, job_id: str, at: float) -> OperationState:
        provider = self._pool.provider(name)
        return self._pool.operation(operation, name).model_copy(
            update={
                "phase": Phase.DONE,
                "account": provider.account,
                "api_version": provider.api_version,
                "job_id": job_id,
                "job_state": JobState.SUCCEEDED,
                "submitted_at": at,
                "stored": True,
                # It was not made by us, so it is not ours to delete.
                "undeletable": (job_id,),
            }
        )

    def _speaking(
        self, avatar: OperationState, voice: OperationState | None, *, with_audio: bool
    ) -> tuple[OperationState, ...]:
        """The operations that make a video: by script where one provider has both, else by audio.

        They are bound to the accounts that hold the avatar and the voice.
        """
        generator = self._pool.provider(avatar.provider)
        if not isinstance(generator, ROLES[Operation.VIDEO].protocol):
            raise errors.Unsupported(f"{avatar.provider} trains avatars, but makes no videos")
        drive = generator.capabilities.drive
        video = self._pool.operation(Operation.VIDEO, avatar.provider)
        video = video.model_copy(update={"account": avatar.account})
        if with_audio:
            if "audio" not in drive:
                raise errors.Unsupported(f"{avatar.provider} cannot be driven by audio")
            return (video,)
        same = voice is None or (
            voice.provider == avatar.provider and voice.account == avatar.account
        )
        if same and "script" in drive:
            return (video,)
        if voice is None or "audio" not in drive:
            raise errors.Unsupported(f"{avatar.provider} cannot speak with that voice")
        speaker = self._pool.provider(voice.provider)
        if not isinstance(speaker, ROLES[Operation.SPEECH].protocol):
            raise errors.Unsupported(f"{voice.provider} clones voices, but does not speak")
        speech = self._pool.operation(Operation.SPEECH, voice.provider)
        return (speech.model_copy(update={"account": voice.account}), video)

    # -- what keeps an order from being taken -------------------------------------------------

    def _sample_roles(
        self, stack: Stack, footage: Source | None, options: Sequence[Options]
    ) -> set[SampleRole]:
        """What a training of the stack is made of."""
        roles = {_ROLE_OF[o] for o in stack.roles if o in _ROLE_OF}
        if not roles:
            raise errors.Unsupported(f"{stack.name} can neither clone a voice nor train an avatar")
        trainer = stack.roles.get(Operation.AVATAR)
        if footage is None and trainer:
            needed = needs_footage(self._pool.class_of(trainer), options)
            return roles if needed else roles - {SampleRole.FOOTAGE}
        return roles

    def _require_speaker(self, stack: Stack, language: str | None) -> None:
        """Raise what keeps the stack from speaking the language: no key, or ``Unsupported``."""
        for operation, name in stack.roles.items():
            can = self._pool.provider(name).capabilities
            if operation in {Operation.SPEECH, Operation.VIDEO}:
                can.require_language(name, language)

    def _agreed(self, consent: Consent | None, stack: Stack) -> Consent:
        names = dict.fromkeys(stack.roles.values())
        rules = {name: self._pool.class_of(name).consent_rules for name in names}
        return consents.require(consent, rules)

    async def _require_links(self, given: Iterable[tuple[str, Operation, str]]) -> None:
        """Raise ``ConfigError`` where a provider can be given a recording by no way that there is.

        ``given`` is what is to be given: provider, operation, and media type.
        """
        names = [
            name
            for name, operation, kind in given
            if self._pool.provider(name).capabilities.needs_link(operation, kind)
        ]
        if not names:
            return
        try:
            link = await self._media.url("results/-/-", 60.0)
        except errors.NotFound:  # it has links, yet none to what is not there
            return
        if link is None:
            raise unreachable(names[0])

    async def _stored(self, order: Order, roles: set[SampleRole]) -> list[Sample]:
        if not roles:
            return []
        samples = await self._repository.samples(order.user_id, order.clone_id)
        missing = roles - {SampleRole(s.role) for s in samples}
        if missing:
            raise errors.MediaRejected(
                "Missing voice or video samples: give "
                + " and ".join(f"{role}=" for role in sorted(missing))
                + ", or add them to the clone first"
            )
        return [s for s in samples if SampleRole(s.role) in roles]

    # -- samples ------------------------------------------------------------------------------

    async def looked(
        self, given: Sequence[tuple[SampleRole | None, Source]], folder: Path, stack: Stack
    ) -> tuple[list[Recording], list[looks.Finding]]:
        """Bring samples into ``folder``, and say what is wrong with them for that stack."""
        files, found = await self._recordings.gather(given, folder, self.bounds(stack))
        return files, found + await self._judged(files, stack)

    def bounds(self, stack: Stack) -> list[tuple[str, Limit]]:
        """What the providers of the stack demand of samples."""
        return [
            (name, limit)
            for operation, name in stack.roles.items()
            for limit in self._pool.class_of(name).limits
            if limit.what.startswith(looks.BOUNDS.get(operation, ()))
        ]

    async def _judged(self, files: Sequence[Recording], stack: Stack) -> list[looks.Finding]:
        bounds = self.bounds(stack)
        wanted = any(limit.what.startswith("face") for _, limit in bounds)
        finder = self._face_finder(stack) if wanted else None
        return await self._recordings.look(files, bounds, finder)

    def _face_finder(self, stack: Stack) -> FaceFinder | None:
        """Who finds faces: a provider of the stack, else the local one."""
        for name in (*stack.roles.values(), "local"):
            if issubclass(self._pool.class_of(name), FaceFinder):  # needs no vendor's key
                return cast("FaceFinder", self._pool.provider(name))
        return None

    # -- times --------------------------------------------------------------------------------

    async def _now(self) -> float:
        return (await self._repository.now()).wall

    async def _begun(self, deadline: float) -> dict[str, Any]:
        """The times of a row that is due at once and asks a person after ``deadline`` seconds."""
        now = await self._now()
        begun = dict.fromkeys(("created_at", "updated_at", "next_at"), now)
        return {**begun, "deadline_at": later(now, deadline)}
