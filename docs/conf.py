"""How the documentation is built."""

from __future__ import annotations

import avatarkit

project = "avatarkit"
author = "The avatarkit authors"
release = avatarkit.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
]
intersphinx_mapping: dict[str, tuple[str, None]] = {}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "avatarkit"
html_static_path = ["_static"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "show-inheritance": False}
python_use_unqualified_type_names = True
# Types of other libraries, whose inventories are not fetched at build time.
nitpick_ignore_regex = [
    ("py:.*", r"(enum|pydantic|anyio|httpx|collections|typing|pathlib|os|io)\..*"),
]

# Every example runs in an empty folder of its own, on the provider that makes no media.
doctest_global_setup = """
import os, tempfile
from pathlib import Path
os.chdir(tempfile.mkdtemp(prefix="avatarkit-docs-"))
os.environ["AVATARKIT_STACK"] = "fake"
import importlib.resources
demo = importlib.resources.files("avatarkit") / "data" / "demo"
Path("me.wav").write_bytes((demo / "voice.wav").read_bytes())
Path("me.jpg").write_bytes((demo / "portrait.jpg").read_bytes())
"""
doctest_test_doctest_blocks = ""
