"""HeyGen's assets: recordings and pictures, uploaded free of charge before the paid call."""

from __future__ import annotations

from typing import Any

from ... import errors
from ...models import Media, Operation, VendorRequest
from ..http import HttpProvider, as_object, id_at, path_segment, text_at, value_at

#: Larger uploads go directly to the vendor's storage (bytes).
_SMALL = 32_000_000
#: Media types that HeyGen accepts as uploads.
_UPLOADS = (
    *("audio/mpeg", "audio/wav", "image/jpeg", "image/png", "video/mp4", "video/webm"),
    "application/x-subrip",
)


class Uploads(HttpProvider):
    """Role base: assets at ``/assets``."""

    async def _upload(self, operation: Operation, media: Media) -> str:
        """Upload, and return the asset's id; HeyGen keeps the asset until it is deleted."""
        if media.media_type not in _UPLOADS:
            raise errors.Unsupported(
                f"heygen takes no {media.media_type} ({media.name}): convert it to MP3, WAV, MP4, "
                "WebM, JPEG or PNG."
            )
        if media.size <= _SMALL:
            files = [("file", media)]
            raw = await self._call("POST", "/assets", operation=operation, files=files)
        else:
            raw = await self._upload_directly(operation, media)
        asset = id_at(raw, "data.asset_id")
        if asset is None:
            raise self._bad(operation, "the answer to the upload has no id")
        return asset

    async def _upload_directly(self, operation: Operation, media: Media) -> dict[str, Any]:
        begun = await self._call(
            "POST",
            "/assets/direct-uploads",
            operation=operation,
            body={
                "filename": media.name,
                "content_type": media.media_type,
                "size_bytes": media.size,
                "checksum_sha256": media.sha256,
            },
        )
        asset = id_at(begun, "data.asset_id")
        address = text_at(begun, "data.upload_url")
        if asset is None or not self._is_link(address):
            raise self._bad(operation, "the answer to the upload has no URL")
        headers = as_object(value_at(begun, "data.upload_headers"))
        await self._call("PUT", address, operation=operation, content=media, headers=headers)
        path = f"/assets/{path_segment(asset)}/complete"
        return await self._call("POST", path, operation=operation, body={})

    def _asset(self, request: VendorRequest, name: str = "asset_id") -> str:
        asset = request.prepared.get(name)
        if not asset:
            raise errors.Unsupported(
                "heygen takes recordings as uploads: call prepare() first, and pass its result as "
                "`prepared`."
            )
        return str(asset)


def by_id(asset_id: str) -> dict[str, str]:
    """Refer to an asset in a request."""
    return {"type": "asset_id", "asset_id": asset_id}
