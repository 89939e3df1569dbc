"""Clock of a database server, measured now and then and extrapolated in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..interfaces import Clock
from ..records import Instant
from . import rows

#: Seconds after which the server is asked for its time again.
_FRESH = 10.0
#: A measurement that took longer than so many seconds is repeated: it is not exact enough.
_SLOW = 1.0
#: Seconds by which two measurements may differ without letting the time go back.
_JITTER = 5.0


class ServerClock:
    """Time of the database server, which this machine's boot clock extrapolates.

    With it, all workers measure intents, due times and leases by one clock. With ``virtual``, for
    tests, ``clock`` is used alone and the server is never asked.
    """

    def __init__(
        self, clock: Clock, ask: Callable[[], Awaitable[float]], *, virtual: bool = False
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._virtual = virtual
        self._asked: Instant | None = None
        self._ahead = 0.0  #: server's time minus this machine's boot time, in seconds
        self._last = 0.0

    @property
    def given(self) -> str | None:
        """Time to pass to the SQL functions, ISO 8601; None lets them use the server's."""
        return rows.iso(self._clock.now().wall) if self._virtual else None

    async def now(self) -> Instant:
        """Return the server's time; its error is at most half the time of a round trip."""
        here = self._clock.now()
        if self._virtual:
            return here
        known = self._asked
        if known is None or known.boot_id != here.boot_id or here.boot - known.boot > _FRESH:
            here = await self._measure()
        wall = here.boot + self._ahead
        self._last = wall if wall < self._last - _JITTER else max(wall, self._last)
        return Instant(wall=self._last)

    async def _measure(self, tries: int = 3) -> Instant:
        before = self._clock.now()
        server = await self._ask()
        after = self._clock.now()
        if tries > 1 and not 0 <= after.boot - before.boot <= _SLOW:
            return await self._measure(tries - 1)
        self._ahead = server - (before.boot + after.boot) / 2
        self._asked = after
        return after
