"""What the app refuses before anybody is asked who they are."""

from __future__ import annotations

import pytest

from avatarkit._text import nested
from avatarkit.errors import ConfigError
from avatarkit.server import BearerTokens, StartupToken
from avatarkit.server.guards import HEADERS, RateLimit, RateLimiter, Standing

pytestmark = pytest.mark.anyio

TOKEN = "start-up-token-0123456789"
ASKED = {"clone_id": "c1", "consent": {"not_a_real_person": "a drawing"}}


@pytest.fixture
def loopback(site):
    """The app as ``serve`` makes it: one user, known by a cookie."""
    site.origin = "http://127.0.0.1:8000"

    def running():
        return site.running(
            authenticate=StartupToken(TOKEN), hosts=["127.0.0.1", "localhost", "::1"]
        )

    return running


async def opened(client):
    """Open the page with the token, as a browser does, and keep its cookie."""
    await client.get("/", params={"token": TOKEN})
    assert client.cookies.get("avatarkit")


STRANGERS = {
    "another site": {"origin": "https://evil.example"},
    "a page without an origin": {"origin": "null"},
    "another port of this machine": {"origin": "http://127.0.0.1:9000"},
    "a name that begins alike": {"origin": "http://127.0.0.1:8000.evil.example"},
    "a form that says only where it is": {"sec-fetch-site": "cross-site"},
    "a sister site": {"sec-fetch-site": "same-site"},
}


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_a_strangers_page_cannot_start_a_training_on_a_loopback_server(
    site, loopback, stranger
):
    async with loopback() as app, site.client(app) as client:
        await opened(client)
        answer = await client.post("/trainings", json=ASKED, headers=STRANGERS[stranger])
        kept = (await site.kit.page("training")).records
    assert (answer.status_code, kept) == (403, ())


@pytest.mark.parametrize(
    "own", [{}, {"origin": "http://127.0.0.1:8000"}, {"sec-fetch-site": "same-origin"}], ids=str
)
async def test_its_own_page_can(site, loopback, own):
    async with loopback() as app, site.client(app) as client:
        await opened(client)
        await site.sampled(client)
        assert (await client.post("/trainings", json=ASKED, headers=own)).status_code == 201


async def test_a_form_cannot_stand_for_json(site, loopback):
    async with loopback() as app, site.client(app) as client:
        await opened(client)
        sent = await client.post(
            "/trainings", content=b'{"clone_id":"c1"}', headers={"content-type": "text/plain"}
        )
    assert sent.status_code == 415


async def test_the_token_in_the_address_becomes_a_cookie_that_no_other_site_can_use(site, loopback):
    async with loopback() as app, site.client(app) as client:
        answer = await client.get("/", params={"token": TOKEN})
        listed = await client.get("/trainings")
    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "samesite=strict" in cookie
    assert "httponly" in cookie
    assert listed.status_code == 200


async def test_the_cookie_is_not_the_token_and_does_not_serve_as_one(site, loopback):
    async with loopback() as app, site.client(app) as client:
        await opened(client)
        cookie = client.cookies.get("avatarkit")
        client.cookies.clear()
        listed = [
            (await client.get("/trainings", headers={"authorization": f"Bearer {given}"}))
            for given in (cookie, TOKEN)
        ]
        client.cookies.set("avatarkit", TOKEN)
        listed.append(await client.get("/trainings"))
    assert TOKEN not in cookie
    assert [answer.status_code for answer in listed] == [401, 200, 401]


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_a_strangers_page_cannot_read_with_the_cookie(site, loopback, stranger):
    async with loopback() as app, site.client(app) as client:
        await opened(client)
        answer = await client.get("/trainings", headers=STRANGERS[stranger])
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "made", [StartupToken(TOKEN), BearerTokens({TOKEN: "me"})], ids=lambda made: type(made).__name__
)
def test_no_attribute_holds_the_token(made):
    shown = repr(vars(made))
    assert TOKEN not in shown + repr(vars(vars(made).get("_own", made)))
    assert StartupToken(TOKEN).cookie_for(TOKEN) not in shown


ERRORS = {
    421: ("GET", "/trainings", {"host": "evil.example"}),
    403: ("POST", "/trainings", {"origin": "https://evil.example"}),
    401: ("GET", "/trainings", {}),
    404: ("GET", "/nowhere", {}),
    405: ("PATCH", "/trainings", {}),
    500: ("GET", "/stacks", {"authorization": f"Bearer {TOKEN}"}),
}


@pytest.mark.parametrize("status", ERRORS)
async def test_every_error_has_the_security_headers(site, loopback, monkeypatch, caplog, status):
    def broken(*_):
        raise RuntimeError("https://cdn.example/a.mp4?sig=planted")

    monkeypatch.setattr("avatarkit.server.api.API._stacks", broken)
    method, path, headers = ERRORS[status]
    async with loopback() as app, site.client(app) as client:
        answer = await client.request(method, path, headers=headers)
    assert answer.status_code == status
    assert HEADERS.items() <= dict(answer.headers).items()
    assert answer.json()["error"]["message"]
    assert "planted" not in answer.text + caplog.text


async def test_an_unknown_host_is_named_and_cut(site, loopback):
    async with loopback() as app, site.client(app) as client:
        short = await client.get("/", headers={"host": "evil.example"})
        endless = await client.get("/", headers={"host": "e" * 9000})
    assert "'evil.example'" in short.json()["error"]["message"]
    assert len(endless.content) < 500


async def test_a_wrong_token_in_the_address_gives_nothing(site, loopback):
    async with loopback() as app, site.client(app) as client:
        answer = await client.get("/", params={"token": "another-token-0123456789"})
        assert "set-cookie" not in answer.headers
        assert (await client.get("/trainings")).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "[", "", "169.254.1.1"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_name_that_was_bent_to_this_machine_is_refused(site, loopback, host, method):
    async with loopback() as app, site.client(app) as client:
        await opened(client)
        answer = await client.request(method, "/trainings", headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000"])
async def test_every_name_of_this_machine_is_its_own(site, loopback, host):
    async with loopback() as app, site.client(app) as client:
        assert (await client.get("/openapi.json", headers={"host": host})).status_code == 200


async def test_a_probe_may_ask_for_the_health_by_any_name(site):
    async with site.running() as app, site.client(app) as client:
        probe = {"host": "10.0.3.7:8000"}
        assert (await client.get("/health", headers=probe)).status_code == 200
        assert (await client.get("/trainings", headers=probe)).status_code == 421


async def test_no_other_origin_may_read_what_is_answered(site):
    async with site.running() as app, site.client(app, "ana") as client:
        answer = await client.get("/trainings", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_an_origin_that_was_named_may(site):
    theirs = "https://shop.example"
    async with site.running(origins=[theirs]) as app, site.client(app, "ana") as client:
        await site.sampled(client)
        asked = await client.options(
            "/trainings",
            headers={"origin": theirs, "access-control-request-method": "POST"},
        )
        sent = await client.post("/trainings", json=ASKED, headers={"origin": theirs})
        other = await client.post("/trainings", json=ASKED, headers={"origin": "https://x.example"})
    assert asked.headers["access-control-allow-origin"] == theirs
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (201, theirs)
    assert other.status_code == 403


async def test_nothing_that_is_served_can_run_a_script_of_another_origin(site):
    async with site.running() as app, site.client(app) as client:
        answer = await client.get("/health")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("secret", [b"", b"short"])
def test_a_secret_of_links_that_could_be_guessed_is_refused(site, secret):
    with pytest.raises(ConfigError, match="16 bytes"):
        site.new_app(link_secrets=[secret])


@pytest.mark.parametrize("name", ["hosts", "origins"])
def test_one_name_is_no_list_of_names(site, name):
    with pytest.raises(ConfigError, match="list"):
        site.new_app(**{name: "app.example"})


def test_a_secret_that_could_be_guessed_is_refused(site):
    with pytest.raises(ConfigError, match="16 characters"):
        site.new_app(webhook_secret="short")


@pytest.mark.parametrize(
    ("body", "deep"),
    [
        (b'{"a":[1,{"b":2}]}', False),
        (b"[" * 64 + b"]" * 64, False),
        (b"[" * 65, True),
        (b'"' + b"[" * 100 + b'"', False),
        (b'"\\"' + b"[" * 100 + b'"', False),
        (b'"\\\\"' + b"[" * 65, True),
        (b"[]" * 1000, False),
    ],
    ids=lambda given: str(given)[:20],
)
def test_brackets_count_outside_of_strings(body, deep):
    assert nested(body) is deep


def test_who_is_refused_too_often_is_blocked_for_a_while_and_only_they():
    limiter = RateLimiter(RateLimit(2, seconds=10.0))
    for at in (0.0, 1.0):
        limiter.count("a", at)
    assert limiter.standing("a", 9.0) == Standing(2, remaining=0, seconds=1.0)
    assert limiter.standing("b", 9.0) == Standing(2, remaining=2, seconds=10.0)
    assert limiter.standing("a", 10.0).remaining == 2


def test_only_so_many_sources_are_remembered():
    limiter = RateLimiter(RateLimit(1))
    for number in range(5000):
        limiter.count(str(number), 0.0)
    assert not limiter.standing("4999", 1.0).remaining
    assert limiter.standing("0", 1.0).remaining
