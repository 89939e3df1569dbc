from enum import StrEnum


class HoldingKind(StrEnum):
    FILE = "file"
    RECORD = "record"
    VENDOR = "vendor"

    def __str__(self) -> str:
        return str(self.value)
