"""Connections above the limit, without a real server: ``tests/cli/test_serve.py`` has one."""

import asyncio

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from avatarkit.server import connections

pytestmark = pytest.mark.anyio


class Gone(asyncio.Transport):
    """A connection whose client has closed it before it was answered."""

    def __init__(self, error):
        super().__init__()
        self.error, self.written, self.aborted = error, b"", False

    def write(self, data):
        self.written += data

    def write_eof(self):
        if self.error is not None:
            raise self.error

    def abort(self):
        self.aborted = True


@pytest.mark.parametrize(
    "error",
    [None, OSError(107, "not connected"), ConnectionResetError(104, "reset"), BrokenPipeError()],
    ids=["there", "not connected", "reset", "broken"],
)
async def test_a_client_above_the_limit_that_has_gone_is_no_error(error):
    config = Config(lambda *_: None, lifespan="off", log_config=None)
    config.load()
    state, limits = ServerState(), connections.Limits(connections=1, client_timeout=20.0)
    for transport in (Gone(None), last := Gone(error)):
        served = connections.protocol(limits)(config=config, server_state=state, app_state={})
        served.connection_made(transport)
    assert b" 503 " in last.written
    assert last.aborted == (error is not None)
