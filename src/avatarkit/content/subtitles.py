"""Subtitles as text: cues written as SubRip (SRT) and as WebVTT."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: its lines, and when they are shown, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


def srt(shown: Iterable[Cue]) -> str:
    """Write captions as SubRip."""
    written = (
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_text(cue)}\n\n"
        for number, cue in enumerate(shown, 1)
    )
    return "".join(written)


def vtt(shown: Iterable[Cue]) -> str:
    """Write captions as WebVTT."""
    written = (
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n"
        f"{html.escape(_text(cue), quote=False)}\n\n"
        for cue in shown
    )
    return "WEBVTT\n\n" + "".join(written)


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _time(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
