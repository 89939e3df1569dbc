"""Resumable uploads by tus 1.0: core, creation, termination and expiration.

Source: https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from .._text import flaw
from ..errors import AvatarKitError, StorageError
from . import parameters, schemas
from .api import API, NAMED_LATER, json_answer, upload_view
from .bodies import BadBody, UnsupportedType, may_name
from .error_answers import RejectedSample
from .handover_store import Handover, HandoverEnded
from .parameters import TUS_VERSION
from .uploads import MAX_BYTES, Outcome, UnsupportedProtocol, Upload

EXTENSIONS = ("creation", "termination", "expiration")

_CHUNK = "application/offset+octet-stream"


async def protocol(api: API, request: Request, user: str) -> Response:
    """Return the version and the extensions of the protocol."""
    del api, request, user
    return Response(
        status_code=204,
        headers={
            "tus-resumable": TUS_VERSION,
            "tus-version": TUS_VERSION,
            "tus-extension": ",".join(EXTENSIONS),
            "tus-max-size": str(MAX_BYTES),
        },
    )


async def create(api: API, request: Request, user: str) -> Response:
    """Create an upload, in place of an earlier one of that name."""
    _require_version(request)
    clone_id = parameters.clone_id(request)
    length = parameters.file_length(request, "upload-length")
    given = _metadata(request)
    if any(flaw(value) for value in given.values()):
        raise _bad_metadata("remove control characters")
    role, name = given.get("role", ""), given.get("filename", "")
    if not may_name(name) or "/" in name or "\\" in name:
        raise _bad_metadata("filename: give 1 to 200 printable characters without a slash")
    _require_covered(request, clone_id, role, name)
    path = api.place(user, clone_id, role, name)
    async with api.begun(user, path, role, length):
        await _note(api, request, user, name)
        upload = await api.uploads.begin(path, length, given.get("stack") or None)
    where = "/".join(quote(part, safe="") for part in (clone_id, "uploads", role, name))
    root = request.scope.get("root_path", "")
    named = urlencode({"upload_id": upload.upload_id})
    headers = {"location": f"{root}/clones/{where}?{named}", **await _expires(api, path)}
    return Response(status_code=201, headers=headers)


async def offset(api: API, request: Request, user: str) -> Response:
    """Return the bytes received of an upload, and its length."""
    _require_version(request)
    path, upload = await _found(api, request, user)
    headers = {
        "upload-offset": str(await api.uploads.received(path, upload)),
        "upload-length": str(upload.length),
    }
    return Response(status_code=204, headers=headers | await _expires(api, path))


async def append(api: API, request: Request, user: str) -> Response:
    """Store a chunk; after the last one, validate the sample and store it."""
    _require_version(request)
    if request.headers.get("content-type") != _CHUNK:
        raise UnsupportedType(f"send Content-Type: {_CHUNK}")
    at = parameters.byte_count(request, "upload-offset")
    if at is None:
        raise BadBody("Upload-Offset: give the number of bytes sent before", "Upload-Offset")
    path, upload = await _found(api, request, user)
    async with api.uploads.alone(path, upload.length):
        upload = await api.uploads.find(path, upload.upload_id)  # another request has finished
        at = await api.uploads.write(path, upload, at, request.stream())
        await _require_open(api, request, path)
        upload = await _finished(api, request, user, path, upload)
        headers = {"upload-offset": str(at), **await _expires(api, path)}
    _require_accepted(upload)
    await _note(api, request, user, request.path_params["name"], completed=at == upload.length)
    return Response(status_code=204, headers=headers)


async def result(api: API, request: Request, user: str) -> Response:
    """Return what became of an upload; validate a whole file that a killed server did not."""
    path, upload = await _found(api, request, user)
    async with api.uploads.alone(path, upload.length):  # not while it is being validated
        upload = await api.uploads.find(path, upload.upload_id)
        at = await api.uploads.received(path, upload)
        upload = await _finished(api, request, user, path, upload)
    _require_accepted(upload)
    await _note(api, request, user, request.path_params["name"], completed=at == upload.length)
    return json_answer(await state(api, user, parameters.clone_id(request), upload, at))


async def state(
    api: API, user: str, clone_id: str, upload: Upload, received: int
) -> schemas.UploadAnswer:
    """Build the answer for an upload of which so many bytes were received."""
    outcome = upload.outcome
    if outcome is None:
        return upload_view(received, complete=received == upload.length)
    stored = await api.stored(user, clone_id)
    sample = next((s for s in stored if s.id == outcome.sample_id), None)
    return upload_view(received, sample, outcome.findings)


async def terminate(api: API, request: Request, user: str) -> Response:
    """Delete an upload; a sample that was made of it remains."""
    _require_version(request)
    path, upload = await _found(api, request, user)
    async with api.uploads.alone(path, upload.length):
        await api.uploads.drop(path)
    return Response(status_code=204)


async def _found(api: API, request: Request, user: str) -> tuple[Path, Upload]:
    """Return the upload of the path; raise ``NotFound`` for an unknown one."""
    role, name = request.path_params["role"], request.path_params["name"]
    clone_id = parameters.clone_id(request)
    _require_covered(request, clone_id, role, name)
    path = api.place(user, clone_id, role, name)
    return path, await api.uploads.find(path, request.query_params.get("upload_id"))


async def _finished(api: API, request: Request, user: str, path: Path, upload: Upload) -> Upload:
    """Validate a complete sample; evidence and recordings wait until a request names them."""
    role = request.path_params["role"]
    if upload.outcome or role in NAMED_LATER:
        return upload
    if await api.uploads.received(path, upload) < upload.length:
        return upload
    try:
        sample, found = await api.offer(path, upload, user, parameters.clone_id(request), role)
    except StorageError:  # the store may be back soon: the bytes are not sent again
        raise
    except AvatarKitError:
        await api.uploads.drop(path)
        raise
    outcome = Outcome(sample_id=None if sample is None else sample.id, findings=list(found))
    return await api.uploads.settle(path, upload, outcome)


def _handover(request: Request) -> Handover | None:
    """Return the hand-over whose device sent the request."""
    return getattr(request.state, "handover", None)


def _require_covered(request: Request, clone_id: str, role: str, name: str) -> None:
    """Raise ``HandoverEnded`` if a device asks for another upload than its own."""
    handover = _handover(request)
    if handover is not None and not handover.covers(clone_id, role, name):
        raise HandoverEnded


async def _require_open(api: API, request: Request, path: Path) -> None:
    """Delete the upload if its hand-over was closed meanwhile, and raise ``HandoverEnded``."""
    handover = _handover(request)
    if handover is None:
        return
    try:
        await api.handovers.require(handover)
    except HandoverEnded:
        await api.uploads.drop(path)
        raise


async def _note(
    api: API, request: Request, user: str, name: str, *, completed: bool = False
) -> None:
    """Note how far a hand-over is; an earlier file with another ending is deleted."""
    handover = _handover(request)
    if handover is None:
        return
    if handover.name not in {"", name}:
        clone_id, role = handover.clone_id, handover.asked.role
        await api.uploads.drop(api.place(user, clone_id, role, handover.name))
    await api.handovers.note(handover, name=name, completed=completed)


def _require_accepted(upload: Upload) -> None:
    if upload.outcome is not None and upload.outcome.sample_id is None:
        raise RejectedSample(upload.outcome.findings)


async def _expires(api: API, path: Path) -> dict[str, str]:
    return {"upload-expires": formatdate(await api.uploads.expires(path), usegmt=True)}


def _require_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != TUS_VERSION:
        raise UnsupportedProtocol(f"send Tus-Resumable: {TUS_VERSION}")


def _metadata(request: Request) -> Mapping[str, str]:
    """Read ``Upload-Metadata``: names, and their values in base64."""
    text = request.headers.get("upload-metadata", "")
    if len(text) > parameters.MAX_METADATA:
        raise _bad_metadata(f"send at most {parameters.MAX_METADATA} characters")
    try:
        pairs = [pair.strip().partition(" ") for pair in text.split(",")]
        return {
            name: base64.b64decode(value.strip(), validate=True).decode()
            for name, _, value in pairs
        }
    except (binascii.Error, ValueError) as error:
        raise _bad_metadata("send names, each with a value in base64 of UTF-8") from error


def _bad_metadata(message: str) -> BadBody:
    return BadBody(f"Upload-Metadata: {message}", "Upload-Metadata")
