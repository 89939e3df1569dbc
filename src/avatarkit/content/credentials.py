# ruff: noqa: RUF001 - labels in other scripts look like Latin here and there
"""Machine-readable AI labels for results: Content Credentials (C2PA), XMP, watermark, sidecars.

With a signer (extra ``c2pa``) a video, recording or picture gets Content Credentials; without one,
an XMP packet with the same statement, if ``xmp`` knows its format. A sidecar file beside each
marked file tells how it is marked.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self, cast

import anyio
import anyio.to_thread

from .. import errors
from .._log import get_logger
from ..errors import StorageError
from ..interfaces import MediaStore, Watermarker
from ..models import Model, StoredFile
from . import xmp
from .files import chunks as pieces
from .files import spool, temporary_folder, whole

#: IPTC's term for media from a model, as C2PA and XMP write it.
#: Source: https://cv.iptc.org/newscodes/digitalsourcetype/
AI_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
log = get_logger(__name__)

#: Suffix of a sidecar's key, after the key of its file.
SIDECAR = ".marking.json"

#: Language -> text of a visible label beside the video.
DISCLOSURES: Mapping[str, str] = {
    "ar": "تم إنشاء هذا الفيديو بواسطة الذكاء الاصطناعي. الصوت والصورة اصطناعيان.",
    "de": "Dieses Video wurde mit künstlicher Intelligenz erzeugt. Stimme und Bild sind "
    "synthetisch.",
    "en": "This video was made with artificial intelligence. Its voice and image are synthetic.",
    "es": "Este vídeo se ha creado con inteligencia artificial. La voz y la imagen son sintéticas.",
    "fr": "Cette vidéo a été créée par une intelligence artificielle. La voix et l'image sont "
    "synthétiques.",
    "hi": "यह वीडियो कृत्रिम बुद्धिमत्ता से बनाया गया है। आवाज़ और छवि कृत्रिम हैं।",
    "it": "Questo video è stato creato con l'intelligenza artificiale. La voce e l'immagine sono "
    "sintetiche.",
    "ja": "この動画はAIによって作成されました。音声と映像は合成されたものです。",
    "ko": "이 동영상은 인공지능으로 제작되었습니다. 음성과 영상은 합성된 것입니다.",
    "nl": "Deze video is gemaakt met kunstmatige intelligentie. Stem en beeld zijn synthetisch.",
    "pl": "Ten film został stworzony przez sztuczną inteligencję. Głos i obraz są syntetyczne.",
    "pt": "Este vídeo foi criado com inteligência artificial. A voz e a imagem são sintéticas.",
    "tr": "Bu video yapay zekâ ile oluşturulmuştur. Ses ve görüntü sentetiktir.",
    "uk": "Це відео створено за допомогою штучного інтелекту. Голос і зображення синтетичні.",
    "zh": "本视频由人工智能生成，声音和影像均为合成。",
}


#: Language -> notice that is spoken at the start of a recording without pictures.
SPOKEN: Mapping[str, str] = {
    "ar": "تم إنشاء هذا التسجيل بواسطة الذكاء الاصطناعي. الصوت اصطناعي.",
    "de": "Diese Aufnahme wurde mit künstlicher Intelligenz erzeugt. Die Stimme ist synthetisch.",
    "en": "This recording was made with artificial intelligence. The voice is synthetic.",
    "es": "Esta grabación se ha creado con inteligencia artificial. La voz es sintética.",
    "fr": "Cet enregistrement a été créé par une intelligence artificielle. La voix est "
    "synthétique.",
    "hi": "यह रिकॉर्डिंग कृत्रिम बुद्धिमत्ता से बनाई गई है। आवाज़ कृत्रिम है।",
    "it": "Questa registrazione è stata creata con l'intelligenza artificiale. La voce è "
    "sintetica.",
    "ja": "この録音はAIによって作成されました。音声は合成されたものです。",
    "ko": "이 녹음은 인공지능으로 제작되었습니다. 음성은 합성된 것입니다.",
    "nl": "Deze opname is gemaakt met kunstmatige intelligentie. De stem is synthetisch.",
    "pl": "To nagranie zostało stworzone przez sztuczną inteligencję. Głos jest syntetyczny.",
    "pt": "Esta gravação foi criada com inteligência artificial. A voz é sintética.",
    "tr": "Bu kayıt yapay zekâ ile oluşturulmuştur. Ses sentetiktir.",
    "uk": "Цей запис створено за допомогою штучного інтелекту. Голос синтетичний.",
    "zh": "本录音由人工智能生成，声音为合成。",
}
#: Abbreviation of "artificial intelligence" in an icon; "AI" in other languages.
_ABBREVIATIONS = {"de": "KI", "es": "IA", "fr": "IA", "it": "IA", "pt": "IA", "uk": "ШІ"}


def disclosure(language: str = "en", form: Literal["text", "spoken", "icon"] = "text") -> str:
    """Label in a language such as ``"pt"`` or ``"pt-BR"``; raises ``Unsupported``.

    ``"text"`` stands beside a video, ``"spoken"`` is read at the start of a recording without
    pictures, and ``"icon"`` is an SVG picture with the abbreviation and, in English, "GENERATED".
    The icon follows the description of the EU's icon; the official files are the Commission's.
    """
    short = language.replace("_", "-").partition("-")[0].lower()
    if short not in DISCLOSURES:
        raise errors.Unsupported(
            f"there is no label in {language!r}: choose one of {', '.join(DISCLOSURES)}"
        )
    if form == "icon":
        return _icon(_ABBREVIATIONS.get(short, "AI"), DISCLOSURES[short])
    return (SPOKEN if form == "spoken" else DISCLOSURES)[short]


def _icon(abbreviation: str, title: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" role="img">'
        f'<title>{title}</title><rect x="4" y="4" width="88" height="88" rx="16" fill="#fff"'
        ' stroke="#000" stroke-width="6"/><text x="48" y="56" text-anchor="middle"'
        f' font-family="sans-serif" font-weight="700" font-size="40">{abbreviation}</text>'
        '<text x="48" y="76" text-anchor="middle" font-family="sans-serif" font-weight="700"'
        ' font-size="12">GENERATED</text></svg>'
    )


#: Statement in the metadata, by the first part of the media type.
_STATEMENTS: Mapping[str, str] = {
    "video": DISCLOSURES["en"],
    "audio": "This recording was made with artificial intelligence. Its voice is synthetic.",
    "image": "This picture was made with artificial intelligence.",
}

_Carrier = Literal["c2pa", "vendor-c2pa", "xmp", "sidecar"]


class Mark(Model):
    """Sidecar: how a stored file is labelled as made by AI."""

    digital_source_type: str = AI_MADE
    statement: str = DISCLOSURES["en"]
    #: "c2pa": our Content Credentials; "vendor-c2pa": the vendor's own, unchanged, since a change
    #: would break them; "xmp": a packet in the file; "sidecar": only this sidecar
    carried_by: _Carrier
    #: state of the vendor's own Content Credentials; "unchecked" without the extra ``c2pa``
    vendor_credentials: Literal["valid", "invalid", "unchecked"] | None = None
    watermark: str | None = None  #: name of the imperceptible watermark in it
    sha256: str  #: of the file as it is stored
    size: int  #: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signer of Content Credentials: a certificate chain, and its key or a signing function."""

    certificates: str  #: PEM, the signer's own first
    #: PEM, PKCS#8; or a function from bytes to their signature, for a key in another system
    key: str | Callable[[bytes], bytes] = field(repr=False)
    algorithm: Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"] = "es256"
    timestamps: str | None = None  #: address of an RFC 3161 authority, which receives a digest

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self | None:
        """Read ``AVATARKIT_C2PA_CERTIFICATES`` and ``AVATARKIT_C2PA_KEY``, both paths, if set."""
        places = [environ.get(f"AVATARKIT_C2PA_{name}") for name in ("CERTIFICATES", "KEY")]
        if not any(places):
            return None
        if not all(places):
            raise errors.ConfigError(
                "set both AVATARKIT_C2PA_CERTIFICATES and AVATARKIT_C2PA_KEY, or neither"
            )
        try:
            certificates, key = (Path(place or "").read_text("ascii") for place in places)
        except (OSError, UnicodeDecodeError) as error:
            raise errors.ConfigError(f"the signer's files cannot be read: {error}") from error
        algorithm: Any = environ.get("AVATARKIT_C2PA_ALGORITHM", "es256").lower()
        stamps = environ.get("AVATARKIT_C2PA_TIMESTAMPS")
        return cls(certificates=certificates, key=key, algorithm=algorithm, timestamps=stamps)


class Marking:
    """Labelling of stored results: ``AvatarKit(marking=Marking(signer))``.

    ``watermarker`` adds an imperceptible watermark, before the file is signed. Raises
    ``ConfigError`` at once if the extra ``c2pa`` is missing, or the certificate or key is invalid.
    """

    def __init__(
        self, signer: Signer | None = None, *, watermarker: Watermarker | None = None
    ) -> None:
        if not isinstance(cast("object", signer), Signer | None):
            raise errors.ConfigError("signer must be a Signer: Marking(Signer(certificates, key))")
        self._signer = signer
        self._watermarker = watermarker
        if signer is not None:
            _try(signer)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the signer, and the watermarker that ``AVATARKIT_WATERMARKER`` names."""
        from .watermark import watermarker_from

        return cls(Signer.from_env(environ), watermarker=watermarker_from(environ))

    async def put(self, media: MediaStore, key: str, path: Path, media_type: str) -> StoredFile:
        """Mark a video, recording or picture in place and store it, with its sidecar.

        Raises ``StorageError`` if a signature cannot be made now; then nothing is stored.
        """
        if not marked_type(media_type):
            return await media.put(key, pieces(path), media_type)
        mark = await anyio.to_thread.run_sync(self.mark, path, media_type)
        stored = await media.put(key, pieces(path), media_type)
        if stored.size:
            await media.put(
                f"{key}{SIDECAR}",
                whole(mark.model_dump_json(indent=2).encode()),
                "application/json",
            )
        return stored

    def mark(self, path: Path, media_type: str) -> Mark:
        """Mark a file in place, as its last change; raises ``StorageError``. Blocking."""
        vendor = self._vendor(path, media_type)
        watermark = self._watermarked(path, media_type) if vendor is None else None
        carried = self._carried(path, media_type, vendor)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Mark(
            statement=_STATEMENTS[media_type.partition("/")[0]],
            carried_by=carried,
            vendor_credentials=vendor,
            watermark=watermark,
            sha256=digest,
            size=path.stat().st_size,
        )

    def _watermarked(self, path: Path, media_type: str) -> str | None:
        """Add the watermark and return its name; None for a file in which it is not found then."""
        marker = self._watermarker
        if marker is None or not marker.takes(media_type):
            return None
        try:
            marker.mark(path, media_type)
            found = marker.find(path, media_type)
        except errors.MediaRejected as error:
            log.warning("watermark.left_out", media_type=media_type, reason=str(error))
            return None
        if not found:
            log.warning("watermark.not_found", media_type=media_type)
        return marker.name if found else None

    def _vendor(
        self, path: Path, media_type: str
    ) -> Literal["valid", "invalid", "unchecked"] | None:
        """State of the Content Credentials that a file came with; broken ones are logged."""
        if not has_credentials(path):
            return None
        try:
            state = verified(path, media_type).state
        except errors.ConfigError:
            return "unchecked"
        if state == "invalid":
            log.warning("credentials.vendor_invalid", media_type=media_type)
        return state

    def _carried(self, path: Path, media_type: str, vendor: str | None) -> _Carrier:
        """Add the mark. Broken credentials stay as they are: a signature would hide them."""
        if vendor == "invalid":
            return "sidecar"
        parent = vendor is not None
        if self._signer and _signed(path, media_type, self._signer, vendor=parent):
            return "c2pa"
        if vendor:
            return "vendor-c2pa"
        packet = xmp.packet(AI_MADE, _STATEMENTS[media_type.partition("/")[0]])
        return "xmp" if xmp.add(path, media_type, packet, AI_MADE.encode()) else "sidecar"


def marked_type(media_type: str) -> bool:
    """True for a file that people see or hear."""
    return media_type.partition("/")[0] in _STATEMENTS


async def write(
    media: MediaStore, stored: StoredFile, path: Path, marking: Marking | None
) -> Mark | None:
    """Write a stored file to ``path``; mark it if it is not marked yet."""
    await spool(path, media.open(stored.key))
    if marking is None or not marked_type(stored.media_type):
        return None
    known = await _mark_of(media, stored)
    return known or await anyio.to_thread.run_sync(marking.mark, path, stored.media_type)


async def save(
    media: MediaStore, stored: StoredFile, path: Path, marking: Marking | None, *, name: str
) -> Path:
    """Write a stored file to ``path``, all or nothing; a mark that it cannot hold goes beside it.

    In a folder it is called ``name``. A symbolic link stays, and what it leads to is written.
    Raises ``StorageError`` if the path cannot be written, or is a device or a pipe.
    """
    try:
        path = path / name if await anyio.Path(path).is_dir() else path
        target = anyio.Path(await anyio.to_thread.run_sync(_target, path))
        part = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            mark = await write(media, stored, Path(part), marking)
            await part.replace(target)
        finally:
            await part.unlink(missing_ok=True)
        if mark is not None and mark.carried_by == "sidecar":
            beside = target.with_name(f"{target.name}{SIDECAR}")
            await beside.write_text(mark.model_dump_json(indent=2))
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _target(path: Path) -> Path:
    """Path that is to be written, behind symbolic links; raises ``StorageError``; blocking."""
    target = Path(os.path.realpath(path))
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise StorageError(f"{path} is a device, a pipe or a loop of links: name a file")
    return target


#: Type of the JUMBF box of a C2PA manifest store (C2PA 2.1, 11.1.4.2), in files of all formats.
_STORE = b"jumdc2pa\x00\x11\x00\x10"


def has_credentials(path: Path) -> bool:
    """True if a file contains Content Credentials, valid or not; blocking."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(_STORE) >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Content Credentials, as the library's reader validates them."""

    state: Literal["valid", "invalid"]
    trusted: bool  #: signed by a certificate on the library's trust list
    ai_made: bool  #: the active manifest says that a model made it
    signer: str | None
    time: str | None  #: of the timestamp authority, ISO 8601
    problems: tuple[str, ...]  #: codes of failed validations


def verified(path: Path, media_type: str) -> Verified:
    """Validate the Content Credentials of a file; blocking.

    Raises ``ConfigError`` without the extra ``c2pa``.
    """
    c2pa = _c2pa()
    try:
        with path.open("rb") as file, c2pa.Reader(media_type, file) as reader:
            state, told = reader.get_validation_state(), json.loads(reader.json())
    except c2pa.C2paError as error:
        problem = type(error).__name__.lstrip("_")
        return Verified(
            state="invalid",
            trusted=False,
            ai_made=False,
            signer=None,
            time=None,
            problems=(problem,),
        )
    active = told["manifests"].get(told.get("active_manifest"), {})
    signature = active.get("signature_info", {})
    statuses = told.get("validation_status", ())
    codes = (str(status["code"]) for status in statuses)
    return Verified(
        state="invalid" if state == "Invalid" else "valid",
        trusted=state == "Trusted",
        ai_made=AI_MADE in json.dumps(active.get("assertions", ())),
        signer=signature.get("issuer"),
        time=signature.get("time"),
        problems=tuple(code for code in codes if code != "signingCredential.untrusted"),
    )


def _c2pa() -> Any:
    try:
        return import_module("c2pa")
    except ImportError as error:
        raise errors.ConfigError(
            'Content Credentials need an extra: pip install "avatarkit-sdk[c2pa]"'
        ) from error


def _made(signer: Signer) -> Any:
    """Create the library's signer; raises ``ConfigError``."""
    c2pa = _c2pa()
    try:
        if callable(signer.key):
            algorithm = c2pa.C2paSigningAlg[signer.algorithm.upper()]
            certificates, stamps = signer.certificates, signer.timestamps
            return c2pa.Signer.from_callback(signer.key, algorithm, certificates, stamps)
        given = (signer.algorithm, signer.certificates, signer.key, signer.timestamps)
        info = c2pa.C2paSignerInfo(*(None if part is None else part.encode() for part in given))
        return c2pa.Signer.from_info(info)
    except (c2pa.C2paError, KeyError, ValueError) as error:
        raise errors.ConfigError(
            f"the signer of Content Credentials is invalid: {type(error).__name__}; give a PEM "
            "chain, the key of its first certificate, and that key's algorithm"
        ) from error


def _try(signer: Signer) -> None:
    """Sign a minimal file without a timestamp, as a check; raises ``ConfigError``."""
    with temporary_folder() as folder:
        path = folder / "trial"
        path.write_bytes(struct.pack(">I8sI", 16, b"ftypisom", 0))
        try:
            _signed(path, "video/mp4", replace(signer, timestamps=None), vendor=False)
        except errors.StorageError as error:
            raise errors.ConfigError(str(error)) from error


def _signed(path: Path, media_type: str, signer: Signer, *, vendor: bool) -> bool:
    """Add Content Credentials to a file; False if it is damaged or its format has none."""
    c2pa = _c2pa()
    # A file with credentials was "opened", others were "created" (C2PA 2.1, 18.15.4.7).
    action: dict[str, Any] = {"action": "c2pa.created", "digitalSourceType": AI_MADE}
    if vendor:
        action |= {"action": "c2pa.opened", "parameters": {"ingredientIds": [_VENDORS]}}
    manifest = {
        "claim_generator_info": [{"name": "avatarkit", "version": _version()}],
        "format": media_type,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    target = path.with_name(f"{path.name}.signed")
    try:
        with (
            _ONE_AT_A_TIME,
            _made(signer) as made,
            path.open("rb") as source,
            target.open("w+b") as out,
        ):
            context = c2pa.Context(settings=c2pa.Settings.from_dict(_SETTINGS))
            builder = c2pa.Builder(manifest, context=context)
            if vendor:
                parent = {"title": "video", "relationship": "parentOf", "label": _VENDORS}
                builder.add_ingredient(parent | {"instance_id": _VENDORS}, media_type, source)
                source.seek(0)
            builder.sign(made, media_type, source, out)
        target.replace(path)
    except c2pa.C2paError as error:
        if any(words in str(error) for words in _DAMAGED):
            return False
        raise errors.StorageError(f"Content Credentials cannot be made: {error}") from error
    finally:
        target.unlink(missing_ok=True)
    return True


_VENDORS = "vendor"
#: The library holds a file in memory while it signs, once with these settings and else twice.
_ONE_AT_A_TIME = threading.Lock()
_SETTINGS = {
    "core": {"backing_store_memory_threshold_in_mb": 8},
    "builder": {"thumbnail": {"enabled": False}},
}
#: Messages of the library if the video, not the signer, is the cause.
_DAMAGED = ("could not be parsed", "failed to fill whole buffer", "type is unsupported")


@cache
def _version() -> str:
    from importlib.metadata import version

    return version("avatarkit-sdk")


async def _mark_of(media: MediaStore, stored: StoredFile) -> Mark | None:
    """Sidecar of a stored file; None unless its digest is that of the file."""
    try:
        body = b"".join([chunk async for chunk in media.open(f"{stored.key}{SIDECAR}")])
        mark = Mark.model_validate_json(body)
    except (errors.NotFound, ValueError):
        return None
    return mark if mark.sha256 == stored.sha256 else None
