"""ElevenLabs' pronunciation dictionaries: how names and brands are spoken.

https://elevenlabs.io/docs/api-reference/pronunciation-dictionaries. A dictionary is free, and has
the digest of its words as its name: the same words are one dictionary, which is found again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from ...errors import Unsupported
from ...interfaces import Prepares
from ...models import Operation, Options, SpeechRequest, VendorRequest
from ..http import HttpProvider, as_objects, flag_at, said_at

_PATH = "/v1/pronunciation-dictionaries"
_PAGES = 100  #: read at most
#: Characters of a word, and of how it is spoken: far more than any has. The vendor tells no bound.
_LONGEST = 200


class ElevenLabsPronunciation(Options):
    """Pronunciation of words in speech: an alias, or phonemes of the IPA between two slashes.

    ``words={"Thailand": "tie-land", "SQL": "/sikwəl/"}``. Every model knows aliases. Phonemes are
    known to few (flash v2 and English v1), and skipped by the others.
    """

    words: dict[str, str] = Field(min_length=1, max_length=1000)

    @field_validator("words")
    @classmethod
    def _spoken(cls, given: dict[str, str]) -> dict[str, str]:
        for word, said in given.items():
            if not word.strip() or not said.strip(" /"):
                raise ValueError("each word needs a pronunciation, and none is empty")
            if max(len(word), len(said)) > _LONGEST:
                raise ValueError(f"a word and its pronunciation have up to {_LONGEST} characters")
        return given

    @property
    def rules(self) -> list[dict[str, str]]:
        """The rules as ElevenLabs takes them, in the order of the words."""
        return [_rule(word, said) for word, said in sorted(self.words.items())]

    @property
    def name(self) -> str:
        """Name of the dictionary: the digest of its rules."""
        said = json.dumps(self.rules, ensure_ascii=False)
        return f"ak-words-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _rule(word: str, said: str) -> dict[str, str]:
    phonemes = len(said) > 2 and said.startswith("/") and said.endswith("/")
    how = {"phoneme": said, "alphabet": "ipa"} if phonemes else {"alias": said}
    return {"string_to_replace": word, "type": "phoneme" if phonemes else "alias", **how}


class PronouncesWords(HttpProvider, Prepares):
    """Base of a provider whose speech follows a dictionary, which exists before the paid call."""

    async def prepare(self, operation: Operation, request: VendorRequest, /) -> dict[str, Any]:
        """Find the dictionary of the request's words, or create it; a free call."""
        if operation is not Operation.SPEECH:
            return {}
        for option in request.options:
            if isinstance(option, ElevenLabsPronunciation):
                return {"dictionary": await self._dictionary(option)}
        return {}

    def _words_of(self, request: SpeechRequest) -> Any:
        """Locator of the dictionary that ``prepare`` has found; None without such an option."""
        wanted = any(isinstance(o, ElevenLabsPronunciation) for o in request.options)
        if wanted and "dictionary" not in request.prepared:
            raise Unsupported(
                f"{self.name} finds the dictionary of your words before it speaks: call prepare() "
                "first, and pass its result as `prepared`."
            )
        return request.prepared.get("dictionary")

    async def _dictionary(self, wanted: ElevenLabsPronunciation) -> dict[str, str]:
        found = await self._find_dictionary(wanted.name)
        if found is None:  # sent once: a second one of the name would do no harm, and stay for ever
            body = {"name": wanted.name, "rules": wanted.rules}
            path = f"{_PATH}/add-from-rules"
            found = await self._call("POST", path, operation=Operation.SPEECH, body=body, once=True)
        own, version = said_at(found, "id"), said_at(found, "latest_version_id", "version_id")
        if own is None or version is None:
            raise self._bad(Operation.SPEECH, "the dictionary has no id or no version")
        return {"pronunciation_dictionary_id": own, "version_id": version}

    async def _find_dictionary(self, name: str) -> Mapping[str, Any] | None:
        query = {"page_size": "100", "include_archived": "false"}
        for _ in range(_PAGES):
            page = await self._call("GET", _PATH, operation=Operation.SPEECH, query=query)
            for one in as_objects(page.get("pronunciation_dictionaries")):
                if said_at(one, "name") == name:
                    return one
            cursor = said_at(page, "next_cursor")
            if not flag_at(page, "has_more") or cursor is None:
                return None
            query["cursor"] = cursor
        return None
