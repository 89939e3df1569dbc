from enum import StrEnum


class ListAllDeliveriesOutcome(StrEnum):
    APPLIED = "applied"
    EXPIRED = "expired"
    IGNORED = "ignored"
    POLL_TRIGGERED = "poll_triggered"
    RECEIVED = "received"
    UNMATCHED = "unmatched"

    def __str__(self) -> str:
        return str(self.value)
