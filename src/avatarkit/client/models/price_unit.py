from enum import StrEnum


class PriceUnit(StrEnum):
    AUDIO_MINUTE = "audio_minute"
    AVATAR = "avatar"
    CHARACTER = "character"
    CREDIT = "credit"
    GIGABYTE = "gigabyte"
    GIGABYTE_MONTH = "gigabyte_month"
    GPU_HOUR = "gpu_hour"
    REALTIME_MINUTE = "realtime_minute"
    VALUE_3 = "1k_chars"
    VALUE_5 = "1M_utf8_bytes"
    VIDEO_MINUTE = "video_minute"
    VOICE = "voice"
    WORD = "word"

    def __str__(self) -> str:
        return str(self.value)
