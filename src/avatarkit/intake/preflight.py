"""Judges samples, links and scripts before anyone pays: findings, each with what to do.

Limits come from the providers (``interfaces.Limit``), and flaws of a file from ``probing``; this
module evaluates both. ``inspect`` is blocking: run it in a thread.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ..content import conversion
from ..content.containers import Kind
from ..content.files import temporary_folder
from ..errors import ConfigError, MediaRejected
from ..interfaces import Face, FaceFinder, Limit, Link
from ..models import Model, SampleRole
from ..records import Sample
from .probe_apart import probe
from .probing import Facts, shown

__all__ = ["Finding", "Subject", "check_url", "examine", "inspect", "judge", "of_script"]

#: Voice samples in one training at most, for every provider.
MAX_VOICE_SAMPLES = 5
#: Bytes of one linked sample at most, for every provider.
MAX_BYTES = 2 << 30

#: Limits, each with the name of its provider.
Bounds = Sequence[tuple[str, Limit]]


class Finding(Model):
    """One problem that preflight found."""

    severity: Literal["error", "warning"]
    code: str  #: what is wrong, in a word that stays: "silent", or what a ``Limit`` bounds
    subject: str  #: which sample, or "voice" for all of them, or "script"
    message: str  #: what is wrong, and what to do
    rule: str = "avatarkit"  #: whose rule it is
    since: str = ""  #: when that rule was read
    source: str = ""  #: where it is written


@dataclass(frozen=True, slots=True)
class Subject:
    """A sample after it was read."""

    role: SampleRole
    name: str
    facts: Facts
    faces: tuple[Face, ...] | Finding | None = None  #: None: not searched for


def inspect(
    samples: Sequence[tuple[SampleRole | None, str, Path]],
    limits: Bounds,
    faces: FaceFinder | None = None,
) -> list[Finding]:
    """Examine samples, given as (role, name, path), and judge them."""
    return judge(examine(samples, limits, faces), limits)


def examine(
    samples: Sequence[tuple[SampleRole | None, str, Path]],
    limits: Bounds,
    faces: FaceFinder | None = None,
) -> list[Subject]:
    """Read each sample once; a sample without a role gets the one that fits its content."""
    wanted = any(limit.what.startswith("face") for _, limit in limits)
    subjects: list[Subject] = []
    for asked, name, path in samples:
        seek = wanted and asked is not SampleRole.VOICE
        facts = probe(path, name, asked, stills=FACE_SECONDS if seek else 0)
        found = (
            _find(shown(name), facts, faces, limits)
            if faces and facts.stills and facts.usable
            else None
        )
        role = asked or (SampleRole.VOICE if facts.kind == "audio" else SampleRole.FOOTAGE)
        subjects.append(Subject(role, shown(name), replace(facts, stills=()), found))
    return subjects


def judge(subjects: Sequence[Subject], limits: Bounds) -> list[Finding]:
    """Check samples against our own rules, and against the limits of providers."""
    voice = [s for s in subjects if s.role is SampleRole.VOICE]
    if len(voice) > MAX_VOICE_SAMPLES:
        message = f"{len(voice)} voice samples were given; choose the best {MAX_VOICE_SAMPLES}"
        return [refusal("voice_samples", "voice", message)]
    findings = [*_repeated(subjects)]
    fitting: list[Subject] = []
    for subject in subjects:
        findings += _of_one(subject)
        if subject.facts.kind not in (None, _OTHER[subject.role]):
            findings += _against(subject.name, _values(subject), limits)
            if subject.faces is not None:
                findings += _of_faces(subject, subject.faces, limits)
            fitting.append(subject)
    heard = [subject.facts for subject in fitting if subject.role is SampleRole.VOICE]
    return [*findings, *_against("voice", _together(heard), limits)]


def refusal(code: str, subject: str, message: str) -> Finding:
    """An error under one of our own rules."""
    return Finding(severity="error", code=code, subject=subject, message=message)


def _warning(code: str, subject: str, message: str) -> Finding:
    return Finding(severity="warning", code=code, subject=subject, message=message)


# -- our own rules ----------------------------------------------------------------------------

_WANTED = {
    SampleRole.VOICE: "a WAV, MP3, M4A, OGG or FLAC recording",
    SampleRole.FOOTAGE: "an MP4 or WebM clip, or a JPEG or PNG portrait",
}
#: Kind of file that is useless for a role; a clip is usable as a voice sample.
_OTHER = {SampleRole.VOICE: "image", SampleRole.FOOTAGE: "audio"}


def _of_one(subject: Subject) -> Iterator[Finding]:
    facts, name = subject.facts, subject.name
    for flaw in facts.flaws:
        yield Finding(severity=flaw.severity, code=flaw.code, subject=name, message=flaw.message)
    if facts.kind == _OTHER[subject.role]:
        message = f"{name} is an {facts.kind} file: {subject.role} needs {_WANTED[subject.role]}"
        yield refusal("wrong-role", name, message)
    elif subject.role is SampleRole.VOICE and facts.has_audio is False:
        yield refusal("no-sound", name, f"{name} has no sound in it: record it again")


def _repeated(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Report the same bytes twice: vendors refuse them, or learn nothing from them."""
    first: dict[str, Subject] = {}
    for subject in subjects:
        known = first.setdefault(subject.facts.sha256, subject)
        if subject.facts.sha256 and known is not subject:
            message = f"{subject.name} is the same recording as {known.name}: give another"
            make = refusal if known.role is subject.role else _warning
            yield make("duplicate", subject.name, message)


# -- limits of providers ----------------------------------------------------------------------

Value = float | str | None


def _values(subject: Subject) -> dict[str, Value]:
    """Measured values of one sample, by name of limit."""
    facts = subject.facts
    if subject.role is SampleRole.VOICE:
        return {
            "voice_sample_seconds": facts.seconds,
            "voice_bytes": float(facts.size),
            "voice_format": facts.media_type,
        }
    sides = [side for side in (facts.width, facts.height) if side]
    values: dict[str, Value] = {
        "footage_bytes": float(facts.size),
        "footage_pixels": float(min(sides)) if sides else None,
        "footage_megapixels": sides[0] * sides[1] / 1e6 if len(sides) == 2 else None,
    }
    if facts.kind == "image":
        return values | {"picture_bytes": float(facts.size), "picture_format": facts.media_type}
    return values | {
        "footage_seconds": facts.seconds,
        "footage_format": facts.media_type,
        "footage_codec": facts.codec,
    }


def _together(voice: Sequence[Facts]) -> dict[str, Value]:
    """Measured values of all voice samples together, by name of limit."""
    known = [f.seconds for f in voice if f.seconds is not None]
    return {
        "voice_samples": float(len(voice)) if voice else None,
        "voice_seconds": sum(known) if known and len(known) == len(voice) else None,
    }


#: Words for each limit, and advice for a value that violates it.
_WORDS: Mapping[str, tuple[str, str]] = {
    "voice_samples": ("voice samples", "give another number of them"),
    "voice_seconds": ("seconds of voice", "record more speech, or cut it"),
    "voice_sample_seconds": ("seconds of voice", "record more speech, or cut it"),
    "voice_bytes": ("bytes of voice", "compress or cut it"),
    "voice_format": ("as its format", "export it in another"),
    "footage_seconds": ("seconds of footage", "record a longer clip, or cut it"),
    "footage_bytes": ("bytes of footage", "compress or cut it"),
    "footage_pixels": ("pixels on the shorter side", "use a larger picture, or scale it down"),
    "footage_megapixels": ("megapixels", "use a larger picture, or scale it down"),
    "footage_format": ("as its format", "export it in another"),
    "footage_codec": ("as its codec", "export it with another, such as H.264"),
    "picture_bytes": ("bytes of a picture", "compress it or scale it down"),
    "picture_format": ("as its format", "export it in another"),
    "script_characters": ("characters", "split the text into several videos"),
}


def _against(subject: str, values: Mapping[str, Value], limits: Bounds) -> Iterator[Finding]:
    for provider, limit in limits:
        value = values.get(limit.what)
        bound = _missed(limit, value)
        if bound is None or limit.what not in _WORDS or _convertible(limit, values):
            continue
        words, advice = _WORDS[limit.what]
        said = f"{value:g}" if isinstance(value, float) else value
        message = f"{subject}: {said} {words}, and {provider} takes {bound}; {advice}"
        yield _by(provider, limit, subject, message)


def _missed(limit: Limit, value: Value) -> str | None:
    """The limit that a value violates, in words; None if it keeps the limit."""
    if isinstance(value, str):
        return None if value in limit.takes or not limit.takes else ", ".join(limit.takes)
    if value is not None and limit.minimum is not None and value < limit.minimum:
        return f"at least {limit.minimum:g}"
    if value is not None and limit.maximum is not None and value > limit.maximum:
        return f"at most {limit.maximum:g}"
    return None


def _convertible(limit: Limit, values: Mapping[str, Value]) -> bool:
    """True for a file of a foreign type that is converted before it is sent."""
    value, codec = values[limit.what], values.get("footage_codec")
    codec = codec if isinstance(codec, str) else None
    by_type = limit.what.endswith("_format") and isinstance(value, str)
    return by_type and conversion.target(str(value), limit.takes, codec) is not None


def check_stored(samples: Sequence[Sample], limits: Bounds) -> list[Finding]:
    """Check stored samples by what is kept of them: type, size and length."""
    subjects = [
        Subject(
            SampleRole(sample.role),
            sample.name,
            Facts(
                kind=cast("Kind", sample.file.media_type.partition("/")[0]),
                media_type=sample.file.media_type,
                size=sample.file.size,
                seconds=sample.seconds,
            ),
        )
        for sample in samples
    ]
    heard = [s.facts for s in subjects if s.role is SampleRole.VOICE][:MAX_VOICE_SAMPLES]
    found = [one for s in subjects for one in _against(s.name, _values(s), limits)]
    return [*found, *_against("voice", _together(heard), limits)]


def needs_codec(sample: Sample, limits: Bounds) -> bool:
    """True for a stored clip of a foreign type, whose codec decides if it can be converted."""
    kind = sample.file.media_type
    takes = [limit.takes for _, limit in limits if limit.what == "footage_format" and limit.takes]
    clip = sample.role == "footage" and kind.startswith("video/")
    return clip and any(kind not in known for known in takes)


def _by(provider: str, limit: Limit, subject: str, message: str) -> Finding:
    return Finding(
        severity=limit.severity,
        code=limit.what,
        subject=subject,
        message=message,
        rule=provider,
        since=limit.since,
        source=limit.source,
    )


# -- faces ------------------------------------------------------------------------------------

#: Frames of a clip that faces are looked for in, one for each of its first seconds. The engine of
#: ``local`` looks as far.
FACE_SECONDS = 10
#: A second face this wide, against the first, makes it unclear whose avatar it would be.
_RIVAL = 0.6


def _find(
    name: str, facts: Facts, finder: FaceFinder, limits: Bounds
) -> tuple[Face, ...] | Finding:
    """Faces in the first frame that keeps all limits, else in the first with a face.

    A finding if the search failed.
    """
    first: tuple[Face, ...] = ()
    with temporary_folder() as folder:
        path = folder / "frame.ppm"
        try:
            for still in facts.stills:
                path.write_bytes(still)
                found = tuple(finder.faces(path))
                values = _face_values(found)
                if found and not any(_missed(limit, values.get(limit.what)) for _, limit in limits):
                    return found
                first = first or found
        except MediaRejected as error:
            return refusal("faces", name, str(error))
        except ConfigError as error:
            return _warning(
                "faces-not-looked-for", name, f"{name}: no face was looked for: {error}"
            )
    return first


def _of_faces(
    subject: Subject, faces: tuple[Face, ...] | Finding, limits: Bounds
) -> Iterator[Finding]:
    """Check the faces against the providers' limits; report each kind of flaw once."""
    if isinstance(faces, Finding):
        yield faces
        return
    values = _face_values(faces)
    said: set[str] = set()
    for provider, limit in limits:
        if limit.what in values and _missed(limit, values[limit.what]) and limit.what not in said:
            said.add(limit.what)
            what = limit.what if faces or limit.what != "faces" else "no_face"
            words = _FACE_WORDS[what].format(looked=_looked(subject.facts))
            yield _by(provider, limit, subject.name, f"{subject.name}{words}")


def _looked(facts: Facts) -> str:
    """The part of a clip that was searched; empty for a picture."""
    if facts.kind != "video":
        return ""
    return f" in its first {min(FACE_SECONDS, math.ceil(facts.seconds or FACE_SECONDS))} seconds"


def _face_values(faces: tuple[Face, ...]) -> dict[str, Value]:
    """Measured values by name of limit; of the face itself only if it is the only large one."""
    rivals = [face for face in faces if _width(face) >= _RIVAL * _width(faces[0])]
    face = faces[0] if len(rivals) == 1 else None
    return {
        "faces": float(len(rivals)),
        "face_pixels": face.eyes if face else None,
        "face_turn": face.turn if face else None,
    }


_FACE_WORDS = {
    "no_face": ": no face was found{looked}; use a sharp, bright picture of one person who looks "
    "at the camera",
    "faces": " shows more than one face: crop it to the person who shall speak",
    "face_pixels": ": the face is too small; use a closer or larger picture",
    "face_turn": ": the face is turned too far to the side; use one that looks at the camera",
}


def _width(face: Face) -> float:
    return face.box[2] - face.box[0]


# -- links ------------------------------------------------------------------------------------

#: Seconds of validity below which a link is expired, or expires soon; it is opened once, now.
_EXPIRED, _SOON = 0.0, 900.0
#: A smaller number in a query is not a time in seconds since 1970.
_EPOCH = 1e9
_LOGIN = re.compile(r"(?i)/(log|sign)-?_?in\b|/auth\b|/sso\b|/oauth")


def check_url(url: str, now: float) -> list[Finding]:
    """Check the address of a sample without opening it; ``now`` in seconds since 1970.

    No finding contains its query, which may be a signature.
    """
    parts = _split(url)
    name = link_name(url)
    if parts is not None and parts.scheme != "https":
        message = f"{name}: only links that begin with https:// are opened"
        return [refusal("link-scheme", name, message)]
    if parts is None or not parts.hostname:
        return [refusal("link", name, f"{name}: the link is no address; give one with https://")]
    if parts.username or parts.password:
        message = f"{name}: the link holds a password; give one that is signed instead"
        return [refusal("link-password", name, message)]
    end = _end(dict(parse_qsl(parts.query)))
    if end is not None and end - now <= _EXPIRED:
        return [refusal("link-expired", name, f"{name}: the link has expired; sign a new one")]
    if end is not None and end - now < _SOON:
        message = f"{name}: the link expires in {end - now:.0f} seconds; sign one for an hour"
        return [_warning("link-expires-soon", name, message)]
    return []


def check_answer(url: str, answer: Link, role: SampleRole | None, limits: Bounds) -> list[Finding]:
    """Check the response headers of a link before its bytes are read."""
    name = link_name(url)
    if answer.status >= 300:
        gone = answer.status in {401, 403, 404, 410}
        how = "it is gone, private or expired; sign a new link" if gone else "try again later"
        code = "link-gone" if gone else "link-unreachable"
        return [refusal(code, name, f"{name}: the link answers {answer.status}: {how}")]
    if answer.media_type in {"text/html", "application/xhtml+xml"}:
        login = answer.redirected and _LOGIN.search(answer.path)
        what = "a login page" if login else "a web page"
        message = f"{name}: the link leads to {what}; give one that leads to the file itself"
        return [refusal("link-login" if login else "link-web-page", name, message)]
    if answer.size is None:
        return []
    if answer.size > MAX_BYTES:
        message = f"{name} has {answer.size} bytes; at most {MAX_BYTES} are fetched: compress it"
        return [refusal("link-too-large", name, message)]
    values: dict[str, Value] = {f"{role}_bytes": float(answer.size)}
    return [*_against(name, values, limits)]


def link_name(url: str) -> str:
    """The last part of a link's path, which messages may contain."""
    parts = _split(url)
    return shown((parts.path.rpartition("/")[2] or parts.hostname or "link") if parts else "link")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        return None
    return parts


def _end(query: Mapping[str, str]) -> float | None:
    """Expiry of a signed link in seconds since 1970, from the query parameters of known stores."""
    for begins, lasts in (("X-Amz-Date", "X-Amz-Expires"), ("X-Goog-Date", "X-Goog-Expires")):
        if begins in query and lasts in query:
            return _moment(query[begins], float(_digits(query[lasts]) or 0))
    if "token" in query:  # Supabase: a JWT
        return _of_token(query["token"])
    given = next((query[word] for word in ("Expires", "expires", "exp", "se") if word in query), "")
    end = _moment(given)
    return None if end is None or end < _EPOCH else end


def _moment(text: str, later: float = 0.0) -> float | None:
    if (digits := _digits(text)) is not None:
        return float(digits) / (1000 if len(digits) == 13 else 1) + later
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() + later


def _digits(text: str) -> str | None:
    return text if re.fullmatch(r"[0-9]{1,13}", text) else None


def _of_token(token: str) -> float | None:
    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(claims["exp"])
    except (ValueError, TypeError, KeyError):
        return None


def of_script(text: str, limits: Bounds) -> Iterator[Finding]:
    """Check the length of a script, as it is sent, against the limits of providers."""
    return _against("script", {"script_characters": float(len(text))}, limits)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise ``MediaRejected`` with all errors among the findings, if there are any."""
    errors = [f.message for f in findings if f.severity == "error"]
    if errors:
        raise MediaRejected("; ".join(errors))
