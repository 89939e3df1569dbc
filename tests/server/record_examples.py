"""Record the examples of the OpenAPI document from a server with an invented vendor.

PYTHONPATH=src:tests python tests/server/record_examples.py
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import avatarkit.server
from conftest import Site

TARGET = Path(avatarkit.server.__file__).with_name("examples.json")


class Recorder:
    """A client that keeps the bodies of each operation."""

    def __init__(self, client, found=None):
        self.client = client
        self.found = {} if found is None else found

    async def ask(self, name, method, path, body=None, **more):
        answer = await self.client.request(method, path, json=body, **more)
        assert answer.status_code < 300, (name, answer.text)
        example = self.found.setdefault(name, {})
        if body is not None:
            example["request"] = body
        if answer.headers.get("content-type") == "application/json":
            example[str(answer.status_code)] = answer.json()
        return answer

    async def upload(self, role, file, data):
        answer = await self.client.put(f"/clones/ana/uploads/{role}/{file}", content=data)
        self.found.setdefault("uploadFile", {})[str(answer.status_code)] = answer.json()


async def recorded(site):
    """Examples of all operations, by operation and status."""
    running = site.running(hosts=["app.example"], authenticate=site.operators())
    async with running as app, site.client(app, "ana") as client:
        to = Recorder(client)
        await to.ask("getHealth", "GET", "/health")
        await to.ask("getErrorExplanation", "GET", "/errors/consent_required")
        stacks = await to.ask("listStacks", "GET", "/stacks")
        del stacks.json()["data"][1:]
        for kind in ("avatars", "voices"):
            path = f"/catalogue/fake/{kind}?limit=1"
            await to.ask(f"listStock{kind.title()}", "GET", path)
        to.found["listStacks"]["200"]["data"] = stacks.json()["data"][:1]
        await to.ask("getQuote", "GET", "/quote?stack=heygen&videos=10&seconds=30")
        await to.upload("footage", "portrait.jpg", site.footage)
        site.link_leads_to(site.voice)
        link = {"role": "voice", "url": "https://files.example/voice.wav"}
        await to.ask("importSample", "POST", "/clones/ana/samples", link)
        await to.upload("voice", "voice.wav", site.voice)
        path = "/clones/ana/uploads/voice/hello.wav"
        _, where = await site.begun(client, path, len(site.voice), site.voice)
        await to.ask("getUpload", "GET", where)
        await handed_over(site, app, to)
        consent = {"subject": "Ana Lima", "purposes": ["lessons"]}
        kept = (await to.ask("createConsent", "POST", "/consents", consent)).json()["id"]
        await to.ask("getConsent", "GET", f"/consents/{kept}")
        order = {"clone_id": "ana", "name": "Ana", "consent_id": kept, "purpose": "lessons"}
        order["max_cost"] = {"amount": "2.50", "currency": "USD"}
        training = (await to.ask("createTraining", "POST", "/trainings", order)).json()["id"]
        await to.ask("getUser", "GET", "/me")
        for name, path in (
            ("listBacklog", "backlog"),
            ("getSpending", "spending"),
            ("listChecks", "checks"),
        ):
            await to.ask(name, "GET", f"/operator/{path}")
        await site.settle(training)
        await to.ask("getTraining", "GET", f"/trainings/{training}")
        told = await to.ask("listAllDeliveries", "GET", "/operator/deliveries?limit=1")
        [told] = told.json()["data"]
        named = {"provider": told["provider"], "event_id": told["event_id"]}
        await to.ask("getDeliveryPayload", "GET", f"/operator/payload?{urlencode(named)}")
        await to.ask("replayDelivery", "POST", "/operator/replays", named)
        await to.ask("listTrainings", "GET", "/trainings?limit=1")
        words = {"text": "Hello! I am Ana's twin.", "purpose": "lessons"}
        where = f"/trainings/{training}/videos"
        video = (await to.ask("createVideo", "POST", where, words)).json()["id"]
        await site.settle(video)
        await to.ask("getVideo", "GET", f"/videos/{video}")
        await to.ask("listTrainingVideos", "GET", where)
        await to.ask("listVideos", "GET", "/videos?limit=1")
        dubs = {"video_id": video, "languages": ["es", "de"], "purpose": "lessons"}
        await to.ask("createDubs", "POST", "/dubs", dubs)
        for name, path in (("Samples", "/clones/ana/samples"), ("Clones", "/clones")):
            await to.ask(f"list{name}", "GET", path)
        for name, path in (("Consents", "/consents"), ("Deliveries", "/deliveries?limit=1")):
            await to.ask(f"list{name}", "GET", path)
        await stopped(site, to, training, order, where, words)
        await to.ask("withdrawConsent", "DELETE", f"/consents/{kept}")
        erasure = await to.ask("createErasure", "POST", "/erasures", {"confirm": True})
        await to.ask("getErasure", "GET", erasure.headers["location"])
    return to.found


async def handed_over(site, app, to):
    """Record how another device does an upload."""
    asked = {"role": "voice", "media": "audio", "page": "https://app.example/phone"}
    asked |= {"text": "Hello! I am recording this text.", "language": "en"}
    made = await to.ask("createHandover", "POST", "/clones/ana/handovers", asked)
    secret = made.json()["link"].partition("#")[2]
    async with site.client(app) as phone:
        headers = {"authorization": f"Bearer {secret}"}
        await Recorder(phone, to.found).ask(
            "createHandoverToken", "POST", "/handovers/token", headers=headers
        )
    await to.ask("getHandover", "GET", made.headers["location"])
    to.found["createHandover"]["201"]["qr"] = made.json()["qr"][:2]


async def stopped(site, to, training, order, where, words):
    """Record what happens to records that ask for something and are cancelled."""
    from avatarkit.models import Operation
    from avatarkit.providers.fake import Fault

    del training
    for kind, operation in (("training", Operation.VOICE), ("video", Operation.VIDEO)):
        site.vendor.fail_next(operation, Fault.QUOTA)
        path, body = ("/trainings", order) if kind == "training" else (where, words)
        made = (await to.client.post(path, json=body)).json()["id"]
        await site.driven(made, lambda record: record.action is not None)
        own, title = f"/{kind}s/{made}", kind.title()
        await to.ask(f"answer{title}Action", "POST", f"{own}/action", {"choice": "retry"})
        await to.ask(f"cancel{title}", "POST", f"{own}/cancel")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(recorded(Site(Path(folder))))
    text = json.dumps(dict(sorted(found.items())), indent=1, ensure_ascii=False)
    TARGET.write_text(text + "\n", encoding="utf-8")
