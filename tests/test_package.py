"""Facts about the package itself."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
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


KIT = {"", ".errors", "._lifetime", ".kit", ".kit.kit"}
SYNC = KIT | {".sync", ".kit.admin", ".kit.catalogue", ".kit.prices", ".kit.webhooks"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected"), [("AvatarKit", KIT), ("SyncAvatarKit", SYNC)])
def test_importing_the_kit_loads_no_model_client_or_worker(name, expected):
    modules = loaded_by(f"from avatarkit import {name}")
    unwanted = {"httpx", "pydantic", "stamina", "structlog", "sqlite3", "rich"}
    ours = {m.removeprefix("avatarkit") for m in modules if m.partition(".")[0] == "avatarkit"}
    assert (modules & unwanted, ours) == (set(), expected)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose modules tell that they are loaded."""
    folder = tmp_path / "lazypack"
    (folder / "inner").mkdir(parents=True)
    for name in ("__init__", "one", "two", "inner/__init__", "inner/leaf"):
        (folder / f"{name}.py").write_text(
            "import sys\nsys.lazy_loaded.append(__name__)\nvalue = 1\n"
        )
    (folder / "two.py").write_text("from .one import value\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "lazy_loaded", [], raising=False)
    yield sys.lazy_loaded
    for name in [m for m in sys.modules if m.partition(".")[0] == "lazypack"]:
        del sys.modules[name]


def test_a_lazy_import_loads_its_module_when_an_attribute_is_used(package):
    with avatarkit.lazily():
        from lazypack import one, two
        from lazypack.inner import leaf
    assert (package, "lazypack" in sys.modules) == ([], False)
    assert two.value == 1
    assert package == ["lazypack", "lazypack.one"]
    assert leaf.value == one.value == 1
    assert package[2:] == ["lazypack.inner", "lazypack.inner.leaf"]


def test_an_import_elsewhere_gets_the_module_itself(package):
    with avatarkit.lazily():
        from lazypack import one
        from lazypack.inner import leaf
    real = importlib.import_module("lazypack.one")
    import lazypack

    assert lazypack.one is real is sys.modules["lazypack.one"] is not one
    assert one.__dict__ is not real.__dict__
    real.value = 2
    assert one.value == 2
    assert "lazypack.inner" not in sys.modules
    assert leaf.value == 1


def test_another_thread_imports_as_usual_meanwhile(package):
    with avatarkit.lazily():
        from lazypack import two  # known to the import system while this block lasts

        with ThreadPoolExecutor(1) as pool:
            value = pool.submit(lambda: importlib.import_module("lazypack.one").value)
            assert value.result() == 1
            import lazypack.two as its

            assert pool.submit(lambda: its.value).result() == 1
    assert two.value == 1
    assert type(sys.modules["lazypack.one"]) is type(sys)
    assert type(sys.modules["lazypack.two"]) is type(sys)


@pytest.mark.parametrize("statement", ["from lazypack.one import value", "from lazypack import no"])
def test_what_cannot_be_lazy_is_told_at_the_import(package, statement):
    with avatarkit.lazily(), pytest.raises(ImportError):
        exec(statement, {})
    assert package == []


def test_threads_that_use_a_lazy_module_at_once_see_all_of_it(package):
    with avatarkit.lazily():
        from lazypack import two
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(lambda _: two.value, range(64))] == [1] * 64
    assert package == ["lazypack", "lazypack.one"]


@pytest.mark.parametrize("name", ["avatarkit", "avatarkit.kit", "avatarkit.testing"])
def test_a_package_lists_the_names_that_it_loads_when_they_are_used(name):
    package = importlib.import_module(name)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'Twin'"):
        package.Twin  # noqa: B018


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
