"""Places an order: check, fit to a stack, keep samples, price, save, wake the worker.

Every training, video and dub takes this one path from request to saved record.
"""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeVar, cast

from .. import _telemetry, errors
from ..consent import require, require_purpose, require_valid
from ..content import conversion
from ..content.files import local_path, temporary_folder
from ..interfaces import (
    ROLES,
    ChecksAvatars,
    ChecksScripts,
    Engine,
    Limit,
    MediaStore,
    Provider,
    Repository,
    accepted,
    account_of,
    current_limits,
    kind_of_avatar,
    limits_of,
    needs_footage,
    require_mapped,
    require_script,
    understood,
)
from ..lifecycle.durations import Durations
from ..lifecycle.vendor_requests import unreachable
from ..models import (
    Consent,
    DubSubtitles,
    JobState,
    Operation,
    Options,
    SampleRole,
    Scene,
    Template,
    VideoSettings,
    named_purpose,
)
from ..pricing import Budget, Money, Prices, bounded
from ..records import (
    Attempt,
    OperationState,
    Phase,
    Record,
    Sample,
    Status,
    Training,
    Video,
    later,
)
from ..stacks.candidate import Candidate
from ..stacks.provider_pool import ProviderPool
from ..stacks.ranking import Stacks, StackSelector, fitting
from . import arguments, preflight, repeats
from . import scenes as film
from .cast import (
    Cast,
    Chosen,
    Exists,
    of_catalogue,
    of_training,
    require_template,
    stock_consent,
    without_avatar,
)
from .recordings import Gathering, Recording, Recordings, Source
from .scripts import read_script

R = TypeVar("R", bound=Record)

_NAMESPACE = uuid.UUID("5f0b7f2e-6d0e-4a57-9d0a-61766b740001")
#: Seconds until a person is asked what to do about a video; the policy sets it for a training.
_DEADLINES: Mapping[str, float] = MappingProxyType({"video": 6 * 3600.0, "dub": 86_400.0})

#: Characters of a text that every model of every vendor can speak at once.
_SHORT = 1000

_ROLE_OF = {Operation.VOICE: SampleRole.VOICE, Operation.AVATAR: SampleRole.FOOTAGE}
_OPERATION_OF = {role: operation for operation, role in _ROLE_OF.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request for a training, a video or a dub: its owner, its name, and what it may cost.

    ``id`` is that of its record: the same for the same ``idempotency_key`` of a user.
    """

    kind: Literal["training", "video", "dub"]
    user_id: str
    clone_id: str
    name: str = ""
    language: str | None = None
    options: Sequence[Options] = ()
    settings: VideoSettings = field(default_factory=VideoSettings)
    subtitles: DubSubtitles = field(default_factory=DubSubtitles)
    purpose: str | None = None
    idempotency_key: str | None = None
    max_cost: Money | None = None
    allow_unknown: Collection[str] = ()
    id: str = field(init=False)

    @classmethod
    def of(
        cls,
        kind: Literal["training", "video", "dub"],
        *,
        user_id: object,
        clone_id: object,
        name: object = "",
        language: object = None,
        options: object = (),
        settings: object = None,
        subtitles: DubSubtitles | None = None,
        purpose: object = None,
        idempotency_key: object = None,
        max_cost: object = None,
        allow_unknown: object = (),
    ) -> Order:
        """Check what a caller has given; raises ``ConfigError`` that names the argument."""
        return cls(
            kind=kind,
            user_id=arguments.identifier("user_id", user_id),
            clone_id=arguments.identifier("clone_id", clone_id),
            name=arguments.name("name", name),
            language=arguments.language("language", language),
            options=arguments.option_values("options", options),
            settings=arguments.settings("settings", settings),
            subtitles=subtitles or DubSubtitles(),
            purpose=None if purpose is None else arguments.name("purpose", purpose),
            idempotency_key=arguments.optional("idempotency_key", idempotency_key),
            max_cost=arguments.max_cost(max_cost),
            allow_unknown=arguments.names("allow_unknown", allow_unknown),
        )

    def __post_init__(self) -> None:
        key = f"{self.kind}\0{self.user_id}\0{self.idempotency_key}"
        by_key = self.idempotency_key is not None
        object.__setattr__(self, "id", str(uuid.uuid5(_NAMESPACE, key) if by_key else uuid.uuid4()))

    def request(self, **parts: Any) -> dict[str, str]:
        """Digests of what is ordered, to recognise a repeated order; empty without a key."""
        if self.idempotency_key is None:
            return {}
        own = ("clone_id", "name", "language", "purpose", "options")
        return repeats.fingerprint(**{name: self.fields[name] or "" for name in own} | parts)

    def dub_request(self, parts: Mapping[str, Any]) -> dict[str, str]:
        """Digests of an ordered dub."""
        return self.request(**parts, subtitles=self.subtitles.given)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of its record."""
        return {
            "id": self.id,
            "user_id": self.user_id,
            "clone_id": self.clone_id,
            "name": self.name,
            "language": self.language,
            "purpose": None if self.purpose is None else named_purpose(self.purpose),
            "idempotency_key": self.idempotency_key,
            "options": tuple(
                {
                    "type": type(option).__name__,
                    "values": option.model_dump(mode="json", exclude_defaults=True),
                }
                for option in self.options
            ),
        }


class _Fit(NamedTuple):
    """A candidate that can do a training, and what it would be made of."""

    candidate: Candidate
    operations: tuple[OperationState, ...]
    files: list[Recording]
    stored: list[Sample]
    consent: Consent


class Intake:
    """Makes records of orders; keeps the samples and the consent that they need.

    An order that cannot be done raises before anything is kept: ``Unsupported``, ``MediaRejected``,
    ``ConsentRequired``, or ``ConfigError`` for a missing key or a store without links.
    ``BudgetExceeded`` is raised before the record is saved.
    """

    def __init__(
        self,
        *,
        pool: ProviderPool,
        selector: StackSelector,
        recordings: Recordings,
        repository: Repository,
        media: MediaStore,
        engine: Engine,
        durations: Durations,
        budgets: Sequence[Budget],
        deadline: float,
    ) -> None:
        self._pool = pool
        self._selector = selector
        self._recordings = recordings
        self._repository = repository
        self._media = media
        self._engine = engine
        self._durations = durations
        self._budgets = budgets
        self._deadline = deadline

    # -- orders -------------------------------------------------------------------------------

    async def train(
        self,
        order: Order,
        stack: Stacks | None,
        *,
        voice: Sequence[Source],
        footage: Source | None,
        consent: Consent | None,
        person: Training | None = None,
    ) -> Training:
        """Place a training on the first usable stack; keep the others as fallbacks.

        With a ``person`` it is another look of that training's avatar, by the same consent.
        """
        if person is not None:
            _require_person(order, person, voice, consent)
            consent = await self._consent_of(person)
        candidates = self._selector.asked(stack)
        parts: dict[str, Any] = {
            "look_of": person.id if person else "",
            "stack": [one.name for one in candidates],
            "consent": repeats.agreed(consent),
            "avatar_id": "",  # adopt names one, under the same kind of id
        }
        given = _by_role(voice, footage)
        with temporary_folder() as folder:
            limits = candidates[0].limits if len(candidates) == 1 else ()
            gathering = Gathering(self._recordings, given, folder, limits)
            if known := await self._known(order):
                for role in SampleRole:
                    parts[role] = await self._sampled(order, gathering, role)
                return cast("Training", repeats.require_same(known, order.request(**parts)))
            if len(candidates) > 1:
                candidates = self._selector.ranked(stack, await self._durations.took())
            fit = partial(self._fit, order, gathering, consent, person)
            found = await fitting(candidates, fit)
            await self._require_allowed(order, found)
            kept = found[0].consent
            if person is None:
                kept = await self._recordings.keep_consent(kept, order.user_id)
            samples = await self._samples(order, found)
        parts |= _digests_by_role(samples)
        attempts = list(map(self._attempt, found, samples))
        training = Training(
            **order.fields,
            request=order.request(**parts),
            consent_id=kept.id,
            stack=attempts[0].stack,
            operations=attempts[0].operations,
            look_of=_avatar_of(person).job.id if person else None,
            **await self._times(self._deadline),
        )
        prices = {one.candidate.name: one.candidate.prices for one in found}
        return await self._save(order, training.replanned(attempts), prices)

    async def adopt(
        self,
        order: Order,
        stack: Stacks | None,
        *,
        avatar: Chosen,
        voice: Chosen | None,
        consent: Consent | None,
    ) -> Training:
        """Save a completed training of an avatar that exists at the stack's providers already.

        Without a stack, an avatar and a voice of a catalogue tell their providers.
        """
        voice = voice or avatar.usual_voice
        avatar_id, voice_id = avatar.id, None if voice is None else voice.id
        if consent is None and avatar.stock and (voice is None or voice.stock):
            consent = stock_consent(avatar)
        candidates = self._selector.asked(_stack_of(avatar, voice) if stack is None else stack)
        if len(candidates) > 1:
            raise errors.ConfigError("name the stack that has this avatar: adopt(stack=...)")
        (chosen,) = candidates
        chosen.require_language(order.language)
        request = order.request(
            stack=[chosen.name],
            avatar_id=avatar_id,
            voice_id=voice_id or "",
            consent=repeats.agreed(consent),
        )
        if known := await self._known(order):
            return cast("Training", repeats.require_same(known, request))
        agreed = require(consent, chosen.consent_rules)
        generator = chosen.roles.get(Operation.VIDEO)
        if generator is None:
            raise errors.Unsupported(f"{chosen.name} makes no videos, so it has no avatars")
        speaker = chosen.roles.get(Operation.VOICE) or chosen.roles.get(Operation.SPEECH)
        times = await self._times(0.0)
        now = times["created_at"]
        times["next_at"] = None
        operations = [self._exists(Operation.AVATAR, generator, avatar_id, now)]
        if voice_id:
            spoken = self._exists(Operation.VOICE, speaker or generator, voice_id, now)
            operations.insert(0, spoken)
        kept = await self._recordings.keep_consent(agreed, order.user_id)
        training = Training(
            **order.fields,
            request=request,
            stack=chosen.name,
            consent_id=kept.id,
            operations=tuple(operations),
            status=Status.COMPLETED,
            progress=100,
            started_at=now,
            completed_at=now,
            **times,
        )
        return await self._save(order, training, {chosen.name: chosen.prices})

    async def speak(
        self,
        order: Order,
        made_by: Cast,
        *,
        script: str | None,
        audio: Source | None,
        picture: Source | None = None,
        scenes: tuple[Scene, ...] = (),
        template: Template | None = None,
        revoice: bool = False,
    ) -> Video:
        """Place a video of an avatar, driven by a script, by its scenes, by audio or a template.

        With ``revoice`` the voice speaks what the audio says. A ``picture`` takes the place of an
        avatar.
        """
        if picture is not None:
            _require_picture(made_by, self._pool, scenes, template, script)
        parts = _parts(order, made_by, script, scenes, template)
        parts["revoice"] = "yes" if revoice else ""
        if known := await self._known(order):
            if audio is not None:
                parts["audio"] = await self._read_again(SampleRole.VOICE, audio)
            if picture is not None:
                parts["picture"] = await self._read_again(SampleRole.FOOTAGE, picture)
            return cast("Video", repeats.require_same(known, order.request(**parts)))
        avatar = made_by.avatar
        operations = await self._video_operations(
            order, made_by, with_audio=audio is not None, revoice=revoice
        )
        names = tuple(dict.fromkeys(state.provider for state in operations))
        providers = {name: self._pool.provider(name) for name in names}
        consent = await self._agreed(order, made_by, providers)
        limits = await _script_limits(order, providers, script, scenes)
        script, scenes = _read(order, providers, script, scenes, limits)
        self._require_settings(order.settings, operations, made_by, scenes, audio)
        if template is not None:
            require_template(providers[avatar.provider], order.settings)
        if scenes:
            operations = film.planned(
                scenes, order.settings, operations, providers[avatar.provider]
            )
        first = operations[0].provider
        sample = None if audio is None else await self._driving(order, first, audio, consent)
        if sample is not None:
            parts["audio"] = [sample.file.sha256]
        shown = None
        if picture is not None:
            shown = await self._portrait(order, avatar.provider, picture, consent)
            parts["picture"] = [shown.file.sha256]
        if made_by.consent_id is None:
            consent = await self._recordings.keep_consent(consent, order.user_id)
        video = Video(
            **order.fields,
            request=order.request(**parts),
            stack=made_by.stack,
            consent_id=consent.id,
            operations=operations,
            **await self._times(_DEADLINES[order.kind] * len({o.scene for o in operations})),
            training_id=made_by.training_id,
            script=script,
            scenes=scenes,
            template=template,
            audio=sample,
            picture=shown,
            settings=order.settings,
            voice_id=made_by.voice_id,
            avatar_id=made_by.avatar_id,
        )
        return await self._save(order, video, {made_by.stack: self._pool.prices(names)})

    async def _video_operations(
        self, order: Order, made_by: Cast, *, with_audio: bool, revoice: bool
    ) -> tuple[OperationState, ...]:
        """The operations of a video; raises ``Unsupported`` for what their providers cannot do."""
        avatar = made_by.avatar.provider
        operations = self._speaking(
            made_by.avatar, made_by.voice, with_audio=with_audio, revoice=revoice
        )
        speaker = operations[0].provider  # the avatar's only moves lips to another one's speech
        language = None if with_audio else order.language
        self._pool.capabilities(speaker).require_language(speaker, language)
        if operations[0].operation is Operation.SPEECH:
            spoken = self._pool.capabilities(speaker).speech_format or "audio/mpeg"
            await self._require_sendable(avatar, Operation.VIDEO, spoken)
            await self._require_able(order, avatar, made_by.avatar_id or "")
        return operations

    def _generator(self, stack: Stacks | None) -> str:
        """The stack's provider of videos."""
        chosen = self._selector.first(stack)
        if Operation.VIDEO not in chosen.roles:
            raise errors.Unsupported(f"{chosen.name} makes no videos")
        return chosen.roles[Operation.VIDEO]

    async def _agreed(
        self, order: Order, made_by: Cast, providers: Mapping[str, Provider]
    ) -> Consent:
        """The consent to a video, which holds now and for this purpose."""
        kept = made_by.consent
        if made_by.consent_id is not None:
            kept = await self._repository.get_consent(made_by.consent_id)
        rules = {name: provider.consent_rules for name, provider in providers.items()}
        agreed = require(kept, rules)
        require_valid(agreed, (await self._repository.now()).wall)
        require_purpose(agreed, order.purpose)
        return agreed

    async def _driving(
        self, order: Order, provider: str, audio: Source, consent: Consent
    ) -> Sample:
        """Keep the recording that drives a video of the provider; it is not a withdrawn one."""
        with temporary_folder() as folder:
            file = await self._recordings.accept(SampleRole.VOICE, audio, folder)
            await self._require_sendable(provider, Operation.VIDEO, file.facts.media_type)
            used = [file.facts.sha256]
            await self._recordings.require_not_withdrawn(consent, order.user_id, used)
            return await self._recordings.keep(file, order.user_id, order.clone_id)

    async def _portrait(
        self, order: Order, provider: str, picture: Source, consent: Consent
    ) -> Sample:
        """Keep the picture that speaks; raises ``MediaRejected`` for what the provider refuses."""
        can = self._selector.first(provider)
        with temporary_folder() as folder:
            given = [(SampleRole.FOOTAGE, picture)]
            gathering = Gathering(self._recordings, given, folder, can.limits)
            files, found = await gathering.of({SampleRole.FOOTAGE})
            found += await self._recordings.examine(files, can.limits, can.face_finder)
            preflight.refuse(found)
            (file,) = files
            kind = file.facts.media_type
            if not kind.startswith("image/"):
                raise errors.MediaRejected(
                    f"{file.name} is {kind}, and a picture is to speak: give a JPEG or PNG"
                )
            if self._pool.capabilities(provider).needs_link(Operation.VIDEO, kind):
                await self._require_links(provider)
            used = [file.facts.sha256]
            await self._recordings.require_not_withdrawn(consent, order.user_id, used)
            return await self._recordings.keep(file, order.user_id, order.clone_id)

    async def cast(
        self,
        training: Training | None,
        *,
        avatar: Chosen | None,
        voice: Chosen | None,
        stack: Stacks | None,
        consent: Consent | None,
        template: Template | None = None,
        pictured: bool = False,
    ) -> Cast:
        """Cast a training's avatar and voice, those of a vendor's catalogue, or a template's.

        A picture is ``pictured`` with a training's voice, or with another one.
        """
        now = (await self._repository.now()).wall
        exists = partial(self._exists, at=now)
        if template is not None and (avatar is not None or voice is not None):
            raise errors.ConfigError("a template has its own avatars: leave avatar and voice out")
        if pictured and avatar is not None:
            raise errors.ConfigError("give either a picture or an avatar")
        if template is not None or pictured:
            trained = training.operation(Operation.AVATAR) if training else None
            maker = trained.provider if trained else self._generator(stack)
            speaker = None
            if pictured:
                speaker = self._speaker(training, voice, stack, maker, exists)
            return without_avatar(training, maker, consent, exists, speaker)
        if training is not None:
            return of_training(training, avatar, voice, exists)
        if avatar is None:
            raise errors.ConfigError("give a training, or avatar= of kit.catalogue.avatars(...)")
        return self._cast_stock(avatar, voice, stack, consent, exists)

    def _speaker(
        self,
        training: Training | None,
        voice: Chosen | None,
        stack: Stacks | None,
        maker: str,
        exists: Exists,
    ) -> OperationState | None:
        """The voice of a picture: that of a training, or another."""
        own = training.operation(Operation.VOICE) if training else None
        if voice is None:
            return own
        roles: Mapping[Operation, str] = {} if training else self._selector.first(stack).roles
        cloner = roles.get(Operation.VOICE) or roles.get(Operation.SPEECH) or maker
        return exists(
            Operation.VOICE, voice.provider or (own.provider if own else cloner), voice.id
        )

    def _cast_stock(
        self,
        avatar: Chosen,
        voice: Chosen | None,
        stack: Stacks | None,
        consent: Consent | None,
        exists: Exists,
    ) -> Cast:
        """Cast an avatar and a voice of a vendor's catalogue."""
        roles: Mapping[Operation, str] = {}
        if avatar.provider is None or (voice is not None and voice.provider is None):
            roles = self._selector.first(stack).roles
        maker = avatar.provider or roles.get(Operation.VIDEO)
        own = roles.get(Operation.VOICE) or roles.get(Operation.SPEECH) or maker
        if voice is not None and voice.provider is None:
            voice = replace(voice, provider=own)
        return of_catalogue(replace(avatar, provider=maker), voice, consent, exists)

    async def _consent_of(self, person: Training) -> Consent | None:
        """The consent of a training, which must still hold."""
        consent = await self._repository.get_consent(person.consent_id or "")
        require_valid(consent, (await self._repository.now()).wall)
        return consent

    async def dub(
        self,
        orders: Sequence[Order],
        stack: Stacks | None,
        *,
        source: Source | None,
        consent: Consent | None,
    ) -> list[Video]:
        """Place dubs of one existing video, each into the language of its order.

        All of them are checked before the first is saved.
        """
        ranked = self._selector.ranked(stack)
        chosen = next((one for one in ranked if Operation.DUB in one.roles), ranked[0])
        asked = [one.name for one in self._selector.asked(stack)]
        parts: dict[str, Any] = {"stack": asked, "consent": repeats.agreed(consent)}
        if not all(order.language for order in orders):
            raise errors.ConfigError("language must not be empty: name the language of the dub")
        if source is None:
            raise errors.ConfigError("source must not be empty: give the video to dub")
        placed = await self._dubbed(orders, source, parts)
        new = [order for order in orders if order.id not in placed]
        if new:
            placed |= await self._dub_new(new, chosen, source, consent, parts)
        return [cast("Video", placed[order.id]) for order in orders]

    async def _dubbed(
        self, orders: Sequence[Order], source: Source, parts: dict[str, Any]
    ) -> dict[str, Record]:
        """The records of orders that are repeated, by their ids; they must be the same."""
        placed = {order.id: known for order in orders if (known := await self._known(order))}
        if placed:
            parts["source"] = await self._read_again(SampleRole.FOOTAGE, source)
        for order in orders:
            if known := placed.get(order.id):
                repeats.require_same(known, order.dub_request(parts))
        return placed

    async def _dub_new(
        self,
        orders: Sequence[Order],
        chosen: Candidate,
        source: Source,
        consent: Consent | None,
        parts: dict[str, Any],
    ) -> dict[str, Record]:
        """Keep the video once, and save a record for each order."""
        dubber = chosen.roles.get(Operation.DUB)
        if dubber is None:
            raise errors.Unsupported(f"{chosen.name} does not dub")
        can = self._pool.capabilities(dubber)
        agreed = require(consent, chosen.consent_rules)
        for order in orders:
            can.require_language(dubber, order.language)
            can.require_subtitles(dubber, frozenset(order.subtitles.given))
            require_purpose(agreed, order.purpose)
        first = orders[0]
        with temporary_folder() as folder:
            file = await self._recordings.accept(SampleRole.FOOTAGE, source, folder)
            facts = file.facts
            await self._require_sendable(dubber, Operation.DUB, facts.media_type, facts.codec)
            used = [file.facts.sha256]
            await self._recordings.require_not_withdrawn(agreed, first.user_id, used)
            kept = await self._recordings.keep_consent(agreed, first.user_id)
            sample = await self._recordings.keep(file, first.user_id, first.clone_id)
        parts["source"] = [sample.file.sha256]
        saved: dict[str, Record] = {}
        for order in orders:
            video = Video(
                **order.fields,
                request=order.dub_request(parts),
                stack=chosen.name,
                consent_id=kept.id,
                operations=(self._pool.operation(Operation.DUB, dubber),),
                **await self._times(_DEADLINES[order.kind]),
                source=sample,
                subtitles=order.subtitles,
            )
            saved[order.id] = await self._save(order, video, {chosen.name: chosen.prices})
        return saved

    async def _save(self, order: Order, record: R, prices: Mapping[str, Prices]) -> R:
        """Price the record, save it within the budgets, and wake the worker.

        ``prices`` holds the price rows of each stack by its name. If the record was created
        meanwhile, by the same idempotency key, returns that one.
        """
        if trace := _telemetry.traceparent():
            record = _traced(record, trace)
        record, caps = bounded(
            record,
            prices,
            self._budgets,
            max_cost=order.max_cost,
            allow_unknown=order.allow_unknown,
        )
        saved, created = await self._repository.create(record, *caps)
        if not created:
            return cast("R", repeats.require_same(saved, record.request))
        await self._engine.wake(saved)
        return cast("R", saved)

    # -- repeated orders ----------------------------------------------------------------------

    async def _known(self, order: Order) -> Record | None:
        """The record that an earlier order under the same idempotency key has made."""
        return await self._repository.get(order.id) if order.idempotency_key else None

    async def _sampled(
        self, order: Order, gathering: Gathering, role: SampleRole
    ) -> list[str] | None:
        """Digests of an order's samples in a role: the given ones, else the clone's."""
        if any(given is role for given, _ in gathering.given):
            return await repeats.read_again(gathering, role)
        stored = await self._repository.samples(order.user_id, order.clone_id)
        return repeats.digests(sample.file.sha256 for sample in stored if sample.role == role)

    async def _read_again(self, role: SampleRole, source: Source) -> list[str] | None:
        with temporary_folder() as folder:
            gathering = Gathering(self._recordings, [(role, source)], folder, ())
            return await repeats.read_again(gathering, role)

    async def _times(self, deadline: float) -> dict[str, Any]:
        """The times of a record that is due at once and asks a person after ``deadline`` s."""
        now = (await self._repository.now()).wall
        begun = dict.fromkeys(("created_at", "updated_at", "next_at"), now)
        return {**begun, "deadline_at": later(now, deadline)}

    async def _require_allowed(self, order: Order, found: Sequence[_Fit]) -> None:
        """Raise ``ConsentRequired`` for another purpose, or for recordings that were withdrawn."""
        consent = found[0].consent
        require_purpose(consent, order.purpose)
        digests = [file.facts.sha256 for one in found for file in one.files]
        digests += [sample.file.sha256 for one in found for sample in one.stored]
        await self._recordings.require_not_withdrawn(consent, order.user_id, digests)

    # -- fit to a stack -----------------------------------------------------------------------

    async def _fit(
        self,
        order: Order,
        gathering: Gathering,
        consent: Consent | None,
        person: Training | None,
        candidate: Candidate,
    ) -> _Fit:
        """Check that the candidate can do the training; raises if it cannot."""
        candidate.require_language(order.language)
        given = {role for role, _ in gathering.given}
        roles = self._sample_roles(candidate, SampleRole.FOOTAGE in given, order.options)
        operations = candidate.training  # a stack without a key is refused here
        if person is not None:
            operations = self._look(person, candidate)
            roles -= {SampleRole.VOICE}
        own = roles & given
        stored = await self._stored(order, roles - own) if roles - own else []
        if person is not None and stored:
            stored = [_other_footage(person, stored)]
        agreed = require(consent, candidate.consent_rules)
        files, found = await gathering.of(own)
        found += await self._recordings.examine(files, candidate.limits, candidate.face_finder)
        found += preflight.check_stored(stored, candidate.limits)
        for sample in stored:
            if preflight.needs_codec(sample, candidate.limits):
                path = await local_path(self._media, sample.file, gathering.folder)
                read = Recording(SampleRole(sample.role), sample.name, path)
                found += await self._recordings.examine([read], candidate.limits)
        preflight.refuse(found)
        kinds = [(file.role, file.facts.media_type) for file in files]
        kinds += [(SampleRole(sample.role), sample.file.media_type) for sample in stored]
        for operation, kind in ((_OPERATION_OF[role], kind) for role, kind in kinds if role):
            if kind.startswith(candidate.link_only[operation]):
                await self._require_links(candidate.roles[operation])
        return _Fit(candidate, operations, files, stored, agreed)

    def _sample_roles(
        self,
        candidate: Candidate,
        has_footage: bool,
        options: Sequence[Options],
    ) -> set[SampleRole]:
        """The roles of the samples that a training of the stack needs."""
        roles = {_ROLE_OF[o] for o in candidate.roles if o in _ROLE_OF}
        if not roles:
            raise errors.Unsupported(
                f"{candidate.name} can neither clone a voice nor train an avatar"
            )
        trainer = candidate.roles.get(Operation.AVATAR)
        if trainer and not has_footage:
            needed = needs_footage(self._pool.class_of(trainer), options)
            return roles if needed else roles - {SampleRole.FOOTAGE}
        return roles

    async def _stored(self, order: Order, roles: set[SampleRole]) -> list[Sample]:
        """The clone's stored samples in these roles; raises ``MediaRejected`` if one has none."""
        samples = await self._repository.samples(order.user_id, order.clone_id)
        missing = roles - {SampleRole(s.role) for s in samples}
        if missing:
            raise errors.MediaRejected(
                "Missing voice or video samples: give "
                + " and ".join(f"{role}=" for role in sorted(missing))
                + " (on the command line "
                + " and ".join(f"--{role}" for role in sorted(missing))
                + "), or add them to the clone first"
            )
        return [s for s in samples if SampleRole(s.role) in roles]

    def _require_settings(
        self,
        settings: VideoSettings,
        operations: Sequence[OperationState],
        made_by: Cast,
        scenes: Sequence[Scene],
        audio: Source | None,
    ) -> None:
        """Raise ``Unsupported`` for a setting that the provider of its operation does not map."""
        if audio is not None and settings.voice.asked():
            raise errors.Unsupported(
                "settings.voice changes how a script is spoken, and this video has recorded audio: "
                "leave voice out"
            )
        avatars = {(scene.avatar or made_by.avatar_id, scene.background) for scene in scenes}
        for avatar_id, background in avatars or {(made_by.avatar_id, settings.background)}:
            own = settings.model_copy(update={"background": background})
            asked = own.by_operation(state.operation for state in operations)
            for state in operations:
                provider = self._pool.provider(state.provider)
                kind = kind_of_avatar(provider, avatar_id or "")
                others = self._pool.usable
                require_mapped(provider, state.operation, asked[state.operation], kind, others)
                by_audio = audio is not None or state is not operations[0]
                require_script(provider, asked[state.operation], by_audio=by_audio)

    async def _require_able(self, order: Order, name: str, avatar_id: str) -> None:
        """Raise ``Unsupported`` for what the avatar cannot do, before its speech is paid.

        A provider that does not answer is asked again before its own paid call.
        """
        provider = self._pool.provider(name)
        if isinstance(provider, ChecksAvatars):
            with suppress(errors.ProviderError):
                await provider.check_avatar(avatar_id, order.settings, order.options)

    async def _require_sendable(
        self, name: str, operation: Operation, kind: str, codec: str | None = None
    ) -> None:
        """Raise ``Unsupported`` for a type that the provider neither takes nor can be given as."""
        provider = self._pool.provider(name)
        can, dubs = provider.capabilities, operation is Operation.DUB
        if dubs and can.dubs_sound and importlib.util.find_spec("av") is None:
            raise errors.ConfigError(
                f"{name} dubs the sound alone, and putting it under the pictures needs PyAV: "
                'pip install "avatarkit-sdk[media]"'
            )
        takes = accepted(provider.limits, "dub_format") if dubs else can.audio_formats
        if conversion.target(kind, takes, codec) is None:
            held = f"{kind} with {codec}" if codec else kind
            raise errors.Unsupported(f"{name} takes no {held}: give {' or '.join(takes)}")
        if can.needs_link(operation, kind):
            await self._require_links(name)

    async def _require_links(self, provider: str) -> None:
        """Raise ``ConfigError`` if the media store makes no links for the provider to open."""
        try:
            link = await self._media.url("results/-/-", 60.0)
        except errors.NotFound:  # the store makes links, yet none to a missing file
            return
        if link is None:
            raise unreachable(provider)

    async def _samples(self, order: Order, found: Sequence[_Fit]) -> list[list[Sample]]:
        """Keep the files of each stack, and return its samples; a shared file is kept once."""
        files = {id(file): file for one in found for file in one.files}
        kept = {
            key: await self._recordings.keep(file, order.user_id, order.clone_id)
            for key, file in files.items()
        }
        return [[*(kept[id(file)] for file in one.files), *one.stored] for one in found]

    @staticmethod
    def _attempt(fit: _Fit, samples: Sequence[Sample]) -> Attempt:
        return Attempt(
            stack=fit.candidate.name,
            operations=fit.operations,
            voice=tuple(s for s in samples if s.role == "voice")[: preflight.MAX_VOICE_SAMPLES],
            footage=next((s for s in samples if s.role == "footage"), None),
        )

    # -- operations ---------------------------------------------------------------------------

    def _exists(self, operation: Operation, name: str, job_id: str, at: float) -> OperationState:
        provider = self._pool.provider(name)
        return self._pool.operation(operation, name).revised(
            account={"id": account_of(provider), "api_version": provider.api_version},
            call={"phase": Phase.DONE},
            job={"id": job_id, "state": JobState.SUCCEEDED, "submitted_at": at, "stored": True},
            # It was not made by us, so it is not ours to delete.
            cleanup={"undeletable": (job_id,)},
        )

    def _look(self, person: Training, candidate: Candidate) -> tuple[OperationState, ...]:
        """The operations of another look: only the avatar's is new; the voice exists."""
        known, name = _avatar_of(person), candidate.roles.get(Operation.AVATAR)
        if name is None or name != known.provider or not self._pool.capabilities(name).looks:
            raise errors.Unsupported(
                f"{candidate.name} adds no look to an avatar of {known.provider}: train an avatar "
                "of its own, without look_of"
            )
        look = self._pool.operation(Operation.AVATAR, known.provider)
        look = look.revised(account={"id": known.account.id})
        voice = person.operation(Operation.VOICE)
        if voice is None or voice.usable_id is None:
            return (look,)
        at = voice.job.submitted_at or person.created_at
        spoken = self._exists(Operation.VOICE, voice.provider, voice.usable_id, at)
        return (spoken.revised(account={"id": voice.account.id}), look)

    def _speaking(
        self,
        avatar: OperationState,
        voice: OperationState | None,
        *,
        with_audio: bool,
        revoice: bool,
    ) -> tuple[OperationState, ...]:
        """The operations that make a video: by script where one provider has both, else by audio.

        They are bound to the accounts that hold the avatar and the voice.
        """
        generator = self._pool.provider(avatar.provider)
        if not isinstance(generator, ROLES[Operation.VIDEO].protocol):
            raise errors.Unsupported(f"{avatar.provider} trains avatars, but makes no videos")
        drive = generator.capabilities.drive
        video = self._pool.operation(Operation.VIDEO, avatar.provider)
        video = video.revised(account={"id": avatar.account.id})
        if with_audio and not revoice:
            if "audio" not in drive:
                raise errors.Unsupported(f"{avatar.provider} cannot be driven by audio")
            return (video,)
        same = voice is None or (
            voice.provider == avatar.provider and voice.account.id == avatar.account.id
        )
        if same and "script" in drive and not revoice:
            return (video,)
        if voice is None or "audio" not in drive:
            raise errors.Unsupported(f"{avatar.provider} cannot speak with that voice")
        speaker = self._pool.provider(voice.provider)
        if not isinstance(speaker, ROLES[Operation.SPEECH].protocol):
            raise errors.Unsupported(f"{voice.provider} clones voices, but does not speak")
        if revoice and not self._pool.capabilities(voice.provider).revoices:
            raise errors.Unsupported(
                f"{voice.provider} cannot speak what a recording says: leave revoice out, and the "
                "recording itself is heard"
            )
        speech = self._pool.operation(Operation.SPEECH, voice.provider)
        return (speech.revised(account={"id": voice.account.id}), video)


def _avatar_of(person: Training) -> OperationState:
    """The avatar of a training that gets another look; raises ``IllegalTransition``."""
    state = person.operation(Operation.AVATAR)
    if state is None or state.job.id is None or person.status is not Status.COMPLETED:
        raise errors.IllegalTransition(
            f"training {person.id} is {person.status}: only the avatar of a completed training "
            "gets another look"
        )
    return state


def _other_footage(person: Training, stored: Sequence[Sample]) -> Sample:
    """The newest stored footage that the training was not made of; raises ``MediaRejected``."""
    used = person.footage and person.footage.file.sha256
    others = [sample for sample in stored if sample.file.sha256 != used]
    if not others:
        raise errors.MediaRejected(
            "another look needs footage of its own: give footage=, or add it to the clone first"
        ).told_over_http("another look needs footage of its own: upload it to the clone first")
    return others[-1]


def _by_role(voice: Sequence[Source], footage: Source | None) -> list[tuple[SampleRole, Source]]:
    """All recordings of a training, each with its role."""
    given: list[tuple[SampleRole, Source]] = [(SampleRole.VOICE, one) for one in voice]
    return given if footage is None else [*given, (SampleRole.FOOTAGE, footage)]


def _digests_by_role(samples: Sequence[Collection[Sample]]) -> dict[str, Any]:
    """Digests of the samples of all stacks, by their roles."""
    used = [sample for kept_for in samples for sample in kept_for]
    return {
        role: repeats.digests(one.file.sha256 for one in used if one.role == role)
        for role in SampleRole
    }


def _require_person(
    order: Order,
    person: Training,
    voice: Sequence[Source],
    consent: Consent | None,
) -> None:
    """Raise ``ConfigError`` for another clone, or for what another look has already."""
    _avatar_of(person)
    if (person.user_id, person.clone_id) != (order.user_id, order.clone_id):
        raise errors.ConfigError("look_of is a training of another clone: give one of this clone")
    if voice or consent is not None:
        raise errors.ConfigError(
            "another look has the voice and the consent of the training that look_of names: leave "
            "voice and consent out"
        )


def _traced(record: R, trace: str) -> R:
    """The record with the caller's trace in all its operations."""
    return record.with_each(lambda state: state.revised(call={"trace": trace}))


async def _script_limits(
    order: Order,
    providers: Mapping[str, Provider],
    script: object,
    scenes: Sequence[Scene],
) -> list[tuple[str, Limit]]:
    """The providers' limits; their vendors are asked only for a text that might be too long."""
    texts = [script] if isinstance(script, str) else [scene.text for scene in scenes]
    long = any(len(text) > _SHORT for text in texts)
    return [
        (name, limit)
        for name, one in providers.items()
        for limit in (
            await current_limits(one, order.options) if long else limits_of(one, order.options)
        )
    ]


def _read(
    order: Order,
    providers: Mapping[str, Provider],
    script: str | None,
    scenes: tuple[Scene, ...],
    limits: preflight.Bounds,
) -> tuple[str | None, tuple[Scene, ...]]:
    """Check and normalise the text of a video; the first provider speaks it."""
    speaker = next(iter(providers))
    spoken = partial(
        read_script,
        limits=limits,
        markup=understood(providers[speaker], order.options),
        speaker=speaker,
    )

    def read(text: str) -> str:
        found = spoken(text)
        if isinstance(provider := providers[speaker], ChecksScripts):
            provider.check_script(found, order.language)
        return found

    if scenes:
        scenes = film.read(scenes, order.settings, read)
        return "\n\n".join(scene.text for scene in scenes), scenes
    return (None if script is None else read(script)), scenes


def _require_picture(
    made_by: Cast,
    pool: ProviderPool,
    scenes: Sequence[Scene],
    template: Template | None,
    script: str | None,
) -> None:
    """Raise ``ConfigError`` or ``Unsupported`` for what cannot be asked of a picture."""
    provider = made_by.avatar.provider
    pool.capabilities(provider).require_pictures(provider)
    if scenes or template is not None:
        raise errors.ConfigError(
            "a picture speaks a script or audio: leave scenes and template out"
        )
    if script is not None and made_by.voice is None:
        raise errors.ConfigError(
            "a picture has no voice of its own: give voice=, or audio= with what it says"
        )


def _parts(
    order: Order,
    made_by: Cast,
    script: str | None,
    scenes: tuple[Scene, ...],
    template: Template | None,
) -> dict[str, Any]:
    """Parts that a repeated order for a video must have in common with the first."""
    return {
        "training_id": made_by.training_id or "",
        "avatar_id": made_by.avatar_id or "",
        "voice_id": made_by.voice_id or "",
        "script": script or "",
        "audio": "",
        "picture": "",
        "scenes": [scene.model_dump(mode="json") for scene in scenes],
        "template": template.model_dump(mode="json") if template else "",
        "settings": order.settings.asked(),
    }


def _stack_of(avatar: Chosen, voice: Chosen | None) -> str | None:
    """The stack that an avatar and a voice of a catalogue name; None if the avatar names none."""
    if avatar.provider is None:
        return None
    spoken = voice.provider if voice is not None else None
    return "+".join(dict.fromkeys(filter(None, (spoken, avatar.provider))))
