from enum import StrEnum


class VideoContainer(StrEnum):
    MOV = "mov"
    MP4 = "mp4"
    WEBM = "webm"

    def __str__(self) -> str:
        return str(self.value)
