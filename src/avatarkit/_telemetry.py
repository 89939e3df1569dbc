"""OpenTelemetry spans and metrics, in processes whose application has set up OpenTelemetry.

This module never imports OpenTelemetry first: an application that uses it has imported it. No
attribute contains a user ID, a script, a key, a link or a vendor's message; errors appear by type.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, ParamSpec

from . import errors

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, Tracer

    from .models import Operation
    from .records import OperationState, Record

#: Kind of a call to a vendor.
CallKind = Literal["prepare", "submit", "continue", "poll", "find", "delete", "download"]

#: All spans and their kinds.
SPANS = {
    "avatarkit.advance": "INTERNAL",
    "avatarkit.webhook": "CONSUMER",
    "avatarkit.prepare": "CLIENT",
    "avatarkit.submit": "CLIENT",
    "avatarkit.poll": "CLIENT",
    "avatarkit.find": "CLIENT",
    "avatarkit.delete": "CLIENT",
    "avatarkit.download": "CLIENT",
}


class Metric(NamedTuple):
    """An instrument: a histogram with ``buckets``, else a counter."""

    unit: str
    description: str
    buckets: tuple[float, ...] = ()


_CALL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_WAIT_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 86_400.0)
#: All metrics.
METRICS = {
    "avatarkit.client.operation.duration": Metric("s", "Calls to vendors", _CALL_SECONDS),
    "avatarkit.records.finished": Metric("{record}", "Final trainings and videos"),
    "avatarkit.claim.age": Metric("s", "How long a claimed record was overdue", _WAIT_SECONDS),
    "avatarkit.webhook.deliveries": Metric("{delivery}", "Webhook deliveries"),
    "avatarkit.download.io": Metric("By", "Results copied to the media store"),
}


P = ParamSpec("P")


def _observing(observe: Callable[P, Generator[None]]) -> Callable[P, AbstractContextManager[None]]:
    """Make a context manager that does nothing without a tracer provider."""
    manager = contextmanager(observe)

    @wraps(observe)
    def chosen(*given: P.args, **named: P.kwargs) -> AbstractContextManager[None]:
        return manager(*given, **named) if _wanted() else _NOTHING

    return chosen


def _wanted() -> bool:
    """Return True if the application set up the SDK or another tracer provider."""
    if "opentelemetry.sdk" in sys.modules:
        return True
    if "opentelemetry.trace" not in sys.modules:
        return False
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


_NOTHING = nullcontext()


# -- spans and metrics ------------------------------------------------------------------------


@_observing
def advance(record: Record) -> Generator[None]:
    """Trace one pass over a record; linked to the spans of its creation and earlier submissions."""
    traces = [state.call.trace for state in record.operations]
    with _span("avatarkit.advance", {"avatarkit.record.id": record.id}, *traces):
        yield


@_observing
def call(
    what: CallKind,
    record: Record,
    state: OperationState,
    *,
    outcome: Callable[[BaseException], str],
) -> Generator[None]:
    """Trace one call to a vendor, linked to the pass that submitted the operation.

    ``outcome`` maps an error to one word for the call's outcome.
    """
    labels = _labels(state) | {"avatarkit.call": what}
    about = {"avatarkit.record.id": record.id, "avatarkit.attempt": state.call.attempt}
    ended = {"avatarkit.outcome": "ok"}
    started = time.perf_counter()
    with _span(f"avatarkit.{what}", labels | about, state.call.trace) as span:
        try:
            yield
        except BaseException as error:
            ended = {"avatarkit.outcome": outcome(error), "error.type": type(error).__name__}
            if status := getattr(error, "status", None):
                span.set_attribute("http.response.status_code", status)
            raise
        finally:
            span.set_attributes(ended)
            passed = time.perf_counter() - started
            _measure("avatarkit.client.operation.duration", passed, labels | ended)


@dataclass(slots=True)
class DeliverySpan:
    """Outcome of a webhook delivery so far."""

    outcome: str = "ignored"
    span: Span | None = None

    def applied(self, record: Record, operation: Operation) -> None:
        """Note that the delivery changed this record."""
        self.outcome = "applied"
        state = record.operation(operation)
        if self.span is None or state is None:
            return
        self.span.set_attributes({"avatarkit.record.id": record.id, **_labels(state)})
        for link in _links(state.call.trace):
            self.span.add_link(link.context)


@contextmanager
def delivery(provider: str) -> Generator[DeliverySpan]:
    """Trace a webhook delivery: applied, ignored (no record has its job), rejected or failed."""
    if not _wanted():
        yield DeliverySpan()
        return
    labels = {"avatarkit.provider": provider}
    with _span("avatarkit.webhook", labels) as span:
        seen = DeliverySpan(span=span)
        try:
            yield seen
        except errors.WebhookRejected:
            seen.outcome = "rejected"
            raise
        except BaseException:
            seen.outcome = "failed"
            raise
        finally:
            ended = {"avatarkit.outcome": seen.outcome}
            span.set_attributes(ended)
            _measure("avatarkit.webhook.deliveries", 1, labels | ended)


def finished(record: Record) -> None:
    """Count a record that became final."""
    _measure("avatarkit.records.finished", 1, {"avatarkit.record.status": record.status.value})


def claimed(age: float) -> None:
    """Record how many seconds the oldest claimed record was overdue."""
    _measure("avatarkit.claim.age", max(0.0, age), {})


def copied(size: int, state: OperationState) -> None:
    """Count the bytes of a result."""
    _measure("avatarkit.download.io", size, _labels(state))


def _labels(state: OperationState) -> dict[str, str]:
    return {"avatarkit.provider": state.provider, "avatarkit.operation": state.operation.value}


# -- links ------------------------------------------------------------------------------------


def traceparent() -> str | None:
    """Return the current span as a W3C traceparent, for later links by any process."""
    if not _wanted():
        return None
    carrier: dict[str, str] = {}
    _w3c().inject(carrier)
    return carrier.get("traceparent")


@_observing
def detached() -> Generator[None]:
    """Detach spans from the surrounding one: a worker outlives the span that started it."""
    from opentelemetry.context import Context

    with _attached(Context()):
        yield


@_observing
def uninstrumented() -> Generator[None]:
    """Suppress instrumentation of HTTP clients: it would record URLs with their queries."""
    from opentelemetry import context

    key = context._SUPPRESS_HTTP_INSTRUMENTATION_KEY  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public name exists
    with _attached(context.set_value(key, value=True)):
        yield


@contextmanager
def _attached(new: Context) -> Generator[None]:
    from opentelemetry import context

    token = context.attach(new)
    try:
        yield
    finally:
        context.detach(token)


# -- OpenTelemetry ----------------------------------------------------------------------------


@cache
def _tracer() -> Tracer:
    from opentelemetry import trace

    return trace.get_tracer("avatarkit")


@cache
def _w3c() -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator()


@cache
def _instrument(name: str) -> Callable[[float, dict[str, str]], None]:
    from opentelemetry import metrics

    meter, metric = metrics.get_meter("avatarkit"), METRICS[name]
    if not metric.buckets:
        return meter.create_counter(name, metric.unit, metric.description).add
    return meter.create_histogram(
        name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=metric.buckets
    ).record


def _measure(name: str, value: float, labels: dict[str, str]) -> None:
    if _wanted():
        _instrument(name)(value, labels)


@contextmanager
def _span(name: str, attributes: dict[str, Any], *traces: str | None) -> Generator[Span]:
    """Run in a span; an exception is recorded by type, without its message."""
    from opentelemetry.trace import SpanKind, StatusCode

    with _tracer().start_as_current_span(
        name,
        kind=SpanKind[SPANS[name]],
        links=_links(*traces),
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


def _links(*traces: str | None) -> list[Link]:
    """Build links to the traces, except for the current span, which is the parent already."""
    from opentelemetry import trace
    from opentelemetry.context import Context

    here = trace.get_current_span().get_span_context()
    named = (_w3c().extract({"traceparent": t}, Context()) for t in dict.fromkeys(traces) if t)
    found = (trace.get_current_span(context).get_span_context() for context in named)
    return [
        trace.Link(there)
        for there in found
        if (there.trace_id, there.span_id) != (here.trace_id, here.span_id)
    ]
