"""HTTP: one request and its outcome, request bodies, and downloads.

The only package that imports the HTTP client.
"""

from __future__ import annotations

from .bodies import Multipart, Upload
from .client import (
    Call,
    Client,
    Explanation,
    HttpRequest,
    Streamed,
    new_client,
    parsed,
    retried,
    send,
    send_any,
    stream,
)
from .download import HttpFetcher, fetch, look

__all__ = [
    "Call",
    "Client",
    "Explanation",
    "HttpFetcher",
    "HttpRequest",
    "Multipart",
    "Streamed",
    "Upload",
    "fetch",
    "look",
    "new_client",
    "parsed",
    "retried",
    "send",
    "send_any",
    "stream",
]
