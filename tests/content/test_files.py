"""Local files: permissions for this user only, at creation and for what exists already."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from avatarkit.content.files import kept_once, private_folder, restrict, restrict_home


@pytest.fixture(autouse=True)
def _with_the_usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def shared(root):
    """Everything at and below ``root`` that others may use."""
    return [p for p in (root, *root.rglob("*")) if stat.S_IMODE(p.lstat().st_mode) & 0o077]


def test_a_new_folder_and_its_parents_are_private(tmp_path):
    private_folder(tmp_path / "a/b/c")
    assert not shared(tmp_path / "a")


def test_a_folder_that_exists_keeps_its_permissions(tmp_path):
    (tmp_path / "a").mkdir(mode=0o755)
    private_folder(tmp_path / "a/b")
    assert shared(tmp_path / "a") == [tmp_path / "a"]


def test_a_kept_text_and_its_folder_are_private(tmp_path):
    kept_once(tmp_path / "a/b/secret", lambda: "x")
    assert not shared(tmp_path / "a")


def old_files(root):
    (root / "local/avatars/x").mkdir(parents=True)
    (root / "local/avatars/x/portrait.png").write_bytes(b"x")
    (root / "uploads/u/f").mkdir(parents=True)
    (root / "uploads/u/f/.clip.mp4.part").write_bytes(b"x")
    for name in ("avatarkit.db", "avatarkit.db-wal", "avatarkit.db-shm"):
        (root / name).write_bytes(b"x")
    (root / "run").mkdir()
    (root / "run/tool").write_bytes(b"x")
    (root / "run/tool").chmod(0o775)


def test_what_exists_is_restricted_and_stays_executable_for_this_user(tmp_path):
    old_files(tmp_path / "home")
    assert len(shared(tmp_path / "home")) == 14
    restrict(tmp_path / "home")
    assert not shared(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home/run/tool").stat().st_mode) == 0o700


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_bytes(b"x")
    (tmp_path / "home/link").symlink_to(tmp_path / "other")
    (tmp_path / "home/broken").symlink_to(tmp_path / "nowhere")
    restrict(tmp_path / "home")
    assert len(shared(tmp_path / "other")) == 2


def test_a_folder_that_does_not_exist_is_not_created(tmp_path):
    restrict(tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("below", ["", "app"])
def test_of_a_home_with_other_programs_files_only_ours_are_restricted(tmp_path, monkeypatch, below):
    old_files(tmp_path)
    (tmp_path / "app").mkdir()
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path / below)
    restrict_home(Path(".." if below else "."), ("local", "uploads"))
    theirs = {path.name for path in shared(tmp_path)}
    assert {"run", "tool", "app", tmp_path.name} <= theirs
    assert not {"local", "portrait.png", "uploads", ".clip.mp4.part"} & theirs
