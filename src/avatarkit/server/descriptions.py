"""Names and descriptions of the OpenAPI document that models do not have themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ..interfaces import Outcome
from ..models import Action, SampleRole, VideoSettings
from .error_answers import Category

#: Components whose name in the document differs from their model's.
COMPONENTS: Mapping[str, str] = {
    "Error": "ErrorBody",
    "Reason": "RecordError",
    "Line": "QuoteLine",
    "Unit": "PriceUnit",
    "Amount": "PriceAmount",
    "OperationState": "OperationDetail",
    "Duration": "Estimate",
    "ActionChoice": "ActionAnswer",
    "MoneyGiven": "MaxCost",
    "LinkedSample": "NewSampleImport",
    "Trainings": "TrainingList",
    "Videos": "VideoList",
    "Samples": "SampleList",
    "Clones": "CloneList",
    "Consents": "ConsentList",
    "Stacks": "StackList",
    "Deliveries": "DeliveryList",
    "Deleted": "DeletedCount",
    "Remaining": "RemainingCount",
}


def _values(setting: str) -> tuple[str, ...]:
    """Return the values of a video setting."""
    choices, _none = get_args(VideoSettings.model_fields[setting].annotation)
    return get_args(choices)


#: Lists of values that are components, though models have them inline.
ENUMS: Mapping[str, tuple[str, ...]] = {
    "ActionKind": get_args(Action.model_fields["kind"].annotation),
    "RecordingType": ("audio", "video"),
    "UploadRole": (*SampleRole, "evidence", "recording"),
    "FindingSeverity": ("error", "warning"),
    "EstimateBasis": ("measured", "typical"),
    "DeliveryOutcome": get_args(Outcome),
    "ErrorType": get_args(Category),
    "ErasureStatus": ("running", "needs_person", "completed"),
    "HoldingKind": ("record", "vendor", "file"),
    **{
        f"Video{name.title()}": _values(name)
        for name in ("aspect", "resolution", "captions", "container", "quality")
    },
}

_CLONE: Mapping[str, Any] = {
    "description": "The avatar profile. You choose its ID.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": r"^(?!\.{1,2}$)[^/\\\u0000-\u001f\u007f]+$",
    },
}


def _id(about: str) -> Mapping[str, Any]:
    return {"description": about, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}


PATH_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "clone_id": _CLONE,
    "sample_id": _id("The sample."),
    "training_id": _id("The training."),
    "video_id": _id("The video."),
    "consent_id": _id("The consent."),
    "erasure_id": _id("The erasure."),
    "code": _id("The code of an error."),
    "key": _id("Part of the link."),
    "name": _id("Name of the file, which distinguishes uploads of one role."),
    "role": {
        "description": "What the file is: a voice sample, footage (a video or a portrait), "
        "evidence of a consent, or a recording that an action asks for.",
        "schema": {"$ref": "#/components/schemas/UploadRole"},
    },
}

#: Descriptions of fields that have none, by name; ``Schema.field`` counts before ``field``.
FIELDS: Mapping[str, str] = {
    "id": "ID.",
    "action": "The action required from a person; null if there is none.",
    "advice": "Next step of the client.",
    "age": "Time since the price was read.",
    "amount": "An exact number.",
    "api": "True if the plan includes the API; null if unknown.",
    "as_of": "Date on which the price was read.",
    "aspect": "Width to height; null: as the provider does.",
    "background": "A colour such as #204060, transparent, or an https link to a picture or film.",
    "captions": "A file beside the video, or burnt into the picture.",
    "caption_style": "Style of burnt-in captions, by the provider's name.",
    "container": "File format.",
    "emotion": "Emotion, by the provider's name.",
    "fps": "Frames per second.",
    "pitch": "Pitch of the voice.",
    "quality": "The provider's engine.",
    "resolution": "The shorter side in pixels.",
    "similarity": "Similarity to the voice sample.",
    "speed": "Speed of the speech; 1 is normal.",
    "stability": "Stability of the voice.",
    "style": "Exaggeration of the speaker's style.",
    "test": "True: the provider's free or watermarked mode.",
    "title": "Title at the provider.",
    "VideoSettings.voice": "How the voice speaks.",
    "settings": "The same for every provider; one that it does not have is refused.",
    "assumptions": "What the estimate assumes.",
    "avatar_id": "The provider's avatar ID; null until usable.",
    "basis": "Measured from earlier trainings, or typical for the providers.",
    "choice": "One of the action's choices.",
    "clone_id": "Avatar profile.",
    "code": "What is wrong, in a word that stays.",
    "complete": "True if every byte was received.",
    "completed_at": "Time at which it completed; null before.",
    "confirm": "Must be true: an erasure cannot be undone.",
    "consent": "Consent of the person in the samples.",
    "consent_id": "ID of the consent that it relies on.",
    "count": "Number of things.",
    "created_at": "Time at which it was created.",
    "credits_per": "Credits that one unit costs.",
    "data": "Entries of this page.",
    "deleted": "What was deleted.",
    "derived": "True if the price was computed from others.",
    "discontinued": "Date on which the plan ended; null if it exists.",
    "dubs": "Dubbed videos in the month.",
    "earlier_stacks": "Stacks that accepted no paid call before failover to the next one.",
    "error": "Why it failed; null if it did not.",
    "ErrorBody.error": "The error.",
    "EarlierStack.error": "Why the stack was left.",
    "estimate": "Typical duration; null in lists and events.",
    "event": "Name of the event.",
    "event_type": "Event in words common to all providers.",
    "evidence": "Recording or document that proves the consent; null if there is none.",
    "expected": "Expected cost.",
    "expires_at": "Time at which it ends; null if it does not.",
    "fallback": "True if the price counts only where no other is known.",
    "findings": "Validation issues.",
    "given_at": "Time of the agreement.",
    "has_more": "True if there is another page.",
    "high": "Highest cost.",
    "included": "What the subscription includes.",
    "job_id": "The job's ID at the provider.",
    "kind": "Kind.",
    "language": "BCP 47 tag, such as en or pt-BR; null for the default.",
    "latency": "Time that the provider states.",
    "left_at": "Time at which the stack was left.",
    "limit": "Most that the plan allows.",
    "lines": "Cost of each operation.",
    "links": "Results.",
    "low": "Lowest cost.",
    "meaning": "What the code means.",
    "media_type": "Media type (MIME).",
    "message": "What is wrong, and what to do.",
    "name": "Name for people.",
    "not_a_real_person": "Reason why no consent is needed: nobody real is shown.",
    "note": "Remark.",
    "ok": "Always true.",
    "one_off_usd": "US dollars charged once.",
    "operation": "Operation: voice, avatar, speech, video or dub.",
    "operations": "Every billable operation.",
    "outcome": "What became of the delivery.",
    "plan": "Subscription plan.",
    "price": "Price entry; null if unknown.",
    "problem": "Why it cannot be used or computed; null if it can.",
    "progress": "Percentage; it never falls.",
    "provider": "Name of the provider.",
    "quote": "Estimated monthly cost; null if no price is known.",
    "ready": "True if it can be used here.",
    "real_person": "False if no real person is shown.",
    "reason": "Reason.",
    "received_at": "Time at which it was received.",
    "record_id": "ID of the training or video; null if it was not matched.",
    "remaining": "What exists and is not deleted.",
    "requested_at": "Time of the request.",
    "checked_at": "Time of this answer.",
    "revoked_at": "Time at which it was withdrawn; null if it was not.",
    "role": "Voice, or footage: a video or a portrait.",
    "rule": "Provider whose rule it is, or avatarkit.",
    "sample": "The stored sample.",
    "script": "Text that is spoken; null for a dubbed video.",
    "seconds": "Seconds.",
    "severity": "An error prevents use; a warning does not.",
    "signed": "True if the provider's signature was verified.",
    "since": "Date on which the rule was read.",
    "size": "Bytes.",
    "source": "Address of the source.",
    "stack": "Providers, joined by +.",
    "state": "State of the operation.",
    "status": "Status.",
    "step_seconds": "Length that is rounded up to, in seconds.",
    "subject": "The person, or the sample that a finding is about.",
    "ConsentGiven.subject": "The person's name.",
    "NewConsent.subject": "The person's name.",
    "Consent.subject": "The person's name; null if no real person is shown.",
    "text": "Text that is spoken.",
    "training_id": "ID of the training.",
    "trainings": "Trainings in the month.",
    "type": "Category.",
    "RecordError.type": "Class of the error; null if unknown.",
    "unit": "What is counted.",
    "unit_price": "Price of a unit.",
    "unknown": "True if the price is not known.",
    "updated_at": "Time of the latest change.",
    "url": "Public https address of the file.",
    "usd": "US dollars.",
    "usd_per_month": "Subscription in US dollars a month.",
    "user_id": "Owner.",
    "variant": "Variant of the operation.",
    "video": "The video, as MP4 or WebM.",
    "preview": "A short video of the avatar.",
    "thumbnail": "A picture.",
    "audio": "The speech.",
    "subtitles_srt": "Subtitles in SRT.",
    "subtitles_vtt": "Subtitles in WebVTT.",
    "videos": "Videos in the month.",
    "voice_id": "The provider's voice ID; null until usable.",
    "what": "Kind of things.",
    "where": "Place.",
    "why": "Why it remains.",
    "wording_version": "Version of the wording.",
}
