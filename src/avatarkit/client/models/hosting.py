from enum import StrEnum


class Hosting(StrEnum):
    EGRESS = "egress"
    STORAGE = "storage"

    def __str__(self) -> str:
        return str(self.value)
