from enum import StrEnum


class EstimateBasis(StrEnum):
    MEASURED = "measured"
    TYPICAL = "typical"

    def __str__(self) -> str:
        return str(self.value)
