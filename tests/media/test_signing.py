"""Links of a folder: the pure functions, and the suite against a server that checks them."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.errors import ConfigError
from avatarkit.media.folder import FolderStore
from avatarkit.media.signing import LONGEST, check, link, sign
from avatarkit.testing.media import MediaStoreSuite, stream

from .web import Handler, serving

SECRET, OLDER, STRANGE = b"the secret of today", b"the one before it", b"the one of a stranger"
NOW = 1_800_000_000.0


class Watch:
    now = NOW

    def __call__(self):
        return self.now


class MediaServer(Handler):
    """As little of a server as can serve a folder."""

    def do_GET(self):
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        key = unquote(parts.path.removeprefix("/media/"))
        expires, signature = (query.get(n, [""])[0] for n in ("expires", "signature"))
        worth = check([SECRET], key, expires, signature, self.server.watch())
        if worth != "valid":
            self.answer(403, worth.encode())
            return
        self.answer(200, self.server.store.path(key).read_bytes())


class TestFolderStoreWithLinks(MediaStoreSuite):
    @pytest.fixture
    def store(self, tmp_path):
        watch = Watch()
        with serving(MediaServer, watch=watch) as server:
            store = FolderStore(tmp_path, base_url=server.address, secret=SECRET, now=watch)
            server.store = store
            self.watch = watch
            yield store

    async def let_pass(self, store, seconds):
        self.watch.now += seconds


def told(url):
    query = parse_qs(urlsplit(url).query)
    return query["expires"][0], query["signature"][0]


def test_a_link_has_the_place_of_its_key():
    url = link("https://twins.example/", SECRET, "a b/ü?.mp4", 5)
    assert url.startswith("https://twins.example/media/a%20b/%C3%BC%3F.mp4?expires=5&signature=")


def test_a_signed_link_is_valid():
    expires, signature = told(link("https://x", SECRET, "a", int(NOW) + 60))
    assert check([SECRET], "a", expires, signature, NOW) == "valid"


def test_a_link_is_valid_until_its_moment():
    signature = sign(SECRET, "a", 100)
    worth = [check([SECRET], "a", "100", signature, now) for now in (99.9, 100.0)]
    assert worth == ["valid", "expired"]


def test_a_longer_life_must_be_signed():
    assert check([SECRET], "a", "200", sign(SECRET, "a", 100), 0.0) == "forged"


def test_the_secret_of_yesterday_still_counts_while_it_is_rotated():
    assert check([SECRET, OLDER], "a", "100", sign(OLDER, "a", 100), 0.0) == "valid"


def test_a_strange_secret_signs_nothing():
    assert check([SECRET, OLDER], "a", "100", sign(STRANGE, "a", 100), 0.0) == "forged"


def test_without_a_secret_nothing_is_valid():
    assert check([], "a", "100", sign(SECRET, "a", 100), 0.0) == "forged"


def test_a_moment_too_far_away_is_forged_though_it_is_signed():
    moment = LONGEST + 2
    assert check([SECRET], "a", str(moment), sign(SECRET, "a", moment), 1.0) == "forged"


def test_the_key_and_the_moment_cannot_be_shifted_into_each_other():
    assert sign(SECRET, "2\na", 1) != sign(SECRET, "a", 12)


@given(st.text(), st.text(), st.text())
def test_whatever_is_told_is_forged_and_raises_nothing(key, expires, signature):
    assert check([SECRET], key, expires, signature, NOW) == "forged"


@pytest.mark.parametrize("expires", ["", "-1", "1.5", "٣", "1" * 5000, "1 ", "0x10"])
def test_what_is_no_moment_is_forged(expires):
    assert check([SECRET], "a", expires, "x", 0.0) == "forged"


@pytest.mark.parametrize("secret", [None, "", b"short"])
def test_a_secret_that_could_be_guessed_is_refused(tmp_path, secret):
    with pytest.raises(ConfigError, match="token_hex"):
        FolderStore(tmp_path, base_url="https://x", secret=secret)


def test_an_address_without_a_scheme_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="https://"):
        FolderStore(tmp_path, base_url="twins.example", secret=SECRET)


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0, -1, LONGEST + 1])
async def test_a_life_that_is_no_life_is_refused(tmp_path, seconds):
    with pytest.raises(ConfigError, match="seven days"):
        await FolderStore(tmp_path, base_url="https://x", secret=SECRET).url("a", seconds)


@pytest.mark.anyio
async def test_nothing_shows_the_secret(tmp_path):
    store = FolderStore(tmp_path, base_url="https://x", secret=SECRET.decode())
    await store.put("a", stream(b"content"), "text/plain")
    assert SECRET.decode() not in f"{store!r} {vars(store)} {await store.url('a', 60)}"
