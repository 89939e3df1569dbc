"""All checks. ``nox`` runs what CI runs; ``nox -l`` lists the heavier ones."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True
nox.options.stop_on_first_error = False
nox.options.sessions = ["lint", "types", "contracts", "tests", "browser", "docs"]

TEST = [
    "pytest>=9",
    "pytest-xdist>=3.8",  # half the time on two cores
    "hypothesis>=6.100",
    "respx>=0.22",
    "moto[s3,server]>=5.1",  # a server of the S3 API in this process
    "jsonschema>=4.20",  # what adapters send, against the vendors' OpenAPI documents
    "coverage[toml]>=7.6",
    "opentelemetry-sdk>=1.30",  # spans and metrics as an application would collect them
    "opentelemetry-instrumentation-httpx>=0.51b0",  # to see that it is kept from signed links
    "scikit-image>=0.25",
    "fastapi>=0.115",  # applications that the server is mounted into
    "django>=5.2",
    "schemathesis>=4.10",  # what the server answers, against its OpenAPI document
]
#: As many processes as cores, but not more than four: several start databases. Files in their
#: order, since those with few tests, which come last otherwise, are the ones that take long.
SIDE_BY_SIDE = ["-n=auto", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder"]
#: Every branch of these is covered.
COVERED = [
    "records.py",
    "lifecycle/events.py",
    "lifecycle/decide.py",
    "lifecycle/apply.py",
    "lifecycle/advance.py",
    "webhooks.py",
    "pricing/*",
]
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]


def _found(version: str) -> str | None:
    """Path of an interpreter that really starts: a shim in PATH may stand for nothing."""
    path = shutil.which(f"python{version}")
    if path is None:
        return None
    asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return path if answer.stdout.strip() == version else None


FOUND = [v for v in VERSIONS if _found(v)]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("ruff>=0.14")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.install("-e", ".[all]", "mypy>=1.18", "pytest>=9", "nox")
    session.run("mypy")


@nox.session
def contracts(session: nox.Session) -> None:
    """Arrows point one way."""
    session.install("-e", ".[all]", "import-linter>=2.5")
    session.run("lint-imports")


@nox.session(python=FOUND)
def tests(session: nox.Session) -> None:
    """All tests, against the installed wheel, on every interpreter that is found."""
    session.install(".[all]", *TEST)
    session.env["COVERAGE_FILE"] = str(Path(session.create_tmp()) / ".coverage")
    given = session.posargs
    session.run("coverage", "run", "-m", "pytest", *SIDE_BY_SIDE, "--ignore=tests/browser", *given)
    session.run("coverage", "combine", success_codes=[0, 1], silent=True)
    session.run("coverage", "report", "--skip-covered", "--sort=cover")
    for part in COVERED:
        session.run("coverage", "report", f"--include=*/avatarkit/{part}", "--fail-under=100")


@nox.session
def browser(session: nox.Session) -> None:
    """The dashboard and the component in Debian's Chromium; skips by name without it."""
    session.install(".[all]", "pytest>=9", "hypothesis>=6.100", "playwright>=1.55")
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, warnings as errors, and every example in it run."""
    session.install(".[all]", "sphinx>=8", "furo", "myst-parser>=4", "sphinx-copybutton")
    build = Path("docs/_build")
    session.run("sphinx-build", "-n", "-W", "-b", "html", "docs", str(build / "html"))
    session.run("sphinx-build", "-W", "-b", "doctest", "docs", str(build / "doctest"))


@nox.session
def proof(session: nox.Session) -> None:
    """Kill -9 of trainings, of workers and of their database; naive twins; simulated histories."""
    session.install(".[all]", *TEST)
    many = ["--trainings", "1000", "--workers", "2", "--kills", "12", "--crash"]
    for arguments in (
        ["--kills", "200"],
        ["--kills", "20", "--command"],
        ["--kills", "60", "--naive"],
        ["identical"],
        ["workers", *many, "--repository", "postgres"],
        ["workers", *many, "--repository", "supabase"],
        ["workers", *many, "--repository", "postgres", "--naive"],
    ):
        session.run("python", "tests/proof/kill.py", *arguments)
    session.run("python", "tests/simulation.py", "random", "20000")
    session.run("python", "tests/simulation.py", "exhaust", "2")


@nox.session(venv_backend="venv")  # pip looks where it was told to, which uv does not
def coqui(session: nox.Session) -> None:
    """A tiny XTTS: really loaded, cloned with, and served; large, and needs FFmpeg's libraries."""
    fitting = ["torch==2.13.*", "torchaudio==2.11.*", "torchcodec==0.12.*"]
    session.install(".[coqui,local]", *fitting, "flask>=3", "pytest>=9", "hypothesis>=6.100")
    # PyPI's torchaudio has libraries for CUDA, which do not load beside a torch without it; of what
    # is used here none needs them.
    session.run("python", "-c", _WITHOUT_CUDA)
    session.run("pytest", "tests/providers/test_coqui_model.py", *session.posargs)


_WITHOUT_CUDA = """
import pathlib, torch
if torch.version.cuda is None:
    for library in pathlib.Path(torch.__file__).parent.with_name("torchaudio").glob("lib/*.so"):
        library.unlink()
"""


@nox.session
def contract(session: nox.Session) -> None:
    """All that adapters send, and all recorded answers, against the vendors' own documents."""
    session.install(".[all]", *TEST)
    session.run("python", "tests/contract_report.py")


@nox.session
def faults(session: nox.Session) -> None:
    """One mistake at a time in what talks to vendors: which test notices it."""
    session.install(".[all]", *TEST)
    session.run("python", "tests/faults.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and memory, as ratios against a named baseline."""
    session.install(".[all]", "elevenlabs>=2")  # the official client, to compare with
    for path in sorted(Path("benchmarks").glob("*.py")):
        session.run("python", str(path), *session.posargs)


os.environ.pop("AVATARKIT_STACK", None)  # the settings of whoever runs this must not decide
