import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from avatarkit.errors import ConfigError
from avatarkit.interfaces import Capabilities
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake
from avatarkit.stacks import registry
from avatarkit.stacks.registry import Stack


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution with one provider on the path, as pip would."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_distribution(distribution, entry, module="", source=""):
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[avatarkit.providers]\n{entry}\n")
        if module:
            (tmp_path / f"{module}.py").write_text(source)
            monkeypatch.delitem(sys.modules, module, raising=False)

    return install_distribution


def row(name, origin="avatarkit"):
    return next(r for r in registry.listing() if (r.name, r.origin) == (name, origin))


# -- names ------------------------------------------------------------------------------------


def test_the_builtin_names_are_sorted():
    assert list(registry.BUILTIN) == sorted(registry.BUILTIN)


def test_the_fake_provider_is_found_by_its_name():
    assert registry.load("fake") is Fake


@pytest.mark.slow
def test_listing_imports_no_provider():
    code = """
import sys
from avatarkit.stacks import registry
registry.listing()
assert not [m for m in sys.modules if m.startswith("avatarkit.providers.")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plugin_is_listed_with_its_distribution(install):
    install("acme-avatarkit", "acme = acme_plugin:Acme")

    assert row("acme", "acme-avatarkit").target == "acme_plugin:Acme"


def test_a_plugin_is_loaded(install):
    install("acme-avatarkit", "acme = acme_plugin:Acme", "acme_plugin", "class Acme: pass")

    assert registry.load("acme").__name__ == "Acme"


def test_a_broken_plugin_fails_at_its_own_load(install):
    install("bad-avatarkit", "bad = bad_plugin:Bad", "bad_plugin", "1 / 0")

    with pytest.raises(ConfigError, match=r"'bad' of bad-avatarkit.*ZeroDivisionError"):
        registry.load("bad")


def test_a_broken_plugin_leaves_the_others_alone(install):
    install("bad-avatarkit", "bad = bad_plugin:Bad", "bad_plugin", "1 / 0")

    assert registry.load("fake") is Fake
    assert row("fake").error is None


def test_a_plugin_without_its_class_is_a_config_error(install):
    install("bad-avatarkit", "bad = bad_plugin:Bad", "bad_plugin", "")

    with pytest.raises(ConfigError, match="AttributeError"):
        registry.load("bad")


def test_a_plugin_that_names_no_class_is_a_config_error(install):
    install("bad-avatarkit", "bad = bad_plugin:bad", "bad_plugin", "bad = 1")

    with pytest.raises(ConfigError, match="is not a class"):
        registry.load("bad")


def test_a_plugin_cannot_take_a_builtin_name(install):
    install("thief-avatarkit", "fake = thief_plugin:Fake", "thief_plugin", "class Fake: pass")

    assert registry.load("fake") is Fake


def test_a_plugin_that_takes_a_name_is_told_on_its_own_row(install):
    install("thief-avatarkit", "fake = thief_plugin:Fake", "thief_plugin", "class Fake: pass")

    assert "belongs to avatarkit" in str(row("fake", "thief-avatarkit").error)


def test_of_two_plugins_with_one_name_the_second_is_refused(install):
    install("a-avatarkit", "acme = a_plugin:Acme")
    install("b-avatarkit", "acme = b_plugin:Acme")

    assert row("acme", "a-avatarkit").error is None
    assert "belongs to a-avatarkit" in str(row("acme", "b-avatarkit").error)


def test_a_distribution_that_is_found_twice_is_one_row(install, monkeypatch):
    install("acme-avatarkit", "acme = acme_plugin:Acme")
    monkeypatch.setattr(registry, "entry_points", lambda **g: 2 * tuple(entry_points(**g)))

    assert [r.error for r in registry.listing() if r.name == "acme"] == [None]


@pytest.fixture
def scans(monkeypatch):
    """The scans of installed packages, from an empty cache on."""
    made = []
    monkeypatch.setattr(registry, "entry_points", lambda **g: made.append(g) or entry_points(**g))
    registry.forget_plugins()
    yield made
    registry.forget_plugins()


def test_installed_packages_are_scanned_once_in_a_process(scans):
    for _ in range(3):
        registry.load("fake")
        registry.listing()

    assert len(scans) == 1


def test_another_path_is_scanned_on_its_own(scans, tmp_path, monkeypatch):
    registry.listing()
    monkeypatch.syspath_prepend(tmp_path)
    registry.listing()

    assert len(scans) == 2


def test_a_plugin_that_is_installed_later_is_found_by_its_name(install):
    registry.listing()
    install("acme-avatarkit", "acme = acme_plugin:Acme", "acme_plugin", "class Acme: pass")

    assert "acme" not in {r.name for r in registry.listing()}
    assert registry.load("acme").__name__ == "Acme"
    assert "acme" in {r.name for r in registry.listing()}


def test_a_plugin_name_that_could_not_stand_in_a_stack_is_refused(install):
    install("plus-avatarkit", "a+b = plus_plugin:Plus")

    with pytest.raises(ConfigError, match="lower-case letters"):
        registry.load("a+b")


def test_an_unknown_name_is_answered_with_what_exists():
    with pytest.raises(ConfigError, match=r"known: .*fake, .*local"):
        registry.load("nothing-like-it")


def test_a_near_miss_is_answered_with_a_guess():
    with pytest.raises(ConfigError, match="did you mean 'local'"):
        registry.load("Locl")


def test_a_missing_extra_is_answered_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for name in [m for m in sys.modules if m.startswith("avatarkit.providers.local")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(registry, "BUILTIN", {"local": "avatarkit.providers.local.facemesh:Mesh"})

    with pytest.raises(ConfigError, match=r'pip install "avatarkit-sdk\[local\]"'):
        registry.load("local")


# -- stacks -----------------------------------------------------------------------------------


async def _method(self, argument):
    """Stands for any method of a role."""


def playing(*names, name="it", **capabilities):
    told = {"name": name, "capabilities": Capabilities(**capabilities)}
    return type("Provider", (), dict.fromkeys(names, _method) | told)


BOTH = frozenset({"script", "audio"})


VOICE = ("clone_voice", "get_voice", "find_voice", "delete_voice")
AVATAR = ("train_avatar", "get_avatar", "find_avatar", "delete_avatar")
VIDEO = ("generate_video", "get_video", "find_video", "delete_video")
SPEECH = ("synthesize",)

CLASSES = {
    "cloner": playing(*VOICE, name="cloner"),
    "speaker": playing(*VOICE, *SPEECH, name="speaker", speech_format="audio/wav"),
    "hummer": playing(*VOICE, *SPEECH, name="hummer", speech_format="audio/basic"),
    "teller": playing(*SPEECH, name="teller"),
    "trainer": playing(*AVATAR, *VIDEO, name="trainer", drive=BOTH),
    "sculptor": playing(*AVATAR, name="sculptor"),
    "mover": playing(*VIDEO, name="mover", drive=BOTH, audio_formats=("audio/mpeg",)),
    "reader": playing(*AVATAR, *VIDEO, name="reader"),
    "picky": playing(*AVATAR, *VIDEO, name="picky", drive=BOTH, audio_formats=("audio/flac",)),
    "polyglot": playing(
        *AVATAR, *VIDEO, name="polyglot", drive=BOTH, speaks_voices_of=frozenset({"speaker"})
    ),
    "twins": playing(*VOICE, *AVATAR, *VIDEO, name="twins", drive=BOTH),
    "studio": playing(*VOICE, *SPEECH, *AVATAR, *VIDEO, name="studio", drive=BOTH),
    "idle": playing("rest"),
}


def roles(stack):
    return {str(o): n for o, n in Stack.parse(stack, CLASSES.__getitem__).roles.items()}


def test_one_provider_gets_every_role_that_it_plays():
    assert roles("twins") == {"voice": "twins", "avatar": "twins", "video": "twins"}


def test_the_fake_plays_every_role():
    assert set(Stack.parse("fake").roles) == set(Operation)


def test_each_role_goes_to_the_first_that_plays_it():
    assert roles("speaker+twins") == {
        "voice": "speaker",
        "avatar": "twins",
        "video": "twins",
        "speech": "speaker",
    }


def test_speech_follows_the_voice():
    assert roles({"voice": "speaker", "video": "trainer"})["speech"] == "speaker"


def test_a_mapping_may_let_another_speak():
    assert roles({"voice": "speaker", "speech": "teller"})["speech"] == "teller"


def test_speech_goes_elsewhere_where_the_cloner_does_not_speak():
    assert roles("cloner+teller")["speech"] == "teller"


def test_a_mapping_decides_for_what_it_names():
    chosen = roles({"voice": "speaker", "avatar": "twins"})

    assert chosen == {
        "voice": "speaker",
        "avatar": "twins",
        "video": "twins",
        "speech": "speaker",
    }


def test_videos_follow_the_avatar():
    assert roles({"voice": "studio", "avatar": "trainer"})["video"] == "trainer"


def test_the_avatar_follows_the_videos_where_they_are_chosen():
    assert roles({"voice": "speaker", "video": "trainer"})["avatar"] == "trainer"


def test_who_trains_no_avatars_moves_those_that_exist():
    assert "avatar" not in roles({"voice": "speaker", "video": "mover"})


def test_a_mapping_may_be_written_as_a_text():
    assert roles("voice=speaker, avatar=twins") == roles({"voice": "speaker", "avatar": "twins"})


def test_a_stack_is_named_by_its_words():
    assert Stack.parse(" speaker + trainer ", CLASSES.__getitem__).name == "speaker+trainer"


def test_a_mapping_is_named_by_its_providers():
    mapping = {"voice": "speaker", "video": "trainer", "avatar": "trainer"}

    assert Stack.parse(mapping, CLASSES.__getitem__).name == "speaker+trainer"


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("", "unknown stack"),
        ("speaker+", "unknown stack"),
        ("Speaker", "unknown stack"),
        ("speaker trainer", "unknown stack"),
        ("speaker+speaker", "more than once"),
        ("idle", "plays no role"),
        ("twins+cloner", "'cloner' would have nothing to do"),
        ({}, "is empty"),
        ({"singing": "speaker"}, "'singing' is no operation"),
        ({"video": "speaker"}, "'speaker' cannot do video"),
        ({"voice": "speaker+twins"}, "is no provider's name"),
        ("voice=speaker,voice=twins", "more than once who does voice"),
        ("voice=speaker,avatar", "is no provider's name"),
        ("voice=speaker,avatar=cloner", "'cloner' cannot do avatar"),
        ("cloner+trainer", "cloner clones voices, but does not speak"),
        ("speaker+reader", "reader cannot be driven by audio"),
        ("hummer+picky", "hummer speaks audio/basic, and picky takes only audio/flac"),
        ("sculptor+trainer", "an avatar of sculptor moves only at sculptor"),
        ("avatar=trainer,video=twins", "an avatar of trainer moves only at trainer"),
        (
            {"voice": "speaker", "speech": "teller", "video": "trainer"},
            "a voice that speaker cloned speaks only there, not at teller",
        ),
    ],
)
def test_a_stack_that_makes_no_sense_is_a_config_error(stack, message):
    with pytest.raises(ConfigError, match=message):
        Stack.parse(stack, CLASSES.__getitem__)


def test_an_unknown_provider_in_a_stack_is_a_config_error():
    with pytest.raises(ConfigError, match="did you mean 'fake'"):
        Stack.parse("fakr")


# -- the table of stacks ----------------------------------------------------------------------


def table(*names):
    return {row.stack: row for row in registry.stacks(names, CLASSES.__getitem__)}


def how(stack, *names):
    row = table(*names)[stack]
    assert row.problem is None
    return row.how


def test_each_provider_stands_in_the_table_alone():
    assert how("twins", "twins") == "twins itself"


def test_who_makes_no_videos_stands_in_it_too():
    assert how("speaker", "speaker") == "no videos of avatars"


def test_avatars_that_exist_are_told():
    assert "avatars and voices that exist there" in how("mover", "mover")


def test_two_are_joined_by_the_audio_of_the_voice():
    assert how("speaker+trainer", "speaker", "trainer") == "audio of speaker (audio/wav)"


def test_audio_is_converted_where_the_avatar_takes_another_format():
    said = how("speaker+mover", "speaker", "mover")
    assert said.startswith("audio of speaker (audio/wav converted to audio/mpeg)")


def test_who_speaks_a_voice_by_its_id_is_told():
    said = how("speaker+polyglot", "speaker", "polyglot")
    assert said.endswith("or polyglot itself, with your key of speaker")


def test_a_pair_that_cannot_be_said_in_words_is_a_mapping():
    row = table("studio", "trainer")["voice=studio,avatar=trainer"]
    assert (row.roles["voice"], row.roles["video"]) == ("studio", "trainer")


def test_an_impossible_pair_says_why():
    row = table("cloner", "trainer")["voice=cloner,avatar=trainer"]
    assert (row.how, row.problem) == ("", "cloner clones voices, but does not speak")


def test_every_voice_meets_every_avatar():
    voices, avatars = ("cloner", "speaker", "twins"), ("trainer", "mover", "twins")
    met = {(v, a) for v in voices for a in avatars if v != a}
    rows = registry.stacks([*{*voices, *avatars}], CLASSES.__getitem__)
    joined = {
        (row.roles["voice"], row.roles.get("avatar") or row.roles["video"])
        for row in rows
        if len({*row.roles.values()}) > 1
    }
    assert joined == met


def test_what_the_table_offers_can_be_asked_for():
    for row in registry.stacks():
        if row.problem is None:
            assert Stack.parse(row.stack).roles == row.roles


def test_what_the_table_calls_impossible_is_refused_for_that_reason():
    refused = [row for row in registry.stacks() if row.problem]
    assert refused
    for row in refused:
        with pytest.raises(ConfigError) as caught:
            Stack.parse(row.stack)
        assert row.problem in str(caught.value)


def test_a_closed_provider_is_in_no_stack():
    assert not [row for row in registry.stacks() if "playht" in row.stack]


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("heygen", dict.fromkeys(("voice", "avatar", "video", "speech", "dub"), "heygen")),
        (
            "elevenlabs+d-id",
            {
                **dict.fromkeys(("voice", "speech", "dub"), "elevenlabs"),
                **dict.fromkeys(("avatar", "video"), "d-id"),
            },
        ),
        (
            "coqui+local",
            {"voice": "coqui", "speech": "coqui", "avatar": "local", "video": "local"},
        ),
        ("local", dict.fromkeys(("voice", "avatar", "video", "speech"), "local")),
    ],
)
def test_the_three_options_are_words(stack, expected):
    found = Stack.parse(stack).roles
    assert {str(operation): name for operation, name in found.items()} == expected
