"""Who asks: bearer tokens, and the tokens of Supabase's users."""

from __future__ import annotations

import base64
import hmac
import json
import time

import jwt
import pytest
import stamina
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request

from avatarkit.errors import ConfigError, StorageError
from avatarkit.server import BearerTokens, Principal, SupabaseTokens
from avatarkit.testing import Wire

pytestmark = pytest.mark.anyio

URL = "https://abc.supabase.co"
SECRET = "legacy-secret-of-a-project-0123456789"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())


def request(token=None, scheme="Bearer"):
    headers = [(b"authorization", f"{scheme} {token}".encode())] if token is not None else []
    return Request({"type": "http", "headers": headers})


def claims(**more):
    known = {
        "sub": "user-1",
        "aud": "authenticated",
        "role": "authenticated",
        "iss": f"{URL}/auth/v1",
        "exp": int(time.time()) + 60,
    }
    return {name: value for name, value in (known | more).items() if value is not None}


def text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def published(key=KEY, name="k1"):
    numbers = key.public_key().public_numbers()
    x, y = (text(n.to_bytes(32, "big")).decode() for n in (numbers.x, numbers.y))
    return {"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": name, "x": x, "y": y}]}


def signed(key=KEY, name="k1", **more):
    return jwt.encode(claims(**more), key, "ES256", headers={"kid": name})


BAD = {
    "expired": {"exp": 1},
    "without an end": {"exp": None},
    "of another project": {"iss": "https://other.supabase.co/auth/v1"},
    "for another audience": {"aud": "anon"},
    "of a service": {"role": "service_role"},
    "of nobody": {"sub": None},
}


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def by_keys(wire):
    return SupabaseTokens(URL, client=wire.client)


@pytest.fixture
def by_secret():
    return SupabaseTokens(URL, secret=SECRET)


# -- bearer tokens ----------------------------------------------------------------------------


async def test_a_token_says_whose_request_it_is():
    tokens = BearerTokens({"a" * 20: "ana", "b" * 20: "bob"})
    assert await tokens(request("b" * 20)) == Principal("bob")


@pytest.mark.parametrize(
    "asked",
    [request(), request(""), request("c" * 20), request("a" * 20, "Basic"), request("ü" * 20)],
    ids=["none", "empty", "unknown", "another scheme", "not ASCII"],
)
async def test_without_a_known_token_there_is_nobody(asked):
    assert await BearerTokens({"a" * 20: "ana"})(asked) is None


def test_a_token_that_could_be_guessed_is_refused():
    with pytest.raises(ConfigError, match="16 characters"):
        BearerTokens({"short": "ana"})


# -- Supabase, by the legacy secret -----------------------------------------------------------


async def test_a_token_signed_with_the_projects_secret_passes(by_secret):
    token = jwt.encode(claims(), SECRET, "HS256")
    assert await by_secret(request(token)) == "user-1"


@pytest.mark.parametrize("bad", BAD)
async def test_another_token_of_the_secret_does_not(by_secret, bad):
    assert await by_secret(request(jwt.encode(claims(**BAD[bad]), SECRET, "HS256"))) is None


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(claims(), "another-secret-of-a-project-0123456789", "HS256"),
        jwt.encode(claims(), None, "none"),
        jwt.encode(claims(), SECRET * 2, "HS512"),
        "no.token.atall",
        "x",
    ],
    ids=["another secret", "unsigned", "another algorithm", "no token", "a letter"],
)
async def test_a_forged_one_does_not(by_secret, token):
    assert await by_secret(request(token)) is None


# -- Supabase, by published keys --------------------------------------------------------------


async def test_a_token_signed_with_a_published_key_passes_and_the_keys_are_asked_for_once(
    by_keys, wire
):
    wire.reply(published())
    assert [await by_keys(request(signed())) for _ in range(3)] == ["user-1"] * 3
    (asked,) = wire.requests
    assert str(asked.url) == f"{URL}/auth/v1/.well-known/jwks.json"


@pytest.mark.parametrize("bad", BAD)
async def test_another_token_of_the_key_does_not(by_keys, wire, bad):
    wire.reply(published())
    assert await by_keys(request(signed(**BAD[bad]))) is None


async def test_a_key_that_only_calls_itself_so_does_not(by_keys, wire):
    wire.reply(published())
    assert await by_keys(request(signed(OTHER))) is None


async def test_a_published_key_is_no_secret_that_signs(by_keys, wire):
    wire.reply(published())
    shown = json.dumps(published()["keys"][0]).encode()
    told = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "k1"}, claims())]
    said = b".".join(map(text, told))
    proof = text(hmac.digest(shown, said, "sha256"))
    assert await by_keys(request((said + b"." + proof).decode())) is None


async def test_unknown_keys_are_looked_for_once_a_minute_whoever_asks(wire):
    at = [0.0]
    tokens = SupabaseTokens(URL, client=wire.client, now=lambda: at[0])
    wire.reply(published())
    wire.reply(published(OTHER, "k2"))
    at[0] = 1000.0
    assert await tokens(request(signed(OTHER, "k2"))) is None
    assert await tokens(request(signed(OTHER, "k2"))) is None
    assert len(wire.requests) == 1
    at[0] = 1061.0
    assert await tokens(request(signed(OTHER, "k2"))) == "user-1"


@pytest.mark.parametrize("odd", [[], 1, ["keys"]])
async def test_keys_that_are_none_are_reported(by_keys, wire, odd):
    wire.reply(odd)
    with pytest.raises(StorageError, match="Try again"):
        await by_keys(request(signed()))


async def test_while_the_keys_cannot_be_had_nobody_is_called_a_stranger(by_keys, wire):
    wire.reply({"message": "away"}, status=503)
    wire.reply({"message": "away"}, status=503)
    with stamina.set_testing(True, attempts=2), pytest.raises(StorageError, match="Try again"):
        await by_keys(request(signed()))
