"""Looks at samples and scripts before anyone pays: findings, each with what to do.

The bounds are the providers' own data (``interfaces.Limit``); this module only evaluates them.
With the ``media`` extra the recording itself is probed (streams, length, size of the picture);
without it, only its size and its first bytes, and a finding says so. Blocking: run it in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .errors import MediaRejected
from .interfaces import FaceFinder, Limit
from .models import Model, SampleRole

if TYPE_CHECKING:
    import av.container

__all__ = [
    "MAX_VOICE_SAMPLES",
    "SUFFIXES",
    "Facts",
    "Finding",
    "inspect",
    "probe",
    "read_script",
    "refuse",
]

#: How many voice samples one training takes, whoever the provider is.
MAX_VOICE_SAMPLES = 5


class Finding(Model):
    """One thing that preflight saw."""

    severity: Literal["error", "warning"]
    subject: str  #: which sample, or "script"
    message: str  #: what is wrong, and what to do
    rule: str = "avatarkit"  #: whose rule it is
    since: str = ""  #: when that rule was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a recording is; None where it was not, or could not be, looked at."""

    size: int  #: bytes
    kind: Literal["audio", "video", "image"]
    media_type: str
    seconds: float | None = None
    width: int | None = None
    height: int | None = None
    has_audio: bool | None = None


@dataclass(frozen=True, slots=True)
class _Magic:
    """How the first bytes of a file tell what it is: ``pattern`` at ``offset``."""

    offset: int
    pattern: bytes
    kind: Literal["audio", "video", "image"]
    media_type: str


#: First match wins. WebM may hold sound alone; the probe tells.
_MAGIC = (
    _Magic(8, b"WAVE", "audio", "audio/wav"),
    _Magic(8, b"WEBP", "image", "image/webp"),
    _Magic(8, b"AVI ", "video", "video/x-msvideo"),
    _Magic(0, b"ID3", "audio", "audio/mpeg"),
    _Magic(0, b"\xff\xfb", "audio", "audio/mpeg"),
    _Magic(0, b"\xff\xf3", "audio", "audio/mpeg"),
    _Magic(0, b"\xff\xf2", "audio", "audio/mpeg"),
    _Magic(0, b"\xff\xf1", "audio", "audio/aac"),
    _Magic(0, b"OggS", "audio", "audio/ogg"),
    _Magic(0, b"fLaC", "audio", "audio/flac"),
    _Magic(4, b"ftypM4A", "audio", "audio/mp4"),
    _Magic(4, b"ftypqt", "video", "video/quicktime"),
    _Magic(4, b"ftyp", "video", "video/mp4"),
    _Magic(0, b"\x1a\x45\xdf\xa3", "video", "video/webm"),
    _Magic(0, b"\x89PNG", "image", "image/png"),
    _Magic(0, b"\xff\xd8\xff", "image", "image/jpeg"),
)
#: The extension that a media type should carry.
SUFFIXES: Mapping[str, str] = {
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-msvideo": ".avi",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
}
_SAYS = {".jpeg": ".jpg", ".qt": ".mov", ".m4v": ".mp4", ".wave": ".wav", ".oga": ".ogg"}
_WANTED = {
    SampleRole.VOICE: ("audio", "a WAV, MP3, M4A, OGG or FLAC recording"),
    SampleRole.FOOTAGE: ("video or image", "an MP4 or WebM clip, or a JPEG or PNG portrait"),
}


def probe(path: Path, name: str | None = None) -> Facts:
    """Say what a file is; raises ``MediaRejected`` where it is nothing that can be used."""
    name = name or path.name
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(32)
    except FileNotFoundError:
        raise MediaRejected(f"{name}: there is no such file") from None
    except OSError as error:
        raise MediaRejected(f"{name} cannot be read: {error.strerror}") from None
    if size == 0:
        raise MediaRejected(f"{name} is empty (0 bytes): record or export it again")
    magic = next((m for m in _MAGIC if head[m.offset :].startswith(m.pattern)), None)
    if magic is None:
        raise MediaRejected(
            f"{name} holds neither audio, video nor a picture that we know, whatever its name "
            "says: export it as WAV, MP3, MP4, JPEG or PNG"
        )
    return _look_inside(path, name, Facts(size=size, kind=magic.kind, media_type=magic.media_type))


def _look_inside(path: Path, name: str, facts: Facts) -> Facts:
    try:
        import av
    except ImportError:
        return facts
    try:
        with av.open(path) as container:
            seen = _streams(container, facts)
    except (av.FFmpegError, ValueError, IndexError):
        seen = None
    if seen is None or (seen.kind != "audio" and not seen.width):
        raise MediaRejected(
            f"{name} looks like {facts.media_type}, but cannot be decoded: it may be cut off; "
            "export it again"
        )
    return seen


def _streams(container: av.container.InputContainer, facts: Facts) -> Facts:
    picture = next(iter(container.streams.video), None)
    sound = next(iter(container.streams.audio), None)
    longest: float | None = None
    if container.duration:
        longest = container.duration / 1_000_000
    kind = facts.kind
    if kind == "video" and picture is None and sound is not None:
        kind = "audio"
    return Facts(
        size=facts.size,
        kind=kind,
        media_type=facts.media_type,
        seconds=None if kind == "image" else longest,
        width=picture.codec_context.width if picture else None,
        height=picture.codec_context.height if picture else None,
        has_audio=sound is not None,
    )


def inspect(
    samples: Sequence[tuple[SampleRole, str, Path]],
    limits: Sequence[tuple[str, Limit]],
    faces: FaceFinder | None = None,
) -> list[Finding]:
    """Evaluate samples, given as (role, name, path), against (provider, limit) pairs."""
    findings: list[Finding] = []
    voice: list[Facts] = []
    count = sum(role is SampleRole.VOICE for role, _, _ in samples)
    if count > MAX_VOICE_SAMPLES:
        message = f"{count} voice samples were given; choose the best {MAX_VOICE_SAMPLES}"
        return [Finding(severity="error", subject="voice", message=message)]
    for role, name, path in samples:
        try:
            facts = probe(path, name)
        except MediaRejected as error:
            findings.append(Finding(severity="error", subject=name, message=str(error)))
            continue
        own = _of_one(role, name, facts)
        findings += own
        if any(f.severity == "error" for f in own):
            continue
        if role is SampleRole.VOICE:
            voice.append(facts)
        else:
            findings += _against("footage", name, _footage_values(facts), limits)
            if faces is not None and not any(f.severity == "error" for f in findings):
                findings += _faces(name, path, faces)
    findings += _against("voice", "voice", _voice_values(voice), limits)
    return findings


def _of_one(role: SampleRole, name: str, facts: Facts) -> list[Finding]:
    findings = []
    wanted, how = _WANTED[role]
    usable = facts.kind in wanted or (role is SampleRole.VOICE and facts.has_audio is not False)
    if not usable or (role is SampleRole.VOICE and facts.kind == "image"):
        message = f"{name} is {facts.kind}, and {role} needs {how}"
        findings.append(Finding(severity="error", subject=name, message=message))
    elif role is SampleRole.VOICE and facts.has_audio is False:
        message = f"{name} has no sound in it: record it again"
        findings.append(Finding(severity="error", subject=name, message=message))
    suffix = Path(name).suffix.lower()
    suffix, right = _SAYS.get(suffix, suffix), SUFFIXES[facts.media_type]
    if suffix and suffix != right:
        message = f"{name} is named {suffix} but holds {facts.media_type}: rename it to {right}"
        findings.append(Finding(severity="warning", subject=name, message=message))
    if facts.has_audio is None:
        message = (
            f"{name}: only its size and first bytes were looked at; "
            'pip install "avatarkit-sdk[media]" to look inside'
        )
        findings.append(Finding(severity="warning", subject=name, message=message))
    return findings


def _voice_values(voice: Sequence[Facts]) -> dict[str, float | None]:
    lengths = [f.seconds for f in voice]
    known = [s for s in lengths if s is not None]
    return {
        "voice_samples": float(len(voice)) if voice else None,
        "voice_seconds": sum(known) if known and len(known) == len(voice) else None,
        "voice_bytes": float(max((f.size for f in voice), default=0)) or None,
    }


def _footage_values(facts: Facts) -> dict[str, float | None]:
    sides = (facts.width, facts.height)
    known = [s for s in sides if s]
    return {
        "footage_seconds": facts.seconds,
        "footage_bytes": float(facts.size),
        "footage_pixels": float(min(known)) if known else None,
        "footage_megapixels": known[0] * known[1] / 1e6 if len(known) == len(sides) else None,
    }


#: What each bound is called, and what to do about a value outside of it.
_WORDS: Mapping[str, tuple[str, str]] = {
    "voice_samples": ("voice samples", "give another number of them"),
    "voice_seconds": ("seconds of voice", "record more speech, or cut it"),
    "voice_bytes": ("bytes of voice", "compress or cut it"),
    "footage_seconds": ("seconds of footage", "record a longer clip, or cut it"),
    "footage_bytes": ("bytes of footage", "compress or cut it"),
    "footage_pixels": ("pixels on the shorter side", "use a larger picture"),
    "footage_megapixels": ("megapixels", "scale it down"),
    "script_characters": ("characters", "split the text into several videos"),
}


def _against(
    group: str,
    subject: str,
    values: Mapping[str, float | None],
    limits: Sequence[tuple[str, Limit]],
) -> list[Finding]:
    findings = []
    for provider, limit in limits:
        value = values.get(limit.what)
        if not limit.what.startswith(group) or value is None:
            continue
        words, advice = _WORDS[limit.what]
        bound = None
        if limit.minimum is not None and value < limit.minimum:
            bound = f"at least {limit.minimum:g}"
        if limit.maximum is not None and value > limit.maximum:
            bound = f"at most {limit.maximum:g}"
        if bound:
            message = f"{subject}: {value:g} {words}, and {provider} takes {bound}; {advice}"
            findings.append(
                Finding(
                    severity=limit.severity,
                    subject=subject,
                    message=message,
                    rule=provider,
                    since=limit.since,
                )
            )
    return findings


#: A second face this large, against the first, makes it unclear whose avatar it would be.
_RIVAL = 0.5


def _faces(name: str, path: Path, finder: FaceFinder) -> list[Finding]:
    try:
        faces = finder.faces(path)
    except MediaRejected as error:
        return [Finding(severity="error", subject=name, message=str(error))]
    if not faces:
        message = f"{name}: no face was found; use a frontal, well lit picture of one person"
        return [Finding(severity="error", subject=name, message=message)]
    areas = [(f.box[2] - f.box[0]) * (f.box[3] - f.box[1]) for f in faces]
    rivals = sum(a >= _RIVAL * areas[0] for a in areas)
    if rivals > 1:
        message = f"{name}: {rivals} faces were found; crop it to the one person"
        return [Finding(severity="error", subject=name, message=message)]
    return []


def read_script(script: str, limits: Sequence[tuple[str, Limit]]) -> str:
    """Return the script without blank edges; raises ``MediaRejected`` where it cannot be said."""
    text = script.strip()
    if not text:
        raise MediaRejected("the script is empty: say at least one word")
    values = {"script_characters": float(len(text))}
    refuse(_against("script", "script", values, limits))
    return text


def refuse(findings: Sequence[Finding]) -> None:
    """Raise ``MediaRejected`` with every error among the findings, if there is one."""
    errors = [f.message for f in findings if f.severity == "error"]
    if errors:
        raise MediaRejected("; ".join(errors))
