"""Uploads of tus-js-client: one that is killed, and one that continues it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

pytestmark = [pytest.mark.once, pytest.mark.slow]

SCRIPT = """
import { readFileSync } from "node:fs";
import { Upload } from "tus-js-client";
const [, , endpoint, token, path, uploadUrl] = process.argv;
const upload = new Upload(readFileSync(path), {
  endpoint: `${endpoint}/clones/c1/uploads`,
  uploadUrl: uploadUrl || undefined,
  chunkSize: 100_000,
  retryDelays: null,
  headers: { authorization: `Bearer ${token}` },
  metadata: { filename: "voice.wav", role: "voice" },
  onChunkComplete: (_, accepted) => {
    if (uploadUrl) return;
    console.log(accepted, upload.url);
    process.exit(9);
  },
  onSuccess: () => console.log("complete"),
});
upload.start();
"""


def test_tus_js_client_goes_on_where_a_killed_one_was(site, tmp_path):
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js is not installed: it runs tus-js-client")
    asked = [npm, "install", "--silent", "--no-audit", "--prefix", str(tmp_path), "tus-js-client@4"]
    if subprocess.run(asked, cwd=tmp_path, check=False, timeout=180).returncode:
        pytest.skip("tus-js-client could not be fetched by npm")
    (tmp_path / "send.mjs").write_text(SCRIPT)
    (tmp_path / "voice.wav").write_bytes(site.voice)
    with site.served() as address:
        command = [node, "send.mjs", address, site.tokens["ana"], "voice.wav"]

        def run(*more):
            return subprocess.run(
                [*command, *more],
                cwd=tmp_path,
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )

        killed = run()
        assert killed.returncode == 9, killed.stderr
        accepted, where = killed.stdout.split()
        assert accepted == "100000"
        assert run(where).stdout.split() == ["complete"]
    [kept] = [path for path in (site.folder / "media").rglob("*.wav") if path.is_file()]
    assert kept.read_bytes() == site.voice
