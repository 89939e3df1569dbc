"""Subtitles are written as players read them, and read as people save them."""

from __future__ import annotations

import pytest

from avatarkit.content.subtitles import Cue, read_srt, srt, vtt
from avatarkit.errors import MediaRejected

CUES = [Cue(0.25, 2.5, ("Hello.",)), Cue(3600.0, 3661.001, ("Is 1 < 2?", "It is."))]


def test_what_is_written_is_read_again():
    assert read_srt(srt(CUES)) == CUES
    assert vtt(CUES).endswith("01:00:00.000 --> 01:01:01.001\nIs 1 &lt; 2?\nIt is.\n\n")


@pytest.mark.parametrize(
    "text",
    [
        "1\r\n00:00:01,5 --> 00:00:02,000\r\nHello.\r\n",
        "00:00:01.500 --> 00:00:02.000 X1:10\nHello.",
        "7\n00:00:01,500 --> 00:00:02,000\n Hello. \n\n8\nno times\n\n9\n00:00:03,0 --> 00:00:04,0",
    ],
    ids=["of Windows", "without numbers", "with broken blocks"],
)
def test_subrip_is_read_in_the_forms_in_which_it_is_saved(text):
    assert read_srt(text) == [Cue(1.5, 2.0, ("Hello.",))]


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\n \n"])
def test_an_empty_line_within_a_caption_does_not_begin_another(gap):
    words = f"Hello.{gap}9\n00:00:00,000 --> 00:00:09,000\nBye."
    written = srt([Cue(1.0, 2.0, tuple(words.split("\n")))])
    assert [(cue.start, cue.end, cue.lines[0]) for cue in read_srt(written)] == [(1, 2, "Hello.")]
    assert vtt([Cue(1.0, 2.0, (words,))]).count("\n\n") == 2


@pytest.mark.parametrize("text", ["", "WEBVTT\n\nHello", "{}", "1\n2\n3"])
def test_other_texts_have_no_captions(text):
    assert read_srt(text) == []


@pytest.mark.parametrize("at", [1e308, float("inf"), float("nan"), -1.0, 3_600_000.0])
def test_a_time_that_no_film_has_is_refused(at):
    for write in (srt, vtt):
        with pytest.raises(MediaRejected, match="which no film has"):
            write([Cue(0.0, at, ("Hi",))])
