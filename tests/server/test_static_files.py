"""Scripts as they are sent: without comments and indentation, and otherwise the same."""

from __future__ import annotations

import gzip
import re
from importlib import import_module

import pytest

from avatarkit.server.app import STATIC
from avatarkit.server.guards import HEADERS
from avatarkit.server.static_files import StaticFiles, sent


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("// A comment.\nlet a = 1;\n", "let a = 1;\n"),
        ("  let a = 1; // why\n", "let a = 1; // why\n"),
        ("/**\n * @param {string} a\n */\n\nconst f = (a) => a;\n", "const f = (a) => a;\n"),
        ("/** @type {A} */ (b).c();\n\n  /** One. */\n  d();\n", "(b).c();\nd();\n"),
        ("f(/** @type {A[]} */ (b), /** @type {C} */ (d));\n", "f((b), (d));\n"),
        ('const u = "https://a/**/b"; // c\n', 'const u = "https://a/**/b"; // c\n'),
        ("const s = `\n  p { color: red; }\n`;\n", "const s = `\np { color: red; }\n`;\n"),
        ("a = b\n  / c / 2;\n", "a = b\n/ c / 2;\n"),
    ],
)
def test_a_script_is_sent_without_its_comments(script, expected):
    assert sent(script) == expected
    assert sent(expected) == expected


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("gzip", "gzip"),
        ("identity", ""),
        ("", ""),
        ("x-gzip, xbr", ""),
    ],
)
def test_a_file_is_sent_in_the_best_encoding_that_a_client_takes(accepted, encoding):
    if encoding == "br":
        pytest.importorskip("brotli", reason="brotli is not installed")
    file = StaticFiles(STATIC)._files["client.js"]
    name, content = file.encoded(accepted)
    assert name == encoding
    plain = {"br": lambda b: import_module("brotli").decompress(b), "gzip": gzip.decompress}
    assert plain.get(name, bytes)(content) == file.content


# -- the first load -------------------------------------------------------------------------------

#: Connections that a browser opens to a server at a time: one more file is a round trip more.
CONNECTIONS = 6


def imports(name):
    """Scripts that a script imports at once, and those that these import."""
    source = (STATIC / name).read_text()
    found = re.findall(r'^(?:import|export) (?:.* from )?"\./([\w./-]+)";', source, re.MULTILINE)
    inner = {str((STATIC / name).parent.joinpath(one).relative_to(STATIC)) for one in found}
    return {name}.union(*(imports(one) for one in inner))


def named(page, pattern):
    return set(re.findall(pattern, (STATIC / page).read_text()))


def test_the_studio_names_the_files_that_it_begins_with_so_that_they_take_one_round_trip():
    files = named("studio.html", r'(?:modulepreload"|type="module") (?:href|src)="static/([^"]+)"')
    assert files == imports("studio.js") | imports("avatar-list.js")
    styles = named("studio.html", r'rel="stylesheet" href="static/([^"]+)"')
    assert len(files | styles) <= CONNECTIONS


@pytest.mark.anyio
async def test_the_first_load_is_small(site):
    """With headers, and for a client that takes gzip alone; before its three answers of the API."""
    async with site.running() as app, site.client(app) as client:
        client.headers["accept-encoding"] = "gzip"
        page = await client.get("/")
        paths = re.findall(r'(?:href|src)="(static/[^"]+)"', page.text)
        answers = [page, *[await client.get(f"/{path}") for path in paths]]
    assert len(answers) == 1 + CONNECTIONS + 1  # and an icon
    heads = sum(len(n) + len(v) + 4 for a in answers for n, v in a.headers.items())
    assert heads + sum(int(a.headers["content-length"]) for a in answers) < 28_000


@pytest.mark.anyio
async def test_headers_of_documents_are_sent_with_documents(site):
    async with site.running() as app, site.client(app) as client:
        for path in ("/", "/phone", "/static/icon.svg", "/static/package.json", "/health"):
            assert HEADERS.items() <= dict((await client.get(path)).headers).items(), path
        for path in ("/static/studio.js", "/static/studio.css"):
            sent_with = set((await client.get(path)).headers) & set(HEADERS)
            assert sent_with == {"x-content-type-options", "cross-origin-resource-policy"}
