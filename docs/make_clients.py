"""Generate the clients of the HTTP API from its OpenAPI document.

    python docs/make_clients.py [FOLDER]

Writes ``python`` and ``typescript`` into FOLDER, or to the places where they are committed. Needs
openapi-python-client and ruff, and npm, which fetches the generator for TypeScript.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from avatarkit.server import openapi
from avatarkit.server.routes import OPEN, ROUTES

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / "src/avatarkit/client"
TYPESCRIPT = ROOT / "clients/typescript/src"

HEY_API = ("@hey-api/openapi-ts@0.95.0", "typescript@5.9.3")
CONFIG = {
    "project_name_override": "client",
    "package_name_override": "client",
    "post_hooks": [],  # formatters would read the settings of the place that they write to
    "content_type_overrides": {
        "*/*": "application/octet-stream",
        "application/offset+octet-stream": "application/octet-stream",
    },
}


def document(folder: Path) -> Path:
    """Write the document of the whole API; its version does not change the clients."""
    path = folder / "openapi.json"
    made = openapi.document([*ROUTES, *OPEN], "0") | {"servers": [{"url": "/"}]}
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def python(api: Path, target: Path) -> None:
    """Generate the Python client, and format it, as only formatted code is compared."""
    config = api.with_name("config.json")
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    command = ["openapi-python-client", "generate", "--meta", "none", "--path", str(api)]
    _run([*command, "--config", str(config), "--output-path", str(target)])
    for name in (".gitignore", "README.md"):
        (target / name).unlink(missing_ok=True)
    _run(["ruff", "format", "--isolated", "--quiet", "--line-length", "100", str(target)])
    (target / "py.typed").unlink(missing_ok=True)  # the package has one


def typescript(api: Path, target: Path) -> None:
    """Generate the TypeScript client."""
    shutil.rmtree(target, ignore_errors=True)
    packages = [part for name in HEY_API for part in ("-p", name)]
    command = ["npx", "--yes", *packages, "openapi-ts", "-i", str(api), "-o", str(target)]
    _run([*command, "-c", "@hey-api/client-fetch"])


def _run(command: list[str]) -> None:
    found = shutil.which(command[0]) or str(Path(sys.executable).with_name(command[0]))
    subprocess.run([found, *command[1:]], check=True, stdout=subprocess.DEVNULL)


def main(folder: Path | None) -> None:
    """Generate both."""
    with tempfile.TemporaryDirectory() as scratch:
        api = document(Path(scratch))
        python(api, PYTHON if folder is None else folder / "python")
        typescript(api, TYPESCRIPT if folder is None else folder / "typescript")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
