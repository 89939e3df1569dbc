"""``AvatarKit``: the front door, and the only place that wires everything together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, cast, overload

from .. import errors, lazily
from .._lifetime import Lifetime, while_open

with lazily():
    import anyio
    import anyio.to_thread

    from .. import clock as clocks
    from .. import consent as consents
    from .. import engines, erasure, interfaces, models, pricing, records
    from ..config import addresses
    from ..config import settings as configuration
    from ..content import credentials, files, results, sandbox
    from ..engines import in_process
    from ..intake import arguments, evidence, place, recordings, samples
    from ..intake import cast as casting
    from ..intake import scenes as film
    from ..lifecycle import (
        account_limits,
        advance,
        decide,
        deliveries,
        durations,
        leftovers,
        watching,
    )
    from ..repositories import paging
    from ..stacks import provider_pool, ranking, registry
    from . import admin, catalogue, prices, webhooks

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from ..config.settings import Settings
    from ..content.credentials import Marking
    from ..erasure import Receipt
    from ..intake.arguments import Id, RecordId, Sources, Subtitles
    from ..intake.preflight import Finding
    from ..intake.recordings import Links, Source
    from ..interfaces import (
        CatalogueEntry,
        Clock,
        EngineFactory,
        Link,
        MediaStore,
        Page,
        Provider,
        Repository,
    )
    from ..lifecycle.decide import Policy
    from ..lifecycle.durations import Duration
    from ..lifecycle.leftovers import Holding
    from ..models import (
        Consent,
        Operation,
        Options,
        Scene,
        Template,
        VendorEvent,
        VideoSettings,
    )
    from ..records import Record, Sample, Status, Training, Video
    from ..stacks.ranking import Choose, Stacks

_Exit = Callable[
    [type[BaseException] | None, BaseException | None, TracebackType | None],
    Awaitable[bool | None],
]
#: Seconds that a place at an account outlives the longest request that may hold it.
_PLACE_MARGIN = 60.0


@while_open
class AvatarKit:
    """Clone voices, train avatars and make them speak, over one stack of providers.

    ``stack`` is a word such as ``"local"`` or ``"elevenlabs+d-id"``. Of several, ``choose`` says
    which is asked first: "best" (in the order given), "cheapest", "fastest", or a function of
    ``ranking.Offer``s; the others are tried in turn until one accepts.
    ``repository`` and ``media``
    are objects or addresses (``"sqlite:///twins.db"``, a folder); what is not given comes from the
    environment (``AVATARKIT_STACK``, ``AVATARKIT_REPOSITORY``, ``AVATARKIT_MEDIA``), else lives
    under ``./.avatarkit``. With ``worker=False`` this process only reads and writes records, and
    another one drives them. ``providers`` replaces providers by name, for tests. Videos are marked
    as made by AI, signed where ``AVATARKIT_C2PA_KEY`` is set; ``marking=None`` turns that off.
    ``engine`` decides when a record is advanced: "in-process", "dbos", "temporal", or a factory
    such as ``partial(InProcessEngine, in_flight=8)``; by default AVATARKIT_ENGINE, else in process.
    ``budgets`` bound what is ordered in a month; by default those of the environment
    (``AVATARKIT_BUDGET``, ``AVATARKIT_USER_BUDGET``).

    Use it as ``async with AvatarKit(...) as kit``; once closed, it may be opened again, also in
    another event loop. Methods raise ``NotOpen`` while it is closed, in another event loop, and in
    a process forked meanwhile. Errors are ``avatarkit.errors``.
    """

    def __init__(
        self,
        stack: Stacks | None = None,
        *,
        choose: Choose = "best",
        repository: Repository | str | os.PathLike[str] | None = None,
        media: MediaStore | str | os.PathLike[str] | None = None,
        worker: bool = True,
        engine: str | EngineFactory | None = None,
        providers: Mapping[str, Provider] | None = None,
        settings: Settings | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        marking: Marking | Literal["environment"] | None = "environment",
        budgets: Sequence[pricing.Budget] | None = None,
    ) -> None:
        self._lifetime = Lifetime("the kit", "use it inside `async with AvatarKit(...) as kit`")
        stack = arguments.stacks("stack", stack)
        worker = arguments.flag("worker", worker)
        given = arguments.optional_instance("settings", settings, configuration.Settings)
        self._settings = given or configuration.Settings.from_env()
        if isinstance(repository, str | os.PathLike) and os.fspath(repository):
            repository = addresses.of_database(arguments.path("repository", repository))
            self._settings = self._settings.beside(repository)
        if clock is not None and not callable(getattr(clock, "now", None)):
            raise errors.ConfigError("clock must be a Clock, such as avatarkit.testing.FakeClock()")
        self._clock = clock or clocks.SystemClock()
        self._policy = (
            arguments.optional_instance("policy", policy, decide.Policy) or decide.Policy()
        )
        self._pool = provider_pool.ProviderPool(self._settings, self._clock, _providers(providers))
        self._selector = ranking.StackSelector(self._pool, stack or self._settings.stack, choose)
        environ = self._settings.environ
        self._repository = _repository(repository, self._settings, clock)
        self._media = _media(media, self._settings)
        self._media_is_ours = self._media is not media
        if marking == "environment":
            marking = credentials.Marking.from_env(environ)
        self._marking = arguments.optional_instance("marking", marking, credentials.Marking)
        caps = pricing.budgets_from(environ) if budgets is None else _budgets(budgets)
        self._changes = watching.Changes(self._repository, self._clock)
        self._fetcher = _LazyFetcher()
        # links of results come from vendors, those of samples from anyone
        self._results = _LazyFetcher(allow_private=self._settings.allows_private_results)
        self._recordings = recordings.Recordings(self._media, self._repository, self._fetcher)
        self._durations = durations.Durations(self._repository, self._clock)
        self._evidence = evidence.Evidence(self._media, self._repository)
        self._samples = samples.Samples(
            pool=self._pool,
            recordings=self._recordings,
            repository=self._repository,
            media=self._media,
        )
        self._slots = account_limits.AccountSlots(
            self._repository, self._clock, lease=self._policy.timeout + _PLACE_MARGIN
        )
        self._orchestrator = advance.Orchestrator(
            repository=self._repository,
            media=self._media,
            provider=self._pool.provider,
            fetcher=self._results,
            clock=self._clock,
            slots=self._slots,
            policy=self._policy,
            changed=self._changes.tell,
            keep=results.Results(self._media, self._marking).keep,
            inboxes=self._settings.called_at,
            charged=lambda state: pricing.charged(state, self._pool.prices([state.provider])),
        )
        self._engine = engines.engine_factory(engine, self._settings)(
            advance=self._orchestrator.advance, repository=self._repository, clock=self._clock
        )
        self._intake = place.Intake(
            pool=self._pool,
            selector=self._selector,
            recordings=self._recordings,
            repository=self._repository,
            media=self._media,
            engine=self._engine,
            durations=self._durations,
            budgets=caps,
            deadline=self._policy.deadline,
        )
        self.admin = admin.KitAdmin(
            self._lifetime,
            repository=self._repository,
            media=self._media,
            home=self._settings.root,
            pool=self._pool,
            selector=self._selector,
            environ=environ,
            clock=self._clock,
            tick=self._tick,
            orchestrator=self._orchestrator,
        )
        self.webhooks = webhooks.KitWebhooks(
            self._lifetime,
            repository=self._repository,
            pool=self._pool,
            deliveries=deliveries.Deliveries(
                repository=self._repository,
                provider=self._pool.provider,
                deliver=self._deliver,
            ),
        )
        self.prices = prices.KitPrices(
            self._lifetime,
            repository=self._repository,
            pool=self._pool,
            selector=self._selector,
            durations=self._durations,
            budgets=caps,
            store=_billed_as(media, self._settings),
        )
        self.catalogue = catalogue.KitCatalogue(
            self._lifetime,
            pool=self._pool,
            selector=self._selector,
            slots=self._slots,
            clock=self._clock,
        )
        self._worker = worker
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._lifetime.open(asyncio.get_running_loop()):
            with suppress(Exception):  # its event loop is gone: only threads and files are left
                await self._repository.aclose()
        try:
            self._exits = await self._opened()
        except BaseException:
            self._lifetime.close()
            raise
        return self

    async def _opened(self) -> AsyncExitStack:
        """Open everything; the result closes it. What belongs to an event loop is made here."""
        self._changes.reset()
        self._slots.reset()
        async with AsyncExitStack() as exits:
            exits.enter_context(sandbox.held())
            await self._repository.open()
            exits.push_async_callback(self._repository.aclose)
            if (
                isinstance(self._repository, interfaces.NoticesLoss)
                and self._repository.lost_changes()
            ):
                await self.admin.restored()
            await self._engine.open(drives=self._worker)
            exits.push_async_callback(self._engine.aclose)
            ours = (*registry.BUILTIN, "uploads", "webhook-secret")
            await anyio.to_thread.run_sync(files.restrict_home, self._settings.root, ours)
            exits.push_async_callback(self._close_providers)
            tasks = anyio.create_task_group()
            if self._worker or self._changes.source:
                await tasks.__aenter__()
                exits.push_async_exit(_leave(tasks, asyncio.current_task()))
            if self._changes.source:
                listening = anyio.CancelScope()
                tasks.start_soon(self._listen, listening)
                exits.callback(listening.cancel)
            if self._worker:
                tasks.start_soon(self._engine.run)
                exits.push_async_callback(self._stop_engine)
            return exits.pop_all()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lifetime.forked:  # what was opened belongs to the parent process
            return
        try:
            await self._exits.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            # The worker's task group wraps what the caller's own block raised; hand it on bare.
            if group.exceptions != (error,):
                raise
        finally:
            self._lifetime.close()

    async def _listen(self, listening: anyio.CancelScope) -> None:
        with listening:
            await self._changes.run()

    async def _stop_engine(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._engine.stop()

    async def _tick(self, limit: int) -> int:
        """Advance due records once, whichever engine drives them otherwise."""
        once = in_process.InProcessEngine(
            advance=self._orchestrator.advance, repository=self._repository, clock=self._clock
        )
        return await once.tick(limit)

    async def _woken(self, change: Awaitable[Record]) -> Record:
        """Change a record, and let the engine advance it now."""
        record = await change
        await self._engine.wake(record)
        return record

    async def _delete(self, record: Record) -> Record:
        return await self._woken(self._orchestrator.delete(record))

    async def _deliver(
        self, event: VendorEvent, token: str | None = None
    ) -> tuple[Record | None, bool]:
        record, known = await self._orchestrator.deliver(event, token)
        if record is not None:
            await self._engine.wake(record)
        return record, known

    async def _close_providers(self) -> None:
        with anyio.CancelScope(shield=True):
            self._selector.forget()
            await self._pool.aclose()
            await self._fetcher.aclose()
            await self._results.aclose()
            if self._media_is_ours:
                await self._media.aclose()

    # -- training -----------------------------------------------------------------------------

    async def train(
        self,
        *,
        user_id: Id,
        clone_id: Id,
        voice: Sources = (),
        footage: Source | None = None,
        consent: Consent | None = None,
        look_of: RecordId | None = None,
        name: str = "",
        language: str | None = None,
        stack: Stacks | None = None,
        options: Options | Sequence[Options] = (),
        purpose: str | None = None,
        idempotency_key: Id | None = None,
        max_cost: pricing.Money | None = None,
        allow_unknown: Collection[str] = (),
    ) -> Training:
        """Start a training and return at once; it goes on wherever a worker runs.

        Without ``voice`` or ``footage`` the clone's stored samples are used; no footage where the
        options stand for it, such as ``HeyGenAvatar(prompt=...)``. The same ``idempotency_key``
        of a user gives the same training, and raises ``Conflict`` for other content. ``purpose`` is
        what it is made for: where the consent names purposes, it must be one of them.

        ``look_of`` is a completed training of the same clone, whose avatar gets another look from
        new footage: its voice and its consent hold, and only the look is paid for. ``Unsupported``
        if the provider has no such looks.

        Of several stacks those that cannot do it are left out: no key, no consent as they demand
        it, other samples, too dear. Nothing is sent where this raises ``MediaRejected``,
        ``ConsentRequired``, ``Unsupported``, ``ConfigError`` or ``BudgetExceeded``: it is expected
        to cost more than ``max_cost``, a budget has no room for it, or under either a price is not
        known of a provider that ``allow_unknown`` does not name.
        """
        order = place.Order.of(
            "training",
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            language=language,
            options=options,
            purpose=purpose,
            idempotency_key=idempotency_key,
            max_cost=max_cost,
            allow_unknown=allow_unknown,
        )
        return await self._intake.train(
            order,
            arguments.stacks("stack", stack),
            voice=arguments.sources("voice", voice),
            footage=arguments.source("footage", footage),
            consent=arguments.consent("consent", consent),
            person=(
                None
                if look_of is None
                else await self._training(arguments.identifier("look_of", look_of))
            ),
        )

    async def adopt(
        self,
        *,
        user_id: Id,
        clone_id: Id,
        avatar_id: Id | CatalogueEntry,
        voice_id: Id | CatalogueEntry | None = None,
        consent: Consent | None = None,
        name: str = "",
        language: str | None = None,
        stack: str | Mapping[Operation, str] | None = None,
        idempotency_key: Id | None = None,
    ) -> Training:
        """Make a completed training of an avatar that exists at a provider already.

        Avatar and voice are ids of the stack's providers, or entries of ``kit.catalogue``, which
        need no stack; a vendor's stock needs no consent either. ``language`` is that of its
        videos, if none is given for one.
        """
        order = place.Order.of(
            "training",
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            language=language,
            idempotency_key=idempotency_key,
        )
        return await self._intake.adopt(
            order,
            arguments.stacks("stack", stack),
            avatar=casting.Chosen.named("avatar_id", "avatar", avatar_id),
            voice=casting.Chosen.of("voice_id", "voice", voice_id),
            consent=arguments.consent("consent", consent),
        )

    # -- samples ------------------------------------------------------------------------------

    async def add_sample(
        self,
        *,
        user_id: Id,
        clone_id: Id,
        voice: Source | None = None,
        footage: Source | None = None,
    ) -> Sample:
        """Keep one recording for later trainings of the clone."""
        return await self._samples.add(
            arguments.identifier("user_id", user_id),
            arguments.identifier("clone_id", clone_id),
            arguments.source("voice", voice),
            arguments.source("footage", footage),
        )

    async def offer_sample(
        self,
        *,
        user_id: Id,
        clone_id: Id,
        voice: Source | None = None,
        footage: Source | None = None,
        stack: str | Mapping[Operation, str] | None = None,
    ) -> tuple[Sample | None, list[Finding]]:
        """Keep one recording, unless ``preflight`` finds an error; with all that it found."""
        return await self._samples.offer(
            arguments.identifier("user_id", user_id),
            arguments.identifier("clone_id", clone_id),
            arguments.source("voice", voice),
            arguments.source("footage", footage),
            self._selector.first(arguments.stacks("stack", stack)),
        )

    async def delete_sample(self, sample_id: RecordId, *, user_id: Id, clone_id: Id) -> None:
        """Remove a stored recording, bytes and all.

        Raises ``NotFound``, also for another user's, and ``Conflict`` while a training or a video
        that is under way is made of it.
        """
        await self._samples.delete(
            arguments.identifier("sample_id", sample_id),
            arguments.identifier("user_id", user_id),
            arguments.identifier("clone_id", clone_id),
        )

    async def preflight(
        self,
        *,
        voice: Sources = (),
        footage: Source | None = None,
        samples: Sources = (),
        language: str | None = None,
        stack: str | Mapping[Operation, str] | None = None,
    ) -> list[Finding]:
        """Say what is wrong with samples, without keeping or sending them.

        What ``samples`` are for is decided by what they hold: sound is a voice, else it is footage.
        ``language`` is that of the training; one that the stack cannot speak is a finding.
        """
        return await self._samples.check(
            arguments.sources("voice", voice),
            arguments.source("footage", footage),
            arguments.sources("samples", samples),
            self._selector.first(arguments.stacks("stack", stack)),
            arguments.language("language", language),
        )

    # -- speaking -----------------------------------------------------------------------------

    async def speak(
        self,
        training_id: RecordId | None = None,
        script: str | None = None,
        *,
        audio: Source | None = None,
        revoice: bool = False,
        scenes: Sequence[Scene] = (),
        template: Template | None = None,
        picture: Source | None = None,
        avatar: CatalogueEntry | Id | None = None,
        voice: CatalogueEntry | Id | None = None,
        user_id: Id | None = None,
        clone_id: Id | None = None,
        consent: Consent | None = None,
        stack: str | Mapping[Operation, str] | None = None,
        wait: bool = True,
        name: str = "",
        language: str | None = None,
        settings: VideoSettings | None = None,
        options: Options | Sequence[Options] = (),
        purpose: str | None = None,
        idempotency_key: Id | None = None,
        max_cost: pricing.Money | None = None,
        allow_unknown: Collection[str] = (),
    ) -> Video:
        """Make the avatar say ``script`` or ``scenes``, or move its lips to ``audio``.

        With ``revoice`` the avatar's voice speaks what is said in ``audio``, in the same manner.

        Waits for the finished video, and raises what it failed with; with ``wait=False`` the record
        comes back at once. A record that needs a person comes back as it is. ``settings`` are the
        same at every provider; ``Unsupported`` names one that this provider does not have, before
        anything is paid. ``max_cost`` and ``allow_unknown`` are those of ``train``.

        ``avatar`` and ``voice`` take the place of the training's. Entries of ``kit.catalogue`` need
        no training: then ``user_id`` and ``clone_id`` say whose video it is, and ``consent`` is
        needed unless both are the vendor's stock. ``scenes`` are made in one call where the vendor
        can, else one after the other, each of them paid for by itself, and joined. ``template``
        fills a template of the stack's provider of videos, whose avatars are the template's.

        ``picture`` speaks in place of an avatar, without a training, where the provider offers it:
        with the voice and by the consent of the training that is named; else with ``voice`` or
        ``audio``, by ``consent``. Raises ``MediaRejected`` for a picture that it cannot use.
        """
        audio = arguments.source("audio", audio)
        picture = arguments.source("picture", picture)
        scenes = film.given(scenes)
        template = arguments.template("template", template)
        if [script is None, audio is None, not scenes, template is None].count(False) != 1:
            raise errors.ConfigError("give either a script, scenes=, template= or audio=")
        if arguments.flag("revoice", revoice) and audio is None:
            raise errors.ConfigError("revoice speaks what a recording says: give audio=")
        wait = arguments.flag("wait", wait)
        training = await self._speaking(training_id)
        if training is not None and (user_id, clone_id, consent, stack) != (None,) * 4:
            raise errors.ConfigError(
                "the training tells whose video it is, and by whose consent: leave user_id, "
                "clone_id, consent and stack out"
            )
        made_by = await self._intake.cast(
            training,
            avatar=casting.Chosen.of("avatar", "avatar", avatar),
            voice=casting.Chosen.of("voice", "voice", voice),
            stack=arguments.stack("stack", stack),
            consent=arguments.consent("consent", consent),
            template=template,
            pictured=picture is not None,
        )
        order = place.Order.of(
            "video",
            user_id=training.user_id if training else user_id,
            clone_id=training.clone_id if training else clone_id,
            name=name or (training.name if training else ""),
            language=language or (training.language if training else None),
            settings=settings,
            options=options,
            purpose=purpose,
            idempotency_key=idempotency_key,
            max_cost=max_cost,
            allow_unknown=allow_unknown,
        )
        video = await self._intake.speak(
            order,
            made_by,
            script=script,
            audio=audio,
            picture=picture,
            scenes=scenes,
            template=template,
            revoice=revoice,
        )
        return await self._finished(video) if wait else video

    async def _speaking(self, training_id: RecordId | None) -> Training | None:
        """The completed training that is to speak; None if none is named."""
        if training_id is None:
            return None
        training = await self._training(arguments.identifier("training_id", training_id))
        if training.status is not records.Status.COMPLETED:
            raise errors.IllegalTransition(
                f"training {training.id} is {training.status}: only a completed one can speak"
            )
        return training

    async def dub(
        self,
        source: Source,
        language: str,
        *,
        user_id: Id,
        clone_id: Id,
        consent: Consent | None = None,
        name: str = "",
        subtitles: Subtitles | None = None,
        source_subtitles: Subtitles | None = None,
        wait: bool = True,
        stack: str | Mapping[Operation, str] | None = None,
        options: Options | Sequence[Options] = (),
        purpose: str | None = None,
        idempotency_key: Id | None = None,
        max_cost: pricing.Money | None = None,
        allow_unknown: Collection[str] = (),
    ) -> Video:
        """Say an existing video again in ``language``.

        ``subtitles`` is an SRT file of the translation that is to be said, ``source_subtitles`` one
        of what the source says; a provider that cannot be given them refuses them before anything
        is paid. ``max_cost`` and ``allow_unknown`` are those of ``train``; the price is known where
        it can be seen how long ``source`` is.
        """
        wait = arguments.flag("wait", wait)
        order = place.Order.of(
            "dub",
            user_id=user_id,
            clone_id=clone_id,
            name=name,
            language=language,
            options=options,
            subtitles=models.DubSubtitles(
                translation=arguments.subtitles("subtitles", subtitles),
                source=arguments.subtitles("source_subtitles", source_subtitles),
            ),
            purpose=purpose,
            idempotency_key=idempotency_key,
            max_cost=max_cost,
            allow_unknown=allow_unknown,
        )
        (video,) = await self._intake.dub(
            [order],
            arguments.stacks("stack", stack),
            source=arguments.source("source", source),
            consent=arguments.consent("consent", consent),
        )
        return await self._finished(video) if wait else video

    async def dub_into(
        self,
        source: Source,
        languages: Collection[str],
        *,
        user_id: Id,
        clone_id: Id,
        consent: Consent | None = None,
        name: str = "",
        subtitles: Mapping[str, Subtitles] | None = None,
        source_subtitles: Subtitles | None = None,
        wait: bool = True,
        stack: str | Mapping[Operation, str] | None = None,
        options: Options | Sequence[Options] = (),
        purpose: str | None = None,
        idempotency_key: Id | None = None,
        max_cost: pricing.Money | None = None,
        allow_unknown: Collection[str] = (),
    ) -> list[Video]:
        """Say an existing video again in several languages; a record for each, in their order.

        Each is an operation of its own, which is paid, found and retried by itself, and all are
        checked before the first is saved. ``subtitles`` has an SRT file by language, ``max_cost``
        is for all together, and a budget that is used up leaves the dubs that were saved before
        it. Otherwise it is as ``dub``; with ``wait``, the first dub that failed is raised after
        all have ended.
        """
        wait = arguments.flag("wait", wait)
        tags = arguments.languages("languages", languages)
        own = arguments.by_language("subtitles", subtitles, tags)
        said = arguments.subtitles("source_subtitles", source_subtitles)
        most = arguments.max_cost(max_cost)
        key = arguments.optional("idempotency_key", idempotency_key)
        orders = [
            place.Order.of(
                "dub",
                user_id=user_id,
                clone_id=clone_id,
                name=name,
                language=tag,
                options=options,
                subtitles=models.DubSubtitles(translation=own.get(tag), source=said),
                purpose=purpose,
                idempotency_key=(None if key is None else f"{key} {arguments.same_language(tag)}"),
                max_cost=most and replace(most, amount=most.amount / len(tags)),
                allow_unknown=allow_unknown,
            )
            for tag in tags
        ]
        videos = await self._intake.dub(
            orders,
            arguments.stacks("stack", stack),
            source=arguments.source("source", source),
            consent=arguments.consent("consent", consent),
        )
        if not wait:
            return videos
        ended = [await self._last(video) for video in videos]
        return [_successful(video) for video in ended]

    async def _finished(self, video: Video) -> Video:
        return _successful(await self._last(video))

    async def _last(self, video: Video) -> Video:
        """The video when it has ended, or waits for a person."""
        last: Record = video
        async for update in self.watch(video.id):
            last = update
            if update.status is records.Status.ACTION_REQUIRED:
                break
        return cast("Video", last)

    # -- looking ------------------------------------------------------------------------------

    async def get(self, record_id: RecordId) -> Training | Video:
        """A training or a video; raises ``NotFound``."""
        return cast("Training | Video", await self._record(record_id))

    async def watch(self, record_id: RecordId) -> AsyncIterator[Training | Video]:
        """Yield the record now and at each change that a person would see, until it is final.

        Logs a warning after a minute in which no worker took the record, though it was due.
        """
        record_id = arguments.identifier("record_id", record_id)
        shown: object = None
        overdue = watching.Overdue(self._repository)
        with self._changes.of(record_id) as news:
            record = await self._record(record_id)
            while True:
                if record.shown != shown:
                    shown = record.shown
                    yield cast("Training | Video", record)
                if record.status.final:
                    return
                await overdue.check(record)
                newest = await news.next() or await self._record(record_id)
                if newest.version > record.version:
                    record = _there(newest, record_id)

    async def samples(self, *, user_id: Id, clone_id: Id | None = None) -> list[Sample]:
        """A clone's stored samples, or those of a user's every clone, oldest first.

        Raises ``NotFound`` for another user's clone.
        """
        return await self._repository.samples(
            arguments.identifier("user_id", user_id), arguments.optional("clone_id", clone_id)
        )

    @overload
    async def page(
        self,
        kind: Literal["training"],
        *,
        user_id: Id | None = None,
        clone_id: Id | None = None,
        training_id: RecordId | None = None,
        status: Status | str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Training]: ...

    @overload
    async def page(
        self,
        kind: Literal["video"],
        *,
        user_id: Id | None = None,
        clone_id: Id | None = None,
        training_id: RecordId | None = None,
        status: Status | str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Video]: ...

    async def page(
        self,
        kind: Literal["training", "video"],
        *,
        user_id: Id | None = None,
        clone_id: Id | None = None,
        training_id: RecordId | None = None,
        status: Status | str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Training] | Page[Video]:
        """A page of records, newest first; ``Page.cursor`` asks for the rest."""
        page = await self._repository.page(
            cast("Literal['training', 'video']", arguments.kind("kind", kind, "training", "video")),
            user_id=arguments.optional("user_id", user_id),
            clone_id=arguments.optional("clone_id", clone_id),
            training_id=arguments.optional("training_id", training_id),
            status=arguments.one_of("status", status, records.Status),
            cursor=arguments.cursor(cursor),
            limit=arguments.limit(limit),
        )
        return cast("Page[Training] | Page[Video]", page)

    async def trainings(
        self,
        *,
        user_id: Id | None = None,
        clone_id: Id | None = None,
        status: Status | str | None = None,
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
        user_id: Id | None = None,
        training_id: RecordId | None = None,
        status: Status | str | None = None,
        limit: int = 50,
    ) -> list[Video]:
        """The newest videos."""
        page = await self.page(
            "video", user_id=user_id, training_id=training_id, status=status, limit=limit
        )
        return [*page.records]

    async def save(
        self, record: RecordId, path: str | os.PathLike[str], *, file: str = "video"
    ) -> Path:
        """Write a stored result ("video", "thumbnail", "audio") to ``path``, all or nothing.

        In a folder, it gets the name of the result. A video that is not marked yet is marked; where
        it cannot hold that, a file beside says it.
        """
        target, file = Path(arguments.path("path", path)), arguments.name("file", file)
        known = record if isinstance(record, records.Record) else await self._record(record)
        stored = known.file(file)
        if stored is None:
            raise errors.NotFound(f"{known.id} is {known.status} and has no {file}")
        name = f"{file}{PurePosixPath(stored.key).suffix}"
        return await credentials.save(self._media, stored, target, self._marking, name=name)

    # -- steering -----------------------------------------------------------------------------

    async def cancel(self, record_id: RecordId) -> Training | Video:
        """Stop it; nothing new is paid for, and what the vendors hold is deleted by the worker."""
        record = await self._record(record_id)
        record = await self._woken(self._orchestrator.cancel(record))
        return cast("Training | Video", record)

    async def delete(self, record_id: RecordId, *, with_videos: bool = False) -> list[str]:
        """Remove it, its results, and what the vendors hold of it; it is hidden at once.

        Of a training ``with_videos`` removes its videos first, so that to ask again goes on with
        the rest. The evidence of its consent is removed unless another record has this consent.
        Returns the ids of what was removed.
        """
        record = await self._record(record_id)
        gone: list[str] = []
        if arguments.flag("with_videos", with_videos) and isinstance(record, records.Training):
            async for video in paging.every_record(
                self._repository, record.user_id, training_id=record.id
            ):
                await self._delete(video)
                await self._evidence.release(video)
                gone.append(video.id)
        await self._delete(record)
        await self._evidence.release(record)
        return [*gone, record.id]

    async def revoke(self, consent_id: RecordId) -> list[Holding]:
        """Note that a person takes a consent back; returns what exists by it, and where.

        Nothing new is made by it from now on: what is under way is cancelled, and trainings and
        videos raise ``ConsentRequired``. What is finished stays until it is deleted. It may be
        repeated. Raises ``NotFound`` for an unknown consent.
        """
        return await erasure.revoke(
            arguments.identifier("consent_id", consent_id),
            repository=self._repository,
            withdraw=self._withdraw,
        )

    async def delete_evidence(self, consent_id: RecordId) -> Consent:
        """Delete the stored evidence of a consent; the rest of the consent stays.

        Raises ``NotFound`` for an unknown consent, and ``Conflict`` while an unfinished training or
        video relies on it. Giving the consent again with its evidence stores that again.
        """
        return await self._evidence.delete(arguments.identifier("consent_id", consent_id))

    async def _withdraw(self, record: Record) -> Record:
        # First: a worker may be at it.
        withdrawn = await self._woken(self._orchestrator.withdraw(record))
        used = [sample.file.sha256 for sample in leftovers.samples_of(record)]
        await self._recordings.withdraw(record.user_id, used)
        return withdrawn

    async def add_consent(self, consent: Consent, *, user_id: Id) -> Consent:
        """Store a person's consent with its evidence, for later trainings of this user.

        The same consent is stored once. Pass the answer to ``train`` or ``dub``. Raises
        ``ConsentRequired`` if it names no person, or was revoked or has expired.
        """
        given = consents.require(arguments.instance("consent", consent, models.Consent), {})
        return await self._recordings.keep_consent(given, arguments.identifier("user_id", user_id))

    async def consents(self, *, user_id: Id) -> list[Consent]:
        """A user's consents, revoked and expired ones as well."""
        return await self._repository.consents(arguments.identifier("user_id", user_id))

    async def erase(self, user_id: Id, *, removed_by_hand: bool = False) -> Receipt:
        """Remove a person: at every vendor, in the media store and in the repository.

        Nothing new is paid for from now on. What is under way, or refused for the moment, is
        cleared away by the worker; to erase again tells how far that is, and also goes on where an
        erasure was killed. ``Receipt.left`` names what cannot be deleted, in every receipt until a
        person has removed it at the vendor: then pass ``removed_by_hand``. Raises ``StorageError``.
        """
        return await erasure.erase(
            arguments.identifier("user_id", user_id),
            repository=self._repository,
            media=self._media,
            delete=self._delete,
            advance=self._orchestrator.advance,
            removed_by_hand=self._orchestrator.removed_by_hand
            if arguments.flag("removed_by_hand", removed_by_hand)
            else None,
        )

    async def erasure(self, user_id: Id) -> Receipt:
        """Tell how far an erasure is, and delete nothing; its ``deleted`` counts records only."""
        return await erasure.progress(
            arguments.identifier("user_id", user_id), repository=self._repository
        )

    async def resolve(
        self,
        record_id: RecordId,
        choice: str,
        *,
        job_id: Id | None = None,
        recording: Source | None = None,
    ) -> Training | Video:
        """Answer the record's action with one of ``record.action.choices``.

        ``adopt`` needs ``job_id``. ``done`` takes the ``recording`` that an action asks for by
        ``record.action.recording``: it is stored first, then handed in by the worker. Raises
        ``IllegalTransition`` where the answer does not fit, ``MediaRejected`` for another kind of
        recording.
        """
        record_id = arguments.identifier("record_id", record_id)
        choice, job_id = arguments.name("choice", choice), arguments.optional("job_id", job_id)
        recording = arguments.source("recording", recording)
        record = await self._repository.get(record_id)  # a deleted one may still ask
        if record is None:
            raise errors.NotFound(f"there is no training or video {record_id!r}")
        if recording is None:
            answer = self._orchestrator.resolve(record, choice, job_id=job_id)
        else:
            key, kept = await self._samples.take_asked(record, choice, recording)
            answer = self._orchestrator.give(record, key, kept)
        return cast("Training | Video", await self._woken(answer))

    async def estimate(self, training: Training) -> Duration:
        """The expected duration of a training; measured if three of its stack were completed."""
        return await self._durations.of(arguments.instance("training", training, records.Training))

    async def _record(self, record_id: RecordId) -> Record:
        record_id = arguments.identifier("record_id", record_id)
        return _there(await self._repository.get(record_id), record_id)

    async def _training(self, training_id: str) -> Training:
        record = await self._record(training_id)
        if not isinstance(record, records.Training):
            raise errors.NotFound(f"{training_id!r} is a video, not a training")
        return record


def _leave(tasks: TaskGroup, opener: asyncio.Task[Any] | None) -> _Exit:
    """Exit of a task group, also in another task than ``opener``, which entered it.

    Each cell of a notebook and each half of a pytest-asyncio fixture runs in a task of its own.
    There the error of the caller's block is not the group's, and anyio's scope cannot be left.
    """

    async def leave(
        kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if asyncio.current_task() is opener:
            return await tasks.__aexit__(kind, error, trace)
        with suppress(RuntimeError):  # anyio's, after all tasks of the group have ended
            await tasks.__aexit__(None, None, None)
        return None

    return leave


def _there(record: Record | None, record_id: str) -> Record:
    if record is None or record.deleted:
        raise errors.NotFound(f"there is no training or video {record_id!r}")
    return record


class _LazyFetcher:
    """Opens links by HTTP; loads the client when the first link is opened."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._fetcher: Any = None
        self._allow_private = allow_private

    def _opener(self) -> Links:
        if self._fetcher is None:
            from ..http import HttpFetcher

            self._fetcher = HttpFetcher(allow_private=self._allow_private)
        return cast("Links", self._fetcher)

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        return self._opener().fetch(url)

    async def look(self, url: str, /) -> Link:
        return await self._opener().look(url)

    async def aclose(self) -> None:
        fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            await fetcher.aclose()


def _successful(video: Video) -> Video:
    """Return the video; raises the error of one that failed."""
    if video.status is records.Status.FAILED:
        kind = getattr(errors, video.error_type or "", errors.Refused)
        raise kind(video.error_message or "the video failed")
    return video


def _budgets(given: object) -> tuple[pricing.Budget, ...]:
    """Return the budgets; one alone needs no list."""
    many = cast("Sequence[object]", given) if isinstance(given, list | tuple) else (given,)
    found = tuple(one for one in many if isinstance(one, pricing.Budget))
    if len(found) < len(many):
        raise errors.ConfigError('budgets must be a list such as [Budget(USD("200"))]')
    return found


def _providers(given: object) -> dict[str, Provider]:
    """Return the providers that stand in for others; raises ``ConfigError`` for anything else."""
    if given is None:
        return {}
    found = dict(cast("Mapping[object, object]", given)) if isinstance(given, Mapping) else {0: 0}
    for name, provider in found.items():
        if not (isinstance(name, str) and hasattr(provider, "capabilities")):
            raise errors.ConfigError("providers must map names to providers: {'fake': Fake()}")
        interfaces.require_attributes(provider, name)
    return cast("dict[str, Provider]", found)


def _repository(
    given: Repository | str | os.PathLike[str] | None, settings: Settings, clock: Clock | None
) -> Repository:
    place = settings.repository if given is None or given == "" else given
    if not isinstance(place, str):
        if not callable(getattr(place, "claim", None)):
            raise errors.ConfigError(
                "repository must be a Repository, or an address such as sqlite:///twins.db"
            )
        return cast("Repository", place)
    return addresses.repository(
        place, settings.environ, clock or clocks.SystemClock(), virtual=clock is not None
    )


def _billed_as(given: MediaStore | str | os.PathLike[str] | None, settings: Settings) -> str | None:
    """Provider of the price rows of the media store; None for a store without an address."""
    place = settings.media if given is None or given == "" else given
    if not isinstance(place, str | os.PathLike):
        return None
    return addresses.billed_as(place, settings.environ)


def _media(given: MediaStore | str | os.PathLike[str] | None, settings: Settings) -> MediaStore:
    place = settings.media if given is None or given == "" else given
    if isinstance(place, str | os.PathLike):
        return addresses.media_store(arguments.path("media", place), settings.environ)
    if not callable(getattr(place, "put", None)):
        raise errors.ConfigError(
            "media must be a MediaStore, a folder, or an address such as s3://BUCKET"
        )
    return place
