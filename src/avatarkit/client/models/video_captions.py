from enum import StrEnum


class VideoCaptions(StrEnum):
    BURNT_IN = "burnt-in"
    NONE = "none"
    SIDECAR = "sidecar"

    def __str__(self) -> str:
        return str(self.value)
