from enum import StrEnum


class Operation(StrEnum):
    AVATAR = "avatar"
    DUB = "dub"
    SPEECH = "speech"
    VIDEO = "video"
    VOICE = "voice"

    def __str__(self) -> str:
        return str(self.value)
