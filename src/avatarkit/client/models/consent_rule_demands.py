from enum import StrEnum


class ConsentRuleDemands(StrEnum):
    ACTION = "action"
    EVIDENCE = "evidence"
    RECORD = "record"

    def __str__(self) -> str:
        return str(self.value)
