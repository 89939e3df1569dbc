"""Deliveries: what is believed, and what is not."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.errors import WebhookRejected
from avatarkit.webhooks import Delivery, HmacSha256, Unsigned

NOW = 1_790_000_000
SECRET = b"secret"
BODY = b'{"id": "x1"}'
SCHEME = HmacSha256(header="Acme-Signature")
BARE = HmacSha256(header="Acme-Signature", version=None)
TIMED = HmacSha256(header="Acme-Signature", version=None, time_header="Acme-Time")


def digest(message, secret=SECRET):
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def signed(*, at=NOW, secret=SECRET, received=NOW, body=BODY):
    value = f"t={at},v1={digest(f'{at}.'.encode() + body, secret)}"
    return Delivery(body, {"acme-signature": value}, received=received)


# -- a time and a version ---------------------------------------------------------------------


def test_a_good_signature_is_accepted():
    SCHEME.check(signed(), [SECRET])


def test_a_delivery_of_elevenlabs_from_last_year_is_accepted():
    delivery = Delivery(
        b'{"type":"voice_removal_notice","event_timestamp":1739537297,"data":{}}',
        {
            "elevenlabs-signature": "t=1739537297,v0="
            "c9691cc0db6bd11891162b0e0c78fd3b60b190a8a41f5e8c8273f363a38a3ef8"
        },
        received=1_739_537_300,
    )
    scheme = HmacSha256(header="ElevenLabs-Signature", version="v0", tolerance=1800)
    scheme.check(delivery, [b"wsec_abc"])


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_time_within_the_tolerance_is_accepted(seconds):
    SCHEME.check(signed(received=NOW + seconds), [SECRET])


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_time_out_of_the_tolerance_is_rejected(seconds):
    with pytest.raises(WebhookRejected, match="too old or too new"):
        SCHEME.check(signed(received=NOW + seconds), [SECRET])


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "1e9", "²", "1" * 5000], ids=lambda s: s[:5])
def test_a_time_that_is_no_number_of_seconds_is_rejected(stamp):
    message = stamp.encode() + b"." + BODY
    headers = {"acme-signature": f"t={stamp},v1={digest(message)}"}
    with pytest.raises(WebhookRejected):
        SCHEME.check(Delivery(BODY, headers, received=NOW), [SECRET])


def test_a_missing_time_is_rejected():
    headers = {"acme-signature": f"v1={digest(BODY)}"}
    with pytest.raises(WebhookRejected):
        SCHEME.check(Delivery(BODY, headers, received=NOW), [SECRET])


def test_another_time_than_the_signed_one_is_rejected():
    headers = {"acme-signature": signed().headers["acme-signature"].replace(f"{NOW}", f"{NOW + 1}")}
    with pytest.raises(WebhookRejected, match="no signature"):
        SCHEME.check(Delivery(BODY, headers, received=NOW), [SECRET])


def test_another_body_than_the_signed_one_is_rejected():
    with pytest.raises(WebhookRejected, match="no signature"):
        SCHEME.check(Delivery(BODY + b" ", signed().headers, received=NOW), [SECRET])


def test_a_signature_of_another_version_is_not_looked_at():
    headers = {"acme-signature": signed().headers["acme-signature"].replace("v1=", "v0=")}
    with pytest.raises(WebhookRejected, match="no signature"):
        SCHEME.check(Delivery(BODY, headers, received=NOW), [SECRET])


def test_a_missing_header_is_rejected():
    with pytest.raises(WebhookRejected):
        SCHEME.check(Delivery(BODY, {}, received=NOW), [SECRET])


@pytest.mark.parametrize("secret", [b"old", b"new"])
def test_while_secrets_are_rotated_either_opens(secret):
    SCHEME.check(signed(secret=secret), [b"old", b"new"])


def test_one_good_signature_among_several_is_enough():
    good = signed().headers["acme-signature"]
    headers = {"acme-signature": f"{good}, v1={digest(b'other')}"}
    SCHEME.check(Delivery(BODY, headers, received=NOW), [SECRET])


def test_without_a_secret_nothing_is_believed():
    with pytest.raises(WebhookRejected, match="webhook_secrets"):
        SCHEME.check(signed(), [])


def test_every_secret_and_signature_is_compared_in_constant_time(monkeypatch):
    careful = Mock(side_effect=hmac.compare_digest)
    monkeypatch.setattr(hmac, "compare_digest", careful)
    headers = {"acme-signature": signed().headers["acme-signature"] + ",v1=forged"}
    SCHEME.check(Delivery(BODY, headers, received=NOW), [SECRET, b"other"])
    assert careful.call_count == 4  # no shortcut at the first match


# -- a bare digest ----------------------------------------------------------------------------


def test_a_bare_digest_of_the_body_is_accepted_whenever_it_comes():
    BARE.check(Delivery(BODY, {"acme-signature": digest(BODY)}, received=0), [SECRET])


def test_a_wrong_bare_digest_is_rejected():
    with pytest.raises(WebhookRejected, match="no signature"):
        BARE.check(Delivery(BODY, {"acme-signature": digest(b"{}")}, received=NOW), [SECRET])


def test_a_signed_time_in_its_own_header_is_part_of_what_is_signed():
    headers = {"acme-signature": digest(f"{NOW}.".encode() + BODY), "acme-time": f"{NOW}"}
    TIMED.check(Delivery(BODY, headers, received=NOW), [SECRET])


def test_a_signed_time_in_its_own_header_has_both_bounds():
    headers = {"acme-signature": digest(f"{NOW}.".encode() + BODY), "acme-time": f"{NOW}"}
    for received in (NOW - 301, NOW + 301):
        with pytest.raises(WebhookRejected, match="too old or too new"):
            TIMED.check(Delivery(BODY, headers, received=received), [SECRET])


def test_a_missing_time_header_is_rejected():
    headers = {"acme-signature": digest(b"." + BODY)}
    with pytest.raises(WebhookRejected, match="missing"):
        TIMED.check(Delivery(BODY, headers, received=NOW), [SECRET])


def test_an_unsigned_time_is_not_looked_at():
    scheme = HmacSha256(header="Acme-Signature", version=None, time_header="T", time_signed=False)
    headers = {"acme-signature": digest(BODY), "t": "yesterday"}
    scheme.check(Delivery(BODY, headers, received=NOW), [SECRET])


# -- any bytes --------------------------------------------------------------------------------


@given(
    body=st.binary(),
    value=st.text() | st.from_regex(r"t=\d*,(v1=[0-9a-f]*,?)*"),
    stamp=st.text(),
    scheme=st.sampled_from([SCHEME, BARE, TIMED]),
)
def test_no_forgery_crashes_or_passes(body, value, stamp, scheme):
    delivery = Delivery(body, {"acme-signature": value, "acme-time": stamp}, received=NOW)
    with pytest.raises(WebhookRejected):
        scheme.check(delivery, [SECRET])


@given(body=st.binary() | st.text().map(str.encode) | st.just(b"[" * 100_000))
def test_any_body_is_an_object_or_rejected(body):
    with suppress(WebhookRejected):
        assert isinstance(Delivery(body, {}).json(), dict)


def test_an_object_is_read():
    assert Delivery(BODY, {}).json() == {"id": "x1"}


@pytest.mark.parametrize("said", [b"\\ud83c\\udfad \\u00fc", "🎭 ü".encode()])
def test_an_escaped_character_is_read_as_itself(said):
    assert Delivery(b'{"id": "%b"}' % said, {}).json() == {"id": "🎭 ü"}


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (rb'{"id": "\ud800"}', {"id": "\ufffd"}),
        (rb'{"a": [{"\uDC00\u0000": 1}]}', {"a": [{"\ufffd\ufffd": 1}]}),
        (rb'{"a": "\u001b[31m\uffff"}', {"a": "\ufffd[31m\ufffd"}),
    ],
)
def test_what_cannot_be_stored_is_replaced(body, read):
    assert Delivery(body, {}).json() == read


@pytest.mark.parametrize(
    "body", [b'{"id": "\xed\xa0\x80"}', '{"id": "1"}'.encode("utf-16")], ids=["cesu", "utf-16"]
)
def test_a_body_in_another_encoding_is_rejected(body):
    with pytest.raises(WebhookRejected, match="JSON"):
        Delivery(body, {}).json()


@pytest.mark.parametrize("body", [b"", b"[1]", b"1", b"null", b"<xml/>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_rejected(body):
    with pytest.raises(WebhookRejected, match="JSON"):
        Delivery(body, {}).json()


# -- deliveries -------------------------------------------------------------------------------


def test_the_same_delivery_has_the_same_digest():
    assert Delivery(BODY, {}).digest == Delivery(BODY, {"x": "y"}).digest
    assert Delivery(BODY, {}).digest != Delivery(BODY + b" ", {}).digest


def test_a_repr_shows_neither_body_nor_signature():
    shown = repr(signed())
    assert "x1" not in shown
    assert "v1=" not in shown


def test_an_unsigned_delivery_is_let_through_as_a_hint():
    scheme = Unsigned()
    scheme.check(Delivery(BODY, {}), [])
    assert not scheme.signed
