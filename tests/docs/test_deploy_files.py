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
