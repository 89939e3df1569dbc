from enum import StrEnum


class ConsentDemand(StrEnum):
    ACTION = "action"
    EVIDENCE = "evidence"
    RECORD = "record"

    def __str__(self) -> str:
        return str(self.value)
