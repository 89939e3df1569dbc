"""What people get wrong: each has its typed error, its exit code, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import wave
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import anyio
import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures
from typer.testing import CliRunner

from avatarkit import AvatarKit, Consent, errors
from avatarkit.cli.app import app
from avatarkit.cli.exit_codes import EXIT_CODES

VOICE = Path(str(files("avatarkit") / "data" / "demo" / "voice.wav"))
PORTRAIT = VOICE.with_name("portrait.jpg")
DATABASE = Path(".avatarkit/avatarkit.db")
NOBODY = "--not-a-real-person=a drawing"
TABLES = ("avatar_training", "avatar_videos", "voice_samples", "video_samples")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "local")
    return tmp_path


@pytest.fixture
def mounts():
    """What a case puts in place is taken away again after it."""
    with ExitStack() as undone:
        yield undone


# -- what is given --------------------------------------------------------------------------------


def trained(*, voice=(VOICE,), footage=PORTRAIT, consent=NOBODY):
    consents = [consent] if consent else []
    return ["train", *(f"--voice={v}" for v in voice), f"--footage={footage}", *consents]


def missing_file(mounts):
    return trained(voice=["nowhere.wav"])


def text_named_mp4(mounts):
    Path("clip.mp4").write_text("this is no film\n" * 100)
    return trained(footage="clip.mp4")


def empty_audio(mounts):
    Path("empty.wav").touch()
    return trained(voice=["empty.wav"])


def short_audio(mounts):
    with closing(wave.open("short.wav", "wb")) as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(bytes(2 * 3_200))
    return trained(voice=["short.wav"])


def six_voice_samples(mounts):
    return trained(voice=[VOICE] * 6)


def no_face(mounts):
    Image.fromarray(pictures.coffee()).save("coffee.png")
    return trained(footage="coffee.png")


def two_faces(mounts):
    astronaut = pictures.astronaut()
    Image.fromarray(np.concatenate([astronaut, astronaut], axis=1)).save("twins.png")
    return trained(footage="twins.png")


def huge_picture(mounts):
    Image.new("RGB", (8000, 8000), "grey").save("huge.png")
    return trained(footage="huge.png")


def avatar_that_exists():
    """A completed training, made without a sample."""

    async def adopt():
        async with AvatarKit(worker=False) as kit:
            return await kit.adopt(
                user_id="me",
                clone_id="me",
                avatar_id="an-avatar",
                consent=Consent.not_a_real_person("a drawing"),
            )

    return anyio.run(adopt).id


def empty_text(mounts):
    return ["speak", avatar_that_exists(), "  "]


def endless_text(mounts):
    return ["speak", avatar_that_exists(), "word " * 20_000]


def empty_text_of_a_demo(mounts):
    return ["demo", ""]


def endless_text_of_a_demo(mounts):
    return ["demo", "word " * 20_000]


def no_consent(mounts):
    return trained(consent=None)


def consent_of_nobody(mounts):
    Path("consent.json").write_text(json.dumps({"subject": "Ana Lima", "evidence": "gone.pdf"}))
    return trained(consent="--consent=consent.json")


def unknown_provider(mounts):
    return [*trained(), "--stack=nobody"]


def unknown_id(mounts):
    return ["status", "nothing-of-that-name"]


def unknown_training_speaks(mounts):
    return ["speak", "nothing-of-that-name", "hello"]


# -- where it is kept -----------------------------------------------------------------------------


def database(script):
    DATABASE.parent.mkdir()
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.executescript(script)


def newer_database(mounts):
    avatar_that_exists()
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.execute("DELETE FROM avatar_training")
        connection.commit()
        connection.execute("PRAGMA user_version = 9999")
    return trained()


def foreign_database(mounts):
    database("CREATE TABLE invoices (id TEXT); INSERT INTO invoices VALUES ('ours')")
    return trained()


def database_that_is_none(mounts):
    DATABASE.parent.mkdir()
    DATABASE.write_text("dear diary\n" * 1000)
    return trained()


def mounted(mounts, options):
    """A folder with a file system of its own, where this user may make one."""
    folder = Path("mounted")
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        return None
    mounts.callback(subprocess.run, ["umount", "--lazy", str(folder.absolute())], check=True)
    return folder


def read_only(mounts):
    """A folder that cannot be written; root ignores permission bits, so it needs a mount."""
    folder = mounted(mounts, "ro")
    if folder is None:
        folder = Path("mounted")
        folder.chmod(0o500)
        mounts.callback(folder.chmod, 0o700)
    if os.access(folder, os.W_OK):
        pytest.skip("this user can write everywhere, and may not mount here")
    return folder


def full(mounts, room):
    """A folder with little room, in bytes; or, without a mount, no file that outgrows it."""
    folder = mounted(mounts, f"size={room}")
    if folder is None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        mounts.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        folder = Path("mounted")
    return folder


def make_room():
    if Path("mounted").is_mount():
        subprocess.run(["mount", "-o", "remount,size=64m", "mounted"], check=True)
    else:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def read_only_database(mounts):
    return [*trained(), f"--repository=sqlite:///{read_only(mounts)}/twins.db"]


def read_only_media(mounts):
    return [*trained(), f"--media={read_only(mounts)}"]


def full_database(mounts):
    return [*trained(), f"--repository=sqlite:///{full(mounts, room=1 << 16)}/twins.db"]


def full_media(mounts):
    """There is room for the database, and not for the voice."""
    return [*trained(), f"--media={full(mounts, room=3 << 17)}"]


# -- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    arguments: Callable[[ExitStack], list[str]]
    error: type[errors.AvatarKitError]
    says: str


#: Written out once more: these numbers are a promise to shell scripts.
CODES = {
    errors.ConfigError: 3,
    errors.MediaRejected: 4,
    errors.ConsentRequired: 5,
    errors.NotFound: 6,
    errors.StorageError: 11,
}

CASES = [
    Case(missing_file, errors.MediaRejected, "no such file"),
    Case(text_named_mp4, errors.MediaRejected, "whatever its name says"),
    Case(empty_audio, errors.MediaRejected, "empty (0 bytes)"),
    Case(short_audio, errors.MediaRejected, "seconds of voice"),
    Case(six_voice_samples, errors.MediaRejected, "6 voice samples"),
    Case(no_face, errors.MediaRejected, "no face"),
    Case(two_faces, errors.MediaRejected, "more than one face"),
    Case(huge_picture, errors.MediaRejected, "megapixels"),
    Case(empty_text, errors.MediaRejected, "script is empty"),
    Case(endless_text, errors.MediaRejected, "characters"),
    Case(empty_text_of_a_demo, errors.MediaRejected, "script is empty"),
    Case(endless_text_of_a_demo, errors.MediaRejected, "characters"),
    Case(no_consent, errors.ConsentRequired, "--consent FILE"),
    Case(consent_of_nobody, errors.ConsentRequired, "gone.pdf"),
    Case(unknown_provider, errors.ConfigError, "no provider 'nobody'"),
    Case(unknown_id, errors.NotFound, "nothing-of-that-name"),
    Case(unknown_training_speaks, errors.NotFound, "nothing-of-that-name"),
    Case(newer_database, errors.ConfigError, "upgrade"),
    Case(foreign_database, errors.ConfigError, "avatarkit.db"),
    Case(database_that_is_none, errors.ConfigError, "no SQLite database"),
    Case(read_only_database, errors.StorageError, "mounted"),
    Case(read_only_media, errors.StorageError, "mounted"),
    Case(full_database, errors.StorageError, "mounted"),
    Case(full_media, errors.StorageError, "mounted"),
]


def files_kept(place):
    """Every file but the databases', whose rows are looked at instead."""
    return {p for p in place.rglob("*") if p.is_file() and ".db" not in p.name}


def rows():
    """The ids of all records and samples, in every database that is ours."""
    return {row for path in Path().rglob("*.db") for row in rows_of(path)}


def rows_of(path):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in found} & set(TABLES)
        except sqlite3.DatabaseError:
            return set()
        return {row for table in tables for row in connection.execute(f"SELECT id FROM {table}")}


@pytest.fixture(params=CASES, ids=lambda case: case.arguments.__name__.replace("_", " "))
def case(request):
    return request.param


@pytest.mark.slow
def test_bad_input_is_refused_with_its_error_and_leaves_nothing(case, place, mounts):
    arguments = case.arguments(mounts)
    before = files_kept(place), rows()
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    error = json.loads(result.stdout.splitlines()[-1])["error"]
    assert (error["type"], result.exit_code) == (case.error.__name__, CODES[case.error]), error
    assert case.says in error["message"]
    assert (files_kept(place), rows()) == before


def test_the_exit_codes_of_bad_input_are_those_of_the_table():
    assert {error: EXIT_CODES[error] for error in CODES} == CODES


@pytest.mark.parametrize("spoil", [foreign_database, database_that_is_none])
def test_a_file_that_is_not_ours_stays_as_it_is(spoil, mounts):
    arguments = spoil(mounts)
    before = DATABASE.read_bytes()
    CliRunner().invoke(app, arguments)
    assert DATABASE.read_bytes() == before


@pytest.mark.slow
def test_a_database_that_had_no_room_is_used_once_there_is_some(mounts):
    arguments = full_database(mounts)
    CliRunner().invoke(app, arguments)
    make_room()
    assert CliRunner().invoke(app, arguments).exit_code == 0


@pytest.mark.slow
def test_a_full_media_folder_is_used_once_there_is_room(mounts):
    arguments = full_media(mounts)
    CliRunner().invoke(app, arguments)
    make_room()
    assert CliRunner().invoke(app, arguments).exit_code == 0
