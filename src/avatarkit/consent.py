"""Evaluates consent: what is recorded against what is demanded; asks nobody."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import ConsentRequired
from .models import Consent, ConsentRule

__all__ = ["require"]


def require(consent: Consent | None, rules: Sequence[ConsentRule], *, provider: str) -> Consent:
    """Return the consent, or raise ``ConsentRequired`` saying what is missing.

    Everybody's first rule is ours: a real person's voice or face needs a consent with a subject.
    """
    if consent is None:
        raise ConsentRequired(
            "these samples may show a real person: pass consent=Consent(subject=...) with that "
            "person's agreement, or Consent.not_a_real_person(reason)"
        )
    if not consent.real_person:
        return consent
    if not (consent.subject or "").strip():
        raise ConsentRequired("the consent names nobody: set subject to the person's name")
    for rule in rules:
        if rule.demands == "evidence" and not (consent.evidence or consent.evidence_file):
            raise ConsentRequired(f"{provider} demands evidence of consent: {rule.text}")
    return consent
