from enum import StrEnum


class UploadRole(StrEnum):
    EVIDENCE = "evidence"
    FOOTAGE = "footage"
    RECORDING = "recording"
    SOURCE = "source"
    VOICE = "voice"

    def __str__(self) -> str:
        return str(self.value)
