"""The server over PostgreSQL, which refuses what other databases take."""

from __future__ import annotations

import pytest

from avatarkit import AvatarKit
from avatarkit.config.settings import Settings
from avatarkit.media.folder import FolderStore
from avatarkit.providers.fake import Fake
from avatarkit.testing import FakeClock

from .test_postgres_repository import opened

pytestmark = pytest.mark.anyio

TOKEN, SECRET = "token-of-ana-0123456789", "secret-of-the-inbox-0123"


@pytest.fixture
async def ana(tmp_path, cluster, fresh_database, supabase_template):
    """A client of a server whose records are in a real database."""
    httpx = pytest.importorskip("httpx")
    server = pytest.importorskip("avatarkit.server")
    name = fresh_database(supabase_template("plain"))
    async with opened(cluster.dsn(name), FakeClock(), virtual=True) as repository:
        kit = AvatarKit(
            "fake",
            repository=repository,
            media=FolderStore(tmp_path / "media"),
            providers={"fake": Fake()},
            settings=Settings(),
            worker=False,
        )
        app = server.create_app(
            kit,
            authenticate=server.BearerTokens({TOKEN: "ana"}),
            webhook_secret=SECRET,
            hosts=["app.example"],
            uploads=tmp_path / "uploads",
        )
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="https://app.example",
                headers={"authorization": f"Bearer {TOKEN}"},
            ) as client,
        ):
            yield client


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/trainings/%00", None, 404),
        ("GET", "/videos/%00/events", None, 404),
        ("GET", "/clones/%00/samples", None, 400),
        ("GET", "/trainings?clone_id=%00", None, 400),
        ("POST", "/trainings", {"clone_id": "c\0"}, 400),
        ("POST", "/trainings", {"clone_id": "c", "name": "\0"}, 400),
    ],
)
async def test_a_nul_is_no_fault_of_the_database(ana, method, path, body, status):
    answer = await ana.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert "database" not in answer.text
