"""Rows of the SQL repositories: a JSON document, and columns for queries and people.

The document is the source of truth; all other columns are derived from it on each write. Times are
seconds since 1970; ``in_json`` converts them to ISO 8601 for PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from .._log import get_logger
from ..errors import StorageError
from ..interfaces import LogEntry, LogPage, Page
from ..models import Consent, Model, Operation, VendorEvent
from ..records import Record, Sample, Training, Video
from . import rules

log = get_logger(__name__)

M = TypeVar("M", bound=Model)
Kind = Literal["training", "video"]

#: Model and table of each kind of record.
RECORDS: Mapping[str, tuple[type[Record], str]] = {
    "training": (Training, "avatar_training"),
    "video": (Video, "avatar_videos"),
}
SAMPLES: Mapping[str, str] = {"voice": "voice_samples", "footage": "video_samples"}


def kind_of(record: Record) -> Kind:
    """Kind of a record."""
    return "video" if isinstance(record, Video) else "training"


def record_row(record: Record, doc: str) -> dict[str, Any]:
    """Columns of a training or a video; ``*_url`` hold keys of the media store."""
    states = {state.operation: state for state in record.operations}
    keys = {name: file.key for name, file in record.files.items()}
    row = {
        "id": record.id,
        "user_id": record.user_id,
        "clone_id": record.clone_id,
        "stack": record.stack,
        "idempotency_key": record.idempotency_key,
        "status": str(record.status),
        "progress": record.progress,
        "waits_for": rules.waits_for(record),
        "error_message": record.error_message,
        "error_type": record.error_type,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "next_at": record.next_at,
        "deleted": record.deleted,
        "version": record.version,
        "doc": doc,
    }
    if isinstance(record, Video):
        speaker = states.get(Operation.SPEECH) or states.get(Operation.VIDEO)
        maker = states.get(Operation.VIDEO) or states.get(Operation.DUB)
        return row | {
            "training_id": record.training_id,
            "voice_provider": speaker and speaker.provider,
            "provider_voice_id": record.voice_id,
            "avatar_provider": maker and maker.provider,
            "provider_avatar_id": record.avatar_id,
            "video_url": keys.get("video"),
            "thumbnail_url": keys.get("thumbnail"),
            "started_at": record.started_at,
            "completed_at": record.completed_at,
        }
    voice, avatar = states.get(Operation.VOICE), states.get(Operation.AVATAR)
    return row | {
        "voice_provider": voice and voice.provider,
        "provider_voice_id": voice and voice.usable_id,
        "avatar_provider": avatar and avatar.provider,
        "provider_avatar_id": avatar and avatar.usable_id,
        "avatar_video_url": keys.get("preview"),
        "avatar_thumbnail_url": keys.get("thumbnail"),
        # The preview, in which the avatar speaks: no vendor returns another sample video.
        "sample_video_url": keys.get("preview"),
        "training_started_at": record.started_at,
        "training_completed_at": record.completed_at,
    }


def sample_row(sample: Sample) -> dict[str, Any]:
    """Columns of a sample; its role selects the table."""
    doc, sample = rules.as_stored(sample)
    return {
        "id": sample.id,
        "user_id": sample.user_id,
        "clone_id": sample.clone_id,
        "file_path": sample.file.key,
        "content_type": sample.file.media_type,
        "size_bytes": sample.file.size,
        "sha256": sample.file.sha256,
        "created_at": sample.created_at,
        "doc": doc,
    }


def consent_row(consent: Consent) -> dict[str, Any]:
    """Columns of a consent."""
    doc, consent = rules.as_stored(consent)
    return {
        "id": consent.id,
        "user_id": consent.user_id,
        "subject": consent.subject,
        "real_person": consent.real_person,
        "given_at": consent.given_at,
        "doc": doc,
    }


def in_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Row as PostgreSQL's functions take it: times are ISO 8601."""
    return {
        **row,
        **{name: iso(row[name]) for name in _TIMES & row.keys() if row[name] is not None},
    }


_TIMES = frozenset(
    {"at", "given_at", "created_at", "updated_at", "next_at", "started_at", "completed_at"}
    | {"training_started_at", "training_completed_at"}
)


def iso(at: float) -> str:
    """Format a time as ISO 8601; raises ``StorageError`` for a time that cannot be stored."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat()
    except (OverflowError, ValueError):
        raise StorageError(f"{at!r} is no time that a database can store") from None


def seconds(text: str) -> float:
    """Parse a time in ISO 8601: seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def read(model: type[M], doc: str, *, table: str, row_id: str, place: str) -> M:
    """Read a document; raises ``StorageError`` that names the row and quotes none of its text."""
    try:
        return model.model_validate_json(doc)
    except ValidationError as error:
        raise StorageError(
            f"the document of {row_id!r} in table {table} of {place} cannot be read "
            f"({rules.describe(error)}): repair its column doc, or restore a backup"
        ) from None  # its cause quotes personal data


def record(kind: str, row_id: str, doc: str, *, place: str) -> Record:
    """Read a training or a video; raises ``StorageError``, also for another row's document."""
    model, table = RECORDS[kind]
    found = read(model, doc, table=table, row_id=row_id, place=place)
    if found.id != row_id and rules.spelt(found.id) != rules.spelt(row_id):
        raise StorageError(
            f"the document of {row_id!r} in table {table} of {place} is that of another record: "
            "repair its column doc, or restore a backup"
        )
    return found


def readable(kind: str, row_id: str, doc: str, *, place: str) -> Record | None:
    """Read a record; log a warning and return None if that fails, so that others go on."""
    try:
        return record(kind, row_id, doc, place=place)
    except StorageError as error:
        log.warning("record.unreadable", id=row_id, error=str(error))
        return None


def page(kind: str, found: Sequence[Sequence[Any]], limit: int, *, place: str) -> Page[Record]:
    """Page of (id, created_at, document); the query asked for one row more than ``limit``."""
    last = found[limit - 1] if len(found) > limit else None
    records = (readable(kind, row_id, doc, place=place) for row_id, _, doc in found[:limit])
    return Page(
        tuple(record for record in records if record is not None),
        rules.pack_cursor(last[1], last[0]) if last else None,
    )


class _Delivery(Model):
    """Document of a delivery; empty if another program logged it."""

    signed: bool = False
    token: str | None = None
    events: tuple[VendorEvent, ...] = ()


def log_doc(entry: LogEntry) -> str:
    """Write the document of a delivery."""
    delivery = _Delivery(signed=entry.signed, token=entry.token, events=entry.events)
    return rules.as_stored(delivery)[0]


def naming(record_id: str) -> str:
    """Text in the document of a delivery that names a token of the record."""
    return f'"token":"ak-{record_id}-'


def log_entry(columns: Mapping[str, Any], doc: str | None, *, place: str) -> LogEntry:
    """Read a delivery from its columns, ``payload`` as bytes, and its document."""
    row_id = f"{columns['provider']} {columns['event_id']}"
    found = read(_Delivery, doc or "{}", table="avatar_webhooks", row_id=row_id, place=place)
    return LogEntry(**columns, signed=found.signed, token=found.token, events=found.events)


def log_page(found: Sequence[LogEntry], limit: int) -> LogPage:
    """Page of the log; the query asked for one row more than ``limit``."""
    last = found[limit - 1] if len(found) > limit else None
    cursor = rules.pack_cursor(last.received_at, rules.log_key(last)) if last else None
    return LogPage(tuple(found[:limit]), cursor)
