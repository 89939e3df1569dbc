"""Files of the studio and its elements: compressed once, and cached by browsers.

``/static/NAME`` is asked for again at each visit, and answered 304 if it has not changed.
``/static/DIGEST/NAME``, as the studio's page names it, may be kept for a year: the digest changes
with any file, and modules import each other by relative paths, so a page is of one version.

Scripts are sent without their comments and indentation: types in JSDoc are a fourth of their bytes.
"""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

#: Types by ending, whatever the machine's own table says.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"} | {
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".ts": "text/plain",
    ".md": "text/markdown",
}

#: A type within a line, in JSDoc.
_TYPE = re.compile(r"/\*\* @type \{[^*\n]{0,200}\*/ ?")

_FOREVER = "public, max-age=31536000, immutable"


def _encodings() -> Mapping[str, Callable[[bytes], bytes]]:
    """Return compressors by the names of their encodings, the best first.

    Brotli saves a sixth of gzip's bytes, and takes some 10 ms for a file.
    """
    found: dict[str, Callable[[bytes], bytes]] = {}
    if find_spec("brotli"):  # some Pythons have no wheel of it
        found["br"] = import_module("brotli").compress
    return {**found, "gzip": partial(gzip.compress, compresslevel=9)}


_ENCODINGS = _encodings()


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    etag: str
    _encoded: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def encoded(self, accepted: str) -> tuple[str, bytes]:
        """Return the encoding and the bytes for a client; no encoding if it is none smaller."""
        parts = accepted.replace(" ", "").split(",")
        taken = {part.partition(";")[0] for part in parts if not part.endswith((";q=0", ";q=0.0"))}
        name = next((name for name in _ENCODINGS if name in taken), "")
        if not name or self.media_type.startswith(("image/j", "audio/")):
            return "", self.content
        if name not in self._encoded:
            self._encoded[name] = _ENCODINGS[name](self.content)
        small = self._encoded[name]
        return (name, small) if len(small) < len(self.content) else ("", self.content)


class StaticFiles:
    """The files below ``folder``, held in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pages: dict[str, _File] = {}

    @cached_property
    def _files(self) -> dict[str, _File]:
        paths = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self._folder).as_posix()): _read(path) for path in paths}

    @cached_property
    def digest(self) -> str:
        """Digest of all files."""
        told = "".join(f"{name} {file.etag}\n" for name, file in self._files.items())
        return sha256(told.encode()).hexdigest()[:16]

    async def answer(self, request: Request) -> Response:
        """Answer with a file, compressed if the client takes that."""
        first, _, rest = request.path_params["path"].partition("/")
        versioned = first == self.digest
        file = self._files.get(rest if versioned else request.path_params["path"])
        if file is None:
            raise HTTPException(404)
        return _answer(request, file, _FOREVER if versioned else "no-cache")

    def page(self, request: Request, name: str) -> Response:
        """Answer with a page, whose references to ``static/`` are those of this version."""
        if name not in self._pages:
            own = f'"static/{self.digest}/'.encode()
            html = self._files[name].content.replace(b'"static/', own)
            self._pages[name] = _of(html, "text/html")
        return _answer(request, self._pages[name], "no-cache")


def _read(path: Path) -> _File:
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    content = path.read_bytes()
    if path.suffix == ".js":
        content = sent(content.decode()).encode()
    return _of(content, kind or "application/octet-stream")


def sent(script: str) -> str:
    """Return a script as it is sent: without comments of whole lines, types, and indentation."""
    kept: list[str] = []
    in_comment = False
    for line in script.split("\n"):
        text = line.lstrip(" \t")
        if in_comment or (text.startswith("/**") and not text.startswith("/** @type {")):
            in_comment = not text.rstrip().endswith("*/")
        elif not text.startswith("//") and (text := _TYPE.sub("", text)).strip():
            kept.append(f"{text}\n")
    return "".join(kept)


def _of(content: bytes, media_type: str) -> _File:
    etag = f'"{sha256(content).hexdigest()[:20]}"'
    return _File(content, media_type, etag)


def _answer(request: Request, file: _File, cache: str) -> Response:
    headers = {"cache-control": cache, "etag": file.etag, "vary": "accept-encoding"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    encoding, content = file.encoded(request.headers.get("accept-encoding", ""))
    if encoding:
        headers["content-encoding"] = encoding
    return Response(content, media_type=file.media_type, headers=headers)
