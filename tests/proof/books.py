"""Counts what the vendor was paid for, by the vendor's own ledger, against what rows know."""

from __future__ import annotations

import collections
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from processes import Run


@dataclass
class End:
    """What a row says in the end."""

    completed: bool
    tokens: list[str]  #: of the voice and of the avatar
    known: set[str] = field(default_factory=set)  #: the vendor's ids
    absent: int = 0  #: attempts that were proved not to have been accepted


@dataclass
class Books:
    """What the vendor's ledger and the rows say in the end."""

    completed: int = 0
    trainings: int = 0
    absent: int = 0
    paid: dict[str, list[dict]] = field(default_factory=dict)  #: by token
    tokens: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)  #: jobs that no row knows
    charges: list[dict] = field(default_factory=list)

    async def fill(self, run: Run, count: int, end: Callable[[int], Awaitable[End]]) -> None:
        """Take the ledger, and the end of each of ``count`` trainings."""
        self.trainings, self.charges = count, await run.ledger()
        paid = collections.defaultdict(list)
        for charge in self.charges:
            paid[charge["token"]].append(charge)
        self.paid = dict(paid)
        known: set[str] = set()
        for number in range(count):
            row = await end(number)
            self.completed += row.completed
            self.absent += row.absent
            self.tokens += row.tokens
            known |= row.known
        self.orphans = [
            f"{c['id']} ({c['token']})"
            for c in self.charges
            if c["id"] not in known and not c["deleted"]
        ]

    @property
    def open(self) -> int:
        return self.trainings - self.completed

    @property
    def once(self) -> int:
        return sum(len(self.paid.get(token, ())) == 1 for token in self.tokens)

    @property
    def more(self) -> int:
        return sum(len(charges) > 1 for charges in self.paid.values())

    @property
    def never(self) -> int:
        return sum(token not in self.paid for token in self.tokens)

    @property
    def unanswered(self) -> int:
        return sum(not charge["answered"] for charge in self.charges)

    @property
    def violations(self) -> list[str]:
        """What must not be, in words."""
        found = {
            f"{self.open} trainings not completed": self.open > 0,
            f"{self.more} operations paid more than once": self.more > 0,
            f"{self.never} operations never accepted": self.never > 0,
            f"{len(self.orphans)} orphans at the vendor: {self.orphans[:20]}": bool(self.orphans),
        }
        return [words for words, violated in found.items() if violated]

    def counts(self) -> dict[str, object]:
        """The report, for programs."""
        return {
            "trainings": self.trainings,
            "completed": self.completed,
            "operations": len(self.tokens),
            "once": self.once,
            "more": self.more,
            "never": self.never,
            "absent": self.absent,
            "orphans": self.orphans,
        }
