"""Checks all that the vendors' adapters send in their tests, and says how far that reaches.

    AVATARKIT_VENDOR_SPECS=FOLDER python tests/providers/contract_report.py

It runs the adapters' tests, looks at each request on its way, and holds it against the vendor's
document, bodies closed. It fails where a request is another one than the document describes
(``DEVIATIONS`` has those that are right all the same, and why), where an operation of an adapter
sends nothing, and where one of its options is never given. Recorded answers are checked by
``test_answers``, which is among those tests.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections import Counter, defaultdict
from contextvars import ContextVar
from pathlib import Path

import httpx
import pytest

from avatarkit import errors
from avatarkit.models import Model
from avatarkit.providers.http import HttpProvider
from avatarkit.stacks import registry

PROVIDERS = Path(__file__).parent
sys.path[:0] = [str(PROVIDERS.parent), str(PROVIDERS)]
import test_answers  # noqa: E402

from providers.contract import VARIABLE, Contract  # noqa: E402

#: A provider's documents, where they are not called like it.
DOCUMENTS = {"d-id": ["did"], "synthesia": ["synthesia", "synthesia-upload"]}
#: Providers whose servers nobody has described.
WITHOUT = {
    "comfyui": "a server of one's own; its protocol is described in words",
    "coqui": "servers of one's own; what they take is read from their source",
}

#: Operations that need no call: (provider, method) -> why.
SILENT = {
    ("tavus", "discard"): "a preparation there only reads, so nothing is left to delete",
    ("elevenlabs", "balance"): "it asks through its allowance, which is counted as that",
}

_EXTRA = "`extra` says what the document does not have yet; a test makes something up"
#: (document, operation, what the document finds) -> why the request is right all the same.
DEVIATIONS = {
    ("heygen", "POST /v3/videos", "'image' is a required property"): (
        "the engines are words that change: a test has one that is new"
    ),
    ("did", "POST /scenes", "'brand_new' was unexpected"): _EXTRA,
    ("resemble", "POST /voices", "'fill' was unexpected"): _EXTRA,
    ("resemble", "POST /voices", "'consent'"): "older documentation and the vendor's SDK have it",
    ("synthesia", "POST /v2/videos", "'new' was unexpected"): _EXTRA,
}

#: What rests on a guess, since no public text says it: (document, what) -> the guess.
GUESSES = {
    ("did", "a delivery"): "it is the job as it is polled",
    ("did", "GET /tts/voices"): "its `provider` is what a script must name for a cloned voice",
    ("elevenlabs", "GET /v1/voices/pvc/{voice_id}/captcha"): "a PNG, or base64 of one",
    ("elevenlabs", "a delivery"): "`data` names the voice",
    ("heygen", "a delivery about an avatar"): "one of five names is that of its id",
    ("heygen", "a failed delivery"): "the reason is `failure_message` or `msg`",
    ("rask", "POST oauth2/token"): "a wrong client is refused as the service behind it does",
    ("rask", "422"): "a list of complaints, as the framework behind it has them",
    ("resemble", "a failed voice"): "its status is `failed` or `error`",
    ("synthesia", "POST /v2/scriptAudio"): "any 2xx is its success",
    ("synthesia", "GET /v2/videos/{video_id}"): "`approved` is on its way",
    ("tavus", "POST /v2/voices"): "the link to the audio is called `train_audio_url`",
}

_under_way: ContextVar[tuple[str, str] | None] = ContextVar("operation", default=None)


class Watch:
    """What is sent while tests run, and by which operation of which adapter."""

    def __init__(self) -> None:
        classes = {n: registry.load(n) for n in registry.BUILTIN if n not in WITHOUT}
        self.classes = {n: cls for n, cls in classes.items() if issubclass(cls, HttpProvider)}
        self.documents = {name: DOCUMENTS.get(name, [name]) for name in self.classes}
        self.contracts = {
            host: (document, Contract.of(document, closed=True))
            for documents in self.documents.values()
            for document in documents
            for host in Contract.of(document).hosts
        }
        self.by_method = Counter()  # (provider, method) -> requests
        self.refused = set()  # (provider, method) that the vendor does not have
        self.by_operation = Counter()  # (document, operation) -> requests
        self.deviating = Counter()  # key of DEVIATIONS -> requests
        self.wrong = []
        self.unsaid = set()  # (document, operation, place in the body) of which nothing is said
        self.undescribed = Counter()  # host without a document -> requests
        self.given = defaultdict(set)  # type of options -> fields

    def begin(self) -> None:
        """Look at everything from now on."""
        transport = httpx.MockTransport
        transport.handle_async_request = self._looking(transport.handle_async_request)
        for name, cls in self.classes.items():
            for method in _operations(cls):
                setattr(cls, method, self._named(name, method, getattr(cls, method)))

    def _named(self, provider, method, function):
        @functools.wraps(function)
        async def named(*args, **more):
            for request in args:
                for options in getattr(request, "options", ()):
                    self.given[type(options)] |= set(_said(options))
            token = _under_way.set((provider, method))
            try:
                return await function(*args, **more)
            except errors.Unsupported:
                self.refused.add((provider, method))
                raise
            finally:
                _under_way.reset(token)

        return named

    def _looking(self, function):
        @functools.wraps(function)
        async def looking(transport, request):
            response = await function(transport, request)
            if (whose := _under_way.get()) is not None:
                self._look(request, whose)
            return response

        return looking

    def _look(self, request, whose):
        found = self.contracts.get(request.url.host)
        if found is None:
            self.undescribed[request.url.host] += 1
            return
        document, contract = found
        self.by_method[whose] += 1
        try:
            operation = contract.check(request)
            self.by_operation[document, operation] += 1
            self.unsaid |= {(document, operation, p) for p in contract.unsaid_of(request)}
        except AssertionError as error:
            known = (key for key in DEVIATIONS if key[0] == document and _meant(key, str(error)))
            if (key := next(known, None)) is None:
                test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[2]
                self.wrong.append(f"{document}: {error} ({test.removesuffix(' (call)')})")
            else:
                self.deviating[key] += 1

    # -- what is missing, and what was seen ---------------------------------------------------

    def missing(self):
        """Operations that sent nothing, options that were never given, deviations never met."""
        for name, cls in self.classes.items():
            for method in _operations(cls):
                key = name, method
                if not self.by_method[key] and key not in self.refused | SILENT.keys():
                    yield f"{name}: {method} has sent nothing"
            for kind in cls.option_types:
                left = set(_fields(kind)) - self.given[kind]
                yield from (f"{name}: {kind.__name__}.{field} was never given" for field in left)
        for document, operation, found in DEVIATIONS.keys() - self.deviating.keys():
            yield f"{document}: {operation} does not deviate any more: {found}"

    def report(self, answers):
        """Print operations by provider, then what the checks are worth."""
        names = list(self.classes)
        methods = list(dict.fromkeys(m for cls in self.classes.values() for m in _operations(cls)))
        print(f"\nrequests checked{'':10}" + "".join(f"{name:>12}" for name in names))
        for method in methods:
            cells = (self._cell(name, method) for name in names)
            print(f"  {method:24}" + "".join(f"{cell:>12}" for cell in cells))
        print("  (-: not among its roles; none: its API has no such call, or it needs none)\n")
        print(f"{'':26}" + "".join(f"{name:>12}" for name in names))
        for what, count in (
            ("HTTP operations", lambda d: _sum(k[0] in d for k in self.by_operation)),
            ("requests", lambda d: _sum(n * (k[0] in d) for k, n in self.by_operation.items())),
            ("  documented deviations", lambda d: _sum(k[0] in d for k in self.deviating)),
            ("  places of any content", lambda d: _sum(k[0] in d for k in self.unsaid)),
            ("recorded answers", lambda d: _sum(a[0] in d for a in answers)),
            ("  documented deviations", lambda d: _sum(a[0] in d and a[3] for a in answers)),
            ("  places of any content", lambda d: _sum(len(a[2]) * (a[0] in d) for a in answers)),
            ("resting on a guess", lambda d: _sum(k[0] in d for k in GUESSES)),
        ):
            print(f"{what:26}" + "".join(f"{count(self.documents[n]):>12}" for n in names))
        print("\nvacuous: here the document takes anything")
        for document, operation, place in sorted(self.unsaid):
            print(f"  {document}: {operation}, {place or 'the whole request'}")
        for document, what, places, _ in answers:
            if places:
                print(
                    f"  {document}: {what}, {', '.join(p or 'all' for p in places)} in the answer"
                )
        print("\ndeviating from the document, and right all the same")
        for (document, operation, found), why in DEVIATIONS.items():
            print(f"  {document}: {operation}, {found}: {why}")
        for (document, _, operation), (found, why) in test_answers.DEVIATIONS.items():
            print(f"  {document}: {operation}, answering {found}: {why}")
        print("\nrecorded, and in no document")
        for (document, what), why in test_answers.UNDESCRIBED.items():
            print(f"  {document}: {what}: {why}")
        print("\nresting on a guess")
        for (document, what), guess in GUESSES.items():
            print(f"  {document}: {what}: {guess}")
        print("\nsent to hosts without a document")
        for host, count in self.undescribed.items():
            print(f"  {host}: {count}")
        for name, why in WITHOUT.items():
            print(f"  {name}: {why}")

    def _cell(self, name, method):
        if method not in _operations(self.classes[name]):
            return "-"
        return self.by_method[name, method] or "none"


def _operations(cls):
    """All that an adapter can be asked to do by a network call."""
    found = inspect.getmembers(cls, inspect.iscoroutinefunction)
    return [name for name, _ in found if not name.startswith("_") and name != "aclose"]


def _fields(kind):
    """The dotted names of all fields of options, with those of the objects in them."""
    for name, field in kind.model_fields.items():
        parts = [t for t in _types(field.annotation) if issubclass(t, Model)]
        if name != "extra":
            yield name
        for part in parts:
            yield from (f"{name}.{inner}" for inner in _fields(part))


def _types(annotation):
    inner = getattr(annotation, "__args__", ())
    if inspect.isclass(annotation) and not inner:
        yield annotation
    for part in inner:
        yield from _types(part)


def _said(options):
    """The dotted names of the fields that were given."""
    for name in options.model_fields_set:
        yield name
        value = getattr(options, name)
        if isinstance(value, Model):
            yield from (f"{name}.{inner}" for inner in _said(value))


def _meant(key, complaint):
    return complaint.startswith(f"{key[1]}:") and key[2] in complaint


def _sum(numbers):
    return sum(map(int, numbers))


def _answers():
    """Each recorded answer: (document, what, places of which nothing is said, deviates)."""
    for vendor, name, operation, made, status in test_answers.ANSWERS:
        deviates = (vendor, name, operation) in test_answers.DEVIATIONS
        unsaid = [] if deviates else test_answers.check(vendor, name, operation, made, status)
        yield vendor, f"{operation} {status}", unsaid, deviates


def main() -> int:
    """Run, print, and return 0 where all is as it is described."""
    if not os.environ.get(VARIABLE):
        print(f"skipped: {VARIABLE} is not set; it names a folder with the vendors' documents")
        return 0
    watch = Watch()
    watch.begin()
    files = [PROVIDERS / f"test_{docs[0]}.py" for docs in watch.documents.values()]
    more = ("elevenlabs_did", "answers", "catalogue", "templates", "did_translations", "settings")
    files += [PROVIDERS / f"test_{name}.py" for name in more]
    early = "ignore::pytest.PytestAssertRewriteWarning"  # the package is loaded before pytest is
    quiet = ["-q", "-p", "no:cacheprovider", "-r", "N", "-W", early]
    result = pytest.main([*quiet, *map(str, files)])
    watch.report(list(_answers()))
    faults = [*watch.wrong, *watch.missing()]
    print(f"\n{len(faults)} faults" + "".join(f"\n  {fault}" for fault in faults))
    return 1 if faults or result else 0


if __name__ == "__main__":
    sys.exit(main())
