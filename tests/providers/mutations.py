"""Mutated answers and deliveries of vendors: what a broken or hostile one could say.

``run`` gives them to every adapter and collects the errors that are not avatarkit's. The tests run
some; ``python tests/providers/mutations.py`` runs the full number, as ``nox -s proof`` does. Takes
the numbers of answers and deliveries, and a seed.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import stamina

from avatarkit import errors
from avatarkit.interfaces import ROLES
from avatarkit.models import AvatarRequest, Job, Operation, SpeechRequest, VideoRequest
from avatarkit.repositories import rules
from avatarkit.testing import Wire
from avatarkit.testing.providers import KEY, TOKEN
from avatarkit.webhooks import Delivery, Unsigned

sys.path.insert(0, str(Path(__file__).parents[1]))  # the suites of the vendors stand there

#: vendor -> module of its tests, and its suite there.
SUITES = {
    "heygen": ("test_heygen", "TestHeyGen"),
    "did": ("test_did", "TestDID"),
    "elevenlabs": ("test_elevenlabs", "TestElevenLabs"),
    "synthesia": ("test_synthesia", "TestSynthesia"),
    "tavus": ("test_tavus", "TestTavus"),
    "resemble": ("test_resemble", "TestResemble"),
    "rask": ("test_rask", "TestRask"),
}

#: Values that no field of an answer should have, as JSON writes them.
STRANGE = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "9" * 400,
    "9" * 5000,
    "9" * 20_000,
    "99999999999999999999",
    "253402300800",
    "3e15",
    '"99999-01-01T00:00:00Z"',
    '"0000-00-00"',
    '"-00:00"',
    '""',
    '" "',
    '"\\ud800"',
    '"a\\u0000b"',
    '"\\u001b[31m"',
    '"\\uffff"',
    '"a/../b?c#d"',
    '"http://[::1"',
    '"https://["',
    '"' + "x" * 20_000 + '"',
    "[]",
    "{}",
    "[[]]",
    "[null]",
    '[{"id": []}]',
    '{"a": {"b": "c"}}',
    "[" * 60 + "]" * 60,
    "[" * 5000 + "]" * 5000,
    '{"a":' * 70 + "1" + "}" * 70,
]
#: Results that any thousand mutations have; without them the harness has broken.
_REACHED = {"read", "BadReply", "Ambiguous", "Refused"}
_HOLE = "\u2603 a strange value \u2603"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in items:
            yield from places(part, (*path, name))


def mutated(dice: random.Random, value: Any) -> bytes:
    """The value as JSON, with one to three places changed, dropped or repeated; or cut off."""
    strange: list[str] = []
    value = copy.deepcopy(value)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        path = dice.choice(list(places(value)))
        if not path:
            if dice.random() < 0.9:
                continue
            value = _HOLE
            strange.append(dice.choice(STRANGE))
            break
        parent = value
        for name in path[:-1]:
            parent = parent[name]
        match dice.randrange(6):
            case 0:
                del parent[path[-1]]
            case 1 if isinstance(parent, dict):
                parent[path[-1]] = [parent[path[-1]], parent[path[-1]]]
            case _:
                parent[path[-1]] = _HOLE
                strange.append(dice.choice(STRANGE))
    text = json.dumps(value)
    for said in strange:
        text = text.replace(json.dumps(_HOLE), said, 1)
    text = text.replace(json.dumps(_HOLE), "null")
    body = text.encode()
    return body[: dice.randrange(len(body) + 1)] if dice.random() < 0.03 else body


class Vendor:
    """One vendor's adapter, its recorded answers, and the calls that read them."""

    def __init__(self, name: str, dice: random.Random) -> None:
        module, suite = SUITES[name]
        self.suite = getattr(importlib.import_module(f"providers.{module}"), suite)()
        self.dice = dice
        self.whole: list[Any] = []
        for recording in self.suite.recordings.values():
            self.whole += [recording.submitted, *recording.polled.values(), *recording.pages]
            self.whole += [recording.delivered] if recording.delivered else []
        told = json.loads((Path(__file__).parent / f"{name}.json").read_text())
        self.whole += _objects(told)

    def adapter(self, body: bytes, status: int) -> Any:
        """The adapter on a wire that always gives this answer; signed in already."""
        wire = Wire()
        if self.dice.random() < 0.4:  # the first call may be a preparation that works
            wire.reply(self.dice.choice(self.whole))
        wire.reply(body, status)
        adapter = self.suite.provider(self.suite.settings(), client=wire.client)
        if hasattr(adapter, "_until"):
            adapter._token, adapter._until = KEY, math.inf if self.dice.random() < 0.9 else 0.0
        return adapter

    async def ask(self) -> None:
        """Make one call whose answer is mutated, and keep what it says as a record would."""
        operation = self.dice.choice(list(self.suite.recordings))
        recording = self.suite.recordings[operation]
        kind = self.dice.choice(("submit", "get", "get", "find", "find", "delete", "other"))
        fitting = {
            "submit": [recording.submitted],
            "get": [self.suite.polled(operation, b) for b in recording.polled.values()],
            "find": list(recording.pages),
        }.get(kind) or self.whole
        body = self.dice.choice(fitting if self.dice.random() < 0.8 else self.whole)
        status = self.dice.choice((200, 200, 200, 200, 400, 422, 500, 404))
        it = self.adapter(mutated(self.dice, body), status)
        role = ROLES[operation]
        if kind == "submit":
            found = await role.submit(it)(self.suite.ask(operation))
        elif kind == "get":
            found = await role.get(it)("x/1")
        elif kind == "find":
            found = await role.find(it)(TOKEN)
        elif kind == "delete":
            found = await role.delete(it)("x")
        else:
            found = await self.other(it, operation)
        _keep(found)

    async def other(self, it: Any, operation: Operation) -> Any:
        """Call what only some adapters have."""
        calls: list[Callable[[], Any]] = [
            lambda: it.prepare(operation, self.suite.ask(operation)),
            *(
                lambda name=name: getattr(it, name)()
                for name in ("balance", "allowance", "ask_consent")
            ),
            lambda: it.register_webhook("https://app.example/hook"),
            lambda: it.synthesize(SpeechRequest(token=TOKEN, voice_id="v", text="Hello")),
            lambda: it.captcha("v1"),
        ]
        if Operation.VIDEO in self.suite.recordings:
            calls.append(
                lambda: it.prepare(
                    Operation.VIDEO,
                    VideoRequest(token=TOKEN, avatar_id="a", voice_id="v", script="Hello"),
                )
            )
        if Operation.AVATAR in self.suite.recordings:
            calls.append(
                lambda: it.prepare(
                    Operation.AVATAR,
                    AvatarRequest(
                        token=TOKEN,
                        voice_id="v",
                        footage=self.suite.media().model_copy(
                            update={"media_type": self.dice.choice(("video/mp4", "image/jpeg"))}
                        ),
                        prepared={"consent_id": "c"} if self.dice.random() < 0.5 else {},
                    ),
                )
            )
        call = self.dice.choice(calls)
        try:
            pending = call()
        except AttributeError:  # this adapter has no such call
            return None
        found = await pending
        if audio := getattr(found, "audio", None):
            async for _ in audio:
                break
        return found

    def deliver(self) -> None:
        """Read one mutated delivery, signed as it should be or not at all."""
        body = mutated(self.dice, self.dice.choice(self.whole))
        it = self.adapter(b"{}", 200)
        # signatures are the subject of other tests
        scheme = replace(Unsigned(), signed=it.capabilities.webhook.signed)
        it.capabilities = replace(it.capabilities, webhook=scheme)
        for event in it.events(Delivery(body, {})):
            _keep(event.job)


def _objects(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            yield from _objects(part)


def _keep(found: Any) -> None:
    """Do with jobs what a repository does: they must be documents."""
    for job in found if isinstance(found, list) else [found]:
        if isinstance(job, Job):
            rules.as_stored(job)
            str(job), repr(job)


def _where(error: BaseException) -> str:
    frame = inspect.getinnerframes(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:120]} at {frame.filename}:{frame.lineno}"


async def run(answers: int, deliveries: int, seed: int = 1) -> dict[str, str]:
    """Return each error that is not avatarkit's, with the vendor and seed that cause it."""
    found: dict[str, str] = {}
    ended = Counter[str]()
    stamina.set_active(False)
    try:
        for number in range(answers + deliveries):
            name = list(SUITES)[number % len(SUITES)]
            vendor = Vendor(name, random.Random(f"{seed} {number}"))
            try:
                if number < answers:
                    with anyio.fail_after(5):
                        await vendor.ask()
                else:
                    vendor.deliver()
                ended["read"] += 1
            except errors.AvatarKitError as error:
                ended[type(error).__name__] += 1
                str(error).encode()
                (getattr(error, "code", None) or "").encode()
            except Exception as error:
                found.setdefault(_where(error), f"{name} {seed} {number}")
    finally:
        stamina.set_active(True)
    if not ended.keys() >= _REACHED:
        raise AssertionError(f"the mutations reach too little: {ended}")
    print(dict(ended), file=sys.stderr)
    return found


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]] or [10_000, 3_000]
    result = anyio.run(run, *given)
    for what, where in result.items():
        print(f"{where}: {what}")
    sys.exit(bool(result))
