"""What vendors said that they took, beside what was to be expected by the rows of today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ..interfaces import dollars
from ..models import Operation
from ..records import LedgerEntry, Record, Video
from .quotes import Choice, Estimate, Scenario, Usage, Workload, every_variant, shared
from .rows import Prices

__all__ = ["Cost", "asked", "cost", "priced", "usage_of"]

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
    quoted: Estimate | None  #: of what was asked for; None where that was not known


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
    """Price an entry twice: by the vendor's word, and by what was asked for.

    What was quoted when it was ordered stands in the entry; without that, it is quoted anew.
    """
    entry = _completed(entry, record)
    return Cost(
        entry=entry,
        recorded=_expected(entry, usage_of(entry.cost), prices, choose),
        quoted=_quoted(entry, record, prices, choose),
    )


def _completed(entry: LedgerEntry, record: Record | None) -> LedgerEntry:
    """The entry with what the vendor said later, when the job was polled."""
    job = entry.provider, entry.operation, entry.job_id
    for state in record.every_operation if record and not entry.cost else ():
        if (state.provider, state.operation, state.job_id) == job:
            return entry.model_copy(update={"cost": state.cost})
    return entry


def _quoted(
    entry: LedgerEntry, record: Record | None, prices: Prices, choose: Choice
) -> Estimate | None:
    if entry.quoted is not None:
        return Estimate(used=dollars(entry.quoted))
    return _expected(entry, asked(entry.operation, entry.provider, record), prices, choose)


def _expected(
    entry: LedgerEntry, usage: Usage | None, prices: Prices, choose: Choice
) -> Estimate | None:
    if usage is None:
        return None
    return priced(entry.provider, entry.operation, usage, prices, choose)[0]


def asked(
    operation: Operation,
    provider: str,
    record: Record | None,
    scenario: Scenario = Scenario.EXPECTED,
) -> Usage | None:
    """What a record wants of an operation; None where its length is not known."""
    workload = _workload(operation, record)
    if workload is None:
        return None
    return shared({operation: provider}, workload, scenario, apart=True)[provider][operation]


def _workload(operation: Operation, record: Record | None) -> Workload | None:
    if operation in (Operation.VOICE, Operation.AVATAR):
        return Workload(trainings=1, videos=0)
    if not isinstance(record, Video):
        return None
    if operation is not Operation.DUB and record.script:
        return Workload(trainings=0, videos=1, script=record.script)
    recording = record.source if operation is Operation.DUB else record.audio
    if recording is None or not recording.seconds:
        return None
    dubs = int(operation is Operation.DUB)
    seconds = Decimal(str(recording.seconds))
    return Workload(trainings=0, videos=1 - dubs, dubs=dubs, seconds=seconds)


def priced(
    provider: str,
    operation: Operation,
    usage: Usage,
    prices: Prices,
    choose: Choice = MappingProxyType({}),
) -> list[Estimate]:
    """What a usage costs in each variant; the expected one is the first."""
    # The voice is kept meanwhile, and with it the plan that it needs.
    work = {Operation.VOICE: _NOTHING, operation: usage}
    return [part.estimate for part in every_variant(prices, provider, work, choose)]
