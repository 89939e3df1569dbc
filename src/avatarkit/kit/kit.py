"""``AvatarKit``: the front door, and the only place that wires everything together."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast, overload

import anyio
import anyio.to_thread

from .. import errors, pricing
from ..clock import SystemClock
from ..config import addresses
from ..config.settings import Settings
from ..content.credentials import SIDECAR, Marking, Signer, write
from ..engines.in_process import InProcessEngine
from ..erasure import Receipt, erase
from ..intake import preflight as looks
from ..intake.orders import Order, Orders, named
from ..intake.recordings import Links, Recordings, Source
from ..interfaces import (
    Clock,
    Link,
    MediaStore,
    Page,
    Provider,
    Repository,
    TakesRecording,
)
from ..lifecycle import leftovers
from ..lifecycle.account_limits import AccountSlots
from ..lifecycle.advance import Orchestrator
from ..lifecycle.decide import Policy
from ..lifecycle.deliveries import Inbox
from ..lifecycle.durations import Duration, Durations
from ..lifecycle.leftovers import Holding, Leftover
from ..lifecycle.watching import Changes
from ..models import Consent, Operation, Options, SampleRole
from ..records import OperationState, Record, Sample, Status, Training, Video
from ..stacks.provider_pool import ProviderPool
from ..stacks.ranking import Choose, Stacks, StackSelector
from .admin import KitAdmin
from .prices import KitPrices
from .records import every_record
from .webhooks import KitWebhooks

__all__ = ["AvatarKit", "Duration", "Leftover", "Source"]

R = TypeVar("R", bound=Record)
#: Seconds that a place at an account outlives the longest request that may hold it.
_PLACE_MARGIN = 60.0


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

    Use it as ``async with AvatarKit(...) as kit``; once closed, it may be opened again. Errors are
    ``avatarkit.errors``.
    """

    def __init__(
        self,
        stack: Stacks | None = None,
        *,
        choose: Choose = "best",
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
        self._pool = ProviderPool(self._settings, self._clock, dict(providers or {}))
        self._selector = StackSelector(self._pool, stack or self._settings.stack, choose)
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
        self._durations = Durations(self._repository, self._clock)
        self._orders = Orders(
            pool=self._pool,
            recordings=self._recordings,
            repository=self._repository,
            media=self._media,
            deadline=self._policy.deadline,
        )
        self._orchestrator = Orchestrator(
            repository=self._repository,
            media=self._media,
            provider=self._pool.provider,
            fetcher=self._fetcher,
            clock=self._clock,
            slots=AccountSlots(
                self._repository, self._clock, lease=self._policy.timeout + _PLACE_MARGIN
            ),
            policy=self._policy,
            changed=self._changes.tell,
            keep=partial(marking.put, self._media) if marking else None,
            inboxes=self._settings.called_at,
            charged=lambda state: pricing.charged(state, self._pool.prices([state.provider])),
        )
        self._engine = InProcessEngine(
            advance=self._orchestrator.advance, repository=self._repository, clock=self._clock
        )
        self.admin = KitAdmin(
            repository=self._repository,
            media=self._media,
            home=self._settings.root,
            pool=self._pool,
            engine=self._engine,
            orchestrator=self._orchestrator,
        )
        self.webhooks = KitWebhooks(
            repository=self._repository,
            pool=self._pool,
            inbox=Inbox(
                repository=self._repository,
                provider=self._pool.provider,
                deliver=self._orchestrator.deliver,
            ),
            engine=self._engine,
        )
        self.prices = KitPrices(
            repository=self._repository,
            pool=self._pool,
            selector=self._selector,
            durations=self._durations,
            budgets=self._budgets,
        )
        self._worker = worker
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
                self._engine.reset()
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
            await self._pool.aclose()
            await self._fetcher.aclose()
            if self._media_is_ours:
                await self._media.aclose()

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
        order = Order(
            kind="training",
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            language=language,
            options=options,
            idempotency_key=idempotency_key,
        )
        if known := await self._known(order):
            return cast("Training", known)
        stacks = self._selector.asked(stack)
        if len(stacks) > 1:
            stacks = self._selector.ranked(stack, await self._durations.took())
        training = await self._orders.training(
            order, stacks, voice=voice, footage=footage, consent=consent
        )
        return await self._create(training, max_cost, allow_unknown)

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
        order = Order(
            kind="training",
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            idempotency_key=idempotency_key,
        )
        if len(self._selector.asked(stack)) > 1:
            raise errors.ConfigError("name the stack that has this avatar: adopt(stack=...)")
        training = await self._orders.adopted(
            order,
            self._selector.first(stack),
            avatar_id=avatar_id,
            voice_id=voice_id,
            consent=consent,
        )
        return await self._create(training)

    async def _known(self, order: Order) -> Record | None:
        """What the same idempotency key has made before."""
        return await self._repository.get(order.id) if order.idempotency_key else None

    async def _create(
        self, record: R, max_cost: pricing.Money | None = None, allow_unknown: Collection[str] = ()
    ) -> R:
        states = [*record.operations, *(s for a in record.alternatives for s in a.operations)]
        prices = self._pool.prices(state.provider for state in states)
        record, caps = pricing.bounded(
            record, prices, self._budgets, max_cost=max_cost, allow_unknown=allow_unknown
        )
        saved, created = await self._repository.create(record, *caps)
        if created:
            self._engine.wake()
        return cast("R", saved)

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
        named(user_id=user_id, clone_id=clone_id)
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
        named(user_id=user_id, clone_id=clone_id)
        given, chosen = _one_of(voice, footage), self._selector.first(stack)
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            files, found = await self._orders.looked([given], Path(folder), chosen)
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
        async for record in every_record(self._repository, user_id, clone_id):
            if record.status.final:
                continue
            if any(used.file.key == sample.file.key for used in leftovers.samples_of(record)):
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
        chosen = self._selector.first(stack)
        given: list[tuple[SampleRole | None, Source]] = [(SampleRole.VOICE, v) for v in voice]
        given += [(SampleRole.FOOTAGE, footage)] if footage is not None else []
        given += [(None, sample) for sample in samples]
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            return (await self._orders.looked(given, Path(folder), chosen))[1]

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
        order = Order(
            kind="video",
            user_id=training.user_id,
            clone_id=training.clone_id,
            name=name or training.name,
            language=language or training.language,
            options=options,
            idempotency_key=idempotency_key,
        )
        known = await self._known(order)
        if known is None:
            made = await self._orders.video(order, training, script=script, audio=audio)
            known = await self._create(made, max_cost, allow_unknown)
        video = cast("Video", known)
        return await self._finished(video) if wait else video

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
        order = Order(
            kind="dub",
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            language=language,
            options=options,
            idempotency_key=idempotency_key,
        )
        ranked = self._selector.ranked(stack)
        chosen = next((one for one in ranked if Operation.DUB in one.roles), ranked[0])
        known = await self._known(order)
        if known is None:
            made = await self._orders.dub(order, chosen, source=source, consent=consent)
            known = await self._create(made, max_cost, allow_unknown)
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
                if record.shown != shown:
                    shown = record.shown
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

    @overload
    async def page(
        self,
        kind: Literal["training"],
        *,
        user_id: str | None = None,
        clone_id: str | None = None,
        training_id: str | None = None,
        status: Status | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Training]: ...

    @overload
    async def page(
        self,
        kind: Literal["video"],
        *,
        user_id: str | None = None,
        clone_id: str | None = None,
        training_id: str | None = None,
        status: Status | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Video]: ...

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
    ) -> Page[Training] | Page[Video]:
        """A page of records, newest first; ``Page.cursor`` asks for the rest."""
        page = await self._repository.page(
            kind,
            user_id=user_id,
            clone_id=clone_id,
            training_id=training_id,
            status=status,
            cursor=cursor,
            limit=limit,
        )
        return cast("Page[Training] | Page[Video]", page)

    async def trainings(
        self,
        *,
        user_id: str | None = None,
        clone_id: str | None = None,
        status: Status | None = None,
        limit: int = 50,
    ) -> list[Training]:
        """The newest trainings."""
        page = await self.page(
            "training", user_id=user_id, clone_id=clone_id, status=status, limit=limit
        )
        return [*page.records]

    async def videos(
        self,
        *,
        user_id: str | None = None,
        training_id: str | None = None,
        status: Status | None = None,
        limit: int = 50,
    ) -> list[Video]:
        """The newest videos."""
        page = await self.page(
            "video", user_id=user_id, training_id=training_id, status=status, limit=limit
        )
        return [*page.records]

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

    async def delete(self, record_id: str, *, with_videos: bool = False) -> list[str]:
        """Remove it, its results, and what the vendors hold of it; it is hidden at once.

        Of a training ``with_videos`` removes its videos first, so that to ask again goes on with
        the rest. Returns the ids of what was removed.
        """
        record = await self._record(record_id)
        gone = []
        if with_videos and isinstance(record, Training):
            async for video in every_record(
                self._repository, record.user_id, training_id=record.id
            ):
                await self._orchestrator.delete(video)
                gone.append(video.id)
        await self._orchestrator.delete(record)
        self._engine.wake()
        return [*gone, record_id]

    async def revoke(self, consent_id: str) -> list[Holding]:
        """Note that a person takes a consent back; returns what exists by it, and where.

        Nothing new is made by it from now on: what is under way is cancelled, and trainings and
        videos raise ``ConsentRequired``. What is finished stays until it is deleted. It may be
        repeated. Raises ``NotFound`` for an unknown consent.
        """
        consent = await self._repository.revoke_consent(
            consent_id, (await self._repository.now()).wall
        )
        if consent is None:
            raise errors.NotFound(f"there is no consent {consent_id!r}")
        found = list(leftovers.of_consent(consent))
        async for record in every_record(self._repository, consent.user_id):
            if record.consent_id == consent_id:
                found += leftovers.of_record(await self._stopped(record))
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
        named(user_id=user_id)
        receipt = await erase(
            user_id,
            repository=self._repository,
            media=self._media,
            records=partial(every_record, self._repository),
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
        if not isinstance(self._pool.provider(state.provider), TakesRecording):
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

    async def estimate(self, training: Training) -> Duration:
        """How long such a training takes; measured where three of its stack were completed."""
        return await self._durations.of(training)

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


class _LazyFetcher:
    """Opens links by HTTP; loads the client when the first link is opened."""

    def __init__(self) -> None:
        self._fetcher: Any = None

    def _opener(self) -> Links:
        if self._fetcher is None:
            from ..http import HttpFetcher

            self._fetcher = HttpFetcher()
        return cast("Links", self._fetcher)

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        return self._opener().fetch(url)

    async def look(self, url: str, /) -> Link:
        return await self._opener().look(url)

    async def aclose(self) -> None:
        fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            await fetcher.aclose()


def _one_of(voice: Source | None, footage: Source | None) -> tuple[SampleRole, Source]:
    if voice is not None and footage is None:
        return SampleRole.VOICE, voice
    if footage is not None and voice is None:
        return SampleRole.FOOTAGE, footage
    raise errors.ConfigError("give either voice= or footage=")
