from enum import StrEnum


class VideoQuality(StrEnum):
    BEST = "best"
    DRAFT = "draft"
    STANDARD = "standard"

    def __str__(self) -> str:
        return str(self.value)
