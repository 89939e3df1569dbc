from enum import StrEnum


class SampleRole(StrEnum):
    FOOTAGE = "footage"
    VOICE = "voice"

    def __str__(self) -> str:
        return str(self.value)
