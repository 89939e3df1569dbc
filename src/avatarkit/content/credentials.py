# ruff: noqa: RUF001 - labels in other scripts look like Latin here and there
"""Machine-readable AI labels for finished videos: Content Credentials (C2PA), XMP, sidecars.

With a signer (extra ``c2pa``) a video gets Content Credentials; without one, an MP4 gets an XMP
packet with the same statement. A sidecar file beside each marked video tells how it is marked.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

import anyio
import anyio.to_thread

from .. import errors
from ..errors import AvatarKitError, StorageError
from ..interfaces import MediaStore
from ..models import Model, StoredFile
from .files import chunks as pieces
from .files import spool, whole

#: IPTC's term for media from a model, as C2PA and XMP write it.
#: Source: https://cv.iptc.org/newscodes/digitalsourcetype/
AI_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
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


def disclosure(language: str = "en") -> str:
    """Text of the label in a language such as ``"pt"`` or ``"pt-BR"``; raises ``Unsupported``."""
    text = DISCLOSURES.get(language.replace("_", "-").partition("-")[0].lower())
    if text is None:
        raise errors.Unsupported(
            f"there is no label in {language!r}: choose one of {', '.join(DISCLOSURES)}"
        )
    return text


_Carrier = Literal["c2pa", "vendor-c2pa", "xmp", "sidecar"]


class Mark(Model):
    """Sidecar: how a stored file is labelled as made by AI."""

    digital_source_type: str = AI_MADE
    statement: str = DISCLOSURES["en"]
    #: "c2pa": our Content Credentials; "vendor-c2pa": the vendor's own, unchanged, since a change
    #: would break them; "xmp": a packet in the file; "sidecar": only this sidecar
    carried_by: _Carrier
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
    """Labelling of stored videos: ``AvatarKit(marking=Marking(signer))``.

    Raises ``ConfigError`` at once if the extra ``c2pa`` is missing, or the certificate or key is
    invalid.
    """

    def __init__(self, signer: Signer | None = None) -> None:
        self._signer = signer
        if signer is not None:
            _try(signer)

    async def put(self, media: MediaStore, key: str, path: Path, media_type: str) -> StoredFile:
        """Mark a video in place and store it, with its sidecar.

        Raises ``StorageError`` if a signature cannot be made now; then nothing is stored.
        """
        if not media_type.startswith("video/"):
            return await media.put(key, pieces(path), media_type)
        carried = await anyio.to_thread.run_sync(self._marked, path, media_type)
        stored = await media.put(key, pieces(path), media_type)
        if stored.size:
            mark = Mark(carried_by=carried, sha256=stored.sha256, size=stored.size)
            await media.put(
                f"{key}{SIDECAR}",
                whole(mark.model_dump_json(indent=2).encode()),
                "application/json",
            )
        return stored

    def mark(self, path: Path, media_type: str) -> Mark:
        """Mark a file in place, as its last change; raises ``StorageError``. Blocking."""
        carried = self._marked(path, media_type)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Mark(carried_by=carried, sha256=digest, size=path.stat().st_size)

    def _marked(self, path: Path, media_type: str) -> _Carrier:
        boxes = list(_boxes(path)) if media_type in _BOXED else []
        vendor = any(kind == _C2PA for kind, _, _ in boxes)
        if boxes and self._signer and _signed(path, media_type, self._signer, vendor=vendor):
            return "c2pa"
        if vendor:
            return "vendor-c2pa"
        if not boxes:
            return "sidecar"
        if not any(kind == _XMP and AI_MADE.encode() in _read(path, *at) for kind, *at in boxes):
            with path.open("ab") as file:
                file.write(struct.pack(">I", 8 + len(_XMP) + len(_PACKET)) + b"uuid")
                file.write(_XMP + _PACKET)
        return "xmp"


async def write(
    media: MediaStore, stored: StoredFile, path: Path, marking: Marking | None
) -> Mark | None:
    """Write a stored file to ``path``; mark a video that is not marked yet."""
    await spool(path, media.open(stored.key))
    if marking is None or not stored.media_type.startswith("video/"):
        return None
    known = await _mark_of(media, stored)
    return known or await anyio.to_thread.run_sync(marking.mark, path, stored.media_type)


async def save(media: MediaStore, stored: StoredFile, path: Path, marking: Marking | None) -> Path:
    """Write a stored file to ``path``, all or nothing; a mark that it cannot hold goes beside it.

    Raises ``StorageError`` if the path cannot be written.
    """
    target = anyio.Path(path)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        mark = await write(media, stored, Path(part), marking)
        await part.replace(target)
        if mark is not None and mark.carried_by == "sidecar":
            beside = target.with_name(f"{target.name}{SIDECAR}")
            await beside.write_text(mark.model_dump_json(indent=2))
    except AvatarKitError:
        raise
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        await part.unlink(missing_ok=True)
    return path


#: Media types whose files consist of boxes; another box may be appended.
_BOXED = ("video/mp4", "video/quicktime")
#: The ``uuid`` boxes of C2PA (C2PA 2.1, A.5.1) and of XMP (XMP part 3, 1.2.7.1).
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    f' Iptc4xmpExt:DigitalSourceType="{AI_MADE}"><dc:description><rdf:Alt>'
    f'<rdf:li xml:lang="x-default">{DISCLOSURES["en"]}</rdf:li>'
    "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
).encode()


def _boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Kind, offset and size of the top-level boxes; empty if no box can be appended."""
    found: list[tuple[bytes, int, int]] = []
    at, end = 0, path.stat().st_size
    with path.open("rb") as file:
        while at < end:
            file.seek(at)
            head = file.read(24)
            if len(head) < 8:
                return
            size, kind = struct.unpack(">I4s", head[:8])
            if size == 1 and len(head) >= 16:
                (size,) = struct.unpack(">Q", head[8:16])
            if size < 8 or at + size > end:  # 0 is "to the end of the file"
                return
            found.append((head[8:24] if kind == b"uuid" else kind, at, size))
            at += size
    if found and found[0][0] == b"ftyp":
        yield from found


def _read(path: Path, at: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(min(size, 1 << 20))


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
    with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
        path = Path(folder) / "trial"
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
        with _made(signer) as made, path.open("rb") as source, target.open("w+b") as out:
            builder = c2pa.Builder(manifest)
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
