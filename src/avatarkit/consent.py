"""Consent: checks a recorded consent against our own rule and those of providers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

from ._text import folded
from .errors import ConsentRequired
from .models import Consent, ConsentRule, Model, named_purpose

__all__ = [
    "OURS",
    "Requirement",
    "identified",
    "require",
    "require_given",
    "require_purpose",
    "require_valid",
    "requirements",
]

#: Seconds by which another machine's clock may be ahead.
_CLOCKS = 300.0

#: Our own rule, which ``train`` checks for every provider.
OURS = ConsentRule(
    demands="record",
    text="a real person's voice or face needs that person's consent, with a name as its subject; "
    "or say why no real person is shown",
    source="avatarkit",
)


class Requirement(Model):
    """One condition for cloning or training a person, with its source."""

    provider: str  #: "avatarkit" for our own rule
    demands: (
        str  #: "record": a ``Consent``; "evidence": a recording of it; "action": see ``Action``
    )
    text: str
    source: str
    since: str


def requirements(rules: Mapping[str, Sequence[ConsentRule]]) -> list[Requirement]:
    """List all conditions, ours first; ``rules`` are those of each provider."""
    all_rules = {"avatarkit": (OURS,), **rules}
    return [
        Requirement(provider=provider, **rule.model_dump())
        for provider, demanded in all_rules.items()
        for rule in demanded
    ]


def identified(consent: Consent, user_id: str) -> Consent:
    """The user's consent with an id: a UUID derived from its contents.

    A name in another case, with other spaces or in another Unicode form is the same person's.
    """
    no_part = {"id": "", "given_at": None, "revoked_at": None}
    subject = consent.subject and folded(consent.subject)
    body = consent.model_copy(update={**no_part, "user_id": user_id, "subject": subject})
    digest = hashlib.sha256(body.model_dump_json().encode()).digest()
    return consent.model_copy(update={"id": str(UUID(bytes=digest[:16])), "user_id": user_id})


def require(consent: Consent | None, rules: Mapping[str, Sequence[ConsentRule]]) -> Consent:
    """Return the consent; raises ``ConsentRequired`` if something is missing, with its source.

    A provider asks for an action by itself, after the training has begun.
    """
    if consent is None:
        raise ConsentRequired(
            "these samples may show a real person: pass consent=Consent(subject=...) with that "
            "person's agreement, or Consent.not_a_real_person(reason)"
        ).told_over_http(
            "these samples may show a real person: send consent with that person's name as its "
            "subject, or with not_a_real_person and the reason"
        )
    if not consent.real_person:
        return consent
    if not (consent.subject or "").strip():
        raise ConsentRequired("the consent names no person: set subject to the person's name")
    for provider, demanded in rules.items():
        for rule in demanded:
            if rule.demands == "evidence" and not (consent.evidence or consent.evidence_file):
                raise ConsentRequired(f"{provider} demands evidence of consent: {rule.text}")
    return consent


def require_purpose(consent: Consent | None, purpose: str | None) -> None:
    """Raise ``ConsentRequired`` if the consent names purposes, and this one is not among them."""
    if consent is None or consent.purposes is None:
        return
    covered = ", ".join(consent.purposes) or "no purpose"
    if purpose is None:
        raise ConsentRequired(
            f"the consent covers {covered}: say what this is for in the same words, with purpose= "
            "(on the command line --purpose)"
        ).told_over_http(f"the consent covers {covered}: send purpose, in the same words")
    if named_purpose(purpose) not in consent.purposes:
        raise ConsentRequired(
            f"the consent does not cover {named_purpose(purpose)!r}, but {covered}: ask the person "
            "for a consent to that, or make nothing for it"
        )


def require_given(consent: Consent, now: float) -> None:
    """Raise ``ConsentRequired`` if it was given later than ``now``."""
    if consent.given_at is not None and consent.given_at > now + _CLOCKS:
        raise ConsentRequired(
            f"the consent of {consent.subject!r} was given in the future: given_at is the time of "
            "the agreement, in seconds since 1970"
        )


def require_valid(consent: Consent | None, now: float) -> None:
    """Raise ``ConsentRequired`` if it was revoked, or has expired by ``now``."""
    if consent is None:
        return
    if consent.revoked_at is not None:
        raise ConsentRequired(
            f"consent {_named(consent)} was revoked: nothing more is made by it. A new one needs "
            "its own evidence, purposes or version of the wording",
            withdrawn=True,
        )
    if consent.expires_at is not None and now >= consent.expires_at:
        raise ConsentRequired(f"consent {_named(consent)} has expired: ask the person again")


def _named(consent: Consent) -> str:
    return consent.id or f"of {consent.subject!r}"
