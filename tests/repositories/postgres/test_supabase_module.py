"""``avatarkit-supabase.js`` with the real supabase-js, before the real PostgREST."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from avatarkit.repositories.supabase import SupabaseRepository
from avatarkit.testing.repositories import ANA, BOB, a_training, a_video

from .conftest import connected
from .postgrest import URL, cache, token

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "clients/supabase"
SCRIPT = ROOT / "tests/clients/supabase.mjs"
PACKAGES = ("@supabase/supabase-js@2.109.0", "ws@8.23.0", "typescript@5.9.3")
NAMES = ("order", "off", "refused", "strict", "deleted", "gone", "action")


@pytest.fixture(scope="module")
def packages():
    """A folder with the packages of npm, installed once."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = cache() / "supabase-js-2.109.0"
    if not (folder / "node_modules/ws").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES]
        if subprocess.run(command, cwd=folder, check=False, timeout=300).returncode:
            pytest.skip("npm could not fetch supabase-js")
    return folder


@pytest.fixture(scope="module")
def told(start_postgrest, cluster, fresh_database, supabase_template, packages, tmp_path_factory):
    """What each scenario tells, by its name."""
    database = fresh_database(supabase_template("ready"))
    with connected(cluster, database) as db:
        for user in (ANA, BOB):
            db.execute("insert into auth.users (id) values (%s)", (user,))
    server = start_postgrest(database)
    rows = anyio.run(kept, server)
    folder = tmp_path_factory.mktemp("scenarios")
    for file in (SCRIPT, MODULE / "avatarkit-supabase.js"):
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    environ = {
        **os.environ,
        "POSTGREST": server.url,
        "MODULE": str(folder / "avatarkit-supabase.js"),
        "ROWS": json.dumps(rows),
        "ANON": token("anon"),
        "SERVICE": token("service_role"),
        "ANA": token("authenticated", ANA),
        "BOB": token("authenticated", BOB),
    }
    (folder / "package.json").write_text('{"type": "module"}')
    done = subprocess.run(
        ["node", SCRIPT.name],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line["told"] for line in lines}


async def kept(server):
    """The ids of rows that are stored as avatarkit stores them."""
    async with server.client() as client:
        repository = SupabaseRepository(URL, "sb_secret_of_tests", client=client)
        await repository.open()
        rows = {}
        for name in NAMES:
            record, _ = await repository.create(a_training(name))
            rows[name] = record.id
            if name == "deleted":
                await repository.save(record, record.model_copy(update={"deleted": True}))
        rows["video"] = (await repository.create(a_video("a video")))[0].id
        await repository.aclose()
    return rows


WANTED = {
    "an older change does not follow a newer one": {
        "seen": ["pending 0", "completed 100"],
        "last": True,
        "problems": [],
    },
    "where Realtime is off, it looks by itself": {"seen": ["pending 0", "training 55"]},
    "where Realtime refuses the channel, it looks by itself": {
        "seen": ["pending 0", "completed 100"]
    },
    "StrictMode's effect, cleanup, effect shows it": {
        "first": 0,
        "second": ["pending 0", "completed 100"],
    },
    "an unknown, a foreign, and a deleted training are told of once": {
        "problems": [["not_found"]] * 3,
        "seen": 0,
    },
    "a visitor who is not signed in is told that the read is refused": {
        "codes": ["refused"],
        "seen": 0,
    },
    "one that is deleted while it is watched is told of": {"codes": ["not_found"]},
    "an action comes with its text and its choices": {
        "action": {
            "kind": "open_url",
            "message": "Open the page.",
            "choices": ["done"],
            "url": "https://vendor.example/consent",
            "text": None,
            "expires_at": None,
            "recording": None,
        }
    },
    "a video is watched in the same way": {"seen": ["pending 0"]},
    "two presses send one key, and signed out none": {
        "first": ["ApiError", "unreachable"],
        "second": "v1",
        "third": "v1",
        "sent": 3,
        "same": True,
        "fresh": True,
        "auth": "Bearer jwt",
        "out": ["ApiError", "not_authenticated", 401],
    },
    "a proxy's page and an API's refusal are both errors with a status": {
        "proxy": ["ApiError", 502, "unknown"],
        "refused": ["not yet", 409, "illegal_transition", "req_1"],
    },
}


@pytest.mark.parametrize("name", WANTED)
def test_the_module_in_a_page(told, name):
    assert told[name] == WANTED[name]


def test_the_types_are_those_of_the_module(packages, tmp_path):
    for file in MODULE.iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    flags = "--checkJs --allowJs --strict --target es2022 --module nodenext --skipLibCheck"
    more = "--declaration --emitDeclarationOnly --lib es2023,dom"
    command = ["node", "node_modules/typescript/bin/tsc", *flags.split(), *more.split()]
    out = ["--outDir", "made", "avatarkit-supabase.js"]
    done = subprocess.run(
        [*command, *out], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    made = (tmp_path / "made/avatarkit-supabase.d.ts").read_text()
    assert made == (MODULE / "avatarkit-supabase.d.ts").read_text()


def test_the_page_uses_what_the_module_exports():
    page = (ROOT / "docs/how-to/supabase-frontend.md").read_text()
    imported = {
        name.strip()
        for names in re.findall(r'import {(.*?)} from "avatarkit-supabase"', page)
        for name in names.split(",")
    }
    exported = re.findall(
        r"export (?:const|async function|class) (\w+)",
        (MODULE / "avatarkit-supabase.js").read_text(),
    )
    assert {"watchTraining", "watchVideo", "createVideo"} == imported <= set(exported)


def test_npm_packs_it(tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    done = subprocess.run(
        ["npm", "pack", "--json", "--pack-destination", tmp_path],
        cwd=MODULE,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    files = {file["path"] for file in json.loads(done.stdout)[0]["files"]}
    assert {"avatarkit-supabase.js", "avatarkit-supabase.d.ts", "package.json"} <= files
