from enum import StrEnum


class HandoverStatus(StrEnum):
    COMPLETED = "completed"
    EXPIRED = "expired"
    OPENED = "opened"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
