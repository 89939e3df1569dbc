"""Settings: environment variables, read once, when a kit is made."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self, cast

from pydantic import SecretStr

from .._text import flaw
from ..content.files import kept_once
from ..errors import AvatarKitError, ConfigError, StorageError
from ..interfaces import Clock, Provider, ProviderSettings
from ..webhooks import Inboxes
from .addresses import of_database

_ROOT = Path(".avatarkit")
_REPOSITORY = f"sqlite:///{_ROOT}/avatarkit.db"
_MEDIA = f"{_ROOT}/media"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Addresses of the database and the store, and provider settings; ``repr`` shows no key.

    ``repository`` is an address: ``sqlite:///relative.db``, ``sqlite:////absolute.db``,
    ``memory://``. ``media`` is a folder or an address. ``environ`` is what the providers' own
    settings are read from. ``inboxes`` is where vendors call back: from AVATARKIT_PUBLIC_URL and
    AVATARKIT_WEBHOOK_SECRET, where both are set. ``root`` is AVATARKIT_HOME, else beside a
    database that is a file, else ``.avatarkit``.
    """

    stack: str = "local"
    repository: str = field(default=_REPOSITORY, repr=False)  #: may hold a password
    media: str = field(default=_MEDIA, repr=False)
    root: Path = _ROOT  #: holds one folder per provider that keeps something
    inboxes: Inboxes | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read ``environ``, by default the process's own; an empty variable is an unset one."""
        given = os.environ if environ is None else environ
        kept = {name: value.strip() for name, value in given.items() if value.strip()}
        for name, value in kept.items():
            if name.startswith("AVATARKIT_") and (found := flaw(value)):
                raise ConfigError(f"{name} has {found}: set it once more, without that")
        repository = of_database(kept.get("AVATARKIT_REPOSITORY", _REPOSITORY))
        return cls(
            stack=kept.get("AVATARKIT_STACK", "local").lower(),
            repository=repository,
            media=kept.get("AVATARKIT_MEDIA", _MEDIA),
            root=_root(kept, repository),
            inboxes=_inboxes(kept),
            environ=MappingProxyType(kept),
        )

    def beside(self, repository: str) -> Self:
        """The settings with another database, and its folder as ``root``."""
        return replace(self, repository=repository, root=_root(self.environ, repository))

    @property
    def called_at(self) -> Inboxes | None:
        """``inboxes``, else with the secret that the server keeps beside the database."""
        url = self.environ.get("AVATARKIT_PUBLIC_URL")
        if self.inboxes is not None or url is None or not self._alone:
            return self.inboxes
        with suppress(FileNotFoundError):
            return Inboxes(url, self._kept_secret())
        return None

    def webhook_secret(self) -> str:
        """The secret of the webhook address: given, or made once and kept beside the database.

        Raises ``ConfigError`` if the database is shared between machines, which do not share that
        file; ``StorageError`` if the file cannot be written.
        """
        if given := self.environ.get("AVATARKIT_WEBHOOK_SECRET"):
            return given
        if "AVATARKIT_PUBLIC_URL" in self.environ and not self._alone:
            raise ConfigError(
                "other machines may share this database, and must tell vendors the same address: "
                "set AVATARKIT_WEBHOOK_SECRET, 16 random characters or more, wherever a server or "
                "a worker runs"
            )
        try:
            return kept_once(self._secret_file, lambda: secrets.token_urlsafe(32))
        except OSError as error:
            raise StorageError(
                f"cannot keep the secret of webhooks at {self._secret_file} ({error.strerror}): "
                "let this user write there, or set AVATARKIT_WEBHOOK_SECRET"
            ) from None

    @property
    def _alone(self) -> bool:
        """True for SQLite files, whose folder also holds our secrets."""
        return self.repository.startswith("sqlite:")

    def _kept_secret(self) -> str:
        return self._secret_file.read_text(encoding="ascii").strip()

    @property
    def _secret_file(self) -> Path:
        return (root_of(self.repository) if self._alone else self.root) / "webhook-secret"

    def for_provider(
        self, name: str, *, clock: Clock | None = None, key_env: str | None = None
    ) -> ProviderSettings:
        """The settings of one provider.

        Its key is ``AVATARKIT_<NAME>_API_KEY``, else the vendor's own variable: ``key_env``, by
        default the name without dashes (``d-id``: ``AVATARKIT_D_ID_API_KEY``, ``DID_API_KEY``).
        Addresses are ``AVATARKIT_<NAME>_BASE_URL``, and ``AVATARKIT_<NAME>_<HOST>_URL`` for the
        vendor's other hosts, such as ``AVATARKIT_RESEMBLE_SPEECH_URL``.
        People who have agreed at the vendor come back to ``AVATARKIT_<NAME>_RETURN_URL``.
        The id that some vendors want beside it is ``AVATARKIT_<NAME>_CLIENT_ID``, else
        ``<NAME>_CLIENT_ID``. ``AVATARKIT_<NAME>_WEBHOOK_SECRETS`` are separated by commas. A key of
        another provider that this one is to use is ``AVATARKIT_<NAME>_<OTHER>_API_KEY``, such as
        ``AVATARKIT_D_ID_ELEVENLABS_API_KEY``; it is never taken from that provider's own variable.
        """
        said = {
            what: next((self.environ[v] for v in names if v in self.environ), None)
            for what, names in variables(name, key_env=key_env).items()
        }
        secrets = (said["webhook_secrets"] or "").split(",")
        return ProviderSettings(
            api_key=SecretStr(said["api_key"]) if said["api_key"] else None,
            client_id=said["client_id"],
            base_url=said["base_url"],
            return_url=said["return_url"],
            hosts=MappingProxyType(dict(self._hosts(name))),
            allow_private_results=self.allows_private_results,
            other_keys=MappingProxyType(dict(self._other_keys(name))),
            webhook_secrets=tuple(s.strip().encode() for s in secrets if s.strip()),
            home=self.root / name,
            clock=clock,
        )

    @property
    def allows_private_results(self) -> bool:
        """True if results may come from private addresses: AVATARKIT_ALLOW_PRIVATE_RESULTS."""
        given = self.environ.get("AVATARKIT_ALLOW_PRIVATE_RESULTS", "0")
        if given not in {"0", "1"}:
            raise ConfigError("AVATARKIT_ALLOW_PRIVATE_RESULTS is neither 1 nor 0: set one of them")
        return given == "1"

    def _hosts(self, name: str) -> Iterator[tuple[str, str]]:
        pattern = re.compile(rf"{_prefix(name)}_(?!BASE_|RETURN_)([A-Z]+)_URL")
        for variable, value in self.environ.items():
            if match := pattern.fullmatch(variable):
                yield match[1].lower(), value

    def _other_keys(self, name: str) -> Iterator[tuple[str, SecretStr]]:
        pattern = re.compile(rf"{_prefix(name)}_([A-Z0-9_]+)_API_KEY")
        for variable, value in self.environ.items():
            if match := pattern.fullmatch(variable):
                yield match[1].lower().replace("_", "-"), SecretStr(value)

    def make(self, name: str, provider: type, *, clock: Clock | None = None) -> Provider:
        """Make a provider from its settings; raises ``ConfigError`` if its constructor fails."""
        key_env = getattr(provider, "key_env", None)
        settings = self.for_provider(name, clock=clock, key_env=key_env)
        try:
            return cast("Provider", provider(settings))
        except AvatarKitError:
            raise
        except Exception as error:
            raise ConfigError(
                f"provider {name!r} cannot be made: its constructor raised {type(error).__name__}, "
                "which is a bug of the provider"
            ) from error


def _inboxes(environ: Mapping[str, str]) -> Inboxes | None:
    url, secret = (environ.get(f"AVATARKIT_{name}") for name in ("PUBLIC_URL", "WEBHOOK_SECRET"))
    return Inboxes(url, secret) if url and secret else None


def _root(environ: Mapping[str, str], repository: str) -> Path:
    home = environ.get("AVATARKIT_HOME")
    return Path(home).expanduser() if home else root_of(repository)


def root_of(repository: str) -> Path:
    """The folder for files of providers: beside the database, in any working directory."""
    scheme, _, rest = repository.partition("://")
    if scheme != "sqlite":
        return _ROOT
    folder = Path(rest.removeprefix("/")).parent
    return folder if folder.name == _ROOT.name else folder / _ROOT


def key_variable(name: str) -> str:
    """The first environment variable of a provider's key."""
    return variables(name)["api_key"][0]


def variables(name: str, *, key_env: str | None = None) -> Mapping[str, tuple[str, ...]]:
    """Field of ``ProviderSettings`` -> its environment variables; the first one that is set counts.

    ``key_env`` is the vendor's own variable for the key, if it has an unusual name.
    """
    ours = _prefix(name)
    theirs = re.sub(r"[^A-Z0-9]", "", name.upper())
    return {
        "api_key": (f"{ours}_API_KEY", key_env or f"{theirs}_API_KEY"),
        "client_id": (f"{ours}_CLIENT_ID", f"{theirs}_CLIENT_ID"),
        "base_url": (f"{ours}_BASE_URL",),
        "return_url": (f"{ours}_RETURN_URL",),
        "webhook_secrets": (f"{ours}_WEBHOOK_SECRETS",),
    }


def other_key_variable(name: str, other: str) -> str:
    """The variable of the key of provider ``other`` for use by provider ``name``."""
    return f"{_prefix(name)}{_prefix(other).removeprefix('AVATARKIT')}_API_KEY"


def _prefix(name: str) -> str:
    return f"AVATARKIT_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
