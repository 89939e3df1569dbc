from enum import StrEnum


class CatalogueKind(StrEnum):
    AVATAR = "avatar"
    TEMPLATE = "template"
    VOICE = "voice"

    def __str__(self) -> str:
        return str(self.value)
