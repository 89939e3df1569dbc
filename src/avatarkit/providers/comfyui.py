"""ComfyUI: lip-sync by a workflow of your own, on a server that you run.

https://docs.comfy.org/development/comfyui-server/comms_routes. The workflow is a file in API
format, with LatentSync, MuseTalk, InfiniteTalk or any other engine in it. It is given a picture or
clip and the sound, and saves a video under our token, by which it is found in queue and history.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from .. import errors
from ..interfaces import Capabilities, Fetcher, Prepares, ProviderSettings
from ..models import (
    AvatarRequest,
    Job,
    JobState,
    Media,
    Operation,
    VendorRequest,
    VideoRequest,
)
from .http import (
    Call,
    Client,
    HttpAvatarTrainer,
    HttpRequest,
    HttpVideoGenerator,
    Paths,
    Reads,
    as_object,
    as_objects,
    fetch,
    list_at,
    path_segment,
    text_at,
    value_at,
    vendor_data,
)

__all__ = ["ComfyUI"]

#: Variables of the workflow's file, and of other names of its nodes.
_WORKFLOW, _NODES = "AVATARKIT_COMFYUI_WORKFLOW", "AVATARKIT_COMFYUI_NODES"
#: Our name of a node -> the inputs that may take its value; the first that the node has is set.
_INPUTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "picture": ("image", "video", "file"),
        "sound": ("audio", "audio_file", "file"),
        "result": ("filename_prefix",),
    }
)
#: Places of files in the outputs of a node: each kind of node names them in its own way.
_FILES: Final = ("videos", "video", "gifs", "images")
_VIDEOS: Final = frozenset({".mp4", ".webm", ".mov", ".mkv", ".avi"})
#: Folder of our files, within the server's folders of inputs and of results.
_FOLDER: Final = "avatarkit"


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """A prompt in the queue."""

    prompt_id: str
    state: str
    graph: Mapping[str, Any]


class ComfyUI(HttpAvatarTrainer, HttpVideoGenerator, Prepares, Fetcher):
    """Videos by a workflow; an avatar is the picture or clip that was uploaded.

    ``workflow`` is a file in API format, or its contents; by default AVATARKIT_COMFYUI_WORKFLOW.
    Its nodes are known by their title or number: "picture" and "sound" load a file, "result" saves
    the video. ``nodes`` gives other names, such as ``{"sound": "LoadAudio"}``; by default
    AVATARKIT_COMFYUI_NODES, ``sound=LoadAudio,result=12``. The key is optional; it is sent as a
    bearer token, for a proxy in front of the server.

    Raises ``ConfigError`` for a workflow without these nodes.
    """

    name = "comfyui"
    api_version = "1"
    base_url = ""
    key_env, key_prefix = "COMFYUI_API_KEY", "Bearer "
    data = vendor_data("comfyui")
    needs = frozenset({"base_url"})
    capabilities = Capabilities(
        pictures=True,
        drive=frozenset({"audio"}),
        audio_formats=("audio/wav", "audio/mpeg", "audio/flac", "audio/ogg"),
        found_by_token=frozenset({Operation.VIDEO}),
        list_lag=5.0,
        free=frozenset({Operation.AVATAR, Operation.VIDEO}),
        typical=MappingProxyType({Operation.AVATAR: 5.0, Operation.VIDEO: 300.0}),
    )
    paths = {Operation.VIDEO: Paths("/history/{}", "/history")}
    reads = Reads(
        ids={Operation.AVATAR: ("name",), Operation.VIDEO: ("prompt_id",)},
        state=("status.status_str", "status"),
        states={
            "pending": JobState.QUEUED,
            "running": JobState.RUNNING,
            "success": JobState.SUCCEEDED,
            "error": JobState.FAILED,
        },
        unsaid={Operation.AVATAR: JobState.SUCCEEDED, Operation.VIDEO: JobState.QUEUED},
    )
    code = ("error.type",)
    message = ("error.message", "error.details", "error", "message")

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        client: Client | None = None,
        workflow: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        nodes: Mapping[str, str] | None = None,
    ) -> None:
        named = nodes if nodes is not None else _pairs(os.environ.get(_NODES, ""))
        self._graph = _graph(workflow or os.environ.get(_WORKFLOW) or "")
        self._nodes = {name: _node(self._graph, name, named.get(name, name)) for name in _INPUTS}
        super().__init__(settings, client=client)
        if not self._base_url:
            raise errors.ConfigError(
                "comfyui needs the address of your server: set AVATARKIT_COMFYUI_BASE_URL, such as "
                "http://127.0.0.1:8188"
            )

    @property
    def account(self) -> str:
        """Fingerprint of the server's address and the key."""
        digest = hashlib.sha256(f"{self._base_url} {self._key}".encode()).hexdigest()
        return f"server-{digest[:16]}"

    def _checked_key(self) -> str:
        return super()._checked_key() if self._settings.api_key else ""

    def _headers(self) -> dict[str, str]:
        return super()._headers() if self._key else {}

    def _billable(self, *parts: Any, **more: Any) -> tuple[Call, HttpRequest]:
        """Build a call without retries: it is free, but a prompt keeps the server busy."""
        call, sent = super()._billable(*parts, **more)
        return dataclasses.replace(call, attempts=1), sent

    # -- avatars ------------------------------------------------------------------------------

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Upload the picture or clip under our token; a repeated upload replaces it."""
        footage = _named(request.required_footage, request.token)
        return await self._submit(
            Operation.AVATAR,
            "/upload/image",
            request,
            files=[("image", footage)],
            type="input",
            overwrite="true",
        )

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Return an uploaded file, which is always finished; raises ``NotFound``."""
        kind = str(self._node("picture").get("class_type"))
        told = await self._call(
            "GET", f"/object_info/{path_segment(kind)}", operation=Operation.AVATAR
        )
        if kind not in told:
            raise self._bad(Operation.AVATAR, f"the server has no node of the kind {kind}")
        if avatar_id not in _texts(told[kind]):
            raise errors.NotFound(
                f"the server's folder of inputs has no {avatar_id!r}",
                provider=self.name,
                operation=Operation.AVATAR,
            )
        return self._job(Operation.AVATAR, {"name": avatar_id})

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Raise ``Unsupported``: an upload is repeated under its name instead."""
        raise errors.Unsupported(f"comfyui lists no files by {token}: upload it again")

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Raise ``Unsupported``: the server has no call that deletes a file."""
        raise errors.Unsupported(_undeletable(f"input/{avatar_id}"))

    # -- videos -------------------------------------------------------------------------------

    async def prepare(self, operation: Operation, request: VendorRequest, /) -> dict[str, Any]:
        """Upload sound and picture under our token; a repeated upload replaces them."""
        if not isinstance(request, VideoRequest):
            return {}
        self._check(request)
        given = {"sound": request.audio, "picture": request.picture}
        return {
            name: await self._uploaded(operation, _named(media, f"{request.token}-{name}"))
            for name, media in given.items()
            if media is not None
        }

    async def _uploaded(self, operation: Operation, media: Media) -> str:
        """Upload a file; return its name on the server."""
        told = await self._call(
            "POST",
            "/upload/image",
            operation=operation,
            body={"type": "input", "overwrite": "true"},
            files=[("image", media)],
        )
        if (name := text_at(told, "name")) is None:
            raise self._bad(operation, "the server does not name the file that it was sent")
        return name

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Queue the workflow, with our token as the prefix of its result."""
        values = {
            "picture": request.prepared.get("picture", request.avatar_id),
            "sound": request.prepared.get("sound"),
            "result": f"{_FOLDER}/{request.token}",
        }
        graph = copy.deepcopy(self._graph)
        for name, value in values.items():
            inputs = graph[self._nodes[name]]["inputs"]
            inputs[next(key for key in _INPUTS[name] if key in inputs)] = value
        return await self._submit(
            Operation.VIDEO,
            "/prompt",
            request,
            prompt=graph,
            client_id=request.token,
            # UNVERIFIED: servers that do not take an id choose one; the answer tells it
            prompt_id=str(uuid5(NAMESPACE_URL, request.token)),
        )

    async def get_video(self, video_id: str, /) -> Job:
        """Poll the history, then the queue; raises ``NotFound``.

        A prompt may end between the two, so that the history is read once more.
        """
        for look in (self._ended, self._waiting, self._ended):
            if (job := await look(video_id)) is not None:
                return job
        raise errors.NotFound(
            f"neither queue nor history of the server has {video_id!r}: a restart empties both",
            provider=self.name,
            operation=Operation.VIDEO,
        )

    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Return every prompt whose result carries the token, oldest first.

        A prompt moves from the queue to the history, so the queue is read first.
        """
        queue = await self._queue()
        queued = [self._queued(entry) for entry in queue if self._ours(entry.graph, token)]
        history = await self._call("GET", "/history", operation=Operation.VIDEO)
        ended = [
            self._entry(prompt_id, told)
            for prompt_id, told in history.items()
            if self._ours(as_object(value_at(told, "prompt.2")), token)
        ]
        return list({job.id: job for job in [*queued, *ended]}.values())

    async def delete_video(self, video_id: str, /) -> None:
        """Raise ``Unsupported``: the server has no call that deletes a file."""
        raise errors.Unsupported(_undeletable(f"the result of {video_id} in output/{_FOLDER}"))

    async def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream a result of this server, which may have a private address."""
        ours = url.startswith(f"{self._base_url}/")
        headers = self._headers() if ours else None
        async for chunk in fetch(self._client, url, headers, allow_private=ours):
            yield chunk

    # -- answers ------------------------------------------------------------------------------

    def _node(self, name: str) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self._graph[self._nodes[name]])

    async def _ended(self, prompt_id: str) -> Job | None:
        path = self.paths[Operation.VIDEO].poll.format(path_segment(prompt_id))
        told = await self._call("GET", path, operation=Operation.VIDEO)
        if told and prompt_id not in told:
            raise self._bad(Operation.VIDEO, "the history tells of another prompt")
        return self._entry(prompt_id, told[prompt_id]) if told else None

    async def _waiting(self, prompt_id: str) -> Job | None:
        found = (entry for entry in await self._queue() if entry.prompt_id == prompt_id)
        return next((self._queued(entry) for entry in found), None)

    async def _queue(self) -> list[_Entry]:
        """Every prompt that has not ended."""
        told = await self._call("GET", "/queue", operation=Operation.VIDEO)
        if not {"queue_running", "queue_pending"} <= told.keys():
            raise self._bad(Operation.VIDEO, "the answer holds no queue")
        return [
            _Entry(prompt_id, state, as_object(value_at({"entry": entry}, "entry.2")))
            for state in ("pending", "running")
            for entry in list_at(told, f"queue_{state}")
            if (prompt_id := text_at({"entry": entry}, "entry.1")) is not None
        ]

    def _ours(self, graph: Mapping[str, Any], token: str) -> bool:
        """True if a node of the workflow saves under our token."""
        wanted = f"{_FOLDER}/{token}"
        return any(
            as_object(as_object(node).get("inputs")).get("filename_prefix") == wanted
            for node in graph.values()
        )

    def _queued(self, entry: _Entry) -> Job:
        return self._job(Operation.VIDEO, {"prompt_id": entry.prompt_id, "status": entry.state})

    def _entry(self, prompt_id: str, told: Any) -> Job:
        """The job of an entry of the history."""
        entry = as_object(told)
        job = self._job(Operation.VIDEO, {**entry, "prompt_id": prompt_id})
        if job.state is JobState.UNKNOWN and entry.get("status") is None:
            # UNVERIFIED: older servers tell no status; an entry of theirs has ended
            job = job.model_copy(update={"state": JobState.SUCCEEDED})
        links = {"video": link} if (link := self._link(entry)) else {}
        reason = None if job.state is JobState.SUCCEEDED else self._failure(entry)
        return job.model_copy(update={"links": links, "reason": reason, "raw": entry})

    def _link(self, entry: Mapping[str, Any]) -> str | None:
        """Link to the video that the node "result" saved."""
        outputs = as_object(as_object(entry.get("outputs")).get(self._nodes["result"]))
        for file in (one for place in _FILES for one in as_objects(outputs.get(place))):
            name = text_at(file, "filename") or ""
            if PurePosixPath(name).suffix.lower() in _VIDEOS:
                query = {
                    "subfolder": text_at(file, "subfolder") or "",
                    "type": text_at(file, "type") or "output",
                    "filename": name,
                }
                return f"{self._base_url}/view?{urlencode(query)}"
        return None

    def _failure(self, entry: Mapping[str, Any]) -> str | None:
        """Message of the node that failed, or that the prompt was interrupted."""
        for message in list_at(entry, "status.messages"):
            event, told = (value_at({"message": message}, f"message.{n}") for n in (0, 1))
            if event == "execution_interrupted":
                return "it was interrupted at the server"
            if event == "execution_error":
                return self._said(as_object(told), "exception_message", "exception_type")
        return "the server tells no reason: see its log"


# -- workflows --------------------------------------------------------------------------------


def _graph(workflow: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Read a workflow in API format: node number -> its class, inputs and title."""
    if not workflow:
        raise errors.ConfigError(
            f"comfyui needs a workflow: set {_WORKFLOW} to a file that ComfyUI exported by "
            '"Export (API)"'
        )
    if isinstance(workflow, Mapping):
        graph: Any = copy.deepcopy(dict(workflow))
    else:
        try:
            graph = json.loads(Path(workflow).read_text(encoding="utf-8"))
        except OSError as error:
            raise errors.ConfigError(
                f"the workflow {workflow} cannot be read: {error.strerror}"
            ) from None
        except (ValueError, RecursionError):
            raise errors.ConfigError(
                f"the workflow {workflow} is no JSON: export it again"
            ) from None
    nodes = [as_object(node) for node in as_object(graph).values()]
    if not nodes or not all("class_type" in n and isinstance(n.get("inputs"), dict) for n in nodes):
        raise errors.ConfigError(
            'the workflow is not in API format: export it by "Export (API)", not by "Export"'
        )
    return cast("dict[str, Any]", graph)


def _node(graph: Mapping[str, Any], name: str, called: str) -> str:
    """Number of a node by its title or number; raises ``ConfigError``."""
    found = [n for n, node in graph.items() if called in (n, text_at(node, "_meta.title"))]
    if len(found) != 1:
        many = "several nodes" if found else "no node"
        raise errors.ConfigError(
            f"the workflow has {many} with the title {called!r}: give one node that title, or name "
            f"another by {_NODES}={name}=TITLE"
        )
    if not set(_INPUTS[name]) & graph[found[0]]["inputs"].keys():
        raise errors.ConfigError(
            f"node {called!r} of the workflow has no input {' or '.join(_INPUTS[name])}: name the "
            f"node that {'saves the video' if name == 'result' else f'loads the {name}'}"
        )
    return found[0]


def _pairs(text: str) -> dict[str, str]:
    """Parse "picture=TITLE,sound=12"; raises ``ConfigError``."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    named = {key.strip(): value.strip() for key, _, value in pairs}
    if unknown := [key for key, value in named.items() if key not in _INPUTS or not value]:
        raise errors.ConfigError(
            f"{_NODES} names {unknown[0]!r}: write {','.join(f'{name}=TITLE' for name in _INPUTS)}"
        )
    return named


def _texts(value: Any) -> Iterator[str]:
    """All texts within an answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        inner: Any = cast("Any", value)
        for part in cast("Iterable[Any]", inner.values() if isinstance(inner, Mapping) else inner):
            yield from _texts(part)


def _named(media: Media, token: str) -> Media:
    """The recording under a name of ours, by which an upload can be repeated."""
    suffix = PurePosixPath(media.name).suffix
    return media.model_copy(update={"name": f"{_FOLDER}-{token}{suffix}"})


def _undeletable(what: str) -> str:
    return f"ComfyUI has no call that deletes a file: delete {what} on the server's machine"
