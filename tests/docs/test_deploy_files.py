"""Files that the page "Deploy to production" shows: each can be parsed, and fits the server."""

from __future__ import annotations

import configparser
import shlex

import pytest

from pages import blocks

PAGE = "how-to/deploy.md"
INSTRUCTIONS = {"FROM", "COPY", "RUN", "WORKDIR", "USER", "EXPOSE", "CMD"}


def documents():
    yaml = pytest.importorskip("yaml")
    return [d for block in blocks(PAGE, "yaml") for d in yaml.safe_load_all(block)]


def test_the_dockerfile_has_only_known_instructions_and_installs_extras():
    (file,) = blocks(PAGE, "dockerfile")
    lines = file.splitlines()
    assert lines[0].startswith("FROM python:3.")
    assert {line.split()[0] for line in lines} <= INSTRUCTIONS
    assert "[postgres,s3,cli,server]" in file


def test_compose_runs_migration_server_and_worker():
    services = documents()[0]["services"]
    assert services["migrate"]["command"] == "avatarkit db migrate"
    assert services["worker"]["command"] == "avatarkit worker"
    assert all(s["env_file"] == "avatarkit.env" for s in services.values())


def folders():
    """The folders that the settings of the page name."""
    settings = next(b for b in blocks(PAGE, "sh") if b.startswith("# /etc/app/avatarkit.env"))
    values = dict(line.split("=", 1) for line in settings.splitlines()[1:])
    found = {values[name] for name in ("AVATARKIT_HOME", "AVATARKIT_MEDIA")}
    assert all(folder.startswith("/srv/app/") for folder in found)
    return found


def test_the_image_makes_each_folder_of_the_settings_for_its_user():
    (file,) = blocks(PAGE, "dockerfile")
    (line,) = [one for one in file.splitlines() if "useradd" in one]
    made = line.partition("install -d -o app ")[2].split()
    assert set(made) == folders()


def test_server_and_worker_share_a_volume_for_each_folder_of_the_settings():
    compose = documents()[0]
    for service in ("server", "worker"):
        mounts = dict(v.split(":") for v in compose["services"][service]["volumes"])
        assert set(mounts.values()) == folders()
        assert set(mounts) == set(compose["volumes"])


def test_the_host_has_each_folder_of_the_settings_and_the_environment_of_the_unit():
    (host,) = [block for block in blocks(PAGE, "sh") if block.startswith("sudo useradd")]
    (line,) = [one for one in host.splitlines() if "install -d -o app" in one]
    assert folders() <= set(line.split())
    (unit,) = blocks(PAGE, "ini")
    start = unit.partition("ExecStart=")[2].split()[0]
    assert f"-m venv {start.removesuffix('/bin/avatarkit')}\n" in host


def test_probes_ask_for_a_route_that_the_server_has():
    pytest.importorskip("sse_starlette")
    from avatarkit.server.routes import OPEN

    _, server, worker = documents()
    paths = {server[p]["httpGet"]["path"] for p in ("readinessProbe", "startupProbe")}
    assert paths <= {route.path for route in OPEN}
    assert worker["terminationGracePeriodSeconds"] >= 30


def test_the_unit_starts_a_worker():
    (unit,) = blocks(PAGE, "ini")
    parsed = configparser.ConfigParser()
    parsed.read_string(unit)
    assert shlex.split(parsed["Service"]["ExecStart"])[1:] == ["worker"]
    assert parsed["Service"]["EnvironmentFile"] == "/etc/app/avatarkit.env"
