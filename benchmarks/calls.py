"""CPU per call and per upload of an adapter, against raw httpx doing the same to the same server.

Raw httpx has its bodies ready made, retries nothing, bounds no total time, guards no money and
reads nothing but the JSON. The memory of a large upload is compared with the same process before
it. Run it as ``python benchmarks/calls.py``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx
from loopback import vendor
from measures import Bar, alone, arguments, report
from pydantic import SecretStr

from avatarkit.content.files import chunks
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import Media, Operation, VideoRequest
from avatarkit.providers.heygen import HeyGen

CALLS = 40
MIB = 1 << 20

POLL, RAW_POLL = "a poll, by the adapter", "a poll, by raw httpx"
SUBMIT, RAW_SUBMIT = "a paid submission, by the adapter", "a paid submission, by raw httpx"
UPLOAD, RAW_UPLOAD = "64 MiB uploaded, by the adapter", "64 MiB uploaded, by raw httpx"
SMALL, RAW_SMALL = "16 kB uploaded, by the adapter", "16 kB uploaded, by raw httpx"
LARGE, IDLE = "1 GiB uploaded, at its peak", "the same process, before"

CALL_BARS = (Bar(POLL, RAW_POLL, 1.15), Bar(SUBMIT, RAW_SUBMIT, 1.15))
UPLOAD_BARS = (Bar(UPLOAD, RAW_UPLOAD, 1.10),)
SMALL_BARS = (Bar(SMALL, RAW_SMALL, 1.10),)
MEMORY_BARS = (Bar(LARGE, IDLE, 16.0, more=True),)

REQUEST = VideoRequest(
    token="avatarkit-" + "0" * 32,
    avatar_id="avatar-1",
    voice_id="voice-1",
    script="Hello, I am the twin of Ana, and this is what I have to say today.",
    idempotency_key="0" * 32,
    guard=lambda: None,  # the orchestrator's looks at a clock
)


def adapter(url):
    """HeyGen at the loopback server."""
    return HeyGen(ProviderSettings(api_key=SecretStr("a-key"), base_url=url))


class Raw:
    """Raw httpx with the same headers."""

    def __init__(self, url):
        self.url = url
        self.client = httpx.AsyncClient(timeout=httpx.Timeout(60.0, connect=10.0))
        self.headers = {"x-api-key": "a-key"}

    async def poll(self):
        answer = await self.client.get(f"{self.url}/videos/v-1", headers=self.headers)
        return answer.raise_for_status().json()

    async def submit(self, body):
        headers = {**self.headers, "idempotency-key": "0" * 32}
        answer = await self.client.post(f"{self.url}/videos", json=body, headers=headers)
        return answer.raise_for_status().json()

    async def upload(self, path):
        with path.open("rb") as file:
            files = {"file": (path.name, file, "video/mp4")}
            url = f"{self.url}/assets"
            answer = await self.client.post(url, files=files, headers=self.headers)
        return answer.raise_for_status().json()


def recording(path):
    """A file as a store hands it to an adapter."""
    return Media(
        name=path.name,
        media_type="video/mp4",
        size=path.stat().st_size,
        sha256="0" * 64,
        open=lambda: chunks(path),
    )


async def upload(heygen, media):
    """Upload as an adapter does what goes into a form."""
    files = [("file", media)]
    return await heygen._call("POST", "/assets", operation=Operation.AVATAR, files=files)  # noqa: SLF001


async def small_uploads(url, path, rounds):
    """A voice sample, again and again."""
    heygen, raw = adapter(url), Raw(url)
    media = recording(path)
    sides = {RAW_SMALL: lambda: raw.upload(path), SMALL: lambda: upload(heygen, media)}
    return [await one_round(sides, CALLS) for _ in range(rounds)]


def a_file(folder, size):
    """A file of so many MiB, without holes."""
    path = Path(folder, f"{size}.mp4")
    with path.open("wb") as file:
        for _ in range(size):
            file.write(b"avatarkit" * 116509)
    return path


async def one_round(sides, count):
    """The CPU per call of each side, in milliseconds: one call of each in turn, so many times."""
    spent = dict.fromkeys(sides, 0.0)
    for _ in range(count):
        for side, act in sides.items():
            began = time.process_time()
            await act()
            spent[side] += time.process_time() - began
    return {side: seconds / count * 1e3 for side, seconds in spent.items()}


async def calls(url, rounds):
    """Both sides in turn."""
    heygen, raw = adapter(url), Raw(url)
    body = {
        "type": "avatar",
        "avatar_id": REQUEST.avatar_id,
        "voice_id": REQUEST.voice_id,
        "script": REQUEST.script,
        "title": REQUEST.token,
    }
    sides = {
        RAW_POLL: raw.poll,
        POLL: lambda: heygen.get_video("v-1"),
        RAW_SUBMIT: lambda: raw.submit(body),
        SUBMIT: lambda: heygen.generate_video(REQUEST),
    }
    return [await one_round(sides, CALLS) for _ in range(rounds)]


async def uploads(url, path, rounds):
    """Both sides in turn."""
    heygen, raw = adapter(url), Raw(url)
    media = recording(path)
    sides = {RAW_UPLOAD: lambda: raw.upload(path), UPLOAD: lambda: upload(heygen, media)}
    return [await one_round(sides, 1) for _ in range(rounds)]


def _mebibytes(what):
    """This process's memory in use now (``VmRSS``), or at its peak since it was reset."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) / 1024


def _forget_the_peak():
    Path("/proc/self/clear_refs").write_text("5")


async def large(url, path):
    """Memory before and after an upload; run in a process of its own."""
    heygen = adapter(url)
    await heygen.get_video("v-1")
    before = _mebibytes("VmRSS")
    _forget_the_peak()
    await upload(heygen, recording(Path(path)))
    print(before, _mebibytes("VmHWM"))


def main():
    options = arguments(__doc__).parse_args()
    rounds = options.rounds
    with vendor() as url, tempfile.TemporaryDirectory() as folder:
        missed = report(
            asyncio.run(calls(url, rounds)), CALL_BARS, "ms of CPU", check=options.check
        )
        path = Path(folder, "small.mp4")
        path.write_bytes(bytes(16_000))
        missed |= report(
            asyncio.run(small_uploads(url, path, rounds)),
            SMALL_BARS,
            "ms of CPU",
            check=options.check,
        )
        path = a_file(folder, 64)
        missed |= report(
            asyncio.run(uploads(url, path, rounds)), UPLOAD_BARS, "ms of CPU", check=options.check
        )
        path = a_file(folder, 1024)
        code = "import asyncio, sys, calls; asyncio.run(calls.large(*sys.argv[1:]))"
        before, after = alone(code, url, path)
        missed |= report([{IDLE: before, LARGE: after}], MEMORY_BARS, "MiB", check=options.check)
    sys.exit(missed)


if __name__ == "__main__":
    main()
