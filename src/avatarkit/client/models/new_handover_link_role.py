from enum import StrEnum


class NewHandoverLinkRole(StrEnum):
    EVIDENCE = "evidence"
    FOOTAGE = "footage"
    RECORDING = "recording"
    VOICE = "voice"

    def __str__(self) -> str:
        return str(self.value)
