"""ElevenLabs' dubbing projects: an existing video in another language.

https://elevenlabs.io/docs. One project is made for each language, and it has our token as its
reference. ElevenLabs delivers the sound alone, and a transcript, which becomes subtitles.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field

from ...content.subtitles import Cue, srt
from ...models import DubRequest, Job, JobState, Operation, Options
from ..http import (
    HttpVideoDubber,
    Paths,
    as_objects,
    id_at,
    number_at,
    path_segment,
    said_at,
    value_at,
)

_PROJECTS = "/v1/dubbing/project"
PATHS = Paths(
    f"{_PROJECTS}/{{}}/language",
    _PROJECTS,
    {"page_size": 100},
    f"{_PROJECTS}/{{}}",
    cursor_parameter="cursor",
)
#: States of a project, and of its language: a project is ready when its source is transcribed.
STATES: Mapping[str, JobState] = MappingProxyType(
    {
        "queued": JobState.QUEUED,
        "preparing": JobState.RUNNING,
        "processing": JobState.RUNNING,
        "ready": JobState.RUNNING,
        "completed": JobState.SUCCEEDED,
        # edited in the web app: a person must render it again there
        "stale": JobState.RUNNING,
        "failed": JobState.FAILED,
    }
)
#: Code of a language that failed because its project did, which has the reason.
_PROJECT_FAILED = "project_failed"


class ElevenLabsDub(Options):
    """Extras of a dub."""

    model_id: str | None = None  #: "dubbing_v2" or "dubbing_v1"; the vendor's default if not given
    source_language: str | None = None  #: such as "en"; detected if not given
    keyterms: tuple[str, ...] | None = Field(default=None, max_length=1000)  #: names, brands


class DubbingProjects(HttpVideoDubber):
    """Role base: dubs at ``/v1/dubbing/project``."""

    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once: a project with one language."""
        return await self._submit(
            Operation.DUB,
            _PROJECTS,
            request,
            ElevenLabsDub,
            files=[("file", request.source)],
            reference=request.token,
            target_language=request.language.replace("_", "-"),
        )

    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll the language of a project; the project itself while it has none."""
        path = self.paths[Operation.DUB].poll.format(path_segment(dub_id))
        page = await self._call("GET", path, operation=Operation.DUB, query={"page_size": 1})
        languages = self._listed(Operation.DUB, page)
        if not languages:
            return await self._project(dub_id)
        job = self._job(Operation.DUB, languages[0])
        if said_at(job.raw, "error.code") == _PROJECT_FAILED:
            why = (await self._project(dub_id)).reason
            job = job.model_copy(update={"reason": why or job.reason})
        return job

    async def _project(self, dub_id: str) -> Job:
        return await self._get(Operation.DUB, f"{_PROJECTS}/{{}}", dub_id)

    async def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream a result; a transcript, which needs the key, as SubRip."""
        if url.startswith(f"{self._base_url}{_PROJECTS}/"):
            yield _subtitles(await self._call("GET", url, operation=Operation.DUB)).encode()
            return
        async for chunk in self._fetched(url):
            yield chunk

    def _dubbed(self, job: Job) -> Job:
        """Add the subtitles of a finished dub, and say that a failure has no reason."""
        if job.state is JobState.FAILED and job.reason is None:
            return job.model_copy(update={"reason": "ElevenLabs tells no reason"})
        language = id_at(job.raw, "language_id")
        if job.state is not JobState.SUCCEEDED or language is None:
            return job
        place = f"{_PROJECTS}/{path_segment(job.id)}/language/{path_segment(language)}/transcript"
        links = {**job.links, "subtitles_srt": self._url(place)}
        return job.model_copy(update={"links": links})


def _subtitles(transcript: Mapping[str, Any]) -> str:
    """Translated segments of a transcript; those without a translation are left out."""
    told = (
        (number_at(one, "start_s"), number_at(one, "end_s"), said_at(one, "translation"))
        for one in as_objects(value_at(transcript, "segments"))
    )
    return srt(
        Cue(start, end, tuple(text.split("\n")))
        for start, end, text in told
        if start is not None and end is not None and text
    )
