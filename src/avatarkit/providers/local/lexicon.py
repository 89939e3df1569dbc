# ruff: noqa: RUF001 - letters of IPA
"""Pronunciations of names and code words that the speech package reads wrongly.

They were found by its phonemes and by what whisper-base heard (``nox -s speech``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Word -> how it is said, in the forms of ``LocalSpeech.pronounce``.
KNOWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "async": "/ˈeɪsɪŋk/",
        "AWS": "/ˌeɪˌdʌbəljuˈɛs/",
        "GitHub": "/ˈɡɪthʌb/",
        "GitLab": "/ˈɡɪtlæb/",
        "JSON": "/ˈdʒeɪsən/",
        "k8s": "koo-ber-NET-eez",
        "kubectl": "cube control",
        "Kubernetes": "koo-ber-NET-eez",
        "nginx": "/ˌɛndʒɪnˈɛks/",
        "Postgres": "/ˈpoʊstɡɹɛs/",
        "PostgreSQL": "/ˈpoʊstɡɹɛs ˌkjuːˈɛl/",
        "Redis": "/ˈɹɛdɪs/",
        "SQLite": "/ˌɛsˌkjuːˈɛl laɪt/",
        "sudo": "/ˈsuːduː/",
        "TOML": "/ˈtɑməl/",
        "YAML": "/ˈjæməl/",
        "Chopin": "/ˈʃoʊpæn/",
        "Garcia": "/ɡɑɹˈsiːə/",
        "García": "/ɡɑɹˈsiːə/",
        "Goethe": "/ˈɡɝtə/",
        "Joaquín": "/wɑˈkiːn/",
        "José": "/hoʊˈzeɪ/",
        "Jürgen": "/ˈjɝɡən/",
        "Lucía": "/luˈsiːə/",
        "Nguyen": "/ˈwɪn/",
        "São": "/ˈsaʊ/",
        "Siobhan": "/ʃɪˈvɔːn/",
        "Tchaikovsky": "/tʃaɪˈkɔfski/",
        "Zoë": "/ˈzoʊi/",
    }
)
