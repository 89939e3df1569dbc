"""Every recorded answer is one that the vendor's OpenAPI document describes.

Where the document disagrees with what is known of the vendor, the facts win: such answers are in
``DEVIATIONS``, with what the document finds, and why it is wrong.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from providers.contract import Contract

FOLDER = Path(__file__).parent


@cache
def told(vendor):
    return json.loads((FOLDER / f"{vendor}.json").read_text())


def named(vendor, name):
    """What stands at a dotted name of the vendor's file."""
    found = told(vendor)
    for part in name.split("."):
        found = found[part]
    return found


def in_data(item):
    return {"data": item}


def page_of(field, **more):
    return lambda item: {field: [item], **more}


def with_success(item):
    return {"success": True, "item": item}


def failed_talk(error):
    return {**told("did")["talk"], "status": "error", "error": error}


HEYGEN_PAGE = page_of("data", has_more=False, next_token=None)
RESEMBLE_PAGE = page_of("items", success=True, page=1, num_pages=1, page_size=10)
TAVUS_PAGE = page_of("data", total_count=1)

#: vendor -> (name in its file, operation, what the whole answer is made of it by, status).
ROWS = {
    "heygen": [
        ("asset", "POST /v3/assets"),
        ("direct", "POST /v3/assets/direct-uploads"),
        ("complete", "POST /v3/assets/{asset_id}/complete"),
        ("voice_submitted", "POST /v3/voices/clone"),
        ("voice", "GET /v3/voices/{voice_id}"),
        ("voice_listed", "GET /v3/voices", HEYGEN_PAGE),
        ("group", "GET /v3/avatars/{group_id}", in_data),
        ("group", "GET /v3/avatars", HEYGEN_PAGE),
        ("group", "POST /v3/avatars", lambda group: in_data({"avatar_group": group})),
        (
            "look",
            "POST /v3/avatars",
            lambda look: in_data({"avatar_item": look, "avatar_group": told("heygen")["group"]}),
        ),
        ("look", "GET /v3/avatars/looks/{look_id}", in_data),
        ("look", "GET /v3/avatars/looks", HEYGEN_PAGE),
        (
            "consent_url",
            "POST /v3/avatars/{group_id}/consent",
            lambda url: in_data({"avatar_group": told("heygen")["group"], "url": url}),
        ),
        ("video_submitted", "POST /v3/videos"),
        ("video", "GET /v3/videos/{video_id}", in_data),
        ("video", "GET /v3/videos", HEYGEN_PAGE),
        ("speech", "POST /v3/voices/speech"),
        ("languages", "GET /v3/video-translations/languages"),
        ("dub_submitted", "POST /v3/video-translations"),
        ("dub", "GET /v3/video-translations/{video_translation_id}", in_data),
        ("dub", "GET /v3/video-translations", HEYGEN_PAGE),
        ("me", "GET /v3/users/me"),
        ("endpoint", "POST /v3/webhooks/endpoints"),
        ("error", "POST /v3/videos", None, 402),
    ],
    "did": [
        ("voice", "GET /tts/voices", lambda voice: [voice]),
        ("consent", "POST /consents", None, 201),
        ("consent_polled", "GET /consents/{id}"),
        ("express_submitted", "POST /scenes/avatars", None, 201),
        ("express", "GET /scenes/avatars/{id}"),
        ("express", "GET /scenes/avatars", page_of("avatars")),
        ("premium_submitted", "POST /clips/avatars"),
        ("presenter", "GET /clips/presenters/{id}", page_of("presenters")),
        ("presenter", "GET /clips/presenters", page_of("presenters")),
        ("image", "POST /images", None, 201),
        ("audio", "POST /audios", None, 201),
        ("credits", "GET /credits"),
        ("translation", "POST /translations", lambda one: {"translations": [one]}, 201),
        ("translation", "GET /translations/{id}"),
        ("translated", "GET /translations/{id}", lambda t: told("did")["translation"] | t),
        ("scene_submitted", "POST /scenes", None, 201),
        *(
            (name, f"GET /{name}s{path}", made)
            for name in ("talk", "clip", "scene", "expressive")
            for path, made in (("/{id}", None), ("", page_of(f"{name}s")))
        ),
        ("error", "GET /talks/{id}", failed_talk),
        ("failures.a wrong key.body", "POST /talks", None, 401),
        ("failures.no credits.body", "POST /talks", None, 402),
        ("failures.not in the plan.body", "POST /talks", None, 403),
        ("failures.a face that is known.body", "POST /talks", None, 451),
        ("failures.a picture that is refused.body", "POST /talks", None, 451),
        ("failures.sound that is refused.body", "POST /talks", None, 451),
        ("failures.words that are refused.body", "POST /talks", None, 451),
        ("failures.a link that leads nowhere.body", "POST /talks", None, 400),
        ("failures.the wrong type.body", "POST /audios", None, 415),
    ],
    "elevenlabs": [
        ("submitted", "POST /v1/voices/add"),
        ("unverified", "POST /v1/voices/add"),
        ("voice", "GET /v1/voices/{voice_id}"),
        ("voice", "GET /v2/voices", page_of("voices", has_more=False, total_count=1)),
        ("professional", "GET /v1/voices/{voice_id}"),
        ("timestamps", "POST /v1/text-to-speech/{voice_id}/with-timestamps"),
        ("subscription", "GET /v1/user/subscription"),
        ("dub.submitted", "POST /v1/dubbing/project", None, 201),
        ("dub.submitted", "GET /v1/dubbing/project/{project_id}"),
        ("dub.submitted", "GET /v1/dubbing/project", page_of("projects")),
        ("dub.language", "GET /v1/dubbing/project/{project_id}/language", page_of("languages")),
        (
            "dub.error",
            "GET /v1/dubbing/project/{project_id}",
            lambda error: told("elevenlabs")["dub"]["submitted"] | {"error": error},
        ),
        (
            "dub.transcript",
            "GET /v1/dubbing/project/{project_id}/language/{language_id}/transcript",
        ),
        ("failures.a fault in a field.body", "POST /v1/voices/add", None, 422),
    ],
    "resemble": [
        ("submitted", "POST /voices"),
        ("voice", "GET /voices/{voice_uuid}", with_success),
        ("voice", "GET /voices", RESEMBLE_PAGE),
        ("recording", "GET /voices/{voice_uuid}/recordings", RESEMBLE_PAGE),
        ("built", "POST /voices/{voice_uuid}/build"),
        ("deleted", "DELETE /voices/{voice_uuid}"),
        ("spoken", "POST /synthesize"),
        ("refused", "POST /synthesize", None, 400),
    ],
    "tavus": [
        *((f"{kind}.submitted", f"POST /v2/{kind}s") for kind in ("voice", "face", "video")),
        ("face.legacy_submitted", "POST /v2/faces"),
        *(
            (f"{kind}.{name}", f"GET /v2/{kind}s{path}", made)
            for kind, names in {
                "voice": "running succeeded failed",
                "face": "running succeeded failed",
                "video": "queued running succeeded failed gone",
            }.items()
            for name in names.split()
            for path, made in ((f"/{{{kind}_id}}", None), ("", TAVUS_PAGE))
        ),
        ("voice.older_item", "GET /v2/voices", TAVUS_PAGE),
        ("refused", "POST /v2/videos", None, 400),
        ("unauthorised", "POST /v2/videos", None, 401),
    ],
    "rask": [
        ("media", "POST /api/library/v1/media"),
        ("media", "POST /api/library/v1/media/link"),
        ("media", "GET /api/library/v1/media/{media_id}"),
        ("project", "POST /v2/projects"),
        ("project", "GET /v2/projects/{project_id}"),
        (
            "translated_video",
            "GET /v2/projects/{project_id}",
            lambda link: {**told("rask")["project"], "translated_video": link},
        ),
        ("slim", "GET /v2/projects", page_of("projects", total=1)),
        (
            "statuses",
            "GET /v2/projects",
            lambda words: {
                "projects": [{**told("rask")["slim"], "status": word} for word in words],
                "total": len(words),
            },
        ),
        ("refused", "GET /v2/projects/{project_id}", None, 404),
        ("invalid", "POST /v2/projects", None, 422),
    ],
    "synthesia": [
        ("video", "POST /v2/videos"),
        ("video", "GET /v2/videos/{video_id}"),
        ("finished", "GET /v2/videos/{video_id}", lambda end: told("synthesia")["video"] | end),
        (
            "finished",
            "GET /v2/videos",
            lambda end: {"videos": [told("synthesia")["video"] | end], "nextOffset": 0},
        ),
        ("dub.submitted", "POST /v2/dubbing", None, 202),
        *(
            (f"dub.{name}", "GET /v2/dubbing/{dubbing_project_id}")
            for name in ("uploading", "running", "succeeded", "failed", "failed_asset")
        ),
        ("forbidden", "POST /v2/videos", None, 403),
        ("upload", "POST /v2/scriptAudio"),
    ],
}
#: Operations that another document describes.
ELSEWHERE = {"POST /v2/scriptAudio": "synthesia-upload"}

#: (vendor, name, operation) -> what the document finds, and why it is right all the same.
_SCENE = (
    "'error' is a required property",
    "a scene that is done has no error, and names no webhook that it was not given",
)
_UNDONE = (
    "download: None is not of type 'string'",
    "what a video does not have yet is null in the published sample of an answer",
)
DEVIATIONS = {
    ("did", "scene", "GET /scenes/{id}"): _SCENE,
    ("did", "scene", "GET /scenes"): _SCENE,
    ("did", "error", "GET /talks/{id}"): (
        "'error' was unexpected",
        "the live API tells why a talk failed, as that of the other families does",
    ),
    ("resemble", "spoken", "POST /synthesize"): (
        "title: None is not of type 'string'",
        "the documentation shows null where no title was given",
    ),
    ("tavus", "voice.older_item", "GET /v2/voices"): (
        "'tag_name': 'warm'",
        "a document of some weeks before shows tags as objects; neither form is read",
    ),
    ("synthesia", "video", "POST /v2/videos"): _UNDONE,
    ("synthesia", "video", "GET /v2/videos/{video_id}"): _UNDONE,
    ("synthesia", "forbidden", "POST /v2/videos"): (
        "context: None is not of type 'string'",
        "the description of errors says details, or null",
    ),
}

#: What no document describes: (vendor, beginning of the name) -> what it is.
UNDESCRIBED = {
    ("heygen", "video_delivered"): "deliveries are described in prose only",
    ("did", "failures.a gateway's refusal"): "the gateway before D-ID answers in its own way",
    ("did", "failures.too many"): "no document has a 429; others have met it",
    ("elevenlabs", "failures"): "the document has 422 only; these have been published by others",
    ("elevenlabs", "withdrawn"): "deliveries are described in prose only",
    ("elevenlabs", "removed"): "deliveries are described in prose only",
    ("resemble", "delivered"): "deliveries are described in prose only",
    ("resemble", "invalid"): "the document has no failure of this call",
    ("tavus", "voice.delivered"): "deliveries are described in prose only",
    ("tavus", "face.delivered"): "deliveries are described in prose only",
    ("rask", "token"): "another service signs clients in",
    ("rask", "wrong_client"): "another service signs clients in",
    ("synthesia", "failed_event"): "deliveries are described in prose only",
    ("synthesia", "golden"): "a signature, computed by the documented rule",
}


def flat():
    """Each answer: (vendor, name, operation, what it is made by, status)."""
    for vendor, rows in ROWS.items():
        for name, operation, *more in rows:
            made, status = [*more, None, None][:2]
            yield vendor, name, operation, made, status or 200


ANSWERS = list(flat())


def check(vendor, name, operation, made, status):
    """Of what in that answer the document says nothing; fails where it is another one."""
    contract = Contract.of(ELSEWHERE.get(operation, vendor))
    body = named(vendor, name)
    return contract.check_answer(operation, status, body if made is None else made(body))


@pytest.mark.parametrize(
    ("vendor", "name", "operation", "made", "status"),
    [pytest.param(*answer, id=" ".join(answer[:3])) for answer in ANSWERS],
)
def test_a_recorded_answer_is_what_the_vendor_describes(vendor, name, operation, made, status):
    if (deviation := DEVIATIONS.get((vendor, name, operation))) is None:
        check(vendor, name, operation, made, status)
    else:
        with pytest.raises(AssertionError, match=deviation[0]):
            check(vendor, name, operation, made, status)


@pytest.mark.parametrize("vendor", ROWS)
def test_no_recorded_answer_is_left_out(vendor):
    checked = {name for name, *_ in ROWS[vendor]}
    apart = {name for whose, name in UNDESCRIBED if whose == vendor}
    kept = told(vendor).keys() - {"source"} - checked - apart
    groups = {name for name in kept if any(n.startswith(f"{name}.") for n in checked | apart)}
    inside = {f"{group}.{name}" for group in groups for name in told(vendor)[group]}
    left = {n for n in inside if not n.startswith(tuple(apart)) and f"{n}.body" not in checked}
    assert (kept - groups) | (left - checked) == set()
