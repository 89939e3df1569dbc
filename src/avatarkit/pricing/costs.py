"""What vendors said that they took, beside what was to be expected by the rows of today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ..models import Operation
from ..records import LedgerEntry, Record, Video
from .quotes import Choice, Estimate, Scenario, Usage, Workload, part, shared
from .rows import Prices

__all__ = ["Cost", "cost", "usage_of"]

#: What a vendor's word makes of an amount, for one voice, avatar, speech, video or dub.
_SAID: Mapping[str, str] = MappingProxyType(
    {"character": "characters", "credit": "credits", "second": "seconds"}
)
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) (character|credit|second)s?")
_NOTHING = Usage(count=0)


@dataclass(frozen=True, slots=True)
class Cost:
    """One accepted call of the ledger; the estimates' ``used`` is what to compare."""

    entry: LedgerEntry
    recorded: Estimate | None  #: of what the vendor said; None where it said nothing that we read
    quoted: Estimate | None  #: of what was asked for; None where its length is not known


def usage_of(text: str | None) -> Usage | None:
    """What a vendor said it took, such as "312 characters"; None where it is no amount of ours."""
    found = _AMOUNT.fullmatch(text or "")
    return found and Usage(count=1, **{_SAID[found[2]]: Decimal(found[1])})


def cost(
    entry: LedgerEntry,
    record: Record | None,
    prices: Prices,
    choose: Choice = MappingProxyType({}),
) -> Cost:
    """Price an entry twice: by the vendor's word, and by the record's request."""
    entry = _completed(entry, record)
    asked = _asked(entry, record)
    said = usage_of(entry.cost)
    return Cost(
        entry=entry,
        recorded=_priced(entry, said, prices, choose) if said else None,
        quoted=_priced(entry, asked, prices, choose) if asked else None,
    )


def _completed(entry: LedgerEntry, record: Record | None) -> LedgerEntry:
    """The entry with what the vendor said later, when the job was polled."""
    state = record.operation(entry.operation) if record else None
    if entry.cost or state is None or state.job_id != entry.job_id:
        return entry
    return entry.model_copy(update={"cost": state.cost})


def _asked(entry: LedgerEntry, record: Record | None) -> Usage | None:
    roles = {entry.operation: entry.provider}
    if entry.operation in (Operation.VOICE, Operation.AVATAR):
        workload = Workload(trainings=1, videos=0)
    elif isinstance(record, Video) and record.script:
        workload = Workload(trainings=0, videos=1, script=record.script)
    else:
        return None
    return shared(roles, workload, Scenario.EXPECTED, apart=True)[entry.provider][entry.operation]


def _priced(entry: LedgerEntry, usage: Usage, prices: Prices, choose: Choice) -> Estimate:
    # The voice is kept meanwhile, and with it the plan that it needs.
    work = {Operation.VOICE: _NOTHING, entry.operation: usage}
    return part(prices, entry.provider, work, choose).estimate
