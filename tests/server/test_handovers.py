"""Hand-overs: a one-time link by which a phone does one upload, for minutes, and nothing else."""

from __future__ import annotations

import json
import logging

import pytest

from avatarkit.server import guards, handover_store
from avatarkit.server.bodies import NewHandover
from avatarkit.server.handover_store import HandoverEnded, Handovers
from server.tus import TUS, chunk

pytestmark = [pytest.mark.anyio, pytest.mark.once]

PAGE = "https://app.example/phone"
VOICE = {"role": "voice", "media": "audio", "page": PAGE, "text": "Read this.", "language": "de"}
HANDOVERS = "/clones/c1/handovers"


@pytest.fixture
async def app(site):
    async with site.running() as app:
        yield app


@pytest.fixture
async def ana(site, app):
    async with site.client(app, "ana") as client:
        yield client


@pytest.fixture
async def bob(site, app):
    async with site.client(app, "bob") as client:
        yield client


@pytest.fixture
async def phone(site, app):
    """A client that no user is signed in at."""
    async with site.client(app) as client:
        yield client


def bearer(token):
    return {"authorization": f"Bearer {token}"}


async def begun(client, **more):
    made = await client.post(HANDOVERS, json=VOICE | more)
    assert made.status_code == 201, made.text
    return made.json(), made.json()["link"].partition("#")[2]


async def opened(phone, secret):
    answer = await phone.post("/handovers/token", headers=bearer(secret))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def sent(site, phone, claim, data, name=None, clone="c1"):
    """Upload a file as the phone does; the answer and the address."""
    phone.headers["authorization"] = f"Bearer {claim['token']}"
    path = f"/clones/{clone}/uploads/{claim['role']}/{name or claim['name'] + '.wav'}"
    return await site.begun(phone, path, len(data), data)


async def told(client, made):
    return (await client.get(f"{HANDOVERS}/{made['id']}")).json()


async def test_a_phone_hands_a_recording_over_and_the_computer_sees_it_arrive(site, ana, phone):
    made, secret = await begun(ana)
    assert (made["status"], made["link"]) == ("waiting", f"{PAGE}#{secret}")
    claim = await opened(phone, secret)
    assert (claim["text"], claim["language"], claim["media"]) == ("Read this.", "de", "audio")
    assert (await told(ana, made))["status"] == "opened"
    phone.headers["authorization"] = f"Bearer {claim['token']}"
    path = f"/clones/c1/uploads/voice/{claim['name']}.wav"
    half, whole = len(site.voice) // 2, len(site.voice)
    _, where = await site.begun(phone, path, whole, site.voice[:half])
    now = await told(ana, made)
    assert (now["status"], now["upload"], 49 <= now["percent"] <= 50) == ("opened", None, True)
    end = await phone.patch(where, content=site.voice[half:], headers=chunk(half))
    assert end.status_code == 204
    now = await told(ana, made)
    assert (now["status"], now["percent"], now["name"]) == (
        "completed",
        100,
        claim["name"] + ".wav",
    )
    assert now["upload"]["sample"]["role"] == "voice"
    (stored,) = await site.repository.samples("ana", "c1")
    assert stored.id == now["upload"]["sample"]["id"]


@pytest.mark.parametrize("role", ["evidence", "recording"])
async def test_what_a_request_names_later_is_handed_over_as_well(site, ana, phone, role):
    made, secret = await begun(ana, role=role, media="video")
    claim = await opened(phone, secret)
    answer, _ = await sent(site, phone, claim, b"a film", claim["name"] + ".mp4")
    assert answer.status_code == 204
    now = await told(ana, made)
    assert (now["status"], now["upload"]["complete"]) == ("completed", True)


# -- what the link is not good for ----------------------------------------------------------------


async def test_a_link_is_opened_once(ana, phone):
    _, secret = await begun(ana)
    await opened(phone, secret)
    again = await phone.post("/handovers/token", headers=bearer(secret))
    assert (again.status_code, again.json()["error"]["code"]) == (401, "not_authenticated")
    assert "new code" in again.json()["error"]["message"]


async def test_of_two_phones_that_open_a_link_at_once_one_gets_the_token(tmp_path):
    first, second = Handovers(tmp_path), Handovers(tmp_path)  # two processes of a server
    _, secret = await first.create("ana", "c1", NewHandover(**VOICE))
    read = handover_store._read

    def both_have_read(path):
        found = read(path)
        return found and found.model_copy(update={"token": ""})

    await first.claim(secret)
    second._read = lambda handover_id: _async(both_have_read(tmp_path / handover_id / "about.json"))
    with pytest.raises(HandoverEnded):
        await second.claim(secret)


async def _async(value):
    return value


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/clones"),
        ("GET", "/clones/c1/samples"),
        ("GET", "/trainings"),
        ("GET", "/consents"),
        ("GET", "/me"),
        ("GET", "/events"),
        ("POST", "/erasures"),
        ("POST", "/trainings"),
        ("POST", HANDOVERS),
        ("PUT", "/clones/c1/uploads/voice/voice.wav"),
    ],
)
async def test_neither_link_nor_token_is_good_for_anything_else(ana, phone, method, path):
    _, secret = await begun(ana)
    token = (await opened(phone, secret))["token"]
    for given in (secret, token):
        answer = await phone.request(method, path, headers=bearer(given), json={})
        assert answer.status_code == 401, path


@pytest.mark.parametrize(
    ("clone", "role", "name"),
    [
        ("c2", "voice", "{name}.wav"),
        ("c1", "footage", "{name}.wav"),
        ("c1", "voice", "voice.wav"),
        ("c1", "voice", "{name}2.wav"),
        ("c1", "voice", "{name}.wav.wav"),
        ("c1", "voice", "{name}.abcdefgh"),
    ],
)
async def test_a_token_is_for_one_upload(site, ana, phone, clone, role, name):
    _, secret = await begun(ana)
    claim = await opened(phone, secret)
    other = f"/clones/{clone}/uploads/{role}/{name.format(name=claim['name'])}"
    _, where = await site.begun(ana, other, 5)
    phone.headers["authorization"] = f"Bearer {claim['token']}"
    made, _ = await site.begun(phone, other, 5)
    asked = [
        made,
        await phone.head(where, headers=TUS),
        await phone.get(where),
        await phone.patch(where, content=b"12345", headers=chunk(0)),
        await phone.delete(where, headers=TUS),
    ]
    assert {answer.status_code for answer in asked} == {401}
    assert (await ana.head(where, headers=TUS)).headers["upload-offset"] == "0"


async def test_the_links_secret_is_no_token(site, ana, phone):
    _, secret = await begun(ana)
    claim = await opened(phone, secret)
    answer, _ = await sent(site, phone, {**claim, "token": secret}, site.voice)
    assert answer.status_code == 401


async def test_another_user_sees_nothing_of_a_hand_over(ana, bob):
    made, _ = await begun(ana)
    for method in ("GET", "DELETE"):
        assert (await bob.request(method, f"{HANDOVERS}/{made['id']}")).status_code == 404
    elsewhere = f"/clones/c2/handovers/{made['id']}"
    assert (await ana.get(elsewhere)).status_code == 404
    assert (await told(ana, made))["status"] == "waiting"


async def test_after_the_recording_has_arrived_the_token_changes_nothing(site, ana, phone):
    made, secret = await begun(ana)
    claim = await opened(phone, secret)
    _, where = await sent(site, phone, claim, site.voice)
    again, _ = await site.begun(phone, f"/clones/c1/uploads/voice/{claim['name']}.wav", 5)
    assert again.status_code == 401
    assert (await phone.delete(where, headers=TUS)).status_code == 401
    # A phone that lost the answer learns it.
    assert (await phone.get(where)).json()["sample"]
    end = await phone.patch(where, content=b"", headers=chunk(len(site.voice)))
    assert end.status_code == 204
    assert (await told(ana, made))["status"] == "completed"


async def test_a_rejected_recording_is_made_again_by_the_same_phone(site, ana, phone):
    made, secret = await begun(ana)
    claim = await opened(phone, secret)
    refused, _ = await sent(site, phone, claim, b"no sound at all", claim["name"] + ".mp4")
    assert refused.status_code == 422
    assert (await told(ana, made))["status"] == "opened"
    taken, _ = await sent(site, phone, claim, site.voice)
    assert (taken.status_code, (await told(ana, made))["status"]) == (204, "completed")


async def test_a_phone_that_begins_again_with_another_ending_has_one_upload(site, ana, phone):
    _, secret = await begun(ana)
    claim = await opened(phone, secret)
    phone.headers["authorization"] = f"Bearer {claim['token']}"
    for ending in (".webm", ".mp4", ".wav"):
        await site.begun(phone, f"/clones/c1/uploads/voice/{claim['name']}{ending}", 50)
    assert len([*(site.folder / "uploads").rglob(".upload.json")]) == 1


# -- its end --------------------------------------------------------------------------------------


async def test_a_link_that_was_closed_is_worth_nothing(site, ana, phone):
    made, secret = await begun(ana)
    assert (await ana.delete(f"{HANDOVERS}/{made['id']}")).status_code == 204
    assert (await phone.post("/handovers/token", headers=bearer(secret))).status_code == 401
    assert (await ana.get(f"{HANDOVERS}/{made['id']}")).status_code == 404
    made, secret = await begun(ana)
    claim = await opened(phone, secret)
    phone.headers["authorization"] = f"Bearer {claim['token']}"
    path = f"/clones/c1/uploads/voice/{claim['name']}.wav"
    _, where = await site.begun(phone, path, len(site.voice), site.voice[:1000])
    await ana.delete(f"{HANDOVERS}/{made['id']}")
    assert (await phone.head(where, headers=TUS)).status_code == 401
    assert not [*(site.folder / "uploads").rglob("*.part")]


async def test_a_recording_that_arrives_while_its_link_is_closed_is_not_stored(site, ana, phone):
    made, secret = await begun(ana)
    claim = await opened(phone, secret)
    path = f"/clones/c1/uploads/voice/{claim['name']}.wav"
    phone.headers["authorization"] = f"Bearer {claim['token']}"
    _, where = await site.begun(phone, path, len(site.voice))

    async def slow():
        yield site.voice[:1000]
        await ana.delete(f"{HANDOVERS}/{made['id']}")
        yield site.voice[1000:]

    answer = await phone.patch(where, content=slow(), headers=chunk(0))
    assert answer.status_code == 401
    assert await site.repository.samples("ana", "c1") == []
    assert not [*(site.folder / "uploads").rglob(".upload.json")]
    assert (await ana.get(f"{HANDOVERS}/{made['id']}")).status_code == 404


async def test_a_new_link_for_the_same_recording_ends_the_one_before(ana, phone):
    _, first = await begun(ana)
    _, other = await begun(ana, role="footage")
    await begun(ana)
    assert (await phone.post("/handovers/token", headers=bearer(first))).status_code == 401
    await opened(phone, other)


async def test_a_link_and_a_token_last_for_minutes(tmp_path):
    at = [1e9]
    held = Handovers(tmp_path, now=lambda: at[0])
    made, secret = await held.create("ana", "c1", NewHandover(**VOICE))
    at[0] += handover_store.OPENED_WITHIN
    assert made.status(held.now) == "expired"
    with pytest.raises(HandoverEnded):
        await held.claim(secret)
    _, secret = await held.create("ana", "c1", NewHandover(**VOICE))
    at[0] += handover_store.OPENED_WITHIN - 1
    claimed = await held.claim(secret)
    at[0] += handover_store.UPLOADED_WITHIN - 1
    assert await held.authenticate(claimed.token)
    at[0] += 1
    assert await held.authenticate(claimed.token) is None
    assert handover_store.OPENED_WITHIN + handover_store.UPLOADED_WITHIN <= 3600


async def test_a_user_has_few_links_at_once(tmp_path):
    held = Handovers(tmp_path)
    made = [await held.create("ana", f"c{n}", NewHandover(**VOICE)) for n in range(12)]
    await held.create("bob", "c1", NewHandover(**VOICE))
    assert len([*tmp_path.iterdir()]) == 10 + 1
    await held.claim(made[-1][1])


async def test_an_erasure_ends_the_links_of_the_user(ana, bob, phone):
    _, own = await begun(ana)
    _, others = await begun(bob)
    assert (await ana.post("/erasures", json={"confirm": True})).status_code == 201
    assert (await phone.post("/handovers/token", headers=bearer(own))).status_code == 401
    await opened(phone, others)


# -- what is guessed, and what is told ------------------------------------------------------------


async def test_guesses_are_refused_alike_and_then_not_heard_for_a_while(ana, phone):
    made, secret = await begun(ana)
    known = secret.rpartition(".")[0]
    guesses = ["", "handover-", f"{known}.", f"{known}.{'A' * 32}", "handover-../c1.x", "x" * 5000]
    answers = [await phone.post("/handovers/token", headers=bearer(guess)) for guess in guesses]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1
    for _ in range(guards.RateLimit(30).requests - len(guesses)):
        await phone.get("/clones", headers=bearer(f"{known}.{'A' * 32}"))
    late = await phone.post("/handovers/token", headers=bearer(f"{known}.{'B' * 32}"))
    assert (late.status_code, "retry-after" in late.headers) == (429, True)
    await opened(phone, secret)  # the right one is heard at any time
    assert made["status"] == "waiting"


async def test_the_secrets_are_in_no_log_no_file_and_no_address(site, ana, phone, caplog):
    caplog.set_level(logging.DEBUG)
    made, secret = await begun(ana)
    claim = await opened(phone, secret)
    answer, where = await sent(site, phone, claim, site.voice)
    kept = b"".join(f.read_bytes() for f in (site.folder / "uploads").rglob("*") if f.is_file())
    for token in (secret.rpartition(".")[2], claim["token"].rpartition(".")[2]):
        for told_of in (caplog.text, where, json.dumps(await told(ana, made))):
            assert token not in told_of
        assert token.encode() not in kept
    assert answer.headers["cache-control"] == "no-store"


async def test_the_phones_page_is_kept_nowhere_and_tells_no_other_page(phone):
    page = await phone.get("/phone")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-security-policy"] == guards.HEADERS["content-security-policy"]
    claim = await phone.post("/handovers/token", headers=bearer("handover-x.y"))
    assert claim.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "page",
    ["javascript:alert(1)", "/phone", "https://a b", "https://a#b", "https://a?b", "https://u@h"],
)
async def test_a_link_leads_to_a_page_of_the_web(ana, page):
    answer = await ana.post(HANDOVERS, json=VOICE | {"page": page})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "page")


async def test_the_code_holds_the_link(ana):
    cv2 = pytest.importorskip("cv2", reason="OpenCV reads QR codes")
    import numpy as np

    made, _ = await begun(ana)
    dark = np.array([[255 * (cell == "0") for cell in row] for row in made["qr"]], np.uint8)
    picture = np.kron(np.pad(dark, 4, constant_values=255), np.ones((8, 8), np.uint8))
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == made["link"]
