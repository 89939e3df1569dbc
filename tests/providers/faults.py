"""Plants one mistake at a time in what talks to vendors, and sees which test notices.

    python faults.py                    all faults; fails unless every one is caught
    python faults.py       TEXT ...     those whose file or description has one of these texts

A fault is a few characters of the source, found exactly once, and what a mistake would write in
their place. It goes into a copy of the package that stands first on the path of a process of its
own; there the tests that should notice are run. What no test can see is in ``UNSEEN``, and why.
"""

from __future__ import annotations

import compileall
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src" / "avatarkit"
TIMEOUT = 600  # seconds that one run of tests is given


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake: what stands in the file, what is written instead, and who should notice."""

    file: str
    what: str
    old: str
    new: str
    tests: tuple[str, ...]

    def planted(self) -> str:
        """The file with the fault in it."""
        text = (SOURCE / self.file).read_text()
        found = text.count(self.old)
        if found != 1:
            raise LookupError(f"{self.file} has {found} times, not once: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests said: which one noticed, or why none did."""

    fault: Fault
    test: str | None
    output: str
    seconds: float

    @property
    def well(self) -> bool:
        """Caught; or, as is documented, not to be seen."""
        return (self.test is None) is (self.fault.what in UNSEEN)


#: (file of the package, tests that should notice) -> what is wrong -> (what stands there, mistake).
_TABLE: Mapping[tuple[str, str], Mapping[str, tuple[str, str]]] = {
    ("providers/catalogue.py", "providers/test_catalogue.py"): {
        "an entry without an id is shown": (
            "        if own_id is None:\n            return None\n",
            '        own_id = own_id or "?"\n',
        ),
        "only the first list of a kind is read": (
            'following = f"{number + 1}:" if number + 1 < len(listings) else None',
            "following = None",
        ),
        "a page that is counted is read for ever": (
            "if end is not None and done >= end:",
            "if end is not None and done > end + 9:",
        ),
        "the account's own are the stock": (
            "str(value).lower() in listing.own_words",
            "str(value).lower() not in listing.own_words",
        ),
        "a preview may lead anywhere": ('if link and link.startswith("https://")', "if link"),
        "a filter that the vendor has is not sent": (
            "query[parameter] = getattr(wanted, name)",
            "query[parameter] = None",
        ),
        "a language is another one in another region": (
            'word.replace("_", "-").partition("-")[0]',
            "word",
        ),
    },
    ("kit/catalogue.py", "test_catalogue.py"): {
        "an answer never grows old": ("age < newest)", "age >= 0)"),
        "the rest of a page is shown again": ('f"{number}.{place', 'f"0.{place'),
        "another wish gets the same answer": (
            "(kind, wanted.model_dump_json(), cursor)",
            "(kind, cursor)",
        ),
    },
    ("pricing/quotes.py", "pricing/test_pricing.py"): {
        "a dub is stored without its source": ("2 * self.dubs", "self.dubs"),
        "a test video costs the full price": (
            "return [row for row in rows if named[row.key] == most]",
            "return list(rows)",
        ),
        "a test mode is a variant of every video": (
            "if row.variant or not row.settings]",
            "]",
        ),
    },
    ("pricing/budgets.py", "pricing/test_pricing.py"): {
        "a reservation forgets the settings": (
            "script=script, settings=record.settings",
            "script=script",
        ),
    },
    ("config/addresses.py", "pricing/test_pricing.py"): {
        "another server costs what Amazon does": (
            "return scheme if not host or host.endswith(_CLOUDS[scheme]) else host",
            "return scheme",
        ),
    },
    ("interfaces/providers.py", "providers/test_elevenlabs.py"): {
        "the vendor's own limit does not count": (
            "if limit.what not in named), *told)",
            "if limit.what),)",
        ),
    },
    ("intake/place.py", "intake/test_takes.py intake/test_looks.py"): {
        "the codec of a stored film is not read": (
            "if preflight.needs_codec(sample, candidate.limits):",
            "if False:",
        ),
        "another look is made by a consent that was revoked": (
            "        require_valid(consent, (await self._repository.now()).wall)\n"
            "        return consent",
            "        return consent",
        ),
        "another look pays for the voice again": (
            "            operations = self._look(person, candidate)\n",
            "",
        ),
        "another look has the footage of the first": (
            "if sample.file.sha256 != used]",
            "]",
        ),
    },
    ("intake/preflight.py", "intake/test_takes.py"): {
        "a stored voice has no limits together": (
            'return [*found, *_against("voice", _together(heard), limits)]',
            "return found",
        ),
    },
    ("providers/elevenlabs/pronunciation.py", "providers/test_elevenlabs.py"): {
        "each video makes a dictionary": ('if said_at(one, "name") == name:', "if False:"),
        "the second page of dictionaries is not read": (
            'if not flag_at(page, "has_more") or cursor is None:',
            "if True:",
        ),
    },
    ("intake/cast.py", "test_scenes.py"): {
        "a person's voice needs no consent": (
            "avatar.stock and (voice is None or voice.stock)",
            "avatar.stock",
        ),
    },
    ("intake/scenes.py", "test_scenes.py"): {
        "each scene says what the first says": (
            'update={"scene": number}',
            'update={"scene": 1}',
        ),
        "what the provider does not take goes in one call": (
            "makes is not None and alone and makes.takes_scenes(scenes, settings)",
            "makes is not None and alone",
        ),
        "a scene forgets the background of the video": (
            "scene.background or settings.background",
            "scene.background",
        ),
    },
    ("lifecycle/vendor_requests.py", "test_scenes.py"): {
        "each scene says everything": (
            "script=None if sound else video.text_of(state.scene)",
            "script=None if sound else video.script",
        ),
    },
    ("records.py", "test_scenes.py"): {
        "scenes share one token": (
            'return f"{operation}-{scene}" if scene else str(operation)',
            "return str(operation)",
        ),
    },
    ("providers/heygen/scenes.py", "providers/test_scenes.py"): {
        "every scene has the voice of the video": (
            "scene.voice or request.voice_id",
            "request.voice_id",
        ),
        "a color is called value, as elsewhere": (
            '"color": scene.background}',
            '"value": scene.background}',
        ),
        "the studio gets pictures": ('kinds <= {None, "color"}', "kinds"),
    },
    ("providers/synthesia.py", "providers/test_scenes.py"): {
        "the place of the avatar is not sent": (
            "scene.layout or own.horizontal_align",
            "own.horizontal_align",
        ),
    },
    ("content/joining.py", "content/test_joining.py"): {
        "the sound ends with the pictures": (
            "while self._sound is not None and self._sound.size:",
            "while False:",
        ),
        "each scene has its own size": ("if inner == size:", "if True:"),
    },
    ("records.py", "pricing/test_budgets.py lifecycle/test_states.py"): {
        "what nobody knows of is free again at the end": (
            "elif state.phase is Phase.INTENT or not final:",
            "elif not final:",
        ),
        "what was never sent stays reserved at the end": (
            "elif state.phase is Phase.INTENT or not final:",
            "else:",
        ),
        "the price of a stack that may take over is not reserved": (
            "if not (final or accepted):",
            "if False:",
        ),
        "a job that was made twice was paid once": (
            "return first + quoted * len(self.cleanup.duplicates)",
            "return first",
        ),
        "what was given up cost nothing": (
            "_TAKEN = frozenset({Phase.DONE, Phase.LOST})",
            "_TAKEN = frozenset({Phase.DONE})",
        ),
    },
    ("repositories/rules.py", "pricing/test_budgets.py"): {
        "a budget is never full": ("if asked and over > 0:", "if False:"),
    },
    ("repositories/sqlite.py", "repositories/test_memory_and_sqlite.py"): {
        "a user's budget counts everybody": ('"whose = :whose AND "', '""'),
        "what is held stays as it was created": ("            _reserve(db, saved, old)\n", ""),
    },
    ("pricing/budgets.py", "pricing/test_budgets.py"): {
        "the options of a dub cost nothing": (
            "replace(usage, settings=_chosen(record.options))",
            "usage",
        ),
        "an unknown price is free": ("if provider not in allowed:", "if False:"),
        "a budget in euros is one in dollars": (
            'amount = checked(self.amount, "a budget")',
            "amount = self.amount.amount",
        ),
    },
    ("http/client.py", "http/test_client.py"): {
        "a billable call is sent again": (
            "if call.billable:\n            raise",
            "if False:\n            raise",
        ),
        "Retry-After is ignored": (
            "return True if error.retry_after is None else min(error.retry_after, _LONGEST_WAIT)",
            "return True",
        ),
        "a Retry-After of hours is waited for": (
            "else min(error.retry_after, _LONGEST_WAIT)",
            "else error.retry_after",
        ),
        "Retry-After is read as a number only": (
            "elif (when := email.utils.parsedate_tz(value)) is not None:",
            "elif (when := None) is not None:",
        ),
        "the total timeout is gone": ("anyio.fail_after(call.timeout)", "anyio.fail_after(None)"),
        "nothing was sent, it says, after bytes were written": (
            "(self.watched and not self.left)",
            "self.watched",
        ),
        "nothing was sent, it says, where nobody watched": (
            "(self.watched and not self.left)",
            "(not self.left)",
        ),
        "a lost answer counts as never sent": (
            "_NEVER_LEFT = (httpx.ConnectError,",
            "_NEVER_LEFT = (httpx.ReadTimeout, httpx.ReadError, httpx.ConnectError,",
        ),
        "a conflict proves that a paid call was refused": (
            "_PROVE_REFUSAL = frozenset({400,",
            "_PROVE_REFUSAL = frozenset({400, 409,",
        ),
        "a paid call that a vendor calls unavailable is a refusal": (
            "(kind is errors.Unavailable or not proved)",
            "not proved",
        ),
        "redirects of calls are followed": (
            "stream=streamed, follow_redirects=False",
            "stream=streamed, follow_redirects=True",
        ),
        "the client logs links": (
            "logging.getLogger(_name).addFilter(_not_ours)",
            "logging.getLogger(_name)",
        ),
        "paid speech that breaks off was never accepted": (
            "errors.Ambiguous if call.billable else errors.Unavailable\n        raise call.error(",
            "errors.Unavailable\n        raise call.error(",
        ),
        "a lease that was lost does not stop the first byte": (
            "            self.guard()\n",
            "            pass\n",
        ),
        "no credits reads as a wrong key": (
            "402: errors.QuotaError",
            "402: errors.AuthError",
        ),
        "an answer that is a list passes for a job": (
            "if not isinstance(body, dict):",
            "if body is None:",
        ),
        "a paid answer that cannot be decoded is harmless": (
            'return call.unclear("the answer cannot be decoded")',
            'return call.error(errors.BadReply, "the answer cannot be decoded")',
        ),
    },
    ("http/addresses.py", "http/test_addresses.py"): {
        "private addresses are reached through 6to4": (
            'found = _embedded(ip_address(address.partition("%")[0]))',
            'found = ip_address(address.partition("%")[0])',
        ),
        "private addresses are reached through NAT64": (
            "return not any(found in block for block in _BLOCKS4)",
            "return isinstance(ip_address(address), IPv6Address) or found.is_global",
        ),
    },
    ("http/download.py", "http/test_client.py"): {
        "the key goes along to where a link redirects": (
            "if _origin(target) != _origin(url):",
            "if False:",
        ),
        "a link may redirect to plain HTTP": (
            'if url.scheme == "https" and target.scheme != "https":',
            "if False:",
        ),
        "a name may turn private after the first look": (
            'elif event == "connection.connect_tcp.complete" and self._direct:',
            "elif False:",
        ),
        "a cut download goes on whatever the file is by then": (
            ', "if-range": self.etag}',
            "}",
        ),
        "a download that begins anew is appended": (
            "if response.status_code != 206:\n            return self.received",
            "if response.status_code != 206:\n            return 0",
        ),
        "half of a file counts as the file": (
            "self.received != self._size",
            "self.received > self._size",
        ),
        "an expired link is a wrong key": ("(400, 401, 403, 404, 410)", "(404, 410)"),
        "a signed link stands in an error": ("{url.host or 'no host'}", "{url}"),
    },
    ("http/bodies.py", "http/test_client.py"): {
        "a form is read whole before it is sent": (
            "async for chunk in media.open():\n                yield chunk",
            'yield b"".join([chunk async for chunk in media.open()])',
        ),
        "an upload is read whole before it is sent": (
            "async for chunk in self._media.open():\n            yield chunk",
            'yield b"".join([chunk async for chunk in self._media.open()])',
        ),
        "the length of a form is wrong": ("+ media.size + 2 for", "+ media.size for"),
        "an upload has no length": (', "content-length": str(self._media.size)}', "}"),
        "a form is never closed": (
            'f"--{self._boundary}--\\r\\n".encode()',
            'f"--{self._boundary}\\r\\n".encode()',
        ),
        "a file's name breaks out of its header": (
            'name.replace(\'"\', "%22")',
            "name",
        ),
    },
    ("providers/answers.py", "providers/test_base.py providers/test_heygen.py"): {
        "progress is not clipped": ("min(1.0, max(0.0, part / whole))", "(part / whole)"),
        "an id with a slash is another address": ('quote(name, safe="")', "quote(name)"),
        "milliseconds are read as seconds": (
            "told /= 1000",
            "pass",
        ),
    },
    ("providers/http.py", "providers/test_base.py providers/test_heygen.py"): {
        "a job is found by the beginning of its token": (
            "return said_at(item, *self.reads.token) == token",
            'return (said_at(item, *self.reads.token) or "").startswith(token)',
        ),
        "only the first page is searched": (
            "cursor = self._cursor(page, query, pages=pages, jobs=len(ids))",
            "cursor = None",
        ),
        "a page without a list counts as the last": (
            'raise self._bad(operation, "a page of the list holds no list of jobs")',
            "return",
        ),
        "what is found is not sorted": (
            "return sorted(jobs, key=lambda job: job.created_at or 0.0)",
            "return jobs",
        ),
        "a job that two pages show counts twice": (
            "if job_id is None or job_id not in ids:",
            "if True:",
        ),
        "an unknown word is a failure": (
            "state = reads.states.get(word, JobState.UNKNOWN)",
            "state = reads.states.get(word, JobState.FAILED)",
        ),
        "deleting what is gone fails": (
            "except errors.NotFound:\n            return",
            "except errors.NotFound:\n            raise",
        ),
        "the idempotency key is not sent": (
            "headers[self.idempotency_header] = request.idempotency_key",
            "pass",
        ),
        "paid calls count as free": (
            "billable=operation not in self.capabilities.free",
            "billable=False",
        ),
        "the guard is not handed on": ("            guard=request.guard,\n", ""),
        "an error repeats the key": ('text = text.replace(secret, "[redacted]")', "pass"),
        "unsigned deliveries are trusted": (
            "trusted=self.capabilities.webhook.signed",
            "trusted=True",
        ),
        "signatures are not checked": (
            "self.capabilities.webhook.check(delivery, self._settings.webhook_secrets)",
            "pass",
        ),
        "two keys share one account's limits": ('f"{self.name}{self._key}"', "self.name"),
        "a callback address that is not taken is left out": (
            "if request.callback_url and not self.capabilities.calls_back(operation):",
            "if False:",
        ),
        "a paid answer without a job is no doubt": (
            "raise call.unclear(error.message, body=raw) from error",
            "raise",
        ),
        "what only `extra` says is not sent": (
            "merged(said, own) | extra.extra",
            "merged(said, own)",
        ),
        "a large upload has no more time than a small one": (
            "timeout=self._settings.timeout + size / _SLOWEST_UPLOAD",
            "timeout=self._settings.timeout",
        ),
        "a borrowed client is closed": (
            "if self._owned:\n            await",
            "if True:\n            await",
        ),
        "fields that are not given go as null": (
            "said = without_none(body)",
            "said = dict(body)",
        ),
        "several voice samples are cut to one": (
            "case VoiceRequest() if one_voice_file(type(self), request.options) and (",
            "case VoiceRequest() if False and (",
        ),
    },
    ("webhooks.py", "test_webhooks.py"): {
        "a time in the future passes": (
            "abs(delivery.received - int(stamp))",
            "delivery.received - int(stamp)",
        ),
        "only the first secret is tried": (
            "hashlib.sha256).hexdigest() for s in secrets]",
            "hashlib.sha256).hexdigest() for s in secrets[:1]]",
        ),
        "only the first signature is looked at": (
            "for w in wanted for g in given]",
            "for w in wanted for g in given[:1]]",
        ),
        "the beginning of a signature is enough": (
            "hmac.compare_digest(w.encode(), g.encode())",
            "w.startswith(g)",
        ),
        "signatures are not compared in constant time": (
            "hmac.compare_digest(w.encode(), g.encode())",
            "w == g",
        ),
        "every secret must have signed": ("if not any(matches):", "if not all(matches):"),
        "without a secret anything passes": (
            'raise WebhookRejected("no webhook secret is configured: set webhook_secrets")',
            "return",
        ),
        "the time is not part of what is signed": (
            'return stamp.encode() + b"." + delivery.body',
            "return delivery.body",
        ),
        "the body is signed as it is parsed, not as it came": (
            "return delivery.body\n",
            "return json.dumps(json.loads(delivery.body)).encode()\n",
        ),
        "a body that is a list passes": ("if not isinstance(value, dict):", "if value is None:"),
        "the header is looked for as it is written": (
            "delivery.headers.get(self.header.lower(),",
            "delivery.headers.get(self.header,",
        ),
    },
    ("content/results.py", "content/test_results.py"): {
        "a result of another kind passes": ("if main not in kinds:", "if False:"),
        "a result of another length passes": ("_measure(found, expected.lengths)", "pass"),
        "what cannot be decoded passes": ("if played.problem:", "if False:"),
        "text passes as sound": ("if not head or is_text(head):", "if not head:"),
    },
    ("content/integrity.py", "content/test_results.py"): {
        "an index that points behind the end passes": (
            "if end > len(data):\n        raise _cut(end, len(data))\n    return found",
            "return found",
        ),
        "a cut picture passes": (
            'found.kind == "image" and picture_is_cut(file, size, found)',
            "False",
        ),
    },
    ("content/credentials.py", "content/test_credentials.py"): {
        "broken credentials are signed": ('if vendor == "invalid":', "if False:"),
        "sound and pictures are not marked": (
            "if not marked_type(media_type):\n            return await media.put",
            'if not media_type.startswith("video/"):\n            return await media.put',
        ),
        "a watermark is named unseen": (
            "return marker.name if found else None",
            "return marker.name",
        ),
        "many files are signed at once": ("            _ONE_AT_A_TIME,\n", ""),
    },
    ("content/audio.py", "content/test_audio.py"): {
        "words run into the next recording": ("if number:", "if False:"),
        "the last samples are lost": (
            "if rest := sound.read(partial=True):",
            "if rest := None:",
        ),
        "the encoder keeps the end": ("container.mux(stream.encode(None))", "pass"),
        "a picture is a broken recording": (
            "except StillError as error:",
            "except ZeroDivisionError as error:",
        ),
        "a clip without sound breaks": ("if track is None:", "if False:"),
        "a broken file is an error of FFmpeg": (
            "except DecodeError as error:",
            "except ZeroDivisionError as error:",
        ),
    },
    ("content/sound.py", "content/test_audio.py"): {
        "the resampler keeps the end of each recording": (
            "        yield from resampler.take(frame)\n    yield from _flushed(resampler)",
            "        yield from resampler.take(frame)",
        ),
    },
    ("lifecycle/apply.py", "stacks/test_ranking.py"): {
        "another stack is asked though a person was asked": (
            "        and not any(o.uploads.waiting for o in record.operations)\n",
            "",
        ),
        "an ended record goes elsewhere": (
            "        not record.status.final\n        and own.phase",
            "        own.phase",
        ),
        "the same vendor is asked again in another stack": (
            "if may and all((o.operation, o.provider) != same for o in a.operations)",
            "if may",
        ),
        "a refusal speaks of every attempt": (
            "if op.phase is not sent or e.attempt not in {None, op.call.attempt}:",
            "if op.phase is not sent:",
        ),
        "the stack that was left is forgotten": (
            '{"ended": (*record.ended, over)}',
            '{"ended": record.ended}',
        ),
        "an older copy asks other stacks": ('        known["fallbacks"] = ()\n', ""),
        "why a stack was left is kept after deletion": (
            '{"reason": ""}',
            "{}",
        ),
        "whether it was paid is still asked of the next stack": (
            "record = _unasked(_set(record, e.key, call=call, not_before=e.at, failures=0))",
            "record = _set(record, e.key, call=call, not_before=e.at, failures=0)",
        ),
    },
    ("lifecycle/events.py", "stacks/test_ranking.py"): {
        "an event is not bound to its provider": (
            '"provider": state.provider, ',
            '"provider": "sim2", ',
        ),
    },
    ("lifecycle/decide.py", "stacks/test_ranking.py"): {
        "what a late answer made is kept": (
            '"cleanup": "delete", "deleted": False',
            '"cleanup": "settle", "deleted": False',
        ),
    },
    ("lifecycle/advance.py", "lifecycle/test_advance.py"): {
        "a step is begun though the consent has ended": (
            "            if lapsed := await self._lapsed(record, now):\n"
            "                return await self._put(record, lapsed)\n            try:",
            "            try:",
        ),
        "a recording is handed in though the consent has ended": (
            "        if lapsed := await self._lapsed(record, now):\n"
            "            return await self._put(record, lapsed)\n        given,",
            "        given,",
        ),
    },
    ("lifecycle/paid_call.py", "lifecycle/test_advance.py"): {
        "a consent may end while a paid call waits for its turn": (
            "if lapsed := await self._lapsed(record, now):  # waiting for the slot took time",
            "if lapsed := None:",
        ),
        "what may not have arrived is repeated though the consent has ended": (
            "return covered and await self._lapsed(record, now) is None",
            "return covered",
        ),
    },
    ("lifecycle/advance.py", "intake/test_looks.py"): {
        "a voice goes though another look speaks with it": (
            "if await self._inherited(record, state, job_id, now):",
            "if False:",
        ),
        "a job is left to another person's record": (
            "or heir.user_id != record.user_id",
            "",
        ),
    },
    ("lifecycle/apply.py", "intake/test_looks.py"): {
        "what is inherited is nobody's to delete": (
            "kept = tuple(i for i in op.cleanup.undeletable if i != op.job.id)",
            "kept = op.cleanup.undeletable",
        ),
    },
    ("lifecycle/advance.py", "stacks/test_ranking.py"): {
        "a refused upload is tried for ever": (
            "            if self._goes_elsewhere(record, state, error):\n                return",
            "            if False:\n                return",
        ),
        "a stack that was left asks for its account": (
            "asks=state in record.operations",
            "asks=True",
        ),
    },
    ("lifecycle/effects.py", "stacks/test_ranking.py"): {
        "a vendor that is down is left at once": (
            "tired = down and times >= self._policy.patience",
            "tired = down",
        ),
        "paid calls that were not accepted are not counted": (
            "times = state.failures + 1 if state.phase is Phase.NONE else state.call.attempt",
            "times = state.failures + 1",
        ),
        "a vendor whose calls are proved absent is never left": (
            "            return failover(state, error, now.wall, state.call.attempt)\n",
            "            pass\n",
        ),
        "refused content goes elsewhere": (
            '_outcome(error) != "refused"',
            "True",
        ),
    },
    ("lifecycle/paid_call.py", "stacks/test_ranking.py"): {
        "a repeat under its key puts off the proof": (
            "if state.terms.findable and following(record, state.key):",
            "if False:",
        ),
        "what cannot be looked up is not repeated under its key": (
            "if state.terms.findable and following(record, state.key):",
            "if following(record, state.key):",
        ),
    },
    ("stacks/ranking.py", "stacks/test_ranking.py"): {
        "an unknown price comes first": (
            "(*first, *(p for p in known if p[0] is None))",
            "(*(p for p in known if p[0] is None), *first)",
        ),
        "the dearest comes first": ("key=lambda p: p[0] or 0)", "key=lambda p: -(p[0] or 0))"),
        "nobody is told why others could not": (
            "if len(refusals) == 1:",
            "if refusals:",
        ),
    },
    # Other tests of that file would wait for ever.
    ("intake/place.py", "stacks/test_ranking.py::test_who_has_no_key_is_left_out"): {
        "keys are not looked at": (
            "operations = candidate.training  #",
            "operations = self._selector.asked(None)[0].training  #",
        ),
    },
    ("intake/place.py", "stacks/test_ranking.py"): {
        "samples are judged by the first stack": (
            "examine(files, candidate.limits,",
            "examine(files, self._selector.asked(None)[0].limits,",
        ),
        "consent is asked of the first stack alone": (
            "require(consent, candidate.consent_rules)",
            "require(consent, self._selector.asked(None)[-1].consent_rules)",
        ),
    },
    ("stacks/candidate.py", "stacks/test_ranking.py"): {
        "the language is not looked at": (
            "if self.speaker is not None:",
            "if self.speaker == 'no provider':",
        ),
    },
    ("lifecycle/durations.py", "stacks/test_ranking.py"): {
        "few trainings are a measure": ("if len(times) >= _ENOUGH", "if len(times) > _ENOUGH"),
    },
    (
        "lifecycle/vendor_requests.py",
        "lifecycle/test_vendor_requests.py content/test_audio.py "
        "lifecycle/test_advance.py test_kit.py",
    ): {
        "every attempt has the same idempotency key": ('f"{token}:{number}"', "token"),
        "a text is sent beside its speech": (
            "script=None if sound else video.text_of(state.scene)",
            "script=video.text_of(state.scene)",
        ),
        "several recordings go to who takes one": (
            'if len(training.voice) > 1 and one_voice_file(provider, common["options"]):',
            "if False:",
        ),
        "a fresh signed link makes it another request": ('if k != "url"', "if True"),
        "other recordings are taken for those once joined": (
            "converted-{contents[:16]}",
            "converted",
        ),
        "a voice of another vendor is named": (
            "training.voice_id if same else None",
            "training.voice_id",
        ),
        "links live an hour, whatever the vendor needs": (
            "self._media.url(file.key, can.url_lifetime)",
            "self._media.url(file.key, 3600.0)",
        ),
        "a store without links is noticed by the vendor": (
            'if url is None and "data" not in can.media:',
            "if False:",
        ),
        "speech goes in a format that the vendor does not take": (
            "if wanted not in {None, file.media_type}:",
            "if False:",
        ),
    },
    ("interfaces/settings.py", "test_video_settings.py providers/test_tavus.py"): {
        "a value beyond the bounds of a setting is mapped": (
            "if self.takes and _word(self.setting, value) not in self.takes:",
            "if False:",
        ),
        "settings that exclude each other pass": (
            "wrong = sorted(said.intersection(row.excludes))",
            "wrong: list[str] = []",
        ),
        "a setting passes without the one that it needs": (
            "(row.needs and said.isdisjoint(row.needs))",
            "False",
        ),
        "a signed link is quoted in a refusal": (
            'return "a link" if shown.startswith("https:") else shown',
            "return shown",
        ),
        "a setting is not written": (
            "yield place, said.format(value)",
            "yield '', said.format(value)",
        ),
    },
    ("content/conversion.py", "content/test_conversion.py intake/test_takes.py"): {
        "a dub has the sound of its source": (
            "track = choose_sound(sound)",
            "sound, track = source, choose_sound(source)",
        ),
        "sound that is longer than its pictures is cut off": (
            "    for frame in sounds:\n",
            "    for frame in ():\n",
        ),
        "a codec that no MP4 holds is copied": (
            "copied = codec is None or codec in COPIED",
            "copied = True",
        ),
        "the index of a clip comes last": ('"+faststart"', '"+negative_cts_offsets"'),
        "a missing package is noticed after something was paid": (
            'if not _installed("PIL" if kind == "image" else "av"):',
            "if False:",
        ),
    },
    ("intake/place.py", "intake/test_takes.py"): {
        "audio that cannot be converted is noticed after its speech was paid": (
            "if conversion.target(kind, takes, codec) is None:",
            "if False:",
        ),
    },
    ("providers/languages.py", "providers/test_languages.py"): {
        "the only variant is not taken": (
            "(read.region is None or len(variants) <= 1)",
            "read.region is None",
        ),
        "a region becomes another one": (
            "(read.region is None or len(variants) <= 1)",
            "True",
        ),
    },
    ("providers/heygen/engines.py", "providers/test_heygen.py"): {
        "a motion prompt goes to an engine that rejects it": (
            '{"avatar_v", "avatar_iv"} if photo else {"avatar_v"}',
            '{"avatar_v", "avatar_iv"}',
        ),
        "4K is asked of a photo": (
            'frozenset() if photo and value == "4k" else able',
            "able",
        ),
        "an engine that the look lacks is chosen": (
            "if engine in supported or not supported]",
            "]",
        ),
    },
    ("interfaces/providers.py", "providers/test_heygen.py"): {
        "subtitles that no dub can have are sent": (
            "if not given or given in self.dub_subtitles:",
            "if self.dub_subtitles or not given:",
        ),
    },
    (
        "intake/place.py",
        "test_kit.py::"
        "test_subtitles_that_a_provider_cannot_be_given_are_refused_before_anything_is_kept "
        "test_kit.py::test_a_dub_of_sound_alone_needs_pyav_before_anything_is_kept",
    ): {
        "without PyAV a dub of sound is paid for": (
            "if dubs and can.dubs_sound and",
            "if False and",
        ),
        "subtitles are refused after the source was kept": (
            "            can.require_subtitles(dubber, frozenset(order.subtitles.given))\n",
            "",
        ),
    },
    (
        "kit/kit.py",
        "test_kit.py::test_what_all_languages_may_cost_is_shared "
        "test_kit.py::test_a_video_is_dubbed_into_two_languages_each_by_itself",
    ): {
        "all languages share one key": (
            '(None if key is None else f"{key} {arguments.same_language(tag)}")',
            "key",
        ),
        "each language may cost what all may": ("most.amount / len(tags)", "most.amount"),
    },
    (
        "lifecycle/vendor_requests.py",
        "test_kit.py::test_own_subtitles_reach_the_provider_as_files",
    ): {
        "own subtitles stay here": (
            'language=video.language or "", subtitles=own)',
            'language=video.language or "")',
        ),
    },
    (
        "lifecycle/apply.py",
        "test_kit.py::test_own_subtitles_reach_the_provider_as_files",
    ): {
        "own subtitles outlive their video": ('    "subtitles": DubSubtitles(),\n', ""),
    },
    (
        "lifecycle/advance.py",
        "providers/test_flows.py::"
        "test_a_dub_into_two_languages_is_paid_for_twice_and_its_captions_are_kept",
    ): {
        "a dub of sound has no pictures": (
            "if not sound or video.source is None:",
            "if video.source is not None:",
        ),
    },
    (
        "lifecycle/expectations.py",
        "providers/test_flows.py::"
        "test_a_dub_into_two_languages_is_paid_for_twice_and_its_captions_are_kept",
    ): {
        "a dub of sound waits for a video": ('return "audio" if sound else', "return"),
    },
    ("http/bodies.py", "providers/test_elevenlabs.py"): {
        "a list is one field of a form": ("if isinstance(value, list | tuple)", "if False"),
    },
    ("content/subtitles.py", "content/test_subtitles.py"): {
        "a fraction is thousandths": ('float(f"0.{fraction}")', "int(fraction) / 1000"),
        "captions without words are kept": ("        if words:\n", "        if True:\n"),
    },
    ("providers/heygen/adapter.py", "providers/test_heygen.py"): {
        "own subtitles belong to the other video": (
            '{"translation": "output", "source": "input"}',
            '{"translation": "input", "source": "output"}',
        ),
        "a picture is not shown": (
            'image=by_id(self._asset(request, "picture_asset_id")) if picture else None,',
            "",
        ),
        "a picture is an avatar without an id": (
            'type="image" if picture else "avatar",',
            'type="avatar",',
        ),
        "a picture may have any engine": (
            "choose_engine(PICTURE, request.settings, self._option(request, HeyGenVideo))",
            "pass",
        ),
        "own subtitles stay at the vendor": (
            '("asset_id", "audio_asset_id", "picture_asset_id", "srt_asset_id")',
            '("asset_id", "audio_asset_id", "picture_asset_id")',
        ),
        "a voice is not called by our token": (
            "voice_name=request.token",
            'voice_name="voice"',
        ),
        "only stock voices are searched": ('"/voices", type="private", limit', '"/voices", limit'),
        "an unsigned callback is trusted": (
            "trusted = signature is not None and operation is not Operation.AVATAR",
            "trusted = operation is not Operation.AVATAR",
        ),
        "a signature is not checked": (
            "self.capabilities.webhook.check(own, self._settings.webhook_secrets)",
            "pass",
        ),
        "a repeat is known by its bytes only": (
            "self._events(delivery, job, told=told, trusted=trusted)",
            "self._events(delivery, job, trusted=trusted)",
        ),
    },
    ("providers/heygen/uploads.py", "providers/test_heygen.py"): {
        "the key goes to the presigned host": (
            "content=media, headers=headers)",
            "content=media)",
        ),
        "a large upload goes through the API": ("if media.size <= _SMALL:", "if True:"),
    },
    ("providers/heygen/avatars.py", "providers/test_heygen.py"): {
        "two workers ask for two consents": (
            '                headers=self._keyed(f"consent {group_id} {page}"),\n',
            "",
        ),
        "another look is a person of its own": (
            'avatar_group_id=request.prepared.get("group_id"),',
            "",
        ),
        "the page to return to is not sent": ('body={"reroute_url": page},', "body={},"),
        "a group whose look has no picture is ready": (
            'and look.get("preview_image_url")',
            "",
        ),
        "deleting a look deletes its group": (
            "if avatar_id.startswith(_LOOK):\n            look",
            "if False:\n            look",
        ),
        "a group is deleted with the looks of others": (
            "if len(await self._looks(avatar_id)) > 1:",
            "if False:",
        ),
        "a training is its whole group": (
            "return _of_look(job, job.ref)",
            "return job",
        ),
        "a look is used before its person has agreed": (
            "if job.state is JobState.SUCCEEDED and group is not None:",
            "if False:",
        ),
        "the newest look is that of a lost answer": (
            'id_at(looks[-1], "id")',
            'id_at(looks[0], "id")',
        ),
    },
    ("providers/data/heygen.toml", "providers/test_heygen.py"): {
        "a call that is still at work was refused": (
            '  "invalid_parameter",\n',
            '  "invalid_parameter",\n  "request_in_progress",\n',
        ),
    },
    ("providers/data/elevenlabs.toml", "providers/test_elevenlabs.py"): {
        "a 401 without credits is a wrong key": ('["quota_exceeded", ', "["),
    },
    ("providers/data/d-id.toml", "providers/test_did.py"): {
        "what is still at work counts as deleted": (
            'raises = "Unavailable" #',
            'raises = "NotFound" #',
        ),
        "moderation is a refusal like any other": ('  "ImageModerationError",\n', ""),
    },
    ("providers/elevenlabs/dubbing.py", "providers/test_elevenlabs.py"): {
        "a dub does not carry our token": ("reference=request.token,", "reference=None,"),
        "a transcribed project is a finished dub": (
            '"ready": JobState.RUNNING,',
            '"ready": JobState.SUCCEEDED,',
        ),
        "an edited dub is delivered as it was": (
            '"stale": JobState.RUNNING,',
            '"stale": JobState.SUCCEEDED,',
        ),
        "the next page of projects is the first again": (
            'cursor_parameter="cursor",',
            'cursor_parameter="next_cursor",',
        ),
        "a language hides why its project failed": ('= "project_failed"', '= "project failed"'),
        "a project without a language is never read": (
            "        if not languages:\n            return await self._project(dub_id)\n",
            "",
        ),
        "every host is shown the key": (
            'if url.startswith(f"{self._base_url}{_PROJECTS}/"):',
            "if url:",
        ),
        "subtitles show what the source says": (
            'said_at(one, "translation")',
            'said_at(one, "source_text")',
        ),
        "a dialect is written with an underscore": (
            'request.language.replace("_", "-")',
            "request.language",
        ),
        "the subtitles of a dub are left out": (
            '{**job.links, "subtitles_srt": self._url(place)}',
            "{**job.links}",
        ),
    },
    ("providers/elevenlabs/adapter.py", "providers/test_elevenlabs.py"): {
        "dubs are looked for by another name": ('token=("name", "reference")', 'token=("name",)'),
        "the region is an address": (
            "REGIONS.get(self._base_url, self._base_url)",
            "self._base_url",
        ),
        "the search ends after one page": (
            'return cursor if page.get("has_more", True) else None',
            "return None",
        ),
        "what speech cost is lost": ('"character-cost"', '"x-character-cost"'),
        "a professional voice without recordings stays": (
            "await self.delete_voice(job.id)\n                raise",
            "raise",
        ),
        "each poll shows another captcha": ("if voice_id not in self._captchas:", "if True:"),
        "a delivery signed with another version passes": ('version="v0"', 'version="v1"'),
        "a cut list counts as searched": (
            'if page.get("has_more") and cursor is None:',
            "if False:",
        ),
        "a banned voice is fine": ('if text_at(raw, "safety_control") in _ENDED:', "if False:"),
        "a training that is under way fails the poll": (
            'not in {"already_running", "already_processing"}',
            "not in set()",
        ),
    },
    ("providers/did/adapter.py", "providers/test_did.py"): {
        "a consent is waited for after it has expired": (
            'case "created" if self._now() < expires_at:',
            'case "created":',
        ),
        "a delivery for another job has our token in its address": (
            "token in dict(parse_qsl(query)).values()",
            "token in query",
        ),
        "one family of videos is searched": (
            '{name: f"/{name}" for name in FAMILIES}',
            '{"scenes": "/scenes"}',
        ),
        "a link that D-ID refuses is sent": ("_AUDIO_LINK.fullmatch(", "_AUDIO_LINK.match("),
        "an error repeats one's own key of ElevenLabs": (
            "(*super()._secrets(), self._elevenlabs_key)",
            "super()._secrets()",
        ),
        "one's own key goes along with every video": (
            "self._option(request, DIDScript).own_elevenlabs:",
            "self._elevenlabs_key:",
        ),
        "an address within S3 is a result": (
            "if self._is_link(url)}",
            "if url}",
        ),
        "avatars of another family are deleted": (
            "path = FAMILIES[family].avatars",
            'path = FAMILIES["scenes"].avatars',
        ),
    },
    ("providers/resemble.py", "providers/test_resemble.py"): {
        "a success that says it is none passes": (
            'if raw.get("success") is not False:',
            "if True:",
        ),
        "a voice is built without its recordings": ("if len(arrived) < count:", "if False:"),
        "each poll builds": ("self._built.add(job.id)", "pass"),
        "speech goes to the first host": (
            '''f"{self._host('speech')}/synthesize"''',
            '"/synthesize"',
        ),
        "a plan without cloning is a wrong key": (
            "{403: PlanError}",
            "{402: PlanError}",
        ),
        "the second page of voices is asked for with no number": (
            'total_pages=("page_count", "num_pages")',
            'total_pages=("page", "page_count")',
        ),
    },
    ("providers/tavus.py", "providers/test_tavus.py"): {
        "a video is hidden, not deleted": (
            "/videos/{}?hard=true",
            "/videos/{}",
        ),
        "links to media end too early": ("url_lifetime=86_400.0", "url_lifetime=3_600.0"),
        "the first page of faces is left out": (
            '"/faces", {"limit": 50, "page": 0}',
            '"/faces", {"limit": 50, "page": 2}',
        ),
        "a deleted job is done": ('"deleted": JobState.GONE', '"deleted": JobState.SUCCEEDED'),
    },
    ("providers/rask.py", "providers/test_rask.py"): {
        "a paid call is sent again with a new token": (
            "if call.billable or error.status != _UNAUTHORIZED:",
            "if error.status != _UNAUTHORIZED:",
        ),
        "a token is used to its last second": (
            "if not self._token or time.time() > self._until - _EARLY:",
            "if not self._token:",
        ),
        "an error repeats the token": (
            "(*super()._secrets(), self._token, self._pair)",
            "(*super()._secrets(), self._pair)",
        ),
        "the wish for lips is forgotten": (
            "name=request.token + _wish(request.options),",
            "name=request.token,",
        ),
        "a project with lips is not found": (
            '{token, *(f"{token}{end}" for end in _LIP_SYNC)}',
            "{token}",
        ),
        "lips are moved before faces are known": (
            'None: "check_face"',
            'None: "lipsync"',
        ),
        "lips that move are begun again": ("begin = task in _TO_BEGIN", "begin = True"),
        "lips that are out of date are left": (
            'frozenset({None, "outdated"})',
            "frozenset({None})",
        ),
        "several faces are one": ("[asked.several_speakers]", "[0]"),
        "a dub is delivered before its lips are moved": (
            '"state": JobState.RUNNING, "links": {}',
            '"state": JobState.SUCCEEDED, "links": {}',
        ),
        "a video without a face is waited for": (
            'if face == "done" and has_face is False:',
            "if False:",
        ),
        "the lips of a dub are not delivered": (
            '{**job.links, "video": video}',
            "{**job.links}",
        ),
        "captions without a translation are sent": ("if len(said) != len(spoken):", "if False:"),
        "the transcript stays behind": (
            'transcript_id=request.prepared.get("transcript_id"),',
            "transcript_id=None,",
        ),
        "source and translation are exchanged": (
            'for kind in ("source", "translation")',
            'for kind in ("translation", "source")',
        ),
        "a project without its video is done": (
            'if job.state is JobState.SUCCEEDED and "video" not in job.links:',
            "if False:",
        ),
        "what is still read is uploaded again": (
            "self._uploads[source.sha256] = media_id",
            "pass",
        ),
    },
    ("providers/synthesia.py", "providers/test_synthesia.py"): {
        "a video does not carry our token": (
            "            title=request.token,\n            callbackId=request.token,\n",
            "",
        ),
        "signatures are not checked": (
            "self.capabilities.webhook.check(delivery, self._settings.webhook_secrets)",
            "pass",
        ),
        "the narration is uploaded for each look": (
            "self._uploads[audio.sha256] = upload",
            "pass",
        ),
        "a refused link is an outage": ("{501: Refused}", "{500: Refused}"),
    },
}

FAULTS = tuple(
    Fault(file, what, old, new, tuple(tests.split()))
    for (file, tests), faults in _TABLE.items()
    for what, (old, new) in faults.items()
)

#: Faults that no test can see: what is wrong -> why it cannot be seen. Today there is none.
UNSEEN: Mapping[str, str] = {}


@contextmanager
def package() -> Iterator[Path]:
    """A folder with a compiled copy of the package; the working tree stays as it is."""
    with tempfile.TemporaryDirectory(prefix="avatarkit-faults-") as folder:
        copy = Path(folder, "whole", "avatarkit")
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(copy, quiet=1)
        yield Path(folder)


def catch(fault: Fault, folder: Path) -> Verdict:
    """Plant it in a copy of its own, and run the tests; ``folder`` is that of ``package``."""
    path = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(folder / "whole", path, dirs_exist_ok=True)
    target = path / "avatarkit" / fault.file
    target.write_text(fault.planted())
    Path(importlib.util.cache_from_source(str(target))).unlink(missing_ok=True)  # data has none
    began = time.monotonic()
    test, output = _run(path, fault.tests)
    shutil.rmtree(path)
    return Verdict(fault, test, output, time.monotonic() - began)


def _run(path: Path, tests: Sequence[str]) -> tuple[str | None, str]:
    """Which test failed with the package that lies there; None, and the output, if none did."""
    order = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    try:
        ran = subprocess.run(
            [*order, *(str(TESTS / name) for name in tests)],
            cwd=TESTS.parent,
            env=os.environ | {"PYTHONPATH": str(path)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"no end after {TIMEOUT} s"
    # An error while tests are collected is no test's merit: the fault was no program any more.
    failed = re.search(r"^FAILED (?:\S*/)?(\S+\.py::\S+)", ran.stdout, re.MULTILINE)
    return failed and failed[1], ran.stdout + ran.stderr


def _asked(texts: Sequence[str]) -> list[Fault]:
    return [f for f in FAULTS if not texts or any(t in f"{f.file} {f.what}" for t in texts)]


def main(texts: Sequence[str]) -> int:
    """Print each fault with its verdict; return how many went unnoticed."""
    faults = _asked(texts)
    wrong: list[Verdict] = []
    with package() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        every = sorted({test for fault in faults for test in fault.tests})
        test, output = _run(folder / "whole", every)
        if test is not None or " passed" not in output:
            print(output)
            print("the tests fail without any fault: nothing can be said")
            return 1
        for verdict in pool.map(lambda fault: catch(fault, folder), faults):
            fault = verdict.fault
            said = verdict.test or f"NOT CAUGHT: {UNSEEN.get(fault.what, 'a test is missing')}"
            print(f"{fault.file:24} {fault.what:60} {said} ({verdict.seconds:.1f} s)", flush=True)
            if not verdict.well:
                wrong.append(verdict)
    unseen = sum(fault.what in UNSEEN for fault in faults)
    caught = len(faults) - unseen - len(wrong)
    print(f"\n{caught} of {len(faults)} faults caught; documented as unseen: {unseen}")
    for verdict in wrong:
        print(f"\n{verdict.fault.file}: {verdict.fault.what}\n{verdict.output[-600:]}")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
