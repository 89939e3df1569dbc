"""Spans and metrics, as the SDK of an application collects them; and what never gets into them."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, Consent, Status, _telemetry, errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Prepares, ProviderSettings
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor, Fault
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock, Wire
from avatarkit.webhooks import Delivery

pytestmark = pytest.mark.anyio
VOICE, AVATAR, VIDEO = Operation.VOICE, Operation.AVATAR, Operation.VIDEO
ROOT = Path(__file__).parent.parent
DEMO = ROOT / "src/avatarkit/data/demo"
SAMPLES = {
    "voice": [DEMO / "voice.wav"],
    "footage": DEMO / "portrait.jpg",
    "consent": Consent.not_a_real_person("a drawing"),
}
WHO = {"user_id": "ana", "clone_id": "ana-1"}


class Told:
    """What the application was told since the test began."""

    def __init__(self, exporter, reader, tracer):
        self._exporter, self._reader = exporter, reader
        self.tracer = tracer

    def spans(self, name=None, **attributes):
        wanted = {f"avatarkit.{key}": value for key, value in attributes.items()}.items()
        return [
            span
            for span in self._exporter.get_finished_spans()
            if name in {None, span.name} and wanted <= dict(span.attributes).items()
        ]

    def data(self):
        """All metrics since the last call."""
        return self._reader.get_metrics_data()

    def metrics(self):
        """Per metric, its points: the labels, and the sum."""
        data = self.data()
        found = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        value = point.sum if hasattr(point, "sum") else point.value
                        labels = frozenset(dict(point.attributes).items())
                        found.setdefault(metric.name, {})[labels] = value
        return found


@pytest.fixture(scope="module")
def _sdk():
    """The SDK, loaded no sooner than here: the tests of other modules run without it."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    delta = AggregationTemporality.DELTA
    reader = InMemoryMetricReader(preferred_temporality={Counter: delta, Histogram: delta})
    metering = MeterProvider([reader], shutdown_on_exit=False)
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    yield exporter, reader, trace.get_tracer("the application")
    tracing.shutdown()
    metering.shutdown()


@pytest.fixture
def told(_sdk):
    exporter, reader, tracer = _sdk
    exporter.clear()
    reader.get_metrics_data()
    return Told(exporter, reader, tracer)


class House:
    """Everything that outlives a kit."""

    def __init__(self, folder, fake=Fake):
        self.clock = FakeClock()
        self.vendor = FakeVendor(clock=self.clock)
        self.repository = MemoryRepository(clock=self.clock)
        self.media = FolderStore(folder / "media")
        self.fake = fake(vendor=self.vendor)

    def kit(self, *, worker=False):
        return AvatarKit(
            "fake",
            repository=self.repository,
            media=self.media,
            providers={"fake": self.fake},
            clock=self.clock,
            settings=Settings(),
            worker=worker,
        )

    async def visited(self):
        """Let another process do what is due, and then time pass."""
        async with self.kit() as kit:
            await kit.admin.tick()
        self.clock.advance(20.0)

    async def delivered(self):
        """Let another process receive what the vendor has to tell."""
        for delivery in self.vendor.deliveries():
            async with self.kit() as kit:
                await kit.webhooks.receive("fake", delivery)

    async def driven(self, record):
        """Drive it to its end, by one process for each visit and each delivery."""
        for _ in range(100):
            await self.visited()
            await self.delivered()
            last = await self.repository.get(record.id)
            if last.status.final and (last.next_at or 1e12) > self.clock.wall + 3600.0:
                return last
        pytest.fail(f"it is {last.status} for ever")

    async def trained(self):
        async with self.kit() as kit:
            training = await kit.train(**WHO, **SAMPLES)
        return await self.driven(training)

    async def spoken(self):
        training = await self.trained()
        async with self.kit() as kit:
            video = await kit.speak(training.id, "Hello.", wait=False)
        return await self.driven(video)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def context(span):
    return span.context.trace_id, span.context.span_id


def links(span):
    return {(link.context.trace_id, link.context.span_id) for link in span.links}


# -- one story --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("voice", {"avatarkit.poll", "avatarkit.webhook"}),
        ("avatar", {"avatarkit.poll", "avatarkit.webhook"}),
        ("video", {"avatarkit.poll", "avatarkit.webhook", "avatarkit.download"}),
    ],
)
async def test_all_that_is_done_about_an_operation_links_to_the_visit_that_submitted_it(
    told, house, operation, names
):
    assert (await house.spoken()).status is Status.COMPLETED
    (submit,) = told.spans("avatarkit.submit", operation=operation)
    visits = {context(s)[1]: context(s) for s in told.spans("avatarkit.advance")}
    rest = [s for s in told.spans(operation=operation) if s is not submit]
    assert {s.name for s in rest} == names
    assert {frozenset(links(s)) for s in rest} == {frozenset({visits[submit.parent.span_id]})}


async def test_the_visit_that_submits_first_links_to_the_span_that_asked_for_it(told, house):
    async with house.kit() as kit:
        with told.tracer.start_as_current_span("sign-up") as asked:
            await kit.train(**WHO, **SAMPLES)
    await house.visited()
    (visit,) = told.spans("avatarkit.advance")
    assert links(visit) == {context(asked)}


async def test_a_repeated_submission_links_to_the_one_before(told, house):
    house.vendor.fail_next(VOICE, Fault.RATE_LIMITED)
    await house.trained()
    first, second = (s.parent.span_id for s in told.spans("avatarkit.submit", operation="voice"))
    (later,) = [s for s in told.spans("avatarkit.advance") if context(s)[1] == second]
    assert first in {span_id for _, span_id in links(later)}


async def test_calls_are_children_of_their_visit_and_hold_what_they_were(told, house):
    training = await house.trained()
    (submit,) = told.spans("avatarkit.submit", operation="voice")
    assert dict(submit.attributes) == {
        "avatarkit.record.id": training.id,
        "avatarkit.provider": "fake",
        "avatarkit.operation": "voice",
        "avatarkit.call": "submit",
        "avatarkit.attempt": 1,
        "avatarkit.outcome": "ok",
    }
    visits = {context(s) for s in told.spans("avatarkit.advance")}
    calls = [s for s in told.spans() if s.kind.name == "CLIENT"]
    assert {(s.parent.trace_id, s.parent.span_id) for s in calls} <= visits


async def test_a_worker_does_not_belong_to_the_span_in_which_it_was_started(told, house):
    with told.tracer.start_as_current_span("start-up"):
        async with house.kit(worker=True) as kit:
            training = await kit.train(**WHO, **SAMPLES)
            async for _ in kit.watch(training.id):
                pass
    assert {s.parent for s in told.spans("avatarkit.advance")} == {None}


async def test_a_tick_belongs_to_the_span_around_it(told, house):
    async with house.kit() as kit:
        await kit.train(**WHO, **SAMPLES)
        with told.tracer.start_as_current_span("cron") as cron:
            await kit.admin.tick()
    (visit,) = told.spans("avatarkit.advance")
    assert (visit.parent.trace_id, visit.parent.span_id) == context(cron)


async def test_a_row_whose_trace_is_nonsense_is_driven_all_the_same(told, house):
    async with house.kit() as kit:
        training = await kit.train(**WHO, **SAMPLES)
    states = tuple(s.revised(call={"trace": "nonsense"}) for s in training.operations)
    await house.repository.save(training, training.model_copy(update={"operations": states}))
    assert (await house.driven(training)).status is Status.COMPLETED
    (first, *_) = told.spans("avatarkit.advance")
    assert links(first) == set()


async def test_a_process_that_takes_no_spans_keeps_those_of_others(told, house, monkeypatch):
    async with house.kit() as kit:
        with told.tracer.start_as_current_span("sign-up") as asked:
            await kit.train(**WHO, **SAMPLES)
    with monkeypatch.context() as patch:
        patch.setattr(_telemetry, "_wanted", lambda: False)
        await house.visited()
    await house.visited()
    (poll,) = told.spans("avatarkit.poll")
    assert links(poll) == {context(asked)}


# -- what became of it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "outcome", "error", "status"),
    [
        (Fault.NOT_SENT, "not_sent", "NotSent", None),
        (Fault.RATE_LIMITED, "refused", "RateLimited", 429),
        (Fault.UNCLEAR, "unclear", "Ambiguous", 502),
        (Fault.LOST_REPLY, "unclear", "Ambiguous", None),
    ],
)
async def test_a_failed_call_says_what_is_known_of_it(told, house, fault, outcome, error, status):
    house.vendor.fail_next(VOICE, fault)
    async with house.kit() as kit:
        await kit.train(**WHO, **SAMPLES)
    await house.visited()
    span = told.spans("avatarkit.submit")[0]
    assert span.status.status_code.name == "ERROR"
    assert span.attributes.get("http.response.status_code") == status
    assert (span.attributes["avatarkit.outcome"], span.attributes["error.type"]) == (outcome, error)
    labels = {"provider": "fake", "operation": "voice", "call": "submit", "outcome": outcome}
    named = {f"avatarkit.{key}": value for key, value in labels.items()} | {"error.type": error}
    assert frozenset(named.items()) in told.metrics()["avatarkit.client.operation.duration"]


async def _away(*_arguments):
    raise errors.StorageError("the database is away")


async def test_deliveries_are_counted_by_what_became_of_them(told, house, monkeypatch):
    await house.trained()
    unknown = b'{"operation": "video", "id": "x", "state": "succeeded", "reason": null}'
    async with house.kit() as kit:
        await kit.webhooks.receive("fake", house.vendor.signed(unknown))
        with monkeypatch.context() as patch, pytest.raises(errors.StorageError):
            patch.setattr(house.repository, "find_job", _away)
            await kit.webhooks.receive("fake", house.vendor.signed(unknown.replace(b"x", b"y")))
        with pytest.raises(errors.WebhookRejected):
            await kit.webhooks.receive("fake", Delivery(unknown, {}, house.clock.wall))
    counted = {
        dict(labels)["avatarkit.outcome"]: count
        for labels, count in told.metrics()["avatarkit.webhook.deliveries"].items()
    }
    assert counted == {"applied": 2, "ignored": 1, "failed": 1, "rejected": 1}


async def test_a_record_is_counted_once_when_it_ends(told, house):
    training = await house.trained()
    async with house.kit() as kit:
        await kit.delete(training.id)
    await house.visited()
    ended = told.metrics()["avatarkit.records.finished"]
    assert ended == {frozenset({("avatarkit.record.status", "completed")}): 1}


async def test_the_bytes_of_results_are_counted(told, house):
    video = await house.spoken()
    copied = told.metrics()["avatarkit.download.io"]
    size = sum(f.size for s in video.operations for f in s.job.files.values())
    assert sum(copied.values()) == size > 0


async def test_a_claim_tells_for_how_long_the_oldest_record_was_due(told, house):
    async with house.kit() as kit:
        await kit.train(**WHO, **SAMPLES)
        house.clock.advance(90.0)
        await kit.admin.tick()
    assert told.metrics()["avatarkit.claim.age"] == {frozenset(): pytest.approx(90.0)}


# -- what nobody is told ----------------------------------------------------------------------

KEY = "sk-planted-key-0123456789"
SIGNED = "https://vendor.example/result.mp4?signature=planted"
BODY = {"detail": "planted", "url": SIGNED}


class Leaky(Fake, Prepares):
    """Everything that it says and holds is secret, also when it fails; each call fails once."""

    def __init__(self, *, vendor):
        super().__init__(ProviderSettings(api_key=SecretStr(KEY)), vendor=vendor)
        self._failed = set()

    def _fail_once(self, what, kind=errors.Unavailable):
        if what not in self._failed:
            self._failed.add(what)
            raise kind(
                f"look at {SIGNED} with {KEY}",
                provider=self.name,
                status=503,
                body=BODY,
            )

    async def prepare(self, operation, request):
        self._fail_once("prepare")
        return {"upload": SIGNED}

    async def _submit(self, operation, request, *media, **more):
        job = await super()._submit(operation, request, *media, **more)
        self._fail_once("submit", errors.Ambiguous)
        return job

    def _get(self, operation, job_id):
        self._fail_once("poll")
        return super()._get(operation, job_id)

    def _find(self, operation, token):
        self._fail_once("find")
        return super()._find(operation, token)

    async def delete_video(self, video_id):
        self._fail_once("delete")
        await super().delete_video(video_id)

    def _job(self, job, serial=0):
        made = super()._job(job, serial)
        links = {name: f"{link}?signature=planted" for name, link in made.links.items()}
        return made.model_copy(update={"links": links, "raw": BODY})

    async def fetch(self, url):
        self._fail_once("download")
        async for chunk in super().fetch(url.partition("?")[0]):
            yield chunk


class Breaking(MemoryRepository):
    """A database that fails once, and quotes a link."""

    broken = False

    async def save(self, old, new, *entries):
        if not self.broken:
            self.broken = True
            raise RuntimeError(f"cannot save {SIGNED} for {KEY}")
        return await super().save(old, new, *entries)


@pytest.fixture
async def leaked(told, tmp_path, caplog):
    """All that was told and logged about a training and a video full of secrets."""
    caplog.set_level(logging.DEBUG)
    house = House(tmp_path, Leaky)
    house.repository = Breaking(clock=house.clock)
    who = {"user_id": "planted-user", "clone_id": "planted-clone", "name": "planted"}
    with told.tracer.start_as_current_span("sign-up"):
        async with house.kit() as kit:
            training = await kit.train(**who, **SAMPLES, idempotency_key="planted")
    assert (await house.driven(training)).status is Status.COMPLETED
    async with house.kit() as kit:
        video = await kit.speak(training.id, "The planted words.", wait=False)
        assert (await house.driven(video)).status is Status.COMPLETED
        with pytest.raises(errors.WebhookRejected):
            await kit.webhooks.receive(
                "fake", Delivery(b"planted", {"x": "planted"}, house.clock.wall)
            )
        await kit.delete(video.id)
    for _ in range(5):
        await house.visited()
    return told.spans(), told.data(), caplog.records


async def test_no_secret_is_told(leaked):
    spans, data, records = leaked
    logged = [f"{record.getMessage()} {vars(record)}" for record in records]
    told = [*(span.to_json() for span in spans), data.to_json(), *logged]
    assert [text for text in told if "planted" in text] == []


async def test_every_span_metric_and_doubt_was_seen_by_the_test_of_secrets(leaked):
    spans, data, records = leaked
    ours = {span.name: span.kind.name for span in spans if span.name != "sign-up"}
    names = {
        metric.name
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert ours == _telemetry.SPANS
    assert names == set(_telemetry.METRICS)
    wanted = {"advance.failed", "paid_call.in_doubt", "free_call.failed", "result.copy_failed"}
    assert wanted <= {getattr(record, "event", "") for record in records}


async def test_instrumentation_of_the_http_client_sees_no_link(told):
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx")
    from avatarkit import http

    wire = Wire().reply({})
    instrumentation.HTTPXClientInstrumentor.instrument_client(wire.client)
    await wire.client.get("https://vendor.example/seen")
    call = http.Call(provider="x", operation="video")
    await http.send(wire.client, wire.client.build_request("GET", SIGNED), call)
    assert [s.attributes["http.url"] for s in told.spans()] == ["https://vendor.example/seen"]


# -- the page, and where it is not installed --------------------------------------------------


def test_the_page_lists_every_span_and_metric():
    page = (ROOT / "docs/reference/events.md").read_text()
    spans = dict(re.findall(r"^\| `(avatarkit\.\w+)` \| ([A-Z]+) \|", page, re.MULTILINE))
    units = dict(re.findall(r"^\| `([\w.]+)` \| ([\w{}]+) \| [^|]*\|", page, re.MULTILINE))
    assert spans == _telemetry.SPANS
    wanted = {name: metric.unit for name, metric in _telemetry.METRICS.items()}
    assert {name: units.get(name) for name in wanted} == wanted


_PROGRAM = """
import asyncio, sys, tempfile
from pathlib import Path


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ImportError(name)


if sys.argv[1] == "absent":
    sys.meta_path.insert(0, Absent())

from avatarkit import AvatarKit, Consent
from avatarkit.providers.fake import Fake, FakeVendor, portrait, spoken
from avatarkit.testing import FakeClock


async def main(folder):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    async with AvatarKit("fake", repository="memory://", media=folder, clock=clock,
                         providers={"fake": Fake(vendor=vendor)}) as kit:
        training = await kit.train(user_id="ana", clone_id="ana-1", voice=[spoken("Hello.")],
                                   footage=portrait(), consent=Consent.not_a_real_person("drawn"))
        async for update in kit.watch(training.id):
            last = update
        for delivery in vendor.deliveries():
            await kit.webhooks.receive("fake", delivery)
        print(last.status.value, [state.call.trace for state in last.operations])


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
print(*(name for name in sys.modules if name.startswith("opentelemetry")))
"""


@pytest.mark.slow
@pytest.mark.parametrize("there", ["absent", "unused"])
def test_where_it_is_absent_or_unused_it_is_not_loaded_and_everything_works(there):
    command = [sys.executable, "-c", _PROGRAM, there]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.splitlines() == ["completed [None, None]", ""]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting_up", "wanted"),
    [
        ("", False),
        ("import opentelemetry.trace", False),
        ("import opentelemetry.sdk.metrics", True),
        (
            "from opentelemetry import trace as t; t.set_tracer_provider(t.NoOpTracerProvider())",
            True,
        ),
    ],
)
def test_nothing_is_observed_until_the_application_sets_it_up(setting_up, wanted):
    pytest.importorskip("opentelemetry.sdk")
    code = f"from avatarkit import _telemetry\n{setting_up}\nprint(_telemetry._wanted())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(wanted)
