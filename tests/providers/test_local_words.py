# ruff: noqa: RUF001 - letters of IPA
"""Words of the built-in voice: what is written becomes what is said."""

import pytest

from avatarkit.errors import ConfigError
from avatarkit.providers.local import LocalSpeech
from avatarkit.providers.local.lexicon import KNOWN
from avatarkit.providers.local.normalization import normalise
from avatarkit.providers.local.pronunciation import phonemes, pronounced

KUBERNETES = "kˌubəɹnˈɛtiz"


@pytest.mark.parametrize("text", ["GİTHUB", "gıthub", "Kıte"])
def test_letters_that_no_case_shares_are_left_as_they_are(text):
    assert pronounced(text, {"kite": "kyte"}) == text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Call 415-555-2671.", "Call four one five, five five five, two six seven one."),
        ("+49 30 1234567", "plus four nine, three zero, one two three four five six seven"),
        ("Ring 030 1234567", "Ring zero three zero, one two three four five six seven"),
        ("Call 911 now", "Call nine one one now"),
        ("order 00123", "order zero zero one two three"),
        ("card 4111 1111 1111", "card four one one one, one one one one, one one one one"),
        ("https://docs.example.com/start?x=1.", "docs dot example dot com slash start."),
        ("See www.avatarkit.io or github.com", "See avatarkit dot I O or github dot com"),
        ("http://localhost:8080/a-b", "localhost port 8080 slash a dash b"),
        ("Type http://, www.# or https://:80", "Type http://, www.# or https://:80"),
        ("ana.lima@example.com", "ana dot lima at example dot com"),
        (
            "Use e.g. this, i.e. that, etc. Then go.",
            "Use for example this, that is that, et cetera. Then go.",
        ),
        (
            "v2.0.1, 10.4.2 and 192.168.0.1",
            "version 2 point 0 point 1, 10 point 4 point 2 and 192 dot 168 dot 0 dot 1",
        ),
        ("24.12.2025", "24 December 2025"),
        ("2026-12-01T14:30", "2026-12-01 at 14:30"),
        ("$1.5bn and £3k", "1.5 billion dollars and 3 thousand pounds"),
        ("20 €, 50 CHF, 1 EUR", "20 euros, 50 Swiss francs, 1 euro"),
        ("$20 USD or -$5", "20 US dollars or minus 5 dollars"),
        ("$5-10/month", "5 to 10 dollars per month"),
        ("-5 °C to 85 m² at 3 m/s", "minus 5 °C to 85 square meters at 3 meters per second"),
        ("1 g, 5 l, 10-20 %", "1 gram, 5 liters, 10 to 20 percent"),
        ("1 1/2 cups, 5x faster", "1 and 1/2 cups, 5 times faster"),
        ("C++ and C#", "C plus plus and C sharp"),
        ("kit.train() and config.yaml", "kit dot train and config dot yaml"),
        ("run --help", "run dash dash help"),
    ],
)
def test_written_forms_become_words(written, said):
    assert normalise(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "It is 14:05 on 03/05/2026.",
        "The end. And 2026-12-01.",
        "In the U.S. at 5 p.m. it was 3.5, then 1,250,000.",
        "The 1990s had $9.99 and $0.99.",
        "Well-known facts, and/or 1945 facts.",
        "She's 5 m's friend.",
    ],
)
def test_what_the_package_reads_well_is_left_to_it(text):
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("pronunciation", "symbols"),
    [
        ("koo-ber-NET-eez", "kubəɹnˈɛtiz"),
        ("/ˌkuːbɚˈnɛtiːz/", KUBERNETES),
        ("/ˌkuːbərˈnɛtiːz/", KUBERNETES),
        ("K UW2 B ER0 N EH1 T IY0 Z", KUBERNETES),
        ("NYE-kee", "nˈIki"),
        ("YEW-nit", "jˈunɪt"),
        ("/tʃaɪˈkɔfski/", "ʧIkˈɔfski"),
        ("sequel", None),
        ("X-ray", None),
        ("well-known", None),
    ],
)
def test_a_pronunciation_has_four_forms(pronunciation, symbols):
    assert phonemes(pronunciation) == symbols


@pytest.mark.parametrize("pronunciation", ["/ʒʊʁnal/", "/qx/", "/bst/", "--", ""])
def test_a_pronunciation_that_cannot_be_said_is_refused(pronunciation):
    with pytest.raises(ConfigError, match="pronunciation"):
        LocalSpeech(pronounce={"journal": pronunciation})


def test_a_key_that_is_no_word_is_refused():
    with pytest.raises(ConfigError, match="no word"):
        LocalSpeech(pronounce={"…": "dots"})


def test_the_dictionary_comes_before_the_words_that_are_known():
    assert pronounced("kubernetes's", {}) == "[word](/kubəɹnˈɛtiz/)'s"
    assert pronounced("Kubernetes", {"kubernetes": "cube"}) == "cube"
    assert pronounced("SQL and sql", {"SQL": "sequel", "sql": "squeal"}) == "sequel and squeal"
    assert pronounced("mysql", {"SQL": "sequel"}) == "mysql"


@pytest.mark.parametrize("link", ["https://example.com", "/guide/", "/kæt/"])
def test_a_link_of_a_script_is_no_mark_of_ours(link):
    assert pronounced(f"Read [the docs]({link}).", {}) == "Read the docs."


def test_every_known_word_can_be_said():
    LocalSpeech(pronounce=dict(KNOWN))
