"""Options of the local provider: typed extras of each call."""

from __future__ import annotations

from pydantic import Field, field_validator

from ...models import Options
from .pronunciation import phonemes

_LONGEST = 200  #: characters of a word, and of how it is said


class LocalSpeech(Options):
    """Extras of speech in the built-in voice."""

    #: word -> how it is said: IPA between slashes, ARPAbet, syllables as "koo-ber-NET-eez", or
    #: other words
    pronounce: dict[str, str] = Field(default_factory=dict, max_length=500)

    @field_validator("pronounce")
    @classmethod
    def _sayable(cls, given: dict[str, str]) -> dict[str, str]:
        for word, said in given.items():
            if not any(character.isalnum() for character in word):
                raise ValueError(f"pronounce has the key {word[:40]!r}, which is no word")
            if max(len(word), len(said)) > _LONGEST:
                raise ValueError(f"a word and its pronunciation have up to {_LONGEST} characters")
            phonemes(said)
        return given
