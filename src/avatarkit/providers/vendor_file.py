"""Reader of vendor data files; imported when the first file is needed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from .. import errors
from ..interfaces import Limit, Mapped, Sunset
from ..models import ConsentRule, Model, Operation, VideoSettings


def read(vendor: str, package: str) -> VendorFile:
    """Read and validate a file; raises ``ConfigError`` naming the file and the entry."""
    name = f"{vendor}.toml"
    try:
        raw = tomllib.loads((files(package) / "data" / name).read_text("utf-8"))
    except (OSError, ModuleNotFoundError) as error:
        raise errors.ConfigError(
            f"the data file data/{name} of {package} cannot be read ({error}). Add it to the "
            "package, and to its wheel."
        ) from error
    except ValueError as error:
        raise errors.ConfigError(f"{name} is not valid TOML: {error}. Correct it.") from error
    try:
        return VendorFile.model_validate(raw)
    except ValidationError as error:
        raise errors.ConfigError(f"{name}: {_problem(error, raw)}") from error


def _dated(entry: Any) -> Any:
    """Require a source and the date on which it was read."""
    if not isinstance(entry, dict):
        return entry
    known = cast("dict[str, Any]", entry)
    source, since = known.get("source"), known.get("since")
    if not isinstance(source, str) or not source.strip():
        raise ValueError('it has no source. Name the page, or write "unverified".')
    if type(since) is not date:
        raise ValueError(
            "`since` is no date. Write the day on which the source was read, such as 2026-11-22."
        )
    return {**known, "since": since.isoformat()}


def _error_class(name: Any) -> Any:
    """Find an error of ``avatarkit.errors`` by its name."""
    found = getattr(errors, name, None) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, errors.ProviderError)):
        raise ValueError(f"{name!r} is no ProviderError. Name a class of avatarkit.errors.")  # noqa: TRY004
    return found


def _setting(name: str) -> str:
    if name not in VideoSettings.names():
        raise ValueError(f"{name!r} is no video setting. Name one of {VideoSettings.names()}.")
    return name


_DATED = BeforeValidator(_dated)


class _Errors(Model):
    """Error codes of a vendor that mean the same."""

    raises: Annotated[type[errors.ProviderError], BeforeValidator(_error_class)]
    codes: Annotated[tuple[str, ...], Field(min_length=1)]
    source: str
    since: str


class _Words(Model):
    """The vendor's words for our codes."""

    words: dict[str, str]
    source: str
    since: str


class _Mapped(Model):
    """Values of one setting, see ``Mapped``."""

    setting: Annotated[str, AfterValidator(_setting)]
    takes: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    wire: dict[str, bool | int | float | str] = {}
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


class _Settings(Model):
    """Video settings that an operation can carry out, for some kinds of avatars or for all."""

    operation: Operation
    avatars: tuple[str, ...] = ()
    mapped: tuple[_Mapped, ...]
    source: str
    since: str

    @property
    def rows(self) -> tuple[Mapped, ...]:
        """The rows for ``Capabilities.settings``."""
        return tuple(Mapped(**row.model_dump(), avatars=self.avatars) for row in self.mapped)


class VendorFile(Model):
    """A whole data file."""

    settings: tuple[Annotated[_Settings, _DATED], ...] = ()

    limits: tuple[Annotated[Limit, _DATED], ...] = ()
    consent_rules: tuple[Annotated[ConsentRule, _DATED], ...] = ()
    sunsets: tuple[Annotated[Sunset, _DATED], ...] = ()
    errors: tuple[Annotated[_Errors, _DATED], ...] = ()
    words: dict[str, Annotated[_Words, _DATED]] = {}

    @model_validator(mode="after")
    def _one_meaning(self) -> VendorFile:
        seen = set[str]()
        for code in (code for entry in self.errors for code in entry.codes):
            if code in seen:
                raise ValueError(f"the error code {code!r} is listed twice. Keep one.")
            seen.add(code)
        return self


def _problem(error: ValidationError, raw: Mapping[str, Any]) -> str:
    """Describe the first problem of a file, with the entry that has it."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    entry: Any = raw
    for step in first["loc"][:2]:
        try:
            entry = entry[step]
        except (KeyError, IndexError, TypeError):
            break
    known = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    label = known.get("what") or known.get("demands") or known.get("raises")
    return f"{place}{f' ({label})' if label else ''}: {first['msg'].removeprefix('Value error, ')}"
