"""What changes in a Supabase project, heard over its Realtime websocket.

Of the protocol (https://supabase.com/docs/guides/realtime/protocol, 1.0.0) this speaks what is
needed: join one channel, keep it alive, read the ids of changed rows. The official client would
bring HTTP/2 and bounds on httpx and websockets; it gives up for good after five failures without a
word, and a refused join raises nothing in it. Here whatever goes wrong raises, and who listens
begins anew and looks at what he missed.
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

__all__ = ["changes"]

_TOPIC = "realtime:avatarkit"
#: Seconds between heartbeats: the server hangs up on who is silent for longer than 25.
_BEAT = 20.0
#: Seconds in which the channel must be joined, and the database listened to there.
_PATIENCE = 30.0
#: Seconds for a farewell.
_GOODBYE = 1.0
#: Bytes of a message: a row that is larger is cut short by the server, and keeps its id.
_LARGEST = 4 << 20

#: The library's own would log the address of the connection, in which the key stands.
_SILENT = logging.Logger("realtime", logging.CRITICAL + 1)  # noqa: LOG001 - nobody turns it on


async def changes(
    place: str, key: str, user_token: str | None = None
) -> AsyncGenerator[str | None, None]:
    """Yield None once changes are heard, then the id of each training or video that changes.

    ``place`` is the project's address. With a ``user_token`` only that user's rows are heard.
    Raises ``ConfigError`` without the package ``websockets``, ``StorageError`` where changes are
    not heard, or no longer.
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
            await socket.send(_message("phx_join", _TOPIC, _joining(user_token)))
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
        raise StorageError(f"Realtime of {place} is not there ({type(error).__name__})") from None
    except (ValueError, LookupError, TypeError) as error:
        raise StorageError(
            f"Realtime of {place} says what is not understood ({type(error).__name__})"
        ) from None


async def _heard(socket: Any, place: str) -> AsyncGenerator[str | None, None]:
    """Read what comes, and send a heartbeat where one is due."""
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
    told = {"topic": topic, "event": event, "payload": payload, "ref": "1", "join_ref": "1"}
    return json.dumps(told)


def _joining(user_token: str | None) -> dict[str, Any]:
    """What is asked for: updates of both tables, and nothing that other clients send."""
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
    token = {} if user_token is None else {"access_token": user_token}
    return {"config": config, **token}


def _refuse_end(message: Mapping[str, Any], place: str) -> None:
    """Raise where the channel was refused, or has come to its end."""
    event, payload = message["event"], message["payload"]
    if event in {"phx_reply", "system"} and payload["status"] != "ok":
        said = payload["response"]["reason"] if event == "phx_reply" else payload["message"]
    elif event in {"phx_close", "phx_error"}:
        said = event
    else:
        return
    code, _, _ = str(said).partition(":")  # what follows may quote the token
    raise StorageError(f"Realtime of {place} tells of no changes ({code[:80]})")


def _subscribed(message: Mapping[str, Any]) -> bool:
    """Whether the database is listened to from now on; a channel is joined some time before."""
    told = message["event"], message["payload"].get("extension")
    return told == ("system", "postgres_changes")
