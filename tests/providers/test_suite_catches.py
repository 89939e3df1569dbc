"""An honest adapter passes the suites, and each mistake that an adapter can make fails them."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from avatarkit import errors
from avatarkit.interfaces import Capabilities
from avatarkit.models import JobState, Operation, Speech
from avatarkit.testing import CannedAnswers, Golden, ProviderSuite, SpeechSuite
from avatarkit.testing.providers import TOKEN
from avatarkit.webhooks import Delivery

from .acme import Acme

TESTS = Path(__file__).parent.parent


def answers(id_field, *, link=False):
    """What Acme says of one kind of job."""
    ready = {id_field: "x1", "status": "ready", "name": TOKEN}
    ready |= {"download_url": "https://cdn.acme.example/x1.mp4?signature=acme"} if link else {}
    return CannedAnswers(
        submitted={id_field: "x1", "status": "started", "created_at": 1_790_000_000},
        polled={
            JobState.RUNNING: {id_field: "x1", "status": "started", "progress": "60/100"},
            JobState.SUCCEEDED: ready,
            JobState.FAILED: {id_field: "x1", "status": "error", "error_message": "too dark"},
            JobState.NEEDS_ACTION: {
                id_field: "x1",
                "status": "consent",
                "consent_url": "https://acme.example/consent?who=x1",
            },
            JobState.GONE: {id_field: "x1", "status": "deleted"},
        },
        pages=[
            {
                "data": [
                    {id_field: "x3", "name": TOKEN, "created_at": "2026-11-24T10:00:02Z"},
                    {id_field: "x9", "name": "ak-another", "created_at": 1_790_000_000},
                ],
                "next": "page-2",
            },
            {"data": [{id_field: "x8", "name": None}], "next": "page-3"},
            {"data": [{id_field: "x1", "name": TOKEN, "created_at": 1_700_000_000}], "next": None},
        ],
    )


SECRET = b"acme-secret"
BODY = b'{"video_id":"v1","status":"ready"}'
SIGNATURE = hmac.new(SECRET, b"1790000000." + BODY, hashlib.sha256).hexdigest()


class TestAcme(ProviderSuite):
    provider = Acme
    recordings = {
        Operation.VOICE: dataclasses.replace(
            answers("voice_id"), submitted={"voice_id": "x1", "requires_verification": False}
        ),
        Operation.AVATAR: answers("face_id"),
        Operation.VIDEO: answers("video_id", link=True),
        Operation.DUB: answers("dub_id", link=True),
    }
    golden = Golden(
        secret=SECRET,
        delivery=Delivery(
            BODY, {"acme-signature": f"t=1790000000,v1={SIGNATURE}"}, received=1_790_000_010
        ),
    )


class Plain(Acme):
    """A vendor that can be told as little as possible."""

    idempotency_header = None
    capabilities = Capabilities(media=frozenset({"url"}))


class TestPlain(TestAcme):
    provider = Plain
    golden = None


class Keeper(Acme):
    """A vendor that has no call to delete a dub, and no webhook of its end."""

    async def delete_dub(self, dub_id, /):
        raise errors.Unsupported("delete it in the web app")


class TestKeeper(TestAcme):
    provider = Keeper
    recordings = TestAcme.recordings | {
        Operation.DUB: dataclasses.replace(TestAcme.recordings[Operation.DUB], webhook=False)
    }
    kept = frozenset({Operation.DUB})


class Enveloping(Acme):
    """A vendor that wraps its answers, and neither signs its callbacks nor has any for voices."""

    capabilities = dataclasses.replace(
        Acme.capabilities, no_callback=frozenset({Operation.VOICE}), callback_signed=False
    )

    def _job(self, operation, raw, **more):
        return super()._job(operation, raw.get("data", raw), **more).model_copy(update={"raw": raw})

    def events(self, delivery):
        signed = self.capabilities.webhook.header.lower() in delivery.headers
        if signed:
            return super().events(delivery)
        job = self._job(Operation.VIDEO, {"video_id": "v1", "status": "ready"})
        hints = self._events(delivery, job)
        return [event.model_copy(update={"trusted": False}) for event in hints]


class TestEnveloping(TestAcme):
    provider = Enveloping
    recordings = {
        operation: dataclasses.replace(
            recording,
            polled={state: {"data": body} for state, body in recording.polled.items()},
            delivered=recording.polled[JobState.SUCCEEDED],
            state_field="data.status",
        )
        for operation, recording in TestAcme.recordings.items()
    }


class TestAcmeSpeech(SpeechSuite):
    provider = Acme
    audio = b"ID3 and so on"


class Wrapping(Acme):
    """A vendor that says its audio in JSON."""

    async def synthesize(self, request, /):
        spoken = await super().synthesize(request)
        told = json.loads(b"".join([chunk async for chunk in spoken.audio]))

        async def audio():
            yield base64.b64decode(told["audio"])

        return Speech(audio=audio(), media_type="audio/wav")


class TestWrappingSpeech(SpeechSuite):
    provider = Wrapping
    audio = b"RIFF and so on"
    media_type = "audio/wav"
    wrapped = {"audio": base64.b64encode(audio).decode()}


#: What an adapter may get wrong, as the body of a class that inherits ``Acme``, and the test that
#: must find it.
MISTAKES = {
    "a poll begins what costs money": (
        TestAcme.test_a_poll_only_reads,
        """
        async def get_dub(self, dub_id, /):
            job = await super().get_dub(dub_id)
            await self._call("PUT", f"/dubs/{job.id}/lips", operation=Operation.DUB)
            return job
        """,
    ),
    "a step is due that nothing begins": (
        TestAcme.test_a_poll_only_reads,
        """
        async def get_video(self, video_id, /):
            job = await super().get_video(video_id)
            return job.model_copy(update={"next_step": "render"})
        """,
    ),
    "the key is in the address": (
        TestAcme.test_a_submission_is_one_request_with_the_key_in_a_header,
        """
        def _headers(self):
            self._base_url = f"https://api.acme.example/{self._key}"
            return super()._headers()
        """,
    ),
    "the key is shown": (
        TestAcme.test_the_account_tells_keys_apart_without_telling_the_key,
        """
        def __repr__(self):
            return f"Acme({self._key})"
        """,
    ),
    "the account is the key": (
        TestAcme.test_the_account_tells_keys_apart_without_telling_the_key,
        "account = property(lambda self: self._key)",
    ),
    "a missing key is not missed": (
        TestAcme.test_a_missing_key_names_its_variable,
        """
        def _checked_key(self):
            return self._settings.api_key and self._settings.api_key.get_secret_value() or "none"
        """,
    ),
    "a borrowed client is closed": (
        TestAcme.test_it_closes_only_its_own_client,
        """
        async def aclose(self):
            await self._client.aclose()
        """,
    ),
    "the paid call is made twice": (
        TestAcme.test_a_submission_is_one_request_with_the_key_in_a_header,
        """
        async def _submit(self, *a, **b):
            await super()._submit(*a, **b)
            return await super()._submit(*a, **b)
        """,
    ),
    "a paid call is repeated when its answer is lost": (
        TestAcme.test_what_may_have_been_accepted_is_ambiguous_and_sent_once,
        """
        async def _submit(self, *a, **b):
            try:
                return await super()._submit(*a, **b)
            except errors.Ambiguous:
                return await super()._submit(*a, **b)
        """,
    ),
    "a paid call passes for a free one": (
        TestAcme.test_what_never_left_is_not_sent_again_either,
        """
        def _billable(self, *a, **b):
            call, sent = super()._billable(*a, **b)
            return dataclasses.replace(call, billable=False), sent
        """,
    ),
    "the guard is not asked": (
        TestAcme.test_the_guard_is_asked_before_anything_is_sent,
        """
        def _billable(self, *a, **b):
            call, sent = super()._billable(*a, **b)
            return dataclasses.replace(call, guard=lambda: None), sent
        """,
    ),
    "every server error counts as a refusal": (
        TestAcme.test_what_may_have_been_accepted_is_ambiguous_and_sent_once,
        """
        def explain(self, status, body):
            told = super().explain(status, body)
            return dataclasses.replace(told, kind=errors.Refused if status >= 500 else told.kind)
        """,
    ),
    "a conflict counts as a refusal": (
        TestAcme.test_what_may_have_been_accepted_is_ambiguous_and_sent_once,
        """
        def explain(self, status, body):
            told = super().explain(status, body)
            return dataclasses.replace(told, kind=errors.Refused if status == 409 else told.kind)
        """,
    ),
    "a refusal counts as a doubt": (
        TestAcme.test_a_refusal_proves_that_nothing_was_accepted,
        """
        def explain(self, status, body):
            told = super().explain(status, body)
            return dataclasses.replace(told, kind=errors.Ambiguous if status == 402 else told.kind)
        """,
    ),
    "a wrong key passes for a wrong input": (
        TestAcme.test_a_status_has_its_error,
        """
        def explain(self, status, body):
            told = super().explain(status, body)
            return dataclasses.replace(told, kind=errors.Refused if status == 401 else told.kind)
        """,
    ),
    "the vendor's echo of the key is repeated": (
        TestAcme.test_an_error_repeats_neither_key_nor_signed_link,
        """
        def _redacted(self, text):
            return text
        """,
    ),
    "an answer without an id passes": (
        TestAcme.test_a_poll_without_an_id_is_a_bad_reply,
        """
        def _job(self, operation, raw, **more):
            return super()._job(operation, {next(iter(self.reads.ids[operation])): "?"} | raw)
        """,
    ),
    "the answer itself is not kept": (
        TestAcme.test_a_submission_becomes_a_job,
        """
        def _job(self, operation, raw, **more):
            return super()._job(operation, raw, **more).model_copy(update={"raw": {}})
        """,
    ),
    "a new word passes for success": (
        TestAcme.test_a_new_state_word_is_unknown_not_a_crash,
        """
        def _job(self, operation, raw, **more):
            job = super()._job(operation, raw, **more)
            if job.state is models.JobState.UNKNOWN:
                job = job.model_copy(update={"state": models.JobState.SUCCEEDED})
            return job
        """,
    ),
    "the links are lost": (
        TestAcme.test_a_finished_video_has_a_link_that_is_in_no_repr,
        "reads = dataclasses.replace(Acme.reads, links={})",
    ),
    "the reason is lost": (
        TestAcme.test_each_known_answer_has_its_state,
        "reads = dataclasses.replace(Acme.reads, reason=())",
    ),
    "the consent link is lost": (
        TestAcme.test_each_known_answer_has_its_state,
        "reads = dataclasses.replace(Acme.reads, consent_url=())",
    ),
    "a failure is not known": (
        TestAcme.test_each_known_answer_has_its_state,
        """
        reads = dataclasses.replace(
            Acme.reads, states={k: v for k, v in Acme.reads.states.items() if k != "error"}
        )
        """,
    ),
    "only the first page is read": (
        TestAcme.test_nothing_is_found_only_after_all_pages,
        "reads = dataclasses.replace(Acme.reads, cursor=())",
    ),
    "the same page is read again": (
        TestAcme.test_a_job_is_found_by_its_token_on_the_last_page,
        """
        reads = dataclasses.replace(Acme.reads, cursor_parameter="")
        async def _items(self, operation, path, query):
            for _ in range(3):
                page = await self._call("GET", path, operation=operation)
                for item in page["data"]:
                    yield item
        """,
    ),
    "a failed look-up passes for absence": (
        TestAcme.test_a_list_that_breaks_off_is_never_absence,
        """
        async def _find(self, *a, **b):
            try:
                return await super()._find(*a, **b)
            except errors.ProviderError:
                return []
        """,
    ),
    "other people's jobs are found": (
        TestAcme.test_nothing_is_found_only_after_all_pages,
        """
        def _carries(self, item, token):
            return True
        """,
    ),
    "the youngest job is told first": (
        TestAcme.test_jobs_that_are_found_are_told_oldest_first,
        """
        async def _find(self, *a, **b):
            return (await super()._find(*a, **b))[::-1]
        """,
    ),
    "the token is not sent": (
        TestAcme.test_the_token_is_on_the_wire_where_it_is_found_by_it,
        """
        async def _submit(self, *a, **b):
            return await super()._submit(*a, **b | {"name": "Ana"})
        """,
    ),
    "the script is not sent": (
        TestAcme.test_all_that_was_asked_is_on_the_wire,
        """
        async def _submit(self, *a, **b):
            return await super()._submit(*a, **b | {"script": None})
        """,
    ),
    "the avatar is not sent": (
        TestAcme.test_all_that_was_asked_is_on_the_wire,
        """
        async def _submit(self, *a, **b):
            return await super()._submit(*a, **b | {"face_id": None})
        """,
    ),
    "the idempotency key is not sent": (
        TestAcme.test_an_idempotency_key_is_sent_where_it_is_documented,
        "idempotency_header = None",
    ),
    "the callback address is not sent": (
        TestAcme.test_a_callback_address_is_sent_or_refused,
        """
        async def _submit(self, *a, **b):
            return await super()._submit(*a, **b | {"callback": None})
        """,
    ),
    "bytes are not sent": (
        TestAcme.test_media_without_a_link_is_streamed_or_refused,
        """
        capabilities = dataclasses.replace(
            Acme.capabilities, media=frozenset({"data"}), callback=True
        )
        async def _submit(self, *a, files=None, **b):
            return await super()._submit(*a, **b)
        """,
    ),
    "what cannot be said is sent all the same": (
        TestAcme.test_a_video_is_driven_as_it_can_be_or_refused,
        """
        capabilities = dataclasses.replace(
            Acme.capabilities, drive=frozenset({"script"}), callback=False
        )
        def _check(self, request):
            pass
        """,
    ),
    "the options of others are sent": (
        TestAcme.test_options_of_others_stay_out,
        """
        def _billable(self, operation, path, request, **b):
            for options in request.options:
                b["body"] = b["body"] | options.model_dump(exclude={"extra"})
            return super()._billable(operation, path, request, **b)
        """,
    ),
    "an id breaks out of the path": (
        TestAcme.test_an_id_is_one_part_of_the_path,
        """
        async def _get(self, operation, path, job_id):
            raw = await self._call("GET", path.format(job_id), operation=operation)
            return self._job(operation, raw)
        """,
    ),
    "deleting what is gone fails": (
        TestAcme.test_deleting_twice_is_fine_or_refused,
        """
        async def _delete(self, operation, path, job_id):
            await self._call("DELETE", path.format(job_id), operation=operation)
        """,
    ),
    "a delivery is not checked": (
        TestAcme.test_a_forged_delivery_is_rejected,
        """
        def events(self, delivery):
            body = delivery.json()
            operation = next((o for o, p in self.reads.ids.items() if p[0] in body), None)
            return self._events(delivery, self._job(operation, body)) if operation else []
        """,
    ),
    "only the first secret is tried": (
        TestAcme.test_while_secrets_are_rotated_either_opens,
        """
        def events(self, delivery):
            self._settings = dataclasses.replace(
                self._settings, webhook_secrets=self._settings.webhook_secrets[:1]
            )
            return super().events(delivery)
        """,
    ),
    "an unsigned delivery is believed": (
        TestAcme.test_a_delivery_becomes_an_event,
        """
        capabilities = dataclasses.replace(Acme.capabilities, webhook=webhooks.Unsigned())
        def _events(self, delivery, job):
            return [e.model_copy(update={"trusted": True}) for e in super()._events(delivery, job)]
        """,
    ),
    "an unsigned callback is believed": (
        TestAcme.test_a_forged_delivery_is_rejected,
        """
        capabilities = dataclasses.replace(Acme.capabilities, callback_signed=False)
        def events(self, delivery):
            if delivery.headers:
                return super().events(delivery)
            job = self._job(models.Operation.VIDEO, {"video_id": "v1", "status": "ready"})
            return self._events(delivery, job)
        """,
    ),
    "a callback address is sent where there is none": (
        TestAcme.test_a_callback_address_is_sent_or_refused,
        """
        capabilities = dataclasses.replace(
            Acme.capabilities, no_callback=frozenset({models.Operation.VIDEO})
        )
        def _billable(self, operation, path, request, **more):
            request = request.model_copy(update={"callback_url": None})
            return super()._billable(operation, path, request, **more)
        """,
    ),
    "the time of a delivery is not looked at": (
        TestAcme.test_a_forged_delivery_is_rejected,
        """
        capabilities = dataclasses.replace(
            Acme.capabilities,
            webhook=dataclasses.replace(Acme.capabilities.webhook, tolerance=1e9),
        )
        """,
    ),
    "a delivery about something else is an error": (
        TestAcme.test_a_delivery_about_nothing_of_ours_is_no_event,
        """
        def events(self, delivery):
            return super().events(delivery) or [][1]
        """,
    ),
    "a delivery has another id each time": (
        TestAcme.test_a_delivery_becomes_an_event,
        """
        def _events(self, delivery, job):
            import uuid
            events = super()._events(delivery, job)
            return [e.model_copy(update={"id": uuid.uuid4().hex}) for e in events]
        """,
    ),
    "the audio is cut off": (
        TestAcmeSpeech.test_the_answer_is_the_audio,
        """
        async def _speak(self, *a, **b):
            speech = await super()._speak(*a, **b)
            async def first():
                async for chunk in speech.audio:
                    yield chunk[:1]
            return speech.model_copy(update={"audio": first()})
        """,
    ),
    "speech is sent again": (
        TestAcmeSpeech.test_what_may_have_been_accepted_is_ambiguous_and_sent_once,
        """
        async def _speak(self, *a, **b):
            try:
                return await super()._speak(*a, **b)
            except errors.Ambiguous:
                return await super()._speak(*a, **b)
        """,
    ),
}

_MODULE = """
import dataclasses, sys
sys.path.insert(0, {tests!r})
from avatarkit import errors, models, webhooks
from providers.acme import Acme
from providers.test_suite_catches import TestAcme, TestAcmeSpeech
"""
_CLASS = """
class Wrong{number}(Acme):
{body}

class Test{number}({suite}):
    provider = Wrong{number}
"""


def _class(number, test, body):
    suite, _, _ = test.__qualname__.partition(".")
    suite = {"ProviderSuite": "TestAcme", "SpeechSuite": "TestAcmeSpeech"}[suite]
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return _CLASS.format(number=number, body=body, suite=suite)


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """The tests that failed, each run for its mistake alone, all by one pytest."""
    folder = tmp_path_factory.mktemp("mistakes")
    file = folder / "test_mistakes.py"
    classes = [_class(n, *mistake) for n, mistake in enumerate(MISTAKES.values())]
    file.write_text(_MODULE.format(tests=str(TESTS)) + "".join(classes))
    chosen = [f"{file}::Test{n}::{test.__name__}" for n, (test, _) in enumerate(MISTAKES.values())]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rf", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, *chosen], capture_output=True, text=True, cwd=folder, check=False
    )
    lines = [line.partition("::") for line in run.stdout.splitlines() if "FAILED" in line]
    return {after.partition("::")[0] for _, _, after in lines}


@pytest.mark.parametrize(("number", "mistake"), list(enumerate(MISTAKES)))
@pytest.mark.once
def test_a_mistake_is_caught_by_the_test_that_is_there_for_it(failed, number, mistake):
    assert f"Test{number}" in failed, mistake
