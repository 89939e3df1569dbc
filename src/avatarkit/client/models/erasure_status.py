from enum import StrEnum


class ErasureStatus(StrEnum):
    COMPLETED = "completed"
    NEEDS_PERSON = "needs_person"
    RUNNING = "running"

    def __str__(self) -> str:
        return str(self.value)
