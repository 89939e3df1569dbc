"""An application's calls, for type checkers: ``nox -s types`` reads this file; nothing runs it.

``assert_type`` fails a checker that infers another type than the one that users rely on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import assert_type

from avatarkit import AvatarKit, Consent, Options, Status, SyncAvatarKit, Training, Video, errors
from avatarkit.engines.in_process import InProcessEngine
from avatarkit.interfaces import Page
from avatarkit.pricing import USD, Budget, Comparison, Quote
from avatarkit.providers.fake import FakeVideo
from avatarkit.webhooks import Delivery


def consent() -> Consent:
    return Consent(subject="Ana Lima")


async def train_and_speak(folder: Path) -> Path:
    async with AvatarKit("fake", budgets=[Budget(USD(20), per="user")]) as kit:
        training = await kit.train(
            user_id="ana",
            clone_id="ana-1",
            voice=["me.wav", folder / "more.wav", b"RIFF"],
            footage=folder / "me.jpg",
            consent=consent(),
            idempotency_key="signup-42",
            max_cost=USD(5),
        )
        assert_type(training, Training)
        updates = kit.watch(training.id)
        assert_type(updates, AsyncIterator[Training | Video])
        async for update in updates:
            assert_type(update.status, Status)
            assert_type(update.progress, int)
            if update.kind == "training":
                assert_type(update, Training)
        options: list[Options] = [FakeVideo()]
        try:
            video = await kit.speak(training.id, "Hello.", options=options, wait=True)
        except errors.AvatarKitError as error:
            raise SystemExit(str(error)) from error
        assert_type(video, Video)
        saved = await kit.save(video, folder / "hello.mp4")
        assert_type(saved, Path)
        return saved


async def look_up(kit: AvatarKit, record_id: str) -> None:
    record = await kit.get(record_id)
    assert_type(record, Training | Video)
    page = await kit.page("training", user_id="ana", status=Status.COMPLETED)
    assert_type(page, Page[Training])
    for training in page.records:
        assert_type(training.voice_id, str | None)
    assert_type(await kit.page("video"), Page[Video])
    if record.action is not None:
        await kit.resolve(record.id, record.action.choices[0])
    assert_type(await kit.cancel(record.id), Training | Video)


async def operate(kit: AvatarKit, delivery: Delivery) -> None:
    assert_type(await kit.admin.tick(), int)
    assert_type(await kit.admin.now(), float)
    assert_type(kit.admin.home, Path)
    entry = await kit.webhooks.receive("heygen", delivery)
    if entry is not None:
        await kit.webhooks.replay(entry.provider, entry.event_id)
    assert_type(await kit.webhooks.apply(), int)


async def pay(kit: AvatarKit) -> None:
    assert_type(kit.prices.quote(script="Hello.", videos_per_month=20), Quote)
    assert_type(kit.prices.compare(), Comparison)
    for name, balance in (await kit.prices.balances()).items():
        assert_type(name, str)
        if isinstance(balance, errors.AvatarKitError):
            raise balance


def without_await(folder: Path) -> None:
    with SyncAvatarKit("fake") as kit:
        training = kit.train(
            user_id="ana", clone_id="ana-1", voice=["me.wav"], footage="me.jpg", consent=consent()
        )
        assert_type(training, Training)
        for update in kit.watch(training.id):
            assert_type(update, Training | Video)
        video = kit.speak(training.id, "Hello.")
        assert_type(video, Video)
        assert_type(kit.save(video, folder / "hello.mp4"), Path)
        assert_type(kit.admin.tick(), int)
        assert_type(kit.prices.quote(script="Hello."), Quote)
        kit.webhooks.list()


def engines() -> list[AvatarKit]:
    """Engines by name, and as factories."""
    bounded = partial(InProcessEngine, in_flight=8)
    return [AvatarKit(engine="dbos"), AvatarKit(engine=InProcessEngine), AvatarKit(engine=bounded)]
