"""``avatarkit serve``: a real process, who may use it, and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import stat
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from avatarkit.providers.fake import FakeVendor, Fault
from server.tus import TUS, chunk

from .test_cli import DEMO, place, printed, process, run, train  # noqa: F401
from .test_worker import until

SECRET = Path(".avatarkit/webhook-secret")

pytestmark = pytest.mark.slow  # each starts programs


@pytest.fixture(autouse=True)
def _no_secrets_of_this_machine(monkeypatch):
    for name in ("TOKEN", "WEBHOOK_SECRET", "MEDIA_SECRET"):
        monkeypatch.delenv(f"AVATARKIT_{name}", raising=False)


@pytest.fixture
def serve():
    """Starts a server, and returns its process and the address that it printed."""
    started = []

    def start(*arguments, **options):
        made = process("serve", "--port=0", *arguments, **options)
        started.append(made)
        return made, made.stdout.readline().strip()

    yield start
    for left in started:
        left.kill()
        left.communicate()


def client(url, token):
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url.partition("?")[0], headers=headers, timeout=60)


def half_begun(api, length):
    """Begin a resumable upload of ``half.wav``, without a byte; its address."""
    name, role = (b64encode(value).decode() for value in (b"half.wav", b"voice"))
    about = {"upload-length": str(length), "upload-metadata": f"filename {name},role {role}"}
    made = api.post("clones/c1/uploads", headers=TUS | about).raise_for_status()
    return made.headers["location"]


def begin(api):
    for role, name in (("voice", "voice.wav"), ("footage", "portrait.jpg")):
        content = (DEMO / name).read_bytes()
        api.put(f"clones/c1/uploads/{role}/{name}", content=content).raise_for_status()
    body = {"clone_id": "c1", "consent": {"not_a_real_person": "a drawing"}}
    return api.post("trainings", json=body).raise_for_status().json()["id"]


def test_it_prints_an_address_on_loopback_whose_token_opens_it(serve):
    url = serve()[1]
    address, _, token = url.partition("?token=")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    assert len(token) >= 32
    with client(url, token) as api:
        assert api.get("trainings").json()["data"] == []
    with client(url, "x" * 32) as api:
        assert api.get("trainings").status_code == 401


def test_the_api_answers_the_json_that_the_command_line_prints(serve):
    training = train()
    url = serve()[1]
    with client(url, url.partition("=")[2]) as api:
        answer = api.get(f"trainings/{training}").json()
        quoted = api.get("quote?stack=elevenlabs%2Bd-id&seconds=90&dubs=1").json()
    only_of_the_api = {"links", "version", "estimate"}
    assert only_of_the_api < answer.keys()
    [shown] = printed("status", training)
    assert {k: v for k, v in answer.items() if k not in only_of_the_api} == shown
    assert [quoted] == printed("quote", "--stack=elevenlabs+d-id", "--seconds=90", "--dubs=1")


def test_two_starts_have_two_tokens(serve):
    assert serve()[1].partition("=")[2] != serve()[1].partition("=")[2]


def test_a_token_that_was_given_is_used_and_not_printed(serve, monkeypatch):
    monkeypatch.setenv("AVATARKIT_TOKEN", "a-token-that-was-given")
    server, url = serve()
    assert "token" not in url
    with client(url, "a-token-that-was-given") as api:
        assert api.get("trainings").is_success
    server.terminate()
    assert "a-token-that-was-given" not in server.communicate()[1]


def test_a_token_that_could_be_guessed_is_refused():
    result = run("serve", "--port=0", "--token=short")
    assert (result.exit_code, "16 characters" in result.stderr) == (3, True)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--token=a-token-that-was-given",),
        ("--allowed-host=twins.example",),
    ],
)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "twins.example"])
def test_no_other_interface_is_opened_without_a_token_and_names(host, options):
    result = run("serve", f"--host={host}", "--port=0", *options)
    assert result.exit_code == 3
    assert "--token" in result.stderr
    assert "--allowed-host" in result.stderr


def test_with_both_it_answers_on_every_interface_for_those_names_only(serve):
    url = serve("--host=0.0.0.0", "--token=a-token-that-was-given", "--allowed-host=twins.example")[
        1
    ]
    own = url.replace("0.0.0.0", "127.0.0.1")
    with client(own, "a-token-that-was-given") as api:
        assert api.get("trainings", headers={"host": "twins.example"}).status_code == 200
        assert api.get("trainings").status_code == 421


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", f"--port={taken.getsockname()[1]}")
    assert result.exit_code == 3
    assert "choose another --host or --port" in result.stderr


def test_a_host_that_is_none_of_this_machine_is_named():
    result = run(
        "serve",
        "--port=0",
        "--host=192.0.2.1",
        "--token=a-token-that-was-given",
        "--allowed-host=a",
    )
    assert (result.exit_code, "choose another --host" in result.stderr) == (3, True)


def test_a_stack_that_nobody_knows_is_told_before_anybody_asks_for_it():
    result = run("serve", "--stack=heygn", "--port=0")
    assert (result.exit_code, "there is no provider 'heygn'" in result.stderr) == (3, True)


def test_the_secret_of_webhooks_is_kept_for_this_user_only(serve):
    for _ in range(2):
        url = serve()[1]
        secret = SECRET.read_text()
        assert stat.S_IMODE(SECRET.stat().st_mode) == 0o600
        answer = httpx.post(url.partition("?")[0] + f"webhooks/fake/{secret}", json={})
        assert answer.status_code == 401  # the inbox is there, and this was not signed
        wrong = httpx.post(url.partition("?")[0] + f"webhooks/fake/x{secret}", json={})
        assert wrong.status_code == 404


def test_no_other_user_can_read_a_file_of_the_server(serve):
    old = Path(".avatarkit/local/avatars/x/portrait.png")
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    url = serve()[1]
    with client(url, url.partition("=")[2]) as api:
        where = half_begun(api, 100)
        api.patch(where, content=b"half", headers=chunk(0)).raise_for_status()
        api.put("clones/c1/uploads/evidence/consent.mp4", content=b"all").raise_for_status()
        training = begin(api)
        until(lambda: api.get(f"trainings/{training}").json()["status"] == "completed")
        home = old.parents[3]
        made = {path.name for path in home.rglob("*")}
        assert {"avatarkit.db-wal", ".half.wav.part", "consent.mp4", "vendor.json"} <= made
        assert not [p for p in (home, *home.rglob("*")) if p.stat().st_mode & 0o077]


def test_the_secret_of_webhooks_can_be_given(serve, monkeypatch):
    monkeypatch.setenv("AVATARKIT_WEBHOOK_SECRET", "a-secret-that-was-given")
    url = serve()[1]
    answer = httpx.post(url.partition("?")[0] + "webhooks/fake/a-secret-that-was-given", json={})
    assert answer.status_code == 401
    assert not SECRET.exists()


@pytest.mark.parametrize("command", [("serve", "--port=0"), ("worker",), ("worker", "--once")])
def test_what_tells_vendors_an_address_that_others_do_not_know_is_refused(command, monkeypatch):
    monkeypatch.setenv("AVATARKIT_PUBLIC_URL", "https://app.example")
    result = run(*command, "--repository=postgresql://app@db.example.com/app")
    assert (result.exit_code, "AVATARKIT_WEBHOOK_SECRET" in result.stderr) == (3, True)


def test_it_drives_what_is_begun(serve):
    url = serve()[1]
    with client(url, url.partition("=")[2]) as api:
        training = begin(api)
        until(lambda: api.get(f"trainings/{training}").json()["status"] == "completed")


def test_without_a_worker_what_is_begun_waits_for_one(serve):
    url = serve("--no-worker")[1]
    with client(url, url.partition("=")[2]) as api:
        training = begin(api)
        assert run("worker", "--once").exit_code == 0
        assert api.get(f"trainings/{training}").json()["status"] != "pending"


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_while_somebody_watches_and_hands_its_leases_back(serve, with_signal):
    FakeVendor(file=Path(".avatarkit/fake/vendor.json")).fail_next("avatar", Fault.STUCK)
    server, url = serve()
    with client(url, url.partition("=")[2]) as api:
        training = begin(api)
        with api.stream("GET", f"trainings/{training}/events") as stream:
            next(line for line in stream.iter_lines() if '"status":"training"' in line)
            server.send_signal(with_signal)
            assert server.wait(60) == 0
    [waiting] = printed("worker", "--status", "--late=1000")[0]["providers"]
    assert (waiting["waiting"], waiting["held"]) == (1, 0)
