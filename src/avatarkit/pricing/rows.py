"""Price rows of vendors: the shipped file, a file of your own, and rows of plug-ins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, cast, overload

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from .._text import flaw, has_controls
from ..errors import ConfigError
from ..models import Model, Operation

#: Larger numbers are a mistake, and sums of them are not exact.
_MOST = 10**12
_Positive = Annotated[Decimal, Field(gt=0, le=_MOST)]
_NotNegative = Annotated[Decimal, Field(ge=0, le=_MOST)]
_HEADER = re.compile(r"\s*\[\[\s*price\s*]]")
_DAY = r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?"


def _printable(text: str) -> str:
    if problem := flaw(text) or (has_controls(text) and "a line break or a tab"):
        raise ValueError(f"it has {problem}: remove it")
    return text


def _lower(name: str) -> str:
    if name != name.strip().lower():
        raise ValueError(f"write {name.strip().lower()!r}, as the provider is called")
    return name


def _exists(day: str) -> str:
    try:
        date.fromisoformat(day if len(day) > len("2026-01") else f"{day}-01")
    except ValueError:
        raise ValueError(f"there is no {day}") from None
    return day


_Text = Annotated[str, Field(max_length=10_000), AfterValidator(_printable)]
_Name = Annotated[
    str, Field(min_length=1, max_length=10_000, pattern=r"\S"), AfterValidator(_printable)
]
#: Names of providers; another spelling would be the name of no provider, and price nothing.
_Provider = Annotated[_Name, AfterValidator(_lower)]


class Hosting(StrEnum):
    """Charge of a media store."""

    STORAGE = "storage"
    EGRESS = "egress"


#: Anything with a price: an operation of a provider, or a charge of a media store.
Charged = Operation | Hosting


def _charged(given: object) -> object:
    """Read the name of one; a union of enums has no error message of its own."""
    known: dict[str, Charged] = {str(one): one for kind in (Operation, Hosting) for one in kind}
    if not isinstance(given, str) or given not in known:
        raise ValueError(f"must be one of {', '.join(map(repr, map(str, known)))}")
    return known[given]


class Unit(StrEnum):
    """Billing units of vendors and stores."""

    VIDEO_MINUTE = "video_minute"  #: of a finished file
    REALTIME_MINUTE = "realtime_minute"  #: of a live session, which leaves no file
    AUDIO_MINUTE = "audio_minute"
    KILO_CHARACTERS = "1k_chars"
    CHARACTER = "character"
    MEGABYTE_OF_TEXT = "1M_utf8_bytes"
    WORD = "word"
    CREDIT = "credit"
    VOICE = "voice"
    AVATAR = "avatar"
    GPU_HOUR = "gpu_hour"
    GIGABYTE = "gigabyte"  #: sent out
    GIGABYTE_MONTH = "gigabyte_month"  #: stored


class Amount(Model):
    """A quantity of a unit."""

    amount: _Positive
    unit: Unit


class UnitPrice(Model):
    """US dollars for one unit; free units have no price."""

    usd: _Positive
    unit: Unit


class PriceKey(NamedTuple):
    """Key of a row; of two rows with the same key, that of the later file counts."""

    provider: str
    operation: Charged
    plan: str


class Price(Model):
    """One row; the head of the shipped file explains the fields.

    A row that could never give a price is refused, unless it says that it is ``unknown``.
    """

    provider: _Provider
    operation: Annotated[Charged, BeforeValidator(_charged)]
    plan: _Name
    variant: _Text = ""
    unknown: bool = False
    usd_per_month: _NotNegative | None = None
    included: Amount | None = None
    limit: Amount | None = None
    credits_per: Amount | None = None
    unit_price: UnitPrice | None = None
    derived: bool = False
    settings: tuple[_Name, ...] = ()
    step_seconds: Annotated[int, Field(gt=0, le=_MOST)] | None = None
    one_off_usd: _NotNegative | None = None
    api: bool | None = None
    as_of: Annotated[str, Field(pattern=f"^{_DAY}$"), AfterValidator(_exists)] | None = None
    latency: _Text = ""
    discontinued: date | None = None
    fallback: bool = False  #: counts only without another row of the provider and operation
    source: _Name
    note: _Text = ""

    @model_validator(mode="after")
    def _counts_one_thing(self) -> Self:
        held, beyond = self.included, None if self.derived else self.unit_price
        if held and beyond and held.unit != beyond.unit:
            raise ValueError("what is included and what is charged must count the same unit")
        return self

    @model_validator(mode="after")
    def _gives_a_price(self) -> Self:
        if self.unknown or self.discontinued:
            return self
        if self.usd_per_month is None:
            raise ValueError(
                "usd_per_month is missing; write 0 where no subscription is needed, or "
                "unknown = true where the price is not known"
            )
        if self.included is None and self.unit_price is None and self.one_off_usd is None:
            raise ValueError(
                "included, unit_price and one_off_usd are missing; write one_off_usd = 0 where "
                "nothing is charged beyond the subscription, or unknown = true where that is not "
                "known"
            )
        return self

    @property
    def key(self) -> PriceKey:
        """Key of the row."""
        return PriceKey(self.provider, self.operation, self.plan)

    @property
    def dated(self) -> str:
        """Date of reading: a month, a day, or "undated"."""
        return self.as_of or "undated"

    def age_on(self, today: date) -> str:
        """Age of the row in whole months: "2 months old", or "undated"."""
        if self.as_of is None:
            return "undated"
        year, month = (int(part) for part in self.as_of.split("-")[:2])
        months = (today.year - year) * 12 + today.month - month
        return f"{months} month{'' if months == 1 else 's'} old" if months > 0 else "this month"


class Prices(Sequence[Price]):
    """Rows to compute with; a later row replaces an earlier one of the same key."""

    def __init__(self, *groups: Iterable[Price]) -> None:
        found: dict[PriceKey, Price] = {}
        for price in chain.from_iterable(groups):
            if not isinstance(cast("object", price), Price):
                raise ConfigError("Prices are made of Price: Prices([Price(...)])")
            found[price.key] = price
        real = {(p.provider, p.operation) for p in found.values() if not p.fallback}
        self._rows = tuple(
            p for p in found.values() if not (p.fallback and (p.provider, p.operation) in real)
        )
        self._bought: dict[tuple[str, Charged], list[Price]] = {}
        for price in self._rows:
            if price.discontinued is None and price.api is not False:
                self._bought.setdefault((price.provider, price.operation), []).append(price)

    @classmethod
    def load(
        cls,
        *,
        plugins: Iterable[object] = (),
        file: str | Path | None = None,
        own: Iterable[Price] = (),
    ) -> Self:
        """The shipped rows, then those of providers (or classes), of a file, and ``own`` ones."""
        theirs = [price for plugin in plugins for price in brought(plugin)]
        return cls(shipped(), theirs, () if file is None else read(Path(file)), own)

    @overload
    def __getitem__(self, index: int) -> Price: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Price]: ...

    def __getitem__(self, index: int | slice) -> Price | Sequence[Price]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, provider: str, operation: Charged) -> list[Price]:
        """Rows that can be bought today over an API."""
        return list(self._bought.get((provider, operation), ()))

    def knows(self, provider: str) -> bool:
        """True if there is any row about the provider, other than a fallback."""
        return any(price.provider == provider and not price.fallback for price in self._rows)

    def discontinued(self) -> dict[str, date]:
        """Closed providers, with the date."""
        return {p.provider: p.discontinued for p in self._rows if p.discontinued is not None}


@cache
def shipped() -> tuple[Price, ...]:
    """The rows that come with avatarkit, in the order of their file."""
    text = (files("avatarkit") / "data" / "prices.toml").read_text("utf-8")
    return parse(text, "prices.toml")


def read(path: Path) -> tuple[Price, ...]:
    """The rows of a price file; raises ``ConfigError`` that names the line of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"price file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"price file {path} is not UTF-8: {error.reason}") from None
    except ValueError:
        raise ConfigError(f"price file {str(path)!r}: no file can be called that") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> tuple[Price, ...]:
    """Parse rows; ``name`` is the file name in error messages."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:  # its message ends with line and column, but at an end
        end = f"at line {max(len(text.splitlines()), 1)}, its last"
        said = str(error).replace("at end of document", end)
        raise ConfigError(f"price file {name} is no TOML: {said}") from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, deep nesting
        raise ConfigError(f"price file {name} cannot be read: {type(error).__name__}") from None
    rows = cast("list[dict[str, Any]]", document.pop("price", []))
    if document or type(rows) is not list or not all(type(row) is dict for row in rows):
        raise ConfigError(f"price file {name} must hold rows that begin with [[price]], no more")
    places = _Places(text, name, len(rows))
    found: dict[PriceKey, int] = {}
    prices: list[Price] = []
    for index, row in enumerate(rows):
        price = _row(row, index, places)
        if (first := found.setdefault(price.key, index)) != index:
            raise ConfigError(
                f"{places.of(index)}: {price.provider}, {price.operation}, {price.plan!r} stands "
                f"there a second time, after {places.of(first)}: keep one of them"
            )
        prices.append(price)
    return tuple(prices)


def _row(row: Mapping[str, Any], index: int, places: _Places) -> Price:
    try:
        return Price.model_validate(row)
    except ValidationError as error:
        # A field that is not known is often the misspelled one that is missing.
        wrong = min(error.errors(), key=lambda one: one["type"] == "missing")
        path = [str(part) for part in wrong["loc"]]
        said = [
            places.of(index, *path[:1]),
            *([".".join(path)] if path else []),
            wrong["msg"].removeprefix("Value error, "),
        ]
        given = "" if isinstance(wrong["input"], dict) else f", and is {_said(wrong['input'])}"
        advice = _ADVICE.get(wrong["type"], "")
        raise ConfigError(": ".join(said) + given + advice) from None


def _said(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)[:100]


_ADVICE: Mapping[str, str] = {
    "greater_than": "; leave out what is unknown, and say one_off_usd = 0 where nothing is charged",
    "greater_than_equal": "; leave out what is unknown",
}


class _Places:
    """Line numbers of the rows of a price file."""

    def __init__(self, text: str, name: str, rows: int) -> None:
        self._name = name
        self._lines = text.splitlines()
        starts = [n for n, line in enumerate(self._lines, 1) if _HEADER.match(line)]
        #: one a row, else the rows are written in another way and are counted only
        self._starts = starts if len(starts) == rows else []

    def of(self, index: int, field: str | None = None) -> str:
        """The line of a row, or of one of its fields, as words."""
        if not self._starts:
            return f"price file {self._name}, row {index + 1}"
        start = self._starts[index]
        end = [*self._starts, len(self._lines) + 1][index + 1]
        key = re.compile(rf"\s*{re.escape(field)}\s*[.=]") if field else _HEADER
        lines = range(start, end)
        line = next((n for n in lines if key.match(self._lines[n - 1])), start)
        return f"price file {self._name}, line {line}"


def brought(plugin: object) -> Iterator[Price]:
    """The rows of a provider or its class; raises ``ConfigError`` for a row about another one."""
    name = getattr(plugin, "name", "") or getattr(plugin, "__name__", "")
    prices: object = getattr(plugin, "prices", ())
    for price in cast("Iterable[object]", prices) if isinstance(prices, Iterable) else (prices,):
        if not isinstance(price, Price) or price.provider != name:
            raise ConfigError(
                f"provider {name!r}: its prices must be avatarkit.pricing.Price of {name!r} itself"
            )
        yield price
