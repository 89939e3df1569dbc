"""A double of Supabase Storage behind its gateway: what is documented, and was seen of it.

Errors are 400 with the true status in the body, those of tus are real ones with a text. A key that
is no token goes into ``apikey`` alone. Lists are per folder. An upload by tus is told under another
address than it has. What a user tells about a file is kept with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from .web import Handler, serving

SECRET_KEY = "sb_secret_" + "k" * 22
ROLE_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"
BUCKETS = ("voice-samples", "video-samples", "avatar-results")
PART = 6 << 20

# The older, narrower rule: what fits it fits the newer one as well.
_KEY = re.compile(r"[\w/!\-.*'() &$@=;:+,?]+", re.ASCII)


class Cut(Exception):
    """The connection is gone."""


@dataclass
class Stored:
    body: bytes
    media_type: str
    metadata: dict | None
    etag: str = field(default_factory=lambda: f'"{uuid.uuid4().hex}"')


@dataclass
class Part:
    bucket: str
    path: str
    size: int
    media_type: str
    metadata: dict | None
    body: bytearray = field(default_factory=bytearray)


@dataclass
class Project:
    """State of the double: files, requests, and the next faults."""

    buckets: dict = field(default_factory=lambda: {name: {} for name in BUCKETS})
    uploads: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    faults: list = field(default_factory=list)  #: (method, part of the path, what happens)
    largest: int = 50 << 20
    skew: float = 0.0
    keeps_metadata: bool = True

    def now(self):
        return time.time() + self.skew

    def asked(self, method, part=""):
        return [r for r in self.requests if r.method == method and part in r.path]

    def fail(self, method, part, fault, times=1):
        self.faults += [(method, part, fault)] * times


@dataclass
class Asked:
    method: str
    path: str
    headers: dict
    size: int


def reply(status, body=b"", **headers):
    """A fault: this answer instead of the true one."""

    def fault(handler):
        handler.read_body()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.answer(status, body, named)

    return fault


def cut_after(count):
    """A fault: so many bytes of the body arrive, and the connection is gone."""

    def fault(handler):
        raise Cut(count)

    return fault


def take_only(count):
    """A fault: it takes less than was sent, and says so."""

    def fault(handler):
        upload = handler.project.uploads[handler.place.rpartition("/")[2]]
        upload.body += handler.read_body()[:count]
        handler.answer(204, b"", {"Upload-Offset": str(len(upload.body))})

    return fault


def cut_answer(handler):
    """Fault: the request is carried out, but its answer is lost."""
    handler.deaf = True
    handler.route()
    raise Cut(0)


def half_of_the_answer(handler):
    """A fault: the answer breaks off in its middle."""
    handler.halved = True
    handler.route()


def page(status=200):
    """A fault: something else than Storage answers."""
    return reply(status, b"<html><body>Welcome to nginx!</body></html>", Content_Type="text/html")


class StorageHandler(Handler):
    deaf = halved = False

    @property
    def project(self):
        return self.server.project

    def handle_one(self):
        self.deaf = self.halved = False
        self.body = None
        parts = urlsplit(self.path)
        self.place = parts.path.removeprefix("/storage/v1")
        self.query = parse_qs(parts.query)
        size = int(self.headers.get("Content-Length") or 0)
        self.project.requests.append(
            Asked(self.command, self.place, {k.lower(): v for k, v in self.headers.items()}, size)
        )
        try:
            for fault in self.project.faults:
                method, part, happens = fault
                if method == self.command and part in self.place:
                    self.project.faults.remove(fault)
                    happens(self)
                    return
            self.route()
        except Cut as cut:
            self.take_part_of_it(cut.args[0])
            self.close_connection = True
            self.connection.close()

    do_GET = do_POST = do_PATCH = do_HEAD = do_DELETE = handle_one

    # -- what comes in and goes out -----------------------------------------------------------

    def read_body(self):
        if self.body is None:
            size = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(size)
        return self.body

    def take_part_of_it(self, count):
        """Tus keeps what has arrived; nothing else does."""
        upload = self.project.uploads.get(self.place.rpartition("/")[2])
        if self.command == "PATCH" and upload is not None and self.body is None:
            upload.body += self.rfile.read(count)

    def answer(self, status, body=b"", headers=()):
        if self.deaf:
            return
        if self.halved:
            self.send_response(status)
            for name, value in {**dict(headers), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            raise Cut(0)
        super().answer(status, body, headers)

    def json(self, value, status=200):
        self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def error(self, status, code, message):
        self.json({"statusCode": str(status), "error": code, "message": message, "code": code}, 400)

    # -- where to -----------------------------------------------------------------------------

    def route(self):
        self.read_body()
        if not urlsplit(self.path).path.startswith("/storage/v1/"):
            self.json({"message": "no Route matched with those values"}, 404)
            return
        names = [unquote(name) for name in self.place.strip("/").split("/")]
        if self.command == "GET" and names[:2] == ["object", "sign"]:
            self.signed(names[2], "/".join(names[3:]))
            return
        if not self.has_key():
            self.json({"message": "Invalid API key", "hint": "Double check your key."}, 401)
            return
        if names[:2] == ["upload", "resumable"]:
            self.resumable(names[2:])
            return
        verb = names[1] if names[1] in {"sign", "list", "info"} else "file"
        rest = names[1:] if verb == "file" else names[2:]
        if rest[0] not in self.project.buckets:
            self.error(404, "NoSuchBucket", "Bucket not found")
            return
        method = getattr(self, f"{verb}_{self.command.lower()}")
        method(rest[0], self.project.buckets[rest[0]], "/".join(rest[1:]))

    def has_key(self):
        key, bearer = self.headers.get("apikey"), self.headers.get("Authorization")
        return (key, bearer) in {(SECRET_KEY, None), (ROLE_KEY, f"Bearer {ROLE_KEY}")}

    # -- files --------------------------------------------------------------------------------

    def file_post(self, bucket, files, path):
        upsert = self.headers.get("x-upsert") == "true"
        if not _KEY.fullmatch(path):
            self.error(400, "InvalidKey", f"Invalid key: {path}")
        elif len(self.body) > self.project.largest:
            self.error(413, "EntityTooLarge", "The object exceeded the maximum allowed size")
        elif path in files and not upsert:
            self.error(409, "KeyAlreadyExists", "The resource already exists")
        else:
            told = self.headers.get("x-metadata")
            metadata = json.loads(base64.b64decode(told)) if told else None
            self.keep(files, path, self.body, self.headers["Content-Type"], metadata)
            self.json({"Key": f"{bucket}/{path}", "Id": str(uuid.uuid4())})

    def keep(self, files, path, body, media_type, metadata):
        kept = metadata if self.project.keeps_metadata else None
        files[path] = Stored(bytes(body), media_type, kept)

    def file_get(self, bucket, files, path):
        stored = files.get(path)
        if stored is None:
            self.error(404, "NoSuchKey", "Object not found")
            return
        headers = {"ETag": stored.etag, "Content-Type": stored.media_type}
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if found and self.headers.get("If-Range", stored.etag) == stored.etag:
            start, size = int(found[1]), len(stored.body)
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
            self.answer(206, stored.body[start:], headers)
        else:
            self.answer(200, stored.body, headers)

    def file_delete(self, bucket, files, path):
        gone = [name for name in json.loads(self.body)["prefixes"] if files.pop(name, None)]
        self.json([{"name": name, "bucket_id": bucket} for name in gone])

    def info_get(self, bucket, files, path):
        stored = files.get(path)
        if stored is None:
            self.error(404, "NoSuchKey", "Object not found")
            return
        self.json(
            {
                "name": path,
                "size": len(stored.body),
                "content_type": stored.media_type,
                "etag": stored.etag,
                "metadata": stored.metadata,
            }
        )

    def list_post(self, bucket, files, path):
        asked = json.loads(self.body)
        folder = f"{asked['prefix']}/" if asked["prefix"] else ""
        below = re.escape(folder).replace("_", ".")  # as LIKE takes it
        found = {}
        for path in files:
            match = re.match(below, path)
            if match:
                name, deeper, _ = path[match.end() :].partition("/")
                found[name] = {"name": name, "id": None if deeper else str(uuid.uuid4())}
        page = [found[name] for name in sorted(found)]
        self.json(page[asked["offset"] :][: asked["limit"]])

    # -- links --------------------------------------------------------------------------------

    def token(self, bucket, path, seconds):
        claims = json.dumps({"url": f"{bucket}/{path}", "exp": self.project.now() + seconds})
        head = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
        return f"{head}.{hmac.new(b'jwt', head.encode(), hashlib.sha256).hexdigest()}"

    def link(self, bucket, path, seconds):
        return f"/object/sign/{bucket}/{path}?token={self.token(bucket, path, seconds)}"

    def sign_post(self, bucket, files, path):
        asked = json.loads(self.body)
        seconds = asked["expiresIn"]
        if path:
            if path not in files:
                self.error(404, "NoSuchKey", "Object not found")
                return
            self.json({"signedURL": self.link(bucket, path, seconds)})
            return
        missing = "Either the object does not exist or you do not have access to it"
        self.json(
            [
                {"path": p, "error": None, "signedURL": self.link(bucket, p, seconds)}
                if p in files
                else {"path": p, "error": missing, "signedURL": None}
                for p in asked["paths"]
            ]
        )

    def signed(self, bucket, path):
        head, _, signature = self.query.get("token", [""])[0].partition(".")
        true = hmac.new(b"jwt", head.encode(), hashlib.sha256).hexdigest()
        if not head or signature != true:
            self.error(400, "InvalidJWT", "jwt malformed")
            return
        claims = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        if claims["exp"] <= self.project.now():
            self.error(400, "InvalidJWT", '"exp" claim timestamp check failed')
        elif claims["url"] != f"{bucket}/{path}":
            self.error(400, "InvalidSignature", "The url does not match the signature")
        else:
            self.file_get(bucket, self.project.buckets[bucket], path)

    # -- tus ----------------------------------------------------------------------------------

    def resumable(self, names):
        if self.headers.get("Tus-Resumable") != "1.0.0":
            self.answer(412, b"Tus-Resumable Required")
        elif self.command == "POST":
            self.tus_create()
        elif names[0] not in self.project.uploads:
            self.answer(404, b"The file for this url was not found")
        else:
            upload = self.project.uploads[names[0]]
            getattr(self, f"tus_{self.command.lower()}")(names[0], upload)

    def tus_create(self):
        fields = (item.split(" ") for item in self.headers["Upload-Metadata"].split(","))
        told = {name: base64.b64decode(value).decode() for name, value in fields}
        size, bucket = int(self.headers["Upload-Length"]), told["bucketName"]
        if bucket not in self.project.buckets:
            self.answer(404, b"Bucket not found")
        elif size > self.project.largest:
            self.answer(413, b"Maximum size exceeded\n")
        else:
            name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()
            metadata = json.loads(told.get("metadata", "null"))
            self.project.uploads[name] = Part(
                bucket, told["objectName"], size, told["contentType"], metadata
            )
            self.answer(201, b"", {"Location": f"https://storage.internal/upload/resumable/{name}"})

    def tus_head(self, name, upload):
        self.answer(
            200, b"", {"Upload-Offset": str(len(upload.body)), "Upload-Length": str(upload.size)}
        )

    def tus_patch(self, name, upload):
        files = self.project.buckets[upload.bucket]
        if int(self.headers["Upload-Offset"]) != len(upload.body):
            self.answer(409, b"Upload-Offset conflict\n")
            return
        if len(self.body) != PART and len(upload.body) + len(self.body) != upload.size:
            self.answer(400, b"all parts but the last have 6 MiB\n")
            return
        upload.body += self.body
        if len(upload.body) == upload.size:
            if upload.path in files and self.headers.get("x-upsert") != "true":
                self.answer(409, b"The resource already exists")
                return
            self.keep(files, upload.path, upload.body, upload.media_type, upload.metadata)
        self.answer(204, b"", {"Upload-Offset": str(len(upload.body))})

    def tus_delete(self, name, upload):
        del self.project.uploads[name]
        self.answer(204)


@contextmanager
def storage():
    """A project, and where it is served."""
    project = Project()
    with serving(StorageHandler, project=project) as server:
        project.address = server.address
        yield project
