from enum import StrEnum


class GetQuoteQuality(StrEnum):
    BEST = "best"
    DRAFT = "draft"
    STANDARD = "standard"

    def __str__(self) -> str:
        return str(self.value)
