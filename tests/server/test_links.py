"""Chains of calls by the document's links, which schemathesis makes against a running server."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky

from avatarkit.models import Operation
from avatarkit.providers.fake import Fault, filmed
from avatarkit.server import Principal
from server.test_answers import BODY, UPLOADING

pytest.importorskip("uvicorn", reason='needs pip install "avatarkit-sdk[server]"')
schemathesis = pytest.importorskip("schemathesis", reason="needs pip install schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")
state_machine = pytest.importorskip("schemathesis.generation.stateful.state_machine")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.filterwarnings("default"),  # of what schemathesis itself leaves open
]

CHECKS = (
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
CHAINS = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: Links of one answer are followed in this order, so that what is deleted is not asked for.
ORDER = (
    "get",
    "list",
    "watch",
    "import",
    "upload",
    "create",
    "answer",
    "cancel",
    "withdraw",
    "delete",
)
#: Sources of links that need an upload that is continued, which no link leads to.
LEFT_OUT = {"getUpload"}
#: What is asked for directly; the rest is reached by links from there.
ROOTS = {"createConsent", "createTraining", "uploadFile"}
#: What a list or a root needs, so that its answer names something.
FIRST = {
    "listClones": "createTraining",
    "listTrainings": "createTraining",
    "listVideos": "createVideo",
    "listConsents": "createConsent",
    "listSamples": "importSample",
}


async def anyone(request):
    """The user whose name is the token."""
    scheme, _, name = request.headers.get("authorization", "").partition(" ")
    return Principal(name) if scheme == "Bearer" and name else None


def loaded(address):
    """The server's document, with events as schemathesis reads them: each an object."""
    found = httpx.get(f"{address}/openapi.json", headers={"authorization": "Bearer ana"}).json()
    for item in found["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                if stream := response.get("content", {}).get("text/event-stream"):
                    stream["schema"] = stream["schema"]["contentSchema"]
    for name, schema in found["components"]["schemas"].items():
        if name.endswith("Event"):
            text = {"type": "string", "contentMediaType": "application/json"}
            schema["properties"]["data"] = text | {"contentSchema": schema["properties"]["data"]}
    schema = schemathesis.openapi.from_dict(found)
    schema.config.phases.stateful.inference.algorithms = []  # only links of the document
    schema.config.max_stream_events = 1
    return schema


def named(operation):
    return operation.definition.raw["operationId"]


def reached(answer):
    """Whether a link led to the thing that its answer named."""
    return answer.status_code < 300 or answer.status_code == 409


class Person:
    """A user who has recordings and a consent, and sends requests that can be fulfilled."""

    def __init__(self, site, address, name):
        self.address = address
        self.headers = {"authorization": f"Bearer {name}"}
        with httpx.Client(base_url=address, headers=self.headers) as client:
            files = (("voice/v.wav", site.voice), ("footage/f.jpg", site.footage))
            for file, data in (*files, ("source/film.mp4", filmed())):
                client.put(f"/clones/{name}/uploads/{file}", content=data)
            consent = client.post("/consents", json={"subject": name}).json()["id"]
        by = {"clone_id": name, "consent_id": consent}
        dubs = by | {"source": "film.mp4", "languages": ["es"]}
        self.bodies = BODY | {"createTraining": by, "createDubs": dubs}
        self.upload = {"clone_id": name, "role": "voice", "name": "again.wav"}, site.voice

    def call(self, case):
        """Send a case, with a body that can be fulfilled."""
        name = named(case.operation)
        if name in self.bodies:
            case.body, case.media_type = self.bodies[name], "application/json"
        headers = self.headers | UPLOADING.get(name, {})
        return case.call(base_url=self.address, headers=headers, timeout=20)

    def wait(self, path):
        """Watch a record until it asks for something or is final."""
        with (
            httpx.Client(base_url=self.address, headers=self.headers, timeout=60) as client,
            client.stream("GET", f"{path}/events") as events,
        ):
            for line in events.iter_lines():
                if line.startswith("data: ") and json.loads(line.removeprefix("data: "))["action"]:
                    return  # else the stream ends by itself


class Walk:
    """Every link of the document, each followed once from an answer that was just made."""

    def __init__(self, site, address):
        self.site, self.address = site, address
        machine = loaded(address).as_state_machine()
        rows = machine._transitions.operations.values()
        self.links = [link for row in rows for link in row.outgoing]
        self.operations = {named(link.source): link.source for link in self.links}

    def call(self, operation, **path):
        body = {}
        if named(operation) == "uploadFile":
            path, sent = self.person.upload
            body = {"body": sent, "media_type": "application/octet-stream"}
        case = operation.Case(path_parameters=path, **body)
        answer = self.person.call(case)
        case.validate_response(answer, checks=CHECKS)
        return state_machine.StepOutput(answer, case)

    def follow(self, link, output):
        """Call the operation that a link leads to, with what it reads from an answer."""
        found = link.extract(output).parameters["path_parameters"]
        path = {name: part.value.ok() for name, part in found.items()}
        if named(link.target).startswith(("createVideo", "answer")):
            ((kind, record_id),) = path.items()
            self.person.wait(f"/{kind.removesuffix('_id')}s/{record_id}")
        return self.call(link.target, **path)

    def made(self, name):
        """A fresh answer of an operation, made directly or by links."""
        if name in FIRST:
            self.made(FIRST[name])
        ways = [link for link in self.links if named(link.target) == name]
        if not ways or name in ROOTS:
            return self.call(self.operations[name])
        if name.startswith("answer"):
            operation = Operation.VOICE if "Training" in name else Operation.VIDEO
            self.site.vendor.fail_next(operation, Fault.QUOTA)
        way = min(ways, key=lambda link: not named(link.source).startswith("create"))
        source = self.made(named(way.source))
        if name == "listTrainingVideos":  # of a training that has one
            self.follow(self.link("createTraining", "createVideo"), source)
        return self.follow(way, source)

    def link(self, source, target):
        pair = source, target
        return next(link for link in self.links if (named(link.source), named(link.target)) == pair)

    def followed(self):
        """Names of the links that lead from an answer to the thing that it names."""
        for name in sorted(self.operations.keys() - LEFT_OUT):  # those that need a fault come first
            self.person = Person(self.site, self.address, f"user-of-{name}")
            output = self.made(name)
            ways = [link for link in self.links if named(link.source) == name]
            for link in sorted(ways, key=lambda link: order(named(link.target))):
                if reached(self.follow(link, output).response):
                    yield link.full_name


def order(name):
    return next(place for place, verb in enumerate(ORDER) if name.startswith(verb))


def test_nine_of_ten_links_lead_to_an_answer_as_it_is_told_of(site):
    with site.served(authenticate=anyone, worker=True) as address:
        site.link_leads_to(site.voice)
        walk = Walk(site, address)
        every, followed = {link.full_name for link in walk.links}, set(walk.followed())
    assert len(followed) >= 0.9 * len(every), sorted(every - followed)


@pytest.mark.thorough
def test_chains_that_are_drawn_are_answered_as_it_is_told(site):
    with site.served(authenticate=anyone, worker=True) as address:
        site.link_leads_to(site.voice)
        users = itertools.count()
        wrong: list[BaseException] = []

        class Chains(loaded(address).as_state_machine()):
            def setup(self):
                self.person = Person(site, address, f"user-{next(users)}")

            def call(self, case, **_):
                return self.person.call(case)

            def validate_response(self, response, case, **_):
                try:
                    case.validate_response(response, checks=CHECKS)
                except BaseExceptionGroup as found:
                    wrong.append(found)

        for number in range(6):
            with suppress(Flaky):  # a server's state is no function of what was drawn
                seed(number)(Chains).run(settings=CHAINS)
    assert not wrong
