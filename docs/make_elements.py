"""Generate the types and the custom-elements manifest of the web components.

    python docs/make_elements.py [TSC]

The TypeScript compiler makes the types from the JSDoc comments: give its path, or install it.
The manifest (https://github.com/webcomponents/custom-elements-manifest) is read from the comments
of the classes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

STATIC = Path(__file__).parent.parent / "src" / "avatarkit" / "server" / "static"

_CLASS = re.compile(r"/\*\*\n((?: \*.*\n)+?) \*/\nexport class (\w+) extends AvatarElement")
_EVENT = {"text": "CustomEvent"}
_SHARED = ("src", "strings", "lang", "audience")


def _tags(comment: str, tag: str) -> list[tuple[str, str]]:
    return re.findall(rf"@{tag} (\S+) ?(.*)", comment)


def declaration(path: Path) -> dict[str, object] | None:
    """Describe the element of a module; None if it has none."""
    found = _CLASS.search(path.read_text(encoding="utf-8"))
    if found is None:
        return None
    comment = re.sub(r"^ \* ?", "", found[1], flags=re.MULTILINE)
    [(name, _)] = _tags(comment, "element")
    attributes = [*_tags(comment, "attr"), *((name, "") for name in _SHARED)]
    events = [*_tags(comment, "fires"), ("avatar-unauthorized", "the API answered 401")]
    named = re.findall(r'part: "([^"]+)"', path.read_text(encoding="utf-8"))
    return {
        "kind": "class",
        "customElement": True,
        "name": found[2],
        "tagName": name,
        "description": comment.partition("\n\n")[0].strip(),
        "attributes": [{"name": n, "description": about} for n, about in attributes],
        "events": [
            {"name": n, "type": {"text": "CustomEvent"}, "description": about}
            for n, about in events
        ],
        "cssParts": [{"name": part} for part in sorted(set(named))],
    }


def manifest() -> str:
    """Build the custom-elements manifest."""
    modules = []
    for path in sorted(STATIC.glob("avatar-*.js")):
        if (found := declaration(path)) is None:
            continue
        made = {"name": found["name"], "module": path.name}
        tag = {"kind": "custom-element-definition", "name": found["tagName"], "declaration": made}
        module = {"kind": "javascript-module", "path": path.name}
        modules.append({**module, "declarations": [found], "exports": [tag]})
    return json.dumps({"schemaVersion": "1.0.0", "modules": modules}, indent=1) + "\n"


def types(tsc: str, folder: Path) -> None:
    """Check the scripts, and write their types to ``folder``."""
    subprocess.run([tsc, "-p", str(STATIC), "--outDir", str(folder)], check=True)
    for page in ("phone", "studio"):  # nothing imports them
        (folder / f"{page}.d.ts").unlink()
    shutil.copy(STATIC / "elements.d.ts", folder)


if __name__ == "__main__":
    (STATIC / "custom-elements.json").write_text(manifest(), encoding="utf-8")
    types(sys.argv[1] if len(sys.argv) > 1 else "tsc", STATIC / "types")
