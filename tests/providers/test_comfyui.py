"""ComfyUI: the suite, the workflow, and how prompts are found on a server of one's own."""

from __future__ import annotations

import copy
import json
from email.parser import BytesParser
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, Status, errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ProviderSettings
from avatarkit.media.folder import FolderStore
from avatarkit.models import AvatarRequest, JobState, Operation, VideoRequest
from avatarkit.providers.comfyui import ComfyUI
from avatarkit.providers.fake import Fake, FakeVendor, filmed
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import CannedAnswers, FakeClock, ProviderSuite
from avatarkit.testing.providers import KEY, TOKEN
from demo import DEMO, trained

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "comfyui.json").read_text())
WORKFLOW = TOLD["workflow"]
SERVER = "http://127.0.0.1:8188"


def graph(token):
    """The workflow as it is queued under a token."""
    sent = copy.deepcopy(WORKFLOW)
    sent["4"]["inputs"]["filename_prefix"] = f"avatarkit/{token}"
    return sent


def entry(token, prompt_id, number=4):
    return [number, prompt_id, graph(token), {"client_id": token}, ["4"]]


def ended(told, token, prompt_id):
    return {prompt_id: {**told, "prompt": entry(token, prompt_id)}}


@pytest.fixture(autouse=True)
def exported(tmp_path, monkeypatch):
    path = tmp_path / "workflow_api.json"
    path.write_text(json.dumps(WORKFLOW))
    monkeypatch.setenv("AVATARKIT_COMFYUI_WORKFLOW", str(path))
    return path


def settings(**more):
    return ProviderSettings(**{"api_key": SecretStr(KEY), "base_url": SERVER} | more)


class TestComfyUI(ProviderSuite):
    provider = ComfyUI
    kept = frozenset({Operation.AVATAR, Operation.VIDEO})
    recordings = {
        Operation.AVATAR: CannedAnswers(
            submitted=TOLD["uploaded"],
            polled={JobState.SUCCEEDED: {"name": "x/1"}},
            state_field=None,
            webhook=False,
        ),
        Operation.VIDEO: CannedAnswers(
            submitted=TOLD["queued"],
            polled={JobState.SUCCEEDED: TOLD["succeeded"], JobState.FAILED: TOLD["failed"]},
            pages=[
                {"queue_running": [entry("another", "p0")], "queue_pending": []},
                ended(TOLD["succeeded"], TOKEN, "p1"),
            ],
            state_field="status.status_str",
            prepared={"sound": "avatarkit-sound.wav"},
            webhook=False,
        ),
    }

    def settings(self):
        return settings()

    def polled(self, operation, body):
        if operation is Operation.VIDEO:
            return {"x/1": body}
        files = [str(body["name"]), "example.png"]
        return {"LoadImage": {"input": {"required": {"image": [files, {"image_upload": True}]}}}}

    def test_a_missing_key_names_its_variable(self):
        """No key is needed; the address of the server is."""
        with pytest.raises(errors.ConfigError, match="AVATARKIT_COMFYUI_BASE_URL"):
            ComfyUI()

    async def test_new_fields_and_nulls_do_no_harm(self, it, wire, operation):
        """A list of files has no fields of an avatar."""
        if operation is Operation.VIDEO:
            await super().test_new_fields_and_nulls_do_no_harm(it, wire, operation)

    async def test_an_id_is_one_part_of_the_path(self, it, wire, operation):
        """An avatar is looked for in the list of files."""
        if operation is Operation.VIDEO:
            await super().test_an_id_is_one_part_of_the_path(it, wire, operation)

    @pytest.mark.parametrize("broken", [500, 401, b"<h1>502</h1>"], ids=repr)
    async def test_a_list_that_breaks_off_is_never_absence(self, it, wire, listed, broken):
        """An empty history is whole: it is one after every start of the server."""
        await super().test_a_list_that_breaks_off_is_never_absence(it, wire, listed, broken)


@pytest.fixture
def comfyui(wire):
    return ComfyUI(settings(), client=wire.client)


def media(**more):
    return TestComfyUI().media().model_copy(update=more)


def video(**more):
    asked = {"token": TOKEN, "avatar_id": "avatarkit-me.png", "audio": media()}
    return VideoRequest(**asked | {"prepared": {"sound": "avatarkit-sound.wav"}} | more)


# -- the wire -----------------------------------------------------------------------------------


async def test_footage_is_uploaded_under_the_token(comfyui, wire):
    wire.reply(TOLD["uploaded"])
    footage = media(name="me.png", media_type="image/png")
    job = await comfyui.train_avatar(AvatarRequest(token="ak-1", footage=footage))
    assert (job.id, job.state) == ("avatarkit-ak-1.png", JobState.SUCCEEDED)
    assert b'filename="avatarkit-ak-1.png"' in wire.requests[0].content
    assert {k: v for k, v in wire.body().items() if k != "image"} == {
        "type": "input",
        "overwrite": "true",
    }


async def test_sound_is_uploaded_before_the_prompt(comfyui, wire):
    wire.reply({**TOLD["uploaded"], "name": "avatarkit-ak-1-sound.wav"})
    prepared = await comfyui.prepare(Operation.VIDEO, video(token="ak-1", prepared={}))
    assert prepared == {"sound": "avatarkit-ak-1-sound.wav"}
    assert b'filename="avatarkit-ak-1-sound.wav"' in wire.requests[0].content


async def test_only_three_inputs_of_the_workflow_change(comfyui, wire):
    wire.reply(TOLD["queued"])
    await comfyui.generate_video(video(token="ak-1"))
    wanted = graph("ak-1")
    wanted["1"]["inputs"]["image"] = "avatarkit-me.png"
    wanted["2"]["inputs"]["audio"] = "avatarkit-sound.wav"
    body = wire.body()
    assert (body["prompt"], body["client_id"]) == (wanted, "ak-1")
    assert WORKFLOW["4"]["inputs"]["filename_prefix"] == "AnimateDiff"


async def test_a_workflow_that_the_server_refuses_says_why(comfyui, wire):
    wire.reply(TOLD["refused"], 400)
    with pytest.raises(errors.Refused, match="Prompt outputs failed validation") as caught:
        await comfyui.generate_video(video())
    assert caught.value.code == "prompt_outputs_failed_validation"


# -- polls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "state"), [("queue_running", JobState.RUNNING), ("queue_pending", JobState.QUEUED)]
)
async def test_a_prompt_that_has_not_ended_is_in_the_queue(comfyui, wire, field, state):
    queue = {"queue_running": [], "queue_pending": []} | {field: [entry("ak-1", "p1")]}
    wire.reply({}).reply(queue)
    assert (await comfyui.get_video("p1")).state is state


async def test_a_prompt_that_ends_between_two_looks_is_found(comfyui, wire):
    queue = {"queue_running": [], "queue_pending": []}
    wire.reply({}).reply(queue).reply({"p1": TOLD["succeeded"]})
    assert (await comfyui.get_video("p1")).state is JobState.SUCCEEDED


async def test_a_prompt_that_a_restart_lost_is_not_found(comfyui, wire):
    wire.reply({}).reply({"queue_running": [], "queue_pending": []}).reply({})
    with pytest.raises(errors.NotFound, match="a restart empties both"):
        await comfyui.get_video("p1")


@pytest.mark.parametrize("queue", [{}, {"queue_running": []}, {"error": "busy"}])
async def test_an_answer_without_a_queue_is_no_absence(comfyui, wire, queue):
    wire.reply({}).reply(queue)
    with pytest.raises(errors.BadReply, match="no queue"):
        await comfyui.get_video("p1")


async def test_a_failed_node_tells_its_reason(comfyui, wire):
    wire.reply({"p1": TOLD["failed"]})
    assert (await comfyui.get_video("p1")).reason == "No face was found in the video"


async def test_an_interrupted_prompt_says_so(comfyui, wire):
    status = {"status_str": "error", "messages": [["execution_interrupted", {"node_id": "3"}]]}
    wire.reply({"p1": {**TOLD["failed"], "status": status}})
    assert "interrupted" in (await comfyui.get_video("p1")).reason


@pytest.mark.parametrize("place", ["gifs", "videos", "video", "images"])
async def test_a_video_is_found_under_each_name_of_an_output(comfyui, wire, place):
    files = [{"filename": "a.png"}, *TOLD["succeeded"]["outputs"]["4"]["gifs"]]
    other = {"9": {"gifs": [{"filename": "preview.mp4"}]}}
    wire.reply({"p1": {**TOLD["succeeded"], "outputs": {**other, "4": {place: files}}}})
    assert (await comfyui.get_video("p1")).links == {
        "video": f"{SERVER}/view?subfolder=avatarkit&type=output&filename=ak-1_00001-audio.mp4"
    }


async def test_a_lost_prompt_is_found_in_the_queue(comfyui, wire):
    queue = {"queue_running": [entry(TOKEN, "p1")], "queue_pending": [entry("other", "p2")]}
    wire.reply(queue).reply(ended(TOLD["succeeded"], "third", "p3"))
    (job,) = await comfyui.find_video(TOKEN)
    assert (job.id, job.state) == ("p1", JobState.RUNNING)


async def test_a_result_is_fetched_from_a_private_address_of_the_server_alone(comfyui, wire):
    wire.reply(b"video")
    assert [chunk async for chunk in comfyui.fetch(f"{SERVER}/view?filename=a.mp4")] == [b"video"]
    assert wire.requests[0].headers["authorization"] == f"Bearer {KEY}"
    for other in ("http://127.0.0.1:81881/view", "http://10.0.0.1/view", f"{SERVER}0/view"):
        with pytest.raises((errors.MediaRejected, errors.BadReply)):
            [chunk async for chunk in comfyui.fetch(other)]
    assert len(wire.requests) == 1


async def test_an_avatar_that_is_not_there_is_not_found(comfyui, wire):
    wire.reply(TestComfyUI().polled(Operation.AVATAR, {"name": "other.png"}))
    with pytest.raises(errors.NotFound, match=r"no 'me\.png'"):
        await comfyui.get_avatar("me.png")


# -- workflows ----------------------------------------------------------------------------------


def test_nodes_have_other_names_by_title_or_number(wire, monkeypatch):
    told = copy.deepcopy(WORKFLOW)
    for number, title in (("1", "Load Image"), ("2", "Speech"), ("4", "Save")):
        told[number]["_meta"]["title"] = title
    monkeypatch.setenv("AVATARKIT_COMFYUI_NODES", "picture=Load Image, sound=2,result=Save")
    ComfyUI(settings(), client=wire.client, workflow=told)
    ComfyUI(
        settings(),
        client=wire.client,
        workflow=told,
        nodes={"picture": "1", "sound": "Speech", "result": "4"},
    )


def without(number):
    return {n: node for n, node in WORKFLOW.items() if n != number}


def titled(title):
    told = copy.deepcopy(WORKFLOW)
    told["3"]["_meta"]["title"] = title
    return told


@pytest.mark.parametrize(
    ("workflow", "says"),
    [
        (without("2"), "no node with the title 'sound'"),
        (titled("result"), "several nodes with the title 'result'"),
        ({**without("4"), "5": {**WORKFLOW["3"], "_meta": {"title": "result"}}}, "no input"),
        ({"nodes": [{"id": 1}], "links": []}, 'not in API format: export it by "Export \\(API\\)"'),
        ({"1": {"class_type": "LoadImage", "inputs": []}}, "not in API format"),
        ("missing.json", "cannot be read: No such file"),
    ],
    ids=["without sound", "two results", "no prefix", "of the editor", "list of inputs", "no file"],
)
def test_a_workflow_that_cannot_be_used_says_what_to_do(wire, workflow, says):
    with pytest.raises(errors.ConfigError, match=says):
        ComfyUI(settings(), client=wire.client, workflow=workflow)


@pytest.mark.parametrize("content", [b"", b"not JSON", b"[" * 100_000, b"\xff\xfe"], ids=len)
def test_a_workflow_that_is_no_json_is_refused(wire, exported, content):
    exported.write_bytes(content)
    with pytest.raises(errors.ConfigError, match="is no JSON: export it again"):
        ComfyUI(settings(), client=wire.client)


@pytest.mark.parametrize("names", ["image=1", "sound", "sound=", "=2"])
def test_other_names_of_nodes_are_checked(wire, monkeypatch, names):
    monkeypatch.setenv("AVATARKIT_COMFYUI_NODES", names)
    with pytest.raises(errors.ConfigError, match="write picture=TITLE,sound=TITLE,result=TITLE"):
        ComfyUI(settings(), client=wire.client)


def test_without_a_workflow_the_variable_is_named(wire, monkeypatch):
    monkeypatch.delenv("AVATARKIT_COMFYUI_WORKFLOW")
    with pytest.raises(errors.ConfigError, match="set AVATARKIT_COMFYUI_WORKFLOW"):
        ComfyUI(settings(), client=wire.client)


# -- a whole avatar at a double of the server ---------------------------------------------------


class Server:
    """A double of ComfyUI: it keeps files, a queue and a history, and renders within two looks."""

    def __init__(self):
        self.files, self.waiting, self.ended, self.prompts = {}, [], {}, []
        self.cut = False  #: the answer to the next prompt is lost
        self.restarts = False  #: the server forgets the next prompt
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))

    async def handle(self, request):
        await request.aread()
        answer = {
            "/upload/image": self.upload,
            "/prompt": self.queue,
            "/queue": self.in_queue,
            "/view": self.view,
            "/object_info/LoadImage": self.loads,
        }.get(request.url.path, self.history)(request)
        if isinstance(answer, bytes):
            return httpx.Response(200, content=streamed(answer))
        body = json.dumps(answer).encode()
        return httpx.Response(
            200, content=streamed(body), headers={"content-type": "application/json"}
        )

    def upload(self, request):
        kind = request.headers["content-type"].encode()
        form = BytesParser().parsebytes(b"content-type: " + kind + b"\r\n\r\n" + request.content)
        (file,) = [part for part in form.walk() if part.get_filename()]
        self.files[file.get_filename()] = file.get_payload(decode=True)
        return {"name": file.get_filename(), "subfolder": "", "type": "input"}

    def queue(self, request):
        said = json.loads(request.content)
        prompt_id = f"p{len(self.prompts)}"
        self.prompts.append(said["prompt"])
        if not self.restarts:
            self.waiting.append([len(self.prompts), prompt_id, said["prompt"], {}, ["4"]])
        self.restarts = False
        if self.cut:
            self.cut = False
            raise httpx.ReadError("cut")
        return {"prompt_id": prompt_id, "number": 1, "node_errors": {}}

    def in_queue(self, _):
        told = {"queue_running": list(self.waiting), "queue_pending": []}
        for done in self.waiting:
            self.ended[done[1]] = {**TOLD["succeeded"], "prompt": done}
        self.waiting.clear()
        return told

    def history(self, request):
        prompt_id = request.url.path.removeprefix("/history").strip("/")
        return {n: told for n, told in self.ended.items() if prompt_id in ("", n)}

    def loads(self, _):
        return {"LoadImage": {"input": {"required": {"image": [sorted(self.files)]}}}}

    def view(self, request):
        assert dict(request.url.params)["subfolder"] == "avatarkit"
        return filmed(9)


async def streamed(content):
    yield content


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def kit(server, tmp_path):
    clock = FakeClock()
    return AvatarKit(
        {"voice": "fake", "speech": "fake", "avatar": "comfyui", "video": "comfyui"},
        repository=MemoryRepository(clock=clock),
        media=FolderStore(tmp_path / "media"),
        providers={
            "fake": Fake(vendor=FakeVendor(clock=clock)),
            "comfyui": ComfyUI(settings(), client=server.client),
        },
        settings=Settings(root=tmp_path),
        clock=clock,
    )


async def spoken(kit):
    training = await trained(kit)
    video = await kit.speak(training.id, "Hello from a server of my own.", wait=False)
    async for update in kit.watch(video.id):
        video = update
    return video


async def test_a_server_of_ones_own_makes_a_talking_video(kit, server):
    async with kit:
        video = await spoken(kit)
    assert (video.status, video.file("video").media_type) == (Status.COMPLETED, "video/mp4")
    (prompt,) = server.prompts
    picture, sound = prompt["1"]["inputs"]["image"], prompt["2"]["inputs"]["audio"]
    assert server.files[picture] == (DEMO / "portrait.jpg").read_bytes()
    assert server.files[sound].startswith(b"RIFF")


async def test_a_prompt_whose_answer_was_lost_is_found_and_not_queued_twice(kit, server):
    server.cut = True
    async with kit:
        assert (await spoken(kit)).status is Status.COMPLETED
    assert len(server.prompts) == 1


async def test_a_prompt_that_a_restart_lost_fails_with_that_reason(kit, server):
    server.restarts = True
    async with kit:
        video = await spoken(kit)
    assert video.status is Status.FAILED
    assert len(server.prompts) == 1
