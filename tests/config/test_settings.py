from pathlib import Path

import pytest

from avatarkit.config.settings import Settings
from avatarkit.testing import FakeClock


def test_without_variables_everything_lives_under_one_folder():
    settings = Settings.from_env({})

    assert settings == Settings()
    assert settings.stack == "local"
    assert settings.repository == "sqlite:///.avatarkit/avatarkit.db"
    assert settings.media == ".avatarkit/media"


def test_variables_replace_the_defaults():
    settings = Settings.from_env(
        {
            "AVATARKIT_STACK": "elevenlabs+d-id",
            "AVATARKIT_REPOSITORY": "sqlite:////var/lib/twins.db",
            "AVATARKIT_MEDIA": "/var/lib/media",
        }
    )

    assert settings.stack == "elevenlabs+d-id"
    assert settings.repository == "sqlite:////var/lib/twins.db"
    assert settings.media == "/var/lib/media"


def test_an_empty_variable_counts_as_unset():
    assert Settings.from_env({"AVATARKIT_STACK": " "}).stack == "local"


def test_the_process_environment_is_read_at_the_call(monkeypatch):
    monkeypatch.setenv("AVATARKIT_STACK", "fake")

    assert Settings.from_env().stack == "fake"


def test_a_given_environment_hides_the_one_of_the_process(monkeypatch):
    monkeypatch.setenv("AVATARKIT_STACK", "fake")

    assert Settings.from_env({}).stack == "local"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("heygen", "AVATARKIT_HEYGEN_API_KEY"),
        ("heygen", "HEYGEN_API_KEY"),
        ("d-id", "AVATARKIT_D_ID_API_KEY"),
        ("d-id", "DID_API_KEY"),
    ],
)
def test_a_key_is_found_under_either_name(name, variable):
    provider = Settings.from_env({variable: "key-1"}).for_provider(name)

    assert provider.api_key.get_secret_value() == "key-1"


def test_our_own_variable_comes_before_the_vendors():
    environ = {"AVATARKIT_HEYGEN_API_KEY": "ours", "HEYGEN_API_KEY": "theirs"}
    provider = Settings.from_env(environ).for_provider("heygen")

    assert provider.api_key.get_secret_value() == "ours"


def test_a_provider_may_name_its_vendors_variable():
    settings = Settings.from_env({"ACME_TOKEN": "key-1", "ACME_API_KEY": "another"})
    provider = settings.for_provider("acme", key_env="ACME_TOKEN")

    assert provider.api_key.get_secret_value() == "key-1"


@pytest.mark.parametrize("variable", ["AVATARKIT_RASK_CLIENT_ID", "RASK_CLIENT_ID"])
def test_the_id_beside_a_key_is_found_under_either_name(variable):
    settings = Settings.from_env({variable: "app-1", "RASK_CLIENT_SECRET": "hush"})
    provider = settings.for_provider("rask", key_env="RASK_CLIENT_SECRET")

    assert (provider.client_id, provider.api_key.get_secret_value()) == ("app-1", "hush")


def test_without_a_key_there_is_none():
    assert Settings().for_provider("heygen").api_key is None


def test_a_base_url_is_read():
    environ = {"AVATARKIT_D_ID_BASE_URL": "https://proxy.example"}

    assert Settings.from_env(environ).for_provider("d-id").base_url == "https://proxy.example"


def test_a_key_of_another_provider_is_known_by_that_providers_name():
    environ = {
        "DID_API_KEY": "own",
        "ELEVENLABS_API_KEY": "not for d-id",
        "AVATARKIT_D_ID_API_KEY": "own",
        "AVATARKIT_D_ID_ELEVENLABS_API_KEY": "for d-id",
        "AVATARKIT_D_ID_PLAY_HT_API_KEY": "too",
    }
    keys = Settings.from_env(environ).for_provider("d-id").other_keys
    shown = {name: key.get_secret_value() for name, key in keys.items()}
    assert shown == {"elevenlabs": "for d-id", "play-ht": "too"}


def test_webhook_secrets_are_separated_by_commas():
    environ = {"AVATARKIT_FAKE_WEBHOOK_SECRETS": "new, old,"}

    assert Settings.from_env(environ).for_provider("fake").webhook_secrets == (b"new", b"old")


def test_each_provider_has_a_folder_and_the_clock():
    clock = FakeClock()
    provider = Settings(root=Path("twins")).for_provider("fake", clock=clock)

    assert (provider.home, provider.clock) == (Path("twins/fake"), clock)


def test_keys_and_secrets_are_never_shown():
    environ = {
        "FAKE_API_KEY": "hush-key",
        "AVATARKIT_FAKE_OTHER_API_KEY": "hush-too",
        "AVATARKIT_FAKE_WEBHOOK_SECRETS": "hush-secret",
    }
    settings = Settings.from_env(environ)

    assert "hush" not in f"{settings!r} {settings.for_provider('fake')!r}"


BESIDE = [
    ("sqlite:///.avatarkit/avatarkit.db", ".avatarkit"),
    ("sqlite:///twins.db", ".avatarkit"),
    ("sqlite:////var/lib/app/twins.db", "/var/lib/app/.avatarkit"),
    ("memory://", ".avatarkit"),
]


@pytest.mark.parametrize(("repository", "root"), BESIDE)
def test_a_folder_that_is_named_is_where_providers_keep_what_is_theirs(repository, root):
    del root
    environ = {"AVATARKIT_REPOSITORY": repository, "AVATARKIT_HOME": "/srv/twins"}
    settings = Settings.from_env(environ)
    assert settings.root == settings.beside("sqlite:///other.db").root == Path("/srv/twins")


@pytest.mark.parametrize(("repository", "root"), BESIDE)
def test_what_providers_keep_lies_beside_the_database(repository, root):
    settings = Settings.from_env({"AVATARKIT_REPOSITORY": repository})
    assert str(settings.root) == root


def test_the_secret_of_webhooks_lies_beside_the_database_whatever_folder_is_named(tmp_path):
    environ = {"AVATARKIT_REPOSITORY": f"sqlite:///{tmp_path}/twins.db"}
    secret = Settings.from_env(environ).webhook_secret()
    named = Settings.from_env(environ | {"AVATARKIT_HOME": str(tmp_path / "home")})
    assert named.webhook_secret() == secret
