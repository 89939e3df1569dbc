"""Quotes: the low, expected and high cost of a stack's work, with assumptions and unknowns.

A provider's part is one account: it holds the most expensive subscription that one of its rows
demands.
A media store is an account too. A stack costs the sum of its accounts' parts. Low is the cheapest
of all variants (engines, or readings of a vendor's page), high the most expensive, expected the
first of them in the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import product
from math import ceil
from types import MappingProxyType
from typing import Protocol, Self

from ..errors import ConfigError
from ..models import Operation, VideoSettings
from .money import exactly, shown
from .rows import Amount, Charged, Hosting, Price, Prices, Unit

_ZERO = Decimal(0)
_MINUTE = Decimal(60)


def require_stack(stack: object) -> None:
    """Raise ``ConfigError`` for what has no name and roles, such as the bare name of a stack."""
    if not isinstance(getattr(stack, "roles", None), Mapping):
        raise ConfigError(
            f"stack is a value of type {type(stack).__name__}: pass Stack.parse('heygen'), or use "
            "kit.prices, which takes names"
        )


def _require_type(name: str, value: object, kind: type, wanted: str) -> None:
    if not isinstance(value, kind | None):
        raise ConfigError(f"{name} is a value of type {type(value).__name__}: pass {wanted}")


class Scenario(StrEnum):
    """Low, expected or high cost scenario."""

    LOW = "low"
    EXPECTED = "expected"
    HIGH = "high"


#: Characters of English speech in a minute: a rule of thumb, and a fifth to either side.
_PACE: Mapping[Scenario, int] = MappingProxyType(
    {Scenario.LOW: 800, Scenario.EXPECTED: 1000, Scenario.HIGH: 1200}
)
#: The same pace, where the text is given and its length is asked for: who speaks fast is cheap.
_LENGTH_PACE: Mapping[Scenario, int] = MappingProxyType(
    {Scenario.LOW: 1200, Scenario.EXPECTED: 1000, Scenario.HIGH: 800}
)
#: Bytes of UTF-8 a character, where the text is not known.
_BYTES: Mapping[Scenario, int] = MappingProxyType(
    {Scenario.LOW: 1, Scenario.EXPECTED: 1, Scenario.HIGH: 4}
)

#: Gigabytes of the recordings of one training, such as two minutes filmed with a phone: a guess.
_RECORDINGS: Mapping[Scenario, Decimal] = MappingProxyType(
    {Scenario.LOW: Decimal("0.05"), Scenario.EXPECTED: Decimal("0.25"), Scenario.HIGH: Decimal(1)}
)
#: Megabits a second of a finished video: usual rates of 720p, 1080p, and 1080p at its best.
_RATE: Mapping[Scenario, int] = MappingProxyType(
    {Scenario.LOW: 2, Scenario.EXPECTED: 5, Scenario.HIGH: 10}
)


class Stacked(Protocol):
    """Anything with a name and roles, such as ``registry.Stack``."""

    @property
    def name(self) -> str:
        """The name in quotes."""
        ...

    @property
    def roles(self) -> Mapping[Operation, str]:
        """Provider of each operation."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A month's work: trainings, and videos or dubs of so many ``seconds`` or of one ``script``.

    ``store`` names the media store by its price rows: ``s3``, ``supabase``, ``folder``.

    Raises ``ConfigError`` for counts below zero, or a length that is none.
    """

    trainings: int = 1
    videos: int = 1
    dubs: int = 0
    seconds: Decimal | None = None  #: of each video; a minute where no script is given
    script: str | None = None  #: of each video
    settings: VideoSettings = field(default_factory=VideoSettings)  #: of each video
    store: str | None = None  #: None: its cost is not counted

    def __post_init__(self) -> None:
        for name in ("trainings", "videos", "dubs"):
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigError(f"{name} must be a whole number from 0 on")
            if value < 0:
                raise ConfigError(f"{name} must be 0 or more, and is {value}")
        _require_type("script", self.script, str, "a text")
        _require_type("settings", self.settings, VideoSettings, "VideoSettings(...)")
        _require_type("store", self.store, str, "the name of a media store")
        _require_type("seconds", self.seconds, Decimal, "a Decimal")
        if self.seconds is not None and self.script is not None:
            raise ConfigError("give either a script or seconds")
        if self.seconds is not None and not (self.seconds.is_finite() and self.seconds > 0):
            raise ConfigError(f"seconds must be more than 0, and is {self.seconds}")
        if self.script is not None and not self.script.strip():
            raise ConfigError("the script is empty")

    def length(self, scenario: Scenario = Scenario.EXPECTED) -> Decimal:
        """Seconds of one video."""
        if self.script is None:
            return self.seconds or _MINUTE
        return len(self.script) * _MINUTE / _LENGTH_PACE[scenario]

    def characters(self, scenario: Scenario) -> Decimal:
        """Characters that are spoken in one video."""
        if self.script is not None:
            return Decimal(len(self.script))
        return self.length() * _PACE[scenario] / _MINUTE

    def gigabytes(self, scenario: Scenario = Scenario.EXPECTED) -> Decimal:
        """Gigabytes that the month adds to the media store: recordings and results."""
        films = self.videos + 2 * self.dubs  # a dub has a source and a result
        megabits = films * self.length(scenario) * _RATE[scenario]
        return self.trainings * _RECORDINGS[scenario] + megabits / 8000

    @property
    def minutes(self) -> Decimal:
        """Minutes of video in the month, as expected."""
        return self.videos * self.length() / _MINUTE

    def scaled(self, videos: int) -> Self:
        """The same mixture with so many videos, or trainings where there are none."""
        if not self.videos:
            return replace(self, trainings=videos)
        share = Decimal(videos) / self.videos
        return replace(
            self,
            videos=videos,
            trainings=ceil(self.trainings * share),
            dubs=ceil(self.dubs * share),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The usage of an operation: a count, and seconds, characters and bytes of each."""

    count: int
    seconds: Decimal | None = None
    characters: Decimal | None = None
    utf8: Decimal | None = None
    credits: Decimal | None = None  #: of all, where a vendor has told them
    gigabytes: Decimal | None = None  #: of all
    settings: frozenset[str] = frozenset()  #: such as "quality=draft"

    def total(self, each: Decimal | None, per: int = 1) -> Decimal | None:
        """All of them, in steps of ``per``."""
        return None if each is None else self.count * each / per


def usages(
    roles: Mapping[Operation, str], workload: Workload, scenario: Scenario, *, apart: bool = False
) -> dict[Operation, Usage]:
    """The usage of each operation of the stack.

    Speech counts where another provider's avatar is moved by it; else it is part of the video,
    unless it is told to be ``apart``.
    """
    seconds, characters = workload.length(scenario), workload.characters(scenario)
    utf8 = (
        characters * _BYTES[scenario]
        if workload.script is None
        else Decimal(len(workload.script.encode()))
    )
    spoken = Usage(count=workload.videos, seconds=seconds, characters=characters, utf8=utf8)
    all_of_them = {
        Operation.VOICE: Usage(count=workload.trainings),
        Operation.AVATAR: Usage(count=workload.trainings),
        Operation.SPEECH: spoken,
        Operation.VIDEO: Usage(count=workload.videos, seconds=seconds),
    }
    if workload.dubs:
        all_of_them[Operation.DUB] = Usage(count=workload.dubs, seconds=seconds)
    apart = apart or roles.get(Operation.SPEECH) != roles.get(Operation.VIDEO)
    asked = workload.settings.by_operation(all_of_them)
    return {
        operation: replace(usage, settings=words(asked[operation]))
        for operation, usage in all_of_them.items()
        if operation in roles and (operation is not Operation.SPEECH or apart)
    }


def words(asked: Mapping[str, object]) -> frozenset[str]:
    """Settings, or options, as price rows name them: "quality=draft", "test=true"."""
    return frozenset(f"{name}={value}".lower() for name, value in asked.items())


def _measured(price: Price, unit: Unit, usage: Usage) -> Decimal | None:
    """The usage in a unit; None if it cannot be converted."""
    if unit is Unit.CREDIT:
        if usage.credits is not None or price.credits_per is None:
            return usage.credits
        found = _measured(price, price.credits_per.unit, usage)
        return None if found is None else found * price.credits_per.amount
    if unit is Unit.VIDEO_MINUTE and usage.seconds and price.step_seconds:
        steps = ceil(usage.seconds / price.step_seconds)
        return Decimal(usage.count * steps * price.step_seconds) / 60
    amounts = {
        Unit.VIDEO_MINUTE: usage.total(usage.seconds, 60),
        Unit.AUDIO_MINUTE: usage.total(usage.seconds, 60),
        Unit.CHARACTER: usage.total(usage.characters),
        Unit.KILO_CHARACTERS: usage.total(usage.characters, 1000),
        Unit.MEGABYTE_OF_TEXT: usage.total(usage.utf8, 1_000_000),
        Unit.VOICE: Decimal(usage.count),
        Unit.AVATAR: Decimal(usage.count),
        Unit.GIGABYTE: usage.gigabytes,
        Unit.GIGABYTE_MONTH: usage.gigabytes,
    }
    return amounts.get(unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One operation at one provider; with a ``problem`` its price is unknown."""

    operation: Charged
    provider: str
    price: Price | None = None
    quantity: Decimal = _ZERO
    unit: Unit | None = None  #: of the quantity; None: times
    charge: Decimal = _ZERO  #: beyond what the subscription includes
    share: Decimal = _ZERO  #: of the subscription's price, for what is used of it
    problem: str | None = None

    @property
    def beyond_all(self) -> bool:
        """True if plans are known, and all are too small."""
        return self.problem is not None and self.unit is not None


@dataclass(frozen=True)
class Part:
    """The cost of one provider in a month."""

    provider: str
    lines: tuple[Line, ...]

    @cached_property
    def plan(self) -> Price | None:
        """The row of the subscription that is held, if any is needed."""
        rows = [line.price for line in self.lines if line.price and line.price.usd_per_month]
        return max(rows, key=lambda row: (_monthly(row), row.included is not None), default=None)

    @cached_property
    def estimate(self) -> Estimate:
        """The sum."""
        charges = sum((line.charge for line in self.lines), _ZERO)
        return Estimate(
            plans=_monthly(self.plan),
            charges=charges,
            used=charges + sum((line.share for line in self.lines), _ZERO),
            unknown=tuple(line.problem for line in self.lines if line.problem),
        )


def _monthly(price: Price | None) -> Decimal:
    return (price.usd_per_month if price else None) or _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """US dollars in a month, as far as they are known."""

    plans: Decimal = _ZERO  #: subscriptions
    charges: Decimal = _ZERO  #: beyond what they include
    used: Decimal = _ZERO  #: charges, and the part of the subscriptions that the work uses up
    unknown: tuple[str, ...] = ()  #: what is missing in it

    @property
    def known(self) -> Decimal:
        """Subscriptions and charges that are known: the total is at least this."""
        return self.plans + self.charges

    @property
    def total(self) -> Decimal | None:
        """The total cost; None if a part is unknown."""
        return None if self.unknown else self.known

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            plans=self.plans + other.plans,
            charges=self.charges + other.charges,
            used=self.used + other.used,
            unknown=self.unknown + other.unknown,
        )

    def __str__(self) -> str:
        if not self.unknown:
            return shown(self.known)
        return f"at least {shown(self.known)}" if self.known else "unknown"


#: provider -> names of plans or variants: only they count for it, where they have to do with it
Choice = Mapping[str, Collection[str]]


def part(
    prices: Prices,
    provider: str,
    work: Mapping[Charged, Usage],
    choose: Choice = MappingProxyType({}),
) -> Part:
    """The provider's part on the cheapest plans that fit, in the variants that are expected."""
    return next(every_variant(prices, provider, work, choose))


def _bound(parts: Iterable[Part], scenario: Scenario) -> Estimate:
    """The estimate over all variants for a scenario."""
    found = [part.estimate for part in parts]
    if scenario is Scenario.EXPECTED:
        return found[0]
    if scenario is Scenario.LOW:
        return min(found, key=lambda one: (bool(one.unknown), one.known))
    # Whatever an unknown variant costs, the most expensive one costs at least as much.
    unknown = max((one.unknown for one in found), key=len)
    return replace(max(found, key=lambda one: one.known), unknown=unknown)


def every_variant(
    prices: Prices, provider: str, work: Mapping[Charged, Usage], choose: Choice
) -> Iterator[Part]:
    """The cheapest part for every variant of everything; the expected one is the first."""
    wanted = choose.get(provider, ())
    ways = [_ways(prices, provider, o, usage, wanted) for o, usage in work.items()]
    return (_cheapest(provider, variants) for variants in product(*ways))


def _cheapest(provider: str, variants: Sequence[Sequence[Line]]) -> Part:
    parts = (Part(provider, lines) for lines in product(*variants))
    # Where two cost the same, the one whose plan is named: the other is held within it.
    return min(parts, key=lambda p: (p.estimate.known, -sum(_monthly(x.price) for x in p.lines)))


def _ways(
    prices: Prices, provider: str, operation: Charged, usage: Usage, wanted: Collection[str]
) -> list[list[Line]]:
    """For each variant, the lines of which one is needed: one for each plan that fits."""
    rows = _fitting(prices.of(provider, operation), usage.settings)
    rows = [row for row in rows if {row.plan, row.variant} & set(wanted)] or rows
    variants = list(dict.fromkeys(row.variant for row in rows if row.variant)) or [""]
    ways: list[list[Line]] = []
    for variant in variants:
        lines = [_line(row, usage) for row in rows if row.variant in ("", variant)]
        fitting = [line for line in lines if line.problem is None]
        ways.append(fitting or [_problem(provider, operation, usage, lines)])
    return ways


def _fitting(rows: Sequence[Price], asked: frozenset[str]) -> list[Price]:
    """The rows with the most of the settings that are asked for.

    If there is none, all rows but those that name settings and no variant, such as a test mode.
    """
    named = {row.key: len(asked.intersection(row.settings)) for row in rows}
    most = max(named.values(), default=0)
    if not most:
        return [row for row in rows if row.variant or not row.settings]
    return [row for row in rows if named[row.key] == most]


def _over_limit(price: Price, usage: Usage) -> Amount | None:
    """The quantity that is wanted, if it is more than the plan holds."""
    if price.limit is None:
        return None
    wanted = _measured(price, price.limit.unit, usage)
    over = wanted is not None and wanted > price.limit.amount
    return Amount(amount=wanted, unit=price.limit.unit) if over and wanted else None


def _each(line: Line, price: Price, usage: Usage) -> Line:
    """Apply a price for each, which does not depend on a quantity."""
    if price.one_off_usd is None:
        return replace(line, problem=_UNKNOWN)
    return replace(line, quantity=Decimal(usage.count), charge=price.one_off_usd * usage.count)


def _line(price: Price, usage: Usage) -> Line:
    """Apply a price row to a usage; ``problem`` says why it does not apply."""
    line = Line(operation=price.operation, provider=price.provider, price=price)
    if price.usd_per_month is None:
        return replace(line, problem=_UNKNOWN)
    if too_many := _over_limit(price, usage):
        return replace(line, quantity=too_many.amount, unit=too_many.unit, problem=_TOO_SMALL)
    if price.unit_price and not price.derived:
        unit, held = price.unit_price.unit, price.included.amount if price.included else _ZERO
    elif price.included:
        unit, held = price.included.unit, price.included.amount
    else:
        return _each(line, price, usage)
    quantity = _measured(price, unit, usage)
    if quantity is None:
        return replace(line, problem=_UNKNOWN)
    line = replace(line, quantity=quantity, unit=unit)
    beyond = max(quantity - held, _ZERO)
    if beyond and (price.unit_price is None or price.derived):
        return replace(line, problem=_TOO_SMALL)
    return replace(
        line,
        charge=beyond * price.unit_price.usd if beyond and price.unit_price else _ZERO,
        share=price.usd_per_month * (quantity - beyond) / held if held else _ZERO,
    )


_UNKNOWN = "unknown"
_TOO_SMALL = "too small"


def _problem(provider: str, operation: Charged, usage: Usage, lines: Iterable[Line]) -> Line:
    """A placeholder line explaining why no price applies; no problem for a usage of zero."""
    small = [line for line in lines if line.problem == _TOO_SMALL and line.price]
    if not usage.count:
        return Line(operation=operation, provider=provider)
    if not small:
        what = f"what {provider} takes for {_NOUNS[operation]} is not known"
        return Line(operation=operation, provider=provider, problem=what)
    largest = max(small, key=lambda line: _held(line.price))
    what = (
        f"no plan of {provider} of known price holds {amount(largest.quantity, largest.unit)} "
        f"(the largest, {largest.price and largest.price.plan}: {_held(largest.price):,})"
    )
    return replace(largest, problem=what, price=None)


def _held(price: Price | None) -> Decimal:
    holds = price and (price.limit or price.included)
    return holds.amount if holds else _ZERO


_NOUNS: Mapping[Charged, str] = MappingProxyType(
    {
        Operation.VOICE: "cloning a voice",
        Operation.AVATAR: "training an avatar",
        Operation.SPEECH: "speech",
        Operation.VIDEO: "a video file",
        Operation.DUB: "dubbing",
        Hosting.STORAGE: "storage",
        Hosting.EGRESS: "egress",
    }
)
_UNIT_WORDS: Mapping[Unit | None, str] = MappingProxyType(
    {
        Unit.VIDEO_MINUTE: "video minutes",
        Unit.REALTIME_MINUTE: "live minutes",
        Unit.AUDIO_MINUTE: "audio minutes",
        Unit.KILO_CHARACTERS: "thousand characters",
        Unit.CHARACTER: "characters",
        Unit.MEGABYTE_OF_TEXT: "megabytes of text",
        Unit.WORD: "words",
        Unit.CREDIT: "credits",
        Unit.VOICE: "voices",
        Unit.AVATAR: "avatars",
        Unit.GPU_HOUR: "GPU hours",
        Unit.GIGABYTE: "gigabytes",
        Unit.GIGABYTE_MONTH: "gigabyte-months",
        None: "x",
    }
)


def amount(quantity: Decimal, unit: Unit | None) -> str:
    """A quantity in words, such as "12.5 video minutes"."""
    rounded = quantity.quantize(Decimal("0.01")).normalize()
    return f"{rounded:,f} {_UNIT_WORDS[unit]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The cost of a month's work on a stack; parts and lines are those of ``expected``."""

    stack: str
    workload: Workload
    low: Estimate
    expected: Estimate
    high: Estimate
    parts: tuple[Part, ...]
    assumptions: tuple[str, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every operation."""
        return tuple(line for part in self.parts for line in part.lines)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The unknown parts of ``expected``."""
        return self.expected.unknown

    @property
    def oldest(self) -> Price | None:
        """The oldest price row used; undated rows count as oldest."""
        rows = [line.price for line in self.lines if line.price]
        return min(rows, key=lambda row: row.as_of or "", default=None)

    @property
    def read(self) -> str:
        """Date of the oldest row."""
        return self.oldest.dated if self.oldest else "no row"


def quote(
    stack: Stacked,
    *,
    script: str | None = None,
    seconds: str | float | Decimal | None = None,
    trainings: int = 1,
    videos_per_month: int = 1,
    dubs_per_month: int = 0,
    settings: VideoSettings | None = None,
    store: str | None = None,
    prices: Prices | None = None,
    choose: Choice = MappingProxyType({}),
) -> Quote:
    """Quote a month of trainings and videos on a stack from the price rows.

    Each video says ``script`` or takes so many ``seconds``; a minute where neither is given.
    ``settings`` are those of each video: a quality, a resolution or a test has prices of its own.
    ``store`` names the media store whose storage and egress are counted.
    ``choose`` names plans or variants that a provider's rows are narrowed to, such as the plan that
    you have. Raises ``ConfigError`` where a number is none, or no row has such a plan or variant.
    """
    workload = Workload(
        trainings=trainings,
        videos=videos_per_month,
        dubs=dubs_per_month,
        seconds=None if seconds is None else Decimal(str(seconds)),
        script=script,
        settings=VideoSettings() if settings is None else settings,
        store=store,
    )
    return quoted(stack, workload, Prices.load() if prices is None else prices, choose)


def quoted(
    stack: Stacked, workload: Workload, prices: Prices, choose: Choice = MappingProxyType({})
) -> Quote:
    """``quote`` of a workload."""
    require_stack(stack)
    check_choice(choose, prices)
    sums: dict[Scenario, Estimate] = {}
    for scenario in Scenario:
        work = accounts(stack.roles, workload, scenario)
        bounds = (
            _bound(every_variant(prices, name, own, choose), scenario) for name, own in work.items()
        )
        sums[scenario] = sum(bounds, Estimate())
    expected = parts(stack.roles, workload, prices, choose)
    return Quote(
        stack=stack.name,
        workload=workload,
        low=sums[Scenario.LOW],
        expected=sums[Scenario.EXPECTED],
        high=sums[Scenario.HIGH],
        parts=expected,
        assumptions=tuple(_assumptions(stack, workload, expected, prices)),
    )


def parts(
    roles: Mapping[Operation, str],
    workload: Workload,
    prices: Prices,
    choose: Choice = MappingProxyType({}),
) -> tuple[Part, ...]:
    """Each provider's part of a stack, and its media store's, as expected."""
    work = accounts(roles, workload, Scenario.EXPECTED)
    return tuple(part(prices, name, own, choose) for name, own in work.items())


def accounts(
    roles: Mapping[Operation, str], workload: Workload, scenario: Scenario, *, apart: bool = False
) -> dict[str, dict[Charged, Usage]]:
    """The usage of each account; with ``apart``, speech counts even beside its own videos."""
    found: dict[str, dict[Charged, Usage]] = {}
    for operation, usage in usages(roles, workload, scenario, apart=apart).items():
        found.setdefault(roles[operation], {})[operation] = usage
    if workload.store is not None:
        gigabytes = workload.gigabytes(scenario)
        kept = Usage(count=int(gigabytes > 0), gigabytes=gigabytes)
        found.setdefault(workload.store, {}).update(dict.fromkeys(Hosting, kept))
    return found


def check_choice(choose: Choice, prices: Iterable[Price]) -> None:
    """Raise ``ConfigError`` if a provider has no row of a chosen plan or variant."""
    known: dict[str, set[str]] = {}
    for row in prices:
        known.setdefault(row.provider, set()).update(n for n in (row.plan, row.variant) if n)
    for provider, names in choose.items():
        has = known.get(provider, set())
        for name in names:
            if name not in has:
                listed = "; ".join(sorted(has)) or "no rows at all"
                raise ConfigError(f"{provider} has no plan or variant {name!r}; it has: {listed}")


def _assumptions(
    stack: Stacked, workload: Workload, expected: Sequence[Part], prices: Prices
) -> Iterable[str]:
    yield "list prices for monthly billing, in US dollars, without taxes"
    yield "nothing fails, and nothing is made twice"
    if workload.videos or workload.dubs:
        yield _length(workload)
    yield _hosting(workload)
    if workload.trainings and Operation.AVATAR not in stack.roles:
        yield f"{stack.name} trains no avatars: they exist there already"
    if asked := words(workload.settings.asked()):
        yield from _settings(stack, asked, prices)
    for found in expected:
        if found.plan is not None:
            yield (
                f"{found.provider}: one account on {found.plan.plan} at "
                f"{shown(_monthly(found.plan))} a month, used for nothing else"
            )
        for line in found.lines:
            if line.price is not None:
                yield from _line_assumptions(line, line.price, prices, asked)


def _hosting(workload: Workload) -> str:
    if workload.store is None:
        return "the media store is not counted: name it to count storage and egress"
    return (
        f"{workload.store}: {amount(workload.gigabytes(), Unit.GIGABYTE)} of recordings and "
        f"results ({1000 * _RECORDINGS[Scenario.EXPECTED]:.0f} MB for each training, "
        f"{_RATE[Scenario.EXPECTED]} Mbit/s of video), kept for a month and sent out once; files "
        "of earlier months are not counted"
    )


def _length(workload: Workload) -> str:
    pace = (
        f"{_PACE[Scenario.EXPECTED]:,} characters of speech a minute "
        f"({_PACE[Scenario.EXPECTED] / 60:.1f} a second; from {_PACE[Scenario.LOW]} to "
        f"{_PACE[Scenario.HIGH]:,})"
    )
    if workload.script is None:
        return f"each video takes {workload.length():f} s; {pace}"
    return f"{pace}, so that the script takes {workload.length():.1f} s"


def _settings(stack: Stacked, asked: frozenset[str], prices: Prices) -> Iterable[str]:
    rows = [row for o, name in stack.roles.items() for row in prices.of(name, o)]
    priced = asked.intersection(*[{s for row in rows for s in row.settings}])
    said = {"have prices of their own": priced, "are taken to cost nothing more": asked - priced}
    for how, words in said.items():
        if words:
            yield f"settings that {how}: {', '.join(sorted(words))}"


def _line_assumptions(
    line: Line, price: Price, prices: Prices, asked: frozenset[str]
) -> Iterable[str]:
    what = f"{line.provider} {line.operation}"
    rows = _fitting(prices.of(line.provider, line.operation), asked)
    others = sorted({row.variant for row in rows if row.variant} - {price.variant})
    if price.variant and others:
        yield f"{what}: {price.variant}; low and high also look at: {', '.join(others)}"
    if price.step_seconds and line.quantity:
        yield f"{what}: each video is rounded up to {price.step_seconds} s"
    if price.included and line.quantity:
        beyond = max(line.quantity - price.included.amount, _ZERO)
        yield f"{what}: {amount(line.quantity, line.unit)} of {price.included.amount:,}" + (
            f", of which {beyond:,f} beyond at {exactly(price.unit_price.usd)} each"
            if beyond and price.unit_price
            else ""
        )
    if price.api is None:
        yield f"{what}: that {price.plan} comes with an API is not known"
