"""Which repository and which media store an address names, and what is missing for it."""

from __future__ import annotations

import pytest

from avatarkit.config import addresses
from avatarkit.errors import ConfigError
from avatarkit.testing import FakeClock

SUPABASE = {"SUPABASE_URL": "https://twin.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("memory://", "MemoryRepository"),
        ("sqlite:///twins.db", "SqliteRepository"),
        ("postgresql://ana@localhost/twins", "PostgresRepository"),
        ("postgres://ana@localhost/twins", "PostgresRepository"),
        ("supabase://", "SupabaseRepository"),
    ],
)
def test_an_address_names_a_repository(address, name):
    assert type(addresses.repository(address, SUPABASE, FakeClock())).__name__ == name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("media", "FolderStore"),
        ("file:///srv/media", "FolderStore"),
        ("supabase://", "SupabaseStore"),
    ],
)
def test_an_address_names_a_media_store(address, name):
    assert type(addresses.media_store(address, SUPABASE)).__name__ == name


@pytest.mark.anyio
async def test_a_folder_has_no_links_without_what_they_are_signed_with(tmp_path):
    public = {"AVATARKIT_PUBLIC_URL": "https://twins.example"}
    assert await addresses.media_store(tmp_path, public).url("a.mp4", 60) is None


def test_a_secret_of_links_that_could_be_guessed_is_named_by_its_variable(tmp_path):
    with pytest.raises(ConfigError, match="AVATARKIT_MEDIA_SECRET has less than 16 bytes"):
        addresses.media_store(tmp_path, {"AVATARKIT_MEDIA_SECRET": "abc"})


@pytest.mark.parametrize(
    "make",
    [
        lambda: addresses.repository("mysql://x", {}, FakeClock()),
        lambda: addresses.media_store("ftp://x", {}),
    ],
    ids=["repository", "media"],
)
def test_an_unknown_address_is_answered_with_those_there_are(make):
    with pytest.raises(ConfigError, match="supabase://"):
        make()


@pytest.mark.parametrize("missing", SUPABASE)
def test_supabase_names_the_variables_that_it_needs(missing):
    environ = {name: value for name, value in SUPABASE.items() if name != missing}
    with pytest.raises(ConfigError, match="SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"):
        addresses.repository("supabase://", environ, FakeClock())


def test_a_secret_key_may_stand_in_a_variable_of_its_own():
    environ = {"SUPABASE_URL": SUPABASE["SUPABASE_URL"], "SUPABASE_SECRET_KEY": "sb_secret_x"}
    addresses.repository("supabase://", environ, FakeClock())


async def _link(environ, folder):
    store = addresses.media_store(folder, environ)
    return await store.url("a.mp4", 60.0)


@pytest.mark.anyio
async def test_a_folder_has_links_where_its_server_can_be_reached(tmp_path):
    served = {"AVATARKIT_PUBLIC_URL": "https://twins.example", "AVATARKIT_MEDIA_SECRET": "s" * 32}
    links = [await _link(environ, tmp_path) for environ in ({}, served)]
    assert (links[0], links[1].partition("?")[0]) == (None, "https://twins.example/media/a.mp4")


@pytest.mark.parametrize("place", ["/:memory:", "/file::memory:?cache=shared", "/file:a.db"])
def test_an_address_of_sqlite_names_a_file(place):
    with pytest.raises(ConfigError, match="names no file: use sqlite:///FILE, or memory://"):
        addresses.repository(f"sqlite://{place}", {}, FakeClock())
