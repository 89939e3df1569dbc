"""Scripts as they are sent: normalised, and refused with markup that would be read aloud."""

from __future__ import annotations

import contextlib
import time

import pytest

from avatarkit import errors
from avatarkit.intake.scripts import read_script
from avatarkit.interfaces import Limit, understood
from avatarkit.providers.did import DID, DIDScript
from avatarkit.providers.elevenlabs import ElevenLabs, ElevenLabsSpeech
from avatarkit.providers.heygen import HeyGen, HeyGenSpeech
from avatarkit.providers.resemble import Resemble

#: Words and pictures that another joiner would change.
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
ROCKETS = "Hi 👩\u200d🚀 and 👩🏽\u200d🚀 and ❤\ufe0f\u200d🔥"


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("  Hello \n", "Hello"),
        ("Cafe\u0301", "Café"),
        ("a\r\nb\rc\x0bd\u2028e", "a\nb\nc\nd\ne"),
        ("\ufeffHello\u200b wor\u00adld\u2060", "Hello world"),
        ("\u202ehello\u202c", "hello"),
        ("Hello\U000e0041\U000e0042", "Hello"),
        ("a\u200db\u200cc", "abc"),
        (PERSIAN, PERSIAN),
        ("क्\u200dष", "क्\u200dष"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        (ROCKETS, ROCKETS),
        # entities
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("it&#39;s 5 &#x20AC;", "it's 5 €"),
        ("a&nbsp;b", "a b"),
        ("AT&T, R&D; &nosuch; & co", "AT&T, R&D; &nosuch; & co"),
        ("Tom &amp Jerry, 1 &lt 2&gt, &amplifier", "Tom & Jerry, 1 < 2>, &amplifier"),
        ("/?a=1&lt=2", "/?a=1&lt=2"),
        # what is no markup
        ("I <3 you", "I <3 you"),
        ("a < b and c > d", "a < b and c > d"),
        ("x<y and z>1", "x<y and z>1"),
        ("a <b c> d, s<p or p>s", "a <b c> d, s<p or p>s"),
        ("sales < break even", "sales < break even"),
        ("\u061c你好\ufffc", "你好"),
        ("a &lt; b", "a < b"),
        ("<- left, right ->", "<- left, right ->"),
        # markup for looks
        ("<b>Hello</b> <a href='https://x.test/?a=1'>you</a>", "Hello you"),
        ("<p>One.</p><p>Two.<br/>Three.</p>", "One.\n\nTwo.\nThree."),
        ("Hello<!-- not this --> you", "Hello  you"),
        ("&lt;b&gt;Hello&lt;/b&gt;", "Hello"),
        ("10 %", "10 %"),
        ("①", "①"),
    ],
)
def test_a_script_is_sent_as_it_is_to_be_spoken(said, sent):
    assert read_script(said, ()) == sent
    assert read_script(sent, ()) == sent


@pytest.mark.parametrize(
    "said",
    [
        "",
        " \n ",
        "\u200b\ufeff",
        "👍🎉",
        "...",
        "?!",
        "—",
        "<b></b>",
        "&nbsp;",
        "\u3164",
        "🇩🇪",
        "🏴\U000e0067\U000e007f",
    ],
)
@pytest.mark.parametrize("markup", [(), ("break",), ("ssml",)])
def test_a_script_without_words_is_rejected(said, markup):
    with pytest.raises(errors.MediaRejected, match=r"empty|nothing in it can be spoken"):
        read_script(said, (), markup)


def test_a_script_of_pauses_alone_has_no_words():
    with pytest.raises(errors.MediaRejected, match="nothing in it can be spoken"):
        read_script('<break time="1s"/>', (), ("break",))


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("a\0b", "a NUL character"),
        ("half \ud83d", "a lone surrogate"),
        ("\x1b[31mred", "the control character U\\+001B"),
        ("a\ufffe", "the noncharacter"),
        ('Hi <break time="1s"/> you', "the tag <break>, which acme would read aloud"),
        ("&lt;break time='1s'/&gt; you", "the tag <break>"),
        ("<prosody rate='slow'>Hi</prosody>", "the tag <prosody>"),
        ("<speak>Hi</speak>", "the tag <speak>"),
        ("Hello <name>", "the tag <name>"),
        ("<script>alert(1)</script>", "the tag <script>"),
        ("Hi <bre\u200bak time='1s'/> you", "the tag <break>"),
        ("Hi <\u00adbreak/> you", "the tag <break>"),
        ("Hi &lt;bre&shy;ak/&gt; you", "the tag <break>"),
        ("Hi <bre\u200dak/> you", "a broken tag, '<break'"),
        ("Hi <break time='1s'", "a broken tag, '<break'"),
        ("Hi <break", "a broken tag, '<break'"),
        ("Hi < break /> you", "a broken tag, '< break />'"),
        ("Hi </ prosody> you", "a broken tag, '</ prosody>'"),
        ("Hi <audio controls> you", "a broken tag, '<audio'"),
        ("<div hidden>Hi</div>", "a broken tag, '<div'"),
        ("<video controls>Hi", "a broken tag, '<video'"),
        ("<a href='x' download>Hi</a>", "a broken tag"),
        ("Hi</strong", "a broken tag, '</strong'"),
        ("&lt;break/&gt Hi", "the tag <break>"),
        ('Hi <break time=">"/> you', "a broken tag, '<break'"),
        ("a&#0;b", "&#0;, which is no character"),
        ("a&#xD800;b", "which is no character"),
        ("<?xml version='1.0'?>Hi", "declaration"),
        ("<!DOCTYPE html>Hi", "declaration"),
        ("Hi <!-- there", "a comment"),
    ],
)
def test_what_would_be_read_aloud_is_rejected(said, named):
    with pytest.raises(errors.MediaRejected, match=named):
        read_script(said, (), speaker="acme")


def test_markup_that_the_provider_understands_is_sent():
    pause = 'One. <break time="1s"/> Two.'
    assert read_script(pause, (), ("break",)) == pause
    ssml = '<speak>One &amp; <prosody rate="slow">two</prosody><break time="1s"/></speak>'
    assert read_script(ssml, (), ("ssml",)) == ssml
    with pytest.raises(errors.MediaRejected, match=r"the tag <prosody>.*understands <break>"):
        read_script("<prosody rate='slow'>Hi</prosody>", (), ("break",))
    with pytest.raises(errors.MediaRejected, match="not well-formed"):
        read_script("<prosody rate='slow'>Hi", (), ("ssml",))
    with pytest.raises(errors.MediaRejected, match="declaration"):
        read_script("<!DOCTYPE x [<!ENTITY a 'b'>]><speak>&a;</speak>", (), ("ssml",))


def test_limits_count_what_is_sent():
    limits = [("acme", Limit(what="script_characters", maximum=5))]
    assert read_script("\ufeffTom &amp; <b></b>", limits) == "Tom &"
    assert read_script("e\u0301" * 5, limits) == "é" * 5
    with pytest.raises(errors.MediaRejected, match="6 characters"):
        read_script("abcdef", limits)


@pytest.mark.parametrize(
    ("provider", "options", "known"),
    [
        (ElevenLabs, (), {"break"}),
        (ElevenLabs, (ElevenLabsSpeech(model_id="eleven_flash_v2_5"),), {"break"}),
        (ElevenLabs, (ElevenLabsSpeech(model_id="eleven_v3"),), set()),
        (HeyGen, (), {"break"}),
        (HeyGen, (HeyGenSpeech(input_type="ssml"),), {"break", "ssml"}),
        (DID, (), set()),
        (DID, (DIDScript(ssml=True),), {"ssml"}),
        (DID, (ElevenLabsSpeech(model_id="eleven_v3"),), set()),
        (Resemble, (), {"ssml"}),
    ],
)
def test_each_provider_says_which_markup_it_understands(provider, options, known):
    assert understood(provider, options) == known


@pytest.mark.parametrize(
    "hostile",
    [
        "<a " + " " * 99_000,
        "<" + " " * 99_000,
        "<break" + " " * 99_000,
        "< break" + " " * 99_000,
        "<!--" * 49_000,
        "&amp" * 49_000,
        "<a b='" * 30_000,
        "\u200d" * 190_000,
        "👩\u200d" * 90_000,
        "&" * 190_000,
        "<" * 190_000,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_a_hostile_script_takes_little_time(hostile):
    begun = time.process_time()
    with contextlib.suppress(errors.MediaRejected):
        read_script("!" + hostile, (), ("break",))
    assert time.process_time() - begun < 2
