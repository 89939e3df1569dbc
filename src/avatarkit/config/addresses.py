"""Addresses: makes the repository or media store that an address names, and imports only that.

An address contains no key; keys come from the environment of the settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import ConfigError
from ..interfaces import Clock, MediaStore, Repository

_SUPABASE_KEYS = ("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY")


def repository(
    address: str, environ: Mapping[str, str], clock: Clock, *, virtual: bool = False
) -> Repository:
    """The repository at ``sqlite:///FILE``, ``postgresql://…``, ``supabase://`` or ``memory://``.

    With ``virtual`` the clock replaces the database server's time. Raises ``ConfigError`` for any
    other address, and for a missing variable or package.
    """
    scheme, _, rest = address.partition("://")
    if scheme == "memory":
        from ..repositories.memory import MemoryRepository

        return MemoryRepository(clock=clock)
    if scheme == "sqlite":
        from ..repositories.sqlite import SqliteRepository

        if rest.removeprefix("/") == ":memory:" or rest.startswith("/file:"):
            raise ConfigError(
                f"sqlite://{rest[:80]} names no file: use sqlite:///FILE, or memory:// for records "
                "that are kept while the process lives"
            )
        return SqliteRepository(rest.removeprefix("/") or ".avatarkit/avatarkit.db", clock=clock)
    if scheme in {"postgres", "postgresql"}:
        from ..repositories.postgres import PostgresRepository

        return PostgresRepository(address, clock=clock, virtual=virtual)
    if scheme == "supabase":
        from ..repositories.supabase import SupabaseRepository

        return SupabaseRepository(*_supabase(environ), clock=clock, virtual=virtual)
    raise ConfigError(
        f"unknown repository {scheme}://: use sqlite:///FILE, "
        "postgresql://HOST/DATABASE (with user and password before the host), supabase:// or memory://"
    )


def of_database(place: str) -> str:
    """Return the address of a database; the path of a file stands for its SQLite address.

    Raises ``ConfigError`` for ``sqlite://FILE``, since its FILE is where other databases have a
    host.
    """
    scheme, found, rest = place.partition("://")
    if not found:
        return f"sqlite:///{place}"
    if scheme == "sqlite" and not rest.startswith("/"):
        raise ConfigError(f"write a third slash before the file: sqlite:///{rest[:200]}")
    return place


def media_store(address: str | os.PathLike[str], environ: Mapping[str, str]) -> MediaStore:
    """The media store at a folder, ``s3://BUCKET/PREFIX`` or ``supabase://``.

    A folder signs links only if AVATARKIT_PUBLIC_URL, the address of avatarkit's server, and
    AVATARKIT_MEDIA_SECRET are set. Raises ``ConfigError`` for any other address, for a secret that
    could be guessed, and for a missing variable or package.
    """
    text = os.fspath(address)
    scheme, found, rest = text.partition("://")
    if not found or scheme in {"file", "folder"}:
        from ..media.folder import FolderStore

        secret = link_secret(environ)
        public_url = environ.get("AVATARKIT_PUBLIC_URL") if secret else None
        return FolderStore(rest if found else text, base_url=public_url, secret=secret)
    if scheme == "supabase":
        from ..media.supabase import SupabaseStore

        return SupabaseStore(*_supabase(environ))
    if scheme == "s3":
        from ..media.s3 import S3Store

        return S3Store(text)
    raise ConfigError(
        f"unknown media store {scheme}://: use a folder, s3://BUCKET/PREFIX or supabase://"
    )


def billed_as(address: str | os.PathLike[str], environ: Mapping[str, str]) -> str:
    """Provider of a media store's price rows: folder, s3 or supabase; else the server's host."""
    scheme, found, _ = os.fspath(address).partition("://")
    if not found or scheme in {"file", "folder"}:
        return "folder"
    place = next((environ[name] for name in _ELSEWHERE.get(scheme, ()) if environ.get(name)), "")
    host = urlsplit(place).hostname or ""
    return scheme if not host or host.endswith(_CLOUDS[scheme]) else host


#: Scheme of a store -> variables with the address of its server, and domain that its rows are for.
_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "s3": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "supabase": ("SUPABASE_URL",),
}
_CLOUDS: Mapping[str, str] = {"s3": ".amazonaws.com", "supabase": ".supabase.co"}


def link_secret(environ: Mapping[str, str]) -> bytes | None:
    """The secret that signs media links; raises ``ConfigError`` for one that could be guessed."""
    given = environ.get("AVATARKIT_MEDIA_SECRET")
    if not given:
        return None
    from ..media import signing

    signing.require_unguessable(secret := given.encode(), "AVATARKIT_MEDIA_SECRET")
    return secret


def _supabase(environ: Mapping[str, str]) -> tuple[str, str]:
    url = environ.get("SUPABASE_URL", "")
    key = next((environ[name] for name in _SUPABASE_KEYS if environ.get(name)), "")
    if not url or not key:
        raise ConfigError(
            "supabase:// needs SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY (or SUPABASE_SECRET_KEY "
            "with an sb_secret_... key): set both, on servers only"
        )
    return url, key
