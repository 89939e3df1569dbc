"""Vendors that dub, scripted down to the wire, and strict: unknown fields and paths fail the test.

Each request is checked against the vendor's OpenAPI document, whose schemas are closed, where
``AVATARKIT_VENDOR_SPECS`` names a folder of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from avatarkit.interfaces import ProviderSettings
from avatarkit.models import Operation, Options
from avatarkit.providers.did import DID
from avatarkit.providers.elevenlabs import ElevenLabs
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.rask import Rask, RaskLipSync
from avatarkit.providers.synthesia import Synthesia

from .flows import D_ID, EL, HERE, HEYGEN, Event, Made, Setup, Vendor, answer, route, thing

__all__ = ["DUBBERS"]

DUB = Operation.DUB
RASK, SYNTHESIA = (
    json.loads((HERE / f"{name}.json").read_text()) for name in ("rask", "synthesia")
)


class Dubber(Vendor):
    """A vendor that dubs, and may find a dub by its token."""

    seconds: ClassVar[Mapping[Operation, float]] = {DUB: 60.0}
    words: ClassVar = {}
    polled = linked = deletes = frozenset({DUB})
    finds: ClassVar[bool] = True
    results: ClassVar[frozenset[str]]  #: names of what is stored
    options: ClassVar[tuple[Options, ...]] = ()

    def provider(self, home: Path) -> Any:
        kind = type(self.adapter.__name__, (_Opens, self.adapter), {})
        settings = ProviderSettings(
            api_key=SecretStr("k"), client_id="id", home=home, clock=self.clock
        )
        return kind(settings, client=self.client)

    def can(self, event: Event, operation: Operation) -> bool:
        return event is not Event.UNKNOWN_WORD and super().can(event, operation)

    def result(self, made: Made, suffix: str) -> str | None:
        return self.link(made, suffix) if self.done(made) else None

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said["title"])


class _Opens:
    """Opens its own links at the scripted vendor."""

    def fetch(self, url: str) -> Any:
        inner = getattr(super(), "fetch", None) or self._fetched  # type: ignore[attr-defined]
        return inner(url)


class HeyGenDubber(Dubber):
    """Knows idempotency keys for a day; tells the length of a dub."""

    adapter = HeyGen
    documents = ("heygen",)
    lasts, window = 12.4, 86_400.0
    results = frozenset({"video", "subtitles_srt", "audio"})
    routes = (
        route("POST", "/v3/assets", "asset", DUB),
        route("DELETE", "/v3/assets/{id}", "asset", DUB),
        route("GET", "/v3/video-translations/languages", "languages", DUB),
        *thing(DUB, "/v3/video-translations"),
    )

    def asset(self, _: str, request: httpx.Request) -> Any:
        del request
        return HEYGEN["asset"]

    def languages(self, _: str, request: httpx.Request) -> Any:
        del request
        return {"data": {"languages": ["English", "German", "Spanish"]}}

    def told(self, made: Made) -> Any:
        return {"data": self._told(made)}

    def _told(self, made: Made) -> dict[str, Any]:
        known = {"id": made.id, "title": made.token, "created_at": int(made.born)}
        links = {"video_url": "mp4", "srt_caption_url": "srt", "audio_url": "mp3"}
        known |= {name: self.result(made, suffix) for name, suffix in links.items()}
        return HEYGEN["dub"] | known | {"status": "completed" if self.done(made) else "running"}

    def submitted(self, made: Made) -> httpx.Response:
        return answer({"data": {"video_translation_ids": [made.id]}})

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation, request
        return answer({"data": [self._told(m) for m in made], "has_more": False})


class ElevenLabsDubber(Dubber):
    """A project with one language; delivers sound and a transcript."""

    adapter = ElevenLabs
    documents = ("elevenlabs",)
    results = frozenset({"video", "audio", "subtitles_srt"})
    routes = (
        route("GET", "/v1/dubbing/project/{id}/language", "language", DUB),
        route("GET", "/v1/dubbing/project/.+/language/{id}/transcript", "transcript", DUB),
        *thing(DUB, "/v1/dubbing/project"),
    )

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said["reference"])

    def told(self, made: Made) -> Any:
        known = {"project_id": made.id, "reference": made.token}
        return EL["dub"]["submitted"] | known | {"status": "ready"}

    def language(self, project_id: str, request: httpx.Request) -> Any:
        del request
        made = self._there(DUB, project_id)
        if made is None:
            return self.missing()
        sound = self.result(made, "wav")
        told = {
            "project_id": made.id,
            "status": "completed" if sound else "processing",
            "outputs": {"lossless_audio": sound} if sound else None,
        }
        return {"languages": [EL["dub"]["language"] | told], "next_cursor": None}

    def transcript(self, _: str, request: httpx.Request) -> Any:
        assert request.headers["xi-api-key"] == "k"
        return EL["dub"]["transcript"]

    def submitted(self, made: Made) -> httpx.Response:
        return answer(self.told(made), 201)

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation, request
        return answer({"projects": [self.told(m) for m in made], "next_cursor": None})


class DIDDubber(Dubber):
    """Takes a link, and lists no tokens."""

    adapter, finds = DID, False
    documents = ("did",)
    results = frozenset({"video", "subtitles_srt", "thumbnail"})
    routes = tuple(thing(DUB, "/translations"))

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said["user_data"])

    def told(self, made: Made) -> Any:
        links = {"result_url": "mp4", "subtitles_url": "srt", "thumbnail_url": "png"}
        done = {name: self.link(made, suffix) for name, suffix in links.items()}
        known = D_ID["translation"] | {"id": made.id}
        return known | done | {"status": "done"} if self.done(made) else known

    def submitted(self, made: Made) -> httpx.Response:
        return answer({"translations": [self.told(made)]}, 201)


class SynthesiaDubber(Dubber):
    """Takes a link; neither lists nor deletes dubs."""

    adapter, finds = Synthesia, False
    documents = ("synthesia",)
    results = frozenset({"video", "subtitles_srt", "subtitles_vtt"})
    deletes = frozenset()
    routes = (
        route("POST", "/v2/dubbing", "create", DUB),
        route("GET", "/v2/dubbing/{id}", "poll", DUB),
    )

    def told(self, made: Made) -> Any:
        if not self.done(made):
            return SYNTHESIA["dub"]["running"] | {"id": made.id}
        [asset] = SYNTHESIA["dub"]["succeeded"]["dubbedAssets"]
        captions = {kind: self.link(made, kind) for kind in ("srt", "vtt")}
        asset = asset | {"download": self.link(made, "mp4"), "captions": captions}
        return {"id": made.id, "status": "complete", "dubbedAssets": [asset]}

    def submitted(self, made: Made) -> httpx.Response:
        return answer({"createdImportedAsset": {"id": made.id}})


class RaskDubber(Dubber):
    """Reads an upload before it dubs it; deletes nothing."""

    adapter = Rask
    documents = ("rask",)
    results = frozenset({"video", "audio", "subtitles_srt", "subtitles_vtt"})
    deletes = frozenset()
    routes = (
        route("POST", "/oauth2/token", "signed_in", DUB),
        route("POST", "/api/library/v1/media/link", "media", DUB),
        route("GET", "/api/library/v1/media/{id}", "media_read", DUB),
        route("GET", "/v2/projects/{id}/lipsync", "lips", DUB),
        route("PUT", "/v2/projects/{id}/check_face", "face", DUB),
        route("PUT", "/v2/projects/{id}/lipsync", "moved", DUB),
        *thing(DUB, "/v2/projects"),
    )

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.faces: set[str] = set()  #: projects whose faces were looked for
        self.moved_lips: list[str] = []

    def signed_in(self, _: str, request: httpx.Request) -> Any:
        del request
        return RASK["token"]

    def media(self, _: str, request: httpx.Request) -> Any:
        del request
        return RASK["media"]

    def media_read(self, _: str, request: httpx.Request) -> Any:
        del request
        return RASK["media"] | {"status": "ready"}

    def token(self, said: Mapping[str, Any]) -> str:
        return str(said["name"]).removesuffix(" (lip-sync)")

    def told(self, made: Made) -> Any:
        known = {"id": made.id, "name": made.said["name"]}
        known |= {"status": "merging_done" if self.done(made) else "voiceover_started"}
        links = {"translated_video": "mp4", "translated_audio": "mp3"}
        links |= {f"translation_{kind}_path": kind for kind in ("srt", "vtt")}
        return RASK["project"] | known | {n: self.result(made, s) for n, s in links.items()}

    def lips(self, project_id: str, request: httpx.Request) -> Any:
        del request
        made = self._there(DUB, project_id)
        assert made is not None
        seen, moved = project_id in self.faces, project_id in self.moved_lips
        return {
            "check_face_task_status": "done" if seen else None,
            "video_has_face": True if seen else None,
            "lipsync_task_status": "done" if moved else None,
            "lipsync_result_path": self.link(made, "mp4") if moved else None,
        }

    def face(self, project_id: str, request: httpx.Request) -> Any:
        del request
        self.faces.add(project_id)
        return {"check_face_task_status": "started"}

    def moved(self, project_id: str, request: httpx.Request) -> Any:
        del request
        self.moved_lips.append(project_id)
        return {"lipsync_task_status": "started", "tasks_in_lipsync_queue": 1}

    def listed(
        self, operation: Operation, made: Sequence[Made], request: httpx.Request
    ) -> httpx.Response:
        del operation, request
        slim = [RASK["slim"] | {"id": m.id, "name": m.said["name"]} for m in made]
        return answer({"projects": slim, "total": len(slim), "offset": 0})


class RaskLips(RaskDubber):
    """Moves the lips as well."""

    options = (RaskLipSync(),)


def _setup(name: str, vendor: type[Dubber]) -> Setup:
    return Setup(name, {name: vendor}, {DUB: name}, options=vendor.options)


#: Every provider that dubs over HTTP; tests compare it with the registry.
DUBBERS: Mapping[str, Setup] = {
    "heygen": _setup("heygen", HeyGenDubber),
    "elevenlabs": _setup("elevenlabs", ElevenLabsDubber),
    "d-id": _setup("d-id", DIDDubber),
    "synthesia": _setup("synthesia", SynthesiaDubber),
    "rask": _setup("rask", RaskDubber),
    "rask-lips": _setup("rask", RaskLips),
}
