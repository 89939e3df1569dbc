"""The tables of this project's brief, beside what the rows compute today.

They are older than the rows and undated, nobody has verified them, and nothing is computed from
them. The stars are the brief's opinion; quality is rated nowhere else in avatarkit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..models import Operation
from .quotes import Quote, Workload, quoted
from .rows import Prices

__all__ = [
    "PER_AVATAR",
    "RECOMMENDED_STACK",
    "SERVICES",
    "STACKS",
    "Option",
    "Range",
    "Service",
    "said_today",
    "today",
]

_VOICE = (Operation.VOICE, Operation.SPEECH)
_VIDEO = (Operation.AVATAR, Operation.VIDEO)


@dataclass(frozen=True, slots=True)
class Service:
    """One row of the brief's two tables of services."""

    name: str
    provider: str
    does: tuple[Operation, ...]  #: what is quoted beside it
    stars: int  #: of five: quality of voices, realism of videos
    latency: str
    cost: str
    api: str
    recommended: str = ""

    @property
    def roles(self) -> Mapping[Operation, str]:
        """As a stack of its own."""
        return dict.fromkeys(self.does, self.provider)


@dataclass(frozen=True, slots=True)
class Option:
    """One of the brief's three stacks."""

    name: str
    providers: str
    roles: Mapping[Operation, str]
    pros: tuple[str, ...]
    cons: tuple[str, ...]
    cost: str


@dataclass(frozen=True, slots=True)
class Range:
    """One line of the brief's cost of creating a user's avatar."""

    name: str
    cost: str
    roles: Mapping[Operation, str] | None = None  #: None: nothing is computed
    instead: str = ""  #: what is said then


SERVICES = (
    Service(
        *("ElevenLabs", "elevenlabs", _VOICE, 5, "3-5 s", "$1 a month (10k characters)", "easy"),
        recommended="voices: best quality, easiest API",
    ),
    Service("Play.ht", "playht", _VOICE, 4, "2-3 s", "$39 a month (500k words)", "easy"),
    Service("Resemble AI", "resemble", _VOICE, 4, "4-6 s", "$0.006 a second", "good"),
    Service("Coqui.ai", "coqui", _VOICE, 3, "5-10 s", "free (self-hosted)", "complex"),
    Service(
        *("HeyGen", "heygen", _VIDEO, 5, "1-3 min", "$24 a month (5 min of video)", "best"),
        recommended="videos: most realistic, good API",
    ),
    Service("D-ID", "d-id", _VIDEO, 4, "30-60 s", "$5.90 a month (5 min of video)", "good"),
    Service(
        *("Synthesia", "synthesia", (Operation.VIDEO,), 5, "2-5 min"),
        *("$30 a month (10 min of video)", "enterprise"),
    ),
    Service("Rask.ai", "rask", (Operation.DUB,), 3, "1-2 min", "$60 a month", "OK"),
)

_ALL = (Operation.VOICE, Operation.AVATAR, Operation.SPEECH, Operation.VIDEO)


def _pair(voice: str, avatar: str) -> Mapping[Operation, str]:
    return MappingProxyType(dict.fromkeys(_VOICE, voice) | dict.fromkeys(_VIDEO, avatar))


_HEYGEN = MappingProxyType(dict.fromkeys(_ALL, "heygen"))
_ELEVENLABS_DID = _pair("elevenlabs", "d-id")

STACKS = (
    Option(
        "HeyGen (easiest, all in one)",
        "heygen",
        _HEYGEN,
        pros=("both voice and avatar", "one API", "best quality"),
        cons=("most expensive",),
        cost="$24-89 a month",
    ),
    Option(
        "ElevenLabs + D-ID (balanced)",
        "elevenlabs+d-id",
        _ELEVENLABS_DID,
        pros=("better pricing", "excellent voice", "good video"),
        cons=("two APIs",),
        cost="$6.90-40 a month",
    ),
    Option(
        "Open source (cheapest)",
        "coqui+local",
        _pair("coqui", "local"),
        pros=("free, but for compute", "full control"),
        cons=("complex to set up", "lower quality"),
        cost="compute",
    ),
)

#: The brief recommends the first of its stacks, and calls the second cheaper.
RECOMMENDED_STACK = STACKS[0].providers

PER_AVATAR = (
    Range("HeyGen", "$0.50-2.00", _HEYGEN),
    Range("D-ID + ElevenLabs", "$0.20-0.80", _ELEVENLABS_DID),
    Range("Storage", "$0.01-0.05", instead="not known: there are no rows of it"),
    Range("Total per avatar", "$0.20-2.00", instead="what the lines above come to"),
)


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    roles: Mapping[Operation, str]


def today(what: Service | Option | Range, prices: Prices) -> Quote | None:
    """What the rows say: a month of one avatar or voice and a minute; of a range, the avatar alone.

    None where there is nothing to compute: a closed service, or no rows.
    """
    if what.roles is None:
        return None
    if prices.discontinued().keys() & set(what.roles.values()):
        return None
    dub = Operation.DUB in what.roles
    work = Workload(
        trainings=0 if dub else 1,
        videos=0 if dub or isinstance(what, Range) else 1,
        dubs=1 if dub else 0,
    )
    return quoted(_Named(what.name, what.roles), work, prices)


def said_today(what: Service | Option | Range, prices: Prices) -> str:
    """``today`` in words, with the month of the oldest row."""
    if isinstance(what, Range) and what.roles is None:
        return what.instead
    found = today(what, prices)
    if found is None:
        return "closed"
    ends = dict.fromkeys(map(str, (found.low, found.expected, found.high)))
    return f"{' / '.join(ends)} (read: {found.read})"
