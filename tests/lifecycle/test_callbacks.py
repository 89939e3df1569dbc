"""The addresses at which vendors call back, and that their secret is shown to nobody else."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from avatarkit import AvatarKit
from avatarkit._log import cleaned
from avatarkit.config.settings import Settings
from avatarkit.errors import ConfigError, StorageError
from avatarkit.lifecycle.vendor_requests import Requests, digest
from avatarkit.media.folder import FolderStore
from avatarkit.models import StoredFile
from avatarkit.providers.fake import Fake
from avatarkit.records import Sample
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_training
from avatarkit.webhooks import Inboxes

SECRET = "a-secret-of-the-inbox-42"
INBOXES = Inboxes("https://app.example/", SECRET)


def calling():
    """A provider that can be told where to call back."""
    it = Fake()
    it.capabilities = replace(it.capabilities, callback=True)
    return it


async def built(tmp_path, inboxes, kind=calling, attempt=None):
    file = StoredFile(key="u/c/a.wav", size=1, sha256="0" * 64, media_type="audio/wav")
    sample = Sample(id="a", user_id="u", clone_id="c", role="voice", name="a.wav", file=file)
    training = a_training(voice=(sample,), consent_id=None)
    requests = Requests(FolderStore(tmp_path), MemoryRepository(clock=FakeClock()), inboxes)
    state = training.operations[0]
    return await requests.build(training, state, kind(), attempt), training.token(state.operation)


@pytest.mark.anyio
async def test_a_provider_that_can_is_told_where_to_call_back(tmp_path):
    request, token = await built(tmp_path, INBOXES)
    assert request.callback_url == f"https://app.example/webhooks/fake/{SECRET}?job={token}"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("inboxes", "kind"),
    [(INBOXES, Fake), (None, calling), (Inboxes("http://127.0.0.1:8000", SECRET), calling)],
    ids=["it cannot", "there is no inbox", "it cannot be reached"],
)
async def test_else_it_is_told_nothing(tmp_path, inboxes, kind):
    request, _ = await built(tmp_path, inboxes, kind)
    assert request.callback_url is None


@pytest.mark.anyio
async def test_an_attempt_after_the_secret_was_changed_is_the_same_request(tmp_path):
    first, _ = await built(tmp_path, INBOXES, attempt=1)
    later, _ = await built(tmp_path, Inboxes("https://new.example", SECRET[::-1]), attempt=1)
    assert first.callback_url != later.callback_url
    assert digest(first) == digest(later)


@pytest.mark.anyio
async def test_the_secret_is_in_no_repr_and_no_cleaned_text(tmp_path):
    request, _ = await built(tmp_path, INBOXES)
    said = f"the vendor refuses {request.callback_url}, and /webhooks/fake/{SECRET} as well"
    for text in (repr(request), repr(INBOXES), cleaned(said)):
        assert SECRET not in text


ENVIRON = {"AVATARKIT_PUBLIC_URL": "https://app.example", "AVATARKIT_WEBHOOK_SECRET": SECRET}


def test_the_inboxes_come_from_two_variables():
    settings = Settings.from_env(ENVIRON)
    assert settings.inboxes == Inboxes("https://app.example", SECRET)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("missing", ENVIRON)
def test_one_of_them_alone_is_none(missing):
    assert Settings.from_env({k: v for k, v in ENVIRON.items() if k != missing}).inboxes is None


PUBLIC = {"AVATARKIT_PUBLIC_URL": "https://app.example"}


def beside(tmp_path, environ=PUBLIC, place="sqlite"):
    return Settings.from_env(environ).beside(f"{place}:///{tmp_path}/.avatarkit/avatarkit.db")


def test_the_server_and_every_worker_beside_one_database_have_one_secret(tmp_path):
    kept = beside(tmp_path).webhook_secret()
    assert beside(tmp_path).webhook_secret() == kept
    assert beside(tmp_path).called_at == Inboxes("https://app.example", kept)


def test_of_two_that_start_at_once_one_secret_counts(tmp_path, monkeypatch):
    link = os.link
    other = beside(tmp_path)

    def late(*given):
        monkeypatch.setattr(os, "link", link)
        other.webhook_secret()
        link(*given)

    monkeypatch.setattr(os, "link", late)
    assert beside(tmp_path).webhook_secret() == other.webhook_secret()
    assert [p.name for p in (tmp_path / ".avatarkit").iterdir()] == ["webhook-secret"]


def test_the_end_of_its_line_is_no_part_of_the_secret(tmp_path):
    kept = beside(tmp_path).webhook_secret()
    (tmp_path / ".avatarkit/webhook-secret").write_text(f"{kept}\n")
    assert beside(tmp_path).called_at == Inboxes("https://app.example", kept)


def test_a_secret_beside_a_database_that_others_share_is_told_to_nobody(tmp_path):
    beside(tmp_path).webhook_secret()
    root = tmp_path / ".avatarkit"
    assert replace(beside(tmp_path, place="postgresql"), root=root).called_at is None


def test_of_a_secret_that_could_not_be_kept_nothing_is_left(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(StorageError):
        beside(tmp_path).webhook_secret()
    assert list((tmp_path / ".avatarkit").iterdir()) == []


def test_before_there_is_a_secret_vendors_are_told_nothing(tmp_path):
    assert beside(tmp_path).called_at is None


def test_without_a_public_address_vendors_are_told_nothing(tmp_path):
    beside(tmp_path).webhook_secret()
    assert beside(tmp_path, {}).called_at is None


def test_where_other_machines_share_the_database_the_secret_must_be_given(tmp_path):
    with pytest.raises(ConfigError, match="AVATARKIT_WEBHOOK_SECRET"):
        beside(tmp_path, place="postgresql").webhook_secret()


def test_a_secret_that_was_given_is_kept_nowhere(tmp_path):
    assert beside(tmp_path, ENVIRON).webhook_secret() == SECRET
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_cannot_be_kept_says_what_to_set(tmp_path):
    (tmp_path / ".avatarkit").write_text("in the way")
    with pytest.raises(StorageError, match="AVATARKIT_WEBHOOK_SECRET"):
        beside(tmp_path).webhook_secret()


def test_a_secret_that_could_be_guessed_is_refused():
    with pytest.raises(ConfigError, match="16 characters"):
        Settings.from_env(ENVIRON | {"AVATARKIT_WEBHOOK_SECRET": "short"})


@pytest.mark.anyio
async def test_a_kit_gives_its_providers_the_address(tmp_path):
    kit = AvatarKit(
        "fake",
        repository="memory://",
        media=FolderStore(tmp_path),
        settings=Settings.from_env(ENVIRON),
        worker=False,
    )
    assert kit._orchestrator._requests._inboxes == Inboxes("https://app.example", SECRET)
