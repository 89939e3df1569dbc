"""How the documentation is built."""

from __future__ import annotations

import avatarkit

project = "avatarkit"
author = "The avatarkit authors"
release = avatarkit.__version__

#: The pages of React and Svelte are shown as they are: no lexer knows all of them.
suppress_warnings = ["misc.highlighting_failure"]
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinxcontrib.mermaid",
]
intersphinx_mapping: dict[str, tuple[str, None]] = {}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_fence_as_directive = ["mermaid"]  # so that GitHub draws the diagrams, too
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "avatarkit"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "show-inheritance": False}
python_use_unqualified_type_names = True
# Types of other libraries, whose inventories are not fetched at build time, and our private ones.
nitpick_ignore_regex = [
    ("py:.*", r"(enum|pydantic|anyio|httpx|collections|typing|pathlib|os|io)\..*"),
    ("py:.*", r"avatarkit\.(\w+\.)*(_\w+|\w+_co)"),  # private bases and type variables
]
