"""``AvatarKit``: the front door, and the only place that wires everything together."""

from __future__ import annotations

import os
import statistics
import tempfile
import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self, TypeVar, cast

import anyio
import anyio.to_thread

from . import _telemetry, addresses, errors, holdings, pricing, registry, routing
from . import consent as consents
from . import preflight as looks
from .changes import Changes
from .engines.clock import SystemClock
from .engines.inprocess import AccountSlots, InProcessEngine
from .erasure import Receipt, erase
from .holdings import Holding
from .inbox import Inbox
from .interfaces import (
    ROLES,
    Backlog,
    Balance,
    Clock,
    FaceFinder,
    Limit,
    Link,
    LogEntry,
    LogPage,
    MediaStore,
    Outcome,
    Page,
    Provider,
    Repository,
    TakesRecording,
    TellsBalance,
    needs_footage,
)
from .marking import SIDECAR, Marking, Signer, write
from .models import Consent, JobState, Operation, Options, SampleRole
from .orchestrator import Orchestrator
from .recordings import Gathering, Links, Recording, Recordings, Source
from .records import (
    Alternative,
    OperationState,
    Phase,
    Record,
    Sample,
    Status,
    Training,
    Video,
)
from .registry import Stack, StackRow
from .requests import unreachable
from .settings import Settings
from .states import Policy
from .webhooks import Delivery, Registered, Registers

__all__ = ["AvatarKit", "Estimate", "Leftover", "Source"]

R = TypeVar("R", bound=Record)
#: A stack by its word or by who does what, or several that can do the same.
Stacks = str | Mapping[Operation, str] | Sequence[str | Mapping[Operation, str]]

_NAMESPACE = uuid.UUID("5f0b7f2e-6d0e-4a57-9d0a-61766b740001")
#: Seconds that a place at an account outlives the longest request that may hold it.
_PLACE_MARGIN = 60.0
#: Seconds that a look at them is good for: pages that people watch ask all the time.
_MEASURED_FOR = 60.0
#: Completed trainings that are looked at for an estimate, and how many of a stack are enough.
_MEASURED, _ENOUGH = 100, 3
_DEADLINES = {Operation.VIDEO: 6 * 3600.0, Operation.DUB: 86_400.0}


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something of a cancelled or deleted record that is not gone."""

    what: str
    pending: bool  #: the worker clears it away; else it cannot be deleted


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a training takes from its beginning to its end."""

    seconds: float
    #: median of the stack's newest completed trainings, else what its providers usually take
    basis: Literal["measured", "typical"]


class AvatarKit:
    """Clone voices, train avatars and make them speak, over one stack of providers.

    ``stack`` is a word such as ``"local"`` or ``"elevenlabs+d-id"``. Of several, ``choose`` says
    which is asked first: "best" (in the order given), "cheapest", "fastest", or a function of
    ``routing.Offer``s; the others are asked in turn while nothing was accepted.
    ``repository`` and ``media``
    are objects or addresses (``"sqlite:///twins.db"``, a folder); what is not given comes from the
    environment (``AVATARKIT_STACK``, ``AVATARKIT_REPOSITORY``, ``AVATARKIT_MEDIA``), else lives
    under ``./.avatarkit``. With ``worker=False`` this process only reads and writes records, and
    another one drives them. ``providers`` replaces providers by name, for tests. Videos are marked
    as made by AI, signed where ``AVATARKIT_C2PA_KEY`` is set; ``marking=None`` turns that off.
    ``budgets`` bound what is ordered in a month; by default those of the environment
    (``AVATARKIT_BUDGET``, ``AVATARKIT_USER_BUDGET``).

    Use it as ``async with AvatarKit(...) as kit``. Errors are ``avatarkit.errors``.
    """

    def __init__(
        self,
        stack: Stacks | None = None,
        *,
        choose: routing.Choose = "best",
        repository: Repository | str | None = None,
        media: MediaStore | str | os.PathLike[str] | None = None,
        worker: bool = True,
        providers: Mapping[str, Provider] | None = None,
        settings: Settings | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        marking: Marking | Literal["environment"] | None = "environment",
        budgets: Sequence[pricing.Budget] | None = None,
    ) -> None:
        self._settings = settings or Settings.from_env()
        if isinstance(repository, str):
            self._settings = self._settings.beside(repository)
        self._clock = clock or SystemClock()
        self._policy = policy or Policy()
        self._given = dict(providers or {})
        self._providers: dict[str, Provider] = dict(self._given)
        self._classes: dict[str, type[Provider]] = {n: type(p) for n, p in self._given.items()}
        self._stack_asked = stack or self._settings.stack
        self._choose = choose
        routing.ordered((), choose if isinstance(choose, str) else "best")  # a wrong word is told
        place = repository or self._settings.repository
        environ = self._settings.environ
        self._repository = (
            addresses.repository(place, environ, self._clock, virtual=clock is not None)
            if isinstance(place, str)
            else place
        )
        shelf = media or self._settings.media
        self._media = (
            addresses.media_store(shelf, environ) if isinstance(shelf, str | os.PathLike) else shelf
        )
        self._media_is_ours = self._media is not shelf
        if marking == "environment":
            marking = Marking(Signer.from_env(environ))
        self._marking = marking
        self._budgets = pricing.budgets_from(environ) if budgets is None else tuple(budgets)
        self._changes = Changes(self._repository, self._clock)
        self._fetcher = _LazyFetcher()
        self._recordings = Recordings(self._media, self._repository, self._fetcher)
        self._orchestrator = Orchestrator(
            repository=self._repository,
            media=self._media,
            provider=self._provider,
            fetcher=self._fetcher,
            clock=self._clock,
            slots=AccountSlots(
                self._repository, self._clock, lease=self._policy.timeout + _PLACE_MARGIN
            ),
            policy=self._policy,
            changed=self._changes.tell,
            keep=partial(marking.put, self._media) if marking else None,
            inboxes=self._settings.called_at,
            charged=lambda state: pricing.charged(state, self._prices([state.provider])),
        )
        self._inbox = Inbox(
            repository=self._repository,
            provider=self._provider,
            deliver=self._orchestrator.deliver,
        )
        self._engine = InProcessEngine(
            advance=self._orchestrator.advance, repository=self._repository, clock=self._clock
        )
        self._worker = worker
        self._measured: tuple[float, Mapping[str, float]] = (-_MEASURED_FOR, {})
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            await self._repository.open()
            exits.push_async_callback(self._repository.aclose)
            exits.push_async_callback(self._close_providers)
            tasks = anyio.create_task_group()
            if self._worker or self._changes.source:
                await exits.enter_async_context(tasks)
            if self._changes.source:
                tasks.start_soon(self._changes.run)
                exits.callback(tasks.cancel_scope.cancel)
            if self._worker:
                tasks.start_soon(self._engine.run)
                exits.push_async_callback(self._stop_engine)
            self._exits = exits.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._exits.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            # The worker's task group wraps what the caller's own block raised; hand it on bare.
            if group.exceptions != (error,):
                raise

    async def _stop_engine(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._engine.stop()

    async def _close_providers(self) -> None:
        with anyio.CancelScope(shield=True):
            for name, provider in self._providers.items():
                if name not in self._given:
                    await provider.aclose()
            await self._fetcher.aclose()
            if self._media_is_ours:
                await self._media.aclose()

    # -- providers and stacks -----------------------------------------------------------------

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            made = self._settings.make(name, self._class_of(name), clock=self._clock)
            self._providers[name] = made
        return self._providers[name]

    def _stack(self, stack: Stacks | None = None) -> Stack:
        """The stack that is asked for; of several the first one, by what needs no look-up."""
        return self._ranked(stack)[0]

    def _ranked(
        self, stack: Stacks | None = None, took: Mapping[str, float] = MappingProxyType({})
    ) -> list[Stack]:
        """The stacks that are asked for, the first one first."""
        found = self._asked(stack)
        if len(found) == 1:
            return found
        offers = [self._offer(one, took.get(one.name)) for one in found]
        return [offer.stack for offer in routing.ordered(offers, self._choose)]

    def _asked(self, stack: Stacks | None) -> list[Stack]:
        asked = stack or self._stack_asked
        several = [asked] if isinstance(asked, str | Mapping) else asked
        return [Stack.parse(one, self._class_of) for one in several]

    def _offer(self, stack: Stack, took: float | None) -> routing.Offer:
        quoted = pricing.quote(stack, prices=self._prices(stack.roles.values()))
        if took is not None:
            return routing.Offer(stack, quoted, took, "measured")
        trained = [(o, n) for o, n in stack.roles.items() if o in _ROLE_OF]
        usual = [self._class_of(n).capabilities.typical.get(o) for o, n in trained]
        known = [seconds for seconds in usual if seconds is not None]
        whole = bool(known) and len(known) == len(usual)
        return routing.Offer(
            stack, quoted, sum(known) if whole else None, "typical" if whole else None
        )

    async def offers(self, stack: Stacks | None = None) -> list[routing.Offer]:
        """The stacks that can be used here, in the order in which ``train`` asks them."""
        took = await self._took()
        offers = [self._offer(one, took.get(one.name)) for one in self._asked(stack)]
        ready = [offer for offer in offers if self._missing(offer.roles) is None]
        return routing.ordered(ready, self._choose) if ready else []

    def _class_of(self, name: str) -> type[Provider]:
        if name not in self._classes:  # to look through all installed packages takes time
            self._classes[name] = registry.load(name)
        return self._classes[name]

    def _operation(self, operation: Operation, name: str) -> OperationState:
        can = self._provider(name).capabilities
        return OperationState(
            operation=operation,
            provider=name,
            billable=operation not in can.free,
            findable=operation in can.found_by_token,
            list_lag=can.list_lag,
            idempotency_window=can.idempotency_window,
            typical=can.typical.get(operation, 60.0),
            trace=_telemetry.traceparent(),
        )

    # -- training -----------------------------------------------------------------------------

    async def train(
        self,
        *,
        user_id: str,
        clone_id: str,
        voice: Sequence[Source] = (),
        footage: Source | None = None,
        consent: Consent | None = None,
        name: str = "",
        language: str | None = None,
        stack: Stacks | None = None,
        options: Sequence[Options] = (),
        idempotency_key: str | None = None,
        max_cost: pricing.Money | None = None,
        allow_unknown: Collection[str] = (),
    ) -> Training:
        """Start a training and return at once; it goes on wherever a worker runs.

        Without ``voice`` or ``footage`` the clone's stored samples are used; no footage where the
        options stand for it, such as ``HeyGenAvatar(prompt=...)``. The same ``idempotency_key``
        of a user always gives the same training. Of several stacks those that cannot do it are left
        out: no key, no consent as they demand it, other samples, too dear. Nothing is sent where
        this raises ``MediaRejected``, ``ConsentRequired``, ``Unsupported``, ``ConfigError`` or
        ``BudgetExceeded``: it is expected to cost more than ``max_cost``, a budget has no room for
        it, or under either a price is not known of a provider that ``allow_unknown`` does not name.
        """
        _named(user_id=user_id, clone_id=clone_id)
        record_id = _record_id("training", user_id, idempotency_key)
        if idempotency_key and (known := await self._repository.get(record_id)):
            return cast("Training", known)
        stacks = self._asked(stack)
        if len(stacks) > 1:
            stacks = self._ranked(stack, await self._took())
        given: list[tuple[SampleRole, Source]] = [(SampleRole.VOICE, v) for v in voice]
        given += [(SampleRole.FOOTAGE, footage)] if footage is not None else []
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            links = self._bounds(stacks[0]) if len(stacks) == 1 else ()
            gathering = Gathering(self._recordings, given, Path(folder), links)

            async def fit(chosen: Stack) -> tuple[Stack, list[Recording], list[Sample]]:
                if len(stacks) > 1:
                    self._require_speaker(chosen, language)
                roles = self._sample_roles(chosen, footage, options)
                own = roles & {role for role, _ in given}
                self._operations(chosen)  # without a key it is no choice
                stored = await self._stored_samples(user_id, clone_id, roles - own)
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

            fitting = await routing.fitting(stacks, fit)
            agreed = self._agreed(consent, fitting[0][0])
            kept = await self._recordings.keep_consent(agreed, user_id)
            used = {id(file): file for _, files, _ in fitting for file in files}
            samples = {
                key: await self._recordings.keep(file, user_id, clone_id)
                for key, file in used.items()
            }
        first, *others = [
            self._alternative(chosen, [*(samples[id(f)] for f in files), *stored])
            for chosen, files, stored in fitting
        ]
        training = Training(
            id=record_id,
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            language=language,
            options=_stored_options(options),
            idempotency_key=idempotency_key,
            consent_id=kept.id,
            **dict(first),  # its stack, operations and samples
            **_begun(await self.now(), self._policy.deadline),
            alternatives=tuple(others),
        )
        return await self._create(training, max_cost, allow_unknown)

    def _sample_roles(
        self, stack: Stack, footage: Source | None, options: Sequence[Options]
    ) -> set[SampleRole]:
        """What a training of the stack is made of."""
        roles = {_ROLE_OF[o] for o in stack.roles if o in _ROLE_OF}
        if not roles:
            raise errors.Unsupported(f"{stack.name} can neither clone a voice nor train an avatar")
        trainer = stack.roles.get(Operation.AVATAR)
        if trainer and footage is None and not needs_footage(self._class_of(trainer), options):
            roles.discard(SampleRole.FOOTAGE)
        return roles

    def _operations(self, stack: Stack) -> tuple[OperationState, ...]:
        """What a training of the stack consists of; raises ``ConfigError`` without a key."""
        return tuple(self._operation(o, stack.roles[o]) for o in _ROLE_OF if o in stack.roles)

    def _require_speaker(self, stack: Stack, language: str | None) -> None:
        """Raise what keeps the stack from speaking the language: no key, or ``Unsupported``."""
        for operation, name in stack.roles.items():
            can = self._provider(name).capabilities
            if operation in {Operation.SPEECH, Operation.VIDEO}:
                can.require_language(name, language)

    def _alternative(self, stack: Stack, samples: Sequence[Sample]) -> Alternative:
        return Alternative(
            stack=stack.name,
            operations=self._operations(stack),
            voice=tuple(s for s in samples if s.role == "voice")[: looks.MAX_VOICE_SAMPLES],
            footage=next((s for s in samples if s.role == "footage"), None),
        )

    async def adopt(
        self,
        *,
        user_id: str,
        clone_id: str,
        avatar_id: str,
        voice_id: str | None = None,
        consent: Consent | None = None,
        name: str = "",
        stack: str | Mapping[Operation, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Training:
        """Make a completed training of an avatar that exists at a provider already."""
        _named(user_id=user_id, clone_id=clone_id, avatar_id=avatar_id)
        if len(self._asked(stack)) > 1:
            raise errors.ConfigError("name the stack that has this avatar: adopt(stack=...)")
        chosen = self._stack(stack)
        agreed = self._agreed(consent, chosen)
        generator = chosen.roles.get(Operation.VIDEO)
        if generator is None:
            raise errors.Unsupported(f"{chosen.name} makes no videos, so it has no avatars")
        speaker = chosen.roles.get(Operation.VOICE) or chosen.roles.get(Operation.SPEECH)
        now = await self.now()
        operations = [self._adopted(Operation.AVATAR, generator, avatar_id, now)]
        if voice_id:
            operations.insert(
                0, self._adopted(Operation.VOICE, speaker or generator, voice_id, now)
            )
        kept = await self._recordings.keep_consent(agreed, user_id)
        training = Training(
            id=_record_id("training", user_id, idempotency_key),
            user_id=user_id,
            clone_id=clone_id,
            stack=chosen.name,
            name=name,
            idempotency_key=idempotency_key,
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
        return await self._create(training)

    def _adopted(self, operation: Operation, name: str, job_id: str, at: float) -> OperationState:
        provider = self._provider(name)
        return self._operation(operation, name).model_copy(
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

    async def _create(
        self, record: R, max_cost: pricing.Money | None = None, allow_unknown: Collection[str] = ()
    ) -> R:
        states = [*record.operations, *(s for a in record.alternatives for s in a.operations)]
        prices = self._prices(state.provider for state in states)
        record, caps = pricing.bounded(
            record, prices, self._budgets, max_cost=max_cost, allow_unknown=allow_unknown
        )
        saved, created = await self._repository.create(record, *caps)
        if created:
            self._engine.wake()
        return cast("R", saved)

    def _agreed(self, consent: Consent | None, stack: Stack) -> Consent:
        names = dict.fromkeys(stack.roles.values())
        return consents.require(consent, {n: self._class_of(n).consent_rules for n in names})

    async def _require_links(self, given: Iterable[tuple[str, Operation, str]]) -> None:
        """Raise ``ConfigError`` where a provider can be given a recording by no way that there is.

        ``given`` is what is to be given: provider, operation, and media type.
        """
        names = [n for n, o, kind in given if self._provider(n).capabilities.needs_link(o, kind)]
        if not names:
            return
        try:
            link = await self._media.url("results/-/-", 60.0)
        except errors.NotFound:  # it has links, yet none to what is not there
            return
        if link is None:
            raise unreachable(names[0])

    # -- samples ------------------------------------------------------------------------------

    async def add_sample(
        self,
        *,
        user_id: str,
        clone_id: str,
        voice: Source | None = None,
        footage: Source | None = None,
    ) -> Sample:
        """Keep one recording for later trainings of the clone."""
        _named(user_id=user_id, clone_id=clone_id)
        role, source = _one_of(voice, footage)
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            file = await self._recordings.bring(role, source, Path(folder))
            await self._recordings.check(file)
            return await self._recordings.keep(file, user_id, clone_id)

    async def offer_sample(
        self,
        *,
        user_id: str,
        clone_id: str,
        voice: Source | None = None,
        footage: Source | None = None,
        stack: str | Mapping[Operation, str] | None = None,
    ) -> tuple[Sample | None, list[looks.Finding]]:
        """Keep one recording, unless ``preflight`` finds an error; with all that it found."""
        _named(user_id=user_id, clone_id=clone_id)
        given = _one_of(voice, footage)
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            files, found = await self._looked([given], Path(folder), self._stack(stack))
            if any(finding.severity == "error" for finding in found):
                return None, found
            return await self._recordings.keep(files[0], user_id, clone_id), found

    async def delete_sample(self, sample_id: str, *, user_id: str, clone_id: str) -> None:
        """Remove a stored recording, bytes and all.

        Raises ``NotFound``, also for another user's, and ``Conflict`` while a training or a video
        that is under way is made of it.
        """
        kept = await self._repository.samples(user_id, clone_id)
        sample = next((sample for sample in kept if sample.id == sample_id), None)
        if sample is None:
            raise errors.NotFound(f"there is no sample {sample_id!r}")
        async for record in self._records_of(user_id, clone_id):
            if record.status.final:
                continue
            if any(used.file.key == sample.file.key for used in holdings.samples_of(record)):
                raise errors.Conflict(
                    f"{record.id} is made of {sample.name}: wait for its end, or cancel it first"
                )
        # The bytes first: what is cut off here is still listed, and can be removed again.
        await self._media.delete(sample.file.key)
        await self._repository.remove_sample(sample)

    async def preflight(
        self,
        *,
        voice: Sequence[Source] = (),
        footage: Source | None = None,
        samples: Sequence[Source] = (),
        stack: str | Mapping[Operation, str] | None = None,
    ) -> list[looks.Finding]:
        """Say what is wrong with samples, without keeping or sending them.

        What ``samples`` are for is decided by what they hold: sound is a voice, else it is footage.
        """
        chosen = self._stack(stack)
        given: list[tuple[SampleRole | None, Source]] = [(SampleRole.VOICE, v) for v in voice]
        given += [(SampleRole.FOOTAGE, footage)] if footage is not None else []
        given += [(None, sample) for sample in samples]
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            return (await self._looked(given, Path(folder), chosen))[1]

    async def _looked(
        self, given: Sequence[tuple[SampleRole | None, Source]], folder: Path, stack: Stack
    ) -> tuple[list[Recording], list[looks.Finding]]:
        """Bring the samples here, and look at them off the event loop."""
        files, found = await self._recordings.gather(given, folder, self._bounds(stack))
        return files, found + await self._judged(files, stack)

    def _bounds(self, stack: Stack) -> list[tuple[str, Limit]]:
        """What the providers of the stack demand of samples."""
        return [
            (name, limit)
            for operation, name in stack.roles.items()
            for limit in self._class_of(name).limits
            if limit.what.startswith(looks.BOUNDS.get(operation, ()))
        ]

    async def _judged(self, files: Sequence[Recording], stack: Stack) -> list[looks.Finding]:
        bounds = self._bounds(stack)
        wanted = any(limit.what.startswith("face") for _, limit in bounds)
        return await self._recordings.look(
            files, bounds, self._face_finder(stack) if wanted else None
        )

    def _face_finder(self, stack: Stack) -> FaceFinder | None:
        """Who finds faces: a provider of the stack, else the local one."""
        for name in (*stack.roles.values(), "local"):
            if issubclass(self._class_of(name), FaceFinder):  # to look needs no vendor's key
                return cast("FaceFinder", self._provider(name))
        return None

    async def _stored_samples(
        self, user_id: str, clone_id: str, roles: set[SampleRole]
    ) -> list[Sample]:
        if not roles:
            return []
        samples = await self._repository.samples(user_id, clone_id)
        missing = roles - {SampleRole(s.role) for s in samples}
        if missing:
            raise errors.MediaRejected(
                "Missing voice or video samples: give "
                + " and ".join(f"{role}=" for role in sorted(missing))
                + ", or add them to the clone first"
            )
        return [s for s in samples if SampleRole(s.role) in roles]

    # -- speaking -----------------------------------------------------------------------------

    async def speak(
        self,
        training_id: str,
        script: str | None = None,
        *,
        audio: Source | None = None,
        wait: bool = True,
        name: str = "",
        language: str | None = None,
        options: Sequence[Options] = (),
        idempotency_key: str | None = None,
        max_cost: pricing.Money | None = None,
        allow_unknown: Collection[str] = (),
    ) -> Video:
        """Make the avatar say ``script``, or move its lips to ``audio``.

        Waits for the finished video, and raises what it failed with; with ``wait=False`` the record
        comes back at once. A record that needs a person comes back as it is. ``max_cost`` and
        ``allow_unknown`` are those of ``train``.
        """
        if (script is None) == (audio is None):
            raise errors.ConfigError("give either a script or audio=")
        training = await self._training(training_id)
        if training.status is not Status.COMPLETED:
            raise errors.IllegalTransition(
                f"training {training.id} is {training.status}: only a completed one can speak"
            )
        record_id = _record_id("video", training.user_id, idempotency_key)
        if idempotency_key and (known := await self._repository.get(record_id)):
            video = cast("Video", known)
        else:
            video = await self._new_video(
                training,
                record_id,
                script=script,
                audio=audio,
                language=language,
                name=name,
                options=options,
                idempotency_key=idempotency_key,
                max_cost=max_cost,
                allow_unknown=allow_unknown,
            )
        return await self._finished(video) if wait else video

    async def _new_video(
        self,
        training: Training,
        record_id: str,
        *,
        script: str | None,
        audio: Source | None,
        language: str | None,
        name: str,
        options: Sequence[Options],
        idempotency_key: str | None,
        max_cost: pricing.Money | None,
        allow_unknown: Collection[str],
    ) -> Video:
        avatar = cast("OperationState", training.operation(Operation.AVATAR))
        if avatar is None:
            raise errors.Unsupported(f"training {training.id} has a voice, but no avatar to speak")
        voice = training.operation(Operation.VOICE)
        operations = self._speaking(avatar, voice, with_audio=audio is not None)
        names = dict.fromkeys(o.provider for o in operations)
        limits = [(n, limit) for n in names for limit in self._provider(n).limits]
        language = language or training.language
        for state in operations:
            can = self._provider(state.provider).capabilities
            can.require_language(state.provider, None if script is None else language)
        if operations[0].operation is Operation.SPEECH:
            await self._require_links([(avatar.provider, Operation.VIDEO, "audio/*")])
        kept = await self._repository.get_consent(training.consent_id or "")
        consents.require(kept, {n: self._provider(n).consent_rules for n in names})
        consents.require_valid(kept, await self.now())
        sample: Sample | None = None
        if script is not None:
            script = looks.read_script(script, limits)
        else:
            with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
                file = await self._recordings.bring(
                    SampleRole.VOICE, cast("Source", audio), Path(folder)
                )
                await self._recordings.check(file)
                await self._require_links([(avatar.provider, Operation.VIDEO, file.media_type)])
                sample = await self._recordings.keep(file, training.user_id, training.clone_id)
        now = await self.now()
        video = Video(
            id=record_id,
            user_id=training.user_id,
            clone_id=training.clone_id,
            stack=training.stack,
            name=name or training.name,
            language=language,
            options=_stored_options(options),
            idempotency_key=idempotency_key,
            consent_id=training.consent_id,
            operations=operations,
            **_begun(now, _DEADLINES[Operation.VIDEO]),
            training_id=training.id,
            script=script,
            audio=sample,
            voice_id=training.voice_id,
            avatar_id=training.avatar_id,
        )
        return await self._create(video, max_cost, allow_unknown)

    def _speaking(
        self, avatar: OperationState, voice: OperationState | None, *, with_audio: bool
    ) -> tuple[OperationState, ...]:
        """The operations that make a video: by script where one provider has both, else by audio.

        They are bound to the accounts that hold the avatar and the voice.
        """
        generator = self._provider(avatar.provider)
        if not isinstance(generator, ROLES[Operation.VIDEO].protocol):
            raise errors.Unsupported(f"{avatar.provider} trains avatars, but makes no videos")
        drive = generator.capabilities.drive
        video = self._operation(Operation.VIDEO, avatar.provider)
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
        if not isinstance(self._provider(voice.provider), ROLES[Operation.SPEECH].protocol):
            raise errors.Unsupported(f"{voice.provider} clones voices, but does not speak")
        speech = self._operation(Operation.SPEECH, voice.provider)
        return (speech.model_copy(update={"account": voice.account}), video)

    async def dub(
        self,
        source: Source,
        language: str,
        *,
        user_id: str,
        clone_id: str,
        consent: Consent | None = None,
        name: str = "",
        wait: bool = True,
        stack: str | Mapping[Operation, str] | None = None,
        options: Sequence[Options] = (),
        idempotency_key: str | None = None,
        max_cost: pricing.Money | None = None,
        allow_unknown: Collection[str] = (),
    ) -> Video:
        """Say an existing video again in ``language``.

        ``max_cost`` and ``allow_unknown`` are those of ``train``; the price is known where it can
        be seen how long ``source`` is.
        """
        _named(user_id=user_id, clone_id=clone_id, language=language)
        record_id = _record_id("dub", user_id, idempotency_key)
        ranked = self._ranked(stack)
        chosen = next((one for one in ranked if Operation.DUB in one.roles), ranked[0])
        dubber = chosen.roles.get(Operation.DUB)
        if dubber is None:
            raise errors.Unsupported(f"{chosen.name} does not dub")
        known = await self._repository.get(record_id) if idempotency_key else None
        if known is None:
            agreed = self._agreed(consent, chosen)
            with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
                file = await self._recordings.bring(SampleRole.FOOTAGE, source, Path(folder))
                await self._recordings.check(file)
                await self._require_links([(dubber, Operation.DUB, file.media_type)])
                kept = await self._recordings.keep_consent(agreed, user_id)
                sample = await self._recordings.keep(file, user_id, clone_id)
            now = await self.now()
            known = await self._create(
                Video(
                    id=record_id,
                    user_id=user_id,
                    clone_id=clone_id,
                    stack=chosen.name,
                    name=name,
                    language=language,
                    options=_stored_options(options),
                    idempotency_key=idempotency_key,
                    consent_id=kept.id,
                    operations=(self._operation(Operation.DUB, dubber),),
                    **_begun(now, _DEADLINES[Operation.DUB]),
                    source=sample,
                ),
                max_cost,
                allow_unknown,
            )
        video = cast("Video", known)
        return await self._finished(video) if wait else video

    async def _finished(self, video: Video) -> Video:
        last: Record = video
        async for update in self.watch(video.id):
            last = update
            if update.status is Status.ACTION_REQUIRED:
                break
        if last.status is Status.FAILED:
            kind = getattr(errors, last.error_type or "", errors.Refused)
            raise kind(last.error_message or "the video failed")
        return cast("Video", last)

    # -- looking ------------------------------------------------------------------------------

    async def get(self, record_id: str) -> Training | Video:
        """A training or a video; raises ``NotFound``."""
        return cast("Training | Video", await self._record(record_id))

    async def watch(self, record_id: str) -> AsyncIterator[Training | Video]:
        """Yield the record now and at each change that a person would see, until it is final."""
        shown: object = None
        with self._changes.of(record_id) as news:
            record = await self._record(record_id)
            while True:
                told = (record.action, record.error_message, record.stack)
                seen = (record.status, record.progress, *told)
                if seen != shown:
                    shown = seen
                    yield cast("Training | Video", record)
                if record.status.final:
                    return
                newest = await news.next() or await self._record(record_id)
                if newest.version > record.version:
                    record = _there(newest, record_id)

    async def samples(self, *, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """A clone's stored samples, or those of a user's every clone, oldest first.

        Raises ``NotFound`` for another user's clone.
        """
        return await self._repository.samples(user_id, clone_id)

    async def page(
        self,
        kind: Literal["training", "video"],
        *,
        user_id: str | None = None,
        clone_id: str | None = None,
        training_id: str | None = None,
        status: Status | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of records, newest first; ``Page.cursor`` asks for the rest."""
        return await self._repository.page(
            kind,
            user_id=user_id,
            clone_id=clone_id,
            training_id=training_id,
            status=status,
            cursor=cursor,
            limit=limit,
        )

    def stacks(self) -> list[tuple[StackRow, str | None]]:
        """Every stack that could train, and what is missing for it here; imports all providers."""
        trains = {Operation.VOICE, Operation.AVATAR}
        rows = registry.stacks(class_of=self._class_of)
        possible = [row for row in rows if row.problem is None and trains & row.roles.keys()]
        return [(row, self._missing(row.roles)) for row in possible]

    def _missing(self, roles: Mapping[Operation, str]) -> str | None:
        try:
            for name in set(roles.values()):
                self._provider(name)
        except errors.ConfigError as error:
            return str(error)
        return None

    @property
    def home(self) -> Path:
        """The folder of what this machine keeps beside the database and the store."""
        return self._settings.root

    @property
    def media(self) -> MediaStore:
        """Where recordings and results are."""
        return self._media

    async def trainings(
        self,
        *,
        user_id: str | None = None,
        clone_id: str | None = None,
        status: Status | None = None,
        limit: int = 50,
    ) -> list[Training]:
        """The newest trainings."""
        page = await self._repository.page(
            "training", user_id=user_id, clone_id=clone_id, status=status, limit=limit
        )
        return [cast("Training", r) for r in page.records]

    async def videos(
        self,
        *,
        user_id: str | None = None,
        training_id: str | None = None,
        status: Status | None = None,
        limit: int = 50,
    ) -> list[Video]:
        """The newest videos."""
        page = await self._repository.page(
            "video", user_id=user_id, training_id=training_id, status=status, limit=limit
        )
        return [cast("Video", r) for r in page.records]

    async def save(
        self, record: Training | Video | str, path: str | os.PathLike[str], *, file: str = "video"
    ) -> Path:
        """Write a stored result ("video", "thumbnail", "audio") to ``path``, all or nothing.

        A video that is not marked yet is marked; where it cannot hold that, a file beside says it.
        """
        known = await self._record(record) if isinstance(record, str) else record
        stored = known.file(file)
        if stored is None:
            raise errors.NotFound(f"{known.id} is {known.status} and has no {file}")
        target = anyio.Path(path)
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            mark = await write(self._media, stored, Path(part), self._marking)
            await part.replace(target)
            if mark is not None and mark.carried_by == "sidecar":
                beside = target.with_name(f"{target.name}{SIDECAR}")
                await beside.write_text(mark.model_dump_json(indent=2))
        except errors.AvatarKitError:
            raise
        except OSError as error:
            raise errors.StorageError(f"{target} cannot be written: {error.strerror}") from error
        finally:
            await part.unlink(missing_ok=True)
        return Path(target)

    # -- steering -----------------------------------------------------------------------------

    async def cancel(self, record_id: str) -> Training | Video:
        """Stop it; nothing new is paid for, and what the vendors hold is deleted by the worker."""
        record = await self._orchestrator.cancel(await self._record(record_id))
        self._engine.wake()
        return cast("Training | Video", record)

    async def delete(self, record_id: str) -> None:
        """Remove it, its results, and what the vendors hold of it; it is hidden at once."""
        await self._orchestrator.delete(await self._record(record_id))
        self._engine.wake()

    async def revoke(self, consent_id: str) -> list[Holding]:
        """Note that a person takes a consent back; returns what exists by it, and where.

        Nothing new is made by it from now on: what is under way is cancelled, and trainings and
        videos raise ``ConsentRequired``. What is finished stays until it is deleted. It may be
        repeated. Raises ``NotFound`` for an unknown consent.
        """
        consent = await self._repository.revoke_consent(consent_id, await self.now())
        if consent is None:
            raise errors.NotFound(f"there is no consent {consent_id!r}")
        found = list(holdings.of_consent(consent))
        async for record in self._records_of(consent.user_id):
            if record.consent_id == consent_id:
                found += holdings.of_record(await self._stopped(record))
        self._engine.wake()
        return found

    async def consents(self, *, user_id: str) -> list[Consent]:
        """A user's consents, revoked and expired ones as well."""
        return await self._repository.consents(user_id)

    async def erase(self, user_id: str) -> Receipt:
        """Remove a person: at every vendor, in the media store and in the repository.

        Nothing new is paid for from now on. What is under way, or refused for the moment, is
        cleared away by the worker; to erase again tells how far that is, and also goes on where an
        erasure was killed. ``Receipt.left`` names what cannot be deleted. Raises ``StorageError``.
        """
        _named(user_id=user_id)
        receipt = await erase(
            user_id,
            repository=self._repository,
            media=self._media,
            records=self._records_of,
            delete=self._orchestrator.delete,
            advance=self._orchestrator.advance,
        )
        self._engine.wake()
        return receipt

    async def _stopped(self, record: Record) -> Record:
        """The record, cancelled unless it is at its end."""
        if record.status.final:
            return record
        try:
            return await self._orchestrator.cancel(record)
        except errors.IllegalTransition:  # it came to its end in the meantime
            return await self._repository.get(record.id) or record

    async def _records_of(
        self, user_id: str | None, clone_id: str | None = None
    ) -> AsyncIterator[Record]:
        """Every training and video that is not deleted: of one user, one clone, or of all."""
        kinds: tuple[Literal["training", "video"], ...] = ("training", "video")
        for kind in kinds:
            cursor: str | None = None
            while True:
                page = await self._repository.page(
                    kind, user_id=user_id, clone_id=clone_id, cursor=cursor, limit=200
                )
                for record in page.records:
                    yield record
                cursor = page.cursor
                if cursor is None:
                    break

    async def leftovers(self, record_id: str) -> list[Leftover]:
        """What the vendors or the store still hold of a cancelled or deleted record.

        Of any other: what stacks hold that were asked before another one took over.
        """
        record = await self._repository.get(record_id)
        if record is None:
            return []
        removing = record.cleanup == "delete"
        ended = record.operations if record.cleanup != "no" else ()
        left = [part for state in ended for part in _left(state, removing=removing)]
        for stack in record.earlier:
            left += _left(stack.operation, removing=True)
        if record.deleted and not record.purges:
            left.append(Leftover("its results in the media store", pending=True))
        return left

    async def resolve(
        self,
        record_id: str,
        choice: str,
        *,
        job_id: str | None = None,
        recording: Source | None = None,
    ) -> Training | Video:
        """Answer the record's action with one of ``record.action.choices``.

        ``adopt`` needs ``job_id``. ``done`` takes the ``recording`` that an action asks for by
        ``record.action.recording``: it is stored first, then handed in by the worker. Raises
        ``IllegalTransition`` where the answer does not fit, ``MediaRejected`` for another kind of
        recording.
        """
        record = await self._repository.get(record_id)  # a deleted one may still ask
        if record is None:
            raise errors.NotFound(f"there is no training or video {record_id!r}")
        if recording is None:
            record = await self._orchestrator.resolve(record, choice, job_id=job_id)
        else:
            record = await self._handed_in(record, choice, recording)
        self._engine.wake()
        return cast("Training | Video", record)

    async def _handed_in(self, record: Record, choice: str, recording: Source) -> Record:
        action = record.action
        if choice != "done" or action is None or action.recording is None:
            raise errors.IllegalTransition(
                f"{record.id} asks for no recording; where one is asked for, answer 'done' with it"
            )
        operation = cast("Operation", action.operation)
        state = cast("OperationState", record.operation(operation))
        if not isinstance(self._provider(state.provider), TakesRecording):
            raise errors.Unsupported(
                f"{state.provider} takes no recording from here: give it there, then answer 'done'"
            )
        role = SampleRole.VOICE if action.recording == "audio" else SampleRole.FOOTAGE
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            file = await self._recordings.bring(role, recording, Path(folder))
            await self._recordings.check(file)
            kept = await self._recordings.keep_asked(
                file, record.prefix, action.recording, action.ref or ""
            )
        return await self._orchestrator.give(record, operation, kept)

    async def receive(
        self, provider: str, delivery: Delivery, *, token: str | None = None, apply: bool = True
    ) -> LogEntry | None:
        """Check a webhook delivery, keep it, and apply it; None where it was kept before.

        ``token`` is the ``job`` of our callback address. With ``apply=False`` it is only kept, so
        that the vendor can be answered, and ``apply_webhooks`` does the rest. Raises
        ``WebhookRejected`` for what is forged, stale or malformed.
        """
        entry = await self._inbox.take(provider, delivery, token, apply=apply)
        self._engine.wake()
        return entry

    async def apply_webhooks(self, limit: int = 64) -> int:
        """Apply deliveries that were kept, and return how many that settled."""
        settled = await self._inbox.sweep(limit)
        if settled:
            self._engine.wake()
        return settled

    async def replay_webhook(self, provider: str, event_id: str) -> LogEntry:
        """Apply a kept delivery once more, which is harmless; raises ``NotFound``."""
        entry = await self._inbox.apply(await self.webhook(provider, event_id))
        self._engine.wake()
        return entry

    async def webhook(self, provider: str, event_id: str) -> LogEntry:
        """A kept delivery; raises ``NotFound``."""
        entry = await self._repository.get_webhook(provider, event_id)
        if entry is None:
            raise errors.NotFound(f"there is no delivery {event_id!r} of {provider}")
        return entry

    async def register_webhook(self, provider: str, address: str) -> Registered | None:
        """Have a provider report to ``address``; None where that is not done by its API."""
        if not issubclass(self._class_of(provider), Registers):  # which needs no key to be seen
            return None
        return await cast("Registers", self._provider(provider)).register_webhook(address)

    async def webhooks(
        self,
        *,
        user_id: str | None = None,
        provider: str | None = None,
        outcome: Outcome | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> LogPage:
        """Deliveries, newest first; of a user: what was about that user's records."""
        return await self._repository.webhooks(
            user_id=user_id, provider=provider, outcome=outcome, cursor=cursor, limit=limit
        )

    async def tick(self, limit: int = 64) -> int:
        """Advance what is due once, and return how many records that were."""
        return await self._engine.tick(limit)

    async def backlog(self) -> list[Backlog]:
        """What waits for a worker or a vendor, by the provider that it waits for."""
        return await self._repository.backlog()

    # -- prices -------------------------------------------------------------------------------

    def quote(
        self,
        *,
        script: str | None = None,
        seconds: float | None = None,
        trainings: int = 1,
        videos_per_month: int = 1,
        dubs_per_month: int = 0,
        stack: str | Mapping[Operation, str] | None = None,
        prices: pricing.Prices | None = None,
        choose: pricing.Choice = MappingProxyType({}),
    ) -> pricing.Quote:
        """What a month's work costs on the stack: ``pricing.quote``. Sends nothing.

        Without ``prices``: the shipped rows, those of the stack's providers, and those of the file
        that ``AVATARKIT_PRICES`` names.
        """
        chosen = self._stack(stack)
        return pricing.quote(
            chosen,
            script=script,
            seconds=seconds,
            trainings=trainings,
            videos_per_month=videos_per_month,
            dubs_per_month=dubs_per_month,
            prices=prices or self._prices(chosen.roles.values()),
            choose=choose,
        )

    def compare(
        self,
        workload: pricing.Workload | None = None,
        *,
        stacks: Sequence[str] | None = None,
        prices: pricing.Prices | None = None,
        choose: pricing.Choice = MappingProxyType({}),
    ) -> pricing.Comparison:
        """A month's work on every stack that can do it: ``pricing.compare``. Sends nothing."""
        found = (
            [Stack(row.stack, row.roles) for row in registry.stacks() if row.problem is None]
            if stacks is None
            else [self._stack(stack) for stack in stacks]
        )
        names = [name for stack in found for name in stack.roles.values()]
        return pricing.compare(
            found, workload or pricing.Workload(), prices or self._prices(names), choose
        )

    async def costs(
        self,
        record_id: str | None = None,
        *,
        prices: pricing.Prices | None = None,
        choose: pricing.Choice = MappingProxyType({}),
    ) -> list[pricing.Cost]:
        """What vendors said that accepted calls took, beside what was quoted before."""
        entries = await self._repository.ledger(record_id)
        ids = dict.fromkeys(entry.record_id for entry in entries)
        records = {id_: await self._repository.get(id_) for id_ in ids}
        rows = prices or self._prices(entry.provider for entry in entries)
        return [pricing.cost(entry, records[entry.record_id], rows, choose) for entry in entries]

    async def balances(
        self, stack: Stacks | None = None
    ) -> dict[str, Balance | errors.AvatarKitError]:
        """What the account of each provider that says so can still spend, else why that is unknown.

        Asks the vendors, free of charge. It tells no job's charge: what it falls by is all that the
        account did.
        """
        names = dict.fromkeys(name for one in self._asked(stack) for name in one.roles.values())
        found: dict[str, Balance | errors.AvatarKitError] = {}
        for name in names:
            if issubclass(self._class_of(name), TellsBalance):  # which needs no key to be seen
                try:
                    found[name] = await cast("TellsBalance", self._provider(name)).balance()
                except errors.AvatarKitError as error:
                    found[name] = error
        return found

    async def budgets(self, user_id: str | None = None) -> list[pricing.BudgetUse]:
        """This month's use of each budget; of those of users, where one is named."""
        now = await self.now()
        since, until = pricing.month(now)
        return [
            pricing.BudgetUse.of(
                budget,
                now,
                await self._repository.held(
                    since, until, user_id if budget.per == "user" else None
                ),
            )
            for budget in self._budgets
            if budget.per == "project" or user_id is not None
        ]

    def _prices(self, names: Iterable[str]) -> pricing.Prices:
        classes = []
        for name in dict.fromkeys(names):
            with suppress(errors.ConfigError):  # of the ledger: it may be gone
                classes.append(self._class_of(name))
        return pricing.Prices.load(
            plugins=classes, file=self._settings.environ.get("AVATARKIT_PRICES")
        )

    async def estimate(self, training: Training) -> Estimate:
        """How long such a training takes; measured where three of its stack were completed."""
        took = (await self._took()).get(training.stack)
        if took is not None:
            return Estimate(took, "measured")
        return Estimate(sum(state.typical for state in training.operations), "typical")

    async def _took(self) -> Mapping[str, float]:
        """Median seconds of the newest completed trainings, by stack, where there are enough."""
        now = self._clock.now().wall
        at, took = self._measured
        if not 0 <= now - at < _MEASURED_FOR:
            took = await self._measure()
            self._measured = (now, took)
        return took

    async def _measure(self) -> Mapping[str, float]:
        page = await self._repository.page("training", status=Status.COMPLETED, limit=_MEASURED)
        took: dict[str, list[float]] = {}
        for record in page.records:
            seconds = (record.completed_at or 0.0) - record.created_at
            if seconds > 0:  # what was adopted took none
                took.setdefault(record.stack, []).append(seconds)
        return {
            stack: statistics.median(times)
            for stack, times in took.items()
            if len(times) >= _ENOUGH
        }

    async def now(self) -> float:
        """The time that records are measured by, in seconds since 1970."""
        return (await self._repository.now()).wall

    async def restored(self) -> int:
        """After an older copy of the database came back: believe nothing to be unsent.

        Every unfinished operation is looked up at its vendor before anything is sent. Returns how
        many records that concerns.
        """
        count = 0
        async for record in self._records_of(None):
            if not record.status.final:
                await self._orchestrator.restored(record)
                count += 1
        return count

    async def _record(self, record_id: str) -> Record:
        return _there(await self._repository.get(record_id), record_id)

    async def _training(self, training_id: str) -> Training:
        record = await self._record(training_id)
        if not isinstance(record, Training):
            raise errors.NotFound(f"{training_id!r} is a video, not a training")
        return record


def _there(record: Record | None, record_id: str) -> Record:
    if record is None or record.deleted:
        raise errors.NotFound(f"there is no training or video {record_id!r}")
    return record


def _left(state: OperationState, *, removing: bool) -> Iterator[Leftover]:
    """What one operation may have left at its vendor."""
    where = f"{state.provider} {state.operation}"
    if state.phase is Phase.INTENT:
        yield Leftover(f"{where}: whether it was made is not known yet", pending=True)
    if state.discard:
        yield Leftover(f"{where}: {', '.join(state.discard)}", pending=True)
    if removing and state.prepared and state.uploads == "kept":
        yield Leftover(f"{where}: what was uploaded for it", pending=True)
    if state.uploads == "left":
        yield Leftover(f"{where}: what was uploaded for it cannot be deleted there", pending=False)
    if state.undeletable:
        ids = ", ".join(state.undeletable)
        yield Leftover(f"{where}: {ids} cannot be deleted there", pending=False)


_ROLE_OF = {Operation.VOICE: SampleRole.VOICE, Operation.AVATAR: SampleRole.FOOTAGE}
_OPERATION_OF = {role: operation for operation, role in _ROLE_OF.items()}


class _LazyFetcher:
    """Opens links by HTTP; loads the client when the first link is opened."""

    def __init__(self) -> None:
        self._fetcher: Any = None

    def _opener(self) -> Links:
        if self._fetcher is None:
            from ._http import HttpFetcher

            self._fetcher = HttpFetcher()
        return cast("Links", self._fetcher)

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        return self._opener().fetch(url)

    async def look(self, url: str, /) -> Link:
        return await self._opener().look(url)

    async def aclose(self) -> None:
        if self._fetcher is not None:
            await self._fetcher.aclose()


def _named(**values: str) -> None:
    empty = [name for name, value in values.items() if not value.strip()]
    if empty:
        raise errors.ConfigError(f"{' and '.join(empty)} must not be empty")


def _one_of(voice: Source | None, footage: Source | None) -> tuple[SampleRole, Source]:
    if voice is not None and footage is None:
        return SampleRole.VOICE, voice
    if footage is not None and voice is None:
        return SampleRole.FOOTAGE, footage
    raise errors.ConfigError("give either voice= or footage=")


def _record_id(kind: str, user_id: str, idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_NAMESPACE, f"{kind}\0{user_id}\0{idempotency_key}"))


def _begun(now: float, deadline: float) -> dict[str, Any]:
    """The times of a row that is due at once and asks a person after ``deadline`` seconds."""
    return {"created_at": now, "updated_at": now, "deadline_at": now + deadline, "next_at": now}


def _stored_options(options: Sequence[Options]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"type": type(o).__name__, "values": o.model_dump(mode="json", exclude_defaults=True)}
        for o in options
    )
