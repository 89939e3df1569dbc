"""``avatarkit doctor``: checks of the installation and its configuration."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Unsupported
from .exit_codes import Ended, ended
from .session import Panel, Session, command

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..intake.preflight import Finding

#: Modules that each extra installs.
_EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "local": ("hibari", "onnxruntime", "numpy", "PIL", "av", "cv2"),
        "media": ("av", "numpy"),
        "clone": ("sherpa_onnx", "numpy", "av"),
        "postgres": ("psycopg", "psycopg_pool"),
        "dbos": ("dbos", "psycopg"),
        "temporal": ("temporalio",),
        "s3": ("obstore",),
        "otel": ("opentelemetry",),
        "plot": ("matplotlib",),
        "c2pa": ("c2pa",),
        "watermark": ("perth", "librosa", "torch", "torchaudio"),
        "cli": ("typer", "rich"),
        "server": ("starlette", "uvicorn", "sse_starlette", "jwt", "segno"),
        "supabase": ("websockets",),
        "client": ("attrs",),
        "coqui": ("TTS", "torch", "torchaudio", "av", "six"),
    }
)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "doctor", Panel.SETUP)(_doctor)


@dataclass(slots=True)
class _Check:
    """One check and its result."""

    subject: str
    detail: str = ""
    error: Ended | None = None
    warning: bool = False
    absent: bool = False  #: not installed, which is an error only for what needs it
    finding: Finding | None = None

    @property
    def verdict(self) -> str:
        if self.absent:
            return "-"
        return "wrong" if self.error else "warning" if self.warning else "ok"


async def _doctor(
    session: Session,
    samples: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A recording or a link to validate; repeatable."),
    ] = None,
    balances: Annotated[
        bool,
        typer.Option("--balances", help="Ask the vendors for balances, which tests the API keys."),
    ] = False,
) -> None:
    """Check the installation; the exit code is the first problem's.

    Example: `avatarkit doctor --stack heygen --samples me.wav --balances`
    """
    checks = [_Check("python", platform.python_version()), *_extras()]
    async with aclosing(_examined(session, samples or (), balances)) as examined:
        checks += [check async for check in examined]
    wrong = [check.error for check in checks if check.error is not None]
    session.out.table(
        {"ok": not wrong, "checks": [_check_json(check) for check in checks]},
        ("check", "", "detail"),
        [(c.subject, c.verdict, _detail(c)) for c in checks],
    )
    if wrong:
        raise typer.Exit(wrong[0].exit_code)


def _weights(settings: Settings) -> Iterator[_Check]:
    """Weights of Pocket TTS, if their folder is set: languages, licence, and missing files."""
    from ..providers.pocket import LICENCE, VOICES, find_weights, missing

    if not (told := settings.environ.get(VOICES)):
        return
    root = Path(told).expanduser()
    found = find_weights(root)
    detail = f"pocket: {', '.join(found)} ({LICENCE})" if found else "no weights of pocket"
    yield _Check("local voices", f"{root}: {detail}", warning=not found)
    for folder in sorted(p for p in root.glob("*") if p.is_dir() and p.name not in found):
        lacking = ", ".join(missing(folder))
        yield _Check("local voices", f"{folder}: {lacking or 'no language'}", warning=True)


def _extras() -> Iterator[_Check]:
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        detail = f"not installed: {', '.join(missing)}" if missing else "installed"
        yield _Check(f"extra {extra}", detail, absent=bool(missing))


async def _examined(
    session: Session, samples: Sequence[str], balances: bool
) -> AsyncGenerator[_Check]:
    """Run all checks, independently of each other."""
    from ..config.settings import Settings
    from ..kit.checks import of_endings

    settings = Settings.from_env()
    for check in _weights(settings):
        yield check
    stack = session.stack or settings.stack
    with _checking("repository", _shown(session.repository or settings.repository)) as check:
        async with session.kit(worker=False):
            pass
    yield check
    with _checking("media", session.media or settings.media) as check:
        if "://" in check.detail:
            await _write_to_store(check.detail, settings.environ)
        else:
            _write_into(Path(check.detail), "AVATARKIT_MEDIA")
    yield check
    home = session.settings().root
    with _checking("home", str(home)) as check:
        _write_into(home, "AVATARKIT_HOME")
    yield check
    with _checking("stack", stack) as check:
        names = _names(stack)
    yield check
    if check.error is not None:
        return
    for name in names:
        with _checking(f"provider {name}", "can be used") as check:
            await _construct(name, settings)
        yield check
    if balances:
        async for told in _balances(session):
            yield told
    for ending in of_endings(names, settings.environ, _today()):
        yield _Check(ending.subject, ending.detail, warning=ending.verdict == "warning")
    for finding in await _findings(session, samples):
        yield finding


async def _balances(session: Session) -> AsyncGenerator[_Check]:
    """Check the balance at each vendor that reports one."""
    from .price_tables import balance_text

    async with session.kit(worker=False) as kit:
        left = await kit.prices.balances()
    for name, found in left.items():
        with _checking(f"balance {name}", balance_text(found)) as check:
            if isinstance(found, Exception) and not isinstance(found, Unsupported):
                raise found
        yield check


def _shown(address: str) -> str:
    """Remove user name and password from an address."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else address


@contextmanager
def _checking(subject: str, detail: str) -> Generator[_Check]:
    """Store an exception of the block in the check instead of raising it."""
    check = _Check(subject, detail)
    try:
        yield check
    except Exception as error:  # noqa: BLE001 - the next check runs after any error
        check.error = ended(error)


async def _write_to_store(address: str, environ: Mapping[str, str]) -> None:
    """Write a small file to the media store and delete it."""
    from ..config.addresses import media_store
    from ..kit.checks import write_to

    store = media_store(address, environ)
    try:
        await write_to(store, address)
    finally:
        await store.aclose()


def _write_into(folder: Path, variable: str) -> None:
    from ..content.files import private_folder
    from ..errors import StorageError

    try:
        private_folder(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"avatarkit")
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror}). Choose another folder with {variable}."
        ) from error


def _names(stack: str) -> list[str]:
    from ..stacks.registry import Stack

    return list(dict.fromkeys(Stack.parse(stack).roles.values()))


async def _construct(name: str, settings: Settings) -> None:
    from ..stacks.registry import load

    provider = settings.make(name, load(name))
    await provider.aclose()


def _today() -> date:
    from ..clock import SystemClock
    from ..kit.checks import day_of

    return day_of(SystemClock().now().wall)


async def _findings(session: Session, samples: Sequence[str]) -> list[_Check]:
    """Validate recordings: audio as voice samples, pictures and video as footage."""
    if not samples:
        return []
    found: list[Finding] = []
    with _checking("samples", f"{len(samples)} checked") as check:
        async with session.kit(worker=False) as kit:
            found = await kit.preflight(samples=samples)
    return [check, *map(_finding, found)]


def _finding(finding: Finding) -> _Check:
    from ..errors import MediaRejected

    wrong = finding.severity == "error"
    return _Check(
        f"sample {finding.subject}",
        finding.message,
        error=ended(MediaRejected(finding.message)) if wrong else None,
        warning=not wrong,
        finding=finding,
    )


def _detail(check: _Check) -> str:
    return check.error.message if check.error else check.detail


def _check_json(check: _Check) -> dict[str, Any]:
    return {
        "check": check.subject,
        "ok": check.error is None,
        "warning": check.warning,
        "detail": _detail(check),
        **({"finding": check.finding.model_dump()} if check.finding else {}),
    }
