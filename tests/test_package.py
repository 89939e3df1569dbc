"""Facts about the package itself."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import avatarkit

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(avatarkit.__path__, "avatarkit.")
    if not m.name.endswith("__main__")
)


def loaded_by(statement):
    code = f"{statement}; import sys; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.slow
def test_importing_avatarkit_loads_no_client_driver_or_provider():
    modules = loaded_by("import avatarkit")
    unwanted = {"httpx", "stamina", "sqlite3", "numpy", "av", "PIL", "onnxruntime", "typer", "rich"}
    providers = {m for m in modules if m.startswith("avatarkit.providers")}
    assert (modules & unwanted, providers) == (set(), set())


#: Modules that need an extra which most sessions do not install; the session ``engines`` does.
EXTRA = {
    "avatarkit.engines.dbos": "dbos",
    "avatarkit.engines.temporal": "temporalio",
    "avatarkit.engines.temporal_workflow": "temporalio",
}


@pytest.mark.parametrize("name", MODULES)
def test_all_names_what_is_there(name):
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])
    module = importlib.import_module(name)
    names = getattr(module, "__all__", None)
    if names is None:
        return
    assert len(set(names)) == len(names)
    assert [n for n in names if not hasattr(module, n)] == []


def test_the_version_is_said_once():
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert avatarkit.__version__ == metadata["version"]
    assert importlib.metadata.version("avatarkit-sdk") == metadata["version"]


def test_nobody_is_told_to_install_the_name_that_is_not_ours():
    wrong = re.compile(r"pip install [\"']?avatarkit(?!-sdk)\b")
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md"), *(ROOT / "src").glob("**/*.py")]
    assert [str(t) for t in texts if wrong.search(t.read_text())] == []


def test_ci_runs_the_command_of_the_contributors_page():
    command = next(
        line for line in (ROOT / ".ci/run").read_text().splitlines() if line.startswith("python3 ")
    )
    assert command in (ROOT / "CONTRIBUTING.md").read_text()
