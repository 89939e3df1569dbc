import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from avatarkit import registry
from avatarkit.errors import ConfigError
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake
from avatarkit.registry import Stack


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


def test_listing_imports_no_provider():
    code = """
import sys
from avatarkit import registry
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


def playing(*names):
    return type("Provider", (), dict.fromkeys(names, _method))


VOICE = ("clone_voice", "get_voice", "find_voice", "delete_voice")
AVATAR = ("train_avatar", "get_avatar", "find_avatar", "delete_avatar")
VIDEO = ("generate_video", "get_video", "find_video", "delete_video")
SPEECH = ("synthesize",)

CLASSES = {
    "cloner": playing(*VOICE),
    "speaker": playing(*VOICE, *SPEECH),
    "teller": playing(*SPEECH),
    "trainer": playing(*AVATAR, *VIDEO),
    "twins": playing(*VOICE, *AVATAR, *VIDEO),
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


def test_a_stack_is_named_by_its_words():
    assert Stack.parse(" speaker + trainer ", CLASSES.__getitem__).name == "speaker+trainer"


def test_a_mapping_is_named_by_its_providers():
    mapping = {"voice": "speaker", "video": "trainer", "avatar": "trainer"}

    assert Stack.parse(mapping, CLASSES.__getitem__).name == "speaker+trainer"


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("", "is no stack"),
        ("speaker+", "is no stack"),
        ("Speaker", "is no stack"),
        ("speaker trainer", "is no stack"),
        ("speaker+speaker", "more than once"),
        ("idle", "plays no role"),
        ("twins+cloner", "'cloner' would have nothing to do"),
        ({}, "is empty"),
        ({"singing": "speaker"}, "'singing' is no operation"),
        ({"video": "speaker"}, "'speaker' cannot do video"),
        ({"voice": "speaker+twins"}, "is no provider's name"),
    ],
)
def test_a_stack_that_makes_no_sense_is_a_config_error(stack, message):
    with pytest.raises(ConfigError, match=message):
        Stack.parse(stack, CLASSES.__getitem__)


def test_an_unknown_provider_in_a_stack_is_a_config_error():
    with pytest.raises(ConfigError, match="did you mean 'fake'"):
        Stack.parse("fakr")
