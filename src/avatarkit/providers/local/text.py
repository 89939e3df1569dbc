"""Script text of the local provider: the languages and letters that it can speak."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

from avatarkit.errors import MediaRejected, Unsupported
from avatarkit.providers.local import LANGUAGES

#: Beginnings of the Unicode names of letters that English texts may hold.
SHARED_LETTERS: Final = (
    "FEMININE ORDINAL",
    "MASCULINE ORDINAL",
    "MICRO",
    "MODIFIER",
    "FULLWIDTH LATIN",
    "MATHEMATICAL",
    "SCRIPT",
    "DOUBLE-STRUCK",
    "KELVIN",
    "ANGSTROM",
    "BLACK-LETTER",
)
#: Words that mark a text as English, and words that mark it as another language. Only a text
#: with several of the latter and none of the former is refused.
ENGLISH_WORDS: Final = frozenset(
    """
    the a an and or but of to in on at by for with from is are was were be been am i you he she
    it we they this that these those my your his her its our their have has had do does did not
    no yes will would can could should what who how when where why here there hello hi please
    thanks thank if as so me us them all one up out about just like new
    """.split()  # noqa: SIM905 - a list of 100 quoted words cannot be read
)
FOREIGN_WORDS: Final = frozenset(
    """
    el los las una por para con que está como pero más muy hola gracias le les des une est dans
    avec pour sur vous nous je tu bonjour merci der die das und ist nicht ein eine mit auf für
    ich sie wir hallo danke il lo gli che sono della per ciao grazie não uma você obrigado het
    een van niet voor och är det som inte jest nie się na bir ve için
    """.split()  # noqa: SIM905
)


def check_text(text: str, language: str | None = None) -> None:
    """Refuse what the engine cannot say, before anything is done."""
    spoken = ", ".join(LANGUAGES)
    if language is not None and language.lower().replace("_", "-").split("-")[0] not in LANGUAGES:
        raise Unsupported(f"the local provider does not speak {language!r}; it speaks: {spoken}")
    foreign = sorted({_script(letter) for letter in text if letter.isalpha()} - {"LATIN"})
    if foreign:
        raise Unsupported(
            f"the script has {' and '.join(foreign).lower()} letters; the local provider speaks: "
            f"{spoken}. Use another provider for this language, or write the text in English."
        )
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", text)}
    if len(words & FOREIGN_WORDS) >= 2 and not words & ENGLISH_WORDS:
        raise Unsupported(
            f"the script does not seem to be English; the local provider speaks: {spoken}. "
            "Use another provider for this language."
        )
    if not any(character.isalnum() for character in text):
        raise MediaRejected(
            "the script has nothing that can be said: no letter and no digit. "
            "Write at least one word."
        )


@functools.cache
def _script(letter: str) -> str:
    """Script of a letter by its Unicode name; letters shared by scripts count as Latin."""
    name = unicodedata.name(letter, "UNKNOWN")
    return "LATIN" if name.startswith(SHARED_LETTERS) else name.split()[0]
