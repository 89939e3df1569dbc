"""The choice of an engine: by name, by the environment, or as a factory."""

from __future__ import annotations

import sys
from functools import partial

import pytest

from avatarkit import AvatarKit, Consent
from avatarkit.config.settings import Settings
from avatarkit.engines import engine_factory
from avatarkit.engines.in_process import InProcessEngine
from avatarkit.errors import ConfigError

pytestmark = pytest.mark.anyio

NOTHING = Settings.from_env({})


def made(factory):
    """Make an engine that has nothing to drive."""
    return factory(advance=None, repository=None, clock=None)


def test_the_default_runs_in_this_process():
    assert engine_factory(None, NOTHING) is InProcessEngine


@pytest.mark.parametrize("wrong", ["celery", "", 7, object()], ids=["word", "empty", "int", "obj"])
def test_an_unknown_engine_is_named_and_the_known_ones_too(wrong):
    settings = Settings.from_env({"AVATARKIT_ENGINE": "sidekiq"})
    with pytest.raises(ConfigError, match="in-process, dbos, temporal"):
        engine_factory(wrong, settings)


def test_the_environment_chooses_where_the_code_does_not():
    pytest.importorskip("temporalio")
    from avatarkit.engines.temporal import TemporalEngine

    settings = Settings.from_env({"AVATARKIT_ENGINE": "temporal"})
    assert isinstance(made(engine_factory(None, settings)), TemporalEngine)
    assert engine_factory("in-process", settings) is InProcessEngine


@pytest.mark.parametrize(("name", "package"), [("dbos", "dbos"), ("temporal", "temporalio")])
def test_a_missing_package_is_named_with_its_extra(name, package, monkeypatch):
    monkeypatch.delitem(sys.modules, f"avatarkit.engines.{name}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"avatarkit-sdk\[{name}\]"):
        engine_factory(name, NOTHING)


@pytest.mark.parametrize("address", ["sqlite:///a.db", "memory://", "supabase://", "a.db"])
def test_dbos_asks_for_postgresql(address):
    pytest.importorskip("dbos")
    settings = Settings.from_env({"AVATARKIT_REPOSITORY": address})
    with pytest.raises(ConfigError, match="AVATARKIT_DBOS_URL"):
        made(engine_factory("dbos", settings))


def test_dbos_lives_beside_the_repository_or_where_the_environment_says():
    pytest.importorskip("dbos")
    ours = {"AVATARKIT_REPOSITORY": "postgres://ann@db/ours"}
    beside = made(engine_factory("dbos", Settings.from_env(ours)))
    apart = {**ours, "AVATARKIT_DBOS_URL": "postgresql://db/visits"}
    assert beside._url == "postgresql+psycopg://ann@db/ours"
    assert made(engine_factory("dbos", Settings.from_env(apart)))._url.endswith("//db/visits")


def test_dbos_refuses_to_ask_its_queue_more_than_once_a_second():
    pytest.importorskip("dbos")
    factory = engine_factory("dbos", Settings.from_env({"AVATARKIT_DBOS_URL": "postgresql://db/v"}))
    with pytest.raises(ConfigError, match="poll"):
        made(partial(factory, poll=0.1))


async def test_temporal_says_where_it_looked_for_its_server(monkeypatch):
    pytest.importorskip("temporalio")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    kit = AvatarKit("fake", repository="memory://", engine="temporal")
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9.*TEMPORAL_ADDRESS"):
        await kit.__aenter__()


class Noting(InProcessEngine):
    """Notes what is opened and woken."""

    notes: list

    async def open(self, *, drives):
        self.notes.append(("open", drives))
        await super().open(drives=drives)

    async def wake(self, record):
        self.notes.append(("wake", record.id))
        await super().wake(record)

    async def aclose(self):
        self.notes.append(("aclose",))


async def test_a_factory_of_ones_own_is_woken_by_whatever_changes_a_record():
    Noting.notes = []
    async with AvatarKit("fake", repository="memory://", engine=Noting, worker=False) as kit:
        assert Noting.notes == [("open", False)]
        consent = Consent.not_a_real_person("a drawing")
        training = await kit.adopt(
            user_id="ana", clone_id="c", avatar_id="a", voice_id="v", consent=consent
        )
        await kit.delete(training.id)
        assert ("wake", training.id) in Noting.notes
    assert Noting.notes[-1] == ("aclose",)
