from enum import StrEnum


class NewHandoverRole(StrEnum):
    EVIDENCE = "evidence"
    FOOTAGE = "footage"
    RECORDING = "recording"
    VOICE = "voice"

    def __str__(self) -> str:
        return str(self.value)
