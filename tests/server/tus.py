"""Headers of tus 1.0."""

from __future__ import annotations

TUS = {"tus-resumable": "1.0.0"}


def chunk(offset):
    """Headers of a chunk that begins at an offset."""
    kind = "application/offset+octet-stream"
    return TUS | {"upload-offset": str(offset), "content-type": kind}
