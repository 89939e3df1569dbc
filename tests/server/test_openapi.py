"""The OpenAPI document: it holds whatever is sent, and tells of all that is answered."""

from __future__ import annotations

import json
import re
import time

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.clock import SystemClock
from avatarkit.json_views import OperationStatus, record_json
from avatarkit.media import signing
from avatarkit.models import JobState, Operation
from avatarkit.providers.fake import Fault
from avatarkit.records import Attempt, Phase
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.server import erasures, openapi
from avatarkit.server.routes import OPEN, ROUTES
from server.tus import TUS, chunk

jsonschema = pytest.importorskip("jsonschema", reason="needs pip install jsonschema")
pytest.importorskip("uvicorn", reason='needs pip install "avatarkit-sdk[server]"')

pytestmark = pytest.mark.anyio

SECRET = b"a secret that signs links to files"


async def test_every_route_is_told_of(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()
    found = {(m.upper(), path) for path, item in told["paths"].items() for m in item}
    assert found == {(r.method, r.path.replace(":path", "")) for r in (*ROUTES, *OPEN)}


async def test_who_is_not_signed_in_sees_which_routes_that_does_not_matter_for(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()
        free = {
            path
            for path, item in told["paths"].items()
            if item.get("get", {}).get("security") == []
        }
        assert free == {"/media/{key}", "/errors/{code}", "/health"}
        assert (await client.get("/health")).status_code == 200


async def test_every_reference_leads_somewhere(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()
    assert set(references(told)) <= set(told["components"]["schemas"])


async def test_no_optional_field_of_a_body_is_required_by_a_generator(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()
    parts = told["components"]["schemas"]
    for name, needed in (
        ("NewTraining", ["clone_id"]),
        ("NewVideo", []),
        ("NewScene", ["text"]),
        ("NewDubs", ["languages"]),
        ("StockChoice", ["provider", "id"]),
        ("ActionAnswer", ["choice"]),
        ("ConsentGiven", []),
    ):
        assert parts[name].get("required", []) == needed
        assert not [f for f, about in parts[name]["properties"].items() if "default" in about]


async def test_a_file_is_binary(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()
    for status in ("200", "206"):
        content = told["paths"]["/media/{key}"]["get"]["responses"][status]["content"]
        assert list(content) == ["application/octet-stream", "*/*"]
        assert {about["schema"]["format"] for about in content.values()} == {"binary"}


@pytest.mark.parametrize("kind", ["training", "video"])
async def test_an_event_of_a_stream_is_told_of_by_name(site, ana, told, kind):
    record = dict(zip(("training", "video"), await completed(site, ana), strict=True))[kind]
    stream = (await ana.get(f"/{kind}s/{record}/events")).text
    lines = [line.partition(": ") for line in stream.splitlines() if line and line[0] != ":"]
    event = {name: value for name, _, value in lines}
    named = f"{kind.title()}Event"
    told.validate_as(named, event | {"data": json.loads(event["data"])})
    answer = told.operations[f"watch{kind.title()}"]["responses"]["200"]["content"]
    assert named in answer["text/event-stream"]["schema"]["description"]


# -- what answers hold ------------------------------------------------------------------------


class Told:
    """The document, and what it tells of answers."""

    def __init__(self, document):
        self.document = document
        self.operations = {
            operation["operationId"]: operation
            for item in document["paths"].values()
            for operation in item.values()
        }

    def require(self, name, answer):
        """Assert that it tells of the status, the headers, the content type, and all within."""
        told = self.operations[name]["responses"][str(answer.status_code)]
        for header, about in told.get("headers", {}).items():
            if header in answer.headers:
                given = answer.headers[header]
                plain = about["schema"]["type"] == "string"
                self.validate(about["schema"], given if plain else json.loads(given))
            else:
                assert not about.get("required")
        if "content" not in told:
            assert answer.content == b""
            return
        kind = answer.headers["content-type"].partition(";")[0]
        schema = told["content"].get(kind, told["content"].get("*/*", {})).get("schema")
        assert schema is not None, kind
        self.validate(schema, answer.json() if kind == "application/json" else answer.text)

    def validate(self, schema, value):
        within = {"components": self.document["components"]}
        jsonschema.Draft202012Validator({**schema, **within}).validate(value)

    def validate_as(self, name, value):
        self.validate({"$ref": f"#/components/schemas/{name}"}, value)


@pytest.fixture
async def ana(site):
    operators = site.operators()
    running = site.running(link_secrets=[SECRET], authenticate=operators)
    async with running as app, site.client(app, "ana") as client:
        yield client


@pytest.fixture
async def told(ana):
    return Told((await ana.get("/openapi.json")).json())


async def completed(site, ana):
    """The ids of a training and of a video that are done."""
    training = (await site.started(ana))["id"]
    await site.settle(training)
    asked = await ana.post(f"/trainings/{training}/videos", json={"text": "Hello."})
    await site.settle(asked.json()["id"])
    return training, asked.json()["id"]


ERASURE = erasures.new(SECRET, "ana", 1_796_000_000.0)
LINKS = ("video", "preview", "thumbnail", "audio", "subtitles_srt", "subtitles_vtt")
LISTED = {
    "listSamples",
    "listTrainings",
    "listVideos",
    "listTrainingVideos",
    "listDeliveries",
    "listStacks",
    "listClones",
    "listConsents",
    "listAllDeliveries",
}
PAYLOAD = "getDeliveryPayload"


async def test_every_answer_that_is_read_is_told_of_to_the_last_field(site, ana, told):
    training, video = await completed(site, ana)
    link = (await ana.get(f"/videos/{video}")).json()["links"]["video"]
    sample = (await ana.get("/clones/c1/samples")).json()["data"][0]["id"]
    consent = (await ana.get("/consents")).json()["data"][0]["id"]
    named = {"clone_id": "c1", "training_id": training, "video_id": video, "code": "conflict"}
    named |= {"provider": "fake", "role": "voice", "name": "more.wav"}
    await site.begun(ana, "/clones/c1/uploads/voice/more.wav", len(site.voice), site.voice)
    named |= {"sample_id": sample, "consent_id": consent, "erasure_id": ERASURE}
    event = (await ana.get("/operator/deliveries")).json()["data"][0]["event_id"]
    asked = {"role": "voice", "media": "audio", "page": "https://app.example/phone"}
    handed = await ana.post("/clones/c1/handovers", json=asked)
    told.require("createHandover", handed)
    named["handover_id"] = handed.json()["id"]
    found = {}
    for route in (*ROUTES, *OPEN):
        if route.method == "GET" and route.name != "watchRecords":  # whose answer does not end
            named_by = {"provider": "fake", "event_id": event} if route.name == PAYLOAD else None
            path = link if route.name == "getMedia" else route.path.format(**named)
            answer = found[route.name] = await ana.get(path, params=named_by)
            assert answer.status_code == 200
            told.require(route.name, answer)
    lists = {name for name in LISTED if found[name].json()["data"]}
    assert lists == LISTED, "an empty list says nothing of what it may hold"
    statuses = {found[kind].json()["status"] for kind in ("getTraining", "getVideo")}
    assert statuses == {"completed"}


@pytest.mark.parametrize("kind", ["training", "video"])
async def test_events_hold_the_record_as_it_is_told_of(site, ana, told, kind):
    training, video = await completed(site, ana)
    answer = await ana.get(f"/{kind}s/{training if kind == 'training' else video}/events")
    lines = answer.text.splitlines()
    (data,) = (line.removeprefix("data: ") for line in lines if line.startswith("data: "))
    told.validate_as(kind.title(), json.loads(data))


@pytest.mark.parametrize(
    "query", ["stack=elevenlabs%2Bd-id&dubs=2&videos=300", "stack=fake", "trainings=0&videos=0"]
)
async def test_a_quote_is_told_of_whatever_is_known_of_prices(ana, told, query):
    answer = await ana.get(f"/quote?{query}")
    assert answer.status_code == 200
    told.require("getQuote", answer)


async def test_every_answer_of_an_upload_is_told_of(site, ana, told):
    voice, size = "/clones/c1/uploads/voice/v.wav", len(site.voice)

    async def sent(path, data):
        answer = await ana.put(path, content=data)
        told.require("uploadFile", answer)
        return answer

    made, where = await site.begun(ana, voice, size)
    told.require("createUpload", made)
    told.require("uploadChunk", await ana.patch(where, content=site.voice[:9], headers=chunk(0)))
    wrong = await ana.patch(where, content=b"", headers=chunk(50))
    told.require("uploadChunk", wrong)
    assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, "9")
    there = await ana.head(where, headers=TUS)
    told.require("getUploadOffset", there)
    assert (there.headers["upload-offset"], there.headers["upload-length"]) == ("9", str(size))
    told.require("getUpload", await ana.get(where))
    told.require("uploadChunk", await ana.patch(where, content=site.voice[9:], headers=chunk(9)))
    done = await ana.get(where)
    told.require("getUpload", done)
    assert done.json()["sample"]["name"] == "v.wav"
    told.require("deleteUpload", await ana.delete(where, headers=TUS))
    told.require("getUploadProtocol", await ana.options("/clones/c1/uploads"))
    short = await sent(f"{voice}?stack=elevenlabs%2Bfake", site.voice)
    assert (short.status_code, len(short.json()["findings"])) == (201, 1)
    evidence = await sent("/clones/c1/uploads/evidence/form.pdf", b"signed")
    assert (evidence.status_code, evidence.json()["sample"]) == (201, None)
    bad = await sent("/clones/c1/uploads/footage/f.jpg", b"no picture")
    assert (bad.status_code, bad.json()["findings"][0]["severity"]) == (422, "error")
    other = await sent(f"{voice}?stack=unknown", site.voice)
    assert (other.status_code, list(other.json())) == (422, ["error", "findings"])


async def test_every_answer_to_an_order_is_told_of(site, ana, told):
    site.link_leads_to(site.voice)
    linked = {"role": "voice", "url": "https://files.example/voice.wav"}
    told.require("importSample", await ana.post("/clones/c2/samples", json=linked))
    await site.sampled(ana)
    consent = {"not_a_real_person": "a drawing"}
    trained = await ana.post("/trainings", json={"clone_id": "c1", "consent": consent})
    assert trained.status_code == 201
    told.require("createTraining", trained)
    training = trained.json()["id"]
    await site.settle(training)
    spoken = await ana.post(f"/trainings/{training}/videos", json={"text": "Hello."})
    assert spoken.status_code == 201
    told.require("createVideo", spoken)
    stopped = await ana.post(f"/videos/{spoken.json()['id']}/cancel")
    assert stopped.status_code == 200
    told.require("cancelVideo", stopped)
    told.require("cancelVideo", await ana.post(f"/videos/{spoken.json()['id']}/cancel"))
    told.require("getVideo", await ana.get("/videos/nobody"))


async def test_a_record_that_asks_and_fails_is_told_of(site, ana, told):
    site.vendor.fail_next(Operation.VOICE, Fault.QUOTA)
    where = f"/trainings/{(await site.started(ana))['id']}"
    await site.driven(where.split("/")[2], lambda record: record.action is not None)
    asking = await ana.get(where)
    assert (asking.json()["status"], asking.json()["action"]["kind"]) == (
        "action_required",
        "retry",
    )
    told.require("getTraining", asking)
    site.vendor.fail_next(Operation.VOICE, Fault.JOB_FAILS)
    answered = await ana.post(f"{where}/action", json={"choice": "retry"})
    assert answered.status_code == 200
    told.require("answerTrainingAction", answered)
    await site.settle(where.split("/")[2])
    failed = await ana.get(where)
    assert (failed.json()["status"], failed.json()["error"] is None) == ("failed", False)
    told.require("getTraining", failed)


async def test_a_stack_that_was_left_is_told_of(site, ana, told):
    record = await site.repository.get((await site.started(ana))["id"])
    left = Attempt(stack="heygen", operations=record.operations, reason="no", ended_at=1.0)
    told.validate_as(
        "Training",
        record_json(record.model_copy(update={"ended": (left,)}))
        | {"links": dict.fromkeys(LINKS), "version": 1, "estimate": None},
    )


@pytest.mark.parametrize(
    ("asked", "status"), [("bytes=0-9", 206), ("x", 400), ("bytes=999999999-", 416)]
)
async def test_every_answer_to_a_range_is_told_of(site, ana, told, asked, status):
    _, video = await completed(site, ana)
    link = (await ana.get(f"/videos/{video}")).json()["links"]["video"]
    answer = await ana.get(link, headers={"range": asked})
    assert answer.status_code == status
    told.require("getMedia", answer)


async def test_no_answer_may_hold_more_than_is_told_of(told):
    components = told.document["components"]["schemas"]
    answers = [o["responses"] for o in told.operations.values()]
    names, new = set(), set(references(answers))
    while new:
        names |= new
        new = set(references([components[name] for name in names])) - names
    assert {
        "ErrorBody",
        "Training",
        "Video",
        "Finding",
        "Estimate",
        "Price",
    } <= names
    objects = [
        schema
        for schema in within([answers, *(components[name] for name in names)])
        if schema.get("type") == "object"
        and not isinstance(schema.get("additionalProperties"), dict)
    ]
    assert len(objects) > len(names) / 2
    for schema in objects:
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) == set(schema["properties"])


def within(value):
    """Every object within a part of the document."""
    if isinstance(value, dict):
        yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from within(inner)


def references(value):
    """Names of the components that a part of the document refers to."""
    for found in within(value):
        if "$ref" in found:
            yield found["$ref"].removeprefix("#/components/schemas/")


# -- whatever is sent -------------------------------------------------------------------------


@pytest.mark.parametrize("kept", ["in memory", "in SQLite"])
@pytest.mark.filterwarnings("default")  # of what the fuzzer itself leaves open
@pytest.mark.slow
@pytest.mark.once
def test_whatever_is_sent_no_answer_is_a_fault_or_untold(site, kept):
    if kept == "in SQLite":
        site.repository = SqliteRepository(site.folder / "a.db", clock=SystemClock())
    schemathesis = pytest.importorskip("schemathesis", reason="needs pip install schemathesis")
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    serializer = schemathesis.serializer("application/offset+octet-stream")
    serializer(lambda _, value: {"data": bytes(getattr(value, "data", b""))})
    held = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    asked = set()
    with site.served(link_secrets=[SECRET]) as address, httpx.Client(base_url=address) as client:
        client.headers["authorization"] = f"Bearer {site.tokens['ana']}"
        known = cancelled(site, client)
        file, link = stored(site)
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path == "/events":  # whose answer does not end
                continue

            @given(case=operation.as_strategy(), there=st.booleans())
            @settings(max_examples=6, derandomize=True, database=None, deadline=None)
            def holds(case, there):
                if there and "training_id" in case.path_parameters:
                    case.path_parameters["training_id"] = known
                if there and "key" in case.path_parameters:
                    case.path_parameters["key"], case.query = file, dict(link)
                answer = case.call(base_url=address, headers=dict(client.headers), timeout=20)
                asked.add(case.operation.label)
                case.validate_response(answer, checks=held)

            holds()
    assert len(asked) == len(ROUTES) + len(OPEN) - 1


def cancelled(site, client):
    """The id of a training that is final, so that its events end."""
    for role, name, data in (("voice", "v.wav", site.voice), ("footage", "f.jpg", site.footage)):
        client.put(f"/clones/c1/uploads/{role}/{name}", content=data)
    asked = {"clone_id": "c1", "consent": {"not_a_real_person": "a drawing"}}
    training = client.post("/trainings", json=asked).json()["id"]
    assert client.post(f"/trainings/{training}/cancel").status_code == 200
    return training


def stored(site):
    """The key of a stored file, and the query that opens it."""
    media = site.folder / "media"
    key = next(media.rglob("*.wav")).relative_to(media).as_posix()
    link = httpx.URL(signing.link("http://127.0.0.1", SECRET, key, int(time.time()) + 3600))
    assert link.path == f"/media/{key}"
    return key, dict(link.params)


# -- what a client author sees ----------------------------------------------------------------


def test_every_operation_has_a_verb_a_tag_a_description_and_an_example(document):
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document).items():
        assert re.match(
            r"(get|list|create|delete|cancel|answer|watch|upload|import|withdraw|replay)[A-Z]", name
        )
        assert set(operation["tags"]) <= tags
        assert operation["description"]
        assert operation["summary"]
        content = [c for r in operation["responses"].values() for c in r.get("content", {}).items()]
        for kind, about in content:
            assert "example" in about or kind != "application/json", name
        body = operation.get("requestBody", {}).get("content", {})
        assert "example" in body.get("application/json", {"example": None}), name


def test_every_example_fits_its_schema(document):
    told = Told(document)
    parts = [part for part in within(document["paths"]) if {"schema", "example"} <= set(part)]
    assert len(parts) > 100
    for part in parts:
        told.validate(part["schema"], part["example"])


def test_every_property_and_every_parameter_is_described(document):
    for name, schema in document["components"]["schemas"].items():
        for field, about in schema.get("properties", {}).items():
            assert about.get("description"), f"{name}.{field}"
    for operation in operations(document).values():
        for parameter in operation["parameters"]:
            assert parameter["description"], parameter["name"]


def test_every_choice_of_values_has_a_name(document):
    schemas = document["components"]["schemas"]
    inner = [part for s in schemas.values() for part in within(list(s.values()))]
    assert not [part for part in inner if len(part.get("enum", ())) > 1]


def test_every_list_has_the_same_fields(document):
    for name, operation in operations(document).items():
        if name.startswith("list"):
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            listed = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            assert {"data", "has_more", "cursor"} <= set(listed["properties"])


def test_every_resource_that_is_made_leads_to_what_can_be_done_with_it(document):
    found = operations(document)
    made = found["createTraining"]["responses"]["201"]["links"]
    assert {"getTraining", "watchTraining", "cancelTraining", "createVideo"} <= set(made)
    linked = {
        link["operationId"]
        for operation in found.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    }
    reached = {name for name, about in found.items() if by_id(about)}
    assert reached <= linked


async def test_every_link_leads_from_an_answer_to_an_operation_that_answers(site, ana, told):
    """Follow each link with the IDs of a real answer, as its expressions say."""
    training, video = await completed(site, ana)
    consent = (await ana.get("/consents")).json()["data"][0]["id"]
    asked = {
        "createTraining": ana.post("/trainings", json={"clone_id": "c1", "consent_id": consent}),
        "createVideo": ana.post(f"/trainings/{training}/videos", json={"text": "Hello."}),
        "createConsent": ana.post("/consents", json={"subject": "Ana"}),
        "getTraining": ana.get(f"/trainings/{training}"),
        "getVideo": ana.get(f"/videos/{video}"),
        "getConsent": ana.get(f"/consents/{consent}"),
        "listTrainings": ana.get("/trainings"),
        "listTrainingVideos": ana.get(f"/trainings/{training}/videos"),
        "listVideos": ana.get("/videos"),
        "createDubs": ana.post("/dubs", json={"video_id": video, "languages": ["es"]}),
        "listConsents": ana.get("/consents"),
        "listClones": ana.get("/clones"),
        "listSamples": ana.get("/clones/c1/samples"),
        "uploadFile": ana.put(
            "/clones/c1/uploads/voice/v2.wav",
            content=site.voice,
        ),
        "getErasure": ana.get(f"/erasures/{ERASURE}"),
    }
    answers = {name: await asking for name, asking in asked.items()}
    await site.settle(answers["createTraining"].json()["id"])
    await site.settle(answers["createVideo"].json()["id"])
    for kind, operation in (("training", Operation.VOICE), ("video", Operation.VIDEO)):
        site.vendor.fail_next(operation, Fault.QUOTA)
        order = {"clone_id": "c1", "consent_id": consent} if kind == "training" else {"text": "Hi."}
        path = "/trainings" if kind == "training" else f"/trainings/{training}/videos"
        made = (await ana.post(path, json=order)).json()["id"]
        await site.driven(made, lambda record: record.action is not None)
        for what in ("action", "cancel"):
            sent = await ana.post(f"/{kind}s/{made}/{what}", json={"choice": "retry"})
            verb = "answer" if what == "action" else "cancel"
            end = "Action" if what == "action" else ""
            answers[f"{verb}{kind.title()}{end}"] = sent
    site.link_leads_to(site.voice)
    linked = {"role": "voice", "url": "https://files.example/voice.wav"}
    answers["importSample"] = await ana.post("/clones/c1/samples", json=linked)
    followed, every = set(), set()
    for name, operation in told.operations.items():
        for status, response in operation["responses"].items():
            for link in response.get("links", {}).values():
                every.add((name, link["operationId"]))
                answer = answers.get(name)
                if answer is None or str(answer.status_code) != status:
                    continue
                reached = await follow(ana, told, link, answer.json())
                told.require(link["operationId"], reached)
                followed.add((name, link["operationId"]))
    assert len(followed) >= 0.9 * len(every), sorted(every - followed)


async def follow(client, told, link, body):
    """Call the operation of a link that deletes nothing, with its parameters read from a body."""
    named = {}
    for parameter, expression in link["parameters"].items():
        value = body
        for part in expression.removeprefix("$response.body#/").split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]
        named[parameter] = value
    operation = told.operations[link["operationId"]]
    (path,) = (p for p, item in told.document["paths"].items() if operation in item.values())
    (method,) = (m for m, o in told.document["paths"][path].items() if o is operation)
    if method == "delete":  # what others still lead to: as another user asks for it
        return await client.request("DELETE", path.format(**dict.fromkeys(named, "none")))
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return await client.request(method, path.format(**named), json=content.get("example"))


def by_id(operation):
    """Whether an operation needs nothing but IDs that another one answers."""
    named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
    return named and not named & {"key", "code", "role", "name", "provider"}


def test_an_operations_state_is_one_of_a_job_or_of_a_call():
    assert set(OperationStatus) == {*JobState, *Phase}


def operations(document):
    items = document["paths"].values()
    return {operation["operationId"]: operation for item in items for operation in item.values()}


@pytest.fixture(scope="module")
def document():
    return openapi.document([*ROUTES, *OPEN], "0.1.0")
