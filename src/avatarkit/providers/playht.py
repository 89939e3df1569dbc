"""PlayHT, a closed service: the error names alternatives. Sends nothing."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from ..errors import ServiceDiscontinued
from ..interfaces import Capabilities, Limits, SpeechSynthesizer, VoiceCloner
from ..models import ConsentRule, Options

__all__ = ["PlayHT"]


class PlayHT(VoiceCloner, SpeechSynthesizer):
    """Voices and speech until 2025-12-31; the constructor raises ``ServiceDiscontinued``.

    It names its roles so that a stack with it is refused for the right reason. Sources: the
    changelog of Pipecat, 2025-10-07 and 2026-03-02; read 2026-11-22.
    """

    name = "playht"
    api_version = "closed"
    closed = "2025-12-31"  #: the day on which the service ended
    capabilities = Capabilities()
    limits: ClassVar[Limits] = ()
    consent_rules: ClassVar[tuple[ConsentRule, ...]] = ()
    option_types: ClassVar[tuple[type[Options], ...]] = ()

    def __new__(cls, *_settings: Any, **_more: Any) -> NoReturn:
        """Raise ``ServiceDiscontinued``; no key is needed."""
        raise ServiceDiscontinued(
            "PlayHT closed on 2025-12-31, after Meta had bought it; voices that were cloned there "
            "cannot be recovered. Clone them again from the original recordings, with elevenlabs "
            "or resemble, or on this machine with local."
        )
