"""Every page is listed, linked and says which commands exist."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest
import typer

from avatarkit.cli.app import app

from . import page_samples

DOCS = page_samples.ROOT / "docs"
PAGES = [page.path for page in page_samples.pages() if DOCS in page.path.parents]
ROOTS = [page_samples.ROOT / n for n in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
#: The tasks that newcomers look for, and a page of each; see ``test_..._in_two_clicks``.
TASKS = {
    "clone a voice and get a video": "tutorials/first-avatar.md",
    "set a budget": "how-to/budgets.md",
    "receive webhooks": "how-to/webhooks.md",
    "deploy": "how-to/deploy.md",
    "add a vendor": "contributing/adding-a-vendor.md",
}


def commands():
    """Every call of the command line that a page shows, from its first word on."""
    for file in (*ROOTS, *PAGES):
        for line in re.findall(
            r"(?<![\w/.-])avatarkit ((?:[a-z]+ )?[^\n`|#)]*)", _code(file.read_text())
        ):
            yield file.name, line.split()


def _code(text):
    fences = re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL)
    return "\n".join([*fences, *re.findall(r"`([^`\n]+)`", text)])


def test_every_command_and_option_that_is_shown_exists():
    group = typer.main.get_command(app)
    wrong = []
    for page_name, words in commands():
        command = group
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        unknown = hasattr(command, "commands") and words and not words[0].startswith("-")
        shown = {w.partition("=")[0] for w in words if w.startswith("--")}
        if unknown or shown - known:
            wrong.append((page_name, words))
    assert wrong == []


def test_the_page_on_installation_lists_every_extra():
    project = tomllib.loads((page_samples.ROOT / "pyproject.toml").read_text())
    page = (DOCS / "tutorials/installation.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(project["project"]["optional-dependencies"])


def test_every_page_is_in_the_table_of_contents_once():
    blocks = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    listed = re.findall(r"^(?:.*<)?([\w/+-]+)>?$", "\n".join(blocks), re.MULTILINE)
    there = [str(page.relative_to(DOCS).with_suffix("")) for page in PAGES]
    assert sorted(listed) == sorted(set(there) - {"index"})


@pytest.mark.parametrize(
    "file", [*ROOTS, *PAGES], ids=lambda file: str(file.relative_to(page_samples.ROOT))
)
def test_every_linked_file_exists(file):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", file.read_text())
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_the_layout_lists_every_folder_and_only_modules_that_exist():
    """CONTRIBUTING.md names the folders of src/avatarkit, and the modules that matter in each."""
    source = page_samples.ROOT / "src/avatarkit"
    section = (page_samples.ROOT / "CONTRIBUTING.md").read_text().partition("## Layout")[2]
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", section.partition("\n## ")[0], re.MULTILINE
    )
    folders, missing = set(), []
    for first, held in rows[1:]:
        named = re.findall(r"`(\w+)/`", first)
        folders |= set(named)
        for name in re.findall(r"`(\w+)`", held):
            places = [source / folder for folder in named] or [source]
            if not any(
                (place / f"{name}.py").exists() or (place / name).is_dir() for place in places
            ):
                missing.append(f"{first}: {name}")
    assert missing == []
    assert folders == {p.name for p in source.iterdir() if p.is_dir() and p.name != "__pycache__"}


def test_the_reference_lists_every_name_that_a_sample_imports():
    """Names of providers' modules are on the providers' own pages."""
    text = (DOCS / "reference/python-api.md").read_text()
    whole = set(re.findall(r"automodule:: (\S+)\n(?!   :no-members:)", text))
    listed = set(re.findall(r"auto\w+:: (\S+)", text))
    listed |= {name.rpartition(".")[0] for name in listed}  # a module of which names are listed
    packages = {"avatarkit", "avatarkit.pricing", "avatarkit.server", "avatarkit.testing"}
    unlisted = set()
    for file in PAGES:
        for block in page_samples.read(file).samples:
            tree = page_samples.tree(block) if block.language == "python" else ast.Module([], [])
            for node in ast.walk(tree):
                if not isinstance(node, ast.ImportFrom) or node.level:
                    continue
                module = node.module or ""
                if module.partition(".")[0] != "avatarkit" or module in whole | packages:
                    continue
                # the client's names are those of the OpenAPI document, from which it is made
                if not module.startswith(("avatarkit.providers.", "avatarkit.client")):
                    unlisted |= {f"{module}.{n.name}" for n in node.names}
    assert sorted(unlisted - listed) == []


def _links(page):
    found = re.findall(r"\]\(([^)#:\s]+\.md)(?:#[^)]*)?\)", page.read_text())
    return {(page.parent / link).resolve() for link in found}


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_found_from_the_landing_page_in_two_clicks(task):
    first = _links(DOCS / "index.md")
    second = {link for page in first if page.exists() for link in _links(page)}
    assert DOCS / TASKS[task] in first | second


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent.name in {"tutorials", "how-to", "explanation"}],
    ids=lambda page: page.stem,
)  # fmt: skip
def test_a_page_states_its_audience_first_and_is_short(page):
    text = page.read_text()
    assert re.search(r"^\*For ", "\n".join(text.splitlines()[:8]), re.MULTILINE)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert len(prose.split()) <= 900
