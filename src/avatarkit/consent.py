"""Evaluates consent: what is recorded against what is demanded; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .errors import ConsentRequired
from .models import Consent, ConsentRule, Model

__all__ = ["OURS", "Requirement", "require", "require_valid", "requirements"]

#: Everybody's first rule: what ``train`` refuses to begin without, whoever the provider is.
OURS = ConsentRule(
    demands="record",
    text="a real person's voice or face needs that person's consent, with a name as its subject; "
    "or say why no real person is shown",
    source="avatarkit",
)


class Requirement(Model):
    """One thing that somebody demands before a person is cloned or trained."""

    provider: str  #: "avatarkit" for what is demanded everywhere
    demands: (
        str  #: "record": a ``Consent``; "evidence": a recording of it; "action": see ``Action``
    )
    text: str
    source: str
    since: str


def requirements(rules: Mapping[str, Sequence[ConsentRule]]) -> list[Requirement]:
    """All that is demanded, ours first, where ``rules`` are those of each provider."""
    everybody = {"avatarkit": (OURS,), **rules}
    return [
        Requirement(provider=provider, **rule.model_dump())
        for provider, demanded in everybody.items()
        for rule in demanded
    ]


def require(consent: Consent | None, rules: Mapping[str, Sequence[ConsentRule]]) -> Consent:
    """Return the consent, or raise ``ConsentRequired`` saying what is missing, and who says so.

    What a provider demands as an action is asked for by the provider, once it is at work.
    """
    if consent is None:
        raise ConsentRequired(
            "these samples may show a real person: pass consent=Consent(subject=...) with that "
            "person's agreement, or Consent.not_a_real_person(reason)"
        )
    if not consent.real_person:
        return consent
    for demanded in requirements(rules):
        if demanded.demands == "record" and not (consent.subject or "").strip():
            raise ConsentRequired("the consent names nobody: set subject to the person's name")
        if demanded.demands == "evidence" and not (consent.evidence or consent.evidence_file):
            raise ConsentRequired(
                f"{demanded.provider} demands evidence of consent: {demanded.text}"
            )
    return consent


def require_valid(consent: Consent | None, now: float) -> None:
    """Raise ``ConsentRequired`` where it was revoked, or has expired by ``now``."""
    if consent is None:
        return
    if consent.revoked_at is not None:
        raise ConsentRequired(
            f"consent {consent.id} was revoked: nothing more is made by it. A new agreement needs "
            "its own evidence, scope or version of the wording"
        )
    if consent.expires_at is not None and now >= consent.expires_at:
        raise ConsentRequired(f"consent {consent.id} has expired: ask the person again")
