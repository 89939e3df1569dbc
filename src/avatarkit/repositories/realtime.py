"""Changes in a Supabase project, over its Realtime websocket.

A minimal client of the protocol (https://supabase.com/docs/guides/realtime/protocol, 1.0.0): join
one channel, send heartbeats, read the ids of changed rows. The official client would bring HTTP/2
and version bounds on httpx and websockets; it silently gives up after five failures, and does not
report a refused join. Here every failure raises, so that the caller connects again and reads what
it missed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import anyio

from ..errors import ConfigError, StorageError
from . import rows

_TOPIC = "realtime:avatarkit"
#: Seconds between heartbeats: the server closes a connection after 25 s of silence.
_BEAT = 20.0
#: Seconds in which the server must confirm the channel and its subscription to the database.
_PATIENCE = 30.0
#: Seconds for closing the connection.
_GOODBYE = 1.0
#: Bytes of a message, at most: the server truncates larger rows, but not their id.
_LARGEST = 4 << 20

#: The library's own logger would log the address of the connection, which contains the key.
_SILENT = logging.Logger("realtime", logging.CRITICAL + 1)  # noqa: LOG001 - it stays off


async def changes(place: str, key: str) -> AsyncGenerator[str | None, None]:
    """Yield None once subscribed, then the id of each training or video that changes.

    ``place`` is the project's address. Raises ``ConfigError`` without the package ``websockets``,
    ``StorageError`` if the subscription fails or ends.
    """
    try:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException
    except ImportError as error:
        raise ConfigError(
            f'Realtime needs one more package: pip install "avatarkit-sdk[supabase]" ({error})'
        ) from error
    address = f"ws{place.removeprefix('http')}/realtime/v1/websocket"
    try:
        socket = await connect(
            f"{address}?apikey={quote(key, safe='')}&vsn=1.0.0",
            logger=_SILENT,
            max_size=_LARGEST,
            open_timeout=_PATIENCE,
        )
        try:
            await socket.send(_message("phx_join", _TOPIC, _joining()))
            async with aclosing(_heard(socket, place)) as heard:
                async for record_id in heard:
                    yield record_id
        finally:
            with anyio.move_on_after(_GOODBYE, shield=True):
                await socket.close()
    except StorageError:
        raise
    except (WebSocketException, OSError, TimeoutError) as error:
        # its message may quote the address
        raise StorageError(
            f"Realtime of {place} cannot be reached ({type(error).__name__})"
        ) from None
    except (ValueError, LookupError, TypeError) as error:
        raise StorageError(
            f"unexpected message from Realtime of {place} ({type(error).__name__})"
        ) from None


async def _heard(socket: Any, place: str) -> AsyncGenerator[str | None, None]:
    """Read messages, and send a heartbeat whenever one is due."""
    subscribed, unanswered = False, False
    due = anyio.current_time() + _PATIENCE
    while True:
        message: Any = None
        with anyio.move_on_after(due - anyio.current_time()):
            message = json.loads(await socket.recv())
        if message is None:
            if unanswered or not subscribed:
                raise StorageError(f"Realtime of {place} does not answer")
            await socket.send(_message("heartbeat", "phoenix", {}))
            due, unanswered = anyio.current_time() + _BEAT, True
        elif message["topic"] == "phoenix":
            unanswered = False
        else:
            _refuse_end(message, place)
            if not subscribed and _subscribed(message):
                subscribed, due = True, anyio.current_time() + _BEAT
                yield None
            elif message["event"] == "postgres_changes":
                yield message["payload"]["data"]["record"]["id"]


def _message(event: str, topic: str, payload: Mapping[str, Any]) -> str:
    message = {"topic": topic, "event": event, "payload": payload, "ref": "1", "join_ref": "1"}
    return json.dumps(message)


def _joining() -> dict[str, Any]:
    """Payload of the join: updates of both tables, no messages of other clients."""
    updates = [
        {"event": "UPDATE", "schema": "public", "table": table}
        for _, table in rows.RECORDS.values()
    ]
    config = {
        "broadcast": {"ack": False, "self": False},
        "presence": {"enabled": False},
        "postgres_changes": updates,
        "private": False,
    }
    return {"config": config}


def _refuse_end(message: Mapping[str, Any], place: str) -> None:
    """Raise ``StorageError`` if the channel was refused or has ended."""
    event, payload = message["event"], message["payload"]
    if event in {"phx_reply", "system"} and payload["status"] != "ok":
        said = payload["response"]["reason"] if event == "phx_reply" else payload["message"]
    elif event in {"phx_close", "phx_error"}:
        said = event
    else:
        return
    code, _, _ = str(said).partition(":")  # the rest may quote the token
    raise StorageError(f"Realtime of {place} refused the subscription ({code[:80]})")


def _subscribed(message: Mapping[str, Any]) -> bool:
    """True if the subscription to the database has begun, some time after the join."""
    kind = message["event"], message["payload"].get("extension")
    return kind == ("system", "postgres_changes")
