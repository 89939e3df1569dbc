"""The drawing and the synthetic voice that come with the package, as tests train with them."""

from __future__ import annotations

from importlib.resources import files

from avatarkit import Consent

DEMO = files("avatarkit") / "data/demo"


async def begun(kit):
    """A training of them."""
    return await kit.train(
        user_id="ana",
        clone_id="ana-1",
        voice=[DEMO / "voice.wav"],
        footage=DEMO / "portrait.jpg",
        consent=Consent.not_a_real_person("a drawing"),
    )


async def trained(kit):
    """A training of them, when nothing more happens to it."""
    training = await begun(kit)
    async for update in kit.watch(training.id):
        training = update
    return training
