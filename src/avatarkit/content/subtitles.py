"""Subtitles as text: cues written as SubRip (SRT) and as WebVTT, and read from SubRip."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import MediaRejected


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: its lines, and when they are shown, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


_LONGEST = 3_600_000  #: seconds; what three digits of hours can say
_STAMP = r"(\d{1,3}):(\d\d):(\d\d)[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_STAMP}\s+-->\s+{_STAMP}(?:\s.*)?")


def read_srt(text: str) -> list[Cue]:
    """Read SubRip; blocks without times or without words are left out."""
    found: list[Cue] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines = block.split("\n")
        times = [_TIMES.fullmatch(line) for line in lines[:2]]  # a number may stand before them
        at = next((n for n, match in enumerate(times) if match), None)
        if at is None or (match := times[at]) is None:
            continue
        words = tuple(line.strip() for line in lines[at + 1 :] if line.strip())
        if words:
            found.append(Cue(_seconds(*match.groups()[:4]), _seconds(*match.groups()[4:]), words))
    return found


def _seconds(hours: str, minutes: str, seconds: str, fraction: str) -> float:
    return (int(hours) * 60 + int(minutes)) * 60 + int(seconds) + float(f"0.{fraction}")


def srt(shown: Iterable[Cue]) -> str:
    """Write captions as SubRip."""
    written = (
        f"{number}\n{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}\n{_text(cue)}\n\n"
        for number, cue in enumerate(shown, 1)
    )
    return "".join(written)


def vtt(shown: Iterable[Cue]) -> str:
    """Write captions as WebVTT."""
    written = (
        f"{timestamp(cue.start, '.')} --> {timestamp(cue.end, '.')}\n"
        f"{html.escape(_text(cue), quote=False)}\n\n"
        for cue in shown
    )
    return "WEBVTT\n\n" + "".join(written)


def _text(cue: Cue) -> str:
    """Lines of a cue; an empty one would end it, and begin another."""
    lines = (line for text in cue.lines for line in text.splitlines())
    return "\n".join(line for line in lines if line.strip())


def timestamp(seconds: float, point: str) -> str:
    """Write a time as "HH:MM:SS,mmm", with this decimal point.

    Raises ``MediaRejected`` for a number of seconds that no film has.
    """
    if not 0 <= seconds < _LONGEST:
        raise MediaRejected(f"a caption is at {seconds:g} seconds, which no film has")
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
