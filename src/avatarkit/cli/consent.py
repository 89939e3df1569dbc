"""``avatarkit consent``, and the consent that other commands read or ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ..errors import ConfigError, ConsentRequired
from .output import Output
from .session import Panel, Session, command

if TYPE_CHECKING:  # `--help` needs no models, which are half of what it would load
    from ..models import Consent, ConsentRule


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="Show requirements, list and revoke consents.")
    command(group, "requirements")(_requirements)
    command(group, "list")(_list)
    command(group, "revoke")(_revoke)
    command(group, "delete-evidence")(_delete_evidence)
    app.add_typer(group, name="consent", rich_help_panel=Panel.PRIVACY)


async def _requirements(session: Session) -> None:
    """List each provider's consent requirements, with source and date.

    Example: `avatarkit consent requirements --stack elevenlabs+d-id`
    """
    from ..consent import requirements

    found = requirements(_rules(session.stack))
    session.out.table(
        {"requirements": [requirement.model_dump() for requirement in found]},
        ("provider", "demands", "what", "read", "source"),
        [(r.provider, r.demands, r.text, r.since or "-", r.source or "-") for r in found],
    )


async def _list(
    session: Session,
    user_id: Annotated[str, typer.Argument(metavar="USER", help="User ID.")],
) -> None:
    """List a user's consents, including revoked and expired ones.

    Example: `avatarkit consent list user-42`
    """
    async with session.kit(worker=False) as kit:
        found = await kit.consents(user_id=user_id)
    session.out.table(
        {"consents": [consent.model_dump(mode="json") for consent in found]},
        ("id", "subject", "purposes", "wording", "given", "expires", "revoked"),
        [
            (
                c.id,
                c.subject or "-",
                ", ".join(c.purposes or ()) or "-",
                c.wording_version,
                *map(_day, _times(c)),
            )
            for c in found
        ],
    )


def _times(consent: Consent) -> tuple[float | None, ...]:
    return consent.given_at, consent.expires_at, consent.revoked_at


def _day(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()


async def _revoke(
    session: Session,
    consent_id: Annotated[
        str, typer.Argument(metavar="ID", help="consent_id of a training or video.")
    ],
) -> None:
    """Revoke a consent: it allows no new requests. Lists what was made with it.

    Example: `avatarkit consent revoke $CONSENT_ID`
    """
    from .progress import clear_up

    async with session.kit(worker=True) as kit:
        found = await kit.revoke(consent_id)
        for record_id in {h.record_id: None for h in found if h.record_id}:
            await clear_up(kit, record_id)
    session.out.table(
        {"consent_id": consent_id, "exists": [holding.model_dump() for holding in found]},
        ("what", "where", "id", "of"),
        [(h.kind, h.where, h.id, h.record_id or "-") for h in found],
    )


async def _delete_evidence(
    session: Session,
    consent_id: Annotated[
        str, typer.Argument(metavar="ID", help="consent_id of a training or video.")
    ],
) -> None:
    """Delete the stored evidence of a consent; the rest of the consent stays.

    Example: `avatarkit consent delete-evidence $CONSENT_ID`
    """
    async with session.kit(worker=False) as kit:
        consent = await kit.delete_evidence(consent_id)
    session.out.result(consent.model_dump(mode="json"), f"{consent_id} has no stored evidence")


def _rules(stack: str | None) -> dict[str, Sequence[ConsentRule]]:
    from ..stacks.registry import Stack, load, usable

    providers: dict[str, Any] = dict(usable())
    if stack is not None:
        providers = {name: load(name) for name in Stack.parse(stack).roles.values()}
    return {name: provider.consent_rules for name, provider in providers.items()}


def consent_from(out: Output, file: Path | None, not_a_real_person: str | None) -> Consent:
    """Read the consent from the options, else ask for it on a terminal.

    Raises ``ConsentRequired`` without an option and without a terminal.
    """
    from ..models import Consent

    if file is not None and not_a_real_person is not None:
        raise typer.BadParameter("give either --consent or --not-a-real-person")
    if file is not None:
        return _read(file)
    if not_a_real_person is not None:
        return Consent.not_a_real_person(not_a_real_person)
    if out.may_ask:
        return _ask(out)
    raise ConsentRequired(
        "these recordings may show a real person: give --consent FILE (a JSON file with that "
        "person's name as subject), or --not-a-real-person REASON"
    )


def _ask(out: Output) -> Consent:
    from ..models import WORDING, Consent

    out.hint(f'The person whose voice and face these are must agree:\n  "{WORDING[1]}"')
    subject = out.ask("Name of the person who agrees (empty: no consent)")
    if subject.strip().lower() in _NO_NAMES:
        raise ConsentRequired(
            f"{subject.strip()!r} is not a name. Enter the name of the person who agrees, or "
            "nothing if there is no consent."
        )
    return Consent(subject=subject)


def _read(file: Path) -> Consent:
    from .._text import read_json
    from ..models import Consent

    try:
        parsed: Any = read_json(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{file} is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise ConfigError(f'{file} must hold an object such as {{"subject": "Ana Lima"}}')
    document = cast("dict[str, Any]", parsed)
    unknown = sorted(document.keys() - _READERS.keys())
    if unknown:
        raise ConfigError(f"{file}: {unknown[0]!r} is not known; use {', '.join(_READERS)}")
    if "subject" not in document:
        raise ConfigError(f"{file}: 'subject' is missing: the name of the person who agrees")
    values = {key: _value(file, key, value) for key, value in document.items()}
    if "evidence" in values:
        values["evidence"] = str(file.parent / values["evidence"])
    return Consent(**values)


def _value(file: Path, key: str, value: Any) -> Any:
    reader, wanted = _READERS[key]
    try:
        return reader(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{file}: {key!r} must be {wanted}, and is {value!r}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise TypeError
    return tuple(map(_text, cast("list[object]", value)))


def _moment(value: Any) -> float:
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    if isinstance(value, bool):
        raise TypeError
    return float(value)


#: Answers to a question that was not asked.
_NO_NAMES = frozenset({"y", "yes", "n", "no"})
_TEXT = (_text, "a text that is not empty")
_MOMENT = (_moment, "seconds since 1970 or an ISO 8601 time")
#: The keys of a consent file: how each is read, and what it must be.
_READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = MappingProxyType(
    {
        "subject": _TEXT,
        "wording": _TEXT,
        "wording_version": _TEXT,
        "evidence": (_text, "the path of a file, relative to this one"),
        "given_at": _MOMENT,
        "expires_at": _MOMENT,
        "purposes": (_texts, 'a list of purposes, such as ["lessons"]'),
    }
)
