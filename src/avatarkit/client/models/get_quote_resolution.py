from enum import StrEnum


class GetQuoteResolution(StrEnum):
    VALUE_0 = "360p"
    VALUE_1 = "480p"
    VALUE_2 = "540p"
    VALUE_3 = "720p"
    VALUE_4 = "1080p"
    VALUE_5 = "1440p"
    VALUE_6 = "4k"

    def __str__(self) -> str:
        return str(self.value)
